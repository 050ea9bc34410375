"""The page of the Kompas, printed from its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment
from stukken import listed, lower, table

import waterbodem as wb
from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import Condition, KompasRules, Limit, Principle, Scale, builtin_rules
from waterbodem.definitions.labels import plain_number

SIGNS = {"min": "≥", "max": "≤", "onder": "<", "boven": ">"}


def condition_text(c: Condition) -> str:
    key, border = next((k, v) for k in SIGNS if (v := getattr(c, k)) is not None)
    if (c.maat in TRUE_OR_NOT or c.maat in builtin_rules().afgeleid) and border in (0, 1):
        return f"{'' if key in ('min', 'boven') else 'niet '}{measure(c.maat)}"
    return f"{measure(c.maat)} {SIGNS[key]} {plain_number(border)}"


def measure(name: str) -> str:
    kind = registry.layer_kinds().get(name)
    return lower(kind.naam) if kind and kind.criterium else name.replace("_", " ")


def cases_text(cases: Iterable[Iterable[Condition]]) -> str:
    return " *of* ".join(" *en* ".join(condition_text(c) for c in case) or "anders" for case in cases)


#: Measures of the Kompas that hold or do not.
TRUE_OR_NOT = (
    "buren_gebruik",
    "buren_onbekend",
    "herstelt_mee",
    "scenario_extremen",
    "scenario_horizon",
    "onttrekking",
    "uitspoeling_meer",
)


def measures_of(rules: KompasRules) -> list[tuple[str, str, str]]:
    """What the Kompas looks at: name, what it is, unit."""
    high, raised = plain_number(rules.risico_zeer_hoog), f"ophoging (1 bij {plain_number(rules.ophoging_vol_m)} m)"
    settled, lost = (
        f"zetting ({plain_number(rules.zetting_vol_m)} m)",
        f"veenverlies ({plain_number(rules.veen_vol_mm_jr)} mm/jr)",
    )
    soil = f"{raised}, {settled} en {lost}"
    alarms = [(n, f"deel van het plan waar een drempel op {listed(f.lagen)} afgaat", "0 tot 1") for n, f in
              rules.drempels.items()]  # fmt: skip
    uses = listed([wb.functies().by_code()[code].naam.lower() for code in rules.buren.gebruik])
    rise, horizon = f"{plain_number(100 * rules.buren.rise_m)} cm of meer", rules.horizon
    longer = f"levensduur boven {plain_number(horizon.levensduur_jr)} jaar: {plain_number(horizon.jaar_lang)}"
    years = f"{plain_number(horizon.jaar)} ({longer})"
    return [
        ("risico", "gemiddeld afwentelingsrisico", "0 tot 1"),
        ("risico_zeer_hoog", f"deel van het plan met risico {high} of meer", "0 tot 1"),
        ("water", "afvoer en verdrongen berging samen", "m³/ha"),
        ("grondwater", "aanvullingsverlies, en weggedraineerde kwel waar die een last is", "mm/jr"),
        ("kwelafvoer", "component van afwenteling, gemiddeld", "mm/jr"),
        ("grondwaterverlaging", "component van afwenteling, gemiddeld", "m"),
        ("veenoxidatie", "component van afwenteling, gemiddeld", "mm/jr"),
        ("stijging", "hogere grondwaterstand door peilopzet, gemiddeld", "m"),
        ("buren_gebruik", f"naast het plan stijgt het grondwater {rise} onder {uses}", "ja of nee"),
        ("buren_onbekend", f"naast het plan stijgt het {rise}, en wat daar ligt is niet bekend", "ja of nee"),
        ("onttrekking", "er wordt meer grondwater onttrokken dan nu", "ja of nee"),
        *alarms,
        ("extremen", f"laagste score op {listed(rules.extremen.lagen)}, in het slechtste scenario", "0 tot 1"),
        ("scenario_extremen", f"een scenario tot {years} met elk van die lagen, anders dan nu", "ja of nee"),
        ("scenario_horizon", "een scenario van dat jaar of later, anders dan nu", "ja of nee"),
        ("vastlegging", "blijvende last: hoe moeilijk en hoe lang het vastligt", "0 tot 1"),
        ("omkeerbaarheid", "parameter van de functie", "0 tot 1"),
        ("levensduur", "parameter van de functie", "jr"),
        ("kans", "deel van het plan met een kans op herstel", "0 tot 1"),
        ("herstelt_mee", "natuur, natte landbouw of berging: stelt herstel niet uit", "ja of nee"),
        *[(name, f"als {cases_text(rule.als)}", "ja of nee") for name, rule in rules.afgeleid.items()],
        ("bodemlast", f"de grootste van extra verharding, {soil}", "0 tot 1"),
        ("verharding", "verhard deel, meer dan nu", "0 tot 1"),
        ("uitspoeling", "meststoffen, bestrijdingsmiddelen, wegwater: 0 geen, 1 iets, 2 veel", "0 tot 2"),
        ("uitspoeling_meer", "er spoelt meer uit dan nu", "ja of nee"),
        ("beschermd", f"deel van het plan waar {cases_text(rules.aandelen['beschermd'])}", "0 tot 1"),
    ]  # fmt: skip


def kompas_page(env: Environment) -> str:
    rules = builtin_rules()
    principles = rules.beginselen.values()
    text = env.from_string((Path(__file__).parent / "kompas.md").read_text("utf-8"))
    return text.render(
        kompas=rules,
        tegen_gebruik=listed([p.naam for p in principles if p.tegen_gebruik], "en"),
        ontlasting=listed(rules.ontlasting_klassen),
        beginselen="\n\n".join(part for p in principles for part in principle_parts(p)),
        maten=table(["maat", "wat", "eenheid"], [(measure(n), *rest) for n, *rest in measures_of(rules)]),
        kans_klassen=listed(rules.kans.klassen),
        kans=cases_text(rules.kans.als),
    )  # fmt: skip


def principle_parts(p: Principle) -> list[str]:
    parts = [f"## {p.naam}", *(scale_table(s) for s in p.schalen)]
    parts += ["Is een van beide 0, dan telt de ander; anders de slechtste."] if len(p.schalen) > 1 else []
    parts += ["\n".join(f"- {limit_text(limit)}" for limit in p.begrenzing)] if p.begrenzing else []
    return parts + ([f"`?`: {p.onbekend_tekst}."] if p.onbekend_tekst else [])


def limit_text(limit: Limit) -> str:
    """A limit in words, and the measure by which it holds; what depends on the plan is dots."""
    return f"{re.sub(r'{[^}]*}', '…', limit.tekst)} (als {cases_text(limit.als)})"


def scale_table(scale: Scale) -> str:
    return table(["teken", "als"], ((f"`{line.symbool}`", cases_text(line.als)) for line in scale.regels))
