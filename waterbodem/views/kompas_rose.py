"""The Kompas as a rose, a petal per principle, the larger the better; and the numbers under its signs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from waterbodem.definitions.kompas_rules import SYMBOLS, UNKNOWN
from waterbodem.definitions.labels import amount

RADIUS = 100.0
#: Radius of the worst symbol as a share of the best, and of where signs stand.
SMALLEST, LABEL = 0.25, 1.13


@dataclass(frozen=True)
class Petal:
    """One principle, clockwise from the top.

    Parameters
    ----------
    symbol : str
    path : str
        Of an SVG path around (0, 0).
    x, y : float
        Where its sign stands.
    anchor : {"start", "middle", "end"}
        Which side of the sign that is, so that it stays outside the circle.
    """

    symbol: str
    path: str
    x: float
    y: float
    anchor: str


def reach(symbol: str) -> float:
    """Return the radius of a symbol; unknown takes the whole circle, drawn as an empty outline.

    Examples
    --------
    >>> [reach(s) for s in ("--", "0", "++", "?")]
    [25.0, 62.5, 100.0, 100.0]
    """
    if symbol == UNKNOWN:
        return RADIUS
    return RADIUS * (SMALLEST + (1 - SMALLEST) * SYMBOLS.index(symbol) / (len(SYMBOLS) - 1))


def petals(symbols: Sequence[str]) -> list[Petal]:
    """Return a petal per symbol, all of the same angle.

    Examples
    --------
    >>> petals(["++", "0"])[0].path
    'M0 0L-100 0A100 100 0 0 1 100 0Z'
    """
    angle = 2 * math.pi / len(symbols)
    return [_petal(symbol, (i - 0.5) * angle, (i + 0.5) * angle) for i, symbol in enumerate(symbols)]


def rings() -> list[float]:
    """Return the radius of every symbol, smallest first, for circles to compare by."""
    return [reach(s) for s in SYMBOLS]


def _petal(symbol: str, start: float, end: float) -> Petal:
    r = reach(symbol)
    (x0, y0), (x1, y1) = _point(start, r), _point(end, r)
    x, y = _point((start + end) / 2, LABEL * RADIUS)
    path = f"M0 0L{x0:g} {y0:g}A{r:g} {r:g} 0 0 1 {x1:g} {y1:g}Z"
    anchor = "middle" if abs(x) < RADIUS / 10 else "start" if x > 0 else "end"
    return Petal(symbol, path, x, y, anchor)


def _point(angle: float, radius: float) -> tuple[float, float]:
    """Return a point at an angle clockwise from the top, free of float noise."""
    return round(radius * math.sin(angle), 2) + 0.0, round(-radius * math.cos(angle), 2) + 0.0


def measured(symbol: str, number: float, unit: str, taal: str = "nl") -> str:
    r"""Return the number under a verdict; nothing where it was judged without one.

    Examples
    --------
    >>> measured("0", math.nan, "1"), measured("?", math.nan, "1"), measured("-", 432.6, "m3/ha")
    ('', 'onbekend', '430\xa0m³/ha')
    """
    if math.isnan(number):
        return "" if symbol != UNKNOWN else amount(number, unit, taal)
    return amount(float(f"{number:.2g}") if unit == "m3/ha" else number, unit, taal)
