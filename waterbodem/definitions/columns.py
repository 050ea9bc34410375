"""Columns of tables: what each means, in both languages, and its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.kompas_rules import builtin_rules
from waterbodem.definitions.registry import layer_kinds

#: Stands in a name for what varies.
ANY = "*"


@dataclass(frozen=True)
class Column:
    """A column: its name, its meaning in Dutch and English, and its unit (empty: none)."""

    name: str
    betekenis: str
    meaning: str
    eenheid: str


def column_of(name: str) -> Column | None:
    """Column of a table by its name; None where nothing is known of it, as of one of an earlier edition.

    Examples
    --------
    >>> column_of("verlies_keileemdiepte+kwel").betekenis, column_of("ha_A").eenheid
    ('verlies aan score door Keileemdiepte of Kwel', 'ha')
    """
    prefix = name if name in _known() else next((p for p in _prefixes() if name.startswith(p)), None)
    if prefix is None:
        return None
    told, rest = _known().get(name) or _known()[f"{prefix}{ANY}"], name.removeprefix(prefix)
    dutch, english = _filling(prefix, rest)
    return Column(name, told[0].format(dutch), told[1].format(english), told[2])


@cache
def _known() -> Mapping[str, tuple[str, str, str]]:
    tables = read_toml(data_file("teksten/kolommen.toml"))
    return {name: (dutch, english, unit) for name, (dutch, english, unit) in tables.items()}


@cache
def _prefixes() -> tuple[str, ...]:
    return tuple(name.removesuffix(ANY) for name in _known() if name.endswith(ANY))


def _filling(prefix: str, rest: str) -> tuple[str, str]:
    """Return what varies in a name, as words in both languages: layers, a line of the Kompas, else as it stands."""
    lines = {p.kolom.removeprefix(prefix): p for p in builtin_rules().beginselen.values()}
    kinds, parts = layer_kinds(), rest.split("+")
    if rest in lines:
        return lines[rest].naam, lines[rest].name
    if all(part in kinds for part in parts):
        return " of ".join(kinds[p].naam for p in parts), " or ".join(kinds[p].name for p in parts)
    return rest, rest
