"""The ledger: it adds up, its reverse agrees, and what is unknown stays unknown."""

from __future__ import annotations

import math
import time

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

pytest.importorskip("pyflwdir")

import waterbodem as wb
from tests.support.grids import ahn_tile
from waterbodem.core.dataset import dataset_of
from waterbodem.core.errors import ArgumentError, GridMismatch, NoOverlap
from waterbodem.core.grid import Grid
from waterbodem.receivers.downstream import benedenstrooms, bovenstrooms, drawn
from waterbodem.receivers.flow import flow_from_codes
from waterbodem.receivers.flow_store import flow_of
from waterbodem.receivers.grootboek import grootboek

PLAN, DRAINER, SIZE = "woningbouw", "akkerbouw", 10.0


def strip(cols=10, rows=1, **changes):
    """Return a strip of land that falls to the east, wet enough that building sheds water."""
    grid = Grid(0.0, rows * SIZE, SIZE, SIZE, rows, cols, "EPSG:28992")
    level = np.tile(np.arange(cols, 0, -1, dtype=np.float32), (rows, 1))
    values = {"maaiveld": level, "keileemdiepte": 0.3, "kwel": 0.0, "wateroverlast": 0.15, "ghg": 0.3} | changes
    full = {
        n: np.broadcast_to(np.asarray(v, np.float32), grid.shape).copy() for n, v in values.items() if v is not None
    }
    return dataset_of(grid, {n: (v, {}) for n, v in full.items()})


def box(first, last, top=None):
    return shapely.box(first * SIZE, 0, last * SIZE, SIZE if top is None else top)


def named(**boxes):
    return gpd.GeoDataFrame({"naam": list(boxes)}, geometry=list(boxes.values()), crs="EPSG:28992")


def m3(ledger, name, plan=None):
    rows = ledger.table[ledger.table.ontvanger == name]
    return float((rows if plan is None else rows[rows.plan == plan]).m3.iloc[0])


def released_per_ha(layers):
    a = wb.afwenteling(layers, PLAN)
    return np.maximum(0, np.nan_to_num(a.afvoer.values.astype(float)) + np.nan_to_num(a.verdrongen_berging.values))


def adds_up(ledger):
    for _, rows in ledger.table.groupby("plan_nr"):
        lines = rows[rows.soort != "totaal"].m3.sum()
        total = rows[rows.soort == "totaal"].m3.iloc[0]
        assert lines == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert ledger.sluit


def test_by_hand_on_a_strip():
    """One plan cell; the receiver is the third cell downstream of it."""
    layers = strip()
    ledger = grootboek(layers, PLAN, box(2, 3), named(buur=box(5, 6)), demping_m=20)
    total = released_per_ha(layers)[0, 2] * SIZE * SIZE / 1e4
    q = math.exp(-0.5)
    assert total > 1
    assert m3(ledger, "totaal vrijgekomen") == pytest.approx(total, rel=1e-6)
    assert m3(ledger, "buur") == pytest.approx(total * q**2 * (1 - q), rel=1e-6)
    assert m3(ledger, "in het plan zelf") == 0
    assert m3(ledger, "buiten de gegevens") == pytest.approx(total * q**7, rel=1e-6)
    adds_up(ledger)


def test_coverage_weighs_source_and_receiver():
    layers = strip()
    whole = grootboek(layers, PLAN, box(2, 3), named(buur=box(5, 6)))
    part = grootboek(layers, PLAN, box(2.75, 3), named(buur=box(5, 5.5)))
    assert m3(part, "buur") == pytest.approx(m3(whole, "buur") / 8, rel=1e-6)
    adds_up(part)


def test_what_stays_in_the_plan_has_its_own_line():
    ledger = grootboek(strip(), PLAN, box(2, 5), named(buur=box(6, 7)))
    assert m3(ledger, "in het plan zelf") > 0
    inside = grootboek(strip(), PLAN, box(2, 5), named(gemeente=box(0, 10)))
    assert m3(inside, "in het plan zelf") == 0
    assert m3(inside, "gemeente") == pytest.approx(
        m3(ledger, "in het plan zelf") + m3(ledger, "buur") + m3(ledger, "elders in de gegevens"), rel=1e-6
    )
    adds_up(ledger)
    adds_up(inside)


