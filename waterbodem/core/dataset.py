"""The door between ``xr.Dataset`` and plain arrays on a :class:`~waterbodem.core.grid.Grid`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.crs import horizontal_crs
from waterbodem.core.errors import ArgumentError, GridMismatch, LayerError
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr

#: Coordinates must be evenly spaced to within this share of a cell.
SPACING_TOLERANCE = 1e-3

Variable = tuple[NDArray[Any], Mapping[str, Any]]


def dataset_of(grid: Grid, variables: Mapping[str, Variable], attrs: Mapping[str, Any] | None = None) -> xr.Dataset:
    """Return a dataset on (y, x) with cell centres as coordinates and a CF ``spatial_ref``.

    Parameters
    ----------
    grid : Grid
        Where the cells lie.
    variables : mapping of name to (array, attrs)
        Arrays of shape ``grid.shape``.
    attrs : mapping, optional
        Attributes of the whole.
    """
    data = {name: (("y", "x"), array, {**a, **grid_mapping(grid.crs)}) for name, (array, a) in variables.items()}
    return xr.Dataset(data, coords=coordinates(grid), attrs=dict(attrs or {}))


def coordinates(grid: Grid) -> dict[str, Any]:
    """Return x, y and, where the CRS is known, ``spatial_ref`` as CF asks."""
    metres = {"units": "m"}
    coords: dict[str, Any] = {
        "y": ("y", grid.y, {**metres, "standard_name": "projection_y_coordinate", "axis": "Y"}),
        "x": ("x", grid.x, {**metres, "standard_name": "projection_x_coordinate", "axis": "X"}),
    }
    if grid.crs is not None:
        coords["spatial_ref"] = ((), np.int64(0), _cf_attrs(grid))
    return coords


def placed(data: xr.Dataset, grid: Grid) -> xr.Dataset:
    """Return data whose ``spatial_ref`` tells where its own cells lie: those of a part, and one cell, do not by others.

    Data of several rows and columns without a CRS stay as they are: their coordinates tell it.
    """
    if grid.crs is None and 1 not in grid.shape:
        return data
    known = data.coords["spatial_ref"].attrs if "spatial_ref" in data.coords else {}
    about = {} if grid.crs is None else _cf_attrs(grid)
    return data.assign_coords(spatial_ref=((), np.int64(0), {**about, **known, "GeoTransform": _geotransform(grid)}))


def grid_mapping(crs: str | None) -> dict[str, str]:
    """Return the attribute that ties a variable to ``spatial_ref``."""
    return {} if crs is None else {"grid_mapping": "spatial_ref"}


def _cf_attrs(grid: Grid) -> dict[str, Any]:
    crs = horizontal_crs(str(grid.crs), "crs")
    return {**crs.to_cf(), "spatial_ref": crs.to_wkt(), "GeoTransform": _geotransform(grid)}


def _geotransform(grid: Grid) -> str:
    return " ".join(repr(float(v)) for v in grid.transform.to_gdal())


def grid_of(data: xr.Dataset | xr.DataArray) -> Grid:
    """Return the grid of a dataset; cell numbers serve where it has no coordinates.

    Raises
    ------
    GridMismatch
        If a dimension is missing, coordinates are uneven, or y ascends.
    """
    if not isinstance(data, (xr.Dataset, xr.DataArray)):
        raise not_layers(data)
    for dim in ("y", "x"):
        if dim not in data.dims:
            raise GridMismatch(
                "dimension is missing", value=tuple(data.dims), allowed="y and x; wb.layers_from(layers) knows others"
            )
    rows, cols = data.sizes["y"], data.sizes["x"]
    left, dx = _axis(data, "x", cols)
    bottom_up, dy = _axis(data, "y", rows)
    return Grid(left, -bottom_up, dx, dy, rows, cols, crs_of(data))


def not_layers(given: object) -> ArgumentError:
    """Return the error for what is no dataset: it says how files become one."""
    allowed = "what wb.open_layers('lagen.toml') returns, wb.example(), or wb.layers_from(what another tool holds)"
    return ArgumentError("layers must be an xr.Dataset", value=type(given).__name__, allowed=allowed)


def _axis(data: xr.Dataset | xr.DataArray, dim: str, size: int) -> tuple[float, float]:
    """Return the outer edge and the cell size along x, or along -y."""
    if dim not in data.coords or size == 0:
        return 0.0, 1.0
    if data[dim].dtype.kind not in "fiu":
        raise GridMismatch("coordinates must be numbers", value=str(data[dim].dtype), where=dim)
    values = np.asarray(data[dim].values, dtype=np.float64) * (1 if dim == "x" else -1)
    step = _step(values, dim, data)
    edge = values[0] - step / 2
    return float(_on_lattice(edge, step)), step


def _simple(step: float) -> float:
    """Undo float noise in a cell size: the simplest fraction within a thousand-millionth of it."""
    simple = float(Fraction(step).limit_denominator(10_000))
    return simple if abs(simple - step) <= 1e-9 * step else step


def _on_lattice(edge: float, step: float) -> float:
    """Undo float noise in an edge: a millionth of a cell, counted from 0, so that every window finds the same lines."""
    return round(edge / step, 6) * step


def _step(values: NDArray[np.float64], dim: str, data: xr.Dataset | xr.DataArray) -> float:
    if len(values) == 1:
        return _lonely_step(dim, data)
    step = float((values[-1] - values[0]) / (len(values) - 1))
    if not np.isfinite(step) or step <= 0:
        raise GridMismatch(
            f"coordinate {dim} must {'ascend' if dim == 'x' else 'descend'}",
            value=[float(v) for v in data[dim].values[:3]],
            allowed="wb.layers_from(layers) turns it",
            where=dim,
        )
    uneven = np.abs(np.diff(values) / step - 1).max()
    if not uneven <= SPACING_TOLERANCE:
        raise GridMismatch(
            f"coordinate {dim} is not evenly spaced",
            value=f"steps differ by {uneven:.3g} of a cell",
            allowed=f"at most {SPACING_TOLERANCE}; layers.interp(x=..., y=...) makes a regular grid",
            where=dim,
        )
    return _simple(step)


def _lonely_step(dim: str, data: xr.Dataset | xr.DataArray) -> float:
    """Return the cell size of an axis of one cell: from the GeoTransform, else the other axis."""
    mapping = data.coords.get("spatial_ref")
    if mapping is not None and "GeoTransform" in mapping.attrs:
        try:
            numbers = [float(v) for v in str(mapping.attrs["GeoTransform"]).split()]
            return abs(numbers[1] if dim == "x" else numbers[5])
        except (ValueError, IndexError):
            raise GridMismatch("GeoTransform is not six numbers", where="spatial_ref") from None
    other = "y" if dim == "x" else "x"
    if other in data.coords and data.sizes[other] > 1:
        return _axis(data, other, data.sizes[other])[1]
    return 1.0


def crs_of(data: xr.Dataset | xr.DataArray) -> str | None:
    """Return the CRS as WKT or authority code: CF grid mapping, whatever its name, else attribute ``crs``."""
    for name in ("spatial_ref", "crs", *_mapping_names(data)):
        found = data.coords.get(name) if isinstance(data, xr.DataArray) else data.variables.get(name)
        attrs = {} if found is None else found.attrs
        text = attrs.get("crs_wkt") or attrs.get("spatial_ref")
        if text:
            return str(text)
    stated = data.attrs.get("crs")
    return None if stated is None else str(stated)


def _mapping_names(data: xr.Dataset | xr.DataArray) -> list[str]:
    """Return what variables name as their grid mapping: an attribute, or kept apart when a file was decoded."""
    variables = [data] if isinstance(data, xr.DataArray) else data.data_vars.values()
    named = [v.attrs.get("grid_mapping") or v.encoding.get("grid_mapping") for v in variables]
    return [str(n) for n in dict.fromkeys(named) if n]


def on_rows_and_columns(data: xr.Variable, name: str) -> xr.Variable:
    """Return a layer (rows, cols).

    Raises
    ------
    GridMismatch
        If it has other dimensions.
    """
    if set(data.dims) != {"y", "x"} or data.ndim != 2:
        allowed = "y and x; wb.layers_from(layers) drops band and time of length one"
        raise GridMismatch("layer must lie on (y, x)", value=tuple(data.dims), allowed=allowed, where=name)
    return data.transpose("y", "x")


def check_numeric(dtype: np.dtype[Any], where: str) -> None:
    """Refuse a layer of texts, dates and the like."""
    if dtype.kind not in "fiub":
        raise LayerError("layer is not numeric", value=str(dtype), allowed="numbers", where=where)


def float32_of(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return numbers as C-ordered float32; a float32 array is not copied."""
    flat = np.ascontiguousarray(values, dtype=np.float32)
    return flat if flat.flags.writeable else flat.copy()


def sha256_of_cells(data: xr.DataArray) -> str:
    """Return a sha256 over the values as little-endian float32: what was used, also where there is no file."""
    return hashlib.sha256(np.ascontiguousarray(data.values, dtype="<f4").tobytes()).hexdigest()


def of_functie(cells: xr.Dataset, functie: str) -> xr.Dataset:
    """Grids (y, x) of one functie, by its id; cells of one functie alone have no dimension for it."""
    return cells.sel(functie=functie, drop=True) if "functie" in cells.dims else cells


def with_fill(data: xr.Dataset, code: int) -> xr.Dataset:
    """Return results whose codes (uint8) tell which one means nothing; the data stay as they are.

    As an attribute: in the encoding it would say that the codes were decoded, and rioxarray would look for NaN in them.
    """
    for variable in data.data_vars.values():
        if variable.dtype == np.uint8:
            variable.attrs["_FillValue"] = np.uint8(code)
    return data
