"""Names from outside on pages that compare: in a real browser nothing runs, all is text, and the page keeps its width.

The dossier and the map have the same tests in their own files.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import shapely

import waterbodem as wb
from tests.support.browser import opened
from tests.views.test_webmap import HOSTILE
from waterbodem.batch import runner

ROOT = Path(__file__).parents[2]
SCRIPT, LONG, IMAGE, TURNED = HOSTILE
#: A laptop, a large screen, and A4 on its side as the browser prints it.
SIZES = [(1366, 768), (1920, 1080), (1032, 800)]
RUN = """
layers = "lagen/lagen.toml"
functies = ["eigen", "natte_natuur"]
output = "uit"
functies_file = "eigen.toml"
pictures = false
[gebieden]
path = "lagen/plannen.geojson"
"""


def layers(**changed):
    found = wb.example(size=200, resolution=10).assign_attrs(title=SCRIPT)
    for name, text in zip(("kwel", "ghg", "droogte", "keileemdiepte"), HOSTILE, strict=True):
        found[name].attrs |= {"source": text, "vintage": text, "file": text, "long_name": text} | changed
    return found


def plans():
    return wb.example_plans().assign(naam=HOSTILE)


def own(name=SCRIPT):
    return wb.functies()["woningbouw"].model_copy(update={"id": "eigen", "code": 100, "naam": name})


def compared(folder):
    found = wb.compare(layers(), [own(), own(LONG).model_copy(update={"id": "ander", "code": 101})], plans())
    return found.report(folder / "vergelijking.html")


def changed(folder):
    drier = layers(vintage=IMAGE)
    drier["ghg"] = (drier.ghg + 0.3).assign_attrs(drier.ghg.attrs)
    a, b = wb.assess(layers(), own(IMAGE), plans()), wb.assess(drier, own(), plans(), aangelegde_berging_mm=40)
    return wb.difference(a, b).report(folder / "verschil.html")


def ran(folder):
    """A run whose title, sources, file names, polygons and functie are hostile; and one that failed in part."""
    shutil.copytree(ROOT / "rasters/voorbeeld", folder / "lagen")
    catalogue = folder / "lagen" / "lagen.toml"
    text = catalogue.read_text("utf-8")
    for old, new in (("Voorbeeldgebied (verzonnen)", SCRIPT), ("waterbodem, verzonnen voorbeeld", LONG)):
        assert old in text
        text = text.replace(old, new)
    catalogue.write_text(text, encoding="utf-8")
    outlines = json.loads((folder / "lagen" / "plannen.geojson").read_text("utf-8"))
    for feature, name in zip(outlines["features"], HOSTILE, strict=True):
        feature["properties"]["naam"] = name
    far = shapely.geometry.mapping(shapely.box(10_000, 400_000, 10_100, 400_100))
    outlines["features"].append({"type": "Feature", "properties": {"naam": IMAGE}, "geometry": far})
    (folder / "lagen" / "plannen.geojson").write_text(json.dumps(outlines), encoding="utf-8")
    toml = (ROOT / "waterbodem/data/functies/woningbouw.toml").read_text("utf-8")
    toml = toml.replace('id = "woningbouw"', 'id = "eigen"').replace("code = 1\n", "code = 100\n")
    toml = toml.replace('naam = "Woningbouw"', f"naam = {json.dumps(IMAGE)}")
    (folder / "eigen.toml").write_text(toml, encoding="utf-8")
    (folder / "run.toml").write_text(RUN, encoding="utf-8")
    assert runner.run(folder / "run.toml").outside
    return folder / "uit" / "rapport.html"


@pytest.mark.parametrize("make", [compared, changed, ran])
def test_hostile_names_are_text_and_the_page_keeps_its_width(running, tmp_path, make):
    path = make(tmp_path)
    for size in SIZES:
        with opened(running, path, size) as (page, seen):
            assert page.locator("script").count() == 0 and page.locator("img:not([src^='data:'])").count() == 0
            words = page.locator("body").inner_text()
            assert SCRIPT in words and IMAGE.split("=x")[0] in words and "مخطط" in words
            assert LONG[:30] in words and LONG not in words, "cut, and what is left of it wraps"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
            assert seen.complaints + seen.dialogs == [] and all(r.startswith("data:") for r in seen.requests)
    assert page_is_inert(path.read_text("utf-8"))


def page_is_inert(text):
    """No control character turns the text around, and a policy forbids scripts."""
    return "\u202e" not in text and "default-src &#39;none&#39;" in text and "script-src" not in text
