"""Harm at a certain step: layers of which a part does not read, functions that fail. Other processes import it too."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, fields

from waterbodem.layers.stack import LayerStack


@dataclass(frozen=True)
class Accident(LayerStack):
    """A stack of layers in which reading the rows from ``top`` down goes wrong, in some way."""

    top: float = 0.0
    how: str = ""
    seconds: float = 0.0

    def read(self, grid, names=None):
        time.sleep(self.seconds)
        if grid.top == self.top:
            happen(self.how)
        return super().read(grid, names)


def happen(how):
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise MemoryError("poison")


def with_accident(stack, **how):
    return Accident(**{f.name: getattr(stack, f.name) for f in fields(LayerStack)}, **how)


class Crash(Exception):
    """An error that no code expects."""


def crash_at(monkeypatch, module, name, call):
    """Let the n-th call of a function fail."""
    real, count = getattr(module, name), [0]

    def failing(*args, **kwargs):
        count[0] += 1
        if count[0] == call:
            raise Crash(name)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, failing)
