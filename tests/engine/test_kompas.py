"""Kompas: every line of the six principles by hand-made measures, its borders, and a slow twin."""

from __future__ import annotations

import ast
import inspect
import tomllib
from importlib.resources import files

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import waterbodem as wb
from tests.support.grids import box, even, layers
from tests.support.random_cells import BASIC, FUNCTIES, columns, simple
from tests.support.twins.components import COMPONENTS, Scenario
from tests.support.twins.functie import plain, plain_functies
from tests.support.twins.kompas import PRINCIPLES, Judged, Means, numbers
from tests.support.twins.kompas import kompas as twin_of
from tests.support.twins.kompas_cells import PlanCell
from tests.support.twins.reference import reference_of
from waterbodem.core.dataset import grid_of
from waterbodem.definitions import kompas_rules
from waterbodem.definitions.kompas_rules import builtin_rules, load_rules
from waterbodem.engine import kompas, quantities, site
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.coverage import footprints
from waterbodem.engine.evaluation import Result
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.scoring import criterion_shares
from waterbodem.engine.site import Site
from waterbodem.engine.table import total_tallies
from waterbodem.kernels.burden import Burden
from waterbodem.layers.polygons import Area

CELLS = 10
FUTURE = "from __future__ import annotations"
NAN = float("nan")
A, B, C1, C2, D, X = 1, 2, 3, 4, 5, 0
HOUSES, GRASS, ARABLE, NATURE = (FUNCTIES[n] for n in ("woningbouw", "grasland_veeteelt", "akkerbouw", "natte_natuur"))
ALONE = kompas.Strip(0.0, 0.0, 0.0)


def spread(value, dtype=np.float32):
    """A number, or one per cell, as a row of cells."""
    return np.broadcast_to(np.asarray(value, dtype), (1, CELLS)).copy()


def some(count, value, rest=0.0):
    return [value] * count + [rest] * (CELLS - count)


def place_of(present, future, horizon):
    """Layers; ``horizon`` is a year, "stresstest" or None, of all scenarios."""
    data = layers({n: spread(v) for n, v in present.items()})
    mark = {"stresstest": 1} if horizon == "stresstest" else {} if horizon is None else {"horizon": horizon}
    for name, v in future.items():
        data[name] = data[next(iter(present))].copy(data=spread(v))
        data[name].attrs.update(mark)
    return data


def judge(
    functie=HOUSES, reference=GRASS, present=None, future=None, horizon=None, klasse=A, score=0.9, flags=0,
    risico=0.0, tijd=0.0, dekking=1.0, strip=ALONE, **components,
):  # fmt: skip
    """The six verdicts for measures made by hand; components default to 0."""
    data = place_of(present or dict.fromkeys(BASIC, 0.0), future or {}, horizon)
    parts = np.stack([spread(components.pop(n, 0.0)) for n in COMPONENTS])
    assert not components
    zero, codes = spread(0.0), spread(klasse, np.uint8)
    burden = Burden(parts, zero, spread(tijd), zero, spread(risico), spread(0, np.uint8), zero, zero)
    place = Site(layer_set(data), spread(reference) if isinstance(reference, list) else reference, builtin_rules())
    names = tuple(p.name for p in criterion_shares(functie, list(place.layers)))
    scores = {n: spread(score) for n in ("score", "score_min", "score_max")} | {"dekking": spread(dekking)}
    scores |= dict.fromkeys(("klasse", "klasse_min", "klasse_max"), codes)
    scores |= {"flags": spread(flags, np.uint16), "loss": np.zeros((len(names) + 1, CELLS), np.float32)}
    areas, grid = [Area(1, "plan", box(0, 0, CELLS, 1))], grid_of(data)
    sums = total_tallies(
        [quantities.tally_of(footprints(areas, grid), place, Result(functie, names, scores, burden))], 1
    )
    told = Circumstances(areas, grid, list(place.layers), place.cells.scenarios, place.present_use, place.rules)
    found = kompas.findings_of(told, functie, sums).with_strips(lambda _: strip, place.rules)
    return {v.kolom.removeprefix("kompas_"): v for v in kompas.verdicts(found, place.rules)[0]}


def symbol(principle, **measures):
    return judge(**measures)[principle].symbool


#: All that a chance of recovery is told by: wet nature does well and kwel invites it, or neither.
WET = {"zettingsgevoeligheid": 0.25, "wateroverlast": 0.3, "droogte": 0.0, "keileemdiepte": np.inf, "kwel": 2.0}
WET |= {"ghg": 0.2, "gvg": 0.3, "glg": 0.7, "veendikte": 0.0, "beekdal": 0.0}
DRY = {"zettingsgevoeligheid": 0.0, "wateroverlast": 0.0, "droogte": 40.0, "keileemdiepte": np.inf, "kwel": -3.0}
DRY |= {"ghg": 3.0, "gvg": 3.3, "glg": 4.0, "veendikte": 0.0, "beekdal": 0.0}


def wet_on(count):
    return {n: some(count, WET[n], DRY[n]) for n in WET}


# --- what goes before the lines --------------------------------------------------------------------------------------

AGAINST = ("niet_afwentelen", "vertragen", "herstel", "bodem")
BY_ITSELF = ("extremen", "aanpasbaar")


@pytest.mark.parametrize(("dekking", "unknown"), [(0.2, False), (0.199, True), (some(5, 0.1, 0.3), False)])
def test_a_mean_dekking_below_a_fifth_makes_all_six_unknown(dekking, unknown):
    found = judge(dekking=dekking, functie=FALLS, present=DRY)
    assert {v.symbool == "?" for v in found.values()} == {unknown}
    assert all(("te weinig lagen bekend" in v.reden) is unknown for v in found.values())


def test_without_a_present_use_four_principles_are_not_judged():
    found = judge(reference=None, functie=FALLS, present=DRY)
    assert {n for n, v in found.items() if v.symbool == "?"} == set(AGAINST)
    assert all("het huidige gebruik is niet opgegeven" in found[n].reden for n in AGAINST)
    assert not any("niet opgegeven" in found[n].reden for n in BY_ITSELF)


@pytest.mark.parametrize(("count", "zero"), [(10, True), (9, True), (8, False)])
def test_on_nine_tenths_of_itself_a_functie_changes_nothing(count, zero):
    reference = some(count, float(HOUSES.code), float(GRASS.code))
    found = judge(reference=reference, risico=some(count, 0.0, 0.9), afvoer=some(count, 0.0, 900.0), present=wet_on(10))
    assert [found[n].symbool for n in AGAINST] == (["0"] * 4 if zero else ["--", "--", "--", "-"])
    assert all(("dit is het huidige gebruik" in found[n].reden) is zero for n in AGAINST)
    assert found["aanpasbaar"].symbool == judge()["aanpasbaar"].symbool


