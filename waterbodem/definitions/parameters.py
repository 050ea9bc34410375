"""Parameters of a functie: which there are, their limits, and what counts where a functie does not say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from waterbodem.definitions.data_files import data_file, read_toml


class ParameterKind(BaseModel):
    """What a parameter may be; NaN as ``standaard``: there is no value where a functie does not set it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verplicht: bool = False
    van: float
    tot: float = math.inf
    standaard: float = math.nan
    bron: tuple[str, ...] = ()
    expertoordeel: str = ""
    toelichting: str = ""


@cache
def parameter_kinds() -> Mapping[str, ParameterKind]:
    """Return every parameter that a functie may have, by id."""
    tables = read_toml(data_file("parameters.toml"))
    return MappingProxyType({name: ParameterKind.model_validate(table) for name, table in tables.items()})