def test_overlapping_receivers_are_shown_and_still_add_up():
    ledger = grootboek(strip(), PLAN, box(1, 2), named(a=box(3, 6), b=box(4, 8)))
    alone = grootboek(strip(), PLAN, box(1, 2), named(c=box(4, 6)))
    assert m3(ledger, "dubbel geteld (ontvangers overlappen)") == pytest.approx(-m3(alone, "c"), rel=1e-6)
    adds_up(ledger)
    apart = grootboek(strip(), PLAN, box(1, 2), named(a=box(3, 6), b=box(6, 8)))
    assert "overlap" not in set(apart.table.soort)


def test_an_unknown_component_is_left_out_and_stated():
    layers = strip(wateroverlast=np.where(np.arange(10) == 3, np.nan, 0.15))
    ledger = grootboek(layers, PLAN, box(2, 5), named(buur=box(6, 7)))
    per_ha = released_per_ha(layers)[0, 2:5]
    assert m3(ledger, "totaal vrijgekomen") == pytest.approx(per_ha.sum() * 0.01, rel=1e-6)
    assert any("onbekend op 0,01 ha (beide onbekend, telt als 0: 0 ha)" in n for n in ledger.notes)
    adds_up(ledger)


def test_nothing_known_is_not_nothing():
    ledger = grootboek(strip(wateroverlast=None, keileemdiepte=None, ghg=None), PLAN, box(2, 5))
    assert ledger.table.m3.isna().all()
    assert "niet bepaald" in repr(ledger)


def test_without_maaiveld_water_is_not_determined_but_ground_is():
    ledger = grootboek(strip(maaiveld=None), DRAINER, box(2, 3), named(buur=box(3, 6)))
    assert ledger.table.m3.isna().all()
    assert any("niet bepaald" in text for text in ledger.niet_bepaald)
    assert ledger.table.verlaging_grootste_m.iloc[0] > 0
    assert ledger.paths().empty
    assert ledger.cells.ontvangst.isnull().all()
    assert "niet bepaald" in repr(ledger)


def test_without_ghg_ground_is_not_determined():
    ledger = grootboek(strip(ghg=None), PLAN, box(2, 3), named(buur=box(3, 6)))
    assert ledger.table.verlaging_grootste_m.isna().all()
    assert any("grondwater: niet bepaald" in text for text in ledger.niet_bepaald)
    adds_up(ledger)


def test_an_abstraction_asks_for_a_test_of_its_own():
    ledger = grootboek(strip(), "drinkwaterwinning", box(2, 3), named(buur=box(3, 6)))
    assert any("onttrekking" in n for n in ledger.notes)
    assert any("grondwater: niet bepaald" in text for text in ledger.niet_bepaald)


def test_lowering_of_a_receiver_by_hand():
    layers = strip(ghg=np.where(np.arange(10) == 2, 0.2, np.nan))
    own = float(wb.afwenteling(layers, DRAINER).grondwaterverlaging[0, 2])
    ledger = grootboek(layers, DRAINER, box(2, 3), named(buur=box(4, 6)), reikwijdte=30)
    expected = own * np.exp(-np.array([2, 3]) * SIZE / 30)
    row = ledger.table.iloc[0]
    assert own > 0
    assert row.verlaging_gemiddeld_m == pytest.approx(expected.mean(), rel=1e-6)
    assert row.verlaging_grootste_m == pytest.approx(expected.max(), rel=1e-6)
    assert row.vernatting_grootste_m == 0
    own_part = grootboek(layers, DRAINER, box(2, 3), named(zelf=box(2, 3))).table.iloc[0]
    assert own_part.verlaging_gemiddeld_m == pytest.approx(own, rel=1e-6)


