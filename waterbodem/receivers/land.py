"""The land around plans: layers on a grid, of which only what a question needs is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.core.lazy import xr
from waterbodem.definitions.labels import decimal
from waterbodem.definitions.receiving import reception_rules
from waterbodem.engine.layer_set import Floats, LayerSet, check_encodings, known_names
from waterbodem.layers.encoding import Encoding, encoding_of, values_of
from waterbodem.layers.polygons import Area
from waterbodem.layers.stack import LayerStack


@dataclass(frozen=True)
class Land:
    """Layers on a grid.

    Attributes
    ----------
    grid : Grid
        All of the data.
    names : tuple of str
        Layers there are; those of scenarios are ``layer@scenario``.
    read : callable
        Takes a block of the grid and names of present layers (None = all), gives these, float32 (rows, cols).
    layer : callable
        Takes a name, gives that layer on the whole grid, float32 (rows, cols).
    """

    grid: Grid
    names: tuple[str, ...]
    read: Callable[[Grid, Sequence[str] | None], Mapping[str, Floats]] = field(repr=False)
    layer: Callable[[str], Floats] = field(repr=False)

    def cut(self, block: Grid) -> LayerSet:
        """Return the present layers on a block, without coordinates."""
        return bare(self.read(block, None))

    @property
    def water(self) -> NDArray[np.bool_] | None:
        """Open water (rows, cols), unknown is land; None without layer ``water``."""
        return np.asarray(self.layer("water") == 1) if "water" in self else None

    def __contains__(self, name: str) -> bool:
        return name in self.names


def land_of(layers: xr.Dataset) -> Land:
    """Return the land of a dataset; nothing is copied that is in the unit of the rules.

    Raises
    ------
    WaterbodemError
        If the layers lie on no grid, or their attributes cannot be obeyed.
    """
    grid = dataset.grid_of(layers)
    check_encodings(layers)
    known = {n: layers.variables[n] for n in known_names(layers)}
    held = {n: (encoding_of(v, n), dataset.on_rows_and_columns(v, n)) for n, v in known.items()}
    return Land(grid, tuple(known), _HeldBlocks(grid, held), _HeldLayers(layers))


@dataclass(frozen=True)
class _HeldBlocks:
    """Blocks of layers that are in memory."""

    grid: Grid
    held: Mapping[str, tuple[Encoding, xr.Variable]]

    def __call__(self, block: Grid, names: Sequence[str] | None) -> Mapping[str, Floats]:
        window = self.grid.slices(block)
        present = [n for n in self.held if "@" not in n]
        wanted = {n: self.held[n] for n in (present if names is None else names)}
        return {n: decode(cells[window].values) for n, (decode, cells) in wanted.items()}


@dataclass(frozen=True)
class _HeldLayers:
    """Whole layers that are in memory."""

    layers: xr.Dataset

    def __call__(self, name: str) -> Floats:
        return values_of(self.layers.variables[name], name)


def land_of_stack(stack: LayerStack) -> Land:
    """Return the land of a catalogue; cells are read when they are asked for."""
    return Land(stack.grid, tuple(stack.sources), _FileBlocks(stack), _FileLayers(stack))


@dataclass(frozen=True)
class _FileBlocks:
    """Blocks of layers that are in files."""

    stack: LayerStack

    def __call__(self, block: Grid, names: Sequence[str] | None) -> Mapping[str, Floats]:
        present = [n for n in self.stack.sources if "@" not in n]
        return self.stack.read(block, present if names is None else names)


@dataclass(frozen=True)
class _FileLayers:
    """Whole layers that are in files."""

    stack: LayerStack

    def __call__(self, name: str) -> Floats:
        return self.stack.read(self.stack.grid, [name])[name]


def in_scenario(land: Land, scenario: str) -> Land:
    """Return land with the layers of a scenario in place of the present ones; an empty name changes nothing."""
    own = {n: f"{n}@{scenario}" for n in land.names if scenario and f"{n}@{scenario}" in land.names}
    return replace(land, read=_OtherBlocks(land, own), layer=_OtherLayers(land, own)) if own else land


@dataclass(frozen=True)
class _OtherBlocks:
    """Blocks of land with other layers in place of some."""

    land: Land
    own: Mapping[str, str]

    def __call__(self, block: Grid, names: Sequence[str] | None) -> Mapping[str, Floats]:
        wanted = [n for n in self.land.names if "@" not in n] if names is None else names
        found = self.land.read(block, [self.own.get(n, n) for n in wanted])
        return {n: found[self.own.get(n, n)] for n in wanted}


@dataclass(frozen=True)
class _OtherLayers:
    """Whole layers of land with others in place of some."""

    land: Land
    own: Mapping[str, str]

    def __call__(self, name: str) -> Floats:
        return self.land.layer(self.own.get(name, name))


def bare(present: Mapping[str, Floats]) -> LayerSet:
    """Return present layers alone, without coordinates."""
    return LayerSet(present, (), (), xr.Dataset())


def stream_valleys(land: Land) -> list[Area]:
    """Return the stream valleys in the data as polygons, the largest first; none without layer ``beekdal``.

    Cells of a valley share sides. Valleys smaller than ``beekdal_min_ha`` are left out.
    """
    if "beekdal" not in land:
        return []
    inside = land.layer("beekdal") == 1
    found = _polygons(inside, land.grid)
    least = reception_rules().value("beekdal_min_ha") * M2_PER_HA
    large = sorted((p for p in found if p.area >= least), key=lambda p: (-p.area, p.bounds))
    return [Area(i, f"beekdal {i} ({_where(p)})", p) for i, p in enumerate(large, start=1)]


def _polygons(inside: NDArray[np.bool_], grid: Grid) -> list[Any]:
    shapes = rasterio.features.shapes(inside.view(np.uint8), mask=inside, connectivity=4, transform=grid.transform)
    return [shapely.geometry.shape(geometry) for geometry, _ in shapes]


def _where(polygon: Any) -> str:
    """Return the middle of a polygon [km], as text that tells polygons apart."""
    spot = polygon.representative_point()
    return f"bij x {decimal(spot.x / 1000, 1)} en y {decimal(spot.y / 1000, 1)} km"
