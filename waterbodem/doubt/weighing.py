"""The answer of a place where one criterion weighs more or less, the others in proportion (fact sheet 3.4, 1 and 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from waterbodem.definitions import registry
from waterbodem.doubt.place import Place
from waterbodem.doubt.tipping import NONE, UNASSESSED, Flip
from waterbodem.engine.scoring import CriterionShare, weight_numbers
from waterbodem.kernels.scoring import Model

#: A weight is told from one that tips by this; weights lie within these.
NEAR, LEAST = 1e-6, 1e-9
#: Weights of a plan that are tried, and how often what lies between is halved.
PLAN_WEIGHTS, HALVED = 33, 20


def weighing(parts: Sequence[CriterionShare], k: int, weight: float) -> tuple[CriterionShare, ...]:
    """Return criteria of which one has another normalised weight, the others in proportion."""
    rest = (1 - weight) / (1 - parts[k].weight)
    weights = [weight if i == k else rest * p.weight for i, p in enumerate(parts)]
    basic = [w * _basic_part(p) for w, p in zip(weights, parts, strict=True)]
    whole = sum(basic)
    return tuple(
        replace(p, weight=w, share=w / whole, basic=b / whole) for p, w, b in zip(parts, weights, basic, strict=True)
    )


def _basic_part(part: CriterionShare) -> float:
    """Return which part of the weight of a criterion is of basic layers."""
    return part.basic / part.share


def weighed(place: Place, parts: Sequence[CriterionShare]) -> Model:
    """Return what the kernel needs to score with other weights."""
    numbers = place.model.numbers.copy()
    for name, values in weight_numbers(parts, registry.scoring_rules().kap_gewicht).items():
        numbers[name][: len(parts)] = values
    return Model(numbers, place.model.lines)


def weight_flips(place: Place, k: int) -> tuple[Flip, Flip]:
    """Return the nearest lower and higher weight of a criterion at which the answer of a place is another."""
    own = place.parts[k].weight
    if place.now.answer[0] == UNASSESSED or not LEAST < own < 1 - LEAST:
        return NONE, NONE
    points = np.unique([LEAST, 1 - LEAST, *_tried(place, k)])
    return (
        _first(place, k, own, [float(o) for o in points[points < own][::-1]]),
        _first(place, k, own, [float(o) for o in points[points > own]]),
    )


def _tried(place: Place, k: int) -> Iterator[float]:
    """Yield weights between which the answer is the same; of a plan, some."""
    if not place.is_cell:
        yield from np.linspace(0, 1, PLAN_WEIGHTS)[1:-1]
        return
    for a, b in _borders(place, k):
        root = b / (b - a) if b != a else math.nan
        yield from (o for o in (root - NEAR, root + NEAR) if LEAST < o < 1 - LEAST)


def _borders(place: Place, k: int) -> Iterator[tuple[float, float]]:
    """Yield a and b of every border: it is met by the weight o for which o a + (1 - o) b is 0.

    Borders are those of S, of a share of the basic weights that caps, and of the share of them that must be known.
    """
    rules, parts = registry.scoring_rules(), place.parts
    lost, known = place.lost({})[0], _known(place)
    others = [i for i in range(len(parts)) if i != k]
    rest = 1 - parts[k].weight
    basic = [_basic_part(p) for p in parts]
    share = sum(parts[i].weight * basic[i] for i in others) / rest
    for step in registry.answer_scale().values():
        t = math.log(step.score_min - rules.marge) if step.score_min else math.nan
        own = -lost[k] / parts[k].weight - t if known[k] else 0.0
        yield own, sum(-lost[i] - t * parts[i].weight for i in others if known[i]) / rest
    heavy = rules.kap_gewicht - rules.marge
    for i in others:
        yield -heavy * basic[k], parts[i].weight / rest - heavy * share
    yield 1 - heavy * basic[k], -heavy * share
    told = rules.bekend_min - rules.marge
    told_of = sum(parts[i].weight * basic[i] for i in others if known[i]) / rest
    yield basic[k] * (float(known[k]) - told), told_of - told * share


def _known(place: Place) -> list[bool]:
    """Tell which criteria are known in a cell."""
    bits = place.scored_known()
    return [bool(bits >> k & 1) for k in range(len(place.parts))]


def _first(place: Place, k: int, own: float, outward: Sequence[float]) -> Flip:
    """Return the first weight outward at which the answer is another, narrowed down."""
    now, same = place.now.answer[0], own
    for weight in outward:
        answer = _answer(place, k, weight)
        if answer != now:
            return _narrowed(place, k, same, Flip(weight, answer))
        same = weight
    return NONE


def _narrowed(place: Place, k: int, same: float, found: Flip) -> Flip:
    for _ in range(HALVED):
        middle = (same + found.at) / 2
        answer = _answer(place, k, middle)
        if answer == place.now.answer[0]:
            same = middle
        else:
            found = Flip(middle, answer)
    return found


def _answer(place: Place, k: int, weight: float) -> int:
    return int(place.found({}, weighed(place, weighing(place.parts, k, weight))).answer[0])
