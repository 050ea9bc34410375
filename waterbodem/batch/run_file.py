"""The run file: what a batch run does, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError, create_model, field_validator, model_validator

from waterbodem.core.destination import refusal
from waterbodem.core.errors import CatalogueError, raise_all
from waterbodem.definitions.data_files import is_plain_file, read_toml
from waterbodem.definitions.models import Definition, Finite
from waterbodem.definitions.scenarios import ALL, presets
from waterbodem.definitions.setting_list import Setting, all_settings
from waterbodem.definitions.validation import complaints
from waterbodem.formats.output_names import ALL_MAPS, MAPS

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
#: What a key of a run file takes, by kind of setting; limits of numbers come beside it.
KINDS: Mapping[str, tuple[Any, ...]] = {
    "getal": (float,),
    "schakelaar": (bool,),
    "woord": (str,),
    "functie": (str,),
    "norm": (str,),
    "lengte": (float, FileName),
    "put": (tuple[Finite, Finite, Finite],),
    "regels": (FileName,),
}
#: Limits by their key in instellingen.toml, as pydantic calls them.
LIMITS = {"min": "ge", "max": "le", "boven": "gt", "onder": "lt"}


class SettingTable(Definition):
    """A table of a run file; a setting that stands in the wrong one is told where it belongs."""

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, given: Any) -> Any:
        known = {name for n, f in cls.model_fields.items() for name in (n, f.alias)}
        strange = given.keys() - known if isinstance(given, Mapping) else set()
        moved = [s for s in all_settings() if s.id in strange and s.key == s.id]
        if moved:
            told = "; ".join(f"{s.id}: write it {f'in [{s.tabel}]' if s.tabel else 'above all tables'}" for s in moved)
            raise ValueError(told)
        return given


M = TypeVar("M", bound=BaseModel)


def with_settings(table: str) -> Callable[[type[M]], type[M]]:
    """Add the settings of a table, after instellingen.toml, to the keys that a model of it takes."""

    def filled(model: type[M]) -> type[M]:
        keys: dict[str, Any] = {s.key: _key_of(s) for s in all_settings() if s.tabel == table}
        return create_model(model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **keys)

    return filled


def _key_of(setting: Setting) -> tuple[Any, Any]:
    """What pydantic needs to know of the key of a setting."""
    limits = {name: getattr(setting, key) for key, name in LIMITS.items() if getattr(setting, key) is not None}
    number = Annotated[float, Field(allow_inf_nan=False, **limits)]
    kinds: Any = reduce(or_, (number if kind is float else kind for kind in KINDS[setting.soort]))
    if setting.verplicht:
        return kinds, ...
    if setting.standaard is not None:
        return kinds, setting.standaard
    return kinds | None, None


class GridChoice(Definition):
    """Where the cells of a run lie; default the finest layer's own lattice."""

    resolution: CellSize | None = None
    bounds: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None


@with_settings("gebieden")
class AreaChoice(SettingTable):
    """Polygons that get a row in the table; cells outside all of them are not computed."""

    path: FileName
    id: str | None = None


@with_settings("ontvangers")
class ReceiverChoice(SettingTable):
    """Who may receive what polygons shift, and how far it reaches."""

    path: FileName | None = None
    id: str | None = None


@with_settings("afwenteling")
class BurdenChoice(SettingTable):
    """How afwenteling is computed."""


@with_settings("kompas")
class KompasChoice(SettingTable):
    """Kompas rules of one's own, in the form of kompas.toml."""


@with_settings("")
class RunFile(SettingTable):
    """A batch run; relative paths start at the folder of the file.

    ``maps`` names the maps to write, default all; none, with polygons only, leaves the table. Without oorzaak, risico
    and polygons no afwenteling is computed, and without benedenstrooms, ontvangst and grondwater nobody is looked for
    who receives it. ``pictures`` is whether to
    draw an overview per functie.
    """

    layers: FileName
    functies: Literal["all"] | tuple[str, ...]
    output: Destination
    scenarios: str | tuple[str, ...] = ()
    grid: GridChoice = GridChoice()
    gebieden: AreaChoice | None = None
    ontvangers: ReceiverChoice = ReceiverChoice()
    afwenteling: BurdenChoice = BurdenChoice()
    kompas: KompasChoice | None = None
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
    def _once(cls, scenarios: str | tuple[str, ...]) -> str | tuple[str, ...]:
        several = (ALL, *presets())
        if isinstance(scenarios, str) and scenarios not in several:
            raise ValueError(f"must be a list of scenarios, or one of {', '.join(several)}")
        if len(set(scenarios)) < len(scenarios) and not isinstance(scenarios, str):
            raise ValueError("name each scenario once")
        return scenarios

    @field_validator("functies")
    @classmethod
    def _some(cls, functies: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        if not functies or (len(set(functies)) < len(functies) and functies != "all"):
            raise ValueError("name each functie once, or give 'all'")
        return functies

    @property
    def settings(self) -> dict[str, Any]:
        """Settings as they were typed, by id; None = not given."""
        tables = {s.tabel: getattr(self, s.tabel) if s.tabel else self for s in all_settings()}
        return {s.id: getattr(tables[s.tabel], s.key, None) for s in all_settings()}

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
