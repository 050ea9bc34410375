"""Layers in memory are what their attributes say (unit, sign, marks, scale, offset), or they are refused."""

from __future__ import annotations

import itertools
from contextlib import suppress

import numpy as np
import pint
import pytest
import rioxarray
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import waterbodem as wb
from tests.support.layer_files import catalogue, layer, raster
from waterbodem.core.errors import LayerError, Problems
from waterbodem.definitions import registry, units
from waterbodem.engine.layer_set import layer_set
from waterbodem.layers.encoding import Encoding, encoding_of, values_of
from waterbodem.receivers.land import land_of

FUNCTIES = list(registry.builtin_functies())
LAYERS = wb.example(size=60, resolution=40, scenarios=True)
PLANS = wb.example_plans(LAYERS)
#: Layers whose sign the rules fix, and the sign they have there.
SIGNED = {
    k.id: next(s for s, factor in k.teken.items() if factor == 1) for k in registry.layer_kinds().values() if k.teken
}
#: Another unit that each layer may come in, and what makes the numbers of the rules into it.
OTHERS = {
    "m": ("cm", 100),
    "mm/d": ("m s-1", 1 / 86_400_000),
    "m/m": ("percent", 100),
    "%": ("1", 0.01),
    "m NAP": ("cm", 100),
}


def changed(name, values, **attrs):
    """The example with one layer made anew, with nothing but these attributes."""
    return LAYERS.assign({name: (("y", "x"), np.asarray(values), attrs)})


def same(found, wanted):
    for name in wanted.data_vars:
        assert found[name].values.tobytes() == wanted[name].values.tobytes(), name


def told_of(layers):
    """What one layer is read as."""
    return layer_set(layers).present["ghg"]


# --- unit and sign ---------------------------------------------------------------------------------------------------


def in_other_units(layers):
    """Every layer that has a unit in another one; doubles, so that the way there loses nothing."""
    found = {}
    for name, data in layers.data_vars.items():
        kind = registry.layer_kinds()[name.partition("@")[0]]
        unit, factor = OTHERS.get(kind.unit, (kind.unit, 1))
        attrs = {**data.attrs, "units": unit}
        if kind.teken:
            factor, attrs["positive"] = -factor, "down" if kind.teken["up"] == 1 else "up"
        found[name] = (data.dims, data.values.astype(np.float64) * factor, attrs)
        if kind.may_be_absent:
            assert np.isposinf(found[name][1]).any(), "the example has cells without keileem"
    return layers.assign(found)


@pytest.fixture(scope="module")
def other():
    return in_other_units(LAYERS)


def test_layers_in_other_units_and_signs_are_the_same_cells(other):
    wanted, found = layer_set(LAYERS), layer_set(other)
    assert list(found.present) == list(wanted.present) and found.scenarios
    for name, values in wanted.present.items():
        assert found.present[name].dtype == np.float32
        np.testing.assert_array_max_ulp(found.present[name], values, 1)
    for a, b in zip(found.scenarios, wanted.scenarios, strict=True):
        assert a.horizon == b.horizon
        for name, values in b.layers.items():
            np.testing.assert_array_max_ulp(a.layers[name], values, 1)


def test_every_functie_answers_alike_in_other_units(other):
    for functie in FUNCTIES:
        found, wanted = wb.geschiktheid(other, functie), wb.geschiktheid(LAYERS, functie)
        assert (found.klasse == wanted.klasse).all(), functie
        np.testing.assert_allclose(found.geschiktheid, wanted.geschiktheid, atol=1e-6)
        burden, known = wb.afwenteling(other, functie), wb.afwenteling(LAYERS, functie)
        np.testing.assert_allclose(burden.risico, known.risico, atol=1e-5)
        assert (burden.oorzaak == known.oorzaak).mean() > 0.999


