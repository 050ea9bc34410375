"""The report: one file, safe, accessible, and it says what the table says."""

import itertools
import math
import re
import time
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import waterbodem as wb
from waterbodem.core.errors import ArgumentError
from waterbodem.definitions import registry
from waterbodem.definitions.labels import LANGUAGES, answer_steps, chip_style, ink, texts
from waterbodem.views.report import page as report
from waterbodem.views.report.page import report_html

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags with attributes, text per tag, and whether every tag that opens also closes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.balanced, self.text = [], [], True, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.balanced &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    def all(self, tag):
        return [a for t, a in self.tags if t == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def answer():
    return wb.assess(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())


@pytest.fixture(scope="module")
def html(answer):
    return report_html(answer)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


# --- form ------------------------------------------------------------------------------------------------------------


def test_it_is_one_well_formed_accessible_page(page, html):
    assert html.startswith("<!DOCTYPE html>") and page.balanced and not page.open
    assert page.all("html") == [{"lang": "nl"}] and len(page.all("h1")) == 1
    assert all(a.get("alt") for a in page.all("img")) and len(page.all("img")) == 4
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    levels = [int(t[1]) for t, _ in page.tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_nothing_comes_from_elsewhere_and_nothing_runs(page, html):
    for tag, attrs in page.tags:
        assert tag not in ("script", "iframe", "object", "link", "base", "form")
        assert not any(k.startswith("on") for k in attrs)
        for key in ("src", "href", "srcset", "action"):
            assert attrs.get(key, "data:").startswith(("data:", "#"))
    assert "url(" not in html and "@import" not in html
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert {"default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"} <= set(policy.split("; "))


def test_ids_are_unique_and_labels_point_at_them(page):
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)


def test_text_on_colours_meets_aa():
    def luminance(c):
        linear = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in c]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    scale = registry.answer_scale().values()
    colours = [s.kleur for s in scale] + [s.kleur_kleurenblind for s in scale]
    for colour in [*colours, *(r.kleur for r in registry.burden_rules().risk_classes)]:
        high, low = sorted((luminance(colour), 0.0 if ink(colour) == "#000" else 1.0), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, chip_style(colour)


# --- content ---------------------------------------------------------------------------------------------------------


def test_every_answer_of_the_table_is_said_in_words(answer, page):
    names = {f.id: f.naam for f in answer.question.functies}
    for row in answer.table.itertuples():
        between = f"{row.antwoord_hoog} tot {row.antwoord_laag}" if row.antwoord_hoog != row.antwoord_laag else ""
        undecided = (row.gebied, row.functie) == ("Plan Veenrand", "woningbouw")
        said = f"{names[row.functie]} op {row.gebied}: "
        said += "de kaart beslist dit niet" if undecided else answer_steps()[row.antwoord].antwoord
        letters = "; ".join(t for t in ("" if undecided else row.antwoord, between) if t)
        assert said in page.words and (row.antwoord == "A" or f"{said} ({letters})." in page.words)


def test_the_answer_names_the_thresholds_that_fire(page):
    assert "Overschreden grenzen: Beekdal (op 53\u00a0% van het gebied)" in "".join(page.text)


def test_loss_bars_add_up_to_what_the_score_misses(answer, page):
    bars, losses = [], []
    for tag, attrs in page.tags:
        if "data-score" in attrs:
            bars.append(float(attrs["data-score"]))
            losses.append(0.0)
        elif tag == "i" and "data-verlies" in attrs:
            losses[-1] += float(attrs["data-verlies"])
    assert bars == pytest.approx(answer.table.score.tolist(), abs=1e-4)
    assert [a + b for a, b in zip(bars, losses, strict=True)] == pytest.approx([1.0] * len(bars), abs=2e-3)


def test_kompas_stands_in_full_without_a_total(answer, page):
    for row in answer.kompas.itertuples():
        assert row.beginsel in page.words and " ".join(row.reden.split()) in page.words
    assert "geen totaal" in page.words
    assert page.words.count("niet beoordeeld hier") == 4


def test_judgement_sources_data_and_versions_are_shown(answer, page):
    assert page.words.count("expertoordeel") > 20
    versions = registry.rules_version(), wb.__version__, "RD (EPSG:28992)"
    for text in ("RSO_BODEM", "verzonnen voorbeeld", "watertoets", *versions):
        assert text in page.words


def test_fiction_has_a_banner_and_real_data_has_none(html):
    layers = wb.example(size=60, resolution=40)
    layers.attrs.clear()
    for name in layers.data_vars:
        layers[name].attrs = {"source": "meting", "sha256": "ab" * 32, "resampled": "gemiddelde van 4"}
    real = Page(report_html(wb.assess(layers, "woningbouw", wb.example_plans(layers)))).words
    assert 'class="banner"' in html
    assert "verzonnen" not in real
    assert "sha256 abab" in real and "gemiddelde van 4" in real


def test_missing_layers_and_gaps_are_told():
    layers = wb.example(size=200, resolution=10).drop_vars(["kwel", "ghg"])
    layers["wateroverlast"][:] = np.nan
    words = Page(report_html(wb.assess(layers, "woningbouw", wb.example_plans()))).words
    assert "onbekend (te weinig gegevens) (X; " in words and "Kwel" in words and "verlaagt de dekking" in words
    assert "Niet alles is bekend" in words


def test_notes_and_polygons_outside_are_told():
    plans = wb.example_plans()
    far = gpd.GeoDataFrame({"naam": ["Ver weg"]}, geometry=[shapely.box(1000, 1000, 1100, 1100)], crs=plans.crs)
    both = gpd.GeoDataFrame(gpd.pd.concat([plans[["naam", "geometry"]], far], ignore_index=True), crs=plans.crs)
    words = Page(report_html(wb.assess(wb.example(size=200, resolution=10), "woningbouw", both))).words
    assert "Geheel buiten de gegevens" in words and "Ver weg: ligt geheel buiten" in words


def test_dutch_numbers(page, answer):
    """Points between thousands, a comma before decimals, a minus that is none of a keyboard: in every row."""
    turned = str.maketrans(",.-", ".,\u2212")
    table = answer.table
    assert (table.verdrongen_berging_m3 < -999).any()
    for row in table.itertuples():
        volume = f"{row.verdrongen_berging_m3:,.0f}"
        assert ("0" if volume == "-0" else volume).translate(turned) in page.words
        assert f"{row.score:.2f}".translate(turned) in page.words
    assert not re.search(r"\bnan\b|\binf\b|None", page.words)


# --- languages -------------------------------------------------------------------------------------------------------


def shape(value):
    return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value).__name__


