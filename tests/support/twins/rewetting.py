"""Section 2, rewetting: the levels that a functie with a streefpeil makes itself."""

from __future__ import annotations

from tests.support.twins.functie import parameter
from tests.support.twins.layers import layer, meets
from tests.support.twins.numbers import clip, f32, unknown

LEVELS = ("ghg", "gvg", "glg")


def holds_water(values):
    """Houdt: the share of a rise that the ground holds."""
    kwel = layer(values, "kwel")
    if (
        meets(layer(values, "keileemdiepte"), "<=", 1.2)
        or meets(layer(values, "veendikte"), ">=", 0.4)
        or unknown(kwel)
    ):
        return 1.0
    return clip((kwel + 0.75) / 0.5, 0, 1)


def can_be_raised(functie, values):
    """The t of section 5: how far drains can be taken up here, in m; 0 without a streefpeil or where ghg is unknown."""
    ghg = layer(values, "ghg")
    if parameter(functie, "streefpeil_m") is None or unknown(ghg):
        return 0.0
    return parameter(functie, "rijzing_hoogstens_m") * clip((1.2 - ghg) / 0.4, 0, 1) * holds_water(values)


def rise(functie, values):
    """Rise of the groundwater in m; 0 without a streefpeil or where ghg is unknown."""
    ghg, target = layer(values, "ghg"), parameter(functie, "streefpeil_m")
    if target is None or unknown(ghg):
        return 0.0
    h = parameter(functie, "rijzing_hoogstens_m")
    return min(h, clip(ghg - target, 0, h) * clip((1.2 - ghg) / 0.4, 0, 1) * holds_water(values))


def rewetted(functie, values):
    """The values in the state that the functie makes itself."""
    up = rise(functie, values)
    return {name: f32(f32(v) - up) if name in LEVELS else v for name, v in values.items()}
