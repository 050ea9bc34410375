"""Scenarios as an axis: rows of their own, what they say together, and how much of the answer they know."""

import csv
import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.support.grids import box, even
from tests.support.layer_files import catalogue, layer, raster
from tests.support.twins.across import across as twin
from waterbodem.cli import cli
from waterbodem.core.errors import ArgumentError, CorruptLayer
from waterbodem.engine.across import COLUMNS, NUMBERS
from waterbodem.views.console import answer_text

EXAMPLE = Path(__file__).parents[2] / "rasters" / "voorbeeld"
ASKED = ["woningbouw", "natte_natuur", "akkerbouw"]
GOOD = {"zettingsgevoeligheid": 0.0, "wateroverlast": 0.0, "droogte": 0.0, "keileemdiepte": np.inf, "kwel": -0.5}


def variant(layers, name, factor, **attrs):
    """Layers with a variant of one of them that is so many times as much."""
    base = name.partition("@")[0]
    return layers.assign({name: (layers[base] * np.float32(factor)).assign_attrs(attrs)})


@pytest.fixture(scope="module")
def layers():
    made = wb.example(size=100, resolution=20, scenarios=True)
    made = variant(made, "wateroverlast@T1000", 4, stresstest="140 mm in 2 uur")
    return variant(variant(made, "ghg@2100Hn", 0.6, horizon=2100), "droogte@2100Hn", 1)


@pytest.fixture(scope="module")
def plans():
    return wb.example_plans()


@pytest.fixture(scope="module")
def answer(layers, plans):
    return wb.assess(layers, ASKED, plans, scenarios="all")


def test_there_is_a_row_per_scenario_beside_that_of_today(answer):
    order = [(nr, f, s) for nr in range(1, 5) for f in ASKED for s in ("", "2050Hd", "T1000", "2100Hn")]
    t = answer.table
    assert list(zip(t.nr, t.functie, t.scenario, strict=True)) == order
    assert isinstance(t, gpd.GeoDataFrame) and t.crs.to_epsg() == 28992 and not t.geometry.is_empty.any()


def test_the_row_of_a_scenario_is_that_of_its_layers_as_if_they_were_the_present_ones(answer, layers, plans):
    for scenario in ("2050Hd", "T1000", "2100Hn"):
        own = {str(n).partition("@")[0]: layers[n] for n in layers.data_vars if str(n).endswith(f"@{scenario}")}
        swapped = layers.drop_vars([n for n in layers.data_vars if "@" in str(n)]).assign(own)
        want = wb.assess(swapped, ASKED, plans).rows.drop(columns=["geometry", "scenario"])
        got = answer.futures[answer.futures.scenario == scenario].drop(columns=["geometry", "scenario", *COLUMNS])
        assert got.reset_index(drop=True).equals(want[got.columns].reset_index(drop=True)), scenario


def test_today_is_the_same_whatever_is_asked(answer, layers, plans):
    alone = wb.assess(layers, ASKED, plans)
    assert alone.table.equals(answer.today.drop(columns=list(COLUMNS)))
    assert alone.kompas.equals(answer.kompas) and alone.cells.identical(answer.cells)


@pytest.mark.parametrize("asked", [["2050Hd"], ["2100Hn", "T1000"], "all"])
def test_the_columns_of_today_are_those_of_the_twin(layers, plans, asked):
    table = wb.per_gebied(layers, list(wb.functies()), plans, scenarios=asked).drop(columns="geometry")
    for _, rows in table.groupby("nr"):
        want = twin(rows.to_dict("records"), tests=("T1000",))
        for row in rows[rows.scenario == ""].to_dict("records"):
            for name, value in want[row["functie"]].items():
                got = row[name]
                assert got == pytest.approx(value, abs=1e-9, nan_ok=True) if name in NUMBERS else got == value, row
    later = table[table.scenario != ""]
    assert (later[["antwoord_slechtst", "spijt_functie", "lagen_met_variant"]] == "").all(axis=None)
    assert later[list(NUMBERS)].isna().all(axis=None)


