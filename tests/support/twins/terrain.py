"""Section 6, surface water: levels that count, filled depressions, and what D8 may and may not do with them."""

from __future__ import annotations

import itertools
import math

from tests.support.twins.numbers import unknown

STEPS = [(i, j) for i, j in itertools.product((-1, 0, 1), repeat=2) if (i, j) != (0, 0)]


def neighbours(cell, shape):
    """The cells around a cell; fewer than eight at the edge of the grid."""
    around = [(cell[0] + i, cell[1] + j) for i, j in STEPS]
    return [(i, j) for i, j in around if 0 <= i < shape[0] and 0 <= j < shape[1]]


def levels(height, water, shape):
    """Level of every cell that takes part: open water of unknown level takes that of its lowest known neighbour."""
    found = {cell: z for cell, z in height.items() if not unknown(z)}
    missing = {cell for cell in height if water.get(cell) == 1 and cell not in found}
    while missing:
        ring = {c: [found[n] for n in neighbours(c, shape) if n in found] for c in missing}
        new = {c: min(z) for c, z in ring.items() if z}
        if not new:
            break
        found.update(new)
        missing -= set(new)
    return found


def outside(level, shape):
    """Cells without a level that are joined to the edge of the grid; the other ones are walls."""
    empty = {c for c in itertools.product(range(shape[0]), range(shape[1])) if c not in level}
    found = {c for c in empty if len(neighbours(c, shape)) < 8}
    grown = set(found)
    while grown:
        grown = {n for c in grown for n in neighbours(c, shape) if n in empty} - found
        found |= grown
    return found


def outlets(level, water, shape):
    """Cells where water may leave or end: the edge of the data, and open water."""
    beyond = outside(level, shape)
    edge = {c for c in level if len(neighbours(c, shape)) < 8 or beyond & set(neighbours(c, shape))}
    return edge | {c for c in level if water.get(c) == 1}


def filled(level, water, shape):
    """Level to which water rises before it flows to an outlet: the lowest highest point of all ways out."""
    open_ = outlets(level, water, shape)
    found = {c: z if c in open_ else math.inf for c, z in level.items()}
    changed = True
    while changed:
        changed = False
        for c in level:
            way = min((found[n] for n in neighbours(c, shape) if n in level), default=math.inf)
            new = min(found[c], max(level[c], way))
            changed, found[c] = changed or new < found[c], new
    return found


def slope(surface, a, b):
    return (surface[a] - surface[b]) / math.dist(a, b)


def broken_rules(downstream, height, water, shape):
    """What a network does that D8 on filled ground may not; ties and flats are free. None downstream: it leaves."""
    level = levels(height, water, shape)
    surface, open_ = filled(level, water, shape), outlets(level, water, shape)
    found = []
    for c in level:
        if water.get(c) == 1:
            continue
        y, around = downstream.get(c), [n for n in neighbours(c, shape) if n in level]
        if y is None:
            if c not in open_ and surface[c] < math.inf:
                found.append(f"{c} leaves inside the data")
            continue
        steepest = max(slope(surface, c, n) for n in around)
        if y not in around or slope(surface, c, y) < steepest - 1e-9:
            found.append(f"{c} drains to {y}, not down the steepest slope")
    return found
