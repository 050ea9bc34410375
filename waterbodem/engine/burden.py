"""Burden that a plan shifts to others (afwenteling), source side: rekenregels section 5."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.crs import same_crs
from waterbodem.core.dataset import crs_of, grid_of
from waterbodem.core.errors import ArgumentError, GridMismatch, LayerIgnored
from waterbodem.core.lazy import xr
from waterbodem.core.threads import in_blocks
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Settings, Storage, reference_label
from waterbodem.engine.layer_set import Floats, LayerSet, Scenario, ignored_names, layer_set, names_of
from waterbodem.engine.lazy import by_block
from waterbodem.engine.plan import change_of
from waterbodem.engine.scoring import layers_of, score_arrays, stack
from waterbodem.kernels import burden as kernel
from waterbodem.kernels.components import LAYERS

INDICES = ("ruimte", "tijd", "geld", "risico")
Array = NDArray[Any]
#: What the burden of one functie takes, in layers of float32: 112 bytes per cell.
LAYERS_WORTH = 28


def empty_burden(shape: tuple[int, ...], components: bool) -> kernel.Burden:
    """Return arrays for the kernel to fill; without components there are none of those."""
    count = len(registry.burden_rules().components) if components else 0
    ruimte, tijd, geld, risico = (np.empty(shape, np.float32) for _ in INDICES)
    return kernel.Burden(np.empty((count, *shape), np.float32), ruimte, tijd, geld, risico, np.empty(shape, np.uint8))


def map_burden(function: Callable[[Array], Array], burden: kernel.Burden) -> kernel.Burden:
    """Apply a function of the cells, which are the last axes, to every array of a burden."""
    return kernel.Burden(
        components=function(burden.components),
        ruimte=function(burden.ruimte),
        tijd=function(burden.tijd),
        geld=function(burden.geld),
        risico=function(burden.risico),
        oorzaak=function(burden.oorzaak),
    )


def fill_burden(layers: Mapping[str, Floats], decline: Floats | None, change: np.void, out: kernel.Burden) -> None:
    """Run the kernel over C-ordered float32 layers of one shape, in threads."""
    nothing = np.empty(0, np.float32)
    flat = [layers[n].reshape(-1) if n in layers else nothing for n in LAYERS]
    flat.append(nothing if decline is None else decline.reshape(-1))
    ndim, cells = out.risico.ndim, out.risico.size
    target = map_burden(lambda a: a.reshape(*a.shape[: a.ndim - ndim], cells), out)

    def work(part: slice) -> None:
        piece = map_burden(lambda a: a[..., part], target)
        kernel.shift_cells(tuple(layer[part] for layer in flat), change, piece)

    in_blocks(work, out.risico.size, kernel.BLOCK)


def burden_arrays(
    layers: Mapping[str, Floats],
    plan: Functie,
    reference: Functie | NDArray[Any],
    storage: Storage = Storage(),
    decline: Floats | None = None,
    components: bool = True,
) -> kernel.Burden:
    """Compute the burden of a plan on arrays of one shape.

    Parameters
    ----------
    layers : mapping of layer id to float32 array
    plan : Functie
    reference : Functie, or array of functie codes (NaN = unknown)
    storage : Storage
    decline : float32 array, optional
        ``achteruitgang`` of the plan, from :func:`decline_of`.
    components : bool
        Whether to keep the ten components, or the indices only.
    """
    shape = next(iter(layers.values())).shape
    out = empty_burden(shape, components)
    if isinstance(reference, Functie):
        fill_burden(layers, decline, change_of(plan, reference, storage), out)
    else:
        _by_code(layers, plan, reference, storage, decline, out)
    return out


def _by_code(
    layers: Mapping[str, Floats],
    plan: Functie,
    codes: NDArray[Any],
    storage: Storage,
    decline: Floats | None,
    out: kernel.Burden,
) -> None:
    """Compute cells of one reference at a time; an unknown reference gives NaN and no oorzaak."""
    map_burden(_unknown, out)
    for code, functie in references(codes).items():
        chosen = codes == code
        some = {name: np.ascontiguousarray(a[chosen]) for name, a in layers.items()}
        less = None if decline is None else decline[chosen]
        part = burden_arrays(some, plan, functie, storage, less, bool(len(out.components)))
        _scatter(part, chosen, out)


def _unknown(array: Array) -> Array:
    array.fill(np.nan if array.dtype.kind == "f" else 0)
    return array


def _scatter(part: kernel.Burden, chosen: NDArray[np.bool_], out: kernel.Burden) -> None:
    out.components[:, chosen] = part.components
    for name in (*INDICES, "oorzaak"):
        getattr(out, name)[chosen] = getattr(part, name)


def references(codes: NDArray[Any]) -> dict[float, Functie]:
    """Return the functie of every code that occurs.

    Raises
    ------
    ArgumentError
        If a code belongs to no functie.
    """
    known = registry.load_functies().by_code()
    found = np.unique(codes[np.isfinite(codes)]) if codes.dtype.kind == "f" else np.unique(codes)
    strange = [float(c) for c in found if float(c) not in known]
    if strange or np.isinf(codes).any():
        raise ArgumentError(
            "unknown functie code in the reference raster",
            value=strange[:10] or ["inf"],
            allowed=", ".join(f"{c} {f.id}" for c, f in known.items()),
            where="referentie",
        )
    return {float(c): known[int(c)] for c in found}


def within_lifetime(plan: Functie, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios that a plan will live to see; one without a horizon counts."""
    last = registry.burden_rules().constants["achteruitgang_basisjaar"] + plan.value("levensduur_jr")
    return [s for s in scenarios if s.horizon is None or s.horizon <= last]


