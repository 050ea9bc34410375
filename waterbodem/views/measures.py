"""Measures on one screen: what is said first of every plan, and the packages that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from waterbodem.answers.particulars import conditions
from waterbodem.core.html import html_table
from waterbodem.core.lazy import pd
from waterbodem.definitions.labels import answer_steps, is_fictitious, name_of, rounded, short_name, texts
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.engine.table import letters
from waterbodem.measures.choice import Candidate
from waterbodem.measures.price import months
from waterbodem.measures.search import Search
from waterbodem.measures.sentences import klasse_name, risk_name
from waterbodem.measures.standing import Span
from waterbodem.views.caveats import conditional_answer
from waterbodem.views.ranges import is_undecided

if TYPE_CHECKING:
    from waterbodem.answers.packages import Packages, Place
    from waterbodem.answers.question import Question

NAME = 48
#: Plans and functies that are shown at most.
MAX = 20


def mits_text(found: Packages, taal: str = "nl") -> str:
    """Return what is said of every plan as plain text."""
    lines = list(_lines(found, taal))
    return "\n".join(lines) or texts(taal)["mits"]["niets"]


def _lines(found: Packages, taal: str) -> Iterator[str]:
    for name, first, search in _shown(found, taal):
        yield f"{name}: {first}"
        yield from (f"  {k}. {search.sentence(c, taal)}" for k, c in enumerate(search.shown, start=1))
        if search.fitting:
            yield f"  {search.fits(taal)}"
    yield from _more(found, taal)


def mits_data(found: Packages, taal: str = "nl") -> dict[str, Any]:
    """Return what ``waterbodem mits --json`` prints: sentences, and the whole table, as plain data."""
    outcomes = [
        {
            "gebied": area.name,
            "functie": search.ask.functie.id,
            "zin": search.headline(taal),
            "past_wel": search.fits(taal),
            "getoond": [search.sentence(c, taal) for c in search.shown],
        }
        for area, search in found.outcomes()
    ]
    return {"uitkomsten": outcomes, "pakketten": plain_rows(found.table), "onbekend": plain_rows(found.onbekend)}


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain data; what is unknown is None."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def mits_html(found: Packages, taal: str = "nl") -> str:
    """Return the same as HTML: a table of packages per plan and functie, nothing from outside."""
    words = texts(taal)["mits"]
    mark = is_fictitious(found.question.layers)
    made_up = f"<p><strong>{escape(texts(taal)['verzonnen'])}</strong></p>" if mark else ""
    parts = [_html(name, first, search, taal) for name, first, search in _shown(found, taal)]
    more = "".join(f"<p>{escape(line)}</p>" for line in _more(found, taal))
    return made_up + ("".join(parts) or f"<p>{escape(words['niets'])}</p>") + more + f"<p>{escape(words['raming'])}</p>"


def _html(name: str, first: str, search: Search, taal: str) -> str:
    words = texts(taal)["mits"]
    head = f"<p><strong><bdi>{escape(name)}</bdi></strong>: {escape(first)}</p>"
    rows = [package_row(search, c, taal) for c in search.shown]
    table = html_table(words["pakketten"], [words[k] for k in COLUMNS], rows) if rows else ""
    fits = f"<p>{escape(search.fits(taal))}</p>" if search.fitting else ""
    return head + table + fits


COLUMNS = ("zin", "antwoord", "bandbreedte", "risico", "investering", "maanden")


def package_row(search: Search, candidate: Candidate, taal: str) -> tuple[str, ...]:
    """Return what is told of a package, a text for each of ``COLUMNS``."""
    hold, standing = search.hold(candidate.numbers), candidate.standing
    low, high = months(search.terrain(candidate.numbers), candidate.numbers)
    return (
        search.sentence(candidate, taal),
        klasse_name(standing.klasse, taal),
        between(letters()[hold.high], letters()[hold.low], taal),
        risk_name(standing.risico, taal),
        price_text(candidate, taal),
        between(f"{low}", f"{high}", taal),
    )


def price_text(candidate: Candidate, taal: str) -> str:
    """Return a price from lowest to highest [EUR/ha], and whether land is left out."""
    span: Span = candidate.price
    if span[1] != span[1]:
        return str(texts(taal)["onbekend"])
    numbers = between(rounded(span[0], taal), rounded(span[1], taal), taal)
    land = f", {measure_rules().zin[taal]['zonder_grond']}" if candidate.without_land else ""
    return numbers + land


def between(first: str, last: str, taal: str) -> str:
    """Return a range in words; one that has no width is one text.

    Examples
    --------
    >>> between("A", "C2", "nl"), between("0", "0", "en")
    ('A tot C2', '0')
    """
    return first if first == last else str(texts(taal)["bandbreedte"]["kort"].format(van=first, tot=last))


def said_first(question: Question, place: Place, search: Search, taal: str) -> str:
    """Return what is said first of a plan: not a bare yes that rests on rain that stays, nor what a map decides."""
    letter, told = letters()[search.before.antwoord], search.headline(taal)
    if letter == next(iter(answer_steps())):
        rests_on = conditions(question, search.ask.functie)
        told = conditional_answer({"antwoord": letter} | {k: v[place[0]] for k, v in rests_on.items()}, taal)
    return _decided(search, told, taal) if search.before.antwoord else told


def _decided(search: Search, told: str, taal: str) -> str:
    hold, words = search.hold(()), texts(taal)
    worst, best = letters()[hold.low], letters()[hold.high]
    if not is_undecided({"antwoord_laag": worst, "antwoord_hoog": best}):
        return told
    text: str = words["mits"]["kaart_beslist"]
    return text.format(beslist_niet=words["bandbreedte"]["beslist_niet"], marge=between(best, worst, taal), zin=told)


def _shown(found: Packages, taal: str) -> Iterator[tuple[str, str, Search]]:
    for place, search in list(found.searches.items())[:MAX]:
        name = f"{short_name(found.question.areas[place[0]].name, NAME)}, {name_of(search.ask.functie, taal)}"
        yield name, said_first(found.question, place, search, taal), search


def _more(found: Packages, taal: str) -> Iterator[str]:
    rest = len(found.searches) - MAX
    if rest > 0:
        yield texts(taal)["mits"]["meer"].format(aantal=rest)
