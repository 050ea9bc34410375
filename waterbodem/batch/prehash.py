"""The sha256 of what a run will read, taken while the program still loads: loading keeps one processor busy."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from waterbodem.core.errors import WaterbodemError
from waterbodem.core.path_gate import Digest, State, local_file, sha256_of, state_of
from waterbodem.core.threads import thread_count

#: Larger than what the run itself reads.
MAX_BYTES = 1_000_000


@contextmanager
def hashing(run_file: Path) -> Iterator[Digest]:
    """Begin to hash the layers of a run that was not begun before; give what ``sha256_of`` gives, with less waiting.

    A file that has changed since is hashed again. What is wrong with the run is for the run to tell.

    Examples
    --------
    >>> with hashing(Path("absent.toml")) as sha256:
    ...     sha256 is sha256_of
    False
    """
    paths, pool, loaded = _largest_first(_layers(run_file)), ThreadPoolExecutor(thread_count()), Event()
    begun: dict[Path, tuple[State, Future[str]]] = {}

    def digest(path: Path, stated: str | None = None, where: str = "") -> str:
        loaded.set()
        state, future = begun.pop(path, (None, None))
        if future is None or stated is not None or future.exception() or state_of(path) != state:
            return sha256_of(path, stated, where)
        return future.result()

    try:
        if thread_count() > 1:
            pool.submit(loaded.wait)  # one processor is for what loads
        begun.update((path, (state_of(path), pool.submit(sha256_of, path))) for path in paths)
        yield digest
    finally:
        loaded.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _largest_first(paths: list[Path]) -> list[Path]:
    """Return paths so that threads that take them in turn end together."""
    return sorted(paths, key=state_of, reverse=True)


def _layers(run_file: Path) -> list[Path]:
    """Return the files of the layers of a run; none if it has an output folder, whose ledger may know them."""
    try:
        asked = _table(run_file)
        folder = run_file.resolve().parent
        catalogue = folder / asked["layers"]
        catalogue = catalogue / "lagen.toml" if catalogue.is_dir() else catalogue
        if (folder / asked["output"]).exists():
            return []
        entries = _table(catalogue)["layers"].values()
        return [local_file(entry["path"], catalogue.parent) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, WaterbodemError):
        return []


def _table(path: Path) -> dict[str, Any]:
    """Read a TOML file; a pipe or device might never end."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise OSError("no file that a run reads")
    return tomllib.loads(path.read_text("utf-8"))
