"""Names and numbers on maps: near their polygon, on the paper, and never over each other."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import waterbodem as wb
from waterbodem.views.figures.labels import NAMED, NUMBERED, Paper, labels_of, placed
from waterbodem.views.figures.sheet import letters_wide
from waterbodem.views.report.page import report_html

sides = st.floats(0, 100, allow_nan=False)
polygons = st.tuples(sides, sides, st.floats(1, 40), st.floats(1, 40))


def frame(label, paper):
    half = paper.width(label.text) / 2
    return shapely.box(label.x - half, label.y - paper.line / 2, label.x + half, label.y + paper.line / 2)


@given(st.lists(polygons, max_size=25), st.sampled_from([1, -1]), st.booleans())
def test_no_two_texts_meet_and_none_leaves_the_paper(found, up, inside):
    paper = Paper(0, 140, 2, 4, up)
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in found]).reshape(-1, 4)
    texts = [("Plan", "Ee", "Veenrand")[i % 3] for i in range(len(found))]
    labels = placed(texts, boxes, paper, inside=inside)
    frames = [frame(label, paper) for label in labels if label]
    for i, one in enumerate(frames):
        assert one.bounds[0] >= -1e-9 and one.bounds[2] <= 140 + 1e-9
        assert all(one.intersection(other).area < 1e-9 for other in frames[:i])


@given(polygons, st.sampled_from([1, -1]))
def test_a_text_alone_stands_in_or_above_its_polygon(found, up):
    x, y, w, h = found
    (name,), (number,) = (
        placed(["Es"], np.array([[x, y, x + w, y + h]]), Paper(-50, 250, 2, 4, up), inside=i) for i in (False, True)
    )
    assert shapely.box(x, y, x + w, y + h).contains(shapely.Point(number.x, number.y))
    assert name.x == pytest.approx(x + w / 2)
    assert (name.y - (y + h if up > 0 else y)) * up == pytest.approx(3.0), "a quarter of a line above it"


@pytest.mark.parametrize(
    ("count", "first"), [(0, []), (NAMED, ["Es 1"]), (NAMED + 1, ["1"]), (NUMBERED, ["1"]), (NUMBERED + 1, [None])]
)
def test_few_are_named_more_are_numbered_and_many_have_neither(count, first):
    boxes = np.array([(20.0 * i, 0, 20 * i + 10, 10) for i in range(count)]).reshape(-1, 4)
    numbers = range(1, count + 1)
    labels = labels_of(numbers, [f"Es {n}" for n in numbers], boxes, Paper(0, 1500, 1, 2), 22)
    assert len(labels) == count
    assert [label and label.text for label in labels[:1]] == first


def test_the_numbers_on_the_maps_of_a_report_are_those_of_its_table():
    layers = wb.example()
    x, y = float(layers.x.mean()), float(layers.y.mean())
    corners = [(x + 150 * i, y + 150 * j) for i in range(4) for j in range(3)]
    plans = [shapely.box(west, south, west + 90, south + 90) for west, south in corners]
    names = [f"Veld {chr(97 + i)}" for i in range(len(plans))]
    answer = wb.assess(layers, "woningbouw", gpd.GeoDataFrame({"naam": names}, geometry=plans, crs=28992), id="naam")
    page = report_html(answer)
    drawn = re.findall(r"<title>[^<]*(Veld \w)[^<]*</title><path[^>]*/><text[^>]*>(\d+)</text>", page)
    told = re.findall(r'<th scope="row"><span class="soft">(\d+)</span> <a[^>]*><bdi>(Veld \w)', page)
    assert len(drawn) == len(plans)
    assert drawn == [(name, number) for number, name in told]


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["Veenrand-Zuid", "iiii", "WWWW", "Éën plan (nr 12)"])
def test_a_text_is_as_wide_as_it_is_drawn(text, bold):
    """Letters measured one by one leave out kerning only."""
    figure = Figure(figsize=(20, 2), dpi=72)
    drawn = figure.text(0, 0, text, fontsize=100, family="DejaVu Sans", weight="bold" if bold else "normal")
    width = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
    assert letters_wide(text, bold) * 100 == pytest.approx(width, rel=0.1)
