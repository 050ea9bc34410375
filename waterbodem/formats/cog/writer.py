"""Rasters out: one array as a cloud-optimised GeoTIFF, the same bytes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile

from waterbodem.core.crs import same_crs
from waterbodem.core.errors import CorruptLayer, OutOfSpace
from waterbodem.core.files import Stage, staging
from waterbodem.core.grid import Grid
from waterbodem.definitions.legends import Legend
from waterbodem.formats.foreign.door import open_raster

Array = NDArray[Any]

#: Side of a tile [cells]; overviews are halved until they fit in one.
TILE = 256

#: Deflate is read by every GIS of the last twenty years; level 1 with libdeflate costs about 20 ns per cell.
OPTIONS = {"BLOCKSIZE": str(TILE), "COMPRESS": "DEFLATE", "LEVEL": "1", "NUM_THREADS": "1", "BIGTIFF": "IF_SAFER"}

#: rekenregels section 4: rounded half up, float noise never decides.
HALF_UP = 0.5 + 1e-4


def percent(values: Array, nodata: int = 255) -> NDArray[np.uint8]:
    """Return shares 0..1 as whole percentages, ``nodata`` where unknown.

    Examples
    --------
    >>> percent(np.array([0.0, 0.125, 0.994, 1.0, np.nan])).tolist()
    [0, 13, 99, 100, 255]
    """
    known = np.isfinite(values)
    rounded = np.floor(100 * np.where(known, values, 0).astype(np.float64) + HALF_UP)
    return np.where(known, np.clip(rounded, 0, 100), nodata).astype(np.uint8)


def write_raster(
    path: str | Path,
    values: Array,
    grid: Grid,
    legend: Legend | None = None,
    label: str = "",
    told: Mapping[str, str] | None = None,
) -> Path:
    """Write an array as a COG, whole or not at all.

    Parameters
    ----------
    path : str or Path
        In a folder that exists.
    values : uint8 or float32 array (rows, cols)
        uint8 with a legend (nodata 255), or float32 (nodata NaN).
    grid : Grid
    legend : Legend, optional
        Colour table, category names (in ``<path>.aux.xml``) and how overviews are made.
    label : str
        Band description.
    told : mapping of str to str, optional
        Metadata of the file.

    Raises
    ------
    OutOfSpace
        If the disk is full.
    ArgumentError
        If the file cannot be written.
    """
    with staging() as stage:
        stage_raster(stage, path, values, grid, legend, label, told)
    return Path(path)


def stage_raster(
    stage: Stage,
    path: str | Path,
    values: Array,
    grid: Grid,
    legend: Legend | None = None,
    label: str = "",
    told: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write as :func:`write_raster` does, under temporary names; return the final ones."""
    final = Path(path)
    temp = stage.file(final)
    temp.write_bytes(cog_bytes(values, grid, legend, label, told))
    verify(temp, values, grid, str(final))
    if legend is None:
        return [final]
    beside = aux_file(final)
    stage.file(beside).write_bytes(pam_bytes(byte_counts(values), legend))
    return [final, beside]


def cog_bytes(
    values: Array, grid: Grid, legend: Legend | None = None, label: str = "", told: Mapping[str, str] | None = None
) -> bytes:
    """Return an array as the bytes of a COG with overviews.

    Made in memory, so that a full disk is met by one plain write, and nothing half-made touches it.
    """
    predictor = {} if legend else {"PREDICTOR": "YES"}
    try:
        with rasterio.Env(GDAL_NUM_THREADS="1"), MemoryFile() as plain, MemoryFile() as cog:
            _write_plain(plain, values, grid, legend, label, told or {})
            rasterio.shutil.copy(
                plain.name, cog.name, driver="COG", OVERVIEWS="FORCE_USE_EXISTING", **OPTIONS, **predictor
            )
            return bytes(cog.read())
    except MemoryError:
        raise OutOfSpace("raster does not fit in memory", value=grid.shape) from None


