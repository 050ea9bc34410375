"""Bringing cells onto another lattice, so that a value never depends on the window asked for.

The target lattice is cut into fixed blocks, counted from (0, 0) of its CRS, and every block is
warped whole, with exact transformations, from the same rectangle of the file. A window takes the
blocks it touches and cuts out its part. So any two windows agree byte for byte, by construction.

Known and absent cells are warped as masks of their own, beside the values with 0 elsewhere;
dividing by the mask renormalises over the known cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT

from waterbodem.core import crs as crs_text
from waterbodem.core.errors import GridMismatch
from waterbodem.core.grid import LATTICE_TOLERANCE, Grid
from waterbodem.definitions.models import LayerKind
from waterbodem.layers.catalogue import LayerEntry
from waterbodem.layers.raster import Block

Method = Literal["nearest", "average", "bilinear"]
Floats = NDArray[np.float64]

#: Largest block, in target cells a side.
BLOCK = 256

#: Source cells a side that a block may need; bounds the memory.
SOURCE_SIDE = 1024

#: A target cell may not be larger than this many source cells a side.
MAX_RATIO = 4096

#: More than a block needs [MB], so that GDAL warps it in one go.
WARP_MB = 2048

#: Shares of a cell are judged with this much in favour of "at least".
MARGIN = 1e-9


@dataclass(frozen=True)
class Alignment:
    """How a file comes onto a grid.

    Parameters
    ----------
    method : str or None
        None: the cells coincide, no resampling.
    ratio : float
        Size of a target cell in cells of the file.
    """

    method: Method | None
    ratio: float = 1.0


def alignment_of(source: Grid, target: Grid, entry: LayerEntry, kind: LayerKind, where: str = "") -> Alignment:
    """Decide how a layer is resampled; depends on lattices and CRSs, not on extents.

    Classes take the nearest cell. Finer to coarser takes the area mean, coarser to finer is
    bilinear; a layer with a class table, and keileemdiepte, then take the nearest cell.

    Raises
    ------
    GridMismatch
        If cells have the same size and CRS but another origin, and no ``resampling`` is stated;
        or if a target cell is larger than 4096 cells of the file a side.
    """
    same_crs = target.crs is None or source.crs is None or crs_text.same(source.crs, target.crs)
    if same_crs and source.same_lattice(target):
        return Alignment(None)
    ratio = target.dx / (source.dx if same_crs else _side(source, str(target.crs)))
    if ratio > MAX_RATIO:
        raise GridMismatch(
            "cells asked for are too large",
            value=f"{ratio:.0f} cells of the file a side",
            allowed=f"at most {MAX_RATIO}",
            where=where,
        )
    if entry.resampling is None and same_crs and math.isclose(ratio, 1, rel_tol=1e-6):
        raise _off_lattice(source, target, where)
    return Alignment(entry.resampling or _default(kind, bool(entry.classes), ratio), ratio)


def _default(kind: LayerKind, coded: bool, ratio: float) -> Method:
    if kind.soort == "klasse":
        return "nearest"
    if ratio > 1 + LATTICE_TOLERANCE:
        return "average"
    return "nearest" if coded or kind.may_be_absent else "bilinear"


def _off_lattice(source: Grid, target: Grid, where: str) -> GridMismatch:
    cols, rows = (v - round(v) for v in target.misfit(source))
    return GridMismatch(
        "cells of the file are shifted against the grid",
        value=f"{cols:.4g} cell in x, {rows:.4g} cell in y",
        allowed=f"at most {LATTICE_TOLERANCE} cell, or resampling = stated for this layer",
        where=where,
    )


@lru_cache(maxsize=256)
def _side(source: Grid, crs: str) -> float:
    """Return the side of a cell of the file [m in another CRS], at the middle of the file."""
    xmin, ymin, xmax, ymax = source.bounds
    x, y, half = (xmin + xmax) / 2, (ymin + ymax) / 2, 500.0
    move = crs_text.transformer(str(source.crs), crs).transform
    west, east, south, north = (move(x + dx, y + dy) for dx, dy in ((-half, 0), (half, 0), (0, -half), (0, half)))
    side = math.sqrt(math.dist(west, east) * math.dist(south, north)) / (2 * half)
    if not math.isfinite(side) or side <= 0:
        raise GridMismatch("the middle of the file does not exist in the other CRS", value=(x, y))
    return side * source.dx


@dataclass(frozen=True)
class Piece:
    """One fixed block of the target lattice, and which part of it lands where in a window."""

    block: Grid
    inside: tuple[slice, slice]
    outside: tuple[slice, slice]


def pieces(target: Grid, ratio: float = 0.0, largest: int = BLOCK) -> Iterator[Piece]:
    """Cut a window into the fixed blocks that it touches.

    Parameters
    ----------
    target : Grid
        The window.
    ratio : float
        Target cell in source cells; large ratios make small blocks.
    largest : int
        Cells a side of a block.
    """
    size = max(1, min(largest, int(SOURCE_SIDE / ratio))) if ratio > 0 else largest
    lattice, row, col = _anchored(target)
    for rows, r_in, r_out in _cuts(row, target.rows, size):
        for cols, c_in, c_out in _cuts(col, target.cols, size):
            block = replace(
                lattice,
                left=lattice.left + cols * lattice.dx,
                top=lattice.top - rows * lattice.dy,
                rows=size,
                cols=size,
            )
            yield Piece(block, (r_in, c_in), (r_out, c_out))


def _anchored(target: Grid) -> tuple[Grid, int, int]:
    """Return the lattice from (0, 0), free of float noise, and row and column of the window."""
    col, across = _phase(target.left / target.dx)
    row, down = _phase(-target.top / target.dy)
    origin = replace(target, left=across * target.dx, top=-down * target.dy, rows=0, cols=0)
    return origin, row, col


def _phase(cells: float) -> tuple[int, float]:
    whole = math.floor(cells + 5e-7)
    return whole, round(cells - whole, 6)


def _cuts(start: int, count: int, size: int) -> Iterator[tuple[int, slice, slice]]:
    """Yield per fixed interval that a range touches: its start, its part, the range's part."""
    stop = start + count
    for first in range(start - start % size, stop, size):
        a, b = max(first, start), min(first + size, stop)
        yield first, slice(a - first, b - first), slice(a - start, b - start)


