"""What fails costs what depends on it and nothing else: it is told everywhere, and made later, alone."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from click.testing import CliRunner

import waterbodem as wb
from tests.batch.test_runner import EXAMPLE, digests
from tests.support.layer_files import catalogue, layer, raster
from waterbodem.batch import runner
from waterbodem.batch.compute import part_file
from waterbodem.batch.job import open_job
from waterbodem.cli import cli

RUN = 'layers = "lagen.toml"\nfuncties = ["woningbouw", "natte_natuur"]\noutput = "uit"\npictures = false\n'
ROWS, TILE = 768, 256


def place(folder):
    """Three parts; gvg is a criterion of natte_natuur and of nothing else here."""
    folder.mkdir(exist_ok=True)
    values = np.random.default_rng(5).uniform(-3, 3, (ROWS, 300)).astype(np.float32)
    raster(folder / "kwel.tif", values)
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": TILE, "compress": "deflate"}
    raster(folder / "gvg.tif", np.abs(values), **tiles)
    layers = layer("kwel", "kwel.tif", "mm/d", sign='"up"') + layer("gvg", "gvg.tif", "m", sign='"down"')
    catalogue(folder, layers)
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
    return folder / "run.toml"


def break_tile(path, row=1):
    """Let one block of a raster be no deflate any more; the file opens as before."""
    with rasterio.open(path) as file:
        at, size = (int(file.get_tag_item(f"BLOCK_{n}_0_{row}", "TIFF", bidx=1)) for n in ("OFFSET", "SIZE"))
    data = bytearray(path.read_bytes())
    data[at : at + size] = bytes(size)
    path.write_bytes(data)


def told(folder):
    return json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))


def listed(folder):
    """Every file at a final name stands in herkomst.json with its sha256; return what it says."""
    found = told(folder)
    assert {n: d["sha256"] for n, d in {**found["eerder"], **found["uitvoer"]}.items()} == digests(folder)
    return found


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("healthy")
    assert runner.run(place(folder), tile=TILE).complete
    return digests(folder / "uit")


def only_natte_natuur_fails(path, outcome, healthy):
    assert outcome.failed == ["natte_natuur"] and not outcome.complete
    assert [label for label, _ in outcome.problems] == ["natte_natuur rij 256"]
    assert "gvg" in outcome.problems[0][1]
    assert outcome.made == 5, "all parts of woningbouw, and two of natte_natuur"
    found = listed(path.parent / "uit")
    assert set(found["niet_gelukt"]) == {"natte_natuur rij 256"} and not found["eerder"]
    assert {n: d for n, d in digests(path.parent / "uit").items() if n.startswith("woningbouw/")} == {
        n: d for n, d in healthy.items() if n.startswith("woningbouw/")
    }
    assert not (path.parent / "uit/natte_natuur").exists()


def test_a_broken_block_costs_the_functie_that_needs_it(tmp_path, healthy):
    path = place(tmp_path)
    shutil.copy(tmp_path / "gvg.tif", tmp_path / "goed.tif")
    break_tile(tmp_path / "gvg.tif")
    only_natte_natuur_fails(path, runner.run(path, tile=TILE), healthy)
    state = wb.status(tmp_path / "uit")
    assert state.toestand == "mislukt"
    assert [(v.naam, v.klaar, v.mislukt, v.kaarten) for v in state.varianten] == [
        ("woningbouw", 3, 0, 6),
        ("natte_natuur", 2, 1, 0),
    ]
    again = runner.run(path, tile=TILE)
    assert (again.made, again.kept) == (0, 5), "only what failed is tried again"
    shutil.copy(tmp_path / "goed.tif", tmp_path / "gvg.tif")
    last = runner.run(path, tile=TILE)
    assert last.complete and (last.made, last.kept) == (3, 3), "gvg is another file now; woningbouw does not read it"
    assert digests(tmp_path / "uit") == healthy
    assert not listed(tmp_path / "uit")["eerder"]


def test_in_other_processes_it_costs_the_same(tmp_path, healthy):
    path = place(tmp_path)
    break_tile(tmp_path / "gvg.tif")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        only_natte_natuur_fails(path, runner.run(path, tile=TILE, executor=pool), healthy)


def test_the_command_says_what_is_there_and_what_is_not(tmp_path):
    path = place(tmp_path)
    break_tile(tmp_path / "gvg.tif")
    done = CliRunner().invoke(cli, ["run", str(path)], catch_exceptions=False)
    assert done.exit_code == 3
    assert "niet gelukt: natte_natuur rij 0" in done.stderr and "gvg" in done.stderr
    assert "zonder kaarten en antwoorden: natte_natuur\n" in done.stderr
    page = (tmp_path / "uit/rapport.html").read_text(encoding="utf-8")
    assert "Hier staan geen kaarten en antwoorden van: <bdi>natte_natuur</bdi>." in page
    asked = CliRunner().invoke(cli, ["status", str(path)], catch_exceptions=False)
    assert asked.exit_code == 3 and "natte_natuur rij 0" in asked.stdout and "6 van 6" in asked.stdout


def test_maps_of_an_earlier_content_stay_whole_and_listed_apart(tmp_path, healthy):
    path = place(tmp_path)
    runner.run(path, tile=TILE)
    break_tile(tmp_path / "gvg.tif")
    outcome = runner.run(path, tile=TILE)
    assert outcome.failed == ["natte_natuur"] and (outcome.made, outcome.kept) == (2, 3)
    found = listed(tmp_path / "uit")
    assert {n.partition("/")[0] for n in found["eerder"]} == {"natte_natuur"}
    assert all(digests(tmp_path / "uit")[n] == healthy[n] for n in found["eerder"])
    assert "natte_natuur/" not in (tmp_path / "uit/rapport.html").read_text(encoding="utf-8")
    assert wb.open_run(tmp_path / "uit").functie.values.tolist() == ["woningbouw"]


def test_a_layer_that_changes_costs_those_that_read_it(tmp_path):
    path, before = place(tmp_path), []

    def change_at_first(phase, done, total):
        if phase == "rekenen" and not before:
            before.append(done)
            raster(tmp_path / "gvg.tif", np.ones((ROWS, 300), np.float32))

    outcome = runner.run(path, tile=TILE, workers=1, progress=change_at_first)
    assert outcome.failed == ["natte_natuur"]
    assert all("gvg.tif" in reason and "changed during the run" in reason for _, reason in outcome.problems)
    assert (tmp_path / "uit/woningbouw/klasse.tif").is_file() and not (tmp_path / "uit/natte_natuur").exists()


def test_a_part_that_is_damaged_again_and_again_costs_its_functie(tmp_path, healthy):
    path = place(tmp_path)
    job = open_job(path, part_rows=TILE)
    (variant,) = (v for v in job.variants if v.name == "natte_natuur")
    parts = [part_file(job, job.part_key(job.key(variant), p)) for p in job.parts()]

    def damage(phase, done, total):
        for part in parts if phase == "rekenen" else ():
            if part.is_file():
                data = bytearray(part.read_bytes())
                data[:9] = b"scribbled"
                part.write_bytes(data)

    outcome = runner.run(path, tile=TILE, progress=damage)
    assert outcome.failed == ["natte_natuur"]
    assert len(outcome.problems) == 3 and "damaged again" in outcome.problems[0][1]
    listed(tmp_path / "uit")
    assert (tmp_path / "uit/woningbouw/klasse.tif").is_file()
    again = runner.run(path, tile=TILE)
    assert again.complete and (again.made, again.kept) == (3, 3)
    assert digests(tmp_path / "uit") == healthy


# --- with polygons ---------------------------------------------------------------------------------------------------

PLANS = """
layers = "lagen/lagen.toml"
functies = ["woningbouw", "eigen"]
functies_file = "eigen.toml"
output = "uit"
pictures = false
[gebieden]
path = "lagen/plannen.geojson"
"""
OWN = Path(wb.__file__).parent / "data/functies/woningbouw.toml"
WHOLE_TABLE = "klassen = { 0 = 1, 2 = 0.8, 3 = 0.4, 4 = 0 }"


def place_plans(folder, codes=WHOLE_TABLE):
    """An own functie, of which a table of classes is known to lack a code only once cells are read."""
    shutil.copytree(EXAMPLE, folder / "lagen")
    own_functie(folder, codes)
    (folder / "run.toml").write_text(PLANS, encoding="utf-8")
    return folder / "run.toml"


def own_functie(folder, codes):
    text = OWN.read_text(encoding="utf-8").replace('id = "woningbouw"', 'id = "eigen"')
    text = text.replace("code = 1\n", "code = 100\n")
    old = "punten = [[0, 1], [1, 0.85], [2, 0.8], [3, 0.4], [4, 0]]"
    assert old in text
    (folder / "eigen.toml").write_text(text.replace(old, codes), encoding="utf-8")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned")
    assert runner.run(place_plans(folder)).complete
    return digests(folder / "uit")


def test_a_functie_that_cannot_be_computed_is_not_in_the_tables(tmp_path, planned):
    path = place_plans(tmp_path, "klassen = { 0 = 1 }")
    outcome = runner.run(path)
    assert outcome.failed == ["eigen"] and outcome.made == 1
    assert "eigen: criteria.grondwaterbescherming.klassen" in outcome.problems[0][1]
    listed(tmp_path / "uit")
    package = gpd.read_file(tmp_path / "uit/gebieden.gpkg", layer="gebieden")
    for table in (pd.read_csv(tmp_path / "uit/gebieden.csv"), package):
        assert set(table.functie) == {"woningbouw"} and len(table) == 4
    assert set(pd.read_csv(tmp_path / "uit/grootboek.csv").functie) == {"woningbouw"}
    assert wb.status(path).tabellen == {"gebieden.gpkg": True, "gebieden.csv": True}
    own_functie(tmp_path, WHOLE_TABLE)
    last = runner.run(path)
    assert last.complete and (last.made, last.kept) == (2, 0), "what is there today may be a functie of one's own"
    assert digests(tmp_path / "uit") == planned
    assert "blootstelling_onbekend.tif" in planned, "a map of no functie"
    assert wb.open_run(tmp_path / "uit").functie.values.tolist() == ["woningbouw", "eigen"]


def test_ground_level_that_changes_during_the_run_costs_the_receivers_only(tmp_path):
    pytest.importorskip("pyflwdir")
    path = place_plans(tmp_path)

    def change(phase, done, total):
        if phase == "rekenen":
            shutil.copy(tmp_path / "lagen/kwel.tif", tmp_path / "lagen/maaiveld.tif")

    outcome = runner.run(path, progress=change)
    assert not outcome.failed and [label for label, _ in outcome.problems] == ["ontvangers", "benedenstrooms"]
    assert all("maaiveld.tif" in reason and "changed during the run" in reason for _, reason in outcome.problems)
    assert not any("grootboek" in n or "benedenstrooms" in n for n in listed(tmp_path / "uit")["uitvoer"])
    last = runner.run(path)
    assert last.complete and last.made == 0
    fresh = tmp_path / "fresh"
    again = place_plans(fresh)
    shutil.copy(tmp_path / "lagen/maaiveld.tif", fresh / "lagen/maaiveld.tif")
    assert runner.run(again).complete
    assert digests(tmp_path / "uit") == digests(fresh / "uit")


def test_ground_level_that_cannot_be_read_costs_the_receivers_only(tmp_path, planned):
    pytest.importorskip("pyflwdir")
    path = place_plans(tmp_path)
    level = tmp_path / "lagen/maaiveld.tif"
    shutil.copy(level, tmp_path / "goed.tif")
    data = bytearray(level.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    level.write_bytes(data)
    outcome = runner.run(path)
    assert not outcome.complete and not outcome.failed and outcome.made == 2
    assert [label for label, _ in outcome.problems] == ["ontvangers", "benedenstrooms"]
    assert all("maaiveld" in reason for _, reason in outcome.problems)
    listed(tmp_path / "uit")
    maps = {n: d for n, d in digests(tmp_path / "uit").items() if n.endswith(".tif")}
    assert len(maps) == 12 and all(planned[n] == d for n, d in maps.items())
    table = pd.read_csv(tmp_path / "uit/gebieden.csv")
    assert len(table) == 8 and table.vrijgekomen_m3.isna().all()
    state = wb.status(path)
    assert [label for label, _ in state.problemen] == ["ontvangers", "benedenstrooms"]
    assert not any(state.tabellen.values()), "what was asked says who receives it"
    shutil.copy(tmp_path / "goed.tif", level)
    last = runner.run(path)
    assert last.complete and last.made == 0
    assert digests(tmp_path / "uit") == planned
    assert wb.status(path).complete
