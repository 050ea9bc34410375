"""The interactive map of an answer: one HTML file of its own, that asks nothing from anywhere."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, overload

import numpy as np
import shapely
from markupsafe import Markup

from waterbodem.core.crs import same_crs
from waterbodem.core.files import write_whole
from waterbodem.core.grid import Grid
from waterbodem.core.progress import track
from waterbodem.definitions.labels import colour_of, is_fictitious, name_of, short_name, texts, unknown_class
from waterbodem.definitions.models import Functie
from waterbodem.layers.polygons import Area
from waterbodem.views.caveats import Caveats
from waterbodem.views.editions import edition_text
from waterbodem.views.pages import json_block, policy, render, script_text
from waterbodem.views.webmap.codes import coded_layers

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Cells of all functies together; larger areas are thinned, and the page says so.
MAX_CELLS = 4_200_000
#: Rows of the list and polygons that are drawn.
MAX_ROWS, MAX_AREAS = 4_000, 4_000
#: Corners closer than this share of the longest side are left out.
DETAIL = 1 / 8_000
TILES = "https://service.pdok.nl"
NAME = 120
FRAME_HEIGHT = 640


@dataclass(frozen=True)
class MapPage:
    """An interactive map: shows itself in a notebook, and saves as one file.

    Attributes
    ----------
    html : str
        The whole page.
    """

    html: str

    @overload
    def save(self, path: str | Path) -> Path: ...
    @overload
    def save(self, path: IO[Any]) -> None: ...
    def save(self, path: str | Path | IO[Any]) -> Path | None:
        """Write the page, whole or not at all, and return its path; a file that is open gets it and stays open."""
        return write_whole(path, self.html.encode())

    def __repr__(self) -> str:
        return f"<MapPage {len(self.html) / 1e6:.1f} MB: .save(path) writes it as one HTML file>"

    def _repr_html_(self) -> str:
        """Return the page in a frame that has no rights in the notebook."""
        style = f"width:100%;height:{FRAME_HEIGHT}px;border:1px solid #d5dbe1"
        return f'<iframe sandbox="allow-scripts" style="{style}" title="kaart" srcdoc="{escape(self.html)}"></iframe>'


def map_page(assessment: Answer, *, taal: str = "nl", kleuren: str = "landelijk", achtergrond: bool = False) -> MapPage:
    """Return an answer as an interactive map.

    Parameters
    ----------
    assessment : Answer
    taal : {"nl", "en"}
    kleuren : {"landelijk", "kleurenblind"}
        Colours of the answer classes at first; the page can switch.
    achtergrond : bool
        Show the BRT-achtergrondkaart of PDOK behind data in RD; needs the network when the page is open, and stays
        away silently without. By default the page asks nothing from anywhere.

    Returns
    -------
    MapPage

    Raises
    ------
    ArgumentError
        If language or palette is not known.

    Examples
    --------
    >>> import waterbodem as wb
    >>> page = map_page(wb.assess(wb.example(size=60, resolution=40), "woningbouw", wb.example_plans()))
    >>> "https:" in page.html
    False
    """
    colour_of(unknown_class(), kleuren)  # refuses a palette that is not there
    script = script_text("kaart.js")
    grid = assessment.question.grid
    tiles = achtergrond and grid.crs is not None and same_crs(grid.crs, "EPSG:28992")
    data, beside = page_data(assessment, taal, kleuren, tiles), Caveats(assessment, taal)
    rows = list_rows(assessment, beside)
    html = render(
        "kaart.html.j2",
        taal,
        policy=policy([script], [TILES] if tiles else []),
        script=Markup(script),
        data=Markup(json_block(data)),
        rows=rows,
        heading=[*beside.opening, *beside.storms(rows)],
        functies=[(f.id, name_of(f, taal)) for f in assessment.question.functies],
        made_up=is_fictitious(assessment.question.layers),
        notes=_notes(assessment, taal, achtergrond, tiles),
        kleuren=kleuren,
    )
    return MapPage(html)


def thinning(grid: Grid, functies: int) -> int:
    """Return the step at which cells are drawn, so that a page of any area stays small.

    Examples
    --------
    >>> thinning(Grid(0, 0, 5, 5, 2000, 2000), 1), thinning(Grid(0, 0, 5, 5, 4000, 4000), 2)
    (1, 3)
    """
    step = max(1, math.ceil(math.sqrt(grid.rows * grid.cols * functies / MAX_CELLS)))
    return step if min(grid.rows, grid.cols) > step else 1


def page_data(assessment: Answer, taal: str, kleuren: str, tiles: bool) -> dict[str, Any]:
    """Return everything that the script needs, as plain data."""
    q, step = assessment.question, thinning(assessment.question.grid, len(assessment.question.functies))
    functies = track(q.functies, "kaart")
    return {
        "taal": taal,
        "teksten": texts(taal)["verkennen"],
        "raster": _raster(q.grid, step),
        "functies": [_functie(assessment, f, step, taal) for f in functies],
        "gebieden": [_area(a, q.grid) for a in q.areas[:MAX_AREAS]],
        "kleuren": kleuren,
        "tegels": f"{TILES}/brt/achtergrondkaart/wmts/v2_0/standaard/EPSG:28992/" if tiles else "",
        "rd": q.grid.crs is not None and same_crs(q.grid.crs, "EPSG:28992"),
    }


def _raster(grid: Grid, step: int) -> dict[str, Any]:
    """Return where the drawn cells lie; a last cell that is not whole is left as wide as the others."""
    return {
        "links": grid.left,
        "boven": grid.top,
        "breedte": grid.cols * grid.dx,
        "hoogte": grid.rows * grid.dy,
        "dx": grid.dx * step,
        "dy": grid.dy * step,
    }


def _functie(assessment: Answer, functie: Functie, step: int, taal: str) -> dict[str, Any]:
    layers = coded_layers(assessment, functie, step, taal)
    rows, cols = layers[0].codes.shape
    return {
        "id": functie.id,
        "naam": short_name(name_of(functie, taal), NAME),
        "rijen": rows,
        "kolommen": cols,
        "lagen": {x.id: x.to_dict(_packed(x.codes)) for x in layers},
    }


def _packed(codes: Any) -> str:
    return base64.b64encode(zlib.compress(codes.tobytes(), 6)).decode("ascii")


def _area(area: Area, grid: Grid) -> dict[str, Any]:
    """Return a polygon in metres right of and below the upper left corner of the cells."""
    tolerance = DETAIL * max(grid.rows * grid.dy, grid.cols * grid.dx)
    lines = shapely.get_parts(shapely.boundary(shapely.simplify(area.geometry, tolerance)))
    rings = [shapely.get_coordinates(line) for line in lines]
    digits = max(0, 1 - math.floor(math.log10(tolerance)))
    around = np.array([grid.left, grid.top])
    return {
        "nr": area.nr,
        "naam": short_name(area.name, NAME),
        "ringen": [np.round((r - around) * (1, -1), digits).reshape(-1).tolist() for r in rings],
    }


def list_rows(assessment: Answer, beside: Caveats) -> Sequence[Any]:
    """Return the lines of the table beside the map."""
    table = assessment.rows.drop(columns="geometry").head(MAX_ROWS)
    return [
        {
            **beside.told(row),
            "gebied": short_name(row["gebied"], NAME),
            "naast": beside.marks(row),
            "onbeslist": beside.ranges.head(row),
            "tussen": beside.ranges.short(row),
        }
        for row in table.to_dict("records")
    ]


def _notes(assessment: Answer, taal: str, wanted: bool, tiles: bool) -> list[str]:
    q, t = assessment.question, texts(taal)["verkennen"]
    step, rows = thinning(q.grid, len(q.functies)), len(assessment.rows)
    told = {
        edition_text(assessment, taal): assessment.making.is_earlier,
        t["verkleind"].format(n=step): step > 1,
        t["minder_rijen"].format(n=MAX_ROWS, totaal=rows): rows > MAX_ROWS,
        t["minder_gebieden"].format(n=MAX_AREAS, totaal=len(q.areas)): len(q.areas) > MAX_AREAS,
        t["achtergrond"]: tiles,
        t["achtergrond_niet"]: wanted and not tiles,
    }
    return [text for text, holds in told.items() if holds]
