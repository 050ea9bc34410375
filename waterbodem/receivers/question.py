"""A question after the receivers of plans, resolved: the land, the plans, who may receive, how far effects reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from waterbodem.core import memory
from waterbodem.core.errors import MissingLibrary
from waterbodem.core.grid import Grid
from waterbodem.core.progress import track
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.boards import Board
from waterbodem.definitions.labels import brief_number, percent
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.settings import Settings
from waterbodem.engine.kompas import UNSEEN, Strip
from waterbodem.formats.setting_forms import settings_for_herkomst
from waterbodem.layers.boundaries import boards_of
from waterbodem.layers.polygons import Area
from waterbodem.receivers.division import ReceiverPolygon, cover_in, divide
from waterbodem.receivers.flat_land import is_flat
from waterbodem.receivers.flow import INSTALL, Flow, memory_needed
from waterbodem.receivers.flow_store import flow_over
from waterbodem.receivers.groundwater import Effect, no_effect, spread, well_effect
from waterbodem.receivers.land import Land, stream_valleys
from waterbodem.receivers.ledger import Ledger, PlanEntry
from waterbodem.receivers.neighbours import strip_of
from waterbodem.receivers.network import NetworkPart
from waterbodem.receivers.reach import Ground, ground_of
from waterbodem.receivers.released import PlanLand, PlanRelease, plan_land, plan_lands

#: Cells of a receiver that are counted at a time.
STRIP = 2_000_000


@dataclass(frozen=True)
class ReceiverQuestion:
    """What is asked, before it is known of which functie.

    Attributes
    ----------
    land : Land
        All of it: water runs on beyond the plans.
    plans : tuple of Area
    given : tuple of Target
        Receivers that the user named.
    settings : Settings
    flow : Flow, optional
        Directions on the grid of the land; default from maaiveld.
    folder : path, optional
        Where directions are kept.
    around : bool
        Whether other plans receive too and, where no receiver is given, the stream valleys in the data.
    kept : bool
        Whether this belongs to an answer from a file that does not say who receives it.
    """

    land: Land
    plans: tuple[Area, ...]
    given: tuple[ReceiverPolygon, ...] = ()
    settings: Settings = field(default_factory=Settings)
    flow: Flow | None = None
    folder: Any = None
    around: bool = False
    kept: bool = False

    @cached_property
    def water(self) -> tuple[Flow | None, str]:
        """Flow directions, or None and why there are none, in Dutch."""
        rules, reason = reception_rules(), self.obstacle
        if reason:
            return None, reason
        try:
            return flow_over(self.land, self.folder, self.flow), ""
        except MissingLibrary:
            return None, rules.reason("bibliotheek", installeer=INSTALL)

    @property
    def obstacle(self) -> str:
        """Why directions cannot be found, in Dutch, as far as can be told before they are looked for."""
        rules = reception_rules()
        if self.kept:
            return rules.reason("bewaard")
        if self.flow is not None:
            return ""
        if "maaiveld" not in self.land:
            return rules.reason("maaiveld")
        need, free = memory_needed(self.land.grid.rows * self.land.grid.cols), memory.available_memory()
        if free is None or need <= memory.USABLE * free:
            return ""
        return rules.reason("geheugen", nodig=need / 1e9, vrij=free / 1e9)

    @cached_property
    def targets(self) -> tuple[ReceiverPolygon, ...]:
        """Who may receive."""
        if not self.around:
            return self.given
        valleys = [] if self.given else [ReceiverPolygon(a, "beekdal") for a in stream_valleys(self.land)]
        few = len(self.plans) <= reception_rules().value("plannen_max")
        plans = [ReceiverPolygon(a, "ander plan", a.nr) for a in self.plans] if few and len(self.plans) > 1 else []
        return (*self.given, *valleys, *plans)

    def ledger(self, functies: Sequence[Functie]) -> Ledger:
        """Draw up the ledger of the plans, one functie each.

        Raises
        ------
        NoOverlap
            If no plan touches the data.
        """
        of = dict(zip((a.nr for a in self.plans), functies, strict=True))
        found, outside = self.plots
        flow, reason = self.water
        entries = [self.entry(p.source(of[p.area.nr])) for p in track(found, "wie het ontvangt")]
        notes = _notes(entries, outside, self.land.grid, flow, self.settings.well)
        return self.closed(entries, self._settings(flow, reason), notes)

    def closed(self, entries: Sequence[PlanEntry], herkomst: Mapping[str, Any], notes: tuple[str, ...]) -> Ledger:
        """Divide what entries release among the receivers within reach."""
        block = _block(entries, self.land.grid)
        near = [t for t in self.targets if _within_reach(t, block)]
        division = divide(near, block, self.land.grid, [self.open_water_ha(t) for t in near])
        return Ledger(tuple(entries), division, self.ground, herkomst, notes, self.settings.damping)

    def strip(self, functie: Functie, area: Area, boards: tuple[Board, ...]) -> Strip:
        """Return what lies where the land around one plan, which boards judge, becomes wetter."""
        if self.kept:
            return UNSEEN
        asked = self.settings
        plot = plan_land(self.land, area, boards, asked.reference, asked.storage, asked.rules)
        return strip_of(self.land, self.ground, plot, functie, self.settings.rules.buren)

    @cached_property
    def ground(self) -> Ground:
        """How far a change of the groundwater reaches, cell by cell."""
        return ground_of(self.land, self.settings.reach)

    @cached_property
    def flat(self) -> tuple[str, ...]:
        """Plans in land so flat that the way of their water is not to be relied on."""
        return tuple(p.area.name for p in self.plots[0] if is_flat(self.land, p.area.geometry))

    def open_water_ha(self, target: ReceiverPolygon) -> float:
        """Return the open water of a receiver within the data [ha]; NaN where that is not known."""
        if target not in self._open_water:
            self._open_water[target] = self._measured(target)
        return self._open_water[target]

    @cached_property
    def _open_water(self) -> dict[ReceiverPolygon, float]:
        return {}

    def _measured(self, target: ReceiverPolygon) -> float:
        flow, grid = self.water[0], self.land.grid
        if flow is None or "water" not in self.land:
            return np.nan
        block, is_open, total = grid.crop(target.area.geometry.bounds), flow.network.is_open_water, 0.0
        for rows in block.strips(STRIP):
            cover = cover_in(target.area.geometry, block.part(rows, slice(0, block.cols)), grid)
            total += float(cover.share[is_open[cover.cell]].sum())
        return total * grid.cell_ha

    @cached_property
    def plots(self) -> tuple[tuple[PlanLand, ...], tuple[Area, ...]]:
        """The land of every plan, and the plans outside the data."""
        boards = boards_of(self.settings.judge, self.plans, self.land.grid.crs)
        asked = self.settings
        return plan_lands(self.land, self.plans, boards, asked.reference, asked.storage, asked.rules)

    def entry(self, source: PlanRelease) -> PlanEntry:
        """Find where the water of a plan goes, and what it does to the groundwater."""
        strand, effect = self.strand(source), self._effect(source)
        if strand is None:
            return PlanEntry(source, None, None, effect)
        released = _released(source, strand, self.land.grid)
        return PlanEntry(source, strand, strand.network.route(released, self.settings.damping), effect)

    def strand(self, source: PlanRelease) -> NetworkPart | None:
        """Return the cells that the water of a plan comes through; None where that is not known."""
        flow, _ = self.water
        return None if flow is None else flow.network.strand(source.cells(self.land.grid))

    def _effect(self, source: PlanRelease) -> Effect:
        grid = self.land.grid
        well = self.settings.well
        if well is not None and source.functie.value("onttrekking") > 0:
            return well_effect(well, source.area.geometry, grid)
        if self.kept or "ghg" not in self.land:
            return no_effect(grid)
        return spread(source.head, source.grid, grid, self.ground, source.plan)

    def _settings(self, flow: Flow | None, reason: str) -> dict[str, Any]:
        rules = reception_rules()
        return {
            **settings_for_herkomst(self.settings, "last", "ontvangers"),
            "stroomrichting_sha256": "" if flow is None else flow.sha256,
            "stroomrichting": () if flow is None else flow.uitleg,
            "geen_water": reason,
            "vlak": () if flow is None else self.flat,
            "open_water": flow is not None and "water" in self.land,
            "geen_grond": rules.reason("bewaard_grond" if self.kept else "ghg"),
            "definities": registry.rules_version(),
            "expertoordeel": tuple(k for k, c in rules.constanten.items() if c.expertoordeel),
            "grenzen": rules.grenzen.tekst,
        }


def _released(source: PlanRelease, strand: NetworkPart, grid: Grid) -> Any:
    """Return what is released in every cell of a strand [m3]."""
    released = np.zeros(strand.cells.size)
    released[np.searchsorted(strand.cells, source.cells(grid))] = source.volume[source.volume > 0]
    return released


def _block(entries: Sequence[PlanEntry], grid: Grid) -> Grid:
    """Return the block of cells that any plan reaches, through water or ground."""
    parts = [e.source.grid.bounds for e in entries] + [e.effect.grid.bounds for e in entries if e.effect.verlaging.size]
    for entry in entries:
        if entry.strand is not None and entry.strand.cells.size:
            rows, cols = np.divmod(entry.strand.cells, grid.cols)
            parts.append(grid.part(slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1)).bounds)
    edges = np.array(parts)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    return grid.crop((float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def _within_reach(target: ReceiverPolygon, block: Grid) -> bool:
    """Tell whether a receiver belongs in the ledger: one that was named always does."""
    if target.soort != "beekdal":
        return True
    xmin, ymin, xmax, ymax = target.area.geometry.bounds
    left, bottom, right, top = block.bounds
    return bool(xmin < right and xmax > left and ymin < top and ymax > bottom)


def _notes(
    entries: Sequence[PlanEntry], outside: Sequence[Area], grid: Grid, flow: Flow | None, well: Well | None
) -> tuple[str, ...]:
    found = [f"{a.name}: ligt geheel buiten de gegevens" for a in outside]
    for entry in entries:
        name = entry.source.area.name
        found += [f"{name}: {text}" for text in (*_abstracts(entry.source, well), *_warnings(entry, grid, flow))]
    return tuple(found)


def _abstracts(source: PlanRelease, well: Well | None) -> list[str]:
    if not source.functie.value("onttrekking") > 0:
        return []
    rules = reception_rules()
    if well is None:
        return [rules.reason("onttrekking")]
    numbers = {"m3_jr": well.m3_jr, "kd_m2_d": well.kd_m2_d, "c_d": well.c_d, "lambda_m": well.lambda_m}
    return [rules.reason("put", **numbers)]


def _warnings(entry: PlanEntry, grid: Grid, flow: Flow | None) -> list[str]:
    source, found = entry.source, []
    if source.either_unknown.any():
        found.append(
            f"afvoer of verdrongen berging onbekend op {brief_number(source.hectares(source.either_unknown))} ha "
            f"(beide onbekend, telt als 0: {brief_number(source.hectares(source.none_known))} ha)"
        )
    if source.outside_ha:
        found.append(f"{brief_number(source.outside_ha)} ha ligt buiten de gegevens en telt niet mee")
    if flow is not None:
        found += _over_a_hole(source, grid, flow)
    unknown = source.plan & np.isnan(source.head)
    if unknown.any() and entry.effect.verlaging.size:
        found.append(f"grondwaterverlaging onbekend op {brief_number(source.hectares(unknown))} ha")
    return found + _beyond(source.grid.bounds, entry.effect, grid)


def _over_a_hole(source: PlanRelease, grid: Grid, flow: Flow) -> list[str]:
    hole = source.inside & ~flow.known_in(source.grid)
    if not hole.any():
        return []
    share = float(source.volume[hole].sum()) / max(float(source.volume.sum()), 1e-300)
    text = f"{brief_number(source.hectares(hole))} ha zonder maaiveld"
    return [f"{text}; {percent(share)} van het water verlaat daar de gegevens"]


def _beyond(plan: tuple[float, float, float, float], effect: Effect, grid: Grid) -> list[str]:
    xmin, ymin, xmax, ymax = plan
    left, bottom, right, top = grid.bounds
    reach = effect.reikt_m
    if reach and (xmin - reach < left or ymin - reach < bottom or xmax + reach > right or ymax + reach > top):
        return ["de invloed op het grondwater reikt mogelijk tot buiten de gegevens"]
    return []
