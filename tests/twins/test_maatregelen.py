"""Twin of the measures: every worked case, and its rules by hand."""

from __future__ import annotations

import math

import pytest

from tests.support.design import boards, functies, measure_head, measures
from tests.support.twins.functie import parameter
from tests.support.twins.klasse import LETTER
from tests.support.twins.layers import with_gvg
from tests.support.twins.maatregel_cel import NO, YES, Asked, as_asked, may
from tests.support.twins.maatregel_keuze import plan_of_cells, whole
from tests.support.twins.maatregel_plan import Search
from tests.support.twins.numbers import NAN, f32, unknown
from tests.support.worked_measures import (
    CASES,
    CELL_HA,
    ONE_BY_ONE,
    PLACES,
    cell_of,
    choice_of,
    layers_of,
    near,
    unlike,
    values_of,
)


def name_of(case):
    return "-".join([*case.get("nr", ()), case["functie"], case.get("cel", "plan"), case.get("waterschap", "")])


def each(*keys):
    return pytest.mark.parametrize("case", [c for key in keys for c in CASES[key]], ids=name_of)


def rows_of(case):
    """The rows before and after the package of a case."""
    choice = choice_of(case)
    if "functie_na" in case:
        return choice.now, choice.swapped(case["maatregelen"][0])
    return choice.now, choice.search.row(tuple(case["maatregelen"]))


@each(*ONE_BY_ONE)
def test_a_worked_case_before_and_after(case):
    before, after = rows_of(case)
    assert unlike(cell_of(before), case["voor"]) == []
    assert unlike(cell_of(after), case["na"]) == []
    assert ("klasse_tenzij" in case["na"]) == (after.tenzij is not None)


def changed_layers(case, state):
    now = values_of(case)
    return {n: v for n, v in state.layers.items() if not unknown(v) and v != f32(now[n])}


def changed_parameters(case, state):
    own = functies()[case["functie"]]
    return {n: v for n, v in state.parameters.items() if n != "bebouwd_aandeel" and v != parameter(own, n)}


@each(*ONE_BY_ONE)
def test_a_worked_case_changes_these_layers_and_parameters_and_costs_this(case):
    if "functie_na" in case:
        assert measures()[case["maatregelen"][0]]["functie"][case["functie"]] == case["functie_na"]
        return
    _, after = rows_of(case)
    state = after.cells[0].state
    want = {name: float(v) for name, v in case["effectieve_lagen"].items()}
    assert set(changed_layers(case, state)) == set(want) and unlike(changed_layers(case, state), want) == []
    assert set(changed_parameters(case, state)) == set(case["parameters"])
    assert unlike(changed_parameters(case, state), case["parameters"]) == []
    assert near(after.ruimte, case.get("ruimte", 0), "ruimte")
    assert list(after.maanden) == case["maanden"]
    costs = case["investering_eur_ha"] or [None, None]
    assert all(near(a, b, "eur") for a, b in zip(after.investering or (None, None), costs, strict=True))


@each(*ONE_BY_ONE)
def test_a_worked_case_is_of_measures_that_may_be_applied_unless_it_shows_one_that_is_off(case):
    choice = choice_of(case)
    for id_ in case["maatregelen"]:
        assert choice.search.offers[id_].kan == YES
        assert choice.search.measures[id_]["aan"] != bool(case.get("uit"))
    assert choice.search.contradiction(tuple(case["maatregelen"])) == ""


@each("niet_toepasbaar", "onbekend", "waar_bekend")
def test_where_a_measure_may_be_applied(case):
    (id_,) = case["maatregelen"]
    offer = choice_of(case).search.offers[id_]
    assert offer.kan == case["kan"]
    assert offer.door == case.get("door", "")
    assert list(offer.untested) == case.get("niet_getoetst", [])


@each("geweigerd")
def test_what_contradicts_itself_is_refused(case):
    assert choice_of(case).search.contradiction(tuple(case["maatregelen"])) == case["reden"]


@each("ruimte")
def test_a_package_over_its_room_is_refused(case):
    search, ids = choice_of(case).search, tuple(case["maatregelen"])
    order = list(measures())
    assert search.contradiction(tuple(sorted(ids, key=order.index))) == case.get("reden", "")
    if not case["geweigerd"]:
        row = search.row(tuple(sorted(ids, key=order.index)))
        assert near(row.ruimte, case["ruimte"], "ruimte")
        assert near(row.cells[0].state.parameters["verhardingsgraad"], case["verhardingsgraad"], "v")


