"""Units a layer may come in, however they are spelled, and the factor to the unit of the rules."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from waterbodem.core.errors import LayerError

#: A name and its power, as UDUNITS writes them: ``m3``, ``d-1``.
POWER = re.compile(r"([A-Za-z%]+)([-+]?[0-9]{1,2})?")
#: Signs of other notations than UDUNITS' own, and what stands for them there.
SIGNS = str.maketrans({"^": "", "*": " ", ".": " ", "·": " ", "⁻": "-", "¹": "1", "²": "2", "³": "3"})


@cache
def _data() -> dict[str, dict[str, str | float]]:
    return tomllib.loads(files("waterbodem.data").joinpath("eenheden.toml").read_text(encoding="utf-8"))


@cache
def dimensions() -> dict[str, dict[str, float]]:
    """Return per dimension the factor of every unit to that dimension's base."""
    tables = {name: units for name, units in _data().items() if name != "namen"}
    return {name: {unit: float(factor) for unit, factor in units.items()} for name, units in tables.items()}


def dimension(unit: str) -> str | None:
    """Return the first dimension that knows a unit, or None.

    Examples
    --------
    >>> dimension("cm")
    'lengte'
    """
    return next((name for name, units in dimensions().items() if unit in units), None)


def spelling(unit: str) -> str:
    """Return a unit as ``eenheden.toml`` writes it, from what CF and UDUNITS make of it; else as it is.

    Examples
    --------
    >>> spelling("metres"), spelling("mm day-1"), spelling("m3 m^-2 d**-1"), spelling("furlong")
    ('m', 'mm/d', 'm3/m2/d', 'furlong')
    """
    if dimension(unit):
        return unit
    powers: list[tuple[str, int]] = []
    divided = False
    for word in re.findall(r"/|[^/\s]+", unit.replace("**", "").replace(" per ", "/").translate(SIGNS)):
        found = POWER.fullmatch(word)
        if found:
            powers.append((_name(found[1]), int(found[2] or 1) * (-1 if divided else 1)))
        elif word != "/" or divided or not powers:
            return unit
        divided = word == "/"
    return unit if divided else _written(powers) or unit


def _name(word: str) -> str:
    return str(_data()["namen"].get(word, word))


def _written(powers: list[tuple[str, int]]) -> str:
    """Return names above the line, then each below it after a slash."""
    above = [_raised(name, power) for name, power in powers if power > 0]
    return "/".join([" ".join(above), *(_raised(name, -power) for name, power in powers if power <= 0)])


def _raised(name: str, power: int) -> str:
    return name if power == 1 else f"{name}{power}"


def factor(unit: str, target: str, *, where: str = "") -> float:
    """Return what a number in ``unit`` must be multiplied with to be in ``target``.

    Raises
    ------
    LayerError
        If the unit is unknown, or of another dimension; it names the target.

    Examples
    --------
    >>> factor("cm", "m")
    0.01
    >>> factor("m/d", "mm/d"), factor("metre day-1", "mm/d")
    (1000.0, 1000.0)
    """
    name = dimension(target)
    if name is None:
        raise LayerError("unit is unknown", value=target, where=where)
    units, known = dimensions()[name], spelling(unit)
    if known not in units:
        unknown = "is not known and " if dimension(known) is None else ""
        allowed = ", ".join(units)
        raise LayerError(f"unit {unknown}does not convert to unit {target}", value=unit, allowed=allowed, where=where)
    return units[known] / units[target]


#: How units are written on paper, by language; what is not named stays as it is.
ON_PAPER = {
    "nl": {"m3": "m³", "m2": "m²", "EUR": "€", "class": "klasse"},
    "en": {"m3": "m³", "m2": "m²", "EUR": "€", "jr": "yr"},
}


def unit_text(unit: str, taal: str = "nl") -> str:
    """Return a unit as it is read aloud on paper: m³ instead of m3.

    Examples
    --------
    >>> unit_text("m3/ha"), unit_text("EUR/ha/jr"), unit_text("EUR/ha/jr", "en")
    ('m³/ha', '€/ha/jr', '€/ha/yr')
    """
    if unit == "1":
        return ""
    for written, read in ON_PAPER[taal].items():
        unit = unit.replace(written, read)
    return unit
