"""Which packages are told, on standings made by hand."""

import itertools
import math

import numpy as np
import pytest

from waterbodem.measures.choice import Candidate, Choice
from waterbodem.measures.pareto import undominated
from waterbodem.measures.standing import Standing, risk_number, whole
from waterbodem.measures.tally import groups_of

A, B, C1, C2, D = 1, 2, 3, 4, 5


def standing(antwoord=C1, aandeel=0.5, risico=None, tenzij=0):
    level = min(1.0, aandeel) if risico is None else risico
    return Standing(antwoord, tenzij, 0.5, level, level, aandeel, 0.0, "afvoer", 0.0, 0.0, math.nan)


def choice(before, packages, refused=(), moves=()):
    """``packages``: standing, and perhaps the highest price and the step, by numbers of measures."""
    told = {n: s if isinstance(s, tuple) else (s, 0.0, 1) for n, s in packages.items()}
    candidates = [Candidate(n, s, (0.0, price), step, False) for n, (s, price, step) in told.items()]
    known = {(): before} | {n: s for n, (s, _, _) in told.items()}
    return Choice(before, candidates, known.__getitem__, lambda n: n not in refused, frozenset(moves))


def numbers(candidates):
    return [c.numbers for c in candidates]


def test_classes_are_in_order_with_no_unless_before_no():
    order = [standing(A), standing(B), standing(C1), standing(C2), *(standing(D, tenzij=t) for t in (A, B, C1, C2))]
    ranks = [s.rank for s in (*order, standing(D), standing(0))]
    assert ranks == sorted(set(ranks))


def test_worse_and_no_are_not_in_the_pool():
    found = choice(standing(C1), {(0,): standing(C2), (1,): standing(D), (2,): standing(C1), (3,): standing(0)})
    assert numbers(found.pool) == [(2,)]


def test_a_no_can_be_lifted_by_unless():
    found = choice(standing(D), {(0,): standing(D, tenzij=C1)})
    assert numbers(found.told) == [(0,)]


def test_a_measure_that_does_nothing_in_a_package_is_not_told():
    found = choice(standing(C1), {(0,): standing(A), (1,): standing(C1), (0, 1): standing(A)})
    assert numbers(found.told) == [(0,)]


@pytest.mark.parametrize(("share", "is_told"), [(0.47, True), (0.4700005, True), (0.48, False), (math.nan, False)])
def test_less_of_a_share_counts_from_three_hundredths(share, is_told):
    found = choice(standing(C1, 0.5), {(0,): standing(C1, share, risico=0.5)})
    assert bool(found.told) == is_told


def test_a_measure_without_which_a_package_does_not_go_is_no_idle_one():
    packages = {(0,): standing(A), (1,): standing(C1), (0, 1): standing(A)}
    assert (0, 1) not in numbers(choice(standing(C1), packages).told)
    assert (0, 1) in numbers(choice(standing(C1), packages, refused=[(0,)]).told)


def test_halves_are_by_what_the_class_needs():
    packages = {(0,): standing(A, 0.9), (1,): standing(C1, 0.3), (0, 1): standing(A, 0.6)}
    found = choice(standing(C1, 0.9), packages)
    both = next(c for c in found.told if c.numbers == (0, 1))
    assert found.halves(both) == ((0,), (1,))


def test_where_each_alone_lifts_what_moves_layers_is_for_the_place():
    packages = {(0,): standing(A, 0.9), (1,): standing(A, 0.9), (0, 1): standing(A, 0.5)}
    found = choice(standing(C1, 0.9), packages, moves=[1])
    both = next(c for c in found.told if c.numbers == (0, 1))
    assert found.halves(both) == ((1,), (0,))


