"""GeoJSON as polygons, read by Python's own json: nothing in the text is taken for more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from waterbodem.core.errors import GeometryError
from waterbodem.core.lazy import gpd

WGS84 = "EPSG:4326"

_CRS = 'a name such as {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}'


def read_geojson(path: Path, where: str = "") -> tuple[str, gpd.GeoDataFrame]:
    """Return the name of the collection and its features; without a CRS where the file states none.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    where : str
        What an error calls it.

    Raises
    ------
    GeometryError
        If it is no GeoJSON, or its CRS is not understood.

    Examples
    --------
    >>> name, plans = read_geojson(Path("plannen.geojson"))  # doctest: +SKIP
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise GeometryError(f"file cannot be read as GeoJSON: {error}", where=where or str(path)) from None
    data = parsed(text, where or str(path))
    name = data.get("name")
    return name if isinstance(name, str) else path.stem, features_of(data, where)


def parsed(text: str, where: str) -> dict[str, Any]:
    """Return the object that a text of GeoJSON is.

    Raises
    ------
    GeometryError
        If it is none.

    Examples
    --------
    >>> parsed('{"type": "Point", "coordinates": [1, 2]}', "gebied")["type"]
    'Point'
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GeometryError(f"file cannot be read as GeoJSON: {error}", where=where) from None
    if not isinstance(data, dict):
        raise GeometryError("file holds no GeoJSON object", where=where)
    return data


def features_of(data: Mapping[str, Any], where: str = "") -> gpd.GeoDataFrame:
    """Return the features of a GeoJSON mapping; without a CRS where it states none.

    Raises
    ------
    GeometryError
        If it is no GeoJSON, or its CRS is not understood.

    Examples
    --------
    >>> list(features_of({"type": "Point", "coordinates": [1, 2]}).geometry)
    [<POINT (1 2)>]
    """
    features = data.get("features", [data])
    try:
        rows = [f if f.get("type") == "Feature" else {"properties": {}, "geometry": f} for f in features]
        geometries = [None if r["geometry"] is None else _geometry(r["geometry"]) for r in rows]
        frame = gpd.GeoDataFrame([dict(r.get("properties") or {}) for r in rows], geometry=geometries)
    except Exception as error:
        raise GeometryError(f"not valid GeoJSON: {error}", where=where) from None
    stated = _stated_crs(data, where)
    return frame.set_crs(stated) if stated else frame


def _geometry(stated: Any) -> Any:
    try:
        text = json.dumps(stated, allow_nan=False)
    except ValueError:
        raise ValueError("a coordinate is not finite") from None
    return shapely.from_geojson(text)


def can_be_degrees(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether all coordinates can be longitude and latitude.

    Examples
    --------
    >>> can_be_degrees(features_of({"type": "Point", "coordinates": [6.5, 52.9]}))
    True
    """
    return bool(np.all(np.abs(frame.total_bounds) <= [180, 90, 180, 90]))


def _stated_crs(data: Mapping[str, Any], where: str) -> str | None:
    """Return the CRS of the old ``crs`` member, as an authority code."""
    member = data.get("crs")
    if not member:
        return None
    try:
        name = member["properties"]["name"]
    except (TypeError, KeyError):
        raise GeometryError(
            "member crs of the GeoJSON is not understood", value=str(member)[:80], allowed=_CRS, where=where
        ) from None
    try:
        code = re.search(r"EPSG:+(?:[\d.]*:)?(\d+)$", str(name))
        if code is None and "CRS84" in str(name):
            return WGS84
        if code is not None and pyproj.CRS.from_epsg(int(code[1])):
            return f"EPSG:{code[1]}"
    except pyproj.exceptions.CRSError:
        pass
    raise GeometryError("unknown CRS in GeoJSON", value=str(name)[:80], allowed=_CRS, where=where)
