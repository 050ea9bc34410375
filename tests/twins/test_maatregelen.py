"""Twin of the measures: every worked case, and its rules by hand."""

from __future__ import annotations

import pytest

from tests.support.design import functies, measures
from tests.support.twins.functie import parameter
from tests.support.twins.klasse import LETTER
from tests.support.twins.maatregel_cel import YES
from tests.support.twins.maatregel_keuze import whole
from tests.support.twins.numbers import f32, unknown
from tests.support.worked_measures import (
    CASES,
    ONE_BY_ONE,
    cell_of,
    choice_of,
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
        return choice.now, choice.swapped(case["functie_na"])
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
