"""How an answer is worded and coloured for a planner: what plots, notebook and report share."""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Protocol

from waterbodem.core.errors import ArgumentError
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import RGB, AnswerClass, Functie, RiskClass, Threshold
from waterbodem.definitions.notation import typeset, written
from waterbodem.definitions.present_use import ASSUMED, GIVEN, UseMap, assumed, reference_source
from waterbodem.definitions.units import unit_text

LANGUAGES = ("nl", "en")
PALETTES = ("landelijk", "kleurenblind")

#: Longest name that is shown.
NAME = 120
#: Units in which hundredths count.
FINE_UNITS = ("1", "m", "m/m")

Texts = Mapping[str, Any]


@cache
def texts(taal: str) -> Texts:
    """Return the fixed texts of a language.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    if taal not in LANGUAGES:
        raise ArgumentError("no texts in this language", value=taal, allowed=", ".join(LANGUAGES), where="taal")
    path = files("waterbodem.data").joinpath("teksten", f"{taal}.toml")
    return MappingProxyType(tomllib.loads(path.read_text("utf-8")))


def name_of(thing: Any, taal: str = "nl") -> str:
    """Return the name of a functie, layer, component or class in a language, on one line."""
    return short_name(str(thing.naam if taal == "nl" else thing.name or thing.naam), NAME)


def reference_text(reference: Any, layers: Collection[str], taal: str = "nl") -> str:
    """Return what an answer on layers of these names is compared with, as a sentence without its point.

    ``reference`` is a functie, a raster, or None: layer ``gebruik``, else the functie that is assumed.
    """
    words, source = texts(taal)["rapport"], reference_source(reference, layers)
    if source == ASSUMED:
        return str(words["aangenomen"]).format(naam=name_within(name_of(assumed(), taal)))
    return str(words["vergeleken"]).format(naam=reference_name(reference, layers, taal))


def reference_name(reference: Any, layers: Collection[str], taal: str = "nl") -> str:
    """Return the name of the present use, marked where it is assumed, or what holds it."""
    words, source = texts(taal)["rapport"], reference_source(reference, layers)
    if isinstance(reference, Functie):
        return name_of(reference, taal)
    if source == ASSUMED:
        return str(words["naam_aangenomen"]).format(naam=name_of(assumed(), taal))
    if isinstance(reference, UseMap) and reference.file is not None:
        return str(words["rasterbestand"]).format(bestand=short_name(reference.file.name, NAME))
    return str(words["raster" if source == GIVEN else "uit_gebruik"])


# --- numbers ---------------------------------------------------------------------------------------------------------


def decimal(value: float, digits: int = 2, taal: str = "nl") -> str:
    """Return a number as a planner writes it; a word where it is unknown.

    Examples
    --------
    >>> decimal(1234.5, 1), decimal(-0.004), decimal(1234.5, 1, "en"), decimal(float("nan"))
    ('1.234,5', '0,00', '1,234.5', 'onbekend')
    """
    if value is None or math.isnan(value):
        return str(texts(taal)["onbekend"])
    if math.isinf(value):
        return str(texts(taal)["afwezig"])
    return typeset(f"{value:,.{digits}f}", taal)


def percent(value: float, taal: str = "nl", digits: int = 0) -> str:
    r"""Return a share as a percentage; a trace, of either sign, is not 0 and almost all is not 100.

    This is the one rule for a share in words, on every view; a map of percentages holds whole ones, 0 for a trace.

    Examples
    --------
    >>> percent(0.5), percent(0.002), percent(0.999), percent(1.0)
    ('50\xa0%', '<1\xa0%', '>99\xa0%', '100\xa0%')
    >>> percent(0.0004, digits=1), percent(0.1234, "en", 1), percent(0.9996, digits=1)
    ('<0,1\xa0%', '12.3\xa0%', '>99,9\xa0%')
    >>> percent(-0.25) == "\u221225\xa0%", percent(-0.001) == ">\u22121\xa0%"
    (True, True)
    """
    if math.isnan(value):
        return decimal(value, taal=taal)
    step = 10.0**-digits
    shown = 100 * value
    if 0 < abs(shown) < step / 2:
        return f"{'<' if value > 0 else '>'}{decimal(math.copysign(step, value), digits, taal)}\u00a0%"
    if 100 - step / 2 <= shown < 100 - 1e-4:
        return f">{decimal(100 - step, digits, taal)}\u00a0%"
    return f"{decimal(shown, digits, taal)}\u00a0%"


def trace(value: float, digits: int = 2, taal: str = "nl") -> str:
    """Return a number that is above 0; one too small for its digits is not 0.

    Examples
    --------
    >>> trace(1.32), trace(0.004), trace(0.0)
    ('1,32', '<0,01', '0,00')
    """
    smallest = 10.0**-digits
    return f"<{decimal(smallest, digits, taal)}" if 0 < value < smallest / 2 else decimal(value, digits, taal)


def plain_number(value: float, taal: str = "nl") -> str:
    """Return a number of a definition, as short as it is written there.

    Examples
    --------
    >>> plain_number(0.25), plain_number(2.0), plain_number(1e-6)
    ('0,25', '2', '0,000001')
    """
    if not math.isfinite(value):
        return decimal(value, taal=taal)
    return written(value, taal)


def brief_number(value: float, digits: int = 4, taal: str = "nl") -> str:
    """Return a measured number of whatever size in so many significant digits.

    Examples
    --------
    >>> brief_number(0.0123456), brief_number(1234.5, 3)
    ('0,01235', '1230')
    """
    return plain_number(float(f"{value:.{digits}g}"), taal)


#: Formats of a number in two significant digits.
ROUNDED = ("rond", "+rond")


@dataclass(frozen=True)
class Amount:
    """A number that fills in a text of a data file, by the format that stands there, in the notation of a language.

    A format of per cents (``.0%``) is written by the rule of :func:`percent`, one called ``rond`` (with its sign
    ``+rond``) by that of :func:`rounded`.

    Examples
    --------
    >>> "{a:.1f} m; {b:.0%}".format(a=Amount(-0.25), b=Amount(0.002)) == "\u22120,2 m; <1\u00a0%"
    True
    """

    value: float
    taal: str = "nl"

    def __format__(self, spec: str) -> str:
        if math.isnan(self.value):
            return decimal(self.value, taal=self.taal)
        if spec in ROUNDED:
            sign = "+" if spec == "+rond" and self.value >= 0 else ""
            return f"{sign}{rounded(self.value, self.taal)}"
        share = re.fullmatch(r"\.(\d+)%", spec)
        return percent(self.value, self.taal, int(share[1])) if share else typeset(f"{self.value:{spec}}", self.taal)


def rounded(value: float, taal: str = "nl") -> str:
    """Return a quantity as a sentence tells it: in two significant digits.

    Examples
    --------
    >>> rounded(12345.6), rounded(0.0123), rounded(99.6, "en")
    ('12.000', '0,012', '100')
    """
    short_ = float(f"{value:.2g}")
    return decimal(short_, 0, taal) if abs(short_) >= 10 else plain_number(short_, taal).replace("-", "\u2212")


def digits_of(unit: str) -> int:
    """Return how many decimals a quantity deserves: centimetres and hundredths, but whole mm and m³."""
    return 2 if unit in FINE_UNITS else 0


def amount(value: float, unit: str, taal: str = "nl") -> str:
    r"""Return a number with its unit; a unit of 1 is not written.

    Examples
    --------
    >>> amount(281.48, "m3/ha"), amount(0.319, "1"), amount(0.07, "m")
    ('281\xa0m³/ha', '0,32', '0,07\xa0m')
    """
    shown = decimal(value, digits_of(unit), taal)
    return shown if unit == "1" or math.isnan(value) else f"{shown}\u00a0{unit_text(unit, taal)}"


def short_name(text: str, length: int = 60) -> str:
    r"""Return a name on one line without control characters, cut with an ellipsis.

    Examples
    --------
    >>> short_name("Plan  Es\n", 20), short_name("abcdefgh", 5)
    ('Plan Es', 'abcd…')
    """
    clean = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def isolated(name: str) -> str:
    r"""Return a name for the middle of a sentence: one that runs from right to left leaves the order of its neighbours.

    Examples
    --------
    >>> isolated("Plan Es"), isolated("\u05e9\u05db") == "\u2068\u05e9\u05db\u2069"
    ('Plan Es', True)
    """
    turned = any(unicodedata.bidirectional(c) in ("R", "AL") for c in name)
    return f"\u2068{name}\u2069" if turned else name


def name_within(name: str) -> str:
    """Return a name as it stands inside a sentence; abbreviations keep their capitals.

    Examples
    --------
    >>> name_within("Natte natuur"), name_within("GHG")
    ('natte natuur', 'GHG')
    """
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


# --- classes and colours ---------------------------------------------------------------------------------------------


@cache
def answer_steps() -> Mapping[str, AnswerClass]:
    """Return the answer scale by letter, best first, unknown last."""
    return MappingProxyType({s.letter: s for s in registry.answer_scale().values()})


@cache
def graded() -> tuple[str, ...]:
    """Return the letters of assessed classes, best first."""
    return tuple(s.letter for s in answer_steps().values() if s.score_min is not None)


@cache
def unknown_class() -> AnswerClass:
    """Return the class for too little data."""
    return next(s for s in answer_steps().values() if s.score_min is None)


def colour_of(step: AnswerClass, kleuren: str = "landelijk") -> RGB:
    """Return the colour of a class in the national or the colour-blind-safe palette.

    Raises
    ------
    ArgumentError
        If the palette is not known.
    """
    if kleuren not in PALETTES:
        raise ArgumentError("unknown palette", value=kleuren, allowed=", ".join(PALETTES), where="kleuren")
    return step.kleur if kleuren == "landelijk" else step.kleur_kleurenblind


def answer_text(letter: str, taal: str = "nl") -> str:
    """Return the answer in words."""
    return answer_steps()[letter].antwoord if taal == "nl" else answer_steps()[letter].answer


def risk_class(value: float) -> RiskClass | None:
    """Return the class of a risk; None where it is unknown."""
    rules = registry.burden_rules()
    passed = [c for c in rules.risk_classes if value + rules.constants["marge"] >= c.vanaf]
    return passed[-1] if passed else None


def risk_text(value: float, taal: str = "nl") -> str:
    """Return a risk in two digits; cut where rounding would name another class.

    Examples
    --------
    >>> risk_text(0.41), risk_text(0.3986), risk_text(float("nan"))
    ('0,41', '0,39', 'onbekend')
    """
    same = math.isnan(value) or risk_class(round(value, 2)) is risk_class(value)
    return decimal(value if same else math.floor(100 * value) / 100, 2, taal)


def symbol_colour(symbol: str, kleuren: str = "landelijk") -> RGB:
    """Return the colour of a Kompas symbol: that of the answer class with the same symbol."""
    return colour_of(next((s for s in answer_steps().values() if s.kompas == symbol), unknown_class()), kleuren)


def css(colour: RGB) -> str:
    """Return a colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink(colour: RGB) -> str:
    """Return black or white, whichever reads best on a colour (WCAG relative luminance)."""
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000" if luminance > 0.179 else "#fff"


