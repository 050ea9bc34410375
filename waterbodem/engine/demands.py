"""What water boards ask of plans: whose plan it is, and whether it is asked anything (rekenregels sections 5 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.definitions import registry
from waterbodem.definitions.boards import MM_PER_M, Board
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import PresentUse
from waterbodem.engine.plan import MM_TO_M3_HA
from waterbodem.engine.sums import ratio
from waterbodem.layers.polygons import Area, areas_of

Doubles = NDArray[np.float64]
#: Columns of the table on what is asked.
COLUMNS = ("waterschap", "gevraagd_m3", "gevraagd_aandeel")


@dataclass(frozen=True)
class Demand:
    """What is asked of one plan.

    Parameters
    ----------
    boards : tuple of Board
        Those that hold a part of the plan, the largest share first; none: nobody asks anything.
    small : bool
        Whether its new paving is too little to be asked for storage.
    large : bool
        Whether it is so large that the board computes itself what it asks.
    unsure : bool
        Whether what is unknown of its present use decides if it is too small.
    """

    boards: tuple[Board, ...] = ()
    small: bool = False
    large: bool = False
    unsure: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes plans ask for the same arithmetic."""
        return (*(b.id for b in self.boards), self.small or self.large)

    @property
    def label(self) -> str:
        """Names of the boards."""
        return ", ".join(b.naam for b in self.boards)

    @cached_property
    def board(self) -> Board | None:
        """The board as the arithmetic takes it: what the first asks, and the larger drainage of all."""
        if not self.boards:
            return None
        asked = {"eis_mm": 0.0, "eis_aandeel": None} if self.small or self.large else {}
        return self.boards[0].model_copy(update={**asked, "ontwatering_m": _deepest(self.boards)})


def _deepest(boards: Sequence[Board]) -> dict[str, float]:
    """Return the larger drainage of some boards by functie; one that names none leaves the functie its own."""
    functies = registry.builtin_functies()
    named = dict.fromkeys(id_ for b in boards for id_ in b.ontwatering_m)
    own = {id_: functies[id_].value("ontwatering_m") for id_ in named}
    return {id_: max(b.ontwatering_m.get(id_, depth) for b in boards) for id_, depth in own.items()}


def new_paving(functie: Functie, use: PresentUse, use_cells: Doubles) -> Doubles:
    """Return the paving that a functie adds, in whole cells (P,), over cells with a known present use."""
    paved = functie.value("verhardingsgraad")
    more = [max(0.0, paved - r.value("verhardingsgraad")) for r in use.functies]
    return sum((use_cells[:, 1 + i] * m for i, m in enumerate(more)), np.zeros(len(use_cells)))


def demands_of(
    boards: Sequence[tuple[Board, ...]],
    areas: Sequence[Area],
    grid: Grid,
    functie: Functie,
    use: PresentUse,
    use_cells: Callable[[], Doubles],
) -> tuple[Demand, ...]:
    """Return what boards ask of plans for a functie.

    Parameters
    ----------
    boards : sequence of tuple of Board
        Per plan, the largest share first.
    use_cells : callable
        Gives the covered cells per present use (P, R + 1), the first of what is unknown; asked where a board is named.
    """
    if not any(boards):
        return (Demand(),) * len(areas)
    cells, size = use_cells(), areas_of(areas)
    paving = new_paving(functie, use, cells) * grid.cell_area
    unknown = np.maximum(0.0, size - cells[:, 1:].sum(axis=1) * grid.cell_area)
    most = paving + unknown * functie.value("verhardingsgraad")
    return tuple(demand_of(*some) for some in zip(boards, paving.tolist(), most.tolist(), size.tolist(), strict=True))


def demand_of(boards: tuple[Board, ...], paving: float, most: float, size: float) -> Demand:
    """Return what boards ask, the largest share first, of a plan of so much new paving, at least and at most [m2]."""
    if not boards:
        return Demand()
    margin, first = registry.burden_rules().constants["marge"], boards[0]
    small, large = paving + margin < first.vanaf_m2, size / M2_PER_HA - margin > (first.tot_ha or np.inf)
    return Demand(boards, small, large, unsure=small and not large and most + margin >= first.vanaf_m2)


def demand_columns(
    demands: Sequence[Demand], functie: Functie, use: PresentUse, use_cells: Doubles, grid: Grid
) -> dict[str, Any]:
    """Return by column whose plan it is, the task [m3], and its room as a share of the plan."""
    asked = np.array([0.0 if d.board is None else d.board.storage_mm for d in demands])
    asked[[d.large or d.unsure for d in demands]] = np.nan
    rise = np.array([np.inf if d.board is None else d.board.peilstijging_m for d in demands])
    paving, known = new_paving(functie, use, use_cells), use_cells[:, 1:].sum(axis=1)
    told = np.array([d.label for d in demands], dtype=object)
    task = np.where(known > 0, asked * paving * grid.cell_ha * MM_TO_M3_HA, np.nan)
    room = ratio(asked * paving, known) / (MM_PER_M * rise)
    return dict(zip(COLUMNS, (told, task, room), strict=True))


def groups(demands: Sequence[Demand]) -> list[NDArray[np.int64]]:
    """Return the places of demands that ask for the same arithmetic, ascending; a group for each."""
    keys = [d.key for d in demands]
    return [np.array([i for i, k in enumerate(keys) if k == key]) for key in dict.fromkeys(keys)]
