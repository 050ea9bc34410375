"""Real files for the tests of reading: written small, by hand."""

from __future__ import annotations

import json

import numpy as np
import rasterio
from affine import Affine

RD = "EPSG:28992"
LEFT, TOP = 230_000.0, 560_000.0


def raster(path, values, *, left=LEFT, top=TOP, cell=10.0, crs=RD, nodata=None, transform=None, **more):
    """Write a GTiff and return its path."""
    values = np.asarray(values)
    bands = values if values.ndim == 3 else values[None]
    scale, offset = more.pop("scale", None), more.pop("offset", None)
    profile = {
        "driver": "GTiff",
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": crs,
        "transform": transform or Affine(cell, 0, left, 0, -cell, top),
        "nodata": nodata,
        **more,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(bands)
        if scale is not None:
            out.scales, out.offsets = [scale] * len(bands), [offset or 0.0] * len(bands)
    return path


def catalogue(folder, text, name="lagen.toml"):
    """Write a lagen.toml and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def layer(name, path, unit, **keys):
    """Return the text of one layer table."""
    lines = [f'[layers."{name}"]', f'path = "{path}"', f'unit = "{unit}"']
    lines += [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def polygons(path, rings, *, crs=RD):
    """Write GeoJSON: a list of (ring, properties)."""
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for ring, properties in rings
    ]
    data = {"type": "FeatureCollection", "features": features}
    if crs:
        data["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def square(xmin, ymin, xmax, ymax):
    """Return a closed ring."""
    return [[xmin, ymin], [xmax, ymin], [xmax, ymax], [xmin, ymax], [xmin, ymin]]
