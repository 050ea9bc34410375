"""A setting is one value in one place: what it is for the outside follows from instellingen.toml."""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import waterbodem as wb
from tests.support.grids import box, even
from waterbodem.assessment.differences import causes
from waterbodem.batch.exposure import exposure_of
from waterbodem.batch.job import open_job
from waterbodem.batch.run_file import read_run_file
from waterbodem.cli import SETTINGS, cli
from waterbodem.cli import assess as assess_command
from waterbodem.core.errors import ArgumentError, CorruptLayer
from waterbodem.definitions import registry
from waterbodem.definitions.editions import EDITION
from waterbodem.definitions.present_use import UseMap
from waterbodem.definitions.setting_list import all_settings
from waterbodem.definitions.settings import Settings
from waterbodem.formats.archive import Packer, Unpacker, write
from waterbodem.formats.setting_forms import (
    Origin,
    compared,
    marks,
    packed,
    read_settings,
    setting_facts,
    setting_options,
    settings_for_herkomst,
    unpacked,
)
from waterbodem.views.report.page import report_html

PACKAGE = Path(wb.__file__).parent
EXAMPLE = PACKAGE.parent / "rasters" / "voorbeeld"
KNOWN = {s.id: s for s in all_settings()}
FIELDS = {f.name: f for f in fields(Settings)}

#: Public functions that take settings, and what else they take.
TAKING = ("geschiktheid", "afwenteling", "waarom", "assess", "grootboek", "benedenstrooms", "bovenstrooms")
#: Of those, which answer cells, where boundaries of water boards say nothing.
OF_CELLS = {"afwenteling", "waarom", "benedenstrooms", "bovenstrooms"}
PLACE = {"layers", "functie", "gebied", "ontvanger", "x", "y"}
OTHERS = {"id", "id_ontvangers", "ontvangers", "bewaar", "omgeving", "stroming", "interval", "scenarios"} | PLACE

#: A value as a user types it, by kind of setting; a file of one's own stands in the folder of the test.
TYPED = {"getal": 60, "schakelaar": False, "woord": "gemiddelde", "functie": "akkerbouw", "norm": "Hunze en Aa's",
         "lengte": 150.0, "put": (500_000, 265, 2500), "regels": "streng.toml"}  # fmt: skip
#: Where a kind does not do.
OWN = {"orness": 0.3}
#: What else has to be set for a setting to be one.
BESIDE = {"orness": {"methode": "owa"}}

#: Modules that name settings: the value itself, those that put them as attributes on grids, answers saved before.
DOORS = {
    "definitions/settings.py",
    "engine/scoring.py",
    "engine/burden.py",
    "assessment/assessment.py",
    "answers/outcome.py",
    "formats/archive_form.py",
}
#: What is called as a setting is and is none: parameters of a functie, constants of data files, tables, names of files.
ALIKE = {
    "onttrekking": {
        "definitions/models.py",
        "receivers/question.py",
        "answers/particulars.py",
        "views/caveats.py",
        "engine/fused.py",
        "answers/archived_question.py",
        "engine/quantities.py",
        "engine/plan.py",
        "engine/kompas.py",
    },
    "bergingseis_mm": {"definitions/models.py", "engine/plan.py"},
    "demping_m": {"receivers/network.py"},
    "reikwijdte": {"__init__.py", "definitions/receiving.py"},
    "referentie": {
        "definitions/registry.py",
        "batch/page.py",
        "engine/reference.py",
        "engine/area_table.py",
        "assessment/answer_changes.py",
        "layers/use_map.py",
    },
    "waterschap": {
        "definitions/boards.py",
        "layers/fiction/areas.py",
        "engine/area_table.py",
        "engine/demands.py",
        "layers/boundaries.py",
        "definitions/measures/measure.py",
        "definitions/measures/checks.py",
        "views/measure_list.py",
    },
    "aangelegde_berging_mm": {
        "definitions/measures/measure.py",
        "definitions/measures/checks.py",
        "measures/design.py",
        "measures/rows.py",
    },
    "methode": {"views/console.py"},
    "bandbreedte": {
        "answers/archived_answer.py",
        "batch/page.py",
        "batch/tables.py",
        "views/measures.py",
        "views/ranges.py",
    },
    "kompas": {
        "answers/archive.py",
        "answers/archived_answer.py",
        "views/pages.py",
        "assessment/provenance.py",
        "assessment/opening.py",
        "views/report/lines.py",
        "batch/page.py",
        "batch/provenance.py",
        "batch/run_file.py",
        "views/console.py",
        "views/notebook.py",
        "definitions/labels.py",
        "definitions/kompas_rules.py",
    },
}
#: What takes settings as a whole: doors, and where the engine begins.
WHOLE = {
    "answers.answer._on_layers",
    "engine.evaluation.evaluate",
    "answers.archived_receivers.read_receiver_question",
    "answers.question.resolve_question",
}


