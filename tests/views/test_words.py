"""What every page says of an answer: the refused words are nowhere, the wanted ones stand with their number where due.

Three plans on made-up ground whose numbers follow from the rules by hand, told by dossier, screen, notebook and map, in
Dutch and English, with everything that can be known (a board, nature, ditches, present use) and with nothing of it.
"""

import html as html_
import json
import re

import geopandas as gpd
import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import RD, box, layers
from waterbodem.definitions.labels import LANGUAGES
from waterbodem.views.console import answer_text
from waterbodem.views.notebook import assessment_html, assessment_text
from waterbodem.views.report.page import report_html

FUNCTIES = ["woningbouw", "natte_natuur", "drinkwaterwinning"]
#: Columns of the three plans: deep sand, keileem, and peat in a stream valley. 30 by 30 cells of 10 m, plans of 4 ha.
SAND, KEILEEM, PEAT = slice(0, 30), slice(30, 60), slice(60, 90)
HA, NAMES = 4.0, ["Zand", "Keileem", "Veen"]
PAGES = ("dossier", "scherm", "notebook", "kaart")

REFUSED = {
    "nl": [
        "alles bekend",
        "niemand heeft er last van, met",
        "het best past",
        "past het best",
        "miljardste",
        "tot op de bit",
        "T100-bui",
        "vrijgekomen in de",
        "Geen: de invoer is gebruikt",
    ],
    "en": [
        "everything is known",
        "best fit",
        "fits best",
        "billionth",
        "equal to the bit",
        "used as it was",
    ],
}


def ground():
    """The layers of the rules that nobody has to give beside, and what lies in the three plans."""
    shape = (30, 90)
    found = {n: np.zeros(shape) for n in ("zettingsgevoeligheid", "wateroverlast", "droogte", "beekdal", "veendikte")}
    found |= {"keileemdiepte": np.full(shape, np.inf), "kwel": np.full(shape, -1.0), "ghg": np.full(shape, 2.0)}
    found |= {"glg": np.full(shape, 3.0), "grondwaterbescherming": np.zeros(shape)}
    for name, values in {"keileemdiepte": 1.0, "kwel": 0.0, "ghg": 0.3, "glg": 0.9}.items():
        found[name][:, KEILEEM] = values
    for name, values in {"veendikte": 2.0, "kwel": 0.0, "ghg": 0.3, "glg": 0.6, "beekdal": 1}.items():
        found[name][:, PEAT] = values
    return found


def plans():
    shapes = [box(s.start + 5, 5, s.start + 25, 25) for s in (SAND, KEILEEM, PEAT)]
    return gpd.GeoDataFrame({"naam": NAMES}, geometry=shapes, crs=RD)


@pytest.fixture(scope="module")
def bare():
    """Nothing beside the basic layers: no present use, nature, flooding, ground level, board."""
    return wb.assess(layers(ground()), FUNCTIES, plans())


@pytest.fixture(scope="module")
def full():
    """All of it; housing lies on the sand today, wet nature on peat in the north; and layers that came otherwise."""
    more = ground()
    shape = (30, 90)
    use = np.full(shape, 7.0)
    use[:, SAND] = 1
    more |= {"natuur": np.zeros(shape), "inundatie": np.zeros(shape), "gebruik": use, "water": np.zeros(shape)}
    more["natuur"][:, 58:60] = 3
    more["water"][:, 57] = 1
    more["maaiveld"] = np.broadcast_to(np.linspace(10, 12, 90)[::-1], shape)
    data = layers(more)
    data["ghg"] = (-100 * data["ghg"]).assign_attrs(units="cm", positive="up", korrel_m=50, afwijking="winter van 1998")
    data["kwel"].attrs |= {
        "resampled": "bilinear from 25 m EPSG:28992",
        "range": [-9.0, 9.0],
        "given_crs": "EPSG:28992",
    }
    level = gpd.GeoDataFrame({"naam": ["Peil Midden"], "soort": ["peilgebied"]}, geometry=[box(30, 0, 60, 30)], crs=RD)
    return wb.assess(data, FUNCTIES, plans(), waterschap="Hunze en Aa's", aangelegde_berging_mm=20, ontvangers=level)


