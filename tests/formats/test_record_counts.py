"""A vector file that says that it holds fewer features than it does: refused, no plan is left out without a word."""

import struct

import geopandas as gpd
import pyogrio
import pytest
import shapely

from waterbodem.core.errors import LayerError
from waterbodem.layers.polygons import read_areas

RD = "EPSG:28992"
NAMES = ["Es", "Brink", "Laar"]


def written(path, **options):
    boxes = [shapely.box(239_000 + x, 553_000, 239_050 + x, 553_090) for x in (0, 60, 120)]
    frame = gpd.GeoDataFrame({"naam": NAMES}, geometry=boxes, crs=RD)
    pyogrio.write_dataframe(frame, path, **options)
    return path


def names_in(path):
    return sorted(a.name for a in read_areas(path, RD))


def change(path, at, form, value):
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, at, value)
    path.write_bytes(data)


def fewer_places(path):
    """State one record of three in the list of places."""
    change(path.with_suffix(".shx"), 24, ">i", 54)


def fewer_rows(path):
    change(path.with_suffix(".dbf"), 4, "<I", 1)


@pytest.mark.parametrize("lies", [(fewer_places,), (fewer_rows,), (fewer_places, fewer_rows)])
def test_a_shapefile_that_states_fewer_records_is_refused(tmp_path, lies):
    path = written(tmp_path / "k.shp")
    assert names_in(path) == sorted(NAMES)
    for lie in lies:
        lie(path)
    with pytest.raises(LayerError, match="different numbers of records"):
        read_areas(path, RD)


def test_a_shapefile_that_was_changed_in_place_is_read(tmp_path):
    """A shape that grows is written once more, at the end; the old one stays where it was."""
    path = written(tmp_path / "k.shp")
    data = bytearray(path.read_bytes())
    first, size = 100, 8 + 2 * struct.unpack_from(">i", data, 104)[0]
    change(path.with_suffix(".shx"), 100, ">i", len(data) // 2)
    data += data[first : first + size]
    struct.pack_into(">i", data, 24, len(data) // 2)
    path.write_bytes(data)
    assert names_in(path) == sorted(NAMES)


@pytest.mark.parametrize("count", [1, 2, 4, 2**63])
@pytest.mark.parametrize("index", ["YES", "NO"])
def test_a_flatgeobuf_that_states_another_number_of_features_is_refused(tmp_path, index, count):
    path = written(tmp_path / "k.fgb", SPATIAL_INDEX=index)
    assert names_in(path) == sorted(NAMES)
    change(path, path.read_bytes().index(struct.pack("<Q", 3), 12), "<Q", count)
    with pytest.raises(LayerError, match="breaks off|more than the features"):
        read_areas(path, RD)


@pytest.mark.parametrize("count", [1, 2, 16, 17, 300])
@pytest.mark.parametrize("index", ["YES", "NO"])
def test_a_flatgeobuf_of_any_number_of_features_is_read(tmp_path, index, count):
    """As GDAL writes them: a tree over one feature has a root too."""
    plans = gpd.GeoDataFrame(
        {"naam": [str(n) for n in range(count)]}, geometry=[shapely.box(0, 0, 10, 10)] * count, crs=RD
    )
    pyogrio.write_dataframe(plans, tmp_path / "k.fgb", SPATIAL_INDEX=index)
    assert len(read_areas(tmp_path / "k.fgb", RD)) == count


def test_a_flatgeobuf_that_states_no_number_is_read_to_its_end(tmp_path):
    path = written(tmp_path / "k.fgb", SPATIAL_INDEX="NO")
    change(path, path.read_bytes().index(struct.pack("<Q", 3), 12), "<Q", 0)
    assert names_in(path) == sorted(NAMES)
