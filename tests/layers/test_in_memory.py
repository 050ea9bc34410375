"""What other tools hold in memory comes in as files do: the same bytes, the same refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import rioxarray
import xarray as xr

import waterbodem as wb
from tests.support.layer_files import LEFT, RD, TOP, catalogue, layer, raster
from waterbodem.core.errors import LayerIgnored, Problems
from waterbodem.layers.near_names import likely_layer, warn_of_near_names

ROWS, COLS = 5, 4
SHAPE = (ROWS, COLS)
#: What the files of a province hold: centimetres, signs, marks, whole numbers, a class and a depth.
CELLS = {
    "ghg": (np.linspace(-150, 40, 20, dtype=np.float32).reshape(SHAPE), "cm", "up", {"nodata": -9999.0}),
    "kwel": (np.linspace(-0.004, 0.004, 20).reshape(SHAPE), "m/d", "down", {}),
    "droogte": (np.arange(20, dtype=np.int16).reshape(SHAPE), "%", None, {"nodata": -1, "scale": 2.0, "offset": 1.0}),
    "beekdal": (np.arange(20, dtype=np.uint8).reshape(SHAPE) % 2, "-", None, {"nodata": 255}),
    "keileemdiepte": (np.arange(20, dtype=np.float32).reshape(SHAPE), "m", None, {}),
}
HOLES = {"ghg": -9999, "droogte": -1, "beekdal": 255}


@pytest.fixture
def files(tmp_path):
    """A lagen.toml with its rasters."""
    tables = ['title = "Proef"\n']
    for name, (cells, unit, sign, more) in CELLS.items():
        cells = cells.copy()
        cells.flat[3] = HOLES.get(name, cells.flat[3])
        raster(tmp_path / f"{name}.tif", cells, **more)
        tables.append(layer(name, f"{name}.tif", unit, **({"sign": f'"{sign}"'} if sign else {})))
    return catalogue(tmp_path, "\n".join(tables))


def opened(files):
    """What rioxarray makes of the files by default: unmasked, with a band."""
    return {name: rioxarray.open_rasterio(files.parent / f"{name}.tif") for name in CELLS}


STATED = {
    "units": {name: unit for name, (_, unit, *_) in CELLS.items()},
    "sign": {name: sign for name, (_, _, sign, _) in CELLS.items() if sign},
}


def same(found, wanted):
    assert list(found.data_vars) == list(wanted.data_vars)
    for name in wanted.data_vars:
        assert found[name].dtype == np.float32 and found[name].dims == ("y", "x")
        assert found[name].values.tobytes() == wanted[name].values.tobytes(), name
    for name in ("y", "x", "spatial_ref"):
        assert found[name].identical(wanted[name]), name


def test_what_rioxarray_opens_is_what_open_layers_opens(files):
    wanted, found = wb.open_layers(files), wb.layers_from(opened(files), **STATED)
    same(found, wanted)
    for name, told in wanted.data_vars.items():
        of_file = {"file", "sha256"}
        assert {k: v for k, v in told.attrs.items() if k not in of_file}.items() <= found[name].attrs.items()
    assert np.isnan(found.ghg.values.flat[3]) and float(found.ghg[0, 0]) == 1.5


def as_dataset(d):
    return xr.Dataset(d)


def in_time(d):
    return xr.Dataset({n: a.expand_dims(time=[np.datetime64("2026-01-01")]) for n, a in d.items()})


def called(data, attribute="standard_name", **names):
    return data.assign_coords({dim: (dim, data[dim].values, {attribute: name}) for dim, name in names.items()})


OTHERS = {
    "dataset": as_dataset,
    "time": in_time,
    "y ascends": lambda d: xr.Dataset(d).sortby("y"),
    "x descends": lambda d: xr.Dataset(d).sortby("x", ascending=False),
    "lat and lon": lambda d: xr.Dataset(d).rename(x="lon", y="lat"),
    "easting": lambda d: xr.Dataset(d).rename(x="easting", y="northing"),
    "cf alone": lambda d: called(xr.Dataset(d).rename(x="i", y="j"), i="projection_x_coordinate", j="latitude"),
    "axes alone": lambda d: called(xr.Dataset(d).rename(x="i", y="j"), "axis", i="X", j="Y"),
    "transposed": lambda d: xr.Dataset(d).transpose("x", "y", "band"),
    "chunks": lambda d: xr.Dataset(d).chunk(x=3, y=2),
    "two dimensions more": lambda d: in_time(d).expand_dims(member=[1]),
}


@pytest.mark.parametrize("form", OTHERS)
def test_the_same_layers_in_another_form_are_the_same_cells(files, form):
    given = OTHERS[form](opened(files))
    found = wb.layers_from(given, **STATED)
    assert (found.ghg.chunks is not None) == (form == "chunks")
    same(found, wb.open_layers(files))


def test_what_open_layers_gives_stays_as_it_is(files):
    wanted = wb.open_layers(files)
    found = wb.layers_from(wanted)
    same(found, wanted)
    assert {n: v.attrs for n, v in found.data_vars.items()} == {n: v.attrs for n, v in wanted.data_vars.items()}
    fiction = wb.example(size=60)
    same(wb.layers_from(fiction), fiction)
    assert wb.layers_from(fiction).attrs == fiction.attrs, "nor does fiction lose its mark"


def test_arrays_without_coordinates_are_layers_without_coordinates():
    found = wb.layers_from({"ghg": np.ones((2, 3)), "kwel": [[1, 2, 3], [4, 5, 6]]})
    assert "x" not in found.coords and found.kwel.values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert float(wb.geschiktheid(found, "woningbouw").dekking.max()) > 0


def metres(values, name="ghg", **attrs):
    y, x = TOP - 5 - 10.0 * np.arange(ROWS), LEFT + 5 + 10.0 * np.arange(COLS)
    return xr.DataArray(np.full(SHAPE, values), {"y": y, "x": x}, ("y", "x"), name, attrs)


def test_keys_of_a_catalogue_are_obeyed_as_attributes():
    found = wb.layers_from(
        {
            "keileemdiepte": metres(9999.0, absent=9999, source="BRO", vintage=2024, licence="CC BY"),
            "ghg@2050": metres(25.0, horizon=2050, range=[0, 30]),
            "ghg": metres(25.0, outside="unknown"),
        },
        crs=28992,
    )
    assert np.isposinf(found.keileemdiepte).all() and found.keileemdiepte.attrs["licence"] == "CC BY"
    assert (found.keileemdiepte.attrs["source"], found.keileemdiepte.attrs["vintage"]) == ("BRO", "2024")
    assert (found["ghg@2050"] == 25).all() and found["ghg@2050"].attrs["horizon"] == 2050
    assert np.isnan(found.ghg).all() and found.ghg.attrs["unknown_by_range"] == 20


# --- names -----------------------------------------------------------------------------------------------------------


def test_other_names_are_renamed():
    given = {"seepage": metres(1.0), "GHG": metres(1.0)}
    found = wb.layers_from(given, rename={"seepage": "kwel", "GHG": "ghg@2050"})
    assert list(found.data_vars) == ["kwel", "ghg@2050"]


def test_a_name_that_is_nearly_one_of_a_layer_is_told():
    given = {"ghg": metres(1.0), "droogte": metres(1.0), "Kwel": metres(1.0)}
    with pytest.warns(LayerIgnored, match="did you mean 'kwel'.*rename={'Kwel': 'kwel'}"):
        assert list(wb.layers_from(given).data_vars) == ["ghg", "droogte"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wb.layers_from({"ghg": metres(1.0), "droogte": metres(1.0), "rainfall": metres(1.0)})


def test_a_slip_is_told_too_where_layers_are_taken_as_they_are():
    data = wb.example(size=60)
    with pytest.warns(LayerIgnored, match="did you mean 'kwel'"):
        wb.geschiktheid(data.rename(kwel="Kwel"), "woningbouw")


@pytest.mark.parametrize(
    "name, layer",
    [
        ("KWEL", "kwel"),
        ("seepage", "kwel"),
        ("Keileem-diepte", "keileemdiepte"),
        ("kwel_mm", "kwel"),
        ("droogte@x", ""),
    ],
)
def test_what_a_name_means(name, layer):
    assert likely_layer(name) == layer


def test_results_of_the_library_are_no_slips_of_layers():
    data = wb.example(size=60)
    results = [*wb.geschiktheid(data, "woningbouw"), *wb.afwenteling(data, "woningbouw")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_near_names(map(str, results))


# --- what is refused -------------------------------------------------------------------------------------------------


def swapped():
    data = metres(1.0)
    return xr.DataArray(data.values.T, {"y": data.x.values[::-1], "x": data.y.values[::-1]}, ("y", "x"))


def uneven():
    data = metres(1.0)
    return data.assign_coords(x=[0.0, 10, 20, 40])


def per_cell():
    """Cells whose place stands in two dimensions, as models on turned grids write it."""
    lon, lat = np.meshgrid(np.linspace(6.5, 6.6, COLS), np.linspace(53, 52.9, ROWS))
    return metres(1.0).assign_coords(lon=(("y", "x"), lon), lat=(("y", "x"), lat))


def coarse(step, size=20):
    """Cells of so many times ten metres, and how many in each direction."""
    y, x = TOP - 10 * step * (np.arange(size) + 0.5), LEFT + 10 * step * (np.arange(size) + 0.5)
    return xr.DataArray(np.ones((size, size)), {"y": y, "x": x}, ("y", "x"))


def joined(one, other):
    """Two layers in one Dataset, as xarray joins them."""
    return xr.merge([one.rename("ghg"), other.rename("kwel")], join="outer").sortby("y", ascending=False)


BAD = {
    "two grids joined": (joined(coarse(1), coarse(5, 4)), {}, ["kwel", "one in 5 along x", "reindex_like"]),
    "half a cell": (joined(coarse(1), coarse(1).assign_coords(x=coarse(1).x + 5)), {}, ["kwel", "one in 2 along x"]),
    "two grids by name": (
        xr.Dataset({"ghg": metres(1.0), "kwel": (("y2", "x2"), np.ones((3, 3)))}),
        {},
        ["kwel", "layers.rename({'y2': 'y', 'x2': 'x'})"],
    ),
    "place per cell": ({"ghg": per_cell().drop_vars(["y", "x"])}, {}, ["ghg", "per cell", "drop_vars(['lon', 'lat'])"]),
    "swapped without crs": ({"ghg": swapped()}, {}, ["ghg", "swapped", "or state crs="]),
    "no cells": ({"ghg": metres(1.0)[:, :0]}, {}, ["ghg", "no cells", "'x': 0"]),
    "two grids": ({"ghg": metres(1.0), "kwel": metres(1.0).isel(x=slice(1, None))}, {}, ["kwel", "xr.align"]),
    "numpy beside a grid": ({"ghg": metres(1.0), "kwel": np.ones(SHAPE)}, {}, ["kwel", "without coordinates"]),
    "uneven": ({"ghg": uneven()}, {}, ["ghg", "evenly", "layers.interp"]),
    "swapped": ({"ghg": swapped()}, {"crs": RD}, ["ghg", "swapped", "layers.rename(x='y', y='x')"]),
    "sign of none": ({"droogte": metres(1.0)}, {"sign": {"droogte": "up"}}, ["droogte", "no sign", "kwel, ghg"]),
    "sign unknown": ({"kwel": metres(1.0)}, {"sign": {"kwel": "omhoog"}}, ["kwel", "omhoog", "up, down"]),
    "half unknown": ({"ghg": metres(1.0), "Kwel": metres(1.0)}, {}, ["'Kwel'", "rename={'Kwel': 'kwel'}"]),
    "unit of nothing": ({"ghg": metres(1.0)}, {"units": {"gwh": "m"}}, ["units", "'gwh'", "'ghg'"]),
    "unit unknown": ({"ghg": metres(1.0)}, {"units": {"ghg": "mm/d"}}, ["ghg", "mm/d", "unit m"]),
    "units as text": ({"ghg": metres(1.0)}, {"units": "m"}, ["units", "mapping"]),
    "rename of nothing": ({"ghg": metres(1.0)}, {"rename": {"kwl": "kwel"}}, ["rename", "'kwl'"]),
    "twice": ({"ghg": metres(1.0), "GHG": metres(1.0)}, {"rename": {"GHG": "ghg"}}, ["two variables", "ghg"]),
    "many times": ({"ghg": metres(1.0).expand_dims(time=3)}, {}, ["ghg", "'time': 3", "layers.isel(time=0)"]),
    "degrees": ({"ghg": metres(1.0).rename(x="lon", y="lat")}, {}, ["ghg", "crs='EPSG:28992'", "rio.reproject"]),
    "geographic": ({"ghg": metres(1.0)}, {"crs": "EPSG:4326"}, ["ghg", "not projected", "rio.reproject"]),
    "kilometres": ({"ghg": metres(1.0).assign_coords(x=("x", [0, 1, 2, 3], {"units": "km"}))}, {}, ["ghg", "km"]),
    "range": ({"ghg": metres(np.linspace(100, 250, COLS))}, {}, ["ghg", "20 values", "a factor 100 too large"]),
    "a mark": ({"ghg": metres(-9999.0)}, {}, ["ghg", "nodata = -9999"]),
    "code": ({"beekdal": metres(3.0)}, {}, ["beekdal", "0, 1"]),
    "range attribute": ({"ghg": metres(1.0, range=[3, 1])}, {}, ["ghg: attribute: range", "low < high"]),
    "scenario name": ({"ghg@": metres(1.0), "ghg@a b": metres(1.0)}, {}, ["ghg@", "letters"]),
    "a list": ([metres(1.0)], {}, ["layers", "{'ghg': array}"]),
    "an array": (metres(1.0), {}, ["layers", "{'ghg': array}"]),
    "texts": ({"ghg": "lagen.toml"}, {}, ["ghg", "xr.DataArray"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_a_layer_is_refused_and_told_what_to_do(case):
    given, settings, words = BAD[case]
    with pytest.raises(wb.WaterbodemError) as caught:
        wb.layers_from(given, **settings)
    assert [w for w in words if w not in str(caught.value)] == [], str(caught.value)


def test_everything_that_is_wrong_is_told_at_once():
    given = {
        "ghg": metres(1.0),
        "kwel": metres(1.0).isel(x=slice(1, None)),
        "glg": uneven(),
        "droogte": metres(1.0, positive="up"),
        "Gvg": metres(1.0),
    }
    with pytest.warns(LayerIgnored, match="gvg"), pytest.raises(Problems) as caught:
        wb.layers_from(given)
    told = {p.where.partition(":")[0] for p in caught.value.problems}
    assert {"kwel", "glg", "droogte"} == told and len(caught.value.problems) == 3


def test_one_thing_that_is_wrong_is_a_list_of_one():
    with pytest.raises(wb.WaterbodemError) as caught:
        wb.layers_from({"droogte": metres(1.0, positive="up")})
    assert caught.value.problems == (caught.value,)


def test_a_layer_that_is_known_in_few_places_is_no_other_grid():
    holes = np.full(SHAPE, np.nan)
    holes[0, [0, 2]] = holes[4, 2] = 1.0
    assert int(wb.layers_from({"ghg": metres(1.0).copy(data=holes)}).ghg.notnull().sum()) == 3


def test_a_warning_points_at_the_line_of_who_asked():
    for ask in (lambda: wb.layers_from(SLIP), lambda: wb.geschiktheid(xr.Dataset(SLIP), "woningbouw")):
        with pytest.warns(LayerIgnored) as told:
            ask()
        assert [w.filename for w in told] == [__file__]


SLIP = {"ghg": metres(1.0), "droogte": metres(1.0), "Kwel": metres(1.0)}


# --- coordinates -----------------------------------------------------------------------------------------------------


def test_coordinates_of_cells_rows_and_columns_go_along_into_every_result():
    """Named as a result, or as the dimension of a list of functies, they would take its place: those stay behind."""
    given = per_cell().assign_coords(rij=("y", range(ROWS)), klasse=("x", range(COLS)), tijd=3, functie="x")
    data = wb.layers_from({"ghg": given.sortby("y")})
    for name in ("lon", "lat", "rij"):
        assert data[name].variable.equals(given[name].variable), name
    data = data.assign_coords(tijd=3, functie="x")
    for form in (data, data.chunk(x=2)):
        for asked in ("woningbouw", ["woningbouw", "natte_natuur"]):
            for found in (wb.geschiktheid(form, asked), wb.afwenteling(form, asked)):
                plain = {"functie"} if asked != "woningbouw" else set()
                named = {"y", "x", "lon", "lat", "rij", "klasse", "tijd"} - set(found.data_vars)
                assert set(found.coords) == named | plain
                assert found.lon.variable.equals(given.lon.variable)


def test_a_coordinate_that_two_layers_have_otherwise_is_told():
    given = {"ghg": per_cell(), "kwel": per_cell().assign_coords(lon=per_cell().lon + 1)}
    with pytest.warns(LayerIgnored, match="coordinate lon of layer kwel"):
        found = wb.layers_from(given)
    assert found.lon.variable.equals(given["ghg"].lon.variable)


def test_a_layer_among_the_coordinates_is_told():
    with pytest.warns(LayerIgnored, match=r"layers.reset_coords\('maaiveld'\)"):
        found = wb.layers_from(xr.Dataset({"ghg": metres(1.0), "maaiveld": metres(1.0)}).set_coords("maaiveld"))
    assert list(found.data_vars) == ["ghg"] and "maaiveld" not in found.coords


def test_a_lazy_layer_is_checked_when_it_is_read():
    lazy = wb.layers_from({"ghg": metres(250.0).chunk(x=2)}, units={"ghg": "cm"})
    assert float(lazy.ghg[0, 0]) == 2.5
    with pytest.raises(wb.WaterbodemError, match="ghg: 10 values"):
        wb.layers_from({"ghg": metres(250.0).chunk(x=2)}).ghg.compute()


def test_a_crs_that_the_data_deny_is_refused(files):
    with pytest.raises(wb.WaterbodemError, match="CRS differs.*EPSG:28992, which the data state"):
        wb.layers_from(opened(files), **STATED, crs=31370)


def test_a_layer_without_rows_or_columns_is_refused_by_name():
    kwel = xr.DataArray(np.zeros((2, 2)), {"y": [15.0, 5.0], "x": [5.0, 15.0]}, ("y", "x"))
    for less in (kwel[0], kwel[0, 0]):
        with pytest.raises(wb.WaterbodemError, match="ghg"):
            wb.layers_from({"kwel": kwel, "ghg": less})
        with pytest.raises(wb.WaterbodemError, match="ghg"):
            wb.layers_from({"kwel": kwel, "gw": less}, rename={"gw": "ghg"})


def test_a_dataset_without_layers_is_refused_with_what_it_holds():
    with pytest.raises(wb.WaterbodemError, match="there are no layers.*'a'"):
        wb.layers_from(xr.Dataset({"a": ("t", [1.0, 2.0])}))
