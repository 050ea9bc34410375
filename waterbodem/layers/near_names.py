"""Names of variables that are nearly those of layers: a slip, another language, another spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from waterbodem.core.errors import tell_ignored
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.registry import layer_kinds

#: How alike two names must be (0..1) for one to be taken for a slip of the other.
ALIKE = 0.8


@cache
def _other_names() -> Mapping[str, str]:
    """Return the names by which a layer may be meant, in small letters: id, Dutch and English."""
    names: dict[str, str] = {}
    for kind in layer_kinds().values():
        for name in (kind.id, kind.naam, kind.name, kind.name.partition(" (")[0]):
            names.setdefault(name.casefold(), kind.id)
    return names


@cache
def likely_layer(name: str) -> str:
    """Layer that a name which is none most likely means; empty where there is no such.

    Examples
    --------
    >>> likely_layer("Kwel"), likely_layer("seepage"), likely_layer("kwel"), likely_layer("rainfall")
    ('kwel', 'kwel', '', '')
    """
    layer, scenario, percentile = LayerName.of(name)
    if layer in layer_kinds():
        return ""
    small, known = layer.casefold(), _other_names()
    words = (small, re.split("[^a-z]", small)[0])  # ghg_m, kwel2020
    close = [found for word in words for found in get_close_matches(word, known, n=1, cutoff=ALIKE)]
    return str(LayerName(known[close[0]], scenario, percentile)) if close else ""


def warn_of_near_names(names: Iterable[str]) -> None:
    """Warn of variables that are no layer but are nearly called like one."""
    for name in names:
        layer = likely_layer(name)
        if layer:
            how = f"wb.layers_from(..., rename={{{name!r}: {layer!r}}})"
            tell_ignored(f"variable {name!r} takes no part: did you mean {layer!r}? {how}")
