"""A GeoPackage tells what its columns mean, and map servers draw its polygons: by the words of the formats."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as Xml

import pyogrio
import pytest

import waterbodem as wb
from tests.support.grids import box, even
from waterbodem.definitions.columns import column_of
from waterbodem.definitions.data_files import data_file, read_toml
from waterbodem.definitions.registry import answer_scale
from waterbodem.formats.package_extras import column_in_package
from waterbodem.formats.sld import areas_sld

SPACES = {"sld": "http://www.opengis.net/sld", "ogc": "http://www.opengis.net/ogc"}
#: Columns that the contract names, some of which stand in no table yet.
OF_THE_CONTRACT = """
gebied functie antwoord score score_p10 score_p50 score_p90 oppervlakte_ha beoordeeld_ha onbekend_ha buiten_ha ha_A
ha_B ha_C1 ha_C2 ha_D aandeel_A aandeel_D dekking antwoord_min antwoord_max verlies_ghg bepalend risico
aandeel_risico_hoog oorzaak afvoer_m3 verdrongen_berging_m3 weinig_steun scenario kompas_niet_afwentelen
kompas_vertragen kompas_extremen kompas_aanpasbaar kompas_herstel kompas_bodem referentie referentie_bron waterschap
gevraagd_m3 gevraagd_aandeel risico_zonder_compensatie aanvullingsverlies_m3_jr basisafvoer_l_s co2_t_jr stijging_m
niet_getoetst referentie_onaannemelijk_ha antwoord_laag antwoord_hoog beslist antwoord_slechtst houdt_k houdt_n spijt
spijt_functie lagen_met_variant plan_nr plan ontvanger_nr ontvanger soort m3 aandeel waterschijf_mm
verlaging_gemiddeld_m verlaging_grootste_m vernatting_grootste_m m3_open_water open_water_ha stijging_peil_cm
voortoets lambda_rij
"""
#: What a name says of its unit.
UNITS = {"_ha": "ha", "_m": "m", "_m3": "m3", "_mm": "mm", "_cm": "cm", "_m3_jr": "m3/jaar", "_t_jr": "t/jaar"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with tables of two functies on two plans, and who receives it; and the answer."""
    data = even(8, 8, ghg=0.9, maaiveld=1.0)
    data["wateroverlast@2050"] = data.wateroverlast.assign_attrs(horizon=2050)
    plans = [box(0, 0, 2, 2), box(3, 3, 6, 6)]
    answer = wb.assess(data, ["woningbouw", "natte_natuur"], plans, ontvangers=[box(0, 4, 2, 8)])
    folder = tmp_path_factory.mktemp("uit")
    answer.write(folder)
    return folder, answer


def rows(path, query):
    with closing(sqlite3.connect(path)) as data:
        return data.execute(query).fetchall()


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_THE_CONTRACT.split())
def test_every_column_of_the_contract_has_a_meaning_in_both_languages(name):
    found = column_of(name)
    assert found.name == name and len(found.betekenis) > 3 and len(found.meaning) > 3
    assert found.betekenis != found.meaning or name.startswith("kompas_")
    assert "{" not in found.betekenis + found.meaning
    end = re.search(r"_(m3_jr|t_jr|ha|m3|mm|cm|m)$", name)
    assert end is None or found.eenheid == UNITS[end[0]]


def test_every_line_of_the_list_has_two_languages_and_a_unit_that_is_known():
    units = {"", "0-1", "ja/nee", "aantal", "l/s", *UNITS.values()}
    for name, (dutch, english, unit) in read_toml(data_file("teksten/kolommen.toml")).items():
        assert dutch and english and unit in units, name
        assert ("{}" in dutch) == ("{}" in english) == ("*" in name), name


def test_what_varies_in_a_name_is_told_in_words():
    assert column_of("verlies_keileemdiepte+kwel").betekenis == "verlies aan score door Keileemdiepte of Kwel"
    assert column_of("verlies_drempel").meaning == "loss of score by thresholds"
    assert column_of("kompas_vertragen").meaning == "Kompas: Slow the water down"
    assert column_of("aandeel_C1").betekenis == "deel van het beoordeelde met antwoord C1"
    assert column_of("score_p90").betekenis == "score waar 90 % van het gebied onder blijft"
    assert column_of("iets_van_een_ander") is None


