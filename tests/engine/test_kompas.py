"""Kompas: every line of the six principles by hand-made measures, its borders, and a slow twin."""

from __future__ import annotations

import ast
import inspect
import tomllib
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import waterbodem as wb
from tests.support.grids import box, even, layers
from tests.support.random_cells import BASIC, FUNCTIES, columns, simple
from tests.support.twins_edition1 import COMPONENTS
from tests.support.twins_edition1 import kompas as twin_of
from waterbodem.core.dataset import grid_of
from waterbodem.definitions import kompas_rules
from waterbodem.definitions.kompas_rules import builtin_rules, load_rules
from waterbodem.engine import kompas, quantities
from waterbodem.engine.coverage import footprints
from waterbodem.engine.evaluation import Result
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.scoring import parts_of
from waterbodem.engine.sums import tally_of
from waterbodem.engine.table import total
from waterbodem.kernels.burden import Burden
from waterbodem.layers.polygons import Area

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")

CELLS = 10
FUTURE = "from __future__ import annotations"
NAN = float("nan")
A, B, C1, C2, D, X = 1, 2, 3, 4, 5, 0
GRASS = FUNCTIES["grasland_veeteelt"]


def spread(value, dtype=np.float32):
    """A number, or one per cell, as a row of cells."""
    return np.broadcast_to(np.asarray(value, dtype), (1, CELLS)).copy()


def some(count, value, rest=0.0):
    return [value] * count + [rest] * (CELLS - count)


def place_of(present, future, horizon):
    data = layers({n: spread(v) for n, v in present.items()})
    for name, v in future.items():
        data[name] = data[next(iter(present))].copy(data=spread(v))
        data[name].attrs.update({} if horizon is None else {"horizon": horizon})
    return data


def judge(
    functie=None, reference=GRASS, present=None, future=None, horizon=None, klasse=A, score=0.9, flags=0,
    risico=0.0, tijd=0.0, **components,
):  # fmt: skip
    """The six symbols for measures made by hand; components default to 0."""
    functie = functie or FUNCTIES["woningbouw"]
    data = place_of(present or dict.fromkeys(BASIC, 0.0), future or {}, horizon)
    cells, grid = layer_set(data), grid_of(data)
    parts = np.stack([spread(components.pop(n, 0.0)) for n in COMPONENTS])
    assert not components
    zero, codes = spread(0.0), spread(klasse, np.uint8)
    burden = Burden(parts, zero, spread(tijd), zero, spread(risico), spread(0, np.uint8))
    names = tuple(p.name for p in parts_of(functie, list(cells.present)))
    scores = {n: spread(score) for n in ("score", "score_min", "score_max", "dekking")}
    scores |= dict.fromkeys(("klasse", "klasse_min", "klasse_max"), codes)
    scores |= {"flags": spread(flags, np.uint16), "loss": np.zeros((len(names) + 1, CELLS), np.float32)}
    result, rules = Result(functie, names, scores, burden), builtin_rules()
    areas = [Area(1, "plan", box(0, 0, CELLS, 1))]
    found = quantities.measures_of(cells, result, reference, rules)
    sums = total([tally_of(footprints(areas, grid), result, found.names, found.rows)], 1)
    found = kompas.findings_of(areas, grid, sums, cells.scenarios, functie, rules)
    return {v.kolom.removeprefix("kompas_"): v for v in kompas.verdicts(found, rules)[0]}


def symbol(principle, **measures):
    return judge(**measures)[principle].symbool


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


RELIEFS = [
    ({"afvoer": -60, "verdrongen_berging": -40}, {"afvoer": -60, "verdrongen_berging": -39.9}),
    ({"kwelafvoer": -50}, {"kwelafvoer": -49.9}),
    ({"veenoxidatie": -0.1}, {"veenoxidatie": -0.0999}),
]


