"""Afwenteling of cells against a slow twin, closed forms and the laws it must obey."""

from __future__ import annotations

import os
from unittest import mock

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import waterbodem as wb
from tests.engine.test_worked_cases import COARSE, SETS, numbers
from tests.support.random_cells import BASIC, FUNCTIES, cell, columns, dataset
from tests.support.twins_edition1 import COMPONENTS, burden_cell, decline_cell, shares_of
from waterbodem.definitions.registry import burden_rules
from waterbodem.engine.burden import burden_arrays
from waterbodem.engine.plan import effective_drains

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")

CELLS = 40
INDICES = ("ruimte", "tijd", "geld", "risico")
LAYERS = (*BASIC, "ghg", "veendikte")
UNITS = {c.id: c.unit for c in burden_rules().components}
seeds = st.integers(0, 2**32 - 1)
ids = st.sampled_from(list(FUNCTIES))
storages = st.sampled_from([0.0, 5.0, 20.0, 80.0, 300.0])
norms = st.sampled_from([None, 0.0, 50.0, 120.0])


def tolerance(name):
    return 1e-2 if UNITS.get(name) in COARSE else 1e-4


def is_noise(twin):
    """Whether a rival or the level of showing is too near to tell, without being equal."""
    shares = sorted(twin["aandelen"].values(), reverse=True)
    rivals = any(1e-9 < shares[0] - s <= 1e-5 for s in shares[1:])
    indices = [twin[n] for n in INDICES]
    return rivals or any(1e-9 < abs(x - 0.20) <= 1e-5 for x in [*indices, *shares]) or 0 < shares[0] < 1e-5


def assert_equal(found, twins):
    for i, twin in enumerate(twins):
        if is_noise(twin):
            continue
        for name in (*COMPONENTS, *INDICES):
            got, want = found[name].values.flat[i], twin[name]
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=tolerance(name), err_msg=f"{name} of {i}")
        assert found["oorzaak"].values.flat[i] == twin["oorzaak"], twin["aandelen"]


@given(seeds, ids, ids, storages, norms, st.sets(st.sampled_from(LAYERS), min_size=1))
def test_every_cell_equals_its_slow_twin(seed, plan, reference, built, norm, layers):
    f, r = FUNCTIES[plan], FUNCTIES[reference]
    arrays = columns(np.random.default_rng(seed), f, sorted(layers), CELLS)
    found = wb.afwenteling(dataset(arrays), f, r, aangelegde_berging_mm=built, bergingseis_mm=norm)
    assert_equal(found, [burden_cell(f, r, cell(arrays, i), built, norm) for i in range(CELLS)])


@given(seeds, ids, storages)
def test_every_cell_has_the_reference_of_its_code(seed, plan, built):
    f, rng = FUNCTIES[plan], np.random.default_rng(seed)
    arrays = columns(rng, f, LAYERS, CELLS)
    codes = rng.choice([1.0, 3.0, 7.0, 9.0, 11.0, 15.0, np.nan], CELLS)
    by_code = {float(x.code): x for x in FUNCTIES.values()}
    raster = xr.DataArray(codes[None, :], dims=("y", "x"))
    found = wb.afwenteling(dataset(arrays), f, raster, built)
    assert_equal(found, [burden_cell(f, by_code.get(codes[i]), cell(arrays, i), built) for i in range(CELLS)])


@given(seeds, ids, st.sampled_from([None, 2040, 2050, 2100, 2126]))
def test_decline_is_that_of_the_worst_scenario_to_be_lived_to_see(seed, plan, year):
    f, rng = FUNCTIES[plan], np.random.default_rng(seed)
    arrays = columns(rng, f, LAYERS, CELLS, unknown=0.1)
    near = {n: columns(rng, f, [n], CELLS, unknown=0.1)[n] for n in ("wateroverlast", "droogte")}
    far = {n: columns(rng, f, [n], CELLS, unknown=0.1)[n] for n in ("kwel", "keileemdiepte")}
    layers = dataset({**arrays, **{f"{n}@a": v for n, v in near.items()}, **{f"{n}@b": v for n, v in far.items()}})
    for n in near:
        layers[f"{n}@a"].attrs.update({} if year is None else {"horizon": year})
    for n in far:
        layers[f"{n}@b"].attrs["horizon"] = 2050
    found = wb.afwenteling(layers, f)
    for i in range(CELLS):
        want = decline_cell(f, cell(arrays, i), [(year, cell(near, i)), (2050, cell(far, i))])
        np.testing.assert_allclose(found.achteruitgang.values[0, i], want, atol=2e-6)


