"""One row per polygon and functie: areas, quantiles, losses and burden (rekenregels section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import M2_PER_HA, Grid
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie, ScoringRules
from waterbodem.engine.plan import MM_TO_M3_HA
from waterbodem.engine.sums import SCORE, Tally, Totals, ratio, totals_of
from waterbodem.layers.polygons import Area, areas_of

QUANTILES = {"score_p10": 0.1, "score_p50": 0.5, "score_p90": 0.9}
#: Net sums over a polygon, by column: the measure that is summed, and what one unit of it is on a hectare.
VOLUMES = {
    "afvoer_m3": ("afvoer", 1.0),
    "verdrongen_berging_m3": ("verdrongen_berging", 1.0),
    "aanvullingsverlies_m3_jr": ("aanvullingsverlies", MM_TO_M3_HA),
    "co2_t_jr": ("veenverlies", registry.burden_rules().constants["co2_t_ha_mm"]),
}
#: One litre a second is so many m3 a year.
L_S = 31_536.0
SCORED = "verlies_"
THRESHOLD = "drempel"
UNASSESSED = 0
Array = NDArray[Any]
Doubles = NDArray[np.float64]


def answer_codes(mean_score: Doubles, by_class: Doubles, cap: int, rules: ScoringRules) -> NDArray[np.int64]:
    """Return the class of P polygons from their mean scores and the cells per class: the worst of (a) to (e).

    Parameters
    ----------
    mean_score : array (P,)
        NaN if no assessed cell has a score.
    by_class : array (P, 6)
        Covered cells per class code; 0 = unknown.
    cap : int
        Best class that the functie allows.
    """
    assessed = by_class[:, 1:].sum(axis=1)
    from_worst = ratio(np.cumsum(by_class[:, :0:-1], axis=1)[:, ::-1].T, assessed) + rules.marge
    half = _last(from_worst >= rules.aandeel_helft) + 1
    tenth = _last(from_worst >= rules.aandeel_begrenzing) + 1
    some = ratio(by_class[:, -1], assessed) + rules.marge >= rules.aandeel_nee
    found = [classes_of(mean_score, rules), half, tenth - 1, np.where(some, 2, UNASSESSED), np.full_like(half, cap)]
    return np.where(assessed > 0, np.maximum.reduce(found), UNASSESSED)


def answer_of(certain: Array, worst: Array, best: Array, enough: NDArray[np.bool_]) -> Array:
    """Return the answer of polygons: unknown where too little is assessed, unless it is the same whatever that is."""
    return np.where(enough, certain, np.where(worst == best, worst, UNASSESSED))


def _last(holds: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the last row that holds, per column."""
    return np.asarray(len(holds) - 1 - holds[::-1].argmax(axis=0), np.int64)


def classes_of(score: Doubles, rules: ScoringRules) -> NDArray[np.int64]:
    """Return the class codes of scores, without cap or thresholds; UNASSESSED where NaN."""
    steps = [s for s in registry.answer_scale().values() if s.score_min is not None]
    reached = [score + rules.marge >= (s.score_min or 0.0) for s in steps[:-1]]
    found = np.select(reached, [s.code for s in steps[:-1]], default=steps[-1].code)
    return np.where(np.isnan(score), UNASSESSED, found)


def letters() -> dict[int, str]:
    """Return the letter of every class code."""
    return {code: step.letter for code, step in registry.answer_scale().items()}


def total_tallies(tallies: Iterable[Tally], count: int, last: NDArray[np.int64] | None = None) -> Totals:
    """Add tallies of parts to sums over all ``count`` polygons, with the quantiles of the table.

    ``last`` as in :func:`waterbodem.engine.sums.totals_of`.
    """
    return totals_of(tallies, count, shares(), last)


def shares() -> Doubles:
    """Return the shares at which quantiles are taken, with the margin in favour of "at least"."""
    return np.array(list(QUANTILES.values())) - registry.scoring_rules().marge


def columns_of(areas: Sequence[Area], grid: Grid, totals: Totals, functie: Functie) -> dict[str, Array]:
    """Return the columns of rekenregels section 7 by name, a value per polygon."""
    size = areas_of(areas)
    outside = outside_of(size / grid.cell_area, totals.cells)
    found = states_of(totals), size / grid.cell_area, outside
    columns = {
        **_sizes(size / M2_PER_HA, outside, grid, totals),
        **{n: lettered(codes) for n, codes in zip(ANSWERS, answers_of(*found, functie), strict=True)},
        **_scores(totals),
        **_losses(totals),
        **_burden(totals, grid),
    }
    return {name: columns[name] for name in _order(columns)}


def outside_of(size: Doubles, inside: Doubles) -> Doubles:
    """Return what of polygons lies outside the data, of their size and what lies inside, in cells; noise is none."""
    outside = size - inside
    return np.where(outside < 1e-6 * size, 0.0, outside)


ANSWERS = ("antwoord", "antwoord_min", "antwoord_max")
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
    "risico_zonder_compensatie",
    "aandeel_risico_hoog",
    "oorzaak",
    *VOLUMES,
    "basisafvoer_l_s",
    "stijging_m",
    "referentie_onaannemelijk_ha",
    "weinig_steun",
)


def _order(columns: Mapping[str, Any]) -> list[str]:
    middle = [c for c in columns if c not in LEADING and c not in TRAILING]
    rank = ("ha_", "aandeel_", "dekking", "antwoord_", "verlies_")
    middle.sort(key=lambda c: next(i for i, prefix in enumerate(rank) if c.startswith(prefix)))
    return [*LEADING, *middle, *TRAILING]


