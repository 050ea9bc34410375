"""An answer of edition 1 opens with its own numbers in its own units, and a difference names what turned an answer.

``tests/data/antwoord_editie1*.waterbodem`` were written by the code of edition 1 (8ec428f).
"""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import waterbodem as wb
from tests.support.grids import box, even
from tests.views.test_report import Page
from waterbodem.answers.command import command_of
from waterbodem.assessment.answer_changes import ComparedAnswer, change_causes
from waterbodem.assessment.files import save_assessment
from waterbodem.core.errors import CorruptLayer
from waterbodem.definitions import registry
from waterbodem.definitions.editions import EDITION, earlier_editions
from waterbodem.definitions.labels import functies_of
from waterbodem.views.console import answer_data, answer_text
from waterbodem.views.report.page import report_html

DATA = Path(__file__).parents[1] / "data"
FIRST, OWN = DATA / "antwoord_editie1.waterbodem", DATA / "antwoord_editie1_eigen.waterbodem"
#: What edition 2 added: rekenregels section 7, and section 5 for the grids.
NEW_GRIDS = ("co2", "stijging", "risico_zonder_compensatie")
NEW_NUMBERS = ("co2_t_jr", "aanvullingsverlies_m3_jr", "basisafvoer_l_s", "stijging_m", "gevraagd_m3",
               "gevraagd_aandeel", "risico_zonder_compensatie", "referentie_onaannemelijk_ha")  # fmt: skip
NEW_TEXTS = ("waterschap", "referentie", "referentie_bron", "niet_getoetst")


def read(path):
    """The text of a file and its arrays, without the library."""
    with zipfile.ZipFile(path) as archive:
        text = json.loads(archive.read("antwoord.json"))

        def array(told):
            kind = np.dtype(told["soort"])
            return np.frombuffer(archive.read(f"getallen/{told['nr']}.bin"), kind).reshape(told["vorm"])

        return text, {n: array(v) for n, v in text["cells"]["data"].items()}


def value(told):
    """A number as a file tells it: NaN is tagged."""
    return float(told["getal"]) if isinstance(told, dict) else told


@pytest.fixture(scope="module")
def first():
    return wb.open_assessment(FIRST)


@pytest.fixture(scope="module")
def again(first):
    """The same functies by the rules of now, on the layers of the file."""
    return wb.assess(first.question.layers, [f.id for f in first.question.functies], wb.example_plans())


# --- what it holds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FIRST, OWN])
def test_its_numbers_are_those_in_the_file(path):
    back, (text, arrays) = wb.open_assessment(path), read(path)
    assert text["versie"] == 2 and back.making.edition == 1
    assert (back.making.rules, back.making.library) == (text["definities"], text["waterbodem"])
    for name, values in arrays.items():
        assert back.cells[name].dtype == values.dtype
        assert back.cells[name].values.tobytes() == values.tobytes(), name
        assert back.cells[name].attrs.get("units") == text["cells"]["data"][name]["attrs"].get("units")
    for name, column in text["table"].items():
        assert list(map(repr, back.table[name])) == [repr(value(v)) for v in column["waarden"]], name
    assert back.kompas.reden.tolist() == text["kompas"]["reden"]["waarden"]


def test_what_edition_1_did_not_have_is_empty(first):
    assert all(np.isnan(first.cells[n].values).all() for n in NEW_GRIDS)
    assert first.table[list(NEW_NUMBERS)].isna().all(axis=None)
    assert (first.table[list(NEW_TEXTS)] == "").all(axis=None)
    assert all("bewaard" in ledger.niet_bepaald[0] for ledger in first.ledgers.values())


def test_peat_is_in_metres(first):
    """Veenoxidatie was in m over the lifetime: 0.30 was all, and so it stands in the dossier; now it is in mm/jr."""
    assert first.cells.veenoxidatie.attrs["units"] == "m"
    largest = float(np.nanmax(np.abs(first.cells.veenoxidatie.values)))
    assert 0.1 < largest < 3
    words = {t: Page(report_html(first, taal=t)).words for t in ("nl", "en")}
    peat = re.search(r"Veenoxidatie \(later\) (.*?) Achteruitgang", words["nl"])[1]
    assert re.search(r"0,\d\d m\b", peat) and "mm" not in peat
    assert re.search(r"veenoxidatie[^.]{0,60} 0,3 m ", words["nl"]), "the anchor of then"
    peat = re.search(r"Peat oxidation \(later\)(.*?)\((?:later|elsewhere)\)", words["en"])[1]
    assert re.search(r"0\.\d\d m\b", peat) and "mm" not in peat