@pytest.fixture(scope="module")
def pages(bare, full):
    """Text by answer, page and language."""
    given = {"kaal": bare, "vol": full}
    return {(n, kind, taal): page_of(b, kind, taal) for n, b in given.items() for kind in PAGES for taal in LANGUAGES}


def page_of(answer, kind, taal):
    if kind == "dossier":
        return text_of(report_html(answer, taal=taal))
    if kind == "scherm":
        return text_of(html_.escape(answer_text(answer, taal)))
    if kind == "notebook":
        return text_of(assessment_html(answer, taal) + html_.escape(assessment_text(answer, taal)))
    page = answer.explore(taal=taal).html
    data = json.loads(re.search(r'id="gegevens">(.*?)</script>', page, re.S).group(1))
    return text_of(page) + " ".join(
        w for f in data["functies"] for x in f["lagen"].values() for w in x["namen"].values()
    )


def text_of(page):
    """What a reader sees, on one line; consoles have no superscripts."""
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.S)
    text = html_.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", text.translate(str.maketrans("\u00a0\u00b3", " 3", "\u2068\u2069\u00ad")))


def told_on(pages, name, taal, words, kinds=PAGES):
    missing = [kind for kind in kinds if words.lower() not in pages[name, kind, taal].lower()]
    assert not missing, (words, missing)


@pytest.mark.parametrize("taal", LANGUAGES)
@pytest.mark.parametrize("kind", PAGES)
def test_refused_words_stand_nowhere(pages, kind, taal):
    for name in ("kaal", "vol"):
        page = pages[name, kind, taal].lower()
        assert [w for w in REFUSED[taal] if w.lower() in page] == []


def test_an_assumed_reference_says_so_and_how_to_mend_it(pages):
    nl = "Aanname: overal grasland en veeteelt. Geef het huidige gebruik op (laag gebruik of referentie)"
    told_on(pages, "kaal", "nl", nl)
    told_on(pages, "kaal", "en", "State the present use (layer gebruik or referentie)")
    for kind in PAGES:
        assert "Aanname:" not in pages["vol", kind, "nl"]
        assert "Vergeleken met het huidige gebruik: een kaart" in pages["vol", kind, "nl"]
        assert "Vergeleken met het huidige gebruik: grasland" not in pages["kaal", kind, "nl"].lower()


def test_what_was_not_looked_at_stands_beside_answers(pages):
    told_on(pages, "kaal", "nl", "Niet getoetst aan natuur, overstroming en huidig gebruik.")
    told_on(pages, "kaal", "en", "Not tested against nature, flooding and present use.")
    assert not any("niet getoetst" in pages["vol", kind, "nl"].lower() for kind in PAGES)


def test_a_yes_that_rests_on_infiltration_says_so(bare, pages):
    """80 mm on the paving that is added, 0.55 less 0.01 of the plan: 432 m3/ha; sand of 2 m takes that."""
    row = bare.table[(bare.table.gebied == "Zand") & (bare.table.functie == "woningbouw")].iloc[0]
    assert row.antwoord == "A" and row.afvoer_m3 == 0
    told_on(
        pages, "kaal", "nl", "ja, mits al het hemelwater (430 m3/ha) op eigen terrein infiltreert; de bodem kan dat"
    )
    told_on(pages, "kaal", "en", "yes, provided all rain water (430 m3/ha) infiltrates on the plan's own ground")
    assert "A ja, mits infiltratie" in pages["kaal", "scherm", "nl"]
    assert not re.search(r"Zand +Woningbouw +A ja ", pages["kaal", "notebook", "nl"])
    assert "Woningbouw : A ja op" not in pages["kaal", "dossier", "nl"]


