"""Scenario names: those of KNMI'23, and older ones that stand for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from waterbodem.definitions.data_files import data_file, read_toml


@cache
def old_names() -> Mapping[str, str]:
    """Names that do not say which scenario a map is of, and what each stands for where it is asked for.

    Examples
    --------
    >>> old_names()["2050hoog"]
    '2050Hd'
    """
    return MappingProxyType(read_toml(data_file("scenarios.toml"))["alias"])


def scenario_among(asked: str, known: Collection[str]) -> str:
    """Name by which layers know the scenario that was asked for; as it was asked where they do not.

    Examples
    --------
    >>> scenario_among("2050hoog", ["2050Hd"]), scenario_among("2050hoog", ["2050hoog"]), scenario_among("2100", [])
    ('2050Hd', '2050hoog', '2100')
    """
    stands_for = old_names().get(asked, asked)
    return stands_for if asked not in known and stands_for in known else asked
