"""What a block of cells holds whatever functie is asked: present use, chance of recovery, what scenarios change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import Cases, KompasRules, any_case
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import PresentUse, Reference
from waterbodem.engine.coverage import Footprints
from waterbodem.engine.layer_set import LayerSet, Scenario
from waterbodem.engine.reference import implausible, present_use, references
from waterbodem.engine.scoring import ceiling_of, layers_of, score_arrays
from waterbodem.engine.sums import cells_of_use

Array = NDArray[Any]
Floats = NDArray[np.float32]

#: Begins the name of a measure that tells where a layer of a scenario differs from the present one.
DIFFERS = "anders_"


@dataclass(frozen=True)
class Site:
    """A block of cells, its present use, and the rules it is judged by.

    Parameters
    ----------
    cells : LayerSet
    reference : Functie, UseMap, array of functie codes (rows, cols), or None
        As :func:`waterbodem.engine.reference.present_use` takes it.
    rules : KompasRules
    """

    cells: LayerSet
    reference: Reference
    rules: KompasRules
    _different: dict[str, Floats] = field(default_factory=dict, repr=False)
    _changed: dict[int, dict[str, Floats]] = field(default_factory=dict, repr=False)

    @property
    def layers(self) -> Mapping[str, Floats]:
        """Present layers."""
        return self.cells.present

    @cached_property
    def futures(self) -> tuple[Scenario, ...]:
        """Scenarios that are no stress tests."""
        return tuple(s for s in self.cells.scenarios if not s.stress_test)

    @cached_property
    def present_use(self) -> PresentUse:
        """The functies that may lie here, and where that is known from."""
        return PresentUse.of(self.reference, self.layers)

    @cached_property
    def use(self) -> NDArray[np.uint8]:
        """Place of the present use of every cell in ``present_use.functies``, from 1; 0 = unknown."""
        codes = present_use(self.reference, self.layers)
        if isinstance(codes, Functie):
            return np.asarray(~implausible(self.reference, self.layers), np.uint8)
        references(codes, self.reference)
        places = np.zeros(1 + max(f.code for f in self.present_use.functies), np.uint8)
        places[[f.code for f in self.present_use.functies]] = 1 + np.arange(len(self.present_use.functies))
        return places[np.nan_to_num(codes).astype(np.int64)]

    def use_cells(self, prints: Footprints) -> NDArray[np.float64]:
        """Return covered cells per polygon and present use (P, R + 1), the first of what is unknown."""
        return cells_of_use(prints, self.use, len(self.present_use.functies))

    @cached_property
    def implausible(self) -> Floats:
        """1 where the present use that is told is implausible, else 0."""
        return implausible(self.reference, self.layers).astype(np.float32)

    def of_change(self, values: Floats, functie: Functie) -> Floats:
        """Return a measure over cells where another functie lies today; NaN elsewhere."""
        use = self.use.reshape(-1)
        other = (use != 0) & (use != self.present_use.number(functie))
        return np.where(other, values.reshape(-1), np.float32(np.nan))

    def shares_of_change(self, functie: Functie) -> dict[str, Floats]:
        """Return chance and shares as principles look at them: some only where another functie lies today."""
        number = self.present_use.number(functie)
        if number not in self._changed:
            every = {"kans": self.chance, **self.shares}
            self._changed[number] = {
                n: self.of_change(a, functie) if n in self.rules.of_change else a for n, a in every.items()
            }
        return self._changed[number]

    @cached_property
    def chance(self) -> Floats:
        """1 where wet nature would do well and water or soil invite it, 0 elsewhere; NaN = unknown."""
        kans = self.rules.kans
        nature = registry.load_functies()[kans.functie]
        klasse = score_arrays(self.layers, nature.model_copy(update={"zonder": {}}), wanted=("klasse",))["klasse"]
        codes = {s.letter: s.code for s in registry.answer_scale().values()}
        fits = np.isin(klasse, [codes[letter] for letter in kans.klassen])
        capped = ceiling_of(nature, self.layers) > max(codes[letter] for letter in kans.klassen)
        found = np.zeros(klasse.shape, np.float32)
        if fits.any():
            found = np.where(fits, np.float32(np.nan) if capped else self._holds(kans.als), found)
        found[klasse == 0] = np.nan
        return found

    @cached_property
    def shares(self) -> dict[str, Floats]:
        """1 where one of the cases of a share holds, 0 elsewhere, by name; NaN = unknown."""
        return {name: self._holds(cases) for name, cases in self.rules.aandelen.items()}

    def _holds(self, cases: Cases) -> Floats:
        """Tell by 1 or 0 where one of the cases holds; NaN where none does and a layer of one is unknown."""
        found = np.zeros(self.cells.shape, np.float32)
        found[np.broadcast_to(any_case(cases, self.layers, _exactly), found.shape)] = 1
        for name in sorted({c.maat for case in cases for c in case}):
            unknown = np.isnan(self.layers[name]) if name in self.layers else np.True_
            if unknown.any():
                found[(found == 0) & unknown] = np.nan
        return found

    def differences(self, layers: Collection[str]) -> dict[str, Floats]:
        """Tell by 1 where a scenario differs from the present, per layer of it among some."""
        found = {}
        for s in self.futures:
            for name in (n for n in s.layers if n in layers):
                key = f"{DIFFERS}{LayerName(name, s.name)}"
                if key not in self._different:
                    self._different[key] = _different(s.layers[name], self.layers[name])
                found[key] = self._different[key]
        return found


def _exactly(_layer: str) -> float:
    """No margin: layers meet the constants of the rules as they are."""
    return 0.0


def _different(one: Floats, other: Floats) -> Floats:
    return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)), np.float32)


def layers_of_site(rules: KompasRules, present: Collection[str]) -> set[str]:
    """Return the layers that site is judged by, besides those of functies, where ``present`` are in the data."""
    cases = (*rules.kans.als, *(case for cases in rules.aandelen.values() for case in cases))
    named = {c.maat for case in cases for c in case}
    return layers_of(registry.load_functies()[rules.kans.functie], present=present) | named