def _graded() -> list[tuple[int, str]]:
    return [(code, letter) for code, letter in letters().items() if code != UNASSESSED]


def _sizes(size: Doubles, outside: Doubles, grid: Grid, totals: Totals) -> dict[str, Any]:
    by_class = totals.class_cells("klasse") * grid.cell_ha
    assessed = by_class[:, 1:].sum(axis=1)
    found = {
        "oppervlakte_ha": size,
        "beoordeeld_ha": assessed,
        "onbekend_ha": by_class[:, UNASSESSED],
        "buiten_ha": outside * grid.cell_ha,
        "weinig_steun": size < grid.cell_ha,
        "dekking": totals.mean("dekking")[0],
    }
    for code, letter in _graded():
        found[f"ha_{letter}"] = by_class[:, code]
        found[f"aandeel_{letter}"] = ratio(by_class[:, code], assessed)
    return found


@dataclass(frozen=True)
class State:
    """What answers of P polygons are made of: mean score (NaN: none), cells with one, and cells per class (P, C)."""

    mean: Doubles
    known: Doubles
    by_class: Doubles

    def some(self, which: NDArray[np.int64]) -> State:
        """Return that of some of the polygons."""
        return State(self.mean[which], self.known[which], self.by_class[which])


#: A polygon as far as it is known, and with all that is unknown worst, and best.
States = tuple[State, State, State]


def states_of(totals: Totals) -> States:
    """Return the states that totals hold."""
    certain, least, most = (
        State(*totals.mean(score), totals.class_cells(klasse))
        for score, klasse in ((SCORE, "klasse"), ("score_min", "klasse_min"), ("score_max", "klasse_max"))
    )
    return certain, least, most


def answers_of(states: States, size: Doubles, outside: Doubles, functie: Functie) -> tuple[Array, Array, Array]:
    """Return the classes of answers, and of both ends, where area outside the data turns out worst or best too.

    Parameters
    ----------
    states : States
    size, outside : float64 array (P,)
        Of polygons, and of what of them lies outside the data, in cells.
    functie : Functie
    """
    rules, nowhere = registry.scoring_rules(), np.zeros_like(outside)
    worst, best = max(letters()), min(code for code, _ in _graded())
    rests = (nowhere, worst, 0.0), (outside, worst, 0.0), (outside, best, 1.0)
    certain, least, most = (_class(s, rest, functie) for s, rest in zip(states, rests, strict=True))
    assessed = states[0].by_class[:, 1:].sum(axis=1)
    enough = (ratio(assessed, size) + rules.marge >= rules.beoordeeld_min) & (assessed > 0)
    return answer_of(certain, least, most, enough), least, most


def _class(state: State, rest: tuple[Doubles, int, float], functie: Functie) -> Array:
    """Return the class per polygon of a state; ``rest``: more cells, their class and score."""
    extra, by_class = rest[0], state.by_class.copy()
    by_class[:, rest[1]] += extra
    blended = ratio(np.nan_to_num(state.mean) * state.known + rest[2] * extra, state.known + extra)
    return answer_codes(blended, by_class, cap_of(functie), registry.scoring_rules())


def lettered(codes: Array) -> Array:
    """Return class codes as letters."""
    return np.array([letters()[code] for code in sorted(letters())])[codes]


def cap_of(functie: Functie) -> int:
    """Return the code of the best class that a functie allows."""
    return next((code for code, letter in letters().items() if letter == functie.hoogstens), 1)


def _scores(totals: Totals) -> dict[str, Any]:
    return {SCORE: totals.mean(SCORE)[0], **dict(zip(QUANTILES, totals.quantiles.T, strict=True))}


def _losses(totals: Totals) -> dict[str, Any]:
    names = [m for m in totals.measures if m.startswith("verlies_")]
    losses = {n: totals.mean(n)[0] for n in names}
    plain = [n.removeprefix("verlies_") for n in names]
    return {**losses, "bepalend": largest_of(np.array(list(losses.values())), plain)}


def largest_of(values: Doubles, names: Sequence[str]) -> Array:
    """Return the name of the largest value per column, the first within the margin; empty if none stands out."""
    margin = registry.scoring_rules().marge
    top = np.fmax.reduce(values)
    first = (values + margin >= top).argmax(axis=0)
    return np.where(top > margin, np.array(names)[first], "")


def _burden(totals: Totals, grid: Grid) -> dict[str, Any]:
    volumes = {column: factor * _volume(totals, name, grid) for column, (name, factor) in VOLUMES.items()}
    return {
        "risico": totals.mean("risico")[0],
        "risico_zonder_compensatie": totals.mean("risico_zonder_compensatie")[0],
        "aandeel_risico_hoog": totals.mean("risico_hoog")[0],
        "oorzaak": causes_in(totals),
        **volumes,
        "basisafvoer_l_s": volumes["aanvullingsverlies_m3_jr"] / L_S,
        "stijging_m": totals.mean("stijging")[0],
        "referentie_onaannemelijk_ha": np.nan_to_num(_volume(totals, "onaannemelijk", grid)),
    }


def _volume(totals: Totals, name: str, grid: Grid) -> Doubles:
    """Return the net sum over known cells of an amount per hectare."""
    average, known = totals.mean(name)
    return average * known * grid.cell_ha


def causes_in(totals: Totals) -> Array:
    """Return the component with the largest sum of coverage * risico, the first on a tie."""
    names = np.array([c.id for c in registry.burden_rules().components])
    by_component = totals.causes[:, 1:]
    return np.where(by_component.max(axis=1) > 0, names[by_component.argmax(axis=1)], "")
