"""Compilation that a first answer waits for, told in a line before it begins."""

from __future__ import annotations

import logging

from waterbodem.kernels import burden
from waterbodem.kernels._compile.cache import ForgivingCache

_log = logging.getLogger("waterbodem")


def tell() -> None:
    """Line in the log that tells what a first answer waits for, where no kernel is compiled yet."""
    kept = getattr(burden.shift_from, "_cache", None)
    if isinstance(kept, ForgivingCache) and kept.empty():
        _log.warning("kernels are compiled, once for this installation: that takes some 20 s")
