"""One part of a batch run: rows of the grid, read once for every functie, kept as files of their own.

A part's files carry the name of their content and appear whole or not at all, so a part can be made twice, by another
thread or another machine, without harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.windows import Window

from waterbodem.atomic import replacing
from waterbodem.colours import nodata
from waterbodem.errors import CorruptLayer, OutOfSpace
from waterbodem.evaluation import Result, evaluate
from waterbodem.gathering import footing_of, gather
from waterbodem.grid import Grid
from waterbodem.job import Job, Part, Variant
from waterbodem.kernels import pack
from waterbodem.kompas import builtin_rules
from waterbodem.layerset import LayerSet, Scenario
from waterbodem.measures import chance_of
from waterbodem.tally import Tally
from waterbodem.threads import alone

Array = NDArray[Any]

#: What a part holds per functie, in the order of its bands; float files hold the shares only.
MAPS = ("geschiktheid", "klasse", "bepalend", "oorzaak", "dekking", "risico")
SHARES = ("geschiktheid", "dekking", "risico")

#: Columns that are read at once, and the side of a tile in the files of a part.
CHUNK_COLUMNS = 4096
TILE = 512
#: Megabytes that GDAL may keep of blocks.
GDAL_CACHE = 64

OPTIONS = {
    "driver": "GTiff",
    "tiled": True,
    "compress": "ZSTD",
    "zstd_level": 1,
    "interleave": "band",
    "SPARSE_OK": True,
}


def part_file(job: Job, key: str, kind: str = "tif") -> Path:
    """Return where a part's file of some kind (tif, f32.tif, npz) lies."""
    return job.work / "parts" / f"{key}.{kind}"


def make_part(job: Job, part: Part, keys: Mapping[Variant, str]) -> None:
    """Compute a part for the variants in ``keys`` and put its files in place.

    Raises
    ------
    WaterbodemError
        If a layer cannot be read, or the disk is full.
    """
    with alone(), rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE), ExitStack() as stack:
        sinks = {v: stack.enter_context(_Sink(job, part, key)) for v, key in keys.items()}
        for columns in _chunks(part.grid):
            _make_chunk(job, part, columns, sinks)


def _chunks(grid: Grid) -> list[slice]:
    return [slice(c, min(c + CHUNK_COLUMNS, grid.cols)) for c in range(0, grid.cols, CHUNK_COLUMNS)]


class _Sink:
    """Where one variant of a part goes: bytes, floats if wanted, and tallies."""

    def __init__(self, job: Job, part: Part, key: str) -> None:
        self.job, self.part, self.key = job, part, key
        self.counts = np.zeros((len(MAPS), 256), np.int64)
        self.tallies: list[Tally] = []
        self._stack = ExitStack()

    def __enter__(self) -> _Sink:
        self.bytes = self._open("tif", len(MAPS), "uint8", nodata())
        self.floats = self._open("f32.tif", len(SHARES), "float32", np.nan) if self.job.file.float_ else None
        return self

    def _open(self, kind: str, count: int, dtype: str, nothing: float) -> Any:
        temp = self._stack.enter_context(replacing(part_file(self.job, self.key, kind)))
        self._stack.callback(_read_back, temp)  # after the file is closed, before it gets its name
        rows, cols = self.part.grid.shape
        size = {"height": rows, "width": cols, "blockxsize": TILE, "blockysize": TILE}
        place = {"crs": self.part.grid.crs, "transform": self.part.grid.transform, "nodata": nothing}
        file = rasterio.open(temp, "w", count=count, dtype=dtype, **size, **place, **OPTIONS)
        return self._stack.enter_context(file)

    def write(self, columns: slice, result: Result, inside: Array) -> None:
        """Write the maps of a chunk."""
        arrays = maps_of(result)
        window = Window(columns.start, 0, columns.stop - columns.start, self.part.grid.rows)
        out = np.empty(arrays["klasse"].shape, np.uint8)
        for i, name in enumerate(MAPS):
            flat = arrays[name].reshape(-1)
            if name in SHARES:
                pack.pack_percent(flat, inside, out.reshape(-1), self.counts[i])
            else:
                pack.pack_codes(flat, inside, out.reshape(-1))
            self.bytes.write(out, i + 1, window=window)
        if self.floats is not None:
            self._write_floats(self.floats, arrays, inside, window)

    def _write_floats(self, file: Any, arrays: Mapping[str, Array], inside: Array, window: Window) -> None:
        for i, name in enumerate(SHARES):
            values = arrays[name]
            if inside.size:
                values = np.where(inside.reshape(values.shape), values, np.float32(np.nan))
            file.write(values, i + 1, window=window)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            temp = self._stack.enter_context(replacing(part_file(self.job, self.key, "npz")))
            with temp.open("wb") as file:
                np.savez(file, allow_pickle=False, counts=self.counts, **pack_tallies(self.tallies))
        self._stack.__exit__(kind, error, trace)


