"""The fictitious area: the same everywhere, believable, and marked as fiction."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy import ndimage

from waterbodem.core.dataset import grid_of
from waterbodem.core.errors import ArgumentError, NoOverlap
from waterbodem.core.grid import Grid, on_multiples
from waterbodem.definitions.registry import layer_codes, layer_kinds
from waterbodem.layers.fiction.areas import example_boards, example_plans
from waterbodem.layers.fiction.landscape import PROVINCE, example, example_grid, example_tile
from waterbodem.layers.fiction.numbers import BROAD, CENTRE, FIELDS, FINE, LAYERS

Layers = dict[str, NDArray[np.float32]]
#: Of the committed rasters; another one compresses the same numbers to other bytes.
GDAL = "3.10.3"
RASTERS = Path(__file__).parents[2] / "rasters"
BASIC = [name for name, kind in layer_kinds().items() if kind.basis]
NAMES = sorted(name for name in LAYERS)


@pytest.fixture(scope="module")
def default() -> Layers:
    return example_tile(example_grid(), scenarios=True)


@pytest.fixture(scope="module")
def province() -> Layers:
    return example_tile(on_multiples(PROVINCE, 250), scenarios=True)


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("maak_voorbeeld", RASTERS / "maak_voorbeeld.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


# ---- a tile is the whole


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 399), st.integers(0, 399), st.integers(1, 70), st.integers(1, 70))
def test_any_window_holds_the_bytes_of_the_whole(default: Layers, row: int, col: int, height: int, width: int) -> None:
    rows, cols = slice(row, row + height), slice(col, col + width)
    tile = example_tile(example_grid().part(rows, cols), scenarios=True)
    for name, values in tile.items():
        assert same(values, np.ascontiguousarray(default[name][rows, cols])), name


@pytest.mark.parametrize("resolution", [0.1, 0.3, 1.0, 7.3, 25.0, 250.0])
def test_tiling_does_not_matter_at_any_resolution(resolution: float) -> None:
    grid = example_grid((37, 53), resolution)
    whole = example_tile(grid, scenarios=True)
    for rows in (slice(0, 11), slice(11, 37)):
        for cols in (slice(0, 1), slice(1, 30), slice(30, 53)):
            tile = example_tile(grid.part(rows, cols), scenarios=True)
            assert all(same(v, whole[n][rows, cols].copy()) for n, v in tile.items())


@settings(max_examples=25, deadline=None)
@given(st.floats(204000, 269000), st.floats(514000, 580000), st.sampled_from([1.0, 5.0, 50.0]))
def test_a_cell_does_not_know_its_tile(x: float, y: float, resolution: float) -> None:
    block = on_multiples((x, y, x + 9 * resolution, y + 9 * resolution), resolution)
    cell = block.part(slice(4, 5), slice(6, 7))
    for name, values in example_tile(cell).items():
        assert same(values, example_tile(block, [name])[name][4:5, 6:7].copy())


def test_other_resolutions_meet_at_shared_centres() -> None:
    fine, coarse = example_grid(75, 5.0), example_grid(15, 25.0)
    inner = fine.cover(coarse.bounds)
    a, b = example_tile(inner, scenarios=True), example_tile(coarse, scenarios=True)
    assert all(same(a[n][2::5, 2::5].copy(), b[n]) for n in b)


def test_a_seed_is_a_landscape(default: Layers) -> None:
    again, other = (example_tile(example_grid(), ["ghg"], seed=s)["ghg"] for s in (0, 7))
    assert same(again, default["ghg"])
    assert not same(other, again)


NOTHING_COMPILED = """
import waterbodem as wb
layers = wb.example(size=12, resolution=100)
print(float(layers.kwel[0, 0]))
try:
    wb.geschiktheid(layers, "woningbouw")
except wb.WaterbodemError as error:
    print(error)
