"""A raster as a Dask array: every task reads its own window of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import ArgumentError
from waterbodem.core.grid import Grid

#: Returns the cells of a window of some grid; a part of a window gives the same numbers as the whole.
Reader = Callable[[Grid], NDArray[Any]]


class Window:
    """What an array must have for Dask to cut it: shape, dtype, and values by index.

    Parameters
    ----------
    read : callable
    grid : Grid
        What the array covers.
    dtype : str
    """

    ndim = 2

    def __init__(self, read: Reader, grid: Grid, dtype: str) -> None:
        self._read, self._grid = read, grid
        self.shape, self.dtype = grid.shape, np.dtype(dtype)

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        """Return the values of some rows and columns; only those are read."""
        spans, steps = zip(*(_span(i, n) for i, n in zip(index, self.shape, strict=True)), strict=True)
        return self._read(self._grid.part(*spans))[steps]


def _span(index: slice, size: int) -> tuple[slice, slice]:
    """Return the cells from the first to the last that are asked, and which of those."""
    cells = range(size)[index]
    if not cells:
        return slice(0, 0), slice(None)
    low, high = min(cells[0], cells[-1]), max(cells[0], cells[-1])
    return slice(low, high + 1), slice(None, None, cells.step)


def chunked(read: Reader, grid: Grid, chunks: tuple[int | str, int | str], name: str, dtype: str = "float32") -> Any:
    """Return what can be read by window as a ``dask.array.Array``.

    Parameters
    ----------
    read : callable
        Can be sent to another process.
    chunks : (rows, cols)
        As :func:`chunks_of` gives them.
    name : str
        Of the content: arrays of one name are one array to Dask.
    """
    import dask.array as da

    array, meta = Window(read, grid, dtype), np.empty((0, 0), dtype)
    return da.from_array(array, chunks=chunks, name=name, asarray=False, fancy=False, lock=False, meta=meta)


def chunks_of(chunks: Any) -> tuple[int | str, int | str]:
    """Check and return the size of chunks in rows and columns.

    Raises
    ------
    ArgumentError
        If it is no mapping of y and x to a number of cells, -1 (all of them) or "auto".
    """
    sizes = dict(chunks) if isinstance(chunks, Mapping) else {"y": chunks, "x": chunks}
    if set(sizes) - {"y", "x"} or not all(_is_size(v) for v in sizes.values()):
        allowed = 'a mapping of y and x to a number of cells, -1 (all) or "auto"'
        raise ArgumentError("chunks are not usable", value=chunks, allowed=allowed, where="chunks")
    return sizes.get("y", -1), sizes.get("x", -1)


def _is_size(value: Any) -> bool:
    number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return value == "auto" or (number and (value > 0 or value == -1))
