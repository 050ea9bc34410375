"""Files of somebody else hold their own data: no server is asked, no other file read, nothing of theirs is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

import waterbodem
from tests.support.layer_files import LEFT, RD, TOP, polygons, raster, square
from tests.support.outside import unreached
from waterbodem import WaterbodemError
from waterbodem.core.errors import LayerError, MissingLibrary, NotARaster, UnsafePath
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import RASTER_DRIVERS, VECTOR_MAGIC
from waterbodem.formats.foreign.door import VECTOR_DRIVERS
from waterbodem.layers.catalogue import LayerEntry
from waterbodem.layers.polygons import read_areas
from waterbodem.layers.source import open_source

LINKS = pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
ROOT = Path(__file__).parents[2]
BOXES = [shapely.box(LEFT + x, TOP - 100, LEFT + x + 50, TOP - 10) for x in (0, 60)]
GRID = Grid(LEFT, TOP, 10.0, 10.0, 20, 20, RD)


@pytest.fixture
def inside(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path):
    with unreached(tmp_path) as found:
        yield found


def plans(names=("Es", "Brink")):
    return gpd.GeoDataFrame({"naam": list(names), "klasse": range(1, len(names) + 1)}, geometry=BOXES, crs=RD)


def vector(path, driver, frame=None):
    pyogrio.write_dataframe(plans() if frame is None else frame, path, driver=driver)
    return path


def as_plan(path, where="gebied"):
    return read_areas(path, RD, where=where)


def names_in(path, where="gebied"):
    return sorted(a.name for a in as_plan(path, where))


def opened_raster(path):
    return open_source("droogte", LayerEntry(path=path.name, unit="%"), path.parent)


def opened(path, **keys):
    """Return a file as a layer of a catalogue beside it."""
    name, more = ("beekdal", {"unit": "1", "value": 1}) if path.suffix in VECTOR_MAGIC else ("droogte", {"unit": "%"})
    return open_source(name, LayerEntry(path=path.name, **more, **keys), path.parent)


def cells(path, **keys):
    return opened(path, **keys).read(GRID)


def refused(path, match=None, kinds=WaterbodemError, **keys):
    """See a vector file refused as a layer, as a plan and as receivers."""
    with pytest.raises(kinds, match=match):
        opened(path, **keys)
    for where in ("gebied", "ontvangers"):
        with pytest.raises(kinds, match=match):
            as_plan(path, where)


def test_what_watches_sees(tmp_path):
    """The server and the file of these tests notice when they are reached."""
    with pytest.raises(AssertionError), unreached(tmp_path) as outside, pytest.raises(OSError):
        urllib.request.urlopen(outside.url)
    with pytest.raises(AssertionError), unreached(tmp_path) as outside:
        outside.file.read_bytes()


# --- texts that name a server ----------------------------------------------------------------------------------------

WFS = """<wfs:WFS_Capabilities version="2.0.0" xmlns:wfs="http://www.opengis.net/wfs/2.0"
 xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:gml="http://www.opengis.net/gml"><ows:OperationsMetadata><ows:Operation name="GetFeature"><ows:DCP><ows:HTTP>
 <ows:Get xlink:href="{url}/wfs?"/></ows:HTTP></ows:DCP></ows:Operation></ows:OperationsMetadata>
 <FeatureTypeList><FeatureType><Name>plan</Name><DefaultCRS>urn:ogc:def:crs:EPSG::28992</DefaultCRS></FeatureType>
 </FeatureTypeList></wfs:WFS_Capabilities>"""
WFS1 = """<WFS_Capabilities version="1.0.0" xmlns="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml">
 <Capability><Request><GetFeature><DCPType><HTTP><Get onlineResource="{url}/wfs?"/></HTTP></DCPType></GetFeature>
 </Request></Capability><FeatureTypeList><FeatureType><Name>plan</Name><SRS>EPSG:28992</SRS></FeatureType>
 </FeatureTypeList></WFS_Capabilities>"""
EMPTY = """<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml">
 {more}</wfs:FeatureCollection>"""
GDALG = '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {source}"}}'


@pytest.mark.parametrize("text", [WFS, WFS1], ids=["wfs 2", "wfs 1"])
@pytest.mark.parametrize("before", ["", "\ufeff", "<!-- x -->", '<?xml version="1.0"?>\n', "   "])
def test_a_document_of_a_wfs_is_no_gml(inside, outside, text, before):
    path = inside / "a.gml"
    path.write_text(before + text.format(url=outside.url), encoding="utf-8")
    refused(path, "no GML")


@pytest.mark.parametrize("text", [WFS, WFS1, "<OGRWFSDataSource><URL>{url}/wfs?</URL></OGRWFSDataSource>"])
@pytest.mark.parametrize("wrapped", [EMPTY, "<!-- {more} -->" + EMPTY.replace("{more}", "")])
def test_a_document_of_a_wfs_within_a_gml_is_not_followed(inside, outside, text, wrapped):
    path = inside / "a.gml"
    path.write_text(wrapped.format(more=text.format(url=outside.url)), encoding="utf-8")
    refused(path)


@pytest.mark.parametrize("end", [".json", ".geojson"])
@pytest.mark.parametrize("kind", ["vector", "raster"])
def test_a_command_of_gdal_is_no_geojson(inside, outside, end, kind):
    path = inside / f"a{end}"
    for source in (f"/vsicurl/{outside.url}/x.json", f"{outside.url}/x.json", str(outside.file)):
        path.write_text(GDALG.format(source=source).replace("vector", kind))
        refused(path, "not valid GeoJSON")


@pytest.mark.parametrize("kind", ["proj4", "ogcwkt", "esriwkt"])
def test_a_crs_elsewhere_is_not_fetched(inside, outside, kind):
    path = polygons(inside / "a.geojson", [(square(LEFT, TOP - 100, LEFT + 50, TOP), {})])
    data = json.loads(path.read_text())
    for link in (f"{outside.url}/crs", str(outside.file)):
        data["crs"] = {"type": "link", "properties": {"href": link, "type": kind}}
        path.write_text(json.dumps(data))
        refused(path, "crs")


def gml(inside, root="", features=""):
    """Write plans as GML with more attributes of the root, and more in its features."""
    path = vector(inside / "a.gml", "GML")
    text = path.read_text().replace("<ogr:FeatureCollection", f"<ogr:FeatureCollection {root}", 1)
    text = re.sub(r'xsi:schemaLocation="http[^"]*"', "", text) if "schemaLocation" in root else text
    path.write_text(text.replace("<ogr:naam>", f"{features}<ogr:naam>"))
    path.with_suffix(".xsd").unlink(missing_ok=True)
    return path


@pytest.mark.parametrize(
    "root, features",
    [
        ('xsi:schemaLocation="http://ogr.maptools.org/ {url}/w?SERVICE=WFS&amp;REQUEST=DescribeFeatureType"', ""),
        ('xsi:schemaLocation="http://ogr.maptools.org/ {url}/a.xsd"', ""),
        ('xsi:schemaLocation="http://ogr.maptools.org/ {file}"', ""),
        ('next="{url}/next" numberOfFeatures="1" numberReturned="1"', ""),
        ("", '<ogr:elders xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{url}/f#x"/>'),
        ("", '<ogr:elders xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{file}"/>'),
        ("", '<a xsi:schemaLocation="http://o {url}/w?SERVICE=WFS&amp;REQUEST=DescribeFeatureType"/>'),
    ],
)
def test_what_a_gml_says_of_elsewhere_is_not_followed(inside, outside, root, features):
    words = {"url": outside.url, "file": outside.file}
    path = gml(inside, root.format(**words), features.format(**words))
    assert names_in(path) == ["Brink", "Es"]
    assert np.nansum(cells(path)) == np.nansum(cells(vector(inside / "b.fgb", "FlatGeobuf"))) > 0


OF_A_WFS = """<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml"
 xmlns:app="http://app" {place}="http://app {url}/w?SERVICE=WFS&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=app:plan">
 <gml:featureMember><app:plan><app:naam>Es</app:naam><app:vorm><gml:Polygon srsName="urn:ogc:def:crs:EPSG::28992">
 <gml:exterior><gml:LinearRing><gml:posList>0 0 9 0 9 9 0 9 0 0</gml:posList></gml:LinearRing></gml:exterior>
 </gml:Polygon></app:vorm></app:plan></gml:featureMember></wfs:FeatureCollection>"""


@pytest.mark.parametrize(
    "place", ['xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation', "xmlns:schemaLocation"]
)
def test_a_wfs_is_not_asked_for_the_schema_of_its_answer(inside, outside, place):
    """GDAL asks where the collection is one of a WFS and the request names a type; any prefix will do for it."""
    path = inside / "a.gml"
    path.write_text(OF_A_WFS.format(place=place, url=outside.url))
    assert names_in(path) == ["Es"]
    assert opened(path).file.bounds == (0, 0, 9, 9)


@pytest.mark.parametrize("crs", ["EPSG:28992", "http://www.opengis.net/gml/srs/epsg.xml#28992"])
def test_a_crs_is_known_as_gml_2_names_it(inside, outside, crs):
    path = gml(inside)
    path.write_text(path.read_text().replace("urn:ogc:def:crs:EPSG::28992", crs))
    assert names_in(path) == ["Brink", "Es"]
    assert opened(path).file.crs == RD


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/crs.prj", "{file}", "/vsicurl/{url}/x"])
def test_a_crs_of_gml_elsewhere_is_not_fetched(inside, outside, place):
    path = gml(inside)
    where = place.format(port=outside.server.server_port, url=outside.url, file=outside.file)
    path.write_text(path.read_text().replace("urn:ogc:def:crs:EPSG::28992", where))
    refused(path, "cannot be read")


def test_entities_of_a_gml_are_refused(inside, outside):
    path = gml(inside)
    for what in (f'SYSTEM "{outside.file.as_uri()}"', f'SYSTEM "{outside.url}/x"'):
        path.write_text(f"<!DOCTYPE a [<!ENTITY e {what}>]>\n" + gml(inside).read_text().partition("?>")[2])
        refused(path, "document type", UnsafePath)


def test_a_gml_in_another_encoding(inside):
    path = vector(inside / "a.gml", "GML", plans(("Sûdwâld", "Brink")))
    text = path.read_text(encoding="utf-8").replace("utf-8", "iso-8859-1")
    path.write_text(text, encoding="iso-8859-1")
    assert names_in(path) == ["Brink", "Sûdwâld"]
    path.write_text(text.replace("iso-8859-1", "cp037"), encoding="ascii", errors="xmlcharrefreplace")
    refused(path, "encoding|no GML")


@pytest.mark.parametrize(
    "text",
    [
        EMPTY.replace("{more}", ""),
        '<g:FeatureCollection xmlns:g="http://www.opengis.net/gml"/>',
        '<kml xmlns="http://www.opengis.net/kml/2.2"><NetworkLink><href>{url}</href></NetworkLink></kml>',
        '<FeatureCollection xmlns="http://www.opengis.net/wfs"/>',
        "<a>",
        "<",
        "<!-- " + "x" * 2_000_000 + " -->" + EMPTY,
    ],
)
def test_a_gml_without_features_is_refused(inside, text):
    path = inside / "a.gml"
    path.write_text(text)
    refused(path)


def test_a_gml_without_geometry_is_refused(inside):
    path = gml(inside)
    path.write_text(
        re.sub(
            r"<ogr:geometryProperty>.*?</ogr:geometryProperty>|<gml:boundedBy>.*?</gml:boundedBy>",
            "",
            path.read_text(),
            flags=re.DOTALL,
        )
    )
    refused(path, "geometry|polygons")


# --- HDF5 ------------------------------------------------------------------------------------------------------------


def netcdf(path, fill):
    """Write a grid as NetCDF-4 through h5py; ``fill`` makes its variable."""
    x, y = LEFT + 5 + 10 * np.arange(20.0), TOP - 5 - 10 * np.arange(20.0)
    with h5py.File(path, "w") as file:
        for name, values in (("y", y), ("x", x)):
            file[name] = values
            file[name].make_scale(name)
            file[name].attrs["standard_name"] = np.bytes_(f"projection_{name}_coordinate")
        file["crs"] = 0
        file["crs"].attrs["crs_wkt"] = np.bytes_(rasterio.crs.CRS.from_string(RD).to_wkt())
        file["crs"].attrs["spatial_ref"] = np.bytes_(rasterio.crs.CRS.from_string(RD).to_wkt())
        fill(file)
        if "waarde" in file and file.get("waarde", getlink=True).__class__ is h5py.HardLink:
            variable = file["waarde"]
            variable.attrs["grid_mapping"] = np.bytes_("crs")
            variable.dims[0].attach_scale(file["y"])
            variable.dims[1].attach_scale(file["x"])
    return path


def plain(file):
    file["waarde"] = np.full((20, 20), 7, np.uint8)


def external(file, path, group=None):
    (group or file).create_dataset("waarde", (20, 20), np.uint8, external=[(str(path), 0, 400)])


def virtual(file, path):
    layout = h5py.VirtualLayout((20, 20), np.uint8)
    layout[:] = h5py.VirtualSource(str(path), "waarde", (20, 20))
    file.create_virtual_dataset("waarde", layout)


def linked(file, path):
    file["waarde"] = h5py.ExternalLink(str(path), "waarde")


def deep(file, path):
    plain(file)
    external(file, path, file.create_group("a/b/c"))


def deep_link(file, path):
    plain(file)
    file["a/b/c"] = h5py.ExternalLink(str(path), "/")


def soft(file):
    plain(file)
    file["a/b"] = h5py.SoftLink("/waarde")
    file["a/nergens"] = h5py.SoftLink("/weg")
    file["a/rond"] = file["a"]


@pytest.mark.parametrize("fill", [plain, soft])
def test_an_hdf5_that_holds_its_own_data_is_read(inside, fill):
    source = opened(netcdf(inside / "a.nc", plain))
    assert (source.read(source.grid) == 7).all()


@pytest.mark.parametrize("end", [".nc", ".h5", ".tif"])
@pytest.mark.parametrize("fill", [external, virtual, linked, deep, deep_link])
def test_an_hdf5_that_takes_data_from_elsewhere_is_refused(inside, outside, fill, end):
    path = netcdf(inside / f"a{end}", lambda file: fill(file, outside.file))
    with pytest.raises(UnsafePath, match="points at other files"):
        opened(path)


def test_an_hdf5_is_refused_without_what_looks_through_it(inside, monkeypatch):
    path = netcdf(inside / "a.nc", plain)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingLibrary, match=r"waterbodem\[netcdf\]"):
        opened(path)


def test_a_broken_hdf5_is_refused(inside):
    path = netcdf(inside / "a.nc", plain)
    whole = path.read_bytes()
    for end in (9, 100, 600, len(whole) // 2):
        path.write_bytes(whole[:end])
        with pytest.raises(NotARaster):
            opened(path)


@pytest.mark.parametrize("key", ["crs_wkt", "spatial_ref"])
def test_a_crs_of_netcdf_elsewhere_is_not_fetched(inside, outside, key):
    def fill(file):
        plain(file)
        for name in ("crs_wkt", "spatial_ref"):
            del file["crs"].attrs[name]
        file["crs"].attrs[key] = np.bytes_(f"{outside.url}/crs")

    with pytest.raises(WaterbodemError, match="CRS"):
        opened(netcdf(inside / "a.nc", fill))


# --- files beside it, and names --------------------------------------------------------------------------------------


@LINKS
@pytest.mark.parametrize("end", [".dbf", ".DBF", ".shx", ".prj", ".cpg"])
def test_a_part_of_a_shapefile_that_is_a_link_out_is_refused(inside, outside, end):
    path = vector(inside / "k.shp", "ESRI Shapefile")
    path.with_suffix(end.lower()).unlink()
    path.with_suffix(end).symlink_to(outside.file)
    refused(path, "link that leaves its folder", UnsafePath)


@LINKS
@pytest.mark.parametrize(
    "name", ["k.tif.msk", "k.msk", "k.prj", "k.tif.aux.xml", "k.tfw", "K.TFW", "k.tab", "k.tif.ovr"]
)
def test_a_file_beside_a_raster_that_is_a_link_out_is_refused(inside, outside, name):
    path = raster(inside / "k.tif", np.ones((20, 20), np.uint8))
    shutil.copy(path, outside.file)
    os.utime(outside.file, (1, outside.file.stat().st_mtime))
    (inside / name).symlink_to(outside.file)
    with pytest.raises(UnsafePath, match="link that leaves"):
        opened(path)


@LINKS
@pytest.mark.parametrize("name", ["k.gpkg-wal", "k.gpkg-journal", "k.gpkg-shm"])
def test_a_file_beside_a_geopackage_that_is_a_link_out_is_refused(inside, outside, name):
    path = vector(inside / "k.gpkg", "GPKG")
    (inside / name).symlink_to(outside.file)
    refused(path, "link that leaves its folder", UnsafePath)


@LINKS
def test_links_within_the_folder_are_followed(inside):
    path = vector(inside / "k.shp", "ESRI Shapefile")
    path.with_suffix(".dbf").rename(inside / "elders.dbf")
    path.with_suffix(".dbf").symlink_to(inside / "elders.dbf")
    assert names_in(path) == ["Brink", "Es"]
    assert (cells(path, layer="k") == 1).any()


def test_a_schema_beside_a_gml_is_not_needed(inside):
    path = vector(inside / "k.gml", "GML")
    (inside / "k.xsd").write_text("<kapot")
    (inside / "k.gfs").write_text("<kapot")
    assert names_in(path) == ["Brink", "Es"]
    assert sorted(p.name for p in inside.iterdir()) == ["k.gfs", "k.gml", "k.xsd"]


NAMES = ["a!b", "a.zip!b", "x.tar!y", "a;b", "a#b", "a%20b", "a?b", "zip+a", "a,xsd=b", "é b'"]
ENDS = {**VECTOR_DRIVERS, ".geojson": "GeoJSON", ".json": "GeoJSON"}


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
@pytest.mark.parametrize("name", NAMES)
def test_honest_names_are_taken_as_they_stand(inside, name):
    for end, driver in ENDS.items():
        path = vector(inside / f"eerlijk{end}", driver)
        for part in list(inside.glob("eerlijk.*")):
            part.rename(inside / f"{name}{part.suffix}")
        path = inside / f"{name}{end}"
        assert names_in(path) == ["Brink", "Es"], end
        assert names_in(path, "ontvangers") == ["Brink", "Es"], end
        assert (cells(path) == 1).sum() == 90, end
    assert (cells(raster(inside / f"{name}.tif", np.full((20, 20), 3, np.uint8))) == 3).all()


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
@pytest.mark.parametrize("folder", NAMES)
def test_honest_folders_are_taken_as_they_stand(inside, folder):
    (inside / folder).mkdir()
    for end, driver in ENDS.items():
        (inside / driver).mkdir(exist_ok=True)
        path = vector(inside / driver / f"k{end}", driver).parent
        path = Path(shutil.copytree(path, inside / folder / end))
        assert names_in(path / f"k{end}") == ["Brink", "Es"], end
        assert (cells(path / f"k{end}") == 1).sum() == 90, end


@LINKS
def test_an_archive_is_not_looked_into(inside, outside):
    """A plain file whose name holds that of an archive is what is read, not what is in the archive."""
    hidden = vector(inside / "b.gpkg", "GPKG", plans(("uit de zip", "ook")))
    with zipfile.ZipFile(outside.file.with_suffix(".zip"), "w") as archive:
        archive.write(hidden, "b.gpkg")
    hidden.unlink()
    (inside / "a.zip").symlink_to(outside.file.with_suffix(".zip"))
    path = Path(shutil.move(vector(inside / "c.gpkg", "GPKG"), inside / "a.zip!b.gpkg"))
    assert names_in(path) == ["Brink", "Es"]
    (inside / "a.zip!c").mkdir()
    path = Path(shutil.copy(path, inside / "a.zip!c" / "b.gpkg"))
    assert names_in(path) == ["Brink", "Es"]


RUN = """
layers = "lagen.toml"
functies = ["woningbouw", "waterberging"]
output = "uit!2026;b"
[gebieden]
path = "plan!nen;a.geojson"
"""


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_answers_are_written_into_any_folder(tmp_path):
    folder = tmp_path / "Plan!2026;x"
    shutil.copytree(ROOT / "rasters/voorbeeld", folder)
    package = folder / "plannen.geojson"
    package.rename(folder / "plan!nen;a.geojson")
    (folder / "run.toml").write_text(RUN)
    commands = {
        "a!b;c": [
            "assess",
            "--layers",
            ".",
            "--functie",
            "woningbouw",
            "--gebied",
            "plan!nen;a.geojson",
            "--output",
            "a!b;c",
        ],
        "uit!2026;b": ["run", "run.toml"],
    }
    for name, command in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", "waterbodem", *command], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        with closing(sqlite3.connect(folder / name / "gebieden.gpkg")) as data:
            assert data.execute("SELECT count(DISTINCT gebied) FROM gebieden").fetchone()[0] > 1


# --- a GeoPackage is a database --------------------------------------------------------------------------------------

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
VIEWS = {
    "rows": f"{ENDLESS} SELECT x AS OGC_FID, (SELECT geom FROM plan) AS geom, 'a' AS naam FROM c",
    "a column": f"SELECT fid AS OGC_FID, geom, ({ENDLESS} SELECT count(*) FROM c) AS naam FROM plan",
    "a blob": "SELECT fid AS OGC_FID, geom, hex(zeroblob(400000000)) AS naam FROM plan",
    "a shape": f"SELECT fid AS OGC_FID, ({ENDLESS} SELECT count(*) FROM c) AS geom, naam FROM plan",
}
REGISTERED = """
UPDATE gpkg_contents SET table_name = '{name}', identifier = '{name}';
UPDATE gpkg_geometry_columns SET table_name = '{name}';
UPDATE gpkg_ogr_contents SET table_name = '{name}';
"""
BESIDE = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('{name}', 'features', '{name}', 28992);
INSERT INTO gpkg_geometry_columns VALUES ('{name}', 'geom', 'POLYGON', 28992, 0, 0);
"""


