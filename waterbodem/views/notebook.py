"""An answer in a notebook or a console: one screen, nothing from outside."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING, Any

from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    chip_style,
    criterion_label,
    decimal,
    functies_of,
    is_fictitious,
    name_of,
    percent,
    risk_class,
    risk_text,
    short_name,
    symbol_colour,
    texts,
)
from waterbodem.definitions.models import RGB
from waterbodem.views.caveats import Caveats, named
from waterbodem.views.editions import edition_text
from waterbodem.views.names import distinct_names

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

MAX_ROWS = 20
#: Letters of a line under the table of a console at most.
WIDTH = 150
NAME, TEXT_NAME = 48, 22
_CELL = "padding:3px 10px 3px 0;text-align:left;vertical-align:middle;border-bottom:1px solid #d5dbe1"
_CHIP = (
    "display:inline-block;min-width:1.3em;padding:0 .4em;border-radius:4px;border:1px solid rgba(0,0,0,.28);"
    "text-align:center;font-weight:600;line-height:1.5"
)


def assessment_html(assessment: Answer, taal: str = "nl") -> str:
    """Return an answer as an HTML table that fits one screen.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}

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
    beside = Caveats(assessment, taal)
    shown = _rows(assessment, NAME)
    rows = "".join(_html_row(assessment, row, beside, taal) for row in shown)
    storms = "".join(f"<p style='color:#55606c;margin:4px 0'>{escape(zin)}</p>" for zin in beside.storms(shown))
    head = "".join(f"<th scope='col' style='{_CELL}'>{escape(h)}</th>" for h in _headings(taal))
    return (
        "<table style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
        f"<caption style='text-align:left;padding:4px 0'>{_caption(assessment, beside, taal)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"{storms}{_legend(assessment, taal)}{_rest(assessment, taal)}"
    )


def _rows(assessment: Answer, length: int) -> list[dict[Any, Any]]:
    table = assessment.rows.drop(columns="geometry").head(MAX_ROWS)
    names = distinct_names(dict(zip(table.nr, table.gebied, strict=True)), length)
    return [{**row, "gebied": names[row["nr"]]} for row in table.to_dict("records")]


def _headings(taal: str) -> list[str]:
    t = texts(taal)["tabel"]
    keys = ("gebied", "functie", "antwoord", "score", "drukt", "dekking", "risico", "kompas")
    return [t[k].replace("\u00ad", "") for k in keys]


def _caption(assessment: Answer, beside: Caveats, taal: str) -> str:
    t, mark = texts(taal), is_fictitious(assessment.question.layers)
    made_up = f" <strong>{escape(t['verzonnen'])}</strong>" if mark else ""
    edition = edition_text(assessment, taal)
    then = f"<br><strong>{escape(edition)}</strong>" if edition else ""
    return f"{escape(t['tabel']['caption'])}{made_up}{then}<br>{'<br>'.join(map(escape, beside.opening))}"


def _html_row(assessment: Answer, row: dict[Any, Any], beside: Caveats, taal: str) -> str:
    cells = [
        f"<bdi>{escape(_functie(assessment, row, taal))}</bdi>",
        _answer_html(row, beside),
        escape(decimal(row["score"], 2, taal)),
        escape(_limits(row, taal)),
        escape(percent(row["dekking"], taal)),
        _risk_html(row, beside, taal),
        _kompas_html(assessment, row, taal),
    ]
    first = f"<th scope='row' style='{_CELL}'><bdi>{escape(row['gebied'])}</bdi></th>"
    return f"<tr>{first}{''.join(f'<td style={chr(39)}{_CELL}{chr(39)}>{c}</td>' for c in cells)}</tr>"


def _functie(assessment: Answer, row: dict[Any, Any], taal: str) -> str:
    return short_name(name_of(functies_of(assessment)[row["functie"]], taal), NAME)


def chip(text: str, colour: RGB, title: str = "") -> str:
    """Return a coloured label; text and title are escaped."""
    hint = f" title='{escape(title)}'" if title else ""
    return f"<span style='{_CHIP};{chip_style(colour)}'{hint}>{escape(text)}</span>"