def test_without_compensation_that_is_no_water_neutral_building(bare, full, pages):
    row = bare.table[(bare.table.gebied == "Keileem") & (bare.table.functie == "woningbouw")].iloc[0]
    assert row.afvoer_m3 > 0
    told_on(pages, "kaal", "nl", "voldoet zonder compensatie niet aan waterneutraal bouwen")
    told_on(pages, "kaal", "en", "Without compensation this does not meet water-neutral building")
    assert not any("waterneutraal" in pages["vol", kind, "nl"] for kind in PAGES)


def test_a_board_names_its_task_and_both_risks(full, pages):
    """432 m3/ha over 4 ha; a rise of 0.40 m makes 43.2 mm into a tenth of the plan. Built are 20 mm."""
    table = full.table[(full.table.gebied == "Keileem") & (full.table.functie == "woningbouw")]
    row = table.iloc[0]
    assert row.gevraagd_m3 == pytest.approx(432 * HA) and row.risico_zonder_compensatie > row.risico
    words = "vraagt 1.700 m3 berging: 80 mm over de nieuwe verharding, ruimte voor 11 % van het plan (norm van 2018; "
    told_on(pages, "vol", "nl", words + "vuistregel, te bevestigen door het waterschap)")
    told_on(pages, "vol", "en", "asks for 1,700 m3 of storage: 80 mm over the new paving")
    left = f"{float(f'{row.afvoer_m3:.2g}'):,.0f}"
    told_on(pages, "vol", "en", f"With 20 mm of storage {left} m3 of runoff is left.")
    shown = f"{row.risico_zonder_compensatie:.2f}"
    told_on(pages, "vol", "nl", "zonder compensatie is het afwentelingsrisico")
    told_on(pages, "vol", "nl", f"({shown.replace('.', ',')})")
    assert "zonder compensatie is" not in pages["kaal", "dossier", "nl"].lower()


def test_volumes_name_their_storms(pages):
    words = {
        "nl": "norm 80 mm in 24 uur en bui van 70 mm in 2 uur: twee buien, een orde van grootte",
        "en": "norm of 80 mm in 24 hours and a storm of 70 mm in 2 hours: two storms, an order of magnitude",
    }
    for taal, text in words.items():
        for name in ("kaal", "vol"):
            told_on(pages, name, taal, text)


def test_the_kompas_tells_no_unknown_numbers_of_the_present_use_itself(full):
    own = full.kompas[(full.kompas.gebied == "Zand") & (full.kompas.functie == "woningbouw")]
    against = own.iloc[[0, 1, 4, 5]]  # judgements against the present use
    assert set(zip(against.symbool, against.reden, strict=True)) == {("0", "dit is het huidige gebruik")}
    assert "wateroverlast" in own.reden.iloc[2]


def test_the_present_use_itself_is_not_applicable(full, pages):
    row = full.table[(full.table.gebied == "Zand") & (full.table.functie == "woningbouw")].iloc[0]
    assert row.risico == 0 and row.antwoord == "A"
    nl = "n.v.t. (huidig gebruik); dit gebruik heeft zelf ook een last (veen, drainage); die telt hier als nul"
    told_on(pages, "vol", "nl", nl)
    told_on(pages, "vol", "en", "n/a (present use); this use has a burden of its own too")


def test_a_rise_is_not_counted_and_neighbours_are_named(bare, pages):
    """Wet nature raises keileem at 0.30 m to its level of 0.10 m, or as far as the rules let it."""
    row = bare.table[(bare.table.gebied == "Keileem") & (bare.table.functie == "natte_natuur")].iloc[0]
    most = float(np.nanmax(bare.of("natte_natuur").stijging.values))
    assert row.stijging_m == pytest.approx(0.2, abs=1e-3) == most
    for name in ("kaal", "vol"):
        for kind in PAGES:
            nl, en = pages[name, kind, "nl"], pages[name, kind, "en"]
            assert re.search(
                r"iet meegeteld: tot 0,20 m hogere grondwaterstand; buren binnen \d+ m worden 5 cm of meer natter; "
                "vraagt een peilbesluit",
                nl,
            )
            assert re.search(r"ot counted: up to 0\.20 m higher groundwater; neighbours within \d+ m become 5 cm", en)


