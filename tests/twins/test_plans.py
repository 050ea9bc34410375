"""Twin of section 7: the answers of worked plans; rules (a) to (e), both ends and a row by hand."""

from __future__ import annotations

import math

import pytest
import shapely

from tests.support.design import boards, functies
from tests.support.twins.compensation import PlanSize
from tests.support.twins.klasse import C1, C2, LETTER, A, B, D, score_cell
from tests.support.twins.layers import in_scenario
from tests.support.twins.polygon import Covered, answers, polygon_row, quantile, verdict
from tests.support.worked import (
    HOUSES_ON_CLAY,
    NAN,
    agrees,
    burden,
    flat,
    number,
    read,
    threshold,
)


def grid_cells(case, scenario):
    """Values of every cell of a grid, today or in a scenario."""
    layers = {name: [number(x) for x in column] for name, column in case["lagen"].items()}
    rows, columns = case["vorm"]
    for i in range(rows * columns):
        now = {name: column[i] for name, column in layers.items() if "@" not in name}
        future = {n.partition("@")[0]: v[i] for n, v in layers.items() if scenario and n.endswith(f"@{scenario}")}
        yield in_scenario(now, future)


@pytest.mark.parametrize("case", read("bandbreedte")["bandbreedte"], ids=lambda c: c["naam"])
def test_answer_and_mean_score_of_every_worked_plan(case):
    found = []
    for g in case["gevallen"]:
        functie = functies()[g["functie"]]
        scores = [score_cell(functie, values) for values in grid_cells(case, g["scenario"])]
        for j, plan in enumerate(case["plannen"]):
            cells = [Covered(cover, s) for cover, s in zip(plan["dekking"], scores, strict=True) if cover > 0]
            area = shapely.Polygon(plan["hoeken"]).area / case["cel_m"] ** 2
            row = polygon_row(functie, cells, area, case["cel_m"] ** 2 / 1e4)
            want, score = g["verwacht"]["antwoord"][j], number(g["verwacht"]["score"][j])
            if row["antwoord"] != want or not agrees("score", row["score"], score):
                found.append((g["functie"], g["scenario"], plan["naam"], row["antwoord"], want, row["score"], score))
    assert not found


def areas(a=0.0, b=0.0, c1=0.0, c2=0.0, d=0.0):
    return {A: a, B: b, C1: c1, C2: c2, D: d}


@pytest.mark.parametrize(
    ("covered", "score", "want"),
    [
        (areas(a=1), 0.9, A), (areas(a=1), 0.79, B), (areas(a=1), 0.39, C2), (areas(a=1), NAN, A),
        (areas(a=0.5, b=0.5), 0.9, B), (areas(a=0.51, b=0.49), 0.9, A), (areas(a=0.5, b=0.3, c2=0.2), 0.9, C1),
        (areas(a=0.9, c2=0.1), 0.9, C1), (areas(a=0.91, c2=0.09), 0.9, A), (areas(a=0.6, b=0.35, c2=0.05), 0.9, A),
        (areas(a=0.99, d=0.01), 0.9, B), (areas(a=0.991, d=0.009), 0.9, A), (areas(a=0.9, d=0.1), 0.9, C2),
        (areas(d=2), 0.0, D), (areas(a=2, d=2), 0.9, D), (areas(a=30, b=30), 0.9, B),
    ],
)  # fmt: skip
def test_answer_of_a_polygon_by_its_areas(covered, score, want):
    assert verdict(functies()["woningbouw"], covered, score) == want


def test_hoogstens_holds_for_a_polygon_too():
    assert verdict(functies()["drinkwaterwinning"], areas(a=1), 0.9) == C1
    assert verdict(functies()["drinkwaterwinning"], areas(d=1), 0.0) == D


def judged(**scores):
    functie, values = flat(**scores)
    return score_cell(functie, values)


def answer_of(*cells, area=None):
    """Letters of antwoord, antwoord_min and antwoord_max of (cover, score)."""
    covered = [Covered(cover, s) for cover, s in cells]
    return "".join(f"{LETTER[k]} " for k in answers(flat()[0], covered, area or sum(c for c, _ in cells))).strip()


NOTHING = dict.fromkeys(flat()[1], NAN)


def test_an_answer_of_little_known_is_unknown_unless_it_cannot_matter():
    good, bad, void = judged(), judged(kwel=0.01), judged(**NOTHING)
    assert answer_of((1, good)) == "A A A"
    assert answer_of((0.6, good), (0.4, void)) == "A C2 A"
    assert answer_of((0.59, good), (0.41, void)) == "X C2 A"
    assert answer_of((0.59, bad), (0.41, void)) == "D D D"
    assert answer_of((0.4, bad), (0.6, void)) == "X D C2"
    assert answer_of((0.59, good), area=1.0) == "X C2 A"
    assert answer_of((0.7, good), area=1.0) == "A C2 A"
    assert answer_of((0.05, bad), area=1.0) == "X D B"
    assert answer_of(area=1.0) == "X D A"