@pytest.mark.parametrize(("enough", "less"), RELIEFS)
def test_not_shifting_is_doubly_good_with_a_relief(enough, less):
    assert symbol("niet_afwentelen", **enough) == "++"
    assert symbol("niet_afwentelen", **less) == "+"
    assert symbol("niet_afwentelen", risico=0.2, **enough) == "0"


@pytest.mark.parametrize("klasse", [A, B, C1, C2, D, X])
@pytest.mark.parametrize(("enough", "_less"), RELIEFS)
def test_a_relief_counts_only_where_the_plan_fits(klasse, enough, _less):
    want = "++" if klasse in (A, B, C1) else "+"
    assert symbol("niet_afwentelen", klasse=klasse, **enough) == want


@pytest.mark.parametrize(("unknown", "want"), [(4, "+"), (5, "?")])
def test_not_shifting_needs_sixty_percent_known_risk(unknown, want):
    assert symbol("niet_afwentelen", risico=some(unknown, NAN)) == want


def test_a_mean_over_less_than_sixty_percent_makes_no_double_plus():
    assert symbol("niet_afwentelen", veenoxidatie=some(1, -0.5, NAN)) == "+"


# --- 2 vertragen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "want"),
    [
        (-500, "++"), (-400, "++"), (-399.9, "+"), (-50, "+"), (-49.9, "0"), (0, "0"), (49.9, "0"), (50, "-"),
        (299.9, "-"), (300, "--"),
    ],
)  # fmt: skip
def test_slowing_by_water(n, want):
    assert symbol("vertragen", afvoer=n) == want
    assert symbol("vertragen", afvoer=n + 1000, verdrongen_berging=-1000) == want


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


# --- 3 extremen ------------------------------------------------------------------------------------------------------

VALUE = simple()
FLOOD = {"laag": "wateroverlast", "operator": ">=", "waarde": 0.0, "gevolg": "nee_tenzij"}


def extremes(now=(1.0, 1.0), then=None, functie=VALUE, **extra):
    """Symbol for scores on wateroverlast and droogte, now and in a scenario."""
    present = dict.fromkeys(BASIC, 1.0) | {"wateroverlast": now[0], "droogte": now[1]}
    future = {} if then is None else {"wateroverlast@2050hoog": then[0], "droogte@2050hoog": then[1]}
    return symbol("extremen", functie=functie, present=present, future=future, **extra)


@pytest.mark.parametrize(
    ("s", "want"),
    [
        (1, "++"),
        (0.8, "++"),
        (0.799, "+"),
        (0.6, "+"),
        (0.599, "0"),
        (0.4, "0"),
        (0.399, "-"),
        (0.2, "-"),
        (0.199, "--"),
    ],
)
def test_extremes_by_the_lowest_score(s, want):
    assert extremes(then=(s, 1.0)) == want
    assert extremes(then=(1.0, s)) == want


def test_extremes_take_the_lowest_in_every_cell():
    assert extremes(then=(some(5, 0.3, 1.0), some(5, 1.0, 0.3))) == "-"


def test_extremes_are_at_best_a_plus_without_scenarios():
    assert extremes() == "+"
    assert extremes(now=(0.5, 1.0)) == "0"


def test_extremes_take_the_worst_scenario():
    present = dict.fromkeys(BASIC, 1.0)
    future = {"wateroverlast@mild": 0.7, "wateroverlast@hoog": 0.3}
    found = judge(functie=VALUE, present=present, future=future)["extremen"]
    assert (found.symbool, found.getal) == ("-", pytest.approx(0.3, abs=1e-6))
    assert "hoog" in found.reden


def test_extremes_leave_out_a_light_criterion():
    light = simple((3, 3, 0.5, 2, 1.5))
    assert extremes(then=(1.0, 0.0), functie=light) == "++"
    assert extremes(then=(1.0, 0.0), functie=simple((3, 3, 1, 2, 1))) == "--"


