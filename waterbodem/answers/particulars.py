"""What stands beside an answer: rain that has to stay, the present use, a board's task, groundwater, peat, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Storage
from waterbodem.engine.demands import Demand, demands_of
from waterbodem.engine.plan import asked_depth, built_mm, cost_rates, laid_parts, norm_mm, task_m3_ha
from waterbodem.engine.sums import ratio
from waterbodem.kernels.zonal import COVERAGE_ONE

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer
    from waterbodem.answers.question import Question

Doubles = NDArray[np.float64]

#: Up to this many plans the land around each is looked at for who becomes wetter.
LOOKED_AROUND = 40
#: A smaller rise of the groundwater is none [m].
NO_RISE = 0.005
#: Less water than this from a plan is none [m3/ha].
NO_RUNOFF = 1e-3
#: A functie is the present use itself from this share of what is known on.
ALL = 1 - 1e-6


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
    own : float
        Share of the plan, as far as its use is known, where this functie lies today.
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
    owed: float
    built: float

    @property
    def is_present_use(self) -> bool:
        """Whether this functie lies here today."""
        return self.own >= ALL

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
        taken = [r.value("onttrekking") for r, _ in self._uses]
        return bool(self.functie.value("onttrekking") > min(taken, default=np.inf))

    @cached_property
    def rise(self) -> float:
        """Largest rise of the groundwater in the plan [m]; 0 where it does not rise."""
        values = self._of("stijging")
        highest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
        return highest if highest >= NO_RISE else 0.0

    @cached_property
    def wetter_to(self) -> float:
        """How far from the plan land becomes wetter by what counts [m]; NaN where that was not looked at."""
        q = self.answer.question
        known = (self.functie.id, self.place) in q.strips
        if not known and len(q.areas) > LOOKED_AROUND:
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
        return demands(self.answer.question, self.functie)

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


def demands(q: Question, functie: Functie) -> tuple[Demand, ...]:
    """Return what boards ask of the plans of a question for a functie."""
    return demands_of(q.boards, q.areas, q.grid, functie, q.site.present_use, lambda: q.use_cells)


def particulars(answer: Answer, functie: Functie) -> list[Particulars]:
    """Return what stands beside the answers of a functie that was asked, per plan; of an earlier edition nothing."""
    if answer.making.is_earlier:
        return [Particulars(answer, functie, i, Demand(), 0.0, 0.0, 0.0) for i in range(len(answer.question.areas))]
    found = conditions(answer.question, functie)
    asked = demands(answer.question, functie)
    numbers = zip(asked, *(found[n].tolist() for n in CONDITIONS), strict=True)
    return [Particulars(answer, functie, i, *some) for i, some in enumerate(numbers)]


#: What an answer rests on, by column: share that is the present use itself, rain that has to stay, storage for it.
CONDITIONS = ("eigen", "vasthouden_m3_ha", "berging_mm")


def conditions(q: Question, functie: Functie) -> dict[str, Doubles]:
    """Return per plan what the answer of a functie rests on, by column; 0 where no present use is known.

    ``eigen`` is the share of what is known where the present use is the functie itself, ``vasthouden_m3_ha`` the rain
    of its storm on paving that comes on top, ``berging_mm`` the storage that is built for it [mm over the plan].
    """
    use, agreed, asked = q.site.present_use, q.settings.storage, demands(q, functie)
    task = [max(0.0, task_m3_ha(functie, r, agreed)) for r in use.functies]
    built = [[built_mm(functie, r, replace(agreed, board=d.board)) for d in asked] for r in use.functies]
    own = [float(i + 1 == use.number(functie)) for i in range(len(use.functies))]
    found = (np.atleast_2d(own), np.atleast_2d(task), np.array(built).T)
    return dict(zip(CONDITIONS, (_mean_over_uses(q, values) for values in found), strict=True))


def _mean_over_uses(q: Question, values: Doubles) -> Doubles:
    """Return per plan the mean of numbers (P or 1, R) per present use, over what is known of its use."""
    known = q.use_cells[:, 1:]
    return np.nan_to_num(ratio((known * values).sum(axis=1), known.sum(axis=1)))


def keeps_rain(row: Mapping[Any, Any], owed: float) -> bool:
    """Tell whether an answer rests on rain that stays where it falls: nothing runs off, and something would."""
    return bool(owed > 0 and row["afvoer_m3"] <= NO_RUNOFF * row["oppervlakte_ha"])
