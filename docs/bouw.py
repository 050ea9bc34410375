"""Hook of mkdocs: prints pages from the live objects, so that a changed number in a data file is a changed page.

Pages with ``levend: true`` at their top are templates; functies, layers, glossary, Kompas, sources and the worked
example are made here altogether.
"""

from __future__ import annotations

import io
import math
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from configparser import ConfigParser
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment, StrictUndefined
from markdown.extensions.toc import slugify
from mkdocs.structure.files import File

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import waterbodem as wb
from waterbodem.core import errors
from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import Condition, Principle, Scale, builtin_rules
from waterbodem.definitions.labels import (
    criterion_label,
    css,
    ink,
    layer_label,
    plain,
    texts,
    threshold_label,
)
from waterbodem.definitions.models import Criterion, Functie, Group, Parameter, Sourced
from waterbodem.definitions.receiving import reception_rules
from waterbodem.definitions.units import unit_text
from waterbodem.views.figures.maps import plot_layers

# --- pieces of a page ------------------------------------------------------------------------------------------------


def cell(value: Any) -> str:
    """Text of one table cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([cell(v) for v in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percentage(share: float) -> str:
    return f"{plain(round(100 * share, 6))} %"


def at_least(value: float) -> str:
    return f"{plain(value)} of meer"


def chip(letter: str, colour: tuple[int, int, int]) -> str:
    return f'<span class="klasse" style="background:{css(colour)};color:{ink(colour)}">{escape(letter)}</span>'


def source(sourced: Sourced) -> str:
    """Sources as links to the list, and the mark expertoordeel."""
    known = registry.sources()
    keys = [f"[{k}](../bronnen.md#{k.lower()})" if k in known else escape(k) for k in sourced.bron]
    marks = {"geheel": "expertoordeel", "vorm": "vorm: expertoordeel", "": ""}
    mark = marks[sourced.expertoordeel]
    judged = [f'<span class="oordeel">{mark}</span>'] if mark else []
    return " ".join([*keys, *judged]) or "geen bron genoemd"


def answer_table() -> str:
    rows = [
        (
            chip(s.letter, s.kleur),
            s.antwoord,
            "" if s.score_min is None else f"{plain(s.score_min)} of meer",
            f"`{s.kompas}`",
        )
        for s in registry.answer_scale().values()
    ]
    return table(["klasse", "antwoord", "score", "Kompas"], rows)


def receiver_table() -> str:
    rows = [(f"`{name}`", c.uitleg, c.eenheid) for name, c in reception_rules().kolommen.items()]
    return table(["kolom", "wat", "eenheid"], rows)


def component_table() -> str:
    rows = [
        (c.nr, c.naam, c.waar, c.index, "–" if c.anker is None else f"{plain(c.anker)} {unit_text(c.unit)}".strip())
        for c in registry.burden_rules().components
    ]
    return table(["nr", "component", "wat", "richting", "anker (aandeel 1)"], rows)


def risk_table() -> str:
    rows = [(chip(r.naam, r.kleur), at_least(r.vanaf)) for r in registry.burden_rules().risk_classes]
    return table(["risico", "vanaf"], rows)


def environment() -> Environment:
    """What live pages may use: objects, and the pieces above."""
    burden = registry.burden_rules()
    env = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # our own pages
    env.globals |= {
        "versie": registry.rules_version(),
        "regels": registry.scoring_rules(),
        "functies": wb.functies(),
        "woningbouw": wb.functies()["woningbouw"],
        "afwenteling": burden,
        "c": {name: plain(value) for name, value in burden.constants.items()},
        "c_getal": burden.constants,
        "waarde": plain,
        "procent": percentage,
        "drempels": lambda f: [threshold_label(t) for t in f.drempels],
        "antwoordschaal": answer_table,
        "componenten": component_table,
        "ontvangstkolommen": receiver_table,
        "risicoklassen": risk_table,
        "kamers": rooms_table,
        "afspraken": rules_list,
    }
    return env


# --- the house -------------------------------------------------------------------------------------------------------


def contracts() -> list[dict[str, str]]:
    """Import contracts of setup.cfg in their order."""
    read = ConfigParser()
    read.read(HERE.parent / "setup.cfg", encoding="utf-8")
    return [dict(read[name]) for name in read.sections() if name.startswith("importlinter:contract")]


def room_text(room: str) -> str:
    """First line of what a room or module says of itself."""
    told = import_module(f"waterbodem.{room}").__doc__ or ""
    return told.splitlines()[0].replace("``", "`").removesuffix(".")


def rooms_table() -> str:
    """Rooms from the top down, neighbours on one line, with what each says of itself."""
    (layered,) = (c for c in contracts() if c["type"] == "layers")
    lines = [line.split(" | ") for line in layered["layers"].split("\n") if line]
    return table(
        ["room", "holds"], [(", ".join(f"`{r}`" for r in line), "<br>".join(map(room_text, line))) for line in lines]
    )


def rules_list() -> str:
    return "\n".join(f"- {c['name']}." for c in contracts() if c["type"] != "layers")


# --- functies --------------------------------------------------------------------------------------------------------


def curve_picture(criterion: Criterion) -> str:
    """A small drawing of value to score over the range that the points span, and a little beyond."""
    (first, left), (last, right) = criterion.curve[0], criterion.curve[-1]
    margin = 0.08 * (last - first or 1)
    start, width = first - margin, last - first + 2 * margin
    shown = [(start, left), *criterion.curve, (start + width, right)]
    path = " ".join(f"{2 + 146 * (x - start) / width:.1f},{43 - 40 * y:.1f}" for x, y in shown)
    label = f"van {plain(left)} bij {plain(first)} naar {plain(right)} bij {plain(last)}"
    return (
        f'<svg class="kromme" viewBox="0 0 150 46" role="img" aria-label="{label}">'
        f'<rect width="150" height="46"/><polyline points="{path}"/></svg>'
    )


def criterion_row(name: str, criterion: Criterion) -> tuple[str, ...]:
    kind = registry.layer_kinds()[name]
    points = ", ".join(f"{plain(x)} → {plain(y)}" for x, y in criterion.curve)
    absent = "" if criterion.score_afwezig is None else f"; afwezig → {plain(criterion.score_afwezig)}"
    unit = "" if kind.soort == "klasse" else f" [{unit_text(kind.unit)}]"
    remark = criterion.bron_detail or criterion.toelichting
    return (
        f"[{layer_label(name)}](../lagen.md#{name}){unit}",
        plain(criterion.gewicht),
        curve_picture(criterion),
        points + absent,
        source(criterion) + (f"<br>{escape(remark)}" if remark else ""),
    )


CRITERIA = ["laag", "gewicht", "kromme", "waarde → score", "bron"]


def functie_page(f: Functie) -> str:
    parts = [f"# {f.naam}", f"{f.omschrijving}. Id `{f.id}`, code {f.code}. English: *{f.name}*."]
    parts += ["## Wat de functie vraagt", criteria_table(f.criteria)]
    parts += ["### Als de laag er is", criteria_table(f.optionele_criteria)] if f.optionele_criteria else []
    parts += [group_text(group) for group in f.groepen]
    parts += ["## Drempels", thresholds_table(f)] if f.drempels else []
    return "\n\n".join([*parts, "## Parameters", parameters_table(f)]) + "\n"


def criteria_table(criteria: Mapping[str, Criterion]) -> str:
    return table(CRITERIA, (criterion_row(n, c) for n, c in criteria.items()))


def group_text(group: Group) -> str:
    return f"**{criterion_label('+'.join(group.leden))}** tellen samen als een criterium: de beste. {group.reden}"


def thresholds_table(f: Functie) -> str:
    words = texts("nl")["gevolg"]
    return table(["als", "dan", "bron"], ((threshold_label(t), words[t.gevolg], source(t)) for t in f.drempels))


def parameters_table(f: Functie) -> str:
    rows = ((f"`{n}`", plain(p.waarde), span(p), source(p), p.toelichting) for n, p in f.parameters.items())
    return table(["parameter", "waarde", "bereik", "bron", "toelichting"], rows)


def span(parameter: Parameter) -> str:
    return "" if parameter.bereik is None else " – ".join(plain(v) for v in parameter.bereik)


def functies_index() -> str:
    rows = ((f"[{f.naam}]({f.id}.md)", f.omschrijving, f"`{f.id}`", f.code) for f in wb.functies().values())
    intro = (
        "Elke functie is een tekstbestand dat een hydroloog kan lezen en ondertekenen. Ontbreekt de uwe, "
        "[maak hem dan](../hoe/eigen-functie.md)."
    )
    return "\n\n".join(["# Functies", intro, table(["functie", "omschrijving", "id", "code"], rows)]) + "\n"


# --- reference -------------------------------------------------------------------------------------------------------


def layers_page() -> str:
    parts = [
        "# Lagen",
        "Basislagen tellen altijd mee (ontbreken ze, dan zijn ze onbekend); andere alleen als ze er zijn.",
    ]
    for kind in registry.layer_kinds().values():
        codes = "; ".join(f"{code} = {name}" for code, name in registry.layer_codes(kind).items())
        rows = [
            ("id", f"`{kind.id}`"),
            ("eenheid", unit_text(kind.unit) or "–"),
            ("teken", kind.richting),
            ("aannemelijk", f"{plain(kind.range[0])} tot {plain(kind.range[1])}"),
            ("soort", "basislaag" if kind.basis else "optioneel" if kind.criterium else "optioneel, geen criterium"),
            *([("codes", codes)] if codes else []),
        ]
        parts += [f"## {kind.naam} {{ #{kind.id} }}", f"{kind.grootheid}.", table(["", ""], rows)]
    return "\n\n".join(parts) + "\n"


def glossary_page() -> str:
    rows = [(f"**{word}**", t.uitleg, f"*{t.gloss}*") for word, t in sorted(registry.terms().items())]
    return "# Woordenlijst\n\n" + table(["woord", "uitleg", "English"], rows) + "\n"


def sources_page() -> str:
    parts = ["# Bronnen", "Waar de getallen vandaan komen. Wat hier niet staat is expertoordeel."]
    for key, s in sorted(registry.sources().items()):
        parts += [f"## {key} {{ #{key.lower()} }}", f"{escape(s.titel)}. {escape(s.vindplaats)}"]
    return "\n\n".join(parts) + "\n"


ERRORS = """# Errors

