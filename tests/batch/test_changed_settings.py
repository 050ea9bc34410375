"""A setting that changes: the folder of before gives what a fresh one gives, though it keeps what is still good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

import waterbodem as wb
from tests.batch.test_runner import digests
from waterbodem.batch import runner
from waterbodem.batch.forecast import forecast_run
from waterbodem.batch.run_file import AreaChoice, BurdenChoice, GridChoice, KompasChoice, ReceiverChoice, RunFile
from waterbodem.definitions.registry import definition_sha256

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
KOMPAS = Path(runner.__file__).parents[1] / "data" / "kompas.toml"
REACH = """
[[situaties]]
id = "overal"
naam = "overal hetzelfde"
lambda_m = 50
als = [{ laag = "keileemdiepte", min = 0 }]
bron = []
expertoordeel = "geheel"
"""
FUNCTIE = Path(runner.__file__).parents[1] / "data" / "functies" / "akkerbouw.toml"
BASE = {
    "layers": "lagen/lagen.toml",
    "functies": ["woningbouw"],
    "pictures": False,
    "maps": ["geschiktheid", "klasse", "oorzaak", "risico"],
    "grid.bounds": [238_000, 553_000, 239_000, 554_000],
}
AREAS = {
    "maps": ["klasse"],
    "gebieden.path": "lagen/plannen.geojson",
    "grid.bounds": [238_000, 553_000, 240_000, 555_000],
}
WATER = AREAS | {
    "functies": ["akkerbouw", "woningbouw"],  # one lowers groundwater, the other lets water go
    "maps": ["benedenstrooms", "ontvangst", "grondwater"],
    "ontvangers.path": "lagen/beekdal.geojson",
}

#: What changes numbers, by its place in a run file: settings to begin with, and those that take their place.
SETTINGS = {
    "functies": ({}, {"functies": ["natte_natuur", "woningbouw"]}),
    "scenarios": ({}, {"scenarios": ["2050Hd"]}),
    "maps": ({}, {"maps": ["klasse", "bepalend", "dekking"]}),
    "float": ({}, {"float": True}),
    "methode": ({}, {"methode": "minimum"}),
    "orness": ({"methode": "owa", "orness": 0.3}, {"orness": 0.45}),
    "parameters": ({}, {"parameters.woningbouw.verhardingsgraad": 0.7}),
    "functies_file": ({"functies": ["eigen"], "functies_file": "eigen.toml"}, {"functies_file": "anders.toml"}),
    "grid.resolution": ({}, {"grid.resolution": 20}),
    "grid.bounds": ({}, {"grid.bounds": [238_500, 553_500, 239_500, 554_500]}),
    "afwenteling.referentie": ({}, {"afwenteling.referentie": "natte_natuur"}),
    "afwenteling.waterschap": (AREAS, {"afwenteling.waterschap": "Vechtstromen"}),
    "afwenteling.waterschap by boundaries": (
        AREAS | {"afwenteling.waterschap": "Vechtstromen"},
        {"afwenteling.waterschap": "lagen/waterschappen.geojson"},
    ),
    "afwenteling.aangelegde_berging_mm": ({}, {"afwenteling.aangelegde_berging_mm": 20}),
    "afwenteling.bergingseis_mm": (AREAS, {"afwenteling.bergingseis_mm": 10}),
    "gebieden.bandbreedte": (AREAS, {"gebieden.bandbreedte": False}),
    "kompas.path": (AREAS, {"kompas.path": "streng.toml"}),
    "ontvangers.demping_m": (WATER, {"ontvangers.demping_m": 100}),
    "ontvangers.reikwijdte": (WATER, {"ontvangers.reikwijdte": 50}),
    "ontvangers.reikwijdte of one's own": (
        WATER | {"ontvangers.reikwijdte": 150},
        {"ontvangers.reikwijdte": "reikwijdte.toml"},
    ),
    "ontvangers.onttrekking": (
        WATER | {"functies": ["drinkwaterwinning"]},
        {"ontvangers.onttrekking": [500_000, 265, 2500]},
    ),
    "gebieden.path": (WATER, {"gebieden.path": "lagen/omhullend.geojson"}),
    "gebieden.id": (AREAS, {"gebieden.id": "opmerking"}),
    "ontvangers.path": (WATER, {"ontvangers.path": "lagen/omhullend.geojson"}),
    "ontvangers.id": (WATER | {"ontvangers.path": "lagen/plannen.geojson"}, {"ontvangers.id": "opmerking"}),
}
#: Settings that change no number; of the files they name, see below.
UNSEEN = {"layers", "output", "pictures"}

#: What changes numbers in files that a run file names: settings, file, and what is written there instead of what.
CATALOGUE, OWN = "lagen/lagen.toml", {"functies": ["eigen"], "functies_file": "eigen.toml"}
EDITS = {
    "functie": (OWN, "eigen.toml", "gewicht = 0.25", "gewicht = 0.75"),
    "path": ({}, CATALOGUE, 'path = "droogte.tif"', 'path = "droogte_2050Hd.tif"'),
    "path of a scenario": (
        {"scenarios": ["2050Hd"]},
        CATALOGUE,
        'path = "droogte_2050Hd.tif"',
        'path = "droogte.tif"',
    ),
    "unit": ({}, CATALOGUE, 'unit = "dm"', 'unit = "cm"'),
    "sign": ({}, CATALOGUE, 'unit = "mm/d"\nsign = "down"', 'unit = "mm/d"\nsign = "up"'),
    "absent": ({}, CATALOGUE, "absent = 9999", 'outside = "unknown"'),
    "nodata": ({}, CATALOGUE, "[layers.grondwaterbescherming]", "[layers.grondwaterbescherming]\nnodata = 0"),
    "classes": (
        {},
        CATALOGUE,
        "[layers.grondwaterbescherming]",
        "[layers.grondwaterbescherming]\nclasses = { 0 = 3, 2 = 3, 3 = 3, 4 = 3 }",
    ),
    "range": ({}, CATALOGUE, "[layers.droogte]", '[layers.droogte]\nrange = [0, 12]\noutside = "unknown"'),
    "resampling": ({"grid.resolution": 20}, CATALOGUE, "[layers.kwel]", '[layers.kwel]\nresampling = "nearest"'),
    "else": ({}, CATALOGUE, "else = 0", "else = 1"),
    "value": ({}, CATALOGUE, "value = 1", "value = 0"),
    "waterschap": (
        AREAS | {"afwenteling.waterschap": "lagen/waterschappen.geojson"},
        "lagen/waterschappen.geojson",
        "drents_overijsselse_delta",
        "noorderzijlvest",
    ),
    "kompas": (AREAS | {"kompas.path": "streng.toml"}, "streng.toml", '"risico", min = 0.01', '"risico", min = 0.60'),
    "reikwijdte": (
        WATER | {"ontvangers.reikwijdte": "reikwijdte.toml"},
        "reikwijdte.toml",
        "lambda_m = 50",
        "lambda_m = 80",
    ),
    "a layer less": (WATER, CATALOGUE, "[layers.ghg]", '[layers."ghg@elders"]'),
}


@pytest.fixture
def folder(tmp_path):
    """Layers, polygons and the same as rectangles, and a functie of one's own in two versions."""
    shutil.copytree(EXAMPLE, tmp_path / "lagen")
    plans = gpd.read_file(EXAMPLE / "plannen.geojson")
    plans.set_geometry(plans.envelope).to_file(tmp_path / "lagen" / "omhullend.geojson")
    text = FUNCTIE.read_text(encoding="utf-8").replace('id = "akkerbouw"\ncode = 6\n', 'id = "eigen"\ncode = 100\n')
    (tmp_path / "eigen.toml").write_text(text, encoding="utf-8")
    edit(shutil.copy(tmp_path / "eigen.toml", tmp_path / "anders.toml"), "gewicht = 0.25", "gewicht = 0.75")
    edit(shutil.copy(KOMPAS, tmp_path / "streng.toml"), '"risico", min = 0.60', '"risico", min = 0.01')
    (tmp_path / "reikwijdte.toml").write_text(REACH, encoding="utf-8")
    return tmp_path


