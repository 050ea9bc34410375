"""Section 10: the range of an answer, what one error of one group of layers can do to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.support.twins.functie import plain
from tests.support.twins.klasse import LETTER, X, score_cell
from tests.support.twins.layers import layer, meets, with_gvg
from tests.support.twins.numbers import NAN, clip, f32, first_largest, unknown
from tests.support.twins.polygon import Covered, answers, weighted_mean

GROUPS = {
    "grondwater": ("ghg", "gvg", "glg"),
    "water": ("wateroverlast", "inundatie"),
    "keileemdiepte": ("keileemdiepte",),
    "kwel": ("kwel",),
    "bodem": ("zettingsgevoeligheid", "veendikte"),
    "droogte": ("droogte",),
}
#: Section 1.
PLAUSIBLE = {
    "ghg": (-1, 20), "gvg": (-1, 20), "glg": (-1, 20), "wateroverlast": (0, 5), "inundatie": (0, 10),
    "keileemdiepte": (0, 100), "kwel": (-20, 20), "zettingsgevoeligheid": (0, 2), "veendikte": (0, 20),
    "droogte": (0, 100),
}  # fmt: skip
UP, DOWN = 1, -1
#: Standard deviations between the median and the 90th percentile.
P90 = 1.2816


def spread_of_ground_water(v, values):
    on_clay = meets(layer(values, "keileemdiepte"), "<=", 1.2)
    return max(clip(0.15 + 0.25 * v, 0.15, 0.50), 0.30 if on_clay else 0.0)


#: One standard deviation of a value, where the data give none, by the value and the cell.
DEFAULTS = {
    "ghg": spread_of_ground_water,
    "gvg": spread_of_ground_water,
    "glg": lambda v, values: 0.40,
    "wateroverlast": lambda v, values: min(0.25, 0.05 + 0.30 * v),
    "inundatie": lambda v, values: min(0.25, 0.05 + 0.30 * v),
    "keileemdiepte": lambda v, values: 1.0,
    "kwel": lambda v, values: max(0.3, 0.5 * abs(v)),
    "zettingsgevoeligheid": {"sd": math.log(1.6), "verdeling": "lognormaal"},
    "veendikte": lambda v, values: min(0.25, v / 2),
    "droogte": lambda v, values: max(5.0, 0.25 * v),
}


@dataclass(frozen=True)
class Doubt:
    """What the data say of their error: per layer a number or mapping, and ranges in place of the plausible ones.

    ``scenario`` is the one whose layers stand in the cells; ``now`` then holds the present cell.
    """

    given: dict = field(default_factory=dict)
    scenario: str | None = None
    ranges: dict = field(default_factory=dict)

    def names(self, name, values):
        """The layer itself, if it is the scenario's; then the present one."""
        own = f"{name}@{self.scenario}"
        return [*([own] if self.scenario and own in values else []), name]


def by_mapping(given, v, direction, f):
    """Shift of a value by an sd of the data."""
    given = given if isinstance(given, dict) else {"sd": given}
    if given.get("verdeling") == "lognormaal":
        return v * math.exp(direction * f * given["sd"]) - v
    return direction * f * min(given.get("sd", 0.0) + given.get("per", 0.0) * abs(v), given.get("hoogstens", math.inf))


def by_sd(name, v, values, doubt, direction, f):
    """Shift of a value by the sd of its layer, else by the default."""
    found = [doubt.given[n] for n in doubt.names(name, values) if n in doubt.given]
    given = found[0] if found else DEFAULTS[name]
    return direction * f * given(v, values) if callable(given) else by_mapping(given, v, direction, f)


def has_own(name, values, doubt):
    return name in doubt.given or f"{name}@p10" in values


def by_percentile(name, values, doubt, direction):
    """Shift to the percentile of the cell, as one sd; NaN without one or where it is unknown."""
    percentile = "p90" if direction == UP else "p10"
    source = next((n for n in doubt.names(name, values) if has_own(n, values, doubt)), name)
    at = values.get(f"{source}@{percentile}", NAN)
    shift = f32(at) - layer(values, source if "@" in source else f"{name}@nu" if doubt.scenario else name)
    return NAN if unknown(shift) else direction * max(0.0, direction * shift / P90)