@pytest.mark.parametrize(("count", "want"), [(1, "+"), (0, "++")])
def test_extremes_go_a_step_down_where_a_threshold_fires_on_a_tenth(count, want):
    strict = simple(drempels=(FLOOD,))
    assert extremes(then=(1.0, 1.0), functie=strict, flags=some(count, 1, 0)) == want


def test_extremes_step_down_from_the_cap_and_never_below_the_worst():
    strict = simple(drempels=(FLOOD,))
    assert extremes(functie=strict, flags=1) == "0"
    assert extremes(then=(0.0, 0.0), functie=strict, flags=1) == "--"


@pytest.mark.parametrize("effect", ["aandacht", "uitsluiten"])
def test_extremes_do_not_step_down_for_another_effect(effect):
    assert extremes(then=(1.0, 1.0), functie=simple(drempels=({**FLOOD, "gevolg": effect},)), flags=1) == "++"


def test_extremes_do_not_step_down_for_another_layer():
    other = {**FLOOD, "laag": "kwel"}
    assert extremes(then=(1.0, 1.0), functie=simple(drempels=(other,)), flags=1) == "++"


@pytest.mark.parametrize(("unknown", "want"), [(4, "++"), (5, "?")])
def test_extremes_need_sixty_percent_known(unknown, want):
    assert extremes(now=(1.0, 1.0), then=(some(unknown, NAN, 1.0), 1.0)) == want


def test_extremes_are_unknown_without_the_layer():
    assert symbol("extremen", functie=VALUE, present={"kwel": 0.0}) == "?"


# --- 4 aanpasbaar ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("horizon", "want"), [(2050, "++"), (2051, "++"), (2052, "+"), (None, "++")])
def test_adaptable_counts_scenarios_within_the_lifetime(horizon, want):
    present = dict.fromkeys(BASIC, 1.0)
    found = symbol(
        "aanpasbaar", functie=lasting(1.0, 26), present=present, future={"kwel@s": 1.0}, horizon=horizon, score=1.0
    )
    assert found == want


def test_adaptable_looks_at_the_lowest_score_over_the_scenarios():
    present = dict.fromkeys(BASIC, 1.0)
    future = {"kwel@mild": 0.9, "wateroverlast@fel": 0.0}
    score = 0.01**0.2
    found = judge(functie=lasting(0.0, 50), present=present, future=future, score=1.0)["aanpasbaar"]
    assert found.getal == pytest.approx(1 - score, abs=1e-5)


@pytest.mark.parametrize(("unknown", "want"), [(4, "++"), (5, "?")])
def test_adaptable_needs_sixty_percent_known(unknown, want):
    assert symbol("aanpasbaar", functie=lasting(1.0, 25), tijd=some(unknown, NAN)) == want


# --- 5 herstel -------------------------------------------------------------------------------------------------------

WET = {"zettingsgevoeligheid": 0.25, "wateroverlast": 0.3, "droogte": 0.0, "keileemdiepte": np.inf, "kwel": 2.0}
DRY = {"zettingsgevoeligheid": 0.0, "wateroverlast": 0.0, "droogte": 40.0, "keileemdiepte": np.inf, "kwel": -3.0}
FREE = FUNCTIES["grasland_veeteelt"]
FIXED = FREE.replace(omkeerbaarheid=0.49)


def wet_on(count):
    return {n: some(count, WET[n], DRY[n]) for n in BASIC}


RESTORES = [{"grondwaterverlaging": -0.1}, {"kwelafvoer": -50}, {"veenoxidatie": -0.05}, {"verdrongen_berging": -400}]
WORSENS = [{"grondwaterverlaging": 0.1}, {"kwelafvoer": 50}, {"veenoxidatie": 0.05}]


@pytest.mark.parametrize(("count", "want"), [(10, "++"), (5, "++"), (4, "+"), (1, "+"), (0, "+")])
@pytest.mark.parametrize("effect", RESTORES)
def test_recovery_by_a_plan_that_restores(count, effect, want):
    assert symbol("herstel", functie=FREE, present=wet_on(count), **effect) == want
    assert symbol("herstel", functie=FIXED, present=wet_on(count), **effect) == want


