"""Maps of an answer and of its input, drawn with matplotlib on figures of their own (no pyplot state)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr
from matplotlib.figure import Figure

from waterbodem.core import dataset
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.grid import Grid
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    answer_text,
    decimal,
    functies_of,
    is_fictitious,
    name_of,
    texts,
)
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.telling import told_from
from waterbodem.views.caveats import Caveats
from waterbodem.views.figures.labels import NAMED
from waterbodem.views.figures.panels import answer_panels, layer_panel
from waterbodem.views.figures.sheet import (
    MARGIN,
    NAME_LETTERS,
    PANEL,
    UNDER,
    Frame,
    canvas,
    labelled,
    legend_height,
    rings_of,
    row_of_maps,
    thinning,
    write,
)
from waterbodem.views.names import distinct_names

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer


#: Height of one more line of remarks [inches].
LINE = 0.14


def _frame(assessment: Answer, taal: str) -> Frame:
    q = assessment.question
    tolerance = max(q.grid.rows * q.grid.dy, q.grid.cols * q.grid.dx) / 2000
    rings = [r for a in q.areas for r in rings_of(a.geometry, tolerance)]
    return labelled(Frame(q.grid, tuple(rings), (), MARGIN, taal), q.areas)


def _remarks(grid: Grid, layers: xr.Dataset, taal: str) -> str:
    t, step = texts(taal), thinning(grid)
    made_up = [str(t["verzonnen"])] if is_fictitious(layers) else []
    thinned = [t["kaart"]["verkleind"].format(n=step)] if step > 1 else []
    return " · ".join([*made_up, *thinned])


def _beside(assessment: Answer, functies: Sequence[Functie], taal: str) -> list[str]:
    """Return what must stand on any map of an answer."""
    beside, rows = Caveats(assessment, taal), assessment.rows
    shown = rows[rows.functie.isin([f.id for f in functies])]
    risen = "stijging_m" in shown and bool((shown.stijging_m >= told_from("stijging_m")).any())
    told = [beside.reference if beside.assumed else "", beside.untested]
    return [*told, texts(taal)["kaart"]["zonder_stijging"] if risen else ""]


def _answers(assessment: Answer, functie: Functie, taal: str) -> str:
    """Return answer and score per polygon, or how often every answer occurs where there are many."""
    rows = assessment.rows[assessment.rows.functie == functie.id]
    if len(rows) <= NAMED:
        names = distinct_names(dict(zip(rows.nr, rows.gebied, strict=True)), NAME_LETTERS)
        beside = Caveats(assessment, taal)
        return "   ".join(
            f"{names[r['nr']]}: {beside.head(r, brief=True)} ({beside.ranges.letters(r)}), "
            f"{decimal(r['score'], 2, taal)}"
            for r in rows.drop(columns="geometry").to_dict("records")
        )
    counts = rows.antwoord.value_counts()
    t = texts(taal)["kaart"]["aantal"]
    return "   ".join(
        t.format(antwoord=f"{_word(s.letter, taal)} ({s.letter})", n=counts[s.letter])
        for s in answer_steps().values()
        if s.letter in counts
    )


def _word(letter: str, taal: str) -> str:
    return answer_steps()[letter].kort if taal == "nl" else answer_text(letter, taal)


def _wrapped(text: str, room: int = 190) -> str:
    """Break a line of polygons where the figure ends; two lines at most."""
    lines = [""]
    for part in text.split("   "):
        if lines[-1] and len(lines[-1]) + len(part) > room:
            lines.append("")
        lines[-1] += ("   " if lines[-1] else "") + part
    return "\n".join(lines[:2]) + (" …" if len(lines) > 2 else "")


def _chosen(assessment: Answer, functie: str | Functie | Sequence[str | Functie] | None) -> list[Functie]:
    asked = functies_of(assessment)
    if functie is None:
        return list(asked.values())
    wanted = [functie] if isinstance(functie, (str, Functie)) else list(functie)
    ids = [f.id if isinstance(f, Functie) else str(f) for f in wanted]
    for id_ in ids:
        if id_ not in asked:
            raise ArgumentError("this functie was not asked", value=id_, allowed=nearest(id_, asked), where="functie")
    if not ids:
        raise ArgumentError("no functie to draw", allowed=", ".join(asked), where="functie")
    return [asked[id_] for id_ in ids]


def plot_assessment(
    assessment: Answer,
    functie: str | Functie | Sequence[str | Functie] | None = None,
    *,
    kleuren: str = "landelijk",
    taal: str = "nl",
) -> Figure:
    """Draw score, answer class, risk and what limits side by side, a row per functie.

    Parameters
    ----------
    assessment : Answer
    functie : str, Functie or list of them, optional
        Of those that were asked; default all.
    kleuren : {"landelijk", "kleurenblind"}
        Colours of the answer scale.
    taal : {"nl", "en"}

    Returns
    -------
    matplotlib.figure.Figure
        Its own figure, on an Agg canvas; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If a functie was not asked, or palette or language is unknown.

    Examples
    --------
    >>> import waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> len(plot_assessment(b).axes) >= 8
    True
    """
    chosen, frame = _chosen(assessment, functie), _frame(assessment, taal)
    height = PANEL * frame.aspect
    rows = [(f, answer_panels(assessment, f, kleuren, taal)) for f in chosen]
    rest = [0.85 + height + UNDER + legend_height(panels) + 0.15 for _, panels in rows]
    remarks = [_remarks(frame.grid, assessment.question.layers, taal), *_beside(assessment, chosen, taal)]
    told = _wrapped("   ".join(r for r in remarks if r))
    head = 0.3 + LINE * told.count("\n")
    figure = canvas(4, head + sum(rest))
    top = figure.get_size_inches()[1]
    write(figure, top - 0.08, told, fontsize=8, color="#8a1c00")
    top -= head
    for (f, panels), used in zip(rows, rest, strict=True):
        write(figure, top, name_of(f, taal), fontsize=13, fontweight="bold")
        write(figure, top - 0.25, _wrapped(_answers(assessment, f, taal)), fontsize=8.5)
        row_of_maps(figure, panels, frame, top - 0.85, height)
        top -= used
    return figure


# --- input layers ----------------------------------------------------------------------------------------------------


def plot_layers(layers: xr.Dataset, names: Sequence[str] | None = None, *, taal: str = "nl") -> Figure:
    """Draw input layers as small multiples, each with its unit.

    Parameters
    ----------
    layers : xr.Dataset
        As :func:`waterbodem.assess` takes.
    names : sequence of str, optional
        Default every layer the rules know.
    taal : {"nl", "en"}

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ArgumentError
        If a name is not in the data, or no layer is.

    Examples
    --------
    >>> import waterbodem as wb
    >>> figure = plot_layers(wb.example(size=40, resolution=50), ["kwel", "ghg"])
    """
    known = [str(n) for n in layers.data_vars if LayerName.of(n).layer in registry.layer_kinds()]
    wanted = known if names is None else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            raise ArgumentError(
                "no such layer in the data", value=name, allowed=nearest(str(name), known), where="names"
            )
    if not wanted:
        raise ArgumentError("there is no layer to draw", allowed=", ".join(registry.layer_kinds()), where="names")
    return _layer_figure(layers, wanted, taal)


def _layer_figure(layers: xr.Dataset, wanted: Sequence[str], taal: str) -> Figure:
    frame = Frame(dataset.grid_of(layers), (), (), taal=taal)
    height, columns = PANEL * frame.aspect, min(4, len(wanted))
    panels = [layer_panel(layers[n], n, thinning(frame.grid), taal) for n in wanted]
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    rest = [0.45 + height + UNDER + legend_height(row) for row in rows]
    figure = canvas(columns, 0.3 + sum(rest))
    top = figure.get_size_inches()[1]
    remarks = [texts(taal)["kaart"]["lagen"], _remarks(frame.grid, layers, taal)]
    write(figure, top - 0.08, " · ".join(r for r in remarks if r), fontsize=10, fontweight="bold")
    top -= 0.3
    for row, used in zip(rows, rest, strict=True):
        row_of_maps(figure, row, frame, top - 0.3, height)
        top -= used
    return figure