def plan_row(row):
    found = {LETTER[k]: 0.0 for k in (1, 2, 3, 4, 5)}
    for answer in row.cells:
        found[LETTER[answer.score["klasse"]]] += 0.0625
    paved = {answer.state.parameters["verhardingsgraad"] for answer in row.cells}
    return {
        "oppervlakte_ha": 0.0625 * len(row.cells),
        "score": row.score,
        "antwoord": LETTER[row.antwoord],
        **{f"ha_{letter}": ha for letter, ha in found.items()},
        "risico": row.risico,
        "afvoer_m3": row.afvoer_m3,
        "verdrongen_berging_m3": row.verdrongen_m3,
        "grootste_aandeel": row.grootste_aandeel,
        "verhardingsgraad": max(paved),
    }


@each("plan")
def test_a_worked_plan(case):
    choice, ids = choice_of(case), tuple(case["maatregelen"])
    offer = choice.search.offers[ids[0]]
    assert unlike(plan_row(choice.now), case["voor"]) == []
    assert offer.offered == case.get("aangeboden", True)
    assert near(offer.share, case.get("aandeel_waar_het_kan", 1), "share")
    if offer.offered:
        row = choice.search.row(ids)
        assert unlike(plan_row(row), case["na"]) == []
        assert near(row.vrij_ha, case.get("vrij_ha", 0), "ha")
        want = case.get("investering_eur_ha", row.investering)
        assert all(near(a, b, "eur") for a, b in zip(row.investering, want, strict=True))


def shown_row(choice, package):
    row, (place, neighbours), ends = choice.search.row(package), choice.halves(package), choice.range_of(package)
    told = cell_of(row)
    return {
        **{name: told[name] for name in ("score", "klasse", "klasse_tenzij", "risico", "oorzaak", "grootste_aandeel")},
        "maatregelen": list(package),
        "risicoklasse": choice.risk_name(row),
        "trede": choice.trede(package),
        "investering_eur_ha": [round(x, 6) for x in row.investering],
        "ruimte_pct": whole(100 * row.ruimte),
        "plek": list(place),
        "buren": list(neighbours),
        "antwoord_laag_na": ends[0],
        "antwoord_hoog_na": ends[1],
        "twijfel": list(choice.twijfel(package)),
        "zonder_grond": row.zonder_grond,
        "zin": choice.sentence(package),
    }


@each("keuze")
def test_what_is_shown_and_said(case):
    choice = choice_of(case)
    assert unlike(cell_of(choice.now), case["voor"]) == []
    assert (len(choice.pool()), len(choice.busy())) == (case["pakketten_in_pool"], case["niet_leeg"])
    shown = [shown_row(choice, package) for package in choice.shown()]
    assert [row["maatregelen"] for row in shown] == [row["maatregelen"] for row in case["getoond"]]
    for got, want in zip(shown, case["getoond"], strict=True):
        assert unlike(got, {"zonder_grond": False, **want}) == []
    assert (choice.headline(), choice.fits_text()) == (case["kop"], case["past_wel"])


# --- rules by hand ---------------------------------------------------------------------------------------------------


def measure(**keys):
    """A measure for every functie, everywhere."""
    price = {"laag": 10, "hoog": 30, "per_ha": {"factor": 2}}
    base = {"id": "proef", "groep": "proef", "functies": "alle", "trede": 1, "aan": True, "kosten": price}
    return {**base, "maanden": [1, 2], "zin": "", **keys}


def search_of(own, cells, functie="woningbouw", area=None, reference="grasland_veeteelt", **asked):
    pairs = [(1.0, values) for values in cells]
    given = functies()[reference]
    plan = plan_of_cells(pairs, float(area or len(cells)), CELL_HA, given, functies(), sized=False)
    settings = {"parameters": {}, "board": "", "boards": boards(), **asked}
    return Search(Asked(functies()[functie], measure_head(), **settings), plan, {m["id"]: m for m in own})


KEILEEM, ZAND = layers_of("keileem"), layers_of("zand")


def state_of(*own, values=KEILEEM, **settings):
    search = search_of(own, [values], **settings)
    return search.row(tuple(m["id"] for m in own)).cells[0].state


def test_verbs_of_a_layer_act_in_their_order_and_stay_plausible():
    verbs = {"minstens": 0.3, "hoogstens": 2.0, "maal": 3, "min": 0.1, "plus": 0.2}
    assert state_of(measure(lagen={"ghg": verbs})).layers["ghg"] == f32(3 * (f32(0.55) + 0.2 - 0.1))
    assert state_of(measure(lagen={"ghg": {"plus": 30}})).layers["ghg"] == 20
    assert state_of(measure(lagen={"wateroverlast": {"min": 1}})).layers["wateroverlast"] == 0


