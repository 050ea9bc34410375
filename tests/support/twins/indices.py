"""Section 5: shares, what could be a burden, the three indices, risico and oorzaak."""

from __future__ import annotations

from tests.support.twins.components import (
    COMPONENTS,
    drained_share,
    lowering_by_drains,
    recharge_lost,
    task,
    weight_that_settles,
)
from tests.support.twins.drains import fill, mean_over, raised_share
from tests.support.twins.functie import parameter
from tests.support.twins.numbers import NAN, NOISE, at_least, below, first_largest, known_or, unknown

BORDER = 0.20
RISK_CLASSES = {"laag": 0.0, "matig": 0.20, "verhoogd": 0.40, "hoog": 0.60, "zeer hoog": 0.80}
RUIMTE, TIJD, GELD = COMPONENTS[:6], COMPONENTS[6:9], COMPONENTS[9:]


def water_shares(found):
    """Shares of afvoer and verdrongen_berging: the same water, on the name of the larger."""
    run_off, displaced = found["afvoer"], found["verdrongen_berging"]
    share = max(0.0, known_or(run_off, 0.0) + known_or(displaced, 0.0)) / 1600
    first = unknown(displaced) or (not unknown(run_off) and at_least(run_off / 1600, displaced / 1600))
    return {"afvoer": share if first else 0.0, "verdrongen_berging": 0.0 if first else share}


def shares(case, found):
    """Share of every component before clipping; 0 where unknown or a relief."""
    lasting = 1 - parameter(case.f, "omkeerbaarheid")

    def over(name, anchor):
        return max(0.0, known_or(found[name], 0.0)) / anchor

    at_least_lowered = lowering_by_drains(case)
    return {
        **water_shares(found),
        "grondwaterverlaging": max(0.0, known_or(at_least_lowered, 0.0)) / 0.5,
        "kwelafvoer": over("kwelafvoer", 300),
        "aanvullingsverlies": over("aanvullingsverlies", 300),
        "watervraag": over("watervraag", 300),
        "zetting": lasting * over("zetting", 0.30),
        "veenoxidatie": over("veenoxidatie", 6),
        "achteruitgang": lasting * over("achteruitgang", 0.40),
        "kosten": over("kosten", 10000),
    }


def could_displace(case):
    f, r = case.f, case.r
    raised = max(0.0, raised_share(f) * fill(f) - raised_share(r) * min(fill(f), fill(r)))
    filled = 0.15 * parameter(f, "rijzing_hoogstens_m") if case.rewets else 0.0
    return raised - case.more("berging_m") + filled > NOISE


def could_drain(case):
    return mean_over(case.parts, lambda p: drained_share(p.epsilon_f) - drained_share(p.epsilon_r)) > NOISE


def could_settle(case):
    f, r = case.f, case.r
    higher = raised_share(f) * fill(f) - raised_share(r) * fill(r) > NOISE
    return higher or (raised_share(f) * fill(f) > NOISE and weight_that_settles(f) - weight_that_settles(r) > NOISE)


def could_be_a_burden(case):
    """The components that could be a burden whatever the unknown layers hold."""
    found = {
        "afvoer": task(case) - 10 * case.built > NOISE,
        "verdrongen_berging": could_displace(case),
        "grondwaterverlaging": case.abstracts,
        "kwelafvoer": could_drain(case),
        "aanvullingsverlies": recharge_lost(case) > NOISE,
        "watervraag": case.more("watervraag_mm_jr") > NOISE,
        "zetting": could_settle(case),
    }
    return {name for name, yes in found.items() if yes}


def hides_cost(case, hidden):
    """Whether an unknown term of kosten could be a burden."""
    paved = parameter(case.f, "verhardingsgraad") > 0
    return bool(hidden & {"afvoer", "verdrongen_berging", "watervraag"}) or ("zetting" in hidden and paved)


def index(names, share, hidden):
    """The largest share, at most 1; NaN where it is low and something hidden could be a burden."""
    value = min(1.0, max(share[n] for n in names))
    return NAN if hidden and below(value, BORDER) else value


def indices(case, found):
    share = shares(case, found)
    hidden = {name for name in could_be_a_burden(case) if unknown(found[name])}
    return {
        "ruimte": index(RUIMTE, share, hidden & set(RUIMTE)),
        "tijd": index(TIJD, share, hidden & set(TIJD)),
        "geld": index(GELD, share, hides_cost(case, hidden)),
    }


def risico(three):
    """The largest known index; NaN where that is low and one is unknown."""
    known = [x for x in three.values() if not unknown(x)]
    value = max(known, default=0.0)
    return NAN if len(known) < len(three) and below(value, BORDER) else value


def oorzaak(share, value):
    """Number of the component with the largest share; 0 = none."""
    if unknown(value) or value < NOISE:
        return 0
    return 1 + first_largest(list(share.values()))


def risk_class(value):
    return [name for name, low in RISK_CLASSES.items() if at_least(value, low)][-1]
