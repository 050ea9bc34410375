"""The command line: Dutch answers, exit codes, and bad input that leaves no trace."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner

import waterbodem as wb
from tests.support import grids
from tests.support.layer_files import catalogue, layer, polygons, raster, square
from waterbodem.answers.command import command_of
from waterbodem.assessment import files
from waterbodem.cli import Progress, _short_warnings, cli, main
from waterbodem.core import path_gate
from waterbodem.core.errors import LayerIgnored
from waterbodem.definitions.registry import builtin_functies, layer_kinds, sources
from waterbodem.layers import polygons as areas

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "rasters/voorbeeld"
SHARED = grids.SHARED / "data/zwarte_beek"


def run(*args):
    """Run in this process; errors other than exits come out as they are."""
    return CliRunner().invoke(cli, [str(a) for a in args], catch_exceptions=False)


def process(*args, **kwargs):
    """Run as a user does."""
    command = [sys.executable, "-m", "waterbodem", *(str(a) for a in args)]
    return subprocess.run(command, capture_output=True, timeout=120, **kwargs)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A report that costs nothing; the demo runs in a process of its own and makes a real one."""
    monkeypatch.setattr(files, "report_html", lambda assessment: "<!doctype html>")


# --- a small world: ten by ten cells of 10 m, every basic layer ------------------------------------------------------

LEFT, TOP = 230_000, 560_000
BASIC = {"zettingsgevoeligheid": ("m/m", 0.0), "wateroverlast": ("m", 0.0), "droogte": ("%", 10.0),
         "keileemdiepte": ("m", 5.0), "kwel": ("mm/d", -1.0)}  # fmt: skip


def world(folder, *, skip=(), extra="", **cells):
    """Write every basic layer with one value and a catalogue; return its path."""
    text = ""
    for name, (unit, value) in BASIC.items():
        if name in skip:
            continue
        raster(folder / f"{name}.tif", np.full((10, 10), cells.get(name, value), np.float32), left=LEFT, top=TOP)
        keys = {"sign": '"up"'} if name == "kwel" else {}
        text += layer(name, f"{name}.tif", unit, **keys)
    return catalogue(folder, text + extra)


def plan(folder, *rings, crs="EPSG:28992", name="plan.geojson"):
    """Write polygons A, B, ...; by default one well inside the world."""
    rings = rings or (square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20),)
    return polygons(folder / name, [(r, {"naam": chr(65 + i)}) for i, r in enumerate(rings)], crs=crs)


def ask(folder, *more, layers=None, gebied=None, functie="woningbouw"):
    layers = layers or world(folder)
    gebied = gebied or plan(folder)
    return run("assess", "--layers", layers, "--functie", functie, "--gebied", gebied, *more)


# --- what commands do ------------------------------------------------------------------------------------------------