def kernel_margin(ratio: float) -> int:
    """Return how many cells of a file beyond a block may weigh in it."""
    return 3 + math.ceil(ratio)


def source_block(block: Grid, source: Grid, margin: int = 0) -> Block:
    """Return the cells of a file that a block of the target covers, and a margin around them."""
    bounds = crs_text.move_bounds(block.bounds, block.crs, source.crs)
    covered = source.cover(bounds)
    row, col = (round(v) for v in reversed(source.misfit(covered)))
    return Block(row - margin, col - margin, covered.rows + 2 * margin, covered.cols + 2 * margin)


def grid_of_block(source: Grid, block: Block) -> Grid:
    """Return where a block of a file's lattice lies."""
    return replace(
        source,
        left=source.left + block.col * source.dx,
        top=source.top - block.row * source.dy,
        rows=block.rows,
        cols=block.cols,
    )


def warp(values: Floats, source: Grid, target: Grid, method: Method) -> Floats:
    """Return values on a block of another lattice.

    Parameters
    ----------
    values : array, float64
        NaN = unknown, +inf = absent.
    source : Grid
        Where they lie.
    target : Grid
        A fixed block; see :func:`pieces`.
    method : {"nearest", "average", "bilinear"}
        Average: over the known cells, known where they cover at least half of the target cell;
        absent where at least half of the known area is absent, else the mean of what is present.
        Bilinear: over the known neighbours; known and absent as the nearest cell is.
    """
    present, absent = np.isfinite(values), np.isposinf(values)
    bands = np.stack([np.where(present, values, 0.0), present, absent]).astype(np.float64)
    mean = _warped(bands, source, target, method)
    if method == "average":
        known, gone = _by_area(mean)
    else:
        nearest = mean if method == "nearest" else _warped(bands, source, target, "nearest")
        known, gone = nearest[1] + nearest[2] > 0.5, nearest[2] > 0.5
    with np.errstate(all="ignore"):
        result = np.where(known, mean[0] / mean[1], np.nan)
    return np.where(gone, np.inf, result)


def _by_area(mean: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    share = mean[1] + mean[2]
    known = share >= 0.5 - MARGIN
    return known, known & (mean[2] >= 0.5 * share - MARGIN)


def _warped(bands: Floats, source: Grid, target: Grid, method: Method) -> Floats:
    """Warp bands with exact transformations; the block is small, so GDAL never splits it.

    ``rasterio.warp.reproject`` ignores a tolerance: up to 4 mm off in a block of 256 x 10 m.
    """
    with (
        _in_memory(bands, source) as data,
        WarpedVRT(
            data,
            crs=CRS.from_string(_target_crs(source, target)),
            transform=target.transform,
            width=target.cols,
            height=target.rows,
            resampling=Resampling[method],
            tolerance=1e-9,
            warp_mem_limit=WARP_MB,
        ) as warped,
    ):
        return np.asarray(warped.read(), dtype=np.float64)


def _target_crs(source: Grid, target: Grid) -> str:
    """Return the CRS to warp to: that of the file where both are one but for its name."""
    same = target.crs is None or crs_text.same(str(source.crs), target.crs)
    return str(source.crs if same else target.crs)


@contextmanager
def _in_memory(bands: Floats, source: Grid) -> Iterator[Any]:
    profile = {
        "driver": "GTiff",
        "count": len(bands),
        "height": source.rows,
        "width": source.cols,
        "dtype": "float64",
        "crs": CRS.from_string(str(source.crs)),
        "transform": source.transform,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as out:
            out.write(bands)
        with memory.open() as data:
            yield data
