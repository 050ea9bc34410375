"""A raster file as present use: on the command line and in a run the same as a DataArray in Python."""

from __future__ import annotations

import hashlib
import json
import tomllib

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from click.testing import CliRunner

import waterbodem as wb
from tests.support.layer_files import LEFT, TOP, catalogue, layer, polygons, raster, square
from waterbodem.cli import cli
from waterbodem.formats.cog.writer import percent

BASIC = {"zettingsgevoeligheid": ("m/m", 0.0), "wateroverlast": ("m", 0.1), "droogte": ("%", 10.0),
         "keileemdiepte": ("m", 5.0), "kwel": ("mm/d", 0.2), "ghg": ("m", 0.5)}  # fmt: skip
SIGNS = {"kwel": '"up"', "ghg": '"down"'}
#: 20 m cells over those of 10 m: arable, grass, houses, and unknown in the lower left corner.
CODES = np.array([[6, 6, 7, 7, 1]] * 4 + [[255, 255, 7, 7, 1]], np.uint8)
HERE = CODES.repeat(2, axis=0).repeat(2, axis=1)


def run(*args):
    return CliRunner().invoke(cli, [str(a) for a in args])


@pytest.fixture
def world(tmp_path):
    """Ten by ten cells of 10 m, a plan of 6 x 8, and a map of present use in cells of 20 m."""
    text = ""
    for name, (unit, value) in BASIC.items():
        values = np.full((10, 10), value, np.float32)
        if name == "ghg":
            values[::3] = 0.1  # ground that nobody drains
        raster(tmp_path / f"{name}.tif", values)
        text += layer(name, f"{name}.tif", unit, **({"sign": SIGNS[name]} if name in SIGNS else {}))
    catalogue(tmp_path, text)
    polygons(tmp_path / "plan.geojson", [(square(LEFT + 10, TOP - 90, LEFT + 85, TOP - 20), {"naam": "A"})])
    raster(tmp_path / "gebruik.tif", CODES, cell=20.0, nodata=255)
    return tmp_path


def asked(world, *more, functie="woningbouw"):
    return run("assess", "--layers", world, "--functie", functie, "--gebied", world / "plan.geojson", *more)


def in_python(world, codes=HERE, functie="woningbouw"):
    layers = wb.open_layers(world / "lagen.toml")
    held = np.where(codes == 255, np.nan, codes).astype(np.float32)
    return wb.assess(layers, functie, world / "plan.geojson", referentie=xr.DataArray(held, dims=("y", "x")))


def table(path):
    return pd.read_csv(path, keep_default_na=False)


def test_the_command_line_reads_it_by_the_nearest_of_its_cells(world):
    done = asked(world, "--output", world / "uit", "--referentie", world / "gebruik.tif", "--float")
    assert done.exit_code == 0, done.output
    in_python(world).write(world / "python")
    assert (table(world / "uit/gebieden.csv")).equals(table(world / "python/gebieden.csv"))
    row = table(world / "uit/gebieden.csv").iloc[0]
    assert (row["referentie"], row["referentie_bron"]) == ("raster", "gegeven")
    for name in ("risico.tif", "oorzaak.tif"):
        one, other = ((world / where / "woningbouw" / name).read_bytes() for where in ("uit", "python"))
        assert one == other, name


def test_a_run_reads_it_as_the_command_line_does(world):
    (world / "run.toml").write_text(
        'layers = "lagen.toml"\nfuncties = ["woningbouw", "natte_natuur"]\noutput = "run"\n[gebieden]\n'
        'path = "plan.geojson"\n[afwenteling]\nreferentie = "gebruik.tif"\n'
    )
    done = run("run", world / "run.toml")
    assert done.exit_code == 0, done.output
    asked(world, "--functie", "natte_natuur", "--output", world / "uit", "--referentie", world / "gebruik.tif")
    assert table(world / "run/gebieden.csv").equals(table(world / "uit/gebieden.csv"))
    told = json.loads((world / "run/herkomst.json").read_text())
    digest = hashlib.sha256((world / "gebruik.tif").read_bytes()).hexdigest()
    assert told["huidig_gebruik"] == {
        "naam": "raster", "bron": "gegeven", "bestand": "gebruik.tif", "sha256": digest,
        "bewerkt": "nearest from 20 m EPSG:28992",
    }  # fmt: skip
    assert told["editie"] == 2
    assert "gebruik per cel volgens gebruik.tif" in (world / "run/rapport.html").read_text()
    assert "0 delen berekend" in run("run", world / "run.toml").output
    raster(world / "gebruik.tif", np.where(CODES == 6, 7, CODES), cell=20.0, nodata=255)
    assert "0 delen berekend" not in run("run", world / "run.toml").output


