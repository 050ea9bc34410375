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
from waterbodem.definitions.labels import Amount
from waterbodem.definitions.models import Definition, Finite, Source, Sourced
from waterbodem.definitions.validation import define

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Constant(Sourced):
    """A number with its source; the unit stands at the end of its key."""

    waarde: Positive


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
    lambda_m: Positive
    kd_m2_d: Positive | None = None
    c_d: Positive | None = None
    als: tuple[Bound, ...]


class ReachTable(Definition):
    """All of reikwijdte.toml: situations, the first that holds wins."""

    situaties: Annotated[tuple[Situation, ...], Field(min_length=1)]
    bronnen: Mapping[str, Source] = {}


#: How far a change of the groundwater reaches: lambda [m], by the package's table of situations, or by one's own.
Reach = float | str | ReachTable
BY_SITUATION = "situatie"


def _packaged(name: str) -> dict[str, Any]:
    return read_toml(files("waterbodem.data").joinpath(name))


@cache
def reception_rules() -> ReceptionRules:
    """Return the constants of routing and spreading that come with the package."""
    return define(ReceptionRules, _packaged("ontvangst.toml"), "ontvangst.toml")


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
    table = define(ReachTable, data, where)
    kinds = registry.layer_kinds()
    for name in (b.laag for s in table.situaties for b in s.als):
        if name not in kinds:
            raise DefinitionError("unknown layer", value=name, allowed=nearest(name, kinds), where=where)
    return table


def chosen_reach(reach: float | str | Path | None, folder: str | Path = "") -> Reach | None:
    """Reach of a change of the groundwater level: a length, by situation, or a table of one's own.

    Parameters
    ----------
    reach : float, str or Path, optional
        Length lambda [m] > 0; ``"situatie"``: by the table that comes with the package; else a file in its form.
    folder : str or Path
        Where a relative path starts; default the working folder.

    Returns
    -------
    float, str, ReachTable or None
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
        return BY_SITUATION if reach else None
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
