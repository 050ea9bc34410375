"""Groundwater levels of a block as a functie meets them: gvg derived where it is not in the data, then rewetted.

Rekenregels sections 1 and 2. A level that is neither is taken from its layer as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from waterbodem.kernels import rewetting
from waterbodem.kernels._compile.decorators import both, inlined, stage
from waterbodem.kernels._compile.records import cells_at

LEVELS = ("ghg", "gvg", "glg")
GHG, GVG, GLG = range(3)
#: Layers beside the levels that tell whether the ground holds water.
GROUND = ("keileemdiepte", "veendikte", "kwel")
KEILEEM, VEEN, KWEL = range(3)

#: Where a layer is not in the data, and from where down the places of levels that a block makes lie.
MISSING, MADE = -1, -2

#: What a record holds for them: places of layers, ``MISSING`` where not in the data.
FIELDS: list[Any] = [
    ("derives", "?"),  # gvg, of ghg and glg
    ("derived", "f4", 3),  # constant, and what ghg and glg are multiplied with
    ("raises", "?"),  # levels that are asked for
    ("level", "i8", 3),
    ("asked", "u1", 3),
    ("ground", "i8", 3),
    *rewetting.FIELDS,
]


def buffers(block: int) -> list[Any]:
    """Return the fields of buffers for a block of cells."""
    return [
        ("made", "f4", (1 + len(LEVELS), block)),  # all NaN, then the levels
        ("spring", "f4", block),  # gvg before rewetting
        ("rise", "f8", block),
        ("lift", "f8", block),
    ]


@both
def gvg_of(ghg: Any, glg: Any, constant: Any, by_ghg: Any, by_glg: Any) -> Any:
    """Gvg [m below maaiveld] of ghg and glg, in their precision: cells, or whole layers.

    Examples
    --------
    >>> gvg_of(0.4, 1.2, 0.054, 0.83, 0.19)
    0.614
    """
    return constant + by_ghg * ghg + by_glg * glg


@stage
def _derive(ghg: Any, glg: Any, m: Any, out: Any) -> None:
    constant, by_ghg, by_glg = m.derived[0], m.derived[1], m.derived[2]
    for i in range(out.size):
        out[i] = gvg_of(ghg[i], glg[i], constant, by_ghg, by_glg)


@partial(inlined, inline="always")
def values_at(layers: Any, place: int, a: int, n: int, w: Any) -> Any:
    """Values of a layer in n cells from cell a on: its own, those that the block made, or unknown."""
    return cells_at(layers[place], a, n) if place >= 0 else w.made[MISSING - place, :n]


@stage
def _rewet(layers: Any, m: Any, a: int, n: int, w: Any) -> None:
    keileem = values_at(layers, m.ground[KEILEEM], a, n, w)
    veen = values_at(layers, m.ground[VEEN], a, n, w)
    kwel = values_at(layers, m.ground[KWEL], a, n, w)
    ghg = values_at(layers, m.level[GHG], a, n, w)
    rewetting.fill_rise(ghg, keileem, veen, kwel, m, w.rise[:n], w.lift[:n])
    for k in range(3):
        if m.asked[k]:
            spring = (k == GVG) & m.derives
            level = w.spring[:n] if spring else values_at(layers, m.level[k], a, n, w)
            rewetting.raise_level(level, w.rise[:n], w.made[1 + k, :n])


@stage
def make_levels(layers: Any, m: Any, a: int, n: int, w: Any) -> None:
    """Make the levels of n cells from cell a on that differ from their layers."""
    if m.derives:
        ghg, glg = cells_at(layers[m.level[GHG]], a, n), cells_at(layers[m.level[GLG]], a, n)
        _derive(ghg, glg, m, w.spring[:n] if m.raises else w.made[1 + GVG, :n])
    if m.raises:
        _rewet(layers, m, a, n, w)
