"""One row per polygon and functie: areas, quantiles, losses and burden (rekenregels section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem import registry
from waterbodem.areas import Area
from waterbodem.definitions import ScoringRules
from waterbodem.evaluation import Result
from waterbodem.grid import Grid
from waterbodem.tally import SCORE, Tally, ratio

QUANTILES = {"score_p10": 0.1, "score_p50": 0.5, "score_p90": 0.9}
VOLUMES = ("afvoer", "verdrongen_berging")
THRESHOLD = "drempel"
UNASSESSED = 0
Array = NDArray[Any]
Doubles = NDArray[np.float64]


def answer(mean_score: float, by_class: Doubles, area: float, rules: ScoringRules) -> int:
    """Return the class of a polygon from its mean score and the cells per class.

    Parameters
    ----------
    mean_score : float
        NaN if no assessed cell has a score.
    by_class : array (6,)
        Covered cells per class code; 0 = unknown.
    area : float
        Of the polygon, in cells.
    """
    assessed = by_class[1:].sum()
    if area <= 0 or assessed / area + rules.marge < rules.beoordeeld_min or assessed <= 0:
        return UNASSESSED
    from_worst = np.cumsum(by_class[:0:-1])[::-1] / assessed + rules.marge
    last = len(by_class) - 1
    half = int(np.flatnonzero(from_worst >= rules.aandeel_helft)[-1]) + 1
    tenth = int(np.flatnonzero(from_worst >= rules.aandeel_begrenzing)[-1]) + 1
    candidates = [half, tenth - 1]
    if by_class[last] / assessed + rules.marge >= rules.aandeel_nee:
        candidates.append(2)
    if mean_score == mean_score:
        candidates.append(class_of(mean_score, rules))
    return max(candidates)


def class_of(score: float, rules: ScoringRules) -> int:
    """Return the class code of a score, without cap or thresholds."""
    steps = [s for s in registry.answer_scale().values() if s.score_min is not None]
    return next(s.code for s in steps if score + rules.marge >= (s.score_min or 0.0) or s is steps[-1])


def letters() -> dict[int, str]:
    """Return the letter of every class code."""
    return {code: step.letter for code, step in registry.answer_scale().items()}


def measures_of(result: Result) -> dict[str, Array]:
    """Return per cell what the table takes means of; NaN = unknown or not assessed."""
    rules, s = registry.scoring_rules(), result.scores
    score = np.where(s["klasse"] != UNASSESSED, s["score"], np.float32(np.nan))
    unscored, risico = np.isnan(score).reshape(-1), result.burden.risico
    high = (risico + rules.marge >= rules.risico_hoog).astype(np.float32)
    names = [f"verlies_{n}" for n in (*result.criteria, THRESHOLD)]
    losses = (np.where(unscored, np.float32(np.nan), row) for row in s["loss"])
    parts = {c.id: i for i, c in enumerate(registry.burden_rules().components)}
    return {
        SCORE: score,
        "score_min": s["score_min"],
        "score_max": s["score_max"],
        "dekking": s["dekking"],
        **dict(zip(names, losses, strict=True)),
        "risico": risico,
        "risico_hoog": np.where(np.isnan(risico), np.float32(np.nan), high),
        **{name: result.burden.components[parts[name]] for name in VOLUMES},
    }


def rows_of(areas: Sequence[Area], grid: Grid, tally: Tally) -> list[dict[str, Any]]:
    """Return the columns of rekenregels section 7, a row per polygon."""
    size = np.array([a.geometry.area for a in areas])
    outside = size / grid.cell_area - tally.cells
    outside[outside < 1e-6 * size / grid.cell_area] = 0
    columns = {
        **_sizes(size / 1e4, outside, grid, tally),
        **_answers(size / grid.cell_area, outside, tally),
        **_scores(tally),
        **_losses(tally),
        **_burden(tally, grid),
    }
    ordered = {name: columns[name] for name in _order(columns)}
    return [dict(zip(ordered, row, strict=True)) for row in zip(*ordered.values(), strict=True)]


LEADING = (
    "antwoord",
    "score",
    "score_p10",
    "score_p50",
    "score_p90",
    "oppervlakte_ha",
    "beoordeeld_ha",
    "onbekend_ha",
    "buiten_ha",
)
TRAILING = (
    "bepalend",
    "risico",
    "aandeel_risico_hoog",
    "oorzaak",
    "afvoer_m3",
    "verdrongen_berging_m3",
    "weinig_steun",
)


def _order(columns: Mapping[str, Any]) -> list[str]:
    middle = [c for c in columns if c not in LEADING and c not in TRAILING]
    rank = ("ha_", "aandeel_", "dekking", "antwoord_", "verlies_")
    middle.sort(key=lambda c: next(i for i, prefix in enumerate(rank) if c.startswith(prefix)))
    return [*LEADING, *middle, *TRAILING]


def _graded() -> list[tuple[int, str]]:
    return [(code, letter) for code, letter in letters().items() if code != UNASSESSED]


def _sizes(size: Doubles, outside: Doubles, grid: Grid, tally: Tally) -> dict[str, Any]:
    by_class = tally.class_cells("klasse") * grid.cell_ha
    assessed = by_class[:, 1:].sum(axis=1)
    found = {
        "oppervlakte_ha": size,
        "beoordeeld_ha": assessed,
        "onbekend_ha": by_class[:, UNASSESSED],
        "buiten_ha": outside * grid.cell_ha,
        "weinig_steun": size < grid.cell_ha,
        "dekking": tally.mean("dekking")[0],
    }
    for code, letter in _graded():
        found[f"ha_{letter}"] = by_class[:, code]
        found[f"aandeel_{letter}"] = ratio(by_class[:, code], assessed)
    return found


def _answers(size: Doubles, outside: Doubles, tally: Tally) -> dict[str, Any]:
    """Return the answers; for the bounds, area outside the data turns out worst or best too."""
    nowhere = np.zeros_like(outside)
    worst, best = max(letters()), min(code for code, _ in _graded())
    return {
        "antwoord": _answer(tally, SCORE, "klasse", size, (nowhere, worst, 0.0)),
        "antwoord_min": _answer(tally, "score_min", "klasse_min", size, (outside, worst, 0.0)),
        "antwoord_max": _answer(tally, "score_max", "klasse_max", size, (outside, best, 1.0)),
    }


def _answer(tally: Tally, score: str, klasse: str, size: Doubles, rest: tuple[Doubles, int, float]) -> list[str]:
    """Return the answer per polygon; ``rest`` = cells to add, their class and their score."""
    rules, extra = registry.scoring_rules(), rest[0]
    by_class = tally.class_cells(klasse)
    by_class[:, rest[1]] += extra
    average, known = tally.mean(score)
    blended = ratio(np.nan_to_num(average) * known + rest[2] * extra, known + extra)
    rows = zip(blended, by_class, size, strict=True)
    return [letters()[answer(s, row, area, rules)] for s, row, area in rows]


def _scores(tally: Tally) -> dict[str, Any]:
    found = tally.quantiles(list(QUANTILES.values()), registry.scoring_rules().marge)
    return {SCORE: tally.mean(SCORE)[0], **dict(zip(QUANTILES, found.T, strict=True))}


def _losses(tally: Tally) -> dict[str, Any]:
    names = [m for m in tally.measures if m.startswith("verlies_")]
    losses = {n: tally.mean(n)[0] for n in names}
    plain = [n.removeprefix("verlies_") for n in names]
    return {**losses, "bepalend": [_largest(row, plain) for row in np.array(list(losses.values())).T]}


def _largest(values: Doubles, names: Sequence[str]) -> str:
    """Return the name of the largest value, the first within the margin; empty if none stands out."""
    margin = registry.scoring_rules().marge
    top = np.nanmax(values) if np.isfinite(values).any() else 0.0
    return names[int(np.flatnonzero(values + margin >= top)[0])] if top > margin else ""


def _burden(tally: Tally, grid: Grid) -> dict[str, Any]:
    return {
        "risico": tally.mean("risico")[0],
        "aandeel_risico_hoog": tally.mean("risico_hoog")[0],
        "oorzaak": _causes(tally),
        **{f"{name}_m3": _volume(tally, name, grid) for name in VOLUMES},
    }


def _volume(tally: Tally, name: str, grid: Grid) -> Doubles:
    """Return the net sum over known cells [m3] of an amount per hectare."""
    average, known = tally.mean(name)
    return average * known * grid.cell_ha


def _causes(tally: Tally) -> list[str]:
    """Return the component with the largest sum of coverage * risico, the first on a tie."""
    names = [c.id for c in registry.burden_rules().components]
    best = tally.causes[:, 1:].argmax(axis=1)
    return [names[b] if row[1 + b] > 0 else "" for b, row in zip(best, tally.causes, strict=True)]
