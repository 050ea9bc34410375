"""Maps and sums over polygons of a block of cells, in one pass over what is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import KompasRules
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import assumed
from waterbodem.definitions.settings import Settings
from waterbodem.engine.burden import burden_arrays, decline_of, empty_burden, flat_cells, futures_of
from waterbodem.engine.coverage import footprints
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.plan import changes_of
from waterbodem.engine.quantities import against, borders_of, fill_lowest, fired_by, layers_of_extremes, lowest_of
from waterbodem.engine.reference import present_use
from waterbodem.engine.scoring import check_codes, model_of, parts_of
from waterbodem.engine.sums import SCORE, Runs, Settled, Tally, no_sums, runs_of, with_bins
from waterbodem.engine.table import SCORED, THRESHOLD, VOLUMES, shares
from waterbodem.formats.output_names import CELL_MAPS
from waterbodem.kernels import burden, components, scoring, zonal
from waterbodem.kernels import fused as kernel
from waterbodem.kernels._compile.records import places_of
from waterbodem.layers.polygons import Area

Array = NDArray[Any]
Integers = NDArray[np.int64]

#: Cells of a band: what is between layers and sums then stays in the cache of a core.
BAND = 1 << 12
#: Measures that are one number for all cells.
CONSTANT = ("verharding", "onttrekking")


@dataclass(frozen=True)
class Footing:
    """The polygons that touch a block of cells.

    Parameters
    ----------
    numbers : int64 array (P,)
        Which of all polygons, ascending.
    runs : Runs
    bands : Bands
        The runs in every band of ``rows`` rows.
    rows : int
    settled : Settled
        Polygons that touch no other block.
    """

    numbers: Integers
    runs: Runs
    bands: zonal.Bands
    rows: int
    settled: Settled

    @cached_property
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
    settled = Settled(_within([areas[i] for i in near], grid), shares())
    return Footing(near, runs, runs.bands(rows), rows, settled) if runs.table.size else None


def _within(areas: Sequence[Area], grid: Grid) -> NDArray[np.bool_]:
    """Tell which polygons lie in a block as a whole."""
    (west, south, east, north), (xmin, ymin, xmax, ymax) = shapely.bounds([a.geometry for a in areas]).T, grid.bounds
    return np.asarray((west >= xmin) & (east <= xmax) & (south >= ymin) & (north <= ymax))


def gather(
    cells: LayerSet, functie: Functie, settings: Settings, footing: Footing, chance: Array
) -> tuple[dict[str, Array], Tally]:
    """Return the maps of a functie on a block, and its sums over the polygons.

    Parameters
    ----------
    cells : LayerSet
        On the block of the footing.
    functie : Functie
    settings : Settings
        With one reference functie, or None: layer ``gebruik``, else the functie that is assumed.
    footing : Footing
    chance : float32 array (rows, cols)
        Of :func:`waterbodem.engine.quantities.chance_of`.

    Returns
    -------
    dict of str to array (rows, cols)
        Score, klasse, bepalend, dekking, risico and oorzaak; bands without a polygon are not filled.
    Tally
    """
    check_codes(functie, cells.present)
    present, shape = list(cells.present), cells.shape
    model = model_of(functie, present, *settings.method)
    use, rules = present_use(settings.reference, cells.present), settings.rules
    change, bare = changes_of(functie, use if isinstance(use, Functie) else assumed(), settings.storage)
    other = against(functie, use, rules)
    bits = fired_by(cells, functie, rules)
    names, given = _given(cells, functie, rules, chance)
    then = futures_of(cells, functie)
    decline = decline_of(cells, functie, then)
    land = (*_flat(cells.present, components.LAYERS), _flat_one(decline))
    shifted = empty_burden((0,), True)
    if not isinstance(use, Functie):
        shifted = flat_cells(burden_arrays(cells.present, functie, settings.reference, settings.storage, decline))
        given = np.concatenate([given, [other[name] for name in CONSTANT]])
    criteria = [*(p.name for p in parts_of(functie, present)), THRESHOLD]
    measures = (
        SCORE,
        *(f"{SCORED}{n}" for n in criteria),
        *kernel.MADE,
        *bits,
        *("score_min", "score_max", *VOLUMES, "dekking", "risico"),
        *names,
        *CONSTANT,
    )
    sums = no_sums(footing.runs, measures)
    maps = _blank(shape)
    flat = _flat(cells.present, registry.layer_kinds())
    kernel.gather_cells(
        places_of(flat, maps.assessed.size),
        model,
        scoring.order_of(model),
        places_of(land, maps.assessed.size),
        change,
        bare,
        kernel.Asked(
            borders_of(functie, rules), other["verharding"], other["more_fill"], *_bits(bits, registry.layer_kinds())
        ),
        kernel.Cells(_flat_one(lowest_of(then)), given, shifted),
        footing.bands,
        footing.rows * shape[1],
        maps,
        _buffers(int(model.numbers["criteria"]), len(bits), footing.rows * shape[1], burden.buffers(land, change)),
        kernel.Totals(sums.sums, sums.classes, sums.causes),
    )
    if isinstance(use, Functie):
        for name, total in zip(CONSTANT, sums.sums[-len(CONSTANT) :], strict=True):
            zonal.add_constant(other[name][0], sums.inside, total)
    found = {n: getattr(maps, n).reshape(shape) for n in maps._fields}
    return found, with_bins(sums, footing.runs, maps.assessed, footing.numbers, footing.settled)


def _given(cells: LayerSet, functie: Functie, rules: KompasRules, chance: Array) -> tuple[tuple[str, ...], Array]:
    """Return measures that need no score: names, and rows (G, n)."""
    sets = layers_of_extremes(cells, functie, rules)
    rows = np.empty((1 + len(sets), chance.size), np.float32)
    rows[0] = chance.reshape(-1)
    for layers, row in zip(sets.values(), rows[1:], strict=True):
        fill_lowest(layers, functie, row)
    return ("kans", *sets), rows


def _bits(bits: Mapping[str, int], kinds: Mapping[str, Any]) -> tuple[Array, Array]:
    places = [list(kinds).index(name.removeprefix("drempel_")) for name in bits]
    return np.array(list(bits.values()), np.uint16), np.array(places, np.int64)


def _flat(layers: Mapping[str, Array], names: Sequence[str] | Mapping[str, Any]) -> tuple[Array, ...]:
    return tuple(_flat_one(layers.get(n)) for n in names)


def _flat_one(values: Array | None) -> Array:
    return np.empty(0, np.float32) if values is None else values.reshape(-1)


def _blank(shape: tuple[int, int]) -> kernel.Maps:
    size = shape[0] * shape[1]
    maps: dict[str, Any] = {m.array: np.empty(size, np.float32 if m.is_share else np.uint8) for m in CELL_MAPS}
    return kernel.Maps(**maps, assessed=np.empty(size, np.float32))


def _buffers(criteria: int, bits: int, size: int, shifted: np.void) -> kernel.Band:
    def rows(count: int) -> Array:
        return np.empty((count, size), np.float32)

    return kernel.Band(
        rows(criteria + 1),
        rows(len(kernel.MADE) + bits),
        rows(2),
        rows(len(registry.burden_rules().components)),
        rows(3),
        rows(2),
        np.empty(size, np.uint16),
        np.empty((2, size), np.uint8),
        np.empty(0, np.uint16),
        scoring.buffers(),
        shifted,
    )
