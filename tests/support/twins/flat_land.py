"""Section 6: flat land with ditches, where a route down the slope says little."""

from __future__ import annotations

import numpy as np
import shapely

from tests.support.twins.numbers import below, unknown

WITHIN_M = 1000.0
CELLS = 100


def near(plan, heights):
    """The known heights (x, y, z) whose centre lies within 1 km of the plan."""
    return [h for h in heights if not unknown(h[2]) and plan.distance(shapely.Point(h[0], h[1])) <= WITHIN_M]


def plane(points):
    """Gradient of the least-squares plane, and half of P84 - P16 of what it leaves."""
    x, y, z = np.array(points).T
    design = np.column_stack([x - x.mean(), y - y.mean(), np.ones_like(x)])
    slopes, *_ = np.linalg.lstsq(design, z, rcond=None)
    low, high = np.percentile(z - design @ slopes, [16, 84])
    return float(np.hypot(*slopes[:2])), float(high - low) / 2


def is_flat(plan, heights, has_water=False):
    """Whether the text says so; None where nothing is said."""
    points = near(plan, heights)
    if has_water or len(points) < CELLS:
        return None
    gradient, spread = plane(points)
    return below(gradient, 0.001) and below(spread, 0.35)
