"""Section 5: afwenteling of one cell, with and without compensation."""

from __future__ import annotations

from dataclasses import replace

from tests.support.twins.compensation import PlanSize, asked_mm, board_computes, built_mm, plan_of, told_without
from tests.support.twins.components import CO2_PER_MM, COMPONENTS, Case, components, stijging
from tests.support.twins.functie import plain
from tests.support.twins.indices import indices, oorzaak, risico, shares
from tests.support.twins.numbers import NAN
from tests.support.twins.reference import is_present_use

INDICES = ("ruimte", "tijd", "geld", "risico")


def all_equal(value):
    """Every number of a cell the same: NaN where the reference is unknown, 0 where the plan is the present use."""
    beside = ("stijging", "co2", "risico_zonder_compensatie", "gevraagd_mm", "aangelegd_mm")
    numbers = dict.fromkeys((*COMPONENTS, *INDICES, *beside), value)
    return {
        **numbers,
        "oorzaak": 0,
        "aandelen": dict.fromkeys(COMPONENTS, 0.0),
        "zonder_compensatie": False,
        "rekent_waterschap": False,
    }


def risk_of(case):
    found = components(case)
    return risico(indices(case, found))


def burden_of(case):
    """Components, indices, risico and oorzaak of one case."""
    found = components(case)
    three, share = indices(case, found), shares(case, found)
    value = risico(three)
    return {
        **found,
        **three,
        "risico": value,
        "oorzaak": oorzaak(share, value),
        "aandelen": share,
        "stijging": stijging(case),
        "co2": CO2_PER_MM * found["veenoxidatie"],
        "risico_zonder_compensatie": risk_of(replace(case, built=0.0)),
        "gevraagd_mm": case.asked,
        "aangelegd_mm": case.built,
        "zonder_compensatie": told_without(case.built, found["afvoer"]),
    }


def burden_cell(
    functie, reference, values, *, parameters=None, board=None, plan=None, given_mm=None, storm_mm=None, scenarios=()
):
    """Everything of section 5 of one cell; reference None = unknown.

    ``parameters`` are the caller's, ``board`` an entry of normen, ``plan`` the size of the whole plan (none: a grid),
    ``given_mm`` the built storage and ``storm_mm`` the bergingseis that replaces that of the functies.
    """
    if reference is None:
        return all_equal(NAN)
    functie, reference = plain(functie), plain(reference)
    if is_present_use(functie, reference, parameters):
        return all_equal(0.0)
    f = plan_of(functie, parameters, board)
    asked = asked_mm(f, reference, board, plan)
    case = Case(f, reference, values, built_mm(f, asked, given_mm), asked, storm_mm, tuple(scenarios))
    return {**burden_of(case), "rekent_waterschap": board_computes(board, plan or PlanSize())}
