"""Twin of section 5 against every worked cell; boards, unknown layers and references by hand."""

from __future__ import annotations

import math

import pytest

from tests.support.design import ASKED, boards, functies
from tests.support.twins.burden import burden_cell
from tests.support.twins.compensation import PlanSize, asked_mm, built_mm, plan_of, room
from tests.support.twins.components import Case, Scenario
from tests.support.twins.drains import parts_of
from tests.support.twins.indices import could_be_a_burden, risk_class
from tests.support.twins.reference import reference_of
from tests.support.worked import (
    GOOD,
    HOUSES_ON_CLAY,
    NAN,
    agrees,
    archetype,
    burden,
    cells_of,
    differences,
    number,
    read,
)

COARSE = dict.fromkeys(
    ("afvoer", "verdrongen_berging", "kwelafvoer", "aanvullingsverlies", "watervraag", "veenoxidatie", "kosten"), 1e-2
)


def scenarios_of(case, values):
    """The present values and the scenarios of one cell."""
    now = {name: v for name, v in values.items() if "@" not in name}
    future = [
        Scenario({name.partition("@")[0]: v for name, v in values.items() if name.endswith(f"@{scenario}")}, year)
        for scenario, year in case.get("horizon", {}).items()
    ]
    return now, future


def given(reference, i):
    """What is given as the reference of a cell: a functie, a code, or None."""
    if isinstance(reference, dict):
        return number(reference["codes"][i])
    return reference and functies()[reference]


@pytest.mark.parametrize("case", read("afwenteling")["afwenteling"], ids=lambda c: c["naam"])
def test_burden_of_every_worked_cell(case):
    found = []
    for g in case["gevallen"]:
        settings = {"parameters": g.get("parameters"), "board": boards().get(g.get("waterschap"))}
        for i, (name, values) in enumerate(zip(case["cellen"], cells_of(case), strict=True)):
            now, future = scenarios_of(case, values)
            reference = reference_of(given(g["referentie"], i), now, functies()).functie
            functie, built = functies()[g["functie"]], g["aangelegde_berging_mm"]
            got = burden_cell(functie, reference, now, given_mm=built, scenarios=future, **settings)
            found += differences(got, g, f"{name} against {g['referentie']}", i, COARSE)
    assert not found, "\n".join(found[:40])


def test_risico_of_every_functie_on_every_archetype():
    case = read("archetypen")
    found = []
    for place in case["plekken"]:
        values = archetype(case, place)
        reference = reference_of(None, values, functies()).functie
        for name, want in place["risico"].items():
            got = burden_cell(functies()[name], reference, values)["risico"]
            if not agrees("risico", got, number(want), 5.01e-4):
                found.append((place["naam"], name, got, want))
    assert not found


@pytest.mark.parametrize(
    ("given_as", "values", "functie", "source", "implausible"),
    [
        (None, {}, "grasland_veeteelt", "aangenomen", False),
        (None, {"gebruik": 6.0}, "akkerbouw", "gebruik", False),
        (None, {"gebruik": NAN}, None, "gebruik", False),
        (None, {"gebruik": 6.0, "ghg": 0.2}, "akkerbouw", "gebruik", True),
        (6.0, {"gebruik": 7.0, "ghg": 0.2}, "akkerbouw", "raster", True),
        (NAN, {"gebruik": 7.0}, None, "raster", False),
        (None, {"ghg": 0.14}, None, "aangenomen", True),
        (None, {"ghg": 0.15}, "grasland_veeteelt", "aangenomen", False),
        (None, {"ghg": NAN}, "grasland_veeteelt", "aangenomen", False),
        ("akkerbouw", {"gebruik": 7.0, "ghg": 0.2}, None, "gegeven", True),
        ("akkerbouw", {"ghg": 0.25}, "akkerbouw", "gegeven", False),
        ("natte_landbouw", {"ghg": 0.0}, "natte_landbouw", "gegeven", False),
    ],
)
def test_reference_of_a_cell(given_as, values, functie, source, implausible):
    given_as = functies()[given_as] if isinstance(given_as, str) else given_as
    got = reference_of(given_as, values, functies())
    assert (got.functie and got.functie["id"], got.source, got.implausible) == (functie, source, implausible)
    assert got.assumed == (source == "aangenomen")


