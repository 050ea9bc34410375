"""What else could be done here, and where else this could go: answers of functies that were not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from waterbodem.answers.outcome import outcome_of
from waterbodem.core.progress import track
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.engine.kompas import Verdict, verdicts
from waterbodem.engine.table import columns_of

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
    return pd.concat([asked, *(_rows(assessment.question, f) for f in track(extra, "alternatieven"))])


def verdicts_of(question: Question, taal: str) -> dict[str, list[list[Verdict]]]:
    """Return per functie asked, per polygon, the six verdicts with their reasons in a language.

    The answer holds them in Dutch; what stands behind them is computed again.
    """
    rules = question.settings.rules
    found = {f.id: outcome_of(question, f).found for f in track(question.functies, "Kompas")}
    return {id_: verdicts(some, rules, taal) for id_, some in found.items()}


def _rows(q: Question, functie: Functie) -> pd.DataFrame:
    columns = columns_of(q.areas, q.grid, outcome_of(q, functie).totals, functie)
    named = {"nr": [a.nr for a in q.areas], "gebied": [a.name for a in q.areas], "functie": functie.id}
    return pd.DataFrame({**columns, **named})[list(COLUMNS)]
