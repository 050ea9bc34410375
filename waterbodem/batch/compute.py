"""One part of a batch run: rows of the grid, read once for every functie, kept as a file of its own per functie.

A part's file carries the name of its content and appears whole or not at all, so a part can be made twice, by another
thread or another machine, without harm. Maps lie in it as the compressed tiles that the final files will hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from waterbodem.batch.job import BLOCK, Job, Part, Variant, blocks
from waterbodem.batch.part_file import ENTRY, PartReader, PartWriter, packed_arrays, unpacked_arrays
from waterbodem.core.errors import CorruptLayer, OutOfSpace, PartFailed, error_line
from waterbodem.core.files import replacing
from waterbodem.core.grid import Grid
from waterbodem.core.threads import single_threaded, thread_count
from waterbodem.definitions.layer_name import AT, PERCENTILES, LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap
from waterbodem.doubt.varying import Asked, Variants, sets_of, variants_of
from waterbodem.engine.demands import groups
from waterbodem.engine.doubts import LayerDoubt
from waterbodem.engine.evaluation import GRIDS, Result, evaluate
from waterbodem.engine.fused import BlockPolygons, block_polygons, maps_and_sums
from waterbodem.engine.layer_set import LayerSet, Scenario, scenario_of
from waterbodem.engine.scoring import score_arrays
from waterbodem.engine.site import Site
from waterbodem.engine.sums import Tally
from waterbodem.formats.cog.tiles import TILE, Kind, decode, encode, kind_of, tiles_of
from waterbodem.formats.output_names import CELL_MAPS, SHARES
from waterbodem.kernels import pack
from waterbodem.layers.raster import RasterFile, files_kept_open

Array = NDArray[Any]
#: Gives what the plans on a block of cells are held against; a raster of it is read once.
Use = Callable[[], Functie | UseMap]

#: The map of answers; its cells are counted per class.
CLASSES = "klasse"
#: Bytes of a part that are written at once: every write waits for the interpreter's lock.
BUFFER = 1 << 19
#: Least and most bytes that GDAL may keep of what it decoded.
GDAL_CACHE = (16 << 20, 320 << 20)


@dataclass(frozen=True)
class PartMap:
    """A map that a part holds: the name of its file, of the quantity, and how cells are stored."""

    name: str
    quantity: str
    kind: Kind

    @property
    def is_float(self) -> bool:
        """Whether it holds floats."""
        return self.kind.dtype == "float32"


def part_maps(job: Job) -> tuple[PartMap, ...]:
    """Return the maps of a run, in the order in which a part holds them."""
    found = [PartMap(n, n, kind_of(classes=n not in SHARES)) for n in job.file.cell_maps]
    if job.file.float_:
        found += [PartMap(f"{n}_f32", n, kind_of(floats=True)) for n in SHARES if n in job.file.maps]
    return tuple(found)


def part_file(job: Job, key: str) -> Path:
    """Return where the file of a part lies."""
    return job.work / "parts" / f"{key}.part"


def make_part(job: Job, part: Part, keys: Mapping[Variant, str]) -> None:
    """Compute a part for the variants in ``keys`` and put its files in place.

    Raises
    ------
    PartFailed
        If that went wrong for some variants; the files of the others are in place.
    OutOfSpace
        If the disk is full; then no file is.
    """
    with single_threaded(), rasterio.Env(GDAL_CACHEMAX=gdal_cache_bytes(job)), files_kept_open(), ExitStack() as stack:
        sinks = _Sinks(job, part, keys, stack)
        for rows, cols in blocks(part.grid):
            if sinks.open:
                _make_block(job, part, rows, cols, sinks)
        sinks.finish()
    if sinks.reasons:
        raise PartFailed(sinks.reasons)


def gdal_cache_bytes(job: Job) -> int:
    """Return the bytes that GDAL may keep, so that what blocks beside each other share is decoded once."""
    files = [s.file for s in job.stack.sources.values()]
    block = sum(f.shared(job.grid, BLOCK) for f in files if isinstance(f, RasterFile))
    return min(max(GDAL_CACHE[0], thread_count() * block), GDAL_CACHE[1])


class _Sink:
    """Where one variant of a part goes: tiles, also those of the first overview, and tallies."""

    def __init__(self, job: Job, part: Part, key: str) -> None:
        count, (rows, cols) = len(part_maps(job)), part.grid.shape
        self.products, self._path = part_maps(job), part_file(job, key)
        self.counts = np.zeros((count, 256), np.int64)
        self._tallies: list[tuple[int, int, int]] = []
        self._ranges: list[tuple[int, int, int]] = []
        self._tiles = np.zeros((count, -(-rows // TILE), -(-cols // TILE), ENTRY), np.int64)
        self._halves = np.zeros((count, -(-rows // 2 // TILE), -(-cols // 2 // TILE), ENTRY), np.int64)
        self._stack = ExitStack()

    def __enter__(self) -> _Sink:
        with ExitStack() as stack:
            temp = stack.enter_context(replacing(self._path))
            self._writer = PartWriter(stack.enter_context(temp.open("wb", BUFFER)), self._path.name)
            self._stack = stack.pop_all()
        return self

    def add_range(self, variants: Variants, polygons: Array) -> None:
        """Write the sums of a block with layers moved, of polygons by their numbers."""
        short = variants.short
        arrays = {"groups": np.array(short.groups, dtype=np.str_), "sums": short.sums, "classes": short.classes}
        self._ranges.append(self._writer.add(packed_arrays({**arrays, "polygons": polygons})))

    def add(self, tally: Tally) -> None:
        """Write the sums of a block, so that they do not pile up in memory."""
        arrays = {"measures": np.array(tally.measures, dtype=np.str_), **{f: getattr(tally, f) for f in FIELDS}}
        self._tallies.append(self._writer.add(packed_arrays(arrays)))

    def write(self, rows: slice, cols: slice, maps: Mapping[str, Array], inside: Array) -> None:
        """Write the maps of a block."""
        for number, product in enumerate(self.products):
            values = maps[product.quantity]
            cells = _floats(values, inside) if product.is_float else self._packed(number, values, inside)
            self._write_map(number, rows, cols, cells)

    def _packed(self, number: int, values: Array, inside: Array) -> Array:
        out = np.empty(values.shape, np.uint8)
        if self.products[number].quantity in SHARES:
            pack.pack_percent(values.reshape(-1), inside, out.reshape(-1))
        else:
            pack.pack_codes(values.reshape(-1), inside, out.reshape(-1))
        if self.products[number].quantity in (*SHARES, CLASSES):
            pack.count(out.reshape(-1), self.counts[number])
        return out

    def _write_map(self, number: int, rows: slice, cols: slice, cells: Array) -> None:
        kind = self.products[number].kind
        if self._write_tiles(self._tiles[number], rows.start // TILE, cols.start // TILE, cells, kind):
            self._write_tiles(
                self._halves[number], rows.start // 2 // TILE, cols.start // 2 // TILE, kind.half(cells), kind
            )

    def _write_tiles(self, index: Array, row: int, col: int, cells: Array, kind: Kind) -> bool:
        """Write tiles, the first of which has a place in the index; tell whether there are any."""
        filled = False
        for r, c, tile in tiles_of(cells, kind):
            if tile is not None:
                filled = True
                index[row + r, col + c] = self._writer.add(encode(tile))
        return filled

    def finish(self) -> None:
        """Put the file in place."""
        index = {"counts": self.counts, "tiles": self._tiles, "halves": self._halves}
        index |= {"tallies": _entries(self._tallies), "ranges": _entries(self._ranges)}
        self._writer.finish(index)
        self.__exit__(None, None, None)

    def give_up(self, error: Exception) -> Exception:
        """Leave no file; return the error, or what it is to this library."""
        try:
            self.__exit__(type(error), error, error.__traceback__)
        except Exception as found:
            return found
        return error

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stack.pop_all().__exit__(kind, error, trace)


def _entries(found: Sequence[tuple[int, int, int]]) -> Array:
    return np.array(found, np.int64).reshape(-1, ENTRY)


class _Sinks:
    """The sinks of a part; an error costs the variant that it belongs to.

    Attributes
    ----------
    open : dict of Variant to _Sink
        Of the variants that nothing went wrong for.
    reasons : dict of str to str
        Why the others failed, by name.
    """

    def __init__(self, job: Job, part: Part, keys: Mapping[Variant, str], stack: ExitStack) -> None:
        self.open = {v: _Sink(job, part, key) for v, key in keys.items()}
        self.reasons: dict[str, str] = {}
        for variant in keys:
            with self.risking(variant) as sink:
                stack.enter_context(sink)

    @contextmanager
    def risking(self, variant: Variant) -> Iterator[_Sink]:
        """Give the sink of a variant; on an error it is given up, unless the others would meet the same."""
        try:
            yield self.open[variant]
        except Exception as error:
            cause = self.open.pop(variant).give_up(error)
            if isinstance(cause, OutOfSpace):
                raise cause from None
            self.reasons[variant.name] = error_line(cause)

    def finish(self) -> None:
        """Put files in place."""
        for variant in list(self.open):
            with self.risking(variant) as sink:
                sink.finish()


def _floats(values: Array, inside: Array) -> Array:
    return np.where(inside.reshape(values.shape), values, np.float32(np.nan)) if inside.size else values


def maps_of(result: Result) -> dict[str, Array]:
    """Return the maps of a result by their public names."""
    return named_maps({**result.scores, **result.burden._asdict()})


def named_maps(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the maps that arrays of a score, and of a burden where it is known, give: by their public names."""
    return {m.name: arrays[m.array] for m in CELL_MAPS if m.array in arrays}


