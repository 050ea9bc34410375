"""Whether results can go to an output folder: it is one, and they take the place of nothing that was given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from waterbodem.core.destination import destination
from waterbodem.core.errors import ArgumentError
from waterbodem.core.path_gate import followed_links
from waterbodem.formats.output_names import JOURNAL, OF_FUNCTIE, PARTS, WORK, WRITTEN


def nearest_folder(output: Path) -> Path:
    """Return an output folder, or the first that is there of those it lies in.

    Raises
    ------
    UnsafePath
        If no folder of this machine can have that name.
    ArgumentError
        If that is a file, or a link that leads nowhere.
    """
    output = destination(output, "output")
    found = next(p for p in (output, *output.parents) if os.path.lexists(p))
    if not found.is_dir():
        wrong = "output folder is a file, or a link that leads nowhere"
        raise ArgumentError(wrong, value=found.name, allowed="a folder, or a new name", where="output")
    return found


def refuse_run(output: Path) -> None:
    """Refuse an output folder in which a run keeps its results: two questions would lie there mixed.

    Raises
    ------
    ArgumentError
        Naming the folder.
    """
    if os.path.lexists(output / WORK / JOURNAL):
        allowed = "another output folder, or remove this one first"
        raise ArgumentError("folder holds the results of a run", value=str(output), allowed=allowed, where="output")


def refuse_overwriting(output: Path, folders: Sequence[str], given: Iterable[Path | None]) -> None:
    """Refuse an output folder in which a file that was given, or a folder, has the name of a result.

    Parameters
    ----------
    output : Path
    folders : sequence of str
        Folders in it that results go to.
    given : iterable of Path or None
        Files that are read.

    Raises
    ------
    ArgumentError
        Naming the first of them.
    """
    _refuse_obstacles(output, [output / name for name in (*folders, WORK, f"{WORK}/{PARTS}")])
    root = followed_links(output)
    ours = {root / name for name in (*folders, WORK)}
    for file in (followed_links(path) for path in given if path is not None):
        if (file.parent == root and WRITTEN.fullmatch(file.name)) or not ours.isdisjoint(file.parents):
            raise ArgumentError(
                "a result would be written over what was given",
                value=file.name,
                allowed="another output folder, or another name for this file",
                where="output",
            )


def _refuse_obstacles(output: Path, folders: Iterable[Path]) -> None:
    """Refuse a file where a folder must come, and a folder where a file must."""
    for folder in folders:
        if os.path.exists(folder) and not os.path.isdir(folder):  # a name that no disk takes is none
            raise _in_the_way("a file has the name of a folder of results", folder, output)
        if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            allowed = "rights to read and write it, or another output folder"
            raise _in_the_way("a folder of results may not be looked into or written", folder, output, allowed)
        for path in _folders_in(folder):
            if path.name.endswith(OF_FUNCTIE):
                raise _in_the_way("a folder has the name of a result", path, output)
    for path in _folders_in(output):
        if WRITTEN.fullmatch(path.name):
            raise _in_the_way("a folder has the name of a result", path, output)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir())
    except OSError:  # not there, or not to be read: for who writes in it to tell
        return []


def _in_the_way(
    what: str, path: Path, output: Path, allowed: str = "another name for it, or another output folder"
) -> ArgumentError:
    return ArgumentError(what, value=path.relative_to(output).as_posix(), allowed=allowed, where="output")