Every error is a `waterbodem.WaterbodemError`. It says what was wrong, the value, what is allowed and where, in `.what`,
`.value`, `.allowed` and `.where`; its text is at most {} characters. `.code` tells programs what kind of error it is,
and stays what it is. Several at once are one error with `.problems`, of which the text tells the first {}."""


def error_kinds(kind: type[errors.WaterbodemError]) -> Iterator[type[errors.WaterbodemError]]:
    """A class of errors and all that derive from it."""
    yield kind
    for narrower in kind.__subclasses__():
        yield from error_kinds(narrower)


def errors_page() -> str:
    for module in pkgutil.walk_packages(wb.__path__, "waterbodem."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    kinds = sorted(error_kinds(errors.WaterbodemError), key=lambda kind: kind.code)
    rows = ((f"`{k.code}`", f"`{k.__name__}`", str(k.__doc__).splitlines()[0]) for k in kinds)
    return ERRORS.format(errors.LONGEST, errors.SHOWN) + "\n\n" + table(["code", "class", "what"], rows) + "\n"


def condition_text(c: Condition) -> str:
    forms = {"min": "≥", "max": "≤", "onder": "<", "boven": ">"}
    name = c.maat.replace("_", " ")
    return next(f"{name} {sign} {plain(getattr(c, key))}" for key, sign in forms.items() if getattr(c, key) is not None)


def cases_text(cases: Iterable[Iterable[Condition]]) -> str:
    return " *of* ".join(" *en* ".join(condition_text(c) for c in case) or "anders" for case in cases)


KOMPAS = """# Kompas

