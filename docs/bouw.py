"""Hook of mkdocs: prints pages from the live objects, so that a changed number in a data file is a changed page.

Pages with ``levend: true`` at their top are templates; functies, layers, glossary, Kompas, sources and the worked
example are made here altogether.
"""

from __future__ import annotations

import io
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markdown.extensions.toc import slugify
from mkdocs.structure.files import File

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from beginselen import kompas_page
from edities import archetypes_page, edition_tables
from stukken import at_least, chip, listed, lower, percentage, source, table
from voorbeeld import example_page

import waterbodem as wb
from waterbodem.core import errors
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    criterion_label,
    layer_label,
    plain_number,
    texts,
    threshold_label,
)
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.models import Criterion, Functie, Group, LayerKind, Parameter
from waterbodem.definitions.receiving import builtin_reach, reception_rules
from waterbodem.definitions.units import unit_text
from waterbodem.views.figures.maps import plot_layers

# --- tables of a page -------------------------------------------------------------------------------------------------


def answer_table() -> str:
    rows = [
        (
            chip(s.letter, s.kleur),
            s.antwoord,
            "" if s.score_min is None else f"{plain_number(s.score_min)} of meer",
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
        (
            c.nr,
            c.naam,
            c.waar,
            c.index,
            "–" if c.anker is None else f"{plain_number(c.anker)} {unit_text(c.unit)}".strip(),
        )
        for c in registry.burden_rules().components
    ]
    return table(["nr", "component", "wat", "richting", "anker (aandeel 1)"], rows)


def reach_table() -> str:
    rows = [(s.naam, f"{plain_number(s.lambda_m)} m", s.bron_detail) for s in builtin_reach().situaties]
    return table(["wie ontvangt", "lengte (lambda)", "waarom"], rows)


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
        "peilopzet": registry.rewetting_rules(),
        "functies": wb.functies(),
        "woningbouw": wb.functies()["woningbouw"],
        "afwenteling": burden,
        "c": {name: plain_number(value) for name, value in burden.constants.items()},
        "c_getal": burden.constants,
        "waarde": plain_number,
        "procent": percentage,
        "drempels": lambda f: [threshold_label(t) for t in f.drempels],
        "antwoordschaal": answer_table,
        "componenten": component_table,
        "ontvangstkolommen": receiver_table,
        "risicoklassen": risk_table,
        "reikwijdten": reach_table,
        "ontvangst": reception_rules().constanten,
        "kamers": rooms_table,
        "afspraken": rules_list,
        "opsomming": listed,
        **edition_tables(),
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
    label = f"van {plain_number(left)} bij {plain_number(first)} naar {plain_number(right)} bij {plain_number(last)}"
    return (
        f'<svg class="kromme" viewBox="0 0 150 46" role="img" aria-label="{label}">'
        f'<rect width="150" height="46"/><polyline points="{path}"/></svg>'
    )


def criterion_row(name: str, criterion: Criterion) -> tuple[str, ...]:
    kind = registry.layer_kinds()[name]
    points = ", ".join(f"{plain_number(x)} → {plain_number(y)}" for x, y in criterion.curve)
    absent = "" if criterion.score_afwezig is None else f"; afwezig → {plain_number(criterion.score_afwezig)}"
    unit = "" if kind.soort == "klasse" else f" [{unit_text(kind.unit)}]"
    remark = criterion.bron_detail or criterion.toelichting
    return (
        f"[{layer_label(name)}](../lagen.md#{name}){unit}",
        plain_number(criterion.gewicht),
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
    parts += ["## Begrensd", "\n".join(f"- {line}" for line in caps(f))] if caps(f) else []
    return "\n\n".join([*parts, "## Parameters", parameters_table(f)]) + "\n"


def caps(f: Functie) -> list[str]:
    """What keeps the answer of a functie from being better, whatever its score."""
    answers = {step.letter: f"{step.letter}, {step.antwoord}" for step in registry.answer_scale().values()}
    always = [f"altijd ten hoogste {answers[f.hoogstens]}"] if f.hoogstens else []
    return always + [
        f"zonder laag {lower(layer_label(n))} ten hoogste {answers[letter]}" for n, letter in f.zonder.items()
    ]


def criteria_table(criteria: Mapping[str, Criterion]) -> str:
    return table(CRITERIA, (criterion_row(n, c) for n, c in criteria.items()))


def group_text(group: Group) -> str:
    return f"**{criterion_label('+'.join(group.leden))}** tellen samen als een criterium: de beste. {group.reden}"


def thresholds_table(f: Functie) -> str:
    words = texts("nl")["gevolg"]
    return table(["als", "dan", "bron"], ((threshold_label(t), words[t.gevolg], source(t)) for t in f.drempels))


def parameters_table(f: Functie) -> str:
    rows = ((f"`{n}`", plain_number(p.waarde), span(p), source(p), p.toelichting) for n, p in f.parameters.items())
    return table(["parameter", "waarde", "bereik", "bron", "toelichting"], rows)


def span(parameter: Parameter) -> str:
    return "" if parameter.bereik is None else " – ".join(plain_number(v) for v in parameter.bereik)


def functies_index() -> str:
    rows = ((f"[{f.naam}]({f.id}.md)", f.omschrijving, f"`{f.id}`", f.code) for f in wb.functies().values())
    intro = (
        "Elke functie is een tekstbestand dat een hydroloog kan lezen en ondertekenen. Ontbreekt de uwe, "
        "[maak hem dan](../hoe/eigen-functie.md)."
    )
    return "\n\n".join(["# Functies", intro, table(["functie", "omschrijving", "id", "code"], rows)]) + "\n"


# --- reference -------------------------------------------------------------------------------------------------------


LAYERS = """# Lagen

Basislagen tellen altijd mee (ontbreken ze, dan zijn ze onbekend); andere alleen als ze er zijn. Onbekend is nooit
gunstig, 0 is een waarde, en *afwezig* (keileem) is kennis. Een laag van codes heeft niets tussen haar codes. Een
variant van een laag in een scenario heet `laag@scenario`, zoals `wateroverlast@2050Hd`.
Waar u ze haalt: [Eigen gegevens](hoe/eigen-gegevens.md)."""


def layers_page() -> str:
    parts = [LAYERS]
    for kind in registry.layer_kinds().values():
        rows = [row for row in layer_rows(kind) if row[1]]
        parts += [f"## {kind.naam} {{ #{kind.id} }}", f"{kind.grootheid}.", table(["", ""], rows)]
    return "\n\n".join(parts) + "\n"


def layer_rows(kind: LayerKind) -> list[tuple[str, str]]:
    """What there is to say of a layer: name and text, empty where it does not apply."""
    codes = "; ".join(f"{code} = {name}" for code, name in registry.layer_codes(kind).items())
    known = registry.sources()
    return [
        ("id", f"`{kind.id}`"),
        ("eenheid", unit_text(kind.unit) or "–"),
        ("teken", kind.richting),
        ("aannemelijk", "" if codes else f"{plain_number(kind.range[0])} tot {plain_number(kind.range[1])}"),
        ("soort", "basislaag" if kind.basis else "optioneel" if kind.criterium else "optioneel, geen criterium"),
        ("codes", codes),
        ("anders afgeleid", derivation_text(kind)),
        ("criterium van", ", ".join(functie_link(f) for f in wb.functies().values() if kind.id in f.all_criteria)),
        ("drempel van", ", ".join(functie_link(f) for f in wb.functies().values() if kind.id in thresholds_on(f))),
        ("bron", " ".join(f"[{k}](bronnen.md#{k.lower()})" if k in known else k for k in kind.bron)),
    ]


def thresholds_on(f: Functie) -> set[str]:
    """Layers on which a functie has a threshold."""
    return {t.laag for t in f.drempels}


def functie_link(f: Functie) -> str:
    return f"[{lower(f.naam)}](functies/{f.id}.md)"


def derivation_text(kind: LayerKind) -> str:
    """How a layer follows from others where it is not in the data."""
    if not kind.afleiding:
        return ""
    terms = " + ".join(f"{plain_number(factor)} · {name}" for name, factor in kind.afleiding.factoren.items())
    return f"{plain_number(kind.afleiding.vast)} + {terms} ({', '.join(kind.afleiding.bron)})"


MEASURES = """# Maatregelen

Wat een antwoord tot *ja, mits* kan maken, of minder bij anderen neerlegt. Hoe zij werken:
de [regels](maatregelregels.md). Van elke groep staat er ten hoogste een in een pakket. Kosten zijn een indicatie."""


def measures_page() -> str:
    parts, rules = [MEASURES], measure_rules()
    for m in wb.maatregelen().values():
        rows = [row for row in measure_rows(m) if row[1]]
        parts += [f"## {m.naam} {{ #{m.id} }}", f"Groep *{m.groep}* ({rules.groepen[m.groep]}).", table(["", ""], rows)]
    return "\n\n".join(parts) + "\n"


def measure_rows(m: Maatregel) -> list[tuple[str, str]]:
    """What there is to say of a measure: name and text, empty where it does not apply."""
    known = [wb.functies()[f] for f in m.functies] if m.functies != "alle" else []
    return [
        ("id", f"`{m.id}`, nr {m.nr}"),
        ("uit", m.reden),
        ("voor", ", ".join(map(functie_link, known)) or "alle functies"),
        ("waar", "; ".join(m.conditions)),
        ("verandert", "<br>".join(m.changes)),
        ("niet met", ", ".join(f"[{other}](#{other})" for other in m.niet_met)),
        ("kosten", f"{m.kosten.text}; {source(m.kosten, up='')}"),
        ("maanden", " tot ".join(map(str, m.maanden))),
        ("hangt af van", ", ".join(m.hangt_af_van)),
        ("ook nodig", "; ".join(m.ook_nodig)),
        ("bijwerking", m.bijwerking),
        ("bron", source(m, up="")),
    ]


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
        "maatregelen.md": measures_page(),
        "woordenlijst.md": glossary_page(),
        "bronnen.md": sources_page(),
        "kompas.md": kompas_page(environment()),
        "archetypen.md": archetypes_page(environment()),
        "rekenvoorbeeld.md": example_page(environment()),
        "rekenregels.md": (HERE / "rekenregels.md").read_text("utf-8"),
        "maatregelregels.md": (HERE / "maatregelregels.md").read_text("utf-8"),
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
