"""How many values of a layer it cannot hold, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import kernel, stage

BLOCK = 1024


@stage
def _unlisted(cells: Any, codes: Any, own: Any) -> int:
    """Count what is known, and neither a code nor a whole number from ``own`` on."""
    left = 0
    for i in range(cells.size):
        v = cells[i]
        left += (v == v) & ~((v >= own) & (v < np.float32(np.inf)) & (v == np.floor(v)))
    for code in codes:
        for i in range(cells.size):
            left -= (cells[i] == code) & (code < own)
    return left


@kernel
def count_illegal(cells: Any, codes: Any, own: Any, absent: bool) -> int:
    """Count illegal values among flat float32 cells; NaN is legal.

    Parameters
    ----------
    cells : float32 array (n,)
    codes : float32 array (k,)
        Of a layer of classes; none: any finite value is legal.
    own : float32
        Whole numbers from here on are codes too; inf: none.
    absent : bool
        Whether +inf is legal.
    """
    count = 0
    if codes.size:
        for a in range(0, cells.size, BLOCK):
            count += _unlisted(cells[a : a + BLOCK], codes, own)
        return count
    top = np.float32(np.nan) if absent else np.float32(np.inf)
    for i in range(cells.size):
        count += (cells[i] == np.float32(-np.inf)) | (cells[i] == top)
    return count