Zes beginselen van *water en bodem sturend* (ontwerp-Omgevingsvisie 2050, par. 3.2). Per beginsel wint de eerste regel
die klopt. `?` waar minder dan {known} van het plan bekend is, en overal waar gemiddeld minder dan {cover} van het
gewicht bekend is. Geen totaal: een afwegingsbeeld. Alle grenzen zijn <span class="oordeel">expertoordeel</span> en door
u te vervangen.

Vier beginselen zijn een oordeel tegen het huidige gebruik: {against}. Is dat niet opgegeven, dan zijn zij `?`. Is het
op {own} van het plan de functie zelf, dan zijn zij 0; anders gelden zij voor de cellen met een ander gebruik.

Heeft de functie een streefpeil of meer berging dan het huidige gebruik, dan telt ontlasting (verdrongen berging,
kwelafvoer, veenoxidatie en grondwaterverlaging onder 0) alleen in cellen van klasse {relieved}; elders telt ze als 0.
Een getal van het Kompas kan daardoor kleiner zijn dan hetzelfde bij de lasten van een plan.

| maat | wat | eenheid |
|---|---|---|
| risico, risico zeer hoog | gemiddeld afwentelingsrisico; deel van het plan met risico {high} of meer | 0 tot 1 |
| water | afvoer en verdrongen berging samen | m³/ha |
| grondwater | aanvullingsverlies en weggedraineerde kwel samen | mm/jr |
| stijging | hoeveel het grondwater stijgt, gemiddeld over het plan | m |
| buren gebruik, buren onbekend | of ernaast bebouwing of akkers {rise} m stijgen, of wat onbekend is | 0 of 1 |
| extremen | laagste score op {layers} (gewicht vanaf {weight}, dalende kromme), nu of later | 0 tot 1 |
| scenario extremen, scenario horizon | of scenario's tot {year} ({years} boven {life} jaar) die lagen hebben | 0 of 1 |
| vastlegging | blijvende last: hoe moeilijk en hoe lang het vastligt | 0 tot 1 |
| bodemlast | verharden, ophogen, zetting en veenverlies | 0 tot 1 |
| uitspoeling, uitspoeling meer | meststoffen, bestrijdingsmiddelen, wegwater; meer dan het huidige gebruik | 0 tot 2 |
"""


def kompas_page() -> str:
    rules = builtin_rules()
    *most, last = rules.ontlasting_klassen
    head = KOMPAS.format(
        known=percentage(rules.bekend_min),
        cover=percentage(rules.dekking_min),
        own=percentage(rules.zelf_min),
        against=", ".join(p.naam.lower() for p in rules.beginselen.values() if p.tegen_gebruik),
        relieved=f"{', '.join(most)} of {last}",
        high=plain(rules.risico_zeer_hoog),
        rise=plain(rules.buren.rijzing_m),
        layers=", ".join(rules.extremen.lagen),
        weight=percentage(rules.extremen.gewicht),
        year=plain(rules.horizon.jaar),
        years=plain(rules.horizon.jaar_lang),
        life=plain(rules.horizon.levensduur_jr),
    )
    principles = (part for principle in rules.beginselen.values() for part in principle_parts(principle))
    measures = {"kans (per cel)": rules.kans.als, **rules.aandelen, **{n: d.als for n, d in rules.afgeleid.items()}}
    rows = [(name, cases_text(cases)) for name, cases in measures.items()]
    for name, d in rules.drempels.items():
        rows.append((name, f"een drempel ({', '.join(d.gevolgen)}) op {', '.join(d.lagen)} gaat af"))
    rows = [(name.replace("_", " "), told) for name, told in rows]
    return "\n\n".join([head, *principles, "## Hulpmaten", table(["maat", "waar als"], rows)]) + "\n"


def principle_parts(p: Principle) -> list[str]:
    parts = [f"## {p.naam}", *(scale_table(s) for s in p.schalen)]
    parts += ["Is een van beide 0, dan telt de ander; anders de slechtste."] if len(p.schalen) > 1 else []
    parts += [f"- {plain_text(limit.tekst)} (als {cases_text(limit.als)})" for limit in p.begrenzing]
    return parts + ([f"`?`: {p.onbekend_tekst}."] if p.onbekend_tekst else [])


def plain_text(sentence: str) -> str:
    """A sentence with the names of its numbers in their place."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: f"*{found[1].replace('_', ' ')}*", sentence)


