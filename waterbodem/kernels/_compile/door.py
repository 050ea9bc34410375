"""Door to the insides of numba: kernels use them where they were tried, and are compiled plainly elsewhere."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numba

#: Versions of numba in whose insides kernels were tried: results, times, and the cache.
TRIED = ("0.68.",)


def _opened() -> tuple[ModuleType | None, str]:
    if not numba.__version__.startswith(TRIED):
        return None, f"numba {numba.__version__} was not tried"
    try:
        return import_module("waterbodem.kernels._compile.insides"), ""
    except (ImportError, AttributeError) as error:
        return None, f"numba {numba.__version__} hides a part that is used ({error})"


#: What leans on numba's insides, or None; and why not.
insides, reason = _opened()