@pytest.mark.parametrize("case", SETS["afwenteling"], ids=lambda c: c["naam"])
def test_the_twin_itself_reproduces_the_worked_cases(case):
    arrays = {n: numbers(v) for n, v in case["lagen"].items()}
    now = {n: v for n, v in arrays.items() if "@" not in n}
    scenarios = sorted({n.partition("@")[2] for n in arrays if "@" in n})
    by_code = {float(f.code): f for f in FUNCTIES.values()}
    for g in case["gevallen"]:
        f, reference = FUNCTIES[g["functie"]], g["referentie"]
        for i in range(len(case["cellen"])):
            r = FUNCTIES[reference] if isinstance(reference, str) else by_code.get(numbers(reference["codes"])[i])
            instead = [
                (
                    case["horizon"].get(s),
                    {n.partition("@")[0]: float(v[i]) for n, v in arrays.items() if n.endswith(f"@{s}")},
                )
                for s in scenarios
            ]
            decline = decline_cell(f, cell(now, i), instead)
            twin = burden_cell(f, r, cell(now, i), g["aangelegde_berging_mm"], decline=decline)
            for name, values in g["verwacht"].items():
                if i not in g["vrij"].get(name, []):
                    want = np.nan if values[i] is None else float(values[i])
                    np.testing.assert_allclose(twin[name], want, rtol=1e-5, atol=1e-5, err_msg=f"{g['functie']} {name}")


# --- laws ------------------------------------------------------------------------------------------------------------


@given(seeds, ids)
def test_a_plan_that_is_its_reference_shifts_nothing(seed, name):
    f = FUNCTIES[name]
    arrays = columns(np.random.default_rng(seed), f, LAYERS, CELLS)
    found = wb.afwenteling(dataset(arrays), f, f)
    for component in COMPONENTS:
        values = found[component].values
        assert (np.isnan(values) | (values == 0)).all()
    assert not found.risico.values.any() and not found.oorzaak.values.any()


@given(seeds, ids, ids)
def test_zetting_and_watervraag_change_sign_when_plan_and_reference_change_places(seed, plan, reference):
    f, r = FUNCTIES[plan], FUNCTIES[reference]
    layers = dataset(columns(np.random.default_rng(seed), f, LAYERS, CELLS))
    there, back = wb.afwenteling(layers, f, r), wb.afwenteling(layers, r, f)
    for name in ("zetting", "watervraag"):
        np.testing.assert_allclose(there[name], -back[name], atol=1e-5)


@given(seeds, ids, ids, storages)
def test_indices_lie_within_0_and_1_and_risico_is_the_largest(seed, plan, reference, built):
    f = FUNCTIES[plan]
    arrays = columns(np.random.default_rng(seed), f, LAYERS, CELLS, unknown=0.4)
    found = wb.afwenteling(dataset(arrays), f, reference, built)
    three = np.stack([found[n].values for n in ("ruimte", "tijd", "geld")])
    known = np.nan_to_num(three)
    assert (known >= 0).all() and (known <= 1).all()
    risico = found.risico.values
    stated = ~np.isnan(risico)
    np.testing.assert_array_equal(risico[stated], known.max(axis=0)[stated])
    hidden = np.isnan(three).any(axis=0) & (known.max(axis=0) < 0.2 - 1e-5)
    np.testing.assert_array_equal(np.isnan(risico), hidden)


