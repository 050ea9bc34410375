"""The answer to a question: grids, a table, Kompas and reasons, and who receives what is shifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from waterbodem import downstream, registry
from waterbodem.burden_ledger import Ledger, paths_of_all, table_of_all
from waterbodem.definitions import Functie
from waterbodem.errors import ArgumentError, nearest
from waterbodem.evaluation import masked
from waterbodem.explanation import Explanation, waarom
from waterbodem.late import gpd, pd, xr
from waterbodem.layerset import Floats
from waterbodem.question import Question


@dataclass(frozen=True)
class Answer:
    """Grids, a table, Kompas and reasons.

    Attributes
    ----------
    cells : xr.Dataset
        Suitability and burden on the smallest block of whole cells that covers the polygons; outside them classes
        are 255 and numbers NaN. A leading dimension ``functie`` where a list was asked.
    table : geopandas.GeoDataFrame
        A row per polygon and functie; areas in ha, volumes in m3.
    kompas : pandas.DataFrame
        gebied, functie, beginsel, symbool, getal, eenheid, reden.
    outside : tuple of str
        Polygons that lie wholly outside the data.
    notes : tuple of str
        Repairs, ignored layers and other things a reader must know.
    """

    cells: xr.Dataset
    table: gpd.GeoDataFrame
    kompas: pd.DataFrame
    outside: tuple[str, ...]
    notes: tuple[str, ...]
    question: Question = field(repr=False)

    def waarom(self, x: float, y: float, functie: str | None = None) -> Explanation:
        """Explain one cell; ``functie`` defaults to the first that was asked."""
        chosen = registry.choose(functie)[0][0] if functie else self.question.functies[0]
        asked = {f.id: f for f in self.question.functies}
        q = self.question
        measures = q.settings.measures
        return waarom(
            q.layers,
            asked.get(chosen.id, chosen),
            x,
            y,
            referentie=_reference_argument(q),
            aangelegde_berging_mm=measures.built_mm,
            bergingseis_mm=measures.norm_mm,
            methode=q.settings.methode,
            orness=q.settings.orness,
        )

    @cached_property
    def ledgers(self) -> Mapping[str, Ledger]:
        """Who receives the burden, per functie; found when first asked for.

        What cannot be determined is *niet bepaald*: see ``niet_bepaald`` of a ledger. Receivers are the polygons that
        were given and the other plans; without given ones the stream valleys (beekdalen) in the data.
        """
        q = self.question
        return {f.id: q.enquiry.ledger([f] * len(q.areas)) for f in q.functies}

    @property
    def grootboek(self) -> pd.DataFrame:
        """All ledgers as one table, a row per plan, functie and receiver or other line; see ``Ledger.table``."""
        return table_of_all(self.ledgers)

    def paths(self, share: float | None = None) -> gpd.GeoDataFrame:
        """Return the flow paths from the plans to their receivers, per functie; see ``Ledger.paths``."""
        return paths_of_all(self.ledgers, share)

    @cached_property
    def exposure(self) -> tuple[Floats, Floats]:
        """D on the cells of the answer, and the share of it that is unknown; NaN where it is not determined."""
        q = self.question
        flow, _ = q.enquiry.water
        known, unknown = downstream.exposure_in(q.enquiry.land, flow, q.grid, q.enquiry.damping)
        inside = q.prints.mask
        return masked(known, inside, np.nan), masked(unknown, inside, np.nan)

    @property
    def is_exposed(self) -> bool:
        """Whether it is known where water goes, and of some land how vulnerable it is."""
        enquiry = self.question.enquiry
        return enquiry.water[0] is not None and downstream.vulnerable_layer(enquiry.land.names) is not None

    def downstream(self, functie: str) -> Floats:
        """Return how much a functie would burden land downstream, 0..1, on the cells of the answer."""
        cells = self.cells.sel(functie=functie) if "functie" in self.cells.dims else self.cells
        return downstream.weighed(cells["afvoer"].values, cells["verdrongen_berging"].values, self.exposure[0])

    def asked(self, functie: str | Functie | None = None) -> Functie:
        """Return one of the functies that were asked; default the first."""
        known = {f.id: f for f in self.question.functies}
        id_ = next(iter(known)) if functie is None else functie.id if isinstance(functie, Functie) else functie
        if id_ not in known:
            raise ArgumentError("this functie was not asked", value=id_, allowed=nearest(id_, known), where="functie")
        return known[id_]


def _reference_argument(q: Question) -> Any:
    if isinstance(q.settings.reference, Functie):
        return q.settings.reference
    return xr.DataArray(q.settings.reference, dims=("y", "x"))
