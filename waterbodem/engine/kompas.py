"""Kompas: the six principles of water en bodem sturend, judged by rules that are data (rekenregels section 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.definitions.kompas_rules import SYMBOLS, UNKNOWN, KompasRules, Principle, Scale, Symbol, any_case
from waterbodem.definitions.labels import Amount, decimal
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.engine.burden import within_lifetime
from waterbodem.engine.layer_set import Scenario
from waterbodem.engine.sums import Totals
from waterbodem.layers.polygons import Area, areas_of

Array = NDArray[Any]
Amounts = Mapping[str, float]
Doubles = NDArray[np.float64]


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


# --- verdicts of polygons --------------------------------------------------------------------------------------------

#: Number of a symbol where it is not known, and of the neutral one.
_UNKNOWN, _NEUTRAL = -1, SYMBOLS.index("0")
#: A text per language; where a user's own rules have no English the Dutch stands in both.
Told = Mapping[str, str]
Notes = tuple[tuple[Told, NDArray[np.bool_]], ...]

LITTLE: Told = {"nl": "te weinig bekend", "en": "too little known"}
PRESENT: Told = {"nl": "huidig", "en": "present"}
AND: Told = {"nl": " en ", "en": " and "}
UNCHANGED: Told = {"nl": "laat het zoals het is", "en": "leaves it as it is"}
CONSEQUENCES: Mapping[str, Told] = {
    "herstelt": {"nl": "brengt herstel", "en": "brings recovery"},
    "blokkeert": {"nl": "legt de plek vast", "en": "fixes the place"},
    "verslechtert": {"nl": "verslechtert het", "en": "makes it worse"},
}


def _told(dutch: str, english: str) -> Told:
    return {"nl": dutch, "en": english or dutch}


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
    size = areas_of(areas) / grid.cell_area
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
    names = np.array([LayerName.of(n).scenario for n in chosen], dtype=object)
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
    return Judgement(code, ((_told(p.onbekend_tekst, p.unknown_text), barred), (LITTLE, little), *limits))


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
        notes.append((_told(limit.tekst, limit.text), pulled))
    return code, tuple(notes)


def symbols_of(found: Findings, rules: KompasRules) -> dict[str, Array]:
    """Return the symbols per polygon (P,) by column."""
    return {rules.beginselen[id_].kolom: j.symbols for id_, j in judge(found, rules).items()}


def verdicts(found: Findings, rules: KompasRules, taal: str = "nl") -> list[list[Verdict]]:
    """Return the six verdicts per polygon, with their reasons in a language."""
    judged = judge(found, rules)
    return [
        [_verdict(id_, p, judged[id_], found, i, taal) for id_, p in rules.beginselen.items()]
        for i in range(len(found.worst))
    ]


def _verdict(id_: str, p: Principle, judged: Judgement, found: Findings, i: int, taal: str) -> Verdict:
    """Tell all that was found, also what is not known enough to judge by."""
    amounts = {n: float(v[i]) for n, v in found.amounts.items()}
    words = {"extremen_scenario": found.worst[i] or PRESENT[taal], "gevolg": _consequence(found.enough, i, taal)}
    first = _reason(_told(p.reden, p.reason)[taal], amounts, words, taal)
    reason = "; ".join([first, *(text[taal] for text, holds in judged.notes if holds[i])])
    symbol = SYMBOLS[judged.code[i]] if judged.code[i] >= 0 else UNKNOWN
    return Verdict(id_, _told(p.naam, p.name)[taal], p.kolom, symbol, amounts.get(p.getal, math.nan), p.eenheid, reason)


def _consequence(enough: Mapping[str, Any], i: int, taal: str) -> str:
    found = [text[taal] for name, text in CONSEQUENCES.items() if name in enough and enough[name][i]]
    return AND[taal].join(found) or UNCHANGED[taal]


def _reason(template: str, amounts: Amounts, words: Mapping[str, str], taal: str) -> str:
    """Fill in a reason; numbers as the language writes them, unknown ones in a word."""
    return template.format_map(_Words(taal, {**{n: Amount(v, taal) for n, v in amounts.items()}, **words}))


class _Words(dict[str, Any]):
    def __init__(self, taal: str, words: Mapping[str, Any]) -> None:
        super().__init__(words)
        self._taal = taal

    def __missing__(self, key: str) -> str:
        return decimal(math.nan, taal=self._taal)
