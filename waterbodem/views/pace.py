"""How a long run tells how far it is: words with rate and time left, or a bar in a notebook."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from waterbodem.core.progress import in_notebook
from waterbodem.definitions.labels import decimal

#: Called with a phase, how much is done, and of how much: cells while computing, files or blocks afterwards.
Progress = Callable[[str, int, int], None]

COMPUTING = "rekenen"
#: Seconds between two lines of a log.
LINE = 60.0

_log = logging.getLogger("waterbodem")


def default_progress() -> Progress:
    """Return a bar in a notebook, else a line a minute in the log ``waterbodem`` (level INFO)."""
    return Bar() if in_notebook() and _tqdm() is not None else Pace(_log.info)


def by_cells(tell: Progress, shape: tuple[int, int], part_rows: int, skipped: int) -> Progress:
    """Return a callback that hears of parts and tells of cells.

    Parameters
    ----------
    tell : callable
    shape : (int, int)
        Rows and columns of the grid.
    part_rows : int
    skipped : int
        Parts that were there already; the callback hears of the others only.
    """
    rows, cols = shape

    def told(phase: str, done: int, total: int) -> None:
        if phase == COMPUTING:
            done, total = min((skipped + done) * part_rows, rows) * cols, rows * cols
        tell(phase, done, total)

    told(COMPUTING, 0, 0)
    return told


class Pace:
    """Words for progress: how far, how fast, how long still.

    Parameters
    ----------
    tell : callable
        Takes a line of Dutch.
    every : float
        Seconds between two lines; the first and last of a phase are always told.

    Examples
    --------
    >>> pace = Pace(print)
    >>> pace("kaarten", 1, 3); pace("kaarten", 2, 3); pace("kaarten", 3, 3)
    kaarten: 1 van 3
    kaarten: 3 van 3
    """

    def __init__(self, tell: Callable[[str], Any], every: float = LINE) -> None:
        self._tell, self._every = tell, every
        self._phase, self._begun, self._told, self._first = "", 0.0, 0.0, 0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Tell how far a phase is."""
        now, fresh = time.monotonic(), phase != self._phase
        if fresh:
            self._phase, self._begun, self._first = phase, now, done
        if fresh or done == total or now - self._told >= self._every:
            self._told = now
            self._tell(f"{phase}: {_amount(phase, done, total)}{self._rest(now, done, total)}")

    def _rest(self, now: float, done: int, total: int) -> str:
        """Return rate and time left, as far as something is done since the phase began."""
        elapsed, made = now - self._begun, done - self._first
        if made <= 0 or elapsed <= 0:
            return ""
        rate = f", {cells_per_second(made / elapsed)}" if self._phase == COMPUTING else ""
        left = f", nog {duration(elapsed / made * (total - done))}" if done < total else ""
        return rate + left


def _amount(phase: str, done: int, total: int) -> str:
    return f"{count(done, total)} van {count(total, total)} cellen" if phase == COMPUTING else f"{done} van {total}"


def count(number: float, scale: float) -> str:
    """Return a number, in millions where the scale of what it belongs to asks for that.

    Examples
    --------
    >>> count(32_399, 32_399), count(5e6, 2e8)
    ('32.399', '5 miljoen')
    """
    if scale < 1e5:
        return decimal(number, 0)
    return f"{decimal(number / 1e6, 1 if scale < 1e8 else 0)} miljoen"


def cells_per_second(rate: float) -> str:
    """Return a rate in words.

    Examples
    --------
    >>> cells_per_second(12_340_000), cells_per_second(800)
    ('12,3 miljoen cellen/s', '800 cellen/s')
    """
    return f"{count(rate, rate)} cellen/s"


def duration(seconds: float) -> str:
    """Return a time span as a person says it.

    Examples
    --------
    >>> duration(7.2), duration(150), duration(7000)
    ('7 s', '2 min 30 s', '1 u 56 min')
    """
    whole = round(seconds)
    minutes = whole // 60
    if minutes >= 60:
        return f"{minutes // 60} u {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


class Bar:
    """A progress bar per phase, as notebooks show it."""

    def __init__(self) -> None:
        self._phase, self._bar = "", None

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Move the bar of a phase."""
        if phase != self._phase:
            self._close()
            unit = "cel" if phase == COMPUTING else ""
            self._phase, self._bar = phase, _tqdm()(total=total, initial=done, desc=phase, unit=unit, unit_scale=True)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        if done == total:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _tqdm() -> Any:
    """Return the bar of tqdm that suits this notebook; None where it is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
