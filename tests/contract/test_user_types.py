"""A user's own script under a type checker: what is right passes, a slip is found."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import waterbodem as wb
from waterbodem.assessment.assessment import AssessSettings

ROOT = Path(wb.__file__).parents[1]
#: Lines of a script, and the word that a checker must say of it; empty: nothing.
SCRIPT = [
    ("from pathlib import Path", ""),
    ("import numpy as np", ""),
    ("import waterbodem as wb", ""),
    ("layers = wb.layers_from({'ghg': np.ones((2, 2))}, units={'ghg': 'cm'}, crs=28992)", ""),
    ("known = wb.functies()", ""),
    ("plans = wb.example_plans()", ""),
    ("answer: wb.Assessment = wb.assess(layers, known['woningbouw'], plans, methode='owa', orness=0.3)", ""),
    ("files: list[Path] = answer.write('uit')", ""),
    ("page: str = answer.html(taal='en')", ""),
    ("wb.per_gebied(layers, ['woningbouw'], plans, aangelegde_berging_mm=40)", ""),
    ("try:\n    wb.compare(layers, ['woningbouw', 'natte_natuur'], plans)\nexcept wb.WaterbodemError as error:", ""),
    ("    print(error.what, error.allowed, error.code)", ""),
    ("wb.nonexistent()", "nonexistent"),
    ("wb.assess(layers, 3, plans)", "arg-type"),
    ("wb.per_gebied(layers, 'woningbouw', plans, methodee='owa')", "methodee"),
    ("wb.compare(layers, ['woningbouw'], plans, orness='veel')", "orness"),
    ("wb.layers_from({}, unit={'ghg': 'cm'})", "unit"),
    ("answer.tabel", "tabel"),
]


def test_mypy_passes_what_is_right_and_finds_every_slip(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("\n".join(line for line, _ in SCRIPT) + "\n", encoding="utf-8")
    options = ("--strict", "--ignore-missing-imports", "--follow-imports=silent", "--no-pretty")
    words = [sys.executable, "-m", "mypy", *options, str(script)]
    where = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=where, check=False)
    said = [line for line in done.stdout.splitlines() if ": error:" in line]
    numbers = {}
    for line, word in SCRIPT:
        numbers[(len(numbers) and max(numbers) + 1) or 1] = word
        for _ in range(line.count("\n")):
            numbers[max(numbers) + 1] = ""
    found = {int(line.split(":")[1]): line for line in said}
    assert [line for n, line in found.items() if not numbers[n]] == [], done.stdout + done.stderr
    assert [word for n, word in numbers.items() if word and word not in found.get(n, "")] == [], done.stdout


def test_names_that_are_exported_stand_literally_in_the_front_door():
    tree = ast.parse((ROOT / "waterbodem/__init__.py").read_text("utf-8"))
    (stated,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__")
    names = ast.literal_eval(stated)
    assert sorted(names) == sorted({"WaterbodemError", "__version__", *wb._WHERE}) == sorted(wb.__all__)
    typed = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert set(names) <= typed


@pytest.mark.parametrize("name", ["per_gebied", "compare", "live_map"])
def test_what_passes_settings_on_names_those_of_assess(name):
    keywords = {
        p.name for p in inspect.signature(wb.assess).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert AssessSettings.__annotations__.keys() == keywords
    assert "AssessSettings" in str(inspect.signature(getattr(wb, name)).parameters["settings"].annotation)
