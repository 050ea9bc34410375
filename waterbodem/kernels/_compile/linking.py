"""Kernels and their parts as libraries of code: what is called is optimised once, and becomes machine code once.

Numba optimises a part, makes machine code of it that nobody calls, and does both again in all that the part is linked
into. Here a part has no machine code of its own, and a stage, which works on a block of cells and is called rather than
inlined, is linked when its caller is optimised already. Results do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
from llvmlite import binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder

#: Versions of numba whose insides this is written for; in another, parts are compiled in its own way.
TRIED = ("0.68.",)

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

    return {"pipeline_class": Compiler} if numba.__version__.startswith(TRIED) else {}


KERNEL, PART, STAGE = map(_compiler, (_Kernel, _Part, _Stage))
