"""Flow directions: from maaiveld with holes, edges and pits, from code rasters, and kept on disk."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyflwdir")

import waterbodem.receivers.flow as flow_module
from tests.support.grids import ahn_tile
from tests.support.twins.terrain import broken_rules
from waterbodem.core.dataset import dataset_of as dataset_on
from waterbodem.core.errors import ArgumentError, Circular, GridMismatch, LayerError
from waterbodem.core.grid import Grid
from waterbodem.receivers.flow import Flow, flow_from_codes, flow_from_maaiveld, memory_estimate, with_water_levels
from waterbodem.receivers.flow_store import flow_of, on_grid
from waterbodem.receivers.network import LEAVES, NO_PART, STAYS


def grid_for(level, size=5.0):
    return Grid(1000.0, 2000.0, size, size, *np.shape(level))


def flow(level, **options):
    level = np.asarray(level, np.float32)
    return flow_from_maaiveld(level, grid_for(level), **options)


def slope(rows=9, cols=9):
    """Land that falls to the west."""
    return np.tile(np.arange(cols, dtype=np.float32), (rows, 1))


def end_of(found: Flow, cell):
    while found.network.downstream[cell] >= 0:
        cell = found.network.downstream[cell]
    return cell


def test_water_runs_down_a_valley():
    found = flow([[9, 8, 9], [9, 5, 9], [9, 2, 9]])
    assert found.network.downstream.tolist() == [4, 4, 4, 7, 7, 7, 7, -1, 7]
    diagonal = math.hypot(5, 5)
    assert found.network.distance[[0, 1, 7]] == pytest.approx([diagonal, 5, 0])


def test_a_pit_is_filled_to_its_overflow():
    level = slope()
    level[4, 4] = -5
    found = flow(level)
    assert end_of(found, 4 * 9 + 4) % 9 == 0
    assert "opgevuld" in found.uitleg[0]


def test_flat_land_drains_to_the_edge():
    found = flow(np.zeros((8, 8)))
    assert all(end_of(found, c) // 8 in (0, 7) or end_of(found, c) % 8 in (0, 7) for c in range(64))


def test_water_goes_round_a_closed_hole():
    level = slope()
    level[3:6, 3:6] = np.nan
    found = flow(level)
    hole = np.isnan(level).reshape(-1)
    assert (found.network.downstream[hole] == -2).all()
    leaves = np.flatnonzero(found.network.downstream == -1)
    assert set(leaves % 9) == {0}
    assert any("ingesloten" in line for line in found.uitleg)


def bowl_with_hole(cells):
    """Land that falls towards unknown cells in the middle of it."""
    rows, cols = np.indices((9, 9))
    level = np.hypot(rows - 4, cols - 4).astype(np.float32)
    level[cells] = np.nan
    return level


def leaving_cells(found):
    return {divmod(int(c), 9) for c in np.flatnonzero(found.network.downstream == -1)}


def test_a_hole_can_be_a_way_out():
    level = bowl_with_hole((slice(4, 5), slice(4, 5)))
    on_edge = {0, 8}
    shut, let_out = leaving_cells(flow(level)), leaving_cells(flow(level, holes="uitweg"))
    assert all(on_edge & set(cell) for cell in shut)
    assert any(not on_edge & set(cell) for cell in let_out)


def test_a_hole_that_reaches_the_edge_lets_water_out():
    level = bowl_with_hole((slice(4, 5), slice(4, 9)))
    assert any(max(abs(r - 4), abs(c - 4)) == 1 for r, c in leaving_cells(flow(level)))


def test_an_island_in_a_hole_drains_into_it():
    level = slope()
    level[2:7, 2:7] = np.nan
    level[4, 4], level[4, 5] = 3, 4
    found = flow(level)
    assert found.network.downstream[4 * 9 + 4] == -1
    assert any("gat" in line for line in found.uitleg)
    assert len(found.network.order) == int(np.isfinite(level).sum())


def test_an_outlet_takes_water():
    level, canal = slope(), np.zeros((9, 9), bool)
    canal[:, 4] = True
    level[:, 4] = -1
    found = flow(level, outlets=canal)
    assert end_of(found, 4 * 9 + 7) % 9 == 4


# --- open water ------------------------------------------------------------------------------------------------------


def mask(shape, *cells):
    found = np.zeros(shape, bool)
    for cell in cells:
        found[cell] = True
    return found


def test_water_ends_in_a_ditch_of_known_level():
    ditch = mask((9, 9), (slice(None), 4))
    level = slope()
    level[:, 4] = -1
    found = flow(level, water=ditch)
    assert (found.network.downstream.reshape(9, 9)[:, 4] == STAYS).all()
    assert {end_of(found, 4 * 9 + c) % 9 for c in (3, 5, 6, 7, 8)} == {4}
    assert any("open water" in line for line in found.uitleg)


def test_what_ends_in_open_water_is_not_told_as_leaving_the_data():
    pond = mask((9, 9), (4, 4))
    level = slope()
    level[4, 4] = level.min() - 5
    found = flow(level, water=pond)
    leaving = int((found.network.downstream == LEAVES).sum())
    assert leaving and f"water verlaat de gegevens in {leaving} cellen (rand, uitlaat of gat)" in found.uitleg


def test_a_depression_drains_into_water_of_its_own_level_not_over_its_rim():
    """A pond at 3 m in a bowl whose rim is at 9: without water the bowl fills up to the rim and runs over it."""
    rows, cols = np.indices((9, 9))
    level = (3 + 1.5 * np.maximum(abs(rows - 4), abs(cols - 4))).astype(np.float32)
    level[0, 4] = 8.5
    pond = mask((9, 9), (4, 4))
    wet, dry = flow(level, water=pond), flow(level)
    inner = [r * 9 + c for r in range(1, 8) for c in range(1, 8)]
    assert {end_of(wet, i) for i in inner} == {40}
    assert all({0, 8} & set(divmod(end_of(dry, i), 9)) for i in inner)


def test_land_below_the_level_of_water_rises_to_it():
    """A known ditch at 0 m keeps its level: land beside it at -1 fills up to 0 and drains into it, not out at 2 m."""
    level = np.full((5, 7), 2, np.float32)
    level[2, 3], level[2, 4] = 0, -1
    found = flow(level, water=mask((5, 7), (2, 3)))
    assert found.network.downstream[2 * 7 + 4] == 2 * 7 + 3


def test_unknown_water_lies_as_low_as_its_lowest_known_neighbour_ring_by_ring():
    level = np.full((7, 7), 5, np.float32)
    level[2:5, 2:5] = np.nan
    level[1, 1], level[5, 5] = 3, 4
    found = with_water_levels(level, np.isnan(level))
    assert found[2:5, 2:5].tolist() == [[3, 5, 5], [5, 3, 5], [5, 5, 4]]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_levels_of_water_against_rounds_over_all_cells(rows, cols, seed):
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 9, (rows, cols)).astype(np.float32)
    level[rng.random(level.shape) < 0.6] = np.nan
    water = rng.random(level.shape) < 0.7
    expected = level.copy()
    while True:
        wide, done = np.pad(expected, 1, constant_values=np.nan), True
        ring = {}
        for r, c in zip(*np.nonzero(water & np.isnan(expected)), strict=True):
            near = wide[r : r + 3, c : c + 3]
            if not np.isnan(near).all():
                ring[r, c], done = np.nanmin(near), False
        for cell, lowest in ring.items():
            expected[cell] = lowest
        if done:
            break
    np.testing.assert_array_equal(with_water_levels(level, water), expected)


def test_an_unknown_hole_that_is_water_takes_water_where_a_wall_turns_it():
    level = slope()
    level[3:6, 3:6] = np.nan
    hole = np.isnan(level)
    wall, pond = flow(level), flow(level, water=hole)
    above = 4 * 9 + 7
    assert end_of(wall, above) % 9 == 0
    assert hole.reshape(-1)[end_of(pond, above)]
    assert any("muren" in line for line in wall.uitleg) and not any("muren" in line for line in pond.uitleg)


def test_water_on_the_edge_of_the_data_is_no_way_out():
    """Unknown cells that reach the edge lie outside the data, unless they are water: then what enters stays."""
    level = bowl_with_hole((slice(4, 5), slice(4, 9)))
    found = flow(level, water=np.isnan(level))
    at = found.network.downstream.reshape(9, 9)
    assert (at[4, 4:] == STAYS).all()
    assert not any(r in (3, 5) and 3 < c < 8 for r, c in leaving_cells(found))


def test_water_that_no_known_cell_adjoins_is_still_water():
    level = slope()
    level[2:7, 2:7] = np.nan
    found = flow(level, water=mask((9, 9), (4, 4)))
    at = found.network.downstream.reshape(9, 9)
    assert at[4, 4] == STAYS and at[3, 3] == NO_PART
    alone = flow(np.full((3, 4), np.nan), water=mask((3, 4), (1, 1))).network
    assert alone.route(np.ones(12)).received.sum() == 1 and alone.route(np.ones(12)).leaving.sum() == 11


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 2**32 - 1), st.sampled_from([4, 1000]))
@settings(deadline=None, max_examples=80)
def test_directions_follow_the_rules_as_they_are_written(rows, cols, seed, heights):
    """On rough ground and on ground full of flats and ties, with water, holes and water in holes."""
    rng = np.random.default_rng(seed)
    level = (rng.integers(0, heights, (rows, cols)) / 7).astype(np.float32)
    level[rng.random(level.shape) < 0.15] = np.nan
    water = rng.random(level.shape) < rng.choice([0.0, 0.15])
    network = flow(level, water=water).network
    cells = list(np.ndindex(rows, cols))
    height, wet = {c: float(level[c]) for c in cells}, {c: int(water[c]) for c in cells}
    down = {c: None if d < 0 else divmod(int(d), cols) for c, d in zip(cells, network.downstream, strict=True)}
    assert broken_rules(down, height, wet, (rows, cols)) == []
    kinds = [STAYS if wet[c] else NO_PART if math.isnan(height[c]) else None for c in cells]
    assert all(k is None or d == k for d, k in zip(network.downstream.tolist(), kinds, strict=True))
    assert network.order.size == sum(k != NO_PART for k in kinds)
    routed = network.route(rng.exponential(1.0, network.size))
    assert routed.imbalance < 1e-9


def test_directions_that_are_given_end_in_open_water_too():
    codes = np.full((1, 5), 1, np.uint8)
    found = flow_from_codes(codes, grid_for(codes)).with_open_water(mask((1, 5), (0, 2)))
    assert found.network.downstream.tolist() == [1, 2, STAYS, 4, LEAVES]
    assert found.codes.tolist() == [[1, 1, 254, 1, 0]]
    again = flow_from_codes(found.codes, found.grid)
    np.testing.assert_array_equal(again.network.downstream, found.network.downstream)


def test_unknown_land_alone():
    found = flow(np.full((3, 4), np.nan))
    assert (found.network.downstream == -2).all()
    assert not found.known.any()
    assert found.network.order.size == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_small_grids(shape):
    found = flow(np.arange(np.prod(shape)).reshape(shape))
    assert found.network.downstream[0] == -1
    assert found.network.order.size == np.prod(shape)


def test_infinite_levels_are_unknown():
    assert not flow([[1, np.inf, 1]]).known[0, 1]


def test_indices_take_four_bytes():
    network = flow(slope()).network
    assert (network.downstream.dtype, network.order.dtype, network.step.dtype) == (np.int32, np.int32, np.uint8)
    need = memory_estimate(175_000_000)
    assert max(need.values()) < 24e9
    assert memory_estimate(2_000)["volgorde"] == 2 * memory_estimate(1_000)["volgorde"]


@pytest.mark.parametrize("wrong", [{"holes": "open"}, {"outlets": np.zeros((2, 2), bool)}])
def test_wrong_arguments(wrong):
    with pytest.raises((ArgumentError, GridMismatch)):
        flow(slope(), **wrong)


D8 = np.array([[2, 4, 8], [1, 0, 16], [128, 64, 32]], np.uint8)
LDD = np.array([[3, 2, 1], [6, 5, 4], [9, 8, 7]], np.uint8)


@pytest.mark.parametrize(
    "codes, kind", [(D8, "d8"), (LDD, "ldd"), (D8.astype(float), "d8"), (LDD.astype(np.int64), "ldd")]
)
def test_code_rasters(codes, kind):
    found = flow_from_codes(codes, grid_for(codes), kind)
    assert found.network.downstream.tolist() == [4, 4, 4, 4, -1, 4, 4, 4, 4]
    assert found.codes.tolist() == D8.tolist()


def test_codes_that_lead_out():
    codes = np.array([[16, 1, 247], [64, 4, 255]], np.uint8)
    assert flow_from_codes(codes, grid_for(codes)).network.downstream.tolist() == [-1, -1, -2, 0, -1, -1]


def test_codes_come_back_as_they_were():
    level = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    level[5:8, 5:8] = np.nan
    found = flow(level)
    again = flow_from_codes(found.codes, found.grid)
    np.testing.assert_array_equal(again.network.downstream, found.network.downstream)
    np.testing.assert_array_equal(again.network.step, found.network.step)


@pytest.mark.parametrize("value", [3, 300, -1, 1.5, np.inf])
def test_an_invalid_code_is_named_with_its_cell(value):
    codes = D8.astype(float)
    codes[1, 2] = value
    with pytest.raises(LayerError, match="row 1, column 2") as caught:
        flow_from_codes(codes, grid_for(codes))
    assert "128" in str(caught.value)


def test_a_circle_is_named_with_its_first_cell():
    codes = np.array([[1, 1, 4], [0, 64, 16]], np.uint8)
    with pytest.raises(Circular, match=r"row 0, column 1 \(x=1007.5, y=1997.5\)"):
        flow_from_codes(codes, grid_for(codes))


def test_codes_must_fit_the_grid():
    with pytest.raises(GridMismatch):
        flow_from_codes(D8, Grid(0, 0, 1, 1, 2, 3))
    with pytest.raises(ArgumentError, match="kind"):
        flow_from_codes(D8, grid_for(D8), "nextxy")


def dataset_of(level, **others):
    layers = {n: np.asarray(v, np.float32) for n, v in ({"maaiveld": level} | others).items()}
    return dataset_on(grid_for(level), {n: (v, {}) for n, v in layers.items()})


def broken(monkeypatch):
    def fill(*_):
        raise AssertionError("directions were found anew")

    monkeypatch.setattr(flow_module, "_fill", fill)


def test_kept_directions_are_reused(tmp_path, monkeypatch):
    layers = dataset_of(slope())
    first = flow_of(layers, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    assert first.sha256[:16] in file.name
    broken(monkeypatch)
    again = flow_of(layers, tmp_path / "new")
    np.testing.assert_array_equal(again.network.downstream, first.network.downstream)
    assert (again.sha256, again.uitleg) == (first.sha256, first.uitleg)
    with pytest.raises(AssertionError, match="anew"):
        flow_of(dataset_of(slope() + 1), tmp_path / "new")
    with pytest.raises(AssertionError, match="anew"):
        flow_of(layers, tmp_path / "new", holes="uitweg")
    with pytest.raises(AssertionError, match="anew"):
        flow_of(dataset_of(slope(), water=np.eye(9)), tmp_path / "new")


@pytest.mark.parametrize("harm", ["truncated", "text", "foreign", "changed"])
def test_a_broken_or_foreign_file_is_found_anew(tmp_path, harm):
    layers = dataset_of(slope())
    first = flow_of(layers, tmp_path)
    (file,) = tmp_path.iterdir()
    if harm == "truncated":
        file.write_bytes(file.read_bytes()[:200])
    elif harm == "text":
        file.write_text("no raster")
    elif harm == "foreign":
        other = tmp_path / "other"
        flow_of(dataset_of(slope()[::-1] * 2), other)
        file.write_bytes(next(other.iterdir()).read_bytes())
    else:
        import rasterio

        with rasterio.open(file, "r+") as raster:
            raster.write(np.full((9, 9), 4, np.uint8), 1)
    again = flow_of(layers, tmp_path)
    np.testing.assert_array_equal(again.network.downstream, first.network.downstream)


def test_without_maaiveld_there_are_no_directions():
    assert flow_of(xr.Dataset({"kwel": (("y", "x"), np.zeros((2, 2)))})) is None


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path):
    (tmp_path / "file").write_text("")
    assert flow_of(dataset_of(slope()), tmp_path / "file") is not None


def test_directions_of_another_grid_are_refused():
    found = flow(slope())
    assert on_grid(found, found.grid) is found
    with pytest.raises(GridMismatch, match="stroming"):
        on_grid(found, Grid(1005.0, 2000.0, 5, 5, 9, 9))
    with pytest.raises(GridMismatch, match="stroming"):
        on_grid(found, Grid(1000.0, 2000.0, 2.5, 2.5, 9, 9))


@pytest.fixture(scope="module")
def ahn():
    import rasterio

    with rasterio.open(ahn_tile()) as file:
        level = file.read(1, masked=True).filled(np.nan)
    return flow_from_maaiveld(level, Grid(32300.0, 371600.0, 5, 5, 400, 400)), level


@pytest.mark.shared
def test_ahn_every_known_cell_has_a_way_out(ahn):
    found, level = ahn
    assert found.network.order.size == np.isfinite(level).sum()
    assert (found.network.downstream.reshape(level.shape)[np.isnan(level)] == -2).all()


@pytest.mark.shared
def test_ahn_is_conserved_and_adjoint(ahn):
    network = ahn[0].network
    rng = np.random.default_rng(3)
    source = rng.exponential(1.0, network.size)
    value = np.where(rng.random(network.size) < 0.05, np.nan, rng.random(network.size))
    routed, exposure = network.route(source), network.expose(value)
    assert routed.imbalance < 1e-9
    there = (routed.source * exposure).sum()
    assert there == pytest.approx((routed.received * np.nan_to_num(value)).sum(), rel=1e-9)


@pytest.mark.shared
def test_ahn_without_damping_is_pyflwdirs_accumulation(ahn):
    import pyflwdir

    found, level = ahn
    theirs = pyflwdir.from_array(found.codes, ftype="d8")
    area = theirs.upstream_area("cell").reshape(-1)
    routed = found.network.route(np.ones(found.network.size), math.inf)
    known = np.isfinite(level).reshape(-1)
    np.testing.assert_array_equal((routed.passing + routed.source)[known], area[known])


@pytest.mark.shared
def test_ahn_filled_surface_never_rises_downstream(ahn):
    found, level = ahn
    edge, _ = flow_module._ways_out(np.isfinite(level), "dicht")
    way_out = edge | (found.codes == 0)
    filled, _ = flow_module._fill(level, way_out)
    down = found.network.downstream
    inner = down >= 0
    rounding = 1e-6
    assert (filled.reshape(-1)[inner] >= filled.reshape(-1)[down[inner]] - rounding).all()
