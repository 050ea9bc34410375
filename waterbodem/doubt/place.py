"""The answer of a place where some of its layers are other than the data say: a cell, or a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.scoring import CriterionShare, criterion_shares, fill_scores, layers_of, model_of, outputs
from waterbodem.engine.sums import ratio
from waterbodem.engine.table import UNASSESSED, answer_codes, answer_of, cap_of, letters
from waterbodem.kernels.scoring import Model

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Codes = NDArray[np.int64]
Others = Mapping[str, Floats]

#: Cells that are scored at once.
MOST = 1 << 19
#: Score and class, and those if all that is unknown turned out worst or best.
CERTAIN, BOUNDS = ("score", "klasse"), ("score_min", "klasse_min", "score_max", "klasse_max")


class Found(NamedTuple):
    """Codes of answers (m,), and mean scores (m,)."""

    answer: Codes
    score: Doubles


@dataclass(frozen=True)
class Place:
    """Cells of one plan, or a cell alone.

    Parameters
    ----------
    functie : Functie
    cells : LayerSet
        Layers of n cells, flat.
    cover : float64 array (n,)
        Covered share of each.
    size : float
        Cells of the whole plan, those outside the data too.
    hectares : float
    method : (str, float or None)
        Methode and orness.
    is_cell : bool
        Whether it is a cell, of which too little is known makes an answer unknown whatever that is.
    """

    functie: Functie
    cells: LayerSet
    cover: Doubles
    size: float
    hectares: float
    method: tuple[str, float | None] = ("meetkundig", None)
    is_cell: bool = False

    @property
    def layers(self) -> Mapping[str, Floats]:
        """Present layers that the answer can depend on, flat."""
        return self._used

    @cached_property
    def _used(self) -> dict[str, Floats]:
        wanted = layers_of(self.functie, present=self.cells.present)
        found = {n: a.reshape(-1) for n, a in self.cells.present.items() if n in wanted}
        return found or {n: a.reshape(-1) for n, a in list(self.cells.present.items())[:1]}

    @cached_property
    def parts(self) -> tuple[CriterionShare, ...]:
        """Criteria that take part."""
        return criterion_shares(self.functie, list(self.layers))

    @cached_property
    def model(self) -> Model:
        """What the kernel needs."""
        return model_of(self.functie, list(self.layers), *self.method)

    @cached_property
    def now(self) -> Found:
        """Answer and mean score as the data are (1,)."""
        return self.found({})

    def found(self, others: Others, model: Model | None = None) -> Found:
        """Return answers and mean scores where some layers are other, in m ways at once.

        Parameters
        ----------
        others : mapping of layer id to float32 array (m, n)
            Nothing: as the data are.
        model : Model, optional
            Other weights; default those of the functie.
        """
        ways, pieces = _ways(others), []
        step = max(1, MOST // self.cover.size)
        for first in range(0, ways, step):
            some = {n: a[first : first + step] for n, a in others.items()}
            pieces.append(self._found(self._scored(some, (*CERTAIN, *(() if self._enough else BOUNDS)), model)))
        return Found(*(np.concatenate(part) for part in zip(*pieces, strict=True)))

    def lost(self, others: Others) -> Doubles:
        """Return the mean weighted log loss of every criterion (m, K), in so many ways; thresholds do not count."""
        bare = self.functie.model_copy(update={"drempels": ()})
        model = model_of(bare, list(self.layers), *self.method)
        found = self._scored(others, ("score", "dekking", "loss"), model)
        score = found["score"].astype(np.float64)
        left = np.where(score < 1, (1 - score), np.inf)
        each = found["loss"][:-1].astype(np.float64) / left * (-np.log(np.maximum(score, 1e-12)) * found["dekking"])
        return np.asarray(np.einsum("kmn,n->mk", np.nan_to_num(each), self.cover) / self.cover.sum())

    @property
    def dekking(self) -> float:
        """Return the mean share of the weight that is known."""
        return float(self._scored({}, ("dekking",), None)["dekking"][0] @ self.cover / self.cover.sum())

    def scored_known(self) -> int:
        """Return which criteria are known in the first cell, as bits."""
        return int(self._scored({}, ("known",), None)["known"][0, 0])

    def _scored(self, others: Others, wanted: tuple[str, ...], model: Model | None) -> dict[str, NDArray[Any]]:
        """Return results of the kernel (m, n); of losses (K + 1, m, n)."""
        shape, chosen = (_ways(others), self.cover.size), model or self.model
        layers = {n: _repeated(others.get(n, a), shape) for n, a in self.layers.items()}
        out = outputs((shape[0] * shape[1],), ("score", *wanted), int(chosen.numbers["criteria"]))
        fill_scores(chosen, layers, out)
        return {n: a.reshape((*a.shape[:-1], *shape)) for n, a in out.items() if n in wanted}

    @cached_property
    def _enough(self) -> bool:
        """Whether enough is assessed for an answer; a layer that is other is no less known."""
        klasse = self._scored({}, CERTAIN, None)["klasse"][0]
        rules, assessed = registry.scoring_rules(), float(self.cover[klasse != UNASSESSED].sum())
        return self.is_cell or assessed / self.size + rules.marge >= rules.beoordeeld_min

    def _found(self, scores: Mapping[str, NDArray[Any]]) -> Found:
        rest, worst = max(0.0, self.size - float(self.cover.sum())), max(letters())
        certain, mean = self._class(scores["score"], scores["klasse"], 0.0, worst, 0.0)
        if self.is_cell:
            return Found(scores["klasse"][:, 0].astype(np.int64), mean)
        if self._enough:
            return Found(certain, mean)
        least, _ = self._class(scores["score_min"], scores["klasse_min"], rest, worst, 0.0)
        most, _ = self._class(scores["score_max"], scores["klasse_max"], rest, 1, 1.0)
        return Found(answer_of(certain, least, most, np.zeros(len(certain), np.bool_)), mean)

    def _class(
        self, score: NDArray[Any], klasse: NDArray[Any], extra: float, code: int, value: float
    ) -> tuple[Codes, Doubles]:
        """Return answer and mean score of every way; ``extra``: so many cells more, of this class and score."""
        by_class = np.stack([(klasse == c) @ self.cover for c in sorted(letters())], axis=1)
        by_class[:, code] += extra
        known = (klasse != UNASSESSED) & ~np.isnan(score)
        cells = known @ self.cover + extra
        total = np.where(known, score, 0).astype(np.float64) @ self.cover + value * extra
        mean = ratio(total, cells)
        return answer_codes(mean, by_class, cap_of(self.functie), registry.scoring_rules()), mean


def _ways(others: Others) -> int:
    return max((len(a) for a in others.values()), default=1)


def _repeated(values: Floats, shape: tuple[int, int]) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(values, shape), np.float32).reshape(-1)
