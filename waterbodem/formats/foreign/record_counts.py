"""How many records a vector file holds, against how many it says that it holds: readers believe what it says."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from waterbodem.core.errors import LayerError

#: Bytes of a shapefile before its first record, in .shp as in .shx, and of a record in .shx.
_SHP_HEADER, _SHX_RECORD = 100, 8

#: Bytes of a FlatGeobuf before its header, of a node of its index, and which fields of its header are counts.
_FGB_MAGIC, _FGB_NODE, _FGB_COUNT, _FGB_INDEX = 8, 40, 8, 9
#: What a header that states no size of the index means.
_FGB_USUAL = 16


def check_shapefile(parts: Mapping[str, bytes], name: str, where: str = "") -> None:
    """Refuse a shapefile of which one part holds more records than another says: those would be left out.

    Parameters
    ----------
    parts : mapping of extension to bytes
    name : str
        Of the file, for errors.
    where : str
        What an error calls it.

    Raises
    ------
    LayerError
        If the parts disagree, or cannot be followed.

    Examples
    --------
    >>> check_shapefile({".shp": bytes(100), ".shx": bytes(100)}, "plan.shp")
    Traceback (most recent call last):
    waterbodem.core.errors.LayerError: shapefile breaks off; got 'plan.shp'; allowed: a file that a GIS wrote anew
    """
    try:
        counts = {end: count(parts[end]) for end, count in _COUNTS.items() if end in parts}
    except struct.error:
        raise _refused("shapefile breaks off", name, where) from None
    rest = [n for end, n in counts.items() if end != ".shp"]
    if rest and (counts[".shp"] > min(rest) or len(set(rest)) > 1):
        raise _refused("parts of the shapefile hold different numbers of records", f"{name}: {counts}", where)


def check_flatgeobuf(data: bytes, name: str, where: str = "") -> None:
    """Refuse a FlatGeobuf that goes on after as many features as it says that it holds.

    Parameters
    ----------
    data : bytes
        Of the file.
    name : str
        Of the file, for errors.
    where : str
        What an error calls it.

    Raises
    ------
    LayerError
        If it does, or breaks off.

    Examples
    --------
    >>> check_flatgeobuf(b"fgb", "plan.fgb")
    Traceback (most recent call last):
    waterbodem.core.errors.LayerError: FlatGeobuf breaks off; got 'plan.fgb'; allowed: a file that a GIS wrote anew
    """
    try:
        count, node, at = _fgb_header(data)
        if not count:  # it does not say: it is read to its end
            return
        at += _index_size(count, node) if node else 0
        for _ in range(count):
            at += 4 + struct.unpack_from("<I", data, at)[0]
    except (struct.error, OverflowError):
        raise _refused("FlatGeobuf breaks off", name, where) from None
    if at != len(data):
        raise _refused("FlatGeobuf holds more than the features that it states", f"{name}: {count}", where)


def _refused(what: str, value: str, where: str) -> LayerError:
    return LayerError(what, value=value, allowed="a file that a GIS wrote anew", where=where)


def _shapes(data: bytes) -> int:
    """Return how many records there are; one that was changed stands once more, after those with higher numbers."""
    count, highest = 0, -1
    for number in _shape_numbers(data):
        if number > highest:
            count, highest = count + 1, number
    return count


def _shape_numbers(data: bytes) -> Iterator[int]:
    at = _SHP_HEADER
    while at + 8 <= len(data):
        number, words = struct.unpack_from(">ii", data, at)
        if words <= 0:  # what follows is no record
            return
        yield number
        at += 8 + 2 * words


def _places(data: bytes) -> int:
    stated: int = 2 * struct.unpack_from(">i", data, 24)[0]
    if stated < _SHP_HEADER:
        raise struct.error
    return (min(stated, len(data)) - _SHP_HEADER) // _SHX_RECORD


def _rows(data: bytes) -> int:
    count: int = struct.unpack_from("<I", data, 4)[0]
    return count


#: How many records a part of a shapefile holds (.shp), or says that there are.
_COUNTS = {".shp": _shapes, ".shx": _places, ".dbf": _rows}


def _fgb_header(data: bytes) -> tuple[int, int, int]:
    """Return the number of features, the size of a node of the index (0 = none), and where the header ends."""
    size = struct.unpack_from("<I", data, _FGB_MAGIC)[0]
    start = _FGB_MAGIC + 4
    table = start + struct.unpack_from("<I", data, start)[0]
    fields = table - struct.unpack_from("<i", data, table)[0]
    known = (struct.unpack_from("<H", data, fields)[0] - 4) // 2

    def stated(field: int, form: str, usual: int) -> int:
        offset = struct.unpack_from("<H", data, fields + 4 + 2 * field)[0] if field < known else 0
        return int(struct.unpack_from(form, data, table + offset)[0]) if offset else usual

    return stated(_FGB_COUNT, "<Q", 0), stated(_FGB_INDEX, "<H", _FGB_USUAL), start + size


def _index_size(count: int, node: int) -> int:
    """Return the bytes of a packed tree over so many features."""
    levels = [count]
    while levels[-1] > 1 or len(levels) == 1:  # one feature has a root above it too
        levels.append(-(-levels[-1] // max(2, node)))
    return sum(levels) * _FGB_NODE
