"""Compile a kernel with a cache that can be missing, read-only or broken without harm.

The cache folder is keyed by numba's version and the source of all kernels, because numba itself does not notice an
edited helper, which may stand in another module; a cache that cannot be used costs a compilation, never a result.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import config
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys
from numba.extending import intrinsic, register_jitable
from platformdirs import user_cache_dir

from waterbodem.kernels import _link

F = TypeVar("F", bound=Callable[..., Any])

#: Versions of numba whose compiled code was tried with no more than its runtime loaded.
TRIED = _link.TRIED

_log = logging.getLogger("waterbodem")
_told: set[str] = set()


def _tell_once(what: str, error: BaseException) -> None:
    if what not in _told:
        _told.add(what)
        _log.warning("%s (%s: %s); kernels are compiled anew", what, type(error).__name__, error)


def _lean(target_context: Any) -> bool:
    """Make ready for code that is compiled already, if that is known to suffice; return whether it is.

    Numba's own cache first loads all that numba can translate, and SciPy: as long as loading numba itself. A version in
    which this was not tried keeps to that, for what is missing then is not an error but the end of the process.
    """
    tried = numba.__version__.startswith(TRIED)
    if tried:
        rtsys.initialize(target_context)
    return tried


class _ForgivingCache(FunctionCache):  # type: ignore[misc]
    """A numba cache whose faults cost time only."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return (
                self._load_overload(sig, target_context)
                if _lean(target_context)
                else super().load_overload(sig, target_context)
            )
        except Exception as error:  # a truncated file fails in as many ways as it has bytes
            _tell_once("kernel cache is unreadable", error)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _tell_once("kernel cache is not writable", error)


@cache
def _cache_dir() -> str:
    stated = os.environ.get("NUMBA_CACHE_DIR")
    if stated:
        return stated
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return str(Path(user_cache_dir("waterbodem", appauthor=False)) / "kernels" / digest.hexdigest()[:16])


#: Options of all kernels; C has no use for them.
_ALL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_KERNEL = {**_ALL, **_link.KERNEL}

#: Options of the parts of a lean kernel, which only compiled code calls: nothing for the interpreter, and no
#: reference counts, as nothing is allocated. Both make compiling several times shorter.
PART = {**_ALL, "_nrt": False, "no_cpython_wrapper": True, **_link.PART}


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
    return numba.njit(inline=inline, **PART)(function)  # type: ignore[no-any-return]


def stage(function: F) -> F:
    """Compile a :func:`part` that works on a block of cells: it is called, so that all that call it stay small."""
    return numba.njit(**{**PART, **_link.STAGE})(function)  # type: ignore[no-any-return]


def spelled_out(function: F) -> F:
    """Let a function write the instructions of a part itself; it is typed here once, as numba has no types."""
    return intrinsic(function)  # type: ignore[no-any-return]


def both(function: F) -> F:
    """Leave a function as it is for the interpreter, and compile it as a part where a kernel calls it."""
    return register_jitable(**PART)(function)  # type: ignore[no-any-return]


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


def _cached(function: F, options: dict[str, Any]) -> F:
    dispatcher = numba.njit(**options)(function)
    if config.DISABLE_JIT:
        return function
    dispatcher.compile = _uncollected()(dispatcher.compile)
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = _cache_dir()
        dispatcher._cache = _ForgivingCache(function)
    except Exception as error:
        _tell_once("kernel cache cannot be made", error)
    finally:
        config.CACHE_DIR = before
    return dispatcher  # type: ignore[no-any-return]
