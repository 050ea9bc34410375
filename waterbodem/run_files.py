"""What stands beside the maps of a run: a picture per functie and a page that links everything, made where needed."""

from __future__ import annotations

from importlib import import_module

from waterbodem.atomic import staging
from waterbodem.job import Job, Variant, texts_version
from waterbodem.journal import Journal
from waterbodem.made import Made

PICTURE, PAGE = "overzicht.png", "rapport.html"


def get_ready(job: Job) -> None:
    """Load what draws pictures and writes the page: called while other threads lay out maps."""
    from waterbodem.run_page import load_template

    load_template()
    if job.file.pictures:
        import_module("waterbodem.run_picture")


def make_picture(job: Job, journal: Journal, variant: Variant, key: str) -> None:
    """Draw the maps of a variant in one picture, unless it is there and made of the same, or not asked for."""
    final, mark = job.output / variant.name / PICTURE, f"{key} {texts_version()} {job.stack.title}"
    if not job.file.pictures or not job.file.cell_maps:
        final.unlink(missing_ok=True)
        return
    if journal.output_done(final, mark):
        return
    from waterbodem.run_picture import picture_png  # matplotlib takes longer to load than a finished run to resume

    with staging() as stage:
        stage.file(final).write_bytes(picture_png(job, variant))
    journal.note_output(final, mark)


def make_page(job: Job, journal: Journal, made: Made) -> None:
    """Write the page that links everything, unless it is there and made of the same."""
    final, mark = job.output / PAGE, made.mark(job)
    if journal.output_done(final, mark):
        return
    from waterbodem.run_page import run_html

    with staging() as stage:
        stage.file(final).write_bytes(run_html(job, made).encode("utf-8"))
    journal.note_output(final, mark)
