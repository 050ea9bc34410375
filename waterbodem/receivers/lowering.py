"""What a change of the groundwater does under a receiver: means, extremes, and what half and twice lambda would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.receivers.division import Receiver
from waterbodem.receivers.groundwater import Effect
from waterbodem.receivers.reach import PROTECTED, Ground

Array = NDArray[Any]

NUMBERS = ("verlaging_gemiddeld_m", "verlaging_grootste_m", "vernatting_grootste_m", "onbekend_ha")
#: Largest changes outside the plans: for lambda, half of it and twice.
FALLS = ("verlaging_buiten_plan_m", "verlaging_half_m", "verlaging_dubbel_m")
RISES = ("vernatting_buiten_plan_m", "vernatting_half_m", "vernatting_dubbel_m")


def untouched() -> dict[str, Any]:
    """Return the columns of a line that is no receiver, or of which nothing is determined."""
    return {**dict.fromkeys((*NUMBERS, *FALLS, *RISES, "lambda_m"), np.nan), "voortoets": False, "lambda_rij": ""}


def lowering_under(effects: Sequence[Effect], receiver: Receiver, grid: Grid, ground: Ground) -> dict[str, Any]:
    """Return what effects together do under a receiver.

    Parameters
    ----------
    effects : sequence of Effect
    receiver : Receiver
        Its cells are numbered in ``grid``.
    grid : Grid
        The data.
    ground : Ground
    """
    known = [e for e in effects if e.verlaging.size]
    if not known:
        return untouched()
    if not receiver.inside_ha > 0:
        return {**untouched(), "onbekend_ha": receiver.outside_ha}
    cells, share = receiver.cover.cell, receiver.cover.share
    reached = _reached(known, cells, grid)
    found = _summed(known, cells, grid, "verlaging")[reached]
    return {
        **_numbers(found, share[reached], receiver, grid.cell_ha),
        **_around(known, cells[~_inside_a_plan(known, cells, grid)], grid),
        "voortoets": _asks_for_a_test(known, receiver, grid, ground),
        **_row(known, receiver, grid, ground),
    }


def laid_on(cells: Array, grid: Grid, part: Grid) -> tuple[Array, tuple[Array, Array]]:
    """Return which cells, numbered in the grid and ascending, lie on a part of it, and in which row and column."""
    row, col = grid.offset(part)
    first, last = np.searchsorted(cells, (row * grid.cols, (row + part.rows) * grid.cols))
    rows, cols = np.divmod(cells[first:last], grid.cols)
    inside = np.flatnonzero((cols >= col) & (cols < col + part.cols))
    return first + inside, (rows[inside] - row, cols[inside] - col)


def _reached(effects: Sequence[Effect], cells: Array, grid: Grid) -> NDArray[np.bool_]:
    found = np.zeros(cells.size, np.bool_)
    for effect in effects:
        found[laid_on(cells, grid, effect.grid)[0]] = True
    return found


def _summed(effects: Sequence[Effect], cells: Array, grid: Grid, name: str) -> NDArray[np.float64]:
    total = np.zeros(cells.size)
    for effect in effects:
        which, place = laid_on(cells, grid, effect.grid)
        total[which] += getattr(effect, name)[place]
    return total


def _lowest(values: Array) -> float:
    """Return the largest lowering [m]; 0 where there is none."""
    return float(np.nanmax(np.append(values, 0.0))) + 0.0


def _highest(values: Array) -> float:
    """Return the largest rise [m], positive; 0 where there is none."""
    return _lowest(-values)


def _numbers(values: Array, share: Array, receiver: Receiver, cell_ha: float) -> dict[str, float]:
    """Return mean and extremes under all of the receiver: what no effect reaches counts as 0 in the mean."""
    known = np.isfinite(values)
    unknown = float(share[~known].sum()) * cell_ha
    area = receiver.inside_ha - unknown
    mean = float((values[known] * share[known]).sum()) * cell_ha / area if area > 0 else np.nan
    extremes = _lowest(values), _highest(values)
    return dict(zip(NUMBERS, (mean, *extremes, unknown + receiver.outside_ha), strict=True))


def _around(effects: Sequence[Effect], cells: Array, grid: Grid) -> dict[str, float]:
    """Return the largest changes in cells outside the plans, for lambda, half of it and twice."""
    found = [_summed(effects, cells, grid, name) for name in ("verlaging", "half", "dubbel")]
    falls, rises = ([extreme(values) for values in found] for extreme in (_lowest, _highest))
    return {**dict(zip(FALLS, falls, strict=True)), **dict(zip(RISES, rises, strict=True))}


def _codes_at(cells: Array, grid: Grid, ground: Ground) -> NDArray[np.uint8]:
    """Return the code of the ground in some cells, numbered in the grid."""
    rows, cols = np.divmod(cells, grid.cols)
    block = grid.part(slice(int(rows.min()), int(rows.max()) + 1), slice(int(cols.min()), int(cols.max()) + 1))
    return np.asarray(ground.codes(block)[rows - rows.min(), cols - cols.min()], np.uint8)


def _asks_for_a_test(effects: Sequence[Effect], receiver: Receiver, grid: Grid, ground: Ground) -> bool:
    """Tell whether protected nature under a receiver changes by so much, for twice lambda, that it asks for a test."""
    cells = receiver.cover.cell
    change = np.abs(_summed(effects, cells, grid, "dubbel"))
    some = cells[change + noise() >= reception_rules().value("voortoets_m")]
    return bool(some.size and (_codes_at(some, grid, ground) & PROTECTED).any())


def _row(effects: Sequence[Effect], receiver: Receiver, grid: Grid, ground: Ground) -> dict[str, Any]:
    """Return row of reach and lambda where the change outside the plans is largest; none where nothing changes."""
    cells = receiver.cover.cell
    change = np.where(_inside_a_plan(effects, cells, grid), 0.0, np.abs(_summed(effects, cells, grid, "verlaging")))
    change = np.nan_to_num(change)
    if not change.any():
        return {"lambda_rij": "", "lambda_m": np.nan}
    at = cells[[int(np.argmax(change))]]
    most = max(effects, key=lambda e: float(np.abs(_summed([e], at, grid, "verlaging"))[0]))
    if most.row:
        return {"lambda_rij": most.row, "lambda_m": most.lambda_m}
    situation = ground.table.situaties[int(_codes_at(at, grid, ground)[0] & ~PROTECTED)]
    return {"lambda_rij": situation.id, "lambda_m": situation.lambda_m}


def _inside_a_plan(effects: Sequence[Effect], cells: Array, grid: Grid) -> NDArray[np.bool_]:
    found = np.zeros(cells.size, np.bool_)
    for effect in effects:
        which, place = laid_on(cells, grid, effect.grid)
        found[which] |= effect.own[place]
    return found
