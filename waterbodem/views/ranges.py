"""How far an answer holds, in words: what an ordinary error of a map makes of it, and what would settle it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from waterbodem.definitions.labels import answer_steps, answer_text, layer_label, name_within, plain_number, texts
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.uncertainty import LayerGroup, deviations, layer_groups
from waterbodem.definitions.units import unit_text
from waterbodem.doubt import bandbreedte
from waterbodem.engine.scoring import layers_of
from waterbodem.engine.table import UNASSESSED, letters

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

Row = Mapping[Any, Any]


def has_range(row: Row) -> bool:
    """Whether it was looked into how far an answer holds.

    Examples
    --------
    >>> has_range({"antwoord": "B", "antwoord_laag": "D"}), has_range({"antwoord": "B", "antwoord_laag": ""})
    (True, False)
    """
    return bool(row.get("antwoord_laag"))


def is_undecided(row: Row) -> bool:
    """Whether one error of a map makes the difference between a yes and a no: then no answer stands at the head.

    Examples
    --------
    >>> is_undecided({"antwoord_laag": "D", "antwoord_hoog": "B"}), is_undecided({"antwoord_laag": "C2"})
    (True, False)
    """
    scale = list(answer_steps())[:-1]
    return row.get("antwoord_laag") == scale[-1] and row.get("antwoord_hoog") in scale[:2]


def whole_range(row: Row) -> tuple[str, str]:
    """Best and worst answer that a screen shows: with an error of a map, and however the unknown turns out.

    Examples
    --------
    >>> whole_range({"antwoord_laag": "C1", "antwoord_hoog": "B", "antwoord_min": "D", "antwoord_max": "B"})
    ('B', 'D')
    """
    scale = list(answer_steps())[:-1]
    ends = [row[n] for n in ("antwoord_laag", "antwoord_hoog", "antwoord_min", "antwoord_max") if row.get(n) in scale]
    return min(ends, key=scale.index), max(ends, key=scale.index)


class Ranges:
    """How far the answers of an assessment hold, in a language.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    """

    def __init__(self, assessment: Answer, taal: str = "nl") -> None:
        self._assessment, self._taal, self._t = assessment, taal, texts(taal)["bandbreedte"]
        self._known: dict[str, dict[str, bandbreedte.Effect]] = {}

    @property
    def asked(self) -> bool:
        """Whether it was looked into."""
        return self._assessment.question.settings.has_range and not self._assessment.making.is_earlier

    @cached_property
    def heading(self) -> list[str]:
        """What the range is, what is not in it, and whose the errors are; nothing where it was not asked."""
        if not self.asked:
            return []
        q = self._assessment.question
        used = [n for n in layers_of(*q.functies, present=q.cells.present) if n in q.cells.present]
        still = [n for n in layer_kinds() if n in used and n not in deviations()]
        own = [n for n in deviations() if n in used and n in q.cells.doubts and q.cells.doubts[n].of_data]
        told = [self._t["wat"], self._t["verschoven_niet"].format(lagen=self._listed(still)) if still else ""]
        told.append(self._t["fout_uit_gegevens"].format(lagen=self._listed(own)) if own else self._t["fout_oordeel"])
        return [" ".join(t for t in told if t)]

    def _listed(self, names: list[str]) -> str:
        return ", ".join(name_within(layer_label(n, self._taal)) for n in names)

    def head(self, row: Row, brief: bool = False) -> str:
        """What stands in place of an answer that a map does not decide; empty where it does."""
        return str(self._t["beslist_niet_kort" if brief else "beslist_niet"]) if is_undecided(row) else ""

    def short(self, row: Row) -> str:
        """The range in letters, best first; empty where it is one answer."""
        best, _, worst = self.ends(row).partition("-")
        return str(self._t["kort"].format(van=best, tot=worst)) if worst else ""

    def ends(self, row: Row) -> str:
        """The same with a dash, for a column."""
        best, worst = whole_range(row) if has_range(row) else ("", "")
        return "" if best == worst else f"{best}-{worst}"

    def letters(self, row: Row) -> str:
        """The letter of an answer and its range; of one that a map does not decide the range alone."""
        letter, between = "" if is_undecided(row) else row["antwoord"], self.short(row)
        return "; ".join(t for t in (letter, between) if t)

    def sentences(self, row: Row) -> list[str]:
        """Tell how far an answer holds, what decides, and which part of it is unknown."""
        if not has_range(row) or not self.asked:
            return []
        told = [self._decides(row), self._holds(row), self._unknown(row)]
        return [t for t in told if t]

    def _holds(self, row: Row) -> str:
        """Tell that no error changes the answer."""
        same = row["antwoord"] == row["antwoord_laag"] == row["antwoord_hoog"]
        return str(self._t["houdt"]) if same and row["antwoord"] in list(answer_steps())[:-1] else ""

    def _unknown(self, row: Row) -> str:
        """Tell what the range is with all that is unknown, where that makes it wider."""
        best, worst = whole_range(row)
        if (best, worst) == (row["antwoord_hoog"], row["antwoord_laag"]) or best == worst:
            return ""
        return str(self._t["onbekend"].format(van=self._word(best), tot=self._word(worst)))

    def _word(self, letter: str) -> str:
        return answer_text(letter, self._taal)

    def _decides(self, row: Row) -> str:
        """Tell by how much a map may be wrong, what the answer becomes then, and what would settle it."""
        effect = self._effects(row["functie"]).get(row["beslist"])
        if effect is None:
            return ""
        place, group = row["nr"] - 1, layer_groups()[row["beslist"]]
        t, codes = self._t["groep"][group.id], {"omlaag": effect.down[place], "omhoog": effect.up[place]}
        becomes = [
            self._t["wordt"].format(hoe=t[side], antwoord=self._word(letters()[code]))
            for side, code in codes.items()
            if code != UNASSESSED and letters()[code] != row["antwoord"]
        ]
        if not becomes:
            return ""
        much = self._amount(effect.layer, float(effect.error[place]), effect.by_factor)
        settles = group.beslist if self._taal == "nl" else group.settles
        told = self._t["zin"].format(kaart=t["kaart"], fout=much, dan="; ".join(becomes))
        return f"{told} {self._settles(group, settles)}"

    def _settles(self, group: LayerGroup, what: str) -> str:
        many = group.id in self._t["meervoud"]
        return str(self._t["beslissen" if many else "beslist"].format(wat=what[:1].upper() + what[1:]))

    def _effects(self, functie: str) -> dict[str, bandbreedte.Effect]:
        if functie not in self._known:
            q = self._assessment.question
            plans = bandbreedte.Plans.of(q.prints, q.circumstances.size)
            asked = next(f for f in q.functies if f.id == functie)
            self._known[functie] = bandbreedte.effects_of(q.cells, plans, asked, q.settings.method)
        return self._known[functie]

    def _amount(self, layer: str, error: float, by_factor: bool) -> str:
        """Return the size of an error in words."""
        if by_factor:
            return str(self._t["factor"].format(n=plain_number(round(error, 1), self._taal)))
        unit = layer_kinds()[layer].unit
        if unit == "m":
            return f"{plain_number(_steps(100 * error), self._taal)}\u00a0cm"
        shown = self._t["procentpunt"] if unit == "%" else unit_text(unit, self._taal)
        return f"{plain_number(_two(error), self._taal)}\u00a0{shown}"


def _steps(cm: float) -> float:
    """Centimetres in steps of 5; less than that in whole ones."""
    return round(cm / 5) * 5.0 if cm >= 5 else float(math.ceil(cm))


def _two(number: float) -> float:
    """A number of two digits."""
    return float(f"{number:.2g}")
