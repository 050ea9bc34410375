"""All maps of a functie in one picture, drawn from the overviews of the finished files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from waterbodem.batch.job import Job, Variant
from waterbodem.definitions.labels import name_of, short_name, texts
from waterbodem.engine.scoring import criterion_shares
from waterbodem.formats.cog.writer import levels
from waterbodem.formats.foreign.door import open_raster
from waterbodem.views.figures.overview import overview_png
from waterbodem.views.figures.panels import map_panels
from waterbodem.views.figures.sheet import MARGIN, Frame, rings_of

Bytes = NDArray[np.uint8]

#: Cells a side that a map in the picture can show; with more polygons than this none is outlined.
SIDE, OUTLINED = 400, 500


def picture_png(job: Job, variant: Variant) -> bytes:
    """Picture of a variant whose maps are finished, as PNG: the same bytes for the same maps.

    Parameters
    ----------
    job : Job
    variant : Variant
    """
    folder = job.output / variant.name
    codes = {name: read_small(folder / f"{name}.tif") for name in job.file.cell_maps}
    present = [n for n in job.stack.sources if "@" not in n]
    panels = map_panels(codes, [p.name for p in criterion_shares(variant.functie, present)], "nl")
    return overview_png(_title(variant), _remark(job), panels, _frame(job))


def read_small(path: Path) -> Bytes:
    """Return a map from the coarsest overview that still has a cell for every pixel of the picture."""
    with open_raster(path, "GTiff") as file:
        fine = [i for i, factor in enumerate(file.overviews(1)) if max(file.shape) / factor >= SIDE]
        if not fine:
            return np.asarray(file.read(1), np.uint8)
    with open_raster(path, "GTiff", overview_level=fine[-1]) as file:
        return np.asarray(file.read(1), np.uint8)


def _frame(job: Job) -> Frame:
    grid, areas = job.grid, job.areas if len(job.areas) <= OUTLINED else ()
    tolerance = max(grid.rows * grid.dy, grid.cols * grid.dx) / SIDE / 2
    rings = [r for a in areas for r in rings_of(a.geometry, tolerance)]
    return Frame(grid, tuple(rings), (), MARGIN if rings else 0.0)


def _title(variant: Variant) -> str:
    scenario = f" ({short_name(variant.scenario, 40)})" if variant.scenario else ""
    return short_name(name_of(variant.functie), 60) + scenario


def _remark(job: Job) -> str:
    factors = [f for f in levels(job.grid) if max(job.grid.shape) / f >= SIDE]
    reduced = str(texts("nl")["kaart"]["overzicht"]).format(n=factors[-1]) if factors else ""
    return " · ".join(r for r in (short_name(job.stack.title, 60), reduced) if r)
