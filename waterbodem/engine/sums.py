"""Exact sums of one functie over polygons; sums of parts of a raster add up to the sum of the whole, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import NoOverlap
from waterbodem.definitions import registry
from waterbodem.engine.coverage import Footprints
from waterbodem.kernels import zonal

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Pieces = tuple[Integers, Integers, NDArray[np.uint16], Integers]

#: Bins that are kept before the first look at which polygons are complete.
FEW_BINS = 2_000_000
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

    def cells_of(self, which: NDArray[np.bool_]) -> int:
        """Return how many cells some of the polygons touch."""
        return int(np.diff(self.prints.start)[which].sum())

    def bands(self, rows: int) -> zonal.Bands:
        """Return the runs in bands of so many rows of the block."""
        band = self.table[1] // (rows * max(1, self.prints.grid.cols))
        table = self.table[:, np.argsort(band, kind="stable")]
        group = np.sort(band) * self.count + table[0]
        single = table[2] == 1
        edges, spans = table[:, single], np.ascontiguousarray(table[:, ~single])
        groups, count = np.unique(group), -(-self.prints.grid.rows // rows)
        return zonal.Bands(
            np.searchsorted(groups, np.arange(count + 1) * self.count),
            groups % max(1, self.count),
            np.searchsorted(group[single], np.append(groups, np.iinfo(np.int64).max)),
            np.searchsorted(group[~single], np.append(groups, np.iinfo(np.int64).max)),
            edges[1].astype(np.uint32),
            edges[3].astype(np.int32),
            spans[1],
            spans[1] + spans[2],
        )


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
        Coverage * risico per oorzaak, in units that differ from those of ``sums``: for comparing only.
    uses : int64 array (P, R + 1)
        Coverage per functie that may lie there today; the first is of what is unknown.
    inside : int64 array (P,)
        Coverage by cells of the data.
    """

    measures: tuple[str, ...]
    sums: Integers
    classes: Integers
    causes: Integers
    uses: Integers
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
        Score in units of 1e-4, ascending per polygon, and coverage; of settled polygons there are none.
    quantiles : float64 array (P, Q)
        Of settled polygons; NaN elsewhere.
    """

    polygons: Integers
    start: Integers
    value: NDArray[np.uint16]
    weight: Integers
    quantiles: Doubles


@dataclass(frozen=True)
class SettledPolygons:
    """Which polygons of a block lie in it as a whole (P,), so that quantiles at some shares (Q,) can be taken there."""

    whole: NDArray[np.bool_]
    shares: Doubles


@dataclass(frozen=True)
class Totals(Sums):
    """Sums over polygons as a whole, and quantiles of the score.

    Parameters
    ----------
    quantiles : float64 array (P, Q)
        The smallest score up to which the cells hold at least a share; NaN without a score.
    """

    quantiles: Doubles

    def mean(self, measure: str, without: Integers | None = None) -> tuple[Doubles, Doubles]:
        """Return per polygon the mean over the known cells (NaN: none), and how many cells are known.

        ``without`` is coverage (P,) of cells in which the measure is 0 and that do not count for the mean.
        """
        return mean_of(self.sums[self.measures.index(measure)], without)

    def class_cells(self, name: str) -> Doubles:
        """Return the covered cells per polygon and class code (P, C)."""
        return np.asarray(self.classes[CLASSES.index(name)] / zonal.COVERAGE_ONE, np.float64)

    @property
    def use_cells(self) -> Doubles:
        """Covered cells per polygon and present use (P, R + 1), the first of what is unknown."""
        return np.asarray(self.uses / zonal.COVERAGE_ONE, np.float64)

    @property
    def cells(self) -> Doubles:
        """Covered cells per polygon."""
        return np.asarray(self.inside / zonal.COVERAGE_ONE, np.float64)


def mean_of(sums: Integers, without: Integers | None = None) -> tuple[Doubles, Doubles]:
    """Return mean and known cells; one sum has one bit pattern, however it was split on the way."""
    high, low, known = sums
    high = high + (low >> zonal.SPLIT)
    low = low & ((1 << zonal.SPLIT) - 1)
    total = high.astype(np.float64) * float(1 << zonal.SPLIT) + low
    counted = known if without is None else known - without
    return ratio(total / zonal.VALUE_ONE, counted), np.asarray(known / zonal.COVERAGE_ONE, np.float64)


def mean(values: Array, prints: Footprints) -> tuple[Doubles, Doubles]:
    """Return per polygon the coverage-weighted mean of cells where known, and how many cells those are."""
    sums = np.zeros((3, len(prints.start) - 1), np.int64)
    zonal.add_row(runs_of(prints).bands(max(1, prints.grid.rows)), 0, 0, _flat(values), sums)
    return mean_of(sums)


def ratio(total: Array, weight: Array) -> Doubles:
    """Return total / weight, NaN where the weight is 0."""
    out = np.full(total.shape, np.nan)
    np.divide(total, weight, out=out, where=weight > 0)
    return out


def no_sums(runs: Runs, measures: Sequence[str], references: int) -> Sums:
    """Return sums to be added to, over the polygons of a block, with so many functies that may lie there today."""
    codes, causes = len(registry.answer_scale()), len(registry.burden_rules().components) + 1
    return Sums(
        tuple(measures),
        np.zeros((len(measures), 3, runs.count), np.int64),
        np.zeros((len(CLASSES), runs.count, codes), np.int64),
        np.zeros((runs.count, causes), np.int64),
        np.zeros((runs.count, 1 + references), np.int64),
        runs.prints.inside,
    )


def with_bins(
    sums: Sums, runs: Runs, score: Array, polygons: Integers | None = None, settled: SettledPolygons | None = None
) -> Tally:
    """Return sums with how often each score occurs.

    Parameters
    ----------
    sums : Sums
        Over the polygons of ``runs``.
    runs : Runs
    score : float32 array
        Of the whole block, NaN where it does not count.
    polygons : int64 array, optional
        The numbers of the polygons, ascending; else 0, 1, ..
    settled : Settled, optional
        Polygons that need no bins; else none.
    """
    some = settled or SettledPolygons(np.zeros(runs.count, np.bool_), np.empty(0))
    quantiles, start = np.full((runs.count, some.shares.size), np.nan), np.empty(runs.count + 1, np.int64)
    room = runs.cells_of(~some.whole) + 1
    value, weight = np.empty(room, np.uint16), np.empty(room, np.int64)
    bins = np.empty(score.size, np.uint16)
    zonal.fill_bins(_flat(score), bins)
    used = zonal.count_bins(
        runs.table, bins, runs.first, some.whole, some.shares, start, value, weight, quantiles, zonal.no_bins()
    )
    numbers = np.arange(runs.count) if polygons is None else polygons
    of_all = (sums.measures, sums.sums, sums.classes, sums.causes, sums.uses, sums.inside)
    return Tally(*of_all, numbers, start, value[:used].copy(), weight[:used].copy(), quantiles)


def cells_of_use(prints: Footprints, use: NDArray[np.uint8], references: int) -> Doubles:
    """Return covered cells per polygon and present use (P, references + 1), the first of what is unknown."""
    runs = runs_of(prints)
    found = np.zeros((runs.count, 1 + references), np.int64)
    zonal.add_codes(runs.bands(max(1, prints.grid.rows)), 0, 0, use.reshape(-1), found)
    return np.asarray(found / zonal.COVERAGE_ONE, np.float64)


def _flat(values: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32).reshape(-1)


def totals_of(tallies: Iterable[Tally], count: int, shares: Doubles, last: Integers | None = None) -> Totals:
    """Add tallies of parts of a raster to one over all ``count`` polygons; the outcome does not depend on their order.

    Parameters
    ----------
    tallies : iterable of Tally
        Taken one at a time.
    count : int
    shares : float64 array (Q,)
        Of the quantiles of the score.
    last : int64 array (count,), optional
        The number of the tally that a polygon occurs in last, from 0; bins of polygons that are complete are dropped.

    Raises
    ------
    NoOverlap
        If there is none: no polygon touches the data.
    """
    found: Sums | None = None
    pending = _Pending(np.full((count, len(shares)), np.nan), shares)
    for number, t in enumerate(tallies):
        found = found or _nothing(t, count)
        found.sums[:, :, t.polygons] += t.sums
        found.classes[:, t.polygons] += t.classes
        found.causes[t.polygons] += t.causes
        found.uses[t.polygons] += t.uses
        found.inside[t.polygons] += t.inside
        pending.add(t)
        if last is not None and pending.many:
            pending.settle(last <= number)
    if found is None:
        raise NoOverlap("polygons lie outside the data", where="gebieden")
    pending.settle(np.ones(count, np.bool_))
    whole = (found.measures, found.sums, found.classes, found.causes, found.uses, found.inside)
    return Totals(*whole, pending.quantiles)


def _nothing(t: Tally, count: int) -> Sums:
    """Return sums of nothing over ``count`` polygons, in the form of a tally."""
    summed = (t.sums, t.classes, t.causes, t.uses, t.inside)
    axes = (2, 1, 0, 0, 0)
    shapes = ((*a.shape[:axis], count, *a.shape[axis + 1 :]) for a, axis in zip(summed, axes, strict=True))
    return Sums(t.measures, *(np.zeros(shape, np.int64) for shape in shapes))


class _Pending:
    """Bins of polygons that are not complete yet, in pieces, and quantiles of those that are."""

    def __init__(self, quantiles: Doubles, shares: Doubles) -> None:
        self.quantiles, self._shares = quantiles, shares
        self._pieces: list[Pieces] = []
        self._bins = self._room = 0

    @property
    def many(self) -> bool:
        """Whether it is worth while to look what is complete: twice as many bins as were left then."""
        return self._bins > max(FEW_BINS, 2 * self._room)

    def add(self, t: Tally) -> None:
        """Add the bins of a tally: number and length of every piece, values and weights."""
        settled = ~np.isnan(t.quantiles).all(axis=1)
        if settled.any():
            self.quantiles[t.polygons[settled]] = t.quantiles[settled]
        self._pieces.append((t.polygons, np.diff(t.start), t.value, t.weight))
        self._bins += len(t.value)

    def settle(self, done: NDArray[np.bool_]) -> None:
        """Find the quantiles of polygons that are complete and let go of their bins."""
        if not self._pieces:
            return
        numbers, lengths, value, weight = map(np.concatenate, zip(*self._pieces, strict=True))
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ready = np.flatnonzero(done[numbers])
        order = ready[np.argsort(numbers[ready], kind="stable")]
        zonal.find_quantiles(numbers, order, start, value, weight, self._shares, zonal.no_bins(), self.quantiles)
        left = ~done[numbers]
        rows = np.repeat(left, lengths)
        self._pieces = [(numbers[left], lengths[left], value[rows], weight[rows])]
        self._bins = self._room = int(rows.sum())
