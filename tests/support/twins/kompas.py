"""Section 8: the six symbols of one plan, each line by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.support.twins.functie import parameter, plain
from tests.support.twins.groundwater import NOTICED_M, effects, plan_cells
from tests.support.twins.kompas_cells import PlanCell, facts_of
from tests.support.twins.layers import layer
from tests.support.twins.numbers import COARSE_NOISE, NAN, at_least, at_most, below, unknown
from tests.support.twins.polygon import weighted_mean

STEPS = ("--", "-", "0", "+", "++")
KNOWN, DEKKING = 0.60, 0.20
ITSELF = 0.90
FIRES = 0.10
BUILT_OR_ARABLE = (1, 2, 3, 6, 13, 14)


@dataclass(frozen=True)
class Judged:
    """A plan of which the Kompas is asked: its covered cells, its area in cells, and the data around it.

    ``cells`` maps (row, column) to its cell; ``around`` maps the other cells of the data to their values.
    """

    functie: dict
    cells: dict[tuple[int, int], PlanCell]
    area: float
    natte_natuur: dict
    around: dict = field(default_factory=dict)
    cell_m: float = 25.0
    lambda_m: float | None = None


def worst(*symbols):
    return min(symbols, key=STEPS.index)


def ladder(x, borders, symbols, noise=None):
    """The symbol of the first border that x is below, else the last symbol."""
    margin = {} if noise is None else {"noise": noise}
    return next((s for b, s in zip(borders, symbols, strict=False) if below(x, b, **margin)), symbols[-1])


class Means:
    """Coverage-weighted means over the known cells of a plan, or over those of them with another use."""

    def __init__(self, plan):
        functie, natte_natuur = plain(plan.functie), plain(plan.natte_natuur)
        self.plan = replace(plan, functie=functie)
        self.facts = {at: facts_of(functie, cell, natte_natuur) for at, cell in plan.cells.items()}

    def pairs(self, name):
        return [(cell.cover, self.facts[at][name]) for at, cell in self.plan.cells.items()]

    def over_plan(self, name):
        return weighted_mean(self.pairs(name))

    def over_others(self, name):
        cells = self.plan.cells.items()
        return weighted_mean([(c.cover, self.facts[at][name]) for at, c in cells if self.facts[at]["zelf"] == 0])

    def known(self, name):
        return at_least(sum(c for c, v in self.pairs(name) if not unknown(v)) / self.plan.area, KNOWN)

    @property
    def itself(self):
        """Share of the area with a known reference where the functie is what lies there."""
        return self.over_plan("zelf")


def judgement_on_use(means, needed, symbol):
    """Principles 1, 2, 5 and 6: a judgement against the present use."""
    if any(cell.reference.assumed for cell in means.plan.cells.values()):
        return "?"
    if not all(means.known(name) for name in needed):
        return "?"
    if at_least(means.itself, ITSELF):
        return "0"
    return "?" if any(unknown(means.over_others(name)) for name in needed) else symbol(means)


# --- 1 ---------------------------------------------------------------------------------------------------------------


def niet_afwentelen(means):
    symbol = ladder(means.over_others("risico"), (0.20, 0.40, 0.60), ("+", "0", "-", "--"))
    if at_least(means.over_others("zeer_hoog"), 0.20):
        symbol = "--"
    if symbol == "+" and relieves(means):
        symbol = "++"
    return worst(symbol, *neighbours_cap(means.plan, means), *burdens_cap(means))


def relieves(means):
    kwel, peat = means.over_others("kwelafvoer"), means.over_others("veenoxidatie")
    return at_most(kwel, -50, COARSE_NOISE) or at_most(peat, -3, COARSE_NOISE)


def burdens_cap(means):
    """At best 0 where a threshold on valley, drinking water or nature fires, or with an abstraction."""
    fires = at_least(means.over_others("drempel_kwetsbaar"), FIRES)
    return ("0",) if fires or abstracts(means.plan) else ()


def abstracts(plan):
    f = parameter(plan.functie, "onttrekking")
    others = [c.reference.functie for c in plan.cells.values() if c.reference.functie is not None]
    return any(f > parameter(r, "onttrekking") for r in others)


def rising_neighbours(plan, means):
    """Present use (a code) of every cell outside the plan that rises by 0.05 m or more."""
    own = plan_cells({at: c.cover for at, c in plan.cells.items()})
    values = {**plan.around, **{at: c.values for at, c in plan.cells.items()}}
    outside = {at: v for at, v in values.items() if at not in own}
    h0 = {at: means.facts[at]["h0"] for at in own}
    found = effects(h0, outside, plan.cell_m, plan.lambda_m)
    return [layer(outside[at], "gebruik") for at, h in found.items() if at_least(-h, NOTICED_M)]


def neighbours_cap(plan, means):
    """What wetting the neighbours leaves of the symbol."""
    codes = rising_neighbours(plan, means)
    if any(code in BUILT_OR_ARABLE for code in codes):
        return ("0",)
    in_data = any("gebruik" in c.values for c in plan.cells.values())
    unseen = not in_data or any(unknown(code) for code in codes)
    return ("+",) if unseen and at_least(means.over_plan("stijging"), 0.10) else ()


# --- 2 ---------------------------------------------------------------------------------------------------------------


def water_symbol(n):
    if at_most(n, -400, COARSE_NOISE):
        return "++"
    return "+" if at_most(n, -100, COARSE_NOISE) else ladder(n, (100, 400), ("0", "-", "--"), COARSE_NOISE)


def ground_symbol(g):
    return "+" if at_most(g, -50, COARSE_NOISE) else ladder(g, (60, 150), ("0", "-", "--"), COARSE_NOISE)


def vertragen(means):
    if abstracts(means.plan):
        return "?"
    first, second = water_symbol(means.over_others("water")), ground_symbol(means.over_others("grondwater"))
    if "0" in (first, second):
        return second if first == "0" else first
    return worst(first, second)


# --- 3 ---------------------------------------------------------------------------------------------------------------


def lowest_extremes(means):
    """Name of the mean that is lowest, over the present and every scenario."""
    names = ["extremen", *(f"extremen@{s}" for s in counted_scenarios(means.plan))]
    known = [n for n in names if not unknown(means.over_plan(n))]
    return min(known, key=means.over_plan, default="extremen")


def counted_scenarios(plan):
    """Every scenario of the plan that is no stress test."""
    return sorted({s for c in plan.cells.values() for s, v in c.scenarios.items() if not v.stresstest})


def has_variants(means):
    """Whether scenarios that look far enough have another value than today of every layer that counts."""
    plan = means.plan
    until = 2050 if at_most(parameter(plan.functie, "levensduur_jr"), 50) else 2075
    layers = next(iter(means.facts.values()))["extreme_lagen"]
    cells = [(c.values, s) for c in plan.cells.values() for s in c.scenarios.values() if looks_to(s, until)]

    def differs(name, values, scenario):
        new, old = scenario.instead.get(name, values.get(name, NAN)), values.get(name, NAN)
        return not (new == old or (unknown(new) and unknown(old)))

    return all(any(differs(name, v, s) for v, s in cells) for name in layers)


def looks_to(scenario, year):
    return not scenario.stresstest and scenario.horizon is not None and scenario.horizon >= year


def extremen(means):
    if not next(iter(means.facts.values()))["extreme_lagen"]:
        return "?"
    name = lowest_extremes(means)
    if not means.known(name):
        return "?"
    symbol = ladder(means.over_plan(name), (0.20, 0.40, 0.60, 0.80), STEPS)
    if not has_variants(means):
        symbol = worst(symbol, "+")
    if at_least(means.over_plan("drempel_water"), FIRES):
        symbol = STEPS[max(0, STEPS.index(symbol) - 1)]
    return symbol


# --- 4 ---------------------------------------------------------------------------------------------------------------


def aanpasbaar(means):
    if not means.known("vastlegging"):
        return "?"
    symbol = ladder(means.over_plan("vastlegging"), (0.05, 0.15, 0.30, 0.50), STEPS[::-1])
    f = means.plan.functie
    long = not at_most(parameter(f, "levensduur_jr"), 25)
    seen = any(fact["scenarios_binnen_levensduur"] for fact in means.facts.values())
    capped = below(parameter(f, "omkeerbaarheid"), 0.7) or (long and not seen)
    return worst(symbol, "+") if capped else symbol


# --- 5 ---------------------------------------------------------------------------------------------------------------


def effect_on_recovery(means):
    """What the plan does to recovery, all that hold."""
    f, found = means.plan.functie, set()
    changes = (("grondwaterverlaging", 0.10, {}), ("kwelafvoer", 50, {"noise": COARSE_NOISE}))
    for name, size, margin in (*changes, ("veenoxidatie", 2, {"noise": COARSE_NOISE})):
        mean = means.over_others(name)
        found |= {"herstelt"} if at_most(mean, -size, **margin) else set()
        found |= {"verslechtert"} if at_least(mean, size, **margin) else set()
    if below(parameter(f, "omkeerbaarheid"), 0.5):
        found.add("blokkeert")
    if not at_most(parameter(f, "levensduur_jr"), 15) and parameter(f, "herstelt_mee") != 1:
        found.add("vertraagt")
    return found


#: By share of cells with a chance: the symbol of the first effect that holds.
RECOVERY = (
    (0.50, (("blokkeert", "--"), ("herstelt", "++"), ("verslechtert", "-"), ("vertraagt", "-"))),
    (0.10, (("blokkeert", "-"), ("herstelt", "+"), ("verslechtert", "-"))),
    (0.0, (("blokkeert", "0"), ("herstelt", "+"))),
)


def herstel(means):
    share, effect = means.over_others("kans"), effect_on_recovery(means)
    rows = next((rows for border, rows in RECOVERY if at_least(share, border)))
    return next((symbol for name, symbol in rows if name in effect), "0")


# --- 6 ---------------------------------------------------------------------------------------------------------------


def bodem(means):
    symbol = ladder(means.over_others("bodemlast"), (0.05, 0.25, 0.60), ("+", "0", "-", "--"))
    less_paved = below(means.over_others("verharding"), -0.05)
    if symbol == "+" and (at_most(means.over_others("veenoxidatie"), -2, COARSE_NOISE) or less_paved):
        symbol = "++"
    if at_least(means.over_others("drempel_bescherming"), FIRES):
        return "--"
    return worst(symbol, *leaching_cap(means))


def leaching_cap(means):
    """What nutrients and pesticides leave of the symbol."""
    own, protected = parameter(means.plan.functie, "uitspoeling"), at_least(means.over_others("beschermd"), FIRES)
    if at_least(own, 2) and protected:
        return ("-",)
    return ("0",) if at_least(own, 2) or not at_most(own, means.over_others("uitspoeling_nu")) else ()


# --- all six ---------------------------------------------------------------------------------------------------------

ON_USE = {
    "niet_afwentelen": (("risico",), niet_afwentelen),
    "vertragen": (("water", "grondwater"), vertragen),
    "herstel": (("kans",), herstel),
    "bodem": (("bodemlast",), bodem),
}
BY_ITSELF = {"extremen": extremen, "aanpasbaar": aanpasbaar}
PRINCIPLES = ("niet_afwentelen", "vertragen", "extremen", "aanpasbaar", "herstel", "bodem")
#: The number that stands beside each symbol.
NUMBERS = dict(zip(PRINCIPLES, ("risico", "water", "extremen", "vastlegging", "kans", "bodemlast"), strict=True))


def kompas(plan):
    """Six symbols of one plan by principle."""
    means = Means(plan)
    if not plan.cells or below(means.over_plan("dekking"), DEKKING):
        return dict.fromkeys(PRINCIPLES, "?")
    found = {name: judgement_on_use(means, *line) for name, line in ON_USE.items()}
    found |= {name: symbol(means) for name, symbol in BY_ITSELF.items()}
    return {name: found[name] for name in PRINCIPLES}


def numbers(plan):
    """The number behind each symbol; NaN where there is none."""
    means = Means(plan)
    found = {p: (means.over_others if p in ON_USE else means.over_plan)(name) for p, name in NUMBERS.items()}
    return {**found, "extremen": means.over_plan(lowest_extremes(means))}
