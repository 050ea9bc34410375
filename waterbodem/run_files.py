"""What stands beside the maps of a run: a picture per functie and a page that links everything, made where needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waterbodem.atomic import staging
from waterbodem.job import Job, Variant, texts_version
from waterbodem.journal import Journal

PICTURE, PAGE = "overzicht.png", "rapport.html"


@dataclass(frozen=True)
class Made:
    """What a run made, as its page tells it.

    Parameters
    ----------
    file : str
        Name of the run file.
    keys : mapping of Variant to str
        Of the variants whose maps are whole.
    inputs : mapping of layer to mapping
        File, sha256, source, year and resampling of each.
    outputs : mapping of Path to str
        Files with their sha256.
    problems : sequence of (str, str)
        What failed, and why.
    outside : sequence of str
        Polygons without a cell.
    """

    file: str
    keys: Mapping[Variant, str]
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[Path, str]
    problems: Sequence[tuple[str, str]]
    outside: Sequence[str]

    def mark(self, job: Job) -> str:
        """Return a hash of all that the page depends on."""
        settings = job.file.model_dump(mode="json", by_alias=True)
        keys = {v.name: k for v, k in self.keys.items()}
        files = {p.relative_to(job.output).as_posix(): d for p, d in self.outputs.items()}
        told = [self.file, keys, self.inputs, files, sorted(self.problems), self.outside, settings, job.stack.title]
        return hashlib.sha256(f"{json.dumps(told)} {texts_version()}".encode()).hexdigest()


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
