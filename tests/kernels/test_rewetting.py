"""Rewetting of a block against the slow twin, bit for bit, and against the text of section 2."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support.twins.functie import plain
from tests.support.twins.rewetting import can_be_raised, rewetted, rise
from waterbodem.definitions.registry import builtin_functies
from waterbodem.engine.rewetting import rewetting_of
from waterbodem.kernels._compile.decorators import kernel
from waterbodem.kernels._compile.records import record_of
from waterbodem.kernels.rewetting import FIELDS, fill_rise, raise_level, rise_of

FUNCTIES = builtin_functies()
NATURE = FUNCTIES["natte_natuur"]
#: Borders of the rule, and a step of float32 beside each.
VALUES = {
    "ghg": [math.nan, -0.5, 0.0, 0.1, 0.3, 0.5, 0.8, 0.9, 1.0, 1.1999, 1.2, 1.3, 5.0],
    "keileemdiepte": [math.nan, 0.5, 1.2, float(np.nextafter(np.float32(1.2), np.float32(2))), math.inf],
    "veendikte": [math.nan, 0.0, float(np.nextafter(np.float32(0.4), np.float32(0))), 0.4],
    "kwel": [math.nan, -2.0, -0.75, -0.6, -0.5, -0.3, -0.25, 0.0, 1.0],
}


@kernel
def _raise(ghg, keileem, veen, kwel, c, rise, lift, out):
    fill_rise(ghg, keileem, veen, kwel, c, rise, lift)
    raise_level(ghg, rise, out)


def cells():
    """Every combination of the values, as float32."""
    grid = np.meshgrid(*(np.array(v, np.float32) for v in VALUES.values()), indexing="ij")
    return {name: np.ascontiguousarray(g.reshape(-1)) for name, g in zip(VALUES, grid, strict=True)}


@pytest.mark.parametrize(
    "functie", [NATURE, NATURE.replace(rijzing_hoogstens_m=0.13), FUNCTIES["woningbouw"]], ids=["0.5", "0.13", "none"]
)
def test_a_block_equals_its_slow_twin_bit_for_bit(functie):
    layers, numbers = cells(), record_of(np.dtype(FIELDS), **rewetting_of(functie)._asdict())
    count = layers["ghg"].size
    up, lift, level = np.empty(count), np.empty(count), np.empty(count, np.float32)
    _raise(*layers.values(), numbers, up, lift, level)
    for i in range(count):
        cell = {name: float(v[i]) for name, v in layers.items()}
        twin = plain(functie)
        assert (up[i], lift[i]) == (rise(twin, cell), can_be_raised(twin, cell)), cell
        np.testing.assert_array_equal(level[i], np.float32(rewetted(twin, cell)["ghg"]))
        scalars = (np.float32(layers[n][i]) for n in ("keileemdiepte", "veendikte"))
        assert (up[i], lift[i]) == rise_of(cell["ghg"], *scalars, cell["kwel"], rewetting_of(functie))


@pytest.mark.parametrize(
    ("ghg", "keileem", "kwel", "expected"),
    [
        (0.5, 0.8, -2.0, 0.4),  # keileem holds: up to the streefpeil of 0.10
        (1.0, 0.8, 0.0, 0.25),  # at most 0.50, of which half at 0.2 above the deepest
        (1.2, 0.8, 0.0, 0.0),  # too deep
        (0.05, 0.8, 0.0, 0.0),  # is higher already
        (0.5, math.inf, -0.5, 0.2),  # sand that leaks holds half
        (0.5, math.inf, -0.75, 0.0),
        (0.5, math.inf, math.nan, 0.4),
    ],
)
def test_the_rise_is_what_the_rule_says(ghg, keileem, kwel, expected):
    numbers = rewetting_of(NATURE)
    assert rise_of(ghg, np.float32(keileem), np.float32(math.nan), kwel, numbers)[0] == pytest.approx(expected)
