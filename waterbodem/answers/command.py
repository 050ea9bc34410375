"""The command that makes an answer again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waterbodem.definitions import registry
from waterbodem.definitions.models import OWN, Functie
from waterbodem.formats.output_names import AREAS
from waterbodem.formats.setting_forms import setting_options

if TYPE_CHECKING:
    from waterbodem.answers.question import Question


@dataclass(frozen=True)
class FileNames:
    """Names of the files of a question; names to fill in where they are not known.

    ``settings`` holds the files that settings stand in, by id.
    """

    layers: str = "lagen.toml"
    gebied: str = f"{AREAS}.gpkg"
    ontvangers: str = "ontvangers.gpkg"
    functies: str | None = None
    id: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    float_: bool = False
    known: registry.Functies = field(default_factory=registry.builtin_functies)


def command_of(q: Question, output: str = "uitvoer", files: FileNames | None = None) -> str:
    """The command that asks the same question, without the folders of this machine."""
    return shlex.join(["waterbodem", "assess", *_words(q, files or FileNames()), "--output", output])


def own_values(q: Question) -> FileNames:
    """Names of files, and functies without the values that a user set: those are all that is told of them."""
    return FileNames(known=registry.Functies(_given(f) for f in q.functies))


def _given(functie: Functie) -> Functie:
    return functie.model_copy(update={"parameters": {n: p for n, p in functie.parameters.items() if OWN not in p.bron}})


def _words(q: Question, files: FileNames) -> Iterator[str]:
    yield from ("--layers", files.layers, "--gebied", files.gebied)
    yield from _functie_words(q.functies, files.known)
    for option, value in (("--functies", files.functies), ("--id", files.id)):
        yield from () if value is None else (option, value)
    yield from ("--ontvangers", files.ontvangers) if q.receiver_question.given else ()
    for name in q.asked:
        yield from ("--scenario", name)
    yield from setting_options(q.settings, files.settings)
    yield from ("--float",) if files.float_ else ()


def _functie_words(functies: Iterable[Functie], known: registry.Functies) -> Iterator[str]:
    for f in functies:
        yield from ("--functie", f.id)
        base = known[f.id].parameters if f.id in known else f.parameters
        changed = {n: p.waarde for n, p in f.parameters.items() if n not in base or p.waarde != base[n].waarde}
        for name, value in changed.items():
            yield from ("--set", f"{f.id}.{name}={value:.15g}")
