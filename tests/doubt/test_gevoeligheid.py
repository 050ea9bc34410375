"""What decides an answer: values and weights at which it tips, shares of the doubt, how far it holds."""

import json
import math

import numpy as np
import pytest
import xarray as xr

import waterbodem as wb
from tests.support import random_cells
from tests.support.design import functies
from tests.support.grids import box, even, layers
from tests.support.twins import gevoeligheid as twin
from tests.support.twins.klasse import score_cell
from tests.twins.test_gevoeligheid import ERRORS, VALUES
from waterbodem.core.errors import ArgumentError, NoOverlap
from waterbodem.definitions.registry import layer_kinds
from waterbodem.doubt.gevoeligheid import ALONE, COLUMNS, plan_place, sensitivity
from waterbodem.doubt.place import Place
from waterbodem.doubt.shares import shares_of
from waterbodem.doubt.spread import spreads_of
from waterbodem.doubt.tipping import tips_of
from waterbodem.doubt.weighing import weight_flips
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.scoring import criterion_shares

LETTERS = ("X", "A", "B", "C1", "C2", "D")
#: The errors of the worked cell as data state them; that of zettingsgevoeligheid has no mean of its own there.
STATED = {"ghg": 0.30, "wateroverlast": {"sd": 0.03, "per": 0.25}, "kwel": 0.20, "droogte": 5.0, "veendikte": 0.25,
          "zettingsgevoeligheid": {"sd": 0.47, "verdeling": "lognormaal"}}  # fmt: skip


def stated(made, errors):
    for name, error in errors.items():
        made[name].attrs["uncertainty"] = json.dumps(error) if isinstance(error, dict) else error
    return made


def lone(functie, values):
    """A cell with its place."""
    chosen = wb.functies()[functie] if isinstance(functie, str) else functie
    made = random_cells.dataset({n: np.array([v], np.float32) for n, v in values.items()})
    return Place(chosen, layer_set(made), np.ones(1), 1.0, ALONE, is_cell=True)


@pytest.fixture(scope="module")
def worked():
    return wb.gevoeligheid(stated(even(1, 1, **VALUES), STATED), "woningbouw", x=239_005, y=552_995)


# --- the worked cell -------------------------------------------------------------------------------------------------


def test_values_at_which_the_worked_cell_tips(worked):
    """Fact sheet 3.4 (5); ghg is C2 below 0.38 and D below 0.30, but C1 comes first."""
    assert worked.antwoord == "B" and list(worked.kantelpunten.columns) == list(COLUMNS)
    found = worked.kantelpunten.set_index("criterium")
    down, up = found.omlaag.dropna(), found.omhoog.dropna()
    assert down.to_dict() == pytest.approx({"ghg": 0.54, "keileemdiepte": 0.5333}, abs=5e-4)
    want = {"wateroverlast": 0.2333, "veendikte": 0.80, "zettingsgevoeligheid": 0.1626, "kwel": 0.654}
    assert up.to_dict() == pytest.approx(want, abs=5e-4)
    assert set(found.klasse_omlaag[down.index]) == set(found.klasse_omhoog[up.index]) == {"C1"}
    assert found.klasse_omhoog["droogte"] == found.klasse_omlaag["droogte"] == ""


def test_weights_at_which_the_worked_cell_tips(worked):
    """Fact sheet 3.4 (1) and (3): to C1 by S; to A where no criterion that holds it back has a tenth any more."""
    found = worked.kantelpunten.set_index("criterium")
    want = {"ghg": 0.3738, "keileemdiepte": 0.5795, "wateroverlast": 0.6066, "droogte": 0.6352, "kwel": 0.6279,
            "zettingsgevoeligheid": 0.6140, "veendikte": math.nan}  # fmt: skip
    assert found.gewicht_omhoog.to_dict() == pytest.approx(want, abs=5e-5, nan_ok=True)
    assert found.gewicht_omlaag.isna().all()
    assert found.gewicht["kwel"] == pytest.approx(0.1852, abs=5e-5)