def test_an_unknown_present_use_is_no_part_of_that_share():
    reference = [float(HOUSES.code)] * 6 + [float(GRASS.code)] + [NAN] * 3
    assert judge(reference=reference)["bodem"].symbool == "-"  # 6 of 7 is not nine tenths
    reference = [float(HOUSES.code)] * 9 + [NAN]
    assert judge(reference=reference, risico=some(1, NAN))["niet_afwentelen"].symbool == "0"


def test_means_are_over_the_cells_with_another_use():
    reference = some(5, float(HOUSES.code), float(GRASS.code))
    found = judge(reference=reference, risico=some(5, 0.0, 0.5), afvoer=some(5, 0.0, 300.0))
    assert (found["niet_afwentelen"].getal, found["vertragen"].getal) == pytest.approx((0.5, 300))
    assert (found["niet_afwentelen"].symbool, found["vertragen"].symbool) == ("-", "-")


def test_what_is_known_is_a_share_of_the_whole_plan():
    reference = some(5, float(HOUSES.code), float(GRASS.code))
    assert judge(reference=reference, risico=[0.0] * 5 + [0.3, NAN, NAN, NAN, NAN])["niet_afwentelen"].symbool == "0"
    assert judge(reference=reference, risico=[0.0] * 5 + [NAN] * 5)["niet_afwentelen"].symbool == "?"


def test_too_little_known_goes_before_itself():
    reference = [float(HOUSES.code)] * 5 + [NAN] * 5
    assert judge(reference=reference, risico=some(5, 0.0, NAN))["niet_afwentelen"].symbool == "?"


# --- 1 niet afwentelen -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risico", "want"),
    [(0.6, "--"), (0.599, "-"), (0.4, "-"), (0.399, "0"), (0.2, "0"), (0.199, "+"), (0.0, "+")],
)
def test_not_shifting_by_mean_risk(risico, want):
    assert symbol("niet_afwentelen", risico=risico) == want


@pytest.mark.parametrize(
    ("risico", "want"), [(some(2, 0.8), "--"), (some(1, 0.8), "+"), (some(2, 0.799), "+"), (some(3, 0.799), "0")]
)
def test_not_shifting_by_hot_spots(risico, want):
    assert symbol("niet_afwentelen", risico=risico) == want


RELIEFS = [({"kwelafvoer": -50}, {"kwelafvoer": -49.9}), ({"veenoxidatie": -3}, {"veenoxidatie": -2.9})]


@pytest.mark.parametrize(("enough", "less"), RELIEFS)
def test_not_shifting_is_doubly_good_with_a_relief(enough, less):
    assert symbol("niet_afwentelen", **enough) == "++"
    assert symbol("niet_afwentelen", **less) == "+"
    assert symbol("niet_afwentelen", risico=0.2, **enough) == "0"


def test_storage_alone_makes_nothing_doubly_good():
    assert symbol("niet_afwentelen", afvoer=-900, verdrongen_berging=-900) == "+"


STORES = GRASS.replace(berging_m=0.1)


@pytest.mark.parametrize("klasse", [A, B, C1, C2, D, X])
@pytest.mark.parametrize(("enough", "_less"), RELIEFS)
def test_relief_of_storage_or_a_level_counts_only_where_the_plan_fits(klasse, enough, _less):
    fits = "++" if klasse in (A, B, C1) else "+"
    assert symbol("niet_afwentelen", functie=NATURE, klasse=klasse, **enough) == fits
    assert symbol("niet_afwentelen", functie=STORES, klasse=klasse, **enough) == fits
    assert symbol("niet_afwentelen", functie=ARABLE, klasse=klasse, **enough) == "++"
    as_much = STORES.replace(ontwatering_m=1.0)
    assert symbol("niet_afwentelen", functie=STORES, reference=as_much, klasse=klasse, **enough) == "++"


def test_relief_is_weighed_by_the_reference_of_each_cell():
    waterberging = FUNCTIES["waterberging"]  # stores more than grass, as much as itself
    other = some(5, float(GRASS.code), float(FUNCTIES["natte_natuur"].code))
    assert waterberging.value("berging_m") > NATURE.value("berging_m") > GRASS.value("berging_m")
    plan = ARABLE.replace(berging_m=NATURE.value("berging_m"))  # more than grass, no more than wet nature
    found = judge(functie=plan, reference=other, klasse=D, kwelafvoer=-90)
    assert found["niet_afwentelen"].symbool == "+"  # the mean is -45: half of it counts


@pytest.mark.parametrize(("unknown", "want"), [(4, "+"), (5, "?")])
def test_not_shifting_needs_sixty_percent_known_risk(unknown, want):
    assert symbol("niet_afwentelen", risico=some(unknown, NAN)) == want


def test_a_mean_over_less_than_sixty_percent_makes_no_double_plus():
    assert symbol("niet_afwentelen", veenoxidatie=some(1, -9, NAN)) == "+"


@pytest.mark.parametrize(
    ("strip", "rise", "want"),
    [
        ((0.0, 0.0, 30.0), 0.5, "++"),
        ((1.0, 0.0, 30.0), 0.5, "0"),
        ((1.0, 0.0, 30.0), 0.05, "0"),
        ((0.0, 1.0, 30.0), 0.1, "+"),
        ((0.0, 1.0, 30.0), 0.099, "++"),
        ((1.0, 1.0, 30.0), 0.5, "0"),
    ],
)
def test_neighbours_that_become_wetter_cap_it(strip, rise, want):
    found = judge(functie=NATURE, kwelafvoer=-90, grondwaterverlaging=-rise, strip=kompas.Strip(*strip))
    assert found["niet_afwentelen"].symbool == want
    assert ("strook van 30 m" in found["niet_afwentelen"].reden) is (want == "+")
    assert ("tot 30 m van het plan" in found["niet_afwentelen"].reden) is (want == "0")


def test_the_rise_that_asks_for_the_strip_is_that_of_the_whole_plan():
    half = {"functie": NATURE, "klasse": D, "grondwaterverlaging": some(5, -0.2), "kwelafvoer": -90.0}
    strip = kompas.Strip(0.0, 1.0, 30.0)
    assert "strook" in judge(strip=strip, **{**half, "klasse": A})["niet_afwentelen"].reden
    assert "strook" not in judge(strip=strip, **{**half, "grondwaterverlaging": some(4, -0.2)})["niet_afwentelen"].reden


