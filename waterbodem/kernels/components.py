"""Components of the burden of a cell, in their own units: the formulas of rekenregels section 5.

Everything that depends on the two functies only is a number in a record of ``CHANGE``; what is left per cell are short
formulas over a block, in float64. ``a if not (a > b) else b`` instead of ``min`` keeps NaN (unknown) a NaN.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import inlined, stage
from waterbodem.kernels._compile.records import cells_at
from waterbodem.kernels.rewetting import FIELDS, clip, fill_rise

#: Rows of the components in an output array, in the order of the table in rekenregels section 5.
(AFVOER, VERDRONGEN, VERLAGING, KWELAFVOER, AANVULLING, WATERVRAAG, ZETTING, VEEN, ACHTERUITGANG, KOSTEN) = range(10)
COMPONENTS = 10
#: Rows of the layers in the input tuple.
(D_WATER, D_KEILEEM, D_GHG, D_GLG, D_KWEL, D_DROOGTE, D_ZETTING, D_VEEN, D_DECLINE) = range(9)
LAYERS = (
    "wateroverlast",
    "keileemdiepte",
    "ghg",
    "glg",
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
#: Parts of a plan laid over those of its reference: raised in both, in one, in neither.
PARTS = 3


#: What a plan changes against its reference, as numbers; suffix f = plan, r = reference. A record is one pointer to a
#: kernel; its numbers are read before a loop, else they could change under what the loop writes.
CHANGE = np.dtype(
    [
        ("same", "?"),  # the plan is the present use: nothing is shifted
        ("believed_from", "f4"),  # the reference is unknown where ghg is known and less [m]
        ("task", "f8"),  # storage that the extra paving asks for [m3/ha]
        ("no_task", "f8"),  # as much is none
        ("own_rain", "f8"),  # rain on the unpaved part, which fills its soil first [m3/ha]
        ("room", "f8"),  # m3/ha per metre of unsaturated soil under the unpaved part
        ("room_depth", "f8"),  # soil below this depth does not count [m]
        ("raised", "f8"),  # share of the plan that is raised
        ("drain_raised", "f8"),  # new drains below the original maaiveld: in the raised part [m]
        ("drain_green", "f8"),  # and in the rest
        ("kwel_full", "f8"),  # no room in the soil from this kwel on [mm/d]
        ("built", "f8"),  # storage built in the plan [m3/ha]
        ("spare", "f8"),  # what of it no board asks [m3/ha]
        ("own_water", "f8"),  # depth of the rain that fell on the spot [m]
        ("raised_f", "f8"),  # m3/ha per metre of water on raised ground
        ("raised_r", "f8"),
        ("raise_f", "f8"),  # height of the raising [m]
        ("raise_r", "f8"),
        ("storage", "f8"),  # storage depth lost, in m3/ha
        ("pores", "f8"),  # m3/ha per metre of rise
        ("parts", "i8"),  # plan laid over reference: how many parts, their share,
        ("share", "f8", PARTS),
        ("drain_f", "f8", PARTS),  # drains that the plan lays [m]
        ("drain_r", "f8", PARTS),  # drains that lie there [m]
        ("rewets", "?"),  # the plan keeps a level, see rewetting
        ("holds", "?"),  # the present use holds that level already: no rise
        *FIELDS,
        ("wet_ghg", "f4"),  # wet ground, with a level, does not recharge less [m]
        ("wet_rise", "f8"),
        ("abstracts", "?"),  # abstraction: lowering needs a receptor test
        ("kwel_drains", "f8"),  # drains that catch all kwel [m]
        ("recharge", "f8"),  # loss of recharge [mm/jr]
        ("soaks", "f8"),  # part of it that soaks in on the spot if all of the task does
        ("leak_top", "f8"),  # nothing leaks away from this kwel on [mm/d]
        ("demand", "f8"),  # water from outside at full drought [mm/jr]
        ("drought_full", "f8"),  # [%]
        ("fill_f", "f8"),  # mean height of the fill [m]
        ("fill_r", "f8"),
        ("load_f", "f8"),  # settlement after delivery, against that of sand
        ("load_r", "f8"),
        ("softness_max", "f8"),
        ("peat_full", "f8"),  # thinner peat is soon gone [m]
        ("peat_fringe", "f8"),  # capillary zone below the peat [m]
        ("peat_slope", "f8"),  # mm/jr per metre of GLG
        ("peat_base", "f8"),  # mm/jr
        ("peat_deep_f", "f8"),  # GLG per metre of drains
        ("peat_deep_r", "f8"),
        ("peat_norm", "f8"),  # that of drains in peat meadows
        ("lasting", "f8"),  # 1 - omkeerbaarheid
        ("cost_settling", "f8"),  # EUR/ha/jr per metre of settlement
        ("cost_water", "f8"),  # EUR per m3
        ("cost_demand", "f8"),  # EUR/ha/jr per mm/jr
        ("show_from", "f8"),  # a lower bound may show a burden from here on
        ("margin", "f8"),
        ("could", "u1", COMPONENTS),  # (10,) the component could be a burden
        ("could_cost", "u1", COMPONENTS),  # (10,) and a cost
        ("anchor", "f8", COMPONENTS),  # (10,) amount at which a share is 1
    ],
    align=True,
)


@inlined
def _above(x: float, low: float) -> float:
    """max(x, low) that keeps NaN."""
    return low if x < low else x


@inlined
def _below(x: float, high: float) -> float:
    """min(x, high) that keeps NaN."""
    return high if x > high else x


@inlined
def _finite(x: float) -> float:
    """NaN for what is infinite: only keileem can be absent."""
    return x if x - x == 0.0 else np.nan


@stage
def _ground(keileem: Any, ghg: Any, kwel: Any, c: Any, out: Any) -> None:
    """Water that the soil above groundwater and keileem can take, the rain on the unpaved part too [m3/ha]."""
    per_kwel, deepest, per_metre = 1.0 / c.kwel_full, c.room_depth, c.room
    raised, high, low = c.raised, c.drain_raised, c.drain_green
    for i in range(out.size):
        k, g, q = np.float64(keileem[i]), _finite(np.float64(ghg[i])), _finite(np.float64(kwel[i]))
        k = k if k > -np.inf else np.nan
        wet = g == g
        dry = 1.0 if wet else clip(1.0 - q * per_kwel, 0.0, 1.0)
        depth = _below(k, deepest)
        depth = g if wet and g < depth else depth
        depth = raised * _above(depth - high, 0.0) + (1.0 - raised) * _above(depth - low, 0.0)
        out[i] = per_metre * dry * depth


@inlined
def _left(ground: float, task: float, own_rain: float) -> float:
    """What the soil leaves of the task [m3/ha]; NaN where its room is unknown."""
    return _above(task - _above(ground - own_rain, 0.0), 0.0)


@stage
def _runoff(ground: Any, c: Any, out: Any) -> None:
    """Afvoer [m3/ha]: the task that soil and built storage do not take; no layer needed for a relief."""
    task, own_rain, built, none = c.task, c.own_rain, c.built, c.no_task
    for i in range(out.size):
        left = _above(_left(ground[i], task, own_rain) - built, 0.0)
        out[i] = left if task > none else task


@stage
def _displaced(water: Any, ground: Any, rise: Any, c: Any, out: Any) -> None:
    """Verdrongen berging [m3/ha], less the built storage that no board asked and afvoer leaves over."""
    raised_f, raise_f, raised_r, raise_r = c.raised_f, c.raise_f, c.raised_r, c.raise_r
    storage, pores, built, spare, task, own_rain = c.storage, c.pores, c.built, c.spare, c.task, c.own_rain
    own_water, none = c.own_water, c.no_task
    for i in range(out.size):
        d = _above(_finite(np.float64(water[i])) - own_water, 0.0)
        v = _above(raised_f * _below(d, raise_f) - raised_r * _below(d, raise_r), 0.0) + storage + pores * rise[i]
        left = built - _left(ground[i], task, own_rain) if task > none else built
        left = left if left > 0.0 else 0.0
        out[i] = _above(v - _below(left, spare), 0.0) if v > 0.0 else v


@stage
def _mean_need(ghg: Any, lift: Any, share: float, new: float, old: float, out: Any) -> None:
    """Add how much deeper than now the plan needs the groundwater in a part [m]."""
    for i in range(out.size):
        g = _finite(np.float64(ghg[i]))
        drain = _above(old - lift[i], new)
        out[i] += share * (_above(drain - g, 0.0) - _above(old - g, 0.0))


@stage
def _lowering(ghg: Any, lift: Any, rise: Any, c: Any, out: Any) -> None:
    """Grondwaterverlaging [m]: lowering by drains less the rise towards a wanted level."""
    for i in range(out.size):
        out[i] = 0.0
    for k in range(c.parts):
        _mean_need(ghg, lift, c.share[k], c.drain_f[k], c.drain_r[k], out)
    for i in range(out.size):
        out[i] = _above(out[i], 0.0) - rise[i]


@stage
def _mean_caught(lift: Any, share: float, new: float, old: float, per_metre: float, out: Any) -> None:
    """Add how much more of the kwel drains catch in a part."""
    before = _below(old * per_metre, 1.0)
    for i in range(out.size):
        out[i] += share * (_below(_above(old - lift[i], new) * per_metre, 1.0) - before)


@stage
def fill_caught(lift: Any, c: Any, out: Any) -> None:
    """Share of the kwel that the plan drains away beyond what is drained today."""
    for i in range(out.size):
        out[i] = 0.0
    for k in range(c.parts):
        _mean_caught(lift, c.share[k], c.drain_f[k], c.drain_r[k], 1.0 / c.kwel_drains, out)


@stage
def _drained(kwel: Any, caught: Any, out: Any) -> None:
    """Kwelafvoer [mm/jr]."""
    for i in range(out.size):
        out[i] = 365.0 * _above(_finite(np.float64(kwel[i])), 0.0) * caught[i]


@stage
def fill_lost(ghg: Any, rise: Any, c: Any, out: Any) -> None:
    """Recharge that the plan loses where it can [mm/jr]: wet ground does not recharge at the rate of dry sand."""
    recharge, wet_rise, wet_ghg, level = c.recharge, c.wet_rise - c.margin, c.wet_ghg, c.rewets
    for i in range(out.size):
        wet = (rise[i] >= wet_rise) | (level & (ghg[i] <= wet_ghg))
        out[i] = 0.0 if wet & (recharge > 0.0) else recharge


@stage
def _recharge(kwel: Any, ground: Any, lost: Any, c: Any, out: Any) -> None:
    """Aanvullingsverlies [mm/jr]: at most what leaks away, less what can still soak in on the spot."""
    task, top, soaks, margin = c.task, c.leak_top, c.soaks, c.margin
    per_task = 1.0 / task if task > margin else 0.0
    for i in range(out.size):
        q = _finite(np.float64(kwel[i]))
        u = 1.0 - soaks * (1.0 - _above(task - ground[i], 0.0) * per_task)
        u = u if (lost[i] > margin) & (task > margin) else 1.0
        most = 365.0 * _above(top - q, 0.0)
        value = clip(lost[i] * u, -most, most)
        out[i] = value if q == q else np.nan


@stage
def _demand(droogte: Any, c: Any, out: Any) -> None:
    """Watervraag [mm/jr]."""
    demand, per_drought = c.demand, 1.0 / c.drought_full
    for i in range(out.size):
        out[i] = demand * clip(_finite(np.float64(droogte[i])) * per_drought, 0.0, 1.0)


@stage
def _add_settlement(softness: Any, fill: float, load: float, most: float, out: Any) -> None:
    """Add the settlement by a mean height of fill [m]."""
    for i in range(out.size):
        a = _below(_finite(np.float64(softness[i])) * load, most)
        out[i] += fill * a / (1.0 - a)


@stage
def _settlement(softness: Any, c: Any, out: Any) -> None:
    """Zetting [m], mean over the plan."""
    for i in range(out.size):
        out[i] = 0.0
    _add_settlement(softness, c.fill_f, c.load_f, c.softness_max, out)
    if c.fill_r > 0.0:
        _add_settlement(softness, -c.fill_r, c.load_r, c.softness_max, out)


@stage
def _mean_decay(veen: Any, glg: Any, lift: Any, c: Any, k: int, out: Any) -> None:
    """Add how much faster than now peat is lost in a part [mm/jr]."""
    share, new, old = c.share[k], c.drain_f[k], c.drain_r[k]
    deep_f, deep_r, norm = c.peat_deep_f, c.peat_deep_r, 1.0 / c.peat_norm
    slope, base, fringe = c.peat_slope, c.peat_base, c.peat_fringe
    for i in range(out.size):
        g = _finite(np.float64(glg[i]))
        drain = _above(old - lift[i], new)
        measured = g == g
        f = (g + drain - old) * (deep_f * norm) if measured else deep_f * drain
        r = _above(g, 0.0) * (deep_r * norm) if measured else deep_r * old
        deepest = np.float64(veen[i]) + fringe
        f, r = _above(slope * _below(f, deepest) - base, 0.0), _above(slope * _below(r, deepest) - base, 0.0)
        out[i] += share * (f - r)


@stage
def _decay(veen: Any, glg: Any, lift: Any, c: Any, out: Any) -> None:
    """Veenoxidatie [mm/jr]: thin peat is soon gone."""
    per_metre = 1.0 / c.peat_full
    for i in range(out.size):
        out[i] = 0.0
    for k in range(c.parts):
        _mean_decay(veen, glg, lift, c, k, out)
    for i in range(out.size):
        out[i] *= clip(_finite(np.float64(veen[i])) * per_metre, 0.0, 1.0)


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


@partial(inlined, inline="always")
def cells_of(layers: Any, row: int, a: int, n: int, w: Any) -> Any:
    """Cells of a layer; unknown where the layer is missing."""
    return cells_at(layers[row], a, n) if layers[row] else w.unknown[:n]


@stage
def fill_water(layers: Any, a: int, n: int, c: Any, w: Any) -> None:
    """Fill afvoer and verdrongen berging, as far as known somewhere, and kosten: what built storage changes."""
    p = w.value
    _runoff(w.ground[:n], c, p[AFVOER, :n])
    if w.there[VERDRONGEN]:
        _displaced(cells_at(layers[D_WATER], a, n), w.ground[:n], w.rise[:n], c, p[VERDRONGEN, :n])
    _cost(p, c, p[KOSTEN, :n])


@stage
def _own_rise(ghg: Any, holds: bool, rise: Any) -> None:
    """Rise that the plan makes itself: none where the present use holds the level, unknown without ghg."""
    for i in range(rise.size):
        rise[i] = 0.0 if holds else (rise[i] if ghg[i] == ghg[i] else np.nan)


@stage
def _rewet(layers: Any, a: int, n: int, c: Any, w: Any) -> None:
    """Fill what a level of the plan does to the ground."""
    ghg, kwel = cells_of(layers, D_GHG, a, n, w), cells_of(layers, D_KWEL, a, n, w)
    keileem, veen = cells_of(layers, D_KEILEEM, a, n, w), cells_of(layers, D_VEEN, a, n, w)
    fill_rise(ghg, keileem, veen, kwel, c, w.rise[:n], w.lift[:n])
    _own_rise(ghg, c.holds, w.rise[:n])
    fill_caught(w.lift[:n], c, w.caught[:n])
    fill_lost(ghg, w.rise[:n], c, w.lost[:n])


@stage
def fill_components(layers: Any, a: int, n: int, c: Any, w: Any) -> None:
    """Fill the components of n cells from cell a on, those that are known somewhere."""
    p, ground, lift = w.value, w.ground[:n], w.lift[:n]
    kwel, ghg = cells_of(layers, D_KWEL, a, n, w), cells_of(layers, D_GHG, a, n, w)
    if c.rewets:
        _rewet(layers, a, n, c, w)
    _ground(cells_of(layers, D_KEILEEM, a, n, w), ghg, kwel, c, ground)
    if w.there[VERLAGING]:
        _lowering(ghg, lift, w.rise[:n], c, p[VERLAGING, :n])
    if w.there[KWELAFVOER]:
        _drained(kwel, w.caught[:n], p[KWELAFVOER, :n])
        _recharge(kwel, ground, w.lost[:n], c, p[AANVULLING, :n])
    if w.there[WATERVRAAG]:
        _demand(cells_at(layers[D_DROOGTE], a, n), c, p[WATERVRAAG, :n])
    if w.there[ZETTING]:
        _settlement(cells_at(layers[D_ZETTING], a, n), c, p[ZETTING, :n])
    if w.there[VEEN]:
        _decay(cells_at(layers[D_VEEN], a, n), cells_of(layers, D_GLG, a, n, w), lift, c, p[VEEN, :n])
    if w.there[ACHTERUITGANG]:
        _widen(cells_at(layers[D_DECLINE], a, n), p[ACHTERUITGANG, :n])
    fill_water(layers, a, n, c, w)
