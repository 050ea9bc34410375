"""An answer in a file comes back as it was, and a file from anyone is safe to open."""

import io
import json
import struct
import zipfile
from operator import attrgetter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

import waterbodem as wb
from tests.support.grids import LEFT, TOP, box, even
from waterbodem.assessment.files import save_assessment
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError, CorruptLayer, UnsafePath, WaterbodemError
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.receiving import builtin_reach, reception_rules
from waterbodem.formats import archive
from waterbodem.formats.tables import csv_bytes, csv_text
from waterbodem.views.report.page import report_html


def same(a, b):
    xr.testing.assert_identical(a.cells, b.cells)
    for x, y in ((a.table, b.table), (a.kompas, b.kompas)):
        pd.testing.assert_frame_equal(pd.DataFrame(x), pd.DataFrame(y), check_exact=True)
    assert a.table.crs == b.table.crs and (a.outside, a.notes) == (b.outside, b.notes)
    p, q = a.question, b.question
    assert (p.grid, p.areas, p.functies) == (q.grid, q.areas, q.functies)
    values = attrgetter("method", "storage", "damping", "reach", "well", "rules")
    assert values(p.settings) == values(q.settings)
    for name in ("start", "cell", "cover"):
        assert np.array_equal(getattr(p.prints, name), getattr(q.prints, name))


def reopened(answer, folder):
    return wb.open_assessment(answer.save(folder / "a.waterbodem"))


@pytest.fixture(scope="module")
def answer():
    layers = wb.example(size=100, resolution=20, scenarios=True)
    layers["droogte"][:40] = np.nan
    layers["geheim"] = layers["kwel"] * 2
    return wb.assess(layers, ["woningbouw", "natte_natuur"], wb.example_plans(), aangelegde_berging_mm=20)


def test_it_comes_back_as_it_was(answer, tmp_path):
    back = reopened(answer, tmp_path)
    same(answer, back)
    assert back.explore().html == answer.explore().html
    assert report_html(back) == report_html(answer)
    x, y = answer.question.areas[0].geometry.representative_point().coords[0]
    assert repr(back.waarom(x, y).to_dict()) == repr(answer.waarom(x, y).to_dict())
    assert "geheim" not in back.question.layers


