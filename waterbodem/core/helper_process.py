"""A second Python beside this one, for work that would hold this one's interpreter.

Begun by a command: multiprocessing would run a script without a guard twice, or copy the locks of other threads.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from multiprocessing import spawn
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

_log = logging.getLogger("waterbodem")


def begin(module: str, function: str, *, answers: bool) -> Popen[bytes] | None:
    """Begin a process that calls a function, at a pipe from this one; None where there can be none.

    It finds modules where this process does, and nowhere else; Ctrl-C is not for it. Its standard input ends when this
    process does, however that comes about.

    Parameters
    ----------
    module, function : str
        Of this library.
    answers : bool
        Whether its standard output is a pipe to this process; else nothing hears it.
    """
    executable = os.fsdecode(spawn.get_executable() or "")
    if not Path(executable).stem.lower().startswith("python"):
        return None  # another program, with Python inside
    try:
        return Popen(
            [executable, "-P", "-c", _code(module, function), *sys.path],
            stdin=PIPE,
            stdout=PIPE if answers else DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        _log.info("no second process can begin (%s)", error)
        return None


def _code(module: str, function: str) -> str:
    return f"import sys; sys.path[:] = sys.argv[1:]; from {module} import {function}; {function}()"


def end(process: Popen[bytes]) -> None:
    """End a process that has nothing to save."""
    process.kill()
    process.communicate()
