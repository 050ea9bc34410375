"""Groundwater around a plan: lowering or rise that declines with distance (rekenregels section 6).

Lowering is positive, rise (wetting) negative; both are burden on a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.errors import ArgumentError, GridMismatch
from waterbodem.grid import Grid
from waterbodem.kernels import distance as kernel
from waterbodem.layerset import Floats
from waterbodem.reception import ReachTable, builtin_reach, load_reach, reception_rules
from waterbodem.threads import in_blocks

Doubles = NDArray[np.float64]
Reach = float | str | ReachTable
BY_SITUATION = "situatie"


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
    if reach is None or isinstance(reach, (int, float)):
        return np.full(shape, _positive(default if reach is None else float(reach)))
    if isinstance(reach, str) and reach != BY_SITUATION:
        allowed = f"a length in m, or {BY_SITUATION}"
        raise ArgumentError("unknown reach", value=reach, allowed=allowed, where="reikwijdte")
    table = reach if isinstance(reach, ReachTable) else builtin_reach()
    out = np.full(shape, default)
    for situation in reversed(table.situaties):
        out[_holds(situation.als, layers, shape)] = situation.lambda_m
    return out


def chosen_reach(reach: float | str | Path | None, folder: str | Path = "") -> Reach | None:
    """Reach of a change of the groundwater level: a length, by situation, or a table of one's own.

    Parameters
    ----------
    reach : float, str or Path, optional
        Length lambda [m] > 0; ``"situatie"``: by the table that comes with the package; else a file in its form.
    folder : str or Path
        Where a relative path starts; default the working folder.

    Returns
    -------
    float, str, ReachTable or None
        To be given as ``reikwijdte``.

    Raises
    ------
    ArgumentError
        If a length is not positive.
    DefinitionError
        If the file is not there, or is no such table.

    Examples
    --------
    >>> import waterbodem as wb
    >>> wb.reikwijdte(250), wb.reikwijdte("situatie")
    (250.0, 'situatie')
    """
    if reach is None or reach == BY_SITUATION:
        return BY_SITUATION if reach else None
    return load_reach(Path(folder) / reach) if isinstance(reach, (str, Path)) else _positive(float(reach))


def _positive(length: float) -> float:
    if not (math.isfinite(length) and length > 0):
        raise ArgumentError("reach must be a length", value=length, allowed="> 0 m", where="reikwijdte")
    return length


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
