"""The fictitious landscape, cell by cell: a pure function of place and seed.

Only + - * / floor and sqrt are used, which IEEE 754 rounds alike on every machine; every cell
takes the same steps wherever its tile begins, so tiles equal the whole byte for byte.

The formulas are written once and run in two ways: as they stand, on arrays of cells, which needs no compiler and suits
a small area; and compiled, cell by cell, which is several times faster and suits a large one. What differs between the
two are the few functions under "two meanings".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from waterbodem.kernels._jit import PART, both, kernel

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


#: Cells that are taken together when the formulas run on arrays.
CHUNK = 8192


class Work(NamedTuple):
    """Buffers for the cells of one row or chunk."""

    fields: Floats  # (10, cells)
    east: Floats  # (SLOPED, cells) slopes of the first fields
    north: Floats
    forms: Floats  # (5, cells) ridge, bog, valley, hollow, plot
    layers: Single  # (layers, cells)
    u: Floats
    v: Floats


def work(cells: int, layers: int) -> Work:
    """Return buffers for so many cells and layers."""
    rows = (10, SLOPED, SLOPED, 5)
    fields, east, north, forms = (np.empty((n, cells)) for n in rows)
    return Work(fields, east, north, forms, np.empty((layers, cells), np.float32), np.empty(cells), np.empty(cells))


# ---- two meanings: on arrays as defined here, on the numbers of one cell when compiled


def _compiled_as(function: Callable[..., Any], inline: str = "never") -> Callable[..., Any]:
    """Say what a function is in compiled code."""

    def register(single: Callable[..., Any]) -> Callable[..., Any]:
        overload(function, jit_options=PART, strict=False, inline=inline)(lambda *_: single)
        return single

    return register


def _cells(x):
    """Return what to loop over: all cells at once, compiled cell by cell."""
    return (slice(None),)


@_compiled_as(_cells, inline="always")  # else loops do not become vector instructions
def _each_cell(x):
    return range(x.size)


def _choose(condition, yes, no):
    return np.where(condition, yes, no)


@_compiled_as(_choose)
def _choose_one(condition, yes, no):
    return yes if condition else no


def _least(a, b):
    return np.minimum(a, b)


@_compiled_as(_least)
def _lesser(a, b):
    return b if b < a else a


def _most(a, b):
    return np.maximum(a, b)


@_compiled_as(_most)
def _greater(a, b):
    return b if b > a else a


def _any(condition):
    """Tell whether a step can matter at all."""
    return np.any(condition)


@_compiled_as(_any)
def _is(condition):
    return condition


def _run(u, v, start):
    """Return the end of the cells from ``start`` on that are taken together."""
    return u.size


@_compiled_as(_run)
def _square_end(u, v, start):
    """Compiled: those that lie in one square of the lattice."""
    return min(_leave(u, start), _leave(v, start))


def _square(u):
    """Return the square of the lattice in which cells lie that are taken together."""
    return np.floor(u)


@_compiled_as(_square)
def _one_square(u):
    return np.floor(u[0])


# ---- noise


@both
def _hash(i, j, salt):
    """Mix two lattice numbers and a salt to 64 bits."""
    h = np.uint64(i) * _A ^ np.uint64(j) * _B ^ np.uint64(salt) * _C
    h = (h ^ (h >> _S32)) * _C
    h = (h ^ (h >> _S29)) * _A
    return h ^ (h >> _S32)


@both
def _first(h):
    """Return 0..1 from the low 24 bits."""
    return np.float64(np.int64(h & _LOW)) / 16777216.0


@both
def _second(h):
    """Return 0..1 from the next 24 bits."""
    return np.float64(np.int64((h >> _S24) & _LOW)) / 16777216.0


@both
def _step(low, high, x):
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = _least(_most((x - low) * np.divide(1.0, high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@both
def _corner(i, j, salt):
    """Return the gradient of a lattice point, each -1..1."""
    h = _hash(i, j, salt)
    return 2.0 * _first(h) - 1.0, 2.0 * _second(h) - 1.0


@both
def _corners(i, j, salt):
    """Return the gradients at the four corners of a square."""
    g0, g1 = _corner(i, j, salt)
    g2, g3 = _corner(i + 1, j, salt)
    g4, g5 = _corner(i, j + 1, salt)
    g6, g7 = _corner(i + 1, j + 1, salt)
    return g0, g1, g2, g3, g4, g5, g6, g7


@both
def _lattice(x, y, octave, u, v):
    """Put the place of cells on the lattice of an octave at ``u`` and ``v``."""
    c, s = octave[4] / octave[1], octave[5] / octave[1]
    east, north = c * y, s * y
    flat = 1.0 / octave[3]
    for k in _cells(x):
        u[k] = c * x[k] + north
        v[k] = (east - s * x[k]) * flat


@both
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


@both
def _fill_run(us, vs, i, j, g, amp, out):
    """Add gradient noise within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g
    for k in _cells(out):
        u, v = us[k] - i, vs[k] - j
        a = g0 * u + g1 * v
        b = g2 * (u - 1.0) + g3 * v
        d = g4 * u + g5 * (v - 1.0)
        e = g6 * (u - 1.0) + g7 * (v - 1.0)
        fu = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
        fv = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
        low = a + fu * (b - a)
        out[k] += amp * (low + fv * (d + fu * (e - d) - low))