def test_plans_answer_alike_in_other_units(other):
    chosen = ["woningbouw", "natte_natuur", "bedrijventerrein"]
    found, wanted = wb.per_gebied(other, chosen, PLANS), wb.per_gebied(LAYERS, chosen, PLANS)
    assert list(found.antwoord) == list(wanted.antwoord)
    for column in ("score", "risico", "afvoer_m3", "score_p50"):
        np.testing.assert_allclose(found[column], wanted[column], rtol=1e-4, atol=1e-5)
    assert list(wb.compare(other, chosen, PLANS).antwoorden.stack()) == list(
        wb.compare(LAYERS, chosen, PLANS).antwoorden.stack()
    )


def test_groundwater_in_centimetres_is_not_read_as_metres():
    cm = LAYERS.assign(ghg=(LAYERS.ghg * 100).assign_attrs(units="cm"))
    assert np.nanmax(np.abs(told_of(cm) - LAYERS.ghg.values)) < 1e-5
    for functie in FUNCTIES:
        assert (wb.geschiktheid(cm, functie).klasse == wb.geschiktheid(LAYERS, functie).klasse).all(), functie


@pytest.mark.parametrize(
    "unit", ["m/d", "m d-1", "m day-1", "m/day", "metre day^-1", "meters per day", "m3 m-2 d-1", "m·d⁻¹"]
)
def test_seepage_in_metres_a_day(unit):
    given = changed("kwel", LAYERS.kwel.values.astype(np.float64) / 1000, units=unit)
    np.testing.assert_array_max_ulp(layer_set(given).present["kwel"], LAYERS.kwel.values, 1)


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_positive_is_obeyed(name):
    for positive, factor in ((SIGNED[name], 1), *((s, -1) for s in ("up", "down") if s != SIGNED[name])):
        for said in (positive, positive.upper()):
            given = changed(name, factor * LAYERS[name].values, positive=said)
            np.testing.assert_array_equal(layer_set(given).present[name], LAYERS[name].values)


def test_a_turned_zero_is_zero():
    given = changed("ghg", np.zeros(LAYERS.ghg.shape, np.float32), positive="up")
    assert not np.signbit(told_of(given)).any()


