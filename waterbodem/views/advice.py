"""Which functie asks least of a polygon, and where a functie asks least: ranked, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waterbodem.answers.particulars import is_present_use
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    answer_text,
    name_of,
    name_within,
    risk_class,
    short_name,
    texts,
    unknown_class,
)
from waterbodem.definitions.models import Functie
from waterbodem.views.caveats import condition_text, omission_text
from waterbodem.views.names import name_at_start, name_in_sentence

Row = Mapping[Any, Any]
NAME = 80
#: At most this many are named in one sentence.
TOLD = 4


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return rows in order: by answer, then burden; what is unknown comes last, what is equal keeps its place.

    Examples
    --------
    >>> rows = [{"antwoord": a, "risico": r} for a, r in (("X", 0.1), ("B", 0.6), ("A", 0.8), ("B", 0.2))]
    >>> [(r["antwoord"], r["risico"]) for r in ranked(rows)]
    [('A', 0.8), ('B', 0.2), ('B', 0.6), ('X', 0.1)]
    """
    order = {letter: i for i, letter in enumerate(answer_steps())}
    return sorted(rows, key=lambda r: (order[r["antwoord"]], _high(r["risico"])))


def _high(value: float) -> float:
    return 2.0 if math.isnan(value) else value


def advice_for_area(rows: Sequence[Row], functies: Mapping[str, Functie], taal: str = "nl") -> str:
    """Return which functies ask least of one polygon, in order."""
    names = {id_: name_of(f, taal) for id_, f in functies.items()}
    subject = name_at_start(short_name(rows[0]["gebied"], NAME), taal)
    return _advice("gebied", subject, rows, lambda r: name_within(names[r["functie"]]), taal)


def advice_for_functie(rows: Sequence[Row], functie: Functie, taal: str = "nl") -> str:
    """Return on which polygons one functie asks least, in order."""
    return _advice(
        "functie", name_of(functie, taal), rows, lambda r: name_in_sentence(short_name(r["gebied"], NAME), taal), taal
    )


def _advice(kind: str, subject: str, rows: Sequence[Row], name: Any, taal: str) -> str:
    t = texts(taal)["advies"]
    worst = [s.letter for s in answer_steps().values() if s.score_min is not None][-1]
    order = ranked(rows)
    rest = {"nee": worst, "onbekend": unknown_class().letter}
    fits = [r for r in order if r["antwoord"] not in rest.values()]
    groups = {kind: [r for r in order if r["antwoord"] == letter] for kind, letter in rest.items()}
    if len(groups["onbekend"]) == len(rows):
        return str(t[f"{kind}_onbekend"].format(naam=subject))
    told = [t[kind].format(naam=subject, lijst=_list([_one(r, name(r), taal) for r in fits], taal))] if fits else []
    told += [] if fits else [t[f"{kind}_niets"].format(naam=subject)]
    told += [t[k].format(lijst=_list([name(r) for r in group], taal)) for k, group in groups.items() if group]
    return " ".join(told)


def _one(row: Row, name: str, taal: str) -> str:
    t, rules = texts(taal)["advies"], registry.scoring_rules()
    high = row["risico"] + rules.marge >= rules.risico_hoog
    answer = condition_text(row, taal) or answer_text(row["antwoord"], taal)
    return str(t["een_hoog" if high else "een"].format(naam=name, antwoord=answer, risico=_burden(row, taal)))


def _burden(row: Row, taal: str) -> str:
    """Return the class of the risk; that it is not applicable, or leaves out a rise of the groundwater."""
    if is_present_use(row):
        return str(texts(taal)["naast"]["huidig"])
    risk = risk_class(row["risico"])
    name = name_of(risk, taal) if risk else str(texts(taal)["onbekend"])
    return ", ".join(t for t in (name, omission_text(row, taal)) if t)


def _list(names: Sequence[str], taal: str) -> str:
    """Return names with semicolons; how many more where there are many."""
    left = len(names) - TOLD
    more = [texts(taal)["meer"].format(n=left)] if left > 0 else []
    return "; ".join([*names[:TOLD], *more])
