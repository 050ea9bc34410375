"""Progress of what takes longer than a second: a bar in a notebook, silence everywhere else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

#: Work that is done sooner shows nothing [s].
PATIENCE = 1.0

_log = logging.getLogger("waterbodem")


def track(things: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield things one by one, with a progress bar in a notebook once it takes longer than a second.

    Elsewhere nothing is shown; what took long is logged at level INFO.

    Parameters
    ----------
    things : iterable
    what : str
        What is being done, for the bar and the log.
    total : int, optional
        How many there are, where ``len`` does not tell.

    Examples
    --------
    >>> list(track([1, 2, 3], "tellen"))
    [1, 2, 3]
    """
    begun = time.monotonic()
    yield from _bar(things, what, total) if in_notebook() else things
    seconds = time.monotonic() - begun
    if seconds > PATIENCE:
        _log.info("%s: %.0f s", what, seconds)


def in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this; never imports it."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None and "ipykernel" in sys.modules else None
    return running is not None and hasattr(running, "kernel")


def _bar(things: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    """Return things with a bar, or as they are where tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return iter(things)
    bar: Any = tqdm(things, desc=what, total=total, delay=PATIENCE, leave=False)
    return iter(bar)
