"""Arrays by their address, and numbers in a record: a kernel takes one pointer instead of many arrays.

Every array that is handed on is seven numbers at every call, and to choose one of them takes a branch per layer:
compiling that takes several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import inlined, spelled_out
from waterbodem.kernels._compile.door import insides

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
def _pointer(_context: Any, _address: Any) -> Any:
    """The pointer to float32 values that a whole number is."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(types.int64), build


def _plain_cells_at(place: Any, first: Any, count: Any) -> Any:
    """Cells at a place, by what numba shows to all."""
    return carray(_pointer(place + first * _ITEM), (count,), np.float32)


#: ``count`` cells, from ``first`` on, of the array at a place: ``cells_at(place, first, count)``.
cells_at: Any = spelled_out(insides.cells_at) if insides else inlined(_plain_cells_at)
