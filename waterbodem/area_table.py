"""The table of polygons: a row per polygon, functie and scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from waterbodem.areas import Area
from waterbodem.grid import Grid
from waterbodem.kompas import Findings, KompasRules, symbols_of
from waterbodem.late import gpd, pd
from waterbodem.summary import columns_of
from waterbodem.tally import Totals

#: Rows that are put together at once.
PIECE_ROWS = 60_000


def frame_of(
    areas: Sequence[Area],
    grid: Grid,
    functie: str,
    scenario: str,
    totals: Totals,
    found: Findings,
    rules: KompasRules,
) -> pd.DataFrame:
    """Return the rows of one functie under one scenario, in the order of the polygons, without geometry."""
    return pd.DataFrame(
        {
            "nr": [a.nr for a in areas],
            "gebied": [a.name for a in areas],
            "functie": functie,
            **columns_of(areas, grid, totals),
            "scenario": scenario,
            **symbols_of(found, rules),
        }
    )


def lean(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with texts as numbers of what occurs, for keeping many."""
    texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.astype(dict.fromkeys(texts, "category"))


def pieces(areas: Sequence[Area], frames: Sequence[pd.DataFrame], crs: str | None) -> Iterator[gpd.GeoDataFrame]:
    """Yield the table of all frames, polygon by polygon, some polygons at a time.

    Parameters
    ----------
    areas : sequence of Area
    frames : sequence of DataFrame
        From :func:`frame_of`, over all of the areas.
    crs : str or None
    """
    step = max(1, PIECE_ROWS // len(frames))
    names = _names(frames)
    for first in range(0, len(areas), step):
        some = areas[first : first + step]
        yield _piece(some, [f.iloc[first : first + step] for f in frames], names, crs)


def table_of(areas: Sequence[Area], frames: Sequence[pd.DataFrame], crs: str | None) -> gpd.GeoDataFrame:
    """Return the table of all frames as one, polygon by polygon."""
    return _piece(areas, frames, _names(frames), crs)


def _piece(
    areas: Sequence[Area], frames: Sequence[pd.DataFrame], names: list[str], crs: str | None
) -> gpd.GeoDataFrame:
    whole = pd.concat([_plain(f) for f in frames], ignore_index=True)
    by_polygon = np.arange(len(whole)).reshape(len(frames), -1).T.ravel()
    rows = whole.reindex(columns=names).take(by_polygon).reset_index(drop=True)
    geometry = np.repeat(np.array([a.geometry for a in areas], dtype=object), len(frames))
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=crs)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with texts as texts again."""
    texts = [c for c in frame.columns if frame[c].dtype == "category"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _names(frames: Sequence[pd.DataFrame]) -> list[str]:
    """Return the columns of all frames, the losses of all functies in one place."""
    names = list(dict.fromkeys(c for f in frames for c in f.columns))
    losses = [c for c in names if c.startswith("verlies_")]
    place = names.index(losses[0])
    return [*names[:place], *losses, *(c for c in names[place:] if c not in losses)]
