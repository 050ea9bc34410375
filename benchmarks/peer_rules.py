"""The rules as plain numbers, and what numpy makes of them: nothing of waterbodem is imported here.

``rules.json`` holds the functies; every competitor reads that, and writes its maps beside one another as
``<functie>/<map>.tif``. Layers are float32 with NaN for unknown; keileemdiepte holds ABSENT where there is no keileem.
"""

from __future__ import annotations

import json
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

Rules = dict[str, Any]
Arrays = dict[str, np.ndarray]

LAYERS = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
MAPS = ("geschiktheid", "klasse", "bepalend", "dekking")
ABSENT = 9999
NODATA = 255


def load(folder: Path) -> list[Rules]:
    return json.loads((folder / "rules.json").read_text(encoding="utf-8"))


def files(folder: Path) -> list[Path]:
    return [folder / f"{name}.tif" for name in LAYERS]


def names(rules: list[Rules]) -> list[str]:
    return [f"{functie['id']}/{name}" for functie in rules for name in MAPS]


def task() -> tuple[Path, Path, int]:
    """Input folder, output folder and threads, from the command line of a competitor."""
    return Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])


def curve(values: np.ndarray, member: Rules, dtype: type) -> np.ndarray:
    """Score of one layer, NaN where unknown."""
    score = np.interp(values, member["x"], member["y"]).astype(dtype)
    if member["absent"] is not None:
        score[values == ABSENT] = member["absent"]
    return score


def score_of(layers: Arrays, criterion: Rules, enough: float, dtype: type) -> np.ndarray:
    """Score of a criterion: of one layer, or the best of a group."""
    found = [curve(layers[m["layer"]], m, dtype) for m in criterion["members"]]
    best = reduce(np.fmax, found)
    if len(found) > 1:
        some_unknown = reduce(np.logical_or, [np.isnan(s) for s in found])
        best[some_unknown & ~(best >= enough)] = np.nan
    return best


def rank(score: np.ndarray, functie: Rules) -> np.ndarray:
    """Class of a score, 1 = best."""
    out = np.full(score.shape, len(functie["borders"]) + 1, np.uint8)
    for border in functie["borders"]:
        out -= score >= border - functie["margin"]
    return out


def heavy(functie: Rules) -> list[int]:
    """Criteria that cap the class, and of which the worst may be fatal."""
    return [number for number, criterion in enumerate(functie["criteria"]) if criterion["heavy"]]


def percent(share: np.ndarray) -> np.ndarray:
    known = ~np.isnan(share)
    return np.where(known, 100 * np.where(known, share, 0) + 0.5001, NODATA).astype(np.uint8)


def assess(layers: Arrays, functie: Rules, dtype: type = np.float32) -> dict[str, Any]:
    """Score, dekking, worst heavy score, losses, class and limiting criterion of cells of any shape."""
    shape = layers[LAYERS[0]].shape
    total, loss, most, worst = np.zeros(shape, dtype), np.zeros(shape, dtype), np.zeros(shape, dtype), np.ones(shape)
    limiting, losses, scores = np.full(shape, NODATA, np.uint8), [], []
    for number, criterion in enumerate(functie["criteria"]):
        score = score_of(layers, criterion, functie["group"], dtype)
        known, weight = ~np.isnan(score), dtype(criterion["weight"])
        lost = np.where(known, -weight * np.log(np.maximum(score, dtype(functie["floor"]))), dtype(0))
        total += weight * known
        loss += lost
        more = lost > most + dtype(functie["margin"])
        most, limiting[more] = np.where(more, lost, most), number
        worst = np.fmin(worst, score) if criterion["heavy"] else worst
        losses.append(lost)
        scores.append(score)
    with np.errstate(invalid="ignore"):
        score = np.exp(-loss / total)
    last = len(functie["borders"]) + 1
    capped = np.maximum(np.maximum(rank(score, functie), rank(worst, functie) - 1), functie["ceiling"])
    klasse = np.where(total + functie["margin"] >= functie["known"], capped, 0).astype(np.uint8)
    fatal = worst < functie["fatal"]
    klasse[fatal] = last
    for number in reversed(heavy(functie)):
        limiting[fatal & (scores[number] <= worst + functie["margin"])] = number
    for threshold in reversed(functie["thresholds"]):
        fired = layers[threshold["layer"]] >= np.float32(threshold["value"])
        klasse[fired], limiting[fired] = last, threshold["criterion"]
    return {
        "score": score,
        "dekking": total,
        "worst": worst,
        "losses": losses,
        "scores": scores,
        "fatal": fatal,
        "klasse": klasse,
        "limiting": limiting,
    }


def maps(layers: Arrays, functie: Rules) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The four maps, in the order of MAPS."""
    found = assess(layers, functie)
    return percent(found["score"]), found["klasse"], found["limiting"], percent(found["dekking"])
