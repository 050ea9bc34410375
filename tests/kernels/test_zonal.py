"""Sums over polygons: kernels against loops in plain Python, whatever the block is cut into."""

from __future__ import annotations

import math

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from waterbodem.core.grid import Grid
from waterbodem.engine.coverage import Footprints, covered
from waterbodem.engine.sums import SettledPolygons, Sums, Totals, ratio, runs_of, totals_of, with_bins
from waterbodem.kernels import quantities, zonal

GRID = Grid(0, 60, 10, 10, 6, 7)
CELLS = GRID.rows * GRID.cols
ONE = zonal.COVERAGE_ONE


def blobs(rng, count):
    """Polygons, some with a hole and some that overlap or stick out of the grid."""
    shapes = [shapely.Point(*rng.uniform(0, 70, 2)).buffer(rng.uniform(6, 40), quad_segs=3) for _ in range(count)]
    return [s.difference(s.centroid.buffer(4)) if i % 2 else s for i, s in enumerate(shapes)]


def prints_of(seed, count=5):
    return covered(blobs(np.random.default_rng(seed), count), GRID)


def each(prints):
    """Polygon, cell and cover, one by one."""
    for p in range(len(prints.start) - 1):
        for j in range(prints.start[p], prints.start[p + 1]):
            yield p, int(prints.cell[j]), int(prints.cover[j])


def some_values(rng):
    values = rng.choice([0.0, 0.25, 1.0, -3.5, 1234.567, math.nan], CELLS) * rng.uniform(0, 1, CELLS)
    return values.astype(np.float32)


@given(st.integers(0, 2**32 - 1))
def test_runs_hold_every_cell_once_with_its_cover(seed):
    prints = prints_of(seed)
    found = []
    for p, cell, length, cover in runs_of(prints).table.T.tolist():
        assert length == 1 or cover == ONE
        assert cell // GRID.cols == (cell + length - 1) // GRID.cols, "a run stays in one row"
        found += [(p, c, cover) for c in range(cell, cell + length)]
    assert sorted(found) == sorted(each(prints))


def rows_twin(prints, rows):
    """The sums of fixed-point products and of coverage, as Python integers."""
    polygons = len(prints.start) - 1
    total, known = [[[0] * polygons for _ in rows] for _ in range(2)]
    for p, cell, cover in each(prints):
        for m, row in enumerate(rows):
            if not math.isnan(row[cell]):
                total[m][p] += round(float(row[cell]) * zonal.VALUE_ONE) * cover
                known[m][p] += cover
    return total, known


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 4, 6]))
def test_sums_equal_those_of_whole_numbers_in_any_bands(seed, high):
    rng, prints = np.random.default_rng(seed), prints_of(seed)
    constant, nothing = np.full(CELLS, 0.3, np.float32), np.full(CELLS, np.nan, np.float32)
    rows = np.stack([some_values(rng), constant, nothing, np.zeros(CELLS, np.float32)])
    sums = np.zeros((len(rows), 3, len(prints.start) - 1), np.int64)
    bands, size = runs_of(prints).bands(high), high * GRID.cols
    for b, a in enumerate(range(0, CELLS, size)):
        for row, total in zip(rows, sums, strict=True):
            zonal.add_row(bands, b, a, row[a : a + size], total)
    total, known = rows_twin(prints, rows)
    assert [[int(h) * 2**zonal.SPLIT + int(low) for h, low in zip(*s[:2], strict=True)] for s in sums] == total
    assert sums[:, 2].tolist() == known


WIDE = Grid(0, 30, 10, 10, 3, 700)


@given(st.integers(0, 2**32 - 1))
def test_long_runs_are_taken_whole(seed):
    """Longer than what a processor takes at once, and than a byte can count; of any length beyond that."""
    rng, cells = np.random.default_rng(seed), WIDE.rows * WIDE.cols
    x = np.sort(rng.uniform(-20, 7020, (4, 2)))
    prints = covered([shapely.box(a, rng.uniform(0, 15), b, rng.uniform(15, 30)) for a, b in x], WIDE)
    row = np.where(rng.random(cells) < 0.1, np.nan, rng.uniform(-4000, 9000, cells)).astype(np.float32)
    codes, shares = rng.integers(0, 2, cells, dtype=np.uint8) * 5, np.abs(row) % 1
    codes[: WIDE.cols] = 4
    bands, count = runs_of(prints).bands(3), len(prints.start) - 1
    sums, by_code, by_cause = (np.zeros(s, np.int64) for s in ((3, count), (count, 6), (count, 6)))
    zonal.add_row(bands, 0, 0, row, sums)
    zonal.add_codes(bands, 0, 0, codes, by_code)
    zonal.add_by_code(bands, 0, 0, shares, codes, by_cause, np.empty_like(shares))
    total, known = rows_twin(prints, [row])
    assert [int(h) * 2**zonal.SPLIT + int(low) for h, low in sums[:2].T] == total[0]
    assert sums[2].tolist() == known[0]
    want_code, want_cause = np.zeros_like(by_code), np.zeros_like(by_cause)
    for p, cell, cover in each(prints):
        want_code[p, codes[cell]] += cover
        if not np.isnan(shares[cell]):
            want_cause[p, codes[cell]] += round(float(shares[cell]) * zonal.CAUSE_ONE) * (cover >> 8)
    np.testing.assert_array_equal(by_code, want_code)
    np.testing.assert_array_equal(by_cause, want_cause)


