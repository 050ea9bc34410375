"""Archetype sites of Drenthe: what experts expect, the answers of the live rules, and those of edition 1."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment
from plekken import CASE, SITES, site_layers, site_plans
from stukken import chip, lower, table

import waterbodem as wb
from waterbodem.definitions import registry
from waterbodem.definitions.labels import plain_number
from waterbodem.definitions.models import Functie
from waterbodem.definitions.units import unit_text

HERE = Path(__file__).parent
#: Answer and risk by site and functie, as edition 1 gave them.
EDITION_1 = json.loads((HERE / "editie_1.json").read_text("utf-8"))["plekken"]
#: Classes from good to bad.
ORDER = [step.letter for step in registry.answer_scale().values() if step.score_min is not None]
#: Words in names of sites that are names themselves.
TOWNS = ("assen", "bargerveen", "dwingelderveld", "emmen", "havelterberg", "hondsrug", "leekstermeer")


class Found(NamedTuple):
    """Class and risk of a functie on a site; the risk is None where it is not known."""

    antwoord: str
    risico: float | None


# --- answers ---------------------------------------------------------------------------------------------------------


@cache
def answers() -> dict[tuple[str, str], Found]:
    """Answers of the live rules by site and functie; the present use is layer gebruik, no board is named."""
    table = wb.per_gebied(site_layers(), list(wb.functies()), site_plans())
    return {(r.gebied, r.functie): Found(r.antwoord, _known(r.risico)) for r in table.itertuples()}


def _known(risk: float) -> float | None:
    return None if np.isnan(risk) else float(risk)


def earlier() -> dict[tuple[str, str], Found]:
    """Answers of edition 1 by site and functie."""
    return {(site, f): Found(*found) for site, some in EDITION_1.items() for f, found in some.items()}


# --- what experts refuse ---------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """What experts hold a functie on a site to: the best or the worst class that it may get."""

    site: str
    functie: str
    bound: str
    letter: str

    def held(self, letter: str) -> bool:
        """Tell whether a class keeps to it."""
        place, limit = ORDER.index(letter), ORDER.index(self.letter)
        return place >= limit if self.bound == "hoogstens" else place <= limit


def verdicts() -> list[Verdict]:
    """All that experts refuse."""
    bounds = ("hoogstens", "minstens")
    return [Verdict(name, f, b, letter) for name, s in SITES.items() for b in bounds for f, letter in s[b].items()]


class Held(NamedTuple):
    """How many refusals there are, of those that an edition can answer at all, and how many of them hold."""

    all: int
    hold: int


def held(bound: str, found: dict[tuple[str, str], Found]) -> Held:
    """Count the refusals of one kind that an edition keeps to."""
    asked = [v for v in verdicts() if v.bound == bound and (v.site, v.functie) in found]
    return Held(len(asked), sum(v.held(found[v.site, v.functie].antwoord) for v in asked))


# --- between the editions --------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """An answer that is another class since edition 1."""

    site: str
    functie: str
    before: str
    after: str

    @property
    def stricter(self) -> bool:
        """Whether it became worse."""
        return ORDER.index(self.after) > ORDER.index(self.before)


def turns() -> list[Turn]:
    """Answers that changed class, of the functies that edition 1 has too."""
    now = answers()
    return [Turn(*key, was.antwoord, now[key].antwoord) for key, was in earlier().items() if now[key][0] != was[0]]


def to_no() -> int:
    """How many answers became the worst class."""
    return sum(t.after == ORDER[-1] for t in turns())


def turns_by_functie() -> dict[str, tuple[int, int]]:
    """Stricter and milder answers by functie, most changes first."""
    counted = Counter((t.functie, t.stricter) for t in turns())
    names = sorted({f for f, _ in counted}, key=lambda f: (-counted[f, True] - counted[f, False], f))
    return {f: (counted[f, True], counted[f, False]) for f in names}


def site_name(name: str) -> str:
    """Name of a site as a reader sees it: 01_plateau_keileem0.8 is 1 Plateau keileem 0,8."""
    number, rest = name.split("_", 1)
    words = re.sub(r"([a-z])(\d)", r"\1 \2", rest).replace(".", ",").split("_")
    words = [word.capitalize() if word in TOWNS else word for word in words]
    return f"{int(number)} {words[0][0].upper()}{' '.join(words)[1:]}"


# --- pages -----------------------------------------------------------------------------------------------------------


def letter_chip(letter: str) -> str:
    """A class in its colour."""
    return chip(letter, next(s.kleur for s in registry.answer_scale().values() if s.letter == letter))


def archetypes_page(env: Environment) -> str:
    """Every site with its layers, what is expected, and the answers of the live rules."""
    text = env.from_string((HERE / "archetypen.md").read_text("utf-8"))
    return text.render(overzicht=overview(), plekken_los="\n\n".join(map(site_part, SITES)))


def overview() -> str:
    """Answers of all functies on all sites."""
    ids = list(wb.functies())
    head = ["plek", *(str(wb.functies()[f].code) for f in ids)]
    rows = [(site_link(name), *(letter_chip(answers()[name, f].antwoord) for f in ids)) for name in SITES]
    return table(head, rows)


def site_link(name: str) -> str:
    """Link to a site on the page of sites."""
    return f"[{site_name(name)}](archetypen.md#plek-{int(name.split('_')[0])})"


def site_part(name: str) -> str:
    """Heading, expectation, layers and answers of a site."""
    number, site = int(name.split("_")[0]), SITES[name]
    layers = "; ".join(layer_value(n, float(v)) for n, v in zip(CASE["lagen"], site["waarden"], strict=True))
    rows = [answer_row(name, functie) for functie in wb.functies().values()]
    return "\n\n".join(
        [
            f"## {site_name(name)} {{ #plek-{number} }}",
            f"Verwacht: *{site['verwachting']}*.",
            f"{layers}.",
            table(["functie", "antwoord", "risico", "deskundigen"], rows),
        ]
    )


def layer_value(name: str, value: float) -> str:
    """Name and value of a layer with its unit, or what its code means."""
    kind = registry.layer_kinds()[name]
    if kind.soort == "klasse":
        return f"{lower(kind.naam)}: {lower(registry.layer_codes(kind)[int(value)])}"
    if np.isinf(value):
        return f"{lower(kind.naam)}: afwezig"
    return f"{lower(kind.naam)} {plain_number(value)} {unit_text(kind.unit)}"


def answer_row(name: str, functie: Functie) -> tuple[str, str, str, str]:
    """Answer, risk and what experts hold it to."""
    found = answers()[name, functie.id]
    present = int(SITES[name]["waarden"][CASE["lagen"].index("gebruik")]) == functie.code
    risk = "n.v.t. (huidig gebruik)" if present else risk_text(found.risico)
    judged = [v for v in verdicts() if (v.site, v.functie) == (name, functie.id)]
    said = [f"{v.bound} {v.letter}: {'gehouden' if v.held(found.antwoord) else '**niet gehouden**'}" for v in judged]
    return f"[{functie.naam}](functies/{functie.id}.md)", letter_chip(found.antwoord), risk, "; ".join(said)


def risk_text(risk: float | None) -> str:
    """A risk in two decimals."""
    return "onbekend" if risk is None else f"{risk:.2f}".replace(".", ",")


def turned_table() -> str:
    """How many answers of every functie changed class."""
    names = wb.functies()
    rows = [(names[f].naam, up + down, up, down) for f, (up, down) in turns_by_functie().items()]
    total = [sum(row[i] for row in rows) for i in (1, 2, 3)]
    return table(["functie", "veranderd", "strenger", "ruimer"], [*rows, ("**samen**", *total)])


def turned_by_site() -> str:
    """What changed on every site."""
    found = [(name, [t for t in turns() if t.site == name]) for name in SITES]
    return table(
        ["plek", "veranderd"], [(site_link(n), "; ".join(map(turn_text, some)) or "niets") for n, some in found]
    )


def turn_text(turn: Turn) -> str:
    """A changed answer in words."""
    return f"{lower(wb.functies()[turn.functie].naam)} {turn.before} → {turn.after}"


def held_table() -> str:
    """How many refusals each edition keeps to."""
    rows = []
    for bound, meaning in (("hoogstens", "mag niet beter zijn dan"), ("minstens", "mag niet slechter zijn dan")):
        counts = (held(bound, earlier()), held(bound, answers()))
        rows.append((f"{bound}: {meaning}", *(f"{c.hold} van {c.all}" for c in counts)))
    return table(["deskundigen", "editie 1", "editie 2"], rows)


def edition_tables() -> dict[str, Any]:
    """What pages may print of the sites and of what changed since edition 1."""
    return {
        "plekken": SITES,
        "vroeger": earlier,
        "kanteling": turns,
        "werd_nee": to_no,
        "kanteling_per_functie": turned_table,
        "kanteling_per_plek": turned_by_site,
        "gehouden": held_table,
    }
