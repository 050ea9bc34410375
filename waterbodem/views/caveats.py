"""What is told beside an answer on every page: its condition, what it was held against, and what does not count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from waterbodem.answers.particulars import (
    Particulars,
    is_all_that_is_known,
    is_present_use,
    keeps_rain,
    particulars,
)
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Board
from waterbodem.definitions.labels import (
    answer_steps,
    answer_text,
    decimal,
    functies_of,
    layer_label,
    name_of,
    name_within,
    percent,
    plain_number,
    risk_class,
    risk_text,
    rounded,
    short_name,
    texts,
)
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.present_use import ASSUMED, reference_source
from waterbodem.definitions.receiving import depth_step, depth_to, wetter_cm
from waterbodem.definitions.registry import noise
from waterbodem.definitions.telling import told_from
from waterbodem.engine.plan import MM_TO_M3_HA
from waterbodem.engine.scoring import layers_of
from waterbodem.kernels.components import LAYERS
from waterbodem.views.editions import compared_text
from waterbodem.views.futures import Futures
from waterbodem.views.names import name_in_sentence
from waterbodem.views.ranges import Ranges

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

Row = Mapping[Any, Any]
#: Letters of a remark on a layer at most.
REMARK = 200


def conditional_answer(row: Row, taal: str, *, brief: bool = False) -> str:
    """Return an answer in words; a yes that rests on rain that stays says so.

    Parameters
    ----------
    row : mapping
        With the columns of :func:`waterbodem.answers.particulars.conditions`; without them no condition is told.
    taal : {"nl", "en"}
    brief : bool
        In a word or two, for a column.
    """
    step, t = answer_steps()[row["antwoord"]], texts(taal)["naast"]
    owed, built = row.get("vasthouden_m3_ha", 0.0), row.get("berging_mm", 0.0)
    if step is not next(iter(answer_steps().values())) or not keeps_rain(row):
        return step.kort if brief and taal == "nl" else answer_text(step.letter, taal)
    return str(t["berging_kort" if built > 0 else "infiltratie_kort"]) if brief else _kept(owed, built, taal)


def _kept(owed: float, built: float, taal: str) -> str:
    """Return what a yes rests on: rain [m3/ha] that infiltrates, or that storage [mm] takes, wholly or in part."""
    whole = MM_TO_M3_HA * built + noise("marge_m3_ha") >= owed
    kind = "infiltratie" if not built > 0 else "berging" if whole else "berging_deels"
    return str(texts(taal)["naast"][kind].format(n=rounded(owed, taal), mm=rounded(built, taal)))


def condition_text(row: Row, taal: str) -> str:
    """Return the condition of a yes in a word or two; empty where an answer has none beside its own."""
    told = conditional_answer(row, taal, brief=True)
    return "" if told == conditional_answer({**row, "vasthouden_m3_ha": 0.0}, taal, brief=True) else told


def omission_text(row: Row, taal: str, *, brief: bool = False) -> str:
    """Return what a risk leaves out, in a few words: a rise of the groundwater; empty where there is none."""
    t, rise = texts(taal)["naast"], row.get("stijging_m", 0.0)
    if not rise >= told_from("stijging_m"):
        return ""
    return str(t["stijging_kort"] if brief else t["stijging_telt_niet"].format(cm=depth_step(rise, taal)))


def risk_in_words(row: Row, value: float, taal: str) -> str:
    """Return a risk by its class with its number; that of the present use itself is not applicable."""
    if is_present_use(row):
        return str(texts(taal)["naast"]["huidig"])
    step = None if is_all_that_is_known(row) else risk_class(value)
    return f"{name_of(step, taal)} ({risk_text(value, taal)})" if step else str(texts(taal)["onbekend"])


class Caveats:
    """What stands beside the answers of an assessment, in a language.

    Rows are those of its table, as mappings.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    """

    def __init__(self, assessment: Answer, taal: str = "nl") -> None:
        self._assessment, self._taal, self._t = assessment, taal, texts(taal)["naast"]
        self.functies = functies_of(assessment)
        self.futures = Futures(assessment, taal)
        self.ranges = Ranges(assessment, taal)
        self._known: dict[str, list[Particulars]] = {}

    def of(self, row: Row) -> Particulars:
        """Return the numbers beside one answer."""
        id_ = row["functie"]
        if id_ not in self._known:
            self._known[id_] = particulars(self._assessment, self.functies[id_])
        found: Particulars = self._known[id_][row["nr"] - 1]
        return found

    def told(self, row: Row) -> dict[Any, Any]:
        """Return a row with what its answer rests on."""
        p = self.of(row)
        return {**row, **p.conditions}

    def answer(self, row: Row, brief: bool = False) -> str:
        """Return an answer in words, with the condition it rests on."""
        return conditional_answer(self.told(row), self._taal, brief=brief)

    def head(self, row: Row, brief: bool = False) -> str:
        """Return an answer in words as a headline has it: none where a map does not decide it."""
        return self.ranges.head(row, brief) or self.answer(row, brief)

    def cell(self, row: Row) -> str:
        """Return letter and answer for a column, with the range; no letter where a map does not decide it."""
        letter = "" if self.ranges.head(row) else row["antwoord"]
        return " ".join(t for t in (letter, self.head(row, brief=True), self.ranges.ends(row)) if t)

    # --- of the whole answer -----------------------------------------------------------------------------------------

    @cached_property
    def assumed(self) -> bool:
        """Whether nothing tells the present use."""
        q = self._assessment.question
        return reference_source(q.settings.reference, q.cells.present) == ASSUMED

    @cached_property
    def reference(self) -> str:
        """What answers are held against."""
        return f"{compared_text(self._assessment, self._taal)}."

    @cached_property
    def untested(self) -> str:
        """What answers were not held against; empty if they were against all."""
        names = [n for n in self._assessment.question.circumstances.untested.split(", ") if n]
        known = self._t["getoetst_aan"]
        return str(self._t["niet_getoetst"].format(wat=self._listed([known[n] for n in names]))) if names else ""

    @cached_property
    def data(self) -> list[str]:
        """What a layer is instead of what its slot says, and the coarsest of those that decide."""
        layers = {n: self._assessment.question.layers[n].attrs for n in self._deciding}
        strange = [(n, short_name(a["afwijking"], REMARK)) for n, a in layers.items() if a.get("afwijking")]
        told = [self._t["afwijking"].format(laag=layer_label(n, self._taal), wat=what) for n, what in strange]
        grain = {n: float(a["korrel_m"]) for n, a in layers.items() if a.get("korrel_m")}
        if grain:
            name = max(grain, key=lambda n: grain[n])
            m = plain_number(grain[name], self._taal)
            told.append(self._t["korrel"].format(laag=layer_label(name, self._taal), m=m))
        return told

    @cached_property
    def _deciding(self) -> list[str]:
        """Layers in the data that an answer rests on: of criteria, thresholds and the burden, scenarios too."""
        q = self._assessment.question
        counts = {*layers_of(*q.functies, present=q.cells.present), *LAYERS}
        return [str(n) for n in q.layers.data_vars if LayerName.of(str(n)).layer in counts]

    @property
    def heading(self) -> list[str]:
        """What a reader must know before any answer."""
        return [s for s in (self.reference, self.untested, *self.data) if s]

    @property
    def opening(self) -> list[str]:
        """The heading, and what the range is that stands with every answer."""
        return [*self.heading, *self.ranges.heading]

    # --- of one answer -----------------------------------------------------------------------------------------------

    def marks(self, row: Row) -> list[str]:
        """Return what must stand beside an answer wherever it does, a sentence each."""
        told = [*self.ranges.sentences(row), self.use(row), self.without(row), self.rise(row)]
        told += [*self.compensation(row), self.abstraction(row), *self.futures.sentences(row)]
        answer = self.answer(row) if condition_text(self.told(row), self._taal) else ""
        return [s for s in (f"{answer[:1].upper()}{answer[1:]}." if answer else "", *told) if s]

    def sentences(self, row: Row) -> list[str]:
        """Return all that stands beside an answer and its risk, a sentence each."""
        told = [
            self.use(row),
            self.without(row),
            self.rise(row),
            self.groundwater(row),
            *self.compensation(row),
            self.abstraction(row),
            self.also_keeps_rain(row),
            self.peat(row),
            self.base_flow(row),
            *self.futures.sentences(row),
            self.untested,
        ]
        return [s for s in told if s]

    def use(self, row: Row) -> str:
        """Tell that a functie is the present use, wholly or in part."""
        own = self.of(row).own
        if self.of(row).is_present_use:
            return str(self._t["huidig_uitleg"])
        return str(self._t["huidig_deels"].format(deel=percent(own, self._taal))) if own >= noise() else ""

    def risk(self, row: Row) -> str:
        """Return the risk by its class with its number."""
        return risk_in_words(self.told(row), row["risico"], self._taal)

    def compensated(self, row: Row) -> bool:
        """Tell whether storage is built that is worth a word."""
        return self.of(row).built >= told_from("berging_mm") and not self.of(row).is_present_use

    def without(self, row: Row) -> str:
        """Tell the risk without compensation, where there is one."""
        value = row.get("risico_zonder_compensatie", math.nan)
        if not self.compensated(row) or math.isnan(value):
            return ""
        return str(self._t["zonder"].format(risico=risk_in_words(row, value, self._taal)))

    def rise(self, row: Row) -> str:
        """Tell how much higher the groundwater stands, which the risk does not count; empty where it does not."""
        p = self.of(row)
        return rise_text(p.rise, p.wetter_to, self._taal) if p.rise else ""

    def groundwater(self, row: Row) -> str:
        """Tell how much lower it stands: over the plan, and in the drained part."""
        p = self.of(row)
        if not p.drained >= told_from("verlaging_m"):
            return ""
        return str(self._t["grondwater"].format(wat=self.lowering(row, p.mean("grondwaterverlaging"))))

    def lowering(self, row: Row, mean: float) -> str:
        """Return a mean lowering in steps, with the deepest in the drained part."""
        p = self.of(row)
        if math.isnan(mean):
            return str(texts(self._taal)["onbekend"])
        rising = "_stijgt" if mean <= -told_from("verlaging_m") else ""
        deep = depth_to(p.drained, self._taal) if p.drained >= told_from("verlaging_m") else ""
        key = f"gemiddeld{rising}" if rising or not deep else "gemiddeld_en_diepst"
        return str(self._t[key].format(n=depth_step(mean, self._taal), m=deep))

    def abstraction(self, row: Row) -> str:
        """Tell that what is abstracted does not count."""
        known = not math.isnan(row["risico"])
        return str(self._t["onttrekking" if known else "onttrekking_onbekend"]) if self.of(row).abstracts else ""

    def also_keeps_rain(self, row: Row) -> str:
        """Tell of an answer that is no plain yes that it rests on rain that stays."""
        p, letters = self.of(row), list(answer_steps())[1:-2]
        if row["antwoord"] not in letters or not keeps_rain(self.told(row)):
            return ""
        return str(self._t["ook"].format(mits=_kept(p.owed, p.built, self._taal).partition(", ")[2]))

    def peat(self, row: Row) -> str:
        """Tell the CO2 from peat with its range."""
        tons = self.of(row).co2
        if not abs(tons) >= told_from("co2_t_ha_jr"):
            return ""
        told = self._tons(abs(tons))
        return str(self._t["co2_meer" if tons > 0 else "co2_minder"].format(wat=told, **self._peat_range))

    def co2(self, row: Row) -> str:
        """Return CO2 from peat with its range [t/ha/jr]; negative is less."""
        tons = self.of(row).co2
        if math.isnan(tons):
            return str(texts(self._taal)["onbekend"])
        return self._tons(tons) if abs(tons) >= told_from("co2_t_ha_jr") else "0"

    def _tons(self, tons: float) -> str:
        rules = registry.burden_rules()
        spread = sorted(tons * factor / rules.constants["co2_t_ha_mm"] for factor in rules.co2_range)
        low, high = (rounded(v, self._taal) for v in spread)
        return str(self._t["co2"].format(n=rounded(tons, self._taal), laag=low, hoog=high))

    @cached_property
    def _peat_range(self) -> dict[str, str]:
        low, high = registry.burden_rules().co2_range
        return {"van": plain_number(low, self._taal), "tot": plain_number(high, self._taal)}

    @property
    def peat_note(self) -> str:
        """How far CO2 from peat is known."""
        return str(self._t["co2_uitleg"].format(**self._peat_range))

    def base_flow(self, row: Row) -> str:
        """Tell how much less, or more, water the groundwater and so the brook gets; not of what abstracts it."""
        m3, ls = row.get("aanvullingsverlies_m3_jr", math.nan), row.get("basisafvoer_l_s", math.nan)
        if not abs(ls) >= told_from("basisafvoer_l_s") or self.of(row).is_present_use or self.of(row).abstracts:
            return ""
        return str(self._t["basisafvoer_minder" if m3 > 0 else "basisafvoer_meer"].format(**self.flow(row)))

    def flow(self, row: Row) -> dict[str, str]:
        """Return the loss of recharge [m3/jr] and of base flow [l/s], without a sign."""
        names = {"m3": "aanvullingsverlies_m3_jr", "ls": "basisafvoer_l_s"}
        return {k: rounded(abs(row.get(n, math.nan)), self._taal) for k, n in names.items()}

    # --- boards ------------------------------------------------------------------------------------------------------

    def compensation(self, row: Row) -> list[str]:
        """Tell what a board asks, what is left after it, and that a plan without storage hands its water on."""
        p, boards = self.of(row), self.of(row).demand.boards
        if p.is_present_use or self._assessment.making.is_earlier:
            return []
        counts = p.demand.large or p.demand.small or self.compensated(row)
        asked = [self._asked(row, p, boards[0])] if boards and ((p.owed > 0 and counts) or self._unsure(p)) else []
        left = p.runoff_m3 if p.runoff_m3 > told_from("water_m3") else 0.0
        if p.built > 0 and left:
            asked.append(self._t["blijft_over"].format(mm=rounded(p.built, self._taal), m3=rounded(left, self._taal)))
        if not p.built > 0 and left and not p.demand.large:
            asked.append(self._t["niet_neutraal"])
        return [*asked, *self._too_much(p)]

    def _unsure(self, p: Particulars) -> bool:
        """Tell whether it is not known if a board asks anything: the present use is not."""
        return p.demand.unsure or (not p.known > 0 and p.functie.value("verhardingsgraad") > 0)

    def _asked(self, row: Row, p: Particulars, board: Board) -> str:
        words = {"wie": p.demand.label, "jaar": board.normdatum, "mm": rounded(board.storage_mm, self._taal)}
        unknown = percent(p.unknown_use, self._taal)
        if p.demand.large:
            return str(self._t["rekent_zelf"].format(ha=plain_number(board.tot_ha or 0.0, self._taal), **words))
        if self._unsure(p):
            return str(self._t["vraagt_onbekend"].format(deel=unknown, **words))
        if p.demand.small:
            return str(self._t["vraagt_niet"].format(m2=plain_number(board.vanaf_m2, self._taal), **words))
        told = self._t["vraagt" if p.unknown_use < told_from("aandeel") else "vraagt_ten_minste"]
        share = percent(row["gevraagd_aandeel"], self._taal)
        m3 = rounded(row["gevraagd_m3"], self._taal)
        return str(told.format(m3=m3, deel=share, onbekend=unknown, **words))

    def _too_much(self, p: Particulars) -> list[str]:
        """Tell that there is no room for all the storage that was given."""
        given = self._assessment.question.settings.storage.built_mm
        if given is None or given <= p.built + told_from("berging_mm"):
            return []
        return [str(self._t["past_niet"].format(mm=rounded(given, self._taal), past=rounded(p.built, self._taal)))]

    def volumes(self, rows: Sequence[Row]) -> str:
        """Return which storms stand behind volumes, in words; of an earlier edition nothing."""
        if self._assessment.making.is_earlier:
            return ""
        norms = dict.fromkeys(p.norm for p in map(self.of, rows) if p.norm > 0)
        shown = self._listed([plain_number(n, self._taal) for n in sorted(norms)])
        return str(self._t["twee_buien"].format(mm=shown) if norms else self._t["een_bui"])

    def storms(self, rows: Sequence[Row]) -> list[str]:
        """Return the storms behind volumes where marks of some answers hold any."""
        some = any("m³" in mark for row in rows for mark in self.marks(row))
        return [self.volumes(rows)] if some else []

    def costs(self, row: Row) -> str:
        """Return how far costs are known, and their largest post; empty where there are none."""
        post = self.of(row).cost
        return str(self._t["kosten"].format(post=self._t["kostenpost"][post])) if post else ""

    def _listed(self, names: Sequence[str]) -> str:
        joined = f" {texts(self._taal)['en']} "
        return joined.join([n for n in (", ".join(names[:-1]), *names[-1:]) if n])


def rise_text(rise: float, wetter_to: float, taal: str) -> str:
    """Tell a rise of the groundwater [m], and how far from the plan land becomes wetter [m]; NaN = not looked at."""
    t, cm = texts(taal)["ontvangst"], wetter_cm(taal)
    near = ""
    if math.isnan(wetter_to):
        near = t["buren_onbekend"].format(cm=cm)
    elif wetter_to > 0:
        near = t["buren"].format(r=rounded(wetter_to, taal), cm=cm)
    return str(t["niet_meegeteld"].format(rise=decimal(rise, 2, taal), buren=near))


def named(rows: Sequence[Row], beside: Caveats, names: Mapping[int, str], taal: str) -> list[str]:
    """Return marks of some answers, each with whose it is; what several share is told once."""
    functies = beside.functies
    found: dict[str, list[str]] = {}
    for row in rows:
        who = f"{name_in_sentence(names[row['nr']], taal)}, {name_within(name_of(functies[row['functie']], taal))}"
        for mark in beside.marks(row):
            found.setdefault(mark, []).append(who)
    told = [f"{'; '.join(who)}: {mark[:1].lower()}{mark[1:]}" for mark, who in found.items()]
    return [*told, *beside.storms(rows)]
