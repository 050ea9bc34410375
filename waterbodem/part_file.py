"""The file of one part: compressed tiles of all its maps, as the final maps will hold them, and an index at the end."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from waterbodem.errors import CorruptLayer

Array = NDArray[Any]
Index = NDArray[np.int64]

#: Numbers of an entry of the index: offset, size (0 = nothing but nodata) and CRC-32 of a blob.
ENTRY = 3
#: Arrays of the index that hold entries.
ENTRIES = ("tiles", "halves")
#: Start and CRC-32 of the index, and what kind of file it is.
_FOOTER = struct.Struct("<QI8s")
_MAGIC = b"wbpart03"


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
        index = io.BytesIO()
        np.savez(index, allow_pickle=False, **arrays)
        self._file.write(index.getbuffer())
        self._file.write(_FOOTER.pack(self._at, _check(index.getvalue(), self._name), _MAGIC))


def _check(index: bytes, name: str) -> int:
    return zlib.crc32(index, zlib.crc32(name.encode()))


def is_whole(path: Path) -> bool:
    """Tell whether a part is there with every bit as it was written."""
    try:
        with PartReader(path) as part:
            for name in ENTRIES:
                for entry in part[name].reshape(-1, ENTRY):
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

    def _open_index(self) -> Any:
        end = self._file.seek(-_FOOTER.size, io.SEEK_END)
        start, check, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        if magic != _MAGIC:
            raise ValueError("it does not end as a part does")
        self._file.seek(start)
        index = self._file.read(end - start)
        if _check(index, self._path.name) != check:
            raise ValueError("its index is not what was written")
        return np.load(io.BytesIO(index), allow_pickle=False)

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays of the index."""
        return tuple(self._index.files)

    def __getitem__(self, name: str) -> Array:
        """Return an array of the index."""
        try:
            return np.asarray(self._index[name])
        except Exception as error:
            raise CorruptLayer(f"part cannot be read: {error}", where=self._path.name) from None

    def blob(self, entry: Index) -> bytes:
        """Return the bytes of an entry."""
        offset, size, check = (int(n) for n in entry)
        self._file.seek(offset)
        found = self._file.read(size)
        if len(found) != size or zlib.crc32(found) != check:
            raise CorruptLayer("part is damaged", where=self._path.name)
        return found
