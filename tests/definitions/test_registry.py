"""Contract of the data files: every functie, layer, source, term and class, and what a user's own file may hold."""

from __future__ import annotations

import copy
import math
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml

import waterbodem as wb
from tests.support import grids
from tests.support.random_cells import FUNCTIES, dataset
from waterbodem.core.errors import DefinitionError
from waterbodem.definitions import legends, registry
from waterbodem.definitions.telling import told_from
from waterbodem.definitions.units import dimension, factor

FOLDER = files("waterbodem.data").joinpath("functies")
FILES = sorted(f.name for f in FOLDER.iterdir() if f.name.endswith(".toml"))
KINDS = registry.layer_kinds()
CODES = {
    "woningbouw": 1, "bedrijventerrein": 2, "infrastructuur": 3, "energie_zonnepark": 4, "energie_windpark": 5,
    "akkerbouw": 6, "grasland_veeteelt": 7, "natte_landbouw": 8, "natte_natuur": 9, "droge_natuur_bos": 10,
    "waterberging": 11, "recreatie_dag": 12, "recreatie_verblijf": 13, "glastuinbouw": 14, "drinkwaterwinning": 15,
    "heide_schraal": 16,
}  # fmt: skip
SHARED = grids.SHARED / "ontwerp"


def parts(functie):
    """Every value of a functie that needs a source, with its place."""
    for layer, criterion in functie.all_criteria.items():
        yield f"criteria.{layer}", criterion
    for i, threshold in enumerate(functie.drempels):
        yield f"drempels.{i}", threshold
    for name, parameter in functie.parameters.items():
        yield f"parameters.{name}", parameter
    if functie.inundatienorm is not None:
        yield "inundatienorm", functie.inundatienorm


def test_codes_are_fixed_and_each_functie_has_its_own_file():
    assert {f.id: f.code for f in FUNCTIES.values()} == CODES
    assert list(FUNCTIES) == list(CODES)
    assert sorted(f"{id_}.toml" for id_ in CODES) == FILES


@pytest.mark.parametrize("name", FUNCTIES)
def test_every_source_exists_and_what_has_none_is_expertoordeel(name):
    for place, part in parts(FUNCTIES[name]):
        assert set(part.bron) <= set(registry.sources()), place
        assert part.bron or part.expertoordeel == "geheel", place
        assert part.expertoordeel != "geheel" or not part.bron, place


@pytest.mark.parametrize("name", FUNCTIES)
def test_every_curve_rises_in_value_and_lies_within_reach_of_its_layer(name):
    for layer, criterion in FUNCTIES[name].all_criteria.items():
        low, high = KINDS[layer].range
        values = [x for x, _ in criterion.curve]
        assert values == sorted(set(values))
        assert all(low <= x <= high for x in values), layer
        assert all(0 <= y <= 1 for _, y in criterion.curve)
        assert criterion.gewicht > 0
        assert (criterion.score_afwezig is not None) == KINDS[layer].may_be_absent


@pytest.mark.parametrize("name", FUNCTIES)
def test_every_functie_has_five_basic_criteria_whose_weights_add_up_to_at_most_one(name):
    basic = FUNCTIES[name].criteria
    assert set(basic) == {n for n, kind in KINDS.items() if kind.basis}
    assert 0 < sum(c.gewicht for c in basic.values()) <= 1 + 1e-9
    assert not any(KINDS[n].basis for n in FUNCTIES[name].optionele_criteria)


@pytest.mark.parametrize("name", FUNCTIES)
def test_every_parameter_lies_within_its_plausible_range(name):
    for key, p in FUNCTIES[name].parameters.items():
        if p.bereik is not None:
            assert p.bereik[0] <= p.waarde <= p.bereik[1], key


@pytest.mark.parametrize("name", FUNCTIES)
def test_every_threshold_can_fire(name):
    for t in FUNCTIES[name].drempels:
        low, high = KINDS[t.laag].range
        assert low <= t.waarde <= high


