"""Settings: how a question is put, apart from functie and polygon, as one value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from waterbodem.core.errors import ArgumentError
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.boards import Board, Boundaries, board_of, chosen_boards, waterschappen
from waterbodem.definitions.kompas_rules import KompasRules, builtin_rules
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import UseMap, is_given
from waterbodem.definitions.receiving import BY_SITUATION, Reach, check_reach, reception_rules
from waterbodem.definitions.setting_list import all_settings

#: What may be given for present use.
REFERENCE = "an id, a Functie or a DataArray"


@dataclass(frozen=True)
class Storage:
    """Storage that is agreed beside the plan itself.

    Parameters
    ----------
    built_mm : float or None
        Storage that the plan builds (aangelegde berging) [mm over the plan]; None = what the board asks.
    norm_mm : float or None
        Storage that a plan owes per paved area (bergingseis); None = the larger of plan and reference.
    board : Board or None
        The water board that judges the plan.
    counted_mm, beside_mm : float
        Storage that measures build [mm over the plan]: towards what the board asks, and what no board counts.
    """

    built_mm: float | None = None
    norm_mm: float | None = None
    board: Board | None = None
    counted_mm: float = 0.0
    beside_mm: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How a question is put; a field bears the name of the argument of public functions that it comes from.

    None stands for the default, which the values below fill in: what computes takes those.

    Raises
    ------
    ArgumentError
        If a value is not usable.

    Examples
    --------
    >>> asked = Settings(referentie="akkerbouw", bergingseis_mm=60)
    >>> asked.reference.id, asked.storage.norm_mm, asked.damping
    ('akkerbouw', 60, 2000.0)
    """

    referentie: Any = None
    waterschap: str | Boundaries | None = None
    aangelegde_berging_mm: float | None = None
    bergingseis_mm: float | None = None
    methode: str = "meetkundig"
    orness: float | None = None
    bandbreedte: bool = True
    demping_m: float | None = None
    reikwijdte: Reach | None = None
    onttrekking: Well | None = None
    kompas: KompasRules | None = None

    def __post_init__(self) -> None:
        for setting in all_settings():
            value = getattr(self, setting.id)
            if setting.soort in ("getal", "schakelaar") and (value is not None or setting.standaard is not None):
                setting.check(value)
        check_reach(self.reach)
        object.__setattr__(self, "waterschap", chosen_boards(self.waterschap))
        _check_kind(self.onttrekking, Well, "a well", "onttrekking")
        _check_kind(self.kompas, KompasRules, "rules", "kompas")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Settings among the arguments of a public function: its ``locals()`` on the first line."""
        if isinstance(given.get("referentie"), np.ndarray):  # where its cells lie is not told
            raise ArgumentError("give one reference", value="an array", allowed=REFERENCE, where="referentie")
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.name in given})

    @classmethod
    def of_cells(cls, given: Mapping[str, Any]) -> Settings:
        """The same of a question without plans, in which boundaries say nothing."""
        found = cls.of(given)
        if isinstance(found.waterschap, Boundaries):
            what, allowed = "boundaries need plans to be held against", ", ".join(waterschappen())
            raise ArgumentError(what, value=found.waterschap.label, allowed=allowed, where="waterschap")
        return found

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Keyword arguments that give these settings to a public function, as far as it takes them."""
        taken = inspect.signature(function).parameters
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in taken}

    def with_reference(self, reference: Any) -> Settings:
        """The same settings against another present use."""
        return replace(self, referentie=reference)

    @property
    def filled(self) -> Settings:
        """The same settings with what None stands for, as far as that is a value."""
        return replace(
            self,
            referentie=self.reference if is_given(self.reference) else None,
            waterschap=self.waterschap if self.board is None else self.board.id,
            demping_m=self.damping,
            reikwijdte=self.reach,
            kompas=self.rules,
        )

    @property
    def reference(self) -> Functie | UseMap | Any:
        """Present use: a functie, or a map of functie codes; None: layer ``gebruik``, else the one assumed."""
        given = self.referentie
        if given is None or isinstance(given, UseMap) or (hasattr(given, "dtype") and not isinstance(given, str)):
            return given
        found, many = registry.chosen_functies(given)
        if many:
            raise ArgumentError("give one reference", value=given, allowed=REFERENCE)
        return found[0]

    @property
    def judge(self) -> str | Boundaries | None:
        """Who judges plans: a water board by its id or name, or boundaries that tell."""
        return self.waterschap

    def judged_by(self, board: str | None) -> Settings:
        """The same settings with one water board, or none."""
        return replace(self, waterschap=board)

    @property
    def board(self) -> Board | None:
        """The water board that judges all plans; None where there is none, or boundaries tell."""
        return board_of(self.waterschap) if isinstance(self.waterschap, str) else None

    @property
    def storage(self) -> Storage:
        """What is agreed beside the plan."""
        return Storage(self.aangelegde_berging_mm, self.bergingseis_mm, self.board)

    @property
    def method(self) -> tuple[str, float | None]:
        """How scores of criteria are combined: methode and orness."""
        return self.methode, self.orness

    @property
    def has_range(self) -> bool:
        """Whether it is looked into what an ordinary error of a map does to an answer."""
        return self.bandbreedte

    @property
    def damping(self) -> float:
        """Length L over which 63 % of the water stays behind [m]."""
        return reception_rules().value("demping_m") if self.demping_m is None else self.demping_m

    @property
    def reach(self) -> Reach:
        """Length lambda over which a change of the groundwater declines [m], or how it is found."""
        return BY_SITUATION if self.reikwijdte is None else self.reikwijdte

    @property
    def well(self) -> Well | None:
        """What a plan abstracts whose functie does."""
        return self.onttrekking

    @property
    def rules(self) -> KompasRules:
        """Rules of the Kompas: the user's own, or those that come with the package."""
        return builtin_rules() if self.kompas is None else self.kompas


def _check_kind(value: Any, kind: type, noun: str, where: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise ArgumentError(f"{where} must be {noun}", value=type(value).__name__, allowed=kind.__name__, where=where)