def scale_table(scale: Scale) -> str:
    return table(["teken", "als"], ((f"`{line.symbool}`", cases_text(line.als)) for line in scale.regels))


# --- a cell by hand --------------------------------------------------------------------------------------------------

#: The cell of the worked example; values that make every step visible.
CELL = {"zettingsgevoeligheid": 0.1, "wateroverlast": 0.15, "droogte": 10.0, "keileemdiepte": 0.8, "kwel": 0.1}
EXAMPLE = "woningbouw"


def example_page() -> str:
    """One cell, every step, with the numbers of the live functie and the answer of the library beside it."""
    layers = xr.Dataset({n: (("y", "x"), np.array([[v]])) for n, v in CELL.items()}, coords={"y": [0.5], "x": [0.5]})
    f, r = wb.functies()[EXAMPLE], wb.functies()[registry.burden_rules().reference]
    k, a = wb.geschiktheid(layers, f).squeeze(), wb.afwenteling(layers, f).squeeze()
    rows = [_hand_row(f.criteria[n], n, v) for n, v in CELL.items()]
    total = sum(float(row[-1].replace(",", ".").replace("−", "-")) for row in rows)
    step = registry.answer_scale()[int(k.klasse)]
    text = environment().from_string((HERE / "rekenvoorbeeld.md").read_text("utf-8"))
    return text.render(
        rijen=table(["laag", "waarde", "score s", "gewicht w", "w · ln s"], rows),
        som=number(total, 5), score=number(float(k.geschiktheid), 4), score_hand=number(math.exp(total), 4),
        klasse=chip(step.letter, step.kleur), antwoord=step.antwoord,
        laagste=number(min(_score(f.criteria[n], v) for n, v in CELL.items()), 2),
        bepalend=layer_label(k.attrs["criteria"][int(k.bepalend)]),
        f={n: p.waarde for n, p in f.parameters.items()}, r={n: p.waarde for n, p in r.parameters.items()},
        cel=CELL, a={n: float(v) for n, v in a.items()}, getal=number, oorzaak=_cause(int(a.oorzaak)),
    )  # fmt: skip


