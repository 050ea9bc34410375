"""A kernel cache that can be missing, read-only, broken or shared without harm.

The folder is keyed by numba's version and the source of all kernels, because numba itself does not notice an edited
helper, which may stand in another module; a cache that cannot be used costs a compilation, never a result.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime.nrt import rtsys
from platformdirs import user_cache_dir

from waterbodem.core.version import modules_version
from waterbodem.kernels._compile.linking import TRIED

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


class _Files(IndexDataCacheFile):
    """A file for every compiled form of a function, named after all that it depends on.

    Numba keeps an index and numbers the files: of two processes that write at once, one could be given the code that
    the other compiled for other types.
    """

    def save(self, key: Any, data: Any) -> None:
        self._save_data(self._name_of(key), data)

    def load(self, key: Any) -> Any:
        try:
            return self._load_data(self._name_of(key))
        except FileNotFoundError:
            return None

    def flush(self) -> None:
        for path in self.saved():
            path.unlink(missing_ok=True)

    def saved(self) -> Iterable[Path]:
        """Yield the files of all forms."""
        return Path(self._cache_path).glob(self._data_name_pattern.replace("{number:d}", "*"))

    def _name_of(self, key: Any) -> str:
        text = repr((self._version, self._source_stamp, key))
        return str(self._data_name(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")))


class ForgivingCache(FunctionCache):
    """A numba cache whose faults cost time only."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        index = self._cache_file
        base = index._index_name.removesuffix(".nbi")
        self._cache_file = _Files(index._cache_path, base, index._source_stamp)

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

    def empty(self) -> bool:
        """Tell whether the function was not compiled before, for whatever types."""
        return next(iter(self._cache_file.saved()), None) is None


@cache
def _cache_dir() -> str:
    stated = os.environ.get("NUMBA_CACHE_DIR")
    if stated:
        return stated
    content = modules_version("waterbodem.kernels", numba.__version__)
    return str(Path(user_cache_dir("waterbodem", appauthor=False)) / "kernels" / content)


def keep(dispatcher: Any, function: Any) -> None:
    """Give a dispatcher a cache, if there can be one."""
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = _cache_dir()
        dispatcher._cache = ForgivingCache(function)
    except Exception as error:
        _tell_once("kernel cache cannot be made", error)
    finally:
        config.CACHE_DIR = before
