"""How far a change of the groundwater reaches, cell by cell, and where nature is protected: what a receiver tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.receiving import Reach, ReachTable, reach_table, reception_rules
from waterbodem.engine.layer_set import Floats
from waterbodem.receivers.land import Land

Codes = NDArray[np.uint8]

#: Bit of a code that tells protected nature; the others are the number of the situation.
PROTECTED = np.uint8(128)
#: Rows and columns of the blocks that layers are read in: each once, and only where a plan comes near.
TILE = 512


@dataclass(frozen=True)
class Ground:
    """What the ground of a receiving cell is.

    Attributes
    ----------
    table : ReachTable
        The situations.
    codes : callable
        Takes a block of the data, gives uint8 (rows, cols): number of the situation, plus PROTECTED in a cell whose
        nature asks for a test of its own.
    """

    table: ReachTable
    codes: Callable[[Grid], Codes] = field(repr=False)

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Lambda of every situation [m]."""
        return np.array(self.table.lengths)

    @property
    def rows(self) -> tuple[str, ...]:
        """Id of every situation."""
        return tuple(s.id for s in self.table.situaties)

    def situations(self, block: Grid) -> Codes:
        """Return the number of the situation of every cell of a block."""
        return self.codes(block) & ~PROTECTED

    def protected(self, block: Grid) -> NDArray[np.bool_]:
        """Tell where on a block nature is protected enough to ask for a test of its own."""
        return np.asarray(self.codes(block) & PROTECTED, np.bool_)


def even_ground(reach: float) -> Ground:
    """Return ground with one lambda [m] everywhere, and no protected nature."""
    return Ground(reach_table(reach), _no_codes)


def ground_of(land: Land, reach: Reach) -> Ground:
    """Return the ground of land; a layer is read where and when it is asked for, every cell of it once.

    Parameters
    ----------
    land : Land
    reach : float, "situatie" or ReachTable
        One length, the package's table of situations, or a user's own.

    Raises
    ------
    ArgumentError
        If a number is not positive, or a word is unknown.
    """
    table = reach_table(reach)
    names = [n for n in dict.fromkeys((*table.layers, "natuur")) if n in land]
    return Ground(table, _Codes(table, land, names))


@dataclass(frozen=True)
class _Codes:
    """Codes of land, coded by tiles of which each is made once."""

    table: ReachTable
    land: Land
    names: Sequence[str]
    held: dict[tuple[int, int], Codes] = field(default_factory=dict, repr=False)

    def __call__(self, block: Grid) -> Codes:
        found = np.zeros(block.shape, np.uint8)
        if self.names and found.size:
            for row, col in _tiles(self.land.grid, block):
                part = _tile(self.land.grid, row, col)
                found[block.slices(part)] = self._tile(row, col)[part.slices(block)]
        return found

    def _tile(self, row: int, col: int) -> Codes:
        if (row, col) not in self.held:
            part = _tile(self.land.grid, row, col)
            self.held[row, col] = coded(self.table, self.land.read(part, self.names), part.shape)
        return self.held[row, col]


def _no_codes(block: Grid) -> Codes:
    return np.zeros(block.shape, np.uint8)


def _tiles(grid: Grid, block: Grid) -> Iterable[tuple[int, int]]:
    rows, cols = (range(s.start // TILE, -(-s.stop // TILE)) for s in grid.slices(block))
    return product(rows, cols)


def _tile(grid: Grid, row: int, col: int) -> Grid:
    return grid.part(slice(row * TILE, (row + 1) * TILE), slice(col * TILE, (col + 1) * TILE))


def coded(table: ReachTable, layers: Mapping[str, Floats], shape: tuple[int, ...]) -> Codes:
    """Return the code of every cell; the first situation that holds wins."""
    found = np.zeros(shape, np.uint8)
    for number, situation in reversed(list(enumerate(table.situaties))):
        found[_holds(situation.als, layers, shape)] = number
    nature = layers.get("natuur")
    if nature is not None:
        found[nature >= np.float32(reception_rules().value("voortoets_natuur"))] |= PROTECTED
    return found


def _holds(bounds: Iterable[Any], layers: Mapping[str, Floats], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell where every condition holds; never on an unknown layer."""
    found = np.ones(shape, dtype=bool)
    for bound in bounds:
        values = layers.get(bound.laag)
        if values is None:
            return np.zeros(shape, dtype=bool)
        low = -math.inf if bound.min is None else bound.min
        high = math.inf if bound.max is None else bound.max
        found &= (values >= np.float32(low)) & (values <= np.float32(high))
    return found
