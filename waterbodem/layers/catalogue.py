"""The layer catalogue, lagen.toml: which file holds which layer, in which unit and sign."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from waterbodem.core import crs as crs_text
from waterbodem.core.errors import (
    CatalogueError,
    DefinitionError,
    WaterbodemError,
    nearest,
    raise_all,
)
from waterbodem.core.path_gate import VECTOR_MAGIC
from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.layer_name import AT, PERCENTILES, LayerName
from waterbodem.definitions.models import Definition, Finite, LayerKind
from waterbodem.definitions.registry import Functies, builtin_functies, layer_kinds
from waterbodem.definitions.uncertainty import Uncertainty, stated_mapping, uncertainty_problems
from waterbodem.definitions.units import factor
from waterbodem.definitions.validation import complaints

#: The name of a catalogue in a folder.
FILE_NAME = "lagen.toml"

#: What a planner sees where source or vintage is not stated.
UNKNOWN = "onbekend"

_SCENARIO = r"[A-Za-z0-9][A-Za-z0-9_-]*"

#: Keys of a layer that hold in one scenario only.
OF_SCENARIO = ("horizon", "stresstest", "bron_scenario")

Line = Annotated[str, Field(min_length=1, max_length=1000)]


class LayerEntry(Definition):
    """One ``[layers.<id>]`` table; field names are its keys (``else`` is ``otherwise``)."""

    model_config = ConfigDict(populate_by_name=True)

    path: Line
    unit: str
    sign: Literal["up", "down"] | None = None
    source: str = UNKNOWN
    vintage: str = UNKNOWN
    nodata: float | None = None
    absent: float | None = None
    classes: Mapping[float | str, float] = {}
    unlisted: Literal["error", "unknown"] = "error"
    horizon: Annotated[int, Field(ge=1900, le=3000)] | None = None
    stresstest: bool | Line = False
    bron_scenario: Line | None = None
    korrel_m: Annotated[Finite, Field(gt=0)] | None = None
    afwijking: Line | None = None
    licence: Line | None = None
    attribution: Line | None = None
    band: Annotated[int, Field(ge=1)] = 1
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    uncertainty: Uncertainty | None = None
    p10: Line | None = None
    p90: Line | None = None
    resampling: Literal["nearest", "average", "bilinear"] | None = None
    range: tuple[Finite, Finite] | None = None
    outside: Literal["error", "unknown"] = "error"
    layer: str | None = None
    field: str | None = None
    value: Finite | None = None
    otherwise: Finite | None = Field(default=None, alias="else")

    @field_validator("*", mode="before")
    @classmethod
    def _no_booleans(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name != "stresstest":
            raise ValueError("true and false are no values here")
        return value

    @field_validator("source", "vintage", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value

    @field_validator("classes", mode="before")
    @classmethod
    def _codes(cls, classes: Any) -> Any:
        if not isinstance(classes, Mapping):
            raise ValueError("classes must be a table of code = value")
        codes = {str(code): _code(code) for code in classes}
        if len(set(codes.values())) < len(codes):
            raise ValueError(f"a code stands twice: {', '.join(codes)}")
        return {codes[str(code)]: value for code, value in classes.items()}

    @field_validator("uncertainty", mode="before")
    @classmethod
    def _stated(cls, value: Any) -> Any:
        return None if value is None else stated_mapping(value)

    @field_validator("range", mode="after")
    @classmethod
    def _rising(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("range must be [low, high] with low < high")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> LayerEntry:
        if self.absent is not None and math.isnan(self.absent):
            raise ValueError("absent: nan means unknown, not absent")
        if self.absent is not None and self.absent == self.nodata:
            raise ValueError(f"absent and nodata are both {self.absent:g}: which is it?")
        if "unlisted" in self.model_fields_set and not self.classes:
            raise ValueError("unlisted: only with classes")
        return self

    @model_validator(mode="after")
    def _both_percentiles(self) -> LayerEntry:
        if (self.p10 is None) != (self.p90 is None):
            raise ValueError("p10 and p90: one stands without the other")
        return self

    @model_validator(mode="after")
    def _raster_or_vector(self) -> LayerEntry:
        if self.words and self.field is None:
            raise ValueError(
                f"class code {next(iter(self.words))!r} is not a number; words only with a field of polygons"
            )
        if self.words and self.codes:
            raise ValueError("classes: either words or numbers")
        if not self.is_vector:
            return self
        if (self.field is None) == (self.value is None):
            raise ValueError("a vector file needs either field or value")
        if {"band", "resampling"} & self.model_fields_set:
            raise ValueError("band and resampling: only with a raster")
        return self

    @property
    def codes(self) -> dict[float, float]:
        """Class table of numbers."""
        return {code: value for code, value in self.classes.items() if not isinstance(code, str)}

    @property
    def words(self) -> dict[str, float]:
        """Class table of words, as a field of polygons may hold."""
        return {code: value for code, value in self.classes.items() if isinstance(code, str)}

    @property
    def percentiles(self) -> dict[str, LayerEntry]:
        """Tables of the percentiles of the cell, by the key that names their file: the layer's own without range."""
        files = {n: getattr(self, n) for n in PERCENTILES if self.p10 is not None}
        plain = {"p10": None, "p90": None, "sha256": None, "uncertainty": None, "range": None}
        return {n: self.model_copy(update={**plain, "path": path}) for n, path in files.items()}

    @property
    def is_vector(self) -> bool:
        """Whether the file holds features; a .gpkg does if a vector key is given."""
        suffix = Path(self.path).suffix.lower()
        keys = (self.layer, self.field, self.value, self.otherwise)
        return any(k is not None for k in keys) or suffix in set(VECTOR_MAGIC) - {".gpkg"}


