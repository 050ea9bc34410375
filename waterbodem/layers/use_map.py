"""Present use from a raster of functie codes that a user names beside the layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from waterbodem.core.crs import label, same_crs
from waterbodem.core.errors import GridMismatch
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import Digest, given_file, sha256_of
from waterbodem.definitions.models import LayerKind
from waterbodem.definitions.present_use import USE, UseMap
from waterbodem.definitions.registry import Functies, layer_kinds
from waterbodem.formats.foreign.side_files import check_side_files
from waterbodem.layers.catalogue import LayerEntry
from waterbodem.layers.raster import open_raster
from waterbodem.layers.source import LayerSource

NAME = "referentie"


@dataclass(frozen=True)
class UseSource(LayerSource):
    """A raster of functie codes, read as layer ``gebruik`` is; on cells of another size by the nearest of its own."""

    @property
    def kind(self) -> LayerKind:
        """What it measures."""
        return layer_kinds()[USE]


def opened_use(reference: Any, grid: Grid, functies: Functies, digest: Digest = sha256_of) -> Any:
    """Return the present use that settings name with its file checked; what is no file stays as it is.

    Parameters
    ----------
    reference : Functie, UseMap or None
        None: a map of layer ``gebruik``, in which codes may be of ``functies``.
    grid : Grid
        Of all the layers.
    functies : Functies
        What codes may stand for.
    digest : callable
        As :func:`waterbodem.layers.source.open_source` takes it.

    Raises
    ------
    WaterbodemError
        If the file is no raster that can be read, or in another CRS than the layers.
    """
    if reference is None:
        return UseMap(functies)
    if not isinstance(reference, UseMap) or reference.file is None:
        return reference
    path = given_file(reference.file, NAME)
    check_side_files(path, (path.parent,), NAME)
    entry = LayerEntry(path=path.name, unit=layer_kinds()[USE].unit, resampling="nearest")
    source = UseSource(NAME, entry, open_raster(path, path.name, 1, grid.crs, NAME), digest(path, None, NAME), NAME)
    if grid.crs is not None and not same_crs(source.crs, grid.crs):
        raise GridMismatch(
            "reference raster has another CRS than the layers",
            value=label(source.crs),
            allowed=f"{label(grid.crs)}: warp it first, nearest, or give it as layer {USE}",
            where=f"{NAME}: {path.name}",
        )
    told = {"bestand": path.name, "sha256": source.sha256, "bewerkt": source.resampled(grid) or ""}
    return replace(reference, functies=functies, told=told, source=source)