def test_the_columns_are_there_only_where_scenarios_are_asked(layers, plans):
    assert not set(COLUMNS) & set(wb.per_gebied(layers, "woningbouw", plans).columns)
    assert not set(COLUMNS) & set(wb.per_gebied(layers, "woningbouw", plans, scenarios=[]).columns)


# --- by hand ---------------------------------------------------------------------------------------------------------


def by_hand(values, asked="all", functies="woningbouw", **attrs):
    """Rows of one plan of 3 x 3 equal cells of good ground with some other values; ``attrs`` of scenario layers."""
    made = even(**{**GOOD, **values})
    for name in (n for n in values if "@" in n):
        made[name].attrs.update(attrs.get(name.partition("@")[2], {}))
    return wb.per_gebied(made, functies, box(0, 0, 3, 3), scenarios=asked)


def test_wetter_makes_it_no_and_dry_makes_no_difference():
    """Wateroverlast 0.60 fires the threshold of woningbouw; droogte weighs 0.04 of it."""
    values = {"wateroverlast@2050Hn": 0.60, "droogte@2050Hd": 10.0}
    now = by_hand(values).iloc[0]
    assert (now.antwoord, now.antwoord_slechtst) == ("A", "D")
    assert (now.houdt_k, now.houdt_n, now.lagen_met_variant) == (1, 2, "2 van 5")


def test_a_copy_of_the_present_layer_is_no_variant():
    assert by_hand({"wateroverlast@2050Hd": 0.0}).lagen_met_variant.iloc[0] == "0 van 5"
    assert by_hand({"wateroverlast@2050Hd": np.nan}).lagen_met_variant.iloc[0] == "1 van 5"
    told = by_hand({"wateroverlast@2050Hd": 0.0, "droogte@2050Hd": 1.0, "droogte@2100Hd": 2.0})
    assert told.lagen_met_variant.iloc[0] == "1 van 5"  # two of one layer


def test_a_variant_of_a_layer_that_the_functie_does_not_look_at_counts_for_the_others_alone():
    table = by_hand({"ghg": 1.5, "gvg": 1.6, "gvg@2050Hd": 1.7}, functies=["woningbouw", "natte_natuur"])
    now = table[table.scenario == ""].set_index("functie").lagen_met_variant
    assert now["woningbouw"].startswith("0 van ") and now["natte_natuur"].startswith("1 van ")


def test_a_stress_test_has_a_row_and_counts_in_nothing():
    values = {"wateroverlast@T1000": 0.60, "wateroverlast@2050Hd": 0.05}
    table = by_hand(values, T1000={"stresstest": "140 mm"})
    now = table.iloc[0]
    assert table.antwoord.tolist() == ["A", "D", "A"] and table.scenario.tolist() == ["", "T1000", "2050Hd"]
    assert (now.antwoord_slechtst, now.houdt_k, now.houdt_n, now.lagen_met_variant) == ("A", 1, 1, "1 van 5")
    alone = by_hand(values, ["T1000"], T1000={"stresstest": "140 mm"}).iloc[0]
    assert (alone.antwoord_slechtst, alone.houdt_k, alone.houdt_n, alone.lagen_met_variant) == ("A", 0, 0, "0 van 5")


def test_what_is_unknown_in_a_scenario_does_not_hold():
    unknown = {f"{n}@2050Hd": np.nan for n in ("zettingsgevoeligheid", "wateroverlast", "keileemdiepte")}
    now = by_hand(unknown).iloc[0]
    assert (now.antwoord, now.antwoord_slechtst, now.houdt_k, now.houdt_n) == ("A", "X", 0, 1)
    worse = by_hand({**unknown, "wateroverlast@2050Hn": 0.60}).iloc[0]
    assert (worse.antwoord_slechtst, worse.houdt_k, worse.houdt_n) == ("D", 0, 2)


