"""What a file stores together is decoded once for the blocks that share it, in bounded memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio

from tests.batch.test_runner import digests
from waterbodem.batch import compute, runner
from waterbodem.batch.compute import GDAL_CACHE, gdal_cache_bytes
from waterbodem.batch.job import BLOCK, open_job
from waterbodem.core.grid import Grid
from waterbodem.layers.raster import Block, files_kept_open

ROWS, COLS = BLOCK[0], 2 * BLOCK[1]
ASKED = 'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\nmaps = ["geschiktheid"]\npictures = false\n'
LAYER = '[layers.kwel]\npath = "kwel.tif"\nunit = "mm/d"\nsign = "up"\n'


def layer(folder, rows, cols, **stored):
    """A run over one layer, stored as asked."""
    values = np.random.default_rng(rows).uniform(-1, 1, (rows, cols)).astype(np.float32)
    grid = Grid(200_000, 600_000, 5, 5, rows, cols, "EPSG:28992")
    size = {"driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": "float32", "crs": grid.crs}
    place = rasterio.Affine(5, 0, grid.left, 0, -5, grid.top)
    folder.mkdir(exist_ok=True)
    with rasterio.open(folder / "kwel.tif", "w", transform=place, compress="zstd", **size, **stored) as file:
        file.write(values, 1)
    (folder / "lagen.toml").write_text(LAYER, encoding="utf-8")
    (folder / "run.toml").write_text(ASKED, encoding="utf-8")
    return folder / "run.toml", values


def test_blocks_beside_each_other_share_what_was_decoded(tmp_path):
    """Once strips are decoded, their bytes in the file no longer matter."""
    run_file, values = layer(tmp_path, ROWS, COLS, tiled=False, blockysize=ROWS // 4)
    job = open_job(run_file)
    source = job.stack.sources["kwel"].file
    path = tmp_path / "kwel.tif"
    with rasterio.Env(GDAL_CACHEMAX=gdal_cache_bytes(job)), files_kept_open(), source.opened() as file:
        first, _ = source.read(file, Block(0, 0, *BLOCK))
        with path.open("r+b") as damaged:
            damaged.seek(4096)
            damaged.write(bytes(path.stat().st_size - 8192))
        last, _ = source.read(file, Block(0, BLOCK[1], *BLOCK))
    np.testing.assert_array_equal(np.hstack([first, last]), values)


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        ((512, 512), (0, 0)),  # whole tiles: nobody else needs them
        ((256, 256), (0, 0)),
        ((2048, 512), (2048, BLOCK[1] + 512)),  # no more rows than there are
        ((1, COLS), (513, COLS)),
    ],
)
def test_bytes_that_blocks_share(tmp_path, tile, expected):
    stored = {"tiled": tile[1] != COLS, "blockysize": tile[0], "blockxsize": tile[1]}
    run_file, _ = layer(tmp_path, 2048, COLS, **stored)
    job = open_job(run_file)
    assert job.stack.sources["kwel"].file.shared(job.grid, BLOCK) == expected[0] * expected[1] * 4


@pytest.mark.parametrize(("rows", "cols"), [(1, 0), (0, 1), (-511, 0)])
def test_blocks_that_begin_within_a_tile_share_it(tmp_path, rows, cols):
    run_file, _ = layer(tmp_path, 2048, COLS, tiled=True, blockysize=512, blockxsize=512)
    file = open_job(run_file).stack.sources["kwel"].file
    moved = replace(file.grid, top=file.grid.top - 5 * rows, left=file.grid.left + 5 * cols)
    assert file.shared(moved, BLOCK) == 1024 * (BLOCK[1] + 512) * 4


def test_cells_of_another_size_share_tiles(tmp_path):
    run_file, _ = layer(tmp_path, 2048, COLS, tiled=True, blockysize=512, blockxsize=512)
    file = open_job(run_file).stack.sources["kwel"].file
    assert file.shared(replace(file.grid, dx=10.0, dy=10.0), BLOCK) == 1024 * (BLOCK[1] + 512) * 4


def test_what_may_be_kept_grows_with_layers_and_threads_and_has_bounds(tmp_path, monkeypatch):
    run_file, _ = layer(tmp_path, 2048, COLS, tiled=False, blockysize=1)
    job = open_job(run_file)
    monkeypatch.setattr(compute, "thread_count", lambda: 3)
    assert gdal_cache_bytes(job) == 3 * 513 * COLS * 4
    monkeypatch.setattr(compute, "thread_count", lambda: 1000)
    assert gdal_cache_bytes(job) == GDAL_CACHE[1]
    monkeypatch.setattr(compute, "thread_count", lambda: 1)
    assert gdal_cache_bytes(job) == GDAL_CACHE[0]


@pytest.mark.parametrize("bytes_kept", [1, 1 << 28])
def test_no_number_depends_on_what_is_kept(tmp_path, monkeypatch, bytes_kept):
    run_file, _ = layer(tmp_path / "a", 600, COLS, tiled=False, blockysize=7)
    assert runner.run(run_file).complete
    reference = digests(tmp_path / "a" / "uit")
    other, _ = layer(tmp_path / "b", 600, COLS, tiled=False, blockysize=7)
    monkeypatch.setattr(compute, "gdal_cache_bytes", lambda _job: bytes_kept)
    assert runner.run(other).complete
    assert digests(tmp_path / "b" / "uit") == reference
