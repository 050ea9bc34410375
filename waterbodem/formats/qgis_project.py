"""Outputs that open in QGIS as they are meant: a style beside every map, and a project that puts them in groups.

The project names its files by relative paths, so that the folder can be moved or sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as Xml

import pyproj

from waterbodem.core.files import Stage
from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import short_name
from waterbodem.definitions.legends import FULL, Legend, legend, map_title
from waterbodem.definitions.models import Functie
from waterbodem.formats.output_names import AREAS, PROJECT
from waterbodem.formats.qgis_style import (
    NAME_AND_ANSWER,
    VERSION,
    document,
    labels,
    outline_renderer,
    raster_pipe,
    raster_qml,
    rows_of_variant,
)

#: The map that is on when the project opens.
FIRST = "klasse"

#: The map whose legend depends on the functie.
LIMITING = "bepalend"

#: Longest name of a group.
NAME = 80


@dataclass(frozen=True)
class OutputMap:
    """One map of one functie, as a GIS should show it.

    Parameters
    ----------
    product : str
        As in :func:`waterbodem.definitions.legends.legend`.
    functie : Functie
    criteria : sequence of str
        That take part, for the legend of ``bepalend``.
    scenario : str
        Empty for the present.
    float_ : bool
        Shares 0..1 in float32 instead of percentages.
    """

    product: str
    functie: Functie
    criteria: Sequence[str] = ()
    scenario: str = ""
    float_: bool = False

    @property
    def group(self) -> str:
        """Name of the functie and scenario, on one line."""
        name = short_name(self.functie.naam, NAME)
        return f"{name} ({self.scenario})" if self.scenario else name

    @property
    def title(self) -> str:
        """Name of the map: the description of its band.

        Examples
        --------
        >>> from waterbodem.definitions.registry import load_functies
        >>> OutputMap("klasse", load_functies()["woningbouw"]).title
        'Antwoord: Woningbouw'
        """
        return f"{map_title(self.product)}: {self.group}"

    @property
    def legend(self) -> Legend:
        """Colours and names of its values."""
        return legend(self.product, self.criteria)

    @property
    def folder(self) -> str:
        """Folder of its file: ``functie`` or ``functie@scenario``."""
        return f"{self.functie.id}@{self.scenario}" if self.scenario else self.functie.id

    @property
    def path(self) -> str:
        """Its file, relative to the output folder."""
        return f"{self.folder}/{self.product}{'_f32' if self.float_ else ''}.tif"


def stage_styles(stage: Stage, root: Path, maps: Sequence[OutputMap], grid: Grid, *, areas: bool) -> list[Path]:
    """Write a style beside every map and a project of all of them, under temporary names; return the final ones.

    Parameters
    ----------
    stage : Stage
    root : Path
        The output folder; the folders of the maps exist.
    maps : sequence of OutputMap
        Functie by functie, in the order in which a GIS lists them.
    grid : Grid
        Where the project opens.
    areas : bool
        Whether ``gebieden.gpkg`` is there.
    """
    written = [_stage(stage, (root / m.path).with_suffix(".qml"), style_bytes(m)) for m in maps]
    return [*written, _stage(stage, root / PROJECT, project_bytes(maps, grid, areas=areas))]


def style_bytes(m: OutputMap) -> bytes:
    """Return the style of a map, for the file ``<map>.qml`` beside it."""
    return _drawn_as(m)[0]


def _stage(stage: Stage, path: Path, content: bytes) -> Path:
    stage.file(path).write_bytes(content)
    return path


@lru_cache(256)
def _drawn(product: str, criteria: tuple[str, ...], full: float) -> tuple[bytes, Xml.Element]:
    """Return how maps of a kind are drawn: the style for beside them, and the part of a project."""
    shown = legend(product, criteria)
    return raster_qml(shown, full), raster_pipe(shown, full)


def _drawn_as(m: OutputMap) -> tuple[bytes, Xml.Element]:
    return _drawn(m.product, tuple(m.criteria) if m.product == LIMITING else (), 1 if m.float_ else FULL)


def project_bytes(maps: Sequence[OutputMap], grid: Grid, *, areas: bool) -> bytes:
    """Return a QGIS project that groups maps by functie, polygons on top of them.

    Examples
    --------
    >>> from waterbodem.definitions.registry import load_functies
    >>> m = OutputMap("klasse", load_functies()["woningbouw"])
    >>> b'source="./woningbouw/klasse.tif"' in project_bytes([m], Grid(0, 100, 5, 5, 20, 20), areas=False)
    True
    """
    shown = [m for m in maps if not m.float_]
    root = Xml.Element("qgis", version=VERSION, projectname="waterbodem")
    Xml.SubElement(root, "title").text = "waterbodem"
    root.append(_crs("projectCrs", grid))
    tree = Xml.SubElement(root, "layer-tree-group")
    layers = Xml.SubElement(root, "projectlayers")
    for number, (folder, members) in enumerate(groupby(shown, key=lambda m: m.folder)):
        group = list(members)
        tree.append(_tree_group(folder, group, areas, on=number == 0))
        layers.extend([_areas(group[0], grid)] if areas else [])
        layers.extend(_map(m, grid) for m in group)
    root.append(_view(grid))
    root.append(_properties())
    return document(root)


def _properties() -> Xml.Element:
    """Return the settings that matter: relative paths, and a CRS that counts."""
    node = Xml.Element("properties")
    Xml.SubElement(Xml.SubElement(node, "Paths"), "Absolute", type="bool").text = "false"
    Xml.SubElement(Xml.SubElement(node, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    return node


def _tree_group(folder: str, maps: Sequence[OutputMap], areas: bool, *, on: bool) -> Xml.Element:
    group = Xml.Element("layer-tree-group", name=maps[0].group, checked=_checked(on), expanded=str(int(on)))
    if areas:
        group.append(_tree_layer(f"{folder}_{AREAS}", AREAS.capitalize(), _areas_source(maps[0]), "ogr", on=True))
    for m in maps:
        group.append(_tree_layer(_id(m), map_title(m.product), f"./{m.path}", "gdal", on=m.product == FIRST))
    return group


def _tree_layer(id_: str, name: str, source: str, provider: str, *, on: bool) -> Xml.Element:
    shown = {"id": id_, "name": name, "source": source, "providerKey": provider}
    return Xml.Element("layer-tree-layer", {**shown, "checked": _checked(on), "expanded": str(int(on))})


def _checked(on: bool) -> str:
    return "Qt::Checked" if on else "Qt::Unchecked"


def _id(m: OutputMap) -> str:
    return f"{m.folder}_{m.product}"


def _map(m: OutputMap, grid: Grid) -> Xml.Element:
    layer = _layer("raster", _id(m), map_title(m.product), f"./{m.path}", "gdal", grid)
    layer.append(_drawn_as(m)[1])
    return layer


def _areas(m: OutputMap, grid: Grid) -> Xml.Element:
    """Return the polygons of one functie: outlines with name and answer."""
    layer = _layer("vector", f"{m.folder}_{AREAS}", AREAS.capitalize(), _areas_source(m), "ogr", grid)
    layer.attrib.update(geometry="Polygon", labelsEnabled="1")
    layer.extend([outline_renderer(), labels(NAME_AND_ANSWER)])
    return layer


def _areas_source(m: OutputMap) -> str:
    rows = rows_of_variant(m.functie.id, m.scenario)
    return f"./{AREAS}.gpkg|layername={AREAS}|subset={rows}"


def _layer(kind: str, id_: str, name: str, source: str, provider: str, grid: Grid) -> Xml.Element:
    layer = Xml.Element("maplayer", type=kind)
    texts = {"id": id_, "datasource": source, "layername": name, "provider": provider}
    for tag, text in texts.items():
        Xml.SubElement(layer, tag).text = text
    layer.append(_crs("srs", grid))
    return layer


def _crs(tag: str, grid: Grid) -> Xml.Element:
    node = Xml.Element(tag)
    system = Xml.SubElement(node, "spatialrefsys", nativeFormat="Wkt")
    for name, text in _crs_texts(grid.crs):
        Xml.SubElement(system, name).text = text
    return node


@lru_cache(8)
def _crs_texts(crs: str | None) -> tuple[tuple[str, str], ...]:
    if crs is None:
        return ()
    found = pyproj.CRS.from_user_input(crs)
    authority = found.to_authority()
    return ("wkt", found.to_wkt()), *([("authid", ":".join(authority))] if authority else [])


def _view(grid: Grid) -> Xml.Element:
    """Return where the project opens: all of the grid."""
    canvas = Xml.Element("mapcanvas", name="theMapCanvas", annotationsVisible="1")
    extent = Xml.SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), grid.bounds, strict=True):
        Xml.SubElement(extent, name).text = f"{value:.15g}"
    canvas.append(_crs("destinationsrs", grid))
    return canvas
