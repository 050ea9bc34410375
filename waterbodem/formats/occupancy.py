"""Who works in an output folder: one command at a time, by a lock in it that is gone when nobody does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from waterbodem.core.errors import ArgumentError, OutOfSpace
from waterbodem.core.files import discard, failure
from waterbodem.formats.output_names import WORK

LOCK = "lock"
#: Seconds that a lock is tried for: longer than another look at it takes.
GLANCE = 0.2
#: How often a folder is made that who leaves it removes at the same moment.
TRIES = 20

#: What systems answer where a file system, or the machine it lies on, knows no locks.
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EIO}


@contextmanager
def occupied(output: Path, seconds: float = 0.0) -> Iterator[None]:
    """Keep other commands out of an output folder; it is made where it is not there.

    What is left of the lock afterwards is nothing, also of a folder that was made for it and stayed empty.

    Parameters
    ----------
    output : Path
    seconds : float
        How long to wait for another command.

    Raises
    ------
    ArgumentError
        If another command is busy there, the file system knows no locks, or the folder cannot be written.
    OutOfSpace
        If the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "uit"
    >>> with occupied(folder):
    ...     folder.is_dir(), is_held(folder)
    (True, True)
    >>> folder.exists()
    False
    """
    made = [p for p in (output, *output.parents) if not os.path.lexists(p)]
    lock = filelock.FileLock(output / WORK / LOCK, timeout=max(seconds, GLANCE))
    try:
        _take(lock, output / WORK / LOCK)
        yield
    finally:
        if lock.is_locked:
            discard(output / WORK / LOCK)
            lock.release()
        _remove_empty([output / WORK, *made])


def _take(lock: filelock.BaseFileLock, path: Path) -> None:
    """Take a lock, in words where that cannot be."""
    output = path.parent.parent
    try:
        _take_in_turn(lock, path)
    except filelock.Timeout:
        allowed = "to wait until it has ended (run: --wait), or another output folder"
        raise ArgumentError(
            "another command is busy in this folder", value=output.name, allowed=allowed, where="output"
        ) from None
    except OSError as error:
        told = failure(error, output)
        if isinstance(told, OutOfSpace):
            raise told from error
        raise ArgumentError("output folder cannot be written", value=str(error), where=str(output)) from error


def _take_in_turn(lock: filelock.BaseFileLock, path: Path) -> None:
    """Take a lock whose folder another command that just leaves may remove at the same moment."""
    for left in reversed(range(TRIES)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            inode = _probed(path)
            lock.acquire()
            if path.stat().st_ino == inode:
                return
        except (FileNotFoundError, FileExistsError):
            if not left:
                raise
        lock.release()
    raise filelock.Timeout(str(path))


def _probed(path: Path) -> int:
    """Return the inode of a lock file, made where it is not there; refuse a file system that cannot lock it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _refuse_without_locks(handle, path.parent.parent)
        return os.fstat(handle).st_ino
    except ArgumentError:
        discard(path)
        raise
    finally:
        os.close(handle)


def _refuse_without_locks(handle: int, output: Path) -> None:
    """Try both kinds of locks: the one that keeps commands apart, and the one that a ledger needs."""
    try:
        import fcntl
    except ImportError:  # Windows, where every disk locks
        return
    for lock in (fcntl.flock, fcntl.lockf):
        try:
            lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                raise ArgumentError(
                    "file system of the output folder knows no locks, which keep commands apart",
                    value=error.strerror,
                    allowed="a folder on a disk of this machine, or a network disk that is mounted with locks",
                    where=str(output),
                ) from error


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def is_held(output: Path) -> bool:
    """Tell whether a command is busy in an output folder; one that begins meanwhile waits longer than this takes.

    Raises
    ------
    OSError
        If the lock may not be touched: it is somebody else's.
    """
    lock = output / WORK / LOCK
    if not os.path.lexists(lock):
        return False
    try:
        with filelock.FileLock(lock, timeout=GLANCE):
            return False
    except filelock.Timeout:
        return True
