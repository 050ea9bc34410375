"""The grootboek of afwenteling: what every receiver gets from every plan, closed to the last litre."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.core.lazy import gpd, pd, xr
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.receivers.division import LEVEL, Division, Receiver
from waterbodem.receivers.groundwater import Effect, superpose
from waterbodem.receivers.ledger_paths import as_frame, path_lines
from waterbodem.receivers.ledger_text import as_html, as_text, headline
from waterbodem.receivers.lowering import FALLS, RISES, laid_on, lowering_under, untouched
from waterbodem.receivers.network import LEAVES, NO_PART, STAYS, NetworkPart, Routed
from waterbodem.receivers.reach import Ground
from waterbodem.receivers.released import PlanRelease

Doubles = NDArray[np.float64]
#: m3 by line of a ledger; of ``ontvanger`` a list, one per receiver.
Volumes = Mapping[str, Any]

#: Columns of the table, in order.
COLUMNS = (
    *("plan_nr", "plan", "functie", "ontvanger_nr", "ontvanger", "soort", "m3", "aandeel", "waterschijf_mm"),
    *("verlaging_gemiddeld_m", "verlaging_grootste_m", "vernatting_grootste_m", "onbekend_ha", "oppervlakte_ha"),
    *("m3_open_water", "open_water_ha", "stijging_peil_cm", "voortoets", "lambda_rij", "lambda_m"),
    *FALLS,
    *RISES,
)
TOGETHER = "alle plannen samen"
#: Lines beside the receivers, by kind, as a planner reads them.
LINES = {
    "overlap": "dubbel geteld (ontvangers overlappen)",
    "plan": "in het plan zelf",
    "elders": "elders in de gegevens",
    "buiten": "buiten de gegevens",
    "totaal": "totaal vrijgekomen",
}
#: Units and names of the grids.
GRIDS = {
    "ontvangst": {"units": "m3/ha", "long_name": "ontvangen water"},
    "passerend": {"units": "m3", "long_name": "water dat verder stroomt"},
    "verlaging": {"units": "m", "long_name": "verlaging van het grondwater; negatief is vernatting"},
}
#: How the way of water ends, by what stands in a network.
ENDS = {"open_water": STAYS, "geen_maaiveld": NO_PART, "rand": LEAVES}
#: How far sums may be off, relative.
CLOSES = 1e-9
CHECKS = ("stroming", "grootboek", "adjunct")


@dataclass(frozen=True)
class PlanEntry:
    """One plan: what it releases, where its water went, and its effect on the groundwater; None = not routed."""

    source: PlanRelease
    strand: NetworkPart | None
    routed: Routed | None
    effect: Effect


@dataclass(frozen=True)
class Ledger:
    """Who receives the burden of one or more plans.

    Attributes
    ----------
    entries : tuple of Entry
    division : Division
        The receivers.
    ground : Ground
        How far a change of the groundwater reaches, cell by cell.
    herkomst : mapping
        Settings, hashes, versions, and what the method cannot tell.
    notes : tuple of str
        What a reader must know: areas that are unknown or outside the data.
    damping : float
        Length over which 63 % of the water stays behind [m].
    """

    entries: tuple[PlanEntry, ...]
    division: Division
    ground: Ground
    herkomst: Mapping[str, Any]
    notes: tuple[str, ...]
    damping: float

    @property
    def niet_bepaald(self) -> tuple[str, ...]:
        """What could not be determined, and why."""
        water = [str(self.herkomst["geen_water"])] if self.herkomst["geen_water"] else []
        ground = any(e.effect.verlaging.size for e in self.entries)
        return (*water, *([] if ground else [str(self.herkomst["geen_grond"])]))

    @property
    def is_routed(self) -> bool:
        """Whether the water of any plan was routed."""
        return any(e.routed is not None for e in self.entries)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per plan and line.

        Columns plan_nr, plan, functie, ontvanger_nr, ontvanger, soort, m3, aandeel, waterschijf_mm (over the receiver),
        verlaging_gemiddeld_m, verlaging_grootste_m, vernatting_grootste_m (both >= 0), onbekend_ha (lowering unknown,
        or outside the data), oppervlakte_ha, m3_open_water (of m3, what ends there), open_water_ha (within the data),
        stijging_peil_cm (of a peilgebied, if nothing were drained), voortoets (protected nature may change by so much
        that it asks for a test of its own; false is not: no effect), lambda_rij and lambda_m (row of reach and length
        where the change outside the plan is largest), and the largest changes there, for lambda, half of it and twice:
        verlaging_buiten_plan_m, verlaging_half_m, verlaging_dubbel_m, and the same of vernatting. NaN = niet bepaald;
        so is all that a receiver outside the data gets. ``soort`` of a receiver is ontvanger, peilgebied, ander plan or
        beekdal; of another line overlap, plan, elders, buiten or totaal. Numbers from 1 tell polygons of one name
        apart; plan_nr 0 is all plans together (to a plan: all others), ontvanger_nr 0 is no receiver.
        """
        pairs = list(zip(self.entries, self._all_volumes, strict=True))
        rows = [row for e, volumes in pairs for row in self._rows(_named(e), volumes, [e])]
        if len(self.entries) > 1:
            name = {"plan_nr": 0, "plan": TOGETHER, "functie": ""}
            both = zip(*self._all_volumes, strict=True)
            rows += self._rows(name, [_added(some) for some in both], self.entries)
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _rows(
        self, name: Mapping[str, Any], volumes: Sequence[Volumes], entries: Sequence[PlanEntry]
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of one plan, or of all: who receives how much; a plan receives nothing of its own."""
        all_, open_ = volumes
        for nr, receiver in self.division.of_plan(name["plan_nr"]):
            label = {"ontvanger_nr": nr, "ontvanger": receiver.area.name, "soort": receiver.target.soort}
            inside = receiver.inside_ha > 0
            volume, ponded = (v["ontvanger"][nr - 1] if inside else np.nan for v in volumes)
            amount = {**_amount(volume, all_["totaal"], receiver), **_ponded(ponded, receiver)}
            others = [e.effect for e in entries if e.source.area.nr != receiver.target.plan_nr]
            yield {**name, **label, **amount, **lowering_under(others, receiver, self.division.grid, self.ground)}
        for kind, text in LINES.items():
            if kind != "overlap" or all_[kind]:
                amount = {**_amount(all_[kind], all_["totaal"]), **_ponded(open_[kind])}
                yield {**name, "ontvanger_nr": 0, "ontvanger": text, "soort": kind, **amount, **untouched()}

    @cached_property
    def _all_volumes(self) -> list[tuple[Volumes, Volumes]]:
        return [self._volumes(e) for e in self.entries]

    def _volumes(self, entry: PlanEntry) -> tuple[Volumes, Volumes]:
        """Return m3 per line, and of that what is in open water; that of overlap is negative."""
        if entry.strand is None or entry.routed is None or not entry.source.known:
            return self._no_volumes, self._no_volumes
        routed, is_open = entry.routed, entry.strand.network.is_open_water
        leaving, total = float(routed.leaving.sum()), float(entry.source.volume.sum())
        found = {**self._shared(entry, routed.received), "buiten": leaving, "totaal": total}
        if not self.herkomst["open_water"]:
            return found, self._no_volumes
        ponded = routed.received * is_open
        return found, {**self._shared(entry, ponded), "buiten": 0.0, "totaal": float(ponded.sum())}

    @property
    def _no_volumes(self) -> Volumes:
        nothing = dict.fromkeys(("plan", "elders", "buiten", "totaal"), np.nan)
        return {**nothing, "overlap": 0.0, "ontvanger": [np.nan] * len(self.division.receivers)}

    def _shared(self, entry: PlanEntry, received: Doubles) -> Volumes:
        """Return what of the water in the cells of a strand each receiver has, and what is in none or counted twice."""
        assert entry.strand is not None
        cells = entry.strand.cells
        apart, together, own = self.division.shares(cells, entry.source.area)
        got = [0.0] * len(self.division.receivers)
        for nr, receiver in self.division.of_plan(entry.source.area.nr):
            got[nr - 1] = float((received * receiver.cover.at(cells)).sum())
        return {
            "ontvanger": got,
            "overlap": float((received * (together - apart)).sum()),
            "plan": float((received * own).sum()),
            "elders": float((received * (1.0 - together - own)).sum()),
        }

    @property
    def _effects(self) -> list[Effect]:
        return [e.effect for e in self.entries]

    @cached_property
    def controle(self) -> pd.DataFrame:
        """The sum checks, a row per plan: all differences relative.

        ``stroming``: received and leaving against released; ``grootboek``: the lines against released;
        ``adjunct``: what receivers get by routing against what exposure says.
        """
        pairs = zip(self.entries, self._all_volumes, strict=True)
        return pd.DataFrame([self._checks(e, volumes) for e, (volumes, _) in pairs])

    def _checks(self, entry: PlanEntry, v: Mapping[str, Any]) -> dict[str, Any]:
        total = v["totaal"]
        lines = sum(v["ontvanger"]) + v["overlap"] + v["plan"] + v["elders"] + v["buiten"]
        scale = total or 1.0
        return {
            "plan": entry.source.area.name,
            "vrijgekomen_m3": total,
            "stroming": np.nan if entry.routed is None else entry.routed.imbalance,
            "grootboek": abs(lines - total) / scale,
            "adjunct": self._adjoint(entry, v["ontvanger"]) / scale,
        }

    def _adjoint(self, entry: PlanEntry, volumes: list[float]) -> float:
        if entry.strand is None or entry.routed is None:
            return np.nan
        network, damping = entry.strand.network, self.damping
        found = {
            nr: float((entry.routed.source * network.expose(r.cover.at(entry.strand.cells), damping)).sum())
            for nr, r in self.division.of_plan(entry.source.area.nr)
            if volumes[nr - 1]
        }
        return max((abs(there - volumes[nr - 1]) for nr, there in found.items()), default=0.0)

    @property
    def sluit(self) -> bool:
        """Whether every sum check that could be made holds to 1e-9."""
        checks = self.controle[list(CHECKS)].to_numpy(dtype=float)
        return bool(np.all(np.isnan(checks) | (checks <= CLOSES)))

    def voor(self, ontvanger: str) -> pd.DataFrame:
        """Return the reverse: which plans burden this receiver, the largest first.

        Raises
        ------
        ArgumentError
            If there is no receiver of that name.
        """
        names = [r.area.name for r in self.division.receivers]
        if ontvanger not in names:
            known = nearest(ontvanger, names) if names else "none was given"
            raise ArgumentError("no such receiver", value=ontvanger, allowed=known, where="ontvanger")
        rows = self.table[(self.table.ontvanger == ontvanger) & (self.table.ontvanger_nr > 0)]
        own = rows[rows.plan_nr > 0]
        return own.sort_values(["m3", "verlaging_grootste_m"], ascending=False, kind="stable").reset_index(drop=True)

    @property
    def cumulatie(self) -> pd.DataFrame:
        """What the plans do together that each alone does not, a row per receiver.

        Largest lowering and rise [m] and depth of water over the receiver [mm]: by the worst single plan and by all;
        ``alleen_samen`` names what passes its threshold only together.
        """
        return pd.DataFrame([self._cumulated(nr) for nr in range(1, len(self.division.receivers) + 1)])

    def _cumulated(self, nr: int) -> dict[str, Any]:
        rules = reception_rules()
        rows = self.table[self.table.ontvanger_nr == nr]
        alone = rows[rows.plan_nr > 0]
        both = rows[rows.plan_nr == 0] if len(self.entries) > 1 else alone
        border = {
            "verlaging_grootste_m": rules.value("verlaging_drempel_m"),
            "vernatting_grootste_m": rules.value("verlaging_drempel_m"),
            "waterschijf_mm": rules.value("ontvangst_drempel_mm"),
        }
        found: dict[str, Any] = {"ontvanger": rows.ontvanger.iloc[0], "soort": rows.soort.iloc[0]}
        only = []
        for name, least in border.items():
            one, all_ = float(alone[name].max()), float(both[name].iloc[0])
            found |= {f"{name}_alleen": one, f"{name}_samen": all_}
            only += [name] if all_ + noise() >= least > one + noise() else []
        return {**found, "alleen_samen": ", ".join(only)}

    @property
    def cells(self) -> xr.Dataset:
        """Grids of all plans together, on the block of cells they reach, float32.

        ``ontvangst`` received [m3/ha], ``passerend`` passing [m3], ``verlaging`` [m] (positive = lower).
        """
        return self.on(self.division.block)

    def on(self, part: Grid) -> xr.Dataset:
        """Return the same grids on another block of the data; the values of a cell do not depend on the block."""
        received, passing = np.zeros(part.shape), np.zeros(part.shape)
        for entry in self.entries:
            if entry.strand is None or entry.routed is None:
                received[:] = passing[:] = np.nan
                continue
            which, place = laid_on(entry.strand.cells, self.division.grid, part)
            np.add.at(received, place, entry.routed.received[which] / part.cell_ha)
            np.add.at(passing, place, entry.routed.passing[which])
        lowering = superpose(self._effects, part)
        found = {"ontvangst": received, "passerend": passing, "verlaging": lowering}
        return dataset.dataset_of(part, {n: (v.astype(np.float32), GRIDS[n]) for n, v in found.items()})

    def ends(self, part: Grid) -> dict[str, NDArray[np.bool_]]:
        """Tell where on a block of the data the way of the plans' water ends, and how.

        Returns
        -------
        dict of bool array (rows, cols)
            ``open_water``: it stays there; ``geen_maaiveld``: it is released where the ground level is unknown;
            ``rand``: it leaves the data.
        """
        found = {name: np.zeros(part.shape, np.bool_) for name in ENDS}
        for entry in self.entries:
            if entry.strand is None or entry.routed is None:
                continue
            which, place = laid_on(entry.strand.cells, self.division.grid, part)
            down = entry.strand.network.downstream[which]
            for name, kind in ENDS.items():
                found[name][place] |= down == kind
        return found

    def paths(self, share: float | None = None) -> gpd.GeoDataFrame:
        """Return the flow paths from the plans to where their water stays or leaves, as lines.

        Parameters
        ----------
        share : float, optional
            Lines with less than this share of a plan's water are left out, default 0.01.
        """
        least = reception_rules().value("pad_aandeel") if share is None else share
        grid, names = self.division.grid, [r.area.name for r in self.division.receivers]
        rows: list[dict[str, Any]] = []
        for entry in self.entries:
            if entry.strand is None or entry.routed is None:
                continue
            cells, plan = entry.strand.cells, entry.source
            where = (plan.holds(cells, grid), self._owner(cells))
            rows += path_lines(plan.area.name, entry.strand, entry.routed, grid, *where, names, least)
        return as_frame(rows, grid.crs)

    def _owner(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return per cell the receiver that covers most of it, the first on a tie; -1 = none."""
        best, owner = np.zeros(cells.size), np.full(cells.size, -1)
        for k, receiver in enumerate(self.division.receivers):
            share = receiver.cover.at(cells)
            owner[share > best] = k
            best = np.maximum(best, share)
        return owner

    def __repr__(self) -> str:
        return as_text(self.table, headline(self.herkomst["vlak"]), self._footer())

    def _repr_html_(self) -> str:
        return as_html(self.table, headline(self.herkomst["vlak"]), self._footer())

    @property
    def check(self) -> str:
        """Whether the sums close, in Dutch."""
        found = self.controle[list(CHECKS)].to_numpy(dtype=float)
        worst = float(np.nanmax(found, initial=0.0))
        verdict = "sluiten" if self.sluit else "sluiten NIET"
        size = f"grootste verschil {worst:.0e} deel, vereist {CLOSES:.0e}"
        return f"Controle: de sommen {verdict} ({size}); het water zelf kan anders lopen."

    def _footer(self) -> list[str]:
        return [*self.niet_bepaald, *self.notes, self.check, *self.herkomst["grenzen"]]


def table_of_all(ledgers: Mapping[str, Ledger]) -> pd.DataFrame:
    """Return the tables of several functies as one, plans together with their functie."""
    return pd.concat([ledger.table.assign(functie=id_) for id_, ledger in ledgers.items()], ignore_index=True)


def paths_of_all(ledgers: Mapping[str, Ledger], share: float | None = None) -> gpd.GeoDataFrame:
    """Return the flow paths of several functies as one table."""
    return joined([ledger.paths(share).assign(functie=id_) for id_, ledger in ledgers.items()])


def joined(parts: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return tables with the same columns as one."""
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=parts[0].crs)


def _named(entry: PlanEntry) -> dict[str, Any]:
    area = entry.source.area
    return {"plan_nr": area.nr, "plan": area.name, "functie": entry.source.functie.id}


def _ponded(volume: float, receiver: Receiver | None = None) -> dict[str, float]:
    """Return what of the water is in open water, on how much of it, and how far that would rise."""
    hectares = np.nan if receiver is None else receiver.open_water_ha
    rises = receiver is not None and receiver.target.soort == LEVEL and hectares > 0
    rise = volume / hectares / 100.0 if rises else np.nan
    return {"m3_open_water": volume, "open_water_ha": hectares, "stijging_peil_cm": rise}


def _added(volumes: Sequence[Volumes]) -> Volumes:
    """Return the sum of plans per line; what is not determined for one is not for all."""
    found: dict[str, Any] = {kind: float(sum(v[kind] for v in volumes)) for kind in LINES}
    return {**found, "ontvanger": [float(sum(some)) for some in zip(*(v["ontvanger"] for v in volumes), strict=True)]}


def _amount(volume: float, total: float, receiver: Receiver | None = None) -> dict[str, float]:
    hectares = np.nan if receiver is None else receiver.area.geometry.area / M2_PER_HA
    return {
        "m3": volume,
        "aandeel": volume / total if total else np.nan,
        "waterschijf_mm": volume / hectares / 10.0,
        "oppervlakte_ha": hectares,
    }
