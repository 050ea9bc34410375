"""Who receives it, as a report tells it: sentences, a ledger and a map per functie, as plain values for a template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from waterbodem.definitions.labels import decimal, percent, plain_number, rounded, short_name, texts
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import depth_step, reception_rules, row_name
from waterbodem.definitions.registry import noise
from waterbodem.definitions.telling import told_from
from waterbodem.engine.sums import mean
from waterbodem.receivers.groundwater import Effect
from waterbodem.receivers.ledger import Ledger
from waterbodem.receivers.ledger_text import relevant_receivers
from waterbodem.receivers.released import PlanRelease
from waterbodem.views.caveats import rise_text
from waterbodem.views.figures.receivers import plot_receivers, png_source
from waterbodem.views.names import distinct_names, name_at_start, name_in_sentence

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Up to this many plans each is told of; above, what they do together.
DETAIL = 40
#: Receivers with less than this share are in the table, not in the sentence.
#: More receivers of which the groundwater changes are in the table, not in the sentence.
MAX_TOLD = 4
NAME, MAX_NOTES = 80, 100
#: Lines that are not worth a row where nothing is in them.
EMPTY = ("plan", "elders", "buiten", "overlap")


@dataclass(frozen=True)
class Row:
    """A line of the ledger; ``first`` is how many lines the plan has, on its first one, else 0."""

    first: int
    plan: str
    ontvanger: str
    soort: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class ReceiverSection:
    """Who receives the burden of one functie."""

    functie: Functie
    niet_bepaald: tuple[str, ...]
    sentences: tuple[str, ...]
    map: str
    rows: tuple[Row, ...]
    thinned: bool
    check: str
    together: tuple[str, ...]
    notes: tuple[str, ...]


class ReceptionView:
    """Who receives it, as the template sees it.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    """

    def __init__(self, assessment: Answer, taal: str) -> None:
        self._assessment, self._taal, self._t = assessment, taal, texts(taal)["ontvangst"]
        limits = reception_rules().grenzen
        km = plain_number(assessment.question.settings.damping / 1000, taal)
        self.uitleg = self._t["uitleg"].format(km=km)
        self.limits = limits.tekst if taal == "nl" else limits.text
        asked = assessment.question.functies
        refused = "" if "ledgers" in vars(assessment) else assessment.no_receivers  # who asked for them gets them
        self.parts = [_refused(f, refused) if refused else self._part(f, assessment.ledgers[f.id]) for f in asked]
        self.flat = "" if refused else self._flat(assessment.ledgers[asked[0].id])

    def _flat(self, ledger: Ledger) -> str:
        """Return the warning that heads the section where the way of the water is not to be relied on."""
        plans = [short_name(name, NAME) for name in ledger.herkomst["vlak"]]
        return str(self._t["vlak"].format(plannen=listed(plans, self._taal))) if plans else ""

    def _part(self, functie: Functie, ledger: Ledger) -> ReceiverSection:
        many = len(ledger.entries) > DETAIL
        known = len(ledger.niet_bepaald) < 2
        table = _apart(relevant_receivers(ledger.table))
        shown = table[table.plan_nr == 0] if many else table
        return ReceiverSection(
            functie,
            ledger.niet_bepaald,
            () if many or not known else self._sentences(functie, table),
            png_source(plot_receivers(self._assessment, functie, taal=self._taal)) if known else "",
            tuple(self._rows(shown)) if known else (),
            many,
            self._t["sluit" if ledger.sluit else "sluit_niet"] if ledger.is_routed else "",
            tuple(self._together(ledger)),
            tuple(short_name(n, 300) for n in ledger.notes[:MAX_NOTES]),
        )

    # --- table -------------------------------------------------------------------------------------------------------

    def _rows(self, table: pd.DataFrame) -> list[Row]:
        table = table[~((table.m3 == 0) & table.soort.isin(EMPTY))]
        sizes: Mapping[Any, int] = table.groupby("plan_nr").size().to_dict()
        seen: set[int] = set()
        rows = []
        for row in table.to_dict("records"):
            first = 0 if row["plan_nr"] in seen else sizes[row["plan_nr"]]
            seen.add(row["plan_nr"])
            label = self._label(row)
            rows.append(Row(first, row["plan"], label, row["soort"], self._numbers(row)))
        return rows

    def _label(self, row: Mapping[Any, Any]) -> str:
        return str(self._t["lijnen"].get(row["soort"], "")) or str(row["ontvanger"])

    def _numbers(self, row: Mapping[Any, Any]) -> tuple[str, ...]:
        depths = ("verlaging_gemiddeld_m", "verlaging_grootste_m", "vernatting_grootste_m")
        digits = {"waterschijf_mm": 1, **dict.fromkeys(depths, 3)}
        rest = ["" if math.isnan(row[n]) else decimal(row[n], d, self._taal) for n, d in digits.items()]
        share = "" if math.isnan(row["aandeel"]) else percent(row["aandeel"], self._taal)
        return (decimal(row["m3"], 0, self._taal), share, *rest)

    # --- words -------------------------------------------------------------------------------------------------------

    def _sentences(self, functie: Functie, table: pd.DataFrame) -> tuple[str, ...]:
        burden, risen = self._burden(functie), self._risen(functie)
        plans = [rows for nr, rows in table.groupby("plan_nr", sort=False) if nr]
        return (*(self._plan(rows, burden, risen) for rows in plans), *self._nature(table))

    def _plan(self, rows: pd.DataFrame, burden: Mapping[int, str], risen: Mapping[int, str]) -> str:
        records = rows.to_dict("records")
        nr = records[0]["plan_nr"]
        last = burden.get(nr, "") if records[-1]["m3"] > 0 else ""
        ground = [self._ground(records, "daalt", "verlaging"), self._ground(records, "stijgt", "vernatting")]
        told = (*self._water(records), *self._ponds(records), last, *ground, risen.get(nr, ""))
        return " ".join(t for t in told if t)

    def _nature(self, table: pd.DataFrame) -> list[str]:
        """Tell which receivers ask for a test of protected nature; never that the others do not."""
        if "natuur" not in self._assessment.question.receiver_question.land:
            return [str(self._t["natuur_ontbreekt"])]
        marked = dict.fromkeys(self._who(row) for row in table[table.voortoets].to_dict("records"))
        return [*(self._t["voortoets"].format(wie=who) for who in marked), str(self._t["voortoets_niet"])]

    def _risen(self, functie: Functie) -> dict[int, str]:
        """Tell per plan how much higher its groundwater stands, which the risk does not count."""
        entries = self._assessment.ledgers[functie.id].entries
        found = {e.source.area.nr: _risen(e.effect, self._taal) for e in entries}
        return {nr: text for nr, text in found.items() if text}

    def _ponds(self, records: Sequence[Mapping[Any, Any]]) -> list[str]:
        """Tell what ends in open water: of every level area, and of all where more does."""
        areas = [r for r in records if r["stijging_peil_cm"] > 0]
        ponded, told = records[-1]["m3_open_water"], sum(r["m3_open_water"] for r in areas)
        more = ponded > 0 and ponded - told > told_from("aandeel") * ponded
        all_ = [self._t["open_water"].format(m3=self._m3(ponded))] if more else []
        return [*all_, *(self._pond(r) for r in areas)]

    def _pond(self, row: Mapping[Any, Any]) -> str:
        cm = row["stijging_peil_cm"]
        rise = self._t["peil_cm"]["tussen" if cm >= 1 else "onder"].format(cm=decimal(cm, 0, self._taal))
        return str(self._t["peilgebied"].format(m3=self._m3(row["m3_open_water"]), wie=self._who(row), cm=rise))

    def _water(self, records: Sequence[Mapping[Any, Any]]) -> list[str]:
        total, plan = records[-1]["m3"], name_at_start(records[0]["plan"], self._taal)
        if math.isnan(total):
            return []
        if not total > 0:
            return [self._t["laat_niets_los"].format(plan=plan)]
        shares = [self._share(row) for row in records[:-1] if abs(row["aandeel"]) >= told_from("aandeel")]
        away = any(row["soort"] == "buiten" and row["aandeel"] >= told_from("aandeel") for row in records)
        where = [self._t["blijft"].format(delen="; ".join(shares))] if shares else []
        beyond = [str(self._t["afvoergebied"])] if away else []
        return [self._t["laat_los"].format(plan=plan, m3=self._m3(total)), *where, *beyond]

    def _share(self, row: Mapping[Any, Any]) -> str:
        """Tell who gets what; what receivers share, a negative line, is told after them as counted twice."""
        key = f"deel_{row['soort']}"
        text = self._t.get(key, self._t["deel"])
        given = {"aandeel": percent(abs(row["aandeel"]), self._taal), "m3": self._m3(abs(row["m3"]))}
        return str(text.format(**given, wie=self._who(row)))

    def _who(self, row: Mapping[Any, Any]) -> str:
        """Return how a sentence names a receiver; a bare number is that of another plan, or of a receiver."""
        kind = "gebied" if row.get("soort") == "ander plan" else "ontvanger"
        return name_in_sentence(short_name(row["ontvanger"], NAME), self._taal, kind)

    def _m3(self, value: float) -> str:
        return f"{rounded(value, self._taal)}\u00a0m³"

    def _ground(self, records: Sequence[Mapping[Any, Any]], text: str, change: str) -> str:
        """Tell in whom the groundwater changes most, largest first; empty where it does nowhere."""
        least = reception_rules().value("verlaging_drempel_m") - noise()
        largest, twice = f"{change}_grootste_m", f"{change}_dubbel_m"
        some = sorted((r for r in records if max(r[largest], r[twice]) >= least), key=lambda r: -r[largest])
        parts = [self._changed(r, change) for r in some[:MAX_TOLD]]
        return str(self._t[text].format(wie=", ".join(parts))) if parts else ""

    def _changed(self, row: Mapping[Any, Any], change: str) -> str:
        """Tell a change with the row of reach it rests on, and what half and twice its length would do."""
        names = ("grootste", "buiten_plan", "half", "dubbel")
        steps = {n: depth_step(row[f"{change}_{n}_m"], self._taal) for n in names}
        if not row["lambda_rij"]:
            return f"{self._who(row)} ({steps['grootste']})"
        reach, both = self._assessment.question.settings.reach, steps["grootste"] != steps["buiten_plan"]
        return str(
            self._t["hoogstens_ook_binnen" if both else "hoogstens"].format(
                wie=self._who(row),
                eigen=steps["grootste"],
                m=steps["buiten_plan"],
                half=steps["half"],
                dubbel=steps["dubbel"],
                rij=row_name(row["lambda_rij"], reach, self._taal),
                lambda_m=decimal(row["lambda_m"], 0, self._taal),
            )
        )

    def _burden(self, functie: Functie) -> dict[int, str]:
        """Return per plan how vulnerable the land downstream is, at least; none where it is not determined."""
        if not self._assessment.is_exposed:
            return {}
        q = self._assessment.question
        shares, _ = mean(self._assessment.downstream(functie.id), q.prints)
        known = {a.nr: float(share) for a, share in zip(q.areas, shares, strict=True) if not math.isnan(share)}
        entries = self._assessment.ledgers[functie.id].entries
        sources = {e.source.area.nr: e.source for e in entries if e.source.volume.sum() > 0}
        return {nr: self._last(known[nr], self._lost(source)) for nr, source in sources.items() if nr in known}

    def _lost(self, source: PlanRelease) -> float:
        """Return the share of a plan's water that cannot be followed."""
        unknown = self._assessment.exposure[1][self._assessment.question.grid.slices(source.grid)]
        return float((source.volume * np.nan_to_num(unknown, nan=1.0)).sum() / source.volume.sum())

    def _last(self, share: float, hidden: float) -> str:
        """Tell a burden; where too much of the water cannot be followed it is a lower bound, and never nobody's."""
        lower = hidden + noise() >= reception_rules().value("ten_minste_vanaf")
        part = percent(hidden, self._taal)
        rest = self._t["last_onbekend"].format(deel=part) if hidden >= told_from("aandeel") else ""
        text = self._t["last_ten_minste" if lower else "last"]
        return str(text.format(waarde=decimal(share, 2, self._taal), deel=part, onbekend=rest))

    def _together(self, ledger: Ledger) -> list[str]:
        if len(ledger.entries) < 2 or not ledger.division.receivers:
            return []
        rows = [row for row in ledger.cumulatie.to_dict("records") if row["alleen_samen"]]
        return [
            self._t["alleen_samen"].format(
                wie=self._who(row),
                wat="; ".join(self._measure(row, name) for name in row["alleen_samen"].split(", ")),
            )
            for row in rows
        ]

    def _measure(self, row: Mapping[Any, Any], name: str) -> str:
        tell = rounded if name.endswith("_mm") else depth_step
        both = {key: tell(row[f"{name}_{key}"], self._taal) for key in ("samen", "alleen")}
        return str(self._t["maat"][name].format(**both))


def listed(names: Sequence[str], taal: str) -> str:
    """Return names with commas; how many more where there are many."""
    more = [texts(taal)["meer"].format(n=len(names) - MAX_TOLD)] if len(names) > MAX_TOLD else []
    return ", ".join([*names[:MAX_TOLD], *more])


def _risen(effect: Effect, taal: str) -> str:
    """Tell how much a plan raises the groundwater; empty where it raises none."""
    return rise_text(effect.rise, effect.natter_tot_m, taal) if effect.rise >= told_from("stijging_m") else ""


def _refused(functie: Functie, reason: str) -> ReceiverSection:
    """Return what is told of a functie where the plans are too many to find out who receives it."""
    return ReceiverSection(functie, (reason,), (), "", (), False, "", (), ())


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ledger with names that are short and apart; number 0 is no plan or receiver, and not cut."""
    return table.assign(**{kind: _column(table, kind) for kind in ("plan", "ontvanger")})


def _column(table: pd.DataFrame, kind: str) -> list[str]:
    pairs = list(zip(table[f"{kind}_nr"], table[kind], strict=True))
    named = distinct_names({nr: name for nr, name in pairs if nr}, NAME)
    return [named.get(nr, name) for nr, name in pairs]
