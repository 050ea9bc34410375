"""What a place bears with measures, summed over groups of cells: rules 2 and 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.models import Functie
from waterbodem.definitions.registry import answer_scale
from waterbodem.engine.layer_set import Floats
from waterbodem.engine.scoring import fill_scores, model_of, outputs
from waterbodem.engine.sums import SCORE
from waterbodem.engine.table import UNASSESSED
from waterbodem.measures.tally import Groups

Array = NDArray[Any]
Ints = NDArray[np.int64]
Method = tuple[str, float | None]

#: Rows of sums, and of classes: as they are, then with every threshold lifted that can be.
ROWS = (SCORE, "score_min", "score_max")
KLASSEN = ("klasse", "klasse_min", "klasse_max")


@dataclass(frozen=True)
class Scored:
    """Sums over G groups of cells.

    Parameters
    ----------
    sums : int64 array (3, 3, G)
        Of ``ROWS``.
    classes : int64 array (6, G, C)
        Coverage per class, of ``KLASSEN`` as they are and with every threshold lifted that can be.
    lifted : int64 array (G,)
        Coverage of the cells of which all thresholds are lifted.
    """

    sums: Ints
    classes: Ints
    lifted: Ints


def scored(
    layers: Mapping[str, Floats],
    effective: Mapping[str, Floats],
    functie: Functie,
    method: Method,
    lifts: frozenset[str],
    groups: Groups,
) -> Scored:
    """Score cells on effective layers, with thresholds on these and on the layers as they are.

    Parameters
    ----------
    layers, effective : mapping of layer id to float32 array (1, N)
        The functie rewets both.
    functie : Functie
    method : (str, float or None)
    lifts : frozenset of str
        Layers of which a ``nee_tenzij`` that fires on the layers alone is lifted.
    groups : Groups
    """
    free = functie.model_copy(update={"drempels": ()})
    found = _scores(effective, free, method, (SCORE, *ROWS[1:], *KLASSEN))
    before, after = (_fired(functie, some, method) for some in (layers, effective))
    deny, exclude, can_lift = (_bits(functie, lifts, kind) for kind in ("deny", "exclude", "lift"))
    fired = before | after
    left = fired & ~(before & ~after & can_lift)
    for name in ROWS:
        found[name][(fired & exclude) > 0] = 0
    lifted = ((fired & deny) > 0) & ((left & deny) == 0) & _better(found["klasse"])
    denied, held = (fired & deny) > 0, ((fired & deny) > 0) & ~lifted
    score = np.where(_with(found["klasse"], denied) == UNASSESSED, np.float32(np.nan), found[SCORE])
    count = len(answer_scale())
    classes = [groups.classes(_with(found[n], where), count) for where in (denied, held) for n in KLASSEN]
    return Scored(
        groups.sums([score, *(found[n] for n in ROWS[1:])]),
        np.stack(classes),
        groups.classes(lifted.astype(np.uint8), 2)[:, 1],
    )


def _fired(functie: Functie, layers: Mapping[str, Floats], method: Method) -> Array:
    return _scores(layers, functie, method, ("flags",))["flags"]


def _scores(layers: Mapping[str, Floats], functie: Functie, method: Method, wanted: Sequence[str]) -> dict[str, Array]:
    """Score cells of which the codes were looked at before they moved."""
    out = outputs(next(iter(layers.values())).shape, (SCORE, *wanted))
    fill_scores(model_of(functie, list(layers), *method), layers, out)
    return out


def _bits(functie: Functie, lifts: frozenset[str], kind: str) -> np.uint16:
    """Return which thresholds deny, which exclude, and which can be lifted."""
    counts = {
        "deny": [t.gevolg != "aandacht" for t in functie.drempels],
        "exclude": [t.gevolg == "uitsluiten" for t in functie.drempels],
        "lift": [t.gevolg == "nee_tenzij" and t.laag in lifts for t in functie.drempels],
    }[kind]
    return np.uint16(sum(1 << i for i, one in enumerate(counts) if one))


def _worst() -> int:
    return max(answer_scale())


def _better(klasse: Array) -> NDArray[np.bool_]:
    """Tell where a class is known and better than the last."""
    return np.asarray((klasse != UNASSESSED) & (klasse < _worst()))


def _with(klasse: Array, denied: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(denied, np.uint8(_worst()), klasse)
