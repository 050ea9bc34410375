"""Measures on one screen: what is said first of every plan, and the packages that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from waterbodem.core.html import html_table
from waterbodem.core.lazy import pd
from waterbodem.definitions.labels import is_fictitious, name_of, short_name, texts
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.notation import typeset
from waterbodem.measures.choice import Candidate
from waterbodem.measures.price import months
from waterbodem.measures.search import Search
from waterbodem.measures.sentences import klasse_name, risk_name
from waterbodem.measures.standing import Span

if TYPE_CHECKING:
    from waterbodem.answers.packages import Packages

NAME = 48
#: Plans and functies that are shown at most.
MAX = 20


def mits_text(found: Packages, taal: str = "nl") -> str:
    """Return what is said of every plan as plain text."""
    lines = list(_lines(found, taal))
    return "\n".join(lines) or texts(taal)["mits"]["niets"]


def _lines(found: Packages, taal: str) -> Iterator[str]:
    for name, search in _shown(found, taal):
        yield f"{name}: {search.headline(taal)}"
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
    parts = [_html(name, search, taal) for name, search in _shown(found, taal)]
    more = "".join(f"<p>{escape(line)}</p>" for line in _more(found, taal))
    return made_up + ("".join(parts) or f"<p>{escape(words['niets'])}</p>") + more + f"<p>{escape(words['raming'])}</p>"


def _html(name: str, search: Search, taal: str) -> str:
    words = texts(taal)["mits"]
    head = f"<p><strong><bdi>{escape(name)}</bdi></strong>: {escape(search.headline(taal))}</p>"
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
        " .. ".join(dict.fromkeys(klasse_name(code, taal) for code in (hold.low, hold.high))),
        risk_name(standing.risico, taal),
        price_text(candidate, taal),
        f"{low} .. {high}",
    )


def price_text(candidate: Candidate, taal: str) -> str:
    """Return a price from lowest to highest [EUR/ha], and whether land is left out."""
    span: Span = candidate.price
    if span[1] != span[1]:
        return str(texts(taal)["onbekend"])
    numbers = " .. ".join(typeset(f"{v:,.0f}", taal) for v in span)
    land = f", {measure_rules().zin[taal]['zonder_grond']}" if candidate.without_land else ""
    return numbers + land


def _shown(found: Packages, taal: str) -> Iterator[tuple[str, Search]]:
    for area, search in list(found.outcomes())[:MAX]:
        yield f"{short_name(area.name, NAME)}, {name_of(search.ask.functie, taal)}", search


def _more(found: Packages, taal: str) -> Iterator[str]:
    rest = len(found.searches) - MAX
    if rest > 0:
        yield texts(taal)["mits"]["meer"].format(aantal=rest)