def chip_style(colour: RGB) -> str:
    """Return the inline style of a coloured label."""
    return f"background:{css(colour)};color:{ink(colour)}"


# --- names -----------------------------------------------------------------------------------------------------------


def layer_label(name: str, taal: str = "nl") -> str:
    """Return the name of a layer, also of one in a scenario.

    Examples
    --------
    >>> layer_label("ghg"), layer_label("droogte@2050Hd")
    ('GHG', 'Droogte (2050Hd)')
    """
    base, *told = LayerName.of(name)
    kind = registry.layer_kinds().get(base)
    label, beside = name_of(kind, taal) if kind else base, ", ".join(t for t in told if t)
    return f"{label} ({beside})" if beside else label


def derived_text(name: str, taal: str = "nl") -> str:
    """Return of what a layer that is not in the data was made.

    Examples
    --------
    >>> derived_text("gvg")
    'GVG is niet gegeven maar afgeleid uit GHG en GLG'
    """
    rule = registry.layer_kinds()[name].afleiding
    sources = f" {texts(taal)['en']} ".join(layer_label(n, taal) for n in (rule.factoren if rule else ()))
    return str(texts(taal)["afgeleid"].format(laag=layer_label(name, taal), lagen=sources))


def resampled_text(told: str, taal: str = "nl") -> str:
    """Return how a layer was brought onto the cells, for a reader; what is not known stays as it is.

    Examples
    --------
    >>> resampled_text("average from 25 m EPSG:28992"), resampled_text("")
    ('gemiddelde van cellen van 25 m (EPSG:28992)', '')
    """
    found = re.fullmatch(r"(\w+) from (\S+) m (.+)", told)
    words = texts(taal)["herschaald"]
    if not found or found[1] not in words:
        return told
    return str(words[found[1]].format(m=plain_number(float(found[2]), taal), crs=found[3]))


