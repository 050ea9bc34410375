"""Layers moved by their error, against the twin of section 10: every layer, form of error, direction and size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support import grids
from tests.support.twins import bandbreedte as twin
from tests.support.twins.layers import layer
from waterbodem.core.errors import WaterbodemError
from waterbodem.definitions.uncertainty import layer_groups
from waterbodem.doubt.moving import DOWN, UP, moved
from waterbodem.engine.layer_set import layer_set

ROWS, COLS = 12, 41
#: Errors that data state, by layer.
STATED = {
    "ghg": [None, 0.12, {"sd": 0.1, "per": 0.2}, {"per": 0.3, "hoogstens": 0.2}],
    "glg": [None, 0.7],
    "gvg": [None, 0.0],
    "wateroverlast": [None, {"sd": 0.02, "per": 0.4, "hoogstens": 0.1}, {"sd": 0.3, "verdeling": "lognormaal"}],
    "inundatie": [None, {"sd": 0.5, "verdeling": "lognormaal"}],
    "keileemdiepte": [None, 0.9, 5.0, {"sd": 1.1, "verdeling": "lognormaal"}],
    "kwel": [None, {"per": 0.6, "verdeling": "normaal"}],
    "zettingsgevoeligheid": [None, 0.05, {"sd": 0.47, "verdeling": "lognormaal"}],
    "veendikte": [None, 0.1],
    "droogte": [None, {"sd": 8, "hoogstens": 4}],
}


def values_of(name, rng):
    """Values of a layer over its plausible range and just beyond, many near its ends, some unknown or absent."""
    low, high = twin.PLAUSIBLE[name]
    width = high - low
    found = low + width * rng.beta(0.4, 3.0, ROWS * COLS)
    found[::17], found[1::97], found[2::91], found[3::53] = math.nan, low, high, low - 0.01 * width
    found[4::61] = math.inf if name == "keileemdiepte" else high + 0.01 * width
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(10)
    return {name: values_of(name, rng) for group in twin.GROUPS.values() for name in group}


def dataset(columns, stated=None):
    data = {n: v.reshape(ROWS, COLS) for n, v in columns.items()}
    layers = grids.layers({n: v for n, v in data.items() if "@" not in n})
    layers = layers.assign({n: (("y", "x"), v) for n, v in data.items() if "@" in n})
    for name, error in (stated or {}).items():
        layers[name].attrs["uncertainty"] = error
    return layers


def check(layers, columns, doubt, ha, scenario=None, names=None):
    cells = layer_set(layers)
    if scenario:
        cells = cells.in_scenario(next(s for s in cells.scenarios if s.name == scenario))
    for group in twin.GROUPS:
        for direction in (DOWN, UP):
            got = moved(cells, group, direction, ha).present
            for name in names or got:
                check_layer(got[name], columns, name, group, direction, doubt, ha)


def check_layer(got, columns, name, group, direction, doubt, ha):
    f = twin.share_of_error(ha)
    for i in range(ROWS * COLS):
        cell = {n: float(v[i]) for n, v in columns.items()}
        want = twin.moved(cell, group, direction, doubt, f).get(name, math.nan)
        found = float(got.reshape(-1)[i])
        assert found == layer({name: want}, name) or (math.isnan(found) and math.isnan(want)), (name, group, cell, want)


@pytest.mark.parametrize("ha", [0.01, 6.25, 9.0, 4000.0])
def test_defaults_are_those_of_the_twin(columns, ha):
    check(dataset(columns), columns, twin.Doubt(), ha)


@pytest.mark.parametrize("turn", range(4))
def test_stated_errors_are_those_of_the_twin(columns, turn):
    stated = {n: some[turn % len(some)] for n, some in STATED.items() if some[turn % len(some)] is not None}
    check(dataset(columns, stated), columns, twin.Doubt(stated), 8.0)


def test_without_clay_groundwater_has_its_own_least(columns):
    some = {n: v for n, v in columns.items() if n in ("ghg", "gvg", "glg")}
    check(dataset(some), some, twin.Doubt(), 1.0)


def with_percentiles(columns, name, rng):
    """Percentiles below and above, some on the wrong side, unknown or, above, absent."""
    v, (low, high) = columns[name], twin.PLAUSIBLE[name]
    width = np.minimum(high - low, 1.0)
    p10, p90 = (v + np.float32(s) * rng.uniform(-0.2, 1, v.size).astype(np.float32) * width for s in (-1, 1))
    for p, k in ((p10, 5), (p90, 7)):
        p[::k] = math.nan
        p[np.isinf(p)] = 3.0
    if name == "keileemdiepte":
        p90[1::11] = math.inf
    return {f"{name}@p10": p10.astype(np.float32), f"{name}@p90": p90.astype(np.float32)}


@pytest.mark.parametrize("name", ["ghg", "keileemdiepte", "zettingsgevoeligheid", "wateroverlast"])
@pytest.mark.parametrize("ha", [1.0, 30.0])
def test_percentiles_are_those_of_the_twin(columns, name, ha):
    some = {**columns, **with_percentiles(columns, name, np.random.default_rng(3))}
    stated = {"keileemdiepte": 0.4} if name == "keileemdiepte" else {}
    check(dataset(some, stated), some, twin.Doubt(stated), ha, names=[name])


@pytest.mark.parametrize(
    ("stated", "percentiles"),
    [
        ({}, ()),
        ({"ghg": 0.2}, ()),
        ({"ghg": 0.2, "ghg@2050Hd": {"per": 0.5}}, ()),
        ({}, ("ghg",)),
        ({"ghg": 0.2}, ("ghg",)),
    ],
)
def test_a_scenario_has_its_own_error_else_that_of_today(columns, stated, percentiles):
    rng = np.random.default_rng(4)
    future = {f"{n}@2050Hd": values_of(n, rng) for n in ("ghg", "keileemdiepte")}
    beside = {k: v for n in percentiles for k, v in with_percentiles(columns, n, rng).items()}
    some = {**columns, **future, **beside}
    cells = {**some, **{f"{n}@nu": v for n, v in columns.items()}}
    cells |= {n.partition("@")[0]: v for n, v in future.items()}
    check(dataset(some, stated), cells, twin.Doubt(stated, "2050Hd"), 8.0, "2050Hd", ["ghg", "keileemdiepte", "glg"])


def test_a_range_of_the_data_replaces_the_plausible_one(columns):
    layers = dataset(columns)
    layers.ghg.attrs["range"] = [0.1, 0.6]
    check(layers, columns, twin.Doubt(ranges={"ghg": (0.1, 0.6)}), 1.0, names=["ghg"])


def test_groups_and_layers_are_those_of_the_rules():
    assert {g.id: tuple(g.lagen) for g in layer_groups().values()} == twin.GROUPS


def test_errors_and_percentiles_are_converted_as_their_layer_is(columns):
    p10, p90 = (columns["ghg"] - 0.2).astype(np.float32), (columns["ghg"] + 0.3).astype(np.float32)
    plain = dataset({**columns, "ghg@p10": p10, "ghg@p90": p90}, {"ghg": {"sd": 0.1, "per": 0.2, "hoogstens": 0.3}})
    turned = plain.copy()
    for name, other in (("ghg", "ghg"), ("ghg@p10", "ghg@p90"), ("ghg@p90", "ghg@p10")):
        turned[name] = -100 * plain[other].astype(np.float64)
    turned.ghg.attrs.update(units="cm", positive="up", uncertainty={"sd": 10, "per": 0.2, "hoogstens": 30})
    for direction in (DOWN, UP):
        got, want = (moved(layer_set(d), "grondwater", direction, 1.0).present["ghg"] for d in (turned, plain))
        np.testing.assert_allclose(got, want, atol=2e-6)


def test_layers_that_do_not_move_are_not_copied(columns):
    cells = layer_set(dataset(columns))
    got = moved(cells, "droogte", UP, 1.0).present
    assert [n for n in got if got[n] is not cells.present[n]] == ["droogte"]


def some(error=None, **beside):
    layers = grids.layers({"ghg": np.full((3, 4), 0.5, np.float32), "natuur": np.zeros((3, 4), np.float32)})
    layers = layers.assign({n: (("y", "x"), np.full((3, 4), v, np.float32)) for n, v in beside.items()})
    if error is not None:
        layers.ghg.attrs["uncertainty"] = error
    return layers


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (-0.1, "greater than or equal to 0"), (math.nan, "finite"), (math.inf, "finite"), ("much", "number or a table"),
        (True, "number or a table"), ([0.1], "number or a table"), ({"per": -1}, "greater than or equal to 0"),
        ({"sd": 0.1, "hoogste": 1}, "unknown key"), ({"verdeling": "normaal"}, "neither sd nor per"), ({}, "neither"),
        ({"sd": 0.1, "verdeling": "lognormaal"}, "by a factor"), ({"sd": 0.1, "verdeling": "beta"}, "lognormaal"),
        (30, "absurd"), ({"per": 25}, "absurd"), ({"sd": 0.1, "bereik_m": [50], "aandeel": [0.2]}, "together 1"),
    ],
)  # fmt: skip
def test_an_error_that_is_none_is_refused_by_name(error, says):
    with pytest.raises(WaterbodemError, match=says) as raised:
        layer_set(some(error))
    assert "ghg" in str(raised.value)
    assert "uncertainty" in str(raised.value)


def test_a_factor_stands_alone():
    layers = grids.layers({"droogte": np.full((3, 4), 5.0, np.float32)})
    layers.droogte.attrs["uncertainty"] = {"sd": 0.2, "per": 0.1, "verdeling": "lognormaal"}
    with pytest.raises(WaterbodemError, match="not beside verdeling lognormaal"):
        layer_set(layers)


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ({"ghg@p10": 0.2}, "without ghg@p90"), ({"ghg@p90": 0.2}, "without ghg@p10"),
        ({"glg@p10": 0.2, "glg@p90": 0.4}, "without glg"), ({"natuur@p10": 0, "natuur@p90": 1}, "classes"),
        ({"ghg@p10": 0.2, "ghg@p90": math.inf}, "infinite"),
    ],
)  # fmt: skip
def test_percentiles_that_are_none_are_refused_by_name(beside, says):
    with pytest.raises(WaterbodemError, match=says):
        layer_set(some(**beside))


def test_absent_is_the_higher_percentile_of_keileem_alone():
    clay = np.full((3, 4), 2.0, np.float32)
    layers = grids.layers({"keileemdiepte": clay})
    ok = layers.assign({"keileemdiepte@p10": (("y", "x"), clay / 2), "keileemdiepte@p90": (("y", "x"), clay * np.inf)})
    assert (moved(layer_set(ok), "keileemdiepte", UP, 1.0).present["keileemdiepte"] == 3.0).all()
    with pytest.raises(WaterbodemError, match="p10 is absent"):
        layer_set(ok.assign({"keileemdiepte@p10": ok["keileemdiepte@p90"]}))


def test_percentiles_are_no_scenario():
    cells = layer_set(some(**{"ghg@p10": 0.2, "ghg@p90": 0.4}))
    assert cells.scenarios == ()
    assert set(cells.present) == {"ghg", "natuur"}
