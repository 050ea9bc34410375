"""The naming rules of the developers' pages, held against the public names as far as a test can."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import waterbodem as wb
from waterbodem.core.spellings import OTHER

PAGE = Path(wb.__file__).parents[1] / "docs/paginas/ontwikkelaars/namen.md"
#: Words of public names: who adds one decides of which language it is. Dutch ones are of the field.
ENGLISH = """
assess assessment compare difference example from layers live map open plans run status up warm write zarr
"""
DUTCH = """
afwenteling benedenstrooms bovenstrooms functie functies gebied geschiktheid grootboek kompas gevoeligheid
lagen maatregel maatregelen mits per put regels reikwijdte waarom waterschappen
"""
#: Names of the contract that are being built: held to its page first, to these rules when they stand here no more.
UNDER_WAY = {"bronnen", "haal", "rangschik", "verdeel", "weging", "zekerheid", "zoek"}
#: Errors keep the habits of Python.
OTHERS = {"WaterbodemError", "__version__"}
#: Arguments by position, fixed before there were rules.
BY_POSITION = {
    "afwenteling": ["referentie", "waterschap", "aangelegde_berging_mm", "bergingseis_mm"],
    "bovenstrooms": ["functie"],
    "example": ["size", "resolution"],
    "example_plans": ["data"],
    "functies": ["path"],
    "geschiktheid": ["methode", "orness", "interval"],
    "gevoeligheid": ["gebied", "x", "y"],
    "grootboek": ["ontvangers"],
    "maatregelen": ["path", "functies"],
    "mits": ["maatregelen", "samen", "vrij"],
    "open_layers": ["bounds", "resolution"],
    "reikwijdte": ["folder"],
}
#: What a bare number in an argument is counted in, by the ending of its name.
UNITS = ("_mm", "_m", "_ha")
#: Numbers without a unit, and what is no number.
PLAIN = {"orness", "size", "resolution", "seed", "samen", "workers", "tile", "x", "y", "wait_for_lock"}


def functions():
    return [(n, getattr(wb, n)) for n in sorted({*wb.__all__} - UNDER_WAY) if inspect.isfunction(getattr(wb, n))]


def arguments(function):
    return inspect.signature(function).parameters


def test_the_page_is_in_the_documentation_and_counts_its_rules():
    rules = re.findall(r"^(\d+)\. \*\*", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rules == [str(n) for n in range(1, len(rules) + 1)] and len(rules) == 10
    assert "ontwikkelaars/namen.md" in (PAGE.parents[2] / "mkdocs.yml").read_text("utf-8")


def test_every_word_of_a_public_name_is_english_or_a_word_of_the_field():
    words = {w for n in set(wb.__all__) - OTHERS - UNDER_WAY for w in re.findall(r"[a-z]+", n.lower())}
    assert words == {*ENGLISH.split(), *DUTCH.split()}


def test_functions_are_small_letters_and_classes_capitals():
    for name in set(wb.__all__) - OTHERS:
        is_class = inspect.isclass(getattr(wb, name))
        assert re.fullmatch(r"[A-Z][a-z]+" if is_class else r"[a-z]+(_[a-z]+)*", name), name


@pytest.mark.parametrize("name, function", functions())
def test_data_come_first_then_functie_then_gebied(name, function):
    given = arguments(function)
    places = {"layers": 0, "functie": 1, "functies": 1, "gebied": 2, "gebieden": 2}
    found = {n: place for place, n in enumerate(given) if n in places and "layers" in given}
    if name != "bovenstrooms":  # the other way round: who receives comes before who gives
        assert {n: p for n, p in found.items() if given[n].default is inspect.Parameter.empty} == {
            n: places[n] for n in found if given[n].default is inspect.Parameter.empty
        }


@pytest.mark.parametrize("name, function", functions())
def test_what_has_a_default_is_given_by_name(name, function):
    by_position = [
        n for n, p in arguments(function).items() if p.default is not p.empty and p.kind is not p.KEYWORD_ONLY
    ]
    assert by_position == BY_POSITION.get(name, [])


@pytest.mark.parametrize("name, function", functions())
def test_a_number_with_a_unit_has_it_in_its_name(name, function):
    for called, parameter in arguments(function).items():
        if re.fullmatch(r"(float|int)( \| (float|None))?", str(parameter.annotation)):
            assert called.endswith(UNITS) or called in PLAIN, called


@pytest.mark.parametrize("kind", ["Assessment", "Comparison", "Difference"])
def test_results_write_themselves_by_the_same_methods(kind):
    for method, first in (("report", ["path", "taal"]), ("html", ["taal"])):
        given = list(arguments(getattr(getattr(wb.types, kind), method)))
        assert given[1 : 1 + len(first)] == first


def test_languages_palettes_files_and_folders_have_one_name():
    named = [*functions(), *((f"{k}.{n}", f) for k in wb.types.__all__ for n, f in members(getattr(wb.types, k)))]
    for name, function in named:
        for other in ("lang", "language", "locale", "palette", "colors", "filename", "file_path", "directory", "dir"):
            assert other not in arguments(function), name
    assert len(named) > 60


def members(kind):
    return [(n, f) for n, f in inspect.getmembers(kind, inspect.isfunction) if not n.startswith("_")]


def test_both_spellings_are_each_others():
    assert all(OTHER[OTHER[name]] == name for name in OTHER)
