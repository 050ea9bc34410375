"""Being asked to stop: Ctrl-C, the end of a terminal, of a queue, or of the machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # the last one is not there on Windows


class Interruption:
    """Whether a program was asked to stop; it stops at once, but while something is held only when asked again.

    Examples
    --------
    >>> asked = Interruption()
    >>> try:
    ...     with asked.held():
    ...         asked(15, None)
    ...         print("whole")
    ... except KeyboardInterrupt:
    ...     print("stopped")
    whole
    stopped
    """

    def __init__(self) -> None:
        self.asked, self._held = False, False

    def __call__(self, number: int, frame: Any) -> None:
        """Take a signal."""
        again, self.asked = self.asked, True
        if again or not self._held:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do something whole first, which would not come through being stopped half-way."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def signals_taken_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Let something take the signals that ask to stop; those that who started the program ignores stay so (nohup)."""
    numbers = [getattr(signal, n) for n in _NAMES if hasattr(signal, n)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {n: signal.getsignal(n) for n in numbers}
    ours = {n: h for n, h in before.items() if h not in (signal.SIG_IGN, None)}
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)
