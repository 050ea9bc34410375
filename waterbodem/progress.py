"""Progress of what takes longer than a second: a bar in a notebook, silence everywhere else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: Work that is done sooner shows nothing [s].
PATIENCE = 1.0

_log = logging.getLogger("waterbodem")


def track(things: Sequence[T], what: str) -> Iterator[T]:
    """Yield things one by one, with a progress bar in a notebook once it takes longer than a second.

    Elsewhere nothing is shown; what took long is logged at level INFO.

    Parameters
    ----------
    things : sequence
    what : str
        What is being done, for the bar and the log.

    Examples
    --------
    >>> list(track([1, 2, 3], "tellen"))
    [1, 2, 3]
    """
    begun = time.monotonic()
    yield from _bar(things, what) if in_notebook() and len(things) > 1 else things
    seconds = time.monotonic() - begun
    if seconds > PATIENCE:
        _log.info("%s: %d in %.1f s", what, len(things), seconds)


def in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this; never imports it."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None and "ipykernel" in sys.modules else None
    return running is not None and hasattr(running, "kernel")


def _bar(things: Sequence[T], what: str) -> Iterator[T]:
    """Return things with a bar, or as they are where tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return iter(things)
    bar: Any = tqdm(things, desc=what, delay=PATIENCE, leave=False)
    return iter(bar)
