"""Whether two sets of maps give the same answer, but for float noise at borders and ties.

A cell that differs is computed again in float64: a class may differ where the score or the worst heavy score lies
within NEAR of a border, a limiting criterion where the two losses do, or the two scores below the fatal one, a
percentage by one; and all of them where the
best of a group lies that near to the score from which the group is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import peer_rules as pr
import rasterio

NEAR = 1e-5


@dataclass(frozen=True)
class Agreement:
    """Share of all values that are equal, and how many differ without an excuse."""

    equal: float
    wrong: int

    def __str__(self) -> str:
        share = f"{100 * self.equal:.4f} %"
        return f"{share}, {self.wrong} wrong" if self.wrong else share


def near_border(found: dict, functie: pr.Rules) -> np.ndarray:
    borders = np.array([*functie["borders"], functie["fatal"]])[:, None]
    return (np.abs(found["score"] - borders) <= NEAR).any(0) | (np.abs(found["worst"] - borders) <= NEAR).any(0)


def near_known(layers: pr.Arrays, functie: pr.Rules) -> np.ndarray:
    """Where noise decides whether a group with an unknown member is known."""
    groups = [c["members"] for c in functie["criteria"] if len(c["members"]) > 1]
    best = [reduce(np.fmax, [pr.curve(layers[m["layer"]], m, np.float64) for m in g]) for g in groups]
    return reduce(np.logical_or, [np.abs(b - functie["group"]) <= NEAR for b in best], np.zeros(1, np.bool_))


def tie(found: dict, functie: pr.Rules, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether what two criteria are named for is equal but for noise: losses, or scores where the worst is fatal."""
    of_scores = equal(np.vstack([*found["scores"], np.ones_like(found["score"])]), one, other)
    of_losses = equal(np.vstack([*found["losses"], np.zeros_like(found["score"])]), one, other)
    noise = np.abs(found["worst"] - functie["fatal"]) <= NEAR
    return noise | np.where(found["fatal"], of_scores, of_losses)


def equal(rows: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether two rows, chosen by number in every cell, are equal but for noise; NODATA is the last."""
    cells, last = np.arange(one.size), len(rows) - 1
    mine, others = (rows[np.where(k == pr.NODATA, last, k), cells] for k in (one, other))
    return np.abs(mine - others) <= NEAR


def one_percent(_found: dict, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    known = (one != pr.NODATA) & (other != pr.NODATA)
    return known & (np.abs(one.astype(int) - other.astype(int)) <= 1)


def excuses(functie: pr.Rules) -> dict[str, Callable[[dict, np.ndarray, np.ndarray], np.ndarray]]:
    return {
        "geschiktheid": one_percent,
        "klasse": lambda found, _one, _other: near_border(found, functie),
        "bepalend": lambda found, one, other: tie(found, functie, one, other),
        "dekking": one_percent,
    }


def wrong(layers: pr.Arrays, functie: pr.Rules, name: str, one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """How many cells differ, and how many of those have no excuse."""
    differs = one != other
    if not differs.any():
        return 0, 0
    cells = {n: a[differs] for n, a in layers.items()}
    found = pr.assess(cells, functie, np.float64)
    excused = excuses(functie)[name](found, one[differs], other[differs]) | near_known(cells, functie)
    return int(differs.sum()), int((~excused).sum())


def agreement(layers: Path, mine: Path, others: Path, rules: list[pr.Rules]) -> Agreement:
    """Compare every map of every functie, tile row by tile row."""
    differ = faults = values = 0
    for functie in rules:
        for name in pr.MAPS:
            with rasterio.open(mine / functie["id"] / f"{name}.tif") as one:
                if one.dtypes != ("uint8",) or one.nodata != pr.NODATA or not one.overviews(1):
                    raise ValueError(f"{one.name}: not the same kind of file")
                for first in range(0, one.height, 1024):
                    window = ((first, min(first + 1024, one.height)), (0, one.width))
                    a, b = one.read(1, window=window), read(others / functie["id"] / f"{name}.tif", window)
                    arrays = {p.stem: read(p, window) for p in pr.files(layers)} if (a != b).any() else {}
                    more = wrong(arrays, functie, name, a, b)
                    differ, faults, values = differ + more[0], faults + more[1], values + a.size
    return Agreement(1 - differ / values, faults)


def read(path: Path, window: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read(1, window=window)
