"""What is summed over polygons, per cell: rekenregels sections 7 and 8, a row per measure.

Every row is a plain loop in float32 that the compiler turns into vector instructions; NaN = unknown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels._compile.decorators import kernel, part, stage

BLOCK = 1024
NAN = np.float32(np.nan)
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class Found(NamedTuple):
    """What is known of n cells under one functie; a field of one value holds for every cell."""

    score: Floats
    klasse: Bytes
    risico: Floats
    tijd: Floats
    lowest: Floats  # lowest score over the scenarios, else the score
    afvoer: Floats
    verdrongen: Floats
    kwelafvoer: Floats
    veenoxidatie: Floats
    verlaging: Floats
    aanvulling: Floats
    zetting: Floats
    verharding: Floats  # more paving than the reference; (n,) or (1,)
    more_fill: NDArray[np.bool_]  # more fill than the reference; (n,) or (1,)


class Borders(NamedTuple):
    """Numbers of the rules and the functie."""

    high: np.float32  # risico from here on is high
    very_high: np.float32
    margin: np.float32
    relief: np.int64  # bit c: relief counts in cells of class c
    fixed: np.float32  # share of 1 - score that lasts
    fill: np.float32  # load of the fill on the soil
    zetting_full: np.float32  # amounts at which a load is 1
    peat_full: np.float32


class Rows(NamedTuple):
    """Where the measures go (n,); ``loss`` is (K, n or more) and holds the losses of all cells already."""

    score: Floats
    loss: Floats
    high: Floats
    very_high: Floats
    water: Floats
    kwelafvoer: Floats
    veenoxidatie: Floats
    verlaging: Floats
    grondwater: Floats
    vastlegging: Floats
    bodemlast: Floats


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
def flag_bits(flags: Any, bits: Any, known: Any, out: Any) -> None:
    """1 where one of the bits is set, else 0; NaN where the layer they are about is unknown."""
    for i in range(out.size):
        fired = np.float32(1) if flags[i] & bits else np.float32(0)
        out[i] = fired if known[i] == known[i] else NAN


@stage
def _relieved(values: Any, klasse: Any, relief: Any, out: Any) -> None:
    """Values; a relief (negative) is 0 in cells where it does not count."""
    for i in range(out.size):
        counts = (relief >> np.int64(klasse[i])) & 1
        out[i] = np.float32(0) if (values[i] < np.float32(0)) & (counts == 0) else values[i]


@stage
def _add(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i]


@stage
def _positive(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.float32(0) if values[i] < np.float32(0) else values[i]


@part
def _larger(x: Any, y: Any) -> Any:
    """max(x, y), NaN if one is."""
    return x if (x > y) | (x != x) else y


@stage
def _lasting(tijd: Any, lowest: Any, fixed: Any, out: Any) -> None:
    """What the plan leaves for later."""
    for i in range(out.size):
        out[i] = _larger(tijd[i], fixed * (np.float32(1) - lowest[i]))


@part
def _soil(paved: Any, more: Any, zetting: Any, peat: Any, b: Any, out: Any) -> None:
    """The largest of four loads on the soil; settlement that cannot be is 0, and so is unknown peat."""
    for i in range(out.size):
        z = _larger(zetting[i], np.float32(0))
        z = z if more | (z == z) else np.float32(0)
        p = peat[i] if peat[i] > np.float32(0) else np.float32(0)
        load = _larger(_larger(paved, b.fill), z / b.zetting_full)
        out[i] = _larger(load, p / b.peat_full)


@stage
def _soil_each(paved: Any, more: Any, zetting: Any, peat: Any, b: Any, out: Any) -> None:
    """As :func:`_soil`, against a reference per cell."""
    for i in range(out.size):
        _soil(paved[i], more[i], zetting[i : i + 1], peat[i : i + 1], b, out[i : i + 1])


@kernel
def fill_measures(found: Any, b: Any, rows: Any) -> None:
    """Fill the rows of measures that are more than a copy.

    Parameters
    ----------
    found : Found
    b : Borders
    rows : Rows
        Filled in place.
    """
    _assessed(found.score, found.klasse, rows.score)
    for k in range(rows.loss.shape[0]):
        _where_known(rows.score, rows.loss[k])
    flag_from(found.risico, b.high, b.margin, rows.high)
    flag_from(found.risico, b.very_high, b.margin, rows.very_high)
    _relieved(found.verdrongen, found.klasse, b.relief, rows.water)
    _add(found.afvoer, rows.water)
    _relieved(found.kwelafvoer, found.klasse, b.relief, rows.kwelafvoer)
    _relieved(found.veenoxidatie, found.klasse, b.relief, rows.veenoxidatie)
    _relieved(found.verlaging, found.klasse, b.relief, rows.verlaging)
    _positive(found.kwelafvoer, rows.grondwater)
    _add(found.aanvulling, rows.grondwater)
    _lasting(found.tijd, found.lowest, b.fixed, rows.vastlegging)
    if found.verharding.size == 1:
        _soil(found.verharding[0], found.more_fill[0], found.zetting, found.veenoxidatie, b, rows.bodemlast)
    else:
        _soil_each(found.verharding, found.more_fill, found.zetting, found.veenoxidatie, b, rows.bodemlast)


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
