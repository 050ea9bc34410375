"""What is wrong with a catalogue, all at once, and what reading it would cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from waterbodem.core import crs as crs_text
from waterbodem.core import memory
from waterbodem.core.errors import WaterbodemError
from waterbodem.core.grid import Grid
from waterbodem.core.terminal import lines_of, one_line
from waterbodem.definitions.labels import brief_number, decimal, percent, plain_number
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.scenarios import is_vague, vague_text
from waterbodem.layers.catalogue import UNKNOWN, LayerEntry
from waterbodem.layers.decoding import Findings
from waterbodem.layers.raster import Block, RasterFile
from waterbodem.layers.source import LayerSource
from waterbodem.layers.stack import LayerStack, open_catalogue

#: A raster up to this many cells is read whole; a larger one in SAMPLES x SAMPLES windows.
WHOLE = 4_000_000
SAMPLES, SAMPLE_SIDE = 5, 400

#: Time on one core [ns]: to read a cell of a file, to read and warp one, to make a resampled cell
#: (measured: zstd float32, 6000 x 6000 cells).
NS_READ, NS_WARPED, NS_RESAMPLED = 6.0, 150.0, 250.0


@dataclass(frozen=True)
class AuditRow:
    """What a check says of one layer; numbers in the unit of the rules, NaN = no cell known."""

    name: str
    file: str
    crs: str
    cell_m: float | None
    unit: str
    known_share: float
    low: float
    high: float
    sampled: bool
    resampling: str
    source: str
    vintage: str
    licence: str | None
    attribution: str | None
    korrel_m: float | None
    afwijking: str | None
    scenario: str
    sha256: str
    sha256_ok: bool | None


@dataclass(frozen=True)
class Cost:
    """What reading all layers on the grid takes.

    Parameters
    ----------
    rows, cols, cells : int
        Of the grid.
    cell_m : float
        Cell size [m].
    bytes_read : int
        Raw numbers in the files that the grid covers, uncompressed.
    bytes_memory : int
        Of the arrays, when held at once (`open_layers`).
    seconds : float
        Estimate, one core.
    """

    rows: int
    cols: int
    cells: int
    cell_m: float
    bytes_read: int
    bytes_memory: int
    seconds: float


@dataclass(frozen=True)
class Audit:
    """The result of :func:`check_catalogue`."""

    title: str
    where: str
    rows: tuple[AuditRow, ...]
    problems: tuple[WaterbodemError, ...]
    warnings: tuple[str, ...]
    cost: Cost | None

    @property
    def ok(self) -> bool:
        """Whether the layers can be read."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a number that does not exist is None."""
        return {
            "title": self.title,
            "ok": self.ok,
            "problems": [str(p) for p in self.problems],
            "warnings": list(self.warnings),
            "layers": [{k: _plain(v) for k, v in asdict(row).items()} for row in self.rows],
            "cost": None if self.cost is None else asdict(self.cost),
        }

    def layers_text(self) -> str:
        """Return what was found of every layer, and what to look out for, in Dutch."""
        lines = [f"Lagen: {one_line(self.title or self.where)}", ""]
        lines += [_row_text(row) for row in self.rows]
        return "\n".join([*lines, *(f"Let op: {one_line(w)}" for w in self.warnings)])

    def to_text(self) -> str:
        """Return the check in Dutch, for planners."""
        lines = [self.layers_text()]
        lines += [f"FOUT: {lines_of(p)}" for p in self.problems]
        lines += _cost_text(self.cost)
        verdict = "In orde." if self.ok else f"{len(self.problems)} fout(en): zo kan het niet draaien."
        return "\n".join([*lines, verdict])


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row_text(row: AuditRow) -> str:
    cell = "vlakken" if row.cell_m is None else f"cellen van {plain_number(row.cell_m)} m"
    span = "geen bekende waarden"
    if math.isfinite(row.low):
        span = f"{brief_number(row.low, 4)} .. {brief_number(row.high, 4)} {row.unit}"
    share = f"{percent(row.known_share)} bekend{' (steekproef)' if row.sampled else ''}".replace("\u00a0", " ")
    digest = {True: "sha256 klopt", False: "sha256 klopt niet", None: "geen sha256 opgegeven"}
    rights = [f"  licentie  {one_line(text)}\n" for text in (row.licence, row.attribution) if text]
    told = [f"  scenario  {one_line(row.scenario)}\n"] if row.scenario else []
    told += [f"  korrel    gemaakt van gegevens van {plain_number(row.korrel_m)} m\n"] if row.korrel_m else []
    told += [f"  afwijking {one_line(row.afwijking)}\n"] if row.afwijking else []
    return (
        f"{one_line(row.name)}\n"
        f"  bestand   {one_line(row.file)} ({one_line(row.crs)}, {cell}; {digest[row.sha256_ok]})\n"
        f"  waarden   {span}; {share}\n"
        f"  bewerking {row.resampling or 'geen: cellen vallen samen'}\n"
        f"  bron      {one_line(row.source)}, {one_line(row.vintage)}\n"
    ) + "".join([*rights, *told])


