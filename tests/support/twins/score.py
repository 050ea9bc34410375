"""Sections 2 and 3: the score of a layer, of a group, of a cell, and the interval of what is unknown."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from tests.support.twins.functie import all_criteria, basic_weight
from tests.support.twins.layers import layer
from tests.support.twins.numbers import NAN, at_least, f32, unknown

FLOOR = 0.01
GROUP_KNOWN = 0.60
HEAVY = 0.10


def curve(points, v):
    """Linear between points, constant outside."""
    if v <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if v <= x1:
            return y0 + (v - x0) * (y1 - y0) / (x1 - x0)
    return points[-1][1]


def layer_score(criterion, v):
    if unknown(v):
        return NAN
    if v == math.inf:
        return criterion["score_afwezig"]
    if criterion.get("klassen"):
        return {f32(code): s for code, s in criterion["klassen"].items()}[v]
    return curve(criterion["punten"], v)


@dataclass(frozen=True)
class Taking:
    """A criterion that takes part: its members, weight, share of the basic weights (g) and of basis."""

    members: tuple[str, ...]
    weight: float
    g: float
    basis: float

    @property
    def name(self):
        return "+".join(self.members)


def taking_part(functie, layers):
    """Every criterion that takes part, a group where its first member stands."""
    names = [*functie["criteria"], *(n for n in functie.get("optionele_criteria") or {} if n in layers)]
    groups = [g["leden"] for g in functie.get("groepen") or ()]
    members = []
    for name in names:
        group = next((g for g in groups if name in g), (name,))
        found = tuple(n for n in names if n in group)
        if found not in members:
            members.append(found)
    weight = {n: all_criteria(functie)[n]["gewicht"] for n in names}
    total, basic = sum(weight.values()), basic_weight(functie)
    return [
        Taking(
            m,
            weight=sum(weight[n] for n in m) / total,
            g=sum(weight[n] for n in m) / basic,
            basis=sum(weight[n] for n in m if n in functie["criteria"]) / basic,
        )
        for m in members
    ]


def member_scores(functie, criterion, values):
    return [layer_score(all_criteria(functie)[n], layer(values, n)) for n in criterion.members]


def criterion_score(functie, criterion, values):
    """Score of one criterion; NaN = unknown."""
    scores = member_scores(functie, criterion, values)
    known = [s for s in scores if not unknown(s)]
    if not known:
        return NAN
    best = max(known)
    return best if len(known) == len(scores) or at_least(best, GROUP_KNOWN) else NAN


def best_score(functie, criterion, values):
    """Score of one criterion with every unknown member at 1."""
    return max(1.0 if unknown(s) else s for s in member_scores(functie, criterion, values))


def geometric_mean(scores, weights):
    return math.exp(sum(w * math.log(max(s, FLOOR)) for s, w in zip(scores, weights, strict=True)) / sum(weights))


def mean(scores, weights):
    return sum(w * s for s, w in zip(scores, weights, strict=True)) / sum(weights)


def minimum(scores, shares):
    heavy = [s for s, g in zip(scores, shares, strict=True) if at_least(g, HEAVY)]
    return min(heavy or scores)


def ordered_mean(scores, weights, orness):
    """Ordered weighted mean (owa)."""
    p, total = (1 - orness) / orness, sum(weights)
    value = cumulative = 0.0
    for s, w in sorted(zip(scores, weights, strict=True), key=lambda pair: -pair[0]):
        before, cumulative = cumulative, min(1.0, cumulative + w / total)
        value += (cumulative**p - before**p) * s
    return value


def combine(criteria, scores, methode="meetkundig", orness=None):
    """S of the criteria with these scores."""
    if not criteria:
        return NAN
    weights = [c.weight for c in criteria]
    if methode == "meetkundig":
        return geometric_mean(scores, weights)
    if methode == "gemiddelde":
        return mean(scores, weights)
    if methode == "minimum":
        return minimum(scores, [c.g for c in criteria])
    return ordered_mean(scores, weights, orness)
