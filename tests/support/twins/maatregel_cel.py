"""Measures in one cell: where each may act, what a package makes of layers and parameters, what that answers.

Rules 1 to 9, 11 to 13 and 22 of the measures.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace

from tests.support.twins.bandbreedte import PLAUSIBLE
from tests.support.twins.burden import burden_cell
from tests.support.twins.compensation import ROOM_MM, PlanSize, asked_mm, plan_of
from tests.support.twins.functie import UNSET, parameter, with_parameters
from tests.support.twins.klasse import FATAL, D, X, ceiling, class_of, fired, score_cell
from tests.support.twins.layers import layer, with_gvg
from tests.support.twins.numbers import NAN, at_least, below, clip, f32, largest, smallest, unknown
from tests.support.twins.rewetting import LEVELS, rewetted
from tests.support.twins.score import HEAVY, taking_part

YES, NO, UNKNOWN = "ja", "nee", "onbekend"
TESTS = {
    "minstens": operator.ge,
    "hoogstens": operator.le,
    "boven": operator.gt,
    "onder": operator.lt,
    "gelijk": operator.eq,
}
#: Parameters between 0 and 1; of the others all but the streefpeil are at least 0.
SHARES = {
    "verhardingsgraad", "omkeerbaarheid", "opgehoogd_aandeel", "bebouwd_aandeel", "restzetting_aandeel",
    "ontwatering_blijft", "herstelt_mee",
}  # fmt: skip
RANGE = {**PLAUSIBLE, "bodemdaling": (-0.5, 3), "maaiveld": (-10, 350), "kwetsbaarheid": (0, 1)}
DROUGHT_LEFT = 0.5
DECIDING = ("uitsluiten", "nee_tenzij")


@dataclass(frozen=True)
class Asked:
    """What is asked: functie, what the caller sets, the board, and what holds for all measures."""

    functie: dict
    head: dict
    parameters: dict
    board: str = ""
    boards: dict = None
    given_mm: float | None = None
    free_by_risk: bool = False

    @property
    def norm(self):
        return self.boards[self.board] if self.board else None

    @property
    def start(self):
        """The functie from which measures start."""
        return plan_of(self.functie, self.parameters, self.norm)

    def of_functie(self, table):
        return self.head[table]["functies"].get(self.functie["id"], self.head[table]["overig"])

    def swapped(self, functie):
        """Another functie with all its parameters; what is built stays."""
        return replace(self, functie=functie, parameters={})


def as_asked(measure, functie_id, board):
    """Rule 12: the first ``anders`` of which all conditions hold."""
    for other in measure.get("anders", ()):
        wanted = {key: other[key] for key in ("functie", "waterschap") if key in other}
        if all({"functie": functie_id, "waterschap": board}[k] == v for k, v in wanted.items()):
            rest = {k: v for k, v in other.items() if k not in wanted}
            joined = {k: {**measure.get(k, {}), **v} for k, v in rest.items() if k != "kosten"}
            return {**measure, **joined, **({"kosten": rest["kosten"]} if "kosten" in rest else {})}
    return measure


# --- where it may be applied (rule 9) --------------------------------------------------------------------------------


def tests_of(measure, key):
    return [(name, verb, x) for name, verbs in measure.get(key, {}).items() for verb, x in verbs.items()]


def may(measure, functie_id, values):
    """Whether a measure may act in a cell, what decides that, and the layers on which it is not tested."""
    if measure["functies"] != "alle" and functie_id not in measure["functies"]:
        return NO, "functie", ()
    values = with_gvg(values)
    needed, if_known = tests_of(measure, "waar"), tests_of(measure, "waar_bekend")
    for name, verb, x in [*needed, *if_known]:
        v = layer(values, name)
        if not unknown(v) and not TESTS[verb](v, f32(x)):
            return NO, f"{name} {verb} {x}", ()
    missing = [name for name, _, _ in needed if unknown(layer(values, name))]
    if missing:
        return UNKNOWN, missing[0], ()
    return YES, "", tuple(dict.fromkeys(name for name, _, _ in if_known if unknown(layer(values, name))))


# --- what it changes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """Layers and parameters under the measures so far."""

    layers: dict
    parameters: dict
    counted: float = 0.0
    uncounted: float = 0.0
    room: float = 0.0


def first_state(asked, values):
    names = {*asked.start["parameters"], *UNSET, "streefpeil_m", "ontwatering_groen_m"}
    parameters = {name: parameter(asked.start, name) for name in names}
    built = asked.of_functie("bebouwd_aandeel")
    return State({n: f32(v) for n, v in values.items()}, {**parameters, "bebouwd_aandeel": built})


def legal_parameter(name, value):
    if value is None or name == "streefpeil_m":
        return value
    return min(1.0, max(0.0, value)) if name in SHARES else max(0.0, value)


def parameter_after(name, measure, before, own):
    """A parameter after its own verbs in a measure."""
    verbs, value = measure.get("parameters", {}).get(name, {}), before[name]
    if "wordt" in verbs:
        value = verbs["wordt"]
        if isinstance(value, str):
            value = own[name] if value == "eigen" else parameter_after(value, measure, before, own)
    if "plus" in verbs:
        value += verbs["plus"] * (before[verbs["keer"]] if "keer" in verbs else 1)
    if "maal" in verbs:
        value *= verbs["maal"]
    return legal_parameter(name, value)


def layer_after(name, verbs, v, parameters):
    """A value after the verbs of a measure in their order, clipped; unknown and absent stay."""
    if unknown(v) or math.isinf(v):
        return v

    def number(verb):
        x = verbs[verb]
        return parameters[x] if isinstance(x, str) else x

    steps = {
        "plus": lambda v, x: v + x,
        "min": lambda v, x: v - x,
        "maal": lambda v, x: v * x,
        "hoogstens": min,
        "minstens": max,
    }
    for verb, step in steps.items():
        if verb in verbs:
            v = step(v, number(verb))
    return v if math.isinf(v) else clip(v, *RANGE[name])


def taken(amount, parameters):
    return amount["plus"] * (parameters[amount["keer"]] if "keer" in amount else 1)


def after(measure, state, own):
    """State under one more measure; a derived gvg is no layer here, so that nothing moves it."""
    parameters = {name: parameter_after(name, measure, state.parameters, own) for name in state.parameters}
    effects = {n: verbs for n, verbs in measure.get("lagen", {}).items() if n in state.layers}
    layers = {n: layer_after(n, effects[n], v, parameters) if n in effects else v for n, v in state.layers.items()}
    storage = measure.get("berging", {}).get("aangelegde_berging_mm")
    built = taken(storage, parameters) if storage else 0.0
    counts = storage is not None and storage.get("telt_mee", True)
    room = taken(measure["ruimte"], parameters) if "ruimte" in measure else 0.0
    return State(
        layers,
        parameters,
        state.counted + (built if counts else 0.0),
        state.uncounted + (0.0 if counts else built),
        state.room + room,
    )


def in_the_end(state, measures, values):
    """Rule 5: what is left of the drought, no raising of less than what is built on; layers stored as float32."""
    layers, parameters = dict(state.layers), dict(state.parameters)
    if any("droogte" in m.get("lagen", {}) for m in measures) and "droogte" in layers:
        left = DROUGHT_LEFT * layer(values, "droogte")
        layers["droogte"] = NAN if unknown(left) else max(layers["droogte"], left)
    raised = any("opgehoogd_aandeel" in m.get("parameters", {}) for m in measures)
    if raised and parameters["ophoging_m"] > 0:
        parameters["opgehoogd_aandeel"] = max(parameters["opgehoogd_aandeel"], parameters["bebouwd_aandeel"])
    stored = {n: f32(v) for n, v in layers.items()}
    return State(stored, parameters, state.counted, state.uncounted, state.room)


class RefusedLevels(ValueError):
    """Rule 6: an effect on a groundwater level beside a streefpeil."""


def under(asked, measures, values, density=None):
    """State under measures, in their order; ``density`` is the paving of what is left when cells stay free."""
    state = first_state(asked, values)
    own = state.parameters
    for measure in measures:
        if density is not None and "gebied_zonder" in measure:
            state = State(state.layers, {**state.parameters, "verhardingsgraad": density})
        state = after(measure, state, own)
    state = in_the_end(state, measures, values)
    moved = [n for m in measures for n in m.get("lagen", {}) if n in LEVELS]
    if moved and state.parameters["streefpeil_m"] is not None:
        raise RefusedLevels(moved)
    return state


def changed(asked, state):
    """The parameters that are others than those from which measures start."""
    return {n: v for n, v in state.parameters.items() if n != "bebouwd_aandeel" and v != parameter(asked.start, n)}


# --- what that answers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """A cell as it is or under measures: its score, the same with what ``tenzij`` lifts, its burden, its state."""

    score: dict
    lifted: dict | None
    burden: dict
    state: State
    thresholds: tuple
    begrenst: str


def judged(asked, measures, values, state):
    """Rule 8: thresholds fire on the layers as they are (after rewetting) and on the effective ones."""
    functie = with_parameters(asked.start, **changed(asked, state))
    before = set(fired(functie, rewetted(functie, with_gvg(values))))
    then = set(fired(functie, rewetted(functie, with_gvg(state.layers))))
    unless = {name for m in measures for name in m.get("tenzij", ())}
    drempels = functie.get("drempels") or ()
    lifted = {i for i in before - then if drempels[i]["gevolg"] == "nee_tenzij" and drempels[i]["laag"] in unless}
    score = score_cell(functie, state.layers, also=before)
    other = score_cell(functie, state.layers, also=before, lifted=lifted) if lifted else None
    deciding = [drempels[i]["laag"] for i in sorted(before | then) if drempels[i]["gevolg"] in DECIDING]
    return functie, score, other, tuple(dict.fromkeys(deciding))


def capped_by(functie, score, deciding, layers):
    """The first criterion whose cap or fatal score makes the class worse than S and ``hoogstens`` do."""
    if deciding or score["klasse"] == X:
        return ""
    criteria = taking_part(functie, with_gvg(layers))
    class_without = max(class_of(f32(score["geschiktheid"])), ceiling(functie, with_gvg(layers)))
    for c, s in zip(criteria, score["scores"], strict=True):
        cap = D if below(s, FATAL) else class_of(s) - 1
        if not unknown(s) and at_least(c.g, HEAVY) and cap > class_without:
            return c.name
    return ""


def storage(asked, functie, reference, state, size):
    """A of rule 13 before its cap, and what of it counts towards the task."""
    known = reference is not None or asked.norm is None
    demanded = asked_mm(functie, reference, asked.norm, size) if known else NAN
    own = (asked.given_mm or 0.0) + state.counted
    total = largest(demanded, own) if asked.given_mm is None else own
    return total + state.uncounted, NAN if reference is None else own


def answered(asked, measures, values, reference, size=None, density=None):
    """A cell under the measures that act in it."""
    state, size = under(asked, measures, values, density), size or PlanSize()
    functie, score, other, deciding = judged(asked, measures, values, state)
    parameters = {**asked.parameters, **changed(asked, state)}
    built, counted = storage(asked, functie, reference, state, size)
    burden = burden_cell(
        asked.functie, reference, values, parameters=parameters, board=asked.norm, plan=size, given_mm=built
    )
    top = NAN if unknown(burden["risico"]) else max(burden["aandelen"].values())
    burden = {**burden, "grootste_aandeel": top, "geteld_mm": counted}
    if reference is None:
        burden["aangelegd_mm"] = smallest(built, ROOM_MM * (1 - parameter(functie, "verhardingsgraad")))
    return Answered(score, other, burden, state, deciding, capped_by(functie, score, deciding, state.layers))
