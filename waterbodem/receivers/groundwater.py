"""Groundwater around a plan: lowering or rise that declines with distance (rekenregels section 6).

Lowering is positive, rise (wetting) negative; both are burden on a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.core.threads import in_blocks
from waterbodem.definitions.abstraction import FARTHEST, Well
from waterbodem.definitions.receiving import Reach, ReachTable, builtin_reach, check_reach, reception_rules
from waterbodem.engine.layer_set import Floats
from waterbodem.kernels import distance as kernel

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """Change of the groundwater level around one or more plans.

    Attributes
    ----------
    grid : Grid
        The cells that an effect can reach, within the data; outside it there is none.
    verlaging : float64 array (rows, cols)
        [m], positive = lower; 0 below 0.1 mm; NaN in cells of a plan whose own change is unknown.
    reikt_m : float
        Distance from the plan beyond which there is no effect [m].
    """

    grid: Grid
    verlaging: Doubles
    reikt_m: float = 0.0


def reach_of(reach: Reach | None, layers: Mapping[str, Floats], shape: tuple[int, ...]) -> Doubles:
    """Return lambda per cell [m].

    Parameters
    ----------
    reach : float, "situatie" or ReachTable, optional
        One number (default 200 m), the package's table by situation, or a user's own.
    layers : mapping of layer id to float32 array
        What situations are told by; unknown layers give the default number.
    shape : tuple
        Of the result.

    Raises
    ------
    ArgumentError
        If a number is not positive, or a word is unknown.
    """
    default = reception_rules().value("reikwijdte_m")
    chosen = default if reach is None else reach
    check_reach(chosen)
    if isinstance(chosen, (int, float)):
        return np.full(shape, float(chosen))
    table = chosen if isinstance(chosen, ReachTable) else builtin_reach()
    out = np.full(shape, default)
    for situation in reversed(table.situaties):
        out[_holds(situation.als, layers, shape)] = situation.lambda_m
    return out


def _holds(bounds: Iterable[Any], layers: Mapping[str, Floats], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell where every condition holds; never on an unknown layer."""
    found = np.ones(shape, dtype=bool)
    for bound in bounds:
        values = layers.get(bound.laag)
        if values is None:
            return np.zeros(shape, dtype=bool)
        low = -math.inf if bound.min is None else bound.min
        high = math.inf if bound.max is None else bound.max
        found &= (values >= np.float32(low)) & (values <= np.float32(high))
    return found


def spread(head: Any, reach: Any, grid: Grid, within: Grid, plan: NDArray[np.bool_] | None = None) -> Effect:
    """Spread the change in the cells of a plan to the land around it.

    ``verlaging(y) = h0 exp(-r / lambda)``: r is the distance, centre to centre, to the nearest plan cell where h0 is
    known; h0 and lambda are that cell's. At equal distance the largest ``|h0|`` counts, then lowering before rise,
    then the larger lambda. Effects under 0.1 mm are none, which bounds the work.

    Parameters
    ----------
    head : float array (rows, cols)
        h0, the plan's own change [m], positive = lower; NaN = unknown, or outside the plan.
    reach : float array (rows, cols)
        lambda [m].
    grid : Grid
        Of ``head``.
    within : Grid
        The data: what an effect may reach, on the same lattice.
    plan : bool array (rows, cols), optional
        Cells of the plan; those with an unknown h0 stay unknown. Default: the cells where h0 is known.

    Returns
    -------
    Effect

    Examples
    --------
    >>> grid = Grid(0, 5, 5, 5, 1, 3)
    >>> plan = np.array([[0.5, np.nan, np.nan]])
    >>> spread(plan, np.full((1, 3), 5.0), grid, grid).verlaging.round(3).tolist()
    [[0.5, 0.184, 0.068]]
    """
    source = np.asarray(head, dtype=np.float64)
    if source.shape != grid.shape or np.shape(reach) != grid.shape:
        raise GridMismatch("plan does not fit its grid", value=(source.shape, np.shape(reach)), allowed=str(grid.shape))
    least = reception_rules().value("effect_min_m")
    known = np.isfinite(source)
    if not known.any():
        return nothing(grid)
    farthest = farthest_of(source, np.asarray(reach))
    window = around(grid, farthest, within)
    laid = _laid_on(window, grid, np.where(known, source, np.nan)), _laid_on(window, grid, np.asarray(reach, float))
    effect = _spread_on(window, *laid, least, farthest)
    if plan is not None:
        own = effect[window.slices(grid)]
        own[(plan & ~known)[grid.slices(window)]] = np.nan
    return Effect(window, effect, farthest)


