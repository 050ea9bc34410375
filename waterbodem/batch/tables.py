"""The table of polygons of a run: the sums of its parts added up, variant by variant, and written in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.batch.compute import ranges_of, tallies_of
from waterbodem.batch.job import Job, Variant
from waterbodem.batch.outputs import Delivery, Outcome, Output
from waterbodem.batch.receiver_ledger import LABEL, columns_of_run, ledger_file
from waterbodem.batch.state import around_key, table_key, table_names
from waterbodem.core.files import Stage
from waterbodem.core.lazy import pd
from waterbodem.doubt.bandbreedte import no_range, range_columns
from waterbodem.doubt.varying import Variants
from waterbodem.engine.area_table import ShelvedRows, frame_of, table_pieces
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.kompas import Strip, findings_of
from waterbodem.engine.sums import Tally, Totals
from waterbodem.engine.table import outside_of, states_of, total_tallies
from waterbodem.formats.tables import stage_pieces
from waterbodem.receivers.land import in_scenario, land_of_stack
from waterbodem.receivers.ledger_columns import rows_beside
from waterbodem.receivers.question import ReceiverQuestion

Array = NDArray[Any]
#: Last tally with cells of each polygon, and the polygons that none has a cell of.
Places = tuple[Array, tuple[str, ...]]


def table_outputs(delivery: Delivery) -> list[Output]:
    """Table of polygons, gebieden.csv and gebieden.gpkg, with what the ledger says of receivers.

    Which polygons lie wholly outside the data is told also where the table is there already.
    """
    job, keys = delivery.job, delivery.keys
    if not job.areas or not keys:
        return []
    paths = tuple(job.output / name for name in table_names(job))
    places = cache(partial(_places, job, next(iter(keys.values()))))
    make = partial(_stage_table, delivery, places)
    looked = partial(_note_outside, delivery.outcome, places)
    return [Output(paths, _key(delivery), make, needs=(ledger_file(job),), hand="several", ready=looked)]


def _key(delivery: Delivery) -> str:
    """Return what the tables are made of; without receivers that were looked for they are not what was asked."""
    failed = ["mislukt"] if delivery.outcome.lacks(LABEL) else []
    return table_key(delivery.keys.values(), " ".join([around_key(delivery.job, delivery.exposure), *failed]))


def _note_outside(outcome: Outcome, places: Callable[[], Places]) -> None:
    outcome.outside = places()[1]


def _stage_table(delivery: Delivery, places: Callable[[], Places], stage: Stage) -> None:
    job, shelved = delivery.job, []
    for variant, key in delivery.keys.items():
        rows = rows_beside(_frame(job, variant, key, places()[0]), columns_of_run(delivery, variant))
        shelved.append(_shelved(stage, job, variant, rows))
    tests = [s.name for s in job.scenarios if s.stress_test]
    stage_pieces(stage, job.output, table_pieces(job.areas, shelved, job.grid.crs, tests))


def _tallies(job: Job, key: str) -> Iterator[Tally]:
    """Yield the tallies of a variant, from north to south."""
    for part in job.parts():
        yield from tallies_of(job, job.part_key(key, part))


def _places(job: Job, key: str) -> Places:
    """Return the number of the tally that a polygon occurs in last, and the polygons that no part has a cell of."""
    last, seen = np.zeros(len(job.areas), np.int64), np.zeros(len(job.areas), np.bool_)
    for number, tally in enumerate(_tallies(job, key)):
        last[tally.polygons] = number
        seen[tally.polygons] |= tally.inside > 0
    return last, tuple(job.areas[i].name for i in np.flatnonzero(~seen))


def _shelved(stage: Stage, job: Job, variant: Variant, rows: pd.DataFrame) -> ShelvedRows:
    """Return the rows of a variant, the numbers in a file that disappears again."""
    return ShelvedRows(rows, stage.spare(job.work / "parts" / f"{variant.name}.rijen"))


def _frame(job: Job, variant: Variant, key: str, last: Array) -> pd.DataFrame:
    """Return the rows of a variant."""
    totals, f = total_tallies(_tallies(job, key), len(job.areas), last), variant.functie
    scenarios = () if variant.scenario else job.scenarios
    use, rules = job.present_use, job.settings.rules
    told = Circumstances(job.areas, job.grid, job.layers, scenarios, use, rules, job.asked)
    found = findings_of(told, f, totals).with_strips(_strips(job, variant), told.rules)
    return frame_of(told, f, variant.scenario, totals, found, job.demands(f), _range(job, variant, key, totals))


def _range(job: Job, variant: Variant, key: str, totals: Totals) -> dict[str, Array]:
    """Return the columns of the range of a variant; empty ones where it was not asked for."""
    if not job.wants_range:
        return no_range(len(job.areas))
    varied: Variants | None = None
    for part in job.parts():
        for some, polygons in ranges_of(job, job.part_key(key, part)):
            varied = varied or Variants.none(some.groups, len(job.areas))
            varied.add(some, polygons)
    size = job.hectares / job.grid.cell_ha
    outside = outside_of(size, totals.cells)
    return range_columns(states_of(totals), varied or Variants.none((), len(size)), size, outside, variant.functie)


def _strips(job: Job, variant: Variant) -> Callable[[int], Strip]:
    """Return what tells what lies where the land around a polygon becomes wetter."""
    land = in_scenario(land_of_stack(job.around), variant.scenario)
    receiver_question = ReceiverQuestion(land, (), settings=job.settings)
    return lambda place: receiver_question.strip(variant.functie, job.areas[place], job.boards[place])
