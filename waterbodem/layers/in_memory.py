"""Layers that another tool holds in memory, brought onto one grid in unit and sign of the rules, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from waterbodem.core import crs as crs_text
from waterbodem.core import dataset, memory
from waterbodem.core.errors import ArgumentError, GridMismatch, LayerError, Trial, nearest, raise_all, tell_ignored
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import xr
from waterbodem.core.marks import equals
from waterbodem.definitions.layer_name import PERCENTILES, LayerName
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.units import spelling
from waterbodem.definitions.validation import complaints
from waterbodem.layers.catalogue import OF_SCENARIO, LayerEntry, kind_of, name_problems
from waterbodem.layers.decoding import Decoder, Findings
from waterbodem.layers.encoding import OBEYED, encoding_of
from waterbodem.layers.near_names import likely_layer, warn_of_near_names
from waterbodem.layers.stack import TOLD, attributes

A = TypeVar("A")
B = TypeVar("B")
Floats = NDArray[np.float32]

#: What other tools call the dimensions; those of degrees as well, for models write metres under them.
DEGREES = {"x": ("lon", "long", "longitude"), "y": ("lat", "latitude")}
METRES = {"x": ("x", "easting", "rd_x"), "y": ("y", "northing", "rd_y")}
#: What CF calls them.
STANDARD = {
    "projection_x_coordinate": "x",
    "projection_y_coordinate": "y",
    "longitude": "x",
    "latitude": "y",
}
#: Attributes that are obeyed as the keys of a lagen.toml of the same name.
KEYS = ("source", "vintage", "absent", "range", "outside", "uncertainty", *OF_SCENARIO, *TOLD)
#: Cells that are decoded at a time.
PIECE = 1 << 20
#: So many lines with values, or more, tell of what grid a layer was.
LINES = 4
NEAREST = "one grid before layers join, as by layer.reindex_like(other, method='nearest')"
REPROJECT = "degrees become metres by layers.rio.reproject('EPSG:28992')"


def layers_from(
    layers: xr.Dataset | Mapping[str, xr.DataArray | ArrayLike],
    *,
    units: Mapping[str, str] | None = None,
    sign: Mapping[str, str] | None = None,
    rename: Mapping[str, str] | None = None,
    crs: str | int | None = None,
) -> xr.Dataset:
    """Layers from what another tool holds in memory, checked as :func:`waterbodem.open_layers` checks files.

    Dimensions of length one (``band``, ``time``) are dropped; easting, lon and the like are x where the CRS is
    projected; y may ascend and x descend; other coordinates of rows, columns and cells stay. Attributes count as the
    keys of a lagen.toml: ``units``, ``positive`` (the sign), ``_FillValue`` (nodata), ``scale_factor``, ``add_offset``,
    ``absent``, ``range``, ``outside``, ``source``, ``vintage``, ``horizon`` and the others that
    :func:`waterbodem.open_layers` gives.

    Parameters
    ----------
    layers : xr.Dataset, or mapping of name to xr.DataArray or array (rows, cols)
        Named as :func:`waterbodem.lagen` names them, all on one regular grid. Dask arrays stay lazy: their values are
        checked when they are read.
    units : mapping of layer to unit, optional
        In place of the attribute ``units``; stated by neither: the unit of the rules.
    sign : mapping of layer to {"up", "down"}, optional
        In place of the attribute ``positive``, for kwel, ghg, gvg and glg.
    rename : mapping of name to layer, optional
        Layers that come under another name; ``"ghg@2050"`` is that of a scenario.
    crs : str or int, optional
        ``EPSG:<code>`` or WKT, where the data state none.

    Returns
    -------
    xr.Dataset
        float32 on (y, x) in the units of the rules; NaN = unknown, +inf = absent.

    Raises
    ------
    WaterbodemError
        Everything that is wrong, at once: see ``.problems``.

    Warns
    -----
    LayerIgnored
        Of a variable whose name is nearly that of a layer, and of a coordinate that another layer has otherwise.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> seepage = xr.DataArray(np.full((1, 2, 2), 0.001), {"y": [5.0, 15.0], "x": [5.0, 15.0]}, ("band", "y", "x"))
    >>> layers_from({"seepage": seepage}, rename={"seepage": "kwel"}, units={"kwel": "m/d"}).kwel.values
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    trial = Trial()
    arrays = _named(_arrays(layers, rename or {}), rename or {}, trial)
    for key, attribute, stated in (("units", "units", units), ("sign", "positive", sign)):
        with trial.step():
            arrays = _stating(arrays, stated or {}, attribute, key)
    mapped = None if not isinstance(layers, xr.Dataset) else dataset.crs_of(layers)
    arrays = _with_percentiles(arrays)
    placed = _each(arrays, lambda name, data: _Placed.of(data, name, crs, mapped), trial)
    readings = _each(arrays, lambda name, data: _Reading.of(data.variable, name), trial)
    _check_one_grid(placed, trial)
    trial.end()
    if not placed:
        names = [str(name) for name in layers]
        raise ArgumentError("there are no layers", value=names, allowed=", ".join(layer_kinds()), where="layers")
    grid = next(iter(placed.values())).grid
    memory.check_fits(grid, sum(not p.lazy for p in placed.values()))
    variables = _each(readings, lambda name, read: read.variable(placed[name].data.data), trial)
    trial.end()
    found = dataset.dataset_of(
        grid, variables, _without(layers.attrs if isinstance(layers, xr.Dataset) else {}, ("crs",))
    )
    found = found if next(iter(placed.values())).known else found.drop_vars(["y", "x"])
    return found.assign_coords(_beside(placed))


