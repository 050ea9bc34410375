"""The file of one part: compressed tiles of all its maps, as the final maps will hold them, and an index at the end."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from waterbodem.errors import CorruptLayer

Array = NDArray[Any]
Index = NDArray[np.int64]

#: Numbers of an entry of the index: offset, size (0 = nothing but nodata) and CRC-32 of a blob.
ENTRY = 3
_FOOTER = struct.Struct("<Q8s")
_MAGIC = b"wbpart02"


class PartWriter:
    """Blobs in any order; :meth:`finish` puts the index behind them.

    Parameters
    ----------
    file : binary file
        Empty, opened for writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

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
        self._file.write(_FOOTER.pack(self._at, _MAGIC))


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
        try:
            self._file = self._path.open("rb")
            self._index = self._open_index()
        except Exception as error:
            raise CorruptLayer(f"part cannot be read: {error}", where=self._path.name) from None
        return self

    def _open_index(self) -> Any:
        end = self._file.seek(-_FOOTER.size, io.SEEK_END)
        start, magic = _FOOTER.unpack(self._file.read(_FOOTER.size))
        if magic != _MAGIC:
            raise ValueError("it does not end as a part does")
        self._file.seek(start)
        return np.load(io.BytesIO(self._file.read(end - start)), allow_pickle=False)

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
