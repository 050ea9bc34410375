"""What measures together make of a functie, one after another: rules 1, 4, 5, 11 to 13, 16 and 22."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from waterbodem.definitions.measures.checks import BUILT_SHARE
from waterbodem.definitions.measures.measure import LAYER_VERBS, OWN_VALUE, PARAMETER_VERBS, LayerVerb, Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.models import Functie
from waterbodem.definitions.parameters import parameter_kinds
from waterbodem.definitions.registry import load_functies
from waterbodem.definitions.settings import Storage
from waterbodem.engine.plan import asked_depth

DRAINS, PAVING, RAISED_SHARE, RAISED = "ontwatering_m", "verhardingsgraad", "opgehoogd_aandeel", "ophoging_m"
#: A level may lie above the ground: it has no lowest value.
LEVEL, RISE = "streefpeil_m", "rijzing_hoogstens_m"


@dataclass(frozen=True)
class Effect:
    """What a measure does to the value of a layer."""

    layer: str
    verb: LayerVerb
    number: float


@dataclass(frozen=True)
class Start:
    """What measures start from.

    Parameters
    ----------
    functie : Functie
        The one asked, with the caller's parameters.
    storage : Storage
        What was agreed beside it.
    density : float
        Factor on the paving of what is left where hectares stay free.
    """

    functie: Functie
    storage: Storage
    density: float = 1.0


@dataclass(frozen=True)
class Design:
    """A functie with measures.

    Parameters
    ----------
    functie : Functie
        With the parameters after the measures; the very same where they change none.
    storage : Storage
        With what the measures build, judged by a board that leaves alone what they set.
    effects : tuple of tuple of Effect
        Per measure that moves layers, in order.
    numbers : mapping of parameter to number
        All of them, after the measures.
    room : float
        Share of the plan that is taken from what may be paved.
    lifts : frozenset of str
        Layers of which thresholds can be lifted.
    """

    functie: Functie
    storage: Storage
    effects: tuple[tuple[Effect, ...], ...]
    numbers: Mapping[str, float]
    room: float
    lifts: frozenset[str]

    @property
    def level(self) -> tuple[float, float]:
        """Wanted level, and how far it may rise [m]."""
        return self.functie.value(LEVEL), self.functie.value(RISE)


def design_of(start: Start, measures: Sequence[Maatregel]) -> Design:
    """Return the functie that measures make, each in the form that it has for functie and board, in their order."""
    chain = _Chain(start)
    for measure in measures:
        chain.take(measure)
    return chain.end()


class _Chain:
    """Parameters, storage and room as measures change them one after another."""

    def __init__(self, start: Start) -> None:
        self._start, self._functie = start, start.functie
        self._numbers = _numbers(start.functie, start.storage)
        self._set: set[str] = set()
        self._effects: list[tuple[Effect, ...]] = []
        self._counted = self._beside = self._room = 0.0
        self._lifts: set[str] = set()

    def take(self, measure: Maatregel) -> None:
        """Change what a measure changes."""
        if measure.is_swap:
            self._functie = load_functies()[measure.functie[self._functie.id]]
            self._numbers = _numbers(self._functie, self._start.storage)
        if measure.gebied_zonder is not None and measure.gebied_zonder.dichtheid_blijft:
            self._crowd()
        for name, verbs in _in_turn(measure.parameters):
            self._numbers[name] = _within(name, self._changed(name, verbs))
            self._set.add(name)
        effects = tuple(self._moved(measure))
        self._effects += [effects] if effects else []
        self._build(measure)
        self._lifts.update(measure.tenzij)

    def _crowd(self) -> None:
        """What is left of a plan is built as full as it may, so that all of it is still built."""
        paving, range_ = self._numbers[PAVING], self._functie.parameters[PAVING].bereik
        top = 1.0 if range_ is None else range_[1]
        self._numbers[PAVING] = max(paving, min(paving * self._start.density, top))
        self._set.add(PAVING)

    def _changed(self, name: str, verbs: Mapping[Any, float | str]) -> float:
        value = self._numbers[name]
        for verb in (v for v in PARAMETER_VERBS if v in verbs):
            number = self._functie.value(name) if verbs[verb] == OWN_VALUE else self._number(verbs[verb])
            if verb == "plus":
                value += number * self._times(str(verbs.get("keer", "")))
            else:
                value = number if verb == "wordt" else value * number
        return value

    def _number(self, value: float | str) -> float:
        return self._numbers[value] if isinstance(value, str) else value

    def _times(self, parameter: str) -> float:
        return self._numbers[parameter] if parameter else 1.0

    def _moved(self, measure: Maatregel) -> Iterator[Effect]:
        for layer, verbs in measure.lagen.items():
            yield from (Effect(layer, v, self._number(verbs[v])) for v in LAYER_VERBS if v in verbs)

    def _build(self, measure: Maatregel) -> None:
        if measure.berging is not None:
            built = measure.berging.aangelegde_berging_mm
            amount = built.plus * self._times(built.keer)
            self._counted += amount if built.telt_mee else 0.0
            self._beside += 0.0 if built.telt_mee else amount
        if measure.ruimte is not None:
            self._room += measure.ruimte.plus * self._times(measure.ruimte.keer)

    def end(self) -> Design:
        """Return what came of it."""
        numbers = self._numbers
        if RAISED_SHARE in self._set and numbers[RAISED] > 0:
            numbers[RAISED_SHARE] = max(numbers[RAISED_SHARE], numbers[BUILT_SHARE])
        own = self._functie.value
        changed = {n: numbers[n] for n in sorted(self._set - {BUILT_SHARE}) if not _same(numbers[n], own(n))}
        return Design(
            self._functie.with_numbers(changed) if changed else self._functie,
            self._storage(),
            tuple(self._effects),
            dict(numbers),
            self._room,
            frozenset(self._lifts),
        )

    def _storage(self) -> Storage:
        storage = replace(self._start.storage, counted_mm=self._counted, beside_mm=self._beside)
        if storage.board is None or DRAINS not in self._set:
            return storage
        return replace(storage, board=storage.board.model_copy(update={"ontwatering_m": {}}))


def _numbers(functie: Functie, storage: Storage) -> dict[str, float]:
    """Return all parameters that measures start from."""
    found = {name: functie.value(name) for name in parameter_kinds()}
    built = measure_rules().bebouwd_aandeel.of(functie.id)
    return {**found, DRAINS: asked_depth(functie, storage.board), BUILT_SHARE: built}


def _in_turn(table: Mapping[str, Mapping[Any, float | str]]) -> Iterable[tuple[str, Mapping[Any, float | str]]]:
    """Return effects on parameters, those that name another parameter last."""
    return sorted(table.items(), key=lambda item: any(isinstance(v, str) and v != OWN_VALUE for v in item[1].values()))


def _within(parameter: str, value: float) -> float:
    """Return a value within the legal domain of its parameter: a share 0 to 1, else at least 0."""
    if parameter == LEVEL:
        return value
    most = 1.0 if parameter == BUILT_SHARE else parameter_kinds()[parameter].tot
    return min(max(value, 0.0), 1.0) if most == 1.0 else max(value, 0.0)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
