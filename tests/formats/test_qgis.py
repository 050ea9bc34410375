"""Outputs as QGIS reads them: styles equal to the legends, a project with relative paths, styles in the GeoPackage.

QGIS itself is too large for these tests; they read the same documents with an XML parser and GDAL. What QGIS 3.22 and
later make of them was looked at by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pyogrio
import pytest
import rasterio

import waterbodem as wb
from waterbodem.assessment.files import save_assessment
from waterbodem.batch import compute, runner
from waterbodem.core.files import staging
from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.definitions.legends import legend
from waterbodem.formats.output_names import MAPS, PROJECT, RECEPTION
from waterbodem.formats.qgis_project import OutputMap, project_bytes, stage_styles
from waterbodem.formats.qgis_style import areas_qml, raster_qml, rows_of_variant

FUNCTIES = ["woningbouw", "natte_natuur"]
GRID = Grid(238_000.0, 554_000.0, 5.0, 5.0, 40, 30, "EPSG:28992")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    layers = wb.example(size=400)
    made = tmp_path_factory.mktemp("qgis")
    save_assessment(wb.assess(layers, FUNCTIES, wb.example_plans(layers)), made, float_=True)
    return made


def hexed(rgba):
    return "#" + "".join(f"{c:02x}" for c in rgba[:3])


# --- styles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("functie", FUNCTIES)
@pytest.mark.parametrize("name", ["klasse", "bepalend", "oorzaak"])
def test_a_class_has_the_colour_of_the_raster_and_a_name(folder, functie, name):
    style = Xml.parse(folder / functie / f"{name}.qml").getroot()
    entries = {int(e.get("value")): (e.get("color"), e.get("label")) for e in style.iter("paletteEntry")}
    with rasterio.open(folder / functie / f"{name}.tif") as file:
        table, cells = file.colormap(1), file.read(1)
    names = [c.text for c in Xml.parse(folder / functie / f"{name}.tif.aux.xml").iter("Category")]
    assert style.find(".//rasterrenderer").get("type") == "paletted"
    assert set(np.unique(cells)) - {255} <= set(entries)
    assert 255 not in entries, "what is outside stays transparent and out of the legend"
    assert entries == {v: (hexed(table[v]), names[v]) for v in entries}


def test_answers_have_their_national_colours_and_words():
    style = Xml.fromstring(raster_qml(legend("klasse")))
    found = {e.get("label"): e.get("color") for e in style.iter("paletteEntry")}
    assert found["A ja"] == "#4cff00"  # Ruimtelijk afwegingskader: 76, 255, 0
    assert found["D nee, tenzij"] == "#ff0000"
    assert len(found) == 6


def shown(style, value):
    """The colour that QGIS gives a value: straight between items, or that of the first item not below it."""
    shader = style.find(".//colorrampshader")
    items = [(float(i.get("value")), i.get("color")) for i in shader.iter("item")]
    if shader.get("colorRampType") == "DISCRETE":
        return next(colour for until, colour in items if value <= until)
    low, high = next((a, b) for a, b in pairwise(items) if a[0] <= value <= b[0])
    part = (value - low[0]) / (high[0] - low[0])
    ends = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (low[1], high[1])]
    return hexed([int(a + part * (b - a) + 0.5) for a, b in zip(*ends, strict=True)])


@pytest.mark.parametrize("product", ["geschiktheid", "dekking", "risico"])
@pytest.mark.parametrize("full", [100, 1])
def test_every_percentage_has_the_colour_of_the_legend(product, full):
    colours = legend(product).colours
    style = Xml.fromstring(raster_qml(legend(product), full))
    for value in range(101):
        assert shown(style, value * full / 100) == hexed(colours[value]), value


def test_risk_classes_are_named_with_their_borders():
    style = Xml.fromstring(raster_qml(legend("risico")))
    assert [i.get("label") for i in style.iter("item")] == [
        "laag (minder dan 20 %)",
        "matig (20 tot 40 %)",
        "verhoogd (40 tot 60 %)",
        "hoog (60 tot 80 %)",
        "zeer hoog (80 % en meer)",
    ]


def test_bands_have_dutch_names(folder):
    with rasterio.open(folder / "natte_natuur" / "bepalend.tif") as file:
        assert file.descriptions == ("Wat de score het meest drukt: Natte natuur",)


@pytest.mark.parametrize("functie", registry.builtin_functies().values(), ids=lambda f: f.id)
@pytest.mark.parametrize("product", MAPS)
def test_every_map_of_every_functie_has_a_style(product, functie):
    style = OutputMap(product, functie, list(functie.all_criteria)).legend
    assert Xml.fromstring(raster_qml(style)).find(".//rasterrenderer") is not None


# --- the project -----------------------------------------------------------------------------------------------------


def test_the_project_names_every_map_by_a_relative_path_that_exists(folder):
    root = Xml.parse(folder / PROJECT).getroot()
    sources = [e.text for e in root.iter("datasource")]
    rasters = [s for s in sources if s.endswith(".tif")]
    assert sorted(rasters) == sorted(f"./{f}/{m}.tif" for f in FUNCTIES for m in (*MAPS, *RECEPTION))
    assert all((folder / s.split("|")[0]).is_file() and s.startswith("./") for s in sources)
    assert str(folder) not in (folder / PROJECT).read_text("utf-8")
    assert root.findtext("properties/Paths/Absolute") == "false"


def test_the_project_groups_by_functie_and_shows_one_map(folder):
    tree = Xml.parse(folder / PROJECT).getroot().find("layer-tree-group")
    groups = tree.findall("layer-tree-group")
    assert [g.get("name") for g in groups] == ["Woningbouw", "Natte natuur"]
    assert [g.get("checked") for g in groups] == ["Qt::Checked", "Qt::Unchecked"]
    on = [layer.get("name") for layer in groups[0] if layer.get("checked") == "Qt::Checked"]
    assert on == ["Gebieden", "Antwoord"]
    drawn = {e.text for e in Xml.parse(folder / PROJECT).getroot().iter("id")}
    assert drawn == {layer.get("id") for layer in tree.iter("layer-tree-layer")}


def test_the_filters_of_the_project_find_the_rows_of_one_functie(folder):
    for functie in FUNCTIES:
        found = pyogrio.read_dataframe(folder / "gebieden.gpkg", layer="gebieden", where=rows_of_variant(functie, ""))
        assert set(found.functie) == {functie}
        assert len(found) == found.gebied.nunique() > 0


def test_hostile_names_stay_text():
    name = 'Wijk "Noord" <script>alert(1)</script> & \x07\u202e zo'
    functie = registry.builtin_functies()["woningbouw"].model_copy(update={"naam": name})
    m = OutputMap("klasse", functie, scenario="2050'; DROP")
    root = Xml.fromstring(project_bytes([m], GRID, areas=True))
    (group,) = root.findall("layer-tree-group/layer-tree-group")
    assert group.get("name").startswith('Wijk "Noord" <script>')
    assert "\x07" not in group.get("name")
    assert "= '2050''; DROP'" in root.findtext(".//datasource")


def test_a_grid_without_crs_has_a_project_too():
    plain = Grid(0, 100, 5, 5, 20, 20)
    root = Xml.fromstring(
        project_bytes([OutputMap("dekking", registry.builtin_functies()["akkerbouw"])], plain, areas=False)
    )
    assert root.find("projectCrs/spatialrefsys/wkt") is None
    assert [float(e.text) for e in root.find("mapcanvas/extent")] == [0, 0, 100, 100]


def test_styles_of_scenarios_lie_beside_their_maps(tmp_path):
    functie = registry.builtin_functies()["akkerbouw"]
    m = OutputMap("klasse", functie, scenario="2050Hd")
    (tmp_path / m.folder).mkdir()
    with staging() as stage:
        paths = stage_styles(stage, tmp_path, [m], GRID, areas=False)
    assert [p.relative_to(tmp_path).as_posix() for p in paths] == ["akkerbouw@2050Hd/klasse.qml", PROJECT]
    assert m.title == "Antwoord: Akkerbouw (2050Hd)"


# --- styles inside the GeoPackage ------------------------------------------------------------------------------------


def test_the_geopackage_holds_a_style_per_functie_the_first_by_default(folder):
    with closing(sqlite3.connect(folder / "gebieden.gpkg")) as data:
        rows = data.execute("SELECT f_table_name, styleName, useAsDefault, styleQML FROM layer_styles").fetchall()
        (check,) = data.execute("PRAGMA integrity_check").fetchone()
    assert check == "ok"
    assert [row[:3] for row in rows] == [("gebieden", "woningbouw", 1), ("gebieden", "natte_natuur", 0)]
    assert [row[3].encode() for row in rows] == [areas_qml(f, "") for f in FUNCTIES]


def test_polygons_are_coloured_by_answer():
    root = Xml.fromstring(areas_qml("woningbouw", ""))
    colours = {s.get("name"): s.find(".//Option[@name='color']").get("value") for s in root.iter("symbol")}
    found = {c.get("value"): colours[c.get("symbol")].rsplit(",", 1)[0] for c in root.iter("category")}
    assert found == {s.letter: ",".join(map(str, s.kleur)) for s in registry.answer_scale().values()}


def test_no_document_reaches_outside(folder):
    for path in [folder / PROJECT, *folder.rglob("*.qml")]:
        text = path.read_text("utf-8").replace("http://mrcc.com/qgis.dtd", "")  # a name, never opened
        assert not re.search(r"https?://|/vsi", text), path.name


def test_a_styled_package_can_be_asked_about_again_without_a_warning(folder, recwarn):
    layers = wb.example(size=400)
    again = wb.assess(layers, "akkerbouw", folder / "gebieden.gpkg", id="gebied")
    assert set(again.table.gebied) == set(wb.example_plans(layers).naam)
    assert not [w for w in recwarn if "layer" in str(w.message)]


# --- a run of files --------------------------------------------------------------------------------------------------

RUN = """
layers = "lagen/lagen.toml"
functies = ["woningbouw", "natte_natuur"]
scenarios = ["2050Hd"]
output = "uit"
float = true
pictures = false
maps = ["klasse", "risico", "benedenstrooms", "ontvangst", "grondwater"]
[gebieden]
path = "lagen/plannen.geojson"
"""
ARRIVALS, MAP = ("ontvangst", "grondwater"), "benedenstrooms"
BANDS = {
    "klasse": "Antwoord: Natte natuur (2050Hd)",
    "risico": "Afwentelingsrisico: Natte natuur (2050Hd)",
    "benedenstrooms": "Last voor benedenstrooms: natte_natuur@2050Hd",
}
VARIANTS = [f"{f}{s}" for f in FUNCTIES for s in ("", "@2050Hd")]


def start(folder, text=RUN):
    shutil.copytree(Path(__file__).parents[2] / "rasters" / "voorbeeld", folder / "lagen")
    (folder / "run.toml").write_text(text, encoding="utf-8")
    return folder / "run.toml"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    path = start(tmp_path_factory.mktemp("run"))
    assert wb.run(path).complete
    return path.parent / "uit"


def styles(folder):
    """Bytes and time of every style and project, by name."""
    found = [*folder.rglob("*.qml"), *folder.glob("*.qgs")]
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def test_a_run_styles_every_map_and_groups_them(ran):
    maps = {p.relative_to(ran).as_posix() for p in ran.rglob("*.tif") if ".waterbodem" not in p.parts}
    amounts = {f"{f}/{m}_f32.tif" for f in FUNCTIES for m in ARRIVALS} | {f"{v}/{MAP}_f32.tif" for v in VARIANTS}
    assert amounts < maps, "numbers that the steps of their maps are made of, not to look at"
    assert {m.replace(".tif", ".qml") for m in maps - amounts} == {n for n in styles(ran) if n.endswith(".qml")}
    root = Xml.parse(ran / PROJECT).getroot()
    groups = root.findall("layer-tree-group/layer-tree-group")
    assert [g.get("name") for g in groups] == [
        "Woningbouw", "Woningbouw (2050Hd)", "Natte natuur", "Natte natuur (2050Hd)"
    ]  # fmt: skip
    own = ["Gebieden", "Antwoord", "Afwentelingsrisico", "Last voor benedenstrooms"]
    arrives = ["Ontvangen water", "Verandering van het grondwater"]
    for group, more in zip(groups, (arrives, []) * 2, strict=True):
        assert [layer.get("name") for layer in group] == own + more, "who receives it is told of present conditions"
    drawn = [e.text for e in root.iter("datasource") if e.text.endswith(".tif")]
    per_functie = [f"./{v}/{m}.tif" for v in VARIANTS for m in ("klasse", "risico", "benedenstrooms")]
    assert sorted(drawn) == sorted([*per_functie, *(f"./{f}/{m}.tif" for f in FUNCTIES for m in ARRIVALS)])


@pytest.mark.parametrize("name", ["klasse", "risico", "benedenstrooms"])
def test_a_style_of_a_run_has_the_colours_of_the_raster(ran, name):
    style = Xml.parse(ran / "natte_natuur@2050Hd" / f"{name}.qml").getroot()
    with rasterio.open(ran / "natte_natuur@2050Hd" / f"{name}.tif") as file:
        table, cells, (band,) = file.colormap(1), file.read(1), file.descriptions
    entries = {int(e.get("value")): e.get("color") for e in style.iter("paletteEntry")}
    values = sorted(set(np.unique(cells).tolist()) - {255})
    assert values
    assert [entries.get(v) or shown(style, v) for v in values] == [hexed(table[v]) for v in values]
    assert band == BANDS[name]


def test_the_filters_of_a_run_find_the_rows_of_functie_and_scenario(ran):
    root = Xml.parse(ran / PROJECT).getroot()
    filters = [e.text.split("|subset=")[1] for e in root.iter("datasource") if "subset" in e.text]
    found = [pyogrio.read_dataframe(ran / "gebieden.gpkg", layer="gebieden", where=f) for f in filters]
    assert [set(zip(t.functie, t.scenario, strict=True)) for t in found] == [
        {tuple((v + "@").split("@")[:2])} for v in VARIANTS
    ]


def test_styles_of_a_run_are_told_of_and_stay_as_they_are(ran):
    told = json.loads((ran / "herkomst.json").read_text(encoding="utf-8"))["uitvoer"]
    before = styles(ran)
    assert before.keys() <= told.keys()
    assert all(told[n]["sha256"] == hashlib.sha256(content).hexdigest() for n, (content, _) in before.items())
    assert f'<a href="{PROJECT}">' in (ran / "rapport.html").read_text(encoding="utf-8")
    assert wb.run(ran.parent / "run.toml").made == 0
    assert styles(ran) == before, "not even written again"
    (ran / "woningbouw" / "klasse.qml").unlink()
    (ran / PROJECT).write_bytes(b"<qgis/>")
    assert wb.run(ran.parent / "run.toml").made == 0
    assert {n: content for n, (content, _) in styles(ran).items()} == {n: c for n, (c, _) in before.items()}


def test_a_functie_that_failed_is_not_in_the_project(tmp_path, monkeypatch):
    path = start(tmp_path)
    real = compute.maps_and_sums

    def poisoned(cells, functie, *rest, **more):
        if functie.id == "woningbouw":
            raise MemoryError("poison")
        return real(cells, functie, *rest, **more)

    path.write_text(RUN.replace('"woningbouw", ', ""), encoding="utf-8")
    assert runner.run(path).complete
    alone = styles(tmp_path / "uit")
    monkeypatch.setattr(compute, "maps_and_sums", poisoned)
    path.write_text(RUN, encoding="utf-8")
    assert not runner.run(path).complete
    assert styles(tmp_path / "uit") == alone
    assert b"woningbouw" not in alone[PROJECT][0]
    monkeypatch.undo()
    assert runner.run(path).complete
    assert b"./woningbouw/klasse.tif" in styles(tmp_path / "uit")[PROJECT][0]