def package(inside, script=""):
    path = inside / "plan.gpkg"
    path.unlink(missing_ok=True)
    vector(path, "GPKG")
    with closing(sqlite3.connect(path)) as data:
        data.create_function("ST_IsEmpty", 1, lambda x: 0)
        for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            data.create_function(name, 1, lambda x: 0.0)
        data.executescript(script)
    return path


OFFER = """
import sys
from tests.formats.test_door import *
for path in map(Path, sys.argv[1:]):
    for offer in ({offers},):
        try:
            offer(path)
            print("read")
        except WaterbodemError as error:
            print(error)
"""


def offered(paths, offers='as_plan, lambda path: opened(path, layer=path.stem.partition(" ")[0])'):
    """Offer files to a process of its own, since a view that is run does not end, and say what came of each."""
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = {sys.path!r}\n" + OFFER.replace("{offers}", offers),
        *paths,
    ]
    return subprocess.run(command, capture_output=True, timeout=240, text=True, check=True).stdout.splitlines()


def test_a_view_is_not_run(inside):
    """Nor one that has it that it is a table."""
    lie = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET type = 'table' WHERE name = 'v';"
    paths = []
    for nr, view in enumerate(VIEWS):
        for more in ("", lie):
            path = package(inside, f"CREATE VIEW v AS {VIEWS[view]};" + REGISTERED.format(name="v") + more)
            paths.append(path.rename(inside / f"v {nr}{len(more)}.gpkg"))
    said = offered(paths)
    assert len(said) == 4 * len(VIEWS) and all("computed" in line or "malformed" in line for line in said), said


