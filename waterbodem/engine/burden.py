"""Burden that a plan shifts to others (afwenteling), source side: rekenregels section 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.dataset import grid_of
from waterbodem.core.errors import tell_ignored
from waterbodem.core.lazy import xr
from waterbodem.core.spellings import either_spelling
from waterbodem.core.threads import in_blocks
from waterbodem.definitions import registry
from waterbodem.definitions.flags import cause_flags
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import ASSUMED, USE, Reference, UseMap, reference_label, reference_source
from waterbodem.definitions.settings import Settings, Storage
from waterbodem.engine.layer_set import Floats, LayerSet, Scenario, ignored_names, known_names, layer_set, names_of
from waterbodem.engine.lazy import by_block
from waterbodem.engine.plan import changes_of
from waterbodem.engine.reference import HeldUse, present_use, references, use_of
from waterbodem.engine.scoring import join_functies, layers_of, score_arrays
from waterbodem.kernels import burden as kernel
from waterbodem.kernels.components import LAYERS, VEEN

INDICES = ("ruimte", "tijd", "geld", "risico")
#: Cells that are sorted by their reference at a time: what is between stays in the cache of a core.
SORTED = 1 << 16
#: Variables of a result that are told beside the components and in no index, with their units.
TOLD_BESIDE = {"stijging": "m", "co2": "t/ha/jr", "risico_zonder_compensatie": "1"}
Array = NDArray[Any]
#: What the burden of one functie takes, in layers of float32: 124 bytes per cell.
LAYERS_WORTH = 31


def empty_burden(shape: tuple[int, ...], components: bool, largest: bool = False) -> kernel.Burden:
    """Return arrays for the kernel to fill; without components there are none of those, nor of what is told beside.

    ``largest`` also asks for the largest share before clipping.
    """
    count = len(registry.burden_rules().components) if components else 0
    ruimte, tijd, geld, risico = (np.empty(shape, np.float32) for _ in INDICES)
    beside = shape if components else (0,) * len(shape)
    return kernel.Burden(
        np.empty((count, *shape), np.float32),
        ruimte,
        tijd,
        geld,
        risico,
        np.empty(shape, np.uint8),
        np.empty(beside, np.float32),
        np.empty(beside, np.float32),
        np.empty(shape if largest else (0,) * len(shape), np.float32),
    )


def map_burden(function: Callable[[Array], Array], burden: kernel.Burden) -> kernel.Burden:
    """Apply a function of the cells, which are the last axes, to every array of a burden."""
    return kernel.Burden(
        components=function(burden.components),
        ruimte=function(burden.ruimte),
        tijd=function(burden.tijd),
        geld=function(burden.geld),
        risico=function(burden.risico),
        oorzaak=function(burden.oorzaak),
        zonder=function(burden.zonder),
        stijging=function(burden.stijging),
        aandeel=function(burden.aandeel),
    )


def flat_cells(burden: kernel.Burden) -> kernel.Burden:
    """Return the arrays of a burden with their cells along one axis."""
    ndim, cells = burden.risico.ndim, burden.risico.size
    return map_burden(lambda a: a.reshape(*a.shape[: a.ndim - ndim], cells if a.size else 0), burden)


def fill_burden(
    layers: Mapping[str, Floats], decline: Floats | None, changes: tuple[np.void, np.void], out: kernel.Burden
) -> None:
    """Run the kernel over C-ordered float32 layers of one shape, in threads."""
    nothing = np.empty(0, np.float32)
    flat = [layers[n].reshape(-1) if n in layers else nothing for n in LAYERS]
    flat.append(nothing if decline is None else decline.reshape(-1))
    target = flat_cells(out)

    def work(part: slice) -> None:
        piece = map_burden(lambda a: a[..., part], target)
        kernel.shift_cells(tuple(layer[part] for layer in flat), *changes, piece)

    in_blocks(work, out.risico.size, kernel.BLOCK)


def burden_arrays(
    layers: Mapping[str, Floats],
    plan: Functie,
    reference: Reference,
    storage: Storage = Storage(),
    decline: Floats | None = None,
    components: bool = True,
    largest: bool = False,
) -> kernel.Burden:
    """Compute the burden of a plan on arrays of one shape.

    Parameters
    ----------
    layers : mapping of layer id to float32 array
    plan : Functie
    reference : Functie, UseMap, array of functie codes (NaN = unknown), or None
        None: layer ``gebruik``, else the functie that is assumed.
    storage : Storage
    decline : float32 array, optional
        ``achteruitgang`` of the plan, from :func:`decline_of`.
    components : bool
        Whether to keep the ten components, or the indices only.
    largest : bool
        Whether to keep the largest share before clipping.
    """
    shape = next(iter(layers.values())).shape
    out, use = empty_burden(shape, components, largest), present_use(reference, layers)
    if isinstance(use, Functie):
        fill_burden(layers, decline, changes_of(plan, use, storage), out)
    else:
        _by_code(layers, plan, references(use, reference), use, storage, decline, out)
    return out


def _by_code(
    layers: Mapping[str, Floats],
    plan: Functie,
    functies: Mapping[float, Functie],
    codes: NDArray[Any],
    storage: Storage,
    decline: Floats | None,
    out: kernel.Burden,
) -> None:
    """Compute cells of one reference after those of another; an unknown reference gives NaN and no oorzaak."""
    flat = {name: a.reshape(-1) for name, a in layers.items() if name in LAYERS}
    less = None if decline is None else decline.reshape(-1)
    target = flat_cells(map_burden(_unknown, out))
    changes = [changes_of(plan, functie, storage, doubted=False) for functie in functies.values()]

    def work(part: slice) -> None:
        for start in range(part.start, part.stop, SORTED):
            some = slice(start, min(start + SORTED, part.stop))
            for change, cells in zip(changes, _cells_by_code(codes.reshape(-1)[some], list(functies)), strict=True):
                _fill_cells(flat, less, start + cells, change, target)

    in_blocks(work, codes.size, SORTED)


def _cells_by_code(codes: NDArray[Any], known: Sequence[float]) -> list[NDArray[np.int64]]:
    """Return per code the cells that hold it; ``known`` ascends."""
    place = np.searchsorted(known, codes).astype(np.uint16)
    place[np.isnan(codes)] = len(known)
    order = np.argsort(place, kind="stable")
    return np.split(order, np.searchsorted(place[order], np.arange(1, len(known) + 1)))[: len(known)]


def _fill_cells(
    layers: Mapping[str, Floats],
    decline: Floats | None,
    cells: NDArray[np.int64],
    changes: tuple[np.void, np.void],
    out: kernel.Burden,
) -> None:
    """Compute some cells; arrays are flat."""
    if cells.size:
        found = empty_burden(cells.shape, bool(len(out.components)), bool(out.aandeel.size))
        some = {name: a[cells] for name, a in layers.items()}
        fill_burden(some, None if decline is None else decline[cells], changes, found)
        for to, values in zip(_rows(out), _rows(found), strict=True):
            to[cells] = values


def _rows(burden: kernel.Burden) -> list[Array]:
    """Return the arrays of a burden, one a component; those that are not asked are left out."""
    told: Sequence[Array] = burden[1:]
    return [*burden.components, *(a for a in told if a.size)]


def _unknown(array: Array) -> Array:
    array.fill(np.nan if array.dtype.kind == "f" else 0)
    return array


def scatter(part: kernel.Burden, chosen: NDArray[np.bool_], out: kernel.Burden) -> None:
    """Put the burden of some cells in its place."""
    for to, values in zip(_rows(out), _rows(part), strict=True):
        to[chosen] = values


def within_lifetime(plan: Functie, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios that a plan will live to see; one without a horizon counts, a stress test does not."""
    last = registry.burden_rules().constants["achteruitgang_basisjaar"] + plan.value("levensduur_jr")
    return [s for s in scenarios if not s.stress_test and (s.horizon is None or s.horizon <= last)]


