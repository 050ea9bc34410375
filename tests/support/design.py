"""The functies, water boards and measures of the library as plain mappings, as the twins read them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from tests.support.twins.functie import plain_functies
from waterbodem.definitions.registry import builtin_functies

#: What the five ask over new paving [mm], by hand from normen.yaml of the design: eis_mm, or aandeel times rise.
ASKED = {
    "hunze_en_aas": 80,
    "noorderzijlvest": 40,
    "drents_overijsselse_delta": 40,
    "vechtstromen": 80,
    "wetterskip_fryslan": 20,
}


@cache
def functies():
    """Every functie by id."""
    return plain_functies(builtin_functies())


@cache
def boards():
    """Every water board by id."""
    return data("normen.toml")


def data(*path):
    """A data file of the library, as it is."""
    return tomllib.loads(files("waterbodem.data").joinpath(*path).read_text("utf-8"))


@cache
def measures():
    """Every measure by id, in the order in which they act."""
    names = [f.name for f in files("waterbodem.data").joinpath("maatregelen").iterdir() if f.name.endswith(".toml")]
    found = sorted((data("maatregelen", name) for name in names), key=lambda m: m["volgorde"])
    return {m["id"]: m for m in found}


@cache
def measure_head():
    """What holds for all measures: shares of building, room, names."""
    return data("maatregelen.toml")
