"""The background of the map: tiles of the Dutch tiling scheme lie where they belong, and their absence is silent.

The scheme (Nederlandse richtlijn tiling 1.1, Geonovum): EPSG:28992, upper left corner of every matrix at
-285401.920, 903401.920, tiles of 256 pixels, 3440.64 m per pixel at zoom 0 and half of that at every next one.
"""

from __future__ import annotations

import io
import re
from math import floor

import pytest
from PIL import Image

import waterbodem as wb
from tests.views.test_webmap import place, ready

ADDRESS = re.compile(
    r"https://service\.pdok\.nl/brt/achtergrondkaart/wmts/v2_0/standaard/EPSG:28992/(\d+)/(\d+)/(\d+)\.png"
)
SIZE = (1000, 700)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    answer = wb.assess(wb.example(size=400), "woningbouw", wb.example_plans())
    return answer.explore(achtergrond=True).save(tmp_path_factory.mktemp("map") / "kaart.html")


def tile_of(x, y, zoom):
    """Column, row, and place within the tile (0..1, from the left and from the top) of a point in RD."""
    side = 256 * 3440.64 / 2**zoom
    col, row = (x + 285401.92) / side, (903401.92 - y) / side
    return floor(col), floor(row), col % 1, row % 1


def colour(col, row, right, below):
    """Another colour for every neighbour and every quarter of a tile; none occurs in a legend."""
    return 40 + 90 * (col % 3), 40 + 90 * (row % 3), 60 + 60 * right + 120 * below


def picture(col, row):
    found = Image.new("RGB", (256, 256))
    for right in (0, 1):
        for below in (0, 1):
            found.paste(
                colour(col, row, right, below), (128 * right, 128 * below, 128 * right + 128, 128 * below + 128)
            )
    target = io.BytesIO()
    found.save(target, "PNG")
    return target.getvalue()


class Server:
    """Stands in for the tile server; knows no tile above a zoom."""

    def __init__(self, deepest):
        self.deepest, self.asked, self.strange = deepest, set(), []

    def answer(self, route):
        match = ADDRESS.fullmatch(route.request.url)
        if not match:
            self.strange.append(route.request.url)
            return route.abort()
        zoom, col, row = map(int, match.groups())
        self.asked.add((zoom, col, row))
        if zoom > self.deepest:
            return route.fulfill(status=404, body="none")
        return route.fulfill(body=picture(col, row), content_type="image/png")


@pytest.fixture
def seen_from(running, path):
    """Open the map with a server that knows tiles up to a zoom; nothing else is let through."""
    contexts = []

    def see(deepest):
        server = Server(deepest)
        context = running.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
        contexts.append(context)
        context.route(re.compile("^https?:"), server.answer)
        page = context.new_page()
        complaints = []
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("dialog", lambda d: (complaints.append(d.message), d.dismiss()))
        page.goto(path.as_uri())
        ready(page)
        page.wait_for_timeout(400)
        return page, server, complaints

    yield see
    for context in contexts:
        context.close()


#: Points in RD beside the polygons, where nothing but the background is drawn.
POINTS = [(239100 + dx, 553300 + dy) for dx in range(0, 600, 37) for dy in range(-120, 320, 41)]


def looked_at(page, zoom):
    """Colour on the screen and colour of the tile at every point that is not near a border between colours."""
    screen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for x, y in POINTS:
        col, row, right, below = tile_of(x, y, zoom)
        if min(abs(v - e) for v in (right, below) for e in (0, 0.5, 1)) < 0.03:
            continue
        left, top = place(page, x, y)
        yield screen.getpixel((round(left), round(top))), colour(col, row, right > 0.5, below > 0.5)


def check(page, zoom):
    pairs = list(looked_at(page, zoom))
    assert len(pairs) > 60 and len({wanted for _, wanted in pairs}) >= 2
    assert all(shown == wanted for shown, wanted in pairs), [p for p in pairs if p[0] != p[1]][:5]


def test_tiles_lie_where_the_scheme_says(seen_from):
    page, server, complaints = seen_from(deepest=14)
    (zoom,) = {z for z, _, _ in server.asked}
    span = page.evaluate("kaart.naarScherm(239100, 553000)[0] - kaart.naarScherm(239000, 553000)[0]") / 100
    assert 0.7 <= 1 / span / (3440.64 / 2**zoom) <= 1.42, "the zoom whose pixels are nearest to those of the screen"
    check(page, zoom)
    col, row, _, _ = tile_of(239000, 553400, zoom)
    assert (zoom, col, row) in server.asked
    assert server.strange == complaints == []


def test_a_tile_that_is_not_there_is_cut_from_a_coarser_one(seen_from):
    page, server, complaints = seen_from(deepest=14)
    (zoom,) = {z for z, _, _ in server.asked}
    page, server, complaints = seen_from(deepest=zoom - 2)
    check(page, zoom - 2)
    assert {z for z, _, _ in server.asked} == {zoom, zoom - 1, zoom - 2}
    assert server.strange == complaints == []


def test_a_server_that_refuses_everything_leaves_the_map_as_it_is(seen_from):
    page, server, complaints = seen_from(deepest=-1)
    before = len(server.asked)
    assert 0 < before < 100
    page.mouse.move(*place(page, 238782.5, 553932.5))
    assert "nee, tenzij" in page.locator("#cel").inner_text()
    page.wait_for_timeout(300)
    assert len(server.asked) == before, "it does not ask again"
    assert complaints == []
    assert "Kadaster via PDOK (CC BY 4.0)" in page.locator("body").inner_text(), "who made the background"
