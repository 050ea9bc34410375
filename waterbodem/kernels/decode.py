"""Raw numbers of a file to values of the rules, in one pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from waterbodem.kernels._compile.decorators import jit, kernel


class Line(NamedTuple):
    """How raw numbers become values: nodata and absent on raw values, then ``(raw * scale + offset) * factor``."""

    has_nodata: bool
    has_absent: bool
    scale: float
    offset: float
    factor: float
    low: np.float32
    high: np.float32


@kernel
def decode(raw: Any, valid: Any, marks: Any, line: Line, out: Any, row: int, col: int, counts: Any) -> None:
    """Write values of a block into a larger array.

    Parameters
    ----------
    raw : array (r, c)
        Numbers as stored.
    valid : bool array (r, c) or (0, 0)
        False where the file has no data; empty = everywhere data.
    marks : array (2,) of the type of ``raw``
        The raw numbers for unknown and for absent.
    line : Line
    out : float32 array (R, C)
        NaN = unknown or out of range, +inf = absent; written from (row, col) on.
    counts : int64 array (3,)
        Added to: cells known, absent, out of range.
    """
    nodata, absent = marks[0], marks[1]
    masked = valid.size > 0
    for i in range(raw.shape[0]):
        known = gone = off = np.uint32(0)
        for j in range(raw.shape[1]):
            r = raw[i, j]
            x = np.float64(r)
            f = np.float32((x * line.scale + line.offset) * line.factor) + np.float32(0.0)
            data = not (line.has_nodata & (r == nodata))
            if masked:
                data &= valid[i, j]
            here = data & line.has_absent & (r == absent)
            number = data & (not here) & (x - x == 0.0)
            inside = number & (f >= line.low) & (f <= line.high)
            known += np.uint32(inside)
            gone += np.uint32(here)
            off += np.uint32(number & (not inside))
            out[row + i, col + j] = f if inside else (np.float32(np.inf) if here else np.float32(np.nan))
        counts[0] += known
        counts[1] += gone
        counts[2] += off


@jit
def map_classes(raw: Any, valid: Any, marks: Any, line: Line, codes: Any, targets: Any, out: Any) -> int:
    """Write the value of every code of a class table; return how many cells hold a code that is not listed.

    Parameters
    ----------
    raw, valid, marks, line
        As for :func:`decode`; ``factor``, ``low`` and ``high`` are not used.
    codes, targets : float64 arrays (k,)
        The table, codes ascending.
    out : float64 array (r, c)
        NaN = unknown or not listed, +inf = absent.
    """
    unlisted = 0
    masked = valid.size > 0
    middles = (codes[1:] + codes[:-1]) / 2
    for i in range(raw.shape[0]):
        for j in range(raw.shape[1]):
            r = raw[i, j]
            x = np.float64(r)
            out[i, j] = np.nan
            if (line.has_nodata and r == marks[0]) or (masked and not valid[i, j]):
                continue
            if line.has_absent and r == marks[1]:
                out[i, j] = np.inf
            elif x - x == 0.0:
                code = x * line.scale + line.offset
                k = np.searchsorted(middles, code)
                if abs(code - codes[k]) <= 1e-10 * max(1.0, abs(codes[k])):
                    out[i, j] = targets[k]
                else:
                    unlisted += 1
    return unlisted


@kernel
def only_codes(codes: Any, own: Any, out: Any, rows: int, cols: int, row: int, col: int, counts: Any) -> None:
    """Make unknown what is none of the codes, nor a whole number from ``own`` on, in a block that ``decode`` wrote."""
    for i in range(row, row + rows):
        for j in range(col, col + cols):
            value = out[i, j]
            listed = (value - value != 0.0) | ((value >= own) & (value == np.floor(value)))
            for code in codes:
                listed |= value == code
            if not listed:
                out[i, j] = np.nan
                counts[0] -= 1
                counts[2] += 1
