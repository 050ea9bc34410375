"""``run``, ``check`` and ``status`` on what nobody in good faith would give: one sentence, no traceback, no waiting."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_batch import WHOLE, place

from waterbodem import ahead, run_picture
from waterbodem.cli import cli
from waterbodem.journal import Journal


@pytest.fixture(autouse=True)
def plain_pictures(monkeypatch):
    monkeypatch.setattr(run_picture, "picture_png", lambda *_: b"picture")


def ask(*words):
    """Run a command; an error that is not ours fails the test."""
    return CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)


def refused(*words, said):
    done = ask(*words)
    assert done.exit_code == 1, done.output
    assert said in done.output and len(done.output) < 1000, done.output


# --- the run file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WHOLE.replace('["woningbouw"]', "3"), "functies: must be a list of functies, or 'all'"),
        (WHOLE + 'scenarios = "2050hoog"\n', "scenarios: must be a list"),
        (WHOLE + 'scenarios = ["2050hoog", "2050hoog"]\n', "name each scenario once"),
        (WHOLE + "grid = 3\n", "grid: must be a table"),
        (WHOLE + 'gebieden = "x"\n', "gebieden: must be a table"),
        (WHOLE + "[grid]\nbounds = [-1e12, -1e12, 1e12, 1e12]\n", "grid.bounds"),
        (WHOLE + "[grid]\nbounds = [-1e308, -1e308, 1e308, 1e308]\nresolution = 0.001\n", "grid.bounds"),
        (WHOLE + "[grid]\nbounds = [nan, 1, 2, 3]\n", "grid.bounds"),
        (WHOLE + "[grid]\nbounds = [-1e8, -1e8, 1e8, 1e8]\nresolution = 1\n", "too many rows or columns"),
        (WHOLE + "[grid]\nbounds = [0, 0, 1000, 1000]\n", "bounds lie outside all layers"),
        (WHOLE.replace('"uit"', '"run.toml"'), "output folder"),
        (WHOLE.replace('"uit"', '"run.toml/diep"'), "output folder"),
    ],
)
def test_a_run_file_is_refused_in_words(tmp_path, command, text, said):
    refused(command, place(tmp_path, text), said=said)


def loop(path):
    path.symlink_to(path)


def fifo(path):
    os.mkfifo(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("command", ["run", "check", "status"])
@pytest.mark.parametrize("make", [loop, fifo, Path.mkdir])
def test_a_run_file_that_is_no_file_is_not_waited_for(tmp_path, command, make):
    make(tmp_path / "run.toml")
    refused(command, tmp_path / "run.toml", said="run.toml")


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_a_name_that_no_disk_takes_is_not_there(tmp_path, command):
    refused(command, tmp_path / ("a" * 300), said="aaa")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without an end")
def test_a_device_without_an_end_is_not_read(tmp_path):
    with ahead.hashing(Path("/dev/zero")) as digest:
        assert callable(digest)
    refused("run", "/dev/zero", said="no plain file")


def test_a_number_of_seconds_that_is_none(tmp_path):
    refused("run", place(tmp_path, WHOLE), "--wait", "nan", said="no number of seconds")


# --- the output ------------------------------------------------------------------------------------------------------


def test_folders_that_look_like_rubbish_stay(tmp_path):
    path = place(tmp_path, WHOLE + 'maps = ["klasse"]\n')
    mine = [
        tmp_path / "uit" / n for n in (".x.partial.tif", ".waterbodem/parts/.x.partial.part", ".waterbodem/parts/a")
    ]
    for folder in mine:
        folder.mkdir(parents=True)
    assert ask("run", path).exit_code == 0
    assert all(folder.is_dir() for folder in mine)


def test_a_name_of_a_megabyte(tmp_path):
    path = place(tmp_path, WHOLE + 'maps = []\n[gebieden]\npath = "lagen/plannen.geojson"\n')
    plans = tmp_path / "lagen/plannen.geojson"
    plans.write_text(plans.read_text(encoding="utf-8").replace("Plan Es", "x" * 1_000_000), encoding="utf-8")
    assert ask("run", path).exit_code == 0
    assert (tmp_path / "uit/rapport.html").stat().st_size < 500_000


# --- the ledger ------------------------------------------------------------------------------------------------------

PLAN = {
    "file": "run.toml",
    "root": "uit",
    "rows": 10,
    "cols": 10,
    "part_rows": 5,
    "keys": {"a": "k"},
    "maps": ["m.tif"],
}
PLAN |= {"tables": [], "kept": 0, "receivers": ""}


def ledger(folder, plan, begun=1.0):
    (folder / "uit/.waterbodem").mkdir(parents=True)
    path = folder / "uit/.waterbodem/ledger.sqlite"
    journal = Journal(path)
    journal.begin()
    journal.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE run SET plan = ?, begun = ?, ended = ?", (plan, begun, begun))
    db.close()
    return folder / "uit"


@pytest.mark.parametrize(
    "plan",
    [
        "{",
        "[]",
        '{"a": 1}',
        b"\xff\xfe",
        *(
            json.dumps(PLAN | odd)
            for odd in (
                {"part_rows": 0},
                {"rows": -5},
                {"rows": 10**13, "part_rows": 1},
                {"rows": "x"},
                {"keys": [1]},
                {"maps": 3},
            )
        ),
    ],
)
def test_a_ledger_that_no_run_wrote_is_refused(tmp_path, plan):
    refused("status", ledger(tmp_path, plan), said="ledger holds what no run writes")


@pytest.mark.parametrize("begun", ["x", 1e300, -1e300, float("nan")])
def test_moments_that_no_clock_shows_are_left_out(tmp_path, begun):
    folder = ledger(tmp_path, json.dumps(PLAN), begun)
    assert ask("status", folder).exit_code == 3
    assert json.loads(ask("status", folder, "--json").stdout)["sinds"] is None
