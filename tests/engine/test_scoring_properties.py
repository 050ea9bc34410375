"""Scores, classes and losses against slow twins and against the laws they must obey."""

from __future__ import annotations

import math
import os
from unittest import mock

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from numba import njit

import waterbodem as wb
from tests.support.random_cells import (
    BASIC,
    FUNCTIES,
    LAYERS,
    METHODS,
    OPTIONAL,
    cell,
    columns,
    dataset,
    simple,
    special,
)
from tests.support.twins.functie import plain
from tests.support.twins.klasse import BORDERS, FATAL, fired, klasse, score_cell, worst_heavy
from tests.support.twins.layers import with_gvg
from tests.support.twins.rewetting import rewetted
from tests.support.twins.score import best_score, combine, criterion_score, taking_part
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.rewetting import CAUSES, rewets
from waterbodem.engine.scoring import score_arrays
from waterbodem.kernels import float32
from waterbodem.kernels._compile.records import places_of

CELLS = 40
EXACT = ("klasse", "bepalend", "vlaggen")
CLOSE = ("geschiktheid", "dekking", "score_min", "score_max")
seeds = st.integers(0, 2**32 - 1)
functies = st.sampled_from(list(FUNCTIES))
methods = st.sampled_from(METHODS)
some_layers = st.sets(st.sampled_from(LAYERS), min_size=1)


def near(x, borders, reach=1e-5, exact=1e-9):
    """Whether x lies close to a border without lying on it."""
    return any(exact < abs(x - b) <= reach for b in borders)


def klasse_is_noise(twin):
    borders = BORDERS.values()
    return near(twin["geschiktheid"], borders) or near(twin["slechtste"], [*borders, FATAL])


def bepalend_is_noise(twin):
    losses = twin["verliezen"]
    gaps = [abs(losses[0] - v) for v in losses[1:]] if losses else []
    if near(twin["slechtste"], [FATAL]):
        return True
    return any(1e-9 < g <= 1e-5 for g in gaps) or (bool(losses) and 1e-9 < losses[0] <= 1e-5)


NOISE = {"klasse": klasse_is_noise, "bepalend": bepalend_is_noise, "vlaggen": lambda _: False}


def differences(found, twins):
    for i, twin in enumerate(twins):
        for name in CLOSE:
            np.testing.assert_allclose(found[name].values[0, i], twin[name], atol=2e-6, err_msg=f"{name} of cell {i}")
        for name in EXACT:
            if not NOISE[name](twin):
                assert found[name].values[0, i] == twin[name], f"{name} of cell {i}: {twin}"


@given(seeds, functies, methods, some_layers)
def test_every_cell_equals_its_slow_twin(seed, name, method, layers):
    functie, (methode, orness) = FUNCTIES[name], method
    arrays = columns(np.random.default_rng(seed), functie, sorted(layers), CELLS)
    found = wb.geschiktheid(dataset(arrays), functie, methode, orness, interval=True)
    twins = [score_cell(plain(functie), cell(arrays, i), methode, orness) for i in range(CELLS)]
    assert list(found.attrs["criteria"]) == twins[0]["criteria"]
    differences(found, twins)


def lone(functie, layer, values):
    """Score by one layer alone, by the method that adds nothing to it."""
    out = wb.geschiktheid(dataset({layer: values}), functie, "gemiddelde")
    return out.geschiktheid.values[0]


@pytest.mark.parametrize("name", FUNCTIES)
def test_a_curve_is_exact_at_its_points_and_constant_outside(name):
    functie = FUNCTIES[name]
    for layer, criterion in functie.criteria.items():
        if any(layer in g.leden for g in functie.groepen):
            continue
        x, y = np.array(criterion.curve).T
        values = np.array([x[0] - 1, *x, x[-1] + 1], np.float32)
        np.testing.assert_allclose(lone(functie, layer, values), [y[0], *y, y[-1]], atol=2e-7)


