"""Section 5: the ten components of one cell, each with its own formula."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.twins.drains import Part, fill, mean_over, mean_over_own, parts_of, raised_share
from tests.support.twins.functie import parameter
from tests.support.twins.klasse import score_cell
from tests.support.twins.layers import in_scenario, layer, meets
from tests.support.twins.numbers import COARSE_NOISE, NAN, NOISE, at_least, clip, f32, known_or, pos, smallest, unknown
from tests.support.twins.reference import keeps_its_level
from tests.support.twins.rewetting import rise

COMPONENTS = (
    "afvoer",
    "verdrongen_berging",
    "grondwaterverlaging",
    "kwelafvoer",
    "aanvullingsverlies",
    "watervraag",
    "zetting",
    "veenoxidatie",
    "achteruitgang",
    "kosten",
)
PRESENT_YEAR = 2025
CO2_PER_MM = 2.0


@dataclass(frozen=True)
class Scenario:
    """Values instead of the present ones, the year they hold for, and whether they are a stress test."""

    instead: dict
    horizon: int | None = None
    stresstest: bool = False


@dataclass(frozen=True)
class Case:
    """Plan and reference in one cell, with the storage that is built and asked (mm)."""

    f: dict
    r: dict
    values: dict
    built: float = 0.0
    asked: float = 0.0
    storm: float | None = None
    scenarios: tuple = ()

    def layer(self, name):
        return layer(self.values, name)

    def more(self, name):
        """How much more of a parameter the plan has."""
        return parameter(self.f, name) - parameter(self.r, name)

    @property
    def rewets(self):
        return parameter(self.f, "streefpeil_m") is not None

    @property
    def abstracts(self):
        return self.more("onttrekking") > NOISE

    @property
    def parts(self) -> list[Part]:
        return parts_of(self.f, self.r, self.values)


def stijging(case):
    """Rise of the plan in m."""
    if not case.rewets or keeps_its_level(case.f, case.r):
        return 0.0
    return NAN if unknown(case.layer("ghg")) else rise(case.f, case.values)


# --- surface water ---------------------------------------------------------------------------------------------------


def storm(case):
    """B in mm."""
    if case.storm is not None:
        return case.storm
    return max(parameter(case.f, "bergingseis_mm"), parameter(case.r, "bergingseis_mm"))


def task(case):
    """Opgave in m3/ha."""
    return 10 * storm(case) * case.more("verhardingsgraad")


def no_task(case):
    return task(case) <= COARSE_NOISE


def pores(case):
    """Grond: what the unpaved ground takes up, m3/ha."""
    keileem, ghg, kwel = case.layer("keileemdiepte"), case.layer("ghg"), case.layer("kwel")
    deep = smallest(keileem, 1.5) if unknown(ghg) else smallest(keileem, ghg, 1.5)
    wet = clip(1 - kwel / 0.5, 0, 1) if unknown(ghg) else 1.0
    if unknown(deep) or unknown(wet):
        return NAN
    n = 0.15 * parameter(case.f, "bodemberging_factor")
    room = mean_over_own(case.f, lambda delta: max(0.0, deep - delta))
    return 1e4 * n * (1 - parameter(case.f, "verhardingsgraad")) * wet * room


def soaks_in(case):
    """Vermogen: what the ground takes of the paved part after its own rain, m3/ha."""
    return pos(pores(case) - 10 * storm(case) * (1 - parameter(case.f, "verhardingsgraad")))


def afvoer(case):
    return task(case) if no_task(case) else pos(task(case) - soaks_in(case) - 10 * case.built)


def storage_left(case):
    """Rest: built storage that afvoer does not use up, and that no board asked, m3/ha."""
    if unknown(afvoer(case)):
        return 0.0
    unused = 10 * case.built if no_task(case) else max(0.0, 10 * case.built - pos(task(case) - soaks_in(case)))
    return min(10 * max(0.0, case.built - case.asked), unused)


def verdrongen_berging(case):
    water = pos(case.layer("wateroverlast") - 0.03)

    def displaced(functie):
        return raised_share(functie) * smallest(water, fill(functie))

    fills = pos(displaced(case.f) - displaced(case.r))
    found = 1e4 * (fills - case.more("berging_m") + 0.15 * stijging(case))
    return found if unknown(found) or found <= 0 else max(0.0, found - storage_left(case))


# --- groundwater -----------------------------------------------------------------------------------------------------


def lowering_by_drains(case):
    """Lowering less the rise, without an abstraction, in m."""
    ghg = case.layer("ghg")
    if unknown(ghg):
        return NAN

    def deeper(side):
        return mean_over(case.parts, lambda part: max(0.0, side(part) - ghg))

    return max(0.0, deeper(lambda p: p.epsilon_f) - deeper(lambda p: p.epsilon_r)) - stijging(case)


def grondwaterverlaging(case):
    return NAN if case.abstracts else lowering_by_drains(case)


def drained_share(epsilon):
    return min(1.0, epsilon / 0.7)


def kwelafvoer(case):
    drained = mean_over(case.parts, lambda p: drained_share(p.epsilon_f) - drained_share(p.epsilon_r))
    return 365 * pos(case.layer("kwel")) * drained


def recharge_lost(case):
    """R_r - R_f as counted: ground that is wetted does not recharge at the rate of dry sand."""
    lost = -case.more("grondwateraanvulling_mm_jr")
    wetted = at_least(stijging(case), 0.05) or (case.rewets and meets(case.layer("ghg"), "<=", 0.40))
    return min(0.0, lost) if wetted else lost


def cannot_soak(case):
    """U: the share of the loss that cannot soak in on the spot."""
    if recharge_lost(case) <= NOISE or task(case) <= NOISE:
        return 1.0
    excess = pos(task(case) - pores(case)) / task(case)
    return 1 - clip(case.more("verhardingsgraad") / 0.10, 0, 1) * (1 - excess)


def aanvullingsverlies(case):
    leaks = 365 * pos(0.1 - case.layer("kwel"))
    if unknown(leaks):
        return NAN
    return clip(recharge_lost(case) * cannot_soak(case), -leaks, leaks)


def watervraag(case):
    return case.more("watervraag_mm_jr") * clip(case.layer("droogte") / 20, 0, 1)


# --- ground ----------------------------------------------------------------------------------------------------------


def weight_that_settles(functie):
    return parameter(functie, "vulling_kn_m3") * parameter(functie, "restzetting_aandeel")


def settlement(functie, softness):
    a = smallest(softness * weight_that_settles(functie) / 16, 0.9)
    return raised_share(functie) * a * fill(functie) / (1 - a)


def zetting(case):
    softness = case.layer("zettingsgevoeligheid")
    return settlement(case.f, softness) - settlement(case.r, softness)


def summer_depths(case, part):
    """G of plan and reference in one part: the lowest level in summer, m below maaiveld."""
    glg = case.layer("glg")
    ratio_f, ratio_r = parameter(case.f, "glg_verhouding"), parameter(case.r, "glg_verhouding")
    if unknown(glg):
        return ratio_f * part.epsilon_f, ratio_r * part.epsilon_r
    return (glg + part.epsilon_f - part.epsilon_r) * ratio_f / 2, max(0.0, glg) * ratio_r / 2


def veenoxidatie(case):
    peat = case.layer("veendikte")
    if unknown(peat):
        return NAN

    def lost(depth):
        return max(0.0, 23.54 * min(depth, peat + 0.4) - 6.68)

    def more_lost(part):
        of_f, of_r = summer_depths(case, part)
        return lost(of_f) - lost(of_r)

    return clip(peat / 0.4, 0, 1) * mean_over(case.parts, more_lost)


# --- later, and money ------------------------------------------------------------------------------------------------


def within_lifetime(case):
    """The scenarios that count: no stress test, of a layer in the data, within the levensduur."""
    last = PRESENT_YEAR + parameter(case.f, "levensduur_jr")
    return [
        s
        for s in case.scenarios
        if not s.stresstest and set(s.instead) & set(case.values) and (s.horizon is None or s.horizon <= last)
    ]


def achteruitgang(case):
    now = score_cell(case.f, case.values)
    later = [score_cell(case.f, in_scenario(case.values, s.instead)) for s in within_lifetime(case)]
    same = [then for then in later if now["bekend"] and then["bekend"] == now["bekend"]]
    return max((max(0.0, f32(now["geschiktheid"]) - f32(then["geschiktheid"])) for then in same), default=NAN)


def kosten(case, found):
    """EUR/ha/jr; what is unknown is left out."""
    terms = [found[n] for n in ("afvoer", "verdrongen_berging", "watervraag", "zetting")]
    if all(unknown(x) for x in terms):
        return NAN
    run_off, displaced, demand, settled = (known_or(x, 0.0) for x in terms)
    mending = 12000 * parameter(case.f, "verhardingsgraad") * max(0.0, settled) / 0.30
    return mending + 5.0 * max(0.0, run_off + displaced) + 0.25 * 10 * max(0.0, demand)


FORMULAS = (
    afvoer, verdrongen_berging, grondwaterverlaging, kwelafvoer, aanvullingsverlies, watervraag, zetting, veenoxidatie,
    achteruitgang,
)  # fmt: skip


def components(case):
    """The ten components by name, in the order of the table."""
    found = {formula.__name__: formula(case) for formula in FORMULAS}
    return {**found, "kosten": kosten(case, found)}
