"""Burden that a cell shifts to others, from its components: shares, indices, risk and cause, rekenregels section 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import inlined, kernel, stage
from waterbodem.kernels._compile.records import places_of
from waterbodem.kernels.components import (
    AANVULLING,
    ACHTERUITGANG,
    AFVOER,
    COMPONENTS,
    D_GHG,
    KOSTEN,
    KWELAFVOER,
    NEEDS,
    VERDRONGEN,
    VERLAGING,
    WATERVRAAG,
    ZETTING,
    cells_of,
    fill_caught,
    fill_components,
    fill_lost,
    fill_water,
)

BLOCK = 512
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: First components of what goes to others elsewhere, later, and in money. In an array, as a number that is written in a
#: call is part of the type: what is called would be compiled for each.
GROUPS = np.array([AFVOER, ZETTING, KOSTEN, COMPONENTS])
#: Components of which cells tell whether they could be a burden.
PLACES = np.array([KWELAFVOER, AANVULLING])


#: Cells of what is not asked.
NOTHING = np.empty(0, np.float32)


class Burden(NamedTuple):
    """Where the results go; empty arrays are not filled."""

    components: Floats  # (10, n) or (10, 0)
    ruimte: Floats
    tijd: Floats
    geld: Floats
    risico: Floats
    oorzaak: NDArray[np.uint8]
    zonder: Floats  # risico without built storage
    stijging: Floats  # rise of the groundwater by a level of the plan [m]
    aandeel: Floats = NOTHING  # largest share before clipping, NaN where risico is


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
    if w.told[k]:
        for i in range(n):
            out[i] |= p[k, i] != p[k, i]
    else:
        for i in range(n):
            out[i] = True


@stage
def _unknown_where(p: Any, k: int, amount: Any, margin: float, out: Any) -> None:
    """Mark, besides what is marked, cells where a component is unknown and an amount says it could be a burden."""
    for i in range(out.size):
        out[i] |= (amount[i] > margin) & (p[k, i] != p[k, i])


@stage
def _open(could: Any, first: int, after: int, n: int, w: Any) -> None:
    """Mark cells where something that could be a burden is unknown."""
    open_ = w.open_[:n]
    for i in range(n):
        open_[i] = False
    for k in range(first, after):
        if could[k]:
            _unknown(w.value, k, n, w, open_)


@stage
def _open_space(c: Any, n: int, w: Any) -> None:
    """Mark cells where a burden in space could be unknown; what a level of the plan changes differs by cell."""
    _open(c.could, GROUPS[0], GROUPS[1], n, w)
    if c.rewets:
        _unknown_where(w.value, PLACES[0], w.caught[:n], c.margin, w.open_[:n])
        _unknown_where(w.value, PLACES[1], w.lost[:n], c.margin, w.open_[:n])
    else:
        if w.caught[0] > c.margin:
            _unknown(w.value, PLACES[0], n, w, w.open_[:n])
        if w.lost[0] > c.margin:
            _unknown(w.value, PLACES[1], n, w, w.open_[:n])


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


@stage
def _largest_share(risico: Any, best: Any, out: Any) -> None:
    """The largest share of all components, unknown where the risk is."""
    for i in range(out.size):
        out[i] = np.float32(best[i] if risico[i] == risico[i] else np.nan)


#: Buffers for one block of cells, and what need not be looked at in any.
BUFFERS = np.dtype(
    [
        ("there", "u1", COMPONENTS),  # the component is known somewhere, if only as a lower bound
        ("told", "u1", COMPONENTS),  # and is told
        ("heard", "u1", COMPONENTS),  # its share can be above 0
        ("doubted", "u1"),  # the reference may be unknown
        ("value", "f8", (COMPONENTS, BLOCK)),  # components; NaN where not there
        ("ground", "f8", BLOCK),  # what the soil can take [m3/ha]
        ("rise", "f8", BLOCK),  # of the groundwater [m]
        ("lift", "f8", BLOCK),  # how far drains that lie there can be taken up [m]
        ("caught", "f8", BLOCK),  # share of the kwel that is drained more than now
        ("lost", "f8", BLOCK),  # recharge that is lost where it can be [mm/jr]
        ("top", "f8", BLOCK),  # largest share of a group of components
        ("best", "f8", BLOCK),  # largest share of all, and whose
        ("cause", "i8", BLOCK),
        ("open_", "u1", BLOCK),
        ("unknown", "f4", BLOCK),
        ("ruimte", "f4", BLOCK),  # indices without built storage
        ("geld", "f4", BLOCK),
    ],
    align=True,
)


def buffers(layers: Sequence[Floats], c: np.void) -> np.void:
    """Return buffers for a block of cells, and what need not be looked at."""
    w: np.void = np.zeros(1, BUFFERS)[0]
    w["there"] = True
    w["there"][list(NEEDS)] = [layers[row].size > 0 for row in NEEDS.values()]
    w["told"] = w["there"]
    w["told"][VERLAGING] &= not c["abstracts"]
    w["doubted"] = c["believed_from"] > -np.inf and layers[D_GHG].size > 0
    w["value"], w["unknown"] = np.nan, np.nan
    w["heard"] = True
    w["heard"][KWELAFVOER] = (c["drain_f"] > c["drain_r"]).any()
    w["heard"][[AANVULLING, WATERVRAAG]] = c["recharge"] > 0, c["demand"] > 0
    w["heard"][VERLAGING:] &= w["there"][VERLAGING:]
    return w


@stage
def _store(values: Any, out: Any) -> None:
    """Round to float32; adding 0 turns -0 into 0."""
    for i in range(out.size):
        out[i] = np.float32(values[i] + 0.0)


@inlined
def _fill(value: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = value


@inlined
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@inlined
def _mask(marked: Any, value: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = value if marked[i] else out[i]


@stage
def _nothing(out: Any, a: int, b: int) -> None:
    """The plan is the present use."""
    zero = np.float32(0)
    _fill(zero, out.ruimte[a:b])
    _fill(zero, out.tijd[a:b])
    _fill(zero, out.geld[a:b])
    _fill(zero, out.risico[a:b])
    _fill(zero, out.zonder[a:b])
    _fill(zero, out.stijging[a:b])
    _fill(np.uint8(0), out.oorzaak[a:b])
    if out.aandeel.size:
        _fill(zero, out.aandeel[a:b])
    for k in range(out.components.shape[0]):
        _fill(zero, out.components[k, a:b])


@stage
def _disbelieve(ghg: Any, c: Any, w: Any, out: Any, a: int, b: int) -> None:
    """Make all unknown where the reference is: that ground is not drained so today."""
    marked, nan, any_ = w.open_[: b - a], np.float32(np.nan), False
    for i in range(marked.size):
        marked[i] = ghg[i] < c.believed_from
        any_ |= ghg[i] < c.believed_from
    if any_:
        _mask(marked, nan, out.ruimte[a:b])
        _mask(marked, nan, out.tijd[a:b])
        _mask(marked, nan, out.geld[a:b])
        _mask(marked, nan, out.risico[a:b])
        _mask(marked, nan, out.zonder[a:b])
        _mask(marked, nan, out.stijging[a:b])
        _mask(marked, np.uint8(0), out.oorzaak[a:b])
        if out.aandeel.size:
            _mask(marked, nan, out.aandeel[a:b])
        for k in range(out.components.shape[0]):
            _mask(marked, nan, out.components[k, a:b])


@stage
def _space(c: Any, n: int, w: Any, out: Any) -> None:
    """Index ruimte; begins the search for the cause."""
    _largest(c, GROUPS[0], GROUPS[1], n, w)
    _open_space(c, n, w)
    _index(w.top[:n], w.open_[:n], c, out)


@stage
def _time(c: Any, n: int, w: Any, out: Any) -> None:
    """Index tijd."""
    _largest(c, GROUPS[1], GROUPS[2], n, w)
    _open(c.could, GROUPS[1], GROUPS[2], n, w)
    _index(w.top[:n], w.open_[:n], c, out)


@stage
def _money(c: Any, n: int, w: Any, out: Any) -> None:
    """Index geld; unknown where one of its terms could be a burden and is unknown."""
    _largest(c, GROUPS[2], GROUPS[3], n, w)
    _open(c.could_cost, GROUPS[0], GROUPS[2], n, w)
    _index(w.top[:n], w.open_[:n], c, out)


@stage
def _store_components(n: int, w: Any, out: Any, a: int, b: int) -> None:
    for k in range(out.components.shape[0]):
        if w.told[k]:
            _store(w.value[k, :n], out.components[k, a:b])
        else:
            _fill(np.float32(np.nan), out.components[k, a:b])
    if out.stijging.size:
        _store(w.rise[:n], out.stijging[a:b])


@stage
def _without_storage(layers: Any, first: int, n: int, bare: Any, w: Any, tijd: Any, out: Any) -> None:
    """Risico as if the plan built no storage."""
    fill_water(layers, first, n, bare, w)
    _space(bare, n, w, w.ruimte[:n])
    _money(bare, n, w, w.geld[:n])
    _risk(w.ruimte[:n], tijd, w.geld[:n], bare, out)


@kernel
def shift_from(layers: Any, first: int, c: Any, bare: Any, out: Burden, w: Any) -> None:
    """As :func:`shift_cells`, from cell ``first`` of the layers on, which are given by their places."""
    if not c.rewets:  # then these are the same in every cell
        fill_caught(w.lift, c, w.caught)
        fill_lost(w.unknown, w.rise, c, w.lost)
    for a in range(0, out.risico.size, BLOCK):
        n = min(BLOCK, out.risico.size - a)
        b = a + n
        if c.same:
            _nothing(out, a, b)
        else:
            fill_components(layers, first + a, n, c, w)
            _space(c, n, w, out.ruimte[a:b])
            _time(c, n, w, out.tijd[a:b])
            _money(c, n, w, out.geld[a:b])
            _risk(out.ruimte[a:b], out.tijd[a:b], out.geld[a:b], c, out.risico[a:b])
            _cause(out.risico[a:b], c.margin, w.cause[:n], out.oorzaak[a:b])
            if out.aandeel.size:
                _largest_share(out.risico[a:b], w.best[:n], out.aandeel[a:b])
            _store_components(n, w, out, a, b)
            if out.zonder.size:
                if c.built > 0.0:
                    _without_storage(layers, first + a, n, bare, w, out.tijd[a:b], out.zonder[a:b])
                else:
                    _copy(out.risico[a:b], out.zonder[a:b])
        if w.doubted:
            _disbelieve(cells_of(layers, D_GHG, first + a, n, w), c, w, out, a, b)


def shift_cells(layers: Sequence[Floats], c: np.void, bare: np.void, out: Burden) -> None:
    """Compute what every cell shifts to others into ``out``.

    Parameters
    ----------
    layers : tuple of float32 arrays, each (n,) or empty
        The layers of ``components.LAYERS``, then achteruitgang; NaN = unknown, empty = not in the data.
    c, bare : record of components.CHANGE
        What the plan changes, and what it would change without built storage.
    out : Burden
        Filled in place.
    """
    shift_from(places_of(layers, out.risico.size), 0, c, bare, out, buffers(layers, c))
