"""A map to draw on in a notebook: a polygon drawn is answered at once. Needs a live kernel and the extra ``maps``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import geopandas as gpd
import shapely
import xarray as xr

from waterbodem.assessment.assessment import Assessment, AssessSettings, assess
from waterbodem.core import dataset
from waterbodem.core.crs import projected
from waterbodem.core.errors import ArgumentError, WaterbodemError
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions.models import Functie

WGS84 = "EPSG:4326"
TILES = "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/standaard/EPSG:3857/{z}/{x}/{y}.png"
SOURCE = "BRT-achtergrondkaart, Kadaster via PDOK (CC BY 4.0)"
DRAWN = {"shapeOptions": {"color": "#0b63ce", "fillOpacity": 0.1}}
ZOOM = 14


class LiveMap:
    """A map with the extent of the data; a polygon drawn on it is answered below it.

    Attributes
    ----------
    map : ipyleaflet.Map
    answer : Assessment or None
        Of the polygon drawn last.
    """

    def __init__(self, layers: xr.Dataset, functie: Any, background: bool, settings: Mapping[str, Any]) -> None:
        leaflet, widgets = _libraries()
        self._layers, self._functie, self._settings = layers, functie, settings
        self.answer: Assessment | None = None
        self._below = widgets.Output()
        self.map = _map_of(leaflet, layers, background)
        control = leaflet.DrawControl(
            polygon=DRAWN, rectangle=DRAWN, polyline={}, circlemarker={}, circle={}, marker={}
        )
        control.on_draw(self.drawn)
        self.map.add(control)
        self._box = widgets.VBox([self.map, self._below])

    def drawn(self, _control: Any, action: str, geo_json: Mapping[str, Any]) -> None:
        """Answer a polygon that was drawn or moved; tell what is wrong with it if it cannot be."""
        if action not in ("created", "edited"):
            return
        plan = gpd.GeoDataFrame(
            {"naam": ["getekend"]}, geometry=[shapely.geometry.shape(geo_json["geometry"])], crs=WGS84
        )
        self._below.outputs = ()
        try:
            self.answer = assess(self._layers, self._functie, plan, **self._settings)
            self._below.append_display_data(self.answer)
        except WaterbodemError as error:
            self.answer = None
            self._below.append_stdout(f"{error}\n")

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._box._repr_mimebundle_(**options)


@either_spelling
def live_map(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    *,
    achtergrond: bool = True,
    **settings: Unpack[AssessSettings],
) -> LiveMap:
    """Return a map to draw polygons on; each is answered at once.

    Parameters
    ----------
    layers : xr.Dataset
        In a CRS that is known.
    functie : str, Functie or list of them
    achtergrond : bool
        The BRT-achtergrondkaart of PDOK behind it, which needs the network.
    **settings
        The keyword arguments of :func:`waterbodem.assess`.

    Returns
    -------
    LiveMap

    Raises
    ------
    ArgumentError
        If ipyleaflet is not installed, or the layers have no CRS.
    """
    return LiveMap(layers, functie, achtergrond, settings)


def _libraries() -> tuple[Any, Any]:
    try:
        import ipyleaflet
        import ipywidgets
    except ImportError as error:
        raise ArgumentError(
            "a library is missing", value=error.name, allowed="pip install 'waterbodem[maps]'"
        ) from None
    return ipyleaflet, ipywidgets


def _map_of(leaflet: Any, layers: xr.Dataset, background: bool) -> Any:
    """Return a map of the extent of the layers."""
    grid = dataset.grid_of(layers)
    if grid.crs is None:
        raise ArgumentError("layers have no CRS, so they have no place on a map", where="layers")
    outline = gpd.GeoSeries([shapely.box(*grid.bounds)], crs=projected(grid.crs, "crs of the layers")).to_crs(WGS84)
    (left, bottom, right, top) = outline.total_bounds
    tiles = [leaflet.TileLayer(url=TILES, attribution=SOURCE, max_zoom=19)] if background else []
    extent = leaflet.GeoJSON(data=outline.__geo_interface__, style={"color": "#1a1a1a", "weight": 1, "fillOpacity": 0})
    centre = (bottom + top) / 2, (left + right) / 2
    return leaflet.Map(center=centre, zoom=ZOOM, layers=(*tiles, extent), scroll_wheel_zoom=True)
