"""A setting that changes: the folder of before gives what a fresh one gives, though it keeps what is still good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
from test_batch import digests

from waterbodem import batch
from waterbodem.runfile import AreaChoice, BurdenChoice, GridChoice, RunFile

EXAMPLE = Path(__file__).parents[1] / "rasters" / "voorbeeld"
FUNCTIE = Path(batch.__file__).parent / "data" / "functies" / "akkerbouw.toml"
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
    "scenarios": ({}, {"scenarios": ["2050hoog"]}),
    "maps": ({}, {"maps": ["klasse", "bepalend", "dekking"]}),
    "float": ({}, {"float": True}),
    "methode": ({}, {"methode": "minimum"}),
    "orness": ({"methode": "owa", "orness": 0.3}, {"orness": 0.45}),
    "parameters": ({}, {"parameters.woningbouw.verhardingsgraad": 0.7}),
    "functies_file": ({"functies": ["eigen"], "functies_file": "eigen.toml"}, {"functies_file": "anders.toml"}),
    "grid.resolution": ({}, {"grid.resolution": 20}),
    "grid.bounds": ({}, {"grid.bounds": [238_500, 553_500, 239_500, 554_500]}),
    "afwenteling.referentie": ({}, {"afwenteling.referentie": "natte_natuur"}),
    "afwenteling.aangelegde_berging_mm": ({}, {"afwenteling.aangelegde_berging_mm": 20}),
    "afwenteling.bergingseis_mm": (AREAS, {"afwenteling.bergingseis_mm": 10}),
    "afwenteling.demping_m": (WATER, {"afwenteling.demping_m": 100}),
    "afwenteling.reikwijdte": (WATER, {"afwenteling.reikwijdte": 50}),
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
    "path": ({}, CATALOGUE, 'path = "droogte.tif"', 'path = "droogte_2050hoog.tif"'),
    "path of a scenario": (
        {"scenarios": ["2050hoog"]},
        CATALOGUE,
        'path = "droogte_2050hoog.tif"',
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
    assert batch.run(folder / "run.toml", workers=1).complete
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
    tables = {"grid": GridChoice, "afwenteling": BurdenChoice, "gebieden": AreaChoice, "ontvangers": AreaChoice}
    names = {field.alias or name for name, field in RunFile.model_fields.items()} - tables.keys()
    names |= {f"{table}.{name}" for table, model in tables.items() for name in model.model_fields}
    assert names - UNSEEN == set(SETTINGS)
