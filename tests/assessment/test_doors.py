"""An answer goes out to other tools: as files, as plain data, as text, to another process; the same as the command."""

from __future__ import annotations

import errno
import io
import json
import pickle
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from click.testing import CliRunner

import waterbodem as wb
from tests.assessment.test_cli import plan, world
from waterbodem.cli import cli

IDS = ["woningbouw", "natte_natuur"]
#: What herkomst tells of the moment and of how it was asked, not of the answer.
OF_THE_MOMENT = ("tijd", "duur_s", "opdracht")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The same question by the command and in Python: folder, what it printed, and the answer."""
    folder = tmp_path_factory.mktemp("wereld")
    layers, plans = world(folder, skip=("droogte",)), plan(folder)
    words = ["assess", "--layers", layers, "--gebied", plans, "--output", folder / "uit", "--json", "--float"]
    done = CliRunner().invoke(cli, [*map(str, words), *(w for id_ in IDS for w in ("--functie", id_))])
    assert done.exit_code == 0, done.output
    return folder / "uit", json.loads(done.stdout), wb.assess(wb.open_layers(layers), IDS, plans)


def test_write_writes_what_the_command_writes(asked, tmp_path):
    folder, _, answer = asked
    written = answer.write(tmp_path / "uit", float_=True)
    names = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}
    assert names == {p.relative_to(tmp_path / "uit") for p in written} and len(names) > 20
    told = [json.loads((root / "herkomst.json").read_text("utf-8")) for root in (folder, tmp_path / "uit")]
    for name in sorted(names - {Path("herkomst.json")}):
        assert (tmp_path / "uit" / name).read_bytes() == (folder / name).read_bytes(), name
    assert [{k: v for k, v in t.items() if k not in OF_THE_MOMENT} for t in told[:1]] == [
        {k: v for k, v in t.items() if k not in OF_THE_MOMENT} for t in told[1:]
    ]


def test_to_dict_is_what_the_command_prints(asked):
    folder, printed, answer = asked
    files = [Path(name) for name in printed.pop("files")]
    assert {f for f in folder.rglob("*") if f.is_file()} == set(files) and files[-1].name == "herkomst.json"
    assert json.loads(json.dumps(answer.to_dict(), allow_nan=False)) == printed
    assert answer.to_dict(files)["files"] == [str(f) for f in files]
    assert None in printed["table"][0].values(), "unknown is null"


def test_html_is_what_report_writes(asked, tmp_path):
    answer = asked[2]
    for taal in ("nl", "en"):
        assert answer.report(tmp_path / "r.html", taal).read_text("utf-8") == answer.html(taal)
    assert answer.html("en") != answer.html("nl")


AGAIN = """
import pickle, sys
answer = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps((answer.to_dict(), answer.html(), repr(answer))))
"""


def test_an_answer_goes_to_another_process_as_it_is(asked):
    answer = asked[2]
    done = subprocess.run([sys.executable, "-c", AGAIN], input=pickle.dumps(answer), capture_output=True, check=True)
    assert pickle.loads(done.stdout) == (answer.to_dict(), answer.html(), repr(answer))


def test_an_answer_whose_receivers_are_known_goes_too():
    layers = wb.example()
    answer = wb.assess(layers, "woningbouw", wb.example_plans(), ontvangers=wb.example_plans())
    assert len(answer.grootboek) > 0
    again = pickle.loads(pickle.dumps(answer))
    assert again.grootboek.equals(answer.grootboek) and again.cells.identical(answer.cells)
    assert again.to_dict() == answer.to_dict() and "grootboek" in again.to_dict()


def test_a_map_that_is_copied_away_tells_what_it_is(asked, tmp_path):
    folder, _, answer = asked
    files = sorted(folder.rglob("*.tif"))
    assert len(files) > 12
    for path in files:
        with rasterio.open(path) as file:
            told = file.tags()
            assert told["TIFFTAG_SOFTWARE"] == f"waterbodem {wb.__version__}"
            assert told["DEFINITIES"] == answer.cells.attrs["definities"]
            if path.parent != folder:
                assert told["FUNCTIE"] == path.parent.name
                assert told["LICENTIE"].startswith("onbekend: zettingsgevoeligheid, ")


def test_columns_of_a_package_need_no_quotes_in_sql(asked):
    """A plus in a name is a sum in SQL; CSV and Python keep it."""
    folder, _, answer = asked
    plus = [c for c in answer.table.columns if "+" in c]
    assert plus, "a criterion of two layers"
    asked_for = ", ".join(c.replace("+", "_en_") for c in plus)
    with closing(sqlite3.connect(folder / "gebieden.gpkg")) as package:
        found = package.execute(f"SELECT {asked_for} FROM gebieden ORDER BY fid").fetchall()
    np.testing.assert_array_equal(np.array(found, float), answer.table[plus].to_numpy(float))
    assert plus[0] in (folder / "gebieden.csv").read_text("utf-8").splitlines()[0].split(",")
    names = pyogrio.read_info(folder / "gebieden.gpkg", layer="gebieden")["fields"]
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names), names


# --- into a file that is open -----------------------------------------------------------------------------------------


def written_by(answer):
    """What writes itself, and where its bytes stand otherwise."""
    two = wb.compare(answer.question.layers, IDS, answer.table.drop_duplicates("nr"), id="gebied")
    page = answer.explore()
    yield answer.report, answer.html().encode()
    yield two.report, two.html().encode()
    yield wb.difference(answer, answer).report, wb.difference(answer, answer).html().encode()
    yield page.save, page.html.encode()


def test_pages_and_tables_go_into_a_file_that_is_open_as_onto_the_disk(asked, tmp_path):
    answer = asked[2]
    for number, (write, wanted) in enumerate(written_by(answer)):
        data, text = io.BytesIO(), io.StringIO()
        assert write(data) is None and write(text) is None
        assert write(tmp_path / f"{number}.html").read_bytes() == data.getvalue() == wanted
        assert text.getvalue().encode() == wanted and not data.closed
    data = io.BytesIO()
    assert answer.to_csv(data, excel=True) is None
    assert answer.to_csv(tmp_path / "a.csv", excel=True).read_bytes() == data.getvalue()


def test_a_file_that_cannot_be_written_into_is_an_error_of_ours(asked, tmp_path):
    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(wb.errors.OutOfSpace, match="full"):
        asked[2].report(Full())
    (tmp_path / "a").write_bytes(b"x")
    with (tmp_path / "a").open("rb") as reading, pytest.raises(wb.errors.ArgumentError, match="cannot be written"):
        asked[2].report(reading)
    for wrong in (3, None):
        with pytest.raises(wb.errors.UnsafePath, match="not a path"):
            asked[2].report(wrong)
