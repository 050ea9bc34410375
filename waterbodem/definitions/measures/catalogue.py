"""Measures (maatregelen) of the package and of users, checked on the way in, in the order in which they act."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from waterbodem.core.errors import DefinitionError, UnknownMeasure, nearest, raise_all
from waterbodem.core.html import html_table
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.measures.checks import problems_of
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.registry import load_functies
from waterbodem.definitions.validation import validated

FOLDER = "maatregelen"


class Maatregelen(Mapping[str, Maatregel]):
    """An immutable collection of measures, by id, in the order in which they act."""

    def __init__(self, measures: Iterable[Maatregel]) -> None:
        self._by_id = {m.id: m for m in sorted(measures, key=lambda m: m.volgorde)}

    def __getitem__(self, key: str) -> Maatregel:
        try:
            return self._by_id[key]
        except (KeyError, TypeError):
            raise UnknownMeasure("unknown measure", value=key, allowed=nearest(str(key), self._by_id)) from None

    def __contains__(self, key: object) -> bool:
        return key in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        lines = (f"  {m.nr:>3}  {m.id:<24} {m.naam}" for m in self.values())
        return "<Maatregelen>\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = ((m.id, m.nr, m.naam, m.groep, "aan" if m.aan else m.reden, m.provenance) for m in self.values())
        return html_table("Maatregelen", ["id", "nr", "naam", "groep", "aan", "bron"], rows)

    def extended(self, own: Iterable[Maatregel], where: str = "") -> Maatregelen:
        """Return a new collection with own measures added; ``where`` is the file they come from.

        Raises
        ------
        DefinitionError
            If an id is taken, or ``niet_met`` names a measure that does not exist.
        """
        added = list(own)
        taken = [DefinitionError("a measure of this id exists already", value=m.id, where=where) for m in added]
        raise_all([error for m, error in zip(added, taken, strict=True) if m.id in self])
        together = Maatregelen([*self.values(), *added])
        raise_all(list(together.strangers(where)))
        return together

    def strangers(self, where: str) -> Iterator[DefinitionError]:
        """Yield an error for each measure that is named in ``niet_met`` and does not exist."""
        for measure in self.values():
            for other in measure.niet_met:
                if other not in self:
                    place = f"{where}: {measure.id}.niet_met"
                    yield DefinitionError("unknown measure", value=other, allowed=nearest(other, self), where=place)


def measure_of(data: Mapping[str, Any], where: str, functies: Collection[str]) -> Maatregel:
    """Return a measure from plain data; ``where`` is named in errors, ``functies`` are the ids that it may name.

    Raises
    ------
    DefinitionError
        If a key is wrong, a name unknown, or the measure does what none may.
    """
    measure = validated(Maatregel, data, where)
    raise_all(list(problems_of(measure, where, functies)))
    return measure


@cache
def builtin_measures() -> Maatregelen:
    """Return the measures that come with the package."""
    folder = sorted(data_file(FOLDER).iterdir(), key=lambda f: f.name)
    files = [f for f in folder if f.name.endswith(".toml")]
    measures = [measure_of(read_toml(f), f"{FOLDER}/{f.name}", load_functies()) for f in files]
    return Maatregelen(()).extended(measures, FOLDER)


def own_measures(path: str | Path, functies: Collection[str]) -> list[Maatregel]:
    """Read a user's file: one measure, or several as ``[maatregelen.<id>]`` tables."""
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise DefinitionError("not a file name", value=path)
    data = read_toml(Path(path))
    if set(data) != {FOLDER}:
        return [measure_of(data, str(path), functies)]
    tables = data[FOLDER]
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise DefinitionError("maatregelen holds a table per measure", where=str(path))
    return [measure_of({"id": id_, **t}, f"{path}: {FOLDER}.{id_}", functies) for id_, t in tables.items()]


def named_measures(given: Iterable[Any], functies: Collection[str]) -> list[Maatregel]:
    """Return measures that are named, by id or as they are; those that a user made are held to the same rules.

    Raises
    ------
    DefinitionError
        If an id is unknown, none is named or one twice, or a measure does what none may.
    """
    known = builtin_measures()
    found = [known[m] if isinstance(m, str) else m for m in given]
    for measure in found:
        if not isinstance(measure, Maatregel):
            raise DefinitionError("not a measure", value=measure, allowed="an id or a Maatregel", where="maatregelen")
    ids = [m.id for m in found]
    if not ids or len(set(ids)) < len(ids):
        raise DefinitionError("give at least one measure, each once", value=ids, where="maatregelen")
    raise_all([p for m in found for p in problems_of(m, f"maatregelen: {m.id}", {*load_functies(), *functies})])
    strangers = Maatregelen([*(m for m in known.values() if m.id not in ids), *found]).strangers("maatregelen")
    raise_all(list(strangers))
    return found


def load_measures(path: str | Path | None = None, functies: Collection[str] | None = None) -> Maatregelen:
    """Measures that can turn an answer into a yes, or lessen what it puts on others, with a user's own added.

    Parameters
    ----------
    path : str or Path, optional
        A file with one measure, or with several as ``[maatregelen.<id>]`` tables, in the form of the package's own.
    functies : Functies, optional
        What ``wb.functies("eigen.toml")`` gives, where own measures name functies of your own.

    Returns
    -------
    Maatregelen
        By id, in the order in which they act (``volgorde``; a measure that does not say acts last).

    Raises
    ------
    DefinitionError
        If a key, layer, parameter, functie or groep does not exist, an id is taken, a measure sets a norm, moves the
        groundwater beside its own streefpeil_m, or names a measure in ``niet_met`` that does not exist.

    Examples
    --------
    >>> import waterbodem as wb
    >>> known = wb.maatregelen()
    >>> len(known), sum(m.aan for m in known.values()), next(iter(known))
    (52, 48, 'andere_functie')
    """
    known = builtin_measures()
    if path is None:
        return known
    return known.extended(own_measures(path, load_functies() if functies is None else functies), str(path))