@pytest.mark.parametrize(
    ("name", "attrs", "said"),
    [
        ("ghg", {"units": "furlong"}, ["ghg", "furlong", "unit m", "cm"]),
        ("kwel", {"units": "m"}, ["kwel", "'m'", "mm/d"]),
        ("ghg", {"units": "kg"}, ["ghg", "kg", "unit m"]),
        ("beekdal", {"units": "m"}, ["beekdal", "0/1"]),
        ("ghg", {"units": 3}, ["ghg", "units", "3"]),
        ("ghg", {"positive": "left"}, ["ghg", "positive", "left", "up, down"]),
        ("maaiveld", {"positive": "up"}, ["maaiveld", "no sign", "ghg"]),
        ("keileemdiepte", {"positive": "down"}, ["keileemdiepte", "no sign"]),
        ("ghg", {"scale_factor": "two"}, ["ghg", "scale_factor", "two"]),
        ("ghg", {"scale_factor": 0.0}, ["ghg", "scale_factor", "0"]),
        ("ghg", {"add_offset": np.nan}, ["ghg", "add_offset", "nan"]),
        ("ghg", {"add_offset": [1.0, 2.0]}, ["ghg", "add_offset", "[1.0, 2.0]"]),
        ("ghg", {"_FillValue": "nodata"}, ["ghg", "_FillValue", "nodata"]),
        ("ghg", {"missing_value": [-1.0, "x"]}, ["ghg", "missing_value", "x"]),
        ("ghg", {"units": None, "unit": "cm"}, ["ghg", "not obeyed", "cm", "attribute units"]),
        ("ghg", {"units": None, "Units": "cm"}, ["ghg", "not obeyed", "cm", "attribute units"]),
        ("ghg", {"nodatavals": (-9999.0,)}, ["ghg", "not obeyed", "-9999", "attribute _FillValue"]),
        ("ghg", {"NoData_Value": -9999.0}, ["ghg", "not obeyed", "-9999", "attribute _FillValue"]),
        ("ghg", {"fill_value": -9999.0}, ["ghg", "not obeyed", "-9999", "attribute _FillValue"]),
        ("ghg", {"_Unsigned": "true"}, ["ghg", "_Unsigned", "mask_and_scale"]),
    ],
)
def test_what_cannot_be_obeyed_is_refused_wherever_layers_go_in(name, attrs, said):
    given = LAYERS.assign({name: LAYERS[name].assign_attrs(attrs)})
    doors = {
        "geschiktheid": lambda d: wb.geschiktheid(d, "natte_natuur"),
        "afwenteling": lambda d: wb.afwenteling(d, "woningbouw"),
        "waarom": lambda d: wb.waarom(d, "woningbouw", x=float(d.x[9]), y=float(d.y[9])),
        "assess": lambda d: wb.assess(d, "woningbouw", PLANS),
        "per_gebied": lambda d: wb.per_gebied(d, "woningbouw", PLANS),
        "compare": lambda d: wb.compare(d, ["woningbouw", "akkerbouw"], PLANS),
        "grootboek": lambda d: wb.grootboek(d, "woningbouw", PLANS),
        "benedenstrooms": lambda d: wb.benedenstrooms(d, "woningbouw"),
        "bovenstrooms": lambda d: wb.bovenstrooms(d, PLANS[:1]),
        "lazy geschiktheid": lambda d: wb.geschiktheid(d.chunk(y=20), "woningbouw"),
        "lazy afwenteling": lambda d: wb.afwenteling(d.chunk(y=20), "woningbouw"),
    }
    for door, ask in doors.items():
        with pytest.raises(LayerError) as caught:
            ask(given)
        assert all(word in str(caught.value) for word in said), (door, str(caught.value))


def test_what_others_call_the_same_does_no_harm_beside_what_is_obeyed():
    given = LAYERS.assign(ghg=LAYERS.ghg.assign_attrs(unit="m", nodatavals=(-9999.0,), nodata=-9999.0))
    assert wb.geschiktheid(given, "natte_natuur").equals(wb.geschiktheid(LAYERS, "natte_natuur"))


def test_all_that_is_wrong_is_told_at_once():
    given = LAYERS.assign(
        ghg=LAYERS.ghg.assign_attrs(units="furlong"), **{"kwel@2050": LAYERS.kwel.assign_attrs(positive="left")}
    )
    with pytest.raises(Problems) as caught:
        wb.geschiktheid(given, "woningbouw")
    assert {p.where.partition(":")[0] for p in caught.value.problems} == {"ghg", "kwel@2050"}


def test_attributes_of_other_variables_say_nothing():
    given = LAYERS.assign(eigen=LAYERS.ghg.assign_attrs(units="furlong", _FillValue="?"))
    same(wb.geschiktheid(given, "woningbouw"), wb.geschiktheid(LAYERS, "woningbouw"))


def test_nothing_stated_is_the_unit_and_sign_of_the_rules():
    for attrs in ({}, {"units": None}, {"units": " "}, {"positive": None, "_FillValue": None}):
        bare = LAYERS.assign({n: (v.dims, v.values, dict(attrs)) for n, v in LAYERS.data_vars.items()})
        same(wb.geschiktheid(bare, FUNCTIES), wb.geschiktheid(LAYERS, FUNCTIES))


@pytest.mark.parametrize("stated", [0.1, {"sd": 0.03, "per": 0.25, "verdeling": "normaal"}])
def test_uncertainty_may_be_stated(stated):
    given = LAYERS.assign(ghg=LAYERS.ghg.assign_attrs(uncertainty=stated))
    same(wb.geschiktheid(given, "woningbouw"), wb.geschiktheid(LAYERS, "woningbouw"))


