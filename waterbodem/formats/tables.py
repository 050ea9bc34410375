"""Tables out: GeoPackage for a GIS, CSV for a spreadsheet, the same bytes for the same rows."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from waterbodem.core.errors import CorruptLayer
from waterbodem.core.files import Stage
from waterbodem.core.lazy import gpd, pd, pyogrio
from waterbodem.formats.foreign.door import describe_own_table, whole_name
from waterbodem.formats.output_names import AREAS
from waterbodem.formats.package_extras import FIXED_DATE, column_in_package, with_extras

DIGITS = 6
#: Bytes per row that a disk must still take after a failure, and rows that are asked for at a time.
ROW, ASKED = 4096, 1024

#: Where a spreadsheet starts a new cell, followed by what makes it a formula.
_FORMULA = r"(?=[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_START = re.compile(r"(^|[;,\t\r\n])" + _FORMULA)
_ESCAPED = re.compile(r"(^|[;,\t\r\n])'" + _FORMULA)


def stage_tables(
    stage: Stage, folder: Path, table: gpd.GeoDataFrame, layer: str = AREAS, geometry: str | None = None
) -> list[Path]:
    """Write a table as .gpkg and .csv of that name under temporary names; return the final ones."""
    package, text = stage_package(stage, folder, table, layer, geometry), folder / f"{layer}.csv"
    stage.file(text).write_bytes(csv_text(table).encode("utf-8"))
    return [package, text]


def stage_pieces(stage: Stage, folder: Path, tables: Iterable[gpd.GeoDataFrame]) -> list[Path]:
    """Write the rows of tables with the same columns, one after another, as :func:`stage_tables`."""
    package, text = folder / f"{AREAS}.gpkg", folder / f"{AREAS}.csv"
    rows, columns = 0, []
    for table in tables:
        temp = stage.file(package)
        if rows == 0:
            temp.write_bytes(gpkg_bytes(table))
        else:
            _append(table, temp)
        lines = csv_text(table, header=rows == 0)
        with stage.file(text).open("ab") as file:
            file.write(lines.encode("utf-8"))
        rows, columns = rows + len(table), [c for c in table.columns if c != table.geometry.name]
    _verify(stage.file(package), AREAS, rows, columns, str(package))
    return [package, text]


def stage_package(stage: Stage, folder: Path, table: gpd.GeoDataFrame, layer: str, geometry: str | None = None) -> Path:
    """Write a table as a GeoPackage under a temporary name; return the final one."""
    package = folder / f"{layer}.gpkg"
    temp = stage.file(package)
    temp.write_bytes(gpkg_bytes(table, layer, geometry))
    columns = [c for c in table.columns if c != table.geometry.name]
    _verify(temp, layer, len(table), columns, str(package))
    return package


def gpkg_bytes(table: gpd.GeoDataFrame, layer: str = AREAS, geometry: str | None = None) -> bytes:
    """Return a table as a GeoPackage with one layer, which tells what its columns mean; NaN becomes NULL.

    ``gebieden`` carries how a GIS draws it. ``geometry`` is the kind of shapes, needed where there may be none.
    """
    target = io.BytesIO()
    _write(table, target, layer, geometry)
    variants = _variants(table) if layer == AREAS else []
    return with_extras(target.getvalue(), layer, [str(c) for c in table.columns], variants)


def _write(
    table: gpd.GeoDataFrame,
    target: io.BytesIO | Path,
    layer: str = AREAS,
    geometry: str | None = None,
    *,
    append: bool = False,
) -> None:
    with _fixed_date(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        kind = {} if geometry is None else {"geometry_type": geometry}
        named = table.rename(columns={c: column_in_package(c) for c in table.columns})
        pyogrio.write_dataframe(named, target, layer=layer, driver="GPKG", promote_to_multi=True, append=append, **kind)


def _append(table: gpd.GeoDataFrame, path: Path) -> None:
    """Add rows to a GeoPackage; GDAL does not say why it could not, so the disk is asked itself.

    Raises
    ------
    OSError
        If the disk takes no more.
    """
    try:
        with whole_name(path) as named:
            _write(table, named, append=True)
    except Exception as error:
        if "full" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        with path.open("ab") as file:
            for _ in range(0, len(table), ASKED):
                file.write(bytes(ASKED * ROW))
            file.flush()
            os.fsync(file.fileno())
        raise


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


def _verify(path: Path, layer: str, rows: int, columns: Sequence[str], where: str) -> None:
    info = describe_own_table(path, layer)
    if info["features"] != rows or list(info["fields"]) != list(map(column_in_package, columns)):
        raise CorruptLayer("file read back differs from what was written", value=info["features"], where=where)


def csv_text(table: gpd.GeoDataFrame, header: bool = True) -> str:
    r"""Return a table as CSV without geometry: comma, point, six significant digits, empty where unknown.

    Names that a spreadsheet would run as a formula get an apostrophe in front, which :func:`original` takes away.

    Examples
    --------
    >>> csv_text(gpd.GeoDataFrame({"gebied": ["=1+1"], "score": [2 / 3], "risico": [float("nan")]}))
    "gebied,score,risico\n'=1+1,0.666667,\n"
    """
    return _csv(table, PLAIN, header=header)


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
    return ("\ufeff" + _csv(table, EXCEL).replace("\n", "\r\n")).encode("utf-8")


@dataclass(frozen=True)
class Form:
    """What stands between cells, and between a whole and its decimals."""

    separator: str
    comma: str


PLAIN, EXCEL = Form(",", "."), Form(";", ",")


def _csv(table: gpd.GeoDataFrame, form: Form, *, header: bool = True) -> str:
    plain = pd.DataFrame(table.drop(columns=table.active_geometry_name or []))
    parts = [
        (_numbers if are_numbers else _texts)(plain[list(names)], form)
        for are_numbers, names in groupby(plain.columns, lambda name: plain[name].dtype.kind == "f")
    ]
    lines = [_line(plain.columns, form)] if header else []
    return "\n".join([*lines, *map(form.separator.join, zip(*parts, strict=True)), ""])


def _numbers(columns: pd.DataFrame, form: Form) -> list[str]:
    """Return floats as text, a row each."""
    row = "\0".join([f"%.{DIGITS}g"] * columns.shape[1])
    text = "\n".join([row % values for values in zip(*(columns[c].tolist() for c in columns), strict=True)])
    for unknown in ("nan", "-inf", "inf"):
        text = text.replace(unknown, "")
    return text.replace(".", form.comma).replace("\0", form.separator).split("\n") if len(columns) else []


def _texts(columns: pd.DataFrame, form: Form) -> list[str]:
    """Return anything else as text, a row each."""
    return list(map(form.separator.join, zip(*(_text_column(str(n), columns[n], form) for n in columns), strict=True)))


def _text_column(name: str, values: pd.Series, form: Form) -> list[str]:
    """Return a column as text, every value made safe once."""
    place, found = pd.factorize(values, use_na_sentinel=False)
    texts = ["" if pd.isna(v) else str(v) for v in found]
    safe = texts if name.startswith("kompas_") else list(map(harmless, texts))
    return np.array([_line([t], form) for t in safe], dtype=object)[place].tolist()  # type: ignore[no-any-return]


def _line(cells: Iterable[Any], form: Form) -> str:
    """Return cells as a line of CSV, quoted where needed; the writer quotes what ends its own lines."""
    out = io.StringIO()
    csv.writer(out, delimiter=form.separator, lineterminator="\r\n").writerow([*cells, ""])
    return out.getvalue()[:-3]


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
