"""Parts put together: one map of the whole grid as a COG, streamed, so that memory does not grow with the map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError

from waterbodem.atomic import Stage
from waterbodem.colours import Legend
from waterbodem.errors import CorruptLayer, OutOfSpace
from waterbodem.grid import Grid
from waterbodem.parts import GDAL_CACHE, TILE
from waterbodem.raster_files import levels

#: ZSTD level 1 costs 3 to 5 ns per byte, deflate ten times that; every GDAL since 2.3 reads it.
OPTIONS = {"BLOCKSIZE": str(TILE), "COMPRESS": "ZSTD", "LEVEL": "1", "NUM_THREADS": "1", "BIGTIFF": "IF_SAFER"}
OVERVIEWS = {"COMPRESS_OVERVIEW": "ZSTD", "ZSTD_LEVEL_OVERVIEW": 1, "GDAL_TIFF_OVR_BLOCKSIZE": str(TILE)}


def stage_map(
    stage: Stage,
    final: Path,
    parts: Sequence[tuple[Path, Grid]],
    band: int,
    grid: Grid,
    legend: Legend | None,
    label: str,
) -> Path:
    """Write one band of all parts as a COG with overviews under a temporary name; return that name.

    Parameters
    ----------
    parts : sequence of (Path, Grid)
        Files and where they lie, north to south.
    band : int
        Band of the parts, from 1.
    grid : Grid
        Of the whole.
    legend : Legend, optional
        Colours; without one the map is float32.
    """
    temp = stage.file(final)
    try:
        _write(stage, temp, parts, band, grid, legend, label)
    except (CPLE_BaseError, RasterioError) as error:
        raise OutOfSpace("map cannot be written: is the disk full?", value=str(error), where=final.name) from error
    _check(temp, grid, str(final))
    return temp


def _write(
    stage: Stage,
    temp: Path,
    parts: Sequence[tuple[Path, Grid]],
    band: int,
    grid: Grid,
    legend: Legend | None,
    label: str,
) -> None:
    plain = stage.scratch(temp.with_name(temp.name + ".vrt"))
    stage.scratch(plain.with_name(plain.name + ".ovr"))
    plain.write_bytes(_vrt(parts, band, grid, legend, label, colours=False))
    classes = legend is not None and legend.classes
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE, **OVERVIEWS):
        with rasterio.open(plain, "r+", driver="VRT") as file:
            file.build_overviews(levels(grid), Resampling.mode if classes else Resampling.average)
        plain.write_bytes(_vrt(parts, band, grid, legend, label, colours=True))
        predictor = {} if legend else {"PREDICTOR": "YES"}
        rasterio.shutil.copy(plain, temp, driver="COG", OVERVIEWS="FORCE_USE_EXISTING", **OPTIONS, **predictor)


def _check(path: Path, grid: Grid, where: str) -> None:
    with rasterio.open(path, driver="GTiff") as file:
        if file.shape != grid.shape or not file.transform.almost_equals(grid.transform, precision=1e-6):
            raise CorruptLayer("file read back differs from what was written", value=file.shape, where=where)


def _vrt(
    parts: Sequence[tuple[Path, Grid]], band: int, grid: Grid, legend: Legend | None, label: str, *, colours: bool
) -> bytes:
    root = Xml.Element("VRTDataset", rasterXSize=str(grid.cols), rasterYSize=str(grid.rows))
    if grid.crs is not None:
        Xml.SubElement(root, "SRS").text = rasterio.crs.CRS.from_user_input(grid.crs).to_wkt()
    Xml.SubElement(root, "GeoTransform").text = ", ".join(repr(float(v)) for v in grid.transform.to_gdal())
    kind = "Byte" if legend else "Float32"
    node = Xml.SubElement(root, "VRTRasterBand", dataType=kind, band="1", blockXSize=str(TILE), blockYSize=str(TILE))
    Xml.SubElement(node, "Description").text = label
    Xml.SubElement(node, "NoDataValue").text = str(legend.nodata) if legend else "nan"
    if legend and colours:
        _colour_table(node, legend)
    for path, place in parts:
        _source(node, path, place, band, round((grid.top - place.top) / grid.dy))
    return bytes(Xml.tostring(root))


def _colour_table(node: Xml.Element, legend: Legend) -> None:
    Xml.SubElement(node, "ColorInterp").text = ColorInterp.palette.name.capitalize()
    table = Xml.SubElement(node, "ColorTable")
    for value in range(256):
        rgba = legend.colours.get(value, (0, 0, 0, 0))
        Xml.SubElement(table, "Entry", {f"c{i + 1}": str(c) for i, c in enumerate(rgba)})


def _source(node: Xml.Element, path: Path, place: Grid, band: int, row: int) -> None:
    source = Xml.SubElement(node, "SimpleSource")
    Xml.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(path.resolve())
    Xml.SubElement(source, "SourceBand").text = str(band)
    size = {"xSize": str(place.cols), "ySize": str(place.rows)}
    Xml.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **size})
    Xml.SubElement(source, "DstRect", {"xOff": "0", "yOff": str(row), **size})