# --- marks, scale and offset -----------------------------------------------------------------------------------------


def packed(dtype):
    """Ground water in steps of a centimetre from 2 m above ground level down, a tenth unknown."""
    rng = np.random.default_rng(3)
    raw = rng.integers(1, 250, LAYERS.ghg.shape).astype(dtype)
    mark = np.array(0 if np.dtype(dtype).kind == "u" else -99, dtype)
    raw[rng.random(raw.shape) < 0.1] = mark
    wanted = np.where(raw == mark, np.nan, raw.astype(np.float64) * 0.01 - 2).astype(np.float32)
    return raw, mark, wanted


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", "int32", "int64", ">i2", ">f4", "float32", "float64", "float16"]
)
@pytest.mark.parametrize("key", ["_FillValue", "missing_value", "nodata"])
def test_marks_are_unknown_before_scale_and_offset(dtype, key):
    raw, mark, wanted = packed(dtype)
    for said in (mark, mark.item(), float(mark), np.array([mark])):
        given = changed("ghg", raw, scale_factor=0.01, add_offset=-2.0, **{key: said})
        np.testing.assert_array_equal(told_of(given), wanted)
    assert np.isnan(wanted).mean() > 0.05


def test_scale_and_offset_come_before_unit_and_sign():
    raw, mark, wanted = packed("int16")
    given = changed("ghg", raw, _FillValue=mark, scale_factor=1.0, add_offset=-200.0, units="cm", positive="down")
    np.testing.assert_array_max_ulp(told_of(given), wanted, 1)
    turned = changed("ghg", -raw, _FillValue=-mark, add_offset=200.0, units="cm", positive="up")
    np.testing.assert_array_equal(told_of(turned), told_of(given))


def test_more_marks_than_one():
    values = LAYERS.ghg.values.copy()
    values[0, :3], values[1, 0] = (-9999, -8888, 1e20), np.nan
    given = changed("ghg", values, _FillValue=np.float32(1e20), missing_value=np.array([-9999.0, -8888.0]))
    found = told_of(given)
    assert np.isnan(found[0, :3]).all() and np.isnan(found[1, 0])
    np.testing.assert_array_equal(found[2:], values[2:])


def test_the_lowest_number_of_a_type_is_a_mark_however_it_was_written():
    values = LAYERS.ghg.values.copy()
    values[3, :] = np.finfo(np.float32).min
    assert np.isnan(told_of(changed("ghg", values, _FillValue=-3.40282e38))[3]).all()


def test_a_mark_that_no_cell_can_hold_marks_nothing():
    codes = LAYERS.beekdal.fillna(0).values.astype(np.uint8)
    assert encoding_of(changed("beekdal", codes, _FillValue=-9999).beekdal.variable, "beekdal").plain
    assert encoding_of(changed("ghg", LAYERS.ghg.values, _FillValue=np.nan).ghg.variable, "ghg").plain


def test_absent_keileem_stays_absent_and_a_mark_is_unknown():
    values = LAYERS.keileemdiepte.values * 100
    values[0, 0], values[0, 1] = -9999, np.inf
    found = layer_set(changed("keileemdiepte", values, units="cm", _FillValue=-9999.0)).present["keileemdiepte"]
    assert np.isnan(found[0, 0]) and np.isposinf(found[0, 1])
    np.testing.assert_array_equal(np.isposinf(found)[1:], np.isposinf(LAYERS.keileemdiepte.values)[1:])


@pytest.mark.parametrize("stored", [-9999.0, 255])
def test_unknown_never_becomes_known(stored):
    unknown = np.isnan(LAYERS.wateroverlast.values)
    assert unknown.any()
    given = changed("wateroverlast", np.where(unknown, stored, LAYERS.wateroverlast), _FillValue=stored)
    same(wb.geschiktheid(given, FUNCTIES), wb.geschiktheid(LAYERS, FUNCTIES))
    same(wb.afwenteling(given, FUNCTIES), wb.afwenteling(LAYERS, FUNCTIES))


