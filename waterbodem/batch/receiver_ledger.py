"""Who receives what the polygons of a run shift: ledger, flow paths, maps and columns, one functie at a time."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from waterbodem.batch.job import Job, Variant
from waterbodem.batch.outputs import Delivery, Output
from waterbodem.core import memory
from waterbodem.core.files import Stage
from waterbodem.core.lazy import pd
from waterbodem.definitions.legends import legend
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reach_table, reception_rules
from waterbodem.formats.cog.writer import aux_file
from waterbodem.formats.foreign.door import read_own_table
from waterbodem.formats.output_names import LEDGER, PATHS
from waterbodem.formats.qgis_style import raster_qml
from waterbodem.layers.polygons import Area
from waterbodem.receivers.files import ARRIVALS, ledger_frame, stage_arrivals, stage_frames
from waterbodem.receivers.groundwater import farthest_of_well
from waterbodem.receivers.ledger import Ledger, joined, paths_of_all
from waterbodem.receivers.ledger_columns import columns_of

#: Bytes that a cell takes: of a plan in a ledger, of land that groundwater effects reach, of maps of what arrives.
LEDGER_BYTES, EFFECT_BYTES, MAP_BYTES = 150, 17, 5
#: Seconds that a plan takes in a ledger, a cell of it, and one in which groundwater may change; measured on two cores.
A_LINE, A_CELL, AN_EFFECT = 0.003, 1e-6, 0.25e-6
#: A change of the groundwater level larger than this is not reckoned with in memory [m].
DEEPEST = 3.0


#: What is not made where looking who receives it failed.
LABEL = "ontvangers"


def ledger_outputs(delivery: Delivery) -> list[Output]:
    """Ledger of who receives what the polygons shift: one output, or none where nobody asked for it.

    ``grootboek.gpkg`` and ``.csv``, ``stroompaden.gpkg``, and per functie ``ontvangst.tif`` and ``grondwater.tif``: the
    same bytes as an assessment of the same plans, of present conditions.
    """
    job, functies = delivery.job, [v.functie for v in delivery.keys if not v.scenario]
    if not job.wants_ledger or not functies:
        return []
    make = partial(_stage_ledger, delivery, functies)
    output = Output(_paths(job, functies), _key(delivery, routed=True), make, of_layers=True)
    if output.files(delivery.journal):  # memory may be short just now
        return [output]
    obstacle = delivery.exposure.receiver_question.obstacle
    if obstacle:
        output = replace(output, key=_key(delivery, routed=False))
    reason = "" if output.files(delivery.journal) else ledger_obstacle(job, len(functies))
    if obstacle and not reason:
        delivery.outcome.add_reason(obstacle)
    return [replace(output, reason=reason or None)]


def _paths(job: Job, functies: Sequence[Functie]) -> tuple[Path, ...]:
    """Return the files that a ledger may leave, by name."""
    maps = [job.output / f.id / f"{name}{end}.tif" for f in functies for name in ARRIVALS for end in ("", "_f32")]
    styles = [path.with_suffix(".qml") for path in maps if not path.stem.endswith("_f32")]
    tables = [job.output / f"{LEDGER}.csv", ledger_file(job), job.output / f"{PATHS}.gpkg"]
    return tuple(sorted([*tables, *maps, *map(aux_file, maps), *styles]))


def ledger_file(job: Job) -> Path:
    """Return the file of the ledger."""
    return job.output / f"{LEDGER}.gpkg"


def columns_of_run(delivery: Delivery, variant: Variant) -> pd.DataFrame:
    """Return what the table of polygons says of receivers, a row per polygon, from the ledger that was written."""
    job = delivery.job
    if not job.wants_ledger:
        return pd.DataFrame(index=range(len(job.areas)))
    if variant.scenario or ledger_file(job) not in delivery.outcome.files:
        return columns_of(None, job.areas)
    chosen = "functie = '{}'".format(variant.functie.id.replace("'", "''"))
    return columns_of(read_own_table(ledger_file(job), LEDGER, chosen), job.areas)


def _key(delivery: Delivery, *, routed: bool) -> str:
    file, keys = delivery.job.file, [key for v, key in delivery.keys.items() if not v.scenario]
    asked = [n for n in ARRIVALS if n in file.maps]
    text = f"{keys} {delivery.exposure.mark} {routed} {asked} {file.float_}"
    return hashlib.sha256(text.encode()).hexdigest()


# --- what fits -------------------------------------------------------------------------------------------------------


def ledger_obstacle(job: Job, functies: int) -> str:
    """Return why there is no ledger, in Dutch; empty if there can be one."""
    rules, names = reception_rules(), job.around.sources
    if "maaiveld" not in names and "ghg" not in names:
        return rules.reason("ghg")
    count, most = functies * len(job.areas), rules.value("grootboek_max")
    if count > most:
        return rules.reason("grootboek_aantal", aantal=count, hoogstens=most)
    cells, largest = _plan_cells(job), rules.value("grootboek_cellen_max")
    if cells > largest:
        return rules.reason("grootboek_cellen", cellen=cells / 1e6, hoogstens=largest / 1e6)
    free, need = memory.available_memory(), ledger_memory_needed(job)
    if free is None or need <= memory.USABLE * free:
        return ""
    return rules.reason("grootboek", cellen=cells / 1e6, nodig=need / 1e9, vrij=free / 1e9)


def ledger_memory_needed(job: Job) -> int:
    """Return the memory that the ledger of one functie takes at most, beside directions [bytes]."""
    land = job.around.grid
    return LEDGER_BYTES * _plan_cells(job) + EFFECT_BYTES * _effect_cells(job) + MAP_BYTES * land.rows * land.cols


def _effect_cells(job: Job) -> int:
    """Return the cells in which groundwater may change, counted per plan."""
    return sum(_cells(job, a, _reach(job)) for a in job.areas) if "ghg" in job.around.sources else 0


def seconds_needed(job: Job) -> float:
    """Return roughly how long the ledgers take [s]."""
    functies = ledgers_of(job)
    return functies and functies * (
        A_LINE * len(job.areas) + A_CELL * _plan_cells(job) + AN_EFFECT * _effect_cells(job)
    )


def ledger_memory(job: Job) -> int:
    """Return the bytes that ledgers take at most beside directions; 0 where there are none."""
    return ledger_memory_needed(job) if ledgers_of(job) else 0


def ledgers_of(job: Job) -> int:
    """Return how many ledgers are made: one per functie, for present conditions."""
    functies = sum(not v.scenario for v in job.variants)
    return 0 if not job.wants_ledger or ledger_obstacle(job, functies) else functies


def _plan_cells(job: Job) -> int:
    return sum(_cells(job, a, 0.0) for a in job.areas)


def _cells(job: Job, area: Area, around: float) -> int:
    xmin, ymin, xmax, ymax = area.geometry.bounds
    block = job.around.grid.crop((xmin - around, ymin - around, xmax + around, ymax + around))
    return block.rows * block.cols


def _reach(job: Job) -> float:
    """Return how far from a plan groundwater may change at most [m]."""
    longest, well = max(reach_table(job.settings.reach).lengths), job.settings.well
    spread = longest * math.log(DEEPEST / reception_rules().value("effect_min_m"))
    return spread if well is None else max(spread, farthest_of_well(well))


# --- writing ---------------------------------------------------------------------------------------------------------


def _stage_ledger(delivery: Delivery, functies: Sequence[Functie], stage: Stage) -> None:
    job, lines, paths = delivery.job, [], []
    root = stage.folder(job.output)
    for done, functie in enumerate(functies, start=1):
        ledger = delivery.exposure.receiver_question.ledger([functie] * len(job.areas))
        _stage_maps(job, stage, functie, ledger)
        lines.append(ledger_frame({functie.id: ledger}))
        paths += [paths_of_all({functie.id: ledger})] if ledger.is_routed else []
        delivery.progress(LABEL, done, len(functies))
    stage_frames(stage, root, joined(lines), joined(paths) if paths else None)


def _stage_maps(job: Job, stage: Stage, functie: Functie, ledger: Ledger) -> None:
    wanted = [n for n in ARRIVALS if n in job.file.maps]
    folder = stage.folder(job.output / functie.id)
    written = stage_arrivals(stage, folder, ledger, wanted, job.file.float_)
    for path in (folder / f"{name}.tif" for name in wanted):
        if path in written:
            stage.file(path.with_suffix(".qml")).write_bytes(raster_qml(legend(path.stem)))