def test_what_is_unknown_today_cannot_be_told_to_hold():
    nothing = dict.fromkeys(("zettingsgevoeligheid", "wateroverlast", "keileemdiepte"), np.nan)
    now = by_hand({**nothing, "wateroverlast@2050Hd": 0.0}).iloc[0]
    assert now.antwoord == "X" and np.isnan(now.houdt_k) and now.houdt_n == 1 and np.isnan(now.spijt)


def test_regret_is_against_the_best_functie_where_it_is_largest():
    """Dry ground suits housing; in the scenario it is wet: then wet farming stands where housing fell."""
    values = {"ghg": 1.5, "glg": 2.0, "ghg@2100Hn": 0.30, "glg@2100Hn": 0.60, "kwel@2100Hn": 0.5}
    table = by_hand(values, functies=["woningbouw", "natte_landbouw"])
    scores = table.set_index(["functie", "scenario"]).score
    now = table[table.scenario == ""].set_index("functie")
    gaps = {s: scores["natte_landbouw", s] - scores["woningbouw", s] for s in ("", "2100Hn")}
    assert gaps[""] < 0 < gaps["2100Hn"]
    assert now.spijt["woningbouw"] == pytest.approx(gaps["2100Hn"])
    assert now.spijt_functie["woningbouw"] == "natte_landbouw"
    assert (
        now.spijt["natte_landbouw"] == pytest.approx(-gaps[""]) and now.spijt_functie["natte_landbouw"] == "woningbouw"
    )


def test_a_scenario_that_knows_less_is_no_ground_for_regret():
    values = {"ghg": 1.5, "glg": 2.0, "ghg@2100Hn": 0.30, "droogte@2100Hn": np.nan}
    table = by_hand(values, functies=["woningbouw", "natte_landbouw"])
    now = table[table.scenario == ""].set_index("functie")
    assert now.spijt["woningbouw"] == 0 and now.spijt_functie["woningbouw"] == ""  # of today alone


# --- names -----------------------------------------------------------------------------------------------------------


def test_presets_and_old_names(layers, plans):
    one = plans.geometry[0]

    def asked(names):
        return list(wb.assess(layers, "woningbouw", one, scenarios=names).question.asked)

    assert asked("knmi23") == ["2050Hd", "2100Hn"] and asked("all") == ["2050Hd", "T1000", "2100Hn"]
    assert asked(["2050hoog", "2050Hd", "knmi23"]) == ["2050Hd", "2100Hn"]
    assert asked("T1000") == ["T1000"] and asked(None) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["2050Hx"], "did you mean '2050Hd'"),
        ("knmi24", "did you mean 'knmi23'"),
        (["2050Hd", 3], "scenario is no name; got 3"),
        (3, "scenario is no name; got 3"),
    ],
)
def test_an_unknown_scenario_is_told_by_name(layers, plans, asked, said):
    with pytest.raises(ArgumentError, match=re.escape(said)):
        wb.assess(layers, "woningbouw", plans, scenarios=asked)


@pytest.mark.filterwarnings("ignore:scenario layer")
def test_a_scenario_without_any_variant_is_told_by_name():
    lacking = even(**GOOD, **{"ghg@2050Hd": 1.0})
    for asked in (["2050Hd"], "2050hoog", "knmi23", "all"):
        with pytest.raises(ArgumentError, match="without any variant"):
            wb.assess(lacking, "woningbouw", box(0, 0, 3, 3), scenarios=asked)
    with pytest.raises(ArgumentError, match="no layer of a scenario is listed"):
        wb.assess(even(**GOOD), "woningbouw", box(0, 0, 3, 3), scenarios=["2050Hd"])


def test_a_name_that_says_high_or_low_is_remarked_on():
    values = {"wateroverlast@2050laag": 0.1}
    made = even(**GOOD, **values)
    notes = wb.assess(made, "woningbouw", box(0, 0, 3, 3), scenarios="all").notes
    assert "wateroverlast@2050laag: 2050laag zegt niet welk scenario; zet het in bron_scenario" in notes
    made["wateroverlast@2050laag"].attrs["bron_scenario"] = "KNMI'23 Ld"
    assert not wb.assess(made, "woningbouw", box(0, 0, 3, 3), scenarios="all").notes
    del made["wateroverlast@2050laag"].attrs["bron_scenario"]
    assert not wb.assess(made, "woningbouw", box(0, 0, 3, 3)).notes  # nobody asked


