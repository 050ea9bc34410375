"""The fictitious landscape, cell by cell: a pure function of place and seed.

Only + - * / floor and sqrt are used, which IEEE 754 rounds alike on every machine; every cell
takes the same steps wherever its tile begins, so tiles equal the whole byte for byte.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._jit import jit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Single = NDArray[np.float32]

_A = np.uint64(0x9E3779B97F4A7C15)
_B = np.uint64(0xC2B2AE3D27D4EB4F)
_C = np.uint64(0xD6E8FEB86659FD93)
_LOW = np.uint64(0xFFFFFF)
_S32 = np.uint64(32)
_S29 = np.uint64(29)
_S24 = np.uint64(24)

VALLEY, BRANCH, RIDGE, BOG, BUILT, STRIP, PATCH, TILL, GAPS, RELIEF = range(10)
SLOPED = 2
ZONES = 13
HOME = 7


@jit
def _hash(i, j, salt):
    """Mix two lattice numbers and a salt to 64 bits."""
    h = np.uint64(i) * _A ^ np.uint64(j) * _B ^ np.uint64(salt) * _C
    h = (h ^ (h >> _S32)) * _C
    h = (h ^ (h >> _S29)) * _A
    return h ^ (h >> _S32)


@jit
def _first(h):
    """Return 0..1 from the low 24 bits."""
    return np.float64(np.int64(h & _LOW)) / 16777216.0


@jit
def _second(h):
    """Return 0..1 from the next 24 bits."""
    return np.float64(np.int64((h >> _S24) & _LOW)) / 16777216.0


@jit
def _clip(x):
    return min(max(x, 0.0), 1.0)


@jit
def _step(low, high, x):
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = _clip((x - low) * np.divide(1.0, high - low))
    return t * t * (3.0 - 2.0 * t)


@jit
def _corner(i, j, salt, g, k):
    """Put the gradient of a lattice point at ``g[k]``, ``g[k + 1]``, each -1..1."""
    h = _hash(i, j, salt)
    g[k] = 2.0 * _first(h) - 1.0
    g[k + 1] = 2.0 * _second(h) - 1.0


@jit
def _corners(i, j, salt, g):
    _corner(i, j, salt, g, 0)
    _corner(i + 1, j, salt, g, 2)
    _corner(i, j + 1, salt, g, 4)
    _corner(i + 1, j + 1, salt, g, 6)


@jit
def _lattice(x, y, octave, u, v):
    """Put the place of a row of cells on the lattice of an octave at ``u`` and ``v``."""
    c, s = octave[4] / octave[1], octave[5] / octave[1]
    east, north = c * y, s * y
    flat = 1.0 / octave[3]
    for k in range(x.size):
        u[k] = c * x[k] + north
        v[k] = (east - s * x[k]) * flat


@jit
def _leave(u, start):
    """Return the first cell after ``start`` with another whole part; ``u`` is monotone."""
    whole, last = np.floor(u[start]), u.size
    if start + 1 == last:
        return last
    step = abs(u[start + 1] - u[start])
    room = whole + 1.0 - u[start] if u[start + 1] > u[start] else u[start] - whole
    end = last
    if room < (last - start) * step:
        end = min(start + 1 + np.int64(np.divide(room, step)), last)
    while end < last and np.floor(u[end]) == whole:
        end += 1
    while end > start + 1 and np.floor(u[end - 1]) != whole:
        end -= 1
    return end


@jit
def _run(u, v, start):
    """Return the end of the cells from ``start`` on that lie in one square of the lattice."""
    return min(_leave(u, start), _leave(v, start))


@jit
def _fill_run(us, vs, i, j, g, amp, out):
    """Add gradient noise within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]
    for k in range(out.size):
        u, v = us[k] - i, vs[k] - j
        a = g0 * u + g1 * v
        b = g2 * (u - 1.0) + g3 * v
        d = g4 * u + g5 * (v - 1.0)
        e = g6 * (u - 1.0) + g7 * (v - 1.0)
        fu = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
        fv = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
        low = a + fu * (b - a)
        out[k] += amp * (low + fv * (d + fu * (e - d) - low))


