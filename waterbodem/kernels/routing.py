"""Water along flow directions: order, forward routing, exposure (rekenregels section 6).

A network is two flat arrays: ``downstream`` (index of the next cell, LEAVES, NO_PART, or STAYS in open water) and
``step`` (row in a short table of lengths). ``keep[step[i]]`` is the share q of the water that enters the next cell and
goes on; the share 1 - q stays there, and in open water all of it. Sums run in float64, in the fixed order of the cells,
so that they never depend on threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import inlined, kernel

#: In ``downstream``: the water leaves the data; the cell takes no part; it is open water, where all water stays.
LEAVES, NO_PART, STAYS = -1, -2, -3
#: Kinds of a direction code in the decoding table, next to 0..8 (row and column offset + 1, three times).
MISSING, INVALID, OPEN = 9, 10, 11
PIT = 4
#: Marks a cell that has its place: more than the eight neighbours that can drain to a cell.
DONE = 255


@kernel
def decode(codes: Any, table: Any, rows: int, cols: int, downstream: Any, step: Any) -> int:
    """Turn direction codes into a network; return the first invalid cell, or -1.

    Parameters
    ----------
    codes : uint8 array (rows * cols,)
    table : uint8 array (256,)
        Per code ``3 * (drow + 1) + dcol + 1``, MISSING, INVALID or OPEN.
    downstream : int array (rows * cols,)
        Filled: LEAVES where the water leaves the grid, enters a missing cell, or ends in a pit; NO_PART on missing
        cells, STAYS on open water.
    step : uint8 array (rows * cols,)
        Filled: 0 none, 1 along a row, 2 along a column, 3 diagonal.
    """
    for r in range(rows):
        for c in range(cols):
            i = r * cols + c
            kind = table[codes[i]]
            if kind == INVALID:
                return i
            downstream[i] = NO_PART if kind == MISSING else (STAYS if kind == OPEN else LEAVES)
            step[i] = 0
            if kind >= MISSING or kind == PIT:
                continue
            dr, dc = kind // 3 - 1, kind % 3 - 1
            if 0 <= r + dr < rows and 0 <= c + dc < cols and table[codes[i + dr * cols + dc]] != MISSING:
                downstream[i] = i + dr * cols + dc
                step[i] = 3 if dr != 0 and dc != 0 else (1 if dr == 0 else 2)
    return -1


@kernel
def order_cells(downstream: Any, order: Any, waiting: Any) -> int:
    """Order the cells from down- to upstream; return how many could be ordered.

    Runs of cells that follow each other stay together, which keeps memory access local.

    Parameters
    ----------
    downstream : int array (n,)
        NO_PART = cell takes no part.
    order : int array (n,)
        Filled from the end: upstream cells last.
    waiting : uint8 array (n,)
        Zeros on entry; afterwards not 0 on the cells of a cycle, and on those alone.
    """
    for i in range(downstream.size):
        if downstream[i] >= 0:
            waiting[downstream[i]] += 1
    place = order.size
    for head in range(downstream.size):
        i = head
        while i >= 0 and waiting[i] == 0 and downstream[i] != NO_PART:
            place -= 1
            order[place] = i
            waiting[i] = DONE
            i = downstream[i]
            if i >= 0:
                waiting[i] -= 1
    for k in range(place, order.size):
        waiting[order[k]] = 0
    return order.size - place


@kernel
def fill_over(downstream: Any, order: Any, surface: Any) -> None:
    """Raise ground to the level that water reaches before it flows on: that of the cell it flows to, if that is higher.

    Parameters
    ----------
    downstream, order
        A network that leads every cell over its lowest way out.
    surface : float32 array (n,)
        Ground level; raised.
    """
    for k in range(order.size):
        i = order[k]
        j = downstream[i]
        if j >= 0 and surface[j] > surface[i]:
            surface[i] = surface[j]


@kernel
def steepen(surface: Any, downstream: Any, sizes: Any, rows: int, cols: int, rose: Any, codes: Any) -> None:
    """Let every cell that drains to another do so down the steepest slope; on flats directions stay as they are.

    Parameters
    ----------
    surface : float32 array (rows * cols,)
        Filled ground level.
    downstream : int array (rows * cols,)
        Never to a higher cell.
    sizes : (dx, dy)
        Of a cell [m].
    rose : uint8 array (9,)
        Codes of the eight neighbours, row by row from the upper left.
    codes : uint8 array (rows * cols,)
        Changed.
    """
    dx, dy = sizes
    for i in range(surface.size):
        j = downstream[i]
        if j < 0:
            continue
        r, c = i // cols, i % cols
        best = 0.0
        for k in range(9):
            y, x = r + k // 3 - 1, c + k % 3 - 1
            n = y * cols + x
            if k == PIT or not (0 <= y < rows and 0 <= x < cols) or downstream[n] == NO_PART:
                continue
            away = np.sqrt((dy * (y - r)) ** 2 + (dx * (x - c)) ** 2)
            slope = (np.float64(surface[i]) - np.float64(surface[n])) / away
            if slope > best or (n == j and slope == best and slope > 0.0):
                best = slope
                codes[i] = rose[k]


@kernel
def route(downstream: Any, step: Any, order: Any, keep: Any, source: Any, received: Any, passing: Any) -> None:
    """Route water downstream: received and passing volume per cell.

    Parameters
    ----------
    downstream, step, order
        The network; ``order`` from down- to upstream.
    keep : float64 array
        Share q per step class.
    source : float64 array (n,)
        Water released [m3]; leaves its own cell whole, but stays in open water.
    received, passing : float64 arrays (n,)
        Zeros on entry. What entered and stays, and what entered and goes on [m3].
    """
    for k in range(order.size - 1, -1, -1):
        i = order[k]
        j = downstream[i]
        if j == STAYS:
            received[i] += source[i]
        elif j >= 0:
            out = passing[i] + source[i]
            on = 0.0 if downstream[j] == STAYS else keep[step[i]] * out
            passing[j] += on
            received[j] += out - on


@inlined
def _exposed(i: Any, downstream: Any, step: Any, keep: Any, value: Any, beyond: Any, exposure: Any) -> Any:
    """Return the exposure of a cell from that of the cell its water goes to."""
    j = downstream[i]
    if j in (LEAVES, NO_PART):
        return beyond
    there = i if j == STAYS else j
    q = 0.0 if downstream[there] == STAYS else keep[step[i]]
    v = np.float64(value[there])
    return (q * exposure[there] if q > 0.0 else 0.0) + ((1.0 - q) * v if v == v else 0.0)


@kernel
def expose(downstream: Any, step: Any, order: Any, keep: Any, value: Any, beyond: float, exposure: Any) -> None:
    """Weigh where the water of every cell ends up: one sweep from down- to upstream, the adjoint of :func:`route`.

    Parameters
    ----------
    value : float array (n,)
        What a cell counts for as a receiver; NaN = unknown, counts as 0.
    beyond : float
        What water that leaves the data counts for.
    exposure : float64 array (n,)
        ``beyond`` on entry; filled on the cells in ``order``.
    """
    for k in range(order.size):
        i = order[k]
        exposure[i] = _exposed(i, downstream, step, keep, value, beyond, exposure)


@kernel
def resume(
    downstream: Any, step: Any, order: Any, keep: Any, value: Any, beyond: float, exposure: Any, given: Any
) -> None:
    """Do what :func:`expose` does, from cells whose exposure is given; NaN = not known yet, also upstream of it.

    Parameters
    ----------
    exposure : float64 array (n,)
        Filled on the cells in ``order`` that are not given.
    given : bool array (n,)
    """
    for k in range(order.size):
        i = order[k]
        if not given[i]:
            exposure[i] = _exposed(i, downstream, step, keep, value, beyond, exposure)


@inlined
def _lowest_beside(level: Any, i: int, rows: int, cols: int) -> float:
    """Return the lowest known level of the eight neighbours of a cell; NaN = none is known."""
    r, c, lowest = i // cols, i % cols, np.float32(np.nan)
    for y in range(max(0, r - 1), min(rows, r + 2)):
        for x in range(max(0, c - 1), min(cols, c + 2)):
            there = level[y * cols + x]
            if there == there and not there >= lowest:
                lowest = there
    return lowest


@kernel
def level_water(level: Any, water: Any, rows: int, cols: int, queue: Any, found: Any) -> int:
    """Give open water of unknown level that of its lowest known neighbour, ring by ring inward.

    Parameters
    ----------
    level : float32 array (rows * cols,)
        Filled on open water that is joined to a known cell.
    water : bool array (rows * cols,)
        Open water of unknown level; False afterwards where a level was found.
    queue : int array (n,)
        Room for as many cells.
    found : float32 array (n,)
        As much room for their levels.

    Returns
    -------
    int
        How many got a level.
    """
    begin, end = 0, 0
    for i in range(level.size):
        if water[i]:
            lowest = _lowest_beside(level, i, rows, cols)
            if lowest == lowest:
                queue[end], found[end] = i, lowest
                end += 1
    while begin < end:
        ring = end
        for k in range(begin, ring):
            level[queue[k]] = found[k]
            water[queue[k]] = False
        for k in range(begin, ring):
            end = _queue_around(water, queue[k], rows, cols, queue, end)
        for k in range(ring, end):
            found[k] = _lowest_beside(level, queue[k], rows, cols)
        begin = ring
    return end


@inlined
def _queue_around(water: Any, i: int, rows: int, cols: int, queue: Any, end: int) -> int:
    """Add the waiting neighbours of a cell to the queue; return its new end."""
    r, c = i // cols, i % cols
    for y in range(max(0, r - 1), min(rows, r + 2)):
        for x in range(max(0, c - 1), min(cols, c + 2)):
            j = y * cols + x
            if water[j]:
                water[j] = False
                queue[end] = j
                end += 1
    return end


@kernel
def follow(downstream: Any, starts: Any, seen: Any, reached: Any) -> int:
    """Collect the cells that water from ``starts`` comes through; return how many.

    Parameters
    ----------
    starts : int array
    seen : bool array (n,)
        False on entry; True on the cells collected.
    reached : int array
        Filled from the front; may be too short: then the count returned is larger than its size.
    """
    count = 0
    for start in starts:
        i = start
        while i >= 0 and not seen[i]:
            seen[i] = True
            if count < reached.size:
                reached[count] = i
            count += 1
            i = downstream[i]
    return count
