"""The run file: what a batch run does, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from waterbodem.definitions import Definition
from waterbodem.destination import refusal
from waterbodem.errors import CatalogueError, raise_all
from waterbodem.output_names import ALL_MAPS, MAPS
from waterbodem.registry import is_plain_file, read_toml
from waterbodem.validation import complaints

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
CellSize = Annotated[float, Field(ge=0.001, le=1e6, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


def _spelled_out(path: str) -> str:
    """Return a path as it is; refuse the sign of a home folder, which only a command line fills in."""
    if path.startswith("~"):
        raise ValueError("'~' is not filled in here: write the whole path")
    if any(ord(c) < 32 for c in path):
        raise ValueError("path holds a control character")
    return path


def _of_this_machine(path: str) -> str:
    wrong = refusal(path)
    if wrong:
        raise ValueError(f"{wrong}; allowed: a path of this machine")
    return path


FileName = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_spelled_out)]
Destination = Annotated[str, AfterValidator(_spelled_out), AfterValidator(_of_this_machine)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class GridChoice(Definition):
    """Where the cells of a run lie; default the finest layer's own lattice."""

    resolution: CellSize | None = None
    bounds: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None


class AreaChoice(Definition):
    """Polygons that get a row in the table; cells outside all of them are not computed."""

    path: FileName
    id: str | None = None


class ReceiverChoice(Definition):
    """Who may receive what polygons shift, and how far it reaches.

    ``reikwijdte`` is a length [m], ``situatie``, or a table of one's own in the form of reikwijdte.toml.
    """

    path: FileName | None = None
    id: str | None = None
    demping_m: Positive | None = None
    reikwijdte: Positive | FileName | None = None


class BurdenChoice(Definition):
    """How afwenteling is computed."""

    referentie: str | None = None
    aangelegde_berging_mm: NotNegative = 0.0
    bergingseis_mm: NotNegative | None = None

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, given: Any) -> Any:
        moved = [key for key in ("demping_m", "reikwijdte") if isinstance(given, Mapping) and key in given]
        if moved:
            raise ValueError(f"{' and '.join(moved)}: write it in [ontvangers]")
        return given


class KompasChoice(Definition):
    """Kompas rules of one's own, in the form of kompas.toml."""

    path: FileName


class RunFile(Definition):
    """A batch run; relative paths start at the folder of the file.

    ``maps`` names the maps to write, default all; none, with polygons only, leaves the table. Without oorzaak, risico
    and polygons no afwenteling is computed, and without benedenstrooms, ontvangst and grondwater nobody is looked for
    who receives it. ``pictures`` is whether to
    draw an overview per functie.
    """

    layers: FileName
    functies: Literal["all"] | tuple[str, ...]
    output: Destination
    scenarios: tuple[str, ...] = ()
    grid: GridChoice = GridChoice()
    gebieden: AreaChoice | None = None
    ontvangers: ReceiverChoice = ReceiverChoice()
    afwenteling: BurdenChoice = BurdenChoice()
    kompas: KompasChoice | None = None
    methode: str = "meetkundig"
    orness: float | None = None
    functies_file: FileName | None = None
    maps: tuple[str, ...] = ALL_MAPS
    pictures: bool = True
    float_: Annotated[bool, Field(alias="float")] = False
    parameters: Mapping[str, Mapping[str, float]] = {}

    @field_validator("functies", mode="before")
    @classmethod
    def _listed(cls, functies: Any) -> Any:
        if functies != "all" and not isinstance(functies, (list, tuple)):
            raise ValueError("must be a list of functies, or 'all'")
        return functies

    @field_validator("scenarios")
    @classmethod
    def _once(cls, scenarios: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(scenarios)) < len(scenarios):
            raise ValueError("name each scenario once")
        return scenarios

    @field_validator("functies")
    @classmethod
    def _some(cls, functies: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        if not functies or (len(set(functies)) < len(functies) and functies != "all"):
            raise ValueError("name each functie once, or give 'all'")
        return functies

    @property
    def cell_maps(self) -> tuple[str, ...]:
        """Maps that parts hold, of those asked for."""
        return tuple(m for m in MAPS if m in self.maps)

    @field_validator("maps")
    @classmethod
    def _known(cls, maps: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(maps)) < len(maps) or set(maps) - set(ALL_MAPS):
            raise ValueError(f"name each map once, out of {', '.join(ALL_MAPS)}")
        return tuple(m for m in ALL_MAPS if m in maps)

    @model_validator(mode="after")
    def _something(self) -> RunFile:
        if not self.maps and self.gebieden is None:
            raise ValueError("no maps and no gebieden: there is nothing to make; name a map")
        return self


def is_run_file(path: str | Path) -> bool:
    """Tell a run file from a lagen.toml: it names functies or an output."""
    path = Path(path)
    return is_plain_file(path) and bool({"functies", "output"} & set(read_toml(path)))


def read_run_file(path: str | Path) -> RunFile:
    """Read and check a run file.

    Raises
    ------
    CatalogueError
        Naming file and key, for every key that is wrong.
    """
    try:
        return RunFile.model_validate(read_toml(Path(path)))
    except ValidationError as error:
        raise_all(complaints(error, RunFile, str(path), CatalogueError), where=str(path))
        raise
