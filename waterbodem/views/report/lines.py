"""What a report shows, as plain values for a template: a line per polygon and functie, and what lies behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from waterbodem.answers.alternatives import verdicts_of
from waterbodem.answers.particulars import is_present_use
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    amount,
    answer_steps,
    answer_text,
    criterion_label,
    decimal,
    functies_of,
    graded,
    name_of,
    name_within,
    percent,
    risk_class,
    short_name,
    texts,
    threshold_label,
    unknown_class,
)
from waterbodem.definitions.models import Component, Functie
from waterbodem.definitions.units import unit_text
from waterbodem.engine.scoring import score_arrays
from waterbodem.engine.sums import mean
from waterbodem.engine.table import classes_of, letters
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.views.caveats import Caveats, condition_text
from waterbodem.views.names import distinct_names, name_in_sentence

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Thresholds that fire on less than this share of a polygon are not named in its sentence.
TOLD_FROM = 0.01
#: Losses smaller than this are not listed in words; the bar shows them.
LISTED_FROM = 0.005
#: Names are cut at this length; at the second where there are more lines than the third, so that a page stays small.
NAME_LENGTH, SHORT_LENGTH, MANY_LINES = 120, 60, 4_000
#: The component whose amount is a guess within a factor, and the one that is told in steps.
COST, LOWERING = "kosten", "grondwaterverlaging"
#: Up to this many polygons are named in a sentence, and only while their names together have no more letters than this.
MAX_NAMED, MAX_LETTERS = 8, 160
#: Up to this many lines have the reasons of the Kompas, and so need them in the language of the report.
MAX_REASONED = 1_000


@dataclass(frozen=True)
class Loss:
    """What a criterion costs the score."""

    naam: str
    label: str
    waarde: float


@dataclass(frozen=True)
class ReportLine:
    """One polygon and functie; ``name_in_sentence`` is how a sentence names the polygon."""

    place: int
    gebied: str
    said: str
    functie: Functie
    row: Any
    losses: tuple[Loss, ...]
    fired: tuple[tuple[str, float], ...]
    burden: tuple[float, ...]
    verdicts: tuple[Any, ...]

    @property
    def hectares(self) -> list[tuple[str, float, float]]:
        """Class, hectares and share of the polygon; unknown and outside come last."""
        whole = self.row["oppervlakte_ha"]
        parts = [(letter, self.row[f"ha_{letter}"]) for letter in graded()]
        rest = [("X", self.row["onbekend_ha"]), ("buiten", self.row["buiten_ha"])]
        return [(n, ha, ha / whole) for n, ha in (*parts, *rest) if ha > 0 and whole > 0]

    @property
    def listed(self) -> list[Loss]:
        """Losses worth naming, largest first."""
        return sorted((x for x in self.losses if x.waarde >= LISTED_FROM), key=lambda x: -x.waarde)

    @property
    def uncertain(self) -> bool:
        """Whether something is unknown that the answer may depend on."""
        r = self.row
        gap = r["onbekend_ha"] > 0 or r["buiten_ha"] > 0 or r["weinig_steun"]
        return bool(gap or r["antwoord_min"] != r["antwoord_max"] or not r["dekking"] >= 1 - 1e-6)


class ReportView:
    """An assessment as the template sees it.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    limit : int
        At most this many lines.
    """

    def __init__(self, assessment: Answer, taal: str, limit: int) -> None:
        self.assessment, self.taal, self.t = assessment, taal, texts(taal)
        self.functies = functies_of(assessment)
        self.total = len(assessment.today)
        self._limit = limit
        self._name_length = NAME_LENGTH if self.total <= MANY_LINES else SHORT_LENGTH

    @cached_property
    def lines(self) -> list[ReportLine]:
        """Lines in the order of the table: polygons first."""
        table = pd.DataFrame(self.assessment.today.drop(columns="geometry")).head(self._limit)
        rows = table.to_dict("records")
        named = list(zip(self._names(rows), self._names(rows, self._said), strict=True))
        verdicts = self._verdicts(len(rows))
        return [self._line(i, row, named[i], verdicts[i]) for i, row in enumerate(rows)]

    def _verdicts(self, count: int) -> list[tuple[Any, ...]]:
        """Return the six verdicts of the first lines; in another language than the answer's they are made again.

        Not those of an earlier edition.
        """
        if self.taal == "nl" or count > MAX_REASONED or self.assessment.making.is_earlier:
            each = len(self.assessment.kompas) // max(1, self.total)
            found = list(self.assessment.kompas.head(each * count).itertuples(index=False))
            return [tuple(found[each * i : each * (i + 1)]) for i in range(count)]
        told = verdicts_of(self.assessment.question, self.taal)
        return [tuple(v) for of_area in zip(*told.values(), strict=True) for v in of_area][:count]

    def _names(self, rows: Sequence[dict[Any, Any]], shown: Callable[[str], str] = str) -> list[str]:
        """Return the names of polygons; a number is added where two share a name."""
        of_nr = distinct_names({r["nr"]: r["gebied"] for r in rows}, self._name_length, shown)
        return [of_nr[r["nr"]] for r in rows]

    def _said(self, name: str) -> str:
        return name_in_sentence(name, self.taal)

    def _line(self, place: int, row: dict[Any, Any], names: tuple[str, str], verdicts: tuple[Any, ...]) -> ReportLine:
        functie = self.functies[row["functie"]]
        area = row["nr"] - 1
        fired = [(label, float(shares[area])) for label, shares in self._fired[functie.id]]
        return ReportLine(
            place=place,
            gebied=names[0],
            said=names[1],
            functie=functie,
            row=row,
            losses=self._losses(row),
            fired=tuple(sorted(((w, s) for w, s in fired if s >= TOLD_FROM), key=lambda x: -x[1])),
            burden=tuple(float(means[area]) for means in self._burden[functie.id]),
            verdicts=verdicts,
        )

    def _losses(self, row: dict[Any, Any]) -> tuple[Loss, ...]:
        known = {str(c).removeprefix("verlies_"): v for c, v in row.items() if str(c).startswith("verlies_")}
        return tuple(
            Loss(n, criterion_label(n, self.taal), float(v)) for n, v in known.items() if not math.isnan(v) and v > 0
        )

    @cached_property
    def _fired(self) -> dict[str, list[tuple[str, Any]]]:
        """Per functie, per threshold that decides: its words, and the share of every polygon where it fires."""
        return {id_: self._fired_of(f) for id_, f in self.functies.items()}

    def _fired_of(self, functie: Functie) -> list[tuple[str, Any]]:
        cells, found = self.assessment.of(functie), []
        inside, flags = cells["klasse"].values != NO_CRITERION, cells["vlaggen"].values
        for i, threshold in enumerate(functie.drempels):
            if threshold.gevolg != "aandacht":
                fires = np.where(inside, (flags >> i & 1).astype(np.float32), np.float32(np.nan))
                share, _ = mean(fires, self.assessment.question.prints)
                found.append((threshold_label(threshold, self.taal), np.nan_to_num(share)))
        return found

    @cached_property
    def _burden(self) -> dict[str, list[Any]]:
        """Per functie, per component: the mean over the known cells of every polygon."""
        prints, parts = self.assessment.question.prints, self.assessment.making.burden_rules.components
        return {
            id_: [mean(self.assessment.of(f)[c.id].values, prints)[0] for c in parts]
            for id_, f in self.functies.items()
        }

    def interval(self, line: ReportLine) -> tuple[float, float]:
        """Return the mean score if all that is unknown, or outside the data, turned out worst and best.

        NaN of an earlier edition, which did not keep it.
        """
        if self.assessment.making.is_earlier:
            return math.nan, math.nan
        low, high = (float(means[line.row["nr"] - 1]) for means in self._intervals[line.functie.id])
        inside = line.row["beoordeeld_ha"] + line.row["onbekend_ha"]
        outside = line.row["buiten_ha"]
        whole = inside + outside
        if not whole > 0:
            return math.nan, math.nan
        low, high = (0.0 if math.isnan(v) else v for v in (low, high))
        return low * inside / whole, (high * inside + outside) / whole

    @cached_property
    def _intervals(self) -> dict[str, list[Any]]:
        """Per functie, the means over every polygon of the lowest and the highest score."""
        q = self.assessment.question
        wanted = ("score_min", "score_max")
        found = {id_: score_arrays(q.cells.present, f, *q.settings.method, wanted) for id_, f in self.functies.items()}
        return {id_: [mean(scores[n], q.prints)[0] for n in wanted] for id_, scores in found.items()}

    # --- words -------------------------------------------------------------------------------------------------------

    @property
    def question(self) -> str:
        """Return what was asked, in one sentence."""
        t = self.t["vraag"]
        functies = [name_within(short_name(name_of(f, self.taal), NAME_LENGTH)) for f in self.functies.values()]
        names = self._names([{"nr": a.nr, "gebied": a.name} for a in self.assessment.question.areas], self._said)
        text = t["een" if len(functies) == 1 else "meer"]
        return str(text.format(functies=self._and(functies), gebieden=self._places(names)))

    def _and(self, names: Sequence[str]) -> str:
        return f" {self.t['en']} ".join([n for n in (", ".join(names[:-1]), names[-1]) if n])

    @cached_property
    def beside(self) -> Caveats:
        """What stands beside every answer."""
        return Caveats(self.assessment, self.taal)

    @property
    def lead(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Name per functie, and letter (none: a map decides) and words of every answer, best first."""
        return [(short_name(name_of(f, self.taal), NAME_LENGTH), self._lead(f)) for f in self.functies.values()]

    def _lead(self, functie: Functie) -> list[tuple[str, str]]:
        told = self.t["vraag"]["op"]
        return [
            (letter, told.format(antwoord=answer, gebieden=self._places(names)))
            for (letter, answer), names in self._by_answer(functie).items()
        ]

    def _rows_of(self, functie: Functie) -> tuple[list[dict[Any, Any]], list[str]]:
        """Return the rows of a functie, and how a sentence names their polygons."""
        table = self.assessment.rows
        rows = table[table.functie == functie.id].drop(columns="geometry").to_dict("records")
        return rows, self._names(rows, self._said)

    def _by_answer(self, functie: Functie) -> dict[tuple[str, str], list[str]]:
        """Return names of polygons by letter and words of their answer, best first."""
        found: dict[tuple[str, str], list[str]] = {}
        for row, name in zip(*self._rows_of(functie), strict=True):
            letter = "" if self.beside.ranges.head(row) else row["antwoord"]
            found.setdefault((letter, self._in_short(row)), []).append(name)
        order = [*answer_steps(), ""]
        return dict(sorted(found.items(), key=lambda item: order.index(item[0][0])))

    def _in_short(self, row: dict[Any, Any]) -> str:
        """Return an answer in words; of one with a condition of its own that in short."""
        told, head = self.beside.told(row), self.beside.ranges.head(row)
        return head or condition_text(told, self.taal) or answer_text(row["antwoord"], self.taal)

    @property
    def lead_with_burden(self) -> list[tuple[str, list[tuple[str, str]], list[str]]]:
        """Return the answer per functie with its burden on others."""
        return [(*told, self._burdens(f)) for told, f in zip(self.lead, self.functies.values(), strict=True)]

    def _burdens(self, functie: Functie) -> list[str]:
        """Return class of burden and polygons, what is unknown first, then the heaviest."""
        found: dict[tuple[float, str], list[str]] = {}
        for row, name in zip(*self._rows_of(functie), strict=True):
            step, own = risk_class(row["risico"]), is_present_use(self.beside.told(row))
            known = self.t["naast"]["huidig"] if own else name_of(step, self.taal) if step else self.t["onbekend"]
            found.setdefault((-1.0 if own else step.vanaf if step else 2.0, known), []).append(name)
        told = self.t["vraag"]["op"]
        order = sorted(found.items(), key=lambda item: -item[0][0])
        return [told.format(antwoord=word, gebieden=self._places(names)) for (_, word), names in order]

    def _places(self, names: list[str]) -> str:
        """Return names, or how many there are where that would be a wall of text."""
        few = len(names) <= MAX_NAMED and sum(len(n) for n in names) <= MAX_LETTERS
        return self._and(names) if few else str(self.t["vraag"]["gebieden"].format(n=len(names)))

    @property
    def warnings(self) -> list[str]:
        """Return what a reader must know before all else: that there is nothing, or too little, to go by."""
        table, t = self.assessment.today, self.t["vraag"]
        if not (table.dekking > 0).any():
            return [str(t["geen_gegevens"])]
        return [str(t["te_weinig"])] if (table.antwoord == unknown_class().letter).all() else []

    def sentence(self, line: ReportLine) -> str:
        """Return the answer of one line, in one sentence."""
        return str(
            self.t["zin"]["antwoord"].format(
                functie=name_of(line.functie, self.taal),
                gebied=line.said,
                antwoord=self.beside.head(line.row),
                letter=self.beside.ranges.letters(line.row),
            )
        )

    def undecided(self, line: ReportLine) -> bool:
        """Whether no answer stands at the head of a line, since a map does not decide it."""
        return bool(self.beside.ranges.head(line.row))

    def sentences(self, line: ReportLine) -> list[str]:
        """Return what stands behind the answer, a sentence each."""
        told = [
            *self.beside.ranges.sentences(line.row),
            self._thresholds(line),
            self._score(line),
            self._limiting(line),
            self._risk(line),
            *self.beside.sentences(line.row),
            self._unknown(line),
            self._outside(line),
        ]
        extra = [self.t["zin"]["weinig_steun"]] if line.row["weinig_steun"] else []
        return [s for s in (*told, *extra) if s]

    def _thresholds(self, line: ReportLine) -> str:
        one = self.t["zin"]["drempel"]
        told = ", ".join(one.format(deel=percent(share, self.taal), wat=what) for what, share in line.fired[:3])
        return str(self.t["zin"]["drempels"].format(wat=told)) if told else ""

    def _score(self, line: ReportLine) -> str:
        score = line.row["score"]
        if math.isnan(score):
            return ""
        letter = letters()[int(classes_of(np.array([score]), registry.scoring_rules())[0])]
        return str(self.t["zin"]["score"].format(klasse=letter, score=decimal(score, 2, self.taal)))

    def _limiting(self, line: ReportLine) -> str:
        if math.isnan(line.row["score"]):
            return ""
        top = next(iter(line.listed), None)
        if top is None:
            return str(self.t["zin"]["niets_drukt"])
        worst = next((x for x in line.losses if x.naam == line.row["bepalend"]), top)
        return str(self.t["zin"]["drukt"].format(wat=worst.label, verlies=decimal(worst.waarde, 2, self.taal)))

    def _risk(self, line: ReportLine) -> str:
        t, cause = self.t["zin"], self.cause(line)
        if self.beside.of(line.row).is_present_use:
            return ""
        if risk_class(line.row["risico"]) is None:
            return str(t["risico_onbekend"])
        known = f" ({self.beside.costs(line.row)})" if line.row["oorzaak"] == COST else ""
        text = t["risico"] if cause else t["risico_geen"]
        return str(text.format(risico=self.beside.risk(line.row), oorzaak=f"{cause}{known}"))

    def cause(self, line: ReportLine) -> str:
        """Return the name of the component that weighs most; empty if none."""
        parts = {c.id: c for c in self.assessment.making.burden_rules.components}
        return name_of(parts[line.row["oorzaak"]], self.taal) if line.row["oorzaak"] else ""

    def _unknown(self, line: ReportLine) -> str:
        r = line.row
        if not r["onbekend_ha"] > 0 and r["antwoord_min"] == r["antwoord_max"]:
            return ""
        ha = {"onbekend": decimal(r["onbekend_ha"], 1, self.taal), "totaal": decimal(r["oppervlakte_ha"], 1, self.taal)}
        if r["antwoord_min"] == r["antwoord_max"]:
            same = "onbekend_zelfde" if r["antwoord"] == r["antwoord_min"] else "onbekend_eender"
            return str(self.t["zin"][same].format(**ha, antwoord=r["antwoord_min"]))
        return str(
            self.t["zin"]["onbekend"].format(
                dekking=percent(r["dekking"], self.taal), laag=r["antwoord_min"], hoog=r["antwoord_max"]
            )
        )

    def _outside(self, line: ReportLine) -> str:
        outside = line.row["buiten_ha"]
        return str(self.t["zin"]["buiten"].format(buiten=decimal(outside, 1, self.taal))) if outside > 0 else ""

    # --- groups ------------------------------------------------------------------------------------------------------

    def by_area(self, columns: int) -> list[tuple[str, list[ReportLine]]]:
        """Return lines per polygon, at most ``columns`` functies at a time: tables that fit on paper."""
        found: dict[tuple[int, int], list[ReportLine]] = {}
        for line in self.lines:
            turn = list(self.functies).index(line.functie.id) // columns
            found.setdefault((line.row["nr"], turn), []).append(line)
        return [(group[0].said, group) for group in found.values()]

    @property
    def counts(self) -> list[tuple[Functie, list[tuple[str, int, float]]]]:
        """Per functie how often every answer occurs, and as a share."""
        table, found = self.assessment.today, []
        for id_, functie in self.functies.items():
            letters = Counter(table.antwoord[table.functie == id_])
            whole = max(1, sum(letters.values()))
            found.append((functie, [(s, letters[s], letters[s] / whole) for s in answer_steps() if letters[s]]))
        return found

    def component(self, line: ReportLine, component: Component, place: int) -> str:
        """Return the amount of a component as its table tells it."""
        value = line.burden[place]
        if self.beside.of(line.row).is_present_use:
            return str(self.t["naast"]["huidig"])
        if component.id == LOWERING:
            return self.beside.lowering(line.row, value)
        return amount(value, component.unit, self.taal)

    def beside_components(self, lines: Sequence[ReportLine]) -> list[tuple[str, str, list[str]]]:
        """Return what is told beside the components and in no index: label, remark, and a value per line."""
        t, tons = self.t["naast"], [self.beside.co2(line.row) for line in lines]
        peat = [v if v[:1].isalpha() or v == "0" else f"{v}\u00a0{unit_text('t/ha/jr', self.taal)}" for v in tons]
        return [
            (t["co2_naam"], self.beside.peat_note, peat),
            (t["basisafvoer"], "", [self._base_flow(line) for line in lines]),
        ]

    def _base_flow(self, line: ReportLine) -> str:
        """Return how much less water the groundwater gets [m3/jr] and base flow with it [l/s]; negative is more."""
        m3, ls = (line.row.get(n, math.nan) for n in ("aanvullingsverlies_m3_jr", "basisafvoer_l_s"))
        beside = self.beside.of(line.row)
        if beside.is_present_use:
            return str(self.t["naast"]["huidig"])
        if math.isnan(m3) or beside.abstracts:
            return str(self.t["onbekend"])
        return f"{amount(m3, 'm3/jr', self.taal)} ({decimal(ls, 2, self.taal)}\u00a0l/s)"

    @property
    def all_given(self) -> bool:
        """Whether no layer is missing that an answer could rest on."""
        return not self.beside.untested and not any(basic or extra for _, basic, extra, _ in self.missing)

    @property
    def missing(self) -> list[tuple[Functie, list[str], list[str], list[Component]]]:
        """Per functie the basic and the optional layers that are not in the data, and the burdens that stay unknown."""
        present = {*self.assessment.question.cells.present, *self.assessment.derived}
        return [
            (
                f,
                [n for n in f.criteria if n not in present],
                [n for n in f.optionele_criteria if n not in present],
                self._unknown_parts(f),
            )
            for f in self.functies.values()
        ]

    def _unknown_parts(self, functie: Functie) -> list[Component]:
        parts = self.assessment.making.burden_rules.components
        return [c for c, means in zip(parts, self._burden[functie.id], strict=True) if np.isnan(means).all()]
