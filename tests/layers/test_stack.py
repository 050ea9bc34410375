"""A catalogue as layers on one grid: lattice, extent, attributes, problems, memory."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
import rasterio
from affine import Affine

from tests.support import grids
from tests.support.layer_files import LEFT, RD, TOP, catalogue, layer, polygons, raster, square
from waterbodem.core.dataset import grid_of
from waterbodem.core.errors import (
    ArgumentError,
    CorruptLayer,
    GridMismatch,
    LayerError,
    Problems,
    WaterbodemError,
)
from waterbodem.layers.stack import open_catalogue, open_layers

SHARED = grids.SHARED / "data"


def zeros(folder, name, rows, cols, **where):
    raster(folder / name, np.zeros((rows, cols), np.float32), **where)


def test_grid_is_the_finest_lattice_over_the_basic_layers(tmp_path):
    zeros(tmp_path, "w.tif", 4, 4, cell=25)
    zeros(tmp_path, "d.tif", 2, 2, cell=100, left=LEFT + 100)
    zeros(tmp_path, "m.tif", 500, 500, cell=2, left=LEFT - 301)
    text = layer("wateroverlast", "w.tif", "m") + layer("droogte", "d.tif", "%")
    grid = grid_of(open_layers(catalogue(tmp_path, text + layer("maaiveld", "m.tif", "m"))))
    # lines of the 2 m raster are odd; the basic layers reach from LEFT to LEFT + 300
    assert grid.dx == 2 and grid.bounds == (LEFT - 1, TOP - 200, LEFT + 301, TOP)
    alone = grid_of(open_layers(catalogue(tmp_path, layer("maaiveld", "m.tif", "m"))))
    assert alone.bounds == (LEFT - 301, TOP - 1000, LEFT + 699, TOP)


def test_on_a_tie_the_first_in_the_file(tmp_path):
    zeros(tmp_path, "w.tif", 4, 4, left=LEFT + 5)
    zeros(tmp_path, "d.tif", 4, 4)
    tables = [layer("wateroverlast", "w.tif", "m", resampling='"average"'),
              layer("droogte", "d.tif", "%", resampling='"average"')]  # fmt: skip
    # LEFT is a multiple of 10; the union is wider than either, on the lattice of the first
    assert open_catalogue(catalogue(tmp_path, "".join(tables))).grid.left % 10 == 5
    assert open_catalogue(catalogue(tmp_path, "".join(tables[::-1]))).grid.left % 10 == 0


def test_bounds_and_resolution(tmp_path):
    zeros(tmp_path, "d.tif", 30, 30, left=LEFT + 3)
    file = catalogue(tmp_path, layer("droogte", "d.tif", "%"))
    box = (LEFT + 11, TOP - 52, LEFT + 47, TOP - 11)
    assert grid_of(open_layers(file, box)).bounds == (LEFT + 3, TOP - 60, LEFT + 53, TOP - 10)
    grid = grid_of(open_layers(file, box, 25))
    assert (grid.dx, grid.bounds) == (25, (LEFT, TOP - 75, LEFT + 50, TOP))
    assert grid_of(open_layers(file, resolution=100)).bounds == (LEFT, TOP - 300, LEFT + 400, TOP)


@pytest.mark.parametrize(
    "bounds, resolution",
    [((0, 0, 0, 1), None), ((0, 0, 1), None), ((0, 0, np.nan, 1), None), ("abcd", None),
     (None, 0), (None, -5), (None, np.inf), (None, "5")],
)  # fmt: skip
def test_arguments_that_are_refused(tmp_path, bounds, resolution):
    zeros(tmp_path, "d.tif", 3, 3)
    with pytest.raises(ArgumentError):
        open_layers(catalogue(tmp_path, layer("droogte", "d.tif", "%")), bounds, resolution)


def test_attributes_say_all_and_nothing_of_this_machine(tmp_path):
    (tmp_path / "sub").mkdir()
    values = np.full((4, 4), 7, np.float32)
    values[0, :3] = 500
    raster(tmp_path / "sub" / "w.tif", values, cell=25)
    zeros(tmp_path, "d.tif", 10, 10)
    text = 'title = "Proef"\n' + layer("droogte", "d.tif", "%", uncertainty=4, source='"X"', vintage=2020)
    text += layer("wateroverlast@2050hoog", "sub/w.tif", "dm", horizon=2050, outside='"unknown"')
    ds = open_layers(catalogue(tmp_path, text))
    assert ds.attrs == {"title": "Proef"} and list(ds.data_vars) == [
        "droogte",
        "wateroverlast@2050hoog",
    ]
    dry, wet = ds["droogte"].attrs, ds["wateroverlast@2050hoog"].attrs
    assert (dry["units"], dry["source"], dry["vintage"], dry["uncertainty"]) == (
        "%",
        "X",
        "2020",
        4,
    )
    assert "horizon" not in dry and "resampled" not in dry and "unknown_by_range" not in dry
    assert (wet["horizon"], wet["file"], wet["unknown_by_range"]) == (2050, "sub/w.tif", 3)
    assert wet["resampled"] == "bilinear from 25 m EPSG:28992" and wet["source"] == "onbekend"
    digest = hashlib.sha256((tmp_path / "sub" / "w.tif").read_bytes()).hexdigest()
    assert wet["sha256"] == digest and wet["units"] == "m"
    assert str(tmp_path) not in str([ds.attrs, *(v.attrs for v in ds.variables.values())])
    assert ds["droogte"].dtype == np.float32 and ds["droogte"].attrs["grid_mapping"] == "spatial_ref"


def test_a_variable_carries_what_its_table_tells(tmp_path):
    zeros(tmp_path, "d.tif", 2, 2)
    told = {"korrel_m": 250, "afwijking": "mm in plaats van %", "bron_scenario": "KNMI'23 Hd", "licence": "CC0",
            "attribution": "CAS", "stresstest": "T1000"}  # fmt: skip
    keys = {k: f'"{v}"' if isinstance(v, str) else v for k, v in told.items()}
    text = layer("droogte", "d.tif", "%") + layer("droogte@x", "d.tif", "%", **keys)
    ds = open_layers(catalogue(tmp_path, text))
    assert {k: ds["droogte@x"].attrs.get(k) for k in told} == told
    assert set(told).isdisjoint(ds["droogte"].attrs)
    ds = open_layers(catalogue(tmp_path, layer("droogte@T", "d.tif", "%", stresstest="true")))
    assert ds["droogte@T"].attrs["stresstest"] == 1  # NetCDF knows no true


def test_a_folder_and_an_allowed_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    zeros(tmp_path / "out", "d.tif", 2, 2)
    catalogue(tmp_path / "in", layer("droogte", "../out/d.tif", "%"))
    with pytest.raises(WaterbodemError, match="leaves the folder"):
        open_layers(tmp_path / "in")
    assert open_layers(tmp_path / "in", allow=[tmp_path / "out"]).sizes["x"] == 2


def test_every_problem_in_every_layer_at_once(tmp_path):
    zeros(tmp_path, "d.tif", 4, 4)
    zeros(tmp_path, "shift.tif", 4, 4, left=LEFT + 4)
    (tmp_path / "html.tif").write_text("<html>")
    text = (
        layer("droogte", "d.tif", "%")
        + layer("kwel", "d.tif", "mm/d")
        + layer("wateroverlast", "html.tif", "m")
        + layer("maaiveld", "absent.tif", "m")
        + layer("veendikte", "shift.tif", "m")
        + layer("bodemdaling", "d.tif", "m", sha256=f'"{"0" * 64}"')
    )
    file = catalogue(tmp_path, text)
    with pytest.raises(Problems) as caught:
        open_layers(file)
    kinds = sorted(type(p).__name__ for p in caught.value.problems)
    assert kinds == ["CatalogueError", "CorruptLayer", "GridMismatch", "LayerError", "NotARaster"]
    for chunks in (None, {"y": 2, "x": 2}):
        with pytest.warns(UserWarning, match="left out") as told:
            assert list(open_layers(file, lenient=True, chunks=chunks).data_vars) == ["droogte"]
        assert {w.filename for w in told} == {__file__}  # where the user asked, not where it was found


def test_problems_of_values_come_together_too(tmp_path):
    raster(tmp_path / "a.tif", np.float32([[900]]))
    raster(tmp_path / "b.tif", np.uint8([[3]]))
    text = layer("droogte", "a.tif", "%") + layer("veendikte", "b.tif", "m", classes="{ 1 = 1 }")
    with pytest.raises(Problems, match="outside the plausible range(.|\n)*not listed"):
        open_layers(catalogue(tmp_path, text))


def test_read_by_window_equals_the_whole(tmp_path):
    raster(tmp_path / "d.tif", np.arange(600, dtype=np.float32).reshape(20, 30) / 10)
    raster(tmp_path / "w.tif", np.arange(48, dtype=np.float32).reshape(6, 8) / 10, cell=40)
    text = layer("droogte", "d.tif", "%") + layer("wateroverlast", "w.tif", "m")
    stack = open_catalogue(catalogue(tmp_path, text))
    ds = open_layers(tmp_path)
    part = (slice(3, 17), slice(5, 29))
    got = stack.read(stack.grid.part(*part))
    for name, values in got.items():
        assert values.tobytes() == ds[name].values[part].tobytes()
    assert list(stack.read(stack.grid, ["droogte"])) == ["droogte"]
    with pytest.raises(ArgumentError, match="did you mean 'droogte'"):
        stack.read(stack.grid, ["drogte"])


def test_polygons_alone_need_a_grid(tmp_path):
    polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 20, LEFT + 20, TOP), {})])
    file = catalogue(tmp_path, layer("beekdal", "p.geojson", "1", value=1))
    with pytest.raises(GridMismatch, match="bounds and resolution"):
        open_layers(file)
    ds = open_layers(file, (LEFT, TOP - 40, LEFT + 40, TOP), 10)
    assert float(ds["beekdal"].sum()) == 4 and grid_of(ds).crs is not None


def test_a_catalogue_on_another_grid_is_another_value(tmp_path):
    zeros(tmp_path, "d.tif", 4, 4)
    stack = open_catalogue(catalogue(tmp_path, layer("droogte", "d.tif", "%")))
    other = stack.on((LEFT, TOP - 20, LEFT + 20, TOP), 5)
    assert (stack.grid.shape, other.grid.shape) == ((4, 4), (4, 4)) and other.grid.dx == 5
    shifted = stack.on((LEFT, TOP - 20, LEFT + 20, TOP), 4)
    assert shifted.problems == ()


def sparse(folder, size):
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "float32",
               "crs": RD, "transform": Affine(1, 0, 100_000, 0, -1, 600_000), "SPARSE_OK": True,
               "tiled": True, "BIGTIFF": "YES", "compress": "deflate"}  # fmt: skip
    with rasterio.open(folder / "s.tif", "w", **profile):
        pass
    return catalogue(folder, layer("droogte", "s.tif", "%"))


def test_a_sparse_giant_is_refused_whole_and_read_by_window(tmp_path):
    file = sparse(tmp_path, 200_000)
    with pytest.raises(ArgumentError, match="too many cells"):
        open_layers(file)
    assert open_layers(file, (150_000, 500_000, 150_050, 500_050)).sizes == {"y": 50, "x": 50}


def test_the_cap_is_the_users(tmp_path, monkeypatch):
    zeros(tmp_path, "d.tif", 10, 10)
    file = catalogue(tmp_path, layer("droogte", "d.tif", "%"))
    monkeypatch.setenv("WATERBODEM_MAX_CELLS", "99")
    with pytest.raises(ArgumentError, match="WATERBODEM_MAX_CELLS"):
        open_layers(file)
    monkeypatch.setenv("WATERBODEM_MAX_CELLS", "100")
    assert open_layers(file).sizes["x"] == 10


def test_a_file_cut_short_gives_no_dataset(tmp_path):
    zeros(tmp_path, "d.tif", 100, 100)
    data = (tmp_path / "d.tif").read_bytes()
    (tmp_path / "d.tif").write_bytes(data[:-2000])
    with pytest.raises(CorruptLayer, match="rows 0 .. 100"):
        open_layers(catalogue(tmp_path, layer("droogte", "d.tif", "%")))


# --- the example data ---------------------------------------------------------------------------

shared = [pytest.mark.shared, pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data")]


def facts(ds):
    return {
        name: (round(float(v.min()), 3), round(float(v.max()), 3), int(v.notnull().sum()))
        for name, v in ds.data_vars.items()
    }


class TestShared:
    pytestmark = shared

    def test_zwarte_beek(self):
        ds = open_layers(SHARED / "zwarte_beek")
        assert facts(ds) == {
            "zettingsgevoeligheid": (0.01, 0.45, 9728),
            "wateroverlast": (0.0, 0.2, 15792),
            "kwel": (0.0, 49.292, 9728),
            "ghg": (-0.25, 0.4, 9728),
            "gvg": (-0.12, 0.65, 9728),
            "glg": (0.02, 1.48, 9728),
        }
        assert grid_of(ds).bounds == (216580, 198160, 216580 + 188 * 5, 198160 + 84 * 5)
        dry = ds["kwel"].values == 0
        assert dry.sum() == 3488 and not np.signbit(ds["kwel"].values[dry]).any()
        assert int((ds["kwel"] > 20).sum()) == 2144

    def test_zwarte_beek_without_its_own_range(self, tmp_path):
        text = (SHARED / "zwarte_beek" / "lagen.toml").read_text(encoding="utf-8")
        cut = "\n".join(line for line in text.splitlines() if not line.startswith("range"))
        file = catalogue(tmp_path, cut.replace('path = "', f'path = "{SHARED / "zwarte_beek"}{os.sep}'))
        with pytest.raises(LayerError, match="2144 values"):
            open_layers(file, allow=[SHARED])

    def test_drenthe(self):
        ds = open_layers(SHARED / "drenthe")
        assert facts(ds) == {
            "ghg": (0.012, 4.189, 11721),
            "glg": (0.718, 4.968, 11721),
            "maaiveld": (-13.0, 24.52, 42826),
        }
        assert ds["ghg"].attrs["uncertainty"] == 0.59
        assert grid_of(ds).shape == (264, 263) and grid_of(ds).left == 204250

    def test_ahn(self):
        ds = open_layers(SHARED / "ahn_zeeuws_vlaanderen")
        assert facts(ds) == {"maaiveld": (-0.609, 4.192, 160_000 - 2015)}
        assert int((ds["maaiveld"] < 0).sum()) == 575
        coarse = open_layers(SHARED / "ahn_zeeuws_vlaanderen", resolution=100)["maaiveld"]
        values = ds["maaiveld"].values.reshape(20, 20, 20, 20)
        known = (~np.isnan(values)).mean((1, 3)) >= 0.5
        with np.errstate(all="ignore"):
            mean = np.nanmean(values.astype(np.float64), axis=(1, 3))
        assert np.allclose(coarse, np.where(known, mean, np.nan), equal_nan=True, rtol=1e-5)
