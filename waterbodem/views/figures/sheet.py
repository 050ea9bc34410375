"""How a map is drawn: cells as coloured images, polygons, axes, legend. Knows colours and places, no answers."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import shapely
from matplotlib import colormaps, patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap
from matplotlib.figure import Figure as Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Patch
from numpy.typing import NDArray

from waterbodem.core.crs import same_crs
from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import plain_number, short_name, unknown_class
from waterbodem.definitions.legends import share
from waterbodem.definitions.models import RGB
from waterbodem.layers.polygons import Area
from waterbodem.views.figures.labels import Label, Paper, labels_of

#: At most this many cells are drawn a side; larger grids are thinned, and the figure says so.
MAX_SIDE = 1500
#: Inches: width of a map, left edge, between maps, below a map.
PANEL, LEFT, GAP, UNDER = 3.1, 0.55, 0.28, 0.45
MARGIN = 0.09
#: With more outlines than this, thin lines without halo.
CROWDED = 100
#: Points of a name, and letters of a name at most.
LABEL, NAME_LETTERS = 7, 22
#: Size at which letters are measured.
EM = 100
STRIPE, OUTLINE, PALE = (120, 120, 120), "#1a1a1a", (242, 242, 242)
GREY, EDGE = "#555555", "#bbbbbb"
Array = NDArray[Any]
Scale = tuple[str | Colormap, float, float, str]
Entry = tuple[str, RGB, bool]


@dataclass(frozen=True)
class Panel:
    """One map: an RGBA image, a title, and what explains its colours."""

    title: str
    image: Array
    entries: tuple[Entry, ...] = ()
    scale: Scale | None = None


# --- images ----------------------------------------------------------------------------------------------------------


def thinning(grid: Grid) -> int:
    """Return the step at which cells are drawn: 1, or more for huge grids."""
    return max(1, math.ceil(max(grid.rows, grid.cols) / MAX_SIDE))


def thin(values: Array, step: int) -> Array:
    """Return every ``step``-th cell, the middle one of its block."""
    return values[..., step // 2 :: step, step // 2 :: step] if min(values.shape[-2:]) > step else values


def pooled(mask: Array, step: int) -> Array:
    """Return a mask as :func:`thin` draws it, True where any cell of a block is: a sign is not lost.

    Examples
    --------
    >>> pooled(np.eye(5, dtype=bool), 2).tolist()
    [[True, False], [False, True]]
    """
    if min(mask.shape) <= step or step == 1:
        return mask
    shape = thin(mask, step).shape
    rows, cols = (np.minimum(np.arange(n) // step, size - 1) for n, size in zip(mask.shape, shape, strict=True))
    found = np.zeros(shape, np.bool_)
    at = np.nonzero(mask)
    found[rows[at[0]], cols[at[1]]] = True
    return found


def paint(shape: tuple[int, ...], layers: Iterable[tuple[Array, RGB]]) -> Array:
    """Return an RGBA image; where no mask holds it is transparent."""
    image = np.zeros((*shape, 4), np.uint8)
    for mask, colour in layers:
        image[mask] = (*colour, 255)
    return image


def mapped(values: Array, scheme: str | Colormap, low: float, high: float) -> Array:
    """Return an RGBA image of numbers; transparent where they are not finite."""
    span = high - low or 1.0
    image = scheme_of(scheme)(np.clip((np.nan_to_num(values) - low) / span, 0, 1), bytes=True)
    image[~np.isfinite(values)] = 0
    return np.asarray(image)


def scheme_of(scheme: str | Colormap) -> Colormap:
    """Return a colormap by name, or as given."""
    return colormaps[scheme] if isinstance(scheme, str) else scheme


def striped(image: Array, mask: Array) -> Array:
    """Return the image with cells of a mask in the colour of unknown, striped; fine enough to show as stripes."""
    if not mask.any():
        return image
    k = max(1, 600 // max(mask.shape))
    fine, wide = (np.repeat(np.repeat(a, k, 0), k, 1) for a in (image, mask))
    rows, cols = np.indices(wide.shape)
    period = max(4, max(wide.shape) // 45)
    fine[wide] = (*unknown_class().kleur, 255)
    fine[wide & ((rows + cols) % period < max(1, period // 4))] = (*STRIPE, 255)
    return fine


# --- drawing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """What every map of a figure shares: where cells lie, polygons, and how axes are labelled."""

    grid: Grid
    rings: tuple[Array, ...]
    labels: tuple[Label, ...]
    margin: float = 0.0
    taal: str = "nl"

    @property
    def view(self) -> tuple[float, float, float, float]:
        """The extent with a margin, in which names and outlines stay whole."""
        left, right, bottom, top = self.extent
        room = self.margin * max(right - left, top - bottom)
        return left - room, right + room, bottom - room, top + room

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top of the cells in km."""
        xmin, ymin, xmax, ymax = (v / 1000 for v in self.grid.bounds)
        return xmin, xmax, ymin, ymax

    @property
    def aspect(self) -> float:
        """Height over width of the panel, within reason."""
        left, right, bottom, top = self.view
        return min(1.6, max(0.45, (top - bottom) / (right - left)))

    @property
    def axis_names(self) -> tuple[str, str]:
        """Labels of x and y."""
        crs = self.grid.crs
        prefix = "RD " if crs is not None and same_crs(crs, "EPSG:28992") else ""
        return f"{prefix}x (km)", f"{prefix}y (km)"


