"""Errors say what, which value, what is allowed and where, in a text that can be read, and what kind they are."""

from __future__ import annotations

import pickle
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import waterbodem as wb
from waterbodem import cli
from waterbodem.batch import runner
from waterbodem.core import errors
from waterbodem.core.errors import (
    ArgumentError,
    LayerError,
    PartFailed,
    Problems,
    WaterbodemError,
    middle_out,
    nearest,
)

DOCS = Path(__file__).parents[2] / "docs"
#: Programs rely on these.
CODES = {
    "waterbodem", "argument", "catalogue", "circular", "cluster", "corrupt-layer", "definition", "geometry",
    "grid-mismatch", "layer", "missing-library", "no-overlap", "not-a-raster", "out-of-space", "part-failed",
    "problems", "unknown-functie", "unknown-measure", "unsafe-path", "worker-lost",
}  # fmt: skip
TEXTS = st.text(max_size=30) | st.text(alphabet="aé\n;'\"\\\u202e", min_size=400, max_size=3000)
VALUES = st.none() | st.floats() | TEXTS | st.lists(st.integers(), max_size=600) | st.dictionaries(TEXTS, TEXTS)


def kinds():
    """Every class of errors of the package."""
    for module in pkgutil.walk_packages(wb.__path__, "waterbodem."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return below(WaterbodemError)


def below(kind):
    """A class and all that derive from it, however far, that the package defines."""
    return {kind, *(k for narrower in kind.__subclasses__() for k in below(narrower))}


# --- length ----------------------------------------------------------------------------------------------------------


@given(TEXTS, VALUES, TEXTS, TEXTS)
def test_no_problem_is_longer_than_can_be_read(what, value, allowed, where):
    error = LayerError(what, value=value, allowed=allowed, where=where)
    assert len(str(error)) <= 500
    assert (error.what, error.allowed, error.where) == (what, allowed, where)
    assert error.value is value
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code) == (LayerError, str(error), "layer")


@given(TEXTS, st.text(max_size=40), st.text(max_size=40))
def test_of_a_long_value_both_ends_are_told_and_the_rest_in_full(value, what, where):
    told = str(ArgumentError(what, value=value, allowed="all that is short", where=where))
    assert what.rstrip(".") in told and told.startswith(where) and told.endswith("; allowed: all that is short")
    shown = repr(value)
    assert shown in told or (shown[:100] in told and shown[-100:] in told and " ... " in told)


@given(st.text(), st.integers(5, 60))
def test_a_text_is_cut_in_its_middle(text, most):
    cut = middle_out(text, most)
    assert len(cut) <= most
    assert cut == text if len(text) <= most else len(cut) == most


@given(st.lists(TEXTS, min_size=1, max_size=25), st.integers(0, 3))
def test_the_first_ten_of_several_are_told_and_how_many_more(texts, nested):
    each = [ArgumentError("wrong", value=t) for t in texts]
    error = Problems([Problems(each[:nested]), *each[nested:]] if nested else each, where="lagen.toml")
    assert error.problems == tuple(each)
    told = str(error)
    assert told.startswith(f"lagen.toml: {len(each)} problem(s)\n  - ")
    assert all(str(p) in told for p in each[:10])
    assert told.endswith(f"\n  - and {len(each) - 10} more") == (len(each) > 10)
    assert len(told) <= 100 + 10 * 510
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == told and [str(p) for p in again.problems] == [str(p) for p in each]


def test_parts_that_failed_for_long_reasons_are_told_in_short():
    error = PartFailed({f"functie{i}": "x" * 400 for i in range(9)})
    assert len(str(error)) <= 500 and len(error.reasons) == 9