def _code(text: Any) -> float | str:
    try:
        code = float(text)
    except ValueError:
        return str(text)
    if not math.isfinite(code):
        raise ValueError(f"class code {text!r} is not finite")
    return code


#: Keys of a layer table, as written.
KEYS = tuple(f.alias or name for name, f in LayerEntry.model_fields.items())


class Catalogue(Definition):
    """A lagen.toml, checked in itself; no file has been opened yet."""

    title: str = ""
    crs: str | None = None
    layers: Mapping[str, LayerEntry] = {}

    @field_validator("crs", mode="before")
    @classmethod
    def _projected(cls, value: Any) -> Any:
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise ValueError("give EPSG:<code> or WKT text")
        try:
            return crs_text.projected(value)
        except WaterbodemError as error:  # the value is named where the key is
            raise ValueError("; allowed: ".join(t for t in (error.what, error.allowed) if t)) from None


def kind_of(name: str) -> LayerKind:
    """Return what a layer, or its scenario variant, measures."""
    return layer_kinds()[LayerName.of(name).layer]


def catalogue_file(path: str | Path) -> Path:
    """Return the lagen.toml that is meant: the file itself, or the one in a folder."""
    given = Path(path)
    return given / FILE_NAME if os.path.isdir(given) else given  # a name that no disk takes is none


def read_catalogue(path: str | Path, functies: Functies | None = None) -> Catalogue:
    """Read and check a lagen.toml.

    Parameters
    ----------
    path : str or Path
        The file, or a folder that holds ``lagen.toml``.
    functies : Functies, optional
        Whose ids ``classes`` may name; default those of the package.

    Raises
    ------
    CatalogueError, Problems
        Everything that is wrong, at once, with file and key.
    """
    catalogue, problems = parse_catalogue(path, functies)
    raise_all(problems, where="")
    return catalogue


def parse_catalogue(path: str | Path, functies: Functies | None = None) -> tuple[Catalogue, list[WaterbodemError]]:
    """Return what is usable of a lagen.toml, and everything that is not; see :func:`read_catalogue`.

    Raises
    ------
    CatalogueError
        If it cannot be read as TOML at all.
    """
    file = catalogue_file(path)
    try:
        data = read_toml(file)
    except DefinitionError as error:
        raise CatalogueError(error.what, value=error.value, allowed=error.allowed, where=error.where) from None
    return _checked(data, str(file), builtin_functies() if functies is None else functies)


def _checked(data: dict[str, Any], file: str, functies: Functies) -> tuple[Catalogue, list[WaterbodemError]]:
    problems: list[WaterbodemError] = []
    tables = _tables(data, file, problems)
    frame = {k: v for k, v in data.items() if k in ("title", "crs")}
    problems += _unknown_keys(data, ("title", "crs", "layers"), file)
    top, bad = _validated(frame, file)
    problems += bad
    entries: dict[str, LayerEntry] = {}
    for name, table in tables.items():
        entry, bad = _entry(name, table, file, functies)
        problems += bad
        if entry is not None and not bad:
            entries[name] = entry
    problems += _dated_stress_tests(entries, file)
    base = top if top is not None else Catalogue()
    return base.model_copy(update={"layers": entries}), problems


