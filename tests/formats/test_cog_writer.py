"""Rasters out: valid COGs, the same bytes each time, whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rio_cogeo.cogeo import cog_validate

from tests.support.accidents import Crash, crash_at
from waterbodem.core import files
from waterbodem.core.errors import ArgumentError, CorruptLayer, OutOfSpace
from waterbodem.core.grid import Grid
from waterbodem.definitions import legends, registry
from waterbodem.formats.cog import writer
from waterbodem.formats.cog.writer import percent, write_raster

RD = "EPSG:28992"


def grid(rows, cols, crs=RD):
    return Grid(238_000.0, 554_000.0, 5.0, 5.0, rows, cols, crs)


def stripes(rows, cols):
    """Classes 1 .. 5 in rows, the last column outside."""
    values = np.repeat((np.arange(rows) % 5 + 1).astype(np.uint8)[:, None], cols, axis=1)
    values[:, -1] = 255
    return values


# --- what is in the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (20, 30), (300, 700), (1030, 40)])
def test_a_raster_of_any_size_is_a_valid_cog(tmp_path, size):
    values = stripes(*size)
    path = write_raster(tmp_path / "klasse.tif", values, grid(*size), legends.legend("klasse"))
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as file:
        assert file.dtypes == ("uint8",)
        assert file.nodata == 255
        assert file.crs.to_epsg() == 28992
        assert file.transform.to_gdal() == (238_000, 5, 0, 554_000, 0, -5)
        assert file.block_shapes == [(256, 256)]
        assert len(file.overviews(1)) == {1: 0, 3: 0, 20: 1, 300: 2, 1030: 3}[size[0]]
        np.testing.assert_array_equal(file.read(1), values)


def test_colours_of_classes_are_those_of_the_answer_scale(tmp_path):
    path = write_raster(tmp_path / "k.tif", stripes(10, 10), grid(10, 10), legends.legend("klasse"))
    with rasterio.open(path) as file:
        found = file.colormap(1)
    assert found[1] == (76, 255, 0, 255)  # A, as in geschiktheid.toml
    assert found[5] == (255, 0, 0, 255)  # D
    assert found[255][3] == 0  # transparent outside


def gdal_categories(path, tmp_path):
    """Category names as GDAL reads them: a VRT made by GDAL repeats them."""
    copy = tmp_path / "copy.vrt"
    rasterio.shutil.copy(str(path), str(copy), driver="VRT")
    return [c.text or "" for c in ElementTree.parse(copy).iter("Category")]


def test_gdal_reads_category_names(tmp_path):
    path = write_raster(tmp_path / "k.tif", stripes(10, 10), grid(10, 10), legends.legend("klasse"))
    names = gdal_categories(path, tmp_path)
    assert names[:6] == [
        "X onbekend (te weinig gegevens)",
        "A ja",
        "B ja, mits (kleine opgave)",
        "C1 ja, mits (gemiddelde opgave)",
        "C2 ja, mits (grote opgave)",
        "D nee, tenzij",
    ]
    assert names[255] == "buiten het gebied"


def test_gdal_reads_names_of_criteria_and_components(tmp_path):
    legend = legends.legend("bepalend", ["kwel", "ghg+glg"])
    path = write_raster(tmp_path / "b.tif", stripes(4, 4) // 3, grid(4, 4), legend)
    assert gdal_categories(path, tmp_path)[:2] == ["Kwel", "GHG of GLG"]
    path = write_raster(tmp_path / "o.tif", stripes(4, 4), grid(4, 4), legends.legend("oorzaak"))
    assert gdal_categories(path, tmp_path)[:3] == ["geen", "afvoer", "verdrongen berging"]


def test_statistics_of_percentages_by_hand(tmp_path):
    values = np.array([[10, 20, 30, 255]], np.uint8)
    path = write_raster(tmp_path / "s.tif", values, grid(1, 4), legends.legend("dekking"))
    with rasterio.open(path) as file:
        tags = file.tags(1)
    assert float(tags["STATISTICS_MINIMUM"]) == 10
    assert float(tags["STATISTICS_MAXIMUM"]) == 30
    assert float(tags["STATISTICS_MEAN"]) == 20
    assert float(tags["STATISTICS_STDDEV"]) == pytest.approx(np.sqrt(200 / 3))
    assert float(tags["STATISTICS_VALID_PERCENT"]) == 75


def overview(path):
    with rasterio.open(path, overview_level=0) as file:
        return file.read(1)


def test_overviews_of_percentages_are_averages_of_the_known(tmp_path):
    values = np.array([[0, 100, 80, 255], [0, 100, 255, 255]], np.uint8)
    path = write_raster(tmp_path / "s.tif", values, grid(2, 4), legends.legend("geschiktheid"))
    assert overview(path).tolist() == [[50, 80]]


def test_overviews_of_classes_are_a_class_that_is_there(tmp_path):
    values = np.array([[1, 1, 5, 255], [1, 5, 5, 5]], np.uint8)
    path = write_raster(tmp_path / "k.tif", values, grid(2, 4), legends.legend("klasse"))
    assert overview(path).tolist() == [[1, 5]]


def test_float32_keeps_every_bit_and_has_nan_as_nodata(tmp_path):
    values = np.random.default_rng(1).random((40, 50), np.float32)
    values[3:9, 4] = np.nan
    path = write_raster(tmp_path / "s_f32.tif", values, grid(40, 50))
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as file:
        assert file.dtypes == ("float32",)
        assert np.isnan(file.nodata)
        assert file.read(1).tobytes() == values.tobytes()
    assert [p.name for p in tmp_path.iterdir()] == ["s_f32.tif"]


def test_a_grid_without_crs_can_be_written(tmp_path):
    path = write_raster(tmp_path / "k.tif", stripes(5, 5), grid(5, 5, None), legends.legend("klasse"))
    with rasterio.open(path) as file:
        assert file.crs is None


# --- percentages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, 0),
        (0.004, 0),
        (0.005, 1),  # half up
        (0.015, 2),  # 1.5 up, and not to even
        (0.025, 3),
        (0.7999999, 80),
        (0.994999, 100),  # 99.4999 + 1e-4 rounds up: float noise never decides
        (0.99499, 99),
        (1.0, 100),
        (np.nan, 255),
    ],
)
def test_percentages_are_rounded_half_up(share, expected):
    assert percent(np.array([share])).tolist() == [expected]


def test_a_share_in_float32_just_under_a_half_rounds_up():
    share = np.float32(0.145)  # 0.14499999582767487
    assert float(share) < 0.145
    assert percent(np.array([share]))[0] == 15


# --- colours ---------------------------------------------------------------------------------------------------------


def test_every_layer_and_component_has_a_colour_of_its_own():
    kinds = list(registry.layer_kinds())
    found = legends.legend("bepalend", kinds).colours
    assert len({found[i] for i in range(len(kinds))}) == len(kinds)
    parts = registry.burden_rules().components
    found = legends.legend("oorzaak").colours
    assert len({found[i] for i in range(len(parts) + 1)}) == len(parts) + 1


@pytest.mark.parametrize("functie", registry.builtin_functies().values(), ids=lambda f: f.id)
def test_every_functie_has_a_legend_of_what_limits(functie):
    names = list(functie.all_criteria)
    legend = legends.legend("bepalend", names)
    assert len(set(legend.categories()[: len(names)])) == len(names)


def test_risk_colours_change_at_the_borders_of_the_classes():
    legend = legends.legend("risico")
    assert legend.names[19] == "19 % (laag)"
    assert legend.names[20] == "20 % (matig)"
    assert legend.colours[60] == (217, 72, 1, 255)  # hoog, as in afwenteling.toml
    assert legend.colours[100] == (127, 39, 4, 255)


@pytest.mark.parametrize("product", ["geschiktheid", "dekking", "risico"])
def test_ramps_run_over_all_percentages(product):
    shades = legends.ramp_colours(product)
    assert len(shades) == 101
    assert all(0 <= c <= 1 for shade in shades for c in shade)


def test_a_ramp_is_straight_between_its_points():
    found = legends.legend("dekking").colours
    assert found[0] == (247, 251, 255, 255)
    assert found[25] == (198, 219, 239, 255)
    assert found[50] == (107, 174, 214, 255)
    assert found[75] == (33, 113, 181, 255)
    assert found[5] == (237, 245, 252, 255)  # a fifth of the way: 247 - 9.8, 251 - 6.4, 255 - 3.2


def test_class_colours_for_plots_are_in_order_of_code():
    assert legends.class_colours()[1] == (76 / 255, 1.0, 0.0)
    assert legends.class_colours(colour_blind=True)[1] == (0.0, 90 / 255, 181 / 255)


def test_an_unknown_product_is_named():
    with pytest.raises(ArgumentError, match="klasse"):
        legends.legend("klase")


# --- the same bytes, whole or not there ------------------------------------------------------------------------------


def test_equal_numbers_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_raster(tmp_path / name / "k.tif", stripes(600, 300), grid(600, 300), legends.legend("klasse"), "k")
    for file in ("k.tif", "k.tif.aux.xml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


STEPS = [
    (writer, "cog_bytes", 1),
    (writer, "verify", 1),
    (writer, "pam_bytes", 1),
    (writer.rasterio.shutil, "copy", 1),
    (writer.rasterio, "open", 1),
    (os, "fsync", 1),
    (os, "fsync", 2),
    (os, "replace", 1),
    (os, "replace", 2),
]
STEP_NAMES = [f"{n}-{c}" for _, n, c in STEPS]


@pytest.mark.parametrize(("module", "name", "call"), STEPS, ids=STEP_NAMES)
def test_a_crash_at_any_step_leaves_nothing(tmp_path, monkeypatch, module, name, call):
    crash_at(monkeypatch, module, name, call)
    with pytest.raises(Crash):
        write_raster(tmp_path / "k.tif", stripes(9, 9), grid(9, 9), legends.legend("klasse"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("module", "name", "call"), STEPS, ids=STEP_NAMES)
def test_a_crash_at_any_step_keeps_what_was_there(tmp_path, monkeypatch, module, name, call):
    path = write_raster(tmp_path / "k.tif", stripes(9, 9), grid(9, 9), legends.legend("klasse"))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    crash_at(monkeypatch, module, name, call)
    with pytest.raises(Crash):
        write_raster(path, stripes(7, 7), grid(7, 7), legends.legend("klasse"))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_what_was_there_comes_back_where_links_do_not_exist(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", no_links)
    test_a_crash_at_any_step_keeps_what_was_there(tmp_path, monkeypatch, os, "replace", 2)


def test_a_file_that_reads_back_otherwise_is_refused(tmp_path, monkeypatch):
    real = writer.cog_bytes
    monkeypatch.setattr(writer, "cog_bytes", lambda values, *rest: real(values // 2, *rest))
    with pytest.raises(CorruptLayer, match="values"):
        write_raster(tmp_path / "k.tif", stripes(9, 9), grid(9, 9), legends.legend("klasse"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "k.tif").mkdir()
    with pytest.raises(ArgumentError, match=r"k\.tif"):
        write_raster(tmp_path / "k.tif", stripes(3, 3), grid(3, 3), legends.legend("klasse"))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArgumentError, match="nergens"):
        write_raster(tmp_path / "nergens" / "k.tif", stripes(3, 3), grid(3, 3), legends.legend("klasse"))


FULL_DISK = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from waterbodem.definitions import legends as colours; from waterbodem.formats.cog import writer as raster_files
    from waterbodem.core.errors import OutOfSpace
    from waterbodem.core.grid import Grid
    values = np.random.default_rng(0).integers(0, 101, (400, 400), np.uint8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        raster_files.write_raster(Path(sys.argv[1]) / "vol.tif", values, Grid(0, 0, 5, 5, 400, 400, "EPSG:28992"),
                                  colours.legend("dekking"))
    except OutOfSpace as error:
        print("OutOfSpace", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("OutOfSpace"), done.stderr
    assert "vol.tif" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_gdal_that_says_in_words_that_the_disk_is_full_is_understood(tmp_path):
    with pytest.raises(OutOfSpace), files.replacing(tmp_path / "a.tif"):
        raise OSError(f"TIFFAppendToStrip: {os.strerror(28)}")


def test_folders_that_were_made_disappear_with_the_rest(tmp_path):
    def half_done():
        with files.staging() as stage:
            folder = stage.folder(tmp_path / "a" / "b")
            stage.file(folder / "c.txt").write_text("half")
            raise Crash

    with pytest.raises(Crash):
        half_done()
    assert list(tmp_path.iterdir()) == []
