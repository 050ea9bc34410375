"""Answers of plans where one group of layers is moved, down and up: rekenregels section 10.

Cells come plan by plan, so that each can be moved by what its plan keeps of an error, and are scored in blocks; of a
moved group only the criteria and thresholds that look at it are found again. Sums are whole numbers, as in ``zonal``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels import scoring, zonal
from waterbodem.kernels._compile.decorators import kernel, stage
from waterbodem.kernels.combining import combine
from waterbodem.kernels.levels import make_levels
from waterbodem.kernels.moving import move_block
from waterbodem.kernels.scoring import BLOCK, MOST

Ints = NDArray[np.int64]
_LOW_MASK = (1 << zonal.SPLIT) - 1
CLASSES = 6


class Plans(NamedTuple):
    """The cells of P plans, plan by plan."""

    start: Ints  # (P + 1,) first cell of every plan
    edge: Ints  # (P,) first cell of every plan that is not covered whole; the others come before it
    cover: Ints  # (N,) coverage fraction * COVERAGE_ONE


class Touched(NamedTuple):
    """What the layers of each of G groups reach."""

    criteria: NDArray[np.bool_]  # (G, K)
    thresholds: NDArray[np.bool_]  # (G,)
    known: NDArray[np.bool_]  # (G,) whether what is known may change: a criterion of several members


class States(NamedTuple):
    """Sums per plan of V = 2 G variants: certain, with all that is unknown worst, and best."""

    sums: Ints  # (V, 3, 3, P) high and low part of coverage * score, and the coverage with a score
    classes: Ints  # (V, 3, P, CLASSES) coverage per class


#: What is kept of a block as it is while a group is moved, and the outcome for one state.
KEPT = np.dtype(
    [
        ("score", "f4", (MOST, BLOCK)),
        ("lost", "f4", (MOST, BLOCK)),
        ("known", "u1", (MOST, BLOCK)),
        ("whole", "u1", (MOST, BLOCK)),
        ("verdict", "i4", BLOCK),
        ("sure", "u1", BLOCK),  # nothing is unknown in this cell
        ("values", "f4", (3, BLOCK)),  # score, score_min, score_max
        ("codes", "u1", (3, BLOCK)),
    ],
    align=True,
)


class Room(NamedTuple):
    """Buffers for a block."""

    scoring: np.void  # of scoring.BUFFERS
    kept: np.void  # of KEPT
    sums: Ints  # (3, 3, at least the plans of a block) of the block as it is
    classes: Ints  # (3, as many, CLASSES)


def room() -> Room:
    """Return buffers for :func:`vary_cells`."""
    plans = BLOCK + 1
    return Room(
        scoring.buffers(),
        np.zeros(1, KEPT)[0],
        np.zeros((3, 3, plans), np.int64),
        np.zeros((3, plans, CLASSES), np.int64),
    )


@kernel
def sort_cells(start: Any, cell: Any, cover: Any, edge: Any, out_cell: Any, out_cover: Any) -> None:
    """Put the cells that are covered whole first in every plan, and fill in where the others begin."""
    for p in range(start.size - 1):
        whole = np.int64(0)
        for i in range(start[p], start[p + 1]):
            whole += cover[i] == zonal.COVERAGE_ONE
        at, edge[p] = start[p], start[p] + whole
        other = edge[p]
        for i in range(start[p], start[p + 1]):
            if cover[i] == zonal.COVERAGE_ONE:
                out_cell[at], out_cover[at] = cell[i], cover[i]
                at += 1
            else:
                out_cell[other], out_cover[other] = cell[i], cover[i]
                other += 1


@kernel
def take_cells(cell: Any, layer: Any, out: Any) -> None:
    """Take the cells of plans out of a layer."""
    for i in range(out.size):
        out[i] = layer[cell[i]]


@kernel
def move_plans(
    value: Any, clay: Any, percentile: Any, median: Any, start: Any, shares: Any, factors: Any, m: Any, direction: int,
    shift: Any, out: Any,
) -> None:  # fmt: skip
    """Move the cells of plans, each by what its plan keeps of an error: see ``moving.move_block``.

    ``shares`` and ``factors`` (P,) are those of every plan.
    """
    for p in range(start.size - 1):
        for a in range(start[p], start[p + 1], BLOCK):
            b = min(a + BLOCK, start[p + 1])
            move_block(
                value[a:b], clay[a:b], percentile[a:b], median[a:b], m, shares[p], factors[p], direction, shift,
                out[a:b],
            )  # fmt: skip


@stage
def _keep(k: int, n: int, w: Any, kept: Any) -> None:
    for i in range(n):
        kept.score[k, i] = w.score[k, i]
        kept.lost[k, i] = w.lost[k, i]
    for i in range(n):
        kept.known[k, i] = w.known[k, i]
        kept.whole[k, i] = w.whole[k, i]


@stage
def _restore(k: int, n: int, w: Any, kept: Any) -> None:
    for i in range(n):
        w.score[k, i] = kept.score[k, i]
        w.lost[k, i] = kept.lost[k, i]
    for i in range(n):
        w.known[k, i] = kept.known[k, i]
        w.whole[k, i] = kept.whole[k, i]


@stage
def _copy(source: Any, target: Any) -> None:
    for i in range(target.size):
        target[i] = source[i]


@stage
def _differs(k: int, n: int, w: Any, kept: Any) -> int:
    """Count cells in which a criterion is not what it was."""
    count = np.int32(0)
    for i in range(n):
        count += (w.score[k, i] != kept.score[k, i]) | (w.known[k, i] != kept.known[k, i])
    return count


@stage
def _differ(one: Any, other: Any) -> int:
    count = np.int32(0)
    for i in range(one.size):
        count += one[i] != other[i]
    return count


@stage
def _everything_known(m: Any, n: int, w: Any, sure: Any) -> int:
    """Fill in in which cells nothing is unknown; return how many."""
    for i in range(n):
        sure[i] = 1
    for k in range(m.criteria):
        for i in range(n):
            sure[i] &= w.whole[k, i]
    count = np.int32(0)
    for i in range(n):
        count += sure[i]
    return count


@stage
def _add_losses(m: Any, n: int, w: Any) -> None:
    """Add the losses of all criteria in their order, and find the worst heavy one."""
    for i in range(n):
        w.loss[i], w.worst[i] = 0, 1
    for k in range(m.criteria):
        for i in range(n):
            w.loss[i] += w.lost[k, i]
        if m.heavy[k]:
            scoring.lowest(w.score[k, :n], w.worst[:n])


@stage
def _weigh_again(m: Any, n: int, w: Any) -> None:
    for i in range(n):
        w.total[i], w.basis[i] = 0, 0
    for k in range(m.criteria):
        scoring.weigh(w.known[k, :n], k, m, w.total[:n], w.basis[:n], w.bits[:n])


@stage
def _certain(sure: Any, score: Any, klasse: Any, values: Any, codes: Any) -> None:
    """Take score and class where nothing is unknown."""
    for i in range(score.size):
        values[i] = score[i] if sure[i] else values[i]
        codes[i] = klasse[i] if sure[i] else codes[i]


@stage
def _outcome(m: Any, n: int, w: Any, order: Any, kept: Any, unknown: bool, no: Any) -> None:
    """Find score and class of a block, and both ends of them where something is unknown."""
    score, klasse = kept.values[0, :n], kept.codes[0, :n]
    out = scoring.Scores(
        score, klasse, no.bepalend, no.dekking, no.flags, no.known, kept.values[1, :n], kept.values[2, :n],
        kept.codes[1, :n], kept.codes[2, :n], no.loss,
    )  # fmt: skip
    combine(w.score, w.known, n, m, w.loss[:n], w.total[:n], order, score)
    scoring.answers(m, 0, n, w, out)
    if unknown:
        scoring.bounds_of(m, 0, n, w, order, out)
        for e in range(1, 3):
            _certain(kept.sure[:n], score, klasse, kept.values[e, :n], kept.codes[e, :n])


@stage
def _sum_scores(values: Any, codes: Any, cover: Any) -> Any:
    """Return the sum of coverage * score over assessed cells that have one, and their coverage."""
    total, known = np.int64(0), np.int64(0)
    for i in range(values.size):
        counts = (values[i] == values[i]) & (codes[i] != 0)
        v = np.float64(values[i]) if counts else 0.0
        total += np.int64(np.rint(v * zonal.VALUE_ONE)) * cover[i]
        known += cover[i] if counts else np.int64(0)
    return total, known


@stage
def _sum_code(codes: Any, code: int, cover: Any) -> int:
    total = np.int64(0)
    for i in range(codes.size):
        total += cover[i] if codes[i] == code else np.int64(0)
    return total


@stage
def _sum_whole(values: Any, codes: Any) -> Any:
    """Return the sum of scores of a block of whole cells that are assessed and have one, and how many there are."""
    total, known = np.int32(0), np.int32(0)
    for i in range(values.size):
        counts = (values[i] == values[i]) & (codes[i] != 0)
        v = values[i] if counts else np.float32(0)
        total = np.int32(total + np.int32(np.rint(v * np.float32(zonal.VALUE_ONE))))
        known = np.int32(known + counts)
    return total, known


@stage
def _count_code(codes: Any, code: int) -> int:
    count, c = np.int32(0), np.uint8(code)
    for i in range(codes.size):
        count = np.int32(count + (codes[i] == c))
    return count


@stage
def _add(total: int, known: int, first: int, after: int, p: int, sums: Any) -> None:
    for e in range(first, after):
        sums[e, 0, p] += total >> zonal.SPLIT
        sums[e, 1, p] += total & _LOW_MASK
        sums[e, 2, p] += known


@stage
def _add_whole(values: Any, codes: Any, first: int, after: int, p: int, sums: Any, classes: Any) -> None:
    """Add cells of a plan that are covered whole to its sums for some states."""
    total, known = _sum_whole(values, codes)
    _add(np.int64(total) * zonal.COVERAGE_ONE, np.int64(known) * zonal.COVERAGE_ONE, first, after, p, sums)
    for code in range(CLASSES):
        covered = np.int64(_count_code(codes, code)) * zonal.COVERAGE_ONE
        for e in range(first, after):
            classes[e, p, code] += covered


@stage
def _add_edge(values: Any, codes: Any, cover: Any, first: int, after: int, p: int, sums: Any, classes: Any) -> None:
    """Add cells of a plan that are covered in part to its sums for some states."""
    total, known = _sum_scores(values, codes, cover)
    _add(total, known, first, after, p, sums)
    for code in range(CLASSES):
        covered = _sum_code(codes, code, cover)
        for e in range(first, after):
            classes[e, p, code] += covered


@stage
def _add_block(
    plans: Any, first: int, last: int, a: int, n: int, kept: Any, unknown: bool, to: int, sums: Any, classes: Any
) -> None:
    """Add a block to sums of its plans, of which the first goes to place ``to``; of what is known states are one."""
    for p in range(first, last):
        x, y = max(plans.start[p], a) - a, min(plans.start[p + 1], a + n) - a
        z, place = min(max(plans.edge[p] - a, x), y), to + p - first
        for e in range(3 if unknown else 1):
            after = e + 1 if unknown else 3
            if x < z:
                _add_whole(kept.values[e, x:z], kept.codes[e, x:z], e, after, place, sums, classes)
            if z < y:
                cover = plans.cover[a + z : a + y]
                _add_edge(kept.values[e, z:y], kept.codes[e, z:y], cover, e, after, place, sums, classes)


@stage
def _add_same(first: int, last: int, room: Any, sums: Any, classes: Any) -> None:
    """Add the sums of a block as it is to those of a variant in which nothing differs."""
    for e in range(3):
        for p in range(first, last):
            for j in range(3):
                sums[e, j, p] += room.sums[e, j, p - first]
            for code in range(CLASSES):
                classes[e, p, code] += room.classes[e, p - first, code]


@stage
def _clear(count: int, room: Any) -> None:
    for e in range(3):
        for p in range(count):
            for j in range(3):
                room.sums[e, j, p] = 0
            for code in range(CLASSES):
                room.classes[e, p, code] = 0


@stage
def _move_group(layers: Any, m: Any, lines: Any, a: int, n: int, w: Any, kept: Any, g: int, touched: Any) -> bool:
    """Find the criteria and thresholds again that a moved group reaches; tell whether any differs."""
    make_levels(layers, m, a, n, w)
    count = 0
    for k in range(m.criteria):
        if touched.criteria[g, k]:
            scoring.criterion(layers, m, lines, k, a, n, w)
            if _differs(k, n, w, kept) > 0:
                count += 1
                scoring.tally(w.score[k, :n], k, m, w.lost[k, :n], w.loss[:n], w.most[:n])
            else:
                _copy(kept.lost[k, :n], w.lost[k, :n])
    if touched.thresholds[g]:
        for i in range(n):
            w.flags[i], w.verdict[i] = 0, 0
        scoring.thresholds(layers, m, a, n, w)
        count += _differ(w.verdict[:n], kept.verdict[:n])
    return count > 0


@stage
def _first_plan(start: Any, a: int) -> int:
    """Return the plan that a cell belongs to."""
    low, high = 0, start.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if start[middle] <= a:
            low = middle
        else:
            high = middle
    return low


@stage
def _as_it_is(layers: Any, m: Any, lines: Any, a: int, n: int, order: Any, room: Any, no: Any) -> bool:
    """Score a block as it is, and keep what thresholds say; tell whether something is unknown."""
    w, kept = room.scoring, room.kept
    scoring.reset(w)
    make_levels(layers, m, a, n, w)
    scoring.criteria(layers, m, lines, a, n, w)
    scoring.thresholds(layers, m, a, n, w)
    _copy(w.verdict[:n], kept.verdict[:n])
    unknown = _everything_known(m, n, w, kept.sure) < n
    _outcome(m, n, w, order, kept, unknown, no)
    return unknown


@stage
def _keep_group(m: Any, g: int, n: int, w: Any, kept: Any, touched: Any) -> None:
    for k in range(m.criteria):
        if touched.criteria[g, k]:
            _keep(k, n, w, kept)


@stage
def _restore_group(m: Any, g: int, n: int, w: Any, kept: Any, touched: Any) -> None:
    for k in range(m.criteria):
        if touched.criteria[g, k]:
            _restore(k, n, w, kept)
    if touched.known[g]:
        _weigh_again(m, n, w)
    _copy(kept.verdict[:n], w.verdict[:n])


@stage
def _moved_outcome(m: Any, g: int, n: int, order: Any, room: Any, unknown: bool, touched: Any, no: Any) -> None:
    """Score a block whose group was moved."""
    _add_losses(m, n, room.scoring)
    if touched.known[g]:
        _weigh_again(m, n, room.scoring)
    _outcome(m, n, room.scoring, order, room.kept, unknown, no)


@kernel
def vary_cells(
    layers: Any, moved: Any, model: Any, order: Any, plans: Any, touched: Any, room: Any, no: Any, out: Any
) -> None:
    """Add up what every variant makes of plans.

    Parameters
    ----------
    layers : int64 array (L,)
        Where the cells of layers are.
    moved : int64 array (V, L)
        The same in every variant: of each group down, then up.
    model, order
        As :func:`waterbodem.kernels.scoring.score_from` takes them.
    plans : Plans
    touched : Touched
    room : Room
    no : waterbodem.kernels.scoring.Scores
        Without cells.
    out : States
        Added to.
    """
    m, w, kept = model.numbers, room.scoring, room.kept
    for a in range(0, plans.cover.size, BLOCK):
        n = min(BLOCK, plans.cover.size - a)
        first, last = _first_plan(plans.start, a), _first_plan(plans.start, a + n - 1) + 1
        unknown = _as_it_is(layers, m, model.lines, a, n, order, room, no)
        _clear(last - first, room)
        _add_block(plans, first, last, a, n, kept, unknown, 0, room.sums, room.classes)
        for g in range(touched.thresholds.size):
            _keep_group(m, g, n, w, kept, touched)
            for v in range(2 * g, 2 * g + 2):
                if _move_group(moved[v], m, model.lines, a, n, w, kept, g, touched):
                    _moved_outcome(m, g, n, order, room, unknown, touched, no)
                    _add_block(plans, first, last, a, n, kept, unknown, first, out.sums[v], out.classes[v])
                else:
                    _add_same(first, last, room, out.sums[v], out.classes[v])
            _restore_group(m, g, n, w, kept, touched)
