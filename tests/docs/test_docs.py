"""The documentation builds without a warning, asks nothing of the network, and says what the software does."""

from __future__ import annotations

import html
import math
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import waterbodem as wb
from tests.support.browser import opened
from tests.support.layer_files import catalogue
from tests.views.test_accessible import CONTRAST
from waterbodem import cli
from waterbodem.definitions import registry
from waterbodem.layers.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "paginas"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def shown(site, name):
    """What a reader sees of a page, without menus."""
    text = (site / name).read_text("utf-8")
    body = text[text.index("<article") : text.index("</article>")]
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


# --- nothing from outside --------------------------------------------------------------------------------------------


def test_no_page_loads_anything_from_outside(site):
    loads = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=[\"']?(https?:)?//", re.IGNORECASE)
    for page in site.rglob("*.html"):
        kept = [m.group(0) for m in loads.finditer(page.read_text("utf-8")) if 'rel="canonical"' not in m.group(0)]
        assert not kept, page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//|@import", style.read_text("utf-8")), style.name


def test_every_functie_has_a_page(site):
    for functie in registry.builtin_functies().values():
        text = shown(site, f"functies/{functie.id}.html")
        assert functie.naam in text
        assert all(name in text for name in functie.parameters)


def test_the_glossary_holds_every_term(site):
    text = shown(site, "woordenlijst.html")
    assert all(term.uitleg in text for term in registry.terms().values())


@pytest.mark.parametrize(
    "page",
    [
        "index",
        "aan-de-slag",
        "voorbeelden",
        "methode",
        "grenzen",
        "rekenvoorbeeld",
        "archetypen",
        "editie-2",
        "hoe/eigen-gegevens",
        "functies/woningbouw",
        "kompas",
        "bronnen",
        "ontwikkelaars/architecture",
    ],
)
def test_every_text_has_contrast_and_fits_a_narrow_screen(page, site, running):
    with opened(running, site / f"{page}.html", (320, 640)) as (narrow, seen):
        narrow.wait_for_timeout(300)
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 320
        assert [r for r in seen.requests if not r.startswith(("file:", "data:", "blob:"))] == []
    with opened(running, site / f"{page}.html") as (wide, _):
        wide.wait_for_timeout(300)
        count, poor = wide.evaluate(CONTRAST)
        assert count > 20 and poor == []
        assert wide.locator("[role=dialog]:not([aria-label])").count() == 0


