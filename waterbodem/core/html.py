"""A plain table for a notebook: every word escaped, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_CELL = "padding:3px 12px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid #d5dbe1"


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as HTML; the first cell of a row is its heading.

    Examples
    --------
    >>> "&lt;b&gt;" in html_table("Lagen", ["laag"], [["<b>"]])
    True
    """
    head = "".join(f"<th scope='col' style='{_CELL}'>{escape(h)}</th>" for h in headings)
    body = "".join(f"<tr>{_heading(row[0])}{''.join(_cell(c) for c in row[1:])}</tr>" for row in rows)
    title = f"<caption style='text-align:left;font-weight:600;padding:4px 0'>{escape(caption)}</caption>"
    return f"<table style='border-collapse:collapse'>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _heading(text: object) -> str:
    return f"<th scope='row' style='{_CELL}'><bdi>{escape(str(text))}</bdi></th>"


def _cell(text: object) -> str:
    return f"<td style='{_CELL}'><bdi>{escape(str(text))}</bdi></td>"
