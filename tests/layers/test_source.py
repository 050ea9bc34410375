"""One layer by window: values, holes, resampling, broken files; oracles are sums done apart."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import Resampling, reproject
from shapely import Point, Polygon

from tests.support.layer_files import LEFT, RD, TOP, catalogue, layer, polygons, raster, square
from waterbodem.core.errors import (
    CorruptLayer,
    GridMismatch,
    LayerError,
    NotARaster,
    WaterbodemError,
)
from waterbodem.core.grid import Grid
from waterbodem.layers.resample import pieces
from waterbodem.layers.stack import open_catalogue

NAN, INF = np.nan, np.inf


def source(folder, text, name=None):
    """Open the only layer of a catalogue, or raise what is wrong with it."""
    stack = open_catalogue(catalogue(folder, text))
    if stack.file_problems:
        raise stack.file_problems[0]
    return next(iter(stack.sources.values())) if name is None else stack.sources[name]


def one(folder, values, kind="droogte", unit="%", *, keys=None, **file):
    """Write a raster and open it as a layer."""
    raster(folder / "a.tif", values, **file)
    return source(folder, layer(kind, "a.tif", unit, **(keys or {})))


def same_bytes(a, b):
    return a.dtype == b.dtype == np.float32 and a.shape == b.shape and a.tobytes() == b.tobytes()


# --- values -------------------------------------------------------------------------------------


def test_units_sign_and_zero(tmp_path):
    kwel = one(tmp_path, np.float32([[-0.002, 0.0, 0.004, NAN]]), "kwel", "m/d", keys={"sign": '"down"'})
    got = kwel.read(kwel.grid)
    assert same_bytes(got, np.float32([[0.002 * 1000, 0.0, -4.0, NAN]]).astype(np.float32)) or (
        np.allclose(got, [[2, 0, -4, NAN]], equal_nan=True, rtol=1e-7)
    )
    assert not np.signbit(got[0, 1])


@pytest.mark.parametrize("sign, expected", [("up", [[0.4, -0.25]]), ("down", [[-0.4, 0.25]])])
def test_groundwater_sign(tmp_path, sign, expected):
    ghg = one(tmp_path, np.int16([[-40, 25]]), "ghg", "cm", keys={"sign": f'"{sign}"'})
    assert same_bytes(ghg.read(ghg.grid), np.float32(expected))


def test_order_of_nodata_absent_scale_unit(tmp_path):
    """Nodata and absent hold for raw numbers: 30 is nodata, though 3 x 10 is 30 too."""
    raw = np.int16([[3, 30, 9999, -9999]])
    keileem = one(
        tmp_path, raw, "keileemdiepte", "dm", scale=10.0, offset=5.0, nodata=-9999,
        keys={"nodata": 30, "absent": 9999, "range": "[-10000, 100]"},
    )  # fmt: skip
    expected = np.float32([[3.5, NAN, INF, -9998.5]])
    assert np.array_equal(keileem.read(keileem.grid), expected, equal_nan=True)


@pytest.mark.parametrize(
    "dtype, nodata",
    [("uint8", 255), ("int16", -9999), ("float32", -9999), ("float32", -3.4028234663852886e38),
     ("float64", -1.7976931348623157e308), ("float32", NAN), ("float32", INF),
     ("int32", -2147483647)],
)  # fmt: skip
def test_nodata_of_the_file(tmp_path, dtype, nodata):
    values = np.array([[7, 0, 50]]).astype(dtype)
    values[0, 1] = nodata
    droogte = one(tmp_path, values, nodata=nodata)
    assert np.array_equal(droogte.read(droogte.grid), np.float32([[7, NAN, 50]]), equal_nan=True)


def test_not_finite_is_unknown_and_zero_is_data(tmp_path):
    droogte = one(tmp_path, np.float32([[INF, -INF, NAN, 0.0]]))
    assert np.array_equal(droogte.read(droogte.grid), [[NAN, NAN, NAN, 0]], equal_nan=True)


def test_the_mask_of_a_file_counts(tmp_path):
    raster(tmp_path / "a.tif", np.uint8([[1, 2]]))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "a.tif", "r+") as out:
        out.write_mask(np.array([[True, False]]))
    droogte = source(tmp_path, layer("droogte", "a.tif", "%"))
    assert np.array_equal(droogte.read(droogte.grid), [[1, NAN]], equal_nan=True)


def test_bands_and_classes_of_scaled_and_float_codes(tmp_path):
    values = np.stack([np.full((1, 3), 99), [[1, 2, 3]]]).astype(np.int16)
    keys = {"band": 2, "classes": '{ "0.1" = 10, "0.2" = 20, "0.3" = nan }'}
    droogte = one(tmp_path, values, scale=0.1, keys=keys)
    assert np.array_equal(droogte.read(droogte.grid), [[10, 20, NAN]], equal_nan=True)
    plain = one(tmp_path, np.float32([[0.1, 0.2, 0.3]]), keys={"classes": keys["classes"]})
    assert np.array_equal(plain.read(plain.grid), [[10, 20, NAN]], equal_nan=True)


def test_class_values_are_in_unit_and_follow_sign(tmp_path):
    ghg = one(
        tmp_path,
        np.uint8([[1, 2]]),
        "ghg",
        "cm",
        keys={"sign": '"up"', "classes": "{1=-40, 2=-80}"},
    )
    assert same_bytes(ghg.read(ghg.grid), np.float32([[0.4, 0.8]]))


def test_unlisted_codes_are_named_and_counted(tmp_path):
    values = np.int32([[1, 7, 7, 1], [7, 9, 1, 1]])
    droogte = one(tmp_path, values, keys={"classes": "{ 1 = 5 }"})
    with pytest.raises(LayerError, match=r"7 \(3 cells\), 9 \(1 cells\)"):
        droogte.read(droogte.grid)
    droogte = one(tmp_path, values, keys={"classes": "{ 1 = 5 }", "unlisted": '"unknown"'})
    assert np.nansum(droogte.read(droogte.grid)) == 20


@pytest.mark.parametrize(
    "kind, unit, values, hint",
    [("wateroverlast", "m", [[0, 20, 350]], "100 too large (cm instead of m)"),
     ("wateroverlast", "m", [[0, 700, 4900]], "1000 too large (mm instead of m)"),
     ("droogte", "fractie", [[0.2, 0.5, 100]], "100 too large (% instead of fractie)"),
     ("droogte", "%", [[1, 2, -3]], "1 values are outside the plausible range; got '-3 .. -3'"),
     ("beekdal", "1", [[0, 1, 0.5]], "1 values"),
     ("beekdal", "1", [[0, 1, 2]], "1 values are outside the plausible range; got '2 .. 2'"),
     ("beekdal", "1", [[0, 2, 2]], "does 2 mean unknown (nodata = 2), or is it a code (classes)?"),
     ("wateroverlast", "cm", [[0, 9999, 9999]], "does 9999 mean unknown (nodata = 9999)?"),
     ("keileemdiepte", "m", [[3, 9999, 9999]], "does 9999 mean absent (absent = 9999) or unknown (nodata = 9999)?"),
     ("grondwaterbescherming", "class", [[0, 4, 5]], "allowed: 0, 1, 2, 3, 4")],
)  # fmt: skip
def test_implausible_values(tmp_path, kind, unit, values, hint):
    bad = one(tmp_path, np.float32(values), kind, unit)
    with pytest.raises(LayerError) as caught:
        bad.read(bad.grid)
    assert hint in str(caught.value)


def test_a_sign_is_guessed_at_before_a_unit(tmp_path):
    """Divided by a hundred these depths would fit too, and mean another thing without a word."""
    bad = one(tmp_path, np.float32([[-0.4, -2.5, 0.1]]), "ghg", "m", keys={"sign": '"down"'})
    with pytest.raises(LayerError, match=r'the other sign \(sign = "up"\)\?'):
        bad.read(bad.grid)


@pytest.mark.parametrize("kind", ["beekdal", "grondwaterbescherming"])
def test_codes_have_no_unit_to_be_wrong_in(tmp_path, kind):
    bad = one(tmp_path, np.float32([[0, 1, 7, 60]]), kind, "1" if kind == "beekdal" else "class")
    with pytest.raises(LayerError) as caught:
        bad.read(bad.grid)
    assert "factor" not in str(caught.value)


CODES = {"beekdal": [0, 1], "grondwaterbescherming": [0, 1, 2, 3, 4], "natuur": [0, 1, 2, 3], "water": [0, 1],
         "gebruik": [*range(1, 17), 100, 101, 65535]}  # fmt: skip


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("slow", [False, True])
def test_a_layer_of_classes_holds_its_codes_and_nothing_between_or_beyond(tmp_path, kind, slow):
    """Sixteen functies come with the package; codes from 100 are a user's own (rekenregels section 1)."""
    good = np.float32([CODES[kind]])
    keys = {"nodata": 1e38} if slow else {}  # a mark that is compared to a few digits goes another way
    assert np.array_equal(
        one(tmp_path, good, kind, "class", keys=keys).read(Grid(LEFT, TOP, 10, 10, *good.shape, RD)), good
    )
    for bad in (0.5, 1.5, -1, 17, 99, 100.5, 65536, 0 if kind == "gebruik" else 5):
        values = np.float32([[1, bad, 1]])
        layered = one(tmp_path, values, kind, "class", keys=keys)
        with pytest.raises(LayerError, match=f"^.*{kind}: 1 values are outside.* 1[,;] ") as caught:
            layered.read(layered.grid)
        assert caught.value.value == f"{np.float32(bad):g} .. {np.float32(bad):g}"
        dropped = one(tmp_path, values, kind, "class", keys={**keys, "outside": '"unknown"'})
        assert np.array_equal(dropped.read(dropped.grid), [[1, NAN, 1]], equal_nan=True)


