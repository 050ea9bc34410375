"""Kompas: the six principles of water en bodem sturend, by rules that are data (rekenregels section 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from waterbodem import registry, summary
from waterbodem.areas import Area
from waterbodem.burden import raised_height, references, within_lifetime
from waterbodem.definitions import Consequence, Definition, Functie, Sourced, define
from waterbodem.evaluation import Result, Settings
from waterbodem.grid import Grid
from waterbodem.layerset import LayerSet, Scenario
from waterbodem.scoring import parts_of, score_arrays
from waterbodem.tally import Totals

Symbol = Literal["--", "-", "0", "+", "++", "?"]
SYMBOLS: tuple[Symbol, ...] = ("--", "-", "0", "+", "++")
UNKNOWN: Symbol = "?"
Array = NDArray[Any]
Amounts = Mapping[str, float]
Doubles = NDArray[np.float64]


class Condition(Definition):
    """A border on one measure."""

    maat: str
    min: float | None = None
    max: float | None = None
    onder: float | None = None
    boven: float | None = None

    def holds(self, value: Any, margin: float) -> Any:
        """Tell whether a value (or every value of an array) meets the border; NaN never does."""
        if self.min is not None:
            return value + margin >= self.min
        if self.max is not None:
            return value - margin <= self.max
        if self.onder is not None:
            return value + margin < self.onder
        return value - margin > (math.inf if self.boven is None else self.boven)


Cases = tuple[tuple[Condition, ...], ...]


class Line(Definition):
    """A symbol and the cases in which it is given."""

    symbool: Symbol
    als: Cases


class Scale(Definition):
    """Lines of which the first that matches wins, and the measures that must be known."""

    nodig: tuple[str, ...]
    regels: tuple[Line, ...]


class Limit(Definition):
    """What pulls a symbol down afterwards."""

    als: Cases
    tekst: str
    hoogstens: Symbol | None = None
    stap: int = 0


class Principle(Definition):
    """One of the six principles."""

    naam: str
    name: str
    kolom: str
    getal: str
    eenheid: str
    reden: str
    schalen: tuple[Scale, ...]
    begrenzing: tuple[Limit, ...] = ()
    onbekend_als: Cases = ()
    onbekend_tekst: str = ""


class Chance(Definition):
    """Where there is a chance of recovery."""

    functie: str
    klassen: tuple[str, ...]
    als: Cases


class KompasRules(Sourced):
    """All of kompas.toml."""

    bekend_min: float
    marge: float
    ontlasting_klassen: tuple[str, ...]
    extremen_lagen: tuple[str, ...]
    extremen_gewicht: float
    levensduur_vol_jr: float
    ophoging_vol_m: float
    zetting_vol_m: float
    veen_vol_m: float
    risico_zeer_hoog: float
    kans: Chance
    afgeleid: Mapping[str, Cases]
    drempels: Mapping[str, tuple[Consequence, ...]]
    beginselen: Mapping[str, Principle]


@cache
def builtin_rules() -> KompasRules:
    """Return the rules that come with the package."""
    path = files("waterbodem.data").joinpath("kompas.toml")
    return define(KompasRules, registry.read_toml(path), "kompas.toml")


def load_rules(path: str | Path) -> KompasRules:
    """Return a user's own rules, in the form of the package's kompas.toml."""
    return define(KompasRules, registry.read_toml(Path(path)), str(path))


@dataclass(frozen=True)
class Verdict:
    """The outcome for one principle: symbol, number with unit, and reason."""

    beginsel: str
    naam: str
    kolom: str
    symbool: Symbol
    getal: float
    eenheid: str
    reden: str


def any_case(cases: Cases, amounts: Mapping[str, Any], margin: float) -> Any:
    """Tell whether all conditions of one of the cases hold; a measure that is not there is unknown."""
    holds: Any = False
    for case in cases:
        both: Any = True
        for condition in case:
            both = both & condition.holds(amounts.get(condition.maat, math.nan), margin)
        holds = holds | both
    return holds


# --- measures of cells -----------------------------------------------------------------------------------------------


def measures_of(
    cells: LayerSet, result: Result, settings: Settings, rules: KompasRules, chance: Array | None = None
) -> dict[str, Array]:
    """Return per cell what the table and the principles look at; NaN = unknown.

    ``chance`` is that of :func:`chance_of` where it is known already: it does not depend on the functie.
    """
    parts = dict(zip((c.id for c in registry.burden_rules().components), result.burden.components, strict=True))
    relief = _relief_counts(result, rules)
    water = parts["afvoer"] + _relieved(parts["verdrongen_berging"], relief)
    drained = _relieved(parts["kwelafvoer"], relief)
    peat = _relieved(parts["veenoxidatie"], relief)
    risico = result.burden.risico
    return {
        **summary.measures_of(result),
        "risico_zeer_hoog": _flag(risico + rules.marge >= rules.risico_zeer_hoog, risico),
        "water": water,
        "kwelafvoer": drained,
        "veenoxidatie": peat,
        "grondwaterverlaging": _relieved(parts["grondwaterverlaging"], relief),
        "grondwater": parts["aanvullingsverlies"] + np.maximum(parts["kwelafvoer"], 0),
        "vastlegging": _lasting(cells, result, rules),
        "kans": chance_of(cells.present, rules) if chance is None else chance,
        **_soil(result, settings, parts, rules),
        **_fired(cells, result, rules),
        **_extremes(cells, result, rules),
    }


def _relief_counts(result: Result, rules: KompasRules) -> NDArray[np.bool_]:
    codes = [s.code for s in registry.answer_scale().values() if s.letter in rules.ontlasting_klassen]
    return _among(result.scores["klasse"], codes)


def _relieved(values: Array, counts: NDArray[np.bool_]) -> Array:
    """Return values; a relief (negative) is 0 in cells where it does not count."""
    return np.where(counts, values, np.maximum(values, 0))


def _flag(holds: Array, known: Array) -> Array:
    return np.where(np.isnan(known), np.float32(np.nan), holds.astype(np.float32))


def _lasting(cells: LayerSet, result: Result, rules: KompasRules) -> Array:
    """What the plan leaves for later: x of principle 4."""
    f = result.functie
    lowest = result.scores["score"]
    future = within_lifetime(f, cells.scenarios)
    if future:
        scores = [score_arrays(cells.with_scenario(s), f, wanted=("score",))["score"] for s in future]
        lowest = np.fmin.reduce(scores)
    years = min(1.0, f.value("levensduur_jr") / rules.levensduur_vol_jr)
    fixed = (1 - f.value("omkeerbaarheid")) * years * (1 - lowest)
    return np.maximum(result.burden.tijd, fixed.astype(np.float32))


def chance_of(layers: Mapping[str, Array], rules: KompasRules) -> Array:
    """Return 1 where wet nature would do well and water or soil invite it, 0 elsewhere; NaN = unknown."""
    nature = registry.load_functies()[rules.kans.functie]
    klasse = score_arrays(layers, nature, wanted=("klasse",))["klasse"]
    codes = [s.code for s in registry.answer_scale().values() if s.letter in rules.kans.klassen]
    invites = any_case(rules.kans.als, layers, rules.marge)
    chance = (_among(klasse, codes) & invites).astype(np.float32)
    return np.where(klasse == 0, np.float32(np.nan), chance)


def _among(klasse: Array, codes: Sequence[int]) -> NDArray[np.bool_]:
    """Tell where a class is one of some; codes are bytes."""
    table = np.zeros(np.iinfo(klasse.dtype).max + 1, np.bool_)
    table[list(codes)] = True
    return table[klasse]


def _reference_field(settings: Settings, shape: tuple[int, ...], value: Any) -> Array:
    """Return a number of the reference functie per cell; NaN where the reference is unknown."""
    if isinstance(settings.reference, Functie):
        return np.full(shape, value(settings.reference), np.float32)
    out = np.full(shape, np.nan, np.float32)
    for code, functie in references(settings.reference).items():
        out[settings.reference == code] = value(functie)
    return out


def _soil(result: Result, settings: Settings, parts: Mapping[str, Array], rules: KompasRules) -> dict[str, Array]:
    """Return verharding (more paving), bodemlast (b of principle 6) and onttrekking."""
    f, shape = result.functie, result.burden.risico.shape
    paved = np.float32(f.value("verhardingsgraad")) - _reference_field(
        settings, shape, lambda r: r.value("verhardingsgraad")
    )
    more_fill = raised_height(f) > _reference_field(settings, shape, raised_height) + rules.marge
    zetting = np.where(more_fill, parts["zetting"], np.nan_to_num(parts["zetting"]))
    load = np.maximum(paved, np.float32(raised_height(f) / rules.ophoging_vol_m))
    load = np.maximum(load, np.maximum(zetting, 0) / np.float32(rules.zetting_vol_m))
    load = np.maximum(load, np.nan_to_num(np.maximum(parts["veenoxidatie"], 0)) / np.float32(rules.veen_vol_m))
    extra = f.value("onttrekking") - _reference_field(settings, shape, lambda r: r.value("onttrekking"))
    return {"verharding": paved, "bodemlast": load, "onttrekking": extra}


def _fired(cells: LayerSet, result: Result, rules: KompasRules) -> dict[str, Array]:
    """Return per layer whether a threshold on it that counts fires; NaN where the layer is unknown."""
    found: dict[str, Array] = {}
    for layer, effects in rules.drempels.items():
        if layer in cells.present:
            thresholds = enumerate(result.functie.drempels)
            bits = sum(1 << i for i, t in thresholds if t.laag == layer and t.gevolg in effects)
            found[f"drempel_{layer}"] = _flag((result.scores["flags"] & bits) != 0, cells.present[layer])
    return found


def _extremes(cells: LayerSet, result: Result, rules: KompasRules) -> dict[str, Array]:
    """Return the lowest score on wateroverlast and droogte, now and per scenario."""
    parts = parts_of(result.functie, list(cells.present))
    names = [
        n
        for n in rules.extremen_lagen
        if any(n in p.members and p.share + rules.marge >= rules.extremen_gewicht for p in parts)
    ]
    found = {"extremen": _lowest_score(cells.present, result.functie, names)}
    for s in cells.scenarios:
        if set(s.layers) & set(names):
            found[f"extremen@{s.name}"] = _lowest_score(cells.with_scenario(s), result.functie, names)
    return found


def _lowest_score(layers: Mapping[str, Array], functie: Functie, names: Sequence[str]) -> Array:
    shape = next(iter(layers.values())).shape
    scores = [_score_of(layers[n], functie, n) if n in layers else np.full(shape, np.nan) for n in names]
    return np.minimum.reduce(scores).astype(np.float32) if scores else np.full(shape, np.nan, np.float32)


def _score_of(values: Array, functie: Functie, layer: str) -> Array:
    x, y = np.array(functie.all_criteria[layer].curve).T
    return np.where(np.isnan(values), np.nan, np.interp(values, x, y))


# --- verdicts of polygons --------------------------------------------------------------------------------------------

#: Number of a symbol where it is not known, and of the neutral one.
_UNKNOWN, _NEUTRAL = -1, SYMBOLS.index("0")
Notes = tuple[tuple[str, NDArray[np.bool_]], ...]


@dataclass(frozen=True)
class Judgement:
    """The outcome for one principle on P polygons: numbers of symbols (P,), and the notes with where they hold."""

    code: NDArray[np.int64]
    notes: Notes

    @property
    def symbols(self) -> Array:
        """Symbols (P,)."""
        return np.array([*SYMBOLS, UNKNOWN])[self.code]


@dataclass(frozen=True)
class Findings:
    """What the principles look at, per polygon (P,).

    Parameters
    ----------
    amounts, enough : mapping of measure to float64 array (P,)
        All that was found; and only what is known on enough of the polygon, else NaN.
    shares : mapping of measure to float64 array (P,)
        Share of the polygon on which it is known.
    worst : array of str (P,)
        The scenario that ``extremen`` is taken from; empty = the present.
    """

    amounts: Mapping[str, Doubles]
    enough: Mapping[str, Any]
    shares: Mapping[str, Doubles]
    worst: Array


def findings_of(
    areas: Sequence[Area],
    grid: Grid,
    totals: Totals,
    scenarios: Sequence[Scenario],
    functie: Functie,
    rules: KompasRules,
) -> Findings:
    """Return what the principles look at, from the sums of the measures."""
    size = np.array([a.geometry.area for a in areas]) / grid.cell_area
    found = {name: totals.mean(name) for name in totals.measures}
    amounts = {n: mean for n, (mean, _) in found.items()}
    shares = {n: known / size for n, (_, known) in found.items()}
    future = [n for n in amounts if n.startswith("extremen@")]
    names, amounts["extremen"], shares["extremen"] = _worst(future, amounts, shares)
    fixed = {
        "scenarios_extremen": len(future),
        "scenarios_levensduur": len(within_lifetime(functie, scenarios)),
        "omkeerbaarheid": functie.value("omkeerbaarheid"),
        "levensduur": functie.value("levensduur_jr"),
    }
    amounts |= {n: np.full(len(size), float(v)) for n, v in fixed.items()}
    known = {n: share + rules.marge >= rules.bekend_min for n, share in shares.items()}
    enough = {n: np.where(known[n], v, math.nan) if n in known else v for n, v in amounts.items()}
    for name, cases in rules.afgeleid.items():
        enough[name] = np.where(any_case(cases, enough, rules.marge), 1.0, 0.0)
    return Findings(amounts, enough, shares, names)


def _worst(future: Sequence[str], amounts: Mapping[str, Doubles], shares: Mapping[str, Doubles]) -> tuple[Array, ...]:
    """Return name, amount and share of the scenario with the lowest score per polygon, else of the present."""
    chosen = list(future) or ["extremen"]
    values = np.stack([amounts[n] for n in chosen])
    place = np.where(np.isnan(values), math.inf, values).argmin(axis=0)
    names = np.array([n.partition("@")[2] for n in chosen], dtype=object)
    each = np.arange(values.shape[1])
    return names[place], values[place, each], np.stack([shares[n] for n in chosen])[place, each]


def judge(found: Findings, rules: KompasRules) -> dict[str, Judgement]:
    """Return the outcome per principle: judged by what is known enough."""
    return {id_: _judge(p, found, rules) for id_, p in rules.beginselen.items()}


def _judge(p: Principle, found: Findings, rules: KompasRules) -> Judgement:
    count = len(found.worst)
    barred = _mask(any_case(p.onbekend_als, found.enough, rules.marge), count)
    codes = np.stack([_on_scale(s, found, rules, count) for s in p.schalen])
    little = (codes == _UNKNOWN).any(axis=0) & ~barred
    telling = np.where(codes == _NEUTRAL, len(SYMBOLS), codes).min(axis=0)
    telling[telling == len(SYMBOLS)] = _NEUTRAL
    code, notes = _limited(telling, p, found, rules)
    code[barred | little] = _UNKNOWN
    limits = tuple((text, holds & ~barred & ~little) for text, holds in notes)
    return Judgement(code, ((p.onbekend_tekst, barred), ("te weinig bekend", little), *limits))


def _mask(holds: Any, count: int) -> NDArray[np.bool_]:
    """Return a verdict on every polygon; a rule without conditions gives one for all."""
    return np.array(np.broadcast_to(np.asarray(holds, np.bool_), (count,)))


def _on_scale(scale: Scale, found: Findings, rules: KompasRules, count: int) -> NDArray[np.int64]:
    code = np.full(count, _UNKNOWN)
    for line in reversed(scale.regels):
        code[_mask(any_case(line.als, found.enough, rules.marge), count)] = SYMBOLS.index(line.symbool)
    for name in scale.nodig:
        known = found.shares[name] + rules.marge >= rules.bekend_min if name in found.shares else False
        code[~_mask(known, count)] = _UNKNOWN
    return code


def _limited(code: Array, p: Principle, found: Findings, rules: KompasRules) -> tuple[Array, Notes]:
    notes = []
    for limit in p.begrenzing:
        cap = len(SYMBOLS) if limit.hoogstens is None else SYMBOLS.index(limit.hoogstens)
        lower = np.maximum(0, np.minimum(code, cap) + limit.stap)
        pulled = _mask(any_case(limit.als, found.enough, rules.marge), len(code)) & (lower < code)
        code = np.where(pulled, lower, code)
        notes.append((limit.tekst, pulled))
    return code, tuple(notes)


def symbols_of(found: Findings, rules: KompasRules) -> dict[str, Array]:
    """Return the symbols per polygon (P,) by column."""
    return {rules.beginselen[id_].kolom: j.symbols for id_, j in judge(found, rules).items()}


def verdicts(found: Findings, rules: KompasRules) -> list[list[Verdict]]:
    """Return the six verdicts per polygon, with their reasons."""
    judged = judge(found, rules)
    return [
        [_verdict(id_, p, judged[id_], found, i) for id_, p in rules.beginselen.items()]
        for i in range(len(found.worst))
    ]


def _verdict(id_: str, p: Principle, judged: Judgement, found: Findings, i: int) -> Verdict:
    """Tell all that was found, also what is not known enough to judge by."""
    amounts = {n: float(v[i]) for n, v in found.amounts.items()}
    words = {"extremen_scenario": found.worst[i] or "huidig", "gevolg": _consequence(found.enough, i)}
    reason = "; ".join([_reason(p.reden, amounts, words), *(text for text, holds in judged.notes if holds[i])])
    symbol = SYMBOLS[judged.code[i]] if judged.code[i] >= 0 else UNKNOWN
    return Verdict(id_, p.naam, p.kolom, symbol, amounts.get(p.getal, math.nan), p.eenheid, reason)


def _consequence(enough: Mapping[str, Any], i: int) -> str:
    words = {"herstelt": "brengt herstel", "blokkeert": "legt de plek vast", "verslechtert": "verslechtert het"}
    return (
        " en ".join(text for name, text in words.items() if name in enough and enough[name][i])
        or "laat het zoals het is"
    )


def _reason(template: str, amounts: Amounts, words: Mapping[str, str]) -> str:
    """Fill in a reason; numbers with a Dutch comma, unknown ones as 'onbekend'."""
    return template.format_map(_Words({**{n: _Number(v) for n, v in amounts.items()}, **words}))


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "onbekend"


class _Number(float):
    def __format__(self, spec: str) -> str:
        return "onbekend" if math.isnan(self) else float(self).__format__(spec).replace(".", ",")
