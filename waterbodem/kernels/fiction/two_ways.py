"""Formulas that are written once and run in two ways.

As they stand they run on arrays, which needs no compiler and suits a small area; compiled they run cell by cell,
which is several times faster and suits a large one. What differs between the two are the few functions here, and what
else is :func:`compiled_as` something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload

from waterbodem.kernels._compile.decorators import PART


def compiled_as(function: Callable[..., Any], inline: str = "never") -> Callable[..., Any]:
    """Say what a function is in compiled code."""

    def register(single: Callable[..., Any]) -> Callable[..., Any]:
        overload(function, jit_options=PART, strict=False, inline=inline)(lambda *_: single)
        return single

    return register


def cells_of(x):
    """Return what to loop over: all cells at once, compiled cell by cell."""
    return (slice(None),)


@compiled_as(cells_of, inline="always")  # else loops do not become vector instructions
def _each_cell(x):
    return range(x.size)


def choose(condition, yes, no):
    """Return one of two, by a condition."""
    return np.where(condition, yes, no)


@compiled_as(choose)
def _choose_one(condition, yes, no):
    return yes if condition else no


def least(a, b):
    """Return the smaller."""
    return np.minimum(a, b)


@compiled_as(least)
def _lesser(a, b):
    return b if b < a else a


def most(a, b):
    """Return the larger."""
    return np.maximum(a, b)


@compiled_as(most)
def _greater(a, b):
    return b if b > a else a


def anywhere(condition):
    """Tell whether a step can matter at all."""
    return np.any(condition)


@compiled_as(anywhere)
def _is(condition):
    return condition