def test_a_view_beside_a_table_does_no_harm(inside):
    paths = []
    for nr, view in enumerate(VIEWS):
        path = package(inside, f"CREATE VIEW v AS {VIEWS[view]};")
        paths.append(path.rename(inside / f"plan {nr}.gpkg"))
        path = package(inside, f"CREATE VIEW v AS {VIEWS[view]};" + BESIDE.format(name="v"))
        paths.append(path.rename(inside / f"plan {nr}_.gpkg"))
    said = offered(paths)
    assert said[0::4] == said[1::4] == said[3::4] == ["read"] * len(VIEWS)
    assert all("several layers" in line for line in said[2::4])


def test_a_view_beside_a_raster_does_no_harm(inside):
    paths = []
    for nr, view in enumerate(VIEWS):
        path = raster(inside / f"{nr}.gpkg", np.full((256, 256), 3, np.uint8), driver="GPKG")
        with closing(sqlite3.connect(path)) as data:
            data.execute("CREATE TABLE plan (fid, geom, naam)")
            data.execute("INSERT INTO plan VALUES (1, 1, 1)")
            data.execute(f"CREATE VIEW v AS {VIEWS[view]}")
            data.execute(BESIDE.format(name="v").partition(";")[0])
            data.commit()
        paths.append(path)
    assert offered(paths, "lambda path: opened_raster(path).read(GRID)") == ["read"] * len(VIEWS)


