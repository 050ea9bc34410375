"""How large and how quick the pages are: first map, map of four million cells, dossier of a thousand polygons."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import shapely

import waterbodem as wb
from waterbodem.dataset import grid_of
from waterbodem.report import report_html

FIRST = "import waterbodem as wb; wb.assess(wb.example(), 'woningbouw', wb.example_plans()).explore()._repr_html_()"


def timed(what: str, make: Callable[[], Any]) -> Any:
    """Print how long something takes; return it."""
    begun = time.perf_counter()
    found = make()
    print(f"{what:<60}{time.perf_counter() - begun:8.2f} s")
    return found


def squares(count: int) -> gpd.GeoDataFrame:
    """Return small polygons in rows over the built-in area."""
    side = int(count**0.5 + 0.999)
    step = 2000 / side
    corners = [(238010 + (k % side) * step, 552480 + (k // side) * step) for k in range(count)]
    boxes = [shapely.box(x, y, x + 0.7 * step, y + 0.7 * step) for x, y in corners]
    return gpd.GeoDataFrame({"naam": [f"Perceel {k}" for k in range(count)]}, geometry=boxes, crs="EPSG:28992")


def main() -> None:
    """Print the table."""
    timed(
        "first map, from the import, a new process", lambda: subprocess.run([sys.executable, "-c", FIRST], check=True)
    )
    layers = wb.example(2000)
    whole = shapely.box(*grid_of(layers).bounds)
    answer = timed("assess, 4 M cells, one polygon", lambda: wb.assess(layers, "woningbouw", whole))
    page = timed("explore, 4 M cells (asked: 5 s)", answer.explore)
    print(f"{'  size (asked: 10 MB)':<60}{len(page.html) / 1e6:8.2f} MB")
    answer = wb.assess(wb.example(), "woningbouw", squares(1000))
    html = timed("dossier, 1,000 polygons", lambda: report_html(answer))
    print(f"{'  size (asked: 25 MB)':<60}{len(html) / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
