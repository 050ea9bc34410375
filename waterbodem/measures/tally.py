"""Exact sums over groups of cells, of which those of packages are made: they do not depend on any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from waterbodem.engine.layer_set import Floats
from waterbodem.kernels import zonal

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Cells in G groups, one group after another.

    Parameters
    ----------
    start : int64 array (G + 1,)
        First cell of every group.
    cover : int64 array (N,)
        Coverage fraction in units of 1 / COVERAGE_ONE.
    """

    start: Ints
    cover: Ints

    @property
    def count(self) -> int:
        """How many groups there are."""
        return self.start.size - 1

    @cached_property
    def covered(self) -> Ints:
        """Coverage of every group."""
        return np.add.reduceat(self.cover, self.start[:-1]) if self.cover.size else np.zeros(self.count, np.int64)

    @cached_property
    def _bands(self) -> zonal.Bands:
        none, cells = np.zeros(self.count + 1, np.int64), np.arange(self.cover.size)
        return zonal.Bands(
            np.array([0, self.count]),
            np.arange(self.count),
            self.start,
            none,
            cells.astype(np.uint32),
            self.cover.astype(np.int32),
            none[:0],
            none[:0],
        )

    def sums(self, rows: Sequence[Floats]) -> Ints:
        """Return sums of coverage * value (rows, 3, G), as :func:`waterbodem.engine.sums.mean_of` takes them."""
        found = np.zeros((len(rows), 3, self.count), np.int64)
        for row, out in zip(rows, found, strict=True):
            zonal.add_row(self._bands, 0, 0, np.ascontiguousarray(row.reshape(-1)), out)
        return found

    def classes(self, codes: NDArray[np.uint8], count: int) -> Ints:
        """Return the coverage of every group per code (G, count)."""
        found = np.zeros((self.count, count), np.int64)
        zonal.add_codes(self._bands, 0, 0, np.ascontiguousarray(codes.reshape(-1)), found)
        return found

    def causes(self, risico: Floats, oorzaak: NDArray[np.uint8], count: int) -> Ints:
        """Return coverage * risico of every group per cause (G, count), in units of their own."""
        found, flat = np.zeros((self.count, count), np.int64), np.ascontiguousarray(risico.reshape(-1))
        zonal.add_by_code(
            self._bands, 0, 0, flat, np.ascontiguousarray(oorzaak.reshape(-1)), found, np.empty_like(flat)
        )
        return found


def signatures(acts: NDArray[np.bool_]) -> Ints:
    """Return a number per row, the same where rows (N, M) are.

    Examples
    --------
    >>> signatures(np.array([[True, False, True], [True, True, True], [True, False, True]])).tolist()
    [0, 1, 0]
    """
    found = np.zeros(len(acts), np.int64)
    for column in acts.T:
        if column.any() and not column.all():
            found = np.unique(2 * found + column, return_inverse=True)[1].reshape(-1)
    return found.astype(np.int64)


def groups_of(numbers: Ints, cover: Ints) -> tuple[NDArray[np.int64], Groups]:
    """Return the order in which cells of one signature lie together, and the groups.

    ``cover`` is in the order of the cells.
    """
    order = np.argsort(numbers, kind="stable")
    first = np.unique(numbers[order], return_index=True)[1]
    return order, Groups(np.append(first, numbers.size).astype(np.int64), cover[order])
