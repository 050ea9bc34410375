"""The alternatives of a report: other functies on the same polygons, and the same functie on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from waterbodem.answers.alternatives import alternative_rows, other_functies
from waterbodem.definitions.labels import functies_of, texts
from waterbodem.definitions.models import Functie
from waterbodem.views.advice import NAME as ADVICE_NAME
from waterbodem.views.advice import advice_for_area, advice_for_functie
from waterbodem.views.caveats import condition_text, omission_text
from waterbodem.views.names import distinct_names

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Polygons beside each other in one table: what fits on paper.
COLUMNS = 5
NAME = 40
Cells = list[dict[Any, Any]]
Tables = tuple[tuple[list[str], list[tuple[Functie, bool, Cells]]], ...]


@dataclass(frozen=True)
class Options:
    """Answers of every functie on every polygon, and what they advise.

    Parameters
    ----------
    advice : tuple of str
        A sentence per polygon, then one per functie that was asked, where there is a choice.
    tables : tuple of (names, rows)
        At most ``COLUMNS`` polygons at a time; a row is a functie, whether it was asked, and a cell per polygon.
    asked_only : bool
        Whether only functies that were asked are compared.
    """

    advice: tuple[str, ...]
    tables: Tables
    asked_only: bool

    def notes(self, taal: str) -> list[str]:
        """Return what the marks in the tables mean, of those that occur."""
        cells = [cell for _, rows in self.tables for *_, some in rows for cell in some]
        told = {"noot_mits": condition_text, "noot_vernatting": omission_text}
        words = texts(taal)["alternatieven"]
        return [str(words[key]) for key, mark in told.items() if any(mark(cell, taal) for cell in cells)]


def options_of(assessment: Answer, taal: str) -> Options:
    """Return the alternatives of an answer."""
    extra = [] if assessment.making.is_earlier else other_functies(assessment.question)
    asked = functies_of(assessment)
    functies = {**asked, **{f.id: f for f in extra}}
    found = alternative_rows(assessment, extra)
    return Options(tuple(told_of(found, functies, list(asked), taal)), tables_of(found, functies, asked), not extra)


def told_of(found: pd.DataFrame, functies: Mapping[str, Functie], asked: Sequence[str], taal: str) -> list[str]:
    """Return a sentence per polygon where there are several functies, and per functie asked on several polygons."""
    found = found.assign(gebied=found["nr"].map(_names(found, ADVICE_NAME)))
    per_area: list[Cells] = [rows.to_dict("records") for _, rows in found.groupby("nr", sort=True)]
    told = [advice_for_area(rows, functies, taal) for rows in per_area if len(rows) > 1]
    if len(per_area) > 1:
        rows = {id_: found[found.functie == id_].to_dict("records") for id_ in asked}
        told += [advice_for_functie(rows[id_], functies[id_], taal) for id_ in asked]
    return told


def tables_of(found: pd.DataFrame, functies: Mapping[str, Functie], asked: Mapping[str, Functie]) -> Tables:
    """Return the matrix of functies and polygons, in pieces that fit on paper."""
    cells = {(r["functie"], r["nr"]): r for r in found.to_dict("records")}
    names = _names(found, NAME)
    turns = [sorted(names)[i : i + COLUMNS] for i in range(0, len(names), COLUMNS)]
    return tuple(
        (
            [names[nr] for nr in turn],
            [(f, id_ in asked, [cells[id_, nr] for nr in turn]) for id_, f in functies.items()],
        )
        for turn in turns
    )


def _names(found: pd.DataFrame, length: int) -> dict[int, str]:
    return distinct_names(dict(zip(found.nr, found.gebied, strict=True)), length)
