"""The map of a dossier: answer classes as a small picture, polygons over it as links to their rows."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image

from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import answer_steps, colour_of, plain_number, unknown_class
from waterbodem.definitions.models import RGB, Functie
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.layers.polygons import Area
from waterbodem.views.figures.labels import NUMBERED, Label, Paper, labels_of
from waterbodem.views.figures.sheet import STRIPE, letters_wide, thin

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

Points = NDArray[np.float64]

#: Pixels of the picture at most, width of the drawing, and room around the cells for names and outlines.
MAX_SIDE, WIDTH, ROOM = 700, 1000.0, 60.0
#: Height of letters, as the style sheet has it, letters of a name at most, room beside it, and what it is written on.
LETTERS, NAME_LETTERS, EDGE = 30.0, 24, 4.0
PAPER = Paper(EDGE, WIDTH - EDGE, LETTERS, LETTERS, up=-1, wide=partial(letters_wide, bold=True))
#: Drawings are not higher than this share of their width.
TALLEST = 1.3
HATCH, STRIPE_CODE = 6, 254


@dataclass(frozen=True)
class Shape:
    """A polygon: its outline as an SVG path, and where its name stands, if there is room for it."""

    path: str
    label: Label | None = None


@dataclass(frozen=True)
class Drawing:
    """A map of one functie.

    Parameters
    ----------
    picture : str
        The cells as a data URI.
    box : tuple of float
        Left, top, width, height of the cells in the drawing.
    width, height : float
        Of the whole drawing.
    shapes : tuple of Shape
        In the order of the polygons.
    bar : (float, str)
        Length of the scale bar, and what it stands for.
    few : bool
        Whether polygons have a name or number, and a sentence each.
    """

    picture: str
    box: tuple[float, float, float, float]
    width: float
    height: float
    shapes: tuple[Shape, ...]
    bar: tuple[float, str]
    few: bool


def drawing(
    assessment: Answer, functie: Functie, areas: Sequence[Area], names: Sequence[str], kleuren: str, taal: str
) -> Drawing:
    """Return the map of one functie with these polygons, named so."""
    cells = assessment.of(functie)
    picture = class_picture(np.asarray(cells["klasse"].values), kleuren)
    return sketch(picture, assessment.question.grid, areas, names, taal)


def sketch(picture: str, grid: Grid, areas: Sequence[Area], names: Sequence[str], taal: str) -> Drawing:
    """Return a map of any picture of the cells of a grid, with these polygons, named so."""
    wide, high = grid.cols * grid.dx, grid.rows * grid.dy
    scale = (WIDTH - 2 * ROOM) / max(wide, high / TALLEST)
    left = (WIDTH - wide * scale) / 2
    return Drawing(
        picture=picture,
        box=(round(left, 2), ROOM, round(wide * scale, 2), round(high * scale, 2)),
        width=WIDTH,
        height=round(high * scale + 2 * ROOM, 2),
        shapes=_shapes(areas, names, lambda c: (c - (grid.left, grid.top)) * (scale, -scale) + (left, ROOM)),
        bar=_bar(wide, scale, taal),
        few=len(areas) <= NUMBERED,
    )


def class_picture(klasse: NDArray[Any], kleuren: str) -> str:
    """Return answer classes as a picture; unknown is striped."""
    codes = _thinned(klasse)
    rows, cols = np.indices(codes.shape)
    codes = np.where((codes == unknown_class().code) & ((rows + cols) % HATCH == 0), STRIPE_CODE, codes)
    return _picture(codes, {**{s.code: colour_of(s, kleuren) for s in answer_steps().values()}, STRIPE_CODE: STRIPE})


def coded_picture(codes: NDArray[Any], colours: Mapping[int, RGB]) -> str:
    """Return codes as a picture; 255 is transparent."""
    return _picture(_thinned(codes), colours)


def _thinned(codes: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(thin(codes, max(1, math.ceil(max(codes.shape) / MAX_SIDE))))


def _picture(codes: NDArray[Any], colours: Mapping[int, RGB]) -> str:
    palette = np.zeros((256, 3), np.uint8)
    for code, colour in colours.items():
        palette[code] = colour
    image = Image.fromarray(codes.astype(np.uint8), "P")
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=NO_CRITERION, optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _shapes(areas: Sequence[Area], names: Sequence[str], move: Callable[[Points], Points]) -> tuple[Shape, ...]:
    """Return polygons in the drawing, without detail that it cannot show."""
    moved = [shapely.transform(a.geometry, move) for a in areas]
    labels = labels_of([a.nr for a in areas], names, shapely.bounds(moved), PAPER, NAME_LETTERS)
    return tuple(Shape(_outline(g), _on_base(label)) for g, label in zip(moved, labels, strict=True))


def _outline(polygon: Any) -> str:
    lines = shapely.get_parts(shapely.boundary(shapely.simplify(polygon, 0.5)))
    return "".join(_ring(shapely.get_coordinates(line)) for line in lines)


def _on_base(label: Label | None) -> Label | None:
    """Return a label with the place of its base line, which SVG writes on."""
    return None if label is None else Label(round(label.x, 1), round(label.y + 0.35 * LETTERS, 1), label.text)


def _ring(points: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points[:-1]) + "Z"


def _bar(wide: float, scale: float, taal: str) -> tuple[float, str]:
    """Return a round length of about a fifth of the cells."""
    wanted = wide / 5
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(f * power for f in (1, 2, 5) if f * power <= wanted * 1.0001)
    label = f"{plain_number(length / 1000, taal)} km" if length >= 1000 else f"{plain_number(round(length, 3), taal)} m"
    return round(length * scale, 2), label
