"""An answer in a file comes back as it was, and a file from anyone is safe to open."""

import io
import json
import re
import struct
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from places import box, even

import waterbodem as wb
from waterbodem import archive, memory, registry
from waterbodem.errors import ArgumentError, CorruptLayer, UnsafePath, WaterbodemError
from waterbodem.report import report_html
from waterbodem.table_files import csv_bytes, csv_text


def same(a, b):
    xr.testing.assert_identical(a.cells, b.cells)
    for x, y in ((a.table, b.table), (a.kompas, b.kompas)):
        pd.testing.assert_frame_equal(pd.DataFrame(x), pd.DataFrame(y), check_exact=True)
    assert a.table.crs == b.table.crs and (a.outside, a.notes) == (b.outside, b.notes)
    p, q = a.question, b.question
    assert (p.grid, p.areas, p.functies, p.rules) == (q.grid, q.areas, q.functies, q.rules)
    assert (p.settings.methode, p.settings.orness, p.settings.measures) == (
        q.settings.methode,
        q.settings.orness,
        q.settings.measures,
    )
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
    before, after = (report_html(b) for b in (answer, back))
    chapter = re.compile(r'<section[^>]*aria-labelledby="ontvangst".*?</section>', re.S)
    assert chapter.sub("", after) == chapter.sub("", before), "the same but for who receives it"
    assert "een bewaard antwoord heeft het land om de plannen niet" in after
    x, y = answer.question.areas[0].geometry.representative_point().coords[0]
    assert repr(back.waarom(x, y).to_dict()) == repr(answer.waarom(x, y).to_dict())
    assert "geheim" not in back.question.layers


@pytest.mark.parametrize("crs", ["EPSG:28992", None])
def test_own_functie_raster_reference_and_outside_polygons_come_back(crs, tmp_path):
    own = wb.functies()["woningbouw"].replace(verhardingsgraad=0.7)
    codes = xr.DataArray(np.array([[7, 7, np.nan]] * 3, np.float32), dims=("y", "x"))
    far = box(100, 100, 101, 101)
    plans = gpd.GeoDataFrame({"naam": ["<b>", "ver"]}, geometry=[box(0, 0, 3, 3), far], crs=crs)
    b = wb.assess(even(crs=crs), own, plans, referentie=codes, methode="owa", orness=0.3, bergingseis_mm=60)
    back = reopened(b, tmp_path)
    same(b, back)
    assert np.array_equal(back.question.settings.reference, b.question.settings.reference, equal_nan=True)


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
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    with pytest.raises(ArgumentError, match="memory"):
        wb.open_assessment(path)


@pytest.mark.parametrize("path", ["https://example.invalid/a.waterbodem", "/vsicurl/x", "a\0b"])
def test_only_files_of_this_machine_are_opened(path):
    with pytest.raises(UnsafePath):
        wb.open_assessment(path)


def test_numbers_that_json_lacks():
    values = {"a": [np.nan, np.inf, -np.inf, np.float32(0.1)], "b": (np.int64(3), True, None, "x")}
    text = json.dumps(archive.plain(values), allow_nan=False)
    back = archive.restored(json.loads(text))
    assert np.isnan(back["a"][0]) and back["a"][1:] == [np.inf, -np.inf, float(np.float32(0.1))]
    assert back["b"] == [3, True, None, "x"]
    with pytest.raises(ArgumentError, match="cannot be saved"):
        archive.plain({"a": object()})


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
