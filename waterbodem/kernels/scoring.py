"""Scores, classes and flags of cells: rekenregels sections 2 to 4, in one pass.

Cells come as flat float32 arrays and are taken in blocks that stay in the fastest cache; every step is a plain loop
over a block that the compiler turns into vector instructions. Only +, -, *, / and comparisons are used, so a cell's
answer does not depend on where in a block it lies, nor on the machine.
Scores of unknown criteria stand as 1 in the buffers: they then add no loss and never are the worst.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from waterbodem.kernels._jit import kernel, part

BLOCK = 1024
#: Curves hold a multiple of this many points, filled up with points at +inf.
STEP = 3
GEOMETRIC, MEAN, MINIMUM, OWA = range(4)
NO_CRITERION = 255
#: Index of a layer that is not in the data: a basic one is unknown, an optional one takes no part.
MISSING, ABSENT = -1, -2
#: Parts of a verdict: 1 + the criterion that a threshold names, and whether the cell is excluded.
NAME, EXCLUDED = np.int32(511), np.int32(512)

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Model(NamedTuple):
    """What a functie asks of the layers at hand, as arrays.

    K criteria, M members (more than one to a criterion in a group), P curve points, T thresholds.
    """

    weight: Floats  # (K,) sum 1
    basic: Floats  # (K,) share of the basic weight that is basic; sum 1
    heavy: NDArray[np.bool_]  # (K,) caps the class, and counts for the minimum
    first: Ints  # (K + 1,) first member of each criterion
    layer: Ints  # (M,) index of the layer, -1 = not in the data
    absent: Floats  # (M,) score where the value is +inf; NaN for a layer that cannot be absent
    last_x: Floats  # (M,) constant from this value on
    last_y: Floats  # (M,)
    point: Ints  # (M + 1,) first curve point of each member
    x: Floats  # (P,)
    y: Floats  # (P,)
    slope: Floats  # (P,) of the line from this point to the next
    t_layer: Ints  # (T,) MISSING = basic but not in the data, ABSENT = takes no part
    t_low: Floats  # (T,) fires from here
    t_high: Floats  # (T,) up to here
    t_verdict: NDArray[np.int32]  # (T,) what it says where it fires; 0 = attention only
    borders: Floats  # (C,) lowest score of class 1, 2, ..; the last class has none
    method: np.int64
    power: np.float64  # of the ordered weights
    floor: np.float32
    known_min: np.float32
    group_known: np.float32
    margin: np.float32


class Scores(NamedTuple):
    """Where the results go, one value a cell; an empty array is not filled."""

    score: Floats
    klasse: NDArray[np.uint8]
    bepalend: NDArray[np.uint8]
    dekking: Floats
    flags: NDArray[np.uint16]
    known: NDArray[np.uint16]  # bit k: criterion k is known
    score_min: Floats
    score_max: Floats
    klasse_min: NDArray[np.uint8]  # if all that is unknown turned out worst
    klasse_max: NDArray[np.uint8]
    loss: Floats  # (K + 1, n) or (K + 1, 0): share of 1 - score per criterion, last: exclusion


@intrinsic  # type: ignore[misc]
def _bits(_context: Any, _x: Any) -> Any:
    """Return the 32 bits of a float32 as an int32."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), build


