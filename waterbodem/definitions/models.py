"""What a functie, a layer, a class is: frozen values, filled from data files, checked on the way in.

Field names are the keys of the data files, so that an error names what its author typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from waterbodem.core.errors import DefinitionError, nearest
from waterbodem.core.html import html_table
from waterbodem.definitions.notation import written
from waterbodem.definitions.parameters import parameter_kinds
from waterbodem.definitions.validation import validated

Operator = Literal[">=", ">", "<", "<=", "=="]
Consequence = Literal["nee_tenzij", "uitsluiten", "aandacht"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
#: Numbers are stored as float32: what that cannot hold is a mistake.
LARGEST = 1e30
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
RGB = tuple[int, int, int]
K = TypeVar("K")
V = TypeVar("V")

#: Codes below this belong to the functies that come with the package.
OWN_CODE = 100
#: Source of a value that a user set.
OWN = "eigen invoer"


class Frozen(dict[K, V]):
    """A dict that cannot be changed."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("definitions cannot be changed; use replace()")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[type[Frozen[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self),)


#: A mapping that stays as it was read.
Table = Annotated[Mapping[K, V], AfterValidator(Frozen)]


class Definition(BaseModel):
    """A frozen value; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Definition):
    """A value that says where it comes from."""

    bron: tuple[str, ...] = ()
    bron_detail: str = ""
    toelichting: str = ""
    expertoordeel: Literal["", "geheel", "vorm"] = ""

    @property
    def provenance(self) -> str:
        """Sources and the mark *expertoordeel*, as shown to a planner."""
        marks = {"geheel": "expertoordeel", "vorm": "vorm: expertoordeel", "": ""}
        parts = [", ".join(self.bron), marks[self.expertoordeel]]
        return "; ".join(part for part in parts if part) or "geen bron genoemd"


class Derivation(Sourced):
    """How a layer that is not in the data follows from others that are: a sum, in their unit."""

    vast: Finite
    factoren: Table[str, Finite]


class LayerKind(Definition):
    """What a layer measures, in which unit and sign, and which values are plausible."""

    id: str
    naam: str
    name: str
    grootheid: str
    quantity: str
    unit: str
    richting: str
    range: tuple[Finite, Finite]
    soort: Literal["continu", "klasse", "diepte"]
    basis: bool = False
    criterium: bool = True
    teken: Table[str, Literal[1, -1]] = {}
    codes: Table[int, str] = {}
    codes_van: Literal["", "functies"] = ""
    afleiding: Derivation | None = None
    bron: tuple[str, ...] = ()

    @property
    def may_be_absent(self) -> bool:
        """Whether ``+inf`` (absent) is a legal value."""
        return self.soort == "diepte"


class Criterion(Sourced):
    """How one layer is valued: a curve of (value, score) points or a class table."""

    gewicht: Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]
    punten: tuple[tuple[Finite, Share], ...] = ()
    klassen: Table[Finite, Share] = {}
    score_afwezig: Share | None = None

    @field_validator("klassen", mode="before")
    @classmethod
    def _codes(cls, classes: Any) -> Any:
        if not isinstance(classes, Mapping):
            raise ValueError("a class table is a mapping of code to score")
        return {float(code): score for code, score in classes.items()}

    @model_validator(mode="after")
    def _one_form(self) -> Criterion:
        if bool(self.punten) == bool(self.klassen):
            raise ValueError("give either punten (a curve) or klassen (a class table)")
        values = [value for value, _ in self.curve]
        if any(np.float32(b) <= np.float32(a) for a, b in pairwise(values)):
            raise ValueError(f"curve points out of order: {values}; values must rise")
        return self

    @property
    def curve(self) -> tuple[tuple[float, float], ...]:
        """The points of the curve; a class table as points, exact at its codes."""
        return self.punten or tuple(sorted(self.klassen.items()))

    @property
    def text(self) -> str:
        """The curve in one line, such as ``0 \u2192 1; 0,5 \u2192 0,2``."""
        points = [f"{written(x)} \u2192 {written(y)}" for x, y in self.curve]
        absent = [] if self.score_afwezig is None else [f"afwezig \u2192 {written(self.score_afwezig)}"]
        return "; ".join([*points, *absent])


class Group(Definition):
    """Layers that are valued together as one criterion, by the best of them."""

    leden: Annotated[tuple[str, ...], Field(min_length=2)]
    methode: Literal["max"] = "max"
    reden: str = ""


class Threshold(Sourced):
    """A value of a layer that decides, whatever the score."""

    laag: str
    operator: Operator
    waarde: Finite
    gevolg: Consequence

    @property
    def label(self) -> str:
        """For example ``kwel >= 2``."""
        return f"{self.laag} {self.operator} {self.waarde:g}"


class Parameter(Sourced):
    """One number of a functie, with the range it may plausibly have."""

    waarde: Finite
    bereik: tuple[Finite, Finite] | None = None


class FloodNorm(Sourced):
    """How often the land use may flood; informative, no rule uses it."""

    herhalingstijd_jr: float | None = None
    maaiveldcriterium_pct: float | None = None


class Functie(Definition):
    """A land use and what it asks of water and soil.

    Examples
    --------
    >>> import waterbodem as wb
    >>> f = wb.functies()["woningbouw"]
    >>> f.value("verhardingsgraad"), f.replace(verhardingsgraad=0.7).value("verhardingsgraad")
    (0.55, 0.7)
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    code: Annotated[int, Field(ge=1, le=65535)]
    naam: str
    name: str = ""
    omschrijving: str = ""
    kompas_categorie: str = ""
    criteria: Annotated[Table[str, Criterion], Field(min_length=1)]
    optionele_criteria: Table[str, Criterion] = {}
    groepen: tuple[Group, ...] = ()
    drempels: Annotated[tuple[Threshold, ...], Field(max_length=16)] = ()
    hoogstens: str = ""
    hoogstens_reden: str = ""
    zonder: Table[str, str] = {}
    zonder_reden: str = ""
    parameters: Table[str, Parameter]
    inundatienorm: FloodNorm | None = None

    @model_validator(mode="after")
    def _complete(self) -> Functie:
        for name, kind in parameter_kinds().items():
            if kind.verplicht and name not in self.parameters:
                raise ValueError(f"parameter {name} is missing")
        return self

    @model_validator(mode="after")
    def _within_limits(self, info: ValidationInfo) -> Functie:
        kinds, others = parameter_kinds(), (info.context or {}).get("grenzen", {})
        for name, parameter in self.parameters.items():
            if name not in kinds:
                raise ValueError(f"unknown parameter {name!r}; {nearest(name, kinds)}")
            low, high = others.get(name, (kinds[name].van, kinds[name].tot))
            if not low <= parameter.waarde <= high:
                raise ValueError(f"parameters.{name} = {parameter.waarde} is outside {low:g} .. {high:g}")
        return self

    @model_validator(mode="after")
    def _one_role_per_layer(self) -> Functie:
        both = set(self.criteria) & set(self.optionele_criteria)
        if both:
            raise ValueError(f"{sorted(both)} both basic and optional criterion")
        members = [member for group in self.groepen for member in group.leden]
        for member in members:
            if member not in self.all_criteria:
                raise ValueError(f"groepen: {member!r} is no criterion")
            if members.count(member) > 1:
                raise ValueError(f"groepen: {member!r} stands in two groups")
        return self

    @property
    def all_criteria(self) -> dict[str, Criterion]:
        """Basic criteria first, then the optional ones, as in the file."""
        return {**self.criteria, **self.optionele_criteria}

    def value(self, parameter: str) -> float:
        """Return the value of a parameter, or what counts where this functie does not set it; NaN if nothing does."""
        found = self.parameters.get(parameter)
        return parameter_kinds()[parameter].standaard if found is None else found.waarde

    def replace(self, **values: float) -> Functie:
        """Return a copy with other parameter values, marked as the user's own.

        Raises
        ------
        DefinitionError
            If a parameter is unknown or its value not allowed.
        """
        data, kinds = self.model_dump(exclude_none=True), parameter_kinds()
        for name, value in values.items():
            if name not in kinds:
                raise DefinitionError("unknown parameter", value=name, allowed=nearest(name, kinds), where=self.id)
            kept = {k: v for k, v in data["parameters"].get(name, {}).items() if k == "bereik"}
            data["parameters"][name] = {**kept, "waarde": value, "bron": (OWN,)}
        return validated(Functie, data, self.id)

    def with_numbers(self, values: Mapping[str, float]) -> Functie:
        """Return the same as :meth:`replace`, without looking again at what does not change."""
        kinds, known = parameter_kinds(), self.parameters
        if not all(kinds[n].van <= value <= kinds[n].tot for n, value in values.items()):
            return self.replace(**values)
        ranges = {n: known[n].bereik if n in known else None for n in values}
        own = {n: Parameter.model_construct(waarde=v, bron=(OWN,), bereik=ranges[n]) for n, v in values.items()}
        return self.model_copy(update={"parameters": Frozen({**known, **own})})

    def __repr__(self) -> str:
        return f"<Functie {self.id} (code {self.code}): {self.naam}; bronnen: {self.sources_text}>"

    @property
    def sources_text(self) -> str:
        """Every source that is named, each once, and how many numbers are expertoordeel."""
        things = [*self.all_criteria.values(), *self.drempels, *self.parameters.values()]
        named = dict.fromkeys(key for thing in things for key in thing.bron)
        judged = sum(bool(thing.expertoordeel) for thing in things)
        return "; ".join([", ".join(named) or "geen", f"{judged} van {len(things)} getallen expertoordeel"])

    def _repr_html_(self) -> str:
        """Return every number with its source and the mark expertoordeel."""
        criteria = [(n, written(c.gewicht), c.text, c.provenance) for n, c in self.all_criteria.items()]
        limits = [(t.label, t.gevolg.replace("_", ", "), t.provenance) for t in self.drempels]
        numbers = [(n, written(p.waarde), p.provenance) for n, p in self.parameters.items()]
        title = f"{self.naam} ({self.id}, code {self.code})"
        return "".join(
            [
                html_table(f"{title}: criteria", ["laag", "gewicht", "waarde \u2192 score", "bron"], criteria),
                html_table("Drempels", ["drempel", "gevolg", "bron"], limits) if limits else "",
                html_table("Parameters", ["parameter", "waarde", "bron"], numbers),
            ]
        )


