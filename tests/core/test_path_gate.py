"""The path gate: what a catalogue may not name, tried with real files."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.support.layer_files import catalogue, layer, raster
from tests.support.outside import unreached
from waterbodem.core import crs
from waterbodem.core.errors import CorruptLayer, GridMismatch, LayerError, NotARaster, UnsafePath
from waterbodem.core.path_gate import local_file, raster_driver, sha256_of
from waterbodem.layers.stack import open_layers

REFUSED = [
    "/vsicurl/http://127.0.0.1/a.tif", "/vsizip/a.zip/a.tif", "\\vsimem\\a.tif", "http://h/a.tif",
    "https://h/a.tif", "s3://b/a.tif", "file:///etc/passwd", 'NETCDF:"a.nc":v', "GTIFF_DIR:1:a.tif",
    "WMS:http://h", "a\0b.tif", "<VRTDataset/>", " <VRTDataset/>", '{"type": 1}',
    "//server/share/a.tif",
    "\\\\server\\share\\a.tif", "a.tif:stream", "", " ", "../a.tif",
    "sub/../../a.tif", "/etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refuses(tmp_path, text):
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "a.tif").write_bytes(b"x")
    with pytest.raises(UnsafePath):
        local_file(text, inside)


def test_a_drive_letter_is_no_scheme(tmp_path):
    with pytest.raises(UnsafePath) as caught:
        local_file("C:\\data\\a.tif", tmp_path)
    assert "leaves the folder" in str(caught.value) and "network" not in str(caught.value)


def test_accepts_plain_files_and_dots_that_stay_inside(tmp_path):
    (tmp_path / "sub").mkdir()
    file = tmp_path / "een laag.tif"
    file.write_bytes(b"x")
    assert local_file("sub/../een laag.tif", tmp_path) == file.resolve()
    assert local_file(str(file), tmp_path) == file.resolve()


def test_allow_opens_another_folder_only(tmp_path):
    for name in ("in", "out", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.tif").write_bytes(b"x")
    allow = [tmp_path / "out"]
    assert local_file("../out/a.tif", tmp_path / "in", allow=allow).parent.name == "out"
    with pytest.raises(UnsafePath):
        local_file("../other/a.tif", tmp_path / "in", allow=allow)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_a_link_that_leads_out_is_refused(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.tif").write_bytes(b"x")
    (inside / "a.tif").symlink_to(tmp_path / "secret.tif")
    with pytest.raises(UnsafePath):
        local_file("a.tif", inside)


@pytest.mark.parametrize("name", ["absent.tif", "."])
def test_no_plain_file(tmp_path, name):
    with pytest.raises(LayerError, match="no plain file"):
        local_file(name, tmp_path)


@pytest.mark.parametrize(
    "content, kind, hint",
    [
        (b"", NotARaster, "empty"),
        (b"<!DOCTYPE html><html>", NotARaster, "HTML"),
        (b"\xef\xbb\xbf\n <html>", NotARaster, "HTML"),
        (b"<?xml version='1.0'?><ServiceExceptionReport/>", NotARaster, "XML"),
        (b'{"error": 500}', NotARaster, "JSON"),
        (b"\x00\x01\x02\x03" * 9, NotARaster, "no raster"),
        (b"<VRTDataset rasterXSize='1'/>", UnsafePath, "VRT"),
        (b"<?xml version='1.0'?>\n<!-- x --><VRTDataset/>", UnsafePath, "VRT"),
        (b"<GDAL_WMS></GDAL_WMS>", UnsafePath, "services"),
    ],
)
def test_content_that_is_no_raster(tmp_path, content, kind, hint):
    file = tmp_path / "a.tif"
    file.write_bytes(content)
    with pytest.raises(kind, match=hint):
        raster_driver(file)


def cunning(folder, url):
    """Write layers that point at a server; return the paths that name one."""
    file = f"<SourceFilename>/vsicurl/{url}/x.tif</SourceFilename>"
    vrt = f"<VRTDataset><SimpleSource>{file}</SimpleSource></VRTDataset>"
    data = f"<SrcDataSource>/vsicurl/{url}/y.json</SrcDataSource>"
    ogr = f'<OGRVRTDataSource><OGRVRTLayer name="a">{data}</OGRVRTLayer></OGRVRTDataSource>'
    (folder / "a.tif").write_text(vrt)
    (folder / "b.gml").write_text(ogr)
    raster(folder / "c.tif", np.zeros((4, 4), np.float32))
    (folder / "c.tif.ovr").write_text(vrt)
    raster(folder / "d.tif", np.zeros((4, 4), np.float32))
    item = f'<MDI key="OVERVIEW_FILE">/vsicurl/{url}/o.tif</MDI>'
    aux = f'<PAMDataset><Metadata domain="OVERVIEWS">{item}</Metadata></PAMDataset>'
    (folder / "d.tif.aux.xml").write_text(aux)
    return "a.tif", "c.tif", "d.tif", f"/vsicurl/{url}/x.tif", f"{url}/x.tif"


def test_a_cunning_catalogue_makes_no_request(tmp_path):
    with unreached(tmp_path) as outside:
        for path in cunning(tmp_path, outside.url):
            with pytest.raises(UnsafePath):
                open_layers(catalogue(tmp_path, layer("droogte", path, "%")))
        with pytest.raises(UnsafePath):
            open_layers(catalogue(tmp_path, layer("beekdal", "b.gml", "1", value=1)))


def test_sha256(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(file) == digest and sha256_of(file, digest.upper()) == digest
    with pytest.raises(CorruptLayer, match="sha256"):
        sha256_of(file, "0" * 64)


@pytest.mark.parametrize(
    "text",
    [
        "http://epsg.io/28992",
        "/etc/passwd",
        "+proj=longlat",
        "urn:ogc:def:crs:EPSG::28992",
        "RD",
        "",
    ],
)
def test_crs_is_a_code_or_wkt(text):
    with pytest.raises(GridMismatch, match="CRS"):
        crs.horizontal_crs(text)


def test_crs_forms_of_rd_are_one():
    wkt = crs.horizontal_crs("EPSG:28992").to_wkt()
    assert crs.projected(28992) == crs.projected(wkt) == crs.projected("epsg:7415") == "EPSG:28992"


@pytest.mark.parametrize("text", ["EPSG:4326", "EPSG:2263", "EPSG:4978"])
def test_crs_must_be_projected_in_metres(text):
    with pytest.raises(GridMismatch, match="metres"):
        crs.projected(text)