@pytest.mark.parametrize("layer", ["gebieden", "grootboek"])
def test_every_column_of_a_package_is_told(written, layer):
    folder, answer = written
    path, table = folder / f"{layer}.gpkg", answer.table if layer == "gebieden" else answer.grootboek
    told = {
        c: (n, t, d) for c, n, t, d in rows(path, "SELECT column_name, name, title, description FROM gpkg_data_columns")
    }
    names = [c for c in table.columns if c != "geometry"]
    assert list(told) == [column_in_package(n) for n in names] == list(pyogrio.read_info(path, layer=layer)["fields"])
    for name in names:
        found = column_of(name)
        unit = f" [{found.eenheid}]" if found.eenheid else ""
        assert told[column_in_package(name)] == (name, f"{found.betekenis}{unit}", found.meaning)


def test_the_extension_is_registered_as_the_format_asks(written):
    """GeoPackage 1.2, requirements 57 and 103 to 109: both tables, their columns, and a layer that is there."""
    path = written[0] / "gebieden.gpkg"
    registered = rows(
        path, "SELECT table_name, column_name, scope FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'"
    )
    assert registered == [
        ("gpkg_data_columns", None, "read-write"),
        ("gpkg_data_column_constraints", None, "read-write"),
    ]
    assert rows(path, "SELECT DISTINCT table_name FROM gpkg_data_columns") == [("gebieden",)]
    assert rows(path, "SELECT count(*), count(DISTINCT name) FROM gpkg_data_columns")[0][0] > 60
    assert rows(path, "PRAGMA integrity_check") == [("ok",)] and rows(path, "PRAGMA foreign_key_check") == []


# --- styles ----------------------------------------------------------------------------------------------------------


def holds(node, row):
    """Whether a row passes a filter, by the words of OGC Filter Encoding 1.0."""
    kind = node.tag.rpartition("}")[2]
    if kind in ("Filter", "And"):
        return all(holds(child, row) for child in node)
    if kind == "Not":
        return not holds(node[0], row)
    value, literal = str(row[node.find("ogc:PropertyName", SPACES).text] or ""), node.find("ogc:Literal", SPACES).text
    if kind == "PropertyIsEqualTo":
        return value == literal
    assert kind == "PropertyIsLike"
    signs = {node.get("wildCard"): ".*", node.get("singleChar"): "."}
    return re.fullmatch("".join(signs.get(c, re.escape(c)) for c in literal), value) is not None


def fills(sld, row):
    """Colours that a style fills a row with."""
    root = Xml.fromstring(sld)
    rules = [r for r in root.iter(f"{{{SPACES['sld']}}}Rule") if holds(r.find("ogc:Filter", SPACES), row)]
    return [r.find(".//sld:CssParameter[@name='fill']", SPACES).text for r in rules]


def test_the_package_holds_a_style_for_map_servers_that_draws_each_row_once_in_the_colour_of_its_answer(written):
    folder, answer = written
    styles = dict(rows(folder / "gebieden.gpkg", "SELECT styleName, styleSLD FROM layer_styles"))
    assert list(styles) == ["woningbouw", "natte_natuur"]
    colours = {s.letter: "#{:02x}{:02x}{:02x}".format(*s.kleur) for s in answer_scale().values()}
    for _, row in answer.table.iterrows():
        for name, sld in styles.items():
            assert fills(sld, row) == ([colours[row.antwoord]] if row.functie == name else [])


@pytest.mark.parametrize("today", ["", None])
def test_a_style_of_a_scenario_draws_its_rows_alone(today):
    for asked, scenario, drawn in (("", today, 1), ("", "2050", 0), ("2050", "2050", 1), ("2050", today, 0)):
        sld = areas_sld("gebieden", "x", "woningbouw", asked)
        row = {"functie": "woningbouw", "antwoord": "B", "scenario": scenario}
        assert len(fills(sld, row)) == drawn, (asked, scenario)


def test_a_name_with_signs_of_xml_stays_what_it_is():
    odd = "<a> & 'b' \"c\""
    assert len(fills(areas_sld("gebieden", odd, odd, odd), {"functie": odd, "antwoord": "A", "scenario": odd})) == 1
