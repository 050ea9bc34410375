"""The value of one layer, all else as it is, at which the answer of a place becomes another.

Between points of a curve, thresholds and the borders of rewetting the class goes one way; it is computed there and on
steps between, outward from the present value, and the first other answer is narrowed down. What holds an answer back
(cap, fatal criterion, ``hoogstens``, thresholds, what follows from a layer) is in it, since the rules give the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.tipping_rules import tipping_rules
from waterbodem.doubt.place import Found, Place
from waterbodem.engine.rewetting import CAUSES, rewets
from waterbodem.engine.sums import ratio

Doubles = NDArray[np.float64]
Points = Callable[[Doubles], Found]

#: Answers that are computed together at least, and cells.
TOGETHER, PLAN_CELLS = 8, 1 << 11
#: How often and into how many a step is divided: to the last bit of a float32.
ROUNDS, DIVISIONS = 6, 32
#: Of a plan: steps to each side, the first of which are the finest, and divisions.
PLAN_STEPS, PLAN_ROUNDS = 64, 3
UNASSESSED = 0


class Flip(NamedTuple):
    """A value at which an answer becomes another, and the code of that; NaN and 0 where none does."""

    at: float
    answer: int


NONE = Flip(math.nan, UNASSESSED)


@dataclass(frozen=True)
class Tip:
    """How far one layer may be off before the answer of a place is another.

    Parameters
    ----------
    layer : str
    value : float
        The present one; of a plan the mean where it is known. NaN = unknown, inf = absent.
    down, up : Flip
        The nearest lower and higher value at which the answer is another; of a plan by a shift of every cell.
    """

    layer: str
    value: float
    down: Flip
    up: Flip


def tips_of(place: Place) -> list[Tip]:
    """Return how far every layer that an answer rests on may be off, in the order of the rules."""
    return [tip_of(place, n) for n in registry.layer_kinds() if n in place.layers and _tells(place, n)]


def _tells(place: Place, name: str) -> bool:
    """Whether a layer of values counts, or one of codes is a criterion or says no."""
    counted = any(name in part.members for part in place.parts)
    says_no = any(t.laag == name and t.gevolg != "aandacht" for t in place.functie.drempels)
    return counted or says_no or registry.layer_kinds()[name].soort != "klasse"


def tip_of(place: Place, name: str) -> Tip:
    """Return how far one layer may be off."""
    values = place.layers[name].astype(np.float64)
    known = np.isfinite(values)
    mean = float(ratio(np.where(known, values, 0) @ place.cover, known @ place.cover))
    absent = np.isposinf(values).any() and not known.any()
    if place.now.answer[0] == UNASSESSED or not (known.any() or absent):
        return Tip(name, math.inf if absent else mean, NONE, NONE)
    if place.is_cell:
        return Tip(name, float(values[0]), *(_flip_of_cell(place, name, float(values[0]), way) for way in (-1, 1)))
    return Tip(name, math.inf if absent else mean, *(_flip_of_plan(place, name, mean, way) for way in (-1, 1)))


# --- a cell ----------------------------------------------------------------------------------------------------------


def _flip_of_cell(place: Place, name: str, value: float, way: int) -> Flip:
    def at(points: Doubles) -> Found:
        return place.found({name: points.astype(np.float32)[:, None]})

    kind = registry.layer_kinds()[name]
    points = np.unique([*_breaks(place, name), *_steps(place, name)])
    outward = points[points < value][::-1] if way < 0 else points[points > value]
    if way > 0 and kind.may_be_absent and value < math.inf:
        outward = np.append(outward, math.inf)
    return _first(at, place, value, outward, 0 if kind.soort == "klasse" else ROUNDS)


def _range(place: Place, name: str) -> tuple[float, float]:
    """Return the plausible range of a layer: that of the rules, or the user's own."""
    doubt = place.cells.doubts.get(name)
    return (doubt and doubt.range) or registry.layer_kinds()[name].range


def _steps(place: Place, name: str) -> Doubles:
    kind, (low, high) = registry.layer_kinds()[name], _range(place, name)
    if kind.soort == "klasse":
        return np.arange(int(low), int(high) + 1, dtype=np.float64)
    return np.linspace(low, high, 1 + round(1 / tipping_rules().stap))


def _breaks(place: Place, name: str) -> Iterator[float]:
    """Yield the values of a layer at which its score bends, a threshold fires, or rewetting begins or ends."""
    functie, low, high = place.functie, *_range(place, name)
    if registry.layer_kinds()[name].soort == "klasse":
        return
    bends = [x for x, _ in functie.all_criteria[name].curve] if name in functie.all_criteria else []
    fires = [float(np.float32(t.waarde)) for t in functie.drempels if t.laag == name]
    for x in (*bends, *fires, *(_rewetting_breaks(place) if name == CAUSES[0] and rewets(functie) else ())):
        beside = (float(np.nextafter(np.float32(x), np.float32(side))) for side in (-math.inf, math.inf))
        yield from (v for v in (x, *beside) if low <= v <= high)


def _rewetting_breaks(place: Place) -> Iterator[float]:
    rules, level = registry.rewetting_rules(), place.functie.value("streefpeil_m")
    yield from (level, level + place.functie.value("rijzing_hoogstens_m"))
    yield from (rules.te_diep_m, rules.te_diep_m - rules.overgang_m)


# --- a plan ----------------------------------------------------------------------------------------------------------


def _flip_of_plan(place: Place, name: str, mean: float, way: int) -> Flip:
    """Return the flip by a shift of every cell within the plausible range; absent, unknown and codes stay."""
    if registry.layer_kinds()[name].soort == "klasse" or math.isnan(mean):
        return NONE
    values, (low, high) = place.layers[name].astype(np.float64), _range(place, name)
    known = np.isfinite(values)
    span = max(0.0, float(np.max(values[known]) - low if way < 0 else high - np.min(values[known])))

    def at(shifts: Doubles) -> Found:
        moved = np.clip(values + shifts[:, None], np.minimum(values, low), np.maximum(values, high))
        return place.found({name: np.where(known, moved, values).astype(np.float32)})

    shifts = way * span * (np.arange(1, PLAN_STEPS + 1) / PLAN_STEPS) ** 2
    found = _first(at, place, 0.0, shifts, PLAN_ROUNDS)
    return Flip(mean + found.at, found.answer)


# --- the search ------------------------------------------------------------------------------------------------------


def _first(at: Points, place: Place, start: float, outward: Doubles, rounds: int) -> Flip:
    """Return the first of points, outward from a start, at which the answer is another, narrowed down."""
    now, before, together = place.now.answer[0], start, max(TOGETHER, PLAN_CELLS // place.cover.size)
    for first in range(0, len(outward), together):
        some = outward[first : first + together]
        other = at(some).answer
        changed = np.flatnonzero(other != now)
        if changed.size:
            place_of = int(changed[0])
            last = float(some[place_of - 1]) if place_of else before
            return _narrowed(at, now, last, Flip(float(some[place_of]), int(other[place_of])), rounds)
        before = float(some[-1])
    return NONE


def _narrowed(at: Points, now: int, same: float, found: Flip, rounds: int) -> Flip:
    """Return the flip as near as can be told to a point at which the answer is still the same."""
    for _ in range(rounds if math.isfinite(same) and math.isfinite(found.at) else 0):
        points = np.linspace(same, found.at, DIVISIONS + 1)[1:]
        answers = at(points).answer
        first = int(np.flatnonzero(answers != now)[0])
        same = float(points[first - 1]) if first else same
        found = Flip(float(points[first]), int(answers[first]))
    return found
