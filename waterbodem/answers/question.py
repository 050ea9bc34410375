"""What was asked: polygons on a block of cells, functies, settings, and who may receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import dataset, memory
from waterbodem.core.crs import projected
from waterbodem.core.errors import NoOverlap
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Board
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.scenarios import scenarios_among, scenarios_in
from waterbodem.definitions.settings import Settings
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.coverage import Footprints, block_of, footprints
from waterbodem.engine.demands import Demand, demands_of
from waterbodem.engine.kompas import Strip
from waterbodem.engine.layer_set import LayerSet, in_rules, known_names, layer_set
from waterbodem.engine.reference import on_block, use_of
from waterbodem.engine.site import Site
from waterbodem.layers.boundaries import boards_of
from waterbodem.layers.polygons import Area, read_areas
from waterbodem.receivers.land import in_scenario
from waterbodem.receivers.question import ReceiverQuestion

Plans = Any
#: What an answer takes at its peak, in layers of float32: 107 bytes per cell of its block, and 243 for every functie.
LAYERS_READ, LAYERS_WORTH = 27, 61


@dataclass(frozen=True)
class Question:
    """What was asked, resolved: polygons on a block of cells, functies, settings, and who may receive.

    ``boards`` are per polygon the water boards that hold a part of it, the largest share first; ``strips`` what was
    found of the land around polygons, by functie and place; ``asked`` the scenarios that get rows of their own.
    ``scenario`` is the one whose layers ``cells`` hold in place of the present ones; empty = the present.
    """

    layers: xr.Dataset
    cells: LayerSet
    grid: Grid
    areas: tuple[Area, ...]
    prints: Footprints
    functies: tuple[Functie, ...]
    settings: Settings
    receiver_question: ReceiverQuestion
    boards: tuple[tuple[Board, ...], ...]
    strips: dict[tuple[str, int], Strip] = field(default_factory=dict, repr=False)
    asked: tuple[str, ...] = ()
    scenario: str = ""

    def under(self, scenario: str) -> Question:
        """Return the same question on the layers of a scenario, which has no scenarios itself."""
        chosen = next(s for s in self.cells.scenarios if s.name == scenario)
        cells = self.cells.in_scenario(chosen)
        receiver_question = replace(self.receiver_question, land=in_scenario(self.receiver_question.land, scenario))
        return replace(self, cells=cells, receiver_question=receiver_question, strips={}, asked=(), scenario=scenario)

    @property
    def stress_tests(self) -> tuple[str, ...]:
        """Scenarios that count in nothing but rows of their own."""
        return tuple(s.name for s in self.cells.scenarios if s.stress_test)

    def strip(self, functie: Functie, demands: Sequence[Demand], place: int) -> Strip:
        """Return what lies where the land around the polygon in a place, from 0, becomes wetter by a functie."""
        key = functie.id, place
        if key not in self.strips:
            self.strips[key] = self.receiver_question.strip(functie, self.areas[place], demands[place].boards)
        return self.strips[key]

    @cached_property
    def site(self) -> Site:
        """The cells with their present use."""
        return Site(self.cells, self.settings.reference, self.settings.rules)

    @cached_property
    def circumstances(self) -> Circumstances:
        """What holds for every functie."""
        cells, use, rules = self.cells, self.site.present_use, self.settings.rules
        return Circumstances(self.areas, self.grid, list(cells.present), cells.scenarios, use, rules, self.asked)

    def demands(self, functie: Functie) -> tuple[Demand, ...]:
        """Return what boards ask of the plans for a functie."""
        return demands_of(self.boards, self.areas, self.grid, functie, self.site.present_use, lambda: self.use_cells)

    @cached_property
    def use_cells(self) -> NDArray[np.float64]:
        """Covered cells per polygon and present use, the first of what is unknown."""
        return self.site.use_cells(self.prints)


def resolve_question(
    layers: xr.Dataset,
    functies: Sequence[Functie],
    gebied: Plans,
    settings: Settings,
    id: str | None,
    enquire: Callable[[Sequence[Area]], ReceiverQuestion],
    scenarios: str | Sequence[str] | None = None,
) -> Question:
    """Resolve a question: read the polygons, cut the layers to the block they need."""
    grid = dataset.grid_of(layers)
    _check_metres(grid)
    areas = read_areas(gebied, grid.crs, id)
    boards = boards_of(settings.judge, areas, grid.crs)
    receiver_question = enquire(areas)
    block = block_of(areas, grid)
    memory.check_room(block, LAYERS_READ + LAYERS_WORTH * len(functies))
    rows, cols = grid.slices(block)
    cut = dataset.placed(in_rules(layers.isel(y=rows, x=cols)), block)
    cells = layer_set(cut)
    asked = scenarios_among(scenarios, *scenarios_in(known_names(cut)))
    use = on_block(use_of(settings.reference, layers, functies), block)
    prints = footprints(areas, block)
    if not prints.inside.any():
        raise NoOverlap("polygons lie outside the data", where="gebied")
    found = cut, cells, block, tuple(areas), prints, tuple(functies), settings.with_reference(use)
    return Question(*found, receiver_question, boards, asked=asked)


def _check_metres(grid: Grid) -> None:
    """Refuse a CRS in which areas mean nothing."""
    if grid.crs is not None:
        projected(grid.crs, "crs of the layers")


#: Attributes of a layer that an answer keeps.
TOLD = (
    *("units", "source", "vintage", "horizon", "stresstest", "bron_scenario", "korrel_m", "afwijking", "licence"),
    *("attribution", "file", "sha256", "resampled", "uncertainty", "unknown_by_range", "range"),
    *("given_units", "given_positive", "given_classes", "given_crs"),
)


def inputs_of(layers: xr.Dataset) -> list[Mapping[str, Any]]:
    """Return what is known of every input layer, for reports and herkomst."""
    names = [str(n) for n in layers.data_vars if LayerName.of(n).layer in registry.layer_kinds()]
    told = {n: {k: layers[n].attrs[k] for k in TOLD if _says(layers[n].attrs.get(k))} for n in names}
    return [{"laag": n, **attrs} for n, attrs in told.items()]


def _says(value: Any) -> bool:
    """Tell whether an attribute says something: None, NaN and infinity do not."""
    values = np.asarray(value)
    return value is not None and (values.dtype.kind != "f" or bool(np.isfinite(values).all()))