def test_mean_lowering_counts_land_beyond_the_reach():
    layers = strip(cols=400)
    near = grootboek(layers, DRAINER, box(2, 3), named(buur=box(4, 6)), reikwijdte=10).table.iloc[0]
    far = grootboek(layers, DRAINER, box(2, 3), named(buur=box(4, 204)), reikwijdte=10).table.iloc[0]
    assert far.verlaging_grootste_m == pytest.approx(near.verlaging_grootste_m)
    assert far.verlaging_gemiddeld_m < 0.02 * near.verlaging_grootste_m


def test_plan_at_the_edge_and_over_a_hole():
    level = np.arange(10, 0, -1, dtype=np.float32)
    level[4] = np.nan
    ledger = grootboek(strip(maaiveld=level), PLAN, box(3, 5), named(buur=box(6, 8)))
    assert m3(ledger, "buiten de gegevens") == pytest.approx(m3(ledger, "totaal vrijgekomen"), rel=1e-9)
    assert any("zonder maaiveld" in n and "50\u00a0% van het water" in n for n in ledger.notes)
    edge = grootboek(strip(), PLAN, box(9, 12), named(buur=box(0, 2)))
    assert any("0,02 ha ligt buiten de gegevens" in n for n in edge.notes)
    assert m3(edge, "buiten de gegevens") == pytest.approx(m3(edge, "totaal vrijgekomen"), rel=1e-9)
    adds_up(edge)


def test_plans_outside_the_data():
    layers = strip()
    ledger = grootboek(layers, PLAN, named(hier=box(2, 3), ver=box(50, 51)))
    assert any("ver: ligt geheel buiten" in n for n in ledger.notes)
    with pytest.raises(NoOverlap):
        grootboek(layers, PLAN, box(50, 51))


def test_what_a_receiver_outside_the_data_gets_is_unknown():
    """Not nothing: water and effects that leave the data may well come there."""
    ledger = grootboek(strip(), PLAN, box(2, 3), named(ver=box(50, 51)))
    row = ledger.table[ledger.table.ontvanger == "ver"].iloc[0]
    assert np.isnan([row.m3, row.aandeel, row.waterschijf_mm, row.verlaging_grootste_m]).all()
    assert ledger.sluit


def test_several_plans_and_their_sum():
    plans, targets = named(a=box(0, 1), b=box(2, 3)), named(buur=box(5, 6), buur2=box(7, 9))
    ledger = grootboek(strip(), [PLAN, "bedrijventerrein"], plans, targets)
    adds_up(ledger)
    both = ledger.table[ledger.table.plan_nr == 0].set_index("ontvanger").m3
    single = ledger.table[ledger.table.plan_nr > 0].groupby("ontvanger").m3.sum()
    assert both["buur"] == pytest.approx(single["buur"], rel=1e-12)
    assert list(ledger.table.functie.unique()) == [PLAN, "bedrijventerrein", ""]
    reverse = ledger.voor("buur")
    assert reverse.m3.is_monotonic_decreasing
    assert set(reverse.plan) == {"a", "b"}
    with pytest.raises(ArgumentError, match="buur2"):
        ledger.voor("buur3")


def test_names_that_occur_twice_stay_apart():
    targets = gpd.GeoDataFrame({"naam": ["x", "x"]}, geometry=[box(4, 5), box(6, 7)], crs="EPSG:28992")
    plans = gpd.GeoDataFrame({"naam": ["p", "p"]}, geometry=[box(0, 1), box(2, 3)], crs="EPSG:28992")
    ledger = grootboek(strip(), PLAN, plans, targets)
    adds_up(ledger)
    assert (ledger.table.soort == "ontvanger").sum() == 6


