"""The numbers of the receiving side of afwenteling: data files to definitions (rekenregels section 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from waterbodem.core.errors import ArgumentError, DefinitionError, nearest
from waterbodem.definitions import registry
from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.labels import Amount, texts
from waterbodem.definitions.labels import plain_number as number_text
from waterbodem.definitions.models import Definition, Finite, Source, Sourced
from waterbodem.definitions.validation import validated

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
#: A situation takes seven bits of a cell.
MOST_SITUATIONS = 127


class Constant(Sourced):
    """A number with its source; the unit stands at the end of its key."""

    waarde: Positive


class Steps(Definition):
    """Steps in which depths of the groundwater are told."""

    cm: Annotated[tuple[Positive, ...], Field(min_length=1)]


class Limits(Definition):
    """What the method cannot tell, in the words a planner reads."""

    tekst: tuple[str, ...]
    text: tuple[str, ...]


class Column(Definition):
    """A column on who receives it, in the table of polygons."""

    eenheid: str
    uitleg: str


class ReceptionRules(Definition):
    """All of ontvangst.toml."""

    constanten: Mapping[str, Constant]
    stappen: Steps
    kolommen: Mapping[str, Column]
    bronnen: Mapping[str, Source]
    redenen: Mapping[str, str]
    grenzen: Limits

    def value(self, name: str) -> float:
        """Return a constant by its key."""
        return self.constanten[name].waarde

    def reason(self, name: str, **given: Any) -> str:
        """Return in Dutch why something is not determined."""
        numbers = {key: Amount(value) for key, value in given.items() if isinstance(value, (int, float))}
        return self.redenen[name].format(**{**given, **numbers})


class Bound(Definition):
    """A condition on one layer: at least ``min`` and at most ``max``."""

    laag: str
    min: Finite | None = None
    max: Finite | None = None


class Situation(Sourced):
    """How far an effect reaches where every condition holds."""

    id: str
    naam: str
    name: str = ""
    lambda_m: Positive
    kd_m2_d: Positive | None = None
    c_d: Positive | None = None
    als: tuple[Bound, ...] = ()


class RowName(Definition):
    """What a length is called that stands in no table."""

    naam: str
    name: str


class ReachTable(Definition):
    """All of reikwijdte.toml: situations, the first that holds wins."""

    situaties: Annotated[tuple[Situation, ...], Field(min_length=1, max_length=MOST_SITUATIONS)]
    rijen: Mapping[str, RowName] = {}
    bronnen: Mapping[str, Source] = {}

    @property
    def lengths(self) -> tuple[float, ...]:
        """Lambda of every situation [m]."""
        return tuple(s.lambda_m for s in self.situaties)

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that the conditions need, each once."""
        return tuple(dict.fromkeys(b.laag for s in self.situaties for b in s.als))


#: How far a change of the groundwater reaches: lambda [m], by the package's table of situations, or by one's own.
Reach = float | str | ReachTable
BY_SITUATION = "situatie"
#: Rows of a length that stands in no table.
GIVEN, WELL = "opgegeven", "put"


def _packaged(name: str) -> dict[str, Any]:
    return read_toml(files("waterbodem.data").joinpath(name))


@cache
def reception_rules() -> ReceptionRules:
    """Return the constants of routing and spreading that come with the package."""
    return validated(ReceptionRules, _packaged("ontvangst.toml"), "ontvangst.toml")


@cache
def builtin_reach() -> ReachTable:
    """Return the table of lambda by situation that comes with the package."""
    return _checked(_packaged("reikwijdte.toml"), "reikwijdte.toml")


def load_reach(path: str | Path) -> ReachTable:
    """Return a user's own table, in the form of the package's reikwijdte.toml.

    Raises
    ------
    DefinitionError
        If a key is wrong or a layer unknown.
    """
    return _checked(read_toml(Path(path)), str(path))


def _checked(data: Mapping[str, Any], where: str) -> ReachTable:
    table = validated(ReachTable, data, where)
    kinds = registry.layer_kinds()
    for name in (b.laag for s in table.situaties for b in s.als):
        if name not in kinds:
            raise DefinitionError("unknown layer", value=name, allowed=nearest(name, kinds), where=where)
    if not table.situaties[-1].als:
        return table
    return table.model_copy(update={"situaties": (*table.situaties, builtin_reach().situaties[-1])})