@pytest.mark.parametrize(("count", "want"), [(10, "--"), (5, "--"), (4, "-"), (1, "-"), (0, "0")])
def test_recovery_by_a_plan_that_blocks(count, want):
    assert symbol("herstel", functie=FIXED, present=wet_on(count)) == want
    assert symbol("herstel", functie=FIXED, present=wet_on(count), kwelafvoer=90) == want


@pytest.mark.parametrize(("count", "want"), [(10, "-"), (5, "-"), (4, "-"), (1, "-"), (0, "0")])
@pytest.mark.parametrize("effect", WORSENS)
def test_recovery_by_a_plan_that_worsens(count, effect, want):
    assert symbol("herstel", functie=FREE, present=wet_on(count), **effect) == want


@pytest.mark.parametrize("count", [10, 5, 4, 1, 0])
@pytest.mark.parametrize("name", ["grondwaterverlaging", "kwelafvoer", "veenoxidatie", "verdrongen_berging"])
def test_recovery_by_a_plan_that_does_neither(count, name):
    border = {"grondwaterverlaging": 0.099, "kwelafvoer": 49.9, "veenoxidatie": 0.0499, "verdrongen_berging": 399.9}
    for value in (-border[name], border[name] if name != "verdrongen_berging" else 0.0):
        assert symbol("herstel", functie=FREE, present=wet_on(count), **{name: value}) == "0"


def test_reversible_by_half_does_not_block():
    assert symbol("herstel", functie=FREE.replace(omkeerbaarheid=0.5), present=wet_on(10)) == "0"


@pytest.mark.parametrize("effect", RESTORES)
def test_restoring_counts_only_where_the_plan_fits(effect):
    assert symbol("herstel", functie=FREE, present=wet_on(10), klasse=D, **effect) == "0"


#: Good for wet nature by shallow keileem alone: kwel is no reason, and neither is anything else.
SHALLOW = {**WET, "kwel": 0.0, "keileemdiepte": 0.5}


@pytest.mark.parametrize(
    ("change", "chance"),
    [
        ({}, 0),
        ({"kwel": 0.5}, 1),
        ({"kwel": 0.499}, 0),
        ({"beekdal": 1.0}, 1),
        ({"beekdal": 0.0}, 0),
        ({"veendikte": 0.4}, 1),
        ({"veendikte": 0.399}, 0),
        ({"ghg": 0.39}, 1),
        ({"ghg": 0.4}, 0),
        ({"ghg": 0.39, "keileemdiepte": 0.79}, 1),
        ({"ghg": 0.39, "keileemdiepte": 0.8}, 0),
        ({"ghg": 0.39, "keileemdiepte": np.inf, "kwel": 0.49}, 0),
        ({"beekdal": 1.0, "wateroverlast": 0.0, "droogte": 40.0}, 0),  # no good for wet nature
    ],
)
def test_a_chance_needs_wet_nature_and_a_reason(change, chance):
    assert judge(functie=FREE, present={**SHALLOW, **change})["herstel"].getal == chance


@pytest.mark.parametrize(("unknown", "want"), [(4, "0"), (5, "?")])
def test_recovery_needs_sixty_percent_known(unknown, want):
    present = {n: some(unknown, NAN, DRY[n]) for n in BASIC}
    assert symbol("herstel", functie=FREE, present=present) == want


def test_recovery_is_not_restored_by_a_mean_over_less_than_sixty_percent():
    assert symbol("herstel", functie=FREE, present=wet_on(10), veenoxidatie=some(1, -0.5, NAN)) == "0"


# --- 6 bodem ---------------------------------------------------------------------------------------------------------


def paving(share, **extra):
    return FREE.replace(verhardingsgraad=0.01 + share, **extra)


