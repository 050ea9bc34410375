"""What the command line shows: answers and functies as plain Dutch text, and as JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from waterbodem import registry
from waterbodem.answer import Answer
from waterbodem.definitions import Criterion, Functie, Group, Sourced
from waterbodem.kompas import builtin_rules
from waterbodem.naming import distinct, said
from waterbodem.pace import cells_per_second, duration
from waterbodem.run_state import RunState, VariantState
from waterbodem.terminal import one_line
from waterbodem.units import unit_text
from waterbodem.wording import (
    criterion_label,
    decimal,
    layer_label,
    risk_class,
    risk_text,
    short,
    steps,
    texts,
    threshold_label,
)

#: Longest name in a column.
NAME, LONG_NAME = 32, 80
#: Plans of which the part outside the data is told, of those where two decimals show it [ha].
MAX_TOLD, SHOWN_HA = 4, 0.005


# --- answers ---------------------------------------------------------------------------------------------------------


def answer_text(assessment: Answer) -> str:
    """Return a line per polygon and functie, and what stands beside them."""
    names = distinct(dict(zip(assessment.rows.nr, assessment.rows.gebied, strict=True)), NAME)
    rows = [_answer_row(row, names[row["nr"]]) for row in assessment.rows.to_dict("records")]
    order = ", ".join(p.naam for p in builtin_rules().beginselen.values())
    lines = [columns([HEADINGS, *rows]), "", f"Kompas, van links naar rechts: {order}."]
    lines += [f"Let op: {one_line(plain_text(note))}." for note in (*_outside(assessment), *assessment.notes)]
    return plain_text("\n".join(lines))


def _outside(assessment: Answer) -> list[str]:
    """Return which plans lie partly outside the data, or how many where they are many."""
    t, table = texts("nl")["scherm"], assessment.rows.drop_duplicates("nr")
    partly = table[table["buiten_ha"] >= SHOWN_HA]
    if len(partly) > MAX_TOLD:
        return [t["deels_buiten"].format(n=len(partly))]
    names = distinct(dict(zip(table.nr, table.gebied, strict=True)), LONG_NAME, said)
    return [
        t["buiten"].format(gebied=names[r.nr], buiten=decimal(r.buiten_ha), totaal=decimal(r.oppervlakte_ha))
        for r in partly.itertuples()
    ]


HEADINGS = ("gebied", "functie", "antwoord", "score", "dekking", "bepalend", "afwenteling", "oorzaak", "kompas")


def _answer_row(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    step = steps()[row["antwoord"]]
    symbols = [str(v) for name, v in row.items() if name.startswith("kompas_")]
    return (
        name,
        short(row["functie"], NAME),
        f"{step.letter} {step.kort}",
        number(row["score"]),
        share(row["dekking"]),
        criterion_label(row["bepalend"]) if row["bepalend"] else "-",
        _risk(row["risico"]),
        _cause(row["oorzaak"]),
        " ".join(f"{s:<2}" for s in symbols).rstrip(),
    )


def _risk(value: float) -> str:
    found = risk_class(value)
    return f"{risk_text(value)} {found.naam}" if found else number(value)


def _cause(component: str) -> str:
    return next((c.naam for c in registry.burden_rules().components if c.id == component), "-")


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


def number(value: float) -> str:
    """Return a number with two decimals and a comma.

    Examples
    --------
    >>> number(0.5), number(float("nan"))
    ('0,50', 'onbekend')
    """
    return "onbekend" if math.isnan(value) else f"{value:.2f}".replace(".", ",")


def share(value: float) -> str:
    """Return a share as a percentage; almost all is not 100 %.

    Examples
    --------
    >>> share(1.0), share(0.9999), share(0.5)
    ('100 %', '99 %', '50 %')
    """
    if math.isnan(value):
        return number(value)
    rounded = math.floor(100 * value + 0.5)
    return f"{min(rounded, 99) if value < 1 - 1e-6 else rounded} %"


def plain_text(text: str) -> str:
    """Return text without the characters that older consoles lack, and without marks around names from the right."""
    return text.translate(str.maketrans("\u2212\u00a0\u2026\u00b2\u00b3", "- .23", "\u2068\u2069"))


def answer_data(assessment: Answer) -> dict[str, Any]:
    """Return the answer as plain data for JSON; a number that is unknown is None."""
    table = assessment.table.drop(columns=assessment.table.active_geometry_name)
    return {
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


# --- runs ------------------------------------------------------------------------------------------------------------

STATES = {
    "klaar": "klaar: alles wat gevraagd is, staat er",
    "bezig": "bezig",
    "mislukt": "niet alles is gelukt; hetzelfde commando probeert het opnieuw",
    "afgebroken": "afgebroken; hetzelfde commando gaat verder",
    "onvolledig": "afgelopen, maar uitvoer is weg of veranderd; hetzelfde commando maakt haar opnieuw",
}


def run_text(state: RunState) -> str:
    """Return how a run stands."""
    file = short(state.bestand, LONG_NAME) or "lagen worden gecontroleerd"
    lines = [f"Run: {file}", f"Toestand: {STATES[state.toestand]}"]
    lines += [f"{label}: {_moment(at)}" for label, at in (("Begonnen", state.sinds), ("Afgelopen", state.tot)) if at]
    lines += _pace_lines(state)
    if state.varianten:
        lines += ["", columns([RUN_HEADINGS, *(_variant_row(v) for v in state.varianten)])]
    lines += [f"{one_line(name)}: {'klaar' if done else 'nog niet'}" for name, done in (state.tabellen or {}).items()]
    lines += ["", "Mislukt:"] if state.problemen else []
    lines += [f"  {short(label, 60)}: {short(reason, 300)}" for label, reason in state.problemen]
    return plain_text("\n".join(lines))


def _pace_lines(state: RunState) -> list[str]:
    """Return how fast a run that is busy computes, or that it is past that."""
    if state.toestand == "bezig" and state.varianten and not any(v.te_doen for v in state.varianten):
        return ["Rekenen is klaar; nu wie ontvangt, kaarten, tabellen en overzichten"]
    if state.cellen_per_s is None or state.nog_s is None:
        return []
    return [f"Tempo: {cells_per_second(state.cellen_per_s)}, nog {duration(state.nog_s)} rekenen"]


RUN_HEADINGS = ("functie", "delen klaar", "mislukt", "te doen", "kaarten")


def _variant_row(v: VariantState) -> tuple[str, ...]:
    whole = v.klaar + v.mislukt + v.te_doen
    return v.naam, f"{v.klaar} van {whole}", str(v.mislukt), str(v.te_doen), f"{v.kaarten} van {v.kaarten_totaal}"


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


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
        ["Parameters", *(_with_source(f"  {n} = {_value(p.waarde)}{_span(p)}", p) for n, p in _parameters(functie))],
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
    points = "; ".join(f"{_value(x)} -> {_value(y)}" for x, y in criterion.curve)
    absent = "" if criterion.score_afwezig is None else f"; afwezig -> {_value(criterion.score_afwezig)}"
    first = f"  {layer_label(name)}{unit}, gewicht {_value(criterion.gewicht)}"
    return [_with_source(first, criterion), f"      waarde -> score: {points}{absent}"]


def _with_source(text: str, sourced: Sourced) -> str:
    """Return a line with its source; the mark expertoordeel is part of that."""
    remarks = [sourced.provenance, sourced.bron_detail, sourced.toelichting]
    return f"{text}\n      bron: " + _flat("; ".join(r for r in remarks if r))


def _span(parameter: Any) -> str:
    low_high = parameter.bereik
    return "" if low_high is None else f" (bereik {_value(low_high[0])} tot {_value(low_high[1])})"


def _norm(functie: Functie) -> list[str]:
    norm = functie.inundatienorm
    if norm is None or norm.herhalingstijd_jr is None:
        return []
    return [_with_source(f"  eens in de {_value(norm.herhalingstijd_jr)} jaar", norm)]


def _value(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _sources(functie: Functie) -> list[str]:
    """Spell out every document that a number of this functie comes from."""
    norm = [functie.inundatienorm] if functie.inundatienorm else []
    numbers: list[Sourced] = [*functie.all_criteria.values(), *functie.drempels, *functie.parameters.values(), *norm]
    keys = dict.fromkeys(key for n in numbers for key in n.bron)
    known = registry.sources()
    return [f"  {k}: {known[k].titel}. {known[k].vindplaats}" if k in known else f"  {_flat(k)}" for k in keys]
