"""Present use on layers: a functie, codes per cell, layer ``gebruik``, or an assumption (rekenregels section 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.crs import same_crs
from waterbodem.core.dataset import crs_of, grid_of
from waterbodem.core.errors import ArgumentError, GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import USE, Reference, UseMap, assumed, is_given, known_functies

Array = NDArray[Any]


def present_use(reference: Reference, layers: Mapping[str, Array]) -> Functie | Array:
    """Return the present use on layers: what is given, else layer ``gebruik``, else the functie that is assumed."""
    if isinstance(reference, Functie):
        return reference
    codes = reference.codes if isinstance(reference, UseMap) else reference
    if codes is not None:
        return codes
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


def implausible(reference: Reference, layers: Mapping[str, Array]) -> NDArray[np.bool_]:
    """Tell where the known ghg is less than ground with these drains has; of a raster too, which is believed.

    Parameters
    ----------
    reference : Functie, UseMap, array of codes (rows, cols), or None
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
    for code, functie in references(use, reference).items():
        found |= (use == code) & (ghg < np.float32(believed_from(functie)))
    return found


def references(codes: Array, reference: Reference = None) -> dict[float, Functie]:
    """Return the functie of every code that occurs.

    Raises
    ------
    ArgumentError
        If a code belongs to no functie that is known.
    """
    known = known_functies(reference).by_code()
    found = np.unique(codes[np.isfinite(codes)]) if codes.dtype.kind == "f" else np.unique(codes)
    strange = [float(c) for c in found if float(c) not in known]
    if strange or np.isinf(codes).any():
        raise ArgumentError(
            "unknown functie code in the present use",
            value=strange[:10] or ["inf"],
            allowed=", ".join(f"{c} {f.id}" for c, f in known.items()) + "; one of your own where it is asked or read",
            where="referentie" if is_given(reference) else USE,
        )
    return {float(c): known[int(c)] for c in found}


@dataclass(frozen=True)
class HeldUse:
    """Codes of functies in memory, on a grid."""

    raster: xr.DataArray
    grid: Grid

    def read(self, block: Grid) -> Array:
        """Return the codes on a block of the grid."""
        rows, cols = self.grid.slices(block)
        return np.ascontiguousarray(self.raster.isel(y=rows, x=cols).values)


def use_of(reference: Any, layers: xr.Dataset, asked: Sequence[Functie]) -> Functie | UseMap:
    """Return the present use of layers as it is given: a functie, or a map in which functies that are asked count.

    Parameters
    ----------
    reference : Functie, UseMap, xr.DataArray of codes on the grid of the layers, or None

    Raises
    ------
    GridMismatch
        If a raster lies on another grid.
    """
    if isinstance(reference, Functie):
        return reference
    if isinstance(reference, UseMap):
        return reference.knowing(asked)
    if reference is None:
        return UseMap().knowing(asked)
    grid = grid_of(layers)
    _check_reference(reference, layers, grid.shape)
    return UseMap(source=HeldUse(reference.transpose("y", "x"), grid)).knowing(asked)


def on_block(reference: Functie | UseMap, block: Grid) -> Functie | UseMap:
    """Return the present use on a block of cells; a functie as it is."""
    return reference if isinstance(reference, Functie) else reference.on(block)


def rows_of(reference: Functie | UseMap, rows: slice) -> Functie | UseMap:
    """Return the present use on some rows of the cells in question; a functie as it is."""
    if isinstance(reference, Functie) or reference.codes is None:
        return reference
    return reference.holding(reference.codes[rows])


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
