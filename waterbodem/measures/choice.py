"""Which packages are worth telling, in which order, for the place or for the neighbours: keuze 1 to 3."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.registry import scoring_rules
from waterbodem.measures.standing import PERCENT, Span, Standing, whole

#: Numbers of measures in the order in which they act.
Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """A package of measures that could be told.

    Parameters
    ----------
    numbers : tuple of int
        Of its measures, in the order in which they act.
    standing : Standing
    price : Span
        [EUR per hectare of plan].
    trede : int
    without_land : bool
        Whether the price leaves out the land.
    """

    numbers: Numbers
    standing: Standing
    price: Span
    trede: int
    without_land: bool

    @property
    def order(self) -> tuple[Any, ...]:
        """What is told first comes first: class, risk class, step, share, price, and the measures themselves."""
        s, most = self.standing, whole(self.price[1])
        return (
            s.rank,
            s.risk,
            self.trede,
            _last_if_unknown(whole(PERCENT * s.aandeel)),
            math.isnan(most),
            self.without_land,
            _last_if_unknown(most),
            self.numbers,
        )


def _last_if_unknown(value: float) -> float:
    return math.inf if math.isnan(value) else value


@dataclass(frozen=True)
class Choice:
    """The packages of a plan, and those that are worth telling.

    Parameters
    ----------
    before : Standing
        As it is.
    candidates : tuple of Candidate
        Swaps left out.
    standing_of : callable
        Takes numbers of measures, gives how the plan stands with them, also where they are no candidate.
    goes : callable
        Tells whether such a package does not contradict itself.
    moves : frozenset of int
        Measures that move layers or set a level.
    """

    before: Standing
    candidates: Sequence[Candidate]
    standing_of: Callable[[Numbers], Standing]
    goes: Callable[[Numbers], bool]
    moves: frozenset[int]

    @cached_property
    def pool(self) -> tuple[Candidate, ...]:
        """Packages whose class is neither the last nor worse than as it is."""
        return tuple(c for c in self.candidates if not c.standing.is_no and c.standing.rank <= self.before.rank)

    @cached_property
    def told(self) -> tuple[Candidate, ...]:
        """Those of the pool of which every measure does something, in the order in which they are told."""
        some = (c for c in self.pool if self._busy(c) and (self.lifts(c) or self._relieves(c)))
        return tuple(sorted(some, key=lambda c: c.order))

    def lifts(self, candidate: Candidate) -> bool:
        """Tell whether a package makes the class better."""
        return candidate.standing.rank < self.before.rank

    def _relieves(self, candidate: Candidate) -> bool:
        return _clearly_more(self.before.aandeel, candidate.standing.aandeel)

    def _busy(self, candidate: Candidate) -> bool:
        """Tell whether without any one of its measures a package would be worse, shift more, or not go."""
        return all(self._misses(candidate.standing, rest) for rest in _rests(candidate.numbers))

    def _misses(self, standing: Standing, rest: Numbers) -> bool:
        if not self.goes(rest):
            return True
        without = self.standing_of(rest)
        return without.rank > standing.rank or _clearly_more(without.aandeel, standing.aandeel)

    def halves(self, candidate: Candidate) -> tuple[Numbers, Numbers]:
        """Return the measures for the place and those for the neighbours."""
        numbers, rank = candidate.numbers, candidate.standing.rank
        place = [n for n, rest in zip(numbers, _rests(numbers), strict=True) if self.standing_of(rest).rank > rank]
        if not place and self.lifts(candidate):
            place = [n for n in numbers if n in self.moves]
        return tuple(place), tuple(n for n in numbers if n not in place)

    @cached_property
    def kept(self) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
        """Packages that lift the class, the first of each place; those that do not, the first of each risk class."""
        lifting = _first_of((self.halves(c)[0], c) for c in self.told if self.lifts(c))
        others = _first_of((c.standing.risk, c) for c in self.told if not self.lifts(c))
        return lifting, others

    def shown(self, doubted: Callable[[Candidate], bool]) -> tuple[Candidate, ...]:
        """Return the packages that are shown; one that lifts the class without doubt is among them, if there is one.

        Parameters
        ----------
        doubted : callable
            Tells whether a package has doubt; asked of no more than must be known.
        """
        rules, (lifting, others) = measure_rules().keuze, self.kept
        first = lifting[: max(rules.getoond_beter, rules.getoond - len(others))][: rules.getoond]
        if first and all(doubted(c) for c in first):
            sure = next((c for c in self.told if self.lifts(c) and not doubted(c)), None)
            first = first if sure is None else (*first[:-1], sure)
        return (*first, *others[: rules.getoond - len(first)])


def _rests(numbers: Numbers) -> list[Numbers]:
    """Return a package without each one of its measures."""
    return [tuple(m for m in numbers if m != n) for n in numbers]


def _clearly_more(one: float, other: float) -> bool:
    """Tell whether a share is larger than another by as much as counts; unknown: no."""
    return one - other + scoring_rules().marge >= measure_rules().keuze.lager


def _first_of(pairs: Iterable[tuple[Any, Candidate]]) -> tuple[Candidate, ...]:
    found: dict[Any, Candidate] = {}
    for key, candidate in pairs:
        found.setdefault(key, candidate)
    return tuple(found.values())
