"""A process and its children: wall clock and peak memory together, as /proc tells it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

#: Seconds between looks at the memory.
PERIOD = 0.05
PROC = Path("/proc")
#: Bytecode is kept, as every installation has it: the first run of a command writes it.
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        listed = [path.read_text(encoding="ascii") for path in PROC.glob(f"{pid}/task/*/children")]
    except OSError:  # it has just ended
        return [pid]
    return [pid, *(p for children in listed for child in children.split() for p in family(int(child)))]


def resident(pid: int) -> int:
    """Bytes in memory of one process; 0 when it is gone."""
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)


def watched(command: list[str]) -> tuple[float, float]:
    """Run a command; return seconds and peak gigabytes of it and its children together."""
    return heard(command)[:2]


def heard(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return seconds, peak gigabytes of it and its children together, and what it said.

    Raises
    ------
    RuntimeError
        If it fails, with what it said.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)
    peak, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(PERIOD):
            peak.append(max(peak.pop(), sum(resident(p) for p in family(process.pid))))

    watcher = threading.Thread(target=look)
    watcher.start()
    said, _ = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:500]}: exit {process.returncode}\n{said[-2000:]}")
    return seconds, peak[0] / 1e9, said
