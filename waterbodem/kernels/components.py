"""Components of the burden of a cell, in their own units: the formulas of rekenregels section 5.

Everything that depends on the two functies only is a number in a record of ``CHANGE``; what is left per cell are short
formulas over a block, in float64. ``a if not (a > b) else b`` instead of ``min`` keeps NaN (unknown) a NaN.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import part, stage
from waterbodem.kernels._compile.records import cells_at

#: Rows of the components in an output array, in the order of the table in rekenregels section 5.
(AFVOER, VERDRONGEN, VERLAGING, KWELAFVOER, AANVULLING, WATERVRAAG, ZETTING, VEEN, ACHTERUITGANG, KOSTEN) = range(10)
COMPONENTS = 10
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


#: What a plan changes against its reference, as numbers; suffix f = plan, r = reference. A record is one pointer to a
#: kernel; its numbers are read before a loop, else they could change under what the loop writes.
CHANGE = np.dtype(
    [
        ("task", "f8"),  # storage that the extra paving asks for [m3/ha]
        ("room", "f8"),  # m3/ha per metre of unsaturated soil under the unpaved part
        ("room_depth", "f8"),  # soil below this depth does not count [m]
        ("drain_new", "f8"),  # new drains below the original maaiveld [m]
        ("kwel_full", "f8"),  # no room in the soil from this kwel on [mm/d]
        ("built", "f8"),  # storage built in the plan [m3/ha]
        ("raised_f", "f8"),  # m3/ha per metre of water on raised ground
        ("raised_r", "f8"),
        ("raise_f", "f8"),  # height of the raising [m]
        ("raise_r", "f8"),
        ("storage", "f8"),  # storage depth lost, in m3/ha
        ("drain_f", "f8"),  # effective drainage depth [m]
        ("drain_r", "f8"),
        ("target_f", "f8"),  # wanted groundwater depth [m]; +inf = none
        ("target_r", "f8"),
        ("rise_max", "f8"),  # [m]
        ("abstracts", "?"),  # abstraction: lowering needs a receptor test
        ("kwel_days", "f8"),  # mm/jr of kwel drained away per mm/d of kwel
        ("recharge", "f8"),  # loss where rain can soak in [mm/jr]
        ("soaks", "?"),  # part of the lost recharge can still soak in on the spot
        ("kwel_top", "f8"),  # no recharge from this kwel on [mm/d]
        ("kwel_width", "f8"),
        ("demand", "f8"),  # water from outside at full drought [mm/jr]
        ("drought_full", "f8"),  # [%]
        ("fill", "f8"),  # mean height of sand [m]
        ("softness_max", "f8"),
        ("peat_f", "f8"),  # peat lost over the lifetime [m], as far as there is peat
        ("peat_r", "f8"),
        ("lasting", "f8"),  # 1 - omkeerbaarheid
        ("cost_settling", "f8"),  # EUR/ha/jr per metre of settlement
        ("cost_water", "f8"),  # EUR per m3
        ("cost_demand", "f8"),  # EUR/ha/jr per mm/jr
        ("show_from", "f8"),  # a lower bound may show a burden from here on
        ("margin", "f8"),
        ("could", "u1", COMPONENTS),  # (10,) the component could be a burden
        ("anchor", "f8", COMPONENTS),  # (10,) amount at which a share is 1
    ],
    align=True,
)


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


@stage
def _soil_room(keileem: Any, ghg: Any, kwel: Any, c: Any, out: Any) -> None:
    """Water that the soil above groundwater and keileem can take [m3/ha]."""
    per_kwel, deepest, drain, per_metre = 1.0 / c.kwel_full, c.room_depth, c.drain_new, c.room
    for i in range(out.size):
        k, g, q = np.float64(keileem[i]), _finite(np.float64(ghg[i])), _finite(np.float64(kwel[i]))
        k = k if k > -np.inf else np.nan
        wet = g == g
        dry = 1.0 if wet else _clip(1.0 - q * per_kwel, 0.0, 1.0)
        depth = _below(k, deepest)
        depth = g if wet and g < depth else depth
        out[i] = per_metre * dry * _above(depth - drain, 0.0)


@stage
def _runoff(room: Any, c: Any, out: Any) -> None:
    """Afvoer [m3/ha]: the task that soil and built storage do not take; no layer needed for a relief."""
    task, built = c.task, c.built
    for i in range(out.size):
        left = _above(task - room[i] - built, 0.0)
        out[i] = left if task > 0.0 else task


@stage
def _displaced(water: Any, room: Any, c: Any, out: Any) -> None:
    """Verdrongen berging [m3/ha], less the built storage that afvoer leaves over."""
    raised_f, raise_f, raised_r, raise_r = c.raised_f, c.raise_f, c.raised_r, c.raise_r
    storage, built, task = c.storage, c.built, c.task
    for i in range(out.size):
        d = _finite(np.float64(water[i]))
        v = raised_f * _below(d, raise_f) - raised_r * _below(d, raise_r) + storage
        spare = built - _above(task - room[i], 0.0) if task > 0.0 else built
        spare = spare if spare > 0.0 else 0.0
        out[i] = _above(v - spare, 0.0) if v > 0.0 else v


@stage
def _lowering(ghg: Any, c: Any, out: Any) -> None:
    """Grondwaterverlaging [m]: lowering by drains less the rise towards a wanted level."""
    drain_f, drain_r, target_f, target_r = c.drain_f, c.drain_r, c.target_f, c.target_r
    most, abstracts = c.rise_max, c.abstracts
    for i in range(out.size):
        g = _finite(np.float64(ghg[i]))
        need = _above(drain_f - g, 0.0) - _above(drain_r - g, 0.0)
        rise = _clip(g - target_f, 0.0, most) - _clip(g - target_r, 0.0, most)
        out[i] = np.nan if abstracts else _above(need, 0.0) - rise


@stage
def _drained(kwel: Any, c: Any, out: Any) -> None:
    """Kwelafvoer [mm/jr]."""
    days = c.kwel_days
    for i in range(out.size):
        out[i] = days * _above(_finite(np.float64(kwel[i])), 0.0)


@stage
def _recharge(kwel: Any, room: Any, c: Any, out: Any) -> None:
    """Aanvullingsverlies [mm/jr], less what can still soak in on the spot."""
    task, soaks, recharge, top, steep = c.task, c.soaks, c.recharge, c.kwel_top, 1.0 / c.kwel_width
    per_task = 1.0 / task if soaks else 0.0
    for i in range(out.size):
        q = _finite(np.float64(kwel[i]))
        u = _above(task - room[i], 0.0) * per_task if soaks else 1.0
        out[i] = recharge * _clip((top - q) * steep, 0.0, 1.0) * u


@stage
def _demand(droogte: Any, c: Any, out: Any) -> None:
    """Watervraag [mm/jr]."""
    demand, per_drought = c.demand, 1.0 / c.drought_full
    for i in range(out.size):
        out[i] = demand * _clip(_finite(np.float64(droogte[i])) * per_drought, 0.0, 1.0)


@stage
def _settlement(softness: Any, c: Any, out: Any) -> None:
    """Zetting [m], mean over the plan."""
    fill, most = c.fill, c.softness_max
    for i in range(out.size):
        a = _below(_finite(np.float64(softness[i])), most)
        out[i] = fill * a / (1.0 - a)


@stage
def _peat(veen: Any, c: Any, out: Any) -> None:
    """Veenoxidatie [m] over the lifetime."""
    peat_f, peat_r = c.peat_f, c.peat_r
    for i in range(out.size):
        t = _finite(np.float64(veen[i]))
        out[i] = _below(t, peat_f) - _below(t, peat_r)


@stage
def _cost(p: Any, c: Any, out: Any) -> None:
    """Kosten [EUR/ha/jr]: what is unknown is left out, all unknown is NaN."""
    per_settling, per_water, per_demand = c.cost_settling, c.cost_water, c.cost_demand
    for i in range(out.size):
        a, b, q, z = p[AFVOER, i], p[VERDRONGEN, i], p[WATERVRAAG, i], p[ZETTING, i]
        water = (a if a == a else 0.0) + (b if b == b else 0.0)
        known = (a == a) | (b == b) | (q == q) | (z == z)
        sum_ = per_settling * (z if z > 0.0 else 0.0)
        sum_ += per_water * (water if water > 0.0 else 0.0)
        sum_ += per_demand * (q if q > 0.0 else 0.0)
        out[i] = sum_ if known else np.nan


@stage
def _widen(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.float64(values[i])


@partial(part, inline="always")
def _cells(layers: Any, row: int, a: int, n: int, w: Any) -> Any:
    """Cells of a layer; unknown where the layer is missing."""
    return cells_at(layers[row], a, n) if layers[row] else w.unknown[:n]


@stage
def fill_components(layers: Any, a: int, n: int, c: Any, w: Any) -> None:
    """Fill the components of n cells from cell a on, those that are known somewhere."""
    p, room = w.value, w.room[:n]
    kwel, ghg = _cells(layers, D_KWEL, a, n, w), _cells(layers, D_GHG, a, n, w)
    _soil_room(_cells(layers, D_KEILEEM, a, n, w), ghg, kwel, c, room)
    _runoff(room, c, p[AFVOER, :n])
    if w.there[VERDRONGEN]:
        _displaced(cells_at(layers[D_WATER], a, n), room, c, p[VERDRONGEN, :n])
    if w.there[VERLAGING]:
        _lowering(ghg, c, p[VERLAGING, :n])
    if w.there[KWELAFVOER]:
        _drained(kwel, c, p[KWELAFVOER, :n])
        _recharge(kwel, room, c, p[AANVULLING, :n])
    if w.there[WATERVRAAG]:
        _demand(cells_at(layers[D_DROOGTE], a, n), c, p[WATERVRAAG, :n])
    if w.there[ZETTING]:
        _settlement(cells_at(layers[D_ZETTING], a, n), c, p[ZETTING, :n])
    if w.there[VEEN]:
        _peat(cells_at(layers[D_VEEN], a, n), c, p[VEEN, :n])
    if w.there[ACHTERUITGANG]:
        _widen(cells_at(layers[D_DECLINE], a, n), p[ACHTERUITGANG, :n])
    _cost(p, c, p[KOSTEN, :n])
