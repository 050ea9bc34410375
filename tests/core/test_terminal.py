"""What reaches a terminal: no name, title or path steers it, and what cannot be shown is told in a sentence."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.assessment.test_cli import EXAMPLE, LEFT, TOP, own_functie, plan, world
from tests.batch.test_runner import WHOLE, place
from tests.support.layer_files import layer, polygons, square
from tests.support.worker import Nursery
from waterbodem.assessment import files
from waterbodem.batch import picture
from waterbodem.cli import cli
from waterbodem.core.errors import ArgumentError, Problems
from waterbodem.core.terminal import Screen, lines_of, one_line, visible

ROOT = Path(wb.__file__).parent

#: A colour, a bell, a clear screen in one byte, a line turned around, an isolate, a mark, an end of a line.
HOSTILE = "a\x1b[31m\x07\x9b2J\u202eb\u2066\u200fc\u2028d"
#: Marks of direction; their category (Cf) holds joiners of letters too, which do no harm.
BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(files, "report_html", lambda assessment: "<!doctype html>")
    monkeypatch.setattr(picture, "picture_png", lambda *_: b"picture")


def steers(letter):
    kind = unicodedata.category(letter)
    return (
        kind in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(letter) in BIDI or letter in "\u200e\u200f\u061c"
    )


def harmless(text, ends="\n"):
    found = sorted({hex(ord(c)) for c in text if steers(c) and c not in ends})
    assert not found, (found, text)
    return text


def ask(*words):
    """Run a command off a terminal; return it when nothing that it said steers one."""
    done = CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)
    harmless(done.stdout)
    harmless(done.stderr)
    return done


def toml(text):
    return json.dumps(text)


# --- letters ---------------------------------------------------------------------------------------------------------


def test_every_letter_that_steers_is_spelled_out_and_others_are_not():
    for number in range(0x110000):
        letter = chr(number)
        shown = visible(letter)
        if steers(letter) and letter != "\n":
            assert json.loads(f'"{shown}"') == letter
            assert shown.isascii()
    for text in ("Plan Es", "Één\n", "日本 שלום", "a\u200db", "\U0001f469\u200d\U0001f33e", "m²\u00a0·\u00ad"):
        assert visible(text) == text


def test_what_is_within_a_line_has_no_second_one():
    assert one_line("a\r\nb\x85") == r"a\u000d\u000ab\u0085"
    found = lines_of(Problems([ArgumentError("x\n  - y"), ArgumentError("z")], where="a\nb"))
    assert found.splitlines() == [r"a\u000ab: 2 problem(s)", r"  - x\u000a  - y", "  - z"]
    assert lines_of(ArgumentError("x", where="a\nfout: b")) == r"a\u000afout: b: x"


# --- one door --------------------------------------------------------------------------------------------------------


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


AROUND = ("print", "os.write", "sys.__stdout__", "sys.__stderr__", "sys.displayhook", "click.secho", "click.style")


def test_nothing_is_printed_around_the_door():
    for path in ROOT.rglob("*.py"):
        found = set(calls(ast.parse(path.read_text(encoding="utf-8"))))
        around = {c for c in found if c in AROUND or c.startswith(("sys.stdout.", "sys.stderr.", "sys.stdin."))}
        assert around <= {"sys.stderr.isatty"}, (path.name, around)
        if path.name != "cli.py":
            assert not any(c.startswith("click.") for c in found), path.name


def test_there_is_no_way_around_by_bytes(tmp_path):
    with (tmp_path / "a").open("w", encoding="utf-8") as file:
        screen = Screen(file)
        assert screen.encoding == "utf-8" and not hasattr(screen, "buffer")
        with pytest.raises(TypeError):
            screen.write(b"\x1b")


def test_the_door_is_there_before_any_command():
    main = next(
        n for n in ast.parse((ROOT / "cli.py").read_text("utf-8")).body if getattr(n, "name", "") == "main"
    )  # fmt: skip
    *_, door, command = map(ast.unparse, main.body)
    assert (door, command) == ("shown()", "cli(prog_name='waterbodem')")


# --- hostile names off a terminal ------------------------------------------------------------------------------------


def hostile_world(folder):
    """Return a lagen.toml in which every text of its author is hostile."""
    path = world(folder)
    text = path.read_text(encoding="utf-8").replace("[layers", f"title = {toml(HOSTILE)}\n[layers", 1)
    path.write_text(text + f"source = {toml(HOSTILE)}\nvintage = {toml(HOSTILE)}\n", encoding="utf-8")
    return path


def test_check_shows_titles_and_sources_that_do_no_harm(tmp_path):
    done = ask("check", hostile_world(tmp_path))
    assert done.exit_code == 0
    assert done.stdout.count(r"a\u001b[31m\u0007\u009b2J\u202eb\u2066\u200fc\u2028d") == 3
    told = json.loads(ask("check", hostile_world(tmp_path), "--json").stdout)
    assert told["title"] == HOSTILE
    assert HOSTILE in [row["source"] for row in told["layers"]]


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_check_shows_wrong_layers_that_do_no_harm(tmp_path, json_):
    (tmp_path / "f\x9b\u202e.tif").write_bytes((EXAMPLE / "kwel.tif").read_bytes())
    extra = f"[layers.{toml(HOSTILE)}]\npath = {toml(HOSTILE)}\nunit = {toml(HOSTILE)}\n"
    extra += layer("ghg", r"f\u009b\u202e.tif", r"\u001b[31m", sign=r'"down"')
    done = ask("check", world(tmp_path, extra=extra), *json_)
    assert done.exit_code == 1
    assert r"\u001b[31m" in done.stdout or r"\x1b[31m" in done.stdout


def hostile_functie(source):
    name = toml(HOSTILE + "\nx")
    source = re.sub(r"(?m)^(naam|name|omschrijving) = .*$", lambda found: f"{found[1]} = {name}", source)
    return source.replace('expertoordeel = "geheel"', f'expertoordeel = "geheel"\ntoelichting = {toml(HOSTILE)}', 1)


def test_functies_of_somebody_else_do_no_harm(tmp_path):
    own = own_functie(tmp_path, hostile_functie)
    listed, one = ask("functies", "--functies", own), ask("functies", "speelbos", "--functies", own)
    assert listed.exit_code == one.exit_code == 0
    assert sum(r"\u001b[31m" in line for line in listed.stdout.splitlines()) == 1
    assert one.stdout.count(r"\u001b[31m") == 3  # name, description, remark
    assert len(listed.stdout.splitlines()) == len(wb.functies()) + 2


@pytest.mark.parametrize(
    "words",
    [
        ["check", f"lagen{HOSTILE}"], ["status", f"uit{HOSTILE}"], ["run", f"r{HOSTILE}\n.toml"], ["functies", HOSTILE],
        ["functies", "--functies", HOSTILE], ["init", HOSTILE], ["schema", HOSTILE], [HOSTILE],
        ["check", f"--{HOSTILE}"],
        ["assess", "--layers", HOSTILE, "--gebied", HOSTILE, "--functie", "woningbouw"],
        ["assess", "--layers", HOSTILE, "--gebied", HOSTILE, "--functie", "woningbouw", "--set", HOSTILE],
        ["assess", "--layers", HOSTILE, "--gebied", HOSTILE, "--functie", "woningbouw", "--output", HOSTILE],
    ],
)  # fmt: skip
def test_paths_and_words_in_errors_do_no_harm(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = ask(*words)
    assert done.exit_code in (1, 2)
    assert r"\u001b[31m" in done.output or r"\x1b[31m" in done.output


def test_a_plan_in_an_error_does_no_harm(tmp_path):
    ring = [[LEFT, TOP], [LEFT, TOP], [LEFT, TOP], [LEFT, TOP]]
    good = square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20)
    gebied = polygons(tmp_path / "p.geojson", [(good, {"naam": "b"}), (ring, {"naam": f"{HOSTILE}\nfout: geen"})])
    done = ask("assess", "--layers", world(tmp_path), "--gebied", gebied, "--functie", "woningbouw")
    assert done.exit_code == 1
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("fout:")]
    assert r"\u000afout: geen" in line


def test_plans_outside_and_repaired_do_no_harm(tmp_path):
    name = f"{HOSTILE}\nniet beoordeeld: niets"
    far = square(LEFT + 5000, TOP - 60, LEFT + 5040, TOP - 20)
    near = square(LEFT + 20, TOP - 60, LEFT + 60, TOP - 20)
    gebied = polygons(tmp_path / "p.geojson", [(near, {"naam": "b"}), (far, {"naam": name})])
    words = ["assess", "--layers", world(tmp_path), "--gebied", gebied, "--functie", "woningbouw"]
    done = ask(*words)
    assert done.exit_code == 3
    assert len([t for t in (done.stderr + done.stdout).splitlines() if t.startswith("niet beoordeeld:")]) == 1
    assert json.loads(ask(*words, "--json").stdout)["outside"] == [name]


def test_a_name_from_the_right_has_no_marks_on_a_screen(tmp_path):
    part = square(LEFT + 60, TOP - 60, LEFT + 160, TOP - 20)
    gebied = polygons(tmp_path / "p.geojson", [(part, {"naam": "שכונה"})])
    done = ask("assess", "--layers", world(tmp_path), "--gebied", gebied, "--functie", "woningbouw")
    assert "שכונה" in done.stdout and "\\u2068" not in done.stdout


# --- foreign words ---------------------------------------------------------------------------------------------------


def test_warnings_of_other_libraries_are_not_shown(tmp_path, monkeypatch):
    from rasterio.errors import NotGeoreferencedWarning

    def noisy(assessment):
        warnings.warn("Glyph 26085 missing from font(s) DejaVu Sans.", UserWarning, stacklevel=1)
        warnings.warn("Dataset has no geotransform", NotGeoreferencedWarning, stacklevel=1)
        return ""

    monkeypatch.setattr(files, "report_html", noisy)
    given = ["--layers", world(tmp_path), "--gebied", plan(tmp_path), "--functie", "woningbouw"]
    done = ask("assess", *given, "--output", tmp_path / "uit")
    assert done.exit_code == 0
    assert "Glyph" not in done.stderr and "geotransform" not in done.stderr


def test_a_name_that_no_font_has_gives_no_english_line(tmp_path, monkeypatch):
    monkeypatch.undo()
    plans = wb.example_plans().iloc[:1].assign(naam="日本")
    plans.to_file(tmp_path / "p.gpkg")
    done = ask("assess", "--layers", EXAMPLE, "--gebied", tmp_path / "p.gpkg", "--functie", "woningbouw",
               "--output", tmp_path / "uit")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert all(t.startswith(("lagen", "rekenen", "schrijven")) for t in done.stderr.splitlines()), done.stderr
    assert "日本" in done.stdout


# --- a terminal, and a disk that is full -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery():
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    with Nursery() as nursery:
        yield nursery


#: Let a process have a terminal for output, and copy what it is given to the file that stood there.
TERMINAL = """
import io, os, sys, threading
kept, (mine, its) = os.dup(2), os.openpty()
def copy():
    while True:
        try:
            os.write(kept, os.read(mine, 65536))
        except OSError:
            return