@given(seeds, ids, ids, storages)
def test_oorzaak_is_the_component_with_the_largest_share(seed, plan, reference, built):
    f = FUNCTIES[plan]
    arrays = columns(np.random.default_rng(seed), f, LAYERS, CELLS, unknown=0.3)
    found = wb.afwenteling(dataset(arrays), f, reference, built)
    for i in range(CELLS):
        share = shares_of(f, {n: float(found[n].values[0, i]) for n in COMPONENTS})
        cause, risico = int(found.oorzaak.values[0, i]), float(found.risico.values[0, i])
        assert (cause > 0) == (risico >= 1e-6) or abs(risico - 1e-6) < 1e-6
        if cause:
            assert share[COMPONENTS[cause - 1]] >= max(share.values()) - 2e-6
            assert risico == pytest.approx(min(1.0, max(share.values())), abs=1e-4)


@given(seeds, ids, ids)
def test_built_storage_never_adds_to_what_is_shifted(seed, plan, reference):
    layers = dataset(columns(np.random.default_rng(seed), FUNCTIES[plan], LAYERS, CELLS))
    less, more = (wb.afwenteling(layers, plan, reference, mm) for mm in (10.0, 60.0))
    for name in ("afvoer", "verdrongen_berging"):
        assert not (more[name].values > less[name].values).any()
    np.testing.assert_array_equal(less.aanvullingsverlies, more.aanvullingsverlies)


@given(seeds, ids, ids, st.sampled_from(LAYERS))
def test_a_hidden_layer_changes_a_component_into_unknown_or_leaves_it(seed, plan, reference, hidden):
    arrays = columns(np.random.default_rng(seed), FUNCTIES[plan], [n for n in LAYERS if n != "ghg"], CELLS, unknown=0.0)
    before = wb.afwenteling(dataset(arrays), plan, reference)
    after = wb.afwenteling(dataset({**arrays, hidden: np.full(CELLS, np.nan)}), plan, reference)
    for name in COMPONENTS[:8]:
        a, b = after[name].values, before[name].values
        if name != "verdrongen_berging":
            assert (np.isnan(a) | (a == b)).all()


@pytest.mark.parametrize(
    ("component", "layer"),
    [
        ("verdrongen_berging", "wateroverlast"),
        ("grondwaterverlaging", "ghg"),
        ("kwelafvoer", "kwel"),
        ("aanvullingsverlies", "kwel"),
        ("watervraag", "droogte"),
        ("zetting", "zettingsgevoeligheid"),
        ("veenoxidatie", "veendikte"),
    ],
)
@pytest.mark.parametrize("name", FUNCTIES)
def test_an_unknown_layer_makes_its_component_unknown_even_times_zero(name, component, layer):
    arrays = {n: np.array([0.5]) for n in LAYERS} | {layer: np.array([np.nan])}
    found = wb.afwenteling(dataset(arrays), name, name)
    assert np.isnan(found[component].item())


def test_raising_never_lifts_the_drains_that_lie_there():
    f = FUNCTIES["woningbouw"]
    assert effective_drains(f, FUNCTIES["akkerbouw"]) == pytest.approx(0.6)
    assert effective_drains(f, FUNCTIES["natte_natuur"]) == pytest.approx(0.2)
    assert effective_drains(FUNCTIES["natte_natuur"], FUNCTIES["akkerbouw"]) == 0


# --- by hand ---------------------------------------------------------------------------------------------------------


def housing(**values):
    """Woningbouw in place of grassland on one cell."""
    given_ = {"wateroverlast": 0.2, "droogte": 10.0, "keileemdiepte": 1.0, "kwel": 0.2, "zettingsgevoeligheid": 0.1}
    arrays = {n: np.array([v]) for n, v in {**given_, **values}.items()}
    return lambda **extra: wb.afwenteling(dataset(arrays), "woningbouw", **extra)


