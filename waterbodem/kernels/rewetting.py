"""Rewetting of a block of cells: how far a functie with a streefpeil raises the groundwater, rekenregels section 2."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from waterbodem.kernels._compile.decorators import both, stage


class Rewetting(NamedTuple):
    """The numbers of a functie for it; layers meet float32 ones."""

    target: float  # streefpeil [m below maaiveld]; NaN: nothing is raised
    rise_most: float  # [m]
    too_deep: float  # no level at this depth or deeper can be raised [m]
    fade: float  # metres above that over which a rise comes to its full
    keileem_holds: np.float32  # keileem down to this depth holds water [m]
    peat_holds: np.float32  # so does peat from this thickness on [m]
    leak: float  # wegzijging from which on sand without either holds nothing [mm/d]
    leak_fade: float  # mm/d less than that over which sand comes to hold all


#: The same in a record that a kernel takes.
FIELDS = [(name, "f4" if name.endswith("_holds") else "f8") for name in Rewetting._fields]


@both
def clip(x: float, low: float, high: float) -> float:
    """X between low and high; keeps NaN."""
    top = high if x > high else x
    return low if top < low else top


@both
def rise_of(ghg: float, keileem: np.float32, veen: np.float32, kwel: float, r: Rewetting) -> tuple[float, float]:
    """Rise of the groundwater, and how far drains can be taken up [m]; both 0 where ghg is unknown, or no streefpeil.

    Examples
    --------
    >>> sand = Rewetting(0.1, 0.5, 1.2, 0.4, np.float32(1.2), np.float32(0.4), 0.75, 0.5)
    >>> rise_of(0.5, np.float32(np.inf), np.float32(np.nan), -0.5, sand)
    (0.2, 0.25)
    """
    sure = (keileem <= r.keileem_holds) | (veen >= r.peat_holds) | (kwel != kwel)
    held = 1.0 if sure else clip((kwel + r.leak) / r.leak_fade, 0.0, 1.0)
    shallow = clip((r.too_deep - ghg) / r.fade, 0.0, 1.0)
    known = (ghg == ghg) & (r.target == r.target)
    rise = clip(ghg - r.target, 0.0, r.rise_most) * shallow * held if known else 0.0
    return rise, r.rise_most * shallow * held if known else 0.0


@stage
def fill_rise(ghg: Any, keileem: Any, veen: Any, kwel: Any, c: Any, rise: Any, lift: Any) -> None:
    """Fill rise and lift (see :func:`rise_of`) of a block, float64.

    Layers are float32 cells, all NaN where a layer is not in the data; ``c`` is a record with ``FIELDS``.
    """
    r = Rewetting(
        c.target, c.rise_most, c.too_deep, c.fade, c.keileem_holds, c.peat_holds, c.leak, c.leak_fade
    )  # fmt: skip
    for i in range(rise.size):
        rise[i], lift[i] = rise_of(np.float64(ghg[i]), keileem[i], veen[i], np.float64(kwel[i]), r)


@stage
def raise_level(level: Any, rise: Any, out: Any) -> None:
    """Groundwater level [m below maaiveld] after a rise, rounded to float32; unknown stays so."""
    for i in range(out.size):
        out[i] = np.float32(np.float64(level[i]) - rise[i])
