"""Everything about one functie on one block of cells: what assess and the batch engine both stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Settings, Storage
from waterbodem.engine.burden import burden_arrays, decline_of
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.scoring import ANSWER, criterion_shares, score_arrays
from waterbodem.formats.output_names import CELL_MAPS
from waterbodem.kernels.burden import Burden

Array = NDArray[Any]
GRIDS = tuple(m.array for m in CELL_MAPS if not m.of_burden)
SCORES = (*ANSWER, "score_min", "score_max", "klasse_min", "klasse_max", "loss")


@dataclass(frozen=True)
class Result:
    """One functie on one block; arrays (rows, cols), ``loss`` (K + 1, rows * cols).

    ``criteria`` are the names of the K criteria that took part, in order.
    """

    functie: Functie
    criteria: tuple[str, ...]
    scores: dict[str, Array]
    burden: Burden


def evaluate(cells: LayerSet, functie: Functie, settings: Settings, storage: Storage, full: bool = True) -> Result:
    """Score a functie and compute its burden on every cell, with what is agreed on storage.

    ``full`` also makes what polygons need: score bounds, losses and the components of the burden.
    """
    scores = score_arrays(cells.present, functie, *settings.method, SCORES if full else GRIDS)
    decline = decline_of(cells, functie)
    return Result(
        functie,
        tuple(part.name for part in criterion_shares(functie, list(cells.present))),
        scores,
        burden_arrays(cells.present, functie, settings.reference, storage, decline, full),
    )


def masked(values: Array, inside: NDArray[np.bool_], outside: Any) -> Array:
    """Return values with ``outside`` where no polygon is."""
    return np.where(inside, values, values.dtype.type(outside))
