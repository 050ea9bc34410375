"""Parts put together: one map of the whole grid as a COG, from tiles that exist, in bounded memory."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from waterbodem.batch.compute import PartMap, halves
from waterbodem.batch.part_file import PartReader
from waterbodem.core.errors import CorruptLayer
from waterbodem.core.files import Stage
from waterbodem.core.grid import Grid
from waterbodem.definitions.legends import Legend
from waterbodem.formats.cog import tiff
from waterbodem.formats.cog.tiles import TILE, Pyramid, empty_tile
from waterbodem.formats.cog.writer import levels
from waterbodem.formats.foreign.door import open_raster

#: Bytes of overviews that are kept in memory before they go to a file without a name.
IN_MEMORY = 1 << 22


@dataclass(frozen=True)
class PartPlace:
    """File of a part, and where it lies."""

    path: Path
    grid: Grid


@dataclass
class _Level:
    """Compressed tiles of one overview, in a file without a name, and their sizes."""

    file: Any
    sizes: list[int] = field(default_factory=list)

    def add(self, tile: bytes) -> None:
        self.file.write(tiff.frame_tile(tile))
        self.sizes.append(len(tile))


def stage_map(
    stage: Stage,
    final: Path,
    parts: Sequence[PartPlace],
    product: tuple[int, PartMap],
    grid: Grid,
    legend: Legend | None,
    label: str,
    told: Mapping[str, str] | None = None,
) -> Path:
    """Write one map of all parts as a COG with overviews under a temporary name; return that name.

    Parameters
    ----------
    parts : sequence of Place
        North to south; each starts at a whole tile.
    product : (int, Product)
        Place of the map in a part, and how it is stored.
    grid : Grid
        Of the whole.
    legend : Legend, optional
        Colours; without one the map is float32.
    label : str
        Band description.
    told : mapping of str to str, optional
        Metadata of the file.

    Raises
    ------
    CorruptLayer
        If a part is damaged, or the map does not read back.
    """
    temp = stage.file(final)
    factors = levels(grid)
    with ExitStack() as stack:
        found = [_Level(stack.enter_context(_unnamed(final.parent))) for _ in factors]
        _overviews(found, parts, product, grid)
        whole = _template(grid, product[1], legend, label, told or {})
        images = [(whole, _sizes(parts, product))]
        for factor, level in zip(factors, found, strict=True):
            shape = (-(-grid.rows // factor), -(-grid.cols // factor))
            images.append((tiff.overview_tags(whole, shape), np.array(level.sizes, np.int64)))
        with temp.open("wb") as file:
            file.write(tiff.header(images))
            for level in reversed(found):
                _copy(level.file, file)
            for tile in _tiles(parts, product):
                file.write(tiff.frame_tile(tile))
    _check(temp, grid, str(final))
    return temp


def _unnamed(folder: Path) -> Any:
    return tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder))


def _copy(source: Any, target: BinaryIO) -> None:
    source.seek(0)
    while piece := source.read(IN_MEMORY):
        target.write(piece)


def _overviews(found: Sequence[_Level], parts: Sequence[PartPlace], product: tuple[int, PartMap], grid: Grid) -> None:
    number, kind = product[0], product[1].kind
    if not found:
        return
    pyramid = Pyramid(-(-grid.cols // 2), len(found), kind, lambda level, tile: found[level].add(tile))
    for place in parts:
        with PartReader(place.path) as part:
            for rows, tiles in halves(part, number, place.grid.shape, kind):
                pyramid.push(rows, tiles=tiles)
    pyramid.close()


def _sizes(parts: Sequence[PartPlace], product: tuple[int, PartMap]) -> Any:
    nothing = len(empty_tile(product[1].kind))
    found = []
    for place in parts:
        with PartReader(place.path) as part:
            found.append(part["tiles"][product[0], :, :, 1].reshape(-1))
    sizes = np.concatenate(found)
    return np.where(sizes == 0, nothing, sizes)


def _tiles(parts: Sequence[PartPlace], product: tuple[int, PartMap]) -> Iterator[bytes]:
    """Yield the compressed tiles of the whole image, row by row."""
    nothing = empty_tile(product[1].kind)
    for place in parts:
        with PartReader(place.path) as part:
            for entry in part["tiles"][product[0]].reshape(-1, 3):
                yield part.blob(entry) if entry[1] else nothing


def _template(grid: Grid, product: PartMap, legend: Legend | None, label: str, told: Mapping[str, str]) -> tiff.Tags:
    """Return what GDAL writes about such a map: size, place, CRS, colours, nodata, description."""
    nothing = legend.nodata if legend else math.nan
    size = {"height": grid.rows, "width": grid.cols, "count": 1, "dtype": product.kind.dtype, "nodata": nothing}
    how = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "ZSTD", "SPARSE_OK": True}
    how |= {"predictor": 3} if product.is_float else {"photometric": "palette"}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", crs=grid.crs, transform=grid.transform, BIGTIFF="NO", **size, **how) as file:
            file.set_band_description(1, label)
            file.update_tags(**told)
            if legend:
                file.write_colormap(1, dict(legend.colours))
        return tiff.read_tags(bytes(memory.read()))


def _check(path: Path, grid: Grid, where: str) -> None:
    try:
        with open_raster(path, "GTiff") as file:
            right = file.shape == grid.shape and file.transform.almost_equals(grid.transform, precision=1e-6)
            file.read(1, window=((grid.rows - 1, grid.rows), (grid.cols - 1, grid.cols)))
    except RasterioError as error:
        raise CorruptLayer(f"file does not read back: {error}", where=where) from None
    if not right:
        raise CorruptLayer("file read back differs from what was written", value=grid.shape, where=where)
