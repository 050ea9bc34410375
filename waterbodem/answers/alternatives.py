"""What else could be done here, and where else this could go: answers of functies that were not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from waterbodem.core.progress import track
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.engine.evaluation import evaluate
from waterbodem.engine.kompas import Verdict, findings_of, verdicts
from waterbodem.engine.quantities import chance_of, measures_of
from waterbodem.engine.sums import Totals, tally_of
from waterbodem.engine.table import columns_of, total

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer
    from waterbodem.answers.question import Question

Array = NDArray[Any]

#: Cells times functies that are worth the wait; above, only what was asked is compared.
AFFORDABLE = 40_000_000
COLUMNS = ("nr", "gebied", "functie", "antwoord", "score", "dekking", "bepalend", "risico", "oorzaak")


def others(question: Question) -> list[Functie]:
    """Return the built-in functies that were not asked, if answering them takes little time; else none."""
    asked = {f.id for f in question.functies}
    found = [f for id_, f in registry.builtin_functies().items() if id_ not in asked]
    return found if question.grid.rows * question.grid.cols * len(found) <= AFFORDABLE else []


def options(assessment: Answer, extra: Sequence[Functie]) -> pd.DataFrame:
    """Return a row per polygon and functie: those that were asked, and the extra ones, under the same settings.

    Parameters
    ----------
    assessment : Answer
    extra : sequence of Functie
        None of them asked.

    Returns
    -------
    pandas.DataFrame
        nr, gebied, functie, antwoord, score, dekking, bepalend, risico, oorzaak.
    """
    asked = pd.DataFrame(assessment.rows[list(COLUMNS)])
    if not extra:
        return asked
    q = assessment.question
    chance = chance_of(q.cells.present, q.settings.rules)
    return pd.concat([asked, *(_rows(q, f, chance) for f in track(extra, "alternatieven"))])


def verdicts_of(question: Question, taal: str) -> dict[str, list[list[Verdict]]]:
    """Return per functie asked, per polygon, the six verdicts with their reasons in a language.

    The answer holds them in Dutch; what stands behind them is computed again.
    """
    q, chance = question, chance_of(question.cells.present, question.settings.rules)
    scenarios, rules = q.cells.scenarios, q.settings.rules
    found = {
        f.id: findings_of(q.areas, q.grid, _totals(q, f, chance), scenarios, f, rules)
        for f in track(q.functies, "Kompas")
    }
    return {id_: verdicts(some, rules, taal) for id_, some in found.items()}


def _totals(q: Question, functie: Functie, chance: Array) -> Totals:
    result = evaluate(q.cells, functie, q.settings)
    found = measures_of(q.cells, result, q.settings.reference, q.settings.rules, chance)
    return total([tally_of(q.prints, result, found.names, found.rows)], len(q.areas))


def _rows(q: Question, functie: Functie, chance: Array) -> pd.DataFrame:
    totals = _totals(q, functie, chance)
    named = {"nr": [a.nr for a in q.areas], "gebied": [a.name for a in q.areas], "functie": functie.id}
    return pd.DataFrame({**columns_of(q.areas, q.grid, totals), **named})[list(COLUMNS)]