def same_receivers(a, b):
    assert list(a.ledgers) == list(b.ledgers) and a.is_exposed == b.is_exposed
    for one, other in zip(a.ledgers.values(), b.ledgers.values(), strict=True):
        pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
        pd.testing.assert_frame_equal(one.cumulatie, other.cumulatie, check_exact=True)
        xr.testing.assert_identical(one.cells, other.cells)
        assert one.herkomst == other.herkomst and one.notes == other.notes and other.sluit
        assert one.niet_bepaald == other.niet_bepaald
    assert a.paths().to_wkt().equals(b.paths().to_wkt())
    for one, other in zip(a.exposure, b.exposure, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [t.area for t in a.question.receiver_question.given] == [t.area for t in b.question.receiver_question.given]


def test_who_receives_it_comes_back_and_can_be_kept_again(answer, tmp_path):
    back = reopened(answer, tmp_path)
    same_receivers(answer, back)
    assert back.save(tmp_path / "b").read_bytes() == answer.save(tmp_path / "a").read_bytes()
    ours, theirs = (save_assessment(b, tmp_path / n) for b, n in ((answer, "een"), (back, "twee")))
    names = [p.relative_to(tmp_path / "een") for p in ours]
    assert names == [p.relative_to(tmp_path / "twee") for p in theirs]
    for name in names[:-1]:
        assert (tmp_path / "een" / name).read_bytes() == (tmp_path / "twee" / name).read_bytes(), name
    assert {"ontvangst.tif", "grondwater.tif", "stroompaden.gpkg", "grootboek.csv"} <= {n.name for n in names}


@pytest.mark.parametrize("missing", [["maaiveld"], ["ghg"], ["maaiveld", "ghg"], ["wateroverlast", "kwetsbaarheid"]])
def test_what_was_not_determined_stays_so(missing, tmp_path):
    layers = wb.example(size=60, resolution=33)
    b = wb.assess(layers.drop_vars(missing, errors="ignore"), "woningbouw", wb.example_plans())
    same_receivers(b, reopened(b, tmp_path))


def test_own_receivers_reach_damping_and_well_come_back(tmp_path):
    plans = wb.example_plans()
    around = gpd.GeoDataFrame({"naam": ["<buurt>"]}, geometry=[plans.geometry.iloc[1].buffer(150)], crs=plans.crs)
    well = Well(100_000, 300, 400)
    ask = {"ontvangers": around, "demping_m": 300, "reikwijdte": builtin_reach(), "onttrekking": well}
    b = wb.assess(wb.example(size=80, resolution=25), ["woningbouw", "drinkwaterwinning"], plans[:2], **ask)
    back = reopened(b, tmp_path)
    same(b, back)
    same_receivers(b, back)
    assert back.question.settings.well == well and back.question.settings.damping == 300
    assert back.question.settings.reach == builtin_reach()


def test_a_file_grows_with_what_is_reached_not_with_the_land(tmp_path):
    """More than twice the land around the same plan, at the same cell size: the file stays as large."""
    plan, sizes = wb.example_plans()[:1], []
    whole = wb.example(size=200, resolution=10)
    rows, cols = (
        np.searchsorted(*v)
        for v in ((-whole.y.values, -plan.bounds.miny.values), (whole.x.values, plan.bounds.maxx.values))
    )
    small = whole.isel(y=slice(0, int(rows[0]) + 3), x=slice(0, int(cols[0]) + 3))
    for layers in (small, whole):
        b = wb.assess(layers.drop_vars(["ghg", "beekdal"]), "woningbouw", plan)
        sizes.append(b.save(tmp_path / "a").stat().st_size)
    assert sizes[1] < 1.5 * sizes[0]


def test_ditches_level_areas_and_nature_come_back(tmp_path):
    layers = wb.example(size=100, resolution=20)
    layers["water"] = (("y", "x"), np.tile(np.arange(100) % 9 == 4, (100, 1)).astype(np.float32))
    layers["natuur"] = (("y", "x"), np.full((100, 100), 3, np.float32))
    plans = wb.example_plans()
    level = gpd.GeoDataFrame(
        {"naam": ["polder"], "soort": ["peilgebied"]}, geometry=[plans.union_all().buffer(300)], crs=plans.crs
    )
    b = wb.assess(layers, ["woningbouw", "akkerbouw"], plans, ontvangers=level)
    polder = b.grootboek[b.grootboek.ontvanger == "polder"]
    assert (polder.stijging_peil_cm > 0).any() and polder.voortoets.any()
    back = reopened(b, tmp_path)
    same_receivers(b, back)
    assert report_html(back) == report_html(b)


def test_where_it_was_too_much_to_look_into_it_says_so(monkeypatch, tmp_path):
    rules = reception_rules()
    few = rules.constanten["tabel_max"].model_copy(update={"waarde": 3})
    monkeypatch.setitem(rules.constanten, "tabel_max", few)
    b = wb.assess(wb.example(size=60, resolution=33), "woningbouw", wb.example_plans())
    assert b.table.vrijgekomen_m3.isna().all() and "4 uitkomsten" in b.no_receivers
    back = reopened(b, tmp_path)
    same(b, back)
    assert "bewaard zonder wie ontvangt" in back.ledgers["woningbouw"].niet_bepaald[0]
    assert b.ledgers["woningbouw"].sluit, "the ledger itself can be asked for"


@pytest.mark.parametrize("crs", ["EPSG:28992", None])
def test_own_functie_raster_reference_and_outside_polygons_come_back(crs, tmp_path):
    own = wb.functies()["woningbouw"].replace(verhardingsgraad=0.7)
    codes = xr.DataArray(np.array([[7, 7, np.nan]] * 3, np.float32), dims=("y", "x"))
    far = box(100, 100, 101, 101)
    plans = gpd.GeoDataFrame({"naam": ["<b>", "ver"]}, geometry=[box(0, 0, 3, 3), far], crs=crs)
    b = wb.assess(even(crs=crs), own, plans, referentie=codes, methode="owa", orness=0.3, bergingseis_mm=60)
    back = reopened(b, tmp_path)
    same(b, back)
    assert np.array_equal(back.question.settings.reference.codes, b.question.settings.reference.codes, equal_nan=True)


@pytest.mark.parametrize("crs", ["EPSG:28992", None])
@pytest.mark.parametrize("cells", [(2, 2, 3, 3), (0, 2, 6, 3), (2, 0, 3, 6), (1, 1, 5, 4)])
def test_one_cell_one_row_and_one_column_come_back_where_they_lie(cells, crs, tmp_path):
    """Coordinates of one cell do not tell how large it is, and those of a part are not those of the whole."""
    b = wb.assess(even(6, 6, ghg=0.5, crs=crs), "woningbouw", box(*cells))
    same(b, reopened(b, tmp_path))
    left, top = LEFT + 10 * cells[0], TOP - 10 * cells[1]
    b.waarom(left + 1, top - 1)  # a corner of the first cell, far from its middle
    if crs or 1 in (cells[2] - cells[0], cells[3] - cells[1]):
        numbers = [float(v) for v in b.cells.spatial_ref.attrs["GeoTransform"].split()]
        assert numbers == [left, 10, 0, top, 0, -10]


def test_the_same_answer_gives_the_same_bytes(answer, tmp_path):
    first, second = (answer.save(tmp_path / n).read_bytes() for n in ("a", "b"))
    assert first == second and [p.name for p in sorted(tmp_path.iterdir())] == ["a", "b"]


def test_other_rules_are_told(answer, tmp_path, monkeypatch):
    path = answer.save(tmp_path / "a.waterbodem")
    monkeypatch.setattr(registry, "rules_version", lambda: "andere")
    assert "geopend met regels andere" in wb.open_assessment(path).notes[-1]


# --- files from anyone -----------------------------------------------------------------------------------------------


def changed(path, name, edit):
    """Write the archive again with one member changed (None: left out)."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            data = edit(data) if member == name else data
            if data is not None:
                new.writestr(member, data)
    path.write_bytes(out.getvalue())
    return path


def edited(change):
    def edit(data):
        text = json.loads(data)
        change(text)
        return json.dumps(text).encode()

    return edit


def put(*keys, value):
    def change(text):
        for key in keys[:-1]:
            text = text[key]
        text[keys[-1]] = value

    return edited(change)


def received(change):
    return edited(lambda text: change(text["ontvangst"]))


BROKEN = {
    "no text": ("antwoord.json", lambda _: None),
    "no json": ("antwoord.json", lambda _: b"{"),
    "deep json": ("antwoord.json", lambda _: b"[" * 200_000),
    "other mark": ("antwoord.json", put("formaat", value="x")),
    "other version": ("antwoord.json", put("versie", value=99)),
    "no question": ("antwoord.json", edited(lambda t: t.pop("question"))),
    "list for table": ("antwoord.json", put("table", value=[])),
    "missing column": ("antwoord.json", edited(lambda t: t["table"].pop("nr"))),
    "huge claim": ("antwoord.json", put("cells", "data", "klasse", "vorm", value=[10**6, 10**6])),
    "negative shape": ("antwoord.json", put("cells", "data", "klasse", "vorm", value=[-1, 5])),
    "object kind": ("antwoord.json", put("cells", "data", "klasse", "soort", value="|O")),
    "member outside": ("antwoord.json", put("cells", "data", "klasse", "nr", value="../../etc/passwd")),
    "bad polygon": ("antwoord.json", put("question", "areas", value=[[1, "a", "00", ""]])),
    "other grid": ("antwoord.json", put("question", "grid", value=[0, 0, 1, 1, 3, 3, None])),
    "bad functie": ("antwoord.json", put("question", "functies", value=[{"id": "x"}])),
    "bad crs": ("antwoord.json", put("question", "grid", 6, value="http://localhost/crs")),
    "no receivers": ("antwoord.json", edited(lambda t: t.pop("ontvangst"))),
    "land without size": ("antwoord.json", put("ontvangst", "grid", value=[0, 0, 1, 1, 10**9, 10**9])),
    "plans off the land": ("antwoord.json", received(lambda t: t["grid"].__setitem__(0, 0.0))),
    "no ledger": ("antwoord.json", received(lambda t: t["verteld"].pop("woningbouw"))),
    "water from nowhere": ("antwoord.json", received(lambda t: t["weg"].update(cellen=t["weg"]["verder"]))),
    "water to nowhere": ("antwoord.json", received(lambda t: t["weg"].update(verder=t["weg"]["cellen"]))),
    "no lengths": ("antwoord.json", put("ontvangst", "weg", "lengten", value=[])),
    "no damping": ("antwoord.json", put("question", "instellingen", "demping_m", value=-1)),
    "other receiver": ("antwoord.json", received(lambda t: t["ontvangers"][0].__setitem__(4, "x"))),
    "plan twice": ("antwoord.json", received(lambda t: t["plannen"].append(t["plannen"][0]))),
    "ground elsewhere": ("antwoord.json", received(lambda t: t["grond"].__setitem__(0, 10**5))),
    "ground of another kind": ("antwoord.json", received(lambda t: t["grond"].__setitem__(2, t["open_water_ha"]))),
    "other open water": ("antwoord.json", received(lambda t: t.update(open_water_ha=t["grond"][2]))),
    "situation of no table": (
        "antwoord.json",
        put("question", "instellingen", "reikwijdte", value=100.0),
    ),
    "dry well": (
        "antwoord.json",
        put("question", "instellingen", "onttrekking", value={"m3_jr": 1, "kd_m2_d": 0, "c_d": 1}),
    ),
    "exposure elsewhere": ("antwoord.json", received(lambda t: t.update(blootstelling=[t["open_water_ha"]] * 2))),
    "short numbers": ("getallen/0.bin", lambda d: d[:-1]),
    "long numbers": ("getallen/0.bin", lambda d: d + b"x"),
    "no numbers": ("getallen/0.bin", lambda _: None),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_are_refused_with_a_reason(kind, answer, tmp_path):
    path = changed(answer.save(tmp_path / "a.waterbodem"), *BROKEN[kind])
    with pytest.raises(WaterbodemError):
        wb.open_assessment(path)


def test_codes_that_mean_nothing_are_refused(answer, tmp_path):
    path = answer.save(tmp_path / "a.waterbodem")
    with zipfile.ZipFile(path) as found:
        nr = json.loads(found.read("antwoord.json"))["cells"]["data"]["klasse"]["nr"]
    with pytest.raises(CorruptLayer, match="klasse"):
        wb.open_assessment(changed(path, f"getallen/{nr}.bin", lambda d: b"\x63" * len(d)))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 100, struct.pack("<I", 0x04034B50) * 50])
def test_what_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "a.waterbodem"
    path.write_bytes(content)
    with pytest.raises(CorruptLayer):
        wb.open_assessment(path)


def test_random_damage_never_escapes_as_another_error(answer, tmp_path):
    whole = answer.save(tmp_path / "a.waterbodem").read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 8):
            data[place] ^= int(rng.integers(1, 256))
        path = tmp_path / "b.waterbodem"
        path.write_bytes(bytes(data))
        try:
            same(answer, wb.open_assessment(path))
        except WaterbodemError:
            continue


def test_what_does_not_fit_in_memory_is_refused_before_it_is_made(answer, tmp_path, monkeypatch):
    path = answer.save(tmp_path / "a.waterbodem")
    monkeypatch.setattr(memory, "available_memory", lambda: 100_000)
    with pytest.raises(ArgumentError, match="memory"):
        wb.open_assessment(path)


@pytest.mark.parametrize("path", ["https://example.invalid/a.waterbodem", "/vsicurl/x", "a\0b"])
def test_only_files_of_this_machine_are_opened(path):
    with pytest.raises(UnsafePath):
        wb.open_assessment(path)


def test_numbers_that_json_lacks():
    values = {"a": [np.nan, np.inf, -np.inf, np.float32(0.1)], "b": (np.int64(3), True, None, "x")}
    text = json.dumps(archive.plain_data(values), allow_nan=False)
    back = archive.restored(json.loads(text))
    assert np.isnan(back["a"][0]) and back["a"][1:] == [np.inf, -np.inf, float(np.float32(0.1))]
    assert back["b"] == [3, True, None, "x"]
    with pytest.raises(ArgumentError, match="cannot be saved"):
        archive.plain_data({"a": object()})


# --- csv -------------------------------------------------------------------------------------------------------------


def test_dutch_excel_gets_what_it_opens(answer, tmp_path):
    raw = answer.to_csv(tmp_path / "a.csv", excel=True).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\r\n") == 1 + len(answer.table)
    back = pd.read_csv(tmp_path / "a.csv", sep=";", decimal=",", encoding="utf-8-sig")
    plain = pd.read_csv(answer.to_csv(tmp_path / "b.csv"))
    pd.testing.assert_frame_equal(back, plain)
    assert (tmp_path / "b.csv").read_text("utf-8") == csv_text(answer.table)


def test_formulas_stay_text_for_excel():
    table = gpd.GeoDataFrame({"gebied": ["=1+1", "a;=2", 'a"b\nc']}, geometry=[shapely.Point(0, 0)] * 3)
    text = csv_bytes(table, excel=True).decode("utf-8-sig")
    assert text == 'gebied\r\n\'=1+1\r\n"a;\'=2"\r\n"a""b\r\nc"\r\n'