def test_a_code_of_no_functie_is_refused():
    with pytest.raises(ValueError, match="code 17"):
        reference_of(17.0, {}, functies())


def test_the_present_use_burdens_nobody_and_an_unknown_one_is_not_judged():
    present = burden(
        "woningbouw", {"kwel": NAN}, "woningbouw", board=boards()["drents_overijsselse_delta"], given_mm=5.0
    )
    assert {v for k, v in present.items() if k != "aandelen"} == {0}
    unknown = burden_cell(functies()["woningbouw"], None, GOOD)
    assert all(math.isnan(unknown[n]) for n in (*COARSE, "ruimte", "tijd", "geld", "risico"))
    own = burden("woningbouw", GOOD, "woningbouw", parameters={"verhardingsgraad": 0.6})
    assert own["afvoer"] == 0
    assert own["aanvullingsverlies"] == 0
    assert math.isnan(own["achteruitgang"])


def test_parts_of_a_plan_over_a_raised_reference():
    """Houses (0.6 raised 0.5, drains 0.70 and 0.50) on a road (0.7 raised 1.0, drains 1.00)."""
    parts = parts_of(functies()["woningbouw"], functies()["infrastructuur"], {})
    got = [(p.share, p.epsilon_f, p.epsilon_r) for p in parts]
    want = [(0.6, 0.2, 0.0), (0.0, 1.0, 1.0), (0.1, 0.5, 0.0), (0.3, 1.0, 1.0)]
    assert [pytest.approx(w) for w in want] == got


def test_wet_nature_takes_drains_up_as_far_as_the_ground_holds_water():
    def depth(**values):
        return parts_of(functies()["natte_natuur"], functies()["grasland_veeteelt"], values)[3].epsilon_f

    assert depth(ghg=0.5, kwel=0.0) == 0.0  # 0.4 less 0.5
    assert depth(ghg=0.5, kwel=-0.5) == pytest.approx(0.15)
    assert depth(ghg=1.0, kwel=0.0) == pytest.approx(0.15)
    assert depth(kwel=0.0) == pytest.approx(0.4)


def test_drains_are_taken_up_also_where_the_present_use_holds_the_level():
    drained = plan_of(functies()["natte_natuur"], {"ontwatering_m": 0.4})
    parts = parts_of(functies()["natte_landbouw"], drained, {"ghg": 0.5, "kwel": 0.0})
    assert (parts[3].epsilon_f, parts[3].epsilon_r) == (0.1, 0.4)


def test_unknown_settlement_costs_nothing_where_nothing_is_paved():
    fill = {"ophoging_m": 0.2, "opgehoogd_aandeel": 1.0, "watervraag_mm_jr": 40}
    values = {**GOOD, "zettingsgevoeligheid": NAN}
    bare = burden("grasland_veeteelt", values, parameters={**fill, "verhardingsgraad": 0.0})
    paved = burden("grasland_veeteelt", values, parameters={**fill, "verhardingsgraad": 0.01})
    assert (bare["geld"], math.isnan(paved["geld"])) == (0.0, True)
    assert math.isnan(bare["tijd"])
    assert math.isnan(bare["risico"])


def test_drains_stay_where_a_functie_lays_none():
    parts = parts_of(functies()["droge_natuur_bos"], functies()["akkerbouw"], {"ghg": 0.3})
    assert parts[3].epsilon_f == parts[3].epsilon_r == 0.6


def test_houses_on_keileem_by_hand():
    """Opgave 800 (0.55 - 0.01) = 432; grond 675 (0.6 x 0.2 + 0.4 x 0) = 81 and its own rain 360: nothing is left."""
    got = burden("woningbouw", HOUSES_ON_CLAY)
    want = {
        "afvoer": 432.0,
        "verdrongen_berging": 1e4 * 0.6 * 0.07,
        "grondwaterverlaging": 0.4 * 0.1 + 0.6 * 0.0 - 0.0,
        "kwelafvoer": 0.0,
        "aanvullingsverlies": min(365 * 0.3, 244 * (432 - 81) / 432),
        "watervraag": 0.0,
        "zetting": 0.0,
        "kosten": 5 * (432 + 420),
        "ruimte": 852 / 1600,
        "geld": 0.426,
        "risico": 852 / 1600,
    }
    assert {n: got[n] for n in want} == pytest.approx(want, rel=1e-6, abs=1e-6)
    assert got["oorzaak"] == 1
    assert got["zonder_compensatie"]


