"""Present use in words: what a plan is held against, and where that comes from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True)
class PresentUse:
    """Present use of some cells: the functies that may lie there, and where that is known from.

    Parameters
    ----------
    functies : tuple of Functie
        One for all cells, or all that a raster can name.
    source, label : str
        As :func:`reference_source` and :func:`reference_label` tell them.
    one : bool
        Whether one functie holds for all cells.
    """

    functies: tuple[Functie, ...]
    source: str
    label: str
    one: bool

    @classmethod
    def of(cls, reference: Any, layers: Collection[str]) -> PresentUse:
        """Present use as it is given (a functie, a raster, or None) on layers of these names."""
        one = assumed() if reference is None and USE not in layers else reference
        known = (one,) if isinstance(one, Functie) else tuple(registry.load_functies().values())
        told = reference_source(reference, layers), reference_label(reference, layers)
        return cls(known, *told, one=isinstance(one, Functie))

    @property
    def assumed(self) -> bool:
        """Whether nothing tells the present use."""
        return self.source == ASSUMED

    def number(self, functie: Functie) -> int:
        """Place of a functie among those that may lie there, from 1; 0: it is none of them."""
        return 1 + self.functies.index(functie) if functie in self.functies else 0