def test_layers_are_those_of_the_rules_with_units_and_sane_ranges():
    want = {
        "zettingsgevoeligheid": ("m/m", 0, 2), "wateroverlast": ("m", 0, 5), "droogte": ("%", 0, 100),
        "keileemdiepte": ("m", 0, 100), "kwel": ("mm/d", -20, 20), "ghg": ("m", -1, 20), "gvg": ("m", -1, 20),
        "glg": ("m", -1, 20), "bodemdaling": ("m", -0.5, 3), "veendikte": ("m", 0, 20), "beekdal": ("0/1", 0, 1),
        "grondwaterbescherming": ("class", 0, 4), "natuur": ("class", 0, 3), "inundatie": ("m", 0, 10),
        "gebruik": ("class", 1, 65535), "water": ("0/1", 0, 1), "maaiveld": ("m NAP", -10, 350),
        "kwetsbaarheid": ("0..1", 0, 1),
    }  # fmt: skip
    assert {n: (k.unit, *k.range) for n, k in KINDS.items()} == want
    assert [n for n, k in KINDS.items() if k.may_be_absent] == ["keileemdiepte"]
    assert [n for n, k in KINDS.items() if k.teken] == ["kwel", "ghg", "gvg", "glg"]


@pytest.mark.parametrize("layer", KINDS)
def test_every_layer_is_known_in_two_languages_and_unit(layer):
    kind = KINDS[layer]
    assert dimension(kind.unit) is not None
    assert all((kind.naam, kind.name, kind.grootheid, kind.quantity, kind.richting))
    assert set(kind.bron) <= set(registry.sources())
    assert (kind.soort == "klasse") == bool(registry.layer_codes(kind))
    assert set(registry.layer_codes(kind)) <= set(range(int(kind.range[0]), int(kind.range[1]) + 1))


def test_present_use_and_open_water_are_no_criteria_and_the_codes_of_use_are_those_of_functies(tmp_path):
    assert [n for n, k in KINDS.items() if not k.criterium] == ["gebruik", "water"]
    assert set(registry.layer_codes(KINDS["gebruik"])) == set(CODES.values())
    own = wb.functies(own_file(tmp_path, GOOD))
    assert registry.layer_codes(KINDS["gebruik"], own)[100] == "Kas met bassin"
    assert registry.layer_codes(KINDS["natuur"]) == KINDS["natuur"].codes and not registry.layer_codes(KINDS["kwel"])
    for layer in ("gebruik", "water"):
        text = GOOD.replace("[criteria.wateroverlast]", f"[criteria.{layer}]")
        with pytest.raises(DefinitionError, match="this layer is no criterion"):
            wb.functies(own_file(tmp_path, text))


@pytest.mark.parametrize("target", ["beekdal", "grondwaterbescherming", "natuur", "gebruik", "water", "kwetsbaarheid"])
@pytest.mark.parametrize("unit", ["-", "1", "0/1", "class"])
def test_codes_and_shares_have_one_unit_with_several_names(unit, target):
    assert factor(unit, KINDS[target].unit) == 1.0


def test_every_functie_has_a_colour_of_its_own_on_the_map_of_present_use():
    colours = legends.functie_colours()
    assert set(colours) == set(CODES.values()) and len(set(colours.values())) == len(colours)


@pytest.mark.parametrize(
    ("unit", "target", "want"),
    [("cm", "m", 0.01), ("m/d", "mm/d", 1000), ("mm/jr", "mm/d", 1 / 365), ("m NAP", "m", 1), ("class", "0/1", 1)],
)
def test_units_convert(unit, target, want):
    assert factor(unit, target) == pytest.approx(want, rel=1e-12)


def test_units_of_other_dimensions_do_not_convert():
    with pytest.raises(wb.WaterbodemError, match="mm/d"):
        factor("m", "mm/d")


def test_every_source_has_a_title_and_a_place():
    assert all(s.titel and s.vindplaats for s in registry.sources().values())


def test_every_term_has_an_explanation_and_a_gloss():
    terms = registry.terms()
    assert {"functie", "geschiktheid", "afwenteling", "kwel", "keileem", "maaiveld", "ghg"} <= set(terms)
    assert all(t.uitleg and t.gloss for t in terms.values())


