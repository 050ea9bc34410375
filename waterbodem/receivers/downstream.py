"""Burden by place, without naming a plan: what lies downstream of every cell, and what lies upstream of a receiver."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.definitions.settings import Settings, Storage
from waterbodem.engine.burden import Array, burden_arrays
from waterbodem.engine.coverage import block_of
from waterbodem.engine.layer_set import Floats, LayerSet, layer_set
from waterbodem.engine.reference import on_block, rows_of, use_of
from waterbodem.engine.scoring import join_functies
from waterbodem.kernels import components
from waterbodem.layers.polygons import read_areas
from waterbodem.receivers.division import cover_in
from waterbodem.receivers.flow import Flow
from waterbodem.receivers.flow_store import flow_over
from waterbodem.receivers.land import Land, land_of
from waterbodem.receivers.released import per_hectare

#: Cells that are worked on at a time: ten components of them are held at once.
BLOCK = 2_000_000
NO_MAAIVELD = "niet bepaald: maaiveld ontbreekt in de gegevens"


def vulnerability(land: Land, scenario: str = "") -> Floats:
    """Return V, how much a receiving cell suffers (rows, cols), 0..1, NaN = unknown.

    Layer ``kwetsbaarheid``, else ``clip(wateroverlast / 0.30, 0, 1)``, else unknown everywhere; in a scenario its own
    layer goes before the present one.
    """
    name = vulnerable_layer(land.names, scenario)
    if name is None:
        return np.full(land.grid.shape, np.nan, np.float32)
    layer = land.layer(name)
    if LayerName.of(name).layer == "kwetsbaarheid":
        return layer
    full = np.float32(reception_rules().value("wateroverlast_vol_m"))
    return np.asarray(np.clip(layer / full, np.float32(0), np.float32(1)))


def vulnerable_layer(names: Collection[str], scenario: str = "") -> str | None:
    """Return the layer that tells vulnerability; None where there is none.

    Examples
    --------
    >>> names = ["wateroverlast", "kwetsbaarheid", "wateroverlast@2050Hd"]
    >>> vulnerable_layer(names), vulnerable_layer(names[::2], "2050Hd"), vulnerable_layer(["kwel"])
    ('kwetsbaarheid', 'wateroverlast@2050Hd', None)
    """
    bases = ("kwetsbaarheid", "wateroverlast")
    wanted = [n for base in bases for n in ((str(LayerName(base, scenario)), base) if scenario else (base,))]
    return next((n for n in wanted if n in names), None)


def released(
    cells: LayerSet, functie: Functie, reference: Functie | UseMap, storage: Storage
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what a hectare would release in every cell [m3/ha], NaN where nothing is known.

    The second array tells where either component is unknown.
    """
    amount = np.empty(cells.shape, np.float32)
    partly = np.empty(cells.shape, np.bool_)
    for rows in _strips(cells.shape):
        part = {name: values[rows] for name, values in cells.present.items()}
        found = burden_arrays(part, functie, rows_of(reference, rows), storage).components
        per_ha, partly[rows], none = per_hectare(found[components.AFVOER], found[components.VERDRONGEN])
        amount[rows] = np.where(none, np.nan, per_ha)
    return amount, partly


