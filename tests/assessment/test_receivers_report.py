"""Who receives it in an assessment: ledgers, report and map say the same, and what is not determined is said."""

from __future__ import annotations

import re
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.text import Text

pytest.importorskip("pyflwdir")

import waterbodem as wb
from waterbodem.assessment.files import save_assessment
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, MissingLibrary
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.receiving import reception_rules
from waterbodem.layers.polygons import Area
from waterbodem.receivers import flow, ledger_columns
from waterbodem.receivers.grootboek import grootboek
from waterbodem.views.figures.receivers import plot_receivers
from waterbodem.views.report.page import report_html
from waterbodem.views.report.receivers import ReceptionView

FUNCTIES = ["woningbouw", "natte_natuur"]


@pytest.fixture(scope="module")
def answer():
    return wb.assess(wb.example(), FUNCTIES, wb.example_plans())


def without(*names):
    return wb.example().drop_vars(names)


def test_nothing_is_routed_before_it_is_asked(monkeypatch):
    def fill(*_):
        raise AssertionError("directions were sought")

    monkeypatch.setattr(flow, "_fill", fill)
    b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    assert "Woningbouw" in repr(b) and "Woningbouw" in b._repr_html_()
    b.explore()
    b.plot()
    with pytest.raises(AssertionError, match="sought"):
        _ = b.ledgers


def test_ledgers_add_up_and_agree_with_the_call(answer):
    for functie in FUNCTIES:
        ledger = answer.ledgers[functie]
        assert ledger.sluit
        for _, rows in ledger.table.groupby("plan_nr"):
            total = rows[rows.soort == "totaal"].m3.iloc[0]
            assert rows[rows.soort != "totaal"].m3.sum() == pytest.approx(total, rel=1e-9, abs=1e-9)
    plain = grootboek(wb.example(), "woningbouw", wb.example_plans()).table
    for kind in ("buiten", "totaal"):
        ours = answer.ledgers["woningbouw"].table
        assert ours[ours.soort == kind].m3.tolist() == pytest.approx(plain[plain.soort == kind].m3.tolist())


def test_the_table_adds_up_with_the_ledger(answer):
    """Every column from the lines of the ledger by plain sums, row by row."""
    for row in answer.table.to_dict("records"):
        ledger = answer.ledgers[row["functie"]].table
        lines = ledger[ledger.plan_nr == row["nr"]]
        volume = lines.set_index("soort").m3
        receivers = lines[lines.ontvanger_nr > 0]
        inside = lines[~lines.soort.isin(["buiten", "totaal"])].m3.sum()
        assert row["vrijgekomen_m3"] == pytest.approx(volume["totaal"])
        assert row["verlaging_ontvangers_m"] == pytest.approx(receivers.verlaging_grootste_m.max())
        if volume["totaal"] == 0:
            assert np.isnan(row["aandeel_in_gegevens"]) and row["grootste_ontvanger"] == ""
            continue
        assert row["aandeel_in_gegevens"] * row["vrijgekomen_m3"] == pytest.approx(inside, abs=1e-9)
        assert row["aandeel_buiten_gegevens"] + row["aandeel_in_gegevens"] == pytest.approx(1.0, abs=1e-12)
        assert row["aandeel_buiten_gegevens"] * row["vrijgekomen_m3"] == pytest.approx(volume["buiten"])
        most = receivers[receivers.ontvanger == row["grootste_ontvanger"]]
        if row["grootste_ontvanger"]:
            assert most.m3.max() == receivers.m3.max() > 0
            assert row["aandeel_grootste_ontvanger"] * volume["totaal"] == pytest.approx(receivers.m3.max())
        else:
            assert receivers.m3.max() == 0
    assert (answer.table.grootste_ontvanger != "").any() and (answer.table.vrijgekomen_m3 > 0).any()


def test_the_columns_of_the_table_are_those_that_are_documented(answer):
    added = [c for c in answer.table.columns if c not in answer.rows.columns]
    assert tuple(added) == ledger_columns.columns() == tuple(reception_rules().kolommen)
    assert answer.table.columns[-1] == "geometry"
    assert per_gebied_equals(answer)


def per_gebied_equals(answer):
    alone = wb.per_gebied(wb.example(), FUNCTIES, wb.example_plans())
    return alone.drop(columns="geometry").equals(answer.table.drop(columns="geometry"))


