"""Scores of criteria from values of layers: curves, values that are absent or unknown, and members of a group."""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import stage
from waterbodem.kernels.float32 import fma

#: Curves hold a multiple of this many points, filled up with points at +inf.
STEP = 3


@stage
def _segments(v: Any, x: Any, y: Any, slope: Any, j: int, score: Any) -> None:
    """Put cells beyond points j, j + 1 and j + 2 on the lines that start there."""
    xa, ya, ka = x[j], y[j], slope[j]
    xb, yb, kb = x[j + 1], y[j + 1], slope[j + 1]
    xc, yc, kc = x[j + 2], y[j + 2], slope[j + 2]
    for i in range(v.size):
        s = fma(ka, v[i] - xa, ya) if v[i] > xa else score[i]
        s = fma(kb, v[i] - xb, yb) if v[i] > xb else s
        score[i] = fma(kc, v[i] - xc, yc) if v[i] > xc else s


@stage
def _curve(v: Any, x: Any, y: Any, slope: Any, score: Any) -> None:
    """Linear between points, constant before the first; exact at every point."""
    for i in range(v.size):
        score[i] = y[0]
    for j in range(0, x.size, STEP):
        _segments(v, x, y, slope, j, score)


@stage
def _ends(v: Any, x: Any, y: Any, absent: Any, known: Any, score: Any) -> None:
    """Constant from the last point on, ``absent`` at +inf (NaN: unknown there); unknown scores become 1."""
    for i in range(v.size):
        outer = absent if v[i] == np.float32(np.inf) else y
        s = outer if v[i] >= x else score[i]
        ok = (s == s) & (v[i] > np.float32(-np.inf))
        score[i] = s if ok else np.float32(1)
        known[i] = ok


@stage
def join(best: Any, known: Any, whole: Any, other: Any, other_known: Any) -> None:
    """Take one more member into a group: best of the known, ``whole`` while all are known."""
    for i in range(best.size):
        mine = best[i] if known[i] else np.float32(-1)
        his = other[i] if other_known[i] else np.float32(-1)
        best[i] = mine if mine > his else his
        known[i] = known[i] | other_known[i]
        whole[i] = whole[i] & other_known[i]


@stage
def settle(best: Any, known: Any, whole: Any, enough: Any) -> None:
    """A group is known if all members are, or if its best is good enough already."""
    for i in range(best.size):
        ok = whole[i] | (known[i] & (best[i] >= enough))
        known[i] = ok
        best[i] = best[i] if ok else np.float32(1)


@stage
def score_member(v: Any, m: Any, lines: Any, j: int, known: Any, score: Any) -> None:
    """Score member j from the values of its layer."""
    p, q = m.point[j], m.point[j + 1]
    _curve(v, lines[0, p:q], lines[1, p:q], lines[2, p:q], score)
    _ends(v, m.last_x[j], m.last_y[j], m.absent[j], known, score)
