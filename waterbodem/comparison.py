"""Functies against polygons: a matrix of answers, and ranked advice in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from waterbodem import registry
from waterbodem.assessment import Assessment, assess
from waterbodem.atomic import replacing
from waterbodem.definitions import Functie
from waterbodem.pages import policy, render
from waterbodem.question import Plans
from waterbodem.remake import command_of
from waterbodem.report_options import Options, tables_of, told_of
from waterbodem.show import chip
from waterbodem.wording import answer_text, decimal, functies_of, is_fictitious, name_of, short, steps, texts

NAME = 40


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
        html = render("vergelijking.html.j2", taal, **_context(self.assessment, taal, kleuren))
        with replacing(path) as temp:
            temp.write_text(html, encoding="utf-8", newline="\n")
        return Path(path)

    def __repr__(self) -> str:
        return "\n".join([f"<Comparison> {texts('nl')['alternatieven']['tabel']}", _plain(self), *self.advies])

    def _repr_html_(self) -> str:
        names = functies_of(self.assessment)
        head = "".join(f"<th scope='col'><bdi>{escape(short(c, NAME))}</bdi></th>" for c in self.antwoorden.columns)
        rows = "".join(_row(self, id_, name_of(f)) for id_, f in names.items())
        told = "".join(f"<li>{escape(zin)}</li>" for zin in self.advies)
        mark = f"<strong>{escape(texts('nl')['verzonnen'])}</strong>" if is_fictitious(_layers(self)) else ""
        caption = f"<caption style='text-align:left'>{escape(texts('nl')['alternatieven']['tabel'])} {mark}</caption>"
        table = f"{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody>"
        return f"<table style='border-collapse:collapse'>{table}</table><ul>{told}</ul>"


def _layers(found: Comparison) -> xr.Dataset:
    return found.assessment.question.layers


def _plain(found: Comparison) -> str:
    shown = found.antwoorden + " " + found.scores.map(lambda v: decimal(v))
    return shown.rename(columns=lambda c: short(c, 18)).to_string()


def _row(found: Comparison, id_: str, name: str) -> str:
    cells = "".join(
        f"<td style='padding:2px 10px 2px 0'>{chip(a, steps()[a].kleur, answer_text(a))} {decimal(s)}</td>"
        for a, s in zip(found.antwoorden.loc[id_], found.scores.loc[id_], strict=True)
    )
    return f"<tr><th scope='row' style='text-align:left;padding-right:10px'><bdi>{escape(name)}</bdi></th>{cells}</tr>"


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
