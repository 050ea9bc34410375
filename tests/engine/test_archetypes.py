"""The answers on 23 archetype sites of Drenthe: those of the rules, and what two reviews hold them to."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import box

import waterbodem as wb
from tests.support.twins.functie import plain_functies
from tests.support.twins.kompas import PRINCIPLES, Judged
from tests.support.twins.kompas import kompas as twin_of
from tests.support.twins.kompas_cells import PlanCell
from tests.support.twins.reference import reference_of
from waterbodem.core.dataset import dataset_of
from waterbodem.core.grid import Grid
from waterbodem.definitions.registry import builtin_functies


def module_of(path):
    """A module of the documentation, which is no package."""
    spec = spec_from_file_location(path.stem, path)
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


PLACES_OF = module_of(Path(__file__).parents[2] / "docs" / "plekken.py")
CASE, PLACES, SIDE = PLACES_OF.CASE, PLACES_OF.SITES, PLACES_OF.SIDE
ORDER = ("A", "B", "C1", "C2", "D")


@pytest.fixture(scope="module")
def answers():
    """Answer by place and functie: every place is a plan of one whole cell."""
    table = wb.per_gebied(PLACES_OF.site_layers(), list(builtin_functies()), PLACES_OF.site_plans())
    return {(row.gebied, row.functie): row.antwoord for row in table.itertuples()}


def test_every_functie_is_answered_everywhere(answers):
    assert len(answers) == 23 * 16


@pytest.mark.parametrize("name", PLACES)
def test_answers_are_those_of_the_rules(answers, name):
    assert {f: answers[name, f] for f in builtin_functies()} == PLACES[name]["antwoord"]


@pytest.mark.parametrize("name", PLACES)
def test_no_answer_is_better_or_worse_than_the_reviews_allow(answers, name):
    place = PLACES[name]
    better = {f: a for f, a in place["hoogstens"].items() if ORDER.index(answers[name, f]) < ORDER.index(a)}
    worse = {f: a for f, a in place["minstens"].items() if ORDER.index(answers[name, f]) > ORDER.index(a)}
    assert not better and not worse


def test_the_reviews_hold_83_answers():
    assert sum(len(p["hoogstens"]) for p in PLACES.values()) == 71
    assert sum(len(p["minstens"]) for p in PLACES.values()) == 12


# --- Kompas ----------------------------------------------------------------------------------------------------------

FUNCTIES = builtin_functies()
ALL = plain_functies(FUNCTIES)
AGAINST = ("niet_afwentelen", "vertragen", "herstel", "bodem")


def values_of(name):
    return {n: float(np.float32(float(v))) for n, v in zip(CASE["lagen"], PLACES[name]["waarden"], strict=True)}


def kompas_of(name, without=(), **settings):
    """Symbols and numbers of every functie on a site; beside it lies wet nature, which no rise burdens."""
    values = {n: v for n, v in values_of(name).items() if n not in without}
    beside = {"gebruik": 9.0}
    grid = Grid(230_000, 550_000 + SIDE, SIDE, SIDE, 1, 2, "EPSG:28992")
    layers = dataset_of(grid, {n: (np.array([[v, beside.get(n, v)]], np.float32), {}) for n, v in values.items()})
    plan = box(230_000, 550_000, 230_000 + SIDE, 550_000 + SIDE)
    return wb.assess(layers, list(FUNCTIES), plan, **settings)


def symbols(row):
    return {p: getattr(row, f"kompas_{p}") for p in PRINCIPLES}


@pytest.mark.parametrize("name", PLACES)
def test_the_kompas_of_a_site_is_that_of_the_twin_and_contradicts_itself_nowhere(name):
    values = values_of(name)
    cell = PlanCell(1.0, values, reference_of(None, values, ALL))
    for row in kompas_of(name).table.itertuples():
        f, found = FUNCTIES[row.functie], symbols(row)
        assert found == twin_of(Judged(ALL[f.id], {(0, 0): cell}, 1.0, ALL["natte_natuur"])), f.id
        restores = found["herstel"] in ("+", "++")
        assert not (restores and f.value("omkeerbaarheid") < 0.5), f.id
        assert not (found["niet_afwentelen"] == "++" and row.risico >= 0.20), f.id
        assert found["extremen"] != "++", f.id  # no scenario looks anywhere


@pytest.mark.parametrize("name", PLACES)
def test_the_kompas_does_not_judge_against_a_present_use_that_nobody_gave(name):
    for row in kompas_of(name, without=("gebruik",)).table.itertuples():
        found = symbols(row)
        assert {found[p] for p in AGAINST} == {"?"}
        assert row.referentie_bron == "aangenomen" and "gebruik" in row.niet_getoetst
