"""What can go wrong, said the same way everywhere: what, which value, what is allowed, where."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, ClassVar

#: No problem is told in more characters than this; what is longer is cut in the middle.
LONGEST = 500
#: So many of several problems are told; ``.problems`` holds them all.
SHOWN = 10


class WaterbodemError(Exception):
    """Base class of every error this library raises on purpose.

    Its text is at most 500 characters; the attributes hold what it was made of in full.

    Parameters
    ----------
    what : str
        What was wrong, in one sentence.
    value : object, optional
        The offending value.
    allowed : str, optional
        What would have been right.
    where : str, optional
        File and key, layer and cell, or argument name.

    Attributes
    ----------
    code : str
        What kind of error it is, for programs: a slug that stays.
    problems : tuple of WaterbodemError
        All that is wrong: the error alone, or each of several.

    Examples
    --------
    >>> error = WaterbodemError("too deep", value=40, allowed="at most 20", where="ghg")
    >>> str(error), error.code
    ('ghg: too deep; got 40; allowed: at most 20', 'waterbodem')
    """

    code: ClassVar[str] = "waterbodem"

    def __init__(self, what: str, *, value: object = None, allowed: str = "", where: str = "") -> None:
        self.what, self.value, self.allowed, self.where = what, value, allowed, where
        super().__init__(self._message())

    @property
    def problems(self) -> tuple[WaterbodemError, ...]:
        """Every problem that it tells of: itself, or those that :class:`Problems` holds."""
        return (self,)

    def _message(self) -> str:
        value = "" if self.value is None else f"got {self.value!r}"
        allowed = f"allowed: {self.allowed}" if self.allowed else ""
        where, *parts = _fitted([self.where, self.what.rstrip("."), value, allowed], LONGEST - len(": ; ; "))
        message = "; ".join(part for part in parts if part)
        return f"{where}: {message}" if where else message

    def __reduce__(self) -> tuple[Any, ...]:
        """Come out of another process as it went in."""
        return _again, (type(self), self.args, self.__dict__)


def _fitted(parts: list[str], room: int) -> list[str]:
    """Return texts that together take so many characters at most; the longest are cut."""
    most = room
    while sum(min(len(part), most) for part in parts) > room:
        most -= 1
    return [middle_out(part, most) for part in parts]


def middle_out(text: str, most: int) -> str:
    """Return a text of at most so many characters, without its middle where it is longer.

    Examples
    --------
    >>> middle_out("abcdefghijklmnopqrstuvwxyz", 15)
    'abcde ... vwxyz'
    """
    if len(text) <= most:
        return text
    kept = most - len(" ... ")
    return f"{text[: (kept + 1) // 2]} ... {text[len(text) - kept // 2 :]}"


def _again(kind: type[WaterbodemError], args: tuple[object, ...], state: dict[str, object]) -> WaterbodemError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class DefinitionError(WaterbodemError):
    """A functie, layer or rule file does not hold what it should."""

    code = "definition"


class UnknownFunctie(DefinitionError, KeyError):
    """No functie of that id."""

    code = "unknown-functie"

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownMeasure(DefinitionError, KeyError):
    """No measure of that id."""

    code = "unknown-measure"

    def __str__(self) -> str:
        return str(self.args[0])


class CatalogueError(WaterbodemError):
    """A lagen.toml or run file does not hold what it should."""

    code = "catalogue"


class LayerError(WaterbodemError):
    """The values of a layer cannot be used: range, class, type, shape."""

    code = "layer"


class Circular(LayerError):
    """Directions run in a circle; ``.cell`` is the number of its first cell."""

    code = "circular"

    def __init__(self, cell: int, count: int, where: str = "") -> None:
        self.cell, self.count = cell, count
        super().__init__(
            "flow directions run in a circle",
            value=f"cell {cell}, {count} cells in circles",
            allowed="every cell drains to an edge, a pit or an unknown cell",
            where=where,
        )


class CorruptLayer(LayerError):
    """A raster opens but cannot be read in full, or differs from its sha256."""

    code = "corrupt-layer"


class NotARaster(LayerError):
    """A file is not what its name promises."""

    code = "not-a-raster"


class GridMismatch(LayerError):
    """Grids differ in CRS, cell size, origin or orientation."""

    code = "grid-mismatch"


class GeometryError(WaterbodemError):
    """A polygon is empty, not finite, or changed too much when repaired."""

    code = "geometry"


class NoOverlap(GeometryError):
    """Polygons and data do not touch."""

    code = "no-overlap"


class UnsafePath(WaterbodemError):
    """A path leaves the folder it belongs to, or names a network or virtual file."""

    code = "unsafe-path"


class ArgumentError(WaterbodemError):
    """An argument of a call is not usable."""

    code = "argument"


class MissingLibrary(WaterbodemError):
    """A part of the library needs an extra that is not installed."""

    code = "missing-library"


class OutOfSpace(WaterbodemError):
    """The disk is full, or will be."""

    code = "out-of-space"


class ClusterError(WaterbodemError):
    """A Dask cluster cannot be reached, or cannot do the work."""

    code = "cluster"


class WorkerLost(WaterbodemError):
    """The process that computed a part died."""

    code = "worker-lost"


class PartFailed(WaterbodemError):
    """A part of a run was not finished for every functie; for the others it is.

    Parameters
    ----------
    reasons : mapping of str to str
        Why, by functie and scenario.
    """

    code = "part-failed"

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(dict.fromkeys(f"{name}: {reason}" for name, reason in self.reasons.items())))


class Problems(WaterbodemError):
    """Several problems at once: ``.problems`` lists them, the text the first ten.

    Parameters
    ----------
    problems : iterable of WaterbodemError
        At least one.
    where : str
        The file they were found in.
    """

    code = "problems"

    def __init__(self, problems: Iterable[WaterbodemError], *, where: str = "") -> None:
        self._held = tuple(each for problem in problems for each in problem.problems)
        super().__init__(f"{len(self._held)} problem(s)", where=where)

    @property
    def problems(self) -> tuple[WaterbodemError, ...]:
        """Every problem, in the order found."""
        return self._held

    def _message(self) -> str:
        left = len(self.problems) - SHOWN
        more = [f"  - and {left} more"] if left > 0 else []
        return "\n".join([super()._message(), *(f"  - {p}" for p in self.problems[:SHOWN]), *more])


class LayerIgnored(UserWarning):
    """A layer, or a coordinate of one, is there and takes no part."""


def tell_ignored(told: str) -> None:
    """Warn of what takes no part, at the line that called the library."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "waterbodem":
        level, frame = level + 1, frame.f_back
    warnings.warn(told, LayerIgnored, stacklevel=level + 1)


