"""A file of polygons as a layer: a cell takes the value of the polygon that holds its centre."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import STRtree, box, get_coordinates

from waterbodem.core import crs as crs_text
from waterbodem.core.errors import GridMismatch, LayerError
from waterbodem.core.grid import Bounds, Grid
from waterbodem.core.lazy import gpd, pd
from waterbodem.formats.foreign.door import VECTOR_DRIVERS, read_vector
from waterbodem.formats.foreign.geojson import WGS84, can_be_degrees
from waterbodem.layers.catalogue import LayerEntry
from waterbodem.layers.resample import pieces

#: Target cells a side of a block in which polygons are burned.
BURN_BLOCK = 512

#: Features and vertices that a layer may have.
MAX_FEATURES, MAX_VERTICES = 1_000_000, 20_000_000


@dataclass(frozen=True, eq=False)
class VectorFile:
    """Polygons and the raw number of each.

    Parameters
    ----------
    path : Path
        Resolved.
    name : str
        As written in the catalogue.
    crs : str
        Of the polygons.
    shapes : GeoSeries
        In the order of the file.
    raw : array, float64
        One per polygon; NaN = not stated.
    crs_assumed : bool
        Whether the file names no CRS, so that it has that of the catalogue.
    """

    path: Path
    name: str
    crs: str
    shapes: gpd.GeoSeries
    raw: NDArray[np.float64]
    crs_assumed: bool = False

    @property
    def bounds(self) -> Bounds:
        """xmin, ymin, xmax, ymax in the file's own CRS."""
        xmin, ymin, xmax, ymax = (float(v) for v in self.shapes.total_bounds)
        return xmin, ymin, xmax, ymax

    @cached_property
    def _moved(self) -> dict[str, tuple[NDArray[Any], STRtree]]:
        return {}

    def shapes_in(self, crs: str | None) -> tuple[NDArray[Any], STRtree]:
        """Return the polygons in another CRS, with an index."""
        target = self.crs if crs is None else crs
        if target not in self._moved:
            moved = self.shapes if crs_text.same(self.crs, target) else self.shapes.to_crs(target)
            geometries = np.asarray(moved.values, dtype=object)
            self._moved[target] = geometries, STRtree(geometries)
        return self._moved[target]

    def burn(self, grid: Grid, order: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return per cell the last polygon in ``order`` that holds its centre; -1 = none."""
        out = np.full(grid.shape, -1, dtype=np.int32)
        geometries, tree = self.shapes_in(grid.crs)
        rank = np.argsort(order)
        for piece in pieces(grid, largest=BURN_BLOCK):
            found = tree.query(box(*piece.block.bounds))
            if len(found):
                found = found[np.argsort(rank[found])]
                out[piece.outside] = _burned(geometries, found, piece.block)[piece.inside]
        return out


def _burned(geometries: NDArray[Any], which: NDArray[np.intp], block: Grid) -> NDArray[np.int32]:
    shapes = ((geometries[i], int(i)) for i in which)
    return np.asarray(
        rasterize(
            shapes,
            out_shape=block.shape,
            transform=block.transform,
            fill=-1,
            all_touched=False,
            dtype="int32",
        )
    )


def open_vector(path: Path, name: str, entry: LayerEntry, default_crs: str | None, where: str = "") -> VectorFile:
    """Read polygons and their numbers.

    Raises
    ------
    NotARaster, UnsafePath
        If the file is not what its extension says.
    LayerError
        If layer or field is missing, or a feature is no polygon or not finite.
    GridMismatch
        If there is no usable CRS, or x and y look swapped.
    """
    columns = [entry.field] if entry.field else []
    frame = read_vector(path, lambda layers: _layer(layers, entry, where), columns=columns, where=where)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)].reset_index(drop=True)
    _check_shapes(frame.geometry, where)
    crs = _crs(frame, default_crs, path, where)
    shapes = frame.geometry.set_crs(crs, allow_override=True)
    file = VectorFile(path, name, crs, shapes, _raw(frame, entry, where), frame.crs is None)
    crs_text.check_not_swapped(file.bounds, crs, where)
    return file


def _layer(layers: Iterable[str], entry: LayerEntry, where: str) -> str:
    names = list(layers)
    if entry.layer is None and len(names) == 1:
        return names[0]
    if entry.layer not in names:
        raise LayerError(
            "which layer of the file",
            value=entry.layer,
            allowed=", ".join(names),
            where=f"{where}.layer",
        )
    return entry.layer


def _check_shapes(shapes: gpd.GeoSeries, where: str) -> None:
    kinds = sorted(set(shapes.geom_type) - {"Polygon", "MultiPolygon"})
    coordinates = get_coordinates(shapes.values)
    reasons: dict[str, object] = {
        "file holds no feature": None if len(shapes) else 0,
        "features are no polygons": kinds or None,
        "too many features": len(shapes) if len(shapes) > MAX_FEATURES else None,
        "too many vertices": len(coordinates) if len(coordinates) > MAX_VERTICES else None,
        "coordinates are not finite": None if np.isfinite(coordinates).all() else "nan or inf",
    }
    for reason, value in reasons.items():
        if value is not None:
            raise LayerError(reason, value=value, where=where)


def _crs(frame: gpd.GeoDataFrame, default_crs: str | None, path: Path, where: str) -> str:
    """Return the CRS; GeoJSON without one says degrees, which metres refute."""
    if frame.crs is None and path.suffix.lower() not in VECTOR_DRIVERS and can_be_degrees(frame):
        return WGS84
    stated = frame.crs
    if stated is not None and stated.is_geographic and np.abs(frame.total_bounds).max() > 360:
        stated = None
    if stated is not None:
        return crs_text.short(crs_text.horizontal_crs(stated.to_wkt(), where))
    if default_crs is None:
        raise GridMismatch(
            "file has no CRS that fits its coordinates",
            allowed="a crs in the file, or crs = in the catalogue",
            where=where,
        )
    return default_crs


def _raw(frame: gpd.GeoDataFrame, entry: LayerEntry, where: str) -> NDArray[np.float64]:
    if entry.value is not None:
        return np.full(len(frame), float(entry.value))
    column = frame[entry.field]
    if entry.words:
        return _named(column, entry, where)
    if column.dtype.kind not in "fiub":
        raise LayerError(
            "field holds no numbers",
            value=f"{entry.field}: {column.dropna().head(3).tolist()}",
            allowed="numbers",
            where=f"{where}.field",
        )
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=math.nan))


def _named(column: pd.Series, entry: LayerEntry, where: str) -> NDArray[np.float64]:
    """Return the values of words by the class table; NaN where nothing stands."""
    words = column.astype("string").str.strip()
    strange = sorted(set(words.dropna()) - set(entry.words))
    if strange and entry.unlisted == "error":
        counts = ", ".join(f"{word} ({int((words == word).sum())} features)" for word in strange)
        allowed = ", ".join(entry.words) + '; or unlisted = "unknown"'
        raise LayerError("class words are not listed", value=counts, allowed=allowed, where=f"{where}.classes")
    return np.asarray(words.map(entry.words).to_numpy(dtype=np.float64, na_value=math.nan))
