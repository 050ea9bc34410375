"""The range of an answer (bandbreedte): the worst and the best of it and its variants, and what decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie
from waterbodem.definitions.registry import scoring_rules
from waterbodem.doubt.varying import Asked, Variants, error_of, sets_of, variants_of
from waterbodem.engine.coverage import Footprints
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.sums import mean_of
from waterbodem.engine.table import UNASSESSED, State, States, answers_of, lettered, outside_of
from waterbodem.kernels.zonal import COVERAGE_ONE

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Columns of the range; empty where it was not asked for.
COLUMNS = ("antwoord_laag", "antwoord_hoog", "beslist")


def no_range(count: int) -> dict[str, Array]:
    """Return the columns where no range was asked for."""
    return {name: np.full(count, "", dtype=object) for name in COLUMNS}


@dataclass(frozen=True)
class Plans:
    """P polygons on a block of cells.

    Parameters
    ----------
    prints : Footprints
    size, outside : float64 arrays (P,)
        What they cover, and what of it lies outside the data, in cells.
    """

    prints: Footprints
    size: Doubles
    outside: Doubles

    @classmethod
    def of(cls, prints: Footprints, size: Doubles) -> Plans:
        """Polygons of so many cells each, of which footprints are what lies in the data."""
        return cls(prints, size, outside_of(size, prints.inside / COVERAGE_ONE))

    @property
    def hectares(self) -> Doubles:
        """Their size."""
        return self.size * self.prints.grid.cell_ha

    def some(self, which: Integers) -> Plans:
        """Return some of them, by place, ascending."""
        return Plans(self.prints.some(which), self.size[which], self.outside[which])


def ranges_of(
    cells: LayerSet, plans: Plans, functies: Sequence[tuple[Functie, States]], method: tuple[str, float | None]
) -> list[dict[str, Array]]:
    """Return per functie the columns of the range.

    Parameters
    ----------
    cells : LayerSet
    plans : Plans
        All of what they have in the data lies on these cells.
    functies : sequence of (Functie, States)
        With the states of the plans as they are.
    method : (str, float or None)
        Methode and orness.
    """
    asked = [Asked.of(f, list(cells.present), method) for f, _ in functies]
    found: list[dict[str, list[Array]]] = [{name: [] for name in COLUMNS} for _ in functies]
    for which in sets_of(len(plans.size)):
        some = plans.some(which)
        varied = variants_of(cells, some.prints, some.hectares, asked)
        for (functie, states), variants, columns in zip(functies, varied, found, strict=True):
            held = states[0].some(which), states[1].some(which), states[2].some(which)
            for name, values in range_columns(held, variants, some.size, some.outside, functie).items():
                columns[name].append(values)
    return [{name: np.concatenate(values) for name, values in columns.items()} for columns in found]


def range_columns(
    as_it_is: States, variants: Variants, size: Doubles, outside: Doubles, functie: Functie
) -> dict[str, Array]:
    """Return the range of the answers of P plans.

    Parameters
    ----------
    as_it_is : States
    variants : Variants
    size, outside : float64 array (P,)
        As of :func:`waterbodem.engine.table.answers_of`.
    functie : Functie

    Returns
    -------
    dict of str to array (P,)
        ``antwoord_laag`` and ``antwoord_hoog``, letters, and ``beslist``, a group or empty.
    """
    answer = answers_of(as_it_is, size, outside, functie)[0]
    states = [_state_of(variants, v) for v in range(2 * len(variants.groups))]
    found = [answers_of(s, size, outside, functie)[0] for s in states]
    classes = [np.where(c == UNASSESSED, answer, c) for c in found]
    scores = [np.where(c == UNASSESSED, as_it_is[0].mean, s[0].mean) for c, s in zip(found, states, strict=True)]
    unknown = answer == UNASSESSED
    low, high = np.maximum.reduce([answer, *classes]), np.minimum.reduce([answer, *classes])
    return {
        "antwoord_laag": lettered(np.where(unknown, UNASSESSED, low)),
        "antwoord_hoog": lettered(np.where(unknown, UNASSESSED, high)),
        "beslist": np.where(unknown, "", decisive(answer, classes, scores, variants.groups)),
    }


def _state_of(variants: Variants, number: int) -> States:
    """Return the states of one variant."""
    sums, classes = variants.sums[number], variants.classes[number]
    found = [State(*mean_of(s), c / COVERAGE_ONE) for s, c in zip(sums, classes, strict=True)]
    certain, least, most = found * 3 if len(found) == 1 else found
    return certain, least, most


def decisive(answer: Array, classes: Sequence[Array], scores: Sequence[Doubles], groups: Sequence[str]) -> Array:
    """Return the group whose answer and variants lie the most classes apart; empty where none changes the answer.

    On a tie the group whose mean scores up and down differ the most, of those within the margin the first.
    """
    if not groups:
        return np.full(answer.shape, "", dtype=object)
    apart = np.array([_steps(answer, down, up) for down, up in zip(classes[::2], classes[1::2], strict=True)])
    differ = np.array([np.abs(up - down) for down, up in zip(scores[::2], scores[1::2], strict=True)])
    tied = np.where(apart == apart.max(axis=0), np.nan_to_num(differ), -1.0)
    first = (tied + scoring_rules().marge >= tied.max(axis=0)).argmax(axis=0)
    return np.where(apart.max(axis=0) > 0, np.array(groups, dtype=object)[first], "")


def _steps(*classes: Array) -> Array:
    return np.asarray(np.maximum.reduce(classes) - np.minimum.reduce(classes))


@dataclass(frozen=True)
class Effect:
    """What one error of a group does to the answers of P plans.

    Parameters
    ----------
    layer : str
        The layer that tells how large the error is.
    error : float64 array (P,)
        Mean of it over the plan, in the unit of the layer; of an error by a factor that factor.
    by_factor : bool
    down, up : int array (P,)
        Classes of the variants; UNASSESSED where one is left out.
    """

    layer: str
    error: Doubles
    by_factor: bool
    down: Array
    up: Array


def effects_of(cells: LayerSet, plans: Plans, functie: Functie, method: tuple[str, float | None]) -> dict[str, Effect]:
    """Return what one error of every group that reaches a functie does to its answers, by group.

    Parameters
    ----------
    cells, plans, method
        As of :func:`ranges_of`.
    functie : Functie
    """
    asked = Asked.of(functie, list(cells.present), method)
    classes: list[list[Array]] = [[] for _ in range(2 * len(asked.groups))]
    for which in sets_of(len(plans.size)):
        some = plans.some(which)
        variants = variants_of(cells, some.prints, some.hectares, [asked])[0]
        for number, found in enumerate(classes):
            found.append(answers_of(_state_of(variants, number), some.size, some.outside, functie)[0])
    each = [np.concatenate(found) for found in classes]
    errors = {g: error_of(cells, plans.prints, plans.hectares, g) for g in asked.groups}
    return {g: Effect(*errors[g], each[2 * i], each[2 * i + 1]) for i, g in enumerate(asked.groups)}
