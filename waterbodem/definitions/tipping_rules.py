"""How fine is looked for what tips an answer, and how sure weights are: gevoeligheid.toml."""

from __future__ import annotations

from functools import cache

from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.models import Sourced
from waterbodem.definitions.validation import validated

FILE = "gevoeligheid.toml"


class TippingRules(Sourced):
    """The numbers of what tips an answer; gevoeligheid.toml tells what they are."""

    stap: float
    concentratie: float
    straal_hoogstens: float


@cache
def tipping_rules() -> TippingRules:
    """Return the numbers of what tips an answer.

    Examples
    --------
    >>> tipping_rules().stap
    0.001
    """
    return validated(TippingRules, read_toml(data_file(FILE))["regels"], FILE)
