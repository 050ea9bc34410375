"""A script of a user under two type checkers: the right passes, a slip is found; what signatures name is public."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import waterbodem as wb
from tests.contract.test_names import UNDER_WAY
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
    ("def told(ledger: wb.types.Ledger, reach: wb.types.Reach) -> str:\n    return repr((ledger, reach))", ""),
    ("try:", ""),
    ("    wb.compare(layers, ['woningbouw', 'natte_natuur'], plans)", ""),
    ("except wb.errors.GridMismatch as error:", ""),
    ("    print(error.what, error.allowed, error.code, [p.where for p in error.problems])", ""),
    ("answer.plot('woningbouw', taal='en')", ""),
    ("wb.nonexistent()", "nonexistent"),
    ("wb.assess(layers, 3, plans)", "Functie"),
    ("wb.per_gebied(layers, 'woningbouw', plans, methodee='owa')", "methodee"),
    ("wb.compare(layers, ['woningbouw'], plans, orness='veel')", "orness"),
    ("wb.layers_from({}, unit={'ghg': 'cm'})", "unit"),
    ("answer.tabel", "tabel"),
    ("answer.plot(tal='en')", "tal"),
    ("wb.types.Legder", "Legder"),
    ("wb.errors.GridMissmatch", "GridMissmatch"),
]
#: What pyright's strict mode says of libraries without types (geopandas, shapely), and of no line of a user.
OF_OTHERS = ("reportMissingTypeStubs", "reportUnknownMemberType", "reportUnknownVariableType")


def said_by_mypy(script):
    options = ("--strict", "--ignore-missing-imports", "--follow-imports=silent", "--no-pretty")
    words = [sys.executable, "-m", "mypy", *options, str(script)]
    where = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=script.parent, env=where, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return {int(line.split(":")[1]): line for line in done.stdout.splitlines() if ": error:" in line}


def said_by_basedpyright(script):
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], **dict.fromkeys(OF_OTHERS, False)}
    (script.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    words = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(words, capture_output=True, text=True, cwd=script.parent, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    errors = [d for d in json.loads(done.stdout)["generalDiagnostics"] if d["severity"] == "error"]
    return {d["range"]["start"]["line"] + 1: d["message"] for d in errors}


@pytest.mark.parametrize("check", [said_by_mypy, said_by_basedpyright])
def test_what_is_right_passes_and_every_slip_is_found(tmp_path, check):
    script = tmp_path / "script.py"
    script.write_text("\n".join(line for line, _ in SCRIPT) + "\n", encoding="utf-8")
    words = [word for line, word in SCRIPT for word in (word, *[""] * line.count("\n"))]
    found = check(script)
    wrong = {n: word for n, word in enumerate(words, 1) if word}
    assert {n: said for n, said in found.items() if n not in wrong} == {}
    assert {n: found.get(n) for n, word in wrong.items() if word not in found.get(n, "")} == {}


def test_names_that_are_exported_stand_literally_in_the_front_door():
    tree = ast.parse((ROOT / "waterbodem/__init__.py").read_text("utf-8"))
    (stated,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__")
    names = ast.literal_eval(stated)
    assert sorted(names) == sorted({"WaterbodemError", "__version__", *wb._WHERE}) == sorted(wb.__all__)
    typed = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {*names, *wb._ROOMS} <= typed


# --- what a signature names is public --------------------------------------------------------------------------------


#: A user gets these from one function and gives them to another: their methods are the library's own.
HANDED_ON = {"Flow", "Grid", "Land"}


def signatures():
    """Public functions, and the methods and properties of what stands in ``wb.types``, by name."""
    for name in {*wb.__all__} - UNDER_WAY:
        if inspect.isfunction(getattr(wb, name)):
            yield name, getattr(wb, name)
    for name in {*wb.types.__all__} - HANDED_ON:
        kind = getattr(wb.types, name)
        for own in vars(kind).values() if isinstance(kind, type) else ():
            function = getattr(own, "fget", None) or getattr(own, "func", own)
            if inspect.isfunction(function) and not function.__name__.startswith("_"):
                yield f"{name}.{function.__name__}", function


def types_of(function):
    """The library's own types that a signature names."""
    module = inspect.getmodule(inspect.unwrap(function))
    for text in inspect.unwrap(function).__annotations__.values():
        for word in re.findall(r"\w+", str(text)):
            named = getattr(module, word, None)
            if (isinstance(named, type) and named.__module__.startswith("waterbodem")) or word == "Plans":
                yield word


def test_every_type_that_a_public_signature_names_is_public():
    named = {(name, word) for name, function in signatures() for word in types_of(function)}
    public = {*wb.types.__all__, *wb.errors.__all__, *wb.__all__}
    assert {("assess", "Assessment"), ("assess", "Plans"), ("grootboek", "Ledger")} <= named
    assert {(name, word) for name, word in named if word not in public} == set()


def test_types_and_errors_are_those_of_the_package_and_all_listed():
    for room, names in ((wb.types, wb.types.__all__), (wb.errors, wb.errors.__all__)):
        assert names == sorted(names) and {*names} == {n for n in vars(room) if n[0].isupper()}
    assert all(getattr(wb.types, name) is getattr(wb, name) for name in {*wb.types.__all__} & {*wb.__all__})


def test_errors_are_public_at_no_cost():
    code = "import sys, waterbodem as wb; wb.errors.Problems; print(*{'numpy', 'numba', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "" and {"errors", "types"} <= {*dir(wb)} - {*wb.__all__}


@pytest.mark.parametrize("name", ["per_gebied", "compare", "live_map"])
def test_what_passes_settings_on_names_those_of_assess(name):
    keywords = {
        p.name for p in inspect.signature(wb.assess).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert AssessSettings.__annotations__.keys() == keywords
    assert "AssessSettings" in str(inspect.signature(getattr(wb, name)).parameters["settings"].annotation)