@pytest.mark.parametrize("name", ["gpkg_contents", "gpkg_spatial_ref_sys", "gpkg_geometry_columns", "gpkg_extensions"])
def test_a_table_of_the_format_that_is_a_view_is_refused(inside, name):
    hidden = (
        f"PRAGMA legacy_alter_table = ON; ALTER TABLE {name} RENAME TO echt; CREATE VIEW {name} AS SELECT * FROM echt;"
    )
    refused(package(inside, hidden), "computed when it is read", LayerError)


def test_a_column_that_is_computed_is_refused(inside):
    column = "ALTER TABLE plan ADD COLUMN bom TEXT GENERATED ALWAYS AS (hex(zeroblob(400000000))) VIRTUAL;"
    refused(package(inside, column), "computed when it is read", LayerError)


def test_a_virtual_table_is_refused(inside):
    table = "CREATE VIRTUAL TABLE v USING fts5(geom, naam);" + REGISTERED.format(name="v")
    refused(package(inside, table), "computed when it is read", LayerError, layer="v")


def test_triggers_do_no_harm(inside):
    trigger = "CREATE TRIGGER t BEFORE INSERT ON plan BEGIN SELECT hex(zeroblob(400000000)); DELETE FROM plan; END;"
    assert len(as_plan(package(inside, trigger))) == 2


