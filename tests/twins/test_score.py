"""Twins of sections 1 to 4 against every worked cell; by hand where the cases say nothing."""

from __future__ import annotations

import math

import pytest

from tests.support.design import functies
from tests.support.random_cells import FUNCTIES
from tests.support.twins.functie import by_code, plain, with_parameters
from tests.support.twins.klasse import C1, C2, LETTER, A, B, D, X, loss_shares, percentage, score_cell
from tests.support.twins.layers import legal, with_gvg
from tests.support.twins.rewetting import holds_water, rewetted, rise
from tests.support.worked import (
    GOOD,
    NAN,
    archetype,
    cells_of,
    differences,
    flat,
    read,
    threshold,
)


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
        score_cell({**functies()["woningbouw"], "hoogstens": "C2"}, {**GOOD, "kwel": NAN, "wateroverlast": NAN})[
            "klasse"
        ]
        == X
    )


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