@pytest.mark.parametrize("name", FUNCTIES)
def test_a_threshold_fires_exactly_on_its_side_of_its_value(name):
    functie = FUNCTIES[name]
    for i, t in enumerate(functie.drempels):
        at = np.float32(t.waarde)
        values = np.array([np.nextafter(at, np.float32(-99)), at, np.nextafter(at, np.float32(99)), np.nan])
        want = {">=": [0, 1, 1, 0], ">": [0, 0, 1, 0], "<": [1, 0, 0, 0], "<=": [1, 1, 0, 0], "==": [0, 1, 0, 0]}
        arrays = as_rows({layer: np.full(4, np.nan) for layer in BASIC} | {t.laag: values})
        found = score_arrays(arrays, functie, wanted=("flags", "klasse", "score"))
        assert (found["flags"][0] >> i & 1).tolist() == want[t.operator]
        fired_here = np.array(want[t.operator], bool)
        if t.gevolg != "aandacht":
            assert (found["klasse"][0][fired_here] == 5).all()
        if t.gevolg == "uitsluiten":
            assert (found["score"][0][fired_here] == 0).all()


@pytest.mark.parametrize("wrong", [np.ones(4), np.ones(8, np.float32)[::2], np.ones(3, np.float32)])
def test_kernels_take_the_place_of_contiguous_singles_of_one_size_only(wrong):
    """They read what lies there, whatever it is."""
    many = np.ones(8, np.float32)
    right = many[:4]
    assert places_of([right, many[4:], many[:0]], 4).tolist() == [many.ctypes.data, many.ctypes.data + 16, 0]
    with pytest.raises(TypeError):
        places_of([right, wrong], 4)


# --- accuracy --------------------------------------------------------------------------------------------------------


@njit
def over(function, x):
    """What a part of a kernel gives for every number."""
    return np.array([function(v) for v in x])


def test_log_is_accurate_over_every_score():
    x = np.linspace(0.01, 1, 10_001).astype(np.float32)
    got = over(float32.log, x)
    assert np.abs(got - np.log(x.astype(np.float64))).max() < 4e-7
    assert got[-1] == 0


def test_exp_is_accurate_over_every_loss():
    x = np.linspace(math.log(0.01), 0, 20_001).astype(np.float32)
    got = over(float32.exp, x).astype(np.float64)
    want = np.exp(x.astype(np.float64))
    assert (np.abs(got - want) / want).max() < 1.5e-7
    assert got[-1] == 1


def double_mean(functie, arrays):
    """The weighted geometric mean in double precision, without groups and without unknowns."""
    total = sum(c.gewicht for c in functie.criteria.values())
    logs = 0.0
    for layer, c in functie.criteria.items():
        x, y = np.array(c.curve).T
        v = arrays[layer].astype(np.float64)
        s = np.where(np.isposinf(v), c.score_afwezig if c.score_afwezig is not None else y[-1], np.interp(v, x, y))
        logs = logs + c.gewicht / total * np.log(np.maximum(s, 0.01))
    return np.exp(logs)


@pytest.mark.parametrize("name", ["woningbouw", "akkerbouw", "drinkwaterwinning", "waterberging"])
def test_the_geometric_mean_of_a_million_cells_is_within_2e_7(name):
    functie = FUNCTIES[name]
    arrays = columns(np.random.default_rng(1), functie, BASIC, 1_000_000, unknown=0.0)
    found = score_arrays({n: a[None, :] for n, a in arrays.items()}, functie, wanted=("score",))["score"][0]
    keep = ~np.isin(found, [0.0])
    assert np.abs(found[keep] - double_mean(functie, arrays)[keep]).max() < 2e-7


# --- laws ------------------------------------------------------------------------------------------------------------


@given(seeds, functies, methods, some_layers)
def test_unknown_is_never_green(seed, name, method, layers):
    functie, (methode, orness) = FUNCTIES[name], method
    arrays = columns(np.random.default_rng(seed), functie, sorted(layers), CELLS, unknown=0.5)
    k = wb.geschiktheid(dataset(arrays), functie, methode, orness)
    basis = np.array([score_cell(functie, cell(arrays, i))["basis"] for i in range(CELLS)])
    green = (k.klasse.values[0] != 0) & (k.klasse.values[0] != 5)
    assert not (green & (basis < 0.6 - 1e-5)).any()
    assert (k.klasse.values[0][k.dekking.values[0] == 0] % 5 == 0).all()
    np.testing.assert_array_equal(np.isnan(k.geschiktheid.values), (k.dekking.values == 0) & ~excluded(k, functie))


def excluded(k, functie):
    bits = sum(1 << i for i, t in enumerate(functie.drempels) if t.gevolg == "uitsluiten")
    return (k.vlaggen.values & bits) != 0