def test_a_run_of_maps_alone_holds_every_cell_against_it(world):
    (world / "run.toml").write_text(
        'layers = "lagen.toml"\nfuncties = ["natte_natuur"]\noutput = "run"\nmaps = ["risico", "oorzaak"]\n'
        '[afwenteling]\nreferentie = "gebruik.tif"\n'
    )
    assert run("run", world / "run.toml").exit_code == 0
    held = xr.DataArray(np.where(HERE == 255, np.nan, HERE).astype(np.float32), dims=("y", "x"))
    want = wb.afwenteling(wb.open_layers(world / "lagen.toml"), "natte_natuur", referentie=held)
    with rasterio.open(world / "run/natte_natuur/risico.tif") as file:
        np.testing.assert_array_equal(file.read(1), percent(want.risico.values))
    with rasterio.open(world / "run/natte_natuur/oorzaak.tif") as file:
        np.testing.assert_array_equal(file.read(1), want.oorzaak.values)


def test_it_gives_the_numbers_of_layer_gebruik(world):
    asked(world, "--output", world / "raster", "--referentie", world / "gebruik.tif")
    text = (world / "lagen.toml").read_text() + layer("gebruik", "gebruik.tif", "class")
    (world / "lagen.toml").write_text(text)
    asked(world, "--output", world / "laag")
    one, other = (table(world / name / "gebieden.csv").iloc[0] for name in ("raster", "laag"))
    apart = {n for n in one.index if one[n] != other[n]}
    assert apart <= {"referentie", "referentie_bron"}
    assert (other["referentie"], other["referentie_bron"]) == ("gebruik", "gebruik")


def test_herkomst_command_and_archive_tell_the_file(world):
    asked(world, "--output", world / "uit", "--referentie", world / "gebruik.tif")
    told = json.loads((world / "uit/herkomst.json").read_text())
    digest = hashlib.sha256((world / "gebruik.tif").read_bytes()).hexdigest()
    assert told["instellingen"]["referentie"] == {
        "bestand": "gebruik.tif", "sha256": digest, "bewerkt": "nearest from 20 m EPSG:28992"
    }  # fmt: skip
    assert "--referentie gebruik.tif" in told["opdracht"] and str(world) not in json.dumps(told)


def test_check_reads_it(world):
    (world / "run.toml").write_text(
        'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "run"\n[afwenteling]\nreferentie = "gebruik.tif"\n'
    )
    done = run("check", world / "run.toml", "--json")
    row = json.loads(done.stdout)["audit"]["layers"][-1]
    assert (row["name"], row["file"], row["resampling"]) == (
        "referentie",
        "gebruik.tif",
        "nearest from 20 m EPSG:28992",
    )
    assert row["known_share"] == pytest.approx(1 - 2 / 25)
    raster(world / "gebruik.tif", np.where(CODES == 6, 50, CODES), cell=20.0, nodata=255)
    done = run("check", world / "run.toml")
    assert done.exit_code == 1 and "referentie" in done.output and "50" in done.output


# --- bad input -------------------------------------------------------------------------------------------------------


def shifted(path):
    raster(path, CODES, cell=20.0, nodata=255, crs="EPSG:31370")


def unknown_code(path):
    raster(path, np.where(CODES == 6, 77, CODES), cell=20.0, nodata=255)


def own_code(path):
    raster(path, np.where(CODES == 6, 150, CODES), cell=20.0, nodata=255)


def half_codes(path):
    raster(path, np.where(CODES == 6, 6.5, CODES).astype(np.float32), cell=20.0, nodata=255)


def no_raster(path):
    path.write_text("geen raster")


