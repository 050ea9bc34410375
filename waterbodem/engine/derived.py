"""Layers that are not in the data but follow from those that are: rekenregels section 1."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from waterbodem.definitions.models import Derivation
from waterbodem.definitions.registry import layer_kinds


def derivation_of(layer: str) -> Derivation | None:
    """Return how a layer follows from others; None if it does not."""
    return layer_kinds()[layer].afleiding


def derived_of(present: Collection[str]) -> tuple[str, ...]:
    """Return the layers that are not in the data and follow from those that are.

    Examples
    --------
    >>> derived_of(["ghg", "glg"]), derived_of(["ghg", "gvg", "glg"])
    (('gvg',), ())
    """
    rules = ((name, kind.afleiding) for name, kind in layer_kinds().items() if name not in present)
    return tuple(name for name, rule in rules if rule and all(n in present for n in rule.factoren))


def with_sources(wanted: Iterable[str], present: Collection[str] = ()) -> set[str]:
    """Return layers with those that they follow from where they are not in the data."""
    rules = {name: derivation_of(name) for name in wanted}
    return {*rules, *(n for name, r in rules.items() if r and name not in present for n in r.factoren)}