def test_cumulation_names_what_only_the_sum_does():
    layers = strip(cols=60, rows=1)
    targets = named(midden=box(30, 31))
    head = float(wb.afwenteling(layers, DRAINER).grondwaterverlaging.max())
    distance = 5 * SIZE
    reach = -distance / math.log(0.035 / head)
    plans = named(links=box(25, 26), rechts=box(35, 36))
    found = grootboek(layers, DRAINER, plans, targets, reikwijdte=reach).cumulatie.iloc[0]
    assert found.verlaging_grootste_m_alleen == pytest.approx(0.035, rel=1e-5)
    assert found.verlaging_grootste_m_samen == pytest.approx(0.07, rel=1e-5)
    assert "verlaging_grootste_m" in found.alleen_samen


def test_what_plans_do_to_a_plan_is_what_the_others_do():
    """Its own lowering is in neither number: between two others it is the sum of theirs, beside one that of one."""
    layers, reach = strip(cols=60, rows=1), 40.0
    plans = named(links=box(20, 21), midden=box(25, 26), rechts=box(30, 31))
    found = wb.assess(layers, DRAINER, plans, reikwijdte=reach).ledgers[DRAINER]
    target = named(midden=box(25, 26))
    two = grootboek(layers, DRAINER, named(links=box(20, 21), rechts=box(30, 31)), target, reikwijdte=reach)
    got, want = found.cumulatie.set_index("ontvanger"), two.cumulatie.set_index("ontvanger").loc["midden"]
    assert got.loc["midden"].drop(["alleen_samen", "soort"]).equals(want.drop(["alleen_samen", "soort"]))
    head = float(wb.afwenteling(layers, DRAINER).grondwaterverlaging.max())
    assert got.loc["midden"].verlaging_grootste_m_alleen == pytest.approx(head * math.exp(-50 / reach), rel=1e-5)
    assert got.loc["midden"].verlaging_grootste_m_samen == pytest.approx(2 * head * math.exp(-50 / reach), rel=1e-5)
    one = wb.assess(layers, DRAINER, plans[:2], reikwijdte=reach).ledgers[DRAINER].cumulatie
    for name in ("verlaging_grootste_m", "vernatting_grootste_m", "waterschijf_mm"):
        assert one[f"{name}_samen"].equals(one[f"{name}_alleen"]) and not one.alleen_samen.any()


def test_reverse_query_agrees_with_the_ledger():
    layers, plans = wb.example(), wb.example_plans()
    flow = flow_of(layers)
    target = gpd.GeoDataFrame({"naam": ["beek"]}, geometry=[shapely.box(238500, 552700, 239700, 554000)], crs=plans.crs)
    ledger = grootboek(layers, PLAN, plans, target, stroming=flow)
    share = bovenstrooms(layers, target, PLAN, stroming=flow)
    adds_up(ledger)
    assert (ledger.controle.adjunct < 1e-9).all()
    for entry in ledger.entries:
        rows, cols = ledger.division.grid.slices(entry.source.grid)
        there = (entry.source.volume * np.nan_to_num(share.aandeel.values[rows, cols])).sum()
        assert there == pytest.approx(m3(ledger, "beek", entry.source.area.name), rel=1e-5, abs=1e-9)
    ha = np.nan_to_num(share["last"].values) * ledger.division.grid.cell_ha
    assert ha.max() > 0


def test_downstream_burden_against_a_plain_twin():
    layers = strip(wateroverlast=np.linspace(0, 0.45, 10, dtype=np.float32))
    found = benedenstrooms(layers, PLAN, demping_m=50)
    v = np.clip(layers.wateroverlast.values[0] / 0.30, 0, 1)
    q, exposure = math.exp(-SIZE / 50), np.zeros(10)
    for i in range(8, -1, -1):
        exposure[i] = (1 - q) * v[i + 1] + q * exposure[i + 1]
    np.testing.assert_allclose(found.blootstelling.values[0], exposure, atol=1e-6)
    unknown = q ** np.arange(9, -1, -1)
    np.testing.assert_allclose(found.blootstelling_onbekend.values[0], unknown, atol=1e-6)
    expected = np.where(unknown > 0.8, np.nan, np.minimum(1, released_per_ha(layers)[0] / 1600) * exposure)
    np.testing.assert_allclose(found.benedenstrooms.values[0], expected, atol=1e-6)
    assert found.benedenstrooms.dtype == np.float32


