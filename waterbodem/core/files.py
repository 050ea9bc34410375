"""Files that are whole or not there: written under a temporary name beside their own, then renamed."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from waterbodem.core.destination import destination
from waterbodem.core.errors import ArgumentError, OutOfSpace, WaterbodemError

#: Part of the name of a file until it is complete; its extension stays, which libraries look at.
PARTIAL = ".partial"

#: Letters of a final name that a temporary one keeps, of up to four bytes each: what is long is cut.
STEM, SUFFIX = 30, 16

_LEFT_OVER = re.compile(rf"\..*\.[0-9a-f]{{12}}{re.escape(PARTIAL)}.*", re.DOTALL)
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on leaving, it becomes ``path``.

    The old file, if any, stays until the new one is complete and on disk. After an error neither the temporary file
    nor a new ``path`` is there.

    Parameters
    ----------
    path : str or Path
        The final name; its folder must exist.

    Yields
    ------
    Path
        To write to, and to close before leaving.

    Raises
    ------
    OutOfSpace
        If the disk, a quota or a size limit is full.
    UnsafePath
        If no file of this machine can have that name.
    ArgumentError
        If the file cannot be written for another reason.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(target) as temp:
    ...     _ = temp.write_text("whole")
    >>> target.read_text(), [f.name for f in target.parent.iterdir()]
    ('whole', ['a.txt'])
    """
    with staging() as stage:
        yield stage.file(path)


