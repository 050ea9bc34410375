"""The cells of one plan, one after another, whatever the block that they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import PresentUse, Reference, UseMap
from waterbodem.doubt.moving import Direction, moved_layers
from waterbodem.engine.coverage import Footprints
from waterbodem.engine.derived import with_derived
from waterbodem.engine.doubts import LayerDoubt
from waterbodem.engine.layer_set import Floats, LayerSet, Scenario
from waterbodem.engine.site import Site
from waterbodem.kernels.zonal import COVERAGE_ONE

Array = NDArray[Any]
Bools = NDArray[np.bool_]
#: Less than this share of a plan is none: areas of polygons and of cells are rounded apart.
NOTHING = 1e-6


@dataclass(frozen=True)
class PlanCells:
    """The N cells that a plan covers, in the order of their rows.

    Parameters
    ----------
    site : Site
        Layers (1, N), present use (1, N) and rules.
    place : int64 array (N,)
        Number of every cell in the block that the plan lies on.
    cover : int64 array (N,)
        Coverage fraction in units of 1 / COVERAGE_ONE.
    size : float
        Area of the plan in cells, outside the data too.
    cell_ha : float
        Area of a cell [ha].
    """

    site: Site
    place: NDArray[np.int64]
    cover: NDArray[np.int64]
    size: float
    cell_ha: float

    @property
    def cells(self) -> LayerSet:
        """Layers (1, N)."""
        return self.site.cells

    @property
    def layers(self) -> Mapping[str, Floats]:
        """Present layers (1, N)."""
        return self.site.layers

    @cached_property
    def known_layers(self) -> Mapping[str, Floats]:
        """Present layers flat, with those that follow from them."""
        return {n: a.reshape(-1) for n, a in with_derived(self.layers).items()}

    @property
    def present_use(self) -> PresentUse:
        """The functies that may lie here."""
        return self.site.present_use

    @property
    def count(self) -> int:
        """How many cells there are."""
        return self.cover.size

    @property
    def area_ha(self) -> float:
        """Area of the plan, outside the data too [ha]."""
        return self.size * self.cell_ha

    @cached_property
    def inside(self) -> float:
        """Area within the data, in cells."""
        return self.covered(np.ones(self.count, np.bool_))

    @property
    def outside(self) -> float:
        """Area outside the data, in cells."""
        rest = self.size - self.inside
        return rest if rest >= NOTHING * self.size else 0.0

    def covered(self, chosen: Bools) -> float:
        """Return the covered area of chosen cells, in cells."""
        return float(self.cover[chosen].sum()) / COVERAGE_ONE

    def share(self, chosen: Bools) -> float:
        """Return the share of the plan's area in chosen cells."""
        return self.covered(chosen) / (self.inside + self.outside)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """What is plausible of layers, where the data say it themselves."""
        return {n: d.range for n, d in self.cells.doubts.items() if d.range is not None}

    def moved(self, group: str, direction: Direction) -> PlanCells:
        """Return the same cells with one error of a group of layers in them."""
        layers = moved_layers(self.layers, self.cells.doubts, group, direction, self.area_ha)
        return replace(self, site=Site(replace(self.cells, present=layers), self.site.reference, self.site.rules))

    def some(self, chosen: NDArray[np.int64]) -> PlanCells:
        """Return some of the cells, in that order; the plan keeps its size."""
        cells = _cut(self.cells, chosen)
        site = Site(cells, _some_use(self.site.reference, chosen), self.site.rules)
        return replace(self, site=site, place=self.place[chosen], cover=self.cover[chosen])

    def without(self, freed: Bools) -> PlanCells:
        """Return the plan that is left where cells are taken out of it."""
        return replace(self.some(np.flatnonzero(~freed)), size=self.size - self.covered(freed))


def _cut(cells: LayerSet, chosen: NDArray[np.int64]) -> LayerSet:
    def scenario(s: Scenario) -> Scenario:
        return replace(s, layers={n: _taken(a, chosen) for n, a in s.layers.items()})

    def doubt(d: LayerDoubt) -> LayerDoubt:
        low, high, median = (None if a is None else _taken(a, chosen) for a in (d.p10, d.p90, d.median))
        return replace(d, p10=low, p90=high, median=median)

    present = {n: _taken(a, chosen) for n, a in cells.present.items()}
    doubts = {n: doubt(d) for n, d in cells.doubts.items()}
    return LayerSet(present, tuple(map(scenario, cells.scenarios)), cells.ignored, doubts=doubts)


def _some_use(reference: Reference, chosen: NDArray[np.int64]) -> Reference:
    if isinstance(reference, UseMap):
        return reference if reference.codes is None else reference.holding(_taken(reference.codes, chosen))
    return reference if reference is None or isinstance(reference, Functie) else _taken(reference, chosen)


def _taken(values: Array, chosen: NDArray[np.int64]) -> Array:
    return np.ascontiguousarray(values.reshape(-1)[chosen].reshape(1, -1))


def plan_cells(site: Site, prints: Footprints, sizes: Sequence[float], place: int) -> PlanCells:
    """Return the cells of the polygon in a place of footprints on the block of a site.

    ``sizes`` are the areas of all polygons, in cells.
    """
    first, after = prints.start[place], prints.start[place + 1]
    chosen, cover = prints.cell[first:after], prints.cover[first:after]
    order = np.argsort(chosen, kind="stable")
    every = np.arange(site.use.size)
    whole = PlanCells(site, every, np.zeros_like(every), float(sizes[place]), prints.grid.cell_ha)
    return replace(whole.some(chosen[order]), cover=cover[order])
