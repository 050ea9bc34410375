"""Polygons at scale: what a table of all functies costs, against exactextract on one raster, as ratios in one run.

exactextract   mean and three quantiles (0.1, 0.5, 0.9) of one float32 raster file over the same polygon file, by the
               faster of its two strategies
polygons       ``wb.run`` with ``[gebieden]`` minus the same run without: coverage, all columns and the Kompas of every
               functie, merging, quantiles, gebieden.gpkg and gebieden.csv
table alone    ``wb.run`` with ``[gebieden]`` and ``maps = []``: reading layers, scoring, the table and nothing else
whole run      ``wb.run`` with ``[gebieden]``: reading layers, scoring and writing the six maps per functie too

Who lies downstream (``benedenstrooms``, grootboek) is asked in none of them: it is no column of the table.

Every measurement is a process of its own with a warm kernel cache; imports are not counted. ``--big`` runs one polygon
as large as the raster instead, and ``--polygons 100000`` parcels: for the peak of memory.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from batch import make_layers
from peer_watch import heard

from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.formats.output_names import MAPS

#: Points on the side of a polygon, and how far they wander, as a share of its length.
POINTS, WANDER = 8, 0.03
#: Of every so many polygons one has a hole, which belongs to the polygon two places on.
HOLED = 12

EXTRACT = """
import sys, time
import geopandas, pyogrio, rasterio
from exactextract import exact_extract
start = time.perf_counter()
what = ["mean", "quantile(q=0.1)", "quantile(q=0.5)", "quantile(q=0.9)"]
polygons = geopandas.read_file(sys.argv[2])
with rasterio.open(sys.argv[1]) as raster:
    exact_extract(raster, polygons, what, strategy=sys.argv[3], output="pandas", include_cols=["naam"])