def futures_of(cells: LayerSet, plan: Functie) -> list[dict[str, Array]]:
    """Return ``score`` and ``known`` of a plan under every scenario that it will live to see."""
    future = within_lifetime(plan, cells.scenarios)
    return [score_arrays(cells.with_scenario(s), plan, wanted=("score", "known")) for s in future]


def decline_of(cells: LayerSet, plan: Functie, futures: Sequence[Mapping[str, Array]] | None = None) -> Floats | None:
    """Return achteruitgang [-]: the largest loss of score over the scenarios; None without scenarios.

    NaN where in no scenario the same criteria are known as now, or none is known now.
    ``futures`` is that of :func:`futures_of` where it is known already.
    """
    found = futures_of(cells, plan) if futures is None else futures
    if not found:
        return None
    now = score_arrays(cells.present, plan, wanted=("score", "known"))
    worst = np.full_like(now["score"], np.nan)
    for then in found:
        drop = np.maximum(now["score"] - then["score"], np.float32(0))
        drop[(now["known"] != then["known"]) | (now["known"] == 0)] = np.nan
        np.fmax(worst, drop, out=worst)
    return worst


@either_spelling
def afwenteling(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
) -> xr.Dataset:
    """Compute what a functie shifts to others, elsewhere or later, against present use.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1 on (y, x), NaN = unknown; ``layer@scenario`` variables count as climate
        scenarios, with attribute ``horizon`` [year]. Chunked layers give a lazy result, the same byte for byte.
    functie : str, Functie or list of them
        The plan; a list gives a leading dimension ``functie``.
    referentie : str, Functie or xr.DataArray, optional
        Present use: one functie, or functie codes on the same grid (NaN = unknown). Default layer ``gebruik``; without
        it grasland_veeteelt is assumed, and attribute ``referentie_aangenomen`` says so. Where the ground is too wet
        for one functie to have drained it, what is shifted is unknown.
    waterschap : str, optional
        Id or name of the water board that judges the plan, see :func:`waterbodem.waterschappen`.
    aangelegde_berging_mm : float, optional
        Storage built in the plan [mm], >= 0; default what the board asks, 0 without one.
    bergingseis_mm : float, optional
        Storage owed per paved area [mm]; replaces that of plan and reference.

    Returns
    -------
    xr.Dataset
        Ten components in physical units, positive = burden, negative = relief; ``ruimte``, ``tijd``, ``geld``,
        ``risico`` float32 0..1; ``oorzaak`` uint8, number of the component with the largest share (0 = none).
        Beside them ``stijging`` [m], ``co2`` [t/ha/jr] and ``risico_zonder_compensatie``, without built storage.

    Raises
    ------
    WaterbodemError
        If a functie, code or water board is unknown, a storage is negative, or the reference lies on another grid.

    Examples
    --------
    >>> import waterbodem as wb
    >>> a = wb.afwenteling(wb.example(size=50), "woningbouw")
    >>> a.afvoer.attrs["units"], float(a.risico.max()) <= 1
    ('m3/ha', True)
    """
    settings = Settings.of_cells(locals())
    _warn_ignored(layers)
    chosen, many = registry.chosen_functies(functie)
    use = use_of(settings.reference, layers, chosen)
    raster = use.source.raster if isinstance(use, UseMap) and isinstance(use.source, HeldUse) else None
    present = {USE} if raster is None and isinstance(use, UseMap) else set()
    used = names_of(layers, layers_of(*chosen, present=known_names(layers)) | set(LAYERS) | present)
    plain = replace(use, source=None) if isinstance(use, UseMap) else use
    answers = partial(_answers, plans=chosen, many=many, storage=settings.storage, use=plain)
    return by_block(answers, layers, used, raster)