def error_line(error: BaseException) -> str:
    """Return what an error is and says, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def raise_all(problems: list[WaterbodemError], *, where: str = "") -> None:
    """Raise the one problem, or all of them at once; do nothing if there are none."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Problems(problems, where=where)


class Trial:
    """Steps that may each go wrong on their own; what is wrong is raised at once, at the end.

    Parameters
    ----------
    where : str
        The file that they are about.

    Examples
    --------
    >>> trial = Trial()
    >>> with trial.step():
    ...     raise ArgumentError("too small")
    >>> with trial.step():
    ...     raise ArgumentError("too large")
    >>> trial.end()
    Traceback (most recent call last):
    waterbodem.core.errors.Problems: 2 problem(s)
      - too small
      - too large
    """

    def __init__(self, where: str = "") -> None:
        self._where, self._problems = where, list[WaterbodemError]()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Keep what goes wrong for later."""
        try:
            yield
        except WaterbodemError as error:
            self._problems += error.problems

    def end(self) -> None:
        """Raise what went wrong, if anything did."""
        raise_all(self._problems, where=self._where)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the list of known names, with the nearest one first said aloud, whatever its capitals.

    Examples
    --------
    >>> nearest("GHG", ["ghg", "gvg"])
    "did you mean 'ghg'? one of ghg, gvg"
    """
    names = list(known)
    small = {n.casefold(): n for n in reversed(names)}
    close = get_close_matches(name.casefold(), small, n=1)
    hint = f"did you mean {small[close[0]]!r}? " if close else ""
    return f"{hint}one of {', '.join(names)}"
