"""Refuse an output folder in which results would take the place of what was given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from waterbodem.errors import ArgumentError

#: What an answer or a run writes in its folder, beside a folder per functie.
WRITTEN = re.compile(
    r"(gebieden|grootboek)\.(gpkg|csv)|stroompaden\.gpkg|blootstelling_onbekend(@.*)?\.(tif|tif\.aux\.xml|qml)"
    r"|rapport\.html|waterbodem\.qgs|herkomst\.json"
)
#: Where a run keeps its parts.
WORK = ".waterbodem"


def refuse_overwriting(output: Path, folders: Iterable[str], given: Iterable[Path | None]) -> None:
    """Refuse an output folder in which a file that was given has the name of a result.

    Parameters
    ----------
    output : Path
    folders : iterable of str
        Folders in it that results go to.
    given : iterable of Path or None
        Files that are read.

    Raises
    ------
    ArgumentError
        Naming the first such file.
    """
    root = output.resolve()
    ours = {root / name for name in (*folders, WORK)}
    for file in (path.resolve() for path in given if path is not None):
        if (file.parent == root and WRITTEN.fullmatch(file.name)) or not ours.isdisjoint(file.parents):
            raise ArgumentError(
                "a result would be written over what was given",
                value=file.name,
                allowed="another output folder, or another name for this file",
                where="output",
            )
