"""Layers moved by their error, block by block: rekenregels section 10.

A cell moves by one standard deviation of its layer, or to a percentile of its own, times the share of it that a plan
keeps; what is unknown or absent stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import kernel, stage

BLOCK = 1024
#: Directions.
DOWN, UP = -1, 1

#: How a layer moves.
MOVE = np.dtype(
    [
        ("sd", "f8"),  # one standard deviation: sd + per * value, between least and most
        ("per", "f8"),
        ("signed", "?"),  # per times the value as it is; else without its sign
        ("least", "f8"),
        ("most", "f8"),
        ("most_of_value", "f8"),  # no shift of one standard deviation is more than this share of the value
        ("clay", "f4"),  # where boulder clay lies no deeper than this,
        ("clay_least", "f8"),  # at least so much
        ("percentile", "f8"),  # standard deviations between median and percentile
        ("low", "f4"),  # held within these, widened to a value that lies outside
        ("high", "f4"),
    ],
    align=True,
)


@stage
def _by_deviation(value: Any, m: Any, share: float, shift: Any) -> None:
    """Fill in shares of one standard deviation."""
    for i in range(shift.size):
        v = np.float64(value[i])
        size = v if m.signed else abs(v)
        sd = m.sd + m.per * size
        sd = m.least if sd < m.least else sd
        shift[i] = share * (m.most if sd > m.most else sd)


@stage
def _on_clay(clay: Any, m: Any, share: float, shift: Any) -> None:
    """At least so much on boulder clay that is not deep."""
    least = share * m.clay_least
    for i in range(shift.size):
        shift[i] = least if (clay[i] <= m.clay) & (shift[i] < least) else shift[i]


@stage
def _by_factor(value: Any, factor: float, shift: Any) -> None:
    for i in range(shift.size):
        v = np.float64(value[i])
        shift[i] = v * factor - v


@stage
def _turned(direction: int, shift: Any) -> None:
    for i in range(shift.size):
        shift[i] = direction * shift[i]


@stage
def _by_percentile(percentile: Any, median: Any, m: Any, share: float, direction: int, shift: Any) -> None:
    """Take the shift to a percentile of the cell where it is known; on the wrong side of the value it is none."""
    for i in range(shift.size):
        apart = direction * (np.float64(percentile[i]) - np.float64(median[i]))
        own = direction * (share * ((apart if apart > 0.0 else 0.0) / m.percentile))
        shift[i] = own if apart == apart else shift[i]


@stage
def _within_value(value: Any, m: Any, share: float, shift: Any) -> None:
    """Hold shifts within a share of the value."""
    for i in range(shift.size):
        most = share * (m.most_of_value * np.float64(value[i]))
        s = most if shift[i] > most else shift[i]
        shift[i] = -most if s < -most else s


@stage
def _shifted(value: Any, m: Any, shift: Any, out: Any) -> None:
    """Add shifts, round, and hold the outcome within what is plausible; unknown and absent stay."""
    for i in range(out.size):
        v = value[i]
        moved = np.float32(np.float64(v) + shift[i])
        low, high = m.low if m.low < v else v, m.high if m.high > v else v
        moved = low if moved < low else moved
        moved = high if moved > high else moved
        out[i] = moved if abs(v) < np.float32(np.inf) else v


@stage
def move_block(
    value: Any, clay: Any, percentile: Any, median: Any, m: Any, share: float, factor: float, direction: int,
    shift: Any, out: Any,
) -> None:  # fmt: skip
    """Move cells of one plan in one direction.

    Parameters
    ----------
    value, out : float32 arrays (n,)
    clay, percentile, median : float32 arrays (n,) or empty
        Depth of boulder clay; a percentile of every cell, and the values that it belongs to.
    m : record of MOVE
    share : float
        Of one standard deviation.
    factor : float
        What values are multiplied with instead, the share included; 0 = none.
    direction : int
        UP or DOWN.
    shift : float64 array (at least n,)
        Anything can be left in it.
    """
    s = shift[: value.size]
    if factor > 0.0:
        _by_factor(value, factor, s)
    else:
        _by_deviation(value, m, share, s)
        if clay.size:
            _on_clay(clay, m, share, s)
        _turned(direction, s)
    if percentile.size:
        _by_percentile(percentile, median, m, share, direction, s)
    if m.most_of_value < np.inf:
        _within_value(value, m, share, s)
    _shifted(value, m, s, out)


@kernel
def move_cells(
    value: Any, clay: Any, percentile: Any, median: Any, m: Any, share: float, factor: float, direction: int,
    shift: Any, out: Any,
) -> None:  # fmt: skip
    """Move flat cells block by block; arguments as of :func:`move_block`, ``shift`` float64 (BLOCK,)."""
    for a in range(0, value.size, BLOCK):
        b = min(a + BLOCK, value.size)
        move_block(value[a:b], clay[a:b], percentile[a:b], median[a:b], m, share, factor, direction, shift, out[a:b])
