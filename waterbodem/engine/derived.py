"""Layers that are not in the data but follow from those that are: gvg of ghg and glg, rekenregels section 1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.registry import layer_kinds
from waterbodem.kernels.levels import GHG, GLG, GVG, LEVELS, gvg_of


def sources_of(layer: str) -> tuple[str, ...]:
    """Return the layers that a layer follows from; none if it does not."""
    rule = layer_kinds()[layer].afleiding
    return tuple(rule.factoren) if rule else ()


def derived_of(present: Collection[str]) -> tuple[str, ...]:
    """Return the layers that are not in the data and follow from those that are.

    Examples
    --------
    >>> derived_of(["ghg", "glg"]), derived_of(["ghg", "gvg", "glg"])
    (('gvg',), ())
    """
    absent = {name: sources_of(name) for name in layer_kinds() if name not in present}
    return tuple(name for name, sources in absent.items() if sources and all(n in present for n in sources))


def with_sources(wanted: Iterable[str], present: Collection[str] = ()) -> set[str]:
    """Return layers with those that they follow from where they are not in the data."""
    names = set(wanted)
    return names.union(*(sources_of(n) for n in names if n not in present))


def gvg_numbers() -> NDArray[np.float32]:
    """Return constant, factor of ghg and factor of glg, as the kernels take them."""
    rule = layer_kinds()[LEVELS[GVG]].afleiding
    assert rule is not None
    return np.array([rule.vast, rule.factoren[LEVELS[GHG]], rule.factoren[LEVELS[GLG]]], np.float32)


def with_derived(layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return float32 layers, or values of one cell, with those that follow from them."""
    made = {n: gvg_of(layers[LEVELS[GHG]], layers[LEVELS[GLG]], *gvg_numbers()) for n in derived_of(layers)}
    return {**layers, **made}