def _each(items: Mapping[str, A], do: Callable[[str, A], B], trial: Trial) -> dict[str, B]:
    """Return what is made of every item; what goes wrong is kept in the trial, and gives none."""
    found = {}
    for name, item in items.items():
        with trial.step():
            found[name] = do(name, item)
    return found


def _without(attrs: Mapping[Any, Any], keys: Iterable[str]) -> dict[Any, Any]:
    left_out = set(keys)
    return {key: value for key, value in attrs.items() if key not in left_out}


def _arrays(layers: Any, rename: Mapping[str, str]) -> dict[str, xr.DataArray]:
    """Return what may be layers: variables that have rows and columns, or the name of one."""
    if not isinstance(layers, Mapping) or not layers:
        allowed = "xr.Dataset or mapping such as {'ghg': array}, with at least one layer"
        raise ArgumentError("there are no layers", value=type(layers).__name__, allowed=allowed, where="layers")
    found = {str(name): _array(str(name), layers[name]) for name in layers}
    return {n: a for n, a in found.items() if a.ndim >= 2 or LayerName.of(rename.get(n, n)).layer in layer_kinds()}


def _array(name: str, given: Any) -> xr.DataArray:
    if isinstance(given, xr.DataArray):
        return given
    values = np.asarray(given)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        allowed = "xr.DataArray, or numbers (rows, cols) from north to south"
        raise ArgumentError("layer is no array", value=type(given).__name__, allowed=allowed, where=name)
    return xr.DataArray(values, dims=("y", "x"))


# --- names -----------------------------------------------------------------------------------------------------------


def _named(arrays: Mapping[str, xr.DataArray], rename: Mapping[str, str], trial: Trial) -> dict[str, xr.DataArray]:
    """Return the layers by their names; others are told, or refused where they are half of all."""
    with trial.step():
        raise_all([_no_such(name, arrays, "rename") for name in rename if name not in arrays], where="rename")
    found = [(rename.get(name, name), data) for name, data in arrays.items()]
    twice = {n for n, _ in found if [m for m, _ in found].count(n) > 1}
    for name in twice:
        with trial.step():
            raise ArgumentError("two variables are one layer", value=name, allowed="one each", where="rename")
    layers = {n: data for n, data in found if LayerName.of(n).layer in layer_kinds()}
    for name in layers:
        with trial.step():
            raise_all(name_problems(str(LayerName(*LayerName.of(name)[:2])), name))
    _tell_others([n for n, _ in found if n not in layers], len(layers), trial)
    return layers


def _tell_others(names: list[str], layers: int, trial: Trial) -> None:
    if len(names) < max(layers, 1):
        warn_of_near_names(names)
        return
    for name in names:
        with trial.step():
            chosen = f"{{{name!r}: {likely_layer(name) or '<layer>'!r}}}"
            told = f"say which it is, rename={chosen}, or leave it out of the data"
            known = f"; layers are {', '.join(layer_kinds())}" if name == names[0] else ""
            raise ArgumentError("variable is no layer", value=name, allowed=f"{told}{known}", where="layers")


def _no_such(name: object, known: Iterable[str], where: str) -> ArgumentError:
    return ArgumentError("no such layer in the data", value=name, allowed=nearest(str(name), known), where=where)


