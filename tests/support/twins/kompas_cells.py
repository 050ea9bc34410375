"""Section 8: what the principles look at in one cell."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.twins.burden import burden_cell
from tests.support.twins.components import Case, within_lifetime
from tests.support.twins.drains import fill, raised_share
from tests.support.twins.functie import all_criteria, basic_weight, parameter
from tests.support.twins.indices import could_settle
from tests.support.twins.klasse import CODE, A, B, X, fired, score_cell, with_consequence
from tests.support.twins.layers import in_scenario, layer, meets, with_gvg
from tests.support.twins.numbers import NAN, NOISE, at_least, below, known_or, largest, pos, smallest, unknown
from tests.support.twins.reference import Reference, is_present_use
from tests.support.twins.rewetting import rewetted
from tests.support.twins.score import HEAVY, layer_score

GOOD_ENOUGH = (1, 2, 3)
RELIEF = ("verdrongen_berging", "grondwaterverlaging", "kwelafvoer", "veenoxidatie")
EXTREMES = ("wateroverlast", "droogte", "inundatie")
VULNERABLE = ("beekdal", "grondwaterbescherming", "natuur")


@dataclass(frozen=True)
class PlanCell:
    """A covered cell: its values, its reference, its scenarios by name, and what section 5 asks besides (board ...)."""

    cover: float
    values: dict
    reference: Reference
    scenarios: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)


def facts_of(functie, cell, natte_natuur):
    """Every measure of one cell; NaN where it is unknown."""
    scenarios = tuple(cell.scenarios.values())
    score = score_cell(functie, cell.values)
    r = cell.reference.functie
    burden = burden_cell(functie, r, cell.values, scenarios=scenarios, **cell.settings)
    counted = {**burden, **relief_that_counts(functie, r, score["klasse"], burden)}
    case = Case(functie, r or functie, cell.values, scenarios=scenarios)
    return {
        "zelf": NAN if r is None else float(is_present_use(functie, r)),
        "dekking": score["dekking"],
        "h0": burden["grondwaterverlaging"],
        "stijging": pos(-burden["grondwaterverlaging"]),
        "risico": burden["risico"],
        "zeer_hoog": NAN if unknown(burden["risico"]) else float(at_least(burden["risico"], 0.80)),
        **{name: counted[name] for name in RELIEF[1:]},
        "water": counted["afvoer"] + counted["verdrongen_berging"],
        "grondwater": counted["aanvullingsverlies"] + pos(counted["kwelafvoer"]),
        **extremes(functie, cell),
        "vastlegging": fixation(functie, case, score, burden),
        "scenarios_binnen_levensduur": bool(within_lifetime(case)),
        "kans": chance(natte_natuur, cell.values),
        "bodemlast": NAN if r is None else soil_burden(case, burden),
        "verharding": NAN if r is None else case.more("verhardingsgraad"),
        "uitspoeling_nu": NAN if r is None else parameter(r, "uitspoeling"),
        "beschermd": reached(cell.values, "grondwaterbescherming", 1),
        "drempel_kwetsbaar": share_fired(functie, cell.values, VULNERABLE, "nee_tenzij", "uitsluiten"),
        "drempel_bescherming": share_fired(functie, cell.values, VULNERABLE[1:2], "nee_tenzij", "uitsluiten"),
        "drempel_water": share_fired(functie, cell.values, ("wateroverlast", "inundatie"), "nee_tenzij"),
    }


def reached(values, name, border):
    v = layer(values, name)
    return NAN if unknown(v) else float(meets(v, ">=", border))


def relief_that_counts(functie, reference, klasse, burden):
    """Storage and rewetting relieve nobody in a cell where the functie does not fit."""
    if reference is None or klasse in GOOD_ENOUGH:
        return {}
    wets = parameter(functie, "streefpeil_m") is not None
    stores = parameter(functie, "berging_m") - parameter(reference, "berging_m") > NOISE
    return {n: max(0.0, burden[n]) for n in RELIEF if burden[n] < 0} if wets or stores else {}


def share_fired(functie, values, layers, *consequences):
    """1 where such a threshold on one of the layers fires; unknown where none does and all these layers are."""
    watched = {t["laag"] for t in functie.get("drempels") or () if t["laag"] in layers and t["gevolg"] in consequences}
    state = rewetted(functie, with_gvg(values))
    hits = with_consequence(functie, fired(functie, state), *consequences)
    if any(t["laag"] in layers for t in hits):
        return 1.0
    return NAN if watched and all(unknown(layer(values, name)) for name in watched) else 0.0


# --- 3 and 4 ---------------------------------------------------------------------------------------------------------


def extreme_layers(functie, layers):
    """The layers of which extremes count: heavy, and their curve falls."""
    taking = {**functie["criteria"], **{n: c for n, c in all_criteria(functie).items() if n in layers}}
    heavy = [n for n in EXTREMES if n in taking and at_least(taking[n]["gewicht"] / basic_weight(functie), HEAVY)]
    return [n for n in heavy if scores_of(taking[n])[-1] < scores_of(taking[n])[0]]


def scores_of(criterion):
    return [s for _, s in points_of(criterion)]


def points_of(criterion):
    return criterion.get("punten") or sorted(criterion["klassen"].items())


def falling_score(criterion, v):
    """Score on a curve of which the part left of the top counts as the top."""
    top = max(scores_of(criterion))
    at = next(x for x, s in points_of(criterion) if s == top)
    return top if v < at else layer_score(criterion, v)


def extremes(functie, cell):
    """Lowest score on the layers that count, today and in every scenario."""
    names = extreme_layers(functie, cell.values)

    def low(values):
        found = [falling_score(all_criteria(functie)[n], layer(values, n)) for n in names]
        return smallest(*found) if found else NAN

    later = {f"extremen@{s}": low(in_scenario(cell.values, v.instead)) for s, v in cell.scenarios.items()}
    return {"extremen": low(cell.values), "extreme_lagen": names, **later}


def fixation(functie, case, score, burden):
    """What stays: x of principle 4."""
    later = [score_cell(functie, in_scenario(case.values, s.instead))["geschiktheid"] for s in within_lifetime(case)]
    lowest = min((s for s in later if not unknown(s)), default=score["geschiktheid"])
    years = min(1.0, parameter(functie, "levensduur_jr") / 50)
    return largest(burden["tijd"], (1 - parameter(functie, "omkeerbaarheid")) * years * (1 - lowest))


# --- 5 and 6 ---------------------------------------------------------------------------------------------------------

#: Any row; a row holds where all of it does.
CHANCES = (
    (("beekdal", "==", 1),),
    (("kwel", ">=", 0.5),),
    (("veendikte", ">=", 0.8),),
    (("veendikte", ">=", 0.4), ("kwel", ">=", 0)),
    (("keileemdiepte", "<", 0.8), ("ghg", "<", 0.4)),
)


def chance(natte_natuur, values):
    """Whether recovery has a chance here: wet nature fits, and the place invites it."""
    klasse = score_cell(natte_natuur, values)["klasse"]
    if klasse == X or capped_by_missing(natte_natuur, values, klasse):
        return NAN
    if klasse not in (A, B):
        return 0.0
    if any(all(meets(layer(values, name), op, v) for name, op, v in row) for row in CHANCES):
        return 1.0
    return NAN if any(unknown(layer(values, name)) for row in CHANCES for name, _, _ in row) else 0.0


def capped_by_missing(functie, values, klasse):
    """Whether ``zonder`` alone keeps the class from being better."""
    free = score_cell({**functie, "zonder": {}}, values)["klasse"]
    return free < klasse and klasse in CODE.values()


def soil_burden(case, burden):
    """B of principle 6; unknown terms are left out."""
    filled = raised_share(case.f) * fill(case.f) - raised_share(case.r) * fill(case.r)
    settled, peat = burden["zetting"], burden["veenoxidatie"]
    b = max(
        case.more("verhardingsgraad"),
        max(0.0, filled) / 1.5,
        max(0.0, known_or(settled, 0.0)) / 0.30,
        max(0.0, known_or(peat, 0.0)) / 6,
    )
    return NAN if unknown(settled) and could_settle(case) and below(b, 0.60) else b
