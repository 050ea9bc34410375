"""How a run stands, asked from outside: never in the way of the run, and true at every moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.support.layer_files import catalogue, layer, raster
from waterbodem.batch import compute, runner
from waterbodem.batch import state as run_state
from waterbodem.batch.journal import JournalPage
from waterbodem.batch.state import RunState, VariantState
from waterbodem.batch.state_text import run_text
from waterbodem.cli import cli
from waterbodem.core.errors import ArgumentError, CorruptLayer

RUN = 'layers = "lagen.toml"\nfuncties = ["woningbouw", "natte_natuur"]\noutput = "uit"\n'


def place(folder):
    """Three parts of 256 rows for each of two functies."""
    raster(folder / "kwel.tif", np.linspace(-3, 3, 768 * 40, dtype=np.float32).reshape(768, 40))
    catalogue(folder, layer("kwel", "kwel.tif", "mm/d", sign='"up"'))
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
    return folder / "run.toml"


def ask(folder, *more):
    return CliRunner().invoke(cli, ["status", str(folder), *more], catch_exceptions=False)


def parts_of(state):
    return [(v.naam, v.klaar, v.mislukt, v.te_doen, v.kaarten) for v in state.varianten]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert runner.run(place(folder), tile=256).complete
    return folder


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match="no run has worked here"):
        wb.status(tmp_path)
    done = ask(tmp_path)
    assert done.exit_code == 1 and "no run has worked here" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_ledger_that_is_none_is_an_error(tmp_path):
    (tmp_path / ".waterbodem").mkdir()
    (tmp_path / ".waterbodem/ledger.sqlite").write_bytes(b"gone" * 1000)
    with pytest.raises(CorruptLayer, match="ledger"):
        wb.status(tmp_path)


def test_a_finished_run_is_complete(finished):
    state = wb.status(finished / "uit")
    assert state.complete and state.toestand == "klaar"
    assert parts_of(state) == [("woningbouw", 3, 0, 0, 6), ("natte_natuur", 3, 0, 0, 6)]
    assert state.sinds <= state.tot <= time.time()
    done = ask(finished / "uit")
    assert done.exit_code == 0 and "3 van 3" in done.stdout and "6 van 6" in done.stdout
    told = json.loads(ask(finished / "run.toml", "--json").stdout)
    assert told["toestand"] == "klaar" and told["bestand"] == "run.toml"


def test_asking_leaves_no_trace_and_does_not_undo_anything(finished):
    folder = finished / "uit/.waterbodem"
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()}
    wb.status(finished / "uit")
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()} == before
    assert runner.run(finished / "run.toml", tile=256).made == 0


def test_a_run_that_was_moved_is_still_complete(finished, tmp_path):
    shutil.copytree(finished / "uit", tmp_path / "elders")
    for path in (finished / "uit").rglob("*"):  # a copy that keeps times, as cp -p or a move does
        os.utime(tmp_path / "elders" / path.relative_to(finished / "uit"), ns=(1, path.stat().st_mtime_ns))
    assert wb.status(tmp_path / "elders").complete


def test_an_output_that_is_gone_makes_it_incomplete(tmp_path):
    runner.run(place(tmp_path), tile=256)
    (tmp_path / "uit/woningbouw/klasse.tif").unlink()
    state = wb.status(tmp_path / "uit")
    assert state.toestand == "onvolledig" and parts_of(state)[0] == ("woningbouw", 3, 0, 0, 5)
    assert ask(tmp_path / "uit").exit_code == 3


def test_a_part_that_failed_is_told_with_its_reason(tmp_path, monkeypatch):
    path, real = place(tmp_path), compute.evaluate

    def poisoned(cells, functie, *rest, **kw):
        if functie.id == "natte_natuur":
            raise MemoryError("poison")
        return real(cells, functie, *rest, **kw)

    monkeypatch.setattr(compute, "evaluate", poisoned)
    runner.run(path, tile=256)
    state = wb.status(tmp_path / "uit")
    assert state.toestand == "mislukt" and not state.complete
    assert sum(v.mislukt for v in state.varianten) == len(state.problemen) > 0
    assert all("MemoryError: poison" in reason for _, reason in state.problemen)
    done = ask(tmp_path / "uit")
    assert done.exit_code == 3 and "MemoryError: poison" in done.stdout
    monkeypatch.undo()
    runner.run(path, tile=256)
    assert wb.status(tmp_path / "uit").complete


def test_a_layer_that_ends_a_run_is_told(tmp_path):
    path = place(tmp_path)
    (tmp_path / "kwel.tif").write_bytes(b"no raster")
    with pytest.raises(wb.WaterbodemError):
        runner.run(path)
    state = wb.status(tmp_path / "uit")
    assert state.toestand == "mislukt" and "kwel" in state.problemen[0][1]
    assert ask(tmp_path / "uit").exit_code == 3


SLOW = """
import sys
from waterbodem.batch import runner as batch; from waterbodem.batch import compute as parts
real, calls = parts.evaluate, []
def waiting(*args, **kw):
    calls.append(1)
    if len(calls) > 2:
        sys.stdin.readline()
    return real(*args, **kw)
