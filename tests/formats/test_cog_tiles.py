"""Tiles, overviews and the frame of a COG: slow twins, and readers that are not ours."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.errors import RasterioError
from rio_cogeo import cog_validate

from waterbodem.batch import mosaic
from waterbodem.batch.compute import PartMap
from waterbodem.batch.mosaic import PartPlace, stage_map
from waterbodem.batch.part_file import PartReader, PartWriter, is_whole
from waterbodem.core.errors import CorruptLayer
from waterbodem.core.files import staging
from waterbodem.core.grid import Grid
from waterbodem.definitions.legends import legend
from waterbodem.formats.cog import tiff, tiles
from waterbodem.formats.cog.tiles import TILE, Pyramid, encode, kind_of, tiles_of

RD = "EPSG:28992"
MEAN, MODE, FLOAT = kind_of(), kind_of(classes=True), kind_of(floats=True)
KINDS = {"mean": MEAN, "mode": MODE, "float": FLOAT}


# --- twins: the docstrings, cell by cell -----------------------------------------------------------------------------


def quads(values):
    """The cells of every 2 x 2 in reading order; fewer at an odd edge."""
    rows, cols = values.shape
    for i in range((rows + 1) // 2):
        for j in range((cols + 1) // 2):
            yield i, j, values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(-1).tolist()


def twin_half(values, kind):
    out = np.full(((values.shape[0] + 1) // 2, (values.shape[1] + 1) // 2), kind.nothing, kind.dtype)
    for i, j, cells in quads(values):
        known = [v for v in cells if v != 255 and not math.isnan(v)]
        if not known:
            continue
        if kind is MODE:
            often = Counter(known)
            out[i, j] = next(v for v in known if often[v] == max(often.values()))
        elif kind is MEAN:
            out[i, j] = math.floor(sum(known) / len(known) + 0.5)
        else:
            out[i, j] = np.float32(math.fsum(known) / len(known))
    return out


def small(kind):
    shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
    if kind is FLOAT:
        cells = st.sampled_from([math.nan, 0.0, 0.5, 1.0]) | st.floats(0, 1, width=32)
    else:
        cells = st.sampled_from([255, 255, 0, 1, 2, 254]) | st.integers(0, 255)
    return shapes.flatmap(lambda shape: arrays(kind.dtype, shape, elements=cells))


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_half_as_fine_equals_the_twin(name, data):
    values = data.draw(small(KINDS[name]))
    np.testing.assert_array_equal(KINDS[name].half(values), twin_half(values, KINDS[name]))


@pytest.mark.parametrize(
    "cells", [[0, 1, 254, 255], [3, 3, 3, 3], [255] * 4, [7, 255, 255, 255], [1, 2, 2, 255], [1, 2, 3, 4]]
)
def test_means_and_modes_known_by_hand(cells):
    want = {
        (0, 1, 254, 255): (85, 0),
        (3, 3, 3, 3): (3, 3),
        (255, 255, 255, 255): (255, 255),
        (7, 255, 255, 255): (7, 7),
        (1, 2, 2, 255): (2, 2),
        (1, 2, 3, 4): (3, 1),
    }[tuple(cells)]
    values = np.array(cells, np.uint8).reshape(2, 2)
    assert (int(MEAN.half(values)[0, 0]), int(MODE.half(values)[0, 0])) == want


def random_map(rows, cols, kind, seed=1, empty=True):
    """A map with holes, and tiles of nothing but nodata."""
    rng = np.random.default_rng(seed)
    if kind is FLOAT:
        values = rng.random((rows, cols), np.float32)
        values[rng.random((rows, cols)) < 0.3] = np.nan
    else:
        values = rng.integers(0, 101 if kind is MEAN else 6, (rows, cols)).astype(np.uint8)
        values[rng.random((rows, cols)) < 0.3] = 255
    if empty:
        values[: rows // 2, cols // 3 :] = kind.nothing
    return values


def pyramid_twin(values, kind, count):
    found = []
    for _ in range(count):
        values = twin_half(values, kind)
        found.append(values)
    return found


@pytest.mark.parametrize("pieces", [[1, 255, 256, 3], [515], [256, 256, 3], [2] * 257 + [1]])
def test_a_pyramid_does_not_depend_on_how_rows_come(pieces):
    values = random_map(515, 130, MEAN)
    got = []
    pyramid = Pyramid(130, 3, MEAN, lambda level, tile: got.append((level, tile)))
    at = 0
    for n in pieces:
        pyramid.push(values[at : at + n])
        at += n
    pyramid.close()
    want, level = [], values
    for number in range(3):
        want += [(number, encode(t) if t is not None else tiles.empty_tile(MEAN)) for _, _, t in tiles_of(level, MEAN)]
        level = MEAN.half(level)
    assert sorted(got, key=lambda g: g[0]) == want


@pytest.mark.parametrize("name", KINDS)
def test_a_tile_comes_back_as_it_was(name):
    kind = KINDS[name]
    values = random_map(TILE, TILE, kind, empty=False)
    assert tiles.decode(encode(values), kind).tobytes() == values.tobytes()


def test_a_pyramid_takes_tiles_that_exist_only_where_they_are_whole():
    values = random_map(600, 130, MEAN)
    stamp, got = [b"as it is"], []
    pyramid = Pyramid(130, 2, MEAN, lambda level, tile: got.append((level, tile)))
    pyramid.push(values[:256], tiles=stamp)
    pyramid.push(values[256:300], tiles=stamp)  # half a tile
    pyramid.push(values[300:556], tiles=stamp)  # a whole one, at half a tile
    pyramid.close()
    first = [tile for level, tile in got if level == 0]
    assert first == [*stamp, encode(tiles_whole(values[256:512])), encode(tiles_whole(values[512:556]))]


def tiles_whole(cells):
    out = np.full((TILE, TILE), 255, np.uint8)
    out[: cells.shape[0], : cells.shape[1]] = cells
    return out


# --- files: read by GDAL ---------------------------------------------------------------------------------------------


def write_parts(folder, values, kind, part_rows=512):
    """Write a map as the part files of a run."""
    grid = Grid(230_000, 560_000, 5, 5, *values.shape, RD)
    places = []
    for first in range(0, values.shape[0], part_rows):
        cells = values[first : first + part_rows]
        rows, cols = cells.shape
        index = np.zeros((1, -(-rows // TILE), -(-cols // TILE), 3), np.int64)
        half = kind.half(np.ascontiguousarray(cells))
        halves = np.zeros((1, -(-half.shape[0] // TILE), -(-half.shape[1] // TILE), 3), np.int64)
        path = folder / f"{first}.part"
        with path.open("wb") as file:
            writer = PartWriter(file, path.name)
            for r, c, tile in tiles_of(cells, kind):
                if tile is not None:
                    index[0, r, c] = writer.add(encode(tile))
            for r, c, tile in tiles_of(half, kind):
                if tile is not None:
                    halves[0, r, c] = writer.add(encode(tile))
            writer.finish({"tiles": index, "halves": halves})
        places.append(PartPlace(path, grid.part(slice(first, first + rows), slice(0, cols))))
    return grid, places


def write_map(folder, values, kind, part_rows=512):
    grid, places = write_parts(folder, values, kind, part_rows)
    colours = None if kind is FLOAT else legend("klasse" if kind is MODE else "geschiktheid", [])
    final = folder / "kaart.tif"
    with staging() as stage:
        stage_map(stage, final, places, (0, PartMap("kaart", "kaart", kind)), grid, colours, "een kaart")
    return final, grid


def check_read(final, values, kind, grid):
    """What GDAL reads is what was written: cells, place, overviews, layout."""
    with rasterio.open(final) as file:
        np.testing.assert_array_equal(file.read(1), values)
        assert file.transform == Affine(5, 0, grid.left, 0, -5, grid.top)
        assert file.crs.to_epsg() == 28992
        assert file.descriptions == ("een kaart",)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (file.nodata == 255) if kind is not FLOAT else math.isnan(file.nodata)
        factors = file.overviews(1)
        count = len(factors)
    for level, want in enumerate(pyramid_twin(values, kind, count)):
        with rasterio.open(final, OVERVIEW_LEVEL=level) as file:
            np.testing.assert_array_equal(file.read(1), want, f"overview {level}")
    return factors


SHAPES = [(1, 1), (1, 300), (300, 1), (255, 257), (256, 256), (257, 255), (513, 40), (600, 2100)]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gdal_reads_what_was_written(tmp_path, shape, kind):
    values = random_map(*shape, kind)
    final, grid = write_map(tmp_path, values, kind)
    factors = check_read(final, values, kind, grid)
    assert all(2 ** (k + 1) == pytest.approx(f, rel=0.5) for k, f in enumerate(factors))
    valid, errors, warned = cog_validate(final, strict=True)
    assert valid, (errors, warned)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_bigtiff_is_read_alike(tmp_path, monkeypatch, kind):
    values = random_map(600, 700, kind)
    classic, _ = write_map(tmp_path, values, kind)
    assert classic.read_bytes()[:4] == b"II*\0"
    monkeypatch.setattr(tiff, "_CLASSIC_END", 1000)
    final, grid = write_map(tmp_path, values, kind)
    assert final.read_bytes()[:4] == b"II+\0"
    check_read(final, values, kind, grid)
    valid, errors, _ = cog_validate(final, strict=True)
    assert valid, errors


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_nothing_but_nodata_is_a_valid_map(tmp_path, kind):
    values = np.full((300, 700), kind.nothing, kind.dtype)
    final, grid = write_map(tmp_path, values, kind)
    check_read(final, values, kind, grid)
    assert cog_validate(final, strict=True)[0]


@pytest.mark.parametrize("kind", [MODE, FLOAT], ids=["mode", "float"])
def test_floats_and_codes_with_every_bit_pattern(tmp_path, kind):
    """The floating-point predictor must not mind infinities, denormals and negative zero."""
    rng = np.random.default_rng(5)
    bits = rng.integers(0, 2**32, (256, 300), np.uint32).view(np.float32)
    values = (
        np.where(np.isnan(bits), np.float32(np.nan), bits)
        if kind is FLOAT
        else rng.integers(0, 256, (256, 300)).astype(np.uint8)
    )
    final, _ = write_map(tmp_path, values, kind)
    with rasterio.open(final) as file:
        read = file.read(1)
    assert read.tobytes() == np.ascontiguousarray(values).tobytes()


def test_two_digests_of_one_map_are_equal(tmp_path):
    values = random_map(600, 700, MEAN)
    first, _ = write_map(tmp_path, values, MEAN)
    before = first.read_bytes()
    assert write_map(tmp_path, values, MEAN)[0].read_bytes() == before


def test_a_bit_that_flips_in_a_map_is_noticed_by_whoever_reads_it(tmp_path):
    """But in the last row of tiles, which GDAL decodes no further than it needs: there only the sha256 tells."""
    values = random_map(512, 300, MEAN, empty=False)
    final, _ = write_map(tmp_path, values, MEAN)
    good = final.read_bytes()
    with rasterio.open(final) as file:
        names = [f"{r}_{c}" for r in (0, 1) for c in (0, 1)]
        starts, sizes = (
            [int(file.get_tag_item(f"BLOCK_{what}_{n}", "TIFF", bidx=1)) for n in names] for what in ("OFFSET", "SIZE")
        )
    rng = np.random.default_rng(8)
    for start, size in zip(starts, sizes, strict=True):
        for at in rng.integers(start, start + size, 25):
            data = bytearray(good)
            data[at] ^= 1 << int(rng.integers(8))
            final.write_bytes(data)
            try:
                with rasterio.open(final) as file:
                    read = file.read(1)
            except RasterioError:
                continue
            np.testing.assert_array_equal(read, values, f"byte {at} of {start} + {size}")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("part_rows", [256, 768, 1536])
def test_a_map_does_not_depend_on_the_rows_of_a_part(tmp_path, name, part_rows):
    values = random_map(1301, 700, KINDS[name])
    want = write_map(tmp_path, values, KINDS[name])[0].read_bytes()
    assert write_map(tmp_path, values, KINDS[name], part_rows)[0].read_bytes() == want


# --- part files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def part(tmp_path):
    _, places = write_parts(tmp_path, random_map(300, 300, MEAN), MEAN)
    return places[0].path


def everything(path):
    with PartReader(path) as part:
        return [part.blob(e) for n in ("tiles", "halves") for e in part[n].reshape(-1, 3)]


def test_any_flipped_bit_of_a_part_is_noticed(part):
    good, want = part.read_bytes(), everything(part)
    rng = np.random.default_rng(2)
    places = [*rng.integers(0, len(good), 150), *range(len(good) - 30, len(good))]
    for at in places:
        data = bytearray(good)
        data[at] ^= 1 << int(rng.integers(8))
        part.write_bytes(data)
        assert not is_whole(part), at
        with pytest.raises(CorruptLayer):
            everything(part)
    part.write_bytes(good)
    assert is_whole(part)
    assert everything(part) == want


@pytest.mark.parametrize("keep", [0, 1, 19, 20, 0.5, 0.99])
def test_a_part_cut_short_is_noticed(part, keep):
    data = part.read_bytes()
    part.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    assert not is_whole(part)


def test_a_part_under_the_name_of_another_is_noticed(part):
    other = part.with_name("other.part")
    other.write_bytes(part.read_bytes())
    assert is_whole(part)
    assert not is_whole(other)


def test_a_map_of_a_damaged_part_does_not_appear(tmp_path):
    values = random_map(300, 300, MEAN)
    grid, places = write_parts(tmp_path, values, MEAN)
    data = bytearray(places[0].path.read_bytes())
    data[100] ^= 4
    places[0].path.write_bytes(data)
    final = tmp_path / "kaart.tif"
    with pytest.raises(CorruptLayer), staging() as stage:
        stage_map(
            stage, final, places, (0, PartMap("kaart", "kaart", MEAN)), grid, legend("geschiktheid", []), "een kaart"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["0.part"]


def test_overviews_that_do_not_fit_in_memory_go_to_a_file_and_are_the_same(tmp_path, monkeypatch):
    values = random_map(600, 700, MEAN)
    before = write_map(tmp_path, values, MEAN)[0].read_bytes()
    monkeypatch.setattr(mosaic, "IN_MEMORY", 64)
    assert write_map(tmp_path, values, MEAN)[0].read_bytes() == before