def test_the_answer_scale_is_that_of_the_rules():
    scale = registry.answer_scale()
    want = {1: ("A", 0.8, "++"), 2: ("B", 0.6, "+"), 3: ("C1", 0.4, "0"), 4: ("C2", 0.2, "-"), 5: ("D", 0, "--")}
    assert {k: (s.letter, s.score_min, s.kompas) for k, s in scale.items() if k} == want
    assert (scale[0].letter, scale[0].score_min, scale[0].kompas) == ("X", None, "?")
    assert len({s.kleur for s in scale.values()}) == len({s.kleur_kleurenblind for s in scale.values()}) == 6


def test_the_components_have_the_anchors_units_and_order_of_the_rules():
    rules = registry.burden_rules()
    assert [(c.id, c.unit, c.index, c.anker) for c in rules.components] == [
        ("afvoer", "m3/ha", "ruimte", 1600),
        ("verdrongen_berging", "m3/ha", "ruimte", 1600),
        ("grondwaterverlaging", "m", "ruimte", 0.5),
        ("kwelafvoer", "mm/jr", "ruimte", 300),
        ("aanvullingsverlies", "mm/jr", "ruimte", 300),
        ("watervraag", "mm/jr", "ruimte", 300),
        ("zetting", "m", "tijd", 0.30),
        ("veenoxidatie", "mm/jr", "tijd", 6),
        ("achteruitgang", "1", "tijd", 0.40),
        ("kosten", "EUR/ha/jr", "geld", 10000),
    ]
    assert [c.nr for c in rules.components] == list(range(1, 11))
    assert [(c.naam, c.vanaf) for c in rules.risk_classes] == [
        ("laag", 0), ("matig", 0.2), ("verhoogd", 0.4), ("hoog", 0.6), ("zeer hoog", 0.8),
    ]  # fmt: skip
    assert rules.reference == "grasland_veeteelt"
    assert [(s.ontwatering_m, s.ghg_m) for s in rules.implausible] == [(0.60, 0.25), (0.30, 0.15)]


def test_every_constant_says_where_it_comes_from():
    for name, source in registry.burden_rules().sources.items():
        assert set(source.bron) <= set(registry.sources()), name
        assert source.bron or source.expertoordeel == "geheel", name


def test_the_numbers_of_scoring_are_those_of_the_rules():
    r = registry.scoring_rules()
    assert (r.ondergrens, r.kap_gewicht, r.bekend_min, r.groep_bekend) == (0.01, 0.10, 0.60, 0.60)
    assert (r.marge, r.aandeel_begrenzing, r.aandeel_helft, r.aandeel_nee) == (1e-6, 0.10, 0.50, 0.01)
    assert (r.beoordeeld_min, r.risico_hoog) == (0.60, 0.60)


# --- a user's own file -----------------------------------------------------------------------------------------------

OWN = """
id = "kas_met_bassin"
code = 100
naam = "Kas met bassin"

[criteria.wateroverlast]
gewicht = 2
punten = [[0, 1], [0.5, 0]]

[criteria.keileemdiepte]
gewicht = 1
punten = [[0, 0.2], [2, 1]]
score_afwezig = 0.9

[criteria.grondwaterbescherming]
gewicht = 1
klassen = { 0 = 1.0, 3 = 0.3, 4 = 0.0 }

[[drempels]]
laag = "kwel"
operator = ">="
waarde = 2.0
gevolg = "nee_tenzij"
"""
PARAMETERS = """
[parameters]
verhardingsgraad = { waarde = 0.8 }
ontwatering_m = { waarde = 0.7 }
ophoging_m = { waarde = 0.4 }
levensduur_jr = { waarde = 30 }
grondwateraanvulling_mm_jr = { waarde = 50 }
bergingseis_mm = { waarde = 80 }
watervraag_mm_jr = { waarde = 150 }
omkeerbaarheid = { waarde = 0.35 }
berging_m = { waarde = 0.0 }
opgehoogd_aandeel = { waarde = 0.95 }
onttrekking = { waarde = 0 }
"""
GOOD = OWN + PARAMETERS


