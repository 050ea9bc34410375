"""Layers as plain float32 arrays on one grid, with what is known of their error: the form that the arithmetic takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.errors import ArgumentError, Trial
from waterbodem.core.lazy import xr
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.registry import layer_kinds
from waterbodem.engine.doubts import (
    LayerDoubt,
    check_percentiles,
    doubts_of,
    in_scenario,
    named_layers,
    percentiles_in_rules,
)
from waterbodem.engine.legal_values import check_values
from waterbodem.layers.encoding import encoding_of, in_units_of_rules, values_of
from waterbodem.layers.near_names import warn_of_near_names

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scenario:
    """Layers that take the place of the present ones, and the year they hold for (None = not stated).

    A stress test (the T1000 map) has no year: it tells what could happen, not what will.
    """

    name: str
    layers: Mapping[str, Floats]
    horizon: float | None
    stress_test: bool = False


@dataclass(frozen=True)
class LayerSet:
    """The layers of a dataset that the rules know.

    Parameters
    ----------
    present : mapping of layer id to float32 array (rows, cols)
        C-ordered; NaN = unknown, +inf = absent.
    scenarios : tuple of Scenario
        In order of first appearance.
    ignored : tuple of str
        Scenario layers whose present layer is not in the set.
    template : xr.Dataset, optional
        Coordinates and CRS for results; None has neither.
    doubts : mapping of layer name, perhaps of a scenario, to LayerDoubt
        What the data say of the error of layers; those of which they say nothing are not in it.
    """

    present: Mapping[str, Floats]
    scenarios: tuple[Scenario, ...]
    ignored: tuple[str, ...] = ()
    template: xr.Dataset | None = None
    doubts: Mapping[str, LayerDoubt] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        rows, cols = next(iter(self.present.values())).shape
        return rows, cols

    @property
    def frame(self) -> xr.Dataset:
        """Coordinates and CRS for results, without variables."""
        return xr.Dataset() if self.template is None else self.template

    def results(
        self, variables: Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]], attrs: Mapping[str, Any]
    ) -> xr.Dataset:
        """Return arrays as a dataset on the coordinates of the layers."""
        mapping = dataset.grid_mapping(dataset.crs_of(self.frame))
        data = {n: (("y", "x"), a, {**extra, **mapping}) for n, (a, extra) in variables.items()}
        beside = {n: c.variable for n, c in self.frame.coords.items() if n not in data}
        return xr.Dataset(data, coords=beside, attrs=dict(attrs))

    def with_scenario(self, scenario: Scenario) -> dict[str, Floats]:
        """Return the layers with those of a scenario in place of the present ones."""
        return {**self.present, **scenario.layers}

    def in_scenario(self, scenario: Scenario) -> LayerSet:
        """Return the set of a scenario alone: its layers in place of the present ones, each with its doubt."""
        doubts = in_scenario(self.doubts, scenario.name, self.present, scenario.layers)
        return LayerSet(self.with_scenario(scenario), (), (), self.template, doubts)


def layer_set(layers: xr.Dataset, used: Sequence[str] = ()) -> LayerSet:
    """Take what the rules know out of a dataset; float32 arrays in the unit of the rules are not copied.

    Parameters
    ----------
    layers : xr.Dataset
    used : sequence of str
        The only variables that count; none: all that the rules know.

    Raises
    ------
    WaterbodemError
        If it is no dataset, holds no layer, y ascends, attributes of layers cannot be obeyed, or a value is one that
        its layer cannot hold.
    """
    names = list(used) or known_names(layers)
    warn_of_near_names([str(n) for n in layers.data_vars if n not in names])
    template = template_of(layers)
    check_encodings(layers)
    held = layers[names].compute()  # what is chunked in one go; arrays in memory are not copied
    present = {n: values_of(held.variables[n], n) for n in layer_kinds() if n in names}
    if not present:
        raise _nothing_known(layers)
    ignored = ignored_names(layers)
    kept = [n for n in names if "@" in n and n not in ignored]
    scenarios = _scenarios(held, kept)
    futures = {str(LayerName(n, s.name)): a for s in scenarios for n, a in s.layers.items()}
    check_values({**present, **futures})
    return LayerSet(present, scenarios, ignored, template, doubts_of(layers, [*present, *futures]))


def _nothing_known(layers: xr.Dataset) -> ArgumentError:
    return ArgumentError(
        "dataset holds no layer that the rules know",
        value=[str(n) for n in layers.data_vars][:10],
        allowed=", ".join(layer_kinds()),
    )


def known_names(layers: xr.Dataset) -> list[str]:
    """Return the variables that the rules know, scenarios too; percentiles are no layers.

    Raises
    ------
    ArgumentError
        If it is no dataset.
    """
    if not isinstance(layers, xr.Dataset):
        raise dataset.not_layers(layers)
    return [n for n in named_layers(layers) if not LayerName.of(n).percentile]


def check_encodings(layers: xr.Dataset) -> None:
    """Raise all that cannot be obeyed of what layers say of their numbers; no cell is looked at."""
    trial = Trial()
    for name in known_names(layers):
        with trial.step():
            encoding_of(layers.variables[name], name)
    trial.end()


def in_rules(layers: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose layers are in unit and sign of the rules; what is so already is not copied."""
    check_encodings(layers)
    check_percentiles(layers)
    named = {n: layers.variables[n] for n in known_names(layers)}
    asked = {n: in_units_of_rules(v, n) for n, v in named.items() if not encoding_of(v, n).plain}
    return layers.assign({**asked, **percentiles_in_rules(layers)})