def futures_of(cells: LayerSet, plan: Functie) -> list[dict[str, Array]]:
    """Return ``score`` and ``known`` of a plan under every scenario that it will live to see."""
    future = within_lifetime(plan, cells.scenarios)
    return [score_arrays(cells.with_scenario(s), plan, wanted=("score", "known")) for s in future]


def decline_of(cells: LayerSet, plan: Functie, futures: Sequence[Mapping[str, Array]] | None = None) -> Floats | None:
    """Return achteruitgang [-]: the largest loss of score over the scenarios; None without scenarios.

    ``futures`` is that of :func:`futures_of` where it is known already.
    """
    found = futures_of(cells, plan) if futures is None else futures
    if not found:
        return None
    now = score_arrays(cells.present, plan, wanted=("score", "known"))
    worst = np.full_like(now["score"], np.nan)
    for then in found:
        drop = np.maximum(now["score"] - then["score"], np.float32(0))
        drop[now["known"] != then["known"]] = np.nan
        np.fmax(worst, drop, out=worst)
    return worst


def afwenteling(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    referentie: str | Functie | xr.DataArray | None = None,
    aangelegde_berging_mm: float = 0.0,
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
        Present use: one functie (default grasland_veeteelt), or functie codes on the same grid (NaN = unknown).
    aangelegde_berging_mm : float
        Storage built in the plan [mm], >= 0.
    bergingseis_mm : float, optional
        Norm of the water board [mm]; replaces that of plan and reference.

    Returns
    -------
    xr.Dataset
        Ten components in physical units, positive = burden, negative = relief; ``ruimte``, ``tijd``, ``geld``,
        ``risico`` float32 0..1; ``oorzaak`` uint8, number of the component with the largest share (0 = none).

    Raises
    ------
    WaterbodemError
        If a functie or code is unknown, a storage is negative, or the reference lies on another grid.

    Examples
    --------
    >>> import waterbodem as wb
    >>> a = wb.afwenteling(wb.example(size=50), "woningbouw")
    >>> a.afvoer.attrs["units"], float(a.risico.max()) <= 1
    ('m3/ha', True)
    """
    settings = Settings.of(locals())
    _warn_ignored(layers)
    reference = settings.reference
    chosen, many = registry.choose(functie)
    answers = partial(_answers, plans=chosen, many=many, storage=settings.storage)
    used = names_of(layers, layers_of(*chosen) | set(LAYERS))
    if isinstance(reference, Functie):
        return by_block(partial(answers, reference=reference), layers, used)
    return by_block(answers, layers, used, cut_reference(reference, layers, slice(None), slice(None)))


def _answers(
    layers: xr.Dataset, reference: Any = None, *, plans: Sequence[Functie], many: bool, storage: Storage
) -> xr.Dataset:
    memory.check_room(grid_of(layers), LAYERS_WORTH * len(plans))
    cells = layer_set(layers)
    found = reference_on(reference, cells)
    results = [_one(cells, f, found, storage) for f in plans]
    return stack(results, plans) if many else results[0]


def _warn_ignored(layers: xr.Dataset) -> None:
    for name in ignored_names(layers):
        present = LayerName.of(name).layer
        warnings.warn(f"scenario layer {name} is ignored: {present} is not in the data", LayerIgnored, stacklevel=3)


def reference_on(reference: Any, cells: LayerSet) -> Functie | Array:
    """Present use on a block of cells: a functie, or functie codes (rows, cols).

    Raises
    ------
    GridMismatch
        If a raster does not lie on it.
    """
    if isinstance(reference, xr.DataArray):
        _check_reference(reference, cells.frame, cells.shape)
        return np.ascontiguousarray(reference.transpose("y", "x").values)
    found: Functie | Array = reference
    return found


def _check_reference(reference: xr.DataArray, layers: xr.Dataset, shape: tuple[int, int]) -> None:
    """Hold shape, numbers, coordinates and CRS of a reference raster against the layers."""
    if reference.dtype.kind not in "fiu":
        raise ArgumentError("functie codes must be numbers", value=str(reference.dtype), where="referentie")
    if dict(reference.sizes) != dict(zip(("y", "x"), shape, strict=True)):
        raise _elsewhere(dict(reference.sizes), shape)
    for dim in ("y", "x"):
        if dim in reference.coords and dim in layers.coords and not _equal(reference[dim], layers[dim]):
            raise _elsewhere(f"other coordinates {dim}", shape)
    own, other = crs_of(reference), crs_of(layers)
    if own is not None and other is not None and not same_crs(own, other):
        raise _elsewhere("another CRS", shape)


def _elsewhere(value: object, shape: tuple[int, int]) -> GridMismatch:
    allowed = f"the grid of the layers, {shape[0]} x {shape[1]}"
    return GridMismatch("reference raster lies on another grid", value=value, allowed=allowed, where="referentie")


def _equal(one: xr.DataArray, other: xr.DataArray) -> bool:
    return one.dtype.kind in "fiu" and bool(np.allclose(one, other, rtol=0, atol=1e-3))


def cut_reference(reference: Any, layers: xr.Dataset, rows: Any, cols: Any) -> Any:
    """Return the part of a reference raster that belongs to a part of the layers; a functie as it is.

    Raises
    ------
    GridMismatch
        If it does not lie on the grid of all the layers.
    """
    if not isinstance(reference, xr.DataArray):
        return reference
    _check_reference(reference, layers, grid_of(layers).shape)
    return reference.transpose("y", "x").isel(y=rows, x=cols)


def _one(cells: LayerSet, plan: Functie, reference: Functie | Array, storage: Storage) -> xr.Dataset:
    result = burden_arrays(cells.present, plan, reference, storage, decline_of(cells, plan))
    return cells.results(
        variables_of(result),
        {
            "functie": plan.id,
            "referentie": reference_label(reference),
            "aangelegde_berging_mm": storage.built_mm,
            **({} if storage.norm_mm is None else {"bergingseis_mm": storage.norm_mm}),
            "definities": registry.rules_version(),
        },
    )


LABELS = {
    "ruimte": "afwenteling in ruimte (0 = geen, 1 = zeer groot)",
    "tijd": "afwenteling in tijd (0 = geen, 1 = zeer groot)",
    "geld": "afwenteling in geld (0 = geen, 1 = zeer groot)",
    "risico": "afwentelingsrisico, het grootste van ruimte, tijd en geld",
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
            "long_name": "component met het grootste aandeel in het risico",
            "flag_values": np.arange(len(parts) + 1, dtype=np.uint8),
            "flag_meanings": " ".join(["geen", *(c.id for c in parts)]),
        },
    )
    return found
