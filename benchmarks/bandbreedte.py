"""The range of answers: what it adds to a run with polygons, as a ratio of processor time in one run.

Two runs on the same layers and polygons, one with ``bandbreedte = false``: the table alone (``maps = []``), which is
the hardest for the range, or with all maps (``--maps``). Each is a process of its own with a warm kernel cache, its
start and imports counted in both. Processor time, for a machine that does other things too; asked is at most 2.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from batch import make_layers
from polygons import tiling, write_polygons

from waterbodem.definitions import registry
from waterbodem.formats.output_names import MAPS

RUN = "import sys, waterbodem.batch.runner as b; b.run(sys.argv[1], workers=int(sys.argv[2]))"


def write_runs(folder: Path, ids: list[str], maps: bool) -> None:
    chosen = json.dumps(list(MAPS) if maps else [])
    text = f'layers = "lagen.toml"\nfuncties = {json.dumps(ids)}\noutput = "uit"\nmaps = {chosen}\npictures = false\n'
    text += '[gebieden]\npath = "gebieden.gpkg"\n'
    (folder / "met.toml").write_text(text, encoding="utf-8")
    (folder / "zonder.toml").write_text(text + "bandbreedte = false\n", encoding="utf-8")


def seconds(folder: Path, name: str, threads: int) -> float:
    """Processor time of a run and all that it starts."""
    shutil.rmtree(folder / "uit", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", RUN, str(folder / name), str(threads)], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=6000)
    parser.add_argument("--polygons", type=int, default=10_000)
    parser.add_argument("--functies", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--maps", action="store_true", help="write all maps too")
    options = parser.parse_args()
    ids = list(registry.load_functies())[: options.functies]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = make_layers(folder, options.side, options.side)
        polygons = tiling(grid, options.polygons, np.random.default_rng(1))
        write_polygons(folder, polygons, str(grid.crs))
        write_runs(folder, ids, options.maps)
        seconds(folder, "met.toml", options.threads)  # leaves its kernels compiled
        print(f"{grid.rows} x {grid.cols} cells, {len(polygons)} polygons, {len(ids)} functies")
        ratios = []
        for _ in range(options.pairs):
            without, whole = (seconds(folder, f, options.threads) for f in ("zonder.toml", "met.toml"))
            print(f"  zonder {without:.1f} s, met {whole:.1f} s, ratio {whole / without:.2f}", flush=True)
            ratios.append(whole / without)
        print(f"  met / zonder {statistics.median(ratios):.2f} ({min(ratios):.2f} .. {max(ratios):.2f})")


if __name__ == "__main__":
    main()
