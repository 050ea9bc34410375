"""Where cells lie: a regular, north-up grid as an immutable value.

Rows run from north to south, columns from west to east; all lengths in metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from waterbodem.core.errors import GridMismatch

Bounds = tuple[float, float, float, float]

#: Square metres in a hectare.
M2_PER_HA = 1e4
#: Two origins on one lattice may differ by this share of a cell.
LATTICE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Grid:
    """A regular grid of cells.

    Parameters
    ----------
    left, top : float
        Outer edge of the upper left cell [m].
    dx, dy : float
        Width and height of a cell [m], both positive.
    rows, cols : int
        Size; zero is allowed (an empty grid).
    crs : str or None
        WKT or authority code of a projected CRS in metres; None = not stated.

    Examples
    --------
    >>> Grid(0, 100, 10, 10, 10, 10).crop((12, 33, 47, 61)).bounds
    (10.0, 30.0, 50.0, 70.0)
    """

    left: float
    top: float
    dx: float
    dy: float
    rows: int
    cols: int
    crs: str | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.left, self.top, self.dx, self.dy)):
            raise GridMismatch("grid is not finite", value=(self.left, self.top, self.dx, self.dy))
        if self.dx <= 0 or self.dy <= 0:
            raise GridMismatch("cell size must be positive", value=(self.dx, self.dy), allowed="> 0 m")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.rows, self.cols

    @property
    def bounds(self) -> Bounds:
        """xmin, ymin, xmax, ymax [m]."""
        return (
            float(self.left),
            float(self.top - self.rows * self.dy),
            float(self.left + self.cols * self.dx),
            float(self.top),
        )

    @property
    def transform(self) -> Affine:
        """Affine from (column, row) to (x, y)."""
        return Affine(self.dx, 0.0, self.left, 0.0, -self.dy, self.top)

    @property
    def cell_area(self) -> float:
        """Area of a cell [m2]."""
        return self.dx * self.dy

    @property
    def cell_ha(self) -> float:
        """Area of a cell [ha]."""
        return self.cell_area / M2_PER_HA

    @property
    def x(self) -> NDArray[np.float64]:
        """Cell centres from west to east [m]."""
        return np.asarray(self.left + (np.arange(self.cols) + 0.5) * self.dx, np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Cell centres from north to south [m]."""
        return np.asarray(self.top - (np.arange(self.rows) + 0.5) * self.dy, np.float64)

    def part(self, rows: slice, cols: slice) -> Grid:
        """Return the block of cells given by two slices within this grid."""
        r0, r1, _ = rows.indices(self.rows)
        c0, c1, _ = cols.indices(self.cols)
        return replace(
            self,
            left=self.left + c0 * self.dx,
            top=self.top - r0 * self.dy,
            rows=max(0, r1 - r0),
            cols=max(0, c1 - c0),
        )

    def strips(self, cells: int) -> Iterator[slice]:
        """Yield slices of rows, from north to south, of about so many cells each.

        Examples
        --------
        >>> [(s.start, s.stop) for s in Grid(0, 5, 1, 1, 5, 10).strips(20)]
        [(0, 2), (2, 4), (4, 5)]
        """
        height = max(1, cells // max(1, self.cols))
        return (slice(r, min(r + height, self.rows)) for r in range(0, self.rows, height))

    def cover(self, bounds: Bounds) -> Grid:
        """Return the smallest block of this lattice that covers bounds, also beyond this grid.

        ``grid.cover(b)`` does not depend on the extent of ``grid``, only on its lattice.
        """
        c0, r1, c1, r0 = self._edges(bounds)
        return replace(
            self,
            left=self.left + c0 * self.dx,
            top=self.top - r0 * self.dy,
            rows=r1 - r0,
            cols=c1 - c0,
        )

    def crop(self, bounds: Bounds) -> Grid:
        """Return the block of cells that touches bounds, clipped to this grid (may be empty)."""
        return self.part(*self.slices(self.cover(bounds)))

    def slices(self, other: Grid) -> tuple[slice, slice]:
        """Return the rows and columns of this grid that ``other``, on the same lattice, covers."""
        row, col = self.offset(other)
        r0, r1 = (min(max(v, 0), self.rows) for v in (row, row + other.rows))
        c0, c1 = (min(max(v, 0), self.cols) for v in (col, col + other.cols))
        return slice(r0, r1), slice(c0, c1)

    def offset(self, other: Grid) -> tuple[int, int]:
        """Return row and column of the upper left cell of ``other`` in this grid.

        Raises
        ------
        GridMismatch
            If cell sizes differ, or origins by more than a thousandth of a cell.
        """
        col, row = self.misfit(other)
        if not self.same_lattice(other):
            raise GridMismatch(
                "grids do not share a lattice",
                value=f"origin off by {col % 1:.4g}, {row % 1:.4g} cell; "
                f"cells {other.dx:g} x {other.dy:g} m against {self.dx:g} x {self.dy:g} m",
                allowed=f"equal cells, origins within {LATTICE_TOLERANCE} cell",
            )
        return round(row), round(col)

    def misfit(self, other: Grid) -> tuple[float, float]:
        """Return the offset of the origins in cells (columns, rows), as real numbers."""
        return (other.left - self.left) / self.dx, (self.top - other.top) / self.dy

    def same_lattice(self, other: Grid) -> bool:
        """Tell whether cells of both grids coincide wherever the grids overlap."""
        sizes = math.isclose(self.dx, other.dx, rel_tol=1e-9) and math.isclose(self.dy, other.dy, rel_tol=1e-9)
        return sizes and all(abs(v - round(v)) <= LATTICE_TOLERANCE for v in self.misfit(other))

    def _edges(self, bounds: Bounds) -> tuple[int, int, int, int]:
        """Return bounds in whole cells (left, bottom, right, top), snapped outward.

        An edge within 1e-6 of a cell of a grid line is taken to lie on it.
        """
        xmin, ymin, xmax, ymax = bounds
        return (
            math.floor((xmin - self.left) / self.dx + 1e-6),
            math.ceil((self.top - ymin) / self.dy - 1e-6),
            math.ceil((xmax - self.left) / self.dx - 1e-6),
            math.floor((self.top - ymax) / self.dy + 1e-6),
        )


def on_multiples(bounds: Bounds, resolution: float, crs: str | None = None) -> Grid:
    """Return the grid with lines at multiples of ``resolution`` that covers bounds.

    Examples
    --------
    >>> on_multiples((3, 3, 11, 11), 5).bounds
    (0.0, 0.0, 15.0, 15.0)
    """
    return Grid(0.0, 0.0, resolution, resolution, 0, 0, crs).cover(bounds)
