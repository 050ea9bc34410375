"""What else could be done here, and where else this could go: answers of functies that were not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from waterbodem import registry, summary
from waterbodem.definitions import Functie
from waterbodem.evaluation import evaluate
from waterbodem.progress import track
from waterbodem.tally import tally_of

if TYPE_CHECKING:
    from waterbodem.assessment import Assessment, Question

#: Cells times functies that are worth the wait; above, only what was asked is compared.
AFFORDABLE = 40_000_000
COLUMNS = ("nr", "gebied", "functie", "antwoord", "score", "dekking", "bepalend", "risico", "oorzaak")


def others(question: Question) -> list[Functie]:
    """Return the built-in functies that were not asked, if answering them takes little time; else none."""
    asked = {f.id for f in question.functies}
    found = [f for id_, f in registry.builtin_functies().items() if id_ not in asked]
    return found if question.grid.rows * question.grid.cols * len(found) <= AFFORDABLE else []


def options(assessment: Assessment, extra: Sequence[Functie]) -> pd.DataFrame:
    """Return a row per polygon and functie: those that were asked, and the extra ones, under the same settings.

    Parameters
    ----------
    assessment : Assessment
    extra : sequence of Functie
        None of them asked.

    Returns
    -------
    pandas.DataFrame
        nr, gebied, functie, antwoord, score, dekking, bepalend, risico, oorzaak.
    """
    asked = pd.DataFrame(assessment.table[list(COLUMNS)])
    found = [row for f in track(extra, "alternatieven") for row in _rows(assessment.question, f)]
    return pd.concat([asked, pd.DataFrame(found, columns=list(COLUMNS))]) if found else asked


def _rows(q: Question, functie: Functie) -> list[dict[str, Any]]:
    result = evaluate(q.cells, functie, q.settings)
    tally = tally_of(q.prints, result, summary.measures_of(result))
    rows = summary.rows_of(q.areas, q.grid, tally)
    named = zip(q.areas, rows, strict=True)
    return [
        {**{c: row.get(c) for c in COLUMNS}, "nr": a.nr, "gebied": a.name, "functie": functie.id} for a, row in named
    ]