print(time.perf_counter() - start)
"""

RUN = """
import sys, time
import waterbodem.batch.runner as b
from waterbodem.kernels import fused as gathering
start = time.perf_counter()
b.run(sys.argv[1], workers=int(sys.argv[2]))
print(time.perf_counter() - start)
"""


def tiling(grid: Grid, count: int, rng: np.random.Generator) -> list[shapely.Geometry]:
    """Irregular polygons of uneven sizes that tile the grid, some with a hole and some of two parts."""
    n = max(1, round(count**0.5))
    corners = _corners(grid, n, rng)
    right = _sides(corners[:, :-1], corners[:, 1:], rng, straight=(0, n))
    down = _sides(corners[:-1], corners[1:], rng, straight=None)
    down[:, 0, :, 0], down[:, -1, :, 0] = grid.bounds[0], grid.bounds[2]
    rings = [
        np.vstack([right[i, j], down[i, j + 1], corners[i + 1, j + 1], right[i + 1, j][::-1], down[i, j][::-1]])
        for i in range(n)
        for j in range(n)
    ]
    return _exchange([shapely.Polygon(r) for r in rings])


def _corners(grid: Grid, n: int, rng: np.random.Generator) -> np.ndarray:
    """Corners of n x n quadrangles (n + 1, n + 1, 2): rows and columns of uneven width, inner corners moved."""
    xmin, ymin, xmax, ymax = grid.bounds
    steps = [np.concatenate([[0], np.cumsum(rng.lognormal(0, 0.35, n))]) for _ in range(2)]
    x, y = steps[0] / steps[0][-1] * (xmax - xmin) + xmin, steps[1] / steps[1][-1] * (ymax - ymin) + ymin
    corners = np.stack(np.meshgrid(x, y), axis=-1)
    room = np.minimum(np.diff(x).min(), np.diff(y).min()) * 0.3
    corners[1:-1, 1:-1] += rng.uniform(-room, room, (n - 1, n - 1, 2))
    return corners


def _sides(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, straight: tuple[int, int] | None) -> np.ndarray:
    """Points from corner a up to corner b (.., POINTS, 2), wandering off the straight line."""
    share = np.arange(POINTS)[:, None] / POINTS
    points = a[..., None, :] + share * (b - a)[..., None, :]
    length = np.linalg.norm(b - a, axis=-1)[..., None, None]
    off = rng.uniform(-WANDER, WANDER, points.shape) * length
    off[..., 0, :] = 0
    if straight is not None:
        off[list(straight)] = 0
    return points + off


def _exchange(polygons: list[shapely.Geometry]) -> list[shapely.Geometry]:
    """Give a piece from the middle of some polygons to another one."""
    for i in range(0, len(polygons) - 2, HOLED):
        centre = polygons[i].centroid
        hole = centre.buffer(0.25 * polygons[i].area ** 0.5, quad_segs=4)
        if polygons[i].contains(hole):
            polygons[i] = polygons[i].difference(hole)
            polygons[i + 2] = shapely.union(polygons[i + 2], hole)
    return polygons


def write_polygons(folder: Path, polygons: list[shapely.Geometry], crs: str) -> None:
    names = [f"buurt {i}" for i in range(len(polygons))]
    gpd.GeoDataFrame({"naam": names}, geometry=polygons, crs=crs).to_file(folder / "gebieden.gpkg", layer="gebieden")


def write_runs(folder: Path, ids: list[str]) -> None:
    named = ", ".join(f'"{i}"' for i in ids)
    text = f'layers = "lagen.toml"\nfuncties = [{named}]\noutput = "uit"\nmaps = {{}}\n'
    areas = '[gebieden]\npath = "gebieden.gpkg"\n'
    (folder / "zonder.toml").write_text(text.format(list(MAPS)), encoding="utf-8")
    (folder / "met.toml").write_text(text.format(list(MAPS)) + areas, encoding="utf-8")
    (folder / "tabel.toml").write_text(text.format([]) + areas, encoding="utf-8")


def child(code: str, *arguments: object) -> tuple[float, float]:
    """Run code in a fresh process; return the seconds it prints last, and peak with its children [GB]."""
    _, peak, said = heard([sys.executable, "-c", code, *map(str, arguments)])
    return float(said.split()[-1]), peak


def run(folder: Path, file: str, threads: int) -> tuple[float, float]:
    shutil.rmtree(folder / "uit", ignore_errors=True)
    return child(RUN, folder / file, threads)


def extract(folder: Path, strategy: str) -> float:
    return child(EXTRACT, folder / "wateroverlast.tif", folder / "gebieden.gpkg", strategy)[0]


def compare(folder: Path, pairs: int, threads: int) -> Iterator[tuple[float, ...]]:
    """Yield seconds of exactextract, of a run without and with polygons and of its table alone, and the peak [GB]."""
    tried = {s: extract(folder, s) for s in ("feature-sequential", "raster-sequential")}
    best = min(tried, key=lambda s: tried[s])
    print("  exactextract " + ", ".join(f"{s} {t:.1f} s" for s, t in tried.items()), flush=True)
    run(folder, "met.toml", threads)  # leaves its kernels compiled
    for _ in range(pairs):
        seconds = extract(folder, best)
        without, _ = run(folder, "zonder.toml", threads)
        whole, peak = run(folder, "met.toml", threads)
        table, _ = run(folder, "tabel.toml", threads)
        print(
            f"  exactextract {seconds:.1f} s, run {without:.1f} s, with polygons {whole:.1f} s, {peak:.2f} GB, "
            f"table alone {table:.1f} s",
            flush=True,
        )
        yield seconds, without, whole, table, peak


def spread(name: str, values: list[float]) -> None:
    print(f"  {name} {statistics.median(values):.2f} ({min(values):.2f} .. {max(values):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--cols", type=int, default=6000)
    parser.add_argument("--polygons", type=int, default=10_000)
    parser.add_argument("--functies", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--big", action="store_true", help="one polygon as large as the raster")
    parser.add_argument("--memory", action="store_true", help="the run with polygons only, for its peak")
    parser.add_argument("--keep", type=Path, help="folder to leave layers in, and to take them from")
    options = parser.parse_args()
    ids = list(registry.load_functies())[: options.functies]
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(exist_ok=True)
        grid = make_layers(folder, options.rows, options.cols)
        polygons = tiling(grid, 1 if options.big else options.polygons, np.random.default_rng(1))
        write_polygons(folder, polygons, str(grid.crs))
        write_runs(folder, ids)
        print(
            f"{grid.rows} x {grid.cols} cells, {len(polygons)} polygons, {len(ids)} functies, {options.threads} threads"
        )
        if options.memory:
            seconds, peak = run(folder, "met.toml", options.threads)
            print(f"  {seconds:.0f} s, peak {peak:.2f} GB")
            return
        found = list(compare(folder, options.pairs, options.threads))
        spread("polygons / exactextract", [(whole - without) / e for e, without, whole, *_ in found])
        spread("table alone / exactextract", [table / e for e, _, _, table, _ in found])
        spread("whole run / exactextract", [whole / e for e, _, whole, *_ in found])
        spread("peak of memory [GB]", [peak for *_, peak in found])


if __name__ == "__main__":
    main()