def test_equal_shares_name_the_first_receiver():
    """Two receivers of a mirrored valley get the same: float noise does not choose."""
    lines = pd.DataFrame(
        {
            "plan_nr": 1,
            "soort": ["ontvanger", "ontvanger", "elders", "buiten", "totaal"],
            "ontvanger_nr": [1, 2, 0, 0, 0],
            "ontvanger": ["west", "oost", "elders", "buiten", "totaal"],
            "m3": [40.0, 40.00001, 10.0, 9.99999, 100.0],
            "aandeel": [0.4, 0.4000001, 0.1, 0.0999999, 1.0],
            "verlaging_grootste_m": [0.0, 0.2, np.nan, np.nan, np.nan],
        }
    )
    plan = Area(1, "plan", shapely.box(0, 0, 1, 1))
    (row,) = ledger_columns.columns_of(lines, [plan]).to_dict("records")
    assert (row["grootste_ontvanger"], row["verlaging_ontvangers_m"]) == ("west", 0.2)
    assert row["aandeel_in_gegevens"] == pytest.approx(0.9000001)


def test_stream_valleys_receive_where_nobody_was_named(answer):
    """What the valleys get is what stays in cells with beekdal = 1, by an independent sum over cells."""
    ledger = answer.ledgers["woningbouw"]
    rows = ledger.table[(ledger.table.soort == "beekdal") & (ledger.table.plan_nr == 0)]
    cells, block = ledger.cells, ledger.division.block
    window = ledger.division.grid.slices(block)
    inside = wb.example().beekdal.values[window] == 1
    there = cells.ontvangst.values[inside].astype(float).sum() * block.cell_ha
    assert rows.m3.sum() == pytest.approx(there, rel=1e-5)
    assert rows.m3.sum() > 0


def test_a_plan_is_no_receiver_of_its_own_water(answer):
    table = answer.ledgers["woningbouw"].table
    single = table[(table.plan_nr > 0) & (table.soort == "ander plan")]
    assert (single.plan != single.ontvanger).all()
    assert len(single) == 4 * 3


def test_named_receivers_that_overlap_the_plans_still_add_up():
    plans = wb.example_plans()
    around = gpd.GeoDataFrame(
        {"naam": ["gemeente", "buurt"]},
        geometry=[shapely.box(*plans.total_bounds), plans.geometry.iloc[2].buffer(150)],
        crs=plans.crs,
    )
    b = wb.assess(wb.example(), "woningbouw", plans, ontvangers=around)
    ledger = b.ledgers["woningbouw"]
    assert ledger.sluit
    assert "beekdal" not in set(ledger.table.soort)
    assert set(ledger.table[ledger.table.soort == "ontvanger"].ontvanger) == {"gemeente", "buurt"}
    assert len(ledger.voor("buurt")) == 4


def test_shares_in_a_sentence_add_up_to_all_where_receivers_overlap():
    plans = wb.example_plans().iloc[2:3]
    wide = plans.geometry.iloc[0].buffer(900)
    both = gpd.GeoDataFrame({"naam": ["West", "Alles"]}, geometry=[wide, wide.buffer(100)], crs=plans.crs)
    view = ReceptionView(wb.assess(wb.example(), "woningbouw", plans, ontvangers=both), "nl")
    shares = view.parts[0].sentences[0].partition("Waar dat blijft: ")[2].partition(". ")[0].split("; ")
    parts = {re.sub(r".*\) ", "", s): int(re.match(r"\d+", s)[0]) for s in shares}
    double = parts.pop("daarvan is dubbel geteld, want ontvangers overlappen")
    assert double > 5
    assert sum(parts.values()) - double == pytest.approx(100, abs=2)


def test_without_maaiveld_water_is_not_determined_and_no_map_is_made(tmp_path):
    b = wb.assess(without("maaiveld"), "woningbouw", wb.example_plans())
    assert b.ledgers["woningbouw"].table.m3.isna().all()
    assert b.table[["vrijgekomen_m3", "aandeel_in_gegevens"]].isna().all(axis=None)
    assert (b.table.grootste_ontvanger == "").all() and b.table.verlaging_ontvangers_m.notna().all()
    assert not b.is_exposed
    assert np.isnan(b.downstream("woningbouw")).all()
    assert "want maaiveld ontbreekt" in report_html(b)
    names = {p.name for p in save_assessment(b, tmp_path)}
    assert not names & {"benedenstrooms.tif", "ontvangst.tif", "stroompaden.gpkg"}
    assert {"grondwater.tif", "grootboek.csv"} <= names


