"""Polygons of the built-in fictitious area: plans, and two water boards that part on the ridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from waterbodem.core.dataset import grid_of
from waterbodem.core.errors import NoOverlap
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.layers.fiction.numbers import CRS

if TYPE_CHECKING:
    import geopandas as gpd

Ring = tuple[tuple[float, float], ...]

#: Name, remark and corners in RD of the fictitious plans.
_PLANS: tuple[tuple[str, str, Ring], ...] = (
    (
        "Plan Es",
        "verzonnen plan op de zandrug: droog, zonder keileem",
        ((239263, 553902), (239351, 554041), (239442, 554007), (239489, 553822), (239401, 553741)),
    ),
    (
        "Plan Keileem",
        "verzonnen plan op het plateau: keileem op ongeveer een meter",
        ((238206, 553204), (238243, 553451), (238467, 553493), (238511, 553287), (238394, 553178)),
    ),
    (
        "Plan Beekdal",
        "verzonnen plan half in het beekdal: kwel, veen en hoog grondwater",
        ((238653, 553892), (238691, 554071), (238907, 554036), (238924, 553861), (238782, 553819)),
    ),
    (
        "Plan Veenrand",
        "verzonnen plan op ontgonnen hoogveen: vlak, met resten veen",
        ((239652, 554221), (239691, 554413), (239883, 554432), (239927, 554207), (239779, 554142)),
    ),
)

#: Board by its id in the norms, and corners in RD of the land that it has in the fiction.
_BOARDS: tuple[tuple[str, Ring], ...] = (
    ("drents_overijsselse_delta", ((240735, 549842), (238140, 557410), (234356, 556113), (236951, 548545))),
    ("hunze_en_aas", ((244519, 551139), (241924, 558707), (238140, 557410), (240735, 549842))),
)


def example_plans(data: xr.Dataset | xr.DataArray | Grid | None = None) -> gpd.GeoDataFrame:
    """Return fictitious plans within the fictitious area, each on land of its own kind.

    Parameters
    ----------
    data : xr.Dataset, xr.DataArray or Grid, optional
        Only plans wholly inside it; by default all four.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``naam``, ``verzonnen`` (True), ``opmerking``, ``geometry`` in RD.

    Raises
    ------
    NoOverlap
        If no plan lies wholly inside.

    Examples
    --------
    >>> list(example_plans()["naam"])
    ['Plan Es', 'Plan Keileem', 'Plan Beekdal', 'Plan Veenrand']
    """
    names, remarks, rings = zip(*_PLANS, strict=True)
    plans = _table({"naam": names, "verzonnen": True, "opmerking": remarks}, rings)
    return plans if data is None else _inside(plans, data)


def example_boards() -> gpd.GeoDataFrame:
    """Return the land of two water boards within the fictitious area; their border crosses one plan.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``waterschap`` (id of the norms), ``verzonnen`` (True), ``geometry`` in RD.

    Examples
    --------
    >>> list(example_boards()["waterschap"])
    ['drents_overijsselse_delta', 'hunze_en_aas']
    """
    boards, rings = zip(*_BOARDS, strict=True)
    return _table({"waterschap": boards, "verzonnen": True}, rings)


def _table(columns: Mapping[str, Any], rings: Iterable[Ring]) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    return gpd.GeoDataFrame(dict(columns), geometry=[shapely.Polygon(ring) for ring in rings], crs=CRS)


def _inside(plans: gpd.GeoDataFrame, data: xr.Dataset | xr.DataArray | Grid) -> gpd.GeoDataFrame:
    import shapely

    grid = data if isinstance(data, Grid) else grid_of(data)
    kept = plans[plans.within(shapely.box(*grid.bounds))].reset_index(drop=True)
    if kept.empty:
        raise NoOverlap(
            "no fictitious plan lies wholly inside the data",
            value=grid.bounds,
            allowed=f"around {tuple(float(v) for v in plans.total_bounds)}",
        )
    return kept
