"""Data files to definitions: read once, validated on the way in, handed out frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from waterbodem.core.errors import ArgumentError, DefinitionError, UnknownFunctie, nearest
from waterbodem.core.html import html_table
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.editions import EDITION, earlier_editions, edition_file
from waterbodem.definitions.models import (
    OWN_CODE,
    AnswerClass,
    BurdenRules,
    Definition,
    Functie,
    LayerKind,
    RewettingRules,
    ScoringRules,
    Source,
    Term,
)
from waterbodem.definitions.validation import validated

#: Every functie that comes with the package, as an argument.
ALL = "all"


class Functies(Mapping[str, Functie]):
    """An immutable collection of functies, by id, in order of code."""

    def __init__(self, functies: Iterable[Functie]) -> None:
        self._by_id = {f.id: f for f in sorted(functies, key=lambda f: f.code)}

    def __getitem__(self, key: str) -> Functie:
        try:
            return self._by_id[key]
        except (KeyError, TypeError):
            raise UnknownFunctie("unknown functie", value=key, allowed=nearest(str(key), self._by_id)) from None

    def __contains__(self, key: object) -> bool:
        return key in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        lines = (f"  {f.code:>3}  {f.id:<20} {f.naam}" for f in self.values())
        return "<Functies>\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = ((f.id, f.code, f.naam, f.omschrijving, f.sources_text) for f in self.values())
        return html_table("Functies", ["id", "code", "naam", "omschrijving", "bronnen"], rows)

    def by_code(self) -> dict[int, Functie]:
        """Return the functies keyed by their code."""
        return {f.code: f for f in self.values()}

    def extended(self, own: Iterable[Functie], where: str = "") -> Functies:
        """Return a new collection with own functies added; ``where`` is the file they come from.

        Raises
        ------
        DefinitionError
            If an id or code is taken, or a code is below 100.
        """
        known = dict(self._by_id)
        for functie in own:
            _check_free(functie, known, f"{where}: {functie.id}" if where else functie.id)
            known[functie.id] = functie
        return Functies(known.values())


def _check_free(functie: Functie, known: Mapping[str, Functie], where: str) -> None:
    if functie.id == ALL:
        raise DefinitionError("id means every functie", value=ALL, allowed="another id", where=f"{where}.id")
    if functie.code < OWN_CODE:
        raise DefinitionError(
            "code is reserved", value=functie.code, allowed=f"{OWN_CODE} and up", where=f"{where}.code"
        )
    if functie.id in known:
        raise DefinitionError("a functie of this id exists already", value=functie.id, where=f"{where}.id")
    taken = next((f.id for f in known.values() if f.code == functie.code), None)
    if taken:
        raise DefinitionError(f"code is taken by {taken}", value=functie.code, where=f"{where}.code")


def functie_of(data: Mapping[str, Any], where: str, edition: int = EDITION) -> Functie:
    """Return a functie from plain data; ``where`` is named in errors, limits are those of an edition.

    Raises
    ------
    DefinitionError
        If a key is wrong, or a layer is unknown.
    """
    limits = earlier_editions()[edition].grenzen if edition in earlier_editions() else {}
    functie = validated(Functie, data, where, {"grenzen": limits})
    _check_names(functie, where)
    return functie


def _check_names(functie: Functie, where: str) -> None:
    """Refuse layers and classes that do not exist, and a keileem curve without score_afwezig."""
    kinds = layer_kinds()
    named = [*functie.all_criteria, *(t.laag for t in functie.drempels), *functie.zonder]
    for name in named:
        if name not in kinds:
            raise DefinitionError("unknown layer", value=name, allowed=nearest(name, kinds), where=where)
    _check_classes(functie, where)
    for name, criterion in functie.all_criteria.items():
        if not kinds[name].criterium:
            raise DefinitionError("this layer is no criterion", value=name, where=f"{where}: criteria.{name}")
        if kinds[name].may_be_absent != (criterion.score_afwezig is not None):
            raise DefinitionError(
                "score_afwezig is mandatory for a layer that can be absent, and only there",
                value=criterion.score_afwezig,
                where=f"{where}: criteria.{name}.score_afwezig",
            )


def _check_classes(functie: Functie, where: str) -> None:
    """Refuse caps (``hoogstens``, ``zonder``) that are no class of the answer scale; X is no cap."""
    letters = [step.letter for step in answer_scale().values() if step.score_min is not None]
    caps = {"hoogstens": functie.hoogstens or letters[0], **{f"zonder.{k}": v for k, v in functie.zonder.items()}}
    for key, letter in caps.items():
        if letter not in letters:
            raise DefinitionError("not a class", value=letter, allowed=", ".join(letters), where=f"{where}: {key}")


@cache
def builtin_functies() -> Functies:
    """Return the functies that come with the package."""
    folder = sorted(data_file("functies").iterdir(), key=lambda f: f.name)
    return Functies(functie_of(read_toml(f), f.name) for f in folder if f.name.endswith(".toml"))


def own_functies(path: str | Path) -> list[Functie]:
    """Read a user's file: one functie, or several as ``[functies.<id>]`` tables."""
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise DefinitionError("not a file name", value=path)
    data = read_toml(Path(path))
    if set(data) == {"functies"}:
        tables = data["functies"]
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            raise DefinitionError("functies holds a table per functie", where=str(path))
        return [functie_of({"id": id_, **table}, f"{path}: functies.{id_}") for id_, table in data["functies"].items()]
    return [functie_of(data, str(path))]


def load_functies(path: str | Path | None = None) -> Functies:
    """Return the built-in functies, with a user's own added."""
    known = builtin_functies()
    return known if path is None else known.extended(own_functies(path), str(path))


