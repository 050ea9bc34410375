"""Worked cases of measures through the public door: single ones, packages, where they may be taken, what is said."""

from __future__ import annotations

import math

import numpy as np
import pytest

import waterbodem as wb
from tests.support.grids import box, layers
from tests.support.worked_measures import CASES, ONE_BY_ONE, unlike, values_of, values_of_plan

#: A cell as large as a plan of which errors keep their whole size, and to which the norms of the boards still apply.
STEP = 250.0
MEASURES = wb.maatregelen()


def name_of(case):
    return "-".join([*case.get("nr", ()), case["functie"], case.get("cel", "plan"), case.get("waterschap", "")])


def each(*keys):
    return pytest.mark.parametrize("case", [c for key in keys for c in CASES[key]], ids=name_of)


def asked(case, maatregelen, step=STEP, **settings):
    """The packages for a case: its cells on a row, the plan covers them."""
    cells = [values_of_plan(text) for text in case["cellen"]] if "cellen" in case else [values_of(case)]
    data = layers({n: np.array([[c[n] for c in cells]] * 2) for n in cells[0]}, step)
    settings |= {"waterschap": case["waterschap"]} if "waterschap" in case else {}
    plan = box(0, 0, len(cells), 1, step)
    return wb.mits(data, case["functie"], plan, maatregelen, referentie=case.get("referentie"), **settings)


def switched_on(ids):
    return [MEASURES[i].model_copy(update={"aan": True}) for i in ids]


def row_of(found, ids):
    (row,) = found.table[found.table.maatregelen == "+".join(ids)].to_dict("records")
    return row


def water(numbers):
    known = [numbers[f"{n}_m3_ha"] for n in ("afvoer", "verdrongen_berging")]
    known = [x for x in known if x is not None]
    return sum(known) if known else None


def told(numbers, end=""):
    """What a row should hold of the numbers of a case, as it is or after."""
    want = {
        f"score{end}": numbers["score"],
        f"antwoord{end}": numbers["klasse"],
        f"risico{end}": numbers["risico"],
        f"grootste_aandeel{end}": numbers["grootste_aandeel"],
        f"water_m3_ha{end}": water(numbers),
    }
    if not end:
        return {**want, "begrenst": numbers["begrenst"] or ""}
    also = {n: numbers[n] for n in ("gevraagd_mm", "taak_aandeel", "aangelegde_berging_mm") if n in numbers}
    if "risico_zonder_compensatie" in numbers:
        also["risico_zonder_compensatie_na"] = numbers["risico_zonder_compensatie"]
    return {**want, **also, "klasse_tenzij": numbers.get("klasse_tenzij", "")}


@each(*ONE_BY_ONE)
def test_a_worked_case_before_and_after(case):
    row = row_of(asked(case, switched_on(case["maatregelen"])), case["maatregelen"])
    assert unlike(row, told(case["voor"])) == []
    assert unlike(row, told(case["na"], "_na")) == []
    costs = case["investering_eur_ha"] or [None, None]
    spans = {"investering_laag": costs[0], "investering_hoog": costs[1]}
    spans |= {"maanden_laag": case["maanden"][0], "maanden_hoog": case["maanden"][1], "ruimte": case.get("ruimte", 0)}
    assert unlike(row, spans) == []


@each("niet_toepasbaar", "onbekend", "waar_bekend")
def test_where_a_measure_may_be_taken(case):
    (id_,) = case["maatregelen"]
    found = asked(case, switched_on([id_]))
    rows = found.table[found.table.maatregelen == id_]
    offered = bool(len(rows)) and isinstance(rows.antwoord_na.iloc[0], str) and rows.antwoord_na.iloc[0] != ""
    assert offered == (case["kan"] == "ja")
    doubtful = found.onbekend.set_index("maatregel").laag.to_dict() if len(found.onbekend) else {}
    assert doubtful == ({id_: case["door"]} if case["kan"] == "onbekend" else {})
    if case["kan"] == "nee" and case["door"] != "functie":
        assert case["door"].removesuffix(".0").replace(".", ",") in rows.reden.iloc[0]
    for layer in case.get("niet_getoetst", ()):
        assert f"{layer} niet getoetst" in rows.ook_nodig.iloc[0]


@each("geweigerd")
def test_what_contradicts_itself_is_no_row(case):
    found = asked(case, switched_on(case["maatregelen"]))
    assert "+".join(case["maatregelen"]) not in found.table[found.table.antwoord_na != ""].maatregelen.tolist()


@each("ruimte")
def test_a_package_over_its_room_is_no_row(case):
    order = list(MEASURES)
    ids = sorted(case["maatregelen"], key=order.index)
    found = asked(case, switched_on(ids))
    rows = found.table[(found.table.maatregelen == "+".join(ids)) & (found.table.antwoord_na != "")]
    assert len(rows) == (not case["geweigerd"])
    if not case["geweigerd"]:
        assert unlike(rows.iloc[0].to_dict(), {"ruimte": case["ruimte"]}) == []


@each("plan")
def test_a_worked_plan(case):
    ids = case["maatregelen"]
    found = asked(case, ids, step=25.0)
    before = row_of(found, [])
    numbers = ("score", "antwoord", "risico", "grootste_aandeel")
    assert unlike(before, {n: v for n, v in case["voor"].items() if n in numbers}) == []
    rows = found.table[(found.table.maatregelen == ids[0]) & found.table.reden.isin(["", None])]
    assert len(rows) == case.get("aangeboden", True)
    if len(rows):
        after = rows.iloc[0].to_dict()
        assert unlike(after, {f"{n}_na": v for n, v in case["na"].items() if n in numbers}) == []
        ha, cubic = case["na"]["oppervlakte_ha"], case["na"]["afvoer_m3"] + case["na"]["verdrongen_berging_m3"]
        assert unlike(after, {"water_m3_ha_na": cubic / ha}) == []
        costs = case.get("investering_eur_ha", [0, 0])
        assert unlike(after, {"investering_laag": costs[0], "investering_hoog": costs[1]}) == []


def shown(found):
    return found.table[found.table.getoond.notna()].sort_values("getoond")


def shown_row(row):
    return {
        **row,
        **{n: row[f"{n}_na"] for n in ("score", "risico", "grootste_aandeel")},
        "klasse": row["antwoord_na"],
        "maatregelen": row["maatregelen"].split("+"),
        "investering_eur_ha": [row["investering_laag"], row["investering_hoog"]],
        "ruimte_pct": math.floor(100 * row["ruimte"] + 0.5 + 1e-4),
        "plek": [m for m in row["plek"].split("+") if m],
        "buren": [m for m in row["buren"].split("+") if m],
        "twijfel": [g for g in row["twijfel"].split(", ") if g],
    }


@each("keuze")
def test_what_is_shown_and_said(case):
    found = asked(case, None)
    rows = [shown_row(row) for row in shown(found).to_dict("records")]
    assert [row["maatregelen"] for row in rows] == [g["maatregelen"] for g in case["getoond"]]
    for row, want in zip(rows, case["getoond"], strict=True):
        want = {"zonder_grond": False, **{n: v for n, v in want.items() if n not in ("oorzaak", "risicoklasse")}}
        assert unlike(row, want) == []
    assert (found.zin(), found.past_wel()) == (case["kop"], case["past_wel"])
