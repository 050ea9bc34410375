"""A batch run, resolved: layers, functies, polygons, parts and the content each part depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.batch.run_file import AreaChoice, ReceiverChoice, RunFile, read_run_file
from waterbodem.core.errors import ArgumentError, CatalogueError, NoOverlap, Trial, nearest, raise_all
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import Digest, companions, sha256_of
from waterbodem.core.version import code_version
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Board
from waterbodem.definitions.layer_name import PERCENTILES, LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import USE, PresentUse, UseMap, is_given
from waterbodem.definitions.receiving import reach_table
from waterbodem.definitions.scenarios import scenarios_among, scenarios_in
from waterbodem.definitions.settings import Settings, Storage
from waterbodem.engine.demands import Demand, demands_of
from waterbodem.engine.fused import block_polygons
from waterbodem.engine.layer_set import LayerSet, Scenario, scenario_of
from waterbodem.engine.reference import on_block
from waterbodem.engine.scoring import layers_of, ordered_power
from waterbodem.engine.site import Site, layers_of_site
from waterbodem.formats.cog.tiles import TILE
from waterbodem.formats.output_names import CELL_MAPS, RECEPTION, WORK
from waterbodem.formats.overwriting import refuse_overwriting
from waterbodem.formats.setting_forms import Origin, files_of, marks, read_settings
from waterbodem.kernels.components import LAYERS as BURDEN_LAYERS
from waterbodem.layers.boundaries import boards_of
from waterbodem.layers.catalogue import catalogue_file
from waterbodem.layers.polygons import Area, areas_of, read_areas
from waterbodem.layers.raster import RasterFile
from waterbodem.layers.stack import TOLD, LayerStack, open_catalogue
from waterbodem.layers.use_map import UseSource, opened_use
from waterbodem.receivers.division import ReceiverPolygon, read_targets

#: Rows of cells in a part; a part is what is done, or done again, as a whole.
PART_ROWS = 512
#: Cells that are read and computed at once: rows and columns, whole tiles, so that memory does not grow with a part.
BLOCK = (512, 2048)
#: Rows or columns of a grid; the Netherlands at 5 cm take fewer.
MOST_ROWS = 10_000_000


@dataclass(frozen=True)
class Variant:
    """A functie under present conditions (scenario empty) or under a scenario's layers."""

    functie: Functie
    scenario: str = ""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def name(self) -> str:
        """Folder of its files: ``functie`` or ``functie@scenario``."""
        return f"{self.functie.id}@{self.scenario}" if self.scenario else self.functie.id


@dataclass(frozen=True)
class Part:
    """Rows of the grid from ``first`` on, over its whole width."""

    number: int
    grid: Grid
    first: int


