"""Arithmetic of float32 that gives the same bits in every lane and on every machine: a * b + c, log and exp."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from waterbodem.kernels._compile.decorators import inlined, spelled_out


@spelled_out
def _bits(_context: Any, _x: Any) -> Any:
    """Return the 32 bits of a float32 as an int32."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), build


@spelled_out
def _float(_context: Any, _x: Any) -> Any:
    """The float32 that 32 bits stand for."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), build


@spelled_out
def fma(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """A * b + c rounded once: the same bits in every lane and on every machine."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float32(types.float32, types.float32, types.float32), build


@inlined
def log(x: np.float32) -> np.float32:
    """Natural logarithm of a positive normal float32; exactly 0 at 1. After Cephes (S. Moshier)."""
    bits = _bits(x)
    e = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
    f = _float(np.int32(bits - np.int32(e << np.int32(23)))) - np.float32(1)
    n = np.float32(e)
    p = np.float32(7.0376836292e-2)
    p = fma(p, f, np.float32(-1.1514610310e-1))
    p = fma(p, f, np.float32(1.1676998740e-1))
    p = fma(p, f, np.float32(-1.2420140846e-1))
    p = fma(p, f, np.float32(1.4249322787e-1))
    p = fma(p, f, np.float32(-1.6668057665e-1))
    p = fma(p, f, np.float32(2.0000714765e-1))
    p = fma(p, f, np.float32(-2.4999993993e-1))
    p = fma(p, f, np.float32(3.3333331174e-1))
    z = f * f
    tail = fma(p * f, z, n * np.float32(-2.12194440e-4))
    tail = fma(np.float32(-0.5), z, tail)
    return fma(n, np.float32(0.693359375), f + tail)


@inlined
def exp(x: np.float32) -> np.float32:
    """E to the power x, for -80 <= x <= 0; exactly 1 at 0. After Cephes (S. Moshier)."""
    n = fma(x, np.float32(1.44269504088896341), np.float32(12582912.0)) - np.float32(12582912.0)
    r = fma(n, np.float32(-0.693359375), x)
    r = fma(n, np.float32(2.12194440e-4), r)
    p = np.float32(1.9875691500e-4)
    p = fma(p, r, np.float32(1.3981999507e-3))
    p = fma(p, r, np.float32(8.3334519073e-3))
    p = fma(p, r, np.float32(4.1665795894e-2))
    p = fma(p, r, np.float32(1.6666665459e-1))
    p = fma(p, r, np.float32(5.0000001201e-1))
    y = fma(p * r, r, r) + np.float32(1)
    return y * _float(np.int32(np.int32(np.int32(n) + np.int32(127)) << np.int32(23)))