def _scenario_text(entry: LayerEntry) -> str:
    """Return what a layer of a scenario says of it: stress test or year, and which scenario its source calls it."""
    test = f"stresstest ({entry.stresstest})" if isinstance(entry.stresstest, str) else "stresstest"
    parts = [test if entry.stresstest else "", str(entry.horizon or ""), entry.bron_scenario or ""]
    return ", ".join(part for part in parts if part)


def _cost_text(cost: Cost | None) -> list[str]:
    if cost is None:
        return []
    return [
        f"Rooster: {cost.rows} rijen x {cost.cols} kolommen van {plain_number(cost.cell_m)} m, "
        f"{decimal(cost.cells, 0)} cellen",
        f"Kosten vooraf: {brief_number(cost.bytes_read / 1e6, 3)} MB lezen, "
        f"{brief_number(cost.bytes_memory / 1e6, 3)} MB geheugen, ongeveer {brief_number(cost.seconds, 2)} s",
    ]


def check_catalogue(path: str | Path, allow: Iterable[str | Path] = ()) -> Audit:
    """Check a lagen.toml and its files: every problem at once, and the cost beforehand.

    Rasters of at most four million cells are read whole, larger ones in 25 windows spread evenly.

    Parameters
    ----------
    path : str or Path
        A lagen.toml, or a folder that holds one.
    allow : iterable of path
        Folders beside that of the catalogue that files may lie in.

    Returns
    -------
    Audit
        Never raises for what is wrong in the catalogue or its files.
    """
    try:
        stack = open_catalogue(path, allow)
    except WaterbodemError as error:
        return Audit("", str(path), (), error.problems, (), None)
    return audit_stack(stack)


def audit_stack(stack: LayerStack, beside: Iterable[LayerSource] = ()) -> Audit:
    """Check layers on their grid, and rasters that are named beside them; as :func:`check_catalogue`."""
    problems = list(stack.problems)
    rows = []
    for source in (*stack.sources.values(), *beside):
        seen, bad = _sampled(source)
        problems += bad
        rows.append(_row(source, stack, seen))
    cost = _cost(stack) if stack.fitting and stack.grid.rows else None
    return Audit(
        stack.title,
        stack.where,
        tuple(rows),
        tuple(problems),
        tuple(_warnings(stack, rows, cost)),
        cost,
    )


def _sampled(source: LayerSource) -> tuple[Findings, list[WaterbodemError]]:
    found = Findings()
    try:
        for block in windows(source.grid):
            found += source.survey_block(block)
        if source.grid is None:
            found = source.survey(Grid(0.0, 0.0, 1.0, 1.0, 0, 0, source.crs))
    except WaterbodemError as error:
        return found, [error]
    return found, source.complaints(found)


def windows(grid: Grid | None) -> Iterator[Block]:
    """Yield the blocks of a raster that a check reads."""
    if grid is None:
        return
    if grid.rows * grid.cols <= WHOLE:
        yield Block(0, 0, grid.rows, grid.cols)
        return
    for row in _starts(grid.rows):
        for col in _starts(grid.cols):
            yield Block(row, col, SAMPLE_SIDE, SAMPLE_SIDE).within(grid)


