"""Compile a kernel with a cache that can be missing, read-only or broken without harm.

The cache folder is keyed by numba's version and the source of the kernel's module, because numba itself does not
notice an edited helper; a cache that cannot be used costs a compilation, never a result.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import config
from numba.core.caching import FunctionCache
from platformdirs import user_cache_dir

F = TypeVar("F", bound=Callable[..., Any])

_log = logging.getLogger("waterbodem")
_told: set[str] = set()


def _tell_once(what: str, error: BaseException) -> None:
    if what not in _told:
        _told.add(what)
        _log.warning("%s (%s: %s); kernels are compiled anew", what, type(error).__name__, error)


class _ForgivingCache(FunctionCache):  # type: ignore[misc]
    """A numba cache whose faults cost time only."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a truncated file fails in as many ways as it has bytes
            _tell_once("kernel cache is unreadable", error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _tell_once("kernel cache is not writable", error)


def _cache_dir(function: Callable[..., Any]) -> str:
    stated = os.environ.get("NUMBA_CACHE_DIR")
    if stated:
        return stated
    source = Path(function.__code__.co_filename).read_bytes()
    key = hashlib.sha256(numba.__version__.encode() + Path(__file__).read_bytes() + source).hexdigest()[:16]
    return str(Path(user_cache_dir("waterbodem", appauthor=False)) / "kernels" / key)


def jit(function: F) -> F:
    """Compile without the interpreter's lock; results never depend on the cache."""
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    if config.DISABLE_JIT:
        return function
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = _cache_dir(function)
        dispatcher._cache = _ForgivingCache(function)
    except Exception as error:
        _tell_once("kernel cache cannot be made", error)
    finally:
        config.CACHE_DIR = before
    return dispatcher  # type: ignore[no-any-return]
