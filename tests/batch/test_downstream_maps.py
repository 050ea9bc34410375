"""Who lies downstream, for a whole run: as the call on arrays says, kept, and told where it cannot be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

pytest.importorskip("pyflwdir")

import waterbodem as wb
from waterbodem.assessment.files import save_assessment
from waterbodem.batch import downstream_maps, receiver_ledger, runner
from waterbodem.batch import exposure as exposure_store
from waterbodem.batch.downstream_maps import downstream_outputs
from waterbodem.batch.exposure import exposure_of, read_exposure
from waterbodem.batch.forecast import forecast_run
from waterbodem.batch.job import open_job
from waterbodem.batch.journal import Journal
from waterbodem.batch.outputs import Delivery, Outcome
from waterbodem.batch.receiver_ledger import ledger_outputs
from waterbodem.core import memory
from waterbodem.core.errors import CorruptLayer
from waterbodem.formats.cog.writer import percent
from waterbodem.receivers import files as reception_files
from waterbodem.receivers import ledger_columns, question
from waterbodem.receivers.downstream import benedenstrooms, drawn
from waterbodem.receivers.flow import memory_needed
from waterbodem.receivers.question import ReceiverQuestion

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
WHOLE = 'layers = "lagen/lagen.toml"\nfuncties = ["woningbouw", "natte_natuur"]\noutput = "uit"\n'
AREAS = WHOLE + 'scenarios = ["2050Hd"]\n[gebieden]\npath = "lagen/plannen.geojson"\n'
FUNCTIES = ("woningbouw", "natte_natuur")


def place(folder, text=WHOLE, without=()):
    shutil.copytree(EXAMPLE, folder / "lagen")
    for name in without:
        drop(folder / "lagen" / "lagen.toml", name)
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def drop(catalogue, name):
    """Take a layer out of a lagen.toml."""
    heads = (f"[layers.{name}]", f'[layers."{name}"]')
    kept, skipping = [], False
    for line in catalogue.read_text(encoding="utf-8").splitlines():
        skipping = line.strip() in heads if line.startswith("[") else skipping
        kept += [] if skipping else [line]
    catalogue.write_text("\n".join(kept) + "\n", encoding="utf-8")


def made(path):
    """Make who receives it, without the rest of a run."""
    job = open_job(path)
    (job.work / "parts").mkdir(parents=True, exist_ok=True)
    with closing(Journal(job.work / "ledger.sqlite")) as journal:
        delivery = delivery_of(job, journal)
        for outputs_of in (ledger_outputs, downstream_outputs):
            delivery.make(outputs_of(delivery))
        return job, delivery.outcome


def delivery_of(job, journal, progress=lambda *_: None):
    """A run of which no part is looked at."""
    keys = {v: job.key(v) for v in job.variants}
    return Delivery(job, journal, keys, exposure_of(job), Outcome(job.output), progress)


def digests(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and ".waterbodem" not in p.parts]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_maps_equal_the_call_on_arrays(tmp_path):
    job, _ = made(place(tmp_path))
    layers = wb.open_layers(EXAMPLE)
    for functie in FUNCTIES:
        expected = percent(benedenstrooms(layers, functie).benedenstrooms.values)
        path = tmp_path / "uit" / functie / "benedenstrooms.tif"
        assert cog_validate(path, strict=True)[0]
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), expected)
            assert len(file.colormap(1)) == 256
        assert (expected[expected != 255] > 0).any() or functie == "natte_natuur"
    with rasterio.open(tmp_path / "uit" / "blootstelling_onbekend.tif") as file:
        unknown = benedenstrooms(layers, "woningbouw").blootstelling_onbekend.values
        np.testing.assert_array_equal(file.read(1), percent(unknown))
    assert job.areas == ()


def under(layers, scenario):
    """Layers of which those of a scenario took the place of the present ones."""
    names = {str(n).partition("@")[0]: n for n in layers if str(n).endswith(f"@{scenario}")}
    assert names
    return layers.assign({name: layers[theirs] for name, theirs in names.items()})[[n for n in layers if "@" not in n]]


def test_maps_of_a_scenario_equal_the_call_on_its_layers(tmp_path):
    """What is released changes with the scenario, and so does who lies downstream."""
    made(place(tmp_path, WHOLE + 'scenarios = ["2050Hd"]\n'))
    layers = under(wb.open_layers(EXAMPLE), "2050Hd")
    for functie in FUNCTIES:
        with rasterio.open(tmp_path / "uit" / f"{functie}@2050Hd" / "benedenstrooms.tif") as file:
            np.testing.assert_array_equal(file.read(1), percent(benedenstrooms(layers, functie).benedenstrooms.values))
    with rasterio.open(tmp_path / "uit" / "blootstelling_onbekend@2050Hd.tif") as file:
        unknown = benedenstrooms(layers, "woningbouw").blootstelling_onbekend.values
        np.testing.assert_array_equal(file.read(1), percent(unknown))


def test_polygons_cut_the_map_not_the_land(tmp_path):
    """Water runs on beyond the polygons, so that their cells have what they have on the whole."""
    job, found = made(place(tmp_path, AREAS))
    layers, plans = wb.open_layers(EXAMPLE), EXAMPLE / "plannen.geojson"
    b = wb.assess(layers, list(FUNCTIES), plans)
    whole = percent(benedenstrooms(layers, "woningbouw").benedenstrooms.values)
    inside = b.question.prints.mask
    with rasterio.open(tmp_path / "uit" / "woningbouw" / "benedenstrooms.tif") as file:
        codes = file.read(1)
    np.testing.assert_array_equal(codes[inside], whole[job.around.grid.slices(job.grid)][inside])
    assert (codes[~inside] == 255).all()
    np.testing.assert_array_equal(codes, percent(drawn(b.downstream("woningbouw"), b.exposure[1])))
    assert (tmp_path / "uit" / "woningbouw@2050Hd" / "benedenstrooms.tif").is_file()
    assert found.niet_bepaald == ()
    table = gpd.read_file(tmp_path / "uit" / "grootboek.gpkg")
    np.testing.assert_allclose(table.m3.astype(float), b.grootboek.m3, rtol=1e-12)
    assert table.ontvanger.tolist() == b.grootboek.ontvanger.tolist()


def test_a_run_gives_them_and_goes_on_where_it_was(tmp_path, monkeypatch):
    path = place(tmp_path, AREAS)
    outcome = runner.run(path)
    assert outcome.complete
    before = digests(tmp_path / "uit")
    herkomst = json.loads((tmp_path / "uit" / "herkomst.json").read_text(encoding="utf-8"))
    for name in ("woningbouw/benedenstrooms.tif", "natte_natuur@2050Hd/benedenstrooms.tif", "grootboek.csv"):
        assert herkomst["uitvoer"][name]["sha256"] == before[name]
    assert {"grootboek.gpkg", "stroompaden.gpkg", "blootstelling_onbekend.tif.aux.xml"} <= set(herkomst["uitvoer"])

    def again(*_):
        raise AssertionError("was made again")

    monkeypatch.setattr(downstream_maps, "_computed", again)
    monkeypatch.setattr(receiver_ledger, "_stage_ledger", again)
    monkeypatch.setattr(exposure_store.Exposure, "_sweep", again)
    assert runner.run(path).complete
    now = digests(tmp_path / "uit")
    assert {n: d for n, d in now.items() if n != "herkomst.json"} == {
        n: d for n, d in before.items() if n != "herkomst.json"
    }


ARRIVALS = ("ontvangst", "grondwater")


def rewritten(text, *lines):
    return text.replace("[gebieden]", "\n".join([*lines, "[gebieden]"]))


def filled(table):
    """Return a table with empty text for what is missing."""
    plain = pd.DataFrame(table).astype(object)
    return plain.where(plain.notna(), "")


@pytest.mark.parametrize("rows", [5_000, 2_000_000])
def test_what_arrives_and_who_receives_it_are_those_of_an_assessment(tmp_path, monkeypatch, rows):
    """The same bytes as assess writes of the same plans, also some rows at a time; and the same columns."""
    runner.run(place(tmp_path, rewritten(AREAS, "float = true", "pictures = false")))
    monkeypatch.setattr(reception_files, "BLOCK", rows)
    b = wb.assess(wb.open_layers(EXAMPLE), list(FUNCTIES), EXAMPLE / "plannen.geojson")
    save_assessment(b, tmp_path / "los", float_=True)
    ours, theirs = digests(tmp_path / "uit"), digests(tmp_path / "los")
    names = [f"{f}/{a}{end}" for f in FUNCTIES for a in ARRIVALS for end in (".tif", ".tif.aux.xml", "_f32.tif")]
    for name in (*names, "grootboek.gpkg", "grootboek.csv", "stroompaden.gpkg"):
        assert ours[name] == theirs[name], name
    columns = list(ledger_columns.columns())
    table = filled(gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden"))
    assert table[table.scenario == ""][columns].values.tolist() == filled(b.table)[columns].values.tolist()
    assert (table[table.scenario == "2050Hd"][columns] == "").all(axis=None)
    with rasterio.open(tmp_path / "uit" / "woningbouw" / "ontvangst.tif") as file:
        assert file.descriptions == ("Ontvangen water: woningbouw",) and len(file.colormap(1)) == 256


def with_ditches(folder):
    """Write other layers water and natuur, and a level area, into a folder."""
    with rasterio.open(folder / "maaiveld.tif") as file:
        profile, shape = file.profile, file.shape
    profile.update(dtype="uint8", nodata=255)
    columns = np.arange(shape[1])
    ditch = np.broadcast_to(columns % 23 == 7, shape).astype(np.uint8)
    nature = np.broadcast_to(np.where(columns < shape[1] // 2, 3, 0), shape).astype(np.uint8)
    for name, values in (("water", ditch), ("natuur", nature)):
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as out:
            out.write(values, 1)
    plans = gpd.read_file(folder / "plannen.geojson").to_crs("EPSG:28992")
    level = {"naam": ["polder", "rest"], "soort": ["peilgebied", "gemeente"]}
    areas = [plans.union_all().buffer(250), plans.union_all().buffer(500)]
    gpd.GeoDataFrame(level, geometry=areas, crs="EPSG:28992").to_file(folder / "peil.gpkg")


@pytest.mark.parametrize("rows", [5_000, 2_000_000])
def test_ditches_level_areas_and_nature_are_those_of_an_assessment(tmp_path, monkeypatch, rows):
    text = AREAS.replace('scenarios = ["2050Hd"]\n', "") + '[ontvangers]\npath = "lagen/peil.gpkg"\n'
    path = place(tmp_path, text.replace("output", "pictures = false\noutput"))
    with_ditches(tmp_path / "lagen")
    runner.run(path)
    for module, name in ((reception_files, "BLOCK"), (question, "STRIP"), (downstream_maps, "BLOCK")):
        monkeypatch.setattr(module, name, rows)
    layers, near = wb.open_layers(tmp_path / "lagen"), tmp_path / "lagen" / "peil.gpkg"
    b = wb.assess(layers, list(FUNCTIES), tmp_path / "lagen" / "plannen.geojson", ontvangers=near)
    save_assessment(b, tmp_path / "los")
    ours, theirs = digests(tmp_path / "uit"), digests(tmp_path / "los")
    maps = [f"{f}/{a}.tif" for f in FUNCTIES for a in (*ARRIVALS, "benedenstrooms")]
    for name in (*maps, "blootstelling_onbekend.tif", "grootboek.gpkg", "grootboek.csv", "stroompaden.gpkg"):
        assert ours[name] == theirs[name], name
    table = pd.read_csv(tmp_path / "uit" / "grootboek.csv")
    polder = table[(table.soort == "peilgebied") & (table.plan_nr > 0)]
    assert (polder.m3_open_water > 0).any() and (polder.stijging_peil_cm > 0).any() and table.voortoets.any()
    whole = benedenstrooms(layers, "woningbouw").blootstelling_onbekend.values
    assert (whole[:, np.arange(whole.shape[1]) % 23 == 7] == 1).all()


def test_of_what_arrives_only_the_maps_that_were_asked_are_made(tmp_path):
    path = place(tmp_path, rewritten(AREAS, 'maps = ["klasse", "grondwater"]', "pictures = false"))
    runner.run(path)
    maps = {p.name for p in (tmp_path / "uit" / "woningbouw").glob("*.tif")}
    assert maps == {"klasse.tif", "grondwater.tif"}
    text = path.read_text(encoding="utf-8").replace('"grondwater"', '"ontvangst"')
    path.write_text(text, encoding="utf-8")
    runner.run(path)
    page = (tmp_path / "uit" / "rapport.html").read_text(encoding="utf-8")
    assert "woningbouw/ontvangst.tif" in page and "grondwater.tif" not in page
    assert not (tmp_path / "uit" / "woningbouw" / "grondwater.tif").exists(), "of an earlier question"


def test_a_map_that_is_gone_is_made_again_and_status_knows_the_table(tmp_path):
    path = place(tmp_path, AREAS)
    runner.run(path)
    before = digests(tmp_path / "uit")
    (tmp_path / "uit" / "natte_natuur" / "ontvangst.tif").unlink()
    assert runner.run(path).complete
    assert wb.status(path).complete
    now = digests(tmp_path / "uit")
    assert {n for n in before if before[n] != now[n]} <= {"herkomst.json"}


def test_the_table_is_made_again_where_who_receives_it_changes(tmp_path):
    path = place(tmp_path, AREAS)
    runner.run(path)
    before = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    path.write_text(AREAS + "[ontvangers]\ndemping_m = 100\n", encoding="utf-8")
    runner.run(path)
    after = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    assert (after.aandeel_buiten_gegevens.dropna() <= before.aandeel_buiten_gegevens.dropna() + 1e-12).all()
    assert after.aandeel_in_gegevens.sum() > before.aandeel_in_gegevens.sum()


def test_nothing_is_drawn_up_where_nothing_can_be_known(tmp_path, monkeypatch):
    def never(*_):
        raise AssertionError("a ledger of nothing")

    monkeypatch.setattr(ReceiverQuestion, "ledger", never)
    outcome = runner.run(place(tmp_path, AREAS, without=["maaiveld", "ghg"]))
    assert outcome.complete
    assert any("maaiveld ontbreekt" in t for t in outcome.niet_bepaald) and any(
        "ghg" in t for t in outcome.niet_bepaald
    )
    table = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    assert table.vrijgekomen_m3.isna().all() and len(table)


def test_a_ledger_that_lacked_memory_for_water_is_drawn_up_again_where_there_is(tmp_path, monkeypatch):
    path = place(tmp_path, rewritten(AREAS, 'maps = ["klasse", "ontvangst"]'))
    with monkeypatch.context() as short:
        short.setattr(question, "memory_needed", lambda _: 10**18)
        _, found = made(path)
    assert len(found.niet_bepaald) == 1 and "GB geheugen" in found.niet_bepaald[0]
    assert not (tmp_path / "uit" / "woningbouw" / "ontvangst.tif").exists()
    assert gpd.read_file(tmp_path / "uit" / "grootboek.gpkg").m3.isna().all()
    _, found = made(path)
    assert found.niet_bepaald == ()
    assert (tmp_path / "uit" / "woningbouw" / "ontvangst.tif").is_file()


def test_a_ledger_that_does_not_fit_is_told_with_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(receiver_ledger, "LEDGER_BYTES", 10**12)
    _, found = made(place(tmp_path, AREAS))
    (reason,) = found.niet_bepaald
    assert reason.startswith("grootboek: niet bepaald") and "GB geheugen en er is" in reason
    assert not (tmp_path / "uit" / "grootboek.csv").exists()


def test_more_outcomes_than_anyone_reads_get_no_ledger(tmp_path):
    """Ten thousand and one polygons of two functies: the table is there, who receives it is told not to be."""
    path = place(tmp_path, rewritten(AREAS, "pictures = false").replace('scenarios = ["2050Hd"]\n', ""))
    plan = gpd.read_file(tmp_path / "lagen" / "plannen.geojson").iloc[[0]]
    gpd.GeoDataFrame(pd.concat([plan] * 10_001), crs=plan.crs).to_file(tmp_path / "lagen" / "plannen.geojson")
    outcome = runner.run(path)
    (reason,) = outcome.niet_bepaald
    assert "20002 uitkomsten" in reason and "20000" in reason
    assert not (tmp_path / "uit" / "grootboek.csv").exists()
    table = pd.read_csv(tmp_path / "uit" / "gebieden.csv")
    assert len(table) == 20_002 and table.vrijgekomen_m3.isna().all()


def test_a_polygon_as_large_as_a_province_gets_no_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(receiver_ledger, "_plan_cells", lambda job: 36_000_000)
    _, found = made(place(tmp_path, AREAS))
    assert found.niet_bepaald == (
        "grootboek: niet bepaald, want de gebieden tellen samen 36 miljoen cellen en het wordt gemaakt tot 10 miljoen; "
        "kies minder of kleinere gebieden",
    )
    assert not (tmp_path / "uit" / "grootboek.csv").exists()


@pytest.mark.parametrize("blocks", [1_000, 70_000])
def test_blocks_and_groups_do_not_change_a_byte(tmp_path, monkeypatch, blocks):
    made(place(tmp_path / "a"))
    monkeypatch.setattr(downstream_maps, "BLOCK", blocks)
    monkeypatch.setattr(downstream_maps, "IN_HAND", 1)
    made(place(tmp_path / "b"))
    assert digests(tmp_path / "a" / "uit") == digests(tmp_path / "b" / "uit")


def test_where_memory_is_short_bands_give_the_same_bytes(tmp_path, monkeypatch):
    job, _ = made(place(tmp_path))
    first = digests(tmp_path / "uit")
    for file in (job.work / "stroming").glob("blootstelling_*"):
        file.unlink()
    shutil.rmtree(tmp_path / "uit" / "woningbouw")
    cells = job.grid.rows * job.grid.cols
    room = exposure_store.BESIDE_BANDS * cells + exposure_store.BYTES_PER_CELL * job.grid.cols * 40
    monkeypatch.setattr(memory, "available_memory", lambda: int(room / memory.USABLE))
    monkeypatch.setattr(memory, "WORKING", 0)
    monkeypatch.setattr(downstream_maps, "BLOCK", 8_000)
    assert exposure_store.band_height(job.grid, memory.available_memory()) < job.grid.rows // 4
    _, found = made(tmp_path / "run.toml")
    assert found.niet_bepaald == ()
    assert digests(tmp_path / "uit") == first


def test_where_directions_do_not_fit_either_it_is_told(tmp_path, monkeypatch):
    path = place(tmp_path)
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    _, found = made(path)
    (reason,) = found.niet_bepaald
    assert "niet bepaald" in reason and "geheugen" in reason
    assert not (tmp_path / "uit" / "woningbouw" / "benedenstrooms.tif").exists()


def test_without_maaiveld_a_run_says_so_and_makes_the_rest(tmp_path):
    outcome = runner.run(place(tmp_path, AREAS, without=["maaiveld"]))
    assert outcome.complete
    assert any("maaiveld ontbreekt" in text for text in outcome.niet_bepaald)
    folder = tmp_path / "uit"
    assert (folder / "woningbouw" / "klasse.tif").is_file()
    assert not (folder / "woningbouw" / "benedenstrooms.tif").exists()
    assert json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))["niet_bepaald"]
    table = gpd.read_file(folder / "grootboek.gpkg")
    assert table.m3.isna().all()
    assert (table.verlaging_grootste_m.astype(float).fillna(0) >= 0).all()


def test_without_any_vulnerability_there_is_no_map_of_zeros(tmp_path):
    layers = ["kwetsbaarheid", "wateroverlast", "wateroverlast@2050Hd"]
    _, found = made(place(tmp_path, without=layers))
    assert any("kwetsbaarheid" in text for text in found.niet_bepaald)
    assert not (tmp_path / "uit" / "woningbouw" / "benedenstrooms.tif").exists()


def test_a_stored_sweep_answers_for_any_block(tmp_path):
    job, _ = made(place(tmp_path))
    exposure = exposure_of(job)
    with closing(Journal(job.work / "ledger.sqlite")) as journal:
        file = exposure.file(journal, "")
    block = job.grid.part(slice(10, 40), slice(20, 90))
    expected = benedenstrooms(wb.open_layers(EXAMPLE), "woningbouw").blootstelling.values[10:40, 20:90]
    np.testing.assert_array_equal(read_exposure(file, exposure.grid, block), expected)


def test_the_cost_is_told_beforehand(tmp_path):
    found, _ = forecast_run(place(tmp_path / "a"))
    assert found.stroming >= memory_needed(40_000)
    assert "Wie benedenstrooms ligt: hoogstens" in found.to_text()
    without, _ = forecast_run(place(tmp_path / "b", without=["maaiveld"]))
    assert without.stroming == 0
    assert "maaiveld ontbreekt" in without.to_text()
    assert memory_needed(175_000_000) < 24e9


MAP_ONLY = 'layers = "lagen/lagen.toml"\nfuncties = ["energie_windpark"]\noutput = "uit"\nmaps = ["benedenstrooms"]\n'


def halved(path):
    """Write a raster anew with half its values."""
    with rasterio.open(path) as file:
        values, profile = file.read(), file.profile
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.where(values == profile["nodata"], values, values / 2).astype(values.dtype))


def test_a_map_alone_depends_on_every_layer_of_the_burden(tmp_path):
    """Windpark has no criterion on ghg; what it shifts to others has."""
    path = place(tmp_path, MAP_ONLY, without=["water"])  # ditches end every way here
    assert runner.run(path).complete
    before = digests(tmp_path / "uit")
    halved(tmp_path / "lagen" / "ghg.tif")
    assert runner.run(path).complete
    again = digests(tmp_path / "uit")
    name = "energie_windpark/benedenstrooms.tif"
    assert again[name] != before[name]
    path.write_text(MAP_ONLY.replace('"uit"', '"vers"'), encoding="utf-8")
    assert runner.run(path).complete
    assert digests(tmp_path / "vers")[name] == again[name]


def flipped(path):
    """Turn one bit in a file, as a disk may; its size and time stay."""
    info, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 4] ^= 16
    path.write_bytes(data)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("harm", [flipped, cut])
def test_a_kept_sweep_that_was_damaged_is_made_anew(tmp_path, harm):
    path = place(tmp_path, MAP_ONLY)
    runner.run(path)
    before, kept = digests(tmp_path / "uit"), list((tmp_path / "uit" / ".waterbodem" / "stroming").glob("bloot*.tif"))
    assert len(kept) == 1
    harm(kept[0])
    (tmp_path / "uit" / "energie_windpark" / "benedenstrooms.tif").unlink()
    assert runner.run(path).complete
    after = digests(tmp_path / "uit")
    assert {n: d for n, d in after.items() if n.endswith(".tif")} == {
        n: d for n, d in before.items() if n.endswith(".tif")
    }


BESIDE = (
    "blootstelling_onbekend.tif.aux.xml",
    "blootstelling_onbekend@2050Hd.qml",
    "natte_natuur@2050Hd/benedenstrooms.tif.aux.xml",
    "woningbouw/benedenstrooms.qml",
    "woningbouw/ontvangst.tif.aux.xml",
    "woningbouw/grondwater.tif.aux.xml",
)


def test_what_lies_beside_a_map_comes_back_as_it_was(tmp_path):
    path = place(tmp_path, AREAS)
    runner.run(path)
    folder = tmp_path / "uit"
    before = {n: d for n, d in digests(folder).items() if n != "herkomst.json"}
    for i, name in enumerate(BESIDE):
        (folder / name).unlink() if i % 2 else cut(folder / name)
    assert runner.run(path).complete
    assert {n: d for n, d in digests(folder).items() if n != "herkomst.json"} == before
    listed = json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))["uitvoer"]
    assert {n: d["sha256"] for n, d in listed.items()}.items() <= before.items() and set(BESIDE) <= set(listed)
    assert not [n for n in listed if n.startswith(".waterbodem")]


def test_what_was_made_while_a_layer_changed_is_neither_placed_nor_kept(tmp_path, monkeypatch):
    path = place(tmp_path, AREAS)
    monkeypatch.setattr(Journal, "changed", lambda _: [Path("ghg.tif")])
    for outputs_of in (ledger_outputs, downstream_outputs):
        job = open_job(path)
        (job.work / "parts").mkdir(parents=True, exist_ok=True)
        with closing(Journal(job.work / "ledger.sqlite")) as journal:
            delivery = delivery_of(job, journal)
            with pytest.raises(CorruptLayer, match="changed during the run"):
                delivery.make(outputs_of(delivery))
            assert journal.outputs() == {}
    assert digests(tmp_path / "uit") == {}


def test_a_layer_that_changes_after_the_sweep_costs_the_map(tmp_path):
    """Where the water goes is kept by then; what it carries was read of one layer or the other."""
    path, work = place(tmp_path, MAP_ONLY), tmp_path / "uit" / ".waterbodem"
    (work / "parts").mkdir(parents=True)

    def change(*_):
        halved(tmp_path / "lagen" / "ghg.tif")

    with closing(Journal(work / "ledger.sqlite")) as journal:
        job = open_job(path, digest=journal.digest)
        delivery = delivery_of(job, journal, change)
        with pytest.raises(CorruptLayer, match=r"ghg\.tif"):
            delivery.make(downstream_outputs(delivery))
        noted = list(journal.outputs())
    assert {p.name.partition("_")[0] for p in noted if p.parent == work / "stroming"} == {"blootstelling", "onbekend"}
    assert "benedenstrooms.tif" not in {p.name for p in (*noted, *(tmp_path / "uit").rglob("*"))}