def absent(path):
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(shifted, "EPSG:31370"), (unknown_code, "77"), (own_code, "150"), (half_codes, "6.5"), (no_raster, "gebruik.tif"),
     (absent, "gebruik.tif")],
)  # fmt: skip
@pytest.mark.parametrize("door", ["assess", "run"])
def test_what_is_wrong_with_it_is_told_by_name(world, spoil, said, door):
    spoil(world / "gebruik.tif")
    (world / "run.toml").write_text(
        'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "run"\n[afwenteling]\nreferentie = "gebruik.tif"\n'
    )
    done = run("run", world / "run.toml") if door == "run" else asked(world, "--referentie", world / "gebruik.tif")
    assert done.exit_code in (1, 3) and "Traceback" not in done.output
    assert said in done.output and "referentie" in done.output, done.output


def test_no_functie_of_that_id_and_no_file_lists_functies(world):
    done = asked(world, "--referentie", "woningbow")
    assert done.exit_code == 1 and "woningbouw" in done.output


def test_a_result_is_not_written_over_it(world):
    folder = world / "uit" / "woningbouw"
    folder.mkdir(parents=True)
    raster(folder / "risico.tif", CODES, cell=20.0, nodata=255)
    before = (folder / "risico.tif").read_bytes()
    done = asked(world, "--output", world / "uit", "--referentie", folder / "risico.tif")
    assert done.exit_code == 1 and (folder / "risico.tif").read_bytes() == before


# --- functies of one's own -------------------------------------------------------------------------------------------

OWN = 150


@pytest.fixture
def own(world):
    """A functie like arable land, of code 150, in a file; the map names it where it named arable land."""
    from waterbodem.answers.archive import functie_data
    from waterbodem.definitions.registry import builtin_functies

    told = functie_data(builtin_functies()["akkerbouw"]) | {"id": "bollen", "code": OWN, "naam": "Bollen"}
    told["parameters"]["grondwateraanvulling_mm_jr"] = {
        **told["parameters"]["grondwateraanvulling_mm_jr"],
        "waarde": 350,
    }
    (world / "eigen.toml").write_text(_toml(told))
    raster(world / "gebruik.tif", np.where(CODES == 6, OWN, CODES), cell=20.0, nodata=255)
    return wb.functies(world / "eigen.toml")["bollen"]


def _toml(told):
    """Plain data as TOML, values in line as JSON writes them with an equals sign."""

    def value(v):
        if isinstance(v, dict):
            return "{ " + ", ".join(f"{json.dumps(str(k))} = {value(x)}" for k, x in v.items()) + " }"
        if isinstance(v, list):
            return "[" + ", ".join(map(value, v)) + "]"
        return json.dumps(v)

    text = "\n".join(f"{k} = {value(v)}" for k, v in told.items()) + "\n"
    assert tomllib.loads(text)
    return text


def test_a_functie_of_ones_own_lies_there_today(world, own):
    """Its cells are held against it: the burden there is that against it alone, elsewhere as before."""
    layers = wb.open_layers(world / "lagen.toml")
    codes = np.where(HERE == 255, np.nan, np.where(HERE == 6, OWN, HERE)).astype(np.float32)
    held = xr.DataArray(codes, dims=("y", "x"))
    found = wb.afwenteling(layers, ["woningbouw", own], referentie=held).sel(functie="woningbouw")
    for code, one in ((OWN, own), (7, "grasland_veeteelt"), (1, "woningbouw")):
        want = wb.afwenteling(layers.assign(ghg=layers.ghg.fillna(1)), "woningbouw", referentie=one)
        here = (codes == code) & (layers.ghg.values > 0.3)  # one for all cells is not believed on wet ground
        for name in ("risico", "aanvullingsverlies", "afvoer"):
            np.testing.assert_array_equal(found[name].values[here], want[name].values[here])
    assert np.isnan(found.risico.values[np.isnan(codes)]).all()
    assert not np.array_equal(
        *(wb.afwenteling(layers, "woningbouw", referentie=r).risico.values for r in (own, "akkerbouw"))
    )


