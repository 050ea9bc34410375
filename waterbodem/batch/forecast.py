"""What a batch run will cost, before it starts."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.batch.compute import gdal_cache_bytes, make_part, part_file, part_maps
from waterbodem.batch.downstream_maps import downstream_cost
from waterbodem.batch.exposure import FOLDER, exposure_of, swept_files
from waterbodem.batch.job import BLOCK, Job, Part, blocks, open_job
from waterbodem.batch.part_file import PartReader, unpacked_arrays
from waterbodem.batch.receiver_ledger import ledger_memory, ledgers_of, seconds_needed
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, OutOfSpace, PartFailed, WaterbodemError, raise_all
from waterbodem.core.grid import Grid
from waterbodem.core.threads import thread_count as default_workers
from waterbodem.definitions.labels import decimal, plain_number
from waterbodem.formats.overwriting import nearest_folder
from waterbodem.layers.audit import Audit, audit_stack
from waterbodem.layers.source import LayerSource
from waterbodem.views.pace import count

#: Bytes per cell of a block beside its layers: results of one functie, with polygons.
RESULT_BYTES = 250
#: Putting maps together as a share of computing them, and bytes that are hashed in a second.
MAPS_SHARE, HASHED = 0.25, 1e9
#: Seconds that a run takes whatever its cells: to start, per map, per picture, per row of the table.
STARTING, A_MAP, A_PICTURE, A_ROW = 1.5, 0.02, 0.1, 3e-5
#: Parts, maps and their overviews: as a multiple of cells that do not compress, and of what parts hold of them.
UNCOMPRESSED, PARTS_AND_MAPS = 2.6, 2.4
# Sizes, rounded up, are of what runs of 1.2 million cells left on disk; a test holds the whole against them.

#: For what was not sampled (expertoordeel).
MARGIN = 1.3
#: Bytes that a polygon takes in a block of a part, at most.
MEETING = 20_000
#: Bytes of a polygon in the tables, beside its shape; in the ledger of a functie; of its flow paths.
ROW, LINE, PATHS = 1500, 1500, 20_000
#: Lines that the page shows at most, and bytes of each.
SHOWN, SHOWN_ROW = 1000, 1200
#: Bytes that a cell takes in the two maps of what arrives, and in those of floats.
ARRIVES, ARRIVES_EXACTLY = 0.7, 3.0
#: Bytes of a picture, of all else about a functie, and of a run: ledger, page, project.
PICTURE, ABOUT, FIXED = 400_000, 40_000, 500_000
#: Blocks that are measured, and how many of the rows of a block.
SAMPLES, SAMPLE_ROWS = 3, 256


@dataclass(frozen=True)
class RunForecast:
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
        took = "" if self.seconds is None else f"Tijd: ongeveer {_duration(self.seconds)} (uit een proef hier en nu)"
        return "\n".join(
            [
                f"Rooster: {self.rows} x {self.cols} cellen van {plain_number(self.resolution)} m; "
                f"te berekenen: {count(self.cells, self.cells)}",
                f"Functies en scenario's: {self.variants}; gebieden: {self.polygons}",
                f"Lezen: {decimal(self.read / 1e9)} GB; schrijven: hoogstens ongeveer {decimal(self.disk / 1e9)} GB "
                f"(vrij: {decimal(self.free / 1e9, 0)} GB)",
                f"Geheugen: ongeveer {decimal(self.memory / 1e9, 1)} GB",
                self._downstream(),
                took,
            ]
        ).rstrip()

    def _downstream(self) -> str:
        if not self.wil_stroming:
            return "Wie benedenstrooms ligt: niet gevraagd"
        if not self.stroming:
            return "Wie benedenstrooms ligt: niet bepaald, want maaiveld ontbreekt"
        free = memory.available_memory()
        known = "" if free is None else f" (vrij: {decimal(free / 1e9, 1)} GB)"
        return f"Wie benedenstrooms ligt: hoogstens {decimal(self.stroming / 1e9, 1)} GB geheugen{known}"


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def forecast_run(path: str | Path, workers: int | None = None) -> tuple[RunForecast, Audit]:
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
    found = _sampled(job, _bounds_of(job, threads), threads, measure_sample(job))
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


def _rates(job: Job) -> CellRates:
    """Measure a run without the functies that its samples fail for: the others are made all the same."""
    try:
        return measure_sample(job)
    except PartFailed as error:
        left = tuple(v for v in job.variants if v.name not in error.reasons)
        if not left:
            raise
        return measure_sample(replace(job, variants=left))


def _bounds_of(job: Job, threads: int) -> RunForecast:
    downstream, free = downstream_cost(job), shutil.disk_usage(_existing(job.output)).free
    return RunForecast(
        rows=job.grid.rows,
        cols=job.grid.cols,
        resolution=job.grid.dx,
        cells=busy_cells(job),
        variants=len(job.variants),
        polygons=len(job.areas),
        read=sum(s.file.path.stat().st_size for s in _sources(job)),
        disk=max(0, largest_disk_bytes(job) - disk_bytes_present(job)),
        memory=_memory(job, threads),
        free=free,
        stroming=downstream.memory + ledger_memory(job),
        stroming_s=downstream.seconds,
        wil_stroming=job.wants_downstream,
    )


def _sampled(job: Job, found: RunForecast, threads: int, rates: CellRates) -> RunForecast:
    share = found.cells / rates.cells
    computing = share * rates.seconds * (1 + MAPS_SHARE) / threads
    seconds = computing + found.read / HASHED + found.stroming_s + _fixed_seconds(job)
    disk = min(found.disk, max(0, forecast_disk_bytes(job, rates) - disk_bytes_present(job)))
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
    return 300_000_000 + blocks + gdal_cache_bytes(job)


def _existing(folder: Path) -> Path:
    try:
        found = nearest_folder(folder)
    except OSError as error:
        raise ArgumentError("output folder cannot be written", value=error.strerror, where=folder.name[:80]) from None
    if not os.access(found, os.W_OK | os.X_OK):
        raise ArgumentError("output folder cannot be written", value="Permission denied", where=found.name)
    return found


def _refuse(found: RunForecast) -> None:
    problems: list[WaterbodemError] = []
    if found.disk > found.free:
        problems.append(
            OutOfSpace("disk may become full", value=f"{found.disk} bytes needed", allowed=f"{found.free} bytes free")
        )
    free = memory.available_memory()
    if free is not None and found.memory > free:
        problems.append(
            ArgumentError("not enough memory", value=f"{found.memory} bytes", allowed=f"{free} bytes; fewer workers")
        )
    for problem in problems:
        raise problem


# --- disk -------------------------------------------------------------------------------------------------------------


def largest_disk_bytes(job: Job) -> int:
    """Disk that a run takes if nothing compresses [bytes]."""
    per_cell = UNCOMPRESSED * sum(4 if p.is_float else 1 for p in part_maps(job))
    cells = int(busy_cells(job) * len(job.variants) * per_cell)
    return cells + polygon_visits(job) * len(job.variants) * MEETING + _disk_beside_cells(job)


def forecast_disk_bytes(job: Job, rates: CellRates) -> int:
    """Disk that a run takes, going by a sample [bytes]."""
    cells = busy_cells(job) / rates.cells * rates.bytes * PARTS_AND_MAPS
    sums = polygon_visits(job) / max(1, rates.meetings) * rates.sums
    return int(MARGIN * (cells + sums)) + _disk_beside_cells(job)


def disk_bytes_present(job: Job) -> int:
    """Disk that the run takes already [bytes]; parts of an earlier content are not of it."""
    return sum(f.stat().st_size for f in _files_present(job) if f.is_file())


def _files_present(job: Job) -> Iterator[Path]:
    for variant in job.variants:
        key = job.key(variant)
        yield from (part_file(job, job.part_key(key, part)) for part in job.parts())
    folders = (job.output, *(job.output / v.name for v in job.variants))
    yield from (f for folder in folders for f in folder.glob("*"))
    stale = set(swept_files(job)) - exposure_of(job).kept()
    yield from (f for f in (job.work / FOLDER).glob("*") if f not in stale)


def _disk_beside_cells(job: Job) -> int:
    """Return what is neither in a part nor made of parts cell by cell."""
    each = ABOUT + (PICTURE if job.file.pictures and job.file.cell_maps else 0)
    return FIXED + each * len(job.variants) + _tables(job) + downstream_cost(job).disk + _received(job)


def _tables(job: Job) -> int:
    shapes = sum(len(shapely.to_wkb(a.geometry)) for a in job.areas)
    rows = len(job.variants) * len(job.areas)
    return rows * ROW + len(job.variants) * shapes + min(rows, SHOWN) * SHOWN_ROW


def _received(job: Job) -> int:
    functies = ledgers_of(job)
    each = ARRIVES + (ARRIVES_EXACTLY if job.file.float_ else 0)
    return functies * (len(job.areas) * (LINE + PATHS) + int(each * math.prod(job.around.grid.shape)))


# --- a sample ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CellRates:
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


def polygon_visits(job: Job) -> int:
    """Return how often a polygon may lie in a block."""
    return len(_meetings(job)[1]) if job.areas else 0


def _meetings(job: Job) -> tuple[list[Grid], NDArray[np.int64]]:
    """Return all blocks, and the number of a block for every polygon that it may touch."""
    place = [p.grid.part(*block) for p in job.parts() for block in blocks(p.grid)]
    return place, job.tree.query(shapely.box(*np.array([p.bounds for p in place]).T), predicate="intersects")[0]


def measure_sample(job: Job) -> CellRates:
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
        return CellRates(sum(b.rows * b.cols for b in samples), seconds, size, met // len(keys), sums)


def _sizes(path: Path) -> tuple[int, int, int]:
    """Return the bytes of maps and of sums in a part, and how often a polygon lies in a block."""
    with PartReader(path) as part:
        tallies, ranges = part["tallies"], part["ranges"]
        met = sum(unpacked_arrays(part.blob(entry))["polygons"].size for entry in tallies)
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