def typed(id_):
    """A setting as it is typed, with what it needs beside it."""
    return {**BESIDE.get(id_, {}), id_: OWN.get(id_, TYPED[KNOWN[id_].soort])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Layers, polygons, and rules of one's own."""
    path = tmp_path_factory.mktemp("instellingen")
    shutil.copytree(EXAMPLE, path / "lagen")
    rules = (PACKAGE / "data/kompas.toml").read_text("utf-8")
    (path / "streng.toml").write_text(rules.replace("bekend_min = 0.6", "bekend_min = 0.7"), "utf-8")
    assert (path / "streng.toml").read_text("utf-8") != rules
    return path


@pytest.fixture
def own(folder):
    """Settings of which one is not the default, by its id."""
    origin = Origin(registry.builtin_functies(), folder)
    return lambda id_: read_settings(typed(id_), origin)


def archived(settings, path):
    """What comes back of settings from an archive with next to nothing else in it."""
    packer, nothing = Packer(), {"attrs": {}, "coords": {}, "data": {}}
    asked = {"layers": nothing, "grid": [0, 1, 1, 1, 1, 1, None], "areas": [[1, "a", "", ""]], "functies": [{}]}
    asked["instellingen"] = packed(settings, packer)
    text = {
        "editie": EDITION,
        "waterbodem": "",
        "definities": "",
        "cells": nothing,
        "table": {},
        "kompas": {},
        "outside": [],
        "notes": [],
    }
    write(path, {**text, "question": asked, "ontvangst": None}, packer.arrays)
    with zipfile.ZipFile(path) as archive:
        found = Unpacker(archive, "a")
        return unpacked(found.text.question.instellingen, found)


def sources():
    return [(p.relative_to(PACKAGE).as_posix(), ast.parse(p.read_text("utf-8"))) for p in PACKAGE.rglob("*.py")]


# --- public functions ------------------------------------------------------------------------------------------------


def test_the_value_and_the_list_hold_the_same_settings_and_defaults():
    assert list(FIELDS) == list(KNOWN)
    assert {n: f.default for n, f in FIELDS.items()} == {n: s.standaard for n, s in KNOWN.items()}


@pytest.mark.parametrize("name", TAKING)
def test_a_public_function_takes_settings_by_the_name_of_their_field(name):
    named = inspect.signature(getattr(wb, name)).parameters
    assert named.keys() - OTHERS <= FIELDS.keys()
    taken = {n: p.default for n, p in named.items() if n in FIELDS}
    assert taken and taken == {n: FIELDS[n].default for n in taken}


@pytest.mark.parametrize("name", TAKING)
def test_a_public_function_makes_settings_on_its_first_line(name):
    (function,) = ast.parse(inspect.getsource(getattr(wb, name))).body
    made = "Settings.of_cells" if name in OF_CELLS else "Settings.of"
    assert ast.unparse(function.body[1]) == f"settings = {made}(locals())"


def test_no_other_public_function_takes_a_setting():
    others = [getattr(wb, n) for n in set(wb.__all__) - {*TAKING, "__version__"}]
    functions = filter(inspect.isfunction, others)
    assert [f.__name__ for f in functions if FIELDS.keys() & inspect.signature(f).parameters.keys()] == []


def names_of_settings(tree):
    """Names of settings in a module, as text, attribute or keyword; docstrings do not count."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Module)
    told = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, kinds) and isinstance(n.body[0], ast.Expr)}
    found = {ast.Constant: "value", ast.Attribute: "attr", ast.keyword: "arg"}
    for node in ast.walk(tree):
        name = getattr(node, found[type(node)]) if type(node) in found and id(node) not in told else None
        if isinstance(name, str) and name in KNOWN:
            yield name


def test_settings_are_named_in_a_few_modules_alone():
    found = {
        (module, name)
        for module, tree in sources()
        for name in names_of_settings(tree)
        if module not in DOORS and module not in ALIKE.get(name, ())
    }
    assert found == set()


def test_settings_go_as_a_whole_no_further_than_the_doors():
    found = {
        f"{module.removesuffix('.py').replace('/', '.')}.{node.name}"
        for module, tree in sources()
        if module not in ("definitions/settings.py", "formats/setting_forms.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for given in (*node.args.args, *node.args.kwonlyargs)
        if given.annotation is not None and "Settings" in ast.unparse(given.annotation).split()
    }
    assert found == WHOLE


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"aangelegde_berging_mm": -1}, "aangelegde_berging_mm"),
        ({"aangelegde_berging_mm": "veel"}, "aangelegde_berging_mm"),
        ({"waterschap": "Rijnland"}, "waterschap"),
        ({"waterschap": 5}, "waterschap"),
        ({"bergingseis_mm": 1e6}, "bergingseis_mm"),
        ({"bergingseis_mm": True}, "bergingseis_mm"),
        ({"demping_m": 0}, "demping_m"),
        ({"demping_m": float("nan")}, "demping_m"),
        ({"demping_m": "ver"}, "demping_m"),
        ({"reikwijdte": "ver"}, "reikwijdte"),
        ({"onttrekking": 5}, "onttrekking"),
        ({"kompas": "streng.toml"}, "kompas"),
    ],
)
def test_a_value_that_will_not_do_is_refused_with_its_name(given, where):
    with pytest.raises(ArgumentError) as caught:
        Settings(**given)
    assert caught.value.where == where and caught.value.allowed


# --- what follows from the list --------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", KNOWN)
def test_a_setting_has_an_option_that_its_command_gives_back(id_, own, folder, monkeypatch):
    monkeypatch.chdir(folder)
    asked = own(id_)
    needed = ["--layers", "a", "--functie", "b", "--gebied", "c"]
    above = click.Context(cli, **SETTINGS)
    given = assess_command.make_context(
        "assess", [*needed, *setting_options(asked, {id_: "streng.toml"})], above
    ).params
    assert KNOWN[id_].option in list(setting_options(asked, {}))
    assert read_settings({n: given[n] for n in KNOWN}, Origin(registry.builtin_functies())) == asked
    assert KNOWN[id_].hulp.split()[0] in CliRunner().invoke(cli, ["assess", "-h"]).output


def test_settings_of_the_default_need_no_option():
    assert list(setting_options(Settings(), {})) == []
    assert list(setting_options(Settings(demping_m=2000.0), {})) == []
    assert list(setting_options(Settings(referentie="grasland_veeteelt"), {})) == ["--referentie", "grasland_veeteelt"]


def run_file(folder, given):
    """A run file with these settings."""
    lines = ['layers = "lagen/lagen.toml"', 'functies = ["woningbouw"]', "output = 'uit'"]
    tables = {}
    for id_, value in given.items():
        tables.setdefault(KNOWN[id_].tabel, []).append(f"{KNOWN[id_].key} = {json.dumps(value)}")
    lines += tables.pop("", [])
    lines += ["[grid]", "bounds = [238000, 553000, 239000, 554000]"]
    tables.setdefault("gebieden", []).append('path = "lagen/plannen.geojson"')
    tables.setdefault("ontvangers", []).append('path = "lagen/beekdal.geojson"')
    for table, keys in tables.items():
        lines += [f"[{table}]", *keys]
    path = folder / "run.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("id_", KNOWN)
def test_a_setting_has_a_key_in_a_run_file(id_, own, folder):
    path = run_file(folder, typed(id_))
    job = open_job(path)
    assert job.settings.filled == own(id_).filled != Settings().filled
    schema = json.loads((PACKAGE.parent / "docs/schema/run.schema.json").read_text("utf-8"))
    shown = schema
    assert json.dumps(KNOWN[id_].key) in json.dumps(shown)


@pytest.mark.parametrize("id_", [s.id for s in all_settings() if s.key == s.id])
def test_a_key_in_another_table_is_told_where_it_belongs(id_, folder):
    wrong = "ontvangers" if KNOWN[id_].tabel != "ontvangers" else "afwenteling"
    path = run_file(folder, {})
    text = path.read_text("utf-8")
    path.write_text(text.replace("[ontvangers]", f"[{wrong}]\n{id_} = 1\n" + "[ontvangers]" * (wrong != "ontvangers")))
    place = rf"\[{KNOWN[id_].tabel}\]" if KNOWN[id_].tabel else "above all tables"
    with pytest.raises(wb.WaterbodemError, match=rf"run\.toml: {wrong}: {id_}: write it .*{place}"):
        read_run_file(path)


@pytest.mark.parametrize("id_", KNOWN)
def test_what_depends_on_a_setting_has_another_key_and_nothing_else(id_, folder):
    def keys(given):
        job = open_job(run_file(folder, given))
        exposure = exposure_of(job)
        return {"scores last tabel": job.key(job.variants[0]), "blootstelling": exposure.key(""),
                "ontvangers": exposure.mark}  # fmt: skip

    before, after = keys({"methode": "owa", "orness": 0.6} if id_ == "orness" else {}), keys(typed(id_))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if set(name.split()) & set(KNOWN[id_].raakt)}


@pytest.mark.parametrize("id_", KNOWN)
def test_a_setting_is_in_an_archive_in_herkomst_in_keys_in_facts_and_in_a_difference(id_, own, tmp_path):
    asked, plain = own(id_), Settings()
    assert archived(asked, tmp_path / "a") == asked.filled
    setting = KNOWN[id_]
    assert settings_for_herkomst(asked)[id_] != settings_for_herkomst(plain)[id_]
    assert marks(asked, *setting.raakt).get(id_) != marks(plain, *setting.raakt).get(id_) or not setting.raakt
    for taal in ("nl", "en"):
        assert setting.label(taal) in dict(setting_facts(asked, taal))
        changed = {n for n, (a, b) in compared(asked, plain, taal).items() if a != b}
        assert setting.label(taal) in {n.partition(" (")[0] for n in changed}


def test_a_reference_raster_has_every_form(tmp_path):
    asked = Settings(UseMap(codes=np.array([[6.0, np.nan]])))
    back = archived(asked, tmp_path / "a")
    assert np.array_equal(back.reference.codes, asked.reference.codes, equal_nan=True)
    assert settings_for_herkomst(asked)["referentie"] == "raster" and list(setting_options(asked, {})) == [
        "--referentie",
        "referentie.tif",
    ]
    assert dict(setting_facts(asked, "nl"))["Huidig gebruik"] == "een kaart met het gebruik per cel"


def test_a_reference_raster_from_a_file_has_every_form(tmp_path):
    about = {"bestand": "gebruik.tif", "sha256": "ab" * 32, "bewerkt": ""}
    asked = Settings(UseMap(file=Path("elders/gebruik.tif"), told=about, codes=np.array([[6.0, np.nan]])))
    back = archived(asked, tmp_path / "a").reference
    assert (back.told, back.file) == (about, Path("gebruik.tif"))
    assert settings_for_herkomst(asked)["referentie"] == about
    assert list(setting_options(asked, {"referentie": "gebruik.tif"})) == ["--referentie", "gebruik.tif"]
    assert dict(setting_facts(asked, "nl"))["Huidig gebruik"] == "het gebruik per cel volgens gebruik.tif"


@pytest.mark.parametrize("wrong", [{"methode": 5}, {"demping_m": "ver"}, {"demping_m": -1}, {"orness": True},
                                   {"niets": 1}, {"reikwijdte": "ver"}, {"onttrekking": {"m3_jr": 1}}])  # fmt: skip
def test_a_setting_in_an_archive_that_will_not_do_is_an_error(wrong, tmp_path):
    answer = wb.assess(even(ghg=0.9), "woningbouw", box(0, 0, 2, 2)).save(tmp_path / "a.waterbodem")
    with zipfile.ZipFile(answer) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    text = json.loads(parts["antwoord.json"])
    text["question"]["instellingen"] |= wrong
    with zipfile.ZipFile(answer, "w") as archive:
        for name, part in (parts | {"antwoord.json": json.dumps(text).encode()}).items():
            archive.writestr(name, part)
    with pytest.raises((CorruptLayer, ArgumentError)):
        wb.open_assessment(answer)


def test_an_answer_that_was_saved_before_settings_were_one_opens_with_them():
    """Written when each setting had a place of its own, with the question below."""
    back = wb.open_assessment(PACKAGE.parent / "tests/data/antwoord_eerder.waterbodem")
    given = {
        "referentie": "akkerbouw",
        "aangelegde_berging_mm": 20,
        "bergingseis_mm": 50,
        "methode": "owa",
        "orness": 0.3,
    }
    given |= {"demping_m": 900, "reikwijdte": "situatie", "onttrekking": wb.Put(500_000, 265, 2500)}
    found, asked = settings_for_herkomst(back.question.settings), settings_for_herkomst(Settings(**given))
    assert {n: v for n, v in found.items() if n != "kompas"} == {n: v for n, v in asked.items() if n != "kompas"}
    assert found["kompas"] and back.question.receiver_question.settings == back.question.settings
    (ledger,) = back.ledgers.values()
    assert ledger.sluit and ledger.damping == ledger.herkomst["demping_m"] == 900


# --- all of it, from one end to the other ----------------------------------------------------------------------------


def test_all_settings_reach_archive_dossier_difference_and_command(folder, tmp_path):
    typed_all = {}
    for id_ in KNOWN:
        typed_all |= typed(id_)
    typed_all |= {"methode": "owa"}
    asked = read_settings(typed_all, Origin(registry.builtin_functies(), folder))
    data, area = even(ghg=0.9, maaiveld=10.0), box(0, 0, 2, 2)
    answer = wb.assess(data, "woningbouw", area, **asked.arguments(wb.assess))
    assert answer.question.settings.filled == asked.filled
    back = wb.open_assessment(answer.save(tmp_path / "a.waterbodem"))
    assert back.question.settings.filled == asked.filled
    assert back.question.receiver_question.settings.filled == asked.filled
    html, plain = report_html(answer), wb.assess(data, "woningbouw", area)
    lines = list(causes(wb.difference(plain, answer)))
    for setting in KNOWN.values():
        assert f"<dt>{setting.naam}</dt>" in html.replace("&#39;", "'"), setting.id
        assert any(line.startswith(setting.naam) for line in lines), setting.id
        assert setting.option in html, setting.id


#: What a setting that is carried alone has to reach, in a package with the patch.
REACHED = """
import json, sys
import waterbodem as wb
from waterbodem.assessment.differences import causes
from waterbodem.batch.job import open_job
from waterbodem.assessment.files import save_assessment

layers, plans = wb.example(size=40, resolution=50), wb.example_plans()[:1]
plain, own = (wb.assess(layers, "woningbouw", plans, **asked) for asked in ({}, {"beoordelaar": "Jansen"}))
assert wb.open_assessment(own.save("a.waterbodem")).question.settings.beoordelaar == "Jansen"
assert [line for line in causes(wb.difference(plain, own)) if "Jansen" in line]
save_assessment(own, "uit")
told = json.load(open("uit/herkomst.json", encoding="utf-8"))
assert told["instellingen"]["beoordelaar"] == "Jansen" and "--beoordelaar Jansen" in told["opdracht"]
assert "<dt>Beoordelaar</dt>" in open("uit/rapport.html", encoding="utf-8").read()
job = open_job(sys.argv[1])
assert job.settings.beoordelaar == "Jansen"
print(wb.__file__)
"""


def test_one_more_setting_takes_one_module_beside_the_functions_that_take_it(folder, tmp_path):
    """Of the patch: the field, the argument with its docstring, and data."""
    patch = Path(__file__).parents[1] / "contract/beoordelaar.patch"
    touched = {line.partition(" b/")[2] for line in patch.read_text("utf-8").splitlines() if line.startswith("diff ")}
    assert {path for path in touched if path.endswith(".py")} == {
        "waterbodem/definitions/settings.py",
        "waterbodem/assessment/assessment.py",
    }
    for path in ("waterbodem", "docs/schema"):
        shutil.copytree(PACKAGE.parent / path, tmp_path / path, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", patch], cwd=tmp_path, check=True)
    path = run_file(folder, {})
    path.write_text(f'{path.read_text("utf-8")}\n[afwenteling]\nbeoordelaar = "Jansen"\n', "utf-8")
    command = [sys.executable, "-c", REACHED, path]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "waterbodem/__init__.py")]


def test_a_raster_of_the_present_use_is_cut_for_waarom():
    data = even(6, 8, ghg=0.9)
    codes = xr.full_like(data.kwel, 6.0)
    answer = wb.assess(data, "woningbouw", box(1, 1, 3, 3), referentie=codes)
    x, y = answer.question.areas[0].geometry.representative_point().coords[0]
    assert repr(answer.waarom(x, y)) == repr(wb.waarom(data, "woningbouw", x, y, referentie=codes))


def test_the_list_says_what_its_fields_are():
    text = (PACKAGE / "data/instellingen.toml").read_text("utf-8")
    used = {key for setting in tomllib.loads(text).values() for key in setting} - {"naam", "name"}
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    assert {key for key in used if key not in comments} == set()
