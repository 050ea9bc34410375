"""Names of all that an answer or a run leaves in its folder: maps, tables, pages."""

from __future__ import annotations

import re

#: Maps of cells, in the order in which they are written and in which a part holds them.
MAPS = ("geschiktheid", "klasse", "bepalend", "oorzaak", "dekking", "risico")
#: Those that are shares of one; the others are codes.
SHARES = ("geschiktheid", "dekking", "risico")
#: Maps of who receives it: who lies downstream, and what arrives from polygons by water and ground.
RECEPTION = ("benedenstrooms", "ontvangst", "grondwater")
#: All maps that a run may be asked for.
ALL_MAPS = (*MAPS, *RECEPTION)

#: Table of polygons, also its layer in a package; who receives it; the way of the water. A name with several endings.
AREAS, LEDGER, PATHS = "gebieden", "grootboek", "stroompaden"
#: Map of which share of what lies downstream is unknown.
UNKNOWN = "blootstelling_onbekend"
#: Page of an answer or run, QGIS project, provenance; picture in the folder of a functie.
REPORT, PROJECT, PROVENANCE, PICTURE = "rapport.html", "waterbodem.qgs", "herkomst.json", "overzicht.png"

#: What stands in the folder itself, beside a folder per functie.
WRITTEN = re.compile(
    rf"({AREAS}|{LEDGER})\.(gpkg|csv)|{PATHS}\.gpkg|{UNKNOWN}(@.*)?\.(tif|tif\.aux\.xml|qml)"
    rf"|{'|'.join(re.escape(name) for name in (REPORT, PROJECT, PROVENANCE))}"
)
#: Where a run keeps its parts, and what it has finished.
WORK, JOURNAL, PARTS = ".waterbodem", "ledger.sqlite", "parts"
#: How files in the folder of a functie end.
OF_FUNCTIE = (".tif", ".tif.aux.xml", ".qml", ".png")
