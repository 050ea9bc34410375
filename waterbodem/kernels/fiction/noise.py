"""Gradient noise on lattices: a pure function of place and salt.

It runs in :mod:`two ways <waterbodem.kernels.fiction.two_ways>`.

Only + - * / floor and sqrt are used, which IEEE 754 rounds alike on every machine.
"""

from __future__ import annotations

import numpy as np

from waterbodem.kernels._compile.decorators import both
from waterbodem.kernels.fiction.two_ways import cells_of, compiled_as, least, most

_A = np.uint64(0x9E3779B97F4A7C15)
_B = np.uint64(0xC2B2AE3D27D4EB4F)
_C = np.uint64(0xD6E8FEB86659FD93)
_LOW = np.uint64(0xFFFFFF)
_S32 = np.uint64(32)
_S29 = np.uint64(29)
_S24 = np.uint64(24)


@both
def smooth(low, high, x):
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = least(most((x - low) * np.divide(1.0, high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


# ---- numbers drawn at a lattice


@both
def mixed(i, j, salt):
    """Mix two lattice numbers and a salt to 64 bits."""
    h = np.uint64(i) * _A ^ np.uint64(j) * _B ^ np.uint64(salt) * _C
    h = (h ^ (h >> _S32)) * _C
    h = (h ^ (h >> _S29)) * _A
    return h ^ (h >> _S32)


@both
def first_share(h):
    """Return 0..1 from the low 24 bits."""
    return np.float64(np.int64(h & _LOW)) / 16777216.0


@both
def second_share(h):
    """Return 0..1 from the next 24 bits."""
    return np.float64(np.int64((h >> _S24) & _LOW)) / 16777216.0


@both
def _corner(i, j, salt):
    """Return the gradient of a lattice point, each -1..1."""
    h = mixed(i, j, salt)
    return 2.0 * first_share(h) - 1.0, 2.0 * second_share(h) - 1.0


@both
def _corners(i, j, salt):
    """Return the gradients at the four corners of a square."""
    g0, g1 = _corner(i, j, salt)
    g2, g3 = _corner(i + 1, j, salt)
    g4, g5 = _corner(i, j + 1, salt)
    g6, g7 = _corner(i + 1, j + 1, salt)
    return g0, g1, g2, g3, g4, g5, g6, g7


# ---- cells that lie in one square of a lattice


@both
def _leave(u, start):
    """Return the first cell after ``start`` with another whole part; ``u`` is monotone."""
    whole, last = np.floor(u[start]), u.size
    if start + 1 == last:
        return last
    pace = abs(u[start + 1] - u[start])
    room = whole + 1.0 - u[start] if u[start + 1] > u[start] else u[start] - whole
    end = last
    if room < (last - start) * pace:
        end = min(start + 1 + np.int64(np.divide(room, pace)), last)
    while end < last and np.floor(u[end]) == whole:
        end += 1
    while end > start + 1 and np.floor(u[end - 1]) != whole:
        end -= 1
    return end


def _run_end(u, v, start):
    """Return the end of the cells from ``start`` on that are taken together."""
    return u.size


@compiled_as(_run_end)
def _square_end(u, v, start):
    """Compiled: those that lie in one square of the lattice."""
    return min(_leave(u, start), _leave(v, start))


def _square_of(u):
    """Return the square of the lattice in which cells lie that are taken together."""
    return np.floor(u)


@compiled_as(_square_of)
def _one_square(u):
    return np.floor(u[0])


@both
def next_square(u, v, start):
    """Return the end of the cells from ``start`` on that are taken together, and the square in which they lie."""
    end = _run_end(u, v, start)
    return end, _square_of(u[start:end]), _square_of(v[start:end])


# ---- noise


@both
def _lattice(x, y, octave, u, v):
    """Put the place of cells on the lattice of an octave at ``u`` and ``v``."""
    c, s = octave[4] / octave[1], octave[5] / octave[1]
    east, north = c * y, s * y
    flat = 1.0 / octave[3]
    for k in cells_of(x):
        u[k] = c * x[k] + north
        v[k] = (east - s * x[k]) * flat


@both
def _fill_run(us, vs, i, j, g, amp, out):
    """Add gradient noise within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g
    for k in cells_of(out):
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
def add_noise(x, y, octave, salt, u, v, out):
    """Add one octave of gradient noise along a row."""
    _lattice(x, y, octave, u, v)
    start = 0
    while start < x.size:
        end, i, j = next_square(u, v, start)
        g = _corners(np.int64(i), np.int64(j), salt)
        _fill_run(u[start:end], v[start:end], i, j, g, octave[2], out[start:end])
        start = end


@both
def _fill_sloped_run(us, vs, i, j, g, octave, out, dx, dy):
    """Add noise and its slope within one square of the lattice."""
    g0, g1, g2, g3, g4, g5, g6, g7 = g
    twist_u, twist_v = g0 - g2 - g4 + g6, g1 - g3 - g5 + g7
    amp, c, s = octave[2], octave[4], octave[5]
    per_u, per_v = amp / octave[1], amp / (octave[1] * octave[3])
    for k in cells_of(out):
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
def add_sloped_noise(x, y, octave, salt, u, v, out, dx, dy):
    """Add one octave and its slope to the east and north [per m]."""
    _lattice(x, y, octave, u, v)
    start = 0
    while start < x.size:
        end, i, j = next_square(u, v, start)
        g = _corners(np.int64(i), np.int64(j), salt)
        us, vs = u[start:end], v[start:end]
        _fill_sloped_run(us, vs, i, j, g, octave, out[start:end], dx[start:end], dy[start:end])
        start = end