def test_it_says_so_in_every_form(first, tmp_path):
    told, said = "Editie 1 van de rekenregels", "Edition 1 of the rules of calculation"
    assert told in repr(first) and told in first._repr_html_() and f"Let op: {told}" in answer_text(first)
    for taal, words in (("nl", told), ("en", said)):
        assert words in Page(report_html(first, taal=taal)).words
        assert words in Page(first.explore(taal=taal).html).words
    assert answer_data(first)["editie"] == 1
    save_assessment(first, tmp_path / "uit")
    herkomst = json.loads((tmp_path / "uit/herkomst.json").read_text("utf-8"))
    assert (herkomst["editie"], herkomst["definities"]) == (1, read(FIRST)[0]["definities"])


def test_an_answer_of_now_says_nothing_of_editions(again, tmp_path):
    back = wb.open_assessment(again.save(tmp_path / "a"))
    assert back.making == again.making and again.making.edition == EDITION
    assert "Editie 1" not in repr(back) + answer_text(back) + report_html(back)


def test_nothing_in_the_dossier_is_computed_again(first, monkeypatch):
    """Alternatives, bounds of the score and reasons in English would follow the rules of now."""

    def refuse(*_, **__):
        raise AssertionError("computed")

    names = ("answers.alternatives.outcome_of", "views.report.lines.score_arrays", "answers.particulars.conditions")
    for name in (*names, "answers.question.Question.demands", "answers.alternatives.conditions"):
        monkeypatch.setattr(f"waterbodem.{name}", refuse)
    for taal in ("nl", "en"):
        html = report_html(first, taal=taal)
        assert "70 mm in 2" not in html and "waterneutraal" not in html
        assert first.kompas.reden.iloc[0].replace("\xa0", " ") in Page(html).words


def test_whether_its_default_use_was_given_was_not_kept(first):
    words = Page(report_html(first)).words
    assert "of dat was opgegeven of aangenomen, is niet bewaard" in words
    assert "Vergeleken met het huidige gebruik" not in words


def test_it_can_be_kept_again_as_it_is(first, tmp_path):
    path = first.save(tmp_path / "a.waterbodem")
    back = wb.open_assessment(path)
    xr.testing.assert_identical(first.cells, back.cells)
    pd.testing.assert_frame_equal(pd.DataFrame(first.table), pd.DataFrame(back.table), check_exact=True)
    assert (back.making, back.notes) == (first.making, first.notes)
    assert back.save(tmp_path / "b.waterbodem").read_bytes() == path.read_bytes()
    text, arrays = read(path)
    assert text["editie"] == 1 and arrays.keys() == read(FIRST)[1].keys()
    assert text["table"].keys() == read(FIRST)[0]["table"].keys()


def test_wider_limits_and_rules_of_ones_own_open_too():
    back = wb.open_assessment(OWN)
    (functie,) = back.question.functies
    assert (functie.value("ontwatering_m"), functie.value("grondwateraanvulling_mm_jr")) == (-0.2, -100)
    assert back.kompas.beginsel.iloc[0] == "Niet doorschuiven"
    assert np.isnan(back.question.settings.reference.codes).sum() == 3
    with pytest.raises(wb.WaterbodemError, match="outside 0"):
        functie.replace(ontwatering_m=-0.2)


def test_its_command_asks_the_rules_of_now_without_their_old_parameters(first, tmp_path):
    words = Page(report_html(first)).words
    assert "Deze opdracht stelt dezelfde vraag aan de rekenregels van nu (editie 2)" in words
    assert "--functie akkerbouw --functie natte_natuur --functie drinkwaterwinning --referentie" in words
    own = Page(report_html(wb.open_assessment(OWN))).words
    assert "--set woningbouw.ontwatering_m=-0.2" in own and own.count("--set woningbouw.") == 2


