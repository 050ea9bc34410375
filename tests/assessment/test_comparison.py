"""Compare: a matrix of answers with advice, and the difference of two answers."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import waterbodem as wb
from tests.support.browser import opened
from tests.support.grids import box, even
from tests.views.test_report import HOSTILE, Page
from waterbodem.assessment.differences import causes
from waterbodem.core.errors import ArgumentError, GridMismatch
from waterbodem.definitions.labels import decimal, risk_class
from waterbodem.views.figures.svg import WIDTH


@pytest.fixture(scope="module")
def layers():
    return wb.example(size=200, resolution=10)


@pytest.fixture(scope="module")
def plans():
    return wb.example_plans()


def matrices(found):
    return found.antwoorden, found.scores, found.risico


# --- matrix ----------------------------------------------------------------------------------------------------------


def test_the_matrix_holds_what_assess_says(layers, plans):
    asked = ["natte_natuur", "woningbouw", "akkerbouw"]
    found = wb.compare(layers, asked, plans)
    assert list(found.antwoorden.index) == asked and list(found.antwoorden.columns) == plans.naam.tolist()
    for row in wb.assess(layers, asked, plans).table.itertuples():
        assert found.antwoorden.loc[row.functie, row.gebied] == row.antwoord
        assert found.scores.loc[row.functie, row.gebied] == row.score
        assert found.risico.loc[row.functie, row.gebied] == row.risico


def test_all_functies_and_names_that_occur_twice(layers, plans):
    twins = plans.assign(naam="Plan")
    found = wb.compare(layers, "all", twins)
    assert list(found.antwoorden.index) == list(wb.functies()) and found.scores.shape == (16, 4)
    assert found.scores.iloc[0].tolist() == wb.per_gebied(layers, "woningbouw", twins).score.tolist()


def test_advice_has_a_sentence_per_polygon_and_functie(layers, plans):
    found = wb.compare(layers, ["woningbouw", "natte_natuur"], plans)
    starts = [*(f"{n} – stelt hier de minste eisen: " for n in plans.naam), "Woningbouw", "Natte natuur"]
    assert all(zin.startswith(s) for zin, s in zip(found.advies, starts, strict=True))
    assert "Nee, tenzij: Plan Beekdal." in found.advies[4]
    alone = wb.compare(layers, "woningbouw", plans.geometry[0])
    assert alone.advies == () and alone.antwoorden.shape == (1, 1)


def test_high_risk_is_named_as_a_warning(layers, plans):
    found = wb.compare(layers, ["bedrijventerrein", "woningbouw"], plans)
    risky = found.risico.loc["bedrijventerrein"]
    place = risky[risky >= 0.60].index[-1]
    zin = next(z for z in found.advies if z.startswith(place))
    assert "let op: afwentelingsrisico hoog" in zin


def test_it_shows_itself_and_writes_a_page(layers, plans, running, tmp_path):
    found = wb.compare(layers, ["woningbouw", "natte_natuur"], plans)
    assert "Woningbouw stelt de minste eisen op Plan Es" in repr(found) and "A 0,99 laag; ja, mits infil" in repr(found)
    html = found._repr_html_()
    assert html.count("<tr>") == 3 and "(verzonnen)" in html and "<th></th>" not in html
    shown = Page(html)
    for answer, score, risk in zip(*(m.to_numpy().ravel() for m in matrices(found)), strict=True):
        assert f"{answer} {decimal(score)} {risk_class(risk).naam} {decimal(risk)}" in shown.words
    for taal in ("nl", "en"):
        with opened(running, found.report(tmp_path / "v.html", taal)) as (page, seen):
            assert page.locator("tbody tr").count() == 2 and seen.anything == []
    words = Page((tmp_path / "v.html").read_text("utf-8")).words
    assert "Housing asks least on Plan Es" in words


@pytest.mark.parametrize("width", [400, 700, 1000])
def test_names_are_whole_on_a_narrow_screen(width, layers, plans, running, tmp_path):
    named = plans.assign(naam=["Gebiedsontwikkeling", "Verblijfsrecreatie", "Bedrijventerrein", "Es"])
    path = wb.compare(layers, "all", named).report(tmp_path / "v.html")
    with opened(running, path, (width, 900)) as (page, _):
        lines = page.evaluate("""() => [...document.querySelectorAll("th bdi")]
            .filter((n) => !/[ -]/.test(n.textContent)).map((n) => [n.textContent, n.getClientRects().length])""")
        edge = page.evaluate("() => document.querySelector('caption').getBoundingClientRect().right")
    assert len(lines) > 8
    assert [name for name, count in lines if count > 1] == []
    assert edge <= width


# --- difference ------------------------------------------------------------------------------------------------------


def test_the_difference_of_equal_answers_is_nothing(layers, plans):
    a = wb.assess(layers, ["woningbouw", "natte_natuur"], plans)
    d = wb.difference(a, a)
    known = ~np.isnan(a.cells.geschiktheid.values)
    assert np.all(d.cells.geschiktheid.values[known] == 0) and np.all(np.isnan(d.cells.geschiktheid.values[~known]))
    assert np.nanmax(np.abs(d.cells.stappen.values)) == 0
    assert (d.table.beter_ha == 0).all() and (d.table.slechter_ha == 0).all()
    assert d.sentences() == [f"Er verandert niets: alle {len(d.table)} antwoorden, scores en risico's blijven gelijk."]
    one = wb.assess(layers, "woningbouw", plans.iloc[:1])
    assert wb.difference(one, one).sentences() == ["Er verandert niets: antwoord, score en risico blijven gelijk."]


def test_cells_and_hectares_by_hand():
    """Four cells of 100 m2: one better, one equal, one worse, one unknown."""
    start = np.array([[0.0, 0.0], [0.35, 0.0]], np.float32)
    later = np.array([[0.0, 0.35], [0.0, np.nan]], np.float32)
    first, second = (even(2, 2).assign(wateroverlast=(("y", "x"), v)) for v in (start, later))
    drop = dict.fromkeys(("droogte", "keileemdiepte", "kwel"), np.nan)
    second = second.assign({n: (("y", "x"), np.where(np.isnan(later), v, second[n].values)) for n, v in drop.items()})
    a, b = (wb.assess(x, "woningbouw", box(0, 0, 2, 2)) for x in (first, second))
    d = wb.difference(a, b)
    row = d.table.iloc[0]
    assert (row.beter_ha, row.gelijk_ha, row.slechter_ha, row.onbekend_ha) == pytest.approx((0.01,) * 4)
    before, after = (x.cells.klasse.values.astype(int) for x in (a, b))
    assert after[1, 1] == 0 and np.isnan(d.cells.stappen.values[1, 1])
    assert d.cells.stappen.values[0, 1] == before[0, 1] - after[0, 1] < 0 < d.cells.stappen.values[1, 0]


def test_plan_against_present_use_pairs_different_functies(layers, plans):
    now, plan = (wb.assess(layers, f, plans) for f in ("grasland_veeteelt", "woningbouw"))
    d = wb.difference(now, plan)
    assert d.table.score_voor.tolist() == now.table.score.tolist()
    assert d.table.verschil_score.tolist() == (plan.table.score - now.table.score).tolist()
    assert (d.table.verschil_risico + now.table.risico - plan.table.risico).abs().max() < 1e-12
    assert d.sentences()[0].startswith("Woningbouw tegenover Grasland en veeteelt, Plan Es: het antwoord gaat van")


def test_functies_are_paired_by_id_whatever_their_order(layers, plans):
    a = wb.assess(layers, ["woningbouw", "natte_natuur"], plans)
    b = wb.assess(layers, ["natte_natuur", "woningbouw"], plans)
    d = wb.difference(a, b)
    assert (d.table.functie_voor == d.table.functie_na).all() and d.table.verschil_score.abs().max() == 0
    assert list(d.cells.functie.values) == ["natte_natuur", "woningbouw"]


def test_what_cannot_be_compared_is_refused(layers, plans):
    a = wb.assess(layers, "woningbouw", plans)
    with pytest.raises(GridMismatch, match="other cells"):
        wb.difference(a, wb.assess(layers, "woningbouw", plans.iloc[:2]))
    moved = plans.assign(geometry=plans.geometry.affine_transform([1, 0, 0, 1, 0.5, 0]))
    with pytest.raises(ArgumentError, match="other polygons"):
        wb.difference(a, wb.assess(layers, "woningbouw", moved))
    with pytest.raises(ArgumentError, match="paired"):
        wb.difference(a, wb.assess(layers, ["akkerbouw", "natte_natuur"], plans))


def test_the_page_names_what_differs(layers, plans, running, tmp_path):
    other = layers.copy()
    other["ghg"] = (layers.ghg - 0.2).assign_attrs(layers.ghg.attrs | {"vintage": HOSTILE[0]})
    other = other.drop_vars("veendikte")
    own = wb.functies()["woningbouw"].replace(verhardingsgraad=0.7)
    named = plans.assign(naam=[*HOSTILE[:2], "Plan C", "Plan D"])
    a = wb.assess(layers, "woningbouw", named)
    b = wb.assess(other, own, named, aangelegde_berging_mm=30)
    path = wb.difference(a, b).report(tmp_path / "d.html")
    words = Page(path.read_text("utf-8")).words
    assert "Woningbouw, Verhardingsgraad (0 tot 1): 0,55 → 0,7" in words and "Berging in het plan (mm): – → 30" in words
    assert (
        "laag Veendikte: alleen in het eerste" in words
        and f"laag GHG: andere waarden (verzonnen → {HOSTILE[0]})" in words
    )
    assert words.count("andere waarden") == 1 and words.count("alleen in het") == 1
    with opened(running, path) as (page, seen):
        assert page.locator("svg image").count() == 3 and page.locator("script").count() == 0
        assert seen.complaints + seen.dialogs == [] and all(r.startswith("data:") for r in seen.requests)


def test_the_two_commands_of_a_difference_write_to_two_places(layers, plans, tmp_path):
    now, wetter = (wb.assess(x, "woningbouw", plans) for x in (layers, layers.assign(ghg=layers.ghg - 0.2)))
    words = Page(wb.difference(now, wetter).report(tmp_path / "d.html").read_text("utf-8")).words
    assert "--output uitvoer-voor" in words and "--output uitvoer-na" in words
    assert "Vul de namen van uw bestanden in" in words


def test_names_stay_within_every_map_of_a_difference(layers, plans, running, tmp_path):
    named = plans.assign(
        naam=["Woonwijk Es-Noord", "MMMMM WWWWW Keileem-West", "Woonwijk Beekdal", "Woonwijk Veenrand-Zuid"]
    )
    now, plan = (wb.assess(layers, f, named) for f in ("grasland_veeteelt", "woningbouw"))
    with opened(running, wb.difference(now, plan).report(tmp_path / "d.html")) as (page, _):
        boxes = page.evaluate("""() => [...document.querySelectorAll("svg text:not(.lat)")].map((t) => {
            const b = t.getBBox(); return [b.x, b.x + b.width]; })""")
    assert len(boxes) == 12
    assert all(left >= 0 and right <= WIDTH for left, right in boxes), boxes


def test_a_difference_shows_itself_in_a_notebook(layers, plans):
    """Sentences, what differs in words, and the answers with their letters; no names of Python, nothing run."""
    named = plans.assign(naam=[HOSTILE[0], *plans.naam[1:]])
    now, plan = (wb.assess(layers, f, named) for f in ("grasland_veeteelt", "woningbouw"))
    d = wb.difference(now, plan)
    html = d._repr_html_()
    shown = Page(html)
    assert "<script" not in html and HOSTILE[0] in shown.words and "(verzonnen)" in shown.words
    assert "Functie: Grasland en veeteelt → Woningbouw" in shown.words and "grasland_veeteelt" not in shown.words
    for row in d.table.itertuples():
        assert (
            f"{row.antwoord_voor} → {row.antwoord_na} {decimal(row.score_voor)} → {decimal(row.score_na)}"
            in shown.words
        )
    assert "Grasland en veeteelt → Woningbouw" in repr(d)


def test_a_number_that_stays_is_not_told_as_a_change(layers, plans):
    a, b = (wb.assess(layers, "woningbouw", plans, aangelegde_berging_mm=mm) for mm in (0, 40))
    told = [z for z in wb.difference(a, b).sentences() if "→" in z]
    assert told and all("score blijft 0," in z and "afwentelingsrisico 0," in z for z in told)


def test_causes_are_told_in_the_language_of_the_page(layers, plans):
    own = wb.functies()["woningbouw"].replace(levensduur_jr=30.5)
    a = wb.assess(layers, "woningbouw", plans)
    b = wb.assess(layers, own, plans, bergingseis_mm=60, methode="minimum", referentie="natte_natuur")
    told = list(causes(wb.difference(a, b), "en"))
    assert told == [
        "Housing, Lifetime (yr): 100 → 30.5",
        "Present use: a map with the use per cell (layer gebruik) → Wet nature",
        "Storage norm (mm): – → 60",
        "Weighting: weighted geometric mean → lowest criterion",
    ]


def test_long_lists_of_sentences_are_cut(layers):
    boxes = [shapely.box(238100 + 50 * i, 553000, 238140 + 50 * i, 553040) for i in range(25)]
    a = wb.assess(layers, "woningbouw", gpd.GeoSeries(boxes, crs="EPSG:28992"))
    raised = wb.functies()["woningbouw"].replace(ophoging_m=1.5, opgehoogd_aandeel=1.0)
    b = wb.assess(layers, raised, gpd.GeoSeries(boxes, crs="EPSG:28992"))
    d = wb.difference(a, b)
    changed = (d.table.verschil_risico.abs() >= 0.01) | (d.table.antwoord_voor != d.table.antwoord_na)
    assert changed.sum() > 20, "more than are told"
    told = d.sentences()
    assert len([z for z in told if "afwentelingsrisico" in z and "→" in z]) == 20
    assert any(z.startswith("en nog ") for z in told)


def test_what_stays_the_same_is_one_sentence_and_other_answers_come_first(layers, plans):
    """A change of what is shifted only is told, though answer and score stay."""
    a, b = (wb.assess(layers, "woningbouw", plans, aangelegde_berging_mm=mm) for mm in (0, 40))
    d = wb.difference(a, b)
    rows = d.table.set_index("gebied")
    assert (rows.antwoord_voor == rows.antwoord_na).all()
    less = [n for n, r in rows.iterrows() if f"{r.risico_voor:.2f}" != f"{r.risico_na:.2f}"]
    assert 0 < len(less) < len(rows)
    told = d.sentences()
    assert [z.split(": ")[0].split(", ")[1] for z in told[:-1]] == less
    assert told[-1].startswith(f"Verder hetzelfde: bij {len(rows) - len(less)} andere uitkomst")
    drained = wb.functies()["woningbouw"].replace(ophoging_m=1.5)
    steps = wb.difference(a, wb.assess(layers, [drained], plans)).sentences()
    places = [("gaat van" in z) for z in steps if "antwoord" in z and "→" in z]
    assert places == sorted(places, reverse=True)
