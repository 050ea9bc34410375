"""What a plan with measures shifts to others, summed over groups of cells: rules 3 and 13."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.registry import burden_rules
from waterbodem.engine.burden import burden_arrays
from waterbodem.engine.layer_set import Floats
from waterbodem.engine.plan import asked_mm, built_mm
from waterbodem.kernels.burden import Burden
from waterbodem.kernels.components import AFVOER, VERDRONGEN
from waterbodem.measures.design import Design
from waterbodem.measures.plan_cells import PlanCells
from waterbodem.measures.tally import Groups

Ints = NDArray[np.int64]

#: Rows of sums; those in mm are of storage: built within its room, what the board asks, what counts towards that.
ROWS = ("risico", "risico_zonder_compensatie", "grootste_aandeel", "water", "gebouwd", "gevraagd", "geteld")


@dataclass(frozen=True)
class Shifted:
    """Sums over G groups of cells.

    Parameters
    ----------
    sums : int64 array (7, 3, G)
        Of ``ROWS``.
    causes : int64 array (G, 11)
        Coverage * risico per oorzaak, in units of their own.
    """

    sums: Ints
    causes: Ints


def burden_of(plan: PlanCells, design: Design, decline: Floats | None) -> Burden:
    """Return what every cell shifts, on the layers as they are."""
    reference = plan.site.reference
    return burden_arrays(plan.layers, design.functie, reference, design.storage, decline, largest=True)


def shifted(plan: PlanCells, design: Design, decline: Floats | None, groups: Groups) -> Shifted:
    """Return what a design shifts to others against the present use, and the storage that goes with it."""
    found = burden_of(plan, design, decline)
    rows = [found.risico, found.zonder, found.aandeel, _water(found), *_storage(plan, design)]
    causes = len(burden_rules().components) + 1
    return Shifted(groups.sums(rows), groups.causes(found.risico, found.oorzaak, causes))


def _water(found: Burden) -> Floats:
    """Return afvoer and verdrongen berging together, of what is known [m3/ha]."""
    one, other = found.components[AFVOER], found.components[VERDRONGEN]
    both = np.nan_to_num(one) + np.nan_to_num(other)
    return np.where(np.isnan(one) & np.isnan(other), np.float32(np.nan), both)


def _storage(plan: PlanCells, design: Design) -> list[Floats]:
    """Return storage per cell [mm]: built, asked, and counted; nothing is asked where the present use is unknown."""
    functie, storage = design.functie, design.storage
    counted = (storage.built_mm or 0.0) + storage.counted_mm
    use, references = plan.site.use.reshape(-1), plan.present_use.functies
    built = [built_mm(functie, r, storage) for r in (functie, *references)]
    asked = [np.nan, *(asked_mm(functie, r, storage.board) for r in references)]
    return [np.array(table, np.float32)[use] for table in (built, asked, [np.nan, *(counted for _ in references)])]