def test_vulnerability_layer_goes_before_water_depth():
    layers = strip(kwetsbaarheid=np.where(np.arange(10) == 5, 1.0, 0.0))
    found = benedenstrooms(layers, PLAN, demping_m=50).blootstelling.values[0]
    assert found[4] == pytest.approx(1 - math.exp(-SIZE / 50))
    assert found[5] == 0


def test_unknown_vulnerability_is_told():
    found = benedenstrooms(strip(wateroverlast=None), PLAN)
    assert float(found.blootstelling.max()) == 0
    assert (found.blootstelling_onbekend == 1).all()
    half = np.where(np.arange(10) == 4, np.nan, 0.15)
    found, q = benedenstrooms(strip(wateroverlast=half), PLAN, demping_m=50), math.exp(-SIZE / 50)
    assert float(found.blootstelling_onbekend[0, 2]) == pytest.approx(q * (1 - q) + q**7, rel=1e-5)


def test_open_water_is_the_edge_of_what_exposure_knows():
    """A ditch in the sixth cell, vulnerable all over: what reaches it is not followed, own water of it neither."""
    ditch = np.where(np.arange(10) == 5, 1.0, 0.0)
    layers = strip(wateroverlast=0.3, water=ditch)
    found, q = benedenstrooms(layers, PLAN, demping_m=50), math.exp(-SIZE / 50)
    steps = np.array([4, 3, 2, 1, 0, 0, 3, 2, 1, 0])
    np.testing.assert_allclose(found.blootstelling.values[0], 1 - q**steps, atol=1e-6)
    np.testing.assert_allclose(found.blootstelling_onbekend.values[0], q**steps, atol=1e-6)
    share = bovenstrooms(layers, box(5, 6), demping_m=50).aandeel.values[0]
    np.testing.assert_allclose(share, [*q ** np.arange(4, -1, -1), 1, 0, 0, 0, 0], atol=1e-6)


def test_a_source_in_a_wall_leaves_and_is_not_followed():
    level = np.tile(np.arange(10, 0, -1, dtype=np.float32), (3, 1))
    level[1, 4] = np.nan
    found = benedenstrooms(strip(rows=3, maaiveld=level), PLAN)
    assert (float(found.blootstelling[1, 4]), float(found.blootstelling_onbekend[1, 4])) == (0, 1)


def test_a_map_is_drawn_where_at_most_four_fifths_cannot_be_followed():
    share, unknown = np.full(4, 0.1, np.float32), np.array([0.0, 0.8, 0.8000005, 0.81], np.float32)
    np.testing.assert_array_equal(drawn(share, unknown), np.array([0.1, 0.1, 0.1, np.nan], np.float32))


def test_downstream_without_maaiveld_is_not_determined():
    found = benedenstrooms(strip(maaiveld=None), [PLAN, "natte_natuur"])
    assert found.benedenstrooms.isnull().all()
    assert found.sizes["functie"] == 2
    single = benedenstrooms(strip(maaiveld=None), PLAN)
    assert "maaiveld" in single.attrs["niet_bepaald"]


def test_unknown_source_is_unknown_downstream():
    known = np.where(np.arange(10) == 3, np.nan, 0.3)
    layers = strip(wateroverlast=known, keileemdiepte=known, ghg=known)
    found = benedenstrooms(layers, PLAN, demping_m=20)
    assert np.isnan(found.benedenstrooms.values[0, 3])
    assert np.isfinite(found.benedenstrooms.values[0, [2, 4]]).all()


def test_directions_from_a_raster_and_of_another_grid():
    layers = strip()
    west = flow_from_codes(np.full((1, 10), 16, np.uint8), Grid(0.0, SIZE, SIZE, SIZE, 1, 10))
    ledger = grootboek(layers, PLAN, box(5, 6), named(west=box(0, 5), oost=box(6, 10)), stroming=west)
    assert m3(ledger, "oost") == 0 < m3(ledger, "west")
    with pytest.raises(GridMismatch, match="stroming"):
        grootboek(strip(cols=11), PLAN, box(5, 6), stroming=west)


