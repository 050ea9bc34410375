"""The range of answers through the library: every worked case, and settings, tables and runs that carry it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import xarray as xr

import waterbodem as wb
from tests.support.worked import agrees, number, read

CASES = read("bandbreedte")["bandbreedte"]
COLUMNS = ("antwoord", "antwoord_laag", "antwoord_hoog", "beslist")


def layers_of(case):
    """Layers of a worked grid as a user has them."""
    rows, columns = case["vorm"]
    step, (x, y) = case["cel_m"], case["hoek"]
    data = {}
    for name, values in case["lagen"].items():
        cells = np.array([number(v) for v in values], np.float32).reshape(rows, columns)
        attrs = {"uncertainty": case["onzekerheid"][name]} if name in case["onzekerheid"] else {}
        data[name] = (("y", "x"), cells, attrs)
    coords = {"y": y - step * (np.arange(rows) + 0.5), "x": x + step * (np.arange(columns) + 0.5)}
    return xr.Dataset(data, coords=coords, attrs={"crs": "EPSG:28992"})


def plans_of(case):
    return [shapely.Polygon(p["hoeken"]) for p in case["plannen"]]


def differences(table, g, case):
    """What differs from the expected values of one functie."""
    rows, free = table[table.functie == g["functie"]], g["vrij"]
    for j, (_, row) in enumerate(rows.iterrows()):
        for name in COLUMNS:
            if row[name] != g["verwacht"][name][j] and j not in free.get(name, ()):
                yield g["functie"], case["plannen"][j]["naam"], name, row[name], g["verwacht"][name][j]
        if not agrees("score", row["score"], number(g["verwacht"]["score"][j])):
            yield g["functie"], j, "score", row["score"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["naam"])
def test_every_worked_range(case):
    functies = list(dict.fromkeys(g["functie"] for g in case["gevallen"]))
    scenarios = list(dict.fromkeys(g["scenario"] for g in case["gevallen"] if g["scenario"]))
    found = wb.assess(layers_of(case), functies, plans_of(case), scenarios=scenarios)
    for g in case["gevallen"]:
        rows = found.futures[found.futures.scenario == g["scenario"]] if g["scenario"] else found.rows
        assert list(differences(rows, g, case)) == []
