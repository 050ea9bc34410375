"""Pages speak one language: words of the other stand only in what is marked as such, and in names of the field."""

import json
import re
import tomllib
from html.parser import HTMLParser
from importlib.resources import files

import pytest

import waterbodem as wb
from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import builtin_rules
from waterbodem.definitions.labels import LANGUAGES, number_label, texts
from waterbodem.definitions.parameters import parameter_kinds
from waterbodem.views.report.page import report_html

VOID = {"meta", "img", "br", "hr", "link", "input"}
#: Words that belong to one of the languages only, and are in no name of the field.
OTHER = {
    "nl": "the and with from area areas layer unknown yes housing burden class row shown known table see",
    "en": "het een van niet gebied gebieden geen deze naar voor zijn wordt deel onbekend laag drukt jr met als dat aan",
}
FUNCTIES = ["woningbouw", "natte_natuur", "drinkwaterwinning"]


class Marked(HTMLParser):
    """Text of a page by whether it is marked as of the other language."""

    def __init__(self, html):
        super().__init__()
        self.open, self.own, self.marked, self.attributes = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.attributes += [given[k] for k in ("title", "aria-label", "alt") if k in given]
        if tag not in VOID:
            self.open.append((tag, "lang" in given and tag != "html"))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & {t for t, _ in self.open}:
            (self.marked if any(m for _, m in self.open) else self.own).append(data)


@pytest.fixture(scope="module")
def answers():
    layers, plans = wb.example(size=200, resolution=10), wb.example_plans()
    layers = layers.drop_vars("veendikte")
    for name, method in zip(("kwel", "ghg", "droogte"), ("average", "bilinear", "nearest"), strict=True):
        layers[name].attrs["resampled"] = f"{method} from 2.5 m EPSG:28992"
    return [wb.assess(layers, FUNCTIES, plans, bergingseis_mm=mm) for mm in (None, 40)]


def page_of(kind, answers, taal, folder):
    a, b = answers
    if kind == "dossier":
        return report_html(a, taal=taal)
    if kind == "kaart":
        return a.explore(taal=taal).html
    path = folder / "pagina.html"
    other = wb.difference(a, b) if kind == "verschil" else wb.compare(a.question.layers, FUNCTIES, wb.example_plans())
    return other.report(path, taal).read_text("utf-8")


@pytest.mark.parametrize("taal", LANGUAGES)
@pytest.mark.parametrize("kind", ["dossier", "kaart", "vergelijking", "verschil"])
def test_a_page_speaks_one_language(kind, taal, answers, tmp_path):
    html = page_of(kind, answers, taal, tmp_path)
    page = Marked(html)
    told = " ".join([*page.own, *page.attributes, *(words_of_map(html) if kind == "kaart" else [])])
    told = re.sub(r"waterbodem assess .*|gebieden\.csv", "", told)
    for source in registry.sources().values():
        told = told.replace(source.vindplaats, "")
    words = set(re.findall(r"[^\W\d_]+", told.lower()))
    assert words & set(OTHER[taal].split()) == set()
    assert re.findall(r"\w*[a-z]_[a-z]\w*", told) == [], "names of the program"


def test_how_a_layer_was_resampled_is_told_in_the_language(answers):
    nl, en = (" ".join(Marked(report_html(answers[0], taal=taal)).own) for taal in LANGUAGES)
    assert "gemiddelde van cellen van 2,5 m (EPSG:28992)" in nl and "vloeiend tussen cellen" in nl
    assert "mean of cells of 2.5 m (EPSG:28992)" in en and "nearest cell of 2.5 m" in en


def words_of_map(html):
    data = json.loads(re.search(r'id="gegevens">(.*?)</script>', html, re.S).group(1))
    layers = [x for f in data["functies"] for x in f["lagen"].values()]
    return [*data["teksten"].values(), *(w for x in layers for w in (x["titel"], *x["namen"].values()))]


def test_every_number_has_a_name_in_every_language():
    names = {*parameter_kinds(), *registry.burden_rules().constants}
    for taal in LANGUAGES:
        assert {n for n in names if number_label(n, taal) == n} == set()
        assert set(texts(taal)["getallen"]) == names


def test_every_reason_of_the_kompas_has_its_english_with_the_same_numbers():
    def holes(text):
        return sorted(re.findall(r"{(.*?)}", text))

    for p in builtin_rules().beginselen.values():
        assert p.reason and holes(p.reason) == holes(p.reden)
        assert bool(p.onbekend_tekst) == bool(p.unknown_text)
        assert all(limit.text for limit in p.begrenzing)


def test_english_verdicts_are_the_dutch_ones(answers):
    """Symbols and numbers are made again for another language: they must be those of the answer."""
    from waterbodem.answers.alternatives import verdicts_of

    for answer in answers:
        dutch, english = (verdicts_of(answer.question, taal) for taal in LANGUAGES)
        rows = answer.kompas.to_dict("records")
        each = iter(rows)
        for nr in range(len(answer.question.areas)):
            for functie in FUNCTIES:
                for d, e in zip(dutch[functie][nr], english[functie][nr], strict=True):
                    row = next(each)
                    assert (d.symbool, d.reden, d.naam) == (row["symbool"], row["reden"], row["beginsel"])
                    assert (e.symbool, e.kolom) == (d.symbool, d.kolom) and e.reden != d.reden
                    assert digits(e.reden) == digits(d.reden.replace(",", "."))


def digits(text):
    return re.findall(r"\d+\.?\d*", text)


def test_own_kompas_rules_without_english_stay_dutch(answers, tmp_path):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text("utf-8")
    kept = "\n".join(line for line in text.splitlines() if not re.match("reason|unknown_text", line))
    path = tmp_path / "kompas.toml"
    path.write_text(re.sub(r', text = "[^"]*"', "", kept), encoding="utf-8")
    assert "reason" not in str(tomllib.loads(path.read_text("utf-8")))
    from waterbodem.definitions.kompas_rules import load_rules

    b = wb.assess(answers[0].question.layers, "woningbouw", wb.example_plans(), kompas=load_rules(path))
    assert "gemiddeld afwentelingsrisico" in " ".join(Marked(report_html(b, taal="en")).own)