def own_file(folder, text):
    path = folder / "eigen.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_functie_works_without_touching_code(tmp_path):
    functies = wb.functies(own_file(tmp_path, GOOD))
    f = functies["kas_met_bassin"]
    assert len(functies) == 17 and list(functies)[-1] == f.id
    layers = dataset(
        {
            "wateroverlast": np.array([0.0, 0.25, np.nan]),
            "keileemdiepte": np.array([np.inf, 2.0, 1.0]),
            "grondwaterbescherming": np.array([0.0, 3.0, 4.0]),
        }
    )
    k = wb.geschiktheid(layers, f, "gemiddelde")
    assert k.attrs["criteria"] == ["wateroverlast", "keileemdiepte", "grondwaterbescherming"]
    want = [(2 + 0.9 + 1) / 4, (2 * 0.5 + 1 + 0.3) / 4, (0.6 + 0.0) / 2]
    np.testing.assert_allclose(k.geschiktheid.values[0], want, atol=1e-6)
    assert k.klasse.values[0].tolist() == [1, 3, 5], "a score of 0 on protected groundwater is fatal"
    assert wb.afwenteling(layers, f, f).risico.values.tolist() == [[0, 0, 0]]


def test_the_collection_that_comes_with_the_package_stays_as_it_is(tmp_path):
    wb.functies(own_file(tmp_path, GOOD))
    assert "kas_met_bassin" not in wb.functies()


def test_several_own_functies_in_one_file(tmp_path):
    table = tomllib.loads(GOOD)
    other = {**table, "code": 101}
    text = "".join(
        as_toml(f"functies.{i}", {k: v for k, v in t.items() if k != "id"})
        for i, t in [("een", table), ("twee", other)]
    )
    assert list(wb.functies(own_file(tmp_path, text)))[-2:] == ["een", "twee"]


def as_toml(name, table):
    """A table as TOML, deep enough for a functie."""
    return f"[{name}]\n" + "".join(f"{k} = {inline(v)}\n" for k, v in table.items())


