"""Memory of a batch run: no more for a polygon over a larger raster."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from waterbodem.core import heap
from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.formats.cog.writer import write_raster

LAYERS = ("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel")
#: Rows and columns of the smaller raster: four parts, a block each. The larger has four times as many cells.
SIDE = 2048
#: Bytes that a run may keep for every cell that the larger raster has more: its tiles, sizes and overviews are on disk.
#: A cell of a polygon alone, or of what is summed over it, takes 16.
KEPT = 8

RUN = """
import sys
from waterbodem.batch import runner as batch; from waterbodem.batch import compute as parts
parts.GDAL_CACHE = (4 << 20, 4 << 20)
batch.run(sys.argv[1], workers=1)
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def prepare(folder, side):
    """A run over layers of cells that differ, and one polygon over all of them; return the run file."""
    grid, rng = Grid(200_000, 600_000, 5, 5, side, side, "EPSG:28992"), np.random.default_rng(side)
    folder.mkdir()
    text = ""
    for name in LAYERS:
        kind = registry.layer_kinds()[name]
        noise = rng.integers(0, 1000, (side // 16, side // 16)).repeat(16, 0).repeat(16, 1)
        write_raster(folder / f"{name}.tif", (noise / 1000).astype(np.float32), grid)
        text += f'[layers.{name}]\npath = "{name}.tif"\nunit = "{kind.unit}"\n'
        text += 'sign = "up"\n' if name == "kwel" else ""
    (folder / "lagen.toml").write_text(text, encoding="utf-8")
    xmin, ymin, xmax, ymax = grid.bounds
    plan = shapely.Polygon([(xmin, ymin), (xmin, ymax), (xmax, ymax - 2), (xmax - 1, ymin + 3)])
    gpd.GeoDataFrame(geometry=[plan], crs=grid.crs).to_file(folder / "plan.gpkg")
    asked = 'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\npictures = false\n'
    (folder / "run.toml").write_text(f'{asked}[gebieden]\npath = "plan.gpkg"\n', encoding="utf-8")
    return folder / "run.toml"


def peak_of(run_file):
    """Bytes in memory at most, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", RUN, str(run_file)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks the kernel for the peak")
def test_a_polygon_as_large_as_the_raster_takes_no_more_memory_on_a_larger_one(tmp_path):
    small, large = (peak_of(prepare(tmp_path / str(side), side)) for side in (SIDE, 2 * SIDE))
    assert large - small < KEPT * 3 * SIDE**2


STAYS = """
import sys
import numpy as np
{first}
def resident():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))
np.ones(1000)
before = resident()
np.ones(5_000_000)
print(resident() - before)
"""


def stays_after(first, *arguments):
    """Bytes of an array of 40 MB that stay with a process, which did something first."""
    code = STAYS.format(first=first)
    return int(subprocess.check_output([sys.executable, "-c", code, *map(str, arguments)]).split()[-1])


glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="tells glibc")


@glibc
def test_pages_of_a_large_array_stay_with_the_process():
    assert stays_after("from waterbodem.core import heap; heap.keep_pages()") > 30e6 > 10e6 > stays_after("")


#: A run as somebody's own program asks it, and as the command does.
ASKED = "from waterbodem.batch import runner as batch; batch.run(sys.argv[1])"
COMMANDED = """
from contextlib import suppress
from waterbodem.cli import main
sys.argv.insert(1, "run")
with suppress(SystemExit):
    main()
"""


@glibc
def test_only_the_process_of_the_command_keeps_pages(tmp_path):
    asked, commanded = (stays_after(f, prepare(tmp_path / str(i), 256)) for i, f in enumerate((ASKED, COMMANDED)))
    assert commanded > 30e6 > 10e6 > asked


def test_a_system_without_glibc_keeps_nothing_and_says_nothing(monkeypatch):
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda _: object())
    heap.keep_pages()
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda _: (_ for _ in ()).throw(OSError("no such library")))
    heap.keep_pages()
