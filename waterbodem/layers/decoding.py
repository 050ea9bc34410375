"""From raw numbers in a file to values in the unit and sign of the rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import LayerError
from waterbodem.core.marks import HUGE, equals, mark_as
from waterbodem.definitions import units
from waterbodem.definitions.models import OWN_CODE, LayerKind
from waterbodem.definitions.registry import layer_codes
from waterbodem.kernels.decode import Line, decode, map_classes, only_codes
from waterbodem.layers.catalogue import LayerEntry

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Slips of the unit that an error guesses at.
SLIPS = (100, 1000)


@dataclass(frozen=True)
class Findings:
    """What was seen in a number of cells; ``a + b`` is what was seen in both.

    Parameters
    ----------
    cells, known, absent : int
        How many cells were seen, hold a value in range, are absent.
    low, high : float
        Extremes of all finite values, also those out of range.
    outside : int
        Values out of range.
    outside_low, outside_high : float
        Their extremes.
    unlisted : mapping of code to count
        Codes that the class table does not list.
    """

    cells: int = 0
    known: int = 0
    absent: int = 0
    low: float = math.inf
    high: float = -math.inf
    outside: int = 0
    outside_low: float = math.inf
    outside_high: float = -math.inf
    unlisted: Mapping[float, int] = field(default_factory=dict)

    def __add__(self, other: Findings) -> Findings:
        codes = dict(self.unlisted)
        for code, count in other.unlisted.items():
            codes[code] = codes.get(code, 0) + count
        return Findings(
            self.cells + other.cells,
            self.known + other.known,
            self.absent + other.absent,
            min(self.low, other.low),
            max(self.high, other.high),
            self.outside + other.outside,
            min(self.outside_low, other.outside_low),
            max(self.outside_high, other.outside_high),
            codes,
        )


@dataclass(frozen=True)
class Decoder:
    """How one layer's raw numbers are read.

    The order is fixed: nodata and absent on raw values, scale and offset, classes, unit, sign;
    all in float64.

    Parameters
    ----------
    entry : LayerEntry
        The table in lagen.toml.
    kind : LayerKind
        What the layer measures.
    dtype : str
        Type of the raw numbers.
    nodata : float or None
        The raw number for unknown.
    scale, offset : float
        Of the file.
    """

    entry: LayerEntry
    kind: LayerKind
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Plausible range, in the unit of the rules."""
        return self.entry.range or self.kind.range

    @property
    def codes(self) -> Mapping[int, str]:
        """What the values of a layer of classes stand for; empty for a quantity."""
        return layer_codes(self.kind)

    @property
    def own(self) -> np.float32:
        """The value from which any whole number may be the code of a functie of the user's own."""
        return np.float32(OWN_CODE if self.kind.codes_van else np.inf)

    @property
    def factor(self) -> float:
        """What a value is multiplied with: unit and sign."""
        sign = self.kind.teken[self.entry.sign] if self.entry.sign else 1
        return units.factor(self.entry.unit, self.kind.unit) * sign

    def __call__(
        self, raw: NDArray[np.generic], valid: Mask | None = None, *, coded: bool = True
    ) -> tuple[Floats, Findings]:
        """Return values (NaN = unknown, +inf = absent) and what was found.

        Parameters
        ----------
        raw : array
            Numbers as stored.
        valid : array of bool, optional
            False where the file has no data.
        coded : bool
            Whether the class table applies.
        """
        absent, unknown = self._states(raw, valid)
        with np.errstate(all="ignore"):
            values = raw.astype(np.float64) * self.scale + self.offset
        values[unknown | absent] = np.nan
        unlisted: dict[float, int] = {}
        if coded and self.entry.codes:
            values, unlisted = self._mapped(values)
        with np.errstate(all="ignore"):
            values = values * self.factor + 0.0
        return self._in_range(values, absent, unlisted)

    def into(
        self, raw: NDArray[np.generic], valid: Mask | None, out: NDArray[np.float32], at: tuple[int, int]
    ) -> Findings:
        """Write values into ``out`` from row and column ``at`` on; the same as a call gives, in one compiled pass.

        Extremes and codes are not looked for: see :meth:`loud`.
        """
        counts = np.zeros(3, np.int64)
        mask = np.empty((0, 0), np.bool_) if valid is None else valid
        marks, line = self._marks(raw.dtype), self._line()
        unlisted = 0
        if self.entry.codes:
            codes, targets = np.array(sorted(self._table().items())).T.copy()
            mapped = np.empty(raw.shape, np.float64)
            unlisted = map_classes(raw, mask, marks, line, codes, targets, mapped)
            raw, mask, marks = mapped, np.empty((0, 0), np.bool_), np.array([0.0, np.inf])
            line = line._replace(has_nodata=False, scale=1.0, offset=0.0)
        decode(raw, mask, marks, line, out, *at, counts)
        if self.codes:
            rows, cols = raw.shape
            only_codes(np.array(list(self.codes), np.float32), self.own, out, rows, cols, *at, counts)
        known, absent, outside = (int(c) for c in counts)
        return Findings(raw.size, known, absent, outside=outside, unlisted={math.nan: unlisted} if unlisted else {})

    @property
    def exact(self) -> bool:
        """Whether nodata and absent are compared exactly, as :meth:`into` does."""
        stated = [v for v in (self.nodata, self.entry.absent) if v is not None]
        absent_nan = self.entry.absent is not None and math.isnan(self.entry.absent)
        return not absent_nan and not any(HUGE < abs(v) < math.inf for v in stated)

    def loud(self, found: Findings) -> bool:
        """Tell whether :meth:`complain` will want extremes and codes, which :meth:`into` does not look for."""
        return bool(self.complain(found, ""))

    def _line(self) -> Line:
        low, high = (np.float32(v) for v in self.limits)
        nodata, absent = mark_as(self.nodata, self.dtype), mark_as(self.entry.absent, self.dtype)
        return Line(nodata is not None, absent is not None, self.scale, self.offset, self.factor, low, high)

    def _marks(self, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        found = (mark_as(v, self.dtype) for v in (self.nodata, self.entry.absent))
        return np.array([0 if v is None else v for v in found], dtype)

    def _states(self, raw: NDArray[np.generic], valid: Mask | None) -> tuple[Mask, Mask]:
        """Return where the raw value means absent, and where unknown."""
        nothing = np.zeros(raw.shape, dtype=bool)
        unknown = nothing if valid is None else ~valid
        if self.nodata is not None:
            unknown = unknown | equals(raw, self.nodata)
        absent = nothing
        if self.entry.absent is not None:
            absent = equals(raw, self.entry.absent) & ~unknown
        if raw.dtype.kind == "f":
            unknown = unknown | (~np.isfinite(raw) & ~absent)
        return absent, unknown

    def _mapped(self, values: Floats) -> tuple[Floats, dict[float, int]]:
        table = self._table()
        codes, targets = np.array(list(table)), np.array(list(table.values()))
        found = _nearest_code(values, codes)
        listed = np.abs(values - codes[found]) <= 1e-10 * np.maximum(1, np.abs(codes[found]))
        missing, counts = np.unique(values[~listed & ~np.isnan(values)], return_counts=True)
        unlisted = {float(c): int(n) for c, n in zip(missing, counts, strict=True)}
        return np.where(listed, targets[found], np.nan), unlisted

    def _table(self) -> dict[float, float]:
        """Return the class table with codes as the file's own type holds them, ascending."""
        plain = self.dtype == "float32" and (self.scale, self.offset) == (1.0, 0.0)
        cast = np.float32 if plain else np.float64
        return {float(cast(c)): v for c, v in sorted(self.entry.codes.items())}

    def _in_range(self, values: Floats, absent: Mask, unlisted: Mapping[float, int]) -> tuple[Floats, Findings]:
        outside = self._outside(values)
        low, high = _extremes(values)
        outside_low, outside_high = _extremes(values[outside])
        values[outside] = np.nan
        known = int(np.count_nonzero(~np.isnan(values)))
        values[absent] = np.inf
        count = int(np.count_nonzero(absent))
        found = Findings(
            values.size,
            known,
            count,
            low,
            high,
            int(outside.sum()),
            outside_low,
            outside_high,
            unlisted,
        )
        return values, found

    def _outside(self, values: Floats) -> Mask:
        """Return where a value is implausible, judged as float32, so that 0.3 is not above 0.3."""
        with np.errstate(all="ignore"):
            stored = values.astype(np.float32)
        low, high = np.float32(self.limits[0]), np.float32(self.limits[1])
        outside = (stored < low) | (stored > high)
        if self.codes:
            own = (stored >= self.own) & (stored == np.floor(stored))
            outside |= ~(own | np.isin(stored, np.array(list(self.codes), np.float32)))
        return np.asarray(outside & ~np.isnan(stored))

    def complain(self, found: Findings, where: str) -> list[LayerError]:
        """Return one error for unlisted codes and one for values out of range."""
        problems = []
        if found.unlisted and self.entry.unlisted == "error":
            problems.append(self._unlisted_error(found, where))
        if found.outside and self.entry.outside == "error":
            problems.append(self._range_error(found, where))
        return problems

    def _unlisted_error(self, found: Findings, where: str) -> LayerError:
        shown = sorted(found.unlisted.items(), key=lambda item: -item[1])
        counts = ", ".join(f"{code:g} ({count} cells)" for code, count in shown[:10])
        more = f" and {len(shown) - 10} more" if len(shown) > 10 else ""
        return LayerError(
            "class codes are not listed",
            value=counts + more,
            allowed=", ".join(f"{c:g}" for c in self.entry.codes) + '; or unlisted = "unknown"',
            where=f"{where}.classes",
        )

    def _range_error(self, found: Findings, where: str) -> LayerError:
        low, high = self.limits
        return LayerError(
            f"{found.outside} values are outside the plausible range{self.slip(found)}",
            value=f"{found.outside_low:g} .. {found.outside_high:g}",
            allowed=self._codes_text()
            or f'{low:g} .. {high:g} {self.kind.unit}; else set range, or outside = "unknown"',
            where=where,
        )

    def _codes_text(self) -> str:
        """Return the codes that a layer of classes may hold, and what helps where it holds others."""
        if not self.codes:
            return ""
        own = [f"{OWN_CODE} and up (functies of your own)"] if self.kind.codes_van else []
        return ", ".join([*map(str, self.codes), *own]) + '; else set classes, or outside = "unknown"'

    def slip(self, found: Findings) -> str:
        """Return a guess at why values are out of range: one of them is a mark, or the sign or the unit is another."""
        guesses = (self._mark_hint(found), self._sign_hint(found), self._factor_hint(found))
        return next((f": {guess}?" for guess in guesses if guess), "")

    def _mark_hint(self, found: Findings) -> str:
        """Ask what one value means that several cells share and that no other value goes near."""
        if found.outside < 2 or found.outside_low != found.outside_high or self.entry.classes:
            return ""
        mark = f"{(found.outside_low / self.factor - self.offset) / self.scale:.10g}"
        other = f"absent (absent = {mark}) or " if self.kind.may_be_absent else ""
        coded = ", or is it a code (classes)" if self.codes else ""
        return f"does {mark} mean {other}unknown (nodata = {mark}){coded}"

    def _sign_hint(self, found: Findings) -> str:
        low, high = self.limits
        turned = low <= -found.high and -found.low <= high
        others = [s for s in self.kind.teken if s != self.entry.sign]
        return f'the other sign (sign = "{others[0]}")' if turned and others else ""

    def _factor_hint(self, found: Findings) -> str:
        """Ask for a unit that brings all values into the range; codes have none."""
        low, high = self.limits
        fits = [s for s in SLIPS if low <= found.low / s and found.high / s <= high and not self.codes]
        return f"a factor {fits[0]} too large{self._unit_hint(fits[0])}" if fits else ""

    def _unit_hint(self, slip: int) -> str:
        stated, rules = self.entry.unit, self.kind.unit
        wanted = units.factor(stated, rules) / slip
        table = units.dimensions()[units.dimension(rules) or ""]
        names = [u for u in table if math.isclose(units.factor(u, rules), wanted)]
        return f" ({names[0]} instead of {stated})" if names else ""


def _extremes(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (math.inf, -math.inf)


def _nearest_code(values: Floats, codes: Floats) -> NDArray[np.intp]:
    """Return per value the index of the nearest of the ascending codes."""
    middles = (codes[1:] + codes[:-1]) / 2
    return np.minimum(np.searchsorted(middles, values), len(codes) - 1)
