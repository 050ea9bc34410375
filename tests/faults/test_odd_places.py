"""Names, folders, locales and coordinate systems out of the ordinary: they work, or one sentence says why not."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
from click.testing import CliRunner
from shapely.geometry import box

import waterbodem as wb
from tests.assessment.test_cli import LEFT, TOP, own_functie, plan, world
from tests.batch.test_runner import WHOLE, place
from tests.core.test_terminal import harmless
from tests.support.layer_files import RD, polygons, square
from tests.support.worker import Nursery
from waterbodem.assessment import files
from waterbodem.batch import picture
from waterbodem.cli import cli
from waterbodem.core.errors import GeometryError, UnsafePath
from waterbodem.layers.polygons import read_areas


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(files, "report_html", lambda assessment: "<!doctype html>")
    monkeypatch.setattr(picture, "picture_png", lambda *_: b"picture")


@pytest.fixture(scope="module")
def nursery():
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    with Nursery() as nursery:
        yield nursery


def ask(*words):
    """Run a command; an error that is not ours fails the test."""
    return CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)


def told(done, code):
    assert done.code == code, done.err
    assert "Traceback" not in done.err


RUN = WHOLE + 'pictures = false\nmaps = ["klasse"]\n[gebieden]\npath = "p.geojson"\n'
IN_EXAMPLE = [[239100, 552600], [239400, 552600], [239400, 552900], [239100, 552900], [239100, 552600]]


# --- half a letter ---------------------------------------------------------------------------------------------------


def test_half_a_letter_in_memory():
    plans = gpd.GeoDataFrame({"naam": ["b", "a \ud800"]}, geometry=[box(0, 0, 1, 1), box(0, 0, 1, 1)])
    with pytest.raises(GeometryError, match="gebied 2: name holds half a letter"):
        read_areas(plans, None)
    layers = wb.example(size=40, resolution=50)
    with pytest.raises(wb.WaterbodemError, match="half a letter"):
        wb.assess(layers, "woningbouw", wb.example_plans().assign(naam="\udcff"))
    assert read_areas(plans.assign(naam="\U0001f33e"), None)[0].name == "\U0001f33e"


def test_half_a_letter_beside_a_layer_is_kept(tmp_path):
    layers = wb.example(size=40, resolution=50)
    layers["kwel"].attrs["source"] = "bron \ud800"
    answer = wb.assess(layers, "woningbouw", wb.example_plans())
    answer.report(tmp_path / "r.html")
    files.save_assessment(answer, tmp_path / "uit")
    told = json.loads((tmp_path / "uit/herkomst.json").read_text("utf-8"))
    assert "bron \ud800" in [row.get("source") for row in told["lagen"]]
    again = wb.open_assessment(answer.save(tmp_path / "a.waterbodem"))
    assert again.question.layers["kwel"].attrs["source"] == "bron ?"


def test_half_a_letter_in_a_file(tmp_path):
    gebied = plan(tmp_path)
    gebied.write_text(gebied.read_text("utf-8").replace('"A"', '"a \\ud800"'), "utf-8")
    done = ask("assess", "--layers", world(tmp_path), "--functie", "woningbouw", "--gebied", gebied, "--output", "uit")
    assert done.exit_code == 1 and "half a letter" in done.stderr
    run = place(tmp_path, RUN)
    polygons(tmp_path / "p.geojson", [(IN_EXAMPLE, {"naam": "a \ud800"})])
    for command in ("check", "run"):
        done = ask(command, run)
        assert done.exit_code == 1 and "half a letter" in done.stderr


# --- folders ---------------------------------------------------------------------------------------------------------

#: Work in a folder that is gone.
ADRIFT = "import os, tempfile\nd = tempfile.mkdtemp()\nos.chdir(d)\nos.rmdir(d)\n"


def commands_with(base, out, run):
    """Return every command that reads or writes, with paths that begin at a folder."""
    layers, gebied = base / "lagen.toml", base / "plan.geojson"
    asked = ["assess", "--layers", layers, "--functie", "woningbouw", "--gebied", gebied]
    return {
        "assess": asked, "written": [*asked, "--output", out / "a"], "check": ["check", layers], "run": ["run", run],
        "check run": ["check", run], "init": ["init", out / "i"], "schema": ["schema", out / "s"],
        "demo": ["demo", "--output", out / "d"], "functies": ["functies", "--functies", base / "eigen.toml"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "command", ["assess", "written", "check", "run", "check run", "init", "schema", "demo", "functies"]
)
def test_whole_paths_work_where_the_working_folder_is_gone(tmp_path, nursery, command):
    world(tmp_path), plan(tmp_path), own_functie(tmp_path)
    (tmp_path / "r").mkdir()
    run = place(tmp_path / "r", RUN)
    polygons(tmp_path / "r/p.geojson", [(IN_EXAMPLE, {"naam": "b"})])
    told(nursery.run(*commands_with(tmp_path, tmp_path / "uit", run)[command], code=ADRIFT), 0)
    if command == "run":
        told(nursery.run("status", tmp_path / "r/uit", code=ADRIFT), 0)


@pytest.mark.parametrize(
    "command", ["assess", "written", "check", "run", "init", "schema", "demo", "status", "functies"]
)
def test_other_paths_are_refused_there_in_words(tmp_path, nursery, command):
    words = {**commands_with(Path(), Path(), "run.toml"), "status": ["status", "."]}[command]
    done = nursery.run(*words, code=ADRIFT)
    told(done, 1)
    assert re.search("gone|does not exist|no run has worked here|cannot be followed", done.err + done.out)


def test_files_of_the_user_may_lie_in_a_folder_with_a_time_in_its_name(tmp_path):
    folder = tmp_path / "plan 12:30"
    folder.mkdir()
    done = ask("assess", "--layers", world(folder), "--functie", "woningbouw", "--gebied", plan(folder))
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("path", ["s3://emmer/p.gpkg", "/vsizip/p.zip", "//host/p.gpkg", "\\\\host\\p.gpkg", "<a/>"])
def test_addresses_are_no_plans(path):
    with pytest.raises(UnsafePath):
        read_areas(path, RD)


#: Let a process, also one of the system's owner, have no more rights than the folders give.
WITHOUT_RIGHTS = """
import ctypes, struct
libc, header, held = ctypes.CDLL(None), struct.pack("Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
assert libc.capget(header, held) == 0
rights = [n & ~0b110 if i < 3 else n for i, n in enumerate(struct.unpack("6I", held.raw))]
assert libc.capset(header, struct.pack("6I", *rights)) == 0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="rights of Linux")
@pytest.mark.parametrize("closed", ["woningbouw", ".waterbodem", ".waterbodem/parts"])
@pytest.mark.parametrize("command", ["status", "run", "check", "assess"])
def test_a_folder_of_results_without_rights(tmp_path, nursery, command, closed):
    (tmp_path / "r").mkdir()
    run, out = place(tmp_path / "r", WHOLE + 'pictures = false\nmaps = ["klasse"]\n'), tmp_path / "r/uit"
    told(nursery.run("run", run), 0)
    asked = ["assess", "--layers", world(tmp_path), "--functie", "woningbouw", "--gebied", plan(tmp_path)]
    words = {"status": ["status", out], "assess": [*asked, "--output", out]}.get(command, [command, run])
    (out / closed).chmod(0)
    try:
        done = nursery.run(*words, code=WITHOUT_RIGHTS)
    finally:
        (out / closed).chmod(0o755)
    if (command, closed) == ("status", ".waterbodem/parts"):
        told(done, 0)  # what is done stands in the ledger
        return
    told(done, 1)
    assert (closed in done.err or "results of a run" in done.err) and len(done.err.splitlines()[-1]) < 300
    if command in ("run", "status"):
        told(nursery.run(command, run), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
def test_a_working_folder_with_letters_that_the_locale_does_not_know(tmp_path):
    (tmp_path / "plän").mkdir()
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "waterbodem", "demo", "--output", "uit"]
    done = subprocess.run(command, cwd=tmp_path / "plän", env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "fout: output: the folder that this works in" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not list((tmp_path / "plän").iterdir())


# --- coordinate systems and locales ----------------------------------------------------------------------------------

LOCAL = 'LOCAL_CS["bouwplaats",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'


def test_plans_in_a_system_of_their_own(tmp_path):
    plans = gpd.GeoDataFrame({"naam": ["b"]}, geometry=[box(0, 0, 40, 40)], crs=pyproj.CRS.from_wkt(LOCAL))
    with pytest.raises(GeometryError, match="cannot be brought to the CRS of the layers; got 'bouwplaats'"):
        wb.assess(wb.example(size=40, resolution=50), "woningbouw", plans)
    plans.to_file(tmp_path / "p.gpkg")
    done = ask("assess", "--layers", world(tmp_path), "--functie", "woningbouw", "--gebied", tmp_path / "p.gpkg")
    assert done.exit_code == 1 and "fout:" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
@pytest.mark.parametrize("command", ["assess", "run", "output"])
def test_letters_that_the_locale_does_not_know(tmp_path, command):
    folder = tmp_path / ("werk" if command == "output" else "plän")
    folder.mkdir()
    run = place(folder, WHOLE.replace('"uit"', '"uït"') if command == "output" else WHOLE)
    words = ["run", str(run)]
    if command == "assess":
        words = ["assess", "--layers", str(world(folder)), "--functie", "woningbouw", "--gebied", str(plan(folder))]
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-m", "waterbodem", *words], env=env, capture_output=True, timeout=120)
    said = done.stderr.decode("utf-8")
    assert done.returncode == 1 and "Traceback" not in said, said
    assert "locale" in said and "LC_ALL=C.UTF-8" in said
    assert not [p for p in folder.iterdir() if p.is_dir() and p.name != "lagen"]


# --- names at random -------------------------------------------------------------------------------------------------

PIECES = ["\x1b[2J", "\x07", "\x9b31m", "\0", "\r", "\n", "\t", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff",
          "\ud800", "\udc80", "\U000e0041", "x" * 5000, "CON", "../../x", "/", "\\", "🌾", "日本", "שלום", "=1+1",
          "<b>", "{{x}}", "%s", "", " ", "'", '"', "é", "a"]  # fmt: skip


def test_names_at_random_steer_nothing_and_break_nothing(tmp_path):
    rng = random.Random(15)
    layers, run = world(tmp_path), place(tmp_path, RUN)
    near = square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20)
    seen = set()
    for turn in range(24):
        name = "".join(rng.choices(PIECES, k=rng.randint(1, 4)))
        half = any(0xD800 <= ord(c) < 0xE000 for c in name)
        gebied = polygons(tmp_path / "p.geojson", [(near, {"naam": name})])
        out = tmp_path / "uit met \u202e" if turn % 4 == 0 else None
        words = ["assess", "--layers", layers, "--functie", "woningbouw", "--gebied", gebied, "--json"]
        done = ask(*words, *(["--output", out] if out else []))
        assert done.exit_code == int(half), (name, done.output)
        harmless(done.output)
        if not half:
            asked = json.loads(done.stdout)["table"][0]["gebied"]
            assert asked == (name if name.strip() else "1")
        polygons(tmp_path / "p.geojson", [(IN_EXAMPLE, {"naam": name})])
        for command in ("check", "run", "status") if turn % 6 == 0 else ():
            done = ask(command, run)
            assert done.exit_code in (0, 1, 3), (name, done.output)
            harmless(done.output)
        seen.add(half)
        if out:
            shutil.rmtree(out, ignore_errors=True)
    assert seen == {True, False}
    words = [p for p in PIECES if p not in ("\0", "\ud800")]  # no command line can hold these
    for word in ["".join(rng.choices(words, k=3)).strip("/") or "x" for _ in range(12)]:
        for command in ("check", "run", "status", "init"):
            harmless(ask(command, tmp_path / "geen" / word).output)
