"""Whether arrays fit: asked before they are made, not found out by the operating system."""

from __future__ import annotations

import os

from waterbodem import limits
from waterbodem.errors import ArgumentError
from waterbodem.grid import Grid

#: Values (cells times layers) that a call may return; 8 GB of float32.
DEFAULT_MAX_CELLS = 2_000_000_000

#: Share of the free memory that arrays may take, and what reading needs beside them [bytes].
USABLE, WORKING = 0.8, 300_000_000


def max_cells() -> int:
    """Return the cap on cells times layers: ``WATERBODEM_MAX_CELLS``, else two thousand million."""
    stated = os.environ.get("WATERBODEM_MAX_CELLS", "")
    return int(stated) if stated.isdigit() and int(stated) > 0 else DEFAULT_MAX_CELLS


def available() -> int | None:
    """Return free memory [bytes], limits of containers and of this process counting; None where nothing says."""
    return limits.free()


def needed(grid: Grid, layers: int) -> int:
    """Return what float32 layers take on a grid, with the work beside them [bytes]."""
    return 4 * grid.rows * grid.cols * layers + WORKING


def check_fits(grid: Grid, layers: int) -> None:
    """Refuse arrays that would not fit.

    Raises
    ------
    ArgumentError
        Naming cells, layers and what is allowed.
    """
    values, free = grid.rows * grid.cols * layers, available()
    asked = f"{grid.rows} x {grid.cols} cells x {layers} layers = {4 * values / 1e9:.3g} GB"
    if values > max_cells():
        raise ArgumentError(
            "too many cells to hold at once",
            value=asked,
            allowed=f"{max_cells()} cells x layers (WATERBODEM_MAX_CELLS); give bounds, "
            "a larger resolution, or use waterbodem run",
        )
    if free is not None and needed(grid, layers) > USABLE * free:
        raise ArgumentError(
            "not enough memory",
            value=asked,
            allowed=f"{USABLE * free / 1e9:.3g} GB; give bounds, a larger resolution, or use waterbodem run",
        )