def _cause(nr: int) -> str:
    return next(c.naam for c in registry.burden_rules().components if c.nr == nr)


def number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",").replace("-", "−")


def _score(criterion: Criterion, value: float) -> float:
    return float(np.interp(value, *zip(*criterion.curve, strict=True)))


def _hand_row(criterion: Criterion, name: str, value: float) -> tuple[str, ...]:
    score, unit = _score(criterion, value), unit_text(registry.layer_kinds()[name].unit)
    weighted = criterion.gewicht * math.log(score)
    return layer_label(name), f"{plain(value)} {unit}", number(score, 2), plain(criterion.gewicht), number(weighted, 5)


# --- pictures --------------------------------------------------------------------------------------------------------


def png(figure: Any) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=80)
    return target.getvalue()


#: Maps of the built-in and of real areas, made by figuren.py.
MAPS = ("voorbeeld", "zwarte_beek", "drenthe", "ontvangst")
#: Screens of what a planner sees, made by schermen.py.
SCREENS = ("dossier", "kaart", "notebook")


def pictures() -> dict[str, bytes]:
    layers = wb.example()
    shown = ["zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel", "ghg"]
    return {
        **{f"beeld/{n}.png": (HERE / f"{n}.png").read_bytes() for n in (*MAPS, *SCREENS)},
        "beeld/lagen.png": png(plot_layers(layers, shown)),
    }


# --- hooks -----------------------------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Every page that is made from live objects, by path."""
    return {
        "functies/index.md": functies_index(),
        **{f"functies/{f.id}.md": functie_page(f) for f in wb.functies().values()},
        "lagen.md": layers_page(),
        "woordenlijst.md": glossary_page(),
        "bronnen.md": sources_page(),
        "kompas.md": kompas_page(),
        "rekenvoorbeeld.md": example_page(),
        "rekenregels.md": (HERE / "rekenregels.md").read_text("utf-8"),
        "ontwikkelaars/errors.md": errors_page(),
    }


def on_config(config: Any) -> Any:
    listed = ["functies/index.md", *(f"functies/{f}.md" for f in wb.functies())]
    config["nav"] = [{"Functies": listed} if "Functies" in entry else entry for entry in config["nav"]]
    return config


def on_files(files: Any, config: Any) -> Any:
    for path, content in {**pages(), **pictures()}.items():
        files.append(File.generated(config, path, content=content))
    return files


#: A section of the rules as docstrings name it.
SECTION = re.compile(r"rekenregels,? section (\d)")


def section_anchors() -> dict[str, str]:
    """The anchor of every section of the rules, by number."""
    titles = re.findall(r"^## (\d)\. (.+)$", (HERE / "rekenregels.md").read_text("utf-8"), re.M)
    return {number: slugify(f"{number}. {title}", "-") for number, title in titles}


def on_page_content(html: str, page: Any, files: Any, **_: Any) -> str:
    """Link every section of the rules that a text names."""
    rules, anchors = files.get_file_from_path("rekenregels.md").url_relative_to(page.file), section_anchors()
    return SECTION.sub(lambda m: f'<a href="{rules}#{anchors[m[1]]}">{m[0]}</a>', html)


def on_post_page(output: str, **_: Any) -> str:
    """Name the search dialog, which the theme leaves without a name for screen readers."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Zoeken"'
    )


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    return environment().from_string(markdown).render() if page.meta.get("levend") else markdown
