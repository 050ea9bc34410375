"""The JSON Schemas for editors: up to date, and they accept what the package accepts."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

import waterbodem as wb
from waterbodem.batch.run_file import read_run_file
from waterbodem.batch.schemas import schemas
from waterbodem.definitions.measures.catalogue import load_measures, measure_of
from waterbodem.definitions.registry import builtin_functies, layer_kinds, own_functies
from waterbodem.layers.catalogue import parse_catalogue
from waterbodem.layers.template import catalogue_template

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "waterbodem/data/functies").glob("*.toml"))
FUNCTIE = schemas()["functie.schema.json"]
CATALOGUE = schemas()["lagen.schema.json"]


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def refused(data, schema):
    return not jsonschema.Draft202012Validator(schema).is_valid(data)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_committed_schema_is_up_to_date(name):
    committed = json.loads((ROOT / "docs/schema" / name).read_text(encoding="utf-8"))
    assert committed == schemas()[name], "run: waterbodem schema docs/schema"
    jsonschema.Draft202012Validator.check_schema(committed)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_functie_file_validates(path):
    jsonschema.validate(read(path), FUNCTIE)


def test_there_is_a_file_for_every_functie():
    assert {p.stem for p in FILES} == set(builtin_functies())


def test_several_functies_in_one_file_validate(tmp_path):
    data = read(FILES[0])
    own = {k: v for k, v in data.items() if k != "id"} | {"code": 101}
    jsonschema.validate({"functies": {"eigen": own}}, FUNCTIE)


def changed(**keys):
    return {**read(FILES[0]), **keys}


@pytest.mark.parametrize(
    "data",
    [
        {k: v for k, v in read(FILES[0]).items() if k != "code"},
        changed(onbekend=1),
        changed(criteria={"kweel": {"gewicht": 1, "punten": [[0, 1]]}}),
        changed(criteria={"kwel": {"gewicht": 0, "punten": [[0, 1]]}}),
        changed(criteria={"kwel": {"gewicht": 1, "punten": [[0, 1.5]]}}),
        changed(criteria={"kwel": {"gewicht": 1, "punten": [[0, 1]], "klassen": {"0": 1}}}),
        changed(criteria={"kwel": {"gewicht": 1}}),
        changed(parameters={"verhardingsgraad": {"waarde": 0.5}}),
        changed(parameters={**read(FILES[0])["parameters"], "verhardingsgraad": {"waarde": 1.5}}),
        changed(drempels=[{"laag": "kwel", "operator": "=>", "waarde": 1, "gevolg": "uitsluiten"}]),
    ],
    ids=["no code", "key", "layer", "weight", "score", "both forms", "no form", "missing", "range", "operator"],
)
def test_what_the_library_refuses_the_schema_refuses(data, tmp_path):
    assert refused(data, FUNCTIE)


def test_the_example_catalogue_validates():
    jsonschema.validate(read(ROOT / "rasters/voorbeeld/lagen.toml"), CATALOGUE)


@pytest.mark.parametrize("key", ["unit", "path"])
def test_a_layer_without_unit_or_path_is_refused(key):
    data = read(ROOT / "rasters/voorbeeld/lagen.toml")
    del data["layers"]["kwel"][key]
    assert refused(data, CATALOGUE)


def filled_in():
    """The template with every layer switched on, as a user would."""
    return re.sub(r"(?m)^# (?=\[layers|[a-z]+ = )", "", catalogue_template())


def test_the_template_as_written_is_valid_toml_without_layers():
    data = tomllib.loads(catalogue_template())
    assert set(data) == {"title", "crs"}


def test_the_template_filled_in_holds_every_layer_and_is_right(tmp_path):
    path = tmp_path / "lagen.toml"
    path.write_text(filled_in(), encoding="utf-8")
    catalogue, problems = parse_catalogue(path)
    assert problems == []
    assert set(catalogue.layers) == set(layer_kinds())
    jsonschema.validate(read(path), CATALOGUE)


def test_own_functies_of_several_tables_load_as_the_schema_says(tmp_path):
    text = (ROOT / "waterbodem/data/functies/recreatie_dag.toml").read_text(encoding="utf-8")
    body = text.replace('id = "recreatie_dag"', "").replace("code = ", "code = 1", 1)
    nested = re.sub(r"(?m)^(\[+)", r"\1functies.eigen.", body)
    path = tmp_path / "eigen.toml"
    path.write_text("[functies.eigen]\n" + nested, encoding="utf-8")
    jsonschema.validate(read(path), FUNCTIE)
    (own,) = own_functies(path)
    assert own.id == "eigen"


RUN = schemas()["run.schema.json"]
ASKED = """
layers = "lagen.toml"
functies = ["woningbouw"]
output = "uit"
maps = ["klasse"]
float = true
[grid]
resolution = 5
[gebieden]
path = "plannen.gpkg"
[ontvangers]
reikwijdte = "situatie"
demping_m = 500
[kompas]
path = "kompas.toml"
[parameters.woningbouw]
verhardingsgraad = 0.7
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("path =", "pad ="), ("[kompas]", "[compas]"), ("klasse", "klassen"), ("500", "-5"),
     ("[ontvangers]", "[afwenteling]"), ("reikwijdte = ", "reikwijdte = -1 # ")],
)  # fmt: skip
def test_what_the_schema_says_of_a_run_file_reading_it_says(tmp_path, old, new):
    file = tmp_path / "run.toml"
    file.write_text(ASKED, encoding="utf-8")
    assert not refused(read(file), RUN) and read_run_file(file).kompas.path == "kompas.toml"
    file.write_text(ASKED.replace(old, new, 1), encoding="utf-8")
    assert refused(read(file), RUN)
    with pytest.raises(wb.WaterbodemError, match=r"run\.toml"):
        read_run_file(file)


# --- measures --------------------------------------------------------------------------------------------------------

MEASURE = schemas()["maatregel.schema.json"]
MEASURES = sorted((ROOT / "waterbodem/data/maatregelen").glob("*.toml"))
WADI = read(next(path for path in MEASURES if path.stem == "wadi"))


def test_every_file_of_a_measure_validates():
    assert len(MEASURES) == len(load_measures())
    for path in MEASURES:
        jsonschema.validate(read(path), MEASURE)
    jsonschema.validate({"maatregelen": {"eigen": {k: v for k, v in WADI.items() if k != "id"}}}, MEASURE)


@pytest.mark.parametrize(
    "changes",
    [
        {"onbekend": 1},
        {"trede": 4},
        {"waar": {"ghgg": {"minstens": 1}}},
        {"waar": {"ghg": {"minst": 1}}},
        {"lagen": {"natuur": {"hoogstens": 0}}},
        {"lagen": {"ghg": {"wordt": 1}}},
        {"parameters": {"bergingseis_mm": {"wordt": 40}}},
        {"ruimte": {"plus": -0.1}},
        {"kosten": {"laag": 1, "hoog": 2}},
    ],
    ids=str,
)
def test_what_a_measure_may_not_hold_its_schema_refuses_too(changes):
    assert refused({**WADI, **changes}, MEASURE)
    with pytest.raises(wb.WaterbodemError):
        measure_of({**WADI, **changes}, "wadi", wb.functies())