def test_without_maaiveld_and_ghg_the_report_says_both():
    b = wb.assess(without("maaiveld", "ghg"), "woningbouw", wb.example_plans())
    page = report_html(b)
    assert "want maaiveld ontbreekt" in page and "ghg ontbreekt" in page
    assert "Grootboek van Woningbouw" not in page


def test_without_the_extra_it_says_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyflwdir", None)
    flow._pyflwdir.cache_clear()
    try:
        with pytest.raises(MissingLibrary, match=r"waterbodem\[flow\]"):
            flow._pyflwdir()
        b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
        assert any("pip install 'waterbodem[flow]'" in text for text in b.ledgers["woningbouw"].niet_bepaald)
    finally:
        flow._pyflwdir.cache_clear()


def test_where_memory_is_short_water_is_not_determined(monkeypatch):
    b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    assert any("geheugen" in text for text in b.ledgers["woningbouw"].niet_bepaald)


def test_the_report_says_what_the_ledger_says(answer):
    page = report_html(answer)
    table = answer.ledgers["woningbouw"].table
    row = table[(table.plan == "Plan Beekdal") & (table.soort == "totaal")].iloc[0]
    said = f"{float(f'{row.m3:.2g}'):,.0f}".replace(",", ".")
    assert f"Plan Beekdal laat {said}\u00a0m³ water extra los" in page
    for text in ("buiten de gegevens", "Statisch en lineair", "watertoets", "gemalen", "waterkwaliteit"):
        assert text in page
    assert "Who receives it" in report_html(answer, taal="en")


def test_the_map_shows_paths_receivers_and_plans(answer):
    figure = plot_receivers(answer, "woningbouw")
    titles = [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]
    assert titles == ["Water: waar het blijft", "Grondwater"]
    words = [t.get_text() for ax in figure.axes for t in ax.texts]
    assert {"Plan Beekdal", "beekdal 1"} <= set(words)
    arrows = [t for t in figure.axes[0].texts if getattr(t, "arrow_patch", None) is not None]
    assert arrows
    with pytest.raises(ArgumentError, match="woningbouw"):
        answer.plot_receivers("woningbouwen")


def test_no_two_names_on_the_map_of_receivers_meet():
    plans = wb.example_plans()
    over = gpd.GeoDataFrame(
        {"naam": ["Waterschap Oost", "Waterschap West", "Polder"]},
        geometry=[plans.geometry[2].buffer(150), plans.geometry[2], shapely.box(*plans.total_bounds)],
        crs=plans.crs,
    )
    figure = plot_receivers(wb.assess(wb.example(), "woningbouw", plans, ontvangers=over))
    figure.draw_without_rendering()
    shown = [t for t in figure.axes[-2].texts if t.get_text()]
    boxes = [t.get_window_extent() for t in shown]
    assert {"Waterschap Oost", "Polder", "Plan Beekdal"} <= {t.get_text() for t in shown}
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_an_abstraction_with_its_ground_is_screened():
    well = Well(500_000, 265, 2500)
    plans = wb.example_plans()
    b = wb.assess(wb.example(), "drinkwaterwinning", plans[:1], ontvangers=plans[2:3], onttrekking=well)
    ledger = b.ledgers["drinkwaterwinning"]
    assert any("screening" in n for n in ledger.notes)
    plan, other = plans.geometry.iloc[0], plans.geometry.iloc[2]
    near, far = plan.centroid.distance(other), plan.centroid.hausdorff_distance(other)
    row = ledger.table[ledger.table.soort == "ontvanger"].iloc[0]
    assert well.drawdown(near - 8) >= row.verlaging_grootste_m >= well.drawdown(near + 8)
    assert well.drawdown(near) > row.verlaging_gemiddeld_m > well.drawdown(far)


def test_two_wells_lower_together_what_they_lower_apart():
    """Superposition: the steady formula is linear in what is drawn."""
    plans, well = wb.example_plans(), Well(300_000, 100, 1000)
    both = grootboek(wb.example(), "drinkwaterwinning", plans[:2], plans[2:3], onttrekking=well)
    mean = both.table[both.table.ontvanger_nr == 1].set_index("plan_nr").verlaging_gemiddeld_m
    assert mean[0] == pytest.approx(mean[1] + mean[2], rel=1e-9)


