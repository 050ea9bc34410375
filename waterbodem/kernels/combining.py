"""How the scores of criteria become one: by the geometric mean, or by another method of rekenregels section 3."""

from __future__ import annotations

from typing import Any

import numpy as np

from waterbodem.kernels._compile.decorators import inlined, stage
from waterbodem.kernels.float32 import exp, log

GEOMETRIC, MEAN, MINIMUM, OWA = range(4)


@stage
def _geometric(loss: Any, total: Any, out: Any) -> None:
    for i in range(out.size):
        w = total[i] if total[i] > np.float32(0) else np.float32(1)
        out[i] = exp(-loss[i] / w) if total[i] > np.float32(0) else np.float32(np.nan)


@stage
def loss_of(lost: Any, sure: Any, value: Any, n: int, m: Any, loss: Any) -> None:
    """Loss of all criteria together, those that are not sure at ``value``."""
    for i in range(n):
        loss[i] = np.float32(0)
    least = -log(value if value > m.floor else m.floor)
    for k in range(m.criteria):
        other = m.weight[k] * least
        for i in range(n):
            loss[i] += lost[k, i] if sure[k, i] else other


@stage
def _mean(score: Any, known: Any, n: int, m: Any, total: Any, out: Any) -> None:
    for i in range(n):
        out[i] = np.float32(0)
    for k in range(m.criteria):
        w = m.weight[k]
        for i in range(n):
            out[i] += w * score[k, i] if known[k, i] else np.float32(0)
    for i in range(n):
        out[i] = out[i] / total[i] if total[i] > np.float32(0) else np.float32(np.nan)


@stage
def _minimum(score: Any, known: Any, n: int, m: Any, out: Any) -> None:
    """The lowest among heavy criteria, where none of those is known among all."""
    for i in range(n):
        heavy, light = np.float32(2), np.float32(2)
        for k in range(m.criteria):
            if known[k, i]:
                light = min(light, score[k, i])
                heavy = min(heavy, score[k, i]) if m.heavy[k] else heavy
        low = heavy if heavy <= np.float32(1) else light
        out[i] = low if low <= np.float32(1) else np.float32(np.nan)


@inlined
def _sorted_known(score: Any, known: Any, count: int, i: int, order: Any) -> int:
    """Fill ``order`` with the known of ``count`` criteria of cell i, best first; return how many."""
    n = 0
    for k in range(count):
        if known[k, i]:
            j = n
            while j > 0 and score[order[j - 1], i] < score[k, i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = k
            n += 1
    return n


@stage
def _owa(score: Any, known: Any, n: int, m: Any, order: Any, out: Any) -> None:
    """Ordered weighted average: order weights from the cumulative weights to a power."""
    for i in range(n):
        count = _sorted_known(score, known, m.criteria, i, order)
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


@stage
def _otherwise(score: Any, known: Any, n: int, m: Any, total: Any, order: Any, out: Any) -> None:
    """The score of n cells by another method than the geometric mean."""
    if m.method == MEAN:
        _mean(score, known, n, m, total, out)
    elif m.method == MINIMUM:
        _minimum(score, known, n, m, out)
    else:
        _owa(score, known, n, m, order, out)


@stage
def combine(score: Any, known: Any, n: int, m: Any, loss: Any, total: Any, order: Any, out: Any) -> None:
    """The score of n cells by the method of the model; ``order`` is None for the geometric mean."""
    if order is None:
        _geometric(loss, total, out)
    else:
        _otherwise(score, known, n, m, total, order, out)
