"""Packages of measures, and which of them contradict themselves: rules 6, 15 and 16."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from waterbodem.definitions.measures.measure import LEVELS, Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.registry import scoring_rules
from waterbodem.measures.design import LEVEL, PAVING, Design
from waterbodem.measures.terrain import Package, Terrain


def clash(measures: Sequence[Maatregel]) -> str:
    """Return why measures do not go together, whatever the plan; empty where they do.

    Examples
    --------
    >>> import waterbodem as wb
    >>> known = wb.maatregelen()
    >>> clash([known["wadi"], known["infiltratieveld"]])
    'twee maatregelen van een groep: infiltratie'
    """
    groups = [m.groep for m in measures]
    twice = next((g for g in groups if groups.count(g) > 1), "")
    if len(measures) > 1 and any(m.is_swap for m in measures):
        return "een andere functie staat in geen pakket"
    if twice:
        return f"twee maatregelen van een groep: {twice}"
    ids = [m.id for m in measures]
    pairs = (f"{m.id} niet met {other}" for m in measures for other in m.niet_met if other in ids)
    return next(pairs, "")


def contradiction(measures: Sequence[Maatregel], design: Design, functie: str) -> str:
    """Return why what measures make of a functie cannot be; empty where it can.

    Levels that measures move beside a wanted level, or more room than the functie leaves.
    """
    moved = [e.layer for some in design.effects for e in some if e.layer in LEVELS]
    if moved and not math.isnan(design.functie.value(LEVEL)):
        return f"{moved[0]} naast een streefpeil"
    coded = [e.layer for some in design.effects for e in some if _by_class(design, e.layer)]
    if coded:
        return f"van {coded[0]} kent de functie alleen klassen"
    used, most = design.numbers[PAVING] + design.room, measure_rules().ruimte_hoogstens.of(functie)
    if design.room > 0 and used - scoring_rules().marge > most:
        return f"ruimte: {used:.3f} van {most:g}"
    return ""


def _by_class(design: Design, layer: str) -> bool:
    """Tell whether a functie values a layer by its codes alone: it has no value between them."""
    criteria = design.functie.all_criteria
    return layer in criteria and bool(criteria[layer].klassen)


def refusal(terrain: Terrain, package: Package) -> str:
    """Return why a package is refused; empty where it is not."""
    measures = [terrain.measures[i] for i in package]
    return clash(measures) or contradiction(measures, terrain.design(package), terrain.ask.functie.id)


def packages_of(numbers: Sequence[int], together: int, refused: Callable[[Package], str]) -> Iterator[Package]:
    """Yield the packages of one measure, then of two, and so on, that are not refused."""
    for size in range(1, together + 1):
        yield from (p for p in combinations(numbers, size) if not refused(p))