def test_after_each_measure_what_it_moved_is_plausible_again():
    down, up = measure(lagen={"wateroverlast": {"min": 1}}), measure(id="meer", lagen={"wateroverlast": {"plus": 0.1}})
    assert state_of(down, up).layers["wateroverlast"] == f32(0.1)


def test_what_is_unknown_missing_or_absent_stays_so():
    raised = measure(lagen={"keileemdiepte": {"plus": 1}, "inundatie": {"hoogstens": 0}, "ghg": {"plus": 1}})
    state = state_of(raised, values={**ZAND, "ghg": NAN})
    assert (
        state.layers["keileemdiepte"] == math.inf and "inundatie" not in state.layers and unknown(state.layers["ghg"])
    )


def test_measures_together_leave_half_of_the_drought():
    less = [measure(id=f"m{i}", lagen={"droogte": {"maal": 0.6}}) for i in range(3)]
    assert state_of(less[0]).layers["droogte"] == f32(0.6 * 14) and state_of(*less).layers["droogte"] == 7


def test_verbs_of_a_parameter_act_in_their_order_and_keep_it_legal():
    def paving(**verbs):
        return state_of(measure(parameters={"verhardingsgraad": verbs})).parameters["verhardingsgraad"]

    assert paving(maal=2, plus=-0.2, wordt=0.5) == pytest.approx(0.6)
    assert (paving(plus=-2), paving(plus=2)) == (0, 1)
    level = state_of(measure(parameters={"streefpeil_m": {"wordt": "ontwatering_m"}, "ontwatering_m": {"plus": -0.2}}))
    assert level.parameters["streefpeil_m"] == pytest.approx(0.5)


def test_a_caller_s_value_is_the_own_value_and_where_measures_start():
    sand = measure(parameters={"ophoging_m": {"wordt": "eigen", "maal": 2}}, lagen={"ghg": {"plus": "ophoging_m"}})
    state = state_of(sand, parameters={"ophoging_m": 0.3})
    assert state.parameters["ophoging_m"] == 0.6 and state.layers["ghg"] == f32(f32(0.55) + 0.6)


def test_what_is_raised_is_at_least_what_is_built_on():
    less = measure(parameters={"opgehoogd_aandeel": {"plus": -0.5}})
    assert state_of(less).parameters["opgehoogd_aandeel"] == 0.25
    flat = measure(parameters={"opgehoogd_aandeel": {"plus": -0.5}, "ophoging_m": {"wordt": 0}})
    assert state_of(flat).parameters["opgehoogd_aandeel"] == pytest.approx(0.1)


def test_a_derived_gvg_follows_and_is_not_moved_itself():
    values = {n: v for n, v in KEILEEM.items() if n != "gvg"}
    moves = measure(lagen={"ghg": {"plus": 0.4}, "gvg": {"plus": 5}})
    (found,) = search_of([moves], [values], "natte_landbouw", parameters={"streefpeil_m": None}).row(("proef",)).cells
    assert "gvg" not in found.state.layers
    assert with_gvg(found.state.layers)["gvg"] == pytest.approx(0.054 + 0.83 * 0.95 + 0.19 * 1.4, abs=1e-6)


def test_a_package_that_changes_no_parameter_leaves_the_present_use_what_it_is():
    dry = measure(lagen={"droogte": {"maal": 0.5}}, parameters={"bebouwd_aandeel": {"wordt": 0.3}})
    same = search_of([dry], [KEILEEM], "grasland_veeteelt").row(("proef",))
    assert (same.risico, same.oorzaak) == (0, "geen")
    drained = measure(parameters={"ontwatering_m": {"plus": 0.5}})
    assert search_of([drained], [KEILEEM], "grasland_veeteelt").row(("proef",)).risico > 0


def test_storage_counts_towards_what_a_board_asks():
    def built(mm, counts=True, board="hunze_en_aas", given=None):
        tank = measure(berging={"aangelegde_berging_mm": {"plus": mm, "telt_mee": counts}})
        row = search_of([tank], [KEILEEM], board=board, given_mm=given).row(("proef",))
        return row.aangelegd_mm, row.taak_aandeel

    asked = 80 * 0.54
    assert built(10) == pytest.approx((asked, 10 / asked)) and built(60) == pytest.approx((60, 1))
    assert built(10, counts=False) == pytest.approx((asked + 10, 0))
    assert built(10, given=5) == pytest.approx((15, 15 / asked))
    assert built(900, board="")[0] == pytest.approx(400 * 0.45)


