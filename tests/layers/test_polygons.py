"""Polygons: exact coverage, repair, names, CRS, and a table that depends on nothing else."""

from __future__ import annotations

import json
import math

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

import waterbodem as wb
from tests.support.grids import LEFT, RD, TOP, box, even, layers, shape
from tests.support.random_cells import FUNCTIES, columns
from waterbodem.core.errors import GeometryError, NoOverlap
from waterbodem.core.grid import Grid
from waterbodem.engine.coverage import footprints
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import Area
from waterbodem.receivers import ledger_columns

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")

GRID = Grid(LEFT, TOP, 10.0, 10.0, 3, 3, RD)
NINE = even()


def coverage(geometry, grid=GRID):
    prints = footprints([Area(1, "a", geometry)], grid)
    found = np.zeros(grid.rows * grid.cols)
    found[prints.cell] = prints.cover / COVERAGE_ONE
    return found.reshape(grid.shape)


@pytest.mark.parametrize(
    ("geometry", "want"),
    [
        (box(0, 0, 3, 3), [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        (box(0.5, 0.5, 2.5, 2.5), [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]),
        (box(1, 1, 2, 2), [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        (box(0.25, 0, 0.5, 1), [[0.25, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (box(-5, -5, 0.5, 0.5), [[0.25, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (shape((0, 0), (3, 3), (0, 3)), [[0.5, 0, 0], [1, 0.5, 0], [1, 1, 0.5]]),
        (shape((0, 0), (2, 0), (0, 1)), [[0.75, 0.25, 0], [0, 0, 0], [0, 0, 0]]),
        (box(0, 0, 3, 3) - box(1, 1, 2, 2), [[1, 1, 1], [1, 0, 1], [1, 1, 1]]),
        (MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 2.5)]), [[1, 0, 0], [0, 0, 0], [0, 0, 0.5]]),
    ],
)
def test_coverage_by_hand(geometry, want):
    np.testing.assert_allclose(coverage(geometry), want, atol=1e-7)


@given(st.lists(st.tuples(st.floats(-1, 4), st.floats(-1, 4)), min_size=3, max_size=3))
def test_coverage_of_a_triangle_equals_its_overlap_with_every_cell(corners):
    triangle = shape(*corners)
    if not triangle.is_valid or triangle.area < 1e-3:
        return
    want = [[box(c, r, c + 1, r + 1).intersection(triangle).area / 100 for c in range(3)] for r in range(3)]
    np.testing.assert_allclose(coverage(triangle), want, atol=2e-7)


def table_of(geometry, data=NINE, functie="woningbouw", **extra):
    return wb.per_gebied(data, functie, geometry, **extra)


@given(st.integers(0, 2**32 - 1))
def test_assessed_unknown_and_outside_add_up_to_the_area(seed):
    rng = np.random.default_rng(seed)
    arrays = {
        n: a.reshape(5, 5)
        for n, a in columns(rng, FUNCTIES["woningbouw"], ("kwel", "wateroverlast", "droogte"), 25).items()
    }
    angles = np.sort(rng.uniform(0, 2 * math.pi, 7))
    reach = rng.uniform(1, 4, 7)
    star = shape(*zip(2.5 + reach * np.cos(angles), 2.5 + reach * np.sin(angles), strict=True))
    if not star.is_valid:
        return
    data = layers(arrays)
    row = table_of(star, data).iloc[0]
    inside = star.intersection(box(0, 0, 5, 5)).area / 1e4
    klasse = wb.geschiktheid(data, "woningbouw").klasse.values
    known = sum(
        star.intersection(box(c, r, c + 1, r + 1)).area for r in range(5) for c in range(5) if klasse[r, c] != 0
    )
    assert row.oppervlakte_ha == pytest.approx(star.area / 1e4, abs=1e-9)
    assert row.beoordeeld_ha + row.onbekend_ha + row.buiten_ha == pytest.approx(row.oppervlakte_ha, abs=1e-6)
    assert row.beoordeeld_ha == pytest.approx(known / 1e4, abs=1e-6)
    assert row.buiten_ha == pytest.approx(star.area / 1e4 - inside, abs=1e-6)
    assert row[["ha_A", "ha_B", "ha_C1", "ha_C2", "ha_D"]].sum() == pytest.approx(row.beoordeeld_ha, abs=1e-9)


def test_four_areas_by_hand():
    data = even(3, 3)
    for n in data.data_vars:
        data[n].values[:, 2] = np.nan
    row = table_of(box(0, 0, 4, 3), data).iloc[0]
    assert (row.oppervlakte_ha, row.beoordeeld_ha, row.onbekend_ha, row.buiten_ha) == pytest.approx(
        (0.12, 0.06, 0.03, 0.03)
    )
    assert row.antwoord == "X"


def test_a_polygon_smaller_than_a_cell_is_flagged():
    t = table_of(gpd.GeoSeries([box(0.1, 0.1, 0.9, 0.9), box(0, 0, 1, 1), box(0, 0, 2, 1)]))
    assert t.weinig_steun.tolist() == [True, False, False]
    assert t.antwoord.tolist() == ["A", "A", "A"]
    assert t.beoordeeld_ha.tolist() == pytest.approx([0.0064, 0.01, 0.02])


def test_a_polygon_in_another_crs_lands_on_the_same_cells():
    place = box(0.5, 0.5, 2.5, 2.5)
    far = gpd.GeoSeries([place], crs=RD).to_crs("EPSG:4326")
    got, want = table_of(far).iloc[0], table_of(place).iloc[0]
    assert got.oppervlakte_ha == pytest.approx(want.oppervlakte_ha, rel=1e-5)
    assert got.beoordeeld_ha == pytest.approx(0.04, rel=1e-5)


def geojson(geometry, crs=None, naam=None):
    feature = {"type": "Feature", "properties": {} if naam is None else {"naam": naam}}
    feature["geometry"] = shapely.geometry.mapping(geometry)
    head = {"type": "FeatureCollection", "features": [feature]}
    return head if crs is None else {**head, "crs": {"type": "name", "properties": {"name": crs}}}


def to_lonlat(geometry):
    move = pyproj.Transformer.from_crs(RD, "EPSG:4326", always_xy=True).transform
    return shapely.transform(geometry, move, interleaved=False)


PLACE = box(0.5, 0.5, 2.5, 2.5)
FORMS = {
    "grid's crs by member": geojson(PLACE, "urn:ogc:def:crs:EPSG::28992"),
    "no member, metres": geojson(PLACE),
    "no member, degrees": geojson(to_lonlat(PLACE)),
    "degrees by member": geojson(to_lonlat(PLACE), "urn:ogc:def:crs:OGC:1.3:CRS84"),
    "a feature": geojson(PLACE)["features"][0],
    "a geometry": shapely.geometry.mapping(PLACE),
}


@pytest.mark.parametrize("form", FORMS)
def test_geojson_lands_on_the_same_cells_in_every_form(form, tmp_path):
    path = tmp_path / "plan.geojson"
    path.write_text(json.dumps(FORMS[form]), encoding="utf-8")
    for gebied in (FORMS[form], path, str(path)):
        assert table_of(gebied).beoordeeld_ha.item() == pytest.approx(0.04, rel=1e-5)


def test_a_geopackage_is_read_with_its_crs(tmp_path):
    path = tmp_path / "plan.gpkg"
    gpd.GeoDataFrame({"naam": ["Oost"]}, geometry=[PLACE], crs=RD).to_crs("EPSG:4326").to_file(path)
    row = table_of(path).iloc[0]
    assert row.gebied == "Oost"
    assert row.beoordeeld_ha == pytest.approx(0.04, rel=1e-5)


# --- shapes that cannot be used --------------------------------------------------------------------------------------

BOW_TIE = shape((0, 0), (3, 3), (3, 0), (0, 3))
#: A square with a spike of no width: invalid, but its area is right.
SPIKE = shape((0, 0), (3, 0), (3, 3), (1.5, 3), (1.5, 4), (1.5, 3), (0, 3))


def test_a_repair_of_over_one_percent_is_refused():
    with pytest.raises(GeometryError, match="invalid"):
        table_of(BOW_TIE)


def test_a_small_repair_is_done_and_told():
    b = wb.assess(NINE, "woningbouw", SPIKE)
    assert b.table.oppervlakte_ha.item() == pytest.approx(0.09)
    assert any("hersteld" in note for note in b.notes)
    assert b.table.geometry.is_valid.all()


def test_a_loop_of_half_a_percent_is_repaired_and_one_of_two_percent_refused():
    def square_with_loop(size):
        return shape((0, 0), (3, 0), (3, 3), (2, 3), (2 - size, 3 + size), (2 - size, 3), (2, 3 + size), (0, 3))

    small, large = square_with_loop(0.05), square_with_loop(1.0)
    assert not small.is_valid and not large.is_valid
    assert any("hersteld" in n for n in wb.assess(even(6, 6), "woningbouw", small).notes)
    with pytest.raises(GeometryError):
        table_of(large, even(6, 6))


with np.errstate(invalid="ignore"):  # shapely warns of what is made here on purpose
    UNUSABLE = {
        "empty": Polygon(),
        "nan": Polygon([(LEFT, TOP), (LEFT + 9, math.nan), (LEFT + 9, TOP - 9)]),
        "inf": Polygon([(LEFT, TOP), (math.inf, TOP), (LEFT + 9, TOP - 9)]),
        "line": LineString([(LEFT, TOP), (LEFT + 9, TOP - 9)]),
        "point": Point(LEFT + 5, TOP - 5),
        "no width": shape((0, 0), (3, 3), (0, 0)),
        "nothing": None,
    }


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_usable_polygon_is_refused(kind):
    series = gpd.GeoSeries([UNUSABLE[kind]])
    with pytest.raises(wb.WaterbodemError):
        table_of(series)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_the_message_names_the_polygon_that_is_not_usable(kind):
    frame = gpd.GeoDataFrame({"naam": ["goed", "fout"]}, geometry=[box(0, 0, 1, 1), UNUSABLE[kind]], crs=RD)
    with pytest.raises(GeometryError, match="fout"):
        table_of(frame)


@pytest.mark.parametrize(
    "gebied",
    [
        {"type": "FeatureCollection", "features": []},
        {"type": "FeatureCollection"},
        {"type": "Feature", "properties": None, "geometry": None},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[["a", "b"], [1, 2], [3, 4], ["a", "b"]]]},
        {"type": "Nonsense"},
        {},
        {"type": "FeatureCollection", "features": [3]},
        {"type": "FeatureCollection", "features": {}},
        {**geojson(PLACE), "crs": "EPSG:28992"},
        geojson(PLACE, "EPSG:999999"),
        gpd.GeoSeries([], dtype="geometry"),
        7,
        None,
        [PLACE, 7],
        "nergens.geojson",
    ],
    ids=str,
)
def test_bad_input_gets_an_error_of_this_library(gebied):
    with pytest.raises(wb.WaterbodemError):
        table_of(gebied)


def test_outside_the_data_is_an_error_that_says_where():
    with pytest.raises(NoOverlap, match="239000"):
        table_of(box(10, 10, 12, 12))


def test_touching_an_edge_is_outside():
    with pytest.raises(NoOverlap):
        table_of(box(3, 0, 4, 3))


def test_swapped_x_and_y_are_hinted_at():
    swapped = Polygon([(y, x) for x, y in PLACE.exterior.coords])
    with pytest.raises(NoOverlap, match="swapped"):
        table_of(swapped)


def test_one_polygon_of_several_outside_is_listed():
    frame = gpd.GeoDataFrame({"naam": ["in", "uit"]}, geometry=[box(0, 0, 1, 1), box(8, 8, 9, 9)], crs=RD)
    b = wb.assess(NINE, "woningbouw", frame)
    assert b.outside == ("uit",)
    assert b.table.antwoord.tolist() == ["A", "X"]
    assert b.table.buiten_ha.tolist() == pytest.approx([0, 0.01])
    assert any("uit" in note for note in b.notes)


def test_polygons_with_a_crs_need_layers_with_one():
    with pytest.raises(GeometryError, match="CRS"):
        table_of(gpd.GeoSeries([PLACE], crs=RD), even(crs=None))


def test_polygons_without_a_crs_lie_in_that_of_the_grid():
    assert table_of(PLACE, even(crs=None)).beoordeeld_ha.item() == pytest.approx(0.04)


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns_", "id", "want"),
    [
        ({"naam": ["a", "b"], "name": ["c", "d"]}, None, ["a", "b"]),
        ({"name": ["c", "d"], "id": [7, 8]}, None, ["c", "d"]),
        ({"id": [7, 8]}, None, ["7", "8"]),
        ({"plan": ["p", "q"]}, None, ["1", "2"]),
        ({"plan": ["p", "q"], "naam": ["a", "b"]}, "plan", ["p", "q"]),
        ({"naam": ["a", None]}, None, ["a", "2"]),
        ({"naam": [1.0, float("nan")]}, None, ["1", "2"]),
    ],
)
def test_names_come_from_the_property_asked_else_naam_name_id_else_a_number(columns_, id, want):
    frame = gpd.GeoDataFrame(columns_, geometry=[box(0, 0, 1, 1), box(1, 1, 2, 2)], crs=RD)
    assert table_of(frame, id=id).gebied.tolist() == want


def test_an_unknown_name_property_is_an_error_that_names_the_known_ones():
    frame = gpd.GeoDataFrame({"plan": ["p"]}, geometry=[PLACE], crs=RD)
    with pytest.raises(wb.WaterbodemError, match="plan"):
        table_of(frame, id="naam")


def test_two_polygons_of_one_name_stay_two_rows():
    frame = gpd.GeoDataFrame({"naam": ["a", "a"]}, geometry=[box(0, 0, 1, 1), box(1, 1, 3, 3)], crs=RD)
    t = table_of(frame)
    assert t.gebied.tolist() == ["a", "a"]
    assert t.nr.tolist() == [1, 2]
    assert t.oppervlakte_ha.tolist() == pytest.approx([0.01, 0.04])


# --- what a row does not depend on -----------------------------------------------------------------------------------


def plain(table):
    """Rows as text in full precision, geometry and number left out."""
    rows = table.drop(columns=["geometry", "nr"])
    return [tuple(repr(v) for v in row) for row in rows.itertuples(index=False)]


def wide(step=10.0, left=LEFT, size=40):
    arrays = columns(
        np.random.default_rng(2),
        FUNCTIES["natte_natuur"],
        ("kwel", "wateroverlast", "droogte", "keileemdiepte", "zettingsgevoeligheid", "ghg", "veendikte"),
        size * size,
        unknown=0.1,
    )
    return layers({n: a.reshape(size, size) for n, a in arrays.items()}, step, left)


def stars(count, step=10.0, left=LEFT):
    rng = np.random.default_rng(9)
    found = []
    for _ in range(count):
        angle = np.sort(rng.uniform(0, 2 * math.pi, 9))
        reach, (cx, cy) = rng.uniform(1, 6, 9), rng.uniform(14, 26, 2)
        found.append(
            Polygon(
                zip(left + step * (cx + reach * np.cos(angle)), TOP - step * (cy + reach * np.sin(angle)), strict=True)
            )
        )
    return [p for p in found if p.is_valid]


@pytest.mark.parametrize(
    ("step", "left"), [(10.0, LEFT), (25.0, LEFT + 2.5), (0.7, LEFT + 0.1), (10 / 3, LEFT + 1 / 3)]
)
def test_rows_do_not_depend_on_the_extent_of_the_layers(step, left):
    data, plans = wide(step, left), gpd.GeoSeries(stars(5, step, left))
    whole = wb.per_gebied(data, ["natte_natuur", "woningbouw"], plans)
    part = wb.per_gebied(data.isel(y=slice(5, 36), x=slice(7, 37)), ["natte_natuur", "woningbouw"], plans)
    assert plain(whole) == plain(part)


@pytest.mark.parametrize(("step", "left"), [(10.0, LEFT), (0.7, LEFT + 0.1)])
def test_rows_do_not_depend_on_the_other_polygons_nor_their_order(step, left):
    """All but their names, and who receives what they shift: that may be another of them."""
    data, plans = wide(step, left), stars(5, step, left)

    def rows(asked):
        return plain(wb.per_gebied(data, "natte_natuur", asked).drop(columns=["gebied", *ledger_columns.columns()]))

    together, backwards = rows(gpd.GeoSeries(plans)), rows(gpd.GeoSeries(plans[::-1]))
    assert together == backwards[::-1] == [rows(p)[0] for p in plans]


def test_rows_do_not_depend_on_the_direction_or_start_of_a_ring():
    data, plan = wide(), stars(1)[0]
    ring = list(plan.exterior.coords)[:-1]
    other = Polygon([*ring[4:], *ring[:4]][::-1])
    assert plain(wb.per_gebied(data, "natte_natuur", plan)) == plain(wb.per_gebied(data, "natte_natuur", other))
