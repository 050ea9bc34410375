"""A layer as a Dask array: every task reads its own window of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from waterbodem.errors import ArgumentError
from waterbodem.grid import Grid
from waterbodem.layer_source import Floats, LayerSource


class Window:
    """What an array must have for Dask to cut it: shape, dtype, and values by index.

    Parameters
    ----------
    source : LayerSource
    grid : Grid
        What the array covers.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, source: LayerSource, grid: Grid) -> None:
        self._source, self._grid = source, grid
        self.shape = grid.shape

    def __getitem__(self, index: tuple[slice, slice]) -> Floats:
        """Return the values of some rows and columns; only those are read."""
        spans, steps = zip(*(_span(i, n) for i, n in zip(index, self.shape, strict=True)), strict=True)
        return self._source.read(self._grid.part(*spans))[steps]


def _span(index: slice, size: int) -> tuple[slice, slice]:
    """Return the cells from the first to the last that are asked, and which of those."""
    cells = range(size)[index]
    if not cells:
        return slice(0, 0), slice(None)
    low, high = min(cells[0], cells[-1]), max(cells[0], cells[-1])
    return slice(low, high + 1), slice(None, None, cells.step)


def chunked(source: LayerSource, grid: Grid, chunks: tuple[int | str, int | str]) -> Any:
    """Return a layer on a grid as a ``dask.array.Array``, float32.

    Parameters
    ----------
    chunks : (rows, cols)
        As :func:`chunks_of` gives them.
    """
    import dask.array as da
    from dask.base import tokenize

    mark = tokenize(source.sha256, source.entry.model_dump_json(), repr(grid))
    array = Window(source, grid)
    return da.from_array(array, chunks=chunks, name=f"{source.name}-{mark}", asarray=False, fancy=False, lock=False)


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
