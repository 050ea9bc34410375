"""What a GeoPackage holds beside its rows: what columns mean, and how a GIS draws the polygons."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing

from waterbodem.definitions.columns import column_of
from waterbodem.formats.qgis_style import areas_qml
from waterbodem.formats.sld import areas_sld

#: GeoPackages carry the moment they were made; this one, always.
FIXED_DATE = "2000-01-01T00:00:00.000Z"

#: The extension of the format that tells what columns mean: requirement 103 and following, GeoPackage 1.2.
COLUMNS = """
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))
"""
EXTENSIONS = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))
"""
EXTENSION = "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')"
DEFINITION = "http://www.geopackage.org/spec121/#extension_schema"
COLUMN = "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) VALUES (?, ?, ?, ?, ?)"

#: The table in which QGIS and GeoServer look for the styles of a GeoPackage.
STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""
STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
  styleSLD, useAsDefault, update_time) VALUES ('', '', ?, ?, ?, ?, ?, ?, ?)
"""
REGISTRATION = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', ?)
"""


def with_extras(package: bytes, layer: str, columns: Sequence[str], variants: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a GeoPackage of one layer with what its columns mean, and a style per functie and scenario.

    Parameters
    ----------
    package : bytes
    layer : str
    columns : sequence of str
        As tables have them; in the package a plus is written as :func:`column_in_package` does.
    variants : iterable of (functie, scenario)
        The first is the style that it opens with.
    """
    with closing(sqlite3.connect(":memory:")) as data:
        data.deserialize(package)
        _add_columns(data, layer, columns)
        styles = list(variants)
        if styles:
            _add_styles(data, layer, styles)
        data.commit()
        return data.serialize()


def column_in_package(name: str) -> str:
    """Return what a column is called in a GeoPackage, where SQL would take a plus for a sum.

    Examples
    --------
    >>> column_in_package("verlies_keileemdiepte+kwel")
    'verlies_keileemdiepte_en_kwel'
    """
    return name.replace("+", "_en_")


def _add_columns(data: sqlite3.Connection, layer: str, columns: Sequence[str]) -> None:
    """Add title (Dutch, with the unit) and description (English) of every column of which the meaning is known."""
    data.executescript(COLUMNS + ";" + EXTENSIONS)
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        data.execute(EXTENSION, (table, DEFINITION))
    for column in filter(None, map(column_of, columns)):
        title = f"{column.betekenis} [{column.eenheid}]" if column.eenheid else column.betekenis
        data.execute(COLUMN, (layer, column_in_package(column.name), column.name, title, column.meaning))


def _add_styles(data: sqlite3.Connection, layer: str, variants: Sequence[tuple[str, str]]) -> None:
    (geometry,) = data.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
    data.execute(STYLES)
    for number, (functie, scenario) in enumerate(variants):
        name = f"{functie}@{scenario}" if scenario else functie
        styles = areas_qml(functie, scenario).decode(), areas_sld(layer, name, functie, scenario).decode()
        data.execute(STYLE, (layer, geometry, name, *styles, number == 0, FIXED_DATE))
    data.execute(REGISTRATION, (FIXED_DATE,))