def test_order_is_class_risk_step_share_price():
    cases = [
        (standing(A, 0.1), 5.0, 3),
        (standing(A, 0.3), 5.0, 1),
        (standing(A, 0.3), 5.0, 2),
        (standing(A, 0.31), 5.0, 2),
        (standing(A, 0.31), 6.0, 2),
        (standing(B, 0.0), 0.0, 1),
    ]
    found = choice(standing(D, 2.0), {(i,): case for i, case in enumerate(cases)})
    assert numbers(found.told) == [(i,) for i in range(len(cases))]
    backwards = choice(standing(D, 2.0), {(9 - i,): case for i, case in enumerate(cases)})
    assert numbers(backwards.told) == [(9 - i,) for i in range(len(cases))]


def lifting(count):
    return {(i,): (standing(A, 0.5), float(i), 1) for i in range(count)}


def easing(count):
    return {(10 + i,): (standing(C1, 0.15 + 0.2 * i), 0.0, 1) for i in range(count)}


@pytest.mark.parametrize(
    ("better", "others", "shown"), [(6, 0, (5, 0)), (6, 1, (4, 1)), (6, 4, (3, 2)), (2, 4, (2, 3)), (0, 2, (0, 2))]
)
def test_at_most_five_are_shown_three_that_lift_first(better, others, shown):
    packages = lifting(better) | easing(others)
    found = choice(standing(C1, 2.0), packages, moves=range(10))
    got = [found.lifts(c) for c in found.shown(lambda c: False)]
    assert got == [True] * shown[0] + [False] * shown[1]


def test_of_one_place_only_the_first_is_kept():
    packages = {(0,): standing(A, 0.9), (1,): standing(C1, 0.6), (2,): standing(C1, 0.6)}
    packages |= {(0, 1): (standing(A, 0.5), 1.0, 1), (0, 2): (standing(A, 0.5), 2.0, 1)}
    found = choice(standing(C1, 0.9), packages)
    assert numbers(found.kept[0]) == [(0, 1)]


def test_the_last_gives_way_to_the_first_without_doubt():
    found = choice(standing(C1, 2.0), lifting(6), moves=range(10))
    assert numbers(found.shown(lambda c: c.numbers != (5,))) == [(0,), (1,), (2,), (3,), (5,)]
    assert numbers(found.shown(lambda c: True)) == [(0,), (1,), (2,), (3,), (4,)]


def test_doubt_is_asked_of_no_more_than_must_be_known():
    asked = []
    choice(standing(C1, 2.0), lifting(6), moves=range(10)).shown(lambda c: bool(asked.append(c.numbers)))
    assert asked == [(0,)]


def test_the_front_is_what_no_other_beats():
    rng = np.random.default_rng(5)
    points = rng.integers(0, 4, (60, 3)).astype(float)
    points[rng.random((60, 3)) < 0.05] = np.nan
    found = undominated(points)
    for i, point in enumerate(points):
        others = [p for p in points if not np.isnan(p).any()]
        beaten = any(all(p <= point) and any(p < point) for p in others)
        assert found[i] == (not beaten and not np.isnan(point).any())


def test_groups_hold_the_cells_of_one_signature():
    rng = np.random.default_rng(3)
    signature, cover = rng.integers(0, 5, 40), rng.integers(1, 1 << 24, 40)
    value = rng.random(40).astype(np.float32)
    order, groups = groups_of(signature, cover)
    sums = groups.sums([value[order]])[0]
    for k, s in enumerate(np.unique(signature)):
        assert groups.covered[k] == sums[2, k] == cover[signature == s].sum()
    assert groups.classes((signature[order] % 2).astype(np.uint8), 2).sum() == cover.sum()
    assert list(itertools.accumulate(np.diff(groups.start))) == groups.start[1:].tolist()


def test_risk_classes_and_whole_numbers():
    assert [risk_number(r) for r in (0, 0.19998, 0.1999995, 0.6, 1.0, math.nan)] == [0, 0, 1, 3, 4, 5]
    assert [whole(v) for v in (0.49995, 1.4, 1.49995)] == [1, 1, 2]