def _tables(data: Mapping[str, Any], file: str, problems: list[WaterbodemError]) -> dict[str, Any]:
    tables = data.get("layers")
    if isinstance(tables, dict) and tables:
        return tables
    problems.append(CatalogueError("no layers", allowed="at least one [layers.<id>] table", where=f"{file}: layers"))
    return {}


def _unknown_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> list[WaterbodemError]:
    return [
        CatalogueError("unknown key", value=key, allowed=nearest(key, known), where=where)
        for key in table
        if key not in known
    ]


def _validated(data: Mapping[str, Any], file: str) -> tuple[Catalogue | None, list[WaterbodemError]]:
    try:
        return Catalogue.model_validate(data), []
    except ValidationError as error:
        return None, complaints(error, Catalogue, file, CatalogueError)


def _entry(name: str, table: Any, file: str, functies: Functies) -> tuple[LayerEntry | None, list[WaterbodemError]]:
    where = f"{file}: layers.{name}"
    named = name_problems(name, where)
    if not isinstance(table, dict):
        return None, [*named, CatalogueError("not a table", value=table, where=where)]
    unknown = _unknown_keys(table, KEYS, where)
    known = {k: v for k, v in table.items() if k in KEYS}
    strange = [] if named else _name_functies(known, kind_of(name), functies, f"{where}.classes")
    parsed, bad = _validated({"layers": {name: known}}, file)
    entry = parsed.layers[name] if parsed else None
    rules = [] if entry is None or named else _rule_problems(entry, kind_of(name), name, where)
    return entry, [*named, *unknown, *strange, *bad, *rules]


def _name_functies(table: dict[str, Any], kind: LayerKind, functies: Functies, where: str) -> list[WaterbodemError]:
    """Put the code of a functie where ``classes`` names one by id; return an error per id that is none."""
    classes = table.get("classes")
    if kind.codes_van != "functies" or not isinstance(classes, dict):
        return []
    strange = {code: id_ for code, id_ in classes.items() if isinstance(id_, str) and id_ not in functies}
    table["classes"] = {
        code: functies[value].code if isinstance(value, str) else value
        for code, value in classes.items()
        if code not in strange
    }
    return [
        CatalogueError("unknown functie", value=id_, allowed=nearest(id_, functies), where=f"{where}.{code}")
        for code, id_ in strange.items()
    ]


def name_problems(name: str, where: str) -> list[WaterbodemError]:
    """Return what is wrong with the name of a layer, or of one of a scenario."""
    base, scenario, percentile = LayerName.of(name)
    kinds = layer_kinds()
    if base not in kinds:
        return [CatalogueError("unknown layer", value=base, allowed=nearest(base, kinds), where=where)]
    if percentile:
        plain = LayerName(base, scenario)
        allowed = f'{percentile} = "<file>" in [layers."{plain}"]'
        return [CatalogueError("a percentile is no scenario", value=name, allowed=allowed, where=where)]
    if AT in name and not re.fullmatch(_SCENARIO, scenario):
        return [
            CatalogueError(
                "scenario name is not usable",
                value=scenario,
                allowed="letters, digits, - and _",
                where=where,
            )
        ]
    return []


def _rule_problems(entry: LayerEntry, kind: LayerKind, name: str, where: str) -> list[WaterbodemError]:
    """Return what the kind of layer forbids or asks."""
    checks = (
        _sign_problem(entry, kind, where),
        _unit_problem(entry, kind, where),
        _absent_problem(entry, kind, where),
        _resampling_problem(entry, kind, where),
        _percentile_problem(entry, kind, where),
    )
    found = [problem for problem in checks if problem is not None]
    return [*found, *_present_problems(entry, name, where), *_error_problems(entry, kind, where)]


def _percentile_problem(entry: LayerEntry, kind: LayerKind, where: str) -> WaterbodemError | None:
    if entry.p10 is None or kind.soort != "klasse":
        return None
    return CatalogueError("classes have no percentiles", value=entry.p10, where=f"{where}.p10")