def test_the_data_of_edition_1_are_whole():
    edition = earlier_editions()[1]
    components = registry.burden_rules(1).components
    assert [c.id for c in components] == [c.id for c in registry.burden_rules().components]
    assert {c.id for c in components} < set(edition.cellen)
    assert {c.id: c.anker for c in components}["afvoer"] == 800


BOARD = {"waterschap": "Hunze en Aa's"}


@pytest.mark.parametrize("given", [{}, BOARD, {**BOARD, "aangelegde_berging_mm": 0}])
def test_what_is_not_given_stays_so_in_a_file_and_its_command(given, tmp_path):
    """No present use, storage or board: not filled in by what they stand for; and asked again it is the same answer."""
    data = even(6, 6, ghg=0.6, keileemdiepte=0.5, maaiveld=10.0)
    b = wb.assess(data, "woningbouw", box(0, 0, 4, 4), **given)
    back = wb.open_assessment(b.save(tmp_path / "a"))
    settings = back.question.settings
    assert settings.filled.referentie is None and settings.aangelegde_berging_mm == given.get("aangelegde_berging_mm")
    assert command_of(back.question) == command_of(b.question)
    assert ("--waterschap" in command_of(back.question)) == ("waterschap" in given)
    assert "--referentie" not in command_of(back.question)
    once_more = wb.assess(data, "woningbouw", box(0, 0, 4, 4), **settings.arguments(wb.assess))
    pd.testing.assert_frame_equal(pd.DataFrame(once_more.table), pd.DataFrame(back.table), check_exact=True)


# --- files from anyone -----------------------------------------------------------------------------------------------


def edited(path, source, change):
    text, out = read(source)[0], io.BytesIO()
    change(text)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(text) if name == "antwoord.json" else old.read(name))
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["table"].pop("afvoer_m3"),
        lambda t: t["table"].update(co2_t_jr=t["table"]["afvoer_m3"]),
        lambda t: t["cells"]["data"].pop("veenoxidatie"),
        lambda t: t["cells"]["data"].update(co2=t["cells"]["data"].pop("veenoxidatie")),
        lambda t: t["question"]["instellingen"].update(kompas=[]),
        lambda t: t["question"]["instellingen"].update(kompas={"beginselen": 5}),
        lambda t: t["question"].pop("instellingen"),
        lambda t: t.update(question=5),
        lambda t: t.update(versie=1),
    ],
)
def test_a_crafted_file_of_edition_1_is_refused(change, tmp_path):
    with pytest.raises(wb.WaterbodemError):
        wb.open_assessment(edited(tmp_path / "a", FIRST, change))


@pytest.mark.parametrize("edition", [0, 2, 3, -1, True, "1", None])
def test_an_answer_cannot_be_passed_off_as_one_of_another_edition(edition, first, tmp_path):
    kept = first.save(tmp_path / "a")
    with pytest.raises(CorruptLayer):
        wb.open_assessment(edited(tmp_path / "b", kept, lambda t: t.update(editie=edition)))


# --- what turned an answer -------------------------------------------------------------------------------------------

PLAN = box(0, 0, 4, 4)


def housing(ghg=2.0):
    """Housing on ground of 4 x 4 cells of 10 m: 0.16 ha."""
    return wb.assess(even(4, 4, ghg=ghg, beekdal=0.0), "woningbouw", PLAN, referentie="woningbouw")


def turns(before, after):
    pairs = zip(functies_of(before).values(), functies_of(after).values(), strict=True)
    (found,) = (change_causes(ComparedAnswer(before, a), ComparedAnswer(after, b))[0] for a, b in pairs)
    return [(t.id, round(t.hectares, 6)) for t in found.answer], found.risk


def test_a_threshold_that_fires_on_some_cells():
    """A quarter of the cells in a stream valley: those fall to D by it, and the plan with them."""
    valley = np.zeros((4, 4))
    valley[0] = 1
    good = housing()
    data = even(4, 4, ghg=2.0, beekdal=0.0)
    data["beekdal"] = data.beekdal.copy(data=valley.astype(np.float32))
    after = wb.assess(data, "woningbouw", PLAN, referentie="woningbouw")
    (label,) = [t.label for t in wb.functies()["woningbouw"].drempels if t.laag == "beekdal"]
    assert good.table.antwoord[0] == "A" and after.table.antwoord[0] != "A" and after.table.ha_D[0] == 0.04
    assert turns(good, after)[0] == [(f"drempel:{label}", 0.04)]
    assert turns(after, good)[0] == turns(good, after)[0]


