"""What a package costs who takes it, and how long it takes: rule 18."""

from __future__ import annotations

import math

from waterbodem.measures.standing import Span
from waterbodem.measures.terrain import Package, Terrain


def investment(terrain: Terrain, package: Package) -> Span:
    """Return what a package costs, from lowest to highest [EUR per hectare of plan]; NaN where a price is unknown."""
    low = high = 0.0
    for i in package:
        price, amount = terrain.measures[i].kosten, _amount(terrain, i, package)
        low += math.nan if price.laag is None else price.laag * amount
        high += math.nan if price.hoog is None else price.hoog * amount
    return float(low), float(high)


def _amount(terrain: Terrain, measure: int, package: Package) -> float:
    """Return the units of a measure per hectare of plan."""
    amount = terrain.measures[measure].kosten.per_ha.factor * terrain.share_where(measure)
    for parameter in terrain.measures[measure].kosten.per_ha.keer:
        amount *= terrain.mean_where(measure, package, parameter)
    return amount


def without_land(terrain: Terrain, package: Package) -> bool:
    """Tell whether the price leaves out the land."""
    return any(terrain.measures[i].kosten.grond_niet_gerekend for i in package)


def months(terrain: Terrain, package: Package) -> tuple[int, int]:
    """Return how long a package takes at least and at most [months]."""
    spans = [terrain.measures[i].maanden for i in package]
    return max((low for low, _ in spans), default=0), max((high for _, high in spans), default=0)


def step(terrain: Terrain, package: Package) -> int:
    """Return the step of a package: 1 vasthouden, 2 bergen, 3 afvoeren of ophogen; the largest of its measures."""
    return max((terrain.measures[i].trede for i in package), default=0)
