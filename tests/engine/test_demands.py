"""Water boards of plans: whose plan it is, what is asked of it, and what that changes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

import waterbodem as wb
from tests.support.design import ASKED
from tests.support.grids import RD, box, even
from tests.support.random_cells import FUNCTIES
from waterbodem.definitions.boards import chosen_boards, waterschappen
from waterbodem.engine.demands import Demand
from waterbodem.layers.boundaries import boards_of
from waterbodem.layers.polygons import Area

BOARDS = waterschappen()
HUNZE, NOORD, DELTA, VECHT, FRYSLAN = BOARDS.values()
HOUSES = FUNCTIES["woningbouw"]
WIDE = 40


def bounds(**parts):
    """Boundaries: columns of cells from west to east by board."""
    shapes = [box(first, 0, after, 20) for first, after in parts.values()]
    return gpd.GeoDataFrame({"waterschap": list(parts)}, geometry=shapes, crs=RD)


def table(data, plans, **settings):
    frame = gpd.GeoDataFrame({"naam": list(plans)}, geometry=list(plans.values()), crs=RD)
    found = wb.per_gebied(data, "woningbouw", frame, referentie="akkerbouw", **settings)
    return found.set_index("gebied")


#: No room in the soil: all of the task runs off.
STIFF = {"keileemdiepte": 0.0, "kwel": 1.0}
#: New paving of houses on arable land, as a share of the plan.
PAVING = HOUSES.value("verhardingsgraad") - FUNCTIES["akkerbouw"].value("verhardingsgraad")


# --- one board for all -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", ASKED)
def test_each_board_asks_its_own_storage(board):
    row = table(even(20, WIDE, **STIFF), {"plan": box(0, 0, WIDE, 20)}, waterschap=board).loc["plan"]
    ha, mm = 8.0, ASKED[board] * PAVING
    assert row.waterschap == BOARDS[board].naam
    assert row.gevraagd_m3 == pytest.approx(10 * mm * ha, rel=1e-9)
    assert row.gevraagd_aandeel == pytest.approx(mm / (1000 * BOARDS[board].peilstijging_m), rel=1e-9)
    assert row.afvoer_m3 == pytest.approx(10 * (80 - ASKED[board]) * PAVING * ha, abs=0.1)  # one storm of 80 mm
    assert row.risico_zonder_compensatie == pytest.approx(
        table(even(20, WIDE, **STIFF), {"plan": box(0, 0, WIDE, 20)}).risico.item(), abs=1e-6
    )


def test_without_a_board_nothing_is_asked():
    row = table(even(20, WIDE, **STIFF), {"plan": box(0, 0, WIDE, 20)}).loc["plan"]
    assert (row.waterschap, row.gevraagd_m3, row.gevraagd_aandeel) == ("", 0, 0)
    assert row.risico == row.risico_zonder_compensatie


def test_built_storage_goes_before_what_is_asked_and_the_task_stays():
    row = table(even(20, WIDE, **STIFF), {"plan": box(0, 0, WIDE, 20)}, waterschap=HUNZE.id, aangelegde_berging_mm=0)
    row = row.loc["plan"]
    assert row.risico == row.risico_zonder_compensatie and row.gevraagd_m3 == pytest.approx(800 * PAVING * 8)


@pytest.mark.parametrize(("cols", "asks"), [(1, False), (2, True)])
def test_a_board_asks_nothing_of_a_small_plan(cols, asks):
    """Noorderzijlvest asks from 750 m2 of new paving: a plan of 1364 m2 at 0.55."""
    row = table(even(7, WIDE, **STIFF), {"plan": box(0, 0, cols, 7)}, waterschap=NOORD.id).loc["plan"]
    assert (100 * 7 * cols * PAVING >= 750) is asks
    assert (row.gevraagd_m3 > 0, row.risico < row.risico_zonder_compensatie) == (asks, asks)
    assert row.waterschap == NOORD.naam


def test_new_paving_counts_where_the_present_use_is_known_and_paved_less():
    data = even(7, 8, **STIFF)
    codes = np.full((7, 8), float(FUNCTIES["akkerbouw"].code), np.float32)
    plans = gpd.GeoDataFrame({"naam": ["plan"]}, geometry=[box(0, 0, 2, 7)], crs=RD)

    def asked(values):
        use = data.kwel.copy(data=values)
        return wb.per_gebied(data, "woningbouw", plans, referentie=use, waterschap=NOORD.id).gevraagd_m3.item()

    assert asked(codes) == pytest.approx(0.04 * PAVING * 1400)
    half = codes.copy()
    half[:, 1] = np.nan
    assert np.isnan(asked(half))  # 385 m2 that is known, and up to as much that is not: 770 of 750
    half[:5, 1] = float(FUNCTIES["bedrijventerrein"].code)
    assert asked(half) == 0  # at most 110 m2 more: 495 of 750
    half[:, 1] = float(FUNCTIES["bedrijventerrein"].code)
    assert asked(half) == 0  # a business park is paved more than houses


@pytest.mark.parametrize(("rows", "computes"), [(25, False), (26, True)])
def test_a_board_computes_a_large_plan_itself(rows, computes):
    """Noorderzijlvest up to 10 ha."""
    data = even(30, WIDE, **STIFF)
    row = table(data, {"plan": box(0, 0, WIDE, rows)}, waterschap=NOORD.id).loc["plan"]
    assert bool(np.isnan(row.gevraagd_m3)) == bool(np.isnan(row.gevraagd_aandeel)) == computes
    assert (row.risico == row.risico_zonder_compensatie) == computes
    built = table(data, {"plan": box(0, 0, WIDE, rows)}, waterschap=NOORD.id, aangelegde_berging_mm=30).loc["plan"]
    assert built.risico < built.risico_zonder_compensatie


def test_a_board_sets_the_drainage_of_a_functie_and_the_user_goes_before():
    data = even(20, WIDE, ghg=0.2, **STIFF)
    place = {"plan": box(0, 0, WIDE, 20)}
    assert DELTA.ontwatering_m["woningbouw"] == 0.80 > HOUSES.value("ontwatering_m")
    frame = gpd.GeoDataFrame({"naam": ["plan"]}, geometry=[place["plan"]], crs=RD)

    def lowered(functie, board):
        cells = wb.assess(data, functie, frame, referentie="natte_natuur", waterschap=board).cells
        return float(cells.grondwaterverlaging[0, 0])

    none, with_board = lowered(HOUSES, None), lowered(HOUSES, DELTA.id)
    assert with_board > none
    assert lowered(HOUSES.replace(ontwatering_m=0.7), DELTA.id) == none
    assert lowered(HOUSES.replace(ontwatering_m=0.8), None) == with_board


# --- boundaries ------------------------------------------------------------------------------------------------------


def holders(plan, parts):
    given = chosen_boards(bounds(**parts))
    return [b.id for b in boards_of(given, [Area(1, "plan", plan)], RD)[0]]


def test_a_plan_is_that_of_the_board_that_holds_most_of_it():
    parts = {"hunze_en_aas": (0, 10), "vechtstromen": (10, 40)}
    assert holders(box(2, 0, 8, 5), parts) == ["hunze_en_aas"]
    assert holders(box(12, 0, 18, 5), parts) == ["vechtstromen"]
    assert holders(box(4, 0, 14, 5), parts) == ["hunze_en_aas", "vechtstromen"]
    assert holders(box(8, 0, 14, 5), parts) == ["vechtstromen", "hunze_en_aas"]
    assert holders(box(5, 0, 15, 5), parts) == ["hunze_en_aas", "vechtstromen"]  # a tie: as in the file
    assert holders(box(4, 0, 10, 5), parts) == ["hunze_en_aas"]  # touches only
    assert holders(box(41, 0, 45, 5), parts) == []


def test_two_parts_of_one_board_count_together():
    shapes = [box(0, 0, 4, 5), box(4, 0, 10, 5), box(10, 0, 14, 5)]
    frame = gpd.GeoDataFrame({"naam": [HUNZE.id, VECHT.id, "Hunze en Aa's"]}, geometry=shapes, crs=RD)
    found = boards_of(chosen_boards(frame), [Area(1, "plan", box(0, 0, 14, 5))], RD)
    assert [b.id for b in found[0]] == ["hunze_en_aas", "vechtstromen"]


def test_a_plan_in_two_takes_what_the_first_asks_and_the_larger_drainage():
    two = Demand((NOORD, DELTA)).board
    assert (two.storage_mm, two.peilstijging_m) == (40, 0.4)
    assert two.ontwatering_m == {"woningbouw": 0.80}
    roads = FUNCTIES["infrastructuur"].value("ontwatering_m")
    assert Demand((DELTA, HUNZE)).board.ontwatering_m == {"woningbouw": 0.80, "infrastructuur": max(1.0, roads)}
    assert Demand((NOORD, FRYSLAN)).board.ontwatering_m["woningbouw"] == 0.70  # of the functie itself under the first


def test_plans_are_told_with_theirs_and_computed_with_theirs():
    data = even(20, WIDE, **STIFF)
    plans = {
        "west": box(0, 0, 8, 10),
        "oost": box(22, 0, 30, 10),
        "midden": box(14, 0, 24, 10),
        "buiten": box(36, 0, 39, 9),
    }
    given = bounds(hunze_en_aas=(0, 20), drents_overijsselse_delta=(20, 35))
    found = table(data, plans, waterschap=given)
    for name, board in {"west": HUNZE.id, "oost": DELTA.id, "buiten": None}.items():
        alone = table(data, {name: plans[name]}, waterschap=board).loc[name]
        for column in ("waterschap", "gevraagd_m3", "gevraagd_aandeel", "risico", "afvoer_m3", "score", "antwoord"):
            assert found.loc[name][column] == alone[column], (name, column)
    assert found.loc["midden"].waterschap == f"{HUNZE.naam}, {DELTA.naam}"
    assert found.loc["midden"].gevraagd_m3 == pytest.approx(10 * 80 * PAVING * 1.0)


def test_a_cell_in_several_plans_shows_the_first_plans():
    data = even(20, WIDE, **STIFF)
    west, east = box(0, 0, 12, 10), box(10, 0, 30, 10)
    given = bounds(hunze_en_aas=(0, 11), drents_overijsselse_delta=(11, 40))

    def afvoer(*plans):
        frame = gpd.GeoDataFrame(geometry=list(plans), crs=RD)
        return wb.assess(data, HOUSES, frame, referentie="akkerbouw", waterschap=given).cells.afvoer[0].values

    asked = {HUNZE.id: 0, DELTA.id: 10 * 40 * PAVING}
    np.testing.assert_allclose(
        afvoer(west, east)[[5, 11, 12]], [asked[HUNZE.id], asked[HUNZE.id], asked[DELTA.id]], atol=1e-3
    )
    np.testing.assert_allclose(
        afvoer(east, west)[[5, 11, 12]], [asked[HUNZE.id], asked[DELTA.id], asked[DELTA.id]], atol=1e-3
    )


def test_boundaries_come_from_a_file_in_any_crs(tmp_path):
    data, plans = even(20, WIDE, **STIFF), {"west": box(0, 0, 8, 10)}
    path = tmp_path / "grenzen.gpkg"
    bounds(hunze_en_aas=(0, 20), vechtstromen=(20, 40)).to_crs("EPSG:4326").to_file(path)
    for given in (path, str(path)):
        assert table(data, plans, waterschap=given).loc["west"].waterschap == HUNZE.naam


@pytest.mark.parametrize("value", ["Rijkswaterstaat", "", None, 3])
def test_a_value_that_is_no_board_is_an_error_that_lists_them(value):
    frame = bounds(hunze_en_aas=(0, 20), vechtstromen=(20, 40))
    frame["waterschap"] = ["hunze_en_aas", value]
    with pytest.raises(wb.WaterbodemError, match="drents_overijsselse_delta"):
        table(even(20, WIDE), {"plan": box(0, 0, 5, 5)}, waterschap=frame)


def test_boundaries_without_a_name_are_an_error_that_tells_the_fields():
    frame = bounds(hunze_en_aas=(0, 20)).rename(columns={"waterschap": "beheerder"})
    with pytest.raises(wb.WaterbodemError, match="waterschap or naam"):
        table(even(20, WIDE), {"plan": box(0, 0, 5, 5)}, waterschap=frame)


@pytest.mark.parametrize("name", ["Rijkswaterstaat", "hunze"])
def test_an_unknown_board_is_an_error_that_lists_them(name):
    with pytest.raises(wb.WaterbodemError, match="noorderzijlvest"):
        table(even(20, WIDE), {"plan": box(0, 0, 5, 5)}, waterschap=name)


def test_a_grid_takes_a_name_only():
    data, given = even(20, WIDE), bounds(hunze_en_aas=(0, 20))
    calls = {
        "afwenteling": lambda: wb.afwenteling(data, HOUSES, waterschap=given),
        "waarom": lambda: wb.waarom(data, HOUSES, x=239005, y=552995, waterschap=given),
    }
    for call in calls.values():
        with pytest.raises(wb.WaterbodemError, match="boundaries need plans"):
            call()


def test_who_receives_it_goes_by_the_board_of_each_plan():
    data = even(20, WIDE, maaiveld=0.0, **STIFF)
    data["maaiveld"].values[:] = np.linspace(10, 0, WIDE, dtype=np.float32)
    plans = gpd.GeoDataFrame(geometry=[box(2, 2, 8, 8), box(24, 2, 30, 8)], crs=RD)
    given = bounds(hunze_en_aas=(0, 20), drents_overijsselse_delta=(20, 40))
    found = wb.grootboek(data, HOUSES, plans, referentie="akkerbouw", waterschap=given)
    released = found.table[found.table.soort == "totaal"].set_index("plan_nr").m3
    assert released[1] == pytest.approx(0, abs=1e-3)
    assert released[2] == pytest.approx(10 * 40 * PAVING * 0.36, rel=1e-4)


def test_an_answer_by_boundaries_comes_back_from_its_file(tmp_path):
    data = even(20, WIDE, **STIFF)
    given = bounds(hunze_en_aas=(0, 20), drents_overijsselse_delta=(20, 40))
    b = wb.assess(data, HOUSES, gpd.GeoDataFrame(geometry=[box(14, 0, 24, 10)], crs=RD), waterschap=given)
    back = wb.open_assessment(b.save(tmp_path / "a.waterbodem"))
    assert back.table.equals(b.table)
    assert [x.id for x in back.question.boards[0]] == ["hunze_en_aas", "drents_overijsselse_delta"]
    assert str(back.waarom(239145, 552995)) == str(b.waarom(239145, 552995))
