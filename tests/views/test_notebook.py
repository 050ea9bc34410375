"""An answer in a notebook and a console: one screen, escaped, complete for what it shows."""

import html
from dataclasses import replace
from html.parser import HTMLParser

import geopandas as gpd
import pytest
import shapely

import waterbodem as wb
from waterbodem.definitions.labels import answer_steps, css
from waterbodem.views.console import answer_text
from waterbodem.views.notebook import MAX_ROWS, assessment_html, assessment_text


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def answer():
    return wb.assess(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())


@pytest.mark.parametrize("count", [1, 4, 5])
def test_plans_partly_outside_the_data_are_told_below_the_table(count):
    layers = wb.example(size=100, resolution=10)
    left, top = float(layers.x[0]) - 5, float(layers.y[0]) + 5
    boxes = [shapely.box(left - 150, top - 100 * i - 50, left + 50, top - 100 * i) for i in range(count)]
    inside = shapely.box(left + 100, top - 300, left + 200, top - 100)
    plans = gpd.GeoDataFrame(geometry=[*boxes, inside], crs="EPSG:28992")
    text = answer_text(wb.assess(layers, ["woningbouw", "natte_natuur"], plans))
    told = [line for line in text.splitlines() if "buiten de gegevens" in line]
    if count > 4:
        assert told == ["Let op: 5 gebieden liggen deels buiten de gegevens (kolom buiten_ha in gebieden.csv)."]
    else:
        numbers = range(1, count + 1)
        assert told == [f"Let op: van gebied {n} ligt 0,75 van 1,00 ha buiten de gegevens." for n in numbers]


@pytest.mark.parametrize(("share", "told"), [(0.002, "<1 %"), (0.997, ">99 %"), (0.5, "50 %"), (1.0, "100 %")])
def test_a_trace_is_not_nothing_in_any_view(answer, share, told):
    seen = replace(answer, rows=answer.rows.assign(dekking=share))
    for view in (answer_text, assessment_text, assessment_html):
        shown = html.unescape(view(seen)).replace("\u00a0", " ")
        assert shown.count(told) >= len(answer.rows), view
        assert "0 %" not in shown.replace("100 %", "").replace("50 %", ""), view


def test_every_row_has_answer_colour_risk_and_six_symbols(answer):
    page = answer._repr_html_()
    tags = Tags(page)
    assert sum(t == "tr" for t, _ in tags.found) == 1 + len(answer.table)
    assert all(a.get("scope") for t, a in tags.found if t == "th")
    titles = [a["title"] for _, a in tags.found if ": " in a.get("title", "")]
    assert len(titles) == 6 * len(answer.table)
    for row in answer.table.itertuples():
        assert css(answer_steps()[row.antwoord].kleur) in page and row.gebied in page
    assert "Voorbeeldgebied (verzonnen)" in page and "<caption" in page


def test_text_has_a_line_per_row(answer):
    lines = repr(answer).splitlines()
    for line, row in zip(lines[2:], answer.table.itertuples(), strict=False):
        undecided = (row.gebied, row.functie) == ("Plan Veenrand", "woningbouw")
        said = "kaart beslist niet B-D" if undecided else f"{row.antwoord} {answer_steps()[row.antwoord].kort}"
        assert line.startswith(row.gebied) and said in line
        assert f"{row.antwoord_hoog}-{row.antwoord_laag}" in line or row.antwoord_hoog == row.antwoord_laag
    assert lines[2 + len(answer.table)].startswith("Vergeleken met het huidige gebruik")
    assert max(map(len, lines)) < 160


def test_hostile_names_are_text():
    names = ["<script>alert(1)</script>", "n" * 5000, "\"'><b>", "a\nb\u202ec"]
    plans = gpd.GeoDataFrame({"naam": names}, geometry=wb.example_plans().geometry)
    answer = wb.assess(wb.example(), "woningbouw", plans)
    page, text = assessment_html(answer), assessment_text(answer)
    tags = Tags(page)
    allowed = {"table", "caption", "strong", "thead", "tbody", "tr", "th", "td", "span", "p", "bdi", "br", "small"}
    assert {t for t, _ in tags.found} <= allowed
    assert names[0] in tags.text and "n" * 100 not in page + text
    assert not any(v.startswith("http") for _, a in tags.found for v in a.values() if v)
    assert text.splitlines()[2 + len(names)].startswith("Vergeleken met het huidige gebruik")
    assert "\u202e" not in page + text


def test_many_rows_are_cut_and_counted():
    boxes = [shapely.box(238100 + 50 * i, 553000, 238140 + 50 * i, 553040) for i in range(MAX_ROWS + 5)]
    answer = wb.assess(wb.example(), "woningbouw", gpd.GeoSeries(boxes, crs="EPSG:28992"))
    assert "en nog 5" in assessment_html(answer) and assessment_text(answer).splitlines()[2 + MAX_ROWS] == "en nog 5"
    assert assessment_html(answer).count("<tr>") == MAX_ROWS + 1


def test_unknown_answers_are_shown_as_such():
    layers = wb.example(size=100, resolution=20)
    for name in layers.data_vars:
        layers[name][:] = float("nan")
    answer = wb.assess(layers, "woningbouw", wb.example_plans())
    assert "X onbekend" in repr(answer) and "onbekend" in answer._repr_html_()