def _strips(shape: tuple[int, int]) -> Iterator[slice]:
    height = max(1, BLOCK // max(1, shape[1]))
    return (slice(r, min(r + height, shape[0])) for r in range(0, shape[0], height))


@either_spelling
def benedenstrooms(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
    stroming: Flow | None = None,
    demping_m: float | None = None,
    bewaar: Any = None,
) -> xr.Dataset:
    """Show where a functie would burden somebody downstream, without naming a plan first.

    Computed at once, also where layers are chunked: water crosses every block.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1; needs ``maaiveld``.
    functie : str, Functie or list of them
        A list gives a leading dimension ``functie``.
    referentie, waterschap, aangelegde_berging_mm, bergingseis_mm
        As in :func:`waterbodem.afwenteling`.
    stroming : Flow, optional
        Flow directions on the grid of the layers; default from maaiveld.
    demping_m : float, optional
        L [m], default 2000.
    bewaar : path, optional
        Folder where flow directions are kept.

    Returns
    -------
    xr.Dataset
        float32, 0..1. ``blootstelling`` D: how vulnerable the land is, at least, where the water of a cell ends up;
        ``blootstelling_onbekend``: the share of that water that cannot be followed: it ends on land of unknown
        vulnerability, in open water, or leaves the data, and counts as 0 in D;
        ``benedenstrooms = min(1, E / 1600 m3/ha) * D``: NaN where both afvoer and verdrongen_berging are unknown, or
        more than 0.80 of the water cannot be followed. Without maaiveld all is NaN and attribute ``niet_bepaald`` says
        so.

    Examples
    --------
    >>> import waterbodem as wb
    >>> found = benedenstrooms(wb.example(size=100, resolution=20), "woningbouw")
    >>> float(found.benedenstrooms.max()) <= float(found.blootstelling.max()) <= 1
    True
    """
    settings = Settings.of_cells(locals())
    cells, land = layer_set(layers), land_of(layers)
    chosen, many = registry.chosen_functies(functie)
    reference = on_block(use_of(settings.reference, layers, chosen), land.grid)
    flow = flow_over(land, bewaar, stroming)
    exposure = exposure_in(land, flow, land.grid, settings.damping)
    results = [_one(cells, f, reference, settings.storage, exposure, flow) for f in chosen]
    return join_functies(results, chosen) if many else results[0]


def exposure_in(land: Land, flow: Flow | None, block: Grid, damping: float | None) -> tuple[Floats, Floats]:
    """Return D and the share of the water that cannot be followed, on a block; NaN without directions."""
    if flow is None:
        nothing = np.full(block.shape, np.nan, np.float32)
        return nothing, nothing
    window = land.grid.slices(block)
    value = followed(vulnerability(land), flow.open_water)
    known, unknown = (swept(flow, *sweep_of(value, hidden), damping)[window].copy() for hidden in (False, True))
    return known, unknown


def followed(value: Floats, water: NDArray[np.bool_]) -> Floats:
    """Return vulnerability as far as water can be followed: unknown in open water."""
    return np.where(water, np.float32(np.nan), value)


def sweep_of(value: Floats, hidden: bool) -> tuple[Array, float]:
    """Return what a cell counts for, and what lies beyond the data: for D, or for the share that cannot be followed."""
    return (np.isnan(value).view(np.uint8), 1.0) if hidden else (value, 0.0)


def swept(flow: Flow, value: Array, beyond: float, damping: float | None) -> Floats:
    """Return what water of every cell counts for by ``value``, and ``beyond`` the data; float32 (rows, cols)."""
    return flow.network.expose(value, damping, beyond).astype(np.float32).reshape(flow.grid.shape)


def drawn(share: Floats, unknown: Floats) -> Floats:
    """Return benedenstrooms as it is shown: NaN where too much of the water cannot be followed."""
    most = reception_rules().value("onbekend_hoogstens")
    return np.where(unknown > np.float32(most + noise()), np.float32(np.nan), share)


def weighed(runoff: Array, displaced: Array, exposure: Floats) -> Floats:
    """Return benedenstrooms, 0..1: what a hectare releases [m3/ha] weighed with D; NaN where both are unknown."""
    amount, _, none = per_hectare(runoff, displaced)
    return weighed_amount(np.where(none, np.nan, amount).astype(np.float32), exposure)


def weighed_amount(amount: Floats, exposure: Floats) -> Floats:
    """Return benedenstrooms, 0..1, of what a hectare releases [m3/ha]; NaN where either is unknown."""
    full = np.float32(reception_rules().value("afvoer_vol_m3_ha"))
    return np.asarray(np.minimum(np.float32(1), amount / full) * exposure)


def _one(
    cells: LayerSet,
    functie: Functie,
    reference: Functie | UseMap,
    storage: Storage,
    exposures: tuple[Floats, Floats],
    flow: Flow | None,
) -> xr.Dataset:
    amount, _ = released(cells, functie, reference, storage)
    exposure, unknown = exposures
    share = drawn(weighed_amount(amount, exposure), unknown)
    attrs: dict[str, Any] = {"functie": functie.id, "definities": registry.rules_version()}
    attrs |= {"niet_bepaald": NO_MAAIVELD} if flow is None else {"stroomrichting_sha256": flow.sha256}
    return cells.results(
        {
            "benedenstrooms": (share, _about("last voor wie benedenstrooms ligt (0 = geen, 1 = zeer groot)")),
            "blootstelling": (exposure, _about("kwetsbaarheid van het land waar het water van een cel blijft")),
            "blootstelling_onbekend": (unknown, _about("deel van het water dat niet is te volgen")),
        },
        attrs,
    )


def _about(label: str) -> dict[str, str]:
    return {"units": "1", "long_name": label}


@either_spelling
def bovenstrooms(
    layers: xr.Dataset,
    ontvanger: Any,
    functie: str | Functie | None = None,
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
    stroming: Flow | None = None,
    demping_m: float | None = None,
    bewaar: Any = None,
) -> xr.Dataset:
    """Show which land burdens a receiver, and how much: the reverse of the ledger.

    Computed at once, also where layers are chunked: water crosses every block.

    Parameters
    ----------
    layers : xr.Dataset
        Needs ``maaiveld``.
    ontvanger : geometry or list of them, GeoSeries, GeoDataFrame, GeoJSON mapping or text, path or open file
        Several polygons count as one receiver.
    functie : str or Functie, optional
        With it ``last`` says what a hectare of it would bring to the receiver.
    referentie, waterschap, aangelegde_berging_mm, bergingseis_mm, stroming, demping_m, bewaar
        As in :func:`benedenstrooms`.

    Returns
    -------
    xr.Dataset
        float32. ``aandeel`` 0..1: share of the water released in a cell that stays in the receiver (own water of a
        cell leaves it whole, but stays in open water); ``last`` [m3/ha]: that share of what the functie releases. The
        volume that a plan brings to the receiver is the sum of its E times ``aandeel``.

    Examples
    --------
    >>> import waterbodem as wb
    >>> found = bovenstrooms(wb.example(), wb.example_plans()[2:3])
    >>> float(found.aandeel.min()), 0 < float(found.aandeel.mean()) < 0.5
    (0.0, True)
    """
    settings = Settings.of_cells(locals())
    cells, land = layer_set(layers), land_of(layers)
    flow = flow_over(land, bewaar, stroming)
    share = np.full(cells.shape, np.nan, np.float32)
    if flow is not None:
        share = swept(flow, _coverage(ontvanger, land.grid), 0.0, settings.damping)
    found: dict[str, Any] = {"aandeel": (share, _about("deel van het water van een cel dat in de ontvanger blijft"))}
    if functie is not None:
        chosen = registry.choose_one(functie)
        reference = on_block(use_of(settings.reference, layers, [chosen]), land.grid)
        amount, _ = released(cells, chosen, reference, settings.storage)
        found["last"] = (amount * share, {"units": "m3/ha", "long_name": f"water van {chosen.id} in de ontvanger"})
    return cells.results(found, {"niet_bepaald": NO_MAAIVELD} if flow is None else {})


def _coverage(ontvanger: Any, grid: Grid) -> Floats:
    areas = read_areas(ontvanger, grid.crs)
    cover = cover_in(shapely.union_all([a.geometry for a in areas]), block_of(areas, grid), grid)
    value = np.zeros(grid.rows * grid.cols, np.float32)
    value[cover.cell] = cover.share
    return value
