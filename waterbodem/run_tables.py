"""The table of polygons of a run: the sums of its parts added up, variant by variant, and written in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.area_table import Shelved, frame_of, pieces
from waterbodem.atomic import Stage
from waterbodem.exposure_store import Determined, exposure_of
from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.kompas import findings_of
from waterbodem.late import pd
from waterbodem.output_names import AREAS
from waterbodem.parts import tallies_of
from waterbodem.receiver_columns import beside
from waterbodem.reception_run import columns_of_run
from waterbodem.run_state import table_key
from waterbodem.summary import total
from waterbodem.table_files import stage_pieces
from waterbodem.tally import Tally

Keys = Mapping[Variant, str]
Array = NDArray[Any]


def make_tables(
    job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], received: Determined
) -> tuple[str, ...]:
    """Write gebieden.gpkg and gebieden.csv, unless they are there and made of the same.

    Parameters
    ----------
    job : Job
    journal : Journal
    keys : mapping of Variant to str
    whole : sequence of Variant
        Those of which every part is there.
    received : Determined
        Who receives it.

    Returns
    -------
    tuple of str
        Polygons that lie wholly outside the data.
    """
    if not job.areas or not whole:
        return ()
    last, outside = _places(job, keys[whole[0]])
    key = key_of_tables(job, keys, whole, received)
    finals = [job.output / f"{AREAS}.gpkg", job.output / f"{AREAS}.csv"]
    if all(journal.output_done(f, key) for f in finals):
        return outside
    with journal.placing(key) as stage:
        shelved = [
            _shelved(stage, job, v, beside(_frame(job, v, keys[v], last), columns_of_run(job, received, v)))
            for v in whole
        ]
        stage_pieces(stage, job.output, pieces(job.areas, shelved, job.grid.crs))
    return outside


def key_of_tables(job: Job, keys: Keys, whole: Sequence[Variant], received: Determined) -> str:
    """Return what the tables are made of; without receivers that were looked for they are not what was asked."""
    mark = exposure_of(job).mark
    return table_key((keys[v] for v in whole), f"{mark} mislukt" if received.failed else mark)


def _tallies(job: Job, key: str) -> Iterator[Tally]:
    """Yield the tallies of a variant, from north to south."""
    for part in job.parts():
        yield from tallies_of(job, job.part_key(key, part))


def _places(job: Job, key: str) -> tuple[Array, tuple[str, ...]]:
    """Return the number of the tally that a polygon occurs in last, and the polygons that no part has a cell of."""
    last, seen = np.zeros(len(job.areas), np.int64), np.zeros(len(job.areas), np.bool_)
    for number, tally in enumerate(_tallies(job, key)):
        last[tally.polygons] = number
        seen[tally.polygons] |= tally.inside > 0
    return last, tuple(job.areas[i].name for i in np.flatnonzero(~seen))


def _shelved(stage: Stage, job: Job, variant: Variant, rows: pd.DataFrame) -> Shelved:
    """Return the rows of a variant, the numbers in a file that disappears again."""
    return Shelved(rows, stage.spare(job.work / "parts" / f"{variant.name}.rijen"))


def _frame(job: Job, variant: Variant, key: str, last: Array) -> pd.DataFrame:
    """Return the rows of a variant."""
    totals, rules = total(_tallies(job, key), len(job.areas), last), job.settings.rules
    scenarios = () if variant.scenario else job.scenarios
    found = findings_of(job.areas, job.grid, totals, scenarios, variant.functie, rules)
    return frame_of(job.areas, job.grid, variant.functie.id, variant.scenario, totals, found, rules)