def edit(path, old, new):
    """Write something else where it stands first."""
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new, 1), encoding="utf-8")


def ran(folder, settings, output="uit"):
    """Maps and tables that a run leaves, by name."""
    if "ontvangers.path" in settings:
        pytest.importorskip("pyflwdir")
    lines = [f"{key} = {json.dumps(value)}" for key, value in (settings | {"output": output}).items()]
    (folder / "run.toml").write_text("\n".join(lines), encoding="utf-8")
    assert runner.run(folder / "run.toml", workers=1).complete
    found = digests(folder / output)
    return {name: found[name] for name in found if name.endswith((".tif", ".csv", ".gpkg"))}


def check(folder, settings, before):
    """The folder of before holds what a fresh one holds, and it is something else."""
    again, fresh = ran(folder, settings), ran(folder, settings, "vers")
    assert fresh and not fresh.items() <= before.items(), "the change is one of numbers"
    assert {name: again.get(name) for name in fresh} == fresh


@pytest.mark.parametrize("name", SETTINGS)
def test_a_run_file_that_changed_gives_what_it_gives_afresh(folder, name):
    first, change = SETTINGS[name]
    check(folder, BASE | first | change, ran(folder, BASE | first))


@pytest.mark.parametrize("name", EDITS)
def test_a_file_that_changed_gives_what_it_gives_afresh(folder, name):
    settings, file, old, new = EDITS[name]
    before = ran(folder, BASE | settings)
    edit(folder / file, old, new)
    check(folder, BASE | settings, before)