def test_shares_and_radius_of_the_worked_cell(worked):
    errors = {**ERRORS, "zettingsgevoeligheid": lambda z: 0.03 * math.exp(0.47 * z)}
    cell = twin.Cell(functies()["woningbouw"], VALUES)
    want, found = twin.sobol(cell, errors), worked.aandelen.set_index("criterium")
    assert set(found.index) == set(want)
    for name, (first, total) in want.items():
        assert found.loc[name].tolist() == pytest.approx([first, total], abs=1e-4), name
    assert worked.aandelen.aandeel.is_monotonic_decreasing
    maps, weights, _ = twin.maps_or_weights(cell, errors, 50)
    assert (worked.aandeel_kaarten, worked.aandeel_gewichten) == pytest.approx((maps, weights), abs=1e-4)
    assert worked.straal == pytest.approx(0.033, abs=5e-4)  # a thirtieth of the usual error of the map


# --- every flip is one -----------------------------------------------------------------------------------------------


def classes(functie, values, name, points):
    """Letters of a cell where one layer takes other values, by the kernel; all else as it is."""
    made = {n: np.full(len(points), v, np.float32) for n, v in values.items()}
    made[name] = np.asarray(points, np.float32)
    return [LETTERS[k] for k in wb.geschiktheid(random_cells.dataset(made), functie).klasse.values[0]]


def moderate(rng, functie, names, count, unknown=0.03):
    """Random cells with something to tip: mostly between the ends of curves, codes mostly 0, few at extremes."""
    wild = random_cells.columns(rng, functie, names, count, unknown)
    for name, values in wild.items():
        mild = rng.random(count) < 0.9
        criterion = functie.all_criteria.get(name)
        if layer_kind(name) == "klasse":
            values[mild] = 0
        elif criterion:
            low, high = criterion.curve[0][0], criterion.curve[-1][0]
            values[mild] = rng.uniform(low, low + max(high - low, 0.1), count)[mild]
    return wild


def check_flip(functie, values, tip, flip, now):
    """The answer is another at the flip, and the same on the way there; another still as far as 1e-5 beyond."""
    if math.isnan(flip.at):
        end = {-1: -1e9, 1: 1e9}[1 if flip is tip.up else -1]
        low, high = layer_kinds()[tip.layer].range
        end = max(min(end, high), low)
        way = np.linspace(tip.value if math.isfinite(tip.value) else high, end, 301)
        assert set(classes(functie, values, tip.layer, way)) <= {now}, (functie.id, values, tip)
        return 0
    at = classes(functie, values, tip.layer, [flip.at])[0]
    assert at == LETTERS[flip.answer] != now, (functie.id, values, tip)
    if math.isfinite(flip.at) and math.isfinite(tip.value):
        sign = math.copysign(1, flip.at - tip.value)
        before = np.nextafter(np.float32(flip.at), np.float32(-sign * np.inf))
        near = np.float32(flip.at - sign * 1e-5)
        way = np.concatenate([np.linspace(tip.value, float(before), 200), [before, near]])
        way = way[((np.float32(flip.at) - way.astype(np.float32)) * sign > 0) & ((way - tip.value) * sign >= 0)]
        assert set(classes(functie, values, tip.layer, way)) <= {now}, (functie.id, values, tip)
    return 1


@pytest.mark.parametrize("functie", list(wb.functies()))
def test_flips_of_random_cells_turn_there_and_nowhere_nearer(functie):
    """63 cells of each of 16 functies: the class just below and just above every flip, and 200 values on the way."""
    rng = np.random.default_rng(wb.functies()[functie].code)
    chosen = wb.functies()[functie]
    columns, found = moderate(rng, chosen, random_cells.LAYERS, 63), 0
    for i in range(63):
        values = random_cells.cell(columns, i)
        place = lone(functie, values)
        now = LETTERS[place.now.answer[0]]
        for tip in tips_of(place):
            kind = layer_kind(tip.layer)
            if now == "X" or math.isnan(tip.value) or kind == "klasse":
                continue
            found += sum(check_flip(chosen, values, tip, flip, now) for flip in (tip.down, tip.up))
    assert found > 30, found


