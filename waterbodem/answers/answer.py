"""The answer to a question: grids, a table, Kompas and reasons, and who receives what is shifted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from waterbodem.answers.answer_edition import AnswerEdition
from waterbodem.answers.question import Question
from waterbodem.answers.receiver_answer import ReceiverAnswer
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.grid import Grid
from waterbodem.core.lazy import gpd, pd, xr
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Boundaries
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap
from waterbodem.definitions.settings import Settings
from waterbodem.doubt.why import waarom
from waterbodem.engine.derived import derived_of
from waterbodem.engine.explanation import Explanation
from waterbodem.engine.reference import HeldUse
from waterbodem.engine.scoring import layers_of


@dataclass(frozen=True)
class Answer(ReceiverAnswer):
    """Grids, a table, Kompas and reasons.

    Attributes
    ----------
    cells : xr.Dataset
        Suitability and burden on the smallest block of whole cells that covers the polygons; outside them classes
        are 255 and numbers NaN. A leading dimension ``functie`` where a list was asked.
    rows : geopandas.GeoDataFrame
        A row per polygon and functie, today; areas in ha, volumes in m3. ``table`` adds who receives what is shifted,
        and the rows of scenarios.
    kompas : pandas.DataFrame
        gebied, functie, beginsel, symbool, getal, eenheid, reden.
    outside : tuple of str
        Polygons that lie wholly outside the data.
    notes : tuple of str
        Repairs, ignored layers and other things a reader must know.
    futures : geopandas.GeoDataFrame or None
        A row per polygon, functie and scenario that was asked; None where none was.
    making : Making
        Edition of the rules, and versions, that it was made with.
    """

    cells: xr.Dataset
    rows: gpd.GeoDataFrame
    kompas: pd.DataFrame
    outside: tuple[str, ...]
    notes: tuple[str, ...]
    question: Question = field(repr=False)
    futures: gpd.GeoDataFrame | None = None
    making: AnswerEdition = field(default_factory=AnswerEdition, repr=False)

    @property
    def derived(self) -> list[str]:
        """Layers that were derived from others for the functies that were asked."""
        used = layers_of(*self.question.functies)
        return [n for n in derived_of(self.question.cells.present) if n in used] if self.making.derives else []

    def waarom(self, x: float, y: float, functie: str | None = None) -> Explanation:
        """Explain one cell; ``functie`` defaults to the first that was asked."""
        chosen = registry.choose_one(functie) if functie else self.question.functies[0]
        asked = {f.id: f for f in self.question.functies}
        q, settings = self.question, _on_layers(self.question.settings, self.question.grid)
        if isinstance(settings.judge, Boundaries):
            settings = settings.judged_by(self._board_at(x, y))
        return waarom(q.layers, asked.get(chosen.id, chosen), x, y, **settings.arguments(waarom))

    def _board_at(self, x: float, y: float) -> str | None:
        """Return the water board of the first polygon that touches the cell at a place."""
        q = self.question
        row, col = int((q.grid.top - y) // q.grid.dy), int((x - q.grid.left) // q.grid.dx)
        inside = 0 <= row < q.grid.rows and 0 <= col < q.grid.cols
        place = q.prints.first[row, col] if inside else -1
        return q.boards[place][0].id if place >= 0 and q.boards[place] else None

    def asked(self, functie: str | Functie | None = None) -> Functie:
        """Return one of the functies that were asked; default the first."""
        known = {f.id: f for f in self.question.functies}
        id_ = next(iter(known)) if functie is None else functie.id if isinstance(functie, Functie) else functie
        if id_ not in known:
            raise ArgumentError("this functie was not asked", value=id_, allowed=nearest(id_, known), where="functie")
        return known[id_]


def _on_layers(settings: Settings, grid: Grid) -> Settings:
    """Settings as arguments beside the layers of a question; a reference raster lies on them."""
    use = settings.reference
    if not isinstance(use, UseMap) or use.codes is None:
        return settings
    held = HeldUse(xr.DataArray(use.codes, dims=("y", "x")), grid)
    return settings.with_reference(replace(use, source=held, codes=None))
