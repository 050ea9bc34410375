"""``run``, ``check`` and ``status`` on what nobody in good faith would give: one sentence, no traceback, no waiting."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.batch.test_runner import EXAMPLE, WHOLE, place
from waterbodem.assessment.files import save_assessment
from waterbodem.batch import picture, prehash
from waterbodem.batch.journal import Journal
from waterbodem.cli import cli
from waterbodem.core.errors import ArgumentError
from waterbodem.formats.overwriting import refuse_overwriting


@pytest.fixture(autouse=True)
def plain_pictures(monkeypatch):
    monkeypatch.setattr(picture, "picture_png", lambda *_: b"picture")


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
        (WHOLE + 'scenarios = "2050Hd"\n', "scenarios: must be a list"),
        (WHOLE + 'scenarios = ["2050Hd", "2050Hd"]\n', "name each scenario once"),
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
    with prehash.hashing(Path("/dev/zero")) as digest:
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


# --- the user's own files --------------------------------------------------------------------------------------------


OWN = [
    ("gebieden.gpkg", 'path = "gebieden.gpkg"'),
    ("woningbouw/plannen.gpkg", 'path = "woningbouw/plannen.gpkg"'),
    (".waterbodem/x.gpkg", 'path = ".waterbodem/x.gpkg"'),
]


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(("name", "choice"), OWN, ids=[n for n, _ in OWN])
def test_results_do_not_take_the_place_of_what_was_given(tmp_path, command, name, choice):
    text = WHOLE.replace('"uit"', '"."') + f"[gebieden]\n{choice}\n"
    path = place(tmp_path, text)
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    wb.example_plans().to_file(own)
    before = own.read_bytes()
    refused(command, path, said="written over what was given")
    assert own.read_bytes() == before


def test_an_answer_does_not_take_the_place_of_its_polygons(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "data")
    own = tmp_path / "data" / "gebieden.gpkg"
    wb.example_plans().to_file(own)
    before = own.read_bytes()
    words = ["--layers", tmp_path / "data", "--functie", "woningbouw", "--gebied", own, "--output", tmp_path / "data"]
    refused("assess", *words, said="written over what was given")
    assert own.read_bytes() == before


def test_every_result_is_known_by_its_name(tmp_path):
    """What a run and an answer leave is what may not be given there."""
    shutil.copytree(EXAMPLE, tmp_path / "data")
    run = tmp_path / "run.toml"
    text = 'layers = "data"\nfuncties = ["woningbouw"]\noutput = "uit"\nscenarios = ["2050Hd"]\n'
    run.write_text(text + '[gebieden]\npath = "data/plannen.geojson"\n', encoding="utf-8")
    wb.run(run)
    answer = wb.assess(wb.open_layers(EXAMPLE), "woningbouw", EXAMPLE / "plannen.geojson")
    save_assessment(answer, tmp_path / "antwoord")
    found = [p for folder in ("uit", "antwoord") for p in (tmp_path / folder).rglob("*") if p.is_file()]
    assert len(found) > 40
    for path in found:
        root = tmp_path / path.relative_to(tmp_path).parts[0]
        with pytest.raises(ArgumentError, match="written over"):
            refuse_overwriting(root, ["woningbouw", "woningbouw@2050Hd"], [path])


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("uit/gebieden.csv", Path.mkdir, "a folder has the name of a result"),
        ("uit/woningbouw/klasse.tif", Path.mkdir, "a folder has the name of a result"),
        ("uit/woningbouw", Path.touch, "a file has the name of a folder of results"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_what_is_in_the_way_of_a_result_is_told_before_anything_is_computed(tmp_path, command, name, made, said):
    run = place(tmp_path, WHOLE)
    (tmp_path / name).parent.mkdir(parents=True)
    made(tmp_path / name)
    refused(command, run, said=said)
    refused(command, run, said=repr(name.removeprefix("uit/")))


@pytest.mark.parametrize("key", ["output", "layers"])
def test_the_sign_of_a_home_folder_is_refused_where_nothing_fills_it_in(tmp_path, key):
    text = re.sub(rf'^{key} = "', f'{key} = "~/', WHOLE, flags=re.MULTILINE)
    refused("run", place(tmp_path, text), said="write the whole path")
    assert not list(tmp_path.rglob("~*"))


@pytest.mark.parametrize("text", [WHOLE.replace('"uit"', '"lus"'), WHOLE + '[gebieden]\npath = "lus"\n'])
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_path_that_leads_to_itself_is_refused_in_words(tmp_path, command, text):
    loop(tmp_path / "lus")
    refused(command, place(tmp_path, text), said="lus")


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_name_of_two_lines_is_one_cell(tmp_path, end):
    run = place(
        tmp_path, WHOLE.replace('output = "uit"', 'output = "uit"\nmaps = []') + '[gebieden]\npath = "p.gpkg"\n'
    )
    names = [f"Plan{end}noord", "Plan zuid"]
    wb.example_plans().iloc[:2].assign(naam=names).to_file(tmp_path / "p.gpkg")
    done = ask("run", run)
    assert done.exit_code == 0, done.output
    with (tmp_path / "uit" / "gebieden.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["gebied"] for r in rows] == names
    assert "Plan" in (tmp_path / "uit" / "rapport.html").read_text("utf-8")
