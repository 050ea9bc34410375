"""The second process is there when it is of use, ends with the first, and makes no difference to what comes out."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from numba import float64

from tests.contract.test_contract import FIRST
from waterbodem.core import helper_process
from waterbodem.engine import warmup
from waterbodem.kernels import burden, rehearsal
from waterbodem.kernels._compile import cache, decorators

#: A script without a main guard, that needs a kernel which the second process would compile.
SCRIPT = """
import numpy as np
from waterbodem.core import helper_process as companion; from waterbodem.engine import warmup as second
companion._code, second.PATIENCE = lambda *_: {code!r}, 1.0
second.begin()
from waterbodem.kernels._compile import cache as _cache; from waterbodem.kernels import zonal
assert _cache.elsewhere.expects(zonal.fill_bins.py_func)
out = np.empty(3, np.uint16)
zonal.fill_bins(np.array([0, 0.5, np.nan], "f4"), out)
print(out.tolist() == [0, zonal.BINS // 2, zonal.UNKNOWN], end="")
"""
#: Begin, say which process it is, and go on.
BEGIN = """
import sys, time
from waterbodem.core import helper_process as companion; from waterbodem.engine import warmup as second
begin = companion.begin
companion.begin = lambda *a, **k: (lambda process: print(process.pid, flush=True) or process)(begin(*a, **k))
second.begin()
time.sleep(float(sys.argv[1]))
"""
#: Look at every name of the package, then ask an answer that there is not; say what was started by either.
LOOK = """
import inspect, sys
started = []
sys.addaudithook(lambda event, _: event in ("subprocess.Popen", "os.fork", "os.posix_spawn") and started.append(event))
import waterbodem as wb
assert hasattr(wb, "assess") and {*wb.__all__} <= {name for name, _ in inspect.getmembers(wb)} & {*dir(wb)}
print(started)
try:
    wb.assess(None, "luchtkasteel", None)
except wb.WaterbodemError:
    print(started)
"""


def shift(x):
    return x + 1


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """What is started, where there is every reason to: two processors and nothing compiled yet."""
    started = []
    monkeypatch.setattr(cache, "_cache_dir", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(burden, "shift_from", decorators.kernel(shift))
    monkeypatch.setattr(warmup, "_once", threading.Lock())
    monkeypatch.setattr(helper_process, "begin", lambda *_, **__: started.append("it") or "it")
    monkeypatch.setattr(warmup, "_expect", lambda process: None)
    monkeypatch.setenv("WATERBODEM_THREADS", "2")
    return started


def test_it_is_started_once(begun):
    warmup.begin()
    warmup.begin()
    assert begun == ["it"]


def test_it_is_not_started_on_one_processor(begun, monkeypatch):
    monkeypatch.setenv("WATERBODEM_THREADS", "1")
    warmup.begin()
    assert begun == []


def test_it_is_not_started_when_all_is_compiled(begun):
    burden.shift_from.compile((float64,))
    warmup.begin()
    assert begun == []


def test_it_is_not_started_when_nothing_is_kept(begun, tmp_path):
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("where the folder should be")
    warmup.begin()
    assert begun == []


def test_it_is_not_started_when_nothing_is_compiled(begun, monkeypatch):
    monkeypatch.setattr(burden, "shift_from", shift)
    warmup.begin()
    assert begun == []


def test_a_process_that_cannot_be_started_is_done_without(begun, monkeypatch):
    monkeypatch.setattr(helper_process, "begin", lambda *_, **__: None)
    monkeypatch.setattr(warmup, "_expect", None)
    warmup.begin()


def test_it_compiles_all_but_scores_and_measures():
    names = sorted(f"{k.__module__.rpartition('.')[2]}.{k.__name__}" for k in rehearsal.KERNELS)
    assert names == sorted(n for n in set(FIRST) if not n.startswith(("legal_values.", "scoring.", "quantities.")))


def environment(folder):
    return {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder),
        "WATERBODEM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def test_looking_at_a_name_starts_nothing_and_asking_an_answer_does(tmp_path):
    """Notebooks, servers and QGIS look names up for their own reasons."""
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment(tmp_path), capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "['subprocess.Popen']"], done.stderr


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "import time; time.sleep(600)"], ids=["fails", "hangs"])
def test_what_it_does_not_compile_is_compiled_here(tmp_path, code):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(code=f"import time; time.sleep(0.5); {code}"))
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("True", "", 0)


def gone(pid):
    """Tell whether a process ends within some seconds."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("killed", [False, True])
def test_it_ends_with_the_first(tmp_path, killed):
    command = [sys.executable, "-c", BEGIN, "60" if killed else "0.5"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as first:
        pid = int(first.stdout.readline())
        os.kill(pid, 0)
        if killed:
            first.send_signal(signal.SIGKILL)
        first.wait(10)
    assert gone(pid)
    assert not list(tmp_path.rglob("*find_quantiles*")), "it had not come to its own end"
