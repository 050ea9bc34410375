"""Waiting once, at a moment of one's own: for servers and notebooks, before the first question."""

from __future__ import annotations

import numpy as np
import shapely

from waterbodem.assessment.assessment import assess
from waterbodem.core.dataset import dataset_of
from waterbodem.core.grid import Grid
from waterbodem.definitions.registry import layer_kinds

#: Cells of the area that the question is about, a side, and their size [m].
SIDE, CELL = 8, 10.0


def warm_up() -> None:
    """Compile and load what a first answer needs: seconds the first time on a machine, less in every process after.

    Compiled kernels are kept in ``NUMBA_CACHE_DIR``, else in a cache folder of the user.

    Examples
    --------
    >>> import waterbodem as wb
    >>> wb.warm_up()
    """
    grid = Grid(0.0, SIDE * CELL, CELL, CELL, SIDE, SIDE, None)
    cells = {k.id: np.full(grid.shape, k.range[0], np.float32) for k in layer_kinds().values() if not k.codes_van}
    layers = dataset_of(grid, {name: (values, {}) for name, values in cells.items()})
    answer = assess(layers, "woningbouw", shapely.box(*grid.bounds).buffer(-CELL / 2))
    answer._repr_html_()
