"""An answer as one file: a zip of plain numbers and one JSON text, safe to open from anyone.

Nothing in it is code, nothing is unpacked to disk, and no array is made before its size is known to fit.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, CorruptLayer
from waterbodem.core.files import replacing
from waterbodem.core.lazy import xr
from waterbodem.formats.archive_form import KINDS, MARK, READABLE, VERSION, Variables, answer_form
from waterbodem.formats.archive_form import Array as Told
from waterbodem.formats.archive_form import Variable as ToldVariable

TEXT = "antwoord.json"
#: JSON of more bytes, or of more lists and tables, or values, is no answer: one of 1,000 plans and 15 functies takes
#: 31 MB, 144,000 and 1.6 million. What the largest takes in memory is bounded by them.
MAX_TEXT, MAX_TABLES, MAX_VALUES = 100_000_000, 500_000, 5_000_000
#: Bytes that DEFLATE makes of one, at most: a part that says more lies.
MOST_INFLATED = 1032
#: Zip files carry the moment they were made; this one, always.
MOMENT = (2000, 1, 1, 0, 0, 0)
#: What reading a damaged zip may raise.
DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)
Array = NDArray[Any]


# --- numbers that JSON lacks -----------------------------------------------------------------------------------------


def plain_data(value: Any) -> Any:
    """Return a value as JSON can hold it; numpy numbers become Python's, NaN and infinity a tagged word.

    Raises
    ------
    ArgumentError
        If it is no number, text, list or mapping.

    Examples
    --------
    >>> plain_data({"a": (np.float32(0.5), math.nan)})
    {'a': [0.5, {'getal': 'nan'}]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"getal": repr(value)}
    if isinstance(value, Mapping):
        return {str(k): plain_data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain_data(v) for v in value]
    raise ArgumentError("value cannot be saved", value=type(value).__name__, allowed="numbers, texts, lists, mappings")


def restored(value: Any) -> Any:
    """Return what :func:`plain_data` was given, with lists for tuples.

    Examples
    --------
    >>> restored(plain_data([1.5, -math.inf, {"a": "nan"}]))
    [1.5, -inf, {'a': 'nan'}]
    """
    if isinstance(value, list):
        return [restored(v) for v in value]
    if isinstance(value, dict):
        if set(value) == {"getal"} and value["getal"] in ("nan", "inf", "-inf"):
            return float(value["getal"])
        return {k: restored(v) for k, v in value.items()}
    return value


# --- writing ---------------------------------------------------------------------------------------------------------


