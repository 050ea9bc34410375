"""The one door through which rasters and vector files come in, each by a driver that we choose.

GDAL has over 150 drivers, of which some ask a server, or read other files, for what a file says. It is therefore
never asked what a file is: a raster is opened by one named driver; of a vector file the bytes are given, packed under a
name of our own beside nothing but what belongs to them.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio

from waterbodem.core.errors import LayerError, NotARaster, WaterbodemError
from waterbodem.core.lazy import gpd, pd, pyogrio
from waterbodem.core.path_gate import MAX_VECTOR_BYTES, check_vector_content, head_of
from waterbodem.formats.foreign import geojson, geopackage, gml, hdf5, record_counts

#: Drivers that open a vector file, by extension; GeoJSON is read by Python's own json.
VECTOR_DRIVERS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".fgb": "FlatGeobuf", ".gml": "GML"}

#: Parts of a shapefile that are read.
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")

#: What a vector file is called within GDAL.
_NAME = "bestand"

#: A condition that holds for every row: with it rows are read until there are no more, whatever count the file states.
_EVERY_ROW = "1 = 1"

#: Of a GeoPackage GDAL looks at tables only that are layers, not at every view.
_ONLY_NAMED = {"LIST_ALL_TABLES": "NO"}

#: Takes the layers of a file, with their kind of geometry (None = none); returns the one that is meant.
Choice = Callable[[Mapping[str, str | None]], str]


def open_raster(path: Path, driver: str, **options: Any) -> Any:
    """Return a raster file opened for reading by one driver.

    Parameters
    ----------
    path : Path
    driver : str
        GDAL's name; no other is tried.
    **options
        Of the driver.

    Raises
    ------
    rasterio.errors.RasterioError
        If the driver does not open it.

    Examples
    --------
    >>> with open_raster(Path("hoogte.tif"), "GTiff") as file:  # doctest: +SKIP
    ...     heights = file.read(1)
    """
    return rasterio.open(path.absolute(), driver=driver, **options)


def check_raster(path: Path, driver: str, where: str = "") -> None:
    """Look through a raster file of a kind that may take its numbers from elsewhere.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    driver : str
        That will open it.
    where : str
        What an error calls it.

    Raises
    ------
    UnsafePath
        If its numbers stand in other files.
    LayerError
        If they are computed when they are read, or it cannot be looked through.
    MissingLibrary
        If what looks through it is not installed.

    Examples
    --------
    >>> check_raster(Path("hoogte.tif"), "GTiff")
    """
    if driver == "GPKG":
        geopackage.check_tiles(path, where)
    elif driver == "netCDF" and head_of(path, where).startswith(hdf5.MAGIC):
        hdf5.check_own_data(path, where)


def read_vector(
    path: Path, choose: Choice, *, columns: Sequence[str] | None = None, where: str = ""
) -> gpd.GeoDataFrame:
    """Return all features of one layer of a vector file, in two dimensions.

    Parameters
    ----------
    path : Path
        Has passed the path gate.
    choose : callable
        Says which layer.
    columns : sequence of str, optional
        The fields that are needed; all of them if not given.
    where : str
        What an error calls it.

    Returns
    -------
    GeoDataFrame
        Without a CRS where the file states none.

    Raises
    ------
    UnsafePath
        If it points at other files or services.
    NotARaster
        If it is not what its extension says.
    LayerError
        If it is too large, computed, without geometry, or lacks a field.
    GeometryError
        If it is GeoJSON that is not valid.

    Examples
    --------
    >>> plans = read_vector(Path("plannen.gpkg"), lambda layers: next(iter(layers)))  # doctest: +SKIP
    """
    check_vector_content(path, where)
    driver = VECTOR_DRIVERS.get(path.suffix.lower())
    if driver is None:
        return _from_geojson(path, choose, columns, where)
    with _faults(path, where):
        return _features(path, driver, choose, columns, where)


@contextmanager
def _faults(path: Path, where: str) -> Iterator[None]:
    try:
        yield
    except WaterbodemError:
        raise
    except Exception as error:  # pyogrio raises what pandas, shapely and GDAL raise
        raise NotARaster(
            f"vector file cannot be read: {type(error).__name__}",
            value=path.name,
            allowed="a file that a GIS opens",
            where=where,
        ) from None


def _from_geojson(path: Path, choose: Choice, columns: Sequence[str] | None, where: str) -> gpd.GeoDataFrame:
    name, frame = geojson.read_geojson(path, where)
    choose({name: "Unknown"})
    _check_columns(columns, [c for c in frame.columns if c != frame.geometry.name], where)
    frame.geometry = frame.geometry.force_2d()
    return frame if columns is None else frame[[*columns, frame.geometry.name]]


def _features(path: Path, driver: str, choose: Choice, columns: Sequence[str] | None, where: str) -> gpd.GeoDataFrame:
    packed, layer, options = _packed(path, driver, choose, where)
    info = pyogrio.read_info(packed, layer=layer, **options)
    if info["driver"] != driver:
        raise NotARaster(f"file is not what {path.suffix} promises", value=path.name, allowed=driver, where=where)
    _check_columns(columns, info["fields"], where)
    frame = pyogrio.read_dataframe(packed, layer=layer, columns=columns, force_2d=True, where=_EVERY_ROW, **options)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError("file holds no geometry", value=path.name, allowed="polygons", where=where)
    return frame


def _check_columns(columns: Sequence[str] | None, known: Iterable[object], where: str) -> None:
    names = [str(name) for name in known]
    for column in columns or []:
        if column not in names:
            raise LayerError("no such field", value=column, allowed=", ".join(names), where=f"{where}.field")


def _packed(path: Path, driver: str, choose: Choice, where: str) -> tuple[bytes, str, dict[str, str]]:
    """Return the bytes of a file, what the chosen layer is called in them, and options of the driver."""
    if driver == "GPKG":
        package = geopackage.read_package(path, where)
        chosen = choose(package.layers)
        geopackage.check_table(chosen, package.stored, path.name, where)
        return _pack({".gpkg": package.data}), chosen, _ONLY_NAMED
    parts = {end: p.read_bytes() for end, p in _parts(path, driver, where).items()}
    if driver == "GML":
        parts = {".gml": gml.own_data(parts[".gml"], path.name, where)}
    elif driver == "FlatGeobuf":
        record_counts.check_flatgeobuf(parts[".fgb"], path.name, where)
    else:
        record_counts.check_shapefile(parts, path.name, where)
    packed = _pack(parts)
    return packed, _layer_of(packed, path, choose), {}


def _layer_of(packed: bytes, path: Path, choose: Choice) -> str:
    """Return the layer that is chosen; one that is called after its file is known by the name of the file itself."""
    kinds = {str(name): None if kind is None else str(kind) for name, kind in pyogrio.list_layers(packed)}
    known = {path.stem if name == _NAME else name: name for name in kinds}
    return known[choose({name: kinds[inside] for name, inside in known.items()})]


def _parts(path: Path, driver: str, where: str) -> dict[str, Path]:
    """Return the files that make up a vector file, by extension."""
    ends = _PARTS if driver == "ESRI Shapefile" else (path.suffix.lower(),)
    found = {end: p for end in ends for p in [_part(path, end)] if p is not None}
    size = sum(p.stat().st_size for p in found.values())
    if size > MAX_VECTOR_BYTES:
        raise LayerError(
            "vector file is too large, with the files beside it",
            value=f"{size} bytes",
            allowed=f"{MAX_VECTOR_BYTES} bytes",
            where=where,
        )
    return found


def _part(path: Path, end: str) -> Path | None:
    """Return a file beside another, whatever the case of its extension."""
    names = (path, path.with_suffix(end), path.with_suffix(end.upper()))
    return next((p for p in names if p.suffix.lower() == end and p.is_file()), None)


def _pack(parts: Mapping[str, bytes]) -> bytes:
    """Return files as one archive, not compressed."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for end, data in parts.items():
            archive.writestr(zipfile.ZipInfo(_NAME + end), data)
    return target.getvalue()


