"""Tables out: GeoPackage for a GIS, CSV for a spreadsheet, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
import math
import re
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from waterbodem.atomic import Stage
from waterbodem.errors import CorruptLayer
from waterbodem.qgis_style import areas_qml

LAYER = "gebieden"

#: GeoPackages carry the moment they were made; this one, always.
FIXED_DATE = "2000-01-01T00:00:00.000Z"

DIGITS = 6

#: Where a spreadsheet starts a new cell, followed by what makes it a formula.
_FORMULA = r"(?=[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_START = re.compile(r"(^|[;,\t\r\n])" + _FORMULA)
_ESCAPED = re.compile(r"(^|[;,\t\r\n])'" + _FORMULA)


def stage_tables(stage: Stage, folder: Path, table: gpd.GeoDataFrame) -> list[Path]:
    """Write gebieden.gpkg and gebieden.csv under temporary names; return the final ones."""
    package, text = folder / f"{LAYER}.gpkg", folder / f"{LAYER}.csv"
    temp = stage.file(package)
    temp.write_bytes(gpkg_bytes(table))
    _verify(temp, table, str(package))
    stage.file(text).write_bytes(csv_text(table).encode("utf-8"))
    return [package, text]


def gpkg_bytes(table: gpd.GeoDataFrame) -> bytes:
    """Return a table as a GeoPackage with one layer, ``gebieden``, and how QGIS draws it; NaN becomes NULL."""
    target = io.BytesIO()
    with _fixed_date(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.write_dataframe(table, target, layer=LAYER, driver="GPKG", promote_to_multi=True)
    variants = _variants(table)
    return _with_styles(target.getvalue(), variants) if variants else target.getvalue()


#: The table in which QGIS looks for the styles of a GeoPackage.
STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""
STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
  useAsDefault, update_time) VALUES ('', '', ?, ?, ?, ?, ?, ?)
"""
REGISTRATION = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', ?)
"""


def _with_styles(package: bytes, variants: Iterable[tuple[str, str]]) -> bytes:
    """Return the GeoPackage with a style per functie and scenario inside; the first is the one it opens with."""
    with closing(sqlite3.connect(":memory:")) as data:
        data.deserialize(package)
        (geometry,) = data.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
        data.execute(STYLES)
        for number, (functie, scenario) in enumerate(variants):
            name = f"{functie}@{scenario}" if scenario else functie
            style = areas_qml(functie, scenario).decode()
            data.execute(STYLE, (LAYER, geometry, name, style, number == 0, FIXED_DATE))
        data.execute(REGISTRATION, (FIXED_DATE,))
        data.commit()
        return data.serialize()


def _variants(table: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    """Return the functies and scenarios of a table, each once, in order."""
    if not {"functie", "scenario"} <= set(table.columns):
        return []
    return list(dict.fromkeys(zip(table["functie"], table["scenario"], strict=True)))


@contextmanager
def _fixed_date() -> Iterator[None]:
    key = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(key)
    pyogrio.set_gdal_config_options({key: FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({key: before})


def _verify(path: Path, table: gpd.GeoDataFrame, where: str) -> None:
    info = pyogrio.read_info(path, layer=LAYER)
    columns = [c for c in table.columns if c != table.geometry.name]
    if info["features"] != len(table) or list(info["fields"]) != columns:
        raise CorruptLayer("file read back differs from what was written", value=info["features"], where=where)


def csv_text(table: gpd.GeoDataFrame) -> str:
    r"""Return a table as CSV without geometry: comma, point, six significant digits, empty where unknown.

    Names that a spreadsheet would run as a formula get an apostrophe in front, which :func:`original` takes away.

    Examples
    --------
    >>> csv_text(gpd.GeoDataFrame({"gebied": ["=1+1"], "score": [2 / 3], "risico": [math.nan]}))
    "gebied,score,risico\n'=1+1,0.666667,\n"
    """
    return _csv(table, ",", ".")


def csv_bytes(table: gpd.GeoDataFrame, *, excel: bool = False) -> bytes:
    r"""Return a table as the bytes of a CSV file.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
    excel : bool
        In the form that Dutch Excel opens by a double click: semicolons, decimal comma, CR LF, a byte-order mark.

    Examples
    --------
    >>> csv_bytes(gpd.GeoDataFrame({"gebied": ["Es"], "score": [2 / 3]}), excel=True)
    b'\xef\xbb\xbfgebied;score\r\nEs;0,666667\r\n'
    """
    if not excel:
        return csv_text(table).encode("utf-8")
    return ("\ufeff" + _csv(table, ";", ",").replace("\n", "\r\n")).encode("utf-8")


def _csv(table: gpd.GeoDataFrame, separator: str, comma: str) -> str:
    plain = pd.DataFrame(table.drop(columns=table.active_geometry_name or []))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(plain.columns)
    columns = list(plain.columns)
    writer.writerows([_cell(name, v, comma) for name, v in zip(columns, row, strict=True)] for row in plain.to_numpy())
    return out.getvalue()


def _cell(column: str, value: Any, comma: str) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.{DIGITS}g}".replace(".", comma) if math.isfinite(value) else ""
    text = "" if value is None else str(value)
    return text if column.startswith("kompas_") else harmless(text)


def harmless(text: str) -> str:
    """Return text that no spreadsheet runs as a formula, whatever separator it splits by.

    An apostrophe is put before a formula at the start, or after a separator; numbers stay as they are.
    ``original(harmless(t)) == t`` for every text.

    Examples
    --------
    >>> harmless("=cmd"), harmless("Plan;=cmd"), harmless("-5"), harmless("Plan A-B")
    ("'=cmd", "Plan;'=cmd", '-5', 'Plan A-B')
    """
    return text if _is_number(text) else _START.sub(r"\1'", text)


def original(text: str) -> str:
    """Return the text that :func:`harmless` was given."""
    return _ESCAPED.sub(r"\1", text)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is not None