def unwetted(functie):
    """The same functie without a streefpeil: what is hidden then changes no groundwater level."""
    kept = {n: p for n, p in functie.parameters.items() if n != "streefpeil_m"}
    return functie.model_copy(update={"parameters": kept})


@given(seeds, functies, st.sampled_from(LAYERS))
def test_hiding_a_layer_never_turns_unknown_into_an_answer(seed, name, hidden):
    functie = unwetted(FUNCTIES[name])
    arrays = columns(np.random.default_rng(seed), functie, LAYERS, CELLS, unknown=0.4)
    before = wb.geschiktheid(dataset(arrays), functie)
    after = wb.geschiktheid(dataset({**arrays, hidden: np.full(CELLS, np.nan)}), functie)
    assert (after.klasse.values[before.klasse.values == 0] == 0).all()
    assert (after.dekking.values <= before.dekking.values + 1e-6).all()


@given(seeds, functies, st.sampled_from(OPTIONAL))
def test_an_unknown_optional_layer_never_raises_dekking(seed, name, extra):
    """But as a member of a group: its weight goes to that, and the group is unknown unless good enough already."""
    functie = FUNCTIES[name]
    assume(all(extra not in g.leden for g in functie.groepen))
    arrays = columns(np.random.default_rng(seed), functie, BASIC, CELLS, unknown=0.3)
    without = wb.geschiktheid(dataset(arrays), functie)
    with_it = wb.geschiktheid(dataset({**arrays, extra: np.full(CELLS, np.nan)}), functie)
    assert (with_it.dekking.values <= without.dekking.values + 1e-6).all()
    np.testing.assert_array_equal(with_it.klasse.values == 0, without.klasse.values == 0)


def monotone_part(functie, layer, rng, count):
    """Pairs of values of which the second is scored no better by the curve of the layer."""
    x, y = np.array(functie.all_criteria[layer].curve).T
    a, b = rng.uniform(x[0] - 1, x[-1] + 1, (2, count)).astype(np.float32)
    worse = np.interp(b, x, y) <= np.interp(a, x, y)
    return np.where(worse, a, b), np.where(worse, b, a)


@given(seeds, functies, methods, st.sampled_from(BASIC))
def test_a_worse_input_never_raises_the_score_nor_betters_the_class(seed, name, method, layer):
    functie, (methode, orness) = FUNCTIES[name], method
    rng = np.random.default_rng(seed)
    arrays = columns(rng, functie, LAYERS, CELLS, unknown=0.0)
    good, bad = monotone_part(functie, layer, rng, CELLS)
    bare = unwetted(functie).model_copy(update={"drempels": ()})
    better = wb.geschiktheid(dataset({**arrays, layer: good}), bare, methode, orness)
    worse = wb.geschiktheid(dataset({**arrays, layer: bad}), bare, methode, orness)
    assert (worse.geschiktheid.values <= better.geschiktheid.values + 1e-6).all()
    near_border = np.abs(better.geschiktheid.values[..., None] - [0.2, 0.4, 0.6, 0.8]).min(-1) < 1e-5
    assert ((worse.klasse.values >= better.klasse.values) | near_border).all()


@given(seeds, functies, methods, some_layers)
def test_loss_shares_add_up_to_one_minus_the_score(seed, name, method, layers):
    functie, (methode, orness) = FUNCTIES[name], method
    arrays = columns(np.random.default_rng(seed), functie, sorted(layers), CELLS)
    stacked = {n: a[None, :].astype(np.float32) for n, a in arrays.items()}
    found = score_arrays(stacked, functie, methode, orness, ("score", "loss"))
    np.testing.assert_allclose(found["loss"].sum(axis=0), 1 - found["score"][0], atol=1e-6)


@given(seeds, functies, some_layers)
def test_loss_shares_equal_the_twin(seed, name, layers):
    functie = FUNCTIES[name]
    arrays = columns(np.random.default_rng(seed), functie, sorted(layers), CELLS)
    found = score_arrays({n: a[None, :] for n, a in arrays.items()}, functie, wanted=("loss",))["loss"]
    for i in range(CELLS):
        twin = score_cell(plain(functie), cell(arrays, i))
        if twin["bekend"] or twin["drempel"]:
            np.testing.assert_allclose(found[:, i], [*twin["verlies"], twin["drempel"]], atol=2e-6)
        else:
            assert np.isnan(found[:-1, i]).all(), "no score, no loss"


