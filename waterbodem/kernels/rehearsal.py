"""Half of what a first answer compiles: each for the types that it is called with there.

A second process can do so while the first is at the scores and measures, which take as long as these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from waterbodem.kernels import burden, components, zonal
from waterbodem.kernels._compile.records import record_of


def _arrays(kinds: str) -> list[Any]:
    """Return arrays without cells; ``f4*2`` has two dimensions."""
    return [np.empty((0,) * int(dims or 1), kind) for kind, _, dims in (k.partition("*") for k in kinds.split())]


def _bands() -> zonal.Bands:
    return zonal.Bands(*_arrays("i8 i8 i8 i8 u4 i4 i8 i8"))


def _shift() -> tuple[Any, ...]:
    out, change = burden.Burden(*_arrays("f4*2 f4 f4 f4 f4 u1 f4 f4 f4")), record_of(components.CHANGE)
    return (*_arrays("i8"), 0, change, change, out, record_of(burden.BUFFERS))


#: Kernels, and how to make what they are called with, in the order that an answer needs them.
KERNELS: dict[Any, Callable[[], tuple[Any, ...]]] = {
    burden.shift_from: _shift,
    zonal.find_runs: lambda: (*_arrays("i8 i8 i8"), 0, *_arrays("i8*2")),
    zonal.add_row: lambda: (_bands(), 0, 0, *_arrays("f4 i8*2")),
    zonal.add_codes: lambda: (_bands(), 0, 0, *_arrays("u1 i8*2")),
    zonal.add_by_code: lambda: (_bands(), 0, 0, *_arrays("f4 u1 i8*2 f4")),
    zonal.fill_bins: lambda: (*_arrays("f4 u2"),),
    zonal.count_bins: lambda: (*_arrays("i8*2 u2 i8 ? f8 i8 u2 i8 f8*2 i8"),),
    zonal.find_quantiles: lambda: (*_arrays("i8 i8 i8 u2 i8 f8 i8 f8*2"),),
}


def rehearse() -> None:
    """Compile them, so that they are in the kernel cache."""
    for kernel, arguments in KERNELS.items():
        kernel.compile(tuple(numba.typeof(a) for a in arguments()))
