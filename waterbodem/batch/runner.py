"""Province-wide: every layer read once for all functies, in parts that survive a crash."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from waterbodem.batch.compute import part_file
from waterbodem.batch.finish import Keys, finish
from waterbodem.batch.forecast import check_fits
from waterbodem.batch.job import PART_ROWS, Job, Part, Variant, open_job
from waterbodem.batch.journal import Journal, changed_error
from waterbodem.batch.outputs import Outcome
from waterbodem.batch.part_file import is_whole
from waterbodem.batch.run_file import read_run_file
from waterbodem.batch.state import run_plan
from waterbodem.batch.workers import LocalWorkers, PartTask, Workers, finished_tasks
from waterbodem.core.destination import destination
from waterbodem.core.errors import ArgumentError, CorruptLayer, OutOfSpace, PartFailed, WaterbodemError, error_line
from waterbodem.core.files import discard, remove_leftovers, staging
from waterbodem.core.path_gate import Digest, companion_names, sha256_of
from waterbodem.core.threads import thread_count as default_workers
from waterbodem.engine import compiling
from waterbodem.formats.occupancy import occupied
from waterbodem.formats.output_names import JOURNAL, WORK
from waterbodem.views.pace import Progress, by_cells, default_progress

_log = logging.getLogger("waterbodem")


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
    >>> from waterbodem.core.dataset import grid_of
    >>> from waterbodem.formats.cog.writer import write_raster
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
    overzichten: 1
    >>> outcome.complete
    True
    """
    started = time.monotonic()
    _check_arguments(workers, wait_for_lock, executor)
    output, threads = _output_folder(path), workers or default_workers()
    with (
        _hired(threads, executor, dask) as worker_pool,
        occupied(output, wait_for_lock),
        _journal(output, verify, digest) as journal,
    ):
        compiling.tell()
        job = open_job(path, digest=journal.digest, part_rows=tile)
        check_fits(job, worker_pool.here)
        _remove_partials(job)
        keys = {v: job.key(v) for v in job.variants}
        progress = _plan(job, journal, keys, Path(path).name, progress)
        try:
            outcome = _work(job, journal, keys, worker_pool, threads, progress)
        except CorruptLayer:
            if not _remove_damaged(job, keys):
                raise
            journal.clear_problems()
            outcome = _work(job, journal, keys, worker_pool, threads, progress, again=True)
        outcome.seconds = time.monotonic() - started
    return outcome


def _check_arguments(workers: object, wait_for_lock: object, executor: object) -> None:
    if workers is not None and not (type(workers) is int and workers > 0):
        raise ArgumentError("no number of workers", value=workers, allowed="1 or more; None: all", where="workers")
    if not (isinstance(wait_for_lock, (int, float)) and wait_for_lock >= 0):
        raise ArgumentError("no number of seconds", value=wait_for_lock, allowed=">= 0", where="wait_for_lock")
    if not isinstance(executor, Executor | None):
        allowed = "a concurrent.futures.Executor"
        raise ArgumentError("not an executor", value=type(executor).__name__, allowed=allowed, where="executor")


def _work(
    job: Job, journal: Journal, keys: Keys, worker_pool: Workers, threads: int, progress: Progress, again: bool = False
) -> Outcome:
    outcome = Outcome(job.output)
    _make_parts(job, journal, keys, outcome, worker_pool, progress)
    if again:
        _note_damaged(job, journal, keys, outcome)
    finish(job, journal, keys, outcome, threads, progress)
    return outcome


def _output_folder(path: str | Path) -> Path:
    file = read_run_file(path)  # says so if it is not there
    return destination(Path(path).resolve().parent / file.output, "output")


@contextmanager
def _hired(workers: int, executor: Executor | None, dask: Any) -> Iterator[Workers]:
    """Give threads, an executor or a cluster as a crew; let it go at the end."""
    if executor is not None and dask is not None:
        raise ArgumentError("give an executor or a Dask cluster", value="both", allowed="one", where="dask")
    worker_pool: Workers = LocalWorkers(workers, executor) if dask is None else _cluster(dask)
    try:
        yield worker_pool
    finally:
        worker_pool.close()


def _cluster(dask: Any) -> Workers:
    try:
        from waterbodem.batch.dask_workers import DaskWorkers
    except ImportError as error:
        raise ArgumentError(
            "Dask is not installed", value=error.name, allowed="pip install 'waterbodem[dask]'", where="dask"
        ) from error
    return DaskWorkers(dask)