def _stating(
    arrays: Mapping[str, xr.DataArray], stated: Mapping[str, str], attribute: str, where: str
) -> dict[str, xr.DataArray]:
    """Return layers with an attribute as it is stated beside them."""
    if not isinstance(stated, Mapping):
        raise ArgumentError("not stated per layer", value=stated, allowed="a mapping such as {'ghg': ...}", where=where)
    raise_all([_no_such(name, arrays, where) for name in stated if name not in arrays], where=where)
    return {n: data.assign_attrs({attribute: stated[n]}) if n in stated else data for n, data in arrays.items()}


def _with_percentiles(arrays: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Return layers whose percentiles state unit and sign as they do; where the sign turns these are exchanged."""
    found = {}
    for name, data in arrays.items():
        layer, scenario, percentile = LayerName.of(name)
        base = arrays.get(str(LayerName(layer, scenario)))
        if not percentile or base is None:
            found[name] = data
            continue
        stated = {k: base.attrs[k] for k in ("units", "positive") if k in base.attrs}
        told = data.assign_attrs({**stated, **data.attrs})
        turned = kind_of(name).teken.get(str(told.attrs.get("positive", "")).strip().lower(), 1) < 0
        other = PERCENTILES[1 - PERCENTILES.index(percentile)] if turned else percentile
        found[str(LayerName(layer, scenario, other))] = told
    return found


# --- places ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Placed:
    """A layer on (y, x), north up, with its grid; ``known`` where it has coordinates."""

    data: xr.DataArray
    grid: Grid

    @property
    def known(self) -> bool:
        return "x" in self.data.coords and "y" in self.data.coords

    @property
    def lazy(self) -> bool:
        return self.data.chunks is not None

    @classmethod
    def of(cls, data: xr.DataArray, name: str, stated: str | int | None, mapped: str | None) -> _Placed:
        crs = _crs(dataset.crs_of(data) or mapped, stated, name)
        upright = _upright(data, crs, name)
        grid = _grid(upright, crs, name)
        return cls(upright, grid)


def _crs(own: str | None, stated: str | int | None, name: str) -> str | None:
    """Return the CRS of a layer, projected in metres."""
    try:
        found = [crs_text.projected(text, name) for text in (stated, own) if text is not None]
    except GridMismatch as error:
        allowed = "; ".join(t for t in (error.allowed, REPROJECT) if t)
        raise GridMismatch(error.what, value=error.value, allowed=allowed, where=name) from None
    if len(found) == 2 and not crs_text.same(*found):
        allowed = f"{found[1]}, which the data state, or data in {found[0]}"
        raise GridMismatch("CRS differs from that of the data", value=found[0], allowed=allowed, where=f"{name}: crs")
    return found[0] if found else None


def _upright(data: xr.DataArray, crs: str | None, name: str) -> xr.DataArray:
    """Return a layer on (y, x) with y descending and x ascending."""
    axes = {dim: _axis(data, str(dim), crs, name) for dim in data.dims}
    _check_regular(data, name)
    _check_dimensions(data, axes, name)
    flat = data.squeeze([dim for dim, axis in axes.items() if not axis], drop=True)
    flat = flat.drop_vars([c for c in flat.coords if c not in flat.dims and _is_place_or_number(flat[c])])
    named = flat.rename({dim: axes[dim] for dim in flat.dims if axes[dim] != dim}).transpose("y", "x")
    turned = {d: slice(None, None, -1) for d, up in (("y", -1), ("x", 1)) if _falls(named, d, up)}
    return named.isel(turned)


def _check_dimensions(data: xr.DataArray, axes: Mapping[Any, str], name: str) -> None:
    """Refuse a layer that does not lie on rows and columns, or has more than one value for a cell, or no cells."""
    others = {str(dim): data.sizes[dim] for dim, axis in axes.items() if not axis and data.sizes[dim] != 1}
    missing = [axis for axis in "yx" if axis not in axes.values()]
    if missing or len(axes) - list(axes.values()).count("") > 2:
        told = ", ".join(f"{dim!r}: {axis!r}" for dim, axis in zip(others, missing, strict=False)) or "'...': 'x'"
        allowed = f"dimensions y and x; others by layers.rename({{{told}}})"
        raise GridMismatch("layer must lie on (y, x)", value=dict(data.sizes), allowed=allowed, where=name)
    if others:
        allowed = f"one of them, such as layers.isel({next(iter(others))}=0)"
        raise GridMismatch("layer has more than rows and columns", value=others, allowed=allowed, where=name)
    if data.size == 0:
        raise GridMismatch("layer has no cells", value=dict(data.sizes), allowed="one cell or more", where=name)


def _check_regular(data: xr.DataArray, name: str) -> None:
    """Refuse cells whose place is told in two dimensions alone: they lie on no regular grid."""
    places = {str(c): v.dims for c, v in data.coords.items() if v.ndim == 2 and _axis_called(str(c))}
    if places and not all(dim in data.coords for dims in places.values() for dim in dims):
        told = f"resample to a regular grid, or layers.drop_vars({[*places]}) where the place does not matter"
        allowed = f"one x for a column and one y for a row; {told}"
        raise GridMismatch("coordinates are told per cell", value=places, allowed=allowed, where=name)


def _is_place_or_number(coordinate: xr.DataArray) -> bool:
    """Tell whether a coordinate says again where cells lie, or is one number for all of them."""
    called = str(coordinate.name)
    return called in ("y", "x") or (coordinate.ndim == 0 and called != "spatial_ref")


def _beside(placed: Mapping[str, _Placed]) -> dict[str, Any]:
    """Return the coordinates beside y and x; of one name that of the first layer, and others are told."""
    found: dict[str, Any] = {}
    for name, layer in placed.items():
        for called in (str(c) for c in layer.data.coords if c not in ("y", "x", "spatial_ref")):
            own = layer.data.coords[called].variable
            if LayerName.of(called).layer in layer_kinds():
                tell_ignored(f"coordinate {called} takes no part: layers.reset_coords({called!r}) makes it a layer")
            elif not found.setdefault(called, own).equals(own):
                tell_ignored(f"coordinate {called} of layer {name} takes no part: another layer has it otherwise")
    return found


def _axis_called(dim: str) -> str:
    """Return which of x and y a coordinate is by its name; empty where neither."""
    return next((axis for axis in "xy" if dim.casefold() in (*METRES[axis], *DEGREES[axis])), "")


def _axis(data: xr.DataArray, dim: str, crs: str | None, name: str) -> str:
    """Return which of x and y a dimension is; empty where neither."""
    attrs = data[dim].attrs if dim in data.coords else {}
    axis = str(attrs.get("axis", "")).lower()
    told = STANDARD.get(attrs.get("standard_name", ""), axis if axis in ("x", "y") else "")
    called = _axis_called(dim)
    if told and called and told != called:
        allowed = "layers.rename(x='y', y='x')"
        raise GridMismatch(f"coordinate {dim} says that it is {told}", value=attrs, allowed=allowed, where=name)
    found = called or told
    if found:
        _check_metres(dim, found, attrs, crs, name)
    return found


def _check_metres(dim: str, axis: str, attrs: Mapping[str, Any], crs: str | None, name: str) -> None:
    """Refuse a coordinate that is in degrees, or may be."""
    unit = str(attrs.get("units", "m"))
    if spelling(unit) != "m":
        raise GridMismatch(f"coordinate {dim} is not in metres", value=unit, allowed=f"m; {REPROJECT}", where=name)
    if crs is None and dim.casefold() in DEGREES[axis]:
        allowed = f"crs='EPSG:28992' where they are metres; {REPROJECT}"
        raise GridMismatch(f"coordinate {dim} is called after degrees", allowed=allowed, where=name)


def _falls(data: xr.DataArray, dim: str, up: int) -> bool:
    """Tell whether a coordinate runs the other way."""
    if dim not in data.coords or data.sizes[dim] < 2 or data[dim].dtype.kind not in "fiu":
        return False
    ends = np.asarray(data[dim].values[[0, -1]], np.float64)
    return bool((ends[1] - ends[0]) * up < 0)


def _grid(data: xr.DataArray, crs: str | None, name: str) -> Grid:
    try:
        found = dataset.grid_of(data)
        crs_text.check_not_swapped(found.bounds, crs or crs_text.RD)
    except GridMismatch as error:
        swapped = "; exchange them by layers.rename(x='y', y='x')" if "swapped" in error.what else ""
        stated = ", or state crs= where they are right" if swapped and crs is None else ""
        told = f"{error.allowed}{swapped}{stated}"
        raise GridMismatch(error.what, value=error.value, allowed=told, where=name) from None
    return Grid(found.left, found.top, found.dx, found.dy, found.rows, found.cols, crs)


def _check_one_grid(placed: Mapping[str, _Placed], trial: Trial) -> None:
    """Refuse layers that do not lie on the cells of the first."""
    first = next(iter(placed), "")
    for name, layer in placed.items():
        with trial.step():
            _check_same(layer, placed[first], name, first)


def _check_same(layer: _Placed, first: _Placed, name: str, other: str) -> None:
    a, b = layer.grid, first.grid
    same = a.shape == b.shape and b.same_lattice(a) and b.offset(a) == (0, 0)
    if same and layer.known == first.known and (a.crs == b.crs or (a.crs and b.crs and crs_text.same(a.crs, b.crs))):
        return
    allowed = "one grid: xr.align(..., join='inner') cuts to common cells, wb.open_layers('lagen.toml') resamples files"
    raise GridMismatch(f"layer lies on another grid than {other}", value=_told(layer), allowed=allowed, where=name)


def _told(layer: _Placed) -> str:
    g = layer.grid
    place = f"from ({g.left:g}, {g.top:g}), {crs_text.label(g.crs)}" if layer.known else "without coordinates"
    return f"{g.rows} x {g.cols} cells of {g.dx:g} x {g.dy:g} m {place}"


# --- values ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reading:
    """How raw numbers of a layer become values of the rules, and what is told of them."""

    name: str
    decoder: Decoder
    marks: tuple[float, ...]
    others: Mapping[str, Any]

    @classmethod
    def of(cls, data: xr.Variable, name: str) -> _Reading:
        told, kind = encoding_of(data, name), kind_of(name)
        decoder = Decoder(_entry(data.attrs, name), kind, data.dtype.name, scale=told.scale, offset=told.offset)
        return cls(name, decoder, told.marks, _without(data.attrs, (*OBEYED, *KEYS, "units", "grid_mapping", "crs")))

    def variable(self, raw: Any) -> tuple[Any, dict[str, Any]]:
        """Return values (rows, cols) with attributes; a lazy array stays so."""
        if isinstance(raw, np.ndarray):
            values, found = self._whole(raw)
        else:
            values, found = raw.map_blocks(self._block, dtype=np.float32, meta=np.empty((0, 0), np.float32)), Findings()
        told = attributes(self.decoder.entry, self.decoder.kind, found)
        return values, {**self.others, **told}

    def _whole(self, raw: NDArray[Any]) -> tuple[Floats, Findings]:
        values, found = np.empty(raw.shape, np.float32), Findings()
        known = np.zeros(raw.shape[0], np.bool_), np.zeros(raw.shape[1], np.bool_)
        rows = max(1, PIECE // max(1, raw.shape[1]))
        for first in range(0, len(raw), rows):
            piece = slice(first, first + rows)
            values[piece], seen = self._piece(raw[piece])
            found += seen
            there = ~np.isnan(values[piece])
            known[0][piece] = there.any(axis=1)
            known[1][:] |= there.any(axis=0)
        raise_all([*self.decoder.complain(found, self.name), *_coarser(known, self.name)])
        return values, found

    def _block(self, raw: NDArray[Any]) -> Floats:
        return self._whole(raw)[0]

    def _piece(self, raw: NDArray[Any]) -> tuple[NDArray[np.float64], Findings]:
        numbers = raw.view(np.uint8) if raw.dtype.kind == "b" else raw
        known = np.ones(numbers.shape, np.bool_)
        for mark in self.marks:
            known &= ~equals(numbers, mark)
        return self.decoder(numbers, known)


def _coarser(known: tuple[NDArray[np.bool_], NDArray[np.bool_]], name: str) -> Iterator[GridMismatch]:
    """Yield what is wrong with a layer known on one line in so many: of another grid, as xarray joins them."""
    for lines, dim in zip(known, "yx", strict=True):
        places = np.flatnonzero(lines)
        step = int(np.gcd.reduce(np.diff(places)))
        if len(places) >= LINES and step > 1:
            value, allowed = f"one in {step} along {dim}", NEAREST
            yield GridMismatch("layer is known on some lines alone", value=value, allowed=allowed, where=name)


def _entry(attrs: Mapping[Any, Any], name: str) -> LayerEntry:
    """Return what a lagen.toml would say of a layer."""
    kind = kind_of(name)
    told = {key: np.asarray(attrs[key]).tolist() for key in KEYS if attrs.get(key) is not None}
    unit, sign = str(attrs.get("units") or "").strip(), str(attrs.get("positive") or "").strip().lower()
    absent = {"absent": np.inf} if kind.may_be_absent else {}
    data = {"path": name, "unit": unit or kind.unit, "sign": sign or None, **absent, **told}
    try:
        return LayerEntry.model_validate(data)
    except ValidationError as error:
        raise_all(complaints(error, LayerEntry, f"{name}: attribute", LayerError))
        raise
