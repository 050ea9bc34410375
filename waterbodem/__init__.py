"""Water en bodem sturend: which functie belongs where, why, and what it shifts to others.

From data of one's own to files::

    import waterbodem as wb

    layers = wb.layers_from(data, rename={"seepage": "kwel"}, units={"kwel": "m/d"}, crs="EPSG:28992")
    answer = wb.assess(layers, "woningbouw", "plannen.gpkg")
    answer.table                # a row per polygon and functie, as a GeoDataFrame
    answer.write("uitvoer")     # gebieden.gpkg, maps, dossier

``data`` is an xr.Dataset, or a mapping of name to array. ``wb.lagen()`` tells which layers there are, in which unit and
sign; ``wb.functies()`` which functies. ``wb.open_layers`` reads files, ``wb.example()`` is data to try. Grids without
polygons: ``wb.geschiktheid``, ``wb.afwenteling``; why one cell: ``wb.waarom``; a province: ``wb.run``.

Every error is a ``wb.WaterbodemError``; ``wb.errors`` holds all of them, ``wb.types`` every type for annotations.
Importing this package is light; numba, xarray, geopandas and rasterio load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from waterbodem.core.errors import WaterbodemError
from waterbodem.core.version import __version__

_WHERE = {
    "example": "layers.fiction.landscape",
    "example_plans": "layers.fiction.areas",
    "open_layers": "layers.stack",
    "layers_from": "layers.in_memory",
    "functies": "definitions.registry",
    "lagen": "definitions.kinds",
    "Functie": "definitions.models",
    "maatregelen": "definitions.measures.catalogue",
    "Maatregel": "definitions.measures.measure",
    "geschiktheid": "engine.scoring",
    "afwenteling": "engine.burden",
    "waarom": "doubt.why",
    "gevoeligheid": "doubt.gevoeligheid",
    "assess": "assessment.assessment",
    "per_gebied": "assessment.assessment",
    "Assessment": "assessment.assessment",
    "open_assessment": "assessment.opening",
    "compare": "assessment.comparison",
    "difference": "assessment.differences",
    "live_map": "assessment.live",
    "warm_up": "assessment.warming",
    "mits": "assessment.mits",
    "run": "batch.runner",
    "status": "batch.state",
    "open_run": "batch.stores",
    "write_zarr": "batch.stores",
    "grootboek": "receivers.grootboek",
    "kompas_regels": "definitions.kompas_rules",
    "reikwijdte": "definitions.receiving",
    "waterschappen": "definitions.boards",
    "Put": "definitions.abstraction",
    "benedenstrooms": "receivers.downstream",
    "bovenstrooms": "receivers.downstream",
}
_RENAMED = {
    "functies": "load_functies",
    "maatregelen": "load_measures",
    "kompas_regels": "load_rules",
    "reikwijdte": "chosen_reach",
    "Put": "Well",
}

#: Modules that are names of their own.
_ROOMS = ("errors", "types")

#: Literal, for type checkers read no tables; the same names as those above.
__all__ = [
    "Assessment",
    "Functie",
    "Maatregel",
    "Put",
    "WaterbodemError",
    "__version__",
    "afwenteling",
    "assess",
    "benedenstrooms",
    "bovenstrooms",
    "compare",
    "difference",
    "example",
    "example_plans",
    "functies",
    "geschiktheid",
    "gevoeligheid",
    "grootboek",
    "kompas_regels",
    "lagen",
    "layers_from",
    "live_map",
    "maatregelen",
    "mits",
    "open_assessment",
    "open_layers",
    "open_run",
    "per_gebied",
    "reikwijdte",
    "run",
    "status",
    "waarom",
    "warm_up",
    "waterschappen",
    "write_zarr",
]

if TYPE_CHECKING:
    from waterbodem import errors as errors
    from waterbodem import types as types
    from waterbodem.assessment.assessment import Assessment as Assessment
    from waterbodem.assessment.assessment import assess as assess
    from waterbodem.assessment.assessment import per_gebied as per_gebied
    from waterbodem.assessment.comparison import compare as compare
    from waterbodem.assessment.differences import difference as difference
    from waterbodem.assessment.live import live_map as live_map
    from waterbodem.assessment.mits import mits as mits
    from waterbodem.assessment.opening import open_assessment as open_assessment
    from waterbodem.assessment.warming import warm_up as warm_up
    from waterbodem.batch.runner import run as run
    from waterbodem.batch.state import status as status
    from waterbodem.batch.stores import open_run as open_run
    from waterbodem.batch.stores import write_zarr as write_zarr
    from waterbodem.definitions.abstraction import Well as Put
    from waterbodem.definitions.boards import waterschappen as waterschappen
    from waterbodem.definitions.kinds import lagen as lagen
    from waterbodem.definitions.kompas_rules import load_rules as kompas_regels
    from waterbodem.definitions.measures.catalogue import load_measures as maatregelen
    from waterbodem.definitions.measures.measure import Maatregel as Maatregel
    from waterbodem.definitions.models import Functie as Functie
    from waterbodem.definitions.receiving import chosen_reach as reikwijdte
    from waterbodem.definitions.registry import load_functies as functies
    from waterbodem.doubt.gevoeligheid import gevoeligheid as gevoeligheid
    from waterbodem.doubt.why import waarom as waarom
    from waterbodem.engine.burden import afwenteling as afwenteling
    from waterbodem.engine.scoring import geschiktheid as geschiktheid
    from waterbodem.layers.fiction.areas import example_plans as example_plans
    from waterbodem.layers.fiction.landscape import example as example
    from waterbodem.layers.in_memory import layers_from as layers_from
    from waterbodem.layers.stack import open_layers as open_layers
    from waterbodem.receivers.downstream import benedenstrooms as benedenstrooms
    from waterbodem.receivers.downstream import bovenstrooms as bovenstrooms
    from waterbodem.receivers.grootboek import grootboek as grootboek
else:

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return import_module(f"waterbodem.{name}")
        if name not in _WHERE:
            raise AttributeError(f"module 'waterbodem' has no attribute {name!r}")
        module = import_module(f"waterbodem.{_WHERE[name]}")
        value = getattr(module, _RENAMED.get(name, name))
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
