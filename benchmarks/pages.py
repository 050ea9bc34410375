"""How large and how quick the pages are: first map, map of four million cells, dossier of a thousand polygons."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import shapely

import waterbodem as wb
from waterbodem.core.dataset import grid_of
from waterbodem.views.report.page import report_html

FIRST = """
import waterbodem as wb
answer = wb.assess(wb.example(), "woningbouw", wb.example_plans())
answer._repr_html_(), answer.plot()._repr_png_()
"""


def timed(what: str, make: Callable[[], Any]) -> Any:
    """Print how long something takes; return it."""
    begun = time.perf_counter()
    found = make()
    print(f"{what:<80}{time.perf_counter() - begun:8.2f} s")
    return found


def first(cache: str) -> None:
    """Do what the first notebook does, with kernels kept in a folder."""
    subprocess.run([sys.executable, "-c", FIRST], check=True, env={**os.environ, "NUMBA_CACHE_DIR": cache})


def squares(count: int) -> gpd.GeoDataFrame:
    """Return small polygons in rows over the built-in area."""
    side = int(count**0.5 + 0.999)
    step = 2000 / side
    corners = [(238010 + (k % side) * step, 552480 + (k // side) * step) for k in range(count)]
    boxes = [shapely.box(x, y, x + 0.7 * step, y + 0.7 * step) for x, y in corners]
    return gpd.GeoDataFrame({"naam": [f"Perceel {k}" for k in range(count)]}, geometry=boxes, crs="EPSG:28992")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        timed("first answer and maps in a new process, nothing compiled yet (asked: 20 s)", lambda: first(folder))
        timed("the same again", lambda: first(folder))
    layers = wb.example(2000)
    whole = shapely.box(*grid_of(layers).bounds)
    answer = timed("assess, 4 M cells, one polygon", lambda: wb.assess(layers, "woningbouw", whole))
    page = timed("explore, 4 M cells (asked: 5 s)", answer.explore)
    print(f"{'  size (asked: 10 MB)':<80}{len(page.html) / 1e6:8.2f} MB")
    answer = wb.assess(wb.example(), "woningbouw", squares(1000))
    html = timed("dossier, 1,000 polygons", lambda: report_html(answer))
    print(f"{'  size (asked: 25 MB)':<80}{len(html) / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
