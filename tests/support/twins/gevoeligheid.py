"""Closed forms of the fact sheet, section 3.4, for a cell whose criteria are layers on their own, all known.

Each is written from its formula: one weight (1, 3), one layer (5), moments (8), maps or weights (9), radius (10).
"""

from __future__ import annotations

import itertools
import math

from tests.support.twins.functie import all_criteria
from tests.support.twins.score import curve, taking_part

BORDERS = (0.80, 0.60, 0.40, 0.20)
LETTERS = ("A", "B", "C1", "C2", "D")
HEAVY, FATAL, MARGIN = 0.10, 0.05, 1e-6


class Cell:
    """Names, normalised weights w, shares of the basic weights g, scores s and their logarithms L."""

    def __init__(self, functie, values):
        self.functie, self.values = functie, values
        taking = taking_part(functie, values)
        assert all(len(t.members) == 1 for t in taking)
        self.names = [t.members[0] for t in taking]
        self.w = {t.name: t.weight for t in taking}
        self.g = {t.name: t.g for t in taking}
        self.basic = {n for n in self.names if n in functie["criteria"]}
        self.s = {n: self.score(n, values[n]) for n in self.names}
        self.log = {n: math.log(max(s, 0.01)) for n, s in self.s.items()}
        self.log_s = sum(self.w[n] * self.log[n] for n in self.names)

    def score(self, name, value):
        criterion = all_criteria(self.functie)[name]
        return criterion["score_afwezig"] if value == math.inf else curve(criterion["punten"], value)


def of_score(s):
    """Place of the class of a score."""
    return sum(s + MARGIN < border for border in BORDERS)


def klasse(log_s, scores, shares):
    """Place of the class of a cell without thresholds: the score, the cap, the fatal criterion."""
    worst = min((scores[n] for n in scores if shares[n] + MARGIN >= HEAVY), default=1.0)
    return 4 if worst + MARGIN < FATAL else max(of_score(math.exp(log_s)), of_score(worst) - 1)


def with_weight(cell, name, o):
    """Class where one criterion weighs o, the rest in proportion: ln S = (1 - o) M + o L_k."""
    m = (cell.log_s - cell.w[name] * cell.log[name]) / (1 - cell.w[name])
    w = {n: o if n == name else cell.w[n] * (1 - o) / (1 - cell.w[name]) for n in cell.names}
    basic = sum(w[n] for n in cell.basic)
    return klasse((1 - o) * m + o * cell.log[name], cell.s, {n: v / basic for n, v in w.items()})


def weight_of_border(cell, name, border):
    """(1) o* = (t - M) / (L_k - M)."""
    m = (cell.log_s - cell.w[name] * cell.log[name]) / (1 - cell.w[name])
    return (math.log(border) - m) / (cell.log[name] - m)


def values_of_score(cell, name, s):
    """All values of a layer at which its score is s: the polyline inverted on every segment."""
    points = all_criteria(cell.functie)[name]["punten"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if min(y0, y1) <= s <= max(y0, y1) and y0 != y1:
            yield x0 + (s - y0) / (y1 - y0) * (x1 - x0)


def layer_borders(cell, name):
    """(5) Values of one layer at which the class may tip: by S, by the cap, by the fatal criterion, at a threshold."""
    rest = cell.log_s - cell.w[name] * cell.log[name]
    for border in BORDERS:
        s = math.exp((math.log(border) - rest) / cell.w[name])
        if 0.01 <= s <= 1:
            yield from values_of_score(cell, name, s)
        if cell.g[name] >= HEAVY:
            yield from values_of_score(cell, name, border)
    yield from values_of_score(cell, name, FATAL)
    yield from (t["waarde"] for t in cell.functie["drempels"] if t["laag"] == name)


def moments(cell, name, at, power):
    """Mean of the score of one layer to a power, and its square, over z N(0, 1) by the rule of Simpson."""
    n, far = 6000, 7.0
    step, total = 2 * far / n, [0.0, 0.0]
    for i in range(n + 1):
        z = -far + i * step
        weight = step / 3 * (1 if i in (0, n) else 4 if i % 2 else 2) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        f = power(max(cell.score(name, at(z)), 0.01))
        total[0] += weight * f
        total[1] += weight * f * f
    return total


def sobol(cell, errors):
    """(8) First and total share of S of every layer: c^2/(P - 1), and c^2 over the others."""
    c2 = {}
    for name, at in errors.items():
        mean, square = moments(cell, name, at, lambda s, w=cell.w[name]: s**w)
        c2[name] = (square - mean**2) / mean**2
    p = math.prod(1 + c for c in c2.values())
    return {n: (c / (p - 1), c * (p / (1 + c)) / (p - 1)) for n, c in c2.items()}


def maps_or_weights(cell, errors, alpha):
    """(9) sum w^2 Var L; Var_w(E L)/(alpha + 1); sum w (1 - w)/(alpha + 1) Var L: as shares."""
    mean, var = dict(cell.log), dict.fromkeys(cell.names, 0.0)
    for name, at in errors.items():
        mean[name], square = moments(cell, name, at, math.log)
        var[name] = square - mean[name] ** 2
    w = cell.w
    maps = sum(w[n] ** 2 * var[n] for n in w)
    weights = (sum(w[n] * mean[n] ** 2 for n in w) - sum(w[n] * mean[n] for n in w) ** 2) / (alpha + 1)
    both = sum(w[n] * (1 - w[n]) * var[n] for n in w) / (alpha + 1)
    whole = maps + weights + both
    return maps / whole, weights / whole, both / whole


def radius(cell, errors, holds):
    """(10) The largest r at which ``holds`` for the lowest score of every layer within r deviations, by bisection."""
    low, high = 0.0, 10.0
    for _ in range(60):
        r = (low + high) / 2
        near = [r * (i / 200 - 1) for i in range(401)]
        scores = {n: min(cell.score(n, errors[n](z)) for z in near) if n in errors else cell.s[n] for n in cell.names}
        low, high = (r, high) if holds(scores) else (low, r)
    return low
