"""Exact Euclidean distance to the nearest source cell, with a rule for ties (rekenregels section 6).

First the nearest source within every column, then for every cell the columns left and right of it, outward, as long as
they can still be nearer. Distances are compared squared, in cells: on square cells these are whole numbers, so ties
are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import inlined, kernel


@inlined
def _wins(head: Any, a: int, b: int) -> bool:
    """Tell whether source a goes before b at the same distance: larger |head|, then lowering."""
    if abs(head[a]) != abs(head[b]):
        return abs(head[a]) > abs(head[b])
    return head[a] > head[b]


@kernel
def column_nearest(head: Any, rows: int, cols: int, nearest: Any) -> None:
    """Find the nearest source in the column of every cell.

    Parameters
    ----------
    head : float array (rows * cols,)
        What spreads from a source; NaN = no source.
    nearest : int array (rows * cols,)
        Filled with the cell number of the source, -1 = none in this column.
    """
    for c in range(cols):
        above = -1
        for r in range(rows):
            i = r * cols + c
            above = i if head[i] == head[i] else above
            nearest[i] = above
        below = -1
        for r in range(rows - 1, -1, -1):
            i = r * cols + c
            below = i if head[i] == head[i] else below
            above = nearest[i]
            if below < 0 or below == above:
                continue
            nearer = above < 0 or below - i < i - above
            if nearer or (below - i == i - above and _wins(head, below, above)):
                nearest[i] = below


@kernel
def spread(head: Any, nearest: Any, situation: Any, lengths: Any, grid: Any, limits: Any, cells: Any, out: Any) -> None:
    """Let every source spread exponentially to the cells that it is nearest to, by the length of the receiving cell.

    Parameters
    ----------
    head : float64 array (rows * cols,)
        Effect at the source [m]; NaN = no source.
    nearest : int array (rows * cols,)
        From :func:`column_nearest`.
    situation : uint8 array (rows * cols,)
        Row of ``lengths`` that holds in the receiving cell.
    lengths : float64 array (rows, 2)
        Length lambda of the decline [m], and distance beyond which every effect is none [m].
    grid : (cols, dx, dy)
        Columns, and size of a cell [m].
    limits : (first, last, least)
        First and last column that holds a source; effect that is nothing [m].
    cells : (start, stop)
        The cells to fill.
    out : (effect, half, twice, away) arrays (rows * cols,)
        Effect [m], that for half and for twice lambda, and distance to the source [m]. Sources keep their own; 0 where
        the effect is none.
    """
    cols, dx, dy = grid
    first, last, least = limits
    start, stop = cells
    effect, half, twice, away = out
    for i in range(start, stop):
        reach, farthest = lengths[situation[i], 0], lengths[situation[i], 1]
        square = (farthest / dx) ** 2
        best, source = _nearest_of_all(head, nearest, i // cols, i % cols, cols, dy / dx, first, last, square)
        effect[i] = half[i] = twice[i] = away[i] = 0.0
        if source >= 0:
            distance = dx * np.sqrt(best)
            found = head[source] * np.exp(-distance / reach)
            if abs(found) >= least or source == i:
                effect[i], away[i] = found, distance
                half[i] = head[source] * np.exp(-2.0 * distance / reach)
                twice[i] = head[source] * np.exp(-0.5 * distance / reach)


@inlined
def _nearest_of_all(
    head: Any, nearest: Any, r: int, c: int, cols: int, stretch: float, first: int, last: int, farthest: float
) -> Any:
    """Return squared distance [columns] and number of the nearest source; -1 if there is none."""
    best, source = farthest, -1
    width = max(0, first - c, c - last)
    while np.float64(width) * width <= best and (c - width >= first or c + width <= last):
        for k in (c - width, c + width):
            found = nearest[r * cols + k] if first <= k <= last else -1
            if found < 0:
                continue
            high = (found // cols - r) * stretch
            square = np.float64(width) * width + high * high
            if square < best or (square == best and (source < 0 or _wins(head, found, source))):
                best, source = square, found
        width += 1
    return best, source
