"""Layers that do harm when a certain part is read; a module of its own, so that other processes can import it."""

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
