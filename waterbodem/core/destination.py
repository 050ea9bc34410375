"""Where results may go: any path of this machine, and nothing that only looks like one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from waterbodem.core.errors import UnsafePath

#: Bytes of one name, and of a whole path, that file systems take.
LONGEST_NAME, LONGEST_PATH = 255, 4095

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: ``s3:`` and ``https://``; a drive of Windows is one letter.
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+:")
_VIRTUAL = re.compile(r"\s*[\\/]+vsi", re.IGNORECASE)


def destination(path: str | os.PathLike[str], where: str = "path") -> Path:
    """Return a path that results go to, as it was given, if it is one of this machine.

    Parameters
    ----------
    path : str or Path
    where : str
        What an error calls it.

    Raises
    ------
    UnsafePath
        If it names a network or virtual file, holds a control character, no file system takes it, or it starts with
        the sign of a home folder.

    Examples
    --------
    >>> destination("plan 12:30").name
    'plan 12:30'
    >>> destination("s3://bucket/uit", "output")
    Traceback (most recent call last):
    waterbodem.core.errors.UnsafePath: output: path names a network or virtual file; got 's3://bucket/uit'; allowed: ...
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise UnsafePath("not a path", value=type(path).__name__, allowed="text or a pathlib.Path", where=where)
    wrong = refusal(text) or ("" if os.path.isabs(text) else _adrift(text))
    if wrong:
        allowed = "a path of this machine; where a name begins like 's3:', the whole path of it"
        raise UnsafePath(wrong, value=text if len(text) <= 80 else f"{text[:80]}...", allowed=allowed, where=where)
    return Path(path)


def refusal(text: str) -> str:
    """Return why results may not go to a path; empty where they may."""
    if not text.strip():
        return "path is empty"
    if _CONTROL.search(text):
        return "path holds a control character"
    if _SCHEME.match(text) or _VIRTUAL.match(text):
        return "path names a network or virtual file"
    return _unwritable(text)


def _adrift(text: str) -> str:
    """Return why a path cannot start at the folder that this process works in."""
    if text.startswith("~"):
        return "'~' is not filled in here: write the whole path"
    try:
        os.getcwd().encode()
    except OSError:
        return "the folder that this works in is gone: write the whole path"
    except UnicodeEncodeError:
        return "the folder that this works in has a letter that this locale cannot write: set LC_ALL=C.UTF-8"
    return ""


def _unwritable(text: str) -> str:
    """Return why no file system, or no library that writes, takes a path."""
    try:
        sizes = [len(os.fsencode(part)) for part in Path(text).parts]
        text.encode()
    except UnicodeEncodeError:
        return "path holds a letter that this locale cannot write: set LC_ALL=C.UTF-8, or choose another name"
    if max(sizes, default=0) > LONGEST_NAME:
        return f"a name in the path is longer than {LONGEST_NAME} bytes"
    return f"path is longer than {LONGEST_PATH} bytes" if sum(sizes) + len(sizes) > LONGEST_PATH else ""
