"""Data files of the package and of users: TOML of at most a megabyte, read with errors that name file and line."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from waterbodem.core.errors import DefinitionError

#: A definition file is text written by people; anything larger is a mistake.
MAX_BYTES = 1_000_000


def data_file(name: str) -> Traversable:
    """Return a data file of the package."""
    return files("waterbodem.data").joinpath(name)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML, or say in which file and line it breaks."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"not valid TOML: {error}", where=where) from None


def is_plain_file(path: Path | Traversable) -> bool:
    """Tell whether a file is there to be read to its end; a name that no disk takes is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_toml(path: Path | Traversable) -> dict[str, Any]:
    """Read a TOML file of at most a megabyte, UTF-8."""
    if not is_plain_file(path):
        raise DefinitionError("file does not exist, or is no plain file", where=str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionError("file cannot be read", value=error.strerror, where=str(path)) from None
    if len(raw) > MAX_BYTES:
        raise DefinitionError(
            "file is too large", value=f"over {MAX_BYTES} bytes", allowed=f"{MAX_BYTES} bytes", where=str(path)
        )
    try:
        return parse_toml(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise DefinitionError("file is not UTF-8 text", where=str(path)) from None
