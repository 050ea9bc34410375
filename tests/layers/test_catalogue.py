"""lagen.toml: every rule of the contract, by a file that breaks it."""

from __future__ import annotations

import tomllib

import jsonschema
import pint
import pytest

from tests.support.layer_files import catalogue, layer
from waterbodem.batch.run_file import read_run_file
from waterbodem.core.errors import CatalogueError, Problems
from waterbodem.definitions import units
from waterbodem.definitions.registry import builtin_functies, layer_kinds
from waterbodem.layers.catalogue import KEYS, catalogue_schema, parse_catalogue, read_catalogue

GOOD = """
title = "Proef"
crs = "EPSG:28992"
[layers.kwel]
path = "kwel.tif"
unit = "m/d"
sign = "down"
vintage = 2019
[layers.keileemdiepte]
path = "keileem.tif"
unit = "m"
absent = 9999
nodata = -9999
[layers.zettingsgevoeligheid]
path = "bodem.asc"
unit = "m/m"
classes = { 10 = 0.01, "20.5" = 0.35, 30 = nan }
unlisted = "unknown"
[layers."wateroverlast@2050hoog"]
path = "w.tif"
unit = "cm"
horizon = 2050
range = [0, 6]
outside = "unknown"
uncertainty = 0.1
resampling = "average"
band = 2
bron_scenario = "KNMI'14 WH 2050"
korrel_m = 25
afwijking = "T250 in plaats van T100"
licence = "CC BY 4.0"
attribution = "Stichting CAS"
[layers."wateroverlast@T1000"]
path = "w1000.tif"
unit = "cm"
stresstest = true
[layers."droogte@T1000"]
path = "d.tif"
unit = "%"
stresstest = "140 mm in 2 uur"
[layers.gebruik]
path = "brp.gpkg"
unit = "class"
field = "gewascode"
classes = { 265 = "grasland_veeteelt", 2017 = "akkerbouw", 332 = 9 }
[layers.grondwaterbescherming]
path = "gwb.gpkg"
unit = "class"
layer = "zones"
field = "zone"
else = 0
"""


def test_reads_every_key(tmp_path):
    found = read_catalogue(catalogue(tmp_path, GOOD))
    assert found.title == "Proef" and found.crs == "EPSG:28992"
    kwel, zetting = found.layers["kwel"], found.layers["zettingsgevoeligheid"]
    assert (kwel.sign, kwel.vintage, kwel.source, kwel.band) == ("down", "2019", "onbekend", 1)
    assert {c: v for c, v in zetting.classes.items() if v == v} == {10.0: 0.01, 20.5: 0.35}
    future = found.layers["wateroverlast@2050hoog"]
    assert (future.horizon, future.range, future.band) == (2050, (0, 6), 2)
    told = (future.bron_scenario, future.korrel_m, future.afwijking, future.licence, future.attribution)
    assert told == ("KNMI'14 WH 2050", 25, "T250 in plaats van T100", "CC BY 4.0", "Stichting CAS")
    assert found.layers["wateroverlast@T1000"].stresstest is True
    assert found.layers["droogte@T1000"].stresstest == "140 mm in 2 uur"
    assert found.layers["gebruik"].codes == {265.0: 7.0, 2017.0: 6.0, 332.0: 9.0}
    zones = found.layers["grondwaterbescherming"]
    assert zones.is_vector and zones.otherwise == 0 and not kwel.is_vector


def test_a_folder_is_accepted_and_frozen(tmp_path):
    catalogue(tmp_path, GOOD)
    found = read_catalogue(tmp_path)
    with pytest.raises(Exception, match="frozen"):
        found.layers["kwel"].unit = "mm/d"


