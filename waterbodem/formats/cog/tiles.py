"""Maps as compressed tiles and as overviews: what lies between an array and a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from waterbodem.definitions.legends import nodata
from waterbodem.kernels import pack

Array = NDArray[Any]

#: Side of a tile [cells].
TILE = 256
#: Level 1 costs a few ns per byte; higher levels save little on maps.
LEVEL = 1


@dataclass(frozen=True)
class Kind:
    """How cells of a map are stored, and made half as fine."""

    dtype: str
    nothing: Any
    halve: Callable[[Array, Array], None]

    def half(self, values: Array) -> Array:
        """Return an array of half as many rows and columns, rounded up."""
        rows, cols = values.shape
        out = np.empty(((rows + 1) // 2, (cols + 1) // 2), self.dtype)
        self.halve(values, out)
        return out


def kind_of(*, classes: bool = False, floats: bool = False) -> Kind:
    """Return how shares (as bytes or floats) or classes are stored."""
    if floats:
        return Kind("float32", np.float32(np.nan), pack.halve_float)
    return Kind("uint8", np.uint8(nodata()), pack.halve_mode if classes else pack.halve_mean)


_mine = threading.local()


def compress(data: bytes | Array) -> bytes:
    """Return a ZSTD frame that carries a checksum: a bit that flips later is noticed by whoever reads all of it.

    GDAL decodes tiles that stick out at the bottom no further than it needs; there only the sha256 of the file tells.
    """
    if not hasattr(_mine, "compressor"):
        _mine.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    return bytes(_mine.compressor.compress(data))


def decompress(data: bytes) -> bytes:
    """Return what was compressed; raises ``zstandard.ZstdError`` where a bit has flipped."""
    return zstandard.ZstdDecompressor().decompress(data)


def tiles_of(values: Array, kind: Kind) -> Iterator[tuple[int, int, Array | None]]:
    """Yield tile row, tile column and cells of every tile; None where a tile holds nothing."""
    rows, cols = values.shape
    for r in range(0, rows, TILE):
        for c in range(0, cols, TILE):
            cells = values[r : r + TILE, c : c + TILE]
            yield r // TILE, c // TILE, None if _is_empty(cells) else _whole(cells, kind)


def _is_empty(cells: Array) -> bool:
    if cells.dtype == np.uint8:
        return bool(cells[0, 0] == nodata() and (cells == nodata()).all())
    return bool(np.isnan(cells).all())


def _whole(cells: Array, kind: Kind) -> Array:
    """Return a tile in full, also at an edge."""
    if cells.shape == (TILE, TILE):
        return np.ascontiguousarray(cells)
    tile = np.full((TILE, TILE), kind.nothing, kind.dtype)
    tile[: cells.shape[0], : cells.shape[1]] = cells
    return tile


def encode(tile: Array) -> bytes:
    """Return a tile as a TIFF stores it: ZSTD, floats with the floating-point predictor (3)."""
    return compress(_differences(tile) if tile.dtype == np.float32 else tile)


def decode(data: bytes, kind: Kind) -> Array:
    """Return the tile that was encoded, TILE rows and columns.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        cells = np.frombuffer(decompress(data), np.uint8)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    return _summed(cells) if kind.dtype == "float32" else cells.reshape(TILE, TILE)


def empty_tile(kind: Kind) -> bytes:
    """Return a tile of nothing as a TIFF stores it."""
    return encode(np.full((TILE, TILE), kind.nothing, kind.dtype))


def _differences(tile: Array) -> Array:
    """Return floats as TIFF's floating-point predictor stores them: bytes by significance, each less the one before."""
    rows, cols = tile.shape
    planes = tile.astype(">f4").view(np.uint8).reshape(rows, cols, 4).transpose(0, 2, 1).reshape(rows, 4 * cols)
    out = planes.copy()
    out[:, 1:] -= planes[:, :-1]
    return out


def _summed(cells: Array) -> Array:
    """Return the floats of :func:`_differences`."""
    planes = np.cumsum(cells.reshape(TILE, 4 * TILE), axis=1, dtype=np.uint8)
    return planes.reshape(TILE, 4, TILE).transpose(0, 2, 1).copy().view(">f4")[:, :, 0].astype(np.float32)


class Pyramid:
    """Overviews of a map whose rows come from north to south; holds one row of tiles per level.

    Parameters
    ----------
    cols : int
        Columns of the first overview.
    levels : int
        How many overviews.
    kind : Kind
    sink : callable
        Takes the level (from 0) and a compressed tile, row by row of each level.
    """

    def __init__(self, cols: int, levels: int, kind: Kind, sink: Callable[[int, bytes], None]) -> None:
        widths = [-(-cols // 2**level) for level in range(levels)]
        self._rows = [np.empty((TILE, width), kind.dtype) for width in widths]
        self._filled = [0] * levels
        self._kind, self._sink, self._empty = kind, sink, empty_tile(kind)

    def push(self, values: Array, level: int = 0, tiles: Sequence[bytes | None] = ()) -> None:
        """Take rows of a level; ``tiles``: the same rows as tiles, None for nothing, of use where they fill a row."""
        if tiles and len(values) == TILE and not self._filled[level]:
            self._hand_on(level, values, tiles)
            return
        while len(values):
            at = self._filled[level]
            some = values[: TILE - at]
            self._rows[level][at : at + len(some)] = some
            self._filled[level] += len(some)
            values = values[len(some) :]
            if self._filled[level] == TILE:
                self._flush(level)

    def close(self) -> None:
        """Write what is left; there are no more rows."""
        for level in range(len(self._rows)):
            if self._filled[level]:
                self._flush(level)

    def _flush(self, level: int) -> None:
        rows = self._rows[level][: self._filled[level]]
        self._filled[level] = 0
        self._hand_on(level, rows, [t if t is None else encode(t) for _, _, t in tiles_of(rows, self._kind)])

    def _hand_on(self, level: int, rows: Array, tiles: Sequence[bytes | None]) -> None:
        for tile in tiles:
            self._sink(level, tile or self._empty)
        if level + 1 < len(self._rows):
            self.push(self._kind.half(rows), level + 1)
