"""Kompas: the six principles of water en bodem sturend, judged by rules that are data (rekenregels section 8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions.kompas_rules import (
    SYMBOLS,
    UNKNOWN,
    KompasRules,
    Principle,
    Scale,
    Symbol,
    Text,
    any_case,
)
from waterbodem.definitions.labels import Amount, decimal, layer_label, name_within
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import PresentUse
from waterbodem.definitions.receiving import wetter_cm
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.quantities import EVERYWHERE, extreme_layers
from waterbodem.engine.site import DIFFERS
from waterbodem.engine.sums import Totals, ratio

Array = NDArray[Any]
Amounts = Mapping[str, float]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


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


# --- what the principles look at -------------------------------------------------------------------------------------

#: What of the functie itself principles look at, by the name of the measure.
OF_FUNCTIE = {
    "omkeerbaarheid": "omkeerbaarheid",
    "levensduur": "levensduur_jr",
    "herstelt_mee": "herstelt_mee",
    "uitspoeling": "uitspoeling",
}
#: What it does more than the present use: mean difference, by the name of the measure.
OF_CHANGE = {"verharding": "verhardingsgraad", "onttrekking": "onttrekking", "uitspoeling_meer": "uitspoeling"}
#: Of these less in one place does not make up for more in another.
ANYWHERE = ("onttrekking",)


class Strip(NamedTuple):
    """What lies where the land around a plan becomes wetter.

    Parameters
    ----------
    buren_gebruik : float
        1 where a use that is burdened lies there, else 0.
    buren_onbekend : float
        1 where the use is not known in some of it, or anywhere; else 0.
    strook_m : float
        Its width [m].
    """

    buren_gebruik: Any
    buren_onbekend: Any
    strook_m: Any


#: Bounds of what lies there, where nobody has looked.
BEST, WORST = Strip(0.0, 0.0, 0.0), Strip(1.0, 1.0, math.nan)
#: What can be told of a strip around land that is not there any more.
UNSEEN = Strip(0.0, 1.0, math.nan)


@dataclass(frozen=True)
class Means:
    """Means of measures per polygon (P,).

    Parameters
    ----------
    amounts, enough : mapping of measure to float64 array (P,)
        All that was found; and only what is known on enough of the polygon, else NaN.
    shares : mapping of measure to float64 array (P,)
        Share of the polygon on which it is known.
    """

    amounts: Mapping[str, Doubles]
    enough: Mapping[str, Any]
    shares: Mapping[str, Doubles]

    def beside(self, strips: Strip) -> Means:
        """Return the same with measures of what lies beside the polygons."""
        more = strips._asdict()
        return replace(self, amounts={**self.amounts, **more}, enough={**self.enough, **more})


@dataclass(frozen=True)
class KompasFindings:
    """What the principles look at, of P polygons.

    Parameters
    ----------
    whole, changed : Means
        Over all cells of a polygon, and over those with another present use.
    own : float64 array (P,)
        Share of the area with a known present use where that is the functie itself.
    assumed : bool
        Whether the present use is an assumption.
    worst : array of str (P,)
        The scenario that ``extremen`` is taken from; empty = the present.
    layers : tuple of str
        Layers of extremes that count.
    """

    whole: Means
    changed: Means
    own: Doubles
    assumed: bool
    worst: Array
    layers: tuple[str, ...]

    def with_strips(self, look: Callable[[int], Strip], rules: KompasRules) -> KompasFindings:
        """Return the same with what lies beside every polygon that becomes wetter, where that can make a difference."""
        best, worst = (Strip(*(np.full(len(self.own), v) for v in bound)) for bound in (BEST, WORST))
        codes = [np.stack([j.code for j in judge(self.beside(s), rules).values()]) for s in (best, worst)]
        for i in np.flatnonzero((codes[0] != codes[1]).any(axis=0)):
            for values, value in zip(best, look(int(i)), strict=True):
                values[i] = value
        return self.beside(best)

    def beside(self, strips: Strip) -> KompasFindings:
        """Return the same with measures of what lies beside the polygons."""
        return replace(self, whole=self.whole.beside(strips), changed=self.changed.beside(strips))

    def means(self, p: Principle) -> Means:
        """Return the means that a principle looks at."""
        return self.changed if p.tegen_gebruik else self.whole


def findings_of(told: Circumstances, functie: Functie, totals: Totals) -> KompasFindings:
    """Return what the principles look at, from the sums of the measures."""
    rules, size, cells = told.rules, told.size, totals.use_cells
    layers, number = extreme_layers(functie, list(told.layers), rules), told.use.number(functie)
    own = cells[:, number] if number else np.zeros(len(size))
    worst, extremes = _worst(totals, size)
    fixed = {n: np.full(len(size), functie.value(v)) for n, v in OF_FUNCTIE.items()}
    fixed |= {"stijging": totals.mean("stijging")[0], **_horizons(totals, told, layers, functie)}
    whole = {n: _known(totals.mean(n), size) for n in totals.measures} | {"extremen": extremes}
    changed = _changed(totals, number, size, rules) | _differences(told.use, functie, cells, size)
    return KompasFindings(
        _means(whole, fixed, rules),
        _means(changed, fixed, rules),
        ratio(own, cells[:, 1:].sum(axis=1)),
        told.use.assumed,
        worst,
        layers,
    )


Found = dict[str, tuple[Doubles, Doubles]]


def _changed(totals: Totals, number: int, size: Doubles, rules: KompasRules) -> Found:
    """Return means over cells with another present use than the functie of a number; what is known is of the whole."""
    without = totals.uses[:, number] if number else None
    found = {n: _known(totals.mean(n, None if n in rules.of_change else without), size) for n in totals.measures}
    whole = {n: f"{n}{EVERYWHERE}" for n in rules.of_change if f"{n}{EVERYWHERE}" in found}
    return found | {n: (found[n][0], found[all_][1]) for n, all_ in whole.items()}


def _known(found: tuple[Doubles, Doubles], size: Doubles) -> tuple[Doubles, Doubles]:
    """Return mean, and the share of the polygon on which it is known."""
    return found[0], found[1] / size


def _means(found: Found, fixed: dict[str, Doubles], rules: KompasRules) -> Means:
    """Return means with what follows from them, most of it from means that are known on enough."""
    amounts = {n: mean for n, (mean, _) in found.items()} | fixed
    shares = {n: share for n, (_, share) in found.items()}
    enough = {n: np.where(s + rules.marge >= rules.bekend_min, amounts[n], math.nan) for n, s in shares.items()} | fixed
    for name, rule in rules.afgeleid.items():
        holds = any_case(rule.als, amounts if rule.onzeker_telt else enough, rules.margin)
        amounts[name] = enough[name] = np.where(holds, 1.0, 0.0)
    return Means(amounts, enough, shares)


def _differences(use: PresentUse, functie: Functie, cells: Doubles, size: Doubles) -> Found:
    """Return means of what the functie does more than the present use, over the cells with another one."""
    others = [i for i in range(1, cells.shape[1]) if i != use.number(functie)]
    known, share = sum((cells[:, i] for i in others), np.zeros(len(size))), cells[:, 1:].sum(axis=1) / size
    found = {}
    for name, parameter in OF_CHANGE.items():
        more = [functie.value(parameter) - use.functies[i - 1].value(parameter) for i in others]
        more = [max(0.0, d) for d in more] if name in ANYWHERE else more
        total = sum((cells[:, i] * d for i, d in zip(others, more, strict=True)), np.zeros(len(size)))
        found[name] = ratio(total, known), share
    return found


def _worst(totals: Totals, size: Doubles) -> tuple[Array, tuple[Doubles, Doubles]]:
    """Return per polygon the scenario with the lowest score (empty: the present), that score, and where it is known."""
    chosen = ["extremen", *(n for n in totals.measures if n.startswith("extremen@"))]
    found = [_known(totals.mean(n), size) for n in chosen]
    values, shares = (np.stack(some) for some in zip(*found, strict=True))
    place = np.where(np.isnan(values), math.inf, values).argmin(axis=0)
    names = np.array([LayerName.of(n).scenario for n in chosen], dtype=object)
    each = np.arange(len(size))
    return names[place], (values[place, each], shares[place, each])


def _horizons(totals: Totals, told: Circumstances, layers: Sequence[str], functie: Functie) -> dict[str, Doubles]:
    """Return the year to reach, and whether a scenario does: any, and one for each layer of extremes.

    A variant that nowhere in the polygon differs from the present layer is none.
    """
    year = told.rules.horizon.year(functie.value("levensduur_jr"))
    far = {s.name for s in told.scenarios if not s.stress_test and s.horizon is not None and s.horizon >= year}
    reached: dict[str, Mask] = {}
    for name in (n for n in totals.measures if n.startswith(DIFFERS) and LayerName.of(n).scenario in far):
        layer, differs = LayerName.of(name).layer.removeprefix(DIFFERS), totals.mean(name)[0] > 0
        reached[layer] = reached.get(layer, np.False_) | differs
    nowhere = np.zeros(len(totals.inside), np.bool_)
    each = np.logical_and.reduce([reached.get(n, nowhere) for n in layers] or [nowhere])
    return {
        "horizon": np.full(len(nowhere), year),
        "scenario_horizon": np.logical_or.reduce([nowhere, *reached.values()]).astype(np.float64),
        "scenario_extremen": each.astype(np.float64),
    }


# --- verdicts of polygons --------------------------------------------------------------------------------------------

#: Number of a symbol where it is not known, and of the neutral one.
_UNKNOWN, _NEUTRAL = -1, SYMBOLS.index("0")
Notes = tuple[tuple[Text, Mask], ...]


@dataclass(frozen=True)
class Judgement:
    """The outcome for one principle on P polygons: numbers of symbols (P,), and the notes with where they hold."""

    code: NDArray[np.int64]
    notes: Notes

    @property
    def symbols(self) -> Array:
        """Symbols (P,)."""
        return np.array([*SYMBOLS, UNKNOWN])[self.code]


def judge(found: KompasFindings, rules: KompasRules) -> dict[str, Judgement]:
    """Return the outcome per principle: judged by what is known enough."""
    return {id_: _judge(p, found, rules) for id_, p in rules.beginselen.items()}


def _judge(p: Principle, found: KompasFindings, rules: KompasRules) -> Judgement:
    means, count = found.means(p), len(found.worst)
    codes = np.stack([_on_scale(s, means, rules, count) for s in p.schalen])
    telling = np.where(codes == _NEUTRAL, len(SYMBOLS), codes).min(axis=0)
    telling[telling == len(SYMBOLS)] = _NEUTRAL
    code, limits = _limited(telling, p, means, rules)
    first = _settled(p, found, rules, (codes == _UNKNOWN).any(axis=0))
    rest = np.ones(count, np.bool_)
    for _, symbol, holds in first:
        code = np.where(rest & holds, symbol, code)
        rest &= ~holds
    notes = [(text, holds) for text, _, holds in _first_only(first)]
    return Judgement(code, (*notes, *((text, holds & rest) for text, holds in limits)))


Settled = list[tuple[Text, int, Mask]]


def _settled(p: Principle, found: KompasFindings, rules: KompasRules, unknown: Mask) -> Settled:
    """Return what settles a verdict before its lines do, in order: text, number of the symbol, and where it holds."""
    told, count = rules.opmerkingen, len(found.worst)
    few = found.whole.amounts["dekking"] + rules.marge < rules.dekking_min
    against = np.full(count, p.tegen_gebruik)
    barred = Text(tekst=p.onbekend_tekst, text=p.unknown_text)
    return [
        (told.dekking, _UNKNOWN, few),
        (told.aangenomen, _UNKNOWN, against & found.assumed),
        (told.weinig, _UNKNOWN, _little(p, found.means(p), rules)),
        (told.zelf, _NEUTRAL, against & (found.own + rules.marge >= rules.zelf_min)),
        (told.weinig, _UNKNOWN, unknown),
        (barred, _UNKNOWN, _mask(any_case(p.onbekend_als, found.means(p).amounts, rules.margin), count)),
    ]


def _little(p: Principle, means: Means, rules: KompasRules) -> Mask:
    """Tell where something that a principle needs is known on too little of the area."""
    needed = [means.shares[n] for s in p.schalen for n in s.nodig]
    return np.asarray(np.min(needed, axis=0) + rules.marge < rules.bekend_min)


def _first_only(settled: Settled) -> Settled:
    """Return the same, each only where none before it holds."""
    found, rest = [], np.array(True)
    for text, symbol, holds in settled:
        found.append((text, symbol, holds & rest))
        rest = rest & ~holds
    return found


def _mask(holds: Any, count: int) -> Mask:
    """Return a verdict on every polygon; a rule without conditions gives one for all."""
    return np.array(np.broadcast_to(np.asarray(holds, np.bool_), (count,)))


def _on_scale(scale: Scale, means: Means, rules: KompasRules, count: int) -> NDArray[np.int64]:
    code = np.full(count, _UNKNOWN)
    for line in reversed(scale.regels):
        code[_mask(any_case(line.als, means.enough, rules.margin), count)] = SYMBOLS.index(line.symbool)
    for name in scale.nodig:
        code[np.isnan(means.enough[name])] = _UNKNOWN
    return code


def _limited(code: Array, p: Principle, means: Means, rules: KompasRules) -> tuple[Array, Notes]:
    """Pull symbols down where a limit holds; what is known on a little area can do that too."""
    notes = []
    for limit in p.begrenzing:
        cap = len(SYMBOLS) if limit.hoogstens is None else SYMBOLS.index(limit.hoogstens)
        lower = np.maximum(0, np.minimum(code, cap) + limit.stap)
        pulled = _mask(any_case(limit.als, means.amounts, rules.margin), len(code)) & (lower < code)
        code = np.where(pulled, lower, code)
        notes.append((limit, pulled))
    return code, tuple(notes)


def symbols_of(found: KompasFindings, rules: KompasRules) -> dict[str, Array]:
    """Return the symbols per polygon (P,) by column."""
    return {rules.beginselen[id_].kolom: j.symbols for id_, j in judge(found, rules).items()}


def verdicts(found: KompasFindings, rules: KompasRules, taal: str = "nl") -> list[list[Verdict]]:
    """Return the six verdicts per polygon, with their reasons in a language."""
    judged, count = judge(found, rules), len(found.worst)
    return [
        [_verdict(id_, p, judged[id_], found, rules, i, taal) for id_, p in rules.beginselen.items()]
        for i in range(count)
    ]


def _verdict(
    id_: str, p: Principle, judged: Judgement, found: KompasFindings, rules: KompasRules, i: int, taal: str
) -> Verdict:
    """Tell all that was found, also what is not known enough to judge by."""
    means = found.means(p)
    amounts = {n: float(v[i]) for n, v in means.amounts.items()}
    words = {
        "extremen_scenario": found.worst[i] or rules.opmerkingen.huidig.told(taal),
        "gevolg": _consequence(amounts, rules, taal),
        "lagen": _layers(found.layers, rules, taal),
        "natter_cm": wetter_cm(taal),
    }
    held = [text for text, holds in judged.notes if holds[i]]
    told = held if rules.opmerkingen.zelf in held else [Text(tekst=p.reden, text=p.reason), *held]
    reason = "; ".join(_filled(text, amounts, words, taal) for text in told)
    symbol = SYMBOLS[judged.code[i]] if judged.code[i] >= 0 else UNKNOWN
    name = p.name if taal == "en" and p.name else p.naam
    return Verdict(id_, name, p.kolom, symbol, amounts.get(p.getal, math.nan), p.eenheid, reason)


def _consequence(amounts: Amounts, rules: KompasRules, taal: str) -> str:
    found = [rule.told(taal) for name, rule in rules.afgeleid.items() if rule.tekst and amounts[name]]
    return rules.opmerkingen.en.told(taal).join(found) or rules.opmerkingen.ongewijzigd.told(taal)


def _layers(names: Sequence[str], rules: KompasRules, taal: str) -> str:
    found = [name_within(layer_label(n, taal)) for n in names]
    return rules.opmerkingen.en.told(taal).join(found) or rules.opmerkingen.geen.told(taal)


def _filled(text: Text, amounts: Amounts, words: Mapping[str, str], taal: str) -> str:
    """Fill in a sentence; numbers as the language writes them, unknown ones in a word."""
    return text.told(taal).format_map(_Words(taal, {**{n: Amount(v, taal) for n, v in amounts.items()}, **words}))


class _Words(dict[str, Any]):
    def __init__(self, taal: str, words: Mapping[str, Any]) -> None:
        super().__init__(words)
        self._taal = taal

    def __missing__(self, key: str) -> str:
        return decimal(math.nan, taal=self._taal)
