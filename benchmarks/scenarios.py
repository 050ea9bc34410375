"""Four scenarios beside today, for all functies, in one pass over the layers: as ratios in one run.

floor    rasterio reads the same windows of the same layers, variants too, once with the same threads, and writes the
         same final arrays to the same final files (floor.py), no arithmetic
parts    the run of today, and a run per scenario: the layers read five times
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import batch
import floor
import numpy as np
import rasterio
from peer_watch import watched

from waterbodem.definitions import registry
from waterbodem.formats.output_names import MAPS

#: Years and what each does to wateroverlast and droogte: made up, for the work is the same whatever they hold.
SCENARIOS = {"2050Hd": (1.0, 1.3), "2050Hn": (1.2, 0.9), "2100Hd": (1.1, 1.6), "2100Hn": (1.4, 0.8)}
VARIED = ("wateroverlast", "droogte")


def add_variants(folder: Path) -> list[Path]:
    """Write variants of two layers per scenario, and name them in lagen.toml; return all layers."""
    lines = [(folder / "lagen.toml").read_text("utf-8")]
    for scenario, factors in SCENARIOS.items():
        for name, factor in zip(VARIED, factors, strict=True):
            with rasterio.open(folder / f"{name}.tif") as file:
                values, profile = file.read(1), file.profile
            with rasterio.open(folder / f"{name}_{scenario}.tif", "w", **profile) as file:
                file.write(np.minimum(values * np.float32(factor), 100), 1)
            lines.append(f'[layers."{name}@{scenario}"]\npath = "{name}_{scenario}.tif"')
            lines.append(f'unit = "{batch.UNITS[name]}"\nhorizon = {scenario[:4]}')
    (folder / "lagen.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [*(folder / f"{n}.tif" for n in batch.LAYERS), *sorted(folder.glob("*_2*.tif"))]


def run(folder: Path, scenarios: list[str], threads: int, functies: str = '"all"') -> tuple[float, float]:
    """Seconds and peak GB of a run by the command line."""
    shutil.rmtree(folder / batch.OUTPUT, ignore_errors=True)
    named = ", ".join(f'"{s}"' for s in scenarios)
    text = f'layers = "lagen.toml"\nfuncties = {functies}\noutput = "{batch.OUTPUT}"\npictures = false\n'
    maps = ", ".join(f'"{m}"' for m in MAPS)
    (folder / "run.toml").write_text(f"{text}scenarios = [{named}]\nmaps = [{maps}]\n", encoding="utf-8")
    command = [sys.executable, "-m", "waterbodem", "run", str(folder / "run.toml")]
    return watched(["env", f"WATERBODEM_THREADS={threads}", *command])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=3072)
    parser.add_argument("--cols", type=int, default=3072)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    whole, least, today, peaks = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        batch.make_layers(folder, options.rows, options.cols)
        layers, names = add_variants(folder), list(SCENARIOS)
        run(folder, names, options.threads)  # kernels compiled, layers in the page cache
        variants = [f"{f}{end}" for f in registry.load_functies() for end in ("", *(f"@{s}" for s in names))]
        known = floor.finished(folder / batch.OUTPUT, [f"{v}/{m}" for v in variants for m in MAPS])
        for _ in range(options.rounds):
            least.append(floor.write_floor(layers, known, folder / "floor", options.threads))
            shutil.rmtree(folder / "floor")
            seconds, peak = run(folder, names, options.threads)
            whole.append(seconds)
            peaks.append(peak)
            today.append(run(folder, [], options.threads)[0])
    functies, count = len(registry.load_functies()), len(names)
    print(f"{options.rows} x {options.cols} cells, {functies} functies, today and {count} scenarios, {len(MAPS)} maps")
    print(batch.told("run / floor (at most 1.5)", [a / b for a, b in zip(whole, least, strict=True)]))
    parts = [a / (b * (1 + count)) for a, b in zip(whole, today, strict=True)]
    print(batch.told("run / five runs of today", parts))
    print(f"  floor {statistics.median(least):.1f} s, peak memory {max(peaks):.2f} GB")


if __name__ == "__main__":
    main()
