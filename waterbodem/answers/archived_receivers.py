"""Who receives it, back from the file of an answer; what anyone may have written there is checked before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import xarray as xr

from waterbodem.answers.archived_question import KeptEnquiry, Told, checked_way
from waterbodem.core import memory
from waterbodem.core.dataset import of_functie
from waterbodem.core.errors import ArgumentError
from waterbodem.core.grid import Grid
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Settings
from waterbodem.formats.archive import Unpacker
from waterbodem.formats.archive_form import Array, Kind, Reception, Way
from waterbodem.layers.polygons import FARTHEST, Area
from waterbodem.receivers.division import Target
from waterbodem.receivers.land import Land
from waterbodem.receivers.network import Strand
from waterbodem.receivers.released import Plot, Shifted, cover_of

#: What a plan shifts, in the cells of an answer.
SHIFTED = ("afvoer", "verdrongen_berging", "grondwaterverlaging")


def read_enquiry(
    found: Unpacker,
    told: Reception,
    plans: Sequence[Area],
    functies: Sequence[Functie],
    settings: Settings,
    block: Grid,
    cells: xr.Dataset,
) -> KeptEnquiry:
    """Return what was asked of receivers, with what was answered.

    Parameters
    ----------
    told : Reception
        What ``keeping.receivers`` wrote.
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
    grid = _grid(found, told.grid, block)
    _check(found, told, functies, block, cells)
    near = tuple(_target(found, grid, t) for t in told.ontvangers)
    swept = told.blootstelling
    return KeptEnquiry(
        Land(grid, told.lagen, _nothing, _nothing),
        tuple(plans),
        near[: told.gegeven],
        settings,
        around=True,
        sites=_sites(found, grid, block, cells, plans, told.plannen),
        near=near,
        way=_way(found, told.weg, grid),
        told={id_: Told(t.herkomst.told, t.notes) for id_, t in told.verteld.items()},
        swept=None if swept is None else _swept(found, swept, block),
    )


def _nothing(_: Any) -> Any:
    raise ArgumentError("an answer from a file has no land around it", allowed="the layers", where="omgeving")


def _grid(found: Unpacker, told: Sequence[Any], block: Grid) -> Grid:
    left, top, dx, dy, rows, cols = told
    grid = Grid(left, top, dx, dy, rows, cols, block.crs)
    if not grid.same_lattice(block):
        raise found.broken("plans do not lie on the land", told)
    row, col = grid.offset(block)
    if row < 0 or col < 0 or row + block.rows > rows or col + block.cols > cols:
        raise found.broken("plans do not lie on the land", told)
    return grid


def _check(found: Unpacker, told: Reception, functies: Sequence[Functie], block: Grid, cells: xr.Dataset) -> None:
    """Refuse an answer of which a ledger, or what it is made of, is missing."""
    lacking = {f.id for f in functies} - set(told.verteld)
    if lacking:
        raise found.broken("a ledger is missing", sorted(lacking))
    for name in SHIFTED:
        if cells[name].shape[-2:] != block.shape or cells[name].dtype != np.float32:
            raise found.broken("what is shifted does not lie on the grid", name)


def area_of(found: Unpacker, nr: int, name: str, wkb: str, repaired: str) -> Area:
    """Return a polygon that anyone may have written.

    Raises
    ------
    CorruptLayer
        If it is no polygon, or not valid.
    """
    geometry = shapely.from_wkb(wkb)
    right = geometry.geom_type in ("Polygon", "MultiPolygon") and geometry.is_valid and not geometry.is_empty
    if not right or not np.abs(geometry.bounds).max() < FARTHEST:
        raise found.broken("polygon is not valid", nr)
    return Area(nr, name, geometry, repaired)


def _target(found: Unpacker, grid: Grid, told: tuple[int, str, str, str, Kind, int]) -> Target:
    area, kind, plan_nr = area_of(found, *told[:4]), told[4], told[5]
    memory.check_fits(grid.crop(area.geometry.bounds), 6)
    return Target(area, kind, plan_nr)


def _sites(
    found: Unpacker,
    grid: Grid,
    block: Grid,
    cells: xr.Dataset,
    plans: Sequence[Area],
    told: Sequence[tuple[int, Array]],
) -> tuple[Plot, ...]:
    numbers = [nr for nr, _ in told]
    if len(set(numbers)) != len(told) or not set(numbers) <= {a.nr for a in plans}:
        raise found.broken("plans of a ledger are not those that were asked", numbers[:10])
    return tuple(_site(found, grid, block, cells, plans[nr - 1], packed) for nr, packed in told)


def _site(found: Unpacker, grid: Grid, block: Grid, cells: xr.Dataset, area: Area, packed: Array) -> Plot:
    own, reach = grid.crop(area.geometry.bounds), found.array(packed)
    if reach.shape != own.shape or reach.dtype != np.float64 or not (np.isfinite(reach) & (reach > 0)).all():
        raise found.broken("reach of a plan is broken", area.nr)
    window = block.slices(own)

    def shifted(functie: Functie) -> Shifted:
        one = of_functie(cells, functie.id)
        runoff, displaced, lowering = (one[name].values[window] for name in SHIFTED)
        return runoff, displaced, lowering

    return Plot(area, own, cover_of(area, own), reach, shifted)


def _way(found: Unpacker, told: Way | None, grid: Grid) -> Strand | None:
    if told is None:
        return None
    cells, down, step = (found.array(part) for part in (told.cellen, told.verder, told.stap))
    return checked_way(cells, down, step, told.lengten, grid.rows * grid.cols)


def _swept(found: Unpacker, told: Sequence[Array], block: Grid) -> tuple[Any, Any]:
    known, unknown = (found.array(t) for t in told)
    if {known.shape, unknown.shape} != {block.shape} or {known.dtype, unknown.dtype} != {np.dtype(np.float32)}:
        raise found.broken("exposure does not lie on the grid", known.shape)
    return known, unknown