def test_help_and_version_need_nothing_heavy():
    code = "import sys; from waterbodem.cli import cli; print([m for m in ('numba', 'rasterio', 'xarray', 'geopandas')"
    done = subprocess.run([sys.executable, "-c", f"{code} if m in sys.modules])"], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    assert wb.__version__ in run("--version").stdout
    for command in ("init", "demo", "functies", "check", "assess", "schema"):
        assert command in run("-h").stdout
        assert run(command, "-h").exit_code == 0


def test_python_m_waterbodem_works():
    done = process("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert wb.__version__.encode() in done.stdout


def test_init_writes_a_catalogue_once(tmp_path):
    done = run("init", tmp_path / "nieuw" / "map")
    assert done.exit_code == 0
    path = tmp_path / "nieuw" / "map" / "lagen.toml"
    text = path.read_text(encoding="utf-8")
    assert all(f"# [layers.{name}]" in text for name in layer_kinds())
    again = run("init", path.parent)
    assert again.exit_code == 1
    assert "fout:" in again.stderr and "exists already" in again.stderr
    assert path.read_text(encoding="utf-8") == text


def test_demo_writes_everything_and_prints_the_answer(tmp_path):
    done = process("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode("utf-8")
    folder = tmp_path / "waterbodem-demo"
    assert "Verzonnen" in text and "rapport.html" in text
    table = wb.per_gebied(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())
    for row in table.itertuples():
        no_answer = row.antwoord_laag == "D" and row.antwoord_hoog in ("A", "B")
        shown = "kaart beslist niet" if no_answer else row.antwoord
        assert re.search(rf"(?m)^{row.gebied} +{row.functie} +{shown} ", text)
    assert (folder / "rapport.html").stat().st_size > 1000
    written = json.loads((folder / "herkomst.json").read_text(encoding="utf-8"))
    assert written["opdracht"] == "waterbodem demo"
    for name, row in written["uitvoer"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row["sha256"]


def test_functies_lists_all():
    text = run("functies").stdout
    assert all(re.search(rf"(?m)^{id_} ", text) for id_ in builtin_functies())


@pytest.mark.parametrize("functie", builtin_functies().values(), ids=lambda f: f.id)
def test_functies_shows_one_in_full(functie):
    text = run("functies", functie.id).stdout
    assert all(layer_kinds()[name].naam in text for name in functie.all_criteria)
    assert all(f"{name} = " in text for name in functie.parameters)
    numbers = [*functie.all_criteria.values(), *functie.drempels, *functie.parameters.values()]
    for key in {key for n in numbers for key in n.bron} & set(sources()):
        assert sources()[key].titel in text
    judged = [n for n in numbers if n.expertoordeel]
    assert text.count("expertoordeel") >= len(judged)
    x, y = next(iter(functie.all_criteria.values())).curve[0]
    assert f"{x:g} -> {y:g}".replace(".", ",") in text


def test_functies_knows_the_near_name():
    done = run("functies", "woningbow")
    assert done.exit_code == 1
    assert "woningbouw" in done.stderr


def test_check_says_what_is_right(tmp_path):
    done = run("check", world(tmp_path))
    assert done.exit_code == 0
    assert "In orde" in done.stdout


def test_check_says_everything_that_is_wrong(tmp_path):
    path = world(tmp_path, extra=layer("ghg", "nergens.tif", "m") + layer("gvg", "kwel.tif", "kg", sign='"down"'))
    done = run("check", path)
    assert done.exit_code == 1
    assert "layers.ghg.sign" in done.stdout and "layers.gvg.unit" in done.stdout


def test_check_gives_json(tmp_path):
    data = json.loads(run("check", world(tmp_path), "--json").stdout)
    assert data["ok"] is True
    assert {row["name"] for row in data["layers"]} == set(BASIC)


def test_check_of_a_file_outside_the_folder_needs_allow(tmp_path):
    other = tmp_path / "elders"
    other.mkdir()
    world(other)
    (tmp_path / "map").mkdir()
    path = catalogue(tmp_path / "map", layer("droogte", "../elders/droogte.tif", "%"))
    assert run("check", path).exit_code == 1
    assert run("check", path, "--allow", other).exit_code == 0


def test_schema_writes_what_is_committed(tmp_path):
    assert run("schema", tmp_path / "s").exit_code == 0
    for path in (ROOT / "docs/schema").glob("*.json"):
        assert (tmp_path / "s" / path.name).read_bytes() == path.read_bytes()


# --- assess ----------------------------------------------------------------------------------------------------------


def test_assess_prints_the_answer_and_writes_nothing(tmp_path):
    done = ask(tmp_path)
    assert done.exit_code == 0
    # zetting, wateroverlast, keileem and kwel score 1, droogte 10 % scores 0.95 with weight 0.05: 0.95 ** 0.05 = 0.9974
    assert re.search(r"(?m)^A +woningbouw +A ja, mits infiltratie +1,00 +100 % +Droogte ", done.stdout)
    assert "Kompas" in done.stdout
    assert done.stderr.splitlines() == [
        "lagen controleren", "lagen lezen: 5", "rekenen: woningbouw op 4 x 4 cellen"
    ]  # fmt: skip
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".geojson", *5 * [".tif"], ".toml"]


def test_assess_gives_json_with_null_for_unknown(tmp_path):
    done = ask(tmp_path, "--json", layers=world(tmp_path, skip=("droogte",)))
    data = json.loads(done.stdout)
    (row,) = data["table"]
    assert row["gebied"] == "A"
    assert row["antwoord"] == "A"
    assert row["dekking"] == pytest.approx(0.95)
    assert row["verlies_droogte"] in (None, 0.0)
    assert "geometry" not in row
    assert len(data["kompas"]) == 6
    assert data["outside"] == []
    assert "NaN" not in done.stdout


def test_a_parameter_can_be_set(tmp_path):
    plain = json.loads(ask(tmp_path, "--json").stdout)["table"][0]
    own = json.loads(ask(tmp_path, "--json", "--set", "woningbouw.verhardingsgraad=0.9").stdout)["table"][0]
    assert own["score"] == plain["score"]
    assert own["afvoer_m3"] >= plain["afvoer_m3"]
    layers = world(tmp_path)
    data = wb.open_layers(layers)
    f = builtin_functies()["woningbouw"].replace(verhardingsgraad=0.9)
    assert own["afvoer_m3"] == pytest.approx(wb.per_gebied(data, f, plan(tmp_path)).afvoer_m3[0])


@pytest.mark.parametrize("value", ["woningbouw", "verhardingsgraad=0.7", "woningbouw.x=veel", "woningbouw.x=nan"])
def test_a_setting_of_another_form_is_wrong_usage(tmp_path, value):
    done = ask(tmp_path, "--set", value)
    assert done.exit_code == 2
    assert "woningbouw.verhardingsgraad=0.7" in done.stderr


@pytest.mark.parametrize("missing", ["--layers", "--functie", "--gebied"])
def test_a_missing_option_is_wrong_usage(missing):
    given = {"--layers": "a", "--functie": "b", "--gebied": "c"}
    args = [part for key, value in given.items() if key != missing for part in (key, value)]
    done = run("assess", *args)
    assert done.exit_code == 2
    assert missing in done.stderr


def test_all_options_reach_the_answer(tmp_path):
    layers, gebied = world(tmp_path, kwel=1.0), plan(tmp_path)
    given = {"aangelegde_berging_mm": 40, "bergingseis_mm": 60, "methode": "owa", "orness": 0.3}
    args = ["--referentie", "akkerbouw", "--aangelegde-berging-mm", 40, "--bergingseis-mm", 60, "--json"]
    found = json.loads(ask(tmp_path, *args, "--methode", "owa", "--orness", 0.3, layers=layers).stdout)["table"][0]
    expected = wb.per_gebied(wb.open_layers(layers), ["woningbouw"], gebied, referentie="akkerbouw", **given).iloc[0]
    for name in ("score", "afvoer_m3", "risico"):
        assert found[name] == pytest.approx(expected[name])


def own_functie(folder, text=None):
    """Write an own functie: recreatie_dag under another id and code."""
    source = (ROOT / "waterbodem/data/functies/recreatie_dag.toml").read_text(encoding="utf-8")
    source = re.sub(r"(?m)^id = .*$", 'id = "speelbos"', source)
    source = re.sub(r"(?m)^code = .*$", "code = 101", source)
    path = folder / "eigen.toml"
    path.write_text(text(source) if text else source, encoding="utf-8")
    return path


def test_an_own_functie_is_computed_and_can_be_the_reference(tmp_path):
    own = own_functie(tmp_path)
    done = ask(tmp_path, "--functies", own, "--json", "--referentie", "speelbos", functie="speelbos")
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)["table"]
    assert row["functie"] == "speelbos"
    assert row["afvoer_m3"] == 0  # against itself nothing changes
    assert "speelbos" in run("functies", "--functies", own).stdout


def test_own_kompas_rules_reach_the_answer_its_command_and_its_herkomst(tmp_path):
    own = tmp_path / "streng.toml"
    text = (ROOT / "waterbodem/data/kompas.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('naam = "Vertragen"', 'naam = "Vasthouden"', 1), encoding="utf-8")
    made = {}
    for name, more in (("eigen", ("--kompas", own)), ("gewoon", ())):
        done = ask(tmp_path, "--output", tmp_path / name, *more)
        assert done.exit_code == 0, done.stderr
        assert ("Vasthouden" in done.stdout) == (name == "eigen")
        made[name] = json.loads((tmp_path / name / "herkomst.json").read_text(encoding="utf-8"))
    assert made["eigen"]["kompas"] != made["gewoon"]["kompas"]
    assert "--kompas streng.toml" in made["eigen"]["opdracht"] and "--kompas" not in made["gewoon"]["opdracht"]
    data, area = wb.open_layers(tmp_path), tmp_path / "plan.geojson"
    strict = wb.assess(data, "woningbouw", area, kompas=wb.kompas_regels(own))
    assert "--kompas kompas.toml" in command_of(strict.question)
    assert "--kompas" not in command_of(wb.assess(data, "woningbouw", area).question)


def test_only_the_block_that_is_needed_is_read_and_nothing_else_changes(tmp_path):
    out = tmp_path / "uit"
    done = run("assess", "--layers", EXAMPLE / "lagen.toml", "--functie", "woningbouw", "--functie", "waterberging",
               "--gebied", EXAMPLE / "plannen.geojson", "--output", out, "--float", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    layers = wb.open_layers(EXAMPLE)
    whole = wb.assess(layers, ["woningbouw", "waterberging"], EXAMPLE / "plannen.geojson")
    found = json.loads(done.stdout)["table"]
    assert [row["score"] for row in found] == whole.table.score.tolist()
    with rasterio.open(out / "waterberging/klasse.tif") as file:
        assert file.shape < (layers.sizes["y"], layers.sizes["x"])
        np.testing.assert_array_equal(file.read(1), whole.cells.klasse.sel(functie="waterberging"))
    herkomst = json.loads((out / "herkomst.json").read_text(encoding="utf-8"))
    kwel = next(row for row in herkomst["lagen"] if row["laag"] == "kwel")
    assert kwel["sha256"] == hashlib.sha256((EXAMPLE / "kwel.tif").read_bytes()).hexdigest()
    assert kwel["file"] == "kwel.tif"
    assert herkomst["opdracht"] == (
        "waterbodem assess --layers lagen.toml --gebied plannen.geojson --functie woningbouw --functie waterberging "
        "--float --output uitvoer"
    )
    text = (out / "herkomst.json").read_text(encoding="utf-8")
    assert str(ROOT) not in text and str(tmp_path) not in text


def test_every_file_is_hashed_and_every_polygon_repaired_once(tmp_path, monkeypatch):
    """The files are checked to find the block that the plans need; the cells are read through that same check."""
    hashed, mended = [], []
    sha256, mend = path_gate._sha256, areas.repaired_polygon
    monkeypatch.setattr(path_gate, "_sha256", lambda file: hashed.append(Path(file.name).name) or sha256(file))
    monkeypatch.setattr(areas, "repaired_polygon", lambda *given: mended.append(given[1]) or mend(*given))
    gebied = plan(tmp_path, square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20), square(LEFT, TOP - 20, LEFT + 20, TOP))
    done = ask(tmp_path, "--json", gebied=gebied)
    assert done.exit_code == 0, done.stderr
    assert sorted(hashed) == sorted(f"{name}.tif" for name in BASIC)
    assert mended == ["gebied 1 (A)", "gebied 2 (B)"]


def test_polygons_in_degrees_give_the_same_answer(tmp_path):
    import geopandas as gpd

    layers = world(tmp_path)
    gpd.read_file(plan(tmp_path)).to_crs(4326).to_file(tmp_path / "graden.geojson")
    found = json.loads(ask(tmp_path, "--json", layers=layers, gebied=tmp_path / "graden.geojson").stdout)["table"][0]
    assert found["oppervlakte_ha"] == pytest.approx(0.16, rel=1e-4)  # 40 m x 40 m


def test_the_name_field_can_be_chosen(tmp_path):
    gebied = polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 30, LEFT + 30, TOP), {"naam": "n", "code": "K7"})])
    assert json.loads(ask(tmp_path, "--json", "--id", "code", gebied=gebied).stdout)["table"][0]["gebied"] == "K7"
    done = ask(tmp_path, "--id", "kode", gebied=gebied)
    assert done.exit_code == 1
    assert "code" in done.stderr