VALLEY = {"laag": "beekdal", "operator": "==", "waarde": 1, "gevolg": "nee_tenzij"}
DRINKING = {**VALLEY, "laag": "grondwaterbescherming", "waarde": 4, "gevolg": "uitsluiten"}
PROTECTED = {**VALLEY, "laag": "natuur", "operator": ">=", "waarde": 1}


@pytest.mark.parametrize("threshold", [VALLEY, DRINKING, PROTECTED])
@pytest.mark.parametrize(("count", "want"), [(1, "0"), (0, "+")])
def test_a_threshold_on_a_place_of_value_caps_it(threshold, count, want):
    layer = threshold["laag"]
    f = simple(drempels=(threshold,), parameters=plain(GRASS)["parameters"])
    present = dict.fromkeys(BASIC, 1.0) | {layer: some(count, threshold["waarde"])}
    assert symbol("niet_afwentelen", functie=f, present=present, flags=some(count, 1, 0)) == want


def test_a_threshold_that_asks_attention_or_is_about_another_layer_does_not():
    present = dict.fromkeys(BASIC, 1.0) | {"beekdal": 1.0}
    for threshold in ({**VALLEY, "gevolg": "aandacht"}, {**VALLEY, "laag": "kwel"}):
        f = simple(drempels=(threshold,), parameters=plain(GRASS)["parameters"])
        assert symbol("niet_afwentelen", functie=f, present=present, flags=1) == "+"


def test_thresholds_count_where_one_of_their_layers_is_known():
    f = simple(drempels=(VALLEY, PROTECTED), parameters=plain(GRASS)["parameters"])
    present = dict.fromkeys(BASIC, 1.0) | {"beekdal": [1.0] + [0.0] * 9, "natuur": NAN}
    assert symbol("niet_afwentelen", functie=f, present=present, flags=some(1, 1, 0)) == "0"
    present["beekdal"] = [1.0] + [NAN] * 9
    assert symbol("niet_afwentelen", functie=f, present=present, flags=some(1, 1, 0)) == "0"  # all that is known


def test_an_abstraction_caps_it():
    assert symbol("niet_afwentelen", functie=FUNCTIES["drinkwaterwinning"]) == "0"


# --- 2 vertragen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "want"),
    [
        (-500, "++"), (-400, "++"), (-399.9, "+"), (-100, "+"), (-99.9, "0"), (0, "0"), (99.9, "0"), (100, "-"),
        (399.9, "-"), (400, "--"),
    ],
)  # fmt: skip
def test_slowing_by_water(n, want):
    assert symbol("vertragen", afvoer=n) == want
    assert symbol("vertragen", afvoer=n + 1000, verdrongen_berging=-1000) == want


def test_storage_counts_only_where_the_plan_fits():
    assert symbol("vertragen", functie=NATURE, klasse=C1, verdrongen_berging=-1000) == "++"
    assert symbol("vertragen", functie=NATURE, klasse=C2, verdrongen_berging=-1000) == "0"
    assert symbol("vertragen", functie=NATURE, klasse=C2, afvoer=-1000) == "++"  # less paving is less water anywhere


@pytest.mark.parametrize(
    ("g", "want"), [(-50, "+"), (-49.9, "0"), (59.9, "0"), (60, "-"), (149.9, "-"), (150, "--"), (400, "--")]
)
def test_slowing_by_groundwater(g, want):
    assert symbol("vertragen", aanvullingsverlies=g) == want
    assert symbol("vertragen", aanvullingsverlies=g - 100, kwelafvoer=100) == want
    assert symbol("vertragen", aanvullingsverlies=g, kwelafvoer=-70) == want


@pytest.mark.parametrize(
    ("n", "g", "want"),
    [
        (-500, 100, "-"),
        (-500, -60, "+"),
        (-500, 0, "++"),
        (100, -60, "-"),
        (100, 200, "--"),
        (0, 0, "0"),
        (400, 0, "--"),
    ],
)
def test_slowing_takes_the_worse_or_the_one_that_is_not_neutral(n, g, want):
    assert symbol("vertragen", afvoer=n, aanvullingsverlies=g) == want


@pytest.mark.parametrize("component", ["afvoer", "verdrongen_berging", "aanvullingsverlies", "kwelafvoer"])
def test_slowing_needs_sixty_percent_known(component):
    assert symbol("vertragen", **{component: some(5, NAN)}) == "?"
    assert symbol("vertragen", **{component: some(4, NAN)}) == "0"


def test_slowing_is_unknown_with_an_abstraction():
    winning = FUNCTIES["drinkwaterwinning"]
    assert symbol("vertragen", functie=winning) == "?"
    assert symbol("vertragen", functie=winning, reference=winning) == "0"
    assert symbol("vertragen", functie=winning, reference=some(9, float(winning.code), float(GRASS.code))) == "0"
    assert symbol("vertragen", functie=winning, reference=some(8, float(winning.code), float(GRASS.code))) == "?"


# --- 3 extremen ------------------------------------------------------------------------------------------------------


def curve(*points, weights=(1, 1, 1, 1, 1), layers_of=("wateroverlast", "droogte"), **changes):
    """A functie whose criteria score the value itself, but these layers by their own points."""
    base = plain(simple(weights, **changes))
    for name in layers_of:
        base["criteria"][name]["punten"] = points
    return FUNCTIES["woningbouw"].model_validate(base)


#: Scores 1 - value on wateroverlast and droogte.
FALLS = curve((0, 1), (1, 0))
FLOOD = {"laag": "wateroverlast", "operator": ">=", "waarde": 0.0, "gevolg": "nee_tenzij"}
FAR = 2100


def extremes(now=(0.0, 0.0), then=None, functie=FALLS, horizon=FAR, **extra):
    """Symbol for values of wateroverlast and droogte, now and in a scenario."""
    present = dict.fromkeys(BASIC, 0.0) | {"wateroverlast": now[0], "droogte": now[1]}
    future = {} if then is None else {"wateroverlast@2050Hd": then[0], "droogte@2050Hd": then[1]}
    return symbol("extremen", functie=functie, present=present, future=future, horizon=horizon, **extra)


#: So little that it does not matter, but not the present layer.
BIT = 0.001


