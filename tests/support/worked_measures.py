"""Worked cases of measures: their cells, and what differs between a row and what a case says."""

from __future__ import annotations

import math

from tests.support.design import boards, functies, measure_head, measures
from tests.support.twins.components import COMPONENTS
from tests.support.twins.klasse import LETTER, NONE
from tests.support.twins.maatregel_cel import Asked
from tests.support.twins.maatregel_keuze import Choice, plan_of_cells
from tests.support.worked import number, read

CASES = read("maatregelen")
ONE_BY_ONE = ("gevallen", "pakketten", "waterschap", "tenzij")
CELL_HA = 0.0625
UNITS = {
    "afvoer": "m3_ha", "verdrongen_berging": "m3_ha", "grondwaterverlaging": "m", "kwelafvoer": "mm_jr",
    "aanvullingsverlies": "mm_jr", "watervraag": "mm_jr", "zetting": "m", "veenoxidatie": "mm_jr",
    "kosten": "eur_ha_jr",
}  # fmt: skip


def layers_of(cel, instead=()):
    """Values of a named cell, with others in their place."""
    found = {**CASES["cellen"][cel], **dict(instead)}
    return {name: number(v) for name, v in found.items() if v != "weg"}


#: Cells that satisfy one measure or another: the worked ones, and open water, a deep puddle, wet peat, a dry ridge.
PLACES = [
    *(layers_of(cel) for cel in CASES["cellen"]),
    {**layers_of("veen"), "water": 1.0, "wateroverlast": 0.7},
    {**layers_of("veen"), "water": 0.0, "wateroverlast": 0.7},
    {**layers_of("flank"), "wateroverlast": 0.35, "kwel": 0.05, "zettingsgevoeligheid": 0.04, "ghg": 0.45},
    {**layers_of("veen"), "ghg": 0.45, "droogte": 12.0},
    {**layers_of("keileem"), "zettingsgevoeligheid": 0.15, "grondwaterbescherming": 0.0},
    {**layers_of("stadsrand"), "wateroverlast": 0.05},
    {**layers_of("keileem"), "ghg": 0.45, "wateroverlast": 0.12},
    {**layers_of("zand"), "ghg": 0.9, "droogte": 24.0},
]


def values_of(case):
    return layers_of(case["cel"], case.get("lagen_anders", {}))


def values_of_plan(text):
    """Values of a cell of a plan, such as ``flank, wateroverlast 0,60``."""
    cel, _, other = text.partition(", ")
    name, _, v = other.partition(" ")
    values = layers_of(cel, {name: float(v.replace(",", "."))} if other else {})
    return {n: v for n, v in values.items() if n not in ("beekdal", "grondwaterbescherming")}


def asked_of(case):
    return Asked(functies()[case["functie"]], measure_head(), {}, case.get("waterschap", ""), boards())


def choice_of(case):
    """The twin's choice for a case: one whole cell, or the cells of a plan."""
    cells = [values_of_plan(text) for text in case["cellen"]] if "cellen" in case else [values_of(case)]
    pairs = [(1.0, values) for values in cells]
    given = functies()[case["referentie"]] if "referentie" in case else None
    plan = plan_of_cells(pairs, float(len(cells)), CELL_HA, given, functies(), sized=False)
    return Choice(asked_of(case), plan, measures(), functies())


def tolerance(name):
    return 1e-2 if any(unit in name for unit in ("m3", "mm", "eur")) else 1e-4


def near(got, want, name):
    got, want = (math.nan if x is None else float(x) for x in (got, want))
    if math.isnan(want) or math.isinf(want):
        return math.isnan(got) == math.isnan(want) and (math.isnan(want) or got == want)
    return abs(got - want) <= max(tolerance(name), 1e-4 * abs(want))


def unlike(got, want):
    """What of the expected numbers, texts and lists is otherwise; what is not got is otherwise too."""
    return [(name, got.get(name), x) for name, x in want.items() if not alike(got.get(name), x, name)]


def alike(got, want, name):
    if (want is not None and not isinstance(want, (int, float))) or isinstance(want, bool):
        return got == want
    if isinstance(got, str) or want is None:
        return got is None or (isinstance(got, float) and math.isnan(got))
    return near(got, want, name)


def cell_of(row):
    """What a case tells of a plan of one cell, by the names of the case."""
    (answer,) = row.cells
    score, burden = answer.score, answer.burden
    decides = score["bepalend"]
    return {
        "score": score["geschiktheid"],
        "klasse": LETTER[score["klasse"]],
        "bepalend": None if decides == NONE else score["criteria"][decides],
        "begrenst": answer.begrenst or None,
        "drempels": list(answer.thresholds),
        "klasse_tenzij": None if row.tenzij is None else LETTER[row.tenzij],
        **{f"{name}_{unit}": burden[name] for name, unit in UNITS.items()},
        **{name: burden[name] for name in ("achteruitgang", "ruimte", "tijd", "geld", "risico")},
        **{name: burden[name] for name in ("risico_zonder_compensatie", "gevraagd_mm", "grootste_aandeel")},
        "taak_aandeel": row.taak_aandeel,
        "aangelegde_berging_mm": burden["aangelegd_mm"],
        "oorzaak": ("geen", *COMPONENTS)[burden["oorzaak"]],
    }