@pytest.mark.parametrize(
    ("b", "want"), [(0.0, "+"), (0.049, "+"), (0.05, "0"), (0.249, "0"), (0.25, "-"), (0.599, "-"), (0.6, "--")]
)
def test_soil_by_each_of_its_four_loads(b, want):
    assert symbol("bodem", functie=paving(b)) == want
    assert symbol("bodem", functie=FREE.replace(opgehoogd_aandeel=0.5, ophoging_m=3 * b)) == want
    assert symbol("bodem", functie=FREE, zetting=0.3 * b) == want
    assert symbol("bodem", functie=FREE, veenoxidatie=0.3 * b) == want


def test_soil_takes_the_largest_of_its_loads():
    assert symbol("bodem", functie=paving(0.1), zetting=0.12) == "-"


def test_soil_is_doubly_good_with_less_peat_lost_or_less_paving():
    assert symbol("bodem", functie=FREE, veenoxidatie=-0.05) == "++"
    assert symbol("bodem", functie=FREE, veenoxidatie=-0.049) == "+"
    assert symbol("bodem", functie=FREE, veenoxidatie=-0.05, klasse=D) == "+"
    assert symbol("bodem", functie=FREE, reference=paving(0.051)) == "++"
    assert symbol("bodem", functie=FREE, reference=paving(0.05)) == "+"
    assert symbol("bodem", functie=paving(0.05), veenoxidatie=some(5, -0.2, 0.0)) == "0"


ZONE = {"laag": "grondwaterbescherming", "operator": "==", "waarde": 4, "gevolg": "uitsluiten"}


@pytest.mark.parametrize(("count", "want"), [(1, "--"), (0, "+")])
@pytest.mark.parametrize("effect", ["uitsluiten", "nee_tenzij"])
def test_soil_is_bad_where_protection_of_groundwater_says_no(count, want, effect):
    f = simple(parameters=FREE.model_dump(exclude_none=True)["parameters"], drempels=({**ZONE, "gevolg": effect},))
    present = dict.fromkeys(BASIC, 1.0) | {"grondwaterbescherming": some(count, 4.0)}
    assert symbol("bodem", functie=f, present=present, flags=some(count, 1)) == want


def test_soil_is_not_bad_where_protection_only_asks_attention():
    f = simple(parameters=FREE.model_dump(exclude_none=True)["parameters"], drempels=({**ZONE, "gevolg": "aandacht"},))
    present = dict.fromkeys(BASIC, 1.0) | {"grondwaterbescherming": 4.0}
    assert symbol("bodem", functie=f, present=present, flags=1) == "+"


def test_soil_is_unknown_where_settlement_that_could_be_is_unknown():
    housing = FUNCTIES["woningbouw"]
    assert symbol("bodem", functie=housing, zetting=some(5, NAN)) == "?"
    assert symbol("bodem", functie=housing, zetting=some(4, NAN)) == "-"
    assert symbol("bodem", functie=FREE, zetting=NAN) == "+"


# --- the rules are data ----------------------------------------------------------------------------------------------


