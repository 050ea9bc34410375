"""What a builder of other tools tried with the library: what worked works, and what surprised is gone or told.

Each surprise, and the test that holds it, wherever it stands: :data:`SURPRISES`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import rioxarray  # noqa: F401 - gives .rio
import xarray as xr

import waterbodem as wb
from tests.support.grids import RD, box, even
from waterbodem.definitions.registry import layer_kinds

TESTS = Path(__file__).parents[1]
#: What surprised, and where it is shown to be gone or told.
SURPRISES = {
    "layers/test_encoding.py": {
        "units and signs of layers in memory are ignored": "test_layers_in_other_units_and_signs_are_the_same_cells",
        "a mark of unknown is a value": "test_unknown_never_becomes_known",
    },
    "layers/test_in_memory.py": {
        "what rioxarray opens is refused": "test_what_rioxarray_opens_is_what_open_layers_opens",
        "band, time, lat and lon, y that ascends": "test_the_same_layers_in_another_form_are_the_same_cells",
        "a variable called Kwel counts as missing": "test_a_slip_is_told_too_where_layers_are_taken_as_they_are",
        "coordinates per cell are dropped": "test_coordinates_of_cells_rows_and_columns_go_along_into_every_result",
    },
    "assessment/test_doors.py": {
        "no method writes what the command writes": "test_write_writes_what_the_command_writes",
        "no plain data": "test_to_dict_is_what_the_command_prints",
        "a page needs a path": "test_pages_and_tables_go_into_a_file_that_is_open_as_onto_the_disk",
        "pickle fails": "test_an_answer_goes_to_another_process_as_it_is",
    },
    "engine/test_lazy.py": {
        "0..1 here and 0..100 there": "test_the_maps_of_a_run_are_one_lazy_dataset",
    },
    "assessment/test_neighbours.py": {
        "255 is written as data": "test_codes_are_written_with_what_means_nothing",
        "chunked layers are computed at once by what follows water": "test_what_is_computed_at_once_says_so",
        "the table routes water": "test_what_waits_until_it_is_read_says_so",
        "plot takes no ax": "test_a_picture_says_that_it_is_a_figure_of_its_own",
    },
    "layers/test_polygon_forms.py": {
        "a list of geometries, GeoJSON as text": "test_every_form_gives_the_same_polygons",
    },
    "contract/test_contract.py": {
        "the first call takes long": "test_warming_up_compiles_what_a_first_answer_needs",
    },
}


@pytest.mark.parametrize("file", SURPRISES)
def test_every_surprise_has_a_test(file):
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {surprise: name for surprise, name in SURPRISES[file].items() if name not in there} == {}


DATA = even(8, 8, ghg=0.9, maaiveld=1.0)
DATA.ghg.values[0] = np.nan
PLAN = box(1, 0, 5, 4)


@pytest.fixture(scope="module")
def answer():
    return wb.assess(DATA, "woningbouw", PLAN)


# --- in --------------------------------------------------------------------------------------------------------------


def tiles(folder):
    """The layers as four files, opened as one."""
    for row in (0, 4):
        for col in (0, 4):
            DATA.isel(y=slice(row, row + 4), x=slice(col, col + 4)).to_zarr(folder / f"{row}{col}.zarr", zarr_format=2)
    rows = [[folder / f"{row}{col}.zarr" for col in (0, 4)] for row in (0, 4)]
    return xr.open_mfdataset(rows, combine="nested", concat_dim=["y", "x"], engine="zarr")


FORMS = {
    "tiles": tiles,
    "transposed": lambda _: DATA.transpose("x", "y"),
    "float64": lambda _: DATA.astype(np.float64),
    "a mapping of another name": lambda _: DATA.drop_attrs().rio.write_crs(RD, grid_mapping_name="rd_new"),
    "a number beside": lambda _: DATA.assign_coords(tijd_van_meting=3),
    "chunks": lambda _: DATA.chunk(y=3, x=5),
}


@pytest.mark.parametrize("form", FORMS)
def test_layers_in_every_form_that_worked_give_the_same_answer(form, answer, tmp_path):
    given = FORMS[form](tmp_path)
    found = wb.assess(given, "woningbouw", PLAN)
    pd.testing.assert_frame_equal(pd.DataFrame(found.table), pd.DataFrame(answer.table))
    for name, cells in answer.cells.data_vars.items():
        assert found.cells[name].values.tobytes() == cells.values.tobytes(), name
    assert given.pipe(wb.geschiktheid, "woningbouw").klasse.shape == (8, 8)


def test_threads_and_processes_give_the_same_answer(answer):
    ids = ["woningbouw", "natte_natuur"] * 2
    alone = [wb.per_gebied(DATA, id_, PLAN).score[0] for id_ in ids]
    with ThreadPoolExecutor(8) as pool:
        assert [t.score[0] for t in pool.map(wb.per_gebied, [DATA] * 4, ids, [PLAN] * 4)] == alone
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        other = pool.submit(wb.assess, DATA, "woningbouw", PLAN).result()
    assert other.to_dict() == answer.to_dict()


# --- out -------------------------------------------------------------------------------------------------------------


def test_codes_are_written_with_what_means_nothing(answer, tmp_path):
    answer.cells.klasse.rio.to_raster(tmp_path / "klasse.tif")
    with rasterio.open(tmp_path / "klasse.tif") as file:
        assert file.nodata == 255 and file.crs.to_epsg() == 28992
        np.testing.assert_array_equal(file.read(1), answer.cells.klasse.values)


def test_results_are_cut_moved_and_grouped_by_the_tools_of_others():
    found = wb.geschiktheid(DATA, "woningbouw")
    cut = found.rio.clip([PLAN])
    assert cut.sizes == {"y": 4, "x": 4} and cut.klasse.dtype == np.uint8
    np.testing.assert_array_equal(cut.klasse, found.klasse[:4, 1:5])
    assert found.klasse.rio.reproject("EPSG:4326").dtype == np.uint8
    moved = found.geschiktheid.rio.reproject("EPSG:4326")
    assert moved.rio.crs.is_geographic and float(moved.min()) >= 0 and float(moved.max()) <= 1
    assert found.geschiktheid.coarsen(y=2, x=2).mean().shape == (4, 4)
    assert found.geschiktheid.groupby(found.klasse).count().sum() == 64


@pytest.mark.parametrize("ending", ["shp", "json", "fgb", "gpkg"])
@pytest.mark.filterwarnings("ignore:Column names longer than 10:UserWarning")
@pytest.mark.filterwarnings("ignore:Normalized/laundered field name:RuntimeWarning")
def test_the_table_goes_into_every_file_of_others_and_comes_back_as_plans(answer, ending, tmp_path):
    answer.table[["gebied", "antwoord", "score", "geometry"]].to_file(tmp_path / f"uit.{ending}")
    back = gpd.read_file(tmp_path / f"uit.{ending}")
    assert back.antwoord.tolist() == answer.table.antwoord.tolist()
    assert wb.per_gebied(DATA, "woningbouw", tmp_path / f"uit.{ending}").score.tolist() == answer.table.score.tolist()


# --- what stays, and is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [wb.benedenstrooms, wb.bovenstrooms, wb.grootboek])
def test_what_is_computed_at_once_says_so(ask):
    lazy = DATA.chunk(y=4)
    found = ask(lazy, PLAN) if ask is wb.bovenstrooms else ask(lazy, "woningbouw", *([PLAN] * (ask is wb.grootboek)))
    assert not isinstance(found, xr.Dataset) or found.chunks == {}
    assert "at once, also where layers are chunked" in " ".join(ask.__doc__.split())


def test_what_waits_until_it_is_read_says_so():
    fresh = wb.assess(DATA, "woningbouw", PLAN)
    assert {"today", "table"}.isdisjoint(vars(fresh)), "nothing is routed yet"
    assert "vrijgekomen_m3" not in fresh.rows and "vrijgekomen_m3" in fresh.table
    assert "routed when the table or the grootboek is first read" in " ".join(wb.Assessment.__doc__.split())


def test_a_picture_says_that_it_is_a_figure_of_its_own(answer):
    assert "ax" not in inspect.signature(answer.plot).parameters
    assert "no ``ax`` to give" in wb.Assessment.plot.__doc__


# --- the first page of help ------------------------------------------------------------------------------------------


def test_the_way_that_help_begins_with_leads_from_data_to_a_geopackage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gpd.GeoDataFrame({"naam": ["Es"]}, geometry=[PLAN], crs=RD).to_file("plannen.gpkg")
    data = DATA.assign(kwel=DATA.kwel / 1000).rename(kwel="seepage")
    code = wb.__doc__.split("::\n", 1)[1].split("\n\n``data``")[0]
    exec(textwrap.dedent(code), {"data": data})
    found = gpd.read_file("uitvoer/gebieden.gpkg", layer="gebieden")
    assert (
        found.gebied.tolist() == ["Es"]
        and found.score.tolist() == wb.per_gebied(DATA, "woningbouw", PLAN).score.tolist()
    )


def test_help_names_only_what_there_is():
    named = set(re.findall(r"``wb\.(\w+)", wb.__doc__))
    assert {"lagen", "functies", "errors", "types"} <= named <= {*dir(wb)}
    assert list(wb.lagen()) == list(layer_kinds()) and len(wb.lagen()) == len(layer_kinds())
    for kind in wb.lagen().values():
        for shown in (repr(wb.lagen()), wb.lagen()._repr_html_()):
            assert kind.id in shown and kind.unit in shown
