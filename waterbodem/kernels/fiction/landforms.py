"""Forms of the fictitious landscape: fields of noise, and the ridges, bogs, valleys, hollows and allotments in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import both
from waterbodem.kernels.fiction.noise import (
    add_noise,
    add_sloped_noise,
    first_share,
    mixed,
    next_square,
    second_share,
    smooth,
)
from waterbodem.kernels.fiction.two_ways import anywhere, cells_of, choose, least, most

Floats = NDArray[np.float64]
Single = NDArray[np.float32]

VALLEY, BRANCH, RIDGE, BOG, BUILT, STRIP, PATCH, TILL, GAPS, RELIEF = range(10)
SLOPED = 2
HOME = 7


class Work(NamedTuple):
    """Buffers for the cells of one row or chunk."""

    fields: Floats  # (10, cells)
    east: Floats  # (SLOPED, cells) slopes of the first fields
    north: Floats
    forms: Floats  # (6, cells) ridge, bog, valley, hollow, plot, distance to the bank of a brook
    layers: Single  # (layers, cells)
    u: Floats
    v: Floats


def work(cells: int, layers: int) -> Work:
    """Return buffers for so many cells and layers."""
    rows = (10, SLOPED, SLOPED, 6)
    fields, east, north, forms = (np.empty((n, cells)) for n in rows)
    return Work(fields, east, north, forms, np.empty((layers, cells), np.float32), np.empty(cells), np.empty(cells))


@both
def _clear(rows):
    for f in range(rows.shape[0]):
        for k in cells_of(rows[f]):
            rows[f, k] = 0.0


# ---- noise of a row


@both
def _octaves(x, y, table, salts, w):
    """Add a table of octaves to the fields of a row."""
    for n in range(table.shape[0]):
        f = np.int64(table[n, 0])
        if f < SLOPED:
            add_sloped_noise(x, y, table[n], salts[n], w.u, w.v, w.fields[f], w.east[f], w.north[f])
        else:
            add_noise(x, y, table[n], salts[n], w.u, w.v, w.fields[f])


# ---- the arrangement near the centre


@both
def _disc(p, q, radius, peak):
    """Return a hill: ``peak`` in its middle, falling by 1 at ``radius``, never below -0.6."""
    return most(-0.6, peak - (p * p + q * q) / (radius * radius))


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
    for k in cells_of(x):
        away = np.sqrt(x[k] * x[k] + y * y)
        away *= 1.0 + 0.3 * least(most(w.fields[PATCH, k], -1.0), 1.0)
        share = 1.0 - smooth(c.home_full, c.home_end, away)
        if anywhere(share > 0.0):
            _blend(k, x[k], y, share, c, w)


# ---- forms


@both
def _line_distance(value, east, north, gentle):
    """Return the distance to the contour where ``value`` is 0 [m], by its slope."""
    return np.divide(np.abs(value), np.sqrt(east * east + north * north + gentle * gentle))


@both
def _valley(valley, branch, ve, vn, be, bn, ridge, bog, c):
    """Return the valley share of a cell, 1 on the floor, 0 outside, and the distance to the bank of its brook [m]."""
    away = _line_distance(valley, ve, vn, 2.5e-4)
    width = c.valley_width * (1.0 - 0.8 * ridge) * (1.0 - 0.45 * bog)
    main = 1.0 - smooth(0.2, 1.2, np.divide(away, width))
    reach = 1.0 - smooth(0.1 * c.branch_reach, c.branch_reach, away)
    contour = branch - choose(valley > 0.0, c.branch_level, 0.0)
    width = 1.0 + c.branch_width * reach * (1.0 - ridge) * (1.0 - 0.9 * bog)
    beside = _line_distance(contour, be, bn, 2.5e-4)
    side = reach * (1.0 - smooth(0.2, 1.2, np.divide(beside, width)))
    share = 1.0 - (1.0 - main) * (1.0 - smooth(0.0, 0.6, side) * (1.0 - ridge))
    springs = choose(side * (1.0 - ridge) > 0.25, beside - c.brook_width, np.inf)
    return share, least(away - c.stream_width, springs)


@both
def _pit(i, j, salt):
    """Return presence, middle, curvature and stretch of the hollow in a square of the lattice."""
    h = mixed(i, j, salt)
    radius = 0.07 + 0.11 * second_share(h)
    draw, per = first_share(h), 1.0 / (radius * radius)
    h = mixed(j, i, salt + 1)
    return draw, 0.25 + 0.5 * first_share(h), 0.25 + 0.5 * second_share(h), per, 0.75 + 0.6 * first_share(h)


@both
def _dig_run(us, vs, pit, relief, hollow):
    """Dig a hollow within one square of the lattice."""
    i, j, chosen, du, dv, per, longer = pit
    flat = 1.0 / longer
    for k in cells_of(us):
        u, v = us[k] - i - du, vs[k] - j - dv
        bend = 1.0 + least(most(0.6 * relief[k], -0.4), 0.8)
        t = 1.0 - (u * u * longer + v * v * flat) * per * bend
        hollow[k] = most(hollow[k], choose(chosen & (t > 0.0), t * t * (3.0 - 2.0 * t), 0.0))


@both
def _turned(x, y, octave, u, v):
    """Put the place of cells on a rotated lattice at ``u`` and ``v``."""
    size, c, s = octave
    for k in cells_of(x):
        u[k], v[k] = (c * x[k] + s * y) * (1.0 / size), (c * y - s * x[k]) * (1.0 / size)


@both
def _dig(x, y, octave, chance, salt, w):
    """Dig round hollows along a row, 0..1 deep, at most one per square of a rotated lattice."""
    hollow, relief = w.forms[3], w.fields[RELIEF]
    _turned(x, y, octave, w.u, w.v)
    start = 0
    while start < x.size:
        end, i, j = next_square(w.u, w.v, start)
        draw, du, dv, per, longer = _pit(np.int64(i), np.int64(j), salt)
        if anywhere(draw < chance):
            us, vs = w.u[start:end], w.v[start:end]
            _dig_run(us, vs, (i, j, draw < chance, du, dv, per, longer), relief[start:end], hollow[start:end])
        start = end


@both
def _plot(x, y, salt, c):
    """Return 0..1, a number drawn per allotment of the veenkolonie."""
    u = (4.0 * x + 3.0 * y) / (5.0 * c.plot_width)
    i = np.int64(np.floor(u))
    shift = first_share(mixed(i >> np.int64(3), np.int64(7), salt))
    v = (4.0 * y - 3.0 * x) / (5.0 * c.plot_length) + shift
    return second_share(mixed(i, np.int64(np.floor(v)), salt))


# ---- forms of a row


@both
def _forms(c, w):
    """Fill the shares of ridge, bog and valley of a row."""
    ridge, bog, valley, bank = w.forms[0], w.forms[1], w.forms[2], w.forms[5]
    field, marsh, line, branch = w.fields[RIDGE], w.fields[BOG], w.fields[VALLEY], w.fields[BRANCH]
    ve, vn, be, bn = w.east[VALLEY], w.north[VALLEY], w.east[BRANCH], w.north[BRANCH]
    for k in cells_of(ridge):
        high = smooth(c.ridge_from, c.ridge_full, field[k])
        wet = smooth(c.bog_from, c.bog_full, marsh[k]) * (1.0 - high)
        low, beside = _valley(line[k], branch[k], ve[k], vn[k], be[k], bn[k], high, wet, c)
        ridge[k], valley[k], bank[k] = high, low, beside
        bog[k] = wet * (1.0 - smooth(0.1, 0.5, low))


@both
def _places(x, y, salts, c, w):
    """Fill depth of hollows and the number of the allotment of a row."""
    ridge, bog, valley, hollow, plot = w.forms[0], w.forms[1], w.forms[2], w.forms[3], w.forms[4]
    _clear(w.forms[3:4])
    _dig(x, y, (420.0, 20.0 / 29.0, 21.0 / 29.0), 0.38, salts[0], w)
    _dig(x, y, (1300.0, 8.0 / 17.0, 15.0 / 17.0), 0.3, salts[1], w)
    for k in cells_of(x):
        hollow[k] *= (1.0 - valley[k]) * (1.0 - bog[k]) * (1.0 - 0.6 * ridge[k])
        plot[k] = 0.0
        if anywhere(bog[k] > 0.0):
            plot[k] = choose(bog[k] > 0.0, _plot(x[k], y, salts[2], c), 0.0)


@both
def fill_forms(x, y, broad, fine, salts, c, w):
    """Fill fields and forms of a row of cells in ``w``; salts: one per octave, then those of hollows and allotments."""
    n, m = broad.shape[0], broad.shape[0] + fine.shape[0]
    _clear(w.fields)
    _clear(w.east)
    _clear(w.north)
    _octaves(x, y, broad, salts[:n], w)
    for k in cells_of(x):
        w.fields[BOG, k] += c.bog_east * least(most(x[k] / 32000.0, -1.5), 1.5)
    _blend_home(x, y, c, w)
    _octaves(x, y, fine, salts[n:m], w)
    _forms(c, w)
    _places(x, y, salts[m:], c, w)