@pytest.mark.parametrize(
    ("s", "want"),
    [
        (0.999, "++"), (0.8, "++"), (0.79, "+"), (0.6, "+"), (0.59, "0"), (0.4, "0"), (0.39, "-"), (0.2, "-"),
        (0.19, "--"),
    ],
)  # fmt: skip
def test_extremes_by_the_lowest_score(s, want):
    assert extremes(then=(1 - s, BIT)) == want
    assert extremes(then=(BIT, 1 - s)) == want


def test_extremes_take_the_lowest_in_every_cell():
    assert extremes(then=(some(5, 0.7, BIT), some(5, BIT, 0.7))) == "-"


def test_extremes_look_at_the_present_too():
    assert extremes(now=(0.5, 0.0), then=(BIT, BIT)) == "0"


def test_extremes_are_at_best_a_plus_without_scenarios():
    assert extremes() == "+"
    assert extremes(now=(0.5, 0.0)) == "0"


@pytest.mark.parametrize(
    ("horizon", "years", "want"),
    [
        (2050, 50, "++"), (2049, 50, "+"), (2050, 51, "+"), (2075, 51, "++"), (2074, 100, "+"), (None, 10, "+"),
        ("stresstest", 10, "+"),
    ],
)  # fmt: skip
def test_a_scenario_must_look_far_enough(horizon, years, want):
    assert extremes(then=(BIT, BIT), functie=FALLS.replace(levensduur_jr=years), horizon=horizon) == want


def test_a_copy_of_the_present_layer_is_no_scenario():
    assert extremes(then=(0.0, 0.0)) == "+"
    assert extremes(then=(some(1, BIT), 0.0)) == "+"  # of droogte it is a copy
    assert extremes(then=(some(1, BIT), some(1, BIT))) == "++"


def test_a_scenario_needs_a_variant_of_each_layer_that_counts():
    present = dict.fromkeys(BASIC, 0.0)
    found = judge(functie=FALLS, present=present, future={"droogte@s": BIT}, horizon=FAR)["extremen"]
    assert found.symbool == "+" and "geen scenario tot 2075" in found.reden
    both = {"droogte@s": BIT, "wateroverlast@t": BIT}
    assert symbol("extremen", functie=FALLS, present=present, future=both, horizon=FAR) == "++"


def test_a_stress_test_counts_for_nothing():
    found = judge(functie=FALLS, future={"droogte@s": 1.0}, horizon="stresstest")["extremen"]
    assert (found.symbool, found.getal) == ("+", pytest.approx(1))


def test_extremes_take_the_worst_scenario():
    present = dict.fromkeys(BASIC, 0.0)
    future = {"wateroverlast@mild": 0.3, "wateroverlast@hoog": 0.7}
    found = judge(functie=FALLS, present=present, future=future)["extremen"]
    assert (found.symbool, found.getal) == ("-", pytest.approx(0.3, abs=1e-6))
    assert "hoog" in found.reden and "wateroverlast en droogte" in found.reden


def test_extremes_leave_out_a_light_criterion():
    light = curve((0, 1), (1, 0), weights=(3, 3, 0.5, 2, 1.5))
    heavy = curve((0, 1), (1, 0), weights=(3, 3, 1, 2, 1))
    assert extremes(now=(0.0, 0.9), functie=light) == "+"
    assert extremes(now=(0.0, 0.9), functie=heavy) == "--"


def test_a_layer_that_is_better_when_worse_does_not_count():
    assert symbol("extremen", functie=simple(), present=dict.fromkeys(BASIC, 0.0)) == "?"  # both curves rise
    level = curve((0, 1), (0.5, 0), (1, 1), layers_of=("wateroverlast",))
    assert symbol("extremen", functie=level, present=dict.fromkeys(BASIC, 0.5)) == "?"
    one = curve((0, 1), (1, 0.9), layers_of=("wateroverlast",))
    found = judge(functie=one, present=dict.fromkeys(BASIC, 0.0))["extremen"]
    assert (found.getal, "op wateroverlast 1,00" in found.reden) == (1, True)


def test_left_of_its_top_a_layer_scores_as_at_the_top():
    top = curve((0, 0.3), (0.5, 0.9), (1, 0), layers_of=("wateroverlast",))
    for value, score in ((0.0, 0.9), (0.4, 0.9), (0.5, 0.9), (0.75, 0.45), (1.0, 0.0)):
        found = judge(functie=top, present=dict.fromkeys(BASIC, value))["extremen"]
        assert found.getal == pytest.approx(score, abs=1e-6)


def test_flooding_of_brooks_is_an_extreme_where_its_layer_is_there():
    wet = FUNCTIES["woningbouw"]
    present = dict.fromkeys(BASIC, 0.0)
    assert judge(functie=wet, present=present)["extremen"].getal == 1
    assert judge(functie=wet, present={**present, "inundatie": 0.2})["extremen"].getal == pytest.approx(0.5)


@pytest.mark.parametrize(("count", "want"), [(1, "+"), (0, "++")])
def test_extremes_go_a_step_down_where_a_threshold_fires_on_a_tenth(count, want):
    strict = curve((0, 1), (1, 0), drempels=(FLOOD,))
    assert extremes(then=(BIT, BIT), functie=strict, flags=some(count, 1, 0)) == want


def test_extremes_step_down_from_the_cap_and_never_below_the_worst():
    strict = curve((0, 1), (1, 0), drempels=(FLOOD,))
    assert extremes(functie=strict, flags=1) == "0"
    assert extremes(now=(1.0, 1.0), functie=strict, flags=1) == "--"


@pytest.mark.parametrize("effect", ["aandacht", "uitsluiten"])
def test_extremes_do_not_step_down_for_another_effect(effect):
    strict = curve((0, 1), (1, 0), drempels=({**FLOOD, "gevolg": effect},))
    assert extremes(then=(BIT, BIT), functie=strict, flags=1) == "++"


def test_extremes_do_not_step_down_for_another_layer():
    strict = curve((0, 1), (1, 0), drempels=({**FLOOD, "laag": "kwel"},))
    assert extremes(then=(BIT, BIT), functie=strict, flags=1) == "++"


@pytest.mark.parametrize(("unknown", "want"), [(4, "++"), (5, "?")])
def test_extremes_need_sixty_percent_known(unknown, want):
    assert extremes(now=(some(unknown, NAN), 0.0), then=(some(unknown, NAN, BIT), BIT)) == want


def test_extremes_are_unknown_without_the_layer():
    assert symbol("extremen", functie=FALLS, present={"kwel": 0.0}) == "?"