def twin_class(functie, values):
    return score_cell(functies()[functie], values)["klasse"]


def layer_kind(name):
    return layer_kinds()[name].soort


def test_flips_turn_for_the_naive_twin_too():
    """Written from the rules alone: 40 cells of six functies, of which four rewet, are groups, or derive gvg."""
    count = 0
    for functie in ("woningbouw", "natte_natuur", "natte_landbouw", "grasland_veeteelt", "waterberging", "akkerbouw"):
        rng, chosen = np.random.default_rng(7), wb.functies()[functie]
        names = [n for n in random_cells.LAYERS if n != "gvg"]
        columns = moderate(rng, chosen, names, 40)
        for i in range(40):
            values = random_cells.cell(columns, i)
            place = lone(functie, values)
            for tip in tips_of(place):
                for flip, sign in ((tip.down, -1), (tip.up, 1)):
                    if math.isfinite(flip.at) and math.isfinite(tip.value) and layer_kind(tip.layer) != "klasse":
                        step = 2e-4 * max(1.0, abs(flip.at))
                        beyond, short = flip.at + sign * step, flip.at - sign * step
                        if (short - tip.value) * sign > 0:
                            told = [twin_class(functie, {**values, tip.layer: v}) for v in (beyond, short)]
                            assert told[0] != told[1], (functie, values, tip, told)
                            count += 1
    assert count > 150, count


def test_weights_of_random_cells_turn_there_and_nowhere_nearer():
    """By the formula of the twin, which knows S, cap, shares and the fatal criterion: 60 cells without thresholds."""
    rng, found = np.random.default_rng(3), 0
    base = wb.functies()["akkerbouw"]
    chosen = base.model_copy(update={"drempels": ()})
    plain = {**functies()["akkerbouw"], "drempels": []}
    names = [n for n in random_cells.LAYERS if n not in ("natuur", "gvg", "glg")]
    columns = moderate(rng, chosen, names, 60, unknown=0.0)
    for i in range(60):
        values = random_cells.cell(columns, i)
        place, cell = lone(chosen, values), twin.Cell(plain, values)
        if twin.with_weight(cell, cell.names[0], cell.w[cell.names[0]]) + 1 != place.now.answer[0]:
            continue  # within float32 of a border
        for k, part in enumerate(criterion_shares(chosen, names)):
            own = cell.w[part.name]
            for flip, sign in zip(weight_flips(place, k), (-1, 1), strict=True):
                end = flip.at - sign * 2e-5 if math.isfinite(flip.at) else (1 - 1e-6 if sign > 0 else 1e-6)
                way = np.linspace(own, end, 200)
                told = {twin.with_weight(cell, part.name, float(o)) + 1 for o in way if (end - o) * sign >= 0}
                assert told <= {place.now.answer[0]}, (values, part.name, flip)
                if math.isfinite(flip.at):
                    assert twin.with_weight(cell, part.name, flip.at + sign * 2e-5) + 1 == flip.answer
                    found += 1
    assert found > 60, found


# --- what follows from a layer, and what holds an answer back --------------------------------------------------------


def row(values, name, functie="woningbouw"):
    g = wb.gevoeligheid(even(1, 1, **values), functie, x=239_005, y=552_995)
    return g.kantelpunten.set_index("criterium").loc[name], g


def test_a_threshold_tips_before_the_score_does():
    """Woningbouw: nee, tenzij from zettingsgevoeligheid 0.50 on; where it is C2 by ghg, that is the next worse."""
    at, g = row({**VALUES, "ghg": 0.35}, "zettingsgevoeligheid")
    threshold = next(t for t in wb.functies()["woningbouw"].drempels if t.laag == "zettingsgevoeligheid")
    assert g.antwoord == "C2" and at.klasse_omhoog == "D" and at.omhoog == pytest.approx(threshold.waarde, abs=1e-6)


def test_below_ghg_030_it_is_no():
    at, g = row({**VALUES, "ghg": 0.39}, "ghg")
    assert g.antwoord == "C1" and (round(at.omlaag, 3), at.klasse_omlaag) == (0.38, "C2")
    at, g = row({**VALUES, "ghg": 0.35}, "ghg")
    assert g.antwoord == "C2" and (round(at.omlaag, 5), at.klasse_omlaag) == (0.3, "D")


