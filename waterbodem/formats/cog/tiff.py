"""The frame of a cloud-optimised GeoTIFF: directories before data, tiles that were compressed elsewhere.

GDAL writes what a GeoTIFF says of itself (place, CRS, colours, nodata); this module only lays its tags out before tiles
that exist already, so that no cell is compressed twice. Layout: TIFF 6.0, BigTIFF where 4 GB do not do, and GDAL's
description of a COG (directories first, overviews from small to large, a size before and four bytes after every tile).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Sizes = NDArray[np.int64]

#: Bytes of one number per TIFF type.
_WIDTH = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
LONG, LONG8 = 4, 16
SUBFILE, WIDTH, LENGTH, OFFSETS, COUNTS = 254, 256, 257, 324, 325
#: Tags that describe the image as a whole: what made it, GeoTIFF keys and GDAL's metadata.
_WHOLE_ONLY = {305, 33550, 33922, 34264, 34735, 34736, 34737, 42112}

_GHOST = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
#: What tells a reader how the file is laid out, right after the header; one byte more, so that directories start even.
GHOST = f"GDAL_STRUCTURAL_METADATA_SIZE={len(_GHOST):06d} bytes\n{_GHOST}\0".encode()
_CLASSIC_END = 1 << 32


@dataclass(frozen=True)
class Tag:
    """One entry of a directory: TIFF type and the bytes of its numbers, little-endian."""

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """How many numbers."""
        return len(self.data) // _WIDTH[self.kind]


Tags = Mapping[int, Tag]


def read_tags(data: bytes) -> dict[int, Tag]:
    """Return the first directory of a little-endian classic TIFF."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    found = {}
    for i in range(count):
        tag, kind, n, value = struct.unpack_from("<HHI4s", data, start + 2 + 12 * i)
        size = n * _WIDTH[kind]
        at = struct.unpack("<I", value)[0]
        found[tag] = Tag(kind, value[:size] if size <= 4 else data[at : at + size])
    return found


def overview_tags(whole: Tags, shape: tuple[int, int]) -> dict[int, Tag]:
    """Return the tags of an overview of some shape (rows, cols)."""
    rows, cols = (Tag(LONG, struct.pack("<I", n)) for n in shape)
    kept = {tag: value for tag, value in whole.items() if tag not in _WHOLE_ONLY}
    return {**kept, SUBFILE: Tag(LONG, struct.pack("<I", 1)), WIDTH: cols, LENGTH: rows}


def frame_tile(tile: bytes) -> bytes:
    """Return a compressed tile with its size before it and its last four bytes once more after it."""
    return struct.pack("<I", len(tile)) + tile + tile[-4:]


def header(images: Sequence[tuple[Tags, Sizes]]) -> bytes:
    """Return all that stands before the tiles.

    Parameters
    ----------
    images : sequence of (tags, sizes)
        The whole image, then its overviews from large to small; sizes in bytes of the compressed tiles of each, row by
        row. The tiles must follow in the opposite order, each as :func:`frame_tile` gives it.
    """
    big = _length(images, False) + sum(int(s.sum()) + 8 * len(s) for _, s in images) >= _CLASSIC_END
    starts = _tile_starts(images, _length(images, big))
    parts = [struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16 + len(GHOST)) if big else b"", GHOST]
    if not big:
        parts[0] = struct.pack("<2sHI", b"II", 42, 8 + len(GHOST))
    at = sum(len(p) for p in parts)
    for i, ((tags, sizes), places) in enumerate(zip(images, starts, strict=True)):
        block = _directory(_placed(tags, sizes, places, big), at, last=i == len(images) - 1, big=big)
        parts.append(block)
        at += len(block)
    return b"".join(parts)


def _placed(tags: Tags, sizes: Sizes, places: Sizes, big: bool) -> dict[int, Tag]:
    kind, width = (LONG8, "<u8") if big else (LONG, "<u4")
    offsets, counts = places.astype(width).tobytes(), sizes.astype("<u4").tobytes()
    return {**tags, OFFSETS: Tag(kind, offsets), COUNTS: Tag(LONG, counts)}


def _length(images: Sequence[tuple[Tags, Sizes]], big: bool) -> int:
    """Return the bytes before the first tile."""
    blocks = (_directory(_placed(t, s, s, big), 0, last=False, big=big) for t, s in images)
    return (16 if big else 8) + len(GHOST) + sum(len(b) for b in blocks)


def _tile_starts(images: Sequence[tuple[Tags, Sizes]], first: int) -> list[Sizes]:
    """Return where the bytes of every tile start: overviews from small to large, then the whole image."""
    found, at = [], first
    for _, sizes in reversed(images):
        framed = sizes + 8
        found.append(at + np.cumsum(framed) - framed + 4)
        at += int(framed.sum())
    return found[::-1]


def _directory(tags: Tags, at: int, *, last: bool, big: bool) -> bytes:
    """Return a directory that starts at ``at``, with the numbers that do not fit in it, even in length."""
    inline, entry, counter, pointer = (8, "<HHQ8s", "<Q", "<Q") if big else (4, "<HHI4s", "<H", "<I")
    table = struct.calcsize(counter) + struct.calcsize(entry) * len(tags) + struct.calcsize(pointer)
    rows, tail = [struct.pack(counter, len(tags))], b""
    for number, tag in sorted(tags.items()):
        value = tag.data
        if len(value) > inline:
            value = struct.pack(pointer, at + table + len(tail))
            tail += tag.data + bytes(len(tag.data) % 2)
        rows.append(struct.pack(entry, number, tag.kind, tag.count, value.ljust(inline, b"\0")))
    tail += bytes((table + len(tail)) % 2)
    rows.append(struct.pack(pointer, 0 if last else at + table + len(tail)))
    return b"".join([*rows, tail])
