"""Who lies downstream, for a whole run: a map per functie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import box

from waterbodem.batch.exposure import BESIDE_BANDS, read_exposure
from waterbodem.batch.job import Job, Variant
from waterbodem.batch.outputs import Delivery, Output
from waterbodem.core import dataset
from waterbodem.core.files import Stage
from waterbodem.core.grid import Grid
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.legends import legend, map_title, nodata
from waterbodem.definitions.present_use import USE, is_given
from waterbodem.engine.coverage import footprints
from waterbodem.engine.layer_set import Floats, LayerSet
from waterbodem.formats.cog.metadata import made_with
from waterbodem.formats.cog.writer import aux_file, percent, stage_raster
from waterbodem.formats.output_names import UNKNOWN
from waterbodem.formats.qgis_style import raster_qml
from waterbodem.kernels.components import LAYERS
from waterbodem.receivers.downstream import drawn, released, weighed_amount
from waterbodem.receivers.files import stage_shown
from waterbodem.receivers.flow import memory_needed

MAP = "benedenstrooms"
#: Cells that are worked on at a time, and bytes that the maps in hand may take.
BLOCK, IN_HAND = 8_000_000, 2_000_000_000
#: Bytes that a cell of a map takes in hand, and one of floats beside it; of floats while they are written, and on disk:
#: measured on cells that do not compress, rounded up.
CODE, EXACT, WRITTEN, STORED = 1, 4, 25, 6
#: Measured on two cores; a machine may well be twice as fast or slow.
NS_DIRECTIONS, NS_VARIANT = 700, 60


@dataclass(frozen=True)
class DownstreamCost:
    """What directions, exposure and maps take at most: memory and disk [bytes], and roughly how long [s]."""

    memory: int = 0
    disk: int = 0
    seconds: float = 0.0


def downstream_cost(job: Job) -> DownstreamCost:
    """Return what a run will cost for who lies downstream; nothing without maaiveld.

    Directions that are there already take a third of the memory and little time.
    """
    if not job.wants_downstream or "maaiveld" not in job.around.sources:
        return DownstreamCost()
    land, cells = job.around.grid.rows * job.around.grid.cols, job.grid.rows * job.grid.cols
    sweeps = len({v.scenario for v in job.variants})
    maps = min(max(IN_HAND, cells * _each(job)), len(job.variants) * cells * _each(job))
    exact = cells if job.file.float_ else 0
    return DownstreamCost(
        memory=max(memory_needed(land), BESIDE_BANDS * land + maps + WRITTEN * exact),
        disk=land * (1 + 8 * sweeps) + 2 * cells * (len(job.variants) + sweeps) + STORED * exact * len(job.variants),
        seconds=(land * NS_DIRECTIONS + cells * len(job.variants) * NS_VARIANT) / 1e9,
    )


def _each(job: Job) -> int:
    return CODE + EXACT if job.file.float_ else CODE


def downstream_outputs(delivery: Delivery) -> list[Output]:
    """Maps of who lies downstream: ``<functie>/benedenstrooms.tif``, and ``benedenstrooms_f32.tif`` for floats.

    ``blootstelling_onbekend.tif`` is the share of a cell's water that cannot be followed: it ends on land of unknown
    vulnerability, in open water or beyond the data, and counts as 0. Where that is too much nothing is drawn.
    """
    if MAP not in delivery.job.file.maps:
        return []
    scenarios = list(dict.fromkeys(v.scenario for v in delivery.keys))
    maps = _Maps(delivery)
    wanted = {v: _map_output(maps, v) for v in delivery.keys}
    maps.todo = [v for v, output in wanted.items() if not output.files(delivery.journal)]
    found = [*(_unknown_output(delivery, s) for s in scenarios), *wanted.values()]
    there = all(output.files(delivery.journal) for output in found)
    reason = "" if there else delivery.exposure.why_not(scenarios)
    return [replace(output, reason=reason or None) for output in found]


def _map_output(maps: _Maps, variant: Variant) -> Output:
    job, exposure = maps.delivery.job, maps.delivery.exposure
    final = job.output / variant.name / f"{MAP}.tif"
    key = hashlib.sha256(f"{maps.delivery.keys[variant]} {exposure.key(variant.scenario)}".encode()).hexdigest()
    paths = (final, aux_file(final), final.with_name(f"{MAP}_f32.tif"), final.with_suffix(".qml"))
    return Output(paths, key, partial(_stage_map, maps, variant, final), of_layers=True)


def _unknown_output(delivery: Delivery, scenario: str) -> Output:
    job, key = delivery.job, delivery.exposure.key(scenario) + delivery.job.areas_sha256
    final = job.output / (f"{UNKNOWN}@{scenario}.tif" if scenario else f"{UNKNOWN}.tif")
    paths = (final, aux_file(final), final.with_suffix(".qml"))
    return Output(paths, key, partial(_stage_unknown, delivery, scenario, final), of_layers=True)


# --- maps ------------------------------------------------------------------------------------------------------------


class _Maps:
    """Maps of the variants of a run: every layer is read once for as many as fit in memory."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.todo = delivery, list[Variant]()
        self._found: dict[Variant, tuple[NDArray[np.uint8], Floats | None]] = {}

    def take(self, variant: Variant) -> tuple[NDArray[np.uint8], Floats | None]:
        """Return the codes of a map and, where they are asked for, its numbers; they are not kept."""
        if variant not in self._found:
            job = self.delivery.job
            size = max(1, IN_HAND // (job.grid.rows * job.grid.cols * _each(job)))
            first = self.todo.index(variant)
            self._found = _computed(self.delivery, self.todo[first : first + size])
        return self._found.pop(variant)


def _computed(
    delivery: Delivery, variants: Sequence[Variant]
) -> dict[Variant, tuple[NDArray[np.uint8], Floats | None]]:
    """Return the maps of some variants; every layer is read once for all of them."""
    job, exposure = delivery.job, delivery.exposure
    maps = {v: np.full(job.grid.shape, nodata(), np.uint8) for v in variants}
    exact = {v: np.full(job.grid.shape, np.nan, np.float32) for v in variants if job.file.float_}
    scenarios = dict.fromkeys(v.scenario for v in variants)
    files = {s: [exposure.file(delivery.journal, s, unknown) for unknown in (False, True)] for s in scenarios}
    strips = list(job.grid.strips(BLOCK))
    for done, rows in enumerate(strips, start=1):
        block = job.grid.part(rows, slice(0, job.grid.cols))
        inside = _inside(job, block)
        if inside.any():
            swept = {s: [read_exposure(f, exposure.grid, block) for f in pair] for s, pair in files.items()}
            for variant, share in _shares(job, variants, block, swept):
                maps[variant][rows] = np.where(inside, percent(share, nodata()), nodata())
                if job.file.float_:
                    exact[variant][rows] = np.where(inside, share, np.float32(np.nan))
        delivery.progress("benedenstrooms", done, len(strips))
    return {v: (codes, exact.get(v)) for v, codes in maps.items()}


def _stage_map(maps: _Maps, variant: Variant, final: Path, stage: Stage) -> None:
    codes, exact = maps.take(variant)
    where = stage.folder(final.parent), MAP, maps.delivery.job.grid, f"{map_title(MAP)}: {variant.name}"
    stage_shown(stage, where, codes, exact)
    stage.file(final.with_suffix(".qml")).write_bytes(raster_qml(legend(MAP)))


def _stage_unknown(delivery: Delivery, scenario: str, final: Path, stage: Stage) -> None:
    """Write how much of the exposure is unknown."""
    job, exposure = delivery.job, delivery.exposure
    file, codes = exposure.file(delivery.journal, scenario, unknown=True), np.full(job.grid.shape, nodata(), np.uint8)
    for rows in job.grid.strips(BLOCK):
        block = job.grid.part(rows, slice(0, job.grid.cols))
        share = percent(read_exposure(file, exposure.grid, block), nodata())
        codes[rows] = np.where(_inside(job, block), share, nodata())
    stage.folder(job.output)
    shown = legend(UNKNOWN)
    stage_raster(stage, final, codes, job.grid, shown, map_title(UNKNOWN), made_with())
    stage.file(final.with_suffix(".qml")).write_bytes(raster_qml(shown))


def _inside(job: Job, block: Grid) -> NDArray[np.bool_]:
    """Tell which cells of a block are asked for."""
    if not job.areas:
        return np.ones(block.shape, np.bool_)
    frame = box(*block.bounds)
    near = [a for a in job.areas if a.geometry.intersects(frame)]
    return footprints(near, block).mask if near else np.zeros(block.shape, np.bool_)


def _shares(
    job: Job, variants: Sequence[Variant], block: Grid, swept: Mapping[str, Sequence[Floats]]
) -> Iterator[tuple[Variant, Floats]]:
    wanted = {*LAYERS, *(() if is_given(job.settings.reference) else (USE,))}
    told = {n: LayerName.of(n) for n in job.stack.sources}
    names = [n for n, t in told.items() if t.layer in wanted and not t.percentile]
    arrays = job.stack.read(block, names)
    reference, storage = job.use_on(block), job.storage
    for variant in variants:
        present = _under(arrays, variant.scenario)
        if not present:
            yield variant, np.full(block.shape, np.nan, np.float32)
            continue
        cells = LayerSet(present, (), (), dataset.dataset_of(block, {}))
        amount, _ = released(cells, variant.functie, reference, storage)
        known, unknown = swept[variant.scenario]
        yield variant, drawn(weighed_amount(amount, known), unknown)


def _under(arrays: Mapping[str, Floats], scenario: str) -> dict[str, Floats]:
    """Return present layers, those of a scenario in their place."""
    present = {n: a for n, a in arrays.items() if "@" not in n}
    return present | {n: arrays[f] for n in present if scenario and (f := str(LayerName(n, scenario))) in arrays}
