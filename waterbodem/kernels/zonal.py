"""Sums over polygons that do not depend on the order of the cells.

Coverage and values are taken as integers (fixed point), so that every sum is exact: tiles, threads and extent cannot
change a bit of it. Polygons come as runs of cells in a block: run r covers ``length[r]`` cells from ``cell[r]`` on,
each for ``cover[r]``; a run of more than one cell covers them whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._jit import kernel, part

#: Coverage 1 and value 1 as integers, and where a product is split to stay within 64 bits.
COVERAGE_ONE = 1 << 24
VALUE_ONE = 1 << 20
SPLIT = 30
BINS = 10_000

#: A value of a cause as an integer, and the bits of coverage that it leaves out: 2e9 cells fit in 64 bits.
CAUSE_ONE = 1 << 16
_CAUSE_SHIFT = 8
#: Values that are taken at once.
LANES = 32

Ints = NDArray[np.int64]

_WHOLE_SHIFT = 6  # a whole cell's product is value << 24: its high part is value >> 6
_WHOLE_MASK = (1 << _WHOLE_SHIFT) - 1
_LOW_MASK = (1 << SPLIT) - 1
_BLOCK = 1024
_BYTE = np.uint64(8)
_FULL = 255  # cells after which a byte could be full


@kernel
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


class Bands(NamedTuple):
    """The runs of polygons in bands of whole rows of a block; a group is what one polygon has in one band."""

    group: Ints  # (B + 1,) first group of every band
    polygon: Ints  # (G,)
    edge: Ints  # (G + 1,) first single cell of every group
    span: Ints  # (G + 1,) first run of more cells
    cell: NDArray[np.uint32]  # (E,) single cells
    cover: NDArray[np.int32]  # (E,) coverage fraction * COVERAGE_ONE
    first: Ints  # (S,) first cell of a run, wholly covered
    after: Ints  # (S,) cell after its last


@part
def _fixed(values: Any) -> Any:
    """Return the sum of the known values in fixed point, and how many there are; a loop of vector instructions."""
    total, known = np.int64(0), np.int64(0)
    for i in range(values.size):
        v = np.float64(values[i])
        total += np.int64(np.rint((v if v == v else 0.0) * VALUE_ONE))
        known += np.int64(v == v)
    return total, known


@part
def _fixed_lanes(values: Any, skip: int) -> Any:
    """As :func:`_fixed`, of exactly LANES values without the first ``skip``; vector instructions only."""
    total, known = np.int64(0), np.int64(0)
    for i in range(LANES):
        v = np.float64(values[i])
        ok = (v == v) & (i >= skip)
        total += np.int64(np.rint((v if ok else 0.0) * VALUE_ONE))
        known += np.int64(ok)
    return total, known


@part
def _fixed_run(values: Any, a: int, b: int) -> Any:
    """As :func:`_fixed`, of the values from ``a`` up to ``b``; the last lanes reach back over the ones before."""
    if b < LANES:
        return _fixed(values[a:b])
    total, known = np.int64(0), np.int64(0)
    for i in range(a, b, LANES):
        low = min(i, b - LANES)
        some, count = _fixed_lanes(values[low : low + LANES], i - low)
        total += some
        known += count
    return total, known


@part
def _fixed_edges(values: Any, origin: int, cell: Any, cover: Any) -> Any:
    """Return the sum of coverage * value over single cells, high and low part, and the coverage that is known."""
    high, low, known = np.int64(0), np.int64(0), np.int64(0)
    for j in range(cell.size):
        v, c = np.float64(values[np.int64(cell[j]) - origin]), np.int64(cover[j])
        product = np.int64(np.rint((v if v == v else 0.0) * VALUE_ONE)) * c
        high += product >> SPLIT
        low += product & _LOW_MASK
        known += c if v == v else np.int64(0)
    return high, low, known


@part
def _any_known(values: Any) -> bool:
    for a in range(0, values.size, _BLOCK):
        some = values[a : a + _BLOCK]
        count = np.int64(0)
        for i in range(some.size):
            count += np.int64(some[i] == some[i])
        if count > 0:
            return True
    return False


@kernel
def add_row(bands: Any, b: int, origin: int, values: Any, sums: Any) -> None:
    """Add coverage * value per polygon, over the cells of a band where the value is known.

    Parameters
    ----------
    bands : Bands
    b : int
        The band.
    origin : int
        Cell that the values start at.
    values : float32 array (n,)
        NaN = unknown.
    sums : int64 array (3, P)
        Added to: the sum is ``high * 2**SPLIT + low``; then the coverage that took part.
    """
    if not _any_known(values):
        return
    for g in range(bands.group[b], bands.group[b + 1]):
        x, y = bands.edge[g], bands.edge[g + 1]
        high, low, cover = _fixed_edges(values, origin, bands.cell[x:y], bands.cover[x:y])
        total, known = np.int64(0), np.int64(0)
        for s in range(bands.span[g], bands.span[g + 1]):
            some, count = _fixed_run(values, bands.first[s] - origin, bands.after[s] - origin)
            total += some
            known += count
        p = bands.polygon[g]
        sums[0, p] += high + (total >> _WHOLE_SHIFT)
        sums[1, p] += low + (total & _WHOLE_MASK) * COVERAGE_ONE
        sums[2, p] += cover + known * COVERAGE_ONE


@kernel
def add_constant(value: float, inside: Any, sums: Any) -> None:
    """Add coverage * value per polygon, of one value for all cells; ``inside`` is the coverage (P,).

    Nothing if the value is NaN.
    """
    if value != value:
        return
    fixed = np.int64(np.rint(np.float64(value) * VALUE_ONE))
    for p in range(inside.size):
        product = fixed * (inside[p] & _LOW_MASK)
        sums[0, p] += fixed * (inside[p] >> SPLIT) + (product >> SPLIT)
        sums[1, p] += product & _LOW_MASK
        sums[2, p] += inside[p]


@part
def _codes_run(codes: Any, total: Any) -> None:
    """Add wholly covered cells per code, all counts of some cells in the bytes of one number."""
    for a in range(0, codes.size, _FULL):
        some = codes[a : a + _FULL]
        packed = np.uint64(0)
        for i in range(some.size):
            c = np.uint64(some[i])
            packed += np.uint64(1) << (c * _BYTE) if c < _BYTE else np.uint64(0)
        for code in range(total.size):
            total[code] += np.int64((packed >> (np.uint64(code) * _BYTE)) & np.uint64(255)) * COVERAGE_ONE


@kernel
def add_codes(bands: Any, b: int, origin: int, codes: Any, total: Any) -> None:
    """Add coverage per polygon and code; ``total`` is (P, at most 8 codes), larger codes are left out."""
    for g in range(bands.group[b], bands.group[b + 1]):
        p = bands.polygon[g]
        for j in range(bands.edge[g], bands.edge[g + 1]):
            code = codes[np.int64(bands.cell[j]) - origin]
            if code < total.shape[1]:
                total[p, code] += bands.cover[j]
        for s in range(bands.span[g], bands.span[g + 1]):
            _codes_run(codes[bands.first[s] - origin : bands.after[s] - origin], total[p])


@part
def _caused(value: Any) -> int:
    """Return a value of 0 to 1 as an integer, coarse enough for sums over any number of cells; 0 where unknown."""
    v = np.float64(value)
    return np.int64(np.rint((v if v == v else 0.0) * CAUSE_ONE))


@part
def _one_code(codes: Any) -> bool:
    """Tell whether all codes are the same."""
    differ = np.uint8(0)
    for i in range(codes.size):
        differ |= codes[i] ^ codes[0]
    return differ == 0


@part
def _caused_run(values: Any) -> int:
    total = np.int64(0)
    for i in range(values.size):
        total += _caused(values[i])
    return total


@kernel
def add_by_code(bands: Any, b: int, origin: int, values: Any, codes: Any, total: Any) -> None:
    """Add coverage * value per polygon and code, where known; for values of 0 to 1, in units of 1 / CAUSE_ONE."""
    for g in range(bands.group[b], bands.group[b + 1]):
        p = bands.polygon[g]
        for j in range(bands.edge[g], bands.edge[g + 1]):
            i = np.int64(bands.cell[j]) - origin
            if codes[i] < total.shape[1]:
                total[p, codes[i]] += _caused(values[i]) * (bands.cover[j] >> _CAUSE_SHIFT)
        for s in range(bands.span[g], bands.span[g + 1]):
            for first in range(bands.first[s] - origin, bands.after[s] - origin, LANES):
                after = min(first + LANES, bands.after[s] - origin)
                _add_caused(values[first:after], codes[first:after], total[p])


@part
def _add_caused(values: Any, codes: Any, total: Any) -> None:
    """Add values of wholly covered cells to the total of their code."""
    whole = COVERAGE_ONE >> _CAUSE_SHIFT
    if _one_code(codes):
        if codes[0] < total.size:
            total[codes[0]] += _caused_run(values) * whole
        return
    for i in range(values.size):
        if codes[i] < total.size:
            total[codes[i]] += _caused(values[i]) * whole


def no_bins() -> Ints:
    """Return counts of nothing, for :func:`count_bins` and :func:`find_quantiles`."""
    return np.zeros(BINS + 1, np.int64)


@kernel
def count_bins(runs: Any, values: Any, first: Any, start: Any, value: Any, weight: Any, count: Any) -> int:
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
    count : int64 array (BINS + 1,)
        Zeros, before and after.
    """
    row = np.int64(0)
    for p in range(start.size - 1):
        start[p] = row
        low, high = np.int64(BINS), np.int64(0)  # a number that is written here would be a type of its own
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


@part
def _write_bins(count: Any, low: int, high: int, row: int, value: Any, weight: Any) -> int:
    """Write the bins in use and clear them; return the next free row."""
    for b in range(low, high + 1):
        if count[b] > 0:
            value[row], weight[row] = b, count[b]
            count[b] = 0
            row += 1
    return row


@kernel
def find_quantiles(
    numbers: Any, order: Any, start: Any, value: Any, weight: Any, shares: Any, count: Any, out: Any
) -> None:
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
    count : int64 array (BINS + 1,)
        Zeros, before and after.
    out : float64 array (P, Q)
        Filled for the polygons of the pieces; polygons without bins are left as they are.
    """
    k = 0
    while k < order.size:
        p, low, high = numbers[order[k]], np.int64(BINS), np.int64(0)
        while k < order.size and numbers[order[k]] == p:
            for j in range(start[order[k]], start[order[k] + 1]):
                count[value[j]] += weight[j]
                low, high = min(low, np.int64(value[j])), max(high, np.int64(value[j]))
            k += 1
        if low <= high:
            _read_quantiles(count, low, high, shares, out[p])
            for b in range(low, high + 1):
                count[b] = 0


@part
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
