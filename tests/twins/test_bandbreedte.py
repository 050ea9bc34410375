"""Twin of section 10: every worked range, and its rules by hand."""

from __future__ import annotations

import pytest
import shapely

from tests.support.design import functies
from tests.support.twins.bandbreedte import Doubt, bandbreedte
from tests.support.twins.klasse import LETTER
from tests.support.worked import agrees, number, read


def cells_of(case, scenario):
    """Per cell its values, today's or a scenario's, percentiles beside them, and today's value under ``@nu``."""
    layers = {name: [number(x) for x in column] for name, column in case["lagen"].items()}
    rows, columns = case["vorm"]
    for i in range(rows * columns):
        found = {name: column[i] for name, column in layers.items()}
        future = {n.partition("@")[0]: v for n, v in found.items() if scenario and n.endswith(f"@{scenario}")}
        yield {**found, **{f"{n}@nu": v for n, v in found.items() if scenario and "@" not in n}, **future}


def told(case, plan, g, j, got):
    """What differs from the expected range of one plan."""
    want, free = g["verwacht"], g["vrij"]
    pairs = [(v, got[v], want[v][j]) for v in ("antwoord", "antwoord_laag", "antwoord_hoog", "beslist")]
    for group, sides in want["groepen"].items():
        for k, side in enumerate(("omlaag", "omhoog")):
            pairs.append((f"{group} {side}", LETTER[got["groepen"][group][k].klasse], sides[side][j]))
    found = [(v, a, b) for v, a, b in pairs if a != b and j not in free.get(v, ())]
    scores = [("score", got["score"], want["score"][j])]
    for group, sides in want["groepen"].items():
        for k, side in enumerate(("omlaag", "omhoog")):
            scores.append((f"{group} {side}", got["groepen"][group][k].score, sides[f"score_{side}"][j]))
    found += [(v, a, b) for v, a, b in scores if not agrees("score", a, number(b))]
    return [(g["functie"], g["scenario"], plan["naam"], *f) for f in found]


def range_of(case, g, cells, plan):
    area = shapely.Polygon(plan["hoeken"]).area
    doubt = Doubt(case["onzekerheid"], g["scenario"])
    pairs = list(zip(plan["dekking"], cells, strict=True))
    return bandbreedte(functies()[g["functie"]], pairs, area / case["cel_m"] ** 2, area / 1e4, doubt)


@pytest.mark.parametrize("case", read("bandbreedte")["bandbreedte"], ids=lambda c: c["naam"])
def test_range_of_every_worked_plan(case):
    found = []
    for g in case["gevallen"]:
        cells = list(cells_of(case, g["scenario"]))
        for j, plan in enumerate(case["plannen"]):
            found += told(case, plan, g, j, range_of(case, g, cells, plan))
    assert not found
