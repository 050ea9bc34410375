"""Results as bytes: whole percentages and codes, with 255 where nothing was asked or known."""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import inlined, jit, kernel

NODATA = 255


@kernel
def pack_percent(values: Any, inside: Any, out: Any) -> None:
    """Round shares half up to whole percentages; float noise never decides.

    Parameters
    ----------
    values : float32 array (n,)
        0..1, NaN = unknown.
    inside : bool array (n,) or (0,)
        Cells that were asked for; empty = all.
    out : uint8 array (n,)
    """
    for i in range(out.size):
        v = np.float64(values[i])
        known = v == v
        byte = np.int32(np.floor(100.0 * (v if known else 0.0) + (0.5 + 1e-4)))
        out[i] = np.uint8(byte if known else NODATA)
    _blank(inside, out)


@kernel
def pack_codes(values: Any, inside: Any, out: Any) -> None:
    """Copy codes, 255 outside."""
    for i in range(out.size):
        out[i] = values[i]
    _blank(inside, out)


@jit
def count(codes: Any, counts: Any) -> None:
    """Count how often each byte occurs.

    Parameters
    ----------
    codes : uint8 array (n,)
    counts : int64 array (256,)
        Added to.
    """
    lanes = np.zeros((4, 256), np.int64)  # equal neighbours would wait for each other in one
    for i in range(codes.size):
        lanes[i & 3, codes[i]] += 1
    for code in range(256):
        counts[code] += lanes[0, code] + lanes[1, code] + lanes[2, code] + lanes[3, code]


@inlined
def _blank(inside: Any, out: Any) -> None:
    if inside.size:
        for i in range(out.size):
            out[i] = out[i] if inside[i] else np.uint8(NODATA)


@kernel
def halve_mean(values: Any, out: Any) -> None:
    """Write the mean of the known cells of every 2 x 2, rounded half up; an odd edge has 1 x 2 or 2 x 1.

    Parameters
    ----------
    values : uint8 array (r, c)
    out : uint8 array ((r + 1) // 2, (c + 1) // 2)
    """
    rows, cols = values.shape
    for i in range(out.shape[0]):
        upper, lower = values[2 * i], values[min(2 * i + 1, rows - 1)]
        for j in range(cols // 2):
            out[i, j] = _mean(upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1])
        if cols % 2:
            out[i, cols // 2] = _mean(upper[cols - 1], upper[cols - 1], lower[cols - 1], lower[cols - 1])


@inlined
def _mean(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the mean of what is known of four, rounded half up; an edge counts its cells twice, which changes nothing.

    In float32 without error: a quotient of such small numbers is whole, or a sixth or more away from the next.
    """
    ka, kb, kc, kd = np.int32(a != NODATA), np.int32(b != NODATA), np.int32(c != NODATA), np.int32(d != NODATA)
    known = ka + kb + kc + kd
    total = np.int32(a) * ka + np.int32(b) * kb + np.int32(c) * kc + np.int32(d) * kd
    mean = np.int32(np.float32(2 * total + known) / np.float32(2 * max(known, 1)))
    return np.uint8(mean if known else NODATA)


@kernel
def halve_mode(values: Any, out: Any) -> None:
    """Write the code that occurs most in every 2 x 2, the first of them on a tie; nodata does not count.

    Parameters
    ----------
    values : uint8 array (r, c)
    out : uint8 array ((r + 1) // 2, (c + 1) // 2)
    """
    rows, cols = values.shape
    for i in range(out.shape[0]):
        upper, lower = values[2 * i], values[min(2 * i + 1, rows - 1)]
        for j in range(cols // 2):
            out[i, j] = _most(upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1])
        if cols % 2:
            out[i, cols // 2] = _most(upper[cols - 1], upper[cols - 1], lower[cols - 1], lower[cols - 1])


@inlined
def _most(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the commonest of four codes that is data; an edge counts its cells twice, which changes nothing."""
    if a != NODATA and a in (b, c, d):
        return a
    if b != NODATA and b in (c, d):
        return b
    if c != NODATA and c == d:
        return c
    return a if a != NODATA else (b if b != NODATA else (c if c != NODATA else d))


@kernel
def halve_float(values: Any, out: Any) -> None:
    """Write the mean of the known cells of every 2 x 2 (NaN: none).

    Parameters
    ----------
    values : float32 array (r, c)
    out : float32 array ((r + 1) // 2, (c + 1) // 2)
    """
    rows, cols = values.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total, known = 0.0, 0
            for y in range(2 * i, min(2 * i + 2, rows)):
                for x in range(2 * j, min(2 * j + 2, cols)):
                    if values[y, x] == values[y, x]:
                        total += values[y, x]
                        known += 1
            out[i, j] = np.float32(total / known) if known else np.float32(np.nan)
