"""An answer from a file held against its question: what is shown of it is there, and about what was asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from waterbodem.answers.question import Question
from waterbodem.core.errors import CorruptLayer
from waterbodem.definitions import registry
from waterbodem.definitions.editions import EDITION, earlier_editions
from waterbodem.definitions.labels import texts
from waterbodem.definitions.present_use import ASSUMED, GIVEN, MAPPED
from waterbodem.definitions.uncertainty import layer_groups
from waterbodem.doubt.bandbreedte import COLUMNS as RANGE
from waterbodem.engine import across
from waterbodem.engine import table as summary
from waterbodem.engine.area_table import DEMANDED, TOLD
from waterbodem.engine.burden import INDICES, TOLD_BESIDE, beside_attrs
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.receivers.ledger_columns import NAME, columns

#: Variables of an answer that hold codes, and how; the others hold float32.
CODES = {"klasse": "uint8", "bepalend": "uint8", "oorzaak": "uint8", "vlaggen": "uint16"}
ASKED = ("nr", "gebied", "functie", "scenario")
KOMPAS = ("gebied", "functie", "beginsel", "symbool", "getal", "eenheid", "reden")
VERDICTS = ("gebied", "functie", "beginsel", "eenheid")
#: Columns of the table that hold texts, without those of receivers.
ANSWERS = (*summary.ANSWERS, *RANGE)
TEXTS = ("gebied", "functie", "scenario", *ANSWERS, "bepalend", "oorzaak", *TOLD)


@dataclass(frozen=True)
class EditionContents:
    """What an answer of an edition holds.

    Parameters
    ----------
    cells : tuple of str
        Grids.
    table : tuple of str
        Columns beside those of criteria, Kompas and receivers.
    receivers : tuple of str
        Columns on who receives it.
    """

    cells: tuple[str, ...]
    table: tuple[str, ...]
    receivers: tuple[str, ...]


def edition_contents(edition: int) -> EditionContents:
    """Return what an answer of an edition holds."""
    if edition != EDITION:
        found = earlier_editions()[edition]
        return EditionContents(found.cellen, found.kolommen, found.ontvangst)
    graded = [letter for code, letter in summary.letters().items() if code != summary.UNASSESSED]
    shares = [f"{kind}_{letter}" for kind in ("ha", "aandeel") for letter in graded]
    components = [c.id for c in registry.burden_rules().components]
    return EditionContents(
        ("geschiktheid", "dekking", *CODES, *components, *INDICES, *TOLD_BESIDE),
        tuple(dict.fromkeys((*ASKED, *summary.LEADING, *summary.TRAILING, *shares, *TEXTS, *DEMANDED, "dekking"))),
        columns(),
    )


def with_blanks(cells: xr.Dataset, table: pd.DataFrame, edition: int) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return an answer of an earlier edition with what that did not have yet, empty."""
    then, now = edition_contents(edition), edition_contents(EDITION)
    nothing = np.full(cells["risico"].shape, np.nan, np.float32)
    grids = {n: (cells["risico"].dims, nothing, beside_attrs(n)) for n in now.cells if n not in then.cells}
    names = {**dict.fromkeys(now.table), **(dict.fromkeys(now.receivers) if NAME in table else {})}
    blank = {n: "" if n in (*TEXTS, NAME) else np.nan for n in names if n not in table}
    return cells.assign(grids), table.assign(**blank)


def without_blanks(cells: Iterable[str], table: pd.DataFrame, edition: int) -> tuple[list[str], pd.DataFrame]:
    """Return the names of grids, and the table, without what an earlier edition did not have."""
    then, now = edition_contents(edition), edition_contents(EDITION)
    later = {*now.table, *now.receivers} - {*then.table, *then.receivers}
    return [n for n in cells if n in then.cells], table.drop(columns=[n for n in table if n in later])


def check_cells(cells: xr.Dataset, q: Question, edition: int, where: str) -> None:
    """Refuse grids that are lacking, of another kind, or hold codes that mean nothing.

    Raises
    ------
    CorruptLayer
    """
    many = ("functie",) if "functie" in cells.coords else ()
    _same(cells.coords["functie"].values.tolist() if many else _ids(q)[:1], _ids(q), "functie", where)
    _same(sorted(map(str, cells.data_vars)), sorted(edition_contents(edition).cells), "cells", where)
    for name, values in cells.data_vars.items():
        told = (values.dims, values.dtype.name)
        _same(told, ((*many, "y", "x"), CODES.get(str(name), "float32")), str(name), where)
    _within(cells["klasse"], registry.answer_scale(), where)
    _within(cells["oorzaak"], range(len(registry.burden_rules(edition).components) + 1), where)
    for functie in _ids(q):
        one = cells.sel(functie=functie) if many else cells
        _within(one["bepalend"], range(len(_criteria(cells, functie, where))), where)


