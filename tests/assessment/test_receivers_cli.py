"""Who receives it on the command line: asked with a file, told in text, JSON and files; directions are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

pytest.importorskip("pyflwdir")

import waterbodem as wb
from waterbodem.cli import cli
from waterbodem.receivers import flow

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "data")
    return tmp_path / "data"


def assess(folder, *more, functie="woningbouw"):
    asked = ["--layers", folder / "lagen.toml", "--functie", functie, "--gebied", folder / "plannen.geojson"]
    return CliRunner().invoke(cli, ["assess", *(str(a) for a in (*asked, *more))], catch_exceptions=False)


def test_the_land_around_counts_though_only_the_plans_are_read(folder):
    """The command reads the block of the plans; water runs on over the whole catalogue all the same."""
    done = assess(folder, "--ontvangers", folder / "beekdal.geojson", "--json")
    found = pd.DataFrame(json.loads(done.stdout)["grootboek"])
    layers = wb.open_layers(folder)
    whole = wb.assess(layers, "woningbouw", folder / "plannen.geojson", ontvangers=folder / "beekdal.geojson").grootboek
    assert found.m3.tolist() == pytest.approx(whole.m3.tolist(), rel=1e-12)
    assert found.ontvanger.tolist() == whole.ontvanger.tolist()


def test_told_as_text_only_where_it_was_asked(folder):
    assert "Grootboek" not in assess(folder).stdout
    done = assess(folder, "--ontvangers", folder / "beekdal.geojson")
    assert "Grootboek van afwenteling" in done.stdout
    assert "buiten de gegevens" in done.stdout
    assert done.exit_code == 0


def test_settings_reach_the_files_and_the_command_that_makes_them_again(folder, tmp_path):
    options = ["--demping-m", "1500", "--reikwijdte", "150", "--onttrekking", "500000", "265", "2500"]
    done = assess(folder, *options, "--output", tmp_path / "uit", functie="drinkwaterwinning")
    assert done.exit_code == 0
    herkomst = json.loads((tmp_path / "uit" / "herkomst.json").read_text(encoding="utf-8"))
    assert herkomst["ontvangst"]["demping_m"] == 1500
    assert herkomst["ontvangst"]["reikwijdte"] == 150
    assert herkomst["ontvangst"]["sluit"] == {"drinkwaterwinning": True}
    assert "--demping-m 1500 --reikwijdte 150 --onttrekking 500000 265 2500" in herkomst["opdracht"]
    assert "grootboek.csv" in herkomst["uitvoer"]
    assert "drinkwaterwinning/grondwater.tif" in herkomst["uitvoer"]


def test_directions_are_kept_beside_the_data(folder, monkeypatch):
    first = assess(folder, "--ontvangers", folder / "beekdal.geojson")
    assert len(list((folder / ".waterbodem").glob("stroomrichting_*.tif"))) == 1

    def fill(*_):
        raise AssertionError("directions were found anew")

    monkeypatch.setattr(flow, "_fill", fill)
    assert assess(folder, "--ontvangers", folder / "beekdal.geojson").stdout == first.stdout


@pytest.mark.parametrize("wrong", [("--demping-m", "-5"), ("--reikwijdte", "ver"), ("--onttrekking", "-1", "1", "1")])
def test_wrong_settings_are_one_message(folder, wrong):
    done = assess(folder, *wrong)
    assert done.exit_code == 1
    assert "fout:" in done.stderr
