"""Real faults under ``waterbodem run``: told in a sentence, nothing half-written, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.batch.test_runner import WHOLE, digests, parcels, place
from tests.support.needs import missing
from tests.support.vouching import vouched
from tests.support.worker import RUN
from waterbodem.batch import journal, runner
from waterbodem.batch.forecast import forecast_run
from waterbodem.batch.job import open_job
from waterbodem.core.errors import WaterbodemError

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork"),
    pytest.mark.usefixtures("plain_pictures"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run leaves that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert runner.run(place(folder, RUN)).complete
    return folder / "uit"


@pytest.fixture(scope="module")
def reference(undisturbed):
    return digests(undisturbed)


@pytest.fixture(scope="module")
def size(undisturbed):
    """Bytes of all that a run leaves."""
    return sum(p.stat().st_size for p in undisturbed.rglob("*") if p.is_file())


def told(done, *codes, said=""):
    """The exit code is one of the contract, and what went wrong is said without a traceback."""
    assert done.code in codes, done
    assert "Traceback" not in done.err, done.err
    assert said in done.err, done.err
    if done.code == 1:
        assert done.err.splitlines()[-1 - done.err.rstrip().count("\n  - ")].startswith("fout: "), done.err


def whole(folder, *references):
    """Whatever has a final name is one of the complete files."""
    for name, digest in digests(folder).items():
        if not Path(name).name.startswith("."):
            assert digest in {r.get(name) for r in references}, name


def goes_on(nursery, path, reference):
    """The same command, without the fault, ends with the same bytes, and no rubbish."""
    told(nursery.run("run", path), 0)
    assert digests(path.parent / "uit") == reference
    assert not list((path.parent / "uit").rglob("*.partial*"))


# --- disk ------------------------------------------------------------------------------------------------------------

LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
"""
#: The disk becomes full once all parts are there.
LATER = """
import waterbodem.batch.runner as b
real = b._make_parts
def full(*given):
    real(*given)
    exec({!r})
b._make_parts = full
"""
#: The disk becomes full at a stage: nothing longer than a page of text can be written from there on.
AT_STAGE = """
import waterbodem.{0} as m
real = m.{1}
def full(*given, **more):
    exec({2!r})
    return real(*given, **more)
m.{1} = full
"""
STAGES = {
    "start": ("batch.runner", "open_job"),
    "parts": ("batch.runner", "_make_parts"),
    "end of a part": ("batch.compute", "PartWriter.finish"),
    "receivers": ("batch.finish", "ledger_outputs"),
    "map": ("batch.finish", "stage_map"),
    "names of a map": ("batch.finish", "_stage_pam"),
    "picture": ("batch.picture", "picture_png"),
    "table": ("batch.tables", "stage_pieces"),
    "downstream": ("batch.downstream_maps", "_computed"),
    "project": ("batch.finish", "project_bytes"),
    "page": ("batch.page", "run_html"),
    "herkomst": ("batch.finish", "write_provenance"),
}


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file size")
@pytest.mark.parametrize("size", [40_000, 60_000, 80_000, 100 * 1024])
def test_a_ledger_that_does_not_fit_is_told_once(ram_path, nursery, size):
    """It is no fault of the layers that are hashed just then, nor of a scenario that needs them."""
    path = place(ram_path, RUN.replace("float = true", 'scenarios = ["2050Hd"]'))
    done = nursery.run("run", path, code=LIMIT.format(size))
    told(done, 1, said="ledger cannot be written")
    assert done.err.count("ledger cannot be written") == 1 and "scenario" not in done.err, done.err


def test_a_scenario_is_not_blamed_for_a_layer_that_cannot_be_read(ram_path, nursery):
    path = place(ram_path, WHOLE + 'scenarios = ["2050Hd"]\n')
    for layer in (ram_path / "lagen").glob("*2050Hd*"):
        layer.write_bytes(b"no raster")
    done = nursery.run("run", path)
    told(done, 1, said="2050Hd: file is no raster")
    assert "unknown scenario" not in done.err


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file size")
@pytest.mark.parametrize("stage", STAGES)
def test_a_disk_that_becomes_full_at_any_stage(ram_path, nursery, reference, stage):
    path = place(ram_path, RUN)
    done = nursery.run("run", path, code=AT_STAGE.format(*STAGES[stage], LIMIT.format(2500)))
    told(done, 1, said="full")
    whole(ram_path / "uit", reference)
    assert not (ram_path / "uit" / "herkomst.json").exists()
    goes_on(nursery, path, reference)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_disk_that_is_too_small(ram_path, nursery, reference, size, share):
    """A real disk, in memory, of which the last byte gets used."""
    path, disk = place(ram_path, RUN), ram_path / "uit"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={int(share * size)}", "uit", disk]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        missing("the right to mount is needed for a disk of its own")
    try:
        told(nursery.run("run", path, code=ROOM.format(10**12)), 1, said="full")
        whole(disk, reference)
        subprocess.run(["mount", "-o", "remount,size=1g", disk], check=True)
        goes_on(nursery, path, reference)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


