"""What turned an answer: per plan the threshold, ``hoogstens``, criterion or present use behind another class.

All of it is read from what both answers hold; nothing is computed again, so that answers of two editions of the rules
can be held against each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.answers.answer import Answer
from waterbodem.answers.question import Question
from waterbodem.definitions.labels import (
    answer_steps,
    criterion_label,
    decimal,
    name_of,
    reference_name,
    risk_class,
    short_name,
    texts,
    threshold_label,
    unknown_class,
)
from waterbodem.definitions.models import Functie, Threshold
from waterbodem.definitions.present_use import reference_label
from waterbodem.definitions.telling import told_from
from waterbodem.engine.reference import present_use
from waterbodem.engine.scoring import ceilings_of
from waterbodem.engine.sums import mean
from waterbodem.engine.table import SCORED
from waterbodem.kernels.scoring import NO_CRITERION

#: Letters of a name.
NAME = 80
Array = NDArray[Any]
Rows = Mapping[str, Any]


@dataclass(frozen=True)
class ChangeCause:
    """One thing that turned an answer or a risk.

    Parameters
    ----------
    soort : str
        drempel, hoogstens, criterium, regels, onbekend, referentie, onaannemelijk or last.
    naam : str
        Which one: id of a threshold, criterion or component, a class, or two uses.
    hectares : float
        Where it did [ha]; NaN where that is not known by cell.
    words : mapping of taal to str
        Its name for a reader.
    """

    soort: str
    naam: str = ""
    hectares: float = np.nan
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """For a table, as ``drempel:natuur >= 2``."""
        return f"{self.soort}:{self.naam}" if self.naam else self.soort

    def text(self, taal: str) -> str:
        """For a reader, with its hectares."""
        t = texts(taal)["vergelijking"]
        told = str(t["omslag"][self.soort]).format(naam=self.words.get(taal, self.naam))
        return told if np.isnan(self.hectares) else f"{told} ({decimal(self.hectares, 2, taal)} ha)"


@dataclass(frozen=True)
class ComparedAnswer:
    """One of two answers about a functie."""

    answer: Answer
    functie: Functie

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.answer.question

    def codes(self, name: str) -> Array:
        """Cells of a grid of codes."""
        return np.asarray(self.answer.of(self.functie)[name].values)

    @property
    def rows(self) -> list[Rows]:
        """The table of the functie, a row per polygon."""
        table = self.answer.rows
        return list(table[table.functie == self.functie.id].drop(columns="geometry").to_dict("records"))

    @property
    def criteria(self) -> list[str]:
        """Names that the codes of ``bepalend`` stand for."""
        stated = self.answer.cells.attrs["criteria"]
        return list(json.loads(stated)[self.functie.id] if isinstance(stated, str) else stated)

    @property
    def fired(self) -> dict[str, tuple[Threshold, Array]]:
        """Thresholds that decide, by their rule, and the cells where they fire."""
        flags, deciding = self.codes("vlaggen"), [(i, t) for i, t in enumerate(self.functie.drempels)]
        return {t.label: (t, (flags >> i & 1).astype(bool)) for i, t in deciding if t.gevolg != "aandacht"}

    @property
    def ceiling(self) -> str:
        """Best class that the functie allows on its layers; empty: any."""
        order = list(answer_steps())
        return max((letter for letter, _ in self._ceilings), key=order.index, default="")

    @property
    def _ceilings(self) -> list[tuple[str, str]]:
        return ceilings_of(self.functie, list(self.question.cells.present))

    @property
    def use(self) -> Array:
        """Code of the present use of every cell, NaN unknown."""
        q = self.question
        found = present_use(q.settings.reference, q.cells.present)
        return np.full(q.grid.shape, found.code, np.float32) if isinstance(found, Functie) else np.asarray(found)

    @property
    def use_label(self) -> str:
        """Id of the present use, or what holds it."""
        return reference_label(self.question.settings.reference, self.question.cells.present)

    def use_name(self, taal: str) -> str:
        """Name of the present use."""
        return short_name(reference_name(self.question.settings.reference, self.question.cells.present, taal), NAME)


@dataclass(frozen=True)
class ChangeCauses:
    """What turned the answer of a plan, and its risk; nothing where they are as they were."""

    answer: tuple[ChangeCause, ...] = ()
    risk: tuple[ChangeCause, ...] = ()


def change_causes(before: ComparedAnswer, after: ComparedAnswer) -> list[ChangeCauses]:
    """Return per polygon what turned the answer, and the class of its risk."""
    by_cells = {worse: _cells_turned(*sides) for worse, sides in _sides(before, after).items()}
    elsewhere = hectares_of(_differ(before.use, after.use), after.question)
    found = []
    for place, (a, b) in enumerate(zip(before.rows, after.rows, strict=True)):
        use = float(elsewhere[place])
        found.append(ChangeCauses(_answer_turns(a, b, by_cells, place), tuple(_risk_turns(before, after, (a, b), use))))
    return found


def _sides(before: ComparedAnswer, after: ComparedAnswer) -> dict[bool, tuple[ComparedAnswer, ComparedAnswer]]:
    """Return the worse and the better side, for an answer that became worse (True) and one that became better."""
    return {True: (after, before), False: (before, after)}


# --- answers ---------------------------------------------------------------------------------------------------------


def _answer_turns(a: Rows, b: Rows, by_cells: Mapping[bool, Any], place: int) -> tuple[ChangeCause, ...]:
    letters, order = (a["antwoord"], b["antwoord"]), list(answer_steps())
    if letters[0] == letters[1]:
        return ()
    if unknown_class().letter in letters:
        return (ChangeCause("onbekend"),)
    worse = order.index(letters[1]) > order.index(letters[0])
    whole = float(b["oppervlakte_ha"])
    cells = [
        (turn, float(ha[place]))
        for turn, ha in by_cells[worse]
        if ha[place] >= told_from("gekanteld_aandeel") * whole > 0
    ]
    told = [
        ChangeCause(t.soort, t.naam, ha, t.words)
        for t, ha in sorted(cells, key=lambda x: -x[1])[: int(told_from("gekanteld_aantal"))]
    ]
    return tuple(told) or _loss_turn(*((b, a) if worse else (a, b)))


def _loss_turn(worse: Rows, better: Rows) -> tuple[ChangeCause, ...]:
    """Return the criterion that costs the worse answer most more than the better one; else it was the rule itself."""
    losses = {n: worse[n] - np.nan_to_num(better.get(n, 0.0)) for n in worse if str(n).startswith(SCORED)}
    known = {str(n).removeprefix(SCORED): float(v) for n, v in losses.items() if v >= told_from("verlies")}
    return (_criterion(max(known, key=lambda n: known[n])),) if known else (ChangeCause("regels"),)


def _cells_turned(worse: ComparedAnswer, better: ComparedAnswer) -> list[tuple[ChangeCause, Array]]:
    """Return what makes cells worse on one side than on the other, and per polygon the hectares of it.

    A cell is turned by the first that holds: a threshold that fires on the worse side alone; the best class that the
    functie allows there, if it is lower than on the other side; the criterion that presses its score most.
    """
    left, found = _lower(worse.codes("klasse"), better.codes("klasse")), []
    for turn, mask in _reasons(worse, better):
        found.append((turn, hectares_of(left & mask, worse.question)))
        left = left & ~mask
    return found


def _lower(worse: Array, better: Array) -> Array:
    """Tell which cells have a lower class on the worse side; codes rise from A to D."""
    no = (unknown_class().code, NO_CRITERION)
    return np.asarray(~np.isin(worse, no) & ~np.isin(better, no) & (worse > better))


def _reasons(worse: ComparedAnswer, better: ComparedAnswer) -> Iterator[tuple[ChangeCause, Array]]:
    """Yield what may turn cells, and the cells where it holds, in the order in which they count."""
    before = better.fired
    for id_, (threshold, mask) in worse.fired.items():
        words = {taal: threshold_label(threshold, taal) for taal in ("nl", "en")}
        yield ChangeCause("drempel", id_, words=words), mask & ~before[id_][1] if id_ in before else mask
    klasse, order = worse.codes("klasse"), list(answer_steps())
    if worse.ceiling and order.index(worse.ceiling) > (order.index(better.ceiling) if better.ceiling else 0):
        yield ChangeCause("hoogstens", worse.ceiling), klasse == answer_steps()[worse.ceiling].code
    pressing = worse.codes("bepalend")
    for code, name in enumerate(worse.criteria):
        yield _criterion(name), pressing == code


def _criterion(name: str) -> ChangeCause:
    return ChangeCause("criterium", name, words={taal: criterion_label(name, taal) for taal in ("nl", "en")})


# --- risk ------------------------------------------------------------------------------------------------------------


def _risk_turns(
    before: ComparedAnswer, after: ComparedAnswer, rows: tuple[Rows, Rows], use_ha: float
) -> Iterator[ChangeCause]:
    """Yield what turned the class of the risk: another present use, one that is not believed, a component."""
    a, b = rows
    if risk_class(a["risico"]) is risk_class(b["risico"]):
        return
    if use_ha >= told_from("gekanteld_aandeel") * b["oppervlakte_ha"] > 0:
        names = {taal: f"{before.use_name(taal)} → {after.use_name(taal)}" for taal in ("nl", "en")}
        yield ChangeCause("referentie", f"{before.use_label} > {after.use_label}", use_ha, names)
    doubted = [float(np.nan_to_num(r["referentie_onaannemelijk_ha"])) for r in rows]
    if doubted[0] != doubted[1]:
        yield ChangeCause("onaannemelijk", hectares=max(doubted))
    if np.isnan(a["risico"]) or np.isnan(b["risico"]):
        yield ChangeCause("onbekend")
        return
    side, row = (after, b) if b["risico"] > a["risico"] else (before, a)
    if row["oorzaak"]:
        parts = {c.id: c for c in side.answer.making.burden_rules.components}
        words = {taal: name_of(parts[row["oorzaak"]], taal) for taal in ("nl", "en")}
        yield ChangeCause("last", row["oorzaak"], words=words)


def _differ(one: Array, other: Array) -> Array:
    """Tell which cells hold another code; what is unknown in both is the same."""
    return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)))


def hectares_of(mask: Array, q: Question) -> NDArray[np.float64]:
    """Return per polygon the hectares of the cells where a mask holds."""
    average, cells = mean(np.where(q.prints.mask, mask.astype(np.float32), np.float32(np.nan)), q.prints)
    return np.asarray(np.nan_to_num(average) * cells * q.grid.cell_ha)