@given(st.sampled_from([2, 3, 17, 16384]), st.sampled_from([0.99, 1.5, -1.5, 1.6]))
def test_many_values_near_one_overflow_nothing(cols, value):
    """As many cells as a band has, and more, in runs of two and in one run."""
    grid = Grid(0, 10 * (16384 // cols), 10, 10, 16384 // cols, cols)
    row, sums = np.full(grid.rows * grid.cols, value, np.float32), np.zeros((3, 1), np.int64)
    prints = covered([shapely.box(*grid.bounds)], grid)
    zonal.add_row(runs_of(prints).bands(grid.rows), 0, 0, row, sums)
    fixed = round(float(np.float32(value)) * zonal.VALUE_ONE)
    assert int(sums[0, 0]) * 2**zonal.SPLIT + int(sums[1, 0]) == fixed * ONE * row.size
    assert sums[2, 0] == ONE * row.size


def test_a_polygon_as_large_as_a_country_overflows_nothing():
    """2,000 million cells, of the highest risk and one cause, and of more m3 than there are: it has room in 64 bits."""
    many, most = 2_000_000_000, np.float32(9000)
    prints = covered([shapely.box(*WIDE.bounds)], WIDE)
    bands, cells = runs_of(prints).bands(3), WIDE.rows * WIDE.cols
    one = zonal.CAUSE_ONE * (ONE >> 8)
    causes = np.full((1, 2), (many - cells) * one, np.int64)
    ones, room = np.ones(cells, np.float32), np.empty(cells, np.float32)
    zonal.add_by_code(bands, 0, 0, ones, ones.astype(np.uint8), causes, room)
    assert causes.tolist() == [[(many - cells) * one, many * one]]
    sums = np.zeros((3, 1), np.int64)
    zonal.add_row(bands, 0, 0, np.full(cells, most), sums)
    assert max(int(v) * many // cells for v in sums[:, 0]) < 1 << 63


@given(st.integers(0, 2**32 - 1))
def test_codes_and_causes_equal_a_loop(seed):
    rng, prints = np.random.default_rng(seed), prints_of(seed)
    codes, values = rng.integers(0, 9, CELLS, dtype=np.uint8), np.abs(some_values(rng)) % 1
    polygons = len(prints.start) - 1
    by_code, by_cause = np.zeros((polygons, 6), np.int64), np.zeros((polygons, 6), np.int64)
    want_code, want_cause = by_code.copy(), by_cause.copy()
    bands = runs_of(prints).bands(GRID.rows)
    zonal.add_codes(bands, 0, 0, codes, by_code)
    zonal.add_by_code(bands, 0, 0, values, codes, by_cause, np.empty_like(values))
    for p, cell, cover in each(prints):
        if codes[cell] < 6:
            want_code[p, codes[cell]] += cover
            if not np.isnan(values[cell]):
                want_cause[p, codes[cell]] += round(float(values[cell]) * zonal.CAUSE_ONE) * (cover >> 8)
    np.testing.assert_array_equal(by_code, want_code)
    np.testing.assert_array_equal(by_cause, want_cause)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 8, 9, 17]))
def test_coverage_per_code_of_any_number_of_codes(seed, count):
    rng, prints = np.random.default_rng(seed), prints_of(seed)
    codes = rng.integers(0, count + 2, CELLS).astype(np.uint8)
    got = np.zeros((len(prints.start) - 1, count), np.int64)
    zonal.add_codes(runs_of(prints).bands(GRID.rows), 0, 0, codes, got)
    want = np.zeros_like(got)
    for p, cell, cover in each(prints):
        if codes[cell] < count:
            want[p, codes[cell]] += cover
    np.testing.assert_array_equal(got, want)


def test_a_mean_can_leave_cells_out_in_which_the_measure_is_nothing():
    sums = np.array([[[0], [3 * zonal.VALUE_ONE], [4]]], np.int64)
    totals = Totals(("water",), sums, *[np.zeros((1, 1, 1), np.int64)] * 4, np.zeros((1, 3)))
    assert totals.mean("water")[0].tolist() == [0.75]
    mean, known = totals.mean("water", np.array([2]))
    assert (mean.tolist(), known.tolist()) == ([1.5], [4 / ONE])
    assert np.isnan(totals.mean("water", np.array([4]))[0]).all()


