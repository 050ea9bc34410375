"""Small files that say they are large: refused by name, and opening them takes no memory worth mentioning."""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine

import waterbodem as wb
from waterbodem.core.errors import CorruptLayer
from waterbodem.layers.raster import open_raster

#: Memory that opening a file may take, libraries included [bytes].
BOUND = 1_000_000_000

OPEN = """
import sys
from pathlib import Path
from waterbodem.core.errors import WaterbodemError
try:
    if sys.argv[1].endswith(".waterbodem"):
        import waterbodem
        waterbodem.open_assessment(sys.argv[1])
    else:
        from waterbodem.layers.raster import open_raster
        open_raster(Path(sys.argv[1]), Path(sys.argv[1]).name, 1, None)
    print("opened")
except WaterbodemError as error:
    print(error)
print(next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def opened(path):
    """What is said of a file, and how much memory that took."""
    done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    return "\n".join(said), int(peak)


# --- rasters ---------------------------------------------------------------------------------------------------------


def raster(path, side, **layout):
    """A raster of zeros that are stored in pieces of a kind."""
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "height": side, "width": side, "crs": "EPSG:28992"}
    place = Affine(1, 0, 200_000, 0, -1, 600_000)
    with rasterio.open(path, "w", **profile, transform=place, compress="deflate", sparse_ok=True, **layout):
        pass
    return path


@pytest.mark.parametrize(
    "layout", [{"blockysize": 20_000}, {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384}]
)
def test_a_raster_in_one_piece_of_gigabytes_is_refused_with_the_command_that_mends_it(layout, tmp_path):
    said, peak = opened(raster(tmp_path / "ghg.tif", 20_000, **layout))
    assert "MB" in said and "gdal_translate -co TILED=YES" in said and "ghg.tif" in said
    assert peak < BOUND / 4


def test_bands_that_are_stored_together_are_decoded_together(tmp_path):
    """Of which one of a few hundred kB may unfold to gigabytes, whatever band is asked."""
    path = tmp_path / "banden.tif"
    place = Affine(1, 0, 200_000, 0, -1, 600_000)
    profile = {"driver": "GTiff", "dtype": "uint8", "height": 1024, "width": 1024, "crs": "EPSG:28992"}
    layout = {"tiled": True, "blockxsize": 1024, "blockysize": 1024, "compress": "deflate", "sparse_ok": True}
    for interleave, said in (("band", "opened"), ("pixel", "300 x 1024 x 1024 cells = 315 MB")):
        with rasterio.open(path, "w", **profile, **layout, count=300, interleave=interleave, transform=place):
            pass
        assert said in opened(path)[0]


def test_a_chunk_is_as_large_as_all_its_dimensions(tmp_path):
    path = tmp_path / "kubus.nc"
    with h5py.File(path, "w") as file:
        file.create_dataset("waarde", (600, 1000, 1000), np.uint8, chunks=(600, 1000, 1000), compression="gzip")
    said, peak = opened(path)
    assert "600 x 1000 x 1000 cells = 600 MB" in said and "nccopy -c tijd/1,x/512,y/512" in said
    assert peak < BOUND


def test_an_empty_province_in_a_few_kilobytes_is_honest(tmp_path):
    path = raster(tmp_path / "leeg.tif", 60_000, tiled=True, blockxsize=512, blockysize=512)
    assert path.stat().st_size < 200_000
    assert open_raster(path, "leeg.tif", 1, None).grid.shape == (60_000, 60_000)


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Text and parts of an honest answer."""
    answer = wb.assess(wb.example(size=40, resolution=50), "woningbouw", wb.example_plans()[2:3])
    with zipfile.ZipFile(answer.save(tmp_path_factory.mktemp("a") / "a.waterbodem")) as found:
        return {n: found.read(n) for n in found.namelist()}


def packed(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in parts.items():
            out.writestr(name, data)
    return path


HEAD = b'{"formaat":"waterbodem-antwoord","versie":1,"x":['


@pytest.mark.parametrize(
    ("piece", "count", "said"),
    [
        (b"{},", 60_000_000, "larger than it says"),
        (b"{},", 30_000_000, "more than any answer"),
        (b"0,", 45_000_000, "more than any answer"),
        (b"{},", 499_000, "no answer"),
        (b'"ab",', 4_900_000, "no answer"),
    ],
)
def test_a_text_that_unfolds_is_refused_before_it_fills_the_memory(piece, count, said, tmp_path):
    path = packed(tmp_path / "a.waterbodem", {"antwoord.json": HEAD + piece * count + b"0]}"})
    assert path.stat().st_size < 1_000_000
    found, peak = opened(path)
    assert said in found and peak < BOUND


def with_variable(parts, name, **changes):
    text = json.loads(parts["antwoord.json"])
    text["question"]["layers"]["data"][name].update(changes)
    return {**parts, "antwoord.json": json.dumps(text).encode()}


def test_one_part_is_no_two_arrays(parts, tmp_path):
    text = json.loads(parts["antwoord.json"])
    nr = text["question"]["layers"]["data"]["kwel"]["nr"]
    path = packed(tmp_path / "a.waterbodem", with_variable(parts, "droogte", nr=nr))
    with pytest.raises(CorruptLayer, match="no part of its own"):
        wb.open_assessment(path)


def test_a_shape_beyond_the_grid_is_refused_before_it_is_made(parts, tmp_path):
    text = json.loads(parts["antwoord.json"])
    nr, many = text["question"]["layers"]["data"]["kwel"]["nr"], np.zeros(100_000_000, "<f4").tobytes()
    claimed = with_variable(parts, "kwel", vorm=[10_000, 10_000])
    path = packed(tmp_path / "a.waterbodem", {**claimed, f"getallen/{nr}.bin": many})
    found, peak = opened(path)
    assert "does not lie on the grid" in found and peak < BOUND / 2