def lines(principle, scale=0):
    rules = tomllib.loads(files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8"))
    return rules, rules["beginselen"][principle]["schalen"][scale]["regels"]


def borders(principle, scale=0):
    found = []
    for line in lines(principle, scale)[1]:
        for case in line["als"]:
            found += [v for condition in case for k, v in condition.items() if k != "maat"]
    return found


def test_every_border_of_section_8_stands_in_the_data():
    assert {0.60, 0.20, 0.40, -100, -50, -0.10} <= set(borders("niet_afwentelen"))
    assert {-400, -50, 50, 300} == set(borders("vertragen"))
    assert {-50, 60, 150} == set(borders("vertragen", 1))
    assert {0.80, 0.60, 0.40, 0.20} == set(borders("extremen"))
    assert {0.05, 0.15, 0.30, 0.50} == set(borders("aanpasbaar"))
    assert {0.50, 0.10, 1} == set(borders("herstel"))
    assert {0.10, 0.05, -0.05, 0.25, 0.60} == set(borders("bodem"))
    rules = lines("bodem")[0]
    assert (rules["bekend_min"], rules["levensduur_vol_jr"], rules["ophoging_vol_m"]) == (0.60, 50, 1.5)
    assert (rules["zetting_vol_m"], rules["veen_vol_m"], rules["risico_zeer_hoog"]) == (0.30, 0.30, 0.80)


def constants(kinds):
    """Constants in the code, indices left out."""
    tree = ast.parse(inspect.getsource(kompas) + inspect.getsource(quantities).replace(FUTURE, ""))
    indices = {id(n.slice) for n in ast.walk(tree) if isinstance(n, ast.Subscript)}
    return {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and type(n.value) in kinds and id(n) not in indices
    }


def test_no_border_stands_in_the_code():
    assert constants((int, float)) <= {0, 1}


def test_no_layer_nor_threshold_effect_of_a_rule_stands_in_the_code():
    assert not constants((str,)) & {
        "wateroverlast",
        "droogte",
        "kwel",
        "beekdal",
        "keileemdiepte",
        "ghg",
        "grondwaterbescherming",
    }


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
def test_a_reason_of_somebody_else_only_fills_in_numbers(tmp_path, field):
    text = files("waterbodem.data").joinpath("kompas.toml").read_text(encoding="utf-8")
    own = tmp_path / "van_een_ander.toml"
    own.write_text(text.replace("{risico:.2f}", field), encoding="utf-8")
    with pytest.raises(wb.WaterbodemError, match="van_een_ander"):
        kompas_rules.load_rules(own)


def test_there_are_six_verdicts_with_a_reason_and_no_total():
    b = wb.assess(even(), ["woningbouw", "natte_natuur"], box(0, 0, 3, 3))
    assert list(b.kompas.columns) == ["gebied", "functie", "beginsel", "symbool", "getal", "eenheid", "reden"]
    assert b.kompas.groupby("functie").size().tolist() == [6, 6]
    assert set(b.kompas.symbool) <= {"--", "-", "0", "+", "++", "?"}
    assert (b.kompas.reden.str.len() > 10).all()


# --- twin ------------------------------------------------------------------------------------------------------------

NAMES = (*BASIC, "ghg", "veendikte", "beekdal", "grondwaterbescherming")


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(FUNCTIES)),
    st.sampled_from(["grasland_veeteelt", "akkerbouw"]),
    st.sets(st.sampled_from(NAMES), min_size=6),
    st.sampled_from([None, 2040, 2050, 2090]),
)
def test_every_symbol_equals_its_slow_twin(seed, name, reference, present, horizon):
    rng, f, r = np.random.default_rng(seed), FUNCTIES[name], FUNCTIES[reference]
    count, first = 8, rng.uniform(0, 1)
    arrays = columns(rng, f, sorted(present), count, unknown=0.05)
    data = layers({n: a[None, :] for n, a in arrays.items()})
    worse = {n: arrays[n] * 1.3 for n in ("wateroverlast", "droogte") if n in arrays} if seed % 2 else {}
    for n, a in worse.items():
        data[f"{n}@later"] = (("y", "x"), a[None, :].astype(np.float32))
        data[f"{n}@later"].attrs.update({} if horizon is None else {"horizon": horizon})
    place = box(first, 0, count, 1)
    cells = []
    for i in range(count):
        cover = 1 - first if i == 0 else 1.0
        instead = {"later": {n: float(np.float32(a[i])) for n, a in worse.items()}} if worse else {}
        cells.append((cover, {n: float(a[i]) for n, a in arrays.items()}, instead))
    want = twin_of(f, r, FUNCTIES["natte_natuur"], cells, count - first, {"later": horizon} if worse else {})
    got = wb.per_gebied(data, f, place, referentie=r).iloc[0]
    assert {k: got[f"kompas_{k}"] for k in want} == want
