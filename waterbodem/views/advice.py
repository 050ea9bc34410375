"""Which functie fits a polygon best, and which polygon a functie: ranked, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waterbodem.definitions import registry
from waterbodem.definitions.labels import answer_text, decimal, name_of, risk_class, short, small, steps, texts, unknown
from waterbodem.definitions.models import Functie
from waterbodem.views.names import opening, said

Row = Mapping[Any, Any]
NAME = 80
#: At most this many are named in one sentence.
TOLD = 4


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return rows best first: by answer, then score, then risk; what is unknown comes last.

    Examples
    --------
    >>> rows = [{"antwoord": a, "score": s, "risico": 0.1} for a, s in (("X", 0.9), ("B", 0.6), ("A", 0.8), ("B", 0.7))]
    >>> [(r["antwoord"], r["score"]) for r in ranked(rows)]
    [('A', 0.8), ('B', 0.7), ('B', 0.6), ('X', 0.9)]
    """
    order = {letter: i for i, letter in enumerate(steps())}
    return sorted(rows, key=lambda r: (order[r["antwoord"]], -_low(r["score"]), _high(r["risico"])))


def _low(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _high(value: float) -> float:
    return 2.0 if math.isnan(value) else value


def advice_for_area(rows: Sequence[Row], functies: Mapping[str, Functie], taal: str = "nl") -> str:
    """Return which functies fit one polygon, best first."""
    names = {id_: name_of(f, taal) for id_, f in functies.items()}
    subject = opening(short(rows[0]["gebied"], NAME), taal)
    return _advice("gebied", subject, rows, lambda r: small(names[r["functie"]]), taal)


def advice_for_functie(rows: Sequence[Row], functie: Functie, taal: str = "nl") -> str:
    """Return which polygons one functie fits, best first."""
    return _advice("functie", name_of(functie, taal), rows, lambda r: said(short(r["gebied"], NAME), taal), taal)


def _advice(kind: str, subject: str, rows: Sequence[Row], name: Any, taal: str) -> str:
    t = texts(taal)["advies"]
    worst = [s.letter for s in steps().values() if s.score_min is not None][-1]
    order = ranked(rows)
    rest = {"nee": worst, "onbekend": unknown().letter}
    fits = [r for r in order if r["antwoord"] not in rest.values()]
    groups = {kind: [r for r in order if r["antwoord"] == letter] for kind, letter in rest.items()}
    if len(groups["onbekend"]) == len(rows):
        return str(t[f"{kind}_onbekend"].format(naam=subject))
    told = [t[kind].format(naam=subject, lijst=_list([_one(r, name(r), taal) for r in fits], taal))] if fits else []
    told += [] if fits else [t[f"{kind}_niets"].format(naam=subject)]
    told += [t[k].format(lijst=_list([name(r) for r in group], taal)) for k, group in groups.items() if group]
    return " ".join(told)


def _one(row: Row, name: str, taal: str) -> str:
    t, risk = texts(taal)["advies"], risk_class(row["risico"])
    word = name_of(risk, taal) if risk else texts(taal)["onbekend"]
    rules = registry.scoring_rules()
    return str(
        t["een_hoog" if row["risico"] + rules.marge >= rules.risico_hoog else "een"].format(
            naam=name,
            antwoord=answer_text(row["antwoord"], taal),
            letter=row["antwoord"],
            score=decimal(row["score"], 2, taal),
            risico=word,
        )
    )


def _list(names: Sequence[str], taal: str) -> str:
    """Return names with semicolons; how many more where there are many."""
    left = len(names) - TOLD
    more = [texts(taal)["meer"].format(n=left)] if left > 0 else []
    return "; ".join([*names[:TOLD], *more])
