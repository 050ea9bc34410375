"""Pieces of a page: cells, tables, chips, words in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from waterbodem.definitions import registry
from waterbodem.definitions.labels import css, ink, plain_number
from waterbodem.definitions.models import Sourced


def cell(value: Any) -> str:
    """Text of one table cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([cell(v) for v in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percentage(share: float) -> str:
    return f"{plain_number(round(100 * share, 6))} %"


def at_least(value: float) -> str:
    return f"{plain_number(value)} of meer"


def chip(letter: str, colour: tuple[int, int, int]) -> str:
    return f'<span class="klasse" style="background:{css(colour)};color:{ink(colour)}">{escape(letter)}</span>'


def source(sourced: Sourced, up: str = "../") -> str:
    """Sources as links to the list, which lies ``up`` from the page, and the mark expertoordeel."""
    known = registry.sources()
    keys = [f"[{k}]({up}bronnen.md#{k.lower()})" if k in known else escape(k) for k in sourced.bron]
    marks = {"geheel": "expertoordeel", "vorm": "vorm: expertoordeel", "": ""}
    mark = marks[sourced.expertoordeel]
    judged = [f'<span class="oordeel">{mark}</span>'] if mark else []
    return " ".join([*keys, *judged]) or "geen bron genoemd"


def lower(name: str) -> str:
    """A name within a sentence; abbreviations stay."""
    return name if name.isupper() else name.lower()


def listed(words: Sequence[str], last: str = "of") -> str:
    """Words in a sentence."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end
