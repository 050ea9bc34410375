"""Small grids with coordinates, and shapes on them, for tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import Polygon

from tests.support.random_cells import BASIC

#: Shared data beside the repository; elsewhere if WATERBODEM_SHARED says so.
SHARED = Path(os.environ.get("WATERBODEM_SHARED", Path(__file__).parents[3] / "shared"))
RD = "EPSG:28992"
LEFT, TOP = 239000.0, 553000.0


def ahn_tile():
    """The real ground level; a copy of the repository alone does not have it, and skips."""
    path = SHARED / "data" / "ahn_zeeuws_vlaanderen" / "ahn.tif"
    if not path.exists():
        pytest.skip("no shared data beside this repository")
    return path


def layers(arrays, step=10.0, left=LEFT, top=TOP, crs=RD):
    """Arrays (rows, cols) by layer as a dataset in RD, cells of ``step`` metres from the upper left corner."""
    rows, cols = next(iter(arrays.values())).shape
    y, x = top - (np.arange(rows) + 0.5) * step, left + (np.arange(cols) + 0.5) * step
    data = {n: (("y", "x"), np.asarray(a, np.float32)) for n, a in arrays.items()}
    return xr.Dataset(data, coords={"y": y, "x": x}, attrs={} if crs is None else {"crs": crs})


def even(rows=3, cols=3, step=10.0, crs=RD, **values):
    """Every cell the same: a good place for housing, unless told otherwise."""
    good = dict.fromkeys(BASIC, 0.0) | {"keileemdiepte": np.inf, "kwel": -1.0} | values
    return layers({n: np.full((rows, cols), v) for n, v in good.items()}, step, crs=crs)


def box(x0, y0, x1, y1, step=10.0):
    """A rectangle in cells: x to the east and y to the south of the upper left corner."""
    return shape((x0, y0), (x1, y0), (x1, y1), (x0, y1), step=step)


def shape(*corners, step=10.0):
    return Polygon([(LEFT + x * step, TOP - y * step) for x, y in corners])