def _error_problems(entry: LayerEntry, kind: LayerKind, where: str) -> list[WaterbodemError]:
    """Return what is wrong with the error that is stated; of an unknown unit nothing."""
    if entry.uncertainty is None or _unit_problem(entry, kind, where) is not None:
        return []
    in_rules = entry.uncertainty.of(factor(entry.unit, kind.unit))
    return uncertainty_problems(in_rules, kind, f"{where}.uncertainty", CatalogueError)


def _sign_problem(entry: LayerEntry, kind: LayerKind, where: str) -> WaterbodemError | None:
    where = f"{where}.sign"
    if kind.teken and entry.sign is None:
        return CatalogueError(
            "sign is mandatory: what does a positive value mean",
            allowed=" or ".join(f'"{s}"' for s in kind.teken),
            where=where,
        )
    if entry.sign is not None and not kind.teken:
        having = [k.id for k in layer_kinds().values() if k.teken]
        return CatalogueError(
            f"{kind.id} has no sign",
            value=entry.sign,
            allowed="for " + ", ".join(having),
            where=where,
        )
    return None


def _unit_problem(entry: LayerEntry, kind: LayerKind, where: str) -> WaterbodemError | None:
    try:
        factor(entry.unit, kind.unit)
    except WaterbodemError as error:
        return CatalogueError(error.what, value=error.value, allowed=error.allowed, where=f"{where}.unit")
    return None


def _absent_problem(entry: LayerEntry, kind: LayerKind, where: str) -> WaterbodemError | None:
    if entry.absent is None or kind.may_be_absent:
        return None
    having = [k.id for k in layer_kinds().values() if k.may_be_absent]
    return CatalogueError(
        f"{kind.id} cannot be absent",
        value=entry.absent,
        allowed="for " + ", ".join(having),
        where=f"{where}.absent",
    )


def _resampling_problem(entry: LayerEntry, kind: LayerKind, where: str) -> WaterbodemError | None:
    if kind.soort != "klasse" or entry.resampling in (None, "nearest"):
        return None
    return CatalogueError(
        "classes have no mean",
        value=entry.resampling,
        allowed="nearest",
        where=f"{where}.resampling",
    )


def _present_problems(entry: LayerEntry, name: str, where: str) -> list[WaterbodemError]:
    """Return one error per key of a scenario that stands with a present layer."""
    allowed = f'[layers."{name}@<scenario>"]'
    return [
        CatalogueError(
            f"{key} belongs to a scenario", value=getattr(entry, key), allowed=allowed, where=f"{where}.{key}"
        )
        for key in OF_SCENARIO
        if AT not in name and getattr(entry, key)
    ]


def _dated_stress_tests(entries: Mapping[str, LayerEntry], file: str) -> list[WaterbodemError]:
    """Return one error per year that is stated in a scenario which is a stress test."""
    tests = {LayerName.of(name).scenario for name, entry in entries.items() if entry.stresstest}
    return [
        CatalogueError(
            "a stress test has no horizon",
            value=entry.horizon,
            allowed="either",
            where=f"{file}: layers.{name}.horizon",
        )
        for name, entry in entries.items()
        if entry.horizon is not None and LayerName.of(name).scenario in tests
    ]


def catalogue_schema() -> dict[str, Any]:
    """Return a JSON Schema of lagen.toml, for editors that complete and check TOML.

    Examples
    --------
    >>> sorted(catalogue_schema()["properties"])
    ['crs', 'layers', 'title']
    """
    entry = LayerEntry.model_json_schema()
    stated = entry.pop("$defs")[Uncertainty.__name__]
    number = {"type": "number", "minimum": 0}
    entry["properties"]["uncertainty"] = {
        "anyOf": [number, {**stated, "anyOf": [{"required": [k]} for k in ("sd", "per")]}]
    }
    entry["properties"]["classes"] = {"type": "object", "additionalProperties": {"type": ["number", "string"]}}
    for name in ("source", "vintage"):
        entry["properties"][name]["type"] = ["string", "integer"]
    names = "|".join(layer_kinds())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE_NAME,
        "type": "object",
        "additionalProperties": False,
        "required": ["layers"],
        "properties": {
            "title": {"type": "string"},
            "crs": {"type": ["string", "integer"]},
            "layers": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "patternProperties": {f"^({names})(@{_SCENARIO})?$": entry},
            },
        },
    }
