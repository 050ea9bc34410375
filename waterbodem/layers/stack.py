"""Layers in: a catalogue of files becomes layers on one grid, whole or by window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import crs as crs_text
from waterbodem.core import memory
from waterbodem.core.chunks import chunked, chunks_of
from waterbodem.core.dataset import dataset_of
from waterbodem.core.errors import (
    ArgumentError,
    GridMismatch,
    OutOfSpace,
    WaterbodemError,
    nearest,
    raise_all,
    tell_ignored,
)
from waterbodem.core.grid import Bounds, Grid, on_multiples
from waterbodem.core.html import html_table
from waterbodem.core.lazy import xr
from waterbodem.core.path_gate import Digest, sha256_of
from waterbodem.core.progress import track
from waterbodem.core.threads import thread_count
from waterbodem.definitions.labels import resampled_text
from waterbodem.definitions.layer_name import AT, PERCENTILES, LayerName
from waterbodem.definitions.models import LayerKind
from waterbodem.definitions.registry import Functies
from waterbodem.definitions.units import factor, unit_text
from waterbodem.layers.catalogue import Catalogue, LayerEntry, catalogue_file, kind_of, parse_catalogue
from waterbodem.layers.decoding import Findings
from waterbodem.layers.encoding import original_units
from waterbodem.layers.source import LayerSource, open_source

Floats = NDArray[np.float32]


#: Keys of a layer table that its variable carries as they stand.
TOLD = ("bron_scenario", "korrel_m", "afwijking", "licence", "attribution")

#: Columns of a stack, and how wide they are as text.
HEADINGS = ("laag", "eenheid", "bron", "jaargang", "bestand", "herschaald")
WIDTHS = (24, 8, 30, 10, 30, 20)


@dataclass(frozen=True, repr=False)
class LayerStack:
    """The layers of a catalogue, their files checked, no cell read yet.

    Parameters
    ----------
    title : str
        Of the catalogue.
    grid : Grid
        What the layers are brought onto; empty if no raster gives one.
    sources : mapping of name to LayerSource
        In the order of the file; layers with problems are not in it.
    file_problems : tuple of WaterbodemError
        What is wrong in the catalogue and its files, whatever the grid.
    where : str
        The catalogue.
    """

    title: str
    grid: Grid
    sources: Mapping[str, LayerSource]
    file_problems: tuple[WaterbodemError, ...] = ()
    where: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the layers."""
        return tuple(s.file.path for s in self.sources.values())

    def __repr__(self) -> str:
        lines = ("  " + "  ".join(f"{c:<{w}}" for c, w in zip(r, WIDTHS, strict=True)).rstrip() for r in self._rows())
        return "\n".join([f"<LayerStack> {self._headline()}", *lines])

    def _repr_html_(self) -> str:
        return html_table(
            self._headline(), ["laag", "eenheid", "bron", "jaargang", "bestand", "herschaald"], self._rows()
        )

    def _headline(self) -> str:
        g, wrong = self.grid, len(self.file_problems)
        told = f", {wrong} met fouten (zie .problems)" if wrong else ""
        return f"{self.title}: {len(self.sources)} lagen op {g.rows} x {g.cols} cellen van {g.dx:g} m{told}".lstrip(
            ": "
        )

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                name,
                unit_text(s.kind.unit) or s.kind.unit,
                s.entry.source,
                s.entry.vintage,
                s.entry.path,
                self._resampled(s),
            )
            for name, s in self.sources.items()
        ]

    def _resampled(self, source: LayerSource) -> str:
        try:
            return resampled_text(source.resampled(self.grid) or "")
        except WaterbodemError as error:
            return f"past niet: {error}"

    @property
    def problems(self) -> tuple[WaterbodemError, ...]:
        """Everything that is wrong: catalogue, files, and layers that do not fit the grid."""
        return (*self.file_problems, *self.misfits.values(), *self._no_grid())

    @property
    def fitting(self) -> tuple[str, ...]:
        """Names of the layers that can be read on the grid."""
        bad = self.misfits
        return tuple(_whole({name: source for name, source in self.sources.items() if name not in bad}))

    @property
    def misfits(self) -> dict[str, WaterbodemError]:
        """What is wrong with the layers that cannot be read on the grid, by name."""
        found: dict[str, WaterbodemError] = {}
        for name, source in self.sources.items():
            try:
                source.plan(self.grid)
            except WaterbodemError as error:
                found[name] = error
        return found

    def _no_grid(self) -> list[WaterbodemError]:
        if (self.grid.rows and self.grid.cols) or not self.sources:
            return []
        return [GridMismatch("no raster gives a grid", allowed="state bounds and resolution", where=self.where)]

    def on(self, bounds: Sequence[float] | None = None, resolution: float | None = None) -> LayerStack:
        """Return the same layers on another grid.

        Parameters
        ----------
        bounds : xmin, ymin, xmax, ymax, optional
            In the CRS of the grid [m]; snapped outward.
        resolution : float, optional
            Cell size [m]; lines lie at multiples of it from (0, 0) of the CRS.

        Raises
        ------
        ArgumentError
            If bounds or resolution are not usable.
        """
        extent = self.grid.bounds if bounds is None else _checked_bounds(bounds)
        if resolution is not None:
            grid = on_multiples(extent, _checked_resolution(resolution), self.grid.crs)
        else:
            grid = self.grid if bounds is None else self.grid.cover(extent)
        return replace(self, grid=grid)

    def read(self, grid: Grid, names: Iterable[str] | None = None) -> dict[str, Floats]:
        """Return layers on a window; equal, byte for byte, to the same cells of any larger one.

        Safe to call from several threads.

        Parameters
        ----------
        grid : Grid
            Usually a part of ``self.grid``.
        names : iterable of str, optional
            Default all.

        Raises
        ------
        WaterbodemError
            Everything that is wrong in these layers, at once.
        ArgumentError
            If a name is unknown, or the arrays would not fit in memory.
        """
        chosen = self._chosen(names)
        memory.check_fits(grid, len(chosen))
        read = {s.name: _outcome(s, grid) for s in chosen}
        raise_all([p for _, _, problems in read.values() for p in problems], where=self.where)
        return {name: values for name, (values, _, _) in read.items()}

    def _chosen(self, names: Iterable[str] | None) -> list[LayerSource]:
        wanted = list(self.sources) if names is None else list(names)
        for name in wanted:
            if name not in self.sources:
                raise ArgumentError(
                    "no such layer",
                    value=name,
                    allowed=nearest(name, self.sources),
                    where=self.where,
                )
        return [self.sources[name] for name in wanted]


