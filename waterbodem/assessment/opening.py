"""An answer back from its file, as it was."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from waterbodem.answers.answer_edition import AnswerEdition
from waterbodem.answers.archived_answer import check_cells, check_tables, with_blanks
from waterbodem.answers.archived_receivers import area_of, read_receiver_question
from waterbodem.answers.question import Question
from waterbodem.assessment.assessment import Assessment
from waterbodem.core import dataset
from waterbodem.core.crs import projected
from waterbodem.core.dataset import SPACING_TOLERANCE
from waterbodem.core.errors import CorruptLayer
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import given_file
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Board, board_of
from waterbodem.definitions.editions import EDITION
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap
from waterbodem.definitions.settings import Settings
from waterbodem.engine.coverage import footprints
from waterbodem.engine.kompas import Strip
from waterbodem.engine.layer_set import LayerSet, layer_set
from waterbodem.engine.scoring import ordered_power
from waterbodem.formats.archive import DAMAGE, Unpacker
from waterbodem.formats.archive_form import AnswerForm, Column, Variable
from waterbodem.formats.setting_forms import unpacked
from waterbodem.receivers.land import land_of
from waterbodem.receivers.ledger_columns import columns
from waterbodem.receivers.question import ReceiverQuestion
from waterbodem.views.kompas_table import KompasTable


def open_assessment(path: str | Path) -> Assessment:
    """Return an answer that :meth:`Assessment.save` wrote, as it was: grids, table, Kompas, receivers and question.

    The file may come from anyone: nothing in it is run, and nothing is written.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Assessment
        Under other rules than it was made with, a note says so. One of an earlier edition of the rules keeps its own
        numbers in its own units; what that edition did not have is empty.

    Raises
    ------
    CorruptLayer
        If it is no such file, or broken.
    UnsafePath
        If the path is not a file on this machine.

    Examples
    --------
    >>> import tempfile, waterbodem as wb
    >>> b = wb.assess(wb.example(size=60, resolution=40), "woningbouw", wb.example_plans())
    >>> path = b.save(tempfile.mkdtemp() + "/antwoord.waterbodem")
    >>> wb.open_assessment(path).table.equals(b.table)
    True
    """
    file = given_file(path, "path")
    try:
        with zipfile.ZipFile(file) as archive:
            return _assessment(Unpacker(archive, str(path)), str(path))
    except (*DAMAGE, KeyError, TypeError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        what = f"file is no answer of waterbodem, or damaged ({type(error).__name__})"
        raise CorruptLayer(what, value=str(error)[:200], where=str(path)) from None


def _assessment(found: Unpacker, where: str) -> Assessment:
    text = found.text
    left, top, dx, dy, rows, cols, crs = text.question.grid
    _check_crs(crs, *(v.attrs.get(n) for v in _coordinates(text) for n in ("crs_wkt", "spatial_ref")))
    sizes = {"y": rows, "x": cols}
    cells = found.dataset(text.cells, {"functie": len(text.question.functies), **sizes})
    question = _question(found, text, Grid(left, top, dx, dy, rows, cols, crs), cells)
    _check_crs(dataset.crs_of(question.layers), dataset.crs_of(cells))
    table, kompas = _frame(text.table), _frame(text.kompas)
    check_cells(cells, question, text.editie, where)
    check_tables(table, kompas, question, text.editie, where)
    cells, table = with_blanks(cells, table, text.editie)
    geometry = [question.areas[nr - 1].geometry for nr in table["nr"]]
    rows, then = gpd.GeoDataFrame(table, geometry=geometry, crs=crs), table["scenario"] != ""
    futures = rows[then].drop(columns=list(columns()), errors="ignore").reset_index(drop=True)
    return Assessment(
        cells=cells,
        rows=rows[~then].reset_index(drop=True),
        futures=futures if len(futures) else None,
        kompas=KompasTable(kompas),
        outside=text.outside,
        notes=tuple(dict.fromkeys((*text.notes, *_other_rules(text)))),
        question=question,
        making=AnswerEdition(text.editie, text.definities, text.waterbodem),
    )


def _coordinates(text: AnswerForm) -> list[Variable]:
    return [v for told in (text.cells, text.question.layers) for v in told.coords.values()]


def _check_crs(*texts: Any) -> None:
    """Refuse what is no CRS by itself, before any library looks for it elsewhere."""
    for text in texts:
        if text is not None:
            projected(str(text), "crs")


def _other_rules(text: AnswerForm) -> list[str]:
    """Tell that an answer was made by other rules of this edition than those that explain it now."""
    now = registry.rules_version()
    if text.definities == now or text.editie != EDITION:
        return []
    return [
        f"gemaakt met waterbodem {text.waterbodem}, regels {text.definities}; geopend met regels {now}: "
        "wat nu nog wordt uitgerekend (waarom, alternatieven) volgt de nieuwe regels"
    ]


def _frame(told: Mapping[str, Column]) -> pd.DataFrame:
    kinds = {"f": "float64", "i": "int64", "b": "bool"}
    return pd.DataFrame({n: pd.Series(c.waarden, dtype=kinds.get(c.soort)) for n, c in told.items()})


def _question(found: Unpacker, text: AnswerForm, grid: Grid, cells: xr.Dataset) -> Question:
    told = text.question
    layers = found.dataset(told.layers, {"y": grid.rows, "x": grid.cols})
    held = layer_set(layers)
    if not _lies_on(dataset.grid_of(layers), grid) or not _lies_on(dataset.grid_of(cells), grid):
        raise found.broken("layers do not lie on the grid", held.shape)
    areas = tuple(area_of(found, *told) for told in told.areas)
    if [a.nr for a in areas] != list(range(1, len(areas) + 1)):
        raise found.broken("polygons are not numbered", len(areas))
    functies = tuple(_functie(found, f) for f in told.functies)
    settings = _settings(found, told.instellingen, told.eigen_gebruik, grid)
    plain = ReceiverQuestion(land_of(layers), areas, settings=settings, kept=True)
    kept = text.ontvangst
    return Question(
        layers=layers,
        cells=held,
        grid=grid,
        areas=areas,
        prints=footprints(areas, grid),
        functies=functies,
        settings=settings,
        asked=_asked(found, told.scenarios, held),
        boards=_boards(found, told.waterschappen, len(areas)),
        strips={(id_, place): Strip(*strip) for id_, place, *strip in told.stroken},
        receiver_question=plain
        if kept is None
        else read_receiver_question(found, kept, areas, functies, settings, grid, cells),
    )


def _boards(found: Unpacker, told: Sequence[Sequence[str]], count: int) -> tuple[tuple[Board, ...], ...]:
    """Return per polygon the water boards that a file names; earlier files name none."""
    if len(told) not in (0, count):
        raise found.broken("water boards are not those of the polygons", len(told))
    return tuple(tuple(board_of(id_) for id_ in some) for some in told) or ((),) * count


def _asked(found: Unpacker, told: Sequence[str], held: LayerSet) -> tuple[str, ...]:
    """Return the scenarios that a file says were asked; the layers must have them, each once."""
    known = [s.name for s in held.scenarios]
    if len(set(told)) < len(told) or not set(told) <= set(known):
        raise found.broken("scenarios are not those of the layers", told)
    return tuple(told)


def _lies_on(found: Grid, grid: Grid) -> bool:
    """Tell whether coordinates are those of a grid, but for noise."""
    edges = np.subtract(found.bounds, grid.bounds)
    return found.shape == grid.shape and bool((np.abs(edges) <= SPACING_TOLERANCE * grid.dx).all())


def _settings(found: Unpacker, told: Mapping[str, Any], own: Sequence[Mapping[str, Any]], grid: Grid) -> Settings:
    """Return settings, with what codes of the present use may stand for; ``own`` are functies of the user's own."""
    settings = unpacked(told, found)
    ordered_power(*settings.method)
    use = UseMap() if settings.reference is None else settings.reference
    if not isinstance(use, UseMap):
        return settings
    if use.codes is not None and (use.codes.shape != grid.shape or use.codes.dtype.kind not in "fiu"):
        raise found.broken("reference does not lie on the grid", use.codes.shape)
    known = registry.load_functies().extended(_functie(found, f) for f in own)
    return settings.with_reference(replace(use, functies=known))


def _functie(found: Unpacker, told: Mapping[str, Any]) -> Functie:
    return registry.functie_of(told, f"functies: {str(told.get('id'))[:80]}", found.text.editie)