# --- 4 aanpasbaar ----------------------------------------------------------------------------------------------------

VALUE = simple()


def lasting(back, years):
    return VALUE.replace(omkeerbaarheid=back, levensduur_jr=years)


@pytest.mark.parametrize(
    ("tijd", "want"),
    [
        (0.0, "++"), (0.049, "++"), (0.05, "+"), (0.149, "+"), (0.15, "0"), (0.299, "0"), (0.3, "-"), (0.499, "-"),
        (0.5, "--"), (1.0, "--"),
    ],
)  # fmt: skip
def test_adaptable_by_what_lasts(tijd, want):
    assert symbol("aanpasbaar", functie=lasting(1.0, 25), tijd=tijd) == want
    assert symbol("aanpasbaar", functie=lasting(1.0, 25), tijd=tijd, reference=None) == want


@pytest.mark.parametrize(
    ("back", "years", "score", "want"),
    [
        (0.5, 25, 0.4, "0"),  # 0.5 * 0.5 * 0.6 = 0.15
        (0.5, 25, 0.41, "+"),
        (0.0, 50, 0.5, "--"),  # 1 * 1 * 0.5
        (0.0, 100, 0.5, "--"),  # no more than one lifetime
        (0.0, 50, 0.51, "-"),
    ],
)
def test_adaptable_by_reversibility_lifetime_and_score(back, years, score, want):
    assert symbol("aanpasbaar", functie=lasting(back, years), score=score) == want


@pytest.mark.parametrize(("back", "years", "want"), [(0.7, 25, "++"), (0.69, 25, "+"), (1.0, 25, "++"), (1.0, 26, "+")])
def test_adaptable_is_at_best_a_plus_where_hard_to_undo_or_long_without_scenarios(back, years, want):
    assert symbol("aanpasbaar", functie=lasting(back, years), score=1.0) == want


@pytest.mark.parametrize(
    ("horizon", "years", "value", "want"),
    [
        (2050, 26, 0.9, "++"), (2049, 26, 0.9, "+"), (None, 26, 0.9, "+"), (2050, 51, 0.9, "+"), (2075, 51, 0.9, "++"),
        ("stresstest", 26, 0.9, "+"), (2050, 26, 1.0, "+"),
    ],
)  # fmt: skip
def test_adaptable_for_long_needs_a_scenario_that_looks_as_far_and_is_no_copy(horizon, years, value, want):
    present, future = dict.fromkeys(BASIC, 1.0), {"kwel@s": value}
    found = symbol(
        "aanpasbaar", functie=lasting(1.0, years), present=present, future=future, horizon=horizon, score=1.0
    )
    assert found == want


@pytest.mark.parametrize(("horizon", "counts"), [(2075, True), (2076, False), (None, True), ("stresstest", False)])
def test_adaptable_looks_at_the_lowest_score_over_the_scenarios_that_it_lives_to_see(horizon, counts):
    present, future = dict.fromkeys(BASIC, 1.0), {"kwel@mild": 0.9, "wateroverlast@fel": 0.0}
    found = judge(functie=lasting(0.0, 50), present=present, future=future, horizon=horizon, score=0.8)["aanpasbaar"]
    assert found.getal == pytest.approx(1 - 0.01**0.2 if counts else 0.2, abs=1e-5)


@pytest.mark.parametrize(("unknown", "want"), [(4, "++"), (5, "?")])
def test_adaptable_needs_sixty_percent_known(unknown, want):
    assert symbol("aanpasbaar", functie=lasting(1.0, 25), tijd=some(unknown, NAN)) == want


# --- 5 herstel -------------------------------------------------------------------------------------------------------

FREE = GRASS.replace(levensduur_jr=15)
FIXED = FREE.replace(omkeerbaarheid=0.49)
LATER = FREE.replace(levensduur_jr=16)


RESTORES = [{"grondwaterverlaging": -0.1}, {"kwelafvoer": -50}, {"veenoxidatie": -2}]
WORSENS = [{"grondwaterverlaging": 0.1}, {"kwelafvoer": 50}, {"veenoxidatie": 2}]


@pytest.mark.parametrize(("count", "want"), [(10, "--"), (5, "--"), (4, "-"), (1, "-"), (0, "0")])
@pytest.mark.parametrize("effect", [{}, *RESTORES, *WORSENS])
def test_a_plan_that_blocks_recovery_blocks_whatever_else_it_does(count, want, effect):
    assert symbol("herstel", functie=FIXED, present=wet_on(count), **effect) == want


@pytest.mark.parametrize(("count", "want"), [(10, "++"), (5, "++"), (4, "+"), (1, "+"), (0, "+")])
@pytest.mark.parametrize("effect", RESTORES)
def test_recovery_by_a_plan_that_restores(count, effect, want):
    assert symbol("herstel", functie=FREE, present=wet_on(count), **effect) == want
    assert symbol("herstel", functie=LATER, present=wet_on(count), **effect) == want


@pytest.mark.parametrize(("count", "want"), [(10, "-"), (5, "-"), (4, "-"), (1, "-"), (0, "0")])
@pytest.mark.parametrize("effect", WORSENS)
def test_recovery_by_a_plan_that_worsens(count, effect, want):
    assert symbol("herstel", functie=FREE, present=wet_on(count), **effect) == want


@pytest.mark.parametrize(("count", "want"), [(10, "-"), (5, "-"), (4, "0"), (1, "0"), (0, "0")])
def test_recovery_by_a_plan_that_delays(count, want):
    assert symbol("herstel", functie=LATER, present=wet_on(count)) == want
    assert symbol("herstel", functie=LATER.replace(herstelt_mee=1), present=wet_on(count)) == "0"


def test_nature_wet_farming_and_storage_delay_nothing():
    helps = {n for n, f in FUNCTIES.items() if f.value("herstelt_mee") == 1}
    assert helps == {"natte_natuur", "natte_landbouw", "heide_schraal", "droge_natuur_bos", "waterberging"}


@pytest.mark.parametrize("count", [10, 5, 4, 1, 0])
@pytest.mark.parametrize("name", ["grondwaterverlaging", "kwelafvoer", "veenoxidatie"])
def test_recovery_by_a_plan_that_does_none_of_these(count, name):
    border = {"grondwaterverlaging": 0.099, "kwelafvoer": 49.9, "veenoxidatie": 1.99}[name]
    for value in (-border, border):
        assert symbol("herstel", functie=FREE, present=wet_on(count), **{name: value}) == "0"


