"""Names of polygons: apart wherever they are cut, counted where they are many, and a word where they are a number."""

import geopandas as gpd
import pytest
import shapely

import waterbodem as wb
from waterbodem.views.console import answer_text
from waterbodem.views.names import distinct_names
from waterbodem.views.report.lines import ReportView
from waterbodem.views.report.receivers import ReceptionView

LONG = "Gebiedsontwikkeling Noordelijke Stadsrand en Buitengebied Groote Wetering met woningbouw, deelgebied nummer"


def plans(names):
    boxes = [shapely.box(238100 + 60 * i, 553000, 238140 + 60 * i, 553040) for i in range(len(names))]
    return gpd.GeoDataFrame({"naam": names}, geometry=boxes, crs="EPSG:28992")


@pytest.fixture(scope="module")
def alike():
    """A comparison of plans whose names differ in their last letters only."""
    return wb.compare(wb.example(size=200, resolution=10), ["woningbouw"], plans([f"{LONG} {i}" for i in range(25)]))


@pytest.mark.parametrize("length", [1, 9, 18, 40, 200])
def test_names_stay_apart_at_any_length(length):
    names = {nr: f"{LONG} {nr % 7}" for nr in range(1, 15)} | {20: "Es"}
    found = distinct_names(names, length)
    assert len(set(found.values())) == len(names)
    assert found[20] == "Es" or length < 2
    assert not 10 <= length <= len(LONG) or max(map(len, found.values())) <= length


def test_no_two_plans_look_the_same_where_names_are_cut(alike, tmp_path):
    page = alike.report(tmp_path / "v.html").read_text("utf-8")
    shown = (repr(alike), alike._repr_html_(), page, answer_text(alike.assessment), repr(alike.assessment))
    for text in shown:
        assert all(f"(nr {nr})" in text for nr in range(1, 21)), text[:300]


def test_long_names_are_counted_not_listed_in_an_answer(alike):
    few = ReportView(wb.assess(wb.example(size=200, resolution=10), "woningbouw", plans(["Es", "Veen"])), "nl", 100)
    assert "Es" in few.question and "Veen" in few.question
    long = ReportView(alike.assessment, "nl", 100)
    assert all(words.count(LONG[:40]) <= 1 for _, told in long.lead for _, words in told)
    assert any("gebieden" in words for _, told in long.lead for _, words in told)


def test_plans_without_a_name_are_named_in_sentences_and_numbered_in_tables():
    b = wb.assess(wb.example(size=200, resolution=10), "woningbouw", wb.example_plans().geometry)
    view = ReportView(b, "nl", 100)
    assert view.question == "Past woningbouw op gebied 1, gebied 2, gebied 3 en gebied 4, gezien water en bodem?"
    assert view.sentence(view.lines[0]).startswith("Woningbouw op gebied 1: ")
    assert [line.gebied for line in view.lines] == b.table.gebied.tolist() == ["1", "2", "3", "4"]
    english = ReportView(b, "en", 100)
    assert english.sentence(english.lines[1]).startswith("Housing on area 2: ")
    assert ReceptionView(b, "nl").parts[0].sentences[1].startswith("Gebied 2 laat ")
