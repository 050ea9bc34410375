"""Flow directions: from maaiveld by pyflwdir, or from a raster of direction codes.

Depressions are filled by pyflwdir (Wang & Liu 2006); every cell drains to the neighbour of the filled surface down the
steepest slope (D8). Flats and filled pits drain towards their outlet, to the neighbour from which rising water would
reach them first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, Circular, GridMismatch, LayerError, MissingLibrary
from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import brief_number, decimal
from waterbodem.kernels import routing as kernel
from waterbodem.receivers.network import NO_PART, SMALL, STAYS, Network

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Kind = Literal["d8", "ldd"]
Holes = Literal["dicht", "uitweg"]

#: Codes of the eight neighbours, row by row from the upper left, the middle one = pit; ESRI and PCRaster.
WINDROSE: Mapping[str, tuple[int, ...]] = {
    "d8": (32, 64, 128, 16, 0, 1, 8, 4, 2),
    "ldd": (7, 8, 9, 4, 5, 6, 1, 2, 3),
}
#: Codes of a cell without direction, of open water, and further codes of a pit.
MISSING: Mapping[str, tuple[int, ...]] = {"d8": (247,), "ldd": (0, 255)}
OPEN: Mapping[str, tuple[int, ...]] = {"d8": (254,), "ldd": ()}
PITS: Mapping[str, tuple[int, ...]] = {"d8": (255,), "ldd": ()}
D8_MISSING, D8_OPEN = 247, 254
#: What is told of holes where layer ``water`` does not say which of them are water.
DITCHES = "zonder laag water is niet te zeggen welk gat een sloot is: sloten in een hoogtekaart zijn hier muren"
INSTALL = "pip install 'waterbodem[flow]'"


@dataclass(frozen=True)
class Flow:
    """Flow directions on a grid.

    Attributes
    ----------
    grid : Grid
    network : Network
        ``downstream`` and ``step`` of every cell, row by row, 5 bytes a cell up to 2147 million cells; ``order``
        (4 bytes a cell) is found when first asked for.
    sha256 : str
        Of what the directions were made from.
    uitleg : tuple of str
        What was done at pits, holes and edges, for a planner.
    """

    grid: Grid
    network: Network
    sha256: str = ""
    uitleg: tuple[str, ...] = ()

    @property
    def known(self) -> Mask:
        """Cells that take part (rows, cols)."""
        return np.asarray(self.network.downstream != NO_PART).reshape(self.grid.shape)

    @property
    def open_water(self) -> Mask:
        """Cells of open water, where all water stays (rows, cols)."""
        return self.network.is_open_water.reshape(self.grid.shape)

    def with_open_water(self, water: Mask) -> Flow:
        """The same directions, with open water (rows, cols) where the way of the water ends."""
        if not water.any():
            return self
        downstream = self.network.downstream.copy()
        downstream[water.reshape(-1)] = STAYS
        return replace(self, network=replace(self.network, downstream=downstream))

    def known_in(self, block: Grid) -> Mask:
        """Cells of a block that take part (rows, cols)."""
        rows, cols = self.grid.slices(block)
        return np.asarray(self.network.downstream.reshape(self.grid.shape)[rows, cols] != NO_PART)

    @property
    def codes(self) -> Codes:
        """ESRI D8 codes (rows, cols): 0 = the water leaves the data, 247 = unknown, 254 = open water."""
        down, cols = self.network.downstream, self.grid.cols
        here = np.arange(down.size, dtype=down.dtype)
        rose = np.array(WINDROSE["d8"], np.uint8)
        place = (down // cols - here // cols + 1) * 3 + down % cols - here % cols + 1
        codes = np.where(down >= 0, rose[np.where(down >= 0, place, kernel.PIT)], np.uint8(0))
        codes[down == NO_PART], codes[down == STAYS] = D8_MISSING, D8_OPEN
        return codes.reshape(self.grid.shape)

    def __repr__(self) -> str:
        lines = [f"<Flow {self.grid.rows} x {self.grid.cols}>", *(f"  {line}" for line in self.uitleg)]
        return "\n".join(lines)


def memory_estimate(cells: int) -> dict[str, int]:
    """Return the largest amount of memory that each step takes [bytes], arrays it is given included.

    Parameters
    ----------
    cells : int

    Examples
    --------
    >>> round(memory_estimate(175_000_000)["richtingen"] / 1e9, 1)
    6.8
    """
    index = 4 if cells <= SMALL else 8
    state = index + 1
    return {
        "richtingen": 39 * cells,
        "volgorde": (state + index + 1) * cells,
        "doorrekenen": (state + index + 41) * cells,
        "blootstelling": (state + index + 12) * cells,
    }


def memory_needed(cells: int) -> int:
    """Return the memory that directions of so many cells and sweeps over them take at most [bytes].

    Water of plans is routed over the cells that it comes through, not over all of them.

    Examples
    --------
    >>> round(memory_needed(175_000_000) / 1e9, 1)
    7.1
    """
    steps = memory_estimate(cells)
    return max(steps[name] for name in ("richtingen", "volgorde", "blootstelling")) + memory.WORKING


@cache
def _pyflwdir() -> Any:
    try:
        import pyflwdir
        import pyflwdir.dem
    except ImportError as error:
        raise MissingLibrary(
            "flow directions need a library that is not installed", value=error.name, allowed=INSTALL
        ) from None
    return pyflwdir


def flow_from_maaiveld(
    maaiveld: NDArray[np.float32],
    grid: Grid,
    *,
    holes: Holes = "dicht",
    outlets: Mask | None = None,
    water: Mask | None = None,
) -> Flow:
    """Find where water runs over maaiveld.

    Parameters
    ----------
    maaiveld : float32 array (rows, cols)
        Ground level [m NAP], up; NaN = unknown.
    grid : Grid
    holes : {"dicht", "uitweg"}
        What an unknown area that touches no edge of the grid is: a wall that water goes round (a building, a ditch
        without a known end), or a place where water may leave the data. Unknown areas that reach the edge always may
        let water out. Water leaves where no known neighbour is lower; else it runs on along the border. An island
        within a hole lets its water out into it.
    outlets : bool array (rows, cols), optional
        Further cells where water leaves the data: sea, canal, pumping station.
    water : bool array (rows, cols), optional
        Open water: the way of water ends there, and land drains into it. Where its level is unknown it lies as low as
        its lowest known neighbour, ring by ring inward.

    Returns
    -------
    Flow

    Raises
    ------
    MissingLibrary
        If pyflwdir is not installed.
    ArgumentError, GridMismatch
        If an argument is unknown, or shapes differ.

    Examples
    --------
    >>> slope = np.array([[3, 2, 1]], np.float32)
    >>> flow_from_maaiveld(slope, Grid(0, 5, 5, 5, 1, 3)).network.downstream.tolist()
    [1, 2, -1]
    """
    _check(maaiveld, grid, holes, outlets=outlets, water=water)
    sha = flow_sha256(maaiveld, grid, holes, outlets, water)
    codes, uitleg = directions(maaiveld, grid, holes, outlets, water)
    return replace(decoded(codes, grid, "d8"), sha256=sha, uitleg=uitleg)


def flow_sha256(
    maaiveld: NDArray[np.float32], grid: Grid, holes: Holes, outlets: Mask | None, water: Mask | None = None
) -> str:
    """Return the sha256 of everything that directions depend on."""
    lattice = (grid.rows, grid.cols, float(grid.dx), float(grid.dy))
    digest = hashlib.sha256(repr((lattice, holes, _pyflwdir().__version__)).encode())
    digest.update(np.ascontiguousarray(maaiveld, dtype="<f4").data)
    for name, mask in (("outlets", outlets), ("water", water)):
        if mask is not None:
            digest.update(name.encode() + np.packbits(mask).tobytes())
    return digest.hexdigest()


def _check(maaiveld: NDArray[np.float32], grid: Grid, holes: str, **masks: Mask | None) -> None:
    for name, array in {"maaiveld": maaiveld, **masks}.items():
        if array is not None and array.shape != grid.shape:
            raise GridMismatch("array does not fit the grid", value=array.shape, allowed=str(grid.shape), where=name)
    if holes not in ("dicht", "uitweg"):
        raise ArgumentError("unknown way with holes", value=holes, allowed="dicht, uitweg", where="holes")


def directions(
    maaiveld: NDArray[np.float32], grid: Grid, holes: Holes, outlets: Mask | None, water: Mask | None = None
) -> tuple[Codes, tuple[str, ...]]:
    """Return ESRI D8 codes and what was done, in Dutch; flat cells and pits get a way out, unknown cells none."""
    given = np.isfinite(maaiveld)
    level = maaiveld if given.all() else np.where(given, maaiveld, np.float32(np.nan))
    if water is not None and water.any():
        level = with_water_levels(level, water)
    known = np.isfinite(level)
    if not known.any():
        return _bare_codes(grid, water), ("maaiveld is overal onbekend",)
    way_out, closed = _ways_out(known if water is None else known | water, holes)
    for mask in (outlets, water):
        way_out |= False if mask is None else mask
    way_out &= known
    filled, codes = _fill(level, way_out)
    islands = (codes == 0) & ~way_out
    if islands.any():
        way_out |= islands & _beside(~known)
        filled, codes = _fill(level, way_out)
    leaving = codes == 0 if water is None else (codes == 0) & ~water
    told = _explain(grid, known, closed, filled - level, int(leaving.sum()), bool(islands.any()))
    _steepen(level, codes, grid)
    if water is None:
        return codes, (*told, *([DITCHES] if closed else []))
    codes[water] = D8_OPEN
    return codes, (_told_of_water(grid, water), *told)


def _bare_codes(grid: Grid, water: Mask | None) -> Codes:
    codes = np.full(grid.shape, D8_MISSING, np.uint8)
    if water is not None:
        codes[water] = D8_OPEN
    return codes


def with_water_levels(level: NDArray[np.float32], water: Mask) -> NDArray[np.float32]:
    """Return ground level with open water of unknown level as low as its lowest known neighbour, ring by ring inward.

    Open water that no known cell adjoins stays unknown.
    """
    waiting = water & np.isnan(level)
    count = int(waiting.sum())
    if not count:
        return level
    filled, rows, cols = np.array(level, np.float32), *level.shape
    room = np.empty(count, np.int64), np.empty(count, np.float32)
    kernel.level_water(filled.reshape(-1), waiting.reshape(-1), rows, cols, *room)
    return filled


def _told_of_water(grid: Grid, water: Mask) -> str:
    return f"open water: {brief_number(int(water.sum()) * grid.cell_ha)} ha; de weg van het water eindigt daar"


def _fill(level: NDArray[np.float32], way_out: Mask) -> tuple[NDArray[np.float32], Codes]:
    filled, codes = _pyflwdir().dem.fill_depressions(level, nodata=np.nan, idxs_pit=np.flatnonzero(way_out))
    return filled, codes


def _steepen(level: NDArray[np.float32], codes: Codes, grid: Grid) -> None:
    """Turn directions along which water first rises into those along which it flows: down the steepest slope."""
    network, surface = decoded(codes, grid, "d8").network, level.reshape(-1).copy()
    kernel.fill_over(network.downstream, network.order, surface)
    rose = np.array(WINDROSE["d8"], np.uint8)
    sizes = float(grid.dx), float(grid.dy)
    kernel.steepen(surface, network.downstream, sizes, grid.rows, grid.cols, rose, codes.reshape(-1))


def _ways_out(known: Mask, holes: Holes) -> tuple[Mask, int]:
    """Return known cells where water may leave, and the number of unknown cells that are closed off."""
    edge = np.zeros_like(known)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    if known.all():
        return edge, 0
    unknown = ~known
    open_ = unknown if holes == "uitweg" else _connected(unknown, edge)
    return known & (edge | _beside(open_)), int(unknown.sum() - open_.sum())


def _connected(mask: Mask, seed: Mask) -> Mask:
    """Return the parts of a mask that touch a seed, over corners too."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    touched = np.zeros(count + 1, dtype=bool)
    touched[labels[seed]] = True
    touched[0] = False
    return np.asarray(touched[labels])


