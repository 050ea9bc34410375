"""What people made of the fictitious landscape: protected nature, present use, ditches and the floods of brooks.

It runs in :mod:`two ways <waterbodem.kernels.fiction.two_ways>`.
"""

from __future__ import annotations

import numpy as np

from waterbodem.kernels._compile.decorators import both
from waterbodem.kernels.fiction.landforms import BUILT, GAPS, RELIEF, TILL
from waterbodem.kernels.fiction.noise import first_share, mixed, second_share, smooth
from waterbodem.kernels.fiction.two_ways import cells_of, choose, least

HOUSING, ROAD, ARABLE, GRASS, WET_NATURE, FOREST, HEATH = 1.0, 3.0, 6.0, 7.0, 9.0, 10.0, 16.0


@both
def _off_line(place, spacing):
    """Return the distance to the nearest of parallel lines [m]."""
    share = place / spacing
    return spacing * np.abs(share - np.floor(share + 0.5))


@both
def _drawn(u, v, salt):
    """Return 0..1, a number drawn per square of a lattice."""
    return second_share(mixed(np.int64(np.floor(u)), np.int64(np.floor(v)), salt))


# ---- nature


@both
def _reserve(x, y, p, q, salt, wobble):
    """Return the squared share of the way from the middle of a Natura 2000 site to its edge: one here, others far."""
    du, dv = (p - 120.0) / 330.0, (q + 560.0) / 500.0
    near = du * du + dv * dv
    u, v = x / 9000.0, y / 9000.0
    i, j = np.floor(u), np.floor(v)
    h = mixed(np.int64(i), np.int64(j), salt)
    du = (u - i - 0.2 - 0.6 * first_share(h)) * 9000.0
    dv = (v - j - 0.2 - 0.6 * second_share(h)) * 9000.0
    h = mixed(np.int64(j), np.int64(i), salt)
    radius = 700.0 + 1100.0 * second_share(h)
    far = choose(first_share(h) < 0.55, (du * du + dv * dv) / (radius * radius), 9.0)
    return least(near, far) * (1.0 + 0.2 * wobble)


@both
def _wet(valley, bog, hollow):
    """Return whether the ground is wet by nature: in a valley, a hollow or a bog."""
    return (valley > 0.42) | (hollow > 0.35) | (bog > 0.7)


@both
def _wooded(p, q, ridge, till):
    """Return whether a ridge is forest and heath; the rest of it is es, open fields, as near the centre."""
    fields = 1.0 - smooth(0.75, 1.15, np.sqrt((p - 450.0) * (p - 450.0) + (q - 330.0) * (q - 330.0)) / 430.0)
    return (ridge > 0.4) & (till - 3.0 * fields > -0.3)


@both
def _nature(reserve, wet, wooded, valley, hollow, gaps):
    """Return natuur: 3 and 2 in a reserve, 1 on the floor and most slopes of a valley, in hollows and woods."""
    network = (valley > 0.8) | ((valley > 0.42) & (gaps > 0.0)) | (hollow > 0.55) | wooded
    return choose(reserve < 1.0, choose(wet, 3.0, 2.0), choose(network, 1.0, 0.0))


# ---- use


@both
def _farmed(ridge, valley, bog, plot, draw):
    """Return the use of land that is no nature: fields on ridge and bog, grass in valleys, all of it on the plateau."""
    plateau = choose(draw < 0.62, GRASS, choose(draw < 0.92, ARABLE, FOREST))
    low = choose(valley > 0.12, GRASS, plateau)
    high = choose(ridge > 0.3, ARABLE, low)
    return choose(bog > 0.4, choose(plot < 0.18, GRASS, ARABLE), high)


@both
def _use(natuur, wet, built, road, farmed, gaps):
    """Return gebruik as the code of a functie."""
    dry = choose(gaps > 0.25, HEATH, FOREST)
    green = choose(natuur > 0.0, choose(wet, WET_NATURE, dry), farmed)
    return choose(road, ROAD, choose(built, HOUSING, green))


# ---- water


@both
def _ditch(x, y, q, valley, bog, ridge, c):
    """Return the distance to the bank of the nearest ditch or canal [m], negative in it; inf where none is dug."""
    along, across = (4.0 * x + 3.0 * y) / 5.0, (4.0 * y - 3.0 * x) / 5.0
    drain = _off_line(along, 2.0 * c.plot_width) - c.ditch_width
    canal = _off_line(across + 300.0, 4.0 * c.plot_length) - c.canal_width
    low = _off_line(q, c.ditch_spacing) - c.ditch_width
    high = _off_line((12.0 * x + 5.0 * y) / 13.0, 2.0 * c.parcel_width) - c.ditch_width
    land = choose(valley > 0.12, low, choose(ridge < 0.1, high, np.inf))
    return choose(bog > 0.4, least(drain, canal), land)


@both
def _open_water(bank, ditch, hollow, natuur, built, c):
    """Return water: brooks and pools anywhere, ditches outside villages and reserves, where they were filled."""
    pool = hollow > c.pool_from
    dug = (ditch < 0.0) & (natuur < 2.0) & ~built
    return choose((bank < 0.0) | pool | dug, 1.0, 0.0)


@both
def _flood(valley, bog, relief, rise, c):
    """Return how high the water of a flooding brook stands [m]; 0 = dry."""
    depth = c.flood_depth * (valley - c.flood_from) * (1.0 - 0.6 * bog) - 0.06 * relief
    depth = choose(valley > c.flood_from, depth, -1.0) + rise
    return choose(depth >= 0.02, depth, 0.0)


# ---- rows


@both
def fill_floods(c, w, now, later):
    """Fill inundatie of a row, now and in 2050."""
    bog, valley, relief = w.forms[1], w.forms[2], w.fields[RELIEF]
    for k in cells_of(relief):
        now[k] = _flood(valley[k], bog[k], relief[k], 0.0, c)
        later[k] = c.flood_factor * _flood(valley[k], bog[k], relief[k], c.flood_rise, c)


@both
def fill_use(x, y, salts, c, w, natuur, gebruik, water):
    """Fill natuur, gebruik and water of a row; salts: of parcels and of reserves."""
    ridge, bog, valley, hollow, plot, bank = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.forms[4], w.forms[5]
    till, gaps, town = w.fields[TILL], w.fields[GAPS], w.fields[BUILT]
    for k in cells_of(till):
        p, q = (35.0 * x[k] + 12.0 * y) / 37.0, (35.0 * y - 12.0 * x[k]) / 37.0
        wet = _wet(valley[k], bog[k], hollow[k])
        built = (town[k] > c.village_from) & (valley[k] < 0.3)
        reserve = choose(built, 9.0, _reserve(x[k], y, p, q, salts[1], gaps[k]))
        wooded = _wooded(p, q, ridge[k], till[k]) & ~built
        kept = choose(built, 0.0, _nature(reserve, wet, wooded, valley[k], hollow[k], gaps[k]))
        road = least(_off_line(p + 250.0, 6000.0), _off_line(q - 720.0, 7000.0)) < c.road_width
        u, v = (12.0 * x[k] + 5.0 * y) / (13.0 * c.parcel_width), (12.0 * y - 5.0 * x[k]) / (13.0 * c.parcel_length)
        farmed = _farmed(ridge[k], valley[k], bog[k], plot[k], _drawn(u, v, salts[0]))
        ditch = _ditch(x[k], y, q, valley[k], bog[k], ridge[k], c)
        natuur[k] = kept
        gebruik[k] = _use(kept, wet, built, road, farmed, gaps[k])
        water[k] = _open_water(bank[k], ditch, hollow[k], kept, built, c)
