"""Memory and time of directions, order, routing and exposure as the grid grows; every size in a process of its own.

    python benchmarks/flow_memory.py [--million 1 9 36 100]

``bytes a cell`` is the highest resident memory of a step, the arrays it is given included, less what the process
held before there was a grid. ``estimate`` is what ``waterbodem.receivers.flow.memory_estimate`` says beforehand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

STEPS = ("richtingen", "volgorde", "doorrekenen", "blootstelling")


def resident(key):
    """Return VmHWM (highest so far) or VmRSS (now) of this process [bytes]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))


def measured(work, *given):
    """Return what a piece of work gives, its seconds, and the highest resident memory during it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    begin = time.perf_counter()
    found = work(*given)
    return found, time.perf_counter() - begin, resident("VmHWM")


def one_size(million):
    """Measure every step on the fictitious area; results of a step that is over are let go."""
    import numpy as np

    from waterbodem.layers.fiction.landscape import example_grid, example_tile
    from waterbodem.receivers.flow import flow_from_maaiveld, memory_estimate

    small = example_grid(60)
    warm = flow_from_maaiveld(example_tile(small, ["maaiveld"])["maaiveld"], small).network
    warm.route(np.ones(warm.size))
    warm.expose(np.ones(warm.size, np.float32))
    base = resident("VmRSS")
    grid = example_grid(round((million * 1e6) ** 0.5))
    cells = grid.rows * grid.cols
    level = example_tile(grid, ["maaiveld"])["maaiveld"]
    flow, seconds, peak = measured(flow_from_maaiveld, level, grid)
    found = {"richtingen": (seconds, peak)}
    del level
    network = flow.network
    found["volgorde"] = measured(lambda: network.order)[1:]
    value = np.ones(cells, np.float32)
    found["blootstelling"] = measured(network.expose, value)[1:]
    del value
    source = np.ones(cells)
    found["doorrekenen"] = measured(network.route, source)[1:]
    estimate = memory_estimate(cells)
    return {
        step: {"s": found[step][0], "bytes": (found[step][1] - base) / cells, "estimate": estimate[step] / cells}
        for step in STEPS
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", type=float, nargs="+", default=[1, 9, 36])
    parser.add_argument("--one", type=float)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(one_size(asked.one)))
        return
    print("  Mcell           step  seconds  ns/cell  bytes/cell  estimate")
    for million in asked.million:
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(million)], check=True, capture_output=True, text=True
        )
        for step, row in json.loads(done.stdout).items():
            numbers = f"{row['s']:8.2f} {1e3 * row['s'] / million:8.0f} {row['bytes']:11.1f} {row['estimate']:9.1f}"
            print(f"{million:7g} {step:>14} {numbers}", flush=True)


if __name__ == "__main__":
    main()