def _answers(
    layers: xr.Dataset,
    raster: xr.DataArray | None = None,
    *,
    plans: Sequence[Functie],
    many: bool,
    storage: Storage,
    use: Functie | UseMap,
) -> xr.Dataset:
    memory.check_room(grid_of(layers), LAYERS_WORTH * len(plans))
    cells = layer_set(layers)
    if raster is not None and isinstance(use, UseMap):
        use = use.holding(np.ascontiguousarray(raster.values))
    results = [_one(cells, f, use, storage) for f in plans]
    return join_functies(results, plans) if many else results[0]


def _warn_ignored(layers: xr.Dataset) -> None:
    for name in ignored_names(layers):
        present = LayerName.of(name).layer
        tell_ignored(f"scenario layer {name} is ignored: {present} is not in the data")


def _one(cells: LayerSet, plan: Functie, reference: Reference, storage: Storage) -> xr.Dataset:
    result = burden_arrays(cells.present, plan, reference, storage, decline_of(cells, plan))
    agreed = {
        "waterschap": None if storage.board is None else storage.board.id,
        "aangelegde_berging_mm": storage.built_mm,
        "bergingseis_mm": storage.norm_mm,
    }
    return cells.results(
        variables_of(result),
        {
            "functie": plan.id,
            **reference_attrs(reference, cells),
            **{name: value for name, value in agreed.items() if value is not None},
            "definities": registry.rules_version(),
        },
    )


