"""Every error and warning of the library, for who catches them; which code is which: the page *Errors*.

Examples
--------
>>> import waterbodem as wb
>>> try:
...     wb.functies()["wonigbouw"]
... except wb.errors.UnknownFunctie as error:
...     print(error.code, error.value)
unknown-functie wonigbouw
"""

from __future__ import annotations

from waterbodem.core.errors import (
    ArgumentError,
    CatalogueError,
    Circular,
    ClusterError,
    CorruptLayer,
    DefinitionError,
    GeometryError,
    GridMismatch,
    LayerError,
    LayerIgnored,
    MissingLibrary,
    NoOverlap,
    NotARaster,
    OutOfSpace,
    PartFailed,
    Problems,
    UnknownFunctie,
    UnknownMeasure,
    UnsafePath,
    WaterbodemError,
    WorkerLost,
)

__all__ = [
    "ArgumentError",
    "CatalogueError",
    "Circular",
    "ClusterError",
    "CorruptLayer",
    "DefinitionError",
    "GeometryError",
    "GridMismatch",
    "LayerError",
    "LayerIgnored",
    "MissingLibrary",
    "NoOverlap",
    "NotARaster",
    "OutOfSpace",
    "PartFailed",
    "Problems",
    "UnknownFunctie",
    "UnknownMeasure",
    "UnsafePath",
    "WaterbodemError",
    "WorkerLost",
]
