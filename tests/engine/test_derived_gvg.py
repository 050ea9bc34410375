"""A gvg that is not in the data: derived in every form of the arithmetic, from every door, the same bytes; and told."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from shapely.geometry import box

import waterbodem as wb
from tests.batch.test_downstream_maps import place
from tests.support import grids, random_cells
from tests.support.twins.layers import with_gvg
from waterbodem.batch import runner
from waterbodem.engine.derived import with_derived
from waterbodem.engine.scoring import layers_of

FUNCTIES = random_cells.FUNCTIES
ROWS, COLS = 37, 41
SAYS = "GVG is niet gegeven maar afgeleid uit GHG en GLG"
RUN = """layers = "lagen/lagen.toml"
functies = ["natte_natuur"]
output = "uit"
pictures = false
"""


@pytest.fixture(scope="module")
def layers():
    """Cells that look for trouble, without gvg."""
    rng = np.random.default_rng(7)
    names = [n for n in random_cells.LAYERS if n != "gvg"]
    found = random_cells.columns(rng, FUNCTIES["natte_natuur"], names, ROWS * COLS)
    return grids.layers({n: v.reshape(ROWS, COLS) for n, v in found.items()})


@pytest.fixture(scope="module")
def given(layers):
    """The same with the gvg of the twin in the data."""
    pairs = zip(layers.ghg.values.ravel().tolist(), layers.glg.values.ravel().tolist(), strict=True)
    gvg = [with_gvg({"ghg": ghg, "glg": glg})["gvg"] for ghg, glg in pairs]
    return layers.assign(gvg=(("y", "x"), np.array(gvg, np.float32).reshape(ROWS, COLS)))


def same(found, expected):
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        assert found[name].values.tobytes() == expected[name].values.tobytes(), name


@pytest.mark.parametrize("name", FUNCTIES)
def test_it_counts_as_one_that_is_given(layers, given, name):
    got, want = (wb.geschiktheid(some, name, interval=True) for some in (layers, given))
    assert got.attrs["criteria"] == want.attrs["criteria"]
    assert got.attrs.get("afgeleid", []) == (["gvg"] if "gvg" in layers_of(FUNCTIES[name]) else [])
    assert "afgeleid" not in want.attrs
    same(got, want)


def test_it_is_the_sum_of_the_twin_bit_for_bit(layers, given):
    whole = with_derived({n: layers[n].values for n in ("ghg", "glg")})["gvg"]
    assert whole.tobytes() == given.gvg.values.tobytes()


def test_blocks_of_dask_derive_it_too(layers, given):
    lazy = wb.geschiktheid(layers.chunk({"y": 7, "x": 13}), list(FUNCTIES), interval=True)
    same(lazy.compute(), wb.geschiktheid(given, list(FUNCTIES), interval=True))


def test_what_is_read_is_what_it_takes():
    nature, houses = FUNCTIES["natte_natuur"], FUNCTIES["woningbouw"]
    assert {"ghg", "glg", "gvg"} <= layers_of(nature)
    assert "glg" not in layers_of(nature, present=["ghg", "gvg", "glg"])
    assert {"ghg", "keileemdiepte", "veendikte", "kwel"} <= layers_of(nature, present=["gvg"]), "for the rise"
    assert "glg" not in layers_of(houses)


def test_an_assessment_derives_and_tells_it(layers, given, tmp_path):
    plan = box(grids.LEFT + 20, grids.TOP - 200, grids.LEFT + 300, grids.TOP - 30)
    answer, other = (wb.assess(some, "natte_natuur", plan) for some in (layers, given))
    same(answer.cells, other.cells)
    assert answer.table.drop(columns="geometry").equals(other.table.drop(columns="geometry"))
    assert SAYS in answer.notes and SAYS not in other.notes
    answer.report(tmp_path / "rapport.html")
    assert (tmp_path / "rapport.html").read_text("utf-8").count(SAYS) == 2, "as a note, and among the layers"
    assert SAYS not in wb.assess(layers, "woningbouw", plan).notes


@pytest.mark.parametrize("plans", ["", '[gebieden]\npath = "lagen/plannen.geojson"\n'], ids=["all", "plans"])
def test_a_run_derives_and_tells_it(tmp_path, plans):
    path = place(tmp_path, RUN + plans, without=["gvg"])
    assert runner.run(path).complete
    told = json.loads((tmp_path / "uit/herkomst.json").read_text("utf-8"))["lagen"]["gvg"]
    assert told["bron"] == SAYS
    assert SAYS in (tmp_path / "uit/rapport.html").read_text("utf-8")
    data = wb.open_layers(tmp_path / "lagen")
    if not plans:
        k = wb.geschiktheid(data, "natte_natuur")
        assert "gvg" in list(k.attrs["criteria"])
        with rasterio.open(tmp_path / "uit/natte_natuur/klasse.tif") as file:
            np.testing.assert_array_equal(file.read(1), k.klasse.values)
    else:
        answer = wb.assess(data, "natte_natuur", tmp_path / "lagen/plannen.geojson")
        answer.to_csv(tmp_path / "antwoord.csv")
        rows, expected = (
            list(csv.reader((tmp_path / f).read_text("utf-8").splitlines()))
            for f in ("uit/gebieden.csv", "antwoord.csv")
        )
        assert rows == expected and "verlies_gvg" in rows[0]


def test_peil_without_ghg_is_told_not_guessed(layers):
    plan = box(grids.LEFT + 20, grids.TOP - 200, grids.LEFT + 300, grids.TOP - 30)
    without = layers.drop_vars("ghg").assign(gvg=layers.glg)
    said = "Natte natuur zet het peil op; zonder GHG is dat niet gerekend"
    assert said in wb.assess(without, "natte_natuur", plan).notes
    assert said not in wb.assess(layers, "natte_natuur", plan).notes
    assert said not in wb.assess(without, "woningbouw", plan).notes
    hand = xr.merge([without, layers.ghg * np.nan])
    same(wb.geschiktheid(without, "natte_natuur"), wb.geschiktheid(hand, "natte_natuur"))