def test_groundwater_is_told_in_steps_over_the_plan_and_in_the_drained_part(bare, pages):
    """Keileem with ghg 0.3 against drains of grass at 0.4: 0.6 of the plan keeps 0.4, the green part goes to 0.5.

    Mean 0.6 x 0.1 + 0.4 x 0.2 - 0.1 = 0.04 m; in the drained part 0.2 - 0.1 = 0.1 m.
    """
    cells = bare.of("woningbouw").grondwaterverlaging.values[15, 45 - 5]
    assert cells == pytest.approx(0.04, abs=1e-6)
    told_on(
        pages, "kaal", "nl", "gemiddeld over het plan minder dan 5 cm; in het ontwaterde deel tot 20 cm", ["dossier"]
    )
    told_on(
        pages, "kaal", "en", "less than 5 cm on average over the plan; in the drained part up to 20 cm", ["dossier"]
    )


def test_peat_is_told_as_co2_with_its_range(bare, pages):
    """Of every mm of peat 2.0 t/ha, 1.7 to 2.26."""
    cells = bare.of("woningbouw")
    tons = float(np.nanmean(cells.co2.values[7:23, 67:83]))
    assert tons == pytest.approx(2 * float(np.nanmean(cells.veenoxidatie.values[7:23, 67:83])), rel=1e-4) and tons > 0.1
    shown = [f"{float(f'{v:.2g}'):g}" for v in (tons, tons * 0.85, tons * 1.13)]
    told_on(pages, "kaal", "en", f"{shown[0]} ({shown[1]} to {shown[2]}) t/ha/yr more; 1.7–2.26 per mm", ["dossier"])
    nl = "{} ({} tot {}) t/ha/jr meer; 1,7–2,26 per mm; op dalgrond en klei-op-veen de helft of minder"
    told_on(pages, "kaal", "nl", nl.format(*(v.replace(".", ",") for v in shown)), ["dossier"])


def test_base_flow_is_told_a_year_and_a_second(bare, pages):
    row = bare.table[(bare.table.gebied == "Keileem") & (bare.table.functie == "woningbouw")].iloc[0]
    assert row.basisafvoer_l_s == pytest.approx(row.aanvullingsverlies_m3_jr / 31_536)
    m3 = f"{float(f'{row.aanvullingsverlies_m3_jr:.2g}'):,.0f}"
    told_on(pages, "kaal", "en", f"The groundwater gets {m3} m3/yr less; base flow falls by", ["dossier"])
    told_on(pages, "kaal", "nl", f"{m3.replace(',', '.')} m3/jr minder; de basisafvoer daalt met", ["dossier"])


def test_an_abstraction_is_a_lower_bound(pages):
    told_on(pages, "kaal", "nl", "de last is onbekend, want de onttrekking zelf is niet gerekend")
    told_on(pages, "kaal", "en", "the burden is unknown, since the abstraction itself is not computed")
    for pages_of in (pages["vol", kind, "nl"] for kind in PAGES):
        assert "9.800 m3/jr meer" not in pages_of, "what is abstracted is not what the brook gets"


def test_functies_are_not_ranked_by_score(pages, bare):
    told_on(pages, "kaal", "nl", "stelt hier de minste eisen: ", ["dossier"])
    told_on(pages, "kaal", "en", "asks least here: ", ["dossier"])
    compared = wb.compare(bare.question.layers, FUNCTIES, plans())
    assert all("score" not in zin for zin in compared.advies)
    assert any("stelt hier de minste eisen: woningbouw" in zin for zin in compared.advies)


