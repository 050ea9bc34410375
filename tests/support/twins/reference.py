"""Section 5: the reference of a cell, the present use that a burden is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.twins.functie import by_code, parameter
from tests.support.twins.layers import layer, meets
from tests.support.twins.numbers import NOISE, at_least, f32, unknown

ASSUMED = "grasland_veeteelt"


@dataclass(frozen=True)
class Reference:
    """Functie of the present use in one cell (None: unknown), and where that comes from."""

    functie: dict | None
    source: str
    implausible: bool = False

    @property
    def assumed(self):
        return self.source == "aangenomen"


def implausible(functie, values):
    """Ground that is not drained so today: known ghg too high for its ontwatering."""
    ghg, drained = layer(values, "ghg"), parameter(functie, "ontwatering_m")
    return (meets(ghg, "<", 0.15) and at_least(drained, 0.30)) or (meets(ghg, "<", 0.25) and at_least(drained, 0.60))


def of_code(code, functies):
    """The functie of a code; None where it is unknown."""
    if unknown(code):
        return None
    found = {f32(c): f for c, f in by_code(functies).items()}
    if code not in found:
        raise ValueError(f"code {code:g} is of no functie; allowed: {sorted(by_code(functies))}")
    return found[code]


def reference_of(given, values, functies):
    """Reference of one cell; ``given`` is a functie, a code (a number), or None: layer gebruik, else assumed."""
    if isinstance(given, (int, float)):
        return believed(given, "raster", values, functies)
    if given is None and "gebruik" in values:
        return believed(values["gebruik"], "gebruik", values, functies)
    functie, source = (functies[ASSUMED], "aangenomen") if given is None else (given, "gegeven")
    if implausible(functie, values):
        return Reference(None, source, implausible=True)
    return Reference(functie, source)


def believed(code, source, values, functies):
    """A raster or gebruik is believed, and told where one functie for all cells would not have been."""
    functie = of_code(f32(code), functies)
    return Reference(functie, source, functie is not None and implausible(functie, values))


def is_present_use(functie, reference, parameters=()):
    """Whether a plan is the present use; parameters of one's own make it another functie."""
    return not parameters and functie == reference


def keeps_its_level(functie, reference):
    """Where the present use holds a level that is not above the plan's, the layers hold the rise."""
    target, held = parameter(functie, "streefpeil_m"), parameter(reference, "streefpeil_m")
    return target is not None and held is not None and held <= target + NOISE
