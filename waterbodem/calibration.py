"""What a cell of a run costs here and now: a few blocks are computed, measured and thrown away."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from waterbodem.grid import Grid
from waterbodem.job import Job, Part
from waterbodem.parts import BLOCK, blocks, make_part, part_file

#: Blocks that are measured, and how many of the rows of a block.
SAMPLES, SAMPLE_ROWS = 3, 256


@dataclass(frozen=True)
class Rates:
    """What was measured: seconds of one thread and bytes of parts, for so many cells with all functies."""

    cells: int
    seconds: float
    bytes: int


def busy_cells(job: Job) -> int:
    """Return the cells in blocks that have to be computed: all, or those that a polygon may touch."""
    if not job.areas:
        return job.grid.rows * job.grid.cols
    place = [p.grid.part(*block) for p in job.parts() for block in blocks(p.grid)]
    tree = shapely.STRtree([a.geometry for a in job.areas])
    touched = np.unique(tree.query(shapely.box(*np.array([p.bounds for p in place]).T), predicate="intersects")[0])
    return sum(place[i].rows * place[i].cols for i in touched)


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
        start, size = time.perf_counter(), 0
        for block in samples:
            make_part(trial, Part(0, block, 0), keys)
            size += sum(part_file(trial, key).stat().st_size for key in keys.values())
        return Rates(sum(b.rows * b.cols for b in samples), time.perf_counter() - start, size)


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