def test_a_polygon_outside_is_listed_and_the_rest_done(tmp_path):
    far = square(LEFT + 5000, TOP - 60, LEFT + 5040, TOP - 20)
    gebied = plan(tmp_path, square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20), far)
    done = ask(tmp_path, "--output", tmp_path / "uit", gebied=gebied)
    assert done.exit_code == 3
    assert "niet beoordeeld: B" in done.stderr
    assert (tmp_path / "uit" / "herkomst.json").is_file()
    assert json.loads(ask(tmp_path, "--json", gebied=gebied).stdout)["outside"] == ["B"]


def test_what_a_library_tells_its_own_makers_stays_off_the_screen(capsys):
    """Some turn their warnings on as they load, over whatever was asked before."""
    with _short_warnings():
        warnings.simplefilter("always")
        warnings.warn("parseString deprecated", DeprecationWarning, stacklevel=1)
        warnings.warn("Glyph 26085 missing", UserWarning, stacklevel=1)
        warnings.warn("een laag is oud", LayerIgnored, stacklevel=1)
    assert capsys.readouterr().err == "let op: een laag is oud\n"


def test_a_warning_is_one_line(tmp_path):
    extra = layer("ghg@2050", "droogte.tif", "m", sign='"down"', horizon=2050, range="[0, 100]")
    done = ask(tmp_path, layers=world(tmp_path, extra=extra))
    assert done.exit_code == 0
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("let op:")]
    assert "ghg@2050" in line


