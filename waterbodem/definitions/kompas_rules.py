"""Rules of the Kompas: six principles of water en bodem sturend as data (rekenregels section 8)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from waterbodem.core.errors import DefinitionError, nearest
from waterbodem.definitions import registry
from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.models import Consequence, Definition, Sourced
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.validation import validated

Symbol = Literal["--", "-", "0", "+", "++", "?"]
SYMBOLS: tuple[Symbol, ...] = ("--", "-", "0", "+", "++")
UNKNOWN: Symbol = "?"


#: How a number in a reason may be written: decimals, a percentage, two significant digits, a sign.
_FORMAT = re.compile(r"(\+?(\.\d[f%]|rond))?")


def _plain_fields(text: str) -> str:
    """Return a reason as it is; refuse fields that are more than a name and decimals: rules come from anyone."""
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None and (not name.isidentifier() or conversion or not _FORMAT.fullmatch(spec or "")):
            raise ValueError(f"a field must be a name with decimals, such as {{risico:.2f}}; got {name!r}, {spec!r}")
    return text


#: A sentence with names of measures in braces.
Reason = Annotated[str, AfterValidator(_plain_fields)]


class Condition(Definition):
    """A border on one measure."""

    maat: str
    min: float | None = None
    max: float | None = None
    onder: float | None = None
    boven: float | None = None

    def holds(self, value: Any, margin: float) -> Any:
        """Tell whether a value (or every value of an array) meets the border; NaN never does."""
        if self.min is not None:
            return value + margin >= self.min
        if self.max is not None:
            return value - margin <= self.max
        if self.onder is not None:
            return value + margin < self.onder
        return value - margin > (math.inf if self.boven is None else self.boven)


Cases = tuple[tuple[Condition, ...], ...]


class SymbolLine(Definition):
    """A symbol and the cases in which it is given."""

    symbool: Symbol
    als: Cases


class Scale(Definition):
    """Lines of which the first that matches wins, and the measures that must be known."""

    nodig: tuple[str, ...]
    regels: tuple[SymbolLine, ...]


class Text(Definition):
    """A sentence; where a user's own rules have no English the Dutch stands in both."""

    tekst: Reason
    text: Reason = ""

    def told(self, taal: str) -> str:
        """The sentence in a language."""
        return self.text if taal == "en" and self.text else self.tekst


class Limit(Text):
    """What pulls a symbol down afterwards."""

    als: Cases
    hoogstens: Symbol | None = None
    stap: int = 0


class Principle(Definition):
    """One of the six principles; ``tegen_gebruik``: a judgement against the present use."""

    naam: str
    name: str
    kolom: str
    getal: str
    eenheid: str
    tegen_gebruik: bool = False
    reden: Reason
    reason: Reason = ""
    schalen: tuple[Scale, ...]
    begrenzing: tuple[Limit, ...] = ()
    onbekend_als: Cases = ()
    onbekend_tekst: str = ""
    unknown_text: str = ""

    @property
    def all_cases(self) -> tuple[Cases, ...]:
        """Cases of lines, limits and what makes it unknown."""
        return (
            *(line.als for s in self.schalen for line in s.regels),
            *(x.als for x in self.begrenzing),
            self.onbekend_als,
        )


class DerivedQuantity(Text):
    """A measure that is 1 where one of the cases holds, else 0; ``onzeker_telt``: also for means of little area."""

    als: Cases
    onzeker_telt: bool = False


class Chance(Definition):
    """Where there is a chance of recovery."""

    functie: str
    klassen: tuple[str, ...]
    als: Cases


class Extremes(Definition):
    """Layers that tell of extremes, as far as they weigh enough and more of them is worse."""

    lagen: tuple[str, ...]
    gewicht: float


class Horizon(Definition):
    """The year that scenarios must reach: ``jaar``, or ``jaar_lang`` of what lasts longer than ``levensduur_jr``."""

    levensduur_jr: float
    jaar: float
    jaar_lang: float

    def year(self, lifetime: float) -> float:
        """The year for a functie of that lifetime [yr]."""
        return self.jaar_lang if lifetime > self.levensduur_jr else self.jaar


class FiredThresholds(Definition):
    """Thresholds on some layers with some consequences."""

    lagen: tuple[str, ...]
    gevolgen: tuple[Consequence, ...]


