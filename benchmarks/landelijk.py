"""The Netherlands on a cluster, simulated from what parts, maps and the scheduler cost on this machine, measured now.

measured    seconds and bytes per cell of a part (make_part, one thread, five float32 ZSTD layers of the fictitious
            province), of a cell that is nowhere known, and of the maps; seconds that the scheduler of a LocalCluster
            needs per task, in the same loop as a run, client and workers on the same processors: too high, if anything
simulated   inputs are hashed once; one task at a time at the scheduler; parts in order, to whichever worker is free;
            one shared disk of a stated speed, a part at a time; workers that die and come back, whose part is made
            again; then the maps, on one machine
"""

from __future__ import annotations

import argparse
import heapq
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
from batch import LAYERS as NAMES
from batch import make_layers

from waterbodem.batch import runner
from waterbodem.batch.compute import make_part, part_file
from waterbodem.batch.job import PART_ROWS, Job, Part, Variant, open_job
from waterbodem.batch.journal import Journal
from waterbodem.batch.workers import PartTask, finished_tasks
from waterbodem.core.path_gate import sha256_of
from waterbodem.definitions import registry

#: Block around the Netherlands [m], and the part of it that is land [-]: 42,500 of 91,000 km2.
EXTENT, LAND = (280_000, 325_000), 0.467
#: Bytes per second of the shared disk, hours that a worker lives, seconds until another is there, cores for the maps.
DISK, LIFE, REPLACED, CORES = 2e9, 10.0, 60.0, 16
LAYERS = len(NAMES)
WORKERS = (1, 8, 32, 128, 512)


@dataclass(frozen=True)
class Costs:
    """What was measured: per cell with all functies of the run, and per task."""

    functies: int
    part: float
    empty: float
    maps: float
    read: float
    written: float
    final: float
    hashed: float
    task: float

    def to_text(self) -> str:
        return (
            f"{self.functies:2d} functie(s): part {self.part * 1e9:.0f} ns/cell, nowhere known {self.empty * 1e9:.1f}, "
            f"maps {self.maps * 1e9:.0f}; bytes/cell read {self.read:.2f}, parts {self.written:.2f}, "
            f"maps {self.final:.2f}; sha256 {1 / self.hashed / 1e9:.1f} GB/s; "
            f"scheduler and ledger {self.task * 1e3:.1f} ms/part"
        )


# --- measured --------------------------------------------------------------------------------------------------------


def run_file(folder: Path, ids: list[str]) -> Path:
    text = f'layers = "lagen.toml"\nfuncties = {json.dumps(ids)}\noutput = "uit-{uuid4().hex}"\npictures = false\n'
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def part_costs(job: Job, count: int) -> tuple[float, float]:
    """Median seconds and bytes per cell of the first parts; one before them is not counted."""
    (job.work / "parts").mkdir(parents=True)
    seconds, sizes = [], []
    parts = list(job.parts())[:count]
    for part in (parts[0], *parts):
        names = {v: f"{v.name}-{part.first}" for v in job.variants}
        start = time.perf_counter()
        make_part(job, part, names)
        cells = part.grid.rows * part.grid.cols
        seconds.append((time.perf_counter() - start) / cells)
        sizes.append(sum(part_file(job, n).stat().st_size for n in names.values()) / cells)
    return statistics.median(seconds[1:]), statistics.median(sizes[1:])


def map_costs(path: Path, cells: int) -> tuple[float, float]:
    """Seconds per cell of putting maps together in one thread, and their bytes per cell."""
    last = [0.0]

    def clock(phase: str, _done: int, _total: int) -> None:
        if phase == "rekenen":
            last[0] = time.perf_counter()

    outcome = runner.run(path, workers=1, progress=clock)
    seconds = time.perf_counter() - last[0]
    return seconds / cells, sum(p.stat().st_size for p in outcome.output.rglob("*.tif")) / cells


def costs(folder: Path, ids: list[str], task: float, parts: int) -> Costs:
    job = open_job(run_file(folder, ids))
    grid = job.grid
    part, written = part_costs(job, parts)
    beyond = replace(job.stack, grid=replace(grid, top=grid.top - 1e6))
    empty, _ = part_costs(replace(open_job(run_file(folder, ids)), stack=beyond), 2)
    maps, final = map_costs(run_file(folder, ids), grid.rows * grid.cols)
    files = [s.file.path for s in job.stack.sources.values()]
    size, start = sum(f.stat().st_size for f in files), time.perf_counter()
    for file in files:
        sha256_of(file)
    hashed = (time.perf_counter() - start) / size
    return Costs(len(ids), part, empty, maps, size / (grid.rows * grid.cols), written, final, hashed, task)


def ledger_seconds(folder: Path, rows: int = 200) -> float:
    """Seconds per row of the ledger, which this machine writes for every part and functie."""
    journal = Journal(folder / "ledger.sqlite")
    start = time.perf_counter()
    for i in range(rows):
        journal.note_part(str(i), f"woningbouw rij {i}", start)
    journal.close()
    return (time.perf_counter() - start) / rows


def nothing(part: Part, names: dict[str, str]) -> None:
    """What a worker is asked to do when only the asking is measured."""