def nothing(grid: Grid) -> Effect:
    """Return no effect at all."""
    return Effect(grid.part(slice(0, 0), slice(0, 0)), np.zeros((0, 0)))


def farthest_of(head: Doubles, reach: Doubles) -> float:
    """Return the distance beyond which a change of the level is none [m]; 0 where no change is known."""
    known = np.isfinite(head)
    ratio = np.maximum(np.abs(head[known]) / reception_rules().value("effect_min_m"), 1.0)
    return float((reach[known] * np.log(ratio)).max(initial=0.0))


def around(grid: Grid, distance: float, within: Grid) -> Grid:
    """Return the block of the data that lies within a distance [m] of a grid."""
    xmin, ymin, xmax, ymax = grid.bounds
    return within.crop((xmin - distance, ymin - distance, xmax + distance, ymax + distance))


def _laid_on(window: Grid, grid: Grid, values: Doubles) -> Doubles:
    out = np.full(window.shape, np.nan)
    out[window.slices(grid)] = values[grid.slices(window)]
    return out


def _spread_on(window: Grid, head: Doubles, reach: Doubles, least: float, farthest: float) -> Doubles:
    flat, lengths = head.reshape(-1), reach.reshape(-1)
    nearest = np.empty(flat.size, np.int64)
    kernel.column_nearest(flat, lengths, window.rows, window.cols, nearest)
    columns = np.flatnonzero(np.isfinite(head).any(axis=0))
    out = np.empty(flat.size)
    if not columns.size:
        return np.zeros(window.shape)
    limits = (int(columns[0]), int(columns[-1]), least, farthest * (1 + 1e-9) + 1e-9)
    size = (window.cols, float(window.dx), float(window.dy))

    def work(part: slice) -> None:
        kernel.spread(flat, lengths, nearest, size, limits, (part.start, part.stop), out)

    in_blocks(work, flat.size, window.cols)
    return out.reshape(window.shape)


def superpose(effects: Iterable[Effect], part: Grid) -> Effect:
    """Add the effects of several plans on a block of the data: the rule is linear.

    Parameters
    ----------
    effects : iterable of Effect
    part : Grid

    Returns
    -------
    Effect
        On that block; NaN throughout where no plan has an effect that is known.
    """
    some = [e for e in effects if e.verlaging.size]
    if not some:
        return Effect(part, np.full(part.shape, np.nan))
    total = np.zeros(part.shape)
    for effect in some:
        total[part.slices(effect.grid)] += effect.verlaging[effect.grid.slices(part)]
    return Effect(part, total, max(e.reikt_m for e in some))


def well_effect(well: Well, plan: Any, within: Grid) -> Effect:
    """Return the drawdown around a well in the middle of a plan.

    Nearer than the radius of a disc as large as the plan the drawdown is that at this radius: a well field is no point.

    Parameters
    ----------
    well : Well
    plan : shapely polygon
    within : Grid
        The data: what an effect may reach.

    Returns
    -------
    Effect
        ``verlaging`` is that of the head below the resisting layer [m], positive = lower.

    Examples
    --------
    >>> import shapely
    >>> plan = shapely.Point(500, 500).buffer(50)
    >>> effect = well_effect(Well(100_000, 100, 100), plan, Grid(0, 1000, 10, 10, 100, 100))
    >>> round(float(effect.verlaging[50, 70]), 3), round(effect.reikt_m)
    (0.047, 758)
    """
    middle = plan.centroid if plan.contains(plan.centroid) else plan.representative_point()
    farthest = farthest_of_well(well)
    window = within.crop((middle.x - farthest, middle.y - farthest, middle.x + farthest, middle.y + farthest))
    distance = np.hypot(window.x[None, :] - middle.x, window.y[:, None] - middle.y)
    lowering = well.drawdown(np.maximum(distance, radius_of(plan)))
    lowering[lowering < reception_rules().value("effect_min_m")] = 0.0
    return Effect(window, lowering, farthest)


def farthest_of_well(well: Well) -> float:
    """Return the distance beyond which the drawdown is nothing [m]."""
    radii = well.lambda_m * np.linspace(0.001, FARTHEST, 40_000)
    some = np.flatnonzero(well.drawdown(radii) >= reception_rules().value("effect_min_m"))
    return float(radii[min(some[-1] + 1, radii.size - 1)]) if some.size else 0.0


def radius_of(plan: Any) -> float:
    """Return the radius of a disc as large as a plan [m].

    Examples
    --------
    >>> import shapely
    >>> round(radius_of(shapely.box(0, 0, 100, 100)), 1)
    56.4
    """
    return math.sqrt(plan.area / math.pi)
