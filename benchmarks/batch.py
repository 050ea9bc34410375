"""File to file: a batch run against the floor of reading and writing alone, as ratios in one run.

floor   rasterio reads the same windows of the same layers once with the same threads, and writes the same final arrays
        to the same final files, overviews and COG step included, no arithmetic (floor.py)

The picture per functie, which the floor has no counterpart of, is left out (`pictures = false`) and told apart.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import floor
import numpy as np
import rasterio
from peer_watch import watched
from rasterio.windows import Window

from waterbodem.core.grid import Grid, on_multiples
from waterbodem.definitions import registry
from waterbodem.formats.output_names import MAPS
from waterbodem.layers.fiction.landscape import PROVINCE, example_tile

LAYERS = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
UNITS = {name: registry.layer_kinds()[name].unit for name in LAYERS}
ROWS = TILE = 512
OUTPUT = "uit"


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


def run(
    folder: Path, ids: Sequence[str], threads: int, *, again: bool = False, pictures: str = "false"
) -> tuple[float, float]:
    """Seconds and peak GB of a run by the command line, a fresh process with a warm kernel cache, from its start on."""
    if not again:
        shutil.rmtree(folder / OUTPUT, ignore_errors=True)
    named = ", ".join(f'"{i}"' for i in ids)
    text = f'layers = "lagen.toml"\nfuncties = [{named}]\noutput = "{OUTPUT}"\npictures = {pictures}\n'
    (folder / "run.toml").write_text(text, encoding="utf-8")
    only = ["taskset", "-c", "0"] if threads == 1 else ["env", f"WATERBODEM_THREADS={threads}"]
    return watched([*only, sys.executable, "-m", "waterbodem", "run", str(folder / "run.toml")])


@dataclass
class Figures:
    """Measured in interleaved rounds."""

    one: list[float]
    fifteen: list[float]
    single: list[float]
    floor_one: list[float]
    floor_fifteen: list[float]
    resume: list[float]
    drawn: list[float]
    peak: float = 0.0


def measure(folder: Path, rounds: int, threads: int, ids: Sequence[str]) -> Figures:
    found = Figures([], [], [], [], [], [], [])
    run(folder, ids, threads)  # kernels compiled, layers in the page cache
    known = floor.finished(folder / OUTPUT, [f"{i}/{m}" for i in ids for m in MAPS])
    of_one = {name: known[name] for name in (f"{ids[0]}/{m}" for m in MAPS)}
    layers = [folder / f"{n}.tif" for n in LAYERS]

    def least(arrays: dict[str, np.ndarray]) -> float:
        seconds = floor.write_floor(layers, arrays, folder / "floor", threads)
        shutil.rmtree(folder / "floor")
        return seconds

    for _ in range(rounds):
        found.floor_one.append(least(of_one))
        found.one.append(run(folder, ids[:1], threads)[0])
        found.drawn.append(run(folder, ids[:1], threads, pictures="true")[0])
        found.single.append(run(folder, ids[:1], 1)[0])
        if len(ids) == 1:
            continue
        found.floor_fifteen.append(least(known))
        seconds, peak = run(folder, ids, threads)
        found.fifteen.append(seconds)
        found.peak = max(found.peak, peak)
        found.resume.append(run(folder, ids, threads, again=True)[0])
    return found


def told(label: str, values: Sequence[float], form: str = ".2f") -> str:
    low, middle, high = (format(f(values), form) for f in (min, statistics.median, max))
    return f"  {label:60s} {middle}  ({low} .. {high})"


def report(found: Figures, cells: int) -> str:
    ns = 1e9 / cells

    def ratio(a: Sequence[float], b: Sequence[float], share: float = 1.0) -> list[float]:
        return [share * x / y for x, y in zip(a, b, strict=False)]

    rows: list[tuple[str, Sequence[float], str]] = [
        ("one functie, run [ns/cell]", [s * ns for s in found.one], ".0f"),
        ("one functie, floor [ns/cell]", [s * ns for s in found.floor_one], ".0f"),
        ("one functie, run / floor (at most 1.25)", ratio(found.one, found.floor_one), ".2f"),
        (
            "one functie with its picture, more seconds",
            [a - b for a, b in zip(found.drawn, found.one, strict=True)],
            ".2f",
        ),
        ("15 functies, run [ns/cell]", [s * ns for s in found.fifteen], ".0f"),
        ("15 functies, floor [ns/cell]", [s * ns for s in found.floor_fifteen], ".0f"),
        ("15 functies, run / floor (at most 1.4)", ratio(found.fifteen, found.floor_fifteen), ".2f"),
        ("15 functies / fifteen runs of one (at most 0.75)", ratio(found.fifteen, found.one, 1 / 15), ".2f"),
        ("one functie, one processor / two (at least 1.7)", ratio(found.single, found.one), ".2f"),
        ("run of 15 again, all there [s] (under 5)", found.resume, ".2f"),
    ]
    lines = [told(*row) for row in rows if row[1]]
    if not found.fifteen:
        return "\n".join(lines)
    return "\n".join([*lines, f"  {'peak memory of 15 functies [GB] (under 1.5)':60s} {found.peak:.2f}"])


def province(folder: Path, threads: int) -> str:
    """One run of all functies, told as it is."""
    seconds, peak = run(folder, list(registry.load_functies()), threads, pictures="true")
    size = sum(p.stat().st_size for p in (folder / OUTPUT).rglob("*.tif"))
    return f"  15 functies: {seconds:.0f} s, peak memory {peak:.2f} GB, maps {size / 1e9:.2f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--cols", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5, help="0: one run of 15 functies, without the floor")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--functies", type=int, choices=(1, 15), default=15, help="1: those of one functie only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        make_layers(Path(name), options.rows, options.cols)
        if options.rounds:
            ids = list(registry.load_functies())[: options.functies]
            text = report(measure(Path(name), options.rounds, options.threads, ids), options.rows * options.cols)
        else:
            text = province(Path(name), options.threads)
    print(f"{options.rows} x {options.cols} cells, {options.threads} threads, {options.rounds} interleaved rounds")
    print(text)


if __name__ == "__main__":
    main()
