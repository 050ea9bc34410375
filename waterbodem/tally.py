"""Exact sums of one functie over polygons; sums of parts of a raster add up to the sum of the whole, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem import registry
from waterbodem.areas import Footprints
from waterbodem.errors import NoOverlap
from waterbodem.evaluation import Result
from waterbodem.kernels import zonal

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
CLASSES = ("klasse", "klasse_min", "klasse_max")
SCORE = "score"


@dataclass(frozen=True)
class Tally:
    """Sums over P polygons, as integers.

    Parameters
    ----------
    measures : tuple of str
        Names of the M measures.
    polygons : int64 array (P,)
        Which polygons these are, ascending; all of them in a finished tally.
    sums : int64 array (M, 3, P)
        High and low part of coverage * value, and the coverage where the value is known.
    classes : int64 array (3, P, C)
        Coverage per class code, of ``CLASSES``.
    causes : int64 array (P, 11)
        Coverage * risico per oorzaak.
    inside : int64 array (P,)
        Coverage by cells of the data.
    bins : int64 array (B, 3)
        Polygon, score in units of 1e-4, coverage.
    """

    measures: tuple[str, ...]
    polygons: Integers
    sums: Integers
    classes: Integers
    causes: Integers
    inside: Integers
    bins: Integers

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

    def quantiles(self, shares: Sequence[float], margin: float) -> Doubles:
        """Return the smallest scores up to which the cells hold at least these shares (P, shares)."""
        out = np.full((len(self.polygons), len(shares)), np.nan)
        order = np.lexsort((self.bins[:, 1], self.bins[:, 0]))
        rows = self.bins[order]
        start = np.searchsorted(rows[:, 0], np.append(self.polygons, np.iinfo(np.int64).max))
        for p in range(len(self.polygons)):
            part = rows[start[p] : start[p + 1]]
            if len(part):
                reached = np.cumsum(part[:, 2])
                place = [np.searchsorted(reached, (s - margin) * reached[-1]) for s in shares]
                out[p] = part[place, 1] / zonal.BINS
        return out


def _mean(sums: Integers) -> tuple[Doubles, Doubles]:
    high, low, known = sums
    total = high.astype(np.float64) * float(1 << zonal.SPLIT) + low
    return ratio(total / zonal.VALUE_ONE, known), np.asarray(known / zonal.COVERAGE_ONE, np.float64)


def mean(values: Array, prints: Footprints) -> tuple[Doubles, Doubles]:
    """Return per polygon the coverage-weighted mean of cells where known, and how many cells those are."""
    sums = np.zeros((3, len(prints.start) - 1), np.int64)
    zonal.add_values(prints.start, prints.cell, prints.cover, _flat(values), *sums)
    return _mean(sums)


def ratio(total: Array, weight: Array) -> Doubles:
    """Return total / weight, NaN where the weight is 0."""
    out = np.full(len(weight), np.nan)
    np.divide(total, weight, out=out, where=weight > 0)
    return out


def tally_of(
    prints: Footprints, result: Result, measures: Mapping[str, Array], polygons: Integers | None = None
) -> Tally:
    """Sum measures, classes and causes of one functie over the cells of polygons.

    Parameters
    ----------
    prints : Footprints
        On the block of cells that ``result`` and the measures lie on.
    measures : mapping of name to float32 array
        NaN = unknown; ``score`` (0 to 1) is also counted in bins.
    polygons : int64 array, optional
        The numbers of the polygons, ascending; else 0, 1, ..
    """
    count = len(prints.start) - 1
    numbers = np.arange(count) if polygons is None else polygons
    cells = (prints.start, prints.cell, prints.cover)
    sums = np.zeros((len(measures), 3, count), np.int64)
    for row, values in zip(sums, measures.values(), strict=True):
        zonal.add_values(*cells, _flat(values), *row)
    classes = np.zeros((len(CLASSES), count, len(registry.answer_scale())), np.int64)
    for row, name in zip(classes, CLASSES, strict=True):
        zonal.add_codes(*cells, result.scores[name].reshape(-1), row)
    causes = np.zeros((count, len(registry.burden_rules().components) + 1), np.int64)
    zonal.add_by_code(*cells, _flat(result.burden.risico), result.burden.oorzaak.reshape(-1), causes)
    bins = np.empty((len(prints.cell), 3), np.int64)
    used = zonal.count_bins(*cells, _flat(measures[SCORE]), numbers, bins)
    return Tally(tuple(measures), numbers, sums, classes, causes, prints.inside, bins[:used].copy())


def _flat(values: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32).reshape(-1)


def merge(tallies: Sequence[Tally], count: int) -> Tally:
    """Add tallies of parts of a raster to one over all ``count`` polygons; order does not matter.

    Raises
    ------
    NoOverlap
        If there is none: no polygon touches the data.
    """
    if not tallies:
        raise NoOverlap("polygons lie outside the data", where="gebieden")
    first = tallies[0]
    shapes = [(len(first.measures), 3, count), (len(CLASSES), count, first.classes.shape[2])]
    sums, classes = (np.zeros(shape, np.int64) for shape in shapes)
    causes, inside = np.zeros((count, first.causes.shape[1]), np.int64), np.zeros(count, np.int64)
    for t in tallies:
        sums[:, :, t.polygons] += t.sums
        classes[:, t.polygons] += t.classes
        causes[t.polygons] += t.causes
        inside[t.polygons] += t.inside
    bins = _joined([t.bins for t in tallies])
    return Tally(first.measures, np.arange(count), sums, classes, causes, inside, bins)


def _joined(parts: Sequence[Integers]) -> Integers:
    """Add the coverage of equal (polygon, bin) pairs."""
    rows = np.concatenate(parts)
    key, place = np.unique(rows[:, 0] * (zonal.BINS + 1) + rows[:, 1], return_inverse=True)
    weight = np.zeros(len(key), np.int64)
    np.add.at(weight, place, rows[:, 2])
    return np.stack([key // (zonal.BINS + 1), key % (zonal.BINS + 1), weight], axis=1)
