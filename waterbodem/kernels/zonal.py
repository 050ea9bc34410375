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
def quantiles(start: Any, cell: Any, cover: Any, values: Any, shares: Any, margin: float, out: Any) -> None:
    """Smallest value (to 1e-4) such that the cells up to it hold at least a share; NaN if none is known."""
    count = np.zeros(BINS + 1, np.int64)
    for p in range(start.size - 1):
        count[:] = 0
        total = 0
        for j in range(start[p], start[p + 1]):
            v = np.float64(values[cell[j]])
            if v == v:
                count[np.int64(np.rint(v * BINS))] += cover[j]
                total += cover[j]
        _read_off(count, total, shares, margin, out[p])


@jit
def _read_off(count: Any, total: int, shares: Any, margin: float, out: Any) -> None:
    reached, b = count[0], 0
    for q in range(shares.size):
        while reached < (shares[q] - margin) * total and b < BINS:
            b += 1
            reached += count[b]
        out[q] = b / BINS if total > 0 else np.nan