def test_a_variant_of_a_scenario_is_read_as_it_says():
    values = np.where(np.isnan(LAYERS.ghg.values), -9999, LAYERS.ghg.values * 100)
    given = LAYERS.assign({"ghg@2050hoog": (("y", "x"), values, {"units": "cm", "_FillValue": -9999, "horizon": 2050})})
    (found,) = (s for s in layer_set(given).scenarios if s.name == "2050hoog")
    assert found.horizon == 2050
    np.testing.assert_allclose(found.layers["ghg"], LAYERS.ghg.values, rtol=1e-6)


# --- as other libraries hand them over -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A raster of whole centimetres with a mark, a scale and an offset, and the catalogue that names it."""
    folder = tmp_path_factory.mktemp("lagen")
    raw, mark, _ = packed("int16")
    raster(folder / "ghg.tif", raw, cell=40.0, nodata=float(mark), scale=0.01, offset=-1.0)
    return catalogue(folder, layer("ghg", "ghg.tif", "m", sign='"down"'))


@pytest.mark.parametrize(
    "how", [{}, {"masked": True}, {"mask_and_scale": True}, {"chunks": 16}, {"masked": True, "chunks": 16}]
)
def test_a_raster_of_rioxarray_is_what_the_door_of_files_reads(file, how):
    opened = rioxarray.open_rasterio(file.parent / "ghg.tif", **how).squeeze("band", drop=True)
    given, wanted = opened.to_dataset(name="ghg"), wb.open_layers(file)
    if "mask_and_scale" not in how:  # rioxarray scales in float32
        np.testing.assert_array_equal(told_of(given), wanted.ghg.values)
    np.testing.assert_allclose(told_of(given), wanted.ghg.values, rtol=0, atol=1e-6)
    found, known = wb.geschiktheid(given, "natte_natuur"), wb.geschiktheid(wanted, "natte_natuur")
    for name in ("klasse", "dekking"):
        assert found[name].values.tobytes() == known[name].values.tobytes()


def test_netcdf_that_was_not_decoded_is_read_as_one_that_was(tmp_path):
    raw, mark, wanted = packed("int16")
    attrs = {"scale_factor": 0.01, "add_offset": -2.0, "_FillValue": mark}
    path = tmp_path / "lagen.nc"
    changed("ghg", raw, **attrs).drop_vars("spatial_ref")[["ghg"]].to_netcdf(path, engine="scipy")
    for lazily in ({}, {"chunks": {"y": 16}}):
        with xr.open_dataset(path, mask_and_scale=False, **lazily) as given, xr.open_dataset(path, **lazily) as decoded:
            assert given.ghg.dtype.kind == "i" and "_FillValue" in given.ghg.attrs
            assert "_FillValue" in decoded.ghg.encoding and "_FillValue" not in decoded.ghg.attrs
            np.testing.assert_array_equal(told_of(given), wanted)
            np.testing.assert_allclose(told_of(decoded), wanted, rtol=0, atol=1e-6)
            found, known = wb.geschiktheid(given, "natte_natuur"), wb.geschiktheid(decoded, "natte_natuur")
            assert found.klasse.values.tobytes() == known.klasse.values.tobytes()
            assert found.dekking.values.tobytes() == known.dekking.values.tobytes()


# --- by block and lazily ---------------------------------------------------------------------------------------------


def computing_is_an_accident(*_, **__):
    raise AssertionError("computed before it was asked for")


@pytest.fixture(scope="module")
def encoded(other):
    """Every layer in another unit and sign, in whole numbers with a mark, a scale and an offset where that can be."""
    ghg = np.where(np.isnan(other.ghg), -9999, (other.ghg - 5) / 0.5).round().astype(np.int16)
    kwel = np.where(np.isnan(other.kwel), 1e20, other.kwel)
    return other.assign(
        ghg=(
            ("y", "x"),
            ghg,
            {**other.ghg.attrs, "_FillValue": np.int16(-9999), "scale_factor": 0.5, "add_offset": 5.0},
        ),
        kwel=(("y", "x"), kwel, {**other.kwel.attrs, "missing_value": 1e20}),
    )