def test_as_layer_and_as_raster_on_every_road_it_is_the_same(world, own):
    layers = wb.open_layers(world / "lagen.toml")
    codes = np.where(HERE == 255, np.nan, np.where(HERE == 6, OWN, HERE)).astype(np.float32)
    mapped = layers.assign(gebruik=(("y", "x"), codes))
    held = xr.DataArray(codes, dims=("y", "x"))
    one = wb.per_gebied(layers, ["woningbouw", own], world / "plan.geojson", referentie=held)
    other = wb.per_gebied(mapped, ["woningbouw", own], world / "plan.geojson")
    same = [n for n in one if n not in ("referentie", "referentie_bron", "niet_getoetst", "geometry")
            and not n.startswith("kompas")]  # fmt: skip
    pd.testing.assert_frame_equal(pd.DataFrame(one[same]), pd.DataFrame(other[same]))
    asked(world, "--functies", world / "eigen.toml", "--output", world / "uit", "--referentie", world / "gebruik.tif")
    row = table(world / "uit/gebieden.csv").iloc[0]
    assert row["risico"] == pytest.approx(one.risico[0], rel=1e-5) and np.isfinite(row["risico"])
    own_row = one[one.functie == "bollen"].iloc[0]
    assert np.isfinite(own_row.risico)


def test_an_answer_with_it_opens_again_and_explains(world, own):
    layers = wb.open_layers(world / "lagen.toml")
    codes = np.where(HERE == 255, np.nan, np.where(HERE == 6, OWN, HERE)).astype(np.float32)
    for given in ({"referentie": xr.DataArray(codes, dims=("y", "x"))}, {}):
        data = layers if given else layers.assign(gebruik=(("y", "x"), codes))
        b = wb.assess(data, ["woningbouw", own], world / "plan.geojson", **given)
        back = wb.open_assessment(b.save(world / "a.waterbodem"))
        spot = (LEFT + 25, TOP - 25)
        assert repr(back.waarom(*spot)) == repr(b.waarom(*spot))
        assert back.table.equals(b.table)


def test_a_run_that_does_not_ask_it_knows_it_from_the_file(world, own):
    text = (
        'layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "run"\nfuncties_file = "eigen.toml"\n'
        '[gebieden]\npath = "plan.geojson"\n[afwenteling]\nreferentie = "gebruik.tif"\n'
    )
    (world / "run.toml").write_text(text)
    done = run("run", world / "run.toml")
    assert done.exit_code == 0, done.output
    asked(world, "--functies", world / "eigen.toml", "--output", world / "uit", "--referentie", world / "gebruik.tif")
    assert table(world / "run/gebieden.csv").equals(table(world / "uit/gebieden.csv"))
    changed = (world / "eigen.toml").read_text().replace("350", "150")
    (world / "eigen.toml").write_text(changed)
    assert "0 delen berekend" not in run("run", world / "run.toml").output


def test_one_functie_for_several_plans_lies_there_too(world, own):
    layers = wb.open_layers(world / "lagen.toml")
    held = xr.DataArray(np.full((10, 10), float(OWN)), dims=("y", "x"))
    plans = polygons(
        world / "twee.geojson",
        [(square(LEFT + x, TOP - 30, LEFT + x + 20, TOP - 10), {"naam": str(x)}) for x in (10, 50)],
    )
    found = wb.grootboek(
        layers.assign(maaiveld=(layers.kwel * 0 + 5).assign_attrs(units="m")), own, plans, referentie=held
    )
    assert (found.table[found.table.soort == "totaal"].m3 == 0).all(), "what lies there shifts nothing"


def test_of_two_with_one_code_neither_lies_there(world, own):
    layers = wb.open_layers(world / "lagen.toml")
    held = xr.DataArray(np.full((10, 10), float(OWN)), dims=("y", "x"))
    other = own.model_copy(update={"id": "andere_bollen"})
    with pytest.raises(wb.WaterbodemError, match="150"):
        wb.afwenteling(layers, [own, other], referentie=held)


def test_one_with_parameters_replaced_does_not_lie_there(world, own):
    layers = wb.open_layers(world / "lagen.toml")
    held = xr.DataArray(np.full((10, 10), float(OWN)), dims=("y", "x"))
    with pytest.raises(wb.WaterbodemError, match="150"):
        wb.afwenteling(layers, ["woningbouw", own.replace(verhardingsgraad=0.5)], referentie=held)
