"""The command that makes an answer again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waterbodem import registry
from waterbodem.definitions import Functie
from waterbodem.setting_forms import words

if TYPE_CHECKING:
    from waterbodem.question import Question


@dataclass(frozen=True)
class Named:
    """How the files of a question are called; names to fill in where they are not known.

    ``settings`` holds the files that settings stand in, by id.
    """

    layers: str = "lagen.toml"
    gebied: str = "gebieden.gpkg"
    ontvangers: str = "ontvangers.gpkg"
    functies: str | None = None
    id: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    float_: bool = False
    known: registry.Functies = field(default_factory=registry.builtin_functies)


def command_of(q: Question, output: str = "uitvoer", named: Named | None = None) -> str:
    """The command that asks the same question, without the folders of this machine."""
    files = named or Named()
    return shlex.join(["waterbodem", "assess", *_words(q, files), "--output", output])


def _words(q: Question, named: Named) -> Iterator[str]:
    yield from ("--layers", named.layers, "--gebied", named.gebied)
    yield from _functie_words(q.functies, named.known)
    for option, value in (("--functies", named.functies), ("--id", named.id)):
        yield from () if value is None else (option, value)
    yield from ("--ontvangers", named.ontvangers) if q.enquiry.given else ()
    yield from words(q.settings, named.settings)
    yield from ("--float",) if named.float_ else ()


def _functie_words(functies: Iterable[Functie], known: registry.Functies) -> Iterator[str]:
    for f in functies:
        yield from ("--functie", f.id)
        base = known[f.id].parameters if f.id in known else f.parameters
        changed = {n: p.waarde for n, p in f.parameters.items() if n not in base or p.waarde != base[n].waarde}
        for name, value in changed.items():
            yield from ("--set", f"{f.id}.{name}={value:.15g}")
