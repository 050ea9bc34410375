"""How far an answer holds, in words: what decides, by how much, what it becomes, and what is not in it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import box, even
from waterbodem.definitions.labels import answer_text
from waterbodem.doubt import bandbreedte
from waterbodem.views.caveats import Caveats
from waterbodem.views.console import answer_text as console
from waterbodem.views.ranges import is_undecided, whole_range

ONCE = "in ongeveer een op de drie gevallen valt het erbuiten; of er keileem is staat niet in deze marge"


def asked(functie="woningbouw", error=None, taal="nl", **values):
    layers = even(6, 8, **{"keileemdiepte": 3.0, "ghg": 0.9, **values})
    if error is not None:
        layers.ghg.attrs["uncertainty"] = error
    b = wb.assess(layers, functie, box(1, 1, 3, 3))
    return b, b.rows.drop(columns="geometry").to_dict("records")[0], Caveats(b, taal)


def test_the_sentence_says_by_how_much_and_what_it_becomes():
    b, row, beside = asked(error=0.2, ghg=0.55)
    told = " ".join(beside.ranges.sentences(row))
    effect = bandbreedte.effects_of(
        b.question.cells, bandbreedte.Plans.of(b.question.prints, b.question.circumstances.size),
        b.question.functies[0], ("meetkundig", None),
    )["grondwater"]  # fmt: skip
    assert row["beslist"] == "grondwater"
    assert effect.error == pytest.approx([0.2])
    assert told.startswith("De grondwaterkaart kan hier 20\u00a0cm mis zijn; is het natter, dan wordt het ")
    down = wb.assess(even(6, 8, keileemdiepte=3.0, ghg=0.35), "woningbouw", box(1, 1, 3, 3)).rows.antwoord[0]
    assert f"is het natter, dan wordt het {answer_text(down, 'nl')}" in told
    assert told.endswith("Een winter peilbuizen beslist.")


def test_from_yes_to_no_there_is_no_answer_at_the_head():
    b, row, beside = asked(error=0.5, ghg=0.75)
    assert (row["antwoord_laag"], row["antwoord_hoog"]) == ("D", "A") and is_undecided(row)
    assert beside.head(row) == "de kaart beslist dit niet"
    assert "kaart beslist niet A-D" in console(b) and "kaart beslist niet A-D" in repr(b)
    html = b.html()
    lede = html[html.index('class="lede"') : html.index("</ul>", html.index('class="lede"'))]
    assert "de kaart beslist dit niet" in lede and "chip" not in lede
    assert "gebied 1: de kaart beslist dit niet (A tot D)." in re.sub("<[^>]+>|[\u2068\u2069]", "", html)


def test_an_answer_that_no_error_changes_says_so():
    _, row, beside = asked(error=0.01, ghg=0.9, keileemdiepte=np.inf)
    assert row["beslist"] == "" and beside.ranges.short(row) == ""
    assert beside.ranges.sentences(row) == ["Een gewone fout van een kaart verandert dit antwoord niet."]


def test_what_is_unknown_makes_one_range_wider_and_is_told():
    _, row, beside = asked(kwel=np.nan, ghg=0.9)
    assert whole_range(row) == (row["antwoord_max"], row["antwoord_min"])
    assert any(s.startswith("Met wat onbekend is erbij loopt het antwoord van ") for s in beside.ranges.sentences(row))


def test_of_an_unknown_answer_the_range_is_that_of_the_unknown():
    _, row, beside = asked(kwel=np.nan, wateroverlast=np.nan, zettingsgevoeligheid=np.nan, ghg=0.9)
    assert (row["antwoord"], row["antwoord_laag"], row["antwoord_hoog"], row["beslist"]) == ("X", "X", "X", "")
    assert beside.ranges.short(row) == f"{row['antwoord_max']} tot {row['antwoord_min']}"
    assert not is_undecided(row)


@pytest.mark.parametrize(("taal", "says"), [("nl", ONCE), ("en", "in about one case in three it lies outside")])
def test_what_the_range_is_stands_once_on_every_screen(taal, says):
    b, _, _ = asked(natuur=0.0)
    assert console(b, taal).count(says) == b.html(taal).count(says) == 1
    for text in (repr(b), b._repr_html_()):
        assert " ".join(text.split()).count(ONCE) == 1
    assert "Niet verschoven: natuur" in " ".join(repr(b).split())


def test_whose_the_errors_are_is_told():
    assert "Van GHG staat de fout bij de gegevens" in " ".join(asked(error=0.1)[2].ranges.heading)
    assert "is een expertoordeel" in " ".join(asked()[2].ranges.heading)


def test_without_the_range_nothing_is_said_of_it():
    b = wb.assess(even(6, 8, keileemdiepte=3.0, ghg=0.75), "woningbouw", box(1, 1, 3, 3), bandbreedte=False)
    assert b.rows[["antwoord_laag", "antwoord_hoog", "beslist"]].eq("").all(axis=None)
    for text in (console(b), repr(b), b.html(), b._repr_html_()):
        assert "Bandbreedte: wat" not in text and "gewone fout" not in text


def test_a_saved_answer_says_the_same(tmp_path):
    layers = even(6, 8, keileemdiepte=3.0, ghg=0.75)
    layers = layers.assign({"ghg@p10": layers.ghg - 0.6, "ghg@p90": layers.ghg + 0.1})
    b = wb.assess(layers, "woningbouw", box(1, 1, 3, 3))
    back = wb.open_assessment(b.save(tmp_path / "a.waterbodem"))
    assert console(back) == console(b)
    assert back.rows.antwoord_laag.tolist() == b.rows.antwoord_laag.tolist() == ["D"]


@pytest.mark.parametrize("group", ["keileemdiepte", "kwel", "bodem", "droogte", "water"])
@pytest.mark.parametrize("taal", ["nl", "en"])
def test_every_group_has_its_words(group, taal):
    _, row, beside = asked(ghg=0.9, veendikte=0.3)
    told = beside.ranges._decides({**row, "beslist": group, "antwoord": "X"})
    assert told and "{" not in told and told.endswith((".", "beslist.", "beslissen."))
