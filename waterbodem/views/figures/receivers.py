"""A map from source to receiver: where water of plans stays, along which paths it runs, where groundwater changes."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib import patheffects
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from waterbodem.core import dataset
from waterbodem.core.grid import Bounds, Grid
from waterbodem.definitions.labels import css, is_fictitious, name_of, texts
from waterbodem.definitions.legends import classified, end_colours, legend, nodata, step_names
from waterbodem.definitions.models import RGB, Functie
from waterbodem.layers.polygons import Area
from waterbodem.receivers.ledger import Ledger
from waterbodem.views.figures.labels import Label, placed
from waterbodem.views.figures.sheet import (
    LABEL,
    MARGIN,
    NAME_LETTERS,
    UNDER,
    Array,
    Frame,
    Panel,
    canvas,
    figure_png,
    labelled,
    legend_height,
    paint,
    paper_of,
    pooled,
    rings_of,
    row_of_maps,
    striped,
    thin,
    thinning,
    write,
)
from waterbodem.views.names import distinct_names

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Height of a map [inches] per unit of its aspect, and colours of what is drawn over it.
PANEL = 3.1
WATER, RECEIVER = (217, 95, 2), (118, 42, 131)
WIDEST, THINNEST = 3.4, 0.5
#: An arrow stands on a path every so much of the width of the map.
ARROW_EVERY = 1 / 9
#: Up to this many receivers are named.
NAMED_RECEIVERS = 12
DPI = 110


def plot_receivers(assessment: Answer, functie: str | Functie | None = None, *, taal: str = "nl") -> Figure:
    """Draw who receives the burden of the plans: water with its flow paths, and groundwater.

    Parameters
    ----------
    assessment : Answer
    functie : str or Functie, optional
        Of those that were asked; default the first.
    taal : {"nl", "en"}

    Returns
    -------
    matplotlib.figure.Figure
        What is not determined is not drawn, and said.

    Raises
    ------
    ArgumentError
        If the functie was not asked, or the language is unknown.

    Examples
    --------
    >>> import waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> len(plot_receivers(b).axes) >= 4
    True
    """
    chosen = assessment.asked(functie)
    ledger, t = assessment.ledgers[chosen.id], texts(taal)["ontvangst"]
    frame = _frame(assessment, ledger, taal)
    panels = _panels(ledger, frame.grid, taal)
    height = PANEL * frame.aspect
    figure = canvas(len(panels), 0.95 + height + UNDER + legend_height(panels) + 0.2)
    top = figure.get_size_inches()[1]
    made_up = [str(texts(taal)["verzonnen"])] if is_fictitious(assessment.question.layers) else []
    write(figure, top - 0.08, " · ".join([*made_up, *ledger.niet_bepaald]), fontsize=8, color="#8a1c00")
    write(figure, top - 0.3, f"{name_of(chosen, taal)}: {t['kaart_kop']}", fontsize=13, fontweight="bold")
    axes = row_of_maps(figure, panels, frame, top - 0.85, height)
    for ax in axes:
        _draw_receivers(ax, ledger, frame)
    _draw_paths(axes[0], ledger, frame)
    return figure


def png_source(figure: Figure) -> str:
    """Return a figure as the source of an image in a page."""
    return "data:image/png;base64," + base64.b64encode(figure_png(figure, DPI)).decode("ascii")


# --- what is in view -------------------------------------------------------------------------------------------------


def _frame(assessment: Answer, ledger: Ledger, taal: str) -> Frame:
    grid = ledger.division.block
    view = _view(assessment, ledger, grid)
    plans = assessment.question.areas
    tolerance = max(view.rows * view.dy, view.cols * view.dx) / 2000
    rings = [r for a in plans for r in rings_of(a.geometry, tolerance)]
    return labelled(Frame(view, tuple(rings), (), MARGIN / 2, taal), plans)


def _view(assessment: Answer, ledger: Ledger, grid: Grid) -> Grid:
    """Return the cells that something worth drawing arrives in, and the plans."""
    cells = ledger.cells
    parts: list[Bounds] = [assessment.question.grid.bounds]
    for name, variable in (("ontvangst", "ontvangst"), ("grondwater", "verlaging")):
        codes = classified(cells[variable].values, name)
        rows, cols = np.nonzero((codes > 0) & (codes != nodata()))
        if rows.size:
            window = slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1)
            parts.append(grid.part(*window).bounds)
    edges = np.array(parts)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    return grid.crop((float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def _panels(ledger: Ledger, view: Grid, taal: str) -> list[Panel]:
    t, cells = texts(taal)["ontvangst"], ledger.cells
    window = dataset.grid_of(cells).slices(view)
    drawn: list[Panel] = []
    for name, variable, title in (
        ("ontvangst", "ontvangst", t["kaart_water"]),
        ("grondwater", "verlaging", t["kaart_grond"]),
    ):
        values = thin(cells[variable].values[window], thinning(view))
        if not np.isnan(values).all() or not drawn:
            signs = _signs(ledger, view, taal) if name == "ontvangst" else []
            drawn.append(_panel(classified(values, name), name, title, signs, taal))
    over = [(t["paden"], WATER, False)] if len(ledger.paths()) else []
    over += [(t["ontvangers"], RECEIVER, False)] if _receivers(ledger) else []
    return [replace(drawn[0], entries=(*drawn[0].entries, *over)), *drawn[1:]]


def _signs(ledger: Ledger, view: Grid, taal: str) -> list[tuple[Array, RGB, str]]:
    """Return where the way of water ends, with a colour and a name for each way in which it does."""
    found = {name: pooled(mask, thinning(view)) for name, mask in ledger.ends(view).items()}
    names, colours = texts(taal)["ontvangst"]["einde"], end_colours()
    return [(mask, colours[name], names[name]) for name, mask in found.items() if mask.any()]


def _panel(codes: Array, name: str, title: str, signs: Sequence[tuple[Array, RGB, str]], taal: str) -> Panel:
    scale = legend(name)
    values = [v for v in scale.names if v != scale.nodata]
    image = paint(codes.shape, [(codes == v, scale.colours[v][:3]) for v in values])
    names = step_names(name, taal)
    entries = tuple((names[v], scale.colours[v][:3], False) for v in values if (codes == v).any())
    for mask, colour, _ in signs:
        image[mask] = (*colour, 255)
    told = tuple((text, colour, False) for _, colour, text in signs)
    return Panel(title, striped(image, codes == scale.nodata), (*entries, *told))


# --- what is drawn over it -------------------------------------------------------------------------------------------


def _receivers(ledger: Ledger) -> dict[int, Area]:
    """Return receivers that are no plan, by the number they have in the ledger."""
    return {k: r.area for k, r in enumerate(ledger.division.receivers, 1) if r.target.soort != "ander plan"}


def _draw_receivers(ax: Any, ledger: Ledger, frame: Frame) -> None:
    """Draw the outlines of receivers that are no plan, with their names where there are few."""
    shown = _receivers(ledger)
    tolerance = max(frame.grid.rows * frame.grid.dy, frame.grid.cols * frame.grid.dx) / 1000
    rings = [r for a in shown.values() for r in rings_of(a.geometry, tolerance)]
    ax.add_collection(LineCollection(rings, colors=css(RECEIVER), linewidths=0.9, linestyles="--", zorder=2.5))
    for label in _names(shown, frame) if len(shown) <= NAMED_RECEIVERS else ():
        _name(ax, label)


def _names(shown: Mapping[int, Area], frame: Frame) -> list[Label]:
    """Return names of receivers in what is seen of them, clear of those of plans and of each other."""
    left, right, bottom, top = frame.view
    window, paper = shapely.box(1000 * left, 1000 * bottom, 1000 * right, 1000 * top), paper_of(frame)
    names = distinct_names({nr: a.name.partition(" (")[0] for nr, a in shown.items()}, NAME_LETTERS)
    seen = {nr: a.geometry.intersection(window) for nr, a in shown.items()}
    spots = {nr: part.representative_point() for nr, part in seen.items() if not part.is_empty}
    boxes = np.array([_around(spot.x / 1000, spot.y / 1000, paper.line) for spot in spots.values()]).reshape(-1, 4)
    found = placed([names[nr] for nr in spots], boxes, paper, inside=True, among=frame.labels)
    return [label for label in found if label is not None]


def _around(x: float, y: float, line: float) -> Bounds:
    """Return a spot with a line above and below it, so that a name can give way to another."""
    return x, y - line, x, y + line


def _name(ax: Any, label: Label) -> None:
    halo = [patheffects.withStroke(linewidth=2.2, foreground="white")]
    style = {"fontsize": LABEL, "color": css(RECEIVER), "ha": "center", "va": "center", "style": "italic"}
    ax.text(label.x, label.y, label.text, parse_math=False, path_effects=halo, zorder=4, **style)


def _draw_paths(ax: Any, ledger: Ledger, frame: Frame) -> None:
    """Draw flow paths as wide as the water they carry, the largest on top, with arrows that say where to."""
    lines = ledger.paths().sort_values("m3", kind="stable")
    if lines.empty:
        return
    runs = [shapely.get_coordinates(g) / 1000 for g in lines.geometry]
    most = float(lines.m3.max())
    widths = [THINNEST + (WIDEST - THINNEST) * math.sqrt(m3 / most) for m3 in lines.m3]
    for colour, more in (("white", 1.2), (css(WATER), 0.0)):
        wide = [w + more for w in widths]
        ax.add_collection(LineCollection(runs, colors=colour, linewidths=wide, capstyle="round", zorder=3.2))
    left, right, _, _ = frame.view
    for run, width in zip(runs, widths, strict=True):
        _arrows(ax, run, width, (right - left) * ARROW_EVERY)


def _arrows(ax: Any, run: Array, width: float, every: float) -> None:
    """Set arrow heads along a line; none on lines that are shorter than the distance between two."""
    steps = np.hypot(*np.diff(run, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    for at in np.arange(every / 2, along[-1], every) if along[-1] > every / 2 else ():
        k = min(int(np.searchsorted(along, at)), len(run) - 1)
        back = max(0, k - 3)
        head = f"-|>,head_width={0.15 + 0.09 * width},head_length={0.3 + 0.18 * width}"
        style = {"arrowstyle": head, "color": css(WATER), "lw": 0, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", run[k], run[back], arrowprops=style, zorder=3.4)