def _make_block(job: Job, part: Part, rows: slice, cols: slice, sinks: _Sinks) -> None:
    grid = part.grid.part(rows, cols)
    footing = block_polygons(job.areas, job.tree, grid) if job.areas else None
    if job.areas and footing is None:
        return
    use = cache(partial(job.use_on, grid))
    for variants, arrays in _readable(job, grid, sinks):
        if footing is None:
            _without_areas(job, arrays, use, variants, sinks, (rows, cols))
        else:
            _with_areas(job, arrays, use, variants, sinks, (rows, cols), footing)


def _readable(job: Job, grid: Grid, sinks: _Sinks) -> Iterator[tuple[Sequence[Variant], Mapping[str, Array]]]:
    """Yield variants with their layers: all together, or one by one where a layer costs those that need it."""
    variants = tuple(sinks.open)
    try:
        together = _layers(job, grid, variants)
    except Exception:
        for variant in variants:
            with sinks.risking(variant):
                yield (variant,), _layers(job, grid, (variant,))
    else:
        yield variants, together


def _layers(job: Job, grid: Grid, variants: Sequence[Variant]) -> dict[str, Array]:
    """Return what variants ask of a block; one layer without a value where the data have none of it."""
    found = job.stack.read(grid, tuple(dict.fromkeys(n for v in variants for n in job.layers_of(v))))
    asked = next(iter(variants[0].functie.criteria))
    return found or {asked: np.full(grid.shape, np.nan, np.float32)}


