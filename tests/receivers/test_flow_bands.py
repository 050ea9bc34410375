"""The sweep in bands of rows: the same bytes as in one go, also where water winds across every border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyflwdir")

from waterbodem.core.errors import Circular
from waterbodem.core.grid import Grid
from waterbodem.receivers.flow import flow_from_codes, flow_from_maaiveld
from waterbodem.receivers.flow_bands import expose_in_bands


def whole(flow, value, damping=None, beyond=0.0):
    return flow.network.expose(value, damping, beyond).reshape(flow.grid.shape)


def banded(codes, value, grid, height, damping=None, beyond=0.0):
    out = np.full(grid.shape, -1.0)
    written = []

    def write(rows, found):
        written.append(rows.start)
        out[rows] = found

    count = expose_in_bands(lambda r: codes[r], lambda r: value[r], grid, height, write, damping, beyond)
    assert sorted(written) == list(range(0, grid.rows, height)), "every band is written once"
    return out, count


@given(
    st.integers(1, 40),
    st.integers(1, 25),
    st.integers(1, 41),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.0, 1.0]),
)
@settings(deadline=None, max_examples=80)
def test_any_height_gives_the_same_bytes(rows, cols, height, seed, holes, beyond):
    rng = np.random.default_rng(seed)
    level = rng.random((rows, cols)).astype(np.float32)
    level[rng.random(level.shape) < holes] = np.nan
    grid = Grid(0.0, 5.0 * rows, 5.0, 5.0, rows, cols)
    flow = flow_from_maaiveld(level, grid, water=rng.random(level.shape) < holes)
    value = np.where(rng.random(level.shape) < 0.1, np.nan, rng.random(level.shape)).astype(np.float32)
    found, _ = banded(flow.codes, value, grid, height, 30.0, beyond)
    assert found.tobytes() == whole(flow, value, 30.0, beyond).tobytes()


def test_water_that_crosses_every_border_many_times():
    """A meander: up one column, down the next, through every band each time."""
    rows, cols = 12, 9
    codes = np.zeros((rows, cols), np.uint8)
    codes[:, 0::2], codes[:, 1::2] = 64, 4
    codes[0, 0:-1:2], codes[-1, 1:-1:2] = 1, 1
    codes[0, -1] = 0
    grid = Grid(0.0, 60.0, 5.0, 5.0, rows, cols)
    flow = flow_from_codes(codes, grid)
    assert (flow.network.downstream == -1).sum() == 1
    value = np.random.default_rng(1).random((rows, cols))
    found, count = banded(codes, value, grid, 4)
    assert found.tobytes() == whole(flow, value).tobytes()
    assert count > 3, "bands were gone through again"


@pytest.mark.parametrize("height", [1, 2, 4])
def test_a_circle_is_refused_with_a_cell_of_it(height):
    codes = np.array([[1, 4], [64, 16], [64, 64], [1, 0]], np.uint8)
    with pytest.raises(Circular) as caught:
        banded(codes, np.ones((4, 2)), Grid(0, 4, 1, 1, 4, 2), height)
    assert caught.value.cell in (0, 1, 2, 3)
