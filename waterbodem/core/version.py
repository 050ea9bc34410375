"""Version of this package: its number, the content of its code, and of what it computes with.

Whoever imports the package for its names alone loads this too: what is heavier than the number loads when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__version__ = "0.1.0"

#: Packages whose version may change a number or a byte.
PACKAGES = ("numpy", "numba", "rasterio", "exactextract", "xarray", "geopandas", "shapely", "pyproj", "pyogrio")


def folder_of(package: str) -> Path:
    """Folder of a package, wherever the module lies that asks for it."""
    from pathlib import Path

    return Path(import_module(package).__path__[0])


def content_of(folder: Path, paths: Iterable[Path], start: str) -> str:
    """Hash (16 hex digits) of files of a folder: what is in them, and where they lie in it; line ends do not count."""
    import hashlib

    digest = hashlib.sha256(start.encode())
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in paths):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def modules_version(package: str, start: str) -> str:
    """Hash of all modules of a package, at any depth."""
    folder = folder_of(package)
    return content_of(folder, folder.rglob("*.py"), start)


@cache
def code_version() -> str:
    """Hash of version and all modules: which of them makes a number is not guessed."""
    return modules_version("waterbodem", __version__)


@cache
def texts_version() -> str:
    """Hash of code, templates and fixed texts that pages and pictures are made of."""
    folder = folder_of("waterbodem")
    texts = (path for room in ("views/templates", "data/teksten") for path in (folder / room).rglob("*"))
    return content_of(folder, (path for path in texts if path.is_file()), code_version())


def versions(*, vector: bool = True) -> dict[str, str]:
    """Versions of this package, Python, GDAL and what computes, by name.

    Parameters
    ----------
    vector : bool
        Whether files of polygons are read or written: that is done by a GDAL of its own.
    """
    import platform
    from importlib.metadata import version

    return {
        "waterbodem": __version__,
        "python": platform.python_version(),
        "gdal": _gdal(),
        **({"gdal_vector": _gdal_vector()} if vector else {}),
        **{name: version(name) for name in PACKAGES},
    }


def _gdal() -> str:
    import rasterio

    return str(rasterio.__gdal_version__)


def _gdal_vector() -> str:
    import pyogrio

    return str(pyogrio.__gdal_version_string__)
