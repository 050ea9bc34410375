"""What a plan releases: water per cell, and its own change of the groundwater (rekenregels section 6, source)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.areas import Area, block_of, footprints
from waterbodem.burden import Measures, burden_arrays, reference_of
from waterbodem.definitions import Functie
from waterbodem.errors import NoOverlap
from waterbodem.grid import Grid
from waterbodem.groundwater import Reach, reach_of
from waterbodem.kernels import burden as kernel
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.land import Land
from waterbodem.late import xr
from waterbodem.layerset import Floats

Array = NDArray[Any]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PlanSource:
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
        Own change of the groundwater level [m], positive = lower; NaN = unknown or outside the plan.
    reach : float64 array
        lambda [m].
    """

    area: Area
    functie: Functie
    grid: Grid
    cover: Doubles
    volume: Doubles
    either_unknown: NDArray[np.bool_]
    none_known: NDArray[np.bool_]
    head: Doubles
    reach: Doubles

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
        missing = self.area.geometry.area / 1e4 - self.hectares(self.inside)
        return missing if missing > 1e-6 * self.area.geometry.area / 1e4 else 0.0


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


def plan_sources(
    land: Land,
    areas: Sequence[Area],
    functies: Sequence[Functie],
    referentie: Any,
    measures: Measures,
    reach: Reach | None,
) -> tuple[list[PlanSource], list[Area]]:
    """Return what each plan releases, and the plans that lie wholly outside the data.

    Raises
    ------
    NoOverlap
        If no plan touches the data.
    """
    block_of(areas, land.grid)
    found, outside = [], []
    for area, functie in zip(areas, functies, strict=True):
        try:
            found.append(_source(land, area, functie, referentie, measures, reach))
        except NoOverlap:
            outside.append(area)
    if not found:
        raise NoOverlap("plans lie outside the data", where="gebied")
    return found, outside


def _source(
    land: Land,
    area: Area,
    functie: Functie,
    referentie: Any,
    measures: Measures,
    reach: Reach | None,
) -> PlanSource:
    block = block_of([area], land.grid)
    cover = cover_of(area, block)
    if not cover.any():
        raise NoOverlap("plan lies outside the data", value=area.name)
    present, burden = _burden(land, block, functie, referentie, measures)
    amount, either, none = per_hectare(burden[kernel.AFVOER], burden[kernel.VERDRONGEN])
    inside = cover > 0
    return PlanSource(
        area,
        functie,
        block,
        cover,
        amount * cover * block.cell_ha,
        either & inside,
        none & inside,
        np.where(inside, burden[kernel.VERLAGING].astype(np.float64), np.nan),
        reach_of(reach, present, block.shape),
    )


def cover_of(area: Area, block: Grid) -> Doubles:
    """Return the share of every cell of a block that a polygon covers."""
    prints = footprints([area], block)
    cover = np.zeros(block.rows * block.cols)
    cover[prints.cell] = prints.cover / COVERAGE_ONE
    return cover.reshape(block.shape)


def _burden(
    land: Land, block: Grid, functie: Functie, referentie: Any, measures: Measures
) -> tuple[Mapping[str, Floats], Array]:
    rows, cols = land.grid.slices(block)
    cells, whole_size = land.cut(block), {"y": land.grid.rows, "x": land.grid.cols}
    whole = isinstance(referentie, xr.DataArray) and dict(referentie.sizes) == whole_size
    reference, _ = reference_of(referentie.isel(y=rows, x=cols) if whole else referentie, cells)
    return cells.present, burden_arrays(cells.present, functie, reference, measures).components
