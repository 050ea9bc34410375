"""Who receives it, of an answer that was saved: the way that the water of its plans goes, without the land around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.errors import CorruptLayer
from waterbodem.definitions.abstraction import FARTHEST
from waterbodem.definitions.boards import Board
from waterbodem.definitions.models import Functie
from waterbodem.engine.kompas import UNSEEN, Strip
from waterbodem.engine.layer_set import Floats
from waterbodem.layers.polygons import Area
from waterbodem.receivers.division import ReceiverPolygon
from waterbodem.receivers.flow import Flow
from waterbodem.receivers.groundwater import block_around, farthest_of
from waterbodem.receivers.ledger import Ledger, PlanEntry
from waterbodem.receivers.network import LEAVES, STAYS, Network, NetworkPart
from waterbodem.receivers.question import ReceiverQuestion
from waterbodem.receivers.reach import Ground, ground_of
from waterbodem.receivers.released import PlanLand, PlanRelease

#: Layers' worth of memory that an effect on the groundwater takes while it is spread.
EFFECT_LAYERS = 12


@dataclass(frozen=True)
class LedgerNotes:
    """What a ledger said beside its numbers."""

    herkomst: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ArchivedReceiverQuestion(ReceiverQuestion):
    """What was asked, with the answer's own part of the land.

    Attributes
    ----------
    sites : tuple of Plot
        What the answer's cells say of every plan that had a ledger.
    near : tuple of Target
        Receivers within reach.
    wet : mapping of Target to float
        Open water of those [ha], NaN where it is not known.
    soil : Ground
        Of the cells within reach.
    way : Strand or None
        All cells that water of the plans comes through; None where that was not known.
    told : mapping of functie to Told
    swept : tuple of two float32 arrays (rows, cols), optional
        D on the cells of the answer, and the share of it that is unknown; None where it was not determined.
    """

    sites: tuple[PlanLand, ...] = ()
    near: tuple[ReceiverPolygon, ...] = ()
    wet: Mapping[ReceiverPolygon, float] = field(default_factory=dict)
    soil: Ground | None = None
    way: NetworkPart | None = None
    told: Mapping[str, LedgerNotes] = field(default_factory=dict)
    swept: tuple[Floats, Floats] | None = None

    @cached_property
    def water(self) -> tuple[Flow | None, str]:
        """No directions beyond the way, and why there is no way."""
        return None, str(next(iter(self.told.values())).herkomst["geen_water"])

    @cached_property
    def plots(self) -> tuple[tuple[PlanLand, ...], tuple[Area, ...]]:
        """The plans that have a ledger, and the others."""
        listed = {site.area.nr for site in self.sites}
        return self.sites, tuple(a for a in self.plans if a.nr not in listed)

    @cached_property
    def targets(self) -> tuple[ReceiverPolygon, ...]:
        """Who was within reach."""
        return self.near

    @property
    def ground(self) -> Ground:
        """Ground of the cells within reach."""
        return ground_of(self.land, self.settings.reach) if self.soil is None else self.soil

    def open_water_ha(self, target: ReceiverPolygon) -> float:
        """Return the open water of a receiver within the data [ha], as it was."""
        return self.wet.get(target, np.nan)

    def strip(self, functie: Functie, area: Area, boards: tuple[Board, ...]) -> Strip:
        """Return what can be told without the land around."""
        return UNSEEN

    def ledger(self, functies: Sequence[Functie]) -> Ledger:
        """Draw up the ledger again from what was kept, all plans of one functie.

        Raises
        ------
        CorruptLayer
            If what was kept does not fit together.
        ArgumentError
            If it does not fit in memory.
        """
        told = self.told[functies[0].id]
        entries = [self.entry(site.source(functies[0])) for site in self.sites]
        return self.closed(entries, told.herkomst, told.notes)

    def entry(self, source: PlanRelease) -> PlanEntry:
        """Find where the water of a plan goes, and what it does to the groundwater."""
        well = self.settings.well if source.functie.value("onttrekking") > 0 else None
        distance = FARTHEST * well.lambda_m if well else farthest_of(source.head, self.ground)
        memory.check_fits(block_around(source.grid, distance, self.land.grid), EFFECT_LAYERS)
        return super().entry(source)

    def strand(self, source: PlanRelease) -> NetworkPart | None:
        """Return the part of the way that the water of a plan comes through."""
        if self.way is None:
            return None
        cells = source.cells(self.land.grid)
        if not np.isin(cells, self.way.cells, assume_unique=True).all():
            raise CorruptLayer("water of a plan does not come where it begins", value=source.area.name)
        part = self.way.network.strand(np.searchsorted(self.way.cells, cells))
        return NetworkPart(self.way.cells[part.cells], part.network)


def way_of(ledgers: Sequence[Ledger]) -> NetworkPart | None:
    """Return all cells that water of any plan comes through; None where no water was routed."""
    strands = [e.strand for ledger in ledgers for e in ledger.entries if e.strand is not None]
    if not strands:
        return None
    cells = np.unique(np.concatenate([s.cells for s in strands]))
    down, step = np.full(cells.size, LEAVES, np.int64), np.zeros(cells.size, np.uint8)
    for strand in strands:
        place, after = np.searchsorted(cells, strand.cells), strand.network.downstream
        down[place] = np.where(after >= 0, np.append(place, 0)[after], after)
        step[place] = strand.network.step
    return NetworkPart(cells, Network(down, step, strands[0].network.lengths))


def checked_way(cells: NDArray[Any], down: NDArray[Any], step: NDArray[Any], lengths: Any, count: int) -> NetworkPart:
    """Return a way from numbers that anyone may have written.

    Raises
    ------
    CorruptLayer, LayerError
        If cells are not within the grid of ``count`` cells, or do not drain to each other, or run in a circle.
    """
    kinds = (cells.dtype.kind, down.dtype.kind, step.dtype.str)
    right = cells.ndim == 1 and {down.shape, step.shape} == {cells.shape} and kinds == ("i", "i", "|u1")
    if right and cells.size:
        right = bool((np.diff(cells) > 0).all() and cells[0] >= 0 and cells[-1] < count)
        right = right and bool((down >= STAYS).all() and (down < cells.size).all() and (step < len(lengths)).all())
    if not right or not np.isfinite(lengths).all() or min(lengths) < 0:
        raise CorruptLayer("the way of the water is broken", value=cells.shape)
    network = Network(down.astype(np.int64), step, tuple(float(v) for v in lengths))
    _ = network.order
    return NetworkPart(cells.astype(np.int64), network)
