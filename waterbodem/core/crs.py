"""Coordinate systems as text: EPSG codes and WKT, never a URL or a path."""

from __future__ import annotations

import re
from functools import lru_cache

import pyproj
from pyproj.exceptions import CRSError

from waterbodem.core.errors import GridMismatch
from waterbodem.core.grid import Bounds

#: Where the Dutch RD grid is in use: x, then y [m] (betrouwbaarheid, row 7).
RD = "EPSG:28992"
RD_X, RD_Y = (0.0, 300_000.0), (300_000.0, 625_000.0)

_EPSG = re.compile(r"EPSG:\d{1,6}", re.IGNORECASE)
_WKT = re.compile(
    r"\s*(PROJCRS|PROJCS|PROJECTEDCRS|COMPOUNDCRS|COMPD_CS|BOUNDCRS|GEOGCRS|GEOGCS|GEODCRS"
    r"|LOCAL_CS|ENGCRS|ENGINEERINGCRS)\s*\[",
    re.IGNORECASE,
)
_MAX_WKT = 20_000


def horizontal_crs(text: str | int, where: str = "") -> pyproj.CRS:
    """Return the horizontal CRS that an EPSG code or WKT text means.

    Raises
    ------
    GridMismatch
        If it is anything else, or unknown.

    Examples
    --------
    >>> horizontal_crs("EPSG:7415").to_epsg()
    28992
    """
    stated = f"EPSG:{text}" if isinstance(text, int) else text.strip()
    if not (_EPSG.fullmatch(stated) or (_WKT.match(stated) and len(stated) <= _MAX_WKT)):
        raise GridMismatch("CRS is not usable", value=stated[:80], allowed="EPSG:<code> or WKT text", where=where)
    return _parsed(stated, where)


@lru_cache(maxsize=256)
def _parsed(stated: str, where: str) -> pyproj.CRS:
    try:
        crs = pyproj.CRS.from_user_input(stated.upper() if _EPSG.fullmatch(stated) else stated)
    except CRSError:
        raise GridMismatch("CRS is unknown", value=stated[:80], where=where) from None
    return crs.sub_crs_list[0] if crs.is_compound else crs


def same_crs(a: str, b: str) -> bool:
    """Tell whether two CRSs have the same horizontal part (RD and RD + NAP do).

    Examples
    --------
    >>> same_crs("EPSG:28992", "EPSG:7415")
    True
    """
    if a == b:
        return True
    one, other = horizontal_crs(a), horizontal_crs(b)
    return bool(one.equals(other, ignore_axis_order=True)) or (
        one.to_epsg() is not None and one.to_epsg() == other.to_epsg()
    )


same = lru_cache(maxsize=256)(same_crs)


def projected(text: str | int, where: str = "") -> str:
    """Return a projected CRS in metres in its shortest form: ``EPSG:<code>``, else WKT.

    Raises
    ------
    GridMismatch
        If it is not projected, or not in metres.
    """
    crs = horizontal_crs(text, where)
    if not crs.is_projected or any(a.unit_conversion_factor != 1 for a in crs.axis_info):
        raise GridMismatch(
            "CRS is not projected in metres",
            value=crs.name,
            allowed="a projected CRS in metres, for example EPSG:28992",
            where=where,
        )
    return short(crs)


def short(crs: pyproj.CRS) -> str:
    """Return ``EPSG:<code>`` where there is one, else WKT."""
    code = crs.to_epsg()
    return crs.to_wkt() if code is None else f"EPSG:{code}"


def label(text: str | None) -> str:
    """Return a CRS as a person would name it."""
    if text is None:
        return "no CRS"
    return text if _EPSG.fullmatch(text) else str(pyproj.CRS.from_user_input(text).name)


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> pyproj.Transformer:
    """Return the transformation from x, y to x, y."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def move_bounds(bounds: Bounds, source: str | None, target: str | None) -> Bounds:
    """Return bounds in another CRS, with bent edges taken along.

    Raises
    ------
    GridMismatch
        If they cannot be expressed there.
    """
    if source is None or target is None or same(source, target):
        return bounds
    moved = transformer(source, target).transform_bounds(*bounds, densify_pts=21)
    if not all(abs(v) < 1e12 for v in moved):
        raise GridMismatch("bounds cannot be expressed in the other CRS", value=bounds)
    return moved


def outside_rd(bounds: Bounds, crs: str) -> bool:
    """Tell whether RD bounds have their centre outside the Netherlands."""
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    return same(crs, RD) and not _in_rd(x, y)


def check_not_swapped(bounds: Bounds, crs: str, where: str = "") -> None:
    """Refuse RD coordinates that make sense only with x and y exchanged.

    Raises
    ------
    GridMismatch
    """
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    if outside_rd(bounds, crs) and _in_rd(y, x):
        raise GridMismatch(
            "coordinates lie outside RD: x/y swapped (verwisseld)?",
            value=tuple(float(b) for b in bounds),
            allowed=f"x {RD_X[0]:g} .. {RD_X[1]:g}, y {RD_Y[0]:g} .. {RD_Y[1]:g}",
            where=where,
        )


def _in_rd(x: float, y: float) -> bool:
    return RD_X[0] <= x <= RD_X[1] and RD_Y[0] <= y <= RD_Y[1]
