"""An answer's file in which any key is something else: refused in our own words, or shown like any other.

All keys, in hours: ``WATERBODEM_LONG=1 pytest tests/faults/test_hostile_answers.py``; else some, always the same.
"""

import copy
import json
import os
import random
import zipfile

import pytest

import waterbodem as wb
from waterbodem.assessment.files import save_assessment
from waterbodem.core.errors import WaterbodemError
from waterbodem.formats.tables import csv_bytes

#: What takes the place of a value; GONE: the key is not there.
GONE = object()
LIES = [
    GONE,
    None,
    -1,
    0,
    10**30,
    1e300,
    float("nan"),
    {"getal": "nan"},
    {"getal": "inf"},
    "",
    "\ud800",
    [],
    {},
    "x" * 5000,
    True,
]
#: Items of a list that stand for all of them; keys of a table are all tried.
ITEMS = 1
SOME = 10


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Text and parts of a small answer with all that a file can hold."""
    layers = wb.example(size=60, resolution=33, scenarios=True)
    answer = wb.assess(layers, ["woningbouw", "natte_natuur"], wb.example_plans()[2:3], aangelegde_berging_mm=20)
    path = answer.save(tmp_path_factory.mktemp("a") / "a.waterbodem")
    with zipfile.ZipFile(path) as found:
        parts = {n: found.read(n) for n in found.namelist()}
    return json.loads(parts.pop("antwoord.json")), parts


def places(value, path=()):
    """Yield the path of every value, lists by their first items."""
    children = value.items() if isinstance(value, dict) else enumerate(value[:ITEMS]) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def with_lie(text, path, lie):
    """Return the text with one value replaced."""
    changed = copy.deepcopy(text)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if lie is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = lie
    return changed


def write(path, text, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("antwoord.json", json.dumps(text))
        for name, data in parts.items():
            out.writestr(name, data)
    return path


def use(answer, folder):
    """Show and keep an answer in every way that there is."""
    repr(answer), answer._repr_html_(), repr(answer.kompas), answer.kompas._repr_html_()
    answer.explore(), csv_bytes(answer.table, excel=True)
    answer.save(folder / "again.waterbodem")
    save_assessment(answer, folder / "files")  # the report is one of them


def outcome(path, folder):
    """Tell how opening and showing a file ends: shown, refused, or an error that is not ours."""
    try:
        answer = wb.open_assessment(path)
    except WaterbodemError:
        return "refused"
    try:
        use(answer, folder)
    except WaterbodemError:
        return "refused when shown"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    return "shown"


def test_any_key_may_lie(kept, tmp_path):
    text, parts = kept
    lies = [(path, lie) for path in places(text) for lie in LIES]
    if not os.environ.get("WATERBODEM_LONG"):
        lies = random.Random(15).sample(lies, SOME)
    foreign = {}
    for path, lie in lies:
        told = outcome(write(tmp_path / "b.waterbodem", with_lie(text, path, lie), parts), tmp_path)
        if told not in ("shown", "refused", "refused when shown"):
            foreign[(*path, repr(lie)[:20])] = told
    assert not foreign


def test_an_answer_without_a_lie_is_shown(kept, tmp_path):
    assert outcome(write(tmp_path / "b.waterbodem", *kept), tmp_path) == "shown"
