"""An answer in a notebook or a console: one screen, nothing from outside."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_text,
    chip_style,
    criterion_label,
    decimal,
    functies_of,
    is_fictitious,
    name_of,
    percent,
    risk_class,
    risk_text,
    short,
    steps,
    symbol_colour,
    texts,
)
from waterbodem.definitions.models import RGB
from waterbodem.views.editions import edition_text
from waterbodem.views.names import distinct

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

MAX_ROWS = 20
NAME, TEXT_NAME = 48, 22
_CELL = "padding:3px 10px 3px 0;text-align:left;vertical-align:middle;border-bottom:1px solid #d5dbe1"
_CHIP = (
    "display:inline-block;min-width:1.3em;padding:0 .4em;border-radius:4px;border:1px solid rgba(0,0,0,.28);"
    "text-align:center;font-weight:600;line-height:1.5"
)


def assessment_html(assessment: Answer) -> str:
    """Return an answer as an HTML table that fits one screen.

    Parameters
    ----------
    assessment : Answer

    Returns
    -------
    str
        A row per polygon and functie, at most 20; every name escaped; no external resources, no script.

    Examples
    --------
    >>> import waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> assessment_html(b).count("<tr>")
    5
    """
    rows = "".join(_html_row(assessment, row) for row in _rows(assessment, NAME))
    head = "".join(f"<th scope='col' style='{_CELL}'>{escape(h)}</th>" for h in _headings())
    return (
        "<table style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
        f"<caption style='text-align:left;padding:4px 0'>{_caption(assessment)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{_legend(assessment)}{_rest(assessment)}"
    )


def _rows(assessment: Answer, length: int) -> list[dict[Any, Any]]:
    table = assessment.rows.drop(columns="geometry").head(MAX_ROWS)
    names = distinct(dict(zip(table.nr, table.gebied, strict=True)), length)
    return [{**row, "gebied": names[row["nr"]]} for row in table.to_dict("records")]


def _headings() -> list[str]:
    t = texts("nl")["tabel"]
    keys = ("gebied", "functie", "antwoord", "score", "drukt", "dekking", "risico", "kompas")
    return [t[k].replace("\u00ad", "") for k in keys]


def _caption(assessment: Answer) -> str:
    t, mark = texts("nl"), is_fictitious(assessment.question.layers)
    made_up = f" <strong>{escape(t['verzonnen'])}</strong>" if mark else ""
    edition = edition_text(assessment)
    then = f"<br><strong>{escape(edition)}</strong>" if edition else ""
    return escape(t["tabel"]["caption"]) + made_up + then


def _html_row(assessment: Answer, row: dict[Any, Any]) -> str:
    cells = [
        f"<bdi>{escape(_functie(assessment, row))}</bdi>",
        _answer_html(row),
        escape(decimal(row["score"])),
        escape(_limits(row)),
        escape(percent(row["dekking"])),
        _risk_html(row),
        _kompas_html(assessment, row),
    ]
    first = f"<th scope='row' style='{_CELL}'><bdi>{escape(row['gebied'])}</bdi></th>"
    return f"<tr>{first}{''.join(f'<td style={chr(39)}{_CELL}{chr(39)}>{c}</td>' for c in cells)}</tr>"


def _functie(assessment: Answer, row: dict[Any, Any]) -> str:
    return short(functies_of(assessment)[row["functie"]].naam, NAME)


def chip(text: str, colour: RGB, title: str = "") -> str:
    """Return a coloured label; text and title are escaped."""
    hint = f" title='{escape(title)}'" if title else ""
    return f"<span style='{_CHIP};{chip_style(colour)}'{hint}>{escape(text)}</span>"


def _answer_html(row: dict[Any, Any]) -> str:
    step = steps()[row["antwoord"]]
    said = f"{chip(step.letter, step.kleur, answer_text(step.letter))} {escape(step.kort)}"
    return f"<span style='white-space:nowrap'>{said}</span>"


def _limits(row: dict[Any, Any]) -> str:
    return criterion_label(row["bepalend"]) if row["bepalend"] else "\u2013"


def _cause(row: dict[Any, Any]) -> str:
    names = {c.id: name_of(c) for c in registry.burden_rules().components}
    return names.get(row["oorzaak"], "")


def _risk_html(row: dict[Any, Any]) -> str:
    step = risk_class(row["risico"])
    if step is None:
        return escape(decimal(row["risico"]))
    cause = f" {escape(_cause(row))}" if row["oorzaak"] else ""
    return f"{chip(step.naam, step.kleur)} {risk_text(row['risico'])}{cause}"


def _kompas_html(assessment: Answer, row: dict[Any, Any]) -> str:
    words = texts("nl")["rapport"]["symbool_woord"]
    principles = assessment.question.settings.rules.beginselen.values()
    symbols = " ".join(
        chip(_sign(row[p.kolom]), symbol_colour(row[p.kolom]), f"{p.naam}: {words[row[p.kolom]]}") for p in principles
    )
    return f"<span style='white-space:nowrap'>{symbols}</span>"


def _sign(symbol: str) -> str:
    return symbol.replace("-", "\u2212")


def _legend(assessment: Answer) -> str:
    """Return the order of the principles, in words."""
    names = ", ".join(p.naam for p in assessment.question.settings.rules.beginselen.values())
    return f"<p style='color:#55606c;margin:4px 0'>{escape(texts('nl')['tabel']['kompas'])}: {escape(names)}</p>"


def _rest(assessment: Answer) -> str:
    left = len(assessment.rows) - MAX_ROWS
    return f"<p>{escape(texts('nl')['meer'].format(n=left))}</p>" if left > 0 else ""


# --- console ---------------------------------------------------------------------------------------------------------


def assessment_text(assessment: Answer) -> str:
    """Return an answer as a compact table of plain text, at most 20 rows.

    Parameters
    ----------
    assessment : Answer

    Returns
    -------
    str

    Examples
    --------
    >>> import waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> assessment_text(b).splitlines()[2].split()[:4]
    ['Plan', 'Es', 'Woningbouw', 'A']
    """
    body = [_headings(), *(_text_row(assessment, row) for row in _rows(assessment, TEXT_NAME))]
    widths = [max(len(r[i]) for r in body) for i in range(len(body[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in body]
    left = len(assessment.rows) - MAX_ROWS
    more = [texts("nl")["meer"].format(n=left)] if left > 0 else []
    mark = f" \u2013 {texts('nl')['verzonnen']}" if is_fictitious(assessment.question.layers) else ""
    edition = edition_text(assessment)
    return "\n".join([f"<Assessment>{mark}", *([edition] if edition else []), *lines, *more])


def _text_row(assessment: Answer, row: dict[Any, Any]) -> list[str]:
    step, risk = steps()[row["antwoord"]], risk_class(row["risico"])
    word = f"{risk.naam} {risk_text(row['risico'])} {_cause(row)}".rstrip() if risk else decimal(row["risico"])
    symbols = " ".join(f"{row[p.kolom]:>2}" for p in assessment.question.settings.rules.beginselen.values())
    return [
        row["gebied"],
        short(_functie(assessment, row), TEXT_NAME),
        f"{step.letter} {step.kort}",
        decimal(row["score"]),
        _limits(row),
        percent(row["dekking"]).replace("\u00a0", " "),
        word,
        symbols,
    ]
