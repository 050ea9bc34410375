"""Contract of the measures: what there is, in which order, from which source, and what a user's own file may hold."""

from __future__ import annotations

import string

import pytest
from click.testing import CliRunner

import waterbodem as wb
from waterbodem.cli import cli
from waterbodem.core.errors import DefinitionError
from waterbodem.definitions import registry
from waterbodem.definitions.measures.measure import LEVELS
from waterbodem.definitions.measures.rules import measure_rules

MEASURES = wb.maatregelen()
RULES = measure_rules()
#: What raises ground or keeps water off it, by rules 16 and 17 the only ones that lower inundatie.
ABOVE_THE_FLOOD = {"drijvend", "op_kolommen"}

OWN = """
id = "eigen_wadi"
naam = "Wadi van ons"
groep = "infiltratie"
functies = ["woningbouw"]
trede = 1
maanden = [3, 12]
zin = "onze wadi er komt"

[kosten]
laag = 1
hoog = 2
eenheid = "EUR/ha"
per_ha = { factor = 1 }
"""


def own_file(folder, text, name="eigen.toml"):
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def sourced_parts(measure):
    yield measure
    yield measure.kosten
    yield from (other.kosten for other in measure.anders if other.kosten)


def test_there_are_52_measures_of_which_four_are_off_with_a_reason():
    assert len(MEASURES) == 52
    assert [m.nr for m in MEASURES.values() if not m.aan] == ["19", "34", "39b", "X"]
    assert all(bool(m.reden) != m.aan for m in MEASURES.values())


def test_every_measure_has_its_own_number_and_place():
    assert len({m.nr for m in MEASURES.values()}) == len({m.volgorde for m in MEASURES.values()}) == len(MEASURES)
    assert [m.volgorde for m in MEASURES.values()] == sorted(m.volgorde for m in MEASURES.values())


def test_what_sets_the_paving_acts_before_what_multiplies_by_it():
    def multiplies(m):
        amounts = [m.berging and m.berging.aangelegde_berging_mm.keer, m.ruimte and m.ruimte.keer]
        return "verhardingsgraad" in [*amounts, *(effect.get("keer") for effect in m.parameters.values())]

    order = list(MEASURES)
    sets = [id_ for id_ in order if "verhardingsgraad" in MEASURES[id_].parameters and MEASURES[id_].groep != "peil"]
    uses = [id_ for id_ in order if multiplies(MEASURES[id_])]
    assert sets and uses and max(map(order.index, sets)) < min(map(order.index, uses))


@pytest.mark.parametrize("id_", MEASURES)
def test_every_number_has_a_source_or_is_expertoordeel(id_):
    for part in sourced_parts(MEASURES[id_]):
        assert part.bron or part.expertoordeel
        assert set(part.bron) <= set(registry.sources())


