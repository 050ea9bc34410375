"""The exposure sweep in bands of rows, for grids that do not fit in memory: the same bytes as in one go.

A band is swept with what is known of the rows beside it. A cell whose water runs on to a row that is not known yet
stays open; the bands are gone through again, down and up, until nothing is open. Every cell gets its number by the same
arithmetic as in one go, so the number of bands changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import Circular
from waterbodem.core.grid import Grid
from waterbodem.kernels import routing as kernel
from waterbodem.receivers.flow import decoded
from waterbodem.receivers.network import LEAVES

Doubles = NDArray[np.float64]
Rows = Callable[[slice], NDArray[Any]]

#: Bytes that a cell of a band takes while it is swept: codes, directions, order, value, exposure and what is open.
BYTES_PER_CELL = 60


@dataclass
class _Sweep:
    """What is known along the borders of bands: exposure of their first and last row, NaN = open."""

    grid: Grid
    codes: Rows
    value: Rows
    beyond: float
    damping: float | None
    border: dict[int, Doubles] = field(default_factory=dict)

    def of(self, band: slice) -> Doubles:
        """Return the exposure of a band (rows, cols), NaN where it is open."""
        wide = slice(max(0, band.start - 1), min(self.grid.rows, band.stop + 1))
        part = self.grid.part(wide, slice(0, self.grid.cols))
        found, given = self._beside(band, wide)
        network = decoded(self.codes(wide), part, "d8").network
        down = network.downstream
        down[given & (down >= 0)] = LEAVES
        network = replace(network, downstream=down)
        value = np.ascontiguousarray(self.value(wide)).reshape(-1)
        try:
            order = network.order
        except Circular as circle:
            raise Circular(circle.cell + wide.start * self.grid.cols, circle.count, "stroomrichting") from None
        kernel.resume(down, network.step, order, network.keep(self.damping), value, self.beyond, found, given)
        inner = found.reshape(part.shape)[band.start - wide.start : band.stop - wide.start]
        for row in {band.start, band.stop - 1}:
            self.border[row] = inner[row - band.start].copy()
        return inner

    def _beside(self, band: slice, wide: slice) -> tuple[Doubles, NDArray[np.bool_]]:
        """Return where to begin: the rows beside the band as far as they are known, and which cells those are."""
        shape = (wide.stop - wide.start, self.grid.cols)
        found, given = np.full(shape, self.beyond), np.zeros(shape, np.bool_)
        for row in {wide.start, wide.stop - 1} - set(range(band.start, band.stop)):
            given[row - wide.start] = True
            found[row - wide.start] = self.border.get(row, np.full(self.grid.cols, np.nan))
        return found.reshape(-1), given.reshape(-1)


def expose_in_bands(
    codes: Rows,
    value: Rows,
    grid: Grid,
    height: int,
    write: Callable[[slice, Doubles], None],
    damping: float | None = None,
    beyond: float = 0.0,
) -> int:
    """Sweep the exposure band by band.

    Parameters
    ----------
    codes : callable
        Takes a slice of rows, gives their ESRI D8 codes (rows, cols); 247 = unknown, 254 = open water.
    value : callable
        Takes a slice of rows, gives what a cell counts for as a receiver (rows, cols); NaN = unknown, counts as 0.
    grid : Grid
    height : int
        Rows of a band.
    write : callable
        Takes a slice of rows and D there, float64 (rows, cols); once per band, in any order.
    damping : float, optional
        L [m], default 2000.
    beyond : float
        What water that leaves the data counts for.

    Returns
    -------
    int
        How many times a band was swept.

    Raises
    ------
    LayerError
        If directions run in a circle, with the first cell that stays open.
    """
    sweep, swept = _Sweep(grid, codes, value, beyond, damping), 0
    todo = [slice(r, min(r + height, grid.rows)) for r in range(0, grid.rows, height)][::-1]
    while todo:
        still, before = [], _open_cells(sweep)
        for band in todo:
            found = sweep.of(band)
            swept += 1
            if np.isnan(found).any():
                still.append(band)
            else:
                write(band, found)
        if len(still) == len(todo) and _open_cells(sweep) == before:
            raise _circle(sweep, still)
        todo = still[::-1]
    return swept


def _open_cells(sweep: _Sweep) -> int:
    return sum(int(np.isnan(row).sum()) for row in sweep.border.values()) if sweep.border else -1


def _circle(sweep: _Sweep, bands: list[slice]) -> Circular:
    band = min(bands, key=lambda b: b.start)
    cells = np.flatnonzero(np.isnan(sweep.of(band)))
    return Circular(int(cells[0]) + band.start * sweep.grid.cols, int(cells.size), "stroomrichting, over banden")
