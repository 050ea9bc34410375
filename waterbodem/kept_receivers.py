"""Who receives it, back from the file of an answer; what anyone may have written there is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
import xarray as xr

from waterbodem import memory
from waterbodem.archive import Unpacker, restored
from waterbodem.areas import Area
from waterbodem.coverage import Target
from waterbodem.dataset import of_functie
from waterbodem.definitions import Functie
from waterbodem.errors import ArgumentError
from waterbodem.grid import Grid
from waterbodem.kept_enquiry import KeptEnquiry, Told, checked_way
from waterbodem.land import Land
from waterbodem.network import Strand
from waterbodem.settings import Settings
from waterbodem.sources import Plot, Shifted, cover_of

#: A grid of more rows or columns is no land.
LONGEST = 1_000_000
#: What a plan shifts, in the cells of an answer.
SHIFTED = ("afvoer", "verdrongen_berging", "grondwaterverlaging")
KINDS = ("ontvanger", "ander plan", "beekdal")


def read_enquiry(
    found: Unpacker,
    told: Mapping[str, Any],
    plans: Sequence[Area],
    functies: Sequence[Functie],
    settings: Settings,
    block: Grid,
    cells: xr.Dataset,
) -> KeptEnquiry:
    """Return what was asked of receivers, with what was answered.

    Parameters
    ----------
    told : mapping
        From ``keeping.receivers``.
    plans, functies, settings
        What was asked.
    block : Grid
        Of the answer.
    cells : xr.Dataset
        The answer's cells on it.

    Raises
    ------
    CorruptLayer, ArgumentError
        If something is broken, or does not fit in memory.
    """
    grid = _grid(found, told["grid"], block)
    _check(found, told, functies, block, cells)
    near = tuple(_target(found, grid, t) for t in told["ontvangers"])
    swept = told["blootstelling"]
    return KeptEnquiry(
        Land(grid, tuple(str(n) for n in told["lagen"]), _nothing, _nothing),
        tuple(plans),
        near[: int(told["gegeven"])],
        settings,
        around=True,
        sites=tuple(_site(found, grid, block, cells, plans, p) for p in told["plannen"]),
        near=near,
        way=_way(found, told["weg"], grid),
        told={str(id_): _told(t) for id_, t in told["verteld"].items()},
        swept=None if swept is None else _swept(found, swept, block),
    )


def _nothing(_: Any) -> Any:
    raise ArgumentError("an answer from a file has no land around it", allowed="the layers", where="omgeving")


def _grid(found: Unpacker, told: Sequence[Any], block: Grid) -> Grid:
    left, top, dx, dy, rows, cols = told
    grid = Grid(left, top, dx, dy, rows, cols, block.crs)
    if not all(isinstance(n, int) and 0 < n <= LONGEST for n in (rows, cols)):
        raise found.broken("land has no size", told)
    row, col = grid.offset(block)
    if row < 0 or col < 0 or row + block.rows > rows or col + block.cols > cols:
        raise found.broken("plans do not lie on the land", told)
    return grid


def _check(
    found: Unpacker, told: Mapping[str, Any], functies: Sequence[Functie], block: Grid, cells: xr.Dataset
) -> None:
    """Refuse an answer of which a ledger, or what it is made of, is missing."""
    lacking = {f.id for f in functies} - set(told["verteld"])
    if lacking:
        raise found.broken("a ledger is missing", sorted(lacking))
    for name in SHIFTED:
        if cells[name].shape[-2:] != block.shape or cells[name].dtype != np.float32:
            raise found.broken("what is shifted does not lie on the grid", name)


def _target(found: Unpacker, grid: Grid, told: Sequence[Any]) -> Target:
    nr, name, wkb, repaired, kind, plan_nr = told
    area = Area(int(nr), str(name), shapely.from_wkb(wkb), str(repaired))
    if kind not in KINDS:
        raise found.broken("receiver is of a kind that is not known", kind)
    memory.check_fits(grid.crop(area.geometry.bounds), 6)
    return Target(area, kind, int(plan_nr))


def _site(
    found: Unpacker, grid: Grid, block: Grid, cells: xr.Dataset, plans: Sequence[Area], told: Sequence[Any]
) -> Plot:
    nr, packed = told
    (area,) = (a for a in plans if a.nr == nr)
    own, reach = grid.crop(area.geometry.bounds), found.array(packed)
    if reach.shape != own.shape or reach.dtype != np.float64 or not (np.isfinite(reach) & (reach > 0)).all():
        raise found.broken("reach of a plan is broken", nr)
    window = block.slices(own)

    def shifted(functie: Functie) -> Shifted:
        one = of_functie(cells, functie.id)
        runoff, displaced, lowering = (one[name].values[window] for name in SHIFTED)
        return runoff, displaced, lowering

    return Plot(area, own, cover_of(area, own), reach, shifted)


def _way(found: Unpacker, told: Mapping[str, Any] | None, grid: Grid) -> Strand | None:
    if told is None:
        return None
    cells, down, step = (found.array(told[name]) for name in ("cellen", "verder", "stap"))
    return checked_way(cells, down, step, restored(told["lengten"]), grid.rows * grid.cols)


def _told(told: Mapping[str, Any]) -> Told:
    herkomst = {str(k): tuple(v) if isinstance(v, list) else v for k, v in restored(told["herkomst"]).items()}
    return Told(herkomst, tuple(str(n) for n in told["notes"]))


def _swept(found: Unpacker, told: Sequence[Any], block: Grid) -> tuple[Any, Any]:
    known, unknown = (found.array(t) for t in told)
    if {known.shape, unknown.shape} != {block.shape} or {known.dtype, unknown.dtype} != {np.dtype(np.float32)}:
        raise found.broken("exposure does not lie on the grid", known.shape)
    return known, unknown