def reference_attrs(reference: Reference, cells: LayerSet) -> dict[str, Any]:
    """Return the attributes that tell the present use, and whether it was assumed."""
    label = {"referentie": reference_label(reference, cells.present)}
    assumption = reference_source(reference, cells.present) == ASSUMED
    return {**label, "referentie_aangenomen": 1} if assumption else label


LABELS = {
    "ruimte": "afwenteling in ruimte (0 = geen, 1 = zeer groot)",
    "tijd": "afwenteling in tijd (0 = geen, 1 = zeer groot)",
    "geld": "afwenteling in geld (0 = geen, 1 = zeer groot)",
    "risico": "afwentelingsrisico, het grootste van ruimte, tijd en geld",
    "oorzaak": "component met het grootste aandeel in het risico",
    "risico_zonder_compensatie": "afwentelingsrisico als er geen berging wordt aangelegd",
    "stijging": "stijging van het grondwater door peilopzet",
    "co2": "CO2 uit veen dat verdwijnt (1,7 tot 2,26 t per mm)",
}


def variables_of(result: kernel.Burden) -> dict[str, tuple[Array, dict[str, Any]]]:
    """Return the arrays of a burden under their public names, with units and labels."""
    parts = registry.burden_rules().components
    found: dict[str, tuple[Array, dict[str, Any]]] = {
        c.id: (array, {"units": c.unit, "long_name": f"{c.naam}: {c.waar}", "teken": "positief = last"})
        for c, array in zip(parts, result.components, strict=False)
    }
    for name in INDICES:
        found[name] = (getattr(result, name), {"units": "1", "long_name": LABELS[name]})
    found["oorzaak"] = (
        result.oorzaak,
        {
            "units": "1",
            "long_name": LABELS["oorzaak"],
            **cause_flags(),
        },
    )
    beside = zip(TOLD_BESIDE, (result.stijging, co2_of(result), result.zonder), strict=True)
    return found | {n: (array, beside_attrs(n)) for n, array in beside}


def beside_attrs(name: str) -> dict[str, Any]:
    """Return unit and label of what is told beside the components."""
    return {"units": TOLD_BESIDE[name], "long_name": LABELS[name]}


def co2_of(result: kernel.Burden) -> Floats:
    """Return the CO2 that comes of peat [t/ha/jr]."""
    per_mm = np.float32(registry.burden_rules().constants["co2_t_ha_mm"])
    return np.asarray(result.components[VEEN] * per_mm)
