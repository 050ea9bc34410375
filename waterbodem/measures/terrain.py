"""A plan's cells in groups in which the same measures act, and how the plan stands with packages of these."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import M2_PER_HA
from waterbodem.definitions.boards import Board
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.models import Functie
from waterbodem.definitions.registry import answer_scale, burden_rules
from waterbodem.definitions.settings import Storage
from waterbodem.engine.burden import decline_of, empty_burden, map_burden, scatter
from waterbodem.engine.demands import demand_of
from waterbodem.engine.layer_set import Floats
from waterbodem.engine.sums import Totals
from waterbodem.engine.table import answers_of, causes_in, states_of
from waterbodem.kernels.burden import Burden
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.measures import scored, shifted
from waterbodem.measures.applicability import Applicability, applicability
from waterbodem.measures.design import PAVING, Design, Start, design_of
from waterbodem.measures.effective import effective_layers
from waterbodem.measures.plan_cells import PlanCells
from waterbodem.measures.scored import Scored
from waterbodem.measures.shifted import Shifted, burden_of
from waterbodem.measures.standing import Standing, worst
from waterbodem.measures.tally import Groups, groups_of, signatures

Array = NDArray[Any]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Numbers of measures, ascending.
Package = tuple[int, ...]
#: A design, and the groups of cells in which it is made.
Part = tuple[Design, Bools]


@dataclass(frozen=True)
class Ask:
    """What is asked of a plan.

    Parameters
    ----------
    functie : Functie
    boards : tuple of Board
        Those that judge it, the largest share first.
    storage : Storage
        As the caller agreed it; its board is not looked at.
    method : (str, float or None)
        Methode and orness.
    """

    functie: Functie
    boards: tuple[Board, ...]
    storage: Storage
    method: tuple[str, float | None]

    @property
    def judge(self) -> str:
        """Id of the board that judges; empty if there is none."""
        return self.boards[0].id if self.boards else ""


@dataclass(frozen=True)
class Terrain:
    """A plan's cells, with the measures that may act there.

    Parameters
    ----------
    whole : PlanCells
    ask : Ask
    measures : tuple of Maatregel
        In the order in which they act, in the form that they have for functie and board.
    density : float
        Factor on the paving where hectares were left free.
    """

    whole: PlanCells
    ask: Ask
    measures: tuple[Maatregel, ...]
    density: float = 1.0
    _designs: dict[tuple[Package, bool], Design] = field(default_factory=dict, repr=False)
    _scored: dict[Hashable, Scored] = field(default_factory=dict, repr=False)
    _shifted: dict[Hashable, Shifted] = field(default_factory=dict, repr=False)
    _answers: dict[Hashable, Standing] = field(default_factory=dict, repr=False)
    _declined: dict[Hashable, Floats | None] = field(default_factory=dict, repr=False)

    @cached_property
    def where(self) -> tuple[Applicability, ...]:
        """Where each measure can be taken."""
        return tuple(applicability(m, self.whole) for m in self.measures)

    @cached_property
    def _grouped(self) -> tuple[PlanCells, Groups, Bools]:
        """The cells group by group, the groups, and which measures act in each (G, measures)."""
        acts = np.array([w.acts for w in self.where], np.bool_).reshape(len(self.measures), self.whole.count).T
        order, groups = groups_of(signatures(acts), self.whole.cover)
        return self.whole.some(order), groups, acts[order[groups.start[:-1]]]

    @property
    def plan(self) -> PlanCells:
        """The cells, those of one group together."""
        return self._grouped[0]

    @property
    def groups(self) -> Groups:
        """Groups of cells in which the same measures act."""
        return self._grouped[1]

    @cached_property
    def _use(self) -> Ints:
        """Coverage per group and present use (G, R + 1), the first of what is unknown."""
        return self.groups.classes(self.plan.site.use, 1 + len(self.plan.present_use.functies))

    def design(self, package: Package, small: bool = False) -> Design:
        """Return what all measures of a package make of the functie; ``small``: no board asks for storage."""
        key = package, small
        if key not in self._designs:
            self._designs[key] = design_of(self.start(small), [self.measures[i] for i in package])
        return self._designs[key]

    def start(self, small: bool = False) -> Start:
        """Return what measures start from."""
        paving = 0.0 if small else np.inf
        board = demand_of(self.ask.boards, paving, paving, self.whole.area_ha * M2_PER_HA).board
        return Start(self.ask.functie, replace(self.ask.storage, board=board), self.density)

    def parts(self, package: Package, small: bool | None = None) -> Iterator[Part]:
        """Yield the designs that a package makes, each with the groups of cells in which it is made."""
        asked = self.small(package) if small is None else small
        acts = self._grouped[2][:, list(package)].astype(np.int64) @ (1 << np.arange(len(package)))
        for bits in sorted(set(acts.tolist())):
            acting = tuple(i for k, i in enumerate(package) if bits >> k & 1)
            yield self.design(acting, asked), acts == bits

    def small(self, package: Package) -> bool:
        """Tell whether a plan adds so little paving that no board asks for storage."""
        boards = self.ask.boards
        if not boards or not boards[0].vanaf_m2:
            return False
        area = sum(self._new_paving(d, groups) for d, groups in self.parts(package, False))
        paving = area * self.whole.cell_ha * M2_PER_HA
        return demand_of(boards, paving, paving, self.whole.area_ha * M2_PER_HA).small

    def _new_paving(self, design: Design, groups: Bools) -> float:
        cells = self._use[groups].sum(axis=0) / COVERAGE_ONE
        more = [max(0.0, design.numbers[PAVING] - r.value(PAVING)) for r in self.plan.present_use.functies]
        return float(sum(m * c for m, c in zip(more, cells[1:], strict=True)))

    def standings(self, packages: Sequence[Package]) -> list[Standing]:
        """Return how the plan stands with each of some packages."""
        return _standings(self, packages, *self._totals(packages)) if packages else []

    def answer(self, package: Package) -> Standing:
        """Return the same of one package and of its answer alone: what is shifted is not looked at."""
        key = tuple((self._score_key(d), groups.tobytes()) for d, groups in self.parts(package))
        if key not in self._answers:
            (self._answers[key],) = _standings(self, [package], *self._totals([package], answer=True))
        return self._answers[key]

    def _totals(self, packages: Sequence[Package], answer: bool = False) -> tuple[Totals, Totals, Ints]:
        """Return sums over all cells per package, the same with thresholds lifted, and what of it is lifted."""
        codes, causes, count = len(answer_scale()), len(burden_rules().components) + 1, len(packages)
        rows = len(scored.ROWS) + len(shifted.ROWS)
        sums, classes = np.zeros((rows, 3, count), np.int64), np.zeros((6, count, codes), np.int64)
        caused, lifted = np.zeros((count, causes), np.int64), np.zeros(count, np.int64)
        for p, package in enumerate(packages):
            for design, groups in self.parts(package):
                found = self._score(design)
                sums[: len(scored.ROWS), :, p] += found.sums[:, :, groups].sum(axis=2)
                classes[:, p] += found.classes[:, groups].sum(axis=1)
                lifted[p] += found.lifted[groups].sum()
                if not answer:
                    burden = self._shift(design)
                    sums[len(scored.ROWS) :, :, p] += burden.sums[:, :, groups].sum(axis=2)
                    caused[p] += burden.causes[groups].sum(axis=0)
        inside, none = np.full(count, self.groups.cover.sum()), np.zeros((count, 1), np.int64)
        names = (*scored.ROWS, *shifted.ROWS)
        one, other = (
            Totals(names, sums, some, caused, none, inside, np.empty((count, 0))) for some in (classes[:3], classes[3:])
        )
        return one, other, lifted

    def _score_key(self, design: Design) -> Hashable:
        """Return what makes designs score the same."""
        return design.functie.id, _known(design.level), design.effects, design.lifts

    def _score(self, design: Design) -> Scored:
        key = self._score_key(design)
        if key not in self._scored:
            self._scored[key] = scored.scored(
                self.plan.layers,
                effective_layers(self.plan.layers, design.effects, self.plan.ranges),
                design.functie,
                self.ask.method,
                design.lifts,
                self.groups,
            )
        return self._scored[key]

    def _shift(self, design: Design) -> Shifted:
        storage = design.storage
        built = storage.counted_mm, storage.beside_mm, storage.board and storage.board.storage_mm
        own = design.functie.id, design.functie is self.ask.functie, _known(design.numbers.values())
        key = *own, *built
        if key not in self._shifted:
            self._shifted[key] = shifted.shifted(self.plan, design, self._decline(design), self.groups)
        return self._shifted[key]

    def _decline(self, design: Design) -> Floats | None:
        key = design.functie.id, _known(design.level), design.functie.value("levensduur_jr")
        if key not in self._declined:
            self._declined[key] = decline_of(self.plan.cells, design.functie)
        return self._declined[key]

    def burden(self, package: Package) -> tuple[PlanCells, Burden]:
        """Return what every cell shifts with a package, and the cells; what no design makes is unknown."""
        found = map_burden(_unknown, empty_burden((1, self.plan.count), True, True))
        for design, groups in self.parts(package):
            chosen = np.repeat(groups, np.diff(self.groups.start)).reshape(1, -1)
            some = burden_of(self.plan, design, self._decline(design))
            scatter(map_burden(partial(_chosen, chosen), some), chosen, found)
        return self.plan, found

    def mean_where(self, measure: int, package: Package, parameter: str) -> float:
        """Return a parameter after a package, mean over the cells where one of its measures acts."""
        acts, total, covered = self._grouped[2][:, measure], 0.0, 0
        for design, groups in self.parts(package):
            cells = int(self.groups.covered[groups & acts].sum())
            total, covered = total + design.numbers[parameter] * cells, covered + cells
        return total / covered if covered else 0.0

    def share_where(self, measure: int) -> float:
        """Return the share of the plan where a measure acts: a facility on one spot serves all of it."""
        facility = self.measures[measure].waar_aandeel is not None
        return 1.0 if facility else self.where[measure].possible


def _unknown(array: Array) -> Array:
    array.fill(np.nan if array.dtype.kind == "f" else 0)
    return array


def _chosen(chosen: Bools, values: Array) -> Array:
    return values[..., chosen] if values.size else values


def _known(values: Any) -> tuple[float | None, ...]:
    """Return numbers as part of a key: NaN equals itself."""
    return tuple(None if v != v else v for v in values)


def _standings(
    terrain: Terrain, packages: Sequence[Package], totals: Totals, lifted: Totals, lifts: Ints
) -> list[Standing]:
    antwoord, tenzij = (_codes(terrain, packages, some) for some in (totals, lifted))
    better = (lifts > 0) & (tenzij > 0) & (tenzij < worst())
    means = {n: totals.mean(n)[0] for n in totals.measures}
    task = [min(1.0, g / a) if a > 0 else np.nan for g, a in zip(means["geteld"], means["gevraagd"], strict=True)]
    columns = (
        antwoord,
        np.where(better, tenzij, 0),
        *(means[n] for n in ("score", *shifted.ROWS[:4])),
        causes_in(totals),
        means["gevraagd"],
        means["gebouwd"],
        task,
    )
    return [Standing(*(v.item() if hasattr(v, "item") else v for v in row)) for row in zip(*columns, strict=True)]


def _codes(terrain: Terrain, packages: Sequence[Package], totals: Totals) -> Ints:
    """Return the answers of packages, each with the best class that its functie allows."""
    size, outside = (np.full(len(packages), v) for v in (terrain.whole.size, terrain.whole.outside))
    functies = [terrain.design(p).functie for p in packages]
    states, found = states_of(totals), np.zeros(len(packages), np.int64)
    for cap in dict.fromkeys(f.hoogstens for f in functies):
        some = np.array([f.hoogstens == cap for f in functies])
        one = next(f for f in functies if f.hoogstens == cap)
        found[some] = answers_of(states, size, outside, one)[0][some]
    return found
