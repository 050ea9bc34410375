"""The path gate: which files a lagen.toml may name, and what they may turn out to be.

A catalogue may come from somebody else. What it names must be a plain file under its own folder,
and what is inside must be what the name says: nothing here opens a network or virtual file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path, PureWindowsPath

from waterbodem.core.destination import refusal
from waterbodem.core.errors import CorruptLayer, LayerError, NotARaster, UnsafePath

#: GDAL drivers that may open a raster, with the bytes their files start with; a COG is a GTiff.
RASTER_DRIVERS: dict[str, tuple[bytes, ...]] = {
    "GTiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "netCDF": (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n"),
    "GPKG": (b"SQLite format 3\0",),
    "AAIGrid": (b"ncols", b"nrows", b"xll", b"yll", b"cellsize", b"dx"),
}

#: Vector files by extension, with the bytes they must start with.
VECTOR_MAGIC: dict[str, bytes] = {
    ".gpkg": b"SQLite format 3\0",
    ".geojson": b"{",
    ".json": b"{",
    ".shp": b"\x00\x00\x27\x0a",
    ".fgb": b"fgb\x03",
    ".gml": b"<",
}

#: A vector file is read whole; anything larger is refused.
MAX_VECTOR_BYTES = 200_000_000

#: Files beside a raster that GDAL opens unasked.
SIDECARS = (".aux.xml", ".ovr", ".msk")

#: Files beside a raster or shapefile that its numbers and place depend on.
COMPANIONS = (".aux.xml", ".msk", ".prj", ".tfw", ".wld", ".dbf", ".shx", ".cpg")

#: How text begins that is content, or a share of Windows.
NO_FILE = ("<", "{", "\\\\", "//")

#: Bytes that are hashed at once.
STEP = 1 << 25

_HEAD = 65_536
_INDIRECT = re.compile(rb"<\s*(OGRVRT|VRTDataset|OGRWFS|OGRCSW|GDAL_W[MC]S|GDAL_WMTS|WCS_GDAL|WMS_)", re.IGNORECASE)
_VIRTUAL = re.compile(r"[\\/]vsi", re.IGNORECASE)


def local_file(text: str, folder: Path, *, allow: Iterable[Path] = (), where: str = "") -> Path:
    """Return the file that a catalogue means, resolved, if it may be read.

    Parameters
    ----------
    text : str
        The path as written; relative to ``folder``.
    folder : Path
        Folder of the lagen.toml; the file must lie under it, symbolic links followed.
    allow : iterable of Path
        Other folders that files may lie under.

    Raises
    ------
    UnsafePath
        If the path is virtual, remote, or leaves these folders.
    LayerError
        If there is no such file.
    """
    _refuse_syntax(text, where)
    path = _resolved(folder / text, text, where)
    roots = [folder.resolve(), *(Path(a).resolve() for a in allow)]
    if not any(path.is_relative_to(root) for root in roots):
        raise UnsafePath(
            "path leaves the folder of the catalogue",
            value=text,
            allowed="a file under that folder, or under a folder given with --allow",
            where=where,
        )
    if not path.is_file():
        raise LayerError("file does not exist, or is no plain file", value=text, where=where)
    return path


def given_file(path: str | Path, where: str = "") -> Path:
    """Return a file that a user named, resolved: anywhere on this machine, and no address or virtual file.

    Raises
    ------
    UnsafePath
        If it is no path of this machine, or cannot be followed.
    LayerError
        If there is no such file.
    """
    text = str(path)
    wrong = refusal(text) or ("path is no local file" if text.lstrip().startswith(NO_FILE) else "")
    if wrong:
        raise UnsafePath(wrong, value=text[:80], allowed="a local file", where=where)
    found = _resolved(Path(path), text, where)
    if not found.is_file():
        raise LayerError("file does not exist, or is no plain file", value=text, where=where)
    return found


def _resolved(path: Path, text: str, where: str) -> Path:
    """Return where a path leads; refuse one that leads nowhere, or that libraries that read files cannot be told."""
    try:
        found = path.resolve()
        found.is_file()
    except (OSError, RuntimeError, ValueError):
        raise UnsafePath("path cannot be followed", value=text[:80], allowed="a local file", where=where) from None
    try:
        str(found).encode()
    except UnicodeEncodeError:
        what, known = "path holds letters that the locale does not know", "a locale that does (LC_ALL=C.UTF-8)"
        raise UnsafePath(what, value=text[:80], allowed=f"{known}, or another name", where=where) from None
    return found


def followed_links(path: Path) -> Path:
    """Return where a path leads, links followed as far as they can be."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # the folder that this works in is gone, or the name is none
        return path


def _refuse_syntax(text: str, where: str) -> None:
    drive = re.match(r"[A-Za-z]:[\\/]", text)
    rest = text[2:] if drive else text
    reasons = {
        "path is empty": not text.strip(),
        "path holds a control character": any(ord(c) < 32 for c in text),
        "path is inline content": text.lstrip().startswith(("<", "{")),
        "path names a network or virtual file": ":" in rest
        or bool(_VIRTUAL.match(text))
        or text.startswith(("\\\\", "//")),
        "path leaves the folder of the catalogue": bool(drive) and not _is_windows(),
    }
    for reason, true in reasons.items():
        if true:
            raise UnsafePath(reason, value=text, allowed="a local file", where=where)