def read_own_table(path: Path, layer: str, condition: str) -> pd.DataFrame:
    """Return rows of a table that this library wrote, without geometry.

    Parameters
    ----------
    path : Path
        A GeoPackage.
    layer : str
    condition : str
        In SQL.

    Raises
    ------
    NotARaster
        If it is no GeoPackage.
    LayerError
        If the table is computed.

    Examples
    --------
    >>> read_own_table(Path("grootboek.gpkg"), "grootboek", "functie = 'woningbouw'")  # doctest: +SKIP
    """
    geopackage.check_own_table(path, layer)
    with whole_name(path) as named, _faults(path, str(path)):
        table: pd.DataFrame = pyogrio.read_dataframe(named, layer=layer, where=condition, read_geometry=False)
    return table


def describe_own_table(path: Path, layer: str) -> Mapping[str, Any]:
    """Return what a GeoPackage that this library wrote says of a layer: ``features``, ``fields`` and the like.

    Examples
    --------
    >>> describe_own_table(Path("gebieden.gpkg"), "gebieden")["features"]  # doctest: +SKIP
    3
    """
    with whole_name(path) as named:
        return pyogrio.read_info(named, layer=layer)  # type: ignore[no-any-return]


@contextmanager
def whole_name(path: Path) -> Iterator[Path]:
    """Give a name of a file that pyogrio takes as it stands: it splits a path at ``!``, to look into archives.

    Examples
    --------
    >>> with whole_name(Path("plan.gpkg")) as named:
    ...     named.name
    'plan.gpkg'
    """
    whole = path.absolute()
    if "!" not in str(whole):
        yield whole
        return
    with tempfile.TemporaryDirectory(prefix="waterbodem-") as folder:
        link = Path(folder, "map")
        link.symlink_to(whole.parent, target_is_directory=True)
        yield link / whole.name