def reach_table(reach: Reach) -> ReachTable:
    """Return a reach as a table: a length is one situation that holds everywhere.

    Examples
    --------
    >>> reach_table(71.0).lengths, reach_table("situatie").lengths
    ((71.0,), (100.0, 35.0, 55.0, 230.0, 71.0, 100.0))
    """
    check_reach(reach)
    if isinstance(reach, ReachTable):
        return reach
    if isinstance(reach, str):
        return builtin_reach()
    row = builtin_reach().rijen[GIVEN]
    return ReachTable(situaties=(Situation(id=GIVEN, naam=row.naam, name=row.name, lambda_m=float(reach)),))


def wetter_cm(taal: str = "nl") -> str:
    """Return the rise of the groundwater from which on neighbours are said to become wetter [cm].

    Examples
    --------
    >>> wetter_cm()
    '5'
    """
    return number_text(100 * reception_rules().value("natter_m"), taal)


def depth_step(metres: float, taal: str = "nl") -> str:
    """Return the step that a change of the groundwater [m] lies in, as it is told.

    Examples
    --------
    >>> depth_step(0.02), depth_step(-0.10), depth_step(0.7, "en")
    ('minder dan 5 cm', '10 tot 20 cm', '50 cm or more')
    """
    borders, words = reception_rules().stappen.cm, texts(taal)["ontvangst"]["stap"]
    passed = sum(100 * abs(metres) + 1e-4 >= border for border in borders)
    low, high = ("", *map(number_text, borders))[passed], (*map(number_text, borders), "")[passed]
    form = "onder" if not passed else ("boven" if passed == len(borders) else "tussen")
    return str(words[form].format(vanaf=low, tot=high))


def depth_to(metres: float, taal: str = "nl") -> str:
    """Return to how deep a change of the groundwater [m] goes: the upper end of its step.

    Examples
    --------
    >>> depth_to(0.02), depth_to(0.30), depth_to(0.7, "en")
    ('tot 5 cm', 'tot 50 cm', 'more than 50 cm')
    """
    borders, words = reception_rules().stappen.cm, texts(taal)["ontvangst"]
    passed = [border for border in borders if 100 * abs(metres) + 1e-4 < border]
    key, border = ("tot_diepte", passed[0]) if passed else ("dieper", borders[-1])
    return str(words[key].format(cm=number_text(border)))


def row_name(row: str, reach: Reach, taal: str = "nl") -> str:
    """Return what a row of reach is called in a language; its id where no name is known.

    Examples
    --------
    >>> row_name("diep_zand", "situatie"), row_name("put", 71.0, "en")
    ('dik zandpakket met diepe grondwaterstand', 'well')
    """
    names: dict[str, Any] = {**builtin_reach().rijen, **{s.id: s for s in reach_table(reach).situaties}}
    found = names.get(row)
    return row if found is None else str(found.naam if taal == "nl" else found.name or found.naam)


def chosen_reach(reach: float | str | Path | None, folder: str | Path = "") -> Reach:
    """Reach of a change of the groundwater level: a length, by situation, or a table of one's own.

    Parameters
    ----------
    reach : float, str or Path, optional
        Length lambda [m] > 0; ``"situatie"``, the default: by the table that comes with the package; else a file in its
        form.
    folder : str or Path
        Where a relative path starts; default the working folder.

    Returns
    -------
    float, str or ReachTable
        To be given as ``reikwijdte``.

    Raises
    ------
    ArgumentError
        If a length is not positive.
    DefinitionError
        If the file is not there, or is no such table.

    Examples
    --------
    >>> import waterbodem as wb
    >>> wb.reikwijdte(250), wb.reikwijdte("situatie")
    (250.0, 'situatie')
    """
    if reach is None or reach == BY_SITUATION:
        return BY_SITUATION
    return load_reach(Path(folder) / reach) if isinstance(reach, (str, Path)) else positive_length(float(reach))


def check_reach(reach: Reach) -> None:
    """Refuse what is no length, no table, and not the word for the package's table.

    Raises
    ------
    ArgumentError
        If a number is not positive, or a word is unknown.
    """
    if isinstance(reach, (int, float)):
        positive_length(float(reach))
    elif not isinstance(reach, ReachTable) and reach != BY_SITUATION:
        allowed = f"a length in m, or {BY_SITUATION}"
        raise ArgumentError("unknown reach", value=reach, allowed=allowed, where="reikwijdte")


def positive_length(length: float) -> float:
    """Length lambda [m]; refuse what is no length."""
    if not (math.isfinite(length) and length > 0):
        raise ArgumentError("reach must be a length", value=length, allowed="> 0 m", where="reikwijdte")
    return length
