"""Who computes the parts of a run: threads, an executor, or the workers of a Dask cluster; and in what order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from waterbodem.batch.compute import make_part
from waterbodem.batch.job import Job, Part, Variant
from waterbodem.core.errors import ArgumentError, WorkerLost

_log = logging.getLogger("waterbodem")

#: Parts in hand per worker: one at work, one ready to follow.
IN_HAND = 2
#: Seconds without news after which a crew looks at itself.
WATCH = 10.0


@dataclass(frozen=True)
class PartTask:
    """A part, its variants that are not there yet with the names of their files, and when it was taken up."""

    part: Part
    todo: Mapping[Variant, str]
    started: float = field(default_factory=time.monotonic)


#: A task, and why it failed, if it did.
Done = tuple[PartTask, BaseException | None]


class Workers(Protocol):
    """What can compute parts.

    ``here`` is how many parts are computed on this machine at once.
    """

    here: int

    def room(self) -> int:
        """Return how many parts may be in hand, so that memory does not grow with the raster."""

    def submit(self, job: Job, task: PartTask) -> Any:
        """Begin a part; return a future with ``add_done_callback``."""

    def error_of(self, future: Any) -> BaseException | None:
        """Return why a finished future failed, or None; raise what must end the run."""

    def watch(self) -> None:
        """Say so, or raise, if no part can get finished."""

    def cancel(self, futures: Iterable[Any]) -> None:
        """Drop what has not begun."""

    def close(self) -> None:
        """Let go."""


class LocalWorkers:
    """Threads of this process, or an executor of the caller's.

    Parameters
    ----------
    workers : int
    executor : Executor, optional
        Stays open.
    """

    def __init__(self, workers: int, executor: Executor | None = None) -> None:
        self.here = workers
        self._own = executor is None
        self._pool = executor or ThreadPoolExecutor(workers)

    def room(self) -> int:
        """Return two parts per worker."""
        return IN_HAND * self.here

    def submit(self, job: Job, task: PartTask) -> Any:
        """Begin a part; an executor that takes none any more ends the run."""
        try:
            return self._pool.submit(make_part, job, task.part, task.todo)
        except RuntimeError as error:
            raise ArgumentError(
                "executor takes no parts",
                value=str(error),
                allowed="a new one: the same call goes on",
                where="executor",
            ) from error

    def error_of(self, future: Any) -> BaseException | None:
        """Return why a part failed, or None."""
        error: BaseException | None = future.exception()
        return error

    def watch(self) -> None:
        """Threads do not get lost."""

    def cancel(self, futures: Iterable[Any]) -> None:
        """Drop what has not begun."""
        for future in futures:
            future.cancel()

    def close(self) -> None:
        """Wait for what is at work."""
        if self._own:
            self._pool.shutdown(wait=True, cancel_futures=True)


def finished_tasks(worker_pool: Workers, job: Job, tasks: Iterable[PartTask]) -> Generator[Done, None, None]:
    """Yield every task when it is done, with why it failed, if it did.

    A part that was at work on a process that died is not to blame yet: its neighbour there may be. It is tried again
    when nothing else is in hand, and only what is lost then has failed.

    Parameters
    ----------
    tasks : iterable of Task
        Taken one by one, as room comes.
    """
    suspects: list[PartTask] = []
    for task, error in _in_hand(worker_pool, job, iter(tasks), worker_pool.room):
        if isinstance(error, WorkerLost):
            _log.warning("part at row %s was on a worker that died; it is tried again, alone", task.part.first)
            suspects.append(task)
        else:
            yield task, error
    yield from _in_hand(worker_pool, job, iter(suspects), lambda: 1)


def _in_hand(
    worker_pool: Workers, job: Job, tasks: Iterator[PartTask], room: Callable[[], int]
) -> Generator[Done, None, None]:
    done: SimpleQueue[tuple[PartTask, Any]] = SimpleQueue()
    running: dict[int, Any] = {}
    try:
        while True:
            while len(running) < room() and (task := next(tasks, None)) is not None:
                running[task.part.number] = future = worker_pool.submit(job, task)
                future.add_done_callback(_report(done, task))
            if not running:
                return
            task, future = _next(done, worker_pool)
            del running[task.part.number]
            yield task, worker_pool.error_of(future)
    finally:
        worker_pool.cancel(list(running.values()))


def _report(done: SimpleQueue[tuple[PartTask, Any]], task: PartTask) -> Any:
    return lambda future: done.put((task, future))


def _next(done: SimpleQueue[tuple[PartTask, Any]], worker_pool: Workers) -> tuple[PartTask, Any]:
    while True:
        try:
            return done.get(timeout=WATCH)
        except Empty:
            worker_pool.watch()
