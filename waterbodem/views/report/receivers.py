"""Who receives it, as a report tells it: sentences, a ledger and a map per functie, as plain values for a template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from waterbodem.definitions.labels import amount, decimal, percent, short, texts
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reception_rules
from waterbodem.engine.sums import mean
from waterbodem.receivers.ledger import Ledger
from waterbodem.receivers.ledger_text import told
from waterbodem.views.figures.receivers import plot_receivers, png_source
from waterbodem.views.names import distinct, opening, said

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Up to this many plans each is told of; above, what they do together.
DETAIL = 40
#: Receivers with less than this share are in the table, not in the sentence.
TOLD_FROM = 0.005
#: Smaller changes of the groundwater are in the table, not in the sentence [m]; nor are more receivers than this.
TOLD_FROM_M, MAX_TOLD = 0.01, 4
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
class Part:
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
        self.limits = limits.tekst if taal == "nl" else limits.text
        asked = assessment.question.functies
        refused = "" if "ledgers" in vars(assessment) else assessment.no_receivers  # who asked for them gets them
        self.parts = [_refused(f, refused) if refused else self._part(f, assessment.ledgers[f.id]) for f in asked]

    def _part(self, functie: Functie, ledger: Ledger) -> Part:
        many = len(ledger.entries) > DETAIL
        known = len(ledger.niet_bepaald) < 2
        table = _apart(told(ledger.table))
        shown = table[table.plan_nr == 0] if many else table
        return Part(
            functie,
            ledger.niet_bepaald,
            () if many or not known else self._sentences(functie, table),
            png_source(plot_receivers(self._assessment, functie, taal=self._taal)) if known else "",
            tuple(self._rows(shown)) if known else (),
            many,
            self._t["sluit" if ledger.sluit else "sluit_niet"],
            tuple(self._together(ledger)),
            tuple(short(n, 300) for n in ledger.notes[:MAX_NOTES]),
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
        burden = self._burden(functie)
        plans = [rows for nr, rows in table.groupby("plan_nr", sort=False) if nr]
        return tuple(self._plan(rows, burden) for rows in plans)

    def _plan(self, rows: pd.DataFrame, burden: Mapping[int, str]) -> str:
        records = rows.to_dict("records")
        last = burden.get(records[0]["plan_nr"], "") if records[-1]["m3"] > 0 else ""
        ground = [self._ground(records, "daalt", "verlaging_grootste_m", 1)]
        ground.append(self._ground(records, "stijgt", "vernatting_grootste_m", -1))
        return " ".join(t for t in (*self._water(records), last, *ground) if t)

    def _water(self, records: Sequence[Mapping[Any, Any]]) -> list[str]:
        total, plan = records[-1]["m3"], opening(records[0]["plan"], self._taal)
        if math.isnan(total):
            return []
        if not total > 0:
            return [self._t["laat_niets_los"].format(plan=plan)]
        shares = [self._share(row) for row in records[:-1] if abs(row["aandeel"]) >= TOLD_FROM]
        said = [self._t["laat_los"].format(plan=plan, m3=self._m3(total))]
        return [*said, self._t["blijft"].format(delen="; ".join(shares))] if shares else said

    def _share(self, row: Mapping[Any, Any]) -> str:
        """Tell who gets what; what receivers share, a negative line, is told after them as counted twice."""
        key = f"deel_{row['soort']}"
        text = self._t.get(key, self._t["deel"])
        given = {"aandeel": percent(abs(row["aandeel"]), self._taal), "m3": self._m3(abs(row["m3"]))}
        return str(text.format(**given, wie=self._who(row)))

    def _who(self, row: Mapping[Any, Any]) -> str:
        """Return how a sentence names a receiver; a bare number is that of another plan, or of a receiver."""
        kind = "gebied" if row.get("soort") == "ander plan" else "ontvanger"
        return said(short(row["ontvanger"], NAME), self._taal, kind)

    def _m3(self, value: float) -> str:
        return amount(value, "m3", self._taal)

    def _ground(self, records: Sequence[Mapping[Any, Any]], text: str, largest: str, sign: int) -> str:
        """Tell in whom the groundwater changes most, largest first; empty where it does nowhere."""
        some = sorted((r for r in records if r[largest] >= TOLD_FROM_M), key=lambda r: -r[largest])
        parts = [
            self._t["hoogstens"].format(
                wie=self._who(r),
                m=self._cm(r[largest]),
                gemiddeld=self._cm(sign * r["verlaging_gemiddeld_m"]),
            )
            for r in some[:MAX_TOLD]
        ]
        return str(self._t[text].format(wie=", ".join(parts))) if parts else ""

    def _cm(self, metres: float) -> str:
        return f"{decimal(100 * metres, 1, self._taal)}\u00a0cm"

    def _burden(self, functie: Functie) -> dict[int, str]:
        """Return per plan how vulnerable the land downstream is; none where it is not determined."""
        if not self._assessment.is_exposed:
            return {}
        prints = self._assessment.question.prints
        shares, _ = mean(self._assessment.downstream(functie.id), prints)
        hidden, _ = mean(self._assessment.exposure[1], prints)
        return {
            a.nr: self._t["last"].format(waarde=decimal(share, 2, self._taal), onbekend=self._hidden(gap))
            for a, share, gap in zip(self._assessment.question.areas, shares, hidden, strict=True)
            if not math.isnan(share)
        }

    def _hidden(self, share: float) -> str:
        if not share >= TOLD_FROM:
            return ""
        return str(self._t["last_onbekend"].format(deel=percent(share, self._taal)))

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
        digits = 1 if name.endswith("_mm") else 3
        both = {key: decimal(row[f"{name}_{key}"], digits, self._taal) for key in ("samen", "alleen")}
        return str(self._t["maat"][name].format(**both))


def _refused(functie: Functie, reason: str) -> Part:
    """Return what is told of a functie where the plans are too many to find out who receives it."""
    return Part(functie, (reason,), (), "", (), False, "", (), ())


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ledger with names that are short and apart; number 0 is no plan or receiver, and not cut."""
    return table.assign(**{kind: _column(table, kind) for kind in ("plan", "ontvanger")})


def _column(table: pd.DataFrame, kind: str) -> list[str]:
    pairs = list(zip(table[f"{kind}_nr"], table[kind], strict=True))
    named = distinct({nr: name for nr, name in pairs if nr}, NAME)
    return [named.get(nr, name) for nr, name in pairs]