def _write_plain(
    file: MemoryFile, values: Array, grid: Grid, legend: Legend | None, label: str, told: Mapping[str, str]
) -> None:
    """Write a tiled GeoTIFF with overviews; colours come last, or an average would be taken over colours."""
    with file.open(
        driver="GTiff",
        height=grid.rows,
        width=grid.cols,
        count=1,
        dtype=values.dtype,
        crs=grid.crs,
        transform=grid.transform,
        nodata=legend.nodata if legend else math.nan,
        tiled=True,
        blockxsize=TILE,
        blockysize=TILE,
    ) as out:
        out.write(values, 1)
        out.set_band_description(1, label)
        out.update_tags(**told)
        out.build_overviews(levels(grid), Resampling.mode if legend and legend.classes else Resampling.average)
        if legend:
            out.write_colormap(1, dict(legend.colours))


def levels(grid: Grid) -> list[int]:
    """Return the factors of the overviews: halved until one tile holds all, at least once; never below one cell.

    Examples
    --------
    >>> levels(Grid(0, 0, 5, 5, 1000, 600)), levels(Grid(0, 0, 5, 5, 20, 30)), levels(Grid(0, 0, 5, 5, 1, 9))
    ([2, 4], [2], [])
    """
    wanted = max(math.ceil(math.log2(max(grid.shape) / TILE)), 1)
    count = min(wanted, int(math.log2(min(grid.shape))))
    return [2**i for i in range(1, count + 1)]


def verify(path: Path, values: Array, grid: Grid, where: str) -> None:
    """Read a file back and compare it with what it should hold.

    Raises
    ------
    CorruptLayer
        If shape, place, CRS or any value differs.
    """
    with open_raster(path, "GTiff") as file:
        same = {
            "shape": file.shape == grid.shape,
            "transform": file.transform.almost_equals(grid.transform, precision=1e-6),
            "CRS": _same_crs(file.crs, grid.crs),
            "values": np.array_equal(file.read(1), values, equal_nan=values.dtype.kind == "f"),
        }
    wrong = [name for name, right in same.items() if not right]
    if wrong:
        raise CorruptLayer("file read back differs from what was written", value=", ".join(wrong), where=where)


def _same_crs(found: Any, meant: str | None) -> bool:
    return found is None if meant is None else found is not None and same_crs(found.to_wkt(), meant)


def aux_file(path: Path) -> Path:
    """Return GDAL's file beside a raster: names and colours of its values.

    Examples
    --------
    >>> aux_file(Path("klasse.tif")).name
    'klasse.tif.aux.xml'
    """
    return path.with_name(path.name + ".aux.xml")


def pam_bytes(counts: Array, legend: Legend) -> bytes:
    """Return GDAL's file beside a raster: names of the values and, for percentages, statistics.

    Parameters
    ----------
    counts : int array (256,)
        How often each byte occurs.
    legend : Legend
    """
    root = Xml.Element("PAMDataset")
    band = Xml.SubElement(root, "PAMRasterBand", band="1")
    names = Xml.SubElement(band, "CategoryNames")
    for name in legend.categories():
        Xml.SubElement(names, "Category").text = name
    numbers = {} if legend.classes else statistics(counts, legend.nodata)
    if numbers:
        metadata = Xml.SubElement(band, "Metadata")
        for key, number in numbers.items():
            Xml.SubElement(metadata, "MDI", key=f"STATISTICS_{key}").text = f"{number:.15g}"
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="UTF-8")) + b"\n"


def byte_counts(values: Array) -> NDArray[np.int64]:
    """Return how often each byte occurs (256,)."""
    return np.asarray(np.bincount(values.reshape(-1), minlength=256), np.int64)


def statistics(counts: Array, nodata: int) -> dict[str, float]:
    """Return minimum, maximum, mean and standard deviation of the known cells, from exact counts.

    Examples
    --------
    >>> statistics(byte_counts(np.array([[10, 30], [20, 255]], np.uint8)), 255)["MEAN"]
    20.0
    """
    known = np.where(np.arange(256) == nodata, 0, counts)
    total = int(known.sum())
    if total == 0:
        return {}
    codes = np.arange(256)
    present = np.flatnonzero(known)
    mean = int((known * codes).sum()) / total
    variance = int((known * codes * codes).sum()) / total - mean * mean
    return {
        "MINIMUM": float(present[0]),
        "MAXIMUM": float(present[-1]),
        "MEAN": mean,
        "STDDEV": math.sqrt(max(0.0, variance)),
        "VALID_PERCENT": 100 * total / int(counts.sum()),
    }
