"""What a batch run writes about itself: versions, inputs, settings and the sha256 of every output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from waterbodem import registry
from waterbodem.atomic import staging
from waterbodem.exposure_store import Determined
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.output_names import AREAS, PICTURE, PROJECT, PROVENANCE, REPORT
from waterbodem.paths import sha256_of
from waterbodem.run_tables import key_of_tables
from waterbodem.version import versions

Keys = Mapping[Variant, str]


def write_provenance(
    job: Job,
    journal: Journal,
    keys: Keys,
    whole: Sequence[Variant],
    received: Determined,
    problems: Sequence[tuple[str, str]],
) -> list[str]:
    """Write herkomst.json: versions, definitions, inputs, settings and the sha256 of every output; return their names.

    ``eerder`` lists what an earlier run left here that is not of this one.
    """
    outputs = {**dict(outputs_of(job, journal, keys, whole, received)), **dict(_page_output(job, journal))}
    data: dict[str, Any] = {
        "versies": versions(vector=job.has_vector),
        "definities": registry.rules_version(),
        "functies": {v.name: {"sha256": registry.fingerprint(v.functie), "inhoud": keys[v]} for v in whole},
        "kompas": {"sha256": registry.fingerprint(job.settings.rules)},
        "lagen": {n: input_data(job, n) for n in job.stack.sources},
        "rooster": {
            "bounds": job.grid.bounds,
            "resolutie": job.grid.dx,
            "rijen": job.grid.rows,
            "kolommen": job.grid.cols,
        },
        "instellingen": job.file.model_dump(mode="json", by_alias=True, exclude={"output", "layers"}),
        "uitvoer": _listed(job, outputs),
        "eerder": _listed(job, {p: d for p, d in _earlier(job, journal).items() if p not in outputs}),
        "niet_gelukt": dict(sorted(problems)),
        "niet_bepaald": received.niet_bepaald,
        "tijd": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with staging() as stage:
        stage.file(job.output / PROVENANCE).write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")
    return list(data["uitvoer"])


def input_data(job: Job, name: str) -> dict[str, Any]:
    """Return file, sha256, source, year and resampling of a layer."""
    source = job.stack.sources[name]
    found = {"bestand": Path(source.entry.path).name, "sha256": source.sha256, "bron": source.entry.source}
    return {**found, "jaar": source.entry.vintage, "bewerkt": source.resampled(job.grid) or ""}


def _listed(job: Job, outputs: Mapping[Path, str]) -> dict[str, dict[str, str]]:
    return {p.relative_to(job.output).as_posix(): {"sha256": d} for p, d in outputs.items()}


def _earlier(job: Job, journal: Journal) -> dict[Path, str]:
    """Return every output in the folder that is as some run wrote it."""
    known = {p: d for p, d in journal.outputs().items() if p.is_relative_to(job.output) and job.work not in p.parents}
    return known | {b: sha256_of(b) for p in known for b in _beside(p) if b not in known}


def outputs_of(
    job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], received: Determined
) -> Iterator[tuple[Path, str]]:
    """Yield the finished files of some variants and of who receives it, with their sha256."""
    for v in whole:
        picture = job.output / v.name / PICTURE
        for path in [*sorted(picture.parent.glob("*.tif*")), *sorted(picture.parent.glob("*.qml")), picture]:
            digest = journal.output_done(path, None if path == picture else keys[v])
            if digest:
                yield path, digest
    key = key_of_tables(job, keys, whole, received)
    for name in (f"{AREAS}.csv", f"{AREAS}.gpkg"):
        digest = journal.output_done(job.output / name, key)
        if digest:
            yield job.output / name, digest
    project = journal.output_done(job.output / PROJECT) if whole else None
    if project:
        yield job.output / PROJECT, project
    yield from _others_of(journal, received.outputs)


def _page_output(job: Job, journal: Journal) -> Iterator[tuple[Path, str]]:
    digest = journal.output_done(job.output / REPORT)
    if digest:
        yield job.output / REPORT, digest


def _others_of(journal: Journal, outputs: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Yield the files of who receives it."""
    for path, key in outputs.items():
        digest = journal.output_done(path, key)
        if digest:
            yield path, digest


def _beside(path: Path) -> Iterator[Path]:
    """Yield the files that lie beside a map, of names and colours."""
    found = (path.with_name(path.name + ".aux.xml"), path.with_suffix(".qml"))
    yield from (p for p in found if path.suffix == ".tif" and p.is_file())
