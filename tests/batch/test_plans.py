"""Plans of a run: every column of the table is that of an assessment, with boards, present use and neighbours."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

import waterbodem as wb
from waterbodem.batch import runner
from waterbodem.definitions.boards import chosen_boards
from waterbodem.formats.setting_forms import BoardForm

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
FUNCTIES = ["woningbouw", "natte_natuur", "waterberging", "drinkwaterwinning", "akkerbouw"]
BOUNDS = "waterschappen.geojson"


def run(folder, afwenteling, tile=512, workers=2, without=()):
    """The table of a run on the built-in area, lines in the order of plans and functies."""
    shutil.copytree(EXAMPLE, folder / "lagen")
    text = f'layers = "lagen/lagen.toml"\nfuncties = {FUNCTIES}\noutput = "uit"\n'
    text += f'[gebieden]\npath = "lagen/plannen.geojson"\n[afwenteling]\n{afwenteling}\n'
    (folder / "run.toml").write_text(text.replace("'", '"'), encoding="utf-8")
    drop(folder / "lagen" / "lagen.toml", without)
    assert runner.run(folder / "run.toml", tile=tile, workers=workers).complete
    return gpd.read_file(folder / "uit" / "gebieden.gpkg", layer="gebieden")


def drop(catalogue, names):
    """Take layers out of a catalogue."""
    blocks = catalogue.read_text(encoding="utf-8").split("\n[layers.")
    kept = [b for b in blocks if not b.startswith(tuple(f"{n}]" for n in names))]
    catalogue.write_text("\n[layers.".join(kept), encoding="utf-8")


def answer(without=(), **settings):
    layers = wb.open_layers(EXAMPLE).drop_vars(without)
    return wb.assess(layers, FUNCTIES, EXAMPLE / "plannen.geojson", **settings)


def same(table, b):
    """Refuse any difference in any column of both."""
    for column in (c for c in b.rows.columns if c != "geometry"):
        got, want = table[column.replace("+", "_en_")], b.rows[column]
        if want.dtype.kind == "f":
            np.testing.assert_array_equal(got.astype(float).values, want.values, err_msg=column)
        else:
            assert got.fillna("").tolist() == want.tolist(), column


@pytest.mark.parametrize(
    ("lines", "settings", "without"),
    [
        ("", {}, ()),
        (f'waterschap = "lagen/{BOUNDS}"', {"waterschap": EXAMPLE / BOUNDS}, ()),
        ('waterschap = "noorderzijlvest"', {"waterschap": "noorderzijlvest"}, ("gebruik",)),
        ('referentie = "akkerbouw"', {"referentie": "akkerbouw"}, ("natuur", "veendikte")),
        (
            'waterschap = "Vechtstromen"\naangelegde_berging_mm = 10',
            {"waterschap": "vechtstromen", "aangelegde_berging_mm": 10},
            (),
        ),
    ],
)  # fmt: skip
def test_every_column_is_that_of_an_assessment(tmp_path, lines, settings, without):
    same(run(tmp_path, lines, without=without), answer(without, **settings))


def test_parts_and_workers_change_nothing(tmp_path):
    lines = f'waterschap = "lagen/{BOUNDS}"'
    found = []
    for tile, workers in ((256, 2), (2048, 1)):
        folder = tmp_path / str(tile)
        folder.mkdir()
        run(folder, lines, tile, workers)
        found.append([(folder / "uit" / f"gebieden.{end}").read_bytes() for end in ("csv", "gpkg")])
    assert found[0] == found[1]


def test_maps_of_a_run_are_without_a_board(tmp_path):
    found = {}
    for name, lines in {"zonder": "", "met": f'waterschap = "lagen/{BOUNDS}"'}.items():
        (tmp_path / name).mkdir()
        run(tmp_path / name, lines)
        with rasterio.open(tmp_path / name / "uit" / "woningbouw" / "risico.tif") as file:
            found[name] = file.read(1)
    np.testing.assert_array_equal(found["met"], found["zonder"])


def test_a_change_of_what_lies_beside_a_plan_makes_the_table_again(tmp_path):
    before = run(tmp_path, "", workers=1)
    with rasterio.open(tmp_path / "lagen" / "gebruik.tif", "r+") as file:
        values = file.read(1)
        file.write(np.where(values == 6, 7, values).astype(values.dtype), 1)
    assert runner.run(tmp_path / "run.toml", tile=512, workers=1).complete
    after = gpd.read_file(tmp_path / "uit" / "gebieden.gpkg", layer="gebieden")
    wet = before.functie == "natte_natuur"
    assert (before[wet].kompas_niet_afwentelen != after[wet].kompas_niet_afwentelen).any()


def test_an_unknown_board_in_boundaries_ends_the_run_before_it_begins(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "lagen")
    frame = gpd.read_file(EXAMPLE / BOUNDS)
    frame["waterschap"] = ["hunze_en_aas", "Rijnland"]
    frame.to_file(tmp_path / "grenzen.gpkg")
    text = 'layers = "lagen/lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\n'
    text += '[gebieden]\npath = "lagen/plannen.geojson"\n[afwenteling]\nwaterschap = "grenzen.gpkg"\n'
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match="Rijnland.*drents_overijsselse_delta"):
        runner.run(tmp_path / "run.toml")


def test_boundaries_are_marked_by_their_names_too(tmp_path):
    """Of a shapefile geometry and names lie in files of their own."""
    marks = set()
    for board in ("hunze_en_aas", "noorderzijlvest"):
        frame = gpd.GeoDataFrame({"naam": [board]}, geometry=[box(0, 0, 9, 9)], crs="EPSG:28992")
        (tmp_path / board).mkdir()
        frame.to_file(tmp_path / board / "grenzen.shp")
        boundaries = chosen_boards("grenzen.shp", tmp_path / board)
        marks.add(str(BoardForm().mark(boundaries)))
    assert len(marks) == 2
