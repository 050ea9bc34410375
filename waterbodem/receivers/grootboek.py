"""Who receives the burden of a plan, through water and ground: from plans and polygons to a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from waterbodem.core.errors import ArgumentError
from waterbodem.core.lazy import gpd
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import Reach
from waterbodem.definitions.settings import Settings
from waterbodem.engine.reference import use_of
from waterbodem.layers.polygons import read_areas
from waterbodem.receivers.division import read_targets
from waterbodem.receivers.flow import Flow
from waterbodem.receivers.flow_store import on_grid
from waterbodem.receivers.land import land_of
from waterbodem.receivers.ledger import Ledger
from waterbodem.receivers.question import ReceiverQuestion


@either_spelling
def grootboek(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    gebied: Any,
    ontvangers: Any = None,
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | Path | gpd.GeoDataFrame | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
    stroming: Flow | None = None,
    demping_m: float | None = None,
    reikwijdte: Reach | None = None,
    onttrekking: Well | None = None,
    bewaar: Any = None,
    id: str | None = None,
    id_ontvangers: str | None = None,
) -> Ledger:
    """Draw up who receives the burden of one or more plans.

    Computed at once, also where layers are chunked: water crosses every block.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1 on (y, x). Water needs ``maaiveld``, the ground needs ``ghg``; without them
        that part is *niet bepaald*.
    functie : str, Functie, or list with one per plan
    gebied : geometry or list of them, GeoSeries, GeoDataFrame, GeoJSON mapping or text, path or open file
        The plans.
    ontvangers : as gebied, optional
        Who may receive: municipalities, water boards, nature areas, other plans. They may overlap each other and the
        plans; what is counted twice gets a line of its own, so that the ledger adds up. Property ``soort`` =
        "peilgebied" says that one is a level area, of whose open water the rise is told.
    referentie, waterschap, aangelegde_berging_mm, bergingseis_mm
        As in :func:`waterbodem.afwenteling`.
    stroming : Flow, optional
        Flow directions on the grid of the layers; default from maaiveld.
    demping_m : float, optional
        L: distance over which 63 % of the water stays behind [m], default 2000.
    reikwijdte : float, "situatie" or ReachTable, optional
        lambda of the groundwater [m], of the receiving cell; default by situation.
    onttrekking : Well, optional
        What plans of a functie that abstracts groundwater draw, and from which ground: each so much.
    bewaar : path, optional
        Folder where flow directions are kept.
    id, id_ontvangers : str, optional
        Property that holds the names.

    Returns
    -------
    Ledger

    Raises
    ------
    WaterbodemError
        If a polygon is broken, all plans lie outside the data, or flow directions lie on another grid.

    Examples
    --------
    >>> import waterbodem as wb
    >>> plans = wb.example_plans()
    >>> ledger = grootboek(wb.example(), "woningbouw", plans[:1], plans[1:])
    >>> bool(ledger.sluit)
    True
    """
    settings = Settings.of(locals())
    land = land_of(layers)
    plans = read_areas(gebied, land.grid.crs, id)
    functies = _one_per_plan(functie, len(plans))
    receiver_question = ReceiverQuestion(
        land,
        tuple(plans),
        read_targets(ontvangers, land.grid.crs, id_ontvangers),
        settings.with_reference(use_of(settings.reference, layers, functies)),
        None if stroming is None else on_grid(stroming, land.grid),
        bewaar,
    )
    return receiver_question.ledger(functies)


def _one_per_plan(functie: Any, count: int) -> list[Functie]:
    if isinstance(functie, (str, Functie)):
        return [registry.choose_one(functie)] * count
    listed = [registry.choose_one(f) for f in functie]
    if len(listed) == 1:
        return listed * count
    if len(listed) != count:
        allowed = f"1 or {count}"
        raise ArgumentError("give one functie, or one per plan", value=len(listed), allowed=allowed, where="functie")
    return listed
