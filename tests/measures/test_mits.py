"""Measures through the public door: against assess, against other functies on other layers, whatever extent."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

import waterbodem as wb
from tests.support.grids import box, layers
from waterbodem.receivers.land import land_of

FOLDER = Path(wb.__file__).parent / "data" / "maatregelen"
AREA = wb.example(size=60)
X, Y = AREA.x.values, AREA.y.values
PLANS = [shapely.box(X[a], Y[b], X[c], Y[d]) for a, d, c, b in ((5, 5, 30, 25), (28, 30, 52, 55))]
#: Where cells tell of one plan only.
CELL = {
    "zettingsgevoeligheid": 0.05, "wateroverlast": 0.18, "droogte": 12, "keileemdiepte": 1.6, "kwel": -0.2,
    "ghg": 0.75, "gvg": 0.95, "glg": 1.6, "veendikte": 0, "natuur": 0,
}  # fmt: skip


def place(**other):
    """Twelve rows of twelve cells of 25 m, alike; a list of twelve is a value per row."""
    values = {**CELL, **other}
    return layers(
        {n: np.tile(np.asarray(v, np.float32).reshape(-1, 1), (12 // np.size(v), 12)) for n, v in values.items()}, 25.0
    )


def plan(rows=8, columns=8):
    return box(0, 0, columns, rows, 25.0)


def row(found, package):
    (one,) = found.table[found.table.maatregelen == package].to_dict("records")
    return one


@pytest.fixture(scope="module")
def found():
    return wb.mits(AREA, ["woningbouw", "akkerbouw"], PLANS, waterschap="hunze_en_aas")


def test_as_it_is_a_plan_stands_as_assess_says(found):
    told = wb.assess(AREA, ["woningbouw", "akkerbouw"], PLANS, waterschap="hunze_en_aas").table
    as_it_is = found.table[found.table.maatregelen == ""].reset_index(drop=True)
    for column in ("antwoord", "score", "risico"):
        pd.testing.assert_series_equal(as_it_is[column], told[column], check_dtype=False)
        pd.testing.assert_series_equal(as_it_is[f"{column}_na"], told[column], check_names=False, check_dtype=False)
    for name in ("laag", "hoog"):
        held = as_it_is[f"antwoord_{name}_na"]
        pd.testing.assert_series_equal(held, told[f"antwoord_{name}"], check_names=False, check_dtype=False)
    zonder = as_it_is.risico_zonder_compensatie_na
    pd.testing.assert_series_equal(zonder, told.risico_zonder_compensatie, check_names=False)


def test_the_table_has_the_columns_of_the_contract_in_its_order(found):
    told = [
        "gebied",
        "functie",
        "maatregelen",
        "antwoord",
        "antwoord_na",
        "score",
        "score_na",
        "risico",
        "risico_na",
        "risico_zonder_compensatie_na",
        "grootste_aandeel",
        "grootste_aandeel_na",
        "water_m3_ha",
        "water_m3_ha_na",
        "gevraagd_mm",
        "aangelegde_berging_mm",
        "klasse_tenzij",
        "trede",
        "ruimte",
        "taak_aandeel",
        "plek",
        "buren",
        "hangt_af_van",
        "zonder_grond",
        "antwoord_laag_na",
        "antwoord_hoog_na",
        "twijfel",
        "getoond",
        "zin",
        "investering_laag",
        "investering_hoog",
        "maanden_laag",
        "maanden_hoog",
        "ontvangen_m3_na",
        "verlaging_buren_cm_na",
        "pareto",
        "begrenst",
        "reden",
    ]
    assert list(found.table.columns)[: len(told)] == told


def test_the_usual_design_stands_second_and_every_package_once(found):
    for (_, functie), rows in found.table.groupby(["gebied", "functie"], sort=False):
        assert rows.maatregelen.iloc[0] == ""
        assert rows.maatregelen.is_unique
        assert (functie == "woningbouw") == (rows.maatregelen.iloc[1] == "standaardontwerp")


def test_shown_packages_have_all_that_is_said_of_them(found):
    shown = found.table[found.table.getoond.notna()]
    assert len(shown)
    assert (shown.zin != "").all()
    assert shown[["ontvangen_m3_na", "verlaging_buren_cm_na"]].notna().all().all()
    assert found.table.loc[found.table.getoond.isna(), ["ontvangen_m3_na", "verlaging_buren_cm_na"]].isna().all().all()
    assert shown.groupby(["gebied", "functie"]).getoond.apply(lambda n: n.tolist() == list(range(1, len(n) + 1))).size


def test_no_row_of_the_front_is_beaten(found):
    rank = {"A": 1, "B": 2, "C1": 3, "C2": 4, "D": 5}
    for _, rows in found.table[found.table.antwoord_na.isin(rank)].groupby(["gebied", "functie"]):
        points = np.column_stack([rows.antwoord_na.map(rank), rows.grootste_aandeel_na, rows.investering_hoog])
        same = np.array([0, 1e-6, 1e-3])
        for point, best in zip(points, rows.pareto, strict=True):
            beaten = ((points <= point + same).all(axis=1) & (points < point - same).any(axis=1)).any()
            assert best == (not beaten and not np.isnan(point).any())


def test_a_measure_of_layers_is_the_functie_on_those_layers():
    found = wb.mits(place(), "woningbouw", plan(), ["kruipruimteloos"], referentie="akkerbouw")
    other = wb.assess(place(ghg=np.float32(0.75) + np.float32(0.2)), "woningbouw", plan(), referentie="akkerbouw").table
    assert row(found, "kruipruimteloos")["score_na"] == pytest.approx(other.score[0], abs=1e-6)
    assert row(found, "kruipruimteloos")["antwoord_na"] == other.antwoord[0]


def test_a_measure_of_parameters_is_a_functie_with_those_parameters():
    found = wb.mits(place(), "woningbouw", plan(), ["minder_verharding", "vijver"], referentie="grasland_veeteelt")
    paved = wb.functies()["woningbouw"].replace(verhardingsgraad=0.45, grondwateraanvulling_mm_jr=134)
    stored = wb.assess(
        place(), paved, plan(), referentie="grasland_veeteelt", aangelegde_berging_mm=40 * 0.45
    ).table  # fmt: skip
    got = row(found, "minder_verharding+vijver")
    assert got["risico_na"] == pytest.approx(stored.risico[0], abs=1e-6)
    assert got["risico_zonder_compensatie_na"] == pytest.approx(stored.risico_zonder_compensatie[0], abs=1e-6)
    assert got["aangelegde_berging_mm"] == pytest.approx(18, abs=1e-4)
    water = (stored.afvoer_m3[0] + stored.verdrongen_berging_m3[0]) / stored.oppervlakte_ha[0]
    assert got["water_m3_ha_na"] == pytest.approx(water, abs=1e-2)


def test_where_a_measure_acts_in_part_of_a_plan_each_part_stands_as_by_itself():
    ghg = [0.6] * 6 + [0.4] * 6
    found = wb.mits(place(ghg=ghg), "woningbouw", plan(8), ["kruipruimteloos"], referentie="grasland_veeteelt")
    one = wb.mits(place(ghg=0.6), "woningbouw", plan(8), ["kruipruimteloos"], referentie="grasland_veeteelt")
    rest = wb.assess(place(ghg=0.4), "woningbouw", plan(8), referentie="grasland_veeteelt").table
    got, alone = row(found, "kruipruimteloos"), row(one, "kruipruimteloos")
    for name, of_rest in (("score_na", rest.score[0]), ("risico_na", rest.risico[0])):
        assert got[name] == pytest.approx(0.75 * alone[name] + 0.25 * of_rest, abs=1e-6)
    assert got["investering_hoog"] == pytest.approx(0.75 * alone["investering_hoog"], abs=1e-6)


def test_hectares_left_free_are_out_of_the_plan():
    water = [0.6] + [0.1] * 11
    found = wb.mits(place(wateroverlast=water), "woningbouw", plan(), referentie="grasland_veeteelt", samen=1)
    got = row(found, "verplaatsen_binnen_plan")
    denser = wb.functies()["woningbouw"].replace(verhardingsgraad=0.55 * 8 / 7)
    rest = wb.assess(place(wateroverlast=water), denser, box(0, 1, 8, 8, 25.0), referentie="grasland_veeteelt").table
    assert got["score_na"] == pytest.approx(rest.score[0], abs=1e-6)
    assert got["risico_na"] == pytest.approx(rest.risico[0], abs=1e-6)
    assert "0,5 ha" in got["zin"]


def test_the_extent_of_the_layers_changes_nothing():
    cut = AREA.isel(y=slice(3, 40), x=slice(4, 38))
    whole, part = (
        wb.mits(some, "woningbouw", PLANS[:1], omgeving=land_of(AREA), samen=2).table for some in (AREA, cut)
    )
    pd.testing.assert_frame_equal(whole, part, check_exact=True)


def test_threads_change_nothing(monkeypatch, found):
    monkeypatch.setenv("WATERBODEM_THREADS", "1")
    again = wb.mits(AREA, ["woningbouw", "akkerbouw"], PLANS, waterschap="hunze_en_aas")
    pd.testing.assert_frame_equal(found.table, again.table, check_exact=True)


def test_a_plan_of_several_is_told_as_by_itself(found):
    alone = wb.mits(AREA, "woningbouw", PLANS[1:], waterschap="hunze_en_aas").table
    both = found.table[(found.table.gebied == "2") & (found.table.functie == "woningbouw")].reset_index(drop=True)
    near = ["gebied", "nr", "ontvangen_m3_na"]  # numbers of plans, and sums over another strand
    pd.testing.assert_frame_equal(both.drop(columns=near), alone.drop(columns=near), check_exact=True)
    np.testing.assert_allclose(both.ontvangen_m3_na, alone.ontvangen_m3_na, rtol=1e-9)


def test_what_is_unknown_is_told_and_in_no_package():
    bare = place().drop_vars("veendikte")
    found = wb.mits(bare, "grasland_veeteelt", plan(), ["waterinfiltratiesysteem"])
    assert found.onbekend[["maatregel", "laag"]].values.tolist() == [["waterinfiltratiesysteem", "veendikte"]]
    assert found.table.maatregelen.tolist() == [""]


def test_what_is_not_tested_is_told_beside_a_measure():
    found = wb.mits(place(ghg=1.3, zettingsgevoeligheid=0.01), "woningbouw", plan(), ["wadi"])
    assert "grondwaterbescherming niet getoetst" in row(found, "wadi")["ook_nodig"]


def test_what_cannot_be_taken_or_is_off_says_why():
    found = wb.mits(place(), "woningbouw", plan(), ["kade", "drijvend", "wadi", "waterplein_tank"], samen=1)
    reasons = dict(zip(found.table.maatregelen, found.table.reden, strict=True))
    assert reasons["wadi"].startswith("kan niet: ghg minstens 0,8")
    assert reasons["kade"].startswith("Rekenregels 5 kennen geen ruimte")
    assert reasons["waterplein_tank"] == ""
    assert "drijvend" not in reasons
    assert found.onbekend.maatregel.tolist() == ["drijvend"]


def test_where_no_hectares_are_left_free_the_share_is_told():
    found = wb.mits(place(), "woningbouw", plan(), ["verplaatsen_binnen_plan"])
    assert found.table.reden.tolist()[-1] == "kan niet: minder dan 1 of meer dan 30 % van het plan is D"


@pytest.mark.parametrize("absent", [(), ("veendikte",), ("veendikte", "keileemdiepte"), ("ghg", "gvg", "glg")])
def test_every_functie_is_told_of_whatever_layers_there_are(absent):
    found = wb.mits(place().drop_vars(absent), list(wb.functies()), plan(2, 2), samen=1)
    for functie in wb.functies():
        assert found.zin(functie=functie)
    told = wb.assess(place().drop_vars(absent), list(wb.functies()), plan(2, 2)).table
    assert found.table[found.table.maatregelen == ""].antwoord.tolist() == told.antwoord.tolist()


def test_a_plan_outside_the_data_is_unknown_and_the_others_are_told():
    far = shapely.affinity.translate(plan(), 1e5, 0)
    found = wb.mits(place(), "woningbouw", [far, plan()], ["kruipruimteloos"])
    assert found.table.antwoord.tolist()[0] == "X"
    assert found.zin("1") == "X (onbekend)"
    assert found.outside == ("1",)
    assert "ligt geheel buiten de gegevens" in found.table.reden[0]


def test_where_too_little_is_known_nothing_is_searched():
    found = wb.mits(place(ghg=np.nan, wateroverlast=np.nan, zettingsgevoeligheid=np.nan), "woningbouw", plan())
    assert found.table.maatregelen.tolist() == ["", "standaardontwerp"]
    assert found.zin() == "X (onbekend)"
    assert found.table.pareto.sum() == 0


def test_the_usual_design_stands_second_beside_measures_that_are_named_and_in_no_package():
    found = wb.mits(place(), "woningbouw", plan(), ["kruipruimteloos", "wadi"])
    told = found.table[found.table.reden == ""].maatregelen.tolist()
    assert told[:2] == ["", "standaardontwerp"]
    assert not any("standaardontwerp" in package for package in told[2:])
    assert found.table.maatregelen.is_unique


@pytest.mark.parametrize(
    "measures",
    ["kruipruimteloos", wb.maatregelen()["kruipruimteloos"], ("kruipruimteloos",), (m for m in ["kruipruimteloos"])],
    ids=["id", "Maatregel", "tuple", "generator"],
)
def test_one_measure_may_be_named_as_it_is(measures):
    found = wb.mits(place(), "woningbouw", plan(), measures)
    assert found.table.maatregelen.tolist() == ["", "standaardontwerp", "kruipruimteloos"]


def test_a_collection_with_own_measures_is_taken_as_its_file_is(tmp_path):
    own = tmp_path / "eigen.toml"
    text = (FOLDER / "kruipruimteloos.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('id = "kruipruimteloos"', 'id = "zonder_kruipruimte"'), encoding="utf-8")
    by_file, by_collection = (
        wb.mits(place(), "woningbouw", plan(), some, samen=1).table for some in (own, wb.maatregelen(own))
    )
    assert "zonder_kruipruimte" in by_file.maatregelen.tolist()
    pd.testing.assert_frame_equal(by_file, by_collection)


@pytest.mark.parametrize("given", [{"verhardingsgraad": 0.2}, {"woningbouw": {"verhardingsgraad": 0.2}}])
def test_parameters_are_those_of_a_functie_with_own_values(given):
    own = wb.functies()["woningbouw"].replace(verhardingsgraad=0.2)
    one = wb.mits(place(), "woningbouw", plan(), ["kruipruimteloos"], parameters=given).table
    pd.testing.assert_frame_equal(one, wb.mits(place(), own, plan(), ["kruipruimteloos"]).table)


def test_plans_of_one_name_are_told_apart_by_their_number():
    plans = [
        {"type": "Feature", "properties": {"naam": "Zuid"}, "geometry": shapely.geometry.mapping(p)}
        for p in (plan(4), plan(8))
    ]
    some = {"type": "FeatureCollection", "features": plans}
    found = wb.mits(place(), "woningbouw", some, ["kruipruimteloos"]).table
    told = wb.assess(place(), "woningbouw", some).table
    assert found[found.maatregelen == ""].nr.tolist() == told.nr.tolist() == [1, 2]


def test_free_by_risk_takes_the_cells_that_burden_most():
    deep = [0.9, *[0.05] * 11]
    found = wb.mits(
        place(wateroverlast=deep, ghg=1.3), "woningbouw", plan(), referentie="grasland_veeteelt", vrij="risico", samen=1
    )
    assert row(found, "verplaatsen_binnen_plan")["risico_na"] < row(found, "")["risico"]


@pytest.mark.parametrize("more", [{"samen": 4}, {"samen": 0}, {"samen": True}, {"vrij": "alles"}])
def test_settings_that_make_no_sense_are_refused(more):
    with pytest.raises(wb.WaterbodemError, match="package|free"):
        wb.mits(place(), "woningbouw", plan(), **more)


@pytest.mark.parametrize("measures", [["wady"], ["wadi", "wadi"], [3]])
def test_measures_that_are_none_are_refused(measures):
    with pytest.raises(wb.WaterbodemError, match="measure"):
        wb.mits(place(), "woningbouw", plan(), measures)


def test_a_plan_or_functie_that_was_not_asked_is_refused():
    found = wb.mits(place(), "woningbouw", plan(), ["wadi"])
    with pytest.raises(wb.WaterbodemError, match="gebied was not asked"):
        found.zin("elders")
    with pytest.raises(wb.WaterbodemError, match="functie was not asked"):
        found.zin(functie="akkerbouw")


def test_it_shows_itself_with_every_word_escaped():
    named = {
        "type": "Feature", "properties": {"naam": "<b>x</b>"}, "geometry": shapely.geometry.mapping(plan()),
    }  # fmt: skip
    found = wb.mits(place(), "woningbouw", named, referentie="grasland_veeteelt")
    html = found._repr_html_()
    assert "<b>x</b>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert found.zin() in repr(found)
    assert repr(found).count("\n") >= 1


def test_english_says_the_same_in_the_same_order():
    found = wb.mits(place(), "woningbouw", plan(), referentie="grasland_veeteelt")
    (search,) = found.searches.values()
    for candidate in search.shown:
        nl, en = (search.sentence(candidate, taal) for taal in ("nl", "en"))
        assert nl.split()[0].strip(",") in {"ja", "mits", "als", "nee"}
        assert en.split()[0].strip(",") in {"yes", "provided", "if", "no"}
        assert nl.count("(") == en.count("(")
        assert nl.count(":") == en.count(":")


def test_a_dossier_searches_the_outcomes_asked_first_and_says_how_many_are_left():
    plans = [box(i, 0, i + 1, 4, 25.0) for i in range(11)]
    html = wb.assess(place(), "akkerbouw", plans, referentie="grasland_veeteelt").html()
    part = html[html.index('id="maatregelen"') :]
    part = part[: part.index("</section>")]
    assert part.count("<p><strong>") == 10
    assert "Voor nog 1 uitkomsten is niet gezocht" in part
    found = wb.mits(place(), "akkerbouw", plans[:1], referentie="grasland_veeteelt")
    assert f"{found.zin()}." in part
