"""What an answer was made with: the edition of the rules, their version, and that of the library."""

from __future__ import annotations

from dataclasses import dataclass, field

from waterbodem.core.version import __version__
from waterbodem.definitions import registry
from waterbodem.definitions.editions import EDITION, earlier_editions
from waterbodem.definitions.models import BurdenRules


@dataclass(frozen=True)
class AnswerEdition:
    """The edition of the rules, their version, and that of the library, that made an answer; default those of now.

    Examples
    --------
    >>> AnswerEdition().is_earlier, AnswerEdition(edition=1).burden_rules.components[7].unit
    (False, 'm')
    """

    edition: int = EDITION
    rules: str = field(default_factory=registry.rules_version)
    library: str = __version__

    @property
    def is_earlier(self) -> bool:
        """Whether an earlier edition of the rules made it: then nothing in it can be computed again."""
        return self.edition != EDITION

    @property
    def derives(self) -> bool:
        """Whether layers that are missing were derived from others."""
        return not self.is_earlier or earlier_editions()[self.edition].afgeleid

    @property
    def burden_rules(self) -> BurdenRules:
        """Components, in their units, and constants of afwenteling."""
        return registry.burden_rules(self.edition)
