"""Section 1: legal values, derived gvg, the layers of a scenario."""

from __future__ import annotations

import math

import numpy as np

from tests.support.twins.numbers import NAN, f32, unknown

CODES = {
    "beekdal": (0, 1),
    "grondwaterbescherming": (0, 1, 2, 3, 4),
    "natuur": (0, 1, 2, 3),
    "water": (0, 1),
}


def layer(values, name):
    """The float32 value of a layer in this cell; NaN if it is unknown or not in the data."""
    return f32(values.get(name, NAN))


def legal(name, value, functie_codes=()):
    """Whether a layer may hold this value."""
    if unknown(value):
        return True
    if math.isinf(value):
        return name == "keileemdiepte" and value > 0
    codes = functie_codes if name == "gebruik" else CODES.get(name)
    return codes is None or value in codes


def meets(value, operator, constant):
    """A layer value against a constant, both float32; unknown meets nothing."""
    v, border = np.float32(value), np.float32(constant)
    answers = {">=": v >= border, ">": v > border, "<": v < border, "<=": v <= border, "==": v == border}
    return bool(answers[operator])


def with_gvg(values):
    """The values with gvg derived from ghg and glg where the data have none."""
    if "gvg" in values or not {"ghg", "glg"} <= set(values):
        return values
    ghg, glg = np.float32(values["ghg"]), np.float32(values["glg"])
    return {**values, "gvg": float(np.float32(0.054) + np.float32(0.83) * ghg + np.float32(0.19) * glg)}


def in_scenario(values, instead):
    """The values with those of a scenario in their place; a layer that is not in the data is ignored."""
    return {**values, **{name: v for name, v in instead.items() if name in values}}
