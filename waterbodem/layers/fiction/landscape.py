"""The built-in fictitious area: a made-up piece of Drenthe to learn, test and measure with.

Nothing in it was measured. Every cell is a pure function of its RD coordinates and the seed, so
any tile, of any extent, holds the same bytes as the whole.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.crs import same_crs
from waterbodem.core.dataset import dataset_of
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.grid import Bounds, Grid
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.registry import layer_kinds
from waterbodem.layers.fiction.numbers import BROAD, CENTRE, CRS, FIELDS, FINE, LAYERS, Fiction, Octave

#: The whole province of Drenthe: xmin, ymin, xmax, ymax in RD [m].
PROVINCE: Bounds = (204000.0, 514000.0, 270000.0, 580500.0)

#: Cell sizes for which the forms make sense [m].
RESOLUTIONS = (0.1, 1000.0)

#: One data set holds at most this many cells; larger areas go tile by tile.
MAX_CELLS = 50_000_000

#: Smaller areas are made sooner without the compiler.
WORTH_COMPILING = 2**18

#: Of the scenario layers: the year, and what it stands for.
SCENARIO: Mapping[str, Any] = {"horizon": 2050, "bron_scenario": "verzonnen, naar KNMI'23 Hd"}

_MARK: Mapping[str, Any] = {
    "source": "waterbodem, verzonnen voorbeeld",
    "vintage": "verzonnen",
    "verzonnen": 1,
}

#: Makes the standard deviation of an octave of amplitude 1 about 0.63, its extremes 2.
_SPREAD = 3.6


def example(
    size: int | tuple[int, int] = (400, 400),
    resolution: float = 5.0,
    *,
    scenarios: bool = False,
    seed: int = 0,
) -> xr.Dataset:
    """Return the fictitious area around RD (239012, 553480).

    Parameters
    ----------
    size : int or (rows, cols)
        Number of cells.
    resolution : float
        Cell size [m], 0.1 to 1000; grid lines lie on its multiples.
    scenarios : bool
        Add ``wateroverlast@2050Hd``, ``droogte@2050Hd`` and ``inundatie@2050Hd``.
    seed : int
        Another number gives another landscape of the same arrangement.

    Returns
    -------
    xr.Dataset
        Layers float32 (y, x), units and signs of the rules, NaN = unknown, ``+inf`` = no
        keileem; marked by the attribute ``verzonnen``.

    Raises
    ------
    ArgumentError
        If size, resolution or seed cannot be used.

    Examples
    --------
    >>> import waterbodem as wb
    >>> layers = wb.example(size=40, resolution=50)
    >>> layers.sizes["y"], layers.attrs["title"]
    (40, 'Voorbeeldgebied (verzonnen)')
    """
    grid = example_grid(size, resolution)
    if grid.rows * grid.cols > MAX_CELLS:
        raise ArgumentError(
            "too many cells for one data set; use example_tile",
            value=grid.shape,
            allowed=f"{MAX_CELLS} cells",
            where="size",
        )
    memory.check_room(grid, len(LAYERS))
    tile = example_tile(grid, seed=seed, scenarios=scenarios)
    variables = {name: (values, _attrs(name)) for name, values in tile.items()}
    title = {"title": "Voorbeeldgebied (verzonnen)", "verzonnen": 1, "seed": int(seed)}
    return dataset_of(grid, variables, title)


def example_grid(size: int | tuple[int, int] = (400, 400), resolution: float = 5.0) -> Grid:
    """Return the grid of the fictitious area, with RD (239012, 553480) in its centre cell.

    Parameters
    ----------
    size : int or (rows, cols)
        Number of cells; of an even number the centre cell is just right of and below the middle.
    resolution : float
        Cell size [m], 0.1 to 1000; grid lines lie on its multiples.

    Raises
    ------
    ArgumentError
        If size or resolution cannot be used.

    Examples
    --------
    >>> example_grid(400, 5).bounds
    (238010.0, 552480.0, 240010.0, 554480.0)
    """
    rows, cols = _checked_size(size)
    step = _checked_resolution(resolution)
    left = math.floor(CENTRE[0] / step + 1e-6) - cols // 2
    top = math.ceil(CENTRE[1] / step - 1e-6) + rows // 2
    return Grid(left * step, top * step, step, step, rows, cols, CRS)


def example_tile(
    grid: Grid,
    names: Iterable[str] | None = None,
    *,
    seed: int = 0,
    scenarios: bool = False,
) -> dict[str, NDArray[np.float32]]:
    """Return layers of the fictitious area on any grid, one array per layer.

    A cell has the value at its centre. Tiles of a grid equal the whole, byte for byte; the work is done in one thread,
    which does not hold the GIL for long: small areas run in numpy, others in a compiled kernel without it.

    Parameters
    ----------
    grid : Grid
        In RD or without CRS; may lie anywhere.
    names : iterable of str, optional
        Layers wanted; by default all, scenario layers only with ``scenarios``.
    seed : int
        See :func:`example`.
    scenarios : bool
        Whether "all" includes the scenario layers.

    Returns
    -------
    dict of str to float32 (rows, cols)

    Raises
    ------
    ArgumentError
        If a layer is unknown, the seed cannot be used, or the grid is not in RD.

    Examples
    --------
    >>> sorted(example_tile(example_grid(2, 25), ["kwel", "ghg"]))
    ['ghg', 'kwel']
    """
    from waterbodem.kernels.fiction import landforms
    from waterbodem.kernels.fiction import landscape as kernel

    wanted = _checked_names(names, scenarios)
    _check_crs(grid)
    out = np.empty((len(wanted), *grid.shape), np.float32)
    slot = np.array([wanted.index(n) if n in wanted else -1 for n in LAYERS], np.int64)
    x, y = (_millimetres(v, o) for v, o in zip((grid.x, grid.y), CENTRE, strict=True))
    broad, fine = _octave_tables()
    task = (x, y, broad, fine, _salts(seed), Fiction(), slot, out)
    if grid.rows * grid.cols < WORTH_COMPILING:
        kernel.on_arrays(*task)
    else:
        kernel.landscape(*task, landforms.work(grid.cols, len(LAYERS)))
    return dict(zip(wanted, out, strict=True))


def _attrs(name: str) -> dict[str, Any]:
    """Return units, names and the mark that a layer is fiction."""
    base, scenario, _ = LayerName.of(name)
    kind = layer_kinds()[base]
    attrs = {"units": kind.unit, "long_name": f"{kind.naam}: {kind.grootheid}", **_MARK}
    return {**attrs, **SCENARIO} if scenario else attrs


def _checked_size(size: int | tuple[int, int]) -> tuple[int, int]:
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    try:
        rows, cols = (operator.index(n) for n in pair)
    except (TypeError, ValueError):
        rows = cols = 0
    if rows < 1 or cols < 1:
        raise ArgumentError("size is not usable", value=size, allowed="cells >= 1, or (rows, cols)", where="size")
    return rows, cols


def _checked_resolution(resolution: float) -> float:
    low, high = RESOLUTIONS
    try:
        step = float(resolution)
    except (TypeError, ValueError):
        step = math.nan
    if not low <= step <= high:
        raise ArgumentError(
            "resolution is not usable",
            value=resolution,
            allowed=f"{low:g} .. {high:g} m",
            where="resolution",
        )
    return step


def _checked_names(names: Iterable[str] | None, scenarios: bool) -> list[str]:
    if names is None:
        return [name for name in LAYERS if scenarios or "@" not in name]
    wanted = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    for name in wanted:
        if name not in LAYERS:
            raise ArgumentError("unknown layer", value=name, allowed=nearest(str(name), LAYERS), where="names")
    return wanted


def _check_crs(grid: Grid) -> None:
    if grid.crs not in (None, CRS) and not same_crs(str(grid.crs), CRS):
        raise ArgumentError("the fictitious area exists in RD only", value=grid.crs, allowed=CRS, where="grid")


def _millimetres(values: NDArray[np.float64], origin: float) -> NDArray[np.float64]:
    """Return distances from the origin in metres, rounded to mm: free of the tile's float noise."""
    rounded: NDArray[np.float64] = np.rint((values - origin) * 1000.0) / 1000.0
    return rounded


def _row(octave: Octave) -> tuple[float, ...]:
    cosine, sine, whole = octave.rotation
    spread = octave.amplitude * _SPREAD
    field = FIELDS.index(octave.field)
    return field, octave.wavelength, spread, octave.stretch, cosine / whole, sine / whole


@cache
def _octave_tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    broad, fine = (np.array([_row(o) for o in table], np.float64) for table in (BROAD, FINE))
    return broad, fine


def _salts(seed: int) -> NDArray[np.int64]:
    """Return a number per octave, and six for hollows, allotments, protection zones, parcels and reserves."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**31:
        raise ArgumentError("seed is not usable", value=seed, allowed="0 .. 2**31-1", where="seed")
    count = len(BROAD) + len(FINE) + 6
    return number * 1000 + 10 * np.arange(1, count + 1, dtype=np.int64)