NO_SPACE = """
import waterbodem.batch.compute as m
real, times = m.PartWriter.finish, [1]
def full(*given):
    if times.pop() if times else 0:
        raise OSError(28, "No space left on device")
    return real(*given)
m.PartWriter.finish = full
"""


def test_a_disk_that_is_full_for_one_functie_is_so_for_all(ram_path, nursery):
    """It is no fault of that functie, so the run ends there, though the rest might just have fitted."""
    path = place(ram_path, RUN.replace('"woningbouw"', '"woningbouw", "akkerbouw"'))
    told(nursery.run("run", path, code=NO_SPACE), 1, said="full")
    assert not digests(ram_path / "uit")
    told(nursery.run("run", path), 0)


PIECES = "import waterbodem.engine.area_table\nwaterbodem.engine.area_table.PIECE_ROWS = 256\n"


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file size")
def test_a_disk_that_becomes_full_in_the_middle_of_the_table(ram_path, nursery):
    """From the second piece on GDAL writes, which does not say that the disk is full."""
    path = place(ram_path, RUN.replace("plannen.geojson", "percelen.gpkg").replace("float = true", "maps = []"))
    parcels(ram_path, 32)
    told(nursery.run("run", path, code=PIECES), 0)
    reference, package = digests(ram_path / "uit"), ram_path / "uit" / "gebieden.gpkg"
    size = package.stat().st_size
    package.unlink()
    done = nursery.run("run", path, code=PIECES + LATER.format(LIMIT.format(size - 100_000)))
    told(done, 1, said="full")
    assert "gebieden.gpkg" in done.err
    whole(ram_path / "uit", reference)
    told(nursery.run("run", path, code=PIECES), 0)
    assert digests(ram_path / "uit") == reference
    assert not list((ram_path / "uit").rglob("*.partial*"))


ROOM = """
import shutil
from types import SimpleNamespace
shutil.disk_usage = lambda folder: SimpleNamespace(free={})
"""


def test_too_little_disk_is_told_before_anything_is_computed(ram_path, nursery):
    path = place(ram_path, WHOLE)
    code = ROOM.format(99_000)
    told(nursery.run("run", path, code=code), 1, said="disk")
    assert not list((ram_path / "uit").rglob("*.part"))
    told(nursery.run("check", path, code=code), 1, said="disk")


def test_what_is_there_already_needs_no_room(ram_path, nursery):
    """A disk that was just large enough for a run is so for the same command afterwards."""
    path = place(ram_path, WHOLE)
    before = forecast_run(path)[0].disk
    told(nursery.run("run", path), 0)
    used = sum(p.stat().st_size for p in (ram_path / "uit").rglob("*") if p.is_file() and "ledger" not in p.name)
    left = max(0, before - used)
    assert forecast_run(path)[0].disk == left
    told(nursery.run("run", path, code=ROOM.format(left)), 0)
    if left:
        told(nursery.run("run", path, code=ROOM.format(left - 1)), 1, said="disk")


# --- layers ----------------------------------------------------------------------------------------------------------


def html(path):
    path.write_text("<!DOCTYPE html><html><body>503 Service Unavailable</body></html>", encoding="utf-8")


def json_error(path):
    path.write_text('{"error": "no token"}', encoding="utf-8")


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder(path):
    path.unlink()
    path.mkdir()


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def loop(path):
    path.unlink()
    path.symlink_to(path)


FAULTS = [html, json_error, half, folder, fifo, loop, Path.unlink, lambda p: p.write_bytes(b"")]


@pytest.mark.parametrize("fault", FAULTS, ids=["html", "json", "half", "folder", "fifo", "loop", "gone", "empty"])
def test_a_layer_that_is_no_raster_is_named(ram_path, nursery, fault):
    path = place(ram_path, WHOLE)
    fault(ram_path / "lagen" / "droogte.tif")
    told(nursery.run("run", path), 1, 3, said="droogte")
    assert not digests(ram_path / "uit")
    told(nursery.run("check", path), 1)


