"""What ``check`` says of the disk, against the bytes that are there at the fullest moment of a run."""

from __future__ import annotations

import json
import sys
import threading
import time

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from waterbodem.batch import forecast, runner
from waterbodem.batch.forecast import CellRates, forecast_run
from waterbodem.batch.job import open_job
from waterbodem.core.grid import on_multiples
from waterbodem.definitions import registry
from waterbodem.formats.cog.writer import write_raster
from waterbodem.layers.fiction.landscape import PROVINCE, example_tile

#: The estimate is never less than what is needed, nor more than so many times that.
AT_MOST = 4
NAMES = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel", "maaiveld", "kwetsbaarheid")


def landscape(folder, text="", rows=512, cols=900, functies=("woningbouw",)):
    """A generated area that water runs over, so that every kind of file gets written."""
    grid = on_multiples(PROVINCE, 5.0, "EPSG:28992").part(slice(3000, 3000 + rows), slice(4000, 4000 + cols))
    tile = example_tile(grid, NAMES[:-1])
    tile["kwetsbaarheid"] = (tile["maaiveld"] % 1).astype(np.float32)
    lines = []
    for name in NAMES:
        values = np.where(np.isinf(tile[name]), np.float32(9999), tile[name])
        write_raster(folder / f"{name}.tif", values, grid)
        lines += [f"[layers.{name}]", f'path = "{name}.tif"', f'unit = "{registry.layer_kinds()[name].unit}"']
        lines += {"kwel": ['sign = "up"'], "keileemdiepte": ["absent = 9999"]}.get(name, [])
    (folder / "lagen.toml").write_text("\n".join(lines).replace('"0..1"', '"1"'), encoding="utf-8")
    run = f'layers = "lagen.toml"\nfuncties = {json.dumps(functies)}\noutput = "uit"\n{text}'
    (folder / "run.toml").write_text(run, encoding="utf-8")
    return folder / "run.toml"


def parcels(folder, side, step):
    """Polygons over all of the area, with a vertex every so many metres."""
    with rasterio.open(folder / "kwel.tif") as file:
        box, crs = file.bounds, file.crs
    xs, ys = (np.linspace(a, b, side + 1) for a, b in ((box.left, box.right), (box.bottom, box.top)))
    shapes = [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(side) for j in range(side)]
    frame = gpd.GeoDataFrame(geometry=[s.buffer(-8).segmentize(step) for s in shapes], crs=crs)
    frame.to_file(folder / "plannen.gpkg")


def size(folder):
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.stat().st_size if path.is_file() else 0
        except OSError:  # a temporary file that got its name
            continue
    return found


def fullest(path):
    """Run; return the most bytes that the output held at any moment."""
    stop, seen = threading.Event(), [0]

    def watch():
        while not stop.is_set():
            seen.append(size(path.parent / "uit"))
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert runner.run(path).complete
    finally:
        stop.set()
        watcher.join()
    return max(*seen, size(path.parent / "uit"))


PLANS = '[gebieden]\npath = "plannen.gpkg"\n'
CASES = {
    "water": ("float = true\npictures = false\n", ()),
    "pictures": ('maps = ["klasse"]\n', ()),
    "many polygons": ('maps = ["klasse"]\npictures = false\n' + PLANS, (20, 1000)),
    "large polygons": ('maps = ["klasse"]\npictures = false\n' + PLANS, (8, 0.5)),
    "receivers": ('maps = ["benedenstrooms", "ontvangst"]\npictures = false\n' + PLANS, (6, 1000)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_disk_that_check_foresees_is_that_of_the_fullest_moment(tmp_path, case):
    text, plans = CASES[case]
    path = landscape(tmp_path, text)
    if plans:
        parcels(tmp_path, *plans)
    foreseen, most = forecast_run(path)[0].disk, forecast.largest_disk_bytes(open_job(path))
    used = fullest(path)
    assert used <= foreseen <= AT_MOST * used, foreseen / used
    assert foreseen <= most


def test_the_time_that_check_foresees_counts_pictures_and_who_receives_it(tmp_path, monkeypatch):
    """They decide for a small run; its cells are taken to cost nothing here."""
    monkeypatch.setattr(
        sys.modules[forecast_run.__module__], "measure_sample", lambda job: CellRates(1000, 0.0, 1000, 1, 1000)
    )

    def seconds(text):
        path = landscape(tmp_path, text + PLANS, rows=300, cols=300)
        parcels(tmp_path, 10, 1000)
        return forecast_run(path)[0].seconds

    bare = seconds('maps = ["klasse"]\npictures = false\n')
    assert seconds('maps = ["klasse"]\n') > bare + 0.05, "a tenth of a second a picture"
    assert seconds('maps = ["klasse", "ontvangst"]\npictures = false\n') > bare + 0.2, "3 ms a plan"


def test_parts_of_an_earlier_content_make_no_room(tmp_path):
    path = landscape(tmp_path, 'maps = ["klasse"]\n', rows=300, cols=300)
    runner.run(path)
    done = forecast.disk_bytes_present(open_job(path))
    parts = size(tmp_path / "uit/.waterbodem/parts")
    path.write_text(path.read_text(encoding="utf-8") + "[parameters.woningbouw]\nverhardingsgraad = 0.7\n")
    assert forecast.disk_bytes_present(open_job(path)) == done - parts
