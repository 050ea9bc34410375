"""Exact sums of one functie over polygons; sums of parts of a raster add up to the sum of the whole, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem import registry
from waterbodem.covering import Footprints
from waterbodem.errors import NoOverlap
from waterbodem.evaluation import Result
from waterbodem.kernels import zonal

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
CLASSES = ("klasse", "klasse_min", "klasse_max")
SCORE = "score"


@dataclass(frozen=True)
class Runs:
    """Cells of P polygons in a block, as runs (rows of a table): polygon, first cell, length, coverage.

    Parameters
    ----------
    table : int64 array (4, R)
        Polygon by polygon; a run lies in one row of cells.
    prints : Footprints
        What they are made of.
    """

    table: Integers
    prints: Footprints

    @property
    def count(self) -> int:
        """How many polygons there are."""
        return len(self.prints.start) - 1

    @cached_property
    def first(self) -> Integers:
        """First run of every polygon (P + 1,)."""
        return np.searchsorted(self.table[0], np.arange(self.count + 1)).astype(np.int64)

    def bands(self, rows: int) -> list[Integers]:
        """Return the runs of every band of so many rows of the block."""
        band = self.table[1] // (rows * max(1, self.prints.grid.cols))
        order = np.argsort(band, kind="stable")
        edges = np.searchsorted(band[order], np.arange(-(-self.prints.grid.rows // rows) + 1))
        return [np.ascontiguousarray(self.table[:, order[a:b]]) for a, b in pairwise(edges)]


def runs_of(prints: Footprints) -> Runs:
    """Return the runs of footprints."""
    table = np.empty((4, len(prints.cell)), np.int64)
    used = zonal.find_runs(prints.start, prints.cell, prints.cover, max(1, prints.grid.cols), table)
    return Runs(table[:, :used].copy(), prints)


@dataclass(frozen=True)
class Sums:
    """Sums over P polygons, as integers.

    Parameters
    ----------
    measures : tuple of str
        Names of the M measures.
    sums : int64 array (M, 3, P)
        High and low part of coverage * value, and the coverage where the value is known.
    classes : int64 array (3, P, C)
        Coverage per class code, of ``CLASSES``.
    causes : int64 array (P, 11)
        Coverage * risico per oorzaak.
    inside : int64 array (P,)
        Coverage by cells of the data.
    """

    measures: tuple[str, ...]
    sums: Integers
    classes: Integers
    causes: Integers
    inside: Integers


@dataclass(frozen=True)
class Tally(Sums):
    """Sums over the polygons of one block, and how often each score occurs there.

    Parameters
    ----------
    polygons : int64 array (P,)
        Which polygons these are, ascending.
    start : int64 array (P + 1,)
        Where the bins of a polygon start.
    value, weight : uint16 and int64 arrays (B,)
        Score in units of 1e-4, ascending per polygon, and coverage.
    """

    polygons: Integers
    start: Integers
    value: NDArray[np.uint16]
    weight: Integers


@dataclass(frozen=True)
class Totals(Sums):
    """Sums over polygons as a whole, and quantiles of the score.

    Parameters
    ----------
    quantiles : float64 array (P, Q)
        The smallest score up to which the cells hold at least a share; NaN without a score.
    """

    quantiles: Doubles

    def mean(self, measure: str) -> tuple[Doubles, Doubles]:
        """Return per polygon the mean over the known cells (NaN: none), and how many cells those are."""
        return _mean(self.sums[self.measures.index(measure)])

    def class_cells(self, name: str) -> Doubles:
        """Return the covered cells per polygon and class code (P, C)."""
        return np.asarray(self.classes[CLASSES.index(name)] / zonal.COVERAGE_ONE, np.float64)

    @property
    def cells(self) -> Doubles:
        """Covered cells per polygon."""
        return np.asarray(self.inside / zonal.COVERAGE_ONE, np.float64)


def _mean(sums: Integers) -> tuple[Doubles, Doubles]:
    """Return mean and known cells; one sum has one bit pattern, however it was split on the way."""
    high, low, known = sums
    high = high + (low >> zonal.SPLIT)
    low = low & ((1 << zonal.SPLIT) - 1)
    total = high.astype(np.float64) * float(1 << zonal.SPLIT) + low
    return ratio(total / zonal.VALUE_ONE, known), np.asarray(known / zonal.COVERAGE_ONE, np.float64)


def mean(values: Array, prints: Footprints) -> tuple[Doubles, Doubles]:
    """Return per polygon the coverage-weighted mean of cells where known, and how many cells those are."""
    sums = np.zeros((3, len(prints.start) - 1), np.int64)
    flat = _flat(values)
    zonal.add_rows(runs_of(prints).table, 0, flat[None], sums[None])
    return _mean(sums)


def ratio(total: Array, weight: Array) -> Doubles:
    """Return total / weight, NaN where the weight is 0."""
    out = np.full(total.shape, np.nan)
    np.divide(total, weight, out=out, where=weight > 0)
    return out


class Tallying:
    """Sums in the making, over the polygons of one block: band by band, then the bins of the whole.

    Parameters
    ----------
    runs : Runs
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._names: tuple[str, ...] = ()
        self._sums = np.zeros((0, 3, runs.count), np.int64)
        codes, causes = len(registry.answer_scale()), len(registry.burden_rules().components) + 1
        self._classes = np.zeros((len(CLASSES), runs.count, codes), np.int64)
        self._causes = np.zeros((runs.count, causes), np.int64)

    def add(self, runs: Integers, origin: int, result: Result, names: tuple[str, ...], rows: Array) -> None:
        """Add a band of cells.

        Parameters
        ----------
        runs : int64 array (4, R)
            The runs in this band.
        origin : int
            First cell of the band in the block.
        result : Result
        names : tuple of str
        rows : float32 array (M, n)
            Measures, NaN = unknown.
        """
        if not self._names:
            self._names, self._sums = names, np.zeros((len(names), 3, self._runs.count), np.int64)
        zonal.add_rows(runs, origin, rows, self._sums)
        for total, name in zip(self._classes, CLASSES, strict=True):
            zonal.add_codes(runs, origin, result.scores[name].reshape(-1), total)
        risico, cause = _flat(result.burden.risico), result.burden.oorzaak.reshape(-1)
        zonal.add_by_code(runs, origin, risico, cause, self._causes)

    def close(self, score: Array, polygons: Integers | None = None) -> Tally:
        """Return the tally of the block.

        Parameters
        ----------
        score : float32 array
            Of the whole block, NaN where it does not count.
        polygons : int64 array, optional
            The numbers of the polygons, ascending; else 0, 1, ..
        """
        runs, prints = self._runs, self._runs.prints
        start = np.empty(runs.count + 1, np.int64)
        value, weight = np.empty(len(prints.cell), np.uint16), np.empty(len(prints.cell), np.int64)
        used = zonal.count_bins(runs.table, _flat(score), runs.first, start, value, weight)
        return Tally(
            self._names,
            self._sums,
            self._classes,
            self._causes,
            prints.inside,
            np.arange(runs.count) if polygons is None else polygons,
            start,
            value[:used].copy(),
            weight[:used].copy(),
        )


