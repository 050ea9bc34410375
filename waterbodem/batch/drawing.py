"""Pictures of a run, drawn in a process of their own: Matplotlib holds the interpreter that the table needs too."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from subprocess import Popen
from typing import IO

from waterbodem.batch.job import Job, Variant
from waterbodem.core import helper_process

_log = logging.getLogger("waterbodem")

#: With fewer pictures, a process takes longer to load than it saves.
WORTH = 6
#: What such a process takes [bytes].
MEMORY = 350_000_000
#: With more polygons than this, none is outlined.
OUTLINED = 500


def memory_needed(job: Job) -> int:
    """Return the bytes that drawing takes beside the run."""
    return MEMORY if job.file.pictures and job.file.cell_maps and len(job.variants) >= WORTH else 0


class Drawing:
    """Draws the pictures of variants one by one; in another process where that pays and can be done.

    Parameters
    ----------
    job : Job
    count : int
        Pictures that will be asked.
    """

    def __init__(self, job: Job, count: int) -> None:
        areas = job.areas if len(job.areas) <= OUTLINED else ()
        self._job, self._count = replace(job, areas=areas, receivers=(), land=None), count
        self._process: Popen[bytes] | None = None

    def prepare(self) -> None:
        """Load what draws."""
        if self._count >= WORTH:
            self._begin()
        if self._count and self._process is None:
            import_module("waterbodem.batch.picture")

    def _begin(self) -> None:
        self._process = helper_process.begin(__name__, serve.__name__, answers=True)
        if self._process is not None:
            with suppress(OSError):  # a process that has ended already is met at the first picture
                _send(_pipe(self._process.stdin), self._job)

    def png(self, variant: Variant) -> bytes:
        """Return the picture of a variant whose maps are finished."""
        if self._process is not None:
            try:
                return _ask(self._process, variant)
            except Exception as error:  # an answer that is no picture fails in as many ways as it has bytes
                _log.info("pictures are drawn in this process: the other ended (%s)", error)
                self.close()
        from waterbodem.batch.picture import picture_png

        return picture_png(self._job, variant)

    def close(self) -> None:
        """End the other process; it has nothing to save."""
        process, self._process = self._process, None
        if process is not None:
            helper_process.end(process)


def _ask(process: Popen[bytes], variant: Variant) -> bytes:
    _send(_pipe(process.stdin), variant)
    png = pickle.load(_pipe(process.stdout))
    if not isinstance(png, bytes):
        raise EOFError("no picture")
    return png


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None  # it was asked for
    return end


def _send(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe)
    pipe.flush()


def serve() -> None:
    """Draw what is asked at standard input, until it closes."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    from waterbodem.batch.picture import picture_png

    with suppress(EOFError):
        job = pickle.load(source)
        while True:
            _send(target, picture_png(job, pickle.load(source)))
