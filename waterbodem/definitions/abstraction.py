"""Groundwater around an abstraction: a steady well below a resisting layer, as *screening* only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import ArgumentError

Doubles = NDArray[np.float64]
DAYS_PER_YEAR = 365.25
#: K0 of more than this is nothing (1e-18), in lengths lambda.
FARTHEST = 40.0

#: Abramowitz & Stegun 9.8.5 and 9.8.6: K0 to 2e-7, coefficients of rising powers.
_SMALL_K0 = (-0.57721566, 0.42278420, 0.23069756, 0.03488590, 0.00262698, 0.00010750, 0.00000740)
_LARGE_K0 = (1.25331414, -0.07832358, 0.02189568, -0.01062446, 0.00587872, -0.00251540, 0.00053208)


def bessel_k0(x: Any) -> Doubles:
    """Return the modified Bessel function K0 of positive numbers, to 2e-7.

    Examples
    --------
    >>> bessel_k0([0.1, 1.0, 5.0]).round(6).tolist()
    [2.427069, 0.421024, 0.003691]
    """
    z = np.asarray(x, dtype=np.float64)
    near, far = np.minimum(z, 2.0), np.maximum(z, 2.0)
    small = np.polynomial.polynomial.polyval((near / 2) ** 2, _SMALL_K0) - np.log(near / 2) * np.i0(near)
    large = np.polynomial.polynomial.polyval(2 / far, _LARGE_K0) * np.exp(-far) / np.sqrt(far)
    return np.asarray(np.where(z <= 2, small, large))


def abstraction_drawdown(q_m3_jr: float, kd: float, c: float, r: Any) -> Doubles:
    """Estimate the drawdown around a well, as *screening* only.

    Steady flow to a well in a leaky aquifer (De Glee): ``s = Q / (2 pi kD) K0(r / lambda)``, ``lambda = sqrt(kD c)``.
    One homogeneous aquifer below one resisting layer (keileem), a fixed level above it. Shallow keileem shortens the
    reach of a ditch, but lengthens that of a well below it. A permit asks for a groundwater model.

    Parameters
    ----------
    q_m3_jr : float
        Abstraction [m3/jr], >= 0; positive lowers.
    kd : float
        Transmissivity of the aquifer [m2/d].
    c : float
        Resistance of the layer above [d].
    r : float or array
        Distance to the well [m], > 0.

    Returns
    -------
    float64 array
        Drawdown in the aquifer [m], positive = lower.

    Raises
    ------
    ArgumentError
        If a number is not positive.

    Examples
    --------
    >>> abstraction_drawdown(1_000_000, 265, 2500, [100, 1000]).round(2).tolist()
    [3.66, 0.5]
    """
    for name, value, zero_ok in (("q_m3_jr", q_m3_jr, True), ("kd", kd, False), ("c", c, False)):
        if not (math.isfinite(value) and (value > 0 or (zero_ok and value == 0))):
            raise ArgumentError("not a positive number", value=value, allowed=">= 0" if zero_ok else "> 0", where=name)
    radius = np.asarray(r, dtype=np.float64)
    if not (radius > 0).all():
        raise ArgumentError("distance to the well must be positive", value=float(np.min(radius)), where="r")
    return q_m3_jr / DAYS_PER_YEAR / (2 * math.pi * kd) * bessel_k0(radius / math.sqrt(kd * c))


@dataclass(frozen=True)
class Well:
    """A groundwater abstraction and the ground it draws from.

    Parameters
    ----------
    m3_jr : float
        Abstraction [m3/jr], >= 0.
    kd_m2_d : float
        Transmissivity kD of the aquifer [m2/d], > 0.
    c_d : float
        Resistance c of the layer above it (keileem) [d], > 0.

    Raises
    ------
    ArgumentError
        If a number is not positive.

    Examples
    --------
    >>> round(Well(1_000_000, 265, 2500).lambda_m)
    814
    """

    m3_jr: float
    kd_m2_d: float
    c_d: float

    def __post_init__(self) -> None:
        abstraction_drawdown(self.m3_jr, self.kd_m2_d, self.c_d, 1.0)

    @property
    def lambda_m(self) -> float:
        """Length over which the drawdown declines [m]: sqrt(kD c)."""
        return math.sqrt(self.kd_m2_d * self.c_d)

    def drawdown(self, r: Any) -> Doubles:
        """Return the drawdown [m] at distances r [m] > 0."""
        return abstraction_drawdown(self.m3_jr, self.kd_m2_d, self.c_d, r)