@pytest.mark.parametrize("id_", MEASURES)
def test_every_measure_is_told_in_two_languages_by_the_same_blanks(id_):
    def blanks(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    m = MEASURES[id_]
    assert m.naam and m.zin and m.zin_en and m.bijwerking
    assert bool(m.zin_zonder_zand) == bool(m.zin_zonder_zand_en)
    assert blanks(m.zin) == blanks(m.zin_en) <= {"functie", "ha", "ophoging"}


@pytest.mark.parametrize("id_", MEASURES)
def test_every_measure_does_something(id_):
    m = MEASURES[id_]
    assert m.changes or m.gebied_zonder is not None
    assert (m.groep == "elders") == (m.grootboek is not None)


def test_only_what_stands_above_the_flood_lowers_it():
    assert {m.id for m in MEASURES.values() if "inundatie" in m.lagen} == ABOVE_THE_FLOOD


def test_each_name_of_layers_causes_groups_and_classes_is_one_that_the_rules_have():
    assert set(RULES.laagnamen) <= set(registry.layer_kinds())
    assert list(RULES.oorzaaknamen) == [c.id for c in registry.burden_rules().components]
    assert list(RULES.klassenamen) == [step.letter for step in registry.answer_scale().values()]
    assert set(RULES.functienamen) == set(wb.functies())
    scored = {layer for f in wb.functies().values() for layer in f.all_criteria}
    deciding = {t.laag for f in wb.functies().values() for t in f.drempels if t.gevolg != "aandacht"}
    assert scored | deciding <= set(RULES.laagnamen)


def test_every_group_has_a_measure():
    assert {m.groep for m in MEASURES.values()} == set(RULES.groepen)


def test_a_measure_is_another_for_the_functie_that_it_says():
    culture = MEASURES["natte_teelt"]
    assert culture.of("akkerbouw").waar_bekend["natuur"] == {"hoogstens": 0}
    assert culture.of("natte_landbouw").waar_bekend["natuur"] == {}
    assert culture.of("natte_landbouw").waar == culture.waar


def test_an_own_measure_joins_and_acts_last(tmp_path):
    known = wb.maatregelen(own_file(tmp_path, OWN))
    assert list(known)[:-1] == list(MEASURES) and list(known)[-1] == "eigen_wadi"
    placed = wb.maatregelen(own_file(tmp_path, f"volgorde = 295\n{OWN}"))
    order = list(placed)
    assert order.index("wadi") + 1 == order.index("eigen_wadi") == order.index("wadi_met_drain") - 1


def test_several_own_measures_stand_in_one_file_and_may_name_each_other_and_own_functies(tmp_path):
    text = OWN.replace('id = "eigen_wadi"\n', "").replace("[kosten]", "[maatregelen.ID.kosten]")
    several = "".join(
        f'[maatregelen.{id_}]\nniet_met = ["{other}"]\n{text.replace("ID", id_)}' for id_, other in ("ab", "ba")
    )
    known = wb.maatregelen(own_file(tmp_path, several))
    assert list(known)[-2:] == ["a", "b"] and known["a"].niet_met == ("b",)
    kas = OWN.replace("woningbouw", "kas")
    with pytest.raises(DefinitionError, match="unknown functie; got 'kas'"):
        wb.maatregelen(own_file(tmp_path, kas))
    assert "eigen_wadi" in wb.maatregelen(own_file(tmp_path, kas), functies=[*wb.functies(), "kas"])


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("zout = 1\n" + OWN, "zout", "unknown key"),
        (OWN + "[lagen]\nghgg = { plus = 1 }", "lagen", "unknown layer; got 'ghgg'; allowed: did you mean 'ghg'"),
        (OWN + "[waar]\nzout = { minstens = 1 }", "waar", "unknown layer; got 'zout'"),
        (OWN + "[waar]\nghg = { minst = 1 }", "waar.ghg.minst", "minstens"),
        (OWN + "[lagen]\nghg = { keer = 1 }", "lagen.ghg.keer", "plus"),
        (OWN + "[lagen]\nghg = { maal = -1 }", "lagen.ghg.maal", "cannot be negative; got -1"),
        (OWN + "[lagen]\nghg = { plus = inf }", "lagen.ghg.plus", "not a number that a layer can have; got inf"),
        (OWN + "[lagen]\nghg = { plus = nan }", "lagen.ghg.plus", "not a number that a layer can have; got nan"),
        (OWN + '[lagen]\nghg = { plus = "zand" }', "lagen.ghg.plus", "unknown parameter; got 'zand'"),
        (OWN + "[lagen]\nnatuur = { hoogstens = 0 }", "lagen.natuur", "cannot move a layer of classes"),
        (OWN + "[parameters]\nzand = { wordt = 1 }", "parameters.zand", "unknown parameter; got 'zand'"),
        (OWN + "[parameters]\nverhardingsgraad = { wordt = -0.1 }", "verhardingsgraad", "outside its limits; got -0.1"),
        (OWN + "[parameters]\nbergingseis_mm = { wordt = 40 }", "bergingseis_mm", "never sets a norm"),
        (OWN + "[parameters]\npeilstijging_m = { wordt = 0.5 }", "peilstijging_m", "never sets a norm"),
        (OWN + "[ruimte]\nplus = -0.1", "ruimte.plus", "greater than or equal to 0; got -0.1"),
        (OWN + "[berging.aangelegde_berging_mm]\nplus = -1", "berging", "storage cannot be negative; got -1"),
        (OWN + '[berging.aangelegde_berging_mm]\nplus = 1\nkeer = "dak"', "berging", "unknown parameter; got 'dak'"),
        (OWN.replace("infiltratie", "infiltraties"), "groep", "unknown groep; .*did you mean 'infiltratie'"),
        (OWN.replace('["woningbouw"]', '["wonen"]'), "functies", "unknown functie; got 'wonen'"),
        ('niet_met = ["wady"]\n' + OWN, "eigen_wadi.niet_met", "unknown measure; got 'wady'.*did you mean 'wadi'"),
        ('niet_met = ["eigen_wadi"]\n' + OWN, "niet_met", "names the measure itself; got 'eigen_wadi'"),
        ('zin_en = "{hoogte} m of sand"\n' + OWN, "zin_en", "not a clause; .*in braces: functie, ha, ophoging"),
        ('zin_zonder_zand = "{ zand"\n' + OWN, "zin_zonder_zand", "not a clause; got '{ zand'"),
        ('zin_zonder_zand = "{ophoging:x} m zand"\n' + OWN, "zin_zonder_zand", "not a clause"),
        ('tenzij = ["ghg"]\n' + OWN, "tenzij", "not a layer that this measure moves; got 'ghg'"),
        (OWN.replace("eigen_wadi", "wadi"), "", "a measure of this id exists already; got 'wadi'"),
        ("aan = false\n" + OWN, "", "says why in reden"),
        (OWN.replace("[3, 12]", "[12, 3]"), "", "the lower number comes first"),
        (OWN + '[[anders]]\nwaterschap = "zee"', "anders", "unknown name; got 'zee'"),
        (OWN + "[[anders]]\nruimte = { plus = 0.1 }", "anders", "for which functie or waterschap"),
    ],
)
def test_what_a_measure_may_not_hold_is_told_with_its_place(text, where, what, tmp_path):
    path = own_file(tmp_path, text)
    with pytest.raises(DefinitionError, match=what) as told:
        wb.maatregelen(path)
    assert str(path) in told.value.where and where in told.value.where


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("place", ["[lagen]", '[[anders]]\nfunctie = "woningbouw"\n[anders.lagen]'])
def test_a_measure_moves_no_level_beside_its_own_streefpeil(level, place, tmp_path):
    text = f"{OWN}[parameters]\nstreefpeil_m = {{ wordt = 0.3 }}\n{place}\n{level} = {{ plus = 0.2 }}\n"
    with pytest.raises(DefinitionError, match=f"moves the groundwater by that alone; got '{level}'"):
        wb.maatregelen(own_file(tmp_path, text))


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path):
    text = OWN.replace("infiltratie", "dakje") + "[lagen]\nghgg = { plus = 1 }\n[parameters]\nzand = { plus = 1 }"
    with pytest.raises(wb.WaterbodemError) as told:
        wb.maatregelen(own_file(tmp_path, text))
    assert [p.value for p in told.value.problems] == ["dakje", "ghgg", "zand"]