def tally(prints, polygons, values, whole):
    """A tally with nothing in it but the bins of the score, and quantiles of what is whole."""
    runs, count = runs_of(prints), len(prints.start) - 1
    empty = [np.zeros(s, np.int64) for s in ((1, 3, count), (3, count, 6), (count, 11), (count, 2))]
    return with_bins(Sums(("score",), *empty, prints.inside), runs, values, polygons, SettledPolygons(whole, SHARES))


SHARES = np.array([0.1, 0.5, 0.9]) - 1e-6


def quantile_twin(pairs, share):
    """The smallest of (score, cover) up to which the covers hold a share."""
    whole, reached = sum(c for _, c in pairs), 0
    for score, cover in sorted(pairs):
        reached += cover
        if reached >= share * whole:
            return score
    return math.nan


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 6]), st.booleans())
def test_quantiles_do_not_depend_on_the_parts_and_equal_a_loop(seed, high, told):
    rng, shapes = np.random.default_rng(seed), blobs(np.random.default_rng(seed), 6)
    values = np.where(rng.random(CELLS) < 0.2, np.nan, rng.integers(0, 30, CELLS) / 100).astype(np.float32)
    parts, last = [], np.zeros(len(shapes), np.int64)
    for first in range(0, GRID.rows, high):
        block = GRID.part(slice(first, first + high), slice(0, GRID.cols))
        near = np.array([i for i, s in enumerate(shapes) if s.intersects(shapely.box(*block.bounds))], np.int64)
        if near.size:
            last[near] = len(parts)
            cut = values[first * GRID.cols : (first + high) * GRID.cols]
            whole = np.array([shapely.box(*block.bounds).covers(shapes[i]) for i in near])
            parts.append(tally(covered([shapes[i] for i in near], block), near, cut, whole))
            assert not np.diff(parts[-1].start)[whole].any(), "bins of what is complete are not kept"
    got = totals_of(iter(parts), len(shapes), SHARES, last if told else None).quantiles
    pairs = [[] for _ in shapes]
    for p, cell, cover in each(covered(shapes, GRID)):
        if not np.isnan(values[cell]):
            pairs[p].append((round(float(values[cell]) * zonal.BINS) / zonal.BINS, cover))
    np.testing.assert_array_equal(got, [[quantile_twin(p, s) for s in SHARES] for p in pairs])


def test_a_sum_has_one_mean_however_it_was_split():
    split = np.array([[[5], [3 << zonal.SPLIT], [ONE]]], np.int64)
    joined = np.array([[[8], [0], [ONE]]], np.int64)
    nothing = [np.zeros((1, 1, 1), np.int64)] * 4
    means = [Totals(("score",), s, *nothing, np.zeros((1, 3))).mean("score")[0] for s in (split, joined)]
    assert means[0] == means[1] == 8 * 2**zonal.SPLIT / zonal.VALUE_ONE / ONE


@given(st.integers(0, 2**32 - 1))
def test_the_lowest_score_on_curves_equals_interpolation(seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 4, (2, 3000)).astype(np.float32)
    values[:, ::7] = np.nan
    values[0, 1::7] = 1.0
    curves = [(np.array([0.0, 1.0, 2.5, 3.0]), np.array([0.2, 1.0, 0.4, 0.0])), (np.array([2.0]), np.array([0.6]))]
    out = np.full(3000, np.inf, np.float32)
    for v, (x, y) in zip(values, curves, strict=True):
        quantities.lower_by_curve(v, x, y, np.empty(quantities.BLOCK), out)
    scores = [np.where(np.isnan(v), np.nan, np.interp(v, x, y)) for v, (x, y) in zip(values, curves, strict=True)]
    np.testing.assert_allclose(out, np.minimum(*scores), rtol=1e-6, atol=1e-7)


def test_ratio_is_unknown_without_weight():
    assert np.isnan(ratio(np.array([1.0, 2.0]), np.array([0.0, 4.0]))).tolist() == [True, False]


def test_no_cell_makes_no_run():
    nothing = np.empty(0, np.int64)
    runs = runs_of(Footprints(GRID, np.zeros(3, np.int64), nothing, nothing))
    assert (runs.count, runs.table.shape, runs.first.tolist()) == (2, (4, 0), [0, 0, 0])
    bands = runs.bands(2)
    assert (bands.group.tolist(), bands.polygon.size, bands.edge.tolist(), bands.span.tolist()) == (
        [0] * 4,
        0,
        [0],
        [0],
    )