@jit
def _add_noise(x, y, octave, salt, u, v, out):
    """Add one octave of gradient noise along a row."""
    _lattice(x, y, octave, u, v)
    g = np.empty(8)
    start = 0
    while start < x.size:
        end = _run(u, v, start)
        i, j = np.floor(u[start]), np.floor(v[start])
        _corners(np.int64(i), np.int64(j), salt, g)
        _fill_run(u[start:end], v[start:end], i, j, g, octave[2], out[start:end])
        start = end


@jit
def _fill_sloped_run(us, vs, i, j, g, octave, out, dx, dy):
    """Add noise and its slope within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]
    twist_u, twist_v = g0 - g2 - g4 + g6, g1 - g3 - g5 + g7
    amp, c, s = octave[2], octave[4], octave[5]
    per_u, per_v = amp / octave[1], amp / (octave[1] * octave[3])
    for k in range(out.size):
        u, v = us[k] - i, vs[k] - j
        a = g0 * u + g1 * v
        b = g2 * (u - 1.0) + g3 * v - a
        d = g4 * u + g5 * (v - 1.0) - a
        twist = g6 * (u - 1.0) + g7 * (v - 1.0) - a - b - d
        fu = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
        fv = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
        su = 30.0 * u * u * (u * (u - 2.0) + 1.0)
        sv = 30.0 * v * v * (v * (v - 2.0) + 1.0)
        out[k] += amp * (a + fu * b + fv * d + fu * fv * twist)
        gu = g0 + fu * (g2 - g0) + fv * (g4 - g0) + fu * fv * twist_u + su * (b + fv * twist)
        gv = g1 + fu * (g3 - g1) + fv * (g5 - g1) + fu * fv * twist_v + sv * (d + fu * twist)
        dx[k] += c * (per_u * gu) - s * (per_v * gv)
        dy[k] += s * (per_u * gu) + c * (per_v * gv)


@jit
def _add_sloped_noise(x, y, octave, salt, u, v, out, dx, dy):
    """Add one octave and its slope to the east and north [per m]."""
    _lattice(x, y, octave, u, v)
    g = np.empty(8)
    start = 0
    while start < x.size:
        end = _run(u, v, start)
        i, j = np.floor(u[start]), np.floor(v[start])
        _corners(np.int64(i), np.int64(j), salt, g)
        _fill_sloped_run(
            u[start:end],
            v[start:end],
            i,
            j,
            g,
            octave,
            out[start:end],
            dx[start:end],
            dy[start:end],
        )
        start = end


@jit
def _octaves(x, y, table, salts, fields, east, north):
    """Add a table of octaves to the fields of a row."""
    u, v = np.empty(x.size), np.empty(x.size)
    for n in range(table.shape[0]):
        f = np.int64(table[n, 0])
        if f < SLOPED:
            _add_sloped_noise(x, y, table[n], salts[n], u, v, fields[f], east[f], north[f])
        else:
            _add_noise(x, y, table[n], salts[n], u, v, fields[f])


@jit
def _disc(p, q, radius, peak):
    """Return a hill: ``peak`` in its middle, falling by 1 at ``radius``, never below -0.6."""
    return max(-0.6, peak - (p * p + q * q) / (radius * radius))


@jit
def _home(f, p, q, c):
    """Return the fixed form of a field near the centre, at p across and q along."""
    if f == VALLEY:
        t = (p - c.home_valley - 6e-5 * q * q) / 700.0
        return t / math.sqrt(1.0 + 0.16 * t * t)
    if f == BRANCH:
        t = (q + 330.0 - 0.35 * p) / 650.0
        return t / math.sqrt(1.0 + 0.16 * t * t)
    if f == RIDGE:
        t = (p - c.home_ridge + 4e-5 * q * q) / (c.home_ridge_width - 0.03 * q)
        return 2.4 / (1.0 + t * t) - 0.6
    if f == BOG:
        t = (p - c.home_bog) / 140.0
        return c.bog_from + t / math.sqrt(1.0 + t * t)
    if f == BUILT:
        return _disc(p + 520.0, q - 520.0, 220.0, 1.85)
    if f == STRIP:
        return (q + 0.25 * p + 830.0) / 900.0
    return _disc(p + 700.0, q + 480.0, 230.0, 1.9)


@jit
def _home_slope(f):
    """Return the slope of valley and branch near the centre, across and along [per m]."""
    if f == VALLEY:
        return 1.0 / 700.0, 0.0
    return -0.35 / 650.0, 1.0 / 650.0


@jit
def _blend_home(x, y, c, fields, east, north):
    """Let the broad forms of a row pass into the fixed arrangement near the centre."""
    for k in range(x.size):
        away = math.sqrt(x[k] * x[k] + y * y)
        away *= 1.0 + 0.3 * min(max(fields[PATCH, k], -1.0), 1.0)
        share = 1.0 - _step(c.home_full, c.home_end, away)
        if share > 0.0:
            p = (35.0 * x[k] + 12.0 * y) / 37.0
            q = (35.0 * y - 12.0 * x[k]) / 37.0
            for f in range(HOME):
                fields[f, k] += share * (_home(f, p, q, c) - fields[f, k])
            for f in range(SLOPED):
                sp, sq = _home_slope(f)
                east[f, k] += share * ((35.0 * sp - 12.0 * sq) / 37.0 - east[f, k])
                north[f, k] += share * ((12.0 * sp + 35.0 * sq) / 37.0 - north[f, k])


@jit
def _line_distance(value, east, north, gentle):
    """Return the distance to the contour where ``value`` is 0 [m], by its slope."""
    return np.divide(abs(value), math.sqrt(east * east + north * north + gentle * gentle))


@jit
def _valley(valley, branch, ve, vn, be, bn, ridge, bog, c):
    """Return the valley share of a cell: 1 on the floor, 0 outside."""
    away = _line_distance(valley, ve, vn, 2.5e-4)
    width = c.valley_width * (1.0 - 0.8 * ridge) * (1.0 - 0.45 * bog)
    main = 1.0 - _step(0.2, 1.2, np.divide(away, width))
    reach = 1.0 - _step(0.1 * c.branch_reach, c.branch_reach, away)
    branch -= c.branch_level if valley > 0.0 else 0.0
    width = 1.0 + c.branch_width * reach * (1.0 - ridge) * (1.0 - 0.9 * bog)
    off = np.divide(_line_distance(branch, be, bn, 2.5e-4), width)
    side = reach * (1.0 - _step(0.2, 1.2, off))
    return 1.0 - (1.0 - main) * (1.0 - _step(0.0, 0.6, side) * (1.0 - ridge))


@jit
def _dig(x, y, octave, chance, salt, relief, hollow):
    """Dig round hollows along a row, 0..1 deep, at most one per square of a rotated lattice."""
    size, c, s = octave
    ci = cj = np.nan
    du = dv = longer = per = 0.0
    for k in range(x.size):
        u, v = (c * x[k] + s * y) * (1.0 / size), (c * y - s * x[k]) * (1.0 / size)
        i, j = np.floor(u), np.floor(v)
        if i != ci or j != cj:
            ci, cj = i, j
            h = _hash(np.int64(i), np.int64(j), salt)
            radius = 0.07 + 0.11 * _second(h)
            per = 1.0 / (radius * radius) if _first(h) < chance else np.inf
            h = _hash(np.int64(j), np.int64(i), salt + 1)
            du, dv = 0.25 + 0.5 * _first(h), 0.25 + 0.5 * _second(h)
            longer = 0.75 + 0.6 * _first(h)
        if per < np.inf:
            u, v = u - i - du, v - j - dv
            bend = 1.0 + min(max(0.6 * relief[k], -0.4), 0.8)
            t = 1.0 - (u * u * longer + v * v * (1.0 / longer)) * per * bend
            hollow[k] = max(hollow[k], t * t * (3.0 - 2.0 * t) if t > 0.0 else 0.0)


@jit
def _plot(x, y, salt, c):
    """Return 0..1, a number drawn per allotment of the veenkolonie."""
    u = (4.0 * x + 3.0 * y) / (5.0 * c.plot_width)
    i = np.int64(math.floor(u))
    shift = _first(_hash(i >> np.int64(3), np.int64(7), salt))
    v = (4.0 * y - 3.0 * x) / (5.0 * c.plot_length) + shift
    return _second(_hash(i, np.int64(math.floor(v)), salt))


@jit
def _zone_at(ratio):
    """Return the protection zone at a distance, as a share of the outer radius."""
    if ratio < 0.03:
        return 4.0
    if ratio < 0.36:
        return 3.0
    return 2.0 if ratio < 1.0 else 0.0


@jit
def _protection(x, y, salt, wobble):
    """Return the groundwater protection zone: one field near the centre, others far apart."""
    p, q = (35.0 * x + 12.0 * y) / 37.0 - 500.0, (35.0 * y - 12.0 * x) / 37.0 + 640.0
    bend = 1.0 + 0.22 * wobble
    near = _zone_at((p * p * 1.8 + q * q) / 129600.0 * bend)
    u, v = x / 15000.0, y / 15000.0
    i, j = math.floor(u), math.floor(v)
    h = _hash(np.int64(i), np.int64(j), salt)
    du = (u - i - 0.2 - 0.6 * _first(h)) * 15000.0
    dv = (v - j - 0.2 - 0.6 * _second(h)) * 15000.0
    h = _hash(np.int64(j), np.int64(i), salt)
    if _first(h) > 0.45:
        return near
    radius = 900.0 + 1500.0 * _second(h)
    return max(near, _zone_at((du * du + dv * dv) / (radius * radius) * bend))


@jit
def _keileem(ridge, valley, bog, till, gaps, hollow, c):
    """Return the depth of the keileem below maaiveld [m]; inf = absent."""
    presence = 1.0 - 0.9 * ridge - 0.95 * valley - 0.8 * bog - 0.62 * _step(0.9, 1.6, gaps)
    if presence + 0.06 * till < c.till_edge:
        return np.inf
    depth = c.till_depth + c.till_wave * till + c.till_dip * _step(0.95, c.till_edge, presence)
    depth += 0.25 * max(0.0, depth - c.till_depth) - 0.5 * hollow
    least = c.till_least
    return least + 0.5 * (depth - least + math.sqrt((depth - least) * (depth - least) + 0.04))


@jit
def _base(x, y):
    """Return the broad lie of the land [m NAP]: a plateau falling north, south-west and west."""
    u, v = (x + 3012.0) / 32000.0, (y + 8480.0) / 33000.0
    level = 13.0 - 7.0 * v * v - 2.5 * v - 3.0 * u * u + 3.0 * u
    return 0.5 * (level + math.sqrt(level * level + 6.0))


@jit
def _maaiveld(base, field, valley, bog, hollow, relief, plot, c):
    """Return ground level [m NAP]."""
    swell = c.ridge_height * _step(-0.6, 1.9, field) + 0.22 * relief * (1.0 - 0.8 * bog)
    cut = c.incision * valley * np.divide(base, base + 4.0)
    level = base + swell * (1.0 - 0.35 * bog) - cut - c.hollow_depth * hollow
    return max(0.1, level + 0.25 * bog * (plot - 0.5) - 0.4)


@jit
def _kwel(ridge, valley, bog, absent, relief, till, c):
    """Return the vertical flux [mm/d], positive up."""
    up = c.kwel_valley * valley * (0.75 + 0.15 * till)
    foot = c.kwel_foot * 6.75 * ridge * (1.0 - ridge) * (1.0 - ridge) * (1.0 - valley)
    loss = c.loss_plateau * (1.0 + 0.25 * relief) + c.loss_ridge * ridge * (1.0 + 0.2 * till)
    if absent:
        loss += c.loss_gap * (1.0 - bog)
    return up + foot - loss * (1.0 - valley) * (1.0 - 0.6 * bog)


@jit
def _peat(valley, bog, hollow, plot, relief, till, c):
    """Return the thickness of peat [m]."""
    in_valley = c.peat_valley * valley * valley * (0.75 + 0.2 * till + 0.06 * relief) - 0.15
    in_bog = c.bog_peat * bog * (0.15 + 0.85 * plot + 0.05 * relief)
    in_hollow = c.hollow_peat * hollow - 0.15
    return max(max(in_valley, in_bog), max(in_hollow, 0.0))


@jit
def _ghg(ridge, valley, bog, keileem, hollow, relief, plot, c):
    """Return the mean highest groundwater level [m below maaiveld]."""
    dry = c.ghg_plateau + c.ghg_ridge * ridge + (0.12 + 0.3 * ridge) * relief
    perched = 0.12 + 0.5 * min(keileem, 10.0) + 0.06 * relief
    level = min(dry, perched)
    level += bog * (1.0 - ridge) * (c.ghg_bog + 0.25 * (plot - 0.5) - level)
    level += valley * (c.ghg_valley + 0.04 * relief - level)
    return max(-0.3, level - 0.6 * hollow)


@jit
def _swing(ridge, valley, bog, keileem):
    """Return how far the groundwater falls from GHG to GLG [m]."""
    shallow = 1.0 - _step(0.6, 2.2, min(keileem, 10.0))
    return 0.95 + 0.35 * ridge + 0.3 * shallow - 0.45 * valley - 0.25 * bog * (1.0 - valley)


@jit
def _droogte(ghg, glg, keileem, relief, c):
    """Return the yield loss by water shortage [%]."""
    loss = 3.0 + 9.0 * _step(0.6, 1.9, glg) + 12.0 * _step(0.9, 3.2, ghg)
    shallow = 1.0 - _step(0.35, 0.95, min(keileem, 10.0))
    moist = _step(0.8, 1.2, min(keileem, 10.0)) * (1.0 - _step(1.6, 2.2, min(keileem, 10.0)))
    return max(0.5, loss + 5.0 * shallow - 2.0 * moist + 0.7 * relief)


@jit
def _water(ridge, valley, bog, keileem, hollow, relief, rise):
    """Return how high the water of a cloudburst stands [m]; 0 = dry."""
    shallow = 1.0 - _step(0.5, 1.6, min(keileem, 10.0))
    pool = 0.8 * hollow * (1.0 - 0.7 * ridge) - 0.06
    puddle = 0.30 * (-relief - 0.95 + 0.35 * shallow) * (1.0 - 0.3 * bog) - 0.2 * ridge
    floor = 0.5 * (valley - 0.84) - 0.12 * relief if valley > 0.6 else -1.0
    depth = max(max(pool, puddle), floor) + rise
    return depth if depth >= 0.02 else 0.0


@jit
def _forms(fields, east, north, c, ridge, bog, valley):
    """Fill the shares of ridge, bog and valley of a row."""
    field, marsh, line, branch = fields[RIDGE], fields[BOG], fields[VALLEY], fields[BRANCH]
    ve, vn, be, bn = east[VALLEY], north[VALLEY], east[BRANCH], north[BRANCH]
    for k in range(ridge.size):
        high = _step(c.ridge_from, c.ridge_full, field[k])
        wet = _step(c.bog_from, c.bog_full, marsh[k]) * (1.0 - high)
        low = _valley(line[k], branch[k], ve[k], vn[k], be[k], bn[k], high, wet, c)
        ridge[k], valley[k] = high, low
        bog[k] = wet * (1.0 - _step(0.1, 0.5, low))


@jit
def _places(x, y, forms, relief, salts, c, hollow, plot):
    """Fill depth of hollows and the number of the allotment of a row."""
    ridge, bog, valley = forms[0], forms[1], forms[2]
    hollow[:] = 0.0
    _dig(x, y, (420.0, 20.0 / 29.0, 21.0 / 29.0), 0.38, salts[0], relief, hollow)
    _dig(x, y, (1300.0, 8.0 / 17.0, 15.0 / 17.0), 0.3, salts[1], relief, hollow)
    for k in range(x.size):
        hollow[k] *= (1.0 - valley[k]) * (1.0 - bog[k]) * (1.0 - 0.6 * ridge[k])
        plot[k] = _plot(x[k], y, salts[2], c) if bog[k] > 0.0 else 0.0


@jit
def _soil(forms, field, relief, till, gaps, c, settling, depth, peat):
    """Fill zettingsgevoeligheid, keileemdiepte and veendikte of a row."""
    bog, valley, hollow, plot = forms[1], forms[2], forms[3], forms[4]
    for k in range(field.size):
        wide = _step(c.ridge_from - 0.7, c.ridge_from + 0.3, field[k])
        depth[k] = _keileem(wide, valley[k], bog[k], till[k], gaps[k], hollow[k], c)
    for k in range(field.size):
        thick = _peat(valley[k], bog[k], hollow[k], plot[k], relief[k], till[k], c)
        peat[k] = thick
        settling[k] = 0.01 + 0.72 * np.divide(thick, thick + 1.3) * (1.0 + 0.05 * relief[k])


@jit
def _groundwater(forms, relief, depth, c, ghg, gvg, glg):
    """Fill the three groundwater levels of a row."""
    ridge, bog, valley, hollow, plot = forms[0], forms[1], forms[2], forms[3], forms[4]
    for k in range(relief.size):
        high = _ghg(
            ridge[k], valley[k], bog[k], np.float64(depth[k]), hollow[k], relief[k], plot[k], c
        )
        swing = _swing(ridge[k], valley[k], bog[k], np.float64(depth[k]))
        ghg[k], gvg[k], glg[k] = high, high + 0.27 * swing, high + swing


@jit
def _flooding(forms, relief, depth, c, now, later):
    """Fill wateroverlast of a row, now and in 2050."""
    ridge, bog, valley, hollow = forms[0], forms[1], forms[2], forms[3]
    for k in range(relief.size):
        now[k] = _water(
            ridge[k], valley[k], bog[k], np.float64(depth[k]), hollow[k], relief[k], 0.0
        )
    for k in range(relief.size):
        wet = _water(
            ridge[k], valley[k], bog[k], np.float64(depth[k]), hollow[k], relief[k], c.rain_rise
        )
        later[k] = c.rain_factor * wet


@jit
def _drought(relief, depth, ghg, glg, c, now, later):
    """Fill droogte of a row, now and in 2050."""
    for k in range(relief.size):
        loss = _droogte(np.float64(ghg[k]), np.float64(glg[k]), np.float64(depth[k]), relief[k], c)
        now[k], later[k] = loss, c.drought_factor * loss + c.drought_rise


@jit
def _flux(forms, relief, till, depth, c, kwel, beekdal):
    """Fill kwel and beekdal of a row."""
    ridge, bog, valley = forms[0], forms[1], forms[2]
    for k in range(relief.size):
        kwel[k] = _kwel(
            ridge[k], valley[k], bog[k], np.float64(depth[k]) == np.inf, relief[k], till[k], c
        )
        beekdal[k] = 1.0 if valley[k] >= c.beekdal_from else 0.0


@jit
def _surface(x, y, forms, field, relief, c, maaiveld):
    """Fill ground level of a row."""
    bog, valley, hollow, plot = forms[1], forms[2], forms[3], forms[4]
    for k in range(relief.size):
        base = _base(x[k], y)
        maaiveld[k] = _maaiveld(base, field[k], valley[k], bog[k], hollow[k], relief[k], plot[k], c)


@jit
def _layers(x, y, fields, forms, c, out):
    """Fill all layers of a row but the zones, in the order of ``fiction.LAYERS``."""
    field, relief, till = fields[RIDGE], fields[RELIEF], fields[TILL]
    depth = out[3]
    _soil(forms, field, relief, till, fields[GAPS], c, out[0], depth, out[8])
    _flux(forms, relief, till, depth, c, out[4], out[9])
    _groundwater(forms, relief, depth, c, out[5], out[6], out[7])
    _flooding(forms, relief, depth, c, out[1], out[11])
    _drought(relief, depth, out[5], out[7], c, out[2], out[12])
    _surface(x, y, forms, field, relief, c, out[10])


@jit
def _forget(k, fields, c, out):
    """Make unknown what was not mapped: other layers at other places."""
    if fields[BUILT, k] > c.built_from:
        out[3, k] = out[5, k] = out[6, k] = out[7, k] = out[8, k] = np.nan
    if abs(fields[STRIP, k]) < c.strip_width:
        out[1, k] = out[11, k] = np.nan
    if fields[PATCH, k] > c.patch_high:
        out[4, k] = out[2, k] = out[12, k] = np.nan
    if fields[PATCH, k] < c.patch_low:
        out[0, k] = np.nan


@jit
def landscape(
    x: Floats, y: Floats, broad: Floats, fine: Floats, salts: Ints, c: Any, slot: Ints, out: Single
) -> None:
    """Fill the layers of a block of cells.

    Parameters
    ----------
    x, y : float64 (cols,), (rows,)
        Cell centres relative to the centre of the fiction [m].
    broad, fine : float64 (n, 6)
        Octaves: field, wavelength, amplitude, stretch, cosine and sine of the rotation.
    salts : int64 (len(broad) + len(fine) + 4,)
        One per octave, then four for hollows, allotments and protection zones.
    c : fiction.Fiction
        Widths, depths and borders.
    slot : int64 (layers,)
        Where in ``out`` a layer goes, -1 = not asked for.
    out : float32 (asked for, rows, cols)
        Filled.
    """
    n, m = broad.shape[0], broad.shape[0] + fine.shape[0]
    fields = np.empty((10, x.size))
    east, north = np.empty((SLOPED, x.size)), np.empty((SLOPED, x.size))
    forms = np.empty((5, x.size))
    layers = np.empty((slot.size, x.size), np.float32)
    for r in range(y.size):
        fields[:], east[:], north[:] = 0.0, 0.0, 0.0
        _octaves(x, y[r], broad, salts[:n], fields, east, north)
        for k in range(x.size):
            fields[BOG, k] += c.bog_east * min(max(x[k] / 32000.0, -1.5), 1.5)
        _blend_home(x, y[r], c, fields, east, north)
        _octaves(x, y[r], fine, salts[n:m], fields, east, north)
        _forms(fields, east, north, c, forms[0], forms[1], forms[2])
        _places(x, y[r], forms, fields[RELIEF], salts[m:], c, forms[3], forms[4])
        _layers(x, y[r], fields, forms, c, layers)
        for k in range(x.size):
            _forget(k, fields, c, layers)
        if slot[ZONES] >= 0:
            for k in range(x.size):
                layers[ZONES, k] = _protection(x[k], y[r], salts[m + 3], fields[RELIEF, k])
        for layer in range(slot.size):
            if slot[layer] >= 0:
                out[slot[layer], r] = layers[layer]
