"""Results as bytes: whole percentages and codes, with 255 where nothing was asked or known."""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._jit import jit

NODATA = 255


@jit
def pack_percent(values: Any, inside: Any, out: Any, counts: Any) -> None:
    """Round shares half up to whole percentages; float noise never decides.

    Parameters
    ----------
    values : float32 array (n,)
        0..1, NaN = unknown.
    inside : bool array (n,) or (0,)
        Cells that were asked for; empty = all.
    out : uint8 array (n,)
    counts : int64 array (256,)
        Added to: how often each byte occurs.
    """
    for i in range(out.size):
        v = np.float64(values[i])
        known = v == v
        byte = np.int32(np.floor(100.0 * (v if known else 0.0) + (0.5 + 1e-4)))
        out[i] = np.uint8(byte if known else NODATA)
    _blank(inside, out)
    for i in range(out.size):
        counts[out[i]] += 1


@jit
def pack_codes(values: Any, inside: Any, out: Any) -> None:
    """Copy codes, 255 outside."""
    for i in range(out.size):
        out[i] = values[i]
    _blank(inside, out)


@jit
def _blank(inside: Any, out: Any) -> None:
    if inside.size:
        for i in range(out.size):
            out[i] = out[i] if inside[i] else np.uint8(NODATA)
