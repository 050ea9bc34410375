"""Present use on layers: a functie, codes per cell, layer ``gebruik``, or an assumption (rekenregels section 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.crs import same_crs
from waterbodem.core.dataset import crs_of, grid_of
from waterbodem.core.errors import ArgumentError, GridMismatch
from waterbodem.core.lazy import xr
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import USE, assumed
from waterbodem.engine.layer_set import Floats, LayerSet

Array = NDArray[Any]


def present_use(reference: Functie | Array | None, layers: Mapping[str, Array]) -> Functie | Array:
    """Return the present use on layers: what is given, else layer ``gebruik``, else the functie that is assumed."""
    if reference is not None:
        return reference
    return layers[USE] if USE in layers else assumed()


def believed_from(reference: Functie) -> float:
    """Return the ghg below which one reference for all cells is implausible [m]; -inf if it always is plausible.

    Examples
    --------
    >>> believed_from(assumed())
    0.15
    """
    steps = registry.burden_rules().implausible
    depth = reference.value("ontwatering_m") + registry.burden_rules().constants["marge"]
    passed = [s.ghg_m for s in steps if depth >= s.ontwatering_m]
    return max(passed, default=-math.inf)


def implausible(reference: Functie | Array | None, layers: Mapping[str, Array]) -> NDArray[np.bool_]:
    """Tell where the known ghg is less than ground with these drains has; of a raster too, which is believed.

    Parameters
    ----------
    reference : Functie, array of codes (rows, cols), or None
        None: layer ``gebruik``, else the functie that is assumed.
    layers : mapping of layer id to float32 array (rows, cols)
    """
    use = present_use(reference, layers)
    shape = next(iter(layers.values())).shape
    ghg = layers.get("ghg")
    if ghg is None:
        return np.zeros(shape, np.bool_)
    if isinstance(use, Functie):
        return np.asarray(ghg < np.float32(believed_from(use)))
    found = np.zeros(shape, np.bool_)
    for code, functie in references(use).items():
        found |= (use == code) & (ghg < np.float32(believed_from(functie)))
    return found


def told_by(reference: Functie | Array | None) -> str:
    """Return what holds the codes of the present use, as an error names it."""
    return USE if reference is None else "referentie"


def references(codes: Array, where: str = "referentie") -> dict[float, Functie]:
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
            "unknown functie code in the present use",
            value=strange[:10] or ["inf"],
            allowed=", ".join(f"{c} {f.id}" for c, f in known.items()),
            where=where,
        )
    return {float(c): known[int(c)] for c in found}


def reference_on(reference: Any, cells: LayerSet) -> Functie | Floats | Array | None:
    """Present use on a block of cells: a functie, or functie codes (rows, cols); None stays None.

    Raises
    ------
    GridMismatch
        If a raster does not lie on it.
    """
    if isinstance(reference, xr.DataArray):
        _check_reference(reference, cells.frame, cells.shape)
        return np.ascontiguousarray(reference.transpose("y", "x").values)
    found: Functie | Array | None = reference
    return found


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
