"""From which amount on something is worth a word: numbers that change what is told, and no result."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.receiving import Constant
from waterbodem.definitions.validation import validated

FILE = "vermelden.toml"


@cache
def told_from(name: str) -> float:
    """Least amount that is told, by its key in vermelden.toml.

    Examples
    --------
    >>> told_from("stijging_m"), told_from("water_m3")
    (0.005, 1.0)
    """
    tables = read_toml(files("waterbodem.data").joinpath("teksten", FILE))
    return validated(Constant, tables[name], f"{FILE}: {name}").waarde