def test_a_range_does_not_make_codes_of_what_lies_between(tmp_path):
    bad = one(tmp_path, np.float32([[0, 0.5]]), "natuur", "class", keys={"range": "[0, 1]"})
    with pytest.raises(LayerError, match=r"0\.5 \.\. 0\.5"):
        bad.read(bad.grid)


def test_use_by_id_of_a_functie(tmp_path):
    classes = '{ 265 = "grasland_veeteelt", 2017 = "akkerbouw", 12 = 101, 863 = nan }'
    layered = one(tmp_path, np.uint16([[265, 2017, 12, 863]]), "gebruik", "class", keys={"classes": classes})
    assert np.array_equal(layered.read(layered.grid), [[7, 6, 101, NAN]], equal_nan=True)


def test_range_and_outside(tmp_path):
    values = np.float32([[0.3, 0.31, -0.1]])
    keys = {"range": "[0, 0.3]", "outside": '"unknown"'}
    layered = one(tmp_path, values, "wateroverlast", "m", keys=keys)
    got, found = layered.read_with_findings(layered.grid)
    assert np.array_equal(got, np.float32([[0.3, NAN, NAN]]), equal_nan=True)
    assert (found.outside, found.known) == (2, 1)


# --- places -------------------------------------------------------------------------------------


