"""Parts of a run on an existing Dask cluster, whose workers see the same folders as this machine.

A task holds the number of a part and the names of its files; the job itself is one task's result, which the scheduler
makes again should its holder die, so the graph stays small whatever the size of the raster.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from distributed import Client, KilledWorker
from distributed.comm.addressing import resolve_address

from waterbodem.batch.compute import make_part
from waterbodem.batch.job import Job, Part
from waterbodem.batch.workers import IN_HAND, PartTask
from waterbodem.core.errors import ArgumentError, ClusterError, WorkerLost
from waterbodem.core.version import code_version

_log = logging.getLogger("waterbodem")

#: Seconds in which a scheduler must answer.
PATIENCE = 10


class DaskWorkers:
    """The workers of a Dask cluster as a crew.

    Parameters
    ----------
    dask : str or distributed.Client
        Address of a scheduler, such as ``tcp://host:8786``; a client stays open.

    Raises
    ------
    ClusterError
        If the scheduler does not answer.
    ArgumentError
        If it is neither, or an asynchronous client.
    """

    here = 1

    def __init__(self, dask: str | Client) -> None:
        self._own = isinstance(dask, str)
        self._client = _connect(dask) if isinstance(dask, str) else _checked(dask)
        self._job: Any = None

    def room(self) -> int:
        """Return two parts per thread that the cluster has now."""
        with _talking("the scheduler does not answer any more"):
            threads: dict[str, int] = self._client.nthreads()
            return IN_HAND * max(1, sum(threads.values()))

    def submit(self, job: Job, task: PartTask) -> Any:
        """Begin a part."""
        names = {variant.name: name for variant, name in task.todo.items()}
        with _talking("the scheduler takes no tasks"):
            sent = self._sent(job)
            return self._client.submit(
                _make, sent, task.part, names, code_version(), key=f"waterbodem-{task.part.first}-{uuid4().hex}"
            )

    def _sent(self, job: Job) -> Any:
        """Return the job as a future; it goes to the scheduler once, unless it got lost with a worker for good."""
        if self._job is None or self._job.status in ("error", "lost"):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*[Ll]arge", UserWarning)  # once is what it advises
                self._job = self._client.submit(_same, job, key=f"waterbodem-job-{uuid4().hex}")
        return self._job

    def error_of(self, future: Any) -> BaseException | None:
        """Return why a part failed, or None; a cluster that cannot do the work ends the run."""
        if future.status in ("cancelled", "lost"):
            raise ClusterError("contact with the Dask scheduler was lost", allowed="the same command goes on")
        error: BaseException | None = future.exception()
        if isinstance(error, KilledWorker):
            return WorkerLost("the worker process died each time: out of memory, or a crash in a library")
        if isinstance(error, ClusterError):
            raise error
        return error

    def watch(self) -> None:
        """Say so if there are no workers."""
        with _talking("the scheduler does not answer any more"):
            if not self._client.nthreads():
                _log.warning("the Dask cluster has no workers; waiting for one")

    def cancel(self, futures: Iterable[Any]) -> None:
        """Drop what has not begun; what is at work finishes its part, which does no harm."""
        if futures and self._client.status == "running":
            self._client.cancel(futures)

    def close(self) -> None:
        """Forget the job; close a client of our own."""
        self._job = None
        if self._own:
            self._client.close()


def _connect(address: str) -> Client:
    with _talking("Dask scheduler cannot be reached", address):
        resolve_address(address)  # a client that never was hangs when it is thrown away
        return Client(address, timeout=PATIENCE, set_as_default=False)


def _checked(client: Any) -> Client:
    if not isinstance(client, Client):
        raise ArgumentError(
            "dask is no cluster", value=type(client).__name__, allowed="an address or a distributed.Client"
        )
    if client.asynchronous:
        raise ArgumentError("client is asynchronous", allowed="Client(..., asynchronous=False)", where="dask")
    if client.status != "running":
        raise ClusterError("client is not connected", value=client.status, where="dask")
    return client


@contextmanager
def _talking(what: str, address: str | None = None) -> Iterator[None]:
    """Turn what the network says into an error of ours."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        reason = f"{address}: {error}" if address else str(error)
        raise ClusterError(what, value=reason, allowed="tcp://host:port of a scheduler", where="dask") from error


def _same(job: Job) -> Job:
    return job


def _make(job: Job, part: Part, names: Mapping[str, str], code: str) -> None:
    """Compute a part, on a worker.

    Raises
    ------
    ClusterError
        If this worker has other code, or does not see the folder of the run.
    """
    if code_version() != code:
        raise ClusterError("a worker has another version of waterbodem", value=code_version(), allowed=code)
    if not (job.work / "parts").is_dir():
        raise ClusterError("a worker does not see the output folder", value=str(job.output), allowed="a shared disk")
    make_part(job, part, {v: names[v.name] for v in job.variants if v.name in names})