def test_every_setting_is_tried():
    tables = {"grid": GridChoice, "afwenteling": BurdenChoice, "gebieden": AreaChoice, "ontvangers": ReceiverChoice,
              "kompas": KompasChoice}  # fmt: skip
    names = {field.alias or name for name, field in RunFile.model_fields.items()} - tables.keys()
    names |= {f"{table}.{name}" for table, model in tables.items() for name in model.model_fields}
    assert names - UNSEEN == {name.partition(" ")[0] for name in SETTINGS}


def test_a_run_judges_by_own_rules_as_an_answer_does(folder):
    """The Kompas in the table of a run is that of an assessment with the same rules."""
    ran(folder, BASE | AREAS | {"kompas.path": "streng.toml"})
    layers = wb.open_layers(folder / "lagen", bounds=AREAS["grid.bounds"])
    rules, plans = wb.kompas_regels(folder / "streng.toml"), folder / "lagen/plannen.geojson"
    columns = [p.kolom for p in rules.beginselen.values()]
    found = pd.read_csv(folder / "uit/gebieden.csv", dtype=str)[columns]
    own = wb.per_gebied(layers, "woningbouw", plans, kompas=rules)[columns]
    assert found.values.tolist() == own.values.tolist()
    assert found.values.tolist() != wb.per_gebied(layers, "woningbouw", plans)[columns].values.tolist()
    told = json.loads((folder / "uit/herkomst.json").read_text(encoding="utf-8"))
    assert told["kompas"]["sha256"] == definition_sha256(rules)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"kompas.path": "weg.toml"}, "weg.toml"),
        ({"kompas.path": "eigen.toml"}, "eigen.toml"),
        ({"ontvangers.reikwijdte": "weg.toml"}, "weg.toml"),
        ({"afwenteling.reikwijdte": 50}, r"\[ontvangers\]"),
    ],
)
def test_check_names_a_file_of_own_settings_that_will_not_do(folder, table, word):
    lines = [f"{key} = {json.dumps(value)}" for key, value in (BASE | AREAS | table | {"output": "uit"}).items()]
    (folder / "run.toml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match=word):
        forecast_run(folder / "run.toml")
    assert not (folder / "uit").exists()
