"""What the codes of results mean, as CF flags: the one place that tells it to xarray, Zarr and NetCDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from waterbodem.definitions import registry
from waterbodem.definitions.legends import legend, nodata
from waterbodem.definitions.models import Functie


def flags(meanings: Mapping[int, str]) -> dict[str, Any]:
    """CF attributes of codes, ascending; a meaning is one word.

    Examples
    --------
    >>> flags({2: "B ja", 1: "A"})
    {'flag_values': array([1, 2], dtype=uint8), 'flag_meanings': 'A B_ja'}
    """
    words = (meanings[code].replace(" ", "_") for code in sorted(meanings))
    return {"flag_values": np.array(sorted(meanings), np.uint8), "flag_meanings": " ".join(words)}


def answer_flags() -> dict[str, Any]:
    """CF flags of ``klasse``: the letters of the answers."""
    return flags({code: step.letter for code, step in registry.answer_scale().items()})


def cause_flags() -> dict[str, Any]:
    """CF flags of ``oorzaak``: the ids of the components, from 1."""
    return flags({0: "geen", **{c.nr: c.id for c in registry.burden_rules().components}})


def criterion_flags(criteria: Sequence[str]) -> dict[str, Any]:
    """CF flags of ``bepalend``: the criteria of a functie, in order."""
    return flags(dict(enumerate(criteria)))


def threshold_flags(functie: Functie) -> dict[str, Any]:
    """CF flags of ``vlaggen``: a bit per threshold of a functie, in order."""
    masks = np.array([1 << i for i in range(len(functie.drempels))], np.uint16)
    return {"flag_masks": masks, "flag_meanings": " ".join(t.label.replace(" ", "") for t in functie.drempels)}


def flags_of(name: str, categories: Sequence[str]) -> dict[str, Any]:
    """CF flags of a map, from the names of its values in a GIS; those of other definitions keep their names.

    Parameters
    ----------
    name : {"klasse", "bepalend", "oorzaak"}
    categories : sequence of str
        A name for every value from 0, empty where there is none.

    Examples
    --------
    >>> flags_of("bepalend", ["Kwel", "GHG of GLG"])["flag_meanings"]
    'kwel ghg+glg'
    """
    named = {code: text for code, text in enumerate(categories) if text and code != nodata()}
    if name == "bepalend":
        ids = {kind.naam: kind.id for kind in registry.layer_kinds().values()}
        return flags({code: "+".join(ids.get(n, n) for n in text.split(" of ")) for code, text in named.items()})
    if list(categories) != legend(name).categories():
        return flags(named)
    return answer_flags() if name == "klasse" else cause_flags()
