"""Water en bodem sturend: which functie belongs where, why, and what it shifts to others.

Importing this package is light; numba, xarray, geopandas and rasterio load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from waterbodem.errors import WaterbodemError
from waterbodem.version import __version__

_WHERE = {
    "example": "landscape",
    "example_plans": "landscape",
    "open_layers": "layers",
    "functies": "registry",
    "Functie": "definitions",
    "geschiktheid": "scoring",
    "afwenteling": "burden",
    "waarom": "explanation",
    "assess": "assessment",
    "per_gebied": "assessment",
    "Assessment": "assessment",
    "open_assessment": "reopening",
    "compare": "comparison",
    "difference": "change",
    "live_map": "live",
    "run": "batch",
    "status": "run_state",
    "open_run": "stores",
    "write_zarr": "stores",
    "grootboek": "receivers",
    "kompas_regels": "kompas_rules",
    "reikwijdte": "reception",
    "Put": "abstraction",
    "benedenstrooms": "downstream",
    "bovenstrooms": "downstream",
}
_RENAMED = {
    "functies": "load_functies",
    "kompas_regels": "load_rules",
    "reikwijdte": "chosen_reach",
    "Put": "Well",
}

__all__ = ["WaterbodemError", "__version__", *_WHERE]

if TYPE_CHECKING:
    from waterbodem.abstraction import Well as Put  # noqa: F401
    from waterbodem.assessment import Assessment as Assessment
    from waterbodem.assessment import assess as assess
    from waterbodem.assessment import per_gebied as per_gebied
    from waterbodem.batch import run as run
    from waterbodem.burden import afwenteling as afwenteling
    from waterbodem.change import difference as difference
    from waterbodem.comparison import compare as compare
    from waterbodem.definitions import Functie as Functie
    from waterbodem.downstream import benedenstrooms as benedenstrooms
    from waterbodem.downstream import bovenstrooms as bovenstrooms
    from waterbodem.explanation import waarom as waarom
    from waterbodem.kompas_rules import load_rules as kompas_regels  # noqa: F401
    from waterbodem.landscape import example as example
    from waterbodem.landscape import example_plans as example_plans
    from waterbodem.layers import open_layers as open_layers
    from waterbodem.live import live_map as live_map
    from waterbodem.receivers import grootboek as grootboek
    from waterbodem.reception import chosen_reach as reikwijdte  # noqa: F401
    from waterbodem.registry import load_functies as functies  # noqa: F401
    from waterbodem.reopening import open_assessment as open_assessment
    from waterbodem.run_state import status as status
    from waterbodem.scoring import geschiktheid as geschiktheid
    from waterbodem.stores import open_run as open_run
    from waterbodem.stores import write_zarr as write_zarr


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'waterbodem' has no attribute {name!r}")
    module = import_module(f"waterbodem.{_WHERE[name]}")
    value = getattr(module, _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
