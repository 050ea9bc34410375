"""Routing and exposure against pyflwdir's accuflux, on one field, order and dtype, one thread each, in one run.

    python benchmarks/bench_routing.py [--million 1 9 36] [--rounds 7]

``ratio`` is the time of ours over theirs; each pair of timings is taken back to back, and the median and the spread
(lowest to highest) of the ratios over all rounds are shown. With ``pyflwdir`` order both use the order that pyflwdir
finds, with ``own`` order both use ours.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np
import pyflwdir
from pyflwdir import streams

import waterbodem as wb
from waterbodem.kernels import routing as kernel
from waterbodem.layers.fiction.landscape import example_grid, example_tile
from waterbodem.receivers.flow import Flow, flow_from_maaiveld, memory_estimate
from waterbodem.receivers.grootboek import grootboek


def timed(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def peak_gb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def ratios(ours, theirs, rounds):
    """Return the median time of both and all ratios; a first pair compiles and is left out."""
    pairs = [(timed(ours), timed(theirs)) for _ in range(rounds + 1)][1:]
    mine, other = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(other), [a / b for a, b in pairs]


def compare(flow: Flow, order, label, rounds):
    """Time routing and exposure against accuflux; buffers are made inside the timing on both sides."""
    network = flow.network
    size, keep = network.size, network.keep()
    index = network.downstream.dtype
    itself = np.where(network.downstream < 0, np.arange(size, dtype=index), network.downstream).astype(index)
    rng = np.random.default_rng(1)
    source, value = rng.random(size), rng.random(size)

    def theirs():
        streams.accuflux(itself, order, source, -9999.0)

    def route():
        received, passing = np.zeros(size), np.zeros(size)
        kernel.route(network.downstream, network.step, order, keep, source, received, passing)

    def expose():
        kernel.expose(network.downstream, network.step, order, keep, value, np.empty(size))

    for name, ours in (("routing", route), ("exposure", expose)):
        mine, other, found = ratios(ours, theirs, rounds)
        spread = f"{min(found):.2f}-{max(found):.2f}"
        print(
            f"{size / 1e6:7.1f} {label:>9} {name:>9} {mine:8.3f} {other:8.3f}"
            f" {statistics.median(found):6.2f} {spread:>11}"
            f" {1e9 * mine / size:9.1f}"
        )


def question(size):
    """Time a polygon question on directions that are there already, as a user would ask it."""
    layers, plans = wb.example(size=size), wb.example_plans()
    flow = wb_flow(layers)
    _ = grootboek(layers, "woningbouw", plans[:1], plans[1:], stroming=flow).table
    return statistics.median(
        timed(lambda: grootboek(layers, "woningbouw", plans[:1], plans[1:], stroming=flow).table) for _ in range(5)
    )


def wb_flow(layers):
    from waterbodem.receivers.flow_store import flow_of

    flow = flow_of(layers)
    assert flow is not None
    return flow


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", type=int, nargs="+", default=[1, 9])
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    print("  Mcell     order      what   ours s  theirs s  ratio     min-max   ns/cell")
    found = []
    for million in asked.million:
        side = round((million * 1e6) ** 0.5)
        grid = example_grid(side)
        level = example_tile(grid, ["maaiveld"])["maaiveld"]
        begin = time.perf_counter()
        flow = flow_from_maaiveld(level, grid)
        directions = time.perf_counter() - begin
        ordering = timed(lambda network=flow.network: network.order)
        found.append((million, directions, ordering, peak_gb(), memory_estimate(side * side)["richtingen"] / 1e9))
        del level
        compare(flow, flow.network.order, "own", asked.rounds)
        theirs = pyflwdir.from_array(flow.codes, ftype="d8", check_ftype=False).idxs_seq
        compare(flow, theirs.astype(flow.network.downstream.dtype), "pyflwdir", asked.rounds)
    print("\n  Mcell  directions s  order s  peak GB so far  estimate GB")
    for million, directions, ordering, peak, estimate in found:
        print(f"{million:7} {directions:13.1f} {ordering:8.2f} {peak:15.2f} {estimate:12.2f}")
    for size in (400, 2000):
        print(f"polygon question on stored directions, {size} x {size} cells: {question(size):.3f} s")


if __name__ == "__main__":
    main()