class AnswerClass(Definition):
    """One step of the answer scale."""

    code: Annotated[int, Field(ge=0, le=254)]
    letter: str
    antwoord: str
    answer: str
    kort: str
    score_min: float | None
    kleur: RGB
    kleur_kleurenblind: RGB
    kompas: str


class RiskClass(Definition):
    """One step of the risk scale."""

    id: str
    naam: str
    name: str
    vanaf: float
    kleur: RGB


class ScoringRules(Sourced):
    """The numbers of rekenregels sections 2 to 4 and 7 that belong to no functie."""

    ondergrens: float
    kap_gewicht: float
    bekend_min: float
    fataal: float
    groep_bekend: float
    marge: float
    aandeel_begrenzing: float
    aandeel_helft: float
    aandeel_nee: float
    beoordeeld_min: float
    risico_hoog: float


class RewettingRules(Sourced):
    """The numbers of rewetting (peilopzet), rekenregels section 2."""

    te_diep_m: float
    overgang_m: float
    keileem_m: float
    veen_m: float
    lek_mm_d: float
    lek_overgang_mm_d: float


class Component(Sourced):
    """One way in which a burden is put on others or on later."""

    id: str
    nr: int
    naam: str
    name: str
    unit: str
    waar: str
    index: Literal["ruimte", "tijd", "geld"]
    anker: float | None


class Implausible(Sourced):
    """Ground that is not drained so today: a reference with these drains is implausible where ghg is less [m]."""

    ontwatering_m: float
    ghg_m: float


class BurdenRules(Definition):
    """Components, constants and class borders of rekenregels section 5."""

    components: tuple[Component, ...]
    constants: Table[str, float]
    sources: Table[str, Sourced]
    risk_classes: tuple[RiskClass, ...]
    reference: str
    implausible: tuple[Implausible, ...]
    co2_range: tuple[Finite, ...]


class Source(Definition):
    """A document that a number comes from."""

    titel: str
    vindplaats: str


class Term(Definition):
    """A Dutch word of the field, its English gloss and the words to avoid."""

    uitleg: str
    gloss: str
    vermijd: tuple[str, ...] = ()
