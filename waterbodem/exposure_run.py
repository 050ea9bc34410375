"""Who lies downstream, for a whole run: a map per functie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import box

from waterbodem import dataset
from waterbodem.colours import legend, map_title, nodata
from waterbodem.covering import footprints
from waterbodem.downstream import released, weighed_amount
from waterbodem.exposure_store import BESIDE_BANDS, Determined, Exposure, read_exposure
from waterbodem.flow import memory_needed
from waterbodem.grid import Grid
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.kernels.components import LAYERS
from waterbodem.layerset import Floats, LayerSet
from waterbodem.output_names import UNKNOWN
from waterbodem.qgis_style import raster_qml
from waterbodem.raster_files import percent, remove_map, stage_raster
from waterbodem.reception_files import stage_shown

MAP = "benedenstrooms"
#: Cells that are worked on at a time, and bytes that the maps in hand may take.
BLOCK, IN_HAND = 8_000_000, 2_000_000_000
#: Bytes that a cell of a map takes in hand, and one of floats beside it; of floats while they are written, and on disk:
#: measured on cells that do not compress, rounded up.
CODE, EXACT, WRITTEN, STORED = 1, 4, 25, 6
#: Measured on two cores; a machine may well be twice as fast or slow.
NS_DIRECTIONS, NS_VARIANT = 700, 60
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Cost:
    """What directions, exposure and maps take at most: memory and disk [bytes], and roughly how long [s]."""

    memory: int = 0
    disk: int = 0
    seconds: float = 0.0


def cost(job: Job) -> Cost:
    """Return what a run will cost for who lies downstream; nothing without maaiveld.

    Directions that are there already take a third of the memory and little time.
    """
    if not job.wants_downstream or "maaiveld" not in job.around.sources:
        return Cost()
    land, cells = job.around.grid.rows * job.around.grid.cols, job.grid.rows * job.grid.cols
    sweeps = len({v.scenario for v in job.variants})
    maps = min(max(IN_HAND, cells * _each(job)), len(job.variants) * cells * _each(job))
    exact = cells if job.file.float_ else 0
    return Cost(
        memory=max(memory_needed(land), BESIDE_BANDS * land + maps + WRITTEN * exact),
        disk=land * (1 + 8 * sweeps) + 2 * cells * (len(job.variants) + sweeps) + STORED * exact * len(job.variants),
        seconds=(land * NS_DIRECTIONS + cells * len(job.variants) * NS_VARIANT) / 1e9,
    )


def _each(job: Job) -> int:
    return CODE + EXACT if job.file.float_ else CODE


def make_downstream(
    job: Job, journal: Journal, variants: Sequence[Variant], progress: Progress, exposure: Exposure
) -> Determined:
    """Write ``<functie>/benedenstrooms.tif``, and ``benedenstrooms_f32.tif`` where floats are asked for.

    ``blootstelling_onbekend.tif`` is the share of a cell's water that ends on land of unknown vulnerability, which
    counts as 0. What is there already and made of the same stays as it is.

    Parameters
    ----------
    job : Job
    journal : Journal
    variants : sequence of Variant
        Of which maps are wanted.
    progress : callable
        Called with a phase, how much is done, and of how much.
    exposure : Exposure
    """
    found = Determined()
    if MAP not in job.file.maps:
        return found
    scenarios = list(dict.fromkeys(v.scenario for v in variants))
    wanted = {v: (_final(job, v), _map_key(job, exposure, v)) for v in variants}
    unknown = {s: (_unknown_file(job, s), exposure.key(s) + job.areas_sha256) for s in scenarios}
    todo = [v for v, made in wanted.items() if not _is_there(job, journal, *made)]
    hidden = [s for s, made in unknown.items() if not _is_there(job, journal, *made)]
    reason = exposure.why_not(scenarios) if todo or hidden else ""
    if reason:
        found.niet_bepaald.append(reason)
        finals = [_final(job, v) for v in todo]
        for path in (*finals, *map(_exact, finals), *(_unknown_file(job, s) for s in hidden)):
            remove_map(path)
    else:
        for scenario in hidden:
            _write_unknown(job, journal, exposure, scenario, unknown[scenario][1])
        for some in _groups(job, todo):
            _write_maps(job, journal, exposure, {v: wanted[v][1] for v in some}, progress)
        for made in (*wanted.values(), *unknown.values()):
            found.outputs |= _outputs(job, *made)
    return found


def _outputs(job: Job, path: Path, key: str) -> dict[Path, str]:
    """Return the files of a map, all made of the same."""
    beside = [path.with_name(path.name + ".aux.xml")]
    beside += [_exact(path)] if job.file.float_ and path.stem == MAP else []
    beside += [path.with_suffix(".qml")] if path.name.startswith(UNKNOWN) else []  # others get theirs with all styles
    return dict.fromkeys([path, *beside], key)


def _is_there(job: Job, journal: Journal, path: Path, key: str) -> bool:
    return all(journal.output_done(file, key) for file in _outputs(job, path, key))


def _exact(path: Path) -> Path:
    return path.with_name(f"{path.stem}_f32.tif")


def _final(job: Job, variant: Variant) -> Path:
    return job.output / variant.name / f"{MAP}.tif"


def _unknown_file(job: Job, scenario: str) -> Path:
    return job.output / (f"{UNKNOWN}@{scenario}.tif" if scenario else f"{UNKNOWN}.tif")


def _map_key(job: Job, exposure: Exposure, variant: Variant) -> str:
    return hashlib.sha256(f"{job.key(variant)} {exposure.key(variant.scenario)}".encode()).hexdigest()


def _groups(job: Job, variants: Sequence[Variant]) -> Iterator[Sequence[Variant]]:
    """Yield as many variants at a time as their maps fit in memory."""
    size = max(1, IN_HAND // (job.grid.rows * job.grid.cols * _each(job)))
    return (variants[i : i + size] for i in range(0, len(variants), size))


# --- maps ------------------------------------------------------------------------------------------------------------


def _write_maps(
    job: Job, journal: Journal, exposure: Exposure, variants: Mapping[Variant, str], progress: Progress
) -> None:
    """Write the maps of some variants, with what each is made of; every layer is read once for all of them."""
    maps = {v: np.full(job.grid.shape, nodata(), np.uint8) for v in variants}
    exact = {v: np.full(job.grid.shape, np.nan, np.float32) for v in variants if job.file.float_}
    files = {s: exposure.file(journal, s) for s in dict.fromkeys(v.scenario for v in variants)}
    strips = list(_strips(job.grid))
    for done, rows in enumerate(strips, start=1):
        block = job.grid.part(rows, slice(0, job.grid.cols))
        inside = _inside(job, block)
        if inside.any():
            swept = {s: read_exposure(f, exposure.grid, block) for s, f in files.items()}
            for variant, share in _shares(job, list(variants), block, swept):
                maps[variant][rows] = np.where(inside, percent(share, nodata()), nodata())
                if job.file.float_:
                    exact[variant][rows] = np.where(inside, share, np.float32(np.nan))
        progress("benedenstrooms", done, len(strips))
    journal.refuse_changed()
    for variant, codes in maps.items():
        final, label = _final(job, variant), f"{map_title(MAP)}: {variant.name}"
        with journal.placing(variants[variant]) as stage:
            where = stage.folder(final.parent), MAP, job.grid, label
            stage_shown(stage, where, codes, exact.get(variant))


def _write_unknown(job: Job, journal: Journal, exposure: Exposure, scenario: str, key: str) -> None:
    """Write how much of the exposure is unknown."""
    file, codes = exposure.file(journal, scenario, unknown=True), np.full(job.grid.shape, nodata(), np.uint8)
    for rows in _strips(job.grid):
        block = job.grid.part(rows, slice(0, job.grid.cols))
        share = percent(read_exposure(file, exposure.grid, block), nodata())
        codes[rows] = np.where(_inside(job, block), share, nodata())
    with journal.placing(key) as stage:
        stage.folder(job.output)
        final, shown = _unknown_file(job, scenario), legend(UNKNOWN)
        stage_raster(stage, final, codes, job.grid, shown, map_title(UNKNOWN))
        stage.file(final.with_suffix(".qml")).write_bytes(raster_qml(shown))


def _strips(grid: Grid) -> Iterator[slice]:
    height = max(1, BLOCK // grid.cols)
    return (slice(r, min(r + height, grid.rows)) for r in range(0, grid.rows, height))


def _inside(job: Job, block: Grid) -> NDArray[np.bool_]:
    """Tell which cells of a block are asked for."""
    if not job.areas:
        return np.ones(block.shape, np.bool_)
    frame = box(*block.bounds)
    near = [a for a in job.areas if a.geometry.intersects(frame)]
    return footprints(near, block).mask if near else np.zeros(block.shape, np.bool_)


def _shares(
    job: Job, variants: Sequence[Variant], block: Grid, swept: Mapping[str, Floats]
) -> Iterator[tuple[Variant, Floats]]:
    names = [n for n in job.stack.sources if n.partition("@")[0] in LAYERS]
    arrays = job.stack.read(block, names)
    reference, storage = job.settings.reference, job.settings.storage
    for variant in variants:
        present = _under(arrays, variant.scenario)
        if not present:
            yield variant, np.full(block.shape, np.nan, np.float32)
            continue
        cells = LayerSet(present, (), (), dataset.build(block, {}))
        amount, _ = released(cells, variant.functie, reference, storage)
        yield variant, weighed_amount(amount, swept[variant.scenario])


def _under(arrays: Mapping[str, Floats], scenario: str) -> dict[str, Floats]:
    """Return present layers, those of a scenario in their place."""
    present = {n: a for n, a in arrays.items() if "@" not in n}
    return present | {n: arrays[f"{n}@{scenario}"] for n in present if scenario and f"{n}@{scenario}" in arrays}
