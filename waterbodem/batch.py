"""Province-wide: every layer read once for all functies, in parts that survive a crash."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import geopandas as gpd
import numpy as np
import pandas as pd

from waterbodem import registry
from waterbodem.assessment import losses_together, symbols_of
from waterbodem.atomic import Stage, staging
from waterbodem.colours import legend
from waterbodem.crew import Crew, Local, Task, finished
from waterbodem.errors import ArgumentError, WaterbodemError
from waterbodem.job import PART_ROWS, Job, Part, Variant, open_job
from waterbodem.journal import Journal
from waterbodem.kompas import builtin_rules, verdicts
from waterbodem.mosaic import Place, stage_map
from waterbodem.pace import Progress, by_cells, default_progress
from waterbodem.part_file import PartReader
from waterbodem.parts import part_file, products, read_part
from waterbodem.paths import sha256_of
from waterbodem.preview import check_fits
from waterbodem.provenance import FILE_NAME, versions
from waterbodem.raster_files import pam_bytes
from waterbodem.run_files import PAGE, PICTURE, Made, make_page, make_picture
from waterbodem.run_state import GLANCE, LEDGER, LOCK, WORK, Plan, plan_of
from waterbodem.runfile import read_run_file
from waterbodem.scoring import parts_of
from waterbodem.summary import rows_of
from waterbodem.table_files import stage_tables
from waterbodem.tally import merge
from waterbodem.threads import workers as default_workers

_log = logging.getLogger("waterbodem")

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
    dask: Any = None,
    tile: int = PART_ROWS,
) -> Outcome:
    r"""Compute everything a run file asks for; the same call goes on after a crash.

    Parameters
    ----------
    path : str or Path
        The run file.
    workers : int, optional
        Parts in hand at once; default the processors this process may use.
    progress : callable, optional
        Called with a phase, how much is done, and of how much: cells of the grid in phase ``rekenen``, files or blocks
        in those after it. Default a bar in a notebook, else a line a minute in the log ``waterbodem`` (level INFO).
    verify : bool
        Hash every input again, also where size, time and inode are unchanged.
    wait_for_lock : float
        Seconds to wait for another run on the same folder.
    executor : concurrent.futures.Executor, optional
        Where parts are computed; default threads.
    dask : str or distributed.Client, optional
        Address of a Dask scheduler, or a client: its workers, which see the same folders, compute the parts.
    tile : int
        Rows of a part; no number depends on it.

    Returns
    -------
    Outcome

    Raises
    ------
    WaterbodemError
        If the run file or a layer is wrong, the folder is in use, the disk is full, or the cluster cannot be reached.

    Examples
    --------
    >>> import tempfile, waterbodem as wb
    >>> from waterbodem.dataset import grid_of
    >>> from waterbodem.raster_files import write_raster
    >>> folder, layers = Path(tempfile.mkdtemp()), wb.example(size=40, resolution=50)
    >>> _ = write_raster(folder / "kwel.tif", layers.kwel.values, grid_of(layers))
    >>> lagen = '[layers.kwel]\npath = "kwel.tif"\nunit = "mm/d"\nsign = "up"'
    >>> _ = (folder / "lagen.toml").write_text(lagen)
    >>> asked = 'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"'
    >>> _ = (folder / "run.toml").write_text(asked)
    >>> def show(phase, done, total):
    ...     if done == total:
    ...         print(f"{phase}: {total}")
    >>> outcome = wb.run(folder / "run.toml", progress=show)
    rekenen: 1600
    kaarten: 6
    >>> outcome.complete
    True
    """
    started = time.monotonic()
    output, threads = _output_folder(path), workers or default_workers()
    with (
        _hired(threads, executor, dask) as crew,
        _locked(output, wait_for_lock),
        _journal(output, verify) as journal,
    ):
        job = open_job(path, digest=journal.digest, part_rows=tile)
        check_fits(job, crew.here)
        outcome = Outcome(job.output)
        _remove_partials(job)
        keys = {v: job.key(v) for v in job.variants}
        progress = _plan(job, journal, keys, Path(path).name, progress)
        _make_parts(job, journal, keys, outcome, crew, progress)
        _finish(job, journal, keys, outcome, threads, progress)
        outcome.seconds = time.monotonic() - started
    return outcome


def _output_folder(path: str | Path) -> Path:
    return Path(path).resolve().parent / read_run_file(path).output


@contextmanager
def _hired(workers: int, executor: Executor | None, dask: Any) -> Iterator[Crew]:
    """Give threads, an executor or a cluster as a crew; let it go at the end."""
    if executor is not None and dask is not None:
        raise ArgumentError("give an executor or a Dask cluster", value="both", allowed="one", where="dask")
    crew: Crew = Local(workers, executor) if dask is None else _cluster(dask)
    try:
        yield crew
    finally:
        crew.close()


def _cluster(dask: Any) -> Crew:
    try:
        from waterbodem.cluster import Cluster
    except ImportError as error:
        raise ArgumentError(
            "Dask is not installed", value=error.name, allowed="pip install 'waterbodem[dask]'", where="dask"
        ) from error
    return Cluster(dask)


@contextmanager
def _locked(output: Path, seconds: float) -> Iterator[None]:
    try:
        (output / WORK / "parts").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(output / WORK / LOCK, timeout=max(seconds, GLANCE))
        with lock:
            yield
    except filelock.Timeout:
        raise ArgumentError("another run is busy in this folder", value=output.name, where="output") from None
    except OSError as error:
        raise ArgumentError("output folder cannot be written", value=error.strerror, where=str(output)) from error


@contextmanager
def _journal(output: Path, verify: bool) -> Iterator[Journal]:
    journal = Journal(output / WORK / LEDGER)
    try:
        if verify:
            journal.forget_inputs()
        journal.clear_problems()
        journal.begin()
        yield journal
        journal.end()
    except WaterbodemError as error:
        with suppress(WaterbodemError):
            journal.end(str(error))
        raise
    finally:
        journal.close()


def _plan(job: Job, journal: Journal, keys: Keys, file: str, progress: Progress | None) -> Progress:
    """Note what is to be done; return what tells how much of it is."""
    done = journal.parts_done()
    plan = plan_of(job, keys, file, done)
    journal.note_plan(plan.to_json())
    each = zip(*(plan.parts_of(name) for name in plan.keys), strict=True)
    skipped = sum(done.issuperset(names) for names in each)
    return by_cells(progress or default_progress(), job.grid.shape, job.part_rows, skipped)


def _remove_partials(job: Job) -> None:
    """Remove what a killed run left half-written; it never had a final name."""
    for path in [*job.output.rglob(".*.partial"), *job.output.rglob(".*.partial.vrt*")]:
        path.unlink(missing_ok=True)


# --- parts -----------------------------------------------------------------------------------------------------------


def _make_parts(job: Job, journal: Journal, keys: Keys, outcome: Outcome, crew: Crew, progress: Progress) -> None:
    """Compute what is not there; few parts are in hand at a time, so memory does not grow."""
    parts = list(job.parts())
    tasks = (Task(p, todo) for p in parts if (todo := _missing(job, journal, p, keys, outcome)))
    with closing(finished(crew, job, tasks)) as results:
        for done, (task, error) in enumerate(results, 1):
            _note(journal, task, error, outcome)
            progress("rekenen", done, len(parts))


def _missing(job: Job, journal: Journal, part: Part, keys: Keys, outcome: Outcome) -> dict[Variant, str]:
    """Return the variants of a part that are not finished, with the names of their files."""
    names = {v: job.part_key(key, part) for v, key in keys.items()}
    todo = {v: n for v, n in names.items() if not (journal.part_done(n) and part_file(job, n).is_file())}
    outcome.kept += len(names) - len(todo)
    return todo


def _note(journal: Journal, task: Task, error: BaseException | None, outcome: Outcome) -> None:
    """Write the journal row, after the files are on disk; a part that failed does not stop the rest."""
    if error is not None and not isinstance(error, Exception):
        raise error
    reason = "" if error is None else f"{type(error).__name__}: {error}"
    for variant, name in task.todo.items():
        label = f"{variant.name} rij {task.part.first}"
        journal.note_part(name, label, task.started, reason)
        if reason:
            outcome.problems.append((label, reason))
        else:
            outcome.made += 1
    if reason:
        _log.warning("part at row %s failed: %s", task.part.first, reason)


# --- outputs ---------------------------------------------------------------------------------------------------------


def _finish(job: Job, journal: Journal, keys: Keys, outcome: Outcome, workers: int, progress: Progress) -> None:
    """Put parts together; outputs of variants with a failed part are left out."""
    failed = {label.split(" ")[0] for label, _ in outcome.problems}
    whole = [v for v in job.variants if v.name not in failed]
    tasks = [(v, i) for v in whole for i in range(len(products(job)))]
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda t: _one_map(job, journal, t[0], keys[t[0]], t[1]), tasks):
            variant, index = tasks[done]
            done += 1
            progress("kaarten", done, len(tasks))
            if index == len(products(job)) - 1:  # its maps are there; matplotlib draws in one thread, maps go on
                make_picture(job, journal, variant, keys[variant])
    if job.areas and whole:
        outcome.outside = _outside(job, keys[whole[0]])
        _tables(job, journal, keys, whole)
    make_page(job, journal, _made(job, journal, keys, whole, outcome))
    _herkomst(job, journal, keys, whole)
    if outcome.complete:
        _remove_stale(job, keys)


def _remove_stale(job: Job, keys: Keys) -> None:
    """Remove parts of an earlier content: what was asked now is complete without them."""
    kept = {part_file(job, job.part_key(key, p)) for key in keys.values() for p in job.parts()}
    for path in (job.work / "parts").iterdir():
        if path not in kept:
            path.unlink(missing_ok=True)


def _made(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], outcome: Outcome) -> Made:
    return Made(
        file=Plan.read(journal.plan()).file,
        keys={v: keys[v] for v in whole},
        inputs={n: _input(job, n) for n in job.stack.sources},
        outputs=dict(_outputs(job, journal, keys, whole)),
        problems=outcome.problems,
        outside=outcome.outside,
    )


def _one_map(job: Job, journal: Journal, variant: Variant, key: str, index: int) -> None:
    """Write one map of one variant, unless it is there and made of the same."""
    product = products(job)[index]
    final = job.output / variant.name / f"{product.name}.tif"
    if journal.output_done(final, key):
        return
    places = [Place(part_file(job, job.part_key(key, p)), p.grid) for p in job.parts()]
    with staging() as stage:
        stage.folder(final.parent)
        colours = None if product.is_float else _legend(job, variant, product.name)
        stage_map(stage, final, places, (index, product), job.grid, colours, f"{product.name} {variant.name}")
        if colours is not None:
            _stage_pam(stage, job, final, places, index, colours)
    journal.note_output(final, key)


def _legend(job: Job, variant: Variant, name: str) -> Any:
    present = [n for n in job.stack.sources if "@" not in n]
    return legend(name, [p.name for p in parts_of(variant.functie, present)])


def _stage_pam(stage: Stage, job: Job, final: Path, places: Sequence[Place], index: int, colours: Any) -> None:
    counts = np.zeros(256, np.int64)
    for place in places:
        with PartReader(place.path) as part:
            counts += part["counts"][index]
    counts[colours.nodata] += job.grid.rows * job.grid.cols - counts.sum()  # cells that no part had to look at
    beside = final.with_name(final.name + ".aux.xml")
    stage.file(beside).write_bytes(pam_bytes(counts, colours))


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
            p.relative_to(job.output).as_posix(): {"sha256": d}
            for p, d in (*_outputs(job, journal, keys, whole), *_page_output(job, journal))
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
        picture = job.output / v.name / PICTURE
        for path in [*sorted(picture.parent.glob("*.tif")), picture]:
            digest = journal.output_done(path, None if path == picture else keys[v])
            if digest:
                yield path, digest
                beside = path.with_name(path.name + ".aux.xml")
                if beside.is_file():
                    yield beside, sha256_of(beside)
    key = " ".join(keys[v] for v in whole)
    for name in ("gebieden.csv", "gebieden.gpkg"):
        digest = journal.output_done(job.output / name, key)
        if digest:
            yield job.output / name, digest


def _page_output(job: Job, journal: Journal) -> Iterator[tuple[Path, str]]:
    digest = journal.output_done(job.output / PAGE)
    if digest:
        yield job.output / PAGE, digest
