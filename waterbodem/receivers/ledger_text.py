"""A ledger in words: Dutch text and HTML for planners."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from waterbodem.core.html import html_table
from waterbodem.core.lazy import pd
from waterbodem.core.terminal import one_line
from waterbodem.definitions.labels import decimal, percent, short_name, texts
from waterbodem.definitions.receiving import BY_SITUATION, depth_step, row_name

#: Kinds of receivers that are in a ledger without having been named.
UNNAMED = ("ander plan", "beekdal")
TITLE = "Grootboek van afwenteling"
#: Columns of the table as a planner reads them; others are left out.
HEADINGS = {
    "plan": "plan",
    "functie": "functie",
    "ontvanger": "ontvanger",
    "m3": "water (m³)",
    "aandeel": "aandeel",
    "waterschijf_mm": "waterschijf (mm)",
    "verlaging_gemiddeld_m": "verlaging gemiddeld (m)",
    "verlaging_grootste_m": "verlaging hoogstens (m)",
    "vernatting_grootste_m": "vernatting hoogstens (m)",
}
#: Decimals of the columns that hold numbers.
DIGITS = {"m3": 1, "aandeel": 1, "waterschijf_mm": 1} | {n: 3 for n in HEADINGS if n.endswith("_m")}
NAME = 80


def headline(flat: Sequence[str]) -> list[str]:
    """Return the warning that heads a ledger where the way of the water is not to be relied on."""
    plans = ", ".join(short_name(name, NAME) for name in flat)
    return [str(texts("nl")["ontvangst"]["vlak"].format(plannen=plans))] if flat else []


def as_text(table: pd.DataFrame, head: Sequence[str], footer: Sequence[str]) -> str:
    """Return a ledger as lines of text, a block per plan."""
    lines = [TITLE, *map(one_line, head)]
    for _, rows in table.groupby("plan_nr", sort=False):
        lines += [
            "",
            short_name(rows["plan"].iloc[0], NAME),
            *(_line(row) for row in relevant_receivers(rows).to_dict("records")),
        ]
    return "\n".join([*lines, "", *(one_line(line) for line in footer)])


def relevant_receivers(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out receivers that nobody named and that get nothing."""
    gets = (table[["m3", "verlaging_grootste_m", "vernatting_grootste_m"]] > 0).any(axis=1)
    return table[gets | ~table["soort"].isin(UNNAMED)]


def _line(row: Mapping[Any, Any]) -> str:
    amount = "niet bepaald" if np.isnan(row["m3"]) else f"{decimal(row['m3'], 1)} m³"
    share = "" if np.isnan(row["aandeel"]) else percent(row["aandeel"], digits=DIGITS["aandeel"]).replace("\u00a0", " ")
    return f"  {amount:>15} {share:>8}  {short_name(row['ontvanger'], NAME)}{_ground(row)}"


def _ground(row: Mapping[Any, Any]) -> str:
    """Return what happens to the groundwater of a receiver, in steps; empty where nothing does."""
    parts = [_changed(row, name) for name in ("verlaging", "vernatting") if row[f"{name}_grootste_m"] > 0]
    mark = ["mogelijk significant voor Natura 2000: voortoets"] if row["voortoets"] else []
    return f" ({'; '.join([*parts, *mark])})" if parts or mark else ""


def _changed(row: Mapping[Any, Any], name: str) -> str:
    steps = {n: depth_step(row[f"{name}_{n}_m"]) for n in ("grootste", "buiten_plan", "half", "dubbel")}
    if not row["lambda_rij"]:
        return f"{name} {steps['grootste']}"
    inside = f"binnen het plan {steps['grootste']}, " if steps["grootste"] != steps["buiten_plan"] else ""
    reach = f"{row_name(row['lambda_rij'], BY_SITUATION)}, lambda {decimal(row['lambda_m'], 0)} m"
    return f"{name} {inside}{steps['buiten_plan']}, {reach}, bij half {steps['half']}, bij dubbel {steps['dubbel']}"


def as_html(table: pd.DataFrame, head: Sequence[str], footer: Sequence[str]) -> str:
    """Return a ledger as an HTML table with its notes; names are escaped."""
    rows = ([_shown(name, row[name]) for name in HEADINGS] for row in relevant_receivers(table).to_dict("records"))
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in footer)
    warning = "".join(f"<p><strong>{html.escape(line)}</strong></p>" for line in head)
    return f"{warning}{html_table(TITLE, list(HEADINGS.values()), rows)}<ul>{notes}</ul>"


def _shown(name: str, value: Any) -> str:
    """Return a cell of the table as a planner reads it; empty where there is nothing to say."""
    if name not in DIGITS:
        return short_name(value, NAME)
    if np.isnan(value):
        return ""
    return percent(value, digits=DIGITS[name]) if name == "aandeel" else decimal(value, DIGITS[name])
