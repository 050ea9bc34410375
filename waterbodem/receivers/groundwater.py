"""Groundwater around a plan: lowering or rise that declines with distance (rekenregels section 6).

Lowering is positive, rise (wetting) negative; both are burden on a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.core.threads import in_blocks
from waterbodem.definitions.abstraction import FARTHEST, Well
from waterbodem.definitions.receiving import WELL, reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.kernels import distance as kernel
from waterbodem.receivers.reach import Ground

Doubles = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Effect:
    """Change of the groundwater level around one or more plans.

    Attributes
    ----------
    grid : Grid
        The cells that an effect can reach, within the data; outside it there is none.
    verlaging : float64 array (rows, cols)
        [m], positive = lower; 0 below 0.1 mm; NaN in cells of a plan whose own change is unknown.
    half, dubbel : float32 arrays (rows, cols)
        The same for half and for twice lambda [m]; 0 where ``verlaging`` is.
    own : bool array (rows, cols)
        Cells of the plan, which keep their own change.
    reikt_m : float
        Distance from the plan beyond which there is no effect [m].
    natter_tot_m : float
        Largest distance from the plan at which land outside it rises by 5 cm or more [m]; 0 where none does.
    row, lambda_m : str, float
        Row of reach and its length [m] where it is no situation of the receiving cell: a well has its own.
    """

    grid: Grid
    verlaging: Doubles
    half: Singles = field(repr=False)
    dubbel: Singles = field(repr=False)
    own: NDArray[np.bool_] = field(repr=False)
    reikt_m: float = 0.0
    natter_tot_m: float = 0.0
    row: str = ""
    lambda_m: float = 0.0

    @property
    def rise(self) -> float:
        """Largest rise in the plan itself [m]; 0 where it does not rise."""
        inside = self.verlaging[self.own]
        return max(0.0, -float(np.nanmin(inside))) if np.isfinite(inside).any() else 0.0


def spread(head: Any, grid: Grid, within: Grid, ground: Ground, plan: NDArray[np.bool_] | None = None) -> Effect:
    """Spread the change in the cells of a plan to the land around it.

    ``verlaging(y) = h0 exp(-r / lambda)``: r is the distance, centre to centre, to the nearest plan cell where h0 is
    known; h0 is that cell's, lambda that of the receiving cell y. At equal distance the largest ``|h0|`` counts, then
    lowering before rise. Effects under 0.1 mm are none, which bounds the work.

    Parameters
    ----------
    head : float array (rows, cols)
        h0, the plan's own change [m], positive = lower; NaN = unknown, or outside the plan.
    grid : Grid
        Of ``head``.
    within : Grid
        The data: what an effect may reach, on the same lattice.
    ground : Ground
        Lambda of every cell of the data.
    plan : bool array (rows, cols), optional
        Cells of the plan; those with an unknown h0 stay unknown. Default: the cells where h0 is known.

    Returns
    -------
    Effect

    Examples
    --------
    >>> from waterbodem.receivers.reach import even_ground
    >>> grid = Grid(0, 5, 5, 5, 1, 3)
    >>> plan = np.array([[0.5, np.nan, np.nan]])
    >>> spread(plan, grid, grid, even_ground(5.0)).verlaging.round(3).tolist()
    [[0.5, 0.184, 0.068]]
    """
    source = np.asarray(head, dtype=np.float64)
    if source.shape != grid.shape:
        raise GridMismatch("plan does not fit its grid", value=source.shape, allowed=str(grid.shape))
    known = np.isfinite(source)
    if not known.any():
        return no_effect(grid)
    window = block_around(grid, farthest_of(source, ground), within)
    own = _laid_on(window, grid, known if plan is None else plan, False)
    return _spread_on(window, _laid_on(window, grid, np.where(known, source, np.nan), np.nan), own, ground)


def no_effect(grid: Grid) -> Effect:
    """Return no effect at all."""
    none = np.zeros((0, 0), np.float32)
    return Effect(grid.part(slice(0, 0), slice(0, 0)), none.astype(np.float64), none, none, none.astype(np.bool_))


def farthest_of(head: Doubles, ground: Ground) -> float:
    """Return the distance beyond which a change of the level is none [m], whatever the situation; 0 without one."""
    return float(_farthest(head, ground.lengths).max(initial=0.0))


def _farthest(head: Doubles, lengths: Doubles) -> Doubles:
    """Return per lambda the distance beyond which a change is none [m]."""
    known = np.abs(head[np.isfinite(head)])
    ratio = max(1.0, float(known.max(initial=0.0)) / reception_rules().value("effect_min_m"))
    return lengths * math.log(ratio)


def block_around(grid: Grid, distance: float, within: Grid) -> Grid:
    """Return the block of the data that lies within a distance [m] of a grid."""
    xmin, ymin, xmax, ymax = grid.bounds
    return within.crop((xmin - distance, ymin - distance, xmax + distance, ymax + distance))


def _laid_on(window: Grid, grid: Grid, values: NDArray[Any], outside: Any) -> NDArray[Any]:
    out = np.full(window.shape, outside, values.dtype)
    out[window.slices(grid)] = values[grid.slices(window)]
    return out


def _spread_on(window: Grid, head: Doubles, own: NDArray[np.bool_], ground: Ground) -> Effect:
    """Spread the changes of plan cells over a window; those whose change is unknown stay so."""
    flat, nearest = head.reshape(-1), np.empty(head.size, np.int64)
    kernel.column_nearest(flat, window.rows, window.cols, nearest)
    situation, reach = ground.situations(window).reshape(-1), _farthest(head, ground.lengths)
    lengths = np.column_stack([ground.lengths, reach * (1 + 1e-9) + 1e-9])
    effect = np.zeros(head.size)
    half, twice, away = (np.zeros(head.size, np.float32) for _ in range(3))
    columns = np.flatnonzero(np.isfinite(head).any(axis=0))
    limits = int(columns[0]), int(columns[-1]), reception_rules().value("effect_min_m")
    size = (window.cols, float(window.dx), float(window.dy))

    def work(part: slice) -> None:
        cells = (part.start, part.stop)
        kernel.spread(flat, nearest, situation, lengths, size, limits, cells, (effect, half, twice, away))

    in_blocks(work, flat.size, window.cols)
    for values in (effect, half, twice):
        values[own.reshape(-1) & ~np.isfinite(flat)] = np.nan
    wetter = away[effect <= noise() - reception_rules().value("natter_m")].max(initial=0.0)
    spans = half.reshape(window.shape), twice.reshape(window.shape)
    return Effect(window, effect.reshape(window.shape), *spans, own, float(reach.max()), float(wetter))


def superpose(effects: Iterable[Effect], part: Grid) -> Doubles:
    """Add the effects of several plans on a block of the data: the rule is linear.

    Parameters
    ----------
    effects : iterable of Effect
    part : Grid

    Returns
    -------
    float64 array (rows, cols)
        verlaging on that block [m]; NaN throughout where no plan has an effect that is known.
    """
    some = [e for e in effects if e.verlaging.size]
    if not some:
        return np.full(part.shape, np.nan)
    total = np.zeros(part.shape)
    for effect in some:
        total[part.slices(effect.grid)] += effect.verlaging[effect.grid.slices(part)]
    return total


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
    drawn = {factor: _drawdown(well, distance, radius_of(plan), factor) for factor in (1.0, 0.5, 2.0)}
    half, twice = (np.where(drawn[1.0] > 0, drawn[f], 0.0).astype(np.float32) for f in (0.5, 2.0))
    own = np.zeros(window.shape, np.bool_)
    return Effect(window, drawn[1.0], half, twice, own, farthest, row=WELL, lambda_m=well.lambda_m)


def _drawdown(well: Well, distance: Doubles, least: float, factor: float) -> Doubles:
    """Return the drawdown [m] for so many times lambda: that of a layer which resists its square as much."""
    lowering = replace(well, c_d=well.c_d * factor**2).drawdown(np.maximum(distance, least))
    lowering[lowering < reception_rules().value("effect_min_m")] = 0.0
    return lowering


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
