"""One layer as a source that can be read by window on any grid, with the same bytes every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import crs as crs_text
from waterbodem.core.errors import LayerError, WaterbodemError, raise_all
from waterbodem.core.grid import Bounds, Grid
from waterbodem.core.path_gate import Digest, local_file, sha256_of
from waterbodem.definitions import units
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import LayerKind
from waterbodem.definitions.uncertainty import Uncertainty
from waterbodem.formats.foreign.side_files import check_side_files
from waterbodem.layers.catalogue import LayerEntry, kind_of
from waterbodem.layers.decoding import Decoder, Findings
from waterbodem.layers.raster import Block, RasterFile, open_raster
from waterbodem.layers.resample import Alignment, alignment_of, grid_of_block, kernel_margin, pieces, source_block, warp
from waterbodem.layers.vector import VectorFile, open_vector

Floats = NDArray[np.float32]

#: Cells that are decoded at a time; bounds the memory beside the result.
STRIP = 1 << 19


@dataclass(frozen=True)
class LayerSource:
    """A layer of a catalogue whose file has been checked.

    ``read`` is safe to call from several threads.

    Parameters
    ----------
    name : str
        Layer id, or ``layer@scenario``.
    entry : LayerEntry
        Its table in lagen.toml.
    file : RasterFile or VectorFile
        Where its numbers are.
    sha256 : str
        Of the file.
    where : str
        File and key, for errors.
    """

    name: str
    entry: LayerEntry
    file: RasterFile | VectorFile
    sha256: str
    where: str

    @property
    def kind(self) -> LayerKind:
        """What the layer measures."""
        return kind_of(self.name)

    @property
    def crs(self) -> str:
        """CRS of the file."""
        return str(self.grid.crs) if self.grid else str(getattr(self.file, "crs", ""))

    @property
    def crs_assumed(self) -> bool:
        """Whether the file names no CRS, so that it has that of the catalogue."""
        return self.file.crs_assumed

    @property
    def grid(self) -> Grid | None:
        """Cells of the file; None for polygons."""
        return self.file.grid if isinstance(self.file, RasterFile) else None

    @property
    def decoder(self) -> Decoder:
        """How raw numbers become values."""
        if isinstance(self.file, VectorFile):
            return Decoder(self.entry, self.kind, "float64", self.entry.nodata)
        stated = self.entry.nodata
        nodata = self.file.nodata if stated is None else stated
        return Decoder(self.entry, self.kind, self.file.dtype, nodata, self.file.scale, self.file.offset)

    @property
    def error(self) -> Uncertainty | None:
        """What the catalogue says of its error, in the unit of the rules."""
        stated = self.entry.uncertainty
        return None if stated is None else stated.of(units.factor(self.entry.unit, self.kind.unit))

    def mark(self, grid: Grid) -> str:
        """Return a name of the layer on a grid by content: file, settings and cells."""
        text = f"{self.sha256} {self.entry.model_dump_json()} {grid!r}"
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def bounds_in(self, crs: str | None) -> Bounds:
        """Return the extent of the file in a CRS [m]."""
        own = self.file.grid.bounds if isinstance(self.file, RasterFile) else self.file.bounds
        return crs_text.move_bounds(own, self.crs, crs)

    def plan(self, grid: Grid) -> Alignment:
        """Return how the file comes onto a grid.

        Raises
        ------
        GridMismatch
            If cells are shifted and no ``resampling`` is stated.
        """
        if not isinstance(self.file, RasterFile):
            return Alignment(None)
        return alignment_of(self.file.grid, grid, self.entry, self.kind, self.where)

    def resampled(self, grid: Grid) -> str | None:
        """Return in words how the layer is resampled, such as ``average from 1 m EPSG:28992``."""
        method = self.plan(grid).method
        if method is None or not isinstance(self.file, RasterFile):
            return None
        return f"{method} from {self.file.grid.dx:g} m {crs_text.label(self.crs)}"

    def read(self, grid: Grid) -> Floats:
        """Return the layer on a grid.

        A part of the grid gives the same bytes as the whole.

        Parameters
        ----------
        grid : Grid
            Any window, also beyond the file: what the file lacks is unknown.

        Returns
        -------
        array, float32, grid.shape
            In the unit and sign of the rules; NaN = unknown, +inf = absent.

        Raises
        ------
        LayerError
            For values out of range and codes not listed, with counts.
        CorruptLayer
            If the file breaks off.
        GridMismatch
            If its cells are shifted against the grid.
        """
        values, found = self.read_with_findings(grid)
        raise_all(self.complaints(found))
        return values

    def read_with_findings(self, grid: Grid) -> tuple[Floats, Findings]:
        """Return the layer on a grid, and what was found in the cells of the file there.

        Values out of range and codes not listed are unknown in the array; see :meth:`complaints`.
        """
        if isinstance(self.file, VectorFile):
            return self._burned(self.file, grid)
        steps = self.plan(grid)
        if steps.method is None:
            return self._aligned(self.file, grid)
        return self._resampled(self.file, grid, steps)

    def complaints(self, found: Findings) -> list[WaterbodemError]:
        """Return what in the findings makes the layer unusable."""
        return [*self.decoder.complain(found, self.where), *self._absent_below(found)]

    def _absent_below(self, found: Findings) -> list[WaterbodemError]:
        """Return what is wrong with a lower percentile that is absent: half of what could be is deeper than nowhere."""
        if LayerName.of(self.name).percentile != "p10" or not found.absent:
            return []
        allowed = "a depth; absent in p90 alone"
        return [LayerError("p10 is absent", value=f"{found.absent} cells", allowed=allowed, where=self.where)]

    def survey(self, grid: Grid) -> Findings:
        """Return what is found in the cells of the file that a grid covers, without resampling."""
        if isinstance(self.file, VectorFile):
            return self._feature_values(self.file)[1]
        return self.survey_block(self.footprint(grid))

    def footprint(self, grid: Grid) -> Block:
        """Return the cells of the file that a grid covers; empty for polygons."""
        own = self.grid
        return Block(0, 0, 0, 0) if own is None else source_block(grid, own).within(own)

    def survey_block(self, block: Block) -> Findings:
        """Return what is found in a block of cells of the file."""
        found = Findings()
        if isinstance(self.file, RasterFile):
            for _, _, seen in self._strips(self.file, block):
                found += seen
        return found

    def _strips(self, file: RasterFile, block: Block) -> Iterator[tuple[Block, Any, Findings]]:
        """Yield decoded strips of a block of the file."""
        decode = self.decoder
        with file.opened(self.where) as handle:
            for strip in block.strips(STRIP):
                if not strip.is_empty:
                    values, found = decode(*file.read(handle, strip, self.where))
                    yield strip, values, found

    def _aligned(self, file: RasterFile, grid: Grid) -> tuple[Floats, Findings]:
        row, col = file.grid.offset(grid)
        whole = Block(row, col, grid.rows, grid.cols)
        block, found = whole.within(file.grid), Findings()
        out = np.empty(grid.shape, np.float32) if block == whole else np.full(grid.shape, np.nan, np.float32)
        if block.is_empty:
            return out, found
        if not self.decoder.exact:
            found = self._slowly(file, block, out, row, col)
            return _positive_zero(out), found
        decode = self.decoder
        with file.opened(self.where) as handle:
            for strip in block.strips(STRIP):
                raw, valid = file.read(handle, strip, self.where)
                found += decode.into(raw, valid, out, (strip.row - row, strip.col - col))
        if decode.loud(found):
            return out, self.survey(grid)
        return out, found

    def _slowly(self, file: RasterFile, block: Block, out: Floats, row: int, col: int) -> Findings:
        """Fill ``out`` through arrays: for nodata values that are compared to a few digits only."""
        found = Findings()
        cols = slice(block.col - col, block.col - col + block.cols)
        for strip, values, seen in self._strips(file, block):
            with np.errstate(over="ignore"):
                out[strip.row - row : strip.row - row + strip.rows, cols] = values
            found += seen
        return found

    def _resampled(self, file: RasterFile, grid: Grid, steps: Alignment) -> tuple[Floats, Findings]:
        out = np.full(grid.shape, np.nan, dtype=np.float32)
        noted = Findings()
        with file.opened(self.where) as handle:
            for piece in pieces(grid, steps.ratio):
                values, seen = self._warped(file, handle, piece.block, steps)
                noted += seen
                if values is not None:
                    out[piece.outside] = values[piece.inside]
        if noted.outside or noted.unlisted:
            noted = self.survey(grid)
        return _positive_zero(out), noted

    def _warped(
        self, file: RasterFile, handle: Any, block: Grid, steps: Alignment
    ) -> tuple[NDArray[np.float64] | None, Findings]:
        """Return one fixed block, or None where the file does not reach."""
        needed = source_block(block, file.grid, kernel_margin(steps.ratio))
        if needed.within(file.grid).is_empty or steps.method is None:
            return None, Findings()
        values, found = self.decoder(*file.read(handle, needed, self.where))
        if found.known + found.absent == 0:
            return None, found
        return warp(values, grid_of_block(file.grid, needed), block, steps.method), found

    def _feature_values(self, file: VectorFile) -> tuple[NDArray[np.float64], Findings]:
        """Return a value per polygon, and last the value elsewhere."""
        decode, entry = self.decoder, self.entry
        values, found = decode(file.raw, coded=entry.field is not None and not entry.words)
        other = np.array([np.nan if entry.otherwise is None else entry.otherwise])
        elsewhere, more = decode(other, coded=False)
        return np.append(values, elsewhere), found + more

    def _burned(self, file: VectorFile, grid: Grid) -> tuple[Floats, Findings]:
        """Burn polygons; where they overlap the largest class wins, else the last in the file.

        Zones of protection are nested, and the strictest one holds; for a quantity, and for functies, no such order
        exists, and the file's own order decides.
        """
        values, found = self._feature_values(file)
        order = np.arange(len(file.raw))
        if self.kind.codes:
            order = np.argsort(np.nan_to_num(values[:-1], nan=-np.inf), kind="stable")
        return _positive_zero(values[file.burn(grid, order)].astype(np.float32)), found


def _positive_zero(values: Floats) -> Floats:
    """Return values with -0.0 as 0.0."""
    values += np.float32(0.0)
    return values


def open_source(
    name: str,
    entry: LayerEntry,
    folder: Path,
    *,
    crs: str | None = None,
    allow: tuple[Path, ...] = (),
    where: str = "",
    digest: Digest = sha256_of,
) -> LayerSource:
    """Check the file of a layer: path, sha256, content, georeference.

    Parameters
    ----------
    name : str
        Layer id, or ``layer@scenario``.
    entry : LayerEntry
        Its table in lagen.toml.
    folder : Path
        Of the lagen.toml.
    crs : str or None
        For a file without one.
    allow : tuple of Path
        Other folders that files may lie under.
    where : str
        File and key, for errors.
    digest : callable
        Takes path, stated sha256 and where; returns the sha256, as ``sha256_of`` does.

    Raises
    ------
    WaterbodemError
        UnsafePath, CorruptLayer, NotARaster, GridMismatch or LayerError.
    """
    path = local_file(entry.path, folder, allow=allow, where=f"{where}.path")
    check_side_files(path, (folder, *allow), f"{where}.path")
    hexdigest = digest(path, entry.sha256, f"{where}.sha256")
    file: RasterFile | VectorFile
    if entry.is_vector:
        file = open_vector(path, entry.path, entry, crs, where)
    else:
        file = open_raster(path, entry.path, entry.band, crs, where)
    source = LayerSource(name, entry, file, hexdigest, where)
    _check_absent(source)
    return source


def _check_absent(source: LayerSource) -> None:
    """Refuse a value that means both absent and unknown."""
    nodata = source.decoder.nodata
    if source.entry.absent is not None and source.entry.absent == nodata:
        raise LayerError(
            "absent is also the nodata value of the file",
            value=nodata,
            allowed="state nodata = for this layer",
            where=f"{source.where}.absent",
        )
