"""The worked cases of the rules, cell by cell, for every functie and method."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import waterbodem as wb

DATA = Path(__file__).parents[1] / "data"
SETS = {
    name: json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))[name]
    for name in ("geschiktheid", "afwenteling")
}
EXACT = {"klasse", "bepalend", "vlaggen", "oorzaak"}
COARSE = {"m3/ha", "mm/jr", "EUR/ha/jr"}


def numbers(values):
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def dataset_of(case):
    layers = xr.Dataset({n: (("y", "x"), numbers(v)[None, :]) for n, v in case["lagen"].items()})
    for scenario, year in case.get("horizon", {}).items():
        for name in layers.data_vars:
            if name.endswith(f"@{scenario}") and year is not None:
                layers[name].attrs["horizon"] = year
    return layers


def compare(result, expected, free, names):
    problems = []
    for variable, values in expected.items():
        got = result[variable].values.reshape(-1)
        want = numbers(values)
        keep = np.setdiff1d(np.arange(len(want)), free.get(variable, []))
        if variable in EXACT:
            wrong = got[keep] != want[keep]
        else:
            floor = 1e-2 if result[variable].attrs.get("units") in COARSE else 1e-4
            tolerance = np.maximum(floor, 1e-4 * np.abs(want[keep]))
            close = np.abs(got[keep] - want[keep]) <= tolerance
            wrong = ~np.where(np.isnan(want[keep]), np.isnan(got[keep]), close)
        problems += [f"{variable} of {names[i]}: {got[i]} instead of {want[i]}" for i in keep[wrong]]
    return problems


@pytest.mark.parametrize("case", SETS["geschiktheid"], ids=lambda c: c["naam"])
def test_geschiktheid(case):
    layers = dataset_of(case)
    problems = []
    for g in case["gevallen"]:
        k = wb.geschiktheid(layers, g["functie"], g["methode"], g["orness"], g["interval"])
        assert k.attrs["criteria"] == g["criteria"]
        found = compare(k, g["verwacht"], g["vrij"], case["cellen"])
        problems += [f"{g['functie']} {g['methode']}: {p}" for p in found]
    assert not problems, "\n".join(problems[:40])


@pytest.mark.parametrize("case", SETS["afwenteling"], ids=lambda c: c["naam"])
@pytest.mark.filterwarnings("ignore:scenario")
def test_afwenteling(case):
    layers = dataset_of(case)
    problems = []
    for g in case["gevallen"]:
        a = wb.afwenteling(layers, *asked(g))
        found = compare(a, g["verwacht"], g["vrij"], case["cellen"])
        problems += [f"{g['functie']} vs {g['referentie']}: {p}" for p in found]
    assert not problems, "\n".join(problems[:40])


def asked(g):
    """Functie, reference, water board and built storage of a case."""
    reference = g["referentie"]
    if isinstance(reference, dict):
        reference = xr.DataArray(numbers(reference["codes"])[None, :], dims=("y", "x"))
    plan = wb.functies()[g["functie"]].replace(**g.get("parameters", {}))
    return plan, reference, g.get("waterschap"), g["aangelegde_berging_mm"]
