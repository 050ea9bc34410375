"""What of an answer is kept in a file: grids, table, Kompas, who receives it, and the whole question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from waterbodem.answers.archived_answer import without_blanks
from waterbodem.answers.archived_question import way_of
from waterbodem.core.destination import destination
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap
from waterbodem.engine.kompas import UNSEEN
from waterbodem.engine.reference import present_use
from waterbodem.formats.archive import Packer, plain_data, write
from waterbodem.formats.setting_forms import packed
from waterbodem.layers.polygons import Area
from waterbodem.receivers.ledger import Ledger
from waterbodem.receivers.network import NetworkPart
from waterbodem.receivers.reach import Ground

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer
    from waterbodem.answers.question import Question


def save_answer(assessment: Answer, path: str | Path) -> Path:
    """Write an answer and its question as one file, whole or not at all; return its path.

    Parameters
    ----------
    assessment : Answer
    path : str or Path
        By custom ends in ``.waterbodem``.
    """
    file, packer = destination(path), Packer()
    cells, made = assessment.cells, assessment.making
    table = pd.DataFrame(assessment.table.drop(columns="geometry"))
    grids, table = without_blanks(map(str, cells.data_vars), table, made.edition)
    text = {
        "editie": made.edition,
        "waterbodem": made.library,
        "definities": made.rules,
        "cells": packer.dataset(cells, grids),
        "table": table_data(table),
        "kompas": table_data(assessment.kompas),
        "outside": list(assessment.outside),
        "notes": list(assessment.notes),
        "question": question_data(assessment.question, packer),
        "ontvangst": receiver_data(assessment, packer),
    }
    return write(file, text, packer.arrays)


def table_data(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as plain data, a list per column."""
    return {str(c): {"soort": table[c].dtype.kind, "waarden": plain_data(table[c].tolist())} for c in table.columns}


def question_data(q: Question, packer: Packer) -> dict[str, Any]:
    """Return a question as plain data; its layers go to the packer."""
    known = [str(n) for n in q.layers.data_vars if LayerName.of(n).layer in registry.layer_kinds()]
    g = q.grid
    return {
        "layers": packer.dataset(q.layers, known),
        "grid": plain_data([g.left, g.top, g.dx, g.dy, g.rows, g.cols, g.crs]),
        "areas": [_area(a) for a in q.areas],
        "functies": [functie_data(f) for f in q.functies],
        "instellingen": packed(q.settings, packer),
        "eigen_gebruik": [functie_data(f) for f in own_use(q)],
        "waterschappen": [[b.id for b in some] for some in q.boards],
        "stroken": [[*key, *strip] for key, strip in sorted(q.strips.items()) if strip is not UNSEEN],
        "scenarios": list(q.asked),
    }


def own_use(q: Question) -> tuple[Functie, ...]:
    """Return functies of the user's own that lie on the cells today."""
    given, use = q.settings.reference, present_use(q.settings.reference, q.cells.present)
    if not isinstance(given, UseMap) or isinstance(use, Functie):
        return ()
    return tuple(f for f in given.own if (use == f.code).any())


def receiver_data(assessment: Answer, packer: Packer) -> dict[str, Any] | None:
    """Return who receives what is shifted as plain data; None where that was too much to look into, or not kept.

    Kept is the way of the water, not the land around it: what it takes grows with the cells that are reached.
    """
    if assessment.making.is_earlier or (assessment.no_receivers and "ledgers" not in vars(assessment)):
        return None
    e, ledgers = assessment.question.receiver_question, assessment.ledgers
    grid, swept = e.land.grid, assessment.exposure
    near = {id(r.target) for ledger in ledgers.values() for r in ledger.division.receivers}
    return {
        "grid": plain_data([grid.left, grid.top, grid.dx, grid.dy, grid.rows, grid.cols]),
        "lagen": list(e.land.names),
        "gegeven": len(e.given),
        "ontvangers": [[*_area(t.area), t.soort, t.plan_nr] for t in e.targets if id(t) in near],
        "open_water_ha": packer.array(np.array([e.open_water_ha(t) for t in e.targets if id(t) in near], np.float64)),
        "plannen": [p.area.nr for p in e.plots[0]],
        "grond": _ground(e.ground, list(ledgers.values()), packer),
        "verteld": {id_: plain_data({"herkomst": x.herkomst, "notes": x.notes}) for id_, x in ledgers.items()},
        "weg": _way(way_of(list(ledgers.values())), packer),
        "blootstelling": [packer.array(a) for a in swept] if np.isfinite(swept[1]).any() else None,
    }


def _ground(ground: Ground, ledgers: Sequence[Ledger], packer: Packer) -> list[Any] | None:
    """Return the cells that an effect on the groundwater can reach, and the code of each; None where none can."""
    blocks = [e.effect.grid for ledger in ledgers for e in ledger.entries if e.effect.verlaging.size]
    if not blocks:
        return None
    edges, grid = np.array([b.bounds for b in blocks]), ledgers[0].division.grid
    block = grid.crop((*edges[:, :2].min(axis=0).tolist(), *edges[:, 2:].max(axis=0).tolist()))
    return [*grid.offset(block), packer.array(ground.codes(block))]


def _way(way: NetworkPart | None, packer: Packer) -> dict[str, Any] | None:
    if way is None:
        return None
    found = {"cellen": way.cells, "verder": way.network.downstream, "stap": way.network.step}
    return {
        **{name: packer.array(values) for name, values in found.items()},
        "lengten": plain_data(way.network.lengths),
    }


def _area(a: Area) -> list[Any]:
    return [a.nr, a.name, shapely.to_wkb(a.geometry, hex=True, byte_order=1), a.repaired]


def functie_data(f: Functie) -> dict[str, Any]:
    """Return a functie as plain data."""
    return dict(f.model_dump(mode="json", exclude_none=True))
