"""File to file: a batch run against the floor of reading and writing alone, as ratios in one run.

floor   rasterio reads the same windows of the same layers once with the same threads, and writes the same final arrays
        to the same final files (tiled GeoTIFF, then COG with overviews), no arithmetic
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from waterbodem import registry
from waterbodem.grid import Grid, on_multiples
from waterbodem.landscape import PROVINCE, example_tile
from waterbodem.parts import MAPS

LAYERS = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
UNITS = {name: registry.layer_kinds()[name].unit for name in LAYERS}
ROWS = TILE = 512


def make_layers(folder: Path, rows: int, cols: int) -> Grid:
    """Write a part of the fictitious province as float32 ZSTD GeoTIFFs of 5 m, and a lagen.toml."""
    grid = on_multiples(PROVINCE, 5.0, "EPSG:28992").part(slice(0, rows), slice(0, cols))
    size = {"height": grid.rows, "width": grid.cols, "count": 1, "dtype": "float32", "blockxsize": TILE}
    how = {"driver": "GTiff", "tiled": True, "blockysize": TILE, "compress": "ZSTD", "zstd_level": 1, "nodata": np.nan}
    files = {
        n: rasterio.open(folder / f"{n}.tif", "w", crs=grid.crs, transform=grid.transform, **size, **how)
        for n in LAYERS
    }
    for first in range(0, grid.rows, ROWS):
        part = grid.part(slice(first, first + ROWS), slice(0, grid.cols))
        tile = example_tile(part, LAYERS)
        for name, file in files.items():
            values = np.where(np.isinf(tile[name]), np.float32(9999), tile[name])
            file.write(values, 1, window=Window(0, first, part.cols, part.rows))
    for file in files.values():
        file.close()
    write_catalogue(folder)
    return grid


def write_catalogue(folder: Path) -> None:
    lines = ['title = "Deel van een verzonnen provincie"']
    for name, unit in UNITS.items():
        lines += [f"[layers.{name}]", f'path = "{name}.tif"', f'unit = "{unit}"']
        lines += ['sign = "up"'] if name == "kwel" else []
        lines += ["absent = 9999"] if name == "keileemdiepte" else []
    (folder / "lagen.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def final_arrays(run: Path, ids: list[str]) -> dict[tuple[str, str], Path]:
    """The maps of a finished run: what the floor must write."""
    return {(i, m): run / i / f"{m}.tif" for i in ids for m in MAPS}


class Known:
    """The final arrays, in memory before the clock starts."""

    def __init__(self, paths: dict[tuple[str, str], Path]) -> None:
        self.arrays = {}
        for key, path in paths.items():
            with rasterio.open(path) as file:
                self.arrays[key] = file.read(1)


def floor_rows(folder: Path, files: dict, grid: Grid, first: int, known: Known, locks: dict) -> None:
    """Read the layers of a band of rows, and write the final arrays of it."""
    rows = min(ROWS, grid.rows - first)
    window = Window(0, first, grid.cols, rows)
    for name in LAYERS:
        with rasterio.open(folder / f"{name}.tif") as file:
            file.read(1, window=window)
    for key, file in files.items():
        with locks[key]:
            file.write(known.arrays[key][first : first + rows], 1, window=window)


def floor(folder: Path, target: Path, grid: Grid, known: Known, ids: list[str], threads: int) -> float:
    """Seconds of reading and writing alone, with plain rasterio."""
    start = time.perf_counter()
    target.mkdir()
    place = {"height": grid.rows, "width": grid.cols, "crs": grid.crs, "transform": grid.transform}
    how = {"driver": "GTiff", "dtype": "uint8", "count": 1, "nodata": 255, "tiled": True}
    how |= {"blockxsize": TILE, "blockysize": TILE, "compress": "ZSTD", "zstd_level": 1}
    keys = [(i, m) for i in ids for m in MAPS]
    files = {k: rasterio.open(target / f"{k[0]}-{k[1]}-plain.tif", "w", **place, **how) for k in keys}
    locks = {k: threading.Lock() for k in keys}

    def copy(key: tuple[str, str]) -> None:
        name = target / f"{key[0]}-{key[1]}"
        options = {"BLOCKSIZE": TILE, "COMPRESS": "ZSTD", "LEVEL": 1, "NUM_THREADS": 1}
        rasterio.shutil.copy(f"{name}-plain.tif", f"{name}.tif", driver="COG", **options)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda r: floor_rows(folder, files, grid, r, known, locks), range(0, grid.rows, ROWS)))
        for file in files.values():
            file.close()
        list(pool.map(copy, keys))
    return time.perf_counter() - start


RUN = """
import sys, time, resource
import waterbodem.batch as b
from waterbodem.kernels import scoring, burden
start = time.perf_counter()
b.run(sys.argv[1], workers=int(sys.argv[2]))
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def run(folder: Path, ids: list[str], threads: int) -> tuple[float, float]:
    """Seconds and peak GB of a run in a fresh process with a warm kernel cache."""
    shutil.rmtree(folder / "uit", ignore_errors=True)
    named = ", ".join(f'"{i}"' for i in ids)
    text = f'layers = "lagen.toml"\nfuncties = [{named}]\noutput = "uit"\n'
    (folder / "run.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUN, str(folder / "run.toml"), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--cols", type=int, default=6000)
    parser.add_argument("--functies", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    ids = list(registry.load_functies())[: options.functies]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = make_layers(folder, options.rows, options.cols)
        run(folder, ids, options.threads)
        known = Known(final_arrays(folder / "uit", ids))
        ratios, times, floors = [], [], []
        for pair in range(options.pairs):
            floors.append(floor(folder, folder / f"floor{pair}", grid, known, ids, options.threads))
            shutil.rmtree(folder / f"floor{pair}")
            seconds, peak = run(folder, ids, options.threads)
            times.append(seconds)
            ratios.append(seconds / floors[-1])
        ns = 1e9 / (grid.rows * grid.cols)
        print(f"{grid.rows} x {grid.cols} cells, {len(ids)} functie(s), {options.threads} threads")
        print(f"  floor {statistics.median(floors) * ns:.0f} ns/cell, run {statistics.median(times) * ns:.0f} ns/cell")
        print(f"  run / floor {statistics.median(ratios):.2f} ({min(ratios):.2f} .. {max(ratios):.2f})")
        print(f"  peak memory of the run {peak:.2f} GB")


if __name__ == "__main__":
    main()
