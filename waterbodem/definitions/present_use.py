"""Present use in words: what a plan is held against, and where that comes from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie

#: The layer of present use.
USE = "gebruik"
GIVEN, MAPPED, ASSUMED = "gegeven", "gebruik", "aangenomen"


def assumed() -> Functie:
    """Present use where nothing tells it."""
    return registry.builtin_functies()[registry.burden_rules().reference]


def reference_source(reference: Any, layers: Collection[str]) -> str:
    """Where the present use comes from on layers of these names: ``gegeven``, ``gebruik`` or ``aangenomen``.

    Examples
    --------
    >>> reference_source(None, ["ghg"]), reference_source(None, ["ghg", "gebruik"])
    ('aangenomen', 'gebruik')
    """
    if reference is not None:
        return GIVEN
    return MAPPED if USE in layers else ASSUMED


def reference_label(reference: Any, layers: Collection[str] = ()) -> str:
    """Id of the present use, ``raster``, or ``gebruik``: what holds on layers of these names.

    Examples
    --------
    >>> reference_label(None, ["ghg"]), reference_label(None, ["ghg", "gebruik"])
    ('grasland_veeteelt', 'gebruik')
    """
    if reference is None:
        return USE if USE in layers else assumed().id
    return reference.id if isinstance(reference, Functie) else "raster"
