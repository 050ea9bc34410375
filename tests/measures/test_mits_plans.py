"""Packages of measures on random plans, against the twin: every row, what is offered, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

import waterbodem as wb
from tests.support.design import boards, functies, measure_head, measures
from tests.support.grids import box, layers
from tests.support.twins.klasse import LETTER
from tests.support.twins.maatregel_cel import Asked
from tests.support.twins.maatregel_keuze import Choice, plan_of_cells
from tests.support.worked_measures import PLACES, unlike

STEP = 50.0
ROWS, COLUMNS = 3, 4
#: A plan that covers whole, half and quarter cells; of the wider one a part lies outside the data.
PLANS = {"inside": (0.5, 0.5, 3.0, 2.0), "wider": (-1.0, 0.0, 2.5, 2.5)}
NAMES = sorted(functies())
OPTIONAL = ("ghg", "gvg", "glg", "veendikte", "beekdal", "grondwaterbescherming", "natuur", "inundatie", "water")


def noisy(rng, values):
    """A cell like another, some of it unknown."""
    found = {n: v * rng.uniform(0.85, 1.15) if n not in ("beekdal", "grondwaterbescherming", "natuur", "water") else v
             for n, v in values.items()}  # fmt: skip
    return {n: float(np.float32(np.nan if rng.random() < 0.04 else v)) for n, v in found.items()}


def random_cells(rng):
    """Cells of a few kinds, all with the same layers, of which some are not in the data."""
    kinds = rng.choice(len(PLACES), 2, replace=False)
    rest = {"beekdal": 0.0, "grondwaterbescherming": 0.0, "natuur": 0.0, "water": 0.0, "inundatie": 0.02}
    kept = {n for n in OPTIONAL if rng.random() < 0.75}
    cells = [noisy(rng, {**rest, **PLACES[rng.choice(kinds)]}) for _ in range(ROWS * COLUMNS)]
    return [{n: v for n, v in c.items() if n not in OPTIONAL or n in kept} for c in cells]


def covers(plan):
    """Coverage of every cell, and the area of the plan, in cells."""
    x0, y0, x1, y1 = PLANS[plan]

    def overlap(low, high, i):
        return max(0.0, min(high, i + 1) - max(low, i))

    cells = [overlap(x0, x1, i) * overlap(y0, y1, j) for j in range(ROWS) for i in range(COLUMNS)]
    return cells, (x1 - x0) * (y1 - y0)


def question(seed):
    """A functie on a random plan, with or without a board, values of one's own, storage and a use of its own."""
    rng = np.random.default_rng(seed)
    cells, name = random_cells(rng), str(rng.choice(NAMES))
    own = [{}, {}, {}, {"ophoging_m": 0.8}, {"ontwatering_m": 0.9, "verhardingsgraad": 0.3}][rng.integers(5)]
    board = str(rng.choice(["", "", "hunze_en_aas", "noorderzijlvest", "vechtstromen"]))
    reference = str(rng.choice(["grasland_veeteelt", "akkerbouw", "natte_natuur", name, "gebruik"]))
    if reference == "gebruik":
        cells = [{**c, "gebruik": float(rng.choice([6, 7, 9, functies()[name]["code"], np.nan]))} for c in cells]
    given = 12.0 if rng.random() < 0.25 else None
    return {"cells": cells, "functie": name, "own": own, "board": board, "reference": reference, "given": given,
            "plan": str(rng.choice(list(PLANS))), "free_by_risk": bool(rng.random() < 0.2)}  # fmt: skip


def twin_of(q, together):
    cover, area = covers(q["plan"])
    pairs = [(c, values) for c, values in zip(cover, q["cells"], strict=True) if c > 0]
    asked = Asked(functies()[q["functie"]], measure_head(), q["own"], q["board"], boards(), q["given"],
                  q["free_by_risk"])  # fmt: skip
    plan = plan_of_cells(pairs, area, STEP**2 / 1e4, functies().get(q["reference"]), functies())
    return Choice(asked, plan, measures(), functies(), together=together)


def library_of(q, together):
    grid = {n: np.array([c[n] for c in q["cells"]]).reshape(ROWS, COLUMNS) for n in q["cells"][0]}
    functie = wb.functies()[q["functie"]]
    return wb.mits(
        layers(grid, STEP), functie.replace(**q["own"]) if q["own"] else functie, box(*PLANS[q["plan"]], STEP),
        samen=together, referentie=None if q["reference"] == "gebruik" else q["reference"],
        vrij="risico" if q["free_by_risk"] else None, waterschap=q["board"] or None, aangelegde_berging_mm=q["given"],
    )  # fmt: skip


def letter(code):
    return "" if code is None else LETTER[code]


