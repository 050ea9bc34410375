"""One more of a kind takes few modules: additions kept as patches, still fit and touch no more than that."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import missing

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "tests" / "contract").glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda p: p.stem)
def test_an_addition_touches_two_modules_beside_data(tmp_path, patch):
    lines = patch.read_text(encoding="utf-8").splitlines()
    touched = [line.removeprefix("+++ b/") for line in lines if line.startswith("+++ ")]
    assert 0 < sum(name.endswith(".py") for name in touched) <= 2
    if not shutil.which("git"):
        missing("git is needed to see whether a patch fits")
    for folder in ("waterbodem", "docs/schema"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(["git", "apply", "--check", patch], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_is_an_addition_to_try():
    assert {"map_ruimte", "beoordelaar", "kompas_maat"} <= {p.stem for p in PATCHES}