@cache
def layer_kinds() -> Mapping[str, LayerKind]:
    """Return every layer the rules know, by id."""
    tables = read_toml(data_file("lagen.toml"))
    return MappingProxyType(
        {id_: validated(LayerKind, {"id": id_, **t}, f"lagen.toml: {id_}") for id_, t in tables.items()}
    )


def layer_codes(kind: LayerKind, functies: Functies | None = None) -> Mapping[int, str]:
    """Return the codes of a layer of classes and what they stand for; none where any value between its limits will do.

    Parameters
    ----------
    kind : LayerKind
    functies : Functies, optional
        Whose codes a layer of functies may hold; default those of the package.

    Examples
    --------
    >>> layer_codes(layer_kinds()["beekdal"])[1], layer_codes(layer_kinds()["gebruik"])[6]
    ('beekdal', 'Akkerbouw')
    """
    if not kind.codes_van:
        return kind.codes
    known = builtin_functies() if functies is None else functies
    return {code: functie.naam for code, functie in known.by_code().items()}


@cache
def answer_scale() -> Mapping[int, AnswerClass]:
    """Return the answer classes by code, best first, X last."""
    rows = read_toml(data_file("geschiktheid.toml"))["antwoordschaal"]
    steps = [validated(AnswerClass, {"score_min": None, **row}, "geschiktheid.toml") for row in rows]
    return MappingProxyType({step.code: step for step in steps})


@cache
def scoring_rules() -> ScoringRules:
    """Return the numbers of scoring that belong to no functie."""
    return validated(ScoringRules, read_toml(data_file("geschiktheid.toml"))["regels"], "geschiktheid.toml")


@cache
def rewetting_rules() -> RewettingRules:
    """Return the numbers of rewetting that belong to no functie."""
    return validated(RewettingRules, read_toml(data_file("geschiktheid.toml"))["peilopzet"], "geschiktheid.toml")


@cache
def burden_rules(edition: int = EDITION) -> BurdenRules:
    """Return components, constants and risk classes of afwenteling.

    Examples
    --------
    >>> [burden_rules(nr).components[7].unit for nr in (1, 2)]
    ['m', 'mm/jr']
    """
    name = edition_file(edition, "afwenteling.toml")
    data = read_toml(data_file(name))
    constants = data["constanten"]
    return validated(
        BurdenRules,
        {
            "components": data["componenten"],
            "constants": {name: row["waarde"] for name, row in constants.items()},
            "sources": {name: {k: v for k, v in row.items() if k != "waarde"} for name, row in constants.items()},
            "risk_classes": data["risicoklassen"],
            "reference": data["referentie"],
            "implausible": data.get("onaannemelijk", ()),
            "co2_range": data.get("co2_bereik", ()),
        },
        name,
    )


def noise(margin: str = "marge") -> float:
    """Return what float noise may be, in favour of "at least": of plain numbers, or ``marge_m3_ha`` of volumes.

    Examples
    --------
    >>> noise(), noise("marge_m3_ha")
    (1e-06, 0.001)
    """
    return burden_rules().constants[margin]


@cache
def sources() -> Mapping[str, Source]:
    """Return the documents that numbers come from, by key."""
    tables = read_toml(data_file("bronnen.toml"))
    return MappingProxyType({k: validated(Source, t, f"bronnen.toml: {k}") for k, t in tables.items()})


@cache
def terms() -> Mapping[str, Term]:
    """Return the glossary."""
    tables = read_toml(data_file("begrippen.toml"))
    return MappingProxyType({k: validated(Term, t, f"begrippen.toml: {k}") for k, t in tables.items()})


def chosen_functies(functie: str | Functie | Iterable[str | Functie]) -> tuple[list[Functie], bool]:
    """Return the functies meant by an argument, and whether it was a list; ``"all"`` is one.

    Raises
    ------
    DefinitionError
        If an id is unknown, or the list is empty or holds an id twice.
    """
    if isinstance(functie, str) and functie == ALL:
        return list(builtin_functies().values()), True
    if isinstance(functie, (str, Functie)):
        return [_chosen(functie)], False
    if not isinstance(functie, (list, tuple)):
        raise DefinitionError("not a functie", value=functie, allowed="an id, a Functie, a list of them, or 'all'")
    functies = [_chosen(f) for f in functie]
    ids = [f.id for f in functies]
    if not ids or len(set(ids)) < len(ids):
        raise DefinitionError("give at least one functie, each once", value=ids)
    return functies, True


def choose_one(functie: str | Functie, where: str = "functie") -> Functie:
    """Return the functie meant by an argument that takes one.

    Raises
    ------
    DefinitionError
        If its id is unknown.
    ArgumentError
        If several are given.
    """
    found, many = chosen_functies(functie)
    if many:
        raise ArgumentError(f"give one {where}", value=functie, allowed="an id or a Functie", where=where)
    return found[0]


def _chosen(functie: str | Functie) -> Functie:
    if isinstance(functie, Functie):
        return functie
    if not isinstance(functie, str):
        raise DefinitionError("not a functie", value=type(functie).__name__, allowed="an id or a Functie")
    return load_functies()[functie]


def definition_sha256(definition: Definition) -> str:
    """Return a sha256 of all that a definition (a functie, Kompas rules, a table of reach) holds."""
    return hashlib.sha256(definition.model_dump_json().encode()).hexdigest()


@cache
def rules_version() -> str:
    """Return a short hash over all data files: the version of the definitions."""
    digest = hashlib.sha256()
    names = sorted(f.name for f in data_file("").iterdir() if f.name.endswith(".toml"))
    paths = [data_file(name) for name in names]
    for folder in ("functies", "maatregelen"):
        paths += sorted(data_file(folder).iterdir(), key=lambda f: f.name)
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
