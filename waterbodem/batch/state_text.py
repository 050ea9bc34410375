"""The state of a run as plain Dutch text."""

from __future__ import annotations

import time

from waterbodem.batch.state import RunState, VariantState
from waterbodem.core.terminal import one_line
from waterbodem.definitions.labels import short_name
from waterbodem.views.console import LONG_NAME, columns, plain_text
from waterbodem.views.pace import cells_per_second, duration

STATES = {
    "klaar": "klaar: alles wat gevraagd is, staat er",
    "bezig": "bezig",
    "mislukt": "niet alles is gelukt; hetzelfde commando probeert het opnieuw",
    "afgebroken": "afgebroken; hetzelfde commando gaat verder",
    "onvolledig": "afgelopen, maar uitvoer is weg of veranderd; hetzelfde commando maakt haar opnieuw",
}


def run_text(state: RunState) -> str:
    """Return how a run stands."""
    file = short_name(state.bestand, LONG_NAME) or "lagen worden gecontroleerd"
    lines = [f"Run: {file}", f"Toestand: {STATES[state.toestand]}"]
    lines += [f"{label}: {_moment(at)}" for label, at in (("Begonnen", state.sinds), ("Afgelopen", state.tot)) if at]
    lines += _pace_lines(state)
    if state.varianten:
        lines += ["", columns([RUN_HEADINGS, *(_variant_row(v) for v in state.varianten)])]
    lines += [f"{one_line(name)}: {'klaar' if done else 'nog niet'}" for name, done in (state.tabellen or {}).items()]
    lines += ["", "Mislukt:"] if state.problemen else []
    lines += [f"  {short_name(label, 60)}: {short_name(reason, 300)}" for label, reason in state.problemen]
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
