"""Who receives what the plans of an answer shift: ledgers, paths, exposure, and what the table says of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from waterbodem.answers.archived_question import ArchivedReceiverQuestion
from waterbodem.answers.question import Question
from waterbodem.core.dataset import of_functie
from waterbodem.core.lazy import gpd, pd, xr
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import reception_rules
from waterbodem.engine.evaluation import masked
from waterbodem.engine.layer_set import Floats
from waterbodem.receivers import downstream
from waterbodem.receivers.ledger import Ledger, paths_of_all, table_of_all
from waterbodem.receivers.ledger_columns import NAME, columns_of, with_receivers


class ReceiverAnswer:
    """What an answer says of receivers; nothing is routed before it is asked."""

    cells: xr.Dataset
    rows: gpd.GeoDataFrame
    futures: gpd.GeoDataFrame | None
    question: Question

    def of(self, functie: str | Functie) -> xr.Dataset:
        """Grids (y, x) of one functie that was asked."""
        return of_functie(self.cells, functie if isinstance(functie, str) else functie.id)

    @cached_property
    def ledgers(self) -> Mapping[str, Ledger]:
        """Who receives the burden, per functie; found when first asked for.

        What cannot be determined is *niet bepaald*: see ``niet_bepaald`` of a ledger. Receivers are the polygons that
        were given and the other plans; without given ones the stream valleys (beekdalen) in the data.
        """
        q = self.question
        return {f.id: q.receiver_question.ledger([f] * len(q.areas)) for f in q.functies}

    @cached_property
    def table(self) -> gpd.GeoDataFrame:
        """The rows of today, as :attr:`today`, each followed by those of the scenarios that were asked.

        Who receives is found for today. On the row of today stand ``antwoord_slechtst``, ``houdt_k`` and ``houdt_n``
        (in k of n scenarios the answer is the same or better), ``spijt`` and ``spijt_functie`` (how far it stays below
        the best functie asked, where that is most) and ``lagen_met_variant``. Stress tests count in none of them.
        """
        if self.futures is None:
            return self.today
        count, each = len(self.rows), len(self.futures) // len(self.rows)
        order = np.hstack([np.arange(count)[:, None], count + np.arange(count * each).reshape(count, each)]).ravel()
        blank = {NAME: ""} if NAME in self.today else {}
        return (
            pd.concat([self.today, self.futures.assign(**blank)], ignore_index=True)
            .take(order, axis=0)
            .reset_index(drop=True)
        )

    @cached_property
    def today(self) -> gpd.GeoDataFrame:
        """The rows with who receives what is shifted: volume, shares, the largest receiver, lowering under receivers.

        They add up with the ledgers, and are missing where a ledger is *niet bepaald*. Water is routed when the table
        is first asked for; for very many rows it is not: see ``no_receivers``.
        """
        if NAME in self.rows:
            return self.rows
        asked, areas = [f.id for f in self.question.functies], self.question.areas
        tables = dict.fromkeys(asked) if self.no_receivers else {id_: self.ledgers[id_].table for id_ in asked}
        return with_receivers(self.rows, {id_: columns_of(table, areas) for id_, table in tables.items()})

    @property
    def no_receivers(self) -> str:
        """Why the table does not say who receives it, in Dutch; empty if it does."""
        rules, count = reception_rules(), len(self.rows)
        most = rules.value("tabel_max")
        return rules.reason("tabel", aantal=count, hoogstens=most) if count > most else ""

    @property
    def grootboek(self) -> pd.DataFrame:
        """All ledgers as one table, a row per plan, functie and receiver or other line; see ``Ledger.table``."""
        return table_of_all(self.ledgers)

    def paths(self, share: float | None = None) -> gpd.GeoDataFrame:
        """Return the flow paths from the plans to their receivers, per functie; see ``Ledger.paths``."""
        return paths_of_all(self.ledgers, share)

    @cached_property
    def exposure(self) -> tuple[Floats, Floats]:
        """D on the cells of the answer, and the share of the water that cannot be followed; NaN without directions."""
        q, inside = self.question, self.question.prints.mask
        if isinstance(q.receiver_question, ArchivedReceiverQuestion) and q.receiver_question.swept is not None:
            return q.receiver_question.swept
        known, unknown = downstream.exposure_in(
            q.receiver_question.land, q.receiver_question.water[0], q.grid, q.receiver_question.settings.damping
        )
        return masked(known, inside, np.nan), masked(unknown, inside, np.nan)

    @property
    def is_exposed(self) -> bool:
        """Whether it is known where water goes, and of some land how vulnerable it is."""
        receiver_question = self.question.receiver_question
        known = (
            receiver_question.swept is not None
            if isinstance(receiver_question, ArchivedReceiverQuestion)
            else receiver_question.water[0] is not None
        )
        return known and downstream.vulnerable_layer(receiver_question.land.names) is not None

    def downstream(self, functie: str) -> Floats:
        """Return how much a functie would burden land downstream, 0..1, on the cells of the answer."""
        cells, (exposure, unknown) = self.of(functie), self.exposure
        share = downstream.weighed(cells["afvoer"].values, cells["verdrongen_berging"].values, exposure)
        return downstream.drawn(share, unknown)
