"""What a plan with a package of measures does to its neighbours: water that they receive, and their groundwater."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.models import Functie
from waterbodem.kernels.burden import Burden
from waterbodem.kernels.components import AFVOER, VERDRONGEN, VERLAGING
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import Area
from waterbodem.measures.plan_cells import PlanCells
from waterbodem.receivers.ledger import PlanEntry
from waterbodem.receivers.question import ReceiverQuestion
from waterbodem.receivers.released import PlanRelease, per_hectare, plan_cells

Doubles = NDArray[np.float64]
CM = 100.0


@dataclass(frozen=True)
class Neighbours:
    """What happens outside a plan: water that is received [m3], largest fall and rise [cm]; NaN = unknown."""

    received: float
    lowering: float
    rise: float


def neighbours(
    receiver_question: ReceiverQuestion, area: Area, functie: Functie, grid: Grid, plan: PlanCells, found: Burden
) -> Neighbours:
    """Return what a plan does outside itself.

    Parameters
    ----------
    receiver_question : ReceiverQuestion
        The land around, and how far effects reach.
    area : Area
    functie : Functie
    grid : Grid
        The block that the cells of the plan are numbered in.
    plan : PlanCells
    found : Burden
        Of its cells (1, N).
    """
    if not plan.count:
        return Neighbours(np.nan, np.nan, np.nan)
    entry = receiver_question.entry(_source(area, functie, grid, plan, found))
    return Neighbours(_received(entry, receiver_question.land.grid), *_groundwater(entry))


def _source(area: Area, functie: Functie, grid: Grid, plan: PlanCells, found: Burden) -> PlanRelease:
    rows, cols = np.divmod(plan.place, grid.cols)
    block = grid.part(slice(int(rows.min()), int(rows.max()) + 1), slice(int(cols.min()), int(cols.max()) + 1))
    at = rows - rows.min(), cols - cols.min()

    def laid(values: NDArray[Any], rest: float) -> Doubles:
        out = np.full(block.shape, rest)
        out[at] = values.reshape(-1)
        return out

    cover = laid(plan.cover / COVERAGE_ONE, 0.0)
    runoff, displaced, lowering = (laid(found.components[k], np.nan) for k in (AFVOER, VERDRONGEN, VERLAGING))
    amount, either, none = per_hectare(runoff, displaced)
    inside = cover > 0
    head = np.where(plan_cells(cover), lowering, np.nan)
    volume = amount * cover * block.cell_ha
    return PlanRelease(area, functie, block, cover, volume, either & inside, none & inside, head)


def _received(entry: PlanEntry, grid: Grid) -> float:
    """Return the water that does not stay in the plan [m3]."""
    if entry.strand is None or entry.routed is None or not entry.source.known:
        return np.nan
    source, cells = entry.source, entry.strand.cells
    row, col = np.divmod(cells, grid.cols)
    top, left = grid.offset(source.grid)
    held = source.holds(cells, grid)
    share = source.cover[row[held] - top, col[held] - left]
    return float(source.volume.sum() - (entry.routed.received[held] * share).sum())


def _groundwater(entry: PlanEntry) -> tuple[float, float]:
    """Return the largest fall and rise outside the plan [cm]; 0 where there is none."""
    effect = entry.effect
    if not effect.verlaging.size:
        return np.nan, np.nan
    outside = np.append(effect.verlaging[~effect.own], 0.0)
    return CM * float(np.nanmax(outside)), CM * float(np.nanmax(-outside)) + 0.0
