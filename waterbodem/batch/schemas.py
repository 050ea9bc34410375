"""JSON Schemas of the files that people write, for editors that complete and check TOML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from waterbodem.batch.run_file import RunFile
from waterbodem.definitions.measures.checks import parameter_names
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.models import Functie
from waterbodem.definitions.parameters import parameter_kinds
from waterbodem.definitions.registry import layer_kinds
from waterbodem.formats.output_names import ALL_MAPS
from waterbodem.layers.catalogue import catalogue_schema

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Schema]:
    """Return every schema by file name.

    Examples
    --------
    >>> sorted(schemas())
    ['functie.schema.json', 'lagen.schema.json', 'maatregel.schema.json', 'run.schema.json']
    """
    return {
        "lagen.schema.json": catalogue_schema(),
        "functie.schema.json": functie_schema(),
        "maatregel.schema.json": measure_schema(),
        "run.schema.json": run_schema(),
    }


def run_schema() -> Schema:
    """Schema of a run file."""
    schema = RunFile.model_json_schema(by_alias=True)
    parts = {name: _closed(part) for name, part in schema.pop("$defs").items()}
    one = _closed(schema)
    for value in one["properties"].values():
        if isinstance(value.get("default"), dict):  # of tables, which are there or not
            del value["default"]
    one["properties"]["maps"] = {"type": "array", "uniqueItems": True, "items": {"enum": list(ALL_MAPS)}}
    return {**one, "$schema": DRAFT, "title": "run", "description": "Een run: welke functies, waar, en waarheen"} | {
        "$defs": dict(sorted(parts.items()))
    }


def functie_schema() -> Schema:
    """Return the schema of a functie file: one functie, or several as ``[functies.<id>]`` tables."""
    schema = Functie.model_json_schema()
    parts = schema.pop("$defs")
    parts = {name: _closed(part) for name, part in parts.items()}
    parts["Criterion"] = _one_form(parts["Criterion"])
    parts["Threshold"]["properties"]["laag"] = {"enum": list(layer_kinds())}
    one = _named(_closed(schema))
    return _one_or_several("functie", "functies", one, parts)


def measure_schema() -> Schema:
    """Return the schema of a file of measures: one, or several as ``[maatregelen.<id>]`` tables."""
    schema = Maatregel.model_json_schema()
    parts = {name: _closed(part) for name, part in schema.pop("$defs").items()}
    parts["Otherwise"] = _of_layers(parts["Otherwise"])
    return _one_or_several("maatregel", "maatregelen", _of_layers(_closed(schema)), parts)


def _of_layers(part: Schema) -> Schema:
    """Name the layers and parameters that a measure may speak of."""
    names = {"waar": list(layer_kinds()), "waar_bekend": list(layer_kinds()), "parameters": list(parameter_names())}
    names["lagen"] = [name for name, kind in layer_kinds().items() if kind.soort != "klasse"]
    tables = {key: {**part["properties"][key], "propertyNames": {"enum": known}} for key, known in names.items()}
    return {**part, "properties": {**part["properties"], **tables}}


def _one_or_several(title: str, table: str, one: Schema, parts: dict[str, Schema]) -> Schema:
    """Return the schema of a file with one definition, or with a table of several by id."""
    name, pattern = title.capitalize(), one["properties"]["id"]["pattern"]
    several = {**one, "required": [n for n in one["required"] if n != "id"]}
    return {
        "$schema": DRAFT,
        "title": title,
        "description": f"Een {title}, of meer {table} als tabellen [{table}.<id>]",
        "type": "object",
        "anyOf": [{"$ref": f"#/$defs/{name}"}, _collection(table, pattern, f"{name}ZonderId")],
        "$defs": dict(sorted((parts | {name: one, f"{name}ZonderId": several}).items())),
    }


def _collection(table: str, pattern: str, part: str) -> Schema:
    tables = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "patternProperties": {pattern: {"$ref": f"#/$defs/{part}"}},
    }
    return {"type": "object", "additionalProperties": False, "required": [table], "properties": {table: tables}}


def _closed(part: Mapping[str, Any]) -> Schema:
    """Return a part without what Python's docstrings say and TOML cannot hold (null)."""
    properties = {name: _without_null(value) for name, value in part.get("properties", {}).items()}
    return {**{k: v for k, v in part.items() if k != "description"}, "properties": properties}


def _without_null(value: Mapping[str, Any]) -> Schema:
    kept = {k: v for k, v in value.items() if not (k == "default" and v is None)}
    options = [option for option in kept.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        return {**{k: v for k, v in kept.items() if k != "anyOf"}, **options[0]}
    return kept


def _one_form(criterion: Schema) -> Schema:
    """Ask for a curve or a class table, not both."""
    return {**criterion, "oneOf": [{"required": ["punten"]}, {"required": ["klassen"]}]}


def _named(functie: Schema) -> Schema:
    """Name the layers and parameters that exist, with the limits of their values."""
    properties = dict(functie["properties"])
    layers = {"enum": list(layer_kinds())}
    for name in ("criteria", "optionele_criteria"):
        properties[name] = {**properties[name], "propertyNames": layers}
    properties["parameters"] = {
        "title": "Parameters",
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, kind in parameter_kinds().items() if kind.verplicht],
        "properties": {name: _parameter(kind.van, kind.tot) for name, kind in parameter_kinds().items()},
    }
    return {**functie, "properties": properties}


def _parameter(low: float, high: float) -> Schema:
    limits = {"minimum": low} if high == float("inf") else {"minimum": low, "maximum": high}
    return {"allOf": [{"$ref": "#/$defs/Parameter"}, {"properties": {"waarde": limits}}]}
