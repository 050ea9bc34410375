"""The report of an answer: one HTML file that needs no network and can lie on the table."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from waterbodem.answers.command import command_of, own_values
from waterbodem.core.crs import same_crs
from waterbodem.core.progress import track
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    is_fictitious,
    plain_number,
    short_name,
    texts,
)
from waterbodem.definitions.models import BurdenRules, Functie
from waterbodem.formats.setting_forms import setting_facts
from waterbodem.views.editions import edition_text, remake_text
from waterbodem.views.figures.labels import are_numbered
from waterbodem.views.figures.maps import plot_assessment
from waterbodem.views.figures.panels import criterion_colour
from waterbodem.views.figures.sheet import figure_png
from waterbodem.views.figures.svg import Drawing, drawing
from waterbodem.views.pages import policy, render
from waterbodem.views.report.inputs import handled, inputs_told
from waterbodem.views.report.lines import ReportLine, ReportView
from waterbodem.views.report.measures import measures_of
from waterbodem.views.report.options import options_of
from waterbodem.views.report.receivers import ReceptionView

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Up to this many polygons everything is told; above, tables without reasons.
DETAIL_AREAS = 40
#: Up to this many lines losses, Kompas and burden are shown; above, the main table alone.
COMPACT_LINES = 4_000
MAX_LINES = 15_000
NOTE_LENGTH, MAX_NOTES = 400, 500
MAP_DPI = 110
#: Polygons on one small map.
MAX_DRAWN = 4_000


def report_html(assessment: Answer, *, taal: str = "nl", kleuren: str = "landelijk") -> str:
    """Return the report as one self-contained HTML text.

    Parameters
    ----------
    assessment : Answer
        From :func:`waterbodem.assess`.
    taal : {"nl", "en"}
        Language of the texts; what the user named, and why something is not determined, stays as it is.
    kleuren : {"landelijk", "kleurenblind"}
        Colours of the answer scale: the national ones, or ones that stay apart for the colour-blind.

    Returns
    -------
    str
        No script, no network; at most some 20 MB for any number of polygons.

    Raises
    ------
    ArgumentError
        If language or palette is not known.

    Examples
    --------
    >>> import waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> report_html(b).count("<h1>")
    1
    """
    return render("rapport.html.j2", taal, **_context(assessment, taal, kleuren))


def _context(assessment: Answer, taal: str, kleuren: str) -> dict[str, Any]:
    """Return what this answer puts into the template."""
    texts(taal)
    q, view = assessment.question, ReportView(assessment, taal, MAX_LINES)
    criteria, detail = _criteria(assessment), len(q.areas) <= DETAIL_AREAS
    drawings = _drawings(view, kleuren)
    return {
        "view": view,
        "policy": policy(),
        "kleuren": kleuren,
        "detail": detail,
        "numbered": are_numbered(len(q.areas)),
        "bare": view.total > COMPACT_LINES,
        "made_up": is_fictitious(q.layers),
        "edition": edition_text(assessment, taal),
        "burden": assessment.making.burden_rules,
        "components": assessment.making.burden_rules.components,
        "storms": view.beside.volumes([line.row for line in view.lines]),
        "told_storms": view.beside.storms([line.row for line in view.lines]) if detail else [],
        "handled": handled(assessment, taal),
        "sentence": view.sentence,
        "drawings": drawings,
        "drawn": {line.place for _, lines, _ in drawings for line in lines},
        "options": options_of(assessment, taal) if detail else None,
        "measures": measures_of(assessment, taal) if detail else None,
        "maps": [(f, _map(assessment, f, taal, kleuren)) for f in track(q.functies, "kaarten tekenen")],
        "criteria": {c: criterion_colour(c) for c in criteria},
        "criterion_ids": {c: i for i, c in enumerate(criteria)},
        "principles": list(q.settings.rules.beginselen.values()),
        "outside": [short_name(n, 80) for n in assessment.outside[:MAX_NOTES]],
        "notes": _notes(assessment, taal),
        "inputs": inputs_told(assessment, taal),
        "reception": ReceptionView(assessment, taal),
        "sources": _sources(q.functies, assessment.making.burden_rules),
        "facts": _facts(assessment, taal),
        "remake": remake_text(assessment, taal),
        "command": command_of(q, files=own_values(q) if assessment.making.is_earlier else None),
    }


def _drawings(view: ReportView, kleuren: str) -> list[tuple[Functie, list[ReportLine], Drawing]]:
    """Return a small map per functie, with the lines of its polygons."""
    found, areas = [], view.assessment.question.areas
    for f in view.functies.values():
        lines = [line for line in view.lines if line.functie.id == f.id][:MAX_DRAWN]
        shown, names = [areas[line.row["nr"] - 1] for line in lines], [line.gebied for line in lines]
        found.append((f, lines, drawing(view.assessment, f, shown, names, kleuren, view.taal)))
    return found


def _criteria(assessment: Answer) -> list[str]:
    """Return the names of criteria that have a loss in the table, in the order of its columns."""
    columns = [str(c) for c in assessment.today.columns if str(c).startswith("verlies_")]
    return [c.removeprefix("verlies_") for c in columns if (assessment.today[c] > 0).any()]


def _map(assessment: Answer, functie: Functie, taal: str, kleuren: str) -> str:
    png = figure_png(plot_assessment(assessment, functie, taal=taal, kleuren=kleuren), MAP_DPI)
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _notes(assessment: Answer, taal: str) -> list[str]:
    notes = [short_name(n, NOTE_LENGTH) for n in assessment.notes[:MAX_NOTES]]
    left = len(assessment.notes) - len(notes)
    return [*notes, texts(taal)["meer"].format(n=left)] if left else notes


def _sources(functies: tuple[Functie, ...], burden: BurdenRules) -> dict[str, Any]:
    """Return the documents that are named anywhere in this report, by key."""
    things: list[Any] = [*burden.components, *burden.sources.values()]
    for f in functies:
        things += [*f.all_criteria.values(), *f.drempels, *f.parameters.values()]
    named = {key for thing in things for key in thing.bron}
    return {key: source for key, source in registry.sources().items() if key in named}


def _facts(assessment: Answer, taal: str) -> list[tuple[str, str]]:
    """Return versions and settings that remake this answer."""
    q, t, made = assessment.question, texts(taal)["rapport"], assessment.making
    return [
        (texts(taal)["editie"]["editie"], str(made.edition)),
        (t["versie"], short_name(made.rules, 80)),
        (t["bibliotheek"], short_name(made.library, 80)),
        *setting_facts(q.settings, taal),
        (t["cel"], f"{plain_number(q.grid.dx, taal)} × {plain_number(q.grid.dy, taal)} m"),
        (t["crs"], _crs_name(q.grid.crs, taal)),
    ]


def _crs_name(crs: str | None, taal: str) -> str:
    if crs is None:
        return str(texts(taal)["onbekend"])
    import pyproj

    return "RD (EPSG:28992)" if same_crs(crs, "EPSG:28992") else str(pyproj.CRS.from_user_input(crs).name)
