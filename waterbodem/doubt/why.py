"""Why this cell, and what would make it another answer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from waterbodem.core.dataset import grid_of
from waterbodem.core.lazy import xr
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Settings
from waterbodem.doubt.gevoeligheid import ALONE
from waterbodem.doubt.place import Place
from waterbodem.doubt.spread import Spread, spreads_of
from waterbodem.doubt.tipping import Flip, Tip, tip_of
from waterbodem.engine.burden import burden_arrays, decline_of
from waterbodem.engine.explanation import Explanation, TippingPoint, cell_at, explain
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.reference import on_block, use_of
from waterbodem.engine.table import letters


@either_spelling
def waarom(
    layers: xr.Dataset,
    functie: str | Functie,
    x: float,
    y: float,
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
    methode: str = "meetkundig",
    orness: float | None = None,
) -> Explanation:
    """Explain one cell: value, score, loss share and source per criterion, and the afwenteling.

    Parameters
    ----------
    layers : xr.Dataset
    functie : str or Functie
    x, y : float
        A point in the cell, in the grid's CRS [m].
    referentie, waterschap, aangelegde_berging_mm, bergingseis_mm
        As in :func:`waterbodem.afwenteling`.
    methode, orness
        As in :func:`waterbodem.geschiktheid`; losses are then split in proportion to the weighted log loss.

    Returns
    -------
    Explanation
        With the layer that need be off least, in standard deviations, for another answer (``kantelpunt``). The losses
        of the criteria and of an excluding threshold add up to 1 - score.

    Raises
    ------
    NoOverlap
        If the point lies outside the data.

    Examples
    --------
    >>> import waterbodem as wb
    >>> w = wb.waarom(wb.example(), "woningbouw", x=239012, y=553480)
    >>> round(sum(c.verlies for c in w.criteria) + w.score, 4)
    1.0
    """
    settings = Settings.of_cells(locals())
    chosen = registry.choose_one(functie)
    row, col = cell_at(layers, x, y)
    one = layers.isel(y=[row], x=[col])
    cells = layer_set(one)
    cell = grid_of(layers).part(slice(row, row + 1), slice(col, col + 1))
    use = on_block(use_of(settings.reference, layers, [chosen]), cell)
    burden = burden_arrays(cells.present, chosen, use, settings.storage, decline_of(cells, chosen))
    place = Place(chosen, cells, np.ones(1), 1.0, ALONE, settings.method, is_cell=True)
    return replace(explain(cells, chosen, burden, (x, y), *settings.method), kantelpunt=tipping_point(place))


def tipping_point(place: Place) -> TippingPoint | None:
    """Return the layer of a cell that need be off least, in standard deviations, for another answer; None: none."""
    spreads = spreads_of(place)
    found = [_nearest(spread, tip_of(place, name)) for name, spread in spreads.items()]
    distance, tip, flip = min(found, key=lambda f: f[0], default=(math.inf, None, None))
    if tip is None or flip is None or math.isinf(distance):
        return None
    return TippingPoint(tip.layer, tip.value, registry.layer_kinds()[tip.layer].unit, flip.at, letters()[flip.answer])


def _nearest(spread: Spread, tip: Tip) -> tuple[float, Tip, Flip]:
    """Return the nearer flip of a layer, and how many standard deviations it is away."""
    flips = [(spread.distance(f.at) if math.isfinite(f.at) else math.inf, f) for f in (tip.down, tip.up)]
    distance, flip = min(flips, key=lambda f: f[0])
    return distance, tip, flip