# --- wrong input: a message, exit 1, nothing left --------------------------------------------------------------------


def raw(folder, name, values, unit, *, keys=None, **profile):
    """Write one more layer for the world; return its table."""
    raster(folder / f"{name}.tif", np.asarray(values), left=profile.pop("left", LEFT), top=TOP, **profile)
    return layer(name, f"{name}.tif", unit, **(keys or {}))


def grid_of(value):
    return np.full((10, 10), value, np.float32)


DOWN = {"sign": '"down"'}
BOW_TIE = [[LEFT, TOP - 90], [LEFT + 90, TOP], [LEFT + 90, TOP - 90], [LEFT, TOP], [LEFT, TOP - 90]]
ROTATED = Affine(9.4, 3.4, LEFT, 3.4, -9.4, TOP)

LAYERS = {
    "missing unit": (lambda f: '[layers.ghg]\npath = "kwel.tif"\nsign = "down"\n', "unit"),
    "missing sign": (lambda f: layer("ghg", "kwel.tif", "m"), "sign"),
    "unit that does not convert": (lambda f: layer("ghg", "kwel.tif", "kg", **DOWN), "kg"),
    "a factor 100": (lambda f: raw(f, "ghg", grid_of(80), "m", keys=DOWN), "100"),
    "unlisted class": (lambda f: raw(f, "veendikte", grid_of(7), "m", keys={"classes": "{ 1 = 0.5 }"}), "7"),
    "no CRS": (lambda f: raw(f, "ghg", grid_of(1), "m", keys=DOWN, crs=None), "CRS"),
    "geographic": (lambda f: raw(f, "ghg", grid_of(1), "m", keys=DOWN, crs="EPSG:4326"), "project"),
    "rotated": (lambda f: raw(f, "ghg", grid_of(1), "m", keys=DOWN, transform=ROTATED), "rotated"),
    "half a cell": (lambda f: raw(f, "ghg", grid_of(1), "m", keys=DOWN, left=LEFT + 5), "0.5"),
    "swapped x and y": (
        lambda f: raw(f, "ghg", grid_of(1), "m", keys=DOWN, transform=Affine(10, 0, TOP, 0, -10, LEFT)),
        "swapped",
    ),
    "unknown layer": (lambda f: layer("kweel", "kwel.tif", "m"), "kwel"),
    "unknown key": (lambda f: layer("ghg", "kwel.tif", "m", **DOWN, eenheid='"m"'), "eenheid"),
    "no such file": (lambda f: layer("ghg", "nergens.tif", "m", **DOWN), "nergens.tif"),
    "not TOML": (lambda f: "[layers.ghg\n", "TOML"),
    "a path that leaves the folder": (lambda f: layer("ghg", "../../ghg.tif", "m", **DOWN), "folder"),
}

