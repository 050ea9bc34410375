"""The fictitious landscape, cell by cell: a pure function of place and seed.

Only + - * / floor and sqrt are used, which IEEE 754 rounds alike on every machine; every cell
takes the same steps wherever its tile begins, so tiles equal the whole byte for byte.

The formulas run :mod:`in two ways <waterbodem.kernels.fiction.two_ways>`: on arrays, and compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import both, kernel
from waterbodem.kernels.fiction.land_use import fill_floods, fill_use
from waterbodem.kernels.fiction.landforms import BUILT, GAPS, PATCH, RELIEF, RIDGE, STRIP, TILL, Work, fill_forms, work
from waterbodem.kernels.fiction.noise import first_share, mixed, second_share, smooth
from waterbodem.kernels.fiction.two_ways import cells_of, choose, least, most

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Single = NDArray[np.float32]

ZONES, NATURE, FLOODS, USE, WATER, FLOODS_LATER = range(13, 19)
#: Cells that are taken together when the formulas run on arrays.
CHUNK = 8192


# ---- layers


@both
def _zone_at(ratio):
    """Return the protection zone at a distance, as a share of the outer radius."""
    outer = choose(ratio < 1.0, 2.0, 0.0)
    return choose(ratio < 0.03, 4.0, choose(ratio < 0.36, 3.0, outer))


@both
def _protection(x, y, salt, wobble):
    """Return the groundwater protection zone: one field near the centre, others far apart."""
    p, q = (35.0 * x + 12.0 * y) / 37.0 - 500.0, (35.0 * y - 12.0 * x) / 37.0 + 640.0
    bend = 1.0 + 0.22 * wobble
    near = _zone_at((p * p * 1.8 + q * q) / 129600.0 * bend)
    u, v = x / 15000.0, y / 15000.0
    i, j = np.floor(u), np.floor(v)
    h = mixed(np.int64(i), np.int64(j), salt)
    du = (u - i - 0.2 - 0.6 * first_share(h)) * 15000.0
    dv = (v - j - 0.2 - 0.6 * second_share(h)) * 15000.0
    h = mixed(np.int64(j), np.int64(i), salt)
    radius = 900.0 + 1500.0 * second_share(h)
    far = most(near, _zone_at((du * du + dv * dv) / (radius * radius) * bend))
    return choose(first_share(h) > 0.45, near, far)


@both
def _keileem(ridge, valley, bog, till, gaps, hollow, c):
    """Return the depth of the keileem below maaiveld [m]; inf = absent."""
    presence = 1.0 - 0.9 * ridge - 0.95 * valley - 0.8 * bog - 0.62 * smooth(0.9, 1.6, gaps)
    depth = c.till_depth + c.till_wave * till + c.till_dip * smooth(0.95, c.till_edge, presence)
    depth += 0.25 * most(0.0, depth - c.till_depth) - 0.5 * hollow
    low = c.till_least
    soft = low + 0.5 * (depth - low + np.sqrt((depth - low) * (depth - low) + 0.04))
    return choose(presence + 0.06 * till < c.till_edge, np.inf, soft)


@both
def _base(x, y):
    """Return the broad lie of the land [m NAP]: a plateau falling north, south-west and west."""
    u, v = (x + 3012.0) / 32000.0, (y + 8480.0) / 33000.0
    level = 13.0 - 7.0 * v * v - 2.5 * v - 3.0 * u * u + 3.0 * u
    return 0.5 * (level + np.sqrt(level * level + 6.0))


@both
def _maaiveld(base, field, valley, bog, hollow, relief, plot, c):
    """Return ground level [m NAP]."""
    swell = c.ridge_height * smooth(-0.6, 1.9, field) + 0.22 * relief * (1.0 - 0.8 * bog)
    cut = c.incision * valley * np.divide(base, base + 4.0)
    level = base + swell * (1.0 - 0.35 * bog) - cut - c.hollow_depth * hollow
    return most(0.1, level + 0.25 * bog * (plot - 0.5) - 0.4)


@both
def _kwel(ridge, valley, bog, absent, relief, till, c):
    """Return the vertical flux [mm/d], positive up."""
    up = c.kwel_valley * valley * (0.75 + 0.15 * till)
    foot = c.kwel_foot * 6.75 * ridge * (1.0 - ridge) * (1.0 - ridge) * (1.0 - valley)
    loss = c.loss_plateau * (1.0 + 0.25 * relief) + c.loss_ridge * ridge * (1.0 + 0.2 * till)
    loss += choose(absent, c.loss_gap * (1.0 - bog), 0.0)
    return up + foot - loss * (1.0 - valley) * (1.0 - 0.6 * bog)


@both
def _peat(valley, bog, hollow, plot, relief, till, c):
    """Return the thickness of peat [m]."""
    in_valley = c.peat_valley * valley * valley * (0.75 + 0.2 * till + 0.06 * relief) - 0.15
    in_bog = c.bog_peat * bog * (0.15 + 0.85 * plot + 0.05 * relief)
    in_hollow = c.hollow_peat * hollow - 0.15
    return most(most(in_valley, in_bog), most(in_hollow, 0.0))


@both
def _ghg(ridge, valley, bog, keileem, hollow, relief, plot, c):
    """Return the mean highest groundwater level [m below maaiveld]."""
    dry = c.ghg_plateau + c.ghg_ridge * ridge + (0.12 + 0.3 * ridge) * relief
    perched = 0.12 + 0.5 * least(keileem, 10.0) + 0.06 * relief
    level = least(dry, perched)
    level += bog * (1.0 - ridge) * (c.ghg_bog + 0.25 * (plot - 0.5) - level)
    level += valley * (c.ghg_valley + 0.04 * relief - level)
    return most(-0.3, level - 0.6 * hollow)


@both
def _swing(ridge, valley, bog, keileem):
    """Return how far the groundwater falls from GHG to GLG [m]."""
    shallow = 1.0 - smooth(0.6, 2.2, least(keileem, 10.0))
    return 0.95 + 0.35 * ridge + 0.3 * shallow - 0.45 * valley - 0.25 * bog * (1.0 - valley)


@both
def _droogte(ghg, glg, keileem, relief):
    """Return the yield loss by water shortage [%]."""
    loss = 3.0 + 9.0 * smooth(0.6, 1.9, glg) + 12.0 * smooth(0.9, 3.2, ghg)
    depth = least(keileem, 10.0)
    shallow = 1.0 - smooth(0.35, 0.95, depth)
    moist = smooth(0.8, 1.2, depth) * (1.0 - smooth(1.6, 2.2, depth))
    return most(0.5, loss + 5.0 * shallow - 2.0 * moist + 0.7 * relief)


@both
def _water(ridge, valley, bog, keileem, hollow, relief, rise):
    """Return how high the water of a cloudburst stands [m]; 0 = dry."""
    shallow = 1.0 - smooth(0.5, 1.6, least(keileem, 10.0))
    pool = 0.8 * hollow * (1.0 - 0.7 * ridge) - 0.06
    puddle = 0.30 * (-relief - 0.95 + 0.35 * shallow) * (1.0 - 0.3 * bog) - 0.2 * ridge
    floor = choose(valley > 0.6, 0.5 * (valley - 0.84) - 0.12 * relief, -1.0)
    depth = most(most(pool, puddle), floor) + rise
    return choose(depth >= 0.02, depth, 0.0)


# ---- rows


@both
def _soil(c, w, settling, depth, peat):
    """Fill zettingsgevoeligheid, keileemdiepte and veendikte of a row."""
    bog, valley, hollow, plot = w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    field, relief, till, gaps = w.fields[RIDGE], w.fields[RELIEF], w.fields[TILL], w.fields[GAPS]
    for k in cells_of(field):
        wide = smooth(c.ridge_from - 0.7, c.ridge_from + 0.3, field[k])
        depth[k] = _keileem(wide, valley[k], bog[k], till[k], gaps[k], hollow[k], c)
    for k in cells_of(field):
        thick = _peat(valley[k], bog[k], hollow[k], plot[k], relief[k], till[k], c)
        peat[k] = thick
        settling[k] = 0.01 + 0.72 * np.divide(thick, thick + 1.3) * (1.0 + 0.05 * relief[k])


@both
def _groundwater(c, w, depth, ghg, gvg, glg):
    """Fill the three groundwater levels of a row."""
    ridge, bog, valley, hollow, plot = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    relief = w.fields[RELIEF]
    for k in cells_of(relief):
        keileem = np.float64(depth[k])
        high = _ghg(ridge[k], valley[k], bog[k], keileem, hollow[k], relief[k], plot[k], c)
        swing = _swing(ridge[k], valley[k], bog[k], keileem)
        ghg[k], gvg[k], glg[k] = high, high + 0.27 * swing, high + swing


@both
def _flooding(w, depth, rise, factor, out):
    """Fill wateroverlast of a row."""
    ridge, bog, valley, hollow, relief = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.fields[RELIEF]
    for k in cells_of(relief):
        keileem = np.float64(depth[k])
        out[k] = factor * _water(ridge[k], valley[k], bog[k], keileem, hollow[k], relief[k], rise)


@both
def _drought(c, relief, depth, ghg, glg, now, later):
    """Fill droogte of a row, now and in 2050."""
    for k in cells_of(relief):
        loss = _droogte(np.float64(ghg[k]), np.float64(glg[k]), np.float64(depth[k]), relief[k])
        now[k], later[k] = loss, c.drought_factor * loss + c.drought_rise


@both
def _flux(c, w, depth, kwel, beekdal):
    """Fill kwel and beekdal of a row."""
    ridge, bog, valley = w.forms[0], w.forms[1], w.forms[2]
    relief, till = w.fields[RELIEF], w.fields[TILL]
    for k in cells_of(relief):
        absent = np.float64(depth[k]) == np.inf
        kwel[k] = _kwel(ridge[k], valley[k], bog[k], absent, relief[k], till[k], c)
        beekdal[k] = choose(valley[k] >= c.beekdal_from, 1.0, 0.0)


@both
def _surface(x, y, c, w, maaiveld):
    """Fill ground level of a row."""
    bog, valley, hollow, plot = w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    field, relief = w.fields[RIDGE], w.fields[RELIEF]
    for k in cells_of(relief):
        base = _base(x[k], y)
        maaiveld[k] = _maaiveld(base, field[k], valley[k], bog[k], hollow[k], relief[k], plot[k], c)


@both
def _zones(x, y, salt, wobble, out):
    """Fill grondwaterbescherming of a row."""
    for k in cells_of(x):
        out[k] = _protection(x[k], y, salt, wobble[k])


@both
def _layers(x, y, c, w):
    """Fill the layers of water and soil of a row, in the order of ``fiction.LAYERS``."""
    out, relief, depth = w.layers, w.fields[RELIEF], w.layers[3]
    _soil(c, w, out[0], depth, out[8])
    _flux(c, w, depth, out[4], out[9])
    _groundwater(c, w, depth, out[5], out[6], out[7])
    _flooding(w, depth, 0.0, 1.0, out[1])
    _flooding(w, depth, c.rain_rise, c.rain_factor, out[11])
    _drought(c, relief, depth, out[5], out[7], out[2], out[12])
    _surface(x, y, c, w, out[10])
    fill_floods(c, w, out[FLOODS], out[FLOODS_LATER])


@both
def _blank(layer, where):
    """Make a layer unknown at one cell or many."""
    return choose(where, np.float32(np.nan), layer)


@both
def _forget(fields, c, out):
    """Make unknown what was not mapped: other layers at other places."""
    for k in cells_of(out[0]):
        built, high = fields[BUILT, k] > c.built_from, fields[PATCH, k] > c.patch_high
        strip, low = np.abs(fields[STRIP, k]) < c.strip_width, fields[PATCH, k] < c.patch_low
        for layer in (3, 5, 6, 7, 8):
            out[layer, k] = _blank(out[layer, k], built)
        for layer in (1, 11):
            out[layer, k] = _blank(out[layer, k], strip)
        for layer in (2, 4, 12):
            out[layer, k] = _blank(out[layer, k], high)
        out[0, k] = _blank(out[0, k], low)


@both
def _row(x, y, broad, fine, salts, c, zones, use, w):
    """Fill all layers of a row of cells in ``w``; zones and use where they are asked for."""
    fill_forms(x, y, broad, fine, salts, c, w)
    _layers(x, y, c, w)
    _forget(w.fields, c, w.layers)
    own = salts[broad.shape[0] + fine.shape[0] + 3 :]
    if zones:
        _zones(x, y, own[0], w.fields[RELIEF], w.layers[ZONES])
    if use:
        fill_use(x, y, own[1:], c, w, w.layers[NATURE], w.layers[USE], w.layers[WATER])


@both
def _wants_use(slot):
    """Return whether natuur, gebruik or water is asked for."""
    return slot[NATURE] >= 0 or slot[USE] >= 0 or slot[WATER] >= 0


@both
def _copy(source, target):
    for k in cells_of(target):
        target[k] = source[k]


def on_arrays(x: Floats, y: Floats, broad: Floats, fine: Floats, salts: Ints, c: Any, slot: Ints, out: Single) -> None:
    """Do what :func:`landscape` does, without a compiler: the same formulas, on chunks of cells."""
    flat = out.reshape(out.shape[0], -1)
    for a in range(0, flat.shape[1], CHUNK):
        row, col = np.divmod(np.arange(a, min(a + CHUNK, flat.shape[1])), x.size)
        w = work(row.size, slot.size)
        with np.errstate(all="ignore"):
            _row(x[col], y[row], broad, fine, salts, c, slot[ZONES] >= 0, _wants_use(slot), w)
        flat[slot[slot >= 0], a : a + CHUNK] = w.layers[slot >= 0]


@kernel
def landscape(
    x: Floats, y: Floats, broad: Floats, fine: Floats, salts: Ints, c: Any, slot: Ints, out: Single, w: Work
) -> None:
    """Fill the layers of a block of cells.

    Parameters
    ----------
    x, y : float64 (cols,), (rows,)
        Cell centres relative to the centre of the fiction [m].
    broad, fine : float64 (n, 6)
        Octaves: field, wavelength, amplitude, stretch, cosine and sine of the rotation.
    salts : int64 (len(broad) + len(fine) + 6,)
        One per octave, then six: two for hollows, and for allotments, protection zones, parcels and reserves.
    c : fiction.Fiction
        Widths, depths and borders.
    slot : int64 (layers,)
        Where in ``out`` a layer goes, -1 = not asked for.
    out : float32 (asked for, rows, cols)
        Filled.
    w : Work
        For a row.
    """
    for r in range(y.size):
        _row(x, y[r], broad, fine, salts, c, slot[ZONES] >= 0, _wants_use(slot), w)
        for layer in range(slot.size):
            if slot[layer] >= 0:
                _copy(w.layers[layer], out[slot[layer], r])