def test_wrong_number_of_functies():
    with pytest.raises(ArgumentError, match="one per plan"):
        grootboek(strip(), [PLAN, PLAN], box(2, 3))


def test_reference_raster_is_cut_to_the_plan():
    layers = strip()
    codes = xr.DataArray(np.full((1, 10), wb.functies()["grasland_veeteelt"].code, float), dims=("y", "x"))
    plain = grootboek(layers, PLAN, box(2, 4)).table
    assert grootboek(layers, PLAN, box(2, 4), referentie=codes).table.m3.tolist() == plain.m3.tolist()


def test_paths_run_from_the_plan_to_its_receivers():
    layers, plans = wb.example(), wb.example_plans()
    target = gpd.GeoDataFrame({"naam": ["rest"]}, geometry=[shapely.box(*plans.total_bounds).buffer(50)], crs=plans.crs)
    ledger = grootboek(layers, PLAN, plans, target)
    lines = ledger.paths()
    assert set(lines.plan) <= set(plans.naam)
    assert set(lines.ontvanger) == {"rest", ""}
    most = ledger.table[ledger.table.soort == "totaal"].set_index("plan").m3
    assert (lines.m3 <= lines.plan.map(most) + 1e-9).all()
    assert (lines.geometry.length > 0).all()
    assert lines.crs == plans.crs
    ends = {line.coords[-1] for line in lines.geometry}
    starts = lines[[line.coords[0] not in ends for line in lines.geometry]]
    near = plans.union_all().buffer(6)
    assert starts.intersects(near).any()
    assert ledger.paths(0.5).shape[0] < lines.shape[0]


def test_paths_can_be_written(tmp_path):
    lines = grootboek(strip(), PLAN, box(2, 3), named(buur=box(5, 6))).paths()
    lines.to_file(tmp_path / "paden.gpkg", layer="stroompaden")
    assert gpd.read_file(tmp_path / "paden.gpkg").m3.max() == pytest.approx(lines.m3.max())
    assert lines.ontvanger.tolist() == ["", "buur", ""]


def test_shown_in_dutch_and_escaped():
    ledger = grootboek(strip(), PLAN, box(2, 3), named(**{"<b>buur</b>": box(5, 6)}))
    text, page = repr(ledger), ledger._repr_html_()
    assert "Grootboek van afwenteling" in text
    assert "de sommen sluiten" in text
    assert "watertoets" in text
    assert "<b>buur" not in page
    assert ledger.herkomst["demping_m"] == 2000


def test_grids_add_up_to_the_ledger():
    ledger = grootboek(wb.example(), PLAN, wb.example_plans())
    total = float(ledger.cells.ontvangst.values.astype(float).sum()) * ledger.division.grid.cell_ha
    both = ledger.table[ledger.table.plan_nr == 0]
    inside = both[both.soort.isin(["plan", "elders"])].m3.sum()
    assert total == pytest.approx(inside, rel=1e-5)


def test_a_plan_answers_within_a_second():
    layers, plans = wb.example(), wb.example_plans()
    flow = flow_of(layers)
    repr(grootboek(layers, PLAN, plans[:1], plans, stroming=flow))
    begin = time.perf_counter()
    repr(grootboek(layers, PLAN, plans[:1], plans, stroming=flow))
    assert time.perf_counter() - begin < 1