def test_reversible_by_half_does_not_block():
    assert symbol("herstel", functie=FREE.replace(omkeerbaarheid=0.5), present=wet_on(10)) == "0"


@pytest.mark.parametrize("effect", RESTORES)
def test_restoring_by_a_level_counts_only_where_the_plan_fits(effect):
    assert symbol("herstel", functie=NATURE, present=wet_on(10), klasse=C1, **effect) == "++"
    assert symbol("herstel", functie=NATURE, present=wet_on(10), klasse=C2, **effect) == "0"


#: Good for wet nature by water on the land and shallow keileem; nothing else invites it.
SHALLOW = {**WET, "kwel": 0.0, "keileemdiepte": 0.9, "ghg": 0.5, "gvg": 0.2}


@pytest.mark.parametrize(
    ("change", "chance"),
    [
        ({}, 0),
        ({"kwel": 0.5}, 1),
        ({"kwel": 0.499}, 0),
        ({"beekdal": 1.0}, 1),
        ({"veendikte": 0.8, "kwel": -0.1}, 1),
        ({"veendikte": 0.799, "kwel": -0.1}, 0),
        ({"veendikte": 0.4}, 1),
        ({"veendikte": 0.399}, 0),
        ({"ghg": 0.39, "keileemdiepte": 0.79}, 1),
        ({"ghg": 0.39, "keileemdiepte": 0.8}, 0),
        ({"ghg": 0.4, "keileemdiepte": 0.79}, 0),
        ({"beekdal": 1.0, "wateroverlast": 0.0, "droogte": 40.0}, 0),  # no good for wet nature
        ({"ghg": 0.9, "gvg": 0.7, "beekdal": 1.0}, 1),  # good after its own rewetting
    ],
)
def test_a_chance_needs_wet_nature_and_a_reason(change, chance):
    assert judge(functie=FREE, present={**SHALLOW, **change})["herstel"].getal == chance


@pytest.mark.parametrize("layer", ["beekdal", "kwel", "veendikte", "keileemdiepte", "ghg"])
def test_a_chance_is_unknown_where_nothing_invites_it_and_a_layer_is_unknown(layer):
    assert symbol("herstel", functie=FREE, present={**SHALLOW, layer: some(5, NAN, SHALLOW[layer])}) == "?"
    assert symbol("herstel", functie=FREE, present={**SHALLOW, layer: some(4, NAN, SHALLOW[layer])}) == "0"
    without = {n: v for n, v in SHALLOW.items() if n != layer}
    assert symbol("herstel", functie=FREE, present=without) == "?"
    other = "kwel" if layer == "beekdal" else "beekdal"
    invited = {**SHALLOW, "kwel": 0.5, layer: NAN, other: 1.0}
    assert judge(functie=FREE, present=invited)["herstel"].getal == 1


def test_a_chance_is_unknown_where_only_the_missing_gvg_caps_wet_nature():
    without = {n: v for n, v in WET.items() if n not in ("gvg", "glg")}
    assert symbol("herstel", functie=FREE, present=without) == "?"
    assert symbol("herstel", functie=FREE, present={**without, "glg": 0.6}) == "0"  # gvg follows from ghg and glg
    poor = {**without, "wateroverlast": 0.0, "droogte": 40.0, "kwel": -3.0, "ghg": 3.0}
    assert judge(functie=FREE, present=poor)["herstel"].getal == 0  # no good with gvg either


@pytest.mark.parametrize(("unknown", "want"), [(4, "0"), (5, "?")])
def test_recovery_needs_sixty_percent_known(unknown, want):
    present = {n: some(unknown, NAN, DRY[n]) for n in DRY}
    assert symbol("herstel", functie=FREE, present=present) == want


def test_recovery_is_not_restored_by_a_mean_over_less_than_sixty_percent():
    assert symbol("herstel", functie=FREE, present=wet_on(10), veenoxidatie=some(1, -9, NAN)) == "0"


def test_recovery_is_made_worse_by_what_is_known_of_it():
    assert symbol("herstel", functie=FREE, present=wet_on(10), veenoxidatie=some(1, 9, NAN)) == "-"


# --- 6 bodem ---------------------------------------------------------------------------------------------------------

CLEAN = FREE.replace(uitspoeling=0)


def paving(share, **extra):
    return CLEAN.replace(verhardingsgraad=0.01 + share, **extra)


@pytest.mark.parametrize(
    ("b", "want"), [(0.0, "+"), (0.049, "+"), (0.05, "0"), (0.249, "0"), (0.25, "-"), (0.599, "-"), (0.6, "--")]
)
def test_soil_by_each_of_its_four_loads(b, want):
    assert symbol("bodem", functie=paving(b)) == want
    assert symbol("bodem", functie=CLEAN.replace(opgehoogd_aandeel=0.5, ophoging_m=3 * b)) == want
    assert symbol("bodem", functie=CLEAN, zetting=0.3 * b) == want
    assert symbol("bodem", functie=CLEAN, veenoxidatie=6 * b) == want


def test_soil_takes_the_largest_of_its_loads():
    assert symbol("bodem", functie=paving(0.1), zetting=0.12) == "-"


def test_fill_counts_against_that_of_the_present_use():
    raised = GRASS.replace(opgehoogd_aandeel=0.5, ophoging_m=1.0)
    assert symbol("bodem", functie=CLEAN.replace(opgehoogd_aandeel=0.5, ophoging_m=1.5), reference=raised) == "0"
    assert symbol("bodem", functie=CLEAN, reference=raised) == "+"


def test_soil_is_doubly_good_with_less_peat_lost_or_less_paving():
    assert symbol("bodem", functie=CLEAN, veenoxidatie=-2) == "++"
    assert symbol("bodem", functie=CLEAN, veenoxidatie=-1.9) == "+"
    assert symbol("bodem", functie=NATURE, veenoxidatie=-2, klasse=D) == "+"
    assert symbol("bodem", functie=CLEAN, reference=paving(0.051)) == "++"
    assert symbol("bodem", functie=CLEAN, reference=paving(0.05)) == "+"
    assert symbol("bodem", functie=paving(0.05), veenoxidatie=some(5, -9, 0.0)) == "0"


