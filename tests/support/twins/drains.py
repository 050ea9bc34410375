"""Section 5, parts: how deep the drains of plan and reference lie, raised and unraised, below the original maaiveld."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.twins.functie import parameter
from tests.support.twins.rewetting import can_be_raised


@dataclass(frozen=True)
class Part:
    """A share of the plan in which plan and reference each have drains of one depth (epsilon, m)."""

    share: float
    epsilon_f: float
    epsilon_r: float


def raised_share(functie):
    return parameter(functie, "opgehoogd_aandeel")


def fill(functie):
    return parameter(functie, "ophoging_m")


def drain_depths(functie):
    """Delta in the raised part and in the rest."""
    drained, green = parameter(functie, "ontwatering_m"), parameter(functie, "ontwatering_groen_m")
    return max(0.0, drained - fill(functie)), drained if green is None else green


def parts_of(f, r, values):
    """The parts of plan and reference laid over each other, raised on raised first."""
    p_f, p_r = raised_share(f), raised_share(r)
    new_f1, new_f0 = (0.0, 0.0) if parameter(f, "ontwatering_blijft") == 1 else drain_depths(f)
    delta_r1, delta_r0 = drain_depths(r)
    t = can_be_raised(f, values)
    laid = [
        (min(p_f, p_r), new_f1, delta_r1),
        (max(0.0, p_f - p_r), new_f1, delta_r0),
        (max(0.0, p_r - p_f), new_f0, delta_r1),
        (1.0 - max(p_f, p_r), new_f0, delta_r0),
    ]
    return [Part(share, max(new_f, delta_r - t), delta_r) for share, new_f, delta_r in laid]


def mean_over(parts, g):
    """Mean of g(part) over the plan."""
    return sum(part.share * g(part) for part in parts)


def mean_over_own(f, g):
    """Mean of g(delta) over the two parts of the plan alone."""
    delta_1, delta_0 = drain_depths(f)
    return raised_share(f) * g(delta_1) + (1 - raised_share(f)) * g(delta_0)
