"""A second process, which compiles some kernels of a first answer while this one compiles the others.

That halves the wait of whoever has no compiled kernels yet. It is there for nothing else: it writes to the kernel cache
only, ends when this process does, and what becomes of it makes no difference to an answer.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from waterbodem.threads import workers

#: Seconds after which nothing is expected of it any more.
PATIENCE = 60.0
_once = threading.Lock()
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from waterbodem.second import main; main()"


def begin() -> None:
    """Start it, once, if there is something to compile, a processor for it and a cache that will keep it."""
    if _once.acquire(blocking=False) and workers() > 1 and _python() and _wanted():
        with suppress(OSError):
            _expect(_started())


def _python() -> bool:
    """Tell whether the program that runs is Python, not one that has it inside."""
    return Path(sys.executable or "").stem.lower().startswith("python")


def _wanted() -> bool:
    from waterbodem.kernels import _cache, burden

    kept = getattr(burden.shift_from, "_cache", None)
    return isinstance(kept, _cache.ForgivingCache) and kept.empty() and kept.writable()


def _started() -> subprocess.Popen[bytes]:
    """Start it; it holds on to a pipe from this process, which breaks when this ends, however that comes about."""
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _expect(process: subprocess.Popen[bytes]) -> None:
    """Let kernels that it compiles be waited for, and end it with this process."""
    from waterbodem.kernels import _cache, rehearsal

    theirs, last = {kernel.py_func for kernel in rehearsal.KERNELS}, time.monotonic() + PATIENCE

    def expects(function: Any) -> bool:
        return function in theirs and process.poll() is None and time.monotonic() < last

    def end() -> None:
        process.kill()
        process.communicate()

    _cache.elsewhere.expects = expects
    atexit.register(end)


def main() -> None:
    """Be the second process."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    from waterbodem.kernels import rehearsal

    rehearsal.rehearse()
    os._exit(0)


def _end_with_the_first() -> None:
    os.read(0, 1)
    os._exit(1)