Outcome = tuple[Floats, Findings, list[WaterbodemError]]


def _outcome(source: LayerSource, grid: Grid) -> Outcome:
    try:
        values, found = source.read_with_findings(grid)
    except WaterbodemError as error:
        return np.empty((0, 0), np.float32), Findings(), [error]
    return values, found, source.complaints(found)


def open_catalogue(
    path: str | Path,
    allow: Iterable[str | Path] = (),
    digest: Digest = sha256_of,
    functies: Functies | None = None,
) -> LayerStack:
    """Open a layer catalogue: check it and every file it names, and choose the grid.

    Nothing is raised for a layer that is wrong: see ``problems``.

    Parameters
    ----------
    path : str or Path
        A lagen.toml, or a folder that holds one.
    allow : iterable of path
        Folders beside that of the catalogue that files may lie in.
    digest : callable
        How to get the sha256 of a file; a batch run remembers them.
    functies : Functies, optional
        Whose ids ``classes`` of layer gebruik may name; default those of the package.

    Raises
    ------
    CatalogueError
        If the catalogue cannot be read as TOML at all.
    OutOfSpace
        If what is known of a file cannot be remembered.
    """
    catalogue, problems = parse_catalogue(path, functies)
    file = catalogue_file(path)
    folders = tuple(Path(a) for a in ([allow] if isinstance(allow, (str, Path)) else allow))

    def opened(item: tuple[str, LayerEntry, str]) -> LayerSource | WaterbodemError:
        name, entry, key = item
        where = f"{file}: layers.{key}"
        try:
            return open_source(name, entry, file.parent, crs=catalogue.crs, allow=folders, where=where, digest=digest)
        except OutOfSpace:  # no fault of this layer: the others would meet the same
            raise
        except WaterbodemError as error:
            return error

    with ThreadPoolExecutor(thread_count()) as pool:  # hashing a file lets other threads go on
        found = list(pool.map(opened, _entries(catalogue)))
    problems += [f for f in found if isinstance(f, WaterbodemError)]
    sources = _whole({f.name: f for f in found if isinstance(f, LayerSource)})
    grid = _default_grid([s for n, s in sources.items() if not LayerName.of(n).percentile], catalogue)
    return LayerStack(catalogue.title, grid, dict(sources), tuple(problems), str(file))


