"""Why a cell got its answer: the state a functie makes itself, what was derived, what caps it; by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import waterbodem as wb
from tests.support import random_cells
from tests.support.grids import LEFT, TOP, even, layers
from tests.support.random_cells import FUNCTIES, METHODS
from tests.support.twins.functie import plain
from tests.support.twins.klasse import score_cell

#: Keileem that holds water, ghg 0.4: rise 0.3 to the streefpeil of 0.1. Gvg 0.054 + 0.83 x 0.4 + 0.19 x 1.2 = 0.614.
WET = {"zettingsgevoeligheid": 0.1, "wateroverlast": 0.1, "droogte": 5.0, "keileemdiepte": 0.8, "ghg": 0.4, "glg": 1.2}
AT = {"x": LEFT + 5, "y": TOP - 5}


def reason(why, name):
    return next(c for c in why.to_dict()["criteria"] if c["naam"] == name)


def test_a_level_is_told_before_and_after_peilopzet():
    why = wb.waarom(even(**WET), "natte_natuur", **AT)
    gvg = reason(why, "gvg")
    assert gvg["waarde"] == pytest.approx(0.614) and gvg["waarde_na_peilopzet"] == pytest.approx(0.314)
    assert gvg["score"] == pytest.approx(1 - (0.314 - 0.25) / 0.15 * 0.5, abs=1e-6)
    assert gvg["afgeleid"] == ("gvg",)
    for text in (repr(why), why._repr_html_()):
        assert "0,31 na peilopzet; vraagt een peilbesluit" in text
        assert "GVG is niet gegeven maar afgeleid uit GHG en GLG" in text


def test_nothing_is_said_of_a_level_that_is_not_raised():
    deep = wb.waarom(even(**{**WET, "ghg": 1.5, "glg": 2.5}), "natte_natuur", **AT)
    gvg = reason(deep, "gvg")
    assert gvg["waarde_na_peilopzet"] == gvg["waarde"] and "peilopzet" not in repr(deep)
    unknown = wb.waarom(even(**WET, gvg=math.nan), "natte_natuur", **AT)
    assert math.isnan(reason(unknown, "gvg")["waarde_na_peilopzet"]) and "peilopzet" not in repr(unknown)
    houses = wb.waarom(even(**WET), "woningbouw", **AT)
    assert reason(houses, "ghg")["waarde_na_peilopzet"] is None and "peilopzet" not in repr(houses)
    assert reason(wb.waarom(even(**WET), "natte_natuur", **AT), "droogte")["waarde_na_peilopzet"] is None


def test_a_functie_that_caps_itself_says_why():
    why = wb.waarom(even(), "drinkwaterwinning", **AT)
    assert why.hoogstens == ("C1: een onttrekking vraagt eerst een toets bij elke ontvanger",)
    assert f"hoogstens {why.hoogstens[0]}" in repr(why)
    nature = wb.waarom(even(), "natte_natuur", **AT)
    assert nature.hoogstens == ("C1: zonder GVG (of GHG en GLG) is niet te zeggen of het nat genoeg kan worden",)
    assert wb.waarom(even(**WET), "natte_natuur", **AT).hoogstens == ()


@pytest.mark.parametrize("name", FUNCTIES)
def test_scores_and_losses_of_every_cell_are_those_of_the_twin(name):
    functie, count = FUNCTIES[name], 12
    names = [n for n in random_cells.LAYERS if n != "gvg"]
    arrays = random_cells.columns(np.random.default_rng(3), functie, names, count)
    data = layers({n: v[None, :] for n, v in arrays.items()})
    for i in range(count):
        methode, orness = METHODS[i % len(METHODS)]
        why = wb.waarom(data, functie, x=LEFT + 10 * i + 5, y=TOP - 5, methode=methode, orness=orness)
        twin = score_cell(plain(functie), random_cells.cell(arrays, i), methode, orness)
        np.testing.assert_allclose([c.score for c in why.criteria], twin["scores"], atol=1e-6)
        if twin["bekend"] or twin["drempel"]:
            np.testing.assert_allclose([c.verlies for c in why.criteria], twin["verlies"], atol=2e-6)
        total = sum(c.verlies for c in why.criteria) + why.verlies_drempel
        np.testing.assert_allclose(total, 1 - why.score, atol=1e-6)
