"""How much disk a run takes at its fullest: parts, maps, tables, and who receives the burden."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import shapely

from waterbodem.batch.compute import part_file, products
from waterbodem.batch.downstream_maps import cost
from waterbodem.batch.exposure import FOLDER, exposure_of, swept_files
from waterbodem.batch.job import Job
from waterbodem.batch.receiver_ledger import ledgers_of
from waterbodem.batch.sample import Rates, busy_cells, meetings

#: Parts, maps and their overviews: as a multiple of cells that do not compress, and of what parts hold of them.
UNCOMPRESSED, PARTS_AND_MAPS = 2.6, 2.4
# Sizes, rounded up, of what runs of 1.2 million cells left on disk; a test holds the whole against the real thing.

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


def most(job: Job) -> int:
    """Return what a run takes if nothing compresses [bytes]."""
    per_cell = UNCOMPRESSED * sum(4 if p.is_float else 1 for p in products(job))
    cells = int(busy_cells(job) * len(job.variants) * per_cell)
    return cells + meetings(job) * len(job.variants) * MEETING + _beside(job)


def foreseen(job: Job, rates: Rates) -> int:
    """Return what a run takes going by a sample [bytes]."""
    cells = busy_cells(job) / rates.cells * rates.bytes * PARTS_AND_MAPS
    sums = meetings(job) / max(1, rates.meetings) * rates.sums
    return int(MARGIN * (cells + sums)) + _beside(job)


def there(job: Job) -> int:
    """Return what of it is on disk already [bytes]; parts of an earlier content are not of it."""
    return sum(f.stat().st_size for f in _files(job) if f.is_file())


def _files(job: Job) -> Iterator[Path]:
    for variant in job.variants:
        key = job.key(variant)
        yield from (part_file(job, job.part_key(key, part)) for part in job.parts())
    folders = (job.output, *(job.output / v.name for v in job.variants))
    yield from (f for folder in folders for f in folder.glob("*"))
    stale = set(swept_files(job)) - exposure_of(job).kept()
    yield from (f for f in (job.work / FOLDER).glob("*") if f not in stale)


def _beside(job: Job) -> int:
    """Return what is neither in a part nor made of parts cell by cell."""
    each = ABOUT + (PICTURE if job.file.pictures and job.file.cell_maps else 0)
    return FIXED + each * len(job.variants) + _tables(job) + cost(job).disk + _received(job)


def _tables(job: Job) -> int:
    shapes = sum(len(shapely.to_wkb(a.geometry)) for a in job.areas)
    rows = len(job.variants) * len(job.areas)
    return rows * ROW + len(job.variants) * shapes + min(rows, SHOWN) * SHOWN_ROW


def _received(job: Job) -> int:
    functies = ledgers_of(job)
    each = ARRIVES + (ARRIVES_EXACTLY if job.file.float_ else 0)
    return functies * (len(job.areas) * (LINE + PATHS) + int(each * math.prod(job.around.grid.shape)))
