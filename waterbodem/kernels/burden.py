"""Burden that a cell shifts to others: rekenregels section 5, in one pass.

Everything that depends on the two functies only is a number in :class:`Change`; what is left per cell are short
formulas over a block, in float64. ``a if not (a > b) else b`` instead of ``min`` keeps NaN (unknown) a NaN.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._jit import kernel, part

BLOCK = 512
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

#: Rows of the components in an output array, in the order of the table in rekenregels section 5.
(AFVOER, VERDRONGEN, VERLAGING, KWELAFVOER, AANVULLING, WATERVRAAG, ZETTING, VEEN, ACHTERUITGANG, KOSTEN) = range(10)
#: Rows of the layers in the input tuple.
(D_WATER, D_KEILEEM, D_GHG, D_KWEL, D_DROOGTE, D_ZETTING, D_VEEN, D_DECLINE) = range(8)
LAYERS = (
    "wateroverlast",
    "keileemdiepte",
    "ghg",
    "kwel",
    "droogte",
    "zettingsgevoeligheid",
    "veendikte",
)
#: The layer without which a component is unknown everywhere.
NEEDS = {
    VERDRONGEN: D_WATER,
    VERLAGING: D_GHG,
    KWELAFVOER: D_KWEL,
    AANVULLING: D_KWEL,
    WATERVRAAG: D_DROOGTE,
    ZETTING: D_ZETTING,
    VEEN: D_VEEN,
    ACHTERUITGANG: D_DECLINE,
}


class Change(NamedTuple):
    """What a plan changes against its reference, as numbers; suffix f = plan, r = reference."""

    task: float  # storage that the extra paving asks for [m3/ha]
    room: float  # m3/ha per metre of unsaturated soil under the unpaved part
    room_depth: float  # soil below this depth does not count [m]
    drain_new: float  # new drains below the original maaiveld [m]
    kwel_full: float  # no room in the soil from this kwel on [mm/d]
    built: float  # storage built in the plan [m3/ha]
    raised_f: float  # m3/ha per metre of water on raised ground
    raised_r: float
    raise_f: float  # height of the raising [m]
    raise_r: float
    storage: float  # storage depth lost, in m3/ha
    drain_f: float  # effective drainage depth [m]
    drain_r: float
    target_f: float  # wanted groundwater depth [m]; +inf = none
    target_r: float
    rise_max: float  # [m]
    abstracts: bool  # abstraction: lowering needs a receptor test
    kwel_days: float  # mm/jr of kwel drained away per mm/d of kwel
    recharge: float  # loss where rain can soak in [mm/jr]
    soaks: bool  # part of the lost recharge can still soak in on the spot
    kwel_top: float  # no recharge from this kwel on [mm/d]
    kwel_width: float
    demand: float  # water from outside at full drought [mm/jr]
    drought_full: float  # [%]
    fill: float  # mean height of sand [m]
    softness_max: float
    peat_f: float  # peat lost over the lifetime [m], as far as there is peat
    peat_r: float
    lasting: float  # 1 - omkeerbaarheid
    cost_settling: float  # EUR/ha/jr per metre of settlement
    cost_water: float  # EUR per m3
    cost_demand: float  # EUR/ha/jr per mm/jr
    show_from: float  # a lower bound may show a burden from here on
    margin: float
    could: NDArray[np.bool_]  # (10,) the component could be a burden
    anchor: Doubles  # (10,) amount at which a share is 1


class Burden(NamedTuple):
    """Where the results go; empty arrays are not filled."""

    components: Floats  # (10, n) or (10, 0)
    ruimte: Floats
    tijd: Floats
    geld: Floats
    risico: Floats
    oorzaak: NDArray[np.uint8]


@part
def _above(x: float, low: float) -> float:
    """max(x, low) that keeps NaN."""
    return low if x < low else x


@part
def _below(x: float, high: float) -> float:
    """min(x, high) that keeps NaN."""
    return high if x > high else x


@part
def _clip(x: float, low: float, high: float) -> float:
    """X between low and high; keeps NaN."""
    return _below(_above(x, low), high)


@part
def _finite(x: float) -> float:
    """NaN for what is infinite: only keileem can be absent."""
    return x if x - x == 0.0 else np.nan


@part
def _soil_room(keileem: Any, ghg: Any, kwel: Any, c: Change, out: Any) -> None:
    """Water that the soil above groundwater and keileem can take [m3/ha]."""
    for i in range(out.size):
        k, g, q = np.float64(keileem[i]), _finite(np.float64(ghg[i])), _finite(np.float64(kwel[i]))
        k = k if k > -np.inf else np.nan
        wet = g == g
        dry = 1.0 if wet else _clip(1.0 - q / c.kwel_full, 0.0, 1.0)
        depth = _below(k, c.room_depth)
        depth = g if wet and g < depth else depth
        out[i] = c.room * dry * _above(depth - c.drain_new, 0.0)


@part
def _runoff(room: Any, c: Change, out: Any) -> None:
    """Afvoer [m3/ha]: the task that soil and built storage do not take; no layer needed for a relief."""
    for i in range(out.size):
        left = _above(c.task - room[i] - c.built, 0.0)
        out[i] = left if c.task > 0.0 else c.task


@part
def _displaced(water: Any, room: Any, c: Change, out: Any) -> None:
    """Verdrongen berging [m3/ha], less the built storage that afvoer leaves over."""
    for i in range(out.size):
        d = _finite(np.float64(water[i]))
        v = c.raised_f * _below(d, c.raise_f) - c.raised_r * _below(d, c.raise_r) + c.storage
        spare = c.built - _above(c.task - room[i], 0.0) if c.task > 0.0 else c.built
        spare = spare if spare > 0.0 else 0.0
        out[i] = _above(v - spare, 0.0) if v > 0.0 else v


@part
def _lowering(ghg: Any, c: Change, out: Any) -> None:
    """Grondwaterverlaging [m]: lowering by drains less the rise towards a wanted level."""
    for i in range(out.size):
        g = _finite(np.float64(ghg[i]))
        need = _above(c.drain_f - g, 0.0) - _above(c.drain_r - g, 0.0)
        rise = _clip(g - c.target_f, 0.0, c.rise_max) - _clip(g - c.target_r, 0.0, c.rise_max)
        out[i] = np.nan if c.abstracts else _above(need, 0.0) - rise


@part
def _drained(kwel: Any, c: Change, out: Any) -> None:
    """Kwelafvoer [mm/jr]."""
    for i in range(out.size):
        out[i] = c.kwel_days * _above(_finite(np.float64(kwel[i])), 0.0)


@part
def _recharge(kwel: Any, room: Any, c: Change, out: Any) -> None:
    """Aanvullingsverlies [mm/jr], less what can still soak in on the spot."""
    for i in range(out.size):
        q = _finite(np.float64(kwel[i]))
        u = _above(c.task - room[i], 0.0) / c.task if c.soaks else 1.0
        out[i] = c.recharge * _clip((c.kwel_top - q) / c.kwel_width, 0.0, 1.0) * u


@part
def _demand(droogte: Any, c: Change, out: Any) -> None:
    """Watervraag [mm/jr]."""
    for i in range(out.size):
        out[i] = c.demand * _clip(_finite(np.float64(droogte[i])) / c.drought_full, 0.0, 1.0)


@part
def _settlement(softness: Any, c: Change, out: Any) -> None:
    """Zetting [m], mean over the plan."""
    for i in range(out.size):
        a = _below(_finite(np.float64(softness[i])), c.softness_max)
        out[i] = c.fill * a / (1.0 - a)


@part
def _peat(veen: Any, c: Change, out: Any) -> None:
    """Veenoxidatie [m] over the lifetime."""
    for i in range(out.size):
        t = _finite(np.float64(veen[i]))
        out[i] = _below(t, c.peat_f) - _below(t, c.peat_r)


@part
def _cost(p: Any, c: Change, out: Any) -> None:
    """Kosten [EUR/ha/jr]: what is unknown is left out, all unknown is NaN."""
    for i in range(out.size):
        a, b, q, z = p[AFVOER, i], p[VERDRONGEN, i], p[WATERVRAAG, i], p[ZETTING, i]
        water = (a if a == a else 0.0) + (b if b == b else 0.0)
        known = (a == a) | (b == b) | (q == q) | (z == z)
        sum_ = c.cost_settling * (z if z > 0.0 else 0.0)
        sum_ += c.cost_water * (water if water > 0.0 else 0.0)
        sum_ += c.cost_demand * (q if q > 0.0 else 0.0)
        out[i] = sum_ if known else np.nan


@part
def _share(values: Any, anchor: float, factor: float, share: Any, top: Any) -> None:
    """Positive part against the anchor, unknown is 0; and the largest share so far."""
    for i in range(share.size):
        s = values[i] / anchor if values[i] > 0.0 else 0.0
        s *= factor
        share[i] = s
        top[i] = s if s > top[i] else top[i]


@part
def _water_shares(p: Any, c: Change, afvoer: Any, verdrongen: Any, top: Any) -> None:
    """Both are the same water: the share of their sum goes to the larger of the two."""
    anchor, margin = c.anchor[AFVOER], c.margin
    for i in range(top.size):
        a, b = p[AFVOER, i], p[VERDRONGEN, i]
        total = (a if a == a else 0.0) + (b if b == b else 0.0)
        share = total / anchor if total > 0.0 else 0.0
        mine = (a == a) & ((b != b) | (a / anchor + margin >= b / anchor))
        afvoer[i] = share if mine else 0.0
        verdrongen[i] = 0.0 if mine else share
        top[i] = share


@part
def _largest(c: Change, first: int, after: int, n: int, w: Any) -> None:
    """Shares of some components, and the largest of them; the first two go together."""
    top = w.top[:n]
    if first == AFVOER:
        _water_shares(w.value, c, w.share[AFVOER, :n], w.share[VERDRONGEN, :n], top)
    else:
        for i in range(n):
            top[i] = 0.0
    for k in range(max(first, VERDRONGEN + 1), after):
        if w.heard[k]:
            factor = c.lasting if k in (ZETTING, ACHTERUITGANG) else 1.0
            _share(w.value[k, :n], c.anchor[k], factor, w.share[k, :n], top)


@part
def _unknown(p: Any, k: int, n: int, w: Any, out: Any) -> None:
    """Mark, besides what is marked, cells where a component is unknown."""
    if w.there[k]:
        for i in range(n):
            out[i] |= p[k, i] != p[k, i]
    else:
        for i in range(n):
            out[i] = True


@part
def _open(c: Change, first: int, after: int, n: int, w: Any) -> None:
    """Mark cells where something that could be a burden is unknown."""
    for i in range(n):
        w.open_[i] = False
    for k in range(first, after):
        if c.could[k]:
            _unknown(w.value, k, n, w, w.open_)


@part
def _index(top: Any, open_: Any, c: Change, out: Any) -> None:
    """Largest share, at most 1; a lower bound shows a burden, never its absence."""
    show = c.show_from - c.margin
    for i in range(out.size):
        value = top[i] if top[i] < 1.0 else 1.0
        hidden = open_[i] & (value < show)
        out[i] = np.float32(np.nan if hidden else value)


@part
def _risk(a: Any, b: Any, g: Any, c: Change, out: Any) -> None:
    """Largest of three indices; unknown below the level that may be shown if one is unknown."""
    show = c.show_from - c.margin
    for i in range(out.size):
        x, y, z = np.float64(a[i]), np.float64(b[i]), np.float64(g[i])
        top = x if x > 0.0 else 0.0
        top = y if y > top else top
        top = z if z > top else top
        hidden = ((x != x) | (y != y) | (z != z)) & (top < show)
        out[i] = np.float32(np.nan if hidden else top)


@part
def _larger(share: Any, margin: float, number: int, best: Any, cause: Any) -> None:
    for i in range(best.size):
        more = share[i] > best[i] + margin
        best[i] = share[i] if more else best[i]
        cause[i] = number if more else cause[i]


@part
def _cause(risico: Any, c: Change, n: int, w: Any, out: Any) -> None:
    """Number of the component with the largest share, the first on a tie; 0 = none."""
    best, cause, margin = w.top[:n], w.cause[:n], c.margin
    for i in range(n):
        best[i], cause[i] = 0.0, 0
    for k in range(KOSTEN + 1):
        if w.heard[k]:
            _larger(w.share[k, :n], margin, np.int64(k + 1), best, cause)
    for i in range(n):
        out[i] = np.uint8(cause[i] if risico[i] >= margin else 0)


class Block(NamedTuple):
    """Buffers for one block of cells, and what need not be looked at in any."""

    there: NDArray[np.bool_]  # (10,) the component is known somewhere
    heard: NDArray[np.bool_]  # (10,) its share can be above 0
    value: Doubles  # (10, BLOCK) components; NaN where not there
    share: Doubles  # (10, BLOCK); 0 where not heard
    room: Doubles
    top: Doubles
    open_: NDArray[np.bool_]
    cause: NDArray[np.int64]
    unknown: Floats


def buffers(layers: Any, c: Change) -> Block:
    """Return buffers for a block of cells, and what need not be looked at."""
    there, heard = np.ones(10, np.bool_), np.ones(10, np.bool_)
    there[list(NEEDS)] = [layers[row].size > 0 for row in NEEDS.values()]
    heard[[VERLAGING, KWELAFVOER, AANVULLING, WATERVRAAG]] = (
        not c.abstracts,
        c.kwel_days > 0,
        c.recharge > 0,
        c.demand > 0,
    )
    heard[VERLAGING:] &= there[VERLAGING:]
    return Block(
        there,
        heard,
        np.full((10, BLOCK), np.nan, np.float64),
        np.zeros((10, BLOCK), np.float64),
        np.empty(BLOCK, np.float64),
        np.empty(BLOCK, np.float64),
        np.empty(BLOCK, np.bool_),
        np.empty(BLOCK, np.int64),
        np.full(BLOCK, np.nan, np.float32),
    )


@partial(part, inline="always")
def _cells(layers: Any, row: int, a: int, n: int, w: Block) -> Any:
    """Cells of a layer; unknown where the layer is missing."""
    return layers[row][a : a + n] if layers[row].size else w.unknown[:n]


@part
def _components(layers: Any, a: int, n: int, c: Change, w: Block) -> None:
    p, room = w.value, w.room[:n]
    kwel, ghg = _cells(layers, D_KWEL, a, n, w), _cells(layers, D_GHG, a, n, w)
    _soil_room(_cells(layers, D_KEILEEM, a, n, w), ghg, kwel, c, room)
    _runoff(room, c, p[AFVOER, :n])
    if w.there[VERDRONGEN]:
        _displaced(layers[D_WATER][a : a + n], room, c, p[VERDRONGEN, :n])
    if w.there[VERLAGING]:
        _lowering(ghg, c, p[VERLAGING, :n])
    if w.there[KWELAFVOER]:
        _drained(kwel, c, p[KWELAFVOER, :n])
        _recharge(kwel, room, c, p[AANVULLING, :n])
    if w.there[WATERVRAAG]:
        _demand(layers[D_DROOGTE][a : a + n], c, p[WATERVRAAG, :n])
    if w.there[ZETTING]:
        _settlement(layers[D_ZETTING][a : a + n], c, p[ZETTING, :n])
    if w.there[VEEN]:
        _peat(layers[D_VEEN][a : a + n], c, p[VEEN, :n])
    if w.there[ACHTERUITGANG]:
        _widen(layers[D_DECLINE][a : a + n], p[ACHTERUITGANG, :n])
    _cost(p, c, p[KOSTEN, :n])


@part
def _widen(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.float64(values[i])


@part
def _cost_open(c: Change, n: int, w: Block) -> None:
    """Kosten is a lower bound where one of its terms could be a burden and is unknown."""
    _open(c, AFVOER, VERDRONGEN + 1, n, w)
    for k in (WATERVRAAG, ZETTING):
        if c.could[k]:
            _unknown(w.value, k, n, w, w.open_)


@part
def _store(values: Any, out: Any) -> None:
    """Round to float32; adding 0 turns -0 into 0."""
    for i in range(out.size):
        out[i] = np.float32(values[i] + 0.0)


@kernel
def shift_from(layers: Any, first: int, c: Change, out: Burden, w: Block) -> None:
    """As :func:`shift_cells`, from cell ``first`` of the layers on."""
    for a in range(0, out.risico.size, BLOCK):
        n = min(BLOCK, out.risico.size - a)
        b = a + n
        _components(layers, first + a, n, c, w)
        _largest(c, AFVOER, ZETTING, n, w)
        _open(c, AFVOER, ZETTING, n, w)
        _index(w.top, w.open_, c, out.ruimte[a:b])
        _largest(c, ZETTING, KOSTEN, n, w)
        _open(c, ZETTING, KOSTEN, n, w)
        _index(w.top, w.open_, c, out.tijd[a:b])
        _largest(c, KOSTEN, KOSTEN + 1, n, w)
        _cost_open(c, n, w)
        _index(w.top, w.open_, c, out.geld[a:b])
        _risk(out.ruimte[a:b], out.tijd[a:b], out.geld[a:b], c, out.risico[a:b])
        _cause(out.risico[a:b], c, n, w, out.oorzaak[a:b])
        if out.components.size:
            for k in range(KOSTEN + 1):
                _store(w.value[k, :n], out.components[k, a:b])


def shift_cells(layers: Any, c: Change, out: Burden) -> None:
    """Compute what every cell shifts to others into ``out``.

    Parameters
    ----------
    layers : tuple of float32 arrays, each (n,) or empty
        The layers of ``LAYERS``, then achteruitgang; NaN = unknown, empty = not in the data.
    c : Change
    out : Burden
        Filled in place.
    """
    shift_from(layers, 0, c, out, buffers(layers, c))