@pytest.mark.parametrize(
    ("own", "there", "protected", "want"),
    [
        (0, 0, 0, "+"),
        (1, 1, 10, "+"),
        (1, 0, 10, "0"),  # more than the present use
        (2, 2, 0, "0"),  # much
        (2, 2, 1, "-"),  # and in a protected area
        (1, 0, 1, "0"),
    ],
)
def test_soil_is_at_best_neutral_where_nutrients_leach(own, there, protected, want):
    present = dict.fromkeys(BASIC, 0.0) | {"grondwaterbescherming": some(protected, 1.0)}
    found = symbol(
        "bodem", functie=CLEAN.replace(uitspoeling=own), reference=CLEAN.replace(uitspoeling=there, ontwatering_m=0.3),
        present=present,
    )  # fmt: skip
    assert found == want


ZONE = {"laag": "grondwaterbescherming", "operator": "==", "waarde": 4, "gevolg": "uitsluiten"}


@pytest.mark.parametrize(("count", "want"), [(1, "--"), (0, "+")])
@pytest.mark.parametrize("effect", ["uitsluiten", "nee_tenzij"])
def test_soil_is_bad_where_protection_of_groundwater_says_no(count, want, effect):
    f = simple(parameters=plain(CLEAN)["parameters"], drempels=({**ZONE, "gevolg": effect},))
    present = dict.fromkeys(BASIC, 1.0) | {"grondwaterbescherming": some(count, 4.0)}
    assert symbol("bodem", functie=f, present=present, flags=some(count, 1)) == want


def test_soil_is_not_bad_where_protection_only_asks_attention():
    f = simple(parameters=plain(CLEAN)["parameters"], drempels=({**ZONE, "gevolg": "aandacht"},))
    present = dict.fromkeys(BASIC, 1.0) | {"grondwaterbescherming": 4.0}
    assert symbol("bodem", functie=f, present=present, flags=1) == "+"


def test_soil_is_unknown_where_settlement_that_could_be_is_unknown():
    assert symbol("bodem", functie=HOUSES, zetting=some(5, NAN)) == "?"
    assert symbol("bodem", functie=HOUSES, zetting=some(4, NAN)) == "-"
    assert symbol("bodem", functie=FREE, zetting=NAN) == "+"  # no more fill: no settlement
    assert symbol("bodem", functie=HOUSES.replace(verhardingsgraad=0.61), zetting=NAN) == "--"  # bad enough already
    assert symbol("bodem", functie=HOUSES, zetting=NAN, veenoxidatie=3.6) == "--"


def test_unknown_peat_is_left_out():
    assert symbol("bodem", functie=CLEAN, veenoxidatie=NAN) == "+"


# --- the rules are data ----------------------------------------------------------------------------------------------


def told():
    return tomllib.loads(files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8"))


def borders(things):
    """Numbers of all conditions in a part of the rules."""
    if isinstance(things, dict) and "maat" in things:
        return {v for k, v in things.items() if k != "maat"}
    parts = things.values() if isinstance(things, dict) else things if isinstance(things, list) else ()
    return set().union(*map(borders, parts))


def test_every_border_of_section_8_stands_in_the_data():
    rules = told()
    of = {n: borders(p) for n, p in rules["beginselen"].items()}
    assert of["niet_afwentelen"] == {0.60, 0.20, 0.40, -50, -3, 1, 0.10, 0}
    assert of["vertragen"] == {-400, -100, 100, 400, -50, 60, 150, 0}
    assert of["extremen"] == {0.80, 0.60, 0.40, 0.20, 1, 0.10}
    assert of["aanpasbaar"] == {0.05, 0.15, 0.30, 0.50, 0.7, 25, 1}
    assert of["herstel"] == {0.50, 0.10, 1}
    assert of["bodem"] == {0.05, -2, -0.05, 0.25, 0.60, 2, 0, 0.10}
    assert borders(rules["afgeleid"]) == {0.5, -0.10, -50, -2, 0.10, 50, 2, 15, 1}
    assert borders(rules["kans"]) == {1, 0.5, 0.8, 0.4, 0}
    assert (rules["bekend_min"], rules["dekking_min"], rules["zelf_min"]) == (0.60, 0.20, 0.90)
    assert (rules["levensduur_vol_jr"], rules["ophoging_vol_m"]) == (50, 1.5)
    assert (rules["zetting_vol_m"], rules["veen_vol_mm_jr"], rules["risico_zeer_hoog"]) == (0.30, 6, 0.80)
    assert rules["horizon"] == {"levensduur_jr": 50, "jaar": 2050, "jaar_lang": 2075}
    assert rules["buren"] == {"gebruik": [1, 2, 3, 6, 13, 14]} and builtin_rules().buren.rise_m == 0.05


def constants(kinds):
    """Constants in the code, indices left out."""
    tree = ast.parse("".join(inspect.getsource(m).replace(FUTURE, "") for m in (kompas, quantities, site)))
    indices = {id(n.slice) for n in ast.walk(tree) if isinstance(n, ast.Subscript)}
    return {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and type(n.value) in kinds and id(n) not in indices
    }


def test_no_border_stands_in_the_code():
    assert constants((int, float)) <= {0, 1}


def test_no_layer_nor_threshold_effect_of_a_rule_stands_in_the_code():
    known = {"wateroverlast", "droogte", "inundatie", "kwel", "beekdal", "keileemdiepte", "ghg", "natuur"}
    assert not constants((str,)) & {*known, "grondwaterbescherming", "nee_tenzij", "uitsluiten"}


def test_a_user_may_replace_the_rules(tmp_path):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8")
    own = tmp_path / "kompas.toml"
    own.write_text(text.replace("bekend_min = 0.60", "bekend_min = 0.90"), encoding="utf-8")
    data = even(1, CELLS)
    data.wateroverlast.values[0, :2] = np.nan
    plan = box(0, 0, CELLS, 1)
    strict = wb.assess(data, "woningbouw", plan, kompas=load_rules(own))
    assert wb.assess(data, "woningbouw", plan).table.kompas_extremen.item() == "+"
    assert strict.table.kompas_extremen.item() == "?"


@pytest.mark.parametrize(
    ("old", "new"),
    [('"risico", min = 0.60', '"risico", minn = 0.60'), ('symbool = "--"', 'symbool = "---"'), ("[kans]", "[kansen]")],
)
def test_a_mistake_in_own_rules_is_an_error_that_names_the_file(tmp_path, old, new):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8")
    assert old in text
    own = tmp_path / "mijn_kompas.toml"
    own.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match="mijn_kompas"):
        load_rules(own)


def test_a_measure_cannot_be_of_the_change_and_of_the_whole(tmp_path):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8")
    own = tmp_path / "kompas.toml"
    own.write_text(text.replace('maat = "drempel_plek"', 'maat = "drempel_extremen"'), encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match="drempel_extremen"):
        load_rules(own)


