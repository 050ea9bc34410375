"""Water boards and what they ask of a plan: normen.toml (rekenregels section 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from waterbodem.core.errors import ArgumentError
from waterbodem.core.html import html_table
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.models import Definition, Frozen, Share, Table
from waterbodem.definitions.notation import written
from waterbodem.definitions.validation import validated

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MM_PER_M = 1000.0


class Board(Definition):
    """A water board (waterschap) and what it asks; normen.toml tells what the keys mean.

    Examples
    --------
    >>> import waterbodem as wb
    >>> board = wb.waterschappen()["hunze_en_aas"]
    >>> board.storage_mm, board.ontwatering_m["woningbouw"], board.normdatum
    (80.0, 0.7, 2018)
    """

    id: str
    naam: str
    eis_mm: Amount | None = None
    eis_aandeel: Share | None = None
    peilstijging_m: Positive
    vanaf_m2: Amount = 0.0
    vanaf_m2_buitengebied: Amount | None = None
    tot_ha: Positive | None = None
    bui: str = ""
    geldt: str = ""
    ontwatering_m: Table[str, Amount] = Field(default_factory=Frozen)
    ontwatering_anders_m: Table[str, Amount] = Field(default_factory=Frozen)
    drooglegging_m: Table[str, Amount] = Field(default_factory=Frozen)
    drempel_boven_straat_m: Amount | None = None
    toelichting: str = ""
    onbevestigd: tuple[str, ...] = ()
    expertoordeel: str = ""
    bron: tuple[str, ...]
    normdatum: int

    @model_validator(mode="after")
    def _one_norm(self) -> Board:
        if (self.eis_mm is None) == (self.eis_aandeel is None):
            raise ValueError("give either eis_mm or eis_aandeel")
        return self

    @property
    def storage_mm(self) -> float:
        """Storage that is asked over new paving [mm]."""
        if self.eis_mm is not None:
            return self.eis_mm
        return MM_PER_M * (self.eis_aandeel or 0.0) * self.peilstijging_m


class Boards(Mapping[str, Board]):
    """Water boards by id, in the order of the file."""

    def __init__(self, boards: Iterable[Board]) -> None:
        self._by_id = {board.id: board for board in boards}

    def __getitem__(self, key: str) -> Board:
        return self._by_id[key]

    def __iter__(self) -> Any:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        lines = (f"  {b.id:<26} {b.naam}: gevraagd {written(b.storage_mm)} mm ({b.normdatum})" for b in self.values())
        return "<Waterschappen>\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = ((b.id, b.naam, written(b.storage_mm), b.normdatum, ", ".join(b.bron)) for b in self.values())
        return html_table("Waterschappen", ["id", "naam", "gevraagd (mm)", "normdatum", "bron"], rows)


@dataclass(frozen=True, eq=False)
class Boundaries:
    """Where water boards lie, as a user gives it; it is read where plans are held against it.

    Parameters
    ----------
    source : Path, GeoDataFrame or None
        A file, or polygons with a field that names the board; None: it was read elsewhere.
    label : str
        What it is called.
    """

    source: Any
    label: str


@cache
def waterschappen() -> Boards:
    """Water boards with what they ask, by id.

    Returns
    -------
    mapping of str to Board
        Every figure is a rule of thumb from plan texts, to be confirmed by the board.

    Examples
    --------
    >>> import waterbodem as wb
    >>> list(wb.waterschappen())[:2]
    ['hunze_en_aas', 'noorderzijlvest']
    """
    tables = read_toml(data_file("normen.toml"))
    return Boards(validated(Board, {"id": id_, **table}, f"normen.toml: {id_}") for id_, table in tables.items())


def board_of(name: str) -> Board:
    """Water board by its id or its name, with or without *Waterschap* before it.

    Raises
    ------
    ArgumentError
        If no board is called so; it lists those that are known.

    Examples
    --------
    >>> board_of("Hunze en Aa's").id
    'hunze_en_aas'
    """
    known = {_plain(n): board for board in waterschappen().values() for n in (board.id, board.naam)}
    found = known.get(_plain(name)) if isinstance(name, str) else None
    if found is None:
        allowed = "; ".join(f"{b.id} ({b.naam})" for b in waterschappen().values())
        raise ArgumentError("unknown water board", value=name, allowed=allowed, where="waterschap")
    return found


def _plain(name: str) -> str:
    return name.strip().casefold().removeprefix("waterschap ").replace("’", "'")


def chosen_boards(given: Any, folder: str | Path = "") -> str | Boundaries | None:
    """Water board by its id or name, or the boundaries that a path or a table of polygons holds.

    Raises
    ------
    ArgumentError
        If it is neither: it lists the boards that are known.

    Examples
    --------
    >>> chosen_boards("Vechtstromen"), chosen_boards("grenzen.gpkg").label
    ('Vechtstromen', 'grenzen.gpkg')
    """
    if given is None or isinstance(given, Boundaries):
        return given
    if hasattr(given, "geometry"):
        return Boundaries(given, "boundaries")
    if isinstance(given, Path) or (isinstance(given, str) and Path(given).suffix and not _is_known(given)):
        return Boundaries(Path(folder) / given, Path(given).name)
    _ = board_of(given)
    return str(given)


def _is_known(name: str) -> bool:
    return _plain(name) in {_plain(n) for board in waterschappen().values() for n in (board.id, board.naam)}