parts.evaluate = waiting
batch.run(sys.argv[1], workers=1, tile=256)
"""


def until(question, seconds=60):
    """Ask until it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = question()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_rate_and_time_left_count_what_this_run_did(monkeypatch):
    """Ten seconds; of ten parts five are there, three of them from before, one failed and four are left."""
    monkeypatch.setattr(run_state, "time", SimpleNamespace(time=lambda: 1010.0))
    plan = run_state.RunPlan("run.toml", 500, 40, 100, {"a": "", "b": ""}, [], [], kept=3)
    found = VariantState("a", 3, 0, 2, 0, 6), VariantState("b", 2, 1, 2, 0, 6)
    pace = run_state._pace(plan, JournalPage(begun=1000.0), found)
    assert pace == {"cellen_per_s": pytest.approx(500 * 40 * 2 / 10 / 10), "nog_s": pytest.approx(4 * 10 / 2)}
    none_yet = VariantState("a", 3, 0, 2, 0, 6), VariantState("b", 0, 0, 5, 0, 6)
    assert run_state._pace(plan, JournalPage(begun=1000.0), none_yet) == {}


@pytest.mark.parametrize(("todo", "said"), [(0, "Rekenen is klaar"), (1, "nog 20 s rekenen")])
def test_a_busy_run_whose_parts_are_all_there_computes_no_more(todo, said):
    found = VariantState("woningbouw", 3 - todo, 0, todo, 0, 6)
    text = run_text(RunState("bezig", "run.toml", varianten=(found,), cellen_per_s=1000.0, nog_s=20.0))
    assert said in text and ("Tempo" in text) == bool(todo)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_busy_run_is_followed_and_a_killed_one_is_seen(tmp_path):
    path, folder = place(tmp_path), tmp_path / "uit"
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(path)], stdin=subprocess.PIPE, text=True)
    try:
        until((folder / ".waterbodem/ledger.sqlite").is_file)
        state = until(lambda: (s := wb.status(folder)).varianten and all(v.klaar for v in s.varianten) and s)
        assert state.toestand == "bezig" and not state.complete
        assert parts_of(state) == [("woningbouw", 1, 0, 2, 0), ("natte_natuur", 1, 0, 2, 0)]
        left = 4 / 6 * 768 * 40
        assert state.cellen_per_s * state.nog_s == pytest.approx(left), "at this rate it takes this long"
        done = ask(folder)
        assert done.exit_code == 3 and "bezig" in done.stdout and "cellen/s, nog" in done.stdout
        assert child.poll() is None, "asking does not end it"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    state = wb.status(folder)
    assert state.toestand == "afgebroken" and state.tot is None and state.cellen_per_s is None
    assert parts_of(state)[0] == ("woningbouw", 1, 0, 2, 0)
    assert ask(folder).exit_code == 3
    again = runner.run(path, tile=256)
    assert (again.made, again.kept) == (4, 2), "asking did not touch what was done"
    assert wb.status(folder).complete


def test_a_lock_that_cannot_be_looked_at_leaves_the_traces(tmp_path):
    work = tmp_path / ".waterbodem"
    (work / "lock").mkdir(parents=True)  # opening it is refused, as in a folder of somebody else
    ledger = work / "ledger.sqlite"
    ledger.touch()
    assert run_state.is_busy(tmp_path)
    os.utime(ledger, (0, 0))
    assert not run_state.is_busy(tmp_path)


def test_the_plan_of_a_ledger_reads_back():
    plan = run_state.RunPlan("run.toml", 600, 40, 256, {"a": "key"}, ["klasse.tif"], [], 1)
    assert run_state.RunPlan.read(plan.to_json()) == plan
    assert len(set(plan.parts_of("a"))) == 3