# --- where it is shown -----------------------------------------------------------------------------------------------


def test_an_answer_with_scenarios_comes_back_as_it_was(answer, tmp_path):
    again = wb.open_assessment(answer.save(tmp_path / "a.waterbodem"))
    assert again.table.equals(answer.table) and again.question.asked == answer.question.asked
    assert again.html() == answer.html() and repr(again) == repr(answer)
    assert {p.name for p in (tmp_path / "weer").rglob("klasse.tif")} == set()
    again.write(tmp_path / "weer"), answer.write(tmp_path / "toen")
    for folder in ("woningbouw@2050Hd", "akkerbouw@T1000", "natte_natuur"):
        one, other = ((tmp_path / name / folder / "klasse.tif").read_bytes() for name in ("weer", "toen"))
        assert one == other


def test_scenarios_that_a_file_says_were_asked_must_be_there(answer, tmp_path):
    from waterbodem.answers import archive

    path = tmp_path / "a.waterbodem"
    object.__setattr__(answer.question, "asked", ("2050Hd", "T1000", "2099"))
    try:
        archive.save_answer(answer, path)
    finally:
        object.__setattr__(answer.question, "asked", ("2050Hd", "T1000", "2100Hn"))
    with pytest.raises(CorruptLayer, match="scenarios are not those of the layers"):
        wb.open_assessment(path)


def test_the_dossier_shows_every_answer_under_every_scenario(answer):
    page = answer.html()
    section = page[page.index('id="scenarios"') :]
    section = section[: section.index("</section>")]
    rows = re.findall(r"<tr><th.*?</tr>", section)
    cells = [re.findall(r'class="chip k(\w+)"', row) for row in rows if "chip" in row]
    table = answer.table
    want = [g.antwoord.tolist() for _, g in table.groupby(["nr", "functie"], sort=False)]
    assert cells == want and "T1000 (stresstest)" in section
    assert "2050; verzonnen, naar KNMI&#39;23 Hd" in section
    assert 'id="scenarios"' not in wb.assess(answer.question.layers, "woningbouw", wb.example_plans()).html()


def test_words_tell_whether_it_holds(answer):
    rows = answer.today.to_dict("records")
    fallen = next(r for r in rows if r["houdt_k"] < r["houdt_n"])
    assert f"houdt in {fallen['houdt_k']:.0f} van 2 scenario's" in answer_text(answer)
    assert f"holds in {fallen['houdt_k']:.0f} of 2 scenarios" in answer_text(answer, "en")
    assert "houdt in" in repr(answer) and "Houdt in" in answer._repr_html_() and "Houdt in" in answer.html()
    assert "Stresstest T1000" in answer.html() and "Stress test T1000" in answer.html("en")


def test_words_of_a_copy_say_that_nothing_is_known():
    copied = wb.assess(even(**GOOD, **{"droogte@2050Hd": 0.0}), "woningbouw", box(0, 0, 3, 3), scenarios="all")
    assert "geen van de 5 lagen waar dit antwoord op rust heeft hier een variant" in answer_text(copied)
    assert "houdt in" not in answer_text(copied)


@pytest.fixture
def files(tmp_path):
    text = ""
    for name, value in {**GOOD, "wateroverlast@2050Hn": 0.60, "wateroverlast@T1000": 0.9}.items():
        file = raster(tmp_path / f"{name}.tif", np.full((8, 8), min(value, 9999), np.float32))
        base, _, scenario = name.partition("@")
        unit = {"zettingsgevoeligheid": "m/m", "droogte": "%", "kwel": "mm/d"}.get(base, "m")
        more = {"keileemdiepte": {"absent": 9999}, "kwel": {"sign": '"up"'}}.get(base, {})
        more = {**more, **({"stresstest": "true"} if scenario == "T1000" else {"horizon": 2050} if scenario else {})}
        text += layer(name, file.name, unit, **more)
    catalogue(tmp_path, text)
    (tmp_path / "plan.geojson").write_text(_geojson(), encoding="utf-8")
    return tmp_path