#: Even root may not read or write what permissions forbid.
PLAIN = """
import ctypes, os
if os.geteuid() == 0:
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
    libc, header = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capset(header, sets) == 0
"""


def test_a_layer_that_may_not_be_read_is_named(ram_path, nursery):
    path = place(ram_path, WHOLE)
    (ram_path / "lagen" / "droogte.tif").chmod(0)
    done = nursery.run("run", path, code=PLAIN)
    told(done, 1, said="droogte.tif: Permission denied")
    assert "output" not in done.err
    told(nursery.run("check", path, code=PLAIN), 1, said="droogte")


CHANGES = """
import threading, os, shutil
from pathlib import Path
from waterbodem.batch import compute as parts
real, lock = parts.evaluate, threading.Lock()
def later(*given, **more):
    with lock:
        if not Path("changed").exists():
            Path("changed").touch()
            {}
    return real(*given, **more)
parts.evaluate = later
"""
IN_PLACE = """shutil.copyfile("anders.tif", "lagen/droogte.tif")"""
REPLACED = """shutil.copy("anders.tif", "ander.tif"); os.replace("ander.tif", "lagen/droogte.tif")"""


@pytest.mark.parametrize("how", [IN_PLACE, REPLACED], ids=["in place", "replaced"])
def test_a_layer_that_changes_during_the_run(ram_path, nursery, how):
    """Nothing is told of a mix: neither as done nor in a file; afterwards the new layer is what counts."""
    path = place(ram_path, WHOLE)
    shutil.copy(ram_path / "lagen" / "droogte.tif", ram_path / "anders.tif")
    edit(ram_path / "anders.tif", 1, 0, 0)
    done = nursery.run("run", path, code=CHANGES.format(how), cwd=ram_path)
    told(done, 3, said="droogte.tif")
    assert "changed during the run" in done.err
    assert not list((ram_path / "uit").rglob("*.tif"))
    told(nursery.run("run", path), 0)
    fresh = ram_path / "fresh"
    fresh.mkdir()
    again = place(fresh, WHOLE)
    shutil.copy(ram_path / "lagen" / "droogte.tif", fresh / "lagen" / "droogte.tif")
    told(nursery.run("run", again), 0)
    assert digests(ram_path / "uit") == digests(fresh / "uit")


def edit(path, keep_inode, keep_size, keep_time):
    """Change a layer's numbers, and hide it as asked."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    with rasterio.open(path) as file:
        values, profile = file.read(1), file.profile
    other = path.with_name("other.tif")
    with rasterio.open(other, "w", **profile) as file:
        file.write(np.where(values == profile["nodata"], values, values / 2), 1)
    data = other.read_bytes()
    other.unlink()
    if keep_size:
        assert len(data) <= before.st_size
        data += bytes(before.st_size - len(data))
    if not keep_inode:
        other.write_bytes(data)
        os.replace(other, path)
    else:
        path.write_bytes(data)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("keep", [(1, 0, 1), (0, 1, 1), (1, 1, 0)], ids=["other size", "other inode", "other time"])
def test_a_changed_layer_is_noticed_whatever_the_clock_says(ram_path, keep):
    path = place(ram_path, WHOLE)
    layer = ram_path / "lagen" / "droogte.tif"
    runner.run(path)
    edit(layer, *keep)
    if keep == (1, 1, 0):
        os.utime(layer, (1, 1))  # a clock that was set back to 1970
    again = runner.run(path)
    assert (again.made, again.kept) == (1, 0)


def test_verify_notices_what_was_hidden_on_purpose(ram_path):
    path = place(ram_path, WHOLE)
    runner.run(path)
    edit(ram_path / "lagen" / "droogte.tif", 1, 1, 1)
    assert runner.run(path).made == 0, "size, time and inode are as they were"
    assert runner.run(path, verify=True).made == 1


def test_what_lies_beside_a_layer_counts(ram_path):
    """A mask, or a nodata value in a file beside the layer, changes its numbers."""
    path = place(ram_path, WHOLE)
    first = runner.run(path)
    layer = ram_path / "lagen" / "droogte.tif"
    with rasterio.open(layer) as file:
        profile = file.profile | {"dtype": "uint8", "nodata": None}
    with rasterio.open(ram_path / "lagen" / "droogte.tif.msk", "w", **profile) as file:
        file.write(np.zeros((profile["height"], profile["width"]), np.uint8), 1)
    second = runner.run(path)
    assert (first.made, second.made) == (1, 1)


def test_the_crs_that_a_catalogue_states_counts(ram_path):
    """It decides where a layer without one lies."""
    path = place(ram_path, WHOLE)
    layer, table = ram_path / "lagen" / "droogte.tif", ram_path / "lagen" / "lagen.toml"
    with rasterio.open(layer) as file:
        values, profile = file.read(1), file.profile | {"crs": None}
    layer.unlink()
    with rasterio.open(layer, "w", **profile) as file:
        file.write(values, 1)
    text = table.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("crs")]
    marks = []
    for crs in ("EPSG:28992", "EPSG:32632"):
        table.write_text("\n".join([f'crs = "{crs}"', *lines]), encoding="utf-8")
        path.write_text(WHOLE + "[grid]\nbounds = [239000, 552000, 240000, 553000]\n", encoding="utf-8")
        job = open_job(path)
        marks.append({v.name: job.key(v) for v in job.variants})
    assert marks[0] != marks[1]


# --- the process -----------------------------------------------------------------------------------------------------


#: A signal at a chosen moment: while reading the run file, in a part, at the first map, in a map.
ASKED = """
import os, {0} as m
real, times = m.{1}, [{2}]
def asked(*given, **more):
    for _ in range(times.pop() if times else 0):
        os.kill(os.getpid(), {3})
    return real(*given, **more)
