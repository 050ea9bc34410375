"""Flow paths as lines: from where water leaves a plan to where it ends, wide where much runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from waterbodem.core.grid import Grid
from waterbodem.core.lazy import gpd
from waterbodem.receivers.network import NetworkPart, Routed

Ints = NDArray[Any]
COLUMNS = ("plan", "ontvanger", "m3", "m3_eind", "lengte_m")


def path_lines(
    plan: str,
    strand: NetworkPart,
    routed: Routed,
    grid: Grid,
    in_plan: NDArray[np.bool_],
    receiver: Ints,
    names: Sequence[str],
    share: float,
) -> list[dict[str, Any]]:
    """Return the lines along which a plan's water runs on outside the plan.

    Lines meet at confluences and break where another receiver begins, so that each lies in one receiver.

    Parameters
    ----------
    plan : str
    strand : Strand
    routed : Routed
        On the network of the strand.
    grid : Grid
        That ``strand.cells`` count in.
    in_plan : bool array (m,)
    receiver : int array (m,)
        Index into ``names`` of the receiver that a cell lies in, -1 = none.
    names : sequence of str
    share : float
        Lines that carry less than this share of the plan's water are left out.

    Returns
    -------
    list of dict
        plan, ontvanger (empty = none), m3 at the begin and the end, length [m], geometry.
    """
    flux = routed.passing + routed.source
    down = strand.network.downstream
    drawn = (flux >= share * routed.source.sum()) & (flux > 0) & (down >= 0)
    drawn &= ~(in_plan & np.where(down >= 0, in_plan[down], False))
    breaks = _breaks(down, drawn, receiver)
    lines = (_line(i, down, drawn, breaks) for i in np.flatnonzero(drawn & breaks).tolist())
    return [_row(plan, cells, strand, flux, grid, receiver, names) for cells in lines]


def _breaks(down: Ints, drawn: NDArray[np.bool_], receiver: Ints) -> NDArray[np.bool_]:
    """Tell where a line begins: at a source, a confluence, or the border of a receiver."""
    feeds = np.flatnonzero(drawn)
    count = np.bincount(down[feeds], minlength=down.size)
    other = np.zeros(down.size, dtype=bool)
    other[down[feeds]] = receiver[down[feeds]] != receiver[feeds]
    return np.asarray((count != 1) | other)


def _line(begin: int, down: Ints, drawn: NDArray[np.bool_], breaks: NDArray[np.bool_]) -> list[int]:
    cells = [int(begin), int(down[begin])]
    while drawn[cells[-1]] and not breaks[cells[-1]]:
        cells.append(int(down[cells[-1]]))
    return cells


def _row(
    plan: str,
    cells: list[int],
    strand: NetworkPart,
    flux: NDArray[np.float64],
    grid: Grid,
    receiver: Ints,
    names: Sequence[str],
) -> dict[str, Any]:
    rows, cols = np.divmod(strand.cells[cells], grid.cols)
    geometry = shapely.LineString(np.column_stack([grid.x[cols], grid.y[rows]]))
    within = receiver[cells[0]]
    return {
        "plan": plan,
        "ontvanger": names[within] if within >= 0 else "",
        "m3": float(flux[cells[0]]),
        "m3_eind": float(flux[cells[-2]]),
        "lengte_m": geometry.length,
        "geometry": geometry,
    }


def as_frame(rows: list[dict[str, Any]], crs: str | None) -> gpd.GeoDataFrame:
    """Return lines as a GeoDataFrame, also where there is none."""
    columns = [*COLUMNS, "geometry"]
    return gpd.GeoDataFrame({c: [row[c] for row in rows] for c in columns}, geometry="geometry", crs=crs)
