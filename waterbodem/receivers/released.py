"""What a plan releases: water per cell, and its own change of the groundwater (rekenregels section 6, source)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import NoOverlap
from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.definitions.boards import Board
from waterbodem.definitions.kompas_rules import KompasRules
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.definitions.settings import Storage
from waterbodem.engine.burden import burden_arrays
from waterbodem.engine.coverage import Footprints, block_of, footprints
from waterbodem.engine.demands import demands_of
from waterbodem.engine.reference import on_block
from waterbodem.engine.site import Site
from waterbodem.kernels import components
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import Area
from waterbodem.receivers.land import Land

Array = NDArray[Any]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PlanRelease:
    """What one plan releases, on the smallest block of cells that covers it.

    Attributes
    ----------
    area : Area
    functie : Functie
    grid : Grid
        The block; all arrays (rows, cols) lie on it.
    cover : float64 array
        Share of the cell inside the plan.
    volume : float64 array
        E [m3], weighted by cover; 0 where unknown.
    either_unknown : bool array
        Cells of the plan where afvoer or verdrongen_berging is unknown.
    none_known : bool array
        Cells of the plan where both are unknown: their E counts as 0.
    head : float64 array
        Own change of the groundwater level [m], positive = lower; NaN = unknown or no cell of the plan.
    """

    area: Area
    functie: Functie
    grid: Grid
    cover: Doubles
    volume: Doubles
    either_unknown: NDArray[np.bool_]
    none_known: NDArray[np.bool_]
    head: Doubles

    @property
    def plan(self) -> NDArray[np.bool_]:
        """Cells of the plan, whose groundwater it changes."""
        return plan_cells(self.cover)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Cells that the plan touches."""
        return self.cover > 0

    @property
    def known(self) -> bool:
        """Whether anything is known of the water that the plan releases."""
        return bool((self.inside & ~self.none_known).any())

    def hectares(self, chosen: NDArray[np.bool_]) -> float:
        """Return the area of the plan in chosen cells [ha]."""
        return float(self.cover[chosen].sum()) * self.grid.cell_ha

    def cells(self, grid: Grid) -> NDArray[np.int64]:
        """Return the cells that release water, by their number in the grid of the data, ascending."""
        row, col = grid.offset(self.grid)
        rows, cols = np.nonzero(self.volume > 0)
        return np.asarray((rows + row) * grid.cols + cols + col, np.int64)

    def holds(self, cells: Array, grid: Grid) -> NDArray[np.bool_]:
        """Tell which cells, by their number in the grid of the data, the plan touches."""
        row, col = np.divmod(cells, grid.cols)
        top, left = grid.offset(self.grid)
        row, col = row - top, col - left
        found = (row >= 0) & (row < self.grid.rows) & (col >= 0) & (col < self.grid.cols)
        found[found] = self.inside[row[found], col[found]]
        return found

    @property
    def outside_ha(self) -> float:
        """Area of the plan outside the data [ha]."""
        missing = self.area.geometry.area / M2_PER_HA - self.hectares(self.inside)
        return missing if missing > 1e-6 * self.area.geometry.area / M2_PER_HA else 0.0


def plan_cells(cover: Doubles) -> NDArray[np.bool_]:
    """Tell which cells are those of a plan: covered for at least half; where none is, all that it touches.

    Examples
    --------
    >>> plan_cells(np.array([0.2, 0.5, 1.0])).tolist(), plan_cells(np.array([0.0, 0.2])).tolist()
    ([False, True, True], [False, True])
    """
    most = cover + noise() >= reception_rules().value("plancel_aandeel")
    return np.asarray(most if most.any() else cover > 0)