def test_languages_have_the_same_texts():
    first, *others = (dict(texts(taal)) for taal in LANGUAGES)
    for other in others:
        assert shape(other) == shape(first)


def test_english_and_no_other_language(answer):
    page = Page(report_html(answer, taal="en"))
    assert page.all("html") == [{"lang": "en"}] and "Housing on Plan Beekdal: no, unless (D)." in page.words
    with pytest.raises(ArgumentError, match="nl, en"):
        report_html(answer, taal="drs")


# --- hostile and odd input -------------------------------------------------------------------------------------------

HOSTILE = ["<script>alert(1)</script>", "x" * 5000, '"><img src=x onerror=alert(1)>', "مخطط \u202e السكن '&amp;"]


def test_hostile_names_are_text():
    plans = gpd.GeoDataFrame({"naam": HOSTILE}, geometry=wb.example_plans().geometry)
    layers = wb.example(size=200, resolution=10)
    layers.kwel.attrs |= {"source": HOSTILE[0], "vintage": HOSTILE[2], "file": HOSTILE[1], "sha256": HOSTILE[0]}
    own = wb.functies()["woningbouw"].model_copy(update={"naam": HOSTILE[0], "omschrijving": HOSTILE[2]})
    html = report_html(wb.assess(layers, own, plans))
    page = Page(html)
    assert "<script" not in html and "<img src=x" not in html and "x" * 500 not in html
    assert page.balanced and HOSTILE[0] in page.words and HOSTILE[2] in page.words
    assert len(page.all("img")) == 2 and "\u202e" not in html