@pytest.mark.parametrize(("board", "eis"), ASKED.items())
def test_what_a_board_asks_is_built_and_told_with_and_without(board, eis):
    got = burden("woningbouw", HOUSES_ON_CLAY, board=boards()[board])
    without = burden("woningbouw", HOUSES_ON_CLAY, board=boards()[board], given_mm=0.0)
    assert got["gevraagd_mm"] == got["aangelegd_mm"] == pytest.approx(eis * 0.54)
    assert got["afvoer"] == pytest.approx(432 - 10 * eis * 0.54, abs=1e-9)
    assert got["verdrongen_berging"] == pytest.approx(420, abs=1e-3)
    assert got["risico_zonder_compensatie"] == without["risico"] == pytest.approx(852 / 1600, abs=1e-5)
    assert (got["zonder_compensatie"], without["zonder_compensatie"]) == (False, True)
    assert room(got["gevraagd_mm"], boards()[board]) == pytest.approx(eis * 0.54 / 400)


def test_storage_that_no_board_asked_also_takes_displaced_water():
    got = burden("woningbouw", HOUSES_ON_CLAY, board=boards()["vechtstromen"], given_mm=60.0)
    assert got["afvoer"] == 0
    assert got["verdrongen_berging"] == pytest.approx(420 - 10 * (60 - 43.2), abs=1e-3)
    free = burden("woningbouw", HOUSES_ON_CLAY, given_mm=60.0)
    assert free["verdrongen_berging"] == pytest.approx(420 - (600 - 432), abs=1e-3)


def test_more_storage_than_there_is_room_for_counts_as_the_room():
    assert built_mm(functies()["woningbouw"], 0.0, 500.0) == pytest.approx(400 * 0.45)
    assert built_mm(functies()["woningbouw"], 43.2) == 43.2


@pytest.mark.parametrize(
    ("board", "plan", "asked"),
    [
        ("noorderzijlvest", None, 21.6), ("noorderzijlvest", PlanSize(10.0, 54000.0), 21.6),
        ("noorderzijlvest", PlanSize(10.01, 54000.0), 0.0), ("noorderzijlvest", PlanSize(0.2, 749.0), 0.0),
        ("noorderzijlvest", PlanSize(0.2, 750.0), 21.6), ("vechtstromen", PlanSize(0.01, 1.0), 43.2),
        (None, PlanSize(1.0, 9e3), 0.0),
    ],
)  # fmt: skip
def test_up_to_which_size_a_board_asks(board, plan, asked):
    f, r = functies()["woningbouw"], functies()["grasland_veeteelt"]
    assert asked_mm(f, r, boards().get(board), plan) == pytest.approx(asked)


def test_a_plan_that_the_board_computes_says_so():
    got = burden("woningbouw", HOUSES_ON_CLAY, board=boards()["noorderzijlvest"], plan=PlanSize(12.0, 6e4), given_mm=10)
    assert got["rekent_waterschap"]
    assert got["afvoer"] == pytest.approx(332)
    assert got["gevraagd_mm"] == 0


def test_a_board_sets_the_ontwatering_and_the_caller_goes_before_it():
    delta = boards()["drents_overijsselse_delta"]
    assert plan_of(functies()["woningbouw"], None, delta)["parameters"]["ontwatering_m"]["waarde"] == 0.8
    assert (
        plan_of(functies()["woningbouw"], {"ontwatering_m": 0.6}, delta)["parameters"]["ontwatering_m"]["waarde"] == 0.6
    )
    assert plan_of(functies()["akkerbouw"], None, delta) == functies()["akkerbouw"]


def test_the_storm_of_the_caller_replaces_that_of_the_functies():
    assert burden("woningbouw", HOUSES_ON_CLAY, storm_mm=50.0)["afvoer"] == pytest.approx(10 * 50 * 0.54)


def test_an_abstraction_hides_no_lowering_that_is_known():
    own = {"onttrekking": 1, "ontwatering_m": 1.0}
    got = burden("akkerbouw", {**GOOD, "ghg": 0.4}, parameters=own)
    assert math.isnan(got["grondwaterverlaging"])
    assert got["aandelen"]["grondwaterverlaging"] == pytest.approx(0.6 / 0.5)
    assert (got["ruimte"], got["oorzaak"]) == (1.0, 3)
    assert math.isnan(burden("drinkwaterwinning", {**GOOD, "ghg": 0.4})["risico"])


