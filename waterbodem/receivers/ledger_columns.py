"""Who receives it, in the table of polygons: a few columns per plan, which add up with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from waterbodem.core.lazy import gpd, pd
from waterbodem.definitions.receiving import reception_rules
from waterbodem.layers.polygons import Area

#: Shares that differ by less than this are a tie: the first receiver counts.
TIE = 1e-6
NAME = "grootste_ontvanger"


def columns() -> tuple[str, ...]:
    """Return the names of the columns, in order; what they mean stands in ontvangst.toml."""
    return tuple(reception_rules().kolommen)


def columns_of(table: pd.DataFrame | None, areas: Sequence[Area]) -> pd.DataFrame:
    """Return what a ledger says of every polygon, a row each.

    Parameters
    ----------
    table : DataFrame or None
        ``Ledger.table`` of one functie; None: nothing is determined.
    areas : sequence of Area

    Returns
    -------
    DataFrame
        NaN, or an empty name, is what could not be determined; so is a share of nothing.
    """
    numbers = [a.nr for a in areas]
    found = pd.DataFrame(np.nan, index=numbers, columns=list(columns()))
    known = found if table is None else _known(table[table.plan_nr > 0]).reindex(numbers)
    found = known.reindex(columns=list(columns()))
    names = [name if isinstance(name, str) else "" for name in found[NAME]]
    return found.assign(**{NAME: names}).reset_index(drop=True)


def _known(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of every plan that the lines of a ledger speak of, by its number."""
    of = {kind: lines[lines.soort == kind].set_index("plan_nr") for kind in ("totaal", "buiten")}
    receivers = lines[lines.ontvanger_nr > 0]
    largest = _largest(receivers[receivers.m3 > 0])
    return pd.DataFrame(
        {
            "vrijgekomen_m3": of["totaal"].m3,
            "aandeel_in_gegevens": 1.0 - of["buiten"].aandeel,
            "aandeel_buiten_gegevens": of["buiten"].aandeel,
            NAME: largest.ontvanger,
            "aandeel_grootste_ontvanger": largest.aandeel,
            "verlaging_ontvangers_m": receivers.groupby("plan_nr").verlaging_grootste_m.max(),
        }
    )


def _largest(receivers: pd.DataFrame) -> pd.DataFrame:
    """Return per plan the first receiver of the largest share."""
    most = receivers.groupby("plan_nr").aandeel.transform("max")
    return receivers[receivers.aandeel >= most - TIE].drop_duplicates("plan_nr").set_index("plan_nr")


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
    return gpd.GeoDataFrame(rows_beside(plain, found), geometry=rows.geometry.array, crs=rows.crs)


def rows_beside(rows: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns of other rows, one to one."""
    return pd.concat([rows, found], axis=1)