def _read_back(path: Path) -> None:
    """Read a closed file whole: GDAL does not say that a disk was full when it closed.

    Raises
    ------
    OutOfSpace
        If a byte of it cannot be read.
    """
    try:
        with rasterio.open(path, driver="GTiff") as file:
            for band in file.indexes:
                file.read(band)
    except (CPLE_BaseError, RasterioError) as error:
        raise OutOfSpace("part was not written whole: is the disk full?", value=str(error), where=path.name) from error


def maps_of(result: Result) -> dict[str, Array]:
    """Return the six maps of a result by their public names."""
    s, b = result.scores, result.burden
    found = (s["score"], s["klasse"], s["bepalend"], b.oorzaak, s["dekking"], b.risico)
    return dict(zip(MAPS, found, strict=True))


def _make_chunk(job: Job, part: Part, columns: slice, sinks: Mapping[Variant, _Sink]) -> None:
    grid = part.grid.part(slice(0, part.grid.rows), columns)
    footing = footing_of(job.areas, job.tree, grid) if job.areas else None
    if job.areas and footing is None:
        return
    inside = footing.inside if footing else np.empty(0, np.bool_)
    names = tuple(dict.fromkeys(n for v in sinks for n in job.layers_of(v)))
    arrays = job.stack.read(grid, names)
    chances: dict[str, Array] = {}
    for variant, sink in sinks.items():
        cells = cells_of(job, variant, arrays)
        if footing is None:
            result = evaluate(cells, variant.functie, job.settings, full=False)
        else:
            if variant.scenario not in chances:
                chances[variant.scenario] = chance_of(cells.present, builtin_rules())
            chance = chances[variant.scenario]
            result, tally = gather(cells, variant.functie, job.settings, builtin_rules(), footing, chance)
            sink.tallies.append(tally)
        sink.write(columns, result, inside)


def cells_of(job: Job, variant: Variant, arrays: Mapping[str, Array]) -> LayerSet:
    """Return the layers of a variant: present ones and scenarios, or a scenario's in place of the present."""
    present = {n: a for n, a in arrays.items() if "@" not in n}
    scenarios = _scenarios(job, arrays, present)
    cells = LayerSet(present, scenarios, (), xr.Dataset())
    if not variant.scenario:
        return cells
    chosen = next(s for s in scenarios if s.name == variant.scenario)
    return LayerSet(cells.with_scenario(chosen), (), (), xr.Dataset())


def _scenarios(job: Job, arrays: Mapping[str, Array], present: Mapping[str, Array]) -> tuple[Scenario, ...]:
    names = dict.fromkeys(n.partition("@")[2] for n in arrays if "@" in n)
    return tuple(_scenario(job, s, arrays, present) for s in names)


def _scenario(job: Job, name: str, arrays: Mapping[str, Array], present: Mapping[str, Array]) -> Scenario:
    members = [n for n in arrays if n.partition("@")[2] == name and n.partition("@")[0] in present]
    years = [job.stack.sources[n].entry.horizon for n in members]
    horizon = next((float(y) for y in years if y is not None), None)
    return Scenario(name, {n.partition("@")[0]: arrays[n] for n in members}, horizon)


FIELDS = ("sums", "classes", "causes", "inside", "polygons", "start", "value", "weight")


def pack_tallies(tallies: Sequence[Tally]) -> dict[str, Array]:
    """Return tallies as arrays for a file."""
    found: dict[str, Array] = {"measures": np.array(tallies[0].measures if tallies else [], dtype=np.str_)}
    for i, tally in enumerate(tallies):
        found |= {f"{field}_{i}": getattr(tally, field) for field in FIELDS}
    return found


def read_part(job: Job, key: str) -> tuple[Array, list[Tally]]:
    """Return the byte counts (maps, 256) and tallies of a part.

    Raises
    ------
    CorruptLayer
        If the file is not whole.
    """
    path = part_file(job, key, "npz")
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
    except Exception as error:
        raise CorruptLayer(f"part cannot be read: {error}", where=path.name) from None
    measures = tuple(str(m) for m in data["measures"])
    count = sum(name.startswith("polygons_") for name in data)
    tallies = [Tally(measures, *(data[f"{field}_{i}"] for field in FIELDS)) for i in range(count)]
    return data["counts"], tallies