def test_no_rise_where_the_present_use_holds_the_level():
    values = {**GOOD, "ghg": 0.4, "kwel": 0.0}
    wet = burden("natte_natuur", values)
    assert wet["stijging"] == pytest.approx(0.3)
    assert wet["grondwaterverlaging"] == pytest.approx(-0.3)
    assert wet["verdrongen_berging"] == pytest.approx(1e4 * (0.15 * 0.3 - 0.1), abs=1e-3)
    assert burden("natte_landbouw", values, "natte_natuur")["stijging"] == 0
    assert burden("natte_natuur", values, "natte_landbouw")["stijging"] == pytest.approx(0.3)
    assert burden("natte_natuur", values, "natte_natuur", parameters={"berging_m": 0.2})["stijging"] == 0


@pytest.mark.parametrize(
    ("plan", "reference", "parameters", "values", "want"),
    [
        ("woningbouw", "grasland_veeteelt", {}, {},
         {"afvoer", "verdrongen_berging", "kwelafvoer", "aanvullingsverlies", "zetting"}),
        ("grasland_veeteelt", "woningbouw", {}, {}, {"watervraag", "kwelafvoer"}),
        ("natte_natuur", "grasland_veeteelt", {}, {}, {"aanvullingsverlies"}),
        ("natte_natuur", "grasland_veeteelt", {}, {"ghg": 0.3}, set()),
        ("natte_natuur", "grasland_veeteelt", {"berging_m": 0.05}, {"ghg": 0.3}, {"verdrongen_berging"}),
        ("grasland_veeteelt", "waterberging", {}, {}, {"verdrongen_berging", "watervraag"}),
        ("drinkwaterwinning", "grasland_veeteelt", {}, {}, {"afvoer", "grondwaterverlaging"}),
        ("woningbouw", "infrastructuur", {"vulling_kn_m3": 40.0}, {},
         {"kwelafvoer", "aanvullingsverlies", "zetting"}),
    ],
)  # fmt: skip
def test_what_could_be_a_burden_where_unknown(plan, reference, parameters, values, want):
    f, r = plan_of(functies()[plan], parameters), functies()[reference]
    assert could_be_a_burden(Case(f, r, values)) == want


def test_storage_that_takes_the_whole_task_leaves_no_afvoer_to_doubt():
    f, r = functies()["woningbouw"], functies()["grasland_veeteelt"]
    assert "afvoer" not in could_be_a_burden(Case(f, r, {}, built=43.2))
    assert "afvoer" in could_be_a_burden(Case(f, r, {}, built=43.1))


def test_decline_counts_the_scenarios_of_the_lifetime_and_no_stress_test():
    wetter = {"wateroverlast": 0.2}

    def decline(*scenarios, **values):
        return burden("woningbouw", {**GOOD, **values}, scenarios=scenarios)["achteruitgang"]

    half = decline(Scenario(wetter, 2125))
    assert half == pytest.approx(1 - 0.5**0.25, abs=1e-6)
    assert math.isnan(decline(Scenario(wetter, 2126)))
    assert decline(Scenario(wetter)) == half
    assert math.isnan(decline(Scenario(wetter, stresstest=True)))
    assert math.isnan(decline(Scenario({"ghg": 0.1}, 2050)))
    assert math.isnan(decline(Scenario(wetter), wateroverlast=NAN))
    assert decline(Scenario({"wateroverlast": 0.1}), Scenario(wetter)) == half
    assert decline(Scenario({"grondwaterbescherming": 4.0}), grondwaterbescherming=0.0) == 1.0


def test_co2_is_two_tonnes_per_mm():
    values = {**GOOD, "veendikte": 1.0, "glg": 0.8, "ghg": 0.3}
    got = burden("akkerbouw", values)
    assert got["veenoxidatie"] == pytest.approx(23.54 * 0.2, abs=1e-5)
    assert got["co2"] == pytest.approx(2 * got["veenoxidatie"])


@pytest.mark.parametrize(
    ("value", "want"), [(0.0, "laag"), (0.2, "matig"), (0.4, "verhoogd"), (0.6, "hoog"), (0.8, "zeer hoog")]
)
def test_risk_classes(value, want):
    assert risk_class(value) == want
