"""Units a layer may come in, and the factor to the unit of the rules."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from waterbodem.errors import LayerError


@cache
def dimensions() -> dict[str, dict[str, float]]:
    """Return per dimension the factor of every unit name to that dimension's base."""
    text = files("waterbodem.data").joinpath("eenheden.toml").read_text(encoding="utf-8")
    return {
        dimension: {unit: float(factor) for unit, factor in units.items()}
        for dimension, units in tomllib.loads(text).items()
    }


def dimension(unit: str) -> str | None:
    """Return the dimension that knows a unit name, or None.

    Examples
    --------
    >>> dimension("cm")
    'lengte'
    """
    return next((name for name, units in dimensions().items() if unit in units), None)


def factor(unit: str, target: str, *, where: str = "") -> float:
    """Return what a number in ``unit`` must be multiplied with to be in ``target``.

    Raises
    ------
    LayerError
        If the unit is unknown, or of another dimension.

    Examples
    --------
    >>> factor("cm", "m")
    0.01
    >>> factor("m/d", "mm/d")
    1000.0
    """
    name = dimension(target)
    if name is None:
        raise LayerError("unit is unknown", value=target, where=where)
    units = dimensions()[name]
    if unit not in units:
        raise LayerError(
            f"unit does not convert to {target}",
            value=unit,
            allowed=", ".join(units),
            where=where,
        )
    return units[unit] / units[target]


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