def _geojson():
    ring = [[230_010, 559_950], [230_050, 559_950], [230_050, 559_990], [230_010, 559_990], [230_010, 559_950]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    feature = {"type": "Feature", "properties": {"naam": "P"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]})


def rows_of(folder):
    with (folder / "gebieden.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ask(*words):
    return CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)


def asking(files, *scenarios):
    words = ["assess", "--layers", files / "lagen.toml", "--functie", "woningbouw", "--gebied", files / "plan.geojson"]
    return [*words, *(w for s in scenarios for w in ("--scenario", s))]


def test_the_command_line_asks_for_scenarios(files):
    done = ask(*asking(files, "2050Hn", "T1000"), "--output", files / "uit")
    assert done.exit_code == 0 and "houdt in 0 van 1 scenario's" in done.stdout, done.output
    rows = rows_of(files / "uit")
    assert [(r["scenario"], r["antwoord"]) for r in rows] == [("", "A"), ("2050Hn", "D"), ("T1000", "D")]
    assert [rows[0][n] for n in COLUMNS] == ["D", "0", "1", "0", "", "1 van 5"]
    assert [rows[1][n] for n in COLUMNS] == [""] * 6
    assert (files / "uit" / "woningbouw@2050Hn" / "klasse.tif").is_file()
    told = json.loads((files / "uit" / "herkomst.json").read_text("utf-8"))
    assert "--scenario 2050Hn --scenario T1000" in told["opdracht"] and "woningbouw@T1000/risico.tif" in told["uitvoer"]
    read = gpd.read_file(files / "uit" / "gebieden.gpkg", layer="gebieden")
    assert read.houdt_n.tolist()[0] == 1 and read.antwoord_slechtst.tolist()[0] == "D"


def test_the_command_line_refuses_an_unknown_scenario(files):
    done = ask(*asking(files, "2050Hd"))
    assert done.exit_code == 1 and "unknown scenario" in done.output


@pytest.mark.parametrize("given", ['["2050Hn", "T1000"]', '"all"'])
def test_a_run_says_the_same_of_scenarios_as_an_answer(files, given):
    assert ask(*asking(files, "2050Hn", "T1000"), "--output", files / "antwoord").exit_code == 0
    text = f'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\npictures = false\nscenarios = {given}\n'
    (files / "run.toml").write_text(text + '[gebieden]\npath = "plan.geojson"\n', encoding="utf-8")
    wb.run(files / "run.toml")
    rows, want = (rows_of(files / folder) for folder in ("uit", "antwoord"))
    receiving = set(want[0]) - set(rows[0])  # water is not routed for maps and tables of a run without maaiveld
    assert rows == [{n: v for n, v in row.items() if n not in receiving} for row in want]
    page = (files / "uit" / "rapport.html").read_text("utf-8")
    assert "Houdt in 0 van 1 scenario&#39;s" in page


def test_a_run_with_many_functies_says_the_same_as_an_answer(tmp_path):
    """From the same files, with the built-in example written out."""
    text = (
        f'layers = "{EXAMPLE}"\nfuncties = "all"\noutput = "uit"\npictures = false\nscenarios = "knmi23"\nmaps = []\n'
    )
    (tmp_path / "run.toml").write_text(text + f'[gebieden]\npath = "{EXAMPLE / "plannen.geojson"}"\n', encoding="utf-8")
    wb.run(tmp_path / "run.toml")
    rows = rows_of(tmp_path / "uit")
    answer = wb.per_gebied(
        wb.open_layers(EXAMPLE), list(wb.functies()), EXAMPLE / "plannen.geojson", scenarios="knmi23"
    )
    for name in COLUMNS:
        want = ["" if v != v else f"{v:.6g}" if name in NUMBERS else v for v in answer[name]]
        assert [r[name] for r in rows] == want, name