def _with_areas(
    job: Job,
    arrays: Mapping[str, Array],
    use: Use,
    variants: Sequence[Variant],
    sinks: _Sinks,
    block: tuple[slice, slice],
    footing: BlockPolygons,
) -> None:
    """Write the maps of a block and its sums over polygons, as they are and with layers moved."""
    sites: dict[str, Site] = {}
    for variant in variants:
        with sinks.risking(variant) as sink:
            if variant.scenario not in sites:
                cells = layers_of_variant(job, variant, arrays)
                sites[variant.scenario] = Site(cells, use(), job.settings.rules)
            maps, tally = maps_and_sums(
                sites[variant.scenario], variant.functie, job.settings.method, job.storage, footing
            )
            for some in (
                _tallies(job, variant.functie, sites[variant.scenario], footing) if any(job.boards) else [tally]
            ):
                sink.add(some)
            sink.write(*block, named_maps(maps), footing.inside)
    if job.wants_range:
        _with_ranges(job, {s: site.cells for s, site in sites.items()}, variants, sinks, footing)


def _with_ranges(
    job: Job, cells: Mapping[str, LayerSet], variants: Sequence[Variant], sinks: _Sinks, footing: BlockPolygons
) -> None:
    """Write the sums of a block over polygons with layers moved, which is done once for all functies of a scenario."""
    for scenario, held in cells.items():
        some = [v for v in variants if v.scenario == scenario and v in sinks.open]
        asked = [Asked.of(v.functie, list(held.present), job.settings.method) for v in some]
        for which in sets_of(len(footing.numbers)):
            polygons = footing.numbers[which]
            varied = variants_of(held, footing.runs.prints.some(which), job.hectares[polygons], asked)
            for variant, found in zip(some, varied, strict=True):
                with sinks.risking(variant) as sink:
                    sink.add_range(found, polygons)


