"""What scenarios make of answers, in words: the answer under each, whether it holds, and how much of it they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from waterbodem.definitions.labels import (
    answer_text,
    decimal,
    layer_label,
    name_of,
    name_within,
    plain_number,
    short_name,
    texts,
)
from waterbodem.definitions.layer_name import AT, LayerName
from waterbodem.engine.across import VARIED
from waterbodem.engine.scoring import layers_of

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

Row = Mapping[Any, Any]
#: Letters of what a layer says of itself at most; smaller regret is none.
REMARK, NO_REGRET = 120, 0.005


def holds_text(row: Row, taal: str) -> str:
    """Return in how many scenarios an answer holds, and how many layers that is known of; empty where none was asked.

    Examples
    --------
    >>> row = {"antwoord": "B", "antwoord_slechtst": "C1", "houdt_k": 1.0, "houdt_n": 2.0, VARIED: "2 van 5"}
    >>> holds_text(row, "nl")
    "Houdt in 1 van 2 scenario's (met een variant van 2 van 5 lagen); slechtst: ja, mits (gemiddelde opgave) (C1)."
    """
    many, (varied, _, resting) = row.get("houdt_n", 0.0), str(row.get(VARIED, "")).partition(" van ")
    if not many > 0:
        return ""
    t = texts(taal)["scenario"]
    if varied == "0":
        return str(t["geen_variant"].format(n=resting))
    holds = {"k": plain_number(row["houdt_k"], taal), "n": plain_number(many, taal), "met": varied, "van": resting}
    worst = row["antwoord_slechtst"]
    under = "" if worst == row["antwoord"] else t["slechtst"].format(antwoord=answer_text(worst, taal), letter=worst)
    key = "houdt" if row["houdt_k"] == row["houdt_k"] else "onbekend"
    return str(t[key].format(**holds, slechtst=under))


class Futures:
    """Answers of an assessment under the scenarios that were asked.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    """

    def __init__(self, assessment: Answer, taal: str = "nl") -> None:
        self._assessment, self._taal, self._t = assessment, taal, texts(taal)["scenario"]

    def __bool__(self) -> bool:
        return self._assessment.futures is not None

    @property
    def names(self) -> list[str]:
        """Scenarios, of stress tests that they are."""
        return [f"{s} ({self._t['stresstest']})" if s in self._tests else s for s in self._asked]

    @property
    def _asked(self) -> Sequence[str]:
        return self._assessment.question.asked

    @property
    def _tests(self) -> Sequence[str]:
        return self._assessment.question.stress_tests

    @cached_property
    def _letters(self) -> dict[tuple[int, str], list[str]]:
        found: dict[tuple[int, str], list[str]] = {}
        rows = self._assessment.futures
        for nr, id_, letter in () if rows is None else zip(rows.nr, rows.functie, rows.antwoord, strict=True):
            found.setdefault((nr, id_), []).append(letter)
        return found

    def answers(self, row: Row) -> list[str]:
        """Letter of the answer under every scenario, of a row of today."""
        return self._letters.get((row["nr"], row["functie"]), [])

    def sentences(self, row: Row) -> list[str]:
        """Tell whether an answer holds, and what it becomes under stress tests."""
        under = zip(self._asked, self.answers(row), strict=False)
        tests = [(name, letter) for name, letter in under if name in self._tests]
        told = [self._t["test"].format(naam=n, antwoord=answer_text(x, self._taal), letter=x) for n, x in tests]
        return [s for s in (holds_text(row, self._taal), *told) if s]

    def varied(self, row: Row) -> str:
        """Return of how many of the layers that count a scenario has a variant."""
        some, _, resting = row[VARIED].partition(" van ")
        return str(self._t["houdt_kort"].format(k=some, n=resting))

    def regret(self, row: Row) -> str:
        """Tell how far a score stays below that of another functie, where that is most; a dash where it does not."""
        if not row["spijt"] >= NO_REGRET or not row["spijt_functie"]:
            return "\u2013"
        functies = {f.id: f for f in self._assessment.question.functies}
        other = name_within(name_of(functies[row["spijt_functie"]], self._taal))
        return f"{decimal(row['spijt'], 2, self._taal)} ({other})"

    @property
    def variants(self) -> list[tuple[str, str, str]]:
        """Name of every scenario, the year and what its layers say it is, and which of the layers that count it has."""
        return [(name, self._about(s), self._varied(s)) for name, s in zip(self.names, self._asked, strict=True)]

    def _members(self, scenario: str) -> list[str]:
        q = self._assessment.question
        counts = layers_of(*q.functies, present=q.cells.present)
        named = [LayerName.of(str(n)) for n in q.layers.data_vars if AT in str(n)]
        members = (n for n in named if n.scenario == scenario and not n.percentile)
        return [str(n) for n in members if n.layer in counts and n.layer in q.cells.present]

    def _about(self, scenario: str) -> str:
        q = self._assessment.question
        years = [s.horizon for s in q.cells.scenarios if s.name == scenario and s.horizon is not None]
        said = [q.layers[n].attrs.get("bron_scenario") for n in self._members(scenario)]
        told = [*(f"{y:.0f}" for y in years), *(short_name(s, REMARK) for s in said if s)]
        return "; ".join(dict.fromkeys(told)) or self._t["ongezegd"]

    def _varied(self, scenario: str) -> str:
        names = [name_within(layer_label(LayerName.of(n).layer, self._taal)) for n in self._members(scenario)]
        return ", ".join(names) or str(self._t["geen"])