BAD = {
    "no unit": ('[layers.droogte]\npath = "a.tif"', "layers.droogte.unit"),
    "unit of another dimension": (layer("droogte", "a.tif", "m"), "%, m/m"),
    "a layer in capitals": (layer("GHG", "a.tif", "m"), "did you mean 'ghg'"),
    "unknown key": (layer("droogte", "a.tif", "%", untis='"%"'), "did you mean 'unit'"),
    "unknown layer": (layer("kwell", "a.tif", "mm/d"), "did you mean 'kwel'"),
    "kwel without sign": (layer("kwel", "a.tif", "mm/d"), "layers.kwel.sign"),
    "ghg without sign": (layer("ghg", "a.tif", "m"), "layers.ghg.sign"),
    "gvg without sign": (layer("gvg", "a.tif", "m"), "layers.gvg.sign"),
    "glg without sign": (layer("glg", "a.tif", "m"), "layers.glg.sign"),
    "sign elsewhere": (layer("droogte", "a.tif", "%", sign='"up"'), "has no sign"),
    "another sign": (layer("kwel", "a.tif", "mm/d", sign='"left"'), "'up' or 'down'"),
    "absent elsewhere": (layer("droogte", "a.tif", "%", absent=9), "for keileemdiepte"),
    "absent is nodata": (layer("keileemdiepte", "a.tif", "m", absent=9, nodata=9), "which is it"),
    "mean of classes": (
        layer("beekdal", "a.tif", "0/1", resampling='"average"'), "no mean"),
    "range upside down": (layer("droogte", "a.tif", "%", range="[5, 1]"), "low < high"),
    "code is no number": (layer("droogte", "a.tif", "%", classes="{ veen = 1 }"), "'veen'"),
    "code twice": (layer("droogte", "a.tif", "%", classes='{ 1 = 1, "1.0" = 2 }'), "stands twice"),
    "unlisted without classes": (layer("droogte", "a.tif", "%", unlisted='"unknown"'), "classes"),
    "horizon without scenario": (
        layer("droogte", "a.tif", "%", horizon=2050), "droogte@<scenario>"),
    "scenario with a slash": (layer("droogte@a/b", "a.tif", "%"), "scenario name"),
    "scenario empty": (layer("droogte@", "a.tif", "%"), "scenario name"),
    "source of a scenario without scenario": (
        layer("droogte", "a.tif", "%", bron_scenario='"KNMI\'23 Hd"'), "layers.droogte.bron_scenario"),
    "stress test without scenario": (
        layer("droogte", "a.tif", "%", stresstest="true"), "stresstest belongs to a scenario"),
    "stress test with a year": (
        layer("droogte@T1000", "a.tif", "%", stresstest="true", horizon=2050),
        "a stress test has no horizon; got 2050"),
    "stress test with the year of another layer": (
        layer("wateroverlast@T1000", "a.tif", "m", stresstest='"T1000"')
        + layer("droogte@T1000", "a.tif", "%", horizon=2050),
        "layers.droogte@T1000.horizon"),
    "grain zero": (layer("droogte", "a.tif", "%", korrel_m=0), "layers.droogte.korrel_m"),
    "deviation that says nothing": (layer("droogte", "a.tif", "%", afwijking='""'), "layers.droogte.afwijking"),
    "use that is no functie": (
        layer("gebruik", "a.tif", "class", classes='{ 201 = "akerbouw" }'),
        "layers.gebruik.classes.201: unknown functie; got 'akerbouw'; allowed: did you mean 'akkerbouw'"),
    "functie in another layer": (
        layer("natuur", "a.tif", "class", classes='{ 201 = "akkerbouw" }'), "layers.natuur.classes"),
    "words in a raster": (
        layer("gebruik", "a.tif", "class", classes='{ bouwland = "akkerbouw" }'), "words only with a field"),
    "words and numbers": (
        layer("gebruik", "a.gpkg", "class", field='"soort"', classes='{ bouwland = "akkerbouw", 3 = 7 }'),
        "either words"),
    "vector without number": (layer("beekdal", "a.geojson", "1"), "either field or value"),
    "vector with both": (
        layer("beekdal", "a.shp", "1", field='"f"', value=1), "either field or value"),
    "vector with a band": (layer("beekdal", "a.shp", "1", value=1, band=2), "only with a raster"),
    "sha256 too short": (layer("droogte", "a.tif", "%", sha256='"abc"'), "sha256"),
    "band zero": (layer("droogte", "a.tif", "%", band=0), "layers.droogte.band"),
    "boolean": (layer("droogte", "a.tif", "%", nodata="true"), "layers.droogte.nodata"),
    "crs by url": ('crs = "http://epsg.io/28992"\n' + layer("droogte", "a.tif", "%"), "CRS"),
    "crs in degrees": ('crs = "EPSG:4326"\n' + layer("droogte", "a.tif", "%"), "not projected"),
    "no layers": ('title = "leeg"', "at least one"),
    "layer is a number": ("[layers]\nkwel = 3", "not a table"),
    "no toml": ("title = ", "not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("text, hint", BAD.values(), ids=BAD)
def test_names_what_is_wrong(tmp_path, text, hint):
    file = catalogue(tmp_path, text)
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(file)
    assert hint in str(caught.value) and str(file) in str(caught.value)


def test_a_wrong_crs_is_named_once(tmp_path):
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(catalogue(tmp_path, 'crs = "RD"\n' + layer("droogte", "a.tif", "%")))
    assert str(caught.value).endswith("crs: CRS is not usable; allowed: EPSG:<code> or WKT text; got 'RD'")


@pytest.mark.parametrize(
    "text, hint",
    [
        ('gebeiden = "a.gpkg"', "gebeiden: unknown key; got 'a.gpkg'; allowed: did you mean 'gebieden'?"),
        ("Float = true", "did you mean 'float'?"),
        ("[grid]\nresoluton = 5", "grid.resoluton: unknown key; got 5; allowed: did you mean 'resolution'? one of"),
        (
            '[ontvangers]\npath = "a.gpkg"\nnaam = "x"',
            "ontvangers.naam: unknown key; got 'x'; allowed: one of path, id",
        ),
    ],
)
def test_an_unknown_key_of_a_run_file_is_answered_with_those_of_its_table(tmp_path, text, hint):
    file = tmp_path / "run.toml"
    file.write_text(f'layers = "lagen.toml"\nfuncties = "all"\noutput = "uitvoer"\n{text}\n', "utf-8")
    with pytest.raises(CatalogueError) as caught:
        read_run_file(file)
    assert hint in str(caught.value)


def test_layers_of_one_scenario_may_differ_in_year(tmp_path):
    """The latest of them counts (rekenregels section 5, achteruitgang)."""
    text = layer("droogte@h", "a.tif", "%", horizon=2050) + layer("wateroverlast@h", "a.tif", "m", horizon=2100)
    assert [e.horizon for e in read_catalogue(catalogue(tmp_path, text)).layers.values()] == [2050, 2100]


def test_use_may_name_functies_of_the_users_own(tmp_path):
    own = builtin_functies()["akkerbouw"].model_copy(update={"id": "hennep", "code": 120})
    file = catalogue(tmp_path, layer("gebruik", "a.tif", "class", classes='{ 1 = "hennep", 2 = "akkerbouw" }'))
    found = read_catalogue(file, builtin_functies().extended([own]))
    assert found.layers["gebruik"].codes == {1.0: 120.0, 2.0: 6.0}
    with pytest.raises(CatalogueError, match="hennep"):
        read_catalogue(file)


def test_all_problems_at_once_and_the_good_layers_stay(tmp_path):
    names = ("no unit", "kwel without sign", "unknown layer", "ghg without sign")
    text = "\n".join(BAD[n][0] for n in names) + layer("veendikte", "v.tif", "m", soruce='"x"')
    file = catalogue(tmp_path, text + layer("maaiveld", "m.tif", "cm NAP"))
    with pytest.raises(Problems) as caught:
        read_catalogue(file)
    assert len(caught.value.problems) == 5
    usable, problems = parse_catalogue(file)
    assert list(usable.layers) == ["maaiveld"] and len(problems) == 5


@pytest.mark.parametrize("given, unit, kind", [("0/1", "1", "beekdal"), ("-", "class", "kwetsbaarheid")])
def test_unit_names_of_codes_are_one(tmp_path, given, unit, kind):
    for name in (given, unit):
        file = catalogue(tmp_path, layer(kind, "a.tif", name))
        assert read_catalogue(file).layers[kind].unit == name


def test_units_agree_with_pint():
    registry = pint.UnitRegistry()
    registry.define("year365 = 365 * day")
    names = {"mm/jr": "mm/year365", "m/jr": "m/year365", "%": "percent", "m3/m2/d": "m/day", "1": ""}
    for dimension, table in units.dimensions().items():
        base = next(u for u, f in table.items() if f == 1)
        for unit in table:
            if dimension == "klasse":
                continue
            plain = names.get(
                unit, unit.removesuffix(" NAP").removesuffix("+NAP").replace(" -mv", "").replace("-mv", "")
            )
            ours = units.factor(unit, base)
            theirs = registry.Quantity(1.0, plain).to(names.get(base, base).removesuffix(" NAP")).magnitude
            assert ours == pytest.approx(theirs, rel=1e-12), unit


def test_schema_accepts_what_the_reader_accepts_and_refuses_what_it_refuses():
    schema = catalogue_schema()
    check = jsonschema.Draft202012Validator(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert check.is_valid(tomllib.loads(GOOD))
    for name in (
        "no unit",
        "unknown key",
        "unknown layer",
        "another sign",
        "no layers",
        "band zero",
    ):
        assert not check.is_valid(tomllib.loads(BAD[name][0])), name


def test_every_key_of_the_contract_is_known_and_every_layer_may_stand_in_a_catalogue(tmp_path):
    stated = {"path", "unit", "sign", "source", "vintage", "absent", "nodata", "classes",
              "unlisted", "horizon", "band", "sha256", "uncertainty", "resampling", "range",
              "outside", "layer", "field", "value", "else", "korrel_m", "afwijking", "bron_scenario",
              "stresstest", "licence", "attribution", "p10", "p90"}  # fmt: skip
    assert set(KEYS) == stated
    signs = {"kwel": "up", "ghg": "down", "gvg": "down", "glg": "down"}
    text = "".join(
        layer(k.id, "a.tif", k.unit, **({"sign": f'"{signs[k.id]}"'} if k.id in signs else {}))
        for k in layer_kinds().values()
    )
    assert set(read_catalogue(catalogue(tmp_path, text)).layers) == set(layer_kinds())
