"""Insides of numba that kernels lean on, in versions where that was tried: nowhere else is a private part of it named.

*Libraries of code.* Numba optimises a part, makes machine code of it that nobody calls, and does both again in all that
the part is linked into. Here a part has no machine code of its own, and a stage, which works on a block of cells and is
called rather than inlined, is linked when its caller is optimised already.

*Cache.* A kernel cache can be missing, read-only, broken or shared without harm: it costs a compilation, never a
result. The folder is keyed by numba's version and the source of all kernels, because numba itself does not notice an
edited helper, which may stand in another module.

*Arrays* at an address, without the seven numbers that each is at every call.

Results depend on none of these.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils as cgutils
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.runtime.nrt import rtsys
from platformdirs import user_cache_dir

from waterbodem.core.version import modules_version

F = TypeVar("F", bound=Callable[..., Any])

#: What numba's own types do not tell.
_njit: Any = numba.njit
_settings: Any = numba.config

# --- libraries --------------------------------------------------------------------------------------------------------

#: Use registers of 512 bits in full: LLVM takes half of each, out of care for the clocks of early processors.
#: Where there are none, this says nothing. No sum over cells is made in another order.
WIDE = '"prefer-vector-width"="512"'


class _Kernel(JITCodeLibrary):
    """Code that the interpreter calls."""

    def finalize(self) -> None:
        """Link and optimise; stages come last."""
        self._raise_if_finalized()
        self._codegen._check_llvm_bugs()
        libraries = dict.fromkeys(self._linking_libraries)
        self._link(other for other in libraries if not isinstance(other, _Stage))
        self._optimize_final_module()
        self._link(other for other in libraries if isinstance(other, _Stage))
        self._close()

    def _link(self, libraries: Iterable[Any]) -> None:
        for other in libraries:
            self._reload_init.update(other._reload_init)
            self._final_module.link_in(other._get_module_for_linking(), preserve=True)

    def _close(self) -> None:
        """Leave out arguments that no stage looks at, five of seven for an array: that makes up for the calls."""
        for function in self._final_module.functions:
            if function.linkage == llvm.Linkage.linkonce_odr and not function.is_declaration:
                function.linkage = "internal"
        passes = llvm.create_new_module_pass_manager()
        passes.add_dead_arg_elimination_pass()
        passes.run(self._final_module, self._codegen._pass_builder())
        self._final_module.verify()
        self._finalize_final_module()


class _Part(_Kernel):
    """Code that only other code calls, and takes in."""

    def _close(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return nothing: there is no machine code."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """Where numba tells what the machine code is about."""
        return _Unheard


class _Unheard:
    @staticmethod
    def set_env(_name: str, _environment: Any) -> None:
        """Do nothing: an environment is for code that the interpreter calls."""


class _Stage(_Part):
    """A part that is called."""

    def add_ir_module(self, ir_module: Any) -> None:
        """Take code in, to be made for the widest registers."""
        for function in ir_module.functions:
            if not function.is_declaration:
                set.add(function.attributes, WIDE)  # one that llvmlite has no name for
        super().add_ir_module(ir_module)


def _compiler(kind: type[_Kernel]) -> dict[str, Any]:
    """Return the option that makes numba put a function into a library of a kind."""

    class Compiler(CompilerBase):
        def define_pipelines(self) -> list[Any]:
            state = self.state
            state.library = kind(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
            return [DefaultPassBuilder.define_nopython_pipeline(state)]

    return {"pipeline_class": Compiler}


#: Options of all kernels; C has no use for them.
_ALL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
#: No reference counts, where nothing is allocated.
_LEAN = {**_ALL, "_nrt": False}
#: Nothing for the interpreter either, where only compiled code calls. Both make compiling several times shorter.
_INNER = {**_LEAN, "no_cpython_wrapper": True}
JIT, KERNEL = ({**options, **_compiler(_Kernel)} for options in (_ALL, _LEAN))
PART, STAGE = ({**_INNER, **_compiler(kind)} for kind in (_Part, _Stage))


# --- cache ------------------------------------------------------------------------------------------------------------

_log = logging.getLogger("waterbodem")
_told: set[str] = set()


def _tell_once(what: str, error: BaseException) -> None:
    if what not in _told:
        _told.add(what)
        _log.warning("%s (%s: %s); kernels are compiled anew", what, type(error).__name__, error)


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
            rtsys.initialize(target_context)  # numba's own way loads all it can translate, and SciPy, before it looks
            return self._load_overload(sig, target_context)
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
    before = _settings.CACHE_DIR
    try:
        _settings.CACHE_DIR = _cache_dir()
        dispatcher._cache = ForgivingCache(function)
    except Exception as error:
        _tell_once("kernel cache cannot be made", error)
    finally:
        _settings.CACHE_DIR = before


# --- compiling -------------------------------------------------------------------------------------------------------


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


def compiled(function: F, options: dict[str, Any]) -> F:
    """Kernel with these options, and a cache."""
    dispatcher: Any = _njit(**options)(function)
    dispatcher.compile = _uncollected()(dispatcher.compile)
    keep(dispatcher, function)
    made: F = dispatcher
    return made


def is_compiled(kernel: Any) -> bool:
    """Tell whether a kernel was compiled before, here or in another process; without a cache that is not known."""
    kept = getattr(kernel, "_cache", None)
    return not isinstance(kept, ForgivingCache) or bool(kernel.signatures) or not kept.empty()


# --- arrays ----------------------------------------------------------------------------------------------------------


def cells_at(_context: Any, _place: Any, _first: Any, _count: Any) -> Any:
    """Return ``count`` cells, from ``first`` on, of the array at a place: spelled out by :mod:`records`."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        from numba.np.arrayobj import make_array, populate_array

        start = builder.inttoptr(args[0], ir.FloatType().as_pointer())
        size = context.get_constant(types.intp, np.dtype(np.float32).itemsize)
        cells = make_array(sig.return_type)(context, builder)
        populate_array(cells, builder.gep(start, [args[1]]), [args[2]], [size], size, None)
        return cells._getvalue()

    return types.Array(types.float32, 1, "C")(types.int64, types.int64, types.int64), build