def test_the_ends_of_an_answer_hold_caps_and_thresholds():
    functie, values = flat(kwel=NAN)
    poor = score_cell(functie, values)
    assert (poor["klasse"], poor["klasse_min"], poor["klasse_max"]) == (A, D, A)
    light = score_cell(functie, {**values, "kwel": 0.1})
    assert (light["klasse_min"], light["klasse_max"]) == (C2, C2)
    no = [threshold("natuur", "nee_tenzij")]
    for natuur, want in ((1.0, (D, D)), (NAN, (D, A))):
        got = score_cell({**functie, "drempels": no}, {**values, "natuur": natuur})
        assert (got["klasse_min"], got["klasse_max"]) == want
    capped = score_cell({**functie, "hoogstens": "B", "zonder": {"gvg": "C1"}}, values)
    assert capped["klasse_max"] == C1


def test_percentiles_are_the_smallest_score_that_covers_enough():
    pairs = [(1.0, 0.2), (0.5, 0.4), (0.5, 0.6), (3.0, NAN)]
    assert [quantile(pairs, p) for p in (0.1, 0.5, 0.51, 0.9)] == [0.2, 0.2, 0.4, 0.6]
    assert math.isnan(quantile([(1.0, NAN)], 0.5))


def covered(cover, values, name="woningbouw", **settings):
    return Covered(cover, score_cell(functies()[name], values), burden(name, values, **settings))


def test_row_of_a_plan_by_hand():
    """A whole cell on keileem, half a cell whose kwel and keileem are unknown, and half a cell outside the data."""
    vague = {**HOUSES_ON_CLAY, "keileemdiepte": NAN, "kwel": NAN, "ghg": NAN}
    row = polygon_row(functies()["woningbouw"], [covered(1.0, HOUSES_ON_CLAY), covered(0.5, vague)], 2.0, 0.25)
    assert (row["oppervlakte_ha"], row["beoordeeld_ha"], row["onbekend_ha"], row["buiten_ha"]) == (
        0.5,
        0.25,
        0.125,
        0.125,
    )
    one = score_cell(functies()["woningbouw"], HOUSES_ON_CLAY)
    assert row["score"] == row["score_p10"] == one["geschiktheid"]
    letter = LETTER[one["klasse"]]
    assert (row[f"ha_{letter}"], row[f"aandeel_{letter}"]) == (0.25, 1.0)
    assert (row["antwoord"], row["bepalend"]) == ("X", "ghg")
    assert sum(v for k, v in row.items() if k.startswith("verlies_")) == pytest.approx(1 - row["score"])
    assert row["afvoer_m3"] == pytest.approx(432 * 0.25)
    assert row["verdrongen_berging_m3"] == pytest.approx(420 * 0.375, abs=1e-3)
    assert row["aanvullingsverlies_m3_jr"] == pytest.approx(10 * 109.5 * 0.25, abs=1e-3)
    assert row["basisafvoer_l_s"] == pytest.approx(273.75 * 1000 / (365 * 24 * 3600), abs=1e-6)
    assert math.isnan(row["co2_t_jr"])
    assert row["gevraagd_m3"] == 0
    assert (row["oorzaak"], row["aandeel_risico_hoog"]) == ("afvoer", 0.0)


def test_row_of_a_plan_tells_the_task_of_its_board():
    board = boards()["wetterskip_fryslan"]
    cell = covered(1.0, HOUSES_ON_CLAY, board=board)
    row = polygon_row(functies()["woningbouw"], [cell], 1.0, 0.25, board)
    assert row["gevraagd_m3"] == pytest.approx(10 * 20 * 0.54 * 0.25)
    assert row["gevraagd_aandeel"] == pytest.approx(0.05 * 0.54)
    assert row["risico"] < row["risico_zonder_compensatie"]
    large = covered(1.0, HOUSES_ON_CLAY, board=boards()["noorderzijlvest"], plan=PlanSize(11.0, 6e4))
    row = polygon_row(functies()["woningbouw"], [large], 1.0, 0.25, boards()["noorderzijlvest"])
    assert math.isnan(row["gevraagd_m3"])
    assert math.isnan(row["gevraagd_aandeel"])
    assert row["risico"] == row["risico_zonder_compensatie"]


def test_a_mean_risico_hides_no_hot_spot():
    cells = [
        Covered(c, judged(), {**burden("woningbouw", HOUSES_ON_CLAY), "risico": r}) for c, r in ((0.5, 0.6), (1, 0.1))
    ]
    row = polygon_row(flat()[0], cells, 1.5, 1.0)
    assert row["risico"] == pytest.approx(0.4 / 1.5)
    assert row["aandeel_risico_hoog"] == pytest.approx(1 / 3)
