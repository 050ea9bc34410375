"""How a function becomes a kernel, or a part of one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic, register_jitable

from waterbodem.core.errors import ArgumentError
from waterbodem.kernels._compile.door import insides

F = TypeVar("F", bound=Callable[..., Any])

#: What numba's own types do not tell: options that are not public, and its settings.
_njit: Any = numba.njit
_settings: Any = numba.config

#: Options where numba's insides are not used: the same results, compiled longer, by every process anew.
_PLAIN: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_JIT, _KERNEL, PART, _STAGE = (
    (insides.JIT, insides.KERNEL, insides.PART, insides.STAGE) if insides else (_PLAIN, _PLAIN, _PLAIN, _PLAIN)
)


def jit(function: F) -> F:
    """Compile without the interpreter's lock; results never depend on the cache."""
    return _compiled(function, _JIT)


def kernel(function: F) -> F:
    """Compile as :func:`jit` what allocates no array, nor do its parts."""
    return _compiled(function, _KERNEL)


def inlined(function: F, inline: str = "never") -> F:
    """Compile a part of a :func:`kernel`; it is cached within that, and cannot be called by the interpreter.

    A part that returns a piece of an array needs ``inline="always"``.
    """
    made: F = _njit(inline=inline, **PART)(function)
    return made


def stage(function: F) -> F:
    """Compile a :func:`inlined` that works on a block of cells: it is called, so that all that call it stay small."""
    made: F = _njit(**_STAGE)(function)
    return made


def spelled_out(function: F) -> F:
    """Let a function write the instructions of a part itself; it is typed here once, as numba has no types."""
    made: Any = intrinsic(function)
    return cast(F, made)


def both(function: F) -> F:
    """Leave a function as it is for the interpreter, and compile it as a part where a kernel calls it."""
    made: F = register_jitable(**PART)(function)
    return made


def _refusing(function: F) -> F:
    """Stand for a kernel where nothing may be compiled: parts of it are written in instructions of the processor."""

    @functools.wraps(function)
    def refuse(*_args: object, **_numbers: object) -> None:
        where = f"kernel {function.__name__}"
        raise ArgumentError("kernels only run compiled", value="NUMBA_DISABLE_JIT", allowed="unset", where=where)

    return cast(F, refuse)


def _compiled(function: F, options: dict[str, Any]) -> F:
    if _settings.DISABLE_JIT:
        return _refusing(function)
    made: F = insides.compiled(function, options) if insides else _njit(**options)(function)
    return made
