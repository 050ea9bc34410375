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
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import assumed
from waterbodem.definitions.settings import Storage
from waterbodem.engine.burden import burden_arrays, decline_of, empty_burden, flat_cells, futures_of
from waterbodem.engine.coverage import footprints
from waterbodem.engine.plan import changes_of
from waterbodem.engine.quantities import (
    Alarm,
    alarms_of,
    borders_of,
    excess_over_references,
    given_of,
    lowest_of,
    names_of,
)
from waterbodem.engine.scoring import check_codes, criterion_shares, model_of
from waterbodem.engine.site import Site
from waterbodem.engine.sums import Runs, SettledPolygons, Tally, no_sums, runs_of, with_bins
from waterbodem.engine.table import shares
from waterbodem.formats.output_names import CELL_MAPS
from waterbodem.kernels import burden, components, quantities, scoring, zonal
from waterbodem.kernels import fused as kernel
from waterbodem.kernels._compile.records import places_of
from waterbodem.layers.polygons import Area

Array = NDArray[Any]
Integers = NDArray[np.int64]

#: Cells of a band: what is between layers and sums then stays in the cache of a core.
BAND = 1 << 12


@dataclass(frozen=True)
class BlockPolygons:
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
    settled: SettledPolygons

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Cells that any polygon touches, flat."""
        return self.runs.prints.mask.reshape(-1)

    def some(self, which: Integers) -> BlockPolygons:
        """Return the same of some of the polygons, by place, ascending."""
        if len(which) == len(self.numbers):
            return self
        runs = runs_of(self.runs.prints.some(which))
        settled = SettledPolygons(self.settled.whole[which], self.settled.shares)
        return BlockPolygons(self.numbers[which], runs, runs.bands(self.rows), self.rows, settled)


def block_polygons(areas: Sequence[Area], tree: shapely.STRtree, grid: Grid) -> BlockPolygons | None:
    """Return which polygons touch a block of cells, and where; None if none does."""
    near = np.sort(tree.query(shapely.box(*grid.bounds), predicate="intersects")).astype(np.int64)
    if not near.size:
        return None
    runs = runs_of(footprints([areas[i] for i in near], grid))
    rows = max(1, BAND // grid.cols)
    settled = SettledPolygons(_within([areas[i] for i in near], grid), shares())
    return BlockPolygons(near, runs, runs.bands(rows), rows, settled) if runs.table.size else None


def _within(areas: Sequence[Area], grid: Grid) -> NDArray[np.bool_]:
    """Tell which polygons lie in a block as a whole."""
    (west, south, east, north), (xmin, ymin, xmax, ymax) = shapely.bounds([a.geometry for a in areas]).T, grid.bounds
    return np.asarray((west >= xmin) & (east <= xmax) & (south >= ymin) & (north <= ymax))


def maps_and_sums(
    site: Site, functie: Functie, method: tuple[str, float | None], storage: Storage, footing: BlockPolygons
) -> tuple[dict[str, Array], Tally]:
    """Return the maps of a functie on a block, and its sums over the polygons.

    Parameters
    ----------
    site : Site
        On the block of the footing.
    functie : Functie
    method : (str, float or None)
        Methode and orness.
    storage : Storage
    footing : Footing

    Returns
    -------
    dict of str to array (rows, cols)
        Score, klasse, bepalend, dekking, risico and oorzaak; bands without a polygon are not filled.
    Tally
    """
    cells, shape = site.cells, site.cells.shape
    check_codes(functie, cells.present)
    model = model_of(functie, list(cells.present), *method)
    then = futures_of(cells, functie)
    decline = decline_of(cells, functie, then)
    land = (*_flat(cells.present, components.LAYERS), _flat_one(decline))
    one = site.present_use.functies[0] if site.present_use.one else assumed()
    change, bare = changes_of(functie, one, storage)
    alarms, given = alarms_of(functie, cells.present, site.rules), given_of(site, functie)
    measures = names_of((p.name for p in criterion_shares(functie, list(cells.present))), alarms, given)
    sums, maps = no_sums(footing.runs, measures, len(site.present_use.functies)), _blank(shape)
    flat, size = _flat(cells.present, registry.layer_kinds()), footing.rows * shape[1]
    flat_given = [a.reshape(-1) for a in given.values()]
    kernel.gather_cells(
        places_of(flat, maps.assessed.size),
        model,
        scoring.order_of(model),
        places_of(land, maps.assessed.size),
        change,
        bare,
        _asked(site, functie, alarms),
        kernel.Cells(
            _flat_one(lowest_of(then)),
            site.use.reshape(-1),
            places_of(flat_given, maps.assessed.size),
            _shifted(site, functie, storage, decline),
        ),
        footing.bands,
        size,
        maps,
        _buffers(int(model.numbers["criteria"]), len(alarms), size, burden.buffers(land, change)),
        kernel.Totals(sums.sums, sums.classes, sums.causes, sums.uses),
    )
    found = {n: getattr(maps, n).reshape(shape) for n in maps._fields}
    return found, with_bins(sums, footing.runs, maps.assessed, footing.numbers, footing.settled)


def _shifted(site: Site, functie: Functie, storage: Storage, decline: Array | None) -> burden.Burden:
    """Return the burden where every cell has its own reference; empty where one holds for all."""
    if site.present_use.one:
        return empty_burden((0,), True)
    return flat_cells(burden_arrays(site.layers, functie, site.reference, storage, decline))


def _asked(site: Site, functie: Functie, alarms: Mapping[str, Alarm]) -> kernel.FusedQuestion:
    kinds, layers = list(registry.layer_kinds()), [a.layers for a in alarms.values()]
    return kernel.FusedQuestion(
        borders_of(functie, site.rules),
        excess_over_references(functie, site.present_use.functies, site.rules),
        np.array([a.bits for a in alarms.values()], np.uint16),
        np.cumsum([0, *map(len, layers)]).astype(np.int64),
        np.array([kinds.index(n) for some in layers for n in some], np.int64),
        np.array([a.of_change for a in alarms.values()], np.bool_),
        site.present_use.number(functie),
    )


def _flat(layers: Mapping[str, Array], names: Sequence[str] | Mapping[str, Any]) -> tuple[Array, ...]:
    return tuple(_flat_one(layers.get(n)) for n in names)


def _flat_one(values: Array | None) -> Array:
    return np.empty(0, np.float32) if values is None else values.reshape(-1)


def _blank(shape: tuple[int, int]) -> kernel.Maps:
    size = shape[0] * shape[1]
    maps: dict[str, Any] = {m.array: np.empty(size, np.float32 if m.is_share else np.uint8) for m in CELL_MAPS}
    return kernel.Maps(**maps, assessed=np.empty(size, np.float32))


def _buffers(criteria: int, alarms: int, size: int, shifted: np.void) -> kernel.Band:
    def rows(count: int) -> Array:
        return np.empty((count, size), np.float32)

    return kernel.Band(
        rows(criteria + 1),
        rows(len(quantities.MADE) + alarms),
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
