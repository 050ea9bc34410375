"""Scenario names: those of KNMI'23, older ones that stand for them, and those that stand for several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.layer_name import LayerName

#: Stands for every scenario in the data.
ALL = "all"


@cache
def _table(name: str) -> Mapping[str, Any]:
    return MappingProxyType(read_toml(data_file("scenarios.toml"))[name])


def old_names() -> Mapping[str, str]:
    """Names that do not say which scenario a map is of, and what each stands for where it is asked for.

    Examples
    --------
    >>> old_names()["2050hoog"]
    '2050Hd'
    """
    return _table("alias")


def presets() -> Mapping[str, list[str]]:
    """Names that stand for several scenarios, of which those in the data count.

    Examples
    --------
    >>> presets()["knmi23"][:3]
    ['2033L', '2050L', '2050Ld']
    """
    return _table("voorinstelling")


def is_vague(scenario: str) -> bool:
    """Whether a name does not say which scenario it is: ``bron_scenario`` must.

    Examples
    --------
    >>> is_vague("2050hoog"), is_vague("2050Hd")
    (True, False)
    """
    return any(word in scenario.lower() for word in _table("onbepaald")["woorden"])


def vague_text(scenario: str) -> str:
    """Return the remark on a name that does not say which scenario it is.

    Examples
    --------
    >>> vague_text("2050laag")
    '2050laag zegt niet welk scenario; zet het in bron_scenario'
    """
    better = f", of noem het {old_names()[scenario]}" if scenario in old_names() else ""
    return f"{scenario} zegt niet welk scenario; zet het in bron_scenario{better}"


def scenario_among(asked: str, known: Collection[str]) -> str:
    """Name by which layers know the scenario that was asked for; as it was asked where they do not.

    Examples
    --------
    >>> scenario_among("2050hoog", ["2050Hd"]), scenario_among("2050hoog", ["2050hoog"]), scenario_among("2100", [])
    ('2050Hd', '2050hoog', '2100')
    """
    stands_for = old_names().get(asked, asked)
    return stands_for if asked not in known and stands_for in known else asked


def scenarios_in(layers: Collection[str]) -> tuple[list[str], list[str]]:
    """Scenarios that names of layers speak of: those with a variant of a present layer, and those without, in order.

    Examples
    --------
    >>> scenarios_in(["ghg", "ghg@p10", "ghg@2050Hd", "kwel@T1000"])
    (['2050Hd'], ['T1000'])
    """
    named = [n for n in map(LayerName.of, layers) if n.scenario and not n.percentile]
    found = {n.scenario: False for n in named} | {n.scenario: True for n in named if n.layer in layers}
    return [s for s, counts in found.items() if counts], [s for s, counts in found.items() if not counts]


def scenarios_among(
    asked: str | Iterable[str] | None, known: Collection[str], without: Collection[str] = ()
) -> tuple[str, ...]:
    """Scenarios in the data that were asked for, each once.

    Parameters
    ----------
    asked : str, iterable of str or None
        Names, presets or ``"all"``; None = none.
    known : collection of str
        Scenarios of which a layer has a variant, in order.
    without : collection of str
        Scenarios that are named in the data but have no variant that counts.

    Raises
    ------
    ArgumentError
        If one is unknown, or has no variant.

    Examples
    --------
    >>> scenarios_among("knmi23", ["T1000", "2050Hd"]), scenarios_among("all", ["T1000", "2050Hd"])
    (('2050Hd',), ('T1000', '2050Hd'))
    """
    several = isinstance(asked, Iterable) and not isinstance(asked, str)
    names = () if asked is None else asked if several else (asked,)
    found = (name for given in names for name in _meant(given, known, without))
    return tuple(dict.fromkeys(found))


def _meant(asked: object, known: Collection[str], without: Collection[str]) -> Collection[str]:
    """What one name stands for."""
    if not isinstance(asked, str):
        raise ArgumentError("scenario is no name", value=asked, allowed=_choice(known), where="scenarios")
    listed = known if asked == ALL else [n for n in presets().get(asked, ()) if n in known]
    if listed:
        return listed
    name = scenario_among(asked, [*known, *without])
    if name in known:
        return [name]
    if asked in (ALL, *presets()) or name in without:
        what = "scenario without any variant of a layer that is in the data"
        raise ArgumentError(what, value=asked, allowed=_choice(known), where="scenarios")
    raise ArgumentError("unknown scenario", value=asked, allowed=_nearest(name, known), where="scenarios")


def _nearest(name: str, known: Collection[str]) -> str:
    return nearest(name, [*known, *presets(), ALL]) if known else _choice(known)


def _choice(known: Collection[str]) -> str:
    return ", ".join(known) if known else "none: no layer of a scenario is listed"
