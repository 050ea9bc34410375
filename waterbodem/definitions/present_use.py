"""Present use in words: what a plan is held against, and where that comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from waterbodem.core.errors import DefinitionError
from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.definitions.models import OWN, OWN_CODE, Functie
from waterbodem.definitions.registry import Functies

#: The layer of present use.
USE = "gebruik"
GIVEN, MAPPED, ASSUMED = "gegeven", "gebruik", "aangenomen"
#: Functies that a cell may hold: their places are kept in a byte, of which 0 is unknown.
MOST = 254


class CodeSource(Protocol):
    """What gives the codes of functies on a block of cells."""

    def read(self, grid: Grid) -> NDArray[Any]:
        """Codes (rows, cols); NaN = unknown."""


@dataclass(frozen=True, eq=False)
class UseMap:
    """Present use as codes of functies: of a raster, or of layer ``gebruik`` where there is none.

    Parameters
    ----------
    functies : Functies
        What codes may stand for.
    file : Path, optional
        Where the raster stands, if in a file.
    told : mapping of str to str
        File, sha256 and resampling of the raster, for herkomst.
    source : CodeSource, optional
        What gives the codes of the raster on any block.
    codes : array (rows, cols), optional
        Those on the cells in question.

    Examples
    --------
    >>> UseMap().is_raster, UseMap(file=Path("gebruik.tif")).is_raster
    (False, True)
    """

    functies: Functies = field(default_factory=registry.load_functies)
    file: Path | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    source: CodeSource | None = None
    codes: NDArray[Any] | None = None

    @property
    def is_raster(self) -> bool:
        """Whether codes are given apart from the layers."""
        return any(part is not None for part in (self.file, self.source, self.codes))

    @property
    def own(self) -> tuple[Functie, ...]:
        """Functies of the user's own among those that codes may stand for."""
        return tuple(f for f in self.functies.values() if f.code >= OWN_CODE)

    def on(self, block: Grid) -> UseMap:
        """The same on a block of cells."""
        return self if self.source is None else self.holding(self.source.read(block))

    def holding(self, codes: NDArray[Any]) -> UseMap:
        """The same with the codes of the cells in question, apart from where they came from."""
        return replace(self, codes=codes, source=None)

    def knowing(self, asked: Sequence[Functie]) -> UseMap:
        """The same, where codes may also stand for functies of the user's own that are asked.

        One with parameters that were replaced is another functie, and of two with one code it is not known which lies
        there: neither counts.
        """
        known, own = self.functies, list[Functie]()
        for functie in asked:
            if functie.code >= OWN_CODE and not _is_changed(functie) and functie not in own:
                own.append(functie)
        many = Counter(f.code for f in own)
        taken = {*known.by_code(), *(code for code, count in many.items() if count > 1)}
        return replace(self, functies=known.extended(f for f in own if f.code not in taken and f.id not in known))


def _is_changed(functie: Functie) -> bool:
    return any(OWN in parameter.bron for parameter in functie.parameters.values())


#: Present use: a functie, a map, codes on the cells in question, or None: layer ``gebruik``, else the one assumed.
Reference = Functie | UseMap | NDArray[Any] | None


def assumed() -> Functie:
    """Present use where nothing tells it."""
    return registry.builtin_functies()[registry.burden_rules().reference]


def is_given(reference: Any) -> bool:
    """Whether present use is given apart from the layers.

    Examples
    --------
    >>> is_given(None), is_given(UseMap()), is_given(assumed())
    (False, False, True)
    """
    return reference.is_raster if isinstance(reference, UseMap) else reference is not None


def known_functies(reference: Any) -> Functies:
    """Functies that codes of the present use may stand for."""
    return reference.functies if isinstance(reference, UseMap) else registry.load_functies()


def reference_source(reference: Any, layers: Collection[str]) -> str:
    """Where the present use comes from on layers of these names: ``gegeven``, ``gebruik`` or ``aangenomen``.

    Examples
    --------
    >>> reference_source(None, ["ghg"]), reference_source(None, ["ghg", "gebruik"])
    ('aangenomen', 'gebruik')
    """
    if is_given(reference):
        return GIVEN
    return MAPPED if USE in layers else ASSUMED


def reference_label(reference: Any, layers: Collection[str] = ()) -> str:
    """Id of the present use, ``raster``, or ``gebruik``: what holds on layers of these names.

    Examples
    --------
    >>> reference_label(None, ["ghg"]), reference_label(None, ["ghg", "gebruik"])
    ('grasland_veeteelt', 'gebruik')
    """
    if not is_given(reference):
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
        """Present use as it is given (a functie, a map, or None) on layers of these names.

        Raises
        ------
        DefinitionError
            If more functies may lie there than can be told apart.
        """
        mapped = USE in layers if not is_given(reference) else not isinstance(reference, Functie)
        one = reference if isinstance(reference, Functie) else assumed()
        known = tuple(known_functies(reference).values()) if mapped else (one,)
        if len(known) > MOST:
            raise DefinitionError("too many functies in the present use", value=len(known), allowed=f"at most {MOST}")
        return cls(known, reference_source(reference, layers), reference_label(reference, layers), one=not mapped)

    @property
    def assumed(self) -> bool:
        """Whether nothing tells the present use."""
        return self.source == ASSUMED

    def number(self, functie: Functie) -> int:
        """Place of a functie among those that may lie there, from 1; 0: it is none of them."""
        return 1 + self.functies.index(functie) if functie in self.functies else 0