def _entries(catalogue: Catalogue) -> list[tuple[str, LayerEntry, str]]:
    """Return the tables of layers by name and key, each followed by its percentiles: where the sign turns exchanged."""
    found = []
    for name, entry in catalogue.layers.items():
        found.append((name, entry, name))
        turned = entry.sign is not None and kind_of(name).teken[entry.sign] < 0
        named = PERCENTILES[::-1] if turned else PERCENTILES
        for percentile, (key, other) in zip(named, entry.percentiles.items(), strict=False):
            found.append((f"{name}{AT}{percentile}", other, f"{name}.{key}"))
    return found


def _whole(sources: Mapping[str, LayerSource]) -> dict[str, LayerSource]:
    """Return sources without percentiles whose layer, or the other percentile, is not among them."""
    kept = {}
    for name, source in sources.items():
        layer, scenario, percentile = LayerName.of(name)
        needed = ["", *PERCENTILES] if percentile else [""]
        if all(str(LayerName(layer, scenario, p)) in sources for p in needed):
            kept[name] = source
    return kept


def _default_grid(sources: list[LayerSource], catalogue: Catalogue) -> Grid:
    """Return the lattice of the finest raster over the union of the basic layers (none: of all)."""
    rasters = [s.grid for s in sources if s.grid is not None]
    if not rasters:
        crs = catalogue.crs or next((s.crs for s in sources), None)
        return Grid(0.0, 0.0, 1.0, 1.0, 0, 0, crs)
    finest = rasters[0]
    for grid in rasters[1:]:
        if grid.dx < finest.dx * (1 - 1e-9):
            finest = grid
    basic = [s for s in sources if s.kind.basis] or sources
    extents = [_extent(s, finest) for s in basic]
    return finest.cover(
        (
            min(e[0] for e in extents),
            min(e[1] for e in extents),
            max(e[2] for e in extents),
            max(e[3] for e in extents),
        )
    )


def _extent(source: LayerSource, lattice: Grid) -> Bounds:
    """Return the extent of a layer; one on the lattice but for noise lies on it."""
    own = source.grid
    if own is None or own.crs != lattice.crs or not lattice.same_lattice(own):
        return source.bounds_in(lattice.crs)
    row, col = lattice.offset(own)
    return replace(
        lattice,
        left=lattice.left + col * lattice.dx,
        top=lattice.top - row * lattice.dy,
        rows=own.rows,
        cols=own.cols,
    ).bounds


def _checked_bounds(bounds: Sequence[float]) -> Bounds:
    try:
        xmin, ymin, xmax, ymax = (float(v) for v in bounds)
    except (TypeError, ValueError):
        raise ArgumentError(
            "bounds are not four numbers",
            value=bounds,
            allowed="xmin, ymin, xmax, ymax",
            where="bounds",
        ) from None
    finite = all(math.isfinite(v) for v in (xmin, ymin, xmax, ymax))
    if not (finite and xmin < xmax and ymin < ymax):
        raise ArgumentError(
            "bounds are empty or not finite",
            value=(xmin, ymin, xmax, ymax),
            allowed="xmin < xmax and ymin < ymax",
            where="bounds",
        )
    return xmin, ymin, xmax, ymax


def _checked_resolution(resolution: float) -> float:
    usable = isinstance(resolution, (int, float, np.number)) and not isinstance(resolution, bool)
    if not (usable and math.isfinite(resolution) and resolution > 0):
        raise ArgumentError("resolution is no cell size", value=resolution, allowed="> 0 m", where="resolution")
    return float(resolution)


def open_layers(
    path: str | Path,
    bounds: Sequence[float] | None = None,
    resolution: float | None = None,
    *,
    allow: Iterable[str | Path] = (),
    lenient: bool = False,
    chunks: Any = None,
    functies: Functies | None = None,
) -> xr.Dataset:
    """Read real rasters, checked and aligned, as a dataset.

    Parameters
    ----------
    path : str or Path
        A lagen.toml, or a folder that holds one.
    bounds : xmin, ymin, xmax, ymax, optional
        In the CRS of the grid [m], snapped outward. Default: the union of the basic layers.
    resolution : float, optional
        Cell size [m], lines at multiples of it. Default: the lattice of the finest layer.
    allow : iterable of path
        Folders beside that of the catalogue that files may lie in.
    lenient : bool
        Leave layers with problems out, with a warning, instead of raising.
    chunks : mapping of y and x to a number of cells, optional
        Give Dask arrays in chunks of this size, such as ``{"y": 2048, "x": 2048}``: a task reads its own window. Files
        are checked now, values when they are read; how many are unknown by their range is not told. A resampled layer
        is made in blocks of 256 cells a side, so small chunks make it over and over.
    functies : Functies, optional
        What ``wb.functies("eigen.toml")`` gives, where ``classes`` of layer gebruik name functies of your own.

    Returns
    -------
    xr.Dataset
        float32 variables on (y, x) in the units of the rules; NaN = unknown, +inf = absent. Attributes of a variable
        say what lagen.toml says of it: ``source``, ``vintage``, ``licence``, ``attribution``, ``korrel_m``,
        ``afwijking``, ``uncertainty`` and, of a scenario, ``horizon``, ``stresstest`` and ``bron_scenario``.

    Raises
    ------
    WaterbodemError
        Every problem in every layer, at once.
    """
    stack = open_catalogue(path, allow, functies=functies)
    return layers_of(stack.on(bounds, resolution), lenient=lenient, chunks=chunks)


