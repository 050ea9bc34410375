"""The table of polygons: a row per polygon, functie and scenario."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from waterbodem.core.lazy import gpd, pd
from waterbodem.definitions.models import Functie
from waterbodem.engine.across import VARIED, across, varied
from waterbodem.engine.circumstances import Circumstances
from waterbodem.engine.demands import Demand, demand_columns
from waterbodem.engine.kompas import KompasFindings, symbols_of
from waterbodem.engine.sums import Totals
from waterbodem.engine.table import ANSWERS, columns_of
from waterbodem.layers.polygons import Area

#: Columns on what a plan is held against, and what its water board asks: texts, and numbers.
TOLD, DEMANDED = ("referentie", "referentie_bron", "waterschap", "niet_getoetst"), ("gevraagd_m3", "gevraagd_aandeel")
#: Rows that are put together at once.
PIECE_ROWS = 30_000


def frame_of(
    told: Circumstances,
    functie: Functie,
    scenario: str,
    totals: Totals,
    found: KompasFindings,
    demands: Sequence[Demand],
    beside: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the rows of one functie under one scenario, in the order of the polygons, without geometry.

    ``beside`` are columns that follow both ends of the answer.
    """
    asked = told.asked and not scenario
    return pd.DataFrame(
        {
            "nr": [a.nr for a in told.areas],
            "gebied": [a.name for a in told.areas],
            "functie": functie.id,
            **_with(columns_of(told.areas, told.grid, totals, functie), beside),
            "referentie": told.use.label,
            "referentie_bron": told.use.source,
            **demand_columns(demands, functie, told.use, totals.use_cells, told.grid),
            "niet_getoetst": told.untested,
            "scenario": scenario,
            **({VARIED: varied(told, functie, totals)} if asked else {}),
            **symbols_of(found, told.rules),
        }
    )


def _with(columns: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns with others after the ends of the answer."""
    names = list(columns)
    place = names.index(ANSWERS[-1]) + 1
    return {n: columns[n] for n in names[:place]} | dict(beside) | {n: columns[n] for n in names[place:]}


class ShelvedRows:
    """Rows of one functie under one scenario, put away on disk: of many functies they would not fit in memory.

    Parameters
    ----------
    frame : DataFrame
        From :func:`frame_of`.
    path : Path
        Where the numbers go; the texts, as numbers of what occurs, stay here.
    """

    def __init__(self, frame: pd.DataFrame, path: Path) -> None:
        self.columns, self._path = list(frame.columns), path
        self._floats = [c for c in frame.columns if frame[c].dtype == np.float64]
        frame[self._floats].to_numpy().tofile(path)
        rest = frame.drop(columns=self._floats)
        texts = [c for c in rest.columns if not pd.api.types.is_numeric_dtype(rest[c])]
        self._rest = rest.astype(dict.fromkeys(texts, "category"))

    def rows(self, first: int, after: int) -> pd.DataFrame:
        """Return the rows from ``first`` up to ``after``."""
        rest = self._rest.iloc[first:after]
        width = len(self._floats)
        numbers = np.fromfile(self._path, np.float64, len(rest) * width, offset=first * width * 8)
        floats = pd.DataFrame(numbers.reshape(-1, width), rest.index, self._floats)
        return pd.concat([_plain(rest), floats], axis=1)[self.columns]


def table_pieces(
    areas: Sequence[Area], shelved: Sequence[ShelvedRows], crs: str | None, stress_tests: Collection[str] = ()
) -> Iterator[gpd.GeoDataFrame]:
    """Yield the table of all that was shelved, polygon by polygon, some polygons at a time.

    Parameters
    ----------
    areas : sequence of Area
    shelved : sequence of Shelved
        Over all of the areas.
    crs : str or None
    stress_tests : collection of str
        Scenarios that do not count in what is told across scenarios.
    """
    step = max(1, PIECE_ROWS // len(shelved))
    for first in range(0, len(areas), step):
        frames = across([s.rows(first, first + step) for s in shelved], stress_tests)
        yield table_of(areas[first : first + step], frames, crs)


def table_of(areas: Sequence[Area], frames: Sequence[pd.DataFrame], crs: str | None) -> gpd.GeoDataFrame:
    """Return the table of all frames as one, polygon by polygon."""
    whole = pd.concat(frames, ignore_index=True)
    by_polygon = np.arange(len(whole)).reshape(len(frames), -1).T.ravel()
    rows = whole.reindex(columns=_names([list(f.columns) for f in frames])).take(by_polygon).reset_index(drop=True)
    geometry = np.repeat(np.array([a.geometry for a in areas], dtype=object), len(frames))
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=crs)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with texts as texts again."""
    texts = [c for c in frame.columns if frame[c].dtype == "category"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _names(columns: Sequence[list[str]]) -> list[str]:
    """Return the columns of all frames, the losses of all functies in one place."""
    names = list(dict.fromkeys(c for some in columns for c in some))
    losses = [c for c in names if c.startswith("verlies_")]
    place = names.index(losses[0])
    return [*names[:place], *losses, *(c for c in names[place:] if c not in losses)]