LONG = "k" * 60_000
FILES = {
    "functie: key": ("eigen.toml", f"[eigen]\n{LONG} = 1\n"),
    "functie: table": ("eigen.toml", f"[{LONG}]\nnaam = 1\n"),
    "functie: criterion": ("eigen.toml", f'[eigen]\n[eigen.criteria.{LONG}]\ngewicht = "{LONG}"\n'),
    "functie: value": ("eigen.toml", f'[eigen]\ncode = "{LONG}"\nnaam = "x"\n'),
    "functie: not TOML": ("eigen.toml", f"[eigen]\n{LONG} {LONG}\n"),
    "lagen: key": ("lagen.toml", f"{LONG} = 1\n"),
    "lagen: layer": ("lagen.toml", f'[layers.{LONG}]\npath = "a.tif"\nunit = "m"\n'),
    "lagen: unit": ("lagen.toml", f'[layers.kwel]\npath = "a.tif"\nunit = "{LONG}"\nsign = "up"\n'),
    "lagen: path": ("lagen.toml", f'[layers.kwel]\npath = "{LONG}.tif"\nunit = "mm/d"\nsign = "up"\n'),
    "lagen: key of a layer": ("lagen.toml", f'[layers.kwel]\npath = "a.tif"\nunit = "mm/d"\nsign = "up"\n{LONG} = 1\n'),
    "lagen: many": ("lagen.toml", "".join(f'[layers.x{i}{LONG}]\npath = "a.tif"\nunit = "m"\n' for i in range(30))),
    "run: key": ("run.toml", f'layers = "lagen.toml"\nfuncties = "all"\noutput = "uit"\n{LONG} = 1\n'),
    "run: functie": ("run.toml", f'layers = "lagen.toml"\nfuncties = ["{LONG}"]\noutput = "uit"\n'),
    "run: layers": ("run.toml", f'layers = "{LONG}.toml"\nfuncties = "all"\noutput = "uit"\n'),
    "run: output": ("run.toml", f'layers = "lagen.toml"\nfuncties = "all"\noutput = "{LONG}"\n'),
    "run: table": ("run.toml", f'layers = "lagen.toml"\nfuncties = "all"\noutput = "uit"\n[{LONG}]\na = 1\n'),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_with_long_keys_and_values_is_told_in_short(tmp_path, case):
    name, text = FILES[case]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    ask = {"eigen.toml": wb.functies, "lagen.toml": wb.open_layers, "run.toml": runner.run}[name]
    with pytest.raises(WaterbodemError) as caught:
        ask(path)
    found = caught.value.problems if isinstance(caught.value, Problems) else (caught.value,)
    assert all(len(str(p)) <= 500 for p in found)
    assert len(str(caught.value)) <= 550 + (510 * 10 if len(found) > 1 else 0)
    if name != "eigen.toml":
        done = CliRunner().invoke(cli.cli, ["check", str(path)])
        assert done.exit_code == 1 and max(map(len, done.output.splitlines())) <= 520, done.output[:2000]


def test_every_error_has_its_problems():
    """Whether one thing is wrong or ten: who catches reads one list."""
    one, other = LayerError("a"), PartFailed({"woningbouw": "b"})
    assert one.problems == (one,) and other.problems == (other,)
    both = Problems([one, Problems([other])])
    assert both.problems == (one, other)
    assert [str(p) for p in pickle.loads(pickle.dumps(one)).problems] == ["a"]


# --- kinds -----------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_code_of_its_own_that_stays():
    found = {kind.__dict__.get("code", kind.__name__) for kind in kinds()}
    assert found == CODES
    assert len(kinds()) == len(CODES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in found)


def test_every_kind_can_be_caught_by_its_public_name():
    assert {kind.__name__ for kind in kinds()} | {"LayerIgnored"} == set(wb.errors.__all__)
    assert all(getattr(wb.errors, kind.__name__) is kind for kind in kinds())


def test_the_documentation_lists_every_kind(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    page = import_module("bouw").errors_page()
    sys.modules.pop("bouw")
    for kind in kinds():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{kind.code}` |"))
        assert f"`{kind.__name__}`" in line
    assert "ontwikkelaars/errors.md" in (DOCS / "mkdocs.yml").read_text("utf-8")


def test_a_name_that_is_nearly_right_is_asked_after():
    assert "did you mean 'ghg'" in str(ArgumentError("unknown", value="GHG", allowed=nearest("GHG", ["ghg", "gvg"])))
    assert errors.LONGEST == 500
