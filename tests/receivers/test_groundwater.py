"""Groundwater around a plan: brute force, closed forms, and the rule for ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from waterbodem.core.errors import ArgumentError, DefinitionError, GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.definitions.abstraction import Well, abstraction_drawdown, bessel_k0
from waterbodem.definitions.receiving import builtin_reach, load_reach, reception_rules
from waterbodem.receivers.groundwater import reach_of, spread, superpose, well_effect

LEAST = 1e-4


def brute(head, reach, dx, dy):
    """Look at every plan cell from every cell: the slow, obvious twin."""
    rows, cols = head.shape
    plan = [(r, c) for r in range(rows) for c in range(cols) if not math.isnan(head[r, c])]
    out = np.zeros(head.shape)
    for r in range(rows):
        for c in range(cols):
            if (r, c) in plan:
                out[r, c] = head[r, c]
            elif plan:
                ranked = [
                    (
                        round(math.hypot((r - i) * dy, (c - j) * dx), 9),
                        -abs(head[i, j]),
                        -head[i, j],
                        -reach[i, j],
                        i,
                        j,
                    )
                    for i, j in plan
                ]
                distance, *_, i, j = min(ranked)
                effect = head[i, j] * math.exp(-distance / reach[i, j])
                out[r, c] = effect if abs(effect) >= LEAST else 0.0
    return out


def on_whole(effect, grid):
    out = np.zeros(grid.shape)
    out[grid.slices(effect.grid)] = effect.verlaging
    return out


@given(
    st.integers(1, 11),
    st.integers(1, 11),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(5.0, 5.0), (10.0, 5.0), (0.1, 0.1)]),
)
@settings(deadline=None, max_examples=120)
def test_brute_force_with_ties(rows, cols, seed, size):
    rng = np.random.default_rng(seed)
    head = np.where(rng.random((rows, cols)) < 0.2, rng.choice([-0.4, -0.1, 0.0, 0.1, 0.4], (rows, cols)), np.nan)
    reach = rng.choice([2.0, 10.0, 40.0], (rows, cols))
    grid = Grid(0.0, 100.0, *size, rows, cols)
    expected = brute(head, reach, *size)
    np.testing.assert_allclose(on_whole(spread(head, reach, grid, grid), grid), expected, rtol=1e-9, atol=1e-12)


def test_at_equal_distance_the_largest_change_counts():
    head = np.array([[0.2, np.nan, -0.3]])
    grid = Grid(0, 5, 5, 5, 1, 3)
    middle = spread(head, np.full((1, 3), 10.0), grid, grid).verlaging[0, 1]
    assert middle == pytest.approx(-0.3 * math.exp(-0.5))


def test_ring_around_a_disc():
    """The water drawn from around a disc of radius a is 2 pi h0 lambda (a + lambda)."""
    size, radius, reach, h0 = 2.0, 60.0, 40.0, 0.5
    grid = Grid(-600.0, 600.0, size, size, 600, 600)
    x, y = np.meshgrid(grid.x, grid.y)
    inside = np.hypot(x, y) <= radius
    effect = spread(np.where(inside, h0, np.nan), np.full(grid.shape, reach), grid, grid)
    lowering = on_whole(effect, grid)
    ring = lowering[~inside].sum() * grid.cell_area
    assert ring == pytest.approx(2 * math.pi * h0 * reach * (radius + reach), rel=0.03)
    row = 300
    along = (grid.x > radius) & (grid.x < radius + 200)
    expected = h0 * np.exp(-(grid.x[along] - radius) / reach)
    np.testing.assert_allclose(lowering[row, along], expected, rtol=2 * size / reach)


def test_the_window_ends_where_the_effect_does():
    grid = Grid(0, 50_000, 5, 5, 10_000, 10_000)
    block = grid.part(slice(5000, 5002), slice(5000, 5002))
    effect = spread(np.full((2, 2), 0.5), np.full((2, 2), 20.0), block, grid)
    reach = 20 * math.log(0.5 / LEAST)
    assert effect.reikt_m == pytest.approx(reach)
    assert effect.grid.rows * 5 <= 2 * reach + 20
    edge = np.concatenate([effect.verlaging[0], effect.verlaging[:, 0]])
    assert (np.abs(edge) < 2 * LEAST).all()


def test_the_window_is_cut_at_the_data():
    grid = Grid(0, 50, 5, 5, 10, 10)
    effect = spread(np.array([[0.5]]), np.array([[200.0]]), grid.part(slice(0, 1), slice(0, 1)), grid)
    assert effect.grid == grid


def test_result_does_not_depend_on_the_extent():
    head, reach = np.array([[0.3, -0.2]]), np.array([[10.0, 14.0]])
    small = Grid(100, 200, 5, 5, 12, 9)
    large = Grid(0, 300, 5, 5, 60, 60)
    block = Grid(120, 180, 5, 5, 1, 2)
    one, other = spread(head, reach, block, small), spread(head, reach, block, large)
    wide = on_whole(other, large)[large.slices(small)]
    np.testing.assert_array_equal(on_whole(one, small), wide)


def test_unknown_plan_cells_stay_unknown_and_do_not_spread():
    head, plan = np.array([[0.4, np.nan, np.nan]]), np.array([[True, True, False]])
    grid = Grid(0, 5, 5, 5, 1, 3)
    found = spread(head, np.full((1, 3), 10.0), grid, grid, plan).verlaging[0]
    assert found[0] == 0.4
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(0.4 * math.exp(-1))


def test_nothing_known_spreads_nothing():
    grid = Grid(0, 5, 5, 5, 1, 3)
    assert spread(np.full((1, 3), np.nan), np.ones((1, 3)), grid, grid).verlaging.size == 0


def test_superposition_is_a_sum():
    grid = Grid(0, 100, 5, 5, 20, 20)
    one = spread(np.array([[0.3]]), np.array([[10.0]]), grid.part(slice(3, 4), slice(3, 4)), grid)
    two = spread(np.array([[-0.2]]), np.array([[6.0]]), grid.part(slice(9, 10), slice(12, 13)), grid)
    both = on_whole(superpose([one, two], grid), grid)
    np.testing.assert_allclose(both, on_whole(one, grid) + on_whole(two, grid), atol=1e-15)
    assert np.isnan(superpose([], grid).verlaging).all()


def test_shapes_must_fit():
    grid = Grid(0, 5, 5, 5, 1, 3)
    with pytest.raises(GridMismatch):
        spread(np.zeros((2, 2)), np.ones((2, 2)), grid, grid)


def test_reach_by_situation():
    layers = {
        "keileemdiepte": np.array([[0.5, 3.0, np.inf, 8.0, np.nan]], np.float32),
        "ghg": np.array([[0.3, 0.3, 0.4, 2.5, 0.4]], np.float32),
    }
    assert reach_of("situatie", layers, (1, 5)).tolist() == [[14, 55, 71, 230, 200]]
    assert reach_of("situatie", {}, (1, 2)).tolist() == [[200, 200]]
    assert reach_of(None, {}, (1, 2)).tolist() == [[200, 200]]
    assert reach_of(35, {}, (1, 1)).tolist() == [[35]]


@pytest.mark.parametrize("reach", [0.0, -1, math.nan, math.inf, "ver"])
def test_a_wrong_reach_is_refused(reach):
    with pytest.raises(ArgumentError, match="reikwijdte"):
        reach_of(reach, {}, (1, 1))


def test_the_table_follows_from_transmissivity_and_resistance():
    for situation in builtin_reach().situaties:
        assert situation.lambda_m == pytest.approx(math.sqrt(situation.kd_m2_d * situation.c_d), rel=0.02)
        assert situation.expertoordeel or situation.bron


def test_every_number_is_sourced():
    rules, table = reception_rules(), builtin_reach()
    assert all(c.bron or c.expertoordeel for c in rules.constanten.values())
    assert {b for c in rules.constanten.values() for b in c.bron} <= set(rules.bronnen)
    assert {b for s in table.situaties for b in s.bron} <= set(table.bronnen)


def test_own_table_with_an_unknown_layer_is_refused(tmp_path):
    file = tmp_path / "eigen.toml"
    file.write_text('[[situaties]]\nid = "a"\nnaam = "a"\nlambda_m = 9\nals = [{ laag = "keileem", max = 1 }]\n')
    with pytest.raises(DefinitionError, match="keileemdiepte"):
        load_reach(file)


def test_bessel_against_its_integral():
    t = np.linspace(0, 25, 100_001)
    for x in (0.001, 0.1, 0.5, 1.0, 1.999, 2.001, 5.0, 20.0):
        integral = trapezoid(np.exp(-x * np.cosh(t)), t)
        assert bessel_k0(x) == pytest.approx(integral, rel=2e-6, abs=2e-7)


def test_a_well_draws_what_it_leaks():
    """In a steady state all water leaks through the layer above: sum of s / c over the plane is Q."""
    q, kd, c = 500_000.0, 265.0, 2500.0
    r = np.linspace(0.25, 20 * math.sqrt(kd * c), 200_001)
    leak = abstraction_drawdown(q, kd, c, r) / c
    assert trapezoid(leak * 2 * math.pi * r, r) == pytest.approx(q / 365.25, rel=1e-3)
    assert abstraction_drawdown(0, kd, c, 10.0) == 0


@pytest.mark.parametrize("bad", [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, -1, 1), (1, 1, 1, 0), (math.nan, 1, 1, 1)])
def test_a_well_needs_positive_numbers(bad):
    with pytest.raises(ArgumentError):
        abstraction_drawdown(*bad)


def test_bessel_and_a_well_against_scipy():
    special = pytest.importorskip("scipy.special")
    x = np.geomspace(1e-4, 30, 2_000)
    np.testing.assert_allclose(bessel_k0(x), special.k0(x), rtol=2e-6, atol=2e-7)
    r = np.geomspace(1, 5_000, 200)
    expected = 400_000 / 365.25 / (2 * math.pi * 150) * special.k0(r / math.sqrt(150 * 800))
    np.testing.assert_allclose(abstraction_drawdown(400_000, 150, 800, r), expected, rtol=1e-5, atol=1e-6)


def test_a_well_field_on_a_grid_leaks_what_it_draws():
    """Outside the field the leak is Q less what leaks inside: x K1(x) of it, x = radius / lambda."""
    special = pytest.importorskip("scipy.special")
    well, plan = Well(100_000.0, 50.0, 200.0), shapely.Point(0, 0).buffer(40, quad_segs=64)
    grid = Grid(-2000.0, 2000.0, 5.0, 5.0, 800, 800)
    effect = well_effect(well, plan, grid)
    x, y = np.meshgrid(effect.grid.x, effect.grid.y)
    outside = np.hypot(x, y) > 40
    leak = effect.verlaging[outside].sum() * grid.cell_area / well.c_d
    near = 40 / well.lambda_m
    assert leak == pytest.approx(100_000 / 365.25 * near * special.k1(near), rel=0.01)