def test_all_layers_have_a_value_is_no_word_on_how_good_they_are(pages):
    told_on(pages, "vol", "nl", "lagen hebben hier een waarde; hoe goed die zijn staat bij Gegevens", ["dossier"])
    told_on(pages, "vol", "en", "have a value here; how good those are is told under Data", ["dossier"])


def test_what_was_done_to_the_input_is_listed(pages):
    for words in (
        "GHG: omgerekend van cm naar m.",
        "GHG: teken omgekeerd, want positief betekende omhoog",
        "Kwel: herschaald, vloeiend tussen cellen van 25 m (EPSG:28992).",
        "Kwel: aannemelijk is door de gebruiker gesteld op -9 tot 9 mm/d.",
        "Kwel: het bestand noemt geen coördinatenstelsel; aangenomen is EPSG:28992.",
    ):
        told_on(pages, "vol", "nl", words, ["dossier"])
    told_on(pages, "vol", "en", ": converted from cm to m.", ["dossier"])
    told_on(pages, "kaal", "nl", "Huidig gebruik: aangenomen is overal grasland en veeteelt.", ["dossier"])


def test_a_layer_that_is_not_what_it_says_and_the_coarsest_are_told(pages):
    told_on(pages, "vol", "nl", "Laag GHG is niet wat haar naam zegt: winter van 1998.")
    told_on(pages, "vol", "nl", "De grofste laag die meetelt is GHG: gemaakt van vakken van 50 m.")
    told_on(pages, "vol", "en", ": made from squares of 50 m.")


def test_costs_come_with_their_range_and_largest_item(pages):
    told_on(pages, "kaal", "nl", "×0,5 tot ×2; grootste post: water", ["dossier"])
    told_on(pages, "kaal", "en", "×0.5 to ×2; largest item: water", ["dossier"])


def test_received_water_says_what_is_left_out(pages):
    told_on(pages, "vol", "nl", "zonder duikers, stuwen, gemalen; 63 % per 2 km is een rekenkeuze", ["dossier"])
    assert re.search(r"ten minste 0,\d\d; [<>]?\d+ % van het water is niet te volgen", pages["vol", "dossier", "nl"])
    assert re.search(r"at least 0\.\d\d; [<>]?\d+ % of the water cannot be followed", pages["vol", "dossier", "en"])
    told_on(pages, "vol", "nl", "komt in de sloten van Peil Midden; als er niets wordt afgevoerd", ["dossier"])
    told_on(pages, "vol", "nl", "mogelijk significant voor Natura 2000: voortoets", ["dossier"])
    told_on(pages, "vol", "nl", "Niet gemarkeerd voor Natura 2000 is niet: geen effect", ["dossier"])
    assert re.search(r"lambda \d+ m; bij half [^;]*, bij dubbel", pages["vol", "dossier", "nl"])


def test_a_score_has_no_more_than_two_decimals_and_follows_its_class(pages):
    for name in ("kaal", "vol"):
        for kind in ("scherm", "notebook"):
            assert not re.search(r"\b0,\d{3}", pages[name, kind, "nl"])
        page = pages[name, "dossier", "nl"]
        assert re.search(r"Gemiddelde score: klasse A \(0,\d\d; 0 = slecht", page)
        assert not re.search(r"Score 0,\d\d \(0 = slecht", page)


def test_a_plan_that_is_too_large_is_computed_by_the_board():
    """Noorderzijlvest: up to 10 ha; 30 by 30 cells of 20 m are 36 ha."""
    data = {n: a[:, SAND] for n, a in ground().items()}
    whole = gpd.GeoDataFrame({"naam": ["Groot"]}, geometry=[box(1, 1, 29, 29, step=20.0)], crs=RD)
    b = wb.assess(layers(data, step=20.0), "woningbouw", whole, waterschap="noorderzijlvest")
    for kind in PAGES:
        page = page_of(b, kind, "nl")
        assert "rekent het waterschap (Waterschap Noorderzijlvest" in page and "waterneutraal" not in page
