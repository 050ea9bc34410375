"""Province-wide: every layer read once for all functies, in parts that survive a crash."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import geopandas as gpd
import numpy as np
import pandas as pd

from waterbodem import registry
from waterbodem.assessment import losses_together, symbols_of
from waterbodem.atomic import PARTIAL_PATTERN, Stage, staging
from waterbodem.colours import legend
from waterbodem.errors import ArgumentError, CorruptLayer, OutOfSpace
from waterbodem.job import PART_ROWS, Job, Part, Variant, open_job
from waterbodem.journal import Journal
from waterbodem.kompas import builtin_rules, verdicts
from waterbodem.mosaic import Place, stage_map
from waterbodem.part_file import PartReader, is_whole
from waterbodem.parts import make_part, part_file, products, read_part
from waterbodem.preview import of_job
from waterbodem.provenance import FILE_NAME, versions
from waterbodem.raster_files import pam_bytes
from waterbodem.runfile import read_run_file
from waterbodem.scoring import parts_of
from waterbodem.summary import rows_of
from waterbodem.table_files import stage_tables
from waterbodem.tally import merge
from waterbodem.threads import workers as default_workers

_log = logging.getLogger("waterbodem")

Progress = Callable[[str, int, int], None]
Keys = Mapping[Variant, str]


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    output : Path
    made, kept : int
        Parts that were computed now, and parts that were there already.
    problems : list of (str, str)
        Label and reason of every part that failed; then the outputs it belongs to are not written.
    seconds : float
    outside : tuple of str
        Polygons that lie wholly outside the data.
    """

    output: Path
    made: int = 0
    kept: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    outside: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every output is there."""
        return not self.problems


def run(
    path: str | Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    verify: bool = False,
    wait_for_lock: float = 0.0,
    executor: Executor | None = None,
    tile: int = PART_ROWS,
) -> Outcome:
    """Compute everything a run file asks for; the same call goes on after a crash.

    Parameters
    ----------
    path : str or Path
        The run file.
    workers : int, optional
        Parts in hand at once; default the processors this process may use.
    progress : callable, optional
        Called with a phase, how many parts are done, and of how many.
    verify : bool
        Hash every input and output again, also where size, time and inode are unchanged.
    wait_for_lock : float
        Seconds to wait for another run on the same folder.
    executor : concurrent.futures.Executor, optional
        Where parts are computed, for instance a Dask client's; default threads.
    tile : int
        Rows of a part; no number depends on it.

    Returns
    -------
    Outcome

    Raises
    ------
    WaterbodemError
        If the run file or a layer is wrong, the folder is in use, or the disk is full.
    """
    started = time.monotonic()
    output = _output_folder(path)
    with _locked(output, wait_for_lock), _journal(output, verify) as journal:
        job = open_job(path, digest=journal.digest, part_rows=tile)
        of_job(job, workers or default_workers())
        _remove_partials(job)
        keys = {v: job.key(v) for v in job.variants}
        count, show = workers or default_workers(), progress or _quiet
        try:
            outcome = _work(job, journal, keys, count, show, executor)
        except CorruptLayer:
            if not _remove_damaged(job, keys):
                raise
            outcome = _work(job, journal, keys, count, show, executor)
        outcome.seconds = time.monotonic() - started
    return outcome


def _work(
    job: Job, journal: Journal, keys: Keys, workers: int, progress: Progress, executor: Executor | None
) -> Outcome:
    outcome = Outcome(job.output)
    _make_parts(job, journal, keys, outcome, workers, progress, executor)
    _finish(job, journal, keys, outcome, workers, progress)
    return outcome


def _quiet(_phase: str, _done: int, _total: int) -> None:
    return


def _output_folder(path: str | Path) -> Path:
    return Path(path).resolve().parent / read_run_file(path).output


@contextmanager
def _locked(output: Path, seconds: float) -> Iterator[None]:
    lock = filelock.FileLock(output / ".waterbodem" / "lock", timeout=seconds)
    try:
        (output / ".waterbodem" / "parts").mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise ArgumentError("another run is busy in this folder", value=output.name, where="output") from None
    except (OSError, NotImplementedError) as error:
        raise ArgumentError("output folder cannot be written", value=str(error), where=str(output)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _journal(output: Path, verify: bool) -> Iterator[Journal]:
    journal = Journal(output / ".waterbodem" / "ledger.sqlite", verify=verify)
    try:
        journal.clear_problems()
        yield journal
    finally:
        journal.close()


def _remove_partials(job: Job) -> None:
    """Remove what a killed run left half-written; it never had a final name."""
    for folder in (job.output, job.work / "parts", *(job.output / v.name for v in job.variants)):
        for path in folder.glob(PARTIAL_PATTERN):
            path.unlink(missing_ok=True)


def _remove_damaged(job: Job, keys: Keys) -> int:
    """Remove part files that are not as they were written; return how many."""
    files = [part_file(job, job.part_key(key, part)) for key in keys.values() for part in job.parts()]
    damaged = [f for f in files if f.exists() and not is_whole(f)]
    for file in damaged:
        _log.warning("part %s is damaged: computed again", file.name)
        file.unlink()
    return len(damaged)


# --- parts -----------------------------------------------------------------------------------------------------------


def _make_parts(
    job: Job,
    journal: Journal,
    keys: Keys,
    outcome: Outcome,
    workers: int,
    progress: Progress,
    executor: Executor | None,
) -> None:
    """Compute what is not there; at most two parts per worker are in hand, so memory does not grow."""
    parts = list(job.parts())
    pending = iter([(p, todo) for p in parts if (todo := _missing(job, journal, p, keys, outcome))])
    pool = executor or ThreadPoolExecutor(workers)
    running: dict[Future[None], tuple[Part, Keys, float]] = {}
    done = 0
    try:
        while True:
            while len(running) < 2 * workers and (item := next(pending, None)):
                part, todo = item
                running[pool.submit(make_part, job, part, todo)] = (part, todo, time.monotonic())
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                _note(job, journal, future, *running.pop(future), outcome)
                done += 1
                progress("rekenen", done, len(parts))
    finally:
        for future in running:
            future.cancel()
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)


def _missing(job: Job, journal: Journal, part: Part, keys: Keys, outcome: Outcome) -> dict[Variant, str]:
    """Return the variants of a part that are not finished, with the names of their files."""
    names = {v: job.part_key(key, part) for v, key in keys.items()}
    todo = {v: n for v, n in names.items() if not (journal.part_done(n) and part_file(job, n).is_file())}
    outcome.kept += len(names) - len(todo)
    return todo


def _note(
    job: Job, journal: Journal, future: Future[None], part: Part, todo: Keys, started: float, outcome: Outcome
) -> None:
    """Write the journal row, after the files are on disk; a part that failed does not stop the rest."""
    error = future.exception()
    if isinstance(error, OutOfSpace) or (error is not None and not isinstance(error, Exception)):
        raise error  # the rest would meet the same disk
    if error is None and (changed := journal.changed()):
        error = CorruptLayer("file changed during the run: run again", value=", ".join(changed))
    reason = "" if error is None else f"{type(error).__name__}: {error}"
    for variant, name in todo.items():
        label = f"{variant.name} rij {part.first}"
        journal.note_part(name, label, started, reason)
        if reason:
            outcome.problems.append((label, reason))
        else:
            outcome.made += 1
    if reason:
        _log.warning("part at row %s failed: %s", part.first, reason)


# --- outputs ---------------------------------------------------------------------------------------------------------


def _finish(job: Job, journal: Journal, keys: Keys, outcome: Outcome, workers: int, progress: Progress) -> None:
    """Put parts together; outputs of variants with a failed part are left out."""
    failed = {label.split(" ")[0] for label, _ in outcome.problems}
    whole = [v for v in job.variants if v.name not in failed]
    tasks = [(v, i) for v in whole for i in range(len(products(job)))]
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda t: _one_map(job, journal, t[0], keys[t[0]], t[1]), tasks):
            done += 1
            progress("kaarten", done, len(tasks))
    if job.areas and whole:
        outcome.outside = _outside(job, keys[whole[0]])
        _tables(job, journal, keys, whole)
    _herkomst(job, journal, keys, whole)


def _one_map(job: Job, journal: Journal, variant: Variant, key: str, index: int) -> None:
    """Write one map of one variant, unless it is there and made of the same."""
    product = products(job)[index]
    final = job.output / variant.name / f"{product.name}.tif"
    files = [final] if product.is_float else [final, _beside(final)]
    if all(journal.output_done(f, key) for f in files):
        return
    places = [Place(part_file(job, job.part_key(key, p)), p.grid) for p in job.parts()]
    with staging() as stage:
        stage.folder(final.parent)
        colours = None if product.is_float else _legend(job, variant, product.name)
        stage_map(stage, final, places, (index, product), job.grid, colours, f"{product.name} {variant.name}")
        if colours is not None:
            _stage_pam(stage, job, final, places, index, colours)
    for file in files:
        journal.note_output(file, key)


def _beside(final: Path) -> Path:
    return final.with_name(final.name + ".aux.xml")


def _legend(job: Job, variant: Variant, name: str) -> Any:
    present = [n for n in job.stack.sources if "@" not in n]
    return legend(name, [p.name for p in parts_of(variant.functie, present)])


def _stage_pam(stage: Stage, job: Job, final: Path, places: Sequence[Place], index: int, colours: Any) -> None:
    counts = np.zeros(256, np.int64)
    for place in places:
        with PartReader(place.path) as part:
            counts += part["counts"][index]
    counts[colours.nodata] += job.grid.rows * job.grid.cols - counts.sum()  # cells that no part had to look at
    stage.file(_beside(final)).write_bytes(pam_bytes(counts, colours))


def _tables(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant]) -> None:
    """Write gebieden.gpkg and gebieden.csv: a row per polygon, functie and scenario."""
    key = " ".join(keys[v] for v in whole)
    finals = [job.output / "gebieden.gpkg", job.output / "gebieden.csv"]
    if all(journal.output_done(f, key) for f in finals):
        return
    rows = [row for v in whole for row in _rows(job, v, keys[v])]
    rows.sort(key=lambda r: r["nr"])
    frame = pd.DataFrame(rows)
    geometry = [job.areas[nr - 1].geometry for nr in frame["nr"]]
    table = gpd.GeoDataFrame(frame[losses_together(frame)], geometry=geometry, crs=job.grid.crs)
    with staging() as stage:
        stage_tables(stage, job.output, table)
    for final in finals:
        journal.note_output(final, key)


def _outside(job: Job, key: str) -> tuple[str, ...]:
    """Return the polygons that no part has a cell of."""
    tallies = [t for p in job.parts() for t in read_part(job, job.part_key(key, p))[1]]
    seen = {int(n) for t in tallies for n in t.polygons[t.inside > 0]}
    return tuple(a.name for i, a in enumerate(job.areas) if i not in seen)


def _rows(job: Job, variant: Variant, key: str) -> list[dict[str, Any]]:
    found = [t for p in job.parts() for t in read_part(job, job.part_key(key, p))[1]]
    tally = merge(found, len(job.areas))
    scenarios = () if variant.scenario else job.scenarios
    symbols = verdicts(job.areas, job.grid, tally, scenarios, variant.functie, builtin_rules())
    return [
        {
            "nr": a.nr,
            "gebied": a.name,
            "functie": variant.functie.id,
            **row,
            "scenario": variant.scenario,
            **symbols_of(s),
        }
        for a, row, s in zip(job.areas, rows_of(job.areas, job.grid, tally), symbols, strict=True)
    ]


def _herkomst(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant]) -> None:
    """Write herkomst.json: versions, definitions, inputs, settings and the sha256 of every output."""
    data = {
        "versies": versions(),
        "definities": registry.rules_version(),
        "functies": {v.name: {"sha256": registry.fingerprint(v.functie), "inhoud": keys[v]} for v in whole},
        "lagen": {n: _input(job, n) for n in job.stack.sources},
        "rooster": {
            "bounds": job.grid.bounds,
            "resolutie": job.grid.dx,
            "rijen": job.grid.rows,
            "kolommen": job.grid.cols,
        },
        "instellingen": job.file.model_dump(mode="json", by_alias=True, exclude={"output", "layers"}),
        "uitvoer": {
            p.relative_to(job.output).as_posix(): {"sha256": d} for p, d in _outputs(job, journal, keys, whole)
        },
        "tijd": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with staging() as stage:
        stage.file(job.output / FILE_NAME).write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")


def _input(job: Job, name: str) -> dict[str, Any]:
    source = job.stack.sources[name]
    found = {"bestand": Path(source.entry.path).name, "sha256": source.sha256, "bron": source.entry.source}
    return {**found, "jaar": source.entry.vintage, "bewerkt": source.resampled(job.grid) or ""}


def _outputs(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant]) -> Iterator[tuple[Path, str]]:
    for v in whole:
        for path in sorted((job.output / v.name).glob("*.tif*")):
            digest = journal.output_done(path, keys[v])
            if digest:
                yield path, digest
    key = " ".join(keys[v] for v in whole)
    for name in ("gebieden.csv", "gebieden.gpkg"):
        digest = journal.output_done(job.output / name, key)
        if digest:
            yield job.output / name, digest
