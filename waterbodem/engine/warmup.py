"""A second process, which compiles some kernels of a first answer while this one compiles the others.

That halves the wait of whoever has no compiled kernels yet. It is there for nothing else: it writes to the kernel cache
only, ends when this process does, and what becomes of it makes no difference to an answer.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from subprocess import Popen
from typing import Any

from waterbodem.core import helper_process
from waterbodem.core.threads import workers

#: Seconds after which nothing is expected of it any more.
PATIENCE = 60.0
_once = threading.Lock()


def begin() -> None:
    """Start it, once, if there is something to compile, a processor for it and a cache that will keep it."""
    if _once.acquire(blocking=False) and workers() > 1 and _wanted():
        process = helper_process.begin(__name__, main.__name__, answers=False)
        if process is not None:
            _expect(process)


def _wanted() -> bool:
    from waterbodem.kernels import burden
    from waterbodem.kernels._compile import cache

    kept = getattr(burden.shift_from, "_cache", None)
    return isinstance(kept, cache.ForgivingCache) and kept.empty() and kept.writable()


def _expect(process: Popen[bytes]) -> None:
    """Let kernels that it compiles be waited for, and end it with this process."""
    from waterbodem.kernels import rehearsal
    from waterbodem.kernels._compile import cache

    theirs, last = {kernel.py_func for kernel in rehearsal.KERNELS}, time.monotonic() + PATIENCE

    def expects(function: Any) -> bool:
        return function in theirs and process.poll() is None and time.monotonic() < last

    cache.elsewhere.expects = expects
    atexit.register(helper_process.end, process)


def main() -> None:
    """Be the second process."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    from waterbodem.kernels import rehearsal

    rehearsal.rehearse()
    os._exit(0)


def _end_with_the_first() -> None:
    os.read(0, 1)
    os._exit(1)
