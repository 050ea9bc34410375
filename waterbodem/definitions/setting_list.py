"""The settings that there are, from instellingen.toml: light, for the command line reads it before anything else."""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from numbers import Real
from typing import Any

from waterbodem.core.errors import ArgumentError

FILE = "instellingen.toml"
#: Limits by their key: their sign, and what a value within it meets.
BORDERS = (
    ("min", ">=", operator.ge),
    ("max", "<=", operator.le),
    ("boven", ">", operator.gt),
    ("onder", "<", operator.lt),
)


@dataclass(frozen=True)
class Setting:
    """A setting as it is for the outside; instellingen.toml tells what its fields are.

    ``id`` is the name of the argument of public functions, and of the field of ``Settings``.
    """

    id: str
    soort: str
    naam: str
    name: str
    hulp: str
    toon: str | None = None
    eenheid: str = ""
    min: float | None = None
    max: float | None = None
    boven: float | None = None
    onder: float | None = None
    standaard: Any = None
    tabel: str = ""
    sleutel: str = ""
    verplicht: bool = False
    raakt: tuple[str, ...] = ()
    altijd: bool = False
    woorden: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its key in a run file, within its table."""
        return self.sleutel or self.id

    @property
    def option(self) -> str:
        """Its option on the command line; what is on unless it is turned off has one that does so."""
        return f"--{'zonder-' if self.soort == 'schakelaar' else ''}{self.id.replace('_', '-')}"

    def label(self, taal: str) -> str:
        """Its name in a language."""
        return self.naam if taal == "nl" else self.name

    def word(self, value: str, taal: str) -> str:
        """The words for a value in a language; the value where there are none."""
        return self.woorden.get(value, {}).get("naam" if taal == "nl" else "name", value)

    def check(self, value: Any) -> None:
        """Refuse what is no number, or one outside the limits; of a switch, what is neither on nor off.

        Raises
        ------
        ArgumentError
        """
        if self.soort == "schakelaar":
            self._check_switch(value)
            return
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not all(holds(value, border) for border, _, holds in self._borders()):
            raise ArgumentError("not a number within its limits", value=value, allowed=self.limits, where=self.id)

    def _check_switch(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise ArgumentError("not on or off", value=value, allowed="True or False", where=self.id)

    @property
    def limits(self) -> str:
        """Its limits in words."""
        told = " and ".join(f"{sign} {border:g}" for border, sign, _ in self._borders()) or "any number"
        return f"{told} {self.eenheid}".rstrip()

    def _borders(self) -> Iterator[tuple[float, str, Callable[[Any, float], bool]]]:
        for name, sign, holds in BORDERS:
            border = getattr(self, name)
            if border is not None:
                yield border, sign, holds


@cache
def all_settings() -> tuple[Setting, ...]:
    """All settings, in the order in which they are told.

    Examples
    --------
    >>> [s.option for s in all_settings()][:2]
    ['--referentie', '--waterschap']
    """
    listed = tomllib.loads(files("waterbodem.data").joinpath(FILE).read_text("utf-8"))
    return tuple(Setting(id_, **{**told, "raakt": tuple(told["raakt"])}) for id_, told in listed.items())