def test_an_unknown_measure_is_told_with_the_nearest_one():
    with pytest.raises(DefinitionError, match="unknown measure; got 'wadie'; allowed: did you mean 'wadi'"):
        MEASURES["wadie"]


def test_measures_show_themselves_in_a_notebook():
    assert "infiltratie" in MEASURES["wadi"]._repr_html_() and "RIONED" in repr(MEASURES["wadi"])
    assert all(id_ in MEASURES._repr_html_() and id_ in repr(MEASURES) for id_ in MEASURES)


# --- on the command line ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taal", ["nl", "en"])
@pytest.mark.parametrize("id_", MEASURES)
def test_the_command_line_shows_a_measure_in_full_with_every_source(id_, taal):
    m = MEASURES[id_]
    done = CliRunner().invoke(cli, ["maatregelen", id_, "--taal", taal])
    assert done.exit_code == 0
    assert all(
        f"  {key}: {registry.sources()[key].titel}" in done.output for part in sourced_parts(m) for key in part.bron
    )
    for text in (m.bijwerking, m.reden, m.zin if taal == "nl" else m.zin_en, *m.ook_nodig, *m.niet_met, *m.changes):
        assert text in done.output


def test_the_command_line_lists_all_measures_own_ones_too(tmp_path):
    done = CliRunner().invoke(cli, ["maatregelen", "--maatregelen", str(own_file(tmp_path, OWN))])
    assert done.exit_code == 0
    listed = [line.split()[1] for line in done.output.splitlines()[1:53]]
    assert listed == list(MEASURES) and "Wadi van ons" in done.output.splitlines()[53]
    assert all(f"{m.id}: {m.reden}" in done.output for m in MEASURES.values() if not m.aan)


def test_the_command_line_names_the_nearest_measure():
    done = CliRunner().invoke(cli, ["maatregelen", "wadie"])
    assert done.exit_code == 1 and "did you mean 'wadi'" in done.output
