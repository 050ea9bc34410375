"""What packages do to the neighbours is what the ledger says of a functie with the parameters that they set."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import RD, box, layers
from tests.support.worked_measures import layers_of

STEP = 25.0
SIZE = 40
PLAN = box(14, 14, 24, 22, STEP)


def land():
    """A slope of sandy ground, drained at 0.60 m, whose every cell has a neighbour below."""
    row, column = np.mgrid[:SIZE, :SIZE]
    values = layers_of(
        "flank", {"kwel": 0.05, "zettingsgevoeligheid": 0.04, "natuur": 0, "ghg": 0.5, "wateroverlast": 0.12}
    )
    found = {n: np.full((SIZE, SIZE), v) for n, v in values.items()}
    found |= {"maaiveld": 20 - 0.05 * column - 0.021 * row, "gebruik": np.full((SIZE, SIZE), 7.0)}
    return layers(found, STEP)


#: Parameters that single measures set, by hand from their files.
SETS = {
    "draineren": {"ontwatering_m": 0.9, "ophoging_m": 0.0},
    "kruipruimteloos": {
        "ontwatering_m": 0.3, "ontwatering_groen_m": 0.5, "ophoging_m": 0.0, "opgehoogd_aandeel": 0.25,
    },
    "minder_verharding": {"verhardingsgraad": 0.45, "grondwateraanvulling_mm_jr": 134.0},
    "waterplein_tank": {},
}  # fmt: skip
BUILT = {"waterplein_tank": 30.0}


@pytest.fixture(scope="module")
def data():
    return land()


@pytest.fixture(scope="module")
def shown(data):
    rows = wb.mits(data, "woningbouw", PLAN, list(SETS)).table
    return rows[rows.getoond.notna()].set_index("maatregelen")


@pytest.fixture(scope="module")
def around():
    ring = box(0, 0, SIZE, SIZE, STEP).difference(PLAN)
    return gpd.GeoDataFrame({"naam": ["rond"]}, geometry=[ring], crs=RD)


def test_neighbours_of_shown_packages_are_those_of_the_ledger(data, shown, around):
    assert (shown.verlaging_buren_cm_na > 5).any() and (shown.ontvangen_m3_na > 100).all()
    for package, row in shown.iterrows():
        ids = package.split("+")
        functie = wb.functies()["woningbouw"].replace(**{n: v for i in ids for n, v in SETS[i].items()})
        built = sum(BUILT.get(i, 0.0) for i in ids) or None
        ledger = wb.grootboek(data, functie, PLAN, around, aangelegde_berging_mm=built).table
        by_kind = ledger.groupby("soort").m3.sum()
        assert row.ontvangen_m3_na == pytest.approx(by_kind["totaal"] - by_kind["plan"], rel=1e-5)
        (ring,) = ledger[ledger.ontvanger == "rond"].to_dict("records")
        fall, rise = (np.nan_to_num(ring[n]) for n in ("verlaging_grootste_m", "vernatting_grootste_m"))
        assert row.verlaging_buren_cm_na == pytest.approx(100 * fall, abs=1e-3)
        assert row.vernatting_buren_cm_na == pytest.approx(100 * rise, abs=1e-3)
