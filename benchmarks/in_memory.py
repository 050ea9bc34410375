"""In memory: scoring and burden against what the machine can do at all, as ratios in one run.

floor   numba reads the same arrays once and writes the same outputs, no arithmetic
numpy   the same arithmetic with np.interp and np.log
Pairs are interleaved, so that a machine whose speed drifts does not favour either; the median is quoted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numba import njit

from waterbodem.core.threads import in_blocks, thread_count
from waterbodem.definitions import registry, settings
from waterbodem.engine import burden, plan, scoring
from waterbodem.kernels import scoring as kernel

LAYERS = {
    "zettingsgevoeligheid": (0.0, 0.8),
    "wateroverlast": (0.0, 0.6),
    "droogte": (0.0, 45.0),
    "keileemdiepte": (0.0, 6.0),
    "kwel": (-3.0, 3.0),
}
WANTED = ("score", "klasse", "bepalend", "dekking")


def layers(cells: int) -> dict[str, np.ndarray]:
    """Random layers, 5 % unknown."""
    rng = np.random.default_rng(1)
    found = {}
    for name, (low, high) in LAYERS.items():
        values = rng.random(cells, dtype=np.float32) * np.float32(high - low) + np.float32(low)
        values[rng.random(cells, dtype=np.float32) < 0.05] = np.nan
        found[name] = values
    return found


@njit(nogil=True)
def touch(a, b, c, d, e, score, klasse, limiting, known):
    """Read five arrays once, write four."""
    for i in range(a.size):
        total = a[i] + b[i] + c[i] + d[i] + e[i]
        score[i] = total
        klasse[i] = np.uint8(total > np.float32(3))
        limiting[i] = np.uint8(total > np.float32(4))
        known[i] = a[i]


def numpy_scores(data, functie):
    """The plain numpy way: S, class with cap, limiting criterion and dekking."""
    scores, known, weights, shares = [], [], [], []
    basic = sum(c.gewicht for c in functie.criteria.values())
    for name, criterion in functie.criteria.items():
        x, y = np.array(criterion.punten).T
        s = np.interp(data[name], x, y)
        if criterion.score_afwezig is not None:
            s = np.where(np.isinf(data[name]), criterion.score_afwezig, s)
        scores.append(s)
        known.append(~np.isnan(data[name]))
        weights.append(criterion.gewicht / basic)
        shares.append(criterion.gewicht / basic)
    s, k, w = np.array(scores), np.array(known), np.array(weights)[:, None]
    total = (w * k).sum(axis=0)
    loss = np.where(k, -w * np.log(np.maximum(s, 0.01)), 0)
    with np.errstate(invalid="ignore"):
        score = np.exp(-loss.sum(axis=0) / total)
    worst = np.where(k & (np.array(shares)[:, None] >= 0.1), s, 1).min(axis=0)
    borders = np.array([0.2, 0.4, 0.6, 0.8])
    own, cap = 5 - np.digitize(score + 1e-6, borders), 5 - np.digitize(worst + 1e-6, borders)
    klasse = np.where(total >= 0.6, np.maximum(own, cap - 1), 0)
    limiting = np.where(loss.max(axis=0) > 1e-6, loss.argmax(axis=0), 255)
    for threshold in reversed(functie.drempels):
        if threshold.laag in data and threshold.gevolg != "aandacht":
            fired = data[threshold.laag] >= threshold.waarde
            klasse[fired], limiting[fired] = 5, list(functie.criteria).index(threshold.laag)
    return score.astype(np.float32), klasse.astype(np.uint8), limiting.astype(np.uint8), total.astype(np.float32)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def number(value: float) -> str:
    """Three figures, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values, unit: str) -> str:
    """Median, least and most, as a cell of the table shows them."""
    middle, low, high = (number(of(values)) for of in (statistics.median, min, max))
    return f"{middle} {unit}" + (f" ({low} .. {high})" if low != high else "")


def row(what: str, measured: str, asked: str = "") -> None:
    """Print a line of the table."""
    print(f"| {what} | {measured} | {asked} |", flush=True)


def compare(cells: int, pairs: int) -> None:
    """Print ns per cell and ratios."""
    data, functie = layers(cells), registry.load_functies()["woningbouw"]
    reference = registry.load_functies()["grasland_veeteelt"]
    model = scoring.model_of(functie, list(data))
    out = scoring.outputs((cells,), WANTED)
    changes = plan.changes_of(functie, reference, settings.Storage())
    shifted = burden.empty_burden((cells,), components=True)
    for array in (*out.values(), *shifted):
        array.fill(1)
    inputs, outputs = list(data.values()), [out[n] for n in WANTED]

    def floor() -> None:
        in_blocks(lambda p: touch(*(a[p] for a in inputs), *(a[p] for a in outputs)), cells, kernel.BLOCK)

    def score() -> None:
        scoring.fill_scores(model, data, out)

    def shift() -> None:
        burden.fill_burden(data, None, changes, shifted)

    for work in (floor, score, shift):
        work()
    times = {name: [] for name in ("floor", "score", "shift")}
    slow = []
    for pair in range(pairs):
        for name, work in (("floor", floor), ("score", score), ("shift", shift)):
            times[name].append(timed(work))
        if pair % 3 == 0:  # numpy takes seconds: every third pair, right after the scoring it is held against
            slow.append((timed(lambda: numpy_scores(data, functie)), timed(score)))
    tell(times, slow, cells, pairs)
    agree(data, functie, out)