def test_a_cell_of_housing_on_grassland_by_hand():
    a = housing()()
    opgave = 10 * 80 * (0.55 - 0.01)  # 432 m3/ha
    vermogen = 1e4 * 0.15 * 0.45 * (1 - 0.2 / 0.5) * (1.0 - 0.2)  # 324 m3/ha
    assert a.afvoer.item() == pytest.approx(opgave - vermogen, abs=1e-2) == pytest.approx(108)
    assert a.verdrongen_berging.item() == pytest.approx(1e4 * 0.6 * 0.2)
    assert np.isnan(a.grondwaterverlaging.item())
    assert a.kwelafvoer.item() == pytest.approx(0)
    assert a.aanvullingsverlies.item() == 0  # kwel above 0.1
    assert a.watervraag.item() == pytest.approx(-20)
    assert a.zetting.item() == pytest.approx(0.6 * 0.1 * 0.5 / 0.9)
    zetting = 0.6 * 0.1 * 0.5 / 0.9
    assert a.kosten.item() == pytest.approx(12000 * 0.55 * zetting / 0.30 + 5 * 1308, rel=1e-6)
    assert a.ruimte.item() == 1
    assert a.tijd.item() == pytest.approx(0.9 * zetting / 0.30)
    assert a.geld.item() == pytest.approx(a.kosten.item() / 10000)
    assert a.oorzaak.item() == 2  # the larger of afvoer and verdrongen berging


def test_ghg_takes_the_place_of_kwel_in_the_room_of_the_soil():
    a = housing(ghg=0.6, kwel=np.nan)()
    assert a.afvoer.item() == pytest.approx(432 - 1e4 * 0.15 * 0.45 * (0.6 - 0.2), abs=1e-2)
    assert a.grondwaterverlaging.item() == 0
    assert np.isnan(a.kwelafvoer.item())


def test_drains_that_stay_lower_nothing_and_new_ones_lower_to_their_depth():
    a = wb.afwenteling(dataset({"ghg": np.array([0.1, 0.5, 2.0])}), "akkerbouw")
    np.testing.assert_allclose(a.grondwaterverlaging.values[0], [0.2, 0.1, 0.0], atol=1e-6)


def test_wet_nature_raises_groundwater_by_at_most_half_a_metre():
    a = wb.afwenteling(dataset({"ghg": np.array([-0.1, 0.1, 0.3, 0.6, 2.0])}), "natte_natuur")
    np.testing.assert_allclose(a.grondwaterverlaging.values[0], [0, 0, -0.2, -0.5, -0.5], atol=1e-6)


def test_peat_goes_no_further_than_it_is_thick():
    a = wb.afwenteling(dataset({"veendikte": np.array([0.0, 0.1, 5.0])}), "akkerbouw")
    rate = 0.001 * 15
    want = rate * (23.54 * 2 * 0.6 - 6.68) - rate * (23.54 * 2 * 0.4 - 6.68)
    np.testing.assert_allclose(a.veenoxidatie.values[0], [0, 0, want], atol=1e-6)


def test_an_abstraction_has_no_lowering_and_no_low_risk():
    full = {n: np.array([0.0]) for n in LAYERS}
    a = wb.afwenteling(dataset(full), "drinkwaterwinning")
    assert np.isnan(a.grondwaterverlaging.item()) and np.isnan(a.ruimte.item()) and np.isnan(a.risico.item())
    assert a.oorzaak.item() == 0


def test_a_norm_of_the_water_board_replaces_both():
    a = housing(kwel=1.0)(bergingseis_mm=50.0)
    assert a.afvoer.item() == pytest.approx(10 * 50 * 0.54)


def test_built_storage_serves_afvoer_first_and_displaced_storage_with_the_rest():
    a = housing(kwel=1.0)(aangelegde_berging_mm=60.0)
    assert a.afvoer.item() == 0
    assert a.verdrongen_berging.item() == pytest.approx(1200 - (600 - 432), abs=1e-2)


def test_built_storage_never_turns_a_burden_into_a_relief():
    a = housing(kwel=1.0)(aangelegde_berging_mm=1000.0)
    assert (a.afvoer.item(), a.verdrongen_berging.item()) == (0, 0)