def test_beyond_the_file_is_unknown(tmp_path):
    droogte = one(tmp_path, np.float32([[1, 2], [3, 4]]))
    wide = dataclasses.replace(droogte.grid, left=LEFT - 10, top=TOP + 20, rows=5, cols=4)
    expected = np.full((5, 4), NAN, np.float32)
    expected[2:4, 1:3] = [[1, 2], [3, 4]]
    assert np.array_equal(droogte.read(wide), expected, equal_nan=True)
    far = dataclasses.replace(droogte.grid, left=LEFT + 1000)
    assert np.isnan(droogte.read(far)).all()


TRANSFORMS = {
    "rotated": Affine(10, 1, LEFT, 1, -10, TOP),
    "south-up": Affine(10, 0, LEFT, 0, 10, TOP),
    "east to west": Affine(-10, 0, LEFT, 0, -10, TOP),
    "not square": Affine(10, 0, LEFT, 0, -12, TOP),
    "not finite": Affine(10, 0, NAN, 0, -10, TOP),
}


@pytest.mark.parametrize("hint, transform", TRANSFORMS.items(), ids=TRANSFORMS)
def test_transforms_that_are_refused(tmp_path, hint, transform):
    with pytest.raises(GridMismatch, match=hint):
        one(tmp_path, np.zeros((3, 3), np.float32), transform=transform)


def test_crs_is_needed_and_may_come_from_the_catalogue(tmp_path):
    raster(tmp_path / "a.tif", np.zeros((2, 2), np.float32), crs=None)
    text = layer("droogte", "a.tif", "%")
    with pytest.raises(GridMismatch, match="no CRS"):
        source(tmp_path, text)
    assert source(tmp_path, f'crs = "{RD}"\n{text}').crs == RD
    raster(tmp_path / "a.tif", np.zeros((2, 2), np.float32), crs="EPSG:4326", cell=0.1, left=6, top=53)
    with pytest.raises(GridMismatch, match="not projected"):
        source(tmp_path, text)


@pytest.mark.parametrize("crs", ["EPSG:28992", "EPSG:7415"])
def test_swapped_axes(tmp_path, crs):
    with pytest.raises(GridMismatch, match="swapped"):
        one(tmp_path, np.zeros((3, 3), np.float32), left=560_000, top=230_000, crs=crs)
    with pytest.raises(GridMismatch, match="swapped"):
        polygons(tmp_path / "p.geojson", [(square(560_000, 230_000, 560_100, 230_100), {})])
        source(tmp_path, layer("beekdal", "p.geojson", "1", value=1))


@pytest.mark.parametrize("shift, ok", [(0.5, False), (0.01, False), (1e-4, True), (1e-9, True)])
def test_shifted_cells(tmp_path, shift, ok):
    droogte = one(tmp_path, np.float32([[1, 2], [3, 4]]), left=LEFT + 10 * shift)
    grid = Grid(LEFT, TOP, 10, 10, 2, 2, RD)
    if ok:
        assert same_bytes(droogte.read(grid), np.float32([[1, 2], [3, 4]]))
    else:
        with pytest.raises(GridMismatch, match=f"{shift:g} cell in x"):
            droogte.read(grid)


def test_a_shift_is_resampled_where_stated(tmp_path):
    droogte = one(tmp_path, np.float32([[1, 3, 7]]), left=LEFT + 5, keys={"resampling": '"average"'})
    got = droogte.read(Grid(LEFT, TOP, 10, 10, 1, 4, RD))
    assert np.allclose(got, [[1, 2, 5, 7]])  # half a cell is known at either end


