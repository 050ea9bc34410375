"""What a batch run writes about itself: versions, inputs, settings and the sha256 of every output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from waterbodem.batch.compute import part_maps
from waterbodem.batch.job import Job
from waterbodem.batch.journal import Journal
from waterbodem.batch.outputs import Delivery
from waterbodem.batch.state import table_names
from waterbodem.core.files import staging
from waterbodem.core.path_gate import sha256_of
from waterbodem.core.version import versions
from waterbodem.definitions import registry
from waterbodem.definitions.editions import EDITION
from waterbodem.definitions.labels import derived_text
from waterbodem.engine.derived import derived_of, sources_of
from waterbodem.engine.scoring import layers_of
from waterbodem.formats.cog.writer import aux_file
from waterbodem.formats.output_names import PROJECT, PROVENANCE, UNKNOWN
from waterbodem.layers.stack import TOLD

#: Files about a variant that come after its maps.
KINDS = (".qml", ".png")


def write_provenance(delivery: Delivery) -> list[str]:
    """Write herkomst.json: versions, definitions, inputs, settings and the sha256 of every output; return their names.

    ``eerder`` lists what an earlier run left here that is not of this one.
    """
    job, outcome, outputs = delivery.job, delivery.outcome, output_hashes(delivery)
    data: dict[str, Any] = {
        "versies": versions(vector=job.has_vector),
        "editie": EDITION,
        "definities": registry.rules_version(),
        "functies": {
            v.name: {"sha256": registry.definition_sha256(v.functie), "inhoud": k} for v, k in delivery.keys.items()
        },
        "kompas": {"sha256": registry.definition_sha256(job.settings.rules)},
        "lagen": layer_provenance(job),
        "huidig_gebruik": _use(job),
        "rooster": {
            "bounds": job.grid.bounds,
            "resolutie": job.grid.dx,
            "rijen": job.grid.rows,
            "kolommen": job.grid.cols,
        },
        "instellingen": job.file.model_dump(mode="json", by_alias=True, exclude={"output", "layers"}),
        "uitvoer": _told(job, outputs),
        "eerder": _told(job, {p: d for p, d in _earlier(job, delivery.journal).items() if p not in outputs}),
        "niet_gelukt": dict(sorted(outcome.problems)),
        "niet_bepaald": outcome.niet_bepaald,
        "tijd": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with staging() as stage:
        stage.file(job.output / PROVENANCE).write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")
    return list(data["uitvoer"])


def layer_provenance(job: Job) -> dict[str, dict[str, Any]]:
    """Return what is known of every layer, those that were derived too."""
    used = layers_of(*(v.functie for v in job.variants))
    given = {n: input_data(job, n) for n in job.stack.sources}
    return given | {n: _derived_input(n, given) for n in derived_of(given) if n in used}


def _use(job: Job) -> dict[str, str]:
    """Return what plans are held against and where that comes from, of a raster also its file."""
    use, source = job.present_use, job.use_source
    found = {"naam": use.label, "bron": use.source}
    if source is None:
        return found
    return {**found, "bestand": source.entry.path, "sha256": source.sha256, "bewerkt": source.resampled(job.grid) or ""}


def _derived_input(name: str, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    years = dict.fromkeys(str(given[n]["jaar"]) for n in sources_of(name))
    return {"bestand": "", "sha256": "", "bron": derived_text(name), "jaar": "; ".join(years), "bewerkt": ""}


def input_data(job: Job, name: str) -> dict[str, Any]:
    """Return file, sha256, source, year and resampling of a layer, and what else lagen.toml tells of it."""
    source = job.stack.sources[name]
    found = {"bestand": Path(source.entry.path).name, "sha256": source.sha256, "bron": source.entry.source}
    told = {key: value for key in TOLD if (value := getattr(source.entry, key)) is not None}
    return {**found, "jaar": source.entry.vintage, "bewerkt": source.resampled(job.grid) or "", **told}


def _told(job: Job, outputs: Mapping[Path, str]) -> dict[str, dict[str, str]]:
    return {p.relative_to(job.output).as_posix(): {"sha256": d} for p, d in outputs.items()}


def _earlier(job: Job, journal: Journal) -> dict[Path, str]:
    """Return every output in the folder that is as some run wrote it."""
    known = {p: d for p, d in journal.outputs().items() if p.is_relative_to(job.output) and job.work not in p.parents}
    return known | {b: sha256_of(b) for p in known for b in _beside(p) if b not in known}


def output_hashes(delivery: Delivery) -> dict[Path, str]:
    """Return what a run left with its sha256, in order: cell maps, styles, picture a variant; tables; all else."""
    job, names = delivery.job, [v.name for v in delivery.keys]
    maps = {f"{p.name}.tif" for p in part_maps(job)}
    tables = [*table_names(job), PROJECT]

    def place(path: Path) -> tuple[object, ...]:
        own = path.name.removesuffix(".aux.xml") in maps or path.suffix in KINDS
        if path.parent != job.output and own:
            kind = KINDS.index(path.suffix) if path.suffix in KINDS else -1
            return 0, names.index(path.parent.name), kind, path.name
        return (1, tables.index(path.name)) if path.name in tables else (2, path.name.startswith(UNKNOWN))

    return dict(sorted(delivery.outcome.files.items(), key=lambda item: place(item[0])))


def _beside(path: Path) -> Iterator[Path]:
    """Yield the files that lie beside a map, of names and colours."""
    found = (aux_file(path), path.with_suffix(".qml"))
    yield from (p for p in found if path.suffix == ".tif" and p.is_file())
