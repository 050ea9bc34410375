"""What a measure (maatregel) is: where it can be taken, what it changes of layers and parameters, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from waterbodem.core.html import html_table
from waterbodem.definitions.models import Definition, Finite, Frozen, Share, Sourced, Table
from waterbodem.definitions.notation import written

LayerVerb = Literal["plus", "min", "maal", "hoogstens", "minstens"]
ParameterVerb = Literal["wordt", "plus", "maal"]
#: Verbs in the order in which they act on one layer or one parameter; ``keer`` multiplies a plus.
LAYER_VERBS: tuple[LayerVerb, ...] = get_args(LayerVerb)
PARAMETER_VERBS: tuple[ParameterVerb, ...] = get_args(ParameterVerb)
#: Groundwater levels: what a streefpeil moves.
LEVELS = ("ghg", "gvg", "glg")
#: The functie's own value of a parameter.
OWN_VALUE = "eigen"

Test = Literal["minstens", "hoogstens", "boven", "onder", "gelijk"]
Conditions = Table[str, Table[Test, Finite]]
#: A number, or the name of a parameter.
Value = float | str
LayerEffects = Table[str, Table[LayerVerb, Value]]
ParameterEffects = Table[str, Table[ParameterVerb | Literal["keer"], Finite | str]]


class Amount(Definition):
    """What is built: so much, times a parameter (``keer``), counted by boards or not (``telt_mee``)."""

    plus: Finite
    keer: str = ""
    telt_mee: bool = True


class Storage(Definition):
    """Storage that a measure builds [mm]."""

    aangelegde_berging_mm: Amount


class Room(Definition):
    """Share of the plan that a measure takes from what may be paved."""

    plus: Share
    keer: str = ""


class PerHectare(Definition):
    """Units per hectare of plan: a factor, times parameters."""

    factor: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    keer: tuple[str, ...] = ()


class Price(Sourced):
    """What a measure costs who takes it, from lowest to highest; indicative."""

    laag: Finite | None = None
    hoog: Finite | None = None
    eenheid: str = ""
    prijspeil: int | None = None
    per_ha: PerHectare
    grond_niet_gerekend: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Price:
        if (self.laag is None) != (self.hoog is None):
            raise ValueError("give both laag and hoog, or neither")
        if self.laag is not None and self.hoog is not None and self.laag > self.hoog:
            raise ValueError(f"laag = {self.laag} is above hoog = {self.hoog}")
        return self

    @property
    def text(self) -> str:
        """Price in one line, such as ``45 tot 90 EUR/m2 wadi (2018)``."""
        if self.laag is None or self.hoog is None:
            return "onbekend"
        year = f" ({self.prijspeil})" if self.prijspeil else ""
        return f"{written(self.laag)} tot {written(self.hoog)} {self.eenheid}{year}"


class LeftFree(Definition):
    """Cells that are taken out of the plan: those of a class, where they cover a share between two."""

    klasse: str
    aandeel: tuple[Share, Share]
    risico_vanaf: Share
    dichtheid_blijft: bool = False


class Elsewhere(Definition):
    """What is done at a receiver; only in the ledger."""

    m3_per_ha: Finite
    toelichting: str = ""


class Otherwise(Definition):
    """What differs of a measure for one board or one functie."""

    functie: str = ""
    waterschap: str = ""
    waar: Conditions = Field(default_factory=Frozen)
    waar_bekend: Conditions = Field(default_factory=Frozen)
    lagen: LayerEffects = Field(default_factory=Frozen)
    parameters: ParameterEffects = Field(default_factory=Frozen)
    berging: Storage | None = None
    ruimte: Room | None = None
    kosten: Price | None = None

    @model_validator(mode="after")
    def _has_a_condition(self) -> Otherwise:
        if not self.functie and not self.waterschap:
            raise ValueError("say for which functie or waterschap this differs")
        return self

    def holds(self, functie: str, waterschap: str = "") -> bool:
        """Tell whether all of its conditions hold."""
        return self.functie in ("", functie) and self.waterschap in ("", waterschap)


class Maatregel(Sourced):
    """A measure: one way to make a plan fit its place, or to spare its neighbours.

    Examples
    --------
    >>> import waterbodem as wb
    >>> wadi = wb.maatregelen()["wadi"]
    >>> wadi.groep, wadi.waar["ghg"], wadi.berging.aangelegde_berging_mm.plus
    ('infiltratie', {'minstens': 0.8}, 15.0)
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    volgorde: int = 1000
    nr: str = ""
    naam: str
    groep: str
    functies: Literal["alle"] | tuple[str, ...]
    trede: Annotated[int, Field(ge=1, le=3)]
    hangt_af_van: tuple[str, ...] = ()
    niet_met: tuple[str, ...] = ()
    waar: Conditions = Field(default_factory=Frozen)
    waar_bekend: Conditions = Field(default_factory=Frozen)
    waar_aandeel: Share | None = None
    ook_nodig: tuple[str, ...] = ()
    lagen: LayerEffects = Field(default_factory=Frozen)
    parameters: ParameterEffects = Field(default_factory=Frozen)
    berging: Storage | None = None
    ruimte: Room | None = None
    functie: Table[str, str] = Field(default_factory=Frozen)
    gebied_zonder: LeftFree | None = None
    grootboek: Elsewhere | None = None
    tenzij: tuple[str, ...] = ()
    anders: tuple[Otherwise, ...] = ()
    kosten: Price
    maanden: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
    bijwerking: str = ""
    aan: bool = True
    reden: str = ""
    zin: str
    zin_en: str = ""
    zin_zonder_zand: str = ""
    zin_zonder_zand_en: str = ""

    @model_validator(mode="after")
    def _off_with_a_reason(self) -> Maatregel:
        if not self.aan and not self.reden:
            raise ValueError("a measure that is off (aan = false) says why in reden")
        if self.maanden[0] > self.maanden[1]:
            raise ValueError(f"maanden = {list(self.maanden)}; the lower number comes first")
        return self

    @property
    def is_swap(self) -> bool:
        """Whether it puts another functie in place of the one asked."""
        return bool(self.functie)

    def knows(self, functie: str) -> bool:
        """Tell whether it is of use for a functie, by its id."""
        return self.functies == "alle" or functie in self.functies

    def of(self, functie: str, waterschap: str = "") -> Maatregel:
        """Return the measure for a functie and a board: what the first ``anders`` that holds names is replaced.

        Examples
        --------
        >>> import waterbodem as wb
        >>> tank = wb.maatregelen()["regenwater_gebruiken"]
        >>> [tank.of(f).kosten.text for f in ("bedrijventerrein", "glastuinbouw")]
        ['350 tot 445 EUR/m2 tank (2018)', '10 tot 40 EUR/m3 bassin (2025)']
        """
        other = next((a for a in self.anders if a.holds(functie, waterschap)), None)
        return self if other is None else self._with(other)

    def _with(self, other: Otherwise) -> Maatregel:
        tables = {
            name: Frozen({**getattr(self, name), **getattr(other, name)})
            for name in ("waar", "waar_bekend", "lagen", "parameters")
        }
        whole = {name: getattr(other, name) or getattr(self, name) for name in ("berging", "ruimte", "kosten")}
        return self.model_copy(update={**tables, **whole, "anders": ()})

    def forms(self) -> Iterator[Maatregel]:
        """Yield the measure as it is, and as it is under each ``anders``."""
        yield self
        for other in self.anders:
            yield self._with(other)

    @property
    def changes(self) -> tuple[str, ...]:
        """What it changes, a text for each layer, parameter and storage, such as ``ghg: plus 0,2``."""
        tables: tuple[Mapping[str, Mapping[Any, Any]], ...] = (self.lagen, self.parameters)
        effects = [f"{name}: {verbs_text(verbs)}" for table in tables for name, verbs in table.items()]
        swaps = [f"{old} wordt {new}" for old, new in self.functie.items()]
        return (*effects, *self._amounts(), *swaps)

    def _amounts(self) -> Iterator[str]:
        if self.berging is not None:
            built = self.berging.aangelegde_berging_mm
            yield f"aangelegde_berging_mm: {verbs_text({'plus': built.plus, 'keer': built.keer})}"
        if self.ruimte is not None:
            yield f"ruimte: {verbs_text({'plus': self.ruimte.plus, 'keer': self.ruimte.keer})}"
        if self.grootboek is not None:
            yield f"grootboek: {written(self.grootboek.m3_per_ha)} m3/ha"

    @property
    def conditions(self) -> tuple[str, ...]:
        """Where it can be taken, a text for each layer, such as ``ghg minstens 0,8``."""
        known = {f"{layer} (waar bekend)": tests for layer, tests in self.waar_bekend.items()}
        return tuple(f"{name} {verbs_text(tests)}" for name, tests in {**self.waar, **known}.items())

    def __repr__(self) -> str:
        return f"<Maatregel {self.id} (nr {self.nr}): {self.naam}; bron: {self.provenance}>"

    def _repr_html_(self) -> str:
        rows = [
            ("groep", self.groep, ""),
            ("functies", self.functies if isinstance(self.functies, str) else ", ".join(self.functies), ""),
            ("waar", "; ".join(self.conditions), ""),
            ("verandert", "; ".join(self.changes), self.provenance),
            ("kosten", self.kosten.text, self.kosten.provenance),
            ("maanden", " tot ".join(map(str, self.maanden)), self.provenance),
            ("bijwerking", self.bijwerking, ""),
        ]
        return html_table(f"{self.naam} ({self.id})", ["wat", "", "bron"], [r for r in rows if r[1]])


def verbs_text(verbs: Mapping[Any, Any]) -> str:
    """Return verbs and what they act with in one line.

    Examples
    --------
    >>> verbs_text({"minstens": 0.25, "onder": 0.5}), verbs_text({"plus": 15.0, "keer": "verhardingsgraad"})
    ('minstens 0,25 onder 0,5', 'plus 15 keer verhardingsgraad')
    """
    shown = {verb: v if isinstance(v, str) else written(v) for verb, v in verbs.items()}
    return " ".join(f"{verb} {text}" for verb, text in shown.items() if text)