@pytest.mark.parametrize(("a_m3", "v_m", "cause"), [(400.0, 0.04000005, 1), (400.0, 0.04, 1), (400.0, 0.0402, 2)])
def test_the_share_of_the_water_goes_to_the_larger_and_to_afvoer_on_a_tie(a_m3, v_m, cause):
    plan = FUNCTIES["woningbouw"].replace(
        verhardingsgraad=0.51, opgehoogd_aandeel=1.0, ophoging_m=v_m, bergingseis_mm=80, ontwatering_m=0
    )
    arrays = {"wateroverlast": np.array([1.0]), "keileemdiepte": np.array([0.0]), "kwel": np.array([1.0])}
    a = wb.afwenteling(dataset(arrays), plan)
    assert a.afvoer.item() == pytest.approx(a_m3)
    assert a.oorzaak.item() == cause


def test_a_lower_bound_shows_a_burden_but_never_its_absence():
    known = {n: np.array([0.0, 0.0]) for n in ("zettingsgevoeligheid", "droogte")}
    unknown = {"wateroverlast": np.array([np.nan, np.nan])}
    soil = {"keileemdiepte": np.array([np.inf, np.inf]), "kwel": np.array([0.0, 1.0])}
    a = wb.afwenteling(dataset({**known, **unknown, **soil}), "woningbouw")
    np.testing.assert_allclose(a.afvoer.values[0], [0, 432])
    np.testing.assert_allclose(a.ruimte.values[0], [np.nan, 432 / 800])
    np.testing.assert_allclose(a.risico.values[0], [np.nan, 432 / 800])


# --- where a cell lies does not matter -------------------------------------------------------------------------------


def test_the_number_of_threads_does_not_matter():
    arrays = columns(np.random.default_rng(3), FUNCTIES["woningbouw"], LAYERS, 900_001)
    results = []
    for threads in ("1", "2", "3", "7"):
        with mock.patch.dict(os.environ, WATERBODEM_THREADS=threads):
            results.append(burden_arrays(arrays, FUNCTIES["woningbouw"], FUNCTIES["akkerbouw"]))
    assert all(a.tobytes() == b.tobytes() for r in results[1:] for a, b in zip(results[0], r, strict=True))


SMALL = dataset(columns(np.random.default_rng(4), FUNCTIES["woningbouw"], LAYERS, 2500))
CODES = xr.DataArray(np.random.default_rng(5).choice([1.0, 6, 9, np.nan], (1, 2500)), dims=("y", "x"))
WITH_CODES = wb.afwenteling(SMALL, "woningbouw", CODES)


@given(st.tuples(st.integers(0, 2499), st.integers(0, 2499)))
def test_a_window_gives_the_same_bytes_as_the_whole(ends):
    window = {"x": slice(min(ends), max(ends) + 1)}
    alone = wb.afwenteling(SMALL.isel(window), "woningbouw", CODES.isel(window))
    for name in WITH_CODES.data_vars:
        assert alone[name].values.tobytes() == WITH_CODES[name].isel(window).values.tobytes(), name


def test_a_raster_of_one_code_equals_that_functie():
    raster = xr.full_like(CODES, 6.0)
    by_raster, by_name = wb.afwenteling(SMALL, "woningbouw", raster), wb.afwenteling(SMALL, "woningbouw", "akkerbouw")
    for name in by_name.data_vars:
        assert by_raster[name].values.tobytes() == by_name[name].values.tobytes(), name


@pytest.mark.parametrize("code", [0, 16, 99, 1.5, np.inf, -1])
def test_an_unknown_code_is_an_error_that_names_it(code):
    raster = xr.full_like(CODES, 7.0)
    raster[0, 3] = code
    with pytest.raises(wb.WaterbodemError, match=f"{code}"):
        wb.afwenteling(SMALL, "woningbouw", raster)


def test_codes_may_be_integers():
    a = wb.afwenteling(SMALL, "woningbouw", xr.full_like(CODES, 7).astype(np.uint8))
    np.testing.assert_array_equal(a.risico, wb.afwenteling(SMALL, "woningbouw").risico)
