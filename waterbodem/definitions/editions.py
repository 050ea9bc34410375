"""Editions of the rules of calculation, and what an answer of an earlier one holds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from waterbodem.core.errors import DefinitionError
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.models import Definition, Finite, Table
from waterbodem.definitions.validation import validated

#: The edition of these rules.
EDITION = 2
FOLDER = "edities"


class Edition(Definition):
    """What an answer of an earlier edition holds in a file; the keys are told in the data file."""

    nr: int
    vormen: tuple[int, ...]
    afgeleid: bool
    kompas: str
    cellen: tuple[str, ...]
    kolommen: tuple[str, ...]
    ontvangst: tuple[str, ...]
    grenzen: Table[str, tuple[Finite, Finite]]


@cache
def earlier_editions() -> Mapping[int, Edition]:
    """Return the earlier editions of which answers can be opened, by number.

    Examples
    --------
    >>> list(earlier_editions()), "co2" in earlier_editions()[1].cellen
    ([1], False)
    """
    numbers = [int(f.name.removesuffix(".toml")) for f in data_file(FOLDER).iterdir() if f.name.endswith(".toml")]
    return MappingProxyType({nr: _edition(nr) for nr in sorted(numbers)})


def _edition(nr: int) -> Edition:
    name = edition_file(nr, "")
    return validated(Edition, {"nr": nr, **read_toml(data_file(name))["antwoord"]}, name)


def edition_file(nr: int, present: str) -> str:
    """Return the data file that holds what an edition says otherwise in ``present``.

    Raises
    ------
    DefinitionError
        If it is no edition.
    """
    if not 1 <= nr <= EDITION:
        raise DefinitionError("no edition of the rules", value=nr, allowed=f"1 to {EDITION}")
    return present if nr == EDITION else f"{FOLDER}/{nr}.toml"
