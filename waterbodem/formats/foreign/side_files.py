"""Files beside a raster or shapefile, which are opened with it unasked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from waterbodem.core.errors import UnsafePath


def check_side_files(path: Path, folders: Iterable[Path], where: str = "") -> None:
    """Refuse a file beside which lies a link out of the folders that it may itself lie under.

    Parameters
    ----------
    path : Path
        Resolved; has passed the path gate.
    folders : iterable of Path
        Where what such a link leads to may lie. Of a plan or receivers: the folder of that file only.
    where : str
        What an error calls it.

    Raises
    ------
    UnsafePath
        If there is such a link.

    Examples
    --------
    >>> check_side_files(Path("k.shp"), [Path()])
    """
    roots = [Path(f).resolve() for f in folders]
    for beside in _links(path):
        if not any(Path(os.path.realpath(beside)).is_relative_to(root) for root in roots):
            raise UnsafePath(
                "file beside it is a link that leaves its folder",
                value=beside.name,
                allowed=f"a plain file in the folder of {path.name}",
                where=where,
            )


def _links(path: Path) -> list[Path]:
    """Return the links beside a file that may belong to it: k.dbf, K.TFW, k.tif.msk, k.gpkg-wal."""
    ends = (f"{path.stem}.".casefold(), f"{path.name}-".casefold())
    with os.scandir(path.parent) as entries:
        return sorted(path.with_name(e.name) for e in entries if e.is_symlink() and e.name.casefold().startswith(ends))