"""


def test_where_nothing_may_be_compiled_a_small_example_is_there_and_scores_say_why_not() -> None:
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTHING_COMPILED],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    kwel = example_tile(example_grid(12, 100.0), ["kwel"])["kwel"][0, 0]
    assert float(told[0]) == kwel
    assert "kernels only run compiled" in told[1] and "NUMBA_DISABLE_JIT" in told[1]


def test_an_empty_tile_is_empty() -> None:
    tile = example_tile(example_grid().part(slice(0, 0), slice(0, 5)))
    assert all(values.shape == (0, 5) for values in tile.values())


# ---- plausible


@pytest.mark.parametrize("name", NAMES)
def test_values_lie_in_the_plausible_range(default: Layers, province: Layers, name: str) -> None:
    kind = layer_kinds()[name.partition("@")[0]]
    for values in (default[name], province[name]):
        assert values.dtype == np.float32
        assert np.isposinf(values).any() == (kind.id == "keileemdiepte")
        finite = values[np.isfinite(values)]
        assert kind.range[0] <= finite.min() and finite.max() <= kind.range[1]
        codes = layer_codes(kind)
        assert not codes or set(np.unique(finite)) <= set(codes)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_landscape_occurs_in_the_default_area(seed: int) -> None:
    area = example_tile(example_grid(200, 10.0), seed=seed)
    assert 0.10 <= np.isposinf(area["keileemdiepte"]).mean() <= 0.60
    assert 0.05 <= area["beekdal"].mean() <= 0.30
    for name, share in {"kwel": 0.02, "veendikte": 0.02}.items():
        assert (area[name] > {"kwel": 0.5, "veendikte": 0.4}[name]).mean() > share
    dry_ridge = (area["ghg"] > 2.5) & np.isposinf(area["keileemdiepte"])
    veenkolonie = (area["veendikte"] > 0.05) & (area["beekdal"] == 0) & (area["kwel"] < 0)
    assert dry_ridge.mean() > 0.03 and veenkolonie.mean() > 0.03
    assert 0.5 < (area["wateroverlast"] == 0).mean() < 0.97
    assert (area["wateroverlast"] > 0.3).any()
    assert set(np.unique(area["grondwaterbescherming"])) == {0, 2, 3, 4}


def test_unknown_is_rare_and_elsewhere_in_other_layers(default: Layers) -> None:
    for name, values in default.items():
        assert np.isnan(values).mean() <= 0.06, name
    for name in ("wateroverlast", "kwel", "keileemdiepte", "ghg"):
        assert np.isnan(default[name]).mean() >= 0.001, name
    places = {np.isnan(default[n]).tobytes() for n in ("wateroverlast", "kwel", "ghg")}
    assert len(places) == 3
    assert not np.isnan(default["maaiveld"]).any() and not np.isnan(default["beekdal"]).any()


def test_the_province_varies_and_repeats_nothing(province: Layers) -> None:
    for name in ("kwel", "droogte", "ghg"):
        values = np.nan_to_num(province[name])
        spread = [part.std() for part in np.array_split(values, 4)]
        assert min(spread) > 0.3 * max(spread), name
    field = province["maaiveld"] - province["maaiveld"].mean()
    for shift in range(20, 130, 5):
        a, b = field[:, shift:].ravel(), field[:, :-shift].ravel()
        assert np.corrcoef(a, b)[0, 1] < 0.95


def test_every_basic_layer_is_known_in_the_centre() -> None:
    cell = example_tile(example_grid(1), [*BASIC, "ghg", "maaiveld"])
    assert not any(np.isnan(values).any() for values in cell.values())
    assert np.isfinite(cell["keileemdiepte"]).all()


# ---- coherent


def test_groundwater_levels_are_in_order(default: Layers) -> None:
    known = ~np.isnan(default["ghg"])
    ghg, gvg, glg = (default[n][known] for n in ("ghg", "gvg", "glg"))
    assert (ghg < gvg).all() and (gvg < glg).all()


def test_seepage_where_the_valley_is_and_loss_on_the_ridge(default: Layers) -> None:
    valley, kwel = default["beekdal"] == 1, default["kwel"]
    ridge = default["ghg"] > 2.5
    assert np.nanmean(kwel[valley]) > 0.5 and np.nanmean(kwel[ridge]) < -0.75
    assert np.nanmean(default["maaiveld"][valley]) < np.nanmean(default["maaiveld"][ridge]) - 3
    assert np.nanmedian(default["ghg"][valley]) < 0.4
    assert np.isposinf(default["keileemdiepte"][ridge]).mean() > 0.95


@pytest.mark.parametrize(
    ("one", "other", "sign"),
    [
        ("veendikte", "zettingsgevoeligheid", 1),
        ("ghg", "droogte", 1),
        ("kwel", "ghg", -1),
        ("beekdal", "kwel", 1),
        ("beekdal", "maaiveld", -1),
        ("maaiveld", "ghg", 1),
        ("wateroverlast", "ghg", -1),
    ],
)
def test_layers_go_together(province: Layers, default: Layers, one: str, other: str, sign: int) -> None:
    for area in (default, province) if one != "maaiveld" else (default,):
        a, b = area[one].astype(float), area[other].astype(float)
        known = np.isfinite(a) & np.isfinite(b)
        assert sign * np.corrcoef(a[known], b[known])[0, 1] > 0.05


def test_shallow_keileem_holds_the_groundwater_up(default: Layers) -> None:
    plateau = (default["beekdal"] == 0) & (default["veendikte"] < 0.05)
    depth, ghg = default["keileemdiepte"], default["ghg"]
    shallow, deep = plateau & (depth < 1.0), plateau & (depth > 1.6) & np.isfinite(depth)
    assert np.nanmean(ghg[shallow]) < np.nanmean(ghg[deep]) - 0.1


def test_use_follows_the_land(default: Layers, province: Layers) -> None:
    """Wet nature where it is wet, fields where it is dry, no house in a valley, little grass on full ground."""
    for area in (default, province):
        use, ghg, valley = area["gebruik"], area["ghg"], area["beekdal"] == 1
        assert set(np.unique(use)) == {1, 3, 6, 7, 9, 10, 16}
        mean = {code: np.nanmean(ghg[use == code]) for code in (6, 7, 9, 10, 16)}
        assert mean[9] < 0.3 < mean[7] < mean[6] and mean[9] < mean[16] and mean[9] < mean[10]
        assert not (valley & (use == 1)).any() and (use[valley] == 9).mean() > 0.5
        assert ((use == 7) & (ghg < 0.15)).mean() < 0.001 and ((use == 6) & (ghg < 0.25)).mean() < 0.001


def test_nature_is_where_it_is_wet_or_high_and_depends_on_groundwater_only_where_that_is_near(default: Layers) -> None:
    nature, use, ghg = default["natuur"], default["gebruik"], default["ghg"]
    assert set(np.unique(nature)) == {0, 1, 2, 3}
    assert np.nanquantile(ghg[nature == 3], 0.95) < 0.7 < np.nanmean(ghg[nature == 2])
    assert not ((nature > 0) & np.isin(use, (1, 6, 7))).any()
    assert not ((use == 9) & (nature == 0)).any() and ((use == 10) & (nature == 0)).any()


def test_brooks_flood_their_valley_and_nothing_else(default: Layers) -> None:
    now, later, valley = default["inundatie"], default["inundatie@2050Hd"], default["beekdal"] == 1
    assert (now[~valley] == 0).all() and 0.3 < (now[valley] > 0).mean() < 1
    assert 0.5 < now.max() < 1.2 and (later >= now).all() and (later[now > 0] > now[now > 0]).all()
    floor = valley & (default["ghg"] < 0.15)
    assert now[floor].mean() > 2 * now[valley & ~floor].mean()


def test_water_is_a_network_that_a_brook_drains(default: Layers) -> None:
    """In cells of 5 m a brook runs through the area, and ditches of the valley come out in it."""
    water = default["water"] == 1
    assert 0.02 < water.mean() < 0.06
    label, _ = ndimage.label(water, np.ones((3, 3)))
    through = (set(label[0]) & set(label[-1])) - {0}
    assert len(through) == 1
    brook = label == through.pop()
    assert (default["beekdal"][brook] == 1).mean() > 0.7 and brook.sum() > 1.5 * 400 * 10 / 5
    high = default["ghg"] > 2.5
    assert water[high].mean() < 0.005 and not water[default["gebruik"] == 1].any()
    pools = water & (default["beekdal"] == 0) & (default["ghg"] < 0)
    assert pools.any() and (default["natuur"][pools] > 0).all()


def test_the_future_is_wetter_and_drier(default: Layers) -> None:
    for name in ("wateroverlast", "droogte", "inundatie"):
        now, later = default[name], default[f"{name}@2050Hd"]
        assert np.array_equal(np.isnan(now), np.isnan(later))
        known = ~np.isnan(now)
        assert (later[known] >= now[known]).all() and (later[known] > now[known]).any()


# ---- the data set


def test_the_data_set_says_that_it_is_fiction() -> None:
    data = example(20, 50.0, scenarios=True)
    assert data.attrs["title"] == "Voorbeeldgebied (verzonnen)" and data.attrs["verzonnen"] == 1
    for name, layer in data.data_vars.items():
        kind = layer_kinds()[str(name).partition("@")[0]]
        assert layer.attrs["units"] == kind.unit and layer.attrs["vintage"] == "verzonnen"
        assert layer.attrs["source"] == "waterbodem, verzonnen voorbeeld"
        assert layer.attrs["long_name"].startswith(kind.naam)
        assert layer.attrs.get("horizon") == (2050 if "@" in str(name) else None)
        assert ("KNMI'23 Hd" in layer.attrs.get("bron_scenario", "")) == ("@" in str(name))


def test_scenarios_only_when_asked() -> None:
    assert not [name for name in example(4).data_vars if "@" in str(name)]
    assert [name for name in example_tile(example_grid(4), scenarios=True) if "@" in name] == [
        "wateroverlast@2050Hd",
        "droogte@2050Hd",
        "inundatie@2050Hd",
    ]


@pytest.mark.parametrize("resolution", [0.1, 1.0, 3.7, 5.0, 10.0, 25.0, 250.0])
@pytest.mark.parametrize("size", [1, 2, (3, 8)])
def test_the_centre_lies_in_the_centre_cell(size: int | tuple[int, int], resolution: float) -> None:
    grid = example_grid(size, resolution)
    rows, cols = grid.shape
    col, row = (CENTRE[0] - grid.left) / resolution, (grid.top - CENTRE[1]) / resolution
    assert cols // 2 - 1e-6 <= col <= cols // 2 + 1 + 1e-6
    assert rows // 2 - 1e-6 <= row <= rows // 2 + 1 + 1e-6
    for edge in (grid.left, grid.top):
        assert edge / resolution == pytest.approx(round(edge / resolution), abs=1e-6)


def test_the_grid_survives_the_data_set() -> None:
    grid = example_grid((8, 5), 5.0)
    assert grid_of(example((8, 5), 5.0)).bounds == grid.bounds


def test_names_select_and_keep_their_order() -> None:
    assert list(example_tile(example_grid(2), ["kwel", "droogte", "kwel"])) == ["kwel", "droogte"]


@pytest.mark.parametrize("size", [0, -1, (3, 0), (1, 2, 3), 2.5, "400", None])
def test_bad_size(size: object) -> None:
    with pytest.raises(ArgumentError, match="size"):
        example(size)  # type: ignore[arg-type]


@pytest.mark.parametrize("resolution", [0, -5, np.nan, np.inf, 0.01, 5000, "fine", None])
def test_bad_resolution(resolution: object) -> None:
    with pytest.raises(ArgumentError, match="resolution"):
        example(4, resolution)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, "0", 2**31, None])
def test_bad_seed(seed: object) -> None:
    with pytest.raises(ArgumentError, match="seed"):
        example(4, seed=seed)  # type: ignore[arg-type]


def test_other_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'kwel'"):
        example_tile(example_grid(2), ["kwell"])
    with pytest.raises(ArgumentError, match="RD only"):
        example_tile(Grid(0, 0, 5, 5, 2, 2, "EPSG:31370"))
    with pytest.raises(ArgumentError, match="example_tile"):
        example(100_000)


def test_octaves_name_fields_and_turn_without_stretching() -> None:
    for octave in (*BROAD, *FINE):
        cosine, sine, whole = octave.rotation
        assert octave.field in FIELDS and cosine**2 + sine**2 == whole**2
    assert [octave.field for octave in BROAD] == list(FIELDS[: len(BROAD)])


# ---- plans and files


def test_plans_lie_inside_on_the_land_they_name(default: Layers) -> None:
    grid = example_grid()
    plans = example_plans(grid).set_index("naam")
    assert plans["verzonnen"].all() and plans.is_valid.all() and len(plans) == 4
    assert plans.area.between(2e4, 9e4).all()
    inside = {name: ~geometry_mask([shape], grid.shape, grid.transform) for name, shape in plans.geometry.items()}
    depth = default["keileemdiepte"]
    assert np.isposinf(depth[inside["Plan Es"]]).all()
    assert np.isfinite(depth[inside["Plan Keileem"]]).all()
    assert 0.3 < default["beekdal"][inside["Plan Beekdal"]].mean() < 0.7
    assert np.nanmean(default["veendikte"][inside["Plan Veenrand"]]) > 0.1
    use, nature = default["gebruik"], default["natuur"]
    assert (use[inside["Plan Es"]] == 6).all() and (use[inside["Plan Veenrand"]] == 6).mean() > 0.5
    assert set(np.unique(use[inside["Plan Keileem"]])) == {6, 7}
    assert 0.2 < (nature[inside["Plan Beekdal"]] == 1).mean() < 0.6
    assert not any((nature[inside[name]] > 0).any() for name in ("Plan Es", "Plan Keileem", "Plan Veenrand"))


def test_two_boards_share_the_area_and_one_plan() -> None:
    boards, plans = example_boards(), example_plans().set_index("naam").geometry
    assert list(boards["waterschap"]) == ["drents_overijsselse_delta", "hunze_en_aas"]
    west, east = boards.geometry
    assert west.intersection(east).area == 0
    assert west.union(east).covers(shapely.box(*example_grid().bounds))
    shares = plans.intersection(west).area / plans.area
    assert 0.1 < shares["Plan Es"] < 0.4
    assert shares.round(6).drop("Plan Es").to_dict() == {"Plan Keileem": 1, "Plan Beekdal": 1, "Plan Veenrand": 0}


def test_plans_outside_the_data_are_left_out() -> None:
    assert len(example_plans(example((400, 240), 5.0))) < 4
    with pytest.raises(NoOverlap):
        example_plans(example_grid(2))


def test_committed_files_are_what_the_script_makes(script: ModuleType, tmp_path: Path) -> None:
    script.make(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    kept = sorted(path.name for path in (RASTERS / "voorbeeld").iterdir() if not path.name.startswith("."))
    assert kept == sorted([*made, "lagen.toml"])
    for name in made:
        ours, new = RASTERS / "voorbeeld" / name, tmp_path / name
        if name.endswith(".tif"):
            with rasterio.open(ours) as a, rasterio.open(new) as b:
                assert np.array_equal(a.read(), b.read()), name
                assert (a.profile, a.tags(), a.tags(1)) == (b.profile, b.tags(), b.tags(1)), name
        if name.endswith(".geojson") or rasterio.__gdal_version__ == GDAL:
            assert ours.read_bytes() == new.read_bytes(), name


def test_making_the_files_twice_gives_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        script.make(tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_committed_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in (RASTERS / "voorbeeld").iterdir() if path.is_file()) < 700_000


def test_compiled_and_interpreted_areas_have_the_same_bytes(monkeypatch):
    grid = example_grid((90, 130), 25.0)
    found = []
    for worth in (0, 10**12):
        monkeypatch.setattr("waterbodem.layers.fiction.landscape.WORTH_COMPILING", worth)
        found.append(example_tile(grid, scenarios=True))
    assert found[0].keys() == found[1].keys()
    for name, values in found[0].items():
        assert values.tobytes() == found[1][name].tobytes(), name
