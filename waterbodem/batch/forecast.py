"""What a batch run will cost, before it starts."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from waterbodem.batch import disk_space
from waterbodem.batch.compute import cache_of
from waterbodem.batch.downstream_maps import cost
from waterbodem.batch.drawing import memory_needed
from waterbodem.batch.job import BLOCK, Job, open_job
from waterbodem.batch.receiver_ledger import ledger_memory, seconds_needed
from waterbodem.batch.sample import Rates, busy_cells, measure
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, OutOfSpace, PartFailed, WaterbodemError, raise_all
from waterbodem.core.threads import workers as default_workers
from waterbodem.definitions.labels import decimal, plain
from waterbodem.formats.overwriting import nearest_folder
from waterbodem.layers.audit import Audit, audit_stack
from waterbodem.layers.source import LayerSource
from waterbodem.views.pace import count

#: Bytes per cell of a block beside its layers: results of one functie, with polygons.
RESULT_BYTES = 250
#: Putting maps together as a share of computing them, and bytes that are hashed in a second.
MAPS_SHARE, HASHED = 0.25, 1e9
#: Seconds that a run takes whatever its cells: to start, per map, per picture, per row of the table.
STARTING, A_MAP, A_PICTURE, A_ROW = 1.5, 0.02, 0.5, 3e-5


@dataclass(frozen=True)
class Preview:
    """Size of a run.

    Parameters
    ----------
    rows, cols : int
    resolution : float
        [m]
    cells : int
        Cells that are computed: with polygons, those of blocks that a polygon touches.
    variants : int
        Functies times (1 + scenarios).
    polygons : int
    read, disk, memory : int
        [bytes]; ``disk`` at its fullest, from a sample with a margin or as if nothing compressed; less what an earlier
        run left.
    free : int
        Free disk where the output goes [bytes].
    seconds : float or None
        Estimate from the sample, and for a machine of two cores of what has no cells; None without one.
    stroming : int
        Memory that flow directions, exposure and ledgers take at most [bytes]; 0 without maaiveld.
    stroming_s : float
        Roughly how long they take, one thread [s].
    wil_stroming : bool
        Whether anything is asked of who lies downstream.
    """

    rows: int
    cols: int
    resolution: float
    cells: int
    variants: int
    polygons: int
    read: int
    disk: int
    memory: int
    free: int
    seconds: float | None = None
    stroming: int = 0
    stroming_s: float = 0.0
    wil_stroming: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the size for a planner."""
        time = "" if self.seconds is None else f"Tijd: ongeveer {_duration(self.seconds)} (uit een proef hier en nu)"
        return "\n".join(
            [
                f"Rooster: {self.rows} x {self.cols} cellen van {plain(self.resolution)} m; "
                f"te berekenen: {count(self.cells, self.cells)}",
                f"Functies en scenario's: {self.variants}; gebieden: {self.polygons}",
                f"Lezen: {decimal(self.read / 1e9)} GB; schrijven: hoogstens ongeveer {decimal(self.disk / 1e9)} GB "
                f"(vrij: {decimal(self.free / 1e9, 0)} GB)",
                f"Geheugen: ongeveer {decimal(self.memory / 1e9, 1)} GB",
                self._downstream(),
                time,
            ]
        ).rstrip()

    def _downstream(self) -> str:
        if not self.wil_stroming:
            return "Wie benedenstrooms ligt: niet gevraagd"
        if not self.stroming:
            return "Wie benedenstrooms ligt: niet bepaald, want maaiveld ontbreekt"
        free = memory.available()
        known = "" if free is None else f" (vrij: {decimal(free / 1e9, 1)} GB)"
        return f"Wie benedenstrooms ligt: hoogstens {decimal(self.stroming / 1e9, 1)} GB geheugen{known}"


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def preview(path: str | Path, workers: int | None = None) -> tuple[Preview, Audit]:
    """Return what a run file will cost, from computing a few blocks of it, and the check of its layers.

    Raises
    ------
    WaterbodemError
        Everything that is wrong with it; also if disk or memory will not do.
    """
    job = open_job(path)
    audit = audit_stack(job.stack, _sources(job)[len(job.stack.sources) :])
    raise_all(list(audit.problems), where=str(path))
    threads = workers or default_workers()
    found = _sampled(job, _bounds_of(job, threads), threads, measure(job))
    _refuse(found)
    return found, audit


