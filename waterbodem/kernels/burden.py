"""Burden that a cell shifts to others, from its components: shares, indices, risk and cause, rekenregels section 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import kernel, stage
from waterbodem.kernels._compile.records import places_of
from waterbodem.kernels.components import (
    AANVULLING,
    ACHTERUITGANG,
    AFVOER,
    COMPONENTS,
    KOSTEN,
    KWELAFVOER,
    NEEDS,
    VERDRONGEN,
    VERLAGING,
    WATERVRAAG,
    ZETTING,
    fill_components,
)

BLOCK = 512
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: First components of what goes to others elsewhere, later, and in money. In an array, as a number that is written in a
#: call is part of the type: what is called would be compiled for each.
GROUPS = np.array([AFVOER, ZETTING, KOSTEN, COMPONENTS])
WATER_END = np.array([VERDRONGEN + 1])


class Burden(NamedTuple):
    """Where the results go; empty arrays are not filled."""

    components: Floats  # (10, n) or (10, 0)
    ruimte: Floats
    tijd: Floats
    geld: Floats
    risico: Floats
    oorzaak: NDArray[np.uint8]


@stage
def _share(values: Any, per_unit: float, factor: float, number: int, margin: float, top: Any, w: Any) -> None:
    """Positive part against the anchor, unknown is 0: the largest so far of its group, and of all, with its number."""
    best, cause = w.best, w.cause
    for i in range(top.size):
        s = values[i] * per_unit if values[i] > 0.0 else 0.0
        s *= factor
        top[i] = s if s > top[i] else top[i]
        more = s > best[i] + margin
        best[i] = s if more else best[i]
        cause[i] = number if more else cause[i]


@stage
def _water_shares(p: Any, c: Any, n: int, w: Any) -> None:
    """Both are the same water: the share of their sum goes to the larger of the two; all others come after."""
    per_unit, margin = 1.0 / c.anchor[AFVOER], c.margin
    first, second = np.int64(AFVOER + 1), np.int64(VERDRONGEN + 1)
    for i in range(n):
        a, b = p[AFVOER, i], p[VERDRONGEN, i]
        total = (a if a == a else 0.0) + (b if b == b else 0.0)
        share = total * per_unit if total > 0.0 else 0.0
        mine = (a == a) & ((b != b) | (a * per_unit + margin >= b * per_unit))
        w.top[i] = share
        w.best[i] = share if share > margin else 0.0
        w.cause[i] = (first if mine else second) if share > margin else np.int64(0)


@stage
def _largest(c: Any, first: int, after: int, n: int, w: Any) -> None:
    """The largest share of some components, and which of all so far; the first two go together."""
    top = w.top[:n]
    if first == AFVOER:
        _water_shares(w.value, c, n, w)
    else:
        for i in range(n):
            top[i] = 0.0
    for k in range(max(first, VERDRONGEN + 1), after):
        if w.heard[k]:
            factor = c.lasting if k in (ZETTING, ACHTERUITGANG) else 1.0
            _share(w.value[k, :n], 1.0 / c.anchor[k], factor, np.int64(k + 1), c.margin, top, w)


@stage
def _unknown(p: Any, k: int, n: int, w: Any, out: Any) -> None:
    """Mark, besides what is marked, cells where a component is unknown."""
    if w.there[k]:
        for i in range(n):
            out[i] |= p[k, i] != p[k, i]
    else:
        for i in range(n):
            out[i] = True


@stage
def _open(c: Any, first: int, after: int, n: int, w: Any) -> None:
    """Mark cells where something that could be a burden is unknown."""
    open_ = w.open_[:n]
    for i in range(n):
        open_[i] = False
    for k in range(first, after):
        if c.could[k]:
            _unknown(w.value, k, n, w, open_)


@stage
def _index(top: Any, open_: Any, c: Any, out: Any) -> None:
    """Largest share, at most 1; a lower bound shows a burden, never its absence."""
    show = c.show_from - c.margin
    for i in range(out.size):
        value = top[i] if top[i] < 1.0 else 1.0
        hidden = open_[i] & (value < show)
        out[i] = np.float32(np.nan if hidden else value)


@stage
def _risk(a: Any, b: Any, g: Any, c: Any, out: Any) -> None:
    """Largest of three indices; unknown below the level that may be shown if one is unknown."""
    show = c.show_from - c.margin
    for i in range(out.size):
        x, y, z = np.float64(a[i]), np.float64(b[i]), np.float64(g[i])
        top = x if x > 0.0 else 0.0
        top = y if y > top else top
        top = z if z > top else top
        hidden = ((x != x) | (y != y) | (z != z)) & (top < show)
        out[i] = np.float32(np.nan if hidden else top)


@stage
def _cause(risico: Any, margin: float, cause: Any, out: Any) -> None:
    """Number of the component with the largest share, the first on a tie; 0 = none."""
    for i in range(out.size):
        out[i] = np.uint8(cause[i] if risico[i] >= margin else 0)


#: Buffers for one block of cells, and what need not be looked at in any.
BUFFERS = np.dtype(
    [
        ("there", "u1", COMPONENTS),  # the component is known somewhere
        ("heard", "u1", COMPONENTS),  # its share can be above 0
        ("value", "f8", (COMPONENTS, BLOCK)),  # components; NaN where not there
        ("room", "f8", BLOCK),
        ("top", "f8", BLOCK),  # largest share of a group of components
        ("best", "f8", BLOCK),  # largest share of all, and whose
        ("cause", "i8", BLOCK),
        ("open_", "u1", BLOCK),
        ("unknown", "f4", BLOCK),
    ],
    align=True,
)


def buffers(layers: Sequence[Floats], c: np.void) -> np.void:
    """Return buffers for a block of cells, and what need not be looked at."""
    w: np.void = np.zeros(1, BUFFERS)[0]
    w["there"] = True
    w["there"][list(NEEDS)] = [layers[row].size > 0 for row in NEEDS.values()]
    w["heard"] = True
    w["heard"][[VERLAGING, KWELAFVOER, AANVULLING, WATERVRAAG]] = (
        not c["abstracts"],
        c["kwel_days"] > 0,
        c["recharge"] > 0,
        c["demand"] > 0,
    )
    w["heard"][VERLAGING:] &= w["there"][VERLAGING:]
    w["value"], w["unknown"] = np.nan, np.nan
    return w


@stage
def _cost_open(c: Any, n: int, w: Any) -> None:
    """Kosten is a lower bound where one of its terms could be a burden and is unknown."""
    _open(c, GROUPS[0], WATER_END[0], n, w)
    for k in (WATERVRAAG, ZETTING):
        if c.could[k]:
            _unknown(w.value, k, n, w, w.open_[:n])


@stage
def _store(values: Any, out: Any) -> None:
    """Round to float32; adding 0 turns -0 into 0."""
    for i in range(out.size):
        out[i] = np.float32(values[i] + 0.0)


@kernel
def shift_from(layers: Any, first: int, c: Any, out: Burden, w: Any) -> None:
    """As :func:`shift_cells`, from cell ``first`` of the layers on, which are given by their places."""
    for a in range(0, out.risico.size, BLOCK):
        n = min(BLOCK, out.risico.size - a)
        b = a + n
        fill_components(layers, first + a, n, c, w)
        _largest(c, GROUPS[0], GROUPS[1], n, w)
        _open(c, GROUPS[0], GROUPS[1], n, w)
        _index(w.top[:n], w.open_[:n], c, out.ruimte[a:b])
        _largest(c, GROUPS[1], GROUPS[2], n, w)
        _open(c, GROUPS[1], GROUPS[2], n, w)
        _index(w.top[:n], w.open_[:n], c, out.tijd[a:b])
        _largest(c, GROUPS[2], GROUPS[3], n, w)
        _cost_open(c, n, w)
        _index(w.top[:n], w.open_[:n], c, out.geld[a:b])
        _risk(out.ruimte[a:b], out.tijd[a:b], out.geld[a:b], c, out.risico[a:b])
        _cause(out.risico[a:b], c.margin, w.cause[:n], out.oorzaak[a:b])
        if out.components.size:
            for k in range(KOSTEN + 1):
                _store(w.value[k, :n], out.components[k, a:b])


def shift_cells(layers: Sequence[Floats], c: np.void, out: Burden) -> None:
    """Compute what every cell shifts to others into ``out``.

    Parameters
    ----------
    layers : tuple of float32 arrays, each (n,) or empty
        The layers of ``components.LAYERS``, then achteruitgang; NaN = unknown, empty = not in the data.
    c : record of components.CHANGE
    out : Burden
        Filled in place.
    """
    shift_from(places_of(layers, out.risico.size), 0, c, out, buffers(layers, c))
