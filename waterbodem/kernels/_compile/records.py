"""Arrays by their address, and numbers in a record: a kernel takes one pointer instead of many arrays.

Every array that is handed on is seven numbers at every call, and to choose one of them takes a branch per layer:
compiling that takes several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import spelled_out

_ITEM = np.dtype(np.float32).itemsize


def places_of(arrays: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.int64]:
    """Return where the cells of arrays (count,) are, 0 for one without cells; they must outlive what is returned."""
    if any(a.dtype != np.float32 or not a.flags.c_contiguous or a.size not in (0, count) for a in arrays):
        raise TypeError(f"a kernel takes contiguous float32 arrays of {count} cells, or none")
    return np.array([a.ctypes.data if a.size else 0 for a in arrays], np.int64)


def record_of(kind: np.dtype[np.void], **numbers: Any) -> np.void:
    """Return numbers as a record, which to a kernel is one pointer; an array fills the front of its field."""
    record: np.void = np.zeros(1, kind)[0]
    for name, value in numbers.items():
        if np.ndim(value):
            record[name][: len(value)] = value
        else:
            record[name] = value
    return record


@spelled_out
def cells_at(_context: Any, _place: Any, _first: Any, _count: Any) -> Any:
    """Return ``count`` cells, from ``first`` on, of the array at a place."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        from numba.np.arrayobj import make_array, populate_array

        start = builder.inttoptr(args[0], ir.FloatType().as_pointer())
        size = context.get_constant(types.intp, _ITEM)
        cells = make_array(sig.return_type)(context, builder)
        populate_array(cells, builder.gep(start, [args[1]]), [args[2]], [size], size, None)
        return cells._getvalue()

    return types.Array(types.float32, 1, "C")(types.int64, types.int64, types.int64), build