@given(seeds, functies, methods, some_layers)
def test_the_interval_holds_the_score(seed, name, method, layers):
    functie, (methode, orness) = FUNCTIES[name], method
    arrays = columns(np.random.default_rng(seed), functie, sorted(layers), CELLS, unknown=0.4)
    k = wb.geschiktheid(dataset(arrays), functie, methode, orness, interval=True)
    s = k.geschiktheid.values[k.dekking.values > 0]
    assert (k.score_min.values[k.dekking.values > 0] <= s + 5e-7).all()
    assert (k.score_max.values[k.dekking.values > 0] >= s - 5e-7).all()
    assert not np.isnan(k.score_min.values).any() and not np.isnan(k.score_max.values).any()


@given(seeds, functies, methods, st.sets(st.sampled_from(OPTIONAL)))
def test_the_classes_of_the_interval_bracket_whatever_the_unknown_turns_out_to_be(seed, name, method, extra):
    """Where no threshold fires on what was unknown, and a functie that rewets knows what its rise depends on."""
    functie, (methode, orness) = FUNCTIES[name], method
    rng, layers = np.random.default_rng(seed), [*BASIC, *sorted(extra)]
    arrays = columns(rng, functie, layers, CELLS, unknown=0.4)
    wanted = ("klasse_min", "klasse_max", "score_min", "score_max", "flags")
    bounds = score_arrays(as_rows(arrays), functie, methode, orness, wanted)
    real = columns(rng, functie, layers, CELLS, unknown=0.0)
    filled = {n: np.where(np.isnan(a), real[n], a) for n, a in arrays.items()}
    k = score_arrays(as_rows(filled), functie, methode, orness, ("score", "klasse", "flags"))
    causes = [np.isnan(arrays[n]) for n in CAUSES if n in arrays and rewets(functie)]
    told = (k["flags"] == bounds["flags"]) & ~np.logical_or.reduce([np.zeros(CELLS, bool), *causes])
    assert (bounds["klasse_max"] <= k["klasse"])[told].all()
    assert (k["klasse"] <= bounds["klasse_min"])[told].all()
    assert (bounds["score_min"] <= k["score"] + 1e-6)[told].all()
    assert (bounds["score_max"] >= k["score"] - 1e-6)[told].all()


@given(seeds, functies, methods, some_layers)
def test_the_classes_of_the_interval_are_those_of_the_rule(seed, name, method, layers):
    """Section 7: section 4 on score_min or score_max, cap and fatal criterion too, no X; what is known fires."""
    functie, (methode, orness) = plain(FUNCTIES[name]), method
    arrays = columns(np.random.default_rng(seed), FUNCTIES[name], sorted(layers), CELLS, unknown=0.4)
    wanted = ("klasse_min", "klasse_max", "score_min", "score_max")
    found = score_arrays(as_rows(arrays), FUNCTIES[name], methode, orness, wanted)
    for i in range(CELLS):
        values = rewetted(functie, with_gvg(cell(arrays, i)))
        criteria, numbers = taking_part(functie, values), fired(functie, values)
        scores = [criterion_score(functie, c, values) for c in criteria]
        low = [0.0 if math.isnan(x) else x for x in scores]
        high = [best_score(functie, c, values) for c in criteria]
        for variable, chosen in (("klasse_min", low), ("klasse_max", high)):
            s, worst = combine(criteria, chosen, methode, orness), worst_heavy(criteria, chosen)
            if not near(s, BORDERS.values()) and not near(worst, [*BORDERS.values(), FATAL]):
                want = klasse(functie, values, float(np.float32(s)), worst, 1.0, numbers)
                assert found[variable][0, i] == want, (variable, values)


def as_rows(arrays):
    return {n: np.ascontiguousarray(a[None, :], np.float32) for n, a in arrays.items()}


# --- where a cell lies does not matter -------------------------------------------------------------------------------


def landscape(shape=(61, 83), seed=5):
    """Random layers on a small grid with coordinates."""
    functie = FUNCTIES["woningbouw"]
    arrays = columns(np.random.default_rng(seed), functie, LAYERS, shape[0] * shape[1])
    y, x = 1000.0 - 10 * np.arange(shape[0]), 500.0 + 10 * np.arange(shape[1])
    data = {n: (("y", "x"), a.reshape(shape)) for n, a in arrays.items()}
    return xr.Dataset(data, coords={"y": y, "x": x})


