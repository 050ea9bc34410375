"""Measures that cannot be, or cannot be together, are told by name; bad arguments are errors."""

from __future__ import annotations

import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import box, layers
from tests.support.worked_measures import layers_of

MEASURES = wb.maatregelen()
PLAN = box(0, 0, 2, 2, 50.0)


def grid(cel, **instead):
    return layers({n: np.full((3, 3), v) for n, v in layers_of(cel, instead).items()}, 50.0)


def asked(cel, functie, maatregelen, samen=3, **instead):
    return wb.mits(grid(cel, **instead), functie, PLAN, maatregelen, samen, referentie="grasland_veeteelt")


def reasons(found):
    """Why what is not offered is not, by its measures."""
    told = found.table[found.table.reden != ""]
    assert (told.antwoord_na == "").all() and not told.pareto.any()
    return dict(zip(told.maatregelen, told.reden, strict=True))


def offered(found):
    """What can be taken, beside the usual design that stands in every table."""
    return set(found.table[found.table.reden == ""].maatregelen) - {"standaardontwerp"}


def raising(**changes):
    """A measure of one's own that moves ghg, for every functie."""
    base = {"id": "hoger", "functies": "alle", "groep": "hoger", "parameters": {}}
    return MEASURES["kruipruimteloos"].model_copy(update={**base, **changes})


@pytest.mark.parametrize(
    ("cel", "functie", "package", "reason"),
    [
        ("zand", "woningbouw", "wadi+infiltratieveld", "twee maatregelen van een groep: infiltratie"),
        ("plateau", "woningbouw", "drijvend+hoger_vloerpeil", "drijvend niet met hoger_vloerpeil"),
        ("keileem", "bedrijventerrein", "vijver+infiltratieveld", "ruimte: 0.980 van 0.95"),
        ("veen", "akkerbouw", "natte_teelt+peilverhoging", "een andere functie staat in geen pakket"),
    ],
    ids=["groep", "niet_met", "ruimte", "functie"],
)
def test_named_measures_that_do_not_go_together_are_told(cel, functie, package, reason):
    found = asked(cel, functie, package.split("+"), water=1.0)
    assert offered(found) == {"", *package.split("+")}
    assert reasons(found) == {package: f"kan niet: {reason}"}


def test_of_a_pair_that_does_not_go_a_package_of_three_says_nothing_more():
    found = asked("zand", "woningbouw", ["wadi", "infiltratieveld", "groen_dak"])
    assert list(reasons(found)) == ["wadi+infiltratieveld"]
    assert {"wadi+groen_dak", "infiltratieveld+groen_dak"} <= offered(found)


def test_a_level_beside_a_streefpeil_of_the_functie_or_of_the_caller_is_refused_by_name():
    for functie, measure in [("natte_landbouw", raising()), (own_level(), MEASURES["kruipruimteloos"])]:
        found = asked("keileem", functie, [measure])
        assert reasons(found) == {measure.id: "kan niet: ghg naast een streefpeil"}
        assert offered(found) == {""}


def own_level():
    return wb.functies()["woningbouw"].replace(streefpeil_m=0.3)


def test_the_usual_design_is_no_row_beside_a_streefpeil():
    found = asked("keileem", own_level(), None, samen=1)
    assert "streefpeil" in reasons(found)["standaardontwerp"] and "standaardontwerp" not in offered(found)


def test_a_level_beside_the_streefpeil_of_another_measure_is_refused_by_name():
    found = asked("keileem", "akkerbouw", [raising(), "peilverhoging"])
    assert reasons(found) == {"hoger+peilverhoging": "kan niet: ghg naast een streefpeil"}


def test_a_named_measure_that_the_functie_does_not_know_or_that_is_off_says_so():
    found = asked("keileem", "woningbouw", ["peilverhoging", "kade"])
    assert reasons(found) == {"kade": MEASURES["kade"].reden, "peilverhoging": "kan niet: functie"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["wadie"], "unknown measure; got 'wadie'; allowed: did you mean 'wadi'"),
        (["wadi", "wadi"], "each once"),
        ([], "at least one measure"),
        ([3], "not a measure; got 3"),
        (3, "not measures; got 3"),
        ([raising(parameters={"bergingseis_mm": {"wordt": 10}})], "hoger: parameters.bergingseis_mm: a measure never"),
        ([raising(parameters={"zand": {"wordt": 10}})], "unknown parameter; got 'zand'"),
        ([raising(lagen={"zand": {"plus": 1}})], "unknown layer; got 'zand'"),
        ([raising(parameters={"streefpeil_m": {"wordt": 0.3}})], "moves the groundwater by that alone"),
        ([raising(parameters={"verhardingsgraad": {"wordt": -0.1}})], "outside its limits; got -0.1"),
        ([raising(groep="zand")], "unknown groep"),
        ([raising(niet_met=("wadie",))], "unknown measure; got 'wadie'"),
        ("nergens.toml", "does not exist"),
    ],
)  # fmt: skip
def test_measures_that_no_one_can_take_are_an_error_by_name(given, message):
    with pytest.raises(wb.WaterbodemError, match=message):
        asked("keileem", "woningbouw", given)


@pytest.mark.parametrize("samen", [0, 4, True, 2.0, "3"])
def test_a_package_holds_one_to_three_measures(samen):
    with pytest.raises(wb.WaterbodemError, match="samen"):
        asked("keileem", "woningbouw", ["wadi"], samen=samen)


def test_own_measures_of_a_file_join_those_of_the_package(tmp_path):
    text = """
        id = "vloer_hoog"
        naam = "Vloer hoog"
        groep = "vloer_hoog"
        functies = ["woningbouw"]
        trede = 1
        maanden = [0, 1]
        zin = "de vloer hoog ligt"
        lagen = { wateroverlast = { hoogstens = 0.0 } }
        kosten = { laag = 1, hoog = 2, eenheid = "EUR/ha", per_ha = { factor = 1 } }
    """
    path = tmp_path / "eigen.toml"
    path.write_text(text, "utf-8")
    found = asked("keileem", "woningbouw", path, samen=1)
    assert {"vloer_hoog", "kruipruimteloos"} <= offered(found)
    (row,) = found.table[found.table.maatregelen == "vloer_hoog"].to_dict("records")
    assert (row["investering_laag"], row["investering_hoog"], row["maanden_hoog"]) == (1, 2, 1)
    dry = wb.assess(grid("keileem", wateroverlast=0.0), "woningbouw", PLAN).table
    assert row["score_na"] == pytest.approx(dry.score.iloc[0], abs=1e-6)


@pytest.mark.parametrize("given", [{"waterschp": "noorderzijlvest"}, {"parameter": {}}], ids=["waterschp", "parameter"])
def test_an_argument_that_the_question_does_not_know_is_an_error(given):
    with pytest.raises(TypeError, match=next(iter(given))):
        wb.mits(grid("keileem"), "woningbouw", PLAN, ["kruipruimteloos"], **given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scenarios": "2050Hd"}, "unknown scenario; got '2050Hd'"),
        ({"parameters": {"verharding": 0.4}}, "unknown parameter; got 'verharding'"),
        ({"parameters": {"akkerbouw": {"verhardingsgraad": 0.4}}}, "functie is not asked; got 'akkerbouw'"),
        ({"parameters": 0.4}, "not parameters; got 0.4"),
    ],
    ids=["scenario", "parameter", "functie", "number"],
)
def test_scenarios_and_parameters_that_are_not_there_are_told(given, told):
    with pytest.raises(wb.WaterbodemError, match=told):
        wb.mits(grid("keileem"), "woningbouw", PLAN, ["kruipruimteloos"], **given)
