"""Maps and sums over polygons of a block of cells, band by band, so that what is between stays in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.areas import Area, footprints
from waterbodem.burden import empty_burden
from waterbodem.definitions import Functie
from waterbodem.evaluation import GRIDS, Result, Settings, evaluate
from waterbodem.grid import Grid
from waterbodem.kompas import KompasRules
from waterbodem.layerset import LayerSet, Scenario
from waterbodem.measures import measures_of
from waterbodem.tally import SCORE, Runs, Tally, Tallying, runs_of

Array = NDArray[Any]
Integers = NDArray[np.int64]

#: Cells of a band.
BAND = 1 << 17


@dataclass(frozen=True)
class Footing:
    """The polygons that touch a block of cells.

    Parameters
    ----------
    numbers : int64 array (P,)
        Which of all polygons, ascending.
    runs : Runs
    bands : list of int64 arrays (4, R)
        The runs of every band of ``rows`` rows.
    rows : int
    """

    numbers: Integers
    runs: Runs
    bands: Sequence[Integers]
    rows: int

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Cells that any polygon touches, flat."""
        return self.runs.prints.mask.reshape(-1)


def footing_of(areas: Sequence[Area], tree: shapely.STRtree, grid: Grid) -> Footing | None:
    """Return which polygons touch a block of cells, and where; None if none does."""
    near = np.sort(tree.query(shapely.box(*grid.bounds), predicate="intersects")).astype(np.int64)
    if not near.size:
        return None
    runs = runs_of(footprints([areas[i] for i in near], grid))
    rows = max(1, BAND // grid.cols)
    return Footing(near, runs, runs.bands(rows), rows) if runs.table.size else None


def gather(
    cells: LayerSet, functie: Functie, settings: Settings, rules: KompasRules, footing: Footing, chance: Array
) -> tuple[Result, Tally]:
    """Return the grids of a functie on a block, and its sums over the polygons.

    Parameters
    ----------
    cells : LayerSet
        On the block of the footing.
    functie : Functie
    settings : Settings
        With one reference functie.
    rules : KompasRules
    footing : Footing
    chance : float32 array (rows, cols)
        Of :func:`waterbodem.measures.chance_of`.

    Returns
    -------
    Result
        As :func:`waterbodem.evaluation.evaluate` gives without ``full``; bands without a polygon are not filled.
    Tally
    """
    shape = cells.shape
    tallying, whole, score = Tallying(footing.runs), _blank(shape, functie), np.full(shape, np.nan, np.float32)
    criteria: tuple[str, ...] = ()
    for number, runs in enumerate(footing.bands):
        if runs.size:
            rows = slice(number * footing.rows, (number + 1) * footing.rows)
            band = _cut(cells, rows)
            result = evaluate(band, functie, settings)
            measures = measures_of(band, result, settings, rules, chance[rows])
            tallying.add(runs, rows.start * shape[1], result, measures.names, measures.rows)
            score[rows], criteria = measures[SCORE].reshape(band.shape), result.criteria
            _copy(result, whole, rows)
    return Result(functie, criteria, whole.scores, whole.burden), tallying.close(score, footing.numbers)


def _blank(shape: tuple[int, int], functie: Functie) -> Result:
    kinds = {"score": np.float32, "dekking": np.float32}
    scores = {n: np.zeros(shape, kinds.get(n, np.uint8)) for n in GRIDS}
    return Result(functie, (), scores, empty_burden(shape, False))


def _copy(result: Result, whole: Result, rows: slice) -> None:
    for name in GRIDS:
        whole.scores[name][rows] = result.scores[name]
    whole.burden.risico[rows] = result.burden.risico
    whole.burden.oorzaak[rows] = result.burden.oorzaak


def _cut(cells: LayerSet, rows: slice) -> LayerSet:
    present = {n: a[rows] for n, a in cells.present.items()}
    scenarios = (Scenario(s.name, {n: a[rows] for n, a in s.layers.items()}, s.horizon) for s in cells.scenarios)
    return LayerSet(present, tuple(scenarios), cells.ignored, cells.template)
