"""Why this cell: value, score, loss and source of every criterion, and what the plan shifts to others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np

from waterbodem.core import dataset
from waterbodem.core.errors import ArgumentError, NoOverlap
from waterbodem.core.html import html_table
from waterbodem.core.lazy import xr
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    decimal,
    derived_text,
    layer_label,
    risk_class,
    risk_text,
    texts,
    threshold_label,
)
from waterbodem.definitions.models import Criterion, Functie
from waterbodem.definitions.units import unit_text
from waterbodem.engine.derived import derived_of, with_derived
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.rewetting import rewets, rewetted
from waterbodem.engine.scoring import CriterionShare, ceilings_of, criterion_shares, score_arrays
from waterbodem.kernels.levels import LEVELS


@dataclass(frozen=True)
class Reason:
    """One criterion in one cell.

    ``verlies`` is its part of 1 - score; ``waarde`` is NaN where unknown and inf where absent; a group lists the
    values of its members by name. ``waarde_na_peilopzet`` is what is scored where the functie raises the groundwater,
    None where it does not; ``afgeleid`` are its layers that are not in the data but follow from others.
    """

    naam: str
    waarde: float | dict[str, float]
    eenheid: str
    score: float
    gewicht: float
    verlies: float
    bron: str
    expertoordeel: str
    waarde_na_peilopzet: float | dict[str, float] | None = None
    afgeleid: tuple[str, ...] = ()

    @property
    def is_raised(self) -> bool:
        """Whether rewetting changes what is scored."""
        after = [] if self.waarde_na_peilopzet is None else _numbers(self.waarde_na_peilopzet)
        return any(high < low for high, low in zip(after, _numbers(self.waarde), strict=False))

    @property
    def remarks(self) -> str:
        """Return what must be known of the value: that it was derived, and what it is after rewetting."""
        made = [derived_text(n) for n in self.afgeleid]
        raised = [f"{criterion_value_text(self.waarde_na_peilopzet)} {REWETTED}"] if self.is_raised else []
        return "; ".join(made + raised)


def _numbers(value: float | dict[str, float]) -> list[float]:
    return list(value.values()) if isinstance(value, dict) else [value]


#: What is told beside a groundwater level that the functie raises itself.
REWETTED = "na peilopzet; vraagt een peilbesluit"


@dataclass(frozen=True)
class Shift:
    """One component of afwenteling in one cell; positive = burden."""

    naam: str
    waarde: float
    eenheid: str


@dataclass(frozen=True)
class TippingPoint:
    """The value of one layer at which the answer becomes another, all else as it is."""

    laag: str
    waarde: float
    eenheid: str
    bij: float
    klasse: str

    def told(self, taal: str = "nl") -> str:
        """Return it as a sentence.

        Examples
        --------
        >>> TippingPoint("ghg", 0.45, "m", 0.704, "C1").told()
        'GHG 0,45 m; bij 0,70 m wordt het C1.'
        """
        unit = unit_text(self.eenheid, taal)
        digits = next((d for d in (2, 3, 4) if round(self.waarde, d) != round(self.bij, d)), 5)
        known = {n: f"{decimal(v, digits, taal)} {unit}".rstrip() for n, v in self._values if math.isfinite(v)}
        values = {"waarde": texts(taal)["afwezig"], "bij": texts(taal)["afwezig"], **known}
        return str(
            texts(taal)["gevoeligheid"]["kantelt"].format(
                laag=layer_label(self.laag, taal), klasse=self.klasse, **values
            )
        )

    @property
    def _values(self) -> tuple[tuple[str, float], ...]:
        return ("waarde", self.waarde), ("bij", self.bij)


@dataclass(frozen=True)
class Explanation:
    """Why a cell got its answer, as text, HTML and plain data."""

    x: float
    y: float
    functie: str
    score: float
    klasse: str
    antwoord: str
    dekking: float
    vlaggen: tuple[str, ...]
    criteria: tuple[Reason, ...]
    verlies_drempel: float
    afwenteling: tuple[Shift, ...]
    risico: float
    oorzaak: str
    drempels: tuple[str, ...] = ()
    hoogstens: tuple[str, ...] = ()
    kantelpunt: TippingPoint | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; NaN where unknown."""
        return asdict(self)

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._tips(), *self._criterion_lines(), *self._shift_lines()])

    def _tips(self) -> list[str]:
        return [] if self.kantelpunt is None else [f"  {self.kantelpunt.told()}"]

    def _headline(self) -> str:
        return (
            f"{self.functie} op x={self.x:g}, y={self.y:g}: {self.klasse} ({self.antwoord}), "
            f"score {quantity_text(self.score)}, dekking {quantity_text(self.dekking)}"
            + (f"; drempels die afgaan: {', '.join(self.drempels)}" if self.drempels else "")
            + "".join(f"; hoogstens {told}" for told in self.hoogstens)
        )

    def _criterion_lines(self) -> list[str]:
        rows = [
            f"  {r.naam:<24}{criterion_value_text(r.waarde):>12} {_unit(r):<6} score {quantity_text(r.score):>9}"
            f"  gewicht {quantity_text(r.gewicht)}  verlies {quantity_text(r.verlies)}  [{r.bron or '-'}"
            + (f"; {r.expertoordeel}]" if r.expertoordeel else "]")
            + (f" ({r.remarks})" if r.remarks else "")
            for r in self.criteria
        ]
        extra = [f"  uitgesloten door drempel: verlies {quantity_text(self.verlies_drempel)}"]
        return rows + (extra if self.verlies_drempel > 0 else [])

    def _risk(self) -> str:
        step = risk_class(self.risico)
        said = f"{step.naam} ({risk_text(self.risico)})" if step else quantity_text(self.risico)
        return f"afwentelingsrisico {said}" + (f", vooral door {self.oorzaak}" if self.oorzaak else "")

    def _shift_lines(self) -> list[str]:
        rows = (f"    {s.naam:<22}{quantity_text(s.waarde):>10} {unit_text(s.eenheid)}" for s in self.afwenteling)
        return [f"  {self._risk()}", *rows]

    def _repr_html_(self) -> str:
        shifts = ((s.naam, f"{quantity_text(s.waarde)} {unit_text(s.eenheid)}".strip()) for s in self.afwenteling)
        reasons = html_table(self._headline(), HEADINGS, map(_told, self.criteria))
        reasons += "".join(f"<p>{escape(told.strip())}</p>" for told in self._tips())
        return reasons + html_table(self._risk().capitalize(), ["last", "waarde"], shifts)


