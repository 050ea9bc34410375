"""Polygons in every form that other tools hold them: one plan, one table."""

from __future__ import annotations

import io
import json
import resource
import tempfile

import geopandas as gpd
import numpy as np
import pytest
import shapely

import waterbodem as wb
from tests.support.grids import RD, box, even
from waterbodem.layers.polygons import read_areas

PLANS = [box(0, 0, 1, 1), box(1, 1, 3, 3)]
FRAME = gpd.GeoDataFrame({"naam": ["a", "b"]}, geometry=PLANS, crs=RD)
TEXT = json.dumps({**json.loads(FRAME.to_json(drop_id=True)), "crs": {"properties": {"name": "EPSG:28992"}}})


def in_file(driver):
    file = io.BytesIO()
    FRAME.to_file(file, driver=driver)
    file.seek(0)
    return file


NAMELESS = {"list": lambda: PLANS, "tuple": lambda: tuple(PLANS), "array": lambda: np.array(PLANS, object)}
NAMED = {
    "text": lambda: TEXT,
    "text after blanks": lambda: "\n  " + TEXT,
    "open text": lambda: io.StringIO(TEXT),
    "open bytes": lambda: io.BytesIO(b"\xef\xbb\xbf" + TEXT.encode()),
    "open GeoPackage": lambda: in_file("GPKG"),
    "open FlatGeobuf": lambda: in_file("FlatGeobuf"),
}


@pytest.mark.parametrize("form", [*NAMELESS, *NAMED])
def test_every_form_gives_the_same_polygons(form):
    made = (NAMELESS | NAMED)[form]()
    areas = read_areas(made, RD)
    assert {a.name for a in areas} == ({"a", "b"} if form in NAMED else {"1", "2"})
    for area in areas:
        wanted = PLANS["ab12".index(area.name) % 2]
        assert shapely.equals(area.geometry, wanted)


def test_a_file_that_is_open_is_asked_like_any_other(tmp_path):
    (tmp_path / "plan.geojson").write_text(TEXT, encoding="utf-8")
    with (tmp_path / "plan.geojson").open("rb") as file:
        found = wb.per_gebied(even(ghg=0.9), "woningbouw", file)
    wanted = wb.per_gebied(even(ghg=0.9), "woningbouw", tmp_path / "plan.geojson")
    assert found.drop(columns="geometry").equals(wanted.drop(columns="geometry"))


@pytest.mark.parametrize(
    "given, word",
    [
        ('{"type": "Polygon"', "GeoJSON"),
        ('{"type": "Polygon"}', "GeoJSON"),
        (io.BytesIO(b"\x00\x00\x27\x0a"), "of a shapefile its path"),
        (io.BytesIO(b""), "open file holds no polygons"),
        (io.StringIO("<html>"), "no GML that holds its own features"),
        ([], "no polygon"),
        ([PLANS[0], "x"], "list of them"),
        (["plan.gpkg"], "list of them"),
    ],
)
def test_what_is_no_polygon_is_told(given, word):
    with pytest.raises(wb.WaterbodemError, match=word):
        read_areas(given, RD)


def test_a_disk_that_is_full_where_an_open_package_is_copied_is_told(tmp_path):
    """The system refuses files of over a kilobyte; the package itself stays as it was."""
    plan = gpd.GeoDataFrame({"naam": ["Es"]}, geometry=[shapely.box(0, 0, 10, 10)], crs="EPSG:28992")
    plan.to_file(tmp_path / "plan.gpkg")
    before = (tmp_path / "plan.gpkg").read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with (tmp_path / "plan.gpkg").open("rb") as file, pytest.raises(wb.errors.OutOfSpace) as caught:
            read_areas(file, "EPSG:28992")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert tempfile.gettempdir() in caught.value.where
    assert (tmp_path / "plan.gpkg").read_bytes() == before
