"""Numbers that may be unknown (NaN), and the margin within which float noise decides nothing."""

from __future__ import annotations

import math

import numpy as np

NAN = math.nan
NOISE = 1e-6
#: The margin of what is in m3, mm or EUR.
COARSE_NOISE = 1e-3


def unknown(x):
    return x != x


def f32(x):
    return float(np.float32(x))


def clip(x, low, high):
    return NAN if unknown(x) else max(low, min(high, x))


def largest(*numbers):
    """The maximum; NaN if one is unknown."""
    return NAN if any(unknown(x) for x in numbers) else max(numbers)


def smallest(*numbers):
    """The minimum; NaN if one is unknown."""
    return NAN if any(unknown(x) for x in numbers) else min(numbers)


def pos(x):
    return largest(0.0, x)


def known_or(x, instead):
    return instead if unknown(x) else x


def at_least(x, border, noise=NOISE):
    """A computed number that reaches a border; unknown reaches nothing."""
    return x + noise >= border


def at_most(x, border, noise=NOISE):
    return x - noise <= border


def below(x, border, noise=NOISE):
    return x + noise < border


def first_largest(numbers):
    """Index of the first number that is within the margin of the largest."""
    top = max(numbers)
    return next(i for i, x in enumerate(numbers) if at_least(x, top))
