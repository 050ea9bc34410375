"""The file of one part: compressed tiles of all its maps, as the final maps will hold them, and an index at the end."""

from __future__ import annotations

import io
import json
import math
import struct
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.errors import CorruptLayer

Array = NDArray[Any]
Index = NDArray[np.int64]

#: Numbers of an entry of the index: offset, size (0 = nothing but nodata) and CRC-32 of a blob.
ENTRY = 3
#: Arrays of the index that hold entries.
ENTRIES = ("tiles", "halves", "tallies", "ranges")
#: Start and CRC-32 of the index, and what kind of file it is.
_FOOTER = struct.Struct("<QI8s")
_MAGIC = b"wbpart07"
#: Length of the table of contents that an index starts with.
_LENGTH = struct.Struct("<I")


class PartWriter:
    """Blobs in any order; :meth:`finish` puts the index behind them.

    Parameters
    ----------
    file : binary file
        Empty, opened for writing.
    name : str
        What the file will be called: under another name it is damaged, for its name is its content.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name, self._at = file, name, 0

    def add(self, blob: bytes) -> tuple[int, int, int]:
        """Write a blob; return its entry for an index."""
        entry = (self._at, len(blob), zlib.crc32(blob))
        self._file.write(blob)
        self._at += len(blob)
        return entry

    def finish(self, arrays: Mapping[str, Array]) -> None:
        """Write the index: named arrays, none of them objects."""
        index = packed_arrays(arrays)
        self._file.write(index)
        self._file.write(_FOOTER.pack(self._at, _check(index, self._name), _MAGIC))


def packed_arrays(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays behind a table of contents in JSON.

    Not as ``.npz``: reading its headers parses Python, which CPython 3.11 cannot do in two threads at once (gh-106905).
    """
    contents = json.dumps([(name, a.dtype.str, a.shape) for name, a in arrays.items()]).encode()
    return b"".join([_LENGTH.pack(len(contents)), contents, *(a.tobytes() for a in arrays.values())])


def unpacked_arrays(index: bytes) -> dict[str, Array]:
    """Return the arrays of :func:`packed_arrays`, which cannot be written to."""
    (length,) = _LENGTH.unpack_from(index)
    at, found = _LENGTH.size + length, {}
    for name, dtype, shape in json.loads(index[_LENGTH.size : at]):
        count = math.prod(shape)
        found[name] = np.frombuffer(index, dtype, count, at).reshape(shape) if count else np.empty(shape, dtype)
        at += found[name].nbytes
    return found


def _check(index: bytes, name: str) -> int:
    return zlib.crc32(index, zlib.crc32(name.encode()))


def is_whole(path: Path) -> bool:
    """Tell whether a part is there with every bit as it was written."""
    try:
        with PartReader(path) as part:
            for name in ENTRIES:
                for entry in part[name].reshape(-1, ENTRY) if name in part.names else ():
                    part.blob(entry)
    except CorruptLayer:
        return False
    return True


class PartReader:
    """A finished part; a context manager.

    Raises
    ------
    CorruptLayer
        If the file is not whole, also later, where a blob is not what was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> PartReader:
        with ExitStack() as stack:
            try:
                self._file = stack.enter_context(self._path.open("rb"))
                self._index = self._open_index()
            except Exception as error:
                raise CorruptLayer(f"part cannot be read: {error}", where=self._path.name) from None
            stack.pop_all()
        return self

    def _open_index(self) -> dict[str, Array]:
        end = self._file.seek(-_FOOTER.size, io.SEEK_END)
        start, check, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        if magic != _MAGIC:
            raise ValueError("it does not end as a part does")
        self._file.seek(start)
        index = self._file.read(end - start)
        if _check(index, self._path.name) != check:
            raise ValueError("its index is not what was written")
        return unpacked_arrays(index)

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays of the index."""
        return tuple(self._index)

    def __getitem__(self, name: str) -> Array:
        """Return an array of the index, which cannot be written to."""
        return self._index[name]

    def blob(self, entry: Index) -> bytes:
        """Return the bytes of an entry."""
        offset, size, check = (int(n) for n in entry)
        self._file.seek(offset)
        found = self._file.read(size)
        if len(found) != size or zlib.crc32(found) != check:
            raise CorruptLayer("part is damaged", where=self._path.name)
        return found
