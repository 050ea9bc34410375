"""Side by side: five layers in, four maps a functie out as COGs, by waterbodem and by what people use today.

Every tool is a fresh process that reads the same files and writes the same files; the wall clock is the measure, and
its answer is held against waterbodem's. Rounds are interleaved, so that a machine whose speed drifts favours none.
floor   rasterio reads the same windows of the same layers once and writes the known maps to the same files (floor.py)
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import floor
import numpy as np
import peer_rules as pr
from batch import make_layers
from peer_check import Agreement, agreement
from peer_watch import watched

from waterbodem.definitions import registry
from waterbodem.definitions.models import Criterion, Functie
from waterbodem.engine.scoring import ceiling_of, criterion_of, criterion_shares

HERE = Path(__file__).parent
FIRST = "woningbouw"
OWN = "waterbodem"
FLOOR = "floor"


@dataclass(frozen=True)
class Tool:
    """A competitor: what it is called, its script, and whether it can run here."""

    name: str
    script: str
    present: Callable[[], bool]


def has_modules(*names: str) -> Callable[[], bool]:
    return lambda: all(importlib.util.find_spec(name) for name in names)


def has_commands(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) for name in names)


TOOLS = (
    Tool("numpy + rasterio", "peer_numpy.py", lambda: True),
    Tool("xarray + dask", "peer_dask.py", has_modules("dask", "rioxarray")),
    Tool("xarray-spatial", "peer_xrspatial.py", has_modules("xrspatial", "dask", "rioxarray")),
    Tool("gdal_calc.py", "peer_gdal_calc.py", has_commands("gdal_calc.py")),
    Tool("GRASS r.mapcalc", "peer_grass.py", has_commands("grass", "gdalbuildvrt", "gdal_translate")),
)


# --- the rules as plain numbers --------------------------------------------------------------------------------------


def _member(layer: str, criterion: Criterion) -> pr.Rules:
    x, y = zip(*criterion.curve, strict=True)
    return {"layer": layer, "x": list(x), "y": list(y), "absent": criterion.score_afwezig}


def plain_rules(functie: Functie) -> pr.Rules:
    """What a functie asks of the five layers, as plain numbers."""
    rules, parts = registry.scoring_rules(), criterion_shares(functie, pr.LAYERS)
    thresholds = [t for t in functie.drempels if t.laag in pr.LAYERS]
    if any(t.operator != ">=" or t.gevolg != "nee_tenzij" for t in thresholds):
        raise SystemExit(f"{functie.id}: competitors know no other threshold than 'layer >= value: nee_tenzij'")
    return {
        "id": functie.id,
        "criteria": [
            {
                "members": [_member(m, functie.all_criteria[m]) for m in part.members],
                "weight": part.weight,
                "heavy": part.share + 1e-6 >= rules.kap_gewicht,
            }
            for part in parts
        ],
        "thresholds": [
            {"layer": t.laag, "value": float(np.float32(t.waarde)), "criterion": criterion_of(parts, t.laag)}
            for t in thresholds
        ],
        "borders": [step.score_min for step in registry.answer_scale().values() if step.score_min],
        "floor": rules.ondergrens,
        "fatal": rules.fataal - rules.marge,
        "ceiling": int(ceiling_of(functie, pr.LAYERS)),
        "margin": rules.marge,
        "known": rules.bekend_min,
        "group": rules.groep_bekend - rules.marge,
    }


def chosen(count: int) -> list[str]:
    """Functies to compute: woningbouw first, then as they come."""
    ids = list(registry.load_functies())
    return [FIRST, *(i for i in ids if i != FIRST)][:count]


def write_rules(folder: Path, ids: Sequence[str]) -> None:
    """Write what the competitors and ``waterbodem run`` read beside the layers."""
    functies = registry.load_functies()
    text = json.dumps([plain_rules(functies[i]) for i in ids], indent=1)
    (folder / "rules.json").write_text(text, encoding="utf-8")
    named = ", ".join(f'"{i}"' for i in ids)
    maps = ", ".join(f'"{m}"' for m in pr.MAPS)
    run = f'layers = "lagen.toml"\nfuncties = [{named}]\nmaps = [{maps}]\npictures = false\noutput = "{OWN}"\n'
    (folder / "run.toml").write_text(run, encoding="utf-8")


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """Seconds per round, peak memory and, for a competitor, how far it agrees."""

    seconds: list[float] = field(default_factory=list)
    peak: float = 0.0
    agrees: Agreement | None = None


def run_own(folder: Path, threads: int) -> tuple[float, float]:
    """Run ``waterbodem run``; its maps stay, for the others to be held against."""
    shutil.rmtree(folder / OWN, ignore_errors=True)
    command = [sys.executable, "-m", "waterbodem", "run", str(folder / "run.toml"), "--workers", str(threads)]
    return watched(command)


def run_tool(tool: Tool, folder: Path, target: Path, threads: int) -> tuple[float, float]:
    """Run a competitor in a fresh process: seconds and peak gigabytes of it and its children."""
    return watched([sys.executable, str(HERE / tool.script), str(folder), str(target), str(threads)])


def compare(folder: Path, tools: Sequence[Tool], threads: int, rounds: int) -> dict[str, Measured]:
    """Measure floor, waterbodem and the tools in interleaved rounds; check every answer in the first."""
    rules, target = pr.load(folder), folder / "out"
    found = {name: Measured() for name in (FLOOR, OWN, *(t.name for t in tools))}
    run_own(folder, threads)  # kernels compiled, layers in the page cache
    known = floor.finished(folder / OWN, pr.names(rules))
    for number in range(rounds):
        found[FLOOR].seconds.append(floor.write_floor(pr.files(folder), known, target, threads))
        shutil.rmtree(target)
        note(found[OWN], run_own(folder, threads))
        for tool in tools:
            note(found[tool.name], run_tool(tool, folder, target, threads))
            if number == 0:
                found[tool.name].agrees = agreement(folder, target, folder / OWN, rules)
            shutil.rmtree(target)
    return found


def note(measured: Measured, result: tuple[float, float]) -> None:
    seconds, peak = result
    measured.seconds.append(seconds)
    measured.peak = max(measured.peak, peak)


# --- telling ---------------------------------------------------------------------------------------------------------


def ratios(measured: Measured, other: Measured) -> float:
    """Median of the ratios of the same rounds."""
    return statistics.median(a / b for a, b in zip(measured.seconds, other.seconds, strict=True))


def row(name: str, found: dict[str, Measured], cells: int) -> str:
    measured, ns = found[name], 1e9 / cells
    seconds = measured.seconds
    spread = f"{statistics.median(seconds):.1f} ({min(seconds):.1f} .. {max(seconds):.1f})"
    columns = [name, spread, f"{statistics.median(seconds) * ns:.0f}"]
    columns += [f"{ratios(measured, found[FLOOR]):.2f}", f"{ratios(measured, found[OWN]):.2f}"]
    columns += [f"{measured.peak:.2f}" if measured.peak else "", str(measured.agrees or "")]
    return "| " + " | ".join(columns) + " |"


def table(found: dict[str, Measured], cells: int) -> str:
    """The README's table."""
    head = ["tool", "seconds, median (min .. max)", "ns/cell", "x floor", "x waterbodem", "peak GB", "same answer"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(row(name, found, cells) for name in found)])


def select(only: str) -> list[Tool]:
    """Tools asked for by a part of their names, and present."""
    wanted = [w.strip().lower() for w in only.split(",") if w.strip()]
    tools = [t for t in TOOLS if not wanted or any(w in t.name.lower() for w in wanted)]
    for tool in tools:
        if not tool.present():
            print(f"{tool.name}: not available here")
    return [t for t in tools if t.present()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--cols", type=int, default=6000)
    parser.add_argument("--pairs", type=int, default=3, help="rounds")
    parser.add_argument("--functies", type=int, default=1, help="how many, woningbouw first")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="parts of tool names, comma between: numpy,dask")
    parser.add_argument("--folder", type=Path, help="where the layers are kept, or made if they are not there yet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "lagen.toml").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            make_layers(folder, options.rows, options.cols)
        write_rules(folder, chosen(options.functies))
        found = compare(folder, select(options.only), options.threads, options.pairs)
    size = f"{options.rows} x {options.cols} cells, {options.functies} functie(s), {options.threads} threads"
    print(f"{size}, {options.pairs} interleaved rounds\n")
    print(table(found, options.rows * options.cols))


if __name__ == "__main__":
    main()
