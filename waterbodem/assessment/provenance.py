"""Herkomst: what an answer was made of, so that anyone can make it again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import shapely

from waterbodem.answers.answer import Answer
from waterbodem.answers.command import command_of, own_values
from waterbodem.answers.question import Question, inputs_of
from waterbodem.core import dataset
from waterbodem.core.grid import M2_PER_HA
from waterbodem.core.path_gate import sha256_of
from waterbodem.core.version import versions
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.formats.setting_forms import settings_for_herkomst
from waterbodem.layers.polygons import Area


def herkomst(assessment: Answer, outputs: Mapping[str, Path], command: str, started: float) -> dict[str, Any]:
    """Return the provenance of an assessment as plain data; what differs between runs comes last.

    Parameters
    ----------
    assessment : Answer
    outputs : mapping of name to Path
        Files as they will be called, relative to the folder, and where they are now.
    command : str
        What makes them again; empty = put together from the question.
    started : float
        ``time.monotonic()`` when the work began.
    """
    q, made = assessment.question, assessment.making
    return {
        "versies": versions(),
        "editie": made.edition,
        "definities": made.rules,
        "functies": {f.id: _functie(f) for f in q.functies},
        "kompas": {"sha256": registry.definition_sha256(q.settings.rules)},
        "lagen": [_input(q, row) for row in inputs_of(q.layers)],
        "gebieden": [_area(a) for a in q.areas],
        "instellingen": _settings(q),
        "ontvangst": _reception(assessment),
        "meldingen": list(assessment.notes),
        "opdracht": command or command_of(q, files=own_values(q) if made.is_earlier else None),
        "uitvoer": {name: _output(path) for name, path in outputs.items()},
        "tijd": datetime.now(UTC).isoformat(timespec="seconds"),
        "duur_s": round(time.monotonic() - started, 3),
    }


def _functie(functie: Functie) -> dict[str, Any]:
    return {
        "sha256": registry.definition_sha256(functie),
        "parameters": {n: p.waarde for n, p in functie.parameters.items()},
    }


def _input(q: Question, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a layer; a sha256 over the cells used, also where there is no file."""
    known = {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
    if "file" in known:
        known["file"] = _without_folder(str(known["file"]))
    return {**known, "sha256_cellen": dataset.sha256_of_cells(q.layers[row["laag"]])}


def _without_folder(path: str) -> str:
    """Return a path relative to its catalogue as it is, an absolute one as its name."""
    absolute = PurePath(path).is_absolute() or ".." in PurePath(path).parts
    return PurePath(path).name if absolute else path


def _area(area: Area) -> dict[str, Any]:
    """Return what identifies a polygon: name, size, and a hash of its corners in the CRS of the grid."""
    corners = shapely.to_wkb(area.geometry, byte_order=1)
    return {
        "nr": area.nr,
        "gebied": area.name,
        "oppervlakte_ha": area.geometry.area / M2_PER_HA,
        "hersteld": area.repaired,
        "sha256_vorm": hashlib.sha256(corners).hexdigest(),
    }


def _settings(q: Question) -> dict[str, Any]:
    grid = q.grid
    raster = {"crs": grid.crs, "bounds": list(grid.bounds), "cel_m": [grid.dx, grid.dy], "cellen": grid.shape}
    return {**settings_for_herkomst(q.settings), "raster": raster}


def _reception(assessment: Answer) -> dict[str, Any]:
    """Return how receivers were found, and what could not be determined; the same for every functie but the last."""
    ledgers = assessment.ledgers
    found = next(iter(ledgers.values())).herkomst
    return {
        **settings_for_herkomst(assessment.question.settings, "ontvangers"),
        "stroomrichting": list(found["stroomrichting"]),
        "stroomrichting_sha256": found["stroomrichting_sha256"],
        "ontvangers": [_area(t.area) for t in assessment.question.receiver_question.given],
        "sluit": {id_: ledger.sluit for id_, ledger in ledgers.items()},
        "niet_bepaald": {id_: list(ledger.niet_bepaald) for id_, ledger in ledgers.items()},
        "meldingen": {id_: list(ledger.notes) for id_, ledger in ledgers.items()},
    }


def _output(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}