def assert_same_bytes(a, b):
    assert set(a.data_vars) == set(b.data_vars)
    for name in a.data_vars:
        assert a[name].values.tobytes() == b[name].values.tobytes(), name


WHOLE = landscape()
ANSWERS = {
    (name, methode): wb.geschiktheid(WHOLE, name, methode, orness, interval=True)
    for name, (methode, orness) in zip(["woningbouw", "natte_natuur", "akkerbouw"] * 2, METHODS, strict=False)
}


@given(st.sampled_from(list(ANSWERS)), st.tuples(*[st.integers(0, 60)] * 2), st.tuples(*[st.integers(0, 82)] * 2))
def test_a_window_gives_the_same_bytes_as_the_whole(case, rows, cols):
    window = {"y": slice(min(rows), max(rows) + 1), "x": slice(min(cols), max(cols) + 1)}
    name, methode = case
    orness = dict(METHODS)[methode] if methode != "owa" else ANSWERS[case].attrs["orness"]
    alone = wb.geschiktheid(WHOLE.isel(window), name, methode, orness, interval=True)
    assert_same_bytes(alone, ANSWERS[case].isel(window))


def fortran(a):
    return np.asfortranarray(a)


def strided(a):
    wide = np.full((a.shape[0] * 2, a.shape[1] * 3), -7.0, a.dtype)
    wide[::2, ::3] = a
    return wide[::2, ::3]


def backwards(a):
    return a[::-1, ::-1].copy()[::-1, ::-1]


@pytest.mark.parametrize("form", [fortran, strided, backwards, np.float64, lambda a: a.astype(">f4")])
def test_memory_layout_and_type_do_not_matter(form):
    other = WHOLE.copy(data={n: form(WHOLE[n].values) for n in WHOLE.data_vars})
    assert_same_bytes(wb.geschiktheid(other, "natte_natuur"), wb.geschiktheid(WHOLE, "natte_natuur"))


def test_dimensions_in_the_other_order_do_not_matter():
    got = wb.geschiktheid(WHOLE.transpose("x", "y"), "woningbouw")
    assert_same_bytes(got, wb.geschiktheid(WHOLE, "woningbouw"))


def test_integers_are_numbers():
    whole = xr.Dataset({n: (("y", "x"), np.arange(12).reshape(3, 4) % 5) for n in BASIC})
    got = wb.geschiktheid(whole, "akkerbouw")
    assert_same_bytes(got, wb.geschiktheid(whole.astype(np.float64), "akkerbouw"))


@pytest.fixture(scope="module")
def large():
    arrays = columns(np.random.default_rng(8), FUNCTIES["woningbouw"], (*BASIC, "ghg"), 1_500_007)
    return {n: a.reshape(1, -1) for n, a in arrays.items()}


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("name", ["woningbouw", "natte_natuur"])
def test_the_number_of_threads_does_not_matter(large, threads, name):
    wanted = ("score", "klasse", "bepalend", "dekking", "flags", "known", "loss", "score_min", "score_max")
    with mock.patch.dict(os.environ, WATERBODEM_THREADS="1"):
        one = score_arrays(large, FUNCTIES[name], wanted=wanted)
    with mock.patch.dict(os.environ, WATERBODEM_THREADS=str(threads)):
        many = score_arrays(large, FUNCTIES[name], wanted=wanted)
    assert all(one[w].tobytes() == many[w].tobytes() for w in wanted)


def test_inputs_are_left_as_they_were():
    before = {n: a.values.copy() for n, a in WHOLE.data_vars.items()}
    wb.geschiktheid(WHOLE, "woningbouw", interval=True)
    for n, a in before.items():
        np.testing.assert_array_equal(WHOLE[n].values, a)


# --- borders, by hand ------------------------------------------------------------------------------------------------


def five(*values):
    return dataset({n: np.array([v]) for n, v in zip(BASIC, values, strict=True)})