m.{1} = asked
"""
MOMENTS = [
    ("waterbodem.batch.runner", "open_job"),
    ("waterbodem.batch.compute", "maps_and_sums"),
    ("waterbodem.batch.finish", "stage_map"),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: m[1])
@pytest.mark.parametrize(
    ("number", "times"), [(signal.SIGINT, 1), (signal.SIGTERM, 3)], ids=["ctrl-c once", "sigterm thrice"]
)
def test_asked_to_stop(ram_path, nursery, reference, moment, number, times):
    path = place(ram_path, RUN)
    done = nursery.run("run", path, "--workers", 1, code=ASKED.format(*moment, times, int(number)))
    told(done, 3, said="onderbroken: hetzelfde commando gaat verder")
    assert "stoppen: delen onder handen" in done.err
    whole(ram_path / "uit", reference)
    if times == 1:  # at once means at once: what is in hand then is cleaned up by the next run
        assert not list((ram_path / "uit").rglob("*.partial*")), "who is asked to stop cleans up"
    assert len(list((ram_path / "uit").rglob("*.tif"))) < 9, "it did stop"
    goes_on(nursery, path, reference)


#: kill -9 with files half-written: in a part, in a map, in the tables.
DIES = """
import os, signal
import {0} as m
real = m.{1}
def dies(*given, **more):
    real(*given, **more)
    os.kill(os.getpid(), signal.SIGKILL)
m.{1} = dies
"""


@pytest.mark.parametrize(
    "where",
    [
        ("waterbodem.batch.compute", "PartWriter.finish"),
        ("waterbodem.batch.finish", "stage_map"),
        ("waterbodem.batch.tables", "stage_pieces"),
        ("waterbodem.core.files", "_flush"),
        ("waterbodem.batch.outputs", "Delivery._settle"),
    ],
    ids=lambda w: w[1],
)
def test_killed_with_a_file_in_hand_leaves_nothing_behind(ram_path, nursery, reference, where):
    path = place(ram_path, RUN)
    done = nursery.run("run", path, code=DIES.format(*where))
    assert done.code == -signal.SIGKILL
    whole(ram_path / "uit", reference)
    goes_on(nursery, path, reference)


#: kill -9 at a step that writes: putting a file on disk, giving it its name, a row of the ledger; or a moment later.
STEPS = """
import atexit, os, signal, threading, time
from waterbodem.batch.journal import Journal
left, wait = [{0}], {1}
def die():
    time.sleep(wait)
    os.kill(os.getpid(), signal.SIGKILL)
def counted(real):
    def call(*given, **more):
        left[0] -= 1
        if left[0] == -1:
            threading.Thread(target=die, daemon=True).start() if wait else die()
        return real(*given, **more)
    return call
