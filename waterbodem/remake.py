"""The command that makes an answer again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from waterbodem import registry
from waterbodem.definitions import Functie
from waterbodem.evaluation import reference_label
from waterbodem.kompas_rules import builtin_rules

if TYPE_CHECKING:
    from waterbodem.question import Question


def command_of(q: Question, output: str = "uitvoer") -> str:
    """Return the command that asks the same question, with file names to fill in."""
    words = ["waterbodem assess --layers lagen.toml --gebied gebieden.gpkg", *_functie_words(q.functies)]
    words += [f"{flag} {value}" for flag, value in _options(q) if value is not None]
    return " ".join([*words, f"--output {output}"])


def _options(q: Question) -> Iterable[tuple[str, Any]]:
    settings, default = q.settings, registry.burden_rules().reference
    label, measures, well = reference_label(settings), settings.measures, q.enquiry.well
    yield "--referentie", None if label == default else label
    yield "--aangelegde-berging-mm", f"{measures.built_mm:.15g}" if measures.built_mm else None
    yield "--bergingseis-mm", None if measures.norm_mm is None else f"{measures.norm_mm:.15g}"
    yield "--methode", None if settings.methode == "meetkundig" else settings.methode
    yield "--orness", settings.orness
    yield "--ontvangers", "ontvangers.gpkg" if q.enquiry.given else None
    yield "--demping-m", q.enquiry.damping
    yield "--reikwijdte", q.enquiry.reach if isinstance(q.enquiry.reach, (str, float, int)) else None
    yield "--kompas", "kompas.toml" if q.rules != builtin_rules() else None
    yield "--onttrekking", None if well is None else f"{well.m3_jr:.15g} {well.kd_m2_d:.15g} {well.c_d:.15g}"


def _functie_words(functies: Iterable[Functie]) -> list[str]:
    known = registry.builtin_functies()
    words: list[str] = []
    for f in functies:
        words.append(f"--functie {f.id}")
        base = known[f.id].parameters if f.id in known else f.parameters
        changed = {n: p.waarde for n, p in f.parameters.items() if n not in base or p.waarde != base[n].waarde}
        words += [f"--set {f.id}.{name}={value:.15g}" for name, value in changed.items()]
    return words
