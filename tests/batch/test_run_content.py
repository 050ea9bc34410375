"""What a run makes of layers that are missing, broken, of others or no longer there; and what it leaves of before."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner

import waterbodem as wb
from tests.batch.test_downstream_maps import AREAS, drop, place
from tests.batch.test_runner import EXAMPLE
from tests.faults.test_one_fails import break_tile
from tests.support.layer_files import catalogue, layer, raster
from waterbodem.batch import finish, forecast, runner
from waterbodem.batch.exposure import FOLDER, swept_files
from waterbodem.batch.job import open_job
from waterbodem.batch.provenance import input_data
from waterbodem.cli import cli
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, CorruptLayer, GeometryError, Problems, UnknownFunctie, WaterbodemError
from waterbodem.formats.cog.writer import percent

ONE = 'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\npictures = false\n'


def kwel_only(folder, text=ONE, shape=(600, 40), **more):
    values = np.random.default_rng(3).uniform(-3, 3, shape).astype(np.float32)
    raster(folder / "kwel.tif", values, **more)
    catalogue(folder, layer("kwel", "kwel.tif", "mm/d", sign='"up"'))
    (folder / "run.toml").write_text(text, encoding="utf-8")
    return folder / "run.toml"


# --- layers that are missing or broken -------------------------------------------------------------------------------


def test_a_broken_layer_is_named_also_where_more_blocks_follow(tmp_path):
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    path = kwel_only(tmp_path, shape=(300, 4300), **tiles)
    break_tile(tmp_path / "kwel.tif", row=0)
    ((label, reason),) = runner.run(path).problems
    assert label == "woningbouw rij 0" and "CorruptLayer" in reason and "kwel" in reason


@pytest.mark.parametrize("plans", ["", '[gebieden]\npath = "lagen/plannen.geojson"\n'])
def test_a_functie_without_any_of_its_layers_is_unknown_everywhere(tmp_path, plans):
    others = [n for n in wb.open_layers(EXAMPLE) if n != "maaiveld" and "@" not in n]
    others += ["wateroverlast@2050Hd", "droogte@2050Hd", "inundatie@2050Hd"]
    path = place(tmp_path, ONE.replace('"lagen.toml"', '"lagen/lagen.toml"') + plans, without=others)
    assert runner.run(path).complete
    known = {n: values_of(tmp_path / f"uit/woningbouw/{n}.tif") for n in ("klasse", "dekking", "risico")}
    outside = {255} if plans else set()
    assert known == {"klasse": {0} | outside, "dekking": {0} | outside, "risico": {255}}
    if plans:
        answer = wb.assess(wb.open_layers(tmp_path / "lagen"), "woningbouw", tmp_path / "lagen/plannen.geojson")
        answer.to_csv(tmp_path / "antwoord.csv")
        assert (tmp_path / "antwoord.csv").read_bytes() == (tmp_path / "uit/gebieden.csv").read_bytes()


def values_of(path):
    with rasterio.open(path) as file:
        return set(np.unique(file.read(1)).tolist())


@pytest.mark.parametrize(("name", "costs"), [("kwel_oud.tif", False), ("kwel.tif", True), ("kwel.tif.aux.xml", True)])
def test_a_change_costs_who_reads_the_file_not_one_whose_name_begins_the_same(tmp_path, name, costs):
    path = kwel_only(tmp_path, ONE + 'maps = ["klasse"]\n')
    (tmp_path / "kwel.tif.aux.xml").write_text("<PAMDataset/>", encoding="utf-8")
    raster(tmp_path / "kwel_oud.tif", np.ones((600, 40), np.float32))
    catalogue(tmp_path, (tmp_path / "lagen.toml").read_text("utf-8") + layer("glg", "kwel_oud.tif", "m", sign='"down"'))

    def touched(phase, done, total):
        if phase == "rekenen" and done == 0:
            os.utime(tmp_path / name, (1, 1))

    outcome = runner.run(path, progress=touched)
    assert bool(outcome.problems) == costs and bool(outcome.failed) == costs


def test_a_layer_that_is_broken_does_not_end_a_run_on_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    path = kwel_only(tmp_path, ONE.replace('["woningbouw"]', '["woningbouw", "natte_natuur"]'))
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    raster(tmp_path / "gvg.tif", np.ones((600, 40), np.float32), **tiles)
    catalogue(tmp_path, (tmp_path / "lagen.toml").read_text("utf-8") + layer("gvg", "gvg.tif", "m", sign='"down"'))
    for row in range(3):
        break_tile(tmp_path / "gvg.tif", row=row)
    free = forecast.largest_disk_bytes(open_job(path)) - 1
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, free))
    assert runner.run(path).failed == ["natte_natuur"]
    assert (tmp_path / "uit/woningbouw/klasse.tif").is_file()


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_all_that_is_wrong_with_a_run_file_is_told_at_once(tmp_path):
    text = AREAS.replace('"natte_natuur"', '"natte_natur"').replace('"2050Hd"', '"2060"')
    text = text.replace("plannen.geojson", "weg.geojson").replace("[gebieden]", 'methode = "owa"\n[gebieden]')
    path = place(tmp_path, text + '[ontvangers]\npath = "lagen/ghg.tif"\n')
    with pytest.raises(Problems) as found:
        open_job(path)
    said = str(found.value)
    for word in ("natte_natur", "2060", "weg.geojson", "orness", "ontvangers: not a vector file"):
        assert word in said
    assert len(found.value.problems) == 5


def test_polygons_are_not_blamed_for_layers_that_are_missing(tmp_path):
    path = place(tmp_path, ONE.replace('"lagen.toml"', '"leeg.toml"') + '[gebieden]\npath = "lagen/plannen.geojson"\n')
    catalogue(tmp_path, layer("kwel", "weg.tif", "mm/d", sign='"up"'), "leeg.toml")
    with pytest.raises(WaterbodemError) as found:
        open_job(path)
    assert "weg.tif" in str(found.value) and "have a CRS" not in str(found.value)


def test_an_old_name_of_a_scenario_stands_for_the_new_one_where_only_that_is_there(tmp_path):
    table = layer("kwel", "a.tif", "mm/d", sign='"up"')
    raster(tmp_path / "a.tif", np.zeros((4, 4), np.float32))
    for there, want in (("2050Hd", "2050Hd"), ("2050hoog", "2050hoog")):
        (tmp_path / "run.toml").write_text(ONE + 'scenarios = ["2050hoog"]\n', encoding="utf-8")
        catalogue(tmp_path, table + layer(f"kwel@{there}", "a.tif", "mm/d", sign='"up"'))
        assert [v.scenario for v in open_job(tmp_path / "run.toml").variants] == ["", want]
    (tmp_path / "run.toml").write_text(ONE + 'scenarios = ["2050Hd"]\n', encoding="utf-8")
    with pytest.raises(WaterbodemError, match="unknown scenario"):  # what an old name holds is not known to be this
        open_job(tmp_path / "run.toml")


def test_what_is_only_told_of_a_layer_makes_no_number_anew(tmp_path):
    path = kwel_only(tmp_path)
    job = open_job(path)
    before = job.key(job.variants[0])
    table = (tmp_path / "lagen.toml").read_text("utf-8")
    told = 'korrel_m = 250\nafwijking = "LHM"\nlicence = "CC0"\nattribution = "X"\n'
    (tmp_path / "lagen.toml").write_text(table + told, encoding="utf-8")
    job = open_job(path)
    assert job.key(job.variants[0]) == before
    assert {"korrel_m": 250, "afwijking": "LHM", "licence": "CC0"}.items() <= input_data(job, "kwel").items()


def test_a_run_knows_functies_of_its_own_in_the_layer_of_present_use(tmp_path):
    path = kwel_only(tmp_path, ONE.replace("pictures", 'functies_file = "eigen.toml"\npictures'))
    raster(tmp_path / "g.tif", np.ones((600, 40), np.uint8))
    own = (Path(wb.__file__).parent / "data/functies/akkerbouw.toml").read_text("utf-8")
    own = own.replace('id = "akkerbouw"', 'id = "hennep"').replace("code = 6", "code = 120")
    (tmp_path / "eigen.toml").write_text(own, encoding="utf-8")
    table = layer("gebruik", "g.tif", "class", classes='{ 1 = "hennep" }')
    catalogue(tmp_path, (tmp_path / "lagen.toml").read_text("utf-8") + table)
    assert open_job(path).stack.sources["gebruik"].entry.codes == {1: 120}


def test_a_scenario_is_not_called_unknown_where_its_layer_cannot_be_read(tmp_path):
    path = place(tmp_path, ONE.replace('"lagen.toml"', '"leeg.toml"') + 'scenarios = ["2050Hd"]\n')
    catalogue(
        tmp_path,
        layer("kwel", "weg.tif", "mm/d", sign='"up"') + layer("kwel@2050Hd", "weg.tif", "mm/d"),
        "leeg.toml",
    )
    with pytest.raises(WaterbodemError) as found:
        open_job(path)
    assert "weg.tif" in str(found.value) and "unknown scenario" not in str(found.value)


def test_a_functie_that_is_unknown_is_told_before_its_parameters(tmp_path):
    text = ONE.replace("woningbouw", "woningbow") + "[parameters.woningbouw]\nverhardingsgraad = 0.7\n"
    with pytest.raises(UnknownFunctie, match="woningbow"):
        open_job(kwel_only(tmp_path, text))


def test_the_reference_of_a_run_may_be_an_own_functie(tmp_path):
    own = (EXAMPLE.parents[1] / "waterbodem/data/functies/grasland_veeteelt.toml").read_text("utf-8")
    own = own.replace('id = "grasland_veeteelt"', 'id = "mijn_gras"', 1)
    code = next(line for line in own.splitlines() if line.startswith("code ="))
    (tmp_path / "eigen.toml").write_text(own.replace(code, "code = 101", 1), encoding="utf-8")
    text = ONE + 'functies_file = "eigen.toml"\n[afwenteling]\nreferentie = "mijn_gras"\n'
    assert open_job(kwel_only(tmp_path, text)).settings.reference.id == "mijn_gras"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"workers": -1}, "workers"),
        ({"workers": "2"}, "workers"),
        ({"workers": True}, "workers"),
        ({"wait_for_lock": None}, "wait_for_lock"),
        ({"wait_for_lock": float("nan")}, "wait_for_lock"),
        ({"executor": 3}, "executor"),
    ],
)
def test_arguments_that_are_none_are_refused(tmp_path, more, said):
    with pytest.raises(ArgumentError, match=said):
        runner.run(kwel_only(tmp_path), **more)


def test_which_of_several_layers_of_polygons_is_meant_is_not_guessed(tmp_path):
    frames = {kind: gpd.GeoDataFrame(geometry=[shape], crs=28992) for kind, shape in SHAPES.items()}
    frames["vlak"].to_file(tmp_path / "plan.gpkg", layer="oud")
    frames["lijn"].to_file(tmp_path / "plan.gpkg", layer="wegen")
    assert len(wb.assess(wb.example(), "woningbouw", tmp_path / "plan.gpkg").table) == 1, "lines are no plans"
    frames["vlak"].to_file(tmp_path / "plan.gpkg", layer="nieuw")
    with pytest.raises(GeometryError, match=r"several layers.*oud, nieuw"):
        wb.assess(wb.example(), "woningbouw", tmp_path / "plan.gpkg")


SHAPES = {"vlak": shapely.box(239000, 553000, 239200, 553200), "lijn": shapely.LineString([(239000, 553000), (1, 1)])}


def test_check_does_not_say_that_maaiveld_is_missing_where_nobody_asks_for_water(tmp_path):
    path = place(tmp_path, ONE.replace('"lagen.toml"', '"lagen/lagen.toml"') + 'maps = ["klasse"]\n')
    assert "niet gevraagd" in forecast.forecast_run(path)[0].to_text()


# --- what is left of before ------------------------------------------------------------------------------------------

RECEIVED = ("grootboek.gpkg", "grootboek.csv", "stroompaden.gpkg", "blootstelling_onbekend.tif")
OF_FUNCTIE = ("ontvangst.tif", "ontvangst.tif.aux.xml", "ontvangst.qml", "grondwater.tif", "benedenstrooms.tif")


def test_what_cannot_be_determined_any_more_does_not_stay_beside_what_is_new(tmp_path):
    path = place(tmp_path, AREAS)
    assert runner.run(path).complete
    names = [*RECEIVED, *(f"woningbouw/{n}" for n in OF_FUNCTIE)]
    assert all((tmp_path / "uit" / n).is_file() for n in names)
    for name in ("maaiveld", "ghg"):
        drop(tmp_path / "lagen/lagen.toml", name)
    outcome = runner.run(path)
    assert outcome.complete and outcome.niet_bepaald
    assert not [n for n in names if (tmp_path / "uit" / n).exists()]


def test_what_is_there_stays_where_memory_is_short_today(tmp_path, monkeypatch):
    path = place(tmp_path, AREAS)
    assert runner.run(path).complete
    before = (tmp_path / "uit/grootboek.csv").read_bytes()
    monkeypatch.setattr(memory, "available_memory", lambda: 1)
    monkeypatch.setattr(runner, "check_fits", lambda *_: None)
    runner.run(path)
    assert (tmp_path / "uit/grootboek.csv").read_bytes() == before


def test_sweeps_of_an_earlier_content_go_and_make_no_room(tmp_path):
    path = place(tmp_path, AREAS)
    runner.run(path)
    first = set(swept_files(open_job(path)))
    path.write_text(AREAS + "[ontvangers]\ndemping_m = 500\n", encoding="utf-8")
    job = open_job(path)
    there = forecast.disk_bytes_present(job)
    for file in first:
        file.unlink()
    assert forecast.disk_bytes_present(job) == there, "they were not counted"
    for file in first:
        file.write_bytes(b"of before")
    assert runner.run(path).complete
    assert first.isdisjoint(swept_files(job)) and len(swept_files(job)) == len(first)
    assert list((job.work / FOLDER).glob("stroomrichting_*")), "directions are those of maaiveld still"


def test_a_run_with_floats_has_them_of_who_lies_downstream_too(tmp_path):
    path = place(tmp_path, AREAS)
    path.write_text(AREAS.replace("[gebieden]", "float = true\n[gebieden]"), encoding="utf-8")
    assert runner.run(path).complete
    answer = wb.assess(wb.open_layers(tmp_path / "lagen"), "woningbouw", tmp_path / "lagen/plannen.geojson")
    with rasterio.open(tmp_path / "uit/woningbouw/benedenstrooms_f32.tif") as file:
        found = file.read(1)
    with rasterio.open(tmp_path / "uit/woningbouw/benedenstrooms.tif") as file:
        np.testing.assert_array_equal(percent(found, 255), file.read(1))
    np.testing.assert_array_equal(found, answer.downstream("woningbouw"))
    listed = json.loads((tmp_path / "uit/herkomst.json").read_text("utf-8"))["uitvoer"]
    assert "natte_natuur@2050Hd/benedenstrooms_f32.tif" in listed


@pytest.mark.parametrize(
    "name", ["grootboek.gpkg", "rapport.html", "waterbodem.qgs", "woningbouw/ontvangst.tif", "woningbouw/klasse.qml"]
)
def test_a_run_is_not_complete_without_any_of_what_it_left(left, name):
    path = left / name
    kept = path.read_bytes(), path.stat()
    assert wb.status(left).complete
    path.unlink()
    assert wb.status(left).toestand == "onvolledig"
    path.write_bytes(kept[0])
    os.utime(path, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    assert wb.status(left).complete


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    path = place(tmp_path_factory.mktemp("run"), AREAS)
    assert runner.run(path).complete
    return path.parent / "uit"


def test_what_failed_before_a_damaged_part_was_made_again_is_forgotten(tmp_path, monkeypatch):
    path = place(tmp_path, AREAS)
    real, calls = finish.downstream_outputs, []

    def once(*given):
        calls.append(1)
        if len(calls) == 1:
            raise WaterbodemError("not yet")
        return real(*given)

    monkeypatch.setattr(finish, "downstream_outputs", once)
    monkeypatch.setattr(finish, "project_bytes", damaging(tmp_path / "uit", finish.project_bytes))
    assert runner.run(path).complete
    assert len(calls) == 2 and wb.status(tmp_path / "uit").complete


def damaging(folder, real):
    """Let the first attempt find a part that is not as it was written."""
    calls = []

    def project(*given, **more):
        calls.append(1)
        if len(calls) == 1:
            part = next((folder / ".waterbodem/parts").iterdir())
            part.write_bytes(part.read_bytes()[:-9])
            raise CorruptLayer("part is damaged")
        return real(*given, **more)

    return project


def test_the_sign_of_a_home_folder_makes_no_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [
        "assess",
        "--layers",
        str(EXAMPLE),
        "--functie",
        "woningbouw",
        "--gebied",
        str(EXAMPLE / "plannen.geojson"),
    ]
    done = CliRunner().invoke(cli, [*words, "--output=~/uit"], catch_exceptions=False)
    assert done.exit_code == 1 and "'~' is not filled in" in done.output
    assert not list(tmp_path.iterdir())


def test_an_option_that_a_run_file_has_no_use_for_is_refused(tmp_path):
    path = kwel_only(tmp_path)
    done = CliRunner().invoke(cli, ["check", str(path), "--allow", str(tmp_path)])
    assert done.exit_code == 2 and "--allow" in done.output