@pytest.mark.parametrize(
    "field",
    [
        "{risico:>9999999999}",
        "{risico.__class__}",
        "{risico!r}",
        "{0}",
        "{risico[0]}",
        "{risico:{kans}}",
        "{risico:.999f}",
        "{",
    ],
)
@pytest.mark.parametrize("place", ["{risico:.2f}", "{strook_m:rond}", "{dekking:.0%}"])
def test_a_sentence_of_somebody_else_only_fills_in_numbers(tmp_path, field, place):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8")
    assert place in text
    own = tmp_path / "van_een_ander.toml"
    own.write_text(text.replace(place, field), encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match="van_een_ander"):
        kompas_rules.load_rules(own)


def test_there_are_six_verdicts_with_a_reason_and_no_total():
    b = wb.assess(even(), ["woningbouw", "natte_natuur"], box(0, 0, 3, 3))
    assert list(b.kompas.columns) == ["gebied", "functie", "beginsel", "symbool", "getal", "eenheid", "reden"]
    assert b.kompas.groupby("functie").size().tolist() == [6, 6]
    assert set(b.kompas.symbool) <= {"--", "-", "0", "+", "++", "?"}
    assert (b.kompas.reden.str.len() > 10).all()


# --- twin ------------------------------------------------------------------------------------------------------------

NAMES = (*BASIC, "ghg", "gvg", "glg", "veendikte", "beekdal", "grondwaterbescherming", "natuur", "inundatie")
PLAIN = plain_functies(FUNCTIES)
COUNT, SIDE = 8, 10.0


def twin_plan(name, given, arrays, later, horizon, covers):
    """The plan of a row of cells as the twin takes it; cells that are not covered lie around it."""
    values = [{n: float(np.float32(a[i])) for n, a in arrays.items()} for i in range(COUNT)]
    cells = {
        (0, i): PlanCell(
            cover,
            values[i],
            reference_of(float(given[i]) if isinstance(given, np.ndarray) else given, values[i], PLAIN),
            {"later": Scenario({n: float(np.float32(a[i])) for n, a in later.items()}, horizon)} if later else {},
        )
        for i, cover in enumerate(covers)
        if cover > 0
    }
    around = {(0, i): values[i] for i, cover in enumerate(covers) if cover == 0}
    return Judged(PLAIN[name], cells, sum(covers), PLAIN["natte_natuur"], around, SIDE)


def uses(rng, count):
    codes = rng.choice([float(f.code) for f in FUNCTIES.values()], count).astype(np.float32)
    codes[rng.random(count) < 0.1] = np.nan
    return codes


#: As for classes (rekenregels, opening): nearer to a border than this, and not on it, float32 may fall on either side.
NEAR = 1e-5


def conditions(things):
    """Measures with their borders, of all conditions in a part of the rules."""
    if isinstance(things, dict) and "maat" in things:
        return {(things["maat"], v) for k, v in things.items() if k != "maat"}
    parts = things.values() if isinstance(things, dict) else things if isinstance(things, list) else ()
    return set().union(*map(conditions, parts))


def near(plan):
    """Principles of which a mean lies so near to a border of its own that the library may fall on the other side."""
    means, rules = Means(plan), told()
    found = {n: means.over_others(n) for n in ("kwelafvoer", "veenoxidatie", "grondwater", "grondwaterverlaging")}
    found |= {rules["beginselen"][p]["getal"]: v for p, v in numbers(plan).items()}
    met = {p: conditions(principle) for p, principle in rules["beginselen"].items()}
    met["herstel"] |= conditions(rules["afgeleid"])
    return {p for p, some in met.items() if any(is_near(found.get(maat, NAN), border) for maat, border in some)}


def is_near(value, border):
    return 0 < abs(value - border) < NEAR * max(1.0, abs(border))


def open_to_reading(plan, later):
    """Principles that the twin reads otherwise: relief known on little of the plan, and how far scenarios look.

    The library takes no mean over less than 60 % for a relief, and holds "of that horizon" of principle 4 for that of
    principle 3; both are held by hand above.
    """
    means, reliefs = Means(plan), ("kwelafvoer", "veenoxidatie", "grondwaterverlaging")
    little = any(means.over_others(n) < 0 and not means.known(n) for n in reliefs)
    long = later and plain(plan.functie)["parameters"]["levensduur_jr"]["waarde"] > 25
    return {*(("niet_afwentelen", "herstel", "bodem") if little else ()), *(("aanpasbaar",) if long else ())}


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(FUNCTIES)),
    st.sampled_from(["grasland_veeteelt", "akkerbouw", "gebruik", "raster", "aangenomen"]),
    st.sets(st.sampled_from(NAMES), min_size=8),
    st.sampled_from([None, 2040, 2050, 2090]),
)
def test_every_symbol_equals_its_slow_twin(seed, name, reference, present, horizon):
    rng, f = np.random.default_rng(seed), FUNCTIES[name]
    arrays = columns(rng, f, sorted(present), COUNT, unknown=0.05)
    later = {n: arrays[n] * 1.3 for n in ("wateroverlast", "droogte") if n in arrays} if seed % 2 else {}
    if reference == "gebruik":
        arrays["gebruik"] = uses(rng, COUNT)
    raster = uses(rng, COUNT) if reference == "raster" else None
    data = layers({n: a[None, :] for n, a in arrays.items()})
    for n, a in later.items():
        data[f"{n}@later"] = (("y", "x"), a[None, :].astype(np.float32))
        data[f"{n}@later"].attrs.update({} if horizon is None else {"horizon": horizon})
    covers = [0.0, 0.3 + 0.7 * rng.random(), *[1.0] * (COUNT - 3), 0.0]
    place = box(2 - covers[1], 0, COUNT - 1, 1)
    given_ = {"raster": raster, "gebruik": None, "aangenomen": None}.get(reference, PLAIN.get(reference))
    plan = twin_plan(name, given_, arrays, later, horizon, covers)
    asked = FUNCTIES.get(reference) if raster is None else xr.DataArray(raster[None, :], dims=("y", "x"))
    got = wb.per_gebied(data, f, place, referentie=asked).iloc[0]
    left = [k for k in PRINCIPLES if k not in open_to_reading(plan, later) | near(plan)]
    assert {k: got[f"kompas_{k}"] for k in left} == {k: v for k, v in twin_of(plan).items() if k in left}
