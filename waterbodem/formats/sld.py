"""How other map servers than QGIS draw the table of polygons: a Styled Layer Descriptor (OGC SLD 1.0.0)."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from waterbodem.definitions.legends import area_style
from waterbodem.definitions.models import RGB, AnswerClass
from waterbodem.definitions.registry import answer_scale

SLD, OGC = "http://www.opengis.net/sld", "http://www.opengis.net/ogc"
#: Pixels of 0.28 mm, as SLD counts lines.
PIXEL_MM = 0.28


def areas_sld(layer: str, name: str, functie: str, scenario: str) -> bytes:
    """Return the style of polygons for one functie and scenario: a rule per answer, filled with its colour.

    Parameters
    ----------
    layer, name : str
        What the layer and the style are called.
    functie, scenario : str
        Of the rows that are drawn; an empty scenario is today.

    Examples
    --------
    >>> areas_sld("gebieden", "woningbouw", "woningbouw", "").count(b"<sld:Rule>")
    6
    """
    Xml.register_namespace("sld", SLD)
    Xml.register_namespace("ogc", OGC)
    root = Xml.Element(_sld("StyledLayerDescriptor"), version="1.0.0")
    named = _under(root, "NamedLayer")
    _under(named, "Name").text = layer
    style = _under(named, "UserStyle")
    _under(style, "Name").text = name
    rules = _under(style, "FeatureTypeStyle")
    for step in answer_scale().values():
        _add_rule(rules, step, functie, scenario)
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_rule(rules: Xml.Element, step: AnswerClass, functie: str, scenario: str) -> None:
    rule = _under(rules, "Rule")
    _under(rule, "Name").text = step.letter
    _under(rule, "Title").text = f"{step.letter} {step.antwoord}"
    both = Xml.SubElement(Xml.SubElement(rule, _ogc("Filter")), _ogc("And"))
    _add_comparison(both, "PropertyIsEqualTo", "functie", functie)
    _add_comparison(both, "PropertyIsEqualTo", "antwoord", step.letter)
    _add_scenario(both, scenario)
    _add_symbol(rule, step.kleur)


def _add_scenario(both: Xml.Element, scenario: str) -> None:
    """Take the rows of a scenario; of today those without a text of a letter or more: empty may be read as nothing."""
    if scenario:
        _add_comparison(both, "PropertyIsEqualTo", "scenario", scenario)
    else:
        some = {"wildCard": "*", "singleChar": "?", "escape": "!"}
        _add_comparison(Xml.SubElement(both, _ogc("Not")), "PropertyIsLike", "scenario", "?*", **some)


def _add_symbol(rule: Xml.Element, colour: RGB) -> None:
    style, polygon = area_style(), _under(rule, "PolygonSymbolizer")
    opacity, width = f"{style['vlak_dekking'] / 255:.3g}", f"{style['rand_mm'] / PIXEL_MM:.3g}"
    _add_parameters(_under(polygon, "Fill"), {"fill": _hex(colour), "fill-opacity": opacity})
    _add_parameters(_under(polygon, "Stroke"), {"stroke": _hex(style["rand"]), "stroke-width": width})


def _add_comparison(parent: Xml.Element, kind: str, column: str, value: str, **more: str) -> None:
    node = Xml.SubElement(parent, _ogc(kind), more)
    Xml.SubElement(node, _ogc("PropertyName")).text = column
    Xml.SubElement(node, _ogc("Literal")).text = value


def _add_parameters(parent: Xml.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        _under(parent, "CssParameter", name=name).text = value


def _hex(colour: RGB) -> str:
    red, green, blue = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _under(parent: Xml.Element, tag: str, /, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, _sld(tag), attributes)


def _sld(name: str) -> str:
    return f"{{{SLD}}}{name}"


def _ogc(name: str) -> str:
    return f"{{{OGC}}}{name}"
