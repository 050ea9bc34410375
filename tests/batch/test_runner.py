"""Batch runs: the same bytes whatever the parts, workers or accidents, and nothing half-written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import waterbodem as wb
from waterbodem.batch import compute, runner
from waterbodem.core.errors import ArgumentError, CatalogueError, WaterbodemError
from waterbodem.core.grid import on_multiples
from waterbodem.definitions import registry
from waterbodem.engine import area_table, fused
from waterbodem.formats.cog.writer import percent, write_raster
from waterbodem.formats.output_names import MAPS
from waterbodem.layers.fiction.landscape import PROVINCE, example_tile

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
RUN = """
layers = "lagen/lagen.toml"
functies = ["woningbouw", "natte_natuur"]
scenarios = ["2050Hd"]
output = "uit"
[gebieden]
path = "lagen/plannen.geojson"
[afwenteling]
aangelegde_berging_mm = 20
"""
BASIC = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
WHOLE = 'layers = "lagen/lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\n'


def place(folder, text=RUN):
    shutil.copytree(EXAMPLE, folder / "lagen")
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def province(folder, rows, cols, plan=None, far=None, functies=("woningbouw",)):
    """A generated area of several parts and blocks, with some cells unknown, as files; and a run file."""
    grid = on_multiples(PROVINCE, 5.0, "EPSG:28992").part(slice(3000, 3000 + rows), slice(4000, 4000 + cols))
    tile = example_tile(grid, BASIC)
    (folder / "lagen").mkdir(parents=True)
    lines = []
    for name in BASIC:
        values = np.where(np.isinf(tile[name]), np.float32(9999), tile[name])
        values[:300, :2100] = np.nan
        write_raster(folder / "lagen" / f"{name}.tif", values, grid)
        lines += [f"[layers.{name}]", f'path = "{name}.tif"', f'unit = "{registry.layer_kinds()[name].unit}"']
        lines += {"kwel": ['sign = "up"'], "keileemdiepte": ["absent = 9999"]}.get(name, [])
    (folder / "lagen" / "lagen.toml").write_text("\n".join(lines), encoding="utf-8")
    text = f'layers = "lagen/lagen.toml"\nfuncties = {json.dumps(functies)}\noutput = "uit"\n'
    if plan:
        shapes = [shapely.box(*_corners(grid, *p)) for p in (plan, far) if p]
        gpd.GeoDataFrame(geometry=shapes, crs=grid.crs).to_file(folder / "plannen.gpkg")
        text += '[gebieden]\npath = "plannen.gpkg"\n'
    (folder / "run.toml").write_text(text, encoding="utf-8")
    return folder / "run.toml"


def _corners(grid, first_row, first_col, row, col):
    """Corners of cells, just inside, so that no neighbour is touched."""
    return (
        grid.left + first_col * grid.dx + 1,
        grid.top - row * grid.dy + 1,
        grid.left + col * grid.dx - 1,
        grid.top - first_row * grid.dy - 1,
    )


def digests(folder):
    """The sha256 of every final file but herkomst.json, by name."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".waterbodem" not in p.parts and p.name != "herkomst.json"
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    outcome = runner.run(place(folder), workers=1)
    assert outcome.complete
    return digests(folder / "uit")


@pytest.mark.parametrize(("tile", "workers"), [(256, 1), (256, 2), (512, 2), (2048, 1)])
def test_parts_and_workers_do_not_change_a_byte(tmp_path, reference, tile, workers):
    assert runner.run(place(tmp_path), workers=workers, tile=tile).complete
    assert digests(tmp_path / "uit") == reference


