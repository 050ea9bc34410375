"""List of all that a run leaves: maps, table, pictures, receivers, project, page; herkomst.json tells of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from waterbodem.batch.compute import PartMap, part_file, part_maps
from waterbodem.batch.downstream_maps import downstream_outputs
from waterbodem.batch.exposure import Exposure, exposure_of, swept_files
from waterbodem.batch.job import Job, Variant
from waterbodem.batch.journal import Journal
from waterbodem.batch.mosaic import PartPlace, stage_map
from waterbodem.batch.outputs import Delivery, Outcome, Output
from waterbodem.batch.page import page_outputs, prepare_page
from waterbodem.batch.part_file import PartReader
from waterbodem.batch.provenance import write_provenance
from waterbodem.batch.receiver_ledger import LABEL, ledger_outputs
from waterbodem.batch.state import RunPlan
from waterbodem.batch.tables import table_outputs
from waterbodem.core.files import Stage, discard, withdraw
from waterbodem.core.version import texts_version
from waterbodem.definitions.legends import Legend
from waterbodem.engine.scoring import criterion_shares
from waterbodem.formats.cog.metadata import functie_tags, made_with
from waterbodem.formats.cog.writer import aux_file, pam_bytes
from waterbodem.formats.output_names import PICTURE, PROJECT, PROVENANCE, RECEPTION
from waterbodem.formats.qgis_project import OutputMap, project_bytes, style_bytes
from waterbodem.views.pace import Progress

Keys = Mapping[Variant, str]


def finish(job: Job, journal: Journal, keys: Keys, outcome: Outcome, workers: int, progress: Progress) -> None:
    """Put parts together; outputs of variants with a failed part are left out.

    What herkomst.json of an earlier run tells of files is gone before any of them is.
    """
    withdraw(job.output / PROVENANCE)
    whole = {v: keys[v] for v in job.variants if v.name not in outcome.failed}
    delivery = Delivery(job, journal, whole, exposure_of(job), outcome, progress, workers)
    with ThreadPoolExecutor(1) as aside:
        if outcome.made:
            aside.submit(prepare_page)
        for label, outputs_of in _steps():
            with delivery.costing(label):
                delivery.make(outputs_of(delivery))
    left = write_provenance(delivery)
    journal.note_plan(replace(RunPlan.read(journal.plan()), beside=left).to_json())
    if outcome.complete:
        _remove_stale(job, keys, delivery.exposure)


def _steps() -> Sequence[tuple[str, Callable[[Delivery], Sequence[Output]]]]:
    """All that a run leaves, step by step: each is made of what those before it left.

    What fails in a step with a label costs that step; what fails in another ends the run.
    """
    return (
        (LABEL, ledger_outputs),
        ("", lambda d: [*table_outputs(d), *map_outputs(d.job, d.keys), *_picture_outputs(d)]),
        ("benedenstrooms", downstream_outputs),
        ("", _project_outputs),
        ("", page_outputs),
    )


# --- maps ------------------------------------------------------------------------------------------------------------


def map_outputs(job: Job, keys: Keys) -> list[Output]:
    """Maps of cells, each with the names of its codes and a style beside it, put together from parts."""
    return [_map_output(job, variant, keys[variant], index) for variant in keys for index in range(len(part_maps(job)))]


def _map_output(job: Job, variant: Variant, key: str, index: int) -> Output:
    final = job.output / _shown(job, variant, part_maps(job)[index]).path
    make = partial(_stage_map, job, variant, key, index)
    return Output((final, aux_file(final), final.with_suffix(".qml")), key, make, hand="several", phase="kaarten")


def _shown(job: Job, variant: Variant, product: PartMap) -> OutputMap:
    """Return what a map of a variant is, as a GIS should show it."""
    present = [n for n in job.stack.sources if "@" not in n]
    criteria = [p.name for p in criterion_shares(variant.functie, present)]
    return OutputMap(product.quantity, variant.functie, criteria, variant.scenario, product.is_float)


def _stage_map(job: Job, variant: Variant, key: str, index: int, stage: Stage) -> None:
    product = part_maps(job)[index]
    shown = _shown(job, variant, product)
    final, colours = job.output / shown.path, None if product.is_float else shown.legend
    places = [PartPlace(part_file(job, job.part_key(key, p)), p.grid) for p in job.parts()]
    stage.folder(final.parent)
    told = made_with() | functie_tags(variant.functie)  # no licences: a key does not hold them, so they could be stale
    stage_map(stage, final, places, (index, product), job.grid, colours, shown.title, told)
    if colours is not None:
        _stage_pam(stage, job, final, places, index, colours)
    stage.file(final.with_suffix(".qml")).write_bytes(style_bytes(shown))


def _stage_pam(stage: Stage, job: Job, final: Path, places: Sequence[PartPlace], index: int, colours: Legend) -> None:
    counts = np.zeros(256, np.int64)
    for place in places:
        with PartReader(place.path) as part:
            counts += part["counts"][index]
    counts[colours.nodata] += job.grid.rows * job.grid.cols - counts.sum()  # cells that no part had to look at
    stage.file(aux_file(final)).write_bytes(pam_bytes(counts, colours))


# --- pictures --------------------------------------------------------------------------------------------------------


def _picture(job: Job, variant: Variant) -> Path:
    return job.output / variant.name / PICTURE


def _picture_key(job: Job, key: str) -> str:
    return f"{key} {texts_version()} {job.stack.title}"


def _wants_pictures(job: Job) -> bool:
    return job.file.pictures and bool(job.file.cell_maps)


def _picture_outputs(delivery: Delivery) -> list[Output]:
    """All maps of a variant in one picture, drawn once the last of them is there."""
    job = delivery.job
    return [
        Output(
            (_picture(job, variant),),
            _picture_key(job, key),
            partial(_stage_picture, job, variant),
            needs=tuple(m.paths[0] for m in map_outputs(job, {variant: key})),
            reason=None if _wants_pictures(job) else "",
            hand="one",
            phase="overzichten",
        )
        for variant, key in delivery.keys.items()
    ]


def _stage_picture(job: Job, variant: Variant, stage: Stage) -> None:
    from waterbodem.batch.picture import picture_png  # loads what draws

    stage.file(_picture(job, variant)).write_bytes(picture_png(job, variant))


# --- project ---------------------------------------------------------------------------------------------------------


def _project_outputs(delivery: Delivery) -> list[Output]:
    """``waterbodem.qgs``, of the maps that are there; without any there is none."""
    job, maps = delivery.job, [(key, m) for v, key in delivery.keys.items() for m in _maps(delivery, v)]
    mark = hashlib.sha256(repr([(key, m.path) for key, m in maps]).encode()).hexdigest()
    make = partial(_stage_project, job, [m for _, m in maps])
    return [Output((job.output / PROJECT,), mark, make)] if delivery.keys else []


def _maps(delivery: Delivery, variant: Variant) -> list[OutputMap]:
    job = delivery.job
    received = [OutputMap(name, variant.functie, scenario=variant.scenario) for name in RECEPTION]
    there = [m for m in received if job.output / m.path in delivery.outcome.files]
    return [*(_shown(job, variant, p) for p in part_maps(job)), *there]


def _stage_project(job: Job, maps: Sequence[OutputMap], stage: Stage) -> None:
    stage.folder(job.output)
    stage.file(job.output / PROJECT).write_bytes(project_bytes(maps, job.grid, areas=bool(job.areas)))


# --- what an earlier run left ----------------------------------------------------------------------------------------


def _remove_stale(job: Job, keys: Keys, exposure: Exposure) -> None:
    """Remove parts and sweeps of an earlier content: what was asked now is complete without them."""
    kept = {part_file(job, job.part_key(key, p)) for key in keys.values() for p in job.parts()} | exposure.kept()
    for path in (*(job.work / "parts").iterdir(), *swept_files(job)):
        if path not in kept:
            discard(path)