@both
def _add_noise(x, y, octave, salt, u, v, out):
    """Add one octave of gradient noise along a row."""
    _lattice(x, y, octave, u, v)
    start = 0
    while start < x.size:
        end = _run(u, v, start)
        us, vs = u[start:end], v[start:end]
        i, j = _square(us), _square(vs)
        g = _corners(np.int64(i), np.int64(j), salt)
        _fill_run(us, vs, i, j, g, octave[2], out[start:end])
        start = end


@both
def _fill_sloped_run(us, vs, i, j, g, octave, out, dx, dy):
    """Add noise and its slope within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g
    twist_u, twist_v = g0 - g2 - g4 + g6, g1 - g3 - g5 + g7
    amp, c, s = octave[2], octave[4], octave[5]
    per_u, per_v = amp / octave[1], amp / (octave[1] * octave[3])
    for k in _cells(out):
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


@both
def _add_sloped_noise(x, y, octave, salt, u, v, out, dx, dy):
    """Add one octave and its slope to the east and north [per m]."""
    _lattice(x, y, octave, u, v)
    start = 0
    while start < x.size:
        end = _run(u, v, start)
        us, vs = u[start:end], v[start:end]
        i, j = _square(us), _square(vs)
        g = _corners(np.int64(i), np.int64(j), salt)
        _fill_sloped_run(us, vs, i, j, g, octave, out[start:end], dx[start:end], dy[start:end])
        start = end


@both
def _octaves(x, y, table, salts, w):
    """Add a table of octaves to the fields of a row."""
    for n in range(table.shape[0]):
        f = np.int64(table[n, 0])
        if f < SLOPED:
            _add_sloped_noise(x, y, table[n], salts[n], w.u, w.v, w.fields[f], w.east[f], w.north[f])
        else:
            _add_noise(x, y, table[n], salts[n], w.u, w.v, w.fields[f])


# ---- the arrangement near the centre


@both
def _disc(p, q, radius, peak):
    """Return a hill: ``peak`` in its middle, falling by 1 at ``radius``, never below -0.6."""
    return _most(-0.6, peak - (p * p + q * q) / (radius * radius))


@both
def _home(f, p, q, c):
    """Return the fixed form of a field near the centre, at p across and q along."""
    if f == VALLEY:
        t = (p - c.home_valley - 6e-5 * q * q) / 700.0
        return t / np.sqrt(1.0 + 0.16 * t * t)
    if f == BRANCH:
        t = (q + 330.0 - 0.35 * p) / 650.0
        return t / np.sqrt(1.0 + 0.16 * t * t)
    if f == RIDGE:
        t = (p - c.home_ridge + 4e-5 * q * q) / (c.home_ridge_width - 0.03 * q)
        return 2.4 / (1.0 + t * t) - 0.6
    if f == BOG:
        t = (p - c.home_bog) / 140.0
        return c.bog_from + t / np.sqrt(1.0 + t * t)
    if f == BUILT:
        return _disc(p + 520.0, q - 520.0, 220.0, 1.85)
    if f == STRIP:
        return (q + 0.25 * p + 830.0) / 900.0
    return _disc(p + 700.0, q + 480.0, 230.0, 1.9)


@both
def _home_slope(f):
    """Return the slope of valley and branch near the centre, across and along [per m]."""
    if f == VALLEY:
        return 1.0 / 700.0, 0.0
    return -0.35 / 650.0, 1.0 / 650.0


@both
def _blend(k, x, y, share, c, w):
    """Let the broad forms pass into the fixed arrangement by a share."""
    p = (35.0 * x + 12.0 * y) / 37.0
    q = (35.0 * y - 12.0 * x) / 37.0
    for f in range(HOME):
        w.fields[f, k] += share * (_home(f, p, q, c) - w.fields[f, k])
    for f in range(SLOPED):
        sp, sq = _home_slope(f)
        w.east[f, k] += share * ((35.0 * sp - 12.0 * sq) / 37.0 - w.east[f, k])
        w.north[f, k] += share * ((12.0 * sp + 35.0 * sq) / 37.0 - w.north[f, k])


@both
def _blend_home(x, y, c, w):
    """Let the broad forms of a row pass into the fixed arrangement near the centre."""
    for k in _cells(x):
        away = np.sqrt(x[k] * x[k] + y * y)
        away *= 1.0 + 0.3 * _least(_most(w.fields[PATCH, k], -1.0), 1.0)
        share = 1.0 - _step(c.home_full, c.home_end, away)
        if _any(share > 0.0):
            _blend(k, x[k], y, share, c, w)


# ---- forms


@both
def _line_distance(value, east, north, gentle):
    """Return the distance to the contour where ``value`` is 0 [m], by its slope."""
    return np.divide(np.abs(value), np.sqrt(east * east + north * north + gentle * gentle))


@both
def _valley(valley, branch, ve, vn, be, bn, ridge, bog, c):
    """Return the valley share of a cell: 1 on the floor, 0 outside."""
    away = _line_distance(valley, ve, vn, 2.5e-4)
    width = c.valley_width * (1.0 - 0.8 * ridge) * (1.0 - 0.45 * bog)
    main = 1.0 - _step(0.2, 1.2, np.divide(away, width))
    reach = 1.0 - _step(0.1 * c.branch_reach, c.branch_reach, away)
    contour = branch - _choose(valley > 0.0, c.branch_level, 0.0)
    width = 1.0 + c.branch_width * reach * (1.0 - ridge) * (1.0 - 0.9 * bog)
    off = np.divide(_line_distance(contour, be, bn, 2.5e-4), width)
    side = reach * (1.0 - _step(0.2, 1.2, off))
    return 1.0 - (1.0 - main) * (1.0 - _step(0.0, 0.6, side) * (1.0 - ridge))


@both
def _pit(i, j, salt):
    """Return presence, middle, curvature and stretch of the hollow in a square of the lattice."""
    h = _hash(i, j, salt)
    radius = 0.07 + 0.11 * _second(h)
    draw, per = _first(h), 1.0 / (radius * radius)
    h = _hash(j, i, salt + 1)
    return draw, 0.25 + 0.5 * _first(h), 0.25 + 0.5 * _second(h), per, 0.75 + 0.6 * _first(h)


@both
def _dig_run(us, vs, pit, relief, hollow):
    """Dig a hollow within one square of the lattice."""
    i, j, chosen, du, dv, per, longer = pit
    flat = 1.0 / longer
    for k in _cells(us):
        u, v = us[k] - i - du, vs[k] - j - dv
        bend = 1.0 + _least(_most(0.6 * relief[k], -0.4), 0.8)
        t = 1.0 - (u * u * longer + v * v * flat) * per * bend
        hollow[k] = _most(hollow[k], _choose(chosen & (t > 0.0), t * t * (3.0 - 2.0 * t), 0.0))


@both
def _turned(x, y, octave, u, v):
    """Put the place of cells on a rotated lattice at ``u`` and ``v``."""
    size, c, s = octave
    for k in _cells(x):
        u[k], v[k] = (c * x[k] + s * y) * (1.0 / size), (c * y - s * x[k]) * (1.0 / size)


@both
def _dig(x, y, octave, chance, salt, w):
    """Dig round hollows along a row, 0..1 deep, at most one per square of a rotated lattice."""
    hollow, relief = w.forms[3], w.fields[RELIEF]
    _turned(x, y, octave, w.u, w.v)
    start = 0
    while start < x.size:
        end = _run(w.u, w.v, start)
        us, vs = w.u[start:end], w.v[start:end]
        i, j = _square(us), _square(vs)
        draw, du, dv, per, longer = _pit(np.int64(i), np.int64(j), salt)
        if _any(draw < chance):
            _dig_run(us, vs, (i, j, draw < chance, du, dv, per, longer), relief[start:end], hollow[start:end])
        start = end


@both
def _plot(x, y, salt, c):
    """Return 0..1, a number drawn per allotment of the veenkolonie."""
    u = (4.0 * x + 3.0 * y) / (5.0 * c.plot_width)
    i = np.int64(np.floor(u))
    shift = _first(_hash(i >> np.int64(3), np.int64(7), salt))
    v = (4.0 * y - 3.0 * x) / (5.0 * c.plot_length) + shift
    return _second(_hash(i, np.int64(np.floor(v)), salt))


@both
def _zone_at(ratio):
    """Return the protection zone at a distance, as a share of the outer radius."""
    outer = _choose(ratio < 1.0, 2.0, 0.0)
    return _choose(ratio < 0.03, 4.0, _choose(ratio < 0.36, 3.0, outer))


@both
def _protection(x, y, salt, wobble):
    """Return the groundwater protection zone: one field near the centre, others far apart."""
    p, q = (35.0 * x + 12.0 * y) / 37.0 - 500.0, (35.0 * y - 12.0 * x) / 37.0 + 640.0
    bend = 1.0 + 0.22 * wobble
    near = _zone_at((p * p * 1.8 + q * q) / 129600.0 * bend)
    u, v = x / 15000.0, y / 15000.0
    i, j = np.floor(u), np.floor(v)
    h = _hash(np.int64(i), np.int64(j), salt)
    du = (u - i - 0.2 - 0.6 * _first(h)) * 15000.0
    dv = (v - j - 0.2 - 0.6 * _second(h)) * 15000.0
    h = _hash(np.int64(j), np.int64(i), salt)
    radius = 900.0 + 1500.0 * _second(h)
    far = _most(near, _zone_at((du * du + dv * dv) / (radius * radius) * bend))
    return _choose(_first(h) > 0.45, near, far)


# ---- layers


@both
def _keileem(ridge, valley, bog, till, gaps, hollow, c):
    """Return the depth of the keileem below maaiveld [m]; inf = absent."""
    presence = 1.0 - 0.9 * ridge - 0.95 * valley - 0.8 * bog - 0.62 * _step(0.9, 1.6, gaps)
    depth = c.till_depth + c.till_wave * till + c.till_dip * _step(0.95, c.till_edge, presence)
    depth += 0.25 * _most(0.0, depth - c.till_depth) - 0.5 * hollow
    least = c.till_least
    soft = least + 0.5 * (depth - least + np.sqrt((depth - least) * (depth - least) + 0.04))
    return _choose(presence + 0.06 * till < c.till_edge, np.inf, soft)


@both
def _base(x, y):
    """Return the broad lie of the land [m NAP]: a plateau falling north, south-west and west."""
    u, v = (x + 3012.0) / 32000.0, (y + 8480.0) / 33000.0
    level = 13.0 - 7.0 * v * v - 2.5 * v - 3.0 * u * u + 3.0 * u
    return 0.5 * (level + np.sqrt(level * level + 6.0))


@both
def _maaiveld(base, field, valley, bog, hollow, relief, plot, c):
    """Return ground level [m NAP]."""
    swell = c.ridge_height * _step(-0.6, 1.9, field) + 0.22 * relief * (1.0 - 0.8 * bog)
    cut = c.incision * valley * np.divide(base, base + 4.0)
    level = base + swell * (1.0 - 0.35 * bog) - cut - c.hollow_depth * hollow
    return _most(0.1, level + 0.25 * bog * (plot - 0.5) - 0.4)


@both
def _kwel(ridge, valley, bog, absent, relief, till, c):
    """Return the vertical flux [mm/d], positive up."""
    up = c.kwel_valley * valley * (0.75 + 0.15 * till)
    foot = c.kwel_foot * 6.75 * ridge * (1.0 - ridge) * (1.0 - ridge) * (1.0 - valley)
    loss = c.loss_plateau * (1.0 + 0.25 * relief) + c.loss_ridge * ridge * (1.0 + 0.2 * till)
    loss += _choose(absent, c.loss_gap * (1.0 - bog), 0.0)
    return up + foot - loss * (1.0 - valley) * (1.0 - 0.6 * bog)


@both
def _peat(valley, bog, hollow, plot, relief, till, c):
    """Return the thickness of peat [m]."""
    in_valley = c.peat_valley * valley * valley * (0.75 + 0.2 * till + 0.06 * relief) - 0.15
    in_bog = c.bog_peat * bog * (0.15 + 0.85 * plot + 0.05 * relief)
    in_hollow = c.hollow_peat * hollow - 0.15
    return _most(_most(in_valley, in_bog), _most(in_hollow, 0.0))


@both
def _ghg(ridge, valley, bog, keileem, hollow, relief, plot, c):
    """Return the mean highest groundwater level [m below maaiveld]."""
    dry = c.ghg_plateau + c.ghg_ridge * ridge + (0.12 + 0.3 * ridge) * relief
    perched = 0.12 + 0.5 * _least(keileem, 10.0) + 0.06 * relief
    level = _least(dry, perched)
    level += bog * (1.0 - ridge) * (c.ghg_bog + 0.25 * (plot - 0.5) - level)
    level += valley * (c.ghg_valley + 0.04 * relief - level)
    return _most(-0.3, level - 0.6 * hollow)


@both
def _swing(ridge, valley, bog, keileem):
    """Return how far the groundwater falls from GHG to GLG [m]."""
    shallow = 1.0 - _step(0.6, 2.2, _least(keileem, 10.0))
    return 0.95 + 0.35 * ridge + 0.3 * shallow - 0.45 * valley - 0.25 * bog * (1.0 - valley)


@both
def _droogte(ghg, glg, keileem, relief):
    """Return the yield loss by water shortage [%]."""
    loss = 3.0 + 9.0 * _step(0.6, 1.9, glg) + 12.0 * _step(0.9, 3.2, ghg)
    depth = _least(keileem, 10.0)
    shallow = 1.0 - _step(0.35, 0.95, depth)
    moist = _step(0.8, 1.2, depth) * (1.0 - _step(1.6, 2.2, depth))
    return _most(0.5, loss + 5.0 * shallow - 2.0 * moist + 0.7 * relief)


@both
def _water(ridge, valley, bog, keileem, hollow, relief, rise):
    """Return how high the water of a cloudburst stands [m]; 0 = dry."""
    shallow = 1.0 - _step(0.5, 1.6, _least(keileem, 10.0))
    pool = 0.8 * hollow * (1.0 - 0.7 * ridge) - 0.06
    puddle = 0.30 * (-relief - 0.95 + 0.35 * shallow) * (1.0 - 0.3 * bog) - 0.2 * ridge
    floor = _choose(valley > 0.6, 0.5 * (valley - 0.84) - 0.12 * relief, -1.0)
    depth = _most(_most(pool, puddle), floor) + rise
    return _choose(depth >= 0.02, depth, 0.0)


# ---- rows


@both
def _forms(c, w):
    """Fill the shares of ridge, bog and valley of a row."""
    ridge, bog, valley = w.forms[0], w.forms[1], w.forms[2]
    field, marsh, line, branch = w.fields[RIDGE], w.fields[BOG], w.fields[VALLEY], w.fields[BRANCH]
    ve, vn, be, bn = w.east[VALLEY], w.north[VALLEY], w.east[BRANCH], w.north[BRANCH]
    for k in _cells(ridge):
        high = _step(c.ridge_from, c.ridge_full, field[k])
        wet = _step(c.bog_from, c.bog_full, marsh[k]) * (1.0 - high)
        low = _valley(line[k], branch[k], ve[k], vn[k], be[k], bn[k], high, wet, c)
        ridge[k], valley[k] = high, low
        bog[k] = wet * (1.0 - _step(0.1, 0.5, low))


@both
def _places(x, y, salts, c, w):
    """Fill depth of hollows and the number of the allotment of a row."""
    ridge, bog, valley, hollow, plot = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    _clear(w.forms[3:4])
    _dig(x, y, (420.0, 20.0 / 29.0, 21.0 / 29.0), 0.38, salts[0], w)
    _dig(x, y, (1300.0, 8.0 / 17.0, 15.0 / 17.0), 0.3, salts[1], w)
    for k in _cells(x):
        hollow[k] *= (1.0 - valley[k]) * (1.0 - bog[k]) * (1.0 - 0.6 * ridge[k])
        plot[k] = 0.0
        if _any(bog[k] > 0.0):
            plot[k] = _choose(bog[k] > 0.0, _plot(x[k], y, salts[2], c), 0.0)


@both
def _soil(c, w, settling, depth, peat):
    """Fill zettingsgevoeligheid, keileemdiepte and veendikte of a row."""
    bog, valley, hollow, plot = w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    field, relief, till, gaps = w.fields[RIDGE], w.fields[RELIEF], w.fields[TILL], w.fields[GAPS]
    for k in _cells(field):
        wide = _step(c.ridge_from - 0.7, c.ridge_from + 0.3, field[k])
        depth[k] = _keileem(wide, valley[k], bog[k], till[k], gaps[k], hollow[k], c)
    for k in _cells(field):
        thick = _peat(valley[k], bog[k], hollow[k], plot[k], relief[k], till[k], c)
        peat[k] = thick
        settling[k] = 0.01 + 0.72 * np.divide(thick, thick + 1.3) * (1.0 + 0.05 * relief[k])


@both
def _groundwater(c, w, depth, ghg, gvg, glg):
    """Fill the three groundwater levels of a row."""
    ridge, bog, valley, hollow, plot = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    relief = w.fields[RELIEF]
    for k in _cells(relief):
        keileem = np.float64(depth[k])
        high = _ghg(ridge[k], valley[k], bog[k], keileem, hollow[k], relief[k], plot[k], c)
        swing = _swing(ridge[k], valley[k], bog[k], keileem)
        ghg[k], gvg[k], glg[k] = high, high + 0.27 * swing, high + swing


@both
def _flooding(w, depth, rise, factor, out):
    """Fill wateroverlast of a row."""
    ridge, bog, valley, hollow, relief = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.fields[RELIEF]
    for k in _cells(relief):
        keileem = np.float64(depth[k])
        out[k] = factor * _water(ridge[k], valley[k], bog[k], keileem, hollow[k], relief[k], rise)


@both
def _drought(c, relief, depth, ghg, glg, now, later):
    """Fill droogte of a row, now and in 2050."""
    for k in _cells(relief):
        loss = _droogte(np.float64(ghg[k]), np.float64(glg[k]), np.float64(depth[k]), relief[k])
        now[k], later[k] = loss, c.drought_factor * loss + c.drought_rise


@both
def _flux(c, w, depth, kwel, beekdal):
    """Fill kwel and beekdal of a row."""
    ridge, bog, valley = w.forms[0], w.forms[1], w.forms[2]
    relief, till = w.fields[RELIEF], w.fields[TILL]
    for k in _cells(relief):
        absent = np.float64(depth[k]) == np.inf
        kwel[k] = _kwel(ridge[k], valley[k], bog[k], absent, relief[k], till[k], c)
        beekdal[k] = _choose(valley[k] >= c.beekdal_from, 1.0, 0.0)


@both
def _surface(x, y, c, w, maaiveld):
    """Fill ground level of a row."""
    bog, valley, hollow, plot = w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    field, relief = w.fields[RIDGE], w.fields[RELIEF]
    for k in _cells(relief):
        base = _base(x[k], y)
        maaiveld[k] = _maaiveld(base, field[k], valley[k], bog[k], hollow[k], relief[k], plot[k], c)


@both
def _zones(x, y, salt, wobble, out):
    """Fill grondwaterbescherming of a row."""
    for k in _cells(x):
        out[k] = _protection(x[k], y, salt, wobble[k])


@both
def _layers(x, y, c, w):
    """Fill all layers of a row but the zones, in the order of ``fiction.LAYERS``."""
    out, relief, depth = w.layers, w.fields[RELIEF], w.layers[3]
    _soil(c, w, out[0], depth, out[8])
    _flux(c, w, depth, out[4], out[9])
    _groundwater(c, w, depth, out[5], out[6], out[7])
    _flooding(w, depth, 0.0, 1.0, out[1])
    _flooding(w, depth, c.rain_rise, c.rain_factor, out[11])
    _drought(c, relief, depth, out[5], out[7], out[2], out[12])
    _surface(x, y, c, w, out[10])


@both
def _blank(layer, where):
    """Make a layer unknown at one cell or many."""
    return _choose(where, np.float32(np.nan), layer)


@both
def _forget(fields, c, out):
    """Make unknown what was not mapped: other layers at other places."""
    for k in _cells(out[0]):
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
def _clear(rows):
    for f in range(rows.shape[0]):
        for k in _cells(rows[f]):
            rows[f, k] = 0.0


@both
def _row(x, y, broad, fine, salts, c, zones, w):
    """Fill all layers of a row of cells in ``w``."""
    n, m = broad.shape[0], broad.shape[0] + fine.shape[0]
    _clear(w.fields)
    _clear(w.east)
    _clear(w.north)
    _octaves(x, y, broad, salts[:n], w)
    for k in _cells(x):
        w.fields[BOG, k] += c.bog_east * _least(_most(x[k] / 32000.0, -1.5), 1.5)
    _blend_home(x, y, c, w)
    _octaves(x, y, fine, salts[n:m], w)
    _forms(c, w)
    _places(x, y, salts[m:], c, w)
    _layers(x, y, c, w)
    _forget(w.fields, c, w.layers)
    if zones:
        _zones(x, y, salts[m + 3], w.fields[RELIEF], w.layers[ZONES])


@both
def _copy(source, target):
    for k in _cells(target):
        target[k] = source[k]


def on_arrays(x: Floats, y: Floats, broad: Floats, fine: Floats, salts: Ints, c: Any, slot: Ints, out: Single) -> None:
    """Do what :func:`landscape` does, without a compiler: the same formulas, on chunks of cells."""
    flat = out.reshape(out.shape[0], -1)
    for a in range(0, flat.shape[1], CHUNK):
        row, col = np.divmod(np.arange(a, min(a + CHUNK, flat.shape[1])), x.size)
        w = work(row.size, slot.size)
        with np.errstate(all="ignore"):
            _row(x[col], y[row], broad, fine, salts, c, slot[ZONES] >= 0, w)
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
    salts : int64 (len(broad) + len(fine) + 4,)
        One per octave, then four for hollows, allotments and protection zones.
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
        _row(x, y[r], broad, fine, salts, c, slot[ZONES] >= 0, w)
        for layer in range(slot.size):
            if slot[layer] >= 0:
                _copy(w.layers[layer], out[slot[layer], r])