def _beside(mask: Mask) -> Mask:
    """Return the cells that have a neighbour in a mask, or are in it."""
    wide = np.pad(mask, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    return np.asarray(rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:])


def _explain(
    grid: Grid, known: Mask, closed: int, depth: NDArray[np.float32], leaving: int, islands: bool
) -> tuple[str, ...]:
    unknown = known.size - int(known.sum())
    pits = int((depth > 0).sum())
    deepest = decimal(float(np.nanmax(depth)))
    found = [f"laagten opgevuld tot hun overloop: {brief_number(pits * grid.cell_ha)} ha, hoogstens {deepest} m"]
    if unknown:
        found.append(
            f"maaiveld onbekend: {brief_number(unknown * grid.cell_ha)} ha; water dat daar komt verlaat de gegevens"
        )
    if closed:
        found.append(f"waarvan {brief_number(closed * grid.cell_ha)} ha ingesloten: een muur waar water omheen loopt")
    if islands:
        found.append("land binnen een ingesloten gat watert daarin af: dat water verlaat de gegevens")
    return (*found, f"water verlaat de gegevens in {leaving} cellen (rand, uitlaat of gat)")


def flow_from_codes(codes: NDArray[Any], grid: Grid, kind: Kind = "d8", where: str = "stroomrichting") -> Flow:
    """Read flow directions from a raster.

    Parameters
    ----------
    codes : array (rows, cols) of whole numbers
        ESRI D8 (1 = east, clockwise in powers of two to 128; 0 or 255 = pit, 247 = unknown, 254 = open water) or
        PCRaster LDD (numeric keypad, 5 = pit, 0 or 255 = unknown). A float raster may hold NaN = unknown.
    grid : Grid
    kind : {"d8", "ldd"}
    where : str
        File or layer, for errors.

    Raises
    ------
    LayerError
        If a code is not valid, or directions run in a circle; with the first cell.
    """
    if kind not in WINDROSE:
        raise ArgumentError("unknown kind of directions", value=kind, allowed="d8, ldd", where="kind")
    if codes.shape != grid.shape:
        raise GridMismatch("directions do not fit the grid", value=codes.shape, allowed=str(grid.shape), where=where)
    flow = decoded(_whole(codes, kind, where), grid, kind, where)
    try:
        _ = flow.network.order
    except Circular as circle:
        raise Circular(circle.cell, circle.count, f"{where}: {place(grid, circle.cell)}") from None
    return replace(flow, sha256=hashlib.sha256(flow.codes.data).hexdigest(), uitleg=(f"stroomrichting uit {where}",))


