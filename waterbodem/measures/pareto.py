"""Packages that no other equals in all and beats in one: answer, largest share, price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Within so much two answers, shares and prices [EUR] are the same.
SAME = np.array([0.0, 1e-6, 1e-3])


def undominated(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which rows no other row beats; a row in which something is unknown is not among them, and beats none.

    Parameters
    ----------
    points : float64 array (P, 3)
        Code of the answer, largest share, price: less is better, NaN = unknown.

    Examples
    --------
    >>> undominated(np.array([[1, 0.5, 10], [2, 0.5, 10], [2, 0.1, 10], [1, np.nan, 0]])).tolist()
    [True, False, True, False]
    """
    known = ~np.isnan(points).any(axis=1)
    found, others = np.zeros(len(points), np.bool_), points[known]
    best = [not _beaten(points[i : i + 1], others) for i in np.flatnonzero(known)]
    found[known] = best
    return found


def _beaten(point: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    no_worse = (others <= point + SAME).all(axis=1)
    return bool((no_worse & (others < point - SAME).any(axis=1)).any())