def _is_windows() -> bool:
    return isinstance(Path(), PureWindowsPath)


def head_of(path: Path, where: str = "") -> bytes:
    """Return the first bytes of a file.

    Raises
    ------
    NotARaster
        If it is empty.
    LayerError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise LayerError("file cannot be read", value=error.strerror, where=where) from None
    if not head:
        raise NotARaster("file is empty", value=path.name, where=where)
    return head


def raster_driver(path: Path, where: str = "") -> str:
    """Return the one driver that may open a file, by its first bytes.

    Raises
    ------
    UnsafePath
        If the file, or one that GDAL opens with it, points at other files.
    NotARaster
        If it is HTML, XML, JSON, or anything else.
    """
    head = head_of(path, where)
    _refuse_indirect(head, path.name, where)
    _check_sidecars(path, where)
    driver = _driver(head)
    if driver is None:
        kind = _text_kind(head)
        what = f"file is {kind}, not a raster: service error?" if kind else "file is no raster"
        raise NotARaster(what, value=path.name, allowed=", ".join(RASTER_DRIVERS), where=where)
    return driver


def _driver(head: bytes) -> str | None:
    start = head.lstrip().lower() if head[:1].isspace() or head[:1].isalpha() else head
    return next(
        (d for d, magic in RASTER_DRIVERS.items() if head.startswith(magic) or start.startswith(magic)),
        None,
    )


def _text_kind(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if text.startswith(b"<"):
        return "XML"
    return "JSON" if text.startswith((b"{", b"[")) else ""


def _refuse_indirect(head: bytes, name: str, where: str) -> None:
    if _INDIRECT.search(head):
        raise UnsafePath(
            "file points at other files or services (VRT)",
            value=name,
            allowed="a file that holds its own data",
            where=where,
        )


def _check_sidecars(path: Path, where: str) -> None:
    for end in SIDECARS:
        for beside in {path.with_name(path.name + end), path.with_suffix(end)}:
            if beside.is_file() and not _harmless(beside, end):
                raise UnsafePath("file beside the raster points at other files", value=beside.name, where=where)


def _harmless(path: Path, end: str) -> bool:
    with path.open("rb") as file:
        data = file.read(-1 if end == ".aux.xml" else 8)
    if end != ".aux.xml":
        return data.startswith(RASTER_DRIVERS["GTiff"])
    return not (_INDIRECT.search(data) or b"OVERVIEW_FILE" in data or b"/vsi" in data.lower())


def companions(path: Path) -> list[Path]:
    """Return the files beside a raster or vector file that tell part of what it holds, in a fixed order."""
    return sorted(p for p in companion_names(path) if p.is_file())


def companion_names(path: Path) -> set[Path]:
    """Return the names that such files may have, whether they are there or not."""
    names = {path.with_name(path.name + end) for end in COMPANIONS} | {path.with_suffix(end) for end in COMPANIONS}
    return names - {path}


def check_vector_content(path: Path, where: str = "") -> None:
    """Refuse a vector file that is too large, or not what its extension says.

    Raises
    ------
    UnsafePath
        If it points at other files or services.
    LayerError
        If it is too large, of another kind, or empty.
    """
    magic = VECTOR_MAGIC.get(path.suffix.lower())
    if magic is None:
        allowed = ", ".join(VECTOR_MAGIC)
        raise LayerError("not a vector file", value=path.name, allowed=allowed, where=where)
    if path.stat().st_size > MAX_VECTOR_BYTES:
        raise LayerError(
            "vector file is too large",
            value=f"{path.stat().st_size} bytes",
            allowed=f"{MAX_VECTOR_BYTES} bytes",
            where=where,
        )
    head = head_of(path, where)
    _refuse_indirect(head, path.name, where)
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(magic):
        raise NotARaster(
            f"file is not what {path.suffix} promises (HTML: service error?)",
            value=path.name,
            where=where,
        )


#: Size, time [ns] and inode of a file.
State = tuple[int, int, int]


def state_of(path: Path) -> State:
    """Return what changes when a file does; nothing is like a file that is gone."""
    try:
        info = path.stat()
    except OSError:
        return (-1, -1, -1)
    return (info.st_size, info.st_mtime_ns, info.st_ino)


#: Takes a path, the stated sha256 (or None) and where it stands; returns the sha256 found.
Digest = Callable[[Path, str | None, str], str]


def sha256_of(path: Path, stated: str | None = None, where: str = "") -> str:
    """Return the sha256 of a file.

    Raises
    ------
    CorruptLayer
        If it differs from the stated one.
    LayerError
        If it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            found = _sha256(file)
    except OSError as error:
        raise LayerError("file cannot be read", value=f"{path.name}: {error.strerror}", where=where) from None
    if stated is not None and stated.lower() != found:
        raise CorruptLayer("file differs from its sha256", value=found, allowed=stated, where=where)
    return found


def _sha256(file: FileIO) -> str:
    """Hash in long steps: between two of them a busy interpreter lets one wait, longer than 256 kB takes to hash."""
    found, buffer = hashlib.sha256(), memoryview(bytearray(min(STEP, os.fstat(file.fileno()).st_size + 1)))
    while count := file.readinto(buffer):
        found.update(buffer[:count])
    return found.hexdigest()
