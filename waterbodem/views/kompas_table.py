"""The Kompas of an answer as a table that shows its colours in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from waterbodem.core.lazy import pd
from waterbodem.definitions.labels import short_name, symbol_colour, texts
from waterbodem.views.kompas_rose import measured
from waterbodem.views.notebook import chip

#: Rows shown in a notebook.
MAX_ROWS, NAME = 60, 48
_CELL = "padding:3px 12px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid #d5dbe1"


class KompasTable(pd.DataFrame):
    """A data frame of verdicts; what is made of it is an ordinary data frame."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __repr__(self) -> str:
        groups = self.head(MAX_ROWS).groupby(["gebied", "functie"], sort=False)
        told = (f"{short_name(str(area), NAME)}, {functie}\n{_lines(rows)}" for (area, functie), rows in groups)
        left = len(self) - MAX_ROWS
        return "\n".join([*told, *([texts("nl")["meer"].format(n=left)] if left > 0 else [])])

    def _repr_html_(self) -> str:
        t = texts("nl")["tabel"]
        heads = (t["gebied"], t["functie"], *(texts("nl")["rapport"][k] for k in ("beginsel", "teken", "reden")))
        head = "".join(f"<th scope='col' style='{_CELL}'>{escape(h)}</th>" for h in heads)
        body = "".join(_row(row) for row in self.head(MAX_ROWS).to_dict("records"))
        left = len(self) - MAX_ROWS
        more = f"<p>{escape(texts('nl')['meer'].format(n=left))}</p>" if left > 0 else ""
        return (
            f"<table style='border-collapse:collapse'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
        )


def _lines(rows: pd.DataFrame) -> str:
    wide = max(len(n) for n in rows["beginsel"])
    return "\n".join(
        f"  {r['beginsel']:<{wide}}  {r['symbool']:>2} {number:>12}  {r['reden']}"
        for r in rows.to_dict("records")
        for number in [measured(r["symbool"], r["getal"], r["eenheid"])]
    )


def _row(row: dict[Any, Any]) -> str:
    word = texts("nl")["rapport"]["symbool_woord"][row["symbool"]]
    symbol = chip(row["symbool"].replace("-", "\u2212"), symbol_colour(row["symbool"]), word)
    number = escape(measured(row["symbool"], row["getal"], row["eenheid"]))
    names = (f"<bdi>{escape(short_name(row[k], NAME))}</bdi>" for k in ("gebied", "functie", "beginsel"))
    cells = [*names, f"<span style='white-space:nowrap'>{symbol} {number}</span>", escape(row["reden"])]
    return "<tr>" + "".join(f"<td style='{_CELL}'>{c}</td>" for c in cells) + "</tr>"
