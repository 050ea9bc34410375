"""An assessment as files: complete, the same each time, and accounted for in herkomst.json."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import subprocess
import sys
import textwrap
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo.cogeo import cog_validate

import waterbodem as wb
from tests.support.accidents import Crash, crash_at
from waterbodem.assessment import files as output
from waterbodem.assessment import provenance
from waterbodem.assessment.files import save_assessment
from waterbodem.core.errors import ArgumentError
from waterbodem.definitions.registry import builtin_functies, definition_sha256, rules_version
from waterbodem.formats import tables
from waterbodem.formats.cog import writer
from waterbodem.formats.output_names import MAPS
from waterbodem.formats.tables import csv_text, gpkg_bytes, harmless, original

FUNCTIES = ["woningbouw", "natte_natuur"]


@pytest.fixture(scope="module")
def layers():
    return wb.example(size=400)


@pytest.fixture(scope="module")
def assessment(layers):
    return wb.assess(layers, FUNCTIES, wb.example_plans(layers))


@pytest.fixture(scope="module")
def folder(assessment, tmp_path_factory):
    made = tmp_path_factory.mktemp("uit") / "uitvoer"
    save_assessment(assessment, made, float_=True)
    return made


@pytest.fixture
def quick(monkeypatch):
    """A report that costs nothing, for tests of everything beside it."""
    monkeypatch.setattr(output, "report_html", lambda assessment: "<!doctype html>")


def everything(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


# --- what there is ---------------------------------------------------------------------------------------------------


RECEPTION = ("benedenstrooms", "ontvangst", "grondwater")


def test_the_files_of_the_contract_are_there(folder):
    expected = {"gebieden.gpkg", "gebieden.csv", "rapport.html", "herkomst.json", "waterbodem.qgs"}
    expected |= {"grootboek.gpkg", "grootboek.csv", "stroompaden.gpkg"}
    expected |= {f"blootstelling_onbekend{end}" for end in (".tif", ".tif.aux.xml", ".qml")}
    for functie in FUNCTIES:
        expected |= {f"{functie}/{name}.tif" for name in (*MAPS, *RECEPTION)}
        expected |= {f"{functie}/{name}.tif.aux.xml" for name in (*MAPS, *RECEPTION)}
        expected |= {f"{functie}/{name}.qml" for name in (*MAPS, *RECEPTION)}
        shares = ("geschiktheid", "dekking", "risico")
        expected |= {f"{functie}/{name}_f32.tif" for name in (*shares, *RECEPTION)}
        expected |= {f"{functie}/{name}_f32.qml" for name in shares}
    assert set(everything(folder)) == expected


def test_the_paths_returned_are_the_files_written(assessment, tmp_path, quick):
    paths = save_assessment(assessment, tmp_path / "a" / "b")
    assert sorted(paths) == sorted(everything(tmp_path).values())
    assert paths[-1].name == "herkomst.json"


@pytest.mark.parametrize("functie", FUNCTIES)
@pytest.mark.parametrize("name", MAPS)
def test_a_map_holds_the_cells_of_the_answer(folder, assessment, functie, name):
    path = folder / functie / f"{name}.tif"
    cells = assessment.cells.sel(functie=functie)[name].values
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as file:
        found = file.read(1)
        assert file.dtypes == ("uint8",)
        assert file.nodata == 255
        assert file.overviews(1)
        assert file.crs.to_epsg() == 28992
        assert file.bounds == assessment.question.grid.bounds
        assert len(file.colormap(1)) == 256
    if cells.dtype == np.uint8:
        np.testing.assert_array_equal(found, cells)
    else:
        known = np.isfinite(cells)
        assert (found[~known] == 255).all()
        assert np.abs(found[known] - 100 * cells[known].astype(float)).max() <= 0.5 + 2e-4
        with rasterio.open(folder / functie / f"{name}_f32.tif") as file:
            np.testing.assert_array_equal(file.read(1), cells)


def test_one_functie_not_in_a_list_gives_its_folder_too(layers, tmp_path, quick):
    one = wb.assess(layers, "waterberging", wb.example_plans(layers))
    save_assessment(one, tmp_path)
    assert (tmp_path / "waterberging" / "klasse.tif").is_file()


def test_the_report_is_html_with_every_polygon(folder, assessment):
    text = (folder / "rapport.html").read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html")
    assert all(name in text for name in assessment.table.gebied)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_the_csv_read_back_is_the_table_to_six_digits(folder, assessment):
    raw = (folder / "gebieden.csv").read_bytes()
    assert b"\r" not in raw
    found = pd.read_csv(io.BytesIO(raw), keep_default_na=False, na_values=[""])
    table = assessment.table.drop(columns="geometry")
    assert list(found.columns) == list(table.columns)
    for name in table.columns:
        if table[name].dtype.kind == "f":
            assert (found[name].isna() == table[name].isna()).all(), name
            np.testing.assert_allclose(found[name], table[name], rtol=5.1e-6, atol=0)
        else:
            filled = ["" if pd.isna(v) else str(v) for v in found[name]]
            assert filled == table[name].astype(str).tolist(), name


def test_the_gpkg_read_back_is_the_table_itself(folder, assessment):
    assert pyogrio.list_layers(folder / "gebieden.gpkg")[:, 0].tolist() == ["gebieden", "layer_styles"]
    found = gpd.read_file(folder / "gebieden.gpkg", layer="gebieden")
    assert found.crs.to_epsg() == 28992
    found = found.rename(columns=dict(zip(found.columns, assessment.table.columns, strict=True)))
    for name in assessment.table.columns.drop("geometry"):
        if assessment.table[name].dtype.kind == "f":
            np.testing.assert_array_equal(found[name], assessment.table[name])
    assert found.geometry.geom_equals(assessment.table.geometry).all()


def frame(names, **columns):
    return gpd.GeoDataFrame({"gebied": names, **columns}, geometry=[shapely.box(0, 0, 1, 1)] * len(names))


def test_six_significant_digits_by_hand():
    text = csv_text(frame(["a"], x=[1234567.0], y=[0.00012345678], z=[math.nan], w=[True], n=[7]))
    assert text == "gebied,x,y,z,w,n\na,1.23457e+06,0.000123457,,True,7\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plan Es", "Plan Es"),
        ("Plan A-B, fase 2", "Plan A-B, fase 2"),
        ("-5", "-5"),
        ("+31.5", "+31.5"),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1+1", "'-1+1"),
        ("  =1", "'  =1"),
        ("\t=1", "'\t'=1"),
        ("Plan;=1+1", "Plan;'=1+1"),  # a Dutch spreadsheet splits at semicolons
        ('Plan;"=1+1', "Plan;'\"=1+1"),
        ("'=1", "''=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
    ],
)
def test_names_that_would_run_as_a_formula_are_made_harmless(name, expected):
    assert harmless(name) == expected
    assert original(expected) == name


@given(st.text(alphabet="=+-@'\"; \t,a1\n\uff1d", max_size=12))
def test_harmless_names_can_be_turned_back(name):
    assert original(harmless(name)) == name


@given(st.text(alphabet="=+-@'\"; \ta1", min_size=1, max_size=12))
def test_no_cell_of_any_separator_starts_a_formula(name):
    line = csv_text(frame([name])).split("\n", 1)[1]
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(line), delimiter=delimiter):
            for cell in row:
                number = cell.lstrip("+-").isdigit()
                assert number or not cell.lstrip(' \t"').startswith(tuple("=+-@"))


def test_kompas_symbols_are_left_as_they_are():
    assert csv_text(frame(["a"], kompas_bodem=["--"])).endswith("a,--\n")


def test_names_with_commas_quotes_and_lines_survive():
    name = 'Zuid, "oost"\nfase 2'
    (_, row) = csv.reader(io.StringIO(csv_text(frame([name])), newline=""))
    assert row == [name]


def test_polygons_and_multipolygons_go_together(tmp_path):
    parts = shapely.union(shapely.box(0, 0, 1, 1), shapely.box(5, 5, 6, 6))
    data = gpd.GeoDataFrame({"gebied": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), parts], crs="EPSG:28992")
    (tmp_path / "a.gpkg").write_bytes(gpkg_bytes(data))
    found = gpd.read_file(tmp_path / "a.gpkg")
    assert found.geometry.area.tolist() == [1, 2]


def test_the_fixed_date_is_not_left_behind():
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    gpkg_bytes(frame(["a"]))
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before


# --- herkomst --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def herkomst(folder):
    return json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))


def test_herkomst_holds_the_sha256_of_every_other_file(folder, herkomst):
    files = everything(folder)
    del files["herkomst.json"]
    found = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files.items()}
    assert {n: row["sha256"] for n, row in herkomst["uitvoer"].items()} == found
    assert all(row["bytes"] == files[n].stat().st_size for n, row in herkomst["uitvoer"].items())


def test_herkomst_says_what_the_answer_was_made_of(herkomst, assessment):
    assert herkomst["versies"]["waterbodem"] == wb.__version__
    assert herkomst["versies"]["numpy"] == np.__version__
    assert herkomst["versies"]["gdal"] == rasterio.__gdal_version__
    assert herkomst["versies"]["python"] == ".".join(str(v) for v in sys.version_info[:3])
    assert herkomst["definities"] == rules_version()
    assert herkomst["functies"]["woningbouw"]["sha256"] == definition_sha256(builtin_functies()["woningbouw"])
    assert herkomst["instellingen"]["referentie"] is None  # not given: layer gebruik of the area holds
    assert assessment.cells.attrs["referentie"] == "gebruik"
    assert [a["gebied"] for a in herkomst["gebieden"]] == wb.example_plans().naam.tolist()
    kwel = next(row for row in herkomst["lagen"] if row["laag"] == "kwel")
    cells = assessment.question.layers.kwel.values.astype("<f4")
    assert kwel["sha256_cellen"] == hashlib.sha256(cells.tobytes()).hexdigest()
    assert kwel["source"].startswith("waterbodem")
    assert list(herkomst)[-2:] == ["tijd", "duur_s"]


def test_herkomst_names_own_parameters_in_its_command(layers, tmp_path, quick):
    own = builtin_functies()["woningbouw"].replace(verhardingsgraad=0.7)
    b = wb.assess(layers, own, wb.example_plans(layers), aangelegde_berging_mm=40, methode="minimum")
    save_assessment(b, tmp_path)
    found = json.loads((tmp_path / "herkomst.json").read_text(encoding="utf-8"))
    assert found["functies"]["woningbouw"]["parameters"]["verhardingsgraad"] == 0.7
    assert "--functie woningbouw --set woningbouw.verhardingsgraad=0.7" in found["opdracht"]
    assert "--aangelegde-berging-mm 40 --methode minimum" in found["opdracht"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [("kwel.tif", "kwel.tif"), ("sub/kwel.tif", "sub/kwel.tif"), ("/data/mine/kwel.tif", "kwel.tif")],
)
def test_paths_of_this_machine_are_not_told(path, shown):
    assert provenance._without_folder(path) == shown


def test_a_repair_is_told(layers, tmp_path, quick):
    spike = shapely.Polygon([(238100, 553100), (238300, 553100), (238300, 553300), (238300, 553350), (238300, 553300),
                             (238100, 553300)])  # fmt: skip
    save_assessment(wb.assess(layers, "woningbouw", spike), tmp_path)
    found = json.loads((tmp_path / "herkomst.json").read_text(encoding="utf-8"))
    assert "hersteld" in found["gebieden"][0]["hersteld"]
    assert any("hersteld" in note for note in found["meldingen"])


# --- the same bytes --------------------------------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes(folder, layers, tmp_path, quick):
    again = wb.assess(layers, FUNCTIES, wb.example_plans(layers))
    time.sleep(1.1)  # a date in a file has a second's resolution
    save_assessment(again, tmp_path, float_=True)
    one, two = everything(folder), everything(tmp_path)
    assert set(one) == set(two)
    for name in sorted(set(one) - {"herkomst.json", "rapport.html"}):
        assert one[name].read_bytes() == two[name].read_bytes(), name


def test_herkomst_of_two_runs_differs_in_time_only(assessment, tmp_path, quick):
    found = []
    for name in "ab":
        save_assessment(assessment, tmp_path / name)
        data = json.loads((tmp_path / name / "herkomst.json").read_text(encoding="utf-8"))
        found.append({k: v for k, v in data.items() if k not in ("tijd", "duur_s")})
    assert found[0] == found[1]


# --- all or nothing --------------------------------------------------------------------------------------------------


CRASHES = [
    (writer, "cog_bytes", 1),
    (writer, "cog_bytes", 7),
    (writer, "verify", 5),
    (writer, "pam_bytes", 12),
    (tables, "gpkg_bytes", 1),
    (tables, "_verify", 1),
    (tables, "csv_text", 1),
    (output, "report_html", 1),
    (output, "herkomst", 1),
    (os, "fsync", 1),
    (os, "fsync", 28),
    (os, "replace", 1),
    (os, "replace", 13),
    (os, "replace", 28),  # herkomst.json, the last
]


@pytest.mark.parametrize(("module", "name", "call"), CRASHES, ids=[f"{n}-{c}" for _, n, c in CRASHES])
def test_a_crash_at_any_step_leaves_the_folder_as_it_was(assessment, tmp_path, monkeypatch, quick, module, name, call):
    new, old = tmp_path / "nieuw", tmp_path / "oud"
    save_assessment(assessment, old)
    (old / "eigen.txt").write_text("van een ander")
    before = {n: p.read_bytes() for n, p in everything(old).items()}
    for target in (new, old):
        with monkeypatch.context() as patch:
            crash_at(patch, module, name, call)
            with pytest.raises(Crash):
                save_assessment(assessment, target)
    assert not new.exists()
    assert {n: p.read_bytes() for n, p in everything(old).items()} == before


def test_other_files_are_left_alone(assessment, tmp_path, quick):
    (tmp_path / "woningbouw").mkdir()
    (tmp_path / "woningbouw" / "notitie.txt").write_text("x")
    save_assessment(assessment, tmp_path)
    save_assessment(assessment, tmp_path)
    assert (tmp_path / "woningbouw" / "notitie.txt").read_text() == "x"
    assert not [n for n in everything(tmp_path) if "partial" in n]


def test_an_output_folder_that_is_a_file_is_refused(assessment, tmp_path):
    (tmp_path / "uit").write_text("ik ben er al")
    for path in ("uit", "uit/dieper"):
        with pytest.raises(ArgumentError, match="output folder is a file"):
            save_assessment(assessment, tmp_path / path)
    assert (tmp_path / "uit").read_text() == "ik ben er al"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(assessment, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ArgumentError, match="cannot be written"):
        save_assessment(assessment, tmp_path / "uit")


FULL_DISK = """
    import resource, sys
    import waterbodem as wb
    from waterbodem.assessment import files as output
    from waterbodem.core.errors import OutOfSpace
    output.report_html = lambda assessment: "x" * 900_000
    layers = wb.example(size=400)
    b = wb.assess(layers, "woningbouw", wb.example_plans(layers))
    resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))
    try:
        output.save_assessment(b, sys.argv[1])
    except OutOfSpace as error:
        print("OutOfSpace", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_disk_that_fills_up_half_way_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path / "uit")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.startswith("OutOfSpace"), done.stderr
    assert "rapport.html" in done.stdout
    assert list(tmp_path.iterdir()) == []
