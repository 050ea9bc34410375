"""Where a measure can be taken: rules 9 and 10 of docs/maatregelregels.md."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.measures.measure import Maatregel, Test, verbs_text
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.registry import scoring_rules
from waterbodem.engine.layer_set import Floats
from waterbodem.measures.plan_cells import PlanCells

Bools = NDArray[np.bool_]

#: What holds of a value and a number, both float32.
TESTS: Mapping[Test, Callable[[Any, Any], Any]] = {
    "minstens": operator.ge,
    "hoogstens": operator.le,
    "boven": operator.gt,
    "onder": operator.lt,
    "gelijk": operator.eq,
}


@dataclass(frozen=True)
class Applicability:
    """Where on a plan a measure can be taken.

    Parameters
    ----------
    acts : bool array (N,)
        Cells where it acts, if it is offered.
    possible, perhaps : float
        Share of the plan where all its conditions hold, and where that is not known.
    needed : float
        Share from which it is offered.
    untested : tuple of str
        Layers that are not known in cells where it acts.
    unknown, failing : str
        Layers without which it is not known whether it can; the condition that fails on most of the plan.
    """

    acts: Bools
    possible: float
    perhaps: float
    needed: float
    untested: tuple[str, ...]
    unknown: str
    failing: str

    @property
    def offered(self) -> bool:
        """Whether it can be taken on enough of the plan."""
        return self.possible + scoring_rules().marge >= self.needed

    @property
    def doubtful(self) -> bool:
        """Whether it is offered only if it could be taken wherever that is unknown."""
        return not self.offered and self.possible + self.perhaps + scoring_rules().marge >= self.needed


def applicability(measure: Maatregel, plan: PlanCells) -> Applicability:
    """Return where a measure, in the form that it has for a functie and a board, can be taken on a plan."""
    fails, open_ = np.zeros(plan.count, np.bool_), np.zeros(plan.count, np.bool_)
    for _, failed, unknown in _conditions(measure.waar, plan):
        fails |= failed
        open_ |= unknown
    for _, failed, _ in _conditions(measure.waar_bekend, plan):
        fails |= failed
    possible, perhaps = ~fails & ~open_, ~fails & open_
    everywhere = measure.waar_aandeel is not None
    acts = np.ones(plan.count, np.bool_) if everywhere else possible
    return Applicability(
        acts,
        plan.share(possible),
        plan.share(perhaps) + plan.outside / (plan.inside + plan.outside),
        measure_rules().regels.aangeboden_vanaf if measure.waar_aandeel is None else measure.waar_aandeel,
        tuple(_untested(measure, plan, possible)),
        ", ".join(_unknown_in(measure, plan, perhaps)),
        _failing(measure, plan),
    )


def _conditions(table: Mapping[str, Mapping[Test, float]], plan: PlanCells) -> Iterator[tuple[str, Bools, Bools]]:
    """Yield per condition its text, where it fails on a known value, and where that is unknown."""
    for layer, tests in table.items():
        values = plan.known_layers.get(layer)
        for test, number in tests.items():
            text = f"{layer} {verbs_text({test: number})}"
            if values is None:
                yield text, np.zeros(plan.count, np.bool_), np.ones(plan.count, np.bool_)
            else:
                unknown = np.isnan(values)
                yield text, ~unknown & ~TESTS[test](values, np.float32(number)), unknown


def _unknown_at(values: Floats | None, where: Bools) -> bool:
    return bool(where.any()) if values is None else bool(np.isnan(values[where]).any())


def _untested(measure: Maatregel, plan: PlanCells, where: Bools) -> Iterator[str]:
    for layer, tests in measure.waar_bekend.items():
        if tests and _unknown_at(plan.known_layers.get(layer), where):
            yield layer


def _unknown_in(measure: Maatregel, plan: PlanCells, where: Bools) -> Iterator[str]:
    for layer, tests in measure.waar.items():
        if tests and _unknown_at(plan.known_layers.get(layer), where):
            yield layer


def _failing(measure: Maatregel, plan: PlanCells) -> str:
    """Return the condition that fails on most of the plan, the first of equals; empty if none fails."""
    found = [(t, f) for table in (measure.waar, measure.waar_bekend) for t, f, _ in _conditions(table, plan)]
    sizes = [int(plan.cover[failed].sum()) for _, failed in found]
    most = max(sizes, default=0)
    return found[sizes.index(most)][0] if most else ""