def check_tables(table: pd.DataFrame, kompas: pd.DataFrame, q: Question, edition: int, where: str) -> None:
    """Refuse tables that lack a row or a column, or say of a polygon what means nothing.

    Raises
    ------
    CorruptLayer
    """
    ids, principles = _ids(q), q.settings.rules.beginselen.values()
    asked = [(a.nr, a.name, id_, s) for a in q.areas for id_ in ids for s in ("", *q.asked)]
    _check_columns(
        table, [p.kolom for p in principles], edition_contents(edition), across.COLUMNS if q.asked else (), where
    )
    _same(_rows(table, ASKED), asked, "table", where)
    symbols, letters = texts("nl")["rapport"]["symbool_woord"], summary.letters().values()
    for name, known in {
        **dict.fromkeys(summary.ANSWERS, letters),
        **{n: ("", *letters, *layer_groups()) for n in RANGE if n in table},
        **{p.kolom: symbols for p in principles},
        "oorzaak": ["", *(c.id for c in registry.burden_rules(edition).components)],
        "bepalend": ["", *(str(c).removeprefix(summary.SCORED) for c in table if str(c).startswith(summary.SCORED))],
        **({"antwoord_slechtst": ["", *letters], "spijt_functie": ["", *ids]} if q.asked else {}),
        **({"referentie_bron": (GIVEN, MAPPED, ASSUMED)} if "referentie_bron" in table else {}),
    }.items():
        _among(table[name], known, name, where)
    _same(list(kompas.columns), list(KOMPAS), "kompas", where)
    said = [(a.name, id_, p.naam, p.eenheid) for a in q.areas for id_ in ids for p in principles]
    _same(_rows(kompas, VERDICTS), said, "kompas", where)
    _among(kompas["symbool"], symbols, "kompas", where)
    _check_kinds(kompas, [n for n in KOMPAS if n != "getal"], where)


def _check_columns(
    table: pd.DataFrame, principles: list[str], held: EditionContents, more: Collection[str], where: str
) -> None:
    must = {*held.table, *principles, *more}
    names = {str(c) for c in table if not str(c).startswith(summary.SCORED)}
    _same(sorted(names), sorted(must | (set(held.receivers) if NAME in table else set())), "table", where)
    _check_kinds(table, [*TEXTS, *across.WORDS, NAME, *principles], where)


def _check_kinds(table: pd.DataFrame, words: list[str], where: str) -> None:
    others = {"nr": "i", "weinig_steun": "b"}
    for name in map(str, table):
        if table[name].dtype.kind not in ("OTU" if name in words else others.get(name, "f")):
            raise CorruptLayer("column is of another kind", value=name[:80], where=where)


def _rows(table: pd.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[n].tolist() for n in names), strict=True))


def _ids(q: Question) -> list[str]:
    return [f.id for f in q.functies]


def _criteria(cells: xr.Dataset, functie: str, where: str) -> list[str]:
    """Return the names that the codes of ``bepalend`` stand for."""
    stated = cells.attrs.get("criteria")
    try:
        found = json.loads(stated)[functie] if isinstance(stated, str) else stated
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(n, str) for n in found):
        raise CorruptLayer("criteria of a functie are not listed", value=functie[:80], where=where)
    return found


def _same(found: Any, expected: Any, name: str, where: str) -> None:
    if found != expected:
        raise CorruptLayer("what was answered is not what was asked", value=name[:80], where=where)


def _within(found: xr.DataArray, codes: Iterable[int], where: str) -> None:
    if not np.isin(found.values, [*codes, NO_CRITERION]).all():
        raise CorruptLayer("grid holds codes that mean nothing", value=str(found.name), where=where)


def _among(found: pd.Series, known: Iterable[str] | Mapping[str, Any], name: str, where: str) -> None:
    if not found.isin(list(known)).all():
        raise CorruptLayer("table holds what means nothing", value=name[:80], where=where)
