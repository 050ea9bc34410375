"""Values that a layer in memory may hold: no infinite number but keileem that is absent, no code that there is not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import LayerError, Trial
from waterbodem.core.threads import in_blocks
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import OWN_CODE, LayerKind
from waterbodem.definitions.registry import layer_codes, layer_kinds

Floats = NDArray[np.float32]
#: Cells that are looked at at a time: they stay in the cache of a core.
PIECE = 1 << 14
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
    trial = Trial()
    for name, values in layers.items():
        with trial.step():
            _check(values, name, layer_kinds()[LayerName.of(name).layer])
    trial.end()


def _check(values: Floats, name: str, kind: LayerKind) -> None:
    codes = tuple(layer_codes(kind))
    strange = _strange(values.reshape(-1), kind, codes)
    if strange and codes:
        allowed = ", ".join(map(str, codes)) + (f"; {OWN_CODE} and up" if kind.codes_van else "")
        raise LayerError("value is no code of this layer", value=strange[:SHOWN], allowed=allowed, where=name)
    if strange:
        allowed = "a number; NaN = unknown" + ("; inf = absent" if kind.may_be_absent else "")
        raise LayerError("value is infinite", value=strange[:SHOWN], allowed=allowed, where=name)


def _strange(cells: Floats, kind: LayerKind, codes: tuple[int, ...]) -> list[float]:
    """Return the illegal values, ascending."""
    found: set[float] = set()

    def look(part: slice) -> None:
        for first in range(part.start, part.stop, PIECE):
            piece = cells[first : min(first + PIECE, part.stop)]
            if _unlisted(piece, kind, codes) if codes else _infinite(piece, kind).any():
                found.update(_illegal(piece, kind, codes))

    in_blocks(look, cells.size, PIECE)
    return sorted(found)


def _infinite(values: Floats, kind: LayerKind) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = values == -np.inf if kind.may_be_absent else np.isinf(values)
    return found


def _own(values: Floats) -> NDArray[np.bool_]:
    """Codes of a user's own functies; which there are is not known here."""
    found: NDArray[np.bool_] = (values >= OWN_CODE) & (values < np.inf) & (values == np.floor(values))
    return found


def _unlisted(piece: Floats, kind: LayerKind, codes: tuple[int, ...]) -> int:
    """Return how many values are none of the codes."""
    left = piece.size - int(np.count_nonzero(piece != piece))
    for code in codes:
        left -= int(np.count_nonzero(piece == np.float32(code))) if left else 0
    return left - int(np.count_nonzero(_own(piece))) if left and kind.codes_van else left


def _illegal(piece: Floats, kind: LayerKind, codes: tuple[int, ...]) -> list[float]:
    values = np.unique(piece[~np.isnan(piece)])
    if not codes:
        return [float(v) for v in values[_infinite(values, kind)]]
    own = _own(values) if kind.codes_van else np.zeros(values.shape, np.bool_)
    return [float(v) for v in values[~(np.isin(values, codes) | own)]]
