"""What a measure may not say: names that do not exist, a norm, a level beside its own streefpeil, less than nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from waterbodem.core.errors import DefinitionError, nearest
from waterbodem.definitions.boards import waterschappen
from waterbodem.definitions.measures.measure import LEVELS, OWN_VALUE, Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.parameters import parameter_kinds
from waterbodem.definitions.registry import answer_scale, layer_kinds

#: The share of a plan under buildings: no parameter of a functie, but measures may set it and multiply by it.
BUILT_SHARE = "bebouwd_aandeel"

#: What a clause may name between braces.
TOLD = ("functie", "ha", "ophoging")

Problems = Iterator[DefinitionError]


def problems_of(measure: Maatregel, where: str, functies: Collection[str]) -> Problems:
    """Yield what is wrong with a measure; ``functies`` are the ids that it may name."""
    yield from _group(measure, where)
    yield from _functies(measure, where, functies)
    yield from _unknown(measure.tenzij, measure.lagen, f"{where}: tenzij", "not a layer that this measure moves")
    yield from _unknown((a.waterschap for a in measure.anders if a.waterschap), waterschappen(), f"{where}: anders")
    yield from _clauses(measure, where)
    for form in measure.forms():
        yield from _layers(form, where)
        yield from _parameters(form, where)
        yield from _levels(form, where)
        yield from _multiplied(form, where)


def _unknown(names: Iterable[str], known: Collection[str], where: str, what: str = "unknown name") -> Problems:
    for name in names:
        if name not in known:
            yield DefinitionError(what, value=name, allowed=nearest(name, known), where=where)


def _group(measure: Maatregel, where: str) -> Problems:
    if measure.id in measure.niet_met:
        yield DefinitionError("names the measure itself", value=measure.id, where=f"{where}: niet_met")
    known = (*measure_rules().groepen, measure.id)
    yield from _unknown([measure.groep], known, f"{where}: groep", "unknown groep; a measure may have one of its own")


def _clauses(measure: Maatregel, where: str) -> Problems:
    """Hold what is said of a measure to the numbers that a clause may tell."""
    for key in ("zin", "zin_en", "zin_zonder_zand", "zin_zonder_zand_en"):
        place, text = f"{where}: {key}", getattr(measure, key)
        try:
            text.format(**dict.fromkeys(TOLD, ""))
        except (ValueError, LookupError, AttributeError):
            yield DefinitionError("not a clause", value=text, allowed=f"in braces: {', '.join(TOLD)}", where=place)


def _functies(measure: Maatregel, where: str, known: Collection[str]) -> Problems:
    if measure.functies != "alle":
        yield from _unknown(measure.functies, known, f"{where}: functies", "unknown functie")
    swapped = (*measure.functie, *measure.functie.values())
    yield from _unknown(swapped, known, f"{where}: functie", "unknown functie")
    others = (a.functie for a in measure.anders if a.functie)
    yield from _unknown(others, known, f"{where}: anders.functie", "unknown functie")
    if measure.gebied_zonder is not None:
        letters = [step.letter for step in answer_scale().values()]
        yield from _unknown([measure.gebied_zonder.klasse], letters, f"{where}: gebied_zonder.klasse", "not a class")


def _layers(measure: Maatregel, where: str) -> Problems:
    kinds = layer_kinds()
    for key in ("waar", "waar_bekend", "lagen"):
        yield from _unknown(getattr(measure, key), kinds, f"{where}: {key}", "unknown layer")
    for layer, effect in measure.lagen.items():
        place = f"{where}: lagen.{layer}"
        if layer in kinds and kinds[layer].soort == "klasse":
            yield DefinitionError("a measure cannot move a layer of classes", value=layer, where=place)
        yield from _values(effect, place)


def _values(effect: Mapping[Any, float | str], where: str) -> Problems:
    """Yield what is no number, no parameter, or multiplies by less than nothing."""
    for verb, value in effect.items():
        place = f"{where}.{verb}"
        if isinstance(value, str):
            yield from _unknown([value], parameter_names(), place, "unknown parameter")
        elif math.isnan(value) or (math.isinf(value) and (value < 0 or verb != "minstens")):
            yield DefinitionError("not a number that a layer can have", value=value, where=place)
        elif verb == "maal" and value < 0:
            yield DefinitionError("a factor cannot be negative", value=value, where=place)


def parameter_names() -> tuple[str, ...]:
    """Return all that a measure may set or multiply by."""
    norms = measure_rules().regels.normen
    return (*(name for name in parameter_kinds() if name not in norms), BUILT_SHARE)


def _parameters(measure: Maatregel, where: str) -> Problems:
    for name, effect in measure.parameters.items():
        place = f"{where}: parameters.{name}"
        if name in measure_rules().regels.normen:
            yield DefinitionError("a measure never sets a norm", value=name, where=place)
            continue
        yield from _unknown([name], parameter_names(), place, "unknown parameter")
        own = effect.get("wordt") == OWN_VALUE
        yield from _values({verb: v for verb, v in effect.items() if not (own and verb == "wordt")}, place)
        yield from _limits(name, effect.get("wordt"), place)


def _limits(name: str, value: float | str | None, where: str) -> Problems:
    """Yield a value that the parameter cannot have."""
    if isinstance(value, float) and (name == BUILT_SHARE or name in parameter_kinds()):
        low, high = (0.0, 1.0) if name == BUILT_SHARE else (parameter_kinds()[name].van, parameter_kinds()[name].tot)
        if not low <= value <= high:
            yield DefinitionError("outside its limits", value=value, allowed=f"{low:g} to {high:g}", where=where)


def _levels(measure: Maatregel, where: str) -> Problems:
    moved = [layer for layer in LEVELS if layer in measure.lagen]
    if moved and "streefpeil_m" in measure.parameters:
        yield DefinitionError(
            "a measure that sets streefpeil_m moves the groundwater by that alone",
            value=", ".join(moved),
            allowed="either streefpeil_m or an effect on ghg, gvg or glg",
            where=f"{where}: lagen",
        )


def _multiplied(measure: Maatregel, where: str) -> Problems:
    """Yield what storage, room and price multiply by that is no parameter."""
    built = measure.berging and measure.berging.aangelegde_berging_mm
    named = {
        "berging": built.keer if built else "",
        "ruimte": measure.ruimte.keer if measure.ruimte else "",
        **{f"kosten.per_ha.keer.{i}": name for i, name in enumerate(measure.kosten.per_ha.keer)},
    }
    for key, name in named.items():
        yield from _unknown([name] if name else [], parameter_names(), f"{where}: {key}", "unknown parameter")
    if built and built.plus < 0:
        yield DefinitionError("storage cannot be negative", value=built.plus, where=f"{where}: berging")
