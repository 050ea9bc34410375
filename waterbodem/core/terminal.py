"""What a terminal is given: letters alone; what would steer it, or turn its lines around, is spelled out."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from waterbodem.core.errors import OutOfSpace, WaterbodemError

#: Control characters but the end of a line, marks of direction, what has no width, halves of letters, tags.
_STEERING = re.compile(
    "[\0-\t\v-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""Return text in which what steers a terminal is written as JSON writes it; ends of lines stay.

    Examples
    --------
    >>> print(visible("Plan \x1b[31mEs\u202e"))
    Plan \u001b[31mEs\u202e
    """
    return _STEERING.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def one_line(text: object) -> str:
    r"""Return a name, path or sentence of somebody else as it stands within a line: ends of lines are spelled out too.

    Examples
    --------
    >>> print(one_line("Plan\nfout: geen"))
    Plan\u000afout: geen
    """
    return visible(str(text)).replace("\n", "\\u000a")


def lines_of(error: WaterbodemError) -> str:
    """Return what an error says, on a line per problem, however many lines the names in it have."""
    problems = getattr(error, "problems", None)
    if problems is None:
        return one_line(error)
    text = str(error)
    for part in (error.where, *(str(p) for p in problems)):
        text = text.replace(part, one_line(part)) if part else text
    return visible(text)


class Screen:
    """A text stream on which nothing steers a terminal, whoever writes to it.

    Parameters
    ----------
    stream : file
        Where it goes; all else that a stream can do is done by it.
    name : str
        What an error calls it.
    """

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self._stream, self._name, self._lost = stream, name, False

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # a way around: on Windows, click would write to the console by it
            raise AttributeError(name)
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, spelled out where it would steer."""
        with self._telling():
            self._stream.write(visible(text))
        return len(text)

    def overwrite(self, text: str) -> None:
        """Write text over the line that the terminal is at."""
        self.write("")
        self._stream.write(f"\r{one_line(text)}")
        self._stream.flush()

    def flush(self) -> None:
        """Hand on what was written; that it could not be is told once."""
        if not self._lost:
            with self._telling():
                self._stream.flush()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what is lost where it cannot be written; a reader that has seen enough is no loss."""
        try:
            yield
        except OSError as error:
            if not self._name or error.errno == errno.EPIPE:
                raise
            self._lost = True
            raise _full(error, self._name) from None


def _full(error: OSError, name: str) -> WaterbodemError:
    return OutOfSpace(
        "what is shown cannot be written",
        value=error.strerror,
        allowed="room where it goes; files that were written are whole and stay",
        where=name,
    )


def shown() -> None:
    """Let standard output and standard error of this process be screens from here on."""
    sys.stdout = _screen(sys.stdout, "standard output")
    sys.stderr = _screen(sys.stderr)


@contextmanager
def showing() -> Iterator[None]:
    """Let them be screens for a while, where they are not yet."""
    before = sys.stdout, sys.stderr
    shown()
    try:
        yield
    finally:
        if not isinstance(before[0], Screen):
            sys.stdout, sys.stderr = before


def _screen(stream: Any, name: str = "") -> Any:
    """Return a stream as a screen; one that is closed stays so."""
    return stream if stream is None or isinstance(stream, Screen) else Screen(stream, name)


def overwrite(text: str) -> None:
    """Show text over the line that standard error is at."""
    _screen(sys.stderr).overwrite(text)
