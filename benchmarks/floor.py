"""The least that reading and writing costs, by plain rasterio: layers in by window, known arrays out as COGs.

Of the plain ways tried, the fastest is kept: the maps go into uncompressed tiled GTiffs by window, get their overviews
there, and are copied by the COG driver with the overviews they have, one map a thread. Compressing the first file,
letting the COG driver make the overviews, or giving its threads to one map at a time all cost more.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.windows import Window

Arrays = dict[str, np.ndarray]
#: Of a window's place and the arrays read there: the maps to write, by name.
Work = Callable[[Window, Arrays], Mapping[str, np.ndarray]]

#: Side of a tile of the layers and of the files between.
TILE = 512
#: Side of a tile of the final maps, and the size at which their overviews end: as in waterbodem's own.
FINAL_TILE = 256
#: Columns of a window; a batch run reads the same.
COLUMNS = 4096
NODATA = 255
#: Maps of codes, which have no mean: their overviews take the most frequent value.
CODES = ("klasse", "bepalend", "oorzaak")
#: Bytes that GDAL may keep of blocks.
CACHE = 64 << 20


def windows(rows: int, cols: int, columns: int = COLUMNS) -> list[Window]:
    """Windows of whole tiles that cover a raster."""
    return [
        Window(c, r, min(columns, cols - c), min(TILE, rows - r))
        for r in range(0, rows, TILE)
        for c in range(0, cols, columns)
    ]


class Sources:
    """The layers, opened once in every thread that reads them."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self.layers = layers
        self.mine = threading.local()
        with rasterio.open(layers[0]) as file:
            self.place = {key: file.profile[key] for key in ("crs", "transform", "height", "width")}

    def read(self, window: Window) -> Arrays:
        if not hasattr(self.mine, "files"):
            self.mine.files = [rasterio.open(path) for path in self.layers]
        return {path.stem: f.read(1, window=window) for path, f in zip(self.layers, self.mine.files, strict=True)}


class Sink:
    """A tiled, uncompressed GTiff that threads write windows of."""

    def __init__(self, path: Path, place: Mapping[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        tiles = {"tiled": True, "blockxsize": TILE, "blockysize": TILE}
        self.file = rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, nodata=NODATA, **tiles, **place)
        self.lock = threading.Lock()

    def write(self, values: np.ndarray, window: Window) -> None:
        with self.lock:
            self.file.write(values, 1, window=window)


def plain(folder: Path, name: str) -> Path:
    """The file of a map before it is a COG."""
    return folder / f"{name}.plain.tif"


def by_window(
    layers: Sequence[Path], names: Sequence[str], folder: Path, threads: int, work: Work, columns: int = COLUMNS
) -> None:
    """Read every layer once by window, in threads, and write the maps that ``work`` makes as COGs."""
    sources = Sources(layers)
    with rasterio.Env(GDAL_CACHEMAX=CACHE), ExitStack() as stack:
        sinks = {name: Sink(plain(folder, name), sources.place) for name in names}
        for sink in sinks.values():
            stack.callback(sink.file.close)

        def one(window: Window) -> None:
            for name, values in work(window, sources.read(window)).items():
                sinks[name].write(values, window)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, windows(sources.place["height"], sources.place["width"], columns)))
    cogs({name: plain(folder, name) for name in names}, folder, threads)


def cog(source: Path, final: Path, codes: bool) -> None:
    """Give a plain file overviews, copy it to a COG, and remove it."""
    with rasterio.open(source, "r+") as file:
        count = max(1, math.ceil(math.log2(max(file.shape) / FINAL_TILE)))
        how = Resampling.mode if codes else Resampling.average
        file.build_overviews([2**i for i in range(1, count + 1) if 2**i <= min(file.shape)], how)
    options = {"BLOCKSIZE": str(FINAL_TILE), "COMPRESS": "ZSTD", "LEVEL": "1", "OVERVIEWS": "FORCE_USE_EXISTING"}
    rasterio.shutil.copy(source, final, driver="COG", **options)
    source.unlink()


def cogs(sources: Mapping[str, Path], folder: Path, threads: int) -> None:
    """Turn plain files into ``folder/<name>.tif``, one map a thread."""

    def one(name: str) -> None:
        cog(sources[name], folder / f"{name}.tif", Path(name).name in CODES)

    with rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_TIFF_OVR_BLOCKSIZE=FINAL_TILE), ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, sources))


def write_floor(layers: Sequence[Path], outputs: Mapping[str, np.ndarray], folder: Path, threads: int) -> float:
    """Read the layers by window and write known arrays to ``folder/<name>.tif``; no arithmetic.

    Parameters
    ----------
    layers : sequence of Path
        GTiffs on one grid.
    outputs : mapping of str to uint8 array (rows, cols)
        Names such as ``woningbouw/klasse``.
    folder : Path
        Made here; where the COGs go.
    threads : int

    Returns
    -------
    float
        Seconds.
    """
    start = time.perf_counter()

    def known(window: Window, _read: Arrays) -> Arrays:
        rows, cols = window.toslices()
        return {name: array[rows, cols] for name, array in outputs.items()}

    by_window(layers, list(outputs), folder, threads, known)
    return time.perf_counter() - start


def finished(folder: Path, names: Sequence[str]) -> Arrays:
    """Maps of a finished run, in memory before the clock starts."""
    found = {}
    for name in names:
        with rasterio.open(folder / f"{name}.tif") as file:
            found[name] = file.read(1)
    return found
