"""What is said beside results, on stderr: dropped where it cannot be written, so that no work is lost for it."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

#: Standard input, output and error.
STANDARD = (0, 1, 2)


class DroppingStream(io.RawIOBase):
    """A stream on another one, that drops what that one does not take: a full disk, a terminal that is gone.

    Parameters
    ----------
    raw : io.RawIOBase
    owner : object, optional
        The stream it belongs to, which closes it when nobody holds it any more.

    Examples
    --------
    >>> class Full(io.RawIOBase):
    ...     def write(self, data):
    ...         raise OSError(28, "No space left on device")
    >>> DroppingStream(Full()).write(b"abc")
    3
    """

    def __init__(self, raw: io.RawIOBase, owner: object = None) -> None:
        self._raw, self._owner = raw, owner

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def fileno(self) -> int:
        """Return the number of the file below."""
        return self._raw.fileno()

    def isatty(self) -> bool:
        """Tell whether the file below is a terminal."""
        return self._raw.isatty()

    def write(self, data: Any, /) -> int:
        """Write what can be; return how many bytes that are done with."""
        size = memoryview(data).nbytes
        try:
            return self._raw.write(data) or size
        except OSError:
            return size


def hold_places() -> None:
    """Open what the program was started without: a file of results that got its number would hold what is said."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def dropping_stream(stream: TextIO | None) -> TextIO:
    """Return a stream in UTF-8 that drops what it cannot write; one that is no file as it is.

    Parameters
    ----------
    stream : TextIO or None
        None: the program was started without.
    """
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(io.BufferedWriter(DroppingStream(raw, stream)), "utf-8", "replace", line_buffering=True)


def set_up() -> None:
    """Let this program say what it does on stderr, if anyone hears it; without standard output, results go nowhere."""
    hold_places()
    sys.stderr = dropping_stream(sys.stderr)
    sys.stdout = dropping_stream(None) if sys.stdout is None else sys.stdout
