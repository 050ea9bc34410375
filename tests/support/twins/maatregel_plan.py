"""Measures in a plan: what is offered, what contradicts itself, and the row of a package.

Rules 6, 10, 15, 16, 18 and 22 of the measures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from tests.support.twins.compensation import PlanSize
from tests.support.twins.functie import parameter
from tests.support.twins.klasse import CODE, LETTER, D
from tests.support.twins.maatregel_cel import (
    NO,
    UNKNOWN,
    YES,
    RefusedLevels,
    answered,
    as_asked,
    may,
    under,
)
from tests.support.twins.numbers import NAN, NOISE, at_least, at_most, unknown
from tests.support.twins.polygon import Covered, answers, main_cause, score_row, weighted_mean, weighted_sum

HALF = 0.5


@dataclass(frozen=True)
class PlanCell:
    """A cell of a plan: the covered share, its values and present use (None: unknown)."""

    cover: float
    values: dict
    reference: dict | None


@dataclass(frozen=True)
class Plan:
    """Cells of a plan that lie in the data, its area in cells, and what a cell is in hectares.

    ``sized``: whether it is a plan for the limits of a board; a cell of a grid is none.
    """

    cells: tuple
    area: float
    cell_ha: float
    sized: bool = True

    @property
    def hectares(self):
        return self.area * self.cell_ha

    def share(self, cover):
        return cover / self.area


# --- offered (rule 10) -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """Whether a measure is offered in a plan, what decides, where it can, and on what it was not tested."""

    kan: str
    door: str
    share: float
    where: tuple
    untested: tuple

    @property
    def offered(self):
        return self.kan == YES


def offer(measure, functie_id, plan):
    found = [may(measure, functie_id, c.values) for c in plan.cells]
    can = tuple(kan == YES for kan, _, _ in found)
    sure = plan.share(sum(c.cover for c, yes in zip(plan.cells, can, strict=True) if yes))
    outside = plan.area - sum(c.cover for c in plan.cells)
    open_cells = outside + sum(c.cover for c, (kan, _, _) in zip(plan.cells, found, strict=True) if kan == UNKNOWN)
    needed = measure.get("waar_aandeel", HALF)
    known_functie = measure["functies"] == "alle" or functie_id in measure["functies"]
    kan = YES if at_least(sure, needed) else UNKNOWN if at_least(sure + plan.share(open_cells), needed) else NO
    kan = kan if known_functie else NO
    return Offer(
        kan,
        next((by for each, by, _ in found if each == kan), ""),
        sure,
        can,
        tuple(dict.fromkeys(name for _, _, untested in found for name in untested)),
    )


def acts_in(measure, offer):
    """Per cell whether the measure acts there: a facility acts in the whole plan."""
    return tuple(True for _ in offer.where) if "waar_aandeel" in measure else offer.where


# --- the row of a package --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a plan answers as it is or under a package."""

    antwoord: int
    tenzij: int | None
    score: float
    risico: float
    zonder: float
    oorzaak: str
    grootste_aandeel: float
    water: float
    afvoer_m3: float
    verdrongen_m3: float
    gevraagd_mm: float
    aangelegd_mm: float
    taak_aandeel: float
    ruimte: float
    investering: tuple
    maanden: tuple
    zonder_grond: bool
    ophoging: float
    drempels: tuple
    begrenst: str
    bepalend: str
    vrij_ha: float
    cells: tuple

    @property
    def klasse(self):
        """The class by which packages are ordered: a tenzij lies between C2 and D."""
        if self.antwoord != D:
            return float(self.antwoord)
        return float(D) if self.tenzij is None else CODE["C2"] + self.tenzij / 10


class Contradiction(ValueError):
    """A package that contradicts itself (rules 6, 15 and 16)."""


