"""The form of an answer in a file: what every key holds, so that nothing else is met where it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from waterbodem.core.errors import CorruptLayer
from waterbodem.definitions.editions import EDITION, Edition, earlier_editions
from waterbodem.definitions.kompas_rules import builtin_rules
from waterbodem.definitions.models import LARGEST

MARK, VERSION = "waterbodem-antwoord", 3
#: Forms that can be read: in the first each setting had a place of its own; the first two are of edition 1.
READABLE = (1, 2, VERSION)
KINDS = ("|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")
#: Letters of a text, items of a list, and rows or columns of a grid, beyond which a file is no answer.
LONGEST_TEXT, MOST_ITEMS, MOST_CELLS = 100_000, 500_000, 1_000_000
#: Complaints that are told of one file, and letters of each.
TOLD, LENGTH = 5, 120


def _list(value: Any) -> Any:
    """Return a list as a tuple: JSON has no other sequence."""
    return tuple(value) if isinstance(value, list) else value


def _finite(value: float) -> float:
    if not abs(value) <= LARGEST:
        raise ValueError("number is not finite, or too large")
    return value


def _positive(value: float) -> float:
    if not value > 0:
        raise ValueError("number is not positive")
    return value


def _edition(value: int) -> int:
    if value != EDITION and value not in earlier_editions():
        raise ValueError("no edition of the rules")
    return value


Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(ge=0, le=MOST_CELLS)]
#: A whole number stays one, so that an answer that is kept again gives the same bytes.
Finite = Annotated[int | float, AfterValidator(_finite)]
Positive = Annotated[Finite, AfterValidator(_positive)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_list), Field(max_length=MOST_ITEMS)]
Plain = Text | bool | Whole | float | None
Attribute = Plain | Annotated[tuple[Plain, ...], BeforeValidator(_list), Field(max_length=MOST_ITEMS)]
Attributes = dict[Text, Attribute]
#: A setting as herkomst tells it.
Told = Text | Finite | None


class Form(BaseModel):
    """A part of a file; unknown keys are errors, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Array(Form):
    """Numbers that lie beside the text, or texts that stand in it."""

    vorm: Annotated[tuple[Count, ...], BeforeValidator(_list), Field(max_length=4)]
    soort: Literal[KINDS] | None = None  # type: ignore[valid-type]
    nr: Count | None = None
    teksten: Texts | None = None


class Variable(Array):
    """An array with its dimensions and attributes."""

    dims: Texts
    attrs: Attributes


class Variables(Form):
    """A dataset."""

    attrs: Attributes
    coords: dict[Text, Variable]
    data: dict[Text, Variable]


class Column(Form):
    """A column of a table; ``soort`` is the kind of its values."""

    soort: Literal["i", "f", "b", "O"]
    waarden: Annotated[list[Plain], Field(max_length=MOST_ITEMS)]

    @property
    def is_right(self) -> bool:
        """Whether every value is of the kind."""
        kinds = {"i": (int,), "f": (float, int), "b": (bool,), "O": (str,)}[self.soort]
        return all(isinstance(v, kinds) and (self.soort == "b" or not isinstance(v, bool)) for v in self.waarden)


def _whole_column(column: Column) -> Column:
    if not column.is_right:
        raise ValueError(f"values are not all of kind {column.soort!r}")
    return column


Table = dict[Text, Annotated[Column, AfterValidator(_whole_column)]]

#: Number, name, polygon as WKB in hexadecimal, what was repaired.
Polygon = Annotated[tuple[Whole, Text, str, Text], BeforeValidator(_list)]
Kind = Literal["ontvanger", "peilgebied", "ander plan", "beekdal"]
#: A polygon, what kind of receiver it is, and the plan that it is.
Receiver = Annotated[tuple[Whole, Text, str, Text, Kind, Whole], BeforeValidator(_list)]
Some = Annotated[int, Field(gt=0, le=MOST_CELLS)]


#: Functie, place of a polygon, and what lies where the land around it becomes wetter.
Beside = Annotated[tuple[Text, Count, Finite, Finite, Finite], BeforeValidator(_list)]


class QuestionForm(Form):
    """The question."""

    layers: Variables
    grid: Annotated[tuple[Finite, Finite, Positive, Positive, Some, Some, Text | None], BeforeValidator(_list)]
    areas: Annotated[list[Polygon], Field(min_length=1, max_length=MOST_ITEMS)]
    functies: Annotated[list[dict[str, Any]], Field(min_length=1)]
    instellingen: dict[Text, Any]
    eigen_gebruik: Annotated[list[dict[str, Any]], Field(max_length=MOST_ITEMS)] = []
    waterschappen: Annotated[list[Texts], Field(max_length=MOST_ITEMS)] = []
    stroken: Annotated[list[Beside], Field(max_length=MOST_ITEMS)] = []
    scenarios: Annotated[list[Text], Field(max_length=MOST_ITEMS)] = []


