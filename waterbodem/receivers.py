"""Who receives the burden of a plan, through water and ground: from plans and polygons to a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from waterbodem import dataset, registry
from waterbodem.areas import Area, read_areas
from waterbodem.burden import Measures
from waterbodem.burden_ledger import Entry, Ledger
from waterbodem.coverage import divide
from waterbodem.definitions import Functie
from waterbodem.errors import ArgumentError
from waterbodem.flow import Flow
from waterbodem.flow_store import flow_of, on_grid
from waterbodem.grid import Grid
from waterbodem.groundwater import Reach, nothing, spread
from waterbodem.network import Network, Routed, Strand
from waterbodem.reception import ReachTable, reception_rules
from waterbodem.sources import PlanSource, plan_sources


def grootboek(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    gebied: Any,
    ontvangers: Any = None,
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    aangelegde_berging_mm: float = 0.0,
    bergingseis_mm: float | None = None,
    stroming: Flow | None = None,
    demping_m: float | None = None,
    reikwijdte: Reach | None = None,
    bewaar: Any = None,
    id: str | None = None,
    id_ontvangers: str | None = None,
) -> Ledger:
    """Draw up who receives the burden of one or more plans.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1 on (y, x). Water needs ``maaiveld``, the ground needs ``ghg``; without them
        that part is *niet bepaald*.
    functie : str, Functie, or list with one per plan
    gebied : geometry, GeoSeries, GeoDataFrame, GeoJSON mapping or path
        The plans.
    ontvangers : as gebied, optional
        Who may receive: municipalities, water boards, nature areas, other plans. They may overlap each other and the
        plans; what is counted twice gets a line of its own, so that the ledger adds up.
    referentie, aangelegde_berging_mm, bergingseis_mm
        As in :func:`waterbodem.afwenteling`.
    stroming : Flow, optional
        Flow directions on the grid of the layers; default from maaiveld.
    demping_m : float, optional
        L: distance over which 63 % of the water stays behind [m], default 2000.
    reikwijdte : float, "situatie" or ReachTable, optional
        lambda of the groundwater [m], default 200.
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
    grid = dataset.grid_of(layers)
    plans = read_areas(gebied, grid.crs, id)
    chosen = _one_per_plan(functie, len(plans))
    targets = [] if ontvangers is None else read_areas(ontvangers, grid.crs, id_ontvangers)
    measures = Measures(aangelegde_berging_mm, bergingseis_mm)
    sources, outside = plan_sources(layers, grid, plans, chosen, referentie, measures, reikwijdte)
    flow = on_grid(stroming, grid) or flow_of(layers, bewaar)
    settings = _settings(referentie, measures, demping_m, reikwijdte, flow)
    entries = [_entry(s, flow, grid, demping_m, "ghg" in layers) for s in sources]
    division = divide(targets, _block(entries, grid), grid)
    return Ledger(tuple(entries), division, settings, _notes(entries, outside, grid, flow))


def _one_per_plan(functie: Any, count: int) -> list[Functie]:
    if isinstance(functie, (str, Functie)):
        return registry.choose(functie)[0] * count
    listed = [registry.choose(f)[0][0] for f in functie]
    if len(listed) == 1:
        return listed * count
    if len(listed) != count:
        allowed = f"1 or {count}"
        raise ArgumentError("give one functie, or one per plan", value=len(listed), allowed=allowed, where="functie")
    return listed


def _settings(
    referentie: Any, measures: Measures, damping: float | None, reach: Reach | None, flow: Flow | None
) -> dict[str, Any]:
    rules = reception_rules()
    named = registry.burden_rules().reference if referentie is None else getattr(referentie, "id", referentie)
    default = rules.value("reikwijdte_m") if reach is None else reach
    return {
        "referentie": named if isinstance(named, str) else "raster",
        "aangelegde_berging_mm": measures.built_mm,
        "bergingseis_mm": measures.norm_mm,
        "demping_m": rules.value("demping_m") if damping is None else damping,
        "reikwijdte": "eigen tabel" if isinstance(default, ReachTable) else default,
        "stroomrichting_sha256": "" if flow is None else flow.sha256,
        "stroomrichting": () if flow is None else flow.uitleg,
        "definities": registry.rules_version(),
        "expertoordeel": tuple(k for k, c in rules.constanten.items() if c.expertoordeel),
        "grenzen": rules.grenzen.tekst,
    }