def write_whole(path: Any, content: bytes) -> Path | None:
    """Write a file, whole or not at all, and return its path; what is open, for bytes or for text, is written to.

    Parameters
    ----------
    path : str, Path or file that is open
    content : bytes
        UTF-8, where a file that is open takes text.

    Raises
    ------
    OutOfSpace, UnsafePath, ArgumentError
        As :func:`replacing`.

    Examples
    --------
    >>> import io
    >>> open_file = io.BytesIO()
    >>> write_whole(open_file, b"whole"), open_file.getvalue()
    (None, b'whole')
    """
    if hasattr(path, "write"):
        with _disk_errors(Stage()):
            path.write(content.decode() if isinstance(path, io.TextIOBase) else content)
        return None
    with replacing(path) as temp:
        temp.write_bytes(content)
    return Path(path)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary path for a folder that is not there yet; on leaving, it gets its name, every file on disk.

    After an error, or a kill, there is no folder of that name; what was begun lies beside it under a hidden name.

    Raises
    ------
    UnsafePath
        If no folder of this machine can have that name.
    ArgumentError
        If something of that name is there already, or it cannot be written.
    OutOfSpace
        If the disk is full.
    """
    final = destination(path)
    if final.exists():
        raise ArgumentError("folder is there already", value=str(path), allowed="a new name, or remove it first")
    temp = _hidden(final)
    try:
        with _disk_errors(Stage()):
            yield temp
            for file in (p for p in temp.rglob("*") if p.is_file()):
                _flush(file)
            temp.rename(final)
            _flush_folder(final.parent)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise


@contextmanager
def staging() -> Iterator[Stage]:
    """Give a stage for several files that appear together, or none of them.

    On an error, also while they are put in place, every file and folder is as it was before.
    """
    stage = Stage()
    try:
        with _disk_errors(stage):
            yield stage
            stage.commit()
    except BaseException:
        stage.undo()
        raise


class Stage:
    """Files under temporary names, in the order in which they will appear."""

    def __init__(self) -> None:
        self._temps: dict[Path, Path] = {}
        self._flushed: set[Path] = set()
        self._account: Path | None = None
        self._kept: dict[Path, Path] = {}
        self._new: list[Path] = []
        self._made: list[Path] = []
        self._scratch: list[Path] = []
        self._settled = False
        self.current: Path | None = None

    @property
    def files(self) -> Mapping[Path, Path]:
        """Final names, with where each file is now."""
        return self._temps

    def file(self, path: str | Path) -> Path:
        """Return the temporary path for a final one, in the same folder."""
        final = destination(path)
        if final.is_dir():
            raise ArgumentError("output file is a folder", value=str(path), allowed="a file name")
        self.current = final
        return self._temps.setdefault(final, _hidden(final))

    def account(self, path: Path) -> Path:
        """As :meth:`file`, for the one file that tells of the others: an old one goes before any of them is placed."""
        self._account = path
        return self.file(path)

    def scratch(self, path: Path) -> Path:
        """Return a path that will not be there afterwards, whatever happens."""
        self._scratch.append(path)
        return path

    def spare(self, path: Path) -> Path:
        """As :meth:`scratch`, under a temporary name in the same folder: a killed process leaves no other."""
        self.current = path
        return self.scratch(_hidden(path))

    def folder(self, path: str | Path) -> Path:
        """Make a folder with its parents; those that are new disappear again after an error."""
        folder = destination(path)
        self.current = folder
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            self._made.append(parent)
        if not folder.is_dir():
            raise ArgumentError("output folder is a file", value=str(path), allowed="a folder, or a new name")
        return folder

    def flush(self) -> None:
        """Put every file on disk, under its temporary name."""
        for final, temp in self._temps.items():
            if final not in self._flushed:
                self.current = final
                _flush(temp)
                self._flushed.add(final)

    def commit(self) -> None:
        """Put every file on disk, then give each its final name, in order; from the last one on nothing is undone."""
        self.flush()
        self._withdraw_account()
        for final, temp in self._temps.items():
            self.current = final
            self._place(final, temp)
        for folder in dict.fromkeys(f.parent for f in self._temps):
            _flush_folder(folder)
        self._settle()

    def _withdraw_account(self) -> None:
        if self._account is not None:
            self._temps[self._account] = self._temps.pop(self._account)  # last
            if self._account.exists():
                self._keep(self._account)
                withdraw(self._account)

    def _place(self, final: Path, temp: Path) -> None:
        """Give a file its name; one that is alone takes the place of the old one at once, which need not be kept."""
        if not final.exists():
            self._new.append(final)
        elif len(self._temps) > 1:
            self._keep(final)
        os.replace(temp, final)

    def _keep(self, final: Path) -> None:
        """Give an existing file a second name, to put it back from."""
        old = self.scratch(_hidden(final))
        _link(final, old)
        self._kept[final] = old

    def _settle(self) -> None:
        """Leave everything as it is now, but for what was to disappear."""
        self._settled = True
        self._clean()

    def undo(self) -> None:
        """Remove what is new and put back what was there, its account last; also if one is asked to stop meanwhile."""
        try:
            if not self._settled:
                self._restore()
            self._clean()
        except KeyboardInterrupt:
            self.undo()

    def _restore(self) -> None:
        for final in self._new:
            if final not in self._kept:
                _remove(final)
        for final, old in sorted(self._kept.items(), key=lambda item: item[0] == self._account):
            with suppress(OSError):
                os.replace(old, final)

    def _clean(self) -> None:
        """Remove what has a temporary name, which renaming it to another name of the same file leaves there."""
        for temp in (*self._temps.values(), *self._scratch):
            _remove(temp)
        for folder in () if self._settled else reversed(self._made):
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _disk_errors(stage: Stage) -> Iterator[None]:
    """Say which file was being written when the operating system refused."""
    try:
        yield
    except OSError as error:
        raise failure(error, stage.current) from error


def failure(error: OSError, path: Path | None) -> WaterbodemError:
    """Return the error of this library for one of the operating system."""
    where = str(path or error.filename or "output")
    said = any(os.strerror(code) in str(error) for code in _FULL)  # GDAL tells it in words only
    if error.errno in _FULL or said:
        return OutOfSpace("disk, quota or size limit is full", value=error.strerror or str(error), where=where)
    return ArgumentError("file cannot be written", value=error.strerror or str(error), where=where)


def _hidden(final: Path) -> Path:
    """Return a name beside a final one, short enough where that is as long as a name may be."""
    end = final.suffix if len(final.suffix) <= SUFFIX else ""
    return final.with_name(f".{final.stem[:STEM]}.{uuid4().hex[:12]}{PARTIAL}{end}")


def _link(final: Path, other: Path) -> None:
    """Give a file a second name, where the disk knows those; else copy it."""
    try:
        os.link(final, other)
    except (OSError, AttributeError, NotImplementedError):
        shutil.copy2(final, other)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Put the names in a folder on disk; Windows cannot, and does so by itself."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def withdraw(path: Path) -> None:
    """Remove a file, on disk too, before anything that it tells of changes.

    Raises
    ------
    ArgumentError
        If it may not be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failure(error, path) from error
    _flush_folder(path.parent)


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove what a process that was killed left half-written in folders: it never had a final name."""
    for folder in folders:
        for path in folder.glob(f".*{PARTIAL}*"):
            if _LEFT_OVER.fullmatch(path.name):
                discard(path)


def discard(path: Path) -> None:
    """Remove a file that nobody needs; what is no file, or may not be removed, does no harm."""
    with suppress(OSError):
        path.unlink()
