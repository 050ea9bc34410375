"""Layers with one error of a group in them, up or down: rekenregels section 10."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.threads import in_blocks
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.uncertainty import Deviation, Uncertainty, deviations, layer_groups, range_rules
from waterbodem.engine.doubts import NOTHING, LayerDoubt
from waterbodem.engine.layer_set import LayerSet
from waterbodem.kernels import moving as kernel
from waterbodem.kernels._compile.records import record_of
from waterbodem.kernels.levels import GROUND, KEILEEM

Floats = NDArray[np.float32]
Direction = Literal[-1, 1]
DOWN: Direction = -1
UP: Direction = 1
#: The layer that some errors depend on.
CLAY = GROUND[KEILEEM]
EMPTY = np.empty(0, np.float32)


def share_of(hectares: float) -> float:
    """Return what of one standard deviation is left over a plan of so many hectares.

    Examples
    --------
    >>> share_of(1.0), round(share_of(25.0), 4)
    (1.0, 0.7906)
    """
    rules = range_rules()
    left = 1 - rules.plaatselijk
    return math.sqrt(left + rules.plaatselijk * min(1.0, rules.plek_ha / hectares))


@lru_cache(maxsize=1 << 16)
def _exp(exponent: float) -> float:
    """E to a power, rounded once: the same on every machine."""
    return float(Decimal(exponent).exp())


@dataclass(frozen=True)
class Move:
    """How one layer moves: one standard deviation of it, or a percentile of every cell.

    Parameters
    ----------
    layer : str
    deviation : Uncertainty or Deviation
        What the data state, else the default.
    doubt : LayerDoubt
    """

    layer: str
    deviation: Uncertainty | Deviation
    doubt: LayerDoubt

    @property
    def on_clay(self) -> bool:
        """Whether it depends on the depth of boulder clay."""
        return isinstance(self.deviation, Deviation) and self.deviation.op_keileem is not None

    def percentile(self, direction: Direction) -> Floats | None:
        """Return the percentile that a direction goes to."""
        return self.doubt.p90 if direction == UP else self.doubt.p10

    @property
    def record(self) -> np.void:
        """What the kernel takes of it."""
        low, high = self.doubt.range or layer_kinds()[self.layer].range
        return record_of(
            kernel.MOVE,
            **self._amounts,
            most_of_value=0.5 if deviations()[self.layer].half else math.inf,
            percentile=range_rules().percentiel,
            low=np.float32(low),
            high=np.float32(high),
        )

    @property
    def _amounts(self) -> dict[str, Any]:
        d = self.deviation
        clay = d.op_keileem if isinstance(d, Deviation) else None
        return {
            "sd": d.sd,
            "per": d.per,
            "signed": isinstance(d, Deviation) and not d.absoluut,
            "least": _or(d.minstens if isinstance(d, Deviation) else None, -math.inf),
            "most": _or(d.hoogstens, math.inf),
            "clay": np.float32(clay.tot if clay else math.nan),
            "clay_least": clay.minstens if clay else 0.0,
        }

    def factor(self, direction: Direction, share: float) -> float:
        """Return what values are multiplied with, for a plan that keeps a share of an error; 0: something is added."""
        d = self.deviation
        if isinstance(d, Uncertainty):
            return _exp(direction * share * d.sd) if d.lognormal else 0.0
        return 0.0 if d.factor is None else _exp(direction * share * math.log(d.factor))


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def moves_of(layers: Mapping[str, Any], doubts: Mapping[str, LayerDoubt], group: str) -> tuple[Move, ...]:
    """Return how the layers of a group move that are in the data; none: the group leaves every answer."""
    names = [n for n in layer_groups()[group].lagen if n in layers]
    known = {n: doubts.get(n, NOTHING) for n in names}
    return tuple(Move(n, known[n].stated or deviations()[n], known[n]) for n in names)


def moved_layers(
    layers: Mapping[str, Floats],
    doubts: Mapping[str, LayerDoubt],
    group: str,
    direction: Direction,
    hectares: float,
) -> dict[str, Floats]:
    """Return layers with one error of a group in them, for a plan of so many hectares.

    Parameters
    ----------
    layers : mapping of layer id to float32 array
        All of one shape; those that do not move are not copied. A derived gvg is not among them: what derives it,
        derives it again.
    doubts : mapping of layer id to LayerDoubt
        Percentiles in the shape of the layers.
    group : str
        Of :func:`waterbodem.definitions.uncertainty.layer_groups`.
    direction : -1 or 1
        Down or up.
    hectares : float

    Returns
    -------
    dict of str to float32 array

    Examples
    --------
    >>> ghg = np.array([0.4, np.nan], np.float32)
    >>> moved_layers({"ghg": ghg}, {}, "grondwater", UP, 1.0)["ghg"].tolist()
    [0.6500000357627869, nan]
    """
    share = share_of(hectares)
    new = {m.layer: _moved(m, layers, direction, share) for m in moves_of(layers, doubts, group)}
    return {**layers, **new}


def _moved(move: Move, layers: Mapping[str, Floats], direction: Direction, share: float) -> Floats:
    value, percentile = layers[move.layer], move.percentile(direction)
    median = value if move.doubt.median is None else move.doubt.median
    clay = layers[CLAY] if move.on_clay and CLAY in layers else EMPTY
    to, own = (EMPTY, EMPTY) if percentile is None else (percentile.reshape(-1), median.reshape(-1))
    flat, clay, out = value.reshape(-1), clay.reshape(-1), np.empty(value.shape, np.float32)
    record, factor, cells = move.record, move.factor(direction, share), out.reshape(-1)

    def work(part: slice) -> None:
        some = flat[part], clay[part], to[part], own[part]
        kernel.move_cells(*some, record, share, factor, direction, np.empty(kernel.BLOCK), cells[part])

    in_blocks(work, out.size, kernel.BLOCK)
    return out


def moved(cells: LayerSet, group: str, direction: Direction, hectares: float) -> LayerSet:
    """Return the present layers of a set with one error of a group in them, for a plan of so many hectares.

    Of a scenario: ``moved(cells.in_scenario(scenario), ...)``. Arguments as of :func:`moved_layers`.
    """
    layers = moved_layers(cells.present, cells.doubts, group, direction, hectares)
    return replace(cells, present=layers, scenarios=(), doubts={})
