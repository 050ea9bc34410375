"""The row of a polygon: its answer rule by rule, quantiles, losses, volumes, and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import waterbodem as wb
from tests.support.grids import box, even, layers, shape
from tests.support.random_cells import BASIC, FUNCTIES, columns, simple
from tests.support.twins.burden import burden_cell
from tests.support.twins.components import Scenario
from tests.support.twins.functie import plain, plain_functies
from tests.support.twins.klasse import score_cell
from tests.support.twins.polygon import Covered, polygon_row
from tests.support.twins.reference import reference_of

BORDERS = (0.80, 0.60, 0.40, 0.20)

#: A functie whose score is the value of the layers, made D by bodemdaling above 0.4 whatever the score.
PLAIN = simple(drempels=({"laag": "bodemdaling", "operator": ">", "waarde": 0.4, "gevolg": "nee_tenzij"},))
NAN = float("nan")


def rows(scores, sinking=None):
    """A dataset of one row of cells with these scores; those in ``sinking`` are D."""
    flat = np.array([scores], np.float32)
    data = dict.fromkeys(BASIC, flat)
    fall = np.zeros_like(flat)
    fall[0, list(sinking or [])] = 1
    return layers({**data, "bodemdaling": fall})


def row(scores, sinking=None, place=None):
    data = rows(scores, sinking)
    return wb.per_gebied(data, PLAIN, place or box(0, 0, len(scores), 1)).iloc[0]


@pytest.mark.parametrize(
    ("scores", "antwoord"),
    [
        ([0.9] * 6 + [0.65] * 4, "A"),  # mean exactly 0.80
        ([0.899] * 6 + [0.65] * 4, "B"),
        ([0.7] * 6 + [0.45] * 4, "B"),  # exactly 0.60
        ([0.699] * 6 + [0.45] * 4, "C1"),
    ],
)
def test_rule_a_the_class_of_the_mean_score(scores, antwoord):
    assert row(scores).antwoord == antwoord


@pytest.mark.parametrize(
    ("scores", "antwoord"),
    [
        ([1.0] * 5 + [0.79] * 5, "B"),  # exactly half
        ([1.0] * 6 + [0.79] * 4, "A"),
        ([1.0] * 5 + [0.79] * 3 + [0.59] * 2, "B"),  # half with the worse ones
        ([1.0] * 5 + [0.59] * 5, "C1"),
    ],
)
def test_rule_b_the_worst_class_on_half_of_the_area(scores, antwoord):
    assert row(scores).antwoord == antwoord


@pytest.mark.parametrize(
    ("scores", "antwoord"),
    [
        ([1.0] * 9 + [0.3], "C1"),  # exactly a tenth
        ([1.0] * 10 + [0.3], "A"),
        ([1.0] * 9 + [0.1], "C2"),
        ([1.0] * 9 + [0.5], "B"),
        ([1.0] * 18 + [0.5, 0.1], "B"),  # a tenth with the worse ones
    ],
)
def test_rule_c_one_better_than_the_worst_class_on_a_tenth(scores, antwoord):
    assert row(scores).antwoord == antwoord


@pytest.mark.parametrize(("count", "antwoord"), [(100, "B"), (101, "A")])
def test_rule_d_one_percent_of_no_is_no_plain_yes(count, antwoord):
    assert row([1.0] * count, sinking=[0]).antwoord == antwoord


def test_rule_d_counts_the_part_of_the_cell_that_lies_inside():
    place = shape((0.011, 0), (100, 0), (100, 1), (0.011, 1))
    assert row([1.0] * 100, sinking=[0], place=place).antwoord == "A"
    assert row([1.0] * 100, sinking=[0]).aandeel_D == pytest.approx(0.01)


@pytest.mark.parametrize(("known", "antwoord"), [(6, "A"), (5, "X")])
def test_sixty_percent_of_the_area_must_be_assessed(known, antwoord):
    assert row([1.0] * known + [NAN] * (10 - known)).antwoord == antwoord
    assert row([1.0] * known, place=box(0, 0, 10, 1)).antwoord == antwoord  # the rest outside the data


def test_just_under_sixty_percent_is_unknown():
    assert row([1.0] * 6 + [NAN] * 4, place=box(0.001, 0, 10, 1)).antwoord == "X"


@pytest.mark.parametrize(
    ("cap", "scores", "antwoord"),
    [("C1", [1.0] * 10, "C1"), ("C1", [0.3] * 10, "C2"), ("", [1.0] * 10, "A"), ("B", [0.7] * 10, "B")],
)
def test_rule_e_a_functie_may_allow_no_better(cap, scores, antwoord):
    functie = PLAIN.model_copy(update={"hoogstens": cap})
    found = wb.per_gebied(rows(scores), functie, box(0, 0, 10, 1)).iloc[0]
    assert (found.antwoord, found.antwoord_min, found.antwoord_max) == (antwoord,) * 3


def test_a_functie_that_allows_no_better_still_is_unknown_where_too_little_is_known():
    functie = PLAIN.model_copy(update={"hoogstens": "C1"})
    found = wb.per_gebied(rows([1.0] * 5 + [NAN] * 5), functie, box(0, 0, 10, 1)).iloc[0]
    assert (found.antwoord, found.antwoord_min, found.antwoord_max) == ("X", "D", "C1")


def test_what_turns_out_the_same_either_way_is_an_answer():
    functie = PLAIN.model_copy(update={"hoogstens": "D"})
    found = wb.per_gebied(rows([1.0] * 5 + [NAN] * 5), functie, box(0, 0, 10, 1)).iloc[0]
    assert (found.antwoord, found.antwoord_min, found.antwoord_max) == ("D", "D", "D")
    assert found.beoordeeld_ha == pytest.approx(0.05)


def test_half_of_no_settles_it_whatever_the_rest_is():
    found = row([NAN] * 10, sinking=range(5))  # 50 % assessed, all of it D: with the best of the rest still half
    assert (found.antwoord, found.antwoord_max, found.beoordeeld_ha) == ("D", "D", pytest.approx(0.05))
    found = row([NAN] * 10, sinking=range(4))  # D on 40 %: at best C2 by rule c
    assert (found.antwoord, found.antwoord_max) == ("X", "C2")


def test_nothing_known_and_nothing_certain_is_unknown():
    found = row([NAN] * 10)
    assert (found.antwoord, found.antwoord_min, found.antwoord_max) == ("X", "D", "A")


def test_without_any_score_the_classes_alone_answer():
    found = row([NAN] * 10, sinking=range(10))
    assert found.antwoord == "D"
    assert np.isnan(found.score) and np.isnan(found.score_p50)
    assert found.bepalend == ""


def test_a_mixed_polygon_without_scores_keeps_its_borders():
    found = row([NAN] * 10, sinking=range(6))
    assert (found.antwoord, found.ha_D, found.onbekend_ha) == ("D", pytest.approx(0.06), pytest.approx(0.04))


@pytest.mark.parametrize(
    ("scores", "width", "best", "worst"),
    [
        ([1.0] * 10, 10, "A", "A"),
        ([1.0] * 6 + [NAN] * 4, 10, "A", "C2"),  # unknown at worst is D on 40 %
        ([1.0] * 6, 10, "A", "C2"),  # so is what lies outside the data
        ([0.7] * 6, 10, "B", "C2"),  # its mean is 0.82 at best, but B covers half
        ([0.7] * 4, 10, "A", "D"),  # one better than the B that covers a tenth
        ([1.0] * 91, 100, "A", "B"),  # D on 9 %
    ],
)
def test_the_answer_if_all_that_is_unknown_turned_out_best_or_worst(scores, width, best, worst):
    found = row(scores, place=box(0, 0, width, 1))
    assert (found.antwoord_max, found.antwoord_min) == (best, worst)


# --- numbers by hand -------------------------------------------------------------------------------------------------


def test_quantiles_are_the_smallest_score_that_holds_the_share():
    found = row([0.1, 1.0, 0.2, 0.9, 0.3, 0.8, 0.4, 0.7, 0.5, 0.6])
    assert (found.score_p10, found.score_p50, found.score_p90) == pytest.approx((0.1, 0.5, 0.9), abs=1e-4)
    assert found.score == pytest.approx(0.55, abs=1e-6)


def test_quantiles_weigh_by_coverage():
    found = row([0.9, 0.1], place=box(0, 0, 1.1, 1))
    assert (found.score_p10, found.score_p50) == pytest.approx((0.9, 0.9), abs=1e-4)
    assert found.score == pytest.approx((0.9 + 0.1 * 0.1) / 1.1, abs=1e-6)


def test_losses_add_up_and_name_the_largest():
    data = even(2, 2, zettingsgevoeligheid=0.25, kwel=0.5)
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 2, 2)).iloc[0]
    losses = [v for n, v in found.items() if n.startswith("verlies_")]
    assert sum(losses) == pytest.approx(1 - found.score, abs=1e-6)
    assert found.bepalend == "zettingsgevoeligheid"
    assert found.verlies_droogte == found.verlies_drempel == 0


def test_an_exclusion_is_a_loss_of_its_own():
    data = even(2, 2, grondwaterbescherming=0.0)
    data.grondwaterbescherming.values[:, 0] = 4
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 2, 2)).iloc[0]
    assert found.verlies_drempel == pytest.approx(0.5)
    assert (found.bepalend, found.score, found.aandeel_D) == ("drempel", pytest.approx(0.5), 0.5)


def test_equal_losses_name_the_first_and_no_loss_names_none():
    assert row([0.5] * 4).bepalend == "zettingsgevoeligheid"
    assert row([1.0] * 4).bepalend == ""


def test_volumes_are_amounts_per_hectare_times_the_area_inside():
    data = even(1, 4, keileemdiepte=0.0, kwel=1.0, wateroverlast=0.1)
    found = wb.per_gebied(data, "woningbouw", box(0.5, 0, 4, 1)).iloc[0]
    assert found.afvoer_m3 == pytest.approx(432 * 0.035, abs=1e-6)
    assert found.verdrongen_berging_m3 == pytest.approx(420 * 0.035, abs=1e-4)  # 0.6 x 1e4 x (0.10 - 0.03)


def test_volumes_run_over_their_own_known_cells_and_are_empty_if_there_are_none():
    data = even(1, 4, keileemdiepte=0.0, kwel=1.0, wateroverlast=0.1)
    data.wateroverlast.values[0, :3] = np.nan
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 4, 1)).iloc[0]
    assert found.verdrongen_berging_m3 == pytest.approx(420 * 0.01, abs=1e-4)
    assert found.afvoer_m3 == pytest.approx(432 * 0.04, abs=1e-4)
    none = wb.per_gebied(data, "woningbouw", box(0, 0, 3, 1)).iloc[0]
    assert np.isnan(none.verdrongen_berging_m3)


def test_a_relief_and_a_burden_make_a_net_volume():
    data = even(1, 4, ghg=0.5)  # sand that leaks holds no higher level
    reference = data.kwel.copy(data=[[1.0, 1.0, 9.0, 9.0]])
    found = wb.per_gebied(data, "natte_natuur", box(0, 0, 4, 1), referentie=reference).iloc[0]
    assert found.afvoer_m3 == pytest.approx(-800 * 0.55 * 0.02, abs=1e-6)
    assert found.verdrongen_berging_m3 == pytest.approx(-1e4 * 0.1 * 0.02, abs=1e-4)


def test_recharge_is_told_as_water_and_as_base_flow():
    data = even(1, 4, kwel=-1.0, keileemdiepte=0.0)  # nothing soaks in: all of 360 - 110 mm is lost, less than leaks
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 4, 1), referentie="akkerbouw").iloc[0]
    lost = FUNCTIES["akkerbouw"].value("grondwateraanvulling_mm_jr") - 110
    assert found.aanvullingsverlies_m3_jr == pytest.approx(10 * lost * 0.04, rel=1e-6)
    assert found.basisafvoer_l_s == pytest.approx(10 * lost * 0.04 / 31_536, rel=1e-6)


def test_peat_is_told_as_carbon_dioxide_and_a_level_as_the_rise_it_gives():
    data = even(1, 4, veendikte=1.0, ghg=0.3, glg=0.8, kwel=0.0)
    found = wb.per_gebied(data, "natte_natuur", box(0, 0, 4, 1), referentie="grasland_veeteelt").iloc[0]
    cell = burden_cell(
        FUNCTIES["natte_natuur"], FUNCTIES["grasland_veeteelt"], {n: float(a[0, 0]) for n, a in data.items()}
    )
    assert cell["veenoxidatie"] < -1 and cell["grondwaterverlaging"] == pytest.approx(-0.2)
    assert found.co2_t_jr == pytest.approx(2.0 * cell["veenoxidatie"] * 0.04, rel=1e-4)
    assert found.stijging_m == pytest.approx(0.2, abs=1e-6)


def test_the_mean_rise_counts_a_fall_as_none():
    data = even(1, 4, kwel=0.0)
    data["ghg"] = data.kwel.copy(data=np.array([[0.3, 0.3, 0.1, 0.1]], np.float32))
    found = wb.per_gebied(data, "natte_natuur", box(0, 0, 4, 1), referentie="grasland_veeteelt").iloc[0]
    assert found.stijging_m == pytest.approx(0.2, abs=1e-6)  # the wettest half: grass is no plausible present use


# --- what the answer is held against ---------------------------------------------------------------------------------


def told(data, **settings):
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 3, 3), **settings).iloc[0]
    return found.referentie, found.referentie_bron, found.niet_getoetst


def test_the_table_tells_the_present_use_and_where_it_comes_from():
    data = even(ghg=1.0)
    assert told(data) == ("grasland_veeteelt", "aangenomen", "natuur, inundatie, gebruik")
    assert told(data, referentie="akkerbouw") == ("akkerbouw", "gegeven", "natuur, inundatie")
    raster = data.ghg.copy(data=np.full((3, 3), 6.0))
    assert told(data, referentie=raster) == ("raster", "gegeven", "natuur, inundatie")
    assert told(data.assign(gebruik=raster)) == ("gebruik", "gebruik", "natuur, inundatie")
    whole = data.assign(gebruik=raster, natuur=raster * 0, inundatie=raster * 0)
    assert told(whole) == ("gebruik", "gebruik", "")
    assert told(whole.drop_vars("gebruik")) == ("grasland_veeteelt", "aangenomen", "gebruik")


def test_hectares_where_a_present_use_is_implausible_are_told_of_one_functie_and_of_a_map():
    data = even()
    data["ghg"] = data.kwel.copy(data=np.array([[0.1] * 3, [0.2] * 3, [np.nan] * 3], np.float32))
    place = box(0, 0, 3, 3)

    def hectares(**settings):
        found = wb.per_gebied(data, "woningbouw", place, **settings).iloc[0]
        return found.referentie_onaannemelijk_ha, np.isnan(found.risico)

    known = {n: FUNCTIES[n].value("ontwatering_m") for n in ("grasland_veeteelt", "glastuinbouw", "natte_natuur")}
    assert known["grasland_veeteelt"] < 0.6 <= known["glastuinbouw"] and known["natte_natuur"] < 0.3
    assert hectares()[0] == pytest.approx(0.03)
    assert hectares(referentie="glastuinbouw")[0] == pytest.approx(0.06)
    assert hectares(referentie="natte_natuur")[0] == 0
    codes = np.full((3, 3), float(FUNCTIES["grasland_veeteelt"].code), np.float32)
    codes[:, 0] = np.nan
    data["gebruik"] = data.kwel.copy(data=codes)
    assert hectares()[0] == pytest.approx(0.02)


def test_risk_without_storage_is_told_beside_that_with_it():
    data = even(keileemdiepte=0.3, kwel=1.0)
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 3, 3), aangelegde_berging_mm=30, referentie="akkerbouw").iloc[0]
    bare = wb.per_gebied(data, "woningbouw", box(0, 0, 3, 3), referentie="akkerbouw").iloc[0]
    assert found.risico < found.risico_zonder_compensatie == bare.risico == bare.risico_zonder_compensatie


def test_risk_of_unassessed_cells_counts_and_hot_spots_show():
    data = even(1, 10, keileemdiepte=np.inf)
    data.wateroverlast.values[0, :2] = 1.0
    found = wb.per_gebied(data, "woningbouw", box(0, 0, 10, 1)).iloc[0]
    assert found.aandeel_risico_hoog == pytest.approx(0.2)
    assert found.oorzaak == "verdrongen_berging"
    assert found.risico == pytest.approx(0.2, abs=1e-6)


def test_no_risk_has_no_cause():
    found = wb.per_gebied(even(2, 2), "grasland_veeteelt", box(0, 0, 2, 2)).iloc[0]
    assert (found.risico, found.oorzaak) == (0, "")


# --- twin ------------------------------------------------------------------------------------------------------------

SIZE, PLAIN_FUNCTIES = 4, plain_functies(FUNCTIES)


def overlap(place, size):
    cells = [(r, c, place.intersection(box(c, r, c + 1, r + 1)).area / 100) for r in range(size) for c in range(size)]
    return [(r, c, cover) for r, c, cover in cells if cover > 0]


def noisy(row_):
    """Whether the mean score is too near to a class border to tell."""
    return any(abs(row_["score"] - b) < 1e-5 for b in BORDERS)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(FUNCTIES)),
    st.sampled_from(["grasland_veeteelt", "woningbouw", "gebruik"]),
)
def test_every_row_equals_its_slow_twin(seed, name, reference):
    rng, f = np.random.default_rng(seed), FUNCTIES[name]
    names = (*BASIC, "ghg", "glg", "veendikte", "beekdal")
    arrays = {n: a.reshape(SIZE, SIZE) for n, a in columns(rng, f, names, SIZE * SIZE, unknown=0.12).items()}
    if reference == "gebruik":
        arrays["gebruik"] = rng.choice([float(x.code) for x in FUNCTIES.values()], (SIZE, SIZE))
    (x0, x1), (y0, y1) = np.sort(rng.uniform(-0.3, 4.3, (2, 2)), axis=1)
    place = box(x0, y0, x1 + 0.1, y1 + 0.1)
    if not overlap(place, SIZE):
        return
    data = layers(arrays)
    later = {"droogte": np.minimum(arrays["droogte"] * 1.5, 100)} if seed % 2 else {}
    for n, a in later.items():
        data[f"{n}@straks"] = data[n].copy(data=a.astype(np.float32))
    got = wb.per_gebied(data, f, place, referentie=None if reference == "gebruik" else reference).iloc[0]
    cells = []
    for r, c, cover in overlap(place, SIZE):
        values = {n: float(np.float32(a[r, c])) for n, a in arrays.items()}
        then = [Scenario({n: float(np.float32(a[r, c])) for n, a in later.items()})] if later else []
        lies = reference_of(None if reference == "gebruik" else PLAIN_FUNCTIES[reference], values, PLAIN_FUNCTIES)
        burden = burden_cell(PLAIN_FUNCTIES[name], lies.functie, values, scenarios=then)
        cells.append(Covered(cover, score_cell(plain(f), values), burden, lies.implausible))
    want = polygon_row(f, cells, place.area / 100, 0.01)
    if noisy(want):
        return
    for column, value in want.items():
        if isinstance(value, str):
            assert got[column] == value, column
        else:
            coarse = 1e-2 if column.endswith(("_m3", "_m3_jr", "t_jr")) else 1e-4
            np.testing.assert_allclose(got[column], value, rtol=1e-4, atol=coarse, err_msg=column)
