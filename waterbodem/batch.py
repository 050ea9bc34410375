"""Province-wide: every layer read once for all functies, in parts that survive a crash."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from waterbodem.atomic import PARTIAL_PATTERN, Stage, staging
from waterbodem.crew import Crew, Local, Task, finished
from waterbodem.errors import ArgumentError, CorruptLayer, OutOfSpace, WaterbodemError
from waterbodem.exposure_run import make_downstream
from waterbodem.exposure_store import Determined, exposure_of
from waterbodem.job import PART_ROWS, Job, Part, Variant, open_job
from waterbodem.journal import Journal
from waterbodem.made import Made
from waterbodem.mosaic import Place, stage_map
from waterbodem.pace import Progress, by_cells, default_progress
from waterbodem.part_file import PartReader, is_whole
from waterbodem.parts import part_file, products
from waterbodem.paths import Digest, sha256_of
from waterbodem.preview import check_fits
from waterbodem.raster_files import pam_bytes
from waterbodem.reception_run import make_receivers
from waterbodem.run_files import get_ready, make_page, make_picture
from waterbodem.run_provenance import input_data, others_of, outputs_of, write_provenance
from waterbodem.run_state import GLANCE, LEDGER, LOCK, WORK, Plan, plan_of
from waterbodem.run_styles import make_styles, output_map
from waterbodem.run_tables import make_tables
from waterbodem.runfile import read_run_file
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
    niet_bepaald : tuple of str
        What could not be determined of who receives the burden, and why, in Dutch.
    """

    output: Path
    made: int = 0
    kept: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    outside: tuple[str, ...] = ()
    niet_bepaald: tuple[str, ...] = ()

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
    digest: Digest = sha256_of,
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
        Hash every input and output again, also where size, time and inode are unchanged.
    wait_for_lock : float
        Seconds to wait for another run on the same folder.
    executor : concurrent.futures.Executor, optional
        Where parts are computed; default threads.
    dask : str or distributed.Client, optional
        Address of a Dask scheduler, or a client: its workers, which see the same folders, compute the parts.
    tile : int
        Rows of a part; no number depends on it.
    digest : callable
        How to get the sha256 of a layer that the ledger does not know; takes the path, None, and where it is named.

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
        _journal(output, verify, digest) as journal,
    ):
        job = open_job(path, digest=journal.digest, part_rows=tile)
        check_fits(job, crew.here)
        _remove_partials(job)
        keys = {v: job.key(v) for v in job.variants}
        progress = _plan(job, journal, keys, Path(path).name, progress)
        try:
            outcome = _work(job, journal, keys, crew, threads, progress)
        except CorruptLayer:
            if not _remove_damaged(job, keys):
                raise
            outcome = _work(job, journal, keys, crew, threads, progress)
        outcome.seconds = time.monotonic() - started
    return outcome


def _work(job: Job, journal: Journal, keys: Keys, crew: Crew, threads: int, progress: Progress) -> Outcome:
    outcome = Outcome(job.output)
    _make_parts(job, journal, keys, outcome, crew, progress)
    _finish(job, journal, keys, outcome, threads, progress)
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
    lock = filelock.FileLock(output / WORK / LOCK, timeout=max(seconds, GLANCE))
    try:
        (output / WORK / "parts").mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise ArgumentError("another run is busy in this folder", value=output.name, where="output") from None
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        raise ArgumentError("output folder cannot be written", value=str(error), where=str(output)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _journal(output: Path, verify: bool, digest: Digest) -> Iterator[Journal]:
    journal = Journal(output / WORK / LEDGER, verify=verify, digest=digest)
    try:
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
    ours = (job.work / "parts", job.work / "stroming", *(job.output / v.name for v in job.variants))
    for folder in (job.output, *ours):
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
    if isinstance(error, OutOfSpace) or (error is not None and not isinstance(error, Exception)):
        raise error  # the rest would meet the same disk
    if error is None and (changed := journal.changed()):
        error = CorruptLayer("file changed during the run: run again", value=", ".join(changed))
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
    exposure = exposure_of(job)
    received = make_receivers(job, journal, whole, progress, exposure)
    with _stoppable(workers) as pool:
        table = pool.submit(make_tables, job, journal, keys, whole, received)
        maps = pool.map(lambda t: _one_map(job, journal, t[0], keys[t[0]], t[1]), tasks)
        if outcome.made:
            get_ready(job)
        for done, (task, _) in enumerate(zip(tasks, maps, strict=True), start=1):
            progress("kaarten", done, len(tasks))
            _draw_after(job, journal, keys, *task)
        outcome.outside = table.result()
    received.add(make_downstream(job, journal, whole, progress, exposure))
    outcome.niet_bepaald = tuple(received.niet_bepaald)
    make_styles(job, journal, keys, whole, received.outputs)
    make_page(job, journal, _made(job, journal, keys, whole, outcome, received))
    write_provenance(job, journal, keys, whole, received)
    if outcome.complete:
        _remove_stale(job, keys)


@contextmanager
def _stoppable(workers: int) -> Iterator[Executor]:
    """Give threads that begin nothing new once what they are for has stopped."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_after(job: Job, journal: Journal, keys: Keys, variant: Variant, index: int) -> None:
    """Draw a variant after its last map: matplotlib draws in one thread, maps go on in others."""
    if index == len(products(job)) - 1:
        make_picture(job, journal, variant, keys[variant])


def _remove_stale(job: Job, keys: Keys) -> None:
    """Remove parts of an earlier content: what was asked now is complete without them."""
    kept = {part_file(job, job.part_key(key, p)) for key in keys.values() for p in job.parts()}
    for path in (job.work / "parts").iterdir():
        if path not in kept:
            path.unlink(missing_ok=True)


def _made(
    job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], outcome: Outcome, received: Determined
) -> Made:
    return Made(
        file=Plan.read(journal.plan()).file,
        keys={v: keys[v] for v in whole},
        inputs={n: input_data(job, n) for n in job.stack.sources},
        outputs={**dict(outputs_of(job, journal, keys, whole)), **dict(others_of(journal, received.outputs))},
        problems=outcome.problems,
        outside=outcome.outside,
    )


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
        shown = output_map(job, variant, product)
        colours = None if product.is_float else shown.legend
        stage_map(stage, final, places, (index, product), job.grid, colours, shown.title)
        if colours is not None:
            _stage_pam(stage, job, final, places, index, colours)
    for file in files:
        journal.note_output(file, key)


def _beside(final: Path) -> Path:
    return final.with_name(final.name + ".aux.xml")


def _stage_pam(stage: Stage, job: Job, final: Path, places: Sequence[Place], index: int, colours: Any) -> None:
    counts = np.zeros(256, np.int64)
    for place in places:
        with PartReader(place.path) as part:
            counts += part["counts"][index]
    counts[colours.nodata] += job.grid.rows * job.grid.cols - counts.sum()  # cells that no part had to look at
    stage.file(_beside(final)).write_bytes(pam_bytes(counts, colours))
