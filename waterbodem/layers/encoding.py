"""What a layer in memory says of its own numbers: which mean unknown, scale and offset, unit and sign.

Attributes speak of the numbers as they are; what xarray decoded on opening stands in ``.encoding``, and is done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.errors import LayerError
from waterbodem.core.lazy import xr
from waterbodem.core.marks import equals, mark_as
from waterbodem.definitions import units
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import LayerKind
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.uncertainty import Uncertainty, uncertainty_of

Floats = NDArray[np.float32]

#: Attributes that hold numbers which mean unknown.
MARKS = ("_FillValue", "missing_value", "nodata")
#: Attributes that no longer hold once they were obeyed.
OBEYED = (*MARKS, "scale_factor", "add_offset", "positive")
#: What is obeyed, and what others call the same, in small letters alone: stated in its place it would be missed.
ALIKE = (
    (("units",), ("units", "unit", "eenheid")),
    (MARKS, ("fillvalue", "missingvalue", "missing", "nodata", "nodatavalue", "nodatavals")),
)
#: Cells that are worked on at a time.
PIECE = 1 << 16


@dataclass(frozen=True)
class Encoding:
    """How the numbers of a layer are read: marks on raw numbers, scale and offset, then unit and sign, as of a file.

    Parameters
    ----------
    marks : tuple of float
        Raw numbers that mean unknown.
    scale, offset : float
    factor : float
        What a value is multiplied with: unit and sign.

    Examples
    --------
    >>> Encoding((-9999.0,), factor=0.01)(np.array([[150, -9999]]))
    array([[1.5, nan]], dtype=float32)
    """

    marks: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    factor: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether numbers are values of the rules as they are."""
        return self == PLAIN

    def __call__(self, raw: NDArray[Any]) -> Floats:
        """Return values of the rules; nothing is copied where nothing is to be done."""
        if self.plain:
            return dataset.float32_of(raw)
        values = np.empty(raw.shape, np.float32)
        rows = max(1, PIECE // max(1, raw.shape[1]))
        for first in range(0, len(raw), rows):
            piece = slice(first, first + rows)
            values[piece] = self._piece(raw[piece])
        return values

    def _piece(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        unknown = np.zeros(raw.shape, np.bool_)
        for mark in self.marks:
            unknown |= equals(raw, mark)
        with np.errstate(all="ignore"):
            values = (raw.astype(np.float64) * self.scale + self.offset) * self.factor + 0.0
        values[np.isposinf(raw)] = np.inf  # absent, whatever the scale
        values[unknown] = np.nan
        return values


PLAIN = Encoding()


def encoding_of(data: xr.Variable, name: str) -> Encoding:
    """Return how the numbers of a layer are read, from its name, type and attributes; no cell is looked at.

    Raises
    ------
    LayerError
        If an attribute cannot be obeyed, or the values are not numbers.

    Examples
    --------
    >>> import waterbodem as wb
    >>> ghg = wb.example(size=50).ghg
    >>> encoding_of(ghg.variable, "ghg").plain
    True
    >>> encoding_of(ghg.assign_attrs(units="cm", positive="up").variable, "ghg").factor
    -0.01
    """
    attrs = {k: v for k, v in data.attrs.items() if v is not None}
    dataset.check_numeric(data.dtype, name)
    _check_names(attrs, name)
    if "_Unsigned" in attrs:
        raise _refused("attribute is not obeyed", attrs, "_Unsigned", name, "open it with mask_and_scale=True")
    kind = layer_kinds()[LayerName.of(name).layer]
    scale, offset = _number(attrs, "scale_factor", 1.0, name), _number(attrs, "add_offset", 0.0, name)
    if scale == 0:
        raise _refused("scale makes all values the same", attrs, "scale_factor", name, "other than 0")
    return Encoding(_marks(attrs, data.dtype, name), scale, offset, _unit(attrs, kind, name) * _sign(attrs, kind, name))


def values_of(data: xr.Variable, name: str) -> Floats:
    """Return the values of a layer in unit and sign of the rules, C-ordered (rows, cols).

    Raises
    ------
    LayerError
        If an attribute cannot be obeyed, values are no numbers, or it does not lie on (y, x).
    """
    read = encoding_of(data, name)
    return read(dataset.on_rows_and_columns(data, name).values)


def error_of(data: xr.Variable, name: str) -> Uncertainty | None:
    """Return what a layer states of its error, in the unit of the rules; None: nothing.

    Raises
    ------
    WaterbodemError
        If it is not usable.
    """
    stated = data.attrs.get("uncertainty")
    if stated is None:
        return None
    kind = layer_kinds()[LayerName.of(name).layer]
    factor = _unit(data.attrs, kind, name)
    return uncertainty_of(np.asarray(stated).tolist(), kind.id, factor, f"{name}: attribute uncertainty")


def in_units_of_rules(data: xr.Variable, name: str) -> xr.Variable:
    """Return a layer in unit and sign of the rules, as its attributes then say."""
    kind = layer_kinds()[LayerName.of(name).layer]
    kept = {k: v for k, v in data.attrs.items() if k not in OBEYED}
    attrs = {**kept, "units": kind.unit, **original_units(kind, data.attrs.get("units"), data.attrs.get("positive"))}
    error = error_of(data, name)
    attrs |= {} if error is None else {"uncertainty": error.plain}
    return xr.Variable(("y", "x"), values_of(data, name), attrs)


def original_units(kind: LayerKind, unit: str | None, sign: str | None) -> dict[str, str]:
    """Return as attributes the unit and the sign that a layer came in, where those are not of the rules."""
    came = {"given_units": (unit or "").strip(), "given_positive": (sign or "").strip().lower()}
    converted = bool(came["given_units"]) and units.factor(came["given_units"], kind.unit) != 1
    turned = kind.teken.get(came["given_positive"], 1) < 0
    return {key: text for (key, text), holds in zip(came.items(), (converted, turned), strict=True) if holds}


def _check_names(attrs: Mapping[str, Any], name: str) -> None:
    """Refuse an attribute by which somebody means another, which is not stated."""
    for obeyed, others in ALIKE:
        alike = [key for key in attrs if re.sub("[^a-z]", "", str(key).lower()) in others]
        if alike and attrs.keys().isdisjoint(obeyed):
            raise _refused("attribute is not obeyed", attrs, alike[0], name, f"it as attribute {obeyed[0]}")


def _refused(what: str, attrs: Mapping[str, Any], key: str, name: str, allowed: str) -> LayerError:
    return LayerError(what, value=attrs[key], allowed=allowed, where=f"{name}: attribute {key}")


def _number(attrs: Mapping[str, Any], key: str, default: float, name: str) -> float:
    numbers = _numbers(attrs, key, name)
    if len(numbers) > 1 or not all(map(math.isfinite, numbers)):
        raise _refused("attribute is no number", attrs, key, name, "one finite number")
    return numbers[0] if numbers else default


def _numbers(attrs: Mapping[str, Any], key: str, name: str) -> list[float]:
    stated = np.atleast_1d(np.asarray(attrs.get(key, [])))
    if stated.size and stated.dtype.kind not in "fiu":
        raise _refused("attribute is no number", attrs, key, name, "a number")
    return [float(v) for v in stated.reshape(-1)]


def _marks(attrs: Mapping[str, Any], dtype: np.dtype[Any], name: str) -> tuple[float, ...]:
    """Return the marks that a cell of this type can hold; NaN is unknown as it is."""
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)
    stated = dict.fromkeys(v for key in MARKS for v in _numbers(attrs, key, name))
    return tuple(v for v in stated if mark_as(v, dtype.name) is not None)


def _unit(attrs: Mapping[str, Any], kind: LayerKind, name: str) -> float:
    stated = attrs.get("units", "")
    if not isinstance(stated, str):
        raise _refused("unit is no text", attrs, "units", name, kind.unit)
    return units.factor(stated.strip(), kind.unit, where=f"{name}: attribute units") if stated.strip() else 1.0


def _sign(attrs: Mapping[str, Any], kind: LayerKind, name: str) -> float:
    if "positive" not in attrs:
        return 1.0
    if not kind.teken:
        having = ", ".join(k.id for k in layer_kinds().values() if k.teken)
        raise _refused(f"{kind.id} has no sign to state", attrs, "positive", name, f"for {having}")
    stated = str(attrs["positive"]).strip().lower()
    if stated not in kind.teken:
        raise _refused("sign is not known", attrs, "positive", name, ", ".join(sorted(kind.teken, reverse=True)))
    return float(kind.teken[stated])