os.fsync, os.replace, Journal._write = counted(os.fsync), counted(os.replace), counted(Journal._write)
atexit.register(lambda: print("steps", {0} - left[0]))
"""
OTHER = "[parameters.woningbouw]\nverhardingsgraad = 0.7\n"
KILLS, NEVER = 24, 10**6


def test_killed_at_any_step_it_goes_on_and_ends_the_same(ram_path, nursery, reference):
    """Moments are spread over all steps of a run, half of them beginning where another content was made before.

    Every second one hits a run that goes on after another.
    """
    path, rng, output = place(ram_path, RUN + OTHER), np.random.default_rng(3), ram_path / "uit"
    told(nursery.run("run", path), 0)
    shutil.copytree(output, ram_path / "ander")
    other = digests(output)
    path.write_text(RUN, encoding="utf-8")
    steps, seen = min(steps_of(nursery, path, before) for before in (None, ram_path / "ander")), []
    for number in range(KILLS):
        fresh = number % 2 == 0
        if fresh:
            shutil.rmtree(output)
        if number % 4 == 0:
            shutil.copytree(ram_path / "ander", output)
        share = (number + 2 * rng.random()) / KILLS if fresh else rng.random() / 2
        wait = rng.choice([0.0, 0.002, 0.02])
        done = nursery.run("run", path, code=STEPS.format(int(share * 0.95 * steps), wait))
        assert done.code == -signal.SIGKILL or (done.code == 0 and (wait or not fresh)), done
        whole(output, reference, other)
        vouched(output)
        seen += [stage_of(output)] if done.code else []
        if number % 4 == 1:
            goes_on(nursery, path, reference)
    assert len(seen) >= 20 and len(set(seen)) >= 8, seen


def steps_of(nursery, path, before):
    """How many steps a run takes in a new folder, or in a copy of one of before: it has less to write."""
    shutil.rmtree(path.parent / "uit")
    if before is not None:
        shutil.copytree(before, path.parent / "uit")
    return int(nursery.run("run", path, code=STEPS.format(NEVER, 0)).out.split()[-1])


def stage_of(folder):
    """How far a run got: which files it had finished."""
    found = digests(folder)
    kinds = (".tif", "grootboek.gpkg", "gebieden.csv", "overzicht.png", "waterbodem.qgs", "rapport.html")
    ledger = (folder / ".waterbodem" / "ledger.sqlite").is_file()
    parts = len(list((folder / ".waterbodem" / "parts").glob("*.part"))) if ledger else 0
    counts = [sum(n.endswith(kind) and not Path(n).name.startswith(".") for n in found) for kind in kinds]
    return ledger, parts, *counts, (folder / "herkomst.json").is_file()


def test_two_runs_at_once(ram_path, nursery, reference):
    path = place(ram_path, RUN)
    refused = 0
    for _ in range(5):
        shutil.rmtree(ram_path / "uit", ignore_errors=True)
        pair = [nursery.start("run", path) for _ in range(2)]
        ended = [nursery.wait(p) for p in pair]
        assert 0 in (e.code for e in ended), ended
        for done in ended:
            told(done, 0, 1, said="another command is busy" if done.code == 1 else "")
            refused += done.code == 1
        assert digests(ram_path / "uit") == reference
    assert refused >= 2
    shutil.rmtree(ram_path / "uit")
    pair = [nursery.start("run", path, "--wait", 60) for _ in range(2)]
    assert [nursery.wait(p).code for p in pair] == [0, 0]
    assert digests(ram_path / "uit") == reference


POISON = """
import waterbodem.{0} as m
def poisoned(*given, **more): raise MemoryError("poison")
m.{1} = poisoned
"""


@pytest.mark.parametrize(
    ("where", "codes"),
    [
        (("batch.compute", "maps_and_sums"), (3,)),
        (("batch.finish", "stage_map"), (1,)),
        (("batch.runner", "open_job"), (1,)),
    ],
    ids=["part", "map", "start"],
)
def test_no_memory_is_told(ram_path, nursery, reference, where, codes):
    path = place(ram_path, RUN)
    told(
        nursery.run("run", path, code=POISON.format(*where)),
        *codes,
        said="MemoryError" if codes == (3,) else "geheugen",
    )
    goes_on(nursery, path, reference)


# --- places ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_may_not_be_written(ram_path, nursery, reference):
    path = place(ram_path, RUN)
    ram_path.chmod(0o500)
    try:
        done = nursery.run("run", path, code=PLAIN)
    finally:
        ram_path.chmod(0o700)
    told(done, 1, said="output folder cannot be written")
    told(nursery.run("run", path), 0)
    path.write_text(RUN + "[parameters.woningbouw]\nverhardingsgraad = 0.7\n", encoding="utf-8")
    for closed in (ram_path / "uit" / ".waterbodem" / "parts", ram_path / "uit" / "woningbouw", ram_path / "uit"):
        closed.chmod(0o500)
        done = nursery.run("run", path, code=PLAIN)
        closed.chmod(0o700)
        told(done, 1, 3, said="written")
        assert closed.name in done.err, done.err
    path.write_text(RUN, encoding="utf-8")
    goes_on(nursery, path, reference)


@pytest.mark.parametrize("name", ["a'b\"c;$(id)& é", "%41#?*[x]", "diep/er/nog", "-rf", "uit.tif"])
def test_odd_names_of_the_output(ram_path, nursery, reference, name):
    path = place(ram_path, RUN.replace('"uit"', f"'''{name}'''"))
    told(nursery.run("run", path), 0)
    assert digests(ram_path / name) == reference


def test_from_elsewhere_and_onto_another_disk(ram_path, nursery, reference):
    path = place(ram_path, RUN)
    other = ram_path / "elders"
    other.mkdir()
    told(nursery.run("run", "../run.toml", cwd=other), 0)
    assert digests(ram_path / "uit") == reference
    assert not list(other.iterdir())
    (ram_path / "link.toml").symlink_to(path)
    assert runner.run(ram_path / "link.toml").made == 0
    with tempfile.TemporaryDirectory() as folder:
        path.write_text(RUN.replace('"uit"', f'"{folder}"'), encoding="utf-8")
        told(nursery.run("run", path), 0)
        assert digests(Path(folder)) == reference


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_name_that_no_disk_takes(ram_path, nursery, command):
    path = place(ram_path, WHOLE.replace('"uit"', f'"{"a" * 300}"'))
    told(nursery.run(command, path), 1, said="a name in the path is longer than 255 bytes")


def test_the_output_is_a_file(ram_path, nursery):
    path = place(ram_path, WHOLE)
    (ram_path / "uit").write_text("mine", encoding="utf-8")
    told(nursery.run("run", path), 1, said="output folder")
    assert (ram_path / "uit").read_text(encoding="utf-8") == "mine"
    path.write_text(WHOLE.replace('"uit"', '"goed"'), encoding="utf-8")
    (ram_path / "goed").mkdir()
    (ram_path / "goed" / "woningbouw").write_text("mine", encoding="utf-8")
    told(nursery.run("run", path), 1, said="woningbouw")
    assert (ram_path / "goed" / "woningbouw").read_text(encoding="utf-8") == "mine"


# --- what a run remembers --------------------------------------------------------------------------------------------


def garbage(path):
    path.write_bytes(b"this is no database\n" * 500)


def cut(path):
    path.write_bytes(path.read_bytes()[:9000])


def cut_short(path):
    path.write_bytes(path.read_bytes()[:50])


def scribbled(path):
    data = bytearray(path.read_bytes())
    data[4096:] = np.random.default_rng(1).bytes(len(data) - 4096)
    path.write_bytes(data)


def other_tables(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE part (key TEXT)")
        db.execute("CREATE TABLE input (path TEXT, kleur TEXT)")


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("fault", [garbage, cut, cut_short, scribbled, other_tables, emptied, Path.unlink])
def test_a_damaged_ledger_costs_time_only(ram_path, nursery, reference, fault):
    path = place(ram_path, RUN)
    runner.run(path)
    fault(ram_path / "uit" / ".waterbodem" / "ledger.sqlite")
    (ram_path / "uit" / "woningbouw" / "risico.tif").unlink()
    goes_on(nursery, path, reference)
    assert runner.run(path).made == 0


def test_a_ledger_that_another_program_holds(ram_path, nursery, reference):
    path = place(ram_path, RUN)
    runner.run(path)
    ledger = ram_path / "uit" / ".waterbodem" / "ledger.sqlite"
    other = sqlite3.connect(ledger)
    other.execute("BEGIN EXCLUSIVE")
    done = nursery.run("run", path, code="import waterbodem.batch.journal as j\nj.PATIENCE = 0.2")
    told(done, 1, said="ledger cannot be locked")
    other.rollback()
    other.close()
    goes_on(nursery, path, reference)


def test_a_ledger_that_breaks_during_the_run_is_told(ram_path):
    ledger = journal.Journal(ram_path / "ledger.sqlite")
    ledger._db.execute("DROP TABLE part")
    with pytest.raises(WaterbodemError, match="ledger"):
        ledger.part_done("a")
    ledger.close()


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def of_another(path):
    other = next(p for p in path.parent.glob("*.part") if p != path)
    shutil.copy(other, path)


@pytest.mark.parametrize("fault", [flip, half, emptied, of_another, Path.unlink])
def test_a_damaged_part_is_computed_again(ram_path, fault):
    path = place(ram_path, RUN.replace('"woningbouw"', '"woningbouw", "akkerbouw"'))
    runner.run(path)
    before = digests(ram_path / "uit")
    fault(min((ram_path / "uit" / ".waterbodem" / "parts").glob("*.part")))
    for functie in ("woningbouw", "akkerbouw"):
        shutil.rmtree(ram_path / "uit" / functie)
    (ram_path / "uit" / "gebieden.csv").unlink()
    again = runner.run(path)
    assert again.complete
    assert (again.made, again.kept) == (1, 1)
    assert digests(ram_path / "uit") == before


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("woningbouw/klasse.tif", half),
        ("woningbouw/klasse.tif.aux.xml", Path.unlink),
        ("gebieden.csv", emptied),
        ("gebieden.gpkg", Path.unlink),
    ],
)
def test_an_output_that_was_lost_or_edited_is_made_again(ram_path, nursery, reference, name, fault):
    path = place(ram_path, RUN)
    runner.run(path)
    fault(ram_path / "uit" / name)
    goes_on(nursery, path, reference)


def test_verify_notices_a_bit_that_flipped_in_a_map(ram_path, reference):
    path = place(ram_path, RUN)
    runner.run(path)
    final = ram_path / "uit" / "woningbouw" / "klasse.tif"
    before = final.stat()
    flip(final)
    os.utime(final, ns=(before.st_atime_ns, before.st_mtime_ns))
    runner.run(path, verify=True)
    assert digests(ram_path / "uit") == reference


# --- huge ------------------------------------------------------------------------------------------------------------

SPACE = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"


@pytest.fixture
def huge(ram_path):
    """A file of a few megabytes that claims 40 000 million cells."""
    profile = {
        "driver": "GTiff",
        "height": 200_000,
        "width": 200_000,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:28992",
    }
    profile |= {"transform": rasterio.Affine(1, 0, 50_000, 0, -1, 600_000), "nodata": -9999.0, "SPARSE_OK": "TRUE"}
    profile |= {"tiled": True, "blockxsize": 1024, "blockysize": 1024, "BIGTIFF": "YES"}
    with rasterio.open(ram_path / "droogte.tif", "w", **profile) as file:
        file.write(np.full((1024, 1024), 25, np.float32), 1, window=((0, 1024), (0, 1024)))
    (ram_path / "lagen.toml").write_text('[layers.droogte]\npath = "droogte.tif"\nunit = "%"\n', encoding="utf-8")
    path = ram_path / "run.toml"
    path.write_text('layers = "lagen.toml"\nfuncties = ["akkerbouw"]\noutput = "uit"\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_raster_that_no_disk_holds_is_refused_before_the_start(huge, nursery, command):
    told(nursery.run(command, huge, code=SPACE + ROOM.format(10**9)), 1, said="disk may become full")
    assert not list(huge.parent.rglob("*.part"))


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_run_that_memory_cannot_hold_is_refused_before_the_start(ram_path, nursery, command):
    path = place(ram_path, WHOLE)
    little = "import waterbodem.core.memory as m\nm.available_memory = lambda: 300_000_000\n"
    told(nursery.run(command, path, code=little), 1, said="not enough memory")
    assert not list(ram_path.rglob("*.part"))


def test_a_corner_of_it_just_runs(huge, nursery):
    huge.write_text(
        huge.read_text(encoding="utf-8") + "[grid]\nbounds = [50000, 599000, 51500, 600000]\n", encoding="utf-8"
    )
    told(nursery.run("run", huge, code=SPACE), 0)
    with rasterio.open(huge.parent / "uit" / "akkerbouw" / "dekking.tif") as file:
        assert file.shape == (1000, 1500)
        known = file.read(1) > 0
    assert known[:, :1024].all() and not known[:, 1024:].any(), "only one tile of the file holds data"
