"""Whether arrays fit: asked before they are made, not found out by the operating system."""

from __future__ import annotations

import os

from waterbodem.core import limits
from waterbodem.core.errors import ArgumentError
from waterbodem.core.grid import Grid

#: Values (cells times layers) that a call may return; 8 GB of float32.
DEFAULT_MAX_CELLS = 2_000_000_000

#: Share of the free memory that arrays may take, and what reading needs beside them [bytes].
USABLE, WORKING = 0.8, 300_000_000


def max_cells() -> int:
    """Return the cap on cells times layers: ``WATERBODEM_MAX_CELLS``, else two thousand million."""
    stated = os.environ.get("WATERBODEM_MAX_CELLS", "")
    return int(stated) if stated.isdigit() and int(stated) > 0 else DEFAULT_MAX_CELLS


def available_memory() -> int | None:
    """Return free memory [bytes], limits of containers and of this process counting; None where nothing says."""
    return limits.free_memory()


def memory_of_layers(grid: Grid, layers: int) -> int:
    """Return what float32 layers take on a grid, with the work beside them [bytes]."""
    return 4 * grid.rows * grid.cols * layers + WORKING


def check_fits(grid: Grid, layers: int) -> None:
    """Refuse arrays that would not fit.

    Raises
    ------
    ArgumentError
        Naming cells, layers and what is allowed.
    """
    if grid.rows * grid.cols * layers > max_cells():
        raise ArgumentError(
            "too many cells to hold at once",
            value=_asked(grid, layers),
            allowed=f"{max_cells()} cells x layers (WATERBODEM_MAX_CELLS); give bounds, "
            "a larger resolution, or use waterbodem run",
        )
    check_room(grid, layers)


def check_room(grid: Grid, layers: int) -> None:
    """Refuse work that takes as much as so many float32 layers, where that is more than what is free.

    Raises
    ------
    ArgumentError
        Naming cells, layers and what is free.
    """
    free = available_memory()
    if free is not None and memory_of_layers(grid, layers) > USABLE * free:
        raise ArgumentError(
            "not enough memory",
            value=_asked(grid, layers),
            allowed=f"{USABLE * free / 1e9:.3g} GB; give bounds, a larger resolution, or use waterbodem run",
        )


def _asked(grid: Grid, layers: int) -> str:
    size = 4 * grid.rows * grid.cols * layers
    return f"{grid.rows} x {grid.cols} cells x {layers} layers = {size / 1e9:.3g} GB"