def _starts(size: int) -> list[int]:
    spread = np.linspace(0, max(0, size - SAMPLE_SIDE), SAMPLES)
    return sorted({int(v) for v in spread})


def _row(source: LayerSource, stack: LayerStack, found: Findings) -> AuditRow:
    entry, grid = source.entry, source.grid
    any_known = math.isfinite(found.low)
    return AuditRow(
        name=source.name,
        file=entry.path,
        crs=crs_text.label(source.crs),
        cell_m=None if grid is None else grid.dx,
        unit=source.kind.unit,
        known_share=(found.known + found.absent) / found.cells if found.cells else 0.0,
        low=found.low if any_known else math.nan,
        high=found.high if any_known else math.nan,
        sampled=grid is not None and grid.rows * grid.cols > WHOLE,
        resampling="" if source.name in stack.misfits else source.resampled(stack.grid) or "",
        source=entry.source,
        vintage=entry.vintage,
        licence=entry.licence,
        attribution=entry.attribution,
        korrel_m=entry.korrel_m,
        afwijking=entry.afwijking,
        scenario=_scenario_text(entry),
        sha256=source.sha256,
        sha256_ok=None if entry.sha256 is None else True,
    )


def _cost(stack: LayerStack) -> Cost:
    grid, layers = stack.grid, len(stack.fitting)
    sources = [stack.sources[name] for name in stack.fitting]
    cells = grid.rows * grid.cols
    return Cost(
        rows=grid.rows,
        cols=grid.cols,
        cells=cells,
        cell_m=grid.dx,
        bytes_read=sum(_bytes(source, grid) for source in sources),
        bytes_memory=memory.memory_of_layers(grid, layers),
        seconds=sum(_nanoseconds(source, grid) for source in sources) / 1e9,
    )


def _nanoseconds(source: LayerSource, grid: Grid) -> float:
    block = source.footprint(grid)
    there, here = block.rows * block.cols, grid.rows * grid.cols
    if source.grid and source.plan(grid).method is None:
        return NS_READ * there
    return NS_WARPED * there + NS_RESAMPLED * here


def _bytes(source: LayerSource, grid: Grid) -> int:
    if not isinstance(source.file, RasterFile):
        return source.file.path.stat().st_size
    block = source.footprint(grid)
    return block.rows * block.cols * np.dtype(source.file.dtype).itemsize


def _warnings(stack: LayerStack, rows: list[AuditRow], cost: Cost | None) -> Iterator[str]:
    for row in rows:
        if UNKNOWN in (row.source, row.vintage):
            yield f"{row.name}: bron of jaar is onbekend"
        if row.known_share == 0:
            yield f"{row.name}: geen enkele bekende waarde gevonden"
    for source in stack.sources.values():
        if crs_text.outside_rd(source.bounds_in(source.crs), source.crs):
            yield f"{source.name}: ligt buiten het RD-gebied"
        yield from _scenario_warnings(source)
    yield from _years_apart(stack)
    if cost is not None:
        try:
            memory.check_fits(stack.grid, len(stack.fitting))
        except WaterbodemError as error:
            yield f"past niet in een keer in het geheugen, wel met waterbodem run ({error})"


def _scenario_warnings(source: LayerSource) -> Iterator[str]:
    scenario, entry = LayerName.of(source.name).scenario, source.entry
    if scenario and entry.horizon is None and not entry.stresstest:
        yield f"{source.name}: geen horizon (jaar) opgegeven"
    if entry.bron_scenario is None and is_vague(scenario):
        yield f"{source.name}: {vague_text(scenario)}"


def _years_apart(stack: LayerStack) -> Iterator[str]:
    """Yield the scenarios whose layers name different years."""
    years: dict[str, set[int]] = {}
    for name, source in stack.sources.items():
        if source.entry.horizon is not None:
            years.setdefault(LayerName.of(name).scenario, set()).add(source.entry.horizon)
    for scenario, found in years.items():
        if len(found) > 1:
            yield f"{scenario}: lagen met verschillende jaren ({', '.join(map(str, sorted(found)))}); het laatste telt"
