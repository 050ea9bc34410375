"""A kernel cache that is cut off, scribbled over or may not be written costs a compilation, never a result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from test_batch_faults import PLAIN

CODE = """
import numpy as np
from waterbodem.kernels import pack
out = np.zeros((2, 2), np.uint8)
pack.halve_mean(np.arange(16, dtype=np.uint8).reshape(4, 4), out)
assert out.tolist() == [[3, 5], [11, 13]], out
"""


def compute(folder, before=""):
    """Use a kernel in a process of its own, with its cache in a folder; return what it said."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", before + CODE], env=env, capture_output=True, text=True, check=True)
    return done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    assert not compute(folder)
    assert list(folder.rglob("*.nbc")) and list(folder.rglob("*.nbi"))
    return folder


@pytest.mark.parametrize("end", ["nbc", "nbi"])
@pytest.mark.parametrize("fault", [lambda d: d[: len(d) // 2], lambda d: bytes(255 - b for b in d)], ids=["cut", "odd"])
def test_a_broken_cache_is_told_and_made_anew(tmp_path, cache, end, fault):
    folder = tmp_path / "cache"
    shutil.copytree(cache, folder)
    for path in folder.rglob(f"*.{end}"):
        path.write_bytes(fault(path.read_bytes()))
    assert "kernels are compiled anew" in compute(folder)
    assert not compute(folder), "it is whole again"


@pytest.mark.skipif(sys.platform != "linux", reason="even root must be kept from writing")
def test_a_cache_that_may_not_be_written(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        said = compute(folder, PLAIN)
    finally:
        folder.chmod(0o700)
    assert "Traceback" not in said and not list(folder.iterdir())