class Way(Form):
    """Cells that water comes through."""

    cellen: Array
    verder: Array
    stap: Array
    lengten: Annotated[list[Finite], Field(min_length=1, max_length=256)]


class LedgerForm(Form):
    """What a ledger was made with, settings by their id, and what it must say."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Told | dict[Text, Told]]

    stroomrichting_sha256: Text
    stroomrichting: Texts
    geen_water: Text
    vlak: Texts
    open_water: bool
    geen_grond: Text
    definities: Text
    expertoordeel: Texts
    grenzen: Texts

    @property
    def told(self) -> dict[str, Any]:
        """All of it in the order of a ledger: settings first."""
        return {**(self.model_extra or {}), **{name: getattr(self, name) for name in type(self).model_fields}}


class NotesForm(Form):
    """What a ledger said beside its numbers."""

    herkomst: LedgerForm
    notes: Texts


class Reception(Form):
    """Who receives what is shifted."""

    grid: Annotated[tuple[Finite, Finite, Positive, Positive, Some, Some], BeforeValidator(_list)]
    lagen: Texts
    gegeven: Count
    ontvangers: Annotated[list[Receiver], Field(max_length=MOST_ITEMS)]
    open_water_ha: Array
    plannen: Annotated[list[Whole], Field(max_length=MOST_ITEMS)]
    grond: Annotated[tuple[Count, Count, Array], BeforeValidator(_list)] | None
    verteld: dict[Text, NotesForm]
    weg: Way | None
    blootstelling: Annotated[tuple[Array, Array] | None, BeforeValidator(_list)]


class AnswerForm(Form):
    """An answer with its question."""

    formaat: Literal[MARK]  # type: ignore[valid-type]
    versie: Literal[VERSION]  # type: ignore[valid-type]
    editie: Annotated[int, AfterValidator(_edition)]
    waterbodem: Text
    definities: Text
    cells: Variables
    table: Table
    kompas: Table
    outside: Texts
    notes: Texts
    question: QuestionForm
    ontvangst: Reception | None


def answer_form(data: Mapping[str, Any], where: str) -> AnswerForm:
    """Return the text of a file in its form.

    Raises
    ------
    CorruptLayer
        Naming the first keys that hold something else.
    """
    try:
        return AnswerForm.model_validate(_renewed(data))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc']))[:LENGTH]}: {e['msg'][:LENGTH]}" for e in error.errors()[:TOLD]]
        raise CorruptLayer(f"file is no answer of waterbodem, or damaged: {'; '.join(found)}", where=where) from None


def _renewed(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the text of a file of an earlier form in that of today.

    The ledgers of an earlier edition followed rules that cannot draw them up any more: what the table says of receivers
    stays, the ledgers do not.
    """
    version = data.get("versie")
    edition = next((e for e in earlier_editions().values() if version in e.vormen), None)
    if edition is None:
        return data
    question = _with_settings(data) if version == READABLE[0] else data["question"]
    question = {**question, "instellingen": _renewed_settings(question["instellingen"], edition)}
    return {**data, "versie": VERSION, "editie": edition.nr, "question": question, "ontvangst": None}


def _renewed_settings(told: Mapping[str, Any], edition: Edition) -> dict[str, Any]:
    """Return settings of an earlier edition: without the rules of the Kompas that came with it.

    Of rules of a user's own stay the principles, which name what was answered; nothing is judged by them again.
    """
    kompas, others = told.get("kompas"), {n: value for n, value in told.items() if n != "kompas"}
    if kompas is None or data_sha256(kompas) == edition.kompas:
        return others
    return {**others, "kompas": {**builtin_rules().model_dump(mode="json"), "beginselen": kompas["beginselen"]}}


def data_sha256(told: Any) -> str:
    """Return a sha256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _with_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question of the first form with its settings by id, None left out."""
    question, reception = dict(data["question"]), dict(data["ontvangst"] or {})
    built, norm = question.pop("maatregelen")
    found = {n: question.pop(n) for n in ("referentie", "methode", "orness", "kompas")}
    found |= {"aangelegde_berging_mm": built, "bergingseis_mm": norm, "onttrekking": reception.get("put")}
    found |= {n: reception.get(n) for n in ("demping_m", "reikwijdte")}
    return {**question, "instellingen": {n: value for n, value in found.items() if value is not None}}