@pytest.mark.shared
def test_ahn_ledger_adds_up():
    import rasterio

    with rasterio.open(ahn_tile()) as file:
        level = file.read(1, masked=True).filled(np.nan)
    grid = Grid(32300.0, 371600.0, 5.0, 5.0, 400, 400, "EPSG:28992")
    flat = {"keileemdiepte": np.inf, "kwel": 0.6, "wateroverlast": 0.1, "ghg": 0.4}
    layers = dataset_of(
        grid, {"maaiveld": (level, {}), **{n: (np.full(grid.shape, v, np.float32), {}) for n, v in flat.items()}}
    )
    quarters = {
        f"{i}{j}": shapely.box(32300 + 1000 * i, 369600 + 1000 * j, 33300 + 1000 * i, 370600 + 1000 * j)
        for i in (0, 1)
        for j in (0, 1)
    }
    ledger = grootboek(layers, PLAN, named(plan=shapely.Point(33200, 370700).buffer(180)), named(**quarters))
    adds_up(ledger)
    assert m3(ledger, "elders in de gegevens") == pytest.approx(0, abs=1e-6)
    assert m3(ledger, "totaal vrijgekomen") > 100


# --- open water, level areas, nature, reach ------------------------------------------------------------------------


def lines(ledger, **wanted):
    table = ledger.table
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def ditched(**changes):
    """A strip that falls to the east, with a ditch in the sixth cell."""
    return strip(water=np.where(np.arange(10) == 5, 1.0, 0.0), **changes)


def test_water_that_reaches_a_ditch_stays_in_it():
    """All of it by hand: 4 steps to the ditch, of which the receiver has the last two cells and the ditch."""
    layers = ditched()
    kinds = gpd.GeoDataFrame({"naam": ["polder"], "soort": ["Peilgebied"]}, geometry=[box(4, 7)], crs="EPSG:28992")
    ledger = grootboek(layers, PLAN, box(1, 2), kinds, demping_m=20)
    total, q = released_per_ha(layers)[0, 1] * SIZE * SIZE / 1e4, math.exp(-0.5)
    row = lines(ledger, ontvanger="polder").iloc[0]
    assert (row.soort, row.open_water_ha) == ("peilgebied", pytest.approx(0.01))
    assert row.m3_open_water == pytest.approx(total * q**3)
    assert row.m3 == pytest.approx(total * (q**2 * (1 - q) + q**3))
    assert row.stijging_peil_cm == pytest.approx(100 * total * q**3 / 100)
    assert m3(ledger, "buiten de gegevens") == 0
    assert lines(ledger, soort="totaal").m3_open_water.iloc[0] == pytest.approx(total * q**3)
    adds_up(ledger)


def test_a_plan_in_a_ditch_keeps_its_own_water():
    ledger = grootboek(ditched(), PLAN, box(5, 6))
    assert m3(ledger, "in het plan zelf") == pytest.approx(m3(ledger, "totaal vrijgekomen"))
    assert m3(ledger, "totaal vrijgekomen") > 0
    row = lines(ledger, soort="plan").iloc[0]
    assert row.m3_open_water == row.m3 and np.isnan(row.open_water_ha)


def test_open_water_adds_up_over_overlapping_receivers():
    ledger = grootboek(ditched(), PLAN, box(1, 2), named(a=box(3, 6), b=box(5, 8)), demping_m=20)
    parts = ledger.table[ledger.table.soort != "totaal"].m3_open_water
    assert parts.sum() == pytest.approx(lines(ledger, soort="totaal").m3_open_water.iloc[0])
    assert lines(ledger, soort="overlap").m3_open_water.iloc[0] < 0
    assert lines(ledger, soort="ontvanger").stijging_peil_cm.isna().all(), "no level area"


def test_without_layer_water_nothing_is_said_of_it():
    ledger = grootboek(strip(), PLAN, box(1, 2), named(a=box(3, 6)))
    assert ledger.table[["m3_open_water", "open_water_ha", "stijging_peil_cm"]].isna().all(axis=None)


def test_open_water_of_a_receiver_beyond_the_reach_of_the_plan_counts_too():
    ledger = grootboek(ditched(rows=3), PLAN, box(8, 9), named(ver=shapely.box(0, 0, 60, 30)))
    assert lines(ledger, ontvanger="ver").open_water_ha.iloc[0] == pytest.approx(0.03)