def _answer_html(row: dict[Any, Any], beside: Caveats) -> str:
    """Return an answer, with what must stand beside it under it."""
    step, marks = answer_steps()[row["antwoord"]], beside.marks(row)
    label = "" if beside.ranges.head(row) else f"{chip(step.letter, step.kleur, beside.answer(row))} "
    said = f"{label}{escape(beside.head(row, brief=True))}"
    between = beside.ranges.short(row)
    said += f" <small>{escape(between)}</small>" if between else ""
    under = f"<small style='display:block;max-width:26em'>{escape(' '.join(marks))}</small>" if marks else ""
    return f"<span style='white-space:nowrap'>{said}</span>{under}"


def _limits(row: dict[Any, Any], taal: str) -> str:
    return criterion_label(row["bepalend"], taal) if row["bepalend"] else "\u2013"


def _cause(row: dict[Any, Any], taal: str) -> str:
    names = {c.id: name_of(c, taal) for c in registry.burden_rules().components}
    return names.get(row["oorzaak"], "")


def _risk_html(row: dict[Any, Any], beside: Caveats, taal: str) -> str:
    step = risk_class(row["risico"])
    if step is None or beside.of(row).is_present_use:
        return escape(beside.risk(row))
    cause = f" {escape(_cause(row, taal))}" if row["oorzaak"] else ""
    return f"{chip(name_of(step, taal), step.kleur)} {risk_text(row['risico'], taal)}{cause}"


def _kompas_html(assessment: Answer, row: dict[Any, Any], taal: str) -> str:
    words = texts(taal)["rapport"]["symbool_woord"]
    principles = assessment.question.settings.rules.beginselen.values()
    symbols = " ".join(
        chip(_sign(row[p.kolom]), symbol_colour(row[p.kolom]), f"{name_of(p, taal)}: {words[row[p.kolom]]}")
        for p in principles
    )
    return f"<span style='white-space:nowrap'>{symbols}</span>"


def _sign(symbol: str) -> str:
    return symbol.replace("-", "\u2212")


def _legend(assessment: Answer, taal: str) -> str:
    """Return the order of the principles, in words."""
    names = ", ".join(name_of(p, taal) for p in assessment.question.settings.rules.beginselen.values())
    return f"<p style='color:#55606c;margin:4px 0'>{escape(texts(taal)['tabel']['kompas'])}: {escape(names)}</p>"


def _rest(assessment: Answer, taal: str) -> str:
    left = len(assessment.rows) - MAX_ROWS
    return f"<p>{escape(texts(taal)['meer'].format(n=left))}</p>" if left > 0 else ""


# --- console ---------------------------------------------------------------------------------------------------------


def assessment_text(assessment: Answer, taal: str = "nl") -> str:
    """Return an answer as a compact table of plain text, at most 20 rows.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}

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
    beside, shown = Caveats(assessment, taal), _rows(assessment, TEXT_NAME)
    body = [_headings(taal), *(_text_row(assessment, row, beside, taal) for row in shown)]
    widths = [max(len(r[i]) for r in body) for i in range(len(body[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in body]
    left = len(assessment.rows) - MAX_ROWS
    more = [texts(taal)["meer"].format(n=left)] if left > 0 else []
    mark = f" \u2013 {texts(taal)['verzonnen']}" if is_fictitious(assessment.question.layers) else ""
    edition = edition_text(assessment, taal)
    told = named(shown, beside, {row["nr"]: row["gebied"] for row in shown}, taal)
    under = [part for line in (*beside.opening, *told) for part in textwrap.wrap(line, WIDTH)]
    return "\n".join([f"<Assessment>{mark}", *([edition] if edition else []), *lines, *more, *under])


def _text_row(assessment: Answer, row: dict[Any, Any], beside: Caveats, taal: str) -> list[str]:
    risk = risk_class(row["risico"])
    if risk is None or beside.of(row).is_present_use:
        word = beside.risk(row)
    else:
        word = f"{name_of(risk, taal)} {risk_text(row['risico'], taal)} {_cause(row, taal)}".rstrip()
    symbols = " ".join(f"{row[p.kolom]:>2}" for p in assessment.question.settings.rules.beginselen.values())
    return [
        row["gebied"],
        short_name(_functie(assessment, row, taal), TEXT_NAME),
        beside.cell(row),
        decimal(row["score"], 2, taal),
        _limits(row, taal),
        percent(row["dekking"], taal).replace("\u00a0", " "),
        word,
        symbols,
    ]
