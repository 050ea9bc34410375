"""Who receives it, back from the file of an answer; what anyone may have written there is checked before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from waterbodem.answers.archived_question import ArchivedReceiverQuestion, LedgerNotes, checked_way
from waterbodem.core import memory
from waterbodem.core.dataset import of_functie
from waterbodem.core.errors import ArgumentError
from waterbodem.core.grid import Grid
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import Reach, reach_table
from waterbodem.definitions.settings import Settings
from waterbodem.formats.archive import Unpacker
from waterbodem.formats.archive_form import Array, Kind, Reception, Way
from waterbodem.layers.polygons import FARTHEST, Area
from waterbodem.receivers.division import ReceiverPolygon
from waterbodem.receivers.land import Land
from waterbodem.receivers.network import NetworkPart
from waterbodem.receivers.reach import PROTECTED, Ground
from waterbodem.receivers.released import PlanLand, Shifted, cover_of

#: What a plan shifts, in the cells of an answer.
SHIFTED = ("afvoer", "verdrongen_berging", "grondwaterverlaging")


def read_receiver_question(
    found: Unpacker,
    told: Reception,
    plans: Sequence[Area],
    functies: Sequence[Functie],
    settings: Settings,
    block: Grid,
    cells: xr.Dataset,
) -> ArchivedReceiverQuestion:
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
    wet = _open_water(found, told.open_water_ha, len(near))
    return ArchivedReceiverQuestion(
        Land(grid, told.lagen, _nothing, _nothing),
        tuple(plans),
        near[: told.gegeven],
        settings,
        around=True,
        sites=_sites(found, grid, block, cells, plans, told.plannen),
        near=near,
        wet=dict(zip(near, wet, strict=True)),
        soil=None if told.grond is None else _soil(found, grid, *told.grond, settings.reach),
        way=_way(found, told.weg, grid),
        told={id_: LedgerNotes(t.herkomst.told, t.notes) for id_, t in told.verteld.items()},
        swept=None if swept is None else _swept(found, swept, block),
    )


def _nothing(*_: Any) -> Any:
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


def _target(found: Unpacker, grid: Grid, told: tuple[int, str, str, str, Kind, int]) -> ReceiverPolygon:
    area, kind, plan_nr = area_of(found, *told[:4]), told[4], told[5]
    memory.check_fits(grid.crop(area.geometry.bounds), 6)
    return ReceiverPolygon(area, kind, plan_nr)


def _sites(
    found: Unpacker,
    grid: Grid,
    block: Grid,
    cells: xr.Dataset,
    plans: Sequence[Area],
    numbers: Sequence[int],
) -> tuple[PlanLand, ...]:
    if not numbers or len(set(numbers)) != len(numbers) or not set(numbers) <= {a.nr for a in plans}:
        raise found.broken("plans of a ledger are not those that were asked", numbers[:10])
    return tuple(_site(grid, block, cells, plans[nr - 1]) for nr in numbers)


def _site(grid: Grid, block: Grid, cells: xr.Dataset, area: Area) -> PlanLand:
    own = grid.crop(area.geometry.bounds)
    window = block.slices(own)

    def shifted(functie: Functie) -> Shifted:
        one = of_functie(cells, functie.id)
        runoff, displaced, lowering = (one[name].values[window] for name in SHIFTED)
        return runoff, displaced, lowering

    return PlanLand(area, own, cover_of(area, own), shifted)


def _open_water(found: Unpacker, packed: Array, count: int) -> list[float]:
    hectares = found.array(packed)
    if hectares.shape != (count,) or hectares.dtype != np.float64 or (hectares < 0).any():
        raise found.broken("open water of receivers is broken", hectares.shape)
    return [float(ha) for ha in hectares]


def _soil(found: Unpacker, grid: Grid, row: int, col: int, packed: Array, reach: Reach) -> Ground:
    """Return ground of which the codes of one block were kept; elsewhere nothing is asked."""
    table, held = reach_table(reach), found.array(packed)
    right = held.ndim == 2 and held.dtype == np.uint8
    if not right or row + held.shape[0] > grid.rows or col + held.shape[1] > grid.cols:
        raise found.broken("ground does not lie on the land", held.shape)
    if ((held & ~PROTECTED) >= len(table.situaties)).any():
        raise found.broken("ground is in no situation of the table", len(table.situaties))
    block = grid.part(slice(row, row + held.shape[0]), slice(col, col + held.shape[1]))

    def codes(asked: Grid) -> NDArray[np.uint8]:
        out = np.zeros(asked.shape, np.uint8)
        out[asked.slices(block)] = held[block.slices(asked)]
        return out

    return Ground(table, codes)


def _way(found: Unpacker, told: Way | None, grid: Grid) -> NetworkPart | None:
    if told is None:
        return None
    cells, down, step = (found.array(part) for part in (told.cellen, told.verder, told.stap))
    return checked_way(cells, down, step, told.lengten, grid.rows * grid.cols)


def _swept(found: Unpacker, told: Sequence[Array], block: Grid) -> tuple[Any, Any]:
    known, unknown = (found.array(t) for t in told)
    if {known.shape, unknown.shape} != {block.shape} or {known.dtype, unknown.dtype} != {np.dtype(np.float32)}:
        raise found.broken("exposure does not lie on the grid", known.shape)
    return known, unknown
