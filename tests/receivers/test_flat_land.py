"""Flat land: against the twin, on real ground level, and where nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

import waterbodem as wb
from tests.support.grids import ahn_tile
from tests.support.twins import flat_land as twin
from waterbodem.core.dataset import dataset_of
from waterbodem.core.grid import Grid
from waterbodem.receivers.flat_land import is_flat, plane, within
from waterbodem.receivers.land import land_of

PLAN = shapely.Polygon([(1480, 1490), (1630, 1520), (1540, 1600)])


def land(level, size=40.0, **others):
    level = np.asarray(level, np.float32)
    grid = Grid(0.0, size * level.shape[0], size, size, *level.shape, "EPSG:28992")
    layers = {"maaiveld": level} | {n: np.broadcast_to(np.float32(v), level.shape) for n, v in others.items()}
    return land_of(dataset_of(grid, {n: (np.array(v), {}) for n, v in layers.items()}))


def ground(gradient, noise, seed=0, rows=80, cols=80):
    rng = np.random.default_rng(seed)
    return gradient * 40.0 * np.arange(cols)[None, :] + rng.normal(0, noise, (rows, cols))


@pytest.mark.parametrize(
    ("gradient", "noise", "flat"),
    [(0.0, 0.1, True), (0.0008, 0.2, True), (0.0013, 0.1, False), (0.0, 0.45, False), (0.01, 1.0, False)],
)
def test_flat_is_a_gentle_plane_with_little_left(gradient, noise, flat):
    here = land(ground(gradient, noise))
    assert is_flat(here, PLAN) is flat
    grid = here.grid
    level = here.layer("maaiveld")
    heights = [(x, y, level[r, c]) for r, y in enumerate(grid.y) for c, x in enumerate(grid.x)]
    assert twin.is_flat(PLAN, heights) is flat
    near = np.array(twin.near(PLAN, heights))
    assert plane(*near.T) == pytest.approx(twin.plane(near), rel=1e-9)


def test_cells_within_a_distance_are_measured_exactly():
    for size, radius, left, top in ((40.0, 1000.0, 1000.0, 2100.0), (3.0, 70.0, 1470.0, 1640.0)):
        grid = Grid(left, top, size, size, 60, 55)
        x, y = np.meshgrid(grid.x, grid.y)
        expected = shapely.distance(PLAN, shapely.points(x, y)) <= radius
        np.testing.assert_array_equal(within(PLAN, radius, grid), expected)
        assert 0 < expected.sum() < expected.size


def test_nothing_is_said_where_ditches_are_known_or_too_little_is():
    flat = ground(0.0, 0.1)
    assert not is_flat(land(flat, water=0.0), PLAN)
    few = np.full((80, 80), np.nan)
    few[40, :99] = few[41, :19] = 0.0
    assert not is_flat(land(few), PLAN)
    few[39:42, 20:60] = 0.0
    assert is_flat(land(few), PLAN)
    assert not is_flat(land_of(wb.example().drop_vars("maaiveld")), PLAN)


def test_the_built_in_area_is_not_flat():
    here = land_of(wb.example().drop_vars("water"))
    assert not any(is_flat(here, plan) for plan in wb.example_plans().geometry)


@pytest.mark.shared
def test_a_polder_is_flat():
    import rasterio

    with rasterio.open(ahn_tile()) as file:
        level = file.read(1, masked=True).filled(np.nan)
    grid = Grid(32300.0, 371600.0, 5.0, 5.0, 400, 400, "EPSG:28992")
    here = land_of(dataset_of(grid, {"maaiveld": (level, {})}))
    assert is_flat(here, shapely.Point(33200, 370700).buffer(180))