def inline(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {inline(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(v) for v in value) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def test_a_code_that_a_class_table_does_not_list_is_an_error_that_names_it(tmp_path):
    f = wb.functies(own_file(tmp_path, GOOD))["kas_met_bassin"]
    with pytest.raises(wb.WaterbodemError, match=r"2\.0.*|grondwaterbescherming") as error:
        wb.geschiktheid(dataset({"grondwaterbescherming": np.array([0.0, 2.0])}), f)
    assert "2.0" in str(error.value) and "grondwaterbescherming" in str(error.value)


MISTAKES = {
    "weight nan": ("gewicht = 2", "gewicht = nan", "criteria.wateroverlast.gewicht"),
    "weight inf": ("gewicht = 2", "gewicht = inf", "criteria.wateroverlast.gewicht"),
    "weight zero": ("gewicht = 2", "gewicht = 0", "criteria.wateroverlast.gewicht"),
    "weight negative": ("gewicht = 2", "gewicht = -1", "criteria.wateroverlast.gewicht"),
    "weight missing": ("gewicht = 2\n", "", "criteria.wateroverlast.gewicht"),
    "weight is text": ("gewicht = 2", 'gewicht = "veel"', "criteria.wateroverlast.gewicht"),
    "points out of order": ("[[0, 1], [0.5, 0]]", "[[0.5, 1], [0, 0]]", "criteria.wateroverlast"),
    "points twice": ("[[0, 1], [0.5, 0]]", "[[0, 1], [0, 0]]", "criteria.wateroverlast"),
    "points nan": ("[[0, 1], [0.5, 0]]", "[[0, 1], [nan, 0]]", "criteria.wateroverlast.punten"),
    "points beyond 1": ("[[0, 1], [0.5, 0]]", "[[0, 1], [0.5, 1.1]]", "criteria.wateroverlast.punten"),
    "no points": ("punten = [[0, 1], [0.5, 0]]", "punten = []", "criteria.wateroverlast"),
    "both forms": ("punten = [[0, 1], [0.5, 0]]", "punten = [[0, 1]]\nklassen = { 1 = 1 }", "criteria.wateroverlast"),
    "class score beyond 1": ("3 = 0.3", "3 = 30", "criteria.grondwaterbescherming.klassen"),
    "unknown key": ('naam = "Kas met bassin"', 'naam = "Kas"\nkleur = 3', "kleur"),
    "unknown key in a criterion": (
        "gewicht = 2",
        "gewicht = 2\ngewich = 3",
        "criteria.wateroverlast.gewich: unknown key; got 3; allowed: did you mean 'gewicht'",
    ),
    "unknown layer": ("[criteria.wateroverlast]", "[criteria.wateroverlsat]", "wateroverlsat"),
    "unknown layer in a threshold": ('laag = "kwel"', 'laag = "kwell"', "kwell"),
    "unknown operator": ('operator = ">="', 'operator = "=>"', "drempels.0.operator"),
    "unknown effect": ('"nee_tenzij"', '"nee"', "drempels.0.gevolg"),
    "threshold nan": ("waarde = 2.0", "waarde = nan", "drempels.0.waarde"),
    "missing parameter": ("watervraag_mm_jr = { waarde = 150 }\n", "", "watervraag_mm_jr"),
    "unknown parameter": ("watervraag_mm_jr", "watervrag_mm_jr", "watervra"),
    "parameter beyond its limits": ("{ waarde = 0.8 }", "{ waarde = 8 }", "verhardingsgraad"),
    "parameter nan": ("{ waarde = 0.8 }", "{ waarde = nan }", "parameters.verhardingsgraad"),
    "reserved code": ("code = 100", "code = 99", "99"),
    "code missing": ("code = 100\n", "", "code"),
    "code no number": ("code = 100", "code = 100.5", "code"),
    "id missing": ('id = "kas_met_bassin"\n', "", "id"),
    "id taken": ('id = "kas_met_bassin"', 'id = "woningbouw"', "woningbouw"),
    "id no word": ('id = "kas_met_bassin"', 'id = "Kas/.."', "id"),
    "score_afwezig missing": ("score_afwezig = 0.9\n", "", "criteria.keileemdiepte.score_afwezig"),
    "score_afwezig out of place": (
        "gewicht = 2",
        "gewicht = 2\nscore_afwezig = 1",
        "criteria.wateroverlast.score_afwezig",
    ),
    "not toml": ("gewicht = 2", "gewicht = ", "line"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_an_error_that_names_file_and_key(tmp_path, kind):
    old, new, key = MISTAKES[kind]
    assert old in GOOD
    with pytest.raises(wb.WaterbodemError) as error:
        wb.functies(own_file(tmp_path, GOOD.replace(old, new, 1)))
    assert key in str(error.value)
    assert "eigen.toml" in str(error.value)


def test_mistakes_are_definition_errors(tmp_path):
    with pytest.raises(DefinitionError):
        wb.functies(own_file(tmp_path, GOOD.replace("gewicht = 2", "gewicht = nan")))


def test_several_mistakes_are_told_at_once(tmp_path):
    text = GOOD.replace("gewicht = 2", "gewicht = nan").replace('">="', '"=>"')
    with pytest.raises(wb.WaterbodemError) as error:
        wb.functies(own_file(tmp_path, text))
    assert "criteria.wateroverlast.gewicht" in str(error.value) and "drempels.0.operator" in str(error.value)


def test_a_code_that_is_taken_twice_is_an_error(tmp_path):
    table = {k: v for k, v in tomllib.loads(GOOD).items() if k != "id"}
    text = as_toml("functies.een", table) + as_toml("functies.twee", table)
    with pytest.raises(DefinitionError, match="taken"):
        wb.functies(own_file(tmp_path, text))


def test_a_file_that_is_no_definition_is_an_error(tmp_path):
    with pytest.raises(wb.WaterbodemError, match="nergens"):
        wb.functies(tmp_path / "nergens.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(wb.WaterbodemError, match="bytes"):
        wb.functies(tmp_path / "bytes.toml")


def test_an_unknown_functie_names_the_known_ones():
    with pytest.raises(wb.WaterbodemError, match="woningbouw"):
        wb.geschiktheid(dataset({"kwel": np.array([0.0])}), "woningbou")


def test_replace_gives_a_copy_that_says_it_is_the_users_own():
    f = FUNCTIES["woningbouw"]
    g = f.replace(verhardingsgraad=0.7)
    assert (f.value("verhardingsgraad"), g.value("verhardingsgraad")) == (0.55, 0.7)
    assert g.parameters["verhardingsgraad"].expertoordeel == "" and "eigen" in g.parameters["verhardingsgraad"].bron[0]
    assert registry.definition_sha256(f) != registry.definition_sha256(g)
    assert copy.deepcopy(f) == f


@pytest.mark.parametrize("change", [{"verhardingsgraad": 1.1}, {"verharding": 0.5}, {"omkeerbaarheid": math.nan}])
def test_replace_refuses_what_cannot_be(change):
    with pytest.raises(DefinitionError, match=next(iter(change))):
        FUNCTIES["woningbouw"].replace(**change)


def test_definitions_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        FUNCTIES["woningbouw"].code = 3
    with pytest.raises(TypeError):
        registry.layer_kinds()["kwel"] = None


@pytest.mark.parametrize("attribute", ["criteria", "optionele_criteria", "parameters"])
def test_the_tables_of_a_definition_cannot_be_changed_either(attribute):
    f = FUNCTIES["woningbouw"].model_copy(deep=True)
    with pytest.raises(TypeError):
        getattr(f, attribute)["kwel"] = None


# --- against the design ----------------------------------------------------------------------------------------------


def designed(name):
    """A file of the design beside the repository, where there is one."""
    path = SHARED / name
    if not path.exists():
        pytest.skip("no design beside this repository")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def design():
    return designed("functies.yaml")


def numbers_of(value, path=()):
    """Every number and word of a nested definition by its path; empty ones and provenance left out."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in numbers_of(item, (*path, str(key))).items()}
    if isinstance(value, (list, tuple)):
        return {k: v for i, item in enumerate(value) for k, v in numbers_of(item, (*path, i)).items()}
    return {} if value in (None, "") else {path: value}


@pytest.mark.shared
@pytest.mark.parametrize("name", CODES)
def test_every_number_and_source_equals_the_design(design, name):
    want = numbers_of(design["functies"][name])
    got = numbers_of(FUNCTIES[name].model_dump(exclude_none=True))
    assert {k: v for k, v in got.items() if k[0] not in ("id", "naam", "name") and k in want} == want
    extra = set(got) - set(want) - {("id",), ("naam",), ("name",)}
    assert not {k for k in extra if k[-1] not in ("expertoordeel", "methode")}


@pytest.mark.shared
def test_no_source_of_the_design_is_missing(design):
    assert set(registry.sources()) >= set(design["bronnen"])
    assert all(registry.sources()[k].titel == s["titel"] for k, s in design["bronnen"].items())


@pytest.mark.shared
def test_the_scale_equals_the_design(design):
    want = [
        (s["code"], s["antwoord"], s["score_min"], tuple(s["kleur_rgb"]), s["kompas"]) for s in design["antwoordschaal"]
    ]
    assert [(s.letter, s.antwoord, s.score_min, s.kleur, s.kompas) for s in registry.answer_scale().values()] == want


@pytest.mark.shared
def test_what_boards_ask_is_that_of_the_design():
    want = designed("normen.yaml")["waterschappen"]
    rules = ("naam", "eis_mm", "eis_aandeel", "peilstijging_m", "vanaf_m2", "tot_ha", "ontwatering_m", "normdatum")
    got = tomllib.loads(files("waterbodem.data").joinpath("normen.toml").read_text("utf-8"))
    assert {b: {k: v for k, v in t.items() if k in rules} for b, t in got.items()} == {
        b: {k: v for k, v in t.items() if k in rules} for b, t in want.items()
    }


# --- what is worth a word --------------------------------------------------------------------------------------------


def test_every_threshold_of_telling_is_used_and_a_judgement():
    package = Path(wb.__file__).parent
    tables = tomllib.loads((package / "data/teksten/vermelden.toml").read_text("utf-8"))
    code = "".join(p.read_text("utf-8") for p in package.rglob("*.py"))
    assert {name for name in tables if f'told_from("{name}")' not in code} == set()
    assert all(table["expertoordeel"] == "geheel" and table["toelichting"] for table in tables.values())
    assert {name: told_from(name) for name in tables} == {name: table["waarde"] for name, table in tables.items()}