def test_several_parts_and_blocks_give_the_maps_of_the_whole(tmp_path):
    """Blocks, tiles at edges, blocks without any known cell: the same as one call on arrays."""
    found = []
    for tile, workers in ((256, 2), (512, 1), (2048, 2)):
        folder = tmp_path / str(tile)
        assert runner.run(province(folder, 1300, 4300), tile=tile, workers=workers).complete
        found.append(digests(folder / "uit"))
    assert found[0] == found[1] == found[2]
    layers = wb.open_layers(folder / "lagen")
    scores, burden = wb.geschiktheid(layers, "woningbouw"), wb.afwenteling(layers, "woningbouw")
    wanted = {n: scores[n].values for n in ("klasse", "bepalend")} | {"oorzaak": burden.oorzaak.values}
    wanted |= {n: percent(scores[n].values) for n in ("geschiktheid", "dekking")}
    for name, want in {**wanted, "risico": percent(burden.risico.values)}.items():
        with rasterio.open(folder / "uit" / "woningbouw" / f"{name}.tif") as file:
            np.testing.assert_array_equal(file.read(1), want)
            assert file.overviews(1) == [2, 4, 8, 16, 32]


def test_other_processes_give_the_same_bytes(tmp_path, reference):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert runner.run(place(tmp_path), executor=pool, tile=256).complete
    assert digests(tmp_path / "uit") == reference


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_an_executor_that_breaks_ends_the_run_in_words(tmp_path):
    path, killed = province(tmp_path, 1500, 60), []

    def kill(phase, done, total):
        for pid in list(pool._processes) if not killed else ():
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(ArgumentError, match="executor takes no parts"):
            runner.run(path, workers=1, executor=pool, tile=256, progress=kill)
        with pytest.raises(ArgumentError, match="executor takes no parts"):
            runner.run(path, workers=1, executor=pool, tile=256)
    again = runner.run(path, tile=256)
    assert again.complete and again.kept > 0


def test_maps_and_table_equal_those_of_assess(tmp_path):
    runner.run(place(tmp_path))
    layers = wb.open_layers(EXAMPLE)
    plans = EXAMPLE / "plannen.geojson"
    b = wb.assess(layers, ["woningbouw", "natte_natuur"], plans, aangelegde_berging_mm=20)
    table = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    now = table[table.scenario.fillna("") == ""].reset_index(drop=True)
    for column in ("antwoord", "score", "risico", "ha_D", "afvoer_m3", "kompas_herstel", "verlies_ghg"):
        np.testing.assert_array_equal(now[column].fillna(-1).values, b.table[column].fillna(-1).values)
    for functie in ("woningbouw", "natte_natuur"):
        cells = b.cells.sel(functie=functie)
        for name, want in (("klasse", cells.klasse.values), ("risico", percent(cells.risico.values))):
            with rasterio.open(tmp_path / "uit" / functie / f"{name}.tif") as file:
                assert file.shape == want.shape
                np.testing.assert_array_equal(file.read(1), want)


def test_every_map_is_a_cog_with_colours_and_names(tmp_path):
    from rio_cogeo import cog_validate

    runner.run(place(tmp_path, WHOLE + "float = true\n"))
    folder = tmp_path / "uit" / "woningbouw"
    for name in MAPS:
        valid, errors, _ = cog_validate(folder / f"{name}.tif", strict=True)
        assert valid, errors
        with rasterio.open(folder / f"{name}.tif") as file:
            assert file.dtypes == ("uint8",)
            assert file.nodata == 255
            assert len(file.colormap(1)) == 256
        assert "CategoryNames" in (folder / f"{name}.tif.aux.xml").read_text(encoding="utf-8")
    with rasterio.open(folder / "geschiktheid_f32.tif") as file:
        shares = file.read(1)
    with rasterio.open(folder / "geschiktheid.tif") as file:
        np.testing.assert_array_equal(file.read(1), percent(shares))


def test_maps_that_are_asked_for_only_are_the_same_and_cost_no_afwenteling(tmp_path, monkeypatch):
    runner.run(place(tmp_path, WHOLE))
    whole = digests(tmp_path / "uit")
    path = tmp_path / "run.toml"
    path.write_text(WHOLE.replace('"uit"', '"deel"') + 'maps = ["klasse", "geschiktheid"]\n', encoding="utf-8")
    monkeypatch.setattr(compute, "evaluate", None)
    runner.run(path)
    found = digests(tmp_path / "deel")
    assert {n for n in found if n.endswith(".tif")} == {"woningbouw/geschiktheid.tif", "woningbouw/klasse.tif"}
    about = {"rapport.html", "waterbodem.qgs", "woningbouw/overzicht.png"}  # tell of all maps together
    assert all(whole[name] == digest for name, digest in found.items() if name not in about)


