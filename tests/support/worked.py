"""Worked cases as the tests read them, and the cells and functies that tests by hand begin with."""

from __future__ import annotations

import json
import math
from pathlib import Path

from tests.support.design import functies
from tests.support.twins.burden import burden_cell

DATA = Path(__file__).parents[1] / "data"
NAN = math.nan
EXACT = {"klasse", "bepalend", "vlaggen", "oorzaak"}


def read(name):
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def number(x):
    return NAN if x is None else float(x)


def cells_of(case):
    """Per cell the mapping of layer to value."""
    layers = {name: [number(x) for x in column] for name, column in case["lagen"].items()}
    return [{name: column[i] for name, column in layers.items()} for i in range(len(case["cellen"]))]


def agrees(variable, got, want, floor=1e-4):
    if variable in EXACT:
        return got == want
    return math.isnan(got) == math.isnan(want) and not abs(got - want) > max(floor, 1e-4 * abs(want))


def differences(got, case, cell, i, floors):
    """What differs from the expected values of one case in one cell."""
    wants = {v: number(column[i]) for v, column in case["verwacht"].items() if i not in case["vrij"].get(v, ())}
    return [
        f"{case['functie']} in {cell}: {v} {got[v]} instead of {want}"
        for v, want in wants.items()
        if not agrees(v, got[v], want, floors.get(v, 1e-4))
    ]


GOOD = {"zettingsgevoeligheid": 0, "wateroverlast": 0, "droogte": 0, "keileemdiepte": math.inf, "kwel": -1}


def archetype(case, place):
    return dict(zip(case["lagen"], map(number, place["waarden"]), strict=True))


def flat(**scores):
    """A functie of five equal criteria that score the layer itself."""
    names = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
    line = {"gewicht": 0.2, "punten": [[0, 0], [1, 1]], "score_afwezig": 1.0}
    functie = {"id": "proef", "code": 100, "criteria": dict.fromkeys(names, line), "parameters": {}}
    return functie, {**dict.fromkeys(names, 1.0), **scores}


def threshold(layer, consequence, operator=">=", value=0.5):
    return {"laag": layer, "operator": operator, "waarde": value, "gevolg": consequence}


HOUSES_ON_CLAY = {**GOOD, "keileemdiepte": 0.6, "kwel": -0.2, "wateroverlast": 0.10, "ghg": 0.4}


def burden(name, values, reference="grasland_veeteelt", **settings):
    return burden_cell(functies()[name], functies()[reference], values, **settings)
