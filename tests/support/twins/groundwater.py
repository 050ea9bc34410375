"""Section 6, groundwater: how far a lowering or a rise reaches."""

from __future__ import annotations

import math

from tests.support.twins.layers import layer, meets
from tests.support.twins.numbers import at_least, unknown

#: Row, lambda in m, and the conditions that must hold; the first row that holds.
SITUATIONS = (
    ("natuur_op_keileem", 100.0, (("keileemdiepte", "<=", 1.2), ("natuur", ">=", 1))),
    ("ontwaterd_op_keileem", 35.0, (("keileemdiepte", "<=", 1.2),)),
    ("dekzand_op_keileem", 55.0, (("keileemdiepte", "<=", 5),)),
    ("diep_zand", 230.0, (("keileemdiepte", ">", 5), ("ghg", ">=", 1.2))),
    ("zand_met_sloten", 71.0, (("keileemdiepte", ">", 5),)),
    ("anders", 100.0, ()),
)
NOTICED_M = 0.05


def plan_cells(covers):
    """Cells of a plan: covered for at least half, or all with any coverage where there are none."""
    half = {c for c, cover in covers.items() if at_least(cover, 0.5)}
    return half or {c for c, cover in covers.items() if cover > 0}


def situation(values):
    """Row and lambda of a receiving cell."""
    return next(
        (row, reach)
        for row, reach, conditions in SITUATIONS
        if all(meets(layer(values, name), operator, border) for name, operator, border in conditions)
    )


def nearest(cell, plan, cell_m):
    """Distance to the nearest plan cell of known effect, and its effect; the largest on a tie, then the fall."""
    known = [(math.dist(cell, c) * cell_m, h0) for c, h0 in plan.items() if not unknown(h0)]
    if not known:
        return math.inf, 0.0
    near = min(r for r, _ in known)
    return near, max((h0 for r, h0 in known if r <= near * (1 + 1e-12)), key=lambda h0: (abs(h0), h0))


def effects(plan, around, cell_m, lambda_m=None, factor=1.0):
    """Verlaging in every cell around the plan (negative: rise); ``factor`` 0.5 and 2 for half and twice lambda.

    ``plan`` maps cells (row, column) of the plan to their grondwaterverlaging, ``around`` the others to their values.
    """
    found = {}
    for cell, values in around.items():
        reach = factor * (situation(values)[1] if lambda_m is None else lambda_m)
        r, h0 = nearest(cell, plan, cell_m)
        found[cell] = h0 * math.exp(-r / reach)
    return found


def wetter_within_m(plan, around, cell_m, lambda_m=None):
    """The r of the sentence on neighbours: the largest distance at which it is 5 cm wetter; None if nowhere."""
    found = effects(plan, around, cell_m, lambda_m)
    return max((nearest(c, plan, cell_m)[0] for c, h in found.items() if at_least(-h, NOTICED_M)), default=None)


def largest_rise(plan):
    """The {rise} of that sentence, in m."""
    return max((-h0 for h0 in plan.values() if not unknown(h0) and h0 < 0), default=0.0)


def may_be_significant(plan, around, cell_m, lambda_m=None):
    """Whether a receiver with Natura 2000 is marked for a voortoets."""
    doubled = effects(plan, around, cell_m, lambda_m, factor=2.0)
    return any(meets(layer(around[c], "natuur"), ">=", 2) and at_least(abs(h), NOTICED_M) for c, h in doubled.items())
