"""An HDF5 file of somebody else (NetCDF-4 is one): refused where its numbers stand in other files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from waterbodem.core.errors import MissingLibrary, NotARaster, UnsafePath
from waterbodem.core.lazy import h5py
from waterbodem.formats.foreign.tile_size import check_tile

#: How such a file starts.
MAGIC = b"\x89HDF\r\n\x1a\n"

INSTALL = "pip install 'waterbodem[netcdf]'"

#: What a broken file may raise from within HDF5 and its Python binding.
_FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError)


def check_own_data(path: Path, where: str = "") -> None:
    """Refuse a file with external links, external storage or virtual datasets, however deep, or with huge chunks.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    where : str
        What an error calls it.

    Raises
    ------
    UnsafePath
        If part of it is in another file.
    NotARaster
        If it cannot be looked through.
    LayerError
        If a chunk takes too much memory, with all its dimensions: GDAL tells of rows and columns only.
    MissingLibrary
        If h5py is not installed.

    Examples
    --------
    >>> check_own_data(Path("neerslag.nc"), "layers.neerslag")  # doctest: +SKIP
    """

    def check_chunk(shape: tuple[int, ...], itemsize: int) -> None:
        check_tile(shape, itemsize, "netCDF", path.name, where)

    try:
        with h5py.File(path, "r", locking=False) as file:
            for reason in _outside(file.id, check_chunk):
                raise UnsafePath(
                    f"file points at other files ({reason})",
                    value=path.name,
                    allowed="a file that holds its own data, such as: nccopy in.nc out.nc, or a GeoTIFF",
                    where=where,
                )
    except ImportError:
        raise MissingLibrary(
            "h5py is not installed: an HDF5 file (NetCDF-4) is looked through before it is opened",
            value=path.name,
            allowed=f"{INSTALL}, or a GeoTIFF",
            where=where,
        ) from None
    except _FAULTS as error:
        raise NotARaster(f"file is no HDF5 that can be read: {error}", value=path.name, where=where) from None


def _outside(root: Any, check_chunk: Callable[[tuple[int, ...], int], None]) -> Iterator[str]:
    """Yield what stands in other files; every object is looked at once, whatever links lead to it."""
    groups, seen = [root], set()
    while groups:
        group = groups.pop()
        for name in _names(group):
            link = group.links.get_info(name)
            if link.type == h5py.h5l.TYPE_SOFT:
                continue
            if link.type != h5py.h5l.TYPE_HARD:
                yield f"an external link, {_text(name)}"
                return
            thing = h5py.h5o.get_info(group, name)
            if thing.addr in seen:
                continue
            seen.add(thing.addr)
            if thing.type == h5py.h5o.TYPE_GROUP:
                groups.append(h5py.h5g.open(group, name))
            elif thing.type == h5py.h5o.TYPE_DATASET:
                dataset = h5py.h5d.open(group, name)
                layout = dataset.get_create_plist()
                yield from _elsewhere(layout, name)
                if layout.get_layout() == h5py.h5d.CHUNKED:
                    check_chunk(layout.get_chunk(), dataset.get_type().get_size())


def _names(group: Any) -> list[bytes]:
    names: list[bytes] = []
    group.links.iterate(names.append)
    return names


def _elsewhere(layout: Any, name: bytes) -> Iterator[str]:
    if layout.get_layout() == h5py.h5d.VIRTUAL:
        yield f"a virtual dataset, {_text(name)}"
    elif layout.get_external_count():
        yield f"external storage, {_text(name)}"


def _text(name: bytes) -> str:
    return name[:80].decode("utf-8", "replace")
