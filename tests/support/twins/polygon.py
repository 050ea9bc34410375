"""Section 7: the row of one polygon and one functie, from its covered cells."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.twins.compensation import room
from tests.support.twins.components import COMPONENTS
from tests.support.twins.functie import plain
from tests.support.twins.klasse import CODE, LETTER, A, B, D, X, class_of
from tests.support.twins.numbers import NAN, NOISE, at_least, below, first_largest, pos, unknown

ASSESSED = 0.60
HALF, TENTH, SOME_NO = 0.50, 0.10, 0.01
HIGH_RISK = 0.60
#: Litres per second of base flow in one m3 per year: 1 / 31,536.
M3_JR_PER_L_S = 31536.0
M3_PER_HA_AND_MM = 10.0


@dataclass(frozen=True)
class Covered:
    """A cell in a polygon: the covered share, and the twins of its score and its burden."""

    cover: float
    score: dict
    burden: dict | None = None
    implausible: bool = False

    @property
    def assessed(self):
        return self.score["klasse"] != X


def weighted_mean(pairs):
    """Mean of (cover, value) over the known values; NaN if there are none."""
    known = [(c, v) for c, v in pairs if not unknown(v)]
    total = sum(c for c, _ in known)
    return sum(c * v for c, v in known) / total if total > 0 else NAN


def weighted_sum(pairs):
    """Sum over the known values; NaN if there are none."""
    known = [c * v for c, v in pairs if not unknown(v)]
    return sum(known) if known else NAN


def quantile(pairs, share):
    """The smallest value such that the cells up to it hold at least the share."""
    known = sorted((v, c) for c, v in pairs if not unknown(v))
    total, reached = sum(c for _, c in known), 0.0
    for v, c in known:
        reached += c
        if at_least(reached / total, share):
            return v
    return NAN


# --- the answer ------------------------------------------------------------------------------------------------------


def worst_covering(areas, share):
    """The worst class that, with the classes worse than it, covers at least this share."""
    total, reached = sum(areas.values()), 0.0
    for code in (5, 4, 3, 2, 1):
        reached += areas.get(code, 0.0) / total
        if at_least(reached, share):
            return code
    return A


def verdict(functie, areas, score):
    """(a) to (e): the class of the mean score and of the areas per class (any unit)."""
    found = [worst_covering(areas, HALF), max(A, worst_covering(areas, TENTH) - 1)]
    if at_least(areas.get(D, 0.0) / sum(areas.values()), SOME_NO):
        found.append(B)
    if functie.get("hoogstens"):
        found.append(CODE[functie["hoogstens"]])
    return max([*found, *([] if unknown(score) else [class_of(score)])])


def areas_of(pairs):
    """Area per class of (cover, class)."""
    return {code: sum(c for c, k in pairs if k == code) for code in CODE.values()}


def end(functie, cells, area, which, outside):
    """Antwoord_min or antwoord_max: all that is unknown or outside the data turned out worst, or best."""
    beyond = max(0.0, area - sum(c.cover for c in cells))
    klasse, score = outside
    areas = areas_of([*((c.cover, c.score[f"klasse_{which}"]) for c in cells), (beyond, klasse)])
    mean = weighted_mean([*((c.cover, c.score[f"score_{which}"]) for c in cells), (beyond, score)])
    return verdict(functie, areas, mean)


def answers(functie, cells, area):
    """Antwoord, antwoord_min and antwoord_max; the area of the polygon in cells."""
    low, high = end(functie, cells, area, "min", (D, 0.0)), end(functie, cells, area, "max", (A, 1.0))
    judged = [c for c in cells if c.assessed]
    if below(sum(c.cover for c in judged) / area, ASSESSED):
        return (low if low == high else X), low, high
    mean = weighted_mean([(c.cover, c.score["geschiktheid"]) for c in judged])
    return verdict(functie, areas_of([(c.cover, c.score["klasse"]) for c in judged]), mean), low, high


# --- the row ---------------------------------------------------------------------------------------------------------


def areas_row(cells, area, cell_ha):
    areas = {code: cell_ha * a for code, a in areas_of([(c.cover, c.score["klasse"]) for c in cells]).items()}
    assessed = sum(areas.values())
    row = {
        "oppervlakte_ha": cell_ha * area,
        "beoordeeld_ha": assessed,
        "onbekend_ha": cell_ha * sum(c.cover for c in cells if not c.assessed),
        "buiten_ha": cell_ha * (area - sum(c.cover for c in cells)),
        "dekking": weighted_mean([(c.cover, c.score["dekking"]) for c in cells]),
    }
    row |= {f"ha_{LETTER[code]}": a for code, a in areas.items()}
    return row | {f"aandeel_{LETTER[code]}": a / assessed if assessed > 0 else NAN for code, a in areas.items()}


def score_row(cells, criteria):
    scored = [c for c in cells if c.assessed and not unknown(c.score["geschiktheid"])]
    scores = [(c.cover, c.score["geschiktheid"]) for c in scored]
    loss = {n: weighted_mean([(c.cover, c.score["verlies"][i]) for c in scored]) for i, n in enumerate(criteria)}
    loss["drempel"] = weighted_mean([(c.cover, c.score["drempel"]) for c in scored])
    some = bool(scored) and max(loss.values()) > NOISE
    return {
        "score": weighted_mean(scores),
        **{f"score_p{p}": quantile(scores, p / 100) for p in (10, 50, 90)},
        **{f"verlies_{n}": v for n, v in loss.items()},
        "bepalend": list(loss)[first_largest(list(loss.values()))] if some else "",
    }


def main_cause(cells):
    """Name of the oorzaak with the largest sum of coverage and risico; empty if there is none."""
    weight = {
        name: sum(c.cover * c.burden["risico"] for c in cells if c.burden["oorzaak"] == number)
        for number, name in enumerate(COMPONENTS, start=1)
    }
    return max(weight, key=weight.get) if max(weight.values()) > 0 else ""


def risk_row(cells):
    """Over the cells with a known risico, assessed or not."""
    known = [c for c in cells if not unknown(c.burden["risico"])]
    return {
        "risico": weighted_mean([(c.cover, c.burden["risico"]) for c in known]),
        "risico_zonder_compensatie": weighted_mean([(c.cover, c.burden["risico_zonder_compensatie"]) for c in cells]),
        "aandeel_risico_hoog": weighted_mean(
            [(c.cover, float(at_least(c.burden["risico"], HIGH_RISK))) for c in known]
        ),
        "oorzaak": main_cause(known),
    }


def quantity_row(cells, cell_ha):
    """Net sums, each over its own known cells."""

    def total(name, factor=1.0):
        return weighted_sum([(c.cover * cell_ha * factor, c.burden[name]) for c in cells])

    recharge = total("aanvullingsverlies", M3_PER_HA_AND_MM)
    return {
        "afvoer_m3": total("afvoer"),
        "verdrongen_berging_m3": total("verdrongen_berging"),
        "aanvullingsverlies_m3_jr": recharge,
        "basisafvoer_l_s": recharge / M3_JR_PER_L_S,
        "co2_t_jr": total("co2"),
        "stijging_m": weighted_mean([(c.cover, pos(-c.burden["grondwaterverlaging"])) for c in cells]),
        "referentie_onaannemelijk_ha": cell_ha * sum(c.cover for c in cells if c.implausible),
    }


def task_row(cells, cell_ha, board):
    """The task of the board: empty where it computes it itself."""
    if any(c.burden["rekent_waterschap"] for c in cells):
        return {"gevraagd_m3": NAN, "gevraagd_aandeel": NAN}
    mm = [(c.cover, c.burden["gevraagd_mm"]) for c in cells]
    return {
        "gevraagd_m3": weighted_sum([(c * cell_ha * M3_PER_HA_AND_MM, a) for c, a in mm]),
        "gevraagd_aandeel": room(weighted_mean(mm), board),
    }


def polygon_row(functie, cells, area, cell_ha, board=None):
    """One row of the table; ``area`` of the polygon in cells, ``cells`` those of it that lie in the data."""
    functie = plain(functie)
    found = answers(functie, cells, area)
    row = dict(zip(("antwoord", "antwoord_min", "antwoord_max"), (LETTER[k] for k in found), strict=True))
    row |= areas_row(cells, area, cell_ha) | score_row(cells, cells[0].score["criteria"] if cells else [])
    if cells and cells[0].burden is not None:
        row |= risk_row(cells) | quantity_row(cells, cell_ha)
        row |= task_row(cells, cell_ha, board)
    return row
