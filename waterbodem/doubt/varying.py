"""Sums over plans with one group of layers moved: what the range of an answer is made of, rekenregels section 10."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.threads import each
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.uncertainty import layer_groups
from waterbodem.doubt.moving import CLAY, DOWN, EMPTY, UP, Direction, Move, moves_of, share_of
from waterbodem.engine.coverage import Footprints
from waterbodem.engine.derived import derived_of, sources_of
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.rewetting import CAUSES, rewets
from waterbodem.engine.scoring import check_codes, criterion_shares, layers_of, model_of, outputs
from waterbodem.engine.sums import ratio
from waterbodem.kernels import moving, scoring
from waterbodem.kernels import varying as kernel
from waterbodem.kernels._compile.records import places_of
from waterbodem.kernels.levels import LEVELS

Array = NDArray[Any]
Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
#: Cells of plans that are moved and scored at once: what is moved stays small whatever is asked.
PIECE = 1 << 17
#: Plans whose sums are in memory at once.
TOGETHER = 1000
DIRECTIONS: tuple[Direction, Direction] = (DOWN, UP)


@dataclass(frozen=True)
class Variants:
    """Sums over P plans of a functie, of each of G groups moved down, then up.

    Parameters
    ----------
    groups : tuple of str
        Those that reach the functie.
    sums : int64 array (2 G, 3, 3, P)
        Certain, then with all that is unknown worst, and best (second axis of one: all three are the same): high and
        low part of coverage * score, and the coverage that has one.
    classes : int64 array (2 G, 3, P, C)
        Coverage per class code.
    """

    groups: tuple[str, ...]
    sums: Integers
    classes: Integers

    @classmethod
    def none(cls, groups: Sequence[str], plans: int) -> Variants:
        """Sums of nothing."""
        count = 2 * len(groups)
        sums, classes = (count, 3, 3, plans), (count, 3, plans, kernel.CLASSES)
        return cls(tuple(groups), np.zeros(sums, np.int64), np.zeros(classes, np.int64))

    def add(self, other: Variants, plans: Integers | slice) -> None:
        """Add sums over some of the plans."""
        self.sums[..., plans] += other.sums
        self.classes[:, :, plans] += other.classes

    @property
    def short(self) -> Variants:
        """The same without both ends, where they are the certain state."""
        same = (self.sums == self.sums[:, :1]).all() and (self.classes == self.classes[:, :1]).all()
        return replace(self, sums=self.sums[:, :1], classes=self.classes[:, :1]) if same else self


@dataclass(frozen=True)
class Piece:
    """Some of the cells of plans, plan by plan.

    Parameters
    ----------
    plans : slice
        Which plans they belong to.
    cell, cover : int64 arrays (N,)
    start, edge : int64 arrays (P + 1,), (P,)
        First cell of every plan, and the first that is not covered whole; the others come before it.
    shares : float64 array (P,)
        What every plan keeps of an error.
    """

    plans: slice
    cell: Integers
    cover: Integers
    start: Integers
    edge: Integers
    shares: Doubles

    @classmethod
    def of(cls, plans: slice, cell: Integers, cover: Integers, start: Integers, shares: Doubles) -> Piece:
        """Cells in any order within their plan."""
        edge, cells, covers = np.empty(len(start) - 1, np.int64), np.empty_like(cell), np.empty_like(cover)
        kernel.sort_cells(start, cell, cover, edge, cells, covers)
        return cls(plans, cells, covers, start, edge, shares)


def pieces_of(prints: Footprints, hectares: Doubles) -> Iterator[Piece]:
    """Yield the cells of plans in pieces; every plan touches a cell."""
    shares = np.array([share_of(ha) for ha in hectares])
    for a in range(0, len(prints.cell), PIECE):
        b = min(a + PIECE, len(prints.cell))
        first, last = np.searchsorted(prints.start, [a, b - 1], side="right") - 1
        plans = slice(int(first), int(last) + 1)
        start = np.clip(prints.start[first : last + 2], a, b) - a
        yield Piece.of(plans, prints.cell[a:b], prints.cover[a:b], start, shares[plans])


def reach_of(functie: Functie, group: Iterable[str], present: Sequence[str]) -> set[str]:
    """Return the layers that a functie meets in another state where those of a group are moved."""
    found = set(group)
    found |= {n for n in derived_of(present) if found.intersection(sources_of(n))}
    return found | set(LEVELS) if rewets(functie) and found.intersection(CAUSES) else found


@dataclass(frozen=True)
class Asked:
    """A functie as the kernel takes it, with what every group reaches of it."""

    functie: Functie
    model: scoring.Model
    groups: tuple[str, ...]
    touched: kernel.Touched

    @classmethod
    def of(cls, functie: Functie, present: Sequence[str], method: tuple[str, float | None]) -> Asked:
        """A functie on layers present."""
        parts, limits = criterion_shares(functie, present), [t.laag for t in functie.drempels]
        held = {g: [n for n in kind.lagen if n in present] for g, kind in layer_groups().items()}
        reach = {g: reach_of(functie, names, present) for g, names in held.items() if names}
        criteria = {g: [not r.isdisjoint(p.members) for p in parts] for g, r in reach.items()}
        groups = [g for g, r in reach.items() if any(criteria[g]) or not r.isdisjoint(limits)]
        many = [len(p.members) > 1 for p in parts]
        touched = kernel.Touched(
            np.array([criteria[g] for g in groups], np.bool_).reshape(len(groups), len(parts)),
            np.array([not reach[g].isdisjoint(limits) for g in groups], np.bool_),
            np.array([any(np.logical_and(criteria[g], many)) for g in groups], np.bool_),
        )
        return cls(functie, model_of(functie, present, *method), tuple(groups), touched)


@dataclass(frozen=True)
class Moved:
    """Layers on a piece of plans as they are, and moved by group and direction; arrays (N,)."""

    piece: Piece
    layers: Mapping[str, Floats]
    variants: Mapping[tuple[str, Direction], Mapping[str, Floats]]

    @classmethod
    def of(cls, cells: LayerSet, piece: Piece, used: Sequence[str], groups: Iterable[str]) -> Moved:
        """Take the cells of a piece out of layers, and move them by group."""
        layers = {n: _taken(cells.present[n], piece) for n in used}
        moves = {g: moves_of(layers, cells.doubts, g) for g in groups}
        clay = _taken(cells.present[CLAY], piece) if CLAY in cells.present else EMPTY
        variants = {
            (g, d): {m.layer: _moved(m, layers[m.layer], clay, piece, d) for m in some}
            for g, some in moves.items()
            for d in DIRECTIONS
        }
        return cls(piece, layers, variants)

    def places(self, group: str = "", direction: Direction = UP) -> Integers:
        """Return where the cells of all layers that the rules know are, in a variant."""
        layers = {**self.layers, **self.variants.get((group, direction), {})}
        return places_of([layers.get(n, EMPTY) for n in registry.layer_kinds()], len(self.piece.cell))


def _taken(layer: Floats, piece: Piece) -> Floats:
    out = np.empty(len(piece.cell), np.float32)
    kernel.take_cells(piece.cell, layer.reshape(-1), out)
    return out


def _moved(move: Move, value: Floats, clay: Floats, piece: Piece, direction: Direction) -> Floats:
    percentile, median = move.percentile(direction), move.doubt.median
    to = EMPTY if percentile is None else _taken(percentile, piece)
    own = value if median is None or percentile is None else _taken(median, piece)
    factors = np.array([move.factor(direction, float(share)) for share in piece.shares])
    out, room = np.empty_like(value), np.empty(moving.BLOCK)
    given = (value, clay if move.on_clay else EMPTY, to, own if to.size else EMPTY)
    kernel.move_plans(*given, piece.start, piece.shares, factors, move.record, direction, room, out)
    return out


def _sums(asked: Asked, moved: Moved) -> Variants:
    """Return what every variant of a functie makes of a piece."""
    states = Variants.none(asked.groups, moved.piece.start.size - 1)
    places = [moved.places(g, d) for g in asked.groups for d in DIRECTIONS]
    kernel.vary_cells(
        moved.places(),
        np.array(places, np.int64).reshape(len(places), -1 if places else 0),
        asked.model,
        scoring.order_of(asked.model),
        kernel.Plans(moved.piece.start, moved.piece.edge, moved.piece.cover),
        asked.touched,
        kernel.room(),
        scoring.Scores(**outputs((0,), ())),
        kernel.States(states.sums, states.classes),
    )
    return states


def sets_of(plans: int) -> Iterator[Integers]:
    """Yield the places of so many plans, as many at a time as sums are made of together."""
    for first in range(0, plans, TOGETHER):
        yield np.arange(first, min(first + TOGETHER, plans), dtype=np.int64)


def variants_of(cells: LayerSet, prints: Footprints, hectares: Doubles, asked: Sequence[Asked]) -> list[Variants]:
    """Return per functie the sums over plans with every group moved, down and up.

    Parameters
    ----------
    cells : LayerSet
        On the block of the footprints; its present layers are moved.
    prints : Footprints
    hectares : float64 array (P,)
        Size of every plan, also of what lies outside the block.
    asked : sequence of Asked
    """
    for a in asked:
        check_codes(a.functie, cells.present)
    used = layers_of(*(a.functie for a in asked), present=list(cells.present))
    names = [n for n in cells.present if n in used]
    groups = list(dict.fromkeys(g for a in asked for g in a.groups))
    touching = np.flatnonzero(np.diff(prints.start))
    some, found = prints.some(touching), [Variants.none(a.groups, len(hectares)) for a in asked]

    def work(piece: Piece) -> tuple[Piece, list[Variants]]:
        moved = Moved.of(cells, piece, names, groups)
        return piece, [_sums(a, moved) for a in asked]

    for piece, sums in each(work, list(pieces_of(some, hectares[touching]))):
        for one, out in zip(sums, found, strict=True):
            out.add(one, touching[piece.plans])
    return found


def error_of(cells: LayerSet, prints: Footprints, hectares: Doubles, group: str) -> tuple[str, Doubles, bool]:
    """Return how large an error of a group is over plans: by which layer, how much (P,), and whether by a factor.

    The layer is the first of the group in the data; the error its mean over the known cells, up and down alike.
    """
    move = moves_of(cells.present, cells.doubts, group)[0]
    if move.factor(UP, 1.0):
        return move.layer, np.array([move.factor(UP, share_of(ha)) for ha in hectares]), True
    touching = np.flatnonzero(np.diff(prints.start))
    total, known = np.zeros(len(hectares)), np.zeros(len(hectares))
    for piece in pieces_of(prints.some(touching), hectares[touching]):
        moved = Moved.of(cells, piece, [move.layer], [group])
        down, up = (moved.variants[group, d][move.layer].astype(np.float64) for d in DIRECTIONS)
        counts, plans = np.isfinite(up), np.repeat(touching[piece.plans], np.diff(piece.start))
        np.add.at(total, plans[counts], (np.abs(up[counts] - down[counts]) / 2) * piece.cover[counts])
        np.add.at(known, plans[counts], piece.cover[counts])
    return move.layer, ratio(total, known), False