def check_fits(job: Job, threads: int) -> None:
    """Refuse a run that disk or memory cannot hold; computes a few blocks only where the upper bound does not fit.

    Raises
    ------
    OutOfSpace, ArgumentError
    """
    found = _bounds_of(job, threads)
    _refuse(_sampled(job, found, threads, _rates(job)) if found.disk > found.free else found)


def _rates(job: Job) -> Rates:
    """Measure a run without the functies that its samples fail for: the others are made all the same."""
    try:
        return measure(job)
    except PartFailed as error:
        left = tuple(v for v in job.variants if v.name not in error.reasons)
        if not left:
            raise
        return measure(replace(job, variants=left))


def _bounds_of(job: Job, threads: int) -> Preview:
    downstream, free = cost(job), shutil.disk_usage(_existing(job.output)).free
    return Preview(
        rows=job.grid.rows,
        cols=job.grid.cols,
        resolution=job.grid.dx,
        cells=busy_cells(job),
        variants=len(job.variants),
        polygons=len(job.areas),
        read=sum(s.file.path.stat().st_size for s in _sources(job)),
        disk=max(0, disk_space.most(job) - disk_space.there(job)),
        memory=_memory(job, threads),
        free=free,
        stroming=downstream.memory + ledger_memory(job),
        stroming_s=downstream.seconds,
        wil_stroming=job.wants_downstream,
    )


def _sampled(job: Job, found: Preview, threads: int, rates: Rates) -> Preview:
    share = found.cells / rates.cells
    computing = share * rates.seconds * (1 + MAPS_SHARE) / threads
    seconds = computing + found.read / HASHED + found.stroming_s + _fixed_seconds(job)
    disk = min(found.disk, max(0, disk_space.foreseen(job, rates) - disk_space.there(job)))
    return replace(found, disk=disk, seconds=seconds)


def _fixed_seconds(job: Job) -> float:
    """Return what a run takes beside its cells: it decides for a small one [s]."""
    variants, maps = len(job.variants), len(job.file.cell_maps)
    pictures = variants if job.file.pictures and maps else 0
    rows = variants * len(job.areas)
    return STARTING + A_MAP * maps * variants + A_PICTURE * pictures + A_ROW * rows + seconds_needed(job)


def _sources(job: Job) -> list[LayerSource]:
    return [*job.stack.sources.values(), *([job.use_source] if job.use_source else [])]


def _memory(job: Job, threads: int) -> int:
    blocks = threads * math.prod(BLOCK) * (4 * len(_sources(job)) + RESULT_BYTES)
    return 300_000_000 + blocks + cache_of(job) + memory_needed(job)


def _existing(folder: Path) -> Path:
    try:
        found = nearest_folder(folder)
    except OSError as error:
        raise ArgumentError("output folder cannot be written", value=error.strerror, where=folder.name[:80]) from None
    if not os.access(found, os.W_OK | os.X_OK):
        raise ArgumentError("output folder cannot be written", value="Permission denied", where=found.name)
    return found


def _refuse(found: Preview) -> None:
    problems: list[WaterbodemError] = []
    if found.disk > found.free:
        problems.append(
            OutOfSpace("disk may become full", value=f"{found.disk} bytes needed", allowed=f"{found.free} bytes free")
        )
    free = memory.available()
    if free is not None and found.memory > free:
        problems.append(
            ArgumentError("not enough memory", value=f"{found.memory} bytes", allowed=f"{free} bytes; fewer workers")
        )
    for problem in problems:
        raise problem
