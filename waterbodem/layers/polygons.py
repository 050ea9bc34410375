"""Polygons (gebieden): read in any form that is taken, repaired and named, in the CRS of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from waterbodem.core.errors import ArgumentError, GeometryError, WaterbodemError, raise_all
from waterbodem.core.files import failure
from waterbodem.core.grid import Bounds
from waterbodem.core.lazy import gpd, pd
from waterbodem.core.path_gate import MAX_VECTOR_BYTES, VECTOR_MAGIC, given_file
from waterbodem.definitions.labels import percent
from waterbodem.formats.foreign.door import VECTOR_DRIVERS, read_vector
from waterbodem.formats.foreign.geojson import WGS84, can_be_degrees, features_of, parsed
from waterbodem.formats.foreign.side_files import check_side_files

#: A repair that changes more of the area than this is refused.
REPAIR_MAX = 0.01
MAX_VERTICES = 5_000_000
#: No CRS in metres has coordinates beyond this.
FARTHEST = 1e8
NAME_FIELDS = ("naam", "name", "id")


@dataclass(frozen=True)
class Area:
    """One polygon in the CRS of the grid.

    Parameters
    ----------
    nr : int
        From 1, in the order given.
    name : str
    geometry : shapely geometry
        Valid polygon or multipolygon.
    repaired : str
        What a repair changed; empty if nothing.
    """

    nr: int
    name: str
    geometry: BaseGeometry
    repaired: str = ""


def read_areas(gebied: Any, crs: str | None, id: str | None = None, *, where: str = "gebied") -> list[Area]:
    """Return polygons from whatever a user holds, in the CRS of the grid, repaired.

    Parameters
    ----------
    gebied : geometry or list of them, GeoSeries, GeoDataFrame, GeoJSON mapping or text, path, open file, list of Area
        Without a CRS they are taken to be in ``crs``; GeoJSON without one is longitude and latitude where its
        numbers can be that and the grid's cannot. An Area was read before, and stays as it is.
    crs : str or None
        Of the grid.
    id : str, optional
        Property that holds the name; else naam, name or id, else a number.
    where : str
        What an error calls them.

    Raises
    ------
    GeometryError
        If there is no polygon, or one is empty, not finite, or changed by more than 1 % when repaired.
    """
    if isinstance(gebied, list) and gebied and all(isinstance(a, Area) for a in gebied):
        return gebied
    frame = to_crs(frame_of(gebied, crs, where), crs)
    if frame.empty:
        raise GeometryError("there is no polygon", allowed="at least one", where=where)
    names = _names(frame, id)
    areas: list[Area] = []
    problems: list[WaterbodemError] = []
    for nr, (name, geometry) in enumerate(zip(names, frame.geometry, strict=True), start=1):
        try:
            areas.append(Area(nr, _whole(name, nr), *repaired_polygon(geometry, f"gebied {nr} ({name})")))
        except WaterbodemError as problem:
            problems.append(problem)
    raise_all(problems, where="gebieden")
    return areas


def frame_of(gebied: Any, crs: str | None, where: str = "gebied") -> gpd.GeoDataFrame:
    """Return any form of polygons as a GeoDataFrame."""
    if isinstance(gebied, str) and gebied.lstrip().startswith("{"):
        return _placed(features_of(parsed(gebied, where), where), crs)
    if isinstance(gebied, (str, Path)):
        return _from_file(Path(gebied), crs, where)
    if hasattr(gebied, "read"):
        return _from_stream(gebied, crs, where)
    if isinstance(gebied, gpd.GeoDataFrame):
        if gebied._geometry_column_name is None:
            raise GeometryError("table has no geometry column")
        return gebied
    if isinstance(gebied, gpd.GeoSeries):
        return gpd.GeoDataFrame(geometry=gebied.reset_index(drop=True))
    if isinstance(gebied, BaseGeometry):
        return gpd.GeoDataFrame(geometry=[gebied])
    if isinstance(gebied, (list, tuple, np.ndarray)) and all(isinstance(g, BaseGeometry) for g in gebied):
        return gpd.GeoDataFrame(geometry=list(gebied))
    if isinstance(gebied, Mapping):
        return _placed(features_of(gebied), crs)
    raise ArgumentError(
        "gebied is of a kind that is not known",
        value=type(gebied).__name__,
        allowed="shapely geometry or list of them, GeoSeries, GeoDataFrame, GeoJSON (mapping or text), path or file",
    )


def _from_stream(file: Any, crs: str | None, where: str) -> gpd.GeoDataFrame:
    """Return the features of a file that is open: GeoJSON, or one that is whole in itself."""
    content = file.read(MAX_VECTOR_BYTES + 1)
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
    suffix = next((end for end, magic in VECTOR_MAGIC.items() if _begins(data, magic)), "")
    if suffix in ("", ".shp"):
        allowed = "GeoJSON, GeoPackage, FlatGeobuf or GML; of a shapefile its path"
        raise GeometryError(
            "open file holds no polygons that can be read", value=data[:20], allowed=allowed, where=where
        )
    with _copied(data, suffix) as path:
        return _from_file(path, crs, where)


@contextmanager
def _copied(data: bytes, suffix: str) -> Iterator[Path]:
    """Give a file with some content; the disk that it lies on may be full."""
    place = Path(gettempdir())
    try:
        with TemporaryDirectory(prefix="waterbodem-", dir=place) as folder:
            path = Path(folder, f"gebied{suffix}")
            path.write_bytes(data)
            yield path
    except OSError as error:
        raise failure(error, place) from error


def _begins(data: bytes, magic: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(magic)


def _from_file(path: Path, crs: str | None, where: str) -> gpd.GeoDataFrame:
    path = given_file(path, where)
    check_side_files(path, [path.parent], where)
    frame = read_vector(path, lambda layers: _layer_of_polygons(layers, path.name, where), where=where)
    return frame if path.suffix.lower() in VECTOR_DRIVERS else _placed(frame, crs)


def _layer_of_polygons(layers: Mapping[str, str | None], name: str, where: str) -> str:
    """Return the layer that is meant: a file of a GIS also holds tables of styles, lines and points.

    Raises
    ------
    GeometryError
        If none or several could be.
    """
    shapes = [layer for layer, kind in layers.items() if kind is not None]
    likely = [layer for layer in shapes if "polygon" in str(layers[layer]).lower()] or shapes
    if len(likely) != 1:
        raise GeometryError(
            "file has several layers" if likely else "file has no layer with polygons",
            value=name,
            allowed=f"one of {', '.join(likely)}, saved as a file of its own" if likely else "a layer of polygons",
            where=where,
        )
    return likely[0]


def _placed(frame: gpd.GeoDataFrame, crs: str | None) -> gpd.GeoDataFrame:
    """Return features of GeoJSON in the CRS that they state, or most likely are in."""
    return frame if frame.crs is not None or crs is None else frame.set_crs(_likely_crs(frame, crs))


def _likely_crs(frame: gpd.GeoDataFrame, crs: str | None) -> str | None:
    """Return longitude and latitude (RFC 7946) where the numbers can only be that, else the grid's CRS."""
    projected = crs is not None and pyproj.CRS.from_user_input(crs).is_projected
    return WGS84 if can_be_degrees(frame) and projected else crs


