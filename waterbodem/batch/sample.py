"""What a cell of a run costs here and now: a few blocks are computed, measured and thrown away."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.batch.compute import make_part, part_file
from waterbodem.batch.job import BLOCK, Job, Part, blocks
from waterbodem.batch.part_file import PartReader, unpacked
from waterbodem.core.grid import Grid

#: Blocks that are measured, and how many of the rows of a block.
SAMPLES, SAMPLE_ROWS = 3, 256


@dataclass(frozen=True)
class Rates:
    """What was measured of some blocks with all functies.

    Parameters
    ----------
    cells : int
    seconds : float
        Of one thread.
    bytes : int
        Of maps in parts.
    meetings, sums : int
        How often a polygon lies in a block, and the bytes that parts hold of that.
    """

    cells: int
    seconds: float
    bytes: int
    meetings: int = 0
    sums: int = 0


def busy_cells(job: Job) -> int:
    """Return the cells in blocks that have to be computed: all, or those that a polygon may touch."""
    if not job.areas:
        return job.grid.rows * job.grid.cols
    place, met = _meetings(job)
    return sum(place[i].rows * place[i].cols for i in np.unique(met))


def meetings(job: Job) -> int:
    """Return how often a polygon may lie in a block."""
    return len(_meetings(job)[1]) if job.areas else 0


def _meetings(job: Job) -> tuple[list[Grid], NDArray[np.int64]]:
    """Return all blocks, and the number of a block for every polygon that it may touch."""
    place = [p.grid.part(*block) for p in job.parts() for block in blocks(p.grid)]
    return place, job.tree.query(shapely.box(*np.array([p.bounds for p in place]).T), predicate="intersects")[0]


def measure(job: Job) -> Rates:
    """Compute a few blocks for all functies and scenarios into a folder that is removed again.

    Raises
    ------
    WaterbodemError
        If a layer cannot be read there.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = replace(job, output=Path(folder))
        (trial.work / "parts").mkdir(parents=True)
        keys = {v: str(i) for i, v in enumerate(job.variants)}
        samples = list(_samples(job))
        make_part(trial, Part(0, samples[0].part(slice(0, 1), slice(0, 1)), 0), keys)  # loads the kernels
        start, found = time.perf_counter(), []
        for block in samples:
            make_part(trial, Part(0, block, 0), keys)
            found += [_sizes(part_file(trial, key)) for key in keys.values()]
        seconds = time.perf_counter() - start
        size, sums, met = (sum(column) for column in zip(*found, strict=True))
        return Rates(sum(b.rows * b.cols for b in samples), seconds, size, met // len(keys), sums)


def _sizes(path: Path) -> tuple[int, int, int]:
    """Return the bytes of maps and of sums in a part, and how often a polygon lies in a block."""
    with PartReader(path) as part:
        tallies, ranges = part["tallies"], part["ranges"]
        met = sum(unpacked(part.blob(entry))["polygons"].size for entry in tallies)
    sums = int(tallies[:, 1].sum() + ranges[:, 1].sum())
    return path.stat().st_size - sums, sums, met


def _samples(job: Job) -> Iterator[Grid]:
    """Yield blocks spread over the grid, or around polygons."""
    grid = job.grid
    for i in range(SAMPLES):
        share = (i + 0.5) / SAMPLES
        row, col = int(share * grid.rows), int(share * grid.cols)
        if job.areas:
            point = job.areas[int(share * len(job.areas))].geometry.representative_point()
            row, col = int((grid.top - point.y) / grid.dy), int((point.x - grid.left) / grid.dx)
        yield grid.part(_around(row, SAMPLE_ROWS, grid.rows), _around(col, BLOCK[1], grid.cols))


def _around(at: int, side: int, size: int) -> slice:
    first = max(0, min(at - side // 2, size - side))
    return slice(first, min(first + side, size))
