"""Chunked layers: lazy results, the same bytes as in memory, every layer read once per block; Zarr in and out."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path

import cloudpickle
import dask.array as da
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401
import xarray as xr
from dask import config

import waterbodem as wb
from tests.batch import test_runner
from tests.support import grids, random_cells
from waterbodem.batch import runner, stores
from waterbodem.core.errors import ArgumentError, GridMismatch, LayerError, WaterbodemError
from waterbodem.core.threads import in_blocks
from waterbodem.engine import scoring
from waterbodem.layers.stack import open_catalogue

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
ROWS, COLS = 19, 23
CHUNKS = {"y": (1, 7, 11), "x": (13, 10)}
FUNCTIES = list(random_cells.FUNCTIES)


@pytest.fixture(scope="module", autouse=True)
def threaded():
    with config.set(scheduler="threads", num_workers=2):
        yield


@pytest.fixture(scope="module")
def layers():
    """Cells that look for trouble, with a scenario, an integer layer, and a variable that is no layer."""
    rng = np.random.default_rng(5)
    functie = random_cells.FUNCTIES["natte_natuur"]
    found = random_cells.columns(rng, functie, random_cells.LAYERS, ROWS * COLS)
    data = grids.layers({n: v.reshape(ROWS, COLS) for n, v in found.items()})
    data["wateroverlast@2050Hd"] = data.wateroverlast * 1.5
    data["wateroverlast@2050Hd"].attrs["horizon"] = 2050
    data["bodemdaling"] = (("y", "x"), rng.integers(0, 20, (ROWS, COLS)), {})
    data["naam"] = (("y", "x"), np.full((ROWS, COLS), "plaats"))
    return data


def chunked(layers):
    """Some layers in blocks, one in others, one along the other way, one in memory."""
    data = layers.drop_vars("naam").chunk(CHUNKS)
    data["droogte"] = layers.droogte.chunk({"y": 5, "x": -1})
    data["kwel"] = layers.kwel.transpose("x", "y").chunk({"y": 9})
    data["ghg"] = layers.ghg
    data["naam"] = layers.naam
    return data


def check_same(lazy, eager):
    assert all(v.chunks is not None for v in lazy.data_vars.values())
    found = lazy.compute()
    xr.testing.assert_identical(found, eager)
    assert list(found.data_vars) == list(eager.data_vars)
    for name in eager.data_vars:
        assert (found[name].dims, found[name].dtype) == (eager[name].dims, eager[name].dtype)
        assert lazy[name].dtype == eager[name].dtype
        assert found[name].values.tobytes() == eager[name].values.tobytes(), name


@pytest.mark.parametrize(("methode", "orness"), random_cells.METHODS)
def test_scores_are_the_same_bytes(layers, methode, orness):
    for functie in (FUNCTIES[0], FUNCTIES, [random_cells.FUNCTIES["natte_natuur"]]):
        question = {"methode": methode, "orness": orness, "interval": True}
        check_same(wb.geschiktheid(chunked(layers), functie, **question), wb.geschiktheid(layers, functie, **question))


@pytest.mark.parametrize("referentie", [None, "akkerbouw", "raster", "lazy raster"])
def test_burdens_are_the_same_bytes(layers, referentie):
    codes = [f.code for f in random_cells.FUNCTIES.values()]
    raster = xr.DataArray(np.random.default_rng(2).choice([*codes, np.nan], (ROWS, COLS)), dims=("y", "x"))
    given = {"raster": raster, "lazy raster": raster.chunk({"y": 4}).transpose("x", "y")}
    for functie in ("woningbouw", FUNCTIES):
        question = {"aangelegde_berging_mm": 5.0, "bergingseis_mm": 70.0}
        eager = wb.afwenteling(layers, functie, given.get(referentie, referentie), **question)
        check_same(wb.afwenteling(chunked(layers), functie, given.get(referentie, referentie), **question), eager)


def test_without_coordinates_too(layers):
    bare = layers.drop_vars(["y", "x"])
    check_same(wb.geschiktheid(chunked(bare), "woningbouw"), wb.geschiktheid(bare, "woningbouw"))


class Counted:
    """A dataset whose reads are counted, by layer and block."""

    def __init__(self, layers):
        self.seen, lock = Counter(), threading.Lock()

        def read(block, layer, block_info=None):
            with lock:
                self.seen[layer, tuple(block_info[0]["chunk-location"])] += 1
            return block

        self.data = layers.drop_vars("naam").chunk(CHUNKS)
        for layer in list(self.data.data_vars):
            array = self.data[layer].data
            counted = da.map_blocks(read, array, layer, dtype=array.dtype, meta=array._meta)
            self.data[layer] = (("y", "x"), counted, self.data[layer].attrs)


def test_nothing_is_read_until_it_is_asked_and_then_once_per_block(layers, monkeypatch):
    counted = Counted(layers)
    lazy = wb.geschiktheid(counted.data, ["woningbouw", "akkerbouw"])
    assert not counted.seen
    calls = Counter()
    real = scoring.fill_scores

    def fill(model, cells, out):
        calls[next(iter(cells.values())).shape] += 1
        real(model, cells, out)

    monkeypatch.setattr(scoring, "fill_scores", fill)
    lazy.compute()
    assert set(counted.seen.values()) == {1}
    assert {name for name, _ in counted.seen} == {
        n for f in ("woningbouw", "akkerbouw") for n in scoring.layers_of(random_cells.FUNCTIES[f])
    } & set(layers.data_vars), "layers that no functie asks for are not read"
    assert sum(calls.values()) == 6 * 2, "a block and functie is scored once for all variables"


def test_kernels_stay_in_the_thread_of_their_task(monkeypatch):
    seen = set()

    def watched(work, cells, align):
        seen.add(threading.current_thread().name)
        in_blocks(lambda part: (seen.add(threading.current_thread().name), work(part)), cells, align)

    monkeypatch.setattr("waterbodem.engine.scoring.in_blocks", watched)
    layers = wb.example(1000)
    with config.set(scheduler="sync"):
        wb.geschiktheid(layers.chunk({"y": 500}), "woningbouw").compute()
    assert seen == {threading.current_thread().name}


def test_why_and_an_assessment_read_the_blocks_they_need(layers):
    counted = Counted(layers)
    x, y = float(layers.x[20]), float(layers.y[3])
    told = wb.waarom(counted.data, "woningbouw", x, y)
    assert repr(told) == repr(wb.waarom(layers, "woningbouw", x, y))
    assert {place for _, place in counted.seen} == {(1, 1)}
    assert set(counted.seen.values()) == {1}
    counted.seen.clear()
    plan = grids.box(14, 9, 20, 15)
    found = wb.assess(counted.data, ["woningbouw", "akkerbouw"], plan)
    asked = wb.assess(layers, ["woningbouw", "akkerbouw"], plan)
    xr.testing.assert_identical(found.cells, asked.cells)
    assert found.rows.equals(asked.rows)
    assert {place for _, place in counted.seen} == {(2, 1)}
    assert set(counted.seen.values()) == {1}
    assert found.table.equals(asked.table), "who receives it asks for all of the land"


def test_it_can_be_sent_to_another_process(layers):
    lazy = wb.afwenteling(chunked(layers), ["woningbouw"])
    check_same(cloudpickle.loads(cloudpickle.dumps(lazy)), wb.afwenteling(layers, ["woningbouw"]))


@pytest.mark.parametrize(
    ("change", "functie", "said"),
    [
        (lambda d: d.isel(y=slice(None, None, -1)), "woningbouw", "descend"),
        (lambda d: d[["naam"]].chunk(), "woningbouw", "no layer"),
        (lambda d: d.assign(kwel=d.naam.chunk()), "woningbouw", "not numeric"),
        (lambda d: d.assign(kwel=d.kwel.expand_dims("tijd")), "woningbouw", r"\(y, x\)"),
        (lambda d: d, "wonigbouw", "did you mean 'woningbouw'"),
    ],
)
def test_what_is_wrong_is_told_at_once(layers, change, functie, said):
    wrong = change(chunked(layers))
    for compute in (wb.geschiktheid, wb.afwenteling):
        with pytest.raises(WaterbodemError, match=said):
            compute(wrong, functie)


def test_a_reference_elsewhere_is_told_at_once(layers):
    raster = xr.zeros_like(layers.kwel).assign_coords(x=layers.x + 5)
    with pytest.raises(GridMismatch, match="another grid"):
        wb.afwenteling(chunked(layers), "woningbouw", raster)
    with pytest.raises(ArgumentError, match="orness"):
        wb.geschiktheid(chunked(layers), "woningbouw", "owa")


def test_a_code_that_no_table_lists_is_told_when_its_block_is_computed():
    functie = random_cells.FUNCTIES["woningbouw"]
    data = functie.model_dump(exclude_none=True)
    data["criteria"]["kwel"] = {"gewicht": 1, "klassen": {1: 0.2, 2: 0.8}}
    own = type(functie).model_validate(data)
    layers = grids.even(4, 4, kwel=1.0)
    layers["kwel"][3, 3] = 7
    lazy = wb.geschiktheid(layers.chunk({"y": 2}), own)
    assert lazy.klasse[:2].compute().shape == (2, 4), "other blocks are fine"
    with pytest.raises(LayerError, match=r"does not list these codes.*7"):
        lazy.compute()


def test_a_scenario_without_its_present_layer_is_warned_of_once(layers):
    lonely = chunked(layers).drop_vars("wateroverlast")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        lazy = wb.afwenteling(lonely, "woningbouw")
        lazy.compute()
    assert [str(w.message) for w in told if "ignored" in str(w.message)] == [
        "scenario layer wateroverlast@2050Hd is ignored: wateroverlast is not in the data"
    ]


# --- reading by window -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "chunks"), [(None, {"y": 64, "x": 50}), (None, "auto"), (7.0, {"y": 120}), (25.0, 40)]
)
def test_layers_by_window_are_the_same_bytes(resolution, chunks):
    where = {"bounds": (238000, 553200, 239300, 554600), "resolution": resolution}
    check_same(wb.open_layers(EXAMPLE, **where, chunks=chunks), wb.open_layers(EXAMPLE, **where))


def test_only_the_window_that_is_asked_is_read(monkeypatch):
    from waterbodem.layers.source import LayerSource

    eager, read, real = wb.open_layers(EXAMPLE), [], LayerSource.read
    monkeypatch.setattr(LayerSource, "read", lambda self, grid: (read.append(grid.shape), real(self, grid))[1])
    lazy = wb.open_layers(EXAMPLE, chunks={"y": 64, "x": 64})
    part = {"y": slice(10, 90, 3), "x": slice(120, 100, -1)}
    np.testing.assert_array_equal(lazy.kwel.isel(part), eager.kwel.isel(part))
    assert all(rows <= 64 and cols <= 64 for rows, cols in read)
    assert len(read) == 2


def test_values_out_of_range_are_told_when_they_are_read(tmp_path):
    from tests.support import layer_files

    values = np.full((40, 40), 1.0, np.float32)
    values[35, 3] = 4000
    layer_files.raster(tmp_path / "kwel.tif", values)
    layer_files.catalogue(tmp_path, layer_files.layer("kwel", "kwel.tif", "mm/d", sign='"up"'))
    lazy = wb.open_layers(tmp_path, chunks={"y": 20})
    assert float(lazy.kwel[:20].max()) == 1.0
    with pytest.raises(LayerError, match="outside the plausible range"):
        lazy.compute()
    assert open_catalogue(tmp_path).problems == ()


@pytest.mark.parametrize("chunks", [{"z": 3}, {"y": 0}, {"y": 2.5}, "groot", True, -2])
def test_chunks_that_are_no_chunks_are_refused(chunks):
    with pytest.raises(ArgumentError, match="chunks are not usable"):
        wb.open_layers(EXAMPLE, chunks=chunks)


# --- Zarr ------------------------------------------------------------------------------------------------------------


def reopened(data, path, **how):
    """What a store holds, as it lies there: codes have a _FillValue, of which decoding would make floats."""
    data.to_zarr(path, **how)
    return xr.open_zarr(path, mask_and_scale=False)


#: What zarr says of format 3 and of texts in it; the store is read back here.
OF_ZARR = (
    pytest.mark.filterwarnings("ignore:Consolidated metadata"),
    pytest.mark.filterwarnings("ignore:The data type"),
)


def quiet(test):
    """A test without the warnings of zarr."""
    for mark in OF_ZARR:
        test = mark(test)
    return test


@quiet
@pytest.mark.parametrize(("zarr_format", "decode"), [(2, True), (3, "all")])
def test_layers_in_and_results_out_through_zarr(tmp_path, zarr_format, decode):
    eager = wb.open_layers(EXAMPLE)
    wb.open_layers(EXAMPLE, chunks={"y": 128, "x": 128}).to_zarr(tmp_path / "lagen.zarr", zarr_format=zarr_format)
    layers = xr.open_zarr(tmp_path / "lagen.zarr", decode_coords=decode)
    assert layers["wateroverlast@2050Hd"].attrs["horizon"] == 2050
    for compute in (wb.geschiktheid, wb.afwenteling):
        want, lazy = compute(eager, ["woningbouw", "akkerbouw"]), compute(layers, ["woningbouw", "akkerbouw"])
        check_same(lazy, want)
        path = tmp_path / f"{compute.__name__}.zarr"
        back = reopened(lazy, path, zarr_format=zarr_format)
        xr.testing.assert_equal(back, want)
        for name in want.data_vars:
            assert back[name].dtype == want[name].dtype
            assert back[name].compute().values.tobytes() == want[name].values.tobytes()
            assert {*back[name].attrs} - {"_FillValue"} == {*want[name].attrs} - {"_FillValue"}
        assert back.attrs == want.attrs
        assert back.rio.crs.to_epsg() == 28992
        assert back.rio.transform() == want.rio.transform()


@quiet
@pytest.mark.parametrize("functie", ["woningbouw", ["woningbouw"]])
def test_every_result_can_be_written(tmp_path, functie):
    """Attributes that are lists, arrays or None are a known trap of Zarr and netCDF."""
    layers = wb.example(400, scenarios=True)
    found = wb.assess(layers, functie, wb.example_plans()).cells
    xr.testing.assert_equal(reopened(found, tmp_path / "uit.zarr").compute(), found)
    found = wb.geschiktheid(layers, functie, "owa", 0.4, interval=True)
    xr.testing.assert_equal(reopened(found, tmp_path / "owa.zarr").compute(), found)
    xr.testing.assert_equal(reopened(layers, tmp_path / "lagen.zarr").compute(), layers)


@quiet
def test_a_crs_is_found_where_cf_says_it_is(tmp_path):
    """A store of another tool may call the grid mapping otherwise, and keep it among the variables."""
    layers = wb.example(400)
    crs = layers.spatial_ref
    other = layers.drop_vars("spatial_ref").assign(transverse=((), 0, dict(crs.attrs)))
    for name in layers.data_vars:
        other[name].attrs["grid_mapping"] = "transverse"
    other = reopened(other, tmp_path / "ander.zarr")
    assert wb.geschiktheid(other, "woningbouw").rio.crs.to_epsg() == 28992
    assert wb.assess(other, "woningbouw", wb.example_plans()).table.crs == wb.example_plans().crs


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    path = test_runner.province(folder / "run", 600, 700, functies=("woningbouw", "natte_natuur"))
    assert runner.run(path).complete
    return folder / "run" / "uit"


def test_the_maps_of_a_run_are_one_lazy_dataset(finished):
    found = wb.open_run(finished, chunks={"y": 256, "x": 300})
    assert all(v.chunks is not None for v in found.data_vars.values())
    layers = wb.open_layers(finished.parent / "lagen")
    scores = wb.geschiktheid(layers, ["woningbouw", "natte_natuur"])
    xr.testing.assert_equal(found[["y", "x", "functie"]], scores[["y", "x", "functie"]])
    np.testing.assert_array_equal(found.klasse, scores.klasse)
    np.testing.assert_allclose(found.geschiktheid, scores.geschiktheid, atol=0.005 + 1e-6)
    assert found.geschiktheid.dtype == np.float64
    assert found.klasse.dtype == np.uint8
    assert found.rio.crs.to_epsg() == 28992
    burden = wb.afwenteling(layers, ["woningbouw", "natte_natuur"])
    for name, told in {"geschiktheid": scores, "klasse": scores, "risico": burden, "oorzaak": burden}.items():
        for key in ("long_name", "flag_meanings", "flag_values", *(["units"] if found[name].dtype.kind == "f" else [])):
            assert str(found[name].attrs.get(key)) == str(told[name].attrs.get(key)), (name, key)
    assert found.klasse.flag_meanings == "X A B C1 C2 D" and found.klasse.flag_values.tolist() == [0, 1, 2, 3, 4, 5]
    assert "flag_meanings" not in found.bepalend.attrs, "functies mean other criteria by a code"
    codes = [v for v in (*found.data_vars.values(), *scores.data_vars.values()) if v.dtype == np.uint8]
    assert len(codes) == 5 and all(v.attrs["_FillValue"] == 255 for v in codes)


def test_a_run_becomes_a_store_that_is_whole_or_not_there(finished, tmp_path, monkeypatch):
    store = tmp_path / "kaarten.zarr"
    found = wb.open_run(finished)
    assert wb.write_zarr(finished, store) == store
    back = xr.open_zarr(store, consolidated=True)
    xr.testing.assert_equal(back.compute(), found.compute())
    for name in found.data_vars:
        assert back[name].dtype == found[name].dtype
    raw = xr.open_zarr(store, mask_and_scale=False)
    assert {v.dtype for v in raw.data_vars.values()} == {np.dtype(np.uint8)}
    with rasterio.open(finished / "natte_natuur" / "risico.tif") as file:
        np.testing.assert_array_equal(raw.risico.sel(functie="natte_natuur"), file.read(1))
        made = {"TIFFTAG_SOFTWARE": f"waterbodem {wb.__version__}", "DEFINITIES": found.attrs["definities"]}
        assert {**made, "FUNCTIE": "natte_natuur"}.items() <= file.tags().items()
    with pytest.raises(ArgumentError, match="there already"):
        wb.write_zarr(finished, store)

    def broken(self, grid):
        raise LayerError("tile is broken")

    monkeypatch.setattr(stores, "_read", broken)
    with pytest.raises(LayerError, match="broken"):
        wb.write_zarr(finished, tmp_path / "ander.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["kaarten.zarr"]


def test_a_store_that_is_killed_on_the_way_is_not_there(finished, tmp_path):
    code = (
        "import sys, os, signal, waterbodem as wb\n"
        "from waterbodem.batch import stores\n"
        "real, count = stores._read, [0]\n"
        "def read(file, grid):\n"
        "    count[0] += 1\n"
        "    if count[0] > 9: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(file, grid)\n"
        "stores._read = read\n"
        "wb.write_zarr(sys.argv[1], sys.argv[2], chunks=256)\n"
    )
    store = tmp_path / "kaarten.zarr"
    done = subprocess.run([sys.executable, "-c", code, str(finished), str(store)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not store.exists()
    assert len(list(tmp_path.iterdir())) == 1, "something was begun"
    wb.write_zarr(finished, store)
    assert xr.open_zarr(store).sizes["functie"] == 2


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(ArgumentError, match="no finished run"):
        wb.open_run(tmp_path)
    (tmp_path / "herkomst.json").write_text('{"definities": "x", "uitvoer": {"../klasse.tif": {}}}', encoding="utf-8")
    with pytest.raises(WaterbodemError):
        wb.open_run(tmp_path)


def test_maps_that_a_run_did_not_make_are_not_opened(tmp_path):
    path = test_runner.province(tmp_path / "run", 300, 300)
    path.write_text('maps = ["klasse"]\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert runner.run(path).complete
    assert list(wb.open_run(tmp_path / "run" / "uit").data_vars) == ["klasse"]
