"""What stands beside the maps of a run: a picture per functie and a page that links everything, made where needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from waterbodem.drawing import Drawing
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.made import Made
from waterbodem.output_names import PICTURE, REPORT
from waterbodem.version import texts_version


def get_ready() -> None:
    """Load what writes the page: called while other threads lay out maps."""
    from waterbodem.run_page import load_template

    load_template()


def pictures_due(job: Job, journal: Journal, keys: Mapping[Variant, str]) -> set[Variant]:
    """Return the variants whose picture is asked for, and not there or made of something else."""
    if not job.file.pictures or not job.file.cell_maps:
        return set()
    return {v for v, key in keys.items() if not journal.output_done(*_picture(job, v, key))}


def make_picture(job: Job, journal: Journal, variant: Variant, key: str, draw: Drawing) -> None:
    """Draw the maps of a variant in one picture."""
    final, mark = _picture(job, variant, key)
    with journal.placing(mark) as stage:
        stage.file(final).write_bytes(draw.png(variant))


def remove_pictures(job: Job) -> None:
    """Remove pictures of an earlier run that are not asked for."""
    if not job.file.pictures or not job.file.cell_maps:
        for variant in job.variants:
            (job.output / variant.name / PICTURE).unlink(missing_ok=True)


def _picture(job: Job, variant: Variant, key: str) -> tuple[Path, str]:
    """Return the file of a picture, and what it is made of."""
    return job.output / variant.name / PICTURE, f"{key} {texts_version()} {job.stack.title}"


def make_page(job: Job, journal: Journal, made: Made) -> None:
    """Write the page that links everything, unless it is there and made of the same."""
    final, mark = job.output / REPORT, made.mark(job)
    if journal.output_done(final, mark):
        return
    from waterbodem.run_page import run_html

    with journal.placing(mark) as stage:
        stage.file(final).write_bytes(run_html(job, made).encode("utf-8"))
