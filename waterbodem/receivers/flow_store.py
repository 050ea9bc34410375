"""Flow directions kept on disk: found once, reused as long as their input is the same."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from waterbodem.core.destination import destination
from waterbodem.core.errors import GridMismatch, LayerError
from waterbodem.core.files import replacing
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.formats.foreign.door import open_raster
from waterbodem.receivers.flow import Flow, Holes, Mask, decoded, flow_from_maaiveld, flow_sha256
from waterbodem.receivers.land import Land, land_of

_log = logging.getLogger("waterbodem")
NAMESPACE = "WATERBODEM"


def flow_of(
    layers: xr.Dataset,
    folder: str | Path | None = None,
    *,
    holes: Holes = "dicht",
    outlets: Mask | None = None,
) -> Flow | None:
    """Return the flow directions of a dataset, from a folder where they were kept before if that can be.

    Parameters
    ----------
    layers : xr.Dataset
        With layer ``maaiveld`` [m NAP], without which there is no routing, and where it is there ``water`` (0/1).
    folder : path, optional
        Where directions are kept, as ``stroomrichting_<sha256>.tif`` (ESRI D8 codes). Made if absent. A file that is
        broken, or was made from something else, is found anew.
    holes, outlets
        As in :func:`waterbodem.receivers.flow.flow_from_maaiveld`.

    Returns
    -------
    Flow or None
        None without maaiveld: nothing takes its place.
    """
    return flow_over(land_of(layers), folder, holes=holes, outlets=outlets)


def flow_over(
    land: Land,
    folder: str | Path | None = None,
    given: Flow | None = None,
    *,
    holes: Holes = "dicht",
    outlets: Mask | None = None,
) -> Flow | None:
    """Return the flow directions of land, as :func:`flow_of` does; directions that are given end in open water too.

    Raises
    ------
    GridMismatch
        If directions that are given lie on another grid.
    """
    if given is not None:
        water = land.water
        return on_grid(given, land.grid) if water is None else on_grid(given, land.grid).with_open_water(water)
    if "maaiveld" not in land:
        return None
    return stored_flow(land.layer("maaiveld"), land.grid, folder, holes=holes, outlets=outlets, water=land.water)


def stored_flow(
    level: NDArray[np.float32],
    grid: Grid,
    folder: str | Path | None = None,
    *,
    holes: Holes = "dicht",
    outlets: Mask | None = None,
    water: Mask | None = None,
) -> Flow:
    """Return the flow directions of ground level [m NAP] (rows, cols), as :func:`flow_of` does."""
    if folder is None:
        return flow_from_maaiveld(level, grid, holes=holes, outlets=outlets, water=water)
    sha = flow_sha256(level, grid, holes, outlets, water)
    path = _file(destination(folder, "bewaar"), sha)
    found = _load(path, grid, sha)
    return found or _kept(path, flow_from_maaiveld(level, grid, holes=holes, outlets=outlets, water=water))


def stored_codes(
    level: NDArray[np.float32], grid: Grid, folder: str | Path, water: Mask | None = None
) -> NDArray[np.uint8] | None:
    """Return the directions that were kept of ground level as ESRI D8 codes (rows, cols), a byte a cell; else None."""
    try:
        sha = flow_sha256(level, grid, "dicht", None, water)
        return _codes(_file(folder, sha), grid, sha)[0]
    except Exception as error:  # absent, broken, foreign, or no library: all the same here
        _log.info("no flow directions are kept in %s (%s)", folder, error)
        return None


def _file(folder: str | Path, sha: str) -> Path:
    return Path(folder) / f"stroomrichting_{sha[:16]}.tif"


def _kept(path: Path, flow: Flow) -> Flow:
    try:
        save_directions(path, flow)
    except Exception as error:
        _log.warning("flow directions cannot be kept in %s (%s)", path.parent, error)
    return flow


def save_directions(path: Path, flow: Flow) -> None:
    """Write directions as ESRI D8 codes; a file at its final name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temp:
        _write(temp, flow.codes, flow)


def _write(path: Path, codes: NDArray[np.uint8], flow: Flow) -> None:
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 1,
        "height": flow.grid.rows,
        "width": flow.grid.cols,
        "nodata": 247,
        "compress": "zstd",
        "zstd_level": 1,
        "transform": flow.grid.transform,
        "crs": flow.grid.crs,
        "bigtiff": "if_safer",
    }
    tags = {"input": flow.sha256, "content": _content(codes), "uitleg": "\n".join(flow.uitleg)}
    with rasterio.open(path, "w", **profile) as file:
        file.write(codes, 1)
        file.update_tags(ns=NAMESPACE, **tags)


def _content(codes: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(codes).data).hexdigest()


def _load(path: Path, grid: Grid, sha: str) -> Flow | None:
    """Return directions that were kept, or None where the file is absent, broken or foreign."""
    if not path.exists():
        return None
    try:
        return _read(path, grid, sha)
    except Exception as error:  # a broken file fails in as many ways as it has bytes
        _log.warning("kept flow directions %s cannot be used (%s); they are found anew", path.name, error)
        return None


def _read(path: Path, grid: Grid, sha: str) -> Flow:
    codes, uitleg = _codes(path, grid, sha)
    return replace(decoded(codes, grid, "d8", path.name), sha256=sha, uitleg=uitleg)


def _codes(path: Path, grid: Grid, sha: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the codes of a file and what was done; refuse one that is not of this input, or changed."""
    with open_raster(path, "GTiff") as file:
        codes, tags = file.read(1), file.tags(ns=NAMESPACE)
    if tags.get("input") != sha or tags.get("content") != _content(codes) or codes.shape != grid.shape:
        raise LayerError("file was made from something else, or changed", where=str(path))
    return codes, tuple(str(tags.get("uitleg", "")).split("\n"))


def on_grid(flow: Flow, grid: Grid) -> Flow:
    """Return flow directions that lie on the grid.

    Raises
    ------
    GridMismatch
        If they lie on another grid, with what differs.
    """
    if not flow.grid.same_lattice(grid) or flow.grid.offset(grid) != (0, 0) or flow.grid.shape != grid.shape:
        raise GridMismatch(
            "flow directions lie on another grid than the layers",
            value=f"{flow.grid.shape} cells, bounds {flow.grid.bounds}",
            allowed=f"{grid.shape} cells, bounds {grid.bounds}",
            where="stroming",
        )
    return flow
