"""Commands that are stopped, killed, or two at once on one folder: an old answer or a new one, never a mix of both."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import waterbodem as wb
from tests.batch.test_runner import EXAMPLE, digests, place
from tests.faults.test_batch_faults import OTHER, told
from tests.support.vouching import vouched
from tests.support.worker import RUN
from waterbodem.assessment.files import save_assessment
from waterbodem.batch import runner
from waterbodem.core.errors import ArgumentError

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork"),
    pytest.mark.usefixtures("plain_pictures"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Layers, beside which directions are kept."""
    return shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("data") / "lagen")


#: A report that costs nothing.
QUICK = "import waterbodem.assessment.files as o\no.report_html = lambda assessment: '<!doctype html>'\n"
OLD = ("--set", "woningbouw.verhardingsgraad=0.2", "--methode", "minimum")


def question(data, output, *more):
    asked = ["--layers", data / "lagen.toml", "--functie", "woningbouw", "--gebied", data / "plannen.geojson"]
    return ["assess", *asked, "--output", output, *more]


@pytest.fixture(scope="module")
def answers(data, nursery, tmp_path_factory):
    """An old answer and a new one."""
    folder = tmp_path_factory.mktemp("answers")
    for name, more in (("old", OLD), ("new", ())):
        told(nursery.run(*question(data, folder / name, *more), code=QUICK), 0)
    return folder


@pytest.fixture
def output(answers, ram_path):
    return shutil.copytree(answers / "old", ram_path / "uit")


def everything(folder):
    """The sha256 of every file but herkomst.json, hidden ones too, and the names of all folders."""
    assert not [p for p in folder.rglob("*") if p.name.startswith(".")]
    return digests(folder)


#: A signal at the moment that something is called for the n-th time.
AT = """
import os, {0} as m
real, left = m.{1}, [{2}]
def at(*given, **more):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), {3})
    return real(*given, **more)
m.{1} = at
"""
LAST = 38
MOMENTS = [
    ("waterbodem.assessment.from_files", "read_inputs", 1),
    ("waterbodem.assessment.files", "stage_raster", 3),
    ("waterbodem.assessment.files", "herkomst", 1),
    ("os", "replace", 1),
    ("os", "replace", 9),
    ("os", "replace", LAST),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: f"{m[1]} {m[2]}")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_an_answer_that_is_stopped_leaves_the_old_one(data, answers, output, nursery, moment, name):
    account = (output / "herkomst.json").read_bytes()
    done = nursery.run(*question(data, output), code=QUICK + AT.format(*moment, int(getattr(signal, name))))
    told(done, 3, said="onderbroken: er staat niets half")
    assert "Aborted" not in done.err and not done.out
    assert everything(output) == digests(answers / "old")
    assert (output / "herkomst.json").read_bytes() == account


def test_the_moments_reach_until_the_last_file(answers):
    assert sum(p.is_file() for p in (answers / "new").rglob("*")) == LAST


@pytest.mark.parametrize(("command", "number"), [(("demo", "--output"), 9), (("schema",), 2), (("init",), 1)])
def test_other_commands_that_write_leave_nothing(ram_path, nursery, command, number):
    code = QUICK + AT.format("os", "replace", number, int(signal.SIGTERM))
    done = nursery.run(*command, ram_path / "uit", code=code)
    told(done, 3, said="onderbroken: er staat niets half")
    assert list(ram_path.iterdir()) == []


def test_who_started_the_command_may_have_it_ignore_the_end_of_a_terminal(data, answers, output, nursery):
    """As nohup does."""
    ignored = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    done = nursery.run(*question(data, output), code=QUICK + ignored + AT.format("os", "replace", 9, 1))
    told(done, 0)
    assert everything(output) == digests(answers / "new")


def test_a_run_stops_at_the_end_of_a_terminal(ram_path, nursery):
    path = place(ram_path, RUN)
    done = nursery.run("run", path, code=AT.format("waterbodem.batch.finish", "stage_map", 2, int(signal.SIGHUP)))
    told(done, 3, said="onderbroken: hetzelfde commando gaat verder")
    assert not list((ram_path / "uit").rglob("*.partial*"))
    told(nursery.run("run", path), 0)


SWALLOWED = """
import os, signal
def swallowed(assessment):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("initialization failed")
o.report_html = swallowed
"""


def test_a_library_that_makes_an_error_of_it_is_not_to_blame(data, answers, output, nursery):
    """As matplotlib does while it loads."""
    told(nursery.run(*question(data, output), code=QUICK + SWALLOWED), 3, said="onderbroken")
    assert everything(output) == digests(answers / "old")


