"""One row per polygon and functie: areas, quantiles, losses and burden (rekenregels section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem import registry
from waterbodem.areas import Area, Footprints
from waterbodem.definitions import ScoringRules
from waterbodem.evaluation import Result
from waterbodem.grid import Grid
from waterbodem.kernels import zonal
from waterbodem.kernels.burden import Burden

SHARES = (0.1, 0.5, 0.9)
UNASSESSED = 0
Array = NDArray[Any]
Doubles = NDArray[np.float64]


def mean(values: Array, prints: Footprints) -> tuple[Doubles, Doubles]:
    """Return per polygon the coverage-weighted mean over known cells, and their area in cells.

    NaN where nothing is known. Exact sums: the order of cells does not matter.
    """
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    high, low, known = (np.zeros(len(prints.start) - 1, np.int64) for _ in range(3))
    zonal.add_values(prints.start, prints.cell, prints.cover, flat, high, low, known)
    total = high.astype(np.float64) * float(1 << zonal.SPLIT) + low
    return _ratio(total / zonal.VALUE_ONE, known), known / zonal.COVERAGE_ONE


def _ratio(total: Array, weight: Array) -> Doubles:
    """Return total / weight, NaN where the weight is 0."""
    out = np.full(len(weight), np.nan)
    np.divide(total, weight, out=out, where=weight > 0)
    return out


def code_areas(codes: Array, prints: Footprints, count: int) -> Doubles:
    """Return the covered cells per polygon and code (P, count)."""
    total = np.zeros((len(prints.start) - 1, count), np.int64)
    zonal.add_codes(prints.start, prints.cell, prints.cover, codes.reshape(-1), total)
    return total / zonal.COVERAGE_ONE


def quantiles(values: Array, prints: Footprints, margin: float) -> Doubles:
    """Return p10, p50 and p90 per polygon (P, 3), to 1e-4."""
    out = np.empty((len(prints.start) - 1, len(SHARES)))
    zonal.quantiles(prints.start, prints.cell, prints.cover, values.reshape(-1), np.array(SHARES), margin, out)
    return out


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


def rows_of(areas: Sequence[Area], prints: Footprints, grid: Grid, result: Result) -> list[dict[str, Any]]:
    """Return the columns of rekenregels section 7, a row per polygon."""
    columns = {
        **_sizes(areas, prints, grid, result),
        **_answers(areas, prints, grid, result),
        **_scores(prints, result),
        **_losses(prints, result),
        **_burden(prints, grid, result),
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


def _sizes(areas: Sequence[Area], prints: Footprints, grid: Grid, result: Result) -> dict[str, Any]:
    size = np.array([a.geometry.area for a in areas]) / 1e4
    by_class = code_areas(result.scores["klasse"], prints, len(letters())) * grid.cell_ha
    assessed = by_class[:, 1:].sum(axis=1)
    outside = size - prints.inside / zonal.COVERAGE_ONE * grid.cell_ha
    found = {
        "oppervlakte_ha": size,
        "beoordeeld_ha": assessed,
        "onbekend_ha": by_class[:, UNASSESSED],
        "buiten_ha": np.where(outside < 1e-6 * size, 0.0, outside),
        "weinig_steun": size < grid.cell_ha,
        "dekking": mean(result.scores["dekking"], prints)[0],
    }
    for code, letter in _graded():
        found[f"ha_{letter}"] = by_class[:, code]
        found[f"aandeel_{letter}"] = _ratio(by_class[:, code], assessed)
    return found


def assessed_score(result: Result) -> Array:
    """Return the score where a cell is assessed (class A .. D), else NaN."""
    return np.where(result.scores["klasse"] != UNASSESSED, result.scores["score"], np.float32(np.nan))


def _answers(areas: Sequence[Area], prints: Footprints, grid: Grid, result: Result) -> dict[str, Any]:
    size = np.array([a.geometry.area for a in areas]) / grid.cell_area
    outside = size - prints.inside / zonal.COVERAGE_ONE
    outside[outside < 1e-6 * size] = 0
    nowhere = np.zeros_like(outside)
    worst, best = max(letters()), min(code for code, _ in _graded())
    s = result.scores
    return {
        "antwoord": _answer(assessed_score(result), s["klasse"], prints, size, (nowhere, worst, 0.0)),
        "antwoord_min": _answer(s["score_min"], s["klasse_min"], prints, size, (outside, worst, 0.0)),
        "antwoord_max": _answer(s["score_max"], s["klasse_max"], prints, size, (outside, best, 1.0)),
    }


def _answer(
    score: Array, klasse: Array, prints: Footprints, size: Doubles, rest: tuple[Doubles, int, float]
) -> list[str]:
    """Return the answer per polygon; ``rest`` = cells to add, their class and their score."""
    rules, extra = registry.scoring_rules(), rest[0]
    by_class = code_areas(klasse, prints, len(letters()))
    by_class[:, rest[1]] += extra
    average, known = mean(score, prints)
    blended = _ratio(np.nan_to_num(average) * known + rest[2] * extra, known + extra)
    return [letters()[answer(s, row, area, rules)] for s, row, area in zip(blended, by_class, size, strict=True)]


def _scores(prints: Footprints, result: Result) -> dict[str, Any]:
    score = assessed_score(result)
    low, middle, high = quantiles(score, prints, registry.scoring_rules().marge).T
    return {
        "score": mean(score, prints)[0],
        "score_p10": low,
        "score_p50": middle,
        "score_p90": high,
    }


def _losses(prints: Footprints, result: Result) -> dict[str, Any]:
    names = [*result.criteria, "drempel"]
    unscored = np.isnan(assessed_score(result)).reshape(-1)
    losses = [mean(np.where(unscored, np.float32(np.nan), row), prints)[0] for row in result.scores["loss"]]
    found: dict[str, Any] = {f"verlies_{n}": v for n, v in zip(names, losses, strict=True)}
    found["bepalend"] = [_largest(row, names) for row in np.array(losses).T]
    return found


def _largest(values: Doubles, names: Sequence[str]) -> str:
    """Return the name of the largest value, the first within the margin; empty if none stands out."""
    margin = registry.scoring_rules().marge
    top = np.nanmax(values) if np.isfinite(values).any() else 0.0
    return names[int(np.flatnonzero(values + margin >= top)[0])] if top > margin else ""


def _burden(prints: Footprints, grid: Grid, result: Result) -> dict[str, Any]:
    rules, burden = registry.scoring_rules(), result.burden
    names = [c.id for c in registry.burden_rules().components]
    risk, _ = mean(burden.risico, prints)
    high = np.where(burden.risico + rules.marge >= rules.risico_hoog, 1, 0).astype(np.float32)
    high[np.isnan(burden.risico)] = np.nan
    return {
        "risico": risk,
        "aandeel_risico_hoog": mean(high, prints)[0],
        "oorzaak": _causes(prints, burden, names),
        "afvoer_m3": _volume(burden.components[names.index("afvoer")], prints, grid),
        "verdrongen_berging_m3": _volume(burden.components[names.index("verdrongen_berging")], prints, grid),
    }


def _volume(per_ha: Array, prints: Footprints, grid: Grid) -> Doubles:
    """Return the net sum over known cells [m3] of an amount per hectare."""
    average, known = mean(per_ha, prints)
    return average * known * grid.cell_ha


def _causes(prints: Footprints, burden: Burden, names: Sequence[str]) -> list[str]:
    """Return the component with the largest sum of coverage * risico, the first on a tie."""
    total = np.zeros((len(prints.start) - 1, len(names) + 1), np.int64)
    risk, cause = burden.risico.reshape(-1), burden.oorzaak.reshape(-1)
    zonal.add_by_code(prints.start, prints.cell, prints.cover, risk, cause, total)
    best = total[:, 1:].argmax(axis=1)
    return [names[b] if row[1 + b] > 0 else "" for b, row in zip(best, total, strict=True)]
