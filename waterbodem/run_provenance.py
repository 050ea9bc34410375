"""What a batch run writes about itself: versions, inputs, settings and the sha256 of every output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from waterbodem import registry
from waterbodem.atomic import staging
from waterbodem.exposure_store import Determined, exposure_of
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.paths import sha256_of
from waterbodem.provenance import FILE_NAME, versions
from waterbodem.qgis import PROJECT
from waterbodem.run_files import PAGE, PICTURE
from waterbodem.run_state import table_key

Keys = Mapping[Variant, str]


def write_provenance(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], received: Determined) -> None:
    """Write herkomst.json: versions, definitions, inputs, settings and the sha256 of every output."""
    data = {
        "versies": versions(vector=job.has_vector),
        "definities": registry.rules_version(),
        "functies": {v.name: {"sha256": registry.fingerprint(v.functie), "inhoud": keys[v]} for v in whole},
        "lagen": {n: input_data(job, n) for n in job.stack.sources},
        "rooster": {
            "bounds": job.grid.bounds,
            "resolutie": job.grid.dx,
            "rijen": job.grid.rows,
            "kolommen": job.grid.cols,
        },
        "instellingen": job.file.model_dump(mode="json", by_alias=True, exclude={"output", "layers"}),
        "uitvoer": {
            p.relative_to(job.output).as_posix(): {"sha256": d}
            for p, d in (
                *outputs_of(job, journal, keys, whole),
                *others_of(journal, received.outputs),
                *_page_output(job, journal),
            )
        },
        "niet_bepaald": received.niet_bepaald,
        "tijd": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with staging() as stage:
        stage.file(job.output / FILE_NAME).write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")


def input_data(job: Job, name: str) -> dict[str, Any]:
    """Return file, sha256, source, year and resampling of a layer."""
    source = job.stack.sources[name]
    found = {"bestand": Path(source.entry.path).name, "sha256": source.sha256, "bron": source.entry.source}
    return {**found, "jaar": source.entry.vintage, "bewerkt": source.resampled(job.grid) or ""}


def outputs_of(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant]) -> Iterator[tuple[Path, str]]:
    """Yield the finished maps, pictures and tables of some variants, with their sha256."""
    for v in whole:
        picture = job.output / v.name / PICTURE
        for path in [*sorted(picture.parent.glob("*.tif*")), *sorted(picture.parent.glob("*.qml")), picture]:
            digest = journal.output_done(path, None if path == picture else keys[v])
            if digest:
                yield path, digest
    key = table_key((keys[v] for v in whole), exposure_of(job).mark)
    for name in ("gebieden.csv", "gebieden.gpkg"):
        digest = journal.output_done(job.output / name, key)
        if digest:
            yield job.output / name, digest
    project = journal.output_done(job.output / PROJECT) if whole else None
    if project:
        yield job.output / PROJECT, project


def _page_output(job: Job, journal: Journal) -> Iterator[tuple[Path, str]]:
    digest = journal.output_done(job.output / PAGE)
    if digest:
        yield job.output / PAGE, digest


def others_of(journal: Journal, outputs: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Yield the files of who receives it, with what lies beside them."""
    for path, key in outputs.items():
        digest = journal.output_done(path, key)
        if digest:
            yield path, digest
            for beside in (path.with_name(path.name + ".aux.xml"), path.with_suffix(".qml")):
                if beside.is_file():
                    yield beside, sha256_of(beside)