@pytest.mark.parametrize("count", [1, 0, -1, 1000000])
def test_all_rows_are_read_whatever_count_is_stored(inside, count):
    path = package(inside, f"UPDATE gpkg_ogr_contents SET feature_count = {count};")
    assert names_in(path) == ["Brink", "Es"]
    assert (cells(path) == 1).sum() == 90


def test_a_geopackage_that_is_marked_as_none_is_read(inside):
    assert len(as_plan(package(inside, "PRAGMA application_id = 0; PRAGMA user_version = 0;"))) == 2


def test_rows_that_another_program_has_just_saved_are_read(inside):
    """A GIS that has a GeoPackage open keeps what it saved in a file beside it."""
    path = package(inside)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("PRAGMA wal_autocheckpoint = 0")
        for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            other.execute(f"DROP TRIGGER {name}")
        other.execute("UPDATE plan SET naam = 'nieuw' WHERE naam = 'Es'")
        other.commit()
        assert names_in(path) == ["Brink", "nieuw"]
    assert names_in(path) == ["Brink", "nieuw"]


def test_a_raster_of_a_geopackage_that_is_a_view_is_refused(inside):
    path = raster(inside / "r.gpkg", np.full((256, 256), 3, np.uint8), driver="GPKG")
    assert (opened_raster(path).read(GRID) == 3).all()
    with closing(sqlite3.connect(path)) as data:
        data.executescript(
            "PRAGMA legacy_alter_table = ON; ALTER TABLE r RENAME TO echt; CREATE VIEW r AS SELECT * FROM echt"
        )
    with pytest.raises(LayerError, match="computed when it is read"):
        opened_raster(path)


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_database_is_refused(inside, content):
    path = inside / "a.gpkg"
    path.write_bytes(content)
    refused(path)
    empty = inside / "b.gpkg"
    with closing(sqlite3.connect(empty)) as data:
        data.execute("CREATE TABLE a (b)")
    refused(empty, "computed|table")