def test_without_maps_the_table_is_the_same_and_alone(tmp_path):
    """As with a map; who receives it is looked for where its maps are asked."""
    path = place(tmp_path, RUN.replace("[gebieden]", 'maps = ["klasse"]\n[gebieden]'))
    assert runner.run(path).complete
    reference = digests(tmp_path / "uit")
    shutil.rmtree(tmp_path / "uit")
    path.write_text(RUN.replace("[gebieden]", "maps = []\n[gebieden]"), encoding="utf-8")
    assert runner.run(path).complete
    found = digests(tmp_path / "uit")
    assert set(found) == {"gebieden.gpkg", "gebieden.csv", "rapport.html", "waterbodem.qgs"}
    assert [found[n] for n in ("gebieden.gpkg", "gebieden.csv")] == [
        reference[n] for n in ("gebieden.gpkg", "gebieden.csv")
    ]
    assert wb.status(tmp_path / "uit").complete


def test_herkomst_names_every_output_with_its_sha256(tmp_path):
    runner.run(place(tmp_path))
    told = json.loads((tmp_path / "uit" / "herkomst.json").read_text(encoding="utf-8"))["uitvoer"]
    found = digests(tmp_path / "uit")
    assert {n: d["sha256"] for n, d in told.items()} == found


def test_a_second_run_computes_nothing(tmp_path):
    path = place(tmp_path)
    first, before = runner.run(path), digests(tmp_path / "uit")
    second = runner.run(path)
    assert (first.made, second.made, second.kept) == (4, 0, 4)
    assert digests(tmp_path / "uit") == before


def test_a_changed_functie_recomputes_that_functie_only(tmp_path):
    path = place(tmp_path)
    runner.run(path)
    path.write_text(RUN + "[parameters.woningbouw]\nverhardingsgraad = 0.7\n", encoding="utf-8")
    again = runner.run(path)
    assert (again.made, again.kept) == (2, 2)
    assert len(list((tmp_path / "uit" / ".waterbodem" / "parts").iterdir())) == 4, "parts of the old numbers are gone"


def test_a_changed_layer_recomputes_only_what_depends_on_it(tmp_path):
    path = place(tmp_path, WHOLE.replace('"woningbouw"', '"woningbouw", "natte_landbouw"'))
    runner.run(path)
    with rasterio.open(tmp_path / "lagen" / "grondwaterbescherming.tif", "r+") as file:
        values = file.read(1)
        file.write(np.where(values == 0, 1, values).astype(values.dtype), 1)
    again = runner.run(path)
    assert (again.made, again.kept) == (1, 1), "protection is a criterion of woningbouw, not of natte_landbouw"


def test_a_part_that_fails_costs_its_functies_only_and_is_told(tmp_path, monkeypatch):
    path = place(tmp_path)
    real = fused.model_of

    def poisoned(functie, *rest, **kw):
        if functie.id == "woningbouw":
            raise MemoryError("poison")
        return real(functie, *rest, **kw)

    monkeypatch.setattr(fused, "model_of", poisoned)
    path.write_text(RUN, encoding="utf-8")
    outcome = runner.run(path)
    assert not outcome.complete
    assert all("MemoryError" in reason for _, reason in outcome.problems)
    monkeypatch.undo()
    assert runner.run(path).complete


