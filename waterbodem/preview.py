"""What a batch run will cost, before it starts."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from waterbodem import memory
from waterbodem.errors import ArgumentError, OutOfSpace, WaterbodemError
from waterbodem.job import Job, open_job
from waterbodem.parts import BLOCK, MAPS, SHARES
from waterbodem.threads import workers as default_workers

#: Measured on two cores with float32 ZSTD layers; a machine may well be twice as fast or slow.
NS_PER_CELL, NS_PER_VARIANT = 60, 120
#: Bytes per cell of a chunk beside its layers: results of one functie, with polygons.
RESULT_BYTES = 250


@dataclass(frozen=True)
class Preview:
    """Size of a run.

    Parameters
    ----------
    rows, cols : int
    resolution : float
        [m]
    variants : int
        Functies times (1 + scenarios).
    polygons : int
    read, disk, memory : int
        [bytes] ``disk`` is an upper bound: parts and maps as if not compressed, less what an earlier run left.
    free : int
        Free disk where the output goes [bytes].
    seconds : float
        Rough estimate.
    """

    rows: int
    cols: int
    resolution: float
    variants: int
    polygons: int
    read: int
    disk: int
    memory: int
    free: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the size for a planner."""
        cells = self.rows * self.cols
        return "\n".join(
            [
                f"Rooster: {self.rows} x {self.cols} = {cells / 1e6:.1f} miljoen cellen van {self.resolution:g} m",
                f"Functies en scenario's: {self.variants}; gebieden: {self.polygons}",
                f"Lezen: {self.read / 1e9:.2f} GB; schrijven hoogstens {self.disk / 1e9:.2f} GB "
                f"(vrij: {self.free / 1e9:.0f} GB)",
                f"Geheugen: ongeveer {self.memory / 1e9:.1f} GB",
                f"Tijd: ongeveer {max(1, round(self.seconds / 60))} min (ruwe schatting)",
            ]
        )


def preview(path: str | Path, workers: int | None = None) -> Preview:
    """Return what a run file will cost.

    Raises
    ------
    WaterbodemError
        Everything that is wrong with it; also if disk or memory will not do.
    """
    return of_job(open_job(path), workers or default_workers())


def of_job(job: Job, threads: int) -> Preview:
    """Return what a run will cost; refuse one that disk or memory cannot hold.

    Raises
    ------
    OutOfSpace, ArgumentError
    """
    cells, variants = job.grid.rows * job.grid.cols, len(job.variants)
    per_cell = 2 * (len(MAPS) + 4 * len(SHARES) * job.file.float_)
    free = shutil.disk_usage(_existing(job.output)).free
    found = Preview(
        rows=job.grid.rows,
        cols=job.grid.cols,
        resolution=job.grid.dx,
        variants=variants,
        polygons=len(job.areas),
        read=sum(_size(job, n) for n in job.stack.sources),
        disk=max(0, cells * variants * per_cell - _there(job)),
        memory=_memory(job, threads),
        free=free,
        seconds=cells * (NS_PER_CELL + variants * NS_PER_VARIANT) / 1e9,
    )
    _refuse(found)
    return found


def _size(job: Job, name: str) -> int:
    return job.stack.sources[name].file.path.stat().st_size


def _there(job: Job) -> int:
    """Return the bytes of parts and maps that are there already."""
    folders = (job.work / "parts", *(job.output / v.name for v in job.variants))
    return sum(f.stat().st_size for folder in folders for f in folder.glob("*") if f.is_file())


def _memory(job: Job, threads: int) -> int:
    return 300_000_000 + threads * math.prod(BLOCK) * (4 * len(job.stack.sources) + RESULT_BYTES)


def _existing(folder: Path) -> Path:
    try:
        return next(p for p in (folder, *folder.parents) if p.exists())
    except OSError as error:
        raise ArgumentError("output folder cannot be written", value=error.strerror, where=folder.name[:80]) from None


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
