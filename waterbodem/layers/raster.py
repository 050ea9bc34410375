"""One band of a raster file, read by window; checked once when it is opened."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Interleaving, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from waterbodem.core import crs as crs_text
from waterbodem.core.errors import (
    CorruptLayer,
    GridMismatch,
    LayerError,
    NotARaster,
    WaterbodemError,
)
from waterbodem.core.grid import LATTICE_TOLERANCE, Grid
from waterbodem.core.path_gate import raster_driver
from waterbodem.formats.foreign import door
from waterbodem.formats.foreign.tile_size import check_tile

#: What a bad file may raise from within GDAL and its Python binding.
_FAULTS = (RasterioError, OSError, UnicodeDecodeError, ValueError, ArithmeticError, MemoryError)

#: GDAL guesses the type of a text grid from its first numbers; that may cut off decimals later on.
_OPTIONS = {"AAIGrid": {"DATATYPE": "Float64"}}


_kept = threading.local()


@contextmanager
def files_kept_open() -> Iterator[None]:
    """Keep files that this thread opens open until leaving: a block that two windows share is decoded once."""
    with ExitStack() as stack:
        _kept.handles, _kept.stack = {}, stack
        try:
            yield
        finally:
            del _kept.handles, _kept.stack


@dataclass(frozen=True)
class Block:
    """A rectangle of cells by rows and columns of a file; it may lie partly beyond it."""

    row: int
    col: int
    rows: int
    cols: int

    def within(self, grid: Grid) -> Block:
        """Return the part that lies in a grid (may be empty)."""
        r0, r1 = (min(max(r, 0), grid.rows) for r in (self.row, self.row + self.rows))
        c0, c1 = (min(max(c, 0), grid.cols) for c in (self.col, self.col + self.cols))
        return Block(r0, c0, r1 - r0, c1 - c0)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no cell."""
        return self.rows <= 0 or self.cols <= 0

    def strips(self, cells: int) -> Iterator[Block]:
        """Cut into blocks of whole rows of at most about ``cells`` cells."""
        step = max(1, cells // max(1, self.cols))
        for row in range(0, self.rows, step):
            yield Block(self.row + row, self.col, min(step, self.rows - row), self.cols)


@dataclass(frozen=True)
class RasterFile:
    """What must be known of a file to read one band of it.

    No handle is kept: :meth:`opened` gives one per call, so threads never share it.

    Parameters
    ----------
    path : Path
        Resolved.
    name : str
        As written in the catalogue.
    driver : str
        The only one that may open it.
    grid : Grid
        Cells of the file; its CRS is projected, in metres.
    band : int
        From 1.
    dtype : str
        Of the raw numbers.
    nodata : float or None
        As the file states it.
    scale, offset : float
        As the file states them.
    masked : bool
        Whether a mask of its own comes with the file.
    tile : (int, int)
        Rows and columns that are stored, and decoded, together.
    crs_assumed : bool
        Whether the file names no CRS, so that it has that of the catalogue.
    """

    path: Path
    name: str
    driver: str
    grid: Grid
    band: int
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    masked: bool
    tile: tuple[int, int]
    crs_assumed: bool = False

    def shared(self, grid: Grid, block: tuple[int, int]) -> int:
        """Return the bytes decoded for a block of rows and columns of a grid, 0 if no other block needs them."""
        if self.grid.same_lattice(grid) and not any(
            first % tile or n % tile for first, n, tile in zip(self.grid.offset(grid), block, self.tile, strict=True)
        ):
            return 0
        height, width = (
            min((math.ceil(n / tile) + 1) * tile, most)
            for n, tile, most in zip(block, self.tile, self.grid.shape, strict=True)
        )
        return height * width * np.dtype(self.dtype).itemsize

    @contextmanager
    def opened(self, where: str = "") -> Iterator[Any]:
        """Open the file for one thread.

        Raises
        ------
        CorruptLayer
            If it no longer opens.
        """
        handles = getattr(_kept, "handles", None)
        if handles is None:
            with _opened(self.path, self.driver, where) as handle:
                yield handle
            return
        if self.path not in handles:
            handles[self.path] = _kept.stack.enter_context(_opened(self.path, self.driver, where))
        yield handles[self.path]

    def read(self, handle: Any, block: Block, where: str = "") -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Return raw numbers and where they are data (None: everywhere); beyond the file there are none.

        Raises
        ------
        CorruptLayer
            If the file breaks off.
        """
        inner = block.within(self.grid)
        if inner == block and not inner.is_empty:
            return self._inner(handle, inner, where)
        raw = np.zeros((block.rows, block.cols), dtype=self.dtype)
        valid = np.zeros(raw.shape, dtype=bool)
        if not inner.is_empty:
            rows = slice(inner.row - block.row, inner.row - block.row + inner.rows)
            cols = slice(inner.col - block.col, inner.col - block.col + inner.cols)
            raw[rows, cols], mask = self._inner(handle, inner, where)
            valid[rows, cols] = True if mask is None else mask
        return raw, valid

    def _inner(self, handle: Any, block: Block, where: str) -> tuple[Any, Any]:
        window = Window(block.col, block.row, block.cols, block.rows)
        try:
            raw = handle.read(self.band, window=window)
            mask = handle.read_masks(self.band, window=window) > 0 if self.masked else None
        except _FAULTS as error:
            raise CorruptLayer(
                f"file cannot be read in full: {_reason(error)}",
                value=f"{self.name}, rows {block.row} .. {block.row + block.rows}, "
                f"columns {block.col} .. {block.col + block.cols}",
                where=where,
            ) from None
        return raw, mask


def open_raster(path: Path, name: str, band: int, default_crs: str | None, where: str = "") -> RasterFile:
    """Check a raster file and return what reading it needs.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    name : str
        As written in the catalogue.
    band : int
        From 1.
    default_crs : str or None
        For a file without one.

    Raises
    ------
    NotARaster, UnsafePath
        If the content is something else.
    GridMismatch
        If it has no usable CRS, or is rotated, upside down, not square, empty, or x/y swapped.
    LayerError
        If there is no such band, or it holds no numbers.
    """
    driver = raster_driver(path, where)
    door.check_raster(path, driver, where)
    with _opened(path, driver, where, NotARaster) as handle:
        _check_band(handle, band, name, where)
        together = handle.count if handle.interleaving == Interleaving.pixel else 1
        size = np.dtype(handle.dtypes[band - 1]).itemsize
        check_tile(handle.block_shapes[band - 1], size, driver, path.name, where, bands=together)
        grid = _grid(handle, default_crs, where)
        flags = handle.mask_flag_enums[band - 1]
        return RasterFile(
            path,
            name,
            driver,
            grid,
            band,
            handle.dtypes[band - 1],
            handle.nodatavals[band - 1],
            _number(handle.scales[band - 1], "scale", where),
            _number(handle.offsets[band - 1], "offset", where),
            MaskFlags.per_dataset in flags,
            handle.block_shapes[band - 1],
            crs_assumed=not handle.crs,
        )


@contextmanager
def _opened(path: Path, driver: str, where: str, kind: type[LayerError] = CorruptLayer) -> Iterator[Any]:
    try:
        handle = door.open_raster(path, driver, **_OPTIONS.get(driver, {}))
    except _FAULTS as error:
        raise kind(f"file does not open as {driver}: {_reason(error)}", value=path.name, where=where) from None
    with handle:
        try:
            yield handle
        except WaterbodemError:
            raise
        except (RasterioError, UnicodeDecodeError) as error:
            raise CorruptLayer(f"file cannot be read: {_reason(error)}", value=path.name, where=where) from None


def _reason(error: Exception) -> str:
    """Return the message of an error, of its cause if that says more, without folders."""
    text = str(error.__cause__ or error).splitlines() or [type(error).__name__]
    return " ".join(
        word.replace("\\", "/").rpartition("/")[2] if "/" in word else word for word in text[0][:300].split()
    )


def _check_band(handle: Any, band: int, name: str, where: str) -> None:
    if handle.count == 0 and handle.subdatasets:
        raise NotARaster("file holds several variables", value=name, allowed="one variable per file", where=where)
    if band > handle.count:
        raise LayerError("no such band", value=band, allowed=f"1 .. {handle.count}", where=where)
    if np.dtype(handle.dtypes[band - 1]).kind not in "fiu":
        raise LayerError("band holds no real numbers", value=handle.dtypes[band - 1], where=where)


def _number(value: float, what: str, where: str) -> float:
    if not math.isfinite(value):
        raise LayerError(f"{what} of the file is not finite", value=value, where=where)
    return float(value)


def _grid(handle: Any, default_crs: str | None, where: str) -> Grid:
    crs = _crs(handle, default_crs, where)
    _check_transform(handle.transform, where)
    left, top, size = handle.transform.c, handle.transform.f, handle.transform.a
    size = _tidy(size, LATTICE_TOLERANCE * size / max(handle.width, handle.height, 1))
    grid = Grid(
        _tidy(left, 1e-6 * size),
        _tidy(top, 1e-6 * size),
        size,
        size,
        handle.height,
        handle.width,
        crs,
    )
    crs_text.check_not_swapped(grid.bounds, crs, where)
    return grid


def _tidy(value: float, noise: float) -> float:
    """Return the whole millimetre that a length is but for noise."""
    return round(value, 3) if abs(round(value, 3) - value) <= noise else value


def _crs(handle: Any, default_crs: str | None, where: str) -> str:
    if not handle.crs:
        if default_crs is None:
            raise GridMismatch(
                "file has no CRS",
                allowed="a crs in the file, or crs = in the catalogue",
                where=where,
            )
        return default_crs
    return crs_text.projected(handle.crs.to_wkt(), where)


def _check_transform(transform: Any, where: str) -> None:
    a, b, c, d, e, f = tuple(transform)[:6]
    reasons = {
        "transform is not finite": not all(math.isfinite(v) for v in (a, b, c, d, e, f)),
        "raster has no georeference": (a, b, c, d, e, f) == (1, 0, 0, 0, 1, 0),
        "raster is rotated or sheared": b != 0 or d != 0,
        "raster is south-up": e > 0,
        "columns run from east to west": a < 0,
        "cell size is zero": a == 0 or e == 0,
        "cells are not square": abs(a + e) > 1e-6 * abs(a),
    }
    for reason, true in reasons.items():
        if true:
            raise GridMismatch(
                reason,
                value=(a, b, c, d, e, f),
                allowed="north-up, square cells, finite",
                where=where,
            )
