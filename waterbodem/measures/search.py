"""All packages of measures for one plan and one functie, and which of them are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.measures.measure import LeftFree, Maatregel
from waterbodem.definitions.registry import answer_scale, scoring_rules
from waterbodem.engine.scoring import score_arrays
from waterbodem.measures.applicability import Applicability
from waterbodem.measures.certainty import Certainty, Hold
from waterbodem.measures.choice import Candidate, Choice, Numbers
from waterbodem.measures.design import LEVEL, design_of
from waterbodem.measures.limits import due_to, limiting
from waterbodem.measures.packages import packages_of, refusal
from waterbodem.measures.plan_cells import PlanCells
from waterbodem.measures.price import investment, step, without_land
from waterbodem.measures.sentences import Told, fits, headline, sentence
from waterbodem.measures.shifted import burden_of
from waterbodem.measures.standing import Standing
from waterbodem.measures.terrain import Ask, Terrain

Bools = NDArray[np.bool_]
#: The usual design: it stands in every table, also where it is none of the measures that may be taken.
USUAL = "standaardontwerp"
#: What hectares are left free by: the class that a measure names, or the risk.
FREE_BY = ("D", "risico")


@dataclass(frozen=True)
class Search:
    """Packages of measures for one plan and one functie.

    Parameters
    ----------
    plan : PlanCells
    ask : Ask
    known : tuple of Maatregel
        Of use for the functie, in the order in which they act, those that are off too.
    together : int
        Most measures in a package.
    free_by_risk : bool
        Whether hectares are left free by their risk, not by their class.
    named : tuple of Maatregel
        Those that were asked for by name: no others are taken, and what of them cannot be together is told.
    """

    plan: PlanCells
    ask: Ask
    known: tuple[Maatregel, ...]
    together: int
    free_by_risk: bool = False
    named: tuple[Maatregel, ...] = ()
    _standings: dict[Numbers, Standing] = field(default_factory=dict, repr=False)
    _goes: dict[Numbers, bool] = field(default_factory=dict, repr=False)
    _holds: dict[Numbers, Hold] = field(default_factory=dict, repr=False)

    @cached_property
    def measures(self) -> tuple[Maatregel, ...]:
        """Measures that are on, in the form that they have for functie and board."""
        return tuple(m.of(self.ask.functie.id, self.ask.judge) for m in self.known if m.aan)

    @property
    def strange(self) -> tuple[Maatregel, ...]:
        """Measures that were asked for by name, and that the functie does not know."""
        return tuple(m for m in self.named if not m.knows(self.ask.functie.id))

    @cached_property
    def whole(self) -> Terrain:
        """All of the plan."""
        return Terrain(self.plan, self.ask, self.measures)

    @cached_property
    def _leaver(self) -> int | None:
        """Number of the measure that leaves hectares free."""
        return next((i for i, m in enumerate(self.measures) if m.gebied_zonder is not None), None)

    @cached_property
    def freed(self) -> Bools | None:
        """Cells that are left free; None where none can be."""
        if self._leaver is None:
            return None
        rule, marge = self.measures[self._leaver].gebied_zonder, scoring_rules().marge
        assert rule is not None
        cells = self._cells_of(rule)
        share, (low, high) = self.plan.share(cells), rule.aandeel
        return cells if low - marge <= share <= high + marge else None

    def _cells_of(self, rule: LeftFree) -> Bools:
        if self.free_by_risk:
            found = burden_of(self.plan, design_of(self.whole.start(), ()), None).risico.reshape(-1)
            return np.asarray(found + scoring_rules().marge >= rule.risico_vanaf)
        codes = {s.letter: code for code, s in answer_scale().items()}
        found = score_arrays(self.plan.layers, self.ask.functie, *self.ask.method, wanted=("klasse",))["klasse"]
        return np.asarray(found.reshape(-1) == codes[rule.klasse])

    @cached_property
    def rest(self) -> Terrain | None:
        """What is left of the plan where hectares are left free."""
        if self.freed is None:
            return None
        left = self.plan.without(self.freed)
        return Terrain(left, self.ask, self.measures, self.plan.size / left.size)

    def terrain(self, numbers: Numbers) -> Terrain:
        """Return what a package lies on."""
        return self.rest if self.rest is not None and self._leaver in numbers else self.whole

    @cached_property
    def before(self) -> Standing:
        """As it is."""
        return self.whole.standings([()])[0]

    @cached_property
    def where(self) -> tuple[Applicability, ...]:
        """Where each measure can be taken."""
        return self.whole.where

    def offered(self, number: int) -> bool:
        """Tell whether a measure is offered by itself."""
        return self.freed is not None if number == self._leaver else self.where[number].offered

    @cached_property
    def packages(self) -> tuple[Numbers, ...]:
        """Packages that are offered and not refused, swaps last; none where the answer is unknown."""
        if not self.before.antwoord:
            return ()
        plain = self._plain(self.whole)
        swaps = ((i,) for i, m in enumerate(self.measures) if m.is_swap and self.offered(i))
        found = packages_of(plain, self.together, partial(refusal, self.whole))
        return (*found, *self._left_free(), *swaps)

    def _plain(self, terrain: Terrain) -> list[int]:
        """Return the measures that are offered on a terrain, but swaps and what leaves hectares free."""
        some = (i for i, m in enumerate(self.measures) if not m.is_swap and i != self._leaver and self.may_take(m))
        return [i for i in some if terrain.where[i].offered]

    def may_take(self, measure: Maatregel) -> bool:
        """Tell whether a measure is among those that were named; where none was, all are."""
        return not self.named or measure.id in {m.id for m in self.named}

    def _left_free(self) -> list[Numbers]:
        """Return the packages that leave hectares free."""
        if self.rest is None or self._leaver is None:
            return []
        own, rest = self._leaver, self.rest
        more = packages_of(self._plain(rest), self.together - 1, lambda p: refusal(rest, tuple(sorted((own, *p)))))
        return [tuple(sorted((own, *p))) for p in chain([()], more)]

    def standing(self, numbers: Numbers) -> Standing:
        """Return how the plan stands with a package."""
        if numbers not in self._standings:
            self._standings[numbers] = self.terrain(numbers).standings([numbers])[0]
        return self._standings[numbers]

    def _weigh(self, packages: Sequence[Numbers]) -> None:
        """Find how the plan stands with many packages at once."""
        for terrain in (self.whole, self.rest):
            own = [p for p in packages if self.terrain(p) is terrain]
            if terrain is not None and own:
                self._standings.update(zip(own, terrain.standings(own), strict=True))

    def refused(self, numbers: Numbers) -> str:
        """Return why a package is refused; empty where it is not."""
        return refusal(self.terrain(numbers), numbers)

    def goes(self, numbers: Numbers) -> bool:
        """Tell whether a package does not contradict itself."""
        if numbers not in self._goes:
            self._goes[numbers] = not self.refused(numbers)
        return self._goes[numbers]

    @property
    def contradictions(self) -> list[Numbers]:
        """Packages of named measures, each offered, that contradict themselves though none of their parts does."""
        ids = {m.id for m in self.named}
        some = [i for i, m in enumerate(self.measures) if m.id in ids and self.offered(i) and self.goes((i,))]
        found = [p for n in range(2, self.together + 1) for p in combinations(some, n) if not self.goes(p)]
        return [p for p in found if not any(set(part) < set(p) for part in found)]

    @cached_property
    def choice(self) -> Choice:
        """The packages that could be told."""
        plain = [p for p in self.packages if not any(self.measures[i].is_swap for i in p)]
        self._weigh([(), *plain])
        moves = frozenset(i for i, m in enumerate(self.measures) if m.lagen or LEVEL in m.parameters)
        return Choice(self.before, [self._candidate(p) for p in plain], self.standing, self.goes, moves)

    def _candidate(self, numbers: Numbers) -> Candidate:
        terrain = self.terrain(numbers)
        about = investment(terrain, numbers), step(terrain, numbers), without_land(terrain, numbers)
        return Candidate(numbers, self.standing(numbers), *about)

    @cached_property
    def _certainties(self) -> dict[int, Certainty]:
        return {id(t): Certainty(t) for t in (self.whole, self.rest) if t is not None}

    def hold(self, numbers: Numbers) -> Hold:
        """Return how far the answer with a package holds."""
        if numbers not in self._holds:
            certainty = self._certainties[id(self.terrain(numbers))]
            self._holds[numbers] = certainty.of(numbers, self.standing(numbers))
        return self._holds[numbers]

    @cached_property
    def shown(self) -> tuple[Candidate, ...]:
        """The packages that are shown, in order."""
        if not self.before.antwoord:
            return ()
        return self.choice.shown(lambda c: bool(self.hold(c.numbers).doubts))

    def find(self) -> None:
        """Find what is shown now, so that who asks many hears how far it is."""
        _ = self.shown

    def told(self, candidate: Candidate) -> Told:
        """Return a package as it is told."""
        numbers = candidate.numbers
        place, beside = self.choice.halves(candidate)
        design = self.terrain(numbers).design(numbers)
        free_ha = 0.0 if self.freed is None else self.plan.covered(self.freed) * self.plan.cell_ha
        return Told(
            tuple(self.measures[i] for i in place),
            tuple(self.measures[i] for i in beside),
            self.before,
            candidate.standing,
            design.room,
            self.hold(numbers).doubts,
            (design.numbers["ophoging_m"], free_ha),
        )

    def sentence(self, candidate: Candidate, taal: str) -> str:
        """Return the sentence of a package."""
        return sentence(self.told(candidate), taal)

    def headline(self, taal: str) -> str:
        """Return what is said first."""
        lifting = [c for c in self.shown if self.choice.lifts(c)]
        sure = next((c for c in lifting if not self.hold(c.numbers).doubts), None)
        first = "" if sure is None else self.sentence(sure, taal)
        doubts = self.hold(lifting[0].numbers).doubts if lifting else None
        return headline(self.before, first, doubts, () if lifting else self.due_to, taal)

    @cached_property
    def due_to(self) -> tuple[str, ...]:
        """Layers that the answer is due to as it is."""
        return due_to(self.plan, self.ask.functie, self.ask.method)

    @cached_property
    def limiting(self) -> str:
        """The criterion that limits the answer as it is."""
        return limiting(self.plan, self.ask.functie, self.ask.method)

    @cached_property
    def fitting(self) -> tuple[str, ...]:
        """Other functies that fit here better."""
        swaps = [p for p in self.packages if any(self.measures[i].is_swap for i in p)]
        better = [i for (i,) in swaps if _fits(self.before, self.standing((i,)))]
        return tuple(dict.fromkeys(self.measures[i].functie[self.ask.functie.id] for i in better))

    def fits(self, taal: str) -> str:
        """Return which other functies fit here better, in words; empty if none does."""
        return fits(self.fitting, taal)


def _fits(before: Standing, after: Standing) -> bool:
    """Tell whether another functie stands no worse in class and risk, and better in one."""
    lighter = np.isnan(before.risico) or after.risico <= before.risico + scoring_rules().marge
    if not after.antwoord or np.isnan(after.risico) or not lighter or after.rank > before.rank:
        return False
    return after.rank < before.rank or after.risk < before.risk


def known_to(measures: Sequence[Maatregel], functie: str) -> tuple[Maatregel, ...]:
    """Return the measures of use for a functie, in the order in which they act."""
    return tuple(m for m in sorted(measures, key=lambda m: m.volgorde) if m.knows(functie))
