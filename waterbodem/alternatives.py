"""What else could be done here, and where else this could go: answers of functies that were not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from waterbodem import registry
from waterbodem.definitions import Functie
from waterbodem.evaluation import evaluate
from waterbodem.measures import chance_of, measures_of
from waterbodem.progress import track
from waterbodem.summary import columns_of, total
from waterbodem.tally import tally_of

if TYPE_CHECKING:
    from waterbodem.answer import Answer
    from waterbodem.question import Question

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
    chance = chance_of(q.cells.present, q.rules)
    return pd.concat([asked, *(_rows(q, f, chance) for f in track(extra, "alternatieven"))])


def _rows(q: Question, functie: Functie, chance: Array) -> pd.DataFrame:
    result = evaluate(q.cells, functie, q.settings)
    found = measures_of(q.cells, result, q.settings, q.rules, chance)
    totals = total([tally_of(q.prints, result, found.names, found.rows)], len(q.areas))
    named = {"nr": [a.nr for a in q.areas], "gebied": [a.name for a in q.areas], "functie": functie.id}
    return pd.DataFrame({**columns_of(q.areas, q.grid, totals), **named})[list(COLUMNS)]
