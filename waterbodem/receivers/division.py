"""How receivers share out the cells of the data, and what of it they count twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.engine.coverage import footprints
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import Area, frame_of, read_areas

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Receivers that share more than this part of their area overlap; less is rounding of coordinates.
OVERLAP = 1e-9
#: Kind of a receiver that is a level area: its open water rises as one.
LEVEL = "peilgebied"


@dataclass(frozen=True)
class CoveredCells:
    """Cells that a polygon covers: numbers in the grid of the data, ascending, and the share of each."""

    cell: Ints
    share: Doubles

    def at(self, cells: Ints) -> Doubles:
        """Return the share covered of other cells, ascending; 0 where none."""
        if not self.cell.size or not len(cells) or self.cell[0] > cells[-1] or self.cell[-1] < cells[0]:
            return np.zeros(len(cells))
        place = np.minimum(np.searchsorted(self.cell, cells), self.cell.size - 1)
        return np.where(self.cell[place] == cells, self.share[place], 0.0)


def cover_in(geometry: Any, block: Grid, grid: Grid) -> CoveredCells:
    """Return what a polygon covers of a block, in the cell numbers of the grid."""
    prints = footprints([Area(1, "", geometry)], block)
    row, col = grid.offset(block)
    rows, cols = np.divmod(prints.cell, block.cols)
    cell = (rows + row) * grid.cols + cols + col
    by_cell = np.argsort(cell, kind="stable")
    return CoveredCells(cell[by_cell], prints.cover[by_cell] / COVERAGE_ONE)


@dataclass(frozen=True)
class ReceiverPolygon:
    """A polygon that may receive, and what it is.

    Attributes
    ----------
    area : Area
    soort : str
        ontvanger, peilgebied, ander plan, or beekdal.
    plan_nr : int
        Number of the plan that it is, 0 if none: a plan is no receiver of its own water.
    """

    area: Area
    soort: str = "ontvanger"
    plan_nr: int = 0


def read_targets(polygons: Any, crs: str | None, id: str | None = None) -> tuple[ReceiverPolygon, ...]:
    """Return the receivers that a user names; property ``soort`` may say that one is a peilgebied (level area).

    Parameters
    ----------
    polygons : as gebied, or None
        None = nobody was named.
    crs : str or None
        Of the grid.
    id : str, optional
        Property that holds the name.

    Raises
    ------
    GeometryError
        As :func:`waterbodem.layers.polygons.read_areas`.
    """
    if polygons is None:
        return ()
    frame: Any = polygons if isinstance(polygons, list) else frame_of(polygons, crs, "ontvangers")
    areas = read_areas(frame, crs, id, where="ontvangers")
    stated = frame["soort"].tolist() if "soort" in getattr(frame, "columns", ()) else [""] * len(areas)
    kinds = (LEVEL if str(kind).strip().casefold() == LEVEL else ReceiverPolygon.soort for kind in stated)
    return tuple(ReceiverPolygon(area, kind) for area, kind in zip(areas, kinds, strict=True))


@dataclass(frozen=True)
class Receiver:
    """A target with its cells within reach, and its area and open water within the data [ha]; NaN = not determined."""

    target: ReceiverPolygon
    cover: CoveredCells
    inside_ha: float
    open_water_ha: float = np.nan

    @property
    def area(self) -> Area:
        """The polygon."""
        return self.target.area

    @property
    def outside_ha(self) -> float:
        """Its area outside the data [ha]; less than a millionth of all is what rounding leaves."""
        whole = self.area.geometry.area / M2_PER_HA
        outside = whole - self.inside_ha
        return outside if outside > 1e-6 * whole else 0.0


@dataclass(frozen=True)
class Division:
    """Receivers on a block of the data.

    Attributes
    ----------
    block, grid : Grid
        What is within reach, and the data.
    receivers : tuple of Receiver
    union : Cover or None
        What the receivers cover together where they overlap; None where they do not.
    """

    block: Grid
    grid: Grid
    receivers: tuple[Receiver, ...]
    union: CoveredCells | None

    def of_plan(self, nr: int) -> list[tuple[int, Receiver]]:
        """Return the receivers of a plan's water with their numbers: all but the plan itself."""
        return [(k, r) for k, r in enumerate(self.receivers, 1) if not nr or r.target.plan_nr != nr]

    def shares(self, cells: Ints, plan: Area) -> tuple[Doubles, Doubles, Doubles]:
        """Return per cell the sum of the receivers' shares, the share of any of them, and of the plan outside them."""
        others = [r for _, r in self.of_plan(plan.nr)]
        apart = np.zeros(cells.size)
        for receiver in others:
            apart += receiver.cover.at(cells)
        free = _outside(plan.geometry, [r.area.geometry for r in others])
        own = np.zeros(cells.size) if free.is_empty else cover_in(free, self.block, self.grid).at(cells)
        if self.union is None:
            return apart, apart, own
        listed = len(others) < len(self.receivers)
        return apart, self.union.at(cells) - (own if listed else 0.0), own


def divide(targets: Sequence[ReceiverPolygon], block: Grid, grid: Grid, open_water: Sequence[float] = ()) -> Division:
    """Lay receivers on a block of the data; ``open_water`` is the open water of each [ha]."""
    data, water = shapely.box(*grid.bounds), open_water or [np.nan] * len(targets)
    receivers = tuple(
        Receiver(t, cover_in(t.area.geometry, block, grid), t.area.geometry.intersection(data).area / M2_PER_HA, ha)
        for t, ha in zip(targets, water, strict=True)
    )
    if not targets:
        return Division(block, grid, receivers, None)
    together = shapely.union_all([t.area.geometry for t in targets])
    total = sum(t.area.geometry.area for t in targets)
    shared = total - together.area > OVERLAP * total
    return Division(block, grid, receivers, cover_in(together, block, grid) if shared else None)


def _outside(plan: Any, others: Sequence[Any]) -> Any:
    """Return what of a plan no other polygon covers."""
    near = [g for g in others if g.intersects(plan)]
    return _areal(plan.difference(shapely.union_all(near)) if near else plan)


def _areal(geometry: Any) -> Any:
    """Drop the points and lines that a difference may leave."""
    parts = [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"]
    return shapely.union_all(parts)
