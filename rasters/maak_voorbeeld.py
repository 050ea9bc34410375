"""Make rasters/voorbeeld: the fictitious area as files, the same bytes every time.

Usage: python rasters/maak_voorbeeld.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import features

from waterbodem.core.grid import Grid
from waterbodem.layers.fiction.areas import example_boards, example_plans
from waterbodem.layers.fiction.landscape import example_grid, example_tile
from waterbodem.layers.fiction.numbers import CRS

SIZE, RESOLUTION = 200, 10.0
FOLDER = Path(__file__).parent / "voorbeeld"
UNKNOWN = -9999.0
ABSENT = 9999.0
Encode = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Form:
    """How one layer is stored: type, nodata, rounding and what makes file values of it."""

    dtype: str = "float32"
    nodata: float = UNKNOWN
    decimals: int = 3
    encode: Encode = lambda values: values


def _centimetres(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values * 100


def _absent_as_number(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isposinf(values), ABSENT, values)


FORMS = {
    "zettingsgevoeligheid": Form(),
    "wateroverlast": Form("int16", decimals=0, encode=_centimetres),
    "wateroverlast@2050Hd": Form("int16", decimals=0, encode=_centimetres),
    "droogte": Form(decimals=1),
    "droogte@2050Hd": Form(decimals=1),
    "keileemdiepte": Form(decimals=2, encode=_absent_as_number),
    "kwel": Form(decimals=2, encode=np.negative),
    "ghg": Form("int16", decimals=0, encode=_centimetres),
    "gvg": Form("int16", decimals=0, encode=_centimetres),
    "glg": Form("int16", decimals=0, encode=_centimetres),
    "veendikte": Form("uint8", 255, decimals=1, encode=lambda v: v * 10),
    "maaiveld": Form(decimals=2),
    "grondwaterbescherming": Form("uint8", 255, decimals=0),
    "natuur": Form("uint8", 255, decimals=0),
    "inundatie": Form("int16", decimals=0, encode=_centimetres),
    "inundatie@2050Hd": Form("int16", decimals=0, encode=_centimetres),
    "gebruik": Form("uint8", 255, decimals=0),
    "water": Form("uint8", 255, decimals=0),
}


def make(folder: Path = FOLDER) -> None:
    """Write rasters, beekdal, plans and water boards; lagen.toml beside them is written by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = example_grid(SIZE, RESOLUTION)
    layers = example_tile(grid, scenarios=True)
    for name, form in FORMS.items():
        write_raster(folder / f"{name.replace('@', '_')}.tif", layers[name], grid, form)
    write_vector(folder / "beekdal.geojson", valleys(layers["beekdal"], grid))
    write_vector(folder / "plannen.geojson", example_plans(grid))
    write_vector(folder / "waterschappen.geojson", example_boards())


def write_raster(path: Path, values: NDArray[np.float32], grid: Grid, form: Form) -> None:
    """Write one layer as a tiled GeoTIFF."""
    numbers = np.round(form.encode(values.astype(np.float64)), form.decimals)  # numpy 1 would count on in float32
    stored = np.where(np.isnan(numbers), form.nodata, numbers).astype(form.dtype)
    profile = {
        "driver": "GTiff",
        "dtype": form.dtype,
        "nodata": form.nodata,
        "count": 1,
        "height": grid.rows,
        "width": grid.cols,
        "crs": CRS,
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 3 if form.dtype == "float32" else 2,
        "zlevel": 9,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(stored, 1)
        target.update_tags(verzonnen="1", bron="waterbodem, verzonnen voorbeeld")


def valleys(inside: NDArray[np.float32], grid: Grid) -> gpd.GeoDataFrame:
    """Return the stream valleys as polygons along the cell edges."""
    mask = inside == 1
    found = features.shapes(mask.astype(np.uint8), mask=mask, transform=grid.transform)
    rows = [{"type": "Feature", "properties": {"beekdal": 1}, "geometry": g} for g, _ in found]
    return gpd.GeoDataFrame.from_features(rows, crs=CRS)


def write_vector(path: Path, table: gpd.GeoDataFrame) -> None:
    """Write GeoJSON in RD, marked as fiction; text has no dates, so the bytes stay the same."""
    data = json.loads(table.to_json(drop_id=True))
    head = {
        "type": "FeatureCollection",
        "name": path.stem,
        "verzonnen": True,
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}},
    }
    text = json.dumps({**head, "features": data["features"]}, ensure_ascii=False)
    lines = text.replace('{"type": "Feature",', '\n{"type": "Feature",')
    path.write_text(lines + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