def test_nature_is_marked_by_what_twice_the_reach_does():
    """h0 falls to 0.05 m at twice lambda between the two receivers; only nature of 2 and more is marked."""
    layers = strip(cols=60, ghg=0.3, natuur=2.0)
    head = float(wb.afwenteling(layers, DRAINER).grondwaterverlaging[0, 2])
    cells = int(2 * 30 * math.log(head / 0.05) / SIZE)
    near, far = box(2 + cells, 3 + cells), box(3 + cells, 4 + cells)
    ledger = grootboek(layers, DRAINER, box(2, 3), named(near=near, far=far), reikwijdte=30)
    table = lines(ledger, soort="ontvanger").set_index("ontvanger")
    assert table.voortoets.to_dict() == {"near": True, "far": False}
    assert table.verlaging_grootste_m["near"] < 0.05 <= table.verlaging_dubbel_m["near"] + 1e-6
    assert not ledger.table.voortoets[ledger.table.ontvanger_nr == 0].any()
    for kind in (1.0, None):
        other = grootboek(strip(cols=60, natuur=kind), DRAINER, box(2, 3), named(near=near), reikwijdte=30)
        assert not other.table.voortoets.any()


def test_row_and_lambda_are_those_of_the_cell_that_changes_most():
    soil = np.where(np.arange(40) < 5, 0.5, 3.0)
    ledger = grootboek(strip(cols=40, keileemdiepte=soil), DRAINER, box(2, 3), named(a=box(3, 6), b=box(6, 9)))
    table = lines(ledger, soort="ontvanger").set_index("ontvanger")
    assert table.lambda_rij.to_dict() == {"a": "ontwaterd_op_keileem", "b": "dekzand_op_keileem"}
    assert table.lambda_m.to_dict() == {"a": 35, "b": 55}
    head = float(wb.afwenteling(strip(keileemdiepte=0.5), DRAINER).grondwaterverlaging[0, 2])
    assert table.verlaging_grootste_m["b"] == pytest.approx(head * math.exp(-40 / 55), rel=1e-6)
    assert table.verlaging_half_m["b"] == pytest.approx(head * math.exp(-80 / 55), rel=1e-6)
    assert table.verlaging_dubbel_m["b"] == pytest.approx(head * math.exp(-20 / 55), rel=1e-6)
    given = grootboek(strip(cols=40), DRAINER, box(2, 3), named(a=box(3, 6)), reikwijdte=30).table.iloc[0]
    assert (given.lambda_rij, given.lambda_m) == ("opgegeven", 30)


def test_a_plan_cell_is_covered_for_at_least_half():
    """Of two cells covered for 0.5 and 0.4 the first is the plan's; the other gets what spreads to it."""
    plan = shapely.box(25, 0, 34, SIZE)
    ledger = grootboek(strip(cols=40), DRAINER, plan, named(rest=box(3, 4), own=box(2, 3)), reikwijdte=30)
    table = lines(ledger, soort="ontvanger").set_index("ontvanger")
    assert table.verlaging_grootste_m["rest"] == pytest.approx(table.verlaging_grootste_m["own"] * math.exp(-1 / 3))
    sliver = grootboek(strip(cols=40), DRAINER, shapely.box(25, 0, 29, SIZE), named(own=box(2, 3)), reikwijdte=30)
    assert sliver.table.verlaging_grootste_m.iloc[0] > 0, "a plan smaller than half a cell is not without effect"


def test_a_level_area_may_be_told_among_others_and_an_odd_kind_is_a_receiver():
    kinds = gpd.GeoDataFrame(
        {"naam": ["a", "b", "c"], "soort": ["peilgebied", "gemeente", None]},
        geometry=[box(3, 4), box(4, 5), box(6, 7)],
        crs="EPSG:28992",
    )
    table = lines(grootboek(ditched(), PLAN, box(1, 2), kinds), plan_nr=1)
    assert table.soort.tolist()[:3] == ["peilgebied", "ontvanger", "ontvanger"]
