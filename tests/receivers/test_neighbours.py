"""The strip around a plan that becomes wetter, and what it leaves of the first principle of the Kompas."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import RD, box, layers
from tests.support.random_cells import FUNCTIES

ARABLE, GRASS, NATURE = (float(FUNCTIES[n].code) for n in ("akkerbouw", "grasland_veeteelt", "natte_natuur"))
#: Built on, or arable.
BURDENED = (
    "woningbouw", "bedrijventerrein", "infrastructuur", "akkerbouw", "recreatie_verblijf", "glastuinbouw",
)  # fmt: skip
SIZE = 51
MIDDLE = SIZE // 2
#: The rise of wet nature here: from 0.60 to 0.10 m below the land, on peat that holds it.
RISE = 0.5
#: Sand with ditches without keileem.
LAMBDA = 71.0
#: The farthest whole cell of 10 m at which 0.05 m of it is left.
REACH = int(LAMBDA * math.log(RISE / 0.05) / 10)
#: How wide the strip is between centres of cells.
STRIP = max(d for r in range(20) for c in range(20) if (d := 10 * math.hypot(r, c)) <= LAMBDA * math.log(RISE / 0.05))

#: The same in two figures.
TOLD = f"{float(f'{STRIP:.2g}'):.0f}"


def land(use=None, **values):
    """Peat on which wet nature spares peat; present use is grass, where ``use`` does not tell otherwise."""
    even = {"zettingsgevoeligheid": 0.25, "wateroverlast": 0.3, "droogte": 0.0, "keileemdiepte": np.inf, "kwel": 0.0}
    even |= {"ghg": 0.6, "gvg": 0.8, "glg": 1.2, "veendikte": 1.0, "beekdal": 0.0} | values
    arrays = {n: np.broadcast_to(np.asarray(v, np.float32), (SIZE, SIZE)).copy() for n, v in even.items()}
    codes = np.full((SIZE, SIZE), GRASS, np.float32)
    for (row, col), code in (use or {}).items():
        codes[MIDDLE + row, MIDDLE + col] = code
    return layers({**arrays, "gebruik": codes})


def cell(row=0, col=0):
    """A plan of one cell, from the middle."""
    return box(MIDDLE + col, MIDDLE + row, MIDDLE + col + 1, MIDDLE + row + 1)


def verdict(data, plan=None, functie="natte_natuur", **settings):
    b = wb.assess(data, functie, cell() if plan is None else plan, **settings)
    found = b.kompas[b.kompas.beginsel == "Niet afwentelen"]
    return found.symbool.tolist()[-1], found.reden.tolist()[-1]


def test_nobody_beside_the_plan_leaves_it_as_it_is():
    assert verdict(land()) == ("++", "gemiddeld afwentelingsrisico 0,00; 0\u00a0% van het gebied zeer hoog")


@pytest.mark.parametrize("name", BURDENED)
def test_who_is_built_on_or_arable_and_becomes_five_centimetres_wetter_caps_it(name):
    code = float(FUNCTIES[name].code)
    symbol, reason = verdict(land({(0, REACH): code}))
    assert symbol == "0" and f"tot {TOLD} m van het plan" in reason
    assert verdict(land({(0, REACH + 1): code}))[0] == "++"
    assert verdict(land({(3, 4): code}))[0] == "0"


@pytest.mark.parametrize("name", sorted(set(FUNCTIES) - set(BURDENED)))
def test_other_uses_beside_it_do_not(name):
    assert verdict(land({(0, 1): float(FUNCTIES[name].code)}))[0] == "++"


def test_distance_is_straight():
    assert verdict(land({(12, 12): ARABLE}))[0] == "++"  # 170 m
    assert verdict(land({(11, 11): ARABLE}))[0] == "0"  # 156 m


def test_an_unknown_use_in_the_strip_leaves_a_plus_and_names_the_strip():
    symbol, reason = verdict(land({(0, REACH): np.nan}))
    assert symbol == "+" and f"strook van {TOLD} m" in reason
    assert verdict(land({(0, REACH + 1): np.nan}))[0] == "++"
    assert verdict(land({(0, 2): np.nan, (0, 3): ARABLE}))[0] == "0"


def test_a_small_rise_does_not_ask_what_is_unknown_beside_it():
    little = {"ghg": 0.19, "gvg": 0.3, "glg": 1.0}  # rises 0.09
    assert verdict(land({(0, 1): np.nan}, **little))[0] == "++"
    assert verdict(land({(0, 1): ARABLE}, **little))[0] == "0"


def test_without_a_map_of_use_the_neighbours_are_unknown():
    symbol, reason = verdict(land().drop_vars("gebruik"), referentie="grasland_veeteelt")
    assert symbol == "+" and f"strook van {TOLD} m" in reason
    assert verdict(land(ghg=0.19, gvg=0.3).drop_vars("gebruik"), referentie="grasland_veeteelt")[0] == "++"
    assert verdict(land().drop_vars("gebruik"))[0] == "?"


def test_a_given_present_use_leaves_the_neighbours_to_the_map():
    assert verdict(land({(0, 3): ARABLE}), referentie="grasland_veeteelt")[0] == "0"


def test_each_plan_is_looked_at_by_itself():
    """Two plans that each raise the same field by less than 0.05 m."""
    assert 2 * RISE * math.exp(-10 * (REACH + 1) / LAMBDA) > 0.05
    plans = gpd.GeoDataFrame(geometry=[cell(col=-(REACH + 1)), cell(col=REACH + 1)], crs=RD)
    assert wb.per_gebied(land({(0, 0): ARABLE}), "natte_natuur", plans).kompas_niet_afwentelen.tolist() == ["++", "++"]


def test_a_neighbour_that_is_a_plan_too_is_a_neighbour():
    plans = gpd.GeoDataFrame(geometry=[cell(), cell(col=3)], crs=RD)
    found = wb.per_gebied(land({(0, 3): ARABLE}), "natte_natuur", plans)
    assert found.kompas_niet_afwentelen.tolist()[0] == "0"


def test_the_reach_is_that_of_the_receiver_and_the_one_in_force():
    on_keileem = np.full((SIZE, SIZE), np.inf, np.float32)
    on_keileem[:, MIDDLE + 3 :] = 1.0  # drained land on keileem: lambda 35
    reach = int(35 * math.log(RISE / 0.05) / 10)
    assert reach == 8
    assert verdict(land({(0, reach): ARABLE}, keileemdiepte=on_keileem))[0] == "0"
    assert verdict(land({(0, reach + 1): ARABLE}, keileemdiepte=on_keileem))[0] == "++"
    assert verdict(land({(0, reach): ARABLE}, keileemdiepte=on_keileem), reikwijdte=20.0)[0] == "++"
    assert verdict(land({(0, 20): ARABLE}), reikwijdte=100.0)[0] == "0"


def test_a_receiver_needs_no_layer_but_its_use():
    unknown = np.full((SIZE, SIZE), np.nan, np.float32)
    unknown[MIDDLE, MIDDLE] = 0.6
    everything = {"ghg": unknown, "keileemdiepte": np.where(unknown == unknown, np.inf, np.nan)}
    reach = int(100 * math.log(RISE / 0.05) / 10)  # none of the situations: 100 m
    assert verdict(land({(0, reach): ARABLE}, **everything))[0] == "0"
    assert verdict(land({(0, reach + 1): ARABLE}, **everything))[0] == "++"


def test_the_data_end_where_they_end():
    data = land({(0, REACH): ARABLE}).isel(x=slice(0, MIDDLE + REACH))
    assert verdict(data)[0] == "++"


def test_plan_cells_are_covered_for_half_or_all_where_none_is():
    half = box(MIDDLE, MIDDLE, MIDDLE + 1.4, MIDDLE + 1)  # the cell beside it is a neighbour
    assert verdict(land({(0, 1): ARABLE}), half)[0] == "0"
    most = box(MIDDLE, MIDDLE, MIDDLE + 1.6, MIDDLE + 1)
    assert verdict(land({(0, 1): ARABLE}), most)[0] != "0"
    little = box(MIDDLE + 0.8, MIDDLE, MIDDLE + 1.2, MIDDLE + 1)
    assert verdict(land({(0, 1): ARABLE}), little)[0] != "0"


def test_the_rise_counts_as_computed_where_the_plan_does_not_fit():
    """Relief counts as 0 where wet nature does not fit; the water that rises beside it does not."""
    dry = land({(0, 3): ARABLE}, droogte=40.0, wateroverlast=0.0, zettingsgevoeligheid=0.0)
    b = wb.assess(dry, "natte_natuur", cell())
    assert b.table.antwoord.item() in ("C2", "D")
    assert verdict(dry)[0] == "0"
    assert verdict(dry.assign(gebruik=dry.gebruik * 0 + GRASS))[0] == "+"


def test_a_functie_that_holds_no_level_wets_nobody():
    assert "natter" not in verdict(land({(0, 1): ARABLE}), functie="droge_natuur_bos")[1]


def test_an_opened_answer_tells_the_same_in_both_languages(tmp_path):
    from waterbodem.answers.alternatives import verdicts_of

    b = wb.assess(land({(0, 3): ARABLE}), "natte_natuur", box(MIDDLE, MIDDLE, MIDDLE + 2, MIDDLE + 2))
    back = wb.open_assessment(b.save(tmp_path / "a.waterbodem"))
    for taal in ("nl", "en"):
        assert verdicts_of(back.question, taal) == verdicts_of(b.question, taal)
    assert "arable land beside the plan" in verdicts_of(back.question, "en")["natte_natuur"][0][0].reden
