"""What an answer is due to as it is: thresholds that fire, what limits it, what weighs most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie, Group
from waterbodem.definitions.registry import answer_scale, scoring_rules
from waterbodem.engine.scoring import CriterionShare, ceiling_of, criterion_shares, score_arrays
from waterbodem.engine.sums import mean_of
from waterbodem.engine.table import UNASSESSED, classes_of, largest_of
from waterbodem.measures.plan_cells import PlanCells
from waterbodem.measures.scored import Method
from waterbodem.measures.tally import Groups

Array = NDArray[Any]


def limiting(plan: PlanCells, functie: Functie, method: Method) -> str:
    """Return the criterion that makes the class worse than the score does, on the most hectares; empty if none does."""
    parts = criterion_shares(functie, list(plan.layers))
    number = _limiting(plan, functie, method, parts)
    cells = np.bincount(number, weights=plan.cover, minlength=1 + len(parts))[1:]
    return parts[int(cells.argmax())].name if cells.any() else ""


def due_to(plan: PlanCells, functie: Functie, method: Method) -> tuple[str, ...]:
    """Return the layers that an answer is due to: of thresholds, else of what limits it, else of what weighs most."""
    found = fired(plan, functie, method)
    if found:
        return found
    name = limiting(plan, functie, method) or heaviest(plan, functie, method)
    return tuple(name.split("+")) if name else ()


def fired(plan: PlanCells, functie: Functie, method: Method) -> tuple[str, ...]:
    """Return the layers of the thresholds that say no on enough of what is assessed, in the order of the functie."""
    flags, rules = score_arrays(plan.layers, functie, *method, wanted=("flags", "klasse")), scoring_rules()
    least = (rules.aandeel_begrenzing - rules.marge) * plan.covered(flags["klasse"].reshape(-1) != UNASSESSED)
    names = []
    for i, threshold in enumerate(functie.drempels):
        cells = plan.covered((flags["flags"].reshape(-1) & np.uint16(1 << i)) > 0)
        if threshold.gevolg != "aandacht" and cells > 0 and cells >= least:
            names.append(threshold.laag)
    return tuple(dict.fromkeys(names))


def heaviest(plan: PlanCells, functie: Functie, method: Method) -> str:
    """Return the criterion that takes most of the mean score; empty if none stands out."""
    found = score_arrays(plan.layers, functie, *method, wanted=("loss", "klasse"))
    parts, unknown = criterion_shares(functie, list(plan.layers)), found["klasse"].reshape(-1) == UNASSESSED
    rows = [np.where(unknown, np.float32(np.nan), loss) for loss in found["loss"][: len(parts)]]
    sums = Groups(np.array([0, plan.count]), plan.cover).sums(rows)
    lost = np.array([mean_of(row)[0] for row in sums])
    return str(largest_of(lost, [p.name for p in parts])[0])


def _limiting(
    plan: PlanCells, functie: Functie, method: Method, parts: tuple[CriterionShare, ...]
) -> NDArray[np.int64]:
    """Return per cell the number of the first criterion that limits, from 1; 0: none, a threshold fires, or X."""
    rules, free = scoring_rules(), functie.model_copy(update={"drempels": ()})
    here = score_arrays(plan.layers, functie, *method, wanted=("flags", "klasse"))
    score = score_arrays(plan.layers, free, *method, wanted=("score",))["score"].reshape(-1)
    class_ = np.maximum(classes_of(score.astype(np.float64), rules), int(ceiling_of(functie, plan.layers)))
    says_no = sum(1 << i for i, t in enumerate(functie.drempels) if t.gevolg != "aandacht")
    open_ = (here["klasse"].reshape(-1) != UNASSESSED) & ((here["flags"].reshape(-1) & np.uint16(says_no)) == 0)
    found = np.zeros(plan.count, np.int64)
    for k, part in enumerate(parts, start=1):
        if part.share + rules.marge >= rules.kap_gewicht:
            found[open_ & (found == 0) & (_cap(plan, functie, part) > class_)] = k
    return found


def _cap(plan: PlanCells, functie: Functie, part: CriterionShare) -> Array:
    """Return per cell the best class that one criterion leaves; UNASSESSED where it is unknown."""
    rules, worst = scoring_rules(), max(answer_scale())
    own = {name: functie.all_criteria[name] for name in part.members}
    groups = (Group(leden=part.members),) if len(part.members) > 1 else ()
    alone = functie.model_copy(
        update={"criteria": own, "optionele_criteria": {}, "groepen": groups, "drempels": (), "zonder": {}}
    )
    score = score_arrays(plan.layers, alone, "gemiddelde", wanted=("score",))["score"].reshape(-1).astype(np.float64)
    cap = np.where(np.isnan(score), UNASSESSED, classes_of(score, rules) - 1)
    return np.where(score + rules.marge < rules.fataal, worst, cap)