@pytest.mark.parametrize("wrong", [{"demping_m": -1}, {"demping_m": 0}, {"reikwijdte": "ver"}, {"reikwijdte": -3}])
def test_wrong_lengths_are_refused_at_once(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        wb.assess(wb.example(), "woningbouw", wb.example_plans(), **wrong)


def test_a_report_of_very_many_outcomes_says_that_receivers_are_not_sought(answer, monkeypatch):
    """As the table does; who asked for the ledger first gets it in the report too."""
    rules = reception_rules()
    seven = rules.constanten["tabel_max"].model_copy(update={"waarde": 7})
    few = rules.model_copy(update={"constanten": {**rules.constanten, "tabel_max": seven}})
    monkeypatch.setattr("waterbodem.answers.receiver_answer.reception_rules", lambda: few)
    b = wb.assess(wb.example(), FUNCTIES, wb.example_plans())

    def sought(*_):
        raise AssertionError("receivers were sought")

    with monkeypatch.context() as patch:
        patch.setattr("waterbodem.receivers.question.ReceiverQuestion.ledger", sought)
        text = report_html(b)
    assert text.count("ontvangers: niet bepaald, want het zijn 8 uitkomsten") == len(FUNCTIES)
    assert "Grootboek van Woningbouw" not in text
    assert b.ledgers and "Grootboek van Woningbouw" in report_html(b)


def test_receivers_and_notes_read_as_dutch(answer):
    """Places with a comma, and a plan that is called Plan Es is not called plan Plan Es."""
    names = {r.area.name for r in answer.ledgers["woningbouw"].division.receivers if r.target.soort == "beekdal"}
    assert names and all("," in n and "." not in n for n in names)
    notes = " ".join(answer.ledgers["natte_natuur"].notes)
    assert "Plan Keileem: " in notes and "plan Plan" not in notes


# --- words ---------------------------------------------------------------------------------------------------------


#: Refused wherever too little of the water can be followed, and always.
REFUSED = {
    "nl": ("niemand heeft er last van", "miljardste", "gemiddeld 0,"),
    "en": ("nobody suffers", "billionth"),
}


def field(values):
    return (("y", "x"), np.broadcast_to(np.asarray(values, np.float32), (400, 400)).copy())


def told(assessment, taal="nl"):
    view = ReceptionView(assessment, taal)
    return view.flat, " ".join([view.uitleg, *(s for part in view.parts for s in part.sentences)])


@pytest.fixture(scope="module")
def unditched():
    """The built-in area as it is where nobody tells of ditches and nature: all of its land is known."""
    return wb.assess(without("water", "natuur"), "woningbouw", wb.example_plans())


def left(assessment):
    """Share of the water of every plan that leaves the data, by routing."""
    entries = assessment.ledgers["woningbouw"].entries
    return {
        e.source.area.name: e.routed.leaving.sum() / e.source.volume.sum() for e in entries if e.source.volume.sum() > 0
    }


def test_a_burden_is_a_lower_bound_where_too_much_cannot_be_followed(unditched):
    texts = {taal: told(unditched, taal)[1].replace("\u00a0", " ") for taal in ("nl", "en")}
    assert len(left(unditched)) > 2
    for share in left(unditched).values():
        assert share > 0.2
        assert re.search(rf"ten minste 0,\d\d; {100 * share:.0f} % van het water is niet te volgen", texts["nl"])
        assert re.search(rf"at least 0\.\d\d; {100 * share:.0f} % of the water cannot be followed", texts["en"])
    for taal, text in texts.items():
        assert not any(word in text for word in REFUSED[taal])
    assert "zonder duikers, stuwen, gemalen; 63 % per 2 km is een rekenkeuze" in texts["nl"]
    assert "neem het hele afvoergebied; tot daar geen uitspraak" in texts["nl"]


def test_a_burden_that_is_known_is_told_as_it_is():
    """A short damping length: nearly all water stays within the data, on land of known vulnerability."""
    b = wb.assess(without("water"), "woningbouw", wb.example_plans()[2:3], demping_m=60)
    _, text = told(b)
    assert "last 0," in text and "ten minste" not in text and "63 % per 0,06 km" in text


def test_the_share_that_cannot_be_followed_is_that_of_the_plans_own_water(unditched):
    """Weighed by what every cell releases: where all land is known, what cannot be followed has left the data."""
    view = ReceptionView(unditched, "nl")
    for entry in unditched.ledgers["woningbouw"].entries:
        name = entry.source.area.name
        if name in left(unditched):
            assert view._lost(entry.source) == pytest.approx(left(unditched)[name], rel=1e-6)


def test_ditches_nature_and_rows_of_reach_are_told():
    layers = wb.example()
    layers["water"] = field(np.arange(400) % 40 == 7)
    layers["natuur"] = field(np.where(np.arange(400) < 200, 3, 0))
    plans = wb.example_plans()
    level = gpd.GeoDataFrame(
        {"naam": ["Peil Oost"], "soort": ["peilgebied"]}, geometry=[plans.union_all().buffer(200)], crs=plans.crs
    )
    b = wb.assess(layers, FUNCTIES, plans, ontvangers=level)
    row = b.grootboek[(b.grootboek.ontvanger == "Peil Oost") & (b.grootboek.plan_nr == 2)].iloc[0]
    text = told(b)[1].replace("\u00a0", " ")
    cm = f"{row.stijging_peil_cm:.0f}"
    assert (
        f"komt in de sloten van Peil Oost; als er niets wordt afgevoerd {cm} cm; wat gemaal en stuw doen is niet"
        in text
    )
    assert "Peil Oost: mogelijk significant voor Natura 2000: voortoets." in text
    assert "niet: geen effect" in text and "Niet getoetst aan natuur" not in text
    assert re.search(r"\(10 tot 20 cm; [^;]*, lambda \d+ m; bij half [^;]*, bij dubbel [^;]* cm\)", text)
    assert re.search(
        r"Niet meegeteld: tot 0,50 m hogere grondwaterstand; buren binnen \d+ m worden 5 cm of meer natter", text
    )
    english = told(b, "en")[1].replace("\u00a0", " ")
    for words in (
        "comes into the ditches of Peil Oost",
        "possibly significant for Natura 2000",
        "lambda 100 m; at half",
    ):
        assert words in english


def test_without_nature_that_is_said(unditched):
    assert "Niet getoetst aan natuur" in told(unditched)[1] and "voortoets" not in told(unditched)[1]


def test_flat_land_heads_the_section_unless_ditches_are_known():
    layers = without("water")
    layers["maaiveld"] = field(np.random.default_rng(1).normal(3, 0.1, (400, 400)))
    plans = wb.example_plans()[:1]
    b = wb.assess(layers, "woningbouw", plans)
    assert told(b)[0] == "Vlak land met sloten: deze route is onbetrouwbaar (Plan Es)."
    page = report_html(b)
    assert page.index("deze route is onbetrouwbaar") < page.index("Waar het water blijft")
    assert "deze route is onbetrouwbaar" in repr(b.ledgers["woningbouw"]).splitlines()[1]
    layers["water"] = field(np.arange(400) % 40 == 7)
    assert told(wb.assess(layers, "woningbouw", plans))[0] == ""
    assert told(wb.assess(without("water"), "woningbouw", wb.example_plans()))[0] == ""


def test_open_water_no_ground_level_and_the_edge_have_each_their_sign():
    layers = wb.example()
    plan = wb.example_plans()[3:4]
    ditch = field(np.arange(400) % 40 == 7)[1]
    ditch[200:] = 0
    layers["water"] = (("y", "x"), ditch)
    level = layers.maaiveld.values.copy()
    x, y = plan.geometry.iloc[0].representative_point().coords[0]
    row, col = int(np.abs(layers.y.values - y).argmin()), int(np.abs(layers.x.values - x).argmin())
    level[row - 2 : row + 3, col - 2 : col + 3] = np.nan
    layers["maaiveld"] = (("y", "x"), level)
    b = wb.assess(layers, "woningbouw", plan)
    ledger = b.ledgers["woningbouw"]
    block = ledger.division.block
    ends, window = ledger.ends(block), ledger.division.grid.slices(block)
    assert all(mask.any() for mask in ends.values())
    assert (ditch[window][ends["open_water"]] == 1).all() and np.isnan(level[window][ends["geen_maaiveld"]]).all()
    words = [t.get_text() for t in plot_receivers(b).findobj(Text)]
    for text in ("open water: daar eindigt de weg", "geen maaiveld: hier niet te volgen", "rand: hier verlaat water"):
        assert any(text in word.replace("\n", " ") for word in words), text
