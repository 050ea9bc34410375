"""Random cells that look for trouble: unknown, absent, curve points, thresholds, and the ends of the ranges."""

from __future__ import annotations

import numpy as np
import xarray as xr

from waterbodem.definitions.models import Functie
from waterbodem.definitions.registry import builtin_functies, layer_kinds

BASIC = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
OPTIONAL = ("ghg", "gvg", "glg", "bodemdaling", "veendikte", "beekdal", "grondwaterbescherming", "natuur", "inundatie")
LAYERS = (*BASIC, *OPTIONAL)
FUNCTIES = builtin_functies()
METHODS = (("meetkundig", None), ("gemiddelde", None), ("minimum", None), ("owa", 0.3), ("owa", 0.7))


def special(functie, layer):
    """Curve points and thresholds of a functie on a layer, and the ends of its range."""
    criterion = functie.all_criteria.get(layer)
    points = [x for x, _ in criterion.curve] if criterion else []
    borders = [t.waarde for t in functie.drempels if t.laag == layer]
    return [*points, *borders, *layer_kinds()[layer].range, 0.0]


def column(rng, functie, layer, count, unknown=0.2):
    """Random values of one layer."""
    kind = layer_kinds()[layer]
    if kind.soort == "klasse":
        values = rng.choice(list(kind.codes), count).astype(np.float32)
    else:
        low, high = kind.range
        near = max(x for x in special(functie, layer) if np.isfinite(x) and x != high) if high > 10 else high
        values = rng.uniform(low, near * 1.2, count).astype(np.float32)
        on_point = rng.random(count) < 0.3
        values[on_point] = rng.choice(special(functie, layer), on_point.sum())
    if kind.may_be_absent:
        values[rng.random(count) < 0.2] = np.inf
    values[rng.random(count) < unknown] = np.nan
    return values


def columns(rng, functie, layers, count, unknown=0.2):
    return {layer: column(rng, functie, layer, count, unknown) for layer in layers}


def dataset(arrays):
    """Flat arrays as a dataset of one row, without coordinates."""
    return xr.Dataset({name: (("y", "x"), np.asarray(v)[None, :]) for name, v in arrays.items()})


def cell(arrays, i):
    return {name: float(v[i]) for name, v in arrays.items()}


def simple(weights=(1, 1, 1, 1, 1), **changes):
    """A functie whose criteria score the value of the layer itself, between 0 and 1; no thresholds."""
    base = FUNCTIES["woningbouw"].model_dump(exclude_none=True)
    line = {"punten": ((0, 0), (1, 1))}
    criteria = {n: {"gewicht": w, **line} for n, w in zip(BASIC, weights, strict=True)}
    criteria["keileemdiepte"]["score_afwezig"] = 1.0
    empty = {"id": "proef", "code": 100, "optionele_criteria": {}, "drempels": ()}
    return Functie.model_validate({**base, **empty, "criteria": criteria, **changes})