# --- every driver ----------------------------------------------------------------------------------------------------

#: Formats that hold their own data, of both kinds; JSON-FG and COG are GeoJSON and GeoTIFF with more to them.
OWN_DATA = {*RASTER_DRIVERS, *VECTOR_DRIVERS.values(), "GeoJSON", "JSONFG", "COG", "GeoJSONSeq"}

TEXTS = [
    GDALG,
    '{{"stac_version": "1.0.0", "type": "Feature", "assets": {{"a": {{"href": "{source}"}}}}, "links": []}}',
    '{{"tilejson": "2.0.0", "tiles": ["{source}"], "vector_layers": []}}',
    '{{"links": [{{"rel": "data", "href": "{source}", "type": "application/json"}}], "collections": []}}',
    '{{"displayFieldName": "", "geometryType": "esriGeometryPolygon", "features": [], "exceededTransferLimit": true}}',
    '{{"type": "Topology", "objects": {{}}, "arcs": []}}',
    '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    "<SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
    "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    "<GDALTileIndexDataset><IndexDataset>{source}</IndexDataset></GDALTileIndexDataset>",
    "<GDAL_WMS><Service name='TMS'><ServerUrl>{source}</ServerUrl></Service></GDAL_WMS>",
    "<GDAL_WMTS><GetCapabilitiesUrl>{source}</GetCapabilitiesUrl></GDAL_WMTS>",
    "<WCS_GDAL><ServiceURL>{source}?</ServiceURL><CoverageName>a</CoverageName></WCS_GDAL>",
    "<OGRWFSDataSource><URL>{source}?</URL></OGRWFSDataSource>",
    "<OGRCSWDataSource><URL>{source}</URL></OGRCSWDataSource>",
    "<MRF_META><CachedSource><Source>{source}</Source></CachedSource></MRF_META>",
    "<rss version='2.0'><channel><item><link>{source}</link></item></channel></rss>",
    "<mapml- ><map-link href='{source}'/></mapml->",
    "<Dimap_Document><Data_File><DATA_FILE_PATH href='{source}'/></Data_File></Dimap_Document>",
    "<Product_Observational xmlns='http://pds.nasa.gov/pds4/pds/v1'><file_name>{source}</file_name></Product_Observational>",
    "ENVI\ndata file = {source}\n",
    "{source}",
]