@pytest.mark.parametrize(
    ("can", "cannot", "unknown", "outside", "want"),
    [(5, 5, 0, 0, "ja"), (4, 5, 1, 0, "onbekend"), (4, 6, 0, 0, "nee"), (4, 5, 0, 1, "onbekend"), (3, 5, 1, 0, "nee")],
)
def test_a_measure_is_offered_where_it_can_act_in_half_of_the_plan(can, cannot, unknown, outside, want):
    deep = measure(waar={"ghg": {"minstens": 0.8}})
    cells = [ZAND] * can + [KEILEEM] * cannot + [{**ZAND, "ghg": NAN}] * unknown
    assert search_of([deep], cells, area=len(cells) + outside).offers["proef"].kan == want


def test_a_measure_acts_and_costs_where_it_can_a_facility_in_the_whole_plan():
    cells = [ZAND] * 6 + [KEILEEM] * 4
    deep = measure(waar={"ghg": {"minstens": 0.8}}, lagen={"droogte": {"maal": 0.5}})
    row = search_of([deep], cells).row(("proef",))
    assert row.investering == pytest.approx((12, 36))
    assert [a.state.layers["droogte"] for a in row.cells] == [12] * 6 + [14] * 4
    spot = search_of([{**deep, "waar_aandeel": 0.15}], cells).row(("proef",))
    assert spot.investering == pytest.approx((20, 60)) and {a.state.layers["droogte"] for a in spot.cells} == {12, 7}


def test_a_level_beside_a_streefpeil_is_refused():
    up = measure(lagen={"ghg": {"plus": 0.2}})
    assert search_of([up], [KEILEEM], "natte_landbouw").contradiction(("proef",)).startswith("peil")
    assert search_of([up], [KEILEEM]).contradiction(("proef",)) == ""
    assert search_of([up], [KEILEEM], parameters={"streefpeil_m": 0.3}).contradiction(("proef",)).startswith("peil")


def test_the_first_other_form_of_which_all_conditions_hold_counts():
    m = measure(
        lagen={"ghg": {"plus": 1}},
        anders=[
            {"functie": "akkerbouw", "lagen": {"ghg": {"plus": 2}}},
            {"functie": "woningbouw", "waterschap": "vechtstromen", "lagen": {"ghg": {"plus": 3}}},
            {"functie": "woningbouw", "lagen": {"droogte": {"maal": 0.5}}},
        ],
    )
    assert as_asked(m, "woningbouw", "")["lagen"] == {"ghg": {"plus": 1}, "droogte": {"maal": 0.5}}
    assert as_asked(m, "woningbouw", "vechtstromen")["lagen"] == {"ghg": {"plus": 3}}
    assert as_asked(m, "natte_natuur", "")["lagen"] == {"ghg": {"plus": 1}}


# --- all measures ----------------------------------------------------------------------------------------------------


def places_of(id_):
    """Every place with a functie that the measure knows."""
    m = measures()[id_]
    known = ["woningbouw", "natte_natuur"] if m["functies"] == "alle" else m["functies"]
    return [(functie, values) for functie in known for values in PLACES]


@pytest.mark.parametrize("id_", measures())
def test_every_measure_has_a_place_where_it_may_not_act_and_one_where_it_does(id_):
    found = [may(as_asked(measures()[id_], f, ""), f, values)[0] for f, values in places_of(id_)]
    assert YES in found
    m = measures()[id_]
    if m.get("waar"):
        assert NO in found
    elif m["functies"] != "alle":
        stranger = next(f for f in functies() if f not in m["functies"])
        assert may(m, stranger, KEILEEM) == (NO, "functie", ())


def judged_row(row):
    (cell,) = row.cells
    return row.antwoord, row.score, row.tenzij, *(v for v in cell.burden.values() if isinstance(v, float))


@pytest.mark.parametrize("id_", measures())
def test_every_measure_changes_something_somewhere_but_those_of_the_ledger(id_):
    m, changes = measures()[id_], []
    if "gebied_zonder" in m:
        return
    for functie, values in places_of(id_):
        if may(as_asked(m, functie, ""), functie, values)[0] == YES:
            search = search_of([m], [values], functie)
            now = search.row(())
            swapped = m.get("functie", {}).get(functie)
            then = search_of([], [values], swapped).row(()) if swapped else search.row((id_,))
            changes.append(repr(judged_row(now)) != repr(judged_row(then)))
    assert any(changes) != ("grootboek" in m)