def by_hand(shape, **values):
    base = {"zettingsgevoeligheid": 0.01, "wateroverlast": 0.0, "droogte": 5.0, "keileemdiepte": 3.0, "kwel": -1.0}
    return xr.Dataset({n: (("y", "x"), np.full(shape, v, np.float32)) for n, v in {**base, **values}.items()})


@pytest.mark.parametrize("value", [1.0, math.nan])
def test_one_cell_known_or_unknown_without_crs(value):
    layers = by_hand((1, 1), **({} if value == 1 else dict.fromkeys(by_hand((1, 1)).data_vars, math.nan)))
    page = Page(report_html(wb.assess(layers, "woningbouw", shapely.box(0.2, -0.8, 0.7, -0.1))))
    assert page.balanced and "Coördinaten onbekend" in page.words
    assert "kleiner dan een cel" in page.words
    assert ("(A)" if value == 1 else "(X; A tot D)") in page.words


def test_reference_as_raster_and_measures():
    layers = wb.example(size=200, resolution=10)
    codes = xr.DataArray(np.full((200, 200), 5), dims=("y", "x"))
    measures = {"bergingseis_mm": 60, "aangelegde_berging_mm": 20}
    b = wb.assess(layers, "woningbouw", wb.example_plans(), referentie=codes, **measures)
    words = Page(report_html(b)).words
    assert "een kaart met het gebruik per cel" in words and "60 mm" in words and "20 mm" in words


def many(count):
    """Return small squares of different names, in rows over the fictitious area."""
    side = math.ceil(math.sqrt(count))
    step = 2000 / side
    boxes = [
        shapely.box(238010 + i * step, 552480 + j * step, 238010 + (i + 0.7) * step, 552480 + (j + 0.7) * step)
        for j in range(side)
        for i in range(side)
    ][:count]
    return gpd.GeoDataFrame({"naam": [f"Perceel {i} <&>" for i in range(count)]}, geometry=boxes, crs="EPSG:28992")


def test_three_hundred_polygons_stay_small_and_quick():
    b = wb.assess(wb.example(size=200, resolution=10), ["woningbouw", "natte_natuur"], many(300))
    start = time.process_time()
    html = report_html(b)
    assert time.process_time() - start < 15 and len(html) < 7_500_000
    page = Page(html)
    assert page.balanced and len(page.all("img")) == 4
    assert all(f"Perceel {i} <&>" in html.replace("&lt;&amp;&gt;", "<&>") for i in range(300))


def test_beyond_the_limits_less_is_shown_and_that_is_said(monkeypatch):
    b = wb.assess(wb.example(size=100, resolution=20), "woningbouw", many(60))
    monkeypatch.setattr(report, "COMPACT_LINES", 50)
    monkeypatch.setattr(report, "MAX_LINES", 55)
    page = Page(report_html(b))
    rows = {a["id"] for a in page.all("tr") if "id" in a}
    assert "toont 55 van de 60 uitkomsten" in page.words and rows == {f"rij-{i}" for i in range(55)}


# --- file ------------------------------------------------------------------------------------------------------------


def test_the_file_is_whole_or_not_there(answer, html, tmp_path):
    path = answer.report(tmp_path / "rapport.html")
    assert path.read_text("utf-8") == html and [p.name for p in tmp_path.iterdir()] == ["rapport.html"]
    with pytest.raises(ArgumentError):
        answer.report(path, taal="xx")
    assert path.read_text("utf-8") == html and len(list(tmp_path.iterdir())) == 1


def test_the_report_is_the_same_every_time(answer, html):
    assert report_html(answer) == html
