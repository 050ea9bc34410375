"""Whose plan it is: the water boards that hold a part of it (rekenregels section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from waterbodem.core.errors import ArgumentError, Trial
from waterbodem.core.lazy import gpd
from waterbodem.definitions.boards import Board, Boundaries, board_of
from waterbodem.layers.polygons import Area, frame_of, repaired_polygon, to_crs

#: Fields that may name the board, the first that is there.
FIELDS = ("waterschap", "naam")
#: A smaller share of a plan is noise of its outline.
LEAST = 1e-6


def boards_of(
    waterschap: str | Boundaries | None, areas: Sequence[Area], crs: str | None
) -> tuple[tuple[Board, ...], ...]:
    """Return per plan the water boards that hold a part of it, the largest share first.

    Parameters
    ----------
    waterschap : str, Boundaries or None
        One for all plans, or boundaries; None: nobody asks anything.
    areas : sequence of Area
    crs : str or None
        Of the plans.

    Raises
    ------
    WaterbodemError
        If boundaries cannot be read, have no field that names a board, or name one that is not known.
    """
    if not isinstance(waterschap, Boundaries):
        return ((() if waterschap is None else (board_of(waterschap),)),) * len(areas)
    if waterschap.source is None:
        return ((),) * len(areas)
    parts = _parts(to_crs(frame_of(waterschap.source, crs, "waterschap"), crs))
    shapely.prepare([part for _, part in parts])
    return tuple(_holders(area.geometry, parts) for area in areas)


def _parts(frame: gpd.GeoDataFrame) -> list[tuple[Board, BaseGeometry]]:
    """Return what every board holds, in the order of the file."""
    field = next((f for f in FIELDS if f in frame.columns), None)
    if field is None:
        what, value = "boundaries have no field that names the board", [str(c) for c in frame.columns]
        raise ArgumentError(what, value=value, allowed=" or ".join(FIELDS), where="waterschap")
    trial, held = Trial(), dict[str, list[BaseGeometry]]()
    for nr, (name, geometry) in enumerate(zip(frame[field], frame.geometry, strict=True), start=1):
        with trial.step():
            part, _ = repaired_polygon(geometry, f"waterschap {nr} ({name})")
            held.setdefault(board_of(name).id, []).append(part)
    trial.end()
    return [(board_of(id_), shapely.union_all(parts)) for id_, parts in held.items()]


def _holders(plan: BaseGeometry, parts: Sequence[tuple[Board, Any]]) -> tuple[Board, ...]:
    """Return the boards that hold a part of a plan, the largest share first; on a tie in their own order."""
    whole = next((board for board, part in parts if shapely.contains_properly(part, plan)), None)
    if whole is not None:
        return (whole,)
    shares = np.array([shapely.area(shapely.intersection(part, plan)) / plan.area for _, part in parts])
    order = np.argsort(-shares, kind="stable")
    return tuple(parts[i][0] for i in order if shares[i] > LEAST)
