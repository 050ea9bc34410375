"""Sums over polygons that do not depend on the order of the cells.

Coverage and values are taken as integers (fixed point), so that every sum is exact: tiles, threads and extent cannot
change a bit of it. Polygons come as runs of cells in a block: run r covers ``length[r]`` cells from ``cell[r]`` on,
each for ``cover[r]``; a run of more than one cell covers them whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile import simd
from waterbodem.kernels._compile.decorators import inlined, kernel, stage

#: Coverage 1 and value 1 as integers, and where a product is split to stay within 64 bits.
COVERAGE_ONE = 1 << 24
VALUE_ONE = simd.VALUE_ONE
SPLIT = 30
BINS = 10_000
#: Where unknown values are counted, and how many bins are looked at as one.
UNKNOWN, STRIDE = BINS + 1, 64

#: A value of a cause as an integer, and the bits of coverage that it leaves out: 2e9 cells fit in 64 bits.
CAUSE_ONE = 1 << 16
_CAUSE_SHIFT = 8

Ints = NDArray[np.int64]

_WHOLE_SHIFT = 6  # a whole cell's product is value << 24: its high part is value >> 6
_WHOLE_MASK = (1 << _WHOLE_SHIFT) - 1
_LOW_MASK = (1 << SPLIT) - 1
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


@stage
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


@stage
def _known_and_small(values: Any) -> Any:
    """Return how many values are known, and how many are small."""
    known, small = np.int32(0), np.int32(0)
    for i in range(values.size):
        known = np.int32(known + (values[i] == values[i]))
        small = np.int32(small + (abs(values[i]) <= np.float32(simd.SMALL)))
    return known, small


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
    known, small = _known_and_small(values)
    if known == 0:
        return
    narrow = small == known and values.size <= simd.MANY
    for g in range(bands.group[b], bands.group[b + 1]):
        x, y = bands.edge[g], bands.edge[g + 1]
        high, low, cover = _fixed_edges(values, origin, bands.cell[x:y], bands.cover[x:y])
        s, t = bands.span[g], bands.span[g + 1]
        first, after = bands.first[s:t], bands.after[s:t]
        total, sure = (
            simd.sum_small(values, origin, first, after) if narrow else simd.sum_any(values, origin, first, after)
        )
        p = bands.polygon[g]
        sums[0, p] += high + (total >> _WHOLE_SHIFT)
        sums[1, p] += low + (total & _WHOLE_MASK) * COVERAGE_ONE
        sums[2, p] += cover + sure * COVERAGE_ONE


@inlined
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


@inlined
def _codes_each(codes: Any, total: Any) -> None:
    """Add wholly covered cells per code, one by one: for more codes than a number has bytes."""
    for i in range(codes.size):
        if codes[i] < total.size:
            total[codes[i]] += COVERAGE_ONE


@kernel
def add_codes(bands: Any, b: int, origin: int, codes: Any, total: Any) -> None:
    """Add coverage per polygon and code; ``total`` is (P, C), larger codes are left out."""
    packed = total.shape[1] <= np.int64(_BYTE)
    for g in range(bands.group[b], bands.group[b + 1]):
        p = bands.polygon[g]
        for j in range(bands.edge[g], bands.edge[g + 1]):
            code = codes[np.int64(bands.cell[j]) - origin]
            if code < total.shape[1]:
                total[p, code] += bands.cover[j]
        for s in range(bands.span[g], bands.span[g + 1]):
            run = codes[bands.first[s] - origin : bands.after[s] - origin]
            if packed:
                _codes_run(run, total[p])
            else:
                _codes_each(run, total[p])


@stage
def _only(code: int, codes: Any, values: Any, factor: Any, out: Any) -> None:
    """Values times a factor where the code is this one, else 0."""
    for i in range(out.size):
        out[i] = values[i] * factor if codes[i] == code else np.float32(0)


@stage
def _present(codes: Any) -> Any:
    """Return a bit per code that occurs, up to 31; larger codes have none."""
    bits = np.int32(0)
    for i in range(codes.size):
        bits |= np.int32(1) << np.int32(codes[i]) if codes[i] < 31 else np.int32(0)
    return bits


@inlined
def _caused_edges(bands: Any, g: int, origin: int, values: Any, codes: Any, total: Any) -> None:
    for j in range(bands.edge[g], bands.edge[g + 1]):
        i = np.int64(bands.cell[j]) - origin
        v = np.float64(values[i])
        if codes[i] < total.size and v == v:
            total[codes[i]] += np.int64(np.rint(v * CAUSE_ONE)) * (bands.cover[j] >> _CAUSE_SHIFT)


@kernel
def add_by_code(bands: Any, b: int, origin: int, values: Any, codes: Any, total: Any, room: Any) -> None:
    """Add coverage * value per polygon and code, where known; for values of 0 to 1, in units of 1 / CAUSE_ONE.

    Parameters
    ----------
    total : int64 array (P, at most 31 codes)
        Added to; larger codes are left out.
    room : float32 array (n,)
        Anything can be left in it.
    """
    factor, whole = np.float32(CAUSE_ONE / VALUE_ONE), COVERAGE_ONE >> _CAUSE_SHIFT
    for g in range(bands.group[b], bands.group[b + 1]):
        _caused_edges(bands, g, origin, values, codes, total[bands.polygon[g]])
    present = _present(codes)
    for code in range(total.shape[1]):
        if (present >> code) & 1:
            _only(code, codes, values, factor, room)
            for g in range(bands.group[b], bands.group[b + 1]):
                s, t = bands.span[g], bands.span[g + 1]
                found, _ = simd.sum_any(room, origin, bands.first[s:t], bands.after[s:t])
                total[bands.polygon[g], code] += found * whole


def no_bins() -> Ints:
    """Return counts of nothing, for :func:`count_bins` and :func:`find_quantiles`."""
    return np.zeros(UNKNOWN + 1, np.int64)


@kernel
def fill_bins(values: Any, out: Any) -> None:
    """Fill in the bins of values (0 to 1, in steps of 1 / BINS), UNKNOWN where there is none."""
    for i in range(out.size):
        v = np.float64(values[i])
        known = v == v
        b = np.int32(np.rint(min(max(v if known else 0.0, 0.0), 1.0) * BINS))
        out[i] = np.uint16(b if known else np.int32(UNKNOWN))


@inlined
def _count_run(bins: Any, weight: int, count: Any) -> Any:
    """Count the coverage per bin of a run; return the lowest and highest bin."""
    low, high = bins[0], bins[0]
    for i in range(1, bins.size):
        low, high = min(low, bins[i]), max(high, bins[i])
    if low == high:
        count[low] += weight * bins.size
    else:
        for i in range(bins.size):
            count[bins[i]] += weight
    return np.int64(low), np.int64(high)


@kernel
def count_bins(
    runs: Any,
    bins: Any,
    first: Any,
    whole: Any,
    shares: Any,
    start: Any,
    value: Any,
    weight: Any,
    quantiles: Any,
    count: Any,
) -> int:
    """Count the coverage per polygon and bin.

    Parameters
    ----------
    runs : int64 array (4, R)
        Polygon by polygon.
    bins : uint16 array (n,)
        From :func:`fill_bins`.
    first : int64 array (P + 1,)
        First run of every polygon.
    whole : bool array (P,)
        Polygons of which these are all the cells: their bins are not kept.
    shares : float64 array (Q,)
    start : int64 array (P + 1,)
        Filled: where the bins of a polygon start.
    value, weight : uint16 and int64 arrays (more than the number of cells of polygons that are not whole,)
        Filled with bins, ascending per polygon, and their coverage; the number of them is returned.
    quantiles : float64 array (P, Q)
        Filled for whole polygons with a known value, as by :func:`find_quantiles`.
    count : int64 array (UNKNOWN + 1,)
        Zeros, before and after.
    """
    row = np.int64(0)
    for p in range(start.size - 1):
        start[p] = row
        low, high = np.int64(BINS), np.int64(0)  # a number that is written here would be a type of its own
        for r in range(first[p], first[p + 1]):
            a, b = runs[1, r], runs[1, r] + runs[2, r]
            lowest, highest = _count_run(bins[a:b], runs[3, r], count)
            low, high = min(low, lowest), max(high, highest)
        high = min(high, BINS)
        if whole[p]:
            _read_and_clear(count, low, high, shares, quantiles[p])
        else:
            row = _write_bins(count, low, high, row, value, weight)
        count[UNKNOWN] = 0
    start[start.size - 1] = row
    return row


@stage
def _write_bins(count: Any, low: int, high: int, row: int, value: Any, weight: Any) -> int:
    """Write the bins in use and clear them; return the next free row."""
    for b in range(low, high + 1):
        value[row], weight[row] = b, count[b]  # the next one takes its place if there is nothing in it
        row += count[b] > 0
    count[low : high + 1] = 0
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
        _read_and_clear(count, low, high, shares, out[p])


@stage
def _read_and_clear(count: Any, low: int, high: int, shares: Any, out: Any) -> None:
    """Read quantiles from the counts of one polygon, if there are any, and clear them."""
    total = _sum(count[low : high + 1])
    if total > 0:
        _read_quantiles(count, low, high, total, shares, out)
    count[low : high + 1] = 0


@inlined
def _sum(count: Any) -> int:
    total = np.int64(0)
    for i in range(count.size):
        total += count[i]
    return total


@stage
def _read_quantiles(count: Any, low: int, high: int, total: int, shares: Any, out: Any) -> None:
    for q in range(shares.size):
        wanted, reached = shares[q] * np.float64(total), np.int64(0)
        for first in range(low, high + 1, STRIDE):
            some = count[first : min(first + STRIDE, high + 1)]
            after = reached + _sum(some)
            if np.float64(after) >= wanted or first + STRIDE > high:
                out[q] = (first + _place(some, reached, wanted)) / BINS
                break
            reached = after


@inlined
def _place(count: Any, reached: int, wanted: float) -> int:
    """Return up to where counts must be added to reach what is wanted, else the last."""
    for i in range(count.size - 1):
        reached += count[i]
        if np.float64(reached) >= wanted:
            return i
    return count.size - 1
