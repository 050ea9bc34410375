"""What stands beside an answer is told of the whole plan: no share of what happens to be known passes for it."""

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

import waterbodem as wb
from waterbodem.answers.particulars import conditions, particulars
from waterbodem.views.caveats import Caveats

HOUSES, GRASS = 1.0, 7.0
SIDE = 20


def layers(**values):
    """Dry sand on which houses are an A, 20 by 20 cells of 10 m."""
    plain = {"zettingsgevoeligheid": 0.0, "wateroverlast": 0.0, "droogte": 0.0, "keileemdiepte": np.inf, "kwel": -1.0}
    at = 10 * (np.arange(SIDE) + 0.5)
    found = {n: (("y", "x"), np.full((SIDE, SIDE), v, np.float32)) for n, v in (plain | values).items()}
    return xr.Dataset(found, coords={"y": at[::-1], "x": at}, attrs={"crs": "EPSG:28992"})


PLAN = box(0, 0, 10 * SIDE, 10 * SIDE)


def codes(data, value, cells):
    """Present use, known on the first cells of the plan only."""
    found = xr.full_like(data.kwel, np.nan)
    found.values.reshape(-1)[:cells] = value
    return found


def beside(data, functie="woningbouw", **settings):
    answer = wb.assess(data, functie, PLAN, **settings)
    row = answer.table.drop(columns="geometry").to_dict("records")[0]
    return Caveats(answer, "nl"), row


@pytest.mark.parametrize(
    ("cells", "told"), [(400, "n.v.t. (huidig gebruik)"), (4, "onbekend"), (200, "onbekend"), (300, "n.v.t.")]
)
def test_a_plan_is_its_present_use_only_where_enough_of_that_is_known(cells, told):
    data = layers()
    b, row = beside(data, referentie=codes(data, HOUSES, cells))
    assert b.risk(row).startswith(told)
    assert b.of(row).is_present_use == told.startswith("n.v.t.")
    share = b.use(row)
    assert ("telt hier als nul" in share) == (cells >= 300)
    assert cells >= 300 or f"Op {cells // 4} %" in share.replace("\u00a0", " ")


def test_rain_stays_only_where_none_of_it_runs_off():
    """A third of the plan sheds 432 m3/ha, the rest relieves what lay there: net less than nothing."""
    dry = layers()
    assert "infiltreert" in beside(dry)[0].answer(beside(dry)[1])
    stiff = layers()
    stiff.keileemdiepte.values[:, :6] = 0.0
    stiff.kwel.values[:, :6] = 1.0
    use = xr.full_like(stiff.kwel, GRASS)
    use.values[:, 6:] = 2.0  # a business park, more paved than houses
    b, row = beside(stiff, referentie=use)
    assert row["afvoer_m3"] == pytest.approx(4 * (0.3 * 432 - 0.7 * 200), abs=0.1)  # 4 ha: less than nothing
    assert "infiltreert" not in b.answer(row)
    assert any("waterneutraal" in told for told in b.compensation(row))


def test_rain_stays_only_where_that_is_known_of_enough_of_the_plan():
    data = layers()
    data.keileemdiepte.values[:] = np.nan
    data.keileemdiepte.values[0, :4] = np.inf
    b, row = beside(data)
    assert row["afvoer_m3"] <= 0
    assert "infiltreert" not in b.answer(row)


def test_what_runs_off_is_told_of_every_functie_that_could_be_asked():
    data = layers()
    data.keileemdiepte.values[:, :5] = 0.0
    data.kwel.values[:, :5] = 1.0
    answer = wb.assess(data, "woningbouw", PLAN)
    found = conditions(answer.question, wb.functies()["woningbouw"])
    assert found["afvoer_deel"] == pytest.approx([0.25])
    assert found["afvoer_bekend"] == pytest.approx([1.0])
    (one,) = particulars(answer, wb.functies()["woningbouw"])
    assert one.runoff_m3 == pytest.approx(432 * 4 * 0.25, rel=1e-5)


def test_a_code_that_no_functie_has_is_told_with_a_board_too():
    data = layers()
    for given in (99.0, 101.0, -1.0):
        with pytest.raises(wb.WaterbodemError, match="unknown functie code"):
            wb.assess(data, "woningbouw", PLAN, referentie=xr.full_like(data.kwel, given), waterschap="hunze_en_aas")


@pytest.mark.parametrize(
    ("cells", "said"),
    [(0, "is onbekend: van 100 % van het plan"), (4, "is onbekend: van 99 % van het plan"),
     (300, "vraagt ten minste"), (400, "vraagt ")],
)  # fmt: skip
def test_what_a_board_asks_is_told_as_far_as_the_present_use_is_known(cells, said):
    """Noorderzijlvest asks from 750 m2 of new paving: 4 cells of grass make 216 m2, 396 more could make a town."""
    data = layers()
    b, row = beside(data, referentie=codes(data, GRASS, cells), waterschap="noorderzijlvest")
    told = " ".join(b.compensation(row)).replace("\u00a0", " ")
    assert said in told, told
    assert "vraagt geen berging" not in told
    assert ("ten minste" in told) == (cells == 300)
    assert np.isnan(row["gevraagd_m3"]) == (cells < 300)


def test_a_functie_without_paving_is_asked_nothing_though_its_present_use_is_unknown():
    data = layers()
    b, row = beside(data, "natte_natuur", referentie=codes(data, GRASS, 0), waterschap="noorderzijlvest")
    assert b.compensation(row) == []
