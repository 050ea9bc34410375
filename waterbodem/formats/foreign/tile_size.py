"""How much of a raster file is decoded at once: a tile, strip or chunk, however small it is on disk."""

from __future__ import annotations

import math
from collections.abc import Sequence

from waterbodem.core.errors import LayerError

#: Bytes that are decoded at once, at most.
LARGEST_TILE = 256_000_000

#: How a file of larger pieces is written again, by its driver; and one that keeps all its bands together.
_TILED = "gdal_translate {more}-co TILED=YES -co COMPRESS=DEFLATE -co BIGTIFF=IF_SAFER {name} anders.tif"
_CHUNKED = "nccopy -c {more}x/512,y/512 -d 1 {name} anders.nc"
_MORE = {"netCDF": "tijd/1,", "GTiff": "-co INTERLEAVE=BAND "}


def check_tile(shape: Sequence[int], itemsize: int, driver: str, name: str, where: str = "", *, bands: int = 1) -> None:
    """Refuse a file of which a single tile, strip or chunk takes more memory than any block of cells that is read.

    Parameters
    ----------
    shape : sequence of int
        Numbers that are stored, and decoded, together: rows and columns, or before them other dimensions.
    itemsize : int
        Bytes of a number.
    driver, name : str
        The kind of file and its name, for the command that rewrites it.
    where : str
        File and key, for errors.
    bands : int
        That are stored together, cell by cell.

    Raises
    ------
    LayerError
        With the command that writes the file again.

    Examples
    --------
    >>> check_tile((512, 512), 4, "GTiff", "ghg.tif")
    """
    pieces = (bands, *shape) if bands > 1 else tuple(shape)
    size = math.prod(pieces) * itemsize
    if size > LARGEST_TILE:
        command = _CHUNKED if driver == "netCDF" else _TILED
        rewrite = command.format(name=name, more=_MORE.get(driver, "") if len(pieces) > 2 else "")
        raise LayerError(
            "cells are stored in pieces that are too large to decode",
            value=f"{' x '.join(map(str, pieces))} cells = {size / 1e6:.0f} MB",
            allowed=f"{LARGEST_TILE / 1e6:.0f} MB a tile, strip or chunk; write it again: {rewrite}",
            where=where,
        )
