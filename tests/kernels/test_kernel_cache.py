"""A kernel cache that is cut off, scribbled over or may not be written costs a compilation, never a result."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba.core.caching import IndexDataCacheFile
from numba.core.registry import cpu_target

from tests.faults.test_batch_faults import PLAIN
from waterbodem.kernels._compile import decorators, door, insides

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
    assert list(folder.rglob("*.nbc"))
    return folder


def test_kernels_were_tried_with_this_numba():
    """Else nobody knows what an inside that changed its meaning does: a new version is tried, then listed."""
    assert door.reason == "" and numba.__version__.startswith(door.TRIED)


@pytest.mark.parametrize("fault", [lambda d: d[: len(d) // 2], lambda d: bytes(255 - b for b in d)], ids=["cut", "odd"])
def test_a_broken_cache_is_told_and_made_anew(tmp_path, cache, fault):
    folder = tmp_path / "cache"
    shutil.copytree(cache, folder)
    for path in folder.rglob("*.nbc"):
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


def halve(x):
    return x / 2


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(insides, "_cache_dir", lambda: str(tmp_path))
    return tmp_path


def test_two_processes_that_write_at_once_keep_what_is_theirs(folder, monkeypatch):
    """With an index, one would get the code that the other compiled for other types."""
    monkeypatch.setattr(IndexDataCacheFile, "_load_index", lambda self: {}, raising=False)  # what both begin with
    one, other = insides.ForgivingCache(halve)._cache_file, insides.ForgivingCache(halve)._cache_file
    one.save(("float64",), "of floats")
    other.save(("int64",), "of integers")
    assert [one.load(("int64",)), other.load(("float64",))] == ["of integers", "of floats"]


@decorators.inlined
def third(x):
    return x / 3


@decorators.stage
def thirds(values, out):
    for i in range(out.size):
        out[i] = third(values[i])


def two_rows(values, out):
    thirds(values[0], out[0])
    thirds(values[1], out[1])


def test_a_part_is_taken_in_and_a_stage_is_called(folder):
    """Only a kernel becomes machine code, and the part of it that is a stage does so once."""
    entry = decorators.kernel(two_rows)
    values, out = np.arange(6.0).reshape(2, 3), np.empty((2, 3))
    entry(values, out)
    assert out.tolist() == (values / 3).tolist()
    libraries = [next(iter(f.overloads.values())).library for f in (entry, thirds, third)]
    assert [library._compiled for library in libraries] == [True, False, False]
    code = libraries[0].get_llvm_str()
    made = re.findall(r"^define internal .*@(\w+)\((.*?)\) local", code, re.MULTILINE)
    assert [code.count(f"call i32 @{name}(") for name, _ in made] == [2] and "6thirds" in made[0][0]
    assert re.findall(r"%arg\.\w+\.\d", made[0][1]) == ["%arg.values.4", "%arg.out.2", "%arg.out.4"], "what it looks at"


def test_stages_may_use_the_widest_registers():
    target = cpu_target.target_context
    library, module = insides._Stage(target.codegen(), "stage"), ir.Module("stage")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "stage")
    ir.IRBuilder(function.append_basic_block()).ret_void()
    library.add_ir_module(module)
    assert '"prefer-vector-width"="512"' in str(library._final_module)


#: Score, sum and decide in kernels that lean on every inside.
ANSWER = """
import hashlib, waterbodem as wb
answer = wb.assess(wb.example(200), "woningbouw", wb.example_plans())
print(hashlib.sha256(answer.table.to_csv().encode() + answer.cells.risico.values.tobytes()).hexdigest(), end="")
"""
UNTRIED = "import numba; numba.__version__ = '0.99.0'\n"
HIDDEN = "from numba.core import caching; del caching.IndexDataCacheFile\n"
REASON = "from waterbodem.kernels._compile.door import reason; print(reason, end='')"


def said(code, folder):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)


def test_answers_are_the_same_with_a_numba_that_was_not_tried(tmp_path):
    one, other = said(UNTRIED + ANSWER, tmp_path), said(ANSWER, tmp_path)
    assert one.stdout == other.stdout
    assert one.stderr.count("compiled plainly") == 1 and "plainly" not in other.stderr


def test_kernels_are_compiled_where_numba_hides_a_part_that_is_used(tmp_path):
    assert "IndexDataCacheFile" in said(HIDDEN + CODE + REASON, tmp_path).stdout
    assert not list(tmp_path.iterdir())