@pytest.mark.parametrize(("s", "klasse"), [(0.8, 1), (0.6, 2), (0.4, 3), (0.2, 4), (0.0, 5)])
@pytest.mark.parametrize("methode", ["meetkundig", "gemiddelde", "minimum"])
def test_a_score_on_a_border_has_the_better_class(s, klasse, methode):
    assert wb.geschiktheid(five(s, s, s, s, s), simple(), methode).klasse.item() == klasse
    below = s - 2e-5
    if s:
        assert wb.geschiktheid(five(*[below] * 5), simple(), methode).klasse.item() == klasse + 1


@pytest.mark.parametrize(("worst", "klasse"), [(0.8, 1), (0.7, 1), (0.6, 1), (0.59, 2), (0.4, 2), (0.39, 3), (0.2, 3)])
def test_the_class_is_at_most_one_better_than_the_worst_criterion(worst, klasse):
    got = wb.geschiktheid(five(worst, 1, 1, 1, 1), simple(), "gemiddelde")
    assert got.geschiktheid.item() > 0.8
    assert got.klasse.item() == klasse


def test_a_light_criterion_does_not_cap():
    light = simple((5, 30, 25, 20, 20))
    assert wb.geschiktheid(five(0, 1, 1, 1, 1), light, "gemiddelde").klasse.item() == 1


def test_a_criterion_of_exactly_a_tenth_does_cap():
    functie = simple((1, 3, 3, 2, 1))
    assert wb.geschiktheid(five(0.1, 1, 1, 1, 1), functie, "gemiddelde").klasse.item() == 4
    assert wb.geschiktheid(five(0.1, 1, 1, 1, 1), functie, "minimum").geschiktheid.item() == pytest.approx(0.1)


@pytest.mark.parametrize(("worst", "klasse"), [(0.05, 4), (0.05 - 5e-7, 4), (0.0499, 5), (0.0, 5)])
def test_a_heavy_criterion_below_a_twentieth_is_fatal(worst, klasse):
    k = wb.geschiktheid(five(1, 0.9, worst, 1, 1), simple((10, 10, 1, 1, 1)), "gemiddelde")
    assert k.klasse.item() == 1, "too light to be fatal"
    k = wb.geschiktheid(five(1, 0.9, worst, 1, 1), simple(), "gemiddelde")
    assert k.geschiktheid.item() > 0.7, "the score is kept"
    assert (k.klasse.item(), k.bepalend.item()) == (klasse, 2)


def test_a_fatal_criterion_makes_a_no_of_an_unknown():
    assert wb.geschiktheid(five(np.nan, np.nan, 0.2, 0.04, np.nan), simple()).klasse.item() == 5


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ((1, 0.06, 0.04, 1, 1), 2),  # fatal, though the other has the larger loss
        ((1, 0.06, 0.05, 1, 0.0), 1),  # not fatal, or too light to be: the largest loss
        ((1, 0.04, 0.04 - 5e-7, 1, 1), 1),  # the first within the margin of the lowest
        ((1, 0.04, 0.04 - 2e-6, 1, 1), 2),
    ],
)
def test_a_fatal_criterion_is_what_limits(values, limits):
    assert wb.geschiktheid(five(*values), simple((1, 9, 3, 6, 1))).bepalend.item() == limits


@pytest.mark.parametrize(
    ("first", "third", "limits"), [(0, 1.5e-6, 1), (0, 2.5e-6, 2), (0.9e-6, 1.8e-6, 0), (0.7e-6, 1.8e-6, 1)]
)
def test_the_first_within_the_margin_of_the_largest_loss_limits(first, third, limits):
    """Not the first that nothing after it passes by more than the margin."""
    values = (math.exp(-loss / 0.2) for loss in (first, 0.9e-6, third, 0, 0))
    assert wb.geschiktheid(five(*values), simple()).bepalend.item() == limits


@pytest.mark.parametrize(
    ("hoogstens", "zonder", "klasse"), [("C1", {}, 3), ("", {"ghg": "C2"}, 4), ("C1", {"kwel": "D"}, 3), ("", {}, 1)]
)
def test_a_functie_caps_itself_and_what_it_must_do_without(hoogstens, zonder, klasse):
    functie = simple(hoogstens=hoogstens, zonder=zonder)
    assert wb.geschiktheid(five(1, 1, 1, 1, 1), functie).klasse.item() == klasse
    assert wb.geschiktheid(five(1, np.nan, np.nan, np.nan, 1), functie).klasse.item() == 0, "X stays X"
    assert wb.geschiktheid(five(0.3, 0.3, 0.3, 0.3, 0.3), simple(hoogstens="A")).klasse.item() == 4


