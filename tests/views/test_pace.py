"""Progress of a long run: cells, rate and time left; a line a minute in a log, a bar in a notebook."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import numpy as np
import pytest

from tests.support.layer_files import catalogue, layer, raster
from waterbodem.batch import runner
from waterbodem.views import pace
from waterbodem.views.pace import Bar, Pace, by_cells, default_progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [1000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def test_a_line_a_minute_with_rate_and_time_left(clock):
    lines = []
    tell = Pace(lines.append)
    for second in range(301):
        clock[0] = 1000.0 + second
        tell("rekenen", second * 1_000_000, 300_000_000)
    assert lines == [
        "rekenen: 0 miljoen van 300 miljoen cellen",
        "rekenen: 60 miljoen van 300 miljoen cellen, 1,0 miljoen cellen/s, nog 4 min 0 s",
        "rekenen: 120 miljoen van 300 miljoen cellen, 1,0 miljoen cellen/s, nog 3 min 0 s",
        "rekenen: 180 miljoen van 300 miljoen cellen, 1,0 miljoen cellen/s, nog 2 min 0 s",
        "rekenen: 240 miljoen van 300 miljoen cellen, 1,0 miljoen cellen/s, nog 1 min 0 s",
        "rekenen: 300 miljoen van 300 miljoen cellen, 1,0 miljoen cellen/s",
    ]


def test_what_was_there_already_counts_as_done_but_not_as_speed(clock):
    lines = []
    tell = by_cells(Pace(lines.append, every=0.0), (2000, 1000), 500, skipped=2)
    clock[0] += 10
    tell("rekenen", 1, 4)
    assert lines == [
        "rekenen: 1,0 miljoen van 2,0 miljoen cellen",
        "rekenen: 1,5 miljoen van 2,0 miljoen cellen, 50.000 cellen/s, nog 10 s",
    ]


def test_the_last_part_is_smaller(clock):
    heard = []
    tell = by_cells(lambda *event: heard.append(event), (700, 10), 512, skipped=0)
    tell("rekenen", 1, 2)
    tell("rekenen", 2, 2)
    tell("kaarten", 1, 6)
    assert heard == [("rekenen", 0, 7000), ("rekenen", 5120, 7000), ("rekenen", 7000, 7000), ("kaarten", 1, 6)]


@pytest.fixture
def small(tmp_path):
    raster(tmp_path / "kwel.tif", np.ones((600, 40), np.float32))
    catalogue(tmp_path, layer("kwel", "kwel.tif", "mm/d", sign='"up"'))
    (tmp_path / "run.toml").write_text('layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\n')
    return tmp_path / "run.toml"


def test_a_run_without_a_callback_logs(small, caplog):
    with caplog.at_level(logging.INFO, logger="waterbodem"):
        runner.run(small, tile=256)
    lines = [r.getMessage() for r in caplog.records if r.name == "waterbodem"]
    assert lines[0] == "rekenen: 0 van 24.000 cellen"
    assert any(line.startswith("rekenen: 24.000 van 24.000 cellen, ") for line in lines)
    assert lines[-2].startswith("kaarten: 6 van 6") and lines[-1] == "overzichten: 1 van 1"


def test_a_callback_hears_of_every_part_map_and_picture(small):
    heard = []
    runner.run(small, tile=256, workers=1, progress=lambda *event: heard.append(event))
    assert heard[:4] == [("rekenen", n, 24000) for n in (0, 256 * 40, 512 * 40, 24000)]
    assert heard[4:] == [("kaarten", n, 6) for n in range(1, 7)] + [("overzichten", 1, 1)]
    heard.clear()
    runner.run(small, tile=256, progress=lambda *event: heard.append(event))
    assert heard[0] == ("rekenen", 24000, 24000), "all was there"


def test_in_a_notebook_there_is_a_bar_per_phase(monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    bars = []

    class Recorded(tqdm.std.tqdm):
        def __init__(self, **kwargs):
            super().__init__(**kwargs, file=io.StringIO())
            bars.append(self)

    monkeypatch.setattr(pace, "in_notebook", lambda: True)
    monkeypatch.setattr(pace, "_tqdm", lambda: Recorded)
    tell = default_progress()
    assert isinstance(tell, Bar)
    for event in (("rekenen", 10, 30), ("rekenen", 30, 30), ("kaarten", 1, 2), ("kaarten", 2, 2)):
        tell(*event)
    assert [(b.desc, b.total, b.n, b.initial) for b in bars] == [("rekenen", 30, 30, 10), ("kaarten", 2, 2, 1)]


def test_scripts_have_no_bar():
    code = "import sys, waterbodem.batch.runner as b; print(type(b.default_progress()).__name__, 'tqdm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Pace False"


def test_a_log_of_the_command_has_a_line_a_phase_with_the_time(small):
    done = subprocess.run(
        [sys.executable, "-m", "waterbodem", "run", str(small)], capture_output=True, text=True, check=True
    )
    first = done.stderr.splitlines()[0]
    assert first[:4].isdigit() and first.endswith("rekenen: 0 van 24.000 cellen")
    told = [line for line in done.stderr.splitlines() if not line.startswith("let op:")]
    assert [line.split(" ")[2] for line in told] == ["rekenen:"] * 2 + ["kaarten:"] * 2 + ["overzichten:"]