def task_seconds(job: Job, count: int) -> float:
    """Seconds per task of a run's own loop on two worker processes that have nothing to do."""
    from distributed import Client, LocalCluster

    from waterbodem.batch.dask_workers import DaskWorkers

    class Idle(DaskWorkers):
        def submit(self, job: Job, task: PartTask) -> object:
            names = {v.name: n for v, n in task.todo.items()}
            return client.submit(nothing, task.part, names, key=f"nothing-{uuid4().hex}")

    part = next(job.parts())
    names: dict[Variant, str] = dict.fromkeys(job.variants, "0" * 40)
    tasks = (PartTask(Part(i, part.grid, i), names) for i in range(count))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.submit(nothing, part, {}).result()
        start = time.perf_counter()
        assert all(error is None for _, error in finished_tasks(Idle(client), job, tasks))
        return (time.perf_counter() - start) / count


# --- simulated -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What a simulated run took, in seconds and bytes; ``busy`` is the share of the time that workers compute."""

    parts: int
    lost: int
    read: float
    written: float
    hashing: float
    computing: float
    busy: float
    maps: float

    def cells(self) -> list[str]:
        total = self.hashing + self.computing + self.maps
        minutes = [f"{seconds / 60:,.1f}" for seconds in (self.hashing, self.computing, self.maps, total)]
        return [f"{self.parts}", f"{self.lost}", f"{self.read / 1e9:,.0f}", f"{self.written / 1e9:,.0f}",
                f"{self.busy:.0%}", *minutes]  # fmt: skip


def land_shares(parts: int) -> np.ndarray:
    """Share of land per part, north to south: more in the middle, none empty, the stated mean."""
    place = (np.arange(parts) + 0.5) / parts
    shape = 0.25 + np.sin(np.pi * place) ** 0.5
    return np.asarray(LAND * shape / shape.mean())


def part_costs_at(c: Costs, cells: float, resolution: float) -> list[tuple[float, float]]:
    """Seconds of computing and bytes through the disk of every part."""
    parts = round(EXTENT[1] / resolution / PART_ROWS + 0.5)
    each = cells / parts
    return [
        (each * (land * c.part + (1 - land) * c.empty), each * land * (c.read + c.written))
        for land in land_shares(parts)
    ]


def simulate(c: Costs, resolution: float, workers: int, seed: int = 1) -> Found:
    """Play a run: the scheduler hands out parts one by one, the disk serves them in turn, workers die."""
    rng = np.random.default_rng(seed)
    cells = EXTENT[0] * EXTENT[1] / resolution**2
    todo = part_costs_at(c, cells, resolution)[::-1]
    parts, lost, work = len(todo), 0, sum(seconds for seconds, _ in todo)
    free, scheduler, disk, end = [0.0] * workers, 0.0, 0.0, 0.0
    while todo:
        seconds, moved = todo.pop()
        begin = scheduler = max(scheduler, heapq.heappop(free)) + c.task
        disk = max(disk, begin) + moved / DISK
        after = max(begin + seconds, disk)
        dies = begin + rng.exponential(LIFE * 3600)
        if dies < after:
            lost += 1
            todo.insert(0, (seconds, moved))
            after = dies + REPLACED
        end = max(end, after)
        heapq.heappush(free, after)
    land = cells * LAND
    read, written = land * c.read, land * (c.written + c.final)
    hashing = read * max(c.hashed / min(CORES, LAYERS), 1 / DISK)
    maps = max(c.maps * land / CORES, written / DISK)
    return Found(parts, lost, read, written, hashing, end, work / (end * workers), maps)


def table(measured: list[Costs]) -> Iterator[str]:
    head = ("cell m", "functies", "workers", "parts", "lost", "read GB", "written GB", "busy")
    head += ("hash min", "parts min", "maps min", "total min")
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for resolution in (5.0, 0.5):
        for c in measured:
            for workers in WORKERS:
                f = simulate(c, resolution, workers)
                yield "| " + " | ".join([f"{resolution:g}", str(c.functies), str(workers), *f.cells()]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--cols", type=int, default=4096)
    parser.add_argument("--tasks", type=int, default=500)
    options = parser.parse_args()
    every = list(registry.load_functies())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_layers(folder, options.rows, options.cols)
        task = task_seconds(open_job(run_file(folder, every)), options.tasks)
        row = ledger_seconds(folder)
        runs = (every[:1], every)
        measured = [costs(folder, ids, task + len(ids) * row, options.rows // PART_ROWS) for ids in runs]
    print(f"measured on {options.rows} x {options.cols} cells")
    print("\n".join(c.to_text() for c in measured))
    cells = [EXTENT[0] * EXTENT[1] / r**2 for r in (5, 0.5)]
    print(
        f"land {cells[0] * LAND / 1e9:.1f} and {cells[1] * LAND / 1e9:.0f} thousand million cells, "
        f"parts of {PART_ROWS} rows,\ndisk {DISK / 1e9:g} GB/s, a worker dies every {LIFE:g} h, "
        f"hashing and maps on {CORES} cores"
    )
    print("\n".join(table(measured)))


if __name__ == "__main__":
    main()
