"""Twin of section 6: worked fields of routing; terrain, reach and flat land by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from tests.support.twins.flat_land import is_flat
from tests.support.twins.groundwater import (
    effects,
    largest_rise,
    may_be_significant,
    plan_cells,
    situation,
    wetter_within_m,
)
from tests.support.twins.numbers import known_or
from tests.support.twins.routing import (
    Network,
    benedenstrooms,
    exposure,
    is_lower_bound,
    received,
    source_m3,
    vulnerability,
)
from tests.support.twins.terrain import broken_rules, filled, levels, outlets, outside
from tests.support.worked import (
    NAN,
    number,
    read,
)


@pytest.mark.parametrize("case", read("routering")["routering"], ids=lambda c: c["naam"])
def test_routing_of_every_worked_field(case):
    sources, v = [[number(x) for x in case[name]] for name in ("E", "V")]
    water = case.get("water") or [0] * len(sources)
    network = Network(case["downstream"], case["ds"], water, case["L"])
    moved, seen = received(network, sources), exposure(network, v)
    for name, got in zip(("R", "P", "leaving", "D", "onbekend"), (*moved, *seen), strict=True):
        assert got == pytest.approx(case["verwacht"][name], abs=1e-9), name
    known = [known_or(e, 0.0) for e in sources]
    assert sum(moved[0]) + sum(moved[2]) == pytest.approx(sum(known), rel=1e-9)
    suffered = sum(r * known_or(x, 0.0) for r, x, w in zip(moved[0], v, water, strict=True) if not w)
    assert sum(e * d for e, d in zip(known, seen[0], strict=True)) == pytest.approx(suffered, rel=1e-9)


def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        received(Network([1, 0], [1.0, 1.0], [0, 0]), [1.0, 1.0])


@pytest.mark.parametrize(
    ("afvoer", "displaced", "m3"), [(400, 100, 12.5), (400, NAN, 10.0), (NAN, NAN, 0.0), (100, -300, 0.0)]
)
def test_source_of_a_cell_that_is_covered_for_two_fifths(afvoer, displaced, m3):
    assert source_m3(afvoer, displaced, 625.0, 0.4) == pytest.approx(m3)


def test_vulnerability_is_the_layer_or_the_depth_of_water():
    assert vulnerability({"wateroverlast": 0.15}) == pytest.approx(0.5, abs=1e-6)
    assert vulnerability({"wateroverlast": 0.6}) == 1
    assert vulnerability({"wateroverlast": 0.6, "kwetsbaarheid": 0.25}) == 0.25
    assert math.isnan(vulnerability({"wateroverlast": 0.6, "kwetsbaarheid": NAN}))
    assert math.isnan(vulnerability({}))


def test_downstream_burden_is_drawn_where_enough_is_known():
    assert benedenstrooms(800, 0.5, 0.8) == pytest.approx(0.25)
    assert benedenstrooms(3200, 0.5, 0.0) == 0.5
    assert math.isnan(benedenstrooms(800, 0.5, 0.81))
    assert (is_lower_bound(0.2), is_lower_bound(0.19)) == (True, False)


def field(*rows):
    """Values of a grid by cell (row, column); a dot is unknown."""
    return {(i, j): NAN if z == "." else float(z) for i, row in enumerate(rows) for j, z in enumerate(row.split())}


PIT = field("9 9 9 9", "9 3 5 4", "9 9 9 9")
RING = field(". 9 9 9 9", "9 9 . 9 9", "9 9 9 9 9")


def test_a_pit_fills_to_its_lowest_way_out():
    assert filled(PIT, {}, (3, 4))[1, 1] == 5
    assert filled(PIT, {(1, 1): 1}, (3, 4))[1, 1] == 3
    assert outlets(PIT, {}, (3, 4)) == set(PIT) - {(1, 1), (1, 2)}


def test_unknown_ground_is_beyond_the_data_at_the_edge_and_a_wall_inside():
    level = levels(RING, {}, (3, 5))
    assert outside(level, (3, 5)) == {(0, 0)}
    assert (1, 1) in outlets(level, {}, (3, 5))
    assert (1, 3) not in outlets(level, {}, (3, 5)) - {c for c in level if c[1] == 4}
    with_water = levels(RING, {(1, 2): 1}, (3, 5))
    assert with_water[1, 2] == 9
    assert (1, 2) in outlets(with_water, {(1, 2): 1}, (3, 5))


def test_open_water_of_unknown_level_takes_it_from_its_lowest_neighbour_inward():
    height = field("5 . . 8", "4 . . 9")
    wet = dict.fromkeys([(0, 1), (0, 2), (1, 1), (1, 2)], 1)
    got = levels(height, wet, (2, 4))
    assert (got[0, 1], got[1, 1], got[0, 2], got[1, 2]) == (4, 4, 8, 8)


def test_what_d8_may_do_with_the_pit():
    right = {(1, 1): (1, 2), (1, 2): (1, 3)}
    assert broken_rules({**right, (0, 2): (1, 2)}, PIT, {}, (3, 4)) == []
    wrong = broken_rules({**right, (0, 2): (1, 1)}, PIT, {}, (3, 4))
    assert wrong == ["(0, 2) drains to (1, 1), not down the steepest slope"]
    assert broken_rules({(1, 2): (1, 3)}, PIT, {}, (3, 4)) == ["(1, 1) leaves inside the data"]


@pytest.mark.parametrize(
    ("values", "row", "reach"),
    [
        ({"keileemdiepte": 1.2, "natuur": 1.0}, "natuur_op_keileem", 100),
        ({"keileemdiepte": 1.2, "natuur": 0.0}, "ontwaterd_op_keileem", 35),
        ({"keileemdiepte": 0.5}, "ontwaterd_op_keileem", 35),
        ({"keileemdiepte": 5.0, "natuur": 3.0, "ghg": 2.0}, "dekzand_op_keileem", 55),
        ({"keileemdiepte": math.inf, "ghg": 1.2}, "diep_zand", 230),
        ({"keileemdiepte": math.inf, "ghg": 1.1}, "zand_met_sloten", 71),
        ({"keileemdiepte": 5.1, "ghg": NAN}, "zand_met_sloten", 71),
        ({"keileemdiepte": NAN, "ghg": 2.0, "natuur": 3.0}, "anders", 100),
        ({}, "anders", 100),
    ],
)
def test_rows_of_reach(values, row, reach):
    assert situation(values) == (row, reach)


SAND = {"keileemdiepte": math.inf, "ghg": 0.5}


def test_a_lowering_fades_with_the_reach_of_the_receiver():
    around = {(0, 7): SAND, (0, 8): {"keileemdiepte": 1.0}}
    got = effects({(0, 0): 0.2, (0, 1): NAN}, around, 10.0)
    assert got == pytest.approx({(0, 7): 0.2 * math.exp(-70 / 71), (0, 8): 0.2 * math.exp(-80 / 35)})
    half = effects({(0, 0): 0.2}, around, 10.0, factor=0.5)
    assert half[0, 7] == pytest.approx(0.2 * math.exp(-140 / 71))
    assert effects({(0, 0): 0.2}, around, 10.0, lambda_m=80.0)[0, 8] == pytest.approx(0.2 / math.e)
    assert set(effects({(0, 0): NAN}, around, 10.0).values()) == {0.0}


@pytest.mark.parametrize(("left", "right", "want"), [(0.1, -0.2, -0.2), (0.1, -0.1, 0.1), (0.0, -0.1, -0.1)])
def test_between_two_plan_cells_the_largest_effect_counts_then_the_fall(left, right, want):
    got = effects({(0, 0): left, (0, 4): right}, {(0, 2): SAND}, 25.0)
    assert got[0, 2] == pytest.approx(want * math.exp(-50 / 71))


def test_the_sentence_on_neighbours_of_a_rise():
    plan = {(0, 0): -0.2, (0, 1): 0.3}
    row = {(0, -j): SAND for j in range(1, 20)}
    assert wetter_within_m(plan, row, 10.0) == 90.0  # 71 ln 4 = 98
    assert largest_rise(plan) == 0.2
    assert wetter_within_m({(0, 0): -0.05}, row, 10.0) is None
    assert wetter_within_m({(0, 0): 0.4}, row, 10.0) is None


def test_natura_2000_within_twice_the_reach_is_marked():
    nature = {(0, -8): {**SAND, "natuur": 2.0}}
    assert may_be_significant({(0, 0): 0.1}, nature, 10.0)  # 0.1 exp(-80/142) = 0.057
    assert may_be_significant({(0, 0): -0.1}, nature, 10.0)
    assert not may_be_significant({(0, 0): 0.08}, nature, 10.0)
    assert not may_be_significant({(0, 0): 0.1}, {(0, -8): {**SAND, "natuur": 1.0}}, 10.0)


def test_cells_of_a_plan_are_covered_for_half_or_at_all():
    assert plan_cells({(0, 0): 0.5, (0, 1): 0.49}) == {(0, 0)}
    assert plan_cells({(0, 0): 0.4, (0, 1): 0.0}) == {(0, 0)}


def heights(slope, noise, side=41, cell=50.0):
    rng = np.random.default_rng(4)
    return [
        (i * cell, j * cell, slope * i * cell + noise * rng.standard_normal()) for i in range(side) for j in range(side)
    ]


@pytest.mark.parametrize(
    ("slope", "noise", "has_water", "want"),
    [(0.0005, 0.05, False, True), (0.002, 0.05, False, False), (0.0, 0.5, False, False), (0.0, 0.05, True, None)],
)
def test_flat_land_is_a_level_plane_with_little_left(slope, noise, has_water, want):
    assert is_flat(shapely.box(900, 900, 1100, 1100), heights(slope, noise), has_water) is want


def test_nothing_is_said_of_few_cells():
    assert is_flat(shapely.box(0, 0, 100, 100), heights(0.0, 0.05, side=9)) is None
    assert is_flat(shapely.box(3500, 0, 3600, 100), heights(0.0, 0.05)) is None
