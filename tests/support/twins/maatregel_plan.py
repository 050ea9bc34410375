"""Measures in a plan: what is offered, what contradicts itself, and the row of a package.

Rules 6, 10, 15, 16, 18 and 22 of the measures.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property

from tests.support.twins.compensation import PlanSize
from tests.support.twins.functie import parameter
from tests.support.twins.klasse import CODE, D, X
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
from tests.support.twins.numbers import NAN, NOISE, at_least, at_most, known_or, unknown
from tests.support.twins.polygon import TENTH, Covered, answers, main_cause, score_row, weighted_mean, weighted_sum

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
        """The class by which packages are ordered: a tenzij lies between C2 and D, what is unknown after all."""
        if self.antwoord == X:
            return math.inf
        if self.antwoord != D:
            return float(self.antwoord)
        return float(D) if self.tenzij is None else CODE["C2"] + self.tenzij / 10


class Contradiction(ValueError):
    """A package that contradicts itself (rules 6, 15 and 16)."""


class Search:
    """The measures for one functie in one plan: offers and rows, each made once.

    ``density`` is how many times fuller a plan is built that is what is left of another.
    """

    def __init__(self, asked, plan, measures, density=1.0):
        self.asked, self.plan, self.density = asked, plan, density
        self.measures = {id_: as_asked(m, asked.functie["id"], asked.board) for id_, m in measures.items()}
        self._rows, self._cells = {}, {}

    # --- what is left free (rule 16) ---

    @cached_property
    def leaver(self):
        """The measure that leaves cells free."""
        return next((i for i, m in self.measures.items() if "gebied_zonder" in m), None)

    @cached_property
    def freed(self):
        """The cells that stay free: those of a class as they are, or if asked those of a risk."""
        return [c for c in self.plan.cells if self.stays_free(self.cell((), c))]

    def stays_free(self, answer):
        spared = self.measures[self.leaver]["gebied_zonder"]
        if self.asked.free_by_risk:
            return at_least(answer.burden["risico"], spared["risico_vanaf"])
        return answer.score["klasse"] == CODE[spared["klasse"]]

    @cached_property
    def rest(self):
        """The search on what is left; None where too little or too much would stay free, or some does already."""
        if self.leaver is None or self.density != 1.0:
            return None
        low, high = self.measures[self.leaver]["gebied_zonder"]["aandeel"]
        area = sum(c.cover for c in self.freed)
        if not (at_least(self.plan.share(area), low) and at_most(self.plan.share(area), high)):
            return None
        kept = tuple(c for c in self.plan.cells if c not in self.freed)
        left = replace(self.plan, cells=kept, area=self.plan.area - area)
        return Search(self.asked, left, self.measures, self.plan.area / left.area)

    def terrain(self, ids):
        """The search on the plan that a package leaves."""
        return self.rest if self.leaver in ids and self.rest is not None else self

    @property
    def paving(self):
        """Paving of what is left, at most the top of ``bereik``, never less than it was; None: nothing is left free."""
        if self.density == 1.0:
            return None
        was = parameter(self.asked.start, "verhardingsgraad")
        top = (self.asked.functie["parameters"]["verhardingsgraad"].get("bereik") or (0, 1))[1]
        return max(was, min(was * self.density, top))

    # --- offers ---

    @cached_property
    def offers(self):
        found = {id_: offer(m, self.asked.functie["id"], self.plan) for id_, m in self.measures.items()}
        if self.leaver is not None and self.density == 1.0 and self.rest is None:
            found[self.leaver] = replace(found[self.leaver], kan=NO)
        return found

    def is_offered(self, ids):
        return self.terrain(ids).offers_all(ids) and (self.leaver not in ids or self.rest is not None)

    def offers_all(self, ids):
        """Whether each is offered on this plan; what is left of another has no more to leave free."""
        return all(self.offers[i].offered for i in ids if i != self.leaver or self.density == 1.0)

    def packages(self, together):
        """Packages that are on, offered and do not contradict themselves, swaps left out."""
        on = [i for i, m in self.measures.items() if m["aan"] and "functie" not in m]
        found = (p for n in range(1, together + 1) for p in itertools.combinations(on, n))
        return [p for p in found if self.is_offered(p) and not self.contradiction(p)]

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

    def design(self, ids):
        """State where all measures of a package act, in a cell without layers."""
        here = self.terrain(ids)
        return under(self.asked, [self.measures[i] for i in ids], {}, here.paving)

    def level_or_room(self, ids):
        """Rule 6, and the room of rule 15; a package contradicts itself whatever the cells."""
        try:
            state = self.design(ids)
        except RefusedLevels as error:
            return f"peil: {error}"
        most = self.asked.of_functie("ruimte_hoogstens")
        paved = state.parameters["verhardingsgraad"] + state.room
        return f"ruimte: {paved:.3f} van {most}" if state.room > 0 and paved > most + NOISE else ""

    # --- cells ---

    def cell(self, ids, cell, size=None):
        key = ids, id(cell), size
        if key not in self._cells:
            measures = [self.measures[i] for i in ids]
            self._cells[key] = answered(self.asked, measures, cell.values, cell.reference, size, self.paving)
        return self._cells[key]

    def acting(self, ids):
        """Per cell the ids that act there."""
        acts = {i: acts_in(self.measures[i], self.offers[i]) for i in ids}
        return [tuple(i for i in ids if acts[i][n]) for n in range(len(self.plan.cells))]

    def size(self, acting):
        """Size of the plan for the limits of a board, by the paving under the package."""
        if not self.plan.sized:
            return None
        paved = 0.0
        for c, ids in zip(self.plan.cells, acting, strict=True):
            state = under(self.asked, [self.measures[i] for i in ids], c.values, self.paving)
            was = NAN if c.reference is None else parameter(c.reference, "verhardingsgraad")
            more = max(0.0, known_or(state.parameters["verhardingsgraad"] - was, 0.0))
            paved += c.cover * self.plan.cell_ha * 1e4 * more
        return PlanSize(self.plan.hectares, paved)

    # --- plan ---

    def row(self, ids):
        """The row of a package, given in the order in which measures act."""
        if ids not in self._rows:
            self._rows[ids] = self.terrain(ids).row_here(ids, self)
        return self._rows[ids]

    def row_here(self, ids, whole=None):
        """The row of a package on this plan, which is what is left of the whole."""
        whole = whole or self
        acting = self.acting(ids)
        size = self.size(acting)
        found = [self.cell(a, c, size) for a, c in zip(acting, self.plan.cells, strict=True)]
        return self.summed(ids, acting, found, whole)

    def summed(self, ids, acting, found, whole):
        plan, state = self.plan, whole.design(ids)
        covers = [c.cover for c in plan.cells]

        def mean(pick):
            return weighted_mean([(c, pick(a)) for c, a in zip(covers, found, strict=True)])

        def total(name):
            return weighted_sum([(c * plan.cell_ha, a.burden[name]) for c, a in zip(covers, found, strict=True)])

        cells = [Covered(c, a.score, a.burden) for c, a in zip(covers, found, strict=True)]
        answer = answers(self.asked.functie, cells, plan.area)[0]
        known = [c for c in cells if not unknown(c.burden["risico"])]
        scores = score_row(cells, cells[0].score["criteria"])
        price = self.price(ids, acting, found)
        return Row(
            antwoord=answer,
            tenzij=self.unless(found),
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
            taak_aandeel=task_share(mean(lambda a: a.burden["geteld_mm"]), mean(lambda a: a.burden["gevraagd_mm"])),
            ruimte=state.room,
            investering=price,
            maanden=tuple(max((self.measures[i]["maanden"][end] for i in ids), default=0) for end in (0, 1)),
            zonder_grond=any(self.measures[i]["kosten"].get("grond_niet_gerekend", False) for i in ids),
            ophoging=state.parameters["ophoging_m"],
            drempels=self.firing(covers, found),
            begrenst=self.capped(covers, found, answer),
            bepalend=scores["bepalend"],
            vrij_ha=whole.plan.hectares - plan.hectares,
            cells=tuple(found),
        )

    def unless(self, found):
        """The answer with every threshold lifted that a ``tenzij`` lifts; None: none, or D all the same."""
        if not any(a.lifted and a.lifted["klasse"] not in (D, X) for a in found):
            return None
        cells = [Covered(c.cover, a.lifted or a.score) for c, a in zip(self.plan.cells, found, strict=True)]
        klasse = answers(self.asked.functie, cells, self.plan.area)[0]
        return None if klasse in (D, X) else klasse

    def firing(self, covers, found):
        """Layers of the thresholds that say no on at least a tenth of what is assessed, in the order of the functie."""
        assessed = sum(c for c, a in zip(covers, found, strict=True) if a.score["klasse"] != X)
        names = dict.fromkeys(t["laag"] for t in self.asked.functie.get("drempels") or ())
        area = {n: sum(c for c, a in zip(covers, found, strict=True) if n in a.thresholds) for n in names}
        return tuple(n for n in names if area[n] > 0 and at_least(area[n] / assessed, TENTH))

    def capped(self, covers, found, answer):
        """Begrenst of the most hectares, of equals the first of the criteria."""
        names = [] if answer == X else found[0].score["criteria"]
        area = {n: sum(c for c, a in zip(covers, found, strict=True) if a.begrenst == n) for n in names}
        return max(area, key=area.get) if any(area.values()) else ""

    def price(self, ids, acting, found):
        """Investering in EUR per hectare of plan, low and high; None where one is unknown."""
        low = high = 0.0
        for i in ids:
            kosten = self.measures[i]["kosten"]
            if kosten.get("laag") is None:
                return None
            amount = kosten["per_ha"]["factor"] * self.per_cell(i, kosten, acting, found)
            low, high = low + amount * kosten["laag"], high + amount * kosten["hoog"]
        return low, high

    def per_cell(self, i, kosten, acting, found):
        """Parameters that the price multiplies by (means over where it acts) times the share where it acts."""
        where = [(c.cover, a) for c, ids, a in zip(self.plan.cells, acting, found, strict=True) if i in ids]
        product = 1.0
        for name in kosten["per_ha"].get("keer", ()):
            product *= weighted_mean([(cover, a.state.parameters[name]) for cover, a in where])
        whole = "waar_aandeel" in self.measures[i]
        return product * (1.0 if whole else sum(cover for cover, _ in where) / self.plan.area)


def task_share(counted, asked):
    """Share of the task of the board that is built."""
    return min(1.0, counted / asked) if asked > 0 else NAN


def mean_of_sum(covers, found):
    """Net m3 per hectare of afvoer and verdrongen_berging, of the known."""
    names = ("afvoer", "verdrongen_berging")
    means = [weighted_mean([(c, a.burden[n]) for c, a in zip(covers, found, strict=True)]) for n in names]
    return weighted_sum([(1.0, x) for x in means])
