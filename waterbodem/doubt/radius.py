"""How far all layers may be off at once, in standard deviations, while the answer holds: fact sheet 3.4 (10)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from waterbodem.definitions.tipping_rules import tipping_rules
from waterbodem.doubt.place import Codes, Place
from waterbodem.doubt.spread import Doubles, Floats, Spread, coupled
from waterbodem.doubt.tipping import UNASSESSED

#: Errors that are tried within a radius, and how often what lies between radii is halved.
TRIED, HALVED = 17, 17


def radius_of(place: Place, spreads: dict[str, Spread]) -> float:
    """Return the largest radius at which the answer of a place is no worse; inf beyond what is looked at, NaN of X."""
    most = tipping_rules().straal_hoogstens
    if place.now.answer[0] == UNASSESSED:
        return math.nan
    if not spreads or _holds(place, spreads, most):
        return math.inf
    low, high = 0.0, most
    for _ in range(HALVED):
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(place, spreads, middle) else (low, middle)
    return low


def _holds(place: Place, spreads: dict[str, Spread], radius: float) -> bool:
    """Whether the answer is no worse whatever layers are off, each by at most a radius.

    Layers that meet in no criterion are worst where each alone is; of those that meet, ends are tried together.
    """
    z = np.linspace(-radius, radius, TRIED)
    alone = {n: place.found({n: s.at(z)}).answer for n, s in spreads.items()}
    if any(_worse(place, codes) for codes in alone.values()):
        return False
    bare = replace(place, functie=place.functie.model_copy(update={"drempels": ()}))
    worst = {n: float(z[bare.found({n: s.at(z)}).score.argmin()]) for n, s in spreads.items()}
    return not _worse(place, place.found(_together(place, spreads, radius, worst)).answer)


def _together(place: Place, spreads: dict[str, Spread], radius: float, worst: dict[str, float]) -> dict[str, Floats]:
    """Return layers off by their worst error, those that meet in all ways by their ends and that (m, n)."""
    meet = [n for layers, _ in coupled(place, spreads) if len(layers) > 1 for n in layers]
    listed = list(product(*(_ends(place, worst[n], radius) for n in meet)))
    ways = np.array(listed, np.float64).reshape(len(listed), len(meet))
    fixed = {n: np.full(len(ways), worst[n]) for n in spreads if n not in meet}
    moved: dict[str, Doubles] = {**fixed, **dict(zip(meet, ways.T, strict=True))}
    return {n: spreads[n].at(errors) for n, errors in moved.items()}


def _ends(place: Place, worst: float, radius: float) -> Iterator[float]:
    yield from dict.fromkeys((-radius, radius, *((worst,) if place.is_cell else ())))


def _worse(place: Place, codes: Codes) -> bool:
    return bool(((codes > place.now.answer[0]) | (codes == UNASSESSED)).any())
