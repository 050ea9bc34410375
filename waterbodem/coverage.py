"""How receivers share out the cells of the data, and what of it they count twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.areas import Area, footprints
from waterbodem.grid import Grid
from waterbodem.kernels.zonal import COVERAGE_ONE

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Receivers that share more than this part of their area overlap; less is rounding of coordinates.
OVERLAP = 1e-9


@dataclass(frozen=True)
class Cover:
    """Cells that a polygon covers: numbers in the grid of the data, ascending, and the share of each."""

    cell: Ints
    share: Doubles

    def at(self, cells: Ints) -> Doubles:
        """Return the share covered of other cells, 0 where none."""
        if not self.cell.size:
            return np.zeros(len(cells))
        place = np.minimum(np.searchsorted(self.cell, cells), self.cell.size - 1)
        return np.where(self.cell[place] == cells, self.share[place], 0.0)


def cover_in(geometry: Any, block: Grid, grid: Grid) -> Cover:
    """Return what a polygon covers of a block, in the cell numbers of the grid."""
    prints = footprints([Area(1, "", geometry)], block)
    row, col = grid.offset(block)
    rows, cols = np.divmod(prints.cell, block.cols)
    cell = (rows + row) * grid.cols + cols + col
    by_cell = np.argsort(cell, kind="stable")
    return Cover(cell[by_cell], prints.cover[by_cell] / COVERAGE_ONE)


@dataclass(frozen=True)
class Receiver:
    """One polygon that may receive: its cells within reach, and its area within the data [ha]."""

    area: Area
    cover: Cover
    inside_ha: float


@dataclass(frozen=True)
class Division:
    """Receivers on a block of the data.

    Attributes
    ----------
    block, grid : Grid
        What is within reach, and the data.
    receivers : tuple of Receiver
    together : shapely geometry or None
        All receivers as one.
    union : Cover or None
        What the receivers cover together where they overlap; None where they do not.
    """

    block: Grid
    grid: Grid
    receivers: tuple[Receiver, ...]
    together: Any
    union: Cover | None

    def shares(self, cells: Ints, plan: Any) -> tuple[Doubles, Doubles, Doubles]:
        """Return per cell the sum of the receivers' shares, the share of any of them, and of the plan outside them."""
        apart = np.zeros(cells.size)
        for receiver in self.receivers:
            apart += receiver.cover.at(cells)
        any_ = apart if self.union is None else self.union.at(cells)
        free = _polygons(plan if self.together is None else plan.difference(self.together))
        own = np.zeros(cells.size) if free.is_empty else cover_in(free, self.block, self.grid).at(cells)
        return apart, any_, own


def divide(targets: Sequence[Area], block: Grid, grid: Grid) -> Division:
    """Lay receivers on a block of the data."""
    data = shapely.box(*grid.bounds)
    receivers = tuple(
        Receiver(a, cover_in(a.geometry, block, grid), a.geometry.intersection(data).area / 1e4) for a in targets
    )
    if not targets:
        return Division(block, grid, receivers, None, None)
    together = shapely.union_all([a.geometry for a in targets])
    total = sum(a.geometry.area for a in targets)
    shared = total - together.area > OVERLAP * total
    return Division(block, grid, receivers, together, cover_in(together, block, grid) if shared else None)


def _polygons(geometry: Any) -> Any:
    """Drop the points and lines that a difference may leave."""
    return shapely.union_all([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])