def _draw_map(ax: Any, panel: Panel, frame: Frame) -> None:
    ax.imshow(panel.image, extent=frame.extent, interpolation="nearest", aspect="auto", zorder=1)
    ax.set_aspect("equal", adjustable="box")
    for colour, width in (("white", 2.2), (OUTLINE, 0.9)) if len(frame.rings) <= CROWDED else ((OUTLINE, 0.3),):
        ax.add_collection(LineCollection(list(frame.rings), colors=colour, linewidths=width, zorder=3))
    left, right, bottom, top = frame.view
    style = {"ha": "center", "va": "center", "fontsize": LABEL, "parse_math": False, "zorder": 4}
    for label in frame.labels:
        ax.text(label.x, label.y, label.text, path_effects=_halo(), **style)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.set_title(panel.title, fontsize=10, loc="left", fontweight="bold", parse_math=False)
    _style_axes(ax, frame)


def _halo() -> list[Any]:
    return [patheffects.withStroke(linewidth=2.4, foreground="white")]


def _style_axes(ax: Any, frame: Frame) -> None:
    ax.tick_params(labelsize=7, colors=GREY, length=2.5)
    ax.locator_params(nbins=4)
    for spine in ax.spines.values():
        spine.set(color=EDGE, linewidth=0.6)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda v, _: plain_number(round(v, 3), frame.taal).replace("\u2212", "-"))
    ax.set_xlabel(frame.axis_names[0], fontsize=7, color=GREY, labelpad=1)


def _scale_bar(ax: Any, frame: Frame) -> None:
    """Draw a bar of a round length, about a quarter of the width."""
    left, right, bottom, top = frame.view
    wanted = (right - left) / 4
    power = 10.0 ** math.floor(math.log10(wanted))
    length = max(f * power for f in (1, 2, 5) if f * power <= wanted * 1.0001)
    x, y = left + 0.04 * (right - left), bottom + 0.045 * (top - bottom)
    ax.plot([x, x + length], [y, y], color=OUTLINE, lw=2.2, solid_capstyle="butt", zorder=5, path_effects=_halo())
    label = (
        f"{plain_number(length, frame.taal)} km"
        if length >= 1
        else f"{plain_number(round(length * 1000, 3), frame.taal)} m"
    )
    ax.text(
        x + length / 2,
        y + 0.02 * (top - bottom),
        label,
        ha="center",
        va="bottom",
        fontsize=7,
        zorder=5,
        path_effects=_halo(),
    )


def _draw_legend(ax: Any, panel: Panel, taal: str) -> None:
    ax.set_axis_off()
    top, height = 1.0, ax.bbox.height / ax.figure.dpi
    if panel.scale:
        _draw_scale(ax, panel.scale, 0.17 / height, taal)
        top -= 0.55 / height
    handles = [
        Patch(facecolor=share(c), edgecolor=share(STRIPE), linewidth=0.5, hatch="////" if gap else None)
        for _, c, gap in panel.entries
    ]
    if handles:
        labels = [short_name(label, 38) for label, _, _ in panel.entries]
        box = ax.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(0, top),
            fontsize=7.5,
            frameon=False,
            borderaxespad=0,
            handlelength=1.5,
            labelspacing=0.35,
        )
        for text in box.get_texts():
            text.set_parse_math(False)


