"""The check of a catalogue: every problem, a row per layer, the cost beforehand."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from tests.support import grids
from tests.support.layer_files import LEFT, TOP, catalogue, layer, polygons, raster, square
from waterbodem.core.grid import Grid
from waterbodem.layers import audit
from waterbodem.layers.audit import check_catalogue

SHARED = grids.SHARED / "data"


def test_rows_and_cost(tmp_path):
    values = np.int16([[1, 2, -99, 4]] * 3)
    file = raster(tmp_path / "d.tif", values, nodata=-99)
    raster(tmp_path / "w.tif", np.float32([[0.5, 0.25]]), cell=30)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    text = layer("droogte", "d.tif", "%", sha256=f'"{digest}"', source='"X"', vintage=2020)
    found = check_catalogue(catalogue(tmp_path, text + layer("wateroverlast", "w.tif", "m")))
    dry, wet = found.rows
    assert found.ok and (dry.low, dry.high, dry.known_share, dry.cell_m) == (1, 4, 0.75, 10)
    assert (dry.sha256_ok, wet.sha256_ok, dry.crs) == (True, None, "EPSG:28992")
    assert (dry.resampling, wet.resampling) == ("", "bilinear from 30 m EPSG:28992")
    # union of 40 x 30 m and 60 x 30 m in cells of 10 m; 12 cells of 2 bytes and 2 of 4
    assert (found.cost.rows, found.cost.cols, found.cost.cells) == (3, 6, 18)
    assert found.cost.bytes_read == 12 * 2 + 2 * 4
    assert found.cost.bytes_memory > 18 * 2 * 4 and found.cost.seconds > 0
    assert any("wateroverlast: bron of jaar" in w for w in found.warnings)
    assert not any("droogte: bron" in w for w in found.warnings)


def test_what_a_table_tells_is_shown(tmp_path):
    raster(tmp_path / "d.tif", np.float32([[1, 2]]))
    keys = {"korrel_m": 250, "afwijking": '"mm in plaats van %"', "licence": '"CC0"', "attribution": '"CAS"'}
    text = layer("droogte", "d.tif", "%", **keys)
    text += layer("droogte@2050Hd", "d.tif", "%", horizon=2050, bron_scenario='"KNMI 23"')
    text += layer("droogte@T1000", "d.tif", "%", stresstest='"140 mm in 2 uur"')
    text += layer("droogte@2050hoog", "d.tif", "%", horizon=2050)
    text += layer("wateroverlast@2050hoog", "d.tif", "m", horizon=2085, bron_scenario='"WH"')
    found = check_catalogue(catalogue(tmp_path, text))
    now, dry, test, *_ = found.rows
    assert (now.korrel_m, now.afwijking, now.licence, now.attribution) == (250, "mm in plaats van %", "CC0", "CAS")
    assert (now.scenario, dry.scenario, test.scenario) == ("", "2050, KNMI 23", "stresstest (140 mm in 2 uur)")
    shown = found.to_text()
    for words in ("gegevens van 250 m", "mm in plaats van %", "CC0", "CAS", "2050, KNMI 23", "stresstest (140 mm"):
        assert words in shown
    assert "geen horizon" not in shown
    unsaid = [w for w in found.warnings if "bron_scenario" in w]
    assert len(unsaid) == 1 and unsaid[0].startswith("droogte@2050hoog") and "2050Hd" in unsaid[0]
    assert [w for w in found.warnings if "2050, 2085" in w and w.startswith("2050hoog")]


def test_every_problem_at_once(tmp_path):
    raster(tmp_path / "d.tif", np.float32([[900, 1]]))
    (tmp_path / "h.tif").write_text("<html>")
    text = (
        layer("droogte", "d.tif", "%")
        + layer("wateroverlast", "h.tif", "m")
        + layer("kwel", "d.tif", "mm/d")
        + layer("veendikte", "d.tif", "m", classes="{ 1 = 1 }")
    )
    found = check_catalogue(catalogue(tmp_path, text))
    message = "\n".join(str(p) for p in found.problems)
    assert not found.ok and len(found.problems) == 4
    for hint in ("900 .. 900", "HTML", "sign is mandatory", "900 (1 cells)"):
        assert hint in message and hint in found.to_text()
    assert "4 fout(en)" in found.to_text()


def test_no_toml_and_no_file_are_problems_too(tmp_path):
    assert len(check_catalogue(catalogue(tmp_path, "title =")).problems) == 1
    assert not check_catalogue(tmp_path / "absent.toml").ok


def test_to_dict_is_plain_json(tmp_path):
    raster(tmp_path / "d.tif", np.full((2, 2), np.nan, np.float32))
    polygons(tmp_path / "p.geojson", [(square(LEFT, TOP - 20, LEFT + 20, TOP), {})])
    text = layer("droogte", "d.tif", "%") + layer("beekdal", "p.geojson", "1", value=1)
    found = check_catalogue(catalogue(tmp_path, text))
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["ok"] and [r["low"] for r in data["layers"]] == [None, 1]
    assert any("geen enkele bekende waarde" in w for w in data["warnings"])
    assert "In orde." in found.to_text() and "vlakken" in found.to_text()


@pytest.mark.parametrize("rows, cols", [(2000, 2000), (2001, 2000), (7, 900_000), (200_000, 200_000)])
def test_samples_lie_inside_and_reach_all_edges(rows, cols):
    grid = Grid(0, 0, 1, 1, rows, cols)
    blocks = list(audit.windows(grid))
    assert all(b.within(grid) == b and not b.is_empty for b in blocks)
    assert min(b.row for b in blocks) == min(b.col for b in blocks) == 0
    assert max(b.row + b.rows for b in blocks) == rows and max(b.col + b.cols for b in blocks) == cols
    assert sum(b.rows * b.cols for b in blocks) <= 4_000_000


def test_a_large_raster_is_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "WHOLE", 100)
    monkeypatch.setattr(audit, "SAMPLE_SIDE", 4)
    values = np.full((40, 40), 5, np.float32)
    values[0, 0], values[39, 39], values[30, 5] = 1, 9, np.nan
    raster(tmp_path / "d.tif", values)
    found = check_catalogue(catalogue(tmp_path, layer("droogte", "d.tif", "%")))
    assert found.rows[0].sampled and (found.rows[0].low, found.rows[0].high) == (1, 9)
    assert "steekproef" in found.to_text()


def test_outside_rd_is_said(tmp_path):
    raster(tmp_path / "d.tif", np.zeros((2, 2), np.float32), left=0, top=20)
    found = check_catalogue(catalogue(tmp_path, layer("droogte", "d.tif", "%")))
    assert found.ok and any("RD" in w for w in found.warnings)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data")
@pytest.mark.parametrize("name", ["zwarte_beek", "drenthe", "ahn_zeeuws_vlaanderen"])
def test_shared_catalogues_are_in_order(name):
    found = check_catalogue(SHARED / name)
    assert found.ok and all(row.sha256_ok for row in found.rows)