POLYGONS = {
    "outside": (lambda f: plan(f, square(0, 0, 100, 100)), "outside"),
    "swapped": (lambda f: plan(f, square(TOP - 60, LEFT + 20, TOP - 20, LEFT + 60)), "swapped"),
    "changed by repair": (lambda f: plan(f, BOW_TIE), "1 %"),
    "no polygon": (lambda f: polygons(f / "leeg.geojson", []), "polygon"),
    "no file": (lambda f: f / "nergens.geojson", "nergens"),
    "HTML": (lambda f: write(f / "plan.geojson", "<html>Service error</html>"), "plan"),
    "half a file": (lambda f: write(f / "plan.geojson", '{"type": "FeatureCollection", "features": ['), "GeoJSON"),
    "empty polygon": (lambda f: write(f / "plan.geojson", '{"type": "Polygon", "coordinates": []}'), "empty"),
}

FUNCTIES = {
    "weight NaN": (lambda s: s.replace("gewicht = ", "gewicht = nan # ", 1), "gewicht"),
    "weight zero": (lambda s: s.replace("gewicht = ", "gewicht = 0 # ", 1), "gewicht"),
    "weight negative": (lambda s: s.replace("gewicht = ", "gewicht = -", 1), "gewicht"),
    "points out of order": (
        lambda s: re.sub(r"(?m)^punten = .*$", "punten = [[0, 1], [2, 0.5], [1, 0]]", s, count=1),
        "order",
    ),
    "code taken": (lambda s: s.replace("code = 101", "code = 7"), "code"),
    "unknown layer": (lambda s: s.replace("[criteria.kwel]", "[criteria.kweel]"), "kwel"),
}

