"""Who drains to whom, as a value; routing and exposure over it (rekenregels section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import ArgumentError, Circular
from waterbodem.definitions.receiving import reception_rules
from waterbodem.kernels import routing as kernel

Doubles = NDArray[np.float64]
Ints = NDArray[Any]

LEAVES, NO_PART, STAYS = kernel.LEAVES, kernel.NO_PART, kernel.STAYS
#: Indices of this many cells fit in four bytes.
SMALL = 2**31 - 1


@dataclass(frozen=True)
class Routed:
    """What became of released water, per cell of a network [m3].

    Attributes
    ----------
    source : float64 array (n,)
        E, released here; NaN counted as 0.
    received : float64 array (n,)
        R, entered from elsewhere and stays; in open water its own too.
    passing : float64 array (n,)
        P, entered and goes on; own water is not in it.
    leaving : float64 array (n,)
        P + E where there is no downstream cell. ``received.sum() + leaving.sum() == source.sum()``, to 1e-9.
    """

    source: Doubles
    received: Doubles
    passing: Doubles
    leaving: Doubles

    @property
    def imbalance(self) -> float:
        """Sum of received and leaving against the sum released, relative; 0 without a source."""
        total = float(self.source.sum())
        found = float(self.received.sum()) + float(self.leaving.sum())
        return abs(found - total) / abs(total) if total else abs(found)


@dataclass(frozen=True)
class Network:
    """Cells that drain to at most one other cell.

    Parameters
    ----------
    downstream : int32 or int64 array (n,)
        Number of the next cell; LEAVES = the water leaves the data, NO_PART = the cell takes no part, STAYS = it is
        open water, where the way of all water ends.
    step : uint8 array (n,)
        Row of ``lengths`` that is the distance to the next cell.
    lengths : tuple of float
        Distances [m].

    Examples
    --------
    >>> chain = Network(np.array([1, 2, -1]), np.array([1, 1, 0], np.uint8), (0.0, 25.0))
    >>> chain.order.tolist()
    [2, 1, 0]
    >>> chain.route(np.array([100.0, 0, 0]), damping=50).received.round(2).tolist()
    [0.0, 39.35, 23.87]
    """

    downstream: Ints
    step: NDArray[np.uint8]
    lengths: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.downstream.size)

    @property
    def is_open_water(self) -> NDArray[np.bool_]:
        """Whether a cell is open water (n,)."""
        return np.asarray(self.downstream == STAYS)

    @property
    def distance(self) -> NDArray[np.float32]:
        """Distance to the next cell (n,) [m]; 0 where there is none."""
        return np.array(self.lengths, np.float32)[self.step]

    @cached_property
    def order(self) -> Ints:
        """Cells that take part, from down- to upstream.

        Raises
        ------
        LayerError
            If directions run in a circle, with the first cell of it.
        """
        order = np.empty(self.size, self.downstream.dtype)
        waiting = np.zeros(self.size, np.uint8)
        count = kernel.order_cells(self.downstream, order, waiting)
        circle = np.flatnonzero(waiting)
        if circle.size:
            raise Circular(int(circle[0]), int(circle.size))
        return order[self.size - count :]

    def keep(self, damping: float | None = None) -> Doubles:
        """Return per step class the share of the water that goes on, ``exp(-distance / L)``.

        Parameters
        ----------
        damping : float, optional
            L [m], default 2000; infinite = everything goes on.
        """
        length = reception_rules().value("demping_m") if damping is None else float(damping)
        if not length > 0:
            raise ArgumentError("damping length must be positive", value=damping, allowed="> 0 m", where="demping_m")
        return np.exp(-np.array(self.lengths, dtype=np.float64) / length)

    def route(self, source: Any, damping: float | None = None) -> Routed:
        """Route released water downstream.

        Parameters
        ----------
        source : array (n,)
            E [m3], not negative; NaN = unknown, counts as 0. On a cell that takes no part it leaves the data.
        damping : float, optional
            L [m].

        Returns
        -------
        Routed
        """
        released = np.nan_to_num(np.asarray(source, dtype=np.float64).reshape(-1), nan=0.0)
        received, passing = np.zeros(self.size), np.zeros(self.size)
        kernel.route(self.downstream, self.step, self.order, self.keep(damping), released, received, passing)
        leaving = np.where((self.downstream == LEAVES) | (self.downstream == NO_PART), passing + released, 0.0)
        return Routed(released, received, passing, leaving)

    def expose(self, value: Any, damping: float | None = None, beyond: float = 0.0) -> Doubles:
        """Return what a cubic metre released in a cell counts for where it stays (n,).

        With the coverage of a receiver as ``value`` this is the share of the water that stays there: the adjoint of
        :meth:`route`, ``sum(E * found) == sum(R * value) + beyond * sum(leaving)``.

        Parameters
        ----------
        value : array (n,)
            NaN = unknown, counts as 0.
        damping : float, optional
            L [m].
        beyond : float
            What water that leaves the data counts for.
        """
        exposure = np.full(self.size, beyond)
        flat = np.ascontiguousarray(value).reshape(-1)
        kernel.expose(self.downstream, self.step, self.order, self.keep(damping), flat, beyond, exposure)
        return exposure

    def strand(self, starts: Sequence[int] | Ints) -> NetworkPart:
        """Return the part of the network that water from ``starts`` comes through."""
        begin = np.unique(np.asarray(starts, dtype=np.int64))
        cells = self._follow(begin, min(self.size, 4 * begin.size + 100_000))
        return NetworkPart(cells, Network(self._local(cells), self.step[cells], self.lengths))

    def _follow(self, begin: Ints, room: int) -> Ints:
        reached = np.empty(room, np.int64)
        count = kernel.follow(self.downstream, begin, np.zeros(self.size, np.bool_), reached)
        return np.sort(reached[:count]) if count <= room else self._follow(begin, count)

    def _local(self, cells: Ints) -> Ints:
        after = self.downstream[cells]
        return np.where(after >= 0, np.searchsorted(cells, after), after).astype(np.int64)


@dataclass(frozen=True)
class NetworkPart:
    """Part of a network: ``cells`` (m,) are the numbers in the whole, ascending; ``network`` counts from 0."""

    cells: Ints
    network: Network
