"""How QGIS draws a map or a table of polygons: legends as its style documents (.qml), no number of our own.

QGIS reads a ``.qml`` beside a raster, and the table ``layer_styles`` inside a GeoPackage, without being asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from xml.etree import ElementTree as Xml

from waterbodem.definitions.legends import FULL, RGBA, Legend, area_style
from waterbodem.definitions.registry import answer_scale

#: The oldest QGIS that is meant to read these documents; newer ones do too.
VERSION = "3.22.0"

_DOCTYPE = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def document(root: Xml.Element) -> bytes:
    """Return a QGIS document as UTF-8 text; equal elements give equal bytes."""
    Xml.indent(root)
    return _DOCTYPE + bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=False)) + b"\n"


# --- maps ------------------------------------------------------------------------------------------------------------


def raster_qml(legend: Legend, full: float = FULL) -> bytes:
    """Return the style of a map, for the file ``<map>.qml`` beside ``<map>.tif``.

    Parameters
    ----------
    legend : Legend
    full : float
        The value in the raster that means 100 %: 100, or 1 for shares in float32.

    Examples
    --------
    >>> from waterbodem.definitions.legends import legend
    >>> b'value="1" color="#4cff00" alpha="255" label="A ja"' in raster_qml(legend("klasse"))
    True
    """
    root = Xml.Element("qgis", version=VERSION)
    root.append(raster_pipe(legend, full))
    return document(root)


def raster_pipe(legend: Legend, full: float = FULL) -> Xml.Element:
    """Return how a raster is drawn, as a QGIS ``pipe``."""
    pipe = Xml.Element("pipe")
    pipe.append(_palette(legend) if legend.classes else _shading(legend, full))
    return pipe


def _palette(legend: Legend) -> Xml.Element:
    renderer = _renderer("paletted")
    entries = Xml.SubElement(renderer, "colorPalette")
    for value, rgba in legend.colours.items():
        if rgba[3]:
            Xml.SubElement(entries, "paletteEntry", {"value": str(value), **_shown(rgba, legend.names[value])})
    return renderer


def _shading(legend: Legend, full: float) -> Xml.Element:
    renderer = _renderer("singlebandpseudocolor", classificationMin="0", classificationMax=f"{full:g}")
    shader = Xml.SubElement(Xml.SubElement(renderer, "rastershader"), "colorrampshader")
    kind = "DISCRETE" if legend.steps else "INTERPOLATED"
    ends = {"minimumValue": "0", "maximumValue": f"{full:g}"}
    shader.attrib.update({"colorRampType": kind, "classificationMode": "1", "clip": "0", **ends})
    for until, stop in _items(legend):
        value = "inf" if until is None else f"{until * full / FULL:.15g}"
        Xml.SubElement(shader, "item", {"value": value, **_shown(legend.colours[stop], legend.stops[stop])})
    return renderer


def _items(legend: Legend) -> list[tuple[float | None, int]]:
    """Return until which percentage a colour holds (None: all above), and the stop that has it.

    A step holds up to but not including the next stop; QGIS includes the border, so it lies half a percent lower.
    """
    if not legend.steps:
        return [(stop, stop) for stop in legend.stops]
    borders = [after - 0.5 for _, after in pairwise(legend.stops)]
    return list(zip([*borders, None], legend.stops, strict=True))


def _renderer(kind: str, **more: str) -> Xml.Element:
    return Xml.Element("rasterrenderer", {"type": kind, "band": "1", "opacity": "1", "alphaBand": "-1", **more})


def _shown(rgba: RGBA, label: str) -> dict[str, str]:
    red, green, blue, alpha = rgba
    return {"color": f"#{red:02x}{green:02x}{blue:02x}", "alpha": str(alpha), "label": label}


# --- polygons --------------------------------------------------------------------------------------------------------


def rows_of_variant(functie: str, scenario: str) -> str:
    r"""Return which rows of the table belong to one functie and scenario, as a filter that QGIS and SQL read.

    Examples
    --------
    >>> rows_of_variant("woningbouw", "")
    '"functie" = \'woningbouw\' AND "scenario" = \'\''
    """
    return f'"functie" = {_quoted(functie)} AND "scenario" = {_quoted(scenario)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def areas_qml(functie: str, scenario: str) -> bytes:
    """Return the style of the table of polygons for one functie: coloured by answer, named.

    A polygon has a row per functie; those of the others are not drawn.
    """
    rows = rows_of_variant(functie, scenario)
    root = Xml.Element("qgis", version=VERSION, labelsEnabled="1")
    root.extend([_answers(f'if({rows}, "antwoord", NULL)'), labels(f"if({rows}, {NAME_AND_ANSWER}, NULL)")])
    return document(root)


#: Label of a polygon, as a QGIS expression.
NAME_AND_ANSWER = '"gebied" || \': \' || "antwoord"'


def _answers(expression: str) -> Xml.Element:
    """Return polygons filled with the colour of the answer that an expression gives."""
    renderer = Xml.Element("renderer-v2", type="categorizedSymbol", attr=expression)
    categories, symbols = Xml.SubElement(renderer, "categories"), Xml.SubElement(renderer, "symbols")
    opacity = int(area_style()["vlak_dekking"])
    for number, step in enumerate(answer_scale().values()):
        label = f"{step.letter} {step.antwoord}"
        Xml.SubElement(categories, "category", value=step.letter, symbol=str(number), label=label, render="true")
        symbols.append(_fill(str(number), (*step.kleur, opacity)))
    return renderer


def outline_renderer() -> Xml.Element:
    """Return polygons as an outline only, to lie on a map."""
    renderer = Xml.Element("renderer-v2", type="singleSymbol")
    Xml.SubElement(renderer, "symbols").append(_fill("0", (0, 0, 0, 0)))
    return renderer


def _fill(name: str, rgba: RGBA) -> Xml.Element:
    style = area_style()
    symbol = Xml.Element("symbol", type="fill", name=name, alpha="1")
    layer = Xml.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
    options = {
        "color": _rgba(rgba),
        "style": "solid" if rgba[3] else "no",
        "outline_color": _rgba((*style["rand"], 255)),
        "outline_style": "solid",
        "outline_width": str(style["rand_mm"]),
        "outline_width_unit": "MM",
    }
    layer.append(_option_map(options))
    return symbol


def labels(expression: str) -> Xml.Element:
    """Return labels with the outcome of a QGIS expression."""
    style = area_style()
    labeling = Xml.Element("labeling", type="simple")
    settings = Xml.SubElement(labeling, "settings")
    text = {"fieldName": expression, "isExpression": "1", "fontSize": "10", "fontSizeUnit": "Point"}
    node = Xml.SubElement(settings, "text-style", {**text, "textColor": _rgba((*style["tekst"], 255))})
    halo = {"bufferDraw": "1", "bufferSize": "1", "bufferSizeUnits": "MM", "bufferOpacity": "1"}
    Xml.SubElement(node, "text-buffer", {**halo, "bufferColor": _rgba((*style["tekst_rand"], 255))})
    Xml.SubElement(settings, "placement", placement="1")
    return labeling


def _rgba(rgba: RGBA) -> str:
    return ",".join(str(v) for v in rgba)


def _option_map(options: Mapping[str, str]) -> Xml.Element:
    node = Xml.Element("Option", type="Map")
    for name, value in options.items():
        Xml.SubElement(node, "Option", name=name, type="QString", value=value)
    return node