def test_absence_is_tried_too():
    """Keileem at 0.3 m holds the answer back; deeper helps, and from absent one can only go down."""
    at, _ = row({**VALUES, "ghg": 1.5, "keileemdiepte": math.inf}, "keileemdiepte")
    assert at.waarde == math.inf and math.isnan(at.omhoog) and at.omlaag < 100


def test_a_derived_gvg_follows():
    """Of natte natuur: gvg is not in the data, its row neither; ghg tips by it."""
    values = {"zettingsgevoeligheid": 0.1, "wateroverlast": 0.1, "droogte": 5, "keileemdiepte": 1.0, "kwel": 0.5,
              "ghg": 0.10, "glg": 0.60, "veendikte": 0.5}  # fmt: skip
    _, g = row(values, "glg", "natte_natuur")
    assert "gvg" not in set(g.kantelpunten.criterium) and {"ghg", "glg"} <= set(g.kantelpunten.criterium)
    for tip in g.kantelpunten.to_dict("records"):
        for at, letter in ((tip["omlaag"], tip["klasse_omlaag"]), (tip["omhoog"], tip["klasse_omhoog"])):
            if tip["criterium"] in ("ghg", "glg") and math.isfinite(at):
                told = classes(wb.functies()["natte_natuur"], values, tip["criterium"], [at])
                assert told == [letter] != [g.antwoord]


@pytest.mark.parametrize(("functie", "layer"), [("woningbouw", "natuur"), ("recreatie_dag", "grondwaterbescherming")])
def test_codes_that_no_criterion_holds_and_that_say_no_have_a_row(functie, layer):
    values = {**VALUES, layer: 0}
    g = wb.gevoeligheid(even(1, 1, **values), functie, x=239_005, y=552_995)
    at = g.kantelpunten.set_index("criterium").loc[layer]
    below, there = classes(wb.functies()[functie], values, layer, [at.omhoog - 1, at.omhoog])
    assert (below, there) == (g.antwoord, at.klasse_omhoog) and there == "D"
    assert math.isnan(at.gewicht) and math.isnan(at.omlaag)


def test_what_is_unknown_tips_nothing():
    _, g = row({**VALUES, "ghg": math.nan}, "ghg")
    at = g.kantelpunten.set_index("criterium").loc["ghg"]
    assert math.isnan(at.waarde) and math.isnan(at.omlaag) and math.isnan(at.omhoog)
    assert "ghg" not in set(g.aandelen.criterium)
    nothing = even(1, 1, **{**VALUES, "wateroverlast": math.nan, "kwel": math.nan, "zettingsgevoeligheid": math.nan})
    x = wb.gevoeligheid(nothing, "woningbouw", x=239_005, y=552_995)
    assert x.antwoord == "X" and x.kantelpunten.omlaag.isna().all() and math.isnan(x.straal)
    assert repr(x).startswith("<Gevoeligheid> woningbouw: X\n")


@pytest.mark.filterwarnings("error")
def test_where_no_layer_is_known_no_share_is():
    x = wb.gevoeligheid(even(1, 1, **dict.fromkeys(VALUES, math.nan)), "woningbouw", x=239_005, y=552_995)
    assert math.isnan(x.aandeel_kaarten) and math.isnan(x.aandeel_gewichten)
    assert x.aandelen.empty and list(x.aandelen.dtypes.iloc[1:]) == [np.float64] * 2


