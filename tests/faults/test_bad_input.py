"""Bad input from every side: an error of ours that says what, which value and what is allowed; never a wrong answer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from shapely.geometry import box

import waterbodem as wb
from waterbodem.batch.journal import Journal
from waterbodem.core.dataset import dataset_of
from waterbodem.core.errors import WaterbodemError
from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.engine.legal_values import check_values
from waterbodem.engine.scoring import layers_of

GOOD = {"zettingsgevoeligheid": 0.0, "wateroverlast": 0.0, "droogte": 0.0, "keileemdiepte": 5.0, "kwel": -1.0}
GRID = Grid(230_000, 550_100, 10, 10, 10, 10, "EPSG:28992")
PLAN = box(230_020, 550_020, 230_060, 550_060)


def layers(grid=GRID, **values):
    arrays = {n: np.full(grid.shape, v, np.float32) for n, v in {**GOOD, **values}.items()}
    return dataset_of(grid, {n: (a, {}) for n, a in arrays.items()})


CODED = {
    "beekdal": [2, 0.5, -1],
    "grondwaterbescherming": [5, 0.1],
    "natuur": [4, 2.5],
    "water": [2],
    "gebruik": [0, 17, 7.5],
}
ILLEGAL = [
    *((layer, value) for layer in ("zettingsgevoeligheid", "kwel", "ghg") for value in (np.inf, -np.inf)),
    ("keileemdiepte", -np.inf),
    ("inundatie", np.inf),
    ("beekdal", np.inf),
    ("gebruik", -np.inf),
    *((layer, value) for layer, values in CODED.items() for value in values),
]


#: Calls that read every layer, and scores, which read those that they depend on.
REFUSING = [
    (call, layer, value)
    for call in ("geschiktheid", "afwenteling", "assess")
    for layer, value in ILLEGAL
    if call != "geschiktheid" or layer in layers_of(registry.builtin_functies()["woningbouw"])
]


@pytest.mark.parametrize(("call", "layer", "value"), REFUSING)
def test_a_value_that_a_layer_cannot_hold_is_refused_by_name(call, layer, value):
    data = layers(**{layer: np.nan})
    data[layer].values[5, 3] = value
    arguments = (PLAN,) if call == "assess" else ()
    with pytest.raises(WaterbodemError, match=layer) as caught:
        getattr(wb, call)(data, "woningbouw", *arguments)
    assert caught.value.value == [np.float32(value)]


def test_every_layer_with_illegal_values_is_named_at_once_scenarios_too():
    data = layers(beekdal=7.0, ghg=1.0)
    data["ghg@2050"] = data.ghg * np.inf
    with pytest.raises(WaterbodemError) as caught:
        wb.afwenteling(data, "woningbouw")
    assert [p.where for p in caught.value.problems] == ["beekdal", "ghg@2050"]


@pytest.mark.parametrize(
    ("layer", "values"), [("keileemdiepte", [np.inf, np.nan]), ("gebruik", [1, 16, 100, 201]), ("natuur", [0, 3])]
)
def test_legal_values_are_not_refused(layer, values):
    data = layers(**{layer: values[0]})
    data[layer].values[0, : len(values)] = values
    assert wb.geschiktheid(data, "woningbouw").klasse.shape == GRID.shape


def test_illegal_values_are_found_in_the_last_cell_of_many():
    values = np.ones(400_001, np.float32)
    values[-1] = 0.5
    with pytest.raises(WaterbodemError, match=r"beekdal.*0\.5"):
        check_values({"beekdal": values})


@pytest.mark.parametrize("points", [[[-1e39, 0], [1e39, 1]], [[1, 0.2], [1.000000001, 0.9]], [[0, 1], [0, 0.5]]])
def test_curve_points_that_float32_cannot_tell_are_refused(points):
    data = registry.load_functies()["woningbouw"].model_dump(exclude_none=True)
    data["criteria"]["kwel"]["punten"] = points
    with pytest.raises(WaterbodemError, match="kwel"):
        registry.validated(wb.Functie, data, "eigen.toml")


def test_read_only_layers_work():
    data = layers()
    for name in data.data_vars:
        data[name].values.flags.writeable = False
    assert wb.geschiktheid(data, "woningbouw").klasse.values[0, 0] == 1


@pytest.mark.parametrize("given", ["lagen.toml", None, {}])
def test_what_is_no_dataset_is_told_how_to_become_one(given):
    for ask in (lambda: wb.assess(given, "woningbouw", PLAN), lambda: wb.geschiktheid(given, "woningbouw")):
        with pytest.raises(WaterbodemError, match=r"wb\.open_layers"):
            ask()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2263"])
def test_areas_need_metres(crs):
    with pytest.raises(WaterbodemError, match="metres"):
        wb.assess(layers(Grid(5, 53, 0.01, 0.01, 10, 10, crs)), "woningbouw", box(5.02, 52.95, 5.05, 52.98))


@pytest.mark.parametrize("crs", ["garbage", "EPSG:999999", "http://example.org/crs", "<WKT>"])
def test_a_crs_is_a_code_or_wkt_and_nothing_else(crs):
    data = layers().drop_vars("spatial_ref")
    data.attrs["crs"] = crs
    with pytest.raises(WaterbodemError, match="CRS"):
        wb.assess(data, "woningbouw", PLAN)


def test_coordinates_that_are_not_finite_are_refused():
    data = layers()
    y = data.y.values.copy()
    y[3] = np.nan
    with pytest.raises(WaterbodemError, match="evenly spaced"):
        wb.geschiktheid(data.assign_coords(y=y), "woningbouw")


@pytest.mark.parametrize("shape", [(10, 9), (4, 4), (1, 1)])
@pytest.mark.parametrize("call", ["afwenteling", "assess", "waarom"])
def test_a_reference_of_another_shape_is_refused_everywhere(shape, call):
    reference = xr.DataArray(np.full(shape, 7.0), dims=("y", "x"))
    arguments = {"afwenteling": (), "assess": (PLAN,), "waarom": (230_050, 550_050)}[call]
    with pytest.raises(WaterbodemError, match="another grid"):
        getattr(wb, call)(layers(), "woningbouw", *arguments, referentie=reference)


@pytest.mark.parametrize("reference", [[], b"", np.array([7]), 3, ["woningbouw", "akkerbouw"]])
def test_an_odd_reference_is_never_the_default(reference):
    with pytest.raises(WaterbodemError):
        wb.afwenteling(layers(), "woningbouw", reference)


@pytest.mark.parametrize(
    "call",
    [
        lambda: wb.assess(None, "woningbouw", PLAN),
        lambda: wb.waarom(None, "woningbouw", 1, 1),
        lambda: wb.geschiktheid(layers(), "woningbouw", methode=None),
        lambda: wb.geschiktheid(layers(), "woningbouw", methode="owa", orness="a"),
        lambda: wb.geschiktheid(layers(), {"woningbouw"}),
        lambda: wb.afwenteling(layers(), "woningbouw", aangelegde_berging_mm="3"),
        lambda: wb.afwenteling(layers(), "woningbouw", bergingseis_mm=1e308),
        lambda: wb.waarom(layers(), "woningbouw", x="a", y=1),
        lambda: wb.waarom(layers(), ["woningbouw", "akkerbouw"], x=230_050, y=550_050),
        lambda: wb.assess(layers(), "woningbouw", box(-1e200, -1e200, 1e200, 1e200)),
        lambda: wb.assess(layers(), "woningbouw", gpd.GeoDataFrame()),
        lambda: wb.assess(layers(), "woningbouw", PLAN, kompas=3),
        lambda: wb.functies(3),
        lambda: wb.functies()[[]],
    ],
)
def test_wrong_arguments_get_an_error_of_ours(call):
    with pytest.raises(WaterbodemError):
        call()


def test_names_that_are_missing_become_numbers():
    frame = gpd.GeoDataFrame({"naam": pd.array([7, pd.NA], dtype="Int64")}, geometry=[PLAN, PLAN], crs="EPSG:28992")
    assert wb.per_gebied(layers(), "woningbouw", frame).gebied.tolist() == ["7", "2"]


def test_a_sliver_inside_the_data_is_inside():
    row = wb.per_gebied(layers(), "woningbouw", box(230_050, 550_050, 230_050.001, 550_050.001)).iloc[0]
    assert row.antwoord == "A"
    assert row.weinig_steun


def test_deep_or_long_toml_is_refused(tmp_path):
    path = tmp_path / "f.toml"
    for text in ("a = " + "[" * 3000, "a = " + "9" * 6000):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(WaterbodemError):
            wb.functies(path)


def test_a_ledger_that_is_locked_or_unwritable_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite"
    Journal(path).note_part("sleutel", "deel", 0.0)
    before = path.read_bytes()
    import sqlite3

    from waterbodem.batch import journal

    def full(_path):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(journal, "_connect", full)
    with pytest.raises(WaterbodemError, match="ledger"):
        Journal(path)
    assert path.read_bytes() == before


def test_waarom_explains_the_score_of_the_assessment():
    data = layers(kwel=0.5, droogte=30.0)
    for settings in ({"methode": "minimum"}, {"methode": "gemiddelde"}, {"methode": "owa", "orness": 0.2}):
        b = wb.assess(data, "woningbouw", PLAN, **settings)
        told = b.waarom(230_045, 550_045).score
        assert told == float(b.cells.geschiktheid.sel(x=230_045, y=550_045))