@intrinsic  # type: ignore[misc]
def _float(_context: Any, _x: Any) -> Any:
    """The float32 that 32 bits stand for."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), build


@intrinsic  # type: ignore[misc]
def _fma(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """A * b + c rounded once: the same bits in every lane and on every machine."""

    def build(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float32(types.float32, types.float32, types.float32), build


@part
def log(x: np.float32) -> np.float32:
    """Natural logarithm of a positive normal float32; exactly 0 at 1. After Cephes (S. Moshier)."""
    bits = _bits(x)
    e = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    f = _float(bits - (e << np.int32(23))) - np.float32(1)
    n = np.float32(e)
    p = np.float32(7.0376836292e-2)
    p = _fma(p, f, np.float32(-1.1514610310e-1))
    p = _fma(p, f, np.float32(1.1676998740e-1))
    p = _fma(p, f, np.float32(-1.2420140846e-1))
    p = _fma(p, f, np.float32(1.4249322787e-1))
    p = _fma(p, f, np.float32(-1.6668057665e-1))
    p = _fma(p, f, np.float32(2.0000714765e-1))
    p = _fma(p, f, np.float32(-2.4999993993e-1))
    p = _fma(p, f, np.float32(3.3333331174e-1))
    z = f * f
    tail = _fma(p * f, z, n * np.float32(-2.12194440e-4))
    tail = _fma(np.float32(-0.5), z, tail)
    return _fma(n, np.float32(0.693359375), f + tail)


@part
def exp(x: np.float32) -> np.float32:
    """E to the power x, for -80 <= x <= 0; exactly 1 at 0. After Cephes (S. Moshier)."""
    n = _fma(x, np.float32(1.44269504088896341), np.float32(12582912.0)) - np.float32(12582912.0)
    r = _fma(n, np.float32(-0.693359375), x)
    r = _fma(n, np.float32(2.12194440e-4), r)
    p = np.float32(1.9875691500e-4)
    p = _fma(p, r, np.float32(1.3981999507e-3))
    p = _fma(p, r, np.float32(8.3334519073e-3))
    p = _fma(p, r, np.float32(4.1665795894e-2))
    p = _fma(p, r, np.float32(1.6666665459e-1))
    p = _fma(p, r, np.float32(5.0000001201e-1))
    y = _fma(p * r, r, r) + np.float32(1)
    return y * _float((np.int32(n) + np.int32(127)) << np.int32(23))


@part
def _copy(source: Any, target: Any) -> None:
    for i in range(target.size):
        target[i] = source[i]


@part
def _segments(v: Any, x: Any, y: Any, slope: Any, j: int, score: Any) -> None:
    """Put cells beyond points j, j + 1 and j + 2 on the lines that start there."""
    xa, ya, ka = x[j], y[j], slope[j]
    xb, yb, kb = x[j + 1], y[j + 1], slope[j + 1]
    xc, yc, kc = x[j + 2], y[j + 2], slope[j + 2]
    for i in range(v.size):
        s = _fma(ka, v[i] - xa, ya) if v[i] > xa else score[i]
        s = _fma(kb, v[i] - xb, yb) if v[i] > xb else s
        score[i] = _fma(kc, v[i] - xc, yc) if v[i] > xc else s


@part
def _curve(v: Any, x: Any, y: Any, slope: Any, score: Any) -> None:
    """Linear between points, constant before the first; exact at every point."""
    for i in range(v.size):
        score[i] = y[0]
    for j in range(0, x.size, STEP):
        _segments(v, x, y, slope, j, score)


@part
def _ends(v: Any, x: Any, y: Any, absent: Any, known: Any, score: Any) -> None:
    """Constant from the last point on, ``absent`` at +inf (NaN: unknown there); unknown scores become 1."""
    for i in range(v.size):
        outer = absent if v[i] == np.float32(np.inf) else y
        s = outer if v[i] >= x else score[i]
        ok = (s == s) & (v[i] > np.float32(-np.inf))
        score[i] = s if ok else np.float32(1)
        known[i] = ok


@part
def _join(best: Any, known: Any, whole: Any, other: Any, other_known: Any) -> None:
    """Take one more member into a group: best of the known, ``whole`` while all are known."""
    for i in range(best.size):
        mine = best[i] if known[i] else np.float32(-1)
        his = other[i] if other_known[i] else np.float32(-1)
        best[i] = mine if mine > his else his
        known[i] = known[i] | other_known[i]
        whole[i] = whole[i] & other_known[i]


@part
def _settle(best: Any, known: Any, whole: Any, enough: Any) -> None:
    """A group is known if all members are, or if its best is good enough already."""
    for i in range(best.size):
        ok = whole[i] | (known[i] & (best[i] >= enough))
        known[i] = ok
        best[i] = best[i] if ok else np.float32(1)


@part
def _threshold(v: Any, low: Any, high: Any, t: int, named: Any, flags: Any, verdict: Any) -> None:
    """Where low <= v <= high, set flag t; the first that names a criterion keeps its say.

    ``verdict`` holds 0, or 1 + criterion, with EXCLUDED added where the cell is excluded.
    """
    bit, out = np.int32(1 << t), named & EXCLUDED
    for i in range(v.size):
        fired = (v[i] >= low) & (v[i] <= high)
        add = named if (verdict[i] & NAME) == 0 else out
        flags[i] |= bit if fired else np.int32(0)
        verdict[i] |= add if fired else np.int32(0)


@part
def _tally(score: Any, k: int, m: Any, own: Any, loss: Any, most: Any, limiting: Any) -> None:
    """Keep and add the loss of criterion k, and see whether it is the largest so far."""
    w, floor, margin, number = m.weight[k], m.floor, m.margin, np.int32(k)
    for i in range(score.size):
        s = score[i] if score[i] > floor else floor
        lost = w * -log(s)
        own[i] = lost
        loss[i] += lost
        more = lost > most[i] + margin
        most[i] = lost if more else most[i]
        limiting[i] = number if more else limiting[i]


@part
def _weigh(known: Any, k: int, m: Any, total: Any, basis: Any, bits: Any) -> None:
    """Add what is known of criterion k to the weight, the basic weight and the bit mask."""
    w, b, bit = m.weight[k], m.basic[k], np.uint16(1 << k)
    for i in range(known.size):
        total[i] += w if known[i] else np.float32(0)
        basis[i] += b if known[i] else np.float32(0)
        bits[i] |= bit if known[i] else np.uint16(0)


@part
def _lowest(score: Any, worst: Any) -> None:
    for i in range(score.size):
        worst[i] = score[i] if score[i] < worst[i] else worst[i]


@part
def _geometric(loss: Any, total: Any, out: Any) -> None:
    for i in range(out.size):
        w = total[i] if total[i] > np.float32(0) else np.float32(1)
        out[i] = exp(-loss[i] / w) if total[i] > np.float32(0) else np.float32(np.nan)


@part
def _loss_of(lost: Any, sure: Any, value: Any, n: int, m: Any, loss: Any) -> None:
    """Loss of all criteria together, those that are not sure at ``value``."""
    for i in range(n):
        loss[i] = np.float32(0)
    for k in range(m.weight.size):
        other = m.weight[k] * -log(value if value > m.floor else m.floor)
        for i in range(n):
            loss[i] += lost[k, i] if sure[k, i] else other


@part
def _mean(score: Any, known: Any, n: int, m: Any, total: Any, out: Any) -> None:
    for i in range(n):
        out[i] = np.float32(0)
    for k in range(m.weight.size):
        w = m.weight[k]
        for i in range(n):
            out[i] += w * score[k, i] if known[k, i] else np.float32(0)
    for i in range(n):
        out[i] = out[i] / total[i] if total[i] > np.float32(0) else np.float32(np.nan)


@part
def _minimum(score: Any, known: Any, n: int, m: Any, out: Any) -> None:
    """The lowest among heavy criteria, where none of those is known among all."""
    for i in range(n):
        heavy, light = np.float32(2), np.float32(2)
        for k in range(m.weight.size):
            if known[k, i]:
                light = min(light, score[k, i])
                heavy = min(heavy, score[k, i]) if m.heavy[k] else heavy
        low = heavy if heavy <= np.float32(1) else light
        out[i] = low if low <= np.float32(1) else np.float32(np.nan)


@part
def _sorted_known(score: Any, known: Any, i: int, order: Any) -> int:
    """Fill ``order`` with the known criteria of cell i, best first; return how many."""
    n = 0
    for k in range(known.shape[0]):
        if known[k, i]:
            j = n
            while j > 0 and score[order[j - 1], i] < score[k, i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = k
            n += 1
    return n


@part
def _owa(score: Any, known: Any, n: int, m: Any, order: Any, out: Any) -> None:
    """Ordered weighted average: order weights from the cumulative weights to a power."""
    for i in range(n):
        count = _sorted_known(score, known, i, order)
        total = 0.0
        for j in range(count):
            total += np.float64(m.weight[order[j]])
        value, reached, before = 0.0, 0.0, 0.0
        for j in range(count):
            reached += np.float64(m.weight[order[j]])
            share = 1.0 if j == count - 1 else (reached / total) ** m.power
            value += (share - before) * np.float64(score[order[j], i])
            before = share
        out[i] = np.float32(value) if count > 0 else np.float32(np.nan)


@part
def _otherwise(score: Any, known: Any, n: int, m: Any, total: Any, order: Any, out: Any) -> None:
    """The score of n cells by another method than the geometric mean."""
    if m.method == MEAN:
        _mean(score, known, n, m, total, out)
    elif m.method == MINIMUM:
        _minimum(score, known, n, m, out)
    else:
        _owa(score, known, n, m, order, out)


@part
def _combine(score: Any, known: Any, n: int, m: Any, loss: Any, total: Any, order: Any, out: Any) -> None:
    """The score of n cells by the method of the model; ``order`` is None for the geometric mean."""
    if order is None:
        _geometric(loss[:n], total[:n], out)
    else:
        _otherwise(score, known, n, m, total, order, out)


@part
def _fill(score: Any, sure: Any, value: Any, n: int, out: Any) -> None:
    """Copy scores, with ``value`` where they are not sure."""
    for k in range(score.shape[0]):
        for i in range(n):
            out[k, i] = score[k, i] if sure[k, i] else value


@part
def _exclude(verdict: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.float32(0) if verdict[i] >= EXCLUDED else out[i]


@part
def _two_borders(score: Any, one: Any, other: Any, out: Any) -> None:
    for i in range(score.size):
        step = np.int32(1) if score[i] >= one else np.int32(0)
        out[i] -= step + (np.int32(1) if score[i] >= other else np.int32(0))


@part
def _classify(score: Any, borders: Any, margin: Any, out: Any) -> None:
    """Rank of a score: 1 = best; NaN ranks last."""
    worst = np.int32(borders.size + 1)
    for i in range(score.size):
        out[i] = worst
    for j in range(0, borders.size - 1, 2):
        _two_borders(score, borders[j] - margin, borders[j + 1] - margin, out)
    if borders.size % 2:
        _two_borders(score, borders[borders.size - 1] - margin, np.float32(np.inf), out)


@part
def _answer(own: Any, worst: Any, basis: Any, verdict: Any, m: Any, out: Any) -> None:
    """Cap by the worst criterion, X where too little is known, the last class where a threshold says so."""
    last, margin, known_min = np.int32(m.borders.size + 1), m.margin, m.known_min
    for i in range(out.size):
        capped = worst[i] - np.int32(1)
        rank = capped if capped > own[i] else own[i]
        rank = rank if basis[i] + margin >= known_min else np.int32(0)
        out[i] = np.uint8(last if verdict[i] > 0 else rank)


@part
def _limit(limiting: Any, verdict: Any, out: Any) -> None:
    """The criterion that limits: of the first deciding threshold, else of the largest loss."""
    for i in range(out.size):
        named = (verdict[i] & NAME) - np.int32(1)
        out[i] = np.uint8(named if verdict[i] > 0 else limiting[i])


class Block(NamedTuple):
    """Buffers for one block of cells, so that nothing is allocated per cell."""

    score: Floats  # (K, BLOCK)
    known: NDArray[np.bool_]  # (K, BLOCK)
    whole: NDArray[np.bool_]  # (K, BLOCK) all members of the group are known
    filled: Floats  # (K, BLOCK)
    lost: Floats  # (K, BLOCK) weighted log loss
    extra: Floats
    extra_known: NDArray[np.bool_]
    missing: Floats
    loss: Floats
    total: Floats
    basis: Floats
    most: Floats
    worst: Floats
    ones: Floats
    limiting: NDArray[np.int32]
    bits: NDArray[np.uint16]
    flags: NDArray[np.int32]
    verdict: NDArray[np.int32]
    dread: NDArray[np.int32]  # verdict if every unknown turned out worst
    own: NDArray[np.int32]
    cap: NDArray[np.int32]
    sure: NDArray[np.bool_]  # (K, BLOCK) all True


def buffers(count: int) -> Block:
    """Return buffers for a model of so many criteria."""
    return Block(
        np.empty((count, BLOCK), np.float32),
        np.empty((count, BLOCK), np.bool_),
        np.empty((count, BLOCK), np.bool_),
        np.empty((count, BLOCK), np.float32),
        np.empty((count, BLOCK), np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.bool_),
        np.full(BLOCK, np.nan, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
        np.ones(BLOCK, np.float32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.uint16),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.ones((count, BLOCK), np.bool_),
    )


@part
def _reset(w: Block) -> None:
    for i in range(BLOCK):
        w.loss[i], w.total[i], w.basis[i] = 0, 0, 0
    for i in range(BLOCK):
        w.most[i], w.worst[i] = 0, 1
    for i in range(BLOCK):
        w.limiting[i], w.flags[i], w.verdict[i] = NO_CRITERION, 0, 0
    for i in range(BLOCK):
        w.bits[i] = 0


@part
def _value(v: Any, m: Model, j: int, known: Any, score: Any) -> None:
    """Score member j from the values of its layer."""
    p, q = m.point[j], m.point[j + 1]
    _curve(v, m.x[p:q], m.y[p:q], m.slope[p:q], score)
    _ends(v, m.last_x[j], m.last_y[j], m.absent[j], known, score)


@part
def _criterion(layers: Any, m: Model, k: int, a: int, n: int, w: Block) -> None:
    """Score criterion k for n cells from cell a on: its first member, then the others of its group."""
    score, known, whole = w.score[k, :n], w.known[k, :n], w.whole[k, :n]
    first, after = m.first[k], m.first[k + 1]
    for j in range(first, after):
        v = layers[m.layer[j]][a : a + n] if m.layer[j] >= 0 else w.missing[:n]
        if j == first:
            _value(v, m, j, known, score)
            _copy(known, whole)
        else:
            _value(v, m, j, w.extra_known[:n], w.extra[:n])
            _join(score, known, whole, w.extra[:n], w.extra_known[:n])
    if after - first > 1:
        _settle(score, known, whole, m.group_known - m.margin)


@part
def _criteria(layers: Any, m: Model, a: int, n: int, w: Block) -> None:
    for k in range(m.weight.size):
        _criterion(layers, m, k, a, n, w)
        _tally(w.score[k, :n], k, m, w.lost[k], w.loss, w.most, w.limiting)
        _weigh(w.known[k, :n], k, m, w.total, w.basis, w.bits)
        if m.heavy[k]:
            _lowest(w.score[k, :n], w.worst)


@part
def _thresholds(layers: Any, m: Model, a: int, n: int, w: Block) -> None:
    for t in range(m.t_layer.size):
        if m.t_layer[t] >= 0:
            v = layers[m.t_layer[t]][a : a + n]
            _threshold(v, m.t_low[t], m.t_high[t], t, m.t_verdict[t], w.flags, w.verdict)


@part
def _worst_verdict(layers: Any, m: Model, a: int, n: int, w: Block) -> None:
    """The verdict if every unknown layer crossed the thresholds that decide."""
    _copy(w.verdict, w.dread)
    for t in range(m.t_layer.size):
        if m.t_verdict[t] > 0 and m.t_layer[t] != ABSENT:
            v = layers[m.t_layer[t]][a : a + n] if m.t_layer[t] >= 0 else w.missing[:n]
            for i in range(n):
                w.dread[i] |= m.t_verdict[t] if v[i] != v[i] else np.int32(0)


@part
def _losses(m: Model, n: int, score: Any, w: Block, a: int, out: Any) -> None:
    """Share of 1 - score by weighted log loss; all to the last row where a threshold excludes."""
    last = m.weight.size
    for k in range(last):
        for i in range(n):
            part = w.lost[k, i] / w.loss[i] if w.loss[i] > np.float32(0) else np.float32(0)
            lost = (np.float32(1) - score[i]) * part + np.float32(0)
            out[k, a + i] = np.float32(0) if w.verdict[i] >= EXCLUDED else lost
    for i in range(n):
        out[last, a + i] = np.float32(1) if w.verdict[i] >= EXCLUDED else np.float32(0)


@part
def _bound(sure: Any, value: Any, n: int, m: Model, w: Block, order: Any, out: Any) -> None:
    """The score with ``value`` for every criterion that is not sure."""
    _fill(w.score, sure, value, n, w.filled)
    _loss_of(w.lost, sure, value, n, m, w.loss)
    _combine(w.filled, w.sure, n, m, w.loss, w.ones, order, out)


@part
def _bound_class(m: Model, n: int, w: Block, verdict: Any, score: Any, out: Any) -> None:
    """The class of a bound: everything counts as known."""
    for i in range(n):
        w.worst[i] = np.float32(1)
    for k in range(m.weight.size):
        if m.heavy[k]:
            _lowest(w.filled[k, :n], w.worst)
    _classify(score, m.borders, m.margin, w.own)
    _classify(w.worst[:n], m.borders, m.margin, w.cap)
    _answer(w.own, w.cap, w.ones, verdict, m, out)


@part
def _all_true(sure: Any, n: int) -> bool:
    """Tell whether everything is known in the first n cells."""
    for k in range(sure.shape[0]):
        count = 0
        for i in range(n):
            count += sure[k, i]
        if count < n:
            return False
    return True


@part
def _answers(m: Model, a: int, n: int, w: Block, out: Scores) -> None:
    """Turn the score of n cells into class, limiting criterion and the rest of the answer."""
    b = a + n
    s = out.score[a:b]
    if out.klasse.size:
        _classify(s, m.borders, m.margin, w.own)
        _classify(w.worst[:n], m.borders, m.margin, w.cap)
        _answer(w.own, w.cap, w.basis, w.verdict, m, out.klasse[a:b])
    _exclude(w.verdict, s)
    if out.bepalend.size:
        _limit(w.limiting, w.verdict, out.bepalend[a:b])
    if out.dekking.size:
        _copy(w.total[:n], out.dekking[a:b])
    if out.flags.size:
        _copy(w.flags[:n], out.flags[a:b])
    if out.known.size:
        _copy(w.bits[:n], out.known[a:b])


@part
def _bounds(layers: Any, first: int, m: Model, a: int, n: int, w: Block, order: Any, out: Scores) -> None:
    """Losses of n cells, and what their score and class could be; ``first`` is where they start in the layers."""
    b = a + n
    if out.loss.shape[1]:
        _losses(m, n, out.score[a:b], w, a, out.loss)
    if out.score_min.size:
        low, high = out.score_min[a:b], out.score_max[a:b]
        _bound(w.known, np.float32(0), n, m, w, order, low)
        if out.klasse_min.size:
            _worst_verdict(layers, m, first, n, w)
            _bound_class(m, n, w, w.dread, low, out.klasse_min[a:b])
        if _all_true(w.whole, n):  # both bounds are the same sum
            _copy(low, high)
        else:
            _bound(w.whole, np.float32(1), n, m, w, order, high)
        if out.klasse_max.size:
            _bound_class(m, n, w, w.verdict, high, out.klasse_max[a:b])
        _exclude(w.verdict, low)
        _exclude(w.verdict, high)


@kernel
def score_from(layers: Any, first: int, m: Model, out: Scores, w: Block, order: Any, bounds: Any) -> None:
    """Score cells from cell ``first`` of the layers on; what ``order`` and ``bounds`` are None for is not compiled."""
    for a in range(0, out.score.size, BLOCK):
        n = min(BLOCK, out.score.size - a)
        _reset(w)
        _criteria(layers, m, first + a, n, w)
        _thresholds(layers, m, first + a, n, w)
        _combine(w.score, w.known, n, m, w.loss, w.total, order, out.score[a : a + n])
        _answers(m, a, n, w, out)
        if bounds is not None:
            _bounds(layers, first + a, m, a, n, w, order, bounds)


def score_cells(layers: Any, m: Model, out: Scores) -> None:
    """Score every cell of flat layers into ``out``.

    Parameters
    ----------
    layers : tuple of float32 arrays, each (n,) or empty
        In the order that the model's indices refer to; NaN = unknown, +inf = absent.
    m : Model
    out : Scores
        Filled in place; arrays of n cells, or empty where not wanted.
    """
    bounds = out if out.score_min.size or out.loss.shape[1] else None
    score_from(layers, 0, m, out, buffers(len(m.weight)), order_of(m), bounds)


def order_of(m: Model) -> Ints | None:
    """Return where criteria are put in order, or None for the geometric mean, which needs none."""
    return None if m.method == GEOMETRIC else np.empty(len(m.weight), np.int64)
