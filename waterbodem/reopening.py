"""An answer back from its file, as it was."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from waterbodem import dataset, registry
from waterbodem.archive import DAMAGE, Unpacker, restored
from waterbodem.areas import Area
from waterbodem.assessment import Assessment
from waterbodem.covering import footprints
from waterbodem.crs import parse
from waterbodem.enquiry import Enquiry
from waterbodem.errors import CorruptLayer
from waterbodem.grid import Grid
from waterbodem.kept_receivers import read_enquiry
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.kompas_table import KompasTable
from waterbodem.land import land_of
from waterbodem.layerset import layer_set
from waterbodem.paths import given_file
from waterbodem.question import Question
from waterbodem.setting_forms import unpacked
from waterbodem.settings import Settings


def open_assessment(path: str | Path) -> Assessment:
    """Return an answer that :meth:`Assessment.save` wrote, as it was: grids, table, Kompas, receivers and question.

    The file may come from anyone: nothing in it is run, and nothing is written.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Assessment
        Under other rules than it was made with, a note says so.

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
            return _assessment(Unpacker(archive, str(path)))
    except (*DAMAGE, KeyError, TypeError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        what = f"file is no answer of waterbodem, or damaged ({type(error).__name__})"
        raise CorruptLayer(what, value=str(error)[:200], where=str(path)) from None


def _assessment(found: Unpacker) -> Assessment:
    text = found.text
    cells = found.dataset(text["cells"])
    question = _question(found, text["question"], text["ontvangst"], cells)
    _check_crs(question.grid.crs, dataset.crs_of(question.layers), dataset.crs_of(cells))
    _check_codes(found, cells, question)
    table = _frame(text["table"])
    geometry = [question.areas[nr - 1].geometry for nr in table["nr"]]
    return Assessment(
        cells=cells,
        rows=gpd.GeoDataFrame(table, geometry=geometry, crs=question.grid.crs),
        kompas=KompasTable(_frame(text["kompas"])),
        outside=tuple(str(n) for n in text["outside"]),
        notes=(*(str(n) for n in text["notes"]), *_other_rules(text)),
        question=question,
    )


def _check_crs(*texts: str | None) -> None:
    """Refuse what is no CRS by itself, before any library looks for it elsewhere."""
    for text in texts:
        if text is not None:
            parse(text, "crs")


def _other_rules(text: Mapping[str, Any]) -> list[str]:
    """Tell that an answer was made by other rules than those that explain it now."""
    made, now = str(text["definities"]), registry.rules_version()
    if made == now:
        return []
    return [
        f"gemaakt met waterbodem {text['waterbodem']}, regels {made}; geopend met regels {now}: "
        "wat nu nog wordt uitgerekend (waarom, alternatieven) volgt de nieuwe regels"
    ]


def _check_codes(found: Unpacker, cells: xr.Dataset, q: Question) -> None:
    """Refuse grids that do not lie on the question, or hold codes that mean nothing."""
    limits = {"klasse": registry.answer_scale(), "oorzaak": range(len(registry.burden_rules().components) + 1)}
    for name, codes in limits.items():
        values = cells[name].values
        if values.shape[-2:] != q.grid.shape or not np.isin(values, [*codes, NO_CRITERION]).all():
            raise found.broken("grid does not fit the question", name)


def _frame(told: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: _column(c) for name, c in told.items()})


def _column(told: Mapping[str, Any]) -> pd.Series:
    kinds = {"f": "float64", "i": "int64", "b": "bool"}
    return pd.Series(restored(told["waarden"]), dtype=kinds.get(told["soort"]))


def _question(
    found: Unpacker, told: Mapping[str, Any], receivers: Mapping[str, Any] | None, cells: xr.Dataset
) -> Question:
    layers = found.dataset(told["layers"])
    held = layer_set(layers)
    left, top, dx, dy, rows, cols, crs = told["grid"]
    grid = Grid(left, top, dx, dy, rows, cols, crs)
    if held.shape != grid.shape:
        raise found.broken("layers do not lie on the grid", held.shape)
    areas = tuple(Area(nr, name, shapely.from_wkb(wkb), repaired) for nr, name, wkb, repaired in told["areas"])
    functies = tuple(registry.functie_of(f, f"functies: {f.get('id')}") for f in told["functies"])
    settings = _settings(found, told, receivers)
    plain = Enquiry(land_of(layers), areas, settings=settings, kept=True)
    return Question(
        layers=layers,
        cells=held,
        grid=grid,
        areas=areas,
        prints=footprints(areas, grid),
        functies=functies,
        settings=settings,
        enquiry=plain if receivers is None else read_enquiry(found, receivers, areas, functies, settings, grid, cells),
    )


def _settings(found: Unpacker, told: Mapping[str, Any], receivers: Mapping[str, Any] | None) -> Settings:
    return unpacked(told.get("instellingen") or earlier(told, receivers or {}), found)


def earlier(told: Mapping[str, Any], receivers: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an answer that was saved when each had a place of its own, by id."""
    built, norm = told["maatregelen"]
    found = {n: told[n] for n in ("referentie", "methode", "orness", "kompas")}
    found |= {"aangelegde_berging_mm": built, "bergingseis_mm": norm, "onttrekking": receivers.get("put")}
    found |= {n: receivers.get(n) for n in ("demping_m", "reikwijdte")}
    return {n: value for n, value in found.items() if value is not None}