def ignored_names(layers: xr.Dataset) -> tuple[str, ...]:
    """Return the scenario layers whose present layer is not in the data."""
    names = known_names(layers)
    return tuple(n for n in names if LayerName.of(n).layer not in names)


def _scenarios(layers: xr.Dataset, names: list[str]) -> tuple[Scenario, ...]:
    order = dict.fromkeys(LayerName.of(n).scenario for n in names)
    return tuple(_scenario(layers, s, [n for n in names if LayerName.of(n).scenario == s]) for s in order)


def _scenario(layers: xr.Dataset, name: str, members: list[str]) -> Scenario:
    attrs = [layers[m].attrs for m in members]
    years = [_year(a["horizon"], m) for a, m in zip(attrs, members, strict=True) if a.get("horizon") is not None]
    arrays = {LayerName.of(m).layer: values_of(layers.variables[m], m) for m in members}
    return scenario_of(name, arrays, years, [a.get("stresstest") for a in attrs])


def scenario_of(
    name: str, layers: Mapping[str, Floats], years: Iterable[float | None], tests: Iterable[Any]
) -> Scenario:
    """Return a scenario of layers that state a year, or that it is a stress test; of different years the latest.

    Raises
    ------
    ArgumentError
        If one states a year and one a stress test.
    """
    stated, stress_test = [float(y) for y in years if y is not None], any(tests)
    if stress_test and stated:
        raise ArgumentError("a stress test has no horizon", value=max(stated), allowed="one of the two", where=name)
    return Scenario(name, layers, max(stated, default=None), stress_test)


def _year(value: Any, where: str) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)) or not np.isfinite(value):
        raise ArgumentError("horizon is not a year", value=value, where=where)
    return float(value)


def names_of(layers: xr.Dataset, wanted: Collection[str]) -> list[str]:
    """Return the variables of wanted layers, and of their scenarios that count."""
    ignored = ignored_names(layers)
    return [n for n in known_names(layers) if LayerName.of(n).layer in wanted and n not in ignored]


def template_of(layers: xr.Dataset) -> xr.Dataset:
    """Return the coordinates and CRS that results carry, without variables: what tells of cells, rows or columns.

    Raises
    ------
    GridMismatch
        If the layers are not on one regular grid with y descending.
    """
    grid = dataset.grid_of(layers)
    keep = {n: c.variable for n, c in layers.coords.items() if set(c.dims) <= {"y", "x"} and n != "functie"}
    known = {n: c for n, c in dataset.coordinates(grid).items() if n == "spatial_ref"}
    return xr.Dataset(coords={**known, **keep})
