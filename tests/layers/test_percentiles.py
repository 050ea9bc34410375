"""The error of layers from files and from memory: uncertainty and percentiles, in unit and sign of the rules."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr

import waterbodem as wb
from tests.support.layer_files import LEFT, TOP, catalogue, layer, polygons, raster, square
from waterbodem.core.errors import WaterbodemError
from waterbodem.engine.layer_set import layer_set
from waterbodem.layers.audit import check_catalogue

BASIC = {"zettingsgevoeligheid": "m/m", "wateroverlast": "m", "droogte": "%", "keileemdiepte": "m", "kwel": "mm/d"}
RNG = np.random.default_rng(6)
SHAPE = (7, 9)
GHG = RNG.uniform(30, 90, SHAPE).astype(np.float32)


def files(folder, ghg="", **keys):
    """A catalogue with ghg in cm above ground level, and its percentiles."""
    text = ""
    for name, unit in BASIC.items():
        raster(folder / f"{name}.tif", RNG.uniform(0.1, 0.4, SHAPE).astype(np.float32))
        text += layer(name, f"{name}.tif", unit, **({"sign": '"up"'} if name == "kwel" else {}))
    raster(folder / "ghg.tif", -GHG)
    raster(folder / "laag.tif", -GHG - 30)
    raster(folder / "hoog.tif", -GHG + 15)
    return catalogue(folder, text + layer("ghg", "ghg.tif", "cm", sign='"up"', **keys) + ghg)


BOTH = {"p10": '"laag.tif"', "p90": '"hoog.tif"'}


def test_percentiles_of_files_are_converted_and_change_places_with_the_sign(tmp_path):
    layers = wb.open_layers(files(tmp_path, **BOTH))
    np.testing.assert_allclose(layers["ghg@p10"], GHG / 100 - 0.15, atol=1e-6)
    np.testing.assert_allclose(layers["ghg@p90"], GHG / 100 + 0.30, atol=1e-6)
    doubt = layer_set(layers).doubts["ghg"]
    assert (doubt.p10 < layers.ghg.values).all() and (doubt.p90 > layers.ghg.values).all()
    assert layer_set(layers).scenarios == ()


@pytest.mark.parametrize(
    ("stated", "want"),
    [
        ("20", 0.2),
        ("{ sd = 5, per = 0.2, hoogstens = 40 }", {"sd": 0.05, "per": 0.2, "hoogstens": 0.4}),
        ("{ per = 0.3, bereik_m = [50, inf], aandeel = [0.6, 0.4], steun_m = 25 }", {"per": 0.3}),
    ],
)
def test_an_error_of_a_file_is_converted_by_the_factor_alone(tmp_path, stated, want):
    layers = wb.open_layers(files(tmp_path, uncertainty=stated))
    told = layers.ghg.attrs["uncertainty"]
    assert told == want if isinstance(want, float) else want.items() <= json.loads(told).items()
    layers.to_netcdf(tmp_path / "lagen.nc")
    assert layer_set(layers).doubts["ghg"].stated.of(1.0).sd == pytest.approx(
        want if isinstance(want, float) else want.get("sd", 0)
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"p10": '"laag.tif"'}, "one stands without the other"), ({"p90": '"hoog.tif"'}, "without the other"),
        ({"uncertainty": -1}, "greater than or equal to 0"), ({"uncertainty": "nan"}, "finite"),
        ({"uncertainty": "inf"}, "finite"), ({"uncertainty": 5000}, "absurd"), ({"uncertainty": '"veel"'}, "table"),
        ({"uncertainty": "{ sd = 0.2, verdeling = \"lognormaal\" }"}, "by a factor"),
        ({"uncertainty": "{ sd = 20, hoogste = 3 }"}, "unknown key"), ({"uncertainty": "{}"}, "neither sd nor per"),
        ({"p10": '"weg.tif"', "p90": '"hoog.tif"'}, "p10"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_refused_by_name(tmp_path, keys, says):
    path = files(tmp_path, **keys)
    with pytest.raises(WaterbodemError, match=says) as caught:
        wb.open_layers(path)
    assert "layers.ghg" in str(caught.value)
    assert not check_catalogue(path).ok


def test_a_percentile_is_no_scenario(tmp_path):
    with pytest.raises(WaterbodemError, match="percentile is no scenario"):
        wb.open_layers(files(tmp_path, ghg=layer("ghg@p10", "laag.tif", "cm", sign='"up"')))


def test_classes_have_no_error(tmp_path):
    raster(tmp_path / "n.tif", np.zeros(SHAPE, np.float32))
    for keys, says in (({"uncertainty": 0.5}, "between its codes"), (BOTH, "no percentiles")):
        with pytest.raises(WaterbodemError, match=says):
            wb.open_layers(files(tmp_path, ghg=layer("natuur", "n.tif", "class", **keys)))


def test_absent_is_the_higher_percentile_alone(tmp_path):
    clay = np.full(SHAPE, 2.0, np.float32)
    raster(tmp_path / "k.tif", clay)
    raster(tmp_path / "diep.tif", np.where(GHG > 60, 9999, clay + 1).astype(np.float32))
    text = layer("keileemdiepte", "k.tif", "m", absent=9999, p10='"k.tif"', p90='"diep.tif"')
    held = layer_set(wb.open_layers(catalogue(tmp_path, text))).doubts["keileemdiepte"]
    assert np.isposinf(held.p90).any()
    wrong = catalogue(tmp_path, text.replace('p10 = "k.tif"', 'p10 = "diep.tif"'))
    with pytest.raises(WaterbodemError, match="p10 is absent"):
        wb.open_layers(wrong)
    assert not check_catalogue(wrong).ok


def test_a_run_has_the_range_of_an_assessment(tmp_path):
    path = files(tmp_path, **BOTH, uncertainty="{ sd = 5 }", range="[0.0, 0.95]")
    x, y = LEFT, TOP
    rings = [
        (square(x + 5, y - 60, x + 80, y - 12), {"naam": "een"}),
        (square(x + 20, y - 33, x + 31, y - 20), {"naam": "twee"}),
    ]
    plans = polygons(tmp_path / "plannen.geojson", rings)
    functies = ["woningbouw", "natte_natuur", "akkerbouw"]
    text = f'layers = "lagen.toml"\nfuncties = {json.dumps(functies)}\noutput = "uit"\nmaps = ["klasse"]\n'
    text += '[gebieden]\npath = "plannen.geojson"\n'
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    wb.run(tmp_path / "run.toml")
    table = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    want = wb.assess(wb.open_layers(path), functies, plans).rows
    columns = ["antwoord", "antwoord_laag", "antwoord_hoog", "beslist"]
    assert table[columns].fillna("").to_numpy().tolist() == want[columns].to_numpy().tolist()
    assert (want.antwoord_laag != want.antwoord_hoog).any()


def test_layers_from_memory_carry_their_error():
    up = {"units": "cm", "positive": "up"}
    arrays = {"ghg": -GHG, "ghg@p10": -GHG - 30, "ghg@p90": -GHG + 15}
    held = {n: xr.DataArray(v, dims=("y", "x"), attrs=up if n == "ghg" else {}) for n, v in arrays.items()}
    held["ghg"].attrs["uncertainty"] = {"sd": 10, "per": 0.1}
    doubt = layer_set(wb.layers_from(held)).doubts["ghg"]
    np.testing.assert_allclose(doubt.p10, GHG / 100 - 0.15, atol=1e-6)
    np.testing.assert_allclose(doubt.p90, GHG / 100 + 0.30, atol=1e-6)
    assert (doubt.stated.sd, doubt.stated.per) == (0.1, 0.1)