@pytest.mark.parametrize("function", [wb.geschiktheid, wb.afwenteling])
def test_lazily_the_same_bytes_and_nothing_is_computed_before(encoded, function):
    wanted = function(encoded, FUNCTIES[:3])
    for chunks in ({"y": 17, "x": 23}, {"y": 60}):
        import dask

        with dask.config.set(scheduler=computing_is_an_accident):
            lazy = function(encoded.chunk(chunks), FUNCTIES[:3])
        assert all(v.chunks for v in lazy.data_vars.values())
        found = lazy.compute()
        xr.testing.assert_identical(found, wanted)
        same(found, wanted)


def test_transposed_layers_are_the_same(encoded):
    turned = encoded.transpose("x", "y")
    same(wb.geschiktheid(turned, FUNCTIES), wb.geschiktheid(encoded, FUNCTIES))


def test_a_plan_is_the_same_whether_chunked_or_not(encoded):
    a, b = wb.assess(encoded, "woningbouw", PLANS), wb.assess(encoded.chunk(y=17, x=23), "woningbouw", PLANS)
    same(a.cells, b.cells)
    assert a.table.drop(columns="geometry").equals(b.table.drop(columns="geometry"))
    for name in a.question.layers.data_vars:
        np.testing.assert_array_equal(a.question.layers[name], b.question.layers[name])


def test_an_answer_keeps_layers_as_they_were_used(encoded, tmp_path):
    asked = wb.assess(encoded, "woningbouw", PLANS)
    back = wb.open_assessment(asked.save(tmp_path / "antwoord.waterbodem"))
    for name, values in asked.question.cells.present.items():
        np.testing.assert_array_equal(back.question.cells.present[name], values)
        np.testing.assert_array_equal(asked.question.layers[name].values, values)
        assert back.question.layers[name].attrs["units"] == registry.layer_kinds()[name].unit
    assert "_FillValue" not in back.question.layers.ghg.attrs and "positive" not in back.question.layers.ghg.attrs


def test_land_by_block_is_what_the_whole_is(encoded):
    for layers in (encoded, encoded.chunk(y=17, x=23)):
        land, whole = land_of(layers), layer_set(layers).present
        block = land.grid.part(slice(7, 31), slice(3, 44))
        cut, window = land.cut(block).present, land.grid.slices(block)
        for name, values in whole.items():
            assert cut[name].tobytes() == np.ascontiguousarray(values[window]).tobytes(), name
            assert land.layer(name).tobytes() == values.tobytes(), name


def test_water_flows_alike(encoded, other):
    for function in (wb.benedenstrooms, lambda d, f: wb.bovenstrooms(d, PLANS[2:3], f)):
        np.testing.assert_allclose(
            function(other, "woningbouw").to_array(), function(LAYERS, "woningbouw").to_array(), atol=1e-3
        )
        same(function(encoded.chunk(y=17, x=23), "woningbouw"), function(encoded, "woningbouw"))
    a, b = (
        wb.grootboek(other, "woningbouw", PLANS[:1], PLANS[1:]),
        wb.grootboek(LAYERS, "woningbouw", PLANS[:1], PLANS[1:]),
    )
    np.testing.assert_allclose(a.table.m3, b.table.m3, rtol=1e-4)


def test_long_layers_are_read_in_pieces_alike():
    raw = np.arange(3_000_000, dtype=np.int32).reshape(1000, 3000)
    found = Encoding(marks=(5.0,), scale=0.5, offset=1.0, factor=-2.0)(raw)
    wanted = ((raw * 0.5 + 1.0) * -2.0).astype(np.float32)
    wanted[0, 5] = np.nan
    np.testing.assert_array_equal(found, wanted)


