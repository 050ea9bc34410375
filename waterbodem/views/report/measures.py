"""What would make it a yes, in a report: measures for the outcomes that were asked first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from waterbodem.answers.packages import Place, places_of, search_of
from waterbodem.core.progress import track
from waterbodem.definitions.labels import short_name
from waterbodem.definitions.measures.catalogue import builtin_measures
from waterbodem.definitions.models import Functie
from waterbodem.measures.search import Search
from waterbodem.views.measures import COLUMNS, package_row, said_first

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer
    from waterbodem.answers.question import Question

#: Outcomes that are searched; the others by ``wb.mits``.
MOST = 10
NAME = 60


@dataclass(frozen=True)
class Outcome:
    """What is said of measures for one plan and functie: first, the packages that are shown, and what else fits."""

    gebied: str
    functie: Functie
    headline: str
    rows: tuple[tuple[str, ...], ...]
    fits: str


@dataclass(frozen=True)
class MeasuresView:
    """Measures as a report tells of them.

    Parameters
    ----------
    outcomes : tuple of Outcome
    left : int
        Outcomes that were not searched.
    columns : tuple of str
        Keys of the words over the rows.
    """

    outcomes: tuple[Outcome, ...]
    left: int
    columns: tuple[str, ...] = COLUMNS


def measures_of(assessment: Answer, taal: str) -> MeasuresView | None:
    """Return the measures for the outcomes that were asked first; None of an answer by earlier rules."""
    if assessment.making.is_earlier:
        return None
    q, known = assessment.question, list(builtin_measures().values())
    places = places_of(q)
    found = tuple(
        _outcome(q, place, search_of(q, place, measures=known), taal)
        for place in track(places[:MOST], "maatregelen zoeken")
    )
    return MeasuresView(found, len(places) - len(found))


def _outcome(q: Question, place: Place, search: Search, taal: str) -> Outcome:
    name, first = short_name(q.areas[place[0]].name, NAME), said_first(q, place, search, taal)
    rows = tuple(package_row(search, c, taal) for c in search.shown)
    return Outcome(name, search.ask.functie, first, rows, search.fits(taal))
