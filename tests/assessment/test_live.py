"""The map to draw on: what is drawn is answered as if it had been given as a polygon."""

import sys

import pytest
import shapely

import waterbodem as wb
from tests.support.grids import even
from waterbodem.core.errors import ArgumentError


@pytest.fixture(scope="module")
def layers():
    return wb.example(size=100, resolution=20)


def drawn(plan):
    """A polygon as the draw control hands it over."""
    return {"type": "Feature", "geometry": shapely.geometry.mapping(plan.to_crs("EPSG:4326").iloc[0])}


def test_a_polygon_drawn_is_answered(layers):
    plans = wb.example_plans()
    board = wb.live_map(layers, "woningbouw", achtergrond=False)
    board.drawn(None, "created", drawn(plans.geometry[2:3]))
    direct = wb.assess(layers, "woningbouw", plans.geometry[2])
    assert board.answer.table.antwoord.tolist() == direct.table.antwoord.tolist()
    assert board.answer.table.score[0] == pytest.approx(direct.table.score[0], abs=1e-3)
    shown = board._below.outputs
    assert len(shown) == 1 and "getekend" in shown[0]["data"]["text/html"]
    board.drawn(None, "deleted", drawn(plans.geometry[2:3]))
    assert len(board._below.outputs) == 1


def test_what_cannot_be_answered_is_told(layers):
    board = wb.live_map(layers, "woningbouw", achtergrond=False)
    far = wb.example_plans().geometry[:1].translate(50_000, 0)
    board.drawn(None, "created", drawn(far))
    assert board.answer is None and "outside the data" in board._below.outputs[0]["text"]


def test_a_polygon_that_is_moved_is_answered_anew(layers):
    """Where it cannot be answered there, what was said of the place it had is gone."""
    plans, board = wb.example_plans().geometry, wb.live_map(layers, "woningbouw", achtergrond=False)
    board.drawn(None, "created", drawn(plans[2:3]))
    first = board.answer.table.score[0]
    board.drawn(None, "edited", drawn(plans[1:2]))
    second = wb.assess(layers, "woningbouw", plans[1]).table.score[0]
    assert board.answer.table.score[0] == pytest.approx(second, abs=1e-3) != pytest.approx(first, abs=1e-3)
    board.drawn(None, "edited", drawn(plans[:1].translate(50_000, 0)))
    assert board.answer is None
    assert [o["output_type"] for o in board._below.outputs] == ["stream"], "the answer is not shown either"


def test_the_map_shows_the_data_and_asks_tiles_only_where_wanted(layers):
    plain, tiles = (wb.live_map(layers, "woningbouw", achtergrond=a).map for a in (False, True))
    assert [type(x).__name__ for x in plain.layers] == ["GeoJSON"]
    assert tiles.layers[0].url.startswith("https://service.pdok.nl/") and "Kadaster" in tiles.layers[0].attribution
    lat, lon = plain.center
    assert (lat, lon) == (pytest.approx(52.97, abs=0.02), pytest.approx(6.63, abs=0.05))


def test_without_crs_or_library_it_says_what_is_missing(layers, monkeypatch):
    with pytest.raises(ArgumentError, match="no CRS"):
        wb.live_map(even(crs=None), "woningbouw")
    monkeypatch.setitem(sys.modules, "ipyleaflet", None)
    with pytest.raises(ArgumentError, match=r"waterbodem\[maps\]"):
        wb.live_map(layers, "woningbouw")


def test_it_shows_itself(layers):
    assert "application/vnd.jupyter.widget-view+json" in str(wb.live_map(layers, "woningbouw")._repr_mimebundle_())