threading.Thread(target=copy, daemon=True).start()
sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(os.dup(its), "w")) for _ in range(2))
import atexit, termios, time
atexit.register(lambda: (termios.tcdrain(its), time.sleep(0.2)))
"""


@pytest.mark.parametrize("command", ["assess", "json", "check", "functies", "error"])
def test_a_terminal_is_not_steered(tmp_path, nursery, command):
    name = f"{HOSTILE}\nx"
    near, far = (square(LEFT + d, TOP - 60, LEFT + d + 40, TOP - 20) for d in (20, 5000))
    gebied = polygons(tmp_path / "p.geojson", [(near, {"naam": name}), (far, {"naam": name})])
    layers = hostile_world(tmp_path)
    words = {
        "assess": ["assess", "--layers", layers, "--gebied", gebied, "--functie", "woningbouw"],
        "check": ["check", layers],
        "functies": ["functies", "--functies", own_functie(tmp_path, hostile_functie)],
        "error": ["status", f"uit{HOSTILE}"],
    }
    words["json"] = [*words["assess"], "--json"]
    done = nursery.run(*words[command], code=TERMINAL)
    assert done.code == {"assess": 3, "json": 3, "error": 1}.get(command, 0), done.err
    harmless(done.err, ends="\r\n")
    assert r"\u001b[31m" in done.err or r"\x1b[31m" in done.err or command == "assess"
    assert done.err.startswith("\nlagen controleren") == (command in ("assess", "json"))  # "\r" is read as an end


FULL = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
FULL_LINE = "what is shown cannot be written"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("command", ["assess", "functies", "run", "check", "status", "demo", "help"])
def test_standard_output_on_a_full_disk_is_told(tmp_path, nursery, command):
    run = place(tmp_path, WHOLE + "pictures = false\n")
    (tmp_path / "w").mkdir()
    layers, gebied, out = world(tmp_path / "w"), plan(tmp_path), tmp_path / "uit"
    if command == "status":
        assert nursery.run("run", run).code == 0
    words = {
        "assess": ["assess", "--layers", layers, "--gebied", gebied, "--functie", "woningbouw", "--output", out],
        "functies": ["functies"], "run": ["run", run], "check": ["check", layers], "help": ["-h"],
        "status": ["status", out, "--json"], "demo": ["demo", "--output", out],
    }  # fmt: skip
    done = nursery.run(*words[command], code=FULL)
    assert done.code == 1, done.err
    assert FULL_LINE in done.err.splitlines()[-1] and "Traceback" not in done.err
    if command in ("assess", "run", "demo"):
        written = json.loads((out / "herkomst.json").read_text(encoding="utf-8"))["uitvoer"]
        assert written and all((out / name).is_file() for name in written)


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m waterbodem functies woningbouw | head -c 20"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (len(done.stdout), done.stderr) == (20, "")