def _whole(codes: NDArray[Any], kind: Kind, where: str) -> Codes:
    """Return codes as uint8; what does not fit in a byte or is no whole number is refused."""
    values = np.ascontiguousarray(codes)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), MISSING[kind][0], values)
    wrong = (values < 0) | (values > 255) | (values != np.rint(values))
    if wrong.any():
        raise _not_valid(int(np.flatnonzero(wrong)[0]), values, kind, where)
    return values.astype(np.uint8)


def _not_valid(cell: int, codes: NDArray[Any], kind: Kind, where: str, grid: Grid | None = None) -> LayerError:
    rows, cols = codes.shape
    spot = place(grid or Grid(0, rows, 1, 1, rows, cols), cell)
    return LayerError(
        f"not a direction in the code {kind}",
        value=codes.reshape(-1)[cell].item(),
        allowed=", ".join(str(c) for c in (*WINDROSE[kind], *OPEN[kind], *PITS[kind], *MISSING[kind])),
        where=f"{where}: {spot}",
    )


def place(grid: Grid, cell: int) -> str:
    """Return row, column and coordinates of a cell, as text."""
    row, col = divmod(cell, grid.cols)
    return f"row {row}, column {col} (x={grid.x[col]:.10g}, y={grid.y[row]:.10g})"


def _table(kind: Kind) -> NDArray[np.uint8]:
    table = np.full(256, kernel.INVALID, np.uint8)
    table[list(WINDROSE[kind])] = np.arange(9)
    table[list(MISSING[kind])] = kernel.MISSING
    table[list(OPEN[kind])] = kernel.OPEN
    table[list(PITS[kind])] = kernel.PIT
    return table


def decoded(codes: Codes, grid: Grid, kind: Kind, where: str = "stroomrichting") -> Flow:
    """Read valid direction codes; circles are not looked for."""
    cells = grid.rows * grid.cols
    downstream = np.empty(cells, np.int32 if cells <= SMALL else np.int64)
    step = np.empty(cells, np.uint8)
    flat = np.ascontiguousarray(codes).reshape(-1)
    wrong = kernel.decode(flat, _table(kind), grid.rows, grid.cols, downstream, step)
    if wrong >= 0:
        raise _not_valid(wrong, codes, kind, where, grid)
    lengths = (0.0, float(grid.dx), float(grid.dy), float(np.hypot(grid.dx, grid.dy)))
    return Flow(grid, Network(downstream, step, lengths))
