"""What the command line asks, from files to an answer; nothing is printed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from waterbodem.answers.command import FileNames
from waterbodem.assessment.assessment import Assessment, assess
from waterbodem.assessment.mits import Mits, mits
from waterbodem.core.errors import DefinitionError, nearest, raise_all
from waterbodem.definitions import registry
from waterbodem.definitions.layer_name import AT
from waterbodem.definitions.models import Functie
from waterbodem.definitions.scenarios import scenarios_among, scenarios_in
from waterbodem.engine.coverage import block_of
from waterbodem.formats.output_names import WORK
from waterbodem.formats.overwriting import refuse_overwriting
from waterbodem.formats.setting_forms import Origin, files_of, read_settings
from waterbodem.layers import stack as layers
from waterbodem.layers.catalogue import catalogue_file
from waterbodem.layers.fiction.areas import example_plans
from waterbodem.layers.fiction.landscape import example
from waterbodem.layers.polygons import Area, read_areas
from waterbodem.layers.use_map import opened_use
from waterbodem.receivers.land import Land, land_of_stack

Step = Callable[[str], None]

#: What ``demo_assessment`` asks.
DEMO = ("woningbouw", "natte_natuur")


@dataclass(frozen=True)
class ParameterOverride:
    """A parameter of a functie with the user's own value."""

    functie: str
    parameter: str
    value: float


@dataclass(frozen=True)
class CommandQuestion:
    """The main job as asked on the command line; ``settings`` as they were typed, by id."""

    layers: Path
    functies: tuple[str, ...]
    gebied: Path
    functies_file: Path | None = None
    changes: tuple[ParameterOverride, ...] = ()
    id: str | None = None
    float_: bool = False
    allow: tuple[Path, ...] = ()
    ontvangers: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    output: Path | None = None
    scenarios: tuple[str, ...] = ()

    @property
    def file_names(self) -> FileNames:
        """Names of its files, for the command that makes the answer again."""
        own, to = self.functies_file, self.ontvangers
        return FileNames(
            self.layers.name,
            self.gebied.name,
            "" if to is None else to.name,
            None if own is None else own.name,
            self.id,
            {id_: Path(file).name for id_, file in files_of(self.settings).items()},
            self.float_,
            registry.load_functies(own),
        )


def assess_files(request: CommandQuestion, step: Step) -> Assessment:
    """Read what the polygons need and assess; ``step`` hears what is going on."""
    data, functies, areas, settings = _asked(request, step)
    return assess(data, functies, areas, scenarios=request.scenarios or None, **settings)


def packages(request: CommandQuestion, own: Path | None, together: int, free_by: str | None, step: Step) -> Mits:
    """Read what the plans need and search measures, with those of a file of one's own."""
    data, functies, plans, settings = _asked(request, step)
    return mits(data, functies, plans, own, together, free_by, **settings)


def _asked(request: CommandQuestion, step: Step) -> tuple[xr.Dataset, list[Functie], list[Area], dict[str, Any]]:
    """Return layers, functies, polygons and settings as functions take them."""
    known = registry.load_functies(request.functies_file)
    functies = chosen_with_overrides(known, request.functies, request.changes)
    settings = read_settings(request.settings, Origin(known))
    step("lagen controleren")
    data, areas, land = read_inputs(request, step, known, [f.id for f in functies])
    settings = settings.with_reference(opened_use(settings.reference, land.grid, known))
    step(f"rekenen: {', '.join(f.id for f in functies)} op {data.sizes['y']} x {data.sizes['x']} cellen")
    told: dict[str, Any] = {"ontvangers": request.ontvangers, "bewaar": flow_folder(request.layers), "omgeving": land}
    return data, functies, areas, told | settings.arguments(assess)


def flow_folder(catalogue: Path) -> Path:
    """Return the folder beside a lagen.toml where flow directions are kept."""
    return catalogue_file(catalogue).absolute().parent / WORK


def chosen_with_overrides(
    known: registry.Functies, ids: Sequence[str], changes: Sequence[ParameterOverride]
) -> list[Functie]:
    """Return the functies asked for (``"all"``: every one that is known), with the user's own parameter values.

    Raises
    ------
    DefinitionError
        If an id is unknown or asked twice, or a change is not usable.
    """
    ids = list(known) if list(ids) == [registry.ALL] else ids
    if len(set(ids)) < len(ids):
        raise DefinitionError("a functie is asked twice", value=list(ids), where="--functie")
    found = {id_: known[id_] for id_ in ids}
    values: dict[str, dict[str, float]] = {}
    for change in changes:
        if change.functie not in found:
            raise DefinitionError(
                "not a functie that is asked for", value=change.functie, allowed=nearest(change.functie, found),
                where="--set",
            )  # fmt: skip
        values.setdefault(change.functie, {})[change.parameter] = change.value
    return [f.replace(**values[id_]) if id_ in values else f for id_, f in found.items()]


def read_inputs(
    request: CommandQuestion, step: Step, known: registry.Functies, ids: Sequence[str]
) -> tuple[xr.Dataset, list[Area], Land]:
    """Return the layers on the block of cells that the polygons need, the polygons, and the land around."""
    stack = layers.open_catalogue(request.layers, request.allow, functies=known)
    raise_all(list(stack.problems), where=stack.where)
    if request.output is not None:
        own = [
            request.gebied,
            request.functies_file,
            request.ontvangers,
            *map(Path, files_of(request.settings).values()),
        ]
        folders = [f"{id_}{end}" for id_ in ids for end in ("", *_endings(request, stack))]
        refuse_overwriting(request.output, folders, (catalogue_file(request.layers), *own, *stack.files))
    areas = read_areas(request.gebied, stack.grid.crs, request.id)
    step(f"lagen lezen: {len(stack.sources)}")
    near = layers.layers_of(stack.on(block_of(areas, stack.grid).bounds))
    return near, areas, land_of_stack(stack)


def _endings(request: CommandQuestion, stack: layers.LayerStack) -> list[str]:
    """Return what follows the name of a functie in the folders of scenarios."""
    return [f"{AT}{s}" for s in scenarios_among(request.scenarios, *scenarios_in(stack.sources))]


def demo_assessment() -> Assessment:
    """Return the main job on the built-in fictitious area."""
    return assess(example(), list(DEMO), example_plans())
