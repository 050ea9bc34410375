"""The error of layers: what the data say of it, and one standard deviation of every group where they say nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from waterbodem.core.errors import LayerError, WaterbodemError, raise_all
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.models import Definition, Finite, LayerKind, Share, Sourced, Table
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.validation import complaints, validated

Amount = Annotated[Finite, Field(ge=0)]
Reach = Annotated[float, Field(gt=0, allow_inf_nan=True)]

FILE = "bandbreedte.toml"
#: Layers whose error is no factor: their values go through 0.
SIGNED = ("ghg", "gvg", "glg", "kwel")


class Uncertainty(Definition):
    """The error of a layer as its data state it: one standard deviation, of the value or of its logarithm.

    Parameters
    ----------
    sd, per, hoogstens : float
        sd + per * abs(value), at most ``hoogstens``; of ``lognormaal`` sd alone, of the logarithm.
    verdeling : {"normaal", "lognormaal"}
    bereik_m, aandeel : tuple of float
        Ranges [m] over which errors hang together, and their shares of the variance, which draws look at.
    steun_m : float, optional
        Size of what one value stands for [m].

    Examples
    --------
    >>> Uncertainty(sd=3, per=0.25).of(0.01).plain
    '{"sd": 0.03, "per": 0.25}'
    """

    sd: Amount = 0.0
    per: Amount = 0.0
    hoogstens: Amount | None = None
    verdeling: Literal["normaal", "lognormaal"] = "normaal"
    bereik_m: tuple[Reach, ...] | None = None
    aandeel: tuple[Share, ...] | None = None
    steun_m: Reach | None = None

    @property
    def lognormal(self) -> bool:
        """Whether it is a factor."""
        return self.verdeling == "lognormaal"

    @model_validator(mode="after")
    def _says_how_much(self) -> Uncertainty:
        if not {"sd", "per"} & self.model_fields_set:
            raise ValueError("neither sd nor per is stated: 0 would mean no error at all")
        if self.lognormal and {"per", "hoogstens"} & self.model_fields_set:
            raise ValueError("per and hoogstens: not beside verdeling lognormaal")
        return self

    @model_validator(mode="after")
    def _shares(self) -> Uncertainty:
        ranges, shares = self.bereik_m, self.aandeel
        if any(math.isnan(r) for r in ranges or ()):
            raise ValueError("bereik_m: nan is no range")
        if shares is not None and (ranges is None or len(shares) != len(ranges) or abs(sum(shares) - 1) > 1e-6):
            raise ValueError("aandeel: a share per range of bereik_m, together 1")
        return self

    def of(self, factor: float) -> Uncertainty:
        """The same in the unit of the rules, for a layer whose values are multiplied with a factor."""
        scale = 1.0 if self.lognormal else abs(factor)
        most = {} if self.hoogstens is None else {"hoogstens": self.hoogstens * scale}
        stated = {"sd": self.sd * scale} if "sd" in self.model_fields_set else {}
        return self.model_copy(update={**stated, **most})

    @property
    def plain(self) -> float | str:
        """Itself as an attribute of a layer: a number where it is sd alone, else JSON text, which any file can hold."""
        told = self.model_dump(exclude_unset=True)
        return self.sd if set(told) == {"sd"} else json.dumps(told)


class OnClay(Definition):
    """At least so much where boulder clay lies no deeper than ``tot`` [m]."""

    tot: Finite
    minstens: Amount


class Deviation(Definition):
    """One standard deviation of a layer where the data give none; bandbreedte.toml tells what its fields are."""

    sd: Amount = 0.0
    per: Amount = 0.0
    absoluut: bool = False
    minstens: Amount | None = None
    hoogstens: Amount | None = None
    factor: Annotated[Finite, Field(gt=1)] | None = None
    half: bool = False
    op_keileem: OnClay | None = None


class LayerGroup(Definition):
    """Layers whose errors go together, and what would settle them."""

    id: str
    naam: str
    name: str
    beslist: str
    settles: str
    lagen: Table[str, Deviation]


class RangeRules(Sourced):
    """The numbers of the range of an answer (rekenregels section 10) that belong to no layer."""

    plaatselijk: Share
    plek_ha: float
    percentiel: float
    onzin_lognormaal: float
    onzin_per: float


@cache
def _data() -> dict[str, Any]:
    return read_toml(data_file(FILE))


@cache
def range_rules() -> RangeRules:
    """Return the numbers of the range that belong to no layer."""
    return validated(RangeRules, _data()["regels"], FILE)


@cache
def layer_groups() -> Mapping[str, LayerGroup]:
    """Return the groups of layers, by id, in order.

    Examples
    --------
    >>> list(layer_groups()), list(layer_groups()["bodem"].lagen)
    (['grondwater', 'water', 'keileemdiepte', 'kwel', 'bodem', 'droogte'], ['zettingsgevoeligheid', 'veendikte'])
    """
    groups = [validated(LayerGroup, row, FILE) for row in _data()["groep"]]
    return MappingProxyType({g.id: g for g in groups})


@cache
def deviations() -> Mapping[str, Deviation]:
    """Return one standard deviation per layer that can be moved, where the data give none."""
    return MappingProxyType({n: d for g in layer_groups().values() for n, d in g.lagen.items()})


def stated_mapping(stated: Any) -> Any:
    """Return what is stated of an error as the mapping of lagen.toml: a number is sd alone; JSON text is read.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> stated_mapping(0.3), stated_mapping('{"per": 0.5}')
    ({'sd': 0.3}, {'per': 0.5})
    """
    found = _of_json(stated) if isinstance(stated, str) else stated
    if isinstance(found, bool) or not isinstance(found, (int, float, Mapping, Uncertainty)):
        raise ValueError("must be a number or a table such as { sd = 0.1, per = 0.2, hoogstens = 0.5 }")
    return found if isinstance(found, (Mapping, Uncertainty)) else {"sd": float(found)}


def _of_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def uncertainty_of(stated: Any, layer: str, factor: float, where: str) -> Uncertainty:
    """Return what an attribute of a layer states of its error, in the unit of the rules.

    Parameters
    ----------
    stated : float, mapping, or JSON text of one
    layer : str
        Id of the layer.
    factor : float
        What values of the layer are multiplied with.
    where : str
        For errors.

    Raises
    ------
    WaterbodemError
        If it is neither, negative or not finite, absurd, or not for this layer.
    """
    try:
        found = Uncertainty.model_validate(stated_mapping(stated)).of(factor)
    except ValidationError as error:
        raise_all(complaints(error, Uncertainty, where, LayerError))
        raise
    except ValueError as error:
        raise LayerError(f"uncertainty {error}", value=stated, where=where) from None
    raise_all(uncertainty_problems(found, layer_kinds()[layer], where, LayerError))
    return found


def uncertainty_problems(
    found: Uncertainty, kind: LayerKind, where: str, error: type[WaterbodemError]
) -> list[WaterbodemError]:
    """Return what is wrong with the error of a layer, stated in the unit of the rules, for the kind that it is of."""
    rules, width = range_rules(), kind.range[1] - kind.range[0]
    most = rules.onzin_lognormaal if found.lognormal else width
    wrong = []
    if kind.soort == "klasse":
        wrong.append(error("a layer of classes has no values between its codes", allowed="no uncertainty", where=where))
    if found.lognormal and kind.id in SIGNED:
        allowed = "verdeling normaal: values go through 0"
        wrong.append(error(f"{kind.id} has no error by a factor", value=found.verdeling, allowed=allowed, where=where))
    if found.sd > most:
        unit = "of the logarithm" if found.lognormal else kind.unit
        allowed = f"at most {most:g} {unit}; is the unit another?"
        wrong.append(error("sd is absurd", value=found.sd, allowed=allowed, where=f"{where}.sd"))
    if found.per > rules.onzin_per:
        allowed = f"a share of the value, at most {rules.onzin_per:g}; is it in percent?"
        wrong.append(error("per is absurd", value=found.per, allowed=allowed, where=f"{where}.per"))
    return wrong
