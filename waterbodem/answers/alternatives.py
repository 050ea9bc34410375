"""What else could be done here, and where else this could go: answers of functies that were not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from waterbodem.answers.outcome import outcome_of
from waterbodem.answers.particulars import CONDITIONS, conditions
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
COLUMNS = (
    *("nr", "gebied", "functie", "antwoord", "score", "dekking", "bepalend", "risico", "oorzaak"),
    *("oppervlakte_ha", "afvoer_m3", "stijging_m"),
)


def other_functies(question: Question) -> list[Functie]:
    """Return the built-in functies that were not asked, if answering them takes little time; else none."""
    asked = {f.id for f in question.functies}
    found = [f for id_, f in registry.builtin_functies().items() if id_ not in asked]
    return found if question.grid.rows * question.grid.cols * len(found) <= AFFORDABLE else []


def alternative_rows(assessment: Answer, extra: Sequence[Functie]) -> pd.DataFrame:
    """Return a row per polygon and functie: those that were asked, and the extra ones, under the same settings.

    Parameters
    ----------
    assessment : Answer
    extra : sequence of Functie
        None of them asked.

    Returns
    -------
    pandas.DataFrame
        nr, gebied, functie, antwoord, score, dekking, bepalend, risico, oorzaak, oppervlakte_ha, afvoer_m3, stijging_m,
        and the columns of :func:`waterbodem.answers.particulars.conditions`.
    """
    asked = pd.DataFrame(assessment.rows).reindex(columns=list(COLUMNS))
    found = [asked, *(_rows(assessment.question, f) for f in track(extra, "alternatieven"))]
    whole = pd.concat(found, ignore_index=True)
    if assessment.making.is_earlier:
        return whole.assign(**dict.fromkeys(CONDITIONS, 0.0))
    return with_conditions(whole, assessment.question, (*assessment.question.functies, *extra))


def with_conditions(rows: pd.DataFrame, q: Question, functies: Sequence[Functie]) -> pd.DataFrame:
    """Return rows of polygons and functies with what each answer rests on."""
    known = {f.id: conditions(q, f) for f in functies}
    more = {c: [known[id_][c][nr - 1] for id_, nr in zip(rows.functie, rows.nr, strict=True)] for c in CONDITIONS}
    return rows.assign(**more)


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