HEADINGS = ("criterium", "waarde", "score", "gewicht", "verlies", "bron")


def _told(r: Reason) -> tuple[str, ...]:
    value = f"{criterion_value_text(r.waarde)} {_unit(r)}".strip() + (f" ({r.remarks})" if r.remarks else "")
    source = "; ".join(t for t in (r.bron, r.expertoordeel) if t)
    return (_label(r.naam), value, quantity_text(r.score), quantity_text(r.gewicht), quantity_text(r.verlies), source)


def _label(criterion: str) -> str:
    """Return the names of the layers of a criterion."""
    return " of ".join(registry.layer_kinds()[name].naam for name in criterion.split("+"))


def _unit(reason: Reason) -> str:
    """Return the unit of a value; a code has none."""
    kinds = registry.layer_kinds()
    return "" if any(kinds[name].soort == "klasse" for name in reason.naam.split("+")) else unit_text(reason.eenheid)


def quantity_text(value: float) -> str:
    """Text of a quantity of any unit: hundredths, from 100 on whole ones."""
    return decimal(value, 2 if abs(value) < 100 else 0)


def criterion_value_text(value: float | dict[str, float] | None) -> str:
    """Return the value of a criterion, or of every member of a group."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {quantity_text(v)}" for name, v in value.items())
    return "" if value is None else quantity_text(value)


def cell_at(layers: xr.Dataset, x: float, y: float) -> tuple[int, int]:
    """Return row and column of the cell at a point.

    Raises
    ------
    WaterbodemError
        If it is no point, or lies outside the data.
    """
    grid = dataset.grid_of(layers)
    if not all(isinstance(v, (int, float, np.integer, np.floating)) for v in (x, y)):
        raise ArgumentError("give a point as two numbers", value=(x, y), where="x, y")
    xmin, ymin, xmax, ymax = grid.bounds
    if not (xmin <= x < xmax and ymin < y <= ymax):
        raise NoOverlap("point lies outside the data", value=(x, y), allowed=f"within {grid.bounds}", where="x, y")
    return int((grid.top - y) // grid.dy), int((x - grid.left) // grid.dx)


def explain(
    cells: LayerSet, functie: Functie, burden: Any, at: tuple[float, float], methode: str, orness: float | None
) -> Explanation:
    """Return why one cell got its answer; ``burden`` is that of the cell."""
    wanted = ("score", "klasse", "dekking", "flags", "loss")
    found = score_arrays(cells.present, functie, methode, orness, wanted)
    parts, cell = criterion_shares(functie, list(cells.present)), _Cell.of(cells, functie)
    step = registry.answer_scale()[int(found["klasse"][0, 0])]
    flags = int(found["flags"][0, 0])
    components = registry.burden_rules().components
    cause = int(burden.oorzaak[0, 0])
    return Explanation(
        x=float(at[0]),
        y=float(at[1]),
        functie=functie.id,
        score=float(found["score"][0, 0]),
        klasse=step.letter,
        antwoord=step.antwoord,
        dekking=float(found["dekking"][0, 0]),
        vlaggen=tuple(t.label for i, t in enumerate(functie.drempels) if flags >> i & 1),
        drempels=tuple(threshold_label(t) for i, t in enumerate(functie.drempels) if flags >> i & 1),
        hoogstens=tuple(f"{letter}: {reason}" for letter, reason in ceilings_of(functie, list(cells.present))),
        criteria=tuple(_reason(cell, functie, p, found["loss"][k, 0]) for k, p in enumerate(parts)),
        verlies_drempel=float(found["loss"][-1, 0]),
        afwenteling=tuple(
            Shift(c.naam, float(v), c.unit) for c, v in zip(components, burden.components[:, 0, 0], strict=True)
        ),
        risico=float(burden.risico[0, 0]),
        oorzaak=components[cause - 1].naam if cause else "",
    )


@dataclass(frozen=True)
class _Cell:
    """The values of one cell: as they are, as they are scored, and which were derived."""

    values: Mapping[str, np.float32]
    scored: Mapping[str, np.float32]
    derived: tuple[str, ...]

    @classmethod
    def of(cls, cells: LayerSet, functie: Functie) -> _Cell:
        given = {n: layer[0, 0] for n, layer in cells.present.items()}
        values = with_derived(given)
        return cls(values, rewetted(functie, values), derived_of(given))


def _reason(cell: _Cell, functie: Functie, part: CriterionShare, loss: np.float32) -> Reason:
    criteria = [functie.all_criteria[m] for m in part.members]
    units = {registry.layer_kinds()[m].unit for m in part.members}
    raised = rewets(functie) and any(m in LEVELS for m in part.members)
    return Reason(
        naam=part.name,
        waarde=_told_values(cell.values, part),
        eenheid=units.pop() if len(units) == 1 else "",
        score=_score(cell.scored, functie, part),
        gewicht=part.weight,
        verlies=float(loss),
        bron=", ".join(dict.fromkeys(b for c in criteria for b in c.bron)),
        expertoordeel=_judgement(criteria),
        waarde_na_peilopzet=_told_values(cell.scored, part) if raised else None,
        afgeleid=tuple(m for m in part.members if m in cell.derived),
    )


def _told_values(values: Mapping[str, np.float32], part: CriterionShare) -> float | dict[str, float]:
    """Return the value of a criterion, or of every member of a group."""
    found = {m: float(values.get(m, math.nan)) for m in part.members}
    return found if len(found) > 1 else found[part.members[0]]


def _judgement(criteria: list[Criterion]) -> str:
    """Return how much of the criteria is expertoordeel, in words."""
    marks = {"geheel": "expertoordeel", "vorm": "vorm: expertoordeel", "": ""}
    return "; ".join(dict.fromkeys(marks[c.expertoordeel] for c in criteria if c.expertoordeel))


def _score(values: Mapping[str, np.float32], functie: Functie, part: CriterionShare) -> float:
    """Return the score of one criterion; NaN where it is unknown."""
    known = [_score_of(functie.all_criteria[m], float(values.get(m, math.nan))) for m in part.members]
    best = max((s for s in known if not math.isnan(s)), default=math.nan)
    enough = registry.scoring_rules()
    complete = not any(math.isnan(s) for s in known)
    return best if complete or best + enough.marge >= enough.groep_bekend else math.nan


def _score_of(criterion: Criterion, value: float) -> float:
    """Return the score of a value by the curve of a criterion; NaN where unknown."""
    if math.isnan(value):
        return math.nan
    if math.isinf(value) and criterion.score_afwezig is not None:
        return criterion.score_afwezig
    x, y = zip(*criterion.curve, strict=True)
    return float(np.interp(value, x, y))
