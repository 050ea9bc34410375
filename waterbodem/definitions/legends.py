"""Which value of an output raster has which colour and name: all from data files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import ArgumentError, DefinitionError, nearest
from waterbodem.definitions import registry
from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.models import RGB, AnswerClass, RiskClass
from waterbodem.definitions.registry import noise

RGBA = tuple[int, int, int, int]
Share = tuple[float, float, float]

FULL = 100


@dataclass(frozen=True)
class Legend:
    """Colours and names of the values of one raster.

    Parameters
    ----------
    colours : mapping of value to RGBA
        0..255 each; what lies outside is transparent.
    names : mapping of value to str
        For the same values, in Dutch.
    classes : bool
        Whether values are codes (no mean exists) or percentages.
    stops : mapping of value to str
        Of percentages: the values whose colour stands in the data, rising, and what a legend calls them.
    steps : bool
        Of percentages: whether a colour holds until the next stop, or runs straight to it.
    """

    colours: Mapping[int, RGBA]
    names: Mapping[int, str]
    classes: bool
    stops: Mapping[int, str] = field(default_factory=dict)
    steps: bool = False

    @property
    def nodata(self) -> int:
        """Value of cells that were not asked for, or are unknown."""
        return nodata()

    def categories(self) -> list[str]:
        """Return a name for every value from 0, empty where there is none."""
        return [self.names.get(value, "") for value in range(max(self.names) + 1)]

    def shares(self) -> dict[int, Share]:
        """Return colours as shares 0..1, as plotting libraries take them; without the transparent ones."""
        return {value: share(rgba[:3]) for value, rgba in self.colours.items() if rgba[3]}


@cache
def _data() -> Mapping[str, Any]:
    return MappingProxyType(read_toml(files("waterbodem.data").joinpath("kleuren.toml")))


def nodata() -> int:
    """Return the value of cells that were not asked for."""
    return int(_data()["buiten"]["code"])


def share(colour: RGB) -> Share:
    """Return a colour as shares 0..1.

    Examples
    --------
    >>> share((255, 0, 51))
    (1.0, 0.0, 0.2)
    """
    red, green, blue = colour
    return red / 255, green / 255, blue / 255


def legend(product: str, criteria: Sequence[str] = ()) -> Legend:
    """Return the legend of an output raster.

    Parameters
    ----------
    product : str
        geschiktheid, klasse, bepalend, oorzaak, dekking, risico, benedenstrooms, blootstelling_onbekend,
        ontvangst or grondwater.
    criteria : sequence of str
        For ``bepalend``: the criteria of the functie, in order.

    Raises
    ------
    ArgumentError
        If there is no such product.

    Examples
    --------
    >>> legend("klasse").names[1], legend("bepalend", ["kwel", "ghg+glg"]).colours[0]
    ('A ja', (136, 204, 238, 255))
    """
    if product == "bepalend":
        return _limiting(criteria)
    if product in _OWN:
        return _OWN[product]()
    for table, form in (("verloop", _ramp), ("trappen", _stepped)):
        if product in _data()[table]:
            return form(product)
    raise ArgumentError("no such output", value=product, allowed=nearest(product, _data()["kaarten"]))


def map_title(product: str) -> str:
    """Return what a map is called in a GIS, in Dutch.

    Examples
    --------
    >>> map_title("risico")
    'Afwentelingsrisico'
    """
    return str(_data()["kaarten"][product])


def area_style() -> Mapping[str, Any]:
    """Return how polygons are drawn in a GIS: colours as [red, green, blue], widths in mm."""
    return MappingProxyType(_data()["gebieden"])


def change_colours() -> dict[str, RGB]:
    """Return the colours of cells that became better, stayed equal, became worse, or are unknown, in that order."""
    return {name: _rgb(colour) for name, colour in _data()["verandering"].items()}


def end_colours() -> dict[str, RGB]:
    """Return the colours of where the way of water ends: open water, no maaiveld, the edge of the data."""
    return {name: _rgb(colour) for name, colour in _data()["einde"].items()}


def class_colours(*, colour_blind: bool = False) -> list[Share]:
    """Return the colours of the answer classes as shares 0..1, in order of code (X first)."""
    scale = sorted(registry.answer_scale().items())
    return [share(step.kleur_kleurenblind if colour_blind else step.kleur) for _, step in scale]


def ramp_colours(product: str) -> list[Share]:
    """Return the colours of 0, 1 .. 100 percent as shares 0..1."""
    shares = legend(product).shares()
    return [shares[value] for value in range(FULL + 1)]


def _with_outside(colours: Mapping[int, RGB], names: Mapping[int, str], outside: str, classes: bool) -> Legend:
    opaque: dict[int, RGBA] = {value: (*colour, 255) for value, colour in colours.items()}
    opaque[nodata()] = (0, 0, 0, 0)
    return Legend(opaque, {**names, nodata(): str(_data()["buiten"][outside])}, classes)


def _answers() -> Legend:
    scale: Mapping[int, AnswerClass] = registry.answer_scale()
    names = {code: f"{step.letter} {step.antwoord}" for code, step in scale.items()}
    return _with_outside({code: step.kleur for code, step in scale.items()}, names, "naam", True)


@cache
def layer_colours() -> Mapping[str, RGB]:
    """Colours of the layers on the map of what limits, by id.

    A layer without one is an error rather than grey: two grey layers could not be told apart on the map, and a layer
    comes with the package, so whoever adds it meets this.

    Raises
    ------
    DefinitionError
        If a layer has no colour.

    Examples
    --------
    >>> layer_colours()["kwel"]
    (136, 204, 238)
    """
    found = {name: _rgb(colour) for name, colour in _data()["bepalend"].items()}
    lacking = [name for name in registry.layer_kinds() if name not in found]
    if lacking:
        allowed = "a line [red, green, blue] for every layer of lagen.toml"
        raise DefinitionError("layer has no colour", value=lacking, allowed=allowed, where="kleuren.toml [bepalend]")
    return MappingProxyType(found)


@cache
def functie_colours() -> Mapping[int, RGB]:
    """Colours of the functies of the package on a map of present use, by code.

    Examples
    --------
    >>> functie_colours()[7]
    (178, 223, 138)
    """
    known = registry.builtin_functies()
    return MappingProxyType({known[id_].code: _rgb(colour) for id_, colour in _data()["functies"].items()})


def _limiting(criteria: Sequence[str]) -> Legend:
    kinds, colours = registry.layer_kinds(), layer_colours()
    members = [name.split("+") for name in criteria]
    names = {i: " of ".join(kinds[m].naam for m in group) for i, group in enumerate(members)}
    return _with_outside({i: colours[group[0]] for i, group in enumerate(members)}, names, "geen_criterium", True)


def _causes() -> Legend:
    colours, parts = _data()["oorzaak"], registry.burden_rules().components
    names = {0: str(_data()["oorzaak_namen"]["geen"]), **{c.nr: c.naam for c in parts}}
    found = {0: _rgb(colours["geen"]), **{c.nr: _rgb(colours[c.id]) for c in parts}}
    return _with_outside(found, names, "naam", True)


def _ramp(product: str) -> Legend:
    points = [(int(at), _rgb(colour)) for at, colour in _data()["verloop"][product]]
    colours = {value: _between(points, value) for value in range(FULL + 1)}
    found = _with_outside(colours, {v: f"{v} %" for v in colours}, "geen_getal", False)
    return replace(found, stops={at: found.names[at] for at, _ in points})


def _between(points: Sequence[tuple[int, RGB]], value: int) -> RGB:
    """Return the colour at a value, on straight lines between points."""
    low = max(p for p in points if p[0] <= value)
    high = min(p for p in points if p[0] >= value)
    part = 0.0 if high[0] == low[0] else (value - low[0]) / (high[0] - low[0])
    red, green, blue = (int(a + part * (b - a) + 0.5) for a, b in zip(low[1], high[1], strict=True))
    return red, green, blue


def _stepped(product: str) -> Legend:
    steps = _data()["trappen"][product]["stappen"]
    colours = {i: _rgb(step["kleur"]) for i, step in enumerate(steps)}
    return _with_outside(colours, {i: str(step["naam"]) for i, step in enumerate(steps)}, "geen_getal", True)


def step_names(product: str, taal: str) -> Mapping[int, str]:
    """Return the names of the steps of a stepped legend in a language, by code."""
    key = "naam" if taal == "nl" else "name"
    return {i: str(step[key]) for i, step in enumerate(_data()["trappen"][product]["stappen"])}


def classified(values: NDArray[Any], product: str) -> NDArray[np.uint8]:
    """Return quantities as the codes of a stepped legend, nodata where unknown.

    A step holds from its border outward: upward where ``vanaf`` is positive, downward where it is negative.

    Examples
    --------
    >>> [legend("grondwater").names[c] for c in classified(np.array([0.3, 0.0, -0.06]), "grondwater")]
    ['verlaging 20 tot 50 cm', 'minder dan 5 cm', 'vernatting 5 tot 10 cm']
    """
    codes = np.full(values.shape, nodata(), np.uint8)
    steps = _data()["trappen"][product]["stappen"]
    order = sorted(range(len(steps)), key=lambda i: abs(float(steps[i]["vanaf"])))
    for code in order:
        border = float(steps[code]["vanaf"])
        side = -1.0 if border < 0 else 1.0
        codes[side * values + noise() >= abs(border) if border else np.isfinite(values)] = code
    return codes


def _risks() -> Legend:
    """Return the colour of the risk class that a percentage lies in."""
    steps = registry.burden_rules().risk_classes
    found = {v: [s for s in steps if v / FULL + 1e-9 >= s.vanaf][-1] for v in range(FULL + 1)}
    names = {v: f"{v} % ({step.naam})" for v, step in found.items()}
    shown = _with_outside({v: step.kleur for v, step in found.items()}, names, "geen_getal", False)
    return replace(shown, stops=_treads(steps), steps=True)


def _treads(steps: Sequence[RiskClass]) -> dict[int, str]:
    """Return the first percentage of every step, and its name with its borders."""
    starts = [round(step.vanaf * FULL) for step in steps]
    forms = ["laagste", *["tussen"] * (len(steps) - 2), "hoogste"]
    rows = zip(steps, starts, [*starts[1:], FULL], forms, strict=True)
    return {low: _data()["trede"][form].format(naam=s.naam, vanaf=low, tot=high) for s, low, high, form in rows}


def _rgb(colour: Sequence[int]) -> RGB:
    red, green, blue = (int(c) for c in colour)
    return red, green, blue


#: Maps whose colours stand with what they show; of others kleuren.toml holds points of a ramp, or steps.
_OWN: Mapping[str, Callable[[], Legend]] = {"klasse": _answers, "oorzaak": _causes, "risico": _risks}
