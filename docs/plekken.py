"""The archetype sites of Drenthe as layers and plans: a row of cells, one a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import box, mapping

from waterbodem.core.dataset import dataset_of
from waterbodem.core.grid import Grid

CASE = json.loads((Path(__file__).parent.parent / "tests" / "data" / "archetypen.json").read_text("utf-8"))
SITES: dict[str, dict[str, Any]] = {site["naam"]: site for site in CASE["plekken"]}
SIDE, LEFT, BELOW = 100.0, 230_000.0, 550_000.0


def site_layers() -> Any:
    """Layers of a row of cells, one a site."""
    values = np.array([[float(v) for v in site["waarden"]] for site in SITES.values()], np.float32)
    grid = Grid(LEFT, BELOW + SIDE, SIDE, SIDE, 1, len(SITES), "EPSG:28992")
    return dataset_of(grid, {name: (values[None, :, i].copy(), {}) for i, name in enumerate(CASE["lagen"])})


def site_plans() -> dict[str, Any]:
    """A plan of one whole cell on every site."""
    cells = (box(LEFT + SIDE * i, BELOW, LEFT + SIDE * (i + 1), BELOW + SIDE) for i in range(len(SITES)))
    features = [
        {"type": "Feature", "properties": {"naam": name}, "geometry": mapping(cell)}
        for name, cell in zip(SITES, cells, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}
