"""What holds for every functie of a table: polygons, grid, layers, scenarios, present use and rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.kompas_rules import KompasRules
from waterbodem.definitions.present_use import USE, PresentUse
from waterbodem.engine.layer_set import Scenario
from waterbodem.layers.polygons import Area, areas_of

#: Layers without which an answer says that it was not held against them.
TESTED = ("natuur", "inundatie", USE)


@dataclass(frozen=True)
class Circumstances:
    """What holds for every functie of a table.

    Parameters
    ----------
    areas : sequence of Area
    grid : Grid
    layers : collection of str
        In the data.
    scenarios : sequence of Scenario
        Names and horizons; their cells are not looked at.
    use : PresentUse
    rules : KompasRules
    asked : sequence of str
        Scenarios that get rows of their own.
    """

    areas: Sequence[Area]
    grid: Grid
    layers: Collection[str]
    scenarios: Sequence[Scenario]
    use: PresentUse
    rules: KompasRules
    asked: Sequence[str] = ()

    @cached_property
    def size(self) -> NDArray[np.float64]:
        """Area of every polygon, in cells (P,)."""
        return areas_of(self.areas) / self.grid.cell_area

    @property
    def untested(self) -> str:
        """Names of layers that answers were not held against; that of present use where it was assumed."""
        known = {*self.layers, *(() if self.use.assumed else (USE,))}
        return ", ".join(n for n in TESTED if n not in known)
