"""What would make it a yes: packages of measures for the plans of a question, in a table and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from waterbodem.answers.question import Question
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.lazy import pd
from waterbodem.definitions.measures.catalogue import builtin_measures
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.models import Functie
from waterbodem.layers.polygons import Area
from waterbodem.measures.choice import Numbers
from waterbodem.measures.neighbours import Neighbours, neighbours
from waterbodem.measures.plan_cells import plan_cells
from waterbodem.measures.rows import COLUMNS, TEXTS, WHOLE, rows_of, unknown_rows
from waterbodem.measures.search import FREE_BY, USUAL, Search, known_to
from waterbodem.measures.sentences import klasse_name
from waterbodem.measures.terrain import Ask

UNKNOWN_COLUMNS = ("gebied", "functie", "maatregel", "laag", "aandeel_kan", "aandeel_onbekend")
OUTSIDE = "ligt geheel buiten de gegevens"
#: Place of a plan and of a functie among those that were asked.
Place = tuple[int, int]


@dataclass(frozen=True)
class Packages:
    """Packages of measures that make plans fit their place, or spare their neighbours.

    Attributes
    ----------
    question : Question
        What was asked.
    searches : mapping of (plan, functie) to Search
        By their places; of plans outside the data there is none.
    taal : {"nl", "en"}
        Of the sentences in the table.
    """

    question: Question = field(repr=False)
    searches: Mapping[Place, Search] = field(repr=False)
    taal: str = "nl"

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per plan, functie and package: as it is (no measures), the usual design, then all others.

        ``maatregelen`` are ids with a plus; ``nr`` tells plans of one name apart. Columns with ``_na`` tell how it
        stands with the measures: answers A .. D and X, scores and risks 0..1, water in m3/ha, storage in mm, prices in
        EUR per hectare of plan, months; as it is and of the packages that are shown (``getoond`` from 1) also the range
        of the answer, and of the latter the sentence, and what neighbours get: m3 received, and the largest fall and
        rise of their groundwater in cm. What cannot be taken stands last, with the reason.
        """
        rows = [row for place in self._places for row in self._rows(place)]
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        table[list(TEXTS)] = table[list(TEXTS)].astype(object).fillna("").astype(str)
        kinds: dict[str, Any] = {**dict.fromkeys(WHOLE, "Int64"), "pareto": bool, "zonder_grond": "boolean"}
        return table.astype(kinds)

    @property
    def _places(self) -> list[Place]:
        q = self.question
        return [(i, k) for i in range(len(q.areas)) for k in range(len(q.functies))]

    def _rows(self, place: Place) -> list[dict[str, Any]]:
        area, functie = self._area(place), self.question.functies[place[1]]
        named = {"gebied": area.name, "nr": area.nr}
        if place not in self.searches:
            outside = {"functie": functie.id, "antwoord": "X", "antwoord_na": "X", "pareto": False, "reden": OUTSIDE}
            return [{**named, "maatregelen": "", **outside}]
        found = rows_of(self.searches[place], partial(self._around, place), self.taal)
        return [{**named, **row} for row in found]

    def _area(self, place: Place) -> Area:
        return self.question.areas[place[0]]

    def _around(self, place: Place, numbers: Numbers) -> Neighbours:
        search = self.searches[place]
        terrain = search.terrain(numbers)
        functie = terrain.design(numbers).functie
        receiver_question, grid = self.question.receiver_question, self.question.grid
        return neighbours(receiver_question, self._area(place), functie, grid, *terrain.burden(numbers))

    @property
    def outside(self) -> tuple[str, ...]:
        """Plans that lie wholly outside the data."""
        q = self.question
        return tuple(a.name for a, n in zip(q.areas, q.prints.inside, strict=True) if n == 0)

    @cached_property
    def onbekend(self) -> pd.DataFrame:
        """Measures of which it is unknown whether they can be taken, with the layers that are missing."""
        rows = [
            {"gebied": self._area(place).name, **row}
            for place, search in self.searches.items()
            for row in unknown_rows(search)
        ]
        return pd.DataFrame(rows, columns=list(UNKNOWN_COLUMNS)).astype(dict.fromkeys(UNKNOWN_COLUMNS[-2:], float))

    def zin(self, gebied: str | None = None, functie: str | Functie | None = None, taal: str | None = None) -> str:
        """Return what is said first of a plan and a functie; default the first plan, and the first functie.

        Raises
        ------
        ArgumentError
            If the plan or the functie was not asked.
        """
        place = self._place(gebied, functie)
        search = self.searches.get(place)
        return klasse_name(0, taal or self.taal) if search is None else search.headline(taal or self.taal)

    def past_wel(self, gebied: str | None = None, functie: str | Functie | None = None, taal: str | None = None) -> str:
        """Return which other functie fits a place better; empty where none does. Arguments as of :meth:`zin`."""
        search = self.searches.get(self._place(gebied, functie))
        return "" if search is None else search.fits(taal or self.taal)

    def _place(self, gebied: str | None, functie: str | Functie | None) -> Place:
        areas, ids = [a.name for a in self.question.areas], [f.id for f in self.question.functies]
        id_ = functie.id if isinstance(functie, Functie) else functie
        return _chosen(gebied, areas, "gebied"), _chosen(id_, ids, "functie")

    def outcomes(self) -> Iterator[tuple[Area, Search]]:
        """Yield every plan and functie that was searched."""
        return ((self._area(place), search) for place, search in self.searches.items())


def places_of(q: Question) -> list[Place]:
    """Return the outcomes of a question, those asked first: plans that touch the data, and functies."""
    return [(i, k) for i in range(len(q.areas)) for k in range(len(q.functies)) if q.prints.inside[i]]


def search_of(
    q: Question,
    place: Place,
    *,
    measures: Sequence[Maatregel],
    together: int | None = None,
    free_by: str | None = None,
    named: bool = False,
) -> Search:
    """Return the packages for one outcome of a question; what is shown is found.

    Parameters
    ----------
    q : Question
    place : Place
    measures : sequence of Maatregel
    together : int, optional
        Most measures in a package; default as many as the rules tell.
    free_by : str, optional
        By what hectares are left free.
    named : bool
        Whether the measures were named by who asks.
    """
    area, functie = place[0], q.functies[place[1]]
    plan = plan_cells(q.site, q.prints, list(q.circumstances.size), area)
    asked = Ask(functie, q.boards[area], q.settings.storage, q.settings.method)
    most = measure_rules().keuze.samen if together is None else together
    by_risk, names = free_by == FREE_BY[1], tuple(measures) if named else ()
    usual = () if USUAL in {m.id for m in measures} else (builtin_measures()[USUAL],)
    found = Search(plan, asked, known_to([*measures, *usual], functie.id), most, by_risk, names)
    found.find()
    return found


def _chosen(name: Any, names: list[str], where: str) -> int:
    if name is None:
        return 0
    if str(name) not in names:
        raise ArgumentError(f"this {where} was not asked", value=name, allowed=nearest(str(name), names), where=where)
    return names.index(str(name))
