"""Work on blocks of cells in threads: kernels release the lock, and no float is summed across threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

#: Below this many cells a thread costs more than it brings.
WORTH_A_THREAD = 200_000


def thread_count() -> int:
    """Return how many threads to use: ``WATERBODEM_THREADS``, else the processors this process may use."""
    stated = os.environ.get("WATERBODEM_THREADS", "")
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_alone = threading.local()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep what this thread calls in this thread: one level of threads only."""
    before = getattr(_alone, "yes", False)
    _alone.yes = True
    try:
        yield
    finally:
        _alone.yes = before


T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield what ``work`` makes of items, in their order, in threads."""
    count = 1 if getattr(_alone, "yes", False) else min(thread_count(), len(items))
    if count <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(work, items)


def in_blocks(work: Callable[[slice], None], cells: int, align: int) -> None:
    """Call ``work`` on slices that cover ``range(cells)``, in threads.

    Parameters
    ----------
    work : callable
        Takes a slice; must write only its own cells.
    cells : int
        How many there are.
    align : int
        Slices start at multiples of this.
    """
    count = 1 if getattr(_alone, "yes", False) else min(thread_count(), max(1, cells // WORTH_A_THREAD))
    size = -(-cells // (count * align)) * align
    parts = [slice(a, min(a + size, cells)) for a in range(0, cells, max(size, 1))]
    if len(parts) <= 1:
        work(slice(0, cells))
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(work, parts))
