"""Compilation that a first answer waits for, and a compiler that kernels were not tried with: told in a line each."""

from __future__ import annotations

import logging
from functools import cache

from waterbodem.kernels import burden
from waterbodem.kernels._compile.door import insides, reason

_log = logging.getLogger("waterbodem")


@cache
def tell() -> None:
    """Line in the log, once, that tells what a first answer waits for; none where kernels are compiled already."""
    tell_untried()
    if insides and not insides.is_compiled(burden.shift_from):
        _log.warning("kernels are compiled, once for this installation: that takes some 20 s")


@cache
def tell_untried() -> None:
    """Line in the log, once, where kernels were not tried with this numba."""
    if reason:
        _log.warning("%s: kernels are compiled plainly, by every process anew; answers are the same", reason)
