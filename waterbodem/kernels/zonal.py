"""Sums over polygons that do not depend on the order of the cells.

Coverage and values are taken as integers (fixed point), so that every sum is exact: tiles, threads and extent cannot
change a bit of it. Polygons come as runs of cells in a block: run r covers ``length[r]`` cells from ``cell[r]`` on,
each for ``cover[r]``; a run of more than one cell covers them whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._jit import jit

#: Coverage 1 and value 1 as integers, and where a product is split to stay within 64 bits.
COVERAGE_ONE = 1 << 24
VALUE_ONE = 1 << 20
SPLIT = 30
BINS = 10_000

_WHOLE_SHIFT = 6  # a whole cell's product is value << 24: its high part is value >> 6
_WHOLE_MASK = (1 << _WHOLE_SHIFT) - 1
_LOW_MASK = (1 << SPLIT) - 1
_CAUSE_SHIFT = 8
_BLOCK = 1024


@jit
def find_runs(start: Any, cell: Any, cover: Any, cols: int, out: Any) -> int:
    """Join the cells of polygons to runs; return how many.

    Parameters
    ----------
    start, cell : int64 arrays (P + 1,), (N,)
        Cells of polygon p: ``cell[start[p]:start[p + 1]]``.
    cover : int64 array (N,)
        Coverage fraction * COVERAGE_ONE.
    cols : int
        Width of the block: a run stays in one row.
    out : int64 array (4, at least N)
        Filled with polygon, first cell, length, cover.
    """
    n = -1
    for p in range(start.size - 1):
        for j in range(start[p], start[p + 1]):
            whole = cover[j] == COVERAGE_ONE
            goes_on = j > start[p] and cell[j] == cell[j - 1] + 1 and cell[j] % cols > 0
            if whole and goes_on and cover[j - 1] == COVERAGE_ONE:
                out[2, n] += 1
            else:
                n += 1
                out[0, n], out[1, n], out[2, n], out[3, n] = p, cell[j], 1, cover[j]
    return n + 1


@jit
def _fixed(values: Any) -> Any:
    """Return the sum of the known values in fixed point, and how many there are; a loop of vector instructions."""
    total, known = np.int64(0), np.int64(0)
    for i in range(values.size):
        v = np.float64(values[i])
        total += np.int64(np.rint((v if v == v else 0.0) * VALUE_ONE))
        known += np.int64(v == v)
    return total, known


@jit
def _fixed_one(value: Any) -> Any:
    """As :func:`_fixed`, of one value."""
    v = np.float64(value)
    return np.int64(np.rint((v if v == v else 0.0) * VALUE_ONE)), np.int64(v == v)


@jit
def _occurrences(codes: Any, code: Any) -> int:
    """Return how often a code occurs."""
    count = np.int64(0)
    for i in range(codes.size):
        count += np.int64(codes[i] == code)
    return count


@jit
def add_rows(runs: Any, origin: int, rows: Any, sums: Any) -> None:
    """Add coverage * value per measure and polygon, over the cells where the value is known.

    Parameters
    ----------
    runs : int64 array (4, R)
        Polygon, first cell, length, cover.
    origin : int
        Cell that the rows start at.
    rows : float32 array (M, n)
        NaN = unknown.
    sums : int64 array (M, 3, P)
        Added to: the sum is ``high * 2**SPLIT + low``; then the coverage that took part.
    """
    for m in range(rows.shape[0]):
        same = _all_equal(rows[m].view(np.int32))
        unit, is_known = _fixed_one(rows[m, 0])
        if same and is_known == 0:
            continue
        for r in range(runs.shape[1]):
            a, length = runs[1, r] - origin, runs[2, r]
            total, count = unit * length, length
            if not same:
                total, count = _fixed_one(rows[m, a]) if length == 1 else _fixed(rows[m, a : a + length])
            _add_run(runs[0, r], total, count, runs[3, r], sums[m])


@jit
def _all_equal(bits: Any) -> bool:
    """Tell whether all values are the same, bit for bit."""
    for a in range(0, bits.size, _BLOCK):
        some = bits[a : a + _BLOCK]
        differ = np.int32(0)
        for i in range(some.size):
            differ |= some[i] ^ bits[0]
        if differ != 0:
            return False
    return True


@jit
def _add_run(p: int, total: int, count: int, cover: int, sums: Any) -> None:
    """Add the sum over a run, times its coverage."""
    if cover == COVERAGE_ONE:
        sums[0, p] += total >> _WHOLE_SHIFT
        sums[1, p] += (total & _WHOLE_MASK) * COVERAGE_ONE
    else:
        sums[0, p] += (total * cover) >> SPLIT
        sums[1, p] += (total * cover) & _LOW_MASK
    sums[2, p] += count * cover


@jit
def add_codes(runs: Any, origin: int, codes: Any, total: Any) -> None:
    """Add coverage per polygon and code; ``total`` is (P, codes), larger codes are left out."""
    for r in range(runs.shape[1]):
        p, a, cover = runs[0, r], runs[1, r] - origin, runs[3, r]
        some = codes[a : a + runs[2, r]]
        for code in range(total.shape[1]):
            total[p, code] += _occurrences(some, np.uint8(code)) * cover


@jit
def add_by_code(runs: Any, origin: int, values: Any, codes: Any, total: Any) -> None:
    """Add coverage * value per polygon and code, where known; for values of 0 to 1."""
    for r in range(runs.shape[1]):
        p, a, cover = runs[0, r], runs[1, r] - origin, runs[3, r] >> _CAUSE_SHIFT
        for i in range(a, a + runs[2, r]):
            v = np.float64(values[i])
            if v == v and codes[i] < total.shape[1]:
                total[p, codes[i]] += np.int64(np.rint(v * VALUE_ONE)) * cover


@jit
def count_bins(runs: Any, values: Any, first: Any, start: Any, value: Any, weight: Any) -> int:
    """Count the coverage per polygon and value (0 to 1, in steps of 1 / BINS) where it is known.

    Parameters
    ----------
    runs : int64 array (4, R)
        Polygon by polygon.
    values : float32 array (n,)
    first : int64 array (P + 1,)
        First run of every polygon.
    start : int64 array (P + 1,)
        Filled: where the bins of a polygon start.
    value, weight : uint16 and int64 arrays (at least the number of covered cells,)
        Filled with bins, ascending per polygon, and their coverage; the number of them is returned.
    """
    count = np.zeros(BINS + 1, np.int64)
    row = 0
    for p in range(start.size - 1):
        start[p] = row
        low, high = BINS, 0
        for r in range(first[p], first[p + 1]):
            for i in range(runs[1, r], runs[1, r] + runs[2, r]):
                v = np.float64(values[i])
                if v == v:
                    b = min(max(np.int64(np.rint(v * BINS)), 0), BINS)
                    count[b] += runs[3, r]
                    low, high = min(low, b), max(high, b)
        row = _write_bins(count, low, high, row, value, weight)
    start[start.size - 1] = row
    return row


@jit
def _write_bins(count: Any, low: int, high: int, row: int, value: Any, weight: Any) -> int:
    """Write the bins in use and clear them; return the next free row."""
    for b in range(low, high + 1):
        if count[b] > 0:
            value[row], weight[row] = b, count[b]
            count[b] = 0
            row += 1
    return row


@jit
def find_quantiles(numbers: Any, order: Any, start: Any, value: Any, weight: Any, shares: Any, out: Any) -> None:
    """Find the smallest values up to which the cells of a polygon hold at least these shares.

    Parameters
    ----------
    numbers, order : int64 arrays (K,)
        Polygon of every piece, and the pieces such that those of one polygon stand together.
    start : int64 array (K + 1,)
        Where the bins of a piece start.
    value, weight : uint16 and int64 arrays
        Bins and their coverage.
    shares : float64 array (Q,)
    out : float64 array (P, Q)
        Filled for the polygons of the pieces; polygons without bins are left as they are.
    """
    count = np.zeros(BINS + 1, np.int64)
    k = 0
    while k < order.size:
        p, low, high = numbers[order[k]], BINS, 0
        while k < order.size and numbers[order[k]] == p:
            for j in range(start[order[k]], start[order[k] + 1]):
                count[value[j]] += weight[j]
                low, high = min(low, np.int64(value[j])), max(high, np.int64(value[j]))
            k += 1
        if low <= high:
            _read_quantiles(count, low, high, shares, out[p])
            for b in range(low, high + 1):
                count[b] = 0


@jit
def _read_quantiles(count: Any, low: int, high: int, shares: Any, out: Any) -> None:
    """Read quantiles from the counts of one polygon."""
    total = np.int64(0)
    for b in range(low, high + 1):
        total += count[b]
    for q in range(shares.size):
        b, reached = low, count[low]
        while np.float64(reached) < shares[q] * np.float64(total) and b < high:
            b += 1
            reached += count[b]
        out[q] = b / BINS