class Search:
    """The measures for one functie in one plan: offers and rows, each made once."""

    def __init__(self, asked, plan, measures):
        self.asked, self.plan = asked, plan
        self.measures = {id_: as_asked(m, asked.functie["id"], asked.board) for id_, m in measures.items()}
        self._rows = {}

    @cached_property
    def offers(self):
        found = {id_: offer(m, self.asked.functie["id"], self.plan) for id_, m in self.measures.items()}
        return {id_: replace(o, kan=self.free_kan(id_, o)) for id_, o in found.items()}

    def free_kan(self, id_, found):
        """What is left free must cover between two shares of the plan."""
        spared = self.measures[id_].get("gebied_zonder")
        if spared is None or found.kan == NO:
            return found.kan
        low, high = spared["aandeel"]
        share = self.plan.share(sum(c.cover for c in self.spared(spared)))
        return found.kan if at_least(share, low) and at_most(share, high) else NO

    def spared(self, spared):
        """Cells of a class, as they are."""
        codes = [self.cell((), c).score["klasse"] for c in self.plan.cells]
        return [c for c, k in zip(self.plan.cells, codes, strict=True) if k == CODE[spared["klasse"]]]

    def offered(self):
        """Ids that are on and offered, swaps left out."""
        return [id_ for id_, m in self.measures.items() if m["aan"] and "functie" not in m and self.offers[id_].offered]

    def contradiction(self, ids):
        """Why a package contradicts itself; empty where it does not."""
        chosen = [self.measures[i] for i in ids]
        if len(ids) > 1 and any("functie" in m for m in chosen):
            return "een andere functie staat in geen pakket"
        groups = [m["groep"] for m in chosen]
        twice = [g for g in groups if groups.count(g) > 1]
        if twice:
            return f"twee maatregelen van een groep: {twice[0]}"
        for m in chosen:
            for other in m.get("niet_met", ()):
                if other in ids:
                    return f"{m['id']} niet met {other}"
        return self.level_or_room(ids)

    def level_or_room(self, ids):
        """Rule 6, and the room of rule 15; a package contradicts itself whatever the cells."""
        values = self.plan.cells[0].values if self.plan.cells else {}
        try:
            state = under(self.asked, [self.measures[i] for i in ids], values)
        except RefusedLevels as error:
            return f"peil: {error}"
        most = self.asked.of_functie("ruimte_hoogstens")
        paved = state.parameters["verhardingsgraad"] + state.room
        return f"ruimte: {paved:.3f} van {most}" if state.room > 0 and paved > most + NOISE else ""

    # --- cells ---

    def cell(self, ids, cell, size=None, density=None):
        key = ids, id(cell), density, size
        if key not in self._rows:
            measures = [self.measures[i] for i in ids]
            self._rows[key] = answered(self.asked, measures, cell.values, cell.reference, size, density)
        return self._rows[key]

    def acting(self, ids, plan):
        """Per cell of a plan the ids that act there."""
        index = {id(c): n for n, c in enumerate(self.plan.cells)}
        acts = {i: acts_in(self.measures[i], self.offers[i]) for i in ids}
        return [tuple(i for i in ids if acts[i][index[id(c)]]) for c in plan.cells]

    def left(self, ids):
        """The plan without what is left free, and the paving of the rest."""
        spared = next((self.measures[i]["gebied_zonder"] for i in ids if "gebied_zonder" in self.measures[i]), None)
        if spared is None:
            return self.plan, None
        out = {id(c) for c in self.spared(spared)}
        kept = tuple(c for c in self.plan.cells if id(c) not in out)
        free = sum(c.cover for c in self.plan.cells if id(c) in out)
        plan = replace(self.plan, cells=kept, area=self.plan.area - free)
        return plan, self.density(plan) if spared.get("dichtheid_blijft") else None

    def density(self, rest):
        """Paving of the rest where as much is built, at most the top of ``bereik``, never less than it was."""
        was = parameter(self.asked.start, "verhardingsgraad")
        top = (self.asked.functie["parameters"]["verhardingsgraad"].get("bereik") or (0, 1))[1]
        return max(was, min(was * self.plan.area / rest.area, top))

    def size(self, plan, acting, density):
        """Size of a plan for the limits of a board, by the paving under the package."""
        if not plan.sized:
            return None
        paving = 0.0
        for c, ids in zip(plan.cells, acting, strict=True):
            state = under(self.asked, [self.measures[i] for i in ids], c.values, density)
            more = state.parameters["verhardingsgraad"] - (
                NAN if c.reference is None else parameter(c.reference, "verhardingsgraad")
            )
            paving += 0.0 if unknown(more) else c.cover * plan.cell_ha * 1e4 * max(0.0, more)
        return PlanSize(plan.hectares, paving)

    # --- plan ---

    def row(self, ids):
        """The row of a package, given in the order in which measures act."""
        key = "row", ids
        if key not in self._rows:
            self._rows[key] = self._row(ids)
        return self._rows[key]

    def _row(self, ids):
        plan, density = self.left(ids)
        acting = self.acting(ids, plan)
        size = self.size(plan, acting, density)
        found = [self.cell(a, c, size, density) for a, c in zip(acting, plan.cells, strict=True)]
        return self.summed(ids, plan, acting, found)

    def summed(self, ids, plan, acting, found):
        covers = [c.cover for c in plan.cells]

        def mean(pick):
            return weighted_mean([(c, pick(a)) for c, a in zip(covers, found, strict=True)])

        def total(name):
            return weighted_sum([(c * plan.cell_ha, a.burden[name]) for c, a in zip(covers, found, strict=True)])

        cells = [Covered(c, a.score, a.burden) for c, a in zip(covers, found, strict=True)]
        answer = answers(self.asked.functie, cells, plan.area)[0]
        known = [c for c in cells if not unknown(c.burden["risico"])]
        scores = score_row(cells, cells[0].score["criteria"])
        price = self.price(ids, plan, acting, found)
        return Row(
            antwoord=answer,
            tenzij=self.unless(plan, found, answer),
            score=scores["score"],
            risico=weighted_mean([(c.cover, c.burden["risico"]) for c in known]),
            zonder=mean(lambda a: a.burden["risico_zonder_compensatie"]),
            oorzaak=main_cause(known) or "geen",
            grootste_aandeel=mean(lambda a: a.burden["grootste_aandeel"]),
            water=mean_of_sum(covers, found),
            afvoer_m3=total("afvoer"),
            verdrongen_m3=total("verdrongen_berging"),
            gevraagd_mm=mean(lambda a: a.burden["gevraagd_mm"]),
            aangelegd_mm=mean(lambda a: a.burden["aangelegd_mm"]),
            taak_aandeel=mean(lambda a: a.burden["taak_aandeel"]),
            ruimte=mean(lambda a: a.state.room),
            investering=price,
            maanden=tuple(max((self.measures[i]["maanden"][end] for i in ids), default=0) for end in (0, 1)),
            zonder_grond=any(self.measures[i]["kosten"].get("grond_niet_gerekend", False) for i in ids),
            ophoging=mean(lambda a: a.state.parameters["ophoging_m"]),
            drempels=tuple(dict.fromkeys(layer for a in found for layer in a.thresholds)),
            begrenst=self.capped(covers, found, answer),
            bepalend=scores["bepalend"],
            vrij_ha=self.plan.hectares - plan.hectares,
            cells=tuple(found),
        )

    def unless(self, plan, found, answer):
        """The answer with every threshold lifted that a ``tenzij`` lifts; None: none, or D all the same."""
        if not any(a.lifted for a in found):
            return None
        cells = [Covered(c.cover, a.lifted or a.score) for c, a in zip(plan.cells, found, strict=True)]
        klasse = answers(self.asked.functie, cells, plan.area)[0]
        return None if klasse in (D, 0) else klasse

    def capped(self, covers, found, answer):
        """Begrenst of the most hectares."""
        if LETTER[answer] == "X":
            return ""
        ha = {}
        for cover, a in zip(covers, found, strict=True):
            if a.begrenst:
                ha[a.begrenst] = ha.get(a.begrenst, 0.0) + cover
        return max(ha, key=ha.get) if ha else ""

    def price(self, ids, plan, acting, found):
        """Investering in EUR per hectare of plan, low and high; None where one is unknown."""
        low = high = 0.0
        for i in ids:
            kosten = self.measures[i]["kosten"]
            if kosten.get("laag") is None:
                return None
            amount = kosten["per_ha"]["factor"] * self.per_cell(i, kosten, plan, acting, found)
            low, high = low + amount * kosten["laag"], high + amount * kosten["hoog"]
        return low, high

    def per_cell(self, i, kosten, plan, acting, found):
        """Parameters that the price multiplies by (means over where it acts) times the share where it acts."""
        where = [(c.cover, a) for c, ids, a in zip(plan.cells, acting, found, strict=True) if i in ids]
        product = 1.0
        for name in kosten["per_ha"].get("keer", ()):
            product *= weighted_mean([(cover, a.state.parameters[name]) for cover, a in where])
        whole = "waar_aandeel" in self.measures[i]
        return product * (1.0 if whole else sum(cover for cover, _ in where) / plan.area)


def mean_of_sum(covers, found):
    """Net m3 per hectare of afvoer and verdrongen_berging, of the known."""
    names = ("afvoer", "verdrongen_berging")
    means = [weighted_mean([(c, a.burden[n]) for c, a in zip(covers, found, strict=True)]) for n in names]
    return weighted_sum([(1.0, x) for x in means])
