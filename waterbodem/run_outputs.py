"""What a run leaves, put together from parts: maps, table, pictures, receivers, styles, page and herkomst.json."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from waterbodem.atomic import discard, withdraw
from waterbodem.drawing import Drawing
from waterbodem.errors import OutOfSpace, told
from waterbodem.exposure_run import make_downstream
from waterbodem.exposure_store import Determined, Exposure, exposure_of, swept_files
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.made import Made
from waterbodem.output_names import PROVENANCE
from waterbodem.pace import Progress
from waterbodem.parts import part_file, products
from waterbodem.reception_run import make_receivers
from waterbodem.run_files import get_ready, make_page, make_picture, pictures_due, remove_pictures
from waterbodem.run_maps import make_map
from waterbodem.run_provenance import input_data, outputs_of, write_provenance
from waterbodem.run_state import Plan
from waterbodem.run_styles import make_styles
from waterbodem.run_tables import make_tables

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
        What failed, and why: rows of a functie, or who receives it. The rest is there.
    failed : list of str
        Functies, with their scenario, of which a part failed: no map of them is written, and no row in a table.
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
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outside: tuple[str, ...] = ()
    niet_bepaald: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every output is there."""
        return not self.problems


def finish(job: Job, journal: Journal, keys: Keys, outcome: Outcome, workers: int, progress: Progress) -> None:
    """Put parts together; outputs of variants with a failed part are left out.

    What herkomst.json of an earlier run tells of files is gone before any of them is.
    """
    withdraw(job.output / PROVENANCE)
    whole = [v for v in job.variants if v.name not in outcome.failed]
    exposure = exposure_of(job)
    received = Determined(failed=True)
    with _costing(journal, outcome, "ontvangers"):
        found = make_receivers(job, journal, whole, progress, exposure)
        _refuse_changed(journal, found)
        received = found
    _lay_out(job, journal, {v: keys[v] for v in whole}, outcome, received, workers, progress)
    with _costing(journal, outcome, "benedenstrooms"):
        downstream = make_downstream(job, journal, whole, progress, exposure)
        _refuse_changed(journal, downstream)
        received.add(downstream)
    outcome.niet_bepaald = tuple(received.niet_bepaald)
    make_styles(job, journal, keys, whole, received.outputs)
    make_page(job, journal, _made(job, journal, keys, whole, outcome, received))
    left = write_provenance(job, journal, keys, whole, received, outcome.problems)
    journal.note_plan(replace(Plan.read(journal.plan()), beside=left).to_json())
    if outcome.complete:
        _remove_stale(job, keys, exposure)


def _refuse_changed(journal: Journal, made: Determined) -> None:
    """Refuse what was made of layers that changed meanwhile; where nothing was made, none of them matters."""
    if made.outputs:
        journal.refuse_changed()


def _lay_out(
    job: Job, journal: Journal, keys: Keys, outcome: Outcome, received: Determined, workers: int, progress: Progress
) -> None:
    """Write table, maps and pictures side by side; a picture follows the last map of its variant."""
    tasks = [(v, i) for v in keys for i in range(len(products(job)))]
    due = pictures_due(job, journal, keys)
    with closing(Drawing(job, len(due))) as draw, _stoppable(1) as artist, _stoppable(workers) as pool:
        table = pool.submit(make_tables, job, journal, keys, list(keys), received)
        maps = pool.map(lambda t: make_map(job, journal, t[0], keys[t[0]], t[1]), tasks)
        ready, drawn = artist.submit(draw.prepare), []
        if outcome.made:
            get_ready()
        for done, ((variant, index), _) in enumerate(zip(tasks, maps, strict=True), start=1):
            progress("kaarten", done, len(tasks))
            if variant in due and index == len(products(job)) - 1:
                drawn.append(artist.submit(make_picture, job, journal, variant, keys[variant], draw))
        outcome.outside = table.result()
        ready.result()
        for done, picture in enumerate(drawn, start=1):
            picture.result()
            progress("overzichten", done, len(due))
    remove_pictures(job)


@contextmanager
def _costing(journal: Journal, outcome: Outcome, label: str) -> Iterator[None]:
    """Let an error cost only what is done here, unless the rest would meet the same."""
    try:
        yield
    except OutOfSpace:
        raise
    except Exception as error:
        outcome.problems.append((label, told(error)))
        journal.note_problem(label, told(error))
        _log.warning("%s failed: %s", label, told(error))


@contextmanager
def _stoppable(workers: int) -> Iterator[Executor]:
    """Give threads that begin nothing new once what they are for has stopped."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _remove_stale(job: Job, keys: Keys, exposure: Exposure) -> None:
    """Remove parts and sweeps of an earlier content: what was asked now is complete without them."""
    kept = {part_file(job, job.part_key(key, p)) for key in keys.values() for p in job.parts()} | exposure.kept()
    for path in (*(job.work / "parts").iterdir(), *swept_files(job)):
        if path not in kept:
            discard(path)


def _made(
    job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], outcome: Outcome, received: Determined
) -> Made:
    return Made(
        file=Plan.read(journal.plan()).file,
        keys={v: keys[v] for v in whole},
        inputs={n: input_data(job, n) for n in job.stack.sources},
        outputs=dict(outputs_of(job, journal, keys, whole, received)),
        problems=outcome.problems,
        failed=outcome.failed,
        outside=outcome.outside,
    )
