"""What shows itself in a notebook is readable, complete and escaped; progress is silent elsewhere."""

import logging
import subprocess
import sys
import types
from html.parser import HTMLParser

import pandas as pd
import pytest

import waterbodem as wb
from waterbodem.core import progress
from waterbodem.core.progress import track
from waterbodem.definitions import registry
from waterbodem.definitions.labels import plain_number
from waterbodem.layers.stack import open_catalogue

EVIL = "<script>alert(1)</script>"


class Text(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def has(self, *texts):
        return all(t in self.words for t in texts)


@pytest.mark.parametrize("functie", list(registry.builtin_functies().values()), ids=lambda f: f.id)
def test_a_functie_shows_every_number_with_its_source(functie):
    found = Text(functie._repr_html_())
    for name, c in functie.all_criteria.items():
        assert found.has(name, plain_number(c.gewicht), c.text, c.provenance)
    for name, p in functie.parameters.items():
        assert found.has(name, plain_number(p.waarde), p.provenance)
    assert found.has(*(t.label for t in functie.drempels))
    named = {key for thing in (*functie.all_criteria.values(), *functie.parameters.values()) for key in thing.bron}
    assert all(key in repr(functie) for key in named) and "getallen expertoordeel" in repr(functie)


def test_a_curve_in_one_line():
    criteria = wb.functies()["woningbouw"].all_criteria
    for name, c in criteria.items():
        parts = c.text.replace(",", ".").replace("afwezig", "inf").split("; ")
        points = [tuple(float(v) for v in part.split(" \u2192 ")) for part in parts]
        expected = list(c.curve) + ([] if c.score_afwezig is None else [(float("inf"), c.score_afwezig)])
        assert points == [(pytest.approx(x), pytest.approx(y)) for x, y in expected], name


def test_all_functies_show_names_and_sources():
    found = Text(wb.functies()._repr_html_())
    assert found.has(*wb.functies(), *(f.naam for f in wb.functies().values()))
    assert sum("expertoordeel" in w for w in found.words) == len(wb.functies())


def test_hostile_names_are_text(tmp_path):
    own = wb.functies()["woningbouw"].model_copy(update={"naam": EVIL})
    plans = wb.example_plans().assign(naam=EVIL)
    b = wb.assess(wb.example(size=100, resolution=20), own, plans)
    for html in (own._repr_html_(), b.kompas._repr_html_(), b._repr_html_()):
        assert "<script" not in html and EVIL in "".join(Text(html).words)


def test_kompas_shows_reasons_and_stays_a_data_frame():
    b = wb.assess(wb.example(size=100, resolution=20), "woningbouw", wb.example_plans())
    found = Text(b.kompas._repr_html_())
    assert isinstance(b.kompas, pd.DataFrame) and found.has(*b.kompas.reden, *b.kompas.beginsel)
    assert type(b.kompas[b.kompas.symbool == "+"]) is pd.DataFrame
    assert sum(t == "tr" for t, _ in found.tags) == 1 + len(b.kompas)


def test_the_kompas_reads_well_without_html():
    b = wb.assess(wb.example(size=100, resolution=20), ["woningbouw", "natte_natuur"], wb.example_plans())
    lines = repr(b.kompas).splitlines()
    for row in b.kompas.itertuples():
        (line,) = [x for x in under(lines, f"{row.gebied}, {row.functie}") if x.strip().startswith(row.beginsel)]
        assert row.reden in line and f" {row.symbool} " in line
    assert "..." not in repr(b.kompas)


def under(lines, title):
    start = lines.index(title) + 1
    return lines[start : start + 6]


def test_why_a_cell_tells_thresholds_in_words():
    b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    why = b.waarom(238782.5, 553932.5)
    assert "beekdal == 1" in why.vlaggen, "as data, for who computes on"
    for told in (repr(why), " ".join(Text(why._repr_html_()).words)):
        assert "drempels die afgaan: Beekdal" in told and "==" not in told and "vooral door " in told


def test_a_layer_stack_shows_units_sources_and_files(tmp_path):
    (tmp_path / "lagen.toml").write_text(
        f'title = "{EVIL}"\n'
        f'[layers.kwel]\npath = "kwel.asc"\nunit = "mm/d"\nsign = "up"\nsource = "{EVIL}"\nvintage = "2019"\n'
        '[layers.ghg]\npath = "weg.asc"\nunit = "m"\nsign = "down"\n'
    )
    (tmp_path / "kwel.asc").write_text("ncols 2\nnrows 1\nxllcorner 239000\nyllcorner 553000\ncellsize 5\n1 2\n")
    (tmp_path / "kwel.prj").write_text(_rd())
    stack = open_catalogue(tmp_path)
    html, text = stack._repr_html_(), repr(stack)
    found = Text(html)
    assert found.has("kwel", "mm/d", EVIL, "2019", "kwel.asc") and "<script" not in html
    assert "1 lagen op 1 x 2 cellen van 5 m, 1 met fouten" in text and "kwel.asc" in text


def _rd():
    import pyproj

    return pyproj.CRS("EPSG:28992").to_wkt("WKT1_ESRI")


# --- progress --------------------------------------------------------------------------------------------------------


def test_progress_yields_everything_and_logs_what_took_long(monkeypatch, caplog, capsys):
    clock = iter([0.0, 0.5, 10.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, "waterbodem"):
        assert list(track(iter("ab"), "snel")) == ["a", "b"] and caplog.messages == []
        assert list(track([1, 2], "traag", 2)) == [1, 2] and caplog.messages == ["traag: 2 s"]
    assert capsys.readouterr() == ("", "")


def test_a_notebook_gets_a_bar_after_a_second(monkeypatch):
    made = []
    shell = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=1))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    bar = types.ModuleType("tqdm.auto")
    bar.tqdm = lambda things, **settings: made.append(settings) or things
    monkeypatch.setitem(sys.modules, "tqdm.auto", bar)
    assert list(track([1, 2], "kaart")) == [1, 2]
    assert made[0]["desc"] == "kaart" and made[0]["delay"] == 1.0
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert list(track([1, 2], "kaart")) == [1, 2]


def test_a_script_that_imports_it_hears_nothing():
    script = (
        "import waterbodem as wb\n"
        "b = wb.assess(wb.example(size=40, resolution=50), ['woningbouw', 'akkerbouw'], wb.example_plans())\n"
        "b.explore()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