def _tallies(job: Job, functie: Functie, site: Site, footing: BlockPolygons) -> Iterator[Tally]:
    """Yield the sums over polygons, those of which the same is asked together; maps are without a water board."""
    demands = job.demands(functie)
    for some in groups([demands[i] for i in footing.numbers]):
        agreed = replace(job.storage, board=demands[footing.numbers[some[0]]].board)
        yield maps_and_sums(site, functie, job.settings.method, agreed, footing.some(some))[1]


def _without_areas(
    job: Job,
    arrays: Mapping[str, Array],
    use: Use,
    variants: Sequence[Variant],
    sinks: _Sinks,
    block: tuple[slice, slice],
) -> None:
    """Write the maps of a block; where nothing is known at all, every cell is like the first."""
    shape = next(iter(arrays.values())).shape
    nothing = job.use_source is None and all(_is_unknown(a) for a in arrays.values())
    for variant in variants:
        with sinks.risking(variant) as sink:
            cells = layers_of_variant(job, variant, {n: a[:1, :1] for n, a in arrays.items()} if nothing else arrays)
            maps = _cell_maps(job, variant, cells, use)
            if nothing:
                maps = {n: np.full(shape, a[0, 0]) for n, a in maps.items()}
            sink.write(*block, maps, np.empty(0, np.bool_))


def _cell_maps(job: Job, variant: Variant, cells: LayerSet, use: Use) -> dict[str, Array]:
    if job.wants_burden:
        settings = job.settings.with_reference(use())
        return maps_of(evaluate(cells, variant.functie, settings, job.storage, full=False))
    return named_maps(score_arrays(cells.present, variant.functie, *job.settings.method, GRIDS))


def _is_unknown(values: Array) -> bool:
    return bool(np.isnan(values[0, 0]) and np.isnan(values).all())


def layers_of_variant(job: Job, variant: Variant, arrays: Mapping[str, Array]) -> LayerSet:
    """Return the layers of a variant: present ones and scenarios, or a scenario's in place of the present."""
    present = {n: a for n, a in arrays.items() if "@" not in n}
    scenarios = _scenarios(job, arrays, present)
    doubts = _doubts(job, arrays) if job.wants_range else {}
    cells = LayerSet(present, scenarios, doubts=doubts)
    if not variant.scenario:
        return cells
    chosen = next((s for s in scenarios if s.name == variant.scenario), None)
    return LayerSet(present, (), doubts=doubts) if chosen is None else cells.in_scenario(chosen)