ARGUMENTS = {
    "unknown functie": (["--functie", "woningbow"], "woningbouw"),
    "functie twice": (["--functie", "woningbouw"], "twice"),
    "unknown parameter": (["--set", "woningbouw.verharding=0.7"], "verhardingsgraad"),
    "parameter out of range": (["--set", "woningbouw.verhardingsgraad=7"], "verhardingsgraad"),
    "parameter of another functie": (["--set", "natte_natuur.berging_m=0"], "natte_natuur"),
    "unknown referentie": (["--referentie", "weiland"], "weiland"),
    "unknown methode": (["--methode", "som"], "meetkundig"),
    "orness missing": (["--methode", "owa"], "orness"),
    "negative storage": (["--aangelegde-berging-mm", "-1"], "aangelegde_berging_mm"),
    "no functies file": (["--functies", "nergens.toml"], "nergens.toml"),
    "no layers": (["--layers", "nergens/lagen.toml"], "nergens"),
}


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def refused(done, word, out):
    """A message that names what is wrong, exit 1, no traceback, nothing on stdout or disk."""
    assert done.exit_code == 1, done.stdout
    assert "fout: " in done.stderr
    assert word.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not out.exists()


@pytest.mark.parametrize(("make", "word"), LAYERS.values(), ids=LAYERS)
def test_wrong_layers(tmp_path, make, word):
    out = tmp_path / "uit"
    refused(ask(tmp_path, "--output", out, layers=world(tmp_path, extra=make(tmp_path))), word, out)


