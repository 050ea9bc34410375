"""All maps of a functie in one picture, drawn from the overviews of the finished files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from waterbodem.batch.job import Job, Variant
from waterbodem.definitions.labels import name_of, short, texts
from waterbodem.engine.scoring import parts_of
from waterbodem.formats.cog.writer import levels
from waterbodem.formats.foreign.door import open_raster
from waterbodem.views.figures.panels import map_panels
from waterbodem.views.figures.sheet import (
    MARGIN,
    PANEL,
    UNDER,
    Figure,
    Frame,
    canvas,
    figure_png,
    legend_height,
    rings_of,
    row_of_maps,
    write,
)

Bytes = NDArray[np.uint8]

#: Cells a side that a map in the picture can show, pixels per inch, maps in a row.
SIDE, DPI, COLUMNS = 400, 110, 3


def picture_png(job: Job, variant: Variant) -> bytes:
    """Return the picture of a variant whose maps are finished, as PNG: the same bytes for the same maps.

    Parameters
    ----------
    job : Job
    variant : Variant
    """
    folder = job.output / variant.name
    codes = {name: read_small(folder / f"{name}.tif") for name in job.file.cell_maps}
    present = [n for n in job.stack.sources if "@" not in n]
    panels = map_panels(codes, [p.name for p in parts_of(variant.functie, present)], "nl")
    frame = _frame(job)
    rows = [panels[i : i + COLUMNS] for i in range(0, len(panels), COLUMNS)]
    heights = [0.35 + PANEL * frame.aspect + UNDER + legend_height(row) + 0.1 for row in rows]
    figure = canvas(COLUMNS, 0.55 + sum(heights))
    top = figure.get_size_inches()[1] - 0.1
    _title(figure, top, job, variant)
    top -= 0.45
    for row, height in zip(rows, heights, strict=True):
        row_of_maps(figure, row, frame, top - 0.35, PANEL * frame.aspect)
        top -= height
    return figure_png(figure, DPI)


def read_small(path: Path) -> Bytes:
    """Return a map from the coarsest overview that still has a cell for every pixel of the picture."""
    with open_raster(path, "GTiff") as file:
        fine = [i for i, factor in enumerate(file.overviews(1)) if max(file.shape) / factor >= SIDE]
        if not fine:
            return np.asarray(file.read(1), np.uint8)
    with open_raster(path, "GTiff", overview_level=fine[-1]) as file:
        return np.asarray(file.read(1), np.uint8)


def _frame(job: Job) -> Frame:
    grid = job.grid
    tolerance = max(grid.rows * grid.dy, grid.cols * grid.dx) / SIDE / 2
    rings = [r for a in job.areas for r in rings_of(a.geometry, tolerance)]
    return Frame(grid, tuple(rings), (), MARGIN if rings else 0.0)


def _title(figure: Figure, top: float, job: Job, variant: Variant) -> None:
    scenario = f" ({short(variant.scenario, 40)})" if variant.scenario else ""
    write(figure, top, short(name_of(variant.functie), 60) + scenario, fontsize=13, fontweight="bold")
    remarks: Sequence[str] = [short(job.stack.title, 60), _reduced(job)]
    write(figure, top - 0.25, " · ".join(r for r in remarks if r), fontsize=8)


def _reduced(job: Job) -> str:
    factors = [f for f in levels(job.grid) if max(job.grid.shape) / f >= SIDE]
    return str(texts("nl")["kaart"]["overzicht"]).format(n=factors[-1]) if factors else ""