def test_a_class_that_the_functie_does_not_pass():
    data = even(4, 4, ghg=2.0)
    own = registry.functie_of({**wb.functies()["woningbouw"].model_dump(exclude_none=True), "hoogstens": "C1"}, "eigen")
    free, held = (wb.assess(data, f, PLAN, referentie="woningbouw") for f in ("woningbouw", own))
    assert (free.table.antwoord[0], held.table.antwoord[0]) == ("A", "C1")
    assert turns(free, held)[0] == [("hoogstens:C1", 0.16)] == turns(held, free)[0]


def test_a_criterion_that_presses_the_score():
    dry, wet = housing(), housing(ghg=0.45)
    assert dry.table.antwoord[0] == "A" and wet.table.antwoord[0] not in ("A", "X")
    assert turns(dry, wet)[0] == [("criterium:ghg", 0.16)] == turns(wet, dry)[0]


def test_what_is_not_known():
    known = housing()
    missing = wb.assess(even(4, 4, **dict.fromkeys(known.question.layers.data_vars, np.nan)), "woningbouw", PLAN)
    assert missing.table.antwoord[0] == "X"
    assert [t for t, _ in turns(known, missing)[0]] == ["onbekend"]


def test_nothing_turned_an_answer_that_stays():
    assert turns(housing(), housing()) == ([], ())


def test_present_use_turns_the_risk():
    """Greenhouses in place of wet nature burden others, in place of greenhouses they do not."""
    data = even(4, 4, ghg=0.6, kwel=1.0)
    same, other = (wb.assess(data, "glastuinbouw", PLAN, referentie=r) for r in ("glastuinbouw", "natte_natuur"))
    assert same.table.risico[0] == 0 and other.table.risico[0] >= 0.4
    answer, risk = turns(same, other)
    assert answer == [] and risk[0].id == "referentie:glastuinbouw > natte_natuur" and risk[0].hectares == 0.16
    assert [t.soort for t in risk] == ["referentie", "last"] and risk[1].naam == other.table.oorzaak[0]
    raster = xr.DataArray(np.full((4, 4), 9.0), dims=("y", "x"))
    assert wb.functies()["natte_natuur"].code == 9
    assert turns(other, wb.assess(data, "glastuinbouw", PLAN, referentie=raster))[1] == (), (
        "the same use in another form"
    )


def test_answers_of_two_editions(first, again, tmp_path):
    """Per plan by name, in table, sentences and page; what each is follows from what both files hold."""
    d = wb.difference(first, again)
    assert "Editie van de rekenregels: 1 → 2" in repr(d)
    by = d.table.set_index(["gebied", "functie_na"])
    turned_rows = by[by.antwoord_voor != by.antwoord_na]
    assert len(turned_rows) >= 4 and (turned_rows.antwoord_door != "").all()
    assert (by[by.antwoord_voor == by.antwoord_na].antwoord_door == "").all()
    row = by.loc["Plan Beekdal", "akkerbouw"]
    threshold = "veendikte >= 0.8"
    assert threshold in [t.label for t in wb.functies()["akkerbouw"].drempels]
    assert threshold not in [t.label for f in first.question.functies for t in f.drempels if f.id == "akkerbouw"]
    assert row.antwoord_door == f"drempel:{threshold}"
    winning = by.xs("drinkwaterwinning", level="functie_na")
    assert (winning.antwoord_na == "C1").any() and winning.antwoord_door.str.contains("hoogstens:C1").any()
    for taal, text in (("nl", "hoogstens C1 voor deze functie"), ("en", "at most C1 for this land use")):
        words = Page(d.report(tmp_path / f"{taal}.html", taal).read_text("utf-8")).words
        assert text in words and any(text in s for s in d.sentences(taal))
        assert {"nl": "Editie 1 van de rekenregels", "en": "Edition 1 of the rules"}[taal] in words
