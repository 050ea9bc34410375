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
from waterbodem.tally import Tally

Symbol = Literal["--", "-", "0", "+", "++", "?"]
SYMBOLS: tuple[Symbol, ...] = ("--", "-", "0", "+", "++")
UNKNOWN: Symbol = "?"
Array = NDArray[Any]
Amounts = Mapping[str, float]


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


def measures_of(cells: LayerSet, result: Result, settings: Settings, rules: KompasRules) -> dict[str, Array]:
    """Return per cell what the table and the principles look at; NaN = unknown."""
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
        "kans": _chance(cells, rules),
        **_soil(result, settings, parts, rules),
        **_fired(cells, result, rules),
        **_extremes(cells, result, rules),
    }


def _relief_counts(result: Result, rules: KompasRules) -> NDArray[np.bool_]:
    codes = [s.code for s in registry.answer_scale().values() if s.letter in rules.ontlasting_klassen]
    return np.isin(result.scores["klasse"], codes)


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


def _chance(cells: LayerSet, rules: KompasRules) -> Array:
    """1 where wet nature would do well and water or soil invite it, 0 elsewhere."""
    nature = registry.load_functies()[rules.kans.functie]
    klasse = score_arrays(cells.present, nature, wanted=("klasse",))["klasse"]
    codes = [s.code for s in registry.answer_scale().values() if s.letter in rules.kans.klassen]
    invites = any_case(rules.kans.als, cells.present, rules.marge)
    chance = (np.isin(klasse, codes) & invites).astype(np.float32)
    return np.where(klasse == 0, np.float32(np.nan), chance)


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


def verdicts(
    areas: Sequence[Area], grid: Grid, tally: Tally, scenarios: Sequence[Scenario], functie: Functie, rules: KompasRules
) -> list[list[Verdict]]:
    """Return the six verdicts per polygon from a tally of the measures."""
    size = np.array([a.geometry.area for a in areas]) / grid.cell_area
    found = {name: tally.mean(name) for name in tally.measures}
    out = []
    for i in range(len(areas)):
        amounts = {n: float(means[i]) for n, (means, _) in found.items()}
        shares = {n: float(known[i]) / size[i] for n, (_, known) in found.items()}
        out.append(_of_plan(amounts, shares, scenarios, functie, rules))
    return out


def _of_plan(
    amounts: dict[str, float],
    shares: dict[str, float],
    scenarios: Sequence[Scenario],
    functie: Functie,
    rules: KompasRules,
) -> list[Verdict]:
    future = [n for n in amounts if n.startswith("extremen@")]
    worst = min(future, key=lambda n: math.inf if math.isnan(amounts[n]) else amounts[n], default="extremen")
    amounts = {
        **amounts,
        "extremen": amounts[worst],
        "scenarios_extremen": len(future),
        "scenarios_levensduur": len(within_lifetime(functie, scenarios)),
        "omkeerbaarheid": functie.value("omkeerbaarheid"),
        "levensduur": functie.value("levensduur_jr"),
    }
    shares = {**shares, "extremen": shares[worst]}
    enough = {n: v for n, v in amounts.items() if shares.get(n, 1.0) + rules.marge >= rules.bekend_min}
    for name, cases in rules.afgeleid.items():
        enough[name] = float(any_case(cases, enough, rules.marge))
    words = {"extremen_scenario": worst.partition("@")[2] or "huidig", "gevolg": _consequence(enough)}
    return [_verdict(id_, p, (amounts, enough), shares, words, rules) for id_, p in rules.beginselen.items()]


def _consequence(amounts: Amounts) -> str:
    words = {"herstelt": "brengt herstel", "blokkeert": "legt de plek vast", "verslechtert": "verslechtert het"}
    return " en ".join(text for name, text in words.items() if amounts.get(name)) or "laat het zoals het is"


def _verdict(
    id_: str,
    p: Principle,
    found: tuple[Amounts, Amounts],
    shares: Amounts,
    words: Mapping[str, str],
    rules: KompasRules,
) -> Verdict:
    """Judge by what is known enough; tell all that was found."""
    amounts, enough = found
    symbol, notes = _judge(p, enough, shares, rules)
    reason = "; ".join([_reason(p.reden, amounts, words), *notes])
    return Verdict(id_, p.naam, p.kolom, symbol, amounts.get(p.getal, math.nan), p.eenheid, reason)


def _judge(p: Principle, amounts: Amounts, shares: Amounts, rules: KompasRules) -> tuple[Symbol, list[str]]:
    if any_case(p.onbekend_als, amounts, rules.marge):
        return UNKNOWN, [p.onbekend_tekst]
    found = [_on_scale(s, amounts, shares, rules) for s in p.schalen]
    if UNKNOWN in found:
        return UNKNOWN, ["te weinig bekend"]
    neutral: list[Symbol] = ["0"]
    telling = [s for s in found if s != "0"] or neutral
    return _limited(min(telling, key=SYMBOLS.index), p, amounts, rules)


def _on_scale(scale: Scale, amounts: Amounts, shares: Amounts, rules: KompasRules) -> Symbol:
    if any(shares.get(n, 0.0) + rules.marge < rules.bekend_min for n in scale.nodig):
        return UNKNOWN
    return next((r.symbool for r in scale.regels if any_case(r.als, amounts, rules.marge)), UNKNOWN)


def _limited(symbol: Symbol, p: Principle, amounts: Amounts, rules: KompasRules) -> tuple[Symbol, list[str]]:
    notes = []
    for limit in p.begrenzing:
        if any_case(limit.als, amounts, rules.marge):
            place = SYMBOLS.index(symbol)
            cap = place if limit.hoogstens is None else SYMBOLS.index(limit.hoogstens)
            lower = max(0, min(place, cap) + limit.stap)
            if lower < place:
                symbol = SYMBOLS[lower]
                notes.append(limit.tekst)
    return symbol, notes


def _reason(template: str, amounts: Amounts, words: Mapping[str, str]) -> str:
    """Fill in a reason; numbers with a Dutch comma, unknown ones as 'onbekend'."""
    return template.format_map(_Words({**{n: _Number(v) for n, v in amounts.items()}, **words}))


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "onbekend"


class _Number(float):
    def __format__(self, spec: str) -> str:
        return "onbekend" if math.isnan(self) else float(self).__format__(spec).replace(".", ",")
