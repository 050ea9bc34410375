"""Output paths: what is no path of this machine is refused at every door, before any work; odd names of it are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.assessment.test_cli import plan, world
from tests.batch.test_runner import WHOLE, place
from tests.support.layer_files import RD
from waterbodem.answers import archive
from waterbodem.assessment import comparison, from_files
from waterbodem.assessment.files import save_assessment
from waterbodem.cli import cli
from waterbodem.core.destination import destination, refusal
from waterbodem.core.errors import UnsafePath
from waterbodem.formats.cog.writer import write_raster
from waterbodem.receivers.flow_store import flow_of
from waterbodem.views.report import page as report

REMOTE = ["s3://emmer/uit", "https://host.invalid/uit", "file:///uit", "gs:uit", " s3://emmer", "/vsis3/emmer/uit",
          "//vsimem/uit", "\\vsimem\\uit", "NETCDF:uit", "S3:uit"]  # fmt: skip
BROKEN = ["uit\n", "u\0it", "u\x1b[31mit", "u\x9bit", "u\ud800it", "n" * 256, "é" * 128, "/".join(["map"] * 1100), ""]
LOCAL = ["uit", "plan 12:30", "a:b", "12:30", "C:\\plannen\\uit", "\\\\server\\deel\\uit", "//server/deel/uit",
         "/data/s3:/uit", "map/s3:/uit", "visie", "/data/vsis3/uit", "日本", "é" * 127, "n" * 255]  # fmt: skip


@pytest.mark.parametrize("path", REMOTE + BROKEN)
def test_no_path_of_this_machine(path):
    with pytest.raises(UnsafePath, match="^output: "):
        destination(path, "output")


@pytest.mark.parametrize("path", ["s3://emmer/uit", "https://host.invalid/uit", "/vsis3/uit"])
def test_a_path_object_hides_no_address(path):
    with pytest.raises(UnsafePath, match="network or virtual"):
        destination(Path(path))


@pytest.mark.parametrize("path", LOCAL)
def test_every_path_of_this_machine(path):
    assert refusal(path) == ""
    assert destination(path) == Path(path)


@pytest.mark.parametrize("path", [None, 3, b"uit", ["uit"]])
def test_what_is_no_path(path):
    with pytest.raises(UnsafePath, match="not a path"):
        destination(path)


# --- the doors in Python ---------------------------------------------------------------------------------------------


def never(*given, **more):
    raise AssertionError("work before the path was looked at")


@pytest.fixture(scope="module")
def answer():
    return wb.assess(wb.example(size=60, resolution=40), "woningbouw", wb.example_plans())


@pytest.fixture(scope="module")
def others(answer):
    layers = wb.example(size=60, resolution=40)
    return wb.compare(layers, ["woningbouw", "natte_natuur"], wb.example_plans()), wb.difference(answer, answer)


DOORS = {
    "report": lambda b, two, path: b.report(path),
    "save": lambda b, two, path: b.save(path),
    "to_csv": lambda b, two, path: b.to_csv(path),
    "compare": lambda b, two, path: two[0].report(path),
    "difference": lambda b, two, path: two[1].report(path),
    "write_zarr": lambda b, two, path: wb.write_zarr("no run", path),
    "write_raster": lambda b, two, path: write_raster(path, b.cells.klasse.values, b.question.grid),
}


@pytest.mark.parametrize("path", ["s3://emmer/uit.html", "/vsimem/uit.html", "uit\n.html", "n" * 256])
@pytest.mark.parametrize("door", DOORS)
def test_python_refuses_before_any_work(answer, others, tmp_path, monkeypatch, door, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "report_html", never)
    monkeypatch.setattr(comparison, "render", never)
    monkeypatch.setattr(archive, "Packer", lambda: None)
    with pytest.raises(UnsafePath):
        DOORS[door](answer, others, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["~", "~/uit.html", "~jan/uit.html"])
@pytest.mark.parametrize("door", DOORS)
def test_nothing_fills_in_a_home(answer, others, tmp_path, monkeypatch, door, path):
    """Else a folder that is called ~ would be made here."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePath, match="'~' is not filled in here"):
        DOORS[door](answer, others, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("demo", "--output"), ("schema",), ("init",)])
def test_a_variable_that_is_not_set_is_no_folder(tmp_path, monkeypatch, words):
    """Else results would lie about in the folder that this works in."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [*words, ""])
    assert done.exit_code == 2 and "leeg" in done.stderr, done.output
    assert not list(tmp_path.iterdir())


def test_an_answer_goes_to_no_folder_without_a_name(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePath, match="path is empty"):
        save_assessment(answer, "")
    assert not list(tmp_path.iterdir())


def test_a_map_is_not_saved_elsewhere(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = answer.explore()
    with pytest.raises(UnsafePath):
        page.save("s3://emmer/kaart.html")
    assert not list(tmp_path.iterdir())
    assert page.save("kaart 12:30.html").is_file()


def test_directions_are_not_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafePath, match="bewaar"):
        flow_of(wb.example(size=40, resolution=50), "s3://emmer/stroming")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name", ["plan 12:30.html", "a:b.html", "n" * 250 + ".html", "日" * 83 + ".html", "x." + "n" * 253]
)
def test_odd_names_of_this_machine_are_written(answer, tmp_path, name):
    assert answer.to_csv(tmp_path / name).is_file()
    assert [p.name for p in tmp_path.iterdir()] == [name]


# --- the doors of the command line -----------------------------------------------------------------------------------


def ask(*words):
    return CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)


def command(name, folder, output):
    """Return the words of a command that writes to an output."""
    if name == "assess":
        layers, gebied = world(folder), plan(folder, crs=RD)
        return ["assess", "--layers", layers, "--functie", "woningbouw", "--gebied", gebied, "--output", output]
    if name in ("run", "check"):
        escaped = output.encode("unicode_escape").decode() if "\n" in output else output
        return [name, place(folder, WHOLE.replace('"uit"', f'"{escaped}"'))]
    return ["demo", "--output", output] if name == "demo" else [name, output]


@pytest.mark.parametrize("output", ["s3://emmer/uit", "gs:uit", "/vsimem/uit", "file:///uit", "uit\n", "n" * 256])
@pytest.mark.parametrize("name", ["assess", "run", "check", "demo", "init", "schema"])
def test_commands_refuse_before_any_work(tmp_path, monkeypatch, name, output):
    (tmp_path / "werk").mkdir()
    monkeypatch.chdir(tmp_path / "werk")
    monkeypatch.setattr(from_files, "assess_files", never)
    monkeypatch.setattr(from_files, "demo_assessment", never)
    monkeypatch.setattr("waterbodem.batch.runner._make_parts", never)
    (tmp_path / "in").mkdir()
    done = ask(*command(name, tmp_path / "in", output))
    assert done.exit_code == 1, done.output
    assert "path" in done.stderr and len(done.stderr) < 700
    assert not list((tmp_path / "werk").iterdir())
    assert not [p for p in (tmp_path / "in").iterdir() if p.is_dir() and p.name != "lagen"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["assess", "run"])
def test_a_folder_with_a_time_in_its_name(tmp_path, name):
    done = ask(*command(name, tmp_path, str(tmp_path / "plan 12:30")))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "plan 12:30" / "woningbouw" / "klasse.tif").is_file()