def to_crs(frame: gpd.GeoDataFrame, crs: str | None) -> gpd.GeoDataFrame:
    """Return polygons in the CRS of the grid.

    Raises
    ------
    GeometryError
        If the polygons have a CRS and the layers do not.
    """
    if frame.crs is None:
        return frame
    if crs is None:
        raise GeometryError("polygons have a CRS, the layers have none", value=frame.crs.to_string())
    try:
        return frame.to_crs(crs)
    except pyproj.exceptions.ProjError as error:
        raise GeometryError(
            "polygons cannot be brought to the CRS of the layers",
            value=frame.crs.name,
            allowed="a CRS that lies somewhere on the earth",
        ) from error


def _names(frame: gpd.GeoDataFrame, id: str | None) -> list[str]:
    if id is not None and (not isinstance(id, str) or id not in frame.columns):
        raise ArgumentError(
            "polygons have no such property",
            value=id,
            allowed=", ".join(str(c) for c in frame.columns if c != frame.geometry.name),
            where="id",
        )
    field = id or next((f for f in NAME_FIELDS if f in frame.columns), None)
    column = None if field is None else frame.loc[:, [c == field for c in frame.columns]].iloc[:, 0]
    stated = [None] * len(frame) if column is None else column.tolist()
    return [_label(value, nr) for nr, value in enumerate(stated, start=1)]


def _whole(name: str, nr: int) -> str:
    """Return a name that can be written; JSON can hold half a letter.

    Raises
    ------
    GeometryError
        If it cannot.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        allowed = "whole letters: no lone surrogate"
        raise GeometryError(
            "name holds half a letter", value=name[:80], allowed=allowed, where=f"gebied {nr}"
        ) from None
    return name


def _label(value: Any, nr: int) -> str:
    if pd.isna(value) or str(value).strip() == "":
        return str(nr)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def repaired_polygon(geometry: Any, where: str) -> tuple[BaseGeometry, str]:
    """Return a valid polygon and what the repair changed.

    Raises
    ------
    GeometryError
        If it is no polygon, empty, not finite, too detailed, or changed by more than 1 %.
    """
    if geometry is None or geometry.is_empty:
        raise GeometryError("polygon is empty", where=where)
    flat = geometry if shapely.get_coordinate_dimension(geometry) == 2 else shapely.force_2d(geometry)
    if not (np.abs(shapely.get_coordinates(flat)) <= FARTHEST).all():
        raise GeometryError("polygon has coordinates that are not finite, or off the earth", where=where)
    if shapely.get_num_coordinates(flat) > MAX_VERTICES:
        raise GeometryError("polygon has too many vertices", allowed=f"{MAX_VERTICES}", where=where)
    if flat.geom_type not in ("Polygon", "MultiPolygon"):
        raise GeometryError("not a polygon", value=flat.geom_type, where=where)
    return (flat, "") if flat.is_valid else _mended(flat, where)


def _mended(flat: BaseGeometry, where: str) -> tuple[BaseGeometry, str]:
    reason = shapely.is_valid_reason(flat)
    mended = shapely.make_valid(flat, method="structure", keep_collapsed=False)
    before, after = abs(flat.area), mended.area
    change = abs(after - before) / before if before > 0 else float("inf")
    if after == 0 or change > REPAIR_MAX:
        raise GeometryError(
            f"polygon is invalid ({reason}) and repairing changes its area",
            value=f"{before:.1f} m2 became {after:.1f} m2",
            allowed="at most 1 %",
            where=where,
        )
    return mended, f"hersteld ({reason}); oppervlakte {percent(change, digits=3)} veranderd"


def areas_of(areas: Sequence[Area]) -> NDArray[np.float64]:
    """Return the area of every polygon [m2]."""
    return np.asarray(shapely.area(np.array([a.geometry for a in areas], dtype=object)), np.float64)


def total_bounds(areas: Sequence[Area]) -> Bounds:
    """Return xmin, ymin, xmax, ymax of all polygons [m]."""
    bounds = np.array([a.geometry.bounds for a in areas])
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
