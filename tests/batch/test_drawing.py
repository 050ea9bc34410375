"""Pictures drawn in another process: the same bytes, whatever happens to it, and nothing of it stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from multiprocessing import spawn
from pathlib import Path

import pytest
from rasterio.errors import RasterioIOError

from tests.batch.test_runner import RUN, place
from waterbodem.batch import drawing, runner
from waterbodem.batch.drawing import WORTH, Drawing
from waterbodem.batch.forecast import preview
from waterbodem.batch.job import open_job
from waterbodem.batch.picture import picture_png
from waterbodem.core import helper_process

#: Draws one picture in another process, says which, and waits.
WAITING = """
import sys
from waterbodem.batch.drawing import Drawing
from waterbodem.batch.job import open_job
from waterbodem.batch.forecast import preview
job = open_job(sys.argv[1])
draw = Drawing(job, 99)
draw.prepare()
draw.png(job.variants[0])
print(draw._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A finished run of four variants."""
    path = place(tmp_path_factory.mktemp("run"), RUN)
    assert runner.run(path).complete
    return open_job(path)


@pytest.fixture
def draw(job):
    drawn = Drawing(job, WORTH)
    yield drawn
    drawn.close()


def here(job):
    return [picture_png(job, v) for v in job.variants]


def ended(pid):
    """The process is gone, or has only its exit code left."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def within(seconds, holds):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def test_another_process_draws_the_same_pictures(job, draw, monkeypatch):
    expected = here(job)
    draw.prepare()
    monkeypatch.setattr("waterbodem.batch.picture.picture_png", None)  # not here
    assert [draw.png(v) for v in job.variants] == expected
    assert len(set(expected)) == len(expected)


def test_a_few_pictures_are_no_reason_for_a_process(job, monkeypatch):
    monkeypatch.setattr(helper_process, "begin", None)
    draw = Drawing(job, WORTH - 1)
    draw.prepare()
    assert draw.png(job.variants[0]) == picture_png(job, job.variants[0])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
@pytest.mark.parametrize("drawn", [0, 1])
def test_pictures_go_on_here_when_the_other_process_is_killed(job, draw, drawn):
    draw.prepare()
    first = [draw.png(v) for v in job.variants[:drawn]]
    os.kill(draw._process.pid, signal.SIGKILL)
    assert first + [draw.png(v) for v in job.variants[drawn:]] == here(job)
    assert draw._process is None


@pytest.mark.parametrize("executable", [None, "/usr/bin/qgis", "/nowhere/python3", "fails"])
def test_pictures_are_drawn_here_where_no_process_can_begin(job, draw, monkeypatch, tmp_path, executable):
    if executable == "fails":
        executable = shutil.copy(shutil.which("false"), tmp_path / "python3")
    monkeypatch.setattr(spawn, "get_executable", lambda: executable)
    draw.prepare()
    assert draw.png(job.variants[0]) == picture_png(job, job.variants[0])


@pytest.mark.parametrize("said", ["no picture", "N.", "I1\n.", "cno\nthing\n.", ""])
def test_an_answer_that_is_none_is_not_taken(job, draw, monkeypatch, said):
    monkeypatch.setattr(helper_process, "_code", lambda *_: f"print({said!r})")
    draw.prepare()
    assert draw.png(job.variants[0]) == picture_png(job, job.variants[0])


def test_what_cannot_be_drawn_is_told_by_the_process_that_runs(job, tmp_path):
    with closing(Drawing(replace(job, output=tmp_path), WORTH)) as draw:
        draw.prepare()
        with pytest.raises(RasterioIOError, match="No such file"):
            draw.png(job.variants[0])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes")
def test_the_other_process_ends_with_the_one_that_began_it(job):
    command = [sys.executable, "-c", WAITING, str(job.output.parent / "run.toml")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert not ended(pid)
        parent.kill()
    assert within(20, lambda: ended(pid))


def test_modules_in_the_folder_of_the_caller_are_not_imported(job, draw, tmp_path, monkeypatch):
    for name in ("json", "pickle", "numpy", "waterbodem"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    draw.prepare()
    assert draw.png(job.variants[0]) == picture_png(job, job.variants[0])
    assert draw._process is not None and not (tmp_path / "run").exists()


def test_a_script_without_a_guard_runs_once(tmp_path):
    path = place(tmp_path)
    lines = [
        "from waterbodem.batch import runner as batch; from waterbodem.batch import drawing",
        "drawing.WORTH = 1",
        "print(batch.run('run.toml').complete)",
    ]
    script = tmp_path / "script.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=path.parent, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks the kernel for the peak")
def test_check_foresees_the_memory_of_the_other_process(job, draw):
    draw.prepare()
    for variant in job.variants:
        draw.png(variant)
    lines = Path(f"/proc/{draw._process.pid}/status").read_text("ascii").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    assert peak < drawing.MEMORY


def test_check_counts_the_memory_of_the_other_process(job, monkeypatch):
    monkeypatch.setattr(drawing, "WORTH", len(job.variants))
    run_file = job.output.parent / "run.toml"
    with_pictures = preview(run_file)[0].memory
    run_file.write_text("pictures = false\n" + RUN, encoding="utf-8")
    assert with_pictures - preview(run_file)[0].memory == drawing.MEMORY
