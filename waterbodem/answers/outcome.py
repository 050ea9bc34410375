"""One functie on the polygons of a question: cells, sums, and what the principles look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.answers.question import Question
from waterbodem.core.lazy import pd, xr
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.doubt import bandbreedte
from waterbodem.engine.area_table import frame_of
from waterbodem.engine.burden import burden_arrays, decline_of, map_burden, reference_attrs, scatter, variables_of
from waterbodem.engine.demands import Demand, groups
from waterbodem.engine.evaluation import Result, evaluate, masked
from waterbodem.engine.kompas import KompasFindings, findings_of
from waterbodem.engine.quantities import tally_of
from waterbodem.engine.scoring import VARIABLES, scoring_attrs
from waterbodem.engine.sums import Totals
from waterbodem.engine.table import states_of, total_tallies
from waterbodem.formats.output_names import CELL_MAPS, MAPS
from waterbodem.kernels.scoring import NO_CRITERION


@dataclass(frozen=True)
class Outcome:
    """A functie on the polygons of a question.

    Parameters
    ----------
    question : Question
    functie : Functie
    demands : tuple of Demand
        Per polygon.
    result : Result
        Cells; one that several polygons cover is that of the first.
    totals : Totals
    """

    question: Question
    functie: Functie
    demands: tuple[Demand, ...]
    result: Result
    totals: Totals

    @cached_property
    def found(self) -> KompasFindings:
        """What the principles look at."""
        q, found = self.question, findings_of(self.question.circumstances, self.functie, self.totals)
        return found.with_strips(partial(q.strip, self.functie, self.demands), q.settings.rules)

    def frame(self, beside: Mapping[str, Any]) -> pd.DataFrame:
        """Return the rows of the table, without geometry; ``beside`` as of :func:`ranges_of`."""
        q = self.question
        return frame_of(q.circumstances, self.functie, q.scenario, self.totals, self.found, self.demands, beside)

    @property
    def cells(self) -> xr.Dataset:
        """Grids; outside the polygons 255, no flags, NaN."""
        q, result, inside = self.question, self.result, self.question.prints.mask
        names = {n: v for n, v in VARIABLES.items() if n in MAPS or n == "vlaggen"}
        found = {
            n: (result.scores[kernel_name], scoring_attrs(n, result.functie, result.criteria))
            for n, (kernel_name, _) in names.items()
        }
        found |= variables_of(result.burden)
        blank = {"vlaggen": 0, **{m.name: NO_CRITERION for m in CELL_MAPS if not m.is_share}}
        cut = {n: (masked(a, inside, blank.get(n, np.nan)), attrs) for n, (a, attrs) in found.items()}
        return q.cells.results(
            cut,
            {
                "functie": result.functie.id,
                "criteria": list(result.criteria),
                "methode": q.settings.method[0],
                **reference_attrs(q.settings.reference, q.cells),
                "definities": registry.rules_version(),
                "functie_sha256": registry.definition_sha256(result.functie),
            },
        )


def outcome_of(q: Question, functie: Functie) -> Outcome:
    """Score a functie on the cells of a question, find what it shifts to others, and sum both per polygon."""
    demands = q.demands(functie)
    storage = q.settings.storage
    some = groups(demands)
    first = demands[some[0][0]]
    results = [evaluate(q.cells, functie, q.settings, replace(storage, board=first.board))]
    decline = decline_of(q.cells, functie) if len(some) > 1 else None
    for others in some[1:]:
        agreed = replace(storage, board=demands[others[0]].board)
        burden = burden_arrays(q.cells.present, functie, q.settings.reference, agreed, decline)
        results.append(replace(results[0], burden=burden))
    tallies = (tally_of(q.prints.some(s), q.site, r, s) for s, r in zip(some, results, strict=True))
    totals = total_tallies(tallies, len(q.areas))
    return Outcome(q, functie, demands, _laid_together(q, some, results), totals)


def frames_of(q: Question, outcomes: Sequence[Outcome]) -> list[pd.DataFrame]:
    """Return the rows of the table per outcome of a question, without geometry."""
    return [some.frame(beside) for some, beside in zip(outcomes, ranges_of(q, outcomes), strict=True)]


def ranges_of(q: Question, outcomes: Sequence[Outcome]) -> list[dict[str, NDArray[Any]]]:
    """Return per outcome the columns of the range of its answers; empty ones where it was not asked for."""
    if not q.settings.has_range:
        return [bandbreedte.no_range(len(q.areas)) for _ in outcomes]
    plans = bandbreedte.Plans.of(q.prints, q.circumstances.size)
    asked = [(o.functie, states_of(o.totals)) for o in outcomes]
    return bandbreedte.ranges_of(q.cells, plans, asked, q.settings.method)


def _laid_together(q: Question, plans: Sequence[NDArray[np.int64]], results: Sequence[Result]) -> Result:
    """Return one result: of cells that several plans cover that of the first."""
    if len(results) == 1:
        return results[0]
    found = map_burden(np.copy, results[0].burden)
    for some, result in zip(plans[1:], results[1:], strict=True):
        chosen = np.isin(q.prints.first, some)
        scatter(map_burden(partial(_of, chosen), result.burden), chosen, found)
    return replace(results[0], burden=found)


def _of(chosen: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
    return values[..., chosen] if values.size else values