def test_catalogues_to_copy_are_catalogues(tmp_path):
    text = (PAGES / "hoe/eigen-gegevens.md").read_text("utf-8")
    blocks = [b for b in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[layers." in b]
    found = [read_catalogue(catalogue(tmp_path, block)).layers for block in blocks]
    crops, ground = (layers["gebruik"] for layers in found if "gebruik" in layers)
    assert (crops.codes[265], crops.codes[2017]) == (7, 6) and math.isnan(crops.codes[332])
    assert ground.words["moeras"] == 9 and ground.words["heide"] == 16


# --- numbers ---------------------------------------------------------------------------------------------------------


def decimals(text):
    return [float(v.replace("−", "-").replace(",", ".")) for v in re.findall(r"[-−]?\d+(?:,\d+)?", text)]


def outcome(formula):
    """What a pocket calculator makes of a line of the worked example."""
    as_python = formula.replace(",", ".").replace(";", ",").replace("·", "*").replace("e^", "exp")
    return eval(as_python, {"max": max, "min": min, "exp": math.exp})


def lines(text):
    """Lines of the worked example in their order: name, formula, and the outcome that stands there."""
    return re.findall(r"^ *(\w[\w ]*?) = (.+) = (−?\d+(?:,\d+)?)(?= |$)", text, re.MULTILINE)


#: What the program's answers that stand beside the lines are called there, sentence by sentence.
BESIDE = [
    ["afvoer", "verdrongen berging"],
    ["kwelafvoer", "aanvullingsverlies", "watervraag"],
    ["zetting", "achteruitgang", "kosten"],
    ["ruimte", "tijd", "geld", "risico"],
    ["stijging", "verdrongen berging", "grondwaterverlaging", "kwelafvoer", "veenoxidatie", "CO2"],
    ["grondwaterverlaging", "veenoxidatie", "tijd"],
]


def test_the_score_of_the_worked_example_can_be_redone(site):
    """From the numbers on the page alone: scores and weights to S."""
    text = " ".join(shown(site, "rekenvoorbeeld.html").split())
    rows = re.findall(r"(\d,\d{4}) (\d,\d+) (−\d,\d{5})", text)
    assert len(rows) == 5
    scores, weights, products = zip(*(decimals(" ".join(row)) for row in rows), strict=True)
    for s, w, product in zip(scores, weights, products, strict=True):
        assert w * math.log(s) == pytest.approx(product, abs=2e-5)
    assert sum(weights) == pytest.approx(1)
    by_hand, program = decimals(re.search(r"= (\d,\d{4}) \. Het programma geeft (\d,\d{4})", text).group(0))
    assert by_hand == program == pytest.approx(math.exp(sum(products)), abs=6e-5)


def test_every_line_of_the_worked_example_can_be_redone_with_a_pocket_calculator(site):
    found = lines(shown(site, "rekenvoorbeeld.html"))
    assert len(found) == 46
    for name, formula, written in found:
        digits = len(written.partition(",")[2])
        (value,) = decimals(written)
        assert outcome(formula) == pytest.approx(value, abs=0.51 * 10**-digits), name


def test_the_program_gives_what_the_worked_example_works_out(site):
    text = shown(site, "rekenvoorbeeld.html")
    told = list(re.finditer(r"Het programma geeft\s([^.]*?)(?=[.;])", text))[1:]
    assert len(told) == len(BESIDE)
    for sentence, names in zip(told, BESIDE, strict=True):
        above = {name: decimals(written)[0] for name, _, written in lines(text[: sentence.start()])}
        given = [float(v) for v in decimals(re.sub(r"m³|m2|CO2", "", sentence.group(1)))]
        assert given[: len(names)] == pytest.approx([above[name] for name in names], rel=2e-3, abs=6e-4)


def test_the_worked_example_holds_the_formulas_of_the_rules(site):
    """Outcomes worked out from the rules by hand, of what stands on the page."""
    text = " ".join(shown(site, "rekenvoorbeeld.html").split())
    assert "opgave = 10 · 80 · (0,55 - 0,01) = 432,0" in text
    assert "drains = max(0; 0,7 - 0,5) = 0,20" in text
    assert "verdrongen berging = 10000 · (0,6 · min(0,12; 0,5) - 0 + 0) = 720,0" in text
    assert "gvg = 0,054 + 0,83 · 0,5 + 0,19 · 1,1 = 0,678" in text
    assert "= −9,416 mm/jr" in text  # 23.54 x (0.7 - 1.1)


def test_the_method_page_states_the_numbers_of_the_data(site):
    text = " ".join(shown(site, "methode.html").split())
    constants = registry.burden_rules().constants
    for name in ("veen_helling_mm_jr_m", "veen_afslag_mm_jr", "porositeit", "kwel_ontwatering_m", "zetting_kosten_eur"):
        assert f"{constants[name]:g}".replace(".", ",") in text.replace(".", ""), name
    assert f"minder dan {100 * registry.scoring_rules().bekend_min:g} %" in text
    for step in registry.answer_scale().values():
        assert step.antwoord in text


def test_the_page_of_the_kompas_explains_every_measure_that_its_rules_look_at(site):
    text = shown(site, "kompas.html")
    told = text[text.index("Maten") :]
    rules = tomllib.loads((ROOT / "waterbodem/data/kompas.toml").read_text("utf-8"))
    looked_at = set(re.findall(r"'maat': '(\w+)'", str(rules["beginselen"]) + str(rules["afgeleid"])))
    assert len(looked_at) > 20
    assert [m for m in looked_at if not re.search(rf"^ *{m.replace('_', ' ')} *$", told, re.MULTILINE)] == []


@pytest.mark.parametrize(("page", "fewest"), [("grenzen", 7), ("index", 5)])
def test_where_a_reader_decides_it_says_for_which_use_this_is_not(site, page, fewest):
    text = " ".join(shown(site, f"{page}.html").split())
    uses = ("watertoets", "vergunning", "peilbesluit", "onttrekking", "compensatie", "Natura 2000", "perceel")
    assert sum(use in text for use in uses) >= fewest
    assert "vooroverleg" in text and "zeven" in text


# --- what the pages tell you to type ---------------------------------------------------------------------------------


def blocks(language):
    for page in sorted([*PAGES.rglob("*.md"), ROOT / "README.md"]):
        for number, block in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
            yield pytest.param(block, id=f"{page.stem}-{number}")


@pytest.mark.parametrize("block", list(blocks("console")))
def test_commands_and_options_exist(block):
    for line in block.strip().splitlines():
        program, command, *words = shlex.split(line)
        assert program == "waterbodem"
        known = {o for p in cli.cli.commands[command].params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= known, line


def test_every_public_name_is_in_the_reference():
    text = (PAGES / "ontwikkelaars" / "api.md").read_text("utf-8")
    where = {n: f"{wb._WHERE[n]}.{wb._RENAMED.get(n, n)}" for n in wb.__all__ if n in wb._WHERE}
    assert [n for n, place in where.items() if f"::: waterbodem.{place}\n" not in text] == []


@pytest.mark.parametrize("picture", ["dossier", "kaart", "notebook"])
def test_the_quick_start_shows_what_a_planner_sees(site, picture):
    page = (site / "aan-de-slag.html").read_text("utf-8")
    (alt,) = re.findall(rf'<img alt="([^"]+)" src="beeld/{picture}.png"', page)
    assert len(alt) > 30
    assert (site / "beeld" / f"{picture}.png").stat().st_size > 50_000


@pytest.mark.parametrize("page", ["aan-de-slag", "hoe/afwenteling", "hoe/eigen-functie", "hoe/vergelijken"])
def test_python_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (PAGES / f"{page}.md").read_text("utf-8"), re.DOTALL):
        exec(block, names)
    assert names["wb"] is wb


def test_the_functie_of_the_how_to_is_read(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", (PAGES / "hoe" / "eigen-functie.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "eigen.toml").write_text(block, encoding="utf-8")
    own = wb.functies(tmp_path / "eigen.toml")["drijvend_wonen"]
    k = wb.geschiktheid(wb.example(size=400), own)
    assert float(k.geschiktheid.max()) > 0


def test_every_section_of_the_rules_that_a_docstring_names_is_linked_and_there(site):
    html = (site / "ontwikkelaars" / "api.html").read_text("utf-8")
    links = re.findall(r'href="\.\./rekenregels\.html#([\w-]+)">rekenregels section (\d)', html)
    rules = (site / "rekenregels.html").read_text("utf-8")
    assert links and all(f'id="{anchor}"' in rules for anchor, _ in links)
    assert all(anchor.startswith(number) for anchor, number in links)
    source = " ".join(path.read_text("utf-8") for path in Path("waterbodem").rglob("*.py"))
    assert set(re.findall(r"rekenregels section (\d)", source)) <= set(re.findall(r'<h2 id="(\d)', rules))


# --- the house -------------------------------------------------------------------------------------------------------


def test_the_architecture_page_holds_the_contract_and_names_only_what_exists(site):
    text = shown(site, "ontwikkelaars/architecture.html")
    rooms = {m.name for m in pkgutil.iter_modules(wb.__path__)} - {"__main__", "data"}
    assert [room for room in rooms if not re.search(rf"\b{room}\b", text[: text.index("Where does it go")])] == []
    assert "Only views draw" in text
    source = (PAGES / "ontwikkelaars" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:waterbodem|docs|notebooks)/[^`]*|[A-Z]+\.md)`", source)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 90
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []
