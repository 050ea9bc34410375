"""What is said first of measures agrees with the answer beside it: its condition, and whether a map decides."""

from __future__ import annotations

import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import box, even
from waterbodem.views.kompas_table import measured
from waterbodem.views.measures import between, mits_text

PLAN = box(1, 1, 3, 3)


def said(functie="woningbouw", **values):
    return wb.mits(even(6, 8, **values), functie, PLAN)


HEAD = {"nl": "de kaart beslist dit niet (A tot D)", "en": "the map does not decide this (A to D)"}


@pytest.mark.parametrize("taal", HEAD)
def test_where_a_map_decides_no_class_comes_first(taal):
    layers = even(6, 8, keileemdiepte=3.0, ghg=0.75)
    layers.ghg.attrs["uncertainty"] = 0.5
    assert wb.assess(layers, "woningbouw", PLAN).rows.antwoord_laag[0] == "D"
    first = mits_text(wb.mits(layers, "woningbouw", PLAN), taal).splitlines()[0]
    assert f": {HEAD[taal]}; " in first


def test_a_yes_that_rests_on_rain_that_stays_says_so():
    found = said(keileemdiepte=np.inf, ghg=3.0, kwel=-1.0)
    row = wb.assess(even(6, 8, keileemdiepte=np.inf, ghg=3.0, kwel=-1.0), "woningbouw", PLAN).rows
    assert row.antwoord[0] == "A"
    first = mits_text(found).splitlines()[0]
    assert "ja, mits al het hemelwater (" in first and first.endswith("op eigen terrein infiltreert; de bodem kan dat")
    assert ": ja, mits al het hemelwater (" in found._repr_html_()


def test_prices_and_ranges_are_words_and_two_figures():
    html = said(keileemdiepte=1.0, ghg=0.6)._repr_html_()
    assert " .. " not in html and "<bdi>0 tot 6</bdi>" in html and "<bdi>20.000 tot 35.000, zonder grond</bdi>" in html
    assert (between("C1", "C1", "nl"), between("A", "C2", "en")) == ("C1", "A to C2")


def test_a_verdict_without_a_number_is_not_unknown():
    assert measured("0", np.nan, "m3/ha") == "" and measured("?", np.nan, "m3/ha") == "onbekend"