class Neighbours(Definition):
    """Which uses beside a plan are burdened by wetting (codes of functies), and from which rise on [m].

    Without a rise of one's own it is that from which neighbours count as wetter everywhere.
    """

    gebruik: tuple[int, ...]
    rijzing_m: float | None = None

    @property
    def rise_m(self) -> float:
        """The rise from which on they are burdened [m]."""
        return reception_rules().value("natter_m") if self.rijzing_m is None else self.rijzing_m


class Remarks(Definition):
    """What stands beside a symbol where something else than its lines decides, and words in reasons."""

    dekking: Text
    aangenomen: Text
    weinig: Text
    zelf: Text
    ongewijzigd: Text
    huidig: Text
    geen: Text
    en: Text


class KompasRules(Sourced):
    """All of kompas.toml."""

    bekend_min: float
    dekking_min: float
    zelf_min: float
    marge: float
    marge_grof: float
    grof: tuple[str, ...]
    ontlasting_klassen: tuple[str, ...]
    levensduur_vol_jr: float
    ophoging_vol_m: float
    zetting_vol_m: float
    veen_vol_mm_jr: float
    bodemlast_zeker: float
    risico_zeer_hoog: float
    extremen: Extremes
    horizon: Horizon
    buren: Neighbours
    kans: Chance
    aandelen: Mapping[str, Cases]
    drempels: Mapping[str, FiredThresholds]
    afgeleid: Mapping[str, DerivedQuantity]
    opmerkingen: Remarks
    beginselen: Mapping[str, Principle]

    def margin(self, maat: str) -> float:
        """What float noise of a measure may be, in favour of "at least"."""
        return self.marge_grof if maat in self.grof else self.marge

    @cached_property
    def of_change(self) -> frozenset[str]:
        """Chance, shares and thresholds that judgements against the present use look at: only where that is another."""
        here = {"kans", *self.aandelen, *self.drempels}
        change, whole = self._looked_at(True) & here, self._looked_at(False) & here
        if change & whole:
            what, allowed = "a measure of two kinds of principles", "a name for each"
            raise DefinitionError(what, value=sorted(change & whole), allowed=allowed, where="kompas")
        return frozenset(change)

    @property
    def needed(self) -> frozenset[str]:
        """Measures that must be known."""
        return frozenset(n for p in self.beginselen.values() for scale in p.schalen for n in scale.nodig)

    def _looked_at(self, against: bool) -> set[str]:
        """Measures that principles look at, those against the present use or the others; also through derived ones."""
        chosen = [p for p in self.beginselen.values() if p.tegen_gebruik is against]
        named = {c.maat for p in chosen for cases in p.all_cases for case in cases for c in case}
        return named | {c.maat for n in named & set(self.afgeleid) for case in self.afgeleid[n].als for c in case}


@cache
def builtin_rules() -> KompasRules:
    """Return the rules that come with the package."""
    path = files("waterbodem.data").joinpath("kompas.toml")
    return validated(KompasRules, read_toml(path), "kompas.toml")


def load_rules(path: str | Path) -> KompasRules:
    """Kompas rules of a user's own, from a file in the form of the package's kompas.toml.

    Raises
    ------
    DefinitionError
        If the file is not there, a key is wrong, or the functie of ``kans`` is unknown.

    Examples
    --------
    >>> import waterbodem as wb
    >>> wb.kompas_regels(files("waterbodem.data").joinpath("kompas.toml")).bekend_min
    0.6
    """
    rules = validated(KompasRules, read_toml(Path(path)), str(path))
    _ = rules.of_change
    known = registry.builtin_functies()
    if rules.kans.functie not in known:
        allowed = nearest(rules.kans.functie, known)
        raise DefinitionError("unknown functie", value=rules.kans.functie, allowed=allowed, where=f"{path}: kans")
    return rules


def any_case(cases: Cases, amounts: Mapping[str, Any], margin: Callable[[str], float]) -> Any:
    """Tell whether all conditions of one of the cases hold; a measure that is not there is unknown.

    ``margin`` tells for a measure what float noise may be.
    """
    holds: Any = False
    for case in cases:
        both: Any = True
        for condition in case:
            both = both & condition.holds(amounts.get(condition.maat, math.nan), margin(condition.maat))
        holds = holds | both
    return holds
