"""xarray-spatial on dask: ``reclassify`` for the classes; the rest is xarray, for want of an operation.

Version 0.5 has no value functions (curves), no weighted geometric mean and no other multi-criteria method. Its
``local.highest_position`` names the largest of several layers, but as a Python loop over cells that keeps them all as
tuples: too slow and too large for a province, so xarray's ``argmax`` stands in.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import peer_dask
import peer_rules as pr
import xarray as xr
from xrspatial.classify import reclassify


def score(layers: dict[str, xr.DataArray], criterion: pr.Rules, functie: pr.Rules) -> xr.DataArray:
    """Score of a criterion, NaN where unknown."""
    members = [m["layer"] for m in criterion["members"]]

    def block(*arrays: np.ndarray) -> np.ndarray:
        return pr.score_of(dict(zip(members, arrays, strict=True)), criterion, functie["group"], np.float32)

    chosen = [layers[name] for name in members]
    return xr.apply_ufunc(block, *chosen, dask="parallelized", output_dtypes=["float32"])


def rank(values: xr.DataArray, functie: pr.Rules) -> xr.DataArray:
    """Class of a score, 1 = best: bins hold their upper border."""
    borders = sorted(b - functie["margin"] for b in functie["borders"])
    return reclassify(values, [*borders, np.inf], list(range(len(borders) + 1, 0, -1)))


def percent(share: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(pr.percent, share, dask="parallelized", output_dtypes=["uint8"])


def scored(layers: dict[str, xr.DataArray], functie: pr.Rules) -> tuple[Any, ...]:
    """The four maps, lazily."""
    criteria = functie["criteria"]
    scores = [score(layers, c, functie) for c in criteria]
    weights = [np.float32(c["weight"]) for c in criteria]
    losses = [
        (-w * np.log(np.maximum(s, np.float32(functie["floor"])))).fillna(np.float32(0))
        for w, s in zip(weights, scores, strict=True)
    ]
    total = sum(w * s.notnull() for w, s in zip(weights, scores, strict=True))
    whole = np.exp(-sum(losses) / total)
    worst = reduce(np.fmin, [s for s, c in zip(scores, criteria, strict=True) if c["heavy"]])
    last, fatal = len(functie["borders"]) + 1, worst < functie["fatal"]
    capped = np.maximum(np.maximum(rank(whole, functie), rank(worst, functie) - 1), functie["ceiling"])
    klasse = xr.where(fatal, last, xr.where(total + functie["margin"] >= functie["known"], capped, 0))
    stacked = xr.concat(losses, "criterion").chunk(criterion=-1)
    limiting = xr.where(stacked.max("criterion") > functie["margin"], stacked.argmax("criterion"), pr.NODATA)
    for number in reversed(pr.heavy(functie)):
        limiting = xr.where(fatal & (scores[number] <= worst + functie["margin"]), number, limiting)
    for threshold in reversed(functie["thresholds"]):
        fired = layers[threshold["layer"]] >= threshold["value"]
        klasse = xr.where(fired, last, klasse)
        limiting = xr.where(fired, threshold["criterion"], limiting)
    return percent(whole), klasse.fillna(0).astype("uint8"), limiting.astype("uint8"), percent(total)


def main() -> None:
    source, target, threads = pr.task()
    rules, layers = pr.load(source), peer_dask.opened(source)
    found = [values.rio.write_crs(layers["kwel"].rio.crs) for functie in rules for values in scored(layers, functie)]
    peer_dask.write(dict(zip(pr.names(rules), found, strict=True)), target, threads)


if __name__ == "__main__":
    main()