def written(folder):
    """Yield what every driver that can write writes, with the name of the driver."""
    for driver, rights in pyogrio.list_drivers().items():
        if "w" in rights:
            yield from files_of(folder / f"v_{driver}", driver, lambda path, driver=driver: vector(path, driver))
    with rasterio.Env() as env:
        drivers = list(env.drivers())
    for driver in drivers:
        yield from files_of(
            folder / f"r_{driver}",
            driver,
            lambda path, driver=driver: raster(path, np.ones((20, 20), np.uint8), driver=driver),
        )


def files_of(folder, driver, write):
    folder.mkdir()
    try:
        write(folder / "a.xyz")
    except Exception:
        return
    for path in folder.rglob("*"):
        if path.is_file():
            yield driver, path.read_bytes()


def contents(folder, outside):
    """Yield a driver (or what it is about) and bytes of its kind."""
    yield from written(folder)
    sources = [f"{outside.url}/x", str(outside.file)]
    for text in TEXTS:
        yield from (("a text", text.format(source=source).encode()) for source in sources)
    with rasterio.Env() as env:
        names = {**pyogrio.list_drivers(), **env.drivers()}
    yield from (("a prefix", f"{name}:{sources[0]}".encode()) for name in names)


def succeeded(offer, path):
    try:
        offer(path)
    except WaterbodemError:
        return False
    return True


