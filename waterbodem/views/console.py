"""What the command line shows: answers and functies as plain Dutch text, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from waterbodem.answers.answer import Answer
from waterbodem.core.terminal import one_line
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    criterion_label,
    decimal,
    layer_label,
    name_of,
    percent,
    plain_number,
    risk_class,
    risk_text,
    short_name,
    texts,
    threshold_label,
)
from waterbodem.definitions.models import Criterion, Functie, Group, Sourced
from waterbodem.definitions.units import unit_text
from waterbodem.views.caveats import Caveats, named
from waterbodem.views.editions import edition_text
from waterbodem.views.names import distinct_names, name_in_sentence

#: Longest name in a column.
NAME, LONG_NAME = 32, 80
#: Up to this many answers it is told what stands beside each.
MAX_MARKED = 60
#: Plans of which the part outside the data is told, of those where two decimals show it [ha].
MAX_TOLD, SHOWN_HA = 4, 0.005


# --- answers ---------------------------------------------------------------------------------------------------------


def answer_text(assessment: Answer, taal: str = "nl") -> str:
    """Return a line per polygon and functie, and what stands beside them, in a language."""
    names = distinct_names(dict(zip(assessment.rows.nr, assessment.rows.gebied, strict=True)), NAME)
    found, beside = assessment.rows.drop(columns="geometry").to_dict("records"), Caveats(assessment, taal)
    rows = [_answer_row(row, names[row["nr"]], beside, taal) for row in found]
    t = texts(taal)["scherm"]
    order = ", ".join(name_of(p, taal) for p in assessment.question.settings.rules.beginselen.values())
    lines = [
        *beside.opening,
        "",
        columns([t["kop"], *rows]),
        "",
        t["kompas"].format(namen=order),
    ]
    lines += marks_of(found, beside, names, taal)
    notes = (edition_text(assessment, taal), *_outside(assessment, taal), *assessment.notes)
    lines += [t["let_op"].format(wat=one_line(plain_text(note))) for note in notes if note]
    return plain_text("\n".join(lines))


def marks_of(rows: Sequence[Mapping[Any, Any]], beside: Caveats, names: Mapping[int, str], taal: str) -> list[str]:
    """Return what stands beside answers, each with whose it is; how many more where they are many."""
    told = named(rows[:MAX_MARKED], beside, names, taal)
    left = len(rows) - MAX_MARKED
    return [*told, *([texts(taal)["scherm"]["meer_naast"].format(n=left)] if left > 0 else [])]


def _outside(assessment: Answer, taal: str) -> list[str]:
    """Return which plans lie partly outside the data, or how many where they are many."""
    t, table = texts(taal)["scherm"], assessment.rows.drop_duplicates("nr")
    partly = table[table["buiten_ha"] >= SHOWN_HA]
    if len(partly) > MAX_TOLD:
        return [t["deels_buiten"].format(n=len(partly))]
    names = distinct_names(
        dict(zip(table.nr, table.gebied, strict=True)), LONG_NAME, lambda name: name_in_sentence(name, taal)
    )
    return [
        t["buiten"].format(
            gebied=names[r.nr], buiten=decimal(r.buiten_ha, 2, taal), totaal=decimal(r.oppervlakte_ha, 2, taal)
        )
        for r in partly.itertuples()
    ]


def _answer_row(row: Mapping[Any, Any], name: str, beside: Caveats, taal: str) -> tuple[str, ...]:
    symbols = [str(v) for name, v in row.items() if name.startswith("kompas_")]
    return (
        name,
        short_name(row["functie"], NAME),
        beside.cell(row),
        decimal(row["score"], 2, taal),
        percent(row["dekking"], taal),
        criterion_label(row["bepalend"], taal) if row["bepalend"] else "-",
        beside.risk(row) if beside.of(row).is_present_use else _risk(row["risico"], taal),
        _cause(row["oorzaak"], taal),
        " ".join(f"{s:<2}" for s in symbols).rstrip(),
    )


def _risk(value: float, taal: str) -> str:
    found = risk_class(value)
    return f"{name_of(found, taal)} {risk_text(value, taal)}" if found else decimal(value, taal=taal)


def _cause(component: str, taal: str) -> str:
    return next((name_of(c, taal) for c in registry.burden_rules().components if c.id == component), "-")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as columns of equal width.

    Examples
    --------
    >>> print(columns([("a", "b"), ("long", "c")]))
    a     b
    long  c
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def plain_text(text: str) -> str:
    """Return text without the characters that older consoles lack, and without marks around names from the right."""
    return text.translate(str.maketrans("\u2212\u00a0\u2026\u00b2\u00b3", "- .23", "\u2068\u2069"))


def answer_data(assessment: Answer) -> dict[str, Any]:
    """Return the answer as plain data for JSON; a number that is unknown is None."""
    table = assessment.table.drop(columns=assessment.table.active_geometry_name)
    return {
        "editie": assessment.making.edition,
        "table": _records(pd.DataFrame(table)),
        "kompas": _records(assessment.kompas),
        "outside": list(assessment.outside),
        "notes": list(assessment.notes),
    }


def ledger_text(assessment: Answer) -> str:
    """Return who receives the burden, a ledger per functie."""
    return plain_text("".join(f"\n\n{id_}\n{ledger!r}" for id_, ledger in assessment.ledgers.items()))


def ledger_data(assessment: Answer) -> dict[str, Any]:
    """Return who receives the burden as plain data for JSON."""
    ledgers = assessment.ledgers
    return {
        "grootboek": _records(assessment.grootboek),
        "niet_bepaald": {id_: list(ledger.niet_bepaald) for id_, ledger in ledgers.items()},
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    found = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(found, float) and not math.isfinite(found) else found


# --- functies --------------------------------------------------------------------------------------------------------


def functies_text(functies: Iterable[Functie]) -> str:
    """Return a line per functie."""
    rows = [(f.id, _flat(f.naam), _flat(f.omschrijving)) for f in functies]
    return plain_text(columns([("id", "naam", "omschrijving"), *rows]))


def functie_text(functie: Functie) -> str:
    """Return everything about one functie, each number with where it comes from."""
    words = texts("nl")["gevolg"]
    parts = [
        [f"{_flat(functie.naam)} ({functie.id}, code {functie.code})", _flat(functie.omschrijving)],
        ["Basiscriteria", *_criteria(functie.criteria)],
        ["Optionele criteria (tellen mee waar de laag er is)", *_criteria(functie.optionele_criteria)],
        ["Groepen", *(_group(g) for g in functie.groepen)],
        ["Drempels", *(_with_source(f"  {threshold_label(t)}: {words[t.gevolg]}", t) for t in functie.drempels)],
        [
            "Parameters",
            *(_with_source(f"  {n} = {plain_number(p.waarde)}{_span(p)}", p) for n, p in _parameters(functie)),
        ],
        ["Inundatienorm (ter informatie)", *_norm(functie)],
        ["Bronnen", *_sources(functie)],
    ]
    return plain_text("\n\n".join("\n".join(p) for p in parts if len(p) > 1))


def _flat(text: str) -> str:
    """Return a text of a definition on one line."""
    return " ".join(text.split())


def _group(group: Group) -> str:
    return f"  {criterion_label('+'.join(group.leden))}: {_flat(group.reden or group.methode)}"


def _parameters(functie: Functie) -> Iterable[tuple[str, Any]]:
    return functie.parameters.items()


def _criteria(criteria: Mapping[str, Criterion]) -> list[str]:
    return [line for name, criterion in criteria.items() for line in _criterion(name, criterion)]


def _criterion(name: str, criterion: Criterion) -> list[str]:
    kind = registry.layer_kinds()[name]
    unit = "" if kind.soort == "klasse" else f" [{unit_text(kind.unit)}]"
    points = "; ".join(f"{plain_number(x)} -> {plain_number(y)}" for x, y in criterion.curve)
    absent = "" if criterion.score_afwezig is None else f"; afwezig -> {plain_number(criterion.score_afwezig)}"
    first = f"  {layer_label(name)}{unit}, gewicht {plain_number(criterion.gewicht)}"
    return [_with_source(first, criterion), f"      waarde -> score: {points}{absent}"]


def _with_source(text: str, sourced: Sourced) -> str:
    """Return a line with its source; the mark expertoordeel is part of that."""
    remarks = [sourced.provenance, sourced.bron_detail, sourced.toelichting]
    return f"{text}\n      bron: " + _flat("; ".join(r for r in remarks if r))


def _span(parameter: Any) -> str:
    low_high = parameter.bereik
    return "" if low_high is None else f" (bereik {plain_number(low_high[0])} tot {plain_number(low_high[1])})"


def _norm(functie: Functie) -> list[str]:
    norm = functie.inundatienorm
    if norm is None or norm.herhalingstijd_jr is None:
        return []
    return [_with_source(f"  eens in de {plain_number(norm.herhalingstijd_jr)} jaar", norm)]


def _sources(functie: Functie) -> list[str]:
    """Spell out every document that a number of this functie comes from."""
    norm = [functie.inundatienorm] if functie.inundatienorm else []
    numbers: list[Sourced] = [*functie.all_criteria.values(), *functie.drempels, *functie.parameters.values(), *norm]
    keys = dict.fromkeys(key for n in numbers for key in n.bron)
    known = registry.sources()
    return [f"  {k}: {known[k].titel}. {known[k].vindplaats}" if k in known else f"  {_flat(k)}" for k in keys]
