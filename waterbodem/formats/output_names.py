"""Names of all that an answer or a run leaves in its folder: maps, tables, pages."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class CellMap:
    """One map of cells: how its file and the variable of an answer are called, and what it shows.

    Parameters
    ----------
    name : str
    array : str
        Of a score, or of a burden, as kernels call it.
    is_share : bool
        A share 0..1, float32, shown in whole percents; else a code, uint8.
    of_burden : bool
        Whether it is of the burden.
    """

    name: str
    array: str
    is_share: bool = False
    of_burden: bool = False


#: Maps of cells, in the order in which they are written and in which a part holds them.
CELL_MAPS = (
    CellMap("geschiktheid", "score", is_share=True),
    CellMap("klasse", "klasse"),
    CellMap("bepalend", "bepalend"),
    CellMap("oorzaak", "oorzaak", of_burden=True),
    CellMap("dekking", "dekking", is_share=True),
    CellMap("risico", "risico", is_share=True, of_burden=True),
)
MAPS = tuple(m.name for m in CELL_MAPS)
#: Those that are shares of one; the others are codes.
SHARES = tuple(m.name for m in CELL_MAPS if m.is_share)
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
