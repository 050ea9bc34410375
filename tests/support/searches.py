"""Flow directions by one search with six switches: as the library does it, as r.watershed does it, and what is between.

Both let water rise from the outlets; r.watershed drains a cell to the neighbour from which it is reached first, the
library down the steepest slope of the filled surface, as pyflwdir fills it. They differ in six rules only, so switching
them one by one tells for every cell that drains another way which rule does it.
Slow and obvious: a heap and eight neighbours.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Sides first, then corners; a corner lies beyond these two sides, by their place in the list.
NEIGHBOURS = ((1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, -1), (1, 1), (-1, -1))
SIDES = ((), (), (), (), (1, 3), (0, 2), (0, 3), (1, 2))
LEAVES, UNKNOWN = -1, -2
UNSEEN, OUTLET, REACHED, DONE = range(4)


@dataclass(frozen=True)
class Rules:
    """How a search is done; the default is pyflwdir's way.

    Attributes
    ----------
    outlets : bool array (rows, cols)
        Cells where water may leave; they are reached first, and drain inward if a lower neighbour reaches them.
    corners : bool
        A cell is not reached over a corner where a side that lies between is the steeper way down.
    oldest : bool
        Of equal heights the one that was reached first goes on; else that of the lowest row and column.
    own_height : bool
        Cells in a depression go on at their own height; else at that of the water over them.
    millimetres : bool
        Heights are rounded.
    steepest : bool
        A cell drains down the steepest slope of the water's surface, where it has one.
    """

    outlets: NDArray[np.bool_]
    corners: bool = False
    oldest: bool = False
    own_height: bool = False
    millimetres: bool = False
    steepest: bool = False


def beside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cells in a mask or next to it, over corners too."""
    wide = np.pad(mask, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def search(level: NDArray[np.float32], rules: Rules) -> NDArray[Any]:
    """Return the number of the cell that every cell drains to (rows, cols); LEAVES or UNKNOWN where there is none."""
    known = np.isfinite(level)
    height = np.where(known, level, 0).astype(float)
    if rules.millimetres:
        height = np.sign(height) * np.floor(np.abs(height) * 1000 + 0.5)
    done = _Search(height.tolist(), known.tolist(), rules)
    found = done.down(np.flatnonzero(rules.outlets & known).tolist())
    return done.steepened(found) if rules.steepest else found


class _Search:
    def __init__(self, height: list[list[float]], known: list[list[bool]], rules: Rules) -> None:
        self.height, self.known, self.rules = height, known, rules
        self.rows, self.cols = len(height), len(height[0])
        self.state = [[UNSEEN] * self.cols for _ in height]
        self.found = [[UNKNOWN] * self.cols for _ in height]
        self.heap: list[tuple[Any, ...]] = []
        self.count = 0
        self.order: list[tuple[int, int]] = []

    def down(self, outlets: Sequence[int]) -> NDArray[Any]:
        for r, c in (divmod(cell, self.cols) for cell in outlets):
            self.add(self.height[r][c], 1, r, c)
            self.state[r][c], self.found[r][c] = OUTLET, LEAVES
        while self.heap:
            water, *_, r, c = heapq.heappop(self.heap)
            self.state[r][c] = DONE
            self.order.append((r, c))
            self.reach_from(r, c, water)
        return np.array(self.found)

    def steepened(self, found: NDArray[Any]) -> NDArray[Any]:
        """Return directions down the steepest slope; a tie stays with the cell that was found."""
        surface = [list(row) for row in self.height]
        for r, c in self.order:
            if found[r, c] >= 0:
                u, v = divmod(int(found[r, c]), self.cols)
                surface[r][c] = max(surface[r][c], surface[u][v])
        turned = found.copy()
        for r, c in self.order:
            if found[r, c] < 0:
                continue
            slopes = []
            for dr, dc in NEIGHBOURS:
                u, v = r + dr, c + dc
                if 0 <= u < self.rows and 0 <= v < self.cols and self.known[u][v]:
                    slope = (surface[r][c] - surface[u][v]) / math.hypot(dr, dc)
                    slopes.append((slope, u * self.cols + v == found[r, c], -(u * self.cols + v)))
            slope, _, cell = max(slopes)
            turned[r, c] = -cell if slope > 0 else found[r, c]
        return turned

    def add(self, water: float, outlet: int, r: int, c: int) -> None:
        rank = (self.count,) if self.rules.oldest else (outlet, r, c)
        heapq.heappush(self.heap, (water, *rank, r, c))
        self.count += 1

    def reach_from(self, r: int, c: int, water: float) -> None:
        rise: list[float] = [-1.0] * len(NEIGHBOURS)
        for k, (dr, dc) in enumerate(NEIGHBOURS):
            u, v = r + dr, c + dc
            if not (0 <= u < self.rows and 0 <= v < self.cols) or not self.known[u][v] or self.state[u][v] == DONE:
                continue
            rise[k] = max(self.height[u][v] - self.height[r][c], 0.0)
            if self.state[u][v] == REACHED or (self.rules.corners and self.cuts_corner(k, rise)):
                continue
            self.found[u][v] = r * self.cols + c
            if self.state[u][v] == UNSEEN:
                self.add(self.level_of(self.height[u][v], water), 0, u, v)
            self.state[u][v] = REACHED

    @staticmethod
    def cuts_corner(k: int, rise: list[float]) -> bool:
        """Tell whether a side is the steeper way down from the cell at a corner."""
        return rise[k] > 0 and any(
            rise[side] >= 0 and rise[k] / math.sqrt(2) < rise[k] - rise[side] for side in SIDES[k]
        )

    def level_of(self, height: float, water: float) -> float:
        """Return the height at which a cell goes on; filled in float32, as pyflwdir does it."""
        if self.rules.own_height or water <= height:
            return height
        return float(np.float32(height) + (np.float32(water) - np.float32(height)))


def causes(
    level: NDArray[np.float32], ours: Rules, theirs: Rules, steps: Sequence[str]
) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    """Switch from our rules to theirs in some order.

    Returns
    -------
    list of int array, int array
        The directions after each switch, ours first; and per cell the number of the switch from which on it drains as
        after the last: 0 = already before the first.
    """
    rules = [ours]
    for name in steps:
        rules.append(replace(rules[-1], **{name: getattr(theirs, name)}))
    found = [search(level, r) for r in rules]
    since = np.zeros(level.shape, int)
    for number, directions in enumerate(found[:-1], start=1):
        since[directions != found[-1]] = number
    return found, since
