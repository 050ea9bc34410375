"""The page and the pictures of a batch run: safe, whole, and saying what the maps say."""

from __future__ import annotations

import csv
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import rasterio
from PIL import Image

from waterbodem.batch import compute, runner
from waterbodem.batch import page as run_page
from waterbodem.batch.job import open_job
from waterbodem.batch.picture import SIDE, picture_png, read_small
from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import answer_steps, decimal
from waterbodem.formats.cog.writer import write_raster
from waterbodem.formats.output_names import MAPS
from waterbodem.views.figures.panels import map_panels

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script>"
RUN = """
layers = "lagen/lagen.toml"
functies = ["eigen", "natte_natuur"]
scenarios = ["2050Hd"]
output = "uit"
functies_file = "eigen.toml"
[gebieden]
path = "lagen/plannen.geojson"
"""
SMALL = RUN.replace(', "natte_natuur"', "").replace('scenarios = ["2050Hd"]\n', "")
WHOLE = 'layers = "lagen/lagen.toml"\nfuncties = ["woningbouw", "natte_natuur"]\noutput = "uit"\n'


class Page(HTMLParser):
    """Tags, links, words, and the cells of every table row."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.rows, self._cell = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.text.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    @property
    def links(self):
        return [a[k] for _, a in self.tags for k in ("href", "src") if k in a]


def place(folder, text):
    shutil.copytree(ROOT / "rasters/voorbeeld", folder / "lagen")
    own = (ROOT / "waterbodem/data/functies/woningbouw.toml").read_text("utf-8")
    own = own.replace('id = "woningbouw"', 'id = "eigen"').replace("code = 1\n", "code = 100\n")
    own = own.replace('naam = "Woningbouw"', f'naam = "{EVIL}"')
    (folder / "eigen.toml").write_text(own, encoding="utf-8")
    for name, old in (("plannen.geojson", "Plan Es"), ("lagen.toml", "waterbodem, verzonnen voorbeeld"),
                      ("lagen.toml", "Voorbeeldgebied (verzonnen)")):  # fmt: skip
        path = folder / "lagen" / name
        path.write_text(path.read_text("utf-8").replace(old, EVIL), encoding="utf-8")
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder):
    return (folder / "uit/rapport.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    outcome = runner.run(place(folder, RUN))
    assert outcome.complete
    return folder


@pytest.fixture(scope="module")
def page(made):
    return Page(read(made))


def test_hostile_names_are_text(made, page):
    text = read(made)
    assert "<script" not in text
    assert page.words.count(EVIL) > 10, "functie, polygon, source and title are there, as text"
    assert not any(k.startswith("on") for _, a in page.tags for k in a)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "script-src" not in policy


def test_every_link_is_a_file_of_the_run_and_every_file_is_linked(made, page):
    folder = made / "uit"
    linked = {unquote(link) for link in page.links}
    there = {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and ".waterbodem" not in p.parts
    }
    assert linked == there - {"rapport.html"}
    assert sum(tag == "img" for tag, _ in page.tags) == 4


def test_every_file_has_its_sha256_in_herkomst_and_on_the_page(made, page):
    told = json.loads((made / "uit/herkomst.json").read_text(encoding="utf-8"))
    assert {"rapport.html", "eigen/overzicht.png", "natte_natuur@2050Hd/overzicht.png"} <= set(told["uitvoer"])
    for name, found in told["uitvoer"].items():
        assert name == "rapport.html" or found["sha256"] in page.words
    for layer in told["lagen"].values():
        assert layer["sha256"] in page.words and layer["bestand"] in page.words


def test_hectares_are_those_of_the_map(tmp_path):
    assert runner.run(place(tmp_path, WHOLE)).complete
    rows = [r for r in Page(read(tmp_path)).rows if len(r) == 9 and r[0] in ("Woningbouw", "Natte natuur")]
    assert len(rows) == 2
    for row, functie in zip(rows, ("woningbouw", "natte_natuur"), strict=True):
        with rasterio.open(tmp_path / "uit" / functie / "klasse.tif") as file:
            cells = file.read(1)
        hectares = [(cells == s.code).sum() * 0.01 for s in answer_steps().values()]
        assert sum(hectares) == pytest.approx(400), "the example is 2 x 2 km, cells of 10 m"
        assert row[1:8] == [decimal(ha, 0) for ha in (*hectares, 400)]


def test_hectares_in_polygons_are_those_of_the_map(made, page):
    with rasterio.open(made / "uit/natte_natuur@2050Hd/klasse.tif") as file:
        cells = file.read(1)
    row = next(r for r in page.rows if r and r[0] == "Natte natuur (scenario 2050Hd)")
    hectares = [(cells == s.code).sum() * 0.01 for s in answer_steps().values()]
    assert row[1:8] == [decimal(ha) for ha in (*hectares, sum(hectares))]
    assert 0 < sum(hectares) < 100


def test_the_answers_are_those_of_the_table(made, page):
    with (made / "uit/gebieden.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = [r for r in page.rows if len(r) == 10 and " – " in r[3]]
    assert len(told) == len(rows) == 16
    for line, row in zip(told, rows, strict=True):
        assert line[8].startswith(receiver(row))
        assert line[0] == row["gebied"] and line[2].startswith(row["antwoord"])
        assert line[3].startswith(decimal(float(row["score"])))
        assert row["scenario"] in line[1]


def receiver(row):
    """Return what the page says of who receives it: a name with a share, nobody, or a dash where it is not known."""
    if row["grootste_ontvanger"]:
        return row["grootste_ontvanger"]
    return "geen" if row["vrijgekomen_m3"] else "–"


def test_a_long_table_is_cut_and_says_so(made, monkeypatch, tmp_path):
    monkeypatch.setattr(run_page, "SHOWN", 3)
    assert runner.run(place(tmp_path, SMALL)).complete
    words = Page(read(tmp_path)).words
    assert "Hier staan de eerste 3 van 4 regels; de rest staat in die bestanden." in words
    assert "Hier staan de eerste" not in Page(read(made)).words


def test_what_was_asked_how_to_remake_it_and_its_limits_are_said(page):
    for text in ("huidig klimaat", "2050Hd", "127 rijen × 173 kolommen", "(laag gebruik)", "Expertoordeel.",
                 "waterbodem run run.toml", "watertoets", "rasterio", "eigen.toml", "plannen.geojson"):  # fmt: skip
        assert text in page.words, text


def test_a_functie_that_failed_is_named_with_its_reason(tmp_path, monkeypatch):
    path, real = place(tmp_path, RUN.replace('scenarios = ["2050Hd"]\n', "")), compute.maps_and_sums

    def poisoned(cells, functie, *rest, **kw):
        if functie.id == "eigen":
            raise MemoryError(f"poison {EVIL}")
        return real(cells, functie, *rest, **kw)

    monkeypatch.setattr(compute, "maps_and_sums", poisoned)
    assert not runner.run(path).complete
    text, page = read(tmp_path), Page(read(tmp_path))
    assert "Niet alles is gelukt" in page.words and f"MemoryError: poison {EVIL}" in page.words
    assert "<script" not in text
    assert all((tmp_path / "uit" / unquote(link)).is_file() for link in page.links)
    monkeypatch.undo()
    assert runner.run(path).complete
    assert "Niet alles is gelukt" not in Page(read(tmp_path)).words


def test_a_run_of_one_map_has_a_picture_and_page_of_that_map(tmp_path):
    for maps in ("geschiktheid", "klasse"):
        path = place(tmp_path / maps, f'maps = ["{maps}"]\n{WHOLE}'.replace(', "natte_natuur"', ""))
        assert runner.run(path).complete
        page = Page(read(tmp_path / maps))
        assert ("Hectare per antwoordklasse" in page.words) == (maps == "klasse")
        assert f"woningbouw/{maps}.tif" in page.links and "woningbouw/overzicht.png" in page.links
        assert all((tmp_path / maps / "uit" / unquote(link)).is_file() for link in page.links)


def test_a_polygon_outside_the_data_is_named(tmp_path):
    path = place(tmp_path, SMALL)
    plans = tmp_path / "lagen/plannen.geojson"
    data = json.loads(plans.read_text("utf-8"))
    data["features"][1]["geometry"]["coordinates"] = [[[300, 300], [400, 300], [400, 400], [300, 300]]]
    data["features"][1]["properties"]["naam"] = "Plan Ver Weg"
    plans.write_text(json.dumps(data), encoding="utf-8")
    assert runner.run(path).outside == ("Plan Ver Weg",)
    page = Page(read(tmp_path))
    assert "Niet beoordeeld" in page.words and "Plan Ver Weg" in page.words
    assert runner.run(path).outside == ("Plan Ver Weg",), "also where the table is there already"


def test_a_finished_run_rewrites_neither_page_nor_picture(tmp_path):
    text = RUN.replace('scenarios = ["2050Hd"]\n', "")
    path = place(tmp_path, text)
    runner.run(path)
    files = [tmp_path / "uit/rapport.html", *sorted((tmp_path / "uit").rglob("overzicht.png"))]
    before = [(f.stat().st_mtime_ns, f.stat().st_ino, f.read_bytes()) for f in files]
    runner.run(path)
    assert [(f.stat().st_mtime_ns, f.stat().st_ino, f.read_bytes()) for f in files] == before
    path.write_text(text + "[parameters.eigen]\nverhardingsgraad = 0.7\n", encoding="utf-8")
    runner.run(path)
    after = {f.relative_to(tmp_path / "uit").as_posix(): f.stat().st_ino for f in files}
    changed = {n for n, (_, inode, _) in zip(after, before, strict=True) if inode != after[n]}
    assert changed == {"rapport.html", "eigen/overzicht.png"}
    assert "eigen.verhardingsgraad = 0,7" in Page(read(tmp_path)).words


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_is_the_same_every_time_and_carries_no_moment(made):
    job = open_job(made / "run.toml")
    for variant in job.variants[:2]:
        path = made / "uit" / variant.name / "overzicht.png"
        assert picture_png(job, variant) == path.read_bytes()
        with Image.open(path) as image:
            assert image.format == "PNG" and image.size[0] == 1175 and image.size[1] > 800
            assert set(image.info) <= {"dpi"}


def test_a_picture_shows_the_colours_of_the_answers(made):
    with rasterio.open(made / "uit/eigen/klasse.tif") as file:
        codes = set(np.unique(file.read(1)).tolist()) - {255}
    with Image.open(made / "uit/eigen/overzicht.png") as image:
        colours = {c for _, c in image.convert("RGB").getcolors(1 << 24)}
    assert len(codes) > 2
    assert {tuple(s.kleur) for s in answer_steps().values() if s.code in codes} <= colours


def test_an_unknown_risk_has_no_cause_on_the_map():
    codes = {n: np.zeros((1, 2), np.uint8) for n in MAPS}
    codes |= {"klasse": np.array([[1, 1]], np.uint8), "risico": np.array([[0, 255]], np.uint8)}
    cause = next(p for p in map_panels(codes, ["kwel"], "nl") if p.title == "Oorzaak van het risico")
    assert [label for label, _, _ in cause.entries] == ["geen last", "onbekend"]
    codes["risico"][:] = 255
    cause = next(p for p in map_panels(codes, ["kwel"], "nl") if p.title == "Oorzaak van het risico")
    assert [label for label, _, _ in cause.entries] == ["onbekend"]


@pytest.mark.parametrize(("side", "factor"), [(300, 1), (700, 1), (900, 2), (2500, 4)])
def test_a_picture_takes_the_coarsest_overview_that_fits(tmp_path, side, factor):
    from waterbodem.definitions.legends import legend

    cells = np.zeros((side, 64), np.uint8)
    path = write_raster(tmp_path / "klasse.tif", cells, Grid(0, 0, 5, 5, side, 64), legend("klasse"))
    rows = read_small(path).shape[0]
    assert rows == -(-side // factor)
    assert factor == 1 or SIDE <= rows < 2 * SIDE


def test_pictures_that_are_not_wanted_are_not_drawn_nor_linked(tmp_path):
    path = place(tmp_path, RUN)
    runner.run(path)
    assert list((tmp_path / "uit").rglob("overzicht.png"))
    path.write_text("pictures = false\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    again = runner.run(path)
    assert again.made == 0, "nothing is computed again"
    assert not list((tmp_path / "uit").rglob("overzicht.png"))
    assert "overzicht.png" not in (tmp_path / "uit" / "rapport.html").read_text(encoding="utf-8")
    assert "overzicht.png" not in (tmp_path / "uit" / "herkomst.json").read_text(encoding="utf-8")


def test_how_layers_were_resampled_is_told_in_dutch(tmp_path):
    path = place(tmp_path, WHOLE.replace(', "natte_natuur"', "") + "pictures = false\n[grid]\nresolution = 20\n")
    assert runner.run(path).complete
    words = Page(read(tmp_path)).words
    assert "gemiddelde van cellen van 10 m (EPSG:28992)" in words and "average from" not in words
