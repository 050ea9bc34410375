"""The ledger of a batch run: what is finished, by content, written after the file it speaks of is on disk."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from waterbodem.core.errors import ArgumentError, CorruptLayer, OutOfSpace
from waterbodem.core.files import Stage, staging
from waterbodem.core.path_gate import Digest, State, sha256_of, state_of

_TABLES = """
CREATE TABLE IF NOT EXISTS input (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 TEXT);
CREATE TABLE IF NOT EXISTS part (key TEXT PRIMARY KEY, label TEXT, seconds REAL, problem TEXT);
CREATE TABLE IF NOT EXISTS output (name TEXT PRIMARY KEY, key TEXT, sha256 TEXT, size INTEGER, mtime_ns INTEGER);
CREATE TABLE IF NOT EXISTS run (nr INTEGER PRIMARY KEY, plan TEXT, begun REAL, ended REAL, problem TEXT);
"""
#: A ledger of other tables is not read.
_VERSION = zlib.crc32(_TABLES.encode()) >> 1
#: Seconds to wait for another program that has the ledger open.
PATIENCE = 60.0

#: Seconds from 1970 to the year 5138, which every system can show.
_FAR = 1e11

_NOTE_OUTPUT = "INSERT OR REPLACE INTO output VALUES (?, ?, ?, ?, ?)"


def changed_error(files: Iterable[Path]) -> CorruptLayer:
    """Return what is wrong where files of layers are no longer as they were."""
    names = ", ".join(sorted({f.name for f in files}))
    return CorruptLayer("file changed during the run: run again", value=names)


class Journal:
    """Rows that survive a crash; safe to use from several threads.

    Parameters
    ----------
    path : Path
        The database, in a folder of its own within that of the outputs; made anew if it is not one. Outputs go by
        their names there, so that the folder may be copied or moved.
    verify : bool
        Hash every input and every output again, also where size, time and inode are unchanged.
    digest : callable
        How to get the sha256 of an input.
    """

    def __init__(self, path: Path, *, verify: bool = False, digest: Digest = sha256_of) -> None:
        self._lock, self._path, self._verify, self._digest = threading.Lock(), path, verify, digest
        self._root = path.parent.parent
        self._seen: dict[Path, State] = {}
        self._db = _open(path)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with _faults(self._path), self._lock, self._db:
            self._db.execute(statement, values)

    def _row(self, statement: str, values: tuple[object, ...]) -> tuple[object, ...] | None:
        with _faults(self._path), self._lock:
            row: tuple[object, ...] | None = self._db.execute(statement, values).fetchone()
        return row

    def digest(self, path: Path, stated: str | None = None, where: str = "") -> str:
        """Return the sha256 of an input, from memory where size, time and inode are unchanged."""
        mark = self._seen[path] = state_of(path)
        row = self._row("SELECT size, mtime_ns, inode, sha256 FROM input WHERE path = ?", (str(path),))
        if row is not None and row[:3] == mark and not self._verify:
            found = str(row[3])
        else:
            found = self._digest(path, None, where)
            self._write("INSERT OR REPLACE INTO input VALUES (?, ?, ?, ?, ?)", (str(path), *mark, found))
        if stated is not None and stated.lower() != found:
            raise CorruptLayer("file differs from its sha256", value=found, allowed=stated, where=where)
        return found

    def changed(self) -> list[Path]:
        """Return the inputs that are no longer as they were when they were hashed."""
        return [path for path, mark in self._seen.items() if state_of(path) != mark]

    def refuse_changed(self) -> None:
        """Refuse what was just made where any input may have been another one.

        Raises
        ------
        CorruptLayer
            Naming the files that have changed.
        """
        changed = self.changed()
        if changed:
            raise changed_error(changed)

    def part_done(self, key: str) -> bool:
        """Tell whether a part is finished without a problem."""
        return self._row("SELECT 1 FROM part WHERE key = ? AND problem = ''", (key,)) is not None

    def note_part(self, key: str, label: str, started: float, problem: str = "") -> None:
        """Note that a part is finished, or why it is not."""
        seconds = time.monotonic() - started
        self._write("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?)", (key, label, seconds, problem))

    def note_problem(self, label: str, problem: str) -> None:
        """Note what failed beside parts."""
        self.note_part(label, label, time.monotonic(), problem)

    def output_done(self, path: Path, key: str | None = None) -> str | None:
        """Return the sha256 of an output that was made from this content (default any) and is still as it was."""
        row = self._row("SELECT key, sha256, size, mtime_ns FROM output WHERE name = ?", (self._name(path),))
        if row is None or key not in (None, row[0]) or not path.is_file():
            return None
        info = path.stat()
        same = (info.st_size, info.st_mtime_ns) == row[2:] and not (self._verify and sha256_of(path) != row[1])
        return str(row[1]) if same else None

    def outputs(self) -> dict[Path, str]:
        """Return every output that was noted and is still as it was, with its sha256."""
        with _faults(self._path), self._lock:
            paths = [self._root / n for (n,) in self._db.execute("SELECT name FROM output ORDER BY name")]
        found = {path: self.output_done(path) for path in paths}
        return {path: digest for path, digest in found.items() if digest}

    def made(self, paths: Sequence[Path], key: str) -> dict[Path, str]:
        """Return the sha256 of outputs that were placed together; none unless all are of this content and as they were.

        Parameters
        ----------
        paths : sequence of Path
            Those that may have been placed.
        key : str
            The content.
        """
        noted = [p for p in paths if self._row("SELECT 1 FROM output WHERE name = ?", (self._name(p),)) is not None]
        found = {p: self.output_done(p, key) for p in noted}
        return {p: digest for p, digest in found.items() if digest} if all(found.values()) else {}

    @contextmanager
    def placing(self, key: str, paths: Sequence[Path] = ()) -> Iterator[Stage]:
        """Give a stage for outputs; when they have their names they are noted, all or none, by what was written.

        What another program puts there a moment later is not what was noted.

        Parameters
        ----------
        key : str
            The content that they are made of.
        paths : sequence of Path, optional
            Those that may be placed; what was noted of the ones that are not is forgotten.
        """
        with staging() as stage:
            yield stage
            stage.flush()
            rows = [self._output_row(final, temp, key) for final, temp in stage.files.items()]
            others = [(self._name(path),) for path in paths if path not in stage.files]
        with _faults(self._path), self._lock, self._db:
            self._db.executemany(_NOTE_OUTPUT, rows)
            self._db.executemany("DELETE FROM output WHERE name = ?", others)

    def _output_row(self, final: Path, temp: Path, key: str) -> tuple[object, ...]:
        info = temp.stat()
        return self._name(final), key, sha256_of(temp), info.st_size, info.st_mtime_ns

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._root)).as_posix()

    def begin(self) -> None:
        """Note that a run begins; what it is to do is not known yet."""
        self._write("INSERT OR REPLACE INTO run VALUES (1, '', ?, NULL, '')", (time.time(),))

    def note_plan(self, plan: str) -> None:
        """Note what the run is to do, as JSON."""
        self._write("UPDATE run SET plan = ?", (plan,))

    def plan(self) -> str:
        """Return what the run is to do, as it was noted."""
        row = self._row("SELECT plan FROM run", ())
        return str(row[0]) if row else ""

    def end(self, problem: str = "") -> None:
        """Note that the run ended, or what ended it."""
        self._write("UPDATE run SET ended = ?, problem = ?", (time.time(), problem))

    def parts_done(self) -> set[str]:
        """Return the keys of all parts that are finished without a problem."""
        with _faults(self._path), self._lock:
            return {str(key) for (key,) in self._db.execute("SELECT key FROM part WHERE problem = ''")}

    def problems(self) -> list[tuple[str, str]]:
        """Return label and reason of every part that failed."""
        with _faults(self._path), self._lock:
            rows = self._db.execute("SELECT label, problem FROM part WHERE problem != '' ORDER BY label")
            return [(str(a), str(b)) for a, b in rows.fetchall()]

    def clear_problems(self) -> None:
        """Forget failures: a new run tries again."""
        self._write("DELETE FROM part WHERE problem != ''", ())


@dataclass(frozen=True)
class JournalPage:
    """What a ledger holds at one moment.

    Parameters
    ----------
    plan : str
        What the last run was to do, as JSON; empty if that is not known.
    begun, ended : float, optional
        Seconds since 1970; None where it has not.
    problem : str
        What ended the run.
    parts : mapping of key to (label, problem)
    outputs : mapping of name to (key, size, mtime_ns)
    """

    plan: str = ""
    begun: float | None = None
    ended: float | None = None
    problem: str = ""
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)


def read_page(path: Path) -> JournalPage:
    """Read a ledger without a trace: nothing is written or locked, a run that is busy does not notice.

    Raises
    ------
    CorruptLayer
        If it cannot be read.
    """
    try:
        return _read_page(path)
    except sqlite3.Error:  # a run may just have opened it
        try:
            return _read_page(path)
        except sqlite3.Error as error:
            raise CorruptLayer("ledger cannot be read", value=str(error), where=str(path)) from error


def _read_page(path: Path) -> JournalPage:
    with closing(_connect_to_read(path)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        if "run" not in tables:  # just made
            return JournalPage()
        run = db.execute("SELECT plan, begun, ended, problem FROM run").fetchone()
        parts = {k: (a, b) for k, a, b in db.execute("SELECT key, label, problem FROM part")}
        outputs = {n: (k, a, b) for n, k, a, b in db.execute("SELECT name, key, size, mtime_ns FROM output")}
    plan, begun, ended, problem = run or ("", None, None, "")
    return JournalPage(plan, _moment(begun), _moment(ended), problem, parts, outputs)


def _moment(seconds: object) -> float | None:
    """Return a moment that a clock can show, or None."""
    return float(seconds) if isinstance(seconds, (int, float)) and abs(seconds) < _FAR else None


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a ledger; where no run has it open, or left it open, it is a file like any other."""
    left_open = path.with_name(path.name + "-wal").exists()
    return sqlite3.connect(f"{path.resolve().as_uri()}?{'mode=ro' if left_open else 'immutable=1'}", uri=True)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Tell what is wrong with the ledger or its disk in an error of this library."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            allowed = "no other program that has it open, on a disk that knows locks"
            raise ArgumentError("ledger cannot be locked", value=path.name, allowed=allowed, where=str(path)) from error
        raise OutOfSpace(
            "ledger cannot be written: is the disk full or read-only?", value=str(error), where=path.name
        ) from error
    except sqlite3.DatabaseError as error:
        raise CorruptLayer(
            f"ledger is damaged: {error}", value=path.name, allowed="run again", where=str(path)
        ) from None


def _open(path: Path) -> sqlite3.Connection:
    """Open the ledger; one that is damaged, or of other tables, is made anew: then parts are computed again."""
    with _faults(path):
        if path.is_file() and not _usable(path):
            for end in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        return _connect(path)


def _usable(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            return bool(version == _VERSION and db.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # not a database, or a broken one
        return False


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=PATIENCE)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(_TABLES)
    db.execute(f"PRAGMA user_version={_VERSION}")
    return db