def per_hectare(runoff: Array, displaced: Array) -> tuple[Doubles, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what a hectare releases [m3/ha], where either component is unknown, and where both are.

    Where one is unknown the other counts; where both are it is 0. Relief releases nothing.

    Examples
    --------
    >>> per_hectare(np.array([300, np.nan, -50.0]), np.array([20, 40, 10.0]))[0].tolist()
    [320.0, 40.0, 0.0]
    """
    no_a, no_b = np.isnan(runoff), np.isnan(displaced)
    total = np.where(no_a, 0.0, runoff.astype(np.float64)) + np.where(no_b, 0.0, displaced)
    return np.maximum(total, 0.0), no_a | no_b, no_a & no_b


#: afvoer and verdrongen_berging [m3/ha] and grondwaterverlaging [m] of a functie on a block.
Shifted = tuple[Array, Array, Array]


@dataclass(frozen=True)
class PlanLand:
    """The land of one plan, whatever is built on it.

    Attributes
    ----------
    area : Area
    grid : Grid
        The smallest block of cells that covers it, within the data.
    cover : float64 array (rows, cols)
        Share of the cell inside the plan.
    shifted : callable
        Takes a functie, gives what it shifts from every cell of the block.
    """

    area: Area
    grid: Grid
    cover: Doubles
    shifted: Callable[[Functie], Shifted] = field(repr=False)

    def source(self, functie: Functie) -> PlanRelease:
        """Return what a functie would release here."""
        runoff, displaced, lowering = self.shifted(functie)
        amount, either, none = per_hectare(runoff, displaced)
        inside = self.cover > 0
        return PlanRelease(
            self.area,
            functie,
            self.grid,
            self.cover,
            amount * self.cover * self.grid.cell_ha,
            either & inside,
            none & inside,
            np.where(plan_cells(self.cover), lowering.astype(np.float64), np.nan),
        )


def plan_lands(
    land: Land,
    areas: Sequence[Area],
    boards: Sequence[tuple[Board, ...]],
    reference: Any,
    storage: Storage,
    rules: KompasRules,
) -> tuple[tuple[PlanLand, ...], tuple[Area, ...]]:
    """Return the land of every plan, and the plans that lie wholly outside the data.

    Raises
    ------
    NoOverlap
        If no plan touches the data.
    """
    block_of(areas, land.grid)
    found, outside = [], []
    for area, some in zip(areas, boards, strict=True):
        plot = plan_land(land, area, some, reference, storage, rules)
        if plot is None:
            outside.append(area)
        else:
            found.append(plot)
    if not found:
        raise NoOverlap("plans lie outside the data", where="gebied")
    return tuple(found), tuple(outside)


def plan_land(
    land: Land, area: Area, boards: tuple[Board, ...], reference: Any, storage: Storage, rules: KompasRules
) -> PlanLand | None:
    """Return the land of one plan, which boards judge; None where it lies wholly outside the data."""
    block = land.grid.crop(area.geometry.bounds)
    prints = footprints([area], block)
    if not prints.cell.size:
        return None
    cells = land.cut(block)
    site = Site(cells, on_block(reference, block), rules)
    return PlanLand(area, block, _cover(prints), _Shift(land.grid, area, prints, site, storage, boards))


@dataclass(frozen=True)
class _Shift:
    """What functies shift from the cells of one plan; ``grid`` is that of all the data."""

    grid: Grid
    area: Area
    prints: Footprints
    site: Site
    storage: Storage
    boards: tuple[Board, ...]

    def __call__(self, functie: Functie) -> Shifted:
        site, cells = self.site, self.site.cells
        (demand,) = demands_of((self.boards,), [self.area], self.grid, functie, site.present_use, self._use_cells)
        agreed = replace(self.storage, board=demand.board)
        found = burden_arrays(cells.present, functie, site.reference, agreed).components
        return found[components.AFVOER], found[components.VERDRONGEN], found[components.VERLAGING]

    def _use_cells(self) -> Doubles:
        return self.site.use_cells(self.prints)


def cover_of(area: Area, block: Grid) -> Doubles:
    """Return the share of every cell of a block that a polygon covers."""
    return _cover(footprints([area], block))


def _cover(prints: Footprints) -> Doubles:
    cover = np.zeros(prints.grid.rows * prints.grid.cols)
    cover[prints.cell] = prints.cover / COVERAGE_ONE
    return cover.reshape(prints.grid.shape)
