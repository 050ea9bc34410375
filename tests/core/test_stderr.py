"""What is said beside results: where it cannot be written the work is done all the same, and no file gets it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import waterbodem as wb
from tests.batch.test_runner import EXAMPLE, digests, place
from tests.support.worker import RUN
from waterbodem.core.stderr import dropping_stream

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a shell and a disk that is full")

QUICK = "import waterbodem.assessment.files as o; o.report_html = lambda a: '<!doctype html>'"
PROGRAM = f"{QUICK}; from waterbodem.cli import main; main()"


def ended(words, said):
    """Run a command in a shell, with what is said going elsewhere; return its exit code."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {said}', "sh", *map(str, words)], timeout=300, check=False
    ).returncode


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answer")
    assert ended(question(folder), ">/dev/null 2>&1") == 0
    return digests(folder / "uit")


def question(folder):
    asked = ["--layers", EXAMPLE / "lagen.toml", "--functie", "woningbouw", "--gebied", EXAMPLE / "plannen.geojson"]
    return [sys.executable, "-c", PROGRAM, "assess", *asked, "--output", folder / "uit"]


@pytest.mark.parametrize("said", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_an_answer_is_there_whoever_hears_of_it(tmp_path, answer, said):
    assert ended(question(tmp_path), said) == 0
    assert digests(tmp_path / "uit") == answer


def test_a_run_is_done_whoever_hears_of_it(tmp_path):
    path = place(tmp_path, RUN.replace("float = true", 'maps = ["klasse"]'))
    assert ended([sys.executable, "-m", "waterbodem", "run", path], "<&- >&- 2>&-") == 0
    assert wb.status(tmp_path / "uit").complete


def test_wrong_input_ends_as_it_does_otherwise(tmp_path):
    assert ended([sys.executable, "-m", "waterbodem", "check", tmp_path / "absent.toml"], "2>/dev/full") == 1


def test_what_can_be_written_is(tmp_path):
    with open(tmp_path / "said", "w", encoding="ascii") as file:
        stream = dropping_stream(file)
        stream.write("é\n")
        stream.write("rest")
        stream.flush()
        assert not stream.isatty() and stream.fileno() == file.fileno()
    assert (tmp_path / "said").read_text("utf-8") == "é\nrest"


def test_a_pipe_that_nobody_reads_is_dropped():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as file:
        stream = dropping_stream(file)
        stream.write("a\n" * 100_000)
        stream.flush()


def test_a_stream_that_is_no_file_stays():
    stream = io.TextIOWrapper(io.BytesIO())
    assert dropping_stream(stream) is stream