def _entry(source: PlanSource, flow: Flow | None, grid: Grid, damping: float | None, ground: bool) -> Entry:
    effect = spread(source.head, source.reach, source.grid, grid, source.inside) if ground else nothing(grid)
    if flow is None:
        return Entry(source, None, None, effect)
    strand, routed = _routed(source, flow.network, grid, damping)
    return Entry(source, strand, routed, effect)


def _routed(source: PlanSource, network: Network, grid: Grid, damping: float | None) -> tuple[Strand, Routed]:
    """Route the water of a plan over the cells that it comes through."""
    row, col = grid.offset(source.grid)
    rows, cols = np.nonzero(source.volume > 0)
    cells = (rows + row) * grid.cols + cols + col
    strand = network.strand(cells)
    released = np.zeros(strand.cells.size)
    released[np.searchsorted(strand.cells, cells)] = source.volume[rows, cols]
    return strand, strand.network.route(released, damping)


def _block(entries: Sequence[Entry], grid: Grid) -> Grid:
    """Return the block of cells that any plan reaches, through water or ground."""
    parts = [e.source.grid.bounds for e in entries] + [e.effect.grid.bounds for e in entries if e.effect.verlaging.size]
    for entry in entries:
        if entry.strand is not None and entry.strand.cells.size:
            rows, cols = np.divmod(entry.strand.cells, grid.cols)
            parts.append(grid.part(slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1)).bounds)
    edges = np.array(parts)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    return grid.crop((float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def _notes(entries: Sequence[Entry], outside: Sequence[Area], grid: Grid, flow: Flow | None) -> tuple[str, ...]:
    found = [f"plan {a.name}: ligt geheel buiten de gegevens" for a in outside]
    for entry in entries:
        found += [f"plan {entry.source.area.name}: {text}" for text in _warnings(entry, grid, flow)]
    return tuple(found)


def _warnings(entry: Entry, grid: Grid, flow: Flow | None) -> list[str]:
    source, found = entry.source, []
    if source.either_unknown.any():
        found.append(
            f"afvoer of verdrongen berging onbekend op {source.hectares(source.either_unknown):.4g} ha "
            f"(beide onbekend, telt als 0: {source.hectares(source.none_known):.4g} ha)"
        )
    if source.functie.value("onttrekking") > 0:
        found.append("een onttrekking vraagt een eigen toets bij elke ontvanger; de verlaging is hier niet bepaald")
    if source.outside_ha:
        found.append(f"{source.outside_ha:.4g} ha ligt buiten de gegevens en telt niet mee")
    if flow is not None:
        hole = source.inside & ~flow.known[grid.slices(source.grid)]
        if hole.any():
            share = float(source.volume[hole].sum()) / max(float(source.volume.sum()), 1e-300)
            text = f"{source.hectares(hole):.4g} ha zonder maaiveld"
            found.append(f"{text}; {100 * share:.3g} % van het water verlaat daar de gegevens")
    unknown = source.inside & np.isnan(source.head)
    if unknown.any():
        found.append(f"grondwaterverlaging onbekend op {source.hectares(unknown):.4g} ha")
    xmin, ymin, xmax, ymax = source.grid.bounds
    left, bottom, right, top = grid.bounds
    reach = entry.effect.reikt_m
    if reach and (xmin - reach < left or ymin - reach < bottom or xmax + reach > right or ymax + reach > top):
        found.append("de invloed op het grondwater reikt mogelijk tot buiten de gegevens")
    return found
