"""Who receives it, as files: maps of what arrives where, the ledger, and the flow paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem import dataset
from waterbodem.answer import Answer
from waterbodem.atomic import Stage
from waterbodem.burden_ledger import Ledger, paths_of_all, table_of_all
from waterbodem.colours import classified, legend, map_title, nodata
from waterbodem.grid import Grid
from waterbodem.late import gpd
from waterbodem.qgis_style import raster_qml
from waterbodem.raster_files import percent, stage_raster
from waterbodem.table_files import stage_package, stage_tables

LEDGER, PATHS = "grootboek", "stroompaden"
UNKNOWN = "blootstelling_onbekend"
#: Maps of what arrives, and the grid of a ledger that they show.
ARRIVALS = {"ontvangst": "ontvangst", "grondwater": "verlaging"}
#: Maps of a functie, as far as they can be determined.
RECEIVED = ("benedenstrooms", *ARRIVALS)
Floats = NDArray[np.float32]


def stage_reception(stage: Stage, root: Path, assessment: Answer, float_: bool) -> list[Path]:
    """Write what is determined of who receives it, under temporary names; return the final ones.

    Per functie ``benedenstrooms.tif`` on the cells of the other maps, ``ontvangst.tif`` and ``grondwater.tif`` on the
    cells that are reached; ``grootboek.csv`` and ``.gpkg``, ``stroompaden.gpkg``. Maps that cannot be determined are
    not there; the ledger says why.
    """
    written = [path for files in _maps(stage, root, assessment, float_) for path in files]
    if assessment.is_exposed:
        where = (root, UNKNOWN, assessment.question.grid, map_title(UNKNOWN))
        written += _map(stage, where, percent(assessment.exposure[1], nodata()), None)
        written.append(root / f"{UNKNOWN}.qml")
        stage.file(written[-1]).write_bytes(raster_qml(legend(UNKNOWN)))
    return written + stage_ledgers(stage, root, assessment.ledgers)


def stage_ledgers(stage: Stage, root: Path, ledgers: Mapping[str, Ledger]) -> list[Path]:
    """Write the ledgers of functies and, where water was routed, its paths, under temporary names."""
    written = stage_tables(stage, root, ledger_frame(ledgers), LEDGER, "MultiPolygon")
    if any(e.routed is not None for ledger in ledgers.values() for e in ledger.entries):
        written.append(stage_package(stage, root, paths_of_all(ledgers), PATHS, "MultiLineString"))
    return written


def _maps(stage: Stage, root: Path, assessment: Answer, float_: bool) -> Iterator[list[Path]]:
    for functie, ledger in assessment.ledgers.items():
        folder = root / functie
        if assessment.is_exposed:
            share = assessment.downstream(functie)
            where = (folder, "benedenstrooms", assessment.question.grid, f"{map_title('benedenstrooms')}: {functie}")
            yield _map(stage, where, percent(share, nodata()), share if float_ else None)
        for name, (grid, values) in arrivals(ledger).items():
            where = (folder, name, grid, f"{map_title(name)}: {functie}")
            yield _map(stage, where, classified(values, name), values if float_ else None)


def _map(stage: Stage, where: tuple[Path, str, Grid, str], codes: NDArray[np.uint8], exact: Any) -> list[Path]:
    folder, name, grid, label = where
    files = stage_raster(stage, folder / f"{name}.tif", codes, grid, legend(name), label)
    if exact is not None:
        values = np.ascontiguousarray(exact, np.float32)
        files += stage_raster(stage, folder / f"{name}_f32.tif", values, grid, label=label)
    return files


def arrivals(ledger: Ledger) -> Mapping[str, tuple[Grid, Floats]]:
    """Return the maps that are determined, each on the smallest block of cells that something arrives in."""
    cells = ledger.cells
    grid = dataset.grid_of(cells)
    found = {name: cells[variable].values for name, variable in ARRIVALS.items()}
    return {name: _trimmed(grid, v, name) for name, v in found.items() if not np.isnan(v).all()}


def _trimmed(grid: Grid, values: Floats, name: str) -> tuple[Grid, Floats]:
    """Cut off the cells around that are in the lowest step; something always stays."""
    codes = classified(values, name)
    some = (codes > 0) & (codes != nodata())
    if not some.any():
        some = np.isfinite(values)
    rows, cols = (np.flatnonzero(some.any(axis=axis)) for axis in (1, 0))
    window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
    return grid.part(*window), np.ascontiguousarray(values[window])


def ledger_frame(ledgers: Mapping[str, Ledger]) -> gpd.GeoDataFrame:
    """Return the ledger with the polygons of receivers that get something; other lines have none."""
    table = table_of_all(ledgers)
    of = {id_: ledger.division for id_, ledger in ledgers.items()}
    gets = (table[["m3", "verlaging_grootste_m", "vernatting_grootste_m"]] > 0).any(axis=1)
    rows = zip(table["functie"], table["ontvanger_nr"], gets, strict=True)
    shapes = [of[functie].receivers[nr - 1].area.geometry if nr and some else None for functie, nr, some in rows]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=next(iter(of.values())).grid.crs)
