"""Routing and exposure: worked cases, a plain twin, and the laws they obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.worked import read
from waterbodem.core.errors import ArgumentError, Circular
from waterbodem.receivers import downstream as library
from waterbodem.receivers.downstream import sweep_of
from waterbodem.receivers.network import LEAVES, NO_PART, STAYS, Network

CASES = read("routering")["routering"]


def numbers(values):
    return np.array([np.nan if v is None else float(v) for v in values])


def network_of(downstream, distances, water=()):
    downstream = [STAYS if w else d for d, w in zip(downstream, water, strict=True)] if len(water) else downstream
    lengths, step = np.unique(np.asarray(distances, float), return_inverse=True)
    return Network(np.asarray(downstream, np.int32), step.astype(np.uint8), tuple(lengths.tolist()))


def walk(downstream, distances, source, damping, water):
    """Follow the water of every cell on its own: the slow, obvious twin of routing."""
    received, passing, leaving = ([0.0] * len(source) for _ in range(3))
    for start, amount in enumerate(source):
        i, left = start, 0.0 if math.isnan(amount) else amount
        while downstream[i] >= 0 and not water[i]:
            j = downstream[i]
            on = 0.0 if water[j] else left * math.exp(-distances[i] / damping)
            received[j] += left - on
            passing[j] += on
            i, left = j, on
        (received if water[i] and i == start else leaving)[i] += left
    return received, passing, leaving


def followed(downstream, distances, value, damping, water):
    """Follow a cubic metre of every cell: what it counts for, and how much of it is lost from sight."""
    known, hidden = [], []
    for start in range(len(value)):
        i, left, counts, lost = start, 1.0, 0.0, 0.0
        while downstream[i] >= 0 and not water[i] and not water[downstream[i]]:
            stays = left * (1 - math.exp(-distances[i] / damping))
            i = downstream[i]
            left -= stays
            counts += 0.0 if math.isnan(value[i]) else stays * value[i]
            lost += stays if math.isnan(value[i]) else 0.0
        known.append(counts)
        hidden.append(lost + left)
    return known, hidden


def exposure_of(network, value, damping):
    """D and the share that cannot be followed, as the library has it."""
    seen = followed_value(network, value)
    known, hidden = sweep_of(seen, False), sweep_of(seen, True)
    return network.expose(known[0], damping, known[1]), network.expose(hidden[0], damping, hidden[1])


def followed_value(network, value):
    return library.followed(np.asarray(value, float), network.is_open_water)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["naam"])
def test_worked_case(case):
    network = network_of(case["downstream"], case["ds"], case.get("water", ()))
    routed = network.route(numbers(case["E"]), case["L"])
    exposure, unknown = exposure_of(network, numbers(case["V"]), case["L"])
    expected = case["verwacht"]
    found = {"R": routed.received, "P": routed.passing, "leaving": routed.leaving, "D": exposure, "onbekend": unknown}
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)
    sums = {
        "E": routed.source.sum(),
        "R": routed.received.sum(),
        "leaving": routed.leaving.sum(),
        "ED": (routed.source * exposure).sum(),
        "RV": (routed.received * np.nan_to_num(followed_value(network, numbers(case["V"])))).sum(),
    }
    assert sums == pytest.approx(case["som"], rel=1e-9, abs=1e-9)


@st.composite
def fields(draw):
    """Random acyclic networks: every cell drains to one of a lower rank, or leaves."""
    size = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = rng.permutation(size)
    downstream = np.full(size, -1)
    for rank in range(1, size):
        if rng.random() < 0.9:
            downstream[number[rank]] = number[rng.integers(max(0, rank - 5), rank)]
    distances = np.where(downstream >= 0, rng.choice([5.0, 25.0, 35.5], size), 0.0)
    source = np.where(rng.random(size) < 0.1, np.nan, rng.exponential(100, size) * (rng.random(size) < 0.6))
    value = np.where(rng.random(size) < 0.1, np.nan, rng.random(size))
    water = rng.random(size) < rng.choice([0.0, 0.15])
    return downstream, distances, source, value, float(rng.choice([10.0, 200.0, 2000.0])), water


@given(fields())
@settings(deadline=None, max_examples=150)
def test_laws_on_random_fields(field):
    downstream, distances, source, value, damping, water = field
    network = network_of(downstream, distances, water)
    routed = network.route(source, damping)
    twin = walk(downstream, distances, source, damping, water)
    for found, expected in zip((routed.received, routed.passing, routed.leaving), twin, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert routed.imbalance <= 1e-9
    exposure, unknown = exposure_of(network, value, damping)
    for found, expected in zip(
        (exposure, unknown), followed(downstream, distances, value, damping, water), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    there = float((routed.source * exposure).sum())
    counted = np.where(water, 0.0, np.nan_to_num(value))
    assert there == pytest.approx(float((routed.received * counted).sum()), rel=1e-9, abs=1e-9)
    assert exposure.min() >= 0
    assert (exposure + unknown).max() <= 1 + 1e-12
    place = np.argsort(network.order)
    inner = network.downstream >= 0
    assert (place[network.downstream[inner]] < place[inner]).all()


@given(fields())
@settings(deadline=None, max_examples=80)
def test_what_is_known_and_what_is_not_are_all_of_the_water(field):
    downstream, distances, _, value, damping, water = field
    network = network_of(downstream, distances, water)
    _, unknown = exposure_of(network, value, damping)
    known, _ = exposure_of(network, np.where(np.isnan(value), np.nan, 1.0), damping)
    np.testing.assert_allclose(known + unknown, 1.0, rtol=1e-12)


@given(fields(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_a_share_is_the_adjoint_of_routing_also_in_open_water(field, seed):
    downstream, distances, source, _, damping, water = field
    network, share = network_of(downstream, distances, water), np.random.default_rng(seed).random(len(downstream))
    routed = network.route(source, damping)
    there = float((routed.source * network.expose(share, damping, beyond=0.3)).sum())
    here = float((routed.received * share).sum() + 0.3 * routed.leaving.sum())
    assert there == pytest.approx(here, rel=1e-9, abs=1e-9)


@given(fields(), st.integers(0, 59))
@settings(deadline=None, max_examples=50)
def test_strand_is_the_whole_for_its_own_water(field, first):
    downstream, distances, _, _, damping, water = field
    network = network_of(downstream, distances, water)
    starts = [first % len(downstream), 0]
    own = np.zeros(len(downstream))
    own[starts] = 10.0
    whole, strand = network.route(own, damping), network.strand(starts)
    part = strand.network.route(own[strand.cells], damping)
    np.testing.assert_allclose(part.received, whole.received[strand.cells], rtol=1e-12)
    assert part.received.sum() == pytest.approx(whole.received.sum(), rel=1e-12)
    assert part.leaving.sum() == pytest.approx(whole.leaving.sum(), rel=1e-12)


def test_everything_vulnerable_is_the_share_that_stays():
    network = network_of([1, 2, -1], [25.0, 25.0, 0.0])
    assert network.expose(np.ones(3), 50)[0] == pytest.approx(1 - math.exp(-1))


def test_unknown_vulnerability_splits_exposure():
    network = network_of([1, 2, 3, -1], [25.0] * 3 + [0.0])
    value = np.array([1, np.nan, 1, np.nan])
    known, unknown = network.expose(value), network.expose(np.isnan(value))
    np.testing.assert_allclose(known + unknown, network.expose(np.ones(4)), rtol=1e-12)


def test_without_damping_nothing_stays_behind():
    routed = network_of([1, 2, -1], [25.0, 25.0, 0.0]).route(np.ones(3), math.inf)
    assert routed.received.tolist() == [0, 0, 0]
    assert routed.leaving.tolist() == [0, 0, 3]


@pytest.mark.parametrize("downstream, first", [([1, 2, 1, -1], 1), ([0, -1], 0), ([3, 2, 3, 2, 0], 2)])
def test_a_circle_is_refused_with_its_first_cell(downstream, first):
    with pytest.raises(Circular, match=f"cell {first}") as caught:
        _ = network_of(downstream, [1.0] * len(downstream)).order
    assert caught.value.cell == first


@pytest.mark.parametrize("damping", [0.0, -1.0, math.nan])
def test_damping_must_be_a_length(damping):
    with pytest.raises(ArgumentError, match="demping_m"):
        network_of([-1], [0.0]).route([1.0], damping)


def test_cell_that_takes_no_part_lets_its_water_leave():
    routed = network_of([NO_PART, LEAVES], [0.0, 0.0]).route(np.array([4.0, 1.0]))
    assert routed.leaving.tolist() == [4.0, 1.0]
    assert routed.imbalance == 0


def test_sweep_without_damping_is_accumulation():
    streams = pytest.importorskip("pyflwdir.streams")
    from waterbodem.core.grid import Grid
    from waterbodem.receivers.flow import flow_from_maaiveld

    level = np.random.default_rng(5).random((60, 70)).astype(np.float32)
    network = flow_from_maaiveld(level, Grid(0, 300, 5, 5, 60, 70)).network
    source = np.random.default_rng(6).random(network.size)
    itself = np.where(network.downstream < 0, np.arange(network.size), network.downstream)
    expected = streams.accuflux(itself, network.order.astype(np.int64), source, -9999.0)
    routed = network.route(source, math.inf)
    np.testing.assert_allclose(routed.passing + routed.source, expected, rtol=1e-12)
