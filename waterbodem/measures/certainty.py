"""How far the answer with a package holds when a group of layers is off by an ordinary error: keuze 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from waterbodem.definitions.uncertainty import layer_groups
from waterbodem.doubt.moving import DOWN, UP, moves_of
from waterbodem.measures.standing import Standing
from waterbodem.measures.terrain import Package, Terrain


@dataclass(frozen=True)
class Hold:
    """The worst and the best class with a package, and the groups whose error can take it away."""

    low: int
    high: int
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class Certainty:
    """How far answers on one terrain hold."""

    terrain: Terrain
    _moved: dict[str, tuple[Terrain, ...]] = field(default_factory=dict, repr=False)

    def of(self, package: Package, standing: Standing) -> Hold:
        """Return how far the answer with a package, which stands as it does, holds."""
        found = {group: list(self._variants(group, package)) for group in layer_groups()}
        classes = [standing.klasse, *(s.klasse for some in found.values() for s in some if s and s.antwoord)]
        doubts = tuple(g for g, some in found.items() if any(s is None or s.is_no for s in some))
        return Hold(max(classes), min(classes), doubts)

    def _variants(self, group: str, package: Package) -> Iterator[Standing | None]:
        """Yield how the plan stands with a package when a group is off; None where it is no longer offered."""
        for terrain in self._terrains(group):
            offered = all(terrain.where[i].offered for i in package)
            yield terrain.answer(package) if offered else None

    def _terrains(self, group: str) -> tuple[Terrain, ...]:
        if group not in self._moved:
            t, plan = self.terrain, self.terrain.whole
            known = moves_of(plan.layers, plan.cells.doubts, group)
            moved = [plan.moved(group, direction) for direction in (DOWN, UP)] if known else []
            self._moved[group] = tuple(Terrain(p, t.ask, t.measures, t.density) for p in moved)
        return self._moved[group]