@contextmanager
def _journal(output: Path, verify: bool, digest: Digest) -> Iterator[Journal]:
    with staging() as stage:
        stage.folder(output / WORK / "parts")
    journal = Journal(output / WORK / JOURNAL, verify=verify, digest=digest)
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
    plan = run_plan(job, keys, file, done)
    journal.note_plan(plan.to_json())
    each = zip(*(plan.parts_of(name) for name in plan.keys), strict=True)
    skipped = sum(done.issuperset(names) for names in each)
    return by_cells(progress or default_progress(), job.grid.shape, job.part_rows, skipped)


def _remove_partials(job: Job) -> None:
    """Remove what a killed run left half-written; it never had a final name."""
    folders = (job.work / "parts", job.work / "stroming", *(job.output / v.name for v in job.variants))
    remove_leftovers([job.output, *folders])


def _remove_damaged(job: Job, keys: Keys) -> int:
    """Remove part files that are not as they were written; return how many."""
    files = [part_file(job, job.part_key(key, part)) for key in keys.values() for part in job.parts()]
    damaged = [f for f in files if f.exists() and not is_whole(f)]
    for file in damaged:
        _log.warning("part %s is damaged: computed again", file.name)
        discard(file)
    return len(damaged)


# --- parts -----------------------------------------------------------------------------------------------------------


def _make_parts(
    job: Job, journal: Journal, keys: Keys, outcome: Outcome, worker_pool: Workers, progress: Progress
) -> None:
    """Compute what is not there; few parts are in hand at a time, so memory does not grow."""
    parts = list(job.parts())
    tasks = (PartTask(p, todo) for p in parts if (todo := _missing(job, journal, p, keys, outcome)))
    with closing(finished_tasks(worker_pool, job, tasks)) as results:
        for done, (task, error) in enumerate(results, 1):
            _note(job, journal, task, error, outcome)
            progress("rekenen", done, len(parts))


def _missing(job: Job, journal: Journal, part: Part, keys: Keys, outcome: Outcome) -> dict[Variant, str]:
    """Return the variants of a part that are not finished, with the names of their files."""
    names = {v: job.part_key(key, part) for v, key in keys.items()}
    todo = {v: n for v, n in names.items() if not (journal.part_done(n) and part_file(job, n).is_file())}
    outcome.kept += len(names) - len(todo)
    return todo


def _note(job: Job, journal: Journal, task: PartTask, error: BaseException | None, outcome: Outcome) -> None:
    """Write journal rows, after the files are on disk; what failed does not stop the rest."""
    if isinstance(error, OutOfSpace) or (error is not None and not isinstance(error, Exception)):
        raise error  # the rest would meet the same disk
    reasons = _reasons(job, journal, task, error)
    for variant, name in task.todo.items():
        reason = reasons.get(variant.name, "")
        if reason:
            _fail(journal, outcome, variant, task.part, name, reason)
        else:
            journal.note_part(name, _label(variant, task.part), task.started)
            outcome.made += 1
    for reason in dict.fromkeys(reasons.values()):
        names = ", ".join(n for n, r in reasons.items() if r == reason)
        _log.warning("part at row %s failed for %s: %s", task.part.first, names, reason)


def _reasons(job: Job, journal: Journal, task: PartTask, error: Exception | None) -> dict[str, str]:
    """Return why variants of a part failed, by name."""
    changed = _changed(job, task.todo, journal.changed())
    if error is None or isinstance(error, PartFailed):
        return changed | (error.reasons if error else {})
    return {v.name: error_line(error) for v in task.todo}


def _changed(job: Job, variants: Iterable[Variant], files: Sequence[Path]) -> dict[str, str]:
    """Return the variants whose layers are no longer as they were, with why that is wrong."""
    found = {}
    for variant in variants if files else ():
        own = [job.stack.sources[n].file.path for n in job.layers_of(variant)]
        read = [f for f in files if any(_belongs(f, path) for path in own)]
        if read:
            found[variant.name] = error_line(changed_error(read))
    return found


def _belongs(file: Path, layer: Path) -> bool:
    """Tell whether a file is that of a layer, or lies, or lay, beside it to tell more."""
    return file == layer or file in companion_names(layer)


def _label(variant: Variant, part: Part) -> str:
    return f"{variant.name} rij {part.first}"


def _fail(journal: Journal, outcome: Outcome, variant: Variant, part: Part, name: str, reason: str) -> None:
    label = _label(variant, part)
    journal.note_part(name, label, time.monotonic(), reason)
    outcome.problems.append((label, reason))
    if variant.name not in outcome.failed:
        outcome.failed.append(variant.name)


def _note_damaged(job: Job, journal: Journal, keys: Keys, outcome: Outcome) -> None:
    """Let a part that is damaged again, right after it was written, cost its variant."""
    for variant, key in keys.items():
        for part in job.parts() if variant.name not in outcome.failed else ():
            name = job.part_key(key, part)
            if not is_whole(part_file(job, name)):
                _fail(journal, outcome, variant, part, name, "part is damaged again: is the disk?")
