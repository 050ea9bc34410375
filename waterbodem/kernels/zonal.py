"""Sums over polygons that do not depend on the order of the cells.

Coverage and values are taken as integers (fixed point), so that every sum is exact: tiles, threads and extent cannot
change a bit of it. Polygons come as rows of a sparse matrix: cells ``cell[start[p]:start[p + 1]]``.
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


@jit
def add_values(start: Any, cell: Any, cover: Any, values: Any, high: Any, low: Any, known: Any) -> None:
    """Add coverage * value per polygon, over the cells where the value is known.

    Parameters
    ----------
    start, cell : int64 arrays (P + 1,), (N,)
    cover : int64 array (N,)
        Coverage fraction * COVERAGE_ONE.
    values : float32 array (n,)
        NaN = unknown.
    high, low, known : int64 arrays (P,)
        Added to: the sum is ``high * 2**SPLIT + low``; known = coverage that took part.
    """
    for p in range(start.size - 1):
        for j in range(start[p], start[p + 1]):
            v = np.float64(values[cell[j]])
            if v == v:
                product = np.int64(np.rint(v * VALUE_ONE)) * cover[j]
                high[p] += product >> SPLIT
                low[p] += product & ((1 << SPLIT) - 1)
                known[p] += cover[j]


@jit
def add_codes(start: Any, cell: Any, cover: Any, codes: Any, total: Any) -> None:
    """Add coverage per polygon and code; ``total`` is (P, codes), larger codes are left out."""
    for p in range(start.size - 1):
        for j in range(start[p], start[p + 1]):
            code = codes[cell[j]]
            if code < total.shape[1]:
                total[p, code] += cover[j]


@jit
def add_by_code(start: Any, cell: Any, cover: Any, values: Any, codes: Any, total: Any) -> None:
    """Add coverage * value per polygon and code, where known; for values of 0 to 1."""
    for p in range(start.size - 1):
        for j in range(start[p], start[p + 1]):
            v = np.float64(values[cell[j]])
            if v == v and codes[cell[j]] < total.shape[1]:
                total[p, codes[cell[j]]] += np.int64(np.rint(v * VALUE_ONE)) * (cover[j] >> 8)


@jit
def count_bins(start: Any, cell: Any, cover: Any, values: Any, numbers: Any, out: Any) -> int:
    """Count the coverage per polygon and value (0 to 1, in steps of 1 / BINS) where it is known.

    Parameters
    ----------
    numbers : int64 array (P,)
        What to call the polygons.
    out : int64 array (at least N, 3)
        Filled with polygon, bin, coverage; the number of rows is returned.
    """
    count = np.zeros(BINS + 1, np.int64)
    row = 0
    for p in range(start.size - 1):
        low, high = BINS, 0
        for j in range(start[p], start[p + 1]):
            v = np.float64(values[cell[j]])
            if v == v:
                b = min(max(np.int64(np.rint(v * BINS)), 0), BINS)
                count[b] += cover[j]
                low, high = min(low, b), max(high, b)
        row = _write_bins(count, low, high, numbers[p], row, out)
    return row


@jit
def _write_bins(count: Any, low: int, high: int, number: int, row: int, out: Any) -> int:
    """Write the bins in use and clear them; return the next free row."""
    for b in range(low, high + 1):
        if count[b] > 0:
            out[row, 0], out[row, 1], out[row, 2] = number, b, count[b]
            count[b] = 0
            row += 1
    return row