# --- shares against SALib --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("functie", ["woningbouw", "akkerbouw", "natte_natuur"])
def test_shares_are_those_of_salib(functie):
    """Saltelli's estimates of first and total order by the kernel itself; natte natuur rewets, and has a group."""
    sobol = pytest.importorskip("SALib.analyze.sobol", reason="SALib, of the extra dev")
    saltelli = pytest.importorskip("SALib.sample.sobol", reason="SALib, of the extra dev")
    values = {n: v for n, v in VALUES.items() if n != "ghg"} | {"ghg": 0.45, "glg": 1.1, "kwel": 0.1, "veendikte": 0.3}
    place = lone(functie, values)
    spreads = spreads_of(place)
    names, count = list(spreads), 4096
    problem = {"num_vars": len(names), "names": names, "bounds": [[0, 1]] * len(names), "dists": ["norm"] * len(names)}
    z = saltelli.sample(problem, count, calc_second_order=False, seed=1)
    bare = Place(place.functie.model_copy(update={"drempels": ()}), place.cells, np.ones(1), 1.0, ALONE, is_cell=True)
    scores = bare.found({n: spreads[n].at(z[:, j]) for j, n in enumerate(names)}).score
    want = sobol.analyze(problem, scores, calc_second_order=False, seed=1)
    found = shares_of(place, spreads)
    assert [found.first[n] for n in names] == pytest.approx(want["S1"].tolist(), abs=0.02)
    assert [found.total[n] for n in names] == pytest.approx(want["ST"].tolist(), abs=0.02)


# --- a plan ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def area():
    return wb.example(size=200, resolution=10)


def test_the_answer_of_a_plan_is_that_of_the_table(area):
    for functie in ("woningbouw", "natte_natuur", "akkerbouw"):
        table = wb.per_gebied(area, functie, wb.example_plans())
        for at, geometry in zip(table.itertuples(), wb.example_plans().geometry, strict=True):
            found = plan_place(area, wb.functies()[functie], geometry).now
            assert LETTERS[found.answer[0]] == at.antwoord
            assert found.score[0] == pytest.approx(at.score, abs=1e-6)


def test_a_shift_of_the_whole_plan_turns_its_answer(area):
    plan = wb.example_plans().geometry[1]
    g = wb.gevoeligheid(area, "woningbouw", plan)
    tips = 0
    for tip in g.kantelpunten.to_dict("records"):
        for at, letter, sign in (
            (tip["omlaag"], tip["klasse_omlaag"], -1), (tip["omhoog"], tip["klasse_omhoog"], 1)
        ):  # fmt: skip
            if math.isfinite(at) and tip["criterium"] not in ("beekdal", "grondwaterbescherming"):
                low, high = layer_kinds()[tip["criterium"]].range
                step = 1e-3 * (high - low)
                told = [moved(area, tip["criterium"], at - tip["waarde"] + d, plan) for d in (0, -sign * step)]
                assert (told[0] == letter and told[1] == g.antwoord) or abs(at - tip["waarde"]) < step, tip
                tips += 1
    assert tips >= 5


def moved(data, name, shift, plan):
    low, high = layer_kinds()[name].range
    values = data[name].values.astype(np.float64)
    held = np.clip(values + shift, np.minimum(values, low), np.maximum(values, high))
    other = data.assign({name: data[name].copy(data=np.where(np.isfinite(values), held, values).astype(np.float32))})
    return wb.per_gebied(other, "woningbouw", plan).antwoord.item()


def test_a_plan_of_equal_cells_is_as_one_cell():
    made, one = even(3, 3, **VALUES), even(1, 1, **VALUES)
    plan = wb.gevoeligheid(made, "woningbouw", box(0, 0, 3, 3))
    cell = wb.gevoeligheid(one, "woningbouw", x=239_005, y=552_995)
    a, b = (g.kantelpunten.set_index("criterium") for g in (plan, cell))
    assert plan.antwoord == cell.antwoord and plan.straal == pytest.approx(cell.straal, abs=2e-4)
    for name in ("omlaag", "omhoog"):
        for layer, want in b[name].items():
            low, high = layer_kinds()[layer].range
            assert a[name][layer] == pytest.approx(want, abs=1e-3 * (high - low), nan_ok=True), layer
    assert a.gewicht_omhoog.tolist() == pytest.approx(b.gewicht_omhoog.tolist(), abs=1e-4, nan_ok=True)
    shares = [g.aandelen.set_index("criterium").aandeel for g in (plan, cell)]
    assert shares[0].to_dict() == pytest.approx(shares[1].to_dict(), abs=5e-3)