def test_a_truncated_layer_is_named_and_nothing_is_written(tmp_path):
    path = place(tmp_path, WHOLE)
    layer = tmp_path / "lagen" / "droogte.tif"
    layer.write_bytes(layer.read_bytes()[: layer.stat().st_size // 2])
    with pytest.raises(WaterbodemError, match="droogte"):
        runner.run(path)
    assert not digests(tmp_path / "uit")


def test_a_layer_with_a_broken_tile_is_named_and_no_map_appears(tmp_path):
    path = place(tmp_path, WHOLE)
    layer = tmp_path / "lagen" / "droogte.tif"
    data = bytearray(layer.read_bytes())
    data[2000:4000] = bytes(2000)
    layer.write_bytes(data)
    outcome = runner.run(path)
    assert any("droogte" in reason for _, reason in outcome.problems)
    assert set(digests(tmp_path / "uit")) == {"rapport.html"}, "the page tells what failed"


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
sys.argv[1:] = ["run", sys.argv[1]]
from waterbodem.cli import main
main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file size")
@pytest.mark.parametrize("limit", [4_000, 40_000])
def test_a_full_disk_is_told_and_loses_nothing(tmp_path, limit):
    path = place(tmp_path, WHOLE)
    runner.run(path)
    before = digests(tmp_path / "uit")
    path.write_text(WHOLE + "[parameters.woningbouw]\nverhardingsgraad = 0.7\n", encoding="utf-8")
    command = [sys.executable, "-c", FULL, str(path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 3)
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr
    found = digests(tmp_path / "uit")
    assert (tmp_path / "uit" / "rapport.html").read_text(encoding="utf-8").endswith("</html>"), "what failed, in full"
    assert runner.run(path).complete
    after = digests(tmp_path / "uit")
    del found["rapport.html"], before["rapport.html"]
    assert found.keys() == before.keys()
    assert all(digest in (before[name], after[name]) for name, digest in found.items()), "each file whole, old or new"


def test_two_runs_in_one_folder_do_not_mix(tmp_path, monkeypatch):
    path = place(tmp_path)
    started, release = threading.Event(), threading.Event()
    real = runner._make_parts

    def slow(*args):
        started.set()
        release.wait(20)
        return real(*args)

    monkeypatch.setattr(runner, "_make_parts", slow)
    thread = threading.Thread(target=runner.run, args=(path,))
    thread.start()
    assert started.wait(20)
    with pytest.raises(ArgumentError, match="busy"):
        runner.run(path)
    release.set()
    thread.join()


def test_a_changed_output_is_made_again(tmp_path, reference):
    path = place(tmp_path)
    runner.run(path)
    time.sleep(0.01)
    (tmp_path / "uit" / "woningbouw" / "klasse.tif").write_bytes(b"gone")
    runner.run(path)
    assert digests(tmp_path / "uit") == reference


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('layers = "lagen/lagen.toml"\noutput = "uit"\n', "functies"),
        (WHOLE.replace("woningbouw", "wonigbouw"), "did you mean 'woningbouw'"),
        (WHOLE + 'scenarios = ["2100"]\n', "unknown scenario"),
        (WHOLE + "kleur = 3\n", "kleur"),
        (WHOLE + 'maps = ["klas"]\n', "name each map once"),
        (WHOLE + "maps = []\n", "nothing to make"),
        (WHOLE + "[parameters.akkerbouw]\nverhardingsgraad = 0.5\n", "not a functie of this run"),
        (WHOLE + 'methode = "owa"\n', "orness"),
        (WHOLE + "[grid]\nresolution = -5\n", "resolution"),
        (WHOLE + "[grid]\nresolution = 1e-300\n", "resolution"),
        (WHOLE.replace("lagen/lagen.toml", "/dev/zero"), "no plain file"),
    ],
)
def test_a_wrong_run_file_is_refused_by_key(tmp_path, text, said):
    with pytest.raises(WaterbodemError, match=said):
        runner.run(place(tmp_path, text))


def test_an_unwritable_or_missing_run_file_is_an_error_of_ours(tmp_path):
    with pytest.raises((CatalogueError, WaterbodemError)):
        runner.run(tmp_path / "nergens.toml")


def test_check_tells_what_a_run_will_cost(tmp_path):
    from click.testing import CliRunner

    from waterbodem.cli import cli

    path = place(tmp_path)
    done = CliRunner().invoke(cli, ["check", str(path), "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["variants"], told["polygons"]) == (4, 4)
    assert told["seconds"] > 0
    assert told["audit"]["ok"]
    assert (
        told["read"]
        == sum(p.stat().st_size for p in (tmp_path / "lagen").glob("*.tif"))
        + (tmp_path / "lagen" / "beekdal.geojson").stat().st_size
    )
    assert "uit" not in {p.name for p in tmp_path.iterdir()}, "check writes nothing"
    path.write_text(RUN.replace("woningbouw", "wonigbouw"), encoding="utf-8")
    assert CliRunner().invoke(cli, ["check", str(path)]).exit_code == 1


def test_check_says_what_a_layer_has_wrong_and_counts_only_blocks_near_polygons(tmp_path):
    from waterbodem.batch.forecast import busy_cells
    from waterbodem.batch.job import open_job

    path = province(tmp_path, rows=600, cols=4300, plan=(0, 0, 100, 100))
    job = open_job(path)
    assert job.grid.shape == (100, 100), "the grid is cut to the polygons"
    assert busy_cells(job) == 100 * 100
    job = open_job(province(tmp_path / "b", rows=600, cols=4300, plan=(0, 0, 100, 100), far=(520, 4200, 600, 4300)))
    assert busy_cells(job) == 512 * 2048 + 88 * (4300 - 4096), "two blocks of six"


def test_a_disk_without_room_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    from waterbodem.batch import forecast as cost

    monkeypatch.setattr(cost.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10_000))
    with pytest.raises(WaterbodemError, match="disk may become full"):
        runner.run(place(tmp_path, WHOLE))


def test_the_command_runs_and_says_what_failed(tmp_path):
    path = place(tmp_path, WHOLE)
    command = [sys.executable, "-m", "waterbodem", "run", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    layer = tmp_path / "lagen" / "droogte.tif"
    data = bytearray(layer.read_bytes())
    data[2000:4000] = bytes(2000)
    layer.write_bytes(data)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "droogte" in done.stderr
    assert "Traceback" not in done.stderr


def parcels(folder, side):
    """Squares of uneven sizes over the example area, in a file beside its own polygons."""
    with rasterio.open(folder / "lagen" / "kwel.tif") as file:
        bounds, crs = file.bounds, file.crs
    xs, ys = (np.linspace(a, b, side + 1) for a, b in ((bounds.left, bounds.right), (bounds.bottom, bounds.top)))
    shapes = [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(side) for j in range(side)]
    gpd.GeoDataFrame({"naam": [f"perceel {i}" for i in range(len(shapes))]}, geometry=shapes, crs=crs).to_file(
        folder / "lagen" / "percelen.gpkg"
    )


def test_many_polygons_in_pieces_and_parts_are_the_same_table(tmp_path, monkeypatch):
    tables = []
    for name, tile, rows in (("een", 512, 200_000), ("veel", 256, 61)):
        path = place(tmp_path / name, RUN.replace("plannen.geojson", "percelen.gpkg"))
        parcels(tmp_path / name, 8)
        monkeypatch.setattr(area_table, "PIECE_ROWS", rows)
        assert runner.run(path, tile=tile).complete
        tables.append(tmp_path / name / "uit")
    one, many = tables
    assert (one / "gebieden.csv").read_bytes() == (many / "gebieden.csv").read_bytes()
    first, second = (gpd.read_file(t / "gebieden.gpkg", layer="gebieden") for t in tables)
    assert len(first) == 64 * 4
    assert first.nr.tolist() == [n for n in range(1, 65) for _ in range(4)]
    assert first.drop(columns="geometry").equals(second.drop(columns="geometry"))
    assert (first.geometry == second.geometry).all()


@pytest.mark.parametrize("keep_times", [True, False])
def test_an_output_folder_that_was_copied_is_its_own(tmp_path, keep_times):
    """Parts are there, what is made of them is taken or made again, and the folder it came from does not matter."""
    path = place(tmp_path, RUN + '[ontvangers]\npath = "lagen/beekdal.geojson"\n')
    assert runner.run(path).complete
    first, second = tmp_path / "uit", tmp_path / "kopie"
    shutil.copytree(first, second, copy_function=shutil.copy2 if keep_times else shutil.copyfile)
    path.write_text(path.read_text("utf-8").replace('"uit"', '"kopie"'), encoding="utf-8")
    (second / "woningbouw" / "klasse.tif").unlink()
    outcome = runner.run(path)
    assert outcome.complete and outcome.made == 0
    said = [json.loads((folder / "herkomst.json").read_text("utf-8")) for folder in (first, second)]
    assert said[0]["uitvoer"] == said[1]["uitvoer"] and not said[1]["eerder"]
    for name in said[0]["uitvoer"]:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert wb.status(second).complete
