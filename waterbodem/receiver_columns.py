"""Who receives it, in the table of polygons: a few columns per plan, which add up with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from waterbodem.areas import Area
from waterbodem.burden_ledger import Ledger
from waterbodem.late import gpd, pd
from waterbodem.reception import reception_rules

#: Shares that differ by less than this are a tie: the first receiver counts.
TIE = 1e-6
NAME = "grootste_ontvanger"


def columns() -> tuple[str, ...]:
    """Return the names of the columns, in order; what they mean stands in ontvangst.toml."""
    return tuple(reception_rules().kolommen)


def columns_of(ledger: Ledger | None, areas: Sequence[Area]) -> pd.DataFrame:
    """Return what the ledger says of every polygon, a row each.

    Parameters
    ----------
    ledger : Ledger or None
        None: nothing is determined.
    areas : sequence of Area

    Returns
    -------
    DataFrame
        NaN, or an empty name, is what could not be determined; so is a share of nothing.
    """
    table = pd.DataFrame({"plan_nr": []}) if ledger is None else ledger.table
    of = dict(iter(table[table.plan_nr > 0].groupby("plan_nr")))
    rows = [_row(of[a.nr]) if a.nr in of else _nothing() for a in areas]
    return pd.DataFrame(rows, columns=list(columns()))


def _nothing() -> dict[str, float | str]:
    return {name: "" if name == NAME else np.nan for name in columns()}


def _row(lines: pd.DataFrame) -> dict[str, float | str]:
    total, leaving = (lines[lines.soort == kind].iloc[0] for kind in ("totaal", "buiten"))
    receivers = lines[lines.ontvanger_nr > 0]
    found = {
        **_nothing(),
        "vrijgekomen_m3": total.m3,
        "aandeel_in_gegevens": 1.0 - leaving.aandeel,
        "aandeel_buiten_gegevens": leaving.aandeel,
        "verlaging_ontvangers_m": receivers.verlaging_grootste_m.max(),
    }
    return found | _largest(receivers[receivers.m3 > 0])


def _largest(receivers: pd.DataFrame) -> dict[str, float | str]:
    if receivers.empty:
        return {}
    first = receivers[receivers.aandeel >= receivers.aandeel.max() - TIE].iloc[0]
    return {NAME: first.ontvanger, "aandeel_grootste_ontvanger": first.aandeel}


def with_receivers(rows: gpd.GeoDataFrame, per_functie: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    """Return the table of polygons with what its ledgers say, before the geometry.

    Parameters
    ----------
    rows : GeoDataFrame
        Polygon by polygon, the functies of each in the order of ``per_functie``.
    per_functie : mapping of functie to DataFrame
        From :func:`columns_of`, of all the polygons.
    """
    stacked = pd.concat(list(per_functie.values()), ignore_index=True)
    count = len(per_functie)
    by_polygon = np.arange(len(stacked)).reshape(count, -1).T.ravel()
    found = stacked.take(by_polygon).reset_index(drop=True)
    plain = pd.DataFrame(rows.drop(columns=rows.geometry.name))
    return gpd.GeoDataFrame(pd.concat([plain, found], axis=1), geometry=rows.geometry.array, crs=rows.crs)
