"""Cells that polygons cover, and how much of each: exactextract's coverage fractions, without a raster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import RasterSource
from exactextract.writer import Writer
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from waterbodem.core.errors import NoOverlap
from waterbodem.core.grid import Bounds, Grid
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import Area, total_bounds


@dataclass(frozen=True)
class Footprints:
    """Which cells every polygon covers, and how much of them: rows of a sparse matrix.

    Parameters
    ----------
    grid : Grid
        The block of cells that ``cell`` counts in, row by row.
    start : int64 array (P + 1,)
    cell, cover : int64 arrays (N,)
        Cell number, and coverage fraction in units of 1 / COVERAGE_ONE.
    """

    grid: Grid
    start: NDArray[np.int64]
    cell: NDArray[np.int64]
    cover: NDArray[np.int64]

    @cached_property
    def inside(self) -> NDArray[np.int64]:
        """Covered cells per polygon (P,), in units of 1 / COVERAGE_ONE."""
        sums = np.zeros(len(self.cover) + 1, np.int64)
        np.cumsum(self.cover, out=sums[1:])
        return np.asarray(sums[self.start[1:]] - sums[self.start[:-1]], np.int64)

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The first polygon that touches a cell, -1 where none does, in the shape of the grid."""
        owner = np.full(self.grid.rows * self.grid.cols, -1)
        owner[self.cell[::-1]] = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))[::-1]
        return owner.reshape(self.grid.shape)

    def some(self, which: NDArray[np.int64]) -> Footprints:
        """Return the same of some of the polygons, by number, ascending."""
        if len(which) == len(self.start) - 1:
            return self
        sizes = np.diff(self.start)[which]
        start = np.cumsum([0, *sizes]).astype(np.int64)
        place = np.repeat(self.start[:-1][which] - start[:-1], sizes) + np.arange(start[-1])
        return Footprints(self.grid, start, self.cell[place], self.cover[place])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Cells that any polygon touches, in the shape of the grid."""
        touched = np.zeros(self.grid.rows * self.grid.cols, dtype=bool)
        touched[self.cell] = True
        return touched.reshape(self.grid.shape)


def covered(geometries: Sequence[BaseGeometry], grid: Grid) -> Footprints:
    """Return the cells of a grid that polygons cover; what lies outside the grid is left out.

    The coverage of a cell does not depend on the extent of the grid.
    """
    found = _Cells()
    exact_extract(_Numbered(grid), _Polygons(geometries), ["values", "coverage"], output=found)
    sizes = [len(cell) for cell, _ in found.rows]
    return Footprints(
        grid,
        np.cumsum([0, *sizes]).astype(np.int64),
        np.concatenate([cell for cell, _ in found.rows]),
        np.concatenate([cover for _, cover in found.rows]),
    )


def footprints(areas: Sequence[Area], grid: Grid) -> Footprints:
    """Return the cells of a grid that polygons cover; what lies outside the grid is left out.

    The coverage of a cell does not depend on the extent of the grid.
    """
    return covered([a.geometry for a in areas], grid)


def block_of(areas: Sequence[Area], grid: Grid) -> Grid:
    """Return the smallest block of whole cells of the grid that covers all polygons, clipped to the grid.

    Raises
    ------
    NoOverlap
        If no polygon touches the grid, with the bounds of both.
    """
    bounds = total_bounds(areas)
    block = grid.crop(bounds)
    touching = [a for a in areas if _touch(a.geometry.bounds, grid.bounds)]
    if not touching or block.rows == 0 or block.cols == 0:
        raise NoOverlap(
            "polygons lie outside the data" + _swap_hint(bounds, grid.bounds),
            value=tuple(round(b, 1) for b in bounds),
            allowed=f"within {tuple(round(b, 1) for b in grid.bounds)}",
            where="gebied",
        )
    return block


def _touch(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _swap_hint(bounds: Bounds, grid: Bounds) -> str:
    xmin, ymin, xmax, ymax = bounds
    return "; x and y swapped?" if _touch((ymin, xmin, ymax, xmax), grid) else ""


class _Numbered(RasterSource):
    """A raster of the numbers of its cells: told as values, they cost exactextract less than as ``cell_id``."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self._grid = grid

    def res(self) -> tuple[float, float]:
        return self._grid.dx, self._grid.dy

    def extent(self) -> Bounds:
        return self._grid.bounds

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[np.int64]:
        rows, cols = np.arange(y0, y0 + ny), np.arange(x0, x0 + nx)
        return rows[:, None] * self._grid.cols + cols

    def nodata_value(self) -> None:
        return None

    def srs_wkt(self) -> None:
        return None


class _Polygon(Feature):
    """A polygon as exactextract asks for it."""

    def __init__(self, geometry: BaseGeometry | None = None) -> None:
        super().__init__()
        self._geometry = geometry
        self.found: dict[str, Any] = {}

    def geometry(self) -> bytes:
        return shapely.to_wkb(self._geometry) or b""

    def set_geometry(self, wkb: bytes) -> None:
        return

    def set_geometry_format(self) -> str:
        return "wkb"

    def set(self, name: str, value: Any) -> None:
        self.found[name] = value

    def get(self, name: str) -> Any:
        return self.found[name]

    def fields(self) -> list[str]:
        return list(self.found)


class _Polygons(FeatureSource):
    """Polygons one after another."""

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        super().__init__()
        self._geometries = geometries

    def count(self) -> int:
        return len(self._geometries)

    def __iter__(self) -> Iterator[_Polygon]:
        return map(_Polygon, self._geometries)

    def srs_wkt(self) -> None:
        return None


class _Cells(Writer):
    """Keeps the cells and coverage of every polygon, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add_operation(self, op: Any) -> None:
        return

    def write(self, feature: Any) -> None:
        found = _Polygon()
        feature.copy_to(found)
        self.rows.append(_cells(found.found.get("values", ()), found.found.get("coverage", ())))

    def finish(self) -> None:
        return

    def features(self) -> None:
        return None


def _cells(cell_id: Any, coverage: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    share = np.asarray(coverage, dtype=np.float64)
    cell = np.asarray(cell_id, dtype=np.int64)
    some = share > 0
    cover = np.maximum(np.rint(share * COVERAGE_ONE), 1)  # however little, it is inside
    return cell[some], cover[some].astype(np.int64)