def legend_height(panels: Sequence[Panel]) -> float:
    """Return the height that the tallest legend needs [inches]."""
    return max(0.1 + 0.145 * len(p.entries) + (0.55 if p.scale else 0.0) for p in panels)


def _draw_scale(ax: Any, scale: Scale, height: float, taal: str) -> None:
    scheme, low, high, label = scale
    bar = ax.inset_axes((0.0, 1 - height, 0.9, height))
    bar.imshow(np.linspace(0, 1, 256)[None, :], cmap=scheme_of(scheme), aspect="auto", extent=(low, high, 0, 1))
    bar.set_yticks([])
    bar.tick_params(labelsize=7, length=2, colors=GREY)
    bar.xaxis.set_major_formatter(lambda v, _: plain_number(round(v, 4), taal))
    bar.set_xlabel(label, fontsize=7, color=GREY, labelpad=1, parse_math=False)


def row_of_maps(figure: Any, panels: Sequence[Panel], frame: Frame, top: float, height: float) -> list[Any]:
    """Draw maps side by side below ``top`` (inches from the bottom), their legends under them."""
    width, whole = figure.get_size_inches()
    axes = []
    for i, panel in enumerate(panels):
        x = (LEFT + i * (PANEL + GAP)) / width
        ax = figure.add_axes((x, (top - height) / whole, PANEL / width, height / whole))
        _draw_map(ax, panel, frame)
        room = legend_height(panels)
        below = figure.add_axes((x, (top - height - UNDER - room) / whole, PANEL / width, room / whole))
        _draw_legend(below, panel, frame.taal)
        axes.append(ax)
    for ax in axes[1:]:
        ax.set_yticklabels([])
    axes[0].set_ylabel(frame.axis_names[1], fontsize=7, color=GREY, labelpad=2)
    _scale_bar(axes[0], frame)
    return axes


class Sheet(Figure):
    """A figure that a notebook shows as a picture, whatever its matplotlib settings."""

    def _repr_png_(self) -> bytes:
        return figure_png(self)


def figure_png(figure: Figure, dpi: float = 110) -> bytes:
    """Return a figure as PNG, without anything of this machine or moment in it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    dpi : float
        Pixels per inch.

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def canvas(columns: int, height: float) -> Figure:
    """Return an empty figure for so many maps beside each other, so many inches high."""
    figure = Sheet(figsize=(LEFT + columns * (PANEL + GAP), max(1.0, height)), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def write(figure: Figure, y: float, text: str, **style: Any) -> None:
    """Write a line at the left, ``y`` inches above the bottom."""
    width, height = figure.get_size_inches()
    figure.text(LEFT / width, y / height, text, parse_math=False, va="top", **style)


def labelled(frame: Frame, areas: Sequence[Area]) -> Frame:
    """Return a frame with names or numbers at polygons, where they are not too many."""
    boxes = shapely.bounds([a.geometry for a in areas]) / 1000
    found = labels_of([a.nr for a in areas], [a.name for a in areas], boxes, paper_of(frame), NAME_LETTERS)
    return replace(frame, labels=tuple(label for label in found if label is not None))


def paper_of(frame: Frame) -> Paper:
    """Return what names are written on, in km."""
    left, right, _, _ = frame.view
    letter = LABEL / 72 * (right - left) / PANEL
    return Paper(left, right, letter, letter, wide=letters_wide)


def letters_wide(text: str, bold: bool = False) -> float:
    """Return how wide a text is in DejaVu Sans, the widest of the letters that maps are written in, against its size.

    Examples
    --------
    >>> round(letters_wide("Veenrand-Zuid"), 1), round(letters_wide("Veenrand-Zuid", bold=True), 1)
    (7.4, 8.3)
    """
    return sum(_letter_wide(letter, bold) for letter in text)


@cache
def _letter_wide(letter: str, bold: bool) -> float:
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")))
    font.set_size(EM, 72)
    known = font.get_char_index(ord(letter))  # a letter that the font lacks comes from one where it is a square at most
    return float(font.load_char(ord(letter)).linearHoriAdvance / 65536 / EM) if known else 1.0


def rings_of(geometry: Any, tolerance: float) -> list[Array]:
    """Return outer and inner rings of a polygon [km], without detail that the map cannot show."""
    lines = shapely.get_parts(shapely.boundary(shapely.simplify(geometry, tolerance)))
    return [shapely.get_coordinates(line) / 1000 for line in lines]
