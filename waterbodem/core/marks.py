"""Numbers that stand for something else, such as -9999 for unknown, as the type of the data holds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Above this a mark is matched to 5 digits: text files do not repeat -3.4e38 exactly.
HUGE = 1e30


def mark_as(value: float | None, dtype: str) -> Any:
    """Return a mark as a type holds it; None where no number can equal it.

    Examples
    --------
    >>> int(mark_as(255, "uint8")), mark_as(-9999, "uint8"), mark_as(0.5, "int16")
    (255, None, None)
    """
    if value is None or math.isnan(value):
        return None
    kind = np.dtype(dtype)
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return kind.type(value)
    info = np.iinfo(kind)
    fits = math.isfinite(value) and value == int(value) and info.min <= int(value) <= info.max
    return kind.type(int(value)) if fits else None


def equals(raw: NDArray[np.generic], value: float) -> NDArray[np.bool_]:
    """Return where raw numbers are ``value`` as their own type holds it.

    Examples
    --------
    >>> equals(np.array([1, -9999], np.float32), -9999.0)
    array([False,  True])
    """
    if raw.dtype.kind == "f":
        with np.errstate(over="ignore"):
            mark = raw.dtype.type(value)
        if abs(value) > HUGE:
            return np.isclose(raw, mark, rtol=1e-5, atol=0)
        return np.isnan(raw) if math.isnan(value) else np.asarray(raw == mark)
    mark = mark_as(value, raw.dtype.name)
    return np.zeros(raw.shape, dtype=bool) if mark is None else np.asarray(raw == mark)