def test_a_derived_gvg_is_in_the_data():
    without, functie = five(1, 1, 1, 1, 1), simple(zonder={"gvg": "C1"})
    with_it = without.assign(ghg=without.kwel, glg=without.kwel)
    assert [wb.geschiktheid(layers, functie).klasse.item() for layers in (without, with_it)] == [3, 1]


def test_a_scenario_derives_gvg_from_its_own_levels_and_the_present_one_it_has_none_of():
    values = {**dict(zip(BASIC, (0.1, 0.1, 5.0, 0.8, 0.0), strict=True)), "ghg": 0.4, "glg": 1.2}
    base = dataset({n: np.array([v]) for n, v in values.items()})
    cells = layer_set(base.assign({"glg@droog": base.glg + 1}))
    of_hand = [layer_set(base.assign(gvg=0 * base.ghg + gvg)).present for gvg in (0.614, 0.804)]
    derived = [cells.present, cells.with_scenario(cells.scenarios[0])]
    now, then = (score_arrays(layers, NATURE, wanted=("score",))["score"].item() for layers in derived)
    by_hand = [score_arrays(layers, NATURE, wanted=("score",))["score"].item() for layers in of_hand]
    assert [now, then] == pytest.approx(by_hand, abs=1e-6)
    assert now > then + 0.01


def test_three_fifths_known_is_just_enough():
    nan = np.nan
    assert wb.geschiktheid(five(1, 1, 1, nan, nan), simple()).klasse.item() == 1
    assert wb.geschiktheid(five(1, 1, nan, nan, nan), simple()).klasse.item() == 0


def test_nothing_known_has_no_score_but_an_interval():
    k = wb.geschiktheid(five(*[np.nan] * 5), simple(), interval=True)
    assert np.isnan(k.geschiktheid.item())
    assert (k.dekking.item(), k.klasse.item(), k.bepalend.item()) == (0, 0, 255)
    assert k.score_min.item() == pytest.approx(0.01, rel=1e-6)
    assert k.score_max.item() == 1


def test_equal_losses_name_the_first_criterion():
    assert wb.geschiktheid(five(1, 0.5, 0.5, 1, 0.5), simple()).bepalend.item() == 1


def test_no_loss_names_no_criterion():
    assert wb.geschiktheid(five(1, 1, 1, 1, 1), simple()).bepalend.item() == 255


@pytest.mark.parametrize("q", [0.2, 0.5, 0.8])
def test_order_weights_follow_their_closed_form(q):
    values, p = (1.0, 0.8, 0.6, 0.4, 0.2), (1 - q) / q
    by_hand = sum((((k + 1) / 5) ** p - (k / 5) ** p) * v for k, v in enumerate(values))
    got = wb.geschiktheid(five(*values), simple(), "owa", q).geschiktheid.item()
    assert got == pytest.approx(by_hand, abs=1e-6)


def test_orness_of_a_half_is_the_mean():
    assert wb.geschiktheid(five(1, 0.8, 0.6, 0.4, 0.2), simple(), "owa", 0.5).geschiktheid.item() == pytest.approx(0.6)


NATURE = FUNCTIES["natte_natuur"]


@pytest.mark.parametrize(
    ("kwel", "keileem", "known"),
    [(0.1, np.nan, True), (0.05, np.nan, False), (np.nan, 2.0, True), (np.nan, 2.1, False)],
)
def test_a_group_with_an_unknown_member_is_known_from_sixty_percent(kwel, keileem, known):
    data = five(0.25, 0.3, 0.0, keileem, kwel)
    k = wb.geschiktheid(data, NATURE, interval=True)
    assert k.dekking.item() == pytest.approx(1.0 if known else 0.55, abs=1e-6)
    assert k.score_max.item() == pytest.approx(1.0, abs=1e-6)
    assert k.score_min.item() == pytest.approx(0.6**0.45 if known else 0.01**0.45, abs=1e-6)


def test_a_group_stands_where_its_first_member_stands():
    names = wb.geschiktheid(five(*[0.5] * 5), NATURE).attrs["criteria"]
    assert list(names) == ["zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte+kwel"]


def test_special_values_cover_every_curve_point():
    assert {0.5, 0.1} <= set(special(FUNCTIES["woningbouw"], "zettingsgevoeligheid"))