@pytest.mark.filterwarnings("ignore")
def test_of_every_driver_only_those_that_hold_their_own_data_succeed(tmp_path, inside, outside):
    made = tmp_path / "gemaakt"
    made.mkdir()
    found, offered = set(), set()
    for driver, content in dict.fromkeys(contents(made, outside)):
        offered.add(driver)
        for end in (*VECTOR_MAGIC, ".tif", ".nc", ".asc"):
            path = inside / f"a{end}"
            path.write_bytes(content)
            offers = (opened, as_plan) if end in VECTOR_MAGIC else (opened,)
            found |= {driver for offer in offers if succeeded(offer, path)}
            path.unlink()
    assert len(offered) > 40
    assert found <= OWN_DATA, found - OWN_DATA
    assert found >= {"GTiff", "GPKG", "FlatGeobuf", "GML", "GeoJSON"}


def test_only_the_door_opens_files():
    """No other module of the library opens a raster for reading, or any vector file."""
    opens = re.compile(
        r"rasterio\.open\((?!.*\"w\")|pyogrio\.(read|list)|gpd\.read|open_dataset\(|h5py\.File|\bfiona\b|osgeo"
    )
    folder = Path(waterbodem.__file__).parent
    found = {p.name: opens.findall(p.read_text(encoding="utf-8")) for p in folder.rglob("*.py")}
    assert {name for name, calls in found.items() if calls} == {"door.py", "hdf5.py"}