class Packer:
    """Collects arrays by number while their description is made."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def array(self, values: Any) -> dict[str, Any]:
        """Return the description of an array; texts stand in it, numbers beside it."""
        found = np.asarray(values)
        if found.dtype.kind in "UO":
            return {"vorm": list(found.shape), "teksten": [str(v) for v in found.reshape(-1)]}
        little = np.ascontiguousarray(found, found.dtype.newbyteorder("<"))
        if little.dtype.str not in KINDS:
            raise ArgumentError("array cannot be saved", value=str(found.dtype), allowed=", ".join(KINDS))
        self.arrays.append(little)
        return {"vorm": list(found.shape), "soort": little.dtype.str, "nr": len(self.arrays) - 1}

    def dataset(self, data: xr.Dataset, names: Iterable[str]) -> dict[str, Any]:
        """Return the description of these variables of a dataset, with all coordinates and attributes."""
        chosen = {n: data[n].variable for n in names}
        dims = {d for v in chosen.values() for d in v.dims}
        return {
            "attrs": plain_data(data.attrs),
            "coords": {str(n): self._variable(v.variable) for n, v in data.coords.items() if dims.issuperset(v.dims)},
            "data": {n: self._variable(v) for n, v in chosen.items()},
        }

    def _variable(self, v: xr.Variable) -> dict[str, Any]:
        return {"dims": [str(d) for d in v.dims], "attrs": plain_data(v.attrs), **self.array(v.values)}


def write(path: str | Path, text: Mapping[str, Any], arrays: Iterable[Array]) -> Path:
    """Write an answer, whole or not at all; the same answer gives the same bytes."""
    body = json.dumps({"formaat": MARK, "versie": VERSION, **text}, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temp, zipfile.ZipFile(temp, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        archive.writestr(_member(TEXT), body.encode("utf-8", "replace"))  # half a letter is none, and would be refused
        for nr, array in enumerate(arrays):
            archive.writestr(_member(_name(nr)), array.tobytes())
    return Path(path)


def _name(nr: int) -> str:
    return f"getallen/{nr}.bin"


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


# --- reading ---------------------------------------------------------------------------------------------------------


class Unpacker:
    """An opened archive: its text, and its arrays when asked for.

    Raises
    ------
    CorruptLayer
        If it is no answer, or broken.
    """

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self._archive, self._where, self._used = archive, where, 0
        self._free, self._seen = memory.available_memory(), set[int]()
        self.text = answer_form(self._read_text(), where)

    def _read_text(self) -> dict[str, Any]:
        body = self._bytes(TEXT, MAX_TEXT)
        if body.count(b"{") + body.count(b"[") > MAX_TABLES or body.count(b",") > MAX_VALUES:
            raise self.broken("text holds more than any answer", TEXT)
        try:
            found = restored(from_json(body, allow_inf_nan=False))
        except (ValueError, RecursionError):
            raise self.broken("text is not JSON", TEXT) from None
        if not isinstance(found, dict) or found.get("formaat") != MARK:
            raise self.broken("file is no answer of waterbodem", TEXT)
        if found.get("versie") not in READABLE:
            allowed = " or ".join(map(str, READABLE))
            raise CorruptLayer("form is of another version", allowed=allowed, where=self._where)
        return found

    def broken(self, what: str, name: Any) -> CorruptLayer:
        """Return the error for this file."""
        return CorruptLayer(what, value=name, where=self._where)

    def _bytes(self, name: str, most: int) -> bytes:
        """Return a member of at most so many bytes, whatever its header claims."""
        try:
            with self._archive.open(name) as member:
                found = member.read(most + 1)
        except KeyError:
            raise self.broken("a part is missing", name) from None
        except DAMAGE as error:
            raise self.broken(f"a part cannot be read: {type(error).__name__}", name) from None
        if len(found) > most:
            raise self.broken("a part is larger than it says", name)
        return found

    def array(self, told: Told) -> Array:
        """Return an array by its description; each lies in a part of its own."""
        if told.teksten is not None:
            return self._texts(told.teksten, told.vorm)
        if told.soort is None or told.nr is None or told.nr in self._seen:
            raise self.broken("array has no part of its own", told.nr)
        dtype, name = np.dtype(told.soort), _name(told.nr)
        size = math.prod(told.vorm) * dtype.itemsize
        self._check_member(name, size)
        self._reserve(2 * size)
        self._seen.add(told.nr)
        return np.frombuffer(self._bytes(name, size), dtype).reshape(told.vorm).copy()

    def _texts(self, texts: tuple[str, ...], shape: tuple[int, ...]) -> Array:
        if math.prod(shape) != len(texts):
            raise self.broken("array has no shape", shape)
        self._reserve(4 * len(texts) * max(map(len, texts), default=0))
        return np.array(texts, dtype=np.str_).reshape(shape)

    def _check_member(self, name: str, size: int) -> None:
        """Refuse a part of another size than its array, or that its bytes cannot hold, before it is read."""
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise self.broken("a part is missing", name) from None
        if info.file_size != size or size > MOST_INFLATED * max(1, info.compress_size):
            raise self.broken("a part is of another size than its array", name)

    def _reserve(self, size: int) -> None:
        """Refuse arrays that would not fit in memory, before they are made."""
        self._used += size
        if self._free is not None and self._used > memory.USABLE * self._free:
            raise ArgumentError("answer does not fit in memory", value=f"{self._used} bytes", where=self._where)

    def dataset(self, told: Variables, dims: Mapping[str, int]) -> xr.Dataset:
        """Return a dataset by its description; its dimensions are of these lengths."""
        parts = [{n: self._variable(n, v, dims) for n, v in some.items()} for some in (told.data, told.coords)]
        return xr.Dataset(parts[0], coords=parts[1], attrs={k: as_list(v) for k, v in told.attrs.items()})

    def _variable(self, name: str, told: ToldVariable, dims: Mapping[str, int]) -> xr.Variable:
        if len(set(told.dims)) != len(told.dims) or told.vorm != tuple(dims.get(d, -1) for d in told.dims):
            raise self.broken("variable does not lie on the grid", name)
        return xr.Variable(told.dims, self.array(told), {k: as_list(v) for k, v in told.attrs.items()})


def as_list(value: Any) -> Any:
    """Return a tuple as a list: attributes are lists where they are more than one."""
    return list(value) if isinstance(value, tuple) else value