def criterion_label(name: str, taal: str = "nl") -> str:
    """Return the name of a criterion: a layer, a group of layers, or a threshold that excludes.

    Examples
    --------
    >>> criterion_label("keileemdiepte+kwel"), criterion_label("drempel")
    ('Keileemdiepte of Kwel', 'Drempel die uitsluit')
    """
    if name == "drempel":
        return str(texts(taal)["drempel_sluit_uit"])
    return f" {texts(taal)['of']} ".join(layer_label(n, taal) for n in name.split("+"))


def number_label(name: str, taal: str = "nl") -> str:
    """Return what a parameter or constant stands for, with its unit; its id where no text is known.

    Examples
    --------
    >>> number_label("ontwatering_m"), number_label("levensduur_jr", "en")
    ('Ontwateringsdiepte (m)', 'Lifetime (yr)')
    """
    return str(texts(taal)["getallen"].get(name, name))


def threshold_label(threshold: Threshold, taal: str = "nl") -> str:
    """Return when a threshold fires, in words.

    Examples
    --------
    >>> from waterbodem.definitions.registry import load_functies
    >>> [threshold_label(t) for t in load_functies()["woningbouw"].drempels[1:8:2]]
    ['Kwel 2 mm/d of meer', 'GHG minder dan 0,3 m', 'Beekdal', 'Natuur: Natuurnetwerk (NNN) of strenger']
    """
    kind = registry.layer_kinds()[threshold.laag]
    if kind.codes and threshold.operator in ("==", ">="):
        code = kind.codes.get(int(threshold.waarde), plain_number(threshold.waarde, taal))
        stricter = "" if threshold.operator == "==" else f" {texts(taal)['of_strenger']}"
        return name_of(kind, taal) if code == kind.id else f"{name_of(kind, taal)}: {code}{stricter}"
    value = (
        f"{plain_number(threshold.waarde, taal)} {'' if kind.soort == 'klasse' else unit_text(kind.unit, taal)}".strip()
    )
    return f"{name_of(kind, taal)} {texts(taal)['operator'][threshold.operator].format(value)}"


class HasFuncties(Protocol):
    """What holds the functies that were asked."""

    @property
    def functies(self) -> tuple[Functie, ...]:
        """In the order asked."""
        ...


class HasQuestion(Protocol):
    """An answer, as far as its question goes."""

    @property
    def question(self) -> HasFuncties:
        """What was asked."""
        ...


def functies_of(assessment: HasQuestion) -> dict[str, Functie]:
    """Return the functies that were asked, by id."""
    return {f.id: f for f in assessment.question.functies}


def is_fictitious(layers: Any) -> bool:
    """Tell whether a dataset, or any of its layers, says that it is made up (attribute ``verzonnen``)."""
    return bool(layers.attrs.get("verzonnen")) or any(layers[n].attrs.get("verzonnen") for n in layers.data_vars)
