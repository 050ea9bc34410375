"""Groundwater around a plan: brute force, closed forms, and the rule for ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from tests.support.twins import groundwater as twin
from waterbodem.core.errors import ArgumentError, DefinitionError, GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.definitions.abstraction import Well, abstraction_drawdown, bessel_k0
from waterbodem.definitions.receiving import (
    ReachTable,
    builtin_reach,
    chosen_reach,
    load_reach,
    reach_table,
    reception_rules,
    row_name,
)
from waterbodem.definitions.settings import Settings
from waterbodem.layers.polygons import Area
from waterbodem.receivers import reach as reach_module
from waterbodem.receivers.division import CoveredCells, Receiver, ReceiverPolygon
from waterbodem.receivers.groundwater import spread, superpose, well_effect
from waterbodem.receivers.land import Land
from waterbodem.receivers.lowering import lowering_under
from waterbodem.receivers.reach import Ground, coded, even_ground, ground_of

LEAST = 1e-4


def ground_on(reach):
    """Ground whose lambda is given cell by cell, of a grid that is asked for whole or in blocks."""
    lengths, codes = np.unique(np.asarray(reach, float), return_inverse=True)
    rows = [{"id": f"{v:g}", "naam": "", "lambda_m": v} for v in lengths.tolist()]
    whole = Grid(0.0, 100.0, 5.0, 5.0, *np.shape(reach))
    table = ReachTable(situaties=rows)

    def on(block):
        at = Grid(whole.left, whole.top, block.dx, block.dy, whole.rows, whole.cols)
        return codes.reshape(whole.shape).astype(np.uint8)[at.slices(block)]

    return Ground(table, on)


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
                        i,
                        j,
                    )
                    for i, j in plan
                ]
                distance, *_, i, j = min(ranked)
                effect = head[i, j] * math.exp(-distance / reach[r, c])
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
    np.testing.assert_allclose(
        on_whole(spread(head, grid, grid, ground_on(reach)), grid), expected, rtol=1e-9, atol=1e-12
    )


def test_at_equal_distance_the_largest_change_counts():
    head = np.array([[0.2, np.nan, -0.3]])
    grid = Grid(0, 5, 5, 5, 1, 3)
    middle = spread(head, grid, grid, even_ground(10.0)).verlaging[0, 1]
    assert middle == pytest.approx(-0.3 * math.exp(-0.5))


def test_ring_around_a_disc():
    """The water drawn from around a disc of radius a is 2 pi h0 lambda (a + lambda)."""
    size, radius, reach, h0 = 2.0, 60.0, 40.0, 0.5
    grid = Grid(-600.0, 600.0, size, size, 600, 600)
    x, y = np.meshgrid(grid.x, grid.y)
    inside = np.hypot(x, y) <= radius
    effect = spread(np.where(inside, h0, np.nan), grid, grid, even_ground(reach))
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
    effect = spread(np.full((2, 2), 0.5), block, grid, even_ground(20.0))
    reach = 20 * math.log(0.5 / LEAST)
    assert effect.reikt_m == pytest.approx(reach)
    assert effect.grid.rows * 5 <= 2 * reach + 20
    edge = np.concatenate([effect.verlaging[0], effect.verlaging[:, 0]])
    assert (np.abs(edge) < 2 * LEAST).all()


def test_the_window_is_cut_at_the_data():
    grid = Grid(0, 50, 5, 5, 10, 10)
    effect = spread(np.array([[0.5]]), grid.part(slice(0, 1), slice(0, 1)), grid, even_ground(200.0))
    assert effect.grid == grid


def test_result_does_not_depend_on_the_extent():
    head, ground = np.array([[0.3, -0.2]]), even_ground(12.0)
    small = Grid(100, 200, 5, 5, 12, 9)
    large = Grid(0, 300, 5, 5, 60, 60)
    block = Grid(120, 180, 5, 5, 1, 2)
    one, other = spread(head, block, small, ground), spread(head, block, large, ground)
    wide = on_whole(other, large)[large.slices(small)]
    np.testing.assert_array_equal(on_whole(one, small), wide)


def test_unknown_plan_cells_stay_unknown_and_do_not_spread():
    head, plan = np.array([[0.4, np.nan, np.nan]]), np.array([[True, True, False]])
    grid = Grid(0, 5, 5, 5, 1, 3)
    found = spread(head, grid, grid, even_ground(10.0), plan).verlaging[0]
    assert found[0] == 0.4
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(0.4 * math.exp(-1))


def test_nothing_known_spreads_nothing():
    grid = Grid(0, 5, 5, 5, 1, 3)
    assert spread(np.full((1, 3), np.nan), grid, grid, even_ground(1.0)).verlaging.size == 0


def test_superposition_is_a_sum():
    grid = Grid(0, 100, 5, 5, 20, 20)
    one = spread(np.array([[0.3]]), grid.part(slice(3, 4), slice(3, 4)), grid, even_ground(10.0))
    two = spread(np.array([[-0.2]]), grid.part(slice(9, 10), slice(12, 13)), grid, even_ground(6.0))
    np.testing.assert_allclose(superpose([one, two], grid), on_whole(one, grid) + on_whole(two, grid), atol=1e-15)
    assert np.isnan(superpose([], grid)).all()


def test_shapes_must_fit():
    grid = Grid(0, 5, 5, 5, 1, 3)
    with pytest.raises(GridMismatch):
        spread(np.zeros((2, 2)), grid, grid, even_ground(1.0))


#: Cells of rekenregels section 6, a column each: keileemdiepte, natuur, ghg, and the lambda that the text gives.
SITUATIONS = [
    (1.2, 1, 0.3, 100),  # nature on keileem
    (1.2, 0, 0.3, 35),  # drained land on keileem
    (1.2, np.nan, 0.3, 35),  # a condition on an unknown layer does not hold
    (1.21, 3, 0.3, 55),  # cover sand on keileem
    (5.0, 0, 2.0, 55),
    (5.01, 0, 1.2, 230),  # deep sand
    (np.inf, 0, 1.19, 71),  # sand with ditches
    (np.inf, 0, np.nan, 71),
    (np.nan, 3, 2.0, 100),  # else
]


def test_reach_by_situation():
    layers = [np.array([[row[k] for row in SITUATIONS]], np.float32) for k in range(3)]
    table = reach_table("situatie")
    codes = coded(table, dict(zip(("keileemdiepte", "natuur", "ghg"), layers, strict=True)), (1, len(SITUATIONS)))
    assert np.array(table.lengths)[codes & 127].tolist() == [[row[3] for row in SITUATIONS]]
    assert ((codes & 128) > 0).tolist() == [[row[1] >= 2 for row in SITUATIONS]]
    assert np.array(table.lengths)[coded(table, {}, (1, 2))].tolist() == [[100, 100]]
    assert reach_table(35).lengths == (35.0,)
    assert Settings().reach == "situatie" == chosen_reach(None)


@pytest.mark.parametrize("reach", [0.0, -1, math.nan, math.inf, "ver"])
def test_a_wrong_reach_is_refused(reach):
    with pytest.raises(ArgumentError, match="reikwijdte"):
        reach_table(reach)


def test_the_table_follows_from_transmissivity_and_resistance():
    known = [s for s in builtin_reach().situaties if s.kd_m2_d]
    assert len(known) == 4
    for situation in known:
        assert situation.lambda_m == pytest.approx(math.sqrt(situation.kd_m2_d * situation.c_d), rel=0.02)
        assert situation.expertoordeel or situation.bron


def test_a_table_of_ones_own_ends_as_the_package_does(tmp_path):
    file = tmp_path / "eigen.toml"
    file.write_text('[[situaties]]\nid = "a"\nnaam = "a"\nlambda_m = 9\nals = [{ laag = "kwel", max = 1 }]\n')
    assert load_reach(file).lengths == (9.0, 100.0)
    file.write_text('[[situaties]]\nid = "a"\nnaam = "a"\nlambda_m = 9\n')
    assert load_reach(file).lengths == (9.0,)
    assert row_name("a", load_reach(file)) == "a" and row_name("opgegeven", 9.0, "en") == "as given"


def test_ground_is_the_same_in_any_block_and_every_cell_is_read_once(monkeypatch):
    monkeypatch.setattr(reach_module, "TILE", 4)
    rng, grid = np.random.default_rng(2), Grid(0, 55, 5, 5, 11, 14)
    keileem = rng.choice([0.5, 3.0, 9.0], grid.shape).astype(np.float32)
    natuur = rng.choice([0, 1, 2, 3, np.nan], grid.shape).astype(np.float32)
    times = np.zeros(grid.shape, int)

    def read(block, names):
        assert set(names) == {"keileemdiepte", "natuur"}
        times[grid.slices(block)] += 1
        return {"keileemdiepte": keileem[grid.slices(block)], "natuur": natuur[grid.slices(block)]}

    land = Land(grid, ("keileemdiepte", "natuur", "kwel"), read, lambda name: None)
    ground = ground_of(land, "situatie")
    whole = coded(ground.table, {"keileemdiepte": keileem, "natuur": natuur}, grid.shape)
    for r, c in ((slice(3, 9), slice(2, 7)), (slice(0, 1), slice(13, 14)), (slice(0, 11), slice(0, 14))):
        np.testing.assert_array_equal(ground.codes(grid.part(r, c)), whole[r, c])
    assert (times == 1).all()


def test_the_receiving_cell_tells_how_far():
    """A plan at the border of two soils: in each the effect declines by the lambda of that side."""
    head, reach = np.full((1, 9), np.nan), np.array([[40.0] * 4 + [40.0] + [8.0] * 4])
    head[0, 4] = 0.4
    grid = Grid(0, 100, 5, 5, 1, 9)
    effect = spread(head, grid, grid, ground_on(reach))
    steps = 5 * np.arange(1, 5)
    for name, factor in (("verlaging", 1.0), ("half", 0.5), ("dubbel", 2.0)):
        found = getattr(effect, name)[0]
        np.testing.assert_allclose(found[5:], 0.4 * np.exp(-steps / (8 * factor)), rtol=1e-6)
        np.testing.assert_allclose(found[3::-1], 0.4 * np.exp(-steps / (40 * factor)), rtol=1e-6)
        assert found[4] == pytest.approx(0.4, rel=1e-7)


def test_how_far_neighbours_become_wetter():
    """A rise of 0.20 m spreads to 0.05 m at lambda ln 4; cells of the plan are no neighbours."""
    grid = Grid(0, 5, 5, 5, 1, 101)
    head = np.full(grid.shape, np.nan)
    head[0, :3] = -0.2
    found = spread(head, grid, grid, even_ground(100.0))
    assert found.natter_tot_m == 5 * math.floor(100 * math.log(4) / 5)
    assert found.rise == pytest.approx(0.2)
    assert spread(-head, grid, grid, even_ground(100.0)).natter_tot_m == 0
    assert spread(head / 5, grid, grid, even_ground(100.0)).natter_tot_m == 0


def test_half_and_twice_lambda_of_a_well_are_wells_in_other_ground():
    well, plan = Well(100_000, 100, 100), shapely.Point(500, 500).buffer(20)
    grid = Grid(0, 1000, 10, 10, 100, 100)
    effect = well_effect(well, plan, grid)
    for name, ratio in (("half", 0.25), ("dubbel", 4.0)):
        other = well_effect(Well(100_000, 100, 100 * ratio), plan, grid)
        there = np.zeros(grid.shape)
        there[grid.slices(other.grid)] = other.verlaging
        mine = getattr(effect, name)
        some = effect.verlaging > 0
        np.testing.assert_allclose(mine[some], there[grid.slices(effect.grid)][some], rtol=1e-6)
    assert (effect.row, effect.lambda_m) == ("put", 100.0)


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


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_situations_spread_and_marks_against_the_twin(seed):
    """Every cell of a small area with soils, nature and unknown values mixed, as the twin of section 6 has it."""
    rng = np.random.default_rng(seed)
    grid, size = Grid(0.0, 240.0, 20.0, 20.0, 12, 11), 20.0
    layers = {
        "keileemdiepte": rng.choice([0.5, 1.2, 4.0, 5.0, 8.0, np.inf, np.nan], grid.shape).astype(np.float32),
        "natuur": rng.choice([0, 1, 2, 3, np.nan], grid.shape).astype(np.float32),
        "ghg": rng.choice([0.4, 1.2, 2.0, np.nan], grid.shape).astype(np.float32),
    }
    here = Land(grid, tuple(layers), lambda block, names: {n: layers[n][grid.slices(block)] for n in names}, None)
    head = np.full(grid.shape, np.nan)
    head[4:7, 4:6] = rng.choice([-0.4, -0.1, 0.0, 0.1, 0.4, np.nan], (3, 2))
    inside = np.zeros(grid.shape, bool)
    inside[4:7, 4:6] = True
    ground = ground_of(here, "situatie")
    effect = spread(head, grid, grid, ground, inside)
    values = {c: {n: float(v[c]) for n, v in layers.items()} for c in np.ndindex(grid.shape)}
    plan = {c: float(head[c]) for c in values if inside[c]}
    around = {c: v for c, v in values.items() if not inside[c]}
    if not np.isfinite(head).any():
        assert effect.verlaging.size == 0
        return
    assert effect.grid == grid
    for name, factor in (("verlaging", 1.0), ("half", 0.5), ("dubbel", 2.0)):
        found = getattr(effect, name)
        for cell, expected in twin.effects(plan, around, size, factor=factor).items():
            assert found[cell] == pytest.approx(expected, rel=1e-6, abs=LEAST if factor < 2 else 0.007)
    wetter = twin.wetter_within_m(plan, around, size)
    assert effect.natter_tot_m == pytest.approx(wetter or 0.0)
    assert effect.rise == pytest.approx(twin.largest_rise(plan))
    outside = np.flatnonzero(~inside)
    all_ = ReceiverPolygon(Area(1, "", shapely.box(*grid.bounds)))
    receiver = Receiver(all_, CoveredCells(outside, np.ones(outside.size)), outside.size * grid.cell_ha)
    told = lowering_under([effect], receiver, grid, ground)
    assert told["voortoets"] == twin.may_be_significant(plan, around, size)
    changes = {c: abs(h) for c, h in twin.effects(plan, around, size).items()}
    largest = max(changes.values())
    if largest > 2 * LEAST:
        rows = {twin.situation(around[c])[0] for c, h in changes.items() if h >= largest * (1 - 1e-9)}
        assert told["lambda_rij"] in rows