LOADING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "rasterio":
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("initialization failed")
sys.meta_path.insert(0, Finder())
from waterbodem.cli import main
main()
"""


def test_ctrl_c_while_modules_load(data, ram_path):
    command = [sys.executable, "-c", LOADING, *map(str, question(data, ram_path / "uit"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert done.stderr == "onderbroken: er staat niets half; hetzelfde commando begint opnieuw\n"
    assert list(ram_path.iterdir()) == []


# --- killed ----------------------------------------------------------------------------------------------------------

KILLS = [
    ("waterbodem.assessment.files", "stage_raster", 4),
    ("os", "replace", 1),
    ("os", "replace", 2),
    ("os", "replace", 14),
    ("os", "replace", LAST),
    ("waterbodem.core.files", "_flush_folder", 2),
    ("waterbodem.core.files", "_remove", 3),
]


@pytest.mark.parametrize("moment", KILLS, ids=lambda m: f"{m[1]} {m[2]}")
def test_an_answer_that_is_killed_vouches_for_no_file_of_another(data, answers, output, nursery, moment):
    done = nursery.run(*question(data, output), code=QUICK + AT.format(*moment, int(signal.SIGKILL)))
    assert done.code == -signal.SIGKILL
    vouched(output)
    known = [digests(answers / n) for n in ("old", "new")]
    for name, digest in digests(output).items():
        assert name.rpartition("/")[2].startswith(".") or digest in {k[name] for k in known}
    told(nursery.run(*question(data, output), code=QUICK), 0)
    assert everything(output) == known[1]
    assert vouched(output)


def test_what_is_left_of_others_below_stays(data, output, nursery):
    """A folder of another command in this one may be in use."""
    left = output / "elders" / ".kaart.0123456789ab.partial.tif"
    (output / "elders" / ".waterbodem").mkdir(parents=True)
    left.touch()
    told(nursery.run(*question(data, output), code=QUICK), 0)
    assert left.is_file()


RUN_KILLS = [
    ("waterbodem.batch.finish", "ledger_outputs", 1),
    ("os", "replace", 3),
    ("os", "replace", 8),
    ("os", "replace", 14),
    ("os", "replace", 20),
    ("waterbodem.batch.journal", "Journal._output_row", 9),
    ("waterbodem.batch.finish", "write_provenance", 1),
]


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """A run of other settings, with its account."""
    folder = tmp_path_factory.mktemp("older")
    assert runner.run(place(folder, RUN + OTHER)).complete
    assert vouched(folder / "uit")
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
    return folder


@pytest.mark.parametrize("moment", RUN_KILLS, ids=lambda m: f"{m[1]} {m[2]}")
def test_a_run_that_is_killed_vouches_for_no_file_of_another(older, ram_path, nursery, moment):
    folder = shutil.copytree(older, ram_path / "run")
    done = nursery.run("run", folder / "run.toml", code=AT.format(*moment, int(signal.SIGKILL)))
    assert done.code == -signal.SIGKILL, done
    vouched(folder / "uit")
    told(nursery.run("run", folder / "run.toml"), 0)
    assert vouched(folder / "uit")


FULL = """
import os
real, left = os.replace, [{}]
def full(*given):
    left[0] -= 1
    if left[0] <= 0:
        raise OSError(28, "No space left on device")
    return real(*given)
os.replace = full
"""


@pytest.mark.parametrize("number", [4, 9, 16])
def test_a_disk_that_becomes_full_in_a_run_over_another(older, ram_path, nursery, number):
    folder = shutil.copytree(older, ram_path / "run")
    told(nursery.run("run", folder / "run.toml", code=FULL.format(number)), 1, said="full")
    vouched(folder / "uit")
    told(nursery.run("run", folder / "run.toml"), 0)
    assert vouched(folder / "uit")


def test_a_run_that_cannot_begin_leaves_the_account_of_before(older, ram_path, nursery):
    folder = shutil.copytree(older, ram_path / "run")
    (folder / "lagen" / "droogte.tif").write_bytes(b"no raster")
    told(nursery.run("run", folder / "run.toml"), 1, said="droogte")
    assert vouched(folder / "uit")


# --- two at once -----------------------------------------------------------------------------------------------------

#: Waits at the n-th call for a file named "go" in the working folder; makes one named "here".
WAITS = """
import pathlib, time, {0} as m
first, count = m.{1}, [{2}]
def waits(*given, **more):
    count[0] -= 1
    if not count[0]:
        pathlib.Path("here").touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.02)
    return first(*given, **more)
