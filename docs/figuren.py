"""Make the maps of README and documentation: the built-in area, and two real areas where the shared data are beside."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import waterbodem as wb
from waterbodem.definitions.legends import class_colours
from waterbodem.definitions.registry import answer_scale
from waterbodem.views.figures.receivers import plot_receivers
from waterbodem.views.figures.sheet import figure_png

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"


def extent(cells):
    """Left, right, bottom, top in km."""
    return [float(v) / 1000 for v in (cells.x[0], cells.x[-1], cells.y[-1], cells.y[0])]


def classes(ax, cells, title):
    shown = np.ma.masked_greater(cells.klasse.values, 5)
    ax.imshow(shown, cmap=ListedColormap(class_colours()), vmin=-0.5, vmax=5.5, extent=extent(cells))
    ax.set_title(title, fontsize=10, loc="left")


def outlines(ax, plans):
    plans.scale(0.001, 0.001, origin=(0, 0)).boundary.plot(ax=ax, color="black", linewidth=1)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(labelsize=7)
    ax.locator_params(nbins=4)


def example() -> None:
    """Four functies on the built-in area."""
    layers, plans = wb.example(), wb.example_plans()
    figure = Figure(figsize=(11, 3.3), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    names = ["woningbouw", "akkerbouw", "natte_natuur", "waterberging"]
    for ax, name in zip(axes, names, strict=True):
        classes(ax, wb.geschiktheid(layers, name), wb.functies()[name].naam)
        outlines(ax, plans.geometry)
    scale = [(f"{step.letter} {step.kort}", code) for code, step in answer_scale().items()]
    handles = [axes[0].plot([], [], "s", color=class_colours()[code], markeredgecolor="grey")[0] for _, code in scale]
    figure.legend(handles, [n for n, _ in scale], loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    figure.suptitle(
        "Verzonnen voorbeeldgebied van 2 x 2 km (RD, km): welke functie past waar?", fontsize=11, x=0.01, ha="left"
    )
    figure.savefig(HERE / "voorbeeld.png", dpi=110)


def zwarte_beek() -> None:
    """Wet nature and housing in a real stream valley, droogte and keileem missing."""
    folder = SHARED / "zwarte_beek"
    layers = wb.open_layers(folder)
    figure = Figure(figsize=(11, 2.2), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    for ax, name in zip(axes, ("natte_natuur", "woningbouw"), strict=False):
        classes(ax, wb.geschiktheid(layers, name), wb.functies()[name].naam)
    dekking = wb.geschiktheid(layers, "woningbouw")
    drawn = axes[2].imshow(dekking.dekking, vmin=0, vmax=1, cmap="Blues", extent=extent(dekking))
    axes[2].set_title("Dekking (woningbouw)", fontsize=10, loc="left")
    figure.colorbar(drawn, ax=axes[2], shrink=0.7)
    figure.savefig(HERE / "zwarte_beek.png", dpi=100)


def drenthe() -> None:
    """Dekking of housing where all five basic layers are missing."""
    layers = wb.open_layers(SHARED / "drenthe")
    k = wb.geschiktheid(layers, "woningbouw")
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    classes(left, k, "Woningbouw: bijna overal X")
    drawn = right.imshow(k.dekking, vmin=0, vmax=1, cmap="Blues", extent=extent(k))
    for ax in (left, right):
        outlines(ax, gpd.read_file(SHARED / "drenthe" / "provincie.gpkg").geometry)
    right.set_title("Dekking: alleen GHG, 27 % van Drenthe", fontsize=10, loc="left")
    figure.colorbar(drawn, ax=right, shrink=0.7)
    figure.savefig(HERE / "drenthe.png", dpi=100)


def receivers() -> None:
    """Who receives the water of housing on the built-in area, and the lowering where it drains instead of raises."""
    drained = wb.functies()["woningbouw"].replace(ophoging_m=0.0)
    named = drained.model_copy(update={"id": "woningbouw_zonder_ophogen", "naam": "Woningbouw zonder ophogen"})
    answer = wb.assess(wb.example(), named, wb.example_plans())
    (HERE / "ontvangst.png").write_bytes(figure_png(plot_receivers(answer), 110))


if __name__ == "__main__":
    example()
    receivers()
    if SHARED.is_dir():
        zwarte_beek()
        drenthe()
