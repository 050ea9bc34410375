"""What rows of several scenarios say together, on the row of today: worst answer, whether it holds, regret."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.lazy import pd
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.scoring import layers_of
from waterbodem.engine.site import DIFFERS
from waterbodem.engine.sums import Totals

Codes = NDArray[np.int64]
Doubles = NDArray[np.float64]

#: How many layers have a variant, on the row of today.
VARIED = "lagen_met_variant"
#: What is told across scenarios: texts, and numbers; empty on the row of a scenario.
WORDS, NUMBERS = ("antwoord_slechtst", "spijt_functie", VARIED), ("houdt_k", "houdt_n", "spijt")
COLUMNS = ("antwoord_slechtst", "houdt_k", "houdt_n", "spijt", "spijt_functie", VARIED)
UNKNOWN = 0


def varied(told: Circumstances, functie: Functie, totals: Totals) -> list[str]:
    """Return per polygon of how many of the layers that an answer rests on a scenario has a variant: "2 van 5".

    A stress test has none, nor has a scenario whose layer nowhere in the polygon differs from the present one.
    """
    resting = [n for n in told.layers if n in layers_of(functie, present=told.layers)]
    counted = {s.name for s in told.scenarios if s.name in told.asked and not s.stress_test}
    found: dict[str, NDArray[np.bool_]] = {}
    for name in (n for n in totals.measures if n.startswith(DIFFERS) and LayerName.of(n).scenario in counted):
        layer = LayerName.of(name.removeprefix(DIFFERS)).layer
        found[layer] = found.get(layer, np.False_) | (totals.mean(name)[0] > 0)
    count = sum((found[n].astype(int) for n in resting if n in found), np.zeros(len(totals.inside), int))
    return [f"{n} van {len(resting)}" for n in count]


def across(frames: Sequence[pd.DataFrame], stress_tests: Collection[str]) -> list[pd.DataFrame]:
    """Return rows of functies under scenarios, those of today with what all scenarios say together.

    Parameters
    ----------
    frames : sequence of DataFrame
        Of one functie under one scenario each (empty: today), all over the same polygons in the same order; today
        stands before the scenarios of its functie. Without a scenario they are returned as they are.
    stress_tests : collection of str
        Scenarios that do not count.
    """
    told = [_Told.of(f) for f in frames if len(f)]
    if not any(t.scenario for t in told) and not any(VARIED in f for f in frames):
        return list(frames)
    counting = [t for t in told if t.scenario not in stress_tests]
    blank = {**dict.fromkeys(WORDS, ""), **dict.fromkeys(NUMBERS, np.nan)}
    found = [{**blank, **({} if t.scenario else _together(t, counting))} for t in told]
    return [_placed(f, columns) for f, columns in zip(frames, found, strict=True)]


def _placed(frame: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """Return rows with columns after that of the scenario; what a row says already stays."""
    place = list(frame.columns).index("scenario") + 1
    made = frame.assign(**{n: columns[n] for n in COLUMNS if n not in frame})
    others = [c for c in made.columns if c not in COLUMNS]
    return made[[*others[:place], *COLUMNS, *others[place:]]]


@dataclass(frozen=True)
class _Told:
    """What the rows of one functie under one scenario say: answers by code, scores, and how much is known (P,)."""

    functie: str
    scenario: str
    answer: Codes
    score: Doubles
    known: Doubles

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Told:
        codes = {step.letter: code for code, step in registry.answer_scale().items()}
        answer = np.array([codes[letter] for letter in frame["antwoord"]], np.int64)
        functie, scenario = str(frame["functie"].iloc[0]), str(frame["scenario"].iloc[0])
        return cls(functie, scenario, answer, frame["score"].to_numpy(), frame["dekking"].to_numpy())


def _together(today: _Told, told: Sequence[_Told]) -> dict[str, Any]:
    """Return what all scenarios say of a functie, a value per polygon."""
    own = [t for t in told if t.functie == today.functie]
    answers = np.array([t.answer for t in own if t.scenario], np.int64).reshape(-1, len(today.answer))
    known = today.answer != UNKNOWN
    holds = ((answers != UNKNOWN) & (answers <= today.answer)).sum(axis=0)
    regret, best = _regret(today, own, told)
    return {
        "antwoord_slechtst": _letters(_worst(np.vstack([today.answer, answers]))),
        "houdt_k": np.where(known, holds, np.nan),
        "houdt_n": np.full(len(known), float(len(answers))),
        "spijt": regret,
        "spijt_functie": best,
    }


def _worst(answers: Codes) -> Codes:
    """Return the worst of answers; unknown where one is, unless another is the worst there is."""
    worst = answers.max(axis=0)
    return np.where((answers == UNKNOWN).any(axis=0) & (worst < max(registry.answer_scale())), UNKNOWN, worst)


def _letters(codes: Codes) -> NDArray[np.object_]:
    scale = registry.answer_scale()
    return np.array([scale[code].letter for code in sorted(scale)], dtype=object)[codes]


def _regret(today: _Told, own: Sequence[_Told], told: Sequence[_Told]) -> tuple[Doubles, NDArray[np.object_]]:
    """Return how far a functie stays below the best of those asked, where that is most, and which that is.

    Compared are scores under one scenario, or today, where both functies know the same criteria as today, and have an
    answer. Of those within the margin the first counts, in the order asked.
    """
    margin, present = registry.scoring_rules().marge, {t.functie: t for t in told if not t.scenario}
    most, best = np.full(len(today.score), np.nan), np.full(len(today.score), "", dtype=object)
    for mine, other in ((a, b) for a in own for b in told if b.scenario == a.scenario and b.functie in present):
        comparable = _same(mine, today) & _same(other, present[other.functie])
        gap = np.where(comparable, other.score - mine.score, np.nan)
        larger = gap > np.where(np.isnan(most), -np.inf, most + margin)
        most, best = np.where(larger, gap, most), np.where(larger, other.functie, best)
    return most, np.where(most > margin, best, "")


def _same(then: _Told, now: _Told) -> NDArray[np.bool_]:
    """Tell where the same criteria are known as today, and there is an answer."""
    margin = registry.scoring_rules().marge
    answered = (then.answer != UNKNOWN) & ~np.isnan(then.score)
    return np.asarray(answered & (np.abs(then.known - now.known) <= margin))