def layers_of(stack: LayerStack, *, lenient: bool = False, chunks: Any = None) -> xr.Dataset:
    """Return the layers of a stack on its grid as a dataset: what :func:`open_layers` returns, of files that are open.

    Raises
    ------
    WaterbodemError
        Every problem in every layer, at once.
    """
    raise_all([] if lenient else list(stack.problems), where=stack.where)
    chosen = [stack.sources[name] for name in stack.fitting]
    if not chosen or stack.grid.rows * stack.grid.cols == 0:
        raise_all(list(stack.problems), where=stack.where)
    if chunks is not None:
        _warn_left_out(stack.problems)
        return _chunked(stack, chosen, chunks_of(chunks))
    memory.check_fits(stack.grid, len(chosen))
    outcomes = _read_all(chosen, stack.grid)
    problems = [p for _, _, found in outcomes for p in found]
    raise_all([] if lenient else problems, where=stack.where)
    _warn_left_out([*stack.problems, *problems])
    variables = {
        source.name: (values, _attrs(source, stack.grid, found))
        for source, (values, found, bad) in zip(chosen, outcomes, strict=True)
        if not bad
    }
    return dataset_of(stack.grid, variables, {"title": stack.title})


def _warn_left_out(problems: Iterable[WaterbodemError]) -> None:
    for problem in problems:
        tell_ignored(f"left out: {problem}")


def _chunked(stack: LayerStack, sources: list[LayerSource], chunks: tuple[int | str, int | str]) -> xr.Dataset:
    """Return layers as lazy arrays."""
    grid = stack.grid
    arrays = {s.name: (chunked(s.read, grid, chunks, s.mark(grid)), _attrs(s, grid, Findings())) for s in sources}
    for _, attrs in arrays.values():
        attrs.pop("unknown_by_range", None)
    return dataset_of(grid, arrays, {"title": stack.title})


def _read_all(sources: list[LayerSource], grid: Grid) -> list[Outcome]:
    with ThreadPoolExecutor(max(1, min(thread_count(), len(sources)))) as pool:
        read = pool.map(lambda source: _outcome(source, grid), sources)
        return list(track(read, "lagen lezen", len(sources)))


def _attrs(source: LayerSource, grid: Grid, found: Findings) -> dict[str, Any]:
    """Return what a reader of the variable must know; nothing of this machine or moment."""
    resampled = source.resampled(grid)
    return {
        **attributes(source.entry, source.kind, found),
        "file": source.entry.path,
        "sha256": source.sha256,
        **({"given_crs": crs_text.label(source.crs)} if source.crs_assumed else {}),
        **({} if resampled is None else {"resampled": resampled}),
    }


def _error_of(entry: LayerEntry, kind: LayerKind) -> float | str | None:
    """Return the error of a layer as its variable carries it, in the unit of the rules."""
    if entry.uncertainty is None:
        return None
    return entry.uncertainty.of(factor(entry.unit, kind.unit)).plain


def attributes(entry: LayerEntry, kind: LayerKind, found: Findings) -> dict[str, Any]:
    """Attributes of a layer: what its entry says of it, and what was found in its cells."""
    optional = {
        "horizon": entry.horizon,
        "stresstest": (1 if entry.stresstest is True else entry.stresstest) or None,
        **{key: getattr(entry, key) for key in TOLD},
        **original_units(kind, entry.unit, entry.sign),
        "given_classes": len(entry.classes) or None,
        "range": None if entry.range is None else list(entry.range),
        "uncertainty": _error_of(entry, kind),
        "unknown_by_range": found.outside if entry.outside == "unknown" else None,
    }
    return {
        "units": kind.unit,
        "long_name": kind.quantity,
        "naam": kind.naam,
        "source": entry.source,
        "vintage": entry.vintage,
        **{key: value for key, value in optional.items() if value is not None},
    }
