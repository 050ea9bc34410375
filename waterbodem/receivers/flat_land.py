"""Flat land with ditches: where the way of water over a height map says little (rekenregels section 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.receivers.land import Land

#: A circle drawn with straight lines, and rounding of coordinates, stay well within this share of its radius.
DOUBT = 0.01


def is_flat(land: Land, plan: Any) -> bool:
    """Tell whether land around a plan is so flat that water goes where ditches lead it, and no layer tells of these.

    Parameters
    ----------
    land : Land
        With layer ``maaiveld``; where it has layer ``water`` nothing is said.
    plan : shapely polygon
    """
    if "water" in land or "maaiveld" not in land:
        return False
    rules = reception_rules()
    x, y, level = _around(land, plan, rules.value("vlak_straal_m"))
    if level.size < rules.value("vlak_cellen_min"):
        return False
    gradient, spread = plane(x, y, level)
    return gradient + noise() < rules.value("vlak_helling") and spread + noise() < rules.value("vlak_ruis_m")


def plane(x: NDArray[Any], y: NDArray[Any], level: NDArray[Any]) -> tuple[float, float]:
    """Return the gradient of the least-squares plane through points, and half of P84 - P16 of the residuals.

    Examples
    --------
    >>> x, y = (v.ravel() for v in np.mgrid[:10, :10].astype(float))
    >>> [round(v, 6) for v in plane(x, y, 0.3 * x + 0.4 * y)]
    [0.5, 0.0]
    """
    design = np.column_stack([x - x.mean(), y - y.mean(), np.ones_like(x)])
    found = np.linalg.lstsq(design.T @ design, design.T @ level, rcond=None)[0]
    low, high = np.percentile(level - design @ found, [16, 84])
    return float(np.hypot(found[0], found[1])), float(high - low) / 2


def _around(land: Land, plan: Any, radius: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return x, y and level of the known cells whose centre is within a distance of a plan."""
    xmin, ymin, xmax, ymax = plan.bounds
    block = land.grid.crop((xmin - radius, ymin - radius, xmax + radius, ymax + radius))
    level = np.asarray(land.read(block, ["maaiveld"])["maaiveld"], np.float64)
    rows, cols = np.nonzero(within(plan, radius, block) & np.isfinite(level))
    return block.x[cols], block.y[rows], level[rows, cols]


def within(plan: Any, radius: float, block: Grid) -> NDArray[np.bool_]:
    """Tell of which cells the centre lies within a distance of a plan; only a narrow ring is measured."""
    if not block.rows or not block.cols:
        return np.zeros(block.shape, np.bool_)
    inner, outer = (_mask(plan.buffer(radius * f), block) for f in (1 - DOUBT, 1 + DOUBT))
    rows, cols = np.nonzero(outer & ~inner)
    shapely.prepare(plan)
    inner[rows, cols] = shapely.dwithin(plan, shapely.points(block.x[cols], block.y[rows]), radius)
    return inner


def _mask(shape: Any, block: Grid) -> NDArray[np.bool_]:
    found = rasterio.features.rasterize([shape], out_shape=block.shape, transform=block.transform, dtype=np.uint8)
    return np.asarray(found, np.bool_)
