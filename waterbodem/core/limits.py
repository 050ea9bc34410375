"""What this process may still take of memory: of the machine, of the containers it is in, of its own limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from waterbodem.core.errors import ArgumentError

PROC = Path("/proc")
#: What must be free to start at all: memory, and addresses, which libraries and threads take far more of [bytes].
LEAST, LEAST_ADDRESSES = 300_000_000, 1_100_000_000
FileReadings = (OSError, ValueError, IndexError)


class Control(NamedTuple):
    """Files of a control group: its limit, what it holds, and the part of that which the kernel lets go."""

    limit: str
    usage: str
    droppable: tuple[str, ...]


#: By the kind of file system that groups are mounted as. ``memory.stat`` counts children only under these names.
CONTROLS = {
    "cgroup2": Control("memory.max", "memory.current", ("inactive_file", "active_file")),
    "cgroup": Control("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
}


def free_memory(proc: Path = PROC) -> int | None:
    """Return the memory that this process may still take [bytes]; None where nothing is known of it.

    The least of what the machine has free, what is left within each control group (container) around this process,
    and what is left of its own limits (``ulimit -v``, ``ulimit -d``).

    Examples
    --------
    >>> (free_memory() or 1) > 0
    True
    """
    found = [*_machine(proc), *_groups(proc), *_own(proc)]
    return max(0, min(found)) if found else None


def check_start(proc: Path = PROC) -> None:
    """Refuse to start where the libraries would not even load, or break off while they compile.

    Raises
    ------
    ArgumentError
        Naming what is free, and what is needed.
    """
    addresses = next(_left_of("RLIMIT_AS", 0, proc), None)
    memory = min((*_groups(proc), *_own(proc)), default=None)  # the machine itself may swap
    if addresses is not None and addresses < LEAST_ADDRESSES:
        raise ArgumentError(
            "limit on addresses is too small to start",
            value=f"{addresses / 1e9:.2g} GB left",
            allowed=f"at least {LEAST_ADDRESSES / 1e9:.2g} GB (ulimit -v)",
        )
    if memory is not None and memory < LEAST:
        raise ArgumentError(
            "not enough memory to start",
            value=f"{memory / 1e9:.2g} GB free",
            allowed=f"at least {LEAST / 1e9:.2g} GB, limits of containers and of the process counting",
        )


def _machine(proc: Path) -> Iterator[int]:
    """Yield what the machine has free."""
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        with suppress(ImportError):  # no Linux: psutil comes along there
            yield int(import_module("psutil").virtual_memory().available)
        return
    yield from (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


# --- control groups --------------------------------------------------------------------------------------------------


def _groups(proc: Path) -> Iterator[int]:
    """Yield what is left within every group around this process that has a limit."""
    for kind, folder, top in _mounted(proc):
        for group in (folder, *folder.parents):
            if not group.is_relative_to(top):
                break
            with suppress(*FileReadings):  # no limit here, or none that says how much
                yield _left(group, CONTROLS[kind])


def _left(group: Path, control: Control) -> int:
    limit = int((group / control.limit).read_text())
    lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    droppable = sum(int(line[1]) for line in lines if line[0] in control.droppable)
    return limit - max(0, int((group / control.usage).read_text()) - droppable)


@cache
def _mounted(proc: Path) -> tuple[tuple[str, Path, Path], ...]:
    """Return per hierarchy that counts memory: its kind, the folder of our group, and the topmost that is seen here."""
    try:
        return tuple(_hierarchies(proc))
    except FileReadings:  # no control groups on this system
        return ()


def _hierarchies(proc: Path) -> Iterator[tuple[str, Path, Path]]:
    ours = dict(_memberships(proc))
    for line in (proc / "self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split(" ", 2)
        if kind in ours and (kind == "cgroup2" or "memory" in options.split(",")):
            root, top = fields.split()[3:5]
            yield kind, Path(top, _below(ours[kind], root)), Path(top)


def _below(group: str, root: str) -> PurePosixPath:
    """Return a group's path below the one that is mounted; a container may see none above or beside its own."""
    path = PurePosixPath(group)
    seen = path.is_relative_to(root) and ".." not in path.parts
    return path.relative_to(root) if seen else PurePosixPath()


def _memberships(proc: Path) -> Iterator[tuple[str, str]]:
    for line in (proc / "self/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        if not names:
            yield "cgroup2", path
        elif "memory" in names.split(","):
            yield "cgroup", path


# --- limits of the process -------------------------------------------------------------------------------------------


def _own(proc: Path) -> Iterator[int]:
    """Yield what is left of the limits on addresses and on data."""
    yield from _left_of("RLIMIT_AS", 0, proc)
    yield from _left_of("RLIMIT_DATA", 5, proc)


def _left_of(name: str, taken: int, proc: Path) -> Iterator[int]:
    """Yield what is left of a limit, if there is one; ``taken`` is where ``statm`` says how many pages count."""
    with suppress(ImportError, *FileReadings):  # no such limits on this system
        most = _limit(name)
        if most is not None:
            yield most - int((proc / "self/statm").read_text().split()[taken]) * os.sysconf("SC_PAGE_SIZE")


def _limit(name: str) -> int | None:
    resource = import_module("resource")
    most: int = resource.getrlimit(getattr(resource, name))[0]
    return None if most == resource.RLIM_INFINITY else most