# --- broken files -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"<html>502</html>", b'{"a": 1}'], ids=["empty", "html", "json"])
def test_no_raster(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(NotARaster):
        source(tmp_path, layer("droogte", "a.tif", "%"))


@pytest.mark.parametrize("codec", ["none", "lzw", "deflate", "zstd"])
def test_a_file_cut_short_never_gives_values(tmp_path, codec):
    values = np.random.default_rng(1).uniform(0, 100, (64, 64)).astype(np.float32)
    whole = raster(tmp_path / "whole.tif", values, compress=codec, tiled=True, blockxsize=16,
                   blockysize=16).read_bytes()  # fmt: skip
    for share in (0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.99, 0.999):
        (tmp_path / "a.tif").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises((CorruptLayer, NotARaster)) as caught:
            cut = source(tmp_path, layer("droogte", "a.tif", "%"))
            cut.read(cut.grid)
        assert "a.tif" in str(caught.value)
        assert isinstance(caught.value, NotARaster) or "rows 0 .. 64" in str(caught.value)


def test_a_text_grid_cut_short_never_gives_values(tmp_path):
    head = f"ncols 8\nnrows 8\nxllcorner {LEFT}\nyllcorner {TOP}\ncellsize 10\n"
    body = "\n".join(" ".join(str(i) for i in range(8)) for _ in range(8))
    (tmp_path / "a.asc").write_text(head + body[: len(body) // 2])
    with pytest.raises(CorruptLayer):
        cut = source(tmp_path, f'crs = "{RD}"\n' + layer("droogte", "a.asc", "%"))
        cut.read(cut.grid)


def test_a_text_grid_keeps_decimals_that_come_late(tmp_path):
    """GDAL takes a grid that starts with whole numbers for integers."""
    cols = 2000
    head = f"ncols {cols}\nnrows 200\nxllcorner {LEFT}\nyllcorner {TOP}\ncellsize 10\n"
    rows = ["1 " * cols] * 199 + ["0.5 " * cols]
    (tmp_path / "a.asc").write_text(head + "\n".join(rows))
    droogte = source(tmp_path, f'crs = "{RD}"\n' + layer("droogte", "a.asc", "%"))
    assert (droogte.read(droogte.grid)[-1] == 0.5).all()


def test_a_changed_bit_is_noticed(tmp_path):
    file = raster(tmp_path / "a.tif", np.ones((8, 8), np.float32))
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    text = layer("droogte", "a.tif", "%", sha256=f'"{__import__("hashlib").sha256(data).hexdigest()}"')
    with pytest.raises(CorruptLayer, match="sha256"):
        source(tmp_path, text)
    file.write_bytes(data)
    assert source(tmp_path, text).entry.sha256


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=6))
def test_random_damage_raises_only_our_own_errors(tmp_path_factory, changes):
    folder = tmp_path_factory.getbasetemp() / "damage"
    folder.mkdir(exist_ok=True)
    whole = bytearray(
        raster(folder / "w.tif", np.arange(100, dtype=np.float32).reshape(10, 10), compress="lzw").read_bytes()
    )
    for place, byte in changes:
        whole[place % len(whole)] = byte
    (folder / "a.tif").write_bytes(whole)
    try:
        damaged = source(folder, layer("droogte", "a.tif", "%"))
        assert damaged.read(Grid(LEFT, TOP, 10, 10, 4, 4, damaged.crs)).shape == (4, 4)
    except WaterbodemError:
        pass


def test_a_band_that_is_not_there_and_numbers_that_are_none(tmp_path):
    with pytest.raises(LayerError, match="no such band"):
        one(tmp_path, np.zeros((2, 2), np.float32), keys={"band": 3})
    with pytest.raises(LayerError, match="real numbers"):
        one(tmp_path, np.zeros((2, 2), np.complex64))


def test_absent_may_not_be_the_nodata_of_the_file(tmp_path):
    with pytest.raises(LayerError, match="absent"):
        one(tmp_path, np.float32([[1]]), "keileemdiepte", "m", nodata=-9999, keys={"absent": -9999})


# --- resampling: closed forms and twins ---------------------------------------------------------


def test_average_by_hand_and_half_the_area(tmp_path):
    values = np.float32([[1, 3, NAN, 8, NAN, NAN], [5, 7, 4, NAN, 6, NAN]])
    droogte = one(tmp_path, values)
    got = droogte.read(Grid(LEFT, TOP, 20, 20, 1, 4, RD))
    # 4 known; 2 of 4 known; 1 of 4 known; beyond the file
    assert np.array_equal(got, [[4, 6, NAN, NAN]], equal_nan=True)
    assert droogte.resampled(Grid(LEFT, TOP, 20, 20, 1, 1, RD)) == "average from 10 m EPSG:28992"


def test_a_cell_half_beyond_the_file_is_judged_by_its_whole_area(tmp_path):
    droogte = one(tmp_path, np.full((1, 3), 9, np.float32))
    got = droogte.read(Grid(LEFT, TOP, 30, 30, 1, 1, RD))
    assert np.isnan(got).all()  # a third is known


def overlap(n, first, size, m, first_target, target):
    """Return the share of every target interval that each source interval covers."""
    a = first + np.arange(n + 1) * size
    b = first_target + np.arange(m + 1) * target
    shared = np.minimum(b[1:, None], a[None, 1:]) - np.maximum(b[:-1, None], a[None, :-1])
    return np.clip(shared, 0, None) / target


def area_twin(values, cell, grid):
    """Area mean over known cells, known from half the area: the slow, obvious way."""
    rows = overlap(values.shape[0], 0, cell, grid.rows, TOP - grid.top, grid.dy)
    cols = overlap(values.shape[1], 0, cell, grid.cols, grid.left - LEFT, grid.dx)
    known = ~np.isnan(values)
    share = rows @ known @ cols.T
    with np.errstate(all="ignore"):
        mean = (rows @ np.where(known, values, 0.0).astype(float) @ cols.T) / share
    return np.where(share >= 0.5 - 1e-9, mean, NAN)


def holes(shape, share, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 100, shape).astype(np.float32)
    values[rng.random(shape) < share] = NAN
    return values


@pytest.mark.parametrize("cell, target", [(10, 25), (10, 20), (0.5, 7), (3, 100)])
def test_average_equals_the_area_mean(tmp_path, cell, target):
    values = holes((90, 110), 0.4, 3)
    droogte = one(tmp_path, values, cell=cell)
    grid = Grid(LEFT - 1.3 * target, TOP + 0.7 * target, target, target, 40, 60, RD)
    assert np.allclose(droogte.read(grid), area_twin(values, cell, grid), equal_nan=True, rtol=1e-6)


def test_bilinear_keeps_a_plane_and_its_holes(tmp_path):
    rows, cols = np.mgrid[0:20, 0:30]
    plane = (2 * cols + rows + 0.0).astype(np.float32)
    droogte = one(tmp_path, plane, cell=25)
    grid = Grid(LEFT + 50, TOP - 50, 10, 10, 30, 50, RD)
    x, y = np.meshgrid((grid.x - LEFT) / 25 - 0.5, (TOP - grid.y) / 25 - 0.5)
    assert np.allclose(droogte.read(grid), 2 * x + y, rtol=1e-6)


def bilinear_twin(values, cell, grid):
    """Known as the nearest cell is; the mean over the known of the four neighbours."""
    out = np.full(grid.shape, NAN)
    for i, y in enumerate(grid.y):
        for j, x in enumerate(grid.x):
            u, v = (x - LEFT) / cell - 0.5, (TOP - y) / cell - 0.5
            weights = {}
            for r in (int(np.floor(v)), int(np.floor(v)) + 1):
                for c in (int(np.floor(u)), int(np.floor(u)) + 1):
                    if 0 <= r < values.shape[0] and 0 <= c < values.shape[1]:
                        weights[r, c] = (1 - abs(u - c)) * (1 - abs(v - r))
            near = (int(np.floor(v + 0.5)), int(np.floor(u + 0.5)))
            inside = 0 <= near[0] < values.shape[0] and 0 <= near[1] < values.shape[1]
            known = {k: w for k, w in weights.items() if not np.isnan(values[k])}
            if inside and not np.isnan(values[near]):
                out[i, j] = sum(values[k] * w for k, w in known.items()) / sum(known.values())
    return out


def test_bilinear_takes_known_neighbours_only(tmp_path):
    values = holes((9, 8), 0.35, 5)
    droogte = one(tmp_path, values, cell=20, nodata=-9999)
    grid = Grid(LEFT - 14, TOP + 14, 7, 7, 30, 27, RD)
    got, twin = droogte.read(grid), bilinear_twin(values, 20, grid)
    assert np.allclose(got, twin, equal_nan=True, rtol=1e-6) and np.isnan(twin).any()


def test_classes_take_the_nearest_cell_only(tmp_path):
    values = np.random.default_rng(0).integers(0, 5, (40, 40)).astype(np.uint8)
    zones = one(tmp_path, values, "grondwaterbescherming", "class")
    for cell in (3, 30):
        got = zones.read(Grid(LEFT + 1, TOP - 1, cell, cell, 10, 10, RD))
        assert set(np.unique(got)) <= {0, 1, 2, 3, 4}
    centre = zones.read(Grid(LEFT, TOP, 30, 30, 13, 13, RD))
    assert np.array_equal(centre, values[1:39:3, 1:39:3])


def test_class_table_averages_values_to_coarser_and_keeps_them_to_finer(tmp_path):
    keys = {"classes": "{ 1 = 10, 2 = 40 }"}
    droogte = one(tmp_path, np.uint8([[1, 2], [2, 2]]), keys=keys)
    assert droogte.read(Grid(LEFT, TOP, 20, 20, 1, 1, RD)) == 32.5
    fine = droogte.read(Grid(LEFT, TOP, 2, 2, 10, 10, RD))
    assert np.array_equal(fine, np.kron([[10, 40], [40, 40]], np.ones((5, 5))))


@pytest.mark.parametrize(
    "block, expected",
    [([[1, 2], [3, 4]], 2.5), ([[1, INF], [3, 4]], 8 / 3), ([[1, INF], [INF, 3]], INF),
     ([[INF, INF], [INF, 3]], INF), ([[INF, NAN], [NAN, 3]], INF), ([[2, NAN], [NAN, 4]], 3.0),
     ([[INF, NAN], [NAN, NAN]], NAN), ([[1, 5], [INF, NAN]], 3.0), ([[NAN, NAN], [NAN, NAN]], NAN)],
)  # fmt: skip
def test_keileem_never_mixes_absent_into_a_mean(tmp_path, block, expected):
    raw = np.where(np.isinf(block), 9999, block).astype(np.float32)
    keileem = one(tmp_path, raw, "keileemdiepte", "m", keys={"absent": 9999})
    got = keileem.read(Grid(LEFT, TOP, 20, 20, 1, 1, RD))[0, 0]
    assert got == pytest.approx(expected, nan_ok=True)
    fine = keileem.read(Grid(LEFT, TOP, 5, 5, 4, 4, RD))
    assert np.array_equal(fine, np.kron(np.float32(block), np.ones((2, 2))), equal_nan=True)


def test_overviews_play_no_part(tmp_path):
    values = holes((256, 256), 0.0, 9)
    plain = one(tmp_path, values)
    grid = Grid(LEFT, TOP, 80, 80, 32, 32, RD)
    before = plain.read(grid)
    with rasterio.open(tmp_path / "a.tif", "r+") as out:
        out.build_overviews([2, 4, 8], Resampling.nearest)
    again = source(tmp_path, layer("droogte", "a.tif", "%"))
    assert same_bytes(before, again.read(grid))
    assert np.allclose(before, values.reshape(32, 8, 32, 8).mean((1, 3)), rtol=1e-6)


def plane(folder, rows=200, cols=200, cell=25):
    """Write a field that rises linearly with x and y, and open it."""
    r, c = np.mgrid[0:rows, 0:cols] + 0.5
    values = (c + 0.5 * r) * 100 / (cols + rows)
    return one(folder, values.astype(np.float64), cell=cell), 100 / (cols + rows) / cell


def test_another_crs_agrees_with_pyproj(tmp_path):
    """A linear field tells where a cell was read: to a tenth of a millimetre."""
    droogte, slope = plane(tmp_path)
    x, y = pyproj.Transformer.from_crs(28992, 32631, always_xy=True).transform(LEFT + 2500, TOP - 2500)
    grid = Grid(round(x) - 1500, round(y) + 1500, 10, 10, 300, 300, "EPSG:32631")
    back = pyproj.Transformer.from_crs(32631, 28992, always_xy=True).transform
    u, v = back(*np.meshgrid(grid.x, grid.y))
    expected = ((u - LEFT) + 0.5 * (TOP - v)) * slope
    assert np.abs(droogte.read(grid) / slope - expected / slope).max() < 2e-3  # float32: 50 +- 4e-6
    assert droogte.resampled(grid) == "bilinear from 25 m EPSG:28992"


def test_average_in_another_crs_agrees_with_one_warp_of_the_whole(tmp_path):
    droogte = one(tmp_path, np.random.default_rng(4).uniform(0, 99, (200, 200)), cell=25)
    x, y = pyproj.Transformer.from_crs(28992, 32631, always_xy=True).transform(LEFT + 2500, TOP - 2500)
    grid = Grid(round(x) - 1050, round(y) + 1050, 70, 70, 30, 30, "EPSG:32631")
    whole = np.zeros(grid.shape)
    with rasterio.open(tmp_path / "a.tif") as data:
        reproject(
            rasterio.band(data, 1), whole, dst_transform=grid.transform, dst_crs="EPSG:32631",
            resampling=Resampling.average,
        )  # fmt: skip
    assert np.abs(droogte.read(grid) - whole).max() < 0.05  # that warp is exact to 1/8 cell at best


# --- the law: a part equals the same cells of the whole -----------------------------------------

KINDS = ("droogte", "beekdal", "keileemdiepte", "ghg", "vlak")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Layers of every kind on lattices that have little in common."""
    folder = tmp_path_factory.mktemp("law")
    rng = np.random.default_rng(2)
    raster(folder / "d.tif", holes((130, 150), 0.2, 1), cell=10, left=LEFT + 3)
    codes = rng.integers(0, 2, (60, 60)).astype(np.uint8)
    raster(folder / "b.tif", codes, cell=24, left=LEFT - 7.5, nodata=255)
    depth = np.where(rng.random((200, 200)) < 0.4, 9999, rng.uniform(0, 9, (200, 200))).astype("f4")
    depth[rng.random(depth.shape) < 0.3] = NAN
    raster(folder / "k.tif", depth, cell=6.4)
    x, y = pyproj.Transformer.from_crs(28992, 31370, always_xy=True).transform(LEFT, TOP)
    raster(folder / "g.tif", holes((90, 90), 0.1, 4) / 10, cell=20, left=x, top=y, crs="EPSG:31370")
    rings = [
        (
            [[LEFT + float(v[0]), TOP - float(v[1])] for v in 1200 * rng.random((5, 2))],
            {"n": int(i % 5)},
        )
        for i in range(12)
    ]
    rings = [(ring + ring[:1], p) for ring, p in rings]
    rings.append((square(LEFT + 12.5, TOP - 500, LEFT + 500, TOP - 12.5), {"n": 3}))
    polygons(folder / "v.geojson", rings)
    text = (
        layer("droogte", "d.tif", "%")
        + layer("beekdal", "b.tif", "1")
        + layer("keileemdiepte", "k.tif", "m", absent=9999)
        + layer("ghg", "g.tif", "m", sign='"down"')
        + layer("grondwaterbescherming", "v.geojson", "class", field='"n"', **{"else": 0})
    )
    found = open_catalogue(catalogue(folder, text))
    assert not found.file_problems
    return found


TARGETS = {
    "coarser": Grid(LEFT - 50, TOP + 75, 25, 25, 70, 80, RD),
    "finer": Grid(LEFT - 20.1, TOP + 10.3, 4, 4, 300, 280, RD),
    "odd": Grid(LEFT - 31.7, TOP + 20.9, 7.3, 7.3, 150, 160, RD),
    "third": Grid(LEFT, TOP, 100 / 3, 100 / 3, 50, 50, RD),
    "another crs": Grid(742_000.0, 5_910_000.0, 15, 15, 90, 100, "EPSG:32631"),
}


@pytest.fixture(scope="module")
def whole(stack):
    return {
        (name, target): source.read(grid) for name, source in stack.sources.items() for target, grid in TARGETS.items()
    }


@settings(max_examples=60, deadline=None)
@given(
    target=st.sampled_from(sorted(TARGETS)),
    name=st.sampled_from(["droogte", "beekdal", "keileemdiepte", "ghg", "grondwaterbescherming"]),
    edges=st.tuples(*[st.integers(0, 300)] * 4),
)
def test_a_part_equals_the_whole(stack, whole, target, name, edges):
    grid = TARGETS[target]
    r, c = (
        sorted(e % (grid.rows + 1) for e in edges[:2]),
        sorted(e % (grid.cols + 1) for e in edges[2:]),
    )
    rows, cols = slice(*r), slice(*c)
    got = stack.sources[name].read(grid.part(rows, cols))
    assert same_bytes(got, np.ascontiguousarray(whole[name, target][rows, cols]))


@settings(max_examples=100, deadline=None)
@given(
    target=st.sampled_from(sorted(TARGETS)),
    edges=st.tuples(*[st.integers(0, 50)] * 4),
    ratio=st.sampled_from([0.1, 5.0, 60.0]),
)
def test_a_part_is_cut_from_the_blocks_of_the_whole(target, edges, ratio):
    """Where a window starts decides nothing: not even the last bit of where a block lies."""
    grid = TARGETS[target]
    rows, cols = (slice(*sorted(e)) for e in (edges[:2], edges[2:]))
    part = grid.part(rows, cols)
    of_whole = {(p.block.left, p.block.top, p.block.shape) for p in pieces(grid, ratio)}
    cover = np.zeros(part.shape, int)
    for piece in pieces(part, ratio):
        assert (piece.block.left, piece.block.top, piece.block.shape) in of_whole
        cover[piece.outside] += 1
        there = piece.block.part(*piece.inside)
        here = part.part(*piece.outside)
        assert there.shape == here.shape and np.allclose(there.bounds, here.bounds, rtol=0, atol=1e-4)
    assert (cover == 1).all()


def test_the_law_is_not_about_nothing(whole):
    for name in ("droogte", "beekdal", "keileemdiepte", "grondwaterbescherming"):
        assert np.mean(~np.isnan(whole[name, "odd"])) > 0.05, name
    assert np.mean(~np.isnan(whole["ghg", "finer"])) > 0.05


def test_threads_give_the_same_bytes(stack, whole):
    grid = TARGETS["odd"]
    parts = [(slice(a, a + 30), slice(b, b + 40)) for a in range(0, 150, 30) for b in range(0, 160, 40)]
    jobs = [(n, p) for n in ("droogte", "keileemdiepte", "ghg", "grondwaterbescherming") for p in parts]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda job: stack.sources[job[0]].read(grid.part(*job[1])), jobs))
    for (name, part), values in zip(jobs, got, strict=True):
        assert same_bytes(values, np.ascontiguousarray(whole[name, "odd"][part]))


# --- polygons -----------------------------------------------------------------------------------


def test_a_cell_takes_the_polygon_of_its_centre(tmp_path):
    rng = np.random.default_rng(8)
    rings = [[[LEFT + 200 * float(x), TOP - 200 * float(y)] for x, y in rng.random((3, 2))] for _ in range(3)]
    polygons(tmp_path / "p.geojson", [(r + r[:1], {"v": 10.0 * (i + 1)}) for i, r in enumerate(rings)])
    droogte = source(tmp_path, layer("droogte", "p.geojson", "%", field='"v"', **{"else": 1}))
    grid = Grid(LEFT, TOP, 10, 10, 20, 20, RD)
    expected = np.ones(grid.shape)
    for i, ring in enumerate(rings):
        shape = Polygon(ring)
        for r, y in enumerate(grid.y):
            for c, x in enumerate(grid.x):
                if shape.contains(Point(x, y)):
                    expected[r, c] = 10 * (i + 1)  # the last one wins
    assert np.array_equal(droogte.read(grid), expected)


def test_the_strictest_zone_wins_whatever_the_order(tmp_path):
    inner, outer = (
        square(LEFT + 10, TOP - 30, LEFT + 30, TOP - 10),
        square(LEFT, TOP - 40, LEFT + 40, TOP),
    )
    expected = np.full((4, 4), 1.0)
    expected[1:3, 1:3] = 4
    for rings in ([(inner, {"z": 4}), (outer, {"z": 1})], [(outer, {"z": 1}), (inner, {"z": 4})]):
        polygons(tmp_path / "p.geojson", rings)
        zones = source(tmp_path, layer("grondwaterbescherming", "p.geojson", "class", field='"z"'))
        assert np.array_equal(zones.read(Grid(LEFT, TOP, 10, 10, 4, 4, RD)), expected)


def test_use_has_no_strictest_and_the_order_of_the_file_decides(tmp_path):
    inner, outer = square(LEFT + 10, TOP - 30, LEFT + 30, TOP - 10), square(LEFT, TOP - 40, LEFT + 40, TOP)
    polygons(tmp_path / "p.geojson", [(outer, {"z": 9}), (inner, {"z": 7})])
    use = source(tmp_path, layer("gebruik", "p.geojson", "class", field='"z"'))
    expected = np.full((4, 4), 9.0)
    expected[1:3, 1:3] = 7
    assert np.array_equal(use.read(Grid(LEFT, TOP, 10, 10, 4, 4, RD)), expected)


def test_words_of_polygons_become_codes(tmp_path):
    words = ["bouwland", "grasland agrarisch ", None, "houtwal"]
    squares = [(square(LEFT + 10 * i, TOP - 10, LEFT + 10 * i + 10, TOP), {"w": w}) for i, w in enumerate(words)]
    polygons(tmp_path / "p.geojson", squares)
    grid = Grid(LEFT, TOP, 10, 10, 1, 5, RD)
    classes = '{ bouwland = "akkerbouw", "grasland agrarisch" = "grasland_veeteelt" }'
    table = layer("gebruik", "p.geojson", "class", field='"w"', classes=classes, **{"else": 10})
    with pytest.raises(LayerError, match=r"houtwal \(1 features\).*bouwland, grasland agrarisch"):
        source(tmp_path, table)
    use = source(tmp_path, table + 'unlisted = "unknown"\n')
    assert np.array_equal(use.read(grid), [[6, 7, NAN, NAN, 10]], equal_nan=True)


def test_outside_polygons_is_unknown_unless_else_is_given(tmp_path):
    polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 10, LEFT + 10, TOP), {})])
    grid = Grid(LEFT, TOP, 10, 10, 1, 2, RD)
    for extra, outside in (({}, NAN), ({"else": 0}, 0.0)):
        beekdal = source(tmp_path, layer("beekdal", "p.geojson", "0/1", value=1, **extra))
        assert np.array_equal(beekdal.read(grid), [[1, outside]], equal_nan=True)


def test_polygons_in_degrees_are_brought_over(tmp_path):
    move = pyproj.Transformer.from_crs(28992, 4326, always_xy=True).transform
    ring = [list(move(x, y)) for x, y in square(LEFT, TOP - 1000, LEFT + 1000, TOP)]
    polygons(tmp_path / "p.geojson", [(ring, {})], crs=None)
    beekdal = source(tmp_path, layer("beekdal", "p.geojson", "1", value=1))
    got = beekdal.read(Grid(LEFT - 1000, TOP + 1000, 100, 100, 30, 30, RD))
    assert np.nansum(got) == 100 and np.nansum(got[10:20, 10:20]) == 100


@pytest.mark.parametrize(
    "ring, keys, hint",
    [(square(0, 0, 1, 1), {"field": '"w"'}, "allowed: v"),
     (square(0, 0, 1, 1), {"field": '"t"'}, "no numbers"),
     (square(0, 0, 1, 1), {"value": 7}, "outside the plausible range"),
     (square(0, 0, 1, 1), {"value": 1, "layer": '"x"'}, "which layer")],
)  # fmt: skip
def test_polygons_that_are_refused(tmp_path, ring, keys, hint):
    ring = [[LEFT + x, TOP + y] for x, y in ring]
    properties = {"v": 1} if "allowed" in hint else {"v": 1, "t": "veen"}
    polygons(tmp_path / "p.geojson", [(ring, properties)])
    with pytest.raises(LayerError, match=hint):
        beekdal = source(tmp_path, layer("beekdal", "p.geojson", "1", **keys))
        beekdal.read(Grid(LEFT, TOP, 10, 10, 1, 1, RD))


def test_infinite_coordinates_and_points_are_refused(tmp_path):
    polygons(tmp_path / "p.geojson", [([[LEFT, TOP], [1e999, TOP], [LEFT, TOP - 9], [LEFT, TOP]], {})])
    with pytest.raises(WaterbodemError, match="finite|cannot be read"):
        source(tmp_path, layer("beekdal", "p.geojson", "1", value=1))
    point = '{"type": "Point", "coordinates": [6, 53]}'
    feature = f'{{"type": "Feature", "properties": {{}}, "geometry": {point}}}'
    text = f'{{"type": "FeatureCollection", "features": [{feature}]}}'
    (tmp_path / "p.geojson").write_text(text)
    with pytest.raises(LayerError, match="no polygons"):
        source(tmp_path, layer("beekdal", "p.geojson", "1", value=1))
