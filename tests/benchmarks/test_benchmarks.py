"""The benchmark's competitors give waterbodem's answer: a comparison of speed with another answer is worth nothing."""

from __future__ import annotations

import datetime
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

import waterbodem as wb

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import batch
import floor
import landelijk
import peer_check
import peer_rules
import peer_watch
import peers
import record

ROWS, COLS = 560, 600  # more than one tile each way, the last ones cut off
THREADS = 2
IDS = ["woningbouw", "natte_natuur", "bedrijventerrein"]  # thresholds, a group, a weight below the cap
RANGES = {
    "zettingsgevoeligheid": (0.0, 0.6, [0.1, 0.5]),
    "wateroverlast": (0.0, 0.6, [0.15, 0.5]),
    "droogte": (0.0, 45.0, [10.0, 20.0]),
    "keileemdiepte": (0.0, 6.0, [2.0000043, 9999.0]),  # a group that is known by less than the margin
    "kwel": (-3.5, 3.5, [0.5, 2.0]),
}


def values(rng, low, high, special):
    """Random cells; one in ten unknown, one in ten on a point of the curve or a threshold, or absent."""
    cells = rng.uniform(low, high, (ROWS, COLS)).astype(np.float32)
    kind = rng.integers(0, 20, cells.shape)
    cells[kind < 2] = np.nan
    for number, value in enumerate(special):
        cells[kind == 2 + number] = value
    return cells


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Layers, rules and a finished run of waterbodem."""
    place = tmp_path_factory.mktemp("peers")
    rng = np.random.default_rng(3)
    how = {"driver": "GTiff", "height": ROWS, "width": COLS, "count": 1, "dtype": "float32", "nodata": np.nan}
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "ZSTD"}
    where = {"crs": "EPSG:28992", "transform": Affine(5, 0, 230000, 0, -5, 560000)}
    for name, (low, high, special) in RANGES.items():
        with rasterio.open(place / f"{name}.tif", "w", **how, **tiles, **where) as file:
            file.write(values(rng, low, high, special), 1)
    batch.write_catalogue(place)
    peers.write_rules(place, IDS)
    peers.run_own(place, THREADS)
    return place


@pytest.fixture(scope="module")
def rules(folder):
    return peer_rules.load(folder)


@pytest.mark.parametrize("tool", peers.TOOLS, ids=lambda t: t.script)
def test_every_competitor_gives_the_answer_of_waterbodem(tool, folder, rules, tmp_path):
    if not tool.present() and not os.environ.get("CI"):
        pytest.skip(f"{tool.name} is not installed")
    seconds, peak = peers.run_tool(tool, folder, tmp_path / "out", THREADS)
    assert seconds > 0 and 0.02 < peak < 4
    found = peer_check.agreement(folder, tmp_path / "out", folder / peers.OWN, rules)
    assert found.wrong == 0
    assert found.equal > 0.999
    written = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert written == sorted(f"{name}.tif" for name in peer_rules.names(rules))


def test_the_layers_reach_every_rule(folder, rules):
    """What all agree on says little where all is one class; a functie with a ceiling has none that is better."""
    for functie in rules:
        name = f"{functie['id']}/klasse"
        counts = np.bincount(floor.finished(folder / peers.OWN, [name])[name].ravel(), minlength=6)
        assert counts[[0, *range(functie["ceiling"], 6)]].min() > 200
        assert counts[1 : functie["ceiling"]].sum() == 0
    assert {functie["ceiling"] for functie in rules} == {1, 3}


def test_the_floor_writes_what_it_is_given(folder, tmp_path):
    rng = np.random.default_rng(5)
    given = {f"a/{n}": rng.integers(0, 256, (ROWS, COLS), np.uint8) for n in ("klasse", "risico")}
    seconds = floor.write_floor(peer_rules.files(folder), given, tmp_path / "out", THREADS)
    assert seconds > 0
    for name, array in floor.finished(tmp_path / "out", list(given)).items():
        np.testing.assert_array_equal(array, given[name])
    same = ("crs", "transform", "nodata", "dtype", "blockxsize", "blockysize", "compress")
    finals = (tmp_path / "out/a/klasse.tif", folder / peers.OWN / "woningbouw/klasse.tif")
    with rasterio.open(finals[0]) as mine, rasterio.open(finals[1]) as own:
        assert [mine.profile[k] for k in same] == [own.profile[k] for k in same]
        assert mine.overviews(1) == own.overviews(1)
        assert mine.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == own.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert not list((tmp_path / "out").rglob("*.plain*"))


@pytest.mark.parametrize("name, change, expected", [
    ("klasse", lambda a: np.where(a == 3, 4, a), "many"),
    ("geschiktheid", lambda a: np.where(a < 100, a + 1, a), 0),
    ("geschiktheid", lambda a: np.where(a < 99, a + 2, a), "many"),
    ("geschiktheid", lambda a: np.where(a == 60, 255, a), "many"),
    ("bepalend", lambda a: np.where(a == 0, 1, a), "many"),
    ("dekking", lambda a: np.full_like(a, 100), "many"),
])  # fmt: skip
def test_a_wrong_answer_is_seen(name, change, expected, folder, rules):
    functie = rules[0]
    layers = {p.stem: peer_check.read(p, ((0, ROWS), (0, COLS))) for p in peer_rules.files(folder)}
    right = floor.finished(folder / peers.OWN / "woningbouw", [name])[name]
    assert peer_check.wrong(layers, functie, name, right, right) == (0, 0)
    differ, faults = peer_check.wrong(layers, functie, name, change(right).astype(np.uint8), right)
    assert differ > 500
    assert faults == 0 if expected == 0 else faults > 500


def test_the_simulation_of_the_country_is_fed_with_what_parts_cost_here(folder):
    found = landelijk.costs(folder, IDS[:1], task=0.0, parts=2)
    layers = sum((folder / f"{name}.tif").stat().st_size for name in RANGES)
    assert found.read == pytest.approx(layers / (ROWS * COLS))
    assert min(found.part, found.empty, found.maps, found.hashed) > 0
    assert 0 < found.final < 6 * 2, "six maps of a byte a cell, with overviews"


def test_a_failing_tool_is_not_a_fast_one():
    with pytest.raises(RuntimeError, match="exit 3\nbroken"):
        peer_watch.watched([sys.executable, "-c", "print('broken'); raise SystemExit(3)"])


def test_memory_counts_children_too():
    child = "import time; a = bytearray(150_000_000); time.sleep(0.6)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    _, peak = peer_watch.watched([sys.executable, "-c", code])
    assert 0.15 < peak < 0.4


def test_rules_are_plain_for_every_functie():
    for functie in wb.functies().values():
        rules = peers.plain_rules(functie)
        assert sum(c["weight"] for c in rules["criteria"]) == pytest.approx(1)
        assert {m["layer"] for c in rules["criteria"] for m in c["members"]} == set(peer_rules.LAYERS)


# --- figures in the README of the benchmarks -------------------------------------------------------------------------


def test_a_section_takes_the_place_of_the_one_before_and_touches_no_other():
    text = "# Head\n\n<!-- a.py -->\nold\n<!-- end of a.py -->\n\n<!-- b.py -->\nkept\n<!-- end of b.py -->\n"
    found = record.with_section(text, "a.py", "new\n")
    assert found == text.replace("old", "\nnew\n")
    assert record.with_section(found, "a.py", "new\n") == found


def test_a_benchmark_without_a_section_gets_one_at_the_end():
    found = record.with_section("# Head\n", "c.py", "new\n")
    assert found == "# Head\n\n## c.py\n\n<!-- c.py -->\n\nnew\n\n<!-- end of c.py -->\n"


def test_every_section_of_the_readme_is_of_a_benchmark_that_is_there():
    text = record.README.read_text("utf-8")
    names = re.findall(r"^<!-- (\w+\.py) -->$", text, re.MULTILINE)
    assert "in_memory.py" in names and all((record.HERE / name).is_file() for name in names)
    assert [text.count(f"<!-- end of {name} -->") for name in names] == [1] * len(names)


def test_what_a_benchmark_prints_stands_in_the_readme_with_processor_and_date(tmp_path, monkeypatch):
    (tmp_path / "one.py").write_text("import sys\nprint('| --- |' if sys.argv[1:] else 'plain')\n")
    (tmp_path / "README.md").write_text("# Head\n")
    monkeypatch.setattr(record, "HERE", tmp_path)
    monkeypatch.setattr(record, "README", tmp_path / "README.md")
    monkeypatch.setattr(sys, "argv", ["record.py", "one.py"])
    record.main()
    text = record.README.read_text("utf-8")
    assert "```text\nplain\n```" in text
    assert record.processor() in text and f"{datetime.date.today():%Y-%m-%d}" in text


def test_a_benchmark_that_fails_leaves_the_readme(tmp_path, monkeypatch):
    (tmp_path / "one.py").write_text("import sys\nprint('half')\nsys.exit(4)\n")
    monkeypatch.setattr(record, "HERE", tmp_path)
    monkeypatch.setattr(record, "README", tmp_path / "README.md")
    monkeypatch.setattr(sys, "argv", ["record.py", "one.py"])
    with pytest.raises(SystemExit, match="4"):
        record.main()
    assert not record.README.exists()