# --- our own cost nothing --------------------------------------------------------------------------------------------


def test_our_own_layers_go_through_as_they_are(tmp_path):
    raw, mark, _ = packed("int16")
    raster(tmp_path / "ghg.tif", raw, nodata=float(mark), scale=0.01, offset=-2.0)
    read = wb.open_layers(catalogue(tmp_path, layer("ghg", "ghg.tif", "m", sign='"up"', uncertainty=0.1)))
    for data in (LAYERS, read):
        held = layer_set(data)
        for name, values in held.present.items():
            assert np.shares_memory(values, data[name].values), name
        assert all(np.shares_memory(values_of(data[n].variable, n), data[n].values) for n in data.data_vars)
    question = wb.assess(LAYERS, "woningbouw", PLANS).question
    assert all(np.shares_memory(v.values, LAYERS[n].values) for n, v in question.layers.data_vars.items())


# --- spellings of units ----------------------------------------------------------------------------------------------

LENGTHS = {
    **dict.fromkeys(("m", "metre", "meters"), "m"),
    **dict.fromkeys(("cm", "centimetres"), "cm"),
    **dict.fromkeys(("mm", "millimeter"), "mm"),
    "feet": "ft",
}
TIMES = {
    **dict.fromkeys(("d", "day", "days", "dag"), "day"),
    **dict.fromkeys(("s", "second"), "second"),
    **dict.fromkeys(("year", "jr"), "year365"),
}
NOTATIONS = ["{0}/{1}", "{0} {1}-1", "{0} {1}^-1", "{0}.{1}-1", "{0}*{1}**-1", "{1}-1 {0}", "{0} per {1}", "{0}·{1}⁻¹"]


def test_every_way_of_writing_a_flux_is_what_pint_makes_of_it():
    oracle = pint.UnitRegistry()
    oracle.define("year365 = 365 * day")
    for length, time, notation in itertools.product(LENGTHS, TIMES, NOTATIONS):
        wanted = oracle.Quantity(1.0, f"{LENGTHS[length]} / {TIMES[time]}").to("mm / day").magnitude
        written = notation.format(length, time)
        known = units.dimension(units.spelling(written)) is not None
        assert known != ((LENGTHS[length], TIMES[time]) in UNUSUAL), written
        assert not known or units.factor(written, "mm/d") == pytest.approx(wanted, rel=1e-12), written


#: Fluxes that nobody states: refused by name, never misread.
UNUSUAL = {("ft", "day"), ("ft", "second"), ("ft", "year365"), ("cm", "second"), ("cm", "year365")}


@pytest.mark.parametrize(
    ("written", "target", "factor"),
    [
        ("metre", "m", 1),
        ("percent", "%", 1),
        ("1", "%", 100),
        ("fraction", "%", 100),
        ("%", "m/m", 0.01),
        ("cm m-1", "m/m", 0.01),
        ("1", "m/m", 1),
        ("m m-1", "m/m", 1),
        ("1", "0..1", 1),
        ("m NAP", "m", 1),
        ("1", "class", 1),
        ("1", "0/1", 1),
    ],
)
def test_usual_spellings(written, target, factor):
    assert units.factor(written, target) == factor


@given(st.text(max_size=12))
def test_what_is_no_unit_is_an_error_of_ours(text):
    for kind in registry.layer_kinds().values():
        with suppress(LayerError):
            assert np.isfinite(units.factor(text, kind.unit))


@pytest.mark.parametrize(
    "text", ["m2/m d", "m3/m2 d", "d/mm", "m-1", "m2", "m d", "m d-2", "m//d", "/d", "per d", "m0", "m d-1 d-1"]
)
def test_what_is_not_a_length_or_a_flux_is_not_read_as_one(text):
    for target in ("m", "mm/d"):
        with pytest.raises(LayerError):
            units.factor(text, target)
