"""What of an answer is kept in a file: grids, table, Kompas, and the whole question that they answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from waterbodem import __version__, registry
from waterbodem.archive import Packer, plain, write
from waterbodem.definitions import Functie

if TYPE_CHECKING:
    from waterbodem.answer import Answer
    from waterbodem.question import Question


def keep(assessment: Answer, path: str | Path) -> Path:
    """Write an answer and its question as one file, whole or not at all; return its path.

    Parameters
    ----------
    assessment : Answer
    path : str or Path
        By custom ends in ``.waterbodem``.
    """
    packer = Packer()
    cells = assessment.cells
    text = {
        "waterbodem": __version__,
        "definities": registry.rules_version(),
        "cells": packer.dataset(cells, [str(n) for n in cells.data_vars]),
        "table": frame(pd.DataFrame(assessment.table.drop(columns="geometry"))),
        "kompas": frame(assessment.kompas),
        "outside": list(assessment.outside),
        "notes": list(assessment.notes),
        "question": question(assessment.question, packer),
    }
    return write(path, text, packer.arrays)


def frame(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as plain data, a list per column."""
    return {str(c): {"soort": table[c].dtype.kind, "waarden": plain(table[c].tolist())} for c in table.columns}


def question(q: Question, packer: Packer) -> dict[str, Any]:
    """Return a question as plain data; its layers go to the packer."""
    known = [str(n) for n in q.layers.data_vars if str(n).partition("@")[0] in registry.layer_kinds()]
    g, s = q.grid, q.settings
    reference = s.reference
    return {
        "layers": packer.dataset(q.layers, known),
        "grid": plain([g.left, g.top, g.dx, g.dy, g.rows, g.cols, g.crs]),
        "areas": [[a.nr, a.name, shapely.to_wkb(a.geometry, hex=True, byte_order=1), a.repaired] for a in q.areas],
        "functies": [functie(f) for f in q.functies],
        "referentie": functie(reference) if isinstance(reference, Functie) else packer.array(reference),
        "maatregelen": plain([s.measures.built_mm, s.measures.norm_mm]),
        "methode": s.methode,
        "orness": plain(s.orness),
        "kompas": q.rules.model_dump(mode="json"),
    }


def functie(f: Functie) -> dict[str, Any]:
    """Return a functie as plain data."""
    return dict(f.model_dump(mode="json", exclude_none=True))
