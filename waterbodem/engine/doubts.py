"""What the data say of the error of layers: one standard deviation, or percentiles of every cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import LayerError, Trial
from waterbodem.core.lazy import xr
from waterbodem.definitions.layer_name import PERCENTILES, LayerName
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.uncertainty import Uncertainty
from waterbodem.engine.legal_values import check_values
from waterbodem.layers.encoding import encoding_of, error_of, in_units_of_rules, values_of

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LayerDoubt:
    """What the data say of the error of a layer, in the unit of the rules.

    Parameters
    ----------
    stated : Uncertainty, optional
    p10, p90 : float32 arrays, optional
        Percentiles of every cell; NaN = unknown.
    median : float32 array, optional
        The values that the percentiles belong to; None = those of the layer.
    range : (float, float), optional
        In place of the plausible range of the rules.
    """

    stated: Uncertainty | None = None
    p10: Floats | None = None
    p90: Floats | None = None
    median: Floats | None = None
    range: tuple[float, float] | None = None

    @property
    def of_data(self) -> bool:
        """Whether the data say how large it is."""
        return self.stated is not None or self.p10 is not None


NOTHING = LayerDoubt()


def in_scenario(
    doubts: Mapping[str, LayerDoubt], scenario: str, present: Mapping[str, Floats], layers: Collection[str]
) -> dict[str, LayerDoubt]:
    """Return the doubt of every layer in a scenario, by its id.

    A layer of the scenario has its own, else that of today, by percentiles as shifts of the present cell.

    Parameters
    ----------
    doubts : mapping of layer name, perhaps of a scenario, to LayerDoubt
    scenario : str
    present : mapping of layer id to its values today
    layers : collection of layer ids
        That the scenario has.
    """
    found = {n: doubts.get(n, NOTHING) for n in present}
    for name in layers:
        now, own = found[name], doubts.get(str(LayerName(name, scenario)), NOTHING)
        chosen = own if own.of_data else replace(now, median=present[name])
        found[name] = replace(chosen, stated=own.stated or now.stated, range=own.range or now.range)
    return {n: d for n, d in found.items() if d.of_data or d.range}


def named_layers(layers: xr.Dataset) -> list[str]:
    """Return the variables that bear the name of a layer."""
    return [str(n) for n in layers.data_vars if LayerName.of(n).layer in layer_kinds()]


def doubts_of(layers: xr.Dataset, names: Collection[str]) -> dict[str, LayerDoubt]:
    """Return what a dataset says of the error of layers; of those of which it says nothing there is none.

    Raises
    ------
    WaterbodemError
        If it is not usable.
    """
    check_percentiles(layers)
    found = {n: _doubt_of(layers, n) for n in names}
    return {n: d for n, d in found.items() if d.of_data or d.range}


def _doubt_of(layers: xr.Dataset, name: str) -> LayerDoubt:
    variable = layers.variables[name]
    low, high = variable.attrs.get("range", (None, None))
    limits = None if low is None else (float(low), float(high))
    percentiles = {p: str(LayerName(*LayerName.of(name)[:2], p)) for p in PERCENTILES}
    if percentiles["p10"] not in layers.data_vars:
        return LayerDoubt(error_of(variable, name), range=limits)
    held = [_as_layer(layers, name, n) for n in percentiles.values()]
    low_one, high_one = (values_of(v, name) for v in (held[::-1] if _turned(held[0], name) else held))
    _check_absent(low_one, percentiles["p10"])
    check_values(dict(zip(percentiles.values(), (low_one, high_one), strict=True)))
    return LayerDoubt(error_of(variable, name), low_one, high_one, range=limits)


def _as_layer(layers: xr.Dataset, name: str, percentile: str) -> xr.Variable:
    """Return a percentile of a layer; unit and sign that it does not state are those of the layer."""
    stated = {k: v for k, v in layers.variables[name].attrs.items() if k in ("units", "positive")}
    held = layers.variables[percentile].compute()
    return xr.Variable(held.dims, held.data, {**stated, **held.attrs}, held.encoding)


def _turned(percentile: xr.Variable, name: str) -> bool:
    """Tell whether the sign changes, so that the lower percentile becomes the higher one."""
    return encoding_of(percentile, name).factor < 0


def _check_absent(p10: Floats, name: str) -> None:
    """Refuse a lower percentile that is absent: half of what could be is then deeper than nowhere."""
    if np.isposinf(p10).any():
        allowed = "a depth; inf = absent in the p90 of keileemdiepte only"
        raise LayerError("p10 is absent", value=np.inf, allowed=allowed, where=name)


def check_percentiles(layers: xr.Dataset) -> None:
    """Refuse percentiles that stand alone, or beside no layer.

    Raises
    ------
    WaterbodemError
        Naming what is missing.
    """
    names, trial = named_layers(layers), Trial()
    for name in (n for n in names if LayerName.of(n).percentile):
        layer, scenario, percentile = LayerName.of(name)
        needed = [str(LayerName(layer, scenario)), *(str(LayerName(layer, scenario, p)) for p in PERCENTILES)]
        with trial.step():
            if lacking := [n for n in needed if n not in names]:
                what = f"{percentile} stands without {lacking[0]}"
                raise LayerError(what, allowed=f"{', '.join(needed)} together", where=name)
            if layer_kinds()[layer].soort == "klasse":
                raise LayerError("a layer of classes has no percentiles", allowed="none", where=name)
    trial.end()


def percentiles_in_rules(layers: xr.Dataset) -> dict[str, xr.Variable]:
    """Return percentiles that are not in unit and sign of the rules, in them."""
    found = {}
    for name in (n for n in named_layers(layers) if LayerName.of(n).percentile):
        layer, scenario, percentile = LayerName.of(name)
        base = str(LayerName(layer, scenario))
        held = _as_layer(layers, base, name)
        if not encoding_of(held, base).plain:
            other = PERCENTILES[1 - PERCENTILES.index(percentile)] if _turned(held, base) else percentile
            found[str(LayerName(layer, scenario, other))] = in_units_of_rules(held, name)
    return found
