"""Chunked datasets: a function of cells becomes a lazy dataset, one task per block, which makes all outputs at once.

Dask comes in only where the data already is Dask's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from waterbodem.core.dataset import with_fill
from waterbodem.core.lazy import xr
from waterbodem.core.threads import single_threaded
from waterbodem.definitions.legends import nodata
from waterbodem.engine.layer_set import check_encodings, known_names, template_of

#: Takes layers on (y, x) and perhaps a raster on the same cells; every cell of its result depends on that cell only.
CellFunction = Callable[..., "xr.Dataset"]


def by_block(
    function: CellFunction, layers: xr.Dataset, used: Sequence[str], raster: xr.DataArray | None = None
) -> xr.Dataset:
    """Apply a function of cells: at once, or lazily and by block where a layer is chunked.

    Parameters
    ----------
    function : callable
        Takes layers, and the raster if there is one; can be sent to another process.
    layers : xr.Dataset
    used : sequence of str
        Variables that the result depends on; others are not read by block.
    raster : xr.DataArray, optional
        On the grid of the layers.

    Returns
    -------
    xr.Dataset
        Equal, byte for byte and in its attributes, whether chunked or not; what is wrong with values of a block shows
        when it is computed.
    """
    rest = () if raster is None else (raster,)
    names = list(used) or known_names(layers)
    if not names or not is_chunked(layers) or 0 in layers.sizes.values():
        return with_fill(function(layers, *rest), nodata())
    check_encodings(layers)
    known = layers[names].reset_coords(drop=True).assign_coords(template_of(layers).coords).unify_chunks()
    example = function(_unknown_cell(known), *(_unknown_cell(r.to_dataset(name="raster")).raster for r in rest))
    kept = known.drop_vars([c for c in known.coords if c not in example.coords])
    return with_fill(_lazy(function, kept, rest, example), nodata())


def is_chunked(layers: xr.Dataset) -> bool:
    """Tell whether a variable of a dataset is a Dask array."""
    return isinstance(layers, xr.Dataset) and any(v.chunks is not None for v in layers.data_vars.values())


def _unknown_cell(data: xr.Dataset) -> xr.Dataset:
    """Return the first cell of a dataset as if unknown, without computing it; what is no number stays so."""
    first = data.isel(y=slice(0, 1), x=slice(0, 1))
    return first.copy(data={name: _nothing(v) for name, v in first.data_vars.items()})


def _nothing(values: xr.DataArray) -> Any:
    if values.dtype.kind in "fiub":
        return np.full(values.shape, np.nan, np.float32)
    return np.zeros(values.shape, values.dtype)


def _lazy(
    function: CellFunction, layers: xr.Dataset, rest: tuple[xr.DataArray, ...], example: xr.Dataset
) -> xr.Dataset:
    bare = layers.drop_vars([c for c in layers.coords if c not in ("y", "x")])
    bare.attrs = {}
    beside = [xr.DataArray(r.transpose("y", "x").data, dims=("y", "x")).chunk(layers.chunksizes) for r in rest]
    promised = _promise(example.drop_vars([c for c in example.coords if c != "functie"]), bare)
    found = xr.map_blocks(_block, bare, args=beside, kwargs={"function": function}, template=promised)
    found = found[list(promised.data_vars)]  # older xarray leaves the order to chance
    return found.assign_coords(layers.coords)


def _block(layers: xr.Dataset, *rest: xr.DataArray, function: CellFunction) -> xr.Dataset:
    """Compute one block, in the thread that it was given."""
    with single_threaded():
        return function(layers, *rest)


def _promise(example: xr.Dataset, layers: xr.Dataset) -> xr.Dataset:
    """Return a dataset like the example on all cells, in chunks of the layers, without values."""
    import dask.array as da

    chunks = layers.chunksizes

    def lazy(v: xr.DataArray) -> Any:
        size = {d: layers.sizes.get(d, v.sizes[d]) for d in v.dims}
        array = da.empty(tuple(size.values()), dtype=v.dtype, chunks=tuple(chunks.get(d, n) for d, n in size.items()))
        return v.dims, array, v.attrs

    data = {name: lazy(v) for name, v in example.data_vars.items()}
    return xr.Dataset(data, coords={**layers.coords, **example.coords}, attrs=example.attrs)
