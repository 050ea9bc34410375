"""What is summed over polygons, per cell: rekenregels sections 7 and 8, a row per measure.

Every row is a plain loop in float32 that the compiler turns into vector instructions; NaN = unknown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import inlined, kernel, stage
from waterbodem.kernels.components import AANVULLING, AFVOER, KWELAFVOER, VEEN, VERDRONGEN, VERLAGING, ZETTING

BLOCK = 1024
NAN = np.float32(np.nan)
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

#: Quantities that are made of others, by name, in the order of their rows.
MADE = (
    "risico_hoog",
    "risico_zeer_hoog",
    "water",
    "kwelafvoer",
    "veenoxidatie",
    "grondwaterverlaging",
    "stijging",
    "grondwater",
    "vastlegging",
    "bodemlast",
)
#: Quantities that are summed as they are: bounds of the score, components by their row, and maps.
BOUNDS = ("score_min", "score_max")
SUMMED = {
    "afvoer": AFVOER,
    "verdrongen_berging": VERDRONGEN,
    "aanvullingsverlies": AANVULLING,
    "veenverlies": VEEN,
}
MAPPED = ("dekking", "risico", "risico_zonder_compensatie")
HIGH, VERY_HIGH, WATER, DRAINED, PEAT, LOWERING, RISE, GROUND, LASTING, SOIL = range(len(MADE))


class FoundCells(NamedTuple):
    """What is known of n cells under one functie."""

    score: Floats
    klasse: Bytes
    risico: Floats
    tijd: Floats
    lowest: Floats  # lowest score over the scenarios, else the score
    components: Floats  # (10, n)
    use: Bytes  # number of the reference in the tables of ``ReferenceExcess``; 0 = unknown


class Borders(NamedTuple):
    """Numbers of the rules and the functie."""

    high: np.float32  # risico from here on is high
    very_high: np.float32
    margin: np.float32
    fixed: np.float32  # share of 1 - score that lasts
    zetting_full: np.float32  # amounts at which a load on the soil is 1
    peat_full: np.float32
    sure: np.float32  # load that shows though settlement is unknown


class ReferenceExcess(NamedTuple):
    """What the functie does more than each of R references; the first row stands for an unknown one."""

    paved: Floats  # (R,) more paving
    fill: Floats  # (R,) load of more fill on the soil, 0 at least
    settles: NDArray[np.bool_]  # (R,) settlement could be a burden
    relief: NDArray[np.int64]  # (R,) bit c: relief counts in cells of class c


@stage
def _assessed(score: Any, klasse: Any, out: Any) -> None:
    """The score where the cell is assessed."""
    for i in range(out.size):
        out[i] = score[i] if klasse[i] != 0 else NAN


@stage
def _where_known(known: Any, out: Any) -> None:
    for i in range(known.size):
        out[i] = out[i] if known[i] == known[i] else NAN


@stage
def flag_from(values: Any, border: Any, margin: Any, out: Any) -> None:
    """1 where values reach a border, else 0."""
    for i in range(out.size):
        reached = np.float32(1) if values[i] + margin >= border else np.float32(0)
        out[i] = reached if values[i] == values[i] else NAN


@kernel
def flag_bits(flags: Any, bits: Any, out: Any) -> None:
    """1 where one of the bits is set; else as it was."""
    for i in range(out.size):
        out[i] = np.float32(1) if flags[i] & bits else out[i]


@stage
def known_where(values: Any, out: Any) -> None:
    """0 where values are known, also."""
    for i in range(out.size):
        out[i] = np.float32(0) if values[i] == values[i] else out[i]


@stage
def of_change(use: Any, own: int, out: Any) -> None:
    """Make a measure one of cells with another present use: NaN where that is ``own``, or unknown (0)."""
    for i in range(out.size):
        out[i] = NAN if (use[i] == own) | (use[i] == 0) else out[i]


@stage
def _relieved(values: Any, klasse: Any, use: Any, relief: Any, out: Any) -> None:
    """Values; a relief (negative) is 0 in cells where it does not count."""
    for i in range(out.size):
        counts = (relief[use[i]] >> np.int64(klasse[i])) & 1
        out[i] = np.float32(0) if (values[i] < np.float32(0)) & (counts == 0) else values[i]


@stage
def _add(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i]


@stage
def _positive(values: Any, sign: Any, out: Any) -> None:
    """What of values, or of their opposite, is above 0."""
    for i in range(out.size):
        v = sign * values[i]
        out[i] = np.float32(0) if v <= np.float32(0) else v


@inlined
def _larger(x: Any, y: Any) -> Any:
    """max(x, y), NaN if one is."""
    return x if (x > y) | (x != x) else y


@stage
def _lasting(tijd: Any, lowest: Any, fixed: Any, out: Any) -> None:
    """What the plan leaves for later."""
    for i in range(out.size):
        out[i] = _larger(tijd[i], fixed * (np.float32(1) - lowest[i]))


@stage
def _soil(zetting: Any, peat: Any, use: Any, against: Any, b: Any, out: Any) -> None:
    """The largest of four loads on the soil; what is unknown is left out, as far as it could not be the largest."""
    paved, fill, settles, sure = against.paved, against.fill, against.settles, b.sure - b.margin
    for i in range(out.size):
        u, z, p = use[i], zetting[i] / b.zetting_full, peat[i] / b.peat_full
        load = _larger(paved[u], fill[u])
        load = z if z > load else load
        load = p if p > load else load
        out[i] = NAN if settles[u] & (z != z) & (load < sure) else load


@kernel
def fill_quantities(found: Any, b: Any, against: Any, loss: Any, score: Any, rows: Any) -> None:
    """Fill the rows of quantities that are more than a copy.

    Parameters
    ----------
    found : Found
    b : Borders
    against : Against
    loss : float32 array (K, n or more)
        Losses of all cells; those without a score become unknown.
    score : float32 array (n,)
        Filled with the score where the cell is assessed.
    rows : float32 array (len(MADE) or more, n or more)
        Filled.
    """
    n, p, more, less = found.score.size, found.components, np.float32(1), np.float32(-1)
    _assessed(found.score, found.klasse, score)
    for k in range(loss.shape[0]):
        _where_known(score, loss[k])
    flag_from(found.risico, b.high, b.margin, rows[HIGH, :n])
    flag_from(found.risico, b.very_high, b.margin, rows[VERY_HIGH, :n])
    for row, component in ((WATER, VERDRONGEN), (DRAINED, KWELAFVOER), (PEAT, VEEN), (LOWERING, VERLAGING)):
        _relieved(p[component, :n], found.klasse, found.use, against.relief, rows[row, :n])
    _add(p[AFVOER, :n], rows[WATER, :n])
    _positive(p[VERLAGING, :n], less, rows[RISE, :n])
    _positive(p[KWELAFVOER, :n], more, rows[GROUND, :n])
    _add(p[AANVULLING, :n], rows[GROUND, :n])
    _lasting(found.tijd, found.lowest, b.fixed, rows[LASTING, :n])
    _soil(p[ZETTING, :n], p[VEEN, :n], found.use, against, b, rows[SOIL, :n])


@kernel
def lower_by_curve(values: Any, x: Any, y: Any, score: Any, out: Any) -> None:
    """Lower ``out`` to the score of a layer where that is less; NaN where either is.

    Parameters
    ----------
    values, out : float32 arrays (n,)
    x, y : float64 arrays (P,)
        Points, rising x: linear between, constant outside.
    score : float64 array (BLOCK,)
        Used on the way.
    """
    for a in range(0, out.size, BLOCK):
        some, target = values[a : a + BLOCK], out[a : a + BLOCK]
        part = score[: some.size]
        _curve(some, x, y, part)
        for i in range(part.size):
            s = np.float32(part[i])
            target[i] = s if (s < target[i]) | (s != s) else target[i]


@stage
def _curve(values: Any, x: Any, y: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = y[0] if values[i] == values[i] else np.nan
    for k in range(x.size - 1):
        slope = (y[k + 1] - y[k]) / (x[k + 1] - x[k])
        _segment(values, x[k], x[k + 1], y[k], y[k + 1], slope, out)


@stage
def _segment(values: Any, x: Any, end: Any, y: Any, last: Any, slope: Any, out: Any) -> None:
    for i in range(out.size):
        v = np.float64(values[i])
        s = y + slope * (v - x)
        s = last if v >= end else s
        out[i] = s if v > x else out[i]
