"""What the command line asks, from files to an answer; nothing is printed here."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from waterbodem import landscape, layers, registry
from waterbodem.abstraction import Well
from waterbodem.areas import Area, read_areas
from waterbodem.assessment import Assessment, assess
from waterbodem.catalogue import catalogue_file
from waterbodem.covering import block_of
from waterbodem.definitions import Functie
from waterbodem.errors import DefinitionError, nearest, raise_all
from waterbodem.kompas_rules import load_rules
from waterbodem.land import Land, land_of_stack
from waterbodem.output_names import WORK
from waterbodem.overwriting import refuse_overwriting

Step = Callable[[str], None]

#: What ``demo`` asks.
DEMO = ("woningbouw", "natte_natuur")


@dataclass(frozen=True)
class Change:
    """A parameter of a functie with the user's own value."""

    functie: str
    parameter: str
    value: float

    def __str__(self) -> str:
        return f"{self.functie}.{self.parameter}={self.value:.15g}"


@dataclass(frozen=True)
class Request:
    """The main job as asked on the command line; None = the default of :func:`waterbodem.assess`."""

    layers: Path
    functies: tuple[str, ...]
    gebied: Path
    functies_file: Path | None = None
    changes: tuple[Change, ...] = ()
    id: str | None = None
    referentie: str | None = None
    aangelegde_berging_mm: float = 0.0
    bergingseis_mm: float | None = None
    methode: str = "meetkundig"
    orness: float | None = None
    float_: bool = False
    allow: tuple[Path, ...] = ()
    ontvangers: Path | None = None
    demping_m: float | None = None
    reikwijdte: float | str | None = None
    onttrekking: tuple[float, float, float] | None = None
    kompas: Path | None = None
    output: Path | None = None


def answer(request: Request, step: Step) -> Assessment:
    """Read what the polygons need and assess; ``step`` hears what is going on."""
    known = registry.load_functies(request.functies_file)
    functies = chosen(known, request.functies, request.changes)
    reference = None if request.referentie is None else known[request.referentie]
    well = None if request.onttrekking is None else Well(*request.onttrekking)
    rules = None if request.kompas is None else load_rules(request.kompas)
    step("lagen controleren")
    data, areas, land = read(request, step)
    step(f"rekenen: {', '.join(f.id for f in functies)} op {data.sizes['y']} x {data.sizes['x']} cellen")
    return assess(
        data,
        functies,
        areas,
        referentie=reference,
        aangelegde_berging_mm=request.aangelegde_berging_mm,
        bergingseis_mm=request.bergingseis_mm,
        methode=request.methode,
        orness=request.orness,
        ontvangers=request.ontvangers,
        demping_m=request.demping_m,
        reikwijdte=request.reikwijdte,
        onttrekking=well,
        kompas=rules,
        bewaar=kept_in(request.layers),
        omgeving=land,
    )


def kept_in(catalogue: Path) -> Path:
    """Return the folder beside a lagen.toml where flow directions are kept."""
    return catalogue_file(catalogue).absolute().parent / WORK


def chosen(known: registry.Functies, ids: Sequence[str], changes: Sequence[Change]) -> list[Functie]:
    """Return the functies asked for, with the user's own parameter values.

    Raises
    ------
    DefinitionError
        If an id is unknown or asked twice, or a change is not usable.
    """
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


def read(request: Request, step: Step) -> tuple[xr.Dataset, list[Area], Land]:
    """Return the layers on the block of cells that the polygons need, the polygons, and the land around."""
    stack = layers.open_catalogue(request.layers, request.allow)
    raise_all(list(stack.problems), where=stack.where)
    if request.output is not None:
        own = (request.gebied, request.functies_file, request.ontvangers, request.kompas)
        refuse_overwriting(request.output, request.functies, (catalogue_file(request.layers), *own, *stack.files))
    areas = read_areas(request.gebied, stack.grid.crs, request.id)
    step(f"lagen lezen: {len(stack.sources)}")
    near = layers.layers_of(stack.on(block_of(areas, stack.grid).bounds))
    return near, areas, land_of_stack(stack)


def demo() -> Assessment:
    """Return the main job on the built-in fictitious area."""
    return assess(landscape.example(), list(DEMO), landscape.example_plans())


def command_of(request: Request) -> str:
    """Return the command that makes the same files again, without the folders of this machine."""
    words = ["waterbodem", "assess", "--layers", request.layers.name, "--gebied", request.gebied.name]
    for id_ in request.functies:
        words += ["--functie", id_]
    for change in request.changes:
        words += ["--set", str(change)]
    for flag, value in _options(request):
        words += [] if value is None else [flag, *_words(value)]
    words += ["--float"] if request.float_ else []
    return shlex.join([*words, "--output", "uitvoer"])


def _options(request: Request) -> list[tuple[str, Any]]:
    default = Request(request.layers, (), request.gebied)
    own = request.functies_file
    return [
        ("--functies", None if own is None else own.name),
        ("--id", request.id),
        ("--referentie", request.referentie),
        ("--aangelegde-berging-mm", request.aangelegde_berging_mm or None),
        ("--bergingseis-mm", request.bergingseis_mm),
        ("--methode", None if request.methode == default.methode else request.methode),
        ("--orness", request.orness),
        ("--ontvangers", None if request.ontvangers is None else request.ontvangers.name),
        ("--demping-m", request.demping_m),
        ("--reikwijdte", request.reikwijdte),
        ("--onttrekking", request.onttrekking),
        ("--kompas", None if request.kompas is None else request.kompas.name),
    ]


def _words(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [word for part in value for word in _words(part)]
    return [f"{value:.15g}" if isinstance(value, float) else str(value)]