m.{1} = waits
"""


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def paused(nursery, folder, *words, at):
    """Start a command that waits in a folder; return it once it does."""
    started = nursery.start(*words, code=QUICK + WAITS.format(*at), cwd=folder)
    until((folder / "here").exists)
    return started


def let_go(nursery, folder, started):
    (folder / "go").touch()
    return nursery.wait(started)


@pytest.mark.parametrize(
    "at", [("waterbodem.batch.runner", "open_job", 1), ("os", "replace", 9)], ids=["begins", "writes"]
)
def test_an_answer_keeps_out_of_the_folder_of_a_run(data, ram_path, nursery, at):
    path = place(ram_path, RUN)
    run = paused(nursery, ram_path, "run", path, at=at)
    before = digests(ram_path / "uit")
    done = nursery.run(*question(data, ram_path / "uit"), code=QUICK)
    told(done, 1, said="folder holds the results of a run")
    assert "lagen lezen" not in done.err, "it is told before anything is computed"
    assert digests(ram_path / "uit") == before
    told(let_go(nursery, ram_path, run), 0)
    told(nursery.run(*question(data, ram_path / "uit"), code=QUICK), 1, said=f"got '{ram_path / 'uit'}'")
    assert wb.status(ram_path / "uit").complete and vouched(ram_path / "uit")


def test_a_run_that_came_since_is_seen_before_anything_is_written(data, ram_path, nursery):
    path = place(ram_path, RUN)
    answer = paused(
        nursery, ram_path, *question(data, ram_path / "uit"), at=("waterbodem.assessment.files", "occupied", 2)
    )
    told(nursery.run("run", path), 0)
    before = digests(ram_path / "uit")
    told(let_go(nursery, ram_path, answer), 1, said="folder holds the results of a run")
    assert digests(ram_path / "uit") == before


def test_a_run_keeps_out_of_a_folder_in_which_an_answer_is_written(data, answers, ram_path, nursery):
    path = place(ram_path, RUN)
    answer = paused(nursery, ram_path, *question(data, ram_path / "uit"), at=("os", "replace", 9))
    told(nursery.run("run", path), 1, said="another command is busy in this folder")
    waiting = nursery.start("run", path, "--wait", 60)
    told(let_go(nursery, ram_path, answer), 0)
    told(nursery.wait(waiting), 0)
    assert wb.status(ram_path / "uit").complete and vouched(ram_path / "uit")


def test_of_two_answers_at_once_the_second_one_waits(data, answers, ram_path, nursery):
    uit = ram_path / "uit"
    first = paused(nursery, ram_path, *question(data, uit, *OLD), at=("os", "replace", 9))
    second = nursery.start(*question(data, uit), code=QUICK)
    until(Path(f"{second[1]}.out").exists)
    time.sleep(1)
    assert "Rapport" not in Path(f"{second[1]}.out").read_text("utf-8")
    told(let_go(nursery, ram_path, first), 0)
    told(nursery.wait(second), 0)
    assert everything(uit) == digests(answers / "new") and vouched(uit)


def test_a_run_notes_what_it_wrote_not_what_another_program_put_there(ram_path, monkeypatch):
    path, real = place(ram_path, RUN), os.replace
    assert runner.run(path).complete
    reference = digests(ram_path / "uit")
    shutil.rmtree(ram_path / "uit")

    def put(temp, final):
        real(temp, final)
        if os.path.basename(final) in ("klasse.tif", "gebieden.csv", "overzicht.png", "rapport.html"):
            with open(final, "ab") as file:
                file.write(b"foreign")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", put)
        runner.run(path)
    state = wb.status(ram_path / "uit")
    assert state.toestand == "onvolledig" and not state.complete
    vouched(ram_path / "uit")
    assert runner.run(path).made == 0
    assert digests(ram_path / "uit") == reference and wb.status(ram_path / "uit").complete


def test_an_answer_in_python_keeps_out_too(older, ram_path):
    folder = shutil.copytree(older, ram_path / "run")
    layers = wb.example(size=60, resolution=40)
    found, before = wb.assess(layers, "woningbouw", wb.example_plans()), digests(folder / "uit")
    with pytest.raises(ArgumentError, match="folder holds the results of a run"):
        save_assessment(found, folder / "uit")
    assert digests(folder / "uit") == before
