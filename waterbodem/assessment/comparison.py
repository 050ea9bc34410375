"""Functies against polygons: a matrix of answers, and ranked advice in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from waterbodem.answers.command import command_of
from waterbodem.answers.question import Plans
from waterbodem.assessment.assessment import Assessment, assess
from waterbodem.core.destination import destination
from waterbodem.core.files import replacing
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_text,
    decimal,
    functies_of,
    is_fictitious,
    name_of,
    risk_class,
    risk_text,
    steps,
    texts,
)
from waterbodem.definitions.models import Functie
from waterbodem.views.names import distinct
from waterbodem.views.notebook import chip
from waterbodem.views.pages import policy, render
from waterbodem.views.report.options import Options, tables_of, told_of

NAME, TEXT_NAME = 40, 18
HEAD, BODY = "text-align:left;padding-right:14px", "padding:2px 14px 2px 0;white-space:nowrap"


@dataclass(frozen=True)
class Comparison:
    """Answers of several functies on several polygons.

    Attributes
    ----------
    antwoorden, scores, risico : pandas.DataFrame
        A row per functie (id), a column per polygon: letters A .. X, scores 0..1, risk 0..1.
    advies : tuple of str
        A sentence per polygon, then one per functie, best first: by answer, then score, then risk (expertoordeel).
    assessment : Assessment
        The whole answer behind it.
    """

    antwoorden: pd.DataFrame
    scores: pd.DataFrame
    risico: pd.DataFrame
    advies: tuple[str, ...]
    assessment: Assessment = field(repr=False)

    def report(self, path: str | Path, taal: str = "nl", *, kleuren: str = "landelijk") -> Path:
        """Write advice and matrix as one HTML page, whole or not at all; return its path."""
        file = destination(path)
        html = render("vergelijking.html.j2", taal, **_context(self.assessment, taal, kleuren))
        with replacing(file) as temp:
            temp.write_text(html, encoding="utf-8", newline="\n")
        return file

    def __repr__(self) -> str:
        return "\n".join([f"<Comparison> {texts('nl')['alternatieven']['tabel']}", _plain(self), *self.advies])

    def _repr_html_(self) -> str:
        names = functies_of(self.assessment)
        t, first = texts("nl"), texts("nl")["tabel"]["functie"]
        heads = (first, *_columns(self, NAME))
        head = "".join(f"<th scope='col' style='{HEAD}'><bdi>{escape(n)}</bdi></th>" for n in heads)
        rows = "".join(_row(self, id_, name_of(f)) for id_, f in names.items())
        told = "".join(f"<li>{escape(zin)}</li>" for zin in self.advies)
        mark = f"<strong>{escape(t['verzonnen'])}</strong>" if is_fictitious(_layers(self)) else ""
        caption = f"<caption style='text-align:left'>{escape(t['alternatieven']['tabel'])} {mark}</caption>"
        table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        return f"<table style='border-collapse:collapse'>{table}</table><ul>{told}</ul>"


def _columns(found: Comparison, length: int) -> list[str]:
    return list(distinct({a.nr: a.name for a in found.assessment.question.areas}, length).values())


def _layers(found: Comparison) -> xr.Dataset:
    return found.assessment.question.layers


def _plain(found: Comparison) -> str:
    risks = found.risico.map(lambda v: getattr(risk_class(v), "naam", decimal(math.nan)))
    shown = found.antwoorden + " " + found.scores.map(lambda v: decimal(v)) + " " + risks
    return shown.set_axis(_columns(found, TEXT_NAME), axis=1).to_string()


def _row(found: Comparison, id_: str, name: str) -> str:
    columns = (m.loc[id_] for m in (found.antwoorden, found.scores, found.risico))
    cells = "".join(
        f"<td style='{BODY}'>{chip(a, steps()[a].kleur, answer_text(a))} {decimal(s)} <small>{_risk(r)}</small></td>"
        for a, s, r in zip(*columns, strict=True)
    )
    return f"<tr><th scope='row' style='{HEAD}'><bdi>{escape(name)}</bdi></th>{cells}</tr>"


def _risk(value: float) -> str:
    step = risk_class(value)
    return f"{chip(step.naam, step.kleur)} {risk_text(value)}" if step else escape(risk_text(value))


def _context(assessment: Assessment, taal: str, kleuren: str) -> dict[str, Any]:
    table = assessment.rows
    functies = functies_of(assessment)
    advice = tuple(told_of(table, functies, list(functies), taal))
    return {
        "policy": policy(),
        "kleuren": kleuren,
        "made_up": is_fictitious(assessment.question.layers),
        "options": Options(advice, tables_of(table, functies, {}), True),
        "command": command_of(assessment.question),
    }


def compare(
    layers: xr.Dataset,
    functies: str | Functie | Sequence[str | Functie],
    gebieden: Plans,
    **settings: Any,
) -> Comparison:
    """Compare functies on polygons.

    Parameters
    ----------
    layers : xr.Dataset
    functies : list of str or Functie, or ``"all"``
        ``"all"`` = every built-in functie.
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
    >>> c.advies[0][:30]
    'Plan Es: het best past woningb'
    """
    wanted = list(registry.builtin_functies().values()) if functies == "all" else functies
    chosen, _ = registry.choose(wanted)
    found = assess(layers, chosen, gebieden, **settings)
    asked = functies_of(found)
    grids = {c: _matrix(found, c) for c in ("antwoord", "score", "risico")}
    told = tuple(told_of(found.table, asked, list(asked), "nl"))
    return Comparison(grids["antwoord"], grids["score"], grids["risico"], told, found)


def _matrix(assessment: Assessment, column: str) -> pd.DataFrame:
    """Return a row per functie and a column per polygon, both in the order asked; names may occur twice."""
    areas, ids = assessment.question.areas, list(functies_of(assessment))
    wide = pd.DataFrame(assessment.rows).pivot(index="functie", columns="nr", values=column)
    return wide.loc[ids, [a.nr for a in areas]].set_axis([a.name for a in areas], axis=1).rename_axis(None)
