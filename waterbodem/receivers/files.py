"""Who receives it, as files: maps of what arrives where, the ledger, and the flow paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.files import Stage
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import gpd
from waterbodem.definitions.legends import classified, legend, map_title, nodata
from waterbodem.formats.cog.metadata import made_with
from waterbodem.formats.cog.writer import stage_raster
from waterbodem.formats.output_names import LEDGER, PATHS
from waterbodem.formats.tables import stage_package, stage_tables
from waterbodem.receivers.ledger import Ledger, paths_of_all, table_of_all

#: Maps of what arrives, and the grid of a ledger that they show.
ARRIVALS = {"ontvangst": "ontvangst", "grondwater": "verlaging"}
#: Cells that quantities are held of at a time.
BLOCK = 2_000_000
Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]


def stage_ledgers(stage: Stage, root: Path, ledgers: Mapping[str, Ledger]) -> list[Path]:
    """Write the ledgers of functies and, where water was routed, its paths, under temporary names."""
    routed = any(ledger.is_routed for ledger in ledgers.values())
    return stage_frames(stage, root, ledger_frame(ledgers), paths_of_all(ledgers) if routed else None)


def stage_frames(stage: Stage, root: Path, lines: gpd.GeoDataFrame, paths: gpd.GeoDataFrame | None) -> list[Path]:
    """Write the lines of ledgers, and flow paths where there are any, under temporary names."""
    written = stage_tables(stage, root, lines, LEDGER, "MultiPolygon")
    if paths is not None:
        written.append(stage_package(stage, root, paths, PATHS, "MultiLineString"))
    return written


def stage_arrivals(stage: Stage, folder: Path, ledger: Ledger, names: Collection[str], float_: bool) -> list[Path]:
    """Write the maps of what arrives from the plans of a ledger that are determined, under temporary names.

    Parameters
    ----------
    folder : Path
        Named after the functie.
    names : collection of str
        Of :data:`ARRIVALS`, those that are wanted.
    float_ : bool
        Also write ``<map>_f32.tif``.
    """
    written: list[Path] = []
    for name, grid, codes in arrivals(ledger, names):
        exact = _exact(ledger, name, grid) if float_ else None
        written += stage_shown(stage, (folder, name, grid, f"{map_title(name)}: {folder.name}"), codes, exact)
    return written


def stage_shown(stage: Stage, where: tuple[Path, str, Grid, str], codes: NDArray[np.uint8], exact: Any) -> list[Path]:
    """Write a map of codes into a folder and, where they are given, its numbers beside it, under temporary names."""
    folder, name, grid, label = where
    files = stage_raster(stage, folder / f"{name}.tif", codes, grid, legend(name), label, made_with())
    if exact is not None:
        values = np.ascontiguousarray(exact, np.float32)
        files += stage_raster(stage, folder / f"{name}_f32.tif", values, grid, label=label, told=made_with())
    return files


def arrivals(ledger: Ledger, names: Collection[str] = tuple(ARRIVALS)) -> Iterator[tuple[str, Grid, Codes]]:
    """Yield the maps that are determined, each on the smallest block of cells that something arrives in.

    A byte a cell is held; the quantities themselves some rows at a time.
    """
    block = ledger.division.block
    maps = {name: np.empty(block.shape, np.uint8) for name in ARRIVALS if name in names}
    for rows in block.strips(BLOCK):
        cells = ledger.on(block.part(rows, slice(0, block.cols)))
        for name, codes in maps.items():
            codes[rows] = classified(cells[ARRIVALS[name]].values, name)
    for name, codes in maps.items():
        if (codes != nodata()).any():
            window = _window(codes)
            yield name, block.part(*window), np.ascontiguousarray(codes[window])


def _window(codes: Codes) -> tuple[slice, slice]:
    """Cut off the cells around that are in the lowest step; something always stays."""
    some = (codes > 0) & (codes != nodata())
    if not some.any():
        some = codes != nodata()
    rows, cols = (np.flatnonzero(some.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _exact(ledger: Ledger, name: str, grid: Grid) -> Floats:
    values = np.empty(grid.shape, np.float32)
    for rows in grid.strips(BLOCK):
        values[rows] = ledger.on(grid.part(rows, slice(0, grid.cols)))[ARRIVALS[name]].values
    return values


def ledger_frame(ledgers: Mapping[str, Ledger]) -> gpd.GeoDataFrame:
    """Return the ledger with the polygons of receivers that get something; other lines have none."""
    table = table_of_all(ledgers)
    of = {id_: ledger.division for id_, ledger in ledgers.items()}
    gets = (table[["m3", "verlaging_grootste_m", "vernatting_grootste_m"]] > 0).any(axis=1)
    rows = zip(table["functie"], table["ontvanger_nr"], gets, strict=True)
    shapes = [of[functie].receivers[nr - 1].area.geometry if nr and some else None for functie, nr, some in rows]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=next(iter(of.values())).grid.crs)
