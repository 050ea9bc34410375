"""A ledger in words: Dutch text and HTML for planners."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from waterbodem.late import pd

#: Kinds of receivers that are in a ledger without having been named.
UNNAMED = ("ander plan", "beekdal")
TITLE = "Grootboek van afwenteling"
#: Columns of the table as a planner reads them; others are left out.
HEADINGS = {
    "plan": "plan",
    "functie": "functie",
    "ontvanger": "ontvanger",
    "m3": "water (m3)",
    "aandeel": "aandeel (%)",
    "waterschijf_mm": "waterschijf (mm)",
    "verlaging_gemiddeld_m": "verlaging gemiddeld (m)",
    "verlaging_grootste_m": "verlaging hoogstens (m)",
    "vernatting_grootste_m": "vernatting hoogstens (m)",
}


def as_text(table: pd.DataFrame, footer: Sequence[str]) -> str:
    """Return a ledger as lines of text, a block per plan."""
    lines = [TITLE]
    for _, rows in table.groupby("plan_nr", sort=False):
        lines += ["", str(rows["plan"].iloc[0]), *(_line(row) for row in told(rows).to_dict("records"))]
    return "\n".join([*lines, "", *footer])


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out receivers that nobody named and that get nothing."""
    gets = (table[["m3", "verlaging_grootste_m", "vernatting_grootste_m"]] > 0).any(axis=1)
    return table[gets | ~table["soort"].isin(UNNAMED)]


def _line(row: Mapping[Any, Any]) -> str:
    amount = "niet bepaald" if np.isnan(row["m3"]) else f"{row['m3'] + 0.0:,.1f} m3".replace(",", " ")
    share = "" if np.isnan(row["aandeel"]) else f"{100 * row['aandeel'] + 0.0:.1f} %"
    return f"  {amount:>15} {share:>8}  {row['ontvanger']}{_ground(row)}"


def _ground(row: Mapping[Any, Any]) -> str:
    """Return what happens to the groundwater of a receiver; empty where nothing does."""
    changes = (("verlaging", row["verlaging_grootste_m"]), ("vernatting", row["vernatting_grootste_m"]))
    parts = [f"{name} hoogstens {value:.3f} m" for name, value in changes if value > 0]
    return f" ({', '.join(parts)}; gemiddeld {row['verlaging_gemiddeld_m']:+.3f} m)" if parts else ""


def as_html(table: pd.DataFrame, footer: Sequence[str]) -> str:
    """Return a ledger as an HTML table with its notes; names are escaped."""
    shown = told(table)[list(HEADINGS)].assign(aandeel=lambda t: 100 * t["aandeel"]).rename(columns=HEADINGS)
    body = shown.to_html(index=False, na_rep="", float_format=lambda v: f"{v:.4g}")
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in footer)
    return f"<h4>{TITLE}</h4>{body}<ul>{notes}</ul>"
