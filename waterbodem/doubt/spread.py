"""How layers of a place move by their error: as section 10 of the rekenregels does, by any number of deviations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.uncertainty import layer_groups
from waterbodem.doubt.moving import CLAY, DOWN, UP, Direction, Move, moves_of, share_of
from waterbodem.doubt.place import Place
from waterbodem.engine.derived import derived_of, sources_of
from waterbodem.engine.rewetting import CAUSES, rewets
from waterbodem.engine.scoring import CriterionShare
from waterbodem.kernels import moving as kernel
from waterbodem.kernels.levels import LEVELS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
EMPTY = np.empty(0, np.float32)


@dataclass(frozen=True)
class Spread:
    """A layer of a place with one standard deviation of its error.

    Parameters
    ----------
    layer : str
    value : float32 array (n,)
    down, up : float64 arrays (n,)
        What one standard deviation takes away and adds; of a factor its logarithm.
    is_factor : bool
    range : (float, float)
        Values are held within it.
    """

    layer: str
    value: Floats
    down: Doubles
    up: Doubles
    is_factor: bool
    range: tuple[float, float]

    def at(self, z: Doubles) -> Floats:
        """Return the layer moved by so many standard deviations (m,), up or down: float32 (m, n)."""
        own, steps = _or_zero(self.value), z[:, None]
        size = steps * np.where(steps < 0, self.down, self.up)
        moved = own * np.exp(size) if self.is_factor else own + size
        low, high = self.range
        held = np.clip(moved, np.minimum(own, low), np.maximum(own, high))
        return np.where(np.isfinite(self.value), held, self.value).astype(np.float32)

    def distance(self, value: float) -> float:
        """Return how many standard deviations a value of a lone cell lies from the present one; inf = out of reach."""
        own = float(self.value[0])
        apart = _log_ratio(value, own) if self.is_factor else value - own
        one = float((self.up if apart > 0 else self.down)[0])
        return abs(apart) / one if one > 0 else math.inf


def _log_ratio(value: float, own: float) -> float:
    return math.log(value / own) if value > 0 and own > 0 else math.copysign(math.inf, value - own)


def spreads_of(place: Place) -> dict[str, Spread]:
    """Return the layers that the answer of a place rests on and that have an error, by name."""
    share = share_of(place.hectares)
    found = {m.layer: _spread(place, m, share) for m in _moves(place)}
    return {n: s for n, s in found.items() if ((s.down > 0) | (s.up > 0)).any()}


def _moves(place: Place) -> Iterator[Move]:
    for group in layer_groups():
        yield from moves_of(place.layers, place.cells.doubts, group)


def _spread(place: Place, move: Move, share: float) -> Spread:
    value, kind = place.layers[move.layer], layer_kinds()[move.layer]
    limits = move.doubt.range or kind.range
    factor = move.factor(UP, share)
    if factor > 0 and move.percentile(UP) is None:
        one = np.where(np.isfinite(value) & (value != 0), math.log(factor), 0.0)
        return Spread(move.layer, value, one, one, True, limits)
    known = np.isfinite(value)
    down, up = (np.where(known, _moved(place, move, way, share) - _or_zero(value), 0.0) for way in (DOWN, UP))
    return Spread(move.layer, value, np.abs(down), np.abs(up), False, limits)


def _or_zero(value: Floats) -> Doubles:
    """Return values, 0 where they are unknown or absent."""
    return np.where(np.isfinite(value), value, 0).astype(np.float64)


def _moved(place: Place, move: Move, way: Direction, share: float) -> Doubles:
    """Return a layer moved by one standard deviation, wherever that ends."""
    value, to, record = place.layers[move.layer], move.percentile(way), move.record
    record["low"], record["high"] = -np.inf, np.inf
    own = EMPTY if to is None else (value if move.doubt.median is None else move.doubt.median.reshape(-1))
    clay = place.cells.present[CLAY].reshape(-1) if move.on_clay and CLAY in place.cells.present else EMPTY
    out = np.empty(value.shape, np.float32)
    percentile = EMPTY if to is None else to.reshape(-1)
    kernel.move_cells(
        value, clay, percentile, own, record, share, move.factor(way, share), way, np.empty(kernel.BLOCK), out
    )
    return out.astype(np.float64)


def coupled(place: Place, spreads: dict[str, Spread]) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Return layers with an error that meet in a criterion, together, with the places of their criteria.

    What the score loses by one such set does not depend on the others: it is a product over them.
    """
    sets: list[tuple[set[str], set[int]]] = []
    for k, part in enumerate(place.parts):
        layers, own = _sources(place, part) & set(spreads), {k}
        for other in [s for s in sets if s[0] & layers]:
            sets.remove(other)
            layers, own = layers | other[0], own | other[1]
        if layers:
            sets.append((layers, own))
    return [(tuple(n for n in spreads if n in layers), tuple(sorted(own))) for layers, own in sets]


def _sources(place: Place, part: CriterionShare) -> set[str]:
    """Return the layers that the score of a criterion depends on: of what it is derived, and what raises it."""
    derived = derived_of(place.layers)
    found = {s for m in part.members for s in (sources_of(m) if m in derived else (m,))}
    raised = rewets(place.functie) and any(m in LEVELS for m in part.members)
    return found | set(CAUSES) if raised else found