def _doubts(job: Job, arrays: Mapping[str, Array]) -> dict[str, LayerDoubt]:
    """Return what the catalogue says of the error of layers, with the percentiles of their cells."""
    found = {}
    for name in (n for n in arrays if not LayerName.of(n).percentile and n in job.stack.sources):
        source = job.stack.sources[name]
        low, high = (arrays.get(f"{name}{AT}{p}") for p in PERCENTILES)
        doubt = LayerDoubt(source.error, low, high, range=source.entry.range)
        if doubt.of_data or doubt.range:
            found[name] = doubt
    return found


def _scenarios(job: Job, arrays: Mapping[str, Array], present: Mapping[str, Array]) -> tuple[Scenario, ...]:
    named = (LayerName.of(n).scenario for n in arrays)
    return tuple(_scenario(job, s, arrays, present) for s in dict.fromkeys(s for s in named if s))


def _scenario(job: Job, name: str, arrays: Mapping[str, Array], present: Mapping[str, Array]) -> Scenario:
    told = {n: LayerName.of(n) for n in arrays}
    members = [n for n, t in told.items() if t.scenario == name and t.layer in present and not t.percentile]
    entries = [job.stack.sources[n].entry for n in members]
    layers = {LayerName.of(n).layer: arrays[n] for n in members}
    return scenario_of(name, layers, [e.horizon for e in entries], [e.stresstest for e in entries])


#: Arrays of a tally in a file.
FIELDS = ("sums", "classes", "causes", "uses", "inside", "polygons", "start", "value", "weight", "quantiles")


def tallies_of(job: Job, key: str) -> Iterator[Tally]:
    """Yield the sums of the blocks of a part.

    Raises
    ------
    CorruptLayer
        If the file is not whole.
    """
    with PartReader(part_file(job, key)) as part:
        for entry in part["tallies"]:
            found = unpacked_arrays(part.blob(entry))
            yield Tally(tuple(map(str, found["measures"])), *(found[f] for f in FIELDS))


def ranges_of(job: Job, key: str) -> Iterator[tuple[Variants, Array]]:
    """Yield the sums of the blocks of a part with layers moved, and the numbers of their polygons.

    Raises
    ------
    CorruptLayer
        If the file is not whole.
    """
    with PartReader(part_file(job, key)) as part:
        for entry in part["ranges"]:
            found = unpacked_arrays(part.blob(entry))
            yield Variants(tuple(map(str, found["groups"])), found["sums"], found["classes"]), found["polygons"]


def halves(
    part: PartReader, number: int, shape: tuple[int, int], kind: Kind
) -> Iterator[tuple[Array, list[bytes | None]]]:
    """Yield a map of a part at half the resolution, from north to south: cells of a row of tiles, and the tiles.

    Parameters
    ----------
    number : int
        Place of the map in :func:`part_maps`.
    shape : (int, int)
        Rows and columns of the part.

    Yields
    ------
    array (up to TILE, half the columns)
    list of bytes or None
        As they are stored; None holds nothing.
    """
    rows, cols = (-(-n // 2) for n in shape)
    for r, entries in enumerate(part["halves"][number]):
        tiles = [part.blob(entry) if entry[1] else None for entry in entries]
        yield _joined(tiles, (min(TILE, rows - r * TILE), cols), kind), tiles


def _joined(tiles: Sequence[bytes | None], shape: tuple[int, int], kind: Kind) -> Array:
    """Return the cells of tiles beside each other."""
    out = np.full(shape, kind.nothing, kind.dtype)
    try:
        for col, tile in zip(range(0, shape[1], TILE), tiles, strict=True):
            if tile is not None:
                out[:, col : col + TILE] = decode(tile, kind)[: shape[0], : shape[1] - col]
    except ValueError as error:
        raise CorruptLayer(f"part is damaged: {error}") from None
    return out