@dataclass(frozen=True)
class Job:
    """Everything a part needs; can be sent to another process.

    Parameters
    ----------
    file : RunFile
    output : Path
    stack : LayerStack
        On the grid of the run.
    variants : tuple of Variant
    settings : Settings
    areas : tuple of Area
        Empty: every cell is computed.
    part_rows : int
    land : LayerStack, optional
        The same layers on all of the grid, where polygons cut it: water runs on beyond them.
    receivers : tuple of Target
        Who may receive the burden of the polygons.
    beside : mapping of layer to sha256 values
        Of the files beside a layer's own that its numbers depend on.
    boards : tuple of tuple of Board
        Per polygon the water boards that hold a part of it.
    """

    file: RunFile
    output: Path
    stack: LayerStack
    variants: tuple[Variant, ...]
    settings: Settings
    areas: tuple[Area, ...]
    part_rows: int = PART_ROWS
    land: LayerStack | None = None
    receivers: tuple[ReceiverPolygon, ...] = ()
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    boards: tuple[tuple[Board, ...], ...] = ()

    @property
    def around(self) -> LayerStack:
        """Layers on all of the grid."""
        return self.land or self.stack

    @property
    def grid(self) -> Grid:
        """Grid of the run."""
        return self.stack.grid

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Where the polygons are."""
        return shapely.STRtree([a.geometry for a in self.areas])

    @cached_property
    def areas_sha256(self) -> str:
        """Mark of the polygons that are summed over."""
        return areas_mark(self.areas)

    @cached_property
    def present_use(self) -> PresentUse:
        """What plans are held against."""
        return PresentUse.of(self.settings.reference, self.layers)

    def use_on(self, block: Grid) -> Functie | UseMap:
        """Return what plans are held against on a block of cells."""
        return on_block(self.settings.reference, block)

    @property
    def use_source(self) -> UseSource | None:
        """The raster of present use that the run names beside its layers."""
        source = getattr(self.settings.reference, "source", None)
        return source if isinstance(source, UseSource) else None

    @property
    def storage(self) -> Storage:
        """What is agreed for maps: they are without a water board."""
        return replace(self.settings.storage, board=None)

    def demands(self, functie: Functie) -> tuple[Demand, ...]:
        """Return what water boards ask of every polygon for a functie."""
        return demands_of(self.boards, self.areas, self.grid, functie, self.present_use, lambda: self.use_cells)

    @cached_property
    def use_cells(self) -> NDArray[np.float64]:
        """Covered cells per polygon and present use (P, R + 1), the first of what is unknown."""
        names = [n for n in (USE, "ghg") if n in self.stack.sources]
        found = np.zeros((len(self.areas), 1 + len(self.present_use.functies)))
        for grid in (p.grid.part(*block) for p in self.parts() for block in blocks(p.grid)):
            footing = block_polygons(self.areas, self.tree, grid)
            if footing is not None:
                held = self.stack.read(grid, names) or {"ghg": np.full(grid.shape, np.nan, np.float32)}
                site = Site(LayerSet(held, ()), self.use_on(grid), self.settings.rules)
                found[footing.numbers] += site.use_cells(footing.runs.prints)
        return found

    @property
    def layers(self) -> list[str]:
        """Present layers in the data."""
        return [n for n in self.stack.sources if "@" not in n]

    @property
    def work(self) -> Path:
        """Folder with parts and ledger."""
        return self.output / WORK

    def parts(self) -> Iterator[Part]:
        """Yield the parts from north to south."""
        for number, first in enumerate(range(0, self.grid.rows, self.part_rows)):
            after = min(first + self.part_rows, self.grid.rows)
            yield Part(number, self.grid.part(slice(first, after), slice(0, self.grid.cols)), first)

    @property
    def has_vector(self) -> bool:
        """Whether files of polygons are read or written."""
        return bool(self.areas or self.receivers) or any(s.entry.is_vector for s in self.stack.sources.values())

    @property
    def wants_range(self) -> bool:
        """Whether it is looked into what an ordinary error of a layer does to the answers of polygons."""
        return bool(self.areas) and self.settings.has_range

    @cached_property
    def hectares(self) -> NDArray[np.float64]:
        """Size of every polygon."""
        return areas_of(self.areas) / 1e4

    @property
    def wants_burden(self) -> bool:
        """Whether afwenteling has to be computed: for a map of it, or for polygons."""
        return bool(self.areas) or any(m.of_burden and m.name in self.file.maps for m in CELL_MAPS)

    @property
    def wants_downstream(self) -> bool:
        """Whether water has to be routed."""
        return not set(RECEPTION).isdisjoint(self.file.maps)

    @property
    def wants_ledger(self) -> bool:
        """Whether it has to be told who receives what polygons shift."""
        return bool(self.areas) and self.wants_downstream

    def layers_of(self, variant: Variant) -> tuple[str, ...]:
        """Return the layers that a variant's numbers depend on, in the order of the catalogue."""
        shifts = self.wants_burden or self.wants_downstream
        present = self.stack.sources
        use = () if is_given(self.settings.reference) else (USE,)
        wanted = {*layers_of(variant.functie, present=present), *((*BURDEN_LAYERS, *use) if shifts else ())}
        if self.areas:
            wanted |= layers_of_site(self.settings.rules, present)
        kept = {"", *(PERCENTILES if self.wants_range else ())}
        names = {n: LayerName.of(n) for n in self.stack.sources}
        return tuple(n for n, t in names.items() if t.layer in wanted and t.percentile in kept)

    def mark(self, name: str) -> list[str]:
        """Return all that the numbers of a layer depend on."""
        return [*_source_mark(self.stack, name), *self.beside.get(name, ())]

    @cached_property
    def neighbours_sha256(self) -> str:
        """Mark of what tells who lies beside a polygon, and how far a rise of its groundwater reaches."""
        wanted = {USE, *reach_table(self.settings.reach).layers}
        layers = {n: self.mark(n) for n in self.stack.sources if LayerName.of(n).layer in wanted}
        text = json.dumps([layers, marks(self.settings, "ontvangers")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def own_use(self) -> list[str]:
        """Marks of the functies of the user's own that codes of the present use may stand for."""
        use = self.settings.reference
        return [registry.definition_sha256(f) for f in use.own] if isinstance(use, UseMap) else []

    def key(self, variant: Variant) -> str:
        """Return the sha256 of all that a variant's numbers depend on."""
        layers = {n: self.mark(n) for n in self.layers_of(variant)}
        settings = {
            "code": code_version(),
            "rules": registry.rules_version(),
            "functie": registry.definition_sha256(variant.functie),
            "own": self.own_use,
            "scenario": variant.scenario,
            "settings": marks(self.settings, "scores", "last", *(("tabel",) if self.areas else ())),
            "grid": repr(self.grid),
            "areas": self.areas_sha256,
            "maps": [self.file.cell_maps, self.file.float_],
        }
        text = json.dumps([layers, settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def asked(self) -> tuple[str, ...]:
        """Scenarios that get maps and rows of their own."""
        return tuple(dict.fromkeys(v.scenario for v in self.variants if v.scenario))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Names and horizons of the scenarios in the layers, without cells."""
        named = (LayerName.of(n).scenario for n in self.stack.sources)
        return tuple(self._scenario(s) for s in dict.fromkeys(s for s in named if s))

    def _scenario(self, name: str) -> Scenario:
        entries = [s.entry for n, s in self.stack.sources.items() if LayerName.of(n).scenario == name]
        return scenario_of(name, {}, [e.horizon for e in entries], [e.stresstest for e in entries])

    def part_key(self, key: str, part: Part) -> str:
        """Return the name of what a part of a variant makes: by content, so that it can never be stale."""
        return part_name(key, self.part_rows, part.first)


def blocks(grid: Grid) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks of cells of a part, row by row."""
    for r in range(0, grid.rows, BLOCK[0]):
        for c in range(0, grid.cols, BLOCK[1]):
            yield slice(r, min(r + BLOCK[0], grid.rows)), slice(c, min(c + BLOCK[1], grid.cols))


def part_name(key: str, rows: int, first: int) -> str:
    """Return the name of rows of what a key makes."""
    return hashlib.sha256(f"{key} {rows} {first}".encode()).hexdigest()[:40]


def _source_mark(stack: LayerStack, name: str) -> list[str]:
    """Return what a layer's numbers depend on: content, table, and what else was read of or about the file."""
    source = stack.sources[name]
    file = source.file
    read = repr(replace(file, path=Path())) if isinstance(file, RasterFile) else file.crs
    return [source.sha256, source.entry.model_dump_json(exclude={"source", "vintage", *TOLD}), read]


def areas_mark(areas: tuple[Area, ...]) -> str:
    """Return the sha256 of polygons, their names and numbers."""
    digest = hashlib.sha256()
    for area in areas:
        digest.update(f"{area.nr} {area.name}\0".encode() + shapely.to_wkb(area.geometry))
    return digest.hexdigest()


def targets_mark(targets: tuple[ReceiverPolygon, ...]) -> str:
    """Return the sha256 of receivers: polygons, their names and numbers, and what each is."""
    kinds = "\0".join(t.soort for t in targets)
    return hashlib.sha256(f"{areas_mark(tuple(t.area for t in targets))} {kinds}".encode()).hexdigest()


def open_job(path: str | Path, *, digest: Digest = sha256_of, part_rows: int = PART_ROWS) -> Job:
    """Read a run file and open what it names.

    Raises
    ------
    WaterbodemError
        Everything that is wrong, at once where that is possible.
    """
    if part_rows < TILE or part_rows % TILE:
        raise ArgumentError("rows of a part are not whole tiles", value=part_rows, allowed=f"a multiple of {TILE}")
    file, base, trial = read_run_file(path), Path(path).resolve().parent, Trial(str(path))
    known, settings = registry.load_functies(), Settings()
    with trial.step():
        known = registry.load_functies(base / file.functies_file if file.functies_file else None)
        functies, settings = _asked(file, base, known)
    with trial.step():
        stack = open_catalogue(base / file.layers, digest=digest, functies=known)
        land = stack.on(file.grid.bounds, file.grid.resolution)
        with trial.step():
            raise_all(list(land.problems))
            _check_grid(land, chosen=file.grid.bounds is not None)
        with trial.step():
            settings = settings.with_reference(opened_use(settings.reference, land.grid, known, digest))
        with trial.step():
            scenarios = () if land.file_problems else scenarios_of(file, land)  # its layers may be the ones
        with trial.step():
            areas = () if file.gebieden is None else _areas(file.gebieden, base, land)
        with trial.step():
            receivers = _receivers(file.ontvangers, base, land)
    trial.end()
    variants = tuple(Variant(f, s) for f in functies for s in ("", *scenarios))
    refuse_overwriting(base / file.output, [v.name for v in variants], (Path(path), *_read_by(file, base), *land.files))
    return Job(
        file,
        base / file.output,
        replace(land, grid=_cut(land.grid, areas)) if areas else land,
        variants,
        settings,
        areas,
        part_rows,
        land,
        receivers,
        {n: tuple(digest(p, None, n) for p in companions(s.file.path)) for n, s in land.sources.items()},
        boards_of(settings.judge, areas, land.grid.crs),
    )


def _asked(file: RunFile, base: Path, known: registry.Functies) -> tuple[list[Functie], Settings]:
    """Functies of a run, and what they are judged by; what is wrong with any of it is told together."""
    trial, settings = Trial(), Settings()
    with trial.step():
        functies = chosen_functies(file, known)
    with trial.step():
        settings = read_settings(file.settings, Origin(known, base))
    with trial.step():
        ordered_power(*settings.method)
    trial.end()
    return functies, settings


def _read_by(file: RunFile, base: Path) -> Iterator[Path]:
    """Yield the files that a run file names, beside those of layers."""
    yield catalogue_file(base / file.layers)
    chosen = [c.path for c in (file.gebieden, file.ontvangers) if c is not None]
    yield from (base / path for path in (*chosen, file.functies_file, *files_of(file.settings).values()) if path)


def _check_grid(stack: LayerStack, chosen: bool) -> None:
    """Refuse a grid that no run can hold, and bounds that were chosen where no layer is."""
    grid = stack.grid
    if max(grid.shape) > MOST_ROWS:
        raise ArgumentError(
            "grid has too many rows or columns", value=f"{max(grid.shape):.3g}", allowed=f"{MOST_ROWS}", where="grid"
        )
    around = [s.bounds_in(grid.crs) for s in stack.sources.values()]
    frame = shapely.box(*grid.bounds)
    if chosen and not any(shapely.box(*bounds).intersects(frame) for bounds in around):
        raise NoOverlap("bounds lie outside all layers", value=grid.bounds, allowed=f"near {around[0]}", where="grid")


def _areas(choice: AreaChoice, base: Path, stack: LayerStack) -> tuple[Area, ...]:
    if not stack.sources:  # without a layer there is no CRS to hold them against
        return ()
    return tuple(read_areas(base / choice.path, stack.grid.crs, choice.id, where="gebieden"))


def _receivers(choice: ReceiverChoice, base: Path, stack: LayerStack) -> tuple[ReceiverPolygon, ...]:
    if choice.path is None or not stack.sources:
        return ()
    return read_targets(base / choice.path, stack.grid.crs, choice.id)


def _cut(grid: Grid, areas: tuple[Area, ...]) -> Grid:
    """Return the block that polygons need; whether a cell is in it does not change the cell."""
    bounds = np.array([a.geometry.bounds for a in areas])
    xmin, ymin = bounds[:, :2].min(axis=0).tolist()
    xmax, ymax = bounds[:, 2:].max(axis=0).tolist()
    block = grid.crop((xmin, ymin, xmax, ymax))
    if not block.rows or not block.cols:
        raise NoOverlap("polygons lie outside the data", value=(xmin, ymin, xmax, ymax), allowed=str(grid.bounds))
    return block


def chosen_functies(file: RunFile, known: registry.Functies) -> list[Functie]:
    """Return the functies of a run out of those that are known, with its own parameters."""
    ids = list(known) if file.functies == "all" else [known[i].id for i in file.functies]
    for name in file.parameters:
        if name not in ids:
            allowed = nearest(name, ids)
            raise CatalogueError("not a functie of this run", value=name, allowed=allowed, where="parameters")
    return [known[i].replace(**file.parameters.get(i, {})) if i in file.parameters else known[i] for i in ids]


def scenarios_of(file: RunFile, stack: LayerStack) -> tuple[str, ...]:
    """Return the scenarios of a run.

    Raises
    ------
    ArgumentError
        If no layer has that scenario, or none whose present layer is in the data.
    """
    return scenarios_among(file.scenarios, *scenarios_in(stack.sources))
