"""How a batch run stands: what it was to do, and what of that is done, read from its ledger from outside."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from waterbodem.batch.compute import part_maps
from waterbodem.batch.exposure import Exposure, exposure_of
from waterbodem.batch.job import MOST_ROWS, Job, Variant, part_name
from waterbodem.batch.journal import JournalPage, read_page
from waterbodem.batch.run_file import is_run_file, read_run_file
from waterbodem.core.errors import ArgumentError, CorruptLayer
from waterbodem.core.path_gate import followed_links
from waterbodem.definitions.data_files import is_plain_file
from waterbodem.formats.occupancy import is_held
from waterbodem.formats.output_names import AREAS, JOURNAL, WORK

#: Seconds after its last note that a run counts as busy, where its lock cannot be looked at.
RECENT = 600


@dataclass(frozen=True)
class RunPlan:
    """What a run is to do.

    Parameters
    ----------
    file : str
        Name of the run file.
    rows, cols, part_rows : int
    keys : mapping of variant to key
        What the numbers of each depend on.
    maps, tables : sequence of str
        Names of files: of every variant, and of all together.
    kept : int
        Parts, counted per variant, that were there when the run began.
    receivers : str
        What the tables say of the land around depends on; empty where they say nothing.
    beside : sequence of str
        Names of all else that the run left: known when it is done.
    """

    file: str
    rows: int
    cols: int
    part_rows: int
    keys: Mapping[str, str]
    maps: Sequence[str]
    tables: Sequence[str]
    kept: int = 0
    receivers: str = ""
    beside: Sequence[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> RunPlan:
        """Return what the ledger holds.

        Raises
        ------
        ValueError, TypeError
            If no run wrote it.
        """
        plan = cls(**json.loads(text))
        numbers = plan.part_rows > 0 and 0 < plan.rows <= MOST_ROWS and 0 < plan.cols <= MOST_ROWS
        names = (*plan.keys.values(), *plan.maps, *plan.tables, *plan.beside)
        if not numbers or not all(isinstance(n, str) for n in names):
            raise ValueError("plan is not that of a run")
        return plan

    def parts_of(self, variant: str) -> list[str]:
        """Return the names of the parts of a variant, from north to south."""
        return [part_name(self.keys[variant], self.part_rows, first) for first in range(0, self.rows, self.part_rows)]

    def to_json(self) -> str:
        """Return it as text for the ledger."""
        return json.dumps(asdict(self))


def around_key(job: Job, exposure: Exposure) -> str:
    """Return what the tables depend on around their polygons: who lies there, and who receives."""
    return f"{job.neighbours_sha256} {exposure.mark}".rstrip() if job.areas else exposure.mark


def table_key(keys: Iterable[str], receivers: str) -> str:
    """Return what the tables of polygons depend on: the variants in them, and what they say of receivers."""
    return " ".join([*keys, receivers]).rstrip()


def table_names(job: Job) -> list[str]:
    """Return the files of the table of polygons; none without polygons."""
    return [f"{AREAS}.csv", f"{AREAS}.gpkg"] if job.areas else []


def run_plan(job: Job, keys: Mapping[Variant, str], file: str, done: set[str]) -> RunPlan:
    """Return what a job is to do.

    Parameters
    ----------
    done : set of str
        Parts that are there.
    """
    maps = [f"{p.name}.tif" for p in part_maps(job)]
    tables = table_names(job)
    size = job.grid.rows, job.grid.cols, job.part_rows
    named = {v.name: k for v, k in keys.items()}
    plan = RunPlan(file, *size, named, maps, tables, receivers=around_key(job, exposure_of(job)))
    return RunPlan(**{**vars(plan), "kept": sum(n in done for v in plan.keys for n in plan.parts_of(v))})


@dataclass(frozen=True)
class VariantState:
    """How far a functie, or a functie in a scenario, is; parts and maps are counts."""

    naam: str
    klaar: int
    mislukt: int
    te_doen: int
    kaarten: int
    kaarten_totaal: int


@dataclass(frozen=True)
class RunState:
    """How a run stands.

    Parameters
    ----------
    toestand : {"klaar", "bezig", "mislukt", "afgebroken", "onvolledig"}
        Complete; busy; ended while something failed, or by an error; killed; ended, but files are gone or changed.
    bestand : str
        Name of the run file; empty while layers are being checked.
    sinds, tot : float, optional
        When it began and ended [s since 1970].
    varianten : tuple of VariantState
    tabellen : mapping of str to bool
        Whether each table is finished.
    problemen : tuple of (str, str)
        What failed, and why.
    cellen_per_s : float, optional
        Cells of the grid, for all functies together, while busy.
    nog_s : float, optional
        Time left until all parts are there, while busy.
    """

    toestand: str
    bestand: str = ""
    sinds: float | None = None
    tot: float | None = None
    varianten: tuple[VariantState, ...] = ()
    tabellen: Mapping[str, bool] | None = None
    problemen: tuple[tuple[str, str], ...] = ()
    cellen_per_s: float | None = None
    nog_s: float | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that was asked is there."""
        return self.toestand == "klaar"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def status(folder: str | Path) -> RunState:
    """Tell how a batch run stands, without disturbing it where it is busy.

    Parameters
    ----------
    folder : str or Path
        Output folder of :func:`waterbodem.run`, or its run file.

    Returns
    -------
    RunState

    Raises
    ------
    ArgumentError
        If no run has worked in this folder, or what it left cannot be looked at.
    CorruptLayer
        If its ledger cannot be read.
    """
    root = _root(Path(folder))
    ledger = root / WORK / JOURNAL
    if os.path.isdir(root / WORK) and not os.access(root / WORK, os.X_OK):
        raise ArgumentError("results of a run cannot be looked at", value="no rights", where=str(root / WORK))
    if not is_plain_file(ledger):
        raise ArgumentError(
            "no run has worked here", value=str(folder), allowed="the output folder or run file of a run"
        )
    page = read_page(ledger)
    busy = page.ended is None and is_busy(root)
    try:
        return _standing(root, page, busy)
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptLayer("ledger holds what no run writes", value=str(error), where=str(ledger)) from error
    except OSError as error:
        where = str(error.filename or root)
        raise ArgumentError("results cannot be looked at", value=error.strerror, where=where) from error


