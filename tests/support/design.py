"""The definitions and norms of edition 2 as plain mappings: the library's own, or until it has them the design's."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from tests.support.needs import missing
from tests.support.twins.functie import plain_functies
from waterbodem.definitions.registry import builtin_functies

DESIGN = Path(__file__).parents[3] / "shared" / "ontwerp"


@cache
def design(name):
    path = DESIGN / f"{name}.yaml"
    if not path.exists():
        missing("no design beside this repository")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def functies():
    """Every functie by id."""
    library = builtin_functies()
    return plain_functies(library if "heide_schraal" in library else design("functies")["functies"])


@cache
def boards():
    """Every water board by id."""
    return design("normen")["waterschappen"]