def tell(times, slow, cells: int, pairs: int) -> None:
    """Print medians and ratios."""
    ns = 1e9 / cells
    print(f"{cells:,} cells, {thread_count()} threads, {pairs} interleaved runs: median (min .. max).\n")
    row("what", "measured", "asked")
    row("---", "---", "---")
    for name, label in (("floor", "reading and writing alone"), ("score", "geschiktheid"), ("shift", "afwenteling")):
        row(label, spread([t * ns for t in times[name]], "ns a cell"))
    row("geschiktheid in numpy", spread([t * ns for t, _ in slow], "ns a cell"))
    ratios = {
        ("geschiktheid / reading and writing alone", "at most 8"): zip(times["score"], times["floor"], strict=True),
        ("afwenteling / geschiktheid", "at most 4"): zip(times["shift"], times["score"], strict=True),
        ("numpy / geschiktheid", "at least 40"): slow,
    }
    for (label, asked), couples in ratios.items():
        row(label, spread([a / b for a, b in couples], "x"), asked)


def agree(data, functie, out) -> None:
    """Both ways must answer the same."""
    score, klasse, limiting, _known = numpy_scores(data, functie)
    row("largest difference of a score with numpy", f"{np.nanmax(np.abs(score - out['score'])):.1e}")
    for name, other in (("klasse", klasse), ("bepalend", limiting)):
        row(f"cells of which {name} equals that of numpy", f"{100 * np.mean(other == out[name]):.4f} %")


PEAK = """
import sys, tracemalloc
import numpy as np, xarray as xr
import waterbodem as wb
rng = np.random.default_rng(1)
side = int(sys.argv[1])
make = lambda high: (("y", "x"), rng.random((side, side), dtype=np.float32) * np.float32(high))
layers = xr.Dataset({"zettingsgevoeligheid": make(.8), "wateroverlast": make(.6), "droogte": make(45),
                     "keileemdiepte": make(6), "kwel": make(3)})
call = getattr(wb, sys.argv[2])
call(layers.isel(y=slice(0, 9)), "woningbouw")
tracemalloc.start()
k = call(layers, "woningbouw")
print((tracemalloc.get_traced_memory()[1] + layers.nbytes) / (layers.nbytes + k.nbytes))
"""
FIRST = """
import time
import numpy, xarray, numba, waterbodem as wb
import waterbodem.engine.scoring
layers = xarray.Dataset({n: (("y", "x"), numpy.ones((400, 400), "f4")) for n in
                         ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")})
start = time.perf_counter()
wb.geschiktheid(layers, "woningbouw")
print(time.perf_counter() - start)
"""
COLD = """
import time
start = time.perf_counter()
import waterbodem as wb
layers = wb.example()
k = wb.geschiktheid(layers, "woningbouw")
from matplotlib.figure import Figure
figure = Figure(); figure.subplots().imshow(k.klasse); figure.savefig({!r})
print(time.perf_counter() - start)
"""


def child(code: str, *arguments: str, **extra: str) -> float:
    """Run code in a fresh interpreter; return the number it prints."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **extra})
    return float(done.stdout.split()[-1])


def start_up(side: int, runs: int) -> None:
    """Print import time, first calls and peak memory, each in fresh interpreters."""
    light = "import time; s = time.perf_counter(); import waterbodem; print(time.perf_counter() - s)"
    row("`import waterbodem`", spread([child(light) for _ in range(runs)], "s"), "0.5 s")
    child(FIRST)
    row("first call, warm kernel cache", spread([child(FIRST) for _ in range(runs)], "s"), "0.3 s")
    with tempfile.TemporaryDirectory() as folder:
        code = COLD.format(str(Path(folder) / "map.png"))
        cold = [child(code, NUMBA_CACHE_DIR=str(Path(folder) / f"cache{i}")) for i in range(max(1, runs // 2))]
        row("from nothing to a first map, cold kernel cache", spread(cold, "s"), "20 s")
    for name in ("geschiktheid", "afwenteling"):
        row(f"peak memory of {name} / (inputs + outputs)", f"{child(PEAK, str(side), name):.2f}", "1.5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=16_000_000)
    parser.add_argument("--pairs", type=int, default=21)
    options = parser.parse_args()
    compare(options.cells, options.pairs)
    start_up(int(options.cells**0.5), 3 if options.pairs > 2 else 1)


if __name__ == "__main__":
    main()
