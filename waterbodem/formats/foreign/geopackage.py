"""A GeoPackage of somebody else: a database, of which only rows that are stored are read.

A view, a virtual table and a column that is computed are programs of the sender: they may never end, or take all
memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from waterbodem.core.errors import LayerError, NotARaster

#: What follows the name of a database in that of what other programs have not yet put into it.
UNFINISHED = ("-wal", "-journal")

#: Bytes of the header by which a program knows a GeoPackage: how it is written (1 = plainly), its version and kind.
_PLAIN, _VERSION, _KIND = slice(18, 20), slice(60, 64), slice(68, 72)
_KINDS = (b"GPKG", b"GP10", b"GP11")
_USUAL = (10_200).to_bytes(4, "big")

#: What the column ``hidden`` of SQLite's table_xinfo says of a column that is computed when it is read.
_COMPUTED = 2


@dataclass(frozen=True)
class Package:
    """A GeoPackage as it was at one moment.

    Parameters
    ----------
    data : bytes
        The whole file, with what another program has saved but not yet put into it, and without views.
    layers : dict of str to (str or None)
        Kind of geometry of what it says are its layers; None has no geometry.
    stored : frozenset of str
        Tables whose rows and columns are all stored, in small letters.
    """

    data: bytes
    layers: dict[str, str | None]
    stored: frozenset[str]


def read_package(path: Path, where: str = "") -> Package:
    """Return a GeoPackage, looked through.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    where : str
        What an error calls it.

    Raises
    ------
    NotARaster
        If it is no GeoPackage.
    LayerError
        If what it says of itself is computed.

    Examples
    --------
    >>> sorted(read_package(path).stored)  # doctest: +SKIP
    ['gebieden', 'gpkg_contents', 'gpkg_extensions', ...]
    """
    with _opened(path, where) as data:
        stored = _stored(data)
        _check_own_tables(data, stored, path.name, where)
        whole, layers, views = _known_as_package(data.serialize()), _layers(data), _views(data)
    return Package(_without(whole, views) if views else whole, layers, stored)


def check_tiles(path: Path, where: str = "") -> None:
    """Refuse a GeoPackage of which a raster is computed.

    Raises
    ------
    NotARaster
        If it is no GeoPackage.
    LayerError
        If a table that a raster is read from is computed.
    """
    with _opened(path, where) as data:
        stored = _stored(data)
        _check_own_tables(data, stored, path.name, where)
        for (name,) in data.execute("SELECT table_name FROM gpkg_contents WHERE data_type <> 'features'"):
            check_table(str(name), stored, path.name, where)


def check_own_table(path: Path, name: str) -> None:
    """Refuse a table of a GeoPackage that is computed.

    Raises
    ------
    NotARaster
        If it is no GeoPackage.
    LayerError
        If the table is computed.
    """
    with _opened(path, str(path)) as data:
        stored = _stored(data)
        _check_own_tables(data, stored, path.name, str(path))
        check_table(name, stored, path.name, str(path))


def check_table(name: str, stored: frozenset[str], file: str, where: str = "") -> None:
    """Refuse a table that is computed.

    Raises
    ------
    LayerError
        If it is no table, or has a column that is computed.

    Examples
    --------
    >>> check_table("v", frozenset({"gebieden"}), "plan.gpkg")
    Traceback (most recent call last):
    waterbodem.core.errors.LayerError: layer is computed when it is read (a view); got 'v'; allowed: a table ...
    """
    if name.lower() not in stored:
        raise LayerError(
            "layer is computed when it is read (a view)",
            value=name,
            allowed=f"a table that holds its own rows: save the layer of {file} as a new GeoPackage",
            where=where,
        )


@contextmanager
def _opened(path: Path, where: str) -> Iterator[sqlite3.Connection]:
    """Open a database for reading, as of one moment; nothing is written beside it where nobody has it open."""
    unfinished = any(p.is_file() and p.stat().st_size for p in (path.with_name(path.name + e) for e in UNFINISHED))
    mode = "mode=ro" if unfinished else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as data:
            data.execute("PRAGMA trusted_schema = OFF")
            data.execute("BEGIN")
            yield data
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise NotARaster(f"file is no GeoPackage that can be read: {error}", value=path.name, where=where) from None


def _layers(data: sqlite3.Connection) -> dict[str, str | None]:
    """Return the layers as the format's own tables name them: GDAL, asked for a list, runs views."""
    names = data.execute("SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes')")
    shapes = data.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns")
    kinds = {str(name).lower(): str(kind) for name, kind in shapes}
    return {str(name): kinds.get(str(name).lower()) for (name,) in names}


def _views(data: sqlite3.Connection) -> list[str]:
    return [name for schema, name, kind, *_ in data.execute("PRAGMA table_list") if (schema, kind) == ("main", "view")]


def _without(whole: bytes, views: list[str]) -> bytes:
    """Return a database without views: GDAL runs those that are called a layer, also when another layer is asked."""
    with closing(sqlite3.connect(":memory:")) as copy:
        copy.deserialize(whole)
        for (trigger,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {_quoted(trigger)}")
        for view in views:
            copy.execute(f"DROP VIEW {_quoted(view)}")
            copy.execute("DELETE FROM gpkg_contents WHERE table_name = ? COLLATE NOCASE", (view,))
        copy.commit()
        return copy.serialize()


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _stored(data: sqlite3.Connection) -> frozenset[str]:
    """Return the names of ordinary tables without computed columns.

    SQLite is asked what they are: the word that ``sqlite_master`` has for it may lie.
    """
    kinds = {name: kind for schema, name, kind, *_ in data.execute("PRAGMA table_list") if schema == "main"}
    return frozenset(n.lower() for n, kind in kinds.items() if kind == "table" and not _is_computed(data, n))


def _is_computed(data: sqlite3.Connection, table: str) -> bool:
    columns = data.execute("SELECT hidden FROM pragma_table_xinfo(?)", (table,))
    return any(hidden == _COMPUTED for (hidden,) in columns)


def _check_own_tables(data: sqlite3.Connection, stored: frozenset[str], file: str, where: str) -> None:
    """Refuse tables of the format itself, which are read on opening, that are computed."""
    names = {name for schema, name, *_ in data.execute("PRAGMA table_list") if schema == "main"}
    for name in sorted({"gpkg_contents"} | {n for n in names if n.lower().startswith("gpkg_")}):
        check_table(name, stored, file, where)


def _known_as_package(data: bytes) -> bytes:
    """Return a database of which all is in one file, and that is known as a GeoPackage without its extension."""
    header = bytearray(data[:100])
    header[_PLAIN] = b"\1\1"
    if header[_KIND] not in _KINDS:
        header[_VERSION], header[_KIND] = _USUAL, _KINDS[0]
    return bytes(header) + data[100:]
