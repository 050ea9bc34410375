"""What stands beside an answer: rain that has to stay, the present use, a board's task, groundwater, peat, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.registry import noise
from waterbodem.definitions.settings import Storage
from waterbodem.definitions.telling import told_from
from waterbodem.engine.burden import burden_arrays
from waterbodem.engine.demands import Demand, groups
from waterbodem.engine.plan import abstracts_more, asked_depth, built_mm, cost_rates, laid_parts, norm_mm, task_m3_ha
from waterbodem.engine.sums import ratio
from waterbodem.kernels.components import AFVOER
from waterbodem.kernels.zonal import COVERAGE_ONE

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer
    from waterbodem.answers.question import Question

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Particulars:
    """What stands beside the answer of one functie on one plan.

    Parameters
    ----------
    answer : Answer
    functie : Functie
    place : int
        Of the plan, from 0.
    demand : Demand
    own, known : float
        Share of the plan where this functie lies today, and where its present use is known.
    runs_off, runoff_known : float
        Share of the plan from which water runs off, and where that is known.
    owed : float
        Rain on new paving that has to stay on the plan's own ground [m3/ha].
    built : float
        Storage for it [mm over the plan].
    """

    answer: Answer
    functie: Functie
    place: int
    demand: Demand
    own: float
    known: float
    runs_off: float
    runoff_known: float
    owed: float
    built: float

    @property
    def conditions(self) -> dict[str, float]:
        """What the answer rests on, by column of :func:`conditions`."""
        return dict(
            zip(
                CONDITIONS, (self.own, self.known, self.runs_off, self.runoff_known, self.owed, self.built), strict=True
            )
        )

    @property
    def is_present_use(self) -> bool:
        """Whether this functie lies here today, as far as that is known of enough of the plan."""
        return is_present_use(self.conditions)

    @cached_property
    def runoff_m3(self) -> float:
        """Water that runs off the plan, without what others are relieved of elsewhere in it [m3]; NaN: unknown."""
        values = self._of("afvoer")
        some = np.maximum(0.0, np.nan_to_num(values)) * self.answer.question.grid.cell_ha
        return self._total(some) if np.isfinite(values).any() else np.nan

    @cached_property
    def unknown_use(self) -> float:
        """Share of the plan of which the present use is not known, outside the data too."""
        q = self.answer.question
        known = q.use_cells[self.place, 1:].sum() * q.grid.cell_area
        return float(max(0.0, 1 - known / q.areas[self.place].geometry.area))

    @property
    def storage(self) -> Storage:
        """What is agreed about storage on this plan."""
        return replace(self.answer.question.settings.storage, board=self.demand.board)

    @cached_property
    def norm(self) -> float:
        """The storm that the plan has to keep: the largest over its present uses [mm]."""
        return max((norm_mm(self.functie, r, self.storage) for r, _ in self._uses), default=np.nan)

    @cached_property
    def drained(self) -> float:
        """Deepest lowering in the drained part [m]; NaN without ghg, or with an abstraction."""
        q = self.answer.question
        if "ghg" not in q.cells.present or self.abstracts:
            return np.nan
        ghg, use = (np.asarray(a).reshape(-1)[self._cells] for a in (q.cells.present["ghg"], q.site.use))
        depth = asked_depth(self.functie, self.demand.board)
        parts = {number: laid_parts(self.functie, r, depth) for r, number in self._uses if r != self.functie}
        found = [_deepest(ghg[use == number].astype(np.float64), some) for number, some in parts.items()]
        known = np.concatenate([np.empty(0), *found])
        return float(np.nanmax(known)) if np.isfinite(known).any() else np.nan

    @property
    def abstracts(self) -> bool:
        """Whether it takes more groundwater than the present use: how far that reaches asks a test of its own."""
        return any(abstracts_more(self.functie, r) for r, _ in self._uses if r != self.functie)

    @cached_property
    def rise(self) -> float:
        """Largest rise of the groundwater in the plan [m]; 0 where it does not rise."""
        values = self._of("stijging")
        highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
        return highest if highest >= told_from("stijging_m") else 0.0

    @cached_property
    def wetter_to(self) -> float:
        """How far from the plan land becomes wetter by what counts [m]; NaN where that was not looked at."""
        q = self.answer.question
        known = (self.functie.id, self.place) in q.strips
        if not known and len(q.areas) > reception_rules().value("plannen_max"):
            return np.nan
        return float(q.strip(self.functie, self._demands, self.place).strook_m)

    @cached_property
    def co2(self) -> float:
        """Mean CO2 from peat [t/ha/jr]; NaN where it is not known."""
        return self.mean("co2")

    @cached_property
    def cost(self) -> str:
        """The largest post of the cost to others: ``zetting``, ``water`` or ``watervraag``; empty if there is none."""
        if self.answer.making.is_earlier:
            return ""
        amounts = {
            "zetting": self._of("zetting"),
            "water": np.nansum([self._of("afvoer"), self._of("verdrongen_berging")], axis=0),
            "watervraag": self._of("watervraag"),
        }
        rates = cost_rates(self.functie)
        posts = {n: rates[n] * self._total(np.maximum(0.0, np.nan_to_num(v))) for n, v in amounts.items()}
        largest = max(posts, key=lambda n: posts[n])
        return largest if posts[largest] > 0 else ""

    # --- cells -------------------------------------------------------------------------------------------------------

    @cached_property
    def _demands(self) -> tuple[Demand, ...]:
        return self.answer.question.demands(self.functie)

    @cached_property
    def _uses(self) -> list[tuple[Functie, int]]:
        """Present uses that lie in the plan, with their number among those that may; of an earlier edition none."""
        q = self.answer.question
        if self.answer.making.is_earlier:
            return []
        known = q.site.present_use.functies
        return [(r, i + 1) for i, r in enumerate(known) if q.use_cells[self.place, i + 1] > 0]

    @property
    def _part(self) -> slice:
        start = self.answer.question.prints.start
        return slice(int(start[self.place]), int(start[self.place + 1]))

    @property
    def _cells(self) -> NDArray[np.int64]:
        return self.answer.question.prints.cell[self._part]

    def _of(self, name: str) -> Doubles:
        """Return a variable in the cells of the plan; NaN where the answer does not have it."""
        grids = self.answer.of(self.functie)
        if name not in grids:
            return np.full(len(self._cells), np.nan)
        return np.asarray(grids[name].values, np.float64).reshape(-1)[self._cells]

    def _total(self, values: Doubles) -> float:
        return float((values * self.answer.question.prints.cover[self._part]).sum() / COVERAGE_ONE)

    def mean(self, name: str) -> float:
        """Return the mean of a variable over the known cells of the plan; NaN where none is."""
        values, cover = self._of(name), self.answer.question.prints.cover[self._part]
        known = np.isfinite(values)
        return float(np.average(values[known], weights=cover[known])) if known.any() else np.nan


def _deepest(ghg: Doubles, parts: Sequence[tuple[float, float, float]]) -> Doubles:
    """Return per cell how much deeper the groundwater comes in the part where that is most [m].

    What a level takes up of the drains that lie there is never lower than they are, so it does not show here.
    """
    found = [np.maximum(0.0, max(new, there) - ghg) - np.maximum(0.0, there - ghg) for _, new, there in parts]
    return np.max(found, axis=0) if ghg.size else ghg


def particulars(answer: Answer, functie: Functie) -> list[Particulars]:
    """Return what stands beside the answers of a functie that was asked, per plan; of an earlier edition nothing."""
    if answer.making.is_earlier:
        return [
            Particulars(answer, functie, i, Demand(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
            for i in range(len(answer.question.areas))
        ]
    found = conditions(answer.question, functie)
    asked = answer.question.demands(functie)
    numbers = zip(asked, *(found[n].tolist() for n in CONDITIONS), strict=True)
    return [Particulars(answer, functie, i, *some) for i, some in enumerate(numbers)]


#: What an answer rests on, by column.
CONDITIONS = ("eigen", "gebruik_bekend", "afvoer_deel", "afvoer_bekend", "vasthouden_m3_ha", "berging_mm")


def conditions(q: Question, functie: Functie) -> dict[str, Doubles]:
    """Return per plan what the answer of a functie rests on, by column; 0 where no present use is known.

    ``eigen`` is the share of the plan where the present use is the functie itself, ``gebruik_bekend`` where that use is
    known, ``afvoer_deel`` from which water runs off, ``afvoer_bekend`` where that is known; ``vasthouden_m3_ha`` the
    rain of its storm on paving that comes on top, ``berging_mm`` the storage that is built for it [mm over the plan].
    """
    use, agreed, asked = q.site.present_use, q.settings.storage, q.demands(functie)
    task = [max(0.0, task_m3_ha(functie, r, agreed)) for r in use.functies]
    built = [[built_mm(functie, r, replace(agreed, board=d.board)) for d in asked] for r in use.functies]
    inside, number = q.use_cells.sum(axis=1), use.number(functie)
    shares = [ratio(n, inside) for n in (q.use_cells[:, number] * (number > 0), q.use_cells[:, 1:].sum(axis=1))]
    runoff = _runoff(q, functie, asked) if max(task) > 0 else (np.zeros(len(inside)), np.ones(len(inside)))
    means = (_mean_over_uses(q, values) for values in (np.atleast_2d(task), np.array(built).T))
    return dict(zip(CONDITIONS, (np.nan_to_num(v) for v in (*shares, *runoff, *means)), strict=True))


def _runoff(q: Question, functie: Functie, asked: Sequence[Demand]) -> tuple[Doubles, Doubles]:
    """Return per plan the share from which water runs off, and where that is known."""
    prints, count = q.prints, len(q.areas)
    plan = np.repeat(np.arange(count), np.diff(prints.start))
    sheds, known = np.zeros(count), np.zeros(count)
    for some in groups(asked):
        agreed = replace(q.settings.storage, board=asked[some[0]].board)
        afvoer = burden_arrays(q.cells.present, functie, q.site.reference, agreed).components[AFVOER].reshape(-1)
        values = afvoer[prints.cell]
        for held, found in ((values > noise("marge_m3_ha"), sheds), (np.isfinite(values), known)):
            found[some] = np.bincount(plan, prints.cover * held, count)[some]
    return ratio(sheds, prints.inside), ratio(known, prints.inside)


def _mean_over_uses(q: Question, values: Doubles) -> Doubles:
    """Return per plan the mean of numbers (P or 1, R) per present use, over what is known of its use."""
    known = q.use_cells[:, 1:]
    return np.nan_to_num(ratio((known * values).sum(axis=1), known.sum(axis=1)))


def is_present_use(row: Mapping[Any, Any]) -> bool:
    """Tell by its conditions whether a functie is what lies here, as far as that is known of enough of the plan."""
    return is_all_that_is_known(row) and _enough(row["gebruik_bekend"])


def is_all_that_is_known(row: Mapping[Any, Any]) -> bool:
    """Tell by its conditions whether nothing but the functie itself is known to lie here."""
    return bool(row.get("eigen", 0.0) > 0 and row["eigen"] >= (1 - noise()) * row["gebruik_bekend"])


def keeps_rain(row: Mapping[Any, Any]) -> bool:
    """Tell by its conditions whether an answer rests on rain that stays: some would run off, and none does."""
    return bool(
        row.get("vasthouden_m3_ha", 0.0) > 0 and row["afvoer_deel"] <= noise() and _enough(row["afvoer_bekend"])
    )


def _enough(share: float) -> bool:
    rules = registry.scoring_rules()
    return share + rules.marge >= rules.bekend_min