def _root(path: Path) -> Path:
    real = followed_links(path)  # also of a link to itself
    return real.parent / read_run_file(path).output if is_run_file(path) else real


def is_busy(root: Path) -> bool:
    """Tell whether a run is busy in this folder; one of somebody else is known by its traces only."""
    try:
        return is_held(root)
    except OSError:
        return time.time() - max(p.stat().st_mtime for p in (root / WORK).glob(f"{JOURNAL}*")) < RECENT


def _standing(root: Path, page: JournalPage, busy: bool) -> RunState:
    if not page.plan:
        problems = (("run", page.problem),) if page.problem else ()
        return RunState(_word(page, busy, False), sinds=page.begun, tot=page.ended, problemen=problems)
    plan = RunPlan.read(page.plan)
    found = tuple(_variant(root, plan, page, v) for v in plan.keys)
    tables = dict(_tables(root, plan, page, found))
    whole = all(v.klaar and not v.mislukt + v.te_doen and v.kaarten == v.kaarten_totaal for v in found)
    beside = all(_is_made(root, page, name) for name in plan.beside)
    return RunState(
        toestand=_word(page, busy, whole and beside and all(tables.values())),
        bestand=plan.file,
        sinds=page.begun,
        tot=page.ended,
        varianten=found,
        tabellen=tables,
        problemen=tuple(_problems(plan, page)),
        **(_pace(plan, page, found) if busy else {}),
    )


def _word(page: JournalPage, busy: bool, whole: bool) -> str:
    if busy:
        return "bezig"
    if page.ended is None:
        return "afgebroken"
    if page.problem or any(problem for _, problem in page.parts.values()):
        return "mislukt"
    return "klaar" if whole else "onvolledig"


def _variant(root: Path, plan: RunPlan, page: JournalPage, name: str) -> VariantState:
    found = [page.parts.get(n, ("", None))[1] for n in plan.parts_of(name)]
    done, todo = found.count(""), found.count(None)
    maps = sum(_is_made(root, page, f"{name}/{m}", plan.keys[name]) for m in plan.maps)
    return VariantState(name, done, len(found) - done - todo, todo, maps, len(plan.maps))


def _tables(
    root: Path, plan: RunPlan, page: JournalPage, variants: Sequence[VariantState]
) -> Iterator[tuple[str, bool]]:
    key = table_key([plan.keys[v.naam] for v in variants if not v.mislukt], plan.receivers)
    for name in plan.tables:
        yield name, _is_made(root, page, name, key)


def _is_made(root: Path, page: JournalPage, name: str, key: str | None = None) -> bool:
    """Tell whether an output was made of this content (default any) and is still as it was."""
    row, path = page.outputs.get(name), root / name
    if row is None or key not in (None, row[0]) or not path.is_file():
        return False
    info = path.stat()
    return (info.st_size, info.st_mtime_ns) == row[1:]


def _problems(plan: RunPlan, page: JournalPage) -> Iterator[tuple[str, str]]:
    if page.problem:
        yield "run", page.problem
    names = [n for v in plan.keys for n in plan.parts_of(v)]
    for name in dict.fromkeys([*names, *page.parts]):
        label, problem = page.parts.get(name, ("", ""))
        if problem:
            yield label, problem


def _pace(plan: RunPlan, page: JournalPage, found: Sequence[VariantState]) -> dict[str, float]:
    """Return cells per second since the run began and the time left; nothing before the first part is done."""
    done, todo = sum(v.klaar for v in found) - plan.kept, sum(v.te_doen for v in found)
    elapsed = time.time() - (page.begun or 0.0)
    if done <= 0 or elapsed <= 0:
        return {}
    whole = sum(v.klaar + v.mislukt + v.te_doen for v in found)
    return {"cellen_per_s": plan.rows * plan.cols * done / whole / elapsed, "nog_s": elapsed * todo / done}
