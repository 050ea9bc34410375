"""The maps of a run: every one put together from parts, with the names of its codes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from waterbodem.atomic import Stage
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.mosaic import Place, stage_map
from waterbodem.part_file import PartReader
from waterbodem.parts import part_file, products
from waterbodem.raster_files import pam_bytes
from waterbodem.run_styles import output_map


def make_map(job: Job, journal: Journal, variant: Variant, key: str, index: int) -> None:
    """Write one map of one variant, unless it is there and made of the same."""
    product = products(job)[index]
    final = job.output / variant.name / f"{product.name}.tif"
    files = [final] if product.is_float else [final, _beside(final)]
    if all(journal.output_done(f, key) for f in files):
        return
    places = [Place(part_file(job, job.part_key(key, p)), p.grid) for p in job.parts()]
    with journal.placing(key) as stage:
        stage.folder(final.parent)
        shown = output_map(job, variant, product)
        colours = None if product.is_float else shown.legend
        stage_map(stage, final, places, (index, product), job.grid, colours, shown.title)
        if colours is not None:
            _stage_pam(stage, job, final, places, index, colours)


def _beside(final: Path) -> Path:
    return final.with_name(final.name + ".aux.xml")


def _stage_pam(stage: Stage, job: Job, final: Path, places: Sequence[Place], index: int, colours: Any) -> None:
    counts = np.zeros(256, np.int64)
    for place in places:
        with PartReader(place.path) as part:
            counts += part["counts"][index]
    counts[colours.nodata] += job.grid.rows * job.grid.cols - counts.sum()  # cells that no part had to look at
    stage.file(_beside(final)).write_bytes(pam_bytes(counts, colours))
