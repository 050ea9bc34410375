"""Functies against polygons: a matrix of answers, and ranked advice in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Unpack

import pandas as pd
import xarray as xr

from waterbodem.answers.alternatives import with_conditions
from waterbodem.answers.command import command_of
from waterbodem.answers.particulars import is_present_use
from waterbodem.answers.question import Plans
from waterbodem.assessment.assessment import Assessment, AssessSettings, assess
from waterbodem.assessment.reported import Reported
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    decimal,
    functies_of,
    is_fictitious,
    name_of,
    risk_class,
    risk_text,
    texts,
)
from waterbodem.definitions.models import Functie
from waterbodem.views.caveats import Caveats, condition_text, conditional_answer, omission_text, risk_in_words
from waterbodem.views.names import distinct_names
from waterbodem.views.notebook import chip
from waterbodem.views.pages import policy, render
from waterbodem.views.report.options import Options, tables_of, told_of

NAME, TEXT_NAME = 40, 18
HEAD, BODY = "text-align:left;padding-right:14px", "padding:2px 14px 2px 0;white-space:nowrap"


@dataclass(frozen=True)
class Comparison(Reported):
    """Answers of several functies on several polygons.

    Attributes
    ----------
    antwoorden, scores, risico : pandas.DataFrame
        A row per functie (id), a column per polygon: letters A .. X, scores 0..1, risk 0..1.
    advies : tuple of str
        A sentence per polygon, then one per functie, in order: by answer, then burden (expertoordeel).
    assessment : Assessment
        The whole answer behind it.
    """

    antwoorden: pd.DataFrame
    scores: pd.DataFrame
    risico: pd.DataFrame
    advies: tuple[str, ...]
    assessment: Assessment = field(repr=False)

    def html(self, taal: str = "nl", *, kleuren: str = "landelijk") -> str:
        """Return the page as text: what :meth:`report` writes."""
        return render("vergelijking.html.j2", taal, **_context(self.assessment, taal, kleuren))

    def __repr__(self) -> str:
        title = f"<Comparison> {texts('nl')['alternatieven']['tabel']}"
        return "\n".join([title, *Caveats(self.assessment).heading, _plain(self), *self.advies])

    def _repr_html_(self) -> str:
        names = functies_of(self.assessment)
        t, first = texts("nl"), texts("nl")["tabel"]["functie"]
        heads = (first, *_columns(self, NAME))
        head = "".join(f"<th scope='col' style='{HEAD}'><bdi>{escape(n)}</bdi></th>" for n in heads)
        cells = {(r["functie"], r["nr"]): r for r in _rows(self.assessment).to_dict("records")}
        rows = "".join(_row(self, id_, name_of(f), cells) for id_, f in names.items())
        told = "".join(f"<li>{escape(zin)}</li>" for zin in self.advies)
        mark = f"<strong>{escape(t['verzonnen'])}</strong>" if is_fictitious(_layers(self)) else ""
        caption = f"<caption style='text-align:left'>{escape(t['alternatieven']['tabel'])} {mark}</caption>"
        table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        heading = escape(" ".join(Caveats(self.assessment).heading))
        return f"<table style='border-collapse:collapse'>{table}</table><p>{heading}</p><ul>{told}</ul>"


def _columns(found: Comparison, length: int) -> list[str]:
    return list(distinct_names({a.nr: a.name for a in found.assessment.question.areas}, length).values())


def _layers(found: Comparison) -> xr.Dataset:
    return found.assessment.question.layers


def _plain(found: Comparison) -> str:
    rows = _rows(found.assessment)
    told = rows.assign(gezegd=[_words(row) for row in rows.to_dict("records")])
    shown = told.pivot(index="functie", columns="nr", values="gezegd").loc[list(found.antwoorden.index)]
    return shown.set_axis(_columns(found, TEXT_NAME), axis=1).rename_axis(None).to_string()


def _words(row: Mapping[Any, Any]) -> str:
    """Return answer, score and burden of one functie on one polygon, for a console."""
    risk = getattr(risk_class(row["risico"]), "naam", decimal(math.nan))
    burden = texts("nl")["naast"]["huidig"] if is_present_use(row) else risk
    return "; ".join([f"{row['antwoord']} {decimal(row['score'])} {burden}", *_notes(row)])


def _rows(assessment: Assessment) -> pd.DataFrame:
    """Return the rows of the table with what each answer rests on."""
    rows = pd.DataFrame(assessment.rows.drop(columns="geometry"))
    return with_conditions(rows, assessment.question, assessment.question.functies)


def _row(found: Comparison, id_: str, name: str, cells: Mapping[tuple[str, int], Mapping[Any, Any]]) -> str:
    told = (_cell(cells[id_, a.nr]) for a in found.assessment.question.areas)
    body = "".join(f"<td style='{BODY}'>{cell}</td>" for cell in told)
    return f"<tr><th scope='row' style='{HEAD}'><bdi>{escape(name)}</bdi></th>{body}</tr>"


def _cell(row: Mapping[Any, Any]) -> str:
    """Return answer, score and burden of one functie on one polygon."""
    letter, beside = row["antwoord"], _notes(row)
    shown = f"{chip(letter, answer_steps()[letter].kleur, conditional_answer(row, 'nl'))} {decimal(row['score'])}"
    return f"{shown} <small>{'; '.join([_risk(row), *map(escape, beside)])}</small>"


def _notes(row: Mapping[Any, Any]) -> list[str]:
    """Return what a risk leaves out and what a yes rests on, in a word or two each."""
    return [t for t in (omission_text(row, "nl", brief=True), condition_text(row, "nl")) if t]


def _risk(row: Mapping[Any, Any]) -> str:
    value = row["risico"]
    step = risk_class(value)
    if step is None or is_present_use(row):
        return escape(risk_in_words(row, value, "nl"))
    return f"{chip(step.naam, step.kleur)} {risk_text(value)}"


def _context(assessment: Assessment, taal: str, kleuren: str) -> dict[str, Any]:
    functies = functies_of(assessment)
    table, beside = _rows(assessment), Caveats(assessment, taal)
    advice = tuple(told_of(table, functies, list(functies), taal))
    return {
        "policy": policy(),
        "kleuren": kleuren,
        "made_up": is_fictitious(assessment.question.layers),
        "heading": beside.heading,
        "assumed": beside.assumed,
        "options": Options(advice, tables_of(table, functies, {}), True),
        "command": command_of(assessment.question),
    }


@either_spelling
def compare(
    layers: xr.Dataset,
    functies: str | Functie | Sequence[str | Functie],
    gebieden: Plans,
    **settings: Unpack[AssessSettings],
) -> Comparison:
    """Compare functies on polygons.

    Parameters
    ----------
    layers : xr.Dataset
    functies : list of str or Functie, or "all"
    gebieden
        As ``gebied`` of :func:`waterbodem.assess`.
    **settings
        The keyword arguments of :func:`waterbodem.assess`.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> import waterbodem as wb
    >>> c = wb.compare(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())
    >>> c.antwoorden.loc["woningbouw", "Plan Es"]
    'A'
    >>> c.advies[0][:45]
    'Plan Es – stelt hier de minste eisen: woningb'
    """
    chosen, _ = registry.chosen_functies(functies)
    found = assess(layers, chosen, gebieden, **settings)
    asked = functies_of(found)
    grids = {c: _matrix(found, c) for c in ("antwoord", "score", "risico")}
    told = tuple(told_of(_rows(found), asked, list(asked), "nl"))
    return Comparison(grids["antwoord"], grids["score"], grids["risico"], told, found)


def _matrix(assessment: Assessment, column: str) -> pd.DataFrame:
    """Return a row per functie and a column per polygon, both in the order asked; names may occur twice."""
    areas, ids = assessment.question.areas, list(functies_of(assessment))
    wide = pd.DataFrame(assessment.rows).pivot(index="functie", columns="nr", values=column)
    return wide.loc[ids, [a.nr for a in areas]].set_axis([a.name for a in areas], axis=1).rename_axis(None)
