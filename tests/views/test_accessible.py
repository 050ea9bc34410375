"""Accessibility, measured in a real browser: contrast of every text, reach of the keyboard, names, headings, reflow."""

import itertools
import shutil
from pathlib import Path

import pytest

import waterbodem as wb
from tests.support.browser import opened
from waterbodem.batch import runner

ROOT = Path(__file__).parents[2]
PAGES = ("dossier", "kleurenblind", "kaart", "vergelijking", "verschil", "run")

#: Contrast by WCAG 2.2 of every text that is shown, against the first background under it that is not transparent.
CONTRAST = """() => {
  const SEEN = { opacityProperty: true, visibilityProperty: true };
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const under = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if ((c[3] ?? 1) > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), poor = [];
  let seen = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("svg, script, style, noscript, .vh") || !e.checkVisibility(SEEN)) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const [a, b] = [light(parts(style.color).slice(0, 3)), light(under(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen++;
    if (ratio < (size >= 24 || (size >= 18.66 && bold) ? 3 : 4.5)) poor.push([node.data.trim().slice(0, 40), ratio]);
  }
  return [seen, poor];
}"""

#: What can be worked with and is shown; of a group of radio buttons the chosen one.
CONTROLS = """() => [...document.querySelectorAll("a[href], button, select, input, [tabindex='0']")]
  .filter(e => e.checkVisibility() && !(e.type === "radio" && !e.checked)).map((e, i) => (e.dataset.nr = i)).length"""

FOCUS = """() => { const e = document.activeElement, path = e.querySelector?.("path") ?? e;
  return [e.dataset.nr ?? "", getComputedStyle(e).outlineStyle !== "none" || getComputedStyle(path).strokeWidth]; }"""

FORM = """() => {
  const all = s => [...document.querySelectorAll(s)], name = e => e.getAttribute("aria-label") || e.getAttribute("alt");
  return {
    mains: all("main").length,
    levels: all("h1, h2, h3, h4").map(e => Number(e.tagName[1])),
    unnamed: all("img, canvas, svg").filter(e => !name(e)).length,
    loose: all("th").filter(e => !["col", "row"].includes(e.scope)).length,
    untitled: all("table").filter(e => !e.caption && !e.getAttribute("aria-labelledby")).length,
    unlabelled: all("select, input").filter(e => !e.labels.length).length,
    lang: document.documentElement.lang, title: document.title.length,
  };
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paginas")
    layers, plans = wb.example(size=200, resolution=10), wb.example_plans()
    layers["kwel"][:40] = float("nan")
    a, b = (wb.assess(layers, ["woningbouw", "natte_natuur"], plans, aangelegde_berging_mm=mm) for mm in (0, 40))
    shutil.copytree(ROOT / "rasters/voorbeeld", folder / "lagen")
    (folder / "run.toml").write_text('layers = "lagen/lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\n')
    runner.run(folder / "run.toml")
    return {
        "dossier": a.report(folder / "dossier.html"),
        "kleurenblind": a.report(folder / "kleurenblind.html", kleuren="kleurenblind"),
        "kaart": a.explore().save(folder / "kaart.html"),
        "vergelijking": wb.compare(layers, "all", plans).report(folder / "vergelijking.html"),
        "verschil": wb.difference(a, b).report(folder / "verschil.html"),
        "run": folder / "uit" / "rapport.html",
    }


def shown(page):
    page.add_style_tag(content=".deel { content-visibility: visible !important }")
    page.wait_for_timeout(200)


@pytest.mark.parametrize("name", PAGES)
def test_every_text_has_contrast(name, pages, running):
    for scheme in ("light", "dark"):
        with opened(running, pages[name]) as (page, _):
            page.emulate_media(color_scheme=scheme)
            shown(page)
            seen, poor = page.evaluate(CONTRAST)
            assert seen > 20 and poor == []


@pytest.mark.parametrize("name", PAGES)
def test_every_control_is_reached_by_keyboard_and_seen_to_be(name, pages, running):
    with opened(running, pages[name]) as (page, _):
        shown(page)
        count = page.evaluate(CONTROLS)
        met = {}
        for _ in range(2 * count + 10):
            page.keyboard.press("Tab")
            nr, mark = page.evaluate(FOCUS)
            met[nr] = mark
        assert {str(i) for i in range(count)} <= set(met)
        assert all(mark not in (False, "3px") for nr, mark in met.items() if nr), "focus shows"


@pytest.mark.parametrize("name", PAGES)
def test_tables_pictures_and_headings_have_their_names(name, pages, running):
    with opened(running, pages[name]) as (page, _):
        shown(page)
        found = page.evaluate(FORM)
        assert (found["mains"], found["lang"]) == (1, "nl") and found["title"] > 5
        levels = found["levels"]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), levels
        assert [found[k] for k in ("unnamed", "loose", "untitled", "unlabelled")] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", PAGES)
def test_a_screen_of_320_pixels_needs_no_scrolling_aside(name, pages, running):
    """WCAG 1.4.10: what a laptop shows at 400 %; tables scroll by themselves."""
    with opened(running, pages[name], (320, 640)) as (page, _):
        shown(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
