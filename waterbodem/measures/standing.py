"""How a plan stands with a package of measures: its answer, and what it shifts to others."""

from __future__ import annotations

import math
from dataclasses import dataclass

from waterbodem.definitions.labels import risk_class
from waterbodem.definitions.registry import answer_scale, burden_rules

#: Price and months of a package: from lowest to highest.
Span = tuple[float, float]
#: Whole numbers are made with so much in favour of more.
HALF = 0.5 + 1e-4
PERCENT = 100


@dataclass(frozen=True)
class Standing:
    """Numbers of a plan with a package; NaN = unknown.

    Parameters
    ----------
    antwoord, tenzij : int
        Codes of the answer, and of that with every threshold lifted that can be; 0: none, or no better than no.
    score, risico, zonder, aandeel, water : float
        Means over the plan; ``zonder`` is risico without built storage, ``aandeel`` the largest share before clipping,
        ``water`` what is shifted of afvoer and verdrongen berging together [m3/ha].
    oorzaak : str
    gevraagd, gebouwd, taak : float
        Storage that a board asks and that is built [mm], and the share of what is asked.
    """

    antwoord: int
    tenzij: int
    score: float
    risico: float
    zonder: float
    aandeel: float
    water: float
    oorzaak: str
    gevraagd: float
    gebouwd: float
    taak: float

    @property
    def klasse(self) -> int:
        """Code of the class that counts: where the answer is no, that of "no, unless"."""
        return self.tenzij or self.antwoord if self.antwoord == worst() else self.antwoord

    @property
    def unless(self) -> bool:
        """Whether it is a no that a measure can lift."""
        return self.antwoord == worst() and self.tenzij > 0

    @property
    def rank(self) -> int:
        """Place in the order A, B, C1, C2, "no, unless" by its class, D; what is unknown comes after all."""
        if self.antwoord == 0:
            return 2 * worst()
        return worst() - 1 + self.tenzij if self.unless else self.antwoord + (worst() - 1) * self.is_no

    @property
    def is_no(self) -> bool:
        """Whether it is a plain no."""
        return self.antwoord == worst() and not self.tenzij

    @property
    def risk(self) -> int:
        """Number of its risk class, 0 the least; after the last where unknown."""
        return risk_number(self.risico)


def worst() -> int:
    """Return the code of the last class.

    Examples
    --------
    >>> worst()
    5
    """
    return max(answer_scale())


def risk_number(risico: float) -> int:
    """Return the number of a risk class, from 0; after the last where unknown.

    Examples
    --------
    >>> [risk_number(r) for r in (0.1, 0.2, 0.8, float("nan"))]
    [0, 1, 4, 5]
    """
    classes, found = burden_rules().risk_classes, risk_class(risico)
    return len(classes) if found is None else classes.index(found)


def whole(value: float) -> float:
    """Return the nearest whole number, NaN where unknown.

    Examples
    --------
    >>> whole(5.4), whole(5.5), whole(5.49995)
    (5, 6, 6)
    """
    return value if math.isnan(value) else math.floor(value + HALF)
