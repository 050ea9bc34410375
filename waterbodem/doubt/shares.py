"""Whose error the doubt of a score is: Sobol shares per layer, and maps against weights (fact sheet 3.4, 8 and 9).

A score is a product over sets of layers that meet in no criterion, so the shares follow from each set alone: of a layer
on its own by a sum over its error, of layers that meet by a sum over the error of one at fixed places of the others.
Of a plan the mean score counts, as if that were such a product too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.tipping_rules import tipping_rules
from waterbodem.doubt.place import Place
from waterbodem.doubt.spread import Spread, coupled

Doubles = NDArray[np.float64]

#: Standard deviations to each side that count, and steps within one: of a cell, of layers that meet, of a plan.
FAR, FINE, COARSE = 6.0, 64, 4
#: Places of the other layers that meet: of a cell, of a plan.
PLACES, FEW = 256, 16
PRIMES = (2, 3, 5, 7, 11, 13)


@dataclass(frozen=True)
class Shares:
    """Of every layer its share of the variance of the score, alone and with all it takes part in; maps and weights."""

    first: Mapping[str, float]
    total: Mapping[str, float]
    maps: float
    weights: float


def shares_of(place: Place, spreads: dict[str, Spread]) -> Shares:
    """Return the shares of the doubt of a place."""
    bare = replace(place, functie=place.functie.model_copy(update={"drempels": ()}))
    found = [(_moments(bare, [spreads[n] for n in layers]), layers) for layers, _ in coupled(place, spreads)]
    variance = [m.variance for m, _ in found]
    whole = np.prod([1 + v for v in variance]) - 1
    first, total = {}, {}
    for (m, layers), own in zip(found, variance, strict=True):
        for name, alone, every in zip(layers, m.alone, m.every, strict=True):
            first[name] = float(alone / whole) if whole > 0 else 0.0
            total[name] = float(every * (1 + whole) / (1 + own) / whole) if whole > 0 else 0.0
    return Shares(first, total, *_maps_and_weights(bare, spreads))


@dataclass(frozen=True)
class _Moments:
    """Of a set of layers: relative variance of the score, and of every layer its part of that, alone and in all."""

    variance: float
    alone: Sequence[float]
    every: Sequence[float]


def _moments(place: Place, spreads: Sequence[Spread]) -> _Moments:
    if len(spreads) == 1:
        (z, weight), (spread,) = _steps(FINE if place.is_cell else COARSE), spreads
        score = place.found({spread.layer: spread.at(z)}).score
        variance = _variance(score, weight) / float(score @ weight) ** 2
        return _Moments(variance, [variance], [variance])
    (z, weight), at = _steps(COARSE), _scattered(PLACES if place.is_cell else FEW, len(spreads))
    tables = [_table(place, spreads, i, z, at) for i in range(len(spreads))]
    means = [float((t @ weight).mean()) for t in tables]
    mean = float(np.mean(means))
    alone = [_variance(t.mean(axis=0), weight) / mean**2 for t in tables]
    every = [float(np.mean([_variance(row, weight) for row in t])) / mean**2 for t in tables]
    variance = np.mean([(t**2 @ weight).mean() - m**2 for t, m in zip(tables, means, strict=True)]) / mean**2
    return _Moments(float(variance), alone, every)


def _table(place: Place, spreads: Sequence[Spread], i: int, z: Doubles, at: Doubles) -> Doubles:
    """Return scores by place of the other layers and error of one."""
    others = {s.layer: np.repeat(s.at(at[:, j]), len(z), axis=0) for j, s in enumerate(spreads) if j != i}
    own = {spreads[i].layer: np.tile(spreads[i].at(z), (len(at), 1))}
    return place.found({**others, **own}).score.reshape(len(at), len(z))


def _variance(values: Doubles, weight: Doubles) -> float:
    mean = values @ weight
    return float((values - mean) ** 2 @ weight)


@cache
def _steps(within: int) -> tuple[Doubles, Doubles]:
    """Return standard deviations, and the weight of each: a normal distribution."""
    z = np.arange(-round(FAR * within), round(FAR * within) + 1) / within
    weight = np.exp(-0.5 * z**2)
    return z, weight / weight.sum()


@cache
def _scattered(count: int, dimensions: int) -> Doubles:
    """Return places spread evenly over a normal distribution of so many layers (Halton)."""
    normal = NormalDist()
    each = [[normal.inv_cdf(_radical(i, base)) for i in range(1, count + 1)] for base in PRIMES[:dimensions]]
    return np.array(each).T


def _radical(i: int, base: int) -> float:
    found, place = 0.0, 1.0 / base
    while i:
        i, digit = divmod(i, base)
        found, place = found + digit * place, place / base
    return found


def _maps_and_weights(place: Place, spreads: dict[str, Spread]) -> tuple[float, float]:
    """Return which part of the variance of the logarithm of the score maps make, and which part weights."""
    lost, known = place.lost({})[0], place.dekking
    if known == 0:
        return math.nan, math.nan
    weight = np.array([p.weight for p in place.parts]) / known
    mean, spread, maps = -lost / known / weight, np.zeros(len(weight)), 0.0
    for layers, own in coupled(place, spreads):
        values, chance = _losses(place, [spreads[n] for n in layers], known)
        maps += _variance(values[:, own].sum(axis=1), chance)
        for k in own:
            logs = -values[:, k] / weight[k]
            mean[k], spread[k] = logs @ chance, _variance(logs, chance)
    sure = tipping_rules().concentratie * known + 1
    weights = float(weight @ mean**2 - (weight @ mean) ** 2) / sure
    whole = maps + weights + float((weight * (1 - weight)) @ spread) / sure
    return (maps / whole, weights / whole) if whole > 0 else (math.nan, math.nan)


def _losses(place: Place, spreads: Sequence[Spread], known: float) -> tuple[Doubles, Doubles]:
    """Return losses of criteria (m, K) over the error of layers, and the chance of each."""
    if len(spreads) == 1:
        z, chance = _steps(FINE if place.is_cell else COARSE)
        return place.lost({spreads[0].layer: spreads[0].at(z)}) / known, chance
    at = _scattered(PLACES * 4 if place.is_cell else FEW * 4, len(spreads))
    found = place.lost({s.layer: s.at(at[:, j]) for j, s in enumerate(spreads)})
    return found / known, np.full(len(at), 1 / len(at))
