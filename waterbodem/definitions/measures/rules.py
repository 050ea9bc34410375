"""What holds for all measures: groups, names in a sentence, limits of the choice (maatregelen.toml)."""

from __future__ import annotations

from functools import cache

from pydantic import model_validator

from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.models import Definition, Finite, Share, Sourced, Table
from waterbodem.definitions.validation import validated

FILE = "maatregelen.toml"


class EffectRules(Sourced):
    """Limits of what measures do, and what they may not set."""

    aangeboden_vanaf: Share
    droogte_blijft: Share
    normen: tuple[str, ...]


class ChoiceRules(Sourced):
    """Limits of which packages are shown."""

    samen: int
    lager: Share
    getoond: int
    getoond_beter: int


class PerFunctie(Sourced):
    """A number for each functie, and one for all others."""

    overig: Finite
    functies: Table[str, Finite]

    def of(self, functie: str) -> float:
        """Return the number of a functie, by its id."""
        return self.functies.get(functie, self.overig)


class TwoNames(Definition):
    """What something is called in a sentence."""

    nl: str
    en: str

    def __getitem__(self, taal: str) -> str:
        return self.nl if taal == "nl" else self.en


class MeasureRules(Definition):
    """What maatregelen.toml holds.

    Examples
    --------
    >>> rules = measure_rules()
    >>> rules.bebouwd_aandeel.of("woningbouw"), rules.bebouwd_aandeel.of("akkerbouw"), rules.keuze.samen
    (0.25, 0.0, 3)
    >>> rules.oorzaaknamen["zetting"]["en"], rules.zin["nl"]["past_wel"]
    ('settlement', 'hier past wel: {functies}')
    """

    regels: EffectRules
    keuze: ChoiceRules
    bebouwd_aandeel: PerFunctie
    ruimte_hoogstens: PerFunctie
    groepen: Table[str, str]
    klassenamen: Table[str, TwoNames]
    groepnamen: Table[str, TwoNames]
    laagnamen: Table[str, TwoNames]
    oorzaaknamen: Table[str, TwoNames]
    functienamen: Table[str, TwoNames]
    zin: Table[str, Table[str, str]]

    @model_validator(mode="after")
    def _both_languages_say_the_same(self) -> MeasureRules:
        if set(self.zin["nl"]) != set(self.zin["en"]):
            raise ValueError(f"zin: {sorted(set(self.zin['nl']) ^ set(self.zin['en']))} in one language only")
        return self


@cache
def measure_rules() -> MeasureRules:
    """Return what holds for all measures."""
    return validated(MeasureRules, read_toml(data_file(FILE)), FILE)
