"""How a function becomes a kernel, or a part of one."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic, register_jitable

from waterbodem.core.errors import ArgumentError
from waterbodem.kernels._compile import cache, linking

F = TypeVar("F", bound=Callable[..., Any])

#: What numba's own types do not tell: options that are not public, and its settings.
_njit: Any = numba.njit
_settings: Any = numba.config

#: Options of all kernels; C has no use for them.
_ALL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_KERNEL = {**_ALL, **linking.KERNEL}

#: Options of the parts of a lean kernel, which only compiled code calls: nothing for the interpreter, and no
#: reference counts, as nothing is allocated. Both make compiling several times shorter.
PART = {**_ALL, "_nrt": False, "no_cpython_wrapper": True, **linking.PART}


def jit(function: F) -> F:
    """Compile without the interpreter's lock; results never depend on the cache."""
    return _cached(function, _KERNEL)


def kernel(function: F) -> F:
    """Compile as :func:`jit` what allocates no array, nor do its parts."""
    return _cached(function, {**_KERNEL, "_nrt": False})


def part(function: F, inline: str = "never") -> F:
    """Compile a part of a :func:`kernel`; it is cached within that, and cannot be called by the interpreter.

    A part that returns a piece of an array needs ``inline="always"``.
    """
    made: F = _njit(inline=inline, **PART)(function)
    return made


def stage(function: F) -> F:
    """Compile a :func:`part` that works on a block of cells: it is called, so that all that call it stay small."""
    made: F = _njit(**{**PART, **linking.STAGE})(function)
    return made


def spelled_out(function: F) -> F:
    """Let a function write the instructions of a part itself; it is typed here once, as numba has no types."""
    made: Any = intrinsic(function)
    return cast(F, made)


def both(function: F) -> F:
    """Leave a function as it is for the interpreter, and compile it as a part where a kernel calls it."""
    made: F = register_jitable(**PART)(function)
    return made


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage for later: a compiler makes a great many objects that stay, and are looked through each time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _refusing(function: F) -> F:
    """Stand for a kernel where nothing may be compiled: parts of it are written in instructions of the processor."""

    @functools.wraps(function)
    def refuse(*_args: object, **_numbers: object) -> None:
        where = f"kernel {function.__name__}"
        raise ArgumentError("kernels only run compiled", value="NUMBA_DISABLE_JIT", allowed="unset", where=where)

    return cast(F, refuse)


def _cached(function: F, options: dict[str, Any]) -> F:
    dispatcher: Any = _njit(**options)(function)
    if _settings.DISABLE_JIT:
        return _refusing(function)
    dispatcher.compile = _uncollected()(dispatcher.compile)
    cache.keep(dispatcher, function)
    made: F = dispatcher
    return made
