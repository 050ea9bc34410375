"""A GML file of somebody else, without what would have a reader ask a server for more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from waterbodem.core.errors import NotARaster, UnsafePath

#: Encodings in which the signs of XML are those of ASCII.
ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")

#: Readers tell formats apart by the text at the start of a file, of which they look at less than this.
_LOOKED_AT = 1 << 16

#: What stands before the root is at most this long.
_PROLOGUE = 1 << 20

#: How GML 2 names a CRS: as a place, which readers that may ask no server do not know. The same in short.
_OLD_CRS, _CRS = b"http://www.opengis.net/gml/srs/epsg.xml#", b"EPSG:"

_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")


def own_data(data: bytes, name: str, where: str = "") -> bytes:
    """Return a GML file with a root that says nothing but its namespaces.

    Gone are comments, where a format that names a server may be hidden; the place of a schema, which would be fetched;
    and the number of features, which may lie.

    Parameters
    ----------
    data : bytes
        Of the file.
    name : str
        Of the file, for errors.
    where : str
        What an error calls it.

    Raises
    ------
    NotARaster
        If it is no collection of features in GML.
    UnsafePath
        If it has a document type, which may name other files.

    Examples
    --------
    >>> text = b'<g:FeatureCollection xmlns:g="http://www.opengis.net/gml" next="http://x"><g:a/></g:FeatureCollection>'
    >>> b"next" in own_data(text, "a.gml")
    False
    """
    root = _Root(data, name, where)
    tag = f'<?xml version="1.0" encoding="{root.encoding}"?>\n<{root.name}{_namespaces(root.attributes)}>'
    rest = f"</{root.name}>".encode() if root.is_empty else data[root.end :].replace(_OLD_CRS, _CRS)
    return b"".join([tag.encode(root.encoding, "xmlcharrefreplace"), b" " * _LOOKED_AT, rest])


def _namespaces(attributes: Mapping[str, str]) -> str:
    """Return the namespaces; readers take one that is called as the place of a schema for that place."""
    named = {k: v for k, v in attributes.items() if k.partition(":")[0] == "xmlns"}
    return "".join(f" {k}={quoteattr(v)}" for k, v in named.items() if not k.lower().endswith("schemalocation"))


class _Found(Exception):
    """The root was met: the rest need not be parsed."""


class _Root:
    """The root of an XML text: what it is called, and where its tag ends."""

    def __init__(self, data: bytes, name: str, where: str) -> None:
        self._file, self._where = name, where
        self.encoding, self.name, self.attributes = "utf-8", "", dict[str, str]()
        self._start = 0
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declare
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._begin
        self._find(data)
        self._check()
        tag = _TAG.match(data, self._start)
        if tag is None:
            self._refuse()
        self.end, self.is_empty = tag.end(), tag[0].endswith(b"/>")

    def _find(self, data: bytes) -> None:
        try:
            self._parser.Parse(data[:_PROLOGUE], False)
        except _Found:
            return
        except (expat.ExpatError, ValueError, LookupError):
            self._refuse()
        self._refuse()

    def _declare(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = (encoding or "utf-8").lower()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.attributes, self._start = name, attributes, self._parser.CurrentByteIndex
        raise _Found

    def _check(self) -> None:
        if self.encoding not in ENCODINGS:
            raise NotARaster(
                "GML is in an encoding that is not read",
                value=f"{self._file}: {self.encoding}",
                allowed=", ".join(ENCODINGS),
                where=self._where,
            )
        spaces = _namespaces(self.attributes)
        if not (self.name.rpartition(":")[2].startswith("FeatureCollection") and "opengis.net/gml" in spaces):
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotARaster(
            "file is no GML that holds its own features",
            value=f"{self._file}: {self.name or 'no XML'}",
            allowed="a FeatureCollection with the namespace of GML; or save it as a GeoPackage",
            where=self._where,
        )

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise UnsafePath("GML has a document type, which may name other files", value=self._file, where=self._where)
