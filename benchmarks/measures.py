"""What the search for measures costs: all of them for a plan of 20,000 cells, against assess of the same plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import shapely

import waterbodem as wb
from waterbodem.core.dataset import grid_of

FUNCTIES = ("woningbouw", "bedrijventerrein", "recreatie_verblijf", "akkerbouw")
#: Cells on a side of the plan.
SIDE = 142


def timed(make: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what is made, and the seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    found = make()
    return found, time.perf_counter() - clock, time.process_time() - processor


def told(layers: Any, functie: str, plan: Any) -> Any:
    """Search the measures of one plan, with the sentences."""
    found = wb.mits(layers, functie, plan)
    found.zin()
    return found


def main() -> None:
    """Print the table; everything was called once before."""
    layers = wb.example()
    left, _, _, top = grid_of(layers).bounds
    step = grid_of(layers).dx
    plan = shapely.box(left + 100 * step, top - (100 + SIDE) * step, left + (100 + SIDE) * step, top - 100 * step)
    print(f"a plan of {SIDE * SIDE:,} cells; asked: 5 s warm")
    print(f"{'functie':<20}{'packages':>9}{'search':>9}{'cpu':>8}{'table':>8}{'assess':>8}{'search/assess':>15}")
    for functie in FUNCTIES:
        told(layers, functie, plan)
        _, assess, _ = timed(lambda f=functie: wb.assess(layers, f, plan))
        found, search, cpu = timed(lambda f=functie: told(layers, f, plan))
        table, rows, _ = timed(lambda m=found: m.table)
        count = f"{len(table):>9}{search:>8.2f}s{cpu:>7.2f}s{rows:>7.2f}s{assess:>7.2f}s{search / assess:>14.1f}x"
        print(f"{functie:<20}{count}")


if __name__ == "__main__":
    main()