@pytest.mark.parametrize(("make", "word"), POLYGONS.values(), ids=POLYGONS)
def test_wrong_polygons(tmp_path, make, word):
    out = tmp_path / "uit"
    refused(ask(tmp_path, "--output", out, gebied=make(tmp_path)), word, out)


@pytest.mark.parametrize(("change", "word"), FUNCTIES.values(), ids=FUNCTIES)
def test_wrong_functie_file(tmp_path, change, word):
    out = tmp_path / "uit"
    own = own_functie(tmp_path, change)
    refused(ask(tmp_path, "--output", out, "--functies", own), word, out)


@pytest.mark.parametrize(("args", "word"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_wrong_arguments(tmp_path, args, word):
    out = tmp_path / "uit"
    refused(ask(tmp_path, "--output", out, *args), word, out)


def test_several_problems_are_told_at_once(tmp_path):
    extra = LAYERS["missing sign"][0](tmp_path) + layer("gvg", "kwel.tif", "kg", **DOWN)
    done = ask(tmp_path, layers=world(tmp_path, extra=extra))
    assert done.exit_code == 1
    assert "layers.ghg" in done.stderr and "layers.gvg" in done.stderr


def test_an_output_folder_that_is_a_file_is_told_before_any_work(tmp_path):
    write(tmp_path / "uit", "ik ben er al")
    done = ask(tmp_path, "--output", tmp_path / "uit")
    assert done.exit_code == 1
    assert "output folder is a file" in done.stderr
    assert "rekenen" not in done.stderr
    assert (tmp_path / "uit").read_text() == "ik ben er al"


def test_wrong_input_in_a_real_process_has_no_traceback(tmp_path):
    done = process("assess", "--layers", tmp_path / "x.toml", "--functie", "woningbouw", "--gebied", "y.geojson",
                   "--output", tmp_path / "uit")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].startswith("fout: ")
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "uit").exists()


# --- the screen ------------------------------------------------------------------------------------------------------


def test_a_narrow_code_page_does_not_break_the_answer(tmp_path):
    layers = world(tmp_path)
    gebied = polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 30, LEFT + 30, TOP), {"naam": "Plån ☃"})])
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = process("assess", "--layers", layers, "--functie", "woningbouw", "--gebied", gebied, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Plån ☃" in done.stdout.decode("utf-8")


def test_the_status_line_of_a_terminal_is_wiped(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    step = Progress()
    step("een lange stap")
    step("kort")
    step.done()
    assert capsys.readouterr().err == "\reen lange stap\rkort          \r    \r"


def test_names_with_control_characters_do_not_reach_the_screen(tmp_path):
    gebied = polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 30, LEFT + 30, TOP), {"naam": "a\x1b[2Jb\nc"})])
    out = ask(tmp_path, gebied=gebied).stdout
    assert "\x1b" not in out
    assert "a [2Jb c" in out


def test_main_is_the_entry_point(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["waterbodem", "--version"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert wb.__version__ in capsys.readouterr().out


# --- real data, where it is there ------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data")
def test_zwarte_beek(tmp_path):
    done = run("assess", "--layers", SHARED / "lagen.toml", "--functie", "natte_natuur", "--functie", "woningbouw",
               "--gebied", SHARED / "plan.geojson", "--output", tmp_path / "uit")  # fmt: skip
    assert done.exit_code in (0, 3), done.stderr
    with rasterio.open(tmp_path / "uit" / "woningbouw" / "klasse.tif") as file:
        assert file.crs.to_epsg() == 31370