def test_a_large_plan_keeps_less_of_an_error():
    """25 ha: the square root of 0.5 + 0.5 * 6.25 / 25 (rekenregels section 10)."""
    made = layers({n: np.full((2, 2), v) for n, v in VALUES.items()}, step=250.0)
    plan = spreads_of(plan_place(made, wb.functies()["woningbouw"], box(0, 0, 2, 2, step=250.0)))
    assert plan["ghg"].up[0] == pytest.approx(0.30 * math.sqrt(0.5 + 0.5 * 6.25 / 25))


def test_percentiles_of_the_data_are_the_error():
    made = even(1, 1, **VALUES, **{"ghg@p10": 0.45, "ghg@p90": 0.95})
    found = spreads_of(lone_of(made))["ghg"]
    assert (found.down[0], found.up[0]) == pytest.approx((0.10 / 1.2816, 0.40 / 1.2816), rel=1e-5)
    assert found.at(np.array([-1.2816, 1.2816])).ravel().tolist() == pytest.approx([0.45, 0.95], abs=1e-6)


def lone_of(made):
    return Place(wb.functies()["woningbouw"], layer_set(made), np.ones(1), 1.0, ALONE, is_cell=True)


def test_certain_layers_hold_any_answer():
    certain = even(1, 1, **VALUES)
    for name in certain.data_vars:
        certain[name].attrs["uncertainty"] = 0.0
    g = sensitivity(lone_of(certain))
    assert g.straal == math.inf and g.aandelen.empty and g.aandeel_kaarten == 0 and g.aandeel_gewichten == 1


# --- words and bad input ---------------------------------------------------------------------------------------------


def test_why_tells_the_layer_that_is_nearest_to_tipping():
    made = even(1, 1, **VALUES)
    w = wb.waarom(made, "woningbouw", x=239_005, y=552_995)
    assert w.kantelpunt.told() == "GHG 0,55 m; bij 0,54 m wordt het C1."
    assert w.kantelpunt.told("en") == "Mean highest groundwater level 0.55 m; at 0.54 m it becomes C1."
    assert "GHG 0,55 m; bij 0,54 m wordt het C1." in repr(w) and "bij 0,54 m" in w._repr_html_()
    assert w.to_dict()["kantelpunt"]["laag"] == "ghg"
    nothing = dict.fromkeys(VALUES, np.nan)
    assert wb.waarom(even(1, 1, **nothing), "woningbouw", x=239_005, y=552_995).kantelpunt is None


def test_it_shows_itself(worked):
    assert "woningbouw: B; houdt zolang alle lagen tegelijk niet meer dan 0,03" in repr(worked)
    assert "<table" in worked._repr_html_() and "0,54" in worked._repr_html_()
    told = worked.to_dict()
    assert told["kantelpunten"][0]["criterium"] == "zettingsgevoeligheid" and told["straal"] == worked.straal


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({}, ArgumentError, "ask of one place"),
        ({"x": 239_005}, ArgumentError, "ask of one place"),
        ({"gebied": box(0, 0, 1, 1), "x": 239_005, "y": 552_995}, ArgumentError, "ask of one place"),
        ({"x": 0, "y": 0}, NoOverlap, "outside the data"),
        ({"gebied": [box(0, 0, 1, 1), box(1, 1, 2, 2)]}, ArgumentError, "one plan"),
        ({"gebied": box(40, 40, 41, 41)}, NoOverlap, "outside the data"),
    ],
)
def test_bad_input_is_told(asked, kind, said):
    with pytest.raises(kind, match=said):
        wb.gevoeligheid(even(3, 3, **VALUES), "woningbouw", **asked)


def test_it_is_of_one_functie():
    with pytest.raises(ArgumentError, match="one functie"):
        wb.gevoeligheid(even(3, 3, **VALUES), ["woningbouw", "akkerbouw"], x=239_005, y=552_995)
    with pytest.raises(wb.WaterbodemError):
        wb.gevoeligheid(xr.Dataset(), "woningbouw", x=1, y=1)
