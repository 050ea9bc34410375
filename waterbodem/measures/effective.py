"""Layers as measures make them, for what a place bears: rules 2, 4 and 5."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.measures.measure import LayerVerb
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.registry import layer_kinds
from waterbodem.engine.layer_set import Floats
from waterbodem.measures.design import Effect

Doubles = NDArray[np.float64]
Ranges = Mapping[str, tuple[float, float]]

ACTS: Mapping[LayerVerb, Callable[[Any, float], Any]] = {
    "plus": np.add,
    "min": np.subtract,
    "maal": np.multiply,
    "hoogstens": np.minimum,
    "minstens": np.maximum,
}
DROUGHT = "droogte"


def effective_layers(
    layers: Mapping[str, Floats], effects: Sequence[Sequence[Effect]], ranges: Ranges
) -> dict[str, Floats]:
    """Return layers with the effects of measures, float32; unknown and absent stay so.

    Parameters
    ----------
    layers : mapping of layer id to float32 array
    effects : sequence of sequence of Effect
        Per measure; one on a layer that is not in the data does nothing.
    ranges : mapping of layer id to (low, high)
        What is plausible, where the data say it themselves.
    """
    moved: dict[str, Doubles] = {}
    for some in effects:
        for effect in some:
            if effect.layer in layers:
                values = moved.get(effect.layer, layers[effect.layer].astype(np.float64))
                moved[effect.layer] = ACTS[effect.verb](values, effect.number)
        _hold({e.layer for e in some}, moved, ranges)
    if DROUGHT in moved:
        least = measure_rules().regels.droogte_blijft * layers[DROUGHT].astype(np.float64)
        moved[DROUGHT] = np.maximum(moved[DROUGHT], least)
    stay = {n: np.where(np.isposinf(layers[n]), layers[n], v.astype(np.float32)) for n, v in moved.items()}
    return {**layers, **stay}


def _hold(names: Iterable[str], moved: dict[str, Doubles], ranges: Ranges) -> None:
    """Hold what a measure moved within what is plausible; what may be absent may be made so."""
    for name in names:
        if name in moved:
            kind, values = layer_kinds()[name], moved[name]
            held = np.clip(values, *ranges.get(name, kind.range))
            moved[name] = np.where(np.isposinf(values), values, held) if kind.may_be_absent else held
