"""One output of a run: files that are made at once, of one content; and the loop that makes what is not there."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from waterbodem.batch.exposure import Exposure
from waterbodem.batch.job import Job, Variant
from waterbodem.batch.journal import Journal
from waterbodem.core.errors import OutOfSpace, error_line
from waterbodem.core.files import Stage
from waterbodem.views.pace import Progress

_log = logging.getLogger("waterbodem")


@dataclass(frozen=True)
class Output:
    """Files that a run leaves together, all of one content.

    Parameters
    ----------
    paths : tuple of Path
        Files that it may leave, of no other output; those that ``make`` does not write are not there after it.
    key : str
        What it is made of: there already, made of the same, it stays as it is.
    make : callable
        Writes the files into a stage.
    needs : tuple of Path
        First files of the outputs that it is made of.
    reason : str, optional
        Why it is not made, in Dutch; empty if nobody asked for it. Then its files are not there either.
    hand : {"here", "several", "one"}
        Made in this thread, beside others, or beside others but one at a time.
    phase : str
        What a progress bar calls it.
    of_layers : bool
        Whether it is made of layers themselves, which may have changed since the run began.
    ready : callable, optional
        What is done first, while its needs are being made; also where it is there already.
    """

    paths: tuple[Path, ...]
    key: str
    make: Callable[[Stage], None]
    needs: tuple[Path, ...] = ()
    reason: str | None = None
    hand: Literal["here", "several", "one"] = "here"
    phase: str = ""
    of_layers: bool = False
    ready: Callable[[], object] | None = None

    def files(self, journal: Journal) -> dict[Path, str]:
        """Files that are there, made of this, with their sha256; none at all if any of them is not."""
        return journal.made(self.paths, self.key)


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    output : Path
    made, kept : int
        Parts that were computed now, and parts that were there already.
    problems : list of (str, str)
        What failed, and why: rows of a functie, or who receives it. The rest is there.
    failed : list of str
        Functies, with their scenario, of which a part failed: no map of them is written, and no row in a table.
    seconds : float
    outside : tuple of str
        Polygons that lie wholly outside the data.
    niet_bepaald : tuple of str
        What could not be determined of who receives the burden, and why, in Dutch.
    files : dict of Path to str
        What it left, with the sha256 of each.
    """

    output: Path
    made: int = 0
    kept: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outside: tuple[str, ...] = ()
    niet_bepaald: tuple[str, ...] = ()
    files: dict[Path, str] = field(default_factory=dict, repr=False)

    @property
    def complete(self) -> bool:
        """Whether every output is there."""
        return not self.problems

    def lacks(self, label: str) -> bool:
        """Tell whether something of that label failed."""
        return any(name == label for name, _ in self.problems)

    def add_reason(self, reason: str) -> None:
        """Take up why something is not determined; it is said once."""
        self.niet_bepaald = tuple(dict.fromkeys([*self.niet_bepaald, reason]))


@dataclass(frozen=True)
class Delivery:
    """A run whose parts are there, and what it leaves of them.

    Parameters
    ----------
    job : Job
    journal : Journal
    keys : mapping of Variant to str
        What each variant of which every part is there depends on.
    exposure : Exposure
    outcome : Outcome
    progress : callable
        Called with a phase, how much is done, and of how much.
    workers : int
        Threads for outputs that are made beside each other.
    """

    job: Job
    journal: Journal
    keys: Mapping[Variant, str]
    exposure: Exposure
    outcome: Outcome
    progress: Progress
    workers: int = 1

    def make(self, outputs: Sequence[Output]) -> None:
        """Make what is not there or made of something else; what any of it may leave and does not is removed.

        Raises
        ------
        WaterbodemError
            What went wrong for the first output that failed; then nothing of these counts as left.
        """
        with ExitStack() as stack:
            one, several = (stack.enter_context(stoppable(n)) for n in (1, self.workers))  # those waited for stop first
            hands: dict[str, Executor] = {"here": _Here(), "several": several, "one": one}
            made: dict[Path, Future[dict[Path, str]]] = {}
            for output in outputs:
                before = [made[path] for path in output.needs if path in made]
                made[output.paths[0]] = hands[output.hand].submit(self._settle, output, before)
            self._follow(outputs, made)
        for output in outputs:
            self.outcome.files |= made[output.paths[0]].result()
            if output.reason and not made[output.paths[0]].result():
                self.outcome.add_reason(output.reason)

    def _follow(self, outputs: Sequence[Output], made: Mapping[Path, Future[Any]]) -> None:
        """Wait for outputs, and tell how many of a phase are there: those made one at a time last."""
        named = {o: o.phase if o.reason is None else "" for o in outputs}
        done, totals = Counter[str](), Counter(named.values())
        for last in (False, True):
            phases = {made[o.paths[0]]: named[o] for o in outputs if (o.hand == "one") is last}
            for future in as_completed(phases):
                future.result()
                phase = phases[future]
                done[phase] += 1
                if phase:
                    self.progress(phase, done[phase], totals[phase])

    def _settle(self, output: Output, before: Sequence[Future[Any]]) -> dict[Path, str]:
        """Return the files of an output with their sha256, once it is there; none if it cannot be."""
        if output.ready:
            output.ready()
        files = output.files(self.journal) if output.reason != "" else {}
        if not files and output.reason is None:
            for future in before:
                future.result()
            return self._made(output)
        if files and output.of_layers:
            self.journal.refuse_changed()
        _remove(p for p in output.paths if p not in files)
        return files

    def _made(self, output: Output) -> dict[Path, str]:
        with self.journal.placing(output.key, output.paths) as stage:
            output.make(stage)
            if output.of_layers:
                self.journal.refuse_changed()
        _remove(p for p in output.paths if p not in stage.files)
        return output.files(self.journal)

    @contextmanager
    def costing(self, label: str) -> Iterator[None]:
        """Let an error cost only what is done here, where it has a label, unless the rest would meet the same."""
        try:
            yield
        except OutOfSpace:
            raise
        except Exception as error:
            if not label:
                raise
            self.outcome.problems.append((label, error_line(error)))
            self.journal.note_problem(label, error_line(error))
            _log.warning("%s failed: %s", label, error_line(error))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


class _Here(Executor):
    """Thread of the caller: what is submitted is done at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextmanager
def stoppable(workers: int) -> Iterator[Executor]:
    """Threads that begin nothing new once what they are for has stopped."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