def shift_of(name, v, values, doubt, direction, f):
    """By how much a known value moves; one sd of keileem is at most half its depth."""
    percentile = by_percentile(name, values, doubt, direction)
    shift = by_sd(name, v, values, doubt, direction, f) if unknown(percentile) else f * percentile
    half = f * v / 2
    return max(-half, min(half, shift)) if name == "keileemdiepte" else shift


def moved_value(name, v, values, doubt, direction, f):
    """Value after one error of its layer; unknown and absent stay."""
    if unknown(v) or math.isinf(v):
        return v
    low, high = doubt.ranges.get(name, PLAUSIBLE[name])
    moved = f32(v + shift_of(name, v, values, doubt, direction, f))
    return clip(moved, min(f32(low), v), max(f32(high), v))


def moved(values, group, direction, doubt=Doubt(), f=1.0):
    """The cell with every layer of a group moved, a derived gvg derived again."""
    names = [n for n in GROUPS[group] if n in values]
    new = {n: moved_value(n, layer(values, n), values, doubt, direction, f) for n in names}
    return with_gvg({**values, **new})


def share_of_error(ha):
    """F: what of one standard deviation a plan of so many hectares moves by."""
    return math.sqrt(0.5 + 0.5 * min(1.0, 6.25 / ha))


# --- the answer ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """Answer and mean score of a plan, as it is or in a variant."""

    klasse: int
    score: float


def state_of(functie, cells, area, **method):
    """State of a plan of (cover, values)."""
    covered = [Covered(cover, score_cell(functie, values, **method)) for cover, values in cells if cover > 0]
    mean = weighted_mean([(c.cover, c.score["geschiktheid"]) for c in covered if c.assessed])
    return State(answers(functie, covered, area)[0], mean)


def variants_of(functie, cells, area, ha, doubt=Doubt(), **method):
    """Per group the states down and up, as they are."""
    f = share_of_error(ha)
    return {
        group: [
            state_of(functie, [(c, moved(v, group, direction, doubt, f)) for c, v in cells], area, **method)
            for direction in (DOWN, UP)
        ]
        for group in GROUPS
    }


def steps(states):
    codes = [s.klasse for s in states]
    return max(codes) - min(codes)


def difference(down, up):
    """How far the mean scores lie apart; none without both."""
    return 0.0 if unknown(down.score) or unknown(up.score) else abs(up.score - down.score)


def decisive(answer, variants):
    """Beslist: the group whose answers lie the most classes apart."""
    apart = {group: steps([answer, *pair]) for group, pair in variants.items()}
    most = max(apart.values())
    tied = [group for group in GROUPS if apart[group] == most]
    return tied[first_largest([difference(*variants[g]) for g in tied])] if most > 0 else ""


def bandbreedte(functie, cells, area, ha, doubt=Doubt(), **method):
    """The range of one plan: ``cells`` of (cover, values), ``area`` in cells, ``ha`` in hectares."""
    functie = plain(functie)
    cells = [(cover, values) for cover, values in cells if cover > 0]
    answer = state_of(functie, cells, area, **method)
    found = variants_of(functie, cells, area, ha, doubt, **method)
    row = {"antwoord": LETTER[answer.klasse], "score": answer.score, "groepen": found}
    if answer.klasse == X:
        return {**row, "antwoord_laag": "X", "antwoord_hoog": "X", "beslist": ""}
    kept = {group: [answer if s.klasse == X else s for s in pair] for group, pair in found.items()}
    codes = [answer.klasse, *(s.klasse for pair in kept.values() for s in pair)]
    return {
        **row,
        "antwoord_laag": LETTER[max(codes)],
        "antwoord_hoog": LETTER[min(codes)],
        "beslist": decisive(answer, kept),
    }