def tally_of(prints: Footprints, result: Result, names: tuple[str, ...], rows: Array) -> Tally:
    """Sum measures, classes and causes of one functie over the cells of polygons.

    Parameters
    ----------
    prints : Footprints
        On the block of cells that ``result`` and the measures lie on.
    names : tuple of str
        Of the measures; ``score`` (0 to 1) is also counted in bins.
    rows : float32 array (M, n)
        NaN = unknown.
    """
    runs = runs_of(prints)
    tallying = Tallying(runs)
    tallying.add(runs.table, 0, result, names, rows)
    return tallying.close(rows[names.index(SCORE)])


def _flat(values: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32).reshape(-1)


def totals_of(
    tallies: Iterable[Tally], count: int, shares: Sequence[float], margin: float, last: Integers | None = None
) -> Totals:
    """Add tallies of parts of a raster to one over all ``count`` polygons; the outcome does not depend on their order.

    Parameters
    ----------
    tallies : iterable of Tally
        Taken one at a time.
    count : int
    shares : sequence of float
        Of the quantiles of the score.
    margin : float
        In favour of "at least".
    last : int64 array (count,), optional
        The number of the tally that a polygon occurs in last, from 0; bins of polygons that are complete are dropped.

    Raises
    ------
    NoOverlap
        If there is none: no polygon touches the data.
    """
    found: Sums | None = None
    pending = _Pending(np.full((count, len(shares)), np.nan), np.array(shares) - margin)
    for number, t in enumerate(tallies):
        found = found or _nothing(t, count)
        found.sums[:, :, t.polygons] += t.sums
        found.classes[:, t.polygons] += t.classes
        found.causes[t.polygons] += t.causes
        found.inside[t.polygons] += t.inside
        pending.add(t)
        if last is not None:
            pending.settle(last <= number)
    if found is None:
        raise NoOverlap("polygons lie outside the data", where="gebieden")
    pending.settle(np.ones(count, np.bool_))
    return Totals(found.measures, found.sums, found.classes, found.causes, found.inside, pending.quantiles)


def _nothing(t: Tally, count: int) -> Sums:
    """Return sums of nothing over ``count`` polygons, in the form of a tally."""
    shapes = (*t.sums.shape[:2], count), (len(CLASSES), count, t.classes.shape[2]), (count, t.causes.shape[1])
    sums, classes, causes = (np.zeros(shape, np.int64) for shape in shapes)
    return Sums(t.measures, sums, classes, causes, np.zeros(count, np.int64))


class _Pending:
    """Bins of polygons that are not complete yet, in pieces, and quantiles of those that are."""

    def __init__(self, quantiles: Doubles, shares: Doubles) -> None:
        self.quantiles, self._shares = quantiles, shares
        nothing = np.empty(0, np.int64)
        self._pieces = (nothing, nothing, np.empty(0, np.uint16), nothing)

    def add(self, t: Tally) -> None:
        """Add the bins of a tally: number and length of every piece, values and weights."""
        new = (t.polygons, np.diff(t.start), t.value, t.weight)
        self._pieces = tuple(np.concatenate([a, b]) for a, b in zip(self._pieces, new, strict=True))  # type: ignore[assignment]

    def settle(self, done: NDArray[np.bool_]) -> None:
        """Find the quantiles of polygons that are complete and let go of their bins."""
        numbers, lengths, value, weight = self._pieces
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ready = np.flatnonzero(done[numbers])
        order = ready[np.argsort(numbers[ready], kind="stable")]
        zonal.find_quantiles(numbers, order, start, value, weight, self._shares, self.quantiles)
        left = ~done[numbers]
        rows = np.repeat(left, lengths)
        self._pieces = (numbers[left], lengths[left], value[rows], weight[rows])