def twin_row(choice, package):
    """A row by the names of the table."""
    row, now = choice.search.row(package), choice.now
    low, high = row.investering or (None, None)
    return {
        "antwoord": letter(now.antwoord),
        "antwoord_na": letter(row.antwoord),
        "score": now.score,
        "score_na": row.score,
        "risico": now.risico,
        "risico_na": row.risico,
        "risico_zonder_compensatie_na": row.zonder,
        "grootste_aandeel": now.grootste_aandeel,
        "grootste_aandeel_na": row.grootste_aandeel,
        "gevraagd_mm": row.gevraagd_mm,
        "klasse_tenzij": letter(row.tenzij),
        "ruimte": row.ruimte,
        "taak_aandeel": row.taak_aandeel,
        "investering_laag": low,
        "investering_hoog": high,
        "maanden_laag": row.maanden[0],
        "maanden_hoog": row.maanden[1],
        "begrenst": now.begrenst,
    }


def swap_row(row):
    return {"antwoord_na": letter(row.antwoord), "score_na": row.score, "risico_na": row.risico}


def offered(table):
    """Rows of packages that are offered, by their measures."""
    rows = table[table.reden == ""].to_dict("records")
    return {tuple(filter(None, row["maatregelen"].split("+"))): row for row in rows}


@pytest.mark.parametrize("seed", range(16))
def test_every_package_on_a_random_plan_is_that_of_the_twin(seed):
    q = question(seed)
    choice, found = twin_of(q, 2), library_of(q, 2)
    rows = offered(found.table)
    plain = {p for p in rows if not any("functie" in measures()[i] for i in p)} - {(), ("standaardontwerp",)}
    want = set(choice.search.packages(2)) - {("standaardontwerp",)} if choice.now.antwoord else set()
    assert plain == want
    for package in [(), *sorted(want)]:
        assert (package, unlike(rows[package], twin_row(choice, package))) == (package, [])
    for (id_,) in (p for p in rows if len(p) == 1 and "functie" in measures()[p[0]]):
        assert unlike(rows[(id_,)], swap_row(choice.swapped(id_))) == []
    assert found.past_wel() == choice.fits_text()
    doubtful = {i for i, o in choice.search.offers.items() if o.kan == "onbekend" and measures()[i]["aan"]}
    assert set(found.onbekend.maatregel) == (doubtful if choice.now.antwoord else set(found.onbekend.maatregel))


@pytest.mark.parametrize("seed", range(100, 105))
def test_what_is_shown_and_said_of_a_random_plan_is_that_of_the_twin(seed):
    q = question(seed)
    choice, found = twin_of(q, 3), library_of(q, 3)
    rows = found.table[found.table.getoond.notna()].sort_values("getoond").to_dict("records")
    assert [row["maatregelen"] for row in rows] == ["+".join(p) for p in choice.shown()]
    for row, package in zip(rows, choice.shown(), strict=True):
        assert row["zin"] == choice.sentence(package)
        assert row["twijfel"] == ", ".join(choice.twijfel(package))
        assert (row["antwoord_laag_na"], row["antwoord_hoog_na"]) == choice.range_of(package)
        assert (row["plek"], row["buren"]) == tuple("+".join(half) for half in choice.halves(package))
    assert found.zin() == choice.headline()


@pytest.mark.parametrize("id_", [m for m in measures() if measures()[m]["aan"]])
def test_every_measure_is_in_every_place_that_of_the_twin(id_):
    m = measures()[id_]
    names = list(dict.fromkeys(n for place in PLACES for n in place))
    places = [{n: place.get(n, np.nan) for n in names} for place in PLACES]
    grid = layers({n: np.array([[p[n] for p in places]] * 2) for n in names}, STEP)
    plans = [box(i, 0, i + 1, 1, STEP) for i in range(len(places))]
    known = ["woningbouw", "natte_natuur"] if m["functies"] == "alle" else m["functies"]
    found = wb.mits(grid, known, plans, [id_], samen=1, referentie="grasland_veeteelt")
    acted = 0
    for (place, functie), table in found.table.groupby(["gebied", "functie"]):
        choice = alone(functie, places[int(place) - 1], m)
        rows = offered(table)
        swapped = m.get("functie", {}).get(functie)
        can = choice.search.offers[id_].offered and choice.now.antwoord != 0
        assert ((id_,) in rows) == (can or id_ == "standaardontwerp")
        if (id_,) in rows and not swapped:
            assert unlike(rows[(id_,)], twin_row(choice, (id_,))) == []
        if (id_,) in rows and swapped:
            assert unlike(rows[(id_,)], swap_row(choice.swapped(id_))) == []
        acted += (id_,) in rows
    assert acted or m.get("gebied_zonder")


def alone(functie, values, m):
    """The twin of one measure in one cell."""
    asked = Asked(functies()[functie], measure_head(), {}, "", boards())
    plan = plan_of_cells([(1.0, values)], 1.0, STEP**2 / 1e4, functies()["grasland_veeteelt"], functies())
    return Choice(asked, plan, {m["id"]: m}, functies())
