"""The twins of edition 2 against the worked cases, cell by cell; by hand where the cases say nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.support.design import boards, functies
from tests.support.random_cells import FUNCTIES
from tests.support.twins.burden import burden_cell
from tests.support.twins.compensation import Plan, asked_mm, built_mm, plan_of, room
from tests.support.twins.components import Case, Scenario
from tests.support.twins.drains import parts_of
from tests.support.twins.flat_land import is_flat
from tests.support.twins.functie import by_code, plain, with_parameters
from tests.support.twins.groundwater import (
    effects,
    largest_rise,
    may_be_significant,
    plan_cells,
    situation,
    wetter_within_m,
)
from tests.support.twins.indices import could_be_a_burden, risk_class
from tests.support.twins.klasse import C1, C2, LETTER, A, B, D, X, loss_shares, percentage, score_cell
from tests.support.twins.layers import in_scenario, legal, with_gvg
from tests.support.twins.numbers import known_or
from tests.support.twins.polygon import Covered, answers, polygon_row, quantile, verdict
from tests.support.twins.reference import reference_of
from tests.support.twins.rewetting import holds_water, rewetted, rise
from tests.support.twins.routing import (
    Network,
    benedenstrooms,
    exposure,
    is_lower_bound,
    received,
    source_m3,
    vulnerability,
)
from tests.support.twins.terrain import broken_rules, filled, levels, outlets, outside

DATA = Path(__file__).parents[1] / "data"
NAN = math.nan
EXACT = {"klasse", "bepalend", "vlaggen", "oorzaak"}


def read(name):
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def number(x):
    return NAN if x is None else float(x)


def cells_of(case):
    """Per cell the mapping of layer to value."""
    layers = {name: [number(x) for x in column] for name, column in case["lagen"].items()}
    return [{name: column[i] for name, column in layers.items()} for i in range(len(case["cellen"]))]


def agrees(variable, got, want, floor=1e-4):
    if variable in EXACT:
        return got == want
    return math.isnan(got) == math.isnan(want) and not abs(got - want) > max(floor, 1e-4 * abs(want))


def differences(got, case, cell, i, floors):
    """What differs from the expected values of one case in one cell."""
    wants = {v: number(column[i]) for v, column in case["verwacht"].items() if i not in case["vrij"].get(v, ())}
    return [
        f"{case['functie']} in {cell}: {v} {got[v]} instead of {want}"
        for v, want in wants.items()
        if not agrees(v, got[v], want, floors.get(v, 1e-4))
    ]


def of_functie(name, **changes):
    return {**functies()[name], **changes}


GOOD = {"zettingsgevoeligheid": 0, "wateroverlast": 0, "droogte": 0, "keileemdiepte": math.inf, "kwel": -1}


# --- sections 1 to 4 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", read("geschiktheid")["geschiktheid"], ids=lambda c: c["naam"])
def test_score_of_every_worked_cell(case):
    found = []
    for g in case["gevallen"]:
        for i, (name, values) in enumerate(zip(case["cellen"], cells_of(case), strict=True)):
            got = score_cell(functies()[g["functie"]], values, g["methode"], g["orness"])
            assert got["criteria"] == g["criteria"]
            found += differences(got, g, name, i, {})
    assert not found, "\n".join(found[:40])


def test_answer_of_every_functie_on_every_archetype():
    case = read("archetypen")
    found = [
        (place["naam"], name, LETTER[got], want)
        for place in case["plekken"]
        for name, want in place["antwoord"].items()
        if LETTER[got := score_cell(functies()[name], archetype(case, place))["klasse"]] != want
    ]
    assert not found


def archetype(case, place):
    return dict(zip(case["lagen"], map(number, place["waarden"]), strict=True))


@pytest.mark.parametrize("name", FUNCTIES)
def test_a_functie_of_the_library_is_read_as_its_mapping(name):
    of_library = FUNCTIES[name]
    assert score_cell(of_library, GOOD)["geschiktheid"] == score_cell(plain(of_library), GOOD)["geschiktheid"]
    assert {n: p["waarde"] for n, p in plain(of_library)["parameters"].items()} == {
        n: p.waarde for n, p in of_library.parameters.items()
    }


@pytest.mark.parametrize(
    ("layer", "value", "yes"),
    [
        ("keileemdiepte", math.inf, True), ("keileemdiepte", -math.inf, False), ("kwel", math.inf, False),
        ("kwel", NAN, True), ("natuur", 3, True), ("natuur", 4, False), ("natuur", 0.5, False), ("water", 1, True),
        ("water", 2, False), ("beekdal", 0.5, False), ("grondwaterbescherming", 4, True), ("gebruik", 7, True),
        ("gebruik", 17, False), ("gebruik", NAN, True),
    ],
)  # fmt: skip
def test_a_class_layer_holds_its_codes_only(layer, value, yes):
    assert legal(layer, value, by_code(functies())) is yes


def test_derived_gvg_is_the_sum_of_van_der_sluijs_in_float32():
    got = with_gvg({"ghg": 0.5, "glg": 1.5})["gvg"]
    assert got == pytest.approx(0.054 + 0.415 + 0.285, abs=1e-7)
    assert math.isnan(with_gvg({"ghg": NAN, "glg": 1.5})["gvg"])
    assert with_gvg({"ghg": 0.5, "glg": 1.5, "gvg": NAN})["gvg"] != got
    assert "gvg" not in with_gvg({"ghg": 0.5})


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({"ghg": 0.5, "kwel": 0.0}, 0.4),  # streefpeil 0.10, sand that holds
        ({"ghg": 0.5, "kwel": -0.5}, 0.2),  # half of it leaks
        ({"ghg": 0.5, "kwel": -0.5, "keileemdiepte": 1.2}, 0.4),
        ({"ghg": 0.5, "kwel": -0.5, "veendikte": 0.4}, 0.4),
        ({"ghg": 0.5}, 0.4),  # kwel unknown
        ({"ghg": 1.0, "kwel": 0.0}, 0.25),  # at most 0.5, half of it that deep
        ({"ghg": 1.3, "kwel": 0.0}, 0.0),
        ({"ghg": 0.05, "kwel": 0.0}, 0.0),
        ({"kwel": 0.0}, 0.0),
    ],
)
def test_rise_of_wet_nature(values, want):
    natte_natuur = functies()["natte_natuur"]
    assert rise(natte_natuur, values) == pytest.approx(want, abs=1e-6)
    levels = {"gvg": 0.8, "glg": 1.4} if "ghg" in values else {}
    after = rewetted(natte_natuur, {**values, **levels})
    assert {n: after[n] for n in levels} == pytest.approx({n: v - want for n, v in levels.items()}, abs=1e-6)


def test_a_lower_ceiling_of_the_rise_and_ground_that_holds_none():
    low = with_parameters(functies()["natte_natuur"], rijzing_hoogstens_m=0.2)
    assert rise(low, {"ghg": 0.5, "kwel": 0.0}) == pytest.approx(0.2)
    assert holds_water({"kwel": -0.75}) == 0


def test_a_functie_without_streefpeil_leaves_the_layers():
    values = {"ghg": 0.5, "gvg": 0.7}
    assert rewetted(functies()["woningbouw"], values) == pytest.approx(values, abs=1e-7)


def test_an_unknown_member_of_a_group_counts_only_below_the_border():
    """Keileem 0.30 alone: the group is known if the best member reaches 0.60."""
    wet = functies()["natte_natuur"]
    values = {**GOOD, "kwel": NAN, "keileemdiepte": 0.3, "gvg": 0.1}
    good = score_cell(wet, values)
    poor = score_cell(wet, {**values, "keileemdiepte": 5.0})
    group = good["criteria"].index("keileemdiepte+kwel")
    assert not math.isnan(good["scores"][group])
    assert math.isnan(poor["scores"][group])
    assert poor["score_max"] == pytest.approx(good["score_max"])
    assert poor["score_min"] < good["score_min"]


def test_the_ceilings_of_a_functie_and_of_a_missing_layer():
    assert score_cell(functies()["drinkwaterwinning"], GOOD)["geschiktheid"] >= 0.8
    assert score_cell(functies()["drinkwaterwinning"], GOOD)["klasse"] == C1
    wet = {**GOOD, "keileemdiepte": 0.3, "wateroverlast": 0.1}
    assert score_cell(functies()["natte_natuur"], wet)["klasse"] == C1
    assert score_cell(functies()["natte_natuur"], {**wet, "ghg": 0.2, "glg": 0.8})["klasse"] == A
    assert (
        score_cell(of_functie("woningbouw", hoogstens="C2"), {**GOOD, "kwel": NAN, "wateroverlast": NAN})["klasse"] == X
    )


def flat(**scores):
    """A functie of five equal criteria that score the layer itself."""
    names = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
    line = {"gewicht": 0.2, "punten": [[0, 0], [1, 1]], "score_afwezig": 1.0}
    functie = {"id": "proef", "code": 100, "criteria": dict.fromkeys(names, line), "parameters": {}}
    return functie, {**dict.fromkeys(names, 1.0), **scores}


@pytest.mark.parametrize(
    ("scores", "want"),
    [
        ({}, A), ({"kwel": 0.8}, A), ({"kwel": 0.6}, A), ({"kwel": 0.599}, B), ({"kwel": 0.2}, C1),
        ({"kwel": 0.19}, C2), ({"kwel": 0.05}, C2), ({"kwel": 0.0499}, D), ({"kwel": NAN, "droogte": NAN}, A),
        ({"kwel": NAN, "droogte": NAN, "wateroverlast": NAN}, X),
        ({"kwel": NAN, "droogte": NAN, "wateroverlast": NAN, "keileemdiepte": 0.04}, D),
        (dict.fromkeys(flat()[1], 0.8), A), (dict.fromkeys(flat()[1], 0.799), B), (dict.fromkeys(flat()[1], NAN), X),
    ],
)  # fmt: skip
def test_class_by_score_cap_and_fatal_criterion(scores, want):
    functie, values = flat(**scores)
    assert score_cell(functie, values)["klasse"] == want


def test_the_fatal_criterion_decides_and_a_light_one_is_never_fatal():
    functie, values = flat(kwel=0.03, droogte=0.03)
    assert score_cell(functie, values)["bepalend"] == 2
    functie["criteria"]["droogte"] = {**functie["criteria"]["droogte"], "gewicht": 0.05}
    functie, values = functie, {**values, "kwel": 1.0}
    assert score_cell(functie, values)["klasse"] != D


def threshold(layer, consequence, operator=">=", value=0.5):
    return {"laag": layer, "operator": operator, "waarde": value, "gevolg": consequence}


@pytest.mark.parametrize(
    ("thresholds", "klasse", "bepalend", "flags", "s"),
    [
        ([threshold("kwel", "aandacht")], A, 255, 1, 1.0),
        ([threshold("natuur", "nee_tenzij"), threshold("kwel", "nee_tenzij")], D, 255, 3, 1.0),
        ([threshold("kwel", "nee_tenzij"), threshold("droogte", "uitsluiten")], D, 2, 3, 0.0),
        ([threshold("kwel", "nee_tenzij", "<"), threshold("droogte", "nee_tenzij")], D, 2, 2, 1.0),
        ([threshold("ghg", "nee_tenzij")], A, 255, 0, 1.0),
    ],
)
def test_thresholds(thresholds, klasse, bepalend, flags, s):
    functie, values = flat()
    got = score_cell({**functie, "drempels": thresholds}, {**values, "natuur": 1.0})
    assert (got["klasse"], got["bepalend"], got["vlaggen"], got["geschiktheid"]) == (klasse, bepalend, flags, s)
    assert (got["score_min"], got["score_max"]) == (s, s)


def test_losses_add_up_to_what_is_lost():
    functie, values = flat(kwel=0.5, droogte=0.25)
    got = score_cell(functie, values)
    assert sum(got["verlies"]) + got["drempel"] == pytest.approx(1 - got["geschiktheid"])
    assert got["verlies"][2] == pytest.approx(2 * got["verlies"][4])
    assert loss_shares(0.0, [1, 2], [NAN, NAN], excluded=True) == ([0.0, 0.0], 1.0)


@pytest.mark.parametrize(("score", "want"), [(0.0, 0), (0.005, 1), (0.00499, 0), (0.0049995, 1), (0.996, 100)])
def test_percentage_rounds_half_up(score, want):
    assert percentage(score) == want


# --- section 5 -------------------------------------------------------------------------------------------------------

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


def burden(name, values, reference="grasland_veeteelt", **settings):
    return burden_cell(functies()[name], functies()[reference], values, **settings)


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


def test_drains_stay_where_a_functie_lays_none():
    parts = parts_of(functies()["droge_natuur_bos"], functies()["akkerbouw"], {"ghg": 0.3})
    assert parts[3].epsilon_f == parts[3].epsilon_r == 0.6


HOUSES_ON_CLAY = {**GOOD, "keileemdiepte": 0.6, "kwel": -0.2, "wateroverlast": 0.10, "ghg": 0.4}


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


@pytest.mark.parametrize(
    ("board", "eis"),
    [("hunze_en_aas", 80), ("noorderzijlvest", 40), ("drents_overijsselse_delta", 40), ("vechtstromen", 80),
     ("wetterskip_fryslan", 20)],
)  # fmt: skip
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
        ("noorderzijlvest", None, 21.6), ("noorderzijlvest", Plan(10.0, 54000.0), 21.6),
        ("noorderzijlvest", Plan(10.01, 54000.0), 0.0), ("noorderzijlvest", Plan(0.2, 749.0), 0.0),
        ("noorderzijlvest", Plan(0.2, 750.0), 21.6), ("vechtstromen", Plan(0.01, 1.0), 43.2),
        (None, Plan(1.0, 9e3), 0.0),
    ],
)  # fmt: skip
def test_up_to_which_size_a_board_asks(board, plan, asked):
    f, r = functies()["woningbouw"], functies()["grasland_veeteelt"]
    assert asked_mm(f, r, boards().get(board), plan) == pytest.approx(asked)


def test_a_plan_that_the_board_computes_says_so():
    got = burden("woningbouw", HOUSES_ON_CLAY, board=boards()["noorderzijlvest"], plan=Plan(12.0, 6e4), given_mm=10.0)
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


# --- section 6 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", read("routering")["routering"], ids=lambda c: c["naam"])
def test_routing_of_every_worked_field(case):
    sources, v = [[number(x) for x in case[name]] for name in ("E", "V")]
    water = case.get("water") or [0] * len(sources)
    network = Network(case["downstream"], case["ds"], water, case["L"])
    moved, seen = received(network, sources), exposure(network, v)
    for name, got in zip(("R", "P", "leaving", "D", "onbekend"), (*moved, *seen), strict=True):
        assert got == pytest.approx(case["verwacht"][name], abs=1e-9), name
    known = [known_or(e, 0.0) for e in sources]
    assert sum(moved[0]) + sum(moved[2]) == pytest.approx(sum(known), rel=1e-9)
    suffered = sum(r * known_or(x, 0.0) for r, x, w in zip(moved[0], v, water, strict=True) if not w)
    assert sum(e * d for e, d in zip(known, seen[0], strict=True)) == pytest.approx(suffered, rel=1e-9)


def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        received(Network([1, 0], [1.0, 1.0], [0, 0]), [1.0, 1.0])


@pytest.mark.parametrize(
    ("afvoer", "displaced", "m3"), [(400, 100, 12.5), (400, NAN, 10.0), (NAN, NAN, 0.0), (100, -300, 0.0)]
)
def test_source_of_a_cell_that_is_covered_for_two_fifths(afvoer, displaced, m3):
    assert source_m3(afvoer, displaced, 625.0, 0.4) == pytest.approx(m3)


def test_vulnerability_is_the_layer_or_the_depth_of_water():
    assert vulnerability({"wateroverlast": 0.15}) == pytest.approx(0.5, abs=1e-6)
    assert vulnerability({"wateroverlast": 0.6}) == 1
    assert vulnerability({"wateroverlast": 0.6, "kwetsbaarheid": 0.25}) == 0.25
    assert math.isnan(vulnerability({"wateroverlast": 0.6, "kwetsbaarheid": NAN}))
    assert math.isnan(vulnerability({}))


def test_downstream_burden_is_drawn_where_enough_is_known():
    assert benedenstrooms(800, 0.5, 0.8) == pytest.approx(0.25)
    assert benedenstrooms(3200, 0.5, 0.0) == 0.5
    assert math.isnan(benedenstrooms(800, 0.5, 0.81))
    assert (is_lower_bound(0.2), is_lower_bound(0.19)) == (True, False)


def field(*rows):
    """Values of a grid by cell (row, column); a dot is unknown."""
    return {(i, j): NAN if z == "." else float(z) for i, row in enumerate(rows) for j, z in enumerate(row.split())}


PIT = field("9 9 9 9", "9 3 5 4", "9 9 9 9")
RING = field(". 9 9 9 9", "9 9 . 9 9", "9 9 9 9 9")


def test_a_pit_fills_to_its_lowest_way_out():
    assert filled(PIT, {}, (3, 4))[1, 1] == 5
    assert filled(PIT, {(1, 1): 1}, (3, 4))[1, 1] == 3
    assert outlets(PIT, {}, (3, 4)) == set(PIT) - {(1, 1), (1, 2)}


def test_unknown_ground_is_beyond_the_data_at_the_edge_and_a_wall_inside():
    level = levels(RING, {}, (3, 5))
    assert outside(level, (3, 5)) == {(0, 0)}
    assert (1, 1) in outlets(level, {}, (3, 5))
    assert (1, 3) not in outlets(level, {}, (3, 5)) - {c for c in level if c[1] == 4}
    with_water = levels(RING, {(1, 2): 1}, (3, 5))
    assert with_water[1, 2] == 9
    assert (1, 2) in outlets(with_water, {(1, 2): 1}, (3, 5))


def test_open_water_of_unknown_level_takes_it_from_its_lowest_neighbour_inward():
    height = field("5 . . 8", "4 . . 9")
    wet = dict.fromkeys([(0, 1), (0, 2), (1, 1), (1, 2)], 1)
    got = levels(height, wet, (2, 4))
    assert (got[0, 1], got[1, 1], got[0, 2], got[1, 2]) == (4, 4, 8, 8)


def test_what_d8_may_do_with_the_pit():
    right = {(1, 1): (1, 2), (1, 2): (1, 3)}
    assert broken_rules({**right, (0, 2): (1, 2)}, PIT, {}, (3, 4)) == []
    wrong = broken_rules({**right, (0, 2): (1, 1)}, PIT, {}, (3, 4))
    assert wrong == ["(0, 2) drains to (1, 1), not down the steepest slope"]
    assert broken_rules({(1, 2): (1, 3)}, PIT, {}, (3, 4)) == ["(1, 1) leaves inside the data"]


@pytest.mark.parametrize(
    ("values", "row", "reach"),
    [
        ({"keileemdiepte": 1.2, "natuur": 1.0}, "natuur_op_keileem", 100),
        ({"keileemdiepte": 1.2, "natuur": 0.0}, "ontwaterd_op_keileem", 35),
        ({"keileemdiepte": 0.5}, "ontwaterd_op_keileem", 35),
        ({"keileemdiepte": 5.0, "natuur": 3.0, "ghg": 2.0}, "dekzand_op_keileem", 55),
        ({"keileemdiepte": math.inf, "ghg": 1.2}, "diep_zand", 230),
        ({"keileemdiepte": math.inf, "ghg": 1.1}, "zand_met_sloten", 71),
        ({"keileemdiepte": 5.1, "ghg": NAN}, "zand_met_sloten", 71),
        ({"keileemdiepte": NAN, "ghg": 2.0, "natuur": 3.0}, "anders", 100),
        ({}, "anders", 100),
    ],
)
def test_rows_of_reach(values, row, reach):
    assert situation(values) == (row, reach)


SAND = {"keileemdiepte": math.inf, "ghg": 0.5}


def test_a_lowering_fades_with_the_reach_of_the_receiver():
    around = {(0, 7): SAND, (0, 8): {"keileemdiepte": 1.0}}
    got = effects({(0, 0): 0.2, (0, 1): NAN}, around, 10.0)
    assert got == pytest.approx({(0, 7): 0.2 * math.exp(-70 / 71), (0, 8): 0.2 * math.exp(-80 / 35)})
    half = effects({(0, 0): 0.2}, around, 10.0, factor=0.5)
    assert half[0, 7] == pytest.approx(0.2 * math.exp(-140 / 71))
    assert effects({(0, 0): 0.2}, around, 10.0, lambda_m=80.0)[0, 8] == pytest.approx(0.2 / math.e)
    assert set(effects({(0, 0): NAN}, around, 10.0).values()) == {0.0}


@pytest.mark.parametrize(("left", "right", "want"), [(0.1, -0.2, -0.2), (0.1, -0.1, 0.1), (0.0, -0.1, -0.1)])
def test_between_two_plan_cells_the_largest_effect_counts_then_the_fall(left, right, want):
    got = effects({(0, 0): left, (0, 4): right}, {(0, 2): SAND}, 25.0)
    assert got[0, 2] == pytest.approx(want * math.exp(-50 / 71))


def test_the_sentence_on_neighbours_of_a_rise():
    plan = {(0, 0): -0.2, (0, 1): 0.3}
    row = {(0, -j): SAND for j in range(1, 20)}
    assert wetter_within_m(plan, row, 10.0) == 90.0  # 71 ln 4 = 98
    assert largest_rise(plan) == 0.2
    assert wetter_within_m({(0, 0): -0.05}, row, 10.0) is None
    assert wetter_within_m({(0, 0): 0.4}, row, 10.0) is None


def test_natura_2000_within_twice_the_reach_is_marked():
    nature = {(0, -8): {**SAND, "natuur": 2.0}}
    assert may_be_significant({(0, 0): 0.1}, nature, 10.0)  # 0.1 exp(-80/142) = 0.057
    assert may_be_significant({(0, 0): -0.1}, nature, 10.0)
    assert not may_be_significant({(0, 0): 0.08}, nature, 10.0)
    assert not may_be_significant({(0, 0): 0.1}, {(0, -8): {**SAND, "natuur": 1.0}}, 10.0)


def test_cells_of_a_plan_are_covered_for_half_or_at_all():
    assert plan_cells({(0, 0): 0.5, (0, 1): 0.49}) == {(0, 0)}
    assert plan_cells({(0, 0): 0.4, (0, 1): 0.0}) == {(0, 0)}


def heights(slope, noise, side=41, cell=50.0):
    rng = np.random.default_rng(4)
    return [
        (i * cell, j * cell, slope * i * cell + noise * rng.standard_normal()) for i in range(side) for j in range(side)
    ]


@pytest.mark.parametrize(
    ("slope", "noise", "has_water", "want"),
    [(0.0005, 0.05, False, True), (0.002, 0.05, False, False), (0.0, 0.5, False, False), (0.0, 0.05, True, None)],
)
def test_flat_land_is_a_level_plane_with_little_left(slope, noise, has_water, want):
    assert is_flat(shapely.box(900, 900, 1100, 1100), heights(slope, noise), has_water) is want


def test_nothing_is_said_of_few_cells():
    assert is_flat(shapely.box(0, 0, 100, 100), heights(0.0, 0.05, side=9)) is None
    assert is_flat(shapely.box(3500, 0, 3600, 100), heights(0.0, 0.05)) is None


# --- section 7 -------------------------------------------------------------------------------------------------------


def grid_cells(case, scenario):
    """Values of every cell of a grid, today or in a scenario."""
    layers = {name: [number(x) for x in column] for name, column in case["lagen"].items()}
    rows, columns = case["vorm"]
    for i in range(rows * columns):
        now = {name: column[i] for name, column in layers.items() if "@" not in name}
        future = {n.partition("@")[0]: v[i] for n, v in layers.items() if scenario and n.endswith(f"@{scenario}")}
        yield in_scenario(now, future)


@pytest.mark.parametrize("case", read("bandbreedte")["bandbreedte"], ids=lambda c: c["naam"])
def test_answer_and_mean_score_of_every_worked_plan(case):
    found = []
    for g in case["gevallen"]:
        functie = functies()[g["functie"]]
        scores = [score_cell(functie, values) for values in grid_cells(case, g["scenario"])]
        for j, plan in enumerate(case["plannen"]):
            cells = [Covered(cover, s) for cover, s in zip(plan["dekking"], scores, strict=True) if cover > 0]
            area = shapely.Polygon(plan["hoeken"]).area / case["cel_m"] ** 2
            row = polygon_row(functie, cells, area, case["cel_m"] ** 2 / 1e4)
            want, score = g["verwacht"]["antwoord"][j], number(g["verwacht"]["score"][j])
            if row["antwoord"] != want or not agrees("score", row["score"], score):
                found.append((g["functie"], g["scenario"], plan["naam"], row["antwoord"], want, row["score"], score))
    assert not found


def areas(a=0.0, b=0.0, c1=0.0, c2=0.0, d=0.0):
    return {A: a, B: b, C1: c1, C2: c2, D: d}


@pytest.mark.parametrize(
    ("covered", "score", "want"),
    [
        (areas(a=1), 0.9, A), (areas(a=1), 0.79, B), (areas(a=1), 0.39, C2), (areas(a=1), NAN, A),
        (areas(a=0.5, b=0.5), 0.9, B), (areas(a=0.51, b=0.49), 0.9, A), (areas(a=0.5, b=0.3, c2=0.2), 0.9, C1),
        (areas(a=0.9, c2=0.1), 0.9, C1), (areas(a=0.91, c2=0.09), 0.9, A), (areas(a=0.6, b=0.35, c2=0.05), 0.9, A),
        (areas(a=0.99, d=0.01), 0.9, B), (areas(a=0.991, d=0.009), 0.9, A), (areas(a=0.9, d=0.1), 0.9, C2),
        (areas(d=2), 0.0, D), (areas(a=2, d=2), 0.9, D), (areas(a=30, b=30), 0.9, B),
    ],
)  # fmt: skip
def test_answer_of_a_polygon_by_its_areas(covered, score, want):
    assert verdict(functies()["woningbouw"], covered, score) == want


def test_hoogstens_holds_for_a_polygon_too():
    assert verdict(functies()["drinkwaterwinning"], areas(a=1), 0.9) == C1
    assert verdict(functies()["drinkwaterwinning"], areas(d=1), 0.0) == D


def judged(**scores):
    functie, values = flat(**scores)
    return score_cell(functie, values)


def answer_of(*cells, area=None):
    """Letters of antwoord, antwoord_min and antwoord_max of (cover, score)."""
    covered = [Covered(cover, s) for cover, s in cells]
    return "".join(f"{LETTER[k]} " for k in answers(flat()[0], covered, area or sum(c for c, _ in cells))).strip()


NOTHING = dict.fromkeys(flat()[1], NAN)


def test_an_answer_of_little_known_is_unknown_unless_it_cannot_matter():
    good, bad, void = judged(), judged(kwel=0.01), judged(**NOTHING)
    assert answer_of((1, good)) == "A A A"
    assert answer_of((0.6, good), (0.4, void)) == "A C2 A"
    assert answer_of((0.59, good), (0.41, void)) == "X C2 A"
    assert answer_of((0.59, bad), (0.41, void)) == "D D D"
    assert answer_of((0.4, bad), (0.6, void)) == "X D C2"
    assert answer_of((0.59, good), area=1.0) == "X C2 A"
    assert answer_of((0.7, good), area=1.0) == "A C2 A"
    assert answer_of((0.05, bad), area=1.0) == "X D B"
    assert answer_of(area=1.0) == "X D A"


def test_the_ends_of_an_answer_hold_caps_and_thresholds():
    functie, values = flat(kwel=NAN)
    poor = score_cell(functie, values)
    assert (poor["klasse"], poor["klasse_min"], poor["klasse_max"]) == (A, D, A)
    light = score_cell(functie, {**values, "kwel": 0.1})
    assert (light["klasse_min"], light["klasse_max"]) == (C2, C2)
    no = [threshold("natuur", "nee_tenzij")]
    for natuur, want in ((1.0, (D, D)), (NAN, (D, A))):
        got = score_cell({**functie, "drempels": no}, {**values, "natuur": natuur})
        assert (got["klasse_min"], got["klasse_max"]) == want
    capped = score_cell({**functie, "hoogstens": "B", "zonder": {"gvg": "C1"}}, values)
    assert capped["klasse_max"] == C1


def test_percentiles_are_the_smallest_score_that_covers_enough():
    pairs = [(1.0, 0.2), (0.5, 0.4), (0.5, 0.6), (3.0, NAN)]
    assert [quantile(pairs, p) for p in (0.1, 0.5, 0.51, 0.9)] == [0.2, 0.2, 0.4, 0.6]
    assert math.isnan(quantile([(1.0, NAN)], 0.5))


def covered(cover, values, name="woningbouw", **settings):
    return Covered(cover, score_cell(functies()[name], values), burden(name, values, **settings))


def test_row_of_a_plan_by_hand():
    """A whole cell on keileem, half a cell whose kwel and keileem are unknown, and half a cell outside the data."""
    vague = {**HOUSES_ON_CLAY, "keileemdiepte": NAN, "kwel": NAN, "ghg": NAN}
    row = polygon_row(functies()["woningbouw"], [covered(1.0, HOUSES_ON_CLAY), covered(0.5, vague)], 2.0, 0.25)
    assert (row["oppervlakte_ha"], row["beoordeeld_ha"], row["onbekend_ha"], row["buiten_ha"]) == (
        0.5,
        0.25,
        0.125,
        0.125,
    )
    one = score_cell(functies()["woningbouw"], HOUSES_ON_CLAY)
    assert row["score"] == row["score_p10"] == one["geschiktheid"]
    letter = LETTER[one["klasse"]]
    assert (row[f"ha_{letter}"], row[f"aandeel_{letter}"]) == (0.25, 1.0)
    assert (row["antwoord"], row["bepalend"]) == ("X", "ghg")
    assert sum(v for k, v in row.items() if k.startswith("verlies_")) == pytest.approx(1 - row["score"])
    assert row["afvoer_m3"] == pytest.approx(432 * 0.25)
    assert row["verdrongen_berging_m3"] == pytest.approx(420 * 0.375, abs=1e-3)
    assert row["aanvullingsverlies_m3_jr"] == pytest.approx(10 * 109.5 * 0.25, abs=1e-3)
    assert row["basisafvoer_l_s"] == pytest.approx(273.75 * 1000 / (365 * 24 * 3600), abs=1e-6)
    assert math.isnan(row["co2_t_jr"])
    assert row["gevraagd_m3"] == 0
    assert (row["oorzaak"], row["aandeel_risico_hoog"]) == ("afvoer", 0.0)


def test_row_of_a_plan_tells_the_task_of_its_board():
    board = boards()["wetterskip_fryslan"]
    cell = covered(1.0, HOUSES_ON_CLAY, board=board)
    row = polygon_row(functies()["woningbouw"], [cell], 1.0, 0.25, board)
    assert row["gevraagd_m3"] == pytest.approx(10 * 20 * 0.54 * 0.25)
    assert row["gevraagd_aandeel"] == pytest.approx(0.05 * 0.54)
    assert row["risico"] < row["risico_zonder_compensatie"]
    large = covered(1.0, HOUSES_ON_CLAY, board=boards()["noorderzijlvest"], plan=Plan(11.0, 6e4))
    row = polygon_row(functies()["woningbouw"], [large], 1.0, 0.25, boards()["noorderzijlvest"])
    assert math.isnan(row["gevraagd_m3"])
    assert math.isnan(row["gevraagd_aandeel"])
    assert row["risico"] == row["risico_zonder_compensatie"]


def test_a_mean_risico_hides_no_hot_spot():
    cells = [
        Covered(c, judged(), {**burden("woningbouw", HOUSES_ON_CLAY), "risico": r}) for c, r in ((0.5, 0.6), (1, 0.1))
    ]
    row = polygon_row(flat()[0], cells, 1.5, 1.0)
    assert row["risico"] == pytest.approx(0.4 / 1.5)
    assert row["aandeel_risico_hoog"] == pytest.approx(1 / 3)
