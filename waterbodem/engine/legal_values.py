"""Values that a layer in memory may hold: no infinite number but keileem that is absent, no code that there is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import LayerError, Trial
from waterbodem.core.threads import in_blocks
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import OWN_CODE, LayerKind
from waterbodem.definitions.registry import layer_codes, layer_kinds
from waterbodem.kernels.legal_values import count_illegal

Floats = NDArray[np.float32]
#: Values that an error shows.
SHOWN = 10


def check_values(layers: Mapping[str, Floats]) -> None:
    """Refuse values that a layer cannot hold; every cell is read once.

    Parameters
    ----------
    layers : mapping of layer name, perhaps of a scenario, to float32 array
        C-ordered, in the unit of the rules; NaN = unknown.

    Raises
    ------
    WaterbodemError
        Naming every layer with some of its values.

    Examples
    --------
    >>> check_values({"beekdal": np.array([0, 1, np.nan], np.float32)})
    >>> check_values({"beekdal": np.array([0, 0.5], np.float32)})
    Traceback (most recent call last):
        ...
    waterbodem.core.errors.LayerError: beekdal: value is no code of this layer; got [0.5]; allowed: 0, 1
    """
    kinds = {name: layer_kinds()[LayerName.of(name).layer] for name in layers}
    wrong = [n for n, values in layers.items() if _count(values.reshape(-1), kinds[n], tuple(layer_codes(kinds[n])))]
    trial = Trial()
    for name in wrong:
        with trial.step():
            _refuse(layers[name], name, kinds[name])
    trial.end()


def _refuse(values: Floats, name: str, kind: LayerKind) -> NoReturn:
    codes = tuple(layer_codes(kind))
    strange = _illegal(values, kind, codes)[:SHOWN]
    if codes:
        allowed = ", ".join(map(str, codes)) + (f"; {OWN_CODE} and up" if kind.codes_van else "")
        raise LayerError("value is no code of this layer", value=strange, allowed=allowed, where=name)
    allowed = "a number; NaN = unknown" + ("; inf = absent" if kind.may_be_absent else "")
    raise LayerError("value is infinite", value=strange, allowed=allowed, where=name)


def _own_from(kind: LayerKind) -> np.float32:
    """Return from where on codes are those of a user's own functies; which there are is not known here."""
    return np.float32(OWN_CODE if kind.codes_van else np.inf)


def _count(cells: Floats, kind: LayerKind, codes: tuple[int, ...]) -> int:
    """Return how many values are illegal."""
    counts: list[int] = []
    listed, own = np.array(codes, np.float32), _own_from(kind)
    in_blocks(lambda part: counts.append(count_illegal(cells[part], listed, own, kind.may_be_absent)), cells.size, 1)
    return sum(counts)


def _illegal(values: Floats, kind: LayerKind, codes: tuple[int, ...]) -> list[float]:
    """Return the illegal values, ascending."""
    some = np.unique(values[~np.isnan(values)])
    if not codes:
        return [float(v) for v in some[np.isinf(some)] if not (kind.may_be_absent and v > 0)]
    own = (some >= _own_from(kind)) & np.isfinite(some) & (some == np.floor(some))
    return [float(v) for v in some[~(np.isin(some, codes) | own)]]
