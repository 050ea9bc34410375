"""The answers on 23 archetype sites of Drenthe: those of the rules, and what two reviews hold them to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import box

import waterbodem as wb
from waterbodem.core.dataset import build
from waterbodem.core.grid import Grid
from waterbodem.definitions.registry import builtin_functies

CASE = json.loads((Path(__file__).parents[1] / "data" / "archetypen.json").read_text(encoding="utf-8"))
PLACES = {place["naam"]: place for place in CASE["plekken"]}
ORDER = ("A", "B", "C1", "C2", "D")
SIDE = 100.0


@pytest.fixture(scope="module")
def answers():
    """Answer by place and functie: every place is a plan of one whole cell."""
    values = np.array([[float(v) for v in p["waarden"]] for p in PLACES.values()], np.float32)
    grid = Grid(230_000, 550_000 + SIDE, SIDE, SIDE, 1, len(PLACES), "EPSG:28992")
    layers = build(grid, {n: (values[None, :, k].copy(), {}) for k, n in enumerate(CASE["lagen"])})
    left = [230_000 + SIDE * i for i in range(len(PLACES))]
    plans = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"naam": name},
                "geometry": box(x, 550_000, x + SIDE, 550_000 + SIDE).__geo_interface__,
            }
            for name, x in zip(PLACES, left, strict=True)
        ],
    }
    table = wb.per_gebied(layers, list(builtin_functies()), plans)
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
